"""Cuts of a market, the linear programme over them, and the bound that their prices give."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import block_array, csr_array

from siting.numbers import Floats
from siting.optimize.choice.problem import Market
from siting.optimize.control import Control
from siting.optimize.highs import Programme, Simplex
from siting.optimize.proof import Proof, covers_all_plans, worst_leaf
from siting.optimize.relaxation import Multipliers
from siting.optimize.sparse_rows import largest_entry

__all__ = ["Cuts", "MarketProof", "Master", "bound_of_market"]

#: Price of a broken row, as a multiple of all that can be captured for each of its largest entry.
PENALTY = 1e3
#: By how much a point must pass the cuts to be worth another, as a share of all that can be captured.
PASSED = 1e-9
#: Prices of cuts below this are none.
NONE = 1e-12


@dataclass
class Cuts:
    """The cuts of a market, each made of a point; a convex combination of them bounds the capture of any plan."""

    market: Market
    points: list[Floats] = field(default_factory=list)
    constant: list[float] = field(default_factory=list)
    slope: list[Floats] = field(default_factory=list)

    def add(self, point: Floats) -> int:
        """Make a cut; return its number."""
        constant, slope = self.market.cut(point)
        self.points.append(np.array(point, float))
        self.constant.append(constant)
        self.slope.append(slope)
        return len(self.points) - 1

    def at(self, cut: int, point: Floats) -> float:
        """Return a cut at a point."""
        return self.constant[cut] + float(self.slope[cut] @ point)

    def lagrangian(self, v: Floats, y: Floats) -> tuple[float, Floats]:
        """Return the part of a bound that is not of the columns, and the reduced value of each column.

        *v* are prices of cuts, *y* of rows.
        """
        market, slope = self.market, np.zeros(self.market.size)
        constant, used = 0.0, np.flatnonzero(v > 0)
        for k in used.tolist():
            constant += float(v[k]) * self.constant[k]
            slope += v[k] * self.slope[k]
        over = np.where(np.isinf(market.high), 0.0, market.high)
        under = np.where(np.isinf(market.low), 0.0, market.low)
        limits = np.where(y > 0, over, under)
        return constant + float(y @ limits), slope - market.rows.T @ y

    def bound(self, multipliers: Multipliers, lower: Floats, upper: Floats) -> tuple[float, Floats]:
        """Return the bound in a box and the reduced values."""
        base, reduced = self.lagrangian(multipliers.v, multipliers.y)
        return base + float(np.where(reduced > 0, reduced * upper, reduced * lower).sum()), reduced


@dataclass(frozen=True, eq=False)
class MarketProof:
    """Points whose cuts bound the capture, and a search tree whose prices v are those of the cuts.

    For v >= 0 that add up to 1 and prices y of rows (above 0 on `high`, below 0 on `low`), no x in the box of a node
    captures more than

        sum over k of v_k constant_k + sum over rows (y_r high_r or y_r low_r) + sum over j of the largest r_j x_j,
        r_j = sum over k of v_k slope_kj - sum over r of y_r rows_rj,

    with constant and slopes of `Market.cut` at the points.
    """

    points: Floats
    tree: Proof


def bound_of_market(market: Market, proof: MarketProof) -> float:
    """Return the bound by the points and prices of the proof alone; infinite where it does not hold for all plans."""
    tree, points = proof.tree, proof.points
    signs = (
        points.ndim == tree.v.ndim == tree.y.ndim == 2
        and points.shape[1] == market.size
        and tree.v.shape == (len(tree.v), len(points))
        and tree.y.shape == (len(tree.v), len(market.low))
        and all(np.isfinite(array).all() for array in (points, tree.v, tree.y))
        and (points >= 0).all()
        and (tree.v >= 0).all()
        and (tree.v.sum(axis=1) >= 1 - 1e-12).all()
        and not (tree.y[:, np.isinf(market.high)] > 0).any()
        and not (tree.y[:, np.isinf(market.low)] < 0).any()
        and (tree.price < len(tree.v)).all()
        and ((tree.fixed_column >= 0) & (tree.fixed_column < market.size)).all()
        and np.isin(tree.fixed_at, (0, 1)).all()
        and ((tree.column[1:] >= 0) & (tree.column[1:] < market.size)).all()
    )
    if not signs or not covers_all_plans(tree):
        return math.inf
    cuts = Cuts(market)
    for point in points:
        cuts.add(point)
    size = market.size
    return worst_leaf(tree, np.zeros(size), np.ones(size), lambda k: cuts.lagrangian(tree.v[k], tree.y[k]))


class Master:
    """The linear programme over cuts: maximise what they all allow, while rows are kept, at a price for breaking them.

    Amounts are shares of all that can be captured, and rows of their largest entry, for the tolerances of the solver.
    """

    def __init__(self, cuts: Cuts) -> None:
        self.cuts, market = cuts, cuts.market
        self.unit = max(market.total, 1e-300)
        self.row_unit = largest_entry(market.rows, zero=1.0)
        m, rows = market.size, len(market.low)
        self.sides = np.concatenate([np.flatnonzero(np.isfinite(each)) for each in (market.high, market.low)]).astype(
            np.int64
        )
        self.over = int(np.isfinite(market.high).sum())
        signs = np.where(np.arange(len(self.sides)) < self.over, -1.0, 1.0)
        slack = csr_array((signs, (self.sides, np.arange(len(signs)))), shape=(rows, len(signs)))
        scaled = csr_array(market.rows.multiply(1.0 / self.row_unit[:, None]).tocsr())
        matrix = (
            csr_array(block_array([[scaled, csr_array((rows, 1)), slack]], format="csr"))
            if rows
            else csr_array((0, m + 1))
        )
        cost = np.concatenate([np.zeros(m), [-1.0], np.full(len(signs), PENALTY)])
        lower, upper = np.zeros(len(cost)), np.concatenate([np.ones(m), [2.0], np.full(len(signs), np.inf)])
        programme = Programme(cost, lower, upper, matrix, market.low / self.row_unit, market.high / self.row_unit, 0)
        self.simplex = Simplex(programme, dual=True)
        self.rows, self.size, self.known = rows, m, 0
        self.every = np.arange(m)
        self.counted = rows == 1 and bool((market.rows.toarray()[0] == 1).all() and not np.isfinite(market.low[0]))
        self._add_new()

    def _add_new(self) -> None:
        """Tell the solver about the cuts that it does not know."""
        at = np.append(self.every, self.size)
        for k in range(self.known, len(self.cuts.points)):
            weight = np.append(-self.cuts.slope[k] / self.unit, 1.0)
            self.simplex.row(at, weight, self.cuts.constant[k] / self.unit)
        self.known = len(self.cuts.points)

    def set_box(self, lower: Floats, upper: Floats) -> None:
        """Set the box of the columns."""
        self.simplex.bound(self.every, lower, upper)

    def solve(self, lower: Floats, upper: Floats, control: Control, rounds: int, enough: float) -> Multipliers:
        """Solve in a box, with new cuts for some rounds; stop when the bound is *enough* to close the node.

        A cut is made between the point and the one before, which lies deeper [1]_; at the point where that cuts off
        nothing.

        References
        ----------
        .. [1] W. Ben-Ameur and J. Neto, "Acceleration of cutting-plane and column generation algorithms: applications
           to network design", Networks 49 (1), 2007, pp. 3-17.
        """
        self.set_box(lower, upper)
        best: Multipliers | None = None
        least, centre = math.inf, None
        for turn in range(rounds + 1):
            if turn and control.must_stop:
                break
            self._add_new()
            answer = self.simplex.solve(seconds=max(control.seconds_left, 0.01))
            if answer.status != "optimal":
                break
            x = np.clip(answer.x[: self.size], lower, upper)
            found = self._multipliers(answer.prices, x, answer.x, lower, upper)
            bound = self.cuts.bound(found, lower, upper)[0]
            if bound < least:
                best, least = found, bound
            if least <= enough or turn == rounds:
                break
            top = self.unit * float(answer.x[self.size])
            centre = x if centre is None else 0.5 * (centre + x)
            k = self.cuts.add(centre)
            if self.cuts.at(k, x) >= top - PASSED * self.unit:
                k = self.cuts.add(x)
                if self.cuts.at(k, x) >= top - PASSED * self.unit:
                    break
                centre = x
        return self._unsolved() if best is None else best

    def _unsolved(self) -> Multipliers:
        v = np.zeros(len(self.cuts.points))
        v[0] = 1.0
        return Multipliers(v, np.zeros(self.rows), np.zeros(0))

    def _multipliers(self, prices: Floats, x: Floats, all_: Floats, lower: Floats, upper: Floats) -> Multipliers:
        market = self.cuts.market
        v = np.maximum(-prices[self.rows :], 0.0)
        v[v < NONE] = 0.0
        v = v / v.sum() if v.sum() > 0 else self._unsolved().v
        y = -self.unit * prices[: self.rows] / self.row_unit
        y = np.where(np.isinf(market.high), np.minimum(y, 0.0), y)
        y = np.where(np.isinf(market.low), np.maximum(y, 0.0), y)
        if self.counted:
            y = self._counted(v, lower, upper)
        ray, broken = None, all_[self.size + 1 :] > 1e-7
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
