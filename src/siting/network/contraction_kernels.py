"""Compiled loops that contract the graph: components, chains of streets, the adjacency of their ends."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from siting.compiled import compiled
from siting.network.point_kernels import root

FAR = np.int32(2**31 - 1)


@compiled
def components(n, u, v):
    """Label the components; 0 has the most nodes, of equal ones that with the smallest node comes first."""
    parent = np.arange(n).astype(np.int32)
    for e in range(u.size):
        a, b = root(parent, u[e]), root(parent, v[e])
        parent[max(a, b)] = min(a, b)
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
def _incidence(n, u, v):
    """Edges that end at each node: pointers and edges; a loop occurs twice."""
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
    """Follow chains from corner to corner past the nodes *through* marks; a ring without a corner gets one."""
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
    """Arcs both ways between different ends of chains, of parallel ones the shortest; FAR where closed."""
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


class Chains(NamedTuple):
    """Chain ``c`` runs from corner ``a[c]`` to ``b[c]`` (-1: a dead end) over the edges from ``chain_ptr[c]`` on.

    ``flipped`` edges are walked from `v`; ``forth`` and ``back`` are its costs, ``before`` and ``behind`` to each edge.
    """

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
    return Chains(
        corners, chain_ptr, chain_edge, flipped, chain, slot, before, behind, whole, home, a, b,
        indptr, heads, along, against,
    )  # fmt: skip
