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
from siting.optimize.choice.cuts import Cuts, MarketProof, Master
from siting.optimize.choice.plans import Plans
from siting.optimize.choice.problem import Market
from siting.optimize.control import Control
from siting.optimize.covering.branch_and_bound import BranchAndBound
from siting.optimize.covering.relaxation import Multipliers
from siting.optimize.solution import SAME

__all__ = ["Capture", "fewest_for_target", "most_captured"]

#: Rounds of cuts at the root, and at a node.
ROOT, NODE = 250, 3
#: Rounds after which a plan is made of the point.
SOME = 10
#: Rounds of cuts for a bound on the number of columns.
COUNTED = 40
#: Names in progress and `Plan.engine`.
ENGINE = "capture"


@dataclass(frozen=True, eq=False)
class Capture:
    """What an engine found: columns of the market (None without a plan), their value, and the bound with its proof.

    *market* is the one of the proof.
    """

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

    def rays(self, _lower: Floats, _upper: Floats) -> tuple[Any, ...]:
        return ()

    def exact(self, x: Bools) -> Multipliers:
        v = np.zeros((len(self.points) + 1, self.market.parts.number))
        v[self.add(x.astype(float))] = 1.0
        return Multipliers(v.ravel(), np.zeros(len(self.market.low)), np.zeros(0))


class _Relaxation:
    """The master in the words of `BranchAndBound`: boxes and bases of nodes."""

    def __init__(self, master: Master, search: _Search) -> None:
        self.master, self.search = master, search
        self.relaxation = master  # whose `simplex` is asked for a basis

    def go(self, node: Any, _seconds: float = math.inf) -> None:
        """Set the box of a node; the dual simplex goes on from wherever it stands."""
        self.master.set_box(node.lower, node.upper)

    def probe(self, node: Any, column: int, at: int) -> float:
        """Estimate the bound after a decision on one column."""
        lower, upper = node.lower.copy(), node.upper.copy()
        lower[column] = upper[column] = float(at)
        solved = self.master.solve(lower, upper, self.search.control, 0, -math.inf)
        return node.bound if solved.x is None else self.master.cuts.bound(solved, lower, upper)[0]

    def solve(self, lower: Floats, upper: Floats, _seconds: float) -> Multipliers:
        """Solve in a box, with a few new cuts."""
        return self.master.solve(lower, upper, self.search.control, NODE, self.search.limit)


