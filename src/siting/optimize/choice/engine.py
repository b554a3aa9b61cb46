"""Maximum capture: which columns to open so that they capture most against what else there is to choose.

Greedy plans and interchange give the plan, cuts of the concave capture the bound, and branch and bound closes the gap:
S. Benati and P. Hansen, "The maximum capture problem with random utilities: problem formulation and algorithms",
European Journal of Operational Research 143 (3), 2002, pp. 518-530; Ljubić and Moreno, see `Market.cut`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from siting.numbers import Bools, Floats
from siting.optimize.branch_and_bound import BranchAndBound
from siting.optimize.choice.cuts import Cuts, MarketProof, Master, bound_of_market
from siting.optimize.choice.plans import Plans
from siting.optimize.choice.problem import Market
from siting.optimize.control import Control
from siting.optimize.relaxation import Multipliers
from siting.optimize.solution import SAME

__all__ = ["Capture", "fewest_for_target", "most_captured"]

#: Rounds of cuts at the root, and at a node.
ROOT, NODE = 250, 3
#: Names in progress and `Plan.engine`.
ENGINE = "capture"


@dataclass(frozen=True, eq=False)
class Capture:
    """What an engine found: columns of the market (None without a plan), what they capture, or how many open, and the
    bound with its proof; *market* is the one of the proof."""

    x: Bools | None
    value: float
    bound: float
    status: str
    proof: MarketProof | None
    market: Market


class _Model:
    """A market in the words of `BranchAndBound`."""

    must: Any = False
    grain = 0.0

    def __init__(self, market: Market) -> None:
        self.market, size = market, market.size
        self.lower, self.upper = np.zeros(size), np.ones(size)
        self.constant, self.value = 0.0, np.zeros(size)

    def is_feasible(self, x: Bools) -> bool:
        return self.market.keeps(x)

    def objective(self, x: Bools) -> float:
        return self.market.captured(x)


class _Terms(Cuts):
    """Cuts in the words of `BranchAndBound`."""

    def __init__(self, market: Market, points: list[Floats]) -> None:
        super().__init__(market)
        self.model, self.w = _Model(market), np.zeros(0)
        for point in points:
            self.add(point)


class _Relaxation:
    """The master in the words of `BranchAndBound`: boxes and bases of nodes."""

    def __init__(self, master: Master, search: _Search) -> None:
        self.master, self.search = master, search
        self.relaxation = master  # whose `simplex` is asked for a basis

    def go(self, node: Any, seconds: float = math.inf) -> None:
        """Set the box of a node; the dual simplex goes on from wherever it stands."""
        self.master.set_box(node.lower, node.upper)

    def probe(self, node: Any, column: int, at: int) -> float:
        """Estimate the bound after a decision on one column."""
        lower, upper = node.lower.copy(), node.upper.copy()
        lower[column] = upper[column] = float(at)
        solved = self.master.solve(lower, upper, self.search.control.seconds_left, 0, -math.inf)
        return node.bound if solved.x is None else self.master.cuts.bound(solved, lower, upper)[0]

    def solve(self, lower: Floats, upper: Floats, seconds: float) -> Multipliers:
        """Solve in a box, with a few new cuts."""
        return self.master.solve(lower, upper, seconds, NODE, self.search.limit)


class _Search(BranchAndBound):
    """The branch and bound of a market."""

    def __init__(self, market: Market, points: list[Floats], plans: Plans, control: Control, report: Any = None) -> None:
        self.cuts = _Terms(market, points)
        self.master = Master(self.cuts)
        super().__init__(self.cuts, control, plans.rounded, report)  # type: ignore[arg-type]
        self._reduced = _Relaxation(self.master, self)  # type: ignore[assignment]

    def root(self) -> None:
        """Bound the root."""
        model = self.cuts.model
        enough = -math.inf if self.x is None and self.ceiling is None else self.limit
        solved = self.master.solve(model.lower, model.upper, self.control.seconds_left, ROOT, enough)
        if solved.x is not None:
            self.offer(self.round_x(solved.x, model.lower, model.upper))
        self.begin(solved)

    def proof(self) -> MarketProof:
        """Return the points and the tree."""
        count = len(self.cuts.points)
        used = sorted({p for p in self.tree.price if p >= 0})
        kept = np.zeros(count, bool)
        for p in used:
            kept[: len(self.tree.v[p])] |= self.tree.v[p] > 0
        at = np.flatnonzero(kept)
        for p in used:
            self.tree.v[p] = np.pad(self.tree.v[p], (0, count - len(self.tree.v[p])))[at]
        return MarketProof(np.array([self.cuts.points[k] for k in at]).reshape(len(at), -1), self.tree.proof())


def most_captured(market: Market, control: Control, start: Bools | None = None) -> Capture:
    """Open columns that capture most; *start* is a plan that keeps the rows, if one is known."""
    plans = Plans(market, control)
    best = plans.first(start)
    points = [np.zeros(market.size)] + ([] if best is None else [best.astype(float)])
    search = _Search(market, points, plans, control)
    search.offer(best)
    search.root()
    finished = search.run()
    if search.x is None:
        status = "infeasible" if finished else control.status
        bound = -math.inf if finished else min(search.bound, market.total)
        return Capture(None, -math.inf, bound, status, search.proof(), market)
    proof, value = search.proof(), search.value
    bound = max(value, min(search.bound, market.total))
    proven = finished or bound - value <= SAME * abs(value)
    return Capture(search.x, value, value if proven else bound, "optimal" if proven else control.status, proof, market)
