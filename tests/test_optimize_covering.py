"""The covering engine against enumeration: values, bounds, proofs, reductions."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from siting.optimize.control import Control, Progress
from siting.optimize.covering.covering import solve_covering
from siting.optimize.covering.partial_covering import bound_of_partial, maximal_covering
from siting.optimize.covering.presolve import reduce
from siting.optimize.covering.relaxation import Lagrangian, Multipliers, Relaxation
from siting.optimize.model import Model
from siting.optimize.proof import Proof
from siting.optimize.proof import bound_of as added_up
from siting.optimize.solution import Solution, floored

seeds = st.integers(0, 10**6)


def model(
    serves: np.ndarray,
    weight: object = 0,
    *,
    value: object = 0,
    row: object = None,
    low: float = -math.inf,
    high: float = math.inf,
    shares: object = (),
    wanted: object = (),
    must: object = False,
    lower: object = 0,
    upper: object = 1,
    grain: float = 1.0,
) -> Model:
    """A model from a table of needs × columns, 1 where a column serves a need."""
    serves = np.asarray(serves, float)
    n, m = serves.shape
    pattern = csr_array(serves)
    pattern.sort_indices()
    weight = np.broadcast_to(np.asarray(weight, float), n)
    data = np.repeat(weight, np.diff(pattern.indptr))
    rows = np.zeros((0, m)) if row is None else np.atleast_2d(np.asarray(row, float))
    shares = np.asarray(shares, float).reshape(-1, n)
    wide = {name: np.broadcast_to(np.asarray(a, float), m).copy() for name, a in
            (("value", value), ("lower", lower), ("upper", upper))}  # fmt: skip
    return Model(
        benefit=csr_array((data, pattern.indices, pattern.indptr), shape=(n, m)),
        rows=csr_array(rows),
        low=np.broadcast_to(np.asarray(low, float), len(rows)).copy(),
        high=np.broadcast_to(np.asarray(high, float), len(rows)).copy(),
        shares=csr_array(shares),
        wanted=np.asarray(wanted, float).reshape(-1),
        must=np.broadcast_to(np.asarray(must, bool), n).copy(),
        grain=grain,
        **wide,
    )


def best(of: Model) -> float:
    """Value of the best of all plans, all of them looked at; minus infinity when none keeps the rules."""
    benefit, (n, m) = of.benefit.toarray(), of.benefit.shape
    serves = csr_array((np.ones(of.benefit.nnz), of.benefit.indices, of.benefit.indptr), (n, m)).toarray() > 0
    plans = np.array(list(itertools.product((False, True), repeat=m)), bool).reshape(2**m, m)
    worth = np.where(serves[None] & plans[:, None, :], benefit[None], -np.inf).max(axis=2, initial=-np.inf)
    served = ~np.isneginf(worth)
    sums = plans @ of.rows.toarray().T
    keeps = (plans >= of.lower).all(axis=1) & (plans <= of.upper).all(axis=1)
    keeps &= (sums >= of.low - 1e-9).all(axis=1) & (sums <= of.high + 1e-9).all(axis=1)
    keeps &= (served @ of.shares.toarray().T >= of.wanted - 1e-9).all(axis=1) & served[:, of.must].all(axis=1)
    value = of.constant + np.where(served, worth, 0).sum(axis=1) + plans @ of.value
    return float(value[keeps].max(initial=-np.inf))


def random_model(seed: int) -> Model:
    """One of many kinds of small models."""
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(1, 12)), int(rng.integers(1, 9))
    serves = rng.random((n, m)) < rng.uniform(0.15, 0.6)
    kind = seed % 6
    options: dict[str, object] = {"lower": rng.random(m) < 0.12, "upper": rng.random(m) < 0.88}
    options["upper"] = np.maximum(options["upper"], options["lower"])
    weight = rng.integers(0, 20, n)
    p = int(rng.integers(0, m + 1))
    if kind in (0, 1):  # most served with p, or with a budget
        row = np.ones(m) if kind == 0 else rng.integers(1, 6, m)
        forced = float((row * options["lower"]).sum())
        options |= {"weight": weight, "row": row, "high": forced + p * (1 if kind == 0 else 2)}
        if seed % 4 == 0:
            options |= {"value": -rng.integers(0, 9, m), "low": 0 if seed % 3 else min(1.0, float(options["high"]))}
    elif kind == 2:  # fewest for a share
        part = rng.integers(0, 9, n)
        options |= {"value": -1, "shares": part, "wanted": [rng.integers(0, part.sum() + 2)]}
    elif kind == 3:  # all, or those that must, for the least cost
        must = rng.random(n) < 0.7
        options |= {"value": -1 if seed % 4 == 1 else -rng.integers(1, 9, m), "must": must}
        options |= {"weight": np.where(must, -weight, weight) if seed % 5 == 0 else 0}
    elif kind == 4:  # some of each part for the least cost, or the most served with it
        parts = rng.integers(0, 9, (3, n)) * (rng.random((3, n)) < 0.6)
        options |= {"shares": parts, "wanted": np.floor(parts.sum(axis=1) * rng.uniform(0.2, 0.9))}
        options |= {"value": -rng.integers(1, 4, m)} if seed % 4 else {"weight": weight, "row": np.ones(m), "high": p}
    else:  # rules of every kind
        rows = rng.integers(-1, 3, (2, m))
        options |= {"weight": weight, "row": rows, "low": [-np.inf, rng.integers(-1, 2)], "high": [p, np.inf]}
        options |= {"value": rng.integers(-5, 3, m), "must": rng.random(n) < 0.1}
    return model(serves, **options)  # type: ignore[arg-type]


def bound_of(of: Model, proof: Proof) -> float:
    """The formula of `Proof`, written out, leaf by leaf."""
    benefit, shares, rows = of.benefit.toarray(), of.shares.toarray(), of.rows.toarray()
    serves = csr_array((np.ones(of.benefit.nnz), of.benefit.indices, of.benefit.indptr), of.benefit.shape).toarray() > 0

    def bound(k: int, lower: np.ndarray, upper: np.ndarray) -> float:
        v, y, m = proof.v[k].astype(float), proof.y[k], proof.m[k]
        assert (m >= 0).all()
        assert (v[~of.must] >= 0).all()
        r = of.value - y @ rows
        r = r + (np.maximum(0, benefit + (m @ shares)[:, None] - v[:, None]) * serves).sum(axis=0)
        sides = [a * (high if a > 0 else low) for a, low, high in zip(y, of.low, of.high, strict=True) if a]
        return float(of.constant + v.sum() + sum(sides) - m @ of.wanted + np.maximum(r * lower, r * upper).sum())

    box, most, children = {}, -math.inf, set(proof.parent.tolist())
    for node in range(len(proof.parent)):
        if node == 0:
            lower, upper = of.lower.copy(), of.upper.copy()
        else:
            lower, upper = (a.copy() for a in box[int(proof.parent[node])])
            same = proof.parent == proof.parent[node]
            assert set(proof.column[same]) == {proof.column[node]}
            assert sorted(proof.at[same]) == [0, 1]
            lower[proof.column[node]] = upper[proof.column[node]] = proof.at[node]
        here, k = proof.fixed_node == node, int(proof.price[node])
        inside = lower.copy(), upper.copy()
        for j, at in zip(proof.fixed_column[here], proof.fixed_at[here], strict=True):
            a, b = lower.copy(), upper.copy()
            a[j] = b[j] = 1 - at
            most = max(most, bound(k, a, b))
            inside[0][j] = inside[1][j] = at
        box[node] = inside
        if node not in children:
            most = max(most, bound(k, lower, upper))
    return most


def check(of: Model, found: Solution) -> None:
    truth = best(of)
    if truth == -math.inf:
        assert found.status == "infeasible"
        assert found.x is None
    else:
        assert found.status == "optimal"
        assert found.value == pytest.approx(truth)
        assert of.is_feasible(found.x)
        assert of.objective(found.x) == pytest.approx(found.value)
        assert found.bound == pytest.approx(truth)
    assert found.proof is not None
    small = reduce(of).model
    proven = floored(bound_of(small, found.proof), of.grain)
    if truth == -math.inf:
        assert proven < small.constant + np.minimum(0, small.value).sum() - 0.5  # below what any plan is worth
    else:
        assert proven == pytest.approx(truth, abs=1e-6)


@pytest.mark.slow
@given(seeds)
@settings(max_examples=80, deadline=None, derandomize=True)
def test_small_models_are_solved_as_by_enumeration(seed: int) -> None:
    of = random_model(seed)
    check(of, solve_covering(of, Control()))


@pytest.mark.slow
@given(seeds)
@settings(max_examples=200, deadline=None, derandomize=True)
def test_reduction_keeps_the_optimum(seed: int) -> None:
    of = random_model(seed)
    if seed % 2:  # worth more from some columns than from others
        rng = np.random.default_rng(seed)
        worth = rng.integers(-4, 9, of.benefit.nnz).astype(float)
        owner = np.repeat(np.arange(of.benefit.shape[0]), np.diff(of.benefit.indptr))
        worth = np.where(of.must[owner], worth, np.abs(worth))
        of = replace(of, benefit=csr_array((worth, of.benefit.indices, of.benefit.indptr), of.benefit.shape))
    reduced = reduce(of)
    assert best(reduced.model) == pytest.approx(best(of))
    assert reduced.model.benefit.nnz <= of.benefit.nnz
    rng = np.random.default_rng(seed)
    x = (rng.random(len(reduced.columns)) < 0.5) | (reduced.model.lower > 0)
    if reduced.model.is_feasible(x):  # a plan of the smaller model is one of the given one, and worth the same
        wide = reduced.widen(x, of.benefit.shape[1])
        assert of.is_feasible(wide)
        assert of.objective(wide) == pytest.approx(reduced.model.objective(x))


def test_reduction_by_hand() -> None:
    # Column 1 does what 0 and 3 do; then 0 and 1 have the same columns, as have 2 and 3; 4 is out of reach.
    serves = np.array([[1, 1, 0, 0], [0, 1, 0, 0], [0, 1, 1, 0], [0, 1, 1, 1], [0, 0, 0, 0]])
    reduced = reduce(model(serves, [1, 2, 4, 8, 16], row=np.ones(4), high=1))
    assert reduced.columns.tolist() == [1]
    assert reduced.needs.tolist() == [0, 0, 0, 0, -1]
    assert reduced.model.benefit.toarray().tolist() == [[15.0]]
    # With an open column 2, what it serves is certain.
    reduced = reduce(model(serves, [1, 2, 4, 8, 16], row=np.ones(4), high=2, lower=[0, 0, 1, 0]))
    assert reduced.model.constant == 12
    assert reduced.columns.tolist() == [1, 2]
    # The only column of a need that must be served is open, which settles the others.
    reduced = reduce(model(serves, value=-1, must=[1, 1, 0, 0, 0]))
    assert reduced.model.lower[reduced.columns == 1] == 1
    assert (reduced.needs == -1).all()


def test_columns_that_a_lower_limit_needs_are_kept() -> None:
    of = model(np.ones((1, 3)), 5, row=np.ones(3), low=2, high=2)
    assert len(reduce(of).columns) == 3
    assert solve_covering(of, Control()).x.sum() == 2


def city(n: int, m: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Homes and sites on a square: who is near whom, and people at home."""
    rng = np.random.default_rng(seed)
    homes, sites = rng.uniform(0, 1, (n, 2)), rng.uniform(0, 1, (m, 2))
    near = np.hypot(*(homes[:, None] - sites[None]).transpose(2, 0, 1)) <= 0.17
    return near, rng.integers(1, 100, n).astype(float)