class _Search(BranchAndBound):
    """The branch and bound of a market."""

    def __init__(self, market: Market, points: list[Floats], plans: Plans, control: Control) -> None:
        self.cuts = _Terms(market, points)
        self.master = Master(self.cuts)
        super().__init__(self.cuts, control, plans.rounded)  # type: ignore[arg-type]  # which asks no more of its terms
        self._reduced = _Relaxation(self.master, self)  # type: ignore[assignment]  # nor of its relaxation

    @property
    def limit(self) -> float:
        """Nodes with a bound up to this are closed; half of what counts as the same, for a proof added up anew."""
        if self.ceiling is not None or self.x is None:
            return super().limit
        return self.value + 0.5 * SAME * abs(self.value)

    def root(self) -> None:
        """Bound the root."""
        model = self.cuts.model
        enough = -math.inf if self.x is None and self.ceiling is None else self.limit
        best: Multipliers | None = None
        least = math.inf
        for turn in range(ROOT // SOME):
            solved = self.master.solve(model.lower, model.upper, self.control, SOME, enough, goes_on=turn > 0)
            bound = self.cuts.bound(solved, model.lower, model.upper)[0]
            if best is None or bound < least:
                best, least = solved, bound
            if solved.x is not None:
                self.offer(self.round_x(solved.x, model.lower, model.upper))
            now = None if self.x is None else self.value
            done = self.report(now, least) or self.master.converged or least <= self.limit
            if done or (self.ceiling is not None and self.value >= self.wanted):
                break
            enough = enough if math.isinf(enough) else self.limit
        assert best is not None
        self.begin(best)

    def proof(self) -> MarketProof:
        """Return the points and the tree."""
        count, parts = len(self.cuts.points), self.master.parts
        used = sorted({p for p in self.tree.price if p >= 0})
        kept = np.zeros(count, bool)
        for p in used:
            v = self.tree.v[p] = np.pad(self.tree.v[p], (0, count * parts - len(self.tree.v[p]))).reshape(count, parts)
            kept |= (v > 0).any(axis=1)
        at = np.flatnonzero(kept)
        for p in used:
            self.tree.v[p] = self.tree.v[p][at].ravel()
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
    proven = bound - value <= SAME * abs(value)
    return Capture(search.x, value, value if proven else bound, "optimal" if proven else control.status, proof, market)


def fewest_for_target(
    market: Market, counted: Bools, target: float, control: Control, start: Bools | None = None
) -> Capture:
    """Open as few of the columns *counted* as possible so that *target* is captured.

    `value` and `bound` are numbers of columns, below 0 as the engines maximise. The proof is for the market with one
    column less than the bound, where less than the target is captured.
    """
    enough = target * (1 - SAME) if target > 0 else target
    best = _enough(market, enough, control, start)
    if best is None:
        asked = _decide(market, enough, control, None)
        if asked.x is None:
            bound = -math.inf if asked.status == "infeasible" else 0.0
            return Capture(None, -math.inf, bound, asked.status, asked.proof, market)
        best = asked.x
    best = _spared(market, best, counted, enough, control)
    low, shown = _least_count(market, counted, int(best[counted].sum()), enough, control)
    status = control.status
    while True:
        count = int(best[counted].sum())
        if count <= low:
            status = "optimal"
            break
        if control.report(ENGINE, -float(count), -float(low)):
            break
        fewer = market.limited(counted, count - 1.0)
        report = _CountReport(control, -float(count), -float(low))
        asked = _decide(fewer, enough, report, best)
        if asked.x is not None:
            best = _spared(market, asked.x, counted, enough, control)
        elif asked.status == "infeasible":
            low, shown, status = count, asked, "optimal"
            break
        else:
            status = control.status
            break
    value, proof = -float(best[counted].sum()), None if shown is None else shown.proof
    return Capture(best, value, -float(low), status, proof, market if shown is None else shown.market)


class _CountReport(Control):
    """The control of a question on the way: it reports the numbers of columns that are known."""

    def __init__(self, outer: Control, value: float, bound: float) -> None:
        vars(self).update(vars(outer.for_subproblem()))
        self.outer, self.known = outer, (value, bound)

    # The numbers of the question are not those that are told.
    def report(self, step: str, value: float | None = None, bound: float | None = None) -> bool:  # noqa: ARG002
        """Report the numbers; the question ends with the time only."""
        self.outer.report(step, *self.known)
        return self.must_stop


def _decide(market: Market, enough: float, control: Control, near: Bools | None) -> Capture:
    """Find a plan that captures enough, or show that there is none ("infeasible")."""
    plans = Plans(market, control)
    best = plans.first(None if near is None else _nearest(market, near))
    points = [np.zeros(market.size)] + ([] if best is None else [best.astype(float)])
    search = _Search(market, points, plans, control)
    search.ceiling, search.wanted = enough - SAME * abs(enough), enough
    search.offer(best)
    if search.value < enough:
        search.root()
    finished = search.value >= enough or search.run()
    x = search.x if search.value >= enough else None
    status = "optimal" if x is not None else "infeasible" if finished else control.status
    return Capture(x, search.value, search.bound, status, None if x is not None else search.proof(), market)


def _nearest(market: Market, x: Bools) -> Bools:
    """Shut the columns without which most is captured, until the rows are kept."""
    x = x.copy()
    order = np.flatnonzero(x)[np.argsort(_losses(market, x)[x], kind="stable")]
    for j in order.tolist():
        if market.keeps(x):
            break
        x[j] = False
    return x


def _losses(market: Market, x: Bools) -> Floats:
    """Return what is not captured without each open column, the others unchanged."""
    by, own = market.by_column, np.asarray(market.utility @ x.astype(float), float)
    column = np.repeat(np.arange(by.shape[0]), np.diff(by.indptr))
    there, d = own[by.indices], market.other[by.indices]
    rest = np.maximum(there - by.data, 0.0)
    rest[rest <= 1e-12 * there] = 0.0
    now = np.divide(there, there + d, out=np.zeros(len(there)), where=there > 0)
    then = np.divide(rest, rest + d, out=np.zeros(len(there)), where=rest > 0)
    lost = np.bincount(column, market.weight[by.indices] * (now - then), market.size)
    return np.where(x, lost, 0.0)


def _enough(market: Market, enough: float, control: Control, start: Bools | None) -> Bools | None:
    """Make a plan that captures enough, greedily; None where that finds none."""
    begin = np.zeros(market.size, bool) if start is None or not market.keeps(start) else start
    if not market.keeps(begin):
        return None
    x = Plans(market, control.with_grace(1.0)).filled(begin, until=enough)
    return x if market.captured(x) >= enough else None


def _spared(market: Market, x: Bools, counted: Bools, enough: float, control: Control) -> Bools:
    """Shut counted columns that the target does not need, those that lose least first."""
    while not control.must_stop:
        spare = market.captured(x) - enough
        lost = np.where(x & counted, _losses(market, x), np.inf)
        for j in np.argsort(lost, kind="stable")[: int((lost <= spare).sum())].tolist():
            fewer = x.copy()
            fewer[j] = False
            if market.keeps(fewer) and market.captured(fewer) >= enough:
                x = fewer
                break
            if control.must_stop:
                break
        else:
            break
    return x


def _least_count(
    market: Market, counted: Bools, most: int, enough: float, control: Control
) -> tuple[int, Capture | None]:
    """Return how many columns are needed by the bound of the relaxation, and what shows that one less is too few."""
    low, high, shown = 0, most, None
    while low < high and not control.must_stop:
        middle = (low + high) // 2
        fewer = market.limited(counted, float(middle))
        search = _Search(fewer, [np.zeros(market.size)], Plans(fewer, control), control.for_subproblem())
        search.ceiling = enough - SAME * abs(enough)
        box = search.cuts.model.lower, search.cuts.model.upper
        solved = search.master.solve(*box, control, COUNTED, search.limit)
        search.begin(solved)
        if search.bound <= search.limit:
            shown = Capture(None, -math.inf, search.bound, "infeasible", search.proof(), fewer)
            low = middle + 1
        else:
            high = middle
    return low, shown
