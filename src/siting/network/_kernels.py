"""Compiled searches over the street graph: the only module that knows numba.

All costs are whole millimetres in int32. A place is a position on an edge: its edge, the way to each end of that edge,
and the walk from the door to the street (see `siting.network.places`). The bounded search is Dial's bucket queue [1]_
made label-correcting inside a bucket, so that buckets may be wider than the shortest edge: distances are exact whatever
the width. The queue is emptied bucket by bucket and only what a search has touched is reset after it.

References
----------
.. [1] R. B. Dial, "Algorithm 360: Shortest-path forest with topological ordering", Communications of the ACM 12 (11),
   1969, pp. 632-633.
"""

from __future__ import annotations

import numpy as np
from numba import njit

FAR = np.int32(2**31 - 1)
SHIFT = 15  # buckets of 2**15 mm = 33 m: the search is as fast anywhere from 8 to 66 m


@njit(cache=True, nogil=True)
def _grow(array, least):
    longer = np.empty(max(2 * array.size, least), array.dtype)
    longer[: array.size] = array
    return longer


@njit(cache=True, nogil=True)
def _sweep(indptr, heads, costs, seed_nodes, seed_costs, budget, dist, touched, first, link, item, at):
    """Settle every node within *budget* of the seeds.

    Fills ``dist`` for the nodes listed in ``touched[:n]``; returns ``n`` and the queue's arrays, which may have grown.
    ``first`` (one entry a bucket) comes in, and goes out, as -1 everywhere.
    """
    n = 0
    used = 0
    for s in range(seed_nodes.size):
        node, cost = seed_nodes[s], seed_costs[s]
        if cost <= budget and cost < dist[node]:
            if dist[node] == FAR:
                touched[n] = node
                n += 1
            dist[node] = cost
            if used == item.size:
                link, item, at = _grow(link, 0), _grow(item, 0), _grow(at, 0)
            b = cost >> SHIFT
            item[used], at[used], link[used] = node, cost, first[b]
            first[b] = used
            used += 1
    for b in range((budget >> SHIFT) + 1):
        while first[b] != -1:
            slot = first[b]
            first[b] = link[slot]
            node, cost = item[slot], at[slot]
            if cost != dist[node]:
                continue  # a shorter way was found after this entry was queued
            for arc in range(indptr[node], indptr[node + 1]):
                step = costs[arc]
                if step > budget - cost:
                    continue
                there, new = heads[arc], cost + step
                if new < dist[there]:
                    if dist[there] == FAR:
                        touched[n] = there
                        n += 1
                    dist[there] = new
                    if used == item.size:
                        link, item, at = _grow(link, 0), _grow(item, 0), _grow(at, 0)
                    nb = new >> SHIFT
                    item[used], at[used], link[used] = there, new, first[nb]
                    first[nb] = used
                    used += 1
    return n, link, item, at


@njit(cache=True, nogil=True)
def _workspace(n_nodes, limit):
    dist = np.full(n_nodes, FAR, np.int32)
    touched = np.empty(n_nodes, np.int32)
    first = np.full((limit >> SHIFT) + 1, -1, np.int32)
    return dist, touched, first, np.empty(1024, np.int32), np.empty(1024, np.int32), np.empty(1024, np.int32)


