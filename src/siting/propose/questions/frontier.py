"""`frontier`: the best coverage for each number of new sites, or for each budget."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from numbers import Integral

import numpy as np
import pandas as pd

from siting.errors import ProblemError
from siting.numbers import Bools
from siting.optimize.control import Control, gap_between
from siting.optimize.model import Model
from siting.propose.model.constraints import Row
from siting.propose.model.formulation import Instance, build
from siting.propose.model.inputs import Demand, Reaches
from siting.propose.plan.tables import new_sites
from siting.propose.problem.arrangements import Together
from siting.propose.problem.objectives import MaxCoverage, is_number
from siting.propose.problem.rules import AtMost, Budget, Rule
from siting.propose.search.dispatch import Answer, in_sense, search, solve_model
from siting.propose.solve import check

__all__ = ["frontier"]


def frontier(
    reach: Reaches,
    *,
    demand: Demand,
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
    reach, demand, rules, options
        As for `solve` (without `AtMost`; with *budgets* without `Budget`).
    up_to
        The largest number of sites; the curve ends earlier where all that can be reached is covered.
    budgets
        Budgets instead of numbers of sites; *cost* then tells what each site costs, as in `Budget`.
    cost
        Cost of opening each site, by id.
    objective
        A `MaxCoverage` with decay or weights; plain without it.
    time_limit
        Seconds for each point.
    gap
        Stop each point when the bound is within this share; 0 waits for the proof.

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
    check(rules, time_limit)
    objective = MaxCoverage() if objective is None else objective
    if not isinstance(objective, MaxCoverage):
        raise ProblemError(f"frontier draws coverage; its objective is a MaxCoverage, not {objective!r}")
    if any(isinstance(rule, Together) and rule.bonus is not None for rule in rules):
        raise ProblemError("frontier counts people; leave the bonus of Together out")
    if cost is not None and budgets is None:
        raise ProblemError("frontier: cost without budgets does nothing; give budgets, or leave cost out")
    if budgets is None:
        if any(isinstance(rule, AtMost) and rule.by is None and rule.service is None for rule in rules):
            raise ProblemError("frontier sets AtMost itself; give up_to instead")
        if not isinstance(up_to, Integral) or up_to < 1:
            raise ProblemError(f"up_to is {up_to!r}; ask for a whole number of sites, 1 or more")
        limits: list[Rule] = []
    else:
        if any(isinstance(rule, Budget) for rule in rules):
            raise ProblemError("frontier sets Budget itself; give budgets instead")
        steps = list(budgets) if isinstance(budgets, Iterable) and not isinstance(budgets, str) else []
        if not steps or any(not is_number(b) or not 0 <= b < math.inf for b in steps):
            raise ProblemError(f"budgets is {budgets!r}; give amounts of 0 or more")
        limits = [Budget(max(steps), cost)]
    free = build(objective, reach, demand, [*rules, *limits], options, bounded=True)
    if budgets is None:
        counted = np.flatnonzero(free.columns.new)
        free = replace(free, rows=(*free.rows, Row(None, "", counted, np.ones(len(counted)), -math.inf, math.inf)))
        points = _numbers(free, int(up_to))
    else:
        points = sorted({float(b) for b in steps})
    return _curve(free, points, "sites" if budgets is None else "budget", time_limit, gap)


def _numbers(instance: Instance, up_to: int) -> list[float]:
    columns = instance.columns
    least = int(columns.lower[columns.new].sum())
    if up_to < least:
        raise ProblemError(f"up_to is {up_to}, but Required names {least} sites")
    new = len(np.unique((columns.site * len(instance.inputs.services) + columns.service)[columns.new]))
    return [float(n) for n in range(least, min(up_to, new) + 1)]


def _curve(
    instance: Instance, points: Sequence[float], name: str, time_limit: float | None, gap: float
) -> pd.DataFrame:
    row = len(instance.rows) - 1
    most = _most(instance)
    rows, last, done = [], None, False
    for point in points:
        if done:
            break
        with Control(time_limit=time_limit, gap=gap) as control:
            answer = _answer(instance, row, point, last, control)
            seconds = control.seconds
        last = answer.x if answer.x is not None else last
        rows.append(_point(name, point, answer, instance, seconds))
        done = name == "sites" and answer.status == "optimal" and answer.value >= most * (1 - 1e-12)
    table = pd.DataFrame(rows)
    bound = table["bound"].iloc[::-1].cummin().iloc[::-1]
    table["bound"] = np.maximum(bound, table["covered"]) if len(table) else bound
    table["bound_share"] = table["bound"] / _total(instance)
    table["gap"] = [gap_between(value, bound) for value, bound in zip(table["covered"], table["bound"], strict=True)]
    return table


def _total(instance: Instance) -> float:
    return float(sum(block.worth.sum() for block in instance.blocks))


def _answer(instance: Instance, row: int, point: float, start: Bools | None, control: Control) -> Answer:
    rows = list(instance.rows)
    rows[row] = replace(rows[row], high=point)
    if instance.capacity is not None:
        return search(replace(instance, rows=tuple(rows)), control)
    model: Model = instance.model
    high = model.high.copy()
    high[row] = point
    moved = replace(model, high=high)
    fits = start is not None and moved.is_feasible(start)
    return in_sense(instance, moved, solve_model(moved, control, start=start if fits else None))


def _most(instance: Instance) -> float:
    """Return what all columns together are worth, a bound for every point."""
    model = instance.model
    return model.objective(model.upper > 0) if not model.has_levels else math.inf


def _point(name: str, at: float, answer: Answer, instance: Instance, seconds: float) -> dict[str, object]:
    chosen = () if answer.x is None else tuple(new_sites(instance, answer.x))
    total = _total(instance)
    head: dict[str, object] = {"sites": int(at)} if name == "sites" else {"budget": at, "sites": len(chosen)}
    return head | {
        "covered": answer.value,
        "share": answer.value / total,
        "bound": answer.bound,
        "bound_share": answer.bound / total,
        "gap": answer.gap,
        "status": answer.status,
        "seconds": seconds,
        "chosen": chosen,
    }
