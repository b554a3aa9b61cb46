"""Good prices and good covers for set covering, without a solver.

Prices of rows come from subgradients, on the columns that matter by their reduced costs; columns are priced anew in
between (Caprara, A., Fischetti, M. and Toth, P., 1999, A heuristic method for the set covering problem, Operations
Research 47, pp. 730-743). Covers come from the greedy method by reduced costs, then from a search by row weights on
the columns that are nearest to being needed.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.sparse import csr_array

from siting.numbers import Bools, Floats
from siting.optimize.control import Control
from siting.optimize.covering.set_cover_kernels import (
    Incidence,
    greedy_cover,
    nearest_columns,
    price_and_cover,
    price_rows,
    reduced_costs,
    search_by_weights,
)
from siting.optimize.model import Model
from siting.optimize.solution import SAME
from siting.optimize.sparse_rows import transposed, with_data

__all__ = ["CoverSearch", "part_of"]

#: Columns of each row, the cheapest by reduced costs, that prices are improved on, and that covers are searched in, in
#: turns.
PRICED, SEARCHED = 20, (10, 6, 15, 4)
#: Rounds of prices on all columns, then on those that matter, and how often these are chosen anew.
FIRST_ROUNDS, ROUNDS, TIMES = 300, 3000, 6
#: Columns up to which the relaxation is solved at once, so that rounds on all columns are enough.
FEW = 2_000
#: Greedy covers on the way of the prices.
GREEDY = 50
#: Steps of the search between two looks at the clock, about, for a step through a thousand pairs, and in one turn.
CHUNK, TURN = 20_000, 250_000
SEED = 88172645463325252


class CoverSearch:
    """A set covering problem (all rows must be covered, at the least cost), the best prices and the best cover.

    Attributes
    ----------
    price
        A price of 0 or more for each row.
    bound
        No cover costs less: the prices, and the reduced costs below 0.
    x, cost
        The best cover, and its cost (infinite without any).
    """

    def __init__(self, model: Model, control: Control) -> None:
        self.control, self.model = control, model
        self.columns = np.flatnonzero((model.lower == 0) & (model.upper > 0))
        self.sets = _incidence(model, self.columns)
        n, m = len(self.sets.back_start) - 1, len(self.columns)
        cheapest = np.minimum.reduceat(self.sets.cost[self.sets.back], self.sets.back_start[:-1])
        #: Costs that differ by less are one; no cover costs less than the dearest of the cheapest columns of the rows.
        self.grain = model.grain if model.grain > 0 else 0.5 * SAME * float(cheapest.max())
        self.x, self.cost = np.zeros(m, bool), math.inf
        each = (self.sets.cost / np.maximum(np.diff(self.sets.start), 1))[self.sets.back]
        self.price: Floats = np.minimum.reduceat(each, self.sets.back_start[:-1]).astype(float)
        self.bound = self._bound(self.price)
        #: Prices that tell which columns are near: those of the subgradients, which are more even than a solver's.
        self._guide = self.price
        self._core: _Core | None = None
        self._turn, self._rows = 0, n

    def begin(self) -> None:
        """Make a greedy cover, good prices, and a better cover."""
        x, free = np.zeros(len(self.columns), bool), np.zeros(self._rows)
        self._keep(x, float(greedy_cover(self.sets, self.sets.cost, free, x)))
        self._improve_prices()
        if not self.is_proven and not self.control.must_stop:
            core = self._searched()
            best = np.zeros(len(core.at), bool)
            cost = price_and_cover(core.sets, self.price, best, self.cost, GREEDY, 0.1)
            if cost < self.cost:
                self._keep(self._wide(core, best), float(cost))

    @property
    def is_proven(self) -> bool:
        """Whether nothing fits between bound and cover."""
        return self.bound > self.cost - self.grain * (1 - 1e-6)

    def offer(self, x: Bools) -> None:
        """Keep a cover that costs less; *x* are columns of the model."""
        mine = np.asarray(x, bool)[self.columns]
        self._keep(mine, float(self.sets.cost[mine].sum()))

    def plan(self) -> Bools | None:
        """Return the best cover as columns of the model."""
        if not math.isfinite(self.cost):
            return None
        plan: Bools = self.model.lower > 0
        plan[self.columns[self.x]] = True
        return plan

    def set_prices(self, price: Floats) -> None:
        """Take other prices of rows, if their bound is better."""
        price = np.maximum(price, 0.0)
        if (bound := self._bound(price)) > self.bound:
            self.price, self.bound = price, bound
            if len(self.columns) <= FEW:
                self._guide = price

    def rounded(self, x: Floats) -> Bools:
        """Return the greedy cover that likes columns by a fractional *x* of the model."""
        dear = self.sets.cost * (1.0 - 0.999 * np.clip(x[self.columns], 0.0, 1.0))
        mine = np.zeros(len(self.columns), bool)
        cost = float(greedy_cover(self.sets, dear, np.zeros(self._rows), mine))
        self._keep(mine, cost)
        plan: Bools = self.model.lower > 0
        plan[self.columns[mine]] = True
        return plan

    def search(self, steps: int) -> bool:
        """Search for a cheaper cover, for so many steps, and among other columns in turns; return if one was found."""
        before = self.cost
        while steps > 0 and not self.is_proven and not self.control.must_stop:
            self._search_core(min(steps, TURN))
            steps -= TURN
        return self.cost < before

    def _search_core(self, steps: int) -> None:
        before, core = self.cost, self._searched()
        at = core.at
        if (self.x & ~core.marked).any():  # the best cover has columns from elsewhere
            core = self._core = _Core(self, core.marked | self.x, self._turn)
            at = core.at
        best = self.x[at].copy()
        chunk = max(100, int(CHUNK * 1000 / max(core.work, 1000.0)))
        done = 0
        while done < steps and not self.is_proven and not self.control.must_stop:
            now = min(chunk, steps - done)
            cost, state = search_by_weights(
                core.sets, core.x, best, self.bound + self.grain * (1 - 1e-6), self.grain, now, core.state, core.weight,
                core.moved,
            )  # fmt: skip
            core.state = np.uint64(state)
            done += now
            if cost < self.cost:
                self._keep(self._wide(core, best), float(cost))
        if self.cost == before and not core.marked.all():
            self._turn, self._core = self._turn + 1, None

    def needed(self) -> Bools:
        """Mark the columns of the model that a cheaper cover may have, by the prices."""
        left = reduced_costs(self.sets, self.price)
        needed = np.zeros(len(self.model.value), bool)
        needed[self.columns] = self.bound + np.maximum(left, 0.0) <= self.cost - self.grain * (1 - 1e-6)
        return needed

    def nearest(self, each: int, below: float = 0.0) -> Bools:
        """Mark the columns of the model with the least reduced costs: *each* of every row, and those up to *below*."""
        marked = np.zeros(len(self.model.value), bool)
        marked[self.columns] = nearest_columns(self.sets, reduced_costs(self.sets, self.price), each, below) | self.x
        return marked

    def _bound(self, price: Floats) -> float:
        return float(price.sum() + np.minimum(reduced_costs(self.sets, price), 0.0).sum())

    def _keep(self, x: Bools, cost: float) -> None:
        if cost < self.cost - 1e-9 * abs(cost):
            self.x, self.cost = x, cost

    def _improve_prices(self) -> None:
        """Subgradients on all columns, then on those that matter until all agree."""
        if not math.isfinite(self.cost):
            return
        enough = self.cost - self.grain * (1 - 1e-6)
        price = self.price.copy()
        bound, _, _ = price_rows(self.sets, price, self.cost, enough, FIRST_ROUNDS, 1.0, 30)
        self.set_prices(price)
        if len(self.columns) <= FEW:
            return
        marked, step = np.zeros(len(self.columns), bool), 0.5
        for times in range(TIMES):
            if self.is_proven or self.control.must_stop:
                return
            marked |= nearest_columns(self.sets, reduced_costs(self.sets, price), PRICED, 0.0)
            core = self.sets if marked.all() else part_of(self.sets, np.flatnonzero(marked))
            rounds, patience = (ROUNDS, 100) if not times else (ROUNDS // 4, 40)
            bound, _, _ = price_rows(core, price, self.cost, enough, rounds, step, patience)
            self.set_prices(price)
            self._guide = price.copy()
            step = max(step / 2, 0.02)
            if marked.all() or bound - self._bound(price) < 0.1 * self.grain:
                return

    def _searched(self) -> _Core:
        """Columns that covers are searched in."""
        if self._core is None:
            left, each = reduced_costs(self.sets, self._guide), SEARCHED[self._turn % len(SEARCHED)]
            self._core = _Core(self, nearest_columns(self.sets, left, each, -1e-3 * self.grain) | self.x, self._turn)
        return self._core

    def _wide(self, core: _Core, best: Bools) -> Bools:
        x = np.zeros(len(self.columns), bool)
        x[core.at] = best
        return x


class _Core:
    """Some columns, and the state of the search in them."""

    def __init__(self, search: CoverSearch, marked: Bools, turn: int) -> None:
        self.marked, self.at = marked, np.flatnonzero(marked)
        self.sets = part_of(search.sets, self.at)
        self.x = search.x[self.at].copy()
        self.weight = np.ones(len(self.sets.back_start) - 1)
        self.moved = np.full(len(self.at), -1, np.int64)
        self.state = np.uint64(SEED + turn)
        long, wide = (np.diff(start).mean() for start in (self.sets.start, self.sets.back_start))
        self.work = float(4 * long * wide + search.x.sum())


def _incidence(model: Model, columns: np.ndarray) -> Incidence:
    pattern = with_data(model.benefit, np.ones(model.benefit.nnz))
    by_column = transposed(pattern)
    whole = _of(by_column, np.maximum(-model.value, 0.0))
    return whole if len(columns) == len(model.value) else part_of(whole, columns)


def part_of(sets: Incidence, columns: np.ndarray) -> Incidence:
    """Return some of the columns."""
    n, length = len(sets.back_start) - 1, np.diff(sets.start)[columns]
    start = np.append(0, np.cumsum(length))
    at = np.arange(start[-1]) + np.repeat(sets.start[columns] - start[:-1], length)
    return _of(csr_array((np.ones(len(at)), sets.rows[at], start), shape=(len(columns), n)), sets.cost[columns])


def _of(by_column: csr_array, cost: Floats) -> Incidence:
    back = transposed(by_column)
    start, rows = by_column.indptr.astype(np.int32), by_column.indices.astype(np.int32)
    return Incidence(start, rows, back.indptr.astype(np.int32), back.indices.astype(np.int32), cost.astype(float))
