"""A problem, its answer, and the tables derived from both."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from siting.propose.forwarded_attributes import forwarded
from siting.propose.model.formulation import Formulation
from siting.propose.model.variables import CLOSING
from siting.propose.plan import market_tables, tables
from siting.propose.plan.rule_text import rule_words
from siting.propose.search.answer import Answer, Reason

__all__ = ["DERIVED", "SolvedProblem"]

#: Values derived from the sites, in the order of the checks.
DERIVED = (
    "sites", "table", "assignment", "flows", "served", "communities", "changes", "cost", "closed", "total", "covered",
    "share", "unreachable", "barred", "before", "reachable",
)  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class SolvedProblem:
    """A problem and its answer; tables are made at first use. See `Plan` for the names."""

    problem: Formulation
    answer: Answer
    reasons: tuple[Reason, ...] = ()
    seconds: float = 0.0

    #: "feasible" is a plan that is not proven: the search reached *gap*, or Ctrl-C was pressed.
    status = forwarded("answer.status", str, 'One of "optimal", "feasible" (not proven), "time_limit", "infeasible".')
    objective = forwarded("answer.value", float, "People covered, sites opened, cost or distance; NaN without a plan.")
    bound = forwarded("answer.bound", float, "No plan has a better objective; NaN where there is no plan at all.")
    gap = forwarded("answer.gap", float, "Distance from objective to bound, as a share.")
    engine = forwarded("answer.engine", str, "What solved it.")
    limit = forwarded("problem.inputs.first.limit", float, "The distance within which a site covers (first service).")
    unit = forwarded("problem.inputs.first.unit", str, "Unit of the distances (of the first service).")
    how = forwarded("problem.inputs.first.how", str, "How the distances were measured (of the first service).")

    @property
    def rules(self) -> tuple[str, ...]:
        """Objective and rules as given."""
        return (str(self.problem.objective), *map(str, self.problem.inputs.rules))

    def rules_in_words(self, lang: str = "zh") -> tuple[str, ...]:
        """Objective and rules in the reader's words.

        Parameters
        ----------
        lang
            "zh" or "en".
        """
        return tuple(rule_words(each, lang, self.unit) for each in (self.problem.objective, *self.problem.inputs.rules))

    @cached_property
    def sites(self) -> tuple[object, ...]:
        """Ids of the new sites, by greatest gain (with phases, year by year); () without a plan."""
        return tuple(self.table.index)

    @cached_property
    def table(self) -> pd.DataFrame:
        """A row per new site (and service), index `site`. With phases as of the last year.

        Columns: `order`; `service`, `year`, `option`, `cost`, `places` if any; `adds` (people added to those of the
        existing sites and the rows above), `share_after`, `within` (all people in its reach), `lost_without` (people
        covered by no other site), `people` (whose nearest open site it is, or with a place there), `mean` and
        `farthest` (their distance). Where people choose among sites, all are expected visitors.
        """
        if self.problem.market is not None:
            return market_tables.market_table(self.problem, self.answer)
        return tables.site_table(self.problem, self.answer)

    @cached_property
    def parts(self) -> tuple[tables.Served, ...]:
        """Communities served, for each service and year."""
        if self.problem.market is not None:
            return market_tables.captured_parts(self.problem, self.answer)
        return tables.served_parts(self.problem, self.answer)

    @cached_property
    def communities(self) -> pd.DataFrame:
        """A row per community, or per community, service and year: its site, and the reason why demand is not served.

        Columns: `demand`, `served`, `site` (with `Capacity` the one that most of its people go to), `cost` (the
        distance to that site), `new` (missing if not served), `sites` (how many sites its people go to, see `flows`),
        `farthest` (the distance to the farthest of them), `reason` ("": all served; "no demand"; "beyond": no site in
        reach; "barred": sites in reach, but none may open; "closed": sites in reach, none open; "full": no place left;
        "few": fewer open sites than `Backup` requires; where people choose, "shared": the others go elsewhere, and
        "competitors": all go to competitors in reach or nowhere, because no site of one's own attracts them).
        """
        return tables.community_table(self.problem, self.parts)

    @cached_property
    def assignment(self) -> pd.DataFrame:
        """The site of each community: `site`, `cost`, `new`; missing if not served.

        With `Capacity` people of a community may go to several sites; this is the one that most go to, and `flows` has
        a row for each.
        """
        return self.communities[["site", "cost", "new"]]

    @cached_property
    def flows(self) -> pd.DataFrame:
        """Who goes where: a row per community and site that its people go to, and per service and year.

        Columns: `community`, `site`; `service`, `year`, `option` if any; `people`, `cost` (their distance). Without
        `Capacity` everybody who is served goes to the nearest open site, or, where people choose among sites, to each
        open one in its part. People who are not served have no row.
        """
        if self.problem.market is not None:
            return tables.flow_table(self.problem, market_tables.captured_flows(self.problem, self.answer))
        return tables.flow_table(self.problem, tables.flows_of(self.answer, self.parts))

    @cached_property
    def served(self) -> pd.Series:
        """People served in each community."""
        return self.communities["served"]

    @cached_property
    def changes(self) -> pd.DataFrame:
        """A row per existing site that closes or grows, index `site`.

        Columns: `change` ("closes", "grows"), `service`, `year`, `option` if any, `cost` (below 0 for a saving),
        `places`.
        """
        return tables.change_table(self.problem, self.answer)

    @cached_property
    def closed(self) -> tuple[object, ...]:
        """Ids of existing sites that close."""
        if self.answer.x is None:
            return ()
        columns = self.problem.variables
        return tuple(self.problem.inputs.sites[np.unique(columns.site[self.answer.x & (columns.kind == CLOSING)])])

    @cached_property
    def cost(self) -> float:
        """Cost of all changes less savings; NaN without costs."""
        return tables.cost_of(self.problem, self.answer)

    @cached_property
    def total(self) -> float:
        """All demand; with phases that of the last year."""
        return float(self.problem.inputs.demand[:, -1].sum())

    @cached_property
    def covered(self) -> float:
        """Demand served, also by existing sites; with phases in the last year."""
        last = len(self.problem.inputs.years) - 1
        return float(sum(part.served.sum() for part in self.parts if part.phase == last))

    @property
    def share(self) -> float:
        """Covered share of the demand; NaN without demand."""
        return self.covered / self.total if self.total else math.nan

    @cached_property
    def before(self) -> float:
        """Demand served by the existing sites alone."""
        if self.problem.market is not None:
            return market_tables.captured_before(self.problem)
        return tables.served_before(self.problem, self.answer)

    @cached_property
    def reachable(self) -> float:
        """Demand within reach of any site that is open or may open; where people choose, what all of them would win."""
        if self.problem.market is not None:
            return market_tables.captured_most(self.problem)
        return tables.reachable_demand(self.problem)

    @cached_property
    def unreachable(self) -> tuple[object, ...]:
        """Communities with demand that no site reaches; where people choose, that no site of one's own attracts."""
        if self.problem.market is not None:
            return market_tables.unattracted(self.problem, barred=False)
        return tables.unserved(self.problem, barred=False)

    @cached_property
    def barred(self) -> tuple[object, ...]:
        """Communities with demand whose sites in reach are all forbidden by a rule; competitors' do not count."""
        if self.problem.market is not None:
            return market_tables.unattracted(self.problem, barred=True)
        return tables.unserved(self.problem, barred=True)
