"""Plans that are fair to groups: the worst-off one as well off as can be, and what that costs the others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd

from siting.errors import ProblemError
from siting.labels import label
from siting.messages import Message
from siting.numbers import Bools, amount, percent
from siting.optimize.control import Control, gap_between
from siting.propose.forwarded_attributes import forwarded
from siting.propose.model.formulation import Formulation, build
from siting.propose.model.inputs import Demand, Rates, Reaches
from siting.propose.plan.demand_words import demand_words
from siting.propose.plan.plan import Plan
from siting.propose.plan.tables import new_sites
from siting.propose.problem import MaxCoverage, Rule, is_number
from siting.propose.search.answer import Answer, in_sense
from siting.propose.search.choose_engine import solve_model
from siting.propose.search.choose_search import search
from siting.propose.search.leximin import Groups, Ranks
from siting.propose.search.maximin import Level, maximise_least, refuse_uncounted, within
from siting.propose.solve import check, no_plan_words

__all__ = ["FairPlan", "fairest", "price_of_equity"]


@dataclass(frozen=True, eq=False, repr=False)
class FairPlan:
    """The plan whose worst-off group is best off. Made by `fairest`.

    Attributes
    ----------
    plan
        The `Plan`; its objective and bound are of the people covered, given what each group is guaranteed.
    groups, levels
        The problem by group, and what was found for each rank, from which the table follows.
    status
        "optimal", "feasible", "time_limit", "infeasible": of the fairness; that of `plan` is of the people covered.
    """

    plan: Plan
    groups: Groups
    levels: tuple[Level, ...]
    status: str

    seconds = forwarded("plan.seconds", float, "How long it took.")
    sites = forwarded("plan.sites", tuple, "Ids of the new sites.")

    @cached_property
    def table(self) -> pd.DataFrame:
        """A row per group with demand, the worst off first, index its name.

        Columns: `demand`, `served`, `share`, `guaranteed` (the share that the plan was held to), `bound` (what no plan
        as fair to those before can bring the share of this rank above; NaN where it was not looked at).
        """
        x, levels = self.plan.answer.x, self.levels
        table = self.groups.table(x)
        found = [(level.t, level.bound) for level in levels if x is not None]
        rest = (found[-1][0] if found else math.nan, math.nan)
        table[["guaranteed", "bound"]] = found + [rest] * (len(table) - len(found))
        return table

    @property
    def worst(self) -> float:
        """The smallest share of a group; NaN without a plan."""
        return math.nan if self.plan.answer.x is None else float(self.table["share"].iloc[0])

    @property
    def bound(self) -> float:
        """The share that no plan can bring the smallest one above; NaN without a plan."""
        return math.nan if self.plan.answer.x is None else max(self.worst, self.levels[0].bound)

    @property
    def gap(self) -> float:
        """Distance from `worst` to `bound`, as a share."""
        return gap_between(self.worst, self.bound)

    def __repr__(self) -> str:
        if math.isnan(self.worst):
            return f"<FairPlan: {self.status}, no sites>"
        n, plan = len(self.sites), self.plan
        return (
            f"<FairPlan: {self.status}, {n} site{'s' * (n != 1)}, worst share {100 * self.worst:.1f} %, bound "
            f"{100 * self.bound:.1f} %, {plan.covered:,.10g} of {plan.total:,.10g} ({100 * plan.share:.1f} %)>"
        )

    def explain(self, lang: str = "zh") -> str:
        """Say in words, *lang* "zh" or "en", what share the worst-off group has, and every other."""
        if math.isnan(self.worst):
            return label(f"plan.status_{self.status}", lang)
        plan, names = self.plan, label("list.comma", lang).join(map(str, self.sites))
        words = {"covered": amount(plan.covered), "total": amount(plan.total), "share": percent(plan.share)}
        lines = [
            label(f"plan.status_{self.status}", lang),
            *demand_words(plan.problem.inputs, lang),
            label("equity.worst", lang, value=percent(self.worst), bound=percent(self.bound)),
            label("equity.total", lang, count=len(self.sites), names=names, **words),
        ]
        for order, (group, row) in enumerate(self.table.to_dict("index").items(), start=1):
            words = {key: amount(row[key]) for key in ("served", "demand")}
            lines.append(label("equity.group", lang, order=order, group=group, share=percent(row["share"]), **words))
        return "\n".join(lines)


def fairest(
    reach: Reaches,
    *,
    demand: Demand,
    take_up: Rates = None,
    by: pd.Series,
    rules: Sequence[Rule] = (),
    options: pd.DataFrame | None = None,
    method: Literal["worst", "leximin"] = "worst",
    time_limit: float | None = None,
    gap: float = 0.0,
) -> FairPlan:
    """Choose the sites for which the share covered in the worst-off group is largest.

    Parameters
    ----------
    reach, demand, take_up, rules, options
        As for `solve`, with one service and without `Capacity`; with `Phases` the shares are those of the last year.
    by
        A group for each community id, such as its district. Groups without demand do not count.
    method
        "worst": the smallest share is as large as possible; of such plans one that covers most. "leximin": then the
        second smallest is as large as possible, and so on; of such plans one that covers most.
    time_limit, gap
        As for `solve`; the gap is that of each step.

    Returns
    -------
    FairPlan

    Raises
    ------
    ProblemError
        When the problem is badly put, or a rule does not go with it.

    Notes
    -----
    With s_g(x) the share covered in group g: ``max over x of min over g of s_g(x)``, the maximin rule [1]_. Leximin
    compares the shares in ascending order, whichever groups they belong to [2]_: at rank r,
    the largest t is looked for at which the shares, sorted, are at least (t_1, ..., t_(r-1), t, ..., t). A group may
    fall below t when it takes one of the ranks before: a column for each group and each such value, no more of them
    than groups had it. Shares of whole numbers of people are solved exactly (as far as 4e-9), others to 1e-7.

    References
    ----------
    .. [1] J. Rawls, A Theory of Justice, Harvard University Press, 1971.
    .. [2] W. Ogryczak, "On the lexicographic minimax approach to location problems", European Journal of Operational
       Research 100 (3), 1997, pp. 566-585.

    Examples
    --------
    >>> import pandas as pd, siting as st
    >>> table = pd.DataFrame({"origin": list("abcd"), "destination": list("xxyy"), "cost": [100.0] * 4})
    >>> reach = st.Reach.from_pairs(table, origins=list("abcd"), destinations=list("xy"), limit=300)
    >>> people = pd.Series({"a": 10, "b": 6, "c": 2, "d": 2})
    >>> town = pd.Series({"a": "north", "b": "south", "c": "north", "d": "south"})
    >>> st.equity.fairest(reach, demand=people, by=town, rules=[st.AtMost(1)])
    <FairPlan: optimal, 1 site, worst share 75.0 %, bound 75.0 %, 16 of 20 (80.0 %)>
    """
    check(rules, time_limit, gap)
    if method not in ("worst", "leximin"):
        raise ProblemError(Message("argument.choose", what="method", value=method, choices=["worst", "leximin"]))
    problem = _problem(reach, demand, take_up, rules, options, "fairest")
    with Control(time_limit=time_limit) as control:
        groups = Groups.of(problem, by)
        levels, status = _levels(groups, method, control, gap)
        x = levels[-1].x
        if x is None:
            answer = Answer(None, math.nan, math.nan, status, levels[-1].engine, model=problem.model)
        elif len(levels) == 1:
            problem = groups.held(problem, levels[0].t)
            answer = in_sense(problem, problem.model, solve_model(problem.model, within(control, gap), start=x))
        else:
            ranks = Ranks.of(groups, [level.t for level in levels])
            found = solve_model(ranks.model, within(control, gap), start=ranks.widened(x))
            value = groups.model.objective(x) if found.x is None else found.value
            x = x if found.x is None else found.x[: len(x)]
            answer = in_sense(problem, groups.model, replace(found, x=x, value=value, proof=None))
        return FairPlan(Plan(problem, answer, seconds=control.seconds), groups, tuple(levels), status)


def price_of_equity(
    reach: Reaches,
    *,
    demand: Demand,
    take_up: Rates = None,
    by: pd.Series,
    levels: int | Sequence[float] = 5,
    rules: Sequence[Rule] = (),
    options: pd.DataFrame | None = None,
    time_limit: float | None = None,
    gap: float = 0.0,
) -> pd.DataFrame:
    """Find how many people fewer are covered for each share that every group is guaranteed.

    Parameters
    ----------
    reach, demand, take_up, by, rules, options
        As for `fairest`.
    levels
        How many shares to try, from 0 to the largest that all groups can have; or the shares themselves.
    time_limit, gap
        As for `solve`: for each share, and for the largest.

    Returns
    -------
    DataFrame
        A row per share, from the lowest: `guaranteed`; `worst`, the smallest share of a group; `covered`, `share`;
        `lost` (people fewer than without a guarantee) and `price` (the same as a share of those covered without);
        `bound` on the people covered; `gap`, `status`, `sites` (how many open), `chosen` (ids). NaN where no plan
        guarantees so much. The price of fairness is that of Bertsimas and others [1]_.

    Raises
    ------
    ProblemError
        As `fairest`.

    References
    ----------
    .. [1] D. Bertsimas, V. F. Farias and N. Trichakis, "The price of fairness", Operations Research 59 (1), 2011,
       pp. 17-31.

    Examples
    --------
    >>> import pandas as pd, siting as st
    >>> table = pd.DataFrame({"origin": list("abc"), "destination": list("xyy"), "cost": [100.0] * 3})
    >>> reach = st.Reach.from_pairs(table, origins=list("abcd"), destinations=list("xy"), limit=300)
    >>> people = pd.Series({"a": 10, "b": 3, "c": 4, "d": 7})
    >>> town = pd.Series({"a": "north", "b": "north", "c": "south", "d": "south"})
    >>> table = st.equity.price_of_equity(reach, demand=people, by=town, levels=2, rules=[st.AtMost(1)])
    >>> table[["worst", "covered", "lost"]]
          worst  covered  lost
    0  0.000000     10.0   0.0
    1  0.230769      7.0   3.0
    """
    check(rules, time_limit, gap)
    problem = _problem(reach, demand, take_up, rules, options, "price_of_equity")
    groups = Groups.of(problem, by)
    x = None
    if isinstance(levels, int):
        if isinstance(levels, bool) or levels < 2:
            raise ProblemError(Message("question.levels", value=levels))
        given: dict[str, Any] = {"take_up": take_up, "rules": rules, "options": options}
        fair = fairest(reach, demand=demand, by=by, **given, time_limit=time_limit, gap=gap)
        x = fair.plan.answer.x
        if x is None:
            if fair.status != "infeasible":
                raise ProblemError(Message("question.no_plan_in_time", what="price_of_equity"))
            with Control(time_limit=time_limit) as control:
                why = no_plan_words(problem, control)
            raise ProblemError(Message("question.no_plan", what="price_of_equity", why=why))
        shares = np.unique(np.append(np.linspace(0.0, fair.worst, levels)[:-1], fair.worst)).tolist()
    else:
        for one in levels:
            if not is_number(one) or not 0 <= one <= 1:
                raise ProblemError(Message("argument.share", what="levels", value=one))
        shares = sorted({float(one) for one in levels})
    rows, total = [], sum(float(block.worth.sum()) for block in problem.blocks)
    for share in reversed(shares):  # a plan for a larger share is one for a smaller share, too
        with Control(time_limit=time_limit, gap=gap) as control:
            answer = search(groups.held(problem, share), control, start=x)
        worst, chosen = math.nan, tuple[object, ...]()
        if answer.x is not None:
            x = answer.x
            worst = float((groups.amounts(x) / groups.total).min())
            chosen = tuple(dict.fromkeys(new_sites(problem, x)))
        rows.append({
            "guaranteed": share, "worst": worst, "covered": answer.value, "share": answer.value / total,
            "lost": 0.0, "price": 0.0, "bound": answer.bound, "gap": answer.gap, "status": answer.status,
            "sites": len(chosen), "chosen": chosen,
        })  # fmt: skip
    table = pd.DataFrame(rows[::-1])
    # Guaranteeing more does not let more be covered.
    table["bound"] = np.fmax(table["bound"].cummin(), table["covered"])
    without = search(problem, Control(time_limit=time_limit, gap=gap), start=x) if shares[0] > 0 else answer
    table["lost"] = np.maximum(0.0, without.value - table["covered"])
    table["price"] = table["lost"] / without.value if without.value else 0.0 * table["lost"]
    return table


def _problem(
    reach: Reaches, demand: Demand, take_up: Rates, rules: Sequence[Rule], options: pd.DataFrame | None, what: str
) -> Formulation:
    problem = build(MaxCoverage(), reach, demand, rules, options, take_up=take_up)
    refuse_uncounted(problem, what)
    if len(problem.inputs.services) > 1:
        raise ProblemError(Message("problem.one_service", what=what, n=len(problem.inputs.services)))
    return problem


def _levels(groups: Groups, method: str, control: Control, gap: float) -> tuple[list[Level], str]:
    """Find what the groups can be guaranteed, rank by rank; and whether that is proven."""
    model = groups.model
    caps = np.sort(groups.amounts(model.upper > 0) / groups.total)
    found: list[Level] = []
    x: Bools | None = None
    for cap in caps[: 1 if method == "worst" else len(caps)].tolist():
        ranks = Ranks.of(groups, [level.t for level in found])
        near = (lambda t: gap * max(t, 1e-9)) if gap else None
        level = maximise_least(ranks.model, ranks.goals(cap), control, start=ranks.widened(x), top=cap, near=near)
        if level.x is None and x is not None:
            break
        x = None if level.x is None else level.x[: len(model.value)]
        found.append(replace(level, x=x))
        if x is None or control.must_stop:
            break
    status = next((level.status for level in found if level.status != "optimal"), "optimal")
    if method == "leximin" and status == "optimal" and x is not None and len(found) < len(caps):
        status = control.status
    return found, status
