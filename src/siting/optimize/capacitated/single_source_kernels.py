"""Compiled loops of the single-source engine: 0-1 knapsacks of columns, and moves of whole needs.

Pairs are stored by need, as in a CSR array (*start*, *column*); `by_column` and *first* hold them column by column.
Weights and rooms are whole numbers. A pair has the state 0 (shut), 1 (free) or 2 (taken in every plan).
"""

from __future__ import annotations

import numpy as np

from siting.compiled import compiled

__all__ = ["choose_columns", "descend", "force_pairs", "forced_columns", "insert", "pack_columns", "rough_worth"]


@compiled
def rough_worth(first, by_column, need_of, profit, weight, room, state, worth):
    """Bound what each column packs by filling it with the best of each unit, the last one in part; *worth* changes."""
    for j in range(len(first) - 1):
        left, total, count = room[j], 0.0, 0
        size = first[j + 1] - first[j]
        kept, rate = np.empty(size, np.int64), np.empty(size)
        for q in range(first[j], first[j + 1]):
            k = by_column[q]
            w = weight[need_of[k]]
            if state[k] == 2:
                left -= w
                total += profit[k]
            elif state[k] == 1 and profit[k] > 0:
                kept[count], rate[count] = k, -profit[k] / w if w > 0 else -np.inf
                count += 1
        if left < 0:
            worth[j] = -np.inf
            continue
        for t in np.argsort(rate[:count]):
            k = kept[t]
            w = weight[need_of[k]]
            if w <= left:
                left -= w
                total += profit[k]
            else:
                total += profit[k] * left / w
                break
        worth[j] = total


@compiled
def pack_columns(columns, first, by_column, need_of, profit, weight, room, state, worth, take, best, bits):
    """Fill some columns with the pairs of most *profit* that their *room* holds; *worth* and *take* change."""
    for j in columns:
        left, total, count, wish = room[j], 0.0, 0, 0
        for q in range(first[j], first[j + 1]):
            k = by_column[q]
            take[k] = 0
            if state[k] == 2:
                take[k] = 1
                left -= weight[need_of[k]]
                total += profit[k]
        if left < 0:
            worth[j] = -np.inf
            continue
        for q in range(first[j], first[j + 1]):
            k = by_column[q]
            w = weight[need_of[k]]
            if state[k] == 1 and profit[k] > 0 and w <= left:
                wish += w
                count += 1
        if wish <= left:
            for q in range(first[j], first[j + 1]):
                k = by_column[q]
                if state[k] == 1 and profit[k] > 0 and weight[need_of[k]] <= left:
                    take[k] = 1
                    total += profit[k]
            worth[j] = total
            continue
        best[: left + 1] = 0.0
        t = 0
        for q in range(first[j], first[j + 1]):
            k = by_column[q]
            w, p = weight[need_of[k]], profit[k]
            if state[k] == 1 and p > 0 and w <= left:
                row = bits[t]
                row[:w] = 0
                for c in range(left, w - 1, -1):
                    with_it = best[c - w] + p
                    if with_it > best[c]:
                        best[c] = with_it
                        row[c] = 1
                    else:
                        row[c] = 0
                t += 1
        worth[j] = total + best[left]
        c, t = left, count
        for q in range(first[j + 1] - 1, first[j] - 1, -1):
            k = by_column[q]
            w = weight[need_of[k]]
            if state[k] == 1 and profit[k] > 0 and w <= left:
                t -= 1
                if bits[t, c]:
                    take[k] = 1
                    c -= w
                else:
                    take[k] = 0


