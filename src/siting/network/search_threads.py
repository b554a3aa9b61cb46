"""How searches are run: in blocks of sources, which threads take in turn, each at its own desk."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np

from siting.errors import NetworkError
from siting.network.contraction import Core
from siting.network.graph import Network
from siting.network.places import Places
from siting.network.straight_walks import Straight, straight
from siting.network.walk import Walk
from siting.numbers import Ints, Ints32

if TYPE_CHECKING:
    from siting.network.search_kernels import Starts, Targets, Work

log = logging.getLogger(__name__)

Progress = Callable[[int, int], None]

#: Sources that a thread takes at a time.
BLOCK = 512


@dataclass(frozen=True, eq=False)
class Task:
    """One search from many starts: what it runs on, in which order, and how far.

    With `again` some of those that are `sought` have several gates, so that they may be found more than once.
    """

    core: Core
    arcs: Any
    starts: Starts
    targets: Targets
    straight: Straight
    order: Ints32
    limit: np.int32
    again: bool
    sought: int

    def blocks(self) -> list[tuple[int, int]]:
        """Cut the sources into blocks, in the order of their search."""
        n = len(self.order)
        return [(lo, min(lo + BLOCK, n)) for lo in range(0, n, BLOCK)]


def task_of(network: Network, sources: Places, sought: Places, limit: int, walk: Walk | None, *, reverse: bool) -> Task:
    """Prepare a search from *sources* for *sought*, along the streets or with *reverse* against them."""
    core = network.core(walk)
    spots = core.spots(sources, network.cost)
    near = straight(sources, sought, limit)
    # Along the Hilbert curve, so that one search finds in the cache what the last has touched.
    first = spots.ptr[:-1]
    key = np.where(spots.a >= 0, spots.a, spots.b)[first]
    # Key and place in one number: sorting those is quicker than sorting by the keys, and as stable.
    order = (np.sort((key.astype(np.int64) << 32) | np.arange(len(key))) & 0xFFFFFFFF).astype(np.int32)
    on = (spots.chain >= 0)[first] | (spots.a >= 0)[first] | (np.diff(near.ptr) > 0)
    order = np.ascontiguousarray(order[on[order]])
    return Task(
        core=core,
        arcs=core.arcs_back if reverse else core.arcs,
        starts=core.starts(spots, reverse=reverse),
        targets=core.targets(sought, network.cost, reverse=reverse),
        straight=near,
        order=order,
        limit=np.int32(limit),
        again=len(core.spots(sought, network.cost).owner) > len(sought),
        sought=len(sought),
    )


class Desk:
    """What a thread writes on; grown when a search says that it is short."""

    def __init__(self, task: Task) -> None:
        from siting.network.search_kernels import FAR, SHIFT, Work

        self.task = task
        self.queue = 1 << 14
        self.dist = np.full(task.core.n + 1, FAR, np.int32)
        self.touched = np.empty(task.core.n + 2, np.uint32)
        self.first = np.full((int(task.limit) >> int(SHIFT)) + 1, -1, np.int32)
        self.keys = np.empty(1 << 17, np.int64)
        self.spare = np.empty(len(self.keys), np.int64)
        self.mark = np.full(task.sought, -1, np.int64)
        self.make: Callable[..., Work] = Work
        self._lay()

    def _lay(self) -> None:
        link, item, at = np.empty(self.queue, np.int32), np.empty(self.queue, np.uint32), np.empty(self.queue, np.int32)
        self.work = self.make(self.dist, self.touched, self.first, link, item, at)

    def grow(self, status: int) -> None:
        """Make room where a search found too little."""
        from siting.network.search_kernels import QUEUE_SHORT

        if status == QUEUE_SHORT:
            self.queue *= 4
            self._lay()
        else:
            self.keys = np.concatenate([self.keys, np.empty_like(self.keys)])
            self.spare = np.empty(len(self.keys), np.int64)

    def search(self, lo: int, hi: int, *, rows: bool, counts: Ints) -> tuple[int, int, int]:
        """Search from some of the sources into `keys`; see `siting.network.search_kernels.pairs` for what is returned."""
        from siting.network import search_kernels

        t = self.task
        found: tuple[int, int, int] = search_kernels.pairs(
            t.arcs, t.starts, t.targets, t.straight, self.work, t.order, lo, hi, t.limit, rows, t.again, counts,
            self.keys, self.spare, self.mark,
        )  # fmt: skip
        return found

    def pairs(self, lo: int, hi: int, *, rows: bool) -> tuple[Ints, Ints]:
        """List the pairs of one block: the keys, and how many each start has."""
        from siting.network import search_kernels

        counts = np.zeros(hi - lo, np.int64)
        parts = []
        at = lo
        while at < hi:
            now, m, status = self.search(at, hi, rows=rows, counts=counts[at - lo :])
            if m:
                parts.append(self.keys[:m].copy())
            # A full buffer is only too short when not even one source fits.
            if status == search_kernels.QUEUE_SHORT or (status == search_kernels.BUFFER_SHORT and now == at):
                self.grow(status)
            at = now
        return (parts[0] if len(parts) == 1 else np.concatenate([*parts, np.empty(0, np.int64)])), counts


def run(
    task: Task, threads: int | None, step: Callable[[Desk, int, int], Any], progress: Progress | None
) -> Iterator[tuple[int, Any]]:
    """Do *step* for every block, in as many threads as are asked for, and yield what comes out in order."""
    blocks = task.blocks()
    total = len(task.order)
    workers = hands(threads, len(blocks))
    if workers <= 1:
        desk = Desk(task)
        for lo, hi in blocks:
            yield lo, step(desk, lo, hi)
            if progress:
                progress(hi, total)
        return
    free: list[Desk] = []

    def work(lo: int, hi: int) -> Any:
        try:
            desk = free.pop()
        except IndexError:
            desk = Desk(task)
        try:
            return step(desk, lo, hi)
        finally:
            free.append(desk)

    coming = iter(blocks)
    with ThreadPoolExecutor(workers) as pool:
        waiting: list[tuple[int, int, Future[Any]]] = []
        try:
            waiting.extend((*after, pool.submit(work, *after)) for after in islice(coming, 4 * workers))
            while waiting:
                lo, hi, future = waiting.pop(0)
                found = future.result()
                waiting.extend((*after, pool.submit(work, *after)) for after in islice(coming, 1))
                yield lo, found
                if progress:
                    progress(hi, total)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def share_out(jobs: list[Callable[[], None]], threads: int | None) -> None:
    """Do the jobs in as many threads as are asked for; each is let go when it is done."""
    workers = hands(threads, len(jobs))

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
        for done in [pool.submit(work) for _ in range(workers)]:
            done.result()


def hands(threads: int | None, jobs: int) -> int:
    """Tell how many threads share the jobs: as many as are asked for, or as there are processors for this process."""
    if threads is not None and (not isinstance(threads, Integral) or threads < 1):
        raise NetworkError(f"threads is {threads!r}; give 1 or more, or None for all processors")
    all_of = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(all_of if threads is None else threads, jobs)
