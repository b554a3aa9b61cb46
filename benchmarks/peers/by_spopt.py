"""spopt: its own models of a full table of costs, through PuLP to CBC or HiGHS."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

# Its imports warn of what others deprecate. Peers are not installed everywhere, and have no types.
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pulp  # type: ignore[import-untyped, unused-ignore]
    from spopt.locate import LSCP, MCLP, PMedian  # type: ignore[import-untyped, unused-ignore]

from benchmarks.peers.solving import Solved, Table, processor_seconds

__all__ = ["solve"]


def solve(table: Table, seconds: float, solver: str) -> Solved:
    """Build its model, which is most of the work for many, and solve it with *solver*, "cbc" or "highs"."""
    began = processor_seconds()
    made = _model(table)
    built = processor_seconds()
    tool = _tool(solver, seconds)
    try:
        made.solve(tool, results=False)
    except RuntimeError as error:  # it stops when nothing was found
        return Solved("none", str(error), build=built - began, seconds=processor_seconds() - built)
    spent = processor_seconds() - built
    problem = made.problem
    # "Optimal" is what PuLP calls whatever it was given at the limit of time; `sol_status` tells the two apart.
    told = f"{pulp.LpStatus[problem.status]}, {pulp.LpSolution[problem.sol_status]}"
    proven = problem.sol_status == pulp.LpSolutionOptimal
    opened = made.fac_vars
    values = np.array([float(pulp.value(v) or 0.0) for v in opened])
    sites = tuple(int(j) for j in np.flatnonzero(values > 0.5))
    sign = 1.0 if problem.sense == pulp.LpMaximize else -1.0
    value = sign * float(pulp.value(problem.objective))
    bound = -float(problem.solverModel.getInfo().mip_dual_bound) if solver == "highs" else math.nan
    if not sites:
        return Solved("none", told, bound=bound, build=built - began, seconds=spent)
    return Solved("optimal" if proven else "limit", told, sites, value, bound, built - began, spent)


def _tool(solver: str, seconds: float) -> Any:
    if solver == "cbc":
        return pulp.PULP_CBC_CMD(msg=False, timeLimit=seconds, timeMode="cpu", threads=1)
    from benchmarks.peers.by_highs import stopping

    call, kinds = stopping(seconds)
    return pulp.HiGHS(msg=False, threads=1, gapRel=0.0, callbackTuple=(call, None), callbacksToActivate=kinds)


def _model(table: Table) -> Any:
    if table.kind == "coverage":
        return MCLP.from_cost_matrix(table.cost, table.weight, table.radius, p_facilities=table.most)
    if table.kind == "fewest":
        return LSCP.from_cost_matrix(table.cost, table.radius)
    return PMedian.from_cost_matrix(table.cost, table.weight, p_facilities=table.most)
