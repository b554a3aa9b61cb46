"""Plans by interchange: open the column that gains most, close one, or both at once, until nothing gains.

What each of these moves gains is tabled in one pass over the pairs that are better than a need's second best open
column [1]_, [2]_.

References
----------
.. [1] R. A. Whitaker, "A fast algorithm for the greedy interchange for large-scale clustering and median location
   problems", INFOR 21 (2), 1983, pp. 95-108.
.. [2] M. G. C. Resende and R. F. Werneck, "A fast swap-based local search procedure for location problems", Annals of
   Operations Research 150, 2007, pp. 205-230.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from siting.numbers import Bools, Floats, Ints, Ints8, Ints32
from siting.optimize import median_kernels as kernels
from siting.optimize.control import Control

__all__ = ["Number", "Rows", "in_order", "interchange"]

#: What the last bits of a sum can feign, as a share of it.
BITS = 1e-12


class Rows(NamedTuple):
    """The pairs of each need, best first; ties by column."""

    ptr: Ints
    cols: Ints32
    gains: Floats


class Number(NamedTuple):
    """How many of the free columns open at least and at most, and what each counts in the rule."""

    few: int
    many: int
    each: float


def in_order(benefit: csr_array, state: Ints8) -> Rows:
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
    return Rows(ptr, new_cols, new_gains)


def interchange(
    rows: Rows, base: Floats, value: Floats, free: Bools, start: Bools, number: Number, control: Control
) -> tuple[Bools, float]:
    """Improve a plan by interchange, after opening greedily what it lacks.

    Parameters
    ----------
    rows
        Pairs of the free columns.
    base
        What each need is worth when none of them is open.
    value
        What opening each column is worth.
    free
        Columns that may open.
    start
        Those that are open at first, no more than *number* allows.
    number
        How many open at least and at most.
    control
        Ends the interchange early; a plan of enough columns is returned even so.

    Returns
    -------
    tuple
        Open columns, and what they are worth with all needs.
    """
    n, is_open = len(base), start.copy()
    first, one, two = np.empty(n, np.int32), np.empty(n), np.empty(n)
    gain, size = np.empty(len(value)), int(is_open.sum())
    slots, none = np.full(len(value), -1), np.empty((len(value), 0))
    total = kernels.ends(*rows, base, value, is_open, first, one, two)
    while size < number.many:
        kernels.tables(*rows, value, is_open, first, one, one, gain, one, none, slots)
        j = int(np.where(free & ~is_open, gain, -np.inf).argmax())
        if gain[j] <= 0 and size >= number.few:
            break
        is_open[j] = True
        size += 1
        total = kernels.ends(*rows, base, value, is_open, first, one, two)
    while not control.must_stop:
        move = _best_move(rows, value, is_open, free, number, first, one, two)
        was = is_open.copy()
        is_open[move] = ~is_open[move]
        better = kernels.ends(*rows, base, value, is_open, first, one, two)
        if better <= total + BITS * abs(total):
            return was, float(total)
        total = better
    return is_open, float(total)


def _best_move(
    rows: Rows,
    value: Floats,
    is_open: Bools,
    free: Bools,
    number: Number,
    first: Ints32,
    one: Floats,
    two: Floats,
) -> list[int]:
    """Find the column to open, to close, or the two to interchange, that gains most; none when nothing does."""
    inside, outside = np.flatnonzero(is_open), free & ~is_open
    slots = np.full(len(value), -1)
    slots[inside] = np.arange(len(inside))
    gain, loss, both = np.empty(len(value)), np.empty(len(inside)), np.empty((len(value), len(inside)))
    kernels.tables(*rows, value, is_open, first, one, two, gain, loss, both, slots)
    best, move = 0.0, list[int]()
    if len(inside) < number.many and outside.any():
        j = int(np.where(outside, gain, -np.inf).argmax())
        if gain[j] > best:
            best, move = gain[j], [j]
    if len(inside) > number.few:
        k = int(loss.argmin())
        if -loss[k] > best:
            best, move = -loss[k], [int(inside[k])]
    if len(inside) and outside.any():
        both += gain[:, None]
        both -= loss
        both[~outside] = -np.inf
        j, k = divmod(int(both.argmax()), len(inside))
        if both[j, k] > best:
            move = [j, int(inside[k])]
    return move
