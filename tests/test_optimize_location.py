"""The engine of locations with capacities: ways of least cost, bounds from prices, and plans by enumeration."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from scipy.optimize import linprog
from scipy.sparse import csr_array

import siting as st
from siting.optimize.capacitated import locate as locate_module
from siting.optimize.capacitated.exchange import Exchange
from siting.optimize.capacitated.locate import locate
from siting.optimize.capacitated.location import Location, bound_of_location, enough_places, relaxed
from siting.optimize.capacitated.transport import Transport
from siting.optimize.control import Control
from siting.optimize.proof import Proof


def location(
    cost: Any, weight: Any, capacity: Any, opening: Any = 0.0, *, must: Any = None, group: Any = None, spare: Any = (),
    rows: Any = (), low: Any = (), high: Any = (),
) -> Location:  # fmt: skip
    """A problem from a dense table of costs, NaN where a need cannot go."""
    cost = np.asarray(cost, float)
    n, m = cost.shape
    need, column = np.nonzero(~np.isnan(cost))
    return Location(
        csr_array((cost[need, column], (need, column)), shape=(n, m)), np.asarray(weight, float),
        np.ones(n, bool) if must is None else np.asarray(must, bool),
        np.full(n, -1) if group is None else np.asarray(group), np.asarray(spare, float),
        np.asarray(capacity, float), np.zeros(m) + opening, np.zeros(m), np.ones(m),
        csr_array(np.asarray(rows, float).reshape(-1, m)), np.asarray(low, float), np.asarray(high, float),
    )  # fmt: skip


def least_ways(problem: Location, part: Any, dear: float) -> float:
    """The least cost of ways by SciPy's linear programme; who must go and cannot costs *dear* each."""
    pairs, (n, m) = problem.cost.tocoo(), problem.cost.shape
    k, groups = pairs.nnz, len(problem.spare)
    each = np.arange(n)
    cost = np.concatenate([pairs.data, np.zeros(n), np.full(n, dear)])
    served = np.zeros((n, k + 2 * n))
    served[pairs.row, np.arange(k)] = served[each, k + each] = served[each, k + n + each] = 1
    most = np.concatenate([
        problem.weight[pairs.row] * part[pairs.col], np.where(problem.must, 0, problem.weight), problem.weight,
    ])  # fmt: skip
    places = np.zeros((m + groups, k + 2 * n))
    places[pairs.col, np.arange(k)] = 1
    for number in range(groups):
        places[m + number, k + np.flatnonzero(problem.group == number)] = 1
    room = np.concatenate([problem.capacity * part, problem.spare])
    found = linprog(cost, places, room, served, problem.weight, np.column_stack([0 * most, most]))
    return float(found.fun)


def drawn(seed: int) -> Location:
    """A small problem: with needs that must be served, groups, rows, or none of these."""
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(2, 8)), int(rng.integers(1, 6))
    cost = rng.integers(0, 20, (n, m)).astype(float) if seed % 3 else -rng.uniform(0, 1, (n, m))
    cost[rng.random((n, m)) < 0.3] = np.nan
    weight = rng.integers(1, 9, n).astype(float)
    group = rng.integers(-1, 2, n) if seed % 2 else np.full(n, -1)
    spare = [float(rng.integers(0, 1 + weight[group == k].sum())) for k in range(2)] if seed % 2 else []
    rows = rng.integers(0, 3, (2, m)) if seed % 4 > 1 else []
    return location(
        cost, weight, rng.integers(1, 25, m), rng.integers(0, 30, m), must=(rng.random(n) < 0.5) & (group < 0),
        group=group, spare=spare, rows=rows, low=[-np.inf, 1][: len(rows)], high=[4, np.inf][: len(rows)],
    )  # fmt: skip


def best_of_all(problem: Location) -> float:
    """The least cost over every choice of columns; infinite without a plan."""
    best, dear = np.inf, 1e5
    for choice in itertools.product([0.0, 1.0], repeat=len(problem.opening)):
        x = np.array(choice)
        inside = problem.rows @ x
        if (inside >= problem.low).all() and (inside <= problem.high).all():
            ways = least_ways(problem, x, dear)
            if ways < dear / 2:
                best = min(best, ways + float(problem.opening @ x))
    return best


def at_root(v: Any, y: Any) -> Proof:
    return Proof.at_root(np.asarray(v, float), np.asarray(y, float), np.zeros(0))


@pytest.mark.parametrize("seed", range(40))
def test_ways_cost_the_least_whatever_opens_and_closes(seed):
    problem, rng = drawn(seed), np.random.default_rng(seed)
    transport, part = Transport(problem, slots=1), np.zeros(len(problem.opening))
    for _ in range(6):
        j = int(rng.integers(len(part)))
        if part[j]:
            part[j] = 0.0
            transport.close(j)
        else:
            part[j] = rng.uniform(0.1, 1) if seed % 5 == 0 else 1.0
            transport.open(j, part[j])
        kept, anew = transport.cost, transport.add_up()
        assert kept == pytest.approx(anew, abs=1e-6)
        assert anew == pytest.approx(least_ways(problem, part, transport.dear), rel=1e-7, abs=1e-6)
        if not transport.lacking:  # the prices prove it
            paid, won = relaxed(problem, transport.prices())
            assert paid - (won + problem.opening) @ part == pytest.approx(anew, rel=1e-7, abs=1e-6)


