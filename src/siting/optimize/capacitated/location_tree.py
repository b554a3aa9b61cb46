"""Branch and bound over the columns of a location with capacities, with prices that prove every leaf."""

from __future__ import annotations

import heapq
import logging
from dataclasses import dataclass, replace

import numpy as np

from siting.numbers import Bools, Floats, Positions
from siting.optimize.capacitated.exchange import Exchange
from siting.optimize.capacitated.master import Master, Priced
from siting.optimize.capacitated.subgradients import Chosen, descend
from siting.optimize.capacitated.transport import Transport
from siting.optimize.control import Control
from siting.optimize.proof import Proof, ProofTree
from siting.optimize.solution import SAME

__all__ = ["Tree"]

log = logging.getLogger(__name__)
#: Rounds of subgradients at the root, with how many of them a cut is kept, and how their pace falls.
ROOT_ROUNDS, ROOT_EVERY, ROOT_PACES = 400, 10, (1.0, 0.5, 0.25, 0.12)
#: Rounds of wary subgradients at the root of a large problem, first and once there is a better plan, and their paces.
LARGE_ROUNDS, LARGE_PACES = (150, 100), (1.0, 0.5)
#: The same at a node, and how often cuts and subgradients take turns there.
NODE_ROUNDS, NODE_EVERY, NODE_PACE, TURNS = 40, 8, 0.2, 2
#: Cuts at the parts of a box, and what share of the gap one must win to be followed by another.
CUTS, WINS = 5, 0.02
#: How often people without a place are made dearer until a box without a choice is shown to be no plan.
TRIES = 4
#: Pairs up to which the tightest cuts are made.
TIGHT = 100_000
#: Columns whose part is nearer than this to 0 or 1 are whole.
WHOLE = 1e-5


def _bound(found: Priced) -> float:
    return found.bound


@dataclass(frozen=True, eq=False)
class Box:
    """Columns that are open for good and those that may be, the node of the proof, its bound, and the prices of it."""

    node: int
    bound: float
    lower: Bools
    upper: Bools
    found: Priced
    price: int


