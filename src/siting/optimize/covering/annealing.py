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
ROUND, TRIAL = 4_000_000, 20_000
#: Share of exchanges that are made at the first temperature of a round, and the last temperature as a part of it.
MADE, COLDEST = 0.05, 0.05
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
        self.serves, self.columns = serves, columns
        self.x: Bools = greedy(terms, np.inf, _number(model))
        self.value = model.objective(self.x)
        self.heat = 0.0
        self._random = np.array([88172645463325252], np.uint64)

    def run(self, control: Control, seconds: float) -> None:
        """Anneal in rounds for so many *seconds*; the best plan stays."""
        end = control.seconds + seconds
        opened = self._positions(self.x)
        if not 1 < len(opened) < len(self.columns):
            return
        while not control.must_stop and control.seconds < end:
            state, missing, covered = self._state(opened)
            best = opened.copy()
            self.heat = self.heat or self._first_heat(opened)
            hot, steps = self.heat, 20
            for step in range(steps):
                if control.must_stop or control.seconds > end:
                    break
                part = hot * COLDEST ** (step / steps), hot * COLDEST ** ((step + 1) / steps)
                found = best.copy()
                most, covered, missing, _ = kernels.anneal(
                    self.cover, state, missing, covered, ROUND // steps, *part, self._random, found
                )
                if most >= 0:
                    self._offer(found)
            opened = self._positions(self.x)

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

    def _offer(self, opened: Ints) -> None:
        x = self.model.lower > 0
        x[self.columns[opened]] = True
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
