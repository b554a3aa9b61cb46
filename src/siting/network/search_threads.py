"""Searches in threads: blocks of sources, taken in turn, with work arrays for each thread."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from numbers import Integral
from typing import Any

import numpy as np

from siting.errors import NetworkError
from siting.messages import Message
from siting.network import search_kernels
from siting.network.contraction import ContractedGraph
from siting.network.graph import Network
from siting.network.places import Places
from siting.network.search_kernels import FAR, QUEUE_SHORT, SHIFT, Arcs, Starts, Targets
from siting.network.straight_walks import StraightWalks, straight_walks
from siting.network.walking_speed import Walk
from siting.numbers import Ints, Ints32

Progress = Callable[[int, int], None]

#: Sources that a thread takes at a time.
BLOCK = 512


@dataclass(frozen=True, eq=False)
class SearchTask:
    """One search from many starts; with `again` targets have several gates and may be found more than once."""

    graph: ContractedGraph
    arcs: Arcs
    starts: Starts
    targets: Targets
    straight: StraightWalks
    order: Ints32
    limit: np.int32
    again: bool
    sought: int

    def blocks(self) -> list[tuple[int, int]]:
        """Cut the sources into blocks, in the order of their search."""
        n = len(self.order)
        return [(lo, min(lo + BLOCK, n)) for lo in range(0, n, BLOCK)]


def search_task(
    network: Network, sources: Places, sought: Places, limit: int, walk: Walk | None, *, reverse: bool
) -> SearchTask:
    """Prepare a search from *sources* for *sought*, along the streets or with *reverse* against them."""
    graph = network.core(walk)
    at = graph.starts(sources, reverse=reverse)
    straight = straight_walks(sources, sought, limit)
    # Along the Hilbert curve, so that searches share the cache.
    first = at.ptr[:-1]
    key = np.where(at.a >= 0, at.a, at.b)[first]
    # Key and position in one number: sorting these is faster than sorting by the keys, and also stable.
    order = (np.sort((key.astype(np.int64) << 32) | np.arange(len(key))) & 0xFFFFFFFF).astype(np.int32)
    on = (at.chain >= 0)[first] | (at.a >= 0)[first] | (np.diff(straight.ptr) > 0)
    order = np.ascontiguousarray(order[on[order]])
    arcs, targets = graph.arcs_back if reverse else graph.arcs, graph.targets(sought, reverse=reverse)
    again = len(graph.positions(sought).owner) > len(sought)
    return SearchTask(graph, arcs, at, targets, straight, order, np.int32(limit), again, len(sought))


class Workspace:
    """Work arrays of a thread, which grow when a search reports that they are too short."""

    def __init__(self, task: SearchTask) -> None:
        self.task = task
        self.queue = 1 << 14
        self.dist = np.full(task.graph.n + 1, FAR, np.int32)
        self.touched = np.empty(task.graph.n + 2, np.uint32)
        self.first = np.full((int(task.limit) >> int(SHIFT)) + 1, -1, np.int32)
        self.keys = np.empty(1 << 17, np.int64)
        self.spare = np.empty(len(self.keys), np.int64)
        self.mark = np.full(task.sought, -1, np.int64)
        self._make_queue()

    def _make_queue(self) -> None:
        link, item, at = (np.empty(self.queue, kind) for kind in (np.int32, np.uint32, np.int32))
        self.buffers = search_kernels.Buffers(self.dist, self.touched, self.first, link, item, at)

    def grow(self, status: int) -> None:
        """Make room where a search found too little."""
        if status == QUEUE_SHORT:
            self.queue *= 4
            self._make_queue()
        else:
            self.keys = np.concatenate([self.keys, np.empty_like(self.keys)])
            self.spare = np.empty(len(self.keys), np.int64)

    def search(self, lo: int, hi: int, *, rows: bool, counts: Ints) -> tuple[int, int, int]:
        """Search from some of the sources into `keys`; `search_kernels.pairs` says what is returned."""
        t = self.task
        found: tuple[int, int, int] = search_kernels.pairs(
            t.arcs, t.starts, t.targets, t.straight, self.buffers, t.order, lo, hi, t.limit, rows, t.again, counts,
            self.keys, self.spare, self.mark,
        )  # fmt: skip
        return found

    def pairs(self, lo: int, hi: int, *, rows: bool) -> tuple[Ints, Ints]:
        """List the pairs of one block: the keys, and how many each start has."""
        counts = np.zeros(hi - lo, np.int64)
        parts = []
        at = lo
        while at < hi:
            now, m, status = self.search(at, hi, rows=rows, counts=counts[at - lo :])
            if m:
                parts.append(self.keys[:m].copy())
            # A full buffer is only too short when not even one source fits.
            if status == QUEUE_SHORT or (status == search_kernels.BUFFER_SHORT and now == at):
                self.grow(status)
            at = now
        return (parts[0] if len(parts) == 1 else np.concatenate([*parts, np.empty(0, np.int64)])), counts


def run_blocks(
    task: SearchTask, threads: int | None, step: Callable[[Workspace, int, int], Any], progress: Progress | None
) -> Iterator[tuple[int, Any]]:
    """Run *step* on every block, in *threads* threads, and yield the results in order."""
    blocks = task.blocks()
    total = len(task.order)
    workers = thread_count(threads, len(blocks))
    if workers <= 1:
        space = Workspace(task)
        for lo, hi in blocks:
            yield lo, step(space, lo, hi)
            if progress:
                progress(hi, total)
        return
    free: list[Workspace] = []

    def work(lo: int, hi: int) -> Any:
        try:
            space = free.pop()
        except IndexError:
            space = Workspace(task)
        try:
            return step(space, lo, hi)
        finally:
            free.append(space)

    coming = iter(blocks)
    with ThreadPoolExecutor(workers) as pool:
        waiting: list[tuple[int, int, Future[Any]]] = []
        try:
            waiting.extend((*after, pool.submit(work, *after)) for after in islice(coming, 4 * workers))
            while waiting:
                lo, hi, future = waiting.pop(0)
                result = future.result()
                waiting.extend((*after, pool.submit(work, *after)) for after in islice(coming, 1))
                yield lo, result
                if progress:
                    progress(hi, total)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def run_jobs(jobs: list[Callable[[], None]], threads: int | None) -> None:
    """Run the jobs in *threads* threads; each is released when it is done."""
    workers = thread_count(threads, len(jobs))

    def work() -> None:
        while jobs:
            try:
                job = jobs.pop()
            except IndexError:  # another thread took the last
                return
            job()

    if workers <= 1:
        work()
        return
    with ThreadPoolExecutor(workers) as pool:
        for future in [pool.submit(work) for _ in range(workers)]:
            future.result()


def thread_count(threads: int | None, jobs: int) -> int:
    """Return the number of threads: *threads*, or the number of processors of this process."""
    if threads is not None and (not isinstance(threads, Integral) or threads < 1):
        raise NetworkError(Message("network.threads", value=threads))
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(processors if threads is None else threads, jobs)
