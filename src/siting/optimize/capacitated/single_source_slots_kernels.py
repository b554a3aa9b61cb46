"""Compiled loops that move whole needs between open columns, and open columns to better places.

A slot holds an open column (*slots*; -1: none). *table* (needs × slots) has the gain of each need there, NEVER where it
cannot be; the last slot serves nobody, and its gain is what it costs to leave a need out. *at* is the slot of each need
and *left* the room of each slot. *live* lists the slots in use, the last one included.
"""

from __future__ import annotations

import numpy as np

from siting.compiled import compiled

__all__ = ["NEVER", "fill_slot", "put_in", "settle"]

#: Gain of a need where it cannot be.
NEVER = -1e30


@compiled
def fill_slot(q, j, slots, table, left, capacity, first, by_column, need_of, gain):
    """Put column *j* into slot *q*, empty of needs; -1 for none."""
    slots[q] = j
    left[q] = 0.0
    for i in range(table.shape[0]):
        table[i, q] = NEVER
    if j >= 0:
        left[q] = capacity[j]
        for s in range(first[j], first[j + 1]):
            k = by_column[s]
            if gain[k] > -np.inf:
                table[need_of[k], q] = gain[k]


@compiled
def two_best(i, live, table, left, w):
    """Return the best slot with room for a need, and its gain there and in the second-best; -1 for no slot."""
    pick, most, second = -1, NEVER, NEVER
    for q in live[:-1]:
        if left[q] >= w:
            g = table[i, q]
            if g > most:
                pick, second, most = q, most, g
            elif g > second:
                second = g
    return pick, most, second


@compiled
def put_in(live, table, at, left, weight, penalty, fresh):
    """Insert needs that no slot serves: first the one that loses most if it must go to its second-best slot [1]_.

    Needs that fit nowhere go where gain less *penalty* for what is above the room is largest.

    References
    ----------
    .. [1] S. Martello, P. Toth, "Knapsack Problems", Wiley, 1990, section 7.4 (MTHG).
    """
    none = table.shape[1] - 1
    out = np.flatnonzero(at == none)
    count = len(out)
    pick, most, second = np.empty(count, np.int64), np.empty(count), np.empty(count)
    for u in range(count):
        pick[u], most[u], second[u] = two_best(out[u], live, table, left, weight[out[u]])
    for _ in range(count):
        chosen, key = -1, -np.inf
        for u in range(count):
            i = out[u]
            if at[i] == none and pick[u] >= 0 and most[u] > table[i, none]:
                regret = most[u] - max(second[u], table[i, none])
                if regret > key:
                    chosen, key = u, regret
        if chosen < 0:
            break
        i, q = out[chosen], pick[chosen]
        at[i] = q
        left[q] -= weight[i]
        fresh[q] = 1
        for u in range(count):
            h = out[u]
            if at[h] == none and left[q] < weight[h] and left[q] + weight[i] >= weight[h]:
                pick[u], most[u], second[u] = two_best(h, live, table, left, weight[h])
    for u in range(count):
        i = out[u]
        if at[i] == none:
            best, top = none, table[i, none]
            for q in live[:-1]:
                g = table[i, q] - penalty * (over(left[q] - weight[i]) - over(left[q]))
                if g > top:
                    best, top = q, g
            if best != none:
                at[i] = best
                left[best] -= weight[i]
                fresh[best] = 1


@compiled
def over(left):
    """Return by how much a slot is overfull."""
    return -left if left < 0 else 0.0