class Tree:
    """A search tree over boxes of columns, best bound first; `search.x` is the best plan."""

    def __init__(self, master: Master, search: Exchange, control: Control) -> None:
        self.master, self.search, self.control = master, search, control
        self.problem = master.problem
        self.chosen = Chosen(self.problem)
        self.tree = ProofTree(grain=0.0)
        self.tree.add(-1, -1, -1)
        self.bound, self.nodes = -np.inf, 1
        self.boxes: list[tuple[float, int, Box]] = []
        self.none = np.zeros(0)
        self.floor = np.inf  # the least bound of a box without a choice left

    @property
    def enough(self) -> float:
        """The bound from which a box has no better plan."""
        value = self.search.value
        return value - max(self.problem.grain * (1 - 1e-6), SAME * abs(value)) if np.isfinite(value) else np.inf

    @property
    def proof(self) -> Proof:
        """The tree so far, whose prices bound every leaf."""
        return self.tree.proof()

    @property
    def target(self) -> float:
        """The cost that subgradients aim at."""
        search = self.search
        return search.value if np.isfinite(search.value) else search.cost()

    def raise_root(self, v: Floats) -> bool:
        """Raise the bound of the root from prices of a plan; return whether the search ends here."""
        lower, upper = self.problem.lower > 0, self.problem.upper > 0
        self.master.add(v)
        found = self.master.evaluate(v, np.zeros(len(self.problem.low)), lower, upper, lower.astype(float))
        for number, pace in enumerate(ROOT_PACES):
            every = ROOT_EVERY * (2 if not number else 1)
            down = descend(self.problem, self.chosen, found.v, self.target, ROOT_ROUNDS, self.control,
                           enough=self.enough, pace=pace, every=every)  # fmt: skip
            for each in (*down.trail, down.v):
                self.master.add(each)
            if down.bound > found.bound:
                found = self.master.evaluate(down.v, down.y, lower, upper, down.part)
            self.bound = max(self.bound, found.bound)
            if self._ends("prices"):
                break
        else:
            found = self._better(found, self.master.solve(lower, upper))
            self.bound = max(self.bound, found.bound)
        self._root(lower, upper, found)
        return self._ends("prices")

    def raise_large(self, v: Floats | None = None) -> tuple[bool, list[Floats]]:
        """Raise the bound of the root of a large problem a little, from prices of a plan or once more.

        Returns whether the search ends here, and columns in parts: how often they were open, and by the cuts.
        """
        lower, upper = self.problem.lower > 0, self.problem.upper > 0
        again = v is None
        if v is None:
            found = self.boxes[0][2].found
        else:
            self.master.add(v)
            found = self.master.evaluate(v, np.zeros(len(self.problem.low)), lower, upper, lower.astype(float))
        down = descend(self.problem, self.chosen, found.v, self.target, LARGE_ROUNDS[again], self.control,
                       enough=self.enough, pace=LARGE_PACES[again], every=ROOT_EVERY, wary=True)  # fmt: skip
        for each in (*down.trail, down.v):
            self.master.add(each)
        if down.bound > found.bound:
            found = self.master.evaluate(down.v, down.y, lower, upper, down.part)
        found = self._better(found, self.master.solve(lower, upper))
        self.bound = max(self.bound, found.bound)
        self.tree.fixed.clear()  # what the prices before have proven
        self._root(lower, upper, found)
        return self._ends("prices"), [down.part, found.part]

    def _root(self, lower: Bools, upper: Bools, found: Priced) -> None:
        box = self._box(0, -np.inf, lower, upper, found)
        self.boxes = [(box.bound, 0, box)]
        self.search.free &= box.upper

    def _ends(self, step: str) -> bool:
        value = None if self.search.x is None else -self.search.value
        return bool(self.control.report(step, value, -self.bound)) or self.bound >= self.enough

    def fix_root(self) -> None:
        """Fix columns of the root by a better plan."""
        if len(self.boxes) == 1 and not self.boxes[0][2].node:
            box = self.boxes[0][2]
            lower, upper = self._fix(0, box.lower, box.upper, box.found)
            self.boxes = [(box.bound, 0, replace(box, lower=lower, upper=upper))]
            self.search.free &= upper

    def run(self) -> None:
        """Search until the best plan is proven, or the control stops it."""
        while self.boxes:
            self.bound = max(self.bound, min(self.floor, self.boxes[0][0]))
            if self._ends("tree"):
                return
            _, _, box = heapq.heappop(self.boxes)
            for child in self._split(box):
                heapq.heappush(self.boxes, (child.bound, child.node, child))
        self.bound = min(self.search.value, self.floor)

    def _better(self, one: Priced, other: Priced | None) -> Priced:
        """Return the better prices, with the parts of the second."""
        if other is None:
            return one
        return replace(other if other.bound > one.bound else one, part=other.part)

    def _box(self, node: int, above: float, lower: Bools, upper: Bools, found: Priced, price: int = -1) -> Box:
        """Keep the prices of a box, and fix columns by them."""
        price = self.tree.keep(found.v, found.y, self.none) if price < 0 else price
        self.tree.price[node] = price
        lower, upper = self._fix(node, lower, upper, found)
        return Box(node, max(above, found.bound), lower, upper, found, price)

    def _fix(self, node: int, lower: Bools, upper: Bools, found: Priced) -> tuple[Bools, Bools]:
        """Fix columns whose other state costs as much as the best plan."""
        free, r = upper & ~lower, found.reduced
        shut = free & (r < 0) & (found.bound - r >= self.enough)
        opens = free & (r > 0) & (found.bound + r >= self.enough)
        at = np.flatnonzero(shut | opens)
        if len(at) and len(at) == free.sum():  # leave one to branch on: these prices do not prove what remains
            left = np.abs(r[at]).argmin()
            shut[at[left]] = opens[at[left]] = False
            at = np.delete(at, left)
        if len(at):
            self.tree.fixed.append((node, at, opens[at].astype(np.int64)))
        return lower | opens, upper & ~shut

    def _split(self, box: Box) -> list[Box]:
        free = np.flatnonzero(box.upper & ~box.lower)
        if not len(free):
            self._decided(box)
            return []
        column = self._column(box, free)
        children = []
        for at in (1, 0):
            lower, upper = box.lower.copy(), box.upper.copy()
            (lower if at else upper)[column] = bool(at)
            node = self.tree.add(box.node, column, at)
            self.nodes += 1
            above = self._again(box.found, lower, upper)
            found = self._bounded(above, lower, upper)
            price = box.price if found.v is above.v else -1
            child = self._box(node, box.bound, lower, upper, found, price)
            if found.bound < self.enough:
                children.append(child)
        return children

    def _decided(self, box: Box) -> None:
        """Bound a box without a choice left: its ways are exact; rows that it breaks may cost anything."""
        problem, search = self.problem, self.search
        search.set(box.lower)
        search.keep()
        found, dear = box.found, search.transport.dear
        inside = problem.rows @ box.lower.astype(float)
        over, under = inside - problem.high, problem.low - inside
        for _ in range(TRIES):
            if found.bound >= self.enough:
                break
            v = search.transport.prices() if search.transport.lacking <= 0 else self._prices(box.lower, dear)
            y = np.where(over > 1e-9, dear, 0.0) - np.where(under > 1e-9, dear, 0.0)
            found = max(found, self.master.evaluate(v, y, box.lower, box.upper, box.found.part), key=_bound)
            dear *= 1e3
        self.tree.price[box.node] = self.tree.keep(found.v, found.y, self.none)
        self.floor = min(self.floor, max(box.bound, found.bound))

    def _prices(self, x: Bools, dear: float) -> Floats:
        transport = Transport(self.problem, int(x.sum()) + 1, dear)
        for j in np.flatnonzero(x):
            transport.open(int(j))
        return transport.prices()

    def _again(self, found: Priced, lower: Bools, upper: Bools) -> Priced:
        """Evaluate prices for another box."""
        return self.master.evaluate(found.v, found.y, lower, upper, found.part)

    def _bounded(self, found: Priced, lower: Bools, upper: Bools) -> Priced:
        """Raise the bound of a box by cuts and subgradients in turns; try the columns of its parts as a plan."""
        for turn in range(TURNS + 1):
            found = self._better(found, self.master.solve(lower, upper))
            if found.bound >= self.enough or self.control.must_stop:
                return found
            away = np.minimum(found.part, 1 - found.part).max(initial=0.0)
            if away <= WHOLE:
                self._try(found.part > 0.5, whole=True)
                self.master.add(self.search.transport.prices())
                continue
            if turn == TURNS:
                break
            self.chosen.set(lower, upper)
            down = descend(self.problem, self.chosen, found.v, self.target, NODE_ROUNDS, self.control,
                           enough=self.enough, pace=NODE_PACE / (1 + turn), every=NODE_EVERY)  # fmt: skip
            for each in (*down.trail[1:], down.v):
                self.master.add(each)
            if down.bound > found.bound:
                found = self.master.evaluate(down.v, down.y, lower, upper, found.part)
            if found.bound >= self.enough:
                return found
            if self.problem.cost.nnz <= TIGHT:
                found = self._tightened(found, lower, upper)
            if found.bound >= self.enough:
                return found
        if self.nodes % 20 == 0:
            self._try(found.part > 0.5, whole=False, among=found.part > WHOLE)
        return found

    def _tightened(self, found: Priced, lower: Bools, upper: Bools) -> Priced:
        """Raise the bound of a box by the tightest cuts at its parts, while that wins much."""
        center = None
        for number in range(CUTS):
            before = found.bound
            found = self._better(found, self.master.solve(lower, upper))
            if found.bound >= self.enough or self.control.must_stop:
                break
            if number and found.bound - before < WINS * (self.target - found.bound):
                break
            center = found.part if center is None else 0.5 * center + 0.5 * found.part
            self.master.separate(center)
        return found

    def _try(self, x: Bools, *, whole: bool, among: Bools | None = None) -> None:
        """Try columns as a plan, as they are or with exchanges of some columns."""
        self.search.set(x | self.search.must)
        if whole:
            self.search.keep()
        else:
            self.search.climb(3, among=among)

    def _column(self, box: Box, free: Positions) -> int:
        """Choose the column to decide: the most divided one."""
        part = box.found.part[free]
        return int(free[np.argmax(np.minimum(part, 1 - part))])
