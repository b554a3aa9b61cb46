"""Branch and bound on the dual form: decisions on columns, bounds in closed form, and the tree kept as a `Proof`.

Every node has multipliers for the model it started from, rounded as the proof keeps them, and its bound is worked out
from those: what the solver says is never taken as a bound. From the multipliers of a node follow the decisions that its
subtree need not look at (reduced-cost fixing). The search runs on a smaller model, without what the root decided, and
multipliers are taken back from it to the one that the proof is for.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np

from siting.numbers import Bools, Floats, Ints
from siting.optimize.control import Control
from siting.optimize.model import Model
from siting.optimize.presolve import reduce
from siting.optimize.proof import Proof
from siting.optimize.relaxation import Dual, Lagrangian, Prices

__all__ = ["Goal", "Search", "Tree", "floored"]

#: How much of a grain a bound may miss a whole number of them: the last bits of a sum of thousands of terms.
GRAIN_SLACK = 1e-6
#: The same, as a share of the value, where no grain is known.
PLAIN_SLACK = 1e-9
#: What single precision rounds off, as a share of the sum: 6e-8 of each term, and a term counts for several columns.
SINGLE_SLACK = 1e-6
#: Columns tried out before one is chosen to branch on, and iterations spent on each side.
TRIED, TRIED_STEPS = 8, 60


def floored(bound: float, grain: float) -> float:
    """Round a bound down to a multiple of *grain*, 0 for none."""
    return math.floor(bound / grain + GRAIN_SLACK) * grain if grain > 0 and math.isfinite(bound) else bound


@dataclass
class Goal:
    """What a bound must not pass for a node to be done with: what is known to be possible, or a wanted value.

    Attributes
    ----------
    value
        Best objective known; minus infinity without a plan.
    grain
        Of the objective.
    worst
        Below what any plan is worth: a bound down there says that there is no plan.
    ceiling, wanted
        When given, bounds up to the ceiling are done with, whatever is known, and a plan worth what is wanted ends the
        search.
    """

    value: float
    grain: float
    worst: float
    ceiling: float | None = None
    wanted: float = math.inf

    @property
    def limit(self) -> float:
        """Bounds up to this are done with."""
        if self.ceiling is not None:
            return self.ceiling
        if not math.isfinite(self.value):
            return self.worst
        if self.grain > 0:
            return self.value + self.grain * (1 - 2 * GRAIN_SLACK)
        return self.value + PLAIN_SLACK * abs(self.value)

    @classmethod
    def of(cls, model: Model, w: Floats) -> Goal:
        """Return the goal of a model without a plan."""
        low = model.constant + float(np.minimum(model.value, 0).sum() + np.minimum(w, 0).sum())
        return cls(-math.inf, model.grain, low - 1.0 - abs(low))


@dataclass
class Tree:
    """The tree of decisions as it grows; `proof` gives it as arrays.

    Multipliers are kept in single precision where what that rounds off is far from a *grain* of the objective.
    """

    grain: float = 0.0
    parent: list[int] = field(default_factory=list)
    column: list[int] = field(default_factory=list)
    at: list[int] = field(default_factory=list)
    price: list[int] = field(default_factory=list)
    prices: list[Prices] = field(default_factory=list)
    fixed: list[tuple[int, Ints, Ints]] = field(default_factory=list)

    def add(self, parent: int, column: int, at: int, price: int) -> int:
        """Add a node, bounded by the prices *price*."""
        self.parent.append(parent)
        self.column.append(column)
        self.at.append(at)
        self.price.append(price)
        return len(self.parent) - 1

    def keep(self, prices: Prices) -> tuple[int, Prices]:
        """Keep multipliers, in the precision of the proof; return their row and what they have become."""
        single = SINGLE_SLACK * float(np.abs(prices.v).sum()) < self.grain
        v = np.asarray(prices.v, np.float32 if single else np.float64)
        kept = Prices(v.astype(float), prices.y, prices.m)
        # Trees hold thousands of these, and the bound is of what is held.
        self.prices.append(Prices(v, prices.y, prices.m))  # type: ignore[arg-type]
        return len(self.prices) - 1, kept

    def proof(self) -> Proof:
        """Return the tree as arrays."""
        fixed = self.fixed or [(0, np.zeros(0, np.int64), np.zeros(0, np.int64))]
        used = sorted({p for p in self.price if p >= 0})
        new = {p: k for k, p in enumerate(used)}
        return Proof(
            parent=np.array(self.parent, np.int64),
            column=np.array(self.column, np.int64),
            at=np.array(self.at, np.int64),
            price=np.array([new.get(p, -1) for p in self.price], np.int64),
            v=np.array([self.prices[p].v for p in used]),
            y=np.array([self.prices[p].y for p in used]),
            m=np.array([self.prices[p].m for p in used]),
            fixed_node=np.concatenate([np.full(len(c), n, np.int64) for n, c, _ in fixed]),
            fixed_column=np.concatenate([c for _, c, _ in fixed]).astype(np.int64),
            fixed_at=np.concatenate([a for _, _, a in fixed]).astype(np.int64),
        )


@dataclass(frozen=True, eq=False)
class _Node:
    """An open node: box, bound, x of the relaxation, where the solver goes on, whether its multipliers fix columns."""

    index: int
    lower: Floats
    upper: Floats
    bound: float
    x: Floats | None
    basis: Any
    fixes: bool


#: Makes a plan from the x of a relaxation and the box it was solved in; None when it finds none.
Polish: TypeAlias = Callable[[Floats, Floats, Floats], Bools | None]


class Search:
    """One branch and bound, which can be asked to go on.

    Parameters
    ----------
    terms
        The model that the proof is for.
    control
        Asked at every node whether to stop.
    goal
        When a node is done with.
    polish
        Makes a plan from (x of the relaxation, lower, upper), or None.
    tell
        Given (value or None, bound), tells the user, and says whether to stop; `Control.report` when not given.
    """

    def __init__(
        self,
        terms: Lagrangian,
        control: Control,
        goal: Goal,
        polish: Polish,
        tell: Callable[[float | None, float], bool] | None = None,
    ) -> None:
        self.terms, self.control, self.goal, self.polish = terms, control, goal, polish
        self.tell = tell or (lambda value, bound: control.report("search", value, bound))
        self.x: Bools | None = None
        self._small: _Small | None = None
        self.tree = Tree(goal.grain)
        self.nodes = 0
        self._open: list[tuple[float, int, _Node]] = []
        self._closed = -math.inf
        self._fall: dict[tuple[int, int], tuple[float, int]] = {}

    @property
    def bound(self) -> float:
        """What no plan can beat, by the nodes as they stand; not rounded to the grain."""
        return max(self._closed, -self._open[0][0] if self._open else -math.inf)

    def found(self, x: Bools | None) -> None:
        """Take a plan when it keeps the rules and is better."""
        model = self.terms.model
        if x is None or not model.is_feasible(x):
            return
        value = model.objective(x)
        if value > self.goal.value:
            self.goal.value, self.x = value, x

    def begin(self, prices: Prices) -> None:
        """Start from the multipliers of the root."""
        model = self.terms.model
        self._enter(-1, -1, -1, model.lower, model.upper, prices, None)

    def run(self, most: int | None = None) -> bool:
        """Search until nothing is open; False when stopped before (time, Ctrl-C, gap, *most* nodes)."""
        while self._open and self.goal.value < self.goal.wanted:
            # A node is done with once the best plan has caught up with it.
            if -self._open[0][0] <= self.goal.limit:
                self._closed = max(self._closed, -self._open[0][0])
                self._open = []
                break
            value = self.goal.value if math.isfinite(self.goal.value) else None
            if (most is not None and self.nodes >= most) or self.tell(value, floored(self.bound, self.goal.grain)):
                return False
            self._branch(heapq.heappop(self._open)[2])
        return True

    def _enter(
        self,
        parent: int,
        column: int,
        at: int,
        lower: Floats,
        upper: Floats,
        prices: Prices,
        basis: Any,
        rank: int = 0,
    ) -> _Node | None:
        """Add a node with its multipliers to the tree, fix what they decide, and leave it open or close it."""
        prices = self._beyond(prices, lower, upper)
        v = np.where(self.terms.model.must, prices.v, np.maximum(prices.v, 0.0))
        row, kept = self.tree.keep(replace(prices, v=v, m=np.maximum(prices.m, 0.0)))
        bound, r = self.terms.bound(kept, lower, upper)
        index = self.tree.add(parent, column, at, row)
        self.nodes += 1
        if bound <= self.goal.limit:
            self._closed = max(self._closed, bound)
            return None
        if not (lower < upper).any():
            self.found(lower > 0)
            self._closed = max(self._closed, bound)
            return None
        shut, opened = self._decided(bound, r, lower, upper)
        lower, upper = np.where(opened, 1.0, lower), np.where(shut, 0.0, upper)
        fixed = np.flatnonzero(shut | opened)
        if len(fixed):
            self.tree.fixed.append((index, fixed, opened[fixed].astype(np.int64)))
            self._closed = max(self._closed, float((bound - np.abs(r[fixed])).max()))
        node = _Node(index, lower, upper, bound, prices.x, basis, len(fixed) > 0)
        # Of nodes that could have the same value the last is first, and the likely side: it dives until it has a plan.
        heapq.heappush(self._open, (-floored(bound, self.goal.grain), -rank, node))
        return node

    def _decided(self, bound: float, r: Floats, lower: Floats, upper: Floats) -> tuple[Bools, Bools]:
        """Columns that are shut, and open, in every plan of the box that would be better than what is known."""
        free, limit = lower < upper, self.goal.limit
        shut = free & (r < 0) & (bound + r <= limit)
        opened = free & (r > 0) & (bound - r <= limit)
        if not (free & ~shut & ~opened).any():
            # One plan would be left, and these multipliers need not bound it closely: branch on a last column.
            last = np.flatnonzero(free)[np.argmin(np.abs(r[free]))]
            shut[last] = opened[last] = False
        return shut, opened

    def _beyond(self, prices: Prices, lower: Floats, upper: Floats) -> Prices:
        """Go along a ray until the bound is below what is wanted."""
        if prices.ray is None:
            return prices
        limit = self.goal.limit
        step = 1.0
        for _ in range(60):
            further = prices.along(step)
            if self.terms.bound(further, lower, upper)[0] <= limit:
                return further
            step *= 4.0
        return prices

    def _branch(self, node: _Node) -> None:
        if self._small is None:
            self._small = _Small(self.terms, node.lower, node.upper)
        small = self._small
        small.go(node)
        x = node.x if node.x is not None else np.zeros(len(node.lower))
        column = self._choose(node, small, x)
        if not node.fixes:
            self.tree.price[node.index] = -1  # its children bound it
        prefer = 1 if x[column] >= 0.5 else 0
        for at in (prefer, 1 - prefer):
            lower, upper = node.lower.copy(), node.upper.copy()
            lower[column] = upper[column] = float(at)
            small.go(node)
            prices = small.solve(lower, upper, self.control.seconds_left)
            rank = 2 * node.index + (at == prefer)
            child = self._enter(node.index, column, at, lower, upper, prices, small.dual.basis(), rank)
            if prices.x is not None:
                self._learn(column, at, x[column], node.bound - (child.bound if child else self.goal.limit))
            if child is not None and prices.x is not None and (self.nodes % 8 < 2 or child.bound >= self.bound):
                self.found(self.polish(prices.x, child.lower, child.upper))

    def _learn(self, column: int, at: int, x: float, fall: float) -> None:
        """Note by how much the bound fell for each unit that x was moved."""
        distance = x if at == 0 else 1 - x
        if distance > 1e-6:
            total, count = self._fall.get((column, at), (0.0, 0))
            self._fall[column, at] = (total + max(fall, 0.0) / distance, count + 1)

    def _choose(self, node: _Node, small: _Small, x: Floats) -> int:
        """Choose a column to branch on: by what the bound fell before, or by trying.

        Reliability branching (Achterberg, T., Koch, T. and Martin, A., 2005, Branching rules revisited, Operations
        Research Letters 33, pp. 42-54), trusting one observation.
        """
        free = np.flatnonzero(node.lower < node.upper)
        part = np.minimum(x[free], 1 - x[free])
        order = free[np.lexsort((free, -part))]
        fractional = order[: int((part > 1e-6).sum())]
        if not len(fractional):
            return int(order[0])
        scores = []
        for rank, j in enumerate(fractional.tolist()):
            known = [self._fall.get((j, at)) for at in (0, 1)]
            falls = [k[0] / k[1] * d for k, d in zip(known, (x[j], 1 - x[j]), strict=True) if k is not None]
            if len(falls) < 2 and rank < TRIED:
                falls = [max(node.bound - small.probe(node, j, at), 0.0) for at in (0, 1)]
                for at in (0, 1):
                    self._learn(j, at, float(x[j]), min(falls[at], node.bound - self.goal.limit))
            if len(falls) == 2:
                scores.append((-max(falls[0], 1e-9) * max(falls[1], 1e-9), j))
        return min(scores)[1] if scores else int(fractional[0])


class _Small:
    """The relaxation without what was decided above, and the way back to multipliers of the whole model."""

    def __init__(self, terms: Lagrangian, lower: Floats, upper: Floats) -> None:
        self.terms = terms
        model = terms.model
        reduced = reduce(replace(model, lower=lower, upper=upper), replaced=False)
        self.columns, needs = reduced.columns, reduced.needs
        self.dual = Dual(Lagrangian(reduced.model))
        self.kept = np.flatnonzero(needs >= 0)
        self.at = needs[self.kept]
        #: Of the needs that were merged the first one.
        self.first = np.zeros(len(self.at))
        self.first[np.unique(self.at, return_index=True)[1]] = 1.0
        self.reached = terms.serves.T @ upper > 0
        self.start: Any = None

    def go(self, node: _Node) -> None:
        """Put the solver where a node was left."""
        self.dual.restrict(node.lower[self.columns], node.upper[self.columns])
        if node.basis is not None:
            self.dual.back_to(node.basis)
        elif self.start is not None:
            self.dual.back_to(self.start)
        else:
            self.dual.solve()
            self.start = self.dual.basis()

    def probe(self, node: _Node, column: int, at: int) -> float:
        """Try a decision on one column of the whole model."""
        self.go(node)
        where = int(np.searchsorted(self.columns, column))
        return self.dual.probe(where, at, TRIED_STEPS)

    def solve(self, lower: Floats, upper: Floats, seconds: float) -> Prices:
        """Solve in a box of the whole model; prices and x of the whole model."""
        self.dual.restrict(lower[self.columns], upper[self.columns])
        prices = self.dual.solve(seconds=seconds)
        wide = self._wide(prices.v, prices.y, prices.m, self.terms.w, self.dual.terms.w)
        ray = None
        if prices.ray is not None:
            ray = self._wide(*prices.ray, np.zeros(len(self.terms.w)), np.zeros(len(self.dual.terms.w)))
        x = None
        if prices.x is not None:
            x = np.zeros(len(lower))
            x[self.columns] = prices.x
            x = np.clip(x, lower, upper)
        return Prices(*wide, x, prices.value, ray)

    def _wide(self, v: Floats, y: Floats, m: Floats, w: Floats, small_w: Floats) -> tuple[Floats, Floats, Floats]:
        """Share the credit of merged needs out in proportion to their worth."""
        small = self.dual.terms
        total = w + self.terms.shares_of @ m if len(m) else w
        small_total = small_w + small.shares_of @ m if len(m) else small_w
        whole = small_total[self.at]
        part = np.divide(total[self.kept], whole, out=np.zeros(len(whole)), where=whole != 0)
        part = np.where(whole != 0, part, self.first)  # worth nothing together: all to the first
        u = np.where(self.reached, 0.0, total)  # what is out of reach is credited to columns that are shut
        u[self.kept] = part * (small_total - v)[self.at]
        return total - u, y, m
