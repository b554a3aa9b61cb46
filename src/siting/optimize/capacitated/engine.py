"""Where to open when sites can be full: places are shared out by a largest flow, and prices prove how good a plan is.

A plan is worth the people that its columns can take, each need's people being split as is best, plus the value of the
columns. The people come from a largest flow, which is mended as columns open and close. The bound comes from prices:
when a unit of need i must be bought for v_i, columns no longer compete, and each fills itself with the cheapest needs.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from scipy.sparse import csr_array, hstack, vstack

from siting.numbers import Bools, Floats, Ints
from siting.optimize import highs
from siting.optimize.control import Watch
from siting.optimize.max_flow import fill
from siting.optimize.model import Found

__all__ = [
    "Capacitated", "Filled", "Prices", "bound_of_prices", "capacity_general", "flows_of", "solve_capacity", "to_grain",
    "value_of",
]  # fmt: skip


@dataclass(frozen=True, eq=False)
class Capacitated:
    """A problem with capacities, in numbers.

    Attributes
    ----------
    cover
        Needs × columns: a pair that is stored can serve.
    weight
        People of each need: whole numbers.
    capacity, least
        The most that each column takes (may be infinite), and what it must at least take when it is open. Whole.
    value
        What opening each column is worth: minus its cost, or 0.
    lower, upper
        0 or 1 for each column: (1, 1) is open in every plan, (0, 0) in none.
    most
        How many columns may open beside those with lower = 1; None for any number.
    wanted
        None: maximise people served + value. Else maximise the value alone, with so many people served at least.
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

    @property
    def room(self) -> Ints:
        """Capacity of each column, cut to the people around it."""
        around = self.cover_of_ones.T @ self.weight
        result: Ints = np.minimum(self.capacity, around).astype(np.int64)
        return result

    @property
    def cover_of_ones(self) -> csr_array:
        """The pairs with 1 for each, whatever was stored."""
        c = self.cover
        return csr_array((np.ones(len(c.indices)), c.indices, c.indptr), shape=c.shape)

    @property
    def floor(self) -> Ints:
        """What each column must take when it is open."""
        n = self.cover.shape[1]
        result: Ints = (np.zeros(n) if self.least is None else np.asarray(self.least)).astype(np.int64)
        return result

    @property
    def grain(self) -> float:
        """Every objective is a multiple of this; 0 where that is not known."""
        return 1.0 if bool((self.value == np.rint(self.value)).all()) else 0.0


@dataclass(frozen=True, eq=False)
class Prices:
    """Prices of the needs that prove a bound; `bound_of_prices` adds them up.

    Attributes
    ----------
    price
        Of a unit of each need, from 0 to *scale*.
    scale
        What serving a unit is worth: 1, unless so many are wanted.
    """

    price: Floats
    scale: float = 1.0


@dataclass(frozen=True, eq=False)
class Filled(Found):
    """What the engine found, with prices that prove the bound of the root; the tree may have lowered it further."""

    prices: Prices | None = field(default=None)


def value_of(problem: Capacitated, x: Bools) -> float:
    """Return what the open columns *x* are worth, and minus infinity when they break a rule.

    The people served are a largest flow; one that keeps every column at its least is as large, if there is one at all,
    because paths that add to a flow never take from what a column has.
    """
    x = np.asarray(x, bool)
    new = int((x & (problem.lower == 0)).sum())
    if (x < problem.lower).any() or (x > problem.upper).any() or new > (new if problem.most is None else problem.most):
        return -np.inf
    floor = problem.floor * x
    if floor.any() and _most_served(problem, floor) < floor.sum():
        return -np.inf
    served = _most_served(problem, problem.room * x)
    worth = float(problem.value[x].sum())
    if problem.wanted is None:
        return served + worth
    return worth if served >= problem.wanted else -np.inf


def _most_served(problem: Capacitated, capacity: Ints) -> int:
    columns = np.flatnonzero(capacity)
    if not len(columns):
        return 0
    part = csr_array(problem.cover_of_ones[:, columns]).tocoo()
    flow = fill(problem.weight.astype(np.int64), capacity[columns], part.row, part.col).flow
    return int(flow.sum())


