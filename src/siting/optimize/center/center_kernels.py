"""Compiled loops of the p-center search: sets of clients within a distance, as bits of 64-bit words."""

from __future__ import annotations

import numpy as np

from siting.compiled import compiled


@compiled
def cover_words(distance, limit, usable, rows, words, farthest):
    """Set bit k of *words* of each usable column that is within *limit* of client ``rows[k]``.

    `farthest` becomes the longest of these distances.
    """
    one = np.uint64(1)
    words[:] = np.uint64(0)
    farthest[:] = 0.0
    for k in range(len(rows)):
        i, word, bit = rows[k], k // 64, one << np.uint64(k % 64)
        for j in range(distance.shape[1]):
            if distance[i, j] <= limit and usable[j]:
                words[j, word] |= bit
                if distance[i, j] > farthest[j]:
                    farthest[j] = distance[i, j]


@compiled
def count_bits(word):
    """Return the number of bits of a word that are set."""
    x = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    x = (x & np.uint64(0x3333333333333333)) + ((x >> np.uint64(2)) & np.uint64(0x3333333333333333))
    x = (x + (x >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((x * np.uint64(0x0101010101010101)) >> np.uint64(56))


@compiled
def size_of_sets(words, size):
    """Write the number of bits of each row of *words*."""
    for j in range(len(words)):
        total = 0
        for w in range(words.shape[1]):
            total += count_bits(words[j, w])
        size[j] = total


@compiled
def different_sets(words, size, farthest, kept):
    """List one column for each set that is not empty: the one whose farthest client is nearest, then the first."""
    slots = 16
    while slots < 2 * len(words):
        slots *= 2
    table = np.full(slots, -1, np.int64)
    number = 0
    mask = np.uint64(slots - 1)
    for j in range(len(words)):
        if size[j] == 0:
            continue
        key = np.uint64(1469598103934665603)
        for w in range(words.shape[1]):
            key = (key ^ words[j, w]) * np.uint64(0x9E3779B97F4A7C15)
            key ^= key >> np.uint64(29)
        at = np.int64(key & mask)
        while table[at] >= 0:
            other, same = kept[table[at]], True
            for w in range(words.shape[1]):
                if words[j, w] != words[other, w]:
                    same = False
                    break
            if same:
                break
            at = (at + 1) & (slots - 1)
        if table[at] < 0:
            table[at] = number
            kept[number] = j
            number += 1
        elif farthest[j] < farthest[kept[table[at]]]:
            kept[table[at]] = j
    return number


@compiled
def lies_in(words, j, k):
    """Whether one set lies in another."""
    for w in range(words.shape[1]):  # noqa: SIM110 a loop is faster, compiled
        if words[j, w] & ~words[k, w] != np.uint64(0):
            return False
    return True


@compiled
def largest_sets(words, order, largest):
    """List the sets of *order*, by size from the largest, that lie in no other of them; all are different."""
    number = 0
    for t in range(len(order)):
        j = order[t]
        inside = False
        for s in range(number):
            inside = lies_in(words, j, largest[s])
            if inside:
                break
        if not inside:
            largest[number] = j
            number += 1
    return number


@compiled
def turned(words, columns, clients, out):
    """Write for each of *clients* (bits) the set of those of *columns* (rows of words) that hold it."""
    out[:] = np.uint64(0)
    one = np.uint64(1)
    for c in range(len(columns)):
        for k in range(len(clients)):
            bit = clients[k]
            if words[columns[c], bit // 64] >> np.uint64(bit % 64) & one:
                out[k, c // 64] |= one << np.uint64(c % 64)


@compiled
def smallest_sets(words, order, smallest):
    """List the sets of *order*, by size from the smallest, that hold no other of them; of equal ones the first."""
    number = 0
    for t in range(len(order)):
        j = order[t]
        holds = False
        for s in range(number):
            holds = lies_in(words, smallest[s], j)
            if holds:
                break
        if not holds:
            smallest[number] = j
            number += 1
    return number


@compiled
def next_random(state):
    """Return the state that follows: xorshift (Marsaglia, G., 2003, Journal of Statistical Software 8, 14)."""
    state ^= state << np.uint64(13)
    state ^= state >> np.uint64(7)
    return state ^ (state << np.uint64(17))


@compiled
def swap_search(start, column, back, client, opened, weight, iterations, seed):
    """Look for open columns that reach all clients by swaps, with weights on clients that are hard to reach.

    ``column[start[i]:start[i + 1]]`` are the columns within reach of client i, ``client[back[j]:back[j + 1]]`` the
    clients of column j. *opened* lists the open columns and is changed; *weight* are those of the clients. Returns
    whether all are reached.
    """
    n, m, p = len(start) - 1, len(back) - 1, len(opened)
    isopen = np.zeros(m, np.bool_)
    count = np.zeros(n, np.int64)
    owner = np.zeros(n, np.int64)  # sum of the open columns that reach a client: the only one where there is one
    gain = np.zeros(m)  # of a closed column: weight it would reach; of an open one: weight that only it reaches
    for b in range(p):
        j = opened[b]
        isopen[j] = True
        for t in range(back[j], back[j + 1]):
            count[client[t]] += 1
            owner[client[t]] += j
    left = np.empty(n, np.int64)
    place = np.full(n, -1, np.int64)
    missing = 0
    for i in range(n):
        if count[i] == 0:
            left[missing] = i
            place[i] = missing
            missing += 1
            for t in range(start[i], start[i + 1]):
                gain[column[t]] += weight[i]
        elif count[i] == 1:
            gain[owner[i]] += weight[i]
    state = np.uint64(seed * 2 + 1)
    fewest = missing
    best = opened.copy()
    last_in, last_out = -1, -1
    for _ in range(iterations):
        if missing == 0:
            break
        state = next_random(state)
        v = left[np.int64(state % np.uint64(missing))]
        top, go_in, go_out, ties = -np.inf, -1, -1, 0
        for t in range(start[v], start[v + 1]):
            a = column[t]
            if a == last_out:
                continue
            for s in range(back[a], back[a + 1]):
                i = client[s]
                if count[i] == 1:
                    gain[owner[i]] -= weight[i]
            for b in range(p):
                k = opened[b]
                if k == last_in:
                    continue
                delta = gain[a] - gain[k]
                if delta > top:
                    top, go_in, go_out, ties = delta, a, b, 1
                elif delta == top:
                    ties += 1
                    state = next_random(state)
                    if state % np.uint64(ties) == np.uint64(0):
                        go_in, go_out = a, b
            for s in range(back[a], back[a + 1]):
                i = client[s]
                if count[i] == 1:
                    gain[owner[i]] += weight[i]
        if go_in < 0:
            last_in, last_out = -1, -1
            continue
        k = opened[go_out]
        # open go_in
        a = go_in
        isopen[a] = True
        opened[go_out] = a
        for s in range(back[a], back[a + 1]):
            i = client[s]
            if count[i] == 0:
                missing -= 1
                left[place[i]] = left[missing]
                place[left[missing]] = place[i]
                place[i] = -1
                for t in range(start[i], start[i + 1]):
                    gain[column[t]] -= weight[i]
            elif count[i] == 1:
                gain[owner[i]] -= weight[i]
            count[i] += 1
            owner[i] += a
        # the sums of what only the new column reaches
        gain[a] = 0.0
        for s in range(back[a], back[a + 1]):
            if count[client[s]] == 1:
                gain[a] += weight[client[s]]
        # close k
        isopen[k] = False
        gain[k] = 0.0
        for s in range(back[k], back[k + 1]):
            i = client[s]
            count[i] -= 1
            owner[i] -= k
            if count[i] == 0:
                left[missing] = i
                place[i] = missing
                missing += 1
                for t in range(start[i], start[i + 1]):
                    gain[column[t]] += weight[i]
            elif count[i] == 1:
                gain[owner[i]] += weight[i]
        gain[k] = 0.0
        for s in range(back[k], back[k + 1]):
            if count[client[s]] == 0:
                gain[k] += weight[client[s]]
        last_in, last_out = a, k
        if missing < fewest:
            fewest = missing
            best[:] = opened
        if top <= 0.0:
            for u in range(missing):
                i = left[u]
                weight[i] += 1.0
                for t in range(start[i], start[i + 1]):
                    gain[column[t]] += 1.0
    if missing > 0:
        opened[:] = best
    return missing == 0
