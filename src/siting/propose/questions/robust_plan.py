"""`solve_robust`: the sites that are best in the worst of several scenarios."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd
from scipy.sparse import block_diag, csr_array, vstack

from siting.errors import ProblemError
from siting.labels import label
from siting.messages import Message
from siting.numbers import Bools, Floats, amount, percent
from siting.optimize.control import Control
from siting.optimize.covering.presolve import weights
from siting.optimize.model import Model
from siting.propose.forwarded_attributes import forwarded
from siting.propose.model.formulation import Formulation, build
from siting.propose.model.inputs import Demand, Rates, Reaches
from siting.propose.model.scenarios import Scenarios, under_each
from siting.propose.plan.demand_words import demand_words
from siting.propose.plan.plan import Plan
from siting.propose.plan.tables import new_sites
from siting.propose.problem import MaxCoverage, Objective, Rule
from siting.propose.search import maximin
from siting.propose.search.answer import Answer
from siting.propose.search.choose_engine import solve_model
from siting.propose.search.choose_search import search
from siting.propose.search.maximin import Goals, Level, refuse_uncounted
from siting.propose.solve import check

__all__ = ["RobustPlan", "solve_robust"]

#: Of the plans that are as good in the worst case one is looked for that is within this share of the best in all.
FULL = 5e-3


@dataclass(frozen=True, eq=False, repr=False)
class RobustPlan:
    """The plan that is best over several scenarios. Made by `solve_robust`.

    Attributes
    ----------
    problems, bests, level
        The problem in each scenario, the best answer to each alone, and what was found for all.
    measure
        "regret" or "worst".
    seconds
        How long it took.
    """

    problems: Mapping[str, Formulation]
    bests: Mapping[str, Answer]
    level: Level
    measure: Literal["regret", "worst"]
    seconds: float = 0.0

    @property
    def x(self) -> Bools | None:
        """The variables that open; None without a plan."""
        return self.level.x

    engine = forwarded("level.engine", str, "What solved it.")
    rules = forwarded("_first.rules", tuple, "Objective and rules as they were put.")
    closed = forwarded("_first.closed", tuple, "Ids of existing sites that close.")

    @cached_property
    def sites(self) -> tuple[object, ...]:
        """Ids of the new sites; () when there is no plan."""
        return () if self.x is None else tuple(dict.fromkeys(new_sites(self._first.problem, self.x)))

    @cached_property
    def table(self) -> pd.DataFrame:
        """A row per scenario, index its name.

        Columns: `total` (all demand that counts), `covered`, `share`, `best` and `best_bound` (the best plan for this
        scenario alone), `regret` (what is lost against that bound), `relative_regret`, `status` of the best.
        """
        x, bests = self.x, self.bests.values()
        table = pd.DataFrame({"total": _totals(self.problems)}, index=pd.Index(list(self.problems), name="scenario"))
        table["covered"] = [math.nan if x is None else each.model.objective(x) for each in self.problems.values()]
        table["share"] = table["covered"] / table["total"]
        table["best"] = np.fmax([best.value for best in bests], table["covered"])
        table["best_bound"] = np.fmax([best.bound for best in bests], table["best"])
        table["regret"] = table["best_bound"] - table["covered"]
        most = table["best_bound"]
        table["relative_regret"] = (table["regret"] / most.where(most > 0)).where(most > 0, 0 * table["regret"])
        table["status"] = [best.status for best in bests]
        return table

    @property
    def value(self) -> float:
        """The largest regret, in people, or the smallest share; NaN without a plan."""
        return float(self.table["regret"].max() if self.measure == "regret" else self.table["share"].min())

    @property
    def bound(self) -> float:
        """What no plan can better; NaN without a plan."""
        if self.x is None:
            return math.nan
        return max(0.0, -self.level.bound) if self.measure == "regret" else max(self.level.bound, self.value)

    @property
    def gap(self) -> float:
        """Distance from value to bound: as a share of the largest best for "regret", of the bound for "worst"."""
        if self.x is None:
            return math.nan
        lost, best = self.bound - self.value, self.bound
        if self.measure == "regret":
            lost, best = -lost, max(best.value for best in self.bests.values())
        return lost / best if lost > 0 else 0.0

    @property
    def status(self) -> str:
        """As in `Plan`. A regret is proven against the bounds of the bests, so these must be, too."""
        if self.x is None or self.measure == "worst":
            return self.level.status
        unproven = "feasible" if self.level.status == "optimal" else self.level.status
        return "optimal" if self.value <= self.bound else unproven

    @cached_property
    def _first(self) -> Plan:
        return Plan(next(iter(self.problems.values())), Answer(self.x, 0.0, 0.0, "", ""))

    def __repr__(self) -> str:
        if self.x is None:
            return f"<RobustPlan: {self.status}, no sites>"
        if self.measure == "worst":
            result = f"worst share {100 * self.value:.1f} %, bound {100 * self.bound:.1f} %"
        else:
            result = f"regret {self.value:,.10g}, bound {self.bound:,.10g}"
        n, k = len(self.sites), len(self.problems)
        return f"<RobustPlan: {self.status}, {n} site{'s' * (n != 1)}, {k} scenario{'s' * (k != 1)}, {result}>"

    def plan(self, scenario: str) -> Plan:
        """Return these sites as the `Plan` of one scenario, with the best that could be had there as its bound.

        Raises
        ------
        ProblemError
            When there is no such scenario, or no plan.
        """
        if self.x is None or scenario not in self.problems:
            raise ProblemError(Message("question.no_scenario", name=scenario, known=list(self.problems)))
        problem = self.problems[scenario]
        value = problem.model.objective(self.x)
        bound = max(value, float(self.table["best_bound"][scenario]))
        status = "optimal" if value == bound else "feasible"
        return Plan(problem, Answer(self.x, value, bound, status, self.engine, None, problem.model, 1))

    def explain(self, lang: str = "zh") -> str:
        """Say in words, *lang* "zh" or "en", how good the plan is at worst, and what it covers in each scenario."""
        if self.x is None:
            return label(f"plan.status_{self.status}", lang)
        shown = percent if self.measure == "worst" else amount
        names = label("list.comma", lang).join(map(str, self.sites))
        counted = [list(demand_words(each.inputs, lang)) for each in self.problems.values()]
        alike = all(each == counted[0] for each in counted)
        lines = [
            label(f"plan.status_{self.status}", lang),
            *(counted[0] if alike else ()),
            label(f"robust.{self.measure}", lang, value=shown(self.value), bound=shown(self.bound)),
            label("robust.sites", lang, count=len(self.sites), names=names),
        ]
        for (name, row), said in zip(self.table.to_dict("index").items(), counted, strict=True):
            words = {key: amount(row[key]) for key in ("covered", "best", "regret")}
            lines.append(label("robust.scenario", lang, name=name, share=percent(row["share"]), **words))
            lines += () if alike else said
        return "\n".join(lines)


def solve_robust(
    objective: Objective,
    reach: Reaches,
    *,
    demand: Demand,
    take_up: Rates = None,
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
    reach, demand, take_up, rules, options
        As for `solve`, without `Capacity` and a bonus of `Together`. A rule on shares or distances holds in every one.
    scenarios
        As for `robustness`: what each names takes the place of *reach*, *demand* or *take_up*, and the *take_up* counts
        in another demand, too. The arguments are no scenario of themselves; `Scenario()` makes them one.
    measure
        "regret": the largest regret is to be small, that is how many people more the best plan for the scenario alone
        would cover. "worst": the smallest share covered is to be large.
    time_limit
        As for `solve`.
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
    >>> table = pd.DataFrame({"origin": list("abcbc"), "destination": list("xyzww"), "cost": [100.0] * 5})
    >>> reach = st.Reach.from_pairs(table, origins=list("abc"), destinations=list("wxyz"), limit=300)
    >>> now, later = pd.Series({"a": 9, "b": 4, "c": 4}), pd.Series({"a": 2, "b": 6, "c": 3})
    >>> st.scenarios.solve_robust(
    ...     st.MaxCoverage(), reach, demand=now, scenarios={"now": now, "later": later}, rules=[st.AtMost(1)]
    ... )
    <RobustPlan: optimal, 1 site, 2 scenarios, regret 1, bound 1>
    """
    check(rules, time_limit, gap)
    if measure not in ("regret", "worst"):
        raise ProblemError(Message("argument.choose", what="measure", value=measure, choices=["regret", "worst"]))
    if not isinstance(objective, MaxCoverage):
        raise ProblemError(Message("question.only_coverage", objective=objective))
    if objective.decay is not None:
        raise ProblemError(Message("problem.not_in", what="solve_robust", rule="decay"))
    with Control(time_limit=time_limit) as control:
        problems = under_each(build(objective, reach, demand, rules, options, take_up=take_up), scenarios)
        for problem in problems.values():
            refuse_uncounted(problem, "solve_robust")
        part = gap / 2 if measure == "regret" else gap  # a regret is off by what its best is, too
        bests: dict[str, Answer] = {}
        start = None
        for number, (name, problem) in enumerate(problems.items()):
            # Each has an equal part of half the time that is left.
            bests[name] = search(problem, maximin.within(control, part, 1 / (len(problems) - number + 1)), start=start)
            start = bests[name].x
        return RobustPlan(problems, bests, _level(problems, bests, measure, control, part), measure, control.seconds)


