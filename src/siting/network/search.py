"""Shortest paths between places: the searches that the measures are made of.

Costs are whole millimetres (of level walk, where slopes count). A limit is inclusive. Work is cut into blocks of
sources, which threads take in turn; what comes out is the same for any number of threads, bit for bit.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from siting.errors import NetworkError
from siting.network import nearest_kernels, reached_street_kernels, search_kernels
from siting.network.contraction import LONGEST, ChainPositions, ContractedGraph
from siting.network.graph import Network
from siting.network.places import Places
from siting.network.search_threads import Progress, SearchTask, Workspace, run_blocks, run_jobs, search_task
from siting.network.straight_walks import straight_walks
from siting.network.walk import Walk
from siting.numbers import Floats, Ints, Ints32

__all__ = ["LONGEST", "Pairs", "nearest", "pieces", "sums", "within"]

log = logging.getLogger(__name__)

#: From so many sources on the number of pairs is estimated before the search begins.
FORESEEN = 2048
#: Origins whose pairs a thread sorts at a time.
ROWS = 1 << 14
#: Bytes that a pair takes in a result: two positions and a cost.
PAIR_BYTES = 16


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of places, ordered by origin, then cost, then destination."""

    origin: Ints32
    destination: Ints32
    cost: Floats


def within(
    network: Network,
    origins: Places,
    destinations: Places,
    limit: int,
    *,
    walk: Walk | None = None,
    speed: float = 1.0,
    threads: int | None = None,
    max_pairs: float = float("inf"),
    progress: Progress | None = None,
) -> Pairs:
    """List all pairs not farther apart than *limit*.

    Parameters
    ----------
    network
        The streets.
    origins, destinations
        Places on them.
    limit
        Millimetres of level walk, at most `LONGEST`.
    walk
        Whose response to slopes counts; none counts the way alone.
    speed
        Costs are divided by it: 1 gives metres, metres a minute give minutes.
    threads
        How many search at once; all processors when not given.
    max_pairs
        More pairs than this are an error.
    progress
        Called with the sources done and all.

    Raises
    ------
    NetworkError
        When there are more pairs than *max_pairs*.
    """
    speed = float(speed)
    # The fewer places do the searching.
    swap = len(destinations) < len(origins)
    source, sought = (destinations, origins) if swap else (origins, destinations)
    task = search_task(network, source, sought, limit, walk, reverse=swap)
    _foresee(task, max_pairs)
    chunks: list[tuple[int, Ints, Ints]] = []
    total = 0

    def pairs_of(space: Workspace, lo: int, hi: int) -> tuple[Ints, Ints]:
        return space.pairs(lo, hi, rows=not swap)

    for lo, (keys, counts) in run_blocks(task, threads, pairs_of, progress):
        total += len(keys)
        if total > max_pairs:
            raise NetworkError(_too_many(total, max_pairs, "at least"))
        chunks.append((lo, keys, counts))
    ptr = np.zeros(len(origins) + 1, np.int64)
    jobs: list[Callable[[], None]] = []
    if not swap:
        for lo, _, counts in chunks:
            ptr[1 + task.order[lo : lo + len(counts)]] = counts
        np.cumsum(ptr, out=ptr)
        found = _room(total)
        jobs += [
            partial(search_kernels.put_rows, keys, counts, task.order, lo, ptr, speed, *found)
            for lo, keys, counts in chunks
        ]
        chunks.clear()  # each is let go as soon as it stands in its place
    else:
        for _, keys, _counts in chunks:
            search_kernels.count_items(keys, ptr[1:])
        np.cumsum(ptr, out=ptr)
        at, turned = ptr[:-1].copy(), np.empty(total, np.int64)
        chunks.reverse()
        while chunks:
            lo, keys, counts = chunks.pop()
            search_kernels.turn(keys, counts, task.order, lo, at, turned)
        found = _room(total)
        jobs += [
            partial(search_kernels.sort_rows, turned, ptr, lo, min(lo + ROWS, len(origins)), task.limit, speed, *found)
            for lo in range(0, len(origins), ROWS)
        ]
    run_jobs(jobs, threads)
    return Pairs(*found)


def _room(pairs: int) -> tuple[Ints32, Ints32, Floats]:
    return np.empty(pairs, np.int32), np.empty(pairs, np.int32), np.empty(pairs)