def textbook(near: np.ndarray, weight: np.ndarray, p: int) -> float:
    """Most people that p sites serve, by another solver and another model: one variable for each home."""
    n, m = near.shape
    rows = np.hstack([np.eye(n), -near.astype(float)])
    limits = [LinearConstraint(rows, -np.inf, 0), LinearConstraint(np.r_[np.zeros(n), np.ones(m)], 0, p)]
    whole = np.r_[np.zeros(n), np.ones(m)]
    answer = milp(np.r_[-weight, np.zeros(m)], constraints=limits, integrality=whole, bounds=Bounds(0, 1))
    return -float(answer.fun)


@pytest.mark.parametrize("seed", range(3))
def test_cities_are_solved_as_by_a_textbook_model(seed: int) -> None:
    near, weight = city(200, 40, seed)
    of = model(near, weight, row=np.ones(40), high=7)
    found = solve_covering(of, Control())
    assert found.status == "optimal"
    assert found.value == pytest.approx(textbook(near, weight, 7))
    assert floored(bound_of(reduce(of).model, found.proof), 1.0) == found.value
    # Fewest for the share that seven reach, and for a little more.
    for wanted, fewest in ((found.value, 7), (found.value + 1, 8)):
        share = model(near, value=-1, shares=weight, wanted=wanted)
        answer = solve_covering(share, Control())
        assert (answer.status, answer.value, answer.bound) == ("optimal", -fewest, -fewest)
        assert floored(bound_of(reduce(share).model, answer.proof), 1.0) == -fewest


