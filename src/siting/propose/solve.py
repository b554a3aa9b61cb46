"""`solve`: from a problem to a plan with a proof of how good it is."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Sequence
from numbers import Real

import pandas as pd

from siting.errors import ProblemError
from siting.labels import LANGUAGES
from siting.measure.point_reach import PointReach
from siting.messages import Message
from siting.optimize.control import Control, Progress, gap_between
from siting.progress_bar import progress_bar
from siting.propose.infeasible.conflicts import reasons
from siting.propose.model.constraints import all_may_open_first
from siting.propose.model.formulation import Formulation, build
from siting.propose.model.inputs import Demand, Rates, Reaches
from siting.propose.plan.plan import Plan
from siting.propose.plan.reason_words import reason_words
from siting.propose.plan.site_names import SiteNames
from siting.propose.problem import Objective, Rule, is_number
from siting.propose.search.answer import Reason
from siting.propose.search.choose_search import search
from siting.propose.search.point_search import search_points

__all__ = ["check", "no_plan_words", "solve"]

log = logging.getLogger(__name__)


def solve(
    objective: Objective,
    reach: Reaches | PointReach,
    *,
    demand: Demand | None = None,
    take_up: Rates = None,
    rules: Sequence[Rule] = (),
    options: pd.DataFrame | None = None,
    time_limit: float | None = None,
    gap: float = 0.0,
    progress: Callable[[Progress], object] | bool | None = None,
) -> Plan:
    """Choose the sites to open.

    Parameters
    ----------
    objective
        `MaxCoverage`, `MinSites`, `MinCost`, `MinTravel`, `MinFarthest`, `MaxSpacing` or `MaxMarketShare`. Of the plans
        with the fewest sites one that covers the most is looked for.
    reach
        From communities to sites, candidates and existing ones, within the distance that counts as covered. For
        `MinTravel` and `MinFarthest` with the rules `AtMost`, `Existing`, `Required`, `Forbidden` and a plain `Cover`
        it may be a `PointReach`, whose distances are computed when the search asks for them.
    demand
        Weight of each community: a Series, or a DataFrame with one column; with `Phases` a column for each year.
        Mappings give a reach and a demand for each service. Without it each community counts once.
    take_up
        Share of these people who look for a place, above 0 and at most 1: a number, a Series by community, or a mapping
        from services to such. The demand is people times this rate; all explanations repeat it.
    rules
        What every plan must keep to: `AtMost`, `AtLeast`, `Budget`, `Cover`, `NobodyBeyond`, `Capacity`, `Supply`,
        `OnePer`, `Existing`, `Required`, `Forbidden`, `MayClose`, `Backup`, `Spacing`, `Together`, `Phases`,
        `TargetMarketShare`.
    options
        What may open, where there is a choice of sizes: index the option, columns `site`, and where it is wanted
        `service`, `cost`, `places`, `year` (the first year in which it may open). A site opens at most one option of a
        service; an option at an existing site enlarges it. Without the table each site is one option.
    time_limit
        Seconds after which the best plan so far is returned with its bound; None waits for the proof. It is for the
        whole call, from building the model to the plan, and is kept within 1 s or 5 %, whichever is longer. Not counted
        are the compilation of the engines, once on a machine, and up to a second for the reasons why there is no plan.
    gap
        Stop when the bound is within this share of the objective; 0 waits for the proof.
    progress
        A function that is called with each `Progress`, by every engine, first before the model is built and last with
        the end; True shows a bar.

    Returns
    -------
    Plan
        Its `status` is "optimal" only when the bound proves it. A goal that cannot be met is "infeasible", and
        `Plan.explain` says why. Ctrl-C ends the search with the best plan so far; twice it is a KeyboardInterrupt.

    Raises
    ------
    ProblemError
        When the problem is badly put: an objective without the rule it needs, unknown ids, rules that contradict.

    Notes
    -----
    With x_j = 1 for an open site, y_i for a covered community, N(i) the sites that reach i, and w the demand:
    ``y_i <= sum of x_j over N(i)``; `MaxCoverage` maximises ``sum of w_i y_i`` with ``sum of x_j <= n`` [1]_;
    `MinSites` minimises ``sum of x_j`` with ``sum of w_i y_i >= share * sum of w_i`` [2]_. All models are written out
    in the documentation, "Siting models".

    References
    ----------
    .. [1] R. Church and C. ReVelle, 1974; see `MaxCoverage`.
    .. [2] M. S. Daskin and S. H. Owen, "Two new location covering problems: the partial p-center problem and the
       partial set covering problem", Geographical Analysis 31 (3), 1999, pp. 217-235.

    Examples
    --------
    >>> import pandas as pd, siting as st
    >>> table = pd.DataFrame({"origin": list("aabc"), "destination": list("xyyz"), "cost": [100.0] * 4})
    >>> reach = st.Reach.from_pairs(table, origins=list("abcd"), destinations=list("xyz"), limit=300)
    >>> people = pd.Series({"a": 10, "b": 5, "c": 8, "d": 2}, name="people")
    >>> st.solve(st.MaxCoverage(), reach, demand=people, rules=[st.AtMost(1)])
    <Plan: optimal, 1 site, 15 of 25 (60.0 %), bound 15, gap 0.00 %>
    >>> st.solve(st.MinSites(), reach, demand=people, rules=[st.Cover(0.9)]).sites
    ('y', 'z')
    """
    rules = tuple(rules) if isinstance(rules, Iterable) and not isinstance(rules, (Rule, str)) else rules
    check(rules, time_limit, gap)
    with progress_bar(progress, _shown) as bar, Control(time_limit=time_limit, gap=gap, progress=bar) as control:
        control.report("model")
        if isinstance(reach, PointReach):
            problem, found = search_points(objective, reach, demand, tuple(rules), options, control, take_up=take_up)
            control.report(found.status, -found.value, -found.bound)
            return Plan(problem, found, (), control.seconds)
        problem = build(objective, reach, demand, tuple(rules), options, take_up=take_up)
        phases = problem.inputs.phases
        if phases is not None and all_may_open_first(problem.inputs, problem.variables):
            log.warning(Message("problem.free_phases", phases=phases, year=phases.years[0]))
        control.sense = problem.sense
        found = search(problem, control)
        ends = (problem.sense * each if math.isfinite(each) else None for each in (found.value, found.bound))
        control.report(found.status, *ends)
        why: tuple[Reason, ...] = ()
        if found.x is None:
            why = reasons(problem, control) if found.status == "infeasible" else (("plan.none_found", {}),)
        return Plan(problem, found, why, control.seconds)


def no_plan_words(problem: Formulation, control: Control) -> list[Message]:
    """Say why no plan keeps the rules, a sentence for each reason, for a message."""
    unit, found = problem.inputs.first.unit, reasons(problem, control)
    names = {lang: SiteNames(None, lang) for lang in LANGUAGES}
    words = ({lang: reason_words(each, lang, unit, names[lang]) for lang in LANGUAGES} for each in found)
    return [Message("data.word", **each) for each in words]


def _shown(now: Progress) -> dict[str, object]:
    if now.value is None or now.bound is None:
        return {"completed": 0.0, "total": 1.0, "description": now.step}
    gap = gap_between(now.value, now.bound)
    text = Message("question.bar", step=now.step, value=now.value, bound=now.bound, gap=100 * gap)
    return {"completed": 1.0 - min(1.0, gap), "total": 1.0, "description": str(text)}


def check(rules: Sequence[Rule], time_limit: float | None, gap: float = 0.0) -> None:
    """Refuse rules that are no list, a time limit that is no time, and a gap that is no share."""
    if isinstance(rules, Rule) or rules is None or not isinstance(rules, Iterable) or isinstance(rules, str):
        raise ProblemError(Message("problem.list_of_rules", value=rules))
    if time_limit is not None and not (isinstance(time_limit, Real) and time_limit > 0):
        raise ProblemError(Message("problem.seconds", value=time_limit))
    if not is_number(gap) or not 0 <= gap < 1:
        raise ProblemError(Message("problem.gap", value=gap))
