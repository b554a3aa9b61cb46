"""`trade_off`: the front of two objectives, with what is proven of each point."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd

import siting.propose.problem as problem
from siting.errors import ProblemError
from siting.labels import counted, label
from siting.messages import Message
from siting.numbers import percent
from siting.optimize.control import Control, gap_between
from siting.optimize.model import Model
from siting.optimize.solution import floored
from siting.propose.model.formulation import Formulation, build
from siting.propose.model.inputs import Demand, Rates, Reaches
from siting.propose.plan.demand_words import demand_words
from siting.propose.plan.explain import how_counted
from siting.propose.plan.plan import Plan
from siting.propose.plan.rule_text import rule_words, value_words
from siting.propose.plan.tables import new_sites
from siting.propose.problem import MaxCoverage, MinCost, MinFarthest, MinSites, MinTravel, Objective, Rule
from siting.propose.problem.rule_values import Value, argument_of, groups_of
from siting.propose.search.aims import Aim, FarthestAim, SumAim, WorstShareAim
from siting.propose.search.answer import Answer
from siting.propose.search.choose_engine import proven_bound
from siting.propose.search.front import find_front
from siting.propose.search.front_points import FrontPoint
from siting.propose.search.leximin import Groups
from siting.propose.search.maximin import refuse_uncounted
from siting.propose.solve import check, no_plan_words

__all__ = ["MaxWorstShare", "TradeOff", "trade_off"]


@dataclass(frozen=True, eq=False)
class MaxWorstShare(Value):
    """Make the share covered in the worst-off group as large as possible; for `trade_off`, as in `equity.fairest`.

    Parameters
    ----------
    by
        A group for each community id, such as its district. Groups without demand do not count.

    Raises
    ------
    ProblemError
        When *by* is no Series.
    """

    by: pd.Series

    def __post_init__(self) -> None:
        groups_of(self.by, argument_of("MaxWorstShare", "by"), "communities")

    def __str__(self) -> str:
        return f"MaxWorstShare(by={self.by.name or 'group'})"


@dataclass(frozen=True, eq=False)
class FrontAnswer(Answer):
    """The answer for a point of a front: its bound is for plans worth *least* or more to the second objective.

    It follows from the bound on the weighted sum that found it.
    """

    priced: Model | None = None
    weights: tuple[float, float] = (1.0, 0.0)
    least: float = 0.0

    def bound_by(self, proof: Any) -> float:
        """Return the bound that a proof gives, added up anew; NaN without one."""
        if proof is None or self.priced is None or self.found is None:
            return math.nan
        weighted = proven_bound(self.priced, proof, self.found.too_few)
        bound = floored((weighted - self.weights[1] * self.least) / self.weights[0], self.grain)
        return self.sense * max(bound, self.sense * self.value) + 0.0


@dataclass(frozen=True, eq=False, repr=False)
class TradeOff:
    """Plans of which none is better in one objective without being worse in the other. Made by `trade_off`.

    Attributes
    ----------
    first, second
        The objectives.
    points
        A row per plan, from the best in the first objective to the best in the second. Columns: `first` and `second`,
        the values; `bound`, what no plan can better in the first that is as good in the second, and its `gap`; with the
        objectives exchanged where only the first can be asked for in amounts (see `bounded`). `proven`: no plan is
        better in one and as good in the other. `supported`: on the convex hull of the front, so that some weighting of
        the two makes it best; False below it; missing where that is not known. `sites` (how many open), `chosen` (ids),
        `seconds`.
    plans
        A `Plan` for each row, with its bound and certificate; its objective is `bounded`, and the other one a rule.
    bounded
        "first" or "second": the objective that `bound` is of.
    complete
        Whether all points of the front are here, which is proven.
    seconds
        Run time.
    """

    first: Objective | MaxWorstShare
    second: Objective | MaxWorstShare
    points: pd.DataFrame
    plans: tuple[Plan, ...]
    bounded: str
    complete: bool
    seconds: float

    def __repr__(self) -> str:
        n, proven = len(self.plans), int(self.points["proven"].sum())
        whole = "all of the front" if self.complete else "a part of the front"
        supported = int(self.points["supported"].sum())  # missing values are neither
        return f"<TradeOff: {n} point{'s' * (n != 1)}, {proven} proven, {supported} supported, {whole}>"

    def explain(self, lang: str = "zh") -> str:
        """Say what each point is, and what is proven of it.

        Parameters
        ----------
        lang
            "zh" or "en".
        """
        unit = self.plans[0].unit
        words = {"first": self._named(self.first, lang, unit), "second": self._named(self.second, lang, unit)}
        key = "complete" if self.complete else "part"
        lines = [*demand_words(self.plans[0].problem.inputs, lang)]
        lines.append(counted(f"trade_off.{key}", len(self.plans), lang, count=len(self.plans), **words))
        both = {"first": self.first, "second": self.second}
        for number, (plan, row) in enumerate(zip(self.plans, self.points.to_dict("records"), strict=True), start=1):
            on = "unknown" if pd.isna(row["supported"]) else "on" if row["supported"] else "below"
            bound = self._value(plan, both[self.bounded], row["bound"], row[self.bounded], lang)
            known = label(f"trade_off.{'proven' if row['proven'] else 'open'}", lang, bound=bound)
            values = [self._value(plan, what, row[name], row[name], lang) for name, what in both.items()]
            if not any(isinstance(what, MinSites) for what in both.values()):
                values.append(value_words(MinSites(), row["sites"], lang))
            told = label("list.clauses", lang).join(values)
            hull = label(f"trade_off.{on}", lang)
            lines.append(label("trade_off.point", lang, number=number, values=told, known=known, hull=hull))
        return "\n".join(lines)

    def _value(self, plan: Plan, what: Objective | MaxWorstShare, value: float, of: float, lang: str) -> str:
        """Say what a value is, people covered or weighted as the value *of* the plan is."""
        if isinstance(what, MaxWorstShare):
            return label("worth.MaxWorstShare", lang, value=percent(value))
        how = how_counted(plan, of) if isinstance(what, MaxCoverage) else ""
        return value_words(what, value, lang, plan.unit, how)

    def _named(self, what: Objective | MaxWorstShare, lang: str, unit: str) -> str:
        if isinstance(what, MaxWorstShare):
            return label("trade_off.worst", lang)
        return rule_words(what, lang, unit)

    @cached_property
    def gap(self) -> float:
        """The largest gap of a point."""
        return float(self.points["gap"].max())


def trade_off(
    first: Objective | MaxWorstShare,
    second: Objective | MaxWorstShare,
    reach: Reaches,
    *,
    demand: Demand,
    take_up: Rates = None,
    rules: Sequence[Rule] = (),
    options: pd.DataFrame | None = None,
    n: int | None = 20,
    time_limit: float | None = None,
    gap: float = 0.0,
) -> TradeOff:
    """Weigh two objectives against each other: the plans that are best for some balance of both.

    Parameters
    ----------
    first, second
        Two of `MaxCoverage`, `MinSites`, `MinCost`, `MinTravel`, `MinFarthest`, `equity.MaxWorstShare`; of the last
        two only one.
    reach, demand, take_up, rules, options
        As for `solve`, without `Capacity` and `TargetMarketShare`. Where one objective asks for more (people, shorter
        ways) and the other for less (sites, cost), no rule is needed.
    n
        How many points to look for; None for all of the front, which may be very many.
    time_limit
        Seconds for all of them together, shared out among those that are missing; None waits for the proofs.
    gap
        As for `solve`, of each question.

    Returns
    -------
    TradeOff

    Raises
    ------
    ProblemError
        When the problem is badly put, no plan keeps the rules (the message says why, as `Plan.explain` does), or the
        objectives do not go together.

    Notes
    -----
    With f and g the objectives, both to be large, a point is *nondominated* when no plan has f and g as large and one
    of them larger. It is *supported* when it maximises w f + v g for some w, v > 0. Supported points are found by such
    sums, between two neighbours with the weights for which both are worth the same [1]_; the others as the best f with
    g at least an amount, exact to the next value that g can take [2]_. The point is proven when the bound on the sum
    leaves no room for a better one. The largest gap of the front is filled first. Values without a common grain, such
    as sums of fractions, are told apart to 4e-9 of their size.

    References
    ----------
    .. [1] Y. P. Aneja and K. P. K. Nair, "Bicriteria transportation problem", Management Science 25 (1), 1979, pp.
       73-78.
    .. [2] Y. Y. Haimes, L. S. Lasdon and D. A. Wismer, "On a bicriterion formulation of the problems of integrated
       system identification and system optimization", IEEE Transactions on Systems, Man, and Cybernetics SMC-1 (3),
       1971, pp. 296-297.

    Examples
    --------
    >>> import pandas as pd, siting as st
    >>> table = pd.DataFrame({"origin": list("aabc"), "destination": list("xyyz"), "cost": [100.0] * 4})
    >>> reach = st.Reach.from_pairs(table, origins=list("abcd"), destinations=list("xyz"), limit=300)
    >>> people = pd.Series({"a": 10, "b": 5, "c": 8, "d": 2})
    >>> cost = pd.Series({"x": 3, "y": 9, "z": 4})
    >>> found = st.propose.trade_off(st.MaxCoverage(), st.MinCost(cost), reach, demand=people)
    >>> found.points[["first", "second", "supported"]].values.tolist()
    [[23.0, 13.0, True], [18.0, 7.0, True], [10.0, 3.0, True], [0.0, 0.0, True]]
    >>> found.complete
    True
    """
    check(rules, time_limit, gap)
    if n is not None and (isinstance(n, bool) or not isinstance(n, Integral) or n < 2):
        raise ProblemError(Message("question.points", value=n))
    given = (reach, demand, tuple(rules), options, take_up)
    with Control(time_limit=time_limit, gap=gap) as control:
        base, aims = _aims(first, second, given)
        turned = not _is_sum_first(*aims)
        a, b = aims[::-1] if turned else aims
        if not isinstance(a, SumAim):
            raise ProblemError(Message("question.two_worst", first=first, second=second))
        ground = _ground(base, aims)
        front = find_front(a, b, ground, None if n is None else int(n), control)
        if not front.points:
            if front.feasible is not False:
                raise ProblemError(Message("question.no_plan_in_time", what="trade_off"))
            forms = [aim.formulation for aim in aims if isinstance(aim, (SumAim, FarthestAim))]
            strict = next((each for each in forms if each.everybody), base)  # who must be served for one is for both
            raise ProblemError(Message("question.no_plan", what="trade_off", why=no_plan_words(strict, control)))
        made = [(_plan(a, b, point, second if not turned else first), point) for point in front.points]
        rows = [
            _row(plan, point, supported, (a, b), turned=turned)
            for (plan, point), supported in zip(made, front.supported, strict=True)
        ]
        plans = tuple(plan for plan, _ in made)
        order = slice(None, None, -1) if turned else slice(None)
        points = pd.DataFrame(rows[order]).astype({"supported": "boolean"})
        bounded = "second" if turned else "first"
        return TradeOff(first, second, points, plans[order], bounded, front.complete, control.seconds)


def _row(
    plan: Plan, point: FrontPoint, supported: bool | None, aims: tuple[SumAim, Aim], *, turned: bool
) -> dict[str, object]:
    values = [aim.sense * worth + 0.0 for aim, worth in zip(aims, point.worth, strict=True)]
    first, second = values[::-1] if turned else values
    chosen = tuple(dict.fromkeys(new_sites(plan.problem, point.x)))
    return {
        "first": first, "second": second, "bound": plan.bound, "gap": gap_between(plan.objective, plan.bound),
        "proven": point.proven, "supported": supported, "sites": len(chosen), "chosen": chosen,
        "seconds": point.seconds,
    }  # fmt: skip


def _is_sum_first(a: Aim, b: Aim) -> bool:
    """Whether the first is the one to be bounded, and the second the one to be held to an amount."""
    if isinstance(a, SumAim) and isinstance(b, SumAim):
        return b.can_be_held or not a.can_be_held
    return isinstance(a, SumAim)


def _aims(first: Any, second: Any, given: tuple[Any, ...]) -> tuple[Formulation, tuple[Aim, Aim]]:
    """Formulate the problem for both objectives; the base has the costs of either."""
    known = (MaxCoverage, MinSites, MinCost, MinTravel, MinFarthest, MaxWorstShare)
    for what in (first, second):
        if not isinstance(what, known):
            choices = [kind.__name__ for kind in known]
            raise ProblemError(Message("question.aim", value=what, choices=choices))
    reach, demand, rules, options, take_up = given
    saves = [isinstance(what, (MinSites, MinCost)) for what in (first, second)]
    bounded = saves[0] != saves[1]
    made = []
    for what in (first, second):
        objective = MaxCoverage() if isinstance(what, MaxWorstShare) else what
        made.append(build(objective, reach, demand, rules, options, take_up=take_up, bounded=bounded))
    if made[0].capacity is not None or made[0].market is not None:
        what = "Capacity" if made[0].capacity is not None else "TargetMarketShare"
        raise ProblemError(Message("problem.not_in", what="trade_off", rule=what))
    for one, other in (made, made[::-1]):
        if len(one.needs) != len(other.needs) or (one.needs != other.needs).any():
            raise ProblemError(Message("question.other_weights"))
    costs = next((each for each, what in zip(made, (first, second), strict=True) if isinstance(what, MinCost)), made[0])
    made = [replace(each, variables=costs.variables) for each in made]
    aims: list[Aim] = []
    for what, each in zip((first, second), made, strict=True):
        if isinstance(what, MaxWorstShare):
            refuse_uncounted(each, "trade_off with MaxWorstShare")
            if len(each.inputs.services) > 1:
                raise ProblemError(Message("problem.one_service", what="MaxWorstShare", n=len(each.inputs.services)))
            aims.append(WorstShareAim(1, Groups.of(each, what.by)))
        elif isinstance(what, MinFarthest):
            aims.append(FarthestAim(-1, each))
        else:
            aims.append(SumAim(each.sense, each))
    return made[0], (aims[0], aims[1])


def _ground(base: Formulation, aims: tuple[Aim, Aim]) -> Model:
    """Return the rules of both objectives without the objectives: who must be served for one is for both."""
    models = [aim.formulation.model for aim in aims if isinstance(aim, (SumAim, FarthestAim))]
    must = np.any([model.must for model in models], axis=0)
    return replace(base.model, must=must, grain=0.0, constant=0.0)


def _plan(first: SumAim, second: Aim, point: FrontPoint, held: Any) -> Plan:
    """Make the plan of a point: the first objective, with what it is held to of the second as a rule."""
    least, sense = point.worth[1], first.sense
    value, bound = sense * point.worth[0] + 0.0, sense * point.bound + 0.0
    bound = value if abs(bound - value) <= 1e-9 * max(1.0, abs(value)) else bound
    base = replace(_alone(first, point), constant=first.model.constant)
    status = "optimal" if point.proven and bound == value else point.found.status
    status = "feasible" if status == "optimal" and bound != value else status
    answer = FrontAnswer(
        point.x, value, bound, status, point.found.engine, point.found, base, sense, point.model, point.weights, least
    )
    form = first.formulation
    return Plan(_held_to(held, second.sense * least, form), answer, (), point.seconds)


def _alone(first: SumAim, point: FrontPoint) -> Model:
    """Return the model of the first objective with the rules of the question."""
    own, asked = first.model, point.model
    if own.benefit.nnz == asked.benefit.nnz:
        return replace(asked, benefit=own.benefit, value=own.value, grain=own.grain)
    weight = point.weights[0]  # pairs were left out: the question was of this objective alone
    benefit = asked.benefit.copy()
    benefit.data = benefit.data / weight
    return replace(asked, benefit=benefit, value=own.value, grain=own.grain)


def _held_to(held: Any, value: float, form: Formulation) -> Formulation:
    """Return the problem with what the second objective was held to as a rule, where there is one."""
    rule = _as_rule(held, value, form)
    if rule is None:
        return form
    try:
        return form.with_rule(rule)
    except ProblemError:  # so short a distance, beside the others, would be refused of a person
        return form


def _as_rule(held: Any, value: float, form: Formulation) -> Rule | None:
    """Return what the second objective was held to as a rule, to be read; None where there is no such rule."""
    inputs, total = form.inputs, float(form.inputs.demand.sum())
    if isinstance(held, MinCost) and not held.travel and held.cost is not None and not inputs.all(problem.Budget):
        return problem.Budget(value, held.cost)
    if isinstance(held, MinSites) and value >= 1:
        return problem.AtMost(round(value))
    if isinstance(held, MinFarthest):
        return problem.NobodyBeyond(value)
    if isinstance(held, MaxWorstShare) and value > 0:
        return problem.Cover(min(1.0, value), by=held.by)
    plain = len(inputs.services) == 1 and inputs.phases is None and form.times == 1
    if isinstance(held, MaxCoverage) and held.decay is None and plain and held.weights is None and 0 < value <= total:
        return problem.Cover(value / total)
    return None