def test_bounds_and_values_never_cross_and_stopping_early_is_said() -> None:
    near, weight = city(300, 60, 5)
    of = model(near, weight, row=np.ones(60), high=9)
    seen: list[Progress] = []
    best_value = solve_covering(of, Control(progress=seen.append)).value
    known = [(step.value, step.bound) for step in seen if step.value is not None]
    assert len(known) > 1
    assert all(value <= best_value <= bound for value, bound in known)
    assert all(later[0] >= sooner[0] for sooner, later in itertools.pairwise(known))
    assert all(later[1] <= sooner[1] for sooner, later in itertools.pairwise(known))
    stopped = solve_covering(of, Control(time_limit=0.0))
    assert stopped.status == "time_limit"
    assert stopped.bound >= best_value
    assert floored(bound_of(reduce(of).model, stopped.proof), 1.0) == stopped.bound
    near_enough = solve_covering(of, Control(gap=0.2))
    assert near_enough.status in ("feasible", "optimal")
    assert near_enough.bound <= near_enough.value * 1.25 + 1


def test_the_same_every_time_and_a_start_is_used() -> None:
    near, weight = city(300, 60, 7)
    of = model(near, weight, row=np.ones(60), high=9)
    one, other = solve_covering(of, Control()), solve_covering(of, Control())
    assert (one.x == other.x).all()
    assert one.nodes == other.nodes
    assert (one.proof.v == other.proof.v).all()
    begun = solve_covering(of, Control(time_limit=0.0), start=one.x)
    assert begun.value == one.value


