"""Compiled loops of the median engine: multipliers by subgradients, and interchange of columns.

The pairs of a need are sorted, the best benefit first, so that a loop over a row ends at the first pair that cannot
matter any more. ``state`` of a column is CLOSED, OPEN or FREE.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from siting.compiled import compiled
from siting.numbers import Floats, Ints, Ints32

CLOSED, OPEN, FREE = 0, 1, 2
#: Factor of shortening a step; the shortest step; share of a direction kept in the next.
DECAY, SHORTEST, KEEP = 0.7, 1e-3, 0.9


class SortedPairs(NamedTuple):
    """The pairs of each need, best first; ties by column."""

    ptr: Ints
    cols: Ints32
    gains: Floats


class BestTwo(NamedTuple):
    """The best open column of each need, its benefit, and the second best."""

    column: Ints32
    gain: Floats
    second: Floats


class Limits(NamedTuple):
    """Least and most open columns, and limits of the subgradients: bound, rounds, pairs."""

    few: int
    many: int
    target: float
    rounds: int
    work: float
    patience: int


@compiled
def cut_pairs(pairs, base, state, kept, floor):
    """Keep the pairs of free columns that are better than the best open column of their need; return how many.

    Below ``floor`` (the benefit of that column, at least ``base``) it collects as much more as a multiplier falls.
    """
    ptr, cols, gains = pairs
    new_ptr, new_cols, new_gains = kept
    n = ptr.shape[0] - 1
    k = 0
    for i in range(n):
        new_ptr[i] = k
        floor[i] = base[i]
        for t in range(ptr[i], ptr[i + 1]):
            g = gains[t]
            if g <= base[i]:
                break
            c = cols[t]
            s = state[c]
            if s == OPEN:
                floor[i] = g
                break
            if s == FREE:
                new_cols[k] = c
                new_gains[k] = g
                k += 1
    new_ptr[n] = k
    return k


@compiled
def lower_bound(pairs, floor, scale, value, free, fixed, aim, limits, theta, single, v, best_v, best_r, near):
    """Lower the bound ``fixed + sum v + the best few..many of r`` by deflected subgradients of the multipliers v.

    ``scale`` is how far apart the prices of a need may lie: the longer its steps, which aim at ``aim``, below what can
    be reached. ``best_v`` and ``best_r`` hold the best multipliers (of single precision where they are stored so) and
    what the columns collect at them; ``near`` the share in which each column was chosen lately, near the x of the
    relaxation. Returns the bound, theta, the number of rounds, and the last theta that helped, or half of the first.
    """
    ptr, cols, gains = pairs
    few, many, target, rounds, work, patience = limits
    n = ptr.shape[0] - 1
    m = free.shape[0]
    step, scratch = np.zeros(n), np.empty(m)
    r, chosen = np.empty(value.shape[0]), np.zeros(value.shape[0])
    best = np.inf
    stalled = 0
    used = 0
    seen = 0
    worked = 0.5 * theta
    for it in range(rounds):
        used = it + 1
        total = fixed
        for a in range(m):
            r[free[a]] = value[free[a]]
        for i in range(n):
            x = max(v[i], floor[i])
            if single:
                x = np.float64(np.float32(x))
                if x < floor[i]:
                    x = np.float64(np.float32(x + abs(x) * 1.2e-7 + 1e-30))
            v[i] = x
            total += x
            for t in range(ptr[i], ptr[i + 1]):
                g = gains[t] - x
                if g <= 0.0:
                    break
                r[cols[t]] += g
                seen += 2
        positive = 0
        for a in range(m):
            scratch[a] = r[free[a]]
            if scratch[a] > 0.0:
                positive += 1
        k = min(max(positive, few), many, m)
        lo = 0
        hi = m - 1
        while lo < hi and k > 0:  # Hoare's search: scratch[k - 1] becomes the k-th largest
            pivot = scratch[k - 1]
            a = lo
            b = hi
            while a <= b:
                while scratch[a] > pivot:
                    a += 1
                while scratch[b] < pivot:
                    b -= 1
                if a <= b:
                    swap = scratch[a]
                    scratch[a] = scratch[b]
                    scratch[b] = swap
                    a += 1
                    b -= 1
            if b < k - 1:
                lo = a
            if a > k - 1:
                hi = b
        edge = scratch[k - 1] if k > 0 else np.inf
        left = k
        for a in range(m):
            c = free[a]
            chosen[c] = 0
            if r[c] > edge:
                chosen[c] = 1
                left -= 1
                total += r[c]
        for a in range(m):
            c = free[a]
            if left > 0 and r[c] == edge and chosen[c] == 0:
                chosen[c] = 1
                left -= 1
                total += edge
        if total < best - 1e-4 * abs(best - aim):
            stalled = 0
            if it > 0:
                worked = theta
        else:
            stalled += 1
        if total < best:
            best = total
            for i in range(n):
                best_v[i] = v[i]
            for a in range(m):
                best_r[free[a]] = r[free[a]]
        if best <= target or seen > work:
            break
        if stalled >= patience:
            theta *= DECAY
            stalled = 0
            if theta < SHORTEST:
                break
        for a in range(m):
            c = free[a]
            near[c] += 0.05 * (chosen[c] - near[c])
        norm = 0.0
        for i in range(n):
            x = v[i]
            slope = 1.0
            for t in range(ptr[i], ptr[i + 1]):
                if gains[t] <= x:
                    break
                slope -= chosen[cols[t]]
            d = slope + KEEP * step[i]
            if x <= floor[i] and d > 0.0:
                d = 0.0
            step[i] = d
            norm += d * d * scale[i]
        if norm == 0.0:
            break
        length = theta * (total - aim) / norm
        for i in range(n):
            v[i] -= length * step[i] * scale[i]
    return best, theta, used, worked


@compiled
def best_two_open(pairs, base, value, is_open, best):
    """Find the best and second best open column of each need; return the value of the open columns."""
    ptr, cols, gains = pairs
    column, gain, second = best
    total = 0.0
    for j in range(value.shape[0]):
        if is_open[j]:
            total += value[j]
    for i in range(ptr.shape[0] - 1):
        column[i] = -1
        gain[i] = base[i]
        second[i] = base[i]
        for t in range(ptr[i], ptr[i + 1]):
            if gains[t] <= base[i]:
                break
            if is_open[cols[t]]:
                if column[i] < 0:
                    column[i] = cols[t]
                    gain[i] = gains[t]
                else:
                    second[i] = gains[t]
                    break
        total += gain[i]
    return total


@compiled
def move_gains(pairs, value, is_open, best, gain, loss, extra, slot):
    """Fill gains of opening, losses of closing by ``slot``, and what a newcomer saves of a loss (``extra``)."""
    ptr, cols, gains = pairs
    for j in range(value.shape[0]):
        gain[j] = value[j]
        if slot[j] >= 0:
            loss[slot[j]] = value[j]
    extra[:, :] = 0.0
    for i in range(ptr.shape[0] - 1):
        one = best.gain[i]
        two = best.second[i]
        s = -1
        if best.column[i] >= 0:
            s = slot[best.column[i]]
            loss[s] += one - two
        for t in range(ptr[i], ptr[i + 1]):
            g = gains[t]
            if g <= two:
                break
            j = cols[t]
            if is_open[j]:
                continue
            if g > one:
                gain[j] += g - one
                if s >= 0:
                    extra[j, s] += one - two
            elif s >= 0:
                extra[j, s] += g - two
