"""Compiled loops that form the graph: the Hilbert curve, components, chains of streets, the adjacency."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from siting.compiled import compiled

FAR = np.int32(2**31 - 1)


@compiled
def hilbert(x, y, level):
    """Position of each point on the Hilbert curve of *level* over their square [1]_; coordinates are finite.

    References
    ----------
    .. [1] D. Hilbert, "Über die stetige Abbildung einer Linie auf ein Flächenstück", Mathematische Annalen 38, 1891.
    """
    n = x.size
    out = np.empty(n, np.uint64)
    west, south = x.min(), y.min()
    side = max(x.max() - west, y.max() - south)
    scale = ((1 << level) - 1) / side if side > 0 else 0.0
    for i in range(n):
        px = np.int64((x[i] - west) * scale)
        py = np.int64((y[i] - south) * scale)
        d, turned, swapped = np.int64(0), np.int64(0), np.int64(0)
        for k in range(level - 1, -1, -1):
            bx, by = (px >> k) & 1, (py >> k) & 1
            other = (bx ^ by) & swapped
            rx, ry = bx ^ other ^ turned, by ^ other ^ turned
            d = d << 2 | ((3 * rx) ^ ry)
            # The quadrants at the bottom are turned, so that the curve goes on where it left the last.
            turned ^= (1 - ry) & rx
            swapped ^= 1 - ry
        out[i] = d
    return out


@compiled
def components(n, u, v):
    """Label the components; 0 has the most nodes, of equal ones that with the smallest node comes first."""
    parent = np.arange(n).astype(np.int32)
    for e in range(u.size):
        a, b = u[e], v[e]
        while parent[a] != a:
            parent[a] = parent[parent[a]]
            a = parent[a]
        while parent[b] != b:
            parent[b] = parent[parent[b]]
            b = parent[b]
        if a < b:
            parent[b] = a
        else:
            parent[a] = b
    label = np.empty(n, np.int32)
    size = np.zeros(n, np.int64)
    found = 0
    for i in range(n):  # a root is the smallest node of its tree, so it comes before the others
        if parent[i] == i:
            label[i] = found
            found += 1
        else:
            parent[i] = parent[parent[i]]
            label[i] = label[parent[i]]
        size[label[i]] += 1
    rank = np.empty(found, np.int32)
    rank[np.argsort(-size[:found], kind="mergesort")] = np.arange(found).astype(np.int32)
    for i in range(n):
        label[i] = rank[label[i]]
    return label


@compiled
def distinct(a, b):
    """Numbers of the distinct pairs of whole numbers: that of each pair, and where each stands first."""
    n = a.size
    bits = 4
    while (1 << bits) < 2 * n:
        bits += 1
    last = np.int64((1 << bits) - 1)
    table = np.full(last + 1, -1, np.int32)
    number = np.empty(n, np.int32)
    first = np.empty(n, np.int32)
    found = 0
    for i in range(n):
        at = _mixed(a[i], b[i], bits)
        while table[at] >= 0 and (a[first[table[at]]] != a[i] or b[first[table[at]]] != b[i]):
            at = (at + 1) & last
        if table[at] < 0:
            table[at] = found
            first[found] = i
            found += 1
        number[i] = table[at]
    return number, first[:found].copy()


@compiled
def _mixed(a, b, bits):
    """Slot among 2**bits for a pair of whole numbers; near pairs lie far apart."""
    h = np.uint64(a) * np.uint64(0x9E3779B97F4A7C15)
    h = (h ^ (h >> np.uint64(32)) ^ np.uint64(b)) * np.uint64(0xC2B2AE3D27D4EB4F)
    h = (h ^ (h >> np.uint64(29))) * np.uint64(0x9E3779B97F4A7C15)
    return np.int64(h >> np.uint64(64 - bits))


@compiled
def near(x, y, most):
    """Join points that are at most *most* apart, and what is joined by others between.

    Returns the number of each group and its first point; groups are numbered in the order of these. Points are looked
    up in squares 16 times as wide as *most*, so that few lie beside another square.
    """
    n = x.size
    bits = 4
    while (1 << bits) < 2 * n:
        bits += 1
    last = np.int64((1 << bits) - 1)
    head = np.full(last + 1, -1, np.int32)
    link = np.empty(n, np.int32)
    parent = np.arange(n).astype(np.int32)
    wide = 16 * most
    square = most * most
    for i in range(n):
        mine_x, mine_y = np.int64(np.floor(x[i] / wide)), np.int64(np.floor(y[i] / wide))
        # A hair more than *most*, so that rounding does not hide a square.
        lo_x, hi_x = np.int64(np.floor((x[i] - 1.01 * most) / wide)), np.int64(np.floor((x[i] + 1.01 * most) / wide))
        lo_y, hi_y = np.int64(np.floor((y[i] - 1.01 * most) / wide)), np.int64(np.floor((y[i] + 1.01 * most) / wide))
        for cx in range(lo_x, hi_x + 1):
            for cy in range(lo_y, hi_y + 1):
                j = head[_mixed(cx, cy, bits)]  # a slot may hold points of other squares, which lie too far away
                while j >= 0:
                    if (x[j] - x[i]) ** 2 + (y[j] - y[i]) ** 2 <= square:
                        a, b = i, j
                        while parent[a] != a:
                            parent[a] = parent[parent[a]]
                            a = parent[a]
                        while parent[b] != b:
                            parent[b] = parent[parent[b]]
                            b = parent[b]
                        parent[max(a, b)] = min(a, b)
                    j = link[j]
        at = _mixed(mine_x, mine_y, bits)
        link[i] = head[at]
        head[at] = i
    group = np.empty(n, np.int64)
    first = np.empty(n, np.int64)
    found = 0
    for i in range(n):  # a root is the first of its group
        if parent[i] == i:
            group[i] = found
            first[found] = i
            found += 1
        else:
            a = parent[i]
            while parent[a] != a:
                a = parent[a]
            parent[i] = a
            group[i] = group[a]
    return group, first[:found].copy()


@compiled
def turns(z, first, least):
    """List the vertices where lines turn from climbing to falling or back, by *least* and more either way.

    A line with a height that is no number has none.
    """
    out = np.empty(z.size, np.int64)
    found = 0
    for row in range(first.size - 1):
        start = found
        way = 0  # 1 up, -1 down, 0 not known yet
        low = high = first[row]
        for i in range(first[row], first[row + 1]):
            if not np.isfinite(z[i]):
                found = start
                break
            if z[i] > z[high]:
                high = i
            if z[i] < z[low]:
                low = i
            if way <= 0 and z[i] - z[low] >= least:
                if way < 0:
                    out[found] = low
                    found += 1
                way, high = 1, i
            elif way >= 0 and z[high] - z[i] >= least:
                if way > 0:
                    out[found] = high
                    found += 1
                way, low = -1, i
    return out[:found].copy()


@compiled
def _incidence(n, u, v):
    """Edges that end at each node: pointers and edges; a loop stands twice."""
    ptr = np.zeros(n + 1, np.int64)
    for e in range(u.size):
        ptr[u[e] + 1] += 1
        ptr[v[e] + 1] += 1
    for i in range(n):
        ptr[i + 1] += ptr[i]
    at = ptr[:-1].copy()
    edge = np.empty(2 * u.size, np.int32)
    for e in range(u.size):
        edge[at[u[e]]] = e
        at[u[e]] += 1
        edge[at[v[e]]] = e
        at[v[e]] += 1
    return ptr, edge


@compiled
def _follow(u, v, ptr, inc, through, chain_edge, flipped, ptr_out, start, stop):
    """Follow each chain of edges from corner to corner, past the nodes that *through* marks.

    Fills the edges chain after chain, whether each is walked from v to u, the pointers, and the corners at either end.
    A ring without a corner gets one, which is unmarked. Returns the number of chains.
    """
    done = np.zeros(u.size, np.bool_)
    chains = 0
    m = 0
    ptr_out[0] = 0
    for ring in range(2):
        for node in range(ptr.size - 1):
            if through[node]:
                if ring == 0 or done[inc[ptr[node]]]:
                    continue
                through[node] = False
            for j in range(ptr[node], ptr[node + 1]):
                if done[inc[j]]:
                    continue
                edge, here = inc[j], node
                while True:
                    done[edge] = True
                    chain_edge[m] = edge
                    flipped[m] = u[edge] != here
                    m += 1
                    here = v[edge] if u[edge] == here else u[edge]
                    if not through[here]:
                        break
                    first, second = inc[ptr[here]], inc[ptr[here] + 1]
                    edge = second if first == edge else first
                start[chains], stop[chains] = node, here
                chains += 1
                ptr_out[chains] = m
    return chains


@compiled
def _adjacency(n, a, b, forth, back):
    """Arcs both ways between the ends of chains; loops and ends at -1 have none; of parallel ones the shortest.

    Returns pointers, heads, and the costs along each arc and against it; FAR where that way is closed.
    """
    ptr = np.zeros(n + 1, np.int64)
    for c in range(a.size):
        if a[c] >= 0 and b[c] >= 0 and a[c] != b[c]:
            ptr[a[c] + 1] += 1
            ptr[b[c] + 1] += 1
    for i in range(n):
        ptr[i + 1] += ptr[i]
    heads = np.empty(ptr[n], np.uint32)
    along = np.empty(ptr[n], np.int32)
    against = np.empty(ptr[n], np.int32)
    end = ptr[:-1].copy()
    for c in range(a.size):
        if a[c] >= 0 and b[c] >= 0 and a[c] != b[c]:
            k = end[a[c]]
            go, come = min(forth[c], np.int64(FAR)), min(back[c], np.int64(FAR))
            heads[k], along[k], against[k] = b[c], go, come
            end[a[c]] += 1
            k = end[b[c]]
            heads[k], along[k], against[k] = a[c], come, go
            end[b[c]] += 1
    packed = np.empty(n + 1, np.uint32)
    seen = np.full(n, -1, np.int64)
    m = 0
    for i in range(n):
        packed[i] = m
        mine = m
        for k in range(ptr[i], ptr[i + 1]):
            head = heads[k]
            if seen[head] >= mine:
                old = seen[head]
                along[old], against[old] = min(along[old], along[k]), min(against[old], against[k])
            else:
                seen[head] = m
                heads[m], along[m], against[m] = head, along[k], against[k]
                m += 1
    packed[n] = m
    return packed, heads[:m].copy(), along[:m].copy(), against[:m].copy()


@compiled
def _sums_before(ptr, order, forth, back, flipped):
    """Way from the chain's start to each of its edges, and back, in the order of the chains; then of whole chains."""
    before = np.empty(order.size, np.int64)
    behind = np.empty(order.size, np.int64)
    whole = np.empty(ptr.size - 1, np.int64)
    home = np.empty(ptr.size - 1, np.int64)
    for c in range(ptr.size - 1):
        f, r = np.int64(0), np.int64(0)
        for k in range(ptr[c], ptr[c + 1]):
            before[k], behind[k] = f, r
            f += back[order[k]] if flipped[k] else forth[order[k]]
            r += forth[order[k]] if flipped[k] else back[order[k]]
        whole[c], home[c] = f, r
    return before, behind, whole, home