def test_weights_that_are_not_whole() -> None:
    near, weight = city(150, 30, 3)
    of = model(near, weight / 7, row=np.ones(30), high=5, grain=0.0)
    whole = solve_covering(model(near, weight, row=np.ones(30), high=5), Control())
    found = solve_covering(of, Control())
    assert found.status == "optimal"
    assert found.value == pytest.approx(whole.value / 7)
    assert bound_of(reduce(of).model, found.proof) <= found.value * (1 + 2e-9)


def test_any_multipliers_bound() -> None:
    rng = np.random.default_rng(1)
    for seed in range(60):
        of = random_model(seed)
        terms = Lagrangian(of)
        y = np.where(rng.random(len(of.high)) < 0.5, np.isfinite(of.high) * 1.0, np.isfinite(of.low) * -1.0)
        prices = Multipliers(rng.uniform(0, 20, of.benefit.shape[0]), y * 3, rng.uniform(0, 3, len(of.wanted)))
        assert terms.bound(prices, of.lower, of.upper)[0] >= best(of) - 1e-9


def test_prices_of_the_relaxation_reach_its_value() -> None:
    # Three needs, each pair of columns serves two of them: one column serves 2/3, the relaxation has 2 with x of 1/2.
    of = model(np.array([[1, 1, 0], [1, 0, 1], [0, 1, 1]]), 2, row=np.ones(3), high=1)
    prices = Relaxation(Lagrangian(of)).solve()
    assert Lagrangian(of).bound(prices, of.lower, of.upper)[0] == pytest.approx(4)
    assert prices.x.sum() == pytest.approx(1)


