"""A median problem between points, whose distances are computed when they are needed, and the proof of its bound."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from siting.numbers import Bools, Floats, Ints, Ints32
from siting.optimize.model import Model
from siting.optimize.proof import Proof, bound_of, is_a_tree

__all__ = ["PointProblem", "PointProof", "Points", "best_of", "bound_of_points", "collected"]

#: Pairs that are looked at together.
AT_ONCE = 8_000_000


class Points(Protocol):
    """Distances between points, as `siting.measure.PointReach` computes them."""

    @property
    def start(self) -> Floats:
        """Coordinates of the origins."""

    @property
    def stop(self) -> Floats:
        """Coordinates of the destinations."""

    def costs(self, rows: npt.ArrayLike, columns: npt.ArrayLike) -> Floats:
        """Return the costs between some origins and some destinations."""

    def pair_costs(self, rows: npt.ArrayLike, columns: npt.ArrayLike) -> Floats:
        """Return the cost of each pair."""

    def nearest(self, rows: npt.ArrayLike, columns: npt.ArrayLike) -> tuple[Ints, Floats]:
        """Return the nearest of some destinations, and its cost."""

    def within(
        self, rows: npt.ArrayLike, limits: npt.ArrayLike, columns: npt.ArrayLike | None = None
    ) -> tuple[Ints, Ints32, Floats]:
        """List all destinations within a limit of each of some origins: starts of lists, positions, costs."""

    def count_within(self, rows: npt.ArrayLike, limits: npt.ArrayLike, columns: npt.ArrayLike | None = None) -> Ints:
        """Count what `within` lists for each origin, or a little more."""


@dataclass(frozen=True, eq=False)
class PointProblem:
    """Open at most *many* columns that are free, for the least total of weight times distance.

    Needs are the origins of *points*, each with a `weight` above 0, columns its destinations; those with `lower` 1 are
    open in every plan, those with `upper` 0 in none. Every objective is a multiple of `grain` (0: unknown).
    """

    points: Points
    weight: Floats
    lower: Floats
    upper: Floats
    many: int
    grain: float = 0.0

    @property
    def free(self) -> Bools:
        """Columns that are not decided."""
        return np.asarray((self.lower < 0.5) & (self.upper > 0.5))

    @property
    def opened(self) -> Bools:
        """Columns that are open in every plan."""
        return np.asarray(self.lower > 0.5)

    def objective(self, x: Bools) -> float:
        """Return the total of a plan."""
        return float(self.weight @ self.points.nearest(np.arange(len(self.weight)), np.flatnonzero(x))[1])


@dataclass(frozen=True, eq=False)
class PointProof:
    """Prices that bound the total from below, and close columns; `rest` goes on with the columns that are left.

    At the `price` of each need, the longest distance that it pays for one person, no plan has a total below

        sum of weight_i price_i - sum over the best many columns of r_j,  r_j = sum of weight_i max(0, price_i - d_ij).

    Columns that are not in `columns` are closed: with one of them open the bound is `closed` or more. `rest` proves
    a bound for the others, in benefits (minus weight times distance); None where the prices alone are enough.
    """

    price: Floats
    columns: Ints
    rest: Proof | None = None


def collected(problem: PointProblem, price: Floats) -> Floats:
    """Return what each column collects at the prices: r of `PointProof`."""
    rows, r = np.arange(len(price)), np.zeros(len(problem.lower))
    among = np.flatnonzero(problem.upper > 0.5)
    seen = np.cumsum(problem.points.count_within(rows, price, among))
    while len(rows):
        until = max(1, int(np.searchsorted(seen, AT_ONCE, side="right")))
        part, rows, seen = rows[:until], rows[until:], seen[until:] - seen[until - 1]
        ptr, column, cost = problem.points.within(part, price[part], among)
        count = np.diff(ptr)
        surplus = np.repeat(problem.weight[part], count) * (np.repeat(price[part], count) - cost)
        r += np.bincount(column, surplus, len(r))
    return r


def best_of(r: Floats, many: int) -> tuple[float, float]:
    """Return the sum of the *many* largest of r, all of them 0 or more, and the last of these, 0 where all fit."""
    if many >= len(r):
        return float(r.sum()), 0.0
    if not many:
        return 0.0, float(r.max(initial=0.0))
    top = np.partition(r, len(r) - many)[len(r) - many :]
    return float(top.sum()), float(top.min())


def bound_of_points(problem: PointProblem, proof: PointProof) -> float:
    """Return the bound by the prices of a proof alone: no total is below it."""
    weight, price, m = problem.weight, np.asarray(proof.price, float), len(problem.lower)
    numbers = proof.columns
    if price.shape != weight.shape or not np.isfinite(price @ weight * m) or ((numbers < 0) | (numbers >= m)).any():
        return -np.inf
    free = problem.free
    r = collected(problem, price)
    base = float(weight @ price) - float(r[problem.opened].sum())
    top, last = best_of(r[free], problem.many)
    if proof.rest is None:
        return base - top
    left = np.zeros(m, bool)
    left[proof.columns] = True
    closed = free & ~left
    bound = np.inf
    if closed.any() and problem.many:
        bound = base - top + max(0.0, last - float(r[closed].max()))
    return min(bound, -_bound_of_rest(problem, left & free, proof.rest))


def _bound_of_rest(problem: PointProblem, left: Bools, proof: Proof) -> float:
    """Return the bound of the benefits of the columns that are left, and of those that are open anyway."""
    weight, kept = problem.weight, np.flatnonzero(left | problem.opened)
    if proof.v.ndim != 2 or proof.v.shape[1] != len(weight) or not len(proof.v):
        return np.inf
    if not is_a_tree(proof, int(left.sum())):
        return np.inf
    least = np.asarray(proof.v, float).min(axis=0)
    limit = np.maximum(-least / weight, -1.0) * (1 + 1e-9)  # what is farther pays nothing at any price
    ptr, column, cost = problem.points.within(np.arange(len(weight)), limit, kept)
    position = np.full(len(left), -1, np.int32)
    position[kept] = np.arange(len(kept), dtype=np.int32)
    gain = -np.repeat(weight, np.diff(ptr)) * cost
    benefit = csr_array((gain, position[column], ptr), shape=(len(weight), len(kept)))
    benefit.sort_indices()
    open_there, count = problem.opened[kept], len(kept)
    rows: Any = csr_array(left[kept].astype(float)[None])
    columns = np.flatnonzero(~open_there)
    model = Model(
        benefit=benefit, value=np.zeros(count), rows=rows,
        low=np.array([-np.inf]), high=np.array([float(problem.many)]),
        lower=open_there.astype(float), upper=np.ones(count), shares=csr_array((0, len(weight))), wanted=np.zeros(0),
        must=np.ones(len(weight), bool),
    )  # fmt: skip
    return bound_of(model, _renumbered(proof, columns))


def _renumbered(proof: Proof, columns: Ints) -> Proof:
    """Return a proof whose columns are numbered as *columns* says."""
    column = (
        np.where(proof.column >= 0, columns[np.clip(proof.column, 0, len(columns) - 1)], -1)
        if len(columns)
        else proof.column
    )
    fixed = columns[proof.fixed_column] if len(columns) else proof.fixed_column
    return replace(proof, column=column, fixed_column=fixed)
