"""`frontier`: the best coverage for each number of new sites, or for each budget."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from numbers import Integral

import numpy as np
import pandas as pd

from siting.errors import ProblemError
from siting.messages import Message
from siting.numbers import Bools
from siting.optimize.control import Control, gap_between
from siting.propose.model.constraints import Constraint
from siting.propose.model.formulation import Formulation, build
from siting.propose.model.inputs import Demand, Rates, Reaches
from siting.propose.plan.tables import new_sites
from siting.propose.problem import AtMost, Budget, MaxCoverage, Rule, Together, is_number
from siting.propose.search.answer import in_sense
from siting.propose.search.choose_engine import solve_model
from siting.propose.search.choose_search import search
from siting.propose.solve import check

__all__ = ["frontier"]


def frontier(
    reach: Reaches,
    *,
    demand: Demand,
    take_up: Rates = None,
    up_to: int = 20,
    budgets: Sequence[float] | None = None,
    cost: pd.Series | Mapping[str, pd.Series] | None = None,
    rules: Sequence[Rule] = (),
    options: pd.DataFrame | None = None,
    objective: MaxCoverage | None = None,
    time_limit: float | None = None,
    gap: float = 0.0,
) -> pd.DataFrame:
    """Find the best coverage for each number of new sites, or for each budget.

    Parameters
    ----------
    reach, demand, take_up, rules, options
        As for `solve` (without `AtMost`; with *budgets* without `Budget`).
    up_to
        The largest number of sites; the curve ends earlier where all that can be reached is covered.
    budgets, cost
        Budgets instead of numbers of sites, and the cost of opening each site, by id, as in `Budget`.
    objective
        A `MaxCoverage` with decay or weights; plain without it.
    time_limit, gap
        As for `solve`, of each point.

    Returns
    -------
    DataFrame
        A row per point: `sites` (from 0), or `budget` and the number of `sites`; `covered`, `share`, `bound`,
        `bound_share`, `gap`, `status`, `seconds`, `chosen` (ids). Each point starts from the plan before it, so covered
        and bound never fall along the curve, whatever the clock does.

    Raises
    ------
    ProblemError
        As `solve`.

    Examples
    --------
    >>> import pandas as pd, siting as st
    >>> table = pd.DataFrame({"origin": list("aabc"), "destination": list("xyyz"), "cost": [100.0] * 4})
    >>> reach = st.Reach.from_pairs(table, origins=list("abcd"), destinations=list("xyz"), limit=300)
    >>> people = pd.Series({"a": 10, "b": 5, "c": 8, "d": 2})
    >>> st.frontier(reach, demand=people)[["sites", "covered"]].values.tolist()
    [[0.0, 0.0], [1.0, 15.0], [2.0, 23.0]]
    """
    check(rules, time_limit, gap)
    objective = MaxCoverage() if objective is None else objective
    if not isinstance(objective, MaxCoverage):
        raise ProblemError(Message("question.frontier_objective", value=objective))
    if any(isinstance(rule, Together) and rule.bonus is not None for rule in rules):
        raise ProblemError(Message("problem.not_in", what="frontier", rule=Message("problem.bonus")))
    if budgets is not None:
        points = _budgets(budgets, rules)
        problem = build(
            objective, reach, demand, [*rules, Budget(points[-1], cost)], options, take_up=take_up, bounded=True
        )
        return _curve(problem, points, "budget", time_limit, gap)
    if cost is not None:
        raise ProblemError(Message("question.frontier_cost"))
    if any(isinstance(rule, AtMost) and rule.by is None and rule.service is None for rule in rules):
        raise ProblemError(Message("question.frontier_sets", rule="AtMost", instead="up_to"))
    if not isinstance(up_to, Integral) or up_to < 1:
        raise ProblemError(Message("argument.whole", what="up_to", value=up_to, least=1))
    problem = build(objective, reach, demand, rules, options, take_up=take_up, bounded=True)
    columns = problem.variables
    new, least = np.flatnonzero(columns.new), int(columns.lower[columns.new].sum())
    if up_to < least:
        raise ProblemError(Message("question.below_required", what="up_to", value=up_to, n=least))
    every = Constraint(None, new, np.ones(len(new)), -math.inf, math.inf)
    problem = replace(problem, constraints=(*problem.constraints, every))
    most = min(int(up_to), len(np.unique(np.column_stack([columns.site, columns.service])[new], axis=0)))
    return _curve(problem, [float(n) for n in range(least, most + 1)], "sites", time_limit, gap)


def _budgets(budgets: object, rules: Sequence[Rule]) -> list[float]:
    if any(isinstance(rule, Budget) for rule in rules):
        raise ProblemError(Message("question.frontier_sets", rule="Budget", instead="budgets"))
    amounts = list(budgets) if isinstance(budgets, Iterable) and not isinstance(budgets, str) else []
    if not amounts or any(not is_number(amount) or not 0 <= amount < math.inf for amount in amounts):
        raise ProblemError(Message("question.amounts", what="budgets", value=budgets))
    return sorted({float(amount) for amount in amounts})


def _curve(
    problem: Formulation, points: Sequence[float], name: str, time_limit: float | None, gap: float
) -> pd.DataFrame:
    """Solve each point from the plan before it; the last of the rows is the limit that rises."""
    model = problem.model
    most = math.inf if model.has_levels else model.objective(model.upper > 0)  # what all sites together are worth
    total = float(sum(block.worth.sum() for block in problem.blocks))
    rows: list[dict[str, object]] = []
    start: Bools | None = None
    for point in points:
        with Control(time_limit=time_limit, gap=gap) as control:
            if problem.capacity is not None:
                limited = replace(problem.constraints[-1], high=point)
                answer = search(replace(problem, constraints=(*problem.constraints[:-1], limited)), control)
            else:
                rising = replace(model, high=np.append(model.high[:-1], point))
                fits = start is not None and rising.is_feasible(start)
                answer = in_sense(problem, rising, solve_model(rising, control, start=start if fits else None))
            seconds = control.seconds
        start = answer.x if answer.x is not None else start
        chosen = () if answer.x is None else tuple(new_sites(problem, answer.x))
        rows.append({"sites": int(point)} if name == "sites" else {"budget": point, "sites": len(chosen)})
        rows[-1].update({
            "covered": answer.value, "share": answer.value / total, "bound": answer.bound,
            "bound_share": answer.bound / total, "gap": answer.gap, "status": answer.status, "seconds": seconds,
            "chosen": chosen,
        })  # fmt: skip
        if name == "sites" and answer.status == "optimal" and answer.value >= most * (1 - 1e-12):
            break
    table = pd.DataFrame(rows)
    bound = table["bound"].iloc[::-1].cummin().iloc[::-1]
    table["bound"] = np.maximum(bound, table["covered"])
    table["bound_share"] = table["bound"] / total
    table["gap"] = [gap_between(value, bound) for value, bound in zip(table["covered"], table["bound"], strict=True)]
    return table
