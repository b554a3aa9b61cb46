"""Plans by interchange: open a column, close one, or both, by the largest gain, until nothing improves.

The gains of these moves are computed in one pass over the pairs that are better than a need's second best open
column [1]_, [2]_.

References
----------
.. [1] R. A. Whitaker, "A fast algorithm for the greedy interchange for large-scale clustering and median location
   problems", INFOR 21 (2), 1983, pp. 95-108.
.. [2] M. G. C. Resende and R. F. Werneck, "A fast swap-based local search procedure for location problems", Annals of
   Operations Research 150, 2007, pp. 205-230.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from siting.messages import Message
from siting.numbers import Bools, Floats, Ints8
from siting.optimize.control import Control
from siting.optimize.median import median_kernels as kernels
from siting.optimize.median.median_kernels import BestTwo, SortedPairs
from siting.optimize.model import Model

__all__ = ["CountLimits", "count_limits", "interchange", "sorted_pairs"]

#: Rounding tolerance of a sum, as a share of it.
ROUNDING = 1e-12


class CountLimits(NamedTuple):
    """Least and most open free columns, and their coefficient in the rule."""

    few: int
    many: int
    each: float


def count_limits(model: Model) -> CountLimits | None:
    """Read how many columns may open; None for a contradiction."""
    opened, free = model.lower > 0.5, (model.lower < 0.5) & (model.upper > 0.5)
    if model.rows.shape[0] > 1 or model.shares.shape[0] or (model.times is not None and (model.times != 1).any()):
        raise ValueError(Message("solver.median_takes"))
    if (opened & (model.upper < 0.5)).any():
        return None
    few, many, each, size = 0.0, math.inf, 1.0, int(free.sum())
    if model.rows.shape[0]:
        counts = model.rows.toarray()[0]
        used = float(counts[opened].sum())
        each = float(counts[free][0]) if size else 1.0
        if (counts[free] != each).any() or each <= 0:
            raise ValueError(Message("solver.median_row"))
        few, many = (float(model.low[0]) - used) / each, (float(model.high[0]) - used) / each
        few, many = max(0.0, _whole(few, math.ceil)), _whole(many, math.floor)
    if few > min(many, size):
        return None
    return CountLimits(int(few), int(min(many, size)), each)


def _whole(number: float, rounded: Callable[[float], int]) -> float:
    """Round a limit on a number of columns, within the rounding tolerance of a quotient."""
    if math.isinf(number):
        return number
    near = round(number)
    return float(near if abs(number - near) <= 1e-6 * max(1, abs(near)) else rounded(number))


def sorted_pairs(benefit: csr_array, state: Ints8) -> SortedPairs:
    """Sort the pairs of columns that may open, a block of rows of like length at a time."""
    ptr, cols, gains = benefit.indptr.astype(np.int64), benefit.indices, benefit.data
    usable = state[cols] != kernels.CLOSED
    if not usable.all():
        ptr = np.concatenate([[0], np.cumsum(usable)])[ptr]
        cols, gains = cols[usable], gains[usable]
    new_cols, new_gains = np.empty(len(cols), np.int32), np.empty(len(cols))
    length = np.diff(ptr)
    by_length = np.argsort(length, kind="stable")
    begin = 0
    while begin < len(length):
        room = max(1, int(2e6) // max(1, int(length[by_length[begin]])))
        rows = by_length[begin : begin + room]
        rows = rows[length[rows] <= max(64, 2 * length[rows[0]])]
        begin += len(rows)
        at = np.arange(length[rows[-1]])
        real = at < length[rows][:, None]
        where = np.where(real, ptr[rows][:, None] + at, 0)
        order = np.argsort(np.where(real, -gains[where], np.inf), axis=1, kind="stable")
        there = where[real]
        taken = np.take_along_axis(where, order, axis=1)[real]
        new_cols[there], new_gains[there] = cols[taken], gains[taken]
    return SortedPairs(ptr, new_cols, new_gains)


def interchange(
    pairs: SortedPairs, base: Floats, value: Floats, free: Bools, start: Bools, limits: CountLimits, control: Control
) -> tuple[Bools, float]:
    """Improve a plan by interchange, after opening missing columns greedily; return it and its value.

    *pairs* are those of the columns that are *free* to open, *base* is the worth of each need when none of them is
    open, *value* that of opening each column. *start* has at most the columns that *limits* allow. When the control
    stops the search early, a plan with enough columns is still returned.
    """
    n, m, is_open = len(base), len(value), start.copy()
    best = BestTwo(np.empty(n, np.int32), np.empty(n), np.empty(n))
    gain, size = np.empty(m), int(is_open.sum())
    total = kernels.best_two_open(pairs, base, value, is_open, best)
    while size < limits.many:
        only_gain = best._replace(second=best.gain)
        kernels.move_gains(pairs, value, is_open, only_gain, gain, np.empty(1), np.empty((m, 0)), np.full(m, -1))
        j = int(np.where(free & ~is_open, gain, -np.inf).argmax())
        if gain[j] <= 0 and size >= limits.few:
            break
        opened = np.array([j])
        if control.must_stop:  # no time for one by one
            more = (limits.few if (value < 0).any() else limits.many) - size
            opened = np.argsort(-np.where(free & ~is_open, gain, -np.inf), kind="stable")[: max(1, more)]
        is_open[opened] = True
        size += len(opened)
        total = kernels.best_two_open(pairs, base, value, is_open, best)
    while not control.must_stop:
        move = _best_move(pairs, value, is_open, free, limits, best)
        was = is_open.copy()
        is_open[move] = ~is_open[move]
        better = kernels.best_two_open(pairs, base, value, is_open, best)
        if better <= total + ROUNDING * abs(total):
            return was, float(total)
        total = better
    return is_open, float(total)


def _best_move(
    pairs: SortedPairs, value: Floats, is_open: Bools, free: Bools, limits: CountLimits, best: BestTwo
) -> list[int]:
    """Find the opening, closing or interchange with the largest gain; none if nothing improves."""
    inside, outside, m = np.flatnonzero(is_open), free & ~is_open, len(value)
    slots = np.full(m, -1)
    slots[inside] = np.arange(len(inside))
    gain, loss, both = np.empty(m), np.empty(len(inside)), np.empty((m, len(inside)))
    kernels.move_gains(pairs, value, is_open, best, gain, loss, both, slots)
    top, move = 0.0, list[int]()
    if len(inside) < limits.many and outside.any():
        j = int(np.where(outside, gain, -np.inf).argmax())
        if gain[j] > top:
            top, move = gain[j], [j]
    if len(inside) > limits.few:
        k = int(loss.argmin())
        if -loss[k] > top:
            top, move = -loss[k], [int(inside[k])]
    if len(inside) and outside.any():
        both += gain[:, None]
        both -= loss
        both[~outside] = -np.inf
        j, k = divmod(int(both.argmax()), len(inside))
        if both[j, k] > top:
            move = [j, int(inside[k])]
    return move
