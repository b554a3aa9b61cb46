"""A first plan for any model, in moments and without a solver: columns are opened one by one by what they add.

What a column adds only falls while others open, so one that still adds more than others once did is the next (M.
Minoux, 1978, Accelerated greedy algorithms for maximizing submodular set functions, Lecture Notes in Control 7, pp.
234-243).
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from siting.numbers import Bools, Floats, Ints
from siting.optimize.control import Control
from siting.optimize.model import Model
from siting.optimize.sparse_rows import largest_entry, row_of_entries

__all__ = ["GRACE", "OFTEN", "Opening", "first_plan", "open_by_gain"]

#: Columns that are opened or looked at between two checks of the control.
OFTEN = 32
#: Seconds for a first plan where the time is up before there is any.
GRACE = 0.3


class Opening:
    """Columns opened one by one within the upper limits of the rows; *x* are those that are open."""

    def __init__(self, model: Model) -> None:
        self.model, self.x = model, model.lower > 0
        self.rows_of = csr_array(model.rows.T.tocsr())
        self.activity = np.asarray(model.rows @ self.x.astype(float), float)
        self.slack = 1e-9 * np.maximum(largest_entry(model.rows), np.abs(np.where(np.isinf(model.high), 0, model.high)))

    def open(self, j: int, deeper: int = 2) -> bool:
        """Open a column, and before it those that a rule wants open with it; False where the limits forbid it."""
        if self.x[j]:
            return True
        if self.model.upper[j] < 1:
            return False
        row, weight = self._entries(j)
        for r in row[self.activity[row] + weight > self.model.high[row] + self.slack[row]].tolist():
            there = slice(*self.model.rows.indptr[r : r + 2])
            eases = self.model.rows.indices[there][self.model.rows.data[there] < 0]
            if not deeper or not any(self.open(int(k), deeper - 1) for k in eases if k != j and not self.x[k]):
                return False
        if (self.activity[row] + weight > self.model.high[row] + self.slack[row]).any():
            return False
        self.x[j] = True
        self.activity[row] += weight
        return True

    def _entries(self, j: int) -> tuple[Any, Any]:
        there = slice(*self.rows_of.indptr[j : j + 2])
        return self.rows_of.indices[there], self.rows_of.data[there]

    def raise_to_low(self, alone: Floats) -> None:
        """Open columns until rows reach their lower limits: those that count most, then those worth most *alone*."""
        rows, low = self.model.rows, self.model.low
        for r in np.flatnonzero(self.activity < low - self.slack).tolist():
            there = slice(*rows.indptr[r : r + 2])
            column, weight = rows.indices[there], rows.data[there]
            for j in column[np.lexsort((column, -alone[column], -weight))].tolist():
                if self.activity[r] >= low[r] - self.slack[r]:
                    break
                self.open(j)


def first_plan(model: Model, control: Control) -> Bools | None:
    """Make a plan: rows reach their lower limits, shares and needs that must be served are served, then by value.

    Returns the best of this, nothing but what must be open, and all columns; None where none of them keeps the rules.
    When the control stops it, what was opened by then counts.
    """
    if (model.lower > model.upper).any():
        return None
    control = control.with_grace(GRACE)
    b, row = model.benefit, row_of_entries(model.benefit)
    times = None if model.times is None else np.asarray(model.times, np.int64)
    alone = np.asarray(model.value + np.bincount(b.indices, b.data, len(model.value)), float)
    opening = Opening(model)
    opening.raise_to_low(alone)
    lacking = np.divide(1.0, model.wanted, out=np.zeros(len(model.wanted)), where=model.wanted > 0)
    counts = np.asarray(model.must + model.shares.T @ lacking, float)
    cost = np.maximum(-model.value, 0.0)
    if counts.any():
        counted = csr_array((counts[row], b.indices, b.indptr), shape=b.shape)
        by_cost = np.where(cost > 0, cost, cost[cost > 0].min(initial=1.0))
        open_by_gain(opening, counted, times, 1.0 / by_cost, None, lambda *now: _met(model, *now), control)
    if _met(model, ~np.isnan(model.served(opening.x))) and not control.must_stop:
        open_by_gain(opening, b, times, None, model.value, lambda *_: False, control)
    plans = [x for x in (opening.x, model.lower > 0, model.upper > 0) if model.is_feasible(x)]
    return max(plans, key=model.objective, default=None)


def _met(model: Model, served: Bools, best: Floats | None = None) -> bool:
    """Whether all shares and needs that must be served are; in *best* needs of shares that are met count no more."""
    short = model.shares @ served.astype(float) < model.wanted - 1e-9 * np.abs(model.wanted)
    if best is not None and not short.all():
        best[~model.must & (model.shares.T @ short.astype(float) <= 0)] = np.inf
    return bool(served[model.must].all() and not short.any())


def open_by_gain(
    opening: Opening, benefit: csr_array, times: Ints | None, factor: Floats | None, value: Floats | None,
    met: Callable[[Bools, Floats], bool], control: Control,
) -> None:  # fmt: skip
    """Open the column that adds most, its gain times *factor* plus *value*, until *met*, or none adds anything.

    *met* is asked with the needs that are served, and what each has; it may raise that, so that less is to be gained.
    """
    by_column, (needs, columns) = csr_array(benefit.T.tocsr()), benefit.shape
    best = np.zeros(needs)
    count = np.bincount(row_of_entries(benefit)[opening.x[benefit.indices]], minlength=needs)
    enough = 1 if times is None else times
    served = opening.model.served(opening.x)
    best[~np.isnan(served)] = served[~np.isnan(served)] if times is None and value is not None else 0.0
    if value is None:  # what is served counts no more
        best[~np.isnan(served)] = np.inf
    factor = np.ones(columns) if factor is None else factor
    value = np.zeros(columns) if value is None else value

    def entries(j: int) -> tuple[Any, Any]:
        there = slice(*by_column.indptr[j : j + 2])
        return by_column.indices[there], by_column.data[there]

    def gain(j: int) -> float:
        need, worth = entries(j)
        if times is not None:
            lacking = count[need] < times[need]
            return float((worth[lacking] / times[need][lacking]).sum() * factor[j] + value[j])
        return float(np.maximum(worth - best[need], 0.0).sum() * factor[j] + value[j])

    queue = [(-gain(j), j) for j in np.flatnonzero(~opening.x & (opening.model.upper > 0)).tolist()]
    queue = [each for each in queue if each[0] < 0]
    heapq.heapify(queue)
    looked = 0
    while queue:
        looked += 1
        if looked % OFTEN == 0 and control.must_stop:
            return
        _, j = heapq.heappop(queue)
        now = gain(j)
        if now <= 0:
            continue
        if queue and (-now, j) > queue[0]:
            heapq.heappush(queue, (-now, j))
            continue
        if not opening.open(j):
            continue
        need, worth = entries(j)
        best[need], count[need] = np.maximum(best[need], worth), count[need] + 1
        if met(count >= enough, best):
            return
