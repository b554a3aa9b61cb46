"""The engine of capacitated problems, and the whole problem as one mixed-integer programme."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.sparse import csr_array, diags_array

from siting.numbers import Bools
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

ENGINE = "capacity"
#: Pairs up to which the solver makes the proof; above, the tree of prices is faster.
FEW = 2_000


def solve_as_milp(problem: CapacitatedProblem, control: Control, *, start: Bools | None = None) -> CapacitatedSolution:
    """Solve *problem* as one mixed-integer programme.

    With x_j = 1 for an open column and f_ij people of need i there::

        maximise    sum f_ij + sum value_j x_j
        subject to  sum_j f_ij <= w_i,  f_ij <= w_i x_j,  least_j x_j <= sum_i f_ij <= capacity_j x_j,  sum new x_j <= p
    """
    check_problem(problem)
    (n, m), pairs = problem.cover.shape, problem.cover.tocoo()
    k, w, capacity = pairs.nnz, problem.weight.astype(float), problem.usable_capacity
    at, ones, people = np.arange(k), np.ones(k), 1.0
    limit = np.minimum(w[pairs.row], capacity[pairs.col])
    of_need, of_column = (
        csr_array((ones, (part, at)), shape=(size, k)) for part, size in ((pairs.row, n), (pairs.col, m))
    )
    link = csr_array((-limit, (at, pairs.col)), shape=(k, m))
    blocks: list[highs.Block] = [
        ([None, of_need], -np.inf, w),
        ([link, diags_array(ones)], -np.inf, 0.0),
        ([diags_array(-capacity.astype(float)), of_column], -np.inf, 0.0),
        ([diags_array(-problem.least_use.astype(float)), of_column], 0.0, np.inf),
    ]
    if problem.most is not None:
        blocks.append(([csr_array((problem.lower == 0).astype(float)[None, :]), None], -np.inf, problem.most))
    if problem.wanted is not None:
        people = 0.0
        blocks.append(([None, csr_array(ones[None, :])], problem.wanted, np.inf))
    outcome = highs.run(
        highs.Programme.of_blocks(
            cost=np.concatenate([-problem.value, np.full(k, -people)]),
            lower=np.concatenate([problem.lower.astype(float), np.zeros(k)]),
            upper=np.concatenate([problem.upper.astype(float), limit.astype(float)]),
            blocks=blocks,
            whole=m,
        ),
        gap=0.99 if problem.grain else 1e-6,  # whole sums that differ by less than 1 are equal
        time_limit=control.seconds_left,
        stop=lambda value, bound: control.report("HiGHS", -value if np.isfinite(value) else None, -bound),
    )
    if outcome.status == "infeasible":
        return CapacitatedSolution.infeasible("HiGHS")
    bound = to_grain(problem, -outcome.bound)
    plans = [p for p in (None if outcome.x is None else outcome.x[:m] > 0.5, start) if p is not None]
    values = [value_of(problem, plan) for plan in plans]
    if not values or max(values) == -np.inf:
        return CapacitatedSolution.without_plan(bound, control.status, "HiGHS")
    best = int(np.argmax(values))
    proven = bound - values[best] <= 1e-6 * max(1.0, abs(bound))
    status = "optimal" if proven else outcome.status if outcome.status != "optimal" else "feasible"
    return CapacitatedSolution(plans[best], values[best], values[best] if proven else bound, status, "HiGHS")


def solve_capacitated(problem: CapacitatedProblem, control: Control) -> CapacitatedSolution:
    """Choose columns with capacities.

    Needs with the same columns are merged. Plans come from greedy opening, from prices, and from kicks with
    interchange; each is valued by a maximum flow. The bound comes from prices of the needs, lowered by subgradients,
    then by branch and bound on columns, or, for few pairs, by the solver.

    Raises
    ------
    ValueError
        When arrays do not fit together or people are not whole.
    """
    check_problem(problem)
    search = Search(problem, control)
    if (search.must & ~search.usable).any() or search.weight.sum() < search.wanted:  # too few are in reach
        return CapacitatedSolution.infeasible(ENGINE)
    search.begin()
    if problem.wanted is not None and search.x is None and not control.must_stop:
        # The cheapest do not reach it with this number: do any?
        most = replace(problem, wanted=None, value=np.zeros_like(problem.value))
        limit = None if control.time_limit is None else control.seconds_left / 2
        reach = solve_capacitated(most, Control(time_limit=limit))
        if reach.bound < search.wanted:
            return CapacitatedSolution.infeasible(ENGINE, nodes=reach.nodes)
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
        return CapacitatedSolution(None, -np.inf, s.bound, status, ENGINE, nodes=nodes, prices=s.prices)
    status = s.control.status
    if s.bound < s.value + s.tolerance:
        bound, status = s.value, "optimal"
    elif gap_between(s.value, bound) <= s.control.gap:
        status = "feasible"
    return CapacitatedSolution(s.x, s.value, max(bound, s.value), status, ENGINE, nodes=nodes, prices=s.prices)
