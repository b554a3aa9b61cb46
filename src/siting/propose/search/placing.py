"""People put into the places of open columns where communities stay together, or go to the nearest site only."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from siting.numbers import Bools, Floats, Ints
from siting.optimize.capacitated.single_source import SingleSourceProblem
from siting.optimize.capacitated.single_source_search import place
from siting.optimize.control import Control
from siting.optimize.sparse_rows import with_data
from siting.propose.model.allocation import Allocation
from siting.propose.model.variables import NEW

__all__ = ["interchanged", "placed", "whole_places"]

#: Changes of columns that are tried: at least and at most, and arcs that are looked at for all of them.
FEWEST, MOST, ARCS = 50, 2_000, 2_000_000


def placed(problem: Allocation, x: Bools) -> Floats | None:
    """Return good people on arcs for open columns, found without a solver; None where they break a rule."""
    usable = problem.usable(x)
    room = np.asarray(problem.room @ x.astype(float))
    if problem.split:
        people = _poured(problem, np.flatnonzero(usable), room)
    else:
        people = whole_places(problem, usable, room, problem.gain * problem.amount[problem.need])
    return people if problem.keeps(x, people) else None


def _poured(problem: Allocation, arcs: Ints, room: Floats) -> Floats:
    """Fill each pool from its arcs, best first; a need has one arc."""
    must = np.zeros(len(problem.amount), bool)
    for _, needs in problem.must:
        must[needs] = True
    counts = np.asarray(problem.shares.sum(axis=0)).ravel() if problem.shares.shape[0] else 0 * problem.gain
    wanted = must[problem.need[arcs]] | (problem.gain[arcs] >= 0) | (counts[arcs] > 0)
    arcs = arcs[wanted]
    order = arcs[np.lexsort((problem.cost[arcs], -problem.gain[arcs], problem.pool[arcs]))]
    wish, pool = problem.amount[problem.need[order]], problem.pool[order]
    before = np.cumsum(wish) - wish
    first = np.append(True, pool[1:] != pool[:-1])[: len(order)]
    before -= np.maximum.accumulate(np.where(first, before, 0.0))
    people = np.zeros(len(problem.need))
    most = np.floor(room + 1e-9) if problem.whole else room
    people[order] = np.clip(most[pool] - before, 0.0, wish)
    return people


def whole_places(problem: Allocation, usable: Bools, room: Floats, gain: Floats) -> Floats:
    """Put whole needs on usable arcs, within the *room* of pools, by moves that raise the *gain*."""
    must = np.zeros(len(problem.amount), bool)
    for near, needs in problem.must:
        must[needs] = True
        usable = usable & (near | ~np.isin(problem.need, needs))
    at = np.flatnonzero(usable)
    n, m = len(problem.amount), len(room)
    table = csr_array((np.arange(1, len(at) + 1), (problem.need[at], problem.pool[at])), shape=(n, m))
    table.sort_indices()
    arcs = at[table.data - 1]
    model = SingleSourceProblem(
        with_data(table, gain[arcs]), problem.amount, room, np.zeros(m), np.ones(m), np.ones(m), must
    )
    found = place(model)
    people = np.zeros(len(problem.need))
    on = np.flatnonzero(found >= 0)
    people[arcs[found[on]]] = problem.amount[on]
    return people


def interchanged(problem: Allocation, x: Bools, people: Floats, control: Control) -> tuple[Bools, Floats]:
    """Open, close and swap new columns as long as that is better, for a limited number of tries."""
    model, columns = problem.formulation.model, problem.formulation.variables
    worth, tries = problem.worth(x, people), 0
    limit = int(np.clip(ARCS / max(1, len(problem.need)), FEWEST, MOST))
    free = (columns.kind == NEW) & (model.lower < model.upper)
    better = True
    while better and tries < limit:
        better = False
        out, into = np.flatnonzero(free & x), np.flatnonzero(free & ~x)
        for change in _changes(out, into):
            tries += 1
            if tries >= limit or control.must_stop:
                return x, people
            other = x.copy()
            other[change] = ~other[change]
            inside = model.rows @ other.astype(float)
            if (inside > model.high + 1e-9).any() or (inside < model.low - 1e-9).any():
                continue
            there = placed(problem, other)
            if there is not None and problem.worth(other, there) > worth + 1e-9 * max(1.0, abs(worth)):
                x, people, worth, better = other, there, problem.worth(other, there), True
                break
    return x, people


def _changes(out: Ints, into: Ints) -> list[list[int]]:
    swaps = [[j, k] for j in out.tolist() for k in into.tolist()]
    return [[k] for k in into.tolist()] + [[j] for j in out.tolist()] + swaps
