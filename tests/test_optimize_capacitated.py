"""Sites that can be full: every subset tried, people counted by the smallest cut; bounds never cross."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from scipy.sparse import csr_array

from siting.optimize.capacitated import engine as capacity_engine
from siting.optimize.capacitated import search as capacity_search
from siting.optimize.capacitated.engine import solve_as_milp, solve_capacitated
from siting.optimize.capacitated.open_places import OpenPlaces
from siting.optimize.capacitated.problem import CapacitatedProblem, Prices, bound_of_prices, value_of
from siting.optimize.control import Control
from siting.optimize.max_flow import maximum_flow


def problem(near: Any, weight: list[int], capacity: list[float], **more: Any) -> CapacitatedProblem:
    m = len(capacity)
    given = {"value": np.zeros(m), "lower": np.zeros(m), "upper": np.ones(m)} | more
    given = {key: np.asarray(item, float) if isinstance(item, list) else item for key, item in given.items()}
    return CapacitatedProblem(
        csr_array(np.asarray(near, float)), np.array(weight, float), np.array(capacity, float), **given
    )


def subsets(columns: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    return itertools.chain.from_iterable(itertools.combinations(columns, k) for k in range(len(columns) + 1))


def most_served(p: CapacitatedProblem, columns: tuple[int, ...]) -> float:
    """The smallest cut: some columns are full, and the people around all others are served."""
    near = p.cover.toarray() > 0
    cuts = []
    for full in subsets(columns):
        others = [j for j in columns if j not in full]
        cuts.append(p.capacity[list(full)].sum() + p.weight[near[:, others].any(axis=1)].sum())
    return float(min(cuts))


def worth(p: CapacitatedProblem, columns: tuple[int, ...]) -> float:
    """What a plan is worth by the definition; minus infinity when it breaks a rule."""
    x = np.isin(np.arange(len(p.value)), columns)
    near = p.cover.toarray() > 0
    if (x < p.lower).any() or (x > p.upper).any():
        return -np.inf
    if p.most is not None and x[p.lower == 0].sum() > p.most:
        return -np.inf
    for part in subsets(columns):  # Hall: any columns find their least around them
        if p.least_use[list(part)].sum() > p.weight[near[:, list(part)].any(axis=1)].sum():
            return -np.inf
    served, value = most_served(p, columns), float(p.value[x].sum())
    if p.wanted is None:
        return served + value
    return value if served >= p.wanted else -np.inf


def best(p: CapacitatedProblem) -> float:
    return max(worth(p, columns) for columns in subsets(tuple(range(len(p.value)))))


def test_by_hand() -> None:
    """Two homes of 30 at a crossing, one of 50 alone. 40 places are best where 50 are, then 35 at the crossing."""
    near = [[1, 1, 0], [1, 1, 0], [0, 0, 1]]
    p = problem(near, [30, 30, 50], [35, 20, 40], most=1)
    found = solve_capacitated(p, Control())
    assert (found.status, found.value, found.bound) == ("optimal", 40, 40)
    assert found.x is not None
    assert found.x.tolist() == [False, False, True]
    assert solve_capacitated(replace(p, most=2), Control()).value == 75
    # Both at the crossing have room for 55 of its 60.
    assert solve_capacitated(replace(p, most=None), Control()).value == 95


def test_people_are_split_and_handed_on() -> None:
    """The second home reaches only the second site: the first home must leave it."""
    p = problem([[1, 1], [0, 1]], [10, 10], [10, 10])
    assert value_of(p, np.array([True, True])) == 20
    assert value_of(p, np.array([False, True])) == 10
    assert solve_capacitated(p, Control()).value == 20


def test_a_least_load_closes_a_site() -> None:
    """Each site wants 15 of 20 people around both."""
    p = problem([[1, 1]], [20], [20, 20], least=[15, 15])
    assert value_of(p, np.array([True, True])) == -np.inf
    assert value_of(p, np.array([True, False])) == 20
    assert solve_capacitated(p, Control()).value == 20
    both = replace(p, lower=np.ones(2))
    assert solve_capacitated(both, Control()).status == "infeasible"
    assert solve_as_milp(both, Control()).status == "infeasible"


def test_least_cost_of_a_share() -> None:
    """70 of 80 people: a dear site for all, or two cheap ones for 40 each."""
    near = [[1, 1, 0], [1, 0, 1]]
    p = problem(near, [40, 40], [80, 40, 40], value=[-9, -4, -4], wanted=70.0)
    found = solve_capacitated(p, Control())
    assert (found.status, found.value, found.bound) == ("optimal", -8, -8)
    assert solve_capacitated(replace(p, most=1), Control()).value == -9
    assert solve_capacitated(replace(p, wanted=81.0), Control()).status == "infeasible"


def random_problem(rng: np.random.Generator, n: int, m: int, kind: int) -> CapacitatedProblem:
    near = rng.random((n, m)) < 0.35
    lower, upper = np.zeros(m), np.ones(m)
    lower[0] = kind % 2
    upper[-1] = kind % 3 > 0
    capacity = rng.integers(0, 30, m).astype(float)
    capacity[rng.random(m) < 0.1] = np.inf
    weight = rng.integers(0, 15, n)
    p = problem(near, weight.tolist(), capacity.tolist(), lower=lower, upper=upper)
    if kind % 4 < 3:
        p = replace(p, most=int(rng.integers(0, m)))
    if kind % 5 > 1:
        p = replace(p, value=-rng.integers(0, 8, m).astype(float) / (1 if kind % 5 > 2 else 4))
    if kind % 6 == 1:
        p = replace(p, least=np.minimum(rng.integers(0, 20, m), capacity))
    if kind % 7 > 4:
        p = replace(p, wanted=float(rng.integers(0, 1 + int(weight.sum()))) * 0.7)
    return p


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(seed=some.integers(0, 10_000), kind=some.integers(0, 419), tree=some.booleans())
def test_every_subset_tried(seed: int, kind: int, tree: bool) -> None:
    """The tree alone, the solver behind the prices and the solver alone find the best of all subsets."""
    rng = np.random.default_rng(seed)
    p = random_problem(rng, 7, 6, kind)
    optimum = best(p)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(capacity_engine, "FEW", 0 if tree else 10_000)
        patch.setattr(capacity_search, "ROUNDS", 40)
        patch.setattr(capacity_search, "KICKS", 0)
        for found in (solve_capacitated(p, Control()), solve_as_milp(p, Control())):
            if optimum == -np.inf:
                assert (found.status, found.x) == ("infeasible", None)
                continue
            assert found.status == "optimal"
            assert found.value == pytest.approx(optimum)
            assert found.bound == pytest.approx(optimum)
            assert found.x is not None
            assert worth(p, tuple(np.flatnonzero(found.x))) == pytest.approx(optimum)
            if found.prices is not None:
                assert bound_of_prices(p, found.prices) >= optimum - 1e-9


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(seed=some.integers(0, 10_000), kind=some.integers(0, 419), scale=some.floats(0, 5))
def test_any_prices_bound_every_plan(seed: int, kind: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    p = random_problem(rng, 7, 6, kind)
    scale = 1.0 if p.wanted is None else scale
    prices = Prices(rng.choice([0.0, 0.3, 0.7, 1.0], 7) * scale, scale)
    assert bound_of_prices(p, prices) >= best(p) - 1e-9


def test_prices_that_prove_nothing_are_refused() -> None:
    p = problem([[1]], [5], [3])
    assert bound_of_prices(p, Prices(np.zeros(1))) == 3
    assert bound_of_prices(p, Prices(np.ones(1))) == 5
    for wrong in (Prices(np.full(1, 1.1)), Prices(np.full(1, -0.1)), Prices(np.full(1, np.nan)), Prices(np.zeros(2))):
        with pytest.raises(ValueError, match="one for each need"):
            bound_of_prices(p, wrong)
    with pytest.raises(ValueError, match="worth 1"):
        bound_of_prices(p, Prices(np.zeros(1), 2.0))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"capacity": [1.0]}, "capacity has 1 entries, not 2"),
        ({"value": [0.0, np.nan]}, "value holds what is no number"),
        ({"weight": [1.5, 2]}, "weight holds what is not a whole number"),
        ({"capacity": [-1.0, 2]}, "capacity holds what is not a whole number"),
    ],
)
def test_bad_arrays_are_refused(more: dict[str, list[float]], message: str) -> None:
    p = problem([[1, 0], [0, 1]], [1, 2], [3, 4])
    with pytest.raises(ValueError, match=message):
        solve_capacitated(replace(p, **{key: np.array(item) for key, item in more.items()}), Control())


def test_a_town_is_close_to_its_bound_and_the_prices_prove_it() -> None:
    """Found twice the same; every bound on the way is above every value; the prices alone prove most of it."""
    rng = np.random.default_rng(3)
    homes, sites = rng.uniform(0, 10, (600, 2)), rng.uniform(0, 10, (80, 2))
    near = ((homes[:, None] - sites[None]) ** 2).sum(axis=2) <= 1.2**2
    lower = np.zeros(80)
    lower[::20] = 1
    p = problem(near, rng.integers(1, 40, 600).tolist(), rng.integers(100, 900, 80).tolist(), lower=lower, most=12)
    told: list[tuple[float, float]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(capacity_engine, "FEW", 0)
        patch.setattr(capacity_search, "ROUNDS", 400)
        patch.setattr(capacity_search, "KICKS", 4)
        control = Control(gap=0.003, progress=lambda p: told.append((p.value or 0.0, p.bound or np.inf)))
        found = solve_capacitated(p, control)
        again = solve_capacitated(p, Control(gap=0.003))
    assert found.x is not None
    assert again.x is not None
    assert found.x.tolist() == again.x.tolist()
    assert found.value == value_of(p, found.x) <= found.bound
    assert all(value <= bound for value, bound in told)
    assert found.bound <= found.value * 1.004
    assert found.prices is not None
    assert found.bound <= np.ceil(bound_of_prices(p, found.prices)) <= found.value * 1.01


def test_time_is_kept() -> None:
    p = problem(np.ones((3, 3)), [5, 5, 5], [3, 3, 3], most=2)
    found = solve_capacitated(p, Control(time_limit=0))
    assert found.status in ("time_limit", "optimal")
    assert found.bound >= 6


@pytest.mark.parametrize("seed", range(20))
def test_places_that_are_added_count_as_a_flow_made_anew(seed: int) -> None:
    """What places add, and who is lost without some of them, is the difference of two maximum flows."""
    rng = np.random.default_rng(seed)
    need, destination = np.nonzero(rng.random((12, 5)) < 0.4)
    amount, places, fewer = rng.integers(0, 9, 12), rng.integers(0, 15, 5), rng.integers(0, 15, 5)

    def most(room: Any) -> int:
        return int(maximum_flow(amount, room, need.astype(np.int32), destination.astype(np.int32)).flow.sum())

    flow, room = OpenPlaces(amount, 5, need, destination), np.zeros(5, np.int64)
    for j in [*rng.permutation(5), int(rng.integers(0, 5))]:  # one of them grows
        before = most(room)
        room[j] += places[j]
        assert flow.add(int(j), int(places[j])) == most(room) - before
    for _ in range(2):  # nothing changed
        for j in range(5):
            without = room.copy()
            without[j] -= min(room[j], fewer[j])
            assert flow.lost_without(j, int(min(room[j], fewer[j]))) == most(room) - most(without)
