"""p-dispersion: open p columns so that the smallest distance between two is largest.

The answer is one of the distances, found by bisection: with limit d, no two open columns may be nearer than d. Each
step is a maximum independent set, found greedily or by the solver.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array, triu

from siting.numbers import Bools, Floats, Ints
from siting.optimize import highs
from siting.optimize.control import Control
from siting.optimize.solution import Solution
from siting.optimize.sparse_rows import entries_of, transposed

__all__ = ["smallest_distance", "solve_dispersion"]

ENGINE = "dispersion"


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
        `value` and `bound` are distances, infinite when no two open columns are in a pair.

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
    close = triu(pairs, k=1).tocoo()
    usable = may[close.row] & may[close.col]
    first, second, distance = close.row[usable], close.col[usable], close.data[usable]
    levels = np.append(np.unique(distance), np.inf)
    # Two that must be open limit everything, so no level above theirs is tried.
    levels = levels[levels <= smallest_distance(pairs, must)]
    best = must.copy()
    best[np.flatnonzero(may & ~must)[: max(0, least - int(must.sum()))]] = True
    low, high = int(np.searchsorted(levels, smallest_distance(pairs, best))), len(levels) - 1
    nodes = 0
    for exact in (False, True):  # first without the solver: a feasible distance needs no proof
        top = high
        while low < top and not control.report("distance", float(levels[low]), float(levels[high])):
            middle = (low + top + 1) // 2
            near = distance < levels[middle]
            x, known = _apart(first[near], second[near], must, may, least, control if exact else None)
            nodes += 1
            if x is not None:
                best = x
                low = int(np.searchsorted(levels, smallest_distance(pairs, x)))
            elif known or not exact:
                top = middle - 1
                high = top if known else high
            else:
                break
    status = "optimal" if low >= high else control.status
    return Solution(best, smallest_distance(pairs, best), float(levels[high]), status, ENGINE, nodes=nodes)


def _check(pairs: csr_array, lower: Floats, upper: Floats) -> None:
    m = len(lower)
    if pairs.shape != (m, m) or len(upper) != m:
        raise ValueError(f"pairs has the shape {pairs.shape}; give a row and a column for each of {m} columns")
    if not np.isfinite(pairs.data).all() or (pairs.data < 0).any():
        raise ValueError("a distance is negative or no number")
    a, b = (transposed(csr_array(triu(half, k=1))) for half in (pairs, pairs.T))
    if not all(map(np.array_equal, (a.indptr, a.indices, a.data), (b.indptr, b.indices, b.data))):
        raise ValueError("pairs is not symmetric; give the same distance there and back")


def _apart(
    first: Ints, second: Ints, must: Bools, may: Bools, least: int, control: Control | None
) -> tuple[Bools | None, bool]:
    """Find *least* columns, no two neighbours, or return whether there are none; no solver without *control*."""
    m = len(must)
    ends = np.concatenate([first, second]), np.concatenate([second, first])
    graph = csr_array((np.ones(len(ends[0])), ends), shape=(m, m))
    taken = must.copy()
    free = may & ~must & ~(graph @ must.astype(float) > 0)
    # Greedily open the column with the fewest free neighbours, which is often enough.
    left = free.copy()
    while left.any() and taken.sum() < least:
        degree = np.where(left, graph @ left.astype(float), np.inf)
        j = int(np.argmin(degree))
        taken[j] = True
        left[j] = False
        left[entries_of(graph, j)] = False
    if taken.sum() >= least:
        return taken, True
    wanted = least - int(must.sum())
    if _clique_cover(_neighbours(graph), free) < wanted:
        return None, True
    return (None, False) if control is None else _by_solver(graph, must, free, wanted, control)


def _neighbours(graph: csr_array) -> list[set[int]]:
    return [set(entries_of(graph, j).tolist()) for j in range(graph.shape[0])]


def _clique_cover(neighbours: list[set[int]], free: Bools) -> int:
    """Partition the *free* columns into cliques: at most one of each can open."""
    rest = set(np.flatnonzero(free).tolist())
    number = 0
    while rest:
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
    cliques = _edge_cliques(csr_array(graph[at][:, at]))
    rows = np.repeat(np.arange(len(cliques)), [len(clique) for clique in cliques])
    matrix = csr_array((np.ones(len(rows)), (rows, np.concatenate(cliques))), shape=(len(cliques), k))
    outcome = highs.run(
        highs.Programme.of_blocks(-np.ones(k), np.zeros(k), np.ones(k), [([matrix], -np.inf, 1.0)], k),
        gap=0.99,
        time_limit=control.seconds_left,
        # Enough columns, or a bound that excludes them: the exact number does not matter.
        stop=lambda value, bound: control.must_stop or -value >= wanted - 1e-6 or -bound < wanted - 1e-6,
    )
    if outcome.x is not None and (outcome.x > 0.5).sum() >= wanted:
        x = must.copy()
        x[at[np.flatnonzero(outcome.x > 0.5)[:wanted]]] = True
        return x, True
    return None, outcome.status == "optimal" or -outcome.bound < wanted - 1e-6


def _edge_cliques(graph: csr_array) -> list[Ints]:
    """Cover all edges with cliques, each grown from an uncovered edge; isolated columns are in none."""
    neighbours = _neighbours(graph)
    left = [{j for j in near if j > i} for i, near in enumerate(neighbours)]
    cliques: list[Ints] = []
    for i, mine in enumerate(left):
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
