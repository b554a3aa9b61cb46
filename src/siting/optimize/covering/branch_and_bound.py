"""Branch and bound on the dual form: branching on columns, bounds in closed form, and the tree kept as a `Proof`.

Every node has multipliers for the original model, rounded as in the proof, and its bound is computed from them, never
taken from the solver. The multipliers of a node fix columns for its subtree (reduced-cost fixing). The search runs on a
smaller model, without the columns fixed at the root, and multipliers are mapped back to the model of the proof.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, TypeAlias

import numpy as np

from siting.numbers import Bools, Floats
from siting.optimize.control import Control
from siting.optimize.covering.presolve import reduce
from siting.optimize.covering.relaxation import Lagrangian, Multipliers, Relaxation
from siting.optimize.proof import ProofTree
from siting.optimize.solution import GRAIN_TOLERANCE, SAME, floored

__all__ = ["BranchAndBound", "ReducedRelaxation", "Report"]

#: Strong branching: number of columns tried, and iterations on each side.
TRIED, TRIED_STEPS = 8, 60


@dataclass(frozen=True, eq=False)
class _Node:
    """An open node: box, bound, x of the relaxation, basis of the solver, whether its multipliers fix columns."""

    index: int
    lower: Floats
    upper: Floats
    bound: float
    x: Floats | None
    basis: Any
    fixes: bool


#: Makes a plan from the x of a relaxation and its box; None if it finds none.
Rounding: TypeAlias = Callable[[Floats, Floats, Floats], Bools | None]
Report: TypeAlias = Callable[[float | None, float], bool]


class BranchAndBound:
    """One search, which can continue after a stop.

    *terms* are of the model of the proof. *report* takes (value or None, bound) and returns whether to stop. With a
    `ceiling`, nodes with a bound up to it are closed; a plan with the value `wanted` ends the search.
    """

    def __init__(self, terms: Lagrangian, control: Control, round_x: Rounding, report: Report | None = None) -> None:
        model = terms.model
        self.terms, self.control, self.round_x = terms, control, round_x
        self.report = report or (lambda value, bound: control.report("search", value, bound))
        self.ceiling: float | None = None
        self.wanted, self.grain = math.inf, model.grain
        self.x: Bools | None = None
        self.value = -math.inf
        #: Below the value of any plan: such a bound proves that there is no plan.
        low = model.constant + float(np.minimum(model.value, 0).sum() + np.minimum(terms.w, 0).sum())
        self.worst = low - 1.0 - abs(low)
        self.tree = ProofTree(self.grain)
        self.nodes = 0
        self._reduced: ReducedRelaxation | None = None
        self._open: list[tuple[float, int, _Node]] = []
        self._closed = -math.inf
        #: Pseudo-costs of (column, value): decrease of the bound per unit of x, summed, and its count.
        self._falls: dict[tuple[int, int], tuple[float, int]] = {}

    @property
    def limit(self) -> float:
        """Nodes with a bound up to this are closed."""
        if self.ceiling is not None:
            return self.ceiling
        if self.x is None:
            return self.worst
        return self.value + (self.grain * (1 - 2 * GRAIN_TOLERANCE) if self.grain > 0 else SAME * abs(self.value))

    @property
    def bound(self) -> float:
        """The bound of the current nodes; not rounded to the grain."""
        return max(self._closed, -self._open[0][0] if self._open else -math.inf)

    def offer(self, x: Bools | None) -> None:
        """Keep a plan if it is feasible and better."""
        model = self.terms.model
        if x is not None and model.is_feasible(x) and (value := model.objective(x)) > self.value:
            self.value, self.x = value, x

    def begin(self, multipliers: Multipliers) -> None:
        """Start from the multipliers of the root."""
        self._add_node((-1, -1, -1), self.terms.model.lower, self.terms.model.upper, multipliers, None, 0)

    def run(self, most: int | None = None) -> bool:
        """Search until no node is open; False when stopped before (time, Ctrl-C, gap, *most* nodes)."""
        while self._open and self.value < self.wanted:
            # Open nodes are closed once a plan is as good as their bound.
            if -self._open[0][0] <= self.limit:
                self._closed = max(self._closed, -self._open[0][0])
                self._open = []
                break
            value = None if self.x is None else self.value
            if (most is not None and self.nodes >= most) or self.report(value, floored(self.bound, self.grain)):
                return False
            entry = heapq.heappop(self._open)
            if not self._branch(entry[2]):
                heapq.heappush(self._open, entry)
                return False
        return True

    def _add_node(
        self, decision: tuple[int, int, int], lower: Floats, upper: Floats, solved: Multipliers, basis: Any, rank: int
    ) -> _Node | None:
        """Add a node (of parent, column, at) to the tree, fix columns by its multipliers; None when it is closed."""
        solved = self._along_ray(solved, lower, upper)
        v = self.tree.rounded(np.where(self.terms.model.must, solved.v, np.maximum(solved.v, 0.0)))
        m = np.maximum(solved.m, 0.0)
        bound, r = self.terms.bound(Multipliers(v.astype(float), solved.y, m), lower, upper)
        index = self.tree.add(*decision, self.tree.keep(v, solved.y, m))
        self.nodes += 1
        decided = not (lower < upper).any()
        if decided and bound > self.limit:
            self.offer(lower > 0)
        if decided or bound <= self.limit:
            self._closed = max(self._closed, bound)
            return None
        shut, opened = self._reduced_cost_fixing(bound, r, lower, upper)
        lower, upper = np.where(opened, 1.0, lower), np.where(shut, 0.0, upper)
        fixed = np.flatnonzero(shut | opened)
        if len(fixed):
            self.tree.fixed.append((index, fixed, opened[fixed].astype(np.int64)))
            self._closed = max(self._closed, float((bound - np.abs(r[fixed])).max()))
        node = _Node(index, lower, upper, bound, solved.x, basis, len(fixed) > 0)
        # Of nodes with equal bounds the last is first, and the likely side: the search dives until it has a plan.
        heapq.heappush(self._open, (-floored(bound, self.grain), -rank, node))
        return node

    def _reduced_cost_fixing(self, bound: float, r: Floats, lower: Floats, upper: Floats) -> tuple[Bools, Bools]:
        """Columns that are shut, and open, in every plan of the box that is better than the best known."""
        free, limit = lower < upper, self.limit
        shut = free & (r < 0) & (bound + r <= limit)
        opened = free & (r > 0) & (bound - r <= limit)
        if not (free & ~shut & ~opened).any():
            # One plan is left, which these multipliers may bound loosely: branch on a last column.
            last = np.flatnonzero(free)[np.argmin(np.abs(r[free]))]
            shut[last] = opened[last] = False
        return shut, opened

    def _along_ray(self, solved: Multipliers, lower: Floats, upper: Floats) -> Multipliers:
        """Follow a ray until the bound closes the node: the solver's, else one of a rule that no plan keeps.

        A box of one plan is bounded by what it is worth.
        """
        if solved.x is None:
            rays = [] if solved.ray is None else [solved.ray]
            for v, y, m in chain(rays, self.terms.rays(lower, upper)):
                steps = (4.0**k for k in range(60))
                further = (Multipliers(solved.v + step * v, solved.y + step * y, solved.m + step * m) for step in steps)
                for each in further:
                    if self.terms.bound(each, lower, upper)[0] <= self.limit:
                        return each
        bound = self.terms.bound(solved, lower, upper)[0]
        if bound <= self.limit or (lower < upper).any():
            return solved
        exact = self.terms.exact(lower > 0)
        return exact if self.terms.bound(exact, lower, upper)[0] < bound else solved

    def _branch(self, node: _Node) -> bool:
        """Split a node; False, and nothing changed, when the time was up before."""
        if self._reduced is None:
            self._reduced = ReducedRelaxation(self.terms, node.lower, node.upper)
        reduced = self._reduced
        reduced.go(node, self.control.seconds_left)
        if self.control.must_stop:
            return False
        x = node.x if node.x is not None else np.zeros(len(node.lower))
        column = self._branching_column(node, reduced, x)
        prefer, sides = int(x[column] >= 0.5), []
        for at in (prefer, 1 - prefer):
            lower, upper = node.lower.copy(), node.upper.copy()
            lower[column] = upper[column] = float(at)
            reduced.go(node, self.control.seconds_left)
            solved = reduced.solve(lower, upper, self.control.seconds_left)
            if solved.x is None and solved.ray is None and self.control.time_limit is not None:
                return False  # its prices bound worse than those of the node
            sides.append((at, lower, upper, solved, reduced.relaxation.simplex.basis()))
        if not node.fixes:
            self.tree.price[node.index] = -1  # its children bound it
        for at, lower, upper, solved, basis in sides:
            rank = 2 * node.index + (at == prefer)
            child = self._add_node((node.index, column, at), lower, upper, solved, basis, rank)
            if solved.x is not None:
                fall = node.bound - (child.bound if child else self.limit)
                self._update_pseudo_cost(column, at, x[column], fall)
                if child is not None and (self.nodes % 8 < 2 or child.bound >= self.bound):
                    self.offer(self.round_x(solved.x, child.lower, child.upper))
        return True

    def _update_pseudo_cost(self, column: int, at: int, x: float, fall: float) -> None:
        distance = x if at == 0 else 1 - x
        if distance > 1e-6:
            total, count = self._falls.get((column, at), (0.0, 0))
            self._falls[column, at] = (total + max(fall, 0.0) / distance, count + 1)

    def _branching_column(self, node: _Node, reduced: ReducedRelaxation, x: Floats) -> int:
        """Choose a column by pseudo-costs or by trying both sides: reliability branching, trusting one observation.

        Achterberg, T., Koch, T. and Martin, A., 2005, Branching rules revisited, Operations Research Letters 33, pp.
        42-54.
        """
        free = np.flatnonzero(node.lower < node.upper)
        part = np.minimum(x[free], 1 - x[free])
        order = free[np.lexsort((free, -part))]
        fractional = order[: int((part > 1e-6).sum())]
        if not len(fractional):
            return int(order[0])
        scores = []
        for rank, j in enumerate(fractional.tolist()):
            known = [self._falls.get((j, at)) for at in (0, 1)]
            falls = [k[0] / k[1] * d for k, d in zip(known, (x[j], 1 - x[j]), strict=True) if k is not None]
            if len(falls) < 2 and rank < TRIED:
                falls = [max(node.bound - reduced.probe(node, j, at), 0.0) for at in (0, 1)]
                for at in (0, 1):
                    self._update_pseudo_cost(j, at, float(x[j]), min(falls[at], node.bound - self.limit))
            if len(falls) == 2:
                scores.append((-max(falls[0], 1e-9) * max(falls[1], 1e-9), j))
        return min(scores)[1] if scores else int(fractional[0])


class ReducedRelaxation:
    """The relaxation without fixed columns, and the map back to multipliers of the whole model."""

    def __init__(self, terms: Lagrangian, lower: Floats, upper: Floats) -> None:
        self.terms = terms
        small = reduce(replace(terms.model, lower=lower, upper=upper), replaced=False)
        self.columns, needs = small.columns, small.needs
        self.relaxation = Relaxation(Lagrangian(small.model))
        self.kept = np.flatnonzero(needs >= 0)
        self.at = needs[self.kept]
        #: 1 for the first of the needs that were merged.
        self.first = np.zeros(len(self.at))
        self.first[np.unique(self.at, return_index=True)[1]] = 1.0
        self.reached = terms.serves.T @ upper > 0
        self._root_basis: Any = None

    def go(self, node: _Node, seconds: float = math.inf) -> None:
        """Restore the basis of a node in the solver; that of the root is found first, for at most *seconds*."""
        self.relaxation.set_box(node.lower[self.columns], node.upper[self.columns])
        if node.basis is None and self._root_basis is None:
            self.relaxation.solve(seconds=seconds)
            self._root_basis = self.relaxation.simplex.basis()
        else:
            self.relaxation.simplex.back_to(self._root_basis if node.basis is None else node.basis)

    def probe(self, node: _Node, column: int, at: int) -> float:
        """Estimate the bound after a decision on one column of the whole model."""
        self.go(node)
        return self.relaxation.probe(int(np.searchsorted(self.columns, column)), at, TRIED_STEPS)

    def solve(self, lower: Floats, upper: Floats, seconds: float) -> Multipliers:
        """Solve in a box of the whole model; multipliers and x of the whole model."""
        self.relaxation.set_box(lower[self.columns], upper[self.columns])
        small = self.relaxation.solve(seconds=seconds)
        wide = self._wide(small.v, small.y, small.m, self.terms.w, self.relaxation.terms.w)
        ray, x = small.ray, None
        if ray is not None:
            ray = self._wide(*ray, np.zeros(len(self.terms.w)), np.zeros(len(self.relaxation.terms.w)))
        if small.x is not None:
            x = np.zeros(len(lower))
            x[self.columns] = small.x
            x = np.clip(x, lower, upper)
        return Multipliers(*wide, x, ray)

    def _wide(self, v: Floats, y: Floats, m: Floats, w: Floats, small_w: Floats) -> tuple[Floats, Floats, Floats]:
        """Divide the credit of merged needs in proportion to their worth."""
        small = self.relaxation.terms
        total = w + self.terms.shares_of @ m if len(m) else w
        small_total = small_w + small.shares_of @ m if len(m) else small_w
        whole = small_total[self.at]
        part = np.divide(total[self.kept], whole, out=np.zeros(len(whole)), where=whole != 0)
        part = np.where(whole != 0, part, self.first)  # worth nothing together: all to the first
        u = np.where(self.reached, 0.0, total)  # needs out of reach are credited to shut columns
        u[self.kept] = part * (small_total - v)[self.at]
        return total - u, y, m
