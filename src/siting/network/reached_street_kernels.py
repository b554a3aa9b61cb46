"""Compiled listing of the pieces of streets that are reached from each place."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from siting.compiled import compiled
from siting.network.search_kernels import BUFFER_SHORT, DONE, FAR, QUEUE_SHORT, settle
from siting.numbers import Bools, Ints


class ChainEnds(NamedTuple):
    """The chains that end at each corner, whether it is the far end, and the costs and the length of each edge."""

    ptr: np.ndarray
    chain: np.ndarray
    far: np.ndarray
    go: np.ndarray
    come: np.ndarray
    long: np.ndarray


class ReachedPieces(NamedTuple):
    """Reached pieces of streets, by positions of limit, group (a place; 0 for all) and edge.

    `low` and `high` are shares of the edge's length from its `u`, low < high; one reached whole has 0 and 1.
    """

    limit: np.ndarray
    group: np.ndarray
    edge: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def take(self, rows: Bools | Ints) -> ReachedPieces:
        """Return some of the pieces."""
        return ReachedPieces(*(column[rows] for column in self))


@compiled
def pieces_within(arcs, starts, chains, ends, buffers, lo, hi, limits, out):
    """List the pieces reached by gates *lo* to *hi*: where it ended, how many there are, and a status.

    The search runs against the streets: the ways forth and back of *starts* are changed over. All is in one function,
    because to pass arrays to another in the inner loop costs more than the work there.
    """
    dist, touched = buffers.dist, buffers.touched
    a_of, b_of = chains.a, chains.b
    end_ptr, end_chain, end_far, go_of, come_of, long_of = ends
    ptr, edges, flipped = chains.chain_ptr, chains.chain_edge, chains.flipped
    before, behind, forth = chains.before, chains.behind, chains.forth
    out_limit, out_group, out_edge, out_low, out_high = out
    size = out_edge.size
    m = 0
    listed = np.empty(a_of.size + 1, np.int32)
    by_start, by_end = np.empty(a_of.size + 1, np.int64), np.empty(a_of.size + 1, np.int64)
    most = limits[-1]
    none = np.int64(-1)
    for s in range(lo, hi):
        own, door = starts.chain[s], np.int64(starts.door[s])
        f, r = starts.r[s], starts.f[s]
        if door > most or (own < 0 and starts.a[s] < 0):
            continue
        n = settle(
            arcs.indptr, arcs.heads, arcs.costs, starts.a, starts.to_a, starts.b, starts.to_b, s, s + 1, most,
            dist, touched, buffers.first, buffers.link, buffers.item, buffers.at,
        )  # fmt: skip
        if n < 0:
            for i in range(-1 - n):
                dist[touched[i]] = FAR
            return s, m, QUEUE_SHORT
        end = m
        for which in range(limits.size):
            limit = np.int64(limits[which])
            # The chains that are reached, each once, and what is left of the limit at either end.
            many = 0
            for i in range(n):
                node = touched[i]
                left = limit - dist[node]
                if left < 0:
                    continue
                for j in range(end_ptr[node], end_ptr[node + np.uint32(1)]):
                    chain = end_chain[j]
                    other = a_of[chain] if end_far[j] else b_of[chain]
                    rest = limit - dist[other] if other >= 0 else none
                    if chain == own or (end_far[j] and rest >= 0):
                        continue
                    listed[many] = chain
                    by_start[many], by_end[many] = (rest, left) if end_far[j] else (left, rest)
                    many += 1
            if own >= 0 and door <= limit:
                a, b = a_of[own], b_of[own]
                listed[many] = own
                by_start[many] = limit - dist[a] if a >= 0 else none
                by_end[many] = limit - dist[b] if b >= 0 else none
                many += 1
            for t in range(many):
                chain, by_a, by_b = listed[t], by_start[t], by_end[t]
                straight = limit - door if chain == own else none
                for k in range(ptr[chain], ptr[chain + 1]):
                    edge, flip = edges[k], flipped[k]
                    long = np.int64(long_of[edge])
                    go, come = np.int64(go_of[edge]), np.int64(come_of[edge])
                    if flip:
                        go, come = come, go
                    # What is covered from the edge's start, from its end, and in between; mm, -1 for nothing.
                    first, last, inner_lo, inner_hi = none, none, none, none
                    if by_a >= 0 and come < FAR:
                        first = _share(by_a - behind[k], come, long)
                    if by_b >= 0 and go < FAR:
                        last = _share(by_b - (forth[chain] - before[k] - go), go, long)
                    if straight >= 0:
                        after = _share(straight + r - behind[k], come, long) if r >= 0 and come < FAR else none
                        ahead = _share(straight - f + before[k] + go, go, long) if f >= 0 and go < FAR else none
                        # The place's own edge is covered both ways from it, others from the end nearer to it.
                        if r >= 0:
                            inside, beyond = behind[k] <= r <= behind[k] + come, behind[k] >= r
                        else:
                            inside, beyond = before[k] <= f <= before[k] + go, before[k] >= f
                        if inside:
                            spot = _share(r - behind[k], come, long) if r >= 0 else _share(f - before[k], go, long)
                            inner_lo = spot if ahead < 0 else min(spot, long - ahead)
                            inner_hi = spot if after < 0 else max(spot, after)
                        elif beyond:
                            first = max(first, after)
                        else:
                            last = max(last, ahead)
                    if first < 0 and last < 0 and inner_lo < 0:
                        continue
                    # Three pieces at most; those that touch are one.
                    cut = long - last if last >= 0 else long + 1
                    if first >= 0 and 0 <= inner_lo <= first:
                        first, inner_lo = max(first, inner_hi), none
                    if inner_lo >= 0 and cut <= inner_hi:
                        cut, inner_lo = inner_lo, none
                    if first >= 0 and cut <= first:
                        first, cut = long, long + 1
                    for part in range(3):
                        low, high = np.int64(0), first
                        if part == 1:
                            low, high = inner_lo, inner_hi
                        elif part == 2:
                            low, high = cut, long
                        if low < 0 or high < low or (high == low and long > 0):
                            continue
                        if end < size:
                            out_limit[end], out_group[end], out_edge[end] = which, s, edge
                            if flip:
                                low, high = long - high, long - low
                            out_low[end] = low / long if long > 0 else 0.0
                            out_high[end] = high / long if long > 0 else 1.0
                        end += 1
        for i in range(n):
            dist[touched[i]] = FAR
        if end > size:
            return s, m, BUFFER_SHORT
        m = end
    return hi, m, DONE


@compiled
def _share(left, cost, long):
    """How much of an edge *left* is enough for, mm of its length; -1 for none."""
    if left < 0:
        return np.int64(-1)
    if left >= cost:
        return np.int64(long)
    if cost == long:
        return np.int64(left)
    return np.int64(np.rint(left / cost * long))
