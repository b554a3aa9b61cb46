"""The median engine: the benefit of a need depends on the column that serves it.

p-median, facility location with fixed costs, coverage with a decay: a `Model` whose benefits differ along a row, with
at most one rule, on the number of columns. The assignment is relaxed with a price v_i for each need (Lagrange), which
gives a bound without a solver: each column collects the benefits of its needs above their prices, and the best p
columns are taken [1]_. Deflected subgradients [2]_ lower it, interchange finds plans, and branch and bound closes the
gap: a column is fixed as soon as the prices prove that its other state cannot be better.

References
----------
.. [1] G. Cornuéjols, M. L. Fisher and G. L. Nemhauser, "Location of bank accounts to optimize float: an analytic study
   of exact and approximate algorithms", Management Science 23 (8), 1977, pp. 789-810.
.. [2] P. M. Camerini, L. Fratta and F. Maffioli, "On improving relaxation methods by modified gradient techniques",
   Mathematical Programming Study 3, 1975, pp. 26-34.
"""

from __future__ import annotations

import heapq
import logging
import math
from dataclasses import dataclass, replace

import numpy as np

from siting.messages import Message
from siting.numbers import Bools, Floats, Ints, Ints8
from siting.optimize.control import Control
from siting.optimize.first_plan import GRACE
from siting.optimize.median import median_kernels as kernels
from siting.optimize.median.interchange import CountLimits, count_limits, interchange, sorted_pairs
from siting.optimize.median.median_kernels import BestTwo, SortedPairs
from siting.optimize.median.median_levels import levels_of, search_levels, splice
from siting.optimize.model import Model
from siting.optimize.proof import SINGLE_PRECISION, ProofTree
from siting.optimize.solution import SAME, Solution, floored

__all__ = ["solve_median"]

log = logging.getLogger(__name__)

ENGINE = "Lagrangian median"
#: Pairs in a call of a kernel between two checks of the control: some tenths of a second.
WORK = 1e8
#: Rounds of subgradients at the root, at most, and between two searches for a better plan; at a node; in a dive.
ROOT_ROUNDS, LEG, NODE_ROUNDS, DIVE_ROUNDS = 2000, 150, 60, 30
#: Share of the gap that a number of rounds must close; else the tree continues.
SLOW = 0.01
#: Rounds without progress after which a step is shortened.
PATIENCE = 20
#: First step of a node as a multiple of the last successful step above it.
LONGER = 8.0
#: Nodes after which a tree must have closed this share of the root's gap; else what is left at the root is searched as
#: a covering problem.
PROGRESS = {64: 0.1, 512: 0.4}
#: Number of first nodes that search for a better plan, and interval of later ones.
EAGER, SELDOM = 10, 50


@dataclass(eq=False)
class _Node:
    """A box of plans: states of columns, number open, prices, collected values, frequencies of columns."""

    place: int
    state: Ints8
    few: int
    many: int
    v: Floats
    near: Floats
    r: Floats
    y: float = 0.0
    bound: float = math.inf
    theta: float = 1.0


def solve_median(
    model: Model, control: Control, *, start: Bools | None = None, price: Floats | None = None
) -> Solution:
    """Solve a model whose benefits differ along a row, to the proven optimum.

    Parameters
    ----------
    model
        Without shares and with at most one row, with equal coefficients of all undecided columns.
    start
        A plan to begin with.
    price
        A price of each need to begin with.

    Raises
    ------
    ValueError
        When the model has shares, several rows, or columns that count differently.
    """
    limits = count_limits(model)
    state = np.where(model.lower > 0.5, kernels.OPEN, np.where(model.upper < 0.5, kernels.CLOSED, kernels.FREE))
    pairs = sorted_pairs(model.benefit, state.astype(np.int8))
    if limits is None or not (np.diff(pairs.ptr) > 0)[model.must].all():  # or a need has no column
        return Solution.infeasible(ENGINE)
    return _Search(model, control, limits, state.astype(np.int8), pairs).run(start, price)