def _sample(task: SearchTask) -> Ints:
    """Count the pairs of some of the sources, drawn at random, but the same at every call."""
    n = len(task.order)
    drawn = np.sort(np.random.default_rng(0).choice(n, min(n, max(64, min(n // 200, 512))), replace=False))
    some_of = replace(task, order=np.ascontiguousarray(task.order[drawn]))
    space = Workspace(some_of)
    return np.concatenate([space.pairs(lo, hi, rows=False)[1] for lo, hi in some_of.blocks()])


def _foresee(task: SearchTask, most: float) -> None:
    """Estimate the pairs of a large task; tell how many, and refuse what is surely too many."""
    n = len(task.order)
    if n < FORESEEN:
        return  # the count as it goes is soon enough
    sample = _sample(task)
    guess, error = n * sample.mean(), n * sample.std() / np.sqrt(len(sample))
    log.info("about %s pairs, %.1f GiB", f"{round(guess):,}", guess * PAIR_BYTES / 2**30)
    if guess - 4 * error > most:  # nearer calls are left to the count
        raise NetworkError(_too_many(round(guess), most, "about"))


def _too_many(pairs: int, most: float, how: str) -> str:
    return (
        f"{how} {pairs:,} pairs ({pairs * PAIR_BYTES / 2**30:.1f} GiB) are more than max_pairs={most:,.0f}; lower the "
        "limit, raise max_pairs, or take the origins in parts with travel_in_parts"
    )


def sums(
    network: Network,
    origins: Places,
    destinations: Places,
    weights: Floats,
    limit: int,
    *,
    walk: Walk | None = None,
    decay: Callable[[Ints], Floats] | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> tuple[Floats, Ints]:
    """Add up the weights (destinations × columns) within *limit* of each origin, and count; no pair is kept.

    With *decay* each weight counts times the factor that it gives for the way, mm.
    """
    out, number = np.zeros((len(origins), weights.shape[1])), np.zeros(len(origins), np.int64)
    weights = np.array(weights, float, order="C")
    swap = len(destinations) < len(origins)
    source, sought = (destinations, origins) if swap else (origins, destinations)
    task = search_task(network, source, sought, limit, walk, reverse=swap)
    flat = np.empty(0)

    def step(space: Workspace, lo: int, hi: int) -> Any:
        keys, counts = space.pairs(lo, hi, rows=False)
        factor = flat if decay is None or not len(keys) else np.array(decay(keys >> 32), float, order="C")
        if swap:
            return keys, counts, factor
        search_kernels.add_up(keys, counts, task.order, lo, weights, factor, out)
        number[task.order[lo:hi]] = counts
        return None

    for lo, found in run_blocks(task, threads, step, progress):
        if found is not None:  # several sources reach one item, so that one thread adds them, in order
            keys, counts, factor = found
            search_kernels.add_back(keys, counts, task.order, lo, weights, factor, out)
            search_kernels.count_items(keys, number)
    return out, number


def nearest(
    network: Network,
    origins: Places,
    destinations: Places,
    count: int,
    limit: int = LONGEST,
    *,
    walk: Walk | None = None,
    speed: float = 1.0,
    streets_only: bool = False,
) -> Pairs:
    """List the *count* nearest destinations of each origin, within *limit*.

    Of destinations at the same distance the one that comes first is nearer. With *streets_only* nobody walks straight:
    what is found are the ways over the streets, on which others may go on.
    """
    count = max(1, min(count, len(destinations)))
    graph = network.core(walk)
    labels = _labels(graph, graph.positions(destinations), count, limit)
    found = np.full((len(origins), count), nearest_kernels.NONE, np.int64)
    starts = graph.starts(origins)
    targets = graph.targets(destinations)
    near = straight_walks(origins, destinations.select(destinations.ids[:0]) if streets_only else destinations, limit)
    nearest_kernels.read_nearest(labels, starts, targets, near, 0, len(origins), np.int32(limit), found)
    origin, rank = np.nonzero(found != nearest_kernels.NONE)
    keys = found[origin, rank]
    return Pairs(
        origin.astype(np.int32), (keys & 0xFFFFFFFF).astype(np.int32), (keys >> 32).astype(np.float64) / 1000.0 / speed
    )


def pieces(
    network: Network, places: Places, limits: Sequence[int], *, walk: Walk | None = None
) -> tuple[Ints32, Ints32, Ints32, Floats, Floats]:
    """List the pieces of streets from which each place is reached within each of the rising *limits*, mm.

    Returns ``(limit, group, edge, low, high)``, ordered by limit, then group: positions, and shares of the edge from
    `u`. Pieces of one place, limit and edge do not touch; one of no length is left out, except for an edge of no
    length, which is whole.
    """

    def room(size: int) -> reached_street_kernels.Pieces:
        return reached_street_kernels.Pieces(
            *(np.empty(size, kind) for kind in (np.int32, np.int32, np.int32, float, float))
        )

    task = search_task(network, places, places.select(places.ids[:0]), max(limits), walk, reverse=True)
    chains, ends = task.graph.chains, task.graph.chain_ends
    owner = task.graph.positions(places).owner
    space, steps = Workspace(task), np.array(limits, np.int32)
    parts = [room(0)]
    size, at = 1 << 16, 0
    out = room(size)
    while at < len(owner):
        now, m, status = reached_street_kernels.pieces_within(
            task.arcs, task.starts, chains, ends, space.buffers, at, len(owner), steps, out
        )
        parts.append(reached_street_kernels.Pieces(*(column[:m].copy() for column in out)))
        if status == search_kernels.QUEUE_SHORT:
            space.grow(status)
        elif status == search_kernels.BUFFER_SHORT and now == at:
            size *= 4
            out = room(size)
        at = now
    limit, group, edge, low, high = map(np.concatenate, zip(*parts, strict=True))
    if task.graph.copies is not None:
        edge = task.graph.copies.origin[edge]
        street = edge >= 0
        limit, group, edge, low, high = limit[street], group[street], edge[street], low[street], high[street]
    if len(owner) > len(places):
        return _joined(limit, owner[group], edge, low, high)
    if len(limits) > 1:
        order = np.argsort(limit, kind="stable")
        limit, group, edge, low, high = limit[order], group[order], edge[order], low[order], high[order]
    return limit, group, edge, low, high


def _joined(
    limit: Ints32, group: Ints32, edge: Ints32, low: Floats, high: Floats
) -> tuple[Ints32, Ints32, Ints32, Floats, Floats]:
    """Join pieces of one limit, group and edge that several gates reach, where they overlap or touch."""
    order = np.lexsort((low, edge, group, limit))
    limit, group, edge, low, high = limit[order], group[order], edge[order], low[order], high[order]
    other = np.ones(len(edge), np.bool_)
    other[1:] = (np.diff(limit) != 0) | (np.diff(group) != 0) | (np.diff(edge) != 0)
    # The farthest end so far within the edge: shares lie from 0 to 1, so that those of later edges are lifted above.
    lift = np.cumsum(other) * 2.0
    so_far = np.maximum.accumulate(high + lift) - lift
    first = np.flatnonzero(other | (low > np.roll(so_far, 1)))
    end = np.maximum.reduceat(high, first) if len(first) else high
    return limit[first], group[first], edge[first], low[first], end


def _labels(graph: ContractedGraph, at: ChainPositions, count: int, limit: int) -> Ints:
    """Label every corner with its *count* nearest places of *at*, searching against the streets."""
    node = np.concatenate([at.a, at.b])
    way = np.concatenate([at.enter_a, at.enter_b])
    who = np.tile(at.owner, 2)
    seeds = node >= 0
    node, way, who = node[seeds], way[seeds], who[seeds]
    first = np.empty((limit >> int(nearest_kernels.SWEEP)) + 1, np.int32)
    queue = len(node) + count * (graph.n + len(graph.arcs.heads)) // 2 + 1024
    while True:
        labels = np.full((graph.n, count), nearest_kernels.NONE, np.int64)
        first[:] = -1
        link, item, key = np.empty(queue, np.int32), np.empty(queue, np.uint32), np.empty(queue, np.int64)
        sweep, table = (nearest_kernels.label, labels[:, 0]) if count == 1 else (nearest_kernels.label_several, labels)
        if sweep(graph.arcs_back, node, way, who, np.int32(limit), np.ascontiguousarray(table), first, link, item, key):
            queue *= 2
            continue
        return labels