def _totals(problems: Mapping[str, Formulation]) -> Floats:
    return np.array([sum(float(block.worth.sum()) for block in problem.blocks) for problem in problems.values()])


def _level(
    problems: Mapping[str, Formulation], bests: Mapping[str, Answer], measure: str, control: Control, gap: float
) -> Level:
    best = np.array([answer.value for answer in bests.values()])
    if np.isnan(best).any():
        status = "infeasible" if any(each.status == "infeasible" for each in bests.values()) else control.status
        return Level(None, math.nan, math.nan, status, "rules")
    models = [problem.model for problem in problems.values()]
    grain = min(model.grain for model in models)
    stacked, weight = _stacked(models)
    if measure == "regret":
        goals, top = Goals(weight, best, np.ones(len(best)), grain), math.inf
        near = None if not gap else (lambda _: gap * float(best.max()))
    else:
        totals, bounds = _totals(problems), np.array([answer.bound for answer in bests.values()])
        goals, top = Goals(weight, np.zeros(len(best)), totals, grain), float((bounds / totals).min())
        near = None if not gap else (lambda t: gap * max(t, 1e-9))
    starts = [a.x for a in bests.values() if a.x is not None and stacked.is_feasible(a.x)]
    start = max(starts, key=lambda x: maximin.reached(stacked, goals, x), default=None)
    level = maximin.maximise_least(stacked, goals, control, start=start, top=top, near=near)
    return level if level.x is None else replace(level, x=_fuller(stacked, goals, level, control))


