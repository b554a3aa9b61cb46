"""Compiled loops for covering where several open columns serve a need: exchanges, prices, and the credit of a plan."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from siting.compiled import compiled
from siting.optimize.covering.annealing_kernels import draw, draw_share, near

#: Of all moves the share that puts an open column elsewhere near it; the others take the place of any.
SHIFTS = 0.7
#: Steps of the temperature.
STEPS = 200


class Cover(NamedTuple):
    """The needs of each column, and the columns of each need."""

    start: npt.NDArray[np.uint32]
    needs: npt.NDArray[np.uint32]
    back_start: npt.NDArray[np.uint32]
    back: npt.NDArray[np.uint32]


@compiled
def anneal(cover, weight, lacks, worth, opened, place, moves, hot, cold, random, best):
    """Try *moves* exchanges of an open column for a shut one while the temperature falls from *hot* to *cold*.

    *lacks* is how many columns each need lacks, 0 or less when it is served, and ``worth[lacks]`` the part of its
    weight that this counts for. Return what the best plan adds to the first, which goes to *best*; and how many moves
    were made.
    """
    start, needs, back_start, back = cover.start, cover.needs, cover.back_start, cover.back
    size = len(opened)
    now, top, made = 0.0, 0.0, 0
    heat, factor = hot, (cold / hot) ** (1.0 / STEPS)
    for _step in range(STEPS):
        for _move in range(moves // STEPS):
            if draw_share(random) < SHIFTS:
                a = draw(random, size)
                k = near(cover, random, opened[a])
            else:
                i = draw(random, len(weight))
                if lacks[i] <= 0 or back_start[i] == back_start[i + 1]:
                    continue
                k = np.int64(back[back_start[i] + np.uint64(draw(random, back_start[i + 1] - back_start[i]))])
                a = draw(random, size)
            if place[k] >= 0:
                continue
            j = opened[a]
            change, gain = 0.0, 0.0
            for e in range(start[j], start[j + 1]):
                i = needs[e]
                lack = lacks[i]
                lacks[i] = lack + 1
                if lack >= 0:
                    change += weight[i] * (worth[lack + 1] - worth[lack])
                    if lack == 0:
                        gain -= weight[i]
            for e in range(start[k], start[k + 1]):
                i = needs[e]
                lack = lacks[i]
                lacks[i] = lack - 1
                if lack > 0:
                    change += weight[i] * (worth[lack - 1] - worth[lack])
                    if lack == 1:
                        gain += weight[i]
            if change < 0 and change <= heat * np.log(draw_share(random)):
                for e in range(start[k], start[k + 1]):
                    lacks[needs[e]] += 1
                for e in range(start[j], start[j + 1]):
                    lacks[needs[e]] -= 1
                continue
            made += 1
            opened[a], place[k], place[j] = k, a, -1
            now += gain
            if now > top:
                top = now
                best[:] = opened
        heat *= factor
    return top, made


@compiled
def lower_prices(rows, w, times, lower, free, most, target, credit, less, rounds, step):
    """Move the *credit* of each need and what *less* each entry has by subgradients; the best stay.

    A need credits its open columns with ``credit - less`` each, which is ``times credit - sum of less`` at least when
    it is served. Return the least bound that was found; steps are *step* times what is left to the *target*, by the
    square of the direction.
    """
    indptr, indices = rows
    n, m = len(w), len(lower)
    best, idle = np.inf, 0
    best_credit, best_less = credit.copy(), less.copy()
    turn, turn_less = np.zeros(n), np.zeros(len(less))
    gets, x, served = np.zeros(m), np.zeros(m), np.zeros(n)
    for _round in range(rounds):
        gets[:] = 0.0
        bound = 0.0
        for i in range(n):
            taken = 0.0
            for e in range(indptr[i], indptr[i + 1]):
                taken += less[e]
                gets[indices[e]] += credit[i] - less[e]
            left = w[i] - times[i] * credit[i] + taken
            served[i] = left > 0
            bound += max(0.0, left)
        x[:] = lower
        for j in range(m):
            if lower[j] > 0:
                bound += gets[j]
            if not free[j]:
                gets[j] = -1.0
        order = np.argsort(-gets, kind="mergesort")
        for j in order[:most]:
            if gets[j] > 0:
                bound += gets[j]
                x[j] = 1.0
        if bound < best - 1e-6 * abs(best - target):
            idle = 0
        else:
            idle += 1
        if bound < best:
            best = bound
            best_credit[:] = credit
            best_less[:] = less
        if best <= target:
            break
        if idle >= 20:
            idle = 0
            step *= 0.7
            credit[:] = best_credit
            less[:] = best_less
            turn[:] = 0.0
            turn_less[:] = 0.0
            if step < 1e-4:
                break
            continue
        square = 0.0
        for i in range(n):
            count = 0.0
            for e in range(indptr[i], indptr[i + 1]):
                here = x[indices[e]]
                count += here
                along = served[i] - here + 0.6 * turn_less[e]
                if along > 0 and less[e] == 0:
                    along = 0.0
                turn_less[e] = along
                square += along * along
            along = count - times[i] * served[i] + 0.6 * turn[i]
            if along > 0 and credit[i] == 0:
                along = 0.0
            turn[i] = along
            square += along * along
        if square == 0:
            break
        by = step * (bound - target) / square
        for i in range(n):
            credit[i] = max(0.0, credit[i] - by * turn[i])
            for e in range(indptr[i], indptr[i + 1]):
                less[e] = min(max(0.0, less[e] - by * turn_less[e]), credit[i])
    credit[:] = best_credit
    less[:] = best_less
    return best, step


@compiled
def least_credit(indptr, indices, credit, times, upper):
    """Return for each need the least that the columns which serve it are credited with: the sum of its smallest."""
    least = np.zeros(len(times))
    for i in range(len(times)):
        found = np.empty(indptr[i + 1] - indptr[i])
        count = 0
        for e in range(indptr[i], indptr[i + 1]):
            if upper[indices[e]] > 0:
                found[count] = credit[e]
                count += 1
        if count < times[i]:
            least[i] = np.inf
        else:
            least[i] = np.sort(found[:count])[: times[i]].sum()
    return least


@compiled
def deepest_cut(indptr, indices, x, y, times, left_out, size):
    """Mark for each need the entries with the largest *x* that its deepest cut leaves out; *size* is their number.

    With K left out the cut is ``(times - |K|) y <= sum of x over the others``. Return by how much *y* breaks each.
    """
    broken = np.zeros(len(times))
    for i in range(len(times)):
        first, last = indptr[i], indptr[i + 1]
        order = np.argsort(-x[indices[first:last]], kind="mergesort")
        rest = x[indices[first:last]].sum()
        size[i] = 0
        for k in range(min(times[i], last - first)):
            excess = y[i] * (times[i] - k) - rest
            if k == 0 or excess > broken[i] + 1e-12:
                broken[i] = excess
                size[i] = k
            rest -= x[indices[first + order[k]]]
        left_out[first:last] = False
        for k in range(size[i]):
            left_out[first + order[k]] = True
    return broken
