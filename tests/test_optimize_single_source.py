"""The engine of single-source problems: values by hand, enumeration, its tree as a proof, and published instances."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from scipy.sparse import csr_array

import siting as st
from siting.optimize.capacitated import single_source_engine
from siting.optimize.capacitated.single_source import (
    Packing,
    SingleSourceProblem,
    bound_of_tree,
    target_of,
)
from siting.optimize.capacitated.single_source_engine import solve_single_source
from siting.optimize.capacitated.single_source_search import Plans
from siting.optimize.control import Control
from siting.optimize.sparse_rows import keep_entries


def made(
    benefit: list[list[float | None]], weight: list[float], capacity: list[float], **more: object
) -> SingleSourceProblem:
    """A problem from a table of benefits, None for no pair; columns are free and worth 0 unless said."""
    table = [[(i, j, b) for j, b in enumerate(row) if b is not None] for i, row in enumerate(benefit)]
    i, j, b = zip(*itertools.chain.from_iterable(table), strict=True)
    n, m = len(weight), len(capacity)
    pairs = csr_array((np.array(b, float), (i, j)), shape=(n, m))
    pairs.sort_indices()
    given = {"value": np.zeros(m), "lower": np.zeros(m), "upper": np.ones(m), "must": np.zeros(n, bool), "grain": 1.0}
    return SingleSourceProblem(pairs, np.array(weight, float), np.array(capacity, float), **{**given, **more})


def enumerated(problem: SingleSourceProblem) -> float:
    """The best value of all assignments, with the columns that are worth it."""
    n, m = problem.benefit.shape
    best = -math.inf
    pairs = [[-1, *range(problem.benefit.indptr[i], problem.benefit.indptr[i + 1])] for i in range(n)]
    for at in itertools.product(*pairs):
        chosen = np.array(at)
        used = np.unique(problem.benefit.indices[chosen[chosen >= 0]])
        free = [j for j in range(m) if j not in used and problem.lower[j] == 0 and problem.value[j] > 0]
        x = problem.lower > 0
        x[used] = True
        for more in range(len(free) + 1):
            for extra in itertools.combinations(free, more):
                y = x.copy()
                y[list(extra)] = True
                if problem.keeps(y, chosen):
                    best = max(best, problem.worth(y, chosen))
    return best


def test_a_knapsack_decides_what_a_column_takes() -> None:
    """Needs of 6, 5 and 5 people at 10 places: the two smaller ones, not the largest first."""
    problem = made([[6.0], [5.0], [5.0]], [6, 5, 5], [10])
    found = solve_single_source(problem, Control())
    assert (found.value, found.bound, found.status) == (10, 10, "optimal")
    assert found.pairs is not None
    assert found.pairs.tolist() == [-1, 1, 2]
    packing = Packing(problem)
    assert packing.bound(np.zeros(3), packing.box())[0] == 10  # a linear programme has 10 as well, but fills 6 + 4
    assert packing.take.tolist() == [0, 1, 1]


def test_columns_that_open_must_hold_everybody() -> None:
    """Two needs of 6 for 8 places each, of which the second costs 100: no price of needs alone asks for both."""
    problem = made([[-1.0, -1.0], [-1.0, -1.0]], [6, 6], [8, 8], value=np.array([-1.0, -100.0]), must=np.ones(2, bool))
    packing = Packing(problem)
    bound, chosen = packing.bound(np.full(2, -2.0), packing.box())
    assert chosen.all()
    assert bound == pytest.approx(-4 + (-1 + 1) + (-100 + 1))
    assert solve_single_source(problem, Control()).value == -103


def test_what_fits_nowhere_cannot_be_served() -> None:
    must = np.ones(2, bool)
    assert solve_single_source(made([[1.0], [1.0]], [6, 5], [5.0], must=must), Control()).status == "infeasible"
    # each fits, but not both, which only the search shows
    tight = made([[1.0, 1.0], [1.0, 1.0], [1.0, 1.0]], [4, 4, 4], [6, 6], must=np.ones(3, bool))
    assert solve_single_source(tight, Control()).status == "infeasible"


@some.composite
def problems(draw: some.DrawFn) -> SingleSourceProblem:
    n, m = draw(some.integers(1, 4)), draw(some.integers(1, 3))
    sizes = some.integers(0, 9) if draw(some.booleans()) else some.integers(0, 72).map(lambda k: k / 8)
    must = np.array(draw(some.lists(some.booleans(), min_size=n, max_size=n)))
    low = -9 if must.all() else 0
    cells = [[draw(some.one_of(some.none(), some.integers(low, 9))) for _ in range(m)] for _ in range(n)]
    cells[0][0] = 3
    lower = np.array(draw(some.lists(some.sampled_from([0.0, 0.0, 1.0]), min_size=m, max_size=m)))
    return made(
        cells, [float(draw(sizes)) for _ in range(n)], [float(2 * draw(sizes)) for _ in range(m)], must=must,
        value=np.array(draw(some.lists(some.integers(-5, 2), min_size=m, max_size=m)), float), lower=lower,
        most=draw(some.one_of(some.none(), some.integers(0, 2))), constant=draw(some.sampled_from([0.0, 7.0])),
    )  # fmt: skip


@given(problems())
@settings(max_examples=60, deadline=None)
def test_as_enumerated_and_proven_by_the_tree(problem: SingleSourceProblem) -> None:
    best, found = enumerated(problem), solve_single_source(problem, Control())
    assert found.value == best
    assert found.status == ("infeasible" if best == -math.inf else "optimal")
    if found.x is not None:
        assert found.pairs is not None
        assert found.tree is not None
        assert problem.keeps(found.x, found.pairs)
        target = target_of(best, problem.grain)
        assert bound_of_tree(problem, found.tree, target) < best + 1
        # no prices prove less than the best plan is worth
        assert bound_of_tree(problem, found.tree, best - 1) >= best - 1e-9


@given(problems(), some.data())
@settings(max_examples=40, deadline=None)
def test_any_prices_bound_every_plan(problem: SingleSourceProblem, data: some.DataObject) -> None:
    n = len(problem.weight)
    v = np.array(data.draw(some.lists(some.floats(-9, 9), min_size=n, max_size=n)))
    v = np.where(problem.must, v, np.abs(v))
    packing, best = Packing(problem), enumerated(problem)
    assert packing.bound(v, packing.box())[0] >= best - 1e-6
    fixed = packing.fixed(v, packing.box(), best - 0.5)
    if best > -math.inf:  # what is shut is part of no plan as good
        assert fixed is not None
        pairs = keep_entries(problem.benefit, fixed.state > 0)
        box = replace(problem, benefit=pairs, lower=fixed.lower.astype(float), upper=fixed.upper.astype(float))
        assert enumerated(box) == best


def test_a_tree_that_leaves_something_out_proves_nothing() -> None:
    problem = made([[6.0, 5.0], [5.0, 4.0], [5.0, 4.0]], [6, 5, 5], [10, 6])
    found = solve_single_source(problem, Control())
    assert found.tree is not None
    tree = found.tree
    assert bound_of_tree(problem, tree, found.value + 0.5) == found.value + 0.5
    assert bound_of_tree(problem, replace(tree, prices=tree.prices - 100.0), found.value) == math.inf
    half = replace(tree, parent=np.array([-1, 0]), what=np.array([-1, 0]), at=np.array([-1, 1]), price=np.array([0, 0]))
    assert bound_of_tree(problem, half, found.value) == math.inf


def slots_of(problem: SingleSourceProblem) -> Plans:
    return Plans(problem, Packing(problem), Control())


def test_two_needs_change_places_where_neither_fits_beside_the_other() -> None:
    """Needs of 6 and 5 at places 6 and 6, each at the worse one: no single move has room, the exchange gains 4."""
    problem = made([[-1.0, -3.0], [-3.0, -1.0]], [6, 5], [6, 6], must=np.ones(2, bool))
    slots = slots_of(problem).slots
    slots.load(np.ones(2, bool), np.array([1, 2]))
    assert slots.worth() == -6
    assert slots.settle()
    assert slots.worth() == -2
    assert slots.answer()[1].tolist() == [0, 3]


def test_a_column_moves_to_where_its_needs_are_worth_most() -> None:
    """Points 0, 1, 2 and 9 with one column each: of all three at 0 (0 + 1 + 2), the middle is best (1 + 0 + 1)."""
    at = np.array([0.0, 1.0, 2.0, 9.0])
    problem = made((-np.abs(at[:, None] - at)).tolist(), [1, 1, 1, 1], [3, 3, 3, 3], must=np.ones(4, bool), most=2)
    slots = slots_of(problem).slots
    slots.load(np.array([True, False, False, True]))
    assert slots.settle()
    assert slots.answer()[0].tolist() == [False, True, False, True]
    assert slots.worth() == -2


def test_a_need_without_a_place_is_told() -> None:
    """Three needs of 4 in two columns of 6, though all of them together would fit twice."""
    problem = made([[1.0, 1.0]] * 3, [4, 4, 4], [6, 6], must=np.ones(3, bool))
    slots = slots_of(problem).slots
    slots.load(np.ones(2, bool))
    assert not slots.settle()


@given(problems(), some.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_what_settles_keeps_all_rules_and_is_worth_what_it_says(problem: SingleSourceProblem, seed: int) -> None:
    rng, plans = np.random.default_rng(seed), slots_of(problem)
    slots, m = plans.slots, len(problem.value)
    x = (problem.lower > 0) | ((rng.random(m) < 0.5) & (problem.upper > 0))
    if not plans.allowed(x):
        x = problem.lower > 0
    slots.load(x)
    for _ in range(8):
        if slots.settle():
            worth = slots.worth()
            assert problem.keeps(*slots.answer())
            assert worth == pytest.approx(problem.worth(*slots.answer()))
            assert worth <= enumerated(problem) + 1e-9
        slots.shake(rng, rng.random(m) < 0.5)


def test_the_same_plan_every_time() -> None:
    rng = np.random.default_rng(5)
    xy, weight = rng.uniform(0, 100, (40, 2)), rng.integers(1, 20, 40)
    way = -np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))
    room = [float(np.ceil(weight.sum() / 4))] * 40
    problem = made(way.tolist(), weight.tolist(), room, must=np.ones(40, bool), most=5, grain=0.0)
    one, two = (solve_single_source(problem, Control(), nodes=3) for _ in range(2))
    assert one.value == two.value
    assert one.bound == two.bound
    assert one.pairs is not None
    assert two.pairs is not None
    assert problem.keeps(np.asarray(one.x), one.pairs)
    assert one.pairs.tolist() == two.pairs.tolist()


def test_the_solver_ends_a_tree_that_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(single_source_engine, "NODES", 1)
    monkeypatch.setattr(single_source_engine, "EXCHANGED", 0)
    rng = np.random.default_rng(3)
    cost, weight = rng.integers(5, 60, (14, 5)), rng.integers(3, 20, 14)
    problem = made((-cost.astype(float)).tolist(), weight.tolist(), [50.0] * 5, value=np.full(5, -40.0),
                   must=np.ones(14, bool))  # fmt: skip
    found = solve_single_source(problem, Control())
    monkeypatch.undo()
    again = solve_single_source(problem, Control())
    assert found.value == again.value
    assert (found.status, again.status) == ("optimal", "optimal")


@pytest.mark.parametrize("number", [1, 5, 10, 22, 25, 34, 45, 57])
def test_published_costs_of_opening_and_serving(shared_data: Path, number: int) -> None:
    """Delmaire, Díaz, Fernández and Ortega 1999: 20 × 10 to 90 × 30, each proven by prices alone."""
    folder = shared_data / "optimize"
    table = pd.read_csv(folder / "sscflp" / f"p{number}.csv", index_col=0)
    values = pd.read_csv(folder / "values.csv").set_index("file")["value"]
    cost, sites = table.iloc[2:, 1:].to_numpy(float), table.iloc[:2, 1:].to_numpy(float)
    problem = made((-cost).tolist(), table.iloc[2:, 0].tolist(), sites[0].tolist(), value=-sites[1],
                   must=np.ones(len(cost), bool))  # fmt: skip
    found = solve_single_source(problem, Control())
    best = -float(values[f"sscflp/p{number}.csv"])
    assert (found.value, found.status) == (best, "optimal")
    assert found.tree is not None
    assert bound_of_tree(problem, found.tree, target_of(best, 1.0)) < best + 1


@pytest.mark.parametrize(("number", "best"), [(1, 713), (4, 651)])
def test_published_medians_with_places(shared_data: Path, number: int, best: int) -> None:
    """Osman and Christofides 1994; the distance counts once a point, so that a person's is a part of it."""
    points = pd.read_csv(shared_data / "optimize" / f"pmedcap{number}.csv")
    at = points[["x", "y"]].to_numpy(float)
    way = np.floor(np.hypot(*(at[:, None] - at[None]).transpose(2, 0, 1)))
    ids, demand = [f"{i:02}" for i in range(len(at))], points["demand"].to_numpy(float)
    each = way / demand[:, None]
    ends = {"origin": np.repeat(ids, len(ids)), "destination": np.tile(ids, len(ids))}
    table = pd.DataFrame(ends | {"cost": each.ravel()})
    reach = st.Reach.from_pairs(table, origins=ids, destinations=ids, limit=float(each.max()))
    places = pd.Series(points["capacity"].to_numpy(float), index=ids)
    rules = [st.AtMost(5), st.Capacity(places, split=False)]
    plan = st.solve(st.MinTravel(), reach, demand=pd.Series(demand, index=ids), rules=rules)
    assert plan.objective == pytest.approx(best, rel=1e-9)
    assert plan.verify().optimal
    assert not plan.flows["community"].duplicated().any()
    assert plan.flows.groupby("site")["people"].sum().max() <= 120