@compiled
def force_pairs(first, by_column, need_of, profit, weight, room, state, forced, ahead, behind):
    """Write what each column is worth with each of its free pairs taken into *forced*.

    Without space for all tables the pair may be taken twice, which bounds it from above.
    """
    rows = ahead.shape[0]
    for j in range(len(first) - 1):
        left, total, count = room[j], 0.0, 0
        for q in range(first[j], first[j + 1]):
            k = by_column[q]
            forced[k] = -np.inf
            if state[k] == 2:
                left -= weight[need_of[k]]
                total += profit[k]
        for q in range(first[j], first[j + 1]):
            k = by_column[q]
            if state[k] == 1 and profit[k] > 0 and weight[need_of[k]] <= left:
                count += 1
        if left < 0:
            continue
        exact = count + 1 <= rows
        ahead[0, : left + 1] = 0.0
        t = 0
        for q in range(first[j], first[j + 1]):
            k = by_column[q]
            w, p = weight[need_of[k]], profit[k]
            if state[k] == 1 and p > 0 and w <= left:
                a, b = (ahead[t], ahead[t + 1]) if exact else (ahead[0], ahead[0])
                if exact:
                    b[:w] = a[:w]
                for c in range(left, w - 1, -1):
                    b[c] = max(a[c], a[c - w] + p)
                t += 1
        top = ahead[t] if exact else ahead[0]
        behind[: left + 1] = 0.0
        for q in range(first[j + 1] - 1, first[j] - 1, -1):
            k = by_column[q]
            w, p = weight[need_of[k]], profit[k]
            if state[k] == 2:
                forced[k] = total + top[left]
            if state[k] != 1 or w > left:
                continue
            if p <= 0 or not exact:
                forced[k] = total + p + top[left - w]
                continue
            t -= 1
            most = 0.0
            for c in range(left - w + 1):
                most = max(most, ahead[t, c] + behind[left - w - c])
            forced[k] = total + p + most
            for c in range(left, w - 1, -1):
                behind[c] = max(behind[c], behind[c - w] + p)


@compiled
def insert(start, column, gain, weight, is_open, order, at, left):
    """Put each need of *order* on its best open pair with room; *at* and *left* (room) change."""
    for i in order:
        pick, most = -1, -np.inf
        for k in range(start[i], start[i + 1]):
            j = column[k]
            if is_open[j] and left[j] >= weight[i] and gain[k] > most:
                pick, most = k, gain[k]
        if pick >= 0:
            at[i] = pick
            left[column[pick]] -= weight[i]


@compiled
def over(left):
    """Return by how much a column is overfull."""
    return -left if left < 0 else 0.0


@compiled
def descend(start, column, gain, weight, is_open, must, at, left, penalty, passes):
    """Move, add, leave out and swap whole needs as long as that is better; *at* and *left* change.

    A unit above the room of a column costs *penalty*. A need that must be served and is not costs more than anything.
    """
    n = len(at)
    big = 0.0
    for k in range(len(gain)):
        big = max(big, abs(gain[k]))
    big = 10.0 * n * (big + penalty + 1.0)
    for _ in range(passes):
        better = False
        for i in range(n):
            w, k0 = weight[i], at[i]
            if k0 >= 0 and not is_open[column[k0]]:
                left[column[k0]] += w
                k0 = at[i] = -1
            now = gain[k0] if k0 >= 0 else (-big if must[i] else 0.0)
            freed = 0.0
            if k0 >= 0:
                j0 = column[k0]
                freed = penalty * (over(left[j0]) - over(left[j0] + w))
            top, pick = 1e-9 * (1.0 + abs(now)), -2
            if k0 >= 0 and not must[i] and freed - now > top:
                top, pick = freed - now, -1
            for k in range(start[i], start[i + 1]):
                j = column[k]
                if k != k0 and is_open[j]:
                    delta = gain[k] - now + freed - penalty * (over(left[j] - w) - over(left[j]))
                    if delta > top:
                        top, pick = delta, k
            if pick >= -1:
                if k0 >= 0:
                    left[column[k0]] += w
                if pick >= 0:
                    left[column[pick]] -= w
                at[i] = pick
                better = True
        for h in range(n):  # in the place of another that may be left out
            if at[h] >= 0:
                continue
            top, pick, out = 0.0, -1, -1
            for i in range(n):
                k0 = at[i]
                if k0 < 0 or must[i]:
                    continue
                k = find(start, column, h, column[k0])
                if k >= 0 and left[column[k0]] + weight[i] >= weight[h]:
                    delta = gain[k] - gain[k0]
                    if delta > 1e-9 * (1.0 + abs(gain[k0])) and delta > top:
                        top, pick, out = delta, k, i
            if pick >= 0:
                left[column[pick]] += weight[out] - weight[h]
                at[h], at[out] = pick, -1
                better = True
        for i in range(n):
            k0 = at[i]
            if k0 < 0:
                continue
            for h in range(i + 1, n):
                h0 = at[h]
                if h0 < 0:
                    continue
                a, b = column[k0], column[h0]
                if a == b:
                    continue
                k1 = find(start, column, i, b)
                if k1 < 0:
                    continue
                h1 = find(start, column, h, a)
                if h1 < 0:
                    continue
                change = weight[h] - weight[i]  # by which column a fills up
                delta = gain[k1] + gain[h1] - gain[k0] - gain[h0]
                delta -= penalty * (over(left[a] - change) - over(left[a]) + over(left[b] + change) - over(left[b]))
                if delta > 1e-9 * (1.0 + abs(gain[k0]) + abs(gain[h0])):
                    at[i], at[h] = k1, h1
                    left[a] -= change
                    left[b] += change
                    k0 = k1
                    better = True
        if not better:
            break