@njit(cache=True, nogil=True)
def pairs_within(
    indptr, heads, costs, s_u, s_v, s_edge, s_to_u, s_to_v, s_door,
    t_ptr, t_item, t_way, e_ptr, e_item, t_to_u, t_door, limit,
):  # fmt: skip
    """List every (source, target, cost) with cost <= *limit*.

    ``t_ptr, t_item, t_way`` give for each node the targets on the edges that end there and the way to them (door
    included); ``e_ptr, e_item`` give the targets on each edge, for those that share an edge with the source.
    """
    dist, touched, first, link, item, at = _workspace(indptr.size - 1, limit)
    n_targets = t_to_u.size
    best = np.full(n_targets, FAR, np.int32)
    found = np.empty(n_targets, np.int32)
    seeds = np.empty(2, np.int32)
    starts = np.empty(2, np.int32)
    out_s = np.empty(max(1024, 8 * s_u.size), np.int32)
    out_t = np.empty(out_s.size, np.int32)
    out_c = np.empty(out_s.size, np.int32)
    m = 0
    for s in range(s_u.size):
        if s_edge[s] < 0 or s_door[s] > limit:
            continue
        n_found = 0
        for k in range(e_ptr[s_edge[s]], e_ptr[s_edge[s] + 1]):
            t = e_item[k]
            cost = np.int64(s_door[s]) + abs(s_to_u[s] - t_to_u[t]) + t_door[t]
            if cost <= limit:
                if best[t] == FAR:
                    found[n_found] = t
                    n_found += 1
                best[t] = min(best[t], cost)
        if s_door[s] + np.int64(min(s_to_u[s], s_to_v[s])) <= limit:
            seeds[0], seeds[1] = s_u[s], s_v[s]
            starts[0] = min(np.int64(FAR - 1), s_door[s] + np.int64(s_to_u[s]))
            starts[1] = min(np.int64(FAR - 1), s_door[s] + np.int64(s_to_v[s]))
            n, link, item, at = _sweep(indptr, heads, costs, seeds, starts, limit, dist, touched, first, link, item, at)
            for k in range(n):
                node = touched[k]
                here = dist[node]
                dist[node] = FAR
                for j in range(t_ptr[node], t_ptr[node + 1]):
                    if t_way[j] <= limit - here:
                        t = t_item[j]
                        if best[t] == FAR:
                            found[n_found] = t
                            n_found += 1
                        best[t] = min(best[t], here + t_way[j])
        if m + n_found > out_s.size:
            out_s, out_t, out_c = (
                _grow(out_s, m + n_found), _grow(out_t, m + n_found), _grow(out_c, m + n_found)
            )  # fmt: skip
        for k in range(n_found):
            t = found[k]
            out_s[m], out_t[m], out_c[m] = s, t, best[t]
            best[t] = FAR
            m += 1
    return out_s[:m], out_t[:m], out_c[:m]


@njit(cache=True, nogil=True)
def nodes_within(indptr, heads, costs, group_ptr, seed_nodes, seed_costs, limit):
    """List every (group, node, cost) with cost <= *limit* from the nearest seed of the group."""
    dist, touched, first, link, item, at = _workspace(indptr.size - 1, limit)
    out_g = np.empty(1024, np.int32)
    out_n = np.empty(1024, np.int32)
    out_c = np.empty(1024, np.int32)
    m = 0
    for g in range(group_ptr.size - 1):
        lo, hi = group_ptr[g], group_ptr[g + 1]
        n, link, item, at = _sweep(
            indptr, heads, costs, seed_nodes[lo:hi], seed_costs[lo:hi], limit,
            dist, touched, first, link, item, at,
        )  # fmt: skip
        if m + n > out_g.size:
            out_g, out_n, out_c = _grow(out_g, m + n), _grow(out_n, m + n), _grow(out_c, m + n)
        for k in range(n):
            node = touched[k]
            out_g[m], out_n[m], out_c[m] = g, node, dist[node]
            dist[node] = FAR
            m += 1
    return out_g[:m], out_n[:m], out_c[:m]


