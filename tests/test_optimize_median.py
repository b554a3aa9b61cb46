"""The median engine against enumeration and published optima: values, bounds, proofs, and when it stops."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import shortest_path

from siting.optimize.control import Control, Progress
from siting.optimize.median.interchange import CountLimits, interchange, sorted_pairs
from siting.optimize.median.median import solve_median
from siting.optimize.model import Model
from siting.optimize.proof import bound_of
from siting.optimize.solution import Solution


def model(
    benefit: object,
    *,
    value: object = 0,
    low: float = -math.inf,
    high: float | None = None,
    count: object = 1,
    must: object = False,
    lower: object = 0,
    upper: object = 1,
    grain: float = 0.0,
    constant: float = 0.0,
) -> Model:
    """A model from a table of needs × columns, NaN where a column cannot serve a need."""
    table = np.asarray(benefit, float)
    n, m = table.shape
    there = ~np.isnan(table)
    indptr = np.concatenate([[0], np.cumsum(there.sum(axis=1))])
    value, lower, upper, count = (
        np.broadcast_to(np.asarray(a, float), m).copy() for a in (value, lower, upper, count)
    )  # fmt: skip
    rows = csr_array(count[None, :] if high is not None or low > -math.inf else np.zeros((0, m)))
    return Model(
        benefit=csr_array((table[there], np.nonzero(there)[1], indptr), shape=(n, m)),
        value=value,
        rows=rows,
        low=np.full(rows.shape[0], low),
        high=np.full(rows.shape[0], math.inf if high is None else high),
        lower=lower,
        upper=upper,
        shares=csr_array((0, n)),
        wanted=np.zeros(0),
        must=np.broadcast_to(np.asarray(must, bool), n).copy(),
        grain=grain,
        constant=constant,
    )


def best(problem: Model) -> float:
    """Value of the best plan by trying all of them; minus infinity when there is none."""
    plans = (np.array(x, bool) for x in itertools.product((False, True), repeat=len(problem.value)))
    return max((problem.objective(x) for x in plans if problem.is_feasible(x)), default=-math.inf)


def check(problem: Model, found: Solution) -> None:
    """What is true of every answer that was proven."""
    want = best(problem)
    if want == -math.inf:
        assert (found.status, found.x, found.value) == ("infeasible", None, -math.inf)
        return
    assert found.status == "optimal"
    assert found.value == pytest.approx(want, rel=1e-9, abs=1e-9)
    assert found.x is not None
    assert problem.is_feasible(found.x)
    assert problem.objective(found.x) == found.value
    assert found.value <= found.bound <= found.value + 1e-9 * abs(found.value)
    assert found.proof is not None
    proven = bound_of(problem, found.proof)
    assert proven >= want - 1e-9 * max(1, abs(want))
    assert proven <= found.bound + max(problem.grain * (1 - 1e-6), 1e-8 * max(1, abs(want)))


def any_model(seed: int) -> Model:
    """A small problem of any kind that the engine takes: medians, floors, decay, costs, limits from both sides."""
    random = np.random.default_rng(seed)
    n, m = int(random.integers(1, 9)), int(random.integers(1, 8))
    kind = random.integers(4)
    whole = bool(random.integers(2))
    table = random.integers(0, 30, (n, m)).astype(float) if whole else random.uniform(0, 30, (n, m))
    must = np.zeros(n, bool)
    if kind == 0:  # p-median
        table, must = -table, np.ones(n, bool)
    elif kind == 1:  # some must be served
        must = random.random(n) < 0.5
        table[must] *= -1
    table[random.random((n, m)) < random.choice([0, 0.3, 0.6])] = np.nan
    value = -random.integers(0, 25, m).astype(float) if random.integers(2) else np.zeros(m)
    state = random.choice([0, 1, 2], m, p=[0.1, 0.15, 0.75])
    count = random.choice([1.0, 2.0])
    high = float(count * random.integers(0, m + 1)) if random.integers(4) else None
    low = float(count * random.integers(0, 3)) if random.integers(3) == 0 else -math.inf
    return model(
        table, value=value, low=low, high=high, count=count, must=must, lower=state == 1, upper=state > 0,
        grain=1.0 if whole else 0.0, constant=float(random.integers(0, 5)),
    )  # fmt: skip


def pmed(folder: Path, number: int) -> tuple[np.ndarray, int]:
    """Distances and p of a graph of the OR-Library; where an edge is repeated the last line counts."""
    n, _, p, *edges = map(int, (folder / "optimize" / f"pmed{number}.txt").read_text(encoding="utf-8").split())
    graph = np.zeros((n, n))
    for i, j, length in zip(edges[::3], edges[1::3], edges[2::3], strict=True):
        graph[i - 1, j - 1] = graph[j - 1, i - 1] = length
    return shortest_path(graph, directed=False), p


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**6))
def test_equals_enumeration(seed: int) -> None:
    problem = any_model(seed)
    check(problem, solve_median(problem, Control()))


def test_three_places_in_a_row() -> None:
    """Places at 0, 1 and 5: with one column the middle one (1 + 0 + 4 = 5), with two 0 or 1, and 5 (1)."""
    at = np.array([0.0, 1.0, 5.0])
    travel = -np.abs(at[:, None] - at)
    one = solve_median(model(travel, must=True, high=1, grain=1), Control())
    assert (one.value, one.bound, one.x.tolist()) == (-5.0, -5.0, [False, True, False])
    two = solve_median(model(travel, must=True, high=2, grain=1), Control())
    assert (two.value, two.x[2]) == (-1.0, True)


def test_opening_costs_decide_how_many() -> None:
    """Each need is worth 10 at its own column and 4 at the other: the second column pays while it costs less than 6."""
    table = [[10, 4], [4, 10]]
    assert solve_median(model(table, value=-5), Control()).value == 10.0
    assert solve_median(model(table, value=-7), Control()).value == 7.0
    assert solve_median(model(table, value=-20), Control()).value == 0.0


def test_needs_that_cannot_all_be_served() -> None:
    nan = math.nan
    apart = [[-1, nan], [nan, -1]]
    assert solve_median(model(apart, must=True, high=1), Control()).status == "infeasible"
    assert solve_median(model(apart, must=True, high=2), Control()).value == -2.0
    assert solve_median(model([[nan, nan]], must=True, high=2), Control()).status == "infeasible"
    assert solve_median(model([[-1, nan]], must=True, upper=[0, 1]), Control()).status == "infeasible"
    assert solve_median(model(apart, low=2, high=1), Control()).status == "infeasible"
    assert solve_median(model(apart, lower=1, high=1), Control()).status == "infeasible"


@pytest.mark.parametrize(
    ("number", "optimum"), [(1, 5819), (2, 4093), (3, 4250), (4, 3034), (5, 1355), (6, 7824)]
)  # fmt: skip
def test_or_library(shared_data: Path, number: int, optimum: int) -> None:
    """Optima of J. E. Beasley, OR-Library: distributing test problems by electronic mail (1990)."""
    distance, p = pmed(shared_data, number)
    problem = model(-distance, must=True, high=p, grain=1.0)
    found = solve_median(problem, Control())
    assert (found.status, found.value, found.bound) == ("optimal", -optimum, -optimum)
    assert bound_of(problem, found.proof) < -optimum + 1


def scattered(n: int = 120, m: int = 40, seed: int = 0) -> np.ndarray:
    """Weighted distances of points in a plane: a problem whose root leaves a gap."""
    random = np.random.default_rng(seed)
    homes, sites = random.uniform(0, 100, (n, 2)), random.uniform(0, 100, (m, 2))
    return random.integers(1, 9, n)[:, None] * np.hypot(*(homes[:, None] - sites).transpose(2, 0, 1))


def test_real_numbers_are_proven_to_the_last_digits() -> None:
    problem = model(-scattered(), must=True, high=6)
    found = solve_median(problem, Control())
    assert found.status == "optimal"
    assert bound_of(problem, found.proof) == pytest.approx(found.value, rel=2e-9)
    again = solve_median(problem, Control(), start=found.x)
    assert again.value == found.value


def test_stops_with_a_plan_and_a_valid_bound() -> None:
    problem = model(-scattered(), must=True, high=6)
    optimum = solve_median(problem, Control()).value
    for control in (Control(time_limit=0), Control(gap=0.5)):
        found = solve_median(problem, control)
        assert found.status == ("time_limit" if control.time_limit == 0 else "feasible")
        assert problem.is_feasible(found.x)
        assert found.value <= optimum <= found.bound
        assert bound_of(problem, found.proof) == pytest.approx(found.bound, rel=1e-9)


def test_bounds_never_cross_and_only_improve() -> None:
    told: list[Progress] = []
    solve_median(model(-scattered(), must=True, high=6), Control(progress=told.append))
    assert {each.step for each in told} >= {"prices", "tree"}
    for before, after in itertools.pairwise(told):
        assert before.value <= after.value <= after.bound <= before.bound + 1e-9 * abs(before.bound)


def test_order_and_repetition_do_not_matter() -> None:
    problem = model(-scattered(), must=True, high=6)
    first, second = (solve_median(problem, Control()) for _ in range(2))
    assert (first.nodes, first.value, first.bound) == (second.nodes, second.value, second.bound)
    assert first.proof.v.tolist() == second.proof.v.tolist()
    random = np.random.default_rng(0)
    rows, columns = random.permutation(120), random.permutation(40)
    turned = solve_median(model(-scattered()[rows][:, columns], must=True, high=6), Control())
    assert turned.value == pytest.approx(first.value)
    assert turned.x.tolist() == first.x[columns].tolist()


def test_rows_are_sorted_with_ties_by_column() -> None:
    nan = math.nan
    table = [[1, 3, 3, nan], [nan, nan, nan, nan], [2, nan, 5, 7]]
    rows = sorted_pairs(model(table).benefit, np.array([2, 2, 2, 0], np.int8))
    assert rows.ptr.tolist() == [0, 3, 3, 5]
    assert rows.cols.tolist() == [1, 2, 0, 2, 0]
    assert rows.gains.tolist() == [3, 3, 1, 5, 2]


def test_interchange_leaves_no_gainful_move() -> None:
    distance = scattered(60, 12, 5)
    problem = model(-distance, must=True, high=4)
    rows = sorted_pairs(problem.benefit, np.full(12, 2, np.int8))
    start = np.arange(12) < 4
    x, total = interchange(
        rows, np.full(60, -1e6), np.zeros(12), np.ones(12, bool), start, CountLimits(0, 4, 1), Control()
    )
    assert total == pytest.approx(problem.objective(x))
    for out, into in itertools.product(np.flatnonzero(x), np.flatnonzero(~x)):
        moved = x.copy()
        moved[[out, into]] = False, True
        assert problem.objective(moved) <= total + 1e-9


def test_refuses_what_it_cannot_solve() -> None:
    problem = model([[1.0, 2.0]], high=1)
    for other in (
        replace(problem, shares=csr_array(np.ones((1, 1))), wanted=np.ones(1)),
        replace(problem, rows=csr_array(np.ones((2, 2))), low=np.zeros(2), high=np.ones(2)),
        replace(problem, rows=csr_array(np.array([[1.0, 2.0]]))),
        replace(problem, times=np.array([2])),
    ):
        with pytest.raises(ValueError, match="median engine"):
            solve_median(other, Control())
