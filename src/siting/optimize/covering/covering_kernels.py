"""The compiled loops of the covering engine."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from siting.compiled import compiled
from siting.numbers import Floats, Ints32


class Sets(NamedTuple):
    """Rows of a sparse array, their entries sorted and with a worth, and its transpose."""

    start: Ints32
    inside: Ints32
    worth: Floats
    back_start: Ints32
    back: Ints32


class Cover(NamedTuple):
    """The needs of each column, the columns of each need, and the worth of each need."""

    start: Ints32
    needs: Ints32
    back_start: Ints32
    back: Ints32
    w: Floats


@compiled
def contained(sets, rank, group, seeds, larger):
    """Mark each of the *seeds* that lies in another set of its group (or, with *larger*, each set that holds a seed).

    Set a lies in b if b has its entries, worth no less, and no lower rank; the first of equal sets stays. Sets with a
    group below 0 are left out.
    """
    start, inside, worth, back_start, back = sets
    n = len(start) - 1
    marked = np.zeros(n, np.bool_)
    for a in range(n):
        size = start[a + 1] - start[a]
        if not seeds[a] or group[a] < 0 or size == 0:
            continue
        rarest, fewest = -1, len(back) + 1
        for e in range(start[a], start[a + 1]):
            count = back_start[inside[e] + 1] - back_start[inside[e]]
            if count < fewest:
                fewest, rarest = count, inside[e]
        for f in range(back_start[rarest], back_start[rarest + 1]):
            b = back[f]
            other = start[b + 1] - start[b]
            if b == a or group[b] != group[a] or other < size or rank[b] < rank[a] or (larger and marked[b]):
                continue
            e, g, whole, same = start[a], start[b], True, other == size and rank[a] == rank[b]
            while e < start[a + 1]:
                while g < start[b + 1] and inside[g] < inside[e]:
                    g += 1
                if g == start[b + 1] or inside[g] != inside[e] or worth[g] < worth[e]:
                    whole = False
                    break
                same = same and worth[g] == worth[e]
                e += 1
                g += 1
            if not whole:
                continue
            if larger:
                if not (same and b < a):
                    marked[b] = True
            elif not (same and a < b):
                marked[a] = True
                break
    return marked


@compiled
def toggle(j, cover, x, count, owners, gain):
    """Open or close column j, and update the gain of each column over the open ones (*gain*)."""
    start, needs, back_start, back, w = cover
    if x[j]:
        for e in range(start[j], start[j + 1]):
            i = needs[e]
            count[i] -= 1
            owners[i] -= j
            if count[i] == 0:
                for f in range(back_start[i], back_start[i + 1]):
                    if back[f] != j:
                        gain[back[f]] += w[i]
            elif count[i] == 1:
                gain[owners[i]] += w[i]
    else:
        for e in range(start[j], start[j + 1]):
            i = needs[e]
            if count[i] == 0:
                for f in range(back_start[i], back_start[i + 1]):
                    if back[f] != j:
                        gain[back[f]] -= w[i]
            elif count[i] == 1:
                gain[owners[i]] -= w[i]
            count[i] += 1
            owners[i] += j
    x[j] = not x[j]


@compiled
def improve(cover, value, cost, budget, free, x, kicks, strength):
    """Fill *x* up within the *budget* and interchange where *free* while that improves; return the value of the plan.

    Then, *kicks* times: open *strength* columns at random (the seed is fixed), each for the one it replaces best, and
    search again; no improvement is undone.
    """
    start, needs, w = cover.start, cover.needs, cover.w
    n, m = len(w), len(start) - 1
    count, owners = np.zeros(n, np.int64), np.zeros(n, np.int64)
    gain, shared = value.copy(), np.zeros(m)
    left, scale, worth = budget, 1e-9, 0.0
    for i in range(n):
        scale = max(scale, abs(w[i]))
    for j in range(m):
        for e in range(start[j], start[j + 1]):
            gain[j] += w[needs[e]]
    for j in range(m):
        if x[j]:
            x[j] = False
            worth += gain[j]
            toggle(j, cover, x, count, owners, gain)
            if free[j]:
                left -= cost[j]
    tiny = 1e-9 * scale
    slack = 1e-9 * max(1.0, abs(budget))
    movable = np.flatnonzero(free)
    best_x, best_worth, best_left = x.copy(), -np.inf, left
    inside = np.zeros(m, np.int64)
    state = np.uint64(88172645463325252)
    for kick in range(kicks + 1):
        forced = strength if kick > 0 else 0
        while forced == 0:
            best, top = -1, 0.0
            for j in movable:
                if not x[j] and cost[j] <= left + slack and gain[j] > tiny:
                    ratio = gain[j] / cost[j] if cost[j] > 0 else gain[j] * 1e9
                    if best < 0 or ratio > top:
                        best, top = j, ratio
            if best < 0:
                break
            worth += gain[best]
            toggle(best, cover, x, count, owners, gain)
            left -= cost[best]
        size = 0
        for j in movable:
            if x[j]:
                inside[size] = j
                size += 1
        idle, at = 0, -1
        while idle < len(movable) and size > 0:
            if forced > 0:  # xorshift (Marsaglia, G., 2003, Journal of Statistical Software 8, 14)
                state ^= state << np.uint64(13)
                state ^= state >> np.uint64(7)
                state ^= state << np.uint64(17)
                at = np.int64(state % np.uint64(len(movable)))
            else:
                at = at + 1 if at + 1 < len(movable) else 0
            idle += 1
            k = movable[at]
            if x[k]:
                continue
            for e in range(start[k], start[k + 1]):
                i = needs[e]
                if count[i] == 1:
                    shared[owners[i]] += w[i]
            best, top = -1, tiny if forced == 0 else -np.inf
            for a in range(size):
                j = inside[a]
                delta = gain[k] - gain[j] + shared[j]
                if delta > top and cost[k] - cost[j] <= left + slack:
                    best, top = a, delta
            for e in range(start[k], start[k + 1]):
                i = needs[e]
                if count[i] == 1:
                    shared[owners[i]] = 0.0
            if best >= 0:
                j = inside[best]
                worth -= gain[j]
                toggle(j, cover, x, count, owners, gain)
                worth += gain[k]
                toggle(k, cover, x, count, owners, gain)
                left -= cost[k] - cost[j]
                inside[best] = k
                idle = 0
                forced = max(forced - 1, 0)
        if worth > best_worth + tiny:
            best_worth, best_left = worth, left
            best_x[:] = x
        elif kick > 0:
            for j in movable:
                if x[j] != best_x[j]:
                    toggle(j, cover, x, count, owners, gain)
            worth, left = best_worth, best_left
    x[:] = best_x
    return best_worth
