"""Maximum capture: values by hand, every subset of small cases, cuts that no plan passes, and spoiled proofs."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from scipy.sparse import csr_array

from siting.optimize.choice.cuts import MarketProof, bound_of_market
from siting.optimize.choice.engine import fewest_for_target, most_captured
from siting.optimize.choice.plans import Plans
from siting.optimize.choice.problem import Market, market_of
from siting.optimize.control import Control


def market(
    utility: Any, other: Any, weight: Any, most: float | None = None, *, lower: Any = None, upper: Any = None,
    rows: Any = (), low: Any = (), high: Any = (),
) -> Market:  # fmt: skip
    """A market with at most so many columns open, and further rows."""
    table = np.array(utility, float)
    m = table.shape[1]
    rows, low, high = [list(map(float, row)) for row in rows], list(low), list(high)
    if most is not None:
        rows, low, high = [[1.0] * m, *rows], [-math.inf, *low], [float(most), *high]
    matrix = csr_array(np.array(rows, float).reshape(len(rows), m))
    lower = np.zeros(m) if lower is None else np.array(lower, float)
    upper = np.ones(m) if upper is None else np.array(upper, float)
    ends = np.array(low, float), np.array(high, float)
    return market_of(csr_array(table), np.array(other, float), np.array(weight, float), matrix, *ends, lower, upper)


# Two communities, three columns: 10 people find 3 beside a competitor of 1, 4 people nothing else.
HAND = ([[3, 1, 0], [0, 2, 5]], [1, 0], [10, 4])


@pytest.mark.parametrize(
    ("most", "value", "x"),
    [
        (1, 9.0, (0, 1, 0)),  # y: 10 · 1/2 and all 4; x: 10 · 3/4 = 7.5; z: 4
        (2, 12.0, (1, 1, 0)),  # x and y: 10 · 4/5 and 4; x and z: 7.5 + 4
        (3, 12.0, (1, 1, 0)),  # z adds nothing
    ],
)
def test_values_by_hand(most: int, value: float, x: tuple[int, ...]) -> None:
    found = most_captured(market(*HAND, most), Control())
    assert found.x is not None
    assert (found.value, found.bound, found.status) == (pytest.approx(value), found.value, "optimal")
    if most < 3:
        assert tuple(found.x.astype(int)) == x


def test_what_fixed_columns_capture_is_not_captured_again() -> None:
    fixed = market(*HAND, 2, lower=[1, 0, 0])  # x is open: 7.5; with y 10 · 4/5 + 4
    assert (fixed.constant, fixed.total) == (pytest.approx(7.5), pytest.approx(14))
    assert fixed.column.tolist() == [1, 2]
    found = most_captured(fixed, Control())
    assert found.value == pytest.approx(12)
    assert fixed.whole(found.x).tolist() == [True, True, False]


def drawn(seed: int) -> tuple[Market, float, np.ndarray]:
    """A random market, the most that any subset captures that keeps the rows, and the values of all that do."""
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(1, 7)), int(rng.integers(1, 8))
    utility = rng.integers(0, 4, (n, m)) * rng.choice([0.01, 1, 50], (n, m))
    other, weight = rng.choice([0, 0, 0.5, 3], n), rng.integers(1, 9, n).astype(float)
    rows, low, high = [], [], []
    if rng.random() < 0.5:
        rows, low, high = [rng.integers(0, 5, m)], [-math.inf], [float(rng.integers(0, 9))]
    if rng.random() < 0.4:
        rows, low, high = [*rows, (rng.random(m) < 0.5).astype(float)], [*low, 1.0], [*high, math.inf]
    lower = (rng.random(m) < 0.1).astype(float)
    upper = np.maximum(lower, rng.random(m) < 0.9)
    made = market(utility, other, weight, int(rng.integers(1, m + 1)), lower=lower, upper=upper, rows=rows, low=low,
                  high=high)  # fmt: skip
    values = []
    for x in itertools.product([0.0, 1.0], repeat=m):
        if (x < lower).any() or (x > upper).any() or not made.keeps(np.array(x)[made.column] > 0):
            continue
        own = utility @ np.array(x)
        share = np.divide(own, own + other, out=np.zeros(n), where=own > 0)
        values.append((float(weight @ share), sum(x)))
    table = np.array(values).reshape(-1, 2)
    return made, float(table[:, 0].max(initial=-math.inf)), table


@pytest.mark.parametrize("block", range(3))
def test_no_subset_captures_more(block: int) -> None:
    for seed in range(40 * block, 40 * block + 40):
        made, best, _ = drawn(seed)
        found = most_captured(made, Control())
        assert found.proof is not None
        proven = bound_of_market(made, found.proof)
        if math.isinf(best):
            assert (found.x, found.status) == (None, "infeasible"), seed
            assert proven < 0, seed  # no plan captures less than nothing
            continue
        assert (found.value, found.status) == (pytest.approx(best, rel=1e-9), "optimal"), seed
        assert made.keeps(found.x), seed
        assert best * (1 - 1e-12) <= proven <= best + 1e-8 * max(1.0, best), seed


@pytest.mark.parametrize("block", range(2))
def test_no_subset_reaches_the_target_with_fewer(block: int) -> None:
    for seed in range(1000 + 40 * block, 1040 + 40 * block):
        made, _, table = drawn(seed)
        share = np.random.default_rng(seed).choice([0.3, 0.6, 0.8, 0.95])
        target = share * made.total
        reach = table[table[:, 0] >= target * (1 - 1e-9), 1]
        found = fewest_for_target(made, np.ones(made.size, bool), target, Control())
        if not len(reach):
            assert (found.x, found.status) == (None, "infeasible"), seed
            continue
        fixed = made.fixed.sum()
        assert found.x is not None, seed
        assert (-found.value + fixed, -found.bound + fixed, found.status) == (reach.min(), reach.min(), "optimal"), seed
        assert made.captured(found.x) >= target * (1 - 1e-9), seed
        if found.proof is not None:  # one less is too few
            assert bound_of_market(found.market, found.proof) < target, seed


def level(made: Market, constant: np.ndarray, slope: np.ndarray, point: np.ndarray) -> float:
    return float(constant.sum() + slope @ point[made.parts.column])


@settings(max_examples=60, deadline=None)
@given(seed=some.integers(0, 10**6), data=some.data())
def test_no_plan_passes_a_cut_and_a_plan_meets_its_own(seed: int, data: Any) -> None:
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(1, 4)), int(rng.integers(1, 6))
    utility = rng.choice([0, 0.1, 1, 3, 40], (n, m))
    made = market(utility, rng.choice([0, 0.2, 5], n), rng.integers(1, 5, n))
    levels = some.sampled_from([0.0, 0.2, 0.5, 0.9, 0.97, 1.0])
    point = np.array(data.draw(some.lists(levels, min_size=made.size, max_size=made.size)))
    constant, slope = made.cut(point)
    for x in itertools.product([0.0, 1.0], repeat=made.size):
        plan = np.array(x)
        assert level(made, constant, slope, plan) >= made.captured(plan > 0) - 1e-9
        assert level(made, *made.cut(plan), plan) == pytest.approx(made.captured(plan > 0))


def test_a_cut_bends_where_one_near_column_outweighs_the_others() -> None:
    # One column of 99 at 0.3 and three of 1 at 1, beside 1: the tangent at 32.7 is near 0.97 there. Bent at s with
    # s = 0.3 s + 3 it is (s/(s+1))² + 3/(s+1)² + 0.3 (0.99 - (s/(s+1))²).
    made = market([[99, 1, 1, 1]], [1], [1])
    point = np.array([0.3, 0.9, 0.9, 0.9])
    s = 2.7 / 0.7
    flat = (s / (s + 1)) ** 2
    constant, slope = made.cut(point)
    assert level(made, constant, slope, point) == pytest.approx(flat + 2.7 / (s + 1) ** 2 + 0.3 * (0.99 - flat))
    tangent = 1 - 1 / (0.3 * 99 + 2.7 + 1)
    assert level(made, constant, slope, point) < 0.9 * tangent


def medium(seed: int = 0, n: int = 120, m: int = 30, most: int = 5) -> Market:
    rng = np.random.default_rng(seed)
    homes, sites = rng.random((n, 2)), rng.random((m, 2))
    way = np.hypot(*(homes[:, None] - sites[None]).transpose(2, 0, 1))
    utility = np.where(way < 0.4, rng.integers(1, 9, m) * (np.maximum(way, 0.05) / 0.05) ** -2, 0)
    return market(utility[:, 3:], utility[:, :3].sum(axis=1), rng.integers(1, 99, n), most)


def test_a_spoiled_proof_proves_nothing_or_less() -> None:
    made = medium()
    found = most_captured(made, Control())
    assert found.proof is not None
    assert found.status == "optimal"
    tree = found.proof.tree
    assert len(tree.parent) > 1
    assert bound_of_market(made, found.proof) == pytest.approx(found.value, rel=1e-9)
    v, y = tree.v.copy(), tree.y.copy()
    v[0] *= 0.5  # cuts must add up to a whole one
    assert bound_of_market(made, MarketProof(found.proof.points, replace(tree, v=v))) == math.inf
    y[:, 0] = -1.0  # there is no lower limit on columns
    assert bound_of_market(made, MarketProof(found.proof.points, replace(tree, y=y))) == math.inf
    assert bound_of_market(made, MarketProof(-found.proof.points, tree)) == math.inf
    half = replace(tree, parent=tree.parent[:-1], column=tree.column[:-1], at=tree.at[:-1], price=tree.price[:-1])
    assert bound_of_market(made, MarketProof(found.proof.points, half)) == math.inf
    zero = MarketProof(np.zeros_like(found.proof.points), tree)
    assert bound_of_market(made, zero) > found.value * 1.01


def test_the_first_plan_is_there_and_the_bound_holds_when_time_is_up() -> None:
    made = medium(1, 200, 50, 8)
    best = most_captured(made, Control())
    ticks = iter(range(10**6))

    class Late(Control):
        clock = staticmethod(lambda: float(next(ticks)))

    early = most_captured(made, Late(time_limit=40))
    assert early.x is not None
    assert early.status == "time_limit"
    assert early.value <= best.value <= early.bound
    target = 0.9 * best.value
    few = fewest_for_target(made, np.ones(made.size, bool), target, Late(time_limit=40))
    exact = fewest_for_target(made, np.ones(made.size, bool), target, Control())
    assert few.x is not None
    assert -few.bound <= -exact.value <= -few.value


def test_a_column_is_replaced_by_the_best_that_keeps_the_rows() -> None:
    # one is open, of at least 3: not y, which would capture most
    made = market([[1, 9, 2]], [1], [10], 1, rows=[[3, 0, 4]], low=[3], high=[math.inf])
    plans = Plans(made, Control())
    assert plans.improved(np.array([True, False, False])).tolist() == [False, False, True]
    assert most_captured(made, Control()).value == pytest.approx(10 * 2 / 3)


def test_the_same_market_gives_the_same_plan() -> None:
    one, two = (most_captured(medium(3), Control()) for _ in range(2))
    assert one.x is not None
    assert two.x is not None
    assert one.x.tolist() == two.x.tolist()
    assert one.value == two.value


def test_where_the_relaxation_does_not_tell_the_search_shows_that_fewer_are_too_few() -> None:
    branched = 0
    for seed in range(8):
        made = medium(seed, 60, 15, 12)
        plans = np.array(list(itertools.product([0, 1], repeat=made.size)))
        own = made.utility @ plans.T
        share = np.divide(own, own + made.other[:, None], out=np.zeros(own.shape), where=own > 0)
        best = float((made.constant + made.weight @ share)[plans.sum(axis=1) == 4].max())
        target = best * (1 + 1e-6)  # just out of reach of 4
        found = fewest_for_target(made, np.ones(made.size, bool), target, Control())
        assert (-found.value, -found.bound, found.status) == (5, 5, "optimal"), seed
        assert found.proof is not None, seed
        assert best * (1 - 1e-12) <= bound_of_market(found.market, found.proof) < target, seed
        branched += len(found.proof.tree.parent) > 1
    assert branched
