"""Compiled searches within a limit, over the contracted street graph.

All costs are whole millimetres, or millimetres of level walk. The bounded search is Dial's bucket queue [1]_ made
label-correcting inside a bucket, so that buckets may be wider than the shortest arc: distances are exact whatever the
width. Only touched entries are reset after a search. Nothing is allocated during a search: assigning an array inside
a loop makes the compiler count references, which is five times slower. A queue or buffer that is too short ends the
call with a status, and the caller repeats it with a longer one.

References
----------
.. [1] R. B. Dial, "Algorithm 360: Shortest-path forest with topological ordering", Communications of the ACM 12 (11),
   1969, pp. 632-633.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from siting.compiled import compiled

FAR = np.int32(2**31 - 1)
SHIFT = np.int32(16)  # buckets of 2**16 mm = 66 m: the bounded search is as fast anywhere from 8 to 66 m
BINS = 8194
DONE, QUEUE_SHORT, BUFFER_SHORT = 0, 1, 2


class Arcs(NamedTuple):
    """The adjacency: arcs of core node ``i`` are ``indptr[i]:indptr[i + 1]``."""

    indptr: np.ndarray
    heads: np.ndarray
    costs: np.ndarray


class Starts(NamedTuple):
    """Gates ``ptr[s]:ptr[s + 1]`` of place ``s``: ends of the chain (-1: none), ways there, along it, to the street."""

    ptr: np.ndarray
    chain: np.ndarray
    a: np.ndarray
    b: np.ndarray
    to_a: np.ndarray
    to_b: np.ndarray
    f: np.ndarray
    r: np.ndarray
    door: np.ndarray


class Targets(NamedTuple):
    """Targets at nodes, on chains, and by node the chains with some, their other ends (-1: none), and which are far."""

    at_ptr: np.ndarray
    at_item: np.ndarray
    at_way: np.ndarray
    by_ptr: np.ndarray
    by_chain: np.ndarray
    by_other: np.ndarray
    by_end: np.ndarray
    on_ptr: np.ndarray
    on_item: np.ndarray
    from_a: np.ndarray
    from_b: np.ndarray
    on_f: np.ndarray
    on_r: np.ndarray
    on_door: np.ndarray


class Buffers(NamedTuple):
    """Work arrays of a thread: ``dist`` is FAR and ``first`` -1 everywhere between searches."""

    dist: np.ndarray
    touched: np.ndarray
    first: np.ndarray
    link: np.ndarray
    item: np.ndarray
    at: np.ndarray


@compiled
def settle(
    indptr, heads, costs, a_of, to_a_of, b_of, to_b_of, lo, hi, limit, dist, touched, first, link, item, at
):  # fmt: skip
    """Settle every node within *limit* of the gates *lo* to *hi*; return how many, -1 - that when short of queue."""
    over = np.int64(limit) + 1
    n = 0
    used = 0
    for g in range(lo, hi):
        if used + 2 > item.size:
            first[: (limit >> SHIFT) + 1] = -1
            return -1 - n
        a, to_a, b, to_b = a_of[g], to_a_of[g], b_of[g], to_b_of[g]
        # Written twice: a loop over the two ends makes short searches a tenth slower.
        if a >= 0 and to_a <= limit and to_a < dist[a]:
            touched[n] = a
            n += dist[a] == FAR
            dist[a] = to_a
            bucket = to_a >> SHIFT
            item[used], at[used], link[used] = a, to_a, first[bucket]
            first[bucket] = used
            used += 1
        if b >= 0 and to_b <= limit and to_b < dist[b]:
            touched[n] = b
            n += dist[b] == FAR
            dist[b] = to_b
            bucket = to_b >> SHIFT
            item[used], at[used], link[used] = b, to_b, first[bucket]
            first[bucket] = used
            used += 1
    size = item.size
    for bucket in range((limit >> SHIFT) + 1):
        slot = first[bucket]
        while slot != -1:
            here = np.uint32(slot)
            first[bucket] = link[here]
            node, cost = item[here], at[here]
            if cost == dist[node]:  # else a shorter way was found after this entry was queued
                lo, hi = indptr[node], indptr[node + np.uint32(1)]
                if used + np.int64(hi) - np.int64(lo) > size:
                    first[: (limit >> SHIFT) + 1] = -1
                    return -1 - n
                for k in range(lo, hi):
                    arc = np.uint32(k)
                    there = heads[arc]
                    new = np.int64(cost) + costs[arc]
                    old = dist[there]
                    if new < min(np.int64(old), over):
                        touched[n] = there
                        n += old == FAR
                        dist[there] = new
                        down = np.uint32(new >> SHIFT)
                        free = np.uint32(used)
                        item[free], at[free], link[free] = there, new, first[down]
                        first[down] = used
                        used += 1
            slot = first[bucket]
    return n


@compiled
def along(f, r, to_f, to_r):
    """Distance between positions on a chain (from its start, and back to it; -1: none); FAR against one way."""
    if to_f == f and to_r == r:
        return np.int64(0)
    if to_f > f or (to_f == f and to_r >= r):
        return to_f - f if f >= 0 else np.int64(FAR)
    return r - to_r if to_r >= 0 and r >= 0 else np.int64(FAR)


@compiled
def pairs(arcs, starts, targets, straight, buffers, order, lo, hi, limit, rows, again, counts, keys, spare, mark):
    """List targets within *limit* of ``order[lo:hi]`` as cost << 32 | target: where it ended, how many, and a status.

    With *again* a target may be found more than once. One function, because passing arrays to another for every start
    costs a fifth of a short search.
    """
    dist, touched, first, link, item, at = buffers
    indptr, heads, costs = arcs
    gate, chain_of, a_of, b_of, to_a_of, to_b_of, f_of, r_of, door_of = starts
    at_ptr, at_item, at_way, by_ptr, by_chain, by_other, by_end, on_ptr, on_item = targets[:9]
    from_a, from_b, on_f, on_r, on_door = targets[9:]
    near, near_item, near_cost = straight
    size = keys.size
    bins = np.zeros(BINS, np.int32)
    m = 0
    for i in range(lo, hi):
        s = order[i]
        begin, stop = gate[s], gate[s + 1]
        single = stop - begin == 1
        # A place with one gate reads its own chain apart; of several gates each is compared with all on its chain.
        own = chain_of[begin] if single else np.int32(-1)
        n = settle(
            indptr, heads, costs, a_of, to_a_of, b_of, to_b_of, begin, stop, limit, dist, touched, first, link, item, at
        )
        if n < 0:
            for k in range(-1 - n):
                dist[touched[k]] = FAR
            return i, m, QUEUE_SHORT
        end = m
        for k in range(n):
            node = touched[k]
            here = np.int64(dist[node])
            for j in range(at_ptr[node], at_ptr[node + np.uint32(1)]):
                cost = here + at_way[j]
                if cost <= limit:
                    if end < size:
                        keys[end] = cost << 32 | at_item[j]
                    end += 1
            for j in range(by_ptr[node], by_ptr[node + np.uint32(1)]):
                chain, other = by_chain[j], by_other[j]
                if chain == own:
                    continue
                there = np.int64(FAR)
                if other >= 0:
                    there = np.int64(dist[other])
                    if by_end[j] and there != FAR:
                        continue  # the chain is read from its start
                to_a, to_b = (there, here) if by_end[j] else (here, there)
                for t in range(on_ptr[chain], on_ptr[chain + 1]):
                    cost = min(to_a + from_a[t], to_b + from_b[t])
                    if cost <= limit:
                        if end < size:
                            keys[end] = cost << 32 | on_item[t]
                        end += 1
        for g in range(begin, stop):
            chain = chain_of[g]
            if chain < 0 or on_ptr[chain] == on_ptr[chain + 1]:
                continue
            a, b = a_of[g], b_of[g]
            to_a = np.int64(dist[a]) if single and a >= 0 else np.int64(FAR)
            to_b = np.int64(dist[b]) if single and b >= 0 else np.int64(FAR)
            f, r, door = f_of[g], r_of[g], np.int64(door_of[g])
            for t in range(on_ptr[chain], on_ptr[chain + 1]):
                cost = min(to_a + from_a[t], to_b + from_b[t])
                cost = min(cost, door + along(f, r, on_f[t], on_r[t]) + on_door[t])
                if cost <= limit:
                    if end < size:
                        keys[end] = cost << 32 | on_item[t]
                    end += 1
        for k in range(near[s], near[s + 1]):
            if near_cost[k] <= limit:
                if end < size:
                    keys[end] = np.int64(near_cost[k]) << 32 | near_item[k]
                end += 1
        for k in range(n):
            dist[touched[k]] = FAR
        if end > size:
            return i, m, BUFFER_SHORT
        if again or not single or near[s] < near[s + 1]:
            end = _least(keys, m, end, mark)
        if rows and end - m > 1:
            _sort(keys, m, end, spare, bins, limit)
        counts[i - lo] = end - m
        m = end
    return hi, m, DONE


@compiled
def _least(keys, lo, hi, mark):
    """Keep the least key of each target in ``keys[lo:hi]``; *mark* is -1 for each target before and after."""
    end = lo
    for k in range(lo, hi):
        item = keys[k] & 0xFFFFFFFF
        if mark[item] < 0:
            mark[item] = end
            keys[end] = keys[k]
            end += 1
        else:
            keys[mark[item]] = min(keys[mark[item]], keys[k])
    for k in range(lo, end):
        mark[keys[k] & 0xFFFFFFFF] = -1
    return end


@compiled
def _sort(keys, lo, hi, spare, bins, limit):
    """Sort ``keys[lo:hi]``: into about four bins of cost for each key, then by insertion what is not in order yet."""
    n = hi - lo
    most = min(4 * n, bins.size - 2)
    shift = np.int64(32)
    while (np.int64(limit) >> (shift - 32)) >= most:
        shift += 1
    top = np.int64(limit) >> (shift - 32)
    right = np.uint64(shift)
    for b in range(top + 2):
        bins[b] = 0
    for i in range(lo, hi):
        bins[np.uint32(np.uint64(keys[i]) >> right) + np.uint32(1)] += 1
    total = np.int32(0)
    for b in range(top + 1):
        total += bins[b]
        bins[b] = total
    for i in range(lo, hi):
        b = np.uint32(np.uint64(keys[i]) >> right)
        spare[bins[b]] = keys[i]
        bins[b] += 1
    last = spare[0]
    keys[lo] = last
    for i in range(1, n):
        key = spare[i]
        j = lo + i
        if key < last:
            while j > lo and keys[j - 1] > key:
                keys[j] = keys[j - 1]
                j -= 1
            keys[j] = key
        else:
            keys[j] = last = key


@compiled
def add_up(keys, counts, order, lo, weights, factor, out):
    """Add up the weights in the list of each of the starts ``order[lo:]``, times *factor* unless it is empty."""
    at = 0
    for i in range(counts.size):
        end = at + counts[i]
        for w in range(weights.shape[1]):
            total = 0.0
            if factor.size:
                for k in range(at, end):
                    total += weights[np.uint32(keys[k]), w] * factor[k]
            else:
                for k in range(at, end):
                    total += weights[np.uint32(keys[k]), w]
            out[order[lo + i], w] = total
        at = end


@compiled
def put_rows(keys, counts, order, lo, ptr, speed, origin, destination, cost):
    """Write the lists of the starts ``order[lo:]`` to their rows in `ptr`, in metres or minutes."""
    k = 0
    for i in range(counts.size):
        s = order[lo + i]
        at = ptr[s]
        for j in range(at, at + counts[i]):
            origin[j] = s
            destination[j] = np.int32(keys[k] & 0xFFFFFFFF)
            cost[j] = (keys[k] >> 32) / 1000.0 / speed
            k += 1


@compiled
def count_items(keys, counts):
    """Count how often each item is in *keys*."""
    for key in keys:
        counts[key & 0xFFFFFFFF] += 1


@compiled
def turn(keys, counts, order, lo, at, turned):
    """Write the keys (of starts) to the rows of their items, as cost << 32 | start; *at* moves on."""
    k = 0
    for i in range(counts.size):
        s = np.int64(order[lo + i])
        for _ in range(counts[i]):
            item = keys[k] & 0xFFFFFFFF
            turned[at[item]] = (keys[k] >> 32) << 32 | s
            at[item] += 1
            k += 1


@compiled
def sort_rows(keys, ptr, lo, hi, limit, speed, origin, destination, cost):
    """Sort the keys of each of the rows *lo* to *hi* and write them out in metres or minutes."""
    longest = np.int64(0)
    for row in range(lo, hi):
        longest = max(longest, ptr[row + 1] - ptr[row])
    spare = np.empty(longest, np.int64)
    bins = np.zeros(BINS, np.int32)
    for row in range(lo, hi):
        if ptr[row + 1] - ptr[row] > 1:
            _sort(keys, ptr[row], ptr[row + 1], spare, bins, limit)
        for k in range(ptr[row], ptr[row + 1]):
            origin[k] = row
            destination[k] = np.int32(keys[k] & 0xFFFFFFFF)
            cost[k] = (keys[k] >> 32) / 1000.0 / speed


@compiled
def add_back(keys, counts, order, lo, weights, factor, out):
    """Add the weights of each start to the items in its list; see `add_up`."""
    k = 0
    for i in range(counts.size):
        s = order[lo + i]
        for _ in range(counts[i]):
            item = np.uint32(keys[k])
            for w in range(weights.shape[1]):
                out[item, w] += weights[s, w] * factor[k] if factor.size else weights[s, w]
            k += 1
