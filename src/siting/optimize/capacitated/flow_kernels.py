"""Compiled loops of the capacitated search: a maximum flow repaired as columns open and close, and filling.

Room and remainders are kept for closed columns too, so that undo reads the journal backwards.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from siting.compiled import compiled
from siting.numbers import Bools, Ints


class Graph(NamedTuple):
    """The pairs by need, the need of each; and by column: where each begins, its needs, and the places of its pairs."""

    need_start: Ints
    column: Ints
    need: Ints
    column_start: Ints
    needs: Ints
    places: Ints


class Flow(NamedTuple):
    """Flow of the pairs, rest of the needs, room of the columns, the open ones, and a journal of changes of flow.

    ``stamp`` counts the searches; ``column_seen`` and ``need_seen`` hold the last that met a column or need.
    """

    flow: Ints
    left: Ints
    room: Ints
    is_open: Bools
    journal_pair: Ints
    journal_amount: Ints
    journal_size: Ints
    stamp: Ints
    column_seen: Ints
    need_seen: Ints


@compiled
def undo(graph, flows, until):
    """Undo changes of flow until the journal has the length *until*."""
    indices, need_of = graph.column, graph.need
    flow, left, room, _, pairs, amounts, used = flows[:7]
    while used[0] > until:
        used[0] -= 1
        pair, amount = pairs[used[0]], amounts[used[0]]
        flow[pair] -= amount
        left[need_of[pair]] += amount
        room[indices[pair]] += amount


@compiled
def pull(graph, flows, target):
    """Fill the open column *target* by a search backwards to needs with a rest; return the increase of service."""
    indptr, indices, _, starts, needs, places = graph
    flow, left, room, _, pairs, amounts, used, stamp, column_seen, need_seen = flows
    m = len(room)
    queue, onto = np.empty(m, np.int64), np.empty(m, np.int64)
    from_pair, to_pair = np.empty(m, np.int64), np.empty(m, np.int64)  # of each column that was met
    gained = 0
    again = True
    while again and room[target] > 0:
        again = False
        stamp[0] += 1
        mark = stamp[0]
        column_seen[target] = mark
        queue[0] = target
        head, tail = 0, 1
        while head < tail and not again:
            c = queue[head]
            head += 1
            for q in range(starts[c], starts[c + 1]):
                i = needs[q]
                if need_seen[i] == mark:
                    continue
                need_seen[i] = mark
                if left[i] > 0:
                    amount = min(left[i], room[target])
                    length = 1
                    t = c
                    while t != target:
                        amount = min(amount, flow[from_pair[t]])
                        length += 2
                        t = onto[t]
                    if used[0] + length > len(pairs):
                        return gained
                    flow[places[q]] += amount
                    pairs[used[0]], amounts[used[0]] = places[q], amount
                    used[0] += 1
                    t = c
                    while t != target:
                        flow[from_pair[t]] -= amount
                        flow[to_pair[t]] += amount
                        pairs[used[0]], amounts[used[0]] = from_pair[t], -amount
                        pairs[used[0] + 1], amounts[used[0] + 1] = to_pair[t], amount
                        used[0] += 2
                        again = again or flow[from_pair[t]] == 0
                        t = onto[t]
                    left[i] -= amount
                    room[target] -= amount
                    gained += amount
                    if room[target] == 0:
                        return gained
                    if again:  # a link of the tree is used up
                        break
                for k in range(indptr[i], indptr[i + 1]):
                    d = indices[k]
                    if flow[k] > 0 and column_seen[d] != mark:
                        column_seen[d] = mark
                        onto[d], from_pair[d], to_pair[d] = c, k, places[q]
                        queue[tail] = d
                        tail += 1
    return gained


@compiled
def would_add(graph, flows, target):
    """Return the increase of service when column *target* opens, without changing the flow."""
    until = flows.journal_size[0]
    flows.is_open[target] = True
    added = pull(graph, flows, target)
    undo(graph, flows, until)
    flows.is_open[target] = False
    return added


@compiled
def shut(graph, flows, column):
    """Close *column* and move its needs to other columns where possible; return the loss of service."""
    indptr, indices, need_of, starts, needs, places = graph
    flow, left, room, is_open, pairs, amounts, used, stamp, column_seen, need_seen = flows
    lost = 0
    begin = used[0]
    is_open[column] = False
    for q in range(starts[column], starts[column + 1]):
        k = places[q]
        if flow[k] > 0:
            lost += flow[k]
            pairs[used[0]], amounts[used[0]] = k, -flow[k]
            used[0] += 1
            left[needs[q]] += flow[k]
            flow[k] = 0
    room[column] += lost
    end = used[0]
    n, m = len(left), len(room)
    into = np.empty(m, np.int64)  # the pair that enters a column
    out = np.empty(n, np.int64)  # the pair that a need is moved out of; -1 for the start
    queue = np.empty(n, np.int64)
    dead = stamp[0] + 1
    stamp[0] += 1
    for at in range(begin, end):
        s = need_of[pairs[at]]
        again = True
        while again and left[s] > 0 and need_seen[s] != dead:
            again = False
            stamp[0] += 1
            mark = stamp[0]
            need_seen[s] = mark
            out[s] = -1
            queue[0] = s
            head, tail = 0, 1
            while head < tail and not again:
                i = queue[head]
                head += 1
                for k in range(indptr[i], indptr[i + 1]):
                    c = indices[k]
                    if not is_open[c] or column_seen[c] == mark or column_seen[c] == dead:
                        continue
                    column_seen[c] = mark
                    into[c] = k
                    if room[c] > 0:
                        amount = min(left[s], room[c])
                        length, node = 1, i
                        while out[node] >= 0:
                            amount = min(amount, flow[out[node]])
                            length += 2
                            node = need_of[into[indices[out[node]]]]
                        if used[0] + length > len(pairs):
                            return lost
                        room[c] -= amount
                        left[s] -= amount
                        lost -= amount
                        enter, node = k, i
                        while True:
                            flow[enter] += amount
                            pairs[used[0]], amounts[used[0]] = enter, amount
                            used[0] += 1
                            leave = out[node]
                            if leave < 0:
                                break
                            flow[leave] -= amount
                            pairs[used[0]], amounts[used[0]] = leave, -amount
                            used[0] += 1
                            enter = into[indices[leave]]
                            node = need_of[enter]
                        again = True
                        break
                    for q in range(starts[c], starts[c + 1]):
                        j = needs[q]
                        if flow[places[q]] > 0 and need_seen[j] != mark and need_seen[j] != dead:
                            need_seen[j] = mark
                            out[j] = places[q]
                            queue[tail] = j
                            tail += 1
            if not again:
                # No room can be reached from here, now or later in this search.
                for t in range(tail):
                    i = queue[t]
                    need_seen[i] = dead
                    for k in range(indptr[i], indptr[i + 1]):
                        if column_seen[indices[k]] == mark:
                            column_seen[indices[k]] = dead
    return lost


@compiled
def grow(graph, flows, value, free, most, scale, wanted, gain):
    """Open the column that adds most, repeatedly, while *most* allows and it pays.

    An old *gain* is an upper bound (maximum flows are submodular). Without *scale*: by cost per unit, until *wanted*.
    """
    is_open, used = flows.is_open, flows.journal_size
    while most > 0 and wanted > 0:
        best, top, next_best = -1, 0.0, 0.0
        for j in range(len(is_open)):
            if free[j] and not is_open[j] and gain[j] > 0:
                worth = scale * gain[j] + value[j] if scale > 0 else gain[j] / max(1e-12, -value[j])
                if worth > top:
                    best, top, next_best = j, worth, top
                elif worth > next_best:
                    next_best = worth
        if best < 0:
            break
        is_open[best] = True
        added = pull(graph, flows, best)
        gain[best] = min(wanted, added)
        worth = scale * gain[best] + value[best] if scale > 0 else gain[best] / max(1e-12, -value[best])
        if worth > 0 and worth >= next_best:
            used[0] = 0
            most -= 1
            wanted -= added
        else:
            undo(graph, flows, 0)
            is_open[best] = False


@compiled
def improve(graph, flows, value, free, gain, first, last):
    """Close open columns from *first* to *last*, alone or for one near or the best anywhere; return the gain.

    *gain* is what each closed column would add, kept up to date around every change.
    """
    indptr, indices, _, starts, needs, _ = graph
    room, is_open, used = flows.room, flows.is_open, flows.journal_size
    m = len(is_open)
    better = 0.0
    near = np.zeros(m, np.int64)
    listed = np.empty(m, np.int64)
    for out in range(first, last):
        if not (free[out] and is_open[out]):
            continue
        lost = shut(graph, flows, out)
        size = 0
        near[out] = out + 1
        for q in range(starts[out], starts[out + 1]):
            i = needs[q]
            for k in range(indptr[i], indptr[i + 1]):
                j = indices[k]
                if near[j] != out + 1:
                    near[j] = out + 1
                    if free[j] and not is_open[j]:
                        listed[size] = j
                        size += 1
        far = -1
        for j in range(m):
            if (
                free[j]
                and not is_open[j]
                and near[j] != out + 1
                and (far < 0 or gain[j] + value[j] > gain[far] + value[far])
            ):
                far = j
        if far >= 0:
            listed[size] = far
            size += 1
        top = -lost - value[out]
        best = -1 if top > 1e-6 else -2
        top = max(top, 1e-6)
        for t in range(size):
            j = listed[t]
            # Opening j in addition to all others adds at least as much as the swap, and at most its capacity.
            if room[j] - lost + value[j] - value[out] <= top or (j != far and gain[j] + value[j] - value[out] <= top):
                continue
            added = would_add(graph, flows, j)
            if added - lost + value[j] - value[out] > top:
                best, top = j, added - lost + value[j] - value[out]
        if best == -2:
            undo(graph, flows, 0)
            is_open[out] = True
            continue
        better += top
        if best >= 0:
            is_open[best] = True
            pull(graph, flows, best)
        used[0] = 0
        # The present gains of its neighbours.
        for turn in range(2):
            middle = out if turn == 0 else best
            if middle < 0:
                continue
            for q in range(starts[middle], starts[middle + 1]):
                i = needs[q]
                for k in range(indptr[i], indptr[i + 1]):
                    j = indices[k]
                    if near[j] != -1 - out - turn * m and free[j] and not is_open[j]:
                        near[j] = -1 - out - turn * m
                        gain[j] = would_add(graph, flows, j)
    return better


@compiled
def fill_columns(indptr, indices, weight, order, margin, room, worth, take):
    """Let columns fill themselves in the *order* of needs, worth *margin* a unit: *room*, *worth*, *take* change."""
    for i in order:
        for k in range(indptr[i], indptr[i + 1]):
            j = indices[k]
            amount = min(weight[i], room[j])
            take[k] = amount
            if amount > 0:
                room[j] -= amount
                worth[j] += margin[i] * amount


@compiled
def opening_gains(graph, flows, free, gain):
    """Write the gain of each closed free column into *gain*."""
    for j in range(len(flows.is_open)):
        if free[j] and not flows.is_open[j]:
            gain[j] = would_add(graph, flows, j)
