"""`alternatives`: the next best plans, each of which differs from all better ones."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from numbers import Integral

import pandas as pd

from siting.errors import ProblemError
from siting.labels import counted, label
from siting.messages import Message
from siting.numbers import alike
from siting.optimize.control import Control, gap_between
from siting.propose.plan.demand_words import demand_words
from siting.propose.plan.explain import how_counted, listed
from siting.propose.plan.plan import Plan
from siting.propose.plan.rule_text import difference_words, value_words
from siting.propose.plan.site_names import Named, SiteNames
from siting.propose.search.apart import choices, search_apart
from siting.propose.search.point_search import refuse_unkept_ways
from siting.propose.solve import check

__all__ = ["Alternatives", "alternatives"]


@dataclass(frozen=True, eq=False, repr=False)
class Alternatives:
    """The best plans that differ from each other, the best first. Made by `alternatives`.

    Attributes
    ----------
    plans
        The plans, each a `Plan` with a bound and a certificate of its own: no plan that differs from all before it is
        better than its bound.
    n, differ
        As given.
    exhausted
        Whether it is proven that no further plan differs from all of these.
    seconds
        Run time.
    """

    plans: tuple[Plan, ...]
    n: int
    differ: int
    exhausted: bool
    seconds: float

    def __repr__(self) -> str:
        proven, n = int(self.table["proven"].sum()), len(self.plans)
        plans = f"{n} plans that differ in {self.differ}" if n != 1 else "1 plan"
        more = ", no others" if self.exhausted else ""
        return f"<Alternatives: {plans}, {proven} of them proven{more}>"

    @cached_property
    def table(self) -> pd.DataFrame:
        """A row per plan, index `rank` from 1.

        Columns: `objective`; `loss` (against the first plan, in the unit of the objective); `bound` on the objective of
        this rank, and `gap`; `proven` (no plan that differs from all above is better); `status`; `sites` (new ones);
        `covered` and `share` of the demand; `cost`, where costs are known; `opens` and `drops` (ids that open here and
        not in the first plan, and the other way round).
        """
        first, rows, known = self.plans[0], [], math.nan
        for plan in self.plans:
            sense = plan.answer.sense
            # what differs from more plans is found among what differs from fewer
            known = plan.bound if math.isnan(known) else sense * min(sense * known, sense * plan.bound)
            bound = sense * max(sense * known, sense * plan.objective)
            loss = 0.0 if plan is first else sense * (first.objective - plan.objective) + 0.0
            row = {
                "objective": plan.objective, "loss": loss, "bound": bound, "gap": gap_between(plan.objective, bound),
                "proven": plan.status == "optimal", "status": plan.status, "sites": len(set(plan.sites)),
                "covered": plan.covered, "share": plan.share, "cost": plan.cost,
                "opens": _without(plan, first), "drops": _without(first, plan),
            }  # fmt: skip
            rows.append(row)
        table = pd.DataFrame(rows, index=pd.RangeIndex(1, len(rows) + 1, name="rank"))
        return table.drop(columns="cost") if table["cost"].isna().all() else table

    @property
    def complete(self) -> bool:
        """Whether it is proven of every plan that none between it and the plan before is left out."""
        return bool(self.table["proven"].all()) and (self.exhausted or len(self.plans) == self.n)

    def explain(self, lang: str = "zh", *, names: Named = None) -> str:
        """Say what each plan opens instead, and what it is worth in comparison.

        Parameters
        ----------
        lang
            "zh" or "en".
        names
            Names of sites, as for `Plan.explain`.

        Raises
        ------
        ProblemError
            When *names* are none.
        """
        called = SiteNames(names, lang)
        key, apart = "complete" if self.complete else "open", self._apart(lang)
        lines = [*demand_words(self.plans[0].problem.inputs, lang)]
        lines.append(label(f"alternatives.{key}", lang, count=len(self.plans), apart=apart))
        for rank, (plan, row) in enumerate(zip(self.plans, self.table.to_dict("records"), strict=True), start=1):
            key = "first" if rank == 1 else "next" if row["proven"] else "unproven"
            words = {"than": self._than(plan, lang), "change": _change(row["opens"], row["drops"], lang, called)}
            words |= {"value": _worth(plan, plan.objective, lang), "bound": _worth(plan, row["bound"], lang)}
            lines.append(label(f"alternatives.{key}", lang, rank=rank, **words))
        if self.exhausted:
            lines.append(label("alternatives.exhausted", lang, apart=apart))
        return "\n".join(lines)

    def _apart(self, lang: str) -> str:
        """Say in how many sites the plans differ: in all, where they decide on fewer than that."""
        sizes = [
            len(choices(plan.problem.variables, plan.answer.x)) for plan in self.plans if plan.answer.x is not None
        ]
        decided = [size for size in sizes if size]  # of a plan that opens nothing every other differs
        if max(decided, default=self.differ) < self.differ:
            columns = self.plans[0].problem.variables
            must = bool((columns.lower[columns.new] > 0).any())
            return label("alternatives.apart_free" if must else "alternatives.apart_all", lang)
        if min(decided, default=self.differ) < self.differ:
            return label("alternatives.apart_few", lang, differ=self.differ)
        return counted("alternatives.apart", self.differ, lang, differ=self.differ)

    def _than(self, plan: Plan, lang: str) -> str:
        """Compare the value of a plan with that of the first."""
        first = self.plans[0]
        more = plan.objective - first.objective
        if alike(plan.objective, first.objective):
            return label("alternatives.equal", lang)
        how = how_counted(plan, plan.objective)
        loss = difference_words(plan.problem.objective, abs(more), lang, plan.unit, how)
        return label("alternatives.more" if more > 0 else "alternatives.less", lang, loss=loss)


def _without(plan: Plan, other: Plan) -> tuple[object, ...]:
    """Return the sites of a plan that the other does not open."""
    there = set(other.sites)
    return tuple(dict.fromkeys(site for site in plan.sites if site not in there))


def _worth(plan: Plan, value: float, lang: str) -> str:
    return value_words(plan.problem.objective, value, lang, plan.unit, how_counted(plan, plan.objective))


def _change(opens: tuple[object, ...], drops: tuple[object, ...], lang: str, called: SiteNames) -> str:
    """Say what opens and what does not, in comparison with the first plan."""
    key = "swaps" if opens and drops else "opens" if opens else "drops" if drops else "same"
    words = {"opens": listed(map(called.site, opens), lang), "drops": listed(map(called.site, drops), lang)}
    return label(f"alternatives.{key}", lang, **words)


def alternatives(
    plan: Plan, n: int = 10, differ: int = 2, *, time_limit: float | None = None, gap: float = 0.0
) -> Alternatives:
    """Find the best plans that differ from each other in some sites.

    A plan differs from a better one in *differ* sites when so many of the sites of the better one do not open in it.
    Sites that every plan must open do not count; of a plan that has fewer, all are to go. So plans of one size differ
    in the same number both ways, and a plan that only adds sites to a better one is none of its alternatives. What
    closes or grows counts as what opens does.

    Parameters
    ----------
    plan
        The best plan, from `solve`. It is the first of the list, with the bound that it has.
    n
        How many plans to list, the first included.
    differ
        In how many sites each differs from all better ones.
    time_limit
        Seconds for all of them together; what is left is shared out among those that are missing. None waits for
        the proofs.
    gap
        As for `solve`, of each plan.

    Returns
    -------
    Alternatives
        Its `table` says of each plan whether it is proven to be the next best.

    Raises
    ------
    ProblemError
        When the plan has no sites, or *n* or *differ* are no whole numbers of 1 or more.

    Notes
    -----
    With S the sites of a plan that is listed, the next is the best with ``sum of x_j over S <= |S| - differ`` for each
    S: the cuts with which Balas and Jeroslow take points out of the unit cube, one row for each plan [1]_. Prices of
    these rows bound what is left without a solver, so that each plan can be verified.

    References
    ----------
    .. [1] E. Balas and R. Jeroslow, "Canonical cuts on the unit hypercube", SIAM Journal on Applied Mathematics 23 (1),
       1972, pp. 61-69.

    Examples
    --------
    >>> import pandas as pd, siting as st
    >>> table = pd.DataFrame({"origin": list("abcd"), "destination": list("wxyz"), "cost": [100.0] * 4})
    >>> reach = st.Reach.from_pairs(table, origins=list("abcd"), destinations=list("wxyz"), limit=300)
    >>> people = pd.Series({"a": 10, "b": 8, "c": 5, "d": 2})
    >>> plan = st.solve(st.MaxCoverage(), reach, demand=people, rules=[st.AtMost(2)])
    >>> found = st.alternatives(plan, n=3, differ=1)
    >>> found.table[["objective", "loss", "proven", "opens", "drops"]].values.tolist()
    [[18.0, 0.0, True, (), ()], [15.0, 3.0, True, ('y',), ('x',)], [13.0, 5.0, True, ('y',), ('w',)]]
    """
    check((), time_limit, gap)
    for name, number in (("n", n), ("differ", differ)):
        if isinstance(number, bool) or not isinstance(number, Integral) or number < 1:
            raise ProblemError(Message("argument.whole", what=name, value=number, least=1))
    if not isinstance(plan, Plan):
        raise ProblemError(Message("question.gives_plan", what="plan", value=plan))
    if plan.answer.x is None:
        raise ProblemError(Message("question.no_sites", what="alternatives"))
    refuse_unkept_ways(plan.answer, "alternatives")
    problem, exhausted = plan.problem, False
    plans = [plan]
    with Control(time_limit=time_limit, gap=gap) as control:
        control.sense = problem.sense
        while len(plans) < n and not control.must_stop:
            began, own = control.seconds, control.for_subproblem()
            own.gap = gap
            if own.time_limit is not None:
                own.time_limit = control.seconds + control.seconds_left / (n - len(plans))
            known = [each.answer.x for each in plans if each.answer.x is not None]
            apart, answer = search_apart(problem, known, int(differ), own, plans[-1].answer)
            if answer.x is None:
                exhausted = answer.status == "infeasible"
                break
            plans.append(Plan(apart, answer, (), control.seconds - began))
        return Alternatives(tuple(plans), int(n), int(differ), exhausted, control.seconds)