class _Search:
    """The state of one solve: the best plan, the tree, and the rows of undecided columns."""

    def __init__(self, model: Model, control: Control, limits: CountLimits, state: Ints8, pairs: SortedPairs) -> None:
        self.model, self.control, self.limits, self.state, self.pairs = model, control, limits, state, pairs
        self.tree = ProofTree()
        self.x: Bools = state == kernels.OPEN
        self.value = self.proven = -math.inf
        n, must = model.benefit.shape[0], model.must
        self.scale = np.ones(n)
        self.spare = pairs  # what a node leaves of the pairs: made by `_shrink`
        self.floor = np.empty(n)
        filled = np.diff(pairs.ptr) > 0
        best, worst = np.zeros(n), np.zeros(n)
        best[filled], worst[filled] = pairs.gains[pairs.ptr[:-1][filled]], pairs.gains[pairs.ptr[1:][filled] - 1]
        top = float(best.sum() + np.maximum(model.value, 0).sum())
        bottom = float(worst[must].sum() + np.minimum(model.value, 0).sum())
        # An unserved need that must be served costs more than the difference of the best and the worst plan.
        self.base = np.where(must, worst - (top - bottom + 1), 0.0)
        self.hopeless = bottom - 0.5 if must.any() else -math.inf
        # Single precision is enough where its rounding is far below a grain.
        self.single = SINGLE_PRECISION * float(np.maximum(np.abs(best), np.abs(worst)).sum()) < model.grain

    @property
    def cutoff(self) -> float:
        """The value that a better plan must exceed."""
        # The rounding error of a sum must be far below a grain.
        size = abs(self.value + self.model.constant)
        exact = self.model.grain > 1e-10 * size
        more = (1 - 1e-5) * self.model.grain - 1e-12 * size if exact else 0.5 * SAME * size
        return max(self.value + more, self.hopeless)

    def run(self, start: Bools | None, price: Floats | None = None) -> Solution:
        """Search for plans and prices at the root, then branch."""
        self._shrink()
        free = self.state == kernels.FREE
        first = np.zeros(len(free), bool) if start is None else np.asarray(start, bool) & free
        first = first if first.sum() <= self.limits.many else np.zeros(len(free), bool)
        self.improve(first, self.control.with_grace(GRACE))
        first_prices = self._first_prices()
        root = _Node(
            self.tree.add(-1, -1, -1), self.state.copy(), self.limits.few, self.limits.many,
            first_prices if price is None else price, np.zeros(len(free)), np.zeros(len(free)),
        )  # fmt: skip
        stop, theta, rounds = False, 1.0, 0
        while True:
            before = root.bound
            theta, used = self.lower(root, LEG, theta)
            rounds += used
            stop = self._report("prices", root.bound)
            if stop or root.bound <= self.cutoff:
                break
            self.round(root)
            slow = before - root.bound < SLOW * (root.bound - self.value)
            if slow or rounds >= ROOT_ROUNDS or theta < kernels.SHORTEST:
                break
        if stop and self.control.time_limit is not None:
            self._all_served(root)
        if root.bound > self.cutoff and not stop:
            self._dive(root)
        log.info(Message("solver.root", engine=ENGINE, bound=root.bound, value=self.value, n=rounds))
        heap: list[tuple[float, int, _Node]] = []
        self._settle(root, heap)
        if heap and not stop:
            self._branch(heap, root)
        return self._solution(heap)

    def _all_served(self, root: _Node) -> None:
        """Bound the root by "all are served by their best columns", where prices that were stopped early are worse."""
        best = self.base.copy()
        filled = np.flatnonzero(np.diff(self.pairs.ptr))
        best[filled] = np.maximum(best[filled], self.pairs.gains[self.pairs.ptr[:-1][filled]])
        other = replace(root, v=best, near=root.near.copy(), r=root.r.copy(), bound=math.inf)
        self.lower(other, 1, 1.0)
        if other.bound < root.bound:
            root.v, root.r, root.y, root.bound = other.v, other.r, other.y, other.bound

    def _restrict(self, root: _Node) -> None:
        """Leave out what is fixed at the root."""
        self.state, self.limits = root.state.copy(), self.limits._replace(few=root.few, many=root.many)
        self._shrink()

    def _by_levels(self, root: _Node) -> bool:
        """Search what is left at the root as a covering problem instead, where that is small enough."""
        if self.limits.few or self.value <= self.hopeless:
            return False
        self._keep(root)
        old, self.tree = self.tree, ProofTree()
        price = old.price[root.place]
        self.tree.add(-1, -1, -1, self.tree.keep(old.v[price], old.y[price], old.m[price]))
        self.tree.fixed = [entry for entry in old.fixed if entry[0] == root.place]
        self.fix(root)
        self._restrict(root)
        opened, value = self.state == kernels.OPEN, self.model.value
        levels = levels_of(
            self.pairs, self.base, root.v.astype(float), root.bound - self.cutoff, value,
            self.state == kernels.FREE, self.limits.many, grain=self.model.grain,
            constant=self.model.constant + float(value[opened].sum()), seconds=self.control.seconds_left,
        )  # fmt: skip
        if levels is None:
            self.tree = old
            return False
        search = search_levels(
            levels, self.x[levels.columns], self.control, lambda value, bound: self.control.report("tree", value, bound)
        )
        splice(self.tree, 0, levels, search, self.model.rows.shape[0], self.limits.each)
        self.proven = max(self.proven, search.bound - self.model.constant)
        if search.x is not None:
            x = opened.copy()
            x[levels.columns[search.x]] = True
            self._offer(x)
        return True

    def _offer(self, x: Bools) -> None:
        """Keep a plan if it is the best so far and serves all who must be served."""
        value = self.model.objective(x) - self.model.constant
        if value > self.value and self.model.is_feasible(x):
            self.value, self.x = value, x

    def _branch(self, heap: list[tuple[float, int, _Node]], root: _Node) -> None:
        """Split the box with the highest bound, until none can contain a better plan."""
        self._restrict(root)
        checks = sorted(PROGRESS)
        while heap and not self._report("tree", -heap[0][0]):
            if checks and len(self.tree.parent) > checks[0]:
                little = root.bound + heap[0][0] < PROGRESS[checks.pop(0)] * (root.bound - self.cutoff)
                if little and self._by_levels(root):
                    heap.clear()
                    return
            node = heapq.heappop(heap)[2]
            if node.bound <= self.cutoff:
                self._settle(node, heap)
                continue
            free = np.flatnonzero(node.state == kernels.FREE)
            # Branch on the column that is chosen about every other time.
            j = int(free[np.abs(node.near[free] - 0.5).argmin()])
            for at in (1, 0):
                state = node.state.copy()
                state[j] = kernels.OPEN if at else kernels.CLOSED
                child = _Node(
                    self.tree.add(node.place, j, at), state, max(0, node.few - at), node.many - at, node.v,
                    node.near.copy(), np.zeros(len(state)),
                )  # fmt: skip
                if not child.many:  # no more may open: the price of a need is its best open column
                    child.v = np.full(len(node.v), -math.inf)
                self.lower(child, NODE_ROUNDS if child.many else 1, min(1.0, LONGER * node.theta))
                if child.bound > self.cutoff and (child.place < EAGER or child.place % SELDOM == 0):
                    self.round(child)
                self._settle(child, heap)

    def _dive(self, node: _Node) -> None:
        """Dive to a plan: open the columns chosen most often, with new prices in between."""
        above = node.bound
        node = replace(node, state=node.state.copy(), near=node.near.copy())
        while node.many:
            free = np.flatnonzero(node.state == kernels.FREE)
            by_near = free[np.argsort(-node.near[free], kind="stable")]
            sure = int((node.near[by_near] > 0.9).sum())
            opened = by_near[: min(node.many, max(sure, 1 + node.many // 8))]
            node.state[opened] = kernels.OPEN
            node.few, node.many = max(0, node.few - len(opened)), node.many - len(opened)
            node.bound = math.inf
            if node.many:
                self.lower(node, DIVE_ROUNDS, min(1.0, LONGER * node.theta))
            if node.bound <= self.cutoff or self._report("plans", above):
                break
        self.round(node)

    def _settle(self, node: _Node, heap: list[tuple[float, int, _Node]]) -> None:
        """Close a box without a better plan by its bound; else fix columns and put it on the heap."""
        if node.bound > self.cutoff and not (node.many and (node.state == kernels.FREE).any()):
            self.improve((node.state == kernels.OPEN) & (self.state == kernels.FREE))
        elif node.bound > self.cutoff:
            self.fix(node)
            heapq.heappush(heap, (-node.bound, node.place, node))
            return
        self.proven = max(self.proven, node.bound)
        self._keep(node)

    def _keep(self, node: _Node) -> None:
        """Write the prices of a node into the proof."""
        if self.tree.price[node.place] < 0:
            y = np.array([node.y / self.limits.each])[: self.model.rows.shape[0]]
            self.tree.price[node.place] = self.tree.keep(node.v, y, np.zeros(0))

    def _report(self, step: str, bound: float) -> bool:
        fixed = self.model.constant
        value = self.value + fixed if self.value > self.hopeless else None
        return self.control.report(step, value, max(bound, self.value) + fixed)

    def _first_prices(self) -> Floats:
        """Prices to begin with: between the best and the second best open column of the plan."""
        n, m = self.model.benefit.shape
        best = BestTwo(np.empty(n, np.int32), np.empty(n), np.empty(n))
        kernels.best_two_open(self.pairs, self.base, np.zeros(m), self.x, best)
        # Prices of a need differ as its benefits do: about as many columns serve it best as share the needs.
        last = np.minimum(np.diff(self.pairs.ptr) - 1, 2 * m // max(1, self.limits.many))
        filled = last >= 0
        apart = np.ones(n)
        top = self.pairs.ptr[:-1][filled]
        apart[filled] = self.pairs.gains[top] - self.pairs.gains[top + last[filled]]
        largest = float(apart.max(initial=0.0))
        self.scale = np.maximum(apart / largest, 1e-3) if largest > 0 else np.ones(n)
        return np.where(best.second > self.base, 0.7 * best.gain + 0.3 * best.second, best.gain)

    def _shrink(self) -> None:
        """Keep the pairs of undecided columns, above the best column that is fixed open."""
        n, size = len(self.base), len(self.pairs.cols)
        kept = SortedPairs(np.empty(n + 1, np.int64), np.empty(size, np.int32), np.empty(size))
        floor = np.empty(n)
        size = kernels.cut_pairs(self.pairs, self.base, self.state, kept, floor)
        self.pairs, self.base = SortedPairs(kept.ptr, kept.cols[:size].copy(), kept.gains[:size].copy()), floor
        self.spare = SortedPairs(kept.ptr.copy(), kept.cols[:size], kept.gains[:size])

    def _solution(self, heap: list[tuple[float, int, _Node]]) -> Solution:
        for _, _, node in heap:
            self.proven = max(self.proven, node.bound)
            self._keep(node)
        model, nodes, proof = self.model, len(self.tree.parent), self.tree.proof()
        bound = self.proven + model.constant
        if self.value <= self.hopeless:
            unfinished = Solution.without_plan(bound, self.control.status, ENGINE, proof, nodes)
            return unfinished if heap else Solution.infeasible(ENGINE, nodes=nodes)
        value = model.objective(self.x)
        bound = max(value, floored(bound, model.grain))
        done = bound - value <= SAME * abs(value)
        return Solution(self.x, value, bound, "optimal" if done else self.control.status, ENGINE, proof, nodes)

    def round(self, node: _Node) -> None:
        """Search for a plan near the columns chosen most at a node."""
        undecided = (self.state == kernels.FREE) & (node.state != kernels.CLOSED)
        often = np.where(node.state == kernels.OPEN, 2.0, node.near) * undecided
        is_open = np.zeros(len(often), bool)
        is_open[np.argsort(-often, kind="stable")[: self.limits.many]] = True
        self.improve(is_open & (often > 0))

    def improve(self, is_open: Bools, control: Control | None = None) -> None:
        """Interchange columns from *is_open*, all of them free, and keep the plan if it is the best so far."""
        free, opened = self.state == kernels.FREE, self.state == kernels.OPEN
        value = self.model.value
        within = self.control if control is None else control
        x, total = interchange(self.pairs, self.base, value, free, is_open & free, self.limits, within)
        total += float(value[opened].sum())
        if total > self.value:
            self.value, self.x = total, x | opened

    def lower(self, node: _Node, rounds: int, theta: float) -> tuple[float, int]:
        """Lower the bound of a node for some rounds; return the last step, and the number of rounds."""
        free = np.flatnonzero(node.state == kernels.FREE)
        fixed = float(self.model.value[node.state == kernels.OPEN].sum())
        kernels.cut_pairs(self.pairs, self.base, node.state, self.spare, self.floor)
        work = float(np.clip(WORK * self.control.seconds_left, 0.01 * WORK, WORK))
        limits = kernels.Limits(node.few, node.many, self.cutoff, rounds, work, PATIENCE)
        best_v = np.empty(len(node.v), np.float32 if self.single else float)
        best_r = np.zeros(len(node.r))
        bound, theta, used, node.theta = kernels.lower_bound(
            self.spare, self.floor, self.scale, self.model.value, free, fixed, max(self.value, self.hopeless), limits,
            theta, self.single, node.v.astype(float), best_v, best_r, node.near,
        )  # fmt: skip
        if bound < node.bound:
            node.bound, node.v, node.r = bound, best_v, best_r
            node.y = self._price(node, free)
        return theta, used

    def _price(self, node: _Node, free: Ints) -> float:
        """Price of the limit on the number: the value of the last column taken, where the limit binds."""
        r = -np.sort(-node.r[free])
        if len(r) < node.few:  # no plan at all: any price proves it that is low enough
            node.bound, short = -math.inf, abs(node.bound) + abs(self.cutoff)
            return float(min(0.0, r[-1] if len(r) else 0.0) - short - 1)
        if node.many < len(r) and (not node.many or r[node.many - 1] > 0):
            return float(max(0.0, r[max(node.many - 1, 0)]))
        if node.few and r[node.few - 1] < 0:
            return float(r[node.few - 1])
        return 0.0

    def fix(self, node: _Node) -> None:
        """Fix the columns whose other state, by the prices of a node, is at most the cutoff."""
        free = np.flatnonzero(node.state == kernels.FREE)
        over = node.r[free] - node.y
        spare = self.cutoff - node.bound
        sure = np.abs(over) >= -spare
        if sure.all():  # leave one to branch on: prices may not prove the remaining plan
            sure[np.abs(over).argmin()] = False
        fixed, opens = free[sure], over[sure] > 0
        node.state[fixed] = np.where(opens, kernels.OPEN, kernels.CLOSED)
        node.few, node.many = max(0, node.few - int(opens.sum())), node.many - int(opens.sum())
        if len(fixed):
            self.tree.fixed.append((node.place, fixed, opens.astype(np.int64)))
            self.proven = max(self.proven, float(node.bound - np.abs(over[sure]).min()))
            self._keep(node)
