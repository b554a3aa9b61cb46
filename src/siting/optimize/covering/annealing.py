"""Plans for maximal covering with many columns to open, by simulated annealing of exchanges.

An open column is exchanged for a shut one near it, or for one at a need that is not covered; an exchange that loses is
made with a probability that falls with the temperature (Kirkpatrick, S., Gelatt, C. and Vecchi, M., 1983, Optimization
by simulated annealing, Science 220, pp. 671-680). Every round begins anew, from the best plan, with its own random
numbers: rounds end in different plans.
"""

from __future__ import annotations

import numpy as np

from siting.numbers import Bools, Floats, Ints
from siting.optimize.control import Control
from siting.optimize.covering import annealing_kernels as kernels
from siting.optimize.covering.relaxation import Lagrangian
from siting.optimize.covering.rounding import greedy
from siting.optimize.model import Model
from siting.optimize.sparse_rows import entries_of

__all__ = ["Annealing", "is_wide"]

#: Exchanges of a round, and of a trial of a temperature.
ROUND, TRIAL = 8_000_000, 20_000
#: Parts of a round, after each of which the clock is looked at.
STEPS = 40
#: Share of exchanges that are made at the first temperature of a round, and the last temperature as a part of it.
MADE, COLDEST = 0.04, 0.1
#: Weights come to whole numbers of this sum at most.
MOST = 2.0**30
#: Pairs of a column to open and one to shut from which on the search is worth its time.
WIDE = 200_000


def is_wide(model: Model) -> bool:
    """Whether the model only limits the number of columns, which are worth nothing by themselves, and is large."""
    free = (model.lower == 0) & (model.upper > 0)
    if len(model.high) != 1 or model.value[free].any() or not free.any():
        return False
    cost = model.rows[[0]].toarray()[0]
    return bool((cost[free] == 1).all()) and int(free.sum()) * _number(model) >= WIDE


def _number(model: Model) -> int:
    """Count the free columns that may open."""
    open_for_good = float(model.rows[[0]].toarray()[0] @ (model.lower > 0))
    return int(np.floor(model.high[0] - open_for_good + 1e-9))


class Annealing:
    """The annealing of one model, with its best plan, `x`."""

    def __init__(self, terms: Lagrangian) -> None:
        model = terms.model
        self.terms, self.model = terms, model
        self.free = (model.lower == 0) & (model.upper > 0)
        columns = np.flatnonzero(self.free & (np.diff(terms.serves.indptr) > 0))
        worth = np.where(terms.covered(model.lower > 0), 0.0, terms.w)
        scale = 1.0 if _is_whole(worth) and worth.sum() <= MOST else MOST / max(float(worth.sum()), 1e-300)
        weight = np.floor(worth * scale).astype(np.int32)
        serves = terms.serves[columns]
        back = serves.T.tocsr()
        arrays = (part.astype(np.uint32) for part in (serves.indptr, serves.indices, back.indptr, back.indices))
        start, needs, back_start, back_columns = arrays
        self.cover = kernels.Cover32(start, needs, back_start, back_columns, weight, weight[needs])
        self.serves, self.columns, self.number = serves, columns, _number(model)
        self.x: Bools = greedy(terms, np.inf, self.number)
        self.value = model.objective(self.x)
        self.heat = 0.0
        self._random = np.array([88172645463325252], np.uint64)

    def run(self, control: Control, seconds: float) -> None:
        """Anneal in rounds for so many *seconds*; the best plan stays."""
        end = control.seconds + seconds
        while self.can_exchange and not control.must_stop and control.seconds < end:
            self.run_round(control, end, self.x)

    @property
    def can_exchange(self) -> bool:
        """Whether there are columns to exchange, and places to move."""
        return 1 < int(self.x[self.columns].sum()) < len(self.columns)

    def run_round(self, control: Control, end: float, begin: Bools) -> Bools | None:
        """Anneal once from the plan *begin*, until the clock of *control* shows *end*; the best plan stays in `x`.

        Return the best plan of the second half of the steps, None if they were not reached.
        """
        opened = self._positions(begin)
        self.heat = self.heat or self._first_heat(opened)
        state, missing, covered = self._state(opened)
        hot, most, last = self.heat, -1, None
        for step in range(STEPS):
            if control.must_stop or control.seconds > end:
                break
            heats = hot * COLDEST ** (step / STEPS), hot * COLDEST ** ((step + 1) / STEPS)
            found = opened.copy()
            top, covered, missing, _ = kernels.anneal(
                self.cover, state, missing, covered, ROUND // STEPS, *heats, self._random, found
            )
            if top >= 0:
                self.offer(self._plan(found))
            if top > most and step >= STEPS // 2:
                most, last = top, self._plan(found)
        return last

    def _first_heat(self, opened: Ints) -> float:
        """Find the temperature at which few enough exchanges are made, from a high one down."""
        heat = max(float(self.cover.weight.sum()) / len(opened), 1.0)
        state, missing, covered = self._state(opened)
        for _ in range(40):
            _, covered, missing, made = kernels.anneal(
                self.cover, state, missing, covered, TRIAL, heat, heat, self._random, opened.astype(np.int32)
            )
            if made <= MADE * TRIAL:
                break
            heat *= 0.7
        return heat

    def _plan(self, opened: Ints) -> Bools:
        x = self.model.lower > 0
        x[self.columns[opened]] = True
        return x

    def offer(self, x: Bools) -> None:
        """Keep a plan if it is feasible and better."""
        if self.model.is_feasible(x) and (value := self.model.objective(x)) > self.value:
            self.x, self.value = x, value

    def _positions(self, x: Bools) -> Ints:
        return np.flatnonzero(x[self.columns]).astype(np.int32)

    def _state(self, opened: Ints) -> tuple[kernels.State, int, int]:
        """Set up a plan: its state, the number of needs that it does not cover, and what it covers."""
        weight = self.cover.weight
        n, m, size = len(weight), len(self.columns), len(opened)
        place = np.full(m, -1, np.int32)
        place[opened] = np.arange(size)
        count, places = np.zeros(n, np.int32), np.zeros(n, np.int32)
        for a, j in enumerate(opened.tolist()):
            needs = entries_of(self.serves, j)
            count[needs] += 1
            places[needs] += a
        only = np.where(count == 1, places, np.where(count == 0, -1, -2)).astype(np.int32)
        alone = only >= 0
        loss = np.bincount(only[alone], weight[alone], size).astype(np.int64)
        lacking = np.flatnonzero(count == 0)
        gaps, at = np.zeros(n, np.int32), np.zeros(n, np.int32)
        gaps[: len(lacking)], at[lacking] = lacking, np.arange(len(lacking))
        state = kernels.State(opened.astype(np.int32), place, count, places, only, loss, gaps, at)
        return state, len(lacking), int(weight[count > 0].sum())


def _is_whole(worth: Floats) -> bool:
    return bool((worth == np.rint(worth)).all())
