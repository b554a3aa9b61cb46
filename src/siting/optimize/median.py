"""The median engine: what serving a need is worth depends on the column that serves it.

p-median, facility location with fixed costs, coverage with a decay: a `Model` whose benefits differ along a row, with
at most one rule, on the number of columns. The assignment is relaxed with a price v_i for each need (Lagrange), which
leaves a bound that needs no solver: each column collects what its needs are worth above their prices, and the best few
columns are taken [1]_. Subgradients lower it, interchange of sites [2]_ finds plans, and what lies between is decided
by branch and bound, in which a column is fixed as soon as the prices prove that its other state cannot be better.

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
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import cast

import numpy as np
import numpy.typing as npt

from siting.numbers import Bools, Floats, Ints, Ints8
from siting.optimize import median_kernels as kernels
from siting.optimize.control import Control
from siting.optimize.interchange import Number, Rows, in_order, interchange
from siting.optimize.model import Model
from siting.optimize.proof import Proof
from siting.optimize.solution import Solution

__all__ = ["solve_median"]

log = logging.getLogger(__name__)


ENGINE = "Lagrangian median"
#: Pairs that a call of a kernel may look at before the control is asked again: some tenths of a second.
WORK = 1e8
#: Rounds of subgradients at the root, at most, and between two looks for a better plan; at a node of the tree.
ROOT_ROUNDS, LEG, NODE_ROUNDS = 2000, 150, 60
#: What share of the gap so many rounds close at least, or the tree is the better way on.
SLOW = 0.01
#: After how many rounds without progress a step is shortened.
ROOT_PATIENCE, NODE_PATIENCE = 20, 20
#: How much longer than the last step that helped above it the first step of a node is.
LONGER = 8.0
DIVE_ROUNDS = 30
#: How many of the first nodes look for a better plan, and which of the later ones do.
EAGER, SELDOM = 10, 50
#: How close value and bound must be where no grain is known, as a share.
CLOSE = 1e-9


@dataclass(eq=False)
class _Node:
    """A box of plans: states of columns, how many open, prices, what columns collect, how often they were chosen."""

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


@dataclass(eq=False)
class _Tree:
    """The tree as it is written into the proof."""

    parent: list[int] = field(default_factory=list)
    column: list[int] = field(default_factory=list)
    at: list[int] = field(default_factory=list)
    price: list[int] = field(default_factory=list)
    v: list[Floats] = field(default_factory=list)
    y: list[float] = field(default_factory=list)
    fixed: list[tuple[int, int, int]] = field(default_factory=list)

    def grow(self, parent: int, column: int, at: int) -> int:
        """Add a node and return its place."""
        for values, value in ((self.parent, parent), (self.column, column), (self.at, at), (self.price, -1)):
            values.append(value)
        return len(self.parent) - 1

    def keep(self, node: _Node) -> None:
        """Write the prices of a node down."""
        if self.price[node.place] < 0:
            self.price[node.place] = len(self.v)
            self.v.append(node.v)
            self.y.append(node.y)


def solve_median(model: Model, control: Control, *, start: Bools | None = None) -> Solution:
    """Solve a model whose benefits differ along a row, to the proven optimum.

    Parameters
    ----------
    model
        Without shares and with at most one row, in which all columns that are not decided count the same.
    control
        Asked between short calls of compiled code when to stop.
    start
        A plan to begin with, where there is one.

    Raises
    ------
    ValueError
        When the model has shares, several rows, or columns that count differently.
    """
    number = _number(model)
    search = None if number is None else _Search.of(model, control, number)
    if search is None:
        return Solution(None, -math.inf, -math.inf, "infeasible", ENGINE)
    return search.run(start)


def _number(model: Model) -> Number | None:
    """Read how many columns may open; None when that contradicts itself."""
    opened, free = model.lower > 0.5, (model.lower < 0.5) & (model.upper > 0.5)
    if model.rows.shape[0] > 1 or model.shares.shape[0] or (model.times is not None and (model.times != 1).any()):
        raise ValueError("the median engine takes one row at most, no shares, and needs that one column serves")
    if (opened & (model.upper < 0.5)).any():
        return None
    few, many, each, size = 0.0, math.inf, 1.0, int(free.sum())
    if model.rows.shape[0]:
        counts = model.rows.toarray()[0]
        used = float(counts[opened].sum())
        each = float(counts[free][0]) if size else 1.0
        if (counts[free] != each).any() or each <= 0:
            raise ValueError("the median engine takes a row only where all columns that are not decided count the same")
        few, many = (float(model.low[0]) - used) / each, (float(model.high[0]) - used) / each
        few, many = max(0.0, _whole(few, math.ceil)), _whole(many, math.floor)
    if few > min(many, size):
        return None
    return Number(int(few), int(min(many, size)), each)


def _whole(number: float, rounded: Callable[[float], int]) -> float:
    """Round a limit on a number of columns; the last bits of a quotient count as none."""
    if math.isinf(number):
        return number
    near = round(number)
    return float(near if abs(number - near) <= 1e-6 * max(1, abs(near)) else rounded(number))


class _Search:
    """What is known in the course of one solve: the best plan, the tree, and the rows cut to what is undecided."""

    def __init__(self, model: Model, control: Control, number: Number, state: Ints8, rows: Rows, base: Floats) -> None:
        self.model, self.control, self.number, self.state = model, control, number, state
        self.rows, self.base = rows, base
        self.tree = _Tree()
        self.x: Bools = state == kernels.OPEN
        self.value = self.proven = -math.inf
        self.hopeless = -math.inf
        self.single = False
        self.scale = np.ones(len(base))
        n, m = model.benefit.shape
        self.spare = rows  # what a node leaves of the rows: made by `_shrink`
        self.floor, self.step = np.empty(n), np.empty(n)
        self.scratch, self.chosen = np.empty(m), np.zeros(m)

    @classmethod
    def of(cls, model: Model, control: Control, number: Number) -> _Search | None:
        """Put the pairs in order; None when a need that must be served has no column."""
        state = np.where(model.lower > 0.5, kernels.OPEN, np.where(model.upper < 0.5, kernels.CLOSED, kernels.FREE))
        state = state.astype(np.int8)
        rows = in_order(model.benefit, state)
        filled = np.diff(rows.ptr) > 0
        if not filled[model.must].all():
            return None
        best, worst = np.zeros(len(filled)), np.zeros(len(filled))
        best[filled], worst[filled] = rows.gains[rows.ptr[:-1][filled]], rows.gains[rows.ptr[1:][filled] - 1]
        top = float(best.sum() + np.maximum(model.value, 0).sum())
        bottom = float(worst[model.must].sum() + np.minimum(model.value, 0).sum())
        # A need that must be served and is not costs more than the best and the worst plan are apart.
        base = np.where(model.must, worst - (top - bottom + 1), 0.0)
        search = cls(model, control, number, state, rows, base)
        search.hopeless = bottom - 0.5 if model.must.any() else -math.inf
        # Single precision is enough where what it rounds off is far from a grain.
        search.single = 1e-6 * float(np.maximum(np.abs(best), np.abs(worst)).sum()) < model.grain
        return search

    @property
    def cut(self) -> float:
        """What a plan must be worth more than, to be of interest."""
        # The last bits of a sum are to be far below a grain.
        size = abs(self.value + self.model.constant)
        exact = self.model.grain > 1e-10 * size
        more = (1 - 1e-5) * self.model.grain - 1e-12 * size if exact else 0.5 * CLOSE * size
        return max(self.value + more, self.hopeless)

    # The course of a solve

    def run(self, start: Bools | None) -> Solution:
        """Look for plans and prices at the root, then decide column by column."""
        self._shrink()
        free = self.state == kernels.FREE
        first = np.zeros(len(free), bool) if start is None else np.asarray(start, bool) & free
        self.improve(first if first.sum() <= self.number.many else np.zeros(len(free), bool))
        root = _Node(
            self.tree.grow(-1, -1, -1), self.state.copy(), self.number.few, self.number.many, self._first_prices(),
            np.zeros(len(free)), np.zeros(len(free)),
        )  # fmt: skip
        stop, theta, rounds = False, 1.0, 0
        while True:
            before = root.bound
            theta, used = self.lower(root, LEG, ROOT_PATIENCE, theta)
            rounds += used
            stop = self._report("prices", root.bound)
            if stop or root.bound <= self.cut:
                break
            self.round(root)
            slow = before - root.bound < SLOW * (root.bound - self.value)
            if slow or rounds >= ROOT_ROUNDS or theta < kernels.SHORTEST:
                break
        if root.bound > self.cut and not stop:
            self._dive(root)
        log.info("%s: root %.9g, plan %.9g after %d rounds", ENGINE, root.bound, self.value, rounds)
        heap: list[tuple[float, int, _Node]] = []
        self._settle(root, heap)
        if heap and not stop:
            self.state, self.number = root.state, self.number._replace(few=root.few, many=root.many)
            self._shrink()
            self._search(heap)
        return self._found(heap)

    def _search(self, heap: list[tuple[float, int, _Node]]) -> None:
        """Split the box with the highest bound, until none is left that could hold a better plan."""
        while heap and not self._report("tree", -heap[0][0]):
            node = heapq.heappop(heap)[2]
            if node.bound <= self.cut:
                self._settle(node, heap)
                continue
            j = self._column(node)
            for at in (1, 0):
                state = node.state.copy()
                state[j] = kernels.OPEN if at else kernels.CLOSED
                child = _Node(
                    self.tree.grow(node.place, j, at), state, max(0, node.few - at), node.many - at, node.v,
                    node.near.copy(), np.zeros(len(state)),
                )  # fmt: skip
                if not child.many:  # nothing more may open: the best open column of each need is its price
                    child.v = np.full(len(node.v), -math.inf)
                self.lower(child, NODE_ROUNDS if child.many else 1, NODE_PATIENCE, min(1.0, LONGER * node.theta))
                if child.bound > self.cut and (child.place < EAGER or child.place % SELDOM == 0):
                    self.round(child)
                self._settle(child, heap)

    def _dive(self, node: _Node) -> None:
        """Open column after column of those chosen most often, with new prices in between, to a plan."""
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
                self.lower(node, DIVE_ROUNDS, NODE_PATIENCE, min(1.0, LONGER * node.theta))
            if node.bound <= self.cut or self._report("plans", above):
                break
        self.round(node)

    def _column(self, node: _Node) -> int:
        """Choose the column to branch on: the one that is chosen about every other time."""
        free = np.flatnonzero(node.state == kernels.FREE)
        return int(free[np.abs(node.near[free] - 0.5).argmin()])

    def _settle(self, node: _Node, heap: list[tuple[float, int, _Node]]) -> None:
        """Close a box whose bound says that no better plan is in it; else fix what can be, and put it on the heap."""
        if node.bound > self.cut and not (node.many and (node.state == kernels.FREE).any()):
            self.improve((node.state == kernels.OPEN) & (self.state == kernels.FREE))
        elif node.bound > self.cut:
            self.fix(node)
            heapq.heappush(heap, (-node.bound, node.place, node))
            return
        self.proven = max(self.proven, node.bound)
        self.tree.keep(node)

    def _report(self, step: str, bound: float) -> bool:
        fixed = self.model.constant
        value = self.value + fixed if self.value > self.hopeless else None
        return self.control.report(step, value, max(bound, self.value) + fixed)

    def _first_prices(self) -> Floats:
        """Prices to begin with: between the best and the second best open column of the plan."""
        n, m = self.model.benefit.shape
        one, two = np.empty(n), np.empty(n)
        value = np.zeros(m)
        kernels.ends(*self.rows, self.base, value, self.x, np.empty(n, np.int32), one, two)
        # Prices of a need lie as far apart as its benefits do: about as many columns serve it best as share the needs.
        last = np.minimum(np.diff(self.rows.ptr) - 1, 2 * m // max(1, self.number.many))
        filled = last >= 0
        apart = np.ones(n)
        top = self.rows.ptr[:-1][filled]
        apart[filled] = self.rows.gains[top] - self.rows.gains[top + last[filled]]
        largest = float(apart.max(initial=0.0))
        self.scale = np.maximum(apart / largest, 1e-3) if largest > 0 else np.ones(n)
        return np.where(two > self.base, 0.7 * one + 0.3 * two, one)

    def _shrink(self) -> None:
        """Keep the pairs of columns that are not decided, above the best column that is open for good."""
        n = len(self.base)
        rows = Rows(np.empty(n + 1, np.int64), np.empty(len(self.rows.cols), np.int32), np.empty(len(self.rows.cols)))
        floor = np.empty(n)
        size = kernels.cut_rows(*self.rows, self.base, self.state, *rows, floor)
        self.rows, self.base = Rows(rows.ptr, rows.cols[:size].copy(), rows.gains[:size].copy()), floor
        self.spare = Rows(rows.ptr.copy(), rows.cols[:size], rows.gains[:size])

    def _found(self, heap: list[tuple[float, int, _Node]]) -> Solution:
        """Say what was found, with the proof of it."""
        for _, _, node in heap:
            self.proven = max(self.proven, node.bound)
            self.tree.keep(node)
        nodes, proof = len(self.tree.parent), self._proof()
        if self.value <= self.hopeless:
            if not heap:
                return Solution(None, -math.inf, -math.inf, "infeasible", ENGINE, nodes=nodes)
            return Solution(
                None, -math.inf, self.proven + self.model.constant, self.control.status, ENGINE, proof, nodes
            )
        value, bound = self.model.objective(self.x), self.proven + self.model.constant
        if self.model.grain > 0:
            bound = math.floor(bound / self.model.grain + 1e-6) * self.model.grain
        bound = max(value, bound)
        done = bound - value <= CLOSE * abs(value)
        return Solution(self.x, value, bound, "optimal" if done else self.control.status, ENGINE, proof, nodes)

    def _proof(self) -> Proof:
        tree, rows = self.tree, self.model.rows.shape[0]
        fixed = np.array(tree.fixed, np.int64).reshape(-1, 3)
        y = np.array(tree.y)[:, None] / self.number.each
        return Proof(
            np.array(tree.parent), np.array(tree.column), np.array(tree.at), np.array(tree.price),
            cast("npt.NDArray[np.float32]", np.array(tree.v)), y[:, :rows], np.zeros((len(tree.v), 0)),
            fixed[:, 0], fixed[:, 1], fixed[:, 2],
        )  # fmt: skip

    # Plans

    def round(self, node: _Node) -> None:
        """Look for a plan near the columns that are chosen most at a node."""
        undecided = (self.state == kernels.FREE) & (node.state != kernels.CLOSED)
        often = np.where(node.state == kernels.OPEN, 2.0, node.near) * undecided
        is_open = np.zeros(len(often), bool)
        is_open[np.argsort(-often, kind="stable")[: self.number.many]] = True
        self.improve(is_open & (often > 0))

    def improve(self, is_open: Bools) -> None:
        """Interchange columns from *is_open* on, all of them free, and keep the plan where it is the best so far."""
        free, opened = self.state == kernels.FREE, self.state == kernels.OPEN
        value = self.model.value
        x, total = interchange(self.rows, self.base, value, free, is_open & free, self.number, self.control)
        total += float(value[opened].sum())
        if total > self.value:
            self.value, self.x = total, x | opened

    # Bounds

    def lower(self, node: _Node, rounds: int, patience: int, theta: float) -> tuple[float, int]:
        """Lower the bound of a node for some rounds; return the step it ended with, and how many rounds there were."""
        free = np.flatnonzero(node.state == kernels.FREE)
        fixed = float(self.model.value[node.state == kernels.OPEN].sum())
        kernels.cut_rows(*self.rows, self.base, node.state, *self.spare, self.floor)
        v, r, out = node.v.astype(float), np.empty(len(node.r)), np.empty(4)
        best_v, best_r = np.empty(len(v), np.float32 if self.single else float), np.zeros(len(r))
        kernels.ascend(
            *self.spare, self.floor, self.scale, self.model.value, free, node.few, node.many, fixed, self.cut,
            max(self.value, self.hopeless), rounds, WORK,
            patience, theta, self.single, v, best_v, best_r, node.near, self.step, r, self.scratch, self.chosen, out,
        )  # fmt: skip
        node.theta = float(out[3])
        if out[0] < node.bound:
            node.bound, node.v, node.r = float(out[0]), best_v, best_r
            node.y = self._price(node, free)
        return float(out[1]), int(out[2])

    def _price(self, node: _Node, free: Ints) -> float:
        """Price the rule of the number: what the last column that is taken collects, where the rule binds."""
        r = -np.sort(-node.r[free])
        if len(r) < node.few:  # no plan at all: any price proves it that is low enough
            node.bound, short = -math.inf, abs(node.bound) + abs(self.cut)
            return float(min(0.0, r[-1] if len(r) else 0.0) - short - 1)
        if node.many < len(r) and (not node.many or r[node.many - 1] > 0):
            return float(max(0.0, r[max(node.many - 1, 0)]))
        if node.few and r[node.few - 1] < 0:
            return float(r[node.few - 1])
        return 0.0

    def fix(self, node: _Node) -> None:
        """Decide what the prices of a node prove: the other state of a column is not worth more than the cut."""
        free = np.flatnonzero(node.state == kernels.FREE)
        over = node.r[free] - node.y
        spare = self.cut - node.bound
        sure = np.abs(over) >= -spare
        if sure.all():  # one is left to branch on: prices alone need not prove the plan that remains
            sure[np.abs(over).argmin()] = False
        for j, at in zip(free[sure].tolist(), (over[sure] > 0).tolist(), strict=True):
            node.state[j] = kernels.OPEN if at else kernels.CLOSED
            self.tree.fixed.append((node.place, j, int(at)))
        opened = int((sure & (over > 0)).sum())
        node.few, node.many = max(0, node.few - opened), node.many - opened
        if sure.any():
            self.proven = max(self.proven, float(node.bound - np.abs(over[sure]).min()))
            self.tree.keep(node)
