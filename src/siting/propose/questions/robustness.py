"""How a plan fares when things come otherwise, and the plan that is best over what may come."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import pandas as pd
from scipy.sparse import block_diag, csr_array, vstack

from siting.errors import ProblemError
from siting.labels import label
from siting.numbers import Bools, Floats
from siting.optimize.control import Control
from siting.optimize.model import Model
from siting.optimize.presolve import weights
from siting.propose.model.formulation import Instance, build
from siting.propose.model.inputs import Demand, Reaches
from siting.propose.model.scenarios import Scenarios, under_each
from siting.propose.plan.explain import _amount, _percent
from siting.propose.plan.plan import Plan, make_plan
from siting.propose.plan.tables import new_sites, tell
from siting.propose.problem.objectives import Objective, is_number
from siting.propose.problem.rules import Rule
from siting.propose.search.dispatch import Answer, search, solve_model
from siting.propose.search.maximin import Goals, Level, asking, counted, covering, raise_least, within
from siting.propose.solve import check

__all__ = ["RobustPlan", "robustness", "solve_robust"]

#: Of the plans that are as good in the worst case one is looked for that is within this share of the best in all.
FULL = 5e-3


def robustness(
    plan: Plan, scenarios: Scenarios | None = None, *, time_limit: float | None = None, gap: float = 0.0
) -> pd.DataFrame:
    """Tell how a plan fares in other scenarios, beside the best that could be had there.

    Parameters
    ----------
    plan
        A plan of `solve`.
    scenarios
        Names and scenarios: another demand, another `Reach`, (reach, demand), a list of ids that serve nobody, or a
        `Scenario`. Without it one for each site of the plan: that this site is lost.
    time_limit
        Seconds for the best of each scenario.
    gap
        Stop each when the bound is within this share; 0 waits for the proof.

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
        When the plan has no sites, or a scenario does not fit it.

    Examples
    --------
    >>> import pandas as pd, siting as st
    >>> from siting.propose.questions.robustness import robustness
    >>> table = pd.DataFrame({"origin": list("aabc"), "destination": list("xyyz"), "cost": [100.0] * 4})
    >>> reach = st.Reach.from_pairs(table, origins=list("abc"), destinations=list("xyz"), limit=300)
    >>> people = pd.Series({"a": 10, "b": 5, "c": 8})
    >>> plan = st.solve(st.MaxCoverage(), reach, demand=people, rules=[st.AtMost(1)])
    >>> later = pd.Series({"a": 4, "b": 5, "c": 12})
    >>> robustness(plan, {"later": later, "y is lost": ["y"]})[["covered", "best", "regret"]]
               covered  best  regret
    scenario
    later          9.0  12.0     3.0
    y is lost      0.0  10.0    10.0
    """
    check((), time_limit)
    if plan.instance is None or plan.answer is None or plan.answer.x is None:
        raise ProblemError("robustness: the plan has no sites; see its explain()")
    given = {site: [site] for site in dict.fromkeys(plan.sites)} if scenarios is None else scenarios
    rows = []
    for name, there in under_each(plan.instance, given).items():  # type: ignore[arg-type]
        with Control(time_limit=time_limit, gap=gap) as control:
            rows.append({"scenario": name} | _fares(there, plan.answer.x, control))
    return pd.DataFrame(rows).set_index("scenario")


def _fares(instance: Instance, x: Bools, control: Control) -> dict[str, object]:
    """How columns fare in a scenario."""
    now, told = _at(instance, x)
    keeps = now is not None and now.x is not None
    best = search(instance, control, start=x if keeps else None)
    sign = instance.sense
    value = math.nan if now is None else now.value
    bound = max(best.bound, value, key=lambda v: sign * v) if keeps else best.bound
    if not keeps:
        bare = replace(instance, shares=(), closeness=())
        value = _at(bare, x)[1]["value"] if not instance.everybody else math.nan  # type: ignore[assignment]
    found = max(best.value, value, key=lambda v: sign * v) if keeps else best.value
    regret = max(0.0, sign * (bound - value)) if keeps else math.nan
    return {
        "demand": told["total"], "covered": told["covered"], "share": told["share"], "objective": value, "keeps": keeps,
        "best": found, "best_bound": bound, "regret": regret,
        "relative_regret": regret / abs(bound) if bound else 0.0 * regret, "status": best.status,
    }  # fmt: skip


def _at(instance: Instance, x: Bools) -> tuple[Answer | None, dict[str, object]]:
    """Answer of the very columns *x*, None where they break a rule; and what they serve all the same."""
    fixed = x.astype(float)
    held = replace(instance, columns=replace(instance.columns, lower=fixed, upper=fixed))
    answer = search(held, Control())
    if answer.x is not None:
        return answer, tell(instance, answer) | {"value": answer.value}
    bare = search(replace(held, shares=(), closeness=()), Control())
    if bare.x is None:
        bare = Answer(x, math.nan, math.nan, "infeasible", "", sense=instance.sense)
    return None, tell(instance, bare) | {"value": bare.value}


@dataclass(frozen=True, eq=False, repr=False)
class RobustPlan:
    """The plan that is best over several scenarios. Made by `solve_robust`.

    Attributes
    ----------
    sites
        Ids of the new sites; () when there is no plan.
    closed
        Ids of existing sites that close.
    measure
        "regret" or "worst".
    value, bound, gap
        The largest regret (in people), or the smallest share; what no plan can better; and how far they are apart: as a
        share of the largest best for "regret", of the bound for "worst". NaN without a plan.
    status
        "optimal", "feasible", "time_limit", "infeasible", as in `Plan`.
    table
        A row per scenario, index its name: `total` (all demand that counts), `covered`, `share`, `best` and
        `best_bound` (the best plan for this scenario alone), `regret` (what is lost against that bound),
        `relative_regret`, `status` of the best.
    engine, seconds, rules
        As in `Plan`.
    instances, x
        The problem in each scenario, and the columns that open.
    """

    sites: tuple[object, ...]
    closed: tuple[object, ...]
    measure: str
    value: float
    bound: float
    gap: float
    status: str
    table: pd.DataFrame
    engine: str
    rules: tuple[str, ...]
    seconds: float = 0.0
    instances: Mapping[str, Instance] = field(default_factory=dict)
    x: Bools | None = None

    def __repr__(self) -> str:
        if self.x is None:
            return f"<RobustPlan: {self.status}, no sites>"
        said = f"regret {self.value:,.10g}, bound {self.bound:,.10g}"
        if self.measure == "worst":
            said = f"worst share {100 * self.value:.1f} %, bound {100 * self.bound:.1f} %"
        n, k = len(self.sites), len(self.table)
        return f"<RobustPlan: {self.status}, {n} site{'s' * (n != 1)}, {k} scenario{'s' * (k != 1)}, {said}>"

    def plan(self, scenario: str) -> Plan:
        """Return these sites as the `Plan` of one scenario, with the best that could be had there as its bound.

        Raises
        ------
        ProblemError
            When there is no such scenario, or no plan.
        """
        if self.x is None or scenario not in self.instances:
            raise ProblemError(f"no plan for the scenario {scenario!r}; there are {list(self.instances)}")
        instance = self.instances[scenario]
        value = instance.model.objective(self.x)
        bound = max(value, float(self.table["best_bound"][scenario]))
        status = "optimal" if value == bound else "feasible"
        return make_plan(instance, Answer(self.x, value, bound, status, self.engine, None, instance.model, 1))

    def explain(self, lang: str = "zh") -> str:
        """Say in words how good the plan is in the worst case, and how it fares in each scenario.

        Parameters
        ----------
        lang
            "zh" or "en".
        """
        lines = [label(f"plan.status_{self.status}", lang)]
        if self.x is None:
            return "\n".join(lines)
        shown = _percent if self.measure == "worst" else _amount
        lines.append(label(f"robust.{self.measure}", lang, value=shown(self.value), bound=shown(self.bound)))
        names = label("list.comma", lang).join(map(str, self.sites))
        lines.append(label("robust.sites", lang, count=len(self.sites), names=names))
        for name, row in self.table.to_dict("index").items():
            words = {key: _amount(row[key]) for key in ("covered", "best", "regret")} | {
                "share": _percent(row["share"])
            }
            lines.append(label("robust.scenario", lang, name=name, **words))
        return "\n".join(lines)


def solve_robust(
    objective: Objective,
    reach: Reaches,
    *,
    demand: Demand,
    scenarios: Scenarios,
    rules: Sequence[Rule] = (),
    options: pd.DataFrame | None = None,
    measure: Literal["regret", "worst"] = "regret",
    time_limit: float | None = None,
    gap: float = 0.0,
) -> RobustPlan:
    """Choose the sites that are best over several scenarios, in the worst of them.

    Parameters
    ----------
    objective
        `MaxCoverage`, without decay.
    reach, demand, rules, options
        As for `solve`. A rule on shares or distances holds in every scenario; `Capacity` and a bonus of `Together` do
        not go with it.
    scenarios
        As for `robustness`: what each names takes the place of *reach* or *demand*. They are no scenario of themselves;
        `Scenario()` makes them one.
    measure
        "regret": the largest regret is to be small, that is how many people more the best plan for the scenario alone
        would cover. "worst": the smallest share covered is to be large.
    time_limit
        Seconds after which the best plan so far is returned with its bound; None waits for the proof.
    gap
        Stop when the bound is so near, as a share of the largest best ("regret") or of the value ("worst").

    Returns
    -------
    RobustPlan
        Of the plans that are as good, one that covers most in all scenarios together is looked for.

    Raises
    ------
    ProblemError
        When the problem is badly put, a scenario does not fit it, or a rule does not go with it.

    Notes
    -----
    With v_s(x) covered in scenario s, b_s the best there, w_s its demand: ``min over x of max over s of b_s - v_s(x)``
    and ``max over x of min over s of v_s(x) / w_s`` [1]_. A regret is counted against the bound on b_s, so it is never
    understated. Sums that are whole numbers are solved exactly, others to 1e-7 of their range.

    References
    ----------
    .. [1] P. Kouvelis and G. Yu, Robust Discrete Optimization and Its Applications, Kluwer, 1997. For siting: L. V.
       Snyder, "Facility location under uncertainty: a review", IIE Transactions 38 (7), 2006, pp. 547-564.

    Examples
    --------
    >>> import pandas as pd, siting as st
    >>> from siting.propose.questions.robustness import solve_robust
    >>> table = pd.DataFrame({"origin": list("abcbc"), "destination": list("xyzww"), "cost": [100.0] * 5})
    >>> reach = st.Reach.from_pairs(table, origins=list("abc"), destinations=list("wxyz"), limit=300)
    >>> now, later = pd.Series({"a": 9, "b": 4, "c": 4}), pd.Series({"a": 2, "b": 6, "c": 3})
    >>> solve_robust(
    ...     st.MaxCoverage(), reach, demand=now, scenarios={"now": now, "later": later}, rules=[st.AtMost(1)]
    ... )
    <RobustPlan: optimal, 1 site, 2 scenarios, regret 1, bound 1>
    """
    _asked(objective, rules, measure, time_limit, gap)
    with Control(time_limit=time_limit) as control:
        instances = under_each(build(objective, reach, demand, rules, options), scenarios)
        _fit(instances)
        part = gap / 2 if measure == "regret" else gap  # a regret is off by what its best is, too
        bests = _bests(instances, control, part)
        found = _solved(instances, bests, measure, control, part)
        return replace(found, seconds=control.seconds)


def _asked(objective: Objective, rules: Sequence[Rule], measure: str, time_limit: float | None, gap: float) -> None:
    check(rules, time_limit)
    if measure not in ("regret", "worst"):
        raise ProblemError(f'measure is {measure!r}; choose "regret" or "worst"')
    if not is_number(gap) or not 0 <= gap < 1:
        raise ProblemError(f"gap is {gap!r}; give a share of 0 or more and below 1, such as 0.01")
    covering(objective, "solve_robust")


def _fit(instances: Mapping[str, Instance]) -> None:
    for instance in instances.values():
        counted(instance, "solve_robust")


def _bests(instances: Mapping[str, Instance], control: Control, gap: float) -> dict[str, Answer]:
    """Solve each scenario for itself, with an equal part of half the time that is left."""
    found: dict[str, Answer] = {}
    start = None
    for number, (name, instance) in enumerate(instances.items()):
        own = within(control, gap, 1 / (len(instances) - number + 1))
        found[name] = search(instance, own, start=start)
        start = found[name].x
    return found


def _solved(
    instances: Mapping[str, Instance], bests: Mapping[str, Answer], measure: str, control: Control, gap: float
) -> RobustPlan:
    models = [instance.model for instance in instances.values()]
    totals = np.array([sum(float(b.worth.sum()) for b in i.blocks) for i in instances.values()])
    grain = min(m.grain for m in models)
    best = np.array([a.value for a in bests.values()])
    bounds = np.array([a.bound for a in bests.values()])
    if np.isnan(best).any():
        status = "infeasible" if any(a.status == "infeasible" for a in bests.values()) else control.status
        return _told(instances, bests, measure, Level(None, math.nan, math.nan, status, "rules"), totals, 0.0)
    model, weight = _stacked(models)
    if measure == "regret":
        goals, top, scale = Goals(weight, best, np.ones(len(best)), grain), math.inf, float(best.max())
        near = None if not gap else (lambda _: gap * scale)
    else:
        goals, top, scale = Goals(weight, np.zeros(len(best)), totals, grain), float((bounds / totals).min()), 0.0
        near = None if not gap else (lambda t: gap * max(t, 1e-9))
    starts = [a.x for a in bests.values() if a.x is not None and model.is_feasible(a.x)]
    start = max(starts, key=lambda x: goals.reached(_amounts(model, goals, x)), default=None)
    level = raise_least(model, goals, control, start=start, top=top, near=near)
    if level.x is not None:
        level = replace(level, x=_fuller(model, goals, level, control))
    return _told(instances, bests, measure, level, totals, scale)


def _stacked(models: Sequence[Model]) -> tuple[Model, csr_array]:
    """One model of the same columns with the needs of all scenarios; and what each need counts in its scenario."""
    first = models[0]
    needs = np.cumsum([0, *(m.benefit.shape[0] for m in models)])
    worth = [weights(m.benefit) for m in models]
    row = np.repeat(np.arange(len(models)), np.diff(needs))
    weight = csr_array((np.concatenate(worth), (row, np.arange(needs[-1]))), shape=(len(models), int(needs[-1])))
    weight.eliminate_zeros()
    benefit = csr_array(vstack([m.benefit for m in models], format="csr"))
    benefit.sort_indices()
    times = [np.ones(m.benefit.shape[0], np.int64) if m.times is None else m.times for m in models]
    stacked = replace(
        first,
        benefit=benefit,
        shares=csr_array(block_diag([m.shares for m in models], format="csr")),
        wanted=np.concatenate([m.wanted for m in models]),
        must=np.concatenate([m.must for m in models]),
        times=None if first.times is None else np.concatenate(times),
        grain=0.0,
    )
    return stacked, weight


def _amounts(model: Model, goals: Goals, x: Bools) -> Floats:
    return np.asarray(goals.weight @ (~np.isnan(model.served(x))).astype(float))


def _fuller(model: Model, goals: Goals, level: Level, control: Control) -> Bools:
    """Of the plans that are as good in the worst case, one that serves most in all, each in its unit."""
    assert level.x is not None
    if control.must_stop:
        return level.x
    each = np.asarray((1.0 / goals.slope) @ goals.weight)
    benefit = model.benefit.copy()
    benefit.data = np.repeat(each, np.diff(benefit.indptr))
    grain = goals.grain if (goals.slope == 1).all() else 0.0
    asked = replace(asking(model, goals, level.t), benefit=benefit, grain=grain)
    found = solve_model(asked, within(control, FULL), start=level.x)
    if (
        found.x is None
        or not model.is_feasible(found.x)
        or goals.reached(_amounts(model, goals, found.x)) < level.t - 1e-9 * abs(level.t)
    ):
        return level.x
    return found.x if found.value > asked.objective(level.x) else level.x


def _told(
    instances: Mapping[str, Instance],
    bests: Mapping[str, Answer],
    measure: str,
    level: Level,
    totals: Floats,
    scale: float,
) -> RobustPlan:
    instance = next(iter(instances.values()))
    table = pd.DataFrame({"total": totals}, index=pd.Index(list(instances), name="scenario"))
    covered = [math.nan if level.x is None else i.model.objective(level.x) for i in instances.values()]
    table["covered"] = covered
    table["share"] = table["covered"] / table["total"]
    table["best"] = np.fmax([a.value for a in bests.values()], covered)
    table["best_bound"] = np.fmax([a.bound for a in bests.values()], table["best"])
    table["regret"] = table["best_bound"] - table["covered"]
    table["relative_regret"] = np.where(
        table["best_bound"] > 0,
        table["regret"] / table["best_bound"].where(table["best_bound"] > 0, 1),
        0 * table["regret"],
    )
    table["status"] = [a.status for a in bests.values()]
    value, bound, gap, status = math.nan, math.nan, math.nan, level.status
    if level.x is not None and measure == "regret":
        value, bound = float(table["regret"].max()), max(0.0, -level.bound)
        status = "optimal" if value <= bound else _unproven(status)
        gap = (value - bound) / scale if value > bound else 0.0
    elif level.x is not None:
        value, bound = float(table["share"].min()), level.bound
        gap = (bound - value) / bound if bound > value else 0.0
        bound = max(bound, value)
    x = level.x
    return RobustPlan(
        sites=() if x is None else tuple(dict.fromkeys(new_sites(instance, x))),
        closed=() if x is None else tell(instance, Answer(x, 0.0, 0.0, "", ""))["closed"],
        measure=measure, value=value, bound=bound, gap=gap, status=status, table=table, engine=level.engine,
        rules=(str(instance.objective), *(str(rule) for rule in instance.inputs.rules)), instances=instances, x=x,
    )  # fmt: skip


def _unproven(status: str) -> str:
    """Status of what is no longer proven."""
    return "feasible" if status == "optimal" else status
