"""`robustness`: how a plan does in scenarios other than the one it was made for."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pandas as pd

from siting.errors import ProblemError
from siting.messages import Message
from siting.numbers import Bools
from siting.optimize.control import Control
from siting.propose.model.formulation import Formulation
from siting.propose.model.scenarios import Scenarios, under_each
from siting.propose.plan.plan import Plan
from siting.propose.search.answer import Answer
from siting.propose.search.choose_search import search
from siting.propose.search.point_search import refuse_unkept_ways
from siting.propose.solve import check

__all__ = ["robustness"]


def robustness(
    plan: Plan, scenarios: Scenarios | None = None, *, time_limit: float | None = None, gap: float = 0.0
) -> pd.DataFrame:
    """Measure a plan in other scenarios, beside the best that could be had there.

    Parameters
    ----------
    plan
        A plan of `solve`.
    scenarios
        Names and scenarios: another demand, another `Reach`, (reach, demand), a list of ids that serve nobody, or a
        `Scenario`. Without it one for each site of the plan: that this site is lost. Another demand is of people; the
        take-up of the plan counts in it, too, unless the `Scenario` has another.
    time_limit, gap
        As for `solve`, of the best of each scenario.

    Returns
    -------
    DataFrame
        A row per scenario, index its name: `demand`, `covered`, `share` (of the plan there); `objective` of the plan
        (NaN where it cannot serve whom it must); `keeps` (whether it keeps all rules there, such as a share to cover);
        `best` and `best_bound` (the best plan for this scenario alone and what none can beat, by the same objective and
        rules); `regret`, what the plan loses against that bound (NaN where it breaks a rule), `relative_regret`, as a
        share of it; `status` of the best.

    Raises
    ------
    ProblemError
        When the plan has no sites or is of a `PointReach`, or a scenario does not fit it.

    Examples
    --------
    >>> import pandas as pd, siting as st
    >>> table = pd.DataFrame({"origin": list("aabc"), "destination": list("xyyz"), "cost": [100.0] * 4})
    >>> reach = st.Reach.from_pairs(table, origins=list("abc"), destinations=list("xyz"), limit=300)
    >>> people = pd.Series({"a": 10, "b": 5, "c": 8})
    >>> plan = st.solve(st.MaxCoverage(), reach, demand=people, rules=[st.AtMost(1)])
    >>> later = pd.Series({"a": 4, "b": 5, "c": 12})
    >>> st.scenarios.robustness(plan, {"later": later, "y is lost": ["y"]})[["covered", "best", "regret"]]
               covered  best  regret
    scenario
    later          9.0  12.0     3.0
    y is lost      0.0  10.0    10.0
    """
    check((), time_limit, gap)
    x = plan.answer.x
    if x is None:
        raise ProblemError(Message("question.no_sites", what="robustness"))
    refuse_unkept_ways(plan.answer, "robustness")
    lost: Any = {site: [site] for site in dict.fromkeys(plan.sites)}
    rows = []
    for name, there in under_each(plan.problem, lost if scenarios is None else scenarios).items():
        with Control(time_limit=time_limit, gap=gap) as control:
            here, keeps = _fixed(there, x)
            value, sign = here.objective, there.sense
            best = search(there, control, start=x if keeps else None)
            most, bound, regret = best.value, best.bound, math.nan
            if keeps:
                most, bound = (max(each, value, key=lambda v: sign * v) for each in (most, bound))
                regret = max(0.0, sign * (bound - value))
            elif there.everybody:
                value = math.nan
        rows.append({
            "scenario": name, "demand": here.total, "covered": here.covered, "share": here.share, "objective": value,
            "keeps": keeps, "best": most, "best_bound": bound, "regret": regret,
            "relative_regret": regret / abs(bound) if bound else 0.0 * regret, "status": best.status,
        })  # fmt: skip
    return pd.DataFrame(rows).set_index("scenario")


def _fixed(problem: Formulation, x: Bools) -> tuple[Plan, bool]:
    """Return the plan that opens just *x*, and whether it keeps all rules; if not, it is as without shares to cover."""
    fixed = x.astype(float)
    held = replace(problem, variables=replace(problem.variables, lower=fixed, upper=fixed))
    answer = search(held, Control())
    if answer.x is not None:
        return Plan(problem, answer), True
    answer = search(replace(held, shares=(), closeness=()), Control())
    if answer.x is None:
        answer = Answer(x, math.nan, math.nan, "infeasible", "", sense=problem.sense)
    return Plan(problem, answer), False