class Formed(NamedTuple):
    """What `contract` makes; see `siting.network.core.Core`."""

    corners: int
    chain_ptr: np.ndarray
    chain_edge: np.ndarray
    flipped: np.ndarray
    chain: np.ndarray
    slot: np.ndarray
    before: np.ndarray
    behind: np.ndarray
    forth: np.ndarray
    back: np.ndarray
    a: np.ndarray
    b: np.ndarray
    indptr: np.ndarray
    heads: np.ndarray
    along: np.ndarray
    against: np.ndarray


@compiled
def contract(n, u, v, forth, back, worth):
    """Join streets to chains when more than *worth* of the nodes lie inside one, and form the adjacency of the rest."""
    ptr, inc = _incidence(n, u, v)
    through = np.empty(n, np.bool_)
    for i in range(n):
        through[i] = ptr[i + 1] - ptr[i] == 2
    for e in range(u.size):
        if u[e] == v[e] or forth[e] == FAR or back[e] == FAR:  # a loop, or a way that is closed to one side
            through[u[e]] = False
            through[v[e]] = False
    if through.sum() <= worth * n:
        through[:] = False
    m = u.size
    chain_edge, flipped = np.empty(m, np.int32), np.empty(m, np.bool_)
    chain_ptr, start, stop = np.empty(m + 1, np.int64), np.empty(m, np.int32), np.empty(m, np.int32)
    chains = _follow(u, v, ptr, inc, through, chain_edge, flipped, chain_ptr, start, stop)
    chain_ptr, start, stop = chain_ptr[: chains + 1].copy(), start[:chains], stop[:chains]
    before, behind, whole, home = _sums_before(chain_ptr, chain_edge, forth, back, flipped)
    ends = np.zeros(n, np.int32)
    for c in range(chains):
        ends[start[c]] += 1
        ends[stop[c]] += 1
    corner = np.empty(n, np.int32)
    corners = 0
    for i in range(n):
        corner[i] = -1
        if not through[i] and ends[i] > 1:
            corner[i] = corners
            corners += 1
    a, b = np.empty(chains, np.int32), np.empty(chains, np.int32)
    chain, slot = np.empty(m, np.int32), np.empty(m, np.int32)
    for c in range(chains):
        a[c], b[c] = corner[start[c]], corner[stop[c]]
        for k in range(chain_ptr[c], chain_ptr[c + 1]):
            chain[chain_edge[k]] = c
            slot[chain_edge[k]] = k
    indptr, heads, along, against = _adjacency(corners, a, b, whole, home)
    return Formed(
        corners, chain_ptr, chain_edge, flipped, chain, slot, before, behind, whole, home, a, b,
        indptr, heads, along, against,
    )  # fmt: skip