@pytest.mark.parametrize("seed", range(20))
def test_what_opening_wins_is_kept_up_to_date(seed):
    problem, rng = drawn(seed), np.random.default_rng(seed)
    search = Exchange(problem, Control())
    for _ in range(8):
        j = int(rng.integers(len(problem.opening)))
        (search.transport.close if search.transport.open_columns[j] else search.transport.open)(j)
        assert search.gains() == pytest.approx(relaxed(problem, search.transport.prices())[1], abs=1e-9)


def test_columns_beside_one_by_hand():
    # a and b share the first need, b and c the second; nobody is near d.
    no = np.nan
    search = Exchange(location([[1, 1, no, no], [no, 1, 1, no]], [1, 1], [9, 9, 9, 9]), Control())
    assert [np.flatnonzero(search.beside(np.array([j]))).tolist() for j in range(4)] == [[0, 1], [0, 1, 2], [1, 2], [3]]


def test_ways_by_hand():
    # Two people each at 1 and 9 from the sites a and b, which have 3 places: three at 1, one at 9 or over.
    problem = location([[1, 9], [1, 5]], [2, 2], [3, 3])
    transport = Transport(problem)
    transport.open(0)
    assert transport.lacking == 1
    transport.open(1)
    assert (transport.lacking, transport.add_up()) == (0, 3 * 1 + 5)
    assert transport.prices().tolist() == [5, 5]  # a place more at a would save the way of 5, less that of 1
    transport.close(0)
    assert transport.lacking == 1


@settings(max_examples=60, deadline=None)
@given(seed=some.integers(0, 10_000), data=some.data())
def test_no_plan_costs_less_than_any_prices_prove(seed, data):
    problem = drawn(seed)
    amounts = some.floats(-30, 30, allow_nan=False)
    n, r = len(problem.weight), len(enough_places(problem).low)
    v = data.draw(some.lists(amounts, min_size=n, max_size=n))
    y = data.draw(some.lists(amounts, min_size=r, max_size=r))
    rows = enough_places(problem)
    y = np.where(np.isinf(rows.high), np.minimum(y, 0), np.where(np.isinf(rows.low), np.maximum(y, 0), y))
    bound = bound_of_location(problem, at_root(v, y))
    assert -np.inf < bound <= best_of_all(problem) + 1e-6


