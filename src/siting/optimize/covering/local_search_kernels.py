"""Compiled loops of `local_search`: flips of columns with penalties.

For each column its gain in the objective and in each share is kept: a flip only changes columns that share its needs.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from siting.compiled import compiled
from siting.numbers import Bools, Floats, Ints, Ints32


class Lists(NamedTuple):
    """Lists: where each begins, its entries, and a number for each entry, if any."""

    start: Ints32
    index: Ints32
    data: Floats


class Problem(NamedTuple):
    """Columns, needs and rules: ``needs`` and ``rows`` of each column, ``columns`` and ``shares`` of each need.

    ``pairs`` lists, for each column, entries of other columns in the rows (or, below 0, in ``value``: -1 - column) that
    change by so much when it opens; ``links`` what must be open before column j, and, as m + j, shut before it shuts.
    """

    needs: Lists
    columns: Lists
    shares: Lists
    rows: Lists
    pairs: Lists
    links: Lists
    weight: Floats
    low: Floats
    high: Floats
    wanted: Floats
    value: Floats
    free: Bools


class Plan(NamedTuple):
    """The current plan: ``adds[j, 0]`` is what j alone adds to the objective by serving, then to each share.

    ``worth`` holds the objective and the penalty of what is missed; ``stamp`` is the move that flipped a column last.
    """

    x: Bools
    count: Ints32
    sole: Ints
    adds: Floats
    activity: Floats
    reached: Floats
    worth: Floats
    stamp: Ints


@compiled
def flip(problem, plan, row_price, share_price, j):
    """Open or shut column *j*, and update everything."""
    x, count, sole, adds, activity, reached, worth = plan[:7]
    needs, columns, shares, rows, pairs = problem[:5]
    way = -1 if x[j] else 1
    x[j] = not x[j]
    worth[0] += way * problem.value[j]
    for e in range(needs.start[j], needs.start[j + 1]):
        i = needs.index[e]
        before = count[i]
        count[i] += way
        sole[i] += way * j
        after = count[i]
        if before == 0 or after == 0:
            worth[0] += way * problem.weight[i]
            for f in range(columns.start[i], columns.start[i + 1]):
                k = columns.index[f]
                if k != j:
                    adds[k, 0] -= way * problem.weight[i]
            for g in range(shares.start[i], shares.start[i + 1]):
                reached[shares.index[g]] += way * shares.data[g]
                for f in range(columns.start[i], columns.start[i + 1]):
                    k = columns.index[f]
                    if k != j:
                        adds[k, shares.index[g] + 1] -= way * shares.data[g]
        elif before == 1 or after == 1:
            # the other one that is open serves alone now, or no longer
            k = sole[i] - j if way > 0 else sole[i]
            adds[k, 0] -= way * problem.weight[i]
            for g in range(shares.start[i], shares.start[i + 1]):
                adds[k, shares.index[g] + 1] -= way * shares.data[g]
    for e in range(rows.start[j], rows.start[j + 1]):
        activity[rows.index[e]] += way * rows.data[e]
    for e in range(pairs.start[j], pairs.start[j + 1]):
        if pairs.index[e] >= 0:
            rows.data[pairs.index[e]] += way * pairs.data[e]
        else:
            problem.value[-1 - pairs.index[e]] += way * pairs.data[e]
    missed = 0.0
    for s in range(len(reached)):
        missed += share_price[s] * max(0.0, problem.wanted[s] - reached[s])
    for r in range(len(activity)):
        missed += row_price[r] * max(0.0, problem.low[r] - activity[r], activity[r] - problem.high[r])
    worth[1] = missed


@compiled
def best_move(problem, plan, row_price, share_price, move, gain):
    """Return the column, not flipped in *move*, whose flip with its precedences gains most (-1: none), and its gain."""
    x, _, _, adds, activity, reached, _, stamp = plan
    rows, links, free, low, high = problem.rows, problem.links, problem.free, problem.low, problem.high
    linked = len(links.index) > 0
    best, most = -1, 0.0
    for j in range(len(x)):
        if not free[j] or (stamp[j] == move and not linked):
            continue
        way = -1.0 if x[j] else 1.0
        g = way * (problem.value[j] + adds[j, 0])
        for s in range(len(reached)):
            t = adds[j, s + 1]
            if t != 0.0:
                short = problem.wanted[s] - reached[s]
                g -= share_price[s] * (max(0.0, short - way * t) - max(0.0, short))
        for e in range(rows.start[j], rows.start[j + 1]):
            r = rows.index[e]
            now = activity[r]
            then = now + way * rows.data[e]
            g -= row_price[r] * (max(0.0, low[r] - then, then - high[r]) - max(0.0, low[r] - now, now - high[r]))
        gain[j] = g
        if not linked and g > most:
            best, most = j, g
    if linked:
        for j in range(len(x)):
            if not free[j] or stamp[j] == move:
                continue
            g = gain[j]
            at = j + len(x) if x[j] else j
            for e in range(links.start[at], links.start[at + 1]):
                k = links.index[e]
                if x[k] == x[j]:
                    g += gain[k] if free[k] and stamp[k] != move else -np.inf
            if g > most:
                best, most = j, g
    return best, most


@compiled
def climb(problem, plan, row_price, share_price, kicks, steps, least, tolerance, move, best_x, best):
    """Flip each of *kicks* (-1: none), then up to *steps* best columns that gain *least*; return the last move used.

    The plan returns to the best of these. The best that misses no rule by more than *tolerance*, priced, is kept in
    *best_x*, its objective in ``best[0]``.
    """
    x, worth, stamp, links = plan.x, plan.worth, plan.stamp, problem.links
    journal, gain = np.empty(len(x), np.int64), np.empty(len(x))
    for at in range(len(kicks)):
        move += 1
        length, until = 0, 0
        top = worth[0] - worth[1]
        j = kicks[at]
        if j >= 0 and not problem.free[j]:
            continue
        for step in range(steps + 1):
            if j < 0 or step > 0:
                j, g = best_move(problem, plan, row_price, share_price, move, gain)
                if j < 0 or g <= least:
                    break
            was = x[j]
            first = j + len(x) if was else j
            for e in range(links.start[first], links.start[first + 1]):
                k = links.index[e]
                if x[k] == was and problem.free[k]:
                    flip(problem, plan, row_price, share_price, k)
                    stamp[k] = move
                    journal[length] = k
                    length += 1
            flip(problem, plan, row_price, share_price, j)
            stamp[j] = move
            journal[length] = j
            length += 1
            if worth[0] - worth[1] > top + least:
                top = worth[0] - worth[1]
                until = length
            if worth[1] <= tolerance and worth[0] > best[0] + least:
                best[0] = worth[0]
                for k in range(len(x)):
                    best_x[k] = x[k]
        while length > until:
            length -= 1
            flip(problem, plan, row_price, share_price, journal[length])
    return move
