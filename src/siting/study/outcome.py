"""`Outcome`: the results of a study, written and shown."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from siting.judge.statuses import groups_to_show
from siting.labels import label, named
from siting.notebook_html import card, table
from siting.numbers import NONE, percent
from siting.study.outputs import write_outputs
from siting.study.tables import coverage_table
from siting.study.values import Results

__all__ = ["Outcome"]


@dataclass(frozen=True, eq=False, repr=False)
class Outcome(Results):
    """The results of a study. Made by `run`.

    Attributes
    ----------
    study, layers, network
        The inputs, and the network.
    places
        The places of each layer on the network, by role.
    coverage
        A row per service, limit, unit, metric (streets, straight), group ("all" or a district) and weight; see
        `siting.coverage`.
    apart
        By service, for each facility "not_open", "no_places", "no_beds", "no_capacity" or nothing; see `set_apart`.
    bands
        Nearest facility and smallest limit met of each community, by service.
    areas
        Dissolved service areas by service.
    audit
        The verdict, None without a standard; of several standards their tables in one, with a column `standard`.
    audits
        The verdict by each standard, by its name.
    proposals
        By name of the goal.
    analyses
        What the functions that the study asks for return, by the name of their table.
    steps
        Seconds each step took.
    """

    def __repr__(self) -> str:
        return f"<Outcome of {self.study.name}: {', '.join(self.proposals) or 'no proposals'}, {self.audit}>"

    def _repr_html_(self) -> str:
        lang = self.study.lang
        tables = []
        for service in self.bands:
            rows = coverage_table(self, service, lang).reset_index()[["limit", "metric", "covered", "total", "share"]]
            rows["share"] = rows["share"].map(percent)
            caption = label("study.coverage_of", lang, service=named("service", service, lang))
            heads = [f"column.{name}" for name in rows.columns]
            tables.append(table(heads, rows.to_numpy().tolist(), caption=caption, lang=lang))
        if self.audit is not None:
            counts = self.audit.counts()
            groups = groups_to_show(counts)
            numbers = [int(counts[group]) for group in groups]
            caption = label("report.audit", lang)
            tables.append(table([f"status.{group}" for group in groups], [numbers], caption=caption, lang=lang))
        plans = []
        for name, proposal in self.proposals.items():
            goal, plan = proposal.goal.title(lang), proposal.plan
            # Without a plan the share is that of today, which is not a result.
            share = NONE if name in self.unmet else percent(plan.share)
            plans.append((goal, len(plan.sites), share, percent(plan.gap), label(f"status.{plan.status}", lang)))
        heads = ["study.goal", "column.sites", "column.share", "fact.gap", "fact.status"]
        tables.append(table(heads, plans, caption=label("study.plans", lang), lang=lang))
        return card(self.study.heading, {}, *tables, lang=lang)

    @property
    def unmet(self) -> list[str]:
        """Names of the goals without a plan."""
        return [name for name, proposal in self.proposals.items() if math.isnan(proposal.plan.objective)]

    def write(self, folder: str | Path) -> dict[str, Path]:
        """Write map, report, layers and tables to *folder*, all or nothing, and return their paths by kind.

        The results of an earlier run are replaced; other files in the folder are kept.

        Raises
        ------
        SitingError
            When the folder cannot be written, or another process writes it for more than a minute.
        """
        return write_outputs(self, folder)
