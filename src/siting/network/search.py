"""Shortest paths between places: the searches used by all measures.

Costs and limits are whole millimetres, of equivalent level walk where *walk* has slopes; a limit is
inclusive, `LONGEST` at most. Blocks of sources are searched by *threads* threads, by all processors where it is
None; the results are the same for any number, bit for bit. *progress* is called with the sources done and all.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from siting.errors import NetworkError
from siting.messages import Message
from siting.network import nearest_kernels, reached_street_kernels
from siting.network import search_kernels as kernels
from siting.network.contraction import LONGEST, ChainPositions, ContractedGraph
from siting.network.end_points import run_starts
from siting.network.graph import Network
from siting.network.places import Places
from siting.network.reached_street_kernels import ReachedPieces
from siting.network.search_threads import Progress, SearchTask, Workspace, run_blocks, run_jobs, search_task
from siting.network.straight_walks import straight_walks
from siting.network.walking_speed import Walk
from siting.numbers import Floats, Ints, Ints32

log = logging.getLogger(__name__)

#: From this number of sources on the number of pairs is estimated before the search.
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
    """List all pairs within *limit*, costs in metres over *speed*; NetworkError for more than *max_pairs*."""
    speed = float(speed)
    task, swap = _task(network, origins, destinations, limit, walk)
    _foresee(task, max_pairs)
    chunks: list[tuple[int, Ints, Ints]] = []
    total = 0
    pairs_of = partial(Workspace.pairs, rows=not swap)
    for lo, (keys, counts) in run_blocks(task, threads, pairs_of, progress):
        total += len(keys)
        if total > max_pairs:
            raise NetworkError(Message("network.pairs_at_least", **_size(total), most=max_pairs))
        chunks.append((lo, keys, counts))
    ptr = np.zeros(len(origins) + 1, np.int64)
    jobs: list[Callable[[], None]] = []
    if not swap:
        for lo, _, counts in chunks:
            ptr[1 + task.order[lo : lo + len(counts)]] = counts
        np.cumsum(ptr, out=ptr)
        columns = _room(total)
        jobs += [
            partial(kernels.put_rows, keys, counts, task.order, lo, ptr, speed, *columns) for lo, keys, counts in chunks
        ]
        chunks.clear()  # each is released as soon as it is copied
    else:
        for _, keys, _counts in chunks:
            kernels.count_items(keys, ptr[1:])
        np.cumsum(ptr, out=ptr)
        at, turned = ptr[:-1].copy(), np.empty(total, np.int64)
        chunks.reverse()
        while chunks:
            lo, keys, counts = chunks.pop()
            kernels.turn(keys, counts, task.order, lo, at, turned)
        columns = _room(total)
        jobs += [
            partial(kernels.sort_rows, turned, ptr, lo, min(lo + ROWS, len(origins)), task.limit, speed, *columns)
            for lo in range(0, len(origins), ROWS)
        ]
    run_jobs(jobs, threads)
    return Pairs(*columns)


def _task(
    network: Network, origins: Places, destinations: Places, limit: int, walk: Walk | None
) -> tuple[SearchTask, bool]:
    swap = len(destinations) < len(origins)
    source, sought = (destinations, origins) if swap else (origins, destinations)
    return search_task(network, source, sought, limit, walk, reverse=swap), swap


def _room(pairs: int) -> tuple[Ints32, Ints32, Floats]:
    return np.empty(pairs, np.int32), np.empty(pairs, np.int32), np.empty(pairs)


def _foresee(task: SearchTask, most: float) -> None:
    """Estimate the pairs of a large task; log the number, and refuse it if surely too large."""
    n = len(task.order)
    if n < FORESEEN:
        return  # counting during the search is early enough
    # Of some of the sources, drawn at random, but the same at every call.
    drawn = np.sort(np.random.default_rng(0).choice(n, min(n, max(64, min(n // 200, 512))), replace=False))
    part = replace(task, order=np.ascontiguousarray(task.order[drawn]))
    space = Workspace(part)
    sample = np.concatenate([space.pairs(lo, hi, rows=False)[1] for lo, hi in part.blocks()])
    guess, error = n * sample.mean(), n * sample.std() / np.sqrt(len(sample))
    log.info(Message("network.many_pairs", **_size(round(guess))))
    if guess - 4 * error > most:  # nearer calls are left to the count
        raise NetworkError(Message("network.pairs_about", **_size(round(guess)), most=most))


def _size(pairs: int) -> dict[str, float]:
    return {"n": pairs, "gib": pairs * PAIR_BYTES / 2**30}


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
    """Add up the weights (destinations × columns) within *limit* of each origin, times *decay* of the mm, and count."""
    out, number = np.zeros((len(origins), weights.shape[1])), np.zeros(len(origins), np.int64)
    weights = np.array(weights, float, order="C")
    task, swap = _task(network, origins, destinations, limit, walk)
    flat = np.empty(0)

    def step(space: Workspace, lo: int, hi: int) -> Any:
        keys, counts = space.pairs(lo, hi, rows=False)
        factor = flat if decay is None or not len(keys) else np.array(decay(keys >> 32), float, order="C")
        if swap:
            return keys, counts, factor
        kernels.add_up(keys, counts, task.order, lo, weights, factor, out)
        number[task.order[lo:hi]] = counts
        return None

    for lo, block in run_blocks(task, threads, step, progress):
        if block is not None:  # several sources reach one item, so that one thread adds them, in order
            keys, counts, factor = block
            kernels.add_back(keys, counts, task.order, lo, weights, factor, out)
            kernels.count_items(keys, number)
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
    """List the *count* nearest destinations of each origin, of equal ones the first; *streets_only*: over streets."""
    count = max(1, min(count, len(destinations)))
    graph = network.core(walk)
    labels = _labels(graph, graph.positions(destinations), count, limit)
    table = np.full((len(origins), count), nearest_kernels.NONE, np.int64)
    starts = graph.starts(origins)
    targets = graph.targets(destinations)
    near = straight_walks(origins, destinations.select(destinations.ids[:0]) if streets_only else destinations, limit)
    nearest_kernels.read_nearest(labels, starts, targets, near, 0, len(origins), np.int32(limit), table)
    origin, rank = np.nonzero(table != nearest_kernels.NONE)
    keys = table[origin, rank]
    return Pairs(
        origin.astype(np.int32), (keys & 0xFFFFFFFF).astype(np.int32), (keys >> 32).astype(np.float64) / 1000.0 / speed
    )


def pieces(network: Network, places: Places, limits: Sequence[int], *, walk: Walk | None = None) -> ReachedPieces:
    """List the pieces of streets from which each place is reached within each of the rising *limits*."""

    def room(size: int) -> ReachedPieces:
        return ReachedPieces(*(np.empty(size, kind) for kind in (np.int32, np.int32, np.int32, float, float)))

    task = search_task(network, places, places.select(places.ids[:0]), max(limits), walk, reverse=True)
    graph = task.graph
    owner = graph.positions(places).owner
    space, steps = Workspace(task), np.array(limits, np.int32)
    size, at = 1 << 16, 0
    out, parts = room(size), [room(0)]
    while at < len(owner):
        now, m, status = reached_street_kernels.pieces_within(
            task.arcs, task.starts, graph.chains, graph.chain_ends, space.buffers, at, len(owner), steps, out
        )
        parts.append(ReachedPieces(*(column[:m].copy() for column in out)))
        if status == kernels.QUEUE_SHORT:
            space.grow(status)
        elif status == kernels.BUFFER_SHORT and now == at:
            size *= 4
            out = room(size)
        at = now
    reached = ReachedPieces(*map(np.concatenate, zip(*parts, strict=True)))
    if graph.copies is not None:
        reached = reached._replace(edge=graph.copies.origin[reached.edge])
        reached = reached.take(reached.edge >= 0)
    if len(owner) > len(places):  # several gates reach the same pieces
        reached = reached._replace(group=owner[reached.group])
        rows, high = merge_touching(reached[:3], reached.low, reached.high, 2.0)
        return reached.take(rows)._replace(high=high)
    return reached.take(np.argsort(reached.limit, kind="stable")) if len(limits) > 1 else reached


def merge_touching(keys: Sequence[Any], low: Any, high: Any, most: float) -> tuple[Ints, Any]:
    """Merge intervals of the same *keys* that touch, up to half of *most*: first row of each, and its end."""
    order = np.lexsort((low, *keys[::-1]))
    low, high = low[order], high[order]
    new = np.logical_or.reduce([run_starts(key[order]) for key in keys])
    # The farthest end so far of the same keys: ends of later ones are lifted above all earlier ones.
    lift = np.cumsum(new) * most
    so_far = np.maximum.accumulate(high + lift) - lift
    first = np.flatnonzero(new | (low > np.roll(so_far, 1)))
    return order[first], np.maximum.reduceat(high, first) if len(first) else high


def _labels(graph: ContractedGraph, at: ChainPositions, count: int, limit: int) -> Ints:
    to = at.against
    node = np.concatenate([to.a, to.b])
    seeds = node >= 0
    node, way, who = node[seeds], np.concatenate([to.to_a, to.to_b])[seeds], np.tile(at.owner, 2)[seeds]
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
