"""How many people find a place at open columns, and what each column adds, where people may not go as they like."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from siting.numbers import Bools, Floats, Ints
from siting.optimize.capacitated.single_source import SingleSourceProblem
from siting.optimize.capacitated.single_source_engine import solve_single_source
from siting.optimize.control import Control
from siting.propose.model.allocation import Allocation

__all__ = ["added_and_lost", "most_served"]

#: Nodes of the search for the most whole communities.
NODES = 100


def most_served(problem: Allocation, x: Bools, phase: int) -> float:
    """Return the most people with a place in a phase; whole communities by a search that ends early."""
    if problem.split and not problem.nearest:
        return problem.most(x, phase)
    arcs = np.flatnonzero(problem.usable(x) & (problem.of_need["phase"].to_numpy()[problem.need] == phase))
    room = np.asarray(problem.room @ x.astype(float))
    need, pool = problem.need[arcs], problem.pool[arcs]
    if problem.split:
        arrive = np.bincount(pool, problem.amount[need], minlength=len(room))
        return float(np.minimum(arrive, room).sum())
    n, m = len(problem.amount), len(room)
    table = csr_array((problem.amount[need], (need, pool)), shape=(n, m))
    table.sort_indices()
    open_ = np.ones(m)
    model = SingleSourceProblem(
        table, problem.amount, room, 0 * open_, open_, open_, np.zeros(n, bool), grain=1.0 if problem.whole else 0.0
    )
    return max(0.0, solve_single_source(model, Control(), nodes=NODES).value)


def added_and_lost(
    problem: Allocation, x: Bools, people: Floats, columns: Ints, phase: int
) -> tuple[float, list[tuple[float, float]]]:
    """Count the people with a place in a phase: without new *columns* of x, and for each of them.

    For each column: those whom it adds, when it opens after the columns before it, and those whom it alone serves.
    Where everybody goes to the nearest site, a column may add less than nothing. Whole communities stay where *people*
    are: a column adds its own, and loses those that fit nowhere else, the largest first.
    """
    if problem.split and not problem.nearest:
        return problem.added_and_lost(x, columns, phase)
    if not problem.split:
        return _of_communities(problem, x, people, columns, phase)
    rest = x.copy()
    rest[columns] = False
    start = last = most_served(problem, rest, phase)
    whole, counts = most_served(problem, x, phase), []
    for j in columns.tolist():
        rest[j] = True
        now = most_served(problem, rest, phase)
        fewer = x.copy()
        fewer[j] = False
        counts.append((now - last, whole - most_served(problem, fewer, phase)))
        last = now
    return start, counts


def _of_communities(
    problem: Allocation, x: Bools, people: Floats, columns: Ints, phase: int
) -> tuple[float, list[tuple[float, float]]]:
    here = (people > 0) & (problem.of_need["phase"].to_numpy()[problem.need] == phase)
    load = np.bincount(problem.pool[here], people[here], minlength=problem.room.shape[0])
    left = np.asarray(problem.room @ x.astype(float)) - load
    opens, counts, start = problem.opens.tocsc(), [], float(people[here].sum())
    for j in columns.tolist():
        pools = opens.indices[opens.indptr[j] : opens.indptr[j + 1]]
        mine = np.flatnonzero(here & np.isin(problem.pool, pools))
        own = float(people[mine].sum())
        fewer = x.copy()
        fewer[j] = False
        usable, room, lost = problem.usable(fewer), left.copy(), 0.0
        for arc in mine[np.argsort(-people[mine], kind="stable")].tolist():
            others = np.flatnonzero(usable & (problem.need == problem.need[arc]) & (room[problem.pool] >= people[arc]))
            if len(others):
                room[problem.pool[others[np.argmin(problem.cost[others])]]] -= people[arc]
            else:
                lost += people[arc]
        counts.append((own, lost))
        start -= own
    return start, counts
