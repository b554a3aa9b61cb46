"""`Plan`: the sites to open, who they serve, and the proof of how good that is."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import pandas as pd

from siting.propose.model.formulation import Formulation
from siting.propose.plan.certificate import Certificate, Verified, verify
from siting.propose.plan.explain import explained, summarised
from siting.propose.search.answer import Answer, Reason

__all__ = ["Plan"]


@dataclass(frozen=True, eq=False, repr=False)
class Plan:
    """What to open. Made by `solve`.

    Attributes
    ----------
    sites
        Ids of the new sites, in the order in which they add most (with phases, year by year); () when there is no plan.
    table
        A row per new site (and service), index `site`: `order`; `service`, `year`, `option`, `cost`, `places` where
        there are any; `adds` (people that it adds to the existing sites and those before it), `share_after`, `within`
        (all people within its reach), `lost_without` (people that only it covers), `people` (whose nearest open site it
        is, or who have a place there), `mean` and `farthest` (their way). With phases as of the last year.
    assignment
        Where each community goes, existing sites included: `site`, `cost`, `new`; missing where it is not served. The
        index is the community, with services or years (community, service, year).
    served
        People served in each community, with the same index.
    communities
        The same and why: `demand`, `served`, `site`, `cost`, `reason` ("": all are served; "no demand"; "beyond":
        no site within reach, open or not; "barred": only sites within reach that may not open; "closed": sites within
        reach, none of them open; "full": no place left;
        "few": fewer open sites than the backup asks for).
    changes
        A row per existing site that closes or grows, index `site`: `change` ("closes", "grows"), `service`, `year`,
        `option` where there are any, `cost` (below 0 where closing saves), `places`.
    closed
        Ids of existing sites that close.
    cost
        What all changes cost together, savings taken off; NaN where no costs were named.
    total, covered, share
        All demand; what is served, existing sites included; and its share. With phases of the last year.
    objective, bound, gap
        What was optimised (people covered, sites opened, cost, way), the best that any plan could have, and the
        distance between them as a share; NaN without a plan.
    status
        "optimal", "feasible" (a plan, not proven: the gap that was asked for is reached, or Ctrl-C), "time_limit",
        "infeasible".
    engine
        What solved it.
    seconds
        How long it took.
    rules
        Objective and rules as they were put.
    unreachable
        Communities with demand that no site, open or allowed, reaches.
    limit, unit, how
        Within which distance a site covers, and how it was measured (of the first service).
    certificate
        What proves the bound; `verify` checks it.
    reasons
        Why there is no plan, as keys of the table of labels.
    """

    sites: tuple[object, ...]
    table: pd.DataFrame
    assignment: pd.DataFrame
    served: pd.Series
    communities: pd.DataFrame
    changes: pd.DataFrame
    closed: tuple[object, ...]
    cost: float
    total: float
    covered: float
    share: float
    objective: float
    bound: float
    gap: float
    status: str
    engine: str
    rules: tuple[str, ...]
    unreachable: tuple[object, ...]
    before: float
    reachable: float
    limit: float
    unit: str
    how: str = ""
    seconds: float = 0.0
    certificate: Certificate | None = None
    reasons: tuple[Reason, ...] = field(default=())
    instance: Formulation | None = field(default=None)
    answer: Answer | None = field(default=None)

    def __repr__(self) -> str:
        if math.isnan(self.objective):
            return f"<Plan: {self.status}, no sites; see explain()>"
        n = len(self.sites)
        own = self.objective in (self.covered, float(n))
        objective = "" if own else f"objective {self.objective:,.10g}, "
        return (
            f"<Plan: {self.status}, {n} site{'s' * (n != 1)}, {self.covered:,.10g} of {self.total:,.10g} "
            f"({100 * self.share:.1f} %), {objective}bound {self.bound:,.10g}, gap {100 * self.gap:.2f} %>"
        )

    def by(self, groups: pd.Series) -> pd.DataFrame:
        """Tell what is served in each group of communities, such as each district.

        Parameters
        ----------
        groups
            A group for each community id.

        Returns
        -------
        DataFrame
            Index the group (with services or years these, too): `demand`, `served`, `share` (NaN without demand).

        Raises
        ------
        ProblemError
            When a community has no group.
        """
        from siting.propose.plan.tables import by_group

        return by_group(self.communities, groups)

    def second_best(self) -> pd.DataFrame:
        """Tell for each new site which other could take its place, and what that would cost.

        Returns
        -------
        DataFrame
            Index the site: `instead` (the best other site that keeps all rules; missing where there is none), `loss`
            (what the objective would lose, 0 or more, in its unit; for `MinSites` the people no longer covered).
        """
        from siting.propose.plan.alternatives import second_best

        return second_best(self)

    def verify(self) -> Verified:
        """Check the plan anew, without a solver: its rules, its objective, and what its certificate proves.

        Returns
        -------
        Verified
            `ok`, and what was found.
        """
        return verify(self)

    def summary(self, lang: str = "zh") -> str:
        """Say in a few lines whether there is a plan, what it reaches, and how that is proven.

        Parameters
        ----------
        lang
            "zh" or "en".
        """
        return summarised(self, lang)

    def explain(self, lang: str = "zh") -> str:
        """Say in words what the plan does, what each site adds, what could take its place, and who remains outside.

        Parameters
        ----------
        lang
            "zh" or "en".
        """
        return explained(self, lang)


def make_plan(instance: Formulation, answer: Answer, reasons: tuple[Reason, ...] = ()) -> Plan:
    """Work out everything that a plan tells from the columns that open."""
    from siting.propose.plan import tables as telling
    from siting.propose.plan.certificate import certify

    told = telling.tell(instance, answer)
    pairs = instance.inputs.pairs[0]
    return Plan(
        **told,
        objective=answer.value,
        bound=answer.bound,
        gap=answer.gap,
        status=answer.status,
        engine=answer.engine,
        rules=(str(instance.objective), *(str(rule) for rule in instance.inputs.rules)),
        limit=pairs.limit,
        unit=pairs.unit,
        how=pairs.how,
        certificate=certify(answer),
        reasons=reasons,
        instance=instance,
        answer=answer,
    )
