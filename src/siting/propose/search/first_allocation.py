"""A first plan and a first bound with capacities, in moments and without a solver."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator

import numpy as np
from scipy.sparse import csr_array

from siting.numbers import Bools, Floats, Positions
from siting.optimize.control import Control
from siting.optimize.first_plan import GRACE, OFTEN, Opening
from siting.propose.model.allocation import Allocation
from siting.propose.search.placing import placed

__all__ = ["first_allocation", "simple_bound"]


class _Filling:
    """People on arcs, poured into the places of columns as these open; *worth* of a person on each arc."""

    def __init__(self, problem: Allocation, worth: Floats, opening: Opening) -> None:
        self.problem, self.opening = problem, opening
        self.left, self.people = problem.amount.astype(float), np.zeros(len(problem.need))
        self.of_column = csr_array(problem.room.T.tocsr())
        self.full = np.zeros(problem.room.shape[0])
        self.set_worth(worth)

    def set_worth(self, worth: Floats) -> None:
        """Set what a person is worth; the arcs of each pool are taken best first, those of no worth never."""
        at = np.flatnonzero(worth > 0)
        self.worth = worth
        self.order = at[np.lexsort((self.problem.cost[at], -worth[at], self.problem.pool[at]))]
        self.start = np.searchsorted(self.problem.pool[self.order], np.arange(self.problem.room.shape[0] + 1))

    def pours(self, j: int) -> Iterator[tuple[Positions, Floats]]:
        """Arcs, and the people on them, that column *j* takes of those without a place."""
        there = slice(*self.of_column.indptr[j : j + 2])
        for pool, room in zip(self.of_column.indices[there], self.of_column.data[there], strict=True):
            arcs = self.order[self.start[pool] : self.start[pool + 1]]
            wish = self.left[self.problem.need[arcs]]
            if self.problem.whole:
                room = float(np.floor(room + 1e-9))
            yield arcs, np.clip(room - (np.cumsum(wish) - wish), 0.0, wish)

    def gain(self, j: int) -> float:
        """Return what the people in column *j* would be worth."""
        return sum(float(self.worth[arcs] @ people) for arcs, people in self.pours(j))

    def pour(self, j: int) -> None:
        """Take people into column *j*."""
        for arcs, people in list(self.pours(j)):
            self.people[arcs] += people
            self.left[self.problem.need[arcs]] -= people


def first_allocation(problem: Allocation, control: Control) -> tuple[Bools, Floats] | None:
    """Open the column whose places take the most worth, again and again: first for what must be served, then for gain.

    Returns columns and people on arcs; None where this breaks a rule.
    """
    control, formulation = control.with_grace(2 * GRACE), problem.formulation
    model, value = formulation.model, np.asarray(formulation.value, float)
    opening = Opening(model)
    room = np.asarray(problem.room.sum(axis=0), float).ravel()
    opening.raise_to_low(room + value)
    asked = np.asarray(problem.shares.sum(axis=0), float).ravel() if problem.shares.shape[0] else 0 * problem.gain
    for arcs, needs in problem.must:
        asked = asked + np.isin(problem.need, needs) * arcs
    spread = float(np.abs(problem.gain).max(initial=0.0)) or 1.0
    prefers = 0.5 * (1.0 + problem.gain / (spread * (1 + 1e-9)))  # of equal ones the better gain
    filling = _Filling(problem, np.where(asked > 0, 1.0 + prefers, 0.0), opening)
    for j in np.flatnonzero(opening.x).tolist():
        filling.pour(j)

    def met() -> bool:
        served = np.asarray(problem.shares @ filling.people)
        short = [np.bincount(problem.need[arcs], filling.people[arcs], len(problem.amount))[needs]
                 - problem.amount[needs] for arcs, needs in problem.must]  # fmt: skip
        return bool((served >= model.wanted - 1e-9 * np.abs(model.wanted)).all()) and all(
            (each >= -1e-9).all() for each in short
        )

    cost = np.maximum(-value, 0.0)
    if asked.any() and not met():
        _fill(filling, 1.0 / np.where(cost > 0, cost, cost[cost > 0].min(initial=1.0)), None, control, met)
    filling.set_worth(np.where(problem.gain > 0, problem.gain, 0.0))
    for j in np.flatnonzero(opening.x).tolist():
        _top_up(filling, j)
    _fill(filling, np.ones(len(value)), value, control, lambda: False)
    x = opening.x
    if not problem.split or problem.nearest:
        people = placed(problem, x)
        return None if people is None else (x, people)
    return (x, filling.people) if problem.keeps(x, filling.people) else None


def _top_up(filling: _Filling, j: int) -> None:
    """Fill the places of an open column that are left."""
    problem = filling.problem
    there = slice(*filling.of_column.indptr[j : j + 2])
    for pool, room in zip(filling.of_column.indices[there], filling.of_column.data[there], strict=True):
        arcs = filling.order[filling.start[pool] : filling.start[pool + 1]]
        if len(arcs):
            taken = float(filling.people[problem.pool == pool].sum())
            wish = filling.left[problem.need[arcs]]
            people = np.clip(room - taken - (np.cumsum(wish) - wish), 0.0, wish)
            people = np.floor(people + 1e-9) if problem.whole else people
            filling.people[arcs] += people
            filling.left[problem.need[arcs]] -= people


def _fill(filling: _Filling, factor: Floats, value: Floats | None, control: Control, met: Callable[[], bool]) -> None:
    """Open columns by gain until *met*, or nothing is gained."""
    opening = filling.opening
    value = np.zeros(len(factor)) if value is None else value
    free = np.flatnonzero(~opening.x & (opening.model.upper > 0)).tolist()
    queue = [(-(filling.gain(j) * factor[j] + value[j]), j) for j in free]
    queue = [each for each in queue if each[0] < 0]
    heapq.heapify(queue)
    looked = opened = 0
    while queue:
        looked += 1
        if looked % OFTEN == 0 and control.must_stop:
            return
        _, j = heapq.heappop(queue)
        now = filling.gain(j) * factor[j] + value[j]
        if now <= 0:
            continue
        if queue and (-now, j) > queue[0]:
            heapq.heappush(queue, (-now, j))
            continue
        before = opening.x.copy()
        if not opening.open(j):
            continue
        for k in np.flatnonzero(opening.x & ~before).tolist():
            filling.pour(k)
        opened += 1
        if (opened < 8 or opened % 8 == 0 or not queue) and met():
            return


def simple_bound(problem: Allocation) -> float:
    """Bound the objective, in the sense of the model: all at the best site, and the cheapest places for a share."""
    formulation, model = problem.formulation, problem.formulation.model
    best = np.full(len(problem.amount), -np.inf)
    np.maximum.at(best, problem.need, problem.gain)
    must = np.zeros(len(best), bool)
    for _, needs in problem.must:
        must[needs] = True
    best = np.where(must & np.isfinite(best), best, np.maximum(best, 0.0))
    value = np.asarray(formulation.value, float)
    opens = np.where(model.lower > 0, value, np.where(model.upper > 0, np.maximum(value, 0.0), 0.0))
    total = formulation.constant + float(best @ problem.amount + opens.sum())
    room, least = np.asarray(problem.room.sum(axis=0), float).ravel(), 0.0
    free = (model.lower == 0) & (model.upper > 0)
    given = float(room[(model.lower > 0) | (free & (value >= 0))].sum())
    for wanted in model.wanted.tolist():
        paid = np.flatnonzero(free & (value < 0) & (room > 0))
        order = paid[np.argsort(-value[paid] / room[paid], kind="stable")]
        before = np.cumsum(room[order]) - room[order]
        part = np.clip((wanted - given - before) / room[order], 0.0, 1.0)
        least = max(least, float(part @ -value[order]))
    return total - least
