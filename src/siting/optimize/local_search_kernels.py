"""Compiled loops of `local_search`: flips of columns, priced by what they break.

A plan is worth its objective less a price for each unit by which a rule is missed. For each column is kept what it
alone adds (or would add) to the objective and to each share: a flip changes only what shares needs with it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from siting.compiled import compiled


class Problem(NamedTuple):
    """Who serves whom, and which rules a column is in.

    ``start, inside`` are the needs of each column and ``back_start, back`` the columns of each need; ``share_start,
    share, share_data`` the shares of each need and ``row_start, row, row_data`` the rows of each column; ``weight`` is
    the worth of each need. ``pair`` lists, for each column, entries of other columns in the rows (or, below 0, in
    ``value``: -1 - column) that change by ``pair_amount`` when it opens. ``first`` lists what must be open before a
    column may be, ``after`` what must be shut before it may shut.
    """

    start: np.ndarray
    inside: np.ndarray
    back_start: np.ndarray
    back: np.ndarray
    share_start: np.ndarray
    share: np.ndarray
    row_start: np.ndarray
    row: np.ndarray
    weight: np.ndarray
    share_data: np.ndarray
    row_data: np.ndarray
    low: np.ndarray
    high: np.ndarray
    wanted: np.ndarray
    value: np.ndarray
    pair_start: np.ndarray
    pair: np.ndarray
    pair_amount: np.ndarray
    first_start: np.ndarray
    first: np.ndarray
    after_start: np.ndarray
    after: np.ndarray
    free: np.ndarray


class Plan(NamedTuple):
    """The current plan: ``adds[j, 0]`` is what j alone adds to the objective by serving, then to each share.

    ``worth`` holds the objective and the penalty of what is missed; ``stamp`` is the move that flipped a column last.
    """

    x: np.ndarray
    count: np.ndarray
    sole: np.ndarray
    adds: np.ndarray
    activity: np.ndarray
    reached: np.ndarray
    worth: np.ndarray
    stamp: np.ndarray
    gain: np.ndarray
    journal: np.ndarray


@compiled
def flip(problem, plan, row_price, share_price, j):
    """Open column *j*, or shut it, and bring everything up to date."""
    x, count, sole, adds, activity, reached, worth = plan[:7]
    way = -1 if x[j] else 1
    x[j] = not x[j]
    worth[0] += way * problem.value[j]
    for e in range(problem.start[j], problem.start[j + 1]):
        i = problem.inside[e]
        before = count[i]
        count[i] += way
        sole[i] += way * j
        after = count[i]
        if before == 0 or after == 0:
            worth[0] += way * problem.weight[i]
            for f in range(problem.back_start[i], problem.back_start[i + 1]):
                k = problem.back[f]
                if k != j:
                    adds[k, 0] -= way * problem.weight[i]
            for g in range(problem.share_start[i], problem.share_start[i + 1]):
                reached[problem.share[g]] += way * problem.share_data[g]
                for f in range(problem.back_start[i], problem.back_start[i + 1]):
                    k = problem.back[f]
                    if k != j:
                        adds[k, problem.share[g] + 1] -= way * problem.share_data[g]
        elif before == 1 or after == 1:
            # the other one that is open serves alone now, or no longer
            k = sole[i] - j if way > 0 else sole[i]
            adds[k, 0] -= way * problem.weight[i]
            for g in range(problem.share_start[i], problem.share_start[i + 1]):
                adds[k, problem.share[g] + 1] -= way * problem.share_data[g]
    for e in range(problem.row_start[j], problem.row_start[j + 1]):
        activity[problem.row[e]] += way * problem.row_data[e]
    for e in range(problem.pair_start[j], problem.pair_start[j + 1]):
        if problem.pair[e] >= 0:
            problem.row_data[problem.pair[e]] += way * problem.pair_amount[e]
        else:
            problem.value[-1 - problem.pair[e]] += way * problem.pair_amount[e]
    missed = 0.0
    for s in range(len(reached)):
        missed += share_price[s] * max(0.0, problem.wanted[s] - reached[s])
    for r in range(len(activity)):
        missed += row_price[r] * max(0.0, problem.low[r] - activity[r], activity[r] - problem.high[r])
    worth[1] = missed


@compiled
def best_move(problem, plan, row_price, share_price, move):
    """Return the column whose flip, with those that must go first, gains most, and the gain; -1 when none gains.

    Columns that move *move* has flipped already stay as they are.
    """
    x, _, _, adds, activity, reached, _, stamp, gain = plan[:9]
    linked = len(problem.first) > 0
    best, most = -1, 0.0
    for j in range(len(x)):
        if not problem.free[j] or (stamp[j] == move and not linked):
            continue
        way = -1.0 if x[j] else 1.0
        g = way * (problem.value[j] + adds[j, 0])
        for s in range(len(reached)):
            t = adds[j, s + 1]
            if t != 0.0:
                short = problem.wanted[s] - reached[s]
                g -= share_price[s] * (max(0.0, short - way * t) - max(0.0, short))
        for e in range(problem.row_start[j], problem.row_start[j + 1]):
            r = problem.row[e]
            now = activity[r]
            then = now + way * problem.row_data[e]
            g -= row_price[r] * (
                max(0.0, problem.low[r] - then, then - problem.high[r])
                - max(0.0, problem.low[r] - now, now - problem.high[r])
            )
        gain[j] = g
        if not linked and g > most:
            best, most = j, g
    if linked:
        for j in range(len(x)):
            if not problem.free[j] or stamp[j] == move:
                continue
            g = gain[j]
            if x[j]:
                for e in range(problem.after_start[j], problem.after_start[j + 1]):
                    k = problem.after[e]
                    if x[k]:
                        g += gain[k] if problem.free[k] and stamp[k] != move else -np.inf
            else:
                for e in range(problem.first_start[j], problem.first_start[j + 1]):
                    k = problem.first[e]
                    if not x[k]:
                        g += gain[k] if problem.free[k] and stamp[k] != move else -np.inf
            if g > most:
                best, most = j, g
    return best, most


@compiled
def climb(problem, plan, row_price, share_price, kicks, steps, least, tolerance, move, best_x, best):
    """Try to better the plan by forced flips, each followed by the best flips; return the last move used.

    For each column of *kicks* (-1: none is forced) up to *steps* best flips follow while each gains more than *least*;
    then the plan goes back to the best on this way. The best plan that misses no rule by more than *tolerance*, priced,
    is kept in *best_x*, its objective in ``best[0]``.
    """
    x, worth, stamp, journal = plan.x, plan.worth, plan.stamp, plan.journal
    for at in range(len(kicks)):
        move += 1
        length, until = 0, 0
        top = worth[0] - worth[1]
        j = kicks[at]
        if j >= 0 and not problem.free[j]:
            continue
        for step in range(steps + 1):
            if j < 0 or step > 0:
                j, g = best_move(problem, plan, row_price, share_price, move)
                if j < 0 or g <= least:
                    break
            was = x[j]
            for e in range(
                problem.after_start[j] if was else problem.first_start[j],
                problem.after_start[j + 1] if was else problem.first_start[j + 1],
            ):
                k = problem.after[e] if was else problem.first[e]
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