@pytest.mark.parametrize("seed", range(24))
def test_large_problems_are_bounded_and_proven_like_small_ones(seed, monkeypatch):
    monkeypatch.setattr(locate_module, "LARGE", 0)
    problem = drawn(seed)
    best, found = best_of_all(problem), locate(problem, Control(time_limit=20))
    if found.x is None:
        return
    assert -found.value == pytest.approx(best, abs=1e-6)
    assert found.status == "optimal"
    assert bound_of_location(problem, found.proof) == pytest.approx(best, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_the_fewest_sites_are_found_by_packing(seed, monkeypatch):
    # Six rows of ten people each; every site takes three rows that it reaches, so that two sites do.
    monkeypatch.setattr(locate_module, "LARGE", 0)
    rng = np.random.default_rng(seed)
    reached = np.full((6, 12), np.nan)
    for j in range(12):
        reached[rng.choice(6, 3, replace=False), j] = 0.0
    reached[:3, 4], reached[3:, 4], reached[:3, 9], reached[3:, 9] = 0.0, np.nan, np.nan, 0.0
    found = locate(location(reached, [10] * 6, [30] * 12, 1.0, must=np.ones(6, bool)), Control(time_limit=20))
    assert (found.value, found.status) == (-2.0, "optimal")


@pytest.mark.parametrize("seed", range(60))
def test_plans_are_the_best_of_all_and_proven(seed):
    problem = drawn(seed)
    best, found = best_of_all(problem), locate(problem, Control())
    if np.isinf(best):
        assert found.x is None
        return
    if found.x is None:  # which states nothing
        assert problem.rows.shape[0] or len(problem.spare)
        return
    assert (-found.value, found.status) == (pytest.approx(best, abs=1e-6), "optimal")
    assert problem.keeps_rows(found.x)
    assert bound_of_location(problem, found.proof) == pytest.approx(best, rel=1e-8, abs=1e-6)


def test_a_proof_that_leaves_out_plans_or_has_wrong_prices_proves_nothing():
    problem = location([[1, 9], [1, 5]], [2, 2], [3, 3], 1.0, rows=[[1, 1]], low=[-np.inf], high=[2])
    good = at_root([5, 5], [0, 0])  # the second row: two sites at least
    assert bound_of_location(problem, good) > -np.inf
    assert bound_of_location(problem, replace(good, v=good.v[:, :1])) == -np.inf
    assert bound_of_location(problem, replace(good, v=good.v * np.nan)) == -np.inf
    assert bound_of_location(problem, replace(good, y=np.array([[-1.0, 0]]))) == -np.inf  # no lower limit to pay for
    assert bound_of_location(problem, replace(good, parent=np.array([-1, 0]), column=np.array([-1, 0]),
                                              at=np.array([-1, 1]), price=np.array([0, 0]))) == -np.inf  # fmt: skip
    assert bound_of_location(problem, replace(good, fixed_node=np.array([0]), fixed_column=np.array([7]),
                                              fixed_at=np.array([1]))) == -np.inf  # fmt: skip


def test_as_many_columns_as_all_places_take():
    # Seven people, places for four at most: two columns at least.
    assert enough_places(location([[1, 1, 1]], [7], [4, 3, 1])).low.tolist() == [2]
    assert enough_places(location([[1, 1, 1]], [8], [4, 3, 1])).low.tolist() == [3]
    assert not len(enough_places(location([[1, 1, 1]], [7], [4, 3, 1], must=[False])).low)


PUBLISHED = {"cap41": 1040444.375, "cap42": 1098000.45, "cap43": 1153000.45, "cap44": 1235500.45, "cap122": 852524.625}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_optima_are_proven_without_a_solver(name, shared_data: Path):
    table = pd.read_csv(shared_data / "optimize" / "cap" / f"{name}.csv", index_col="row")
    people, sites = table["demand"].drop(["capacity", "fixed"]), table.drop(columns="demand")
    each = sites.drop(["capacity", "fixed"]).div(people, axis=0).rename_axis("origin").reset_index()
    ways = each.melt("origin", var_name="destination", value_name="cost")
    reach = st.Reach.from_pairs(
        ways, origins=people.index, destinations=sites.columns, limit=float(ways["cost"].max()) + 1
    )
    rules = [st.Capacity(sites.loc["capacity"])]
    plan = st.solve(st.MinCost(sites.loc["fixed"], travel=1.0), reach, demand=people, rules=rules)
    assert (plan.status, plan.engine) == ("optimal", "capacitated location")
    assert plan.objective == pytest.approx(PUBLISHED[name], rel=1e-8)
    checked = plan.verify()
    assert checked.ok
    assert checked.optimal


def test_capacities_with_districts_and_a_budget_by_hand(reach_of):
    reach, people = reach_of({"x": "ab", "y": "bc", "z": "d"}, "abcd"), pd.Series({"a": 5, "b": 4, "c": 3, "d": 2})
    side = pd.Series({"a": "west", "b": "west", "c": "east", "d": "east"})
    rules = [
        st.Capacity(pd.Series({"x": 6, "y": 5, "z": 9})), st.Budget(2, cost=pd.Series({"x": 1, "y": 1, "z": 1})),
        st.Cover(0.5, by=side),
    ]  # fmt: skip
    plan = st.solve(st.MaxCoverage(), reach, demand=people, rules=rules)
    # x takes 6 in the west; y takes c and two of b: five of nine in the west and three of five in the east are enough
    assert (set(plan.sites), plan.objective, plan.status) == ({"x", "y"}, 11, "optimal")
    assert plan.engine == "capacitated location"
    assert plan.verify().optimal


def test_a_box_whose_columns_are_all_fixed_is_proven_by_prices_of_its_own():
    rng = np.random.default_rng(3)
    place, home = rng.uniform(0, 1000, (40, 2)), rng.uniform(0, 1000, (300, 2))
    way = np.hypot(*(home[:, None] - place[None]).transpose(2, 0, 1))
    problem = location(way, rng.integers(1, 90, 300), np.full(40, 2000.0), 100_000.0)
    found = locate(problem, Control())
    assert found.status == "optimal"
    assert bound_of_location(problem, found.proof) == pytest.approx(-found.value, rel=1e-9)


def test_a_short_time_limit_still_gives_a_plan_and_a_bound():
    rng = np.random.default_rng(3)
    place, home = rng.uniform(0, 1000, (40, 2)), rng.uniform(0, 1000, (300, 2))
    way = np.hypot(*(home[:, None] - place[None]).transpose(2, 0, 1))
    problem = location(way, rng.integers(1, 90, 300), np.full(40, 2000.0), 100_000.0)
    found = locate(problem, Control(time_limit=0.3))
    assert found.x is not None
    assert found.bound >= found.value
    assert bound_of_location(problem, found.proof) == pytest.approx(-found.bound, rel=1e-6)


def test_a_community_without_people_or_without_a_site_has_a_price() -> None:
    """It is nowhere, so that nothing says what it pays; the two sites that must open cost 6."""
    problem = location([[4, 4], [4, 4], [np.nan, np.nan]], [0, 52, 3], [15, 20], 3.0, must=[False] * 3,
                       rows=[[1, 1]], low=[1.5], high=[np.inf])  # fmt: skip
    assert np.isfinite(Transport(problem).prices()).all()
    found = locate(problem, Control())
    assert (found.status, found.value) == ("optimal", -6)
    assert found.proof is not None
    assert bound_of_location(problem, found.proof) == pytest.approx(6)
