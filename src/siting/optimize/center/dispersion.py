"""p-dispersion: open p columns so that the smallest distance between two is largest.

The answer is one of the distances, found by bisection: with limit d, no two open columns may be nearer than d. Each
step is a maximum independent set, found greedily or by the solver. Where all distances fit into memory the search goes
by groups of columns: see `far_groups`.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array, triu

from siting.messages import Message
from siting.numbers import Bools, Floats, Ints, Positions
from siting.optimize import highs
from siting.optimize.center.far_groups import solve_by_groups
from siting.optimize.control import Control
from siting.optimize.distances import SAME, distinct, place_of
from siting.optimize.solution import Solution
from siting.optimize.sparse_rows import entries_of, row_of_entries, transposed

__all__ = ["all_distances", "farthest_first", "smallest_distance", "solve_dispersion", "widest_possible"]

ENGINE = "dispersion"
#: Columns whose distances are all held.
MOST = 4_000


def smallest_distance(pairs: csr_array, x: Bools) -> float:
    """Return the smallest distance between two open columns; infinite when no two are in a pair."""
    upper = triu(pairs, k=1).tocoo()
    both = x[upper.row] & x[upper.col]
    return float(upper.data[both].min(initial=np.inf))


def solve_dispersion(
    pairs: csr_array, lower: Floats, upper: Floats, least: int, most: int | None, control: Control
) -> Solution:
    """Open columns so that the smallest distance between two is largest: p-dispersion [1]_.

    Parameters
    ----------
    pairs
        Columns × columns, symmetric: the distance of each pair. Absent pairs are farther apart than all others.
    lower, upper
        0 or 1 for each column: (1, 1) is open in every plan, (0, 0) in none. Two that must be open count as well.
    least, most
        How many columns are open, including those that must; *most* None for any number. As one more column never
        increases the distance, at most *least* are opened in addition to those that must.

    Returns
    -------
    Solution
        `value` and `bound` are distances, infinite when no two open columns are in a pair. A `FarSolution` has a proof.

    Raises
    ------
    ValueError
        When *pairs* is not symmetric, or a distance is negative or not a number.

    References
    ----------
    .. [1] M. J. Kuby, "Programming models for facility dispersion: the p-dispersion and maxisum dispersion problems",
       Geographical Analysis 19 (4), 1987, pp. 315-329.
    """
    _check(pairs, lower, upper)
    must, may = lower > 0, upper > 0
    if (must & ~may).any() or may.sum() < least or (most is not None and max(int(must.sum()), least) > most):
        return Solution.infeasible(ENGINE)
    if len(lower) <= MOST:
        return solve_by_groups(all_distances(pairs), lower, upper, least, control)
    close = triu(pairs, k=1).tocoo()
    usable = may[close.row] & may[close.col]
    first, second, distance = close.row[usable], close.col[usable], close.data[usable]
    more = max(0, least - int(must.sum()))
    best = must.copy()
    best[farthest_first(pairs, lower, upper)[:more]] = True
    # Two that must be open limit everything, and so do columns that must share a group: no level above is tried.
    top = min(smallest_distance(pairs, must), widest_possible(pairs, lower, upper, more))
    levels = distinct(distance, shortest=True)
    levels = np.append(levels, np.inf) if np.isinf(top) else levels[levels <= top * (1 + SAME)]
    levels = levels if len(levels) else np.array([np.inf])
    low, high = min(place_of(levels, smallest_distance(pairs, best)), len(levels) - 1), len(levels) - 1
    nodes = 0
    for exact in (False, True):  # first without the solver: a feasible distance needs no proof
        last = high
        while low < last:
            known = float(levels[low]), None if np.isinf(levels[high]) else float(levels[high])
            if control.report("distance", *known):
                break
            middle = (low + last + 1) // 2
            near = distance < levels[middle]
            x, decided = _apart(first[near], second[near], must, may, least, control, exact=exact)
            nodes += 1
            if x is not None:
                best = x
                low = min(place_of(levels, smallest_distance(pairs, x)), len(levels) - 1)
            elif decided or not exact:
                last = middle - 1
                high = last if decided else high
            else:
                break
    status, value = "optimal" if low >= high else control.status, smallest_distance(pairs, best)
    bound = value if low >= high else max(value, float(levels[high]))
    return Solution(best, value, bound, status, ENGINE, nodes=nodes)


def all_distances(pairs: csr_array) -> Floats:
    """Return the distances between all columns, infinite where a pair is absent."""
    filled = np.full(pairs.shape, np.inf)
    filled[row_of_entries(pairs), pairs.indices] = pairs.data
    np.fill_diagonal(filled, 0.0)
    return filled


def farthest_first(pairs: csr_array, lower: Floats, upper: Floats) -> Positions:
    """Put the columns that may open in order, each time the one farthest from all before it and those that must open.

    Where all distances are known and keep the triangle inequality the smallest distance among the first p is at least
    half of the largest possible [1]_.

    References
    ----------
    .. [1] S. S. Ravi, D. J. Rosenkrantz and G. K. Tayi, "Heuristic and special case algorithms for dispersion
       problems", Operations Research 42 (2), 1994, pp. 299-310.
    """
    must, may = lower > 0, (upper > 0) & (lower == 0)
    near, order = np.where(may, np.inf, -np.inf), np.empty(int(may.sum()), np.int64)
    queue = np.flatnonzero(must).tolist()
    at = 0
    if not queue and len(order):  # with one of the two that are farthest apart
        row = row_of_entries(pairs)
        both = may[row] & may[pairs.indices]
        j = int(row[np.where(both, pairs.data, -1.0).argmax()] if both.any() else np.flatnonzero(may)[0])
        near[j], order[0], at = -np.inf, j, 1
        queue = [j]
    while True:
        for j in queue:
            there = slice(*pairs.indptr[j : j + 2])
            near[pairs.indices[there]] = np.minimum(near[pairs.indices[there]], pairs.data[there])
        if at == len(order):
            return order
        j = int(near.argmax())
        near[j], order[at], queue = -np.inf, j, [j]
        at += 1


def widest_possible(pairs: csr_array, lower: Floats, upper: Floats, more: int) -> float:
    """Bound the smallest distance between open columns when *more* open in addition to those that must.

    Of *more* columns two are in one of *more* - 1 groups, here around the columns that are farthest apart: their
    distance is no longer than the longest in a group. Infinite where a distance within a group is not known.
    """
    must, may = lower > 0, (upper > 0) & (lower == 0)
    top = np.inf
    if more >= 1 and must.any():  # each is near one that must be open
        nearest = np.full(len(must), np.inf)
        mine = must[row_of_entries(pairs)]
        np.minimum.at(nearest, pairs.indices[mine], pairs.data[mine])
        top = float(np.sort(nearest[may])[::-1][:more].min(initial=np.inf))
    if more < 2:
        return top
    centres = farthest_first(pairs, np.zeros(len(may)), may.astype(float))[: more - 1]
    group, nearest = np.full(len(may), -1), np.full(len(may), np.inf)
    for number, j in enumerate(centres.tolist()):
        there = slice(*pairs.indptr[j : j + 2])
        closer = pairs.data[there] < nearest[pairs.indices[there]]
        at = pairs.indices[there][closer]
        nearest[at], group[at] = pairs.data[there][closer], number
    group[centres] = np.arange(len(centres))
    if (group[may] < 0).any():  # too far from all: a group of its own
        return top
    row, column = row_of_entries(pairs), pairs.indices
    inside = may[row] & may[column] & (group[row] == group[column]) & (row < column)
    size = np.bincount(group[may], minlength=len(centres))
    if (np.bincount(group[row[inside]], minlength=len(centres)) < size * (size - 1) // 2).any():
        return top
    return min(top, float(pairs.data[inside].max(initial=0.0)))


def _check(pairs: csr_array, lower: Floats, upper: Floats) -> None:
    m = len(lower)
    if pairs.shape != (m, m) or len(upper) != m:
        raise ValueError(Message("solver.square", what="pairs", shape=pairs.shape, n=m))
    if not np.isfinite(pairs.data).all() or (pairs.data < 0).any():
        raise ValueError(Message("solver.negative", what="pairs"))
    a, b = (transposed(csr_array(triu(half, k=1))) for half in (pairs, pairs.T))
    if not all(map(np.array_equal, (a.indptr, a.indices, a.data), (b.indptr, b.indices, b.data))):
        raise ValueError(Message("solver.not_symmetric", what="pairs"))


def _apart(
    first: Ints, second: Ints, must: Bools, may: Bools, least: int, control: Control, *, exact: bool
) -> tuple[Bools | None, bool]:
    """Find *least* columns, no two neighbours, or return whether there are none; by the solver where *exact*."""
    m = len(must)
    ends = np.concatenate([first, second]), np.concatenate([second, first])
    graph = csr_array((np.ones(len(ends[0])), ends), shape=(m, m))
    taken = must.copy()
    free = may & ~must & ~(graph @ must.astype(float) > 0)
    # Greedily open the column with the fewest free neighbours, which is often enough.
    left = free.copy()
    while left.any() and taken.sum() < least and not control.must_stop:
        degree = np.where(left, graph @ left.astype(float), np.inf)
        j = int(np.argmin(degree))
        taken[j] = True
        left[j] = False
        left[entries_of(graph, j)] = False
    if taken.sum() >= least:
        return taken, True
    wanted = least - int(must.sum())
    if control.must_stop:
        return None, False
    cliques = _clique_cover(_neighbours(graph), free, control)
    if cliques is not None and cliques < wanted:
        return None, True
    return (None, False) if not exact or cliques is None else _by_solver(graph, must, free, wanted, control)


def _neighbours(graph: csr_array) -> list[set[int]]:
    return [set(entries_of(graph, j).tolist()) for j in range(graph.shape[0])]


def _clique_cover(neighbours: list[set[int]], free: Bools, control: Control) -> int | None:
    """Partition the *free* columns into cliques: at most one of each can open; None when the control stops it."""
    rest = set(np.flatnonzero(free).tolist())
    number = 0
    while rest:
        if control.must_stop:
            return None
        number += 1
        j = min(rest)
        rest.discard(j)
        common = neighbours[j] & rest
        while common:
            # The one with the most neighbours in common leaves the largest clique.
            k = max(sorted(common), key=lambda c: len(neighbours[c] & common)) if len(common) < 64 else min(common)
            rest.discard(k)
            common &= neighbours[k]
    return number


def _by_solver(graph: csr_array, must: Bools, free: Bools, wanted: int, control: Control) -> tuple[Bools | None, bool]:
    """Ask the solver for *wanted* of the *free* columns; a clique of neighbours holds one of them at most."""
    at, k = np.flatnonzero(free), int(free.sum())
    cliques = _edge_cliques(csr_array(graph[at][:, at]), control)
    if cliques is None:
        return None, False
    rows = np.repeat(np.arange(len(cliques)), [len(clique) for clique in cliques])
    matrix = csr_array((np.ones(len(rows)), (rows, np.concatenate(cliques))), shape=(len(cliques), k))
    outcome = highs.run(
        highs.Programme.of_blocks(-np.ones(k), np.zeros(k), np.ones(k), [([matrix], -np.inf, 1.0)], k),
        gap=0.99,
        time_limit=control.seconds_left,
        # Enough columns, or a bound that excludes them: the exact number does not matter.
        stop=lambda value, bound: control.report("distance") or -value >= wanted - 1e-6 or -bound < wanted - 1e-6,
    )
    if outcome.x is not None and (outcome.x > 0.5).sum() >= wanted:
        x = must.copy()
        x[at[np.flatnonzero(outcome.x > 0.5)[:wanted]]] = True
        return x, True
    return None, outcome.status == "optimal" or -outcome.bound < wanted - 1e-6


def _edge_cliques(graph: csr_array, control: Control) -> list[Ints] | None:
    """Cover all edges with cliques, each grown from an uncovered edge; None when the control stops it."""
    neighbours = _neighbours(graph)
    left = [{j for j in near if j > i} for i, near in enumerate(neighbours)]
    cliques: list[Ints] = []
    for i, mine in enumerate(left):
        if control.must_stop:
            return None
        while mine:
            clique = [i, min(mine)]
            common = neighbours[i] & neighbours[clique[1]]
            while common:
                j = min(common)
                clique.append(j)
                common &= neighbours[j]
            clique.sort()
            for k, a in enumerate(clique):
                left[a].difference_update(clique[k + 1 :])
            cliques.append(np.array(clique, np.int64))
    return cliques