@compiled
def shift_and_swap(live, table, at, left, weight, penalty, passes, swaps, fresh, touched):
    """Move needs to other slots and, with *swaps*, swap two while that is better; a unit too much costs *penalty*.

    Only moves from or to slots that are *fresh* are tried: those that changed since, and those that are overfull.
    """
    n = len(at)
    near = np.empty_like(live)
    for _ in range(passes):
        better, count = False, 0
        old = fresh.copy()
        for q in live:
            if left[q] < 0:
                old[q] = 1
            if old[q]:
                near[count] = q
                count += 1
            fresh[q] = 0
        if count == 0:
            break
        for i in range(n):
            a, w = at[i], weight[i]
            now = table[i, a]
            freed = penalty * (over(left[a]) - over(left[a] + w)) - now
            top, pick = 1e-9 * (1.0 + abs(now)), -1
            for q in live if old[a] else near[:count]:
                if q != a:
                    delta = table[i, q] + freed
                    if delta > top:
                        delta -= penalty * (over(left[q] - w) - over(left[q]))
                        if delta > top:
                            top, pick = delta, q
            if pick >= 0:
                left[a] += w
                left[pick] -= w
                at[i] = pick
                fresh[a] = fresh[pick] = touched[a] = touched[pick] = 1
                better = True
        for i in range(n if swaps else 0):
            a, w = at[i], weight[i]
            for h in range(i + 1, n):
                b = at[h]
                if b == a or not (old[a] or old[b]):
                    continue
                delta = table[i, b] - table[i, a] + table[h, a] - table[h, b]
                before = over(left[a]) + over(left[b])
                if delta <= 0 and before == 0:
                    continue
                more = w - weight[h]
                delta += penalty * (before - over(left[a] + more) - over(left[b] - more))
                if delta > 1e-9 * (1.0 + abs(table[i, a]) + abs(table[h, b])):
                    left[a] += more
                    left[b] -= more
                    at[i], at[h] = b, a
                    fresh[a] = fresh[b] = touched[a] = touched[b] = 1
                    a = b
                    better = True
        if not better:
            break


@compiled
def relocate(
    slots, live, table, at, left, weight, capacity, value, lower, upper, columns, pairs, gain, fresh, touched
):  # fmt: skip
    """Move the column of each *touched* slot to where its needs are worth most together; return whether one moved."""
    start, column, first, by_column, need_of = pairs
    moved = False
    total, count = np.empty(len(value)), np.empty(len(value), np.int64)
    for q in live[:-1]:
        j = slots[q]
        if lower[j] > 0 or not touched[q]:
            continue
        touched[q] = 0
        total[:] = 0.0
        count[:] = 0
        size, load, now = 0, 0.0, value[j]
        for i in range(len(at)):
            if at[i] == q:
                size += 1
                load += weight[i]
                now += table[i, q]
                for k in range(start[i], start[i + 1]):
                    total[column[k]] += gain[k]
                    count[column[k]] += 1
        if size == 0:
            continue
        top, pick = 1e-9 * (1.0 + abs(now)), -1
        for c in range(len(value)):
            if not columns[c] and upper[c] > 0 and count[c] == size and capacity[c] >= load:
                delta = total[c] + value[c] - now
                if delta > top:
                    top, pick = delta, c
        if pick >= 0:
            columns[j], columns[pick] = False, True
            fill_slot(q, pick, slots, table, left, capacity, first, by_column, need_of, gain)
            left[q] -= load
            fresh[q] = 1
            moved = True
    return moved


@compiled
def settle(
    slots, live, table, at, left, weight, capacity, value, lower, upper, columns, pairs, gain, penalty, ladder, passes,
    fresh, swaps,
):  # fmt: skip
    """Insert, move and swap needs and move columns until nothing is better; return whether all rooms are kept."""
    put_in(live, table, at, left, weight, penalty, fresh)
    touched = fresh.copy()
    for _ in range(passes):
        price, full = penalty, False
        for _ in range(ladder):
            shift_and_swap(live, table, at, left, weight, price, passes, swaps, fresh, touched)
            full = False
            for q in live:
                full |= left[q] < 0
            if not full:
                break
            price *= 2.0
        if full or not relocate(
            slots, live, table, at, left, weight, capacity, value, lower, upper, columns, pairs, gain, fresh, touched
        ):  # fmt: skip
            return not full
    return True