@compiled
def find(start, column, i, j):
    """Return the pair of a need and a column; -1 without one."""
    low, high = start[i], start[i + 1]
    while low < high:
        middle = (low + high) // 2
        if column[middle] < j:
            low = middle + 1
        else:
            high = middle
    return low if low < start[i + 1] and column[low] == j else -1


@compiled
def choose_columns(worth, room, lower, upper, wanted, slots, chosen, best, bits):
    """Choose the columns of most *worth* with *wanted* room together, or of at most *slots* of the free ones.

    *chosen* changes; returns the sum, minus infinity where there is no choice. With a number of slots room is not asked
    for, which only lets in more.
    """
    m = len(worth)
    total, count, left = 0.0, 0, wanted
    for j in range(m):
        chosen[j] = lower[j] > 0 or (upper[j] > 0 and worth[j] > 0)
        if chosen[j]:
            total += worth[j]
            left -= room[j]
            count += lower[j] == 0
    if slots >= 0:
        while count > slots:
            pick = -1
            for j in range(m):
                if chosen[j] and lower[j] == 0 and (pick < 0 or worth[j] <= worth[pick]):
                    pick = j
            chosen[pick] = False
            total -= worth[pick]
            count -= 1
        return total
    if left <= 0:
        return total
    best[0] = 0.0
    best[1 : left + 1] = np.inf
    for j in range(m):
        if chosen[j] or upper[j] == 0 or room[j] == 0 or worth[j] == -np.inf:
            continue
        loss = -worth[j]
        for c in range(left, 0, -1):
            other = best[max(0, c - room[j])] + loss
            if other < best[c]:
                best[c] = other
                bits[j, c] = 1
            else:
                bits[j, c] = 0
    if best[left] == np.inf:
        return -np.inf
    total -= best[left]
    for j in range(m - 1, -1, -1):
        if left <= 0:
            break
        if chosen[j] or upper[j] == 0 or room[j] == 0 or worth[j] == -np.inf:
            continue
        if bits[j, left]:
            chosen[j] = True
            left -= room[j]
    return total


@compiled
def forced_columns(worth, room, lower, upper, wanted, slots, opened, closed, chosen, best, bits):
    """Write the sum of `choose_columns` with each free column open, and shut; infinite for those that are decided."""
    for j in range(len(worth)):
        opened[j] = closed[j] = np.inf
        if upper[j] == 0:
            opened[j] = -np.inf
        elif lower[j] == 0:
            lower[j] = 1
            fewer = slots - 1 if slots >= 0 else slots
            opened[j] = -np.inf
            if slots != 0:
                opened[j] = choose_columns(worth, room, lower, upper, wanted, fewer, chosen, best, bits)
            lower[j], upper[j] = 0, 0
            closed[j] = choose_columns(worth, room, lower, upper, wanted, slots, chosen, best, bits)
            upper[j] = 1
