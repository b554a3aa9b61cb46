"""Covering with rules of every kind: what the engines answer is what enumeration answers, and proofs never lie."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from siting.optimize import highs
from siting.optimize.control import Control
from siting.optimize.covering.local_search import LocalSearch
from siting.optimize.covering.presolve import reduce
from siting.optimize.covering.relaxation import Lagrangian, Relaxation
from siting.optimize.covering.side_constraints import solve_side_constraints
from siting.optimize.milp import solve_milp
from siting.optimize.model import Model
from siting.optimize.proof import bound_of
from siting.optimize.solution import Solution

Engine = Callable[..., Solution]


def random_model(seed: int, *, levels: bool) -> Model:
    """Up to 12 needs and 8 columns with random rows, shares and needs that must be served."""
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(1, 13)), int(rng.integers(1, 9))
    near = rng.random((n, m)) < rng.uniform(0.1, 0.7)
    must = rng.random(n) < rng.choice([0.0, 0.0, 0.1, 1.0])
    worth = rng.integers(0, 9, (n, m if levels else 1)) * np.ones((1, m))
    if levels:
        worth = np.where(must[:, None], -worth, worth)
    benefit = csr_array((worth[near], np.nonzero(near)), shape=(n, m))
    benefit.sort_indices()
    k, s = int(rng.integers(0, 4)), int(rng.integers(0, 3))
    rows = rng.integers(-1, 4, (k, m)) * (rng.random((k, m)) < 0.6)
    middle = rows @ (rng.random(m) < 0.5)
    low = np.where(rng.random(k) < 0.5, middle - rng.integers(0, 3, k), -np.inf)
    high = np.where(rng.random(k) < 0.7, middle + rng.integers(0, 3, k), np.inf)
    shares = rng.integers(0, 5, (s, n)) * (rng.random((s, n)) < 0.7)
    fixed = rng.random(m)
    return Model(
        benefit=benefit,
        value=rng.choice([0, 1]) * -rng.integers(-1, 6, m).astype(float),
        rows=csr_array(rows.astype(float)),
        low=low.astype(float),
        high=high.astype(float),
        lower=(fixed < 0.1).astype(float),
        upper=(fixed < 0.9).astype(float),
        shares=csr_array(shares.astype(float)),
        wanted=np.floor(rng.uniform(0, 1) * shares.sum(axis=1)).astype(float),
        must=must,
        grain=float(rng.choice([0.0, 1.0])),
        constant=float(rng.integers(0, 3)),
    )


def enumerated(model: Model) -> float:
    """Best objective of all plans that keep the rules; minus infinity when none does."""
    plans = (np.array(bits, bool) for bits in itertools.product([False, True], repeat=len(model.value)))
    return max((model.objective(x) for x in plans if model.is_feasible(x)), default=-math.inf)


def holds(found: Solution, model: Model, best: float) -> None:
    if best == -math.inf:
        assert (found.status, found.x, found.value, found.bound) == ("infeasible", None, -math.inf, -math.inf)
        return
    assert found.status == "optimal"
    assert found.x is not None
    assert model.is_feasible(found.x)
    assert model.objective(found.x) == found.value == pytest.approx(best)
    assert found.bound == found.value


def trusted(found: Solution, model: Model, best: float) -> None:
    """A proof never says less than the best plan is worth; *model* is the one that it is about."""
    if found.proof is not None:
        assert bound_of(model, found.proof) >= best - 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("levels", [False, True])
def test_general_equals_enumeration(levels: bool) -> None:
    for seed in range(50):
        model = random_model(seed, levels=levels)
        best = enumerated(model)
        found = solve_milp(model, Control())
        holds(found, model, best)
        trusted(found, model, best)


@pytest.mark.slow
def test_sides_equal_enumeration() -> None:
    for seed in range(120):
        model = random_model(seed, levels=False)
        best = enumerated(model)
        found = solve_side_constraints(model, Control())
        holds(found, model, best)
        trusted(found, reduce(model).model, best)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.integers(10_000, 10**9))
def test_any_model(seed: int) -> None:
    model = random_model(seed, levels=False)
    holds(solve_side_constraints(model, Control()), model, enumerated(model))


def simple(cover: list[list[float]], **more: object) -> Model:
    """Needs × columns worth what is stored, without any rule but those given."""
    dense = np.array(cover, float)
    n, m = dense.shape
    none = {"rows": csr_array((0, m)), "low": np.zeros(0), "high": np.zeros(0)}
    none |= {"shares": csr_array((0, n)), "wanted": np.zeros(0)}
    rest = {"value": np.zeros(m), "lower": np.zeros(m), "upper": np.ones(m), "must": np.zeros(n, bool), "grain": 1.0}
    return Model(**({"benefit": csr_array(dense)} | none | rest | more))  # type: ignore[arg-type]


def two_in_one_building(saving: float) -> Model:
    """Two services at sites 0 and 1 for 10 people each, budget 5, a service costs 3; column 4 + k saves at site k."""
    cover = np.zeros((4, 6))
    cover[0, 0] = cover[1, 1] = cover[2, 2] = cover[3, 3] = 10
    rows = [
        [3, 3, 3, 3, -saving, -saving],
        [-1, 0, 0, 0, 1, 0],
        [0, 0, -1, 0, 1, 0],
        [0, -1, 0, 0, 0, 1],
        [0, 0, 0, -1, 0, 1],
    ]
    high = np.array([5.0, 0, 0, 0, 0])
    return simple(cover.tolist(), rows=csr_array(np.array(rows, float)), low=np.full(5, -np.inf), high=high)


@pytest.mark.parametrize("solve", [solve_milp, solve_side_constraints])
def test_sharing_a_building_pays_for_the_second_service(solve: Engine) -> None:
    # 5 buys one service of 3, or both at one site when that saves 1: 3 + 3 - 1.
    for saving, worth in ((0.5, 10.0), (1.0, 20.0)):
        found = solve(two_in_one_building(saving), Control())
        assert (found.status, found.value, found.bound) == ("optimal", worth, worth)


def test_the_local_search_knows_what_sharing_saves() -> None:
    model = two_in_one_building(1.0)
    terms = Lagrangian(model)
    search = LocalSearch(terms, Relaxation(terms).solve())
    assert search.pairs.column.tolist() == [4, 5]
    search.start_from(np.zeros(6, bool))
    search.descend()
    assert search.best == 20
    assert search.best_x is not None
    assert search.best_x.tolist() in ([True, False, True, False, True, False], [False, True, False, True, False, True])


def phases(state: bool) -> Model:
    """Two years, one new site each; 5 and 4 people near sites 0 and 1 in the first, 5 and 9 in the second."""
    if state:  # a column says that a site is open in a year
        cover = np.zeros((4, 4))
        cover[0, 0], cover[1, 1], cover[2, 2], cover[3, 3] = 5, 4, 5, 9
        rows, high = [[1, 1, 0, 0], [0, 0, 1, 1], [1, 0, -1, 0], [0, 1, 0, -1]], [1.0, 2, 0, 0]
    else:  # a column says that a site opens in a year
        cover = np.array([[5, 0, 0, 0], [0, 4, 0, 0], [5, 0, 5, 0], [0, 9, 0, 9]])
        rows, high = [[1, 1, 0, 0], [0, 0, 1, 1], [1, 0, 1, 0], [0, 1, 0, 1]], [1.0, 1, 1, 1]
    inside = {"low": np.full(4, -np.inf), "high": np.array(high)}
    return simple(cover.tolist(), rows=csr_array(np.array(rows, float)), **inside)


@pytest.mark.parametrize("solve", [solve_milp, solve_side_constraints])
def test_phases_either_way(solve: Engine) -> None:
    # Site 0 first: 5, then both: 5 + 9. The other way it would be 4 + 14.
    for state in (False, True):
        found = solve(phases(state), Control())
        assert (found.status, found.value) == ("optimal", 19)
        assert found.x is not None
        assert found.x[0]
        assert not found.x[1]


@pytest.mark.parametrize("solve", [solve_milp, solve_side_constraints])
def test_rules_that_contradict_each_other(solve: Engine) -> None:
    # One site at most, but both districts want theirs.
    model = simple(
        [[3, 0], [0, 4]],
        rows=csr_array(np.ones((1, 2))),
        low=np.array([-np.inf]),
        high=np.array([1.0]),
        shares=csr_array(np.diag([3.0, 4.0])),
        wanted=np.array([3.0, 4.0]),
    )
    found = solve(model, Control())
    assert (found.status, found.x, found.value, found.bound) == ("infeasible", None, -math.inf, -math.inf)


def city(n: int = 300, m: int = 40) -> Model:
    """Homes and sites at random; the most within 0.1 of 8 sites, half of each quarter at least."""
    rng = np.random.default_rng(3)
    homes, sites = rng.random((n, 2)), rng.random((m, 2))
    people = rng.integers(1, 100, n).astype(float)
    near = np.hypot(*(homes[:, None] - sites).transpose(2, 0, 1)) < 0.16
    quarter = (homes[:, 0] > 0.5) * 2 + (homes[:, 1] > 0.5)
    shares = np.array([np.where(quarter == k, people, 0.0) for k in range(4)])
    wanted = np.floor(0.4 * (shares @ near.any(axis=1)))
    rows = {"rows": csr_array(np.ones((1, m))), "low": np.array([-np.inf]), "high": np.array([8.0])}
    return simple((near * people[:, None]).tolist(), shares=csr_array(shares), wanted=wanted, **rows)


def test_both_engines_agree_and_repeat_themselves() -> None:
    model = city()
    first, second, other = (
        solve_side_constraints(model, Control()),
        solve_side_constraints(model, Control()),
        solve_milp(model, Control()),
    )
    assert first.status == other.status == "optimal"
    assert first.value == other.value
    assert first.x is not None
    assert second.x is not None
    assert (first.x == second.x).all()
    assert first.proof is not None
    assert bound_of(reduce(model).model, first.proof) == pytest.approx(first.bound, abs=1)


@pytest.mark.parametrize("solve", [solve_milp, solve_side_constraints])
def test_stopped_early_the_bound_still_holds(solve: Engine) -> None:
    best = solve_milp(city(), Control()).value
    for control in (Control(time_limit=0.0), Control(gap=0.5)):
        found = solve(city(), control)
        assert found.value <= best <= found.bound
        assert found.status in ("time_limit", "feasible", "optimal")


@pytest.mark.parametrize("solve", [solve_milp, solve_side_constraints])
def test_a_start_is_taken_unless_it_breaks_rules(solve: Engine) -> None:
    best = solve_milp(city(), Control())
    found = solve(city(), Control(time_limit=0.0), start=best.x)
    assert found.value == best.value
    assert solve(city(), Control(), start=np.ones(40, bool)).value == best.value


@pytest.mark.parametrize("solve", [solve_milp, solve_side_constraints])
def test_an_error_of_the_listener_comes_through(solve: Engine) -> None:
    def fail(_: object) -> None:
        raise KeyError("told")

    with pytest.raises(KeyError, match="told"):
        solve(city(), Control(progress=fail))


def test_levels_are_not_for_the_engine_of_covering() -> None:
    with pytest.raises(ValueError, match="worth the same"):
        solve_side_constraints(simple([[1, 2], [1, 0]]), Control())


def test_the_solver_gives_prices_and_stops_when_told() -> None:
    # min -5x - 4y with 6x + 4y <= 9: y = 1 and x = 5/6; a unit more is worth a sixth of 5, and y 4 - 4 * 5/6 by itself.
    whole = highs.Programme(
        -np.array([5.0, 4]), np.zeros(2), np.ones(2), csr_array([[6.0, 4]]), np.array([-np.inf]), np.array([9.0]), 2
    )
    relaxed = highs.run(replace(whole, whole=0))
    assert relaxed.bound == pytest.approx(-4 - 25 / 6)
    assert relaxed.duals is not None
    assert relaxed.duals[0] == pytest.approx([-5 / 6])
    assert relaxed.duals[1] == pytest.approx([0, -2 / 3])
    assert highs.run(whole, stop=lambda *_: False).bound == pytest.approx(-5)


@pytest.mark.parametrize("sense", [1, -1])
def test_what_is_told_never_gets_worse(sense: int) -> None:
    told = []
    control = Control(progress=lambda at: told.append((at.value, at.bound)))
    control.sense = sense
    best = solve_side_constraints(city(), control).value
    known = [(sense * value, sense * bound) for value, bound in told if value is not None and bound is not None]
    assert len(known) > 1
    assert all(value <= best <= bound for value, bound in known)
    assert all(a[0] <= b[0] and a[1] >= b[1] for a, b in itertools.pairwise(known))


def test_without_time_each_share_alone_is_a_bound() -> None:
    # Three sites hold 5, 4 and 3 people; 8 of them need two, even if the sites shared nobody; and one of the last.
    people = np.array([5.0, 4, 3])
    model = simple(
        np.eye(3).tolist(),
        benefit=csr_array((np.zeros(3), (range(3), range(3))), shape=(3, 3)),
        value=-np.ones(3),
        shares=csr_array(np.array([people, [0, 0, 3]])),
        wanted=np.array([8.0, 3]),
    )
    found = solve_side_constraints(model, Control(time_limit=0.0))
    assert found.bound == -2
    assert found.value in (-2, -3)
    limited = simple(
        np.diag(people).tolist(), rows=csr_array(np.ones((1, 3))), low=np.array([1.0]), high=np.array([2.0])
    )
    for solve in (solve_side_constraints, solve_milp):
        found = solve(limited, Control(time_limit=0.0))
        assert found.bound >= 9
        assert found.x is None or found.value <= 9
    assert solve_side_constraints(limited, Control(time_limit=0.0)).bound == 9
