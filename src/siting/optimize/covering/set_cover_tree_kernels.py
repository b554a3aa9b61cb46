"""The compiled search tree of set covering: depth first, with prices by subgradients that prove each leaf.

The step sizes and fixings are those of Beasley, J. E., 1987, An algorithm for set covering problem, European Journal of
Operational Research 31, pp. 85-93, and of Balas, E. and Carrera, M. C., 1996, A dynamic subgradient-based
branch-and-bound procedure for set covering, Operations Research 44, pp. 875-890.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from siting.compiled import compiled
from siting.numbers import Bools, Floats, Ints, Ints32

#: Where the numbers of `TreeState.size` and `.sums` are.
DEPTH, TRAIL, COUNT, FIXINGS, PRICES = 0, 1, 2, 3, 4
SPENT, KNOWN = 0, 1


class TreeState(NamedTuple):
    """The branch that the search is in.

    `fixed` is -1 for a free column, else its value; `covered` and `free` count the open and the free columns of each
    row; `trail` are the columns in the order in which they were fixed. For each depth: the node, the length of the
    trail, the column that is branched on, the sides that are done, and the prices. `size` holds the depth, the length
    of the trail, and the numbers of nodes, fixings and prices; `sums` the cost of open columns and of the best cover.
    """

    fixed: npt.NDArray[np.int8]
    covered: Ints32
    free: Ints32
    trail: Ints32
    node: Ints
    mark: Ints
    column: Ints
    sides: Ints
    price: npt.NDArray[np.float32]
    best: Bools
    size: Ints
    sums: Floats


class TreeRecord(NamedTuple):
    """What a part of the search adds to the tree: nodes, fixings and prices, as in `siting.optimize.proof.Proof`."""

    parent: Ints
    column: Ints
    at: Ints
    price: Ints
    fixed_node: Ints
    fixed_column: Ints
    fixed_at: Ints
    prices: npt.NDArray[np.float32]


@compiled
def grow_tree(sets, state, record, grain, rounds):
    """Search on until the tree is complete or *record* is full; return whether it is complete.

    Each node has up to so many *rounds* of subgradients. A node closes when its bound leaves no room below the cost of
    the best cover. Nodes, fixings and prices are numbered from the first of *record*.
    """
    size, sums, m = state.size, state.sums, len(state.fixed)
    n = len(state.covered)
    first_node = size[COUNT]
    u, tried = np.zeros(n, np.float32), np.zeros(n, np.float32)
    left, mean, way = np.zeros(m), np.zeros(m), np.zeros(n)
    forced = np.zeros(n, np.int64)
    size[FIXINGS] = size[PRICES] = 0
    while size[DEPTH] > 0:
        d = size[DEPTH] - 1
        if state.sides[d] == 2:
            size[DEPTH] = d
            continue
        k = size[COUNT] - first_node
        if k >= len(record.parent) or size[FIXINGS] + m > len(record.fixed_node):
            return False
        _undo(sets, state, state.mark[d])
        at = 1 - state.sides[d]
        state.sides[d] += 1
        node = size[COUNT]
        size[COUNT] += 1
        record.parent[k], record.column[k], record.at[k] = state.node[d], state.column[d], at
        record.price[k] = -1
        _fix(sets, state, state.column[d], at)
        u[:] = state.price[d]
        begin = size[TRAIL]
        units = _open_the_only(sets, state, forced)
        if units < 0:  # a row that no column can cover any more: its price proves that
            u[:] = 0.0
            u[-units - 1] = 2.0 * sums[KNOWN] + 1.0
            bound, units = sums[KNOWN], 0
        else:
            bound = _bound_of_node(sets, state, u, tried, left, mean, way, grain, rounds)
        for f in range(units):
            u[forced[f]] = 2.0 * sums[KNOWN] + 1.0
        if sums[SPENT] < sums[KNOWN] - 0.5 * grain and _is_cover(state):
            sums[KNOWN] = sums[SPENT]
            for j in range(m):
                state.best[j] = state.fixed[j] == 1
        enough = sums[KNOWN] - grain * (1.0 - 1e-5)
        if bound >= enough:
            record.prices[size[PRICES]] = u
            record.price[k] = size[PRICES]
            size[PRICES] += 1
            continue
        last, least = -1, np.inf
        for j in range(m):
            if state.fixed[j] < 0:
                r = left[j]
                if r > 0.0 and bound + r >= enough:
                    _fix(sets, state, j, 0)
                elif r < 0.0 and bound - r >= enough:
                    _fix(sets, state, j, 1)
                else:
                    last = j
        if last < 0 and size[TRAIL] > begin:  # the last decision is a branch of its own
            for f in range(begin, size[TRAIL]):
                if abs(left[state.trail[f]]) < least and f >= begin + units:
                    last, least = f, abs(left[state.trail[f]])
            if last < 0:
                last = size[TRAIL] - 1
            state.trail[last], state.trail[size[TRAIL] - 1] = state.trail[size[TRAIL] - 1], state.trail[last]
            _undo(sets, state, size[TRAIL] - 1)
        if size[TRAIL] > begin:
            for f in range(begin, size[TRAIL]):
                j = state.trail[f]
                at_end = size[FIXINGS]
                record.fixed_node[at_end], record.fixed_column[at_end] = node, j
                record.fixed_at[at_end] = state.fixed[j]
                size[FIXINGS] += 1
            record.prices[size[PRICES]] = u
            record.price[k] = size[PRICES]
            size[PRICES] += 1
        for f in range(units):
            u[forced[f]] = 0.0
        _descend(sets, state, node, u, mean)
        if size[DEPTH] >= len(state.node):
            return False
    return True


@compiled
def begin_tree(sets, state, u, grain, rounds):
    """Choose the first column to branch on, from the prices *u* of the root."""
    left, mean, way = np.zeros(len(state.fixed)), np.zeros(len(state.fixed)), np.zeros(len(u))
    walked, tried = u.copy(), u.copy()
    _bound_of_node(sets, state, walked, tried, left, mean, way, grain, rounds)
    _descend(sets, state, 0, u, mean)


@compiled
def _descend(sets, state, node, u, mean):
    """Choose the column to branch on in a node, and go one deeper.

    The nearest to a half in the *mean* of the subgradients counts, and that its rows have few other columns.
    """
    best, top = -1, -1.0
    for j in range(len(state.fixed)):
        if state.fixed[j] < 0:
            score = 0.0
            for e in range(sets.start[j], sets.start[j + 1]):
                i = sets.rows[e]
                if state.covered[i] == 0:
                    score += 1.0 / (state.free[i] * state.free[i])
            score *= 0.02 + min(mean[j], 1.0 - mean[j])
            if score > top:
                best, top = j, score
    d = state.size[DEPTH]
    state.node[d], state.mark[d], state.column[d], state.sides[d] = node, state.size[TRAIL], best, 0
    state.price[d] = u
    state.size[DEPTH] = d + 1


@compiled
def _bound_of_node(sets, state, u, best_u, left, mean, way, grain, rounds):
    """Improve the prices of a node; leave the best in *u*, reduced costs in *left*, and return the bound."""
    start, rows, cost = sets.start, sets.rows, sets.cost
    n, m, fixed = len(state.covered), len(state.fixed), state.fixed
    enough = state.sums[KNOWN] - grain * (1.0 - 1e-5)
    for i in range(n):
        if state.covered[i] > 0:
            u[i] = 0.0
    best, since, step, total = -1e300, 0, 1.0, 0
    mean[:] = 0.0
    best_u[:] = u
    for done in range(rounds):
        bound = state.sums[SPENT]
        for i in range(n):
            bound += u[i]
            way[i] = 1.0 if state.covered[i] == 0 else 0.0
        keep = 0.85 if done else 0.0
        for j in range(m):
            if fixed[j] < 0:
                r = cost[j]
                for e in range(start[j], start[j + 1]):
                    r -= u[rows[e]]
                if r < 0.0:
                    bound += r
                    for e in range(start[j], start[j + 1]):
                        way[rows[e]] -= 1.0
                    mean[j] = keep * mean[j] + 1.0 - keep
                else:
                    mean[j] = keep * mean[j]
        if bound > best:
            if bound > best + 0.02 * (enough - best):
                since = 0
            best = bound
            best_u[:] = u
        since += 1
        if best >= enough:
            break
        if since > 6:
            total += 1
            since = 0
            step *= 0.5
            if total == 3:
                break
        norm = 0.0
        for i in range(n):
            if state.covered[i] > 0 or (u[i] <= 0.0 and way[i] < 0.0):
                way[i] = 0.0
            norm += way[i] * way[i]
        if norm == 0.0:
            break
        move = step * (state.sums[KNOWN] - bound) / norm
        for i in range(n):
            u[i] = max(0.0, u[i] + move * way[i])
    u[:] = best_u
    bound = state.sums[SPENT]
    for i in range(n):
        bound += u[i]
    for j in range(m):
        if fixed[j] < 0:
            r = cost[j]
            for e in range(start[j], start[j + 1]):
                r -= u[rows[e]]
            left[j] = r
            bound += min(r, 0.0)
    return bound


@compiled
def _open_the_only(sets, state, forced):
    """Open the only free columns of rows; return how many, their rows in *forced*, or -1 - i for a row i without."""
    units = 0
    for i in range(len(state.covered)):
        if state.covered[i] == 0 and state.free[i] <= 1:
            if state.free[i] == 0:
                return -1 - i
            for f in range(sets.back_start[i], sets.back_start[i + 1]):
                if state.fixed[sets.back[f]] < 0:
                    _fix(sets, state, sets.back[f], 1)
                    break
            forced[units] = i
            units += 1
    return units


@compiled
def _is_cover(state):
    """Whether every row is covered."""
    return state.covered.min() > 0


@compiled
def _fix(sets, state, j, at):
    """Fix a free column."""
    state.fixed[j] = at
    state.trail[state.size[TRAIL]] = j
    state.size[TRAIL] += 1
    if at:
        state.sums[SPENT] += sets.cost[j]
    for e in range(sets.start[j], sets.start[j + 1]):
        state.free[sets.rows[e]] -= 1
        state.covered[sets.rows[e]] += at


@compiled
def _undo(sets, state, length):
    """Free the columns fixed after so many."""
    while state.size[TRAIL] > length:
        state.size[TRAIL] -= 1
        j = state.trail[state.size[TRAIL]]
        at = state.fixed[j]
        if at:
            state.sums[SPENT] -= sets.cost[j]
        for e in range(sets.start[j], sets.start[j + 1]):
            state.free[sets.rows[e]] += 1
            state.covered[sets.rows[e]] -= at
        state.fixed[j] = -1
