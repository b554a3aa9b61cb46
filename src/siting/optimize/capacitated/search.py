"""The search of the capacitated engine: plans by a repaired flow, bounds by prices, branch and bound."""

from __future__ import annotations

import heapq
import logging
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from siting.numbers import Bools, Floats, Ints, Positions
from siting.optimize.capacitated import flow_kernels as kernels
from siting.optimize.capacitated.flow_kernels import Flow
from siting.optimize.capacitated.problem import CapacitatedProblem, Prices, flow_into, to_grain, value_of
from siting.optimize.control import Control
from siting.optimize.solution import SAME
from siting.optimize.sparse_rows import number_rows, row_of_entries

__all__ = ["Search", "branch_and_bound", "lower_root"]

log = logging.getLogger(__name__)
#: Rounds of subgradients at the root and at each node, and kicks out of a local optimum.
ROUNDS, NODE_ROUNDS, KICKS = 2_500, 60, 12


class Descent(NamedTuple):
    """The result of subgradients: the bound of a box, prices, the frequency of each open column, and its value."""

    bound: float
    price: Floats
    scale: float
    share: Floats
    worth: Floats


class Search:
    """One search: the problem with equal needs merged, the best plan so far, and working space for the kernels."""

    def __init__(self, problem: CapacitatedProblem, control: Control) -> None:
        self.problem, self.control = problem, control
        usable = problem.upper > 0
        self.group, first = _groups(csr_array(problem.pairs[:, np.flatnonzero(usable)]), problem.weight)
        part = csr_array(csr_array(problem.pairs * usable[None, :])[first])
        part.eliminate_zeros()
        part.sort_indices()
        n, m = part.shape
        self.weight = np.bincount(self.group[self.group >= 0], problem.weight[self.group >= 0], minlength=n)
        need, order = row_of_entries(part), np.argsort(part.indices, kind="stable")
        starts = np.searchsorted(part.indices[order], np.arange(m + 1))
        arrays = (part.indptr, part.indices, need, starts, need[order], order)
        self.graph = kernels.Graph(*(np.ascontiguousarray(a, np.int64) for a in arrays))
        self.room = problem.usable_capacity
        self.must = problem.lower > 0
        # A column that cannot reach its least alone can never open.
        self.usable = usable & (self.room >= problem.least_use)
        self.free = self.usable & ~self.must
        self.most = int(self.free.sum()) if problem.most is None else min(problem.most, int(self.free.sum()))
        self.wanted = 0.0 if problem.wanted is None else float(np.ceil(problem.wanted))
        self.x: Bools | None = None
        self.value, self.bound = -np.inf, np.inf
        self.prices: Prices | None = None

    def begin(self) -> None:
        """Find a first plan greedily."""
        flows = self.flows(np.flatnonzero(self.must))
        self.grow(flows, self.most)
        if self.problem.wanted is None:
            self.offer(self.with_least(flows.is_open))
        else:
            self.finish(flows)

    @property
    def tolerance(self) -> float:
        """The largest bound that proves the best plan: a better one is better by a grain."""
        rounding = SAME * max(1.0, abs(self.value))
        return 1.0 - rounding if self.problem.grain else rounding

    def flows(self, columns: Positions) -> Flow:
        """Return a maximum flow with *columns* open."""
        pairs, needs, m = len(self.graph.column), len(self.weight), len(self.room)
        journal = 4 * pairs + 10_000
        sizes = (journal, journal, 1, 1, m, needs)
        flows = Flow(
            np.zeros(pairs, np.int64), self.weight.astype(np.int64), self.room.copy(), np.zeros(m, bool),
            *(np.zeros(size, np.int64) for size in sizes),
        )  # fmt: skip
        for column in columns:
            flows.is_open[column] = True
            kernels.pull(self.graph, flows, column)
            flows.journal_size[0] = 0
        return flows

    def offer(self, x: Bools) -> None:
        """Keep *x* as the best plan if it is feasible and better."""
        value = value_of(self.problem, x)
        if value > self.value:
            self.x, self.value = x.copy(), value
            log.debug("capacity: a plan of %.10g", value)

    def climb(self, flows: Flow, most: int) -> None:
        """Open, close and swap columns until nothing improves, within the time."""
        m = len(self.room)
        gain = np.zeros(m)
        values = np.zeros(m) if self.problem.wanted is not None else self.problem.value.astype(float)
        step = max(50, m // 20)
        while not self.control.must_stop:
            self.grow(flows, most - int((flows.is_open & self.free).sum()))
            kernels.opening_gains(self.graph, flows, self.free, gain)
            better = 0.0
            for first in range(0, m, step):
                last = min(m, first + step)
                better += kernels.improve(self.graph, flows, values, self.free, gain, first, last)
                if self.control.must_stop:
                    return
            if better <= 0:
                return

    def served(self, flows: Flow) -> int:
        """People served in the flow."""
        return int(self.weight.sum()) - int(flows.left.sum())

    def grow(self, flows: Flow, most: int, free: Bools | None = None) -> None:
        """Open the column that adds most, up to *most*, or until enough are served."""
        cheap = self.problem.wanted is not None
        short = float(self.wanted - self.served(flows)) if cheap else np.inf
        values = self.problem.value.astype(float)
        kernels.grow(
            self.graph, flows, values, self.free if free is None else free, most, 0.0 if cheap else 1.0, short,
            self.room.astype(float),
        )  # fmt: skip

    def finish(self, flows: Flow) -> None:
        """Make a plan of the flow by local search, or, with *wanted*, by dropping columns; and offer it."""
        if self.problem.wanted is None:
            self.climb(flows, self.most)
            self.offer(self.with_least(flows.is_open))
            return
        self.grow(flows, self.most - int((flows.is_open & self.free).sum()))
        if self.served(flows) < self.wanted:  # too few may open for the cheapest: take those that serve most
            self.climb(flows, self.most)
        self._drop(flows)
        self.offer(self.with_least(flows.is_open))
        costs = self.problem.value[self.free]
        while len(costs) and (costs == costs[0]).all() and not self.control.must_stop and self.x is not None:
            fewer = int((self.x & self.free).sum()) - 1
            if fewer < 0:
                return
            flows = self.flows(np.flatnonzero(self.x))
            self._close(flows, 1)
            self.climb(flows, fewer)
            before = self.value
            self.offer(self.with_least(flows.is_open))
            if self.value <= before:
                return

    def _drop(self, flows: Flow) -> None:
        """Close columns not needed for `wanted`, the most expensive first."""
        spare = self.served(flows) - self.wanted
        for column in np.argsort(self.problem.value, kind="stable"):
            if flows.is_open[column] and self.free[column] and self.problem.value[column] < 0:
                lost = kernels.shut(self.graph, flows, column)
                if lost <= spare:
                    spare -= lost
                else:
                    kernels.undo(self.graph, flows, 0)
                    flows.is_open[column] = True
                flows.journal_size[0] = 0

    def _close(self, flows: Flow, number: int, seed: int | None = None) -> Ints:
        """Close *number* free columns: those with the least loss, or random ones by *seed*."""
        candidates = np.flatnonzero(flows.is_open & self.free)
        by_room = np.argsort(self.room[candidates], kind="stable")
        order = candidates[by_room] if seed is None else np.random.default_rng(seed).permutation(candidates)
        for column in order[:number]:
            kernels.shut(self.graph, flows, column)
            flows.journal_size[0] = 0
        return order[:number]

    def with_least(self, x: Bools) -> Bools:
        """Close columns that cannot reach their least, one by one, until all others can."""
        least, x = self.problem.least_use, x.copy()
        while True:
            columns = np.flatnonzero(x & (least > 0))
            if not len(columns):
                return x
            pairs, flow = flow_into(self.problem, columns, least[columns])
            short = least[columns] - np.bincount(pairs.col, flow, minlength=len(columns))
            short = np.where(self.free[columns], short, 0)
            if short.max(initial=0) <= 0:
                return x
            x[columns[np.argmax(short)]] = False

    def kick(self, seed: int) -> None:
        """Close a tenth of the best plan, open others, and climb again."""
        if self.x is None:
            return
        flows = self.flows(np.flatnonzero(self.x))
        out = self._close(flows, max(2, self.most // 10), seed)
        free = self.free.copy()
        free[out] = False
        self.grow(flows, self.most - int((flows.is_open & self.free).sum()), free)
        self.finish(flows)

    def descend(self, price: Floats, scale: float, lower: Bools, upper: Bools, rounds: int, pace: float) -> Descent:
        """Lower the bound of a box by deflected subgradients with Polyak's steps, prices in units of their people."""
        w, wanted, values = self.weight, self.wanted, self.problem.value.astype(float)
        indptr, indices = self.graph.need_start, self.graph.column
        target = self.value if np.isfinite(self.value) else min(0.0, float(values.sum())) - 1.0
        v, share, stalled = price, lower.astype(float), 0
        best = Descent(np.inf, price, scale, share, np.zeros(len(values)))
        take, direction, scale_direction = np.zeros(len(indices)), np.zeros(len(w)), 0.0
        left, free = self.left(lower), upper & ~lower
        for _ in range(rounds if len(w) else 1):
            worth = values.copy()
            order = np.argsort(v, kind="stable")
            kernels.fill_columns(indptr, indices, w, order, scale - v, self.room.astype(float), worth, take)
            ranked = np.argsort(np.where(free, -worth, np.inf), kind="stable")[:left]
            chosen = lower.copy()
            chosen[ranked[free[ranked] & (worth[ranked] > 0)]] = True
            bound = float(v @ w - scale * wanted + worth[chosen].sum())
            stalled += 1
            if bound < best.bound:
                stalled = stalled if bound > best.bound - 1e-5 * abs(best.bound) else 0
                best = Descent(bound, v, scale, share, worth)
            if stalled > 12:
                pace, stalled = 0.7 * pace, 0
            if best.bound < self.value + self.tolerance or pace < 1e-5 or not len(w) or self.control.must_stop:
                break
            taken = np.add.reduceat(np.where(chosen[indices], take, 0.0), indptr[:-1])
            slope = w - taken
            # A price at its limit stays there.
            slope[((v <= 0) & (slope > 0) | (v >= scale) & (slope < 0)) & (direction * slope >= 0)] = 0.0
            direction = 0.6 * direction + slope
            share = 0.95 * share + 0.05 * chosen
            norm = float((direction**2 / w).sum())
            if wanted:
                scale_direction = 0.6 * scale_direction + float(taken.sum()) - wanted
                norm += scale_direction**2 / wanted
            if norm <= 0:
                break
            length = pace * (bound - target) / norm
            if wanted:
                scale = max(1e-9, scale - length * scale_direction / wanted)
            v = np.clip(v - length * direction / w, 0.0, scale)
        return best._replace(share=share)

    def left(self, lower: Bools) -> int:
        """How many columns may still open in a box."""
        return self.most - int((lower & self.free).sum())


def _groups(cover: csr_array, weight: Floats) -> tuple[Ints, Ints]:
    """Group needs with the same columns: the group of each (-1: none), and a need of each group."""
    cover.sort_indices()
    active = np.flatnonzero((np.diff(cover.indptr) > 0) & (weight > 0))
    group = np.full(cover.shape[0], -1)
    group[active] = number_rows(csr_array(cover[active]))
    return group, active[np.unique(group[active], return_index=True)[1]]


def lower_root(s: Search) -> tuple[bool, Descent]:
    """Lower the bound of the root and improve the plan; return whether the search ends here, and the prices."""
    problem, control = s.problem, s.control
    scale = 1.0
    if problem.wanted is not None:
        scale = float(-problem.value[s.free].sum() / max(1.0, float(s.room[s.free].sum()))) or 1.0
    price = np.full(len(s.weight), 0.5 * scale)
    for turn, pace in enumerate((1.0, 0.3, 0.1, 0.03)):
        root = s.descend(price, scale, s.must, s.usable, ROUNDS // 4, pace)
        price, scale = root.price, root.scale
        s.bound = min(s.bound, root.bound)
        expanded = np.where(s.group >= 0, price[s.group], 0.0) if len(price) else np.zeros(len(s.group))
        s.prices = Prices(expanded, scale)
        s.finish(_rounded(s, root.share))
        known = None if s.x is None else s.value
        if control.report("prices", known, to_grain(problem, s.bound)) or s.bound < s.value + s.tolerance:
            return True, root
        for seed in range(KICKS // 4):
            if not control.must_stop:
                s.kick(turn * KICKS + seed)
    return s.bound < s.value + s.tolerance, root


def _rounded(s: Search, share: Floats) -> Flow:
    """Open the columns that were open most often."""
    order = np.argsort(-np.where(s.free, share, -1.0), kind="stable")[: s.most]
    often = order[share[order] > 1e-3]
    return s.flows(np.concatenate([np.flatnonzero(s.must), often]))


class _Box(NamedTuple):
    """An open box of plans, in the order of the search, with the result of its subgradients."""

    minus_bound: float
    number: int
    lower: Bools
    upper: Bools
    price: npt.NDArray[np.float32]
    scale: float
    share: Floats


def branch_and_bound(s: Search, root: Descent) -> tuple[float, int]:
    """Branch and bound, best bound first; return the bound and the number of nodes."""
    box = _fix(s, root.bound, root.worth, s.must, s.usable)
    heap = [_Box(-s.bound, 0, *box, root.price.astype(np.float32), root.scale, root.share)]
    nodes, number = 1, 0
    while heap:
        bound, known = -heap[0].minus_bound, None if s.x is None else s.value
        if bound < s.value + s.tolerance or s.control.report("tree", known, to_grain(s.problem, bound)):
            break
        parent = heapq.heappop(heap)
        free = np.flatnonzero(parent.upper & ~parent.lower)
        if not len(free):  # a plan without a choice left: its bound is its value
            s.offer(s.with_least(parent.lower))
            continue
        column = free[np.argmin(np.abs(parent.share[free] - 0.5))]
        for at in (1, 0):
            lower, upper = parent.lower.copy(), parent.upper.copy()
            (lower if at else upper)[column] = bool(at)
            left = s.left(lower)
            if left < 0:
                continue
            if left == 0:
                upper = lower.copy()
            price = np.minimum(parent.price.astype(float), parent.scale)
            own = s.descend(price, parent.scale, lower, upper, NODE_ROUNDS, 0.3)
            nodes += 1
            if (nodes // 2) % 8 == 0 and (lower != upper).any():
                s.finish(_rounded(s, np.where(lower, 1.0, np.where(upper, own.share, 0.0))))
            if not (lower ^ upper).any():
                s.offer(s.with_least(lower))
            elif min(own.bound, bound) >= s.value + s.tolerance:
                number += 1
                # Fixing needs the bound of these prices, though the parent's may be lower.
                box = _fix(s, own.bound, own.worth, lower, upper)
                price32 = own.price.astype(np.float32)
                heapq.heappush(heap, _Box(-min(own.bound, bound), number, *box, price32, own.scale, own.share))
        if nodes % 64 < 2:
            s.kick(KICKS * 10 + nodes)
    return (max(s.value, -heap[0].minus_bound) if heap else s.value), nodes


def _fix(s: Search, bound: float, worth: Floats, lower: Bools, upper: Bools) -> tuple[Bools, Bools]:
    """Fix the columns of a box whose other state, by the prices, is no better than the best plan."""
    choice = upper & ~lower
    left = s.left(lower)
    ranked = np.sort(np.maximum(worth[choice], 0.0))[::-1]
    last = ranked[left - 1] if 0 < left <= len(ranked) else 0.0
    after = ranked[left] if left < len(ranked) else 0.0
    enough = s.value + s.tolerance
    chosen = choice & (worth > 0) & (worth >= last)
    never = choice & ~chosen & (bound - last + worth < enough)
    always = choice & (worth > last if last > 0 else choice) & (worth > 0) & (bound - worth + after < enough)
    return lower | always, upper & ~never