def bound_of_prices(problem: Capacitated, prices: Prices) -> float:
    """Add up what no plan can beat, from the prices alone.

    Buying need i's people for v_i lets every column fill itself, cheapest first, as if it were alone, and never with
    more of a need than there is [1]_. So for all prices from 0 to s, no plan is worth more than ::

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
        raise ValueError("prices: give one for each need, from 0 to scale")
    if problem.wanted is None and scale != 1:
        raise ValueError(f"scale is {scale}; serving one is worth 1 when people are maximised")
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


def capacity_general(problem: Capacitated, watch: Watch, *, start: Bools | None = None) -> Filled:
    """Solve *problem* as one integer program; for small and odd ones.

    With x_j = 1 for an open column and f_ij people of need i there::

        maximise    sum f_ij + sum value_j x_j
        subject to  sum_j f_ij <= w_i,  f_ij <= w_i x_j,  least_j x_j <= sum_i f_ij <= capacity_j x_j,  sum new x_j <= p
    """
    _check(problem)
    n, m = problem.cover.shape
    pairs = problem.cover.tocoo()
    k = pairs.nnz
    at, w = np.arange(k), problem.weight.astype(float)
    of_need = csr_array((np.ones(k), (pairs.row, at)), shape=(n, k))
    of_column = csr_array((np.ones(k), (pairs.col, at)), shape=(m, k))
    limit = np.minimum(w[pairs.row], problem.room[pairs.col])
    link = csr_array((-limit, (at, pairs.col)), shape=(k, m))
    everywhere = csr_array(np.ones((1, k)))
    new = csr_array((problem.lower == 0).astype(float)[None, :])
    blocks = [
        (csr_array((n, m)), of_need, np.full(n, -np.inf), w),
        (link, csr_array((np.ones(k), (at, at)), shape=(k, k)), np.full(k, -np.inf), np.zeros(k)),
        (_diagonal(-problem.room), of_column, np.full(m, -np.inf), np.zeros(m)),
        (_diagonal(-problem.floor), of_column, np.zeros(m), np.full(m, np.inf)),
    ]
    if problem.most is not None:
        blocks.append((new, csr_array((1, k)), np.array([-np.inf]), np.array([float(problem.most)])))
    people = 1.0
    if problem.wanted is not None:
        people = 0.0
        blocks.append((csr_array((1, m)), everywhere, np.array([problem.wanted]), np.array([np.inf])))
    model = highs.Model(
        cost=np.concatenate([-problem.value, np.full(k, -people)]),
        lower=np.concatenate([problem.lower.astype(float), np.zeros(k)]),
        upper=np.concatenate([problem.upper.astype(float), limit.astype(float)]),
        matrix=csr_array(vstack([hstack([left, right]) for left, right, _, _ in blocks], format="csr")),
        row_lower=np.concatenate([low for _, _, low, _ in blocks]),
        row_upper=np.concatenate([high for _, _, _, high in blocks]),
        whole=m,
    )
    outcome = highs.run(
        model,
        gap=0.99 if problem.grain else 1e-6,  # sums of whole numbers that differ by less than 1 are the same
        time_limit=None if watch.time_limit is None else watch.left,
        stop=lambda value, bound: watch.report("HiGHS", -value if np.isfinite(value) else None, -bound),
    )
    if outcome.status == "infeasible":
        return Filled(None, -np.inf, -np.inf, "infeasible", "HiGHS")
    bound = to_grain(problem, -outcome.bound)
    plans = [p for p in (None if outcome.x is None else outcome.x[:m] > 0.5, start) if p is not None]
    values = [value_of(problem, plan) for plan in plans]
    if not values or max(values) == -np.inf:
        return Filled(None, -np.inf, bound, watch.status, "HiGHS")
    best = int(np.argmax(values))
    proven = bound - values[best] <= 1e-6 * max(1.0, abs(bound))
    status = "optimal" if proven else outcome.status if outcome.status != "optimal" else "feasible"
    return Filled(plans[best], values[best], values[best] if proven else bound, status, "HiGHS")


def _diagonal(values: Ints) -> csr_array:
    at = np.arange(len(values))
    return csr_array((values.astype(float), (at, at)), shape=(len(values), len(values)))


def to_grain(problem: Capacitated, bound: float) -> float:
    """Round a bound down to what sums can be."""
    return (
        float(np.floor(bound + 1e-6 * max(1.0, 1e-3 * abs(bound)))) if problem.grain and np.isfinite(bound) else bound
    )


def _check(problem: Capacitated) -> None:
    n, m = problem.cover.shape
    for name, array, length in (
        ("weight", problem.weight, n), ("capacity", problem.capacity, m), ("value", problem.value, m),
        ("lower", problem.lower, m), ("upper", problem.upper, m), ("least", problem.floor, m),
    ):  # fmt: skip
        if len(array) != length:
            raise ValueError(f"{name} has {len(array)} entries, not {length}")
        if np.isnan(array).any():
            raise ValueError(f"{name} holds what is no number")
    for name, array in (("weight", problem.weight), ("capacity", problem.capacity), ("least", problem.floor)):
        known = array[np.isfinite(array)]
        if (array < 0).any() or (known != np.rint(known)).any():
            raise ValueError(f"{name} holds what is not a whole number of 0 or more; people are not split")
    if not np.isfinite(problem.weight).all() or not np.isfinite(problem.value).all():
        raise ValueError("weight or value is not finite")


def solve_capacity(problem: Capacitated, watch: Watch, *, start: Bools | None = None) -> Filled:
    """Choose columns when each can take only so many.

    Needs with the same columns are merged. Plans come from opening what adds most, from prices, and from closing some
    and opening others; every plan is judged by a largest flow. The bound comes from prices of the needs, lowered by
    subgradients, then by a tree of decisions on columns, or, for few pairs, from the solver.

    Raises
    ------
    ValueError
        When arrays do not fit together or people are not whole.
    """
    from siting.optimize.capacitated.search import Search, prove

    _check(problem)
    search = Search(problem, watch)
    if start is not None:
        search.offer(np.asarray(start, bool))
    if search.hopeless:
        return Filled(None, -np.inf, -np.inf, "infeasible", "capacity")
    search.begin()
    if problem.wanted is not None and search.x is None and not watch.over:
        # The cheapest do not reach it with so many: do any?
        most = replace(problem, wanted=None, value=np.zeros_like(problem.value))
        reach = solve_capacity(most, Watch(time_limit=None if watch.time_limit is None else watch.left / 2))
        if reach.bound < search.wanted:
            return Filled(None, -np.inf, -np.inf, "infeasible", "capacity", nodes=reach.nodes)
        if reach.x is not None:
            search.offer(reach.x)
    return prove(search)


def flows_of(problem: Capacitated, x: Bools, distance: csr_array | None = None) -> csr_array:
    """Share people out over the open columns *x*: as many as can be, each column with its least, the shortest ways.

    Parameters
    ----------
    distance
        The pairs of `cover` with the way of each; without it any largest flow is taken.

    Returns
    -------
    csr_array
        Needs × columns: how many people go where, whole.

    Raises
    ------
    ValueError
        When *x* breaks a rule.
    """
    value = value_of(problem, x)
    if value == -np.inf:
        raise ValueError("the columns break a rule; there is no way to share people out")
    reached = csr_array(problem.cover_of_ones * np.asarray(x, float)[None, :])
    reached.eliminate_zeros()
    pairs = reached.tocoo()
    (n, m), k = problem.cover.shape, pairs.nnz
    if not k:
        return reached
    at, ones = np.arange(k), np.ones(k)
    ways = np.zeros(k) if distance is None else np.asarray(distance.tocsr()[pairs.row, pairs.col], float).ravel()
    served = float(_most_served(problem, problem.room * x))
    # A program of flows: the simplex ends in whole numbers when all limits are whole.
    outcome = highs.run(
        highs.Model(
            cost=ways,
            lower=np.zeros(k),
            upper=problem.weight[pairs.row].astype(float),
            matrix=csr_array(
                vstack(
                    [
                        csr_array((ones, (pairs.row, at)), shape=(n, k)),
                        csr_array((ones, (pairs.col, at)), shape=(m, k)),
                        csr_array(ones[None, :]),
                    ],
                    format="csr",
                )
            ),
            row_lower=np.concatenate([np.full(n, -np.inf), (problem.floor * x).astype(float), [served]]),
            row_upper=np.concatenate([problem.weight.astype(float), (problem.room * x).astype(float), [np.inf]]),
            whole=0,
        )
    )
    whole = outcome.x is not None and np.abs(outcome.x - np.rint(outcome.x)).max(initial=0.0) <= 1e-6
    if outcome.x is None or not whole or outcome.status != "optimal":
        raise RuntimeError("the solver found no whole flow where there is one")
    flow = csr_array((np.rint(outcome.x), (pairs.row, pairs.col)), shape=(n, m))
    flow.eliminate_zeros()
    return flow
