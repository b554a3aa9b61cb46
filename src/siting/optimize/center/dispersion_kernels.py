"""Compiled loops of p-dispersion: cases of groups of columns that are far apart, and swaps towards a distance."""

from __future__ import annotations

import numpy as np

from siting.compiled import compiled
from siting.optimize.center.center_kernels import count_bits, next_random


@compiled
def lowest_bit(word):
    """Return the place of the lowest bit of a word that is not 0."""
    return count_bits((word & (~word + np.uint64(1))) - np.uint64(1))


@compiled
def join_far(distance, group, limit, far):
    """Set the bit of each two groups of which two columns are farther apart than *limit*; -1 is in no group."""
    one = np.uint64(1)
    for i in range(len(group)):
        a = group[i]
        if a < 0:
            continue
        for j in range(i + 1, len(group)):
            b = group[j]
            if b >= 0 and distance[i, j] > limit:
                far[a, b // 64] |= one << np.uint64(b % 64)
                far[b, a // 64] |= one << np.uint64(a % 64)


@compiled
def split_groups(distance, group, keep, pieces):
    """Split each group that is kept into the columns nearer to one or to the other of two that are far apart.

    Where the first column is apart from none it becomes a group of its own. Groups are numbered anew, and those that
    are not kept become -1. Returns how many there are.
    """
    n, many = len(group), len(keep)
    first, second = np.full(many, -1, np.int64), np.full(many, -1, np.int64)
    for turn in range(2):  # the farthest from the first column, and the farthest from that
        top = np.full(many, -1.0)
        seed = first.copy()
        for i in range(n):
            g = group[i]
            if g < 0 or not keep[g]:
                continue
            if seed[g] < 0:
                seed[g] = i
            if distance[seed[g], i] > top[g]:
                top[g] = distance[seed[g], i]
                if turn == 0:
                    first[g] = i
                else:
                    second[g] = i
    number = np.full((many, 2), -1, np.int64)
    count = 0
    for i in range(n):
        g = group[i]
        if g < 0 or not keep[g]:
            pieces[i] = -1
            continue
        side = 1 if distance[first[g], i] > distance[second[g], i] else 0
        if first[g] == second[g] and i != first[g]:
            side = 1
        if number[g, side] < 0:
            number[g, side] = count
            count += 1
        pieces[i] = number[g, side]
    return count


@compiled
def find_far(far, among, need, most, found):
    """Look for *need* groups of *among* that are all far apart: case by case, with classes that hold one at most.

    Groups are put into classes of which no two are far apart [1]_; with fewer classes than groups that are needed
    there are none. Returns 1 and the groups *found*, 0 where there are none, -1 after *most* cases; and their number.

    .. [1] P. San Segundo, D. Rodriguez-Losada and A. Jimenez, "An exact bit-parallel algorithm for the maximum clique
       problem", Computers & Operations Research 38 (2), 2011, pp. 571-581.
    """
    words = len(among)
    cases = 0
    if need <= 0:
        return 1, cases
    size = 64 * words
    left = np.zeros((need + 1, words), np.uint64)
    order = np.zeros((need + 1, size), np.int64)
    classes = np.zeros((need + 1, size), np.int64)
    at = np.zeros(need + 1, np.int64)
    rest, same = np.zeros(words, np.uint64), np.zeros(words, np.uint64)
    one = np.uint64(1)
    left[0] = among
    depth, fresh = 0, True
    while depth >= 0:
        wanted = need - depth  # groups that are still to be found
        if fresh:
            cases += 1
            if cases > most:
                return -1, cases
            # classes, and in order those that are in the class *wanted* or a later one
            count = 0
            rest[:] = left[depth]
            number = 0
            more = True
            while more:
                more = False
                number += 1
                same[:] = rest
                for w in range(words):
                    while same[w] != np.uint64(0):
                        more = True
                        b = lowest_bit(same[w])
                        v = 64 * w + b
                        rest[w] &= ~(one << np.uint64(b))
                        same[w] &= ~(one << np.uint64(b))
                        for u in range(w, words):
                            same[u] &= ~far[v, u]
                        if number >= wanted:
                            order[depth, count] = v
                            classes[depth, count] = number
                            count += 1
            at[depth] = count
            fresh = False
        if at[depth] == 0:
            depth -= 1
            if depth >= 0:
                v = order[depth, at[depth]]
                left[depth, v // 64] &= ~(one << np.uint64(v % 64))
            continue
        at[depth] -= 1
        v = order[depth, at[depth]]
        found[depth] = v
        if wanted == 1:
            return 1, cases
        some = False
        for w in range(words):
            left[depth + 1, w] = left[depth, w] & far[v, w]
            some = some or left[depth + 1, w] != np.uint64(0)
        if some:
            depth += 1
            fresh = True
        else:
            left[depth, v // 64] &= ~(one << np.uint64(v % 64))
    return 0, cases


@compiled
def rule_out(far, order, begin, need, each, most, alive, kept, ruled):
    """Rule out groups that are in no *need* groups far apart, in *order*; *alive* holds the bits of the others.

    *ruled* lists them in turn, *kept* marks those that are in such groups. A group that takes more than *each* cases
    stays. Begins at a place of *order*; returns the place where *most* cases are over, how many groups were ruled out,
    the number of cases, and whether all were decided.
    """
    one = np.uint64(1)
    words = far.shape[1]
    found = np.zeros(need + 1, np.int64)
    near = np.zeros(words, np.uint64)
    count, cases, decided = 0, 0, True
    for t in range(begin, len(order)):
        v = order[t]
        if kept[v]:
            continue
        if cases >= most:
            return t, count, cases, decided
        for w in range(words):
            near[w] = alive[w] & far[v, w]
        answer, more = find_far(far, near, need - 1, each, found)
        cases += more
        if answer == 1:
            kept[v] = True
            for s in range(need - 1):
                kept[found[s]] = True
        elif answer == 0:
            alive[v // 64] &= ~(one << np.uint64(v % 64))
            ruled[count] = v
            count += 1
        else:
            decided = False
    return len(order), count, cases, decided


@compiled
def confirm(far, ruled, need, alive):
    """Whether each of the groups *ruled* out, in turn, is in no *need* groups of those *alive* that are far apart."""
    one = np.uint64(1)
    found = np.zeros(need + 1, np.int64)
    near = np.zeros(far.shape[1], np.uint64)
    for t in range(len(ruled)):
        v = ruled[t]
        for w in range(far.shape[1]):
            near[w] = alive[w] & far[v, w]
        if find_far(far, near, need - 1, np.int64(1) << np.int64(60), found)[0] != 0:
            return False
        alive[v // 64] &= ~(one << np.uint64(v % 64))
    return True


@compiled
def nearness(distance, limit):
    """Return how much two columns are too near: the square of what is missing, as a share, and a bit."""
    if distance > limit:
        return 0.0
    missing = 1.0 - distance / limit
    return missing * missing + 1e-6


@compiled
def spread(distance, usable, opened, fixed, limit, iterations, seed):
    """Swap columns until all are farther apart than *limit*; the first *fixed* of those *opened* stay.

    A column that is too near to another goes, the one that is least near to the others comes; neither again for some
    turns. Returns whether all are far apart.
    """
    n, p = len(usable), len(opened)
    near = np.zeros(n)
    barred = np.zeros(n, np.int64)
    isopen = np.zeros(n, np.bool_)
    for k in range(p):
        isopen[opened[k]] = True
        for v in range(n):
            if v != opened[k]:
                near[v] += nearness(distance[opened[k], v], limit)
    total = 0.0
    for k in range(p):
        total += near[opened[k]]
    state = np.uint64(2 * seed + 1)
    best = total
    for turn in range(1, iterations + 1):
        if total < 1e-6:
            return True
        top, go_out, go_in = np.inf, -1, -1
        for k in range(fixed, p):
            u = opened[k]
            if near[u] < 5e-7:
                continue
            for v in range(n):
                change = near[v] - near[u]
                if change - 1.1 >= top or isopen[v] or not usable[v]:
                    continue
                change -= nearness(distance[u, v], limit)
                if change >= top or ((barred[v] >= turn or barred[u] >= turn) and total + 2.0 * change >= best - 1e-9):
                    continue
                top, go_out, go_in = change, k, v
        if go_in < 0:
            continue
        u, v = opened[go_out], go_in
        for i in range(n):
            if i != u:
                near[i] -= nearness(distance[u, i], limit)
            if i != v:
                near[i] += nearness(distance[v, i], limit)
        isopen[u], isopen[v] = False, True
        opened[go_out] = v
        total = 0.0
        for k in range(p):
            total += near[opened[k]]
        best = min(best, total)
        state = next_random(state)
        barred[u] = turn + 10 + np.int64(state % np.uint64(10))
        barred[v] = turn + 1 + np.int64(state % np.uint64(max(1, p // 3)))
    return total < 1e-6
