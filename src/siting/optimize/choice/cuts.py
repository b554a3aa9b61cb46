"""Cuts of a market, the linear programme over them, and the bound that their prices give."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import block_array, csr_array

from siting.numbers import Floats, Ints
from siting.optimize.choice.problem import Market
from siting.optimize.control import Control
from siting.optimize.covering.relaxation import Multipliers
from siting.optimize.highs import Programme, Simplex
from siting.optimize.proof import Proof, covers_all_plans, is_a_tree, rounding_of, worst_leaf
from siting.optimize.sparse_rows import largest_entry

__all__ = ["Cuts", "MarketProof", "Master", "bound_of_market"]

#: Price of a broken row, as a multiple of all that can be captured for each of its largest entry.
PENALTY = 1e3
#: By how much a point must pass the cuts to be worth another, as a share of all that can be captured.
PASSED = 1e-9
#: Rounds in which the bound falls by less than this share of all, after which no more are made.
IDLE, STALL = 8, 1e-7
#: By how much a column of a plan may differ from 0 or 1.
WHOLE = 1e-6
#: Prices of cuts below this are none.
NONE = 1e-12


@dataclass
class Cuts:
    """The cuts of a market, each made of a point, with a share for each part of the communities.

    A convex combination of them for each part bounds the capture of any plan; its prices v are in the order of points,
    then parts.
    """

    market: Market
    points: list[Floats] = field(default_factory=list)
    constant: list[Floats] = field(default_factory=list)
    slope: list[Floats] = field(default_factory=list)

    def add(self, point: Floats) -> int:
        """Make a cut; return its number."""
        constant, slope = self.market.cut(point)
        self.points.append(np.array(point, float))
        self.constant.append(constant)
        self.slope.append(slope)
        return len(self.points) - 1

    def at(self, cut: int, point: Floats) -> Floats:
        """Return a cut at a point, for each part."""
        parts = self.market.parts
        more = np.bincount(parts.part, self.slope[cut] * point[parts.column], parts.number)
        return np.asarray(self.constant[cut] + more)

    def lagrangian(self, v: Floats, y: Floats) -> tuple[float, Floats]:
        """Return the part of a bound that is not of the columns, and the reduced value of each column.

        *v* are prices of cuts, *y* of rows.
        """
        market, parts = self.market, self.market.parts
        price = v.reshape(-1, parts.number)
        constant, slope = 0.0, np.zeros(len(parts.column))
        for k in np.flatnonzero(price.any(axis=1)).tolist():
            constant += float(price[k] @ self.constant[k])
            slope += price[k][parts.part] * self.slope[k]
        over = np.where(np.isinf(market.high), 0.0, market.high)
        under = np.where(np.isinf(market.low), 0.0, market.low)
        limits = np.where(y > 0, over, under)
        by_column = np.bincount(parts.column, slope, market.size)
        return constant + float(y @ limits), by_column - market.rows.T @ y

    def terms(self, v: Floats, y: Floats) -> tuple[float, Floats, float]:
        """Return what `lagrangian` does, and the rounding error."""
        base, reduced = self.lagrangian(v, y)
        size = float(abs(base) + np.abs(reduced).sum() + (abs(self.market.rows).T @ np.abs(y)).sum())
        return base, reduced, rounding_of(size, self.market.total * (1 + self.market.size))

    def bound(self, multipliers: Multipliers, lower: Floats, upper: Floats) -> tuple[float, Floats]:
        """Return the bound in a box and the reduced values."""
        base, reduced = self.lagrangian(multipliers.v, multipliers.y)
        return base + float(np.where(reduced > 0, reduced * upper, reduced * lower).sum()), reduced


@dataclass(frozen=True, eq=False)
class MarketProof:
    """Points whose cuts bound the capture, and a search tree whose prices v are those of the cuts.

    For v >= 0 that add up to 1 for each part p and prices y of rows (above 0 on `high`, below 0 on `low`), no x in the
    box of a node captures more than

        sum over k and p of v_kp constant_kp + sum over rows (y_r high_r or y_r low_r)
        + sum over j of the largest r_j x_j,
        with r_j = sum over k and p of v_kp slope_kpj - sum over r of y_r rows_rj

    and constant and slopes of `Market.cut` at the points.
    """

    points: Floats
    tree: Proof


def bound_of_market(market: Market, proof: MarketProof) -> float:
    """Return the bound by the points and prices of the proof alone; infinite where it does not hold for all plans."""
    tree, points, parts = proof.tree, proof.points, market.parts.number
    signs = (
        is_a_tree(tree, market.size)
        and points.ndim == tree.v.ndim == tree.y.ndim == 2
        and points.shape[1] == market.size
        and tree.v.shape == (len(tree.v), len(points) * parts)
        and tree.y.shape == (len(tree.v), len(market.low))
        and all(np.isfinite(array).all() for array in (points, tree.v, tree.y))
        and (points >= 0).all()
        and (tree.v >= 0).all()
        and (tree.v.reshape(len(tree.v), len(points), parts).sum(axis=1) >= 1 - 1e-12).all()
        and not (tree.y[:, np.isinf(market.high)] > 0).any()
        and not (tree.y[:, np.isinf(market.low)] < 0).any()
    )
    if not signs or not covers_all_plans(tree):
        return math.inf
    cuts = Cuts(market)
    for point in points:
        cuts.add(point)
    many = market.size
    return worst_leaf(tree, np.zeros(many), np.ones(many), lambda k: cuts.terms(tree.v[k], tree.y[k]))


class Master:
    """The linear programme over cuts: maximise what they all allow, while rows are kept, at a price for breaking them.

    Amounts are shares of all that can be captured, and rows of their largest entry, for the tolerances of the solver.
    """

    def __init__(self, cuts: Cuts) -> None:
        self.cuts, market = cuts, cuts.market
        self.unit = max(market.total, 1e-300)
        self.row_unit = largest_entry(market.rows, zero=1.0)
        m, rows, parts = market.size, len(market.low), market.parts.number
        ends = [np.flatnonzero(np.isfinite(each)) for each in (market.high, market.low)]
        self.sides, self.over = np.concatenate(ends).astype(np.int64), len(ends[0])
        signs = np.where(np.arange(len(self.sides)) < self.over, -1.0, 1.0)
        slack = csr_array((signs, (self.sides, np.arange(len(signs)))), shape=(rows, len(signs)))
        scaled = csr_array(market.rows.multiply(1.0 / self.row_unit[:, None]).tocsr())
        matrix = csr_array((0, m + parts + len(signs)))
        if rows:
            matrix = csr_array(block_array([[scaled, csr_array((rows, parts)), slack]], format="csr"))
        cost = np.concatenate([np.zeros(m), np.full(parts, -1.0), np.full(len(signs), PENALTY)])
        lower, upper = np.zeros(len(cost)), np.concatenate([np.ones(m), np.full(len(cost) - m, np.inf)])
        programme = Programme(cost, lower, upper, matrix, market.low / self.row_unit, market.high / self.row_unit, 0)
        self.simplex = Simplex(programme, dual=True)
        self.rows, self.size, self.parts, self.every = rows, m, parts, np.arange(m)
        self.centre: Floats | None = None
        self.converged = False
        #: The cut and part of each row that the solver knows.
        self.known: list[int] = []
        of_part = [np.flatnonzero(market.parts.part == p) for p in range(parts)]
        self.of_part = [(at, np.append(market.parts.column[at], m + p)) for p, at in enumerate(of_part)]
        self.counted = rows == 1 and bool((market.rows.toarray()[0] == 1).all() and not np.isfinite(market.low[0]))
        for k in range(len(cuts.points)):
            self._tell(k, np.arange(parts))

    def _tell(self, cut: int, parts: Ints) -> None:
        """Tell the solver about parts of a cut."""
        for p in parts.tolist():
            at, columns = self.of_part[p]
            weight = np.append(-self.cuts.slope[cut][at] / self.unit, 1.0)
            self.simplex.row(columns, weight, float(self.cuts.constant[cut][p]) / self.unit)
            self.known.append(cut * self.parts + p)

    def set_box(self, lower: Floats, upper: Floats) -> None:
        """Set the box of the columns."""
        self.simplex.bound(self.every, lower, upper)

    def solve(
        self, lower: Floats, upper: Floats, control: Control, rounds: int, enough: float, *, goes_on: bool = False
    ) -> Multipliers:
        """Solve in a box, with new cuts for some rounds; stop when the bound is *enough* to close the node.

        With *goes_on* the rounds before were for the same box; `converged` tells whether more would bring nothing. A
        cut is made between the point and the one before, which lies deeper [1]_; at the point where that cuts off
        nothing.

        References
        ----------
        .. [1] W. Ben-Ameur and J. Neto, "Acceleration of cutting-plane and column generation algorithms: applications
           to network design", Networks 49 (1), 2007, pp. 3-17.
        """
        self.set_box(lower, upper)
        best: Multipliers | None = None
        least, idle = math.inf, 0
        centre, self.converged = self.centre if goes_on else None, False
        for turn in range(rounds + 1):
            if turn and control.must_stop:
                break
            answer = self.simplex.solve(seconds=max(control.seconds_left, 0.01))
            if answer.status != "optimal":
                break
            x = np.clip(answer.x[: self.size], lower, upper)
            found = self._multipliers(answer.prices, x, answer.x, lower, upper)
            bound = self.cuts.bound(found, lower, upper)[0]
            idle = 0 if bound < least - STALL * self.unit else idle + 1
            if bound < least:
                best, least = found, bound
            self.converged = idle > IDLE
            if least <= enough or turn == rounds or self.converged:
                break
            top = self.unit * answer.x[self.size : self.size + self.parts]
            centre = x if centre is None else 0.5 * (centre + x)
            if not self._separated(centre, x, top):
                if not self._separated(x, x, top):
                    self.converged = True
                    break
                centre = x
        self.centre = centre
        if best is None:
            return self._unsolved()
        return self._exact(best, least, lower, upper)

    def _exact(self, found: Multipliers, bound: float, lower: Floats, upper: Floats) -> Multipliers:
        """Return the multipliers that are exact at a plan, where the point is one and they bound it better."""
        assert found.x is not None
        plan = np.rint(found.x)
        if np.abs(plan - found.x).max(initial=0.0) > WHOLE or found.ray is not None:
            return found
        k = self.cuts.add(plan)
        v = np.zeros((len(self.cuts.points), self.parts))
        v[k] = 1.0
        decided = not (lower < upper).any()
        y = np.zeros(self.rows) if decided else self._counted(v.ravel(), lower, upper) if self.counted else found.y
        own = Multipliers(v.ravel(), y, np.zeros(0), plan)
        return own if self.cuts.bound(own, lower, upper)[0] < bound else found

    def _separated(self, at: Floats, x: Floats, top: Floats) -> bool:
        """Make a cut at a point, and tell the solver about the parts that cut off *x*; return whether any does."""
        k = self.cuts.add(at)
        passed = np.flatnonzero(self.cuts.at(k, x) < top - PASSED * self.unit / self.parts)
        self._tell(k, passed)
        return bool(len(passed))

    def _unsolved(self) -> Multipliers:
        v = np.zeros((len(self.cuts.points), self.parts))
        v[0] = 1.0
        return Multipliers(v.ravel(), np.zeros(self.rows), np.zeros(0))

    def _multipliers(self, prices: Floats, x: Floats, all_: Floats, lower: Floats, upper: Floats) -> Multipliers:
        market = self.cuts.market
        price = np.maximum(-prices[self.rows :], 0.0)
        v = np.zeros(len(self.cuts.points) * self.parts)
        v[self.known] = np.where(price < NONE, 0.0, price)
        table = v.reshape(-1, self.parts)
        table[0, table.sum(axis=0) <= 0] = 1.0
        table /= table.sum(axis=0)
        y = -self.unit * prices[: self.rows] / self.row_unit
        y = np.where(np.isinf(market.high), np.minimum(y, 0.0), y)
        y = np.where(np.isinf(market.low), np.maximum(y, 0.0), y)
        if self.counted:
            y = self._counted(v, lower, upper)
        ray, broken = None, all_[self.size + self.parts :] > 1e-7
        if broken.any():
            away = np.zeros(self.rows)
            at = np.flatnonzero(broken)
            away[self.sides[at]] = np.where(at < self.over, 1.0, -1.0) * self.unit / self.row_unit[self.sides[at]]
            ray = (np.zeros(len(v)), away, np.zeros(0))
        return Multipliers(v, y, np.zeros(0), x, ray)

    def _counted(self, v: Floats, lower: Floats, upper: Floats) -> Floats:
        """Return the best price of a limit on the number of columns, for given prices of the cuts."""
        slope = self.cuts.lagrangian(v, np.zeros(1))[1]
        left = int(math.floor(self.cuts.market.high[0] + 1e-9) - lower.sum())
        free = np.sort(slope[lower < upper])[::-1]
        if left < 0:
            return np.array([self.unit * PENALTY])
        return np.array([max(float(free[left]), 0.0) if left < len(free) else 0.0])
