"""The compiled loop of `annealing`: exchanges of an open column for a shut one, in whole numbers.

Indices are unsigned, so that no loop has to look for those below 0.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from siting.compiled import compiled
from siting.numbers import Ints, Ints32

#: Of all moves the share that puts an open column elsewhere near it, and then that opens one at an uncovered need
#: for one near it; the others take the place of any.
SHIFTS, NEAR = 0.6, 0.8
#: Steps of the temperature.
STEPS = 200
#: A share of 2 to the power of 53.
SHARE = 1.0 / 9007199254740992.0


class Cover32(NamedTuple):
    """The needs of each column, the columns of each need; the weight of each need, and of each entry of a column."""

    start: npt.NDArray[np.uint32]
    needs: npt.NDArray[np.uint32]
    back_start: npt.NDArray[np.uint32]
    back: npt.NDArray[np.uint32]
    weight: Ints32
    entry_weight: Ints32


class State(NamedTuple):
    """A plan: the open column of each place, and the place of each column, -1 when shut.

    Of each need how many places cover it, their sum, and the only one (-1: none, -2: several); ``loss`` is what each
    place covers alone; ``missing`` lists the needs that are not covered, ``at`` where each stands in it.
    """

    opened: Ints32
    place: Ints32
    count: Ints32
    places: Ints32
    only: Ints32
    loss: Ints
    missing: Ints32
    at: Ints32


@compiled
def draw(random, size):
    """Draw a whole number below *size*: xorshift (Marsaglia, G., 2003, Journal of Statistical Software 8, 14)."""
    s = random[0]
    s ^= s << np.uint64(13)
    s ^= s >> np.uint64(7)
    s ^= s << np.uint64(17)
    random[0] = s
    return np.int64(((s >> np.uint64(32)) * np.uint64(size)) >> np.uint64(32))


@compiled
def draw_share(random):
    """Draw a number between 0 and 1."""
    draw(random, 1)
    return (np.int64(random[0] >> np.uint64(11)) + 0.5) * SHARE


@compiled
def near(cover, random, j):
    """Draw a column that shares a need with column *j*."""
    start, needs, back_start, back = cover.start, cover.needs, cover.back_start, cover.back
    i = needs[start[j] + np.uint64(draw(random, start[j + 1] - start[j]))]
    return np.int64(back[back_start[i] + np.uint64(draw(random, back_start[i + 1] - back_start[i]))])


@compiled
def exchange(cover, state, missing, a, k):
    """Open column *k* in place *a* instead of the one there; return how many needs are not covered."""
    start, needs, weight = cover.start, cover.needs, cover.weight
    opened, place, count, places, only, loss, gaps, at = state
    j = opened[a]
    for e in range(start[j], start[j + 1]):
        i = needs[e]
        count[i] -= 1
        places[i] -= a
        if count[i] == 0:
            only[i] = -1
            at[i] = missing
            gaps[missing] = i
            missing += 1
        elif count[i] == 1:
            only[i] = places[i]
            loss[places[i]] += weight[i]
    place[j], place[k], opened[a], loss[a] = -1, a, k, 0
    for e in range(start[k], start[k + 1]):
        i = needs[e]
        if count[i] == 0:
            only[i] = a
            loss[a] += weight[i]
            missing -= 1
            last = gaps[missing]
            gaps[at[i]] = last
            at[last] = at[i]
        elif count[i] == 1:
            loss[only[i]] -= weight[i]
            only[i] = -2
        count[i] += 1
        places[i] += a
    return missing


@compiled
def anneal(cover, state, missing, covered, moves, hot, cold, random, best):
    """Try *moves* exchanges while the temperature falls from *hot* to *cold*; the best plan goes to *best*.

    Return what *best* covers, or -1 when no plan covers more than the first; what the last plan covers, how many needs
    it does not, and the number of moves made.
    """
    start, needs, entry_weight, back_start, back = (
        cover.start,
        cover.needs,
        cover.entry_weight,
        cover.back_start,
        cover.back,
    )
    opened, place, only, loss, gaps = state.opened, state.place, state.only, state.loss, state.missing
    size, most, made = len(opened), -1, 0
    top = covered
    heat, factor = hot, (cold / hot) ** (1.0 / STEPS)
    for _step in range(STEPS):
        for _move in range(moves // STEPS):
            kind = draw_share(random)
            if kind < SHIFTS or missing == 0:
                a = draw(random, size)
                k = near(cover, random, opened[a])
            else:
                i = gaps[draw(random, missing)]
                k = np.int64(back[back_start[i] + np.uint64(draw(random, back_start[i + 1] - back_start[i]))])
                a = np.int64(-1)
                if kind < NEAR:
                    for _try in range(4):
                        a = np.int64(only[needs[start[k] + np.uint64(draw(random, start[k + 1] - start[k]))]])
                        if a >= 0:
                            break
                if a < 0:
                    a, other = draw(random, size), draw(random, size)
                    if loss[other] < loss[a]:
                        a = other
            if place[k] >= 0:
                continue
            gain, one = np.int32(0), np.int32(a)
            for e in range(start[k], start[k + 1]):
                q = only[needs[e]]
                gain += entry_weight[e] * np.int32((q == -1) | (q == one))
            change = np.int64(gain) - loss[a]
            if change < 0 and change <= heat * np.log(draw_share(random)):
                continue
            made += 1
            covered += change
            missing = exchange(cover, state, missing, a, k)
            if covered > top:
                top = most = covered
                best[:] = opened
        heat *= factor
    return most, covered, missing, made
