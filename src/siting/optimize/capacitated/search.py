"""The search behind `siting.optimize.capacitated.engine`: plans by a flow that is mended, bounds by prices, a tree."""

from __future__ import annotations

import heapq
import logging
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_array

from siting.numbers import Bools, Floats, Ints
from siting.optimize.capacitated import flow_kernels as kernels
from siting.optimize.capacitated.problem import CapacitatedProblem, Prices, to_grain, value_of
from siting.optimize.control import Control
from siting.optimize.max_flow import maximum_flow

__all__ = ["Search", "branch_and_bound", "lower_root"]

log = logging.getLogger(__name__)
#: Rounds of prices at the root and at each node of the tree, and tries to leave a local optimum.
ROUNDS, NODE_ROUNDS, KICKS = 2_500, 60, 12


class RootPrices(NamedTuple):
    """Where the subgradients end at the root: prices, bound, how often each column was open, what it is worth."""

    price: Floats
    scale: float
    bound: float
    share: Floats
    worth: Floats


class Search:
    """One search: the problem with equal needs merged, the best plan so far, and working space for the kernels."""

    def __init__(self, problem: CapacitatedProblem, control: Control) -> None:
        self.problem, self.control = problem, control
        usable = np.flatnonzero(problem.upper > 0)
        cover = problem.cover_of_ones
        open_cover = csr_array(cover[:, usable])
        self.group, first = _groups(open_cover, problem.weight)
        part = csr_array(csr_array(cover * (problem.upper > 0)[None, :])[first])
        part.eliminate_zeros()
        part.sort_indices()
        n, m = part.shape
        self.weight = np.bincount(self.group[self.group >= 0], problem.weight[self.group >= 0], minlength=n)
        need = np.repeat(np.arange(n), np.diff(part.indptr))
        order = np.argsort(part.indices, kind="stable")
        starts = np.searchsorted(part.indices[order], np.arange(m + 1))
        self.graph = tuple(
            np.ascontiguousarray(a, np.int64) for a in (part.indptr, part.indices, need, starts, need[order], order)
        )
        self.room = problem.room
        self.must = problem.lower > 0
        # A column that cannot get its least, alone, can never open.
        self.usable = (problem.upper > 0) & (self.room >= problem.floor)
        self.free = self.usable & ~self.must
        self.most = int(self.free.sum()) if problem.most is None else min(problem.most, int(self.free.sum()))
        self.wanted = 0.0 if problem.wanted is None else float(np.ceil(problem.wanted))
        self.x: Bools | None = None
        self.value, self.bound = -np.inf, np.inf
        self.prices: Prices | None = None

    @property
    def hopeless(self) -> bool:
        """Whether a column that must open cannot, or fewer people are in reach than are wanted."""
        return bool((self.must & ~self.usable).any()) or self.weight.sum() < self.wanted

    def begin(self) -> None:
        """Find a first plan by opening what adds most."""
        state = self.state(np.flatnonzero(self.must))
        self.grow(state, self.most)
        if self.problem.wanted is None:
            self.offer(self.with_least(state[3]))
        else:
            self.finish(state)

    @property
    def slack(self) -> float:
        """How far above the best plan a bound proves it: what is better is better by a grain."""
        last_bits = 1e-9 * max(1.0, abs(self.value))
        return 1.0 - last_bits if self.problem.grain else last_bits

    def state(self, columns: Ints) -> tuple[Any, ...]:
        """Return a flow with *columns* open."""
        (pairs, needs, m), work = (
            (len(self.graph[1]), len(self.weight), len(self.room)),
            4 * len(self.graph[1]) + 10_000,
        )
        sizes = (work, work, 1, 1, m, needs, m, m, m, m)
        empty = (np.zeros(size, np.int64) for size in sizes)
        state = (
            np.zeros(pairs, np.int64), self.weight.astype(np.int64), self.room.copy(), np.zeros(m, bool), *empty,
        )  # fmt: skip
        for column in columns:
            state[3][column] = True
            kernels.pull(self.graph, state, column)
            state[6][0] = 0
        return state

    def offer(self, x: Bools) -> None:
        """Take *x* for the best plan if it keeps the rules and is better."""
        value = value_of(self.problem, x)
        if value > self.value:
            self.x, self.value = x.copy(), value
            log.debug("capacity: a plan of %.10g", value)

    def climb(self, state: tuple[Any, ...], most: int) -> None:
        """Open, close and swap columns until nothing is gained; only within the time."""
        m = len(self.room)
        gain = np.zeros(m)
        values = np.zeros(m) if self.problem.wanted is not None else self.problem.value.astype(float)
        step = max(50, m // 20)
        while not self.control.must_stop:
            self.grow(state, most - int((state[3] & self.free).sum()))
            kernels.weigh(self.graph, state, self.free, gain)
            better = 0.0
            for first in range(0, m, step):
                last = min(m, first + step)
                better += kernels.improve(self.graph, state, values, self.free, gain, first, last)
                if self.control.must_stop:
                    return
            if better <= 0:
                return

    def served(self, state: tuple[Any, ...]) -> int:
        """People served in *state*."""
        return int(self.weight.sum()) - int(state[1].sum())

    def grow(self, state: tuple[Any, ...], most: int, free: Bools | None = None) -> None:
        """Open what adds most, up to *most*, or until enough are served."""
        cheap = self.problem.wanted is not None
        short = float(self.wanted - self.served(state)) if cheap else np.inf
        values = self.problem.value.astype(float)
        kernels.grow(
            self.graph, state, values, self.free if free is None else free, most, 0.0 if cheap else 1.0, short,
            self.room.astype(float),
        )  # fmt: skip

    def finish(self, state: tuple[Any, ...]) -> None:
        """Make a plan of *state*: climb, or, where people are wanted, drop what is not needed; and offer it."""
        if self.problem.wanted is None:
            self.climb(state, self.most)
            self.offer(self.with_least(state[3]))
            return
        self.grow(state, self.most - int((state[3] & self.free).sum()))
        if self.served(state) < self.wanted:  # too few may open for the cheapest: take those that serve most
            self.climb(state, self.most)
        self._drop(state)
        self.offer(self.with_least(state[3]))
        costs = self.problem.value[self.free]
        while len(costs) and (costs == costs[0]).all() and not self.control.must_stop and self.x is not None:
            fewer = int((self.x & self.free).sum()) - 1
            if fewer < 0:
                return
            state = self.state(np.flatnonzero(self.x))
            self._close(state, 1)
            self.climb(state, fewer)
            before = self.value
            self.offer(self.with_least(state[3]))
            if self.value <= before:
                return

    def _drop(self, state: tuple[Any, ...]) -> None:
        """Close columns that are not needed for what is wanted, dearest first."""
        spare = self.served(state) - self.wanted
        for column in np.argsort(self.problem.value, kind="stable"):
            if state[3][column] and self.free[column] and self.problem.value[column] < 0:
                lost = kernels.shut(self.graph, state, column)
                if lost <= spare:
                    spare -= lost
                else:
                    kernels.undo(self.graph, state, 0)
                    state[3][column] = True
                state[6][0] = 0

    def _close(self, state: tuple[Any, ...], number: int, seed: int | None = None) -> Ints:
        """Close *number* free columns: those that are missed least, or any, by *seed*."""
        candidates = np.flatnonzero(state[3] & self.free)
        if seed is not None:
            out = np.random.default_rng(seed).permutation(candidates)[:number]
        else:
            out = candidates[np.argsort(self.room[candidates], kind="stable")][:number]
        for column in out:
            kernels.shut(self.graph, state, column)
            state[6][0] = 0
        return out

    def with_least(self, x: Bools) -> Bools:
        """Close columns one by one that cannot get their least, until all others can."""
        floor = self.problem.floor
        x = x.copy()
        if not floor.any():
            return x
        while True:
            columns = np.flatnonzero(x & (floor > 0))
            if not len(columns):
                return x
            part = csr_array(self.problem.cover_of_ones[:, columns]).tocoo()
            flow = maximum_flow(self.problem.weight.astype(np.int64), floor[columns], part.row, part.col).flow
            short = floor[columns] - np.bincount(part.col, flow, minlength=len(columns))
            short = np.where(self.free[columns], short, 0)
            if short.max(initial=0) <= 0:
                return x
            x[columns[np.argmax(short)]] = False

    def kick(self, seed: int) -> None:
        """Close a tenth of the best plan, open others, and climb again."""
        if self.x is None:
            return
        state = self.state(np.flatnonzero(self.x))
        out = self._close(state, max(2, self.most // 10), seed)
        free = self.free.copy()
        free[out] = False
        self.grow(state, self.most - int((state[3] & self.free).sum()), free)
        self.finish(state)

    def descend(
        self, price: Floats, scale: float, lower: Bools, upper: Bools, rounds: int, pace: float
    ) -> tuple[float, float, Floats, Floats]:
        """Lower the bound of a box; changes *price*; returns bound, scale, how often each was open, and its worth.

        Deflected subgradients with Polyak's steps towards the best plan, each price in units of its need's people.
        """
        w, wanted, values = self.weight, self.wanted, self.problem.value.astype(float)
        indptr, indices = self.graph[:2]
        target = self.value if np.isfinite(self.value) else min(0.0, float(values.sum())) - 1.0
        now, held, best, best_scale, stuck = price.copy(), scale, np.inf, scale, 0
        share, worth_best = lower.astype(float), np.zeros(len(values))
        take, direction, turn = np.zeros(len(indices)), np.zeros(len(w)), 0.0
        left, free = self.left(lower), upper & ~lower
        for _ in range(rounds if len(w) else 1):
            worth = values.copy()
            order = np.argsort(now, kind="stable")
            kernels.buy(indptr, indices, w, order, held - now, self.room.astype(float), worth, take)
            ranked = np.argsort(np.where(free, -worth, np.inf), kind="stable")[:left]
            chosen = lower.copy()
            chosen[ranked[free[ranked] & (worth[ranked] > 0)]] = True
            bound = float(now @ w - held * wanted + worth[chosen].sum())
            stuck += 1
            if bound < best:
                stuck = stuck if bound > best - 1e-5 * abs(best) else 0
                best, best_scale, worth_best = bound, held, worth
                price[:] = now
            if stuck > 12:
                pace, stuck = 0.7 * pace, 0
            if best < self.value + self.slack or pace < 1e-5 or not len(w) or self.control.must_stop:
                break
            taken = np.add.reduceat(np.where(chosen[indices], take, 0.0), indptr[:-1])
            over = w - taken
            # A price at its limit does not push further.
            over[((now <= 0) & (over > 0) | (now >= held) & (over < 0)) & (direction * over >= 0)] = 0.0
            direction = 0.6 * direction + over
            share = 0.95 * share + 0.05 * chosen
            norm = float((direction**2 / w).sum())
            if wanted:
                turn = 0.6 * turn + float(taken.sum()) - wanted
                norm += turn**2 / wanted
            if norm <= 0:
                break
            length = pace * (bound - target) / norm
            if wanted:
                held = max(1e-9, held - length * turn / wanted)
            now = np.clip(now - length * direction / w, 0.0, held)
        return best, best_scale, share, worth_best

    def left(self, lower: Bools) -> int:
        """How many columns may still open in a box."""
        return self.most - int((lower & self.free).sum())


def _groups(cover: csr_array, weight: Floats) -> tuple[Ints, Ints]:
    """Group needs with the same columns, compared exactly: the group of each (-1: none), and a need of each group."""
    cover.sort_indices()
    known: dict[bytes, int] = {}
    group = np.full(cover.shape[0], -1)
    first: list[int] = []
    for i in np.flatnonzero((np.diff(cover.indptr) > 0) & (weight > 0)):
        key = cover.indices[cover.indptr[i] : cover.indptr[i + 1]].tobytes()
        group[i] = known.setdefault(key, len(first))
        if group[i] == len(first):
            first.append(int(i))
    return group, np.array(first, np.int64)


def lower_root(s: Search) -> tuple[bool, RootPrices]:
    """Lower the bound of the root, improving the plan as well; return whether the search ends here, and the prices."""
    problem, control = s.problem, s.control
    price, scale = np.full(len(s.weight), 0.5), 1.0
    if problem.wanted is not None:
        scale = float(-problem.value[s.free].sum() / max(1.0, float(s.room[s.free].sum()))) or 1.0
        price *= scale
    for turn, pace in enumerate((1.0, 0.3, 0.1, 0.03)):
        bound, scale, share, worth = s.descend(price, scale, s.must, s.usable, ROUNDS // 4, pace)
        s.bound = min(s.bound, bound)
        expanded = np.where(s.group >= 0, price[s.group], 0.0) if len(price) else np.zeros(len(s.group))
        s.prices = Prices(expanded, scale)
        s.finish(_rounded(s, share))
        root = RootPrices(price, scale, bound, share, worth)
        if control.report("prices", _finite(s.value), to_grain(problem, s.bound)) or s.bound < s.value + s.slack:
            return True, root
        for seed in range(KICKS // 4):
            if not control.must_stop:
                s.kick(turn * KICKS + seed)
    return s.bound < s.value + s.slack, root


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _rounded(s: Search, share: Floats) -> tuple[Any, ...]:
    """Open the columns that were open most often."""
    order = np.argsort(-np.where(s.free, share, -1.0), kind="stable")[: s.most]
    often = order[share[order] > 1e-3]
    return s.state(np.concatenate([np.flatnonzero(s.must), often]))


def branch_and_bound(s: Search, root: RootPrices) -> tuple[float, int]:
    """Search a tree of decisions, best bound first; return the bound and how many nodes were looked at."""
    serial = 0
    box = _fix(s, root.bound, root.worth, s.must, s.usable)
    heap = [(-s.bound, serial, *box, root.price.astype(np.float32), root.scale, root.share)]
    nodes = 1
    while heap:
        bound = -heap[0][0]
        if bound < s.value + s.slack or s.control.report("tree", _finite(s.value), to_grain(s.problem, bound)):
            break
        _, _, lower, upper, start, held, often = heapq.heappop(heap)
        open_ = np.flatnonzero(upper & ~lower)
        if not len(open_):
            # A plan without a choice left: its bound is its value.
            s.offer(s.with_least(lower))
            continue
        column = open_[np.argmin(np.abs(often[open_] - 0.5))]
        for at in (1, 0):
            low, high = lower.copy(), upper.copy()
            (low if at else high)[column] = bool(at)
            left = s.left(low)
            if left < 0:
                continue
            if left == 0:
                high = low.copy()
            prices = start.astype(float)
            mine, scale, share, worth = s.descend(
                np.minimum(prices, held, out=prices), held, low, high, NODE_ROUNDS, 0.3
            )
            nodes += 1
            if (nodes // 2) % 8 == 0 and (low != high).any():
                s.finish(_rounded(s, np.where(low, 1.0, np.where(high, share, 0.0))))
            if not (low ^ high).any():
                s.offer(s.with_least(low))
            elif min(mine, bound) >= s.value + s.slack:
                serial += 1
                # What is fixed follows from the bound of just these prices, though the parent's may be lower.
                low, high = _fix(s, mine, worth, low, high)
                heapq.heappush(heap, (-min(mine, bound), serial, low, high, prices.astype(np.float32), scale, share))
        if nodes % 64 < 2:
            s.kick(KICKS * 10 + nodes)
    return (max(s.value, -heap[0][0]) if heap else s.value), nodes


def _fix(s: Search, bound: float, worth: Floats, lower: Bools, upper: Bools) -> tuple[Bools, Bools]:
    """Fix the columns of a box whose other choice the prices prove to be no better than the best plan."""
    choice = upper & ~lower
    left = s.left(lower)
    ranked = np.sort(np.maximum(worth[choice], 0.0))[::-1]
    last = ranked[left - 1] if 0 < left <= len(ranked) else 0.0
    after = ranked[left] if left < len(ranked) else 0.0
    enough = s.value + s.slack
    chosen = choice & (worth > 0) & (worth >= last)
    never = choice & ~chosen & (bound - last + worth < enough)
    always = choice & (worth > last if last > 0 else choice) & (worth > 0) & (bound - worth + after < enough)
    return lower | always, upper & ~never
