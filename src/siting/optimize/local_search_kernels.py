"""The compiled local search of the engine for covering with rules: flips of columns, priced by what they break.

A plan is worth its objective less a price for each unit by which a rule is missed. For each column is kept what it
alone adds (or would add) to the objective and to each share, so a flip is priced at a glance and only what shares
needs with it changes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from siting.compiled import compiled


class Web(NamedTuple):
    """Who serves whom, and which rules a column is in.

    ``start, inside`` are the needs of each column and ``back_start, back`` the columns of each need; ``weight`` the
    worth of each need and ``share_start, share, share_data`` its shares. ``pair`` lists, for each column, entries of
    other columns in the rows (or, below 0, in ``value``: -1 - column) that change by ``pair_amount`` when it opens.
    ``first`` lists what must be open before a column may be, ``after`` what must be shut before it may shut.
    """

    start: np.ndarray
    inside: np.ndarray
    back_start: np.ndarray
    back: np.ndarray
    weight: np.ndarray
    share_start: np.ndarray
    share: np.ndarray
    share_data: np.ndarray
    row_start: np.ndarray
    row: np.ndarray
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
    """The plan at hand: ``adds[j, 0]`` is what j alone adds to the objective by serving, then to each share.

    ``worth`` holds the objective and the price of what is missed; ``stamp`` is the move that flipped a column last.
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
def flip(web, plan, row_price, share_price, j):
    """Open column *j*, or shut it, and bring everything up to date."""
    x, count, sole, adds, activity, reached, worth = plan[:7]
    way = -1 if x[j] else 1
    x[j] = not x[j]
    worth[0] += way * web.value[j]
    for e in range(web.start[j], web.start[j + 1]):
        i = web.inside[e]
        before = count[i]
        count[i] += way
        sole[i] += way * j
        after = count[i]
        if before == 0 or after == 0:
            worth[0] += way * web.weight[i]
            for f in range(web.back_start[i], web.back_start[i + 1]):
                k = web.back[f]
                if k != j:
                    adds[k, 0] -= way * web.weight[i]
            for g in range(web.share_start[i], web.share_start[i + 1]):
                reached[web.share[g]] += way * web.share_data[g]
                for f in range(web.back_start[i], web.back_start[i + 1]):
                    k = web.back[f]
                    if k != j:
                        adds[k, web.share[g] + 1] -= way * web.share_data[g]
        elif before == 1 or after == 1:
            # the other one that is open serves alone now, or no longer
            k = sole[i] - j if way > 0 else sole[i]
            adds[k, 0] -= way * web.weight[i]
            for g in range(web.share_start[i], web.share_start[i + 1]):
                adds[k, web.share[g] + 1] -= way * web.share_data[g]
    for e in range(web.row_start[j], web.row_start[j + 1]):
        activity[web.row[e]] += way * web.row_data[e]
    for e in range(web.pair_start[j], web.pair_start[j + 1]):
        if web.pair[e] >= 0:
            web.row_data[web.pair[e]] += way * web.pair_amount[e]
        else:
            web.value[-1 - web.pair[e]] += way * web.pair_amount[e]
    missed = 0.0
    for s in range(len(reached)):
        missed += share_price[s] * max(0.0, web.wanted[s] - reached[s])
    for r in range(len(activity)):
        missed += row_price[r] * max(0.0, web.low[r] - activity[r], activity[r] - web.high[r])
    worth[1] = missed


@compiled
def best_flip(web, plan, row_price, share_price, mark):
    """Return the column whose flip, with those that must go first, gains most, and the gain; -1 when none gains.

    Columns that move *mark* has flipped already stay as they are.
    """
    x, _, _, adds, activity, reached, _, stamp, gain = plan[:9]
    linked = len(web.first) > 0
    best, most = -1, 0.0
    for j in range(len(x)):
        if not web.free[j] or (stamp[j] == mark and not linked):
            continue
        way = -1.0 if x[j] else 1.0
        g = way * (web.value[j] + adds[j, 0])
        for s in range(len(reached)):
            t = adds[j, s + 1]
            if t != 0.0:
                short = web.wanted[s] - reached[s]
                g -= share_price[s] * (max(0.0, short - way * t) - max(0.0, short))
        for e in range(web.row_start[j], web.row_start[j + 1]):
            r = web.row[e]
            now = activity[r]
            then = now + way * web.row_data[e]
            g -= row_price[r] * (
                max(0.0, web.low[r] - then, then - web.high[r]) - max(0.0, web.low[r] - now, now - web.high[r])
            )
        gain[j] = g
        if not linked and g > most:
            best, most = j, g
    if linked:
        for j in range(len(x)):
            if not web.free[j] or stamp[j] == mark:
                continue
            g = gain[j]
            if x[j]:
                for e in range(web.after_start[j], web.after_start[j + 1]):
                    k = web.after[e]
                    if x[k]:
                        g += gain[k] if web.free[k] and stamp[k] != mark else -np.inf
            else:
                for e in range(web.first_start[j], web.first_start[j + 1]):
                    k = web.first[e]
                    if not x[k]:
                        g += gain[k] if web.free[k] and stamp[k] != mark else -np.inf
            if g > most:
                best, most = j, g
    return best, most


@compiled
def climb(web, plan, row_price, share_price, kicks, steps, least, tolerance, mark, best_x, best):
    """Try to better the plan by forced flips, each followed by the best flips; return the last mark used.

    For each column of *kicks* (-1: none is forced) up to *steps* best flips follow while each gains more than *least*;
    then the plan goes back to the best on this way. The best plan that misses no rule by more than *tolerance*, priced,
    is kept in *best_x*, its objective in ``best[0]``.
    """
    x, worth, stamp, journal = plan.x, plan.worth, plan.stamp, plan.journal
    for at in range(len(kicks)):
        mark += 1
        length, until = 0, 0
        top = worth[0] - worth[1]
        j = kicks[at]
        if j >= 0 and not web.free[j]:
            continue
        for step in range(steps + 1):
            if j < 0 or step > 0:
                j, g = best_flip(web, plan, row_price, share_price, mark)
                if j < 0 or g <= least:
                    break
            was = x[j]
            for e in range(
                web.after_start[j] if was else web.first_start[j],
                web.after_start[j + 1] if was else web.first_start[j + 1],
            ):
                k = web.after[e] if was else web.first[e]
                if x[k] == was and web.free[k]:
                    flip(web, plan, row_price, share_price, k)
                    stamp[k] = mark
                    journal[length] = k
                    length += 1
            flip(web, plan, row_price, share_price, j)
            stamp[j] = mark
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
            flip(web, plan, row_price, share_price, journal[length])
    return mark
