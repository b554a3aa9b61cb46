"""Capacitated problems: the model, the value of a plan, and the bound from prices.

The value of a plan is the number of people that its columns can take, by a maximum flow that may split needs, plus
the value of the columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from siting.messages import Message
from siting.numbers import Bools, Floats, Ints, Positions
from siting.optimize.max_flow import maximum_flow
from siting.optimize.solution import Solution
from siting.optimize.sparse_rows import with_data

__all__ = [
    "CapacitatedProblem", "CapacitatedSolution", "Prices", "bound_of_prices", "check_problem", "flow_into", "to_grain",
    "value_of",
]  # fmt: skip


@dataclass(frozen=True, eq=False)
class CapacitatedProblem:
    """A problem with capacities; weights, capacities and least uses are whole numbers.

    `cover` (needs × columns) stores the pairs that can serve, `weight` the people of each need. An open column takes
    from `least` to `capacity` (may be infinite) people and is worth `value`: minus its cost, or 0. `lower` and `upper`
    are 0 or 1: (1, 1) is open in every plan, (0, 0) in none. At most `most` columns (None: any number) open in addition
    to those with lower = 1. The objective is people served + value; with `wanted`, the value while so many are served.
    """

    cover: csr_array
    weight: Floats
    capacity: Floats
    value: Floats
    lower: Floats
    upper: Floats
    least: Floats | None = None
    most: int | None = None
    wanted: float | None = None

    @cached_property
    def pairs(self) -> csr_array:
        """The pairs of `cover`, with 1 for each."""
        return with_data(self.cover, np.ones(len(self.cover.indices)))

    @cached_property
    def usable_capacity(self) -> Ints:
        """Capacity of each column, cut to the people around it."""
        return np.asarray(np.minimum(self.capacity, self.pairs.T @ self.weight).astype(np.int64))

    @cached_property
    def least_use(self) -> Ints:
        """The least that each column takes when it is open."""
        return np.asarray(np.zeros(self.cover.shape[1]) if self.least is None else self.least).astype(np.int64)

    @property
    def grain(self) -> float:
        """Every objective is a multiple of this; 0 where that is not known."""
        return 1.0 if bool((self.value == np.rint(self.value)).all()) else 0.0


@dataclass(frozen=True, eq=False)
class Prices:
    """Prices of the needs that prove a bound; `bound_of_prices` adds them up.

    *price* is of a unit of each need, from 0 to *scale*, the value of serving a unit: 1 unless *wanted* is given.
    """

    price: Floats
    scale: float = 1.0


@dataclass(frozen=True, eq=False)
class CapacitatedSolution(Solution):
    """The result, with prices that prove the bound of the root; the tree may have lowered it further."""

    prices: Prices | None = None


def value_of(problem: CapacitatedProblem, x: Bools) -> float:
    """Return the value of the open columns *x*; minus infinity when they break a rule.

    The people served are a maximum flow. One with every column at its least is equally large, if any exists,
    because augmenting paths never reduce the flow of a column.
    """
    x = np.asarray(x, bool)
    new = int((x & (problem.lower == 0)).sum())
    if (x < problem.lower).any() or (x > problem.upper).any() or new > (new if problem.most is None else problem.most):
        return -np.inf
    floor = problem.least_use * x
    if floor.any() and _most_served(problem, floor) < floor.sum():
        return -np.inf
    served = _most_served(problem, problem.usable_capacity * x)
    worth = float(problem.value[x].sum())
    if problem.wanted is None:
        return served + worth
    return worth if served >= problem.wanted else -np.inf


def flow_into(problem: CapacitatedProblem, columns: Positions, capacity: Ints) -> tuple[Any, Ints]:
    """Return the pairs of some columns, and a maximum flow on them into *capacity*, theirs."""
    pairs = csr_array(problem.pairs[:, columns]).tocoo()
    return pairs, maximum_flow(problem.weight.astype(np.int64), capacity, pairs.row, pairs.col).flow


def _most_served(problem: CapacitatedProblem, capacity: Ints) -> int:
    columns = np.flatnonzero(capacity)
    return int(flow_into(problem, columns, capacity[columns])[1].sum()) if len(columns) else 0


def bound_of_prices(problem: CapacitatedProblem, prices: Prices) -> float:
    """Compute the bound from the prices alone.

    With need i's people at the price v_i, every column fills itself alone, cheapest first, with at most the people
    of each need [1]_. So for all prices from 0 to s, no plan is worth more than ::

        sum v_i w_i - s wanted + sum over j, the p largest above 0 and those that must open, of (value_j + K_j)
        K_j = largest sum of (s - v_i) f_i,  0 <= f_i <= w_i,  sum f_i <= capacity_j

    where s is 1 and wanted 0 when people are maximised.

    Raises
    ------
    ValueError
        When a price lies outside 0 to *scale*, or there is not one for each need.

    References
    ----------
    .. [1] A. M. Geoffrion, "Lagrangean relaxation for integer programming", Mathematical Programming Study 2, 1974,
       pp. 82-114.
    """
    v, scale = np.asarray(prices.price, float), float(prices.scale)
    if v.shape != problem.weight.shape or not ((v >= 0) & (v <= scale)).all() or not 0 <= scale < np.inf:
        raise ValueError(Message("solver.prices"))
    if problem.wanted is None and scale != 1:
        raise ValueError(Message("solver.scale", scale=scale))
    pairs = problem.cover.tocoo()
    order = np.lexsort((v[pairs.row], pairs.col))
    need, column = pairs.row[order], pairs.col[order]
    weight = problem.weight[need]
    before = np.cumsum(weight) - weight
    first = np.searchsorted(column, np.arange(problem.cover.shape[1]))
    before -= np.concatenate([before, [0.0]])[first][column]
    amount = np.clip(problem.capacity[column] - before, 0, weight)
    worth = problem.value + np.bincount(column, (scale - v[need]) * amount, minlength=problem.cover.shape[1])
    must = problem.lower > 0
    free = np.sort(np.maximum(worth[~must & (problem.upper > 0)], 0))[::-1][: problem.most]
    wanted = 0.0 if problem.wanted is None else problem.wanted
    return float(v @ problem.weight - scale * wanted + worth[must].sum() + free.sum())


def to_grain(problem: CapacitatedProblem, bound: float) -> float:
    """Round a bound down to a possible sum."""
    whole = problem.grain and np.isfinite(bound)
    return float(np.floor(bound + 1e-6 * max(1.0, 1e-3 * abs(bound)))) if whole else bound


def check_problem(problem: CapacitatedProblem) -> None:
    """Raise ValueError when arrays do not fit together, or people or places are not whole."""
    n, m = problem.cover.shape
    for name, array, length in (
        ("weight", problem.weight, n), ("capacity", problem.capacity, m), ("value", problem.value, m),
        ("lower", problem.lower, m), ("upper", problem.upper, m), ("least", problem.least_use, m),
    ):  # fmt: skip
        if len(array) != length:
            raise ValueError(Message("solver.entries", what=name, n=len(array), length=length))
        if np.isnan(array).any():
            raise ValueError(Message("solver.no_number", what=name))
    for name, array in (("weight", problem.weight), ("capacity", problem.capacity), ("least", problem.least_use)):
        known = array[np.isfinite(array)]
        if (array < 0).any() or (known != np.rint(known)).any():
            raise ValueError(Message("solver.not_whole", what=name))
    if not np.isfinite(problem.weight).all() or not np.isfinite(problem.value).all():
        raise ValueError(Message("solver.not_finite", what="weight, value"))
