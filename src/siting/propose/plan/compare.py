"""Compare plans."""

from __future__ import annotations

from typing import Any

import pandas as pd

from siting.errors import ProblemError
from siting.messages import Message
from siting.propose.plan.plan import Plan

__all__ = ["compare"]

#: Attributes that become columns.
FIGURES = ("covered", "total", "share", "cost", "objective", "bound", "gap", "status", "seconds")


def compare(**plans: Plan) -> pd.DataFrame:
    """Compare plans in a table.

    Parameters
    ----------
    **plans
        Plans of `solve` (or results with a `plan`, such as that of `fairest`), by the name of their row.

    Returns
    -------
    DataFrame
        A row per plan, index its name: `sites` (number that open), `shared` (also open in the first plan), `only` (ids
        that the first plan does not open), `without` (ids that only the first plan opens), `closed` (number of existing
        sites that close), `covered`, `total`, `share`, `cost` (less savings; if known), `objective`, `bound`,
        `gap`, `status`, `seconds`, `goal` (name of the objective; different objectives are not comparable).

    Raises
    ------
    ProblemError
        When there is no plan, or one of them is not a plan.

    Examples
    --------
    >>> import pandas as pd, siting as st
    >>> table = pd.DataFrame({"origin": list("aabc"), "destination": list("xyyz"), "cost": [100.0] * 4})
    >>> reach = st.Reach.from_pairs(table, origins=list("abc"), destinations=list("xyz"), limit=300)
    >>> people = pd.Series({"a": 10, "b": 5, "c": 8})
    >>> one = st.solve(st.MaxCoverage(), reach, demand=people, rules=[st.AtMost(1)])
    >>> all_ = st.solve(st.MinSites(), reach, demand=people, rules=[st.Cover(1.0)])
    >>> st.propose.compare(one=one, all=all_)[["sites", "shared", "only", "covered"]]
          sites  shared  only  covered
    plan
    one       1       1    ()     15.0
    all       2       1  (z,)     23.0
    """
    if not plans:
        raise ProblemError(Message("question.compare_none"))
    known = {name: plan if isinstance(plan, Plan) else getattr(plan, "plan", plan) for name, plan in plans.items()}
    wrong = [name for name, plan in known.items() if not isinstance(plan, Plan)]
    if wrong:
        name = wrong[0]
        raise ProblemError(Message("question.gives_plan", what=name, value=plans[name]))
    first = _opened(next(iter(known.values())))
    table = pd.DataFrame([_row(plan, first) for plan in known.values()], index=pd.Index(list(known), name="plan"))
    return table.drop(columns="cost") if table["cost"].isna().all() else table


def _opened(plan: Plan) -> list[Any]:
    ids = list(plan.table.index)
    return list(zip(ids, plan.table["service"], strict=True)) if "service" in plan.table else ids


def _row(plan: Plan, first: list[Any]) -> dict[str, object]:
    mine = _opened(plan)
    return {
        "sites": len(mine),
        "shared": len(set(mine) & set(first)),
        "only": tuple(one for one in mine if one not in first),
        "without": tuple(one for one in first if one not in mine),
        "closed": len(plan.closed),
        **{name: getattr(plan, name) for name in FIGURES},
        "goal": plan.rules[0],
    }
