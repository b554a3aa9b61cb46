"""The median between points: distances are computed for the needs and columns that prices ask for, never all pairs.

A term max(0, price_i - d_ij) of the Lagrangian bound is 0 for all columns farther than the price of a need. So the
bound of the whole problem needs the pairs within the prices only, whatever else there is. Prices are lowered on the
columns that collect most; then all columns are looked at once, those that collect more join, and those that can be in
no better plan are closed. What is left is a median problem with a table, in which a need counts at most its price and
the gap: a plan that serves one from farther is no better than the best known.

Prices as lists that grow: S. García, M. Labbé and A. Marín, "Solving large p-median problems with a radius
formulation", INFORMS Journal on Computing 23 (4), 2011, pp. 546-556; C. Duran-Mateluna, Z. Alès and S. Elloumi, "An
efficient Benders decomposition for the p-median problem", European Journal of Operational Research 308 (1), 2023,
pp. 84-96.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array
from scipy.spatial import cKDTree

from siting.messages import Message
from siting.numbers import Bools, Floats, Ints
from siting.optimize.control import Control
from siting.optimize.first_plan import GRACE
from siting.optimize.median import median_kernels as kernels
from siting.optimize.median.alternate import alternate
from siting.optimize.median.interchange import CountLimits, interchange, sorted_pairs
from siting.optimize.median.median import solve_median
from siting.optimize.median.median_kernels import SortedPairs
from siting.optimize.model import Model
from siting.optimize.points import PointProblem, PointProof, best_of, collected
from siting.optimize.solution import SAME

__all__ = ["PointSolution", "solve_point_median"]

log = logging.getLogger(__name__)

ENGINE = "Lagrangian median of points"
#: Columns of each that is open on which prices are lowered, and the fewest.
ACTIVE, FEWEST = 30, 800
#: Rounds of subgradients between two looks at all columns while others join, later, and the most looks.
SHORT_LEG, LEG, LOOKS = 100, 300, 30
#: First step of a leg as a multiple of the last successful step before.
LONGER = 8.0
#: Lists reach this much farther than the prices.
FARTHER = 1.3
#: Share of the gap that a look must close; else what is left is solved with its table.
SLOW = 0.1
#: Looks that bring little in a row, after which the search for prices ends.
PATIENCE = 2
#: Pairs of the largest table, 12 bytes each.
MOST_PAIRS = 25_000_000
#: Pairs in a leg: for each second that is left, about a quarter of one; and at most.
WORK, MOST_WORK = 5e7, 1e10


@dataclass(frozen=True, eq=False)
class PointSolution:
    """The columns *x* to open, their total, the bound below which none is, and its proof."""

    x: Bools
    value: float
    bound: float
    status: str
    proof: PointProof
    nodes: int = 1
    engine: str = ENGINE


def solve_point_median(problem: PointProblem, control: Control) -> PointSolution:
    """Solve a median problem between points, to the end or until the control stops it."""
    return _Search(problem, control).run()


class _Search:
    """The best plan, the best prices, and the columns that are left."""

    def __init__(self, problem: PointProblem, control: Control) -> None:
        self.problem, self.control = problem, control
        self.weight, self.rows = problem.weight, np.arange(len(problem.weight))
        self.left = problem.free.copy()
        self.x, self.value = problem.opened.copy(), math.inf
        opened = np.flatnonzero(problem.opened)
        #: Distance to the nearest column that is open anyway.
        self.known = np.full(len(self.weight), np.inf)
        if len(opened):
            self.known = problem.points.nearest(self.rows, opened)[1]
        self.bound = -math.inf
        self.price, self.r = np.zeros(len(self.weight)), np.zeros(len(self.left))

    @property
    def cutoff(self) -> float:
        """The total that a better plan must fall below."""
        exact = self.problem.grain > 1e-10 * abs(self.value)
        less = (1 - 1e-5) * self.problem.grain - 1e-12 * self.value if exact else 0.5 * SAME * self.value
        return self.value - less

    def run(self) -> PointSolution:
        """Find a plan, lower prices, close columns, and solve what is left."""
        if not self.problem.many or not self.left.any():  # one plan
            self.offer(self.problem.opened)
            return PointSolution(
                self.x, self.value, self.value, "optimal", PointProof(self.known, np.zeros(0, np.int64))
            )
        x, total = alternate(self.problem, self.control.with_grace(GRACE))
        self.offer(x, total)
        price = self._first_prices()
        self._look(price)
        if not self._report() and self.bound < self.cutoff:
            self._lower(price)
        left = int(self.left.sum())
        log.info(Message("solver.root_left", engine=ENGINE, bound=self.bound, value=self.value, n=left))
        proof = PointProof(self.price, np.flatnonzero(self.left))
        nodes = 1
        if self.bound < self.cutoff and not self._report():
            proof, nodes = self._rest(proof)
        bound = min(self.value, self._ceiled(self.bound))
        done = self.value - bound <= SAME * abs(self.value)
        return PointSolution(self.x, self.value, bound, "optimal" if done else self.control.status, proof, nodes)

    def offer(self, x: Bools, total: float | None = None) -> None:
        """Keep a plan if it is the best so far."""
        total = self.problem.objective(x) if total is None else total
        if total < self.value:
            self.x, self.value = x.copy(), total

    def _ceiled(self, bound: float) -> float:
        grain = self.problem.grain
        return math.ceil(bound / grain - 1e-6) * grain if grain > 0 and math.isfinite(bound) else bound

    def _report(self) -> bool:
        return self.control.report("prices", -self.value, -min(self.bound, self.value))

    def _first_prices(self) -> Floats:
        """Prices between the nearest and the second nearest open column of the plan."""
        points, opened = self.problem.points, np.flatnonzero(self.x)
        first = points.nearest(self.rows, opened)[1]
        if self.problem.many >= int(self.problem.free.sum()):  # all open
            return first
        if len(opened) < 2:
            return np.asarray(np.minimum(1.5 * first, self.known))
        near = np.asarray(cKDTree(points.stop[opened]).query(points.start, k=[2])[1])[:, 0]
        second = points.pair_costs(self.rows, opened[near])
        return np.asarray(np.minimum(0.7 * first + 0.3 * np.maximum(first, second), self.known))

    def _look(self, price: Floats) -> Floats:
        """Bound the whole problem at prices, and close columns; return what each column collects."""
        r = collected(self.problem, price)
        top, _ = best_of(r[self.problem.free], self.problem.many)
        bound = float(self.weight @ price) - float(r[self.problem.opened].sum()) - top
        if bound > self.bound:
            self.bound, self.price, self.r = bound, price.copy(), r
        self._close()
        return r

    def _close(self) -> None:
        """Close the columns that, by the best prices, are in no better plan."""
        last = best_of(self.r[self.problem.free], self.problem.many)[1]
        self.left = self.problem.free & (self.bound + last - self.r < self.cutoff)

    def _lower(self, price: Floats) -> None:
        """Lower prices on the columns that collect most, until looks at all columns bring little."""
        problem, theta, idle, last, more = self.problem, 1.0, 0, 0.0, True
        size = max(FEWEST, ACTIVE * problem.many)
        r, active = self.r, np.zeros(len(self.left), bool)
        reach = FARTHER * price
        for _ in range(LOOKS):
            before = self.bound
            order = np.flatnonzero(self.left)
            order = order[np.argsort(-r[order], kind="stable")]
            active &= self.left
            active[order[:size]] = True
            active[order[2 * size :]] &= r[order[2 * size :]] > last
            active |= self.x & problem.free
            columns = np.flatnonzero(active)
            reach = np.minimum(np.maximum(reach, FARTHER * price), self.known)
            pairs = self._pairs(reach, columns)
            base = -self.weight * reach
            rounds = SHORT_LEG if more else LEG
            price, theta, near, restricted = self._leg(pairs, base, price, len(columns), theta, rounds)
            r = self._look(price)
            last = best_of(r[columns], problem.many)[1]
            more = bool(r[self.left & ~active].max(initial=0.0) > last)
            if self._report() or self.bound >= self.cutoff:
                return
            self._improve(pairs, base, near, columns)
            self._close()
            log.debug("look: bound %.9g, plan %.9g, %d pairs, %d active, %d left, theta %.3g", self.bound, self.value,
                     len(pairs.cols), len(columns), int(self.left.sum()), theta)  # fmt: skip
            if self._report() or self.bound >= self.cutoff:
                return
            idle = 0 if self.bound - before >= SLOW * (self.value - self.bound) else idle + 1
            if idle > 3 * PATIENCE or (not more and (idle >= PATIENCE or restricted >= self.cutoff)):
                return

    def _pairs(self, reach: Floats, columns: Ints) -> SortedPairs:
        """List the pairs of columns, numbered in their order, within a reach of each need."""
        ptr, column, cost = self.problem.points.within(self.rows, reach, columns)
        position = np.full(len(self.left), -1, np.int32)
        position[columns] = np.arange(len(columns), dtype=np.int32)
        gain = -np.repeat(self.weight, np.diff(ptr)) * cost
        benefit = csr_array((gain, position[column], ptr), shape=(len(self.rows), len(columns)))
        return sorted_pairs(benefit, np.full(len(columns), kernels.FREE, np.int8))

    def _leg(
        self, pairs: SortedPairs, base: Floats, price: Floats, m: int, theta: float, rounds: int
    ) -> tuple[Floats, float, Floats, float]:
        """Lower prices for some rounds; return the best, the next step, how often columns were chosen, the bound."""
        v, best_v, near = -self.weight * price, np.empty(len(price)), np.zeros(m)
        work = float(np.clip(WORK * self.control.seconds_left, 0.01 * WORK, MOST_WORK))
        limits = kernels.Limits(0, self.problem.many, -self.cutoff, rounds, work, 20)
        scale = self.weight * np.maximum(self.price, 1e-3 * float(self.price.max()))
        scale = np.maximum(scale / max(float(scale.max()), 1e-300), 1e-3)
        bound, _, _, worked = kernels.lower_bound(
            pairs, base, scale, np.zeros(m), np.arange(m), 0.0, -self.value, limits, theta, False, v, best_v,
            np.zeros(m), near,
        )  # fmt: skip
        return np.maximum(-best_v / self.weight, 0.0), min(1.0, LONGER * worked), near, -float(bound)

    def _improve(self, pairs: SortedPairs, base: Floats, near: Floats, columns: Ints) -> None:
        """Interchange columns from those chosen most."""
        start = np.zeros(len(columns), bool)
        start[np.argsort(-near, kind="stable")[: self.problem.many]] = True
        limits = CountLimits(0, self.problem.many, 1.0)
        free = np.ones(len(columns), bool)
        for each in (start & (near > 0), self.x[columns]):
            found, _ = interchange(pairs, base, np.zeros(len(columns)), free, each, limits, self.control)
            x = self.problem.opened.copy()
            x[columns[found]] = True
            if x.any():
                self.offer(x)

    def _rest(self, proof: PointProof) -> tuple[PointProof, int]:
        """Solve what is left with its table."""
        problem, grain = self.problem, self.problem.grain
        columns = np.flatnonzero(self.left)
        slack = self.cutoff - self.bound
        farthest = self.weight * self.price + slack
        if grain > 0:
            farthest = np.ceil(farthest / grain) * grain
        farthest = np.minimum(farthest, self.weight * self.known)
        pairs = int(problem.points.count_within(self.rows, farthest / self.weight, columns).sum())
        if pairs > MOST_PAIRS:
            log.info(Message("solver.pairs_left", engine=ENGINE, n=pairs))
            return proof, 1
        ptr, column, cost = problem.points.within(self.rows, farthest / self.weight, columns)
        position = np.full(len(self.left), -1, np.int32)
        position[columns] = np.arange(len(columns), dtype=np.int32)
        count = np.diff(ptr)
        gain = np.maximum(np.repeat(farthest, count) - np.repeat(self.weight, count) * cost, 0.0)
        benefit = csr_array((gain, position[column], ptr), shape=(len(self.rows), len(columns)))
        benefit.sort_indices()
        m = len(columns)
        model = Model(
            benefit=benefit, value=np.zeros(m), rows=csr_array(np.ones((1, m))), low=np.array([-np.inf]),
            high=np.array([float(problem.many)]), lower=np.zeros(m), upper=np.ones(m),
            shares=csr_array((0, len(self.rows))), wanted=np.zeros(0), must=np.zeros(len(self.rows), bool), grain=grain,
            constant=-float(farthest.sum()),
        )  # fmt: skip
        price = np.maximum(farthest - self.weight * self.price, 0.0)
        found = solve_median(model, self.control, start=self.x[columns], price=price)
        if found.x is not None:
            x = problem.opened.copy()
            x[columns[found.x]] = True
            self.offer(x)
        if found.proof is not None and -found.bound > self.bound:
            # Plans with a closed column, or farther than what is listed, are no better than the cutoff.
            self.bound = min(-found.bound, self.value)
            proof = replace(proof, rest=replace(found.proof, v=found.proof.v.astype(float) - farthest))
        return proof, found.nodes