def test_what_is_no_number_is_refused() -> None:
    of = model(np.ones((2, 2)), 1)
    with pytest.raises(ValueError, match="value holds what is no number"):
        Lagrangian(replace(of, value=np.array([0, np.nan])))
    with pytest.raises(ValueError, match="finite"):
        Lagrangian(replace(of, value=np.array([0, np.inf])))
    uneven = csr_array(np.array([[1.0, 2.0], [2.0, 1.0]]))
    with pytest.raises(ValueError, match="the same from all"):
        solve_covering(replace(of, benefit=uneven), Control())


def almost_equal(n: int, size: int) -> tuple[np.ndarray, int]:
    """People of *n* sites that share nobody, and what one more than the largest half of them hold."""
    people = size + np.arange(n) % 5
    return people, int(np.sort(people)[-n // 2 :].sum()) + 1


@pytest.mark.parametrize("size", [10**5, 10**6, 10**7])
def test_one_person_of_millions_is_proven(size: int) -> None:
    people, need = almost_equal(20, size)
    of = model(np.eye(20), value=-1, shares=people, wanted=[need])
    found = solve_covering(of, Control(time_limit=30))
    assert (found.status, found.value, found.bound) == ("optimal", -11, -11)
    if found.too_few is None:
        assert floored(bound_of(reduce(of).model, found.proof), 1.0) == -11
    else:
        assert found.too_few == 10
        assert bound_of_partial(of, found.proof, 10) == -11
        assert bound_of(maximal_covering(reduce(of).model, 10), found.proof) < need
    # the same prices say nothing about 11 columns, which are enough
    assert bound_of_partial(of, found.proof if found.too_few else asked_alone(people), 11) == math.inf
    both = model(np.eye(20), people, row=np.ones(20), high=10, shares=people, wanted=[need])
    assert solve_covering(both, Control(time_limit=30)).status == "infeasible"


def asked_alone(people: np.ndarray) -> Proof:
    """Multipliers of the decision that count each site by itself."""
    none, root = np.empty(0, np.int64), np.array([-1])
    least = np.array([[float(np.sort(people)[10])]])
    return Proof(root, root, root, np.array([0]), np.zeros((1, 20)), least, np.zeros((1, 0)), none, none, none)


def test_without_time_there_is_a_plan_and_each_site_counted_by_itself_is_a_bound() -> None:
    # Four sites with 8, 6, 4 and 2 people, one of them shared by the first two.
    serves = np.array([[1, 0, 0, 0], [1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    weight = np.array([7, 1, 5, 4, 2])
    most = solve_covering(model(serves, weight, row=np.ones(4), high=2), Control(time_limit=0.0))
    assert most.value == 13
    assert most.bound in (13, 14)
    few = solve_covering(model(serves, value=-1, shares=weight, wanted=[15]), Control(time_limit=0.0))
    assert few.value == -3
    assert few.bound in (-2, -3)  # 8 + 6 are 14


@pytest.mark.parametrize("power", [-60, 60])
def test_the_unit_changes_no_plan(power: int) -> None:
    near, weight = city(60, 12, 4)
    unit = 2.0**power
    for usual_units in (
        model(near, weight, row=np.ones(12), high=3),
        model(near, value=-1, shares=weight, wanted=[np.floor(0.7 * weight[near.any(axis=1)].sum())]),
        model(near, weight, row=np.ones(12) * 3, high=12, shares=weight, wanted=[weight.sum() // 4]),
    ):
        other = replace(
            usual_units,
            benefit=usual_units.benefit * unit,
            shares=usual_units.shares * unit,
            wanted=usual_units.wanted * unit,
            grain=usual_units.grain if usual_units.value.any() else unit,
        )
        one, two = solve_covering(usual_units, Control()), solve_covering(other, Control())
        factor = 1.0 if usual_units.value.any() else unit
        assert (one.x == two.x).all()
        assert (one.status, one.value * factor, one.bound * factor) == (two.status, two.value, two.bound)
        assert floored(bound_of(reduce(other).model, two.proof), other.grain) == two.bound


def test_a_box_without_a_plan_is_closed_by_the_rule_that_it_breaks() -> None:
    """Each rule in turn: nobody serves a community, a share is out of reach, too much is open, too little may open."""
    serves = np.array([[1, 0], [0, 1], [1, 1]])
    shut, one, both = np.zeros(2), np.array([1.0, 0.0]), np.ones(2)
    broken = [
        (model(serves, 1, must=[False, True, False]), shut, one),
        (model(serves, 1, shares=[[2, 3, 1]], wanted=[4]), shut, one),
        (model(serves, 1, row=[2, 3], high=4), both, both),
        (model(serves, 1, row=[2, 3], low=4), shut, one),
    ]
    for problem, lower, upper in broken:
        terms = Lagrangian(problem)
        rays = list(terms.rays(lower, upper))
        assert len(rays) == 1
        assert not list(terms.rays(shut, both))
        bounds = [terms.bound(Multipliers(*(step * part for part in rays[0])), lower, upper)[0] for step in (1e3, 2e3)]
        assert bounds[1] < bounds[0] - 500


def test_a_box_of_one_plan_is_bounded_by_its_value() -> None:
    terms = Lagrangian(model([[1, 0], [0, 1], [1, 1]], [5, 3, 2], value=[-1, -4]))
    for x in itertools.product((False, True), repeat=2):
        box = np.array(x, float)
        assert terms.bound(terms.exact(np.array(x)), box, box)[0] == terms.model.objective(np.array(x))


def test_a_search_does_without_rays_of_the_solver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Relaxation, "_ray", lambda self: None)
    problem = model(
        [[1, 0, 0], [0, 1, 0], [1, 0, 1], [0, 1, 1], [1, 1, 0], [0, 0, 1]], value=[-2, -3, -7],
        shares=[[2, 0, 1, 2, 3, 1], [0, 3, 2, 0, 2, 2]], wanted=[5, 6],
    )  # fmt: skip
    found = solve_covering(problem, Control())
    assert (found.status, found.value, found.bound) == ("optimal", -5, -5)


def test_prices_that_are_huge_beside_the_problem_prove_nothing_wrong() -> None:
    """With last digits of 1e22 as error no price proves anything; sums that overflow neither."""
    problem = model([[1, 0], [0, 1], [1, 1]], 0, value=-1, shares=[[1.1, 2.3, 0.7]], wanted=[3.3])
    for m in (1e17, 1e22, 1e300, 1.7e308):
        for v in (0.0, 1.1 * m, 0.7 * m):
            assert added_up(problem, Proof.at_root(np.full(3, v), np.zeros(0), np.array([m]))) >= -2
    short = Proof.at_root(np.zeros(3), np.zeros(0), np.zeros(1))
    for name in ("column", "at", "price"):
        assert added_up(problem, replace(short, **{name: np.zeros(0, np.int64)})) == math.inf
