"""Single-source problems: each need is served wholly by one column, or not at all. The model and its bound."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from siting.numbers import Bools, Floats, Ints, Ints8
from siting.optimize.capacitated import single_source_kernels as kernels
from siting.optimize.solution import SAME, Solution
from siting.optimize.sparse_rows import row_of_entries

__all__ = ["Box", "Packing", "SingleSourceProblem", "SingleSourceSolution", "Tree", "bound_of_tree", "target_of"]

#: Room of a column above which weights are rounded down to fewer units, and cells of a table of knapsacks.
ROOM, CELLS = 5_000, 4_000_000
#: Columns from which only those near the best are packed in whole.
MANY = 40


@dataclass(frozen=True, eq=False)
class SingleSourceProblem:
    """Whole needs on columns with capacities, to be maximised.

    `benefit` (needs × columns, CSR with sorted indices) stores the pairs that can serve, with what it is worth to serve
    all of the need there, which may be negative. An open column holds needs whose `weight` adds up to its `capacity` at
    most, and is worth `value`. `lower` and `upper` are 0 or 1: (1, 1) is open in every plan, (0, 0) in none. At most
    `most` columns (None: any number) open in addition to those with lower = 1. `must` marks needs that must be served.
    `constant` is added to the objective, and every objective is a multiple of `grain` (0: unknown).
    """

    benefit: csr_array
    weight: Floats
    capacity: Floats
    value: Floats
    lower: Floats
    upper: Floats
    must: Bools
    most: int | None = None
    grain: float = 0.0
    constant: float = 0.0

    def worth(self, x: Bools, at: Ints) -> float:
        """Return the objective of open columns and the pair of each need, -1 for none."""
        return self.constant + float(self.benefit.data[at[at >= 0]].sum() + self.value[x].sum())

    def keeps(self, x: Bools, at: Ints) -> bool:
        """Whether columns and pairs keep all rules."""
        on = np.flatnonzero(at >= 0)
        column = self.benefit.indices[at[on]]
        load = np.bincount(column, self.weight[on], minlength=len(x))
        new = int((x & (self.lower == 0)).sum())
        return bool(
            (x >= self.lower).all() and (x <= self.upper).all() and (self.most is None or new <= self.most)
            and x[column].all() and (load <= self.capacity * (1 + 1e-12)).all() and (at[self.must] >= 0).all()
            and (row_of_entries(self.benefit)[at[on]] == on).all()
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Tree:
    """A tree of decisions with prices that bound its leaves; `bound_of_tree` adds them up.

    The root is node 0, of `parent` -1; a parent comes before its two children. On the way to a node the pair or column
    `what` (pairs come first, then columns) was decided to be `at`: 0 shut, 1 taken or open. `price` is the row of
    `prices` that bounds the node.
    """

    parent: Ints
    what: Ints
    at: Ints
    price: Ints
    prices: npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SingleSourceSolution(Solution):
    """The result, with the pair of each need (-1: not served) and the tree that proves the bound, if any."""

    pairs: Ints | None = None
    tree: Tree | None = None


@dataclass(frozen=True, eq=False)
class Box:
    """What is decided: the state of each pair (0 shut, 1 free, 2 taken), and limits of each column."""

    state: Ints8
    lower: Ints8
    upper: Ints8

    def decided(self, packing: Packing, what: int, at: int) -> Box:
        """Return the box with one more decision."""
        state, lower, upper = self.state.copy(), self.lower.copy(), self.upper.copy()
        pairs = len(state)
        if what >= pairs:
            j = what - pairs
            (lower if at else upper)[j] = at
            if not at:
                state[packing.column == j] = 0
        elif not at:
            state[what] = 0
        else:
            there = slice(*packing.start[packing.need[what] : packing.need[what] + 2])
            state[there] = 0
            state[what] = 2
            lower[packing.column[what]] = 1
        return Box(state, lower, upper)


class Packing:
    """The relaxation of a problem in which every column packs the needs that are worth most to it.

    With prices v (0 or more for needs that may be left out) and K_j the largest ``sum of (b_ij - v_i)`` over needs that
    fit into column j at once, no plan is worth more than ``sum of v_i`` plus the sum of ``value_j + K_j`` over the
    columns that must open and the `most` largest others above 0: Lagrangian relaxation of "each need once" [1]_.
    K_j is a 0-1 knapsack, found by dynamic programming over the room, so that the bound is at least that of the linear
    programme.

    References
    ----------
    .. [1] R. M. Nauss, "An improved algorithm for the capacitated facility location problem", Journal of the
       Operational Research Society 29 (12), 1978, pp. 1195-1201.
    """

    def __init__(self, problem: SingleSourceProblem) -> None:
        self.problem = problem
        b = problem.benefit
        m = b.shape[1]
        self.start, self.column = b.indptr.astype(np.int64), b.indices.astype(np.int64)
        self.need, self.gain = row_of_entries(b).astype(np.int64), b.data.astype(float)
        self.by_column = np.argsort(self.column, kind="stable")
        self.first = np.searchsorted(self.column[self.by_column], np.arange(m + 1))
        self.weight, self.room = self._units()
        top, most = int(self.room.max(initial=0)) + 1, int(np.diff(self.first).max(initial=0))
        self._best, self._bits = np.zeros(top), np.zeros((most, top), np.int8)
        rows = most + 1 if (most + 1) * top <= CELLS else 1
        self._ahead, self._behind = np.zeros((rows, top)), np.zeros(top)
        # Columns that open hold all that must be served; what is asked for is rounded down, rooms up.
        self._cover = np.ceil(np.minimum(problem.capacity, problem.weight.sum()) / self._unit - 1e-9).astype(np.int64)
        self._wanted = int(np.floor(problem.weight[problem.must].sum() / self._unit * (1 - 1e-12)))
        if problem.most is not None or (self._wanted + 1) * m > CELLS:
            self._wanted = 0
        self._most, self._marks = np.zeros(self._wanted + 1), np.zeros((m, self._wanted + 1), np.int8)
        self.take, self.pack = np.zeros(len(self.gain), np.int8), np.zeros(m)

    def _units(self) -> tuple[Ints, Ints]:
        """Weights and rooms in whole units; rounded down where they are no whole numbers, or too large.

        What fits also fits when all is rounded down: the sum of rounded weights is at most the rounded sum.
        """
        p = self.problem
        total = float(p.weight.sum())
        room = np.minimum(np.where(p.upper > 0, p.capacity, 0.0), total) * (1 + 1e-12)
        whole = bool((p.weight == np.rint(p.weight)).all())
        most = float(room.max(initial=0.0))
        cells = ROOM if not whole else min(ROOM, CELLS // max(1, int(np.diff(self.first).max(initial=0))))
        self._unit = 1.0 if not most or (whole and most <= cells) else most / cells
        return np.floor(p.weight / self._unit).astype(np.int64), np.floor(room / self._unit + 1e-9).astype(np.int64)

    def box(self) -> Box:
        """Return the box of the problem: needs that are larger than a column are not put there."""
        p = self.problem
        fits = (p.weight[self.need] <= p.capacity[self.column] * (1 + 1e-12)) & (p.upper[self.column] > 0)
        return Box(fits.astype(np.int8), p.lower.astype(np.int8), p.upper.astype(np.int8))

    def _packed(self, columns: Ints, profit: Floats, box: Box) -> None:
        kernels.pack_columns(
            columns, self.first, self.by_column, self.need, profit, self.weight, self.room, box.state, self.pack,
            self.take, self._best, self._bits,
        )  # fmt: skip

    def _pack(self, v: Floats, box: Box, *, whole: bool) -> None:
        """Find what columns pack; those that cannot be among the best of a limited number are bounded, if not *whole*.

        A knapsack in parts bounds what a column packs, so that only columns near the best ones need one in whole.
        """
        p, profit = self.problem, self.gain - v[self.need]
        every, slots = np.arange(len(p.value)), self._slots(box)
        if whole or slots < 0 or len(every) < MANY:
            self._packed(every, profit, box)
            return
        self.take[:] = 0
        kernels.rough_worth(
            self.first, self.by_column, self.need, profit, self.weight, self.room, box.state, self.pack
        )  # fmt: skip
        rough = np.where(box.lower > 0, np.inf, np.where(box.upper > 0, p.value + self.pack, -np.inf))
        order = np.argsort(-rough, kind="stable")
        count = int((box.lower > 0).sum()) + slots
        self._packed(order[:count], profit, box)
        exact = np.sort((p.value + self.pack)[order[:count]][np.isfinite(rough[order[:count]])])
        least = float(exact[0]) if len(exact) else 0.0
        more = order[count:]
        self._packed(more[rough[more] > max(least, 0.0)], profit, box)

    def bound(self, v: Floats, box: Box, *, whole: bool = False) -> tuple[float, Bools]:
        """Return the bound of prices in a box, and the columns that it opens; `take` has what they pack."""
        p = self.problem
        self._pack(v, box, whole=whole)
        self.worth = np.where(box.upper > 0, p.value + self.pack, -np.inf)
        if not np.isfinite(self.worth[box.lower > 0]).all():
            return -math.inf, box.lower > 0
        chosen = np.zeros(len(self.worth), bool)
        best = kernels.choose_columns(
            self.worth, self._cover, box.lower, box.upper, self._wanted, self._slots(box), chosen, self._most,
            self._marks,
        )  # fmt: skip
        return p.constant + float(v.sum() + best), chosen

    def _slots(self, box: Box) -> int:
        """Return how many columns may open besides those that do; -1 for any number."""
        p = self.problem
        return -1 if p.most is None else max(0, p.most - int(((box.lower > 0) & (p.lower == 0)).sum()))

    def fixed(self, v: Floats, box: Box, target: float) -> Box | None:
        """Return the box without what bounds every plan by *target* or less; None when nothing is left.

        `with_pair` has the bound of plans with each pair.
        """
        top, chosen = self.bound(v, box, whole=True)
        if not top > target:
            return None
        p = self.problem
        forced = np.full(len(self.gain), -np.inf)
        kernels.force_pairs(
            self.first, self.by_column, self.need, self.gain - v[self.need], self.weight, self.room, box.state, forced,
            self._ahead, self._behind,
        )  # fmt: skip
        free = (box.lower == 0) & (box.upper > 0)
        opened, closed = np.full(len(self.worth), top), np.full(len(self.worth), top)
        kernels.forced_columns(
            self.worth, self._cover, box.lower.copy(), box.upper.copy(), self._wanted, self._slots(box), opened, closed,
            chosen, self._most, self._marks,
        )  # fmt: skip
        base = p.constant + float(v.sum())
        opened, closed = np.where(box.lower > 0, top, opened + base), closed + base
        worth = np.where(np.isfinite(self.worth), self.worth, 0.0)[self.column]
        with_pair = opened[self.column] - worth + p.value[self.column] + forced
        self.with_pair = np.where(box.state == 1, with_pair, np.where(box.state == 2, np.inf, -np.inf))
        state, lower, upper = box.state.copy(), box.lower.copy(), box.upper.copy()
        state[(state == 1) & ~(with_pair > target)] = 0
        upper[free & ~(opened > target)] = 0
        lower[free & ~(closed > target)] = 1
        if (lower > upper).any():
            return None
        state[upper[self.column] == 0] = 0
        alive = np.bincount(self.need, state > 0, minlength=len(p.weight))
        taken = state == 2
        load = np.bincount(self.column[taken], p.weight[self.need[taken]], minlength=len(lower))
        if (load > p.capacity * (1 + 1e-12)).any():
            return None
        return None if (p.must & (alive == 0)).any() else Box(state, lower, upper)


def target_of(value: float, grain: float) -> float:
    """Return what a plan that is better than *value* must be above."""
    return value + (0.999 * grain if grain else 0.5 * SAME * max(1.0, abs(value)))


def bound_of_tree(problem: SingleSourceProblem, tree: Tree, target: float) -> float:
    """Return the bound that a tree proves: the largest of a leaf, at least *target*.

    In every node what cannot be part of a plan better than *target* is shut first, by the node's prices. Infinite when
    the tree does not cover all plans, or a price is not one.
    """
    nodes, things = len(tree.parent), problem.benefit.nnz + len(problem.value)
    if not nodes or not len(tree.what) == len(tree.at) == len(tree.price) == nodes or tree.parent[0] != -1:
        return math.inf
    if not ((tree.what[1:] >= 0) & (tree.what[1:] < things) & (tree.parent[1:] >= 0)).all():
        return math.inf
    packing, n = Packing(problem), len(problem.weight)
    prices = tree.prices
    if prices.ndim != 2 or prices.shape[1] != n or not np.isfinite(prices).all():
        return math.inf
    if (prices[:, ~problem.must] < 0).any() or (tree.price >= len(prices)).any():
        return math.inf
    children: dict[int, list[int]] = {}
    for node in range(1, len(tree.parent)):
        children.setdefault(int(tree.parent[node]), []).append(node)
    for parent, two in children.items():
        if len(two) != 2 or not parent < min(two) or len({int(tree.what[k]) for k in two}) > 1:
            return math.inf
        if {int(tree.at[k]) for k in two} != {0, 1}:
            return math.inf
    boxes: list[Box | None] = []
    worst = target
    for node in range(len(tree.parent)):
        above = boxes[tree.parent[node]] if node else packing.box()
        if above is None:
            boxes.append(None)
            continue
        box = above.decided(packing, int(tree.what[node]), int(tree.at[node])) if node else above
        if tree.price[node] < 0:
            boxes.append(box)
            if node not in children:
                return math.inf
            continue
        v = prices[tree.price[node]]
        left = packing.fixed(v, box, target)
        boxes.append(left)
        if left is not None and node not in children:
            worst = max(worst, packing.bound(v, box)[0])
    return worst
