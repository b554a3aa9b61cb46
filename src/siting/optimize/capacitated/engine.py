"""Where to open when sites can be full: the engine, and the whole problem as one mixed-integer programme."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.sparse import csr_array, hstack, vstack

from siting.numbers import Bools, Ints
from siting.optimize import highs
from siting.optimize.capacitated.problem import (
    CapacitatedProblem,
    CapacitatedSolution,
    check_problem,
    to_grain,
    value_of,
)
from siting.optimize.capacitated.search import Search, branch_and_bound, lower_root
from siting.optimize.control import Control, gap_between

__all__ = ["solve_as_milp", "solve_capacitated"]

#: Pairs up to which the solver is asked for the proof; above, the tree of prices is faster.
FEW = 2_000


def solve_as_milp(problem: CapacitatedProblem, control: Control, *, start: Bools | None = None) -> CapacitatedSolution:
    """Solve *problem* as one integer program; for small and odd ones.

    With x_j = 1 for an open column and f_ij people of need i there::

        maximise    sum f_ij + sum value_j x_j
        subject to  sum_j f_ij <= w_i,  f_ij <= w_i x_j,  least_j x_j <= sum_i f_ij <= capacity_j x_j,  sum new x_j <= p
    """
    check_problem(problem)
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
    model = highs.Programme(
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
        time_limit=None if control.time_limit is None else control.seconds_left,
        stop=lambda value, bound: control.report("HiGHS", -value if np.isfinite(value) else None, -bound),
    )
    if outcome.status == "infeasible":
        return CapacitatedSolution(None, -np.inf, -np.inf, "infeasible", "HiGHS")
    bound = to_grain(problem, -outcome.bound)
    plans = [p for p in (None if outcome.x is None else outcome.x[:m] > 0.5, start) if p is not None]
    values = [value_of(problem, plan) for plan in plans]
    if not values or max(values) == -np.inf:
        return CapacitatedSolution(None, -np.inf, bound, control.status, "HiGHS")
    best = int(np.argmax(values))
    proven = bound - values[best] <= 1e-6 * max(1.0, abs(bound))
    status = "optimal" if proven else outcome.status if outcome.status != "optimal" else "feasible"
    return CapacitatedSolution(plans[best], values[best], values[best] if proven else bound, status, "HiGHS")


def _diagonal(values: Ints) -> csr_array:
    at = np.arange(len(values))
    return csr_array((values.astype(float), (at, at)), shape=(len(values), len(values)))


def solve_capacitated(
    problem: CapacitatedProblem, control: Control, *, start: Bools | None = None
) -> CapacitatedSolution:
    """Choose columns when each can take only so many.

    Needs with the same columns are merged. Plans come from opening what adds most, from prices, and from closing some
    and opening others; every plan is judged by a largest flow. The bound comes from prices of the needs, lowered by
    subgradients, then by a tree of decisions on columns, or, for few pairs, from the solver.

    Raises
    ------
    ValueError
        When arrays do not fit together or people are not whole.
    """
    check_problem(problem)
    search = Search(problem, control)
    if start is not None:
        search.offer(np.asarray(start, bool))
    if search.hopeless:
        return CapacitatedSolution(None, -np.inf, -np.inf, "infeasible", "capacity")
    search.begin()
    if problem.wanted is not None and search.x is None and not control.must_stop:
        # The cheapest do not reach it with so many: do any?
        most = replace(problem, wanted=None, value=np.zeros_like(problem.value))
        reach = solve_capacitated(
            most, Control(time_limit=None if control.time_limit is None else control.seconds_left / 2)
        )
        if reach.bound < search.wanted:
            return CapacitatedSolution(None, -np.inf, -np.inf, "infeasible", "capacity", nodes=reach.nodes)
        if reach.x is not None:
            search.offer(reach.x)
    ended, root = lower_root(search)
    if ended:
        return _answer(search, 1)
    if len(problem.cover.indices) > FEW:
        search.bound, nodes = branch_and_bound(search, root)
        return _answer(search, nodes)
    found = solve_as_milp(problem, control, start=search.x)
    if found.status in ("optimal", "infeasible") or found.value > search.value:
        return replace(found, prices=search.prices, engine="capacity, HiGHS")
    search.bound = min(search.bound, found.bound)
    return _answer(search, 1)


def _answer(s: Search, nodes: int) -> CapacitatedSolution:
    bound = to_grain(s.problem, s.bound)
    if s.x is None:
        status = "infeasible" if s.bound == -np.inf else s.control.status
        return CapacitatedSolution(None, -np.inf, s.bound, status, "capacity", nodes=nodes, prices=s.prices)
    if s.bound < s.value + s.slack:
        bound, status = s.value, "optimal"
    elif gap_between(s.value, bound) <= s.control.gap:
        status = "feasible"
    else:
        status = s.control.status
    return CapacitatedSolution(s.x, s.value, max(bound, s.value), status, "capacity", nodes=nodes, prices=s.prices)
