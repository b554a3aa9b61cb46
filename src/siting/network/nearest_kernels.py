"""Compiled sweeps over the whole network: the nearest places of every corner, by one search from all places.

The queue is that of `siting.network.search_kernels`. A label is a cost and an owner in one number, so that of places
equally near the first wins, whatever the order of the work.
"""

from __future__ import annotations

import numpy as np

from siting.compiled import compiled
from siting.network.search_kernels import DONE, QUEUE_SHORT, along

#: What no label has reached.
NONE = np.int64(2**63 - 1)
SWEEP = np.int32(17)  # buckets of 131 m


@compiled
def label(arcs, nodes, costs, owners, limit, labels, first, link, item, key):
    """Label each node with its nearest seed, as cost << 32 | owner; after QUEUE_SHORT all must be made anew."""
    indptr, heads, ways = arcs.indptr, arcs.heads, arcs.costs
    used = 0
    for s in range(nodes.size):
        new = np.int64(costs[s]) << 32 | owners[s]
        if costs[s] <= limit and new < labels[nodes[s]]:
            labels[nodes[s]] = new
            bucket = costs[s] >> SWEEP
            item[used], key[used], link[used] = nodes[s], new, first[bucket]
            first[bucket] = used
            used += 1
    size = item.size
    for bucket in range((limit >> SWEEP) + 1):
        slot = first[bucket]
        while slot != -1:
            here = np.uint32(slot)
            first[bucket] = link[here]
            node, known = item[here], key[here]
            if known == labels[node]:
                left = np.int64(limit) - (known >> 32)
                lo, hi = indptr[node], indptr[node + np.uint32(1)]
                if used + np.int64(hi) - np.int64(lo) > size:
                    return QUEUE_SHORT
                for k in range(lo, hi):
                    arc = np.uint32(k)
                    there, step = heads[arc], np.int64(ways[arc])
                    new = known + (step << 32)
                    if step <= left and new < labels[there]:
                        labels[there] = new
                        down = np.uint32(new >> (32 + SWEEP))
                        free = np.uint32(used)
                        item[free], key[free], link[free] = there, new, first[down]
                        first[down] = used
                        used += 1
            slot = first[bucket]
    return DONE


@compiled
def label_several(arcs, nodes, costs, owners, limit, labels, first, link, item, key):
    """Label each node with its ``labels.shape[1]`` nearest distinct owners, in order; see `label`."""
    indptr, heads, ways = arcs.indptr, arcs.heads, arcs.costs
    used = 0
    last = labels.shape[1] - 1
    for s in range(nodes.size):
        new = np.int64(costs[s]) << 32 | owners[s]
        if costs[s] <= limit and _insert(labels, nodes[s], new):
            bucket = costs[s] >> SWEEP
            item[used], key[used], link[used] = nodes[s], new, first[bucket]
            first[bucket] = used
            used += 1
    size = item.size
    for bucket in range((limit >> SWEEP) + 1):
        slot = first[bucket]
        while slot != -1:
            here = np.uint32(slot)
            first[bucket] = link[here]
            node, known = item[here], key[here]
            held = False
            for j in range(last + 1):
                if labels[node, j] >= known:
                    held = labels[node, j] == known
                    break
            if held:
                left = np.int64(limit) - (known >> 32)
                lo, hi = indptr[node], indptr[node + np.uint32(1)]
                if used + np.int64(hi) - np.int64(lo) > size:
                    return QUEUE_SHORT
                for k in range(lo, hi):
                    arc = np.uint32(k)
                    there, step = heads[arc], np.int64(ways[arc])
                    new = known + (step << 32)
                    if step > left or new >= labels[there, last]:
                        continue
                    # As `_insert` does it, which costs too much to call here.
                    spot, owner = last, np.uint32(new)
                    for j in range(last + 1):
                        other = labels[there, j]
                        if other == NONE or np.uint32(other) == owner:
                            spot = j if other > new else -1
                            break
                    if spot >= 0:
                        while spot > 0 and labels[there, spot - 1] > new:
                            labels[there, spot] = labels[there, spot - 1]
                            spot -= 1
                        labels[there, spot] = new
                        down = np.uint32(new >> (32 + SWEEP))
                        free = np.uint32(used)
                        item[free], key[free], link[free] = there, new, first[down]
                        first[down] = used
                        used += 1
            slot = first[bucket]
    return DONE


@compiled
def _insert(labels, row, key):
    """Insert *key* into the sorted row unless its owner is there already as near, or others are nearer."""
    last = labels.shape[1] - 1
    if key >= labels[row, last]:
        return False
    at = last  # the place that falls free: the owner's old one, or the last
    owner = np.uint32(key)
    for j in range(last + 1):
        held = labels[row, j]
        if held == NONE:
            at = j
            break
        if np.uint32(held) == owner:
            if held <= key:
                return False
            at = j
            break
    while at > 0 and labels[row, at - 1] > key:
        labels[row, at] = labels[row, at - 1]
        at -= 1
    labels[row, at] = key
    return True


@compiled
def read_nearest(labels, starts, targets, straight, lo, hi, limit, found):
    """Read the nearest targets of the starts *lo* to *hi* off the labels of their chains' ends, in order."""
    for s in range(lo, hi):
        for g in range(starts.ptr[s], starts.ptr[s + 1]):
            if starts.chain[g] < 0 and starts.a[g] < 0:
                continue
            for node, way in ((starts.a[g], starts.to_a[g]), (starts.b[g], starts.to_b[g])):
                if node >= 0 and way <= limit:
                    for j in range(labels.shape[1]):
                        if labels[node, j] == NONE:
                            break
                        key = labels[node, j] + (np.int64(way) << 32)
                        if key >> 32 <= limit:
                            _insert(found, s, key)
            chain = starts.chain[g]
            if chain >= 0:
                for k in range(targets.on_ptr[chain], targets.on_ptr[chain + 1]):
                    cost = along(starts.f[g], starts.r[g], targets.on_f[k], targets.on_r[k])
                    cost += np.int64(starts.door[g]) + targets.on_door[k]
                    if cost <= limit:
                        _insert(found, s, cost << 32 | targets.on_item[k])
        for k in range(straight.ptr[s], straight.ptr[s + 1]):
            if straight.cost[k] <= limit:
                _insert(found, s, np.int64(straight.cost[k]) << 32 | straight.item[k])
