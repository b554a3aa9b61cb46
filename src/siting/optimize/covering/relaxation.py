"""The linear relaxation of a covering problem in its dual form, in HiGHS: a row for each column, not for each need.

For a model whose needs are worth the same from all their columns (`Model.has_levels` False), with w_i the worth of need
i, W_i = w_i + sum_s m_s shares_si and u_i the part of W_i that is credited to its columns, solve

    minimise   sum_i (W_i - u_i) + sum_r (y+_r high_r - y-_r low_r) - sum_s m_s wanted_s + sum_j t_j
    subject to sum_{i of j} u_i - sum_r (y+_r - y-_r) rows_rj - t_j <= -value_j     for each column j
               0 <= u_i <= W_i   (no upper limit where i must be served),   y+, y-, m, t >= 0

t_j is free where the column is open, and costs nothing where it is shut: branching only relaxes this problem, so the
basis of the parent stays feasible for the primal simplex. The multipliers of the rows are x. Any feasible u, y, m gives
a bound in closed form (`Lagrangian.bound`), independent of the solver's tolerances; it is the
Lagrangian bound of Cornuejols, Fisher and Nemhauser (1977, Management Science 23), as Church and ReVelle (1974) cover.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.sparse import csr_array, eye_array

from siting.messages import Message
from siting.numbers import Bools, Floats, Positions
from siting.optimize.covering.presolve import weights
from siting.optimize.highs import Block, Programme, Simplex
from siting.optimize.model import Model
from siting.optimize.sparse_rows import largest_entry, transposed, with_data

__all__ = ["Lagrangian", "Multipliers", "Relaxation", "best_multipliers"]

#: Parts of the prices of single shares that are tried for all of them together.
PARTS = (1.0, 0.8, 0.6, 0.4)
#: Rows, the longest first, whose prices are tried one by one where the relaxation was not solved.
ROWS_ALONE = 8


@dataclass(frozen=True, eq=False)
class Multipliers:
    """Multipliers v of needs, y of rows (signed as in `Proof`), m of shares; x of the relaxation if solved to the end.

    *ray* is a direction of (v, y, m) that lowers the bound without end, which proves that no plan is possible.
    """

    v: Floats
    y: Floats
    m: Floats
    x: Floats | None = None
    ray: tuple[Floats, Floats, Floats] | None = None


class Lagrangian:
    """The closed-form bound of a model, prepared once.

    Raises
    ------
    ValueError
        When the benefit of a need differs between columns, or an entry is not a number.
    """

    def __init__(self, model: Model) -> None:
        if model.has_levels:
            raise ValueError(Message("solver.dual_form"))
        for name in ("value", "low", "high", "lower", "upper", "wanted"):
            if np.isnan(getattr(model, name)).any():
                raise ValueError(Message("solver.no_number", what=name))
        if not all(np.isfinite(a).all() for a in (model.value, model.benefit.data, model.rows.data, model.shares.data)):
            raise ValueError(Message("solver.not_finite", what="benefit, value, rows, shares"))
        self.model = model
        self.w = weights(model.benefit)
        #: Columns × needs, all ones; and the transposes of rows and shares.
        self.serves = transposed(with_data(model.benefit, np.ones(model.benefit.nnz)))
        self.rows_of = csr_array(model.rows.T.tocsr())
        self.shares_of = csr_array(model.shares.T.tocsr())

    def with_high(self, high: Floats) -> Lagrangian:
        """Return the same with other upper limits of the rows."""
        other = copy(self)
        other.model = replace(self.model, high=high)
        return other

    def covered(self, x: Bools) -> Bools:
        """Whether each need is served by one of the columns *x*."""
        return np.asarray(self.serves.T @ x.astype(float)) > 0

    def credit(self, v: Floats, m: Floats) -> Floats:
        """Credit u of each need: its worth W, with its shares, less its price."""
        return np.asarray(np.maximum(0.0, (self.w + self.shares_of @ m if len(m) else self.w) - v))

    def reduced_values(self, v: Floats, y: Floats, m: Floats) -> Floats:
        """Reduced value r of each column."""
        r: Floats = self.model.value + self.serves @ self.credit(v, m)
        return np.asarray(r - self.rows_of @ y) if len(y) else r

    def base(self, v: Floats, y: Floats, m: Floats) -> float:
        """Part of the bound that is not of the columns."""
        model = self.model
        v = np.where(model.must, v, np.maximum(v, 0.0))
        total = model.constant + float(v.sum())
        if len(y):
            limit = np.where(y > 0, model.high, model.low)
            total += float((y[y != 0] * limit[y != 0]).sum())
        return total - float(m @ model.wanted) if len(m) else total

    def bound(self, multipliers: Multipliers, lower: Floats, upper: Floats) -> tuple[float, Floats]:
        """Return the bound of the box, and the reduced values."""
        v, y, m = multipliers.v, multipliers.y, multipliers.m
        r = self.reduced_values(v, y, m)
        return self.base(v, y, m) + float(np.where(r > 0, r * upper, r * lower).sum()), r

    def exact(self, x: Bools) -> Multipliers:
        """Return the multipliers that bound a box of the one plan *x* by what it is worth."""
        none = np.zeros(len(self.model.high)), np.zeros(len(self.model.wanted))
        return Multipliers(np.where(self.covered(x), self.w, 0.0), *none)

    def rays(self, lower: Floats, upper: Floats) -> Iterator[tuple[Floats, Floats, Floats]]:
        """Return a ray for each rule that no plan of a box keeps, whatever the other rules say.

        A need whom no column serves gets no price, so that only shut columns have its credit.
        """
        model, reached = self.model, self.covered(upper > 0)
        v, y, m = np.zeros(len(self.w)), np.zeros(len(model.high)), np.zeros(len(model.wanted))
        if (model.must & ~reached).any():
            yield np.where(model.must & ~reached, -1.0, 0.0), y, m
        for share in np.flatnonzero(model.shares @ reached.astype(float) < model.wanted).tolist():
            one = np.arange(len(m)) == share
            yield np.where(reached, self.shares_of @ one.astype(float), 0.0), y, one.astype(float)
        negative, positive = model.rows.minimum(0.0), model.rows.maximum(0.0)
        least, most = negative @ upper + positive @ lower, positive @ upper + negative @ lower
        for row in np.flatnonzero((least > model.high) | (most < model.low)).tolist():
            yield v, np.where(np.arange(len(y)) == row, 1.0 if least[row] > model.high[row] else -1.0, 0.0), m


def best_multipliers(terms: Lagrangian, solved: Multipliers) -> Multipliers:
    """Return multipliers as solved, or, where the solver was stopped early, the best that need no solver.

    Those count each column by itself, without overlaps, and use one row of limited costs, one share, all shares, or
    none of these: a relaxed knapsack (Dantzig, G., 1957, Discrete-variable extremum problems, Operations Research 5,
    pp. 266-277).
    """
    if solved.x is not None or solved.ray is not None:
        return solved
    model = terms.model
    candidates = [solved, Multipliers(terms.w, np.zeros(len(model.high)), np.zeros(len(model.wanted)))]
    if model.must.any():
        candidates.append(_dual_ascent(terms))
    no_prices = np.zeros(len(terms.w))
    free = (model.lower == 0) & (model.upper > 0)
    alone = model.value + terms.serves @ terms.w
    limited, size = np.flatnonzero(np.isfinite(model.high)), np.diff(model.rows.indptr)
    for row in limited[np.argsort(-size[limited], kind="stable")][:ROWS_ALONE]:
        cost = model.rows[[row]].toarray()[0]
        if (cost >= 0).all():
            y = np.zeros(len(model.high))
            y[row] = _critical_ratio(alone[free], cost[free], model.high[row] - float(cost @ model.lower))
            candidates.append(Multipliers(no_prices, y, np.zeros(len(model.wanted))))
    together = np.zeros(len(model.wanted))
    for share in range(len(model.wanted)):
        adds = terms.serves @ model.shares[[share]].toarray()[0]
        costly = free & (alone < 0) & (adds > 0)
        ratio = -alone[costly] / adds[costly]
        order = np.argsort(ratio, kind="stable")
        # The cheapest way to the share opens columns up to this cost for each unit of it.
        enough = np.flatnonzero(np.cumsum(adds[costly][order]) >= model.wanted[share])
        if len(enough):
            m = np.zeros(len(model.wanted))
            m[share] = together[share] = ratio[order[enough[0]]]
            candidates.append(Multipliers(no_prices, np.zeros(len(model.high)), m))
    if np.count_nonzero(together) > 1:  # a column counts for several shares: less for each
        parts = (part * together for part in PARTS)
        candidates += [Multipliers(no_prices, np.zeros(len(model.high)), part) for part in parts]
    return min(candidates, key=lambda each: terms.bound(each, model.lower, model.upper)[0])


def _dual_ascent(terms: Lagrangian) -> Multipliers:
    """Credit needs that must be served, those with few columns first, with what their columns cost and nobody pays yet.

    The dual ascent of Fisher, M. and Kedia, P., 1990, Optimal solution of set covering/partitioning problems using dual
    heuristics, Management Science 36, pp. 674-688.
    """
    model, start, columns = terms.model, terms.model.benefit.indptr, terms.model.benefit.indices
    left = np.where(model.lower > 0, 0.0, np.maximum(-model.value - terms.serves @ terms.w, 0.0))
    credit, length = terms.w.copy(), np.diff(start)
    for need in np.argsort(length, kind="stable").tolist():
        if model.must[need] and length[need]:
            mine = columns[start[need] : start[need + 1]]
            more = left[mine].min()
            if more > 0:
                credit[need] += more
                left[mine] -= more
    return Multipliers(terms.w - credit, np.zeros(len(model.high)), np.zeros(len(model.wanted)))


def _critical_ratio(worth: Floats, cost: Floats, left: float) -> float:
    """Worth per unit of cost of the first item that does not fit in a knapsack of size *left*; 0 if all fit."""
    good = np.flatnonzero((worth > 0) & (cost > 0))
    ratio = worth[good] / cost[good]
    order = np.argsort(-ratio, kind="stable")
    over = np.flatnonzero(np.cumsum(cost[good][order]) > left)
    return float(ratio[order[over[0]]]) if len(over) else 0.0


class Relaxation:
    """The dual form of one model, kept in the solver from solve to solve."""

    def __init__(self, terms: Lagrangian) -> None:
        self.terms = terms
        model = terms.model
        self.n, self.m = model.benefit.shape
        self.lower, self.upper = model.lower.astype(float), model.upper.astype(float)
        #: The solver's tolerances are absolute: values come to about 1.
        sizes = terms.w if (terms.w != 0).any() else model.value
        self.unit = float(np.abs(sizes[sizes != 0]).mean()) if (sizes != 0).any() else 1.0
        self.share_unit, self.row_unit = (largest_entry(part, zero=1.0) for part in (model.shares, model.rows))
        self._high, self._low = np.flatnonzero(np.isfinite(model.high)), np.flatnonzero(np.isfinite(model.low))
        self.simplex = Simplex(self._lp(), offset=float(terms.w.sum() + model.constant) / self.unit)

    def _lp(self) -> Programme:
        """Variables in the order u, y+, y-, m, t; rows in the order columns, then needs that count in a share."""
        model, terms = self.terms.model, self.terms
        n, m, n_shares = self.n, self.m, model.shares.shape[0]
        scaled = with_data(terms.rows_of, terms.rows_of.data / self.row_unit[terms.rows_of.indices])
        share = with_data(terms.shares_of, terms.shares_of.data / self.share_unit[terms.shares_of.indices])
        columns = [terms.serves, -scaled[:, self._high], scaled[:, self._low], csr_array((m, n_shares)), -eye_array(m)]
        blocks: list[Block] = [(columns, -np.inf, -model.value / self.unit)]
        counted = np.flatnonzero(np.diff(share.indptr))
        # A need that must be served has no upper limit, also where it counts in a share.
        top_u = np.where(model.must, np.inf, terms.w / self.unit)
        if len(counted):
            pick = csr_array((np.ones(len(counted)), counted, np.arange(len(counted) + 1)), shape=(len(counted), n))
            blocks.append(([pick, None, None, -share[counted], None], -np.inf, top_u[counted]))
            top_u[counted] = np.inf
        t_low, t_cost = self._box(np.arange(m))
        others = len(self._high) + len(self._low) + n_shares
        cost = [
            -np.ones(n),
            (model.high / self.row_unit)[self._high],
            -(model.low / self.row_unit)[self._low],
            (np.asarray(model.shares.sum(axis=1)).ravel() - model.wanted) / self.share_unit,
            t_cost,
        ]
        lower = np.concatenate([np.zeros(n + others), t_low])
        upper = np.concatenate([top_u, np.full(others + m, np.inf)])
        return Programme.of_blocks(np.concatenate(cost), lower, upper, blocks, 0)

    def _box(self, at: Positions) -> tuple[Floats, Floats]:
        """Lower limits and costs of the t of the columns *at*, from their box."""
        return np.where(self.lower[at] > 0, -np.inf, 0.0), np.where(self.upper[at] > 0, 1.0, 0.0)

    def set_box(self, lower: Floats, upper: Floats) -> None:
        """Set the box of the columns."""
        at = np.flatnonzero((lower != self.lower) | (upper != self.upper))
        if not len(at):
            return
        self.lower[at], self.upper[at] = lower[at], upper[at]
        t_low, cost = self._box(at)
        where = at + self.simplex.columns - self.m
        self.simplex.bound(where, t_low, np.full(len(at), np.inf))
        self.simplex.price(where, cost)

    def set_high(self, high: Floats) -> None:
        """Set other (finite) upper limits of the rows that have one."""
        self.terms = self.terms.with_high(high)
        self.simplex.price(self.n + np.arange(len(self._high)), (high / self.row_unit)[self._high])

    def solve(self, *, seconds: float = math.inf) -> Multipliers:
        """Solve from the present basis, for at most *seconds*; a ray shows that no plan is possible in the box."""
        answer = self.simplex.solve(seconds=seconds)
        if answer.status == "unbounded":
            ray = self._ray()
            if ray is None:  # the dual simplex leaves none
                self.simplex.forget()
                answer = self.simplex.solve(seconds=seconds)
                ray = self._ray()
            return self._multipliers(answer.x, ray=ray)
        # The solver minimises: a row's multiplier is minus x.
        x = np.clip(-answer.prices[: self.m], 0.0, 1.0) if answer.status == "optimal" else None
        return self._multipliers(answer.x, x=x)

    def probe(self, column: int, at: int, steps: int) -> float:
        """Estimate the bound with x of *column* fixed to *at*, after *steps* iterations; the box is unchanged."""
        lower, upper = self.lower.copy(), self.upper.copy()
        down, up = lower.copy(), upper.copy()
        down[column] = up[column] = at
        self.set_box(down, up)
        answer = self.simplex.solve(steps=steps)
        self.set_box(lower, upper)
        return -math.inf if answer.status == "unbounded" or math.isnan(answer.value) else answer.value * self.unit

    def _ray(self) -> tuple[Floats, Floats, Floats] | None:
        if not self.m:  # without a column nothing can be met
            model = self.terms.model
            y = (model.high < 0).astype(float) - (model.low > 0)
            return np.where(model.must, -1.0, 0.0), y, (model.wanted > 0).astype(float)
        ray = self.simplex.ray()
        # No variable is below 0, so none falls along a ray: what falls is the solver's tolerance.
        return None if ray is None else self._unpacked(np.maximum(ray, 0.0))

    def _unpacked(self, whole: Floats) -> tuple[Floats, Floats, Floats]:
        """Turn the solver's variables into W - u, y and m, less the own worth w of each need."""
        terms, n, n_high, n_low = self.terms, self.n, len(self._high), len(self._low)
        y = np.zeros(len(terms.model.high))
        y[self._high] += whole[n : n + n_high]
        y[self._low] -= whole[n + n_high : n + n_high + n_low]
        first = n + n_high + n_low
        m = whole[first : first + len(terms.model.wanted)] * self.unit / self.share_unit
        shared = terms.shares_of @ m if len(m) else np.zeros(n)
        return shared - whole[:n] * self.unit, y * self.unit / self.row_unit, m

    def _multipliers(self, whole: Floats, **more: Any) -> Multipliers:
        v, y, m = self._unpacked(np.maximum(whole, 0.0))
        v += self.terms.w
        return Multipliers(np.where(self.terms.model.must, v, np.maximum(v, 0.0)), y, m, **more)