def _stacked(models: Sequence[Model]) -> tuple[Model, csr_array]:
    """Stack the needs of all scenarios over the same columns; and what each need counts in its scenario."""
    weight = csr_array(block_diag([weights(m.benefit)[None, :] for m in models], format="csr"))
    weight.eliminate_zeros()
    benefit = csr_array(vstack([m.benefit for m in models], format="csr"))
    benefit.sort_indices()
    times = [m.times for m in models if m.times is not None]
    stacked = replace(
        models[0],
        benefit=benefit,
        shares=csr_array(block_diag([m.shares for m in models], format="csr")),
        wanted=np.concatenate([m.wanted for m in models]),
        must=np.concatenate([m.must for m in models]),
        times=np.concatenate(times) if times else None,
        grain=0.0,
    )
    return stacked, weight


def _fuller(model: Model, goals: Goals, level: Level, control: Control) -> Bools:
    """Of the plans that are as good in the worst case, one that serves most in all, each in its unit."""
    assert level.x is not None
    if control.must_stop:
        return level.x
    each = np.asarray((1.0 / goals.slope) @ goals.weight)
    benefit = model.benefit.copy()
    benefit.data = np.repeat(each, np.diff(benefit.indptr))
    grain = goals.grain if (goals.slope == 1).all() else 0.0
    goal = replace(maximin.with_goals(model, goals, level.t), benefit=benefit, grain=grain)
    found = solve_model(goal, maximin.within(control, FULL), start=level.x)
    if found.x is None or not model.is_feasible(found.x) or found.value <= goal.objective(level.x):
        return level.x
    return found.x if maximin.reached(model, goals, found.x) >= level.t - 1e-9 * abs(level.t) else level.x