@njit(cache=True, nogil=True)
def nearest_labels(indptr, heads, costs, seed_nodes, seed_costs, seed_who, k, limit):
    """Label each node with its *k* nearest distinct seeds' owners, by one heap over the whole network.

    Returns ``who`` (n_nodes, k), -1 where there are fewer, and ``cost`` alike. Equal costs go to the smaller owner.
    """
    n_nodes = indptr.size - 1
    who = np.full((n_nodes, k), -1, np.int32)
    dist = np.full((n_nodes, k), FAR, np.int32)
    count = np.zeros(n_nodes, np.int32)
    heap_cost = np.empty(max(1024, 2 * seed_nodes.size), np.int64)
    heap_node = np.empty(heap_cost.size, np.int32)
    size = 0
    # cost and owner make one key, so that ties are broken by the owner's position
    for s in range(seed_nodes.size):
        if seed_costs[s] <= limit:
            if size == heap_cost.size:
                heap_cost, heap_node = _grow(heap_cost, 0), _grow(heap_node, 0)
            size = _push(heap_cost, heap_node, size, np.int64(seed_costs[s]) << 32 | seed_who[s], seed_nodes[s])
    while size:
        key, node = heap_cost[0], heap_node[0]
        size = _pop(heap_cost, heap_node, size)
        c = count[node]
        if c == k:
            continue
        owner = np.int32(key & 0xFFFFFFFF)
        cost = np.int32(key >> 32)
        known = False
        for j in range(c):
            if who[node, j] == owner:
                known = True
                break
        if known:
            continue
        who[node, c], dist[node, c] = owner, cost
        count[node] = c + 1
        for arc in range(indptr[node], indptr[node + 1]):
            there = heads[arc]
            if count[there] == k or costs[arc] > limit - cost:
                continue
            if size == heap_cost.size:
                heap_cost, heap_node = _grow(heap_cost, 0), _grow(heap_node, 0)
            size = _push(heap_cost, heap_node, size, np.int64(cost + costs[arc]) << 32 | owner, there)
    return who, dist


@njit(cache=True, nogil=True)
def _push(key, node, size, new_key, new_node):
    i = size
    while i:
        up = (i - 1) >> 1
        if key[up] <= new_key:
            break
        key[i], node[i] = key[up], node[up]
        i = up
    key[i], node[i] = new_key, new_node
    return size + 1


@njit(cache=True, nogil=True)
def _pop(key, node, size):
    size -= 1
    last_key, last_node = key[size], node[size]
    i = 0
    while True:
        down = 2 * i + 1
        if down >= size:
            break
        if down + 1 < size and key[down + 1] < key[down]:
            down += 1
        if key[down] >= last_key:
            break
        key[i], node[i] = key[down], node[down]
        i = down
    key[i], node[i] = last_key, last_node
    return size


@njit(cache=True, nogil=True)
def nearest_places(who, dist, o_u, o_v, o_edge, o_to_u, o_to_v, o_door, e_ptr, e_item, d_to_u, d_door, k, limit):
    """Read the *k* nearest destinations of each origin off the labels of its edge's ends."""
    n = o_u.size
    out_who = np.full((n, k), -1, np.int32)
    out_cost = np.full((n, k), FAR, np.int32)
    for o in range(n):
        if o_edge[o] < 0:
            continue
        filled = 0
        for j in range(who.shape[1]):
            if who[o_u[o], j] >= 0:
                cost = np.int64(dist[o_u[o], j]) + o_to_u[o] + o_door[o]
                filled = _keep(out_who[o], out_cost[o], filled, who[o_u[o], j], cost, limit)
            if who[o_v[o], j] >= 0:
                cost = np.int64(dist[o_v[o], j]) + o_to_v[o] + o_door[o]
                filled = _keep(out_who[o], out_cost[o], filled, who[o_v[o], j], cost, limit)
        for i in range(e_ptr[o_edge[o]], e_ptr[o_edge[o] + 1]):
            d = e_item[i]
            cost = np.int64(o_door[o]) + abs(o_to_u[o] - d_to_u[d]) + d_door[d]
            filled = _keep(out_who[o], out_cost[o], filled, d, cost, limit)
    return out_who, out_cost


@njit(cache=True, nogil=True)
def _keep(who, cost, filled, new_who, new_cost, limit):
    """Insert into the sorted short list *who*, *cost* when among its best; ties go to the smaller position."""
    if new_cost > limit:
        return filled
    for j in range(filled):
        if who[j] == new_who:
            if cost[j] <= new_cost:
                return filled
            for i in range(j, filled - 1):
                who[i], cost[i] = who[i + 1], cost[i + 1]
            filled -= 1
            break
    place = filled
    while place and (cost[place - 1] > new_cost or (cost[place - 1] == new_cost and who[place - 1] > new_who)):
        place -= 1
    if place >= who.size:
        return filled
    last = min(filled, who.size - 1)
    for i in range(last, place, -1):
        who[i], cost[i] = who[i - 1], cost[i - 1]
    who[place], cost[place] = new_who, np.int32(new_cost)
    return min(filled + 1, who.size)
