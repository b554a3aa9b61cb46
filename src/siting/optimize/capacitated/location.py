"""Location with capacities where each person on the way to a site costs: the model, its bound from prices, and rows.

Columns j may open at a cost and take people; with x_j = 1 for an open column and f_ij people of need i there, minimise

    sum opening_j x_j + sum cost_ij f_ij
    subject to  sum_j f_ij = weight_i (where all must be served; at most weight_i elsewhere),
    f_ij <= weight_i x_j,  sum_i f_ij <= capacity_j x_j,  low <= rows x <= high,  lower <= x <= upper,

and of the needs of each group no more than `spare` people go without a place.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array, vstack

from siting.numbers import Bools, Floats, Ints
from siting.optimize.capacitated import price_kernels
from siting.optimize.proof import Proof, covers_all_plans, is_a_tree, rounding_of, worst_leaf
from siting.optimize.sparse_rows import row_max, transposed

__all__ = ["Columns", "Location", "bound_of_location", "broken", "enough_places", "payable", "priced", "relaxed"]


@dataclass(frozen=True, eq=False)
class Columns:
    """Needs and costs of the pairs by column: `need` and `cost` between `start[j]` and `start[j + 1]`."""

    start: Ints
    need: Ints
    cost: Floats


@dataclass(frozen=True, eq=False)
class Location:
    """A problem of location with capacities; people may be split, and everything is to be small.

    `cost` (needs × columns, CSR) stores the cost of one person of each pair that can serve. `must` marks needs of which
    everybody is served; `group` numbers the needs that share a limit `spare` of people without a place (-1: none).
    """

    cost: csr_array
    weight: Floats
    must: Bools
    group: Ints
    spare: Floats
    capacity: Floats
    opening: Floats
    lower: Floats
    upper: Floats
    rows: csr_array
    low: Floats
    high: Floats
    grain: float = 0.0

    @cached_property
    def columns(self) -> Columns:
        """The pairs by column."""
        turned = transposed(self.cost)
        return Columns(turned.indptr.astype(np.int64), turned.indices.astype(np.int64), turned.data.astype(float))

    @cached_property
    def usable(self) -> Floats:
        """Places of each column that people around it can fill."""
        of = self.columns
        around = np.add.reduceat(np.append(self.weight[of.need], 0.0), of.start[:-1])
        return np.minimum(self.capacity, np.where(np.diff(of.start) > 0, around, 0.0))

    @cached_property
    def metric(self) -> Floats:
        """How far prices may move for a person too many or too few: how costs of a need spread, by its people."""
        c, count = self.cost, np.maximum(1, np.diff(self.cost.indptr))
        least = -row_max(c, -c.data)
        spread = np.asarray(c.sum(axis=1)).ravel() / count - least
        place = np.abs(self.opening) / np.maximum(self.usable, 1e-12)
        usual = float(np.median(place[self.usable > 0])) if (self.usable > 0).any() else 0.0
        size = np.where(spread > 1e-9 * self.scale, spread, np.maximum(np.abs(least), max(usual, 1e-9 * self.scale)))
        return np.asarray(size / np.maximum(self.weight, 1e-12))

    @property
    def scale(self) -> float:
        """The size of costs, for tolerances."""
        return max(1e-12, float(np.abs(self.cost.data).max(initial=0.0)))

    def keeps_rows(self, x: Bools) -> bool:
        """Whether open columns keep bounds and rows."""
        return bool((x >= self.lower).all() and (x <= self.upper).all() and self.broken(x) <= 0)

    def broken(self, x: Bools) -> float:
        """By how much open columns break rows, each in parts of its largest entry."""
        inside = np.asarray(self.rows @ x.astype(float))
        return float(broken(inside[:, None], self.low, self.high, self.largest)[0])

    @cached_property
    def largest(self) -> Floats:
        """The largest entry of each row, by its size; 1 where there is none."""
        size = abs(self.rows).max(axis=1).toarray().ravel() if self.rows.nnz else np.zeros(len(self.low))
        return np.where(size > 0, size, 1.0)


def broken(inside: Floats, low: Floats, high: Floats, largest: Floats) -> Floats:
    """By how much sums, rows × choices, miss their limits in each choice, in parts of the *largest* entry of a row."""
    slack = 1e-9 * np.maximum(largest[:, None], np.abs(inside))
    over = np.maximum(inside - high[:, None], low[:, None] - inside)
    return np.asarray((np.where(over > slack, over, 0.0) / largest[:, None]).sum(axis=0))


def enough_places(problem: Location) -> Location:
    """Add the rows that any plan keeps: so many columns at least as it takes to have places for all who must have one.

    The places of the largest columns count, those of columns that are open for good first (a rounded cover inequality,
    as in K. Aardal, Capacitated facility location: separation algorithms and computational experience, Mathematical
    Programming 81, 1998, pp. 149-175).
    """
    parts, lows = [problem.rows], [problem.low]
    for members, needed in _needed(problem):
        near = np.zeros(problem.cost.shape[1])
        part = csr_array(problem.cost[np.flatnonzero(members)])
        np.add.at(near, part.indices, np.repeat(problem.weight[members], np.diff(part.indptr)))
        room = np.where(problem.upper > 0, np.minimum(problem.capacity, near), 0.0)
        forced = problem.lower > 0
        left = needed - room[forced].sum()
        order = np.sort(room[~forced])[::-1]
        if left <= 0 or order.sum() < left * (1 - 1e-12):
            continue
        fewest = int(np.searchsorted(np.cumsum(order), left * (1 - 1e-9)) + 1)
        row = ((room > 0) & ~forced).astype(float)
        parts.append(csr_array(row[None, :]))
        lows.append(np.array([float(fewest)]))
    if len(lows) == 1:
        return problem
    rows = csr_array(vstack(parts, format="csr"))
    low = np.concatenate(lows)
    return replace(
        problem, rows=rows, low=low, high=np.append(problem.high, np.full(len(low) - len(problem.low), np.inf))
    )


def _needed(problem: Location) -> list[tuple[Bools, float]]:
    """Needs of which so many people have a place in every plan."""
    found = [(problem.must, float(problem.weight[problem.must].sum()))]
    for number, spare in enumerate(problem.spare.tolist()):
        mine = problem.group == number
        found.append((mine, float(problem.weight[mine].sum()) - spare))
    if len(problem.spare):
        everyone = problem.must | (problem.group >= 0)
        found.append((everyone, sum(needed for _, needed in found)))
    return [each for each in found if each[1] > 0]


def payable(problem: Location, v: Floats) -> Floats:
    """Return prices with none above 0 where no limit protects a need."""
    return np.where(problem.must | (problem.group >= 0), v, np.minimum(v, 0.0))


def relaxed(problem: Location, v: Floats) -> tuple[float, Floats]:
    """Return what the needs pay at the prices *v*, and what each column wins beyond its cost of opening.

    A column wins the most that it can fill its places with: the sum of (v_i - cost_ij) f_ij, 0 <= f_ij <= weight_i,
    sum f_ij <= capacity_j. Of needs that no limit protects, a price above 0 counts as 0; a limit on people without a
    place costs the largest price among its needs for each person that it spares.
    """
    v = payable(problem, v)
    paid = float(v @ problem.weight)
    if len(problem.spare):
        inside = (problem.group >= 0) & ~problem.must
        top = np.zeros(len(problem.spare))
        np.maximum.at(top, problem.group[inside], v[inside])
        paid -= float(top @ problem.spare)
    of, won = problem.columns, np.zeros(len(problem.opening))
    price_kernels.fill(of.start, of.need, of.cost, problem.weight, problem.capacity, v, problem.upper, won, np.zeros(0))
    return paid, won - problem.opening


def bound_of_location(problem: Location, proof: Proof) -> float:
    """Return the least that a plan costs, by the prices of a proof alone; minus infinity where it proves nothing.

    For prices v of the needs and y of the rows, with K_j as in `relaxed`, no plan costs less than ::

        sum v_i weight_i - sum over groups spare_g max(0, v_i of the group) - sum over rows (y_r high_r or y_r low_r)
        + sum over j of the least (opening_j + sum_r y_r rows_rj - K_j) x_j,

    which is weak duality [1]_. Rows that `enough_places` adds are among them.

    References
    ----------
    .. [1] A. M. Geoffrion, "Lagrangean relaxation for integer programming", Mathematical Programming Study 2, 1974,
       pp. 82-114.
    """
    problem = enough_places(problem)
    v, y = proof.v, proof.y
    right = (
        is_a_tree(proof, len(problem.opening)) and v.ndim == y.ndim == 2 and len(v) == len(y)
        and v.shape[1] == len(problem.weight)
        and y.shape[1] == len(problem.low) and bool(np.isfinite(v).all() and np.isfinite(y).all())
        and not (y[:, np.isinf(problem.high)] > 0).any() and not (y[:, np.isinf(problem.low)] < 0).any()
    )  # fmt: skip
    if not right or not covers_all_plans(proof):
        return -np.inf

    ways = abs(problem.cost).max(axis=1).toarray().ravel() if problem.cost.nnz else np.zeros(len(problem.weight))
    given = float(ways @ problem.weight + np.abs(problem.opening).sum())

    @functools.cache
    def evaluate(row: int) -> tuple[float, Floats, float]:
        base, reduced = priced(problem, v[row].astype(float), y[row])
        priced_rows = float((abs(problem.rows).T @ np.abs(y[row])).sum())
        size = abs(base) + float(np.abs(reduced).sum() + np.abs(v[row]) @ problem.weight) + priced_rows
        return base, reduced, rounding_of(size, given)

    return -worst_leaf(proof, problem.lower, problem.upper, evaluate)


def priced(problem: Location, v: Floats, y: Floats) -> tuple[float, Floats]:
    """Return the bound's part that is not of the columns, and of each column, both to be large, as `Proof` has it."""
    paid, won = relaxed(problem, v)
    limits = np.where(y > 0, np.where(np.isinf(problem.high), 0, problem.high),
                      np.where(np.isinf(problem.low), 0, problem.low))  # fmt: skip
    return float(y @ limits - paid), won - problem.rows.T @ y
