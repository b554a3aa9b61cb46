"""What is left of a median problem as a covering problem, whose relaxation is solved by a linear programme.

At prices v with the bound B, no plan above the cutoff C serves a need i by less than t_i = v_i - (B - C): it would pay
more than the gap for that need alone. So the benefits of i count above t_i only, as steps between the distinct values
b_1 > b_2 > ... of the columns that are left: the step from b_k down to b_k+1 (the last: to t_i) is a need of its own
with that worth, covered by the columns of benefit b_k or more. This is the radius formulation of Cornuejols, Nemhauser
and Wolsey (1980, A canonical representation of simple plant location problems and its applications, SIAM Journal on
Algebraic and Discrete Methods 1, pp. 261-272), of the pairs that prices leave.

Prices of steps give one of the need: v_i = t_i + their sum. With the worth above v_i credited to the best steps first,
no column is credited with more than the steps credit it, so the bound and the fixings of the covering problem hold
with v in the median problem, too.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from siting.numbers import Bools, Floats, Ints
from siting.optimize.control import Control
from siting.optimize.covering.branch_and_bound import BranchAndBound, ReducedRelaxation, Report
from siting.optimize.covering.relaxation import Lagrangian
from siting.optimize.covering.rounding import BudgetRounding
from siting.optimize.median.median_kernels import SortedPairs
from siting.optimize.model import Model
from siting.optimize.proof import ProofTree

__all__ = ["Levels", "levels_of", "search_levels", "splice"]

#: Entries of the largest covering problem that is solved instead, and pairs that are looked through for it.
MOST_ENTRIES, MOST_PAIRS = 1_500_000, 6_000_000
#: Seconds, about, to write an entry into the relaxation.
WRITING = 4e-6


class Levels(NamedTuple):
    """The covering problem, its columns in the median problem, the need of each step, and the thresholds t."""

    model: Model
    columns: Ints
    need: Ints
    threshold: Floats


def levels_of(
    pairs: SortedPairs, base: Floats, price: Floats, slack: float, value: Floats, free: Bools, many: int, *,
    grain: float, constant: float, seconds: float,
) -> Levels | None:  # fmt: skip
    """Return what is left at a *price* whose bound is *slack* above the cutoff; None where it is too large.

    *pairs* are those of the columns that are *free*, *base* the benefit of each need without them, *constant* the value
    of what is open anyway, and *many* how many may open besides.
    """
    if len(pairs.cols) > MOST_PAIRS:
        return None
    threshold = price - slack
    if grain > 0:  # plans are worth multiples of it
        threshold = np.floor(threshold / grain) * grain
    threshold = np.maximum(base, threshold)
    length = np.diff(pairs.ptr)
    row = np.repeat(np.arange(len(length)), length)
    kept = (pairs.gains > threshold[row]) & free[pairs.cols]
    row, column, gain = row[kept], pairs.cols[kept], pairs.gains[kept]
    if not len(row):
        return None
    begin = np.searchsorted(row, np.arange(len(length) + 1))
    following = np.append(gain[1:], 0.0)
    following[begin[1:][np.diff(begin) > 0] - 1] = threshold[np.diff(begin) > 0]
    last = np.flatnonzero(gain > following)
    size = last + 1 - begin[row[last]]
    entries = int(size.sum())
    if entries > MOST_ENTRIES or entries * WRITING > seconds:
        return None
    columns = np.flatnonzero(free)
    position = np.full(len(free), -1, np.int32)
    position[columns] = np.arange(len(columns))
    ptr = np.append(0, np.cumsum(size))
    entry = np.arange(entries) - np.repeat(ptr[:-1], size) + np.repeat(begin[row[last]], size)
    worth = gain[last] - following[last]
    benefit = csr_array((np.repeat(worth, size), position[column[entry]], ptr), shape=(len(last), len(columns)))
    benefit.sort_indices()
    m, limited = len(columns), many < len(columns)
    model = Model(
        benefit=benefit,
        value=value[columns],
        rows=csr_array(np.ones((int(limited), m))),
        low=np.full(int(limited), -np.inf),
        high=np.full(int(limited), float(many)),
        lower=np.zeros(m),
        upper=np.ones(m),
        shares=csr_array((0, len(last))),
        wanted=np.zeros(0),
        must=np.zeros(len(last), bool),
        grain=grain,
        constant=constant + float(threshold.sum()),
    )
    return Levels(model, columns, row[last], threshold)


def search_levels(levels: Levels, start: Bools, control: Control, report: Report) -> BranchAndBound:
    """Search the covering problem from a plan of its columns, to the end or until the control stops it."""
    terms = Lagrangian(levels.model)
    small = levels.model
    rounding = BudgetRounding(terms, control)
    search = BranchAndBound(terms, control, rounding.round_x, report)
    search.offer(start)
    root = ReducedRelaxation(terms, small.lower, small.upper).solve(small.lower, small.upper, control.seconds_left)
    if root.x is not None:
        search.offer(rounding.round_x(root.x, small.lower, small.upper))
    bound, r = terms.bound(root, small.lower, small.upper)
    if root.x is not None and not report(search.value, bound):
        search.offer(rounding.perturb(search.x if search.x is not None else start, np.abs(r) <= bound - search.value))
    search.begin(root)
    search.run()
    return search


def splice(tree: ProofTree, node: int, levels: Levels, search: BranchAndBound, rows: int, each: float) -> None:
    """Add the tree of a search below a node of a median's proof, with its prices in terms of the median.

    Where the node has fixings of its own it is split on the first of these: its price bounds the other side.
    """
    fixed = [entry for entry in tree.fixed if entry[0] == node]
    top = node
    if fixed:
        column, at = int(fixed[0][1][0]), int(fixed[0][2][0])
        tree.add(node, column, 1 - at, tree.price[node])
        top = tree.add(node, column, at)
    found = search.tree
    prices: dict[int, int] = {}
    place: list[int] = []
    for parent, column, at, price in zip(found.parent, found.column, found.at, found.price, strict=True):
        if price >= 0 and price not in prices:
            steps = np.bincount(levels.need, np.asarray(found.v[price], float), len(levels.threshold))
            y = np.zeros(rows)
            y[: len(found.y[price])] = found.y[price] / each
            prices[price] = tree.keep(levels.threshold + steps, y, np.zeros(0))
        kept = prices.get(price, -1)
        if parent < 0:
            tree.price[top] = kept
            place.append(top)
        else:
            place.append(tree.add(place[parent], int(levels.columns[column]), at, kept))
    tree.fixed += [(place[each_node], levels.columns[columns], at) for each_node, columns, at in found.fixed]
