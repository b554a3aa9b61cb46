"""`Plan`: the sites to open, the communities served, and the proof."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import pandas as pd

from siting.notebook_html import card, table, words
from siting.numbers import alike, amount, percent
from siting.propose.plan.alternatives import second_best
from siting.propose.plan.certificate import Certificate, Verified, certify, same, verify
from siting.propose.plan.explain import explain, summarise
from siting.propose.plan.site_names import Named
from siting.propose.plan.solved_problem import DERIVED, SolvedProblem
from siting.propose.plan.tables import by_group

__all__ = ["Plan"]


@dataclass(frozen=True, eq=False, repr=False)
class Plan(SolvedProblem):
    """The sites to open. Made by `solve`.

    All values follow from the problem and its answer; tables are made at first use.

    Attributes
    ----------
    problem, answer
        The formulated problem, and the result of the search.
    reasons
        Why there is no plan, as keys of the table of labels.
    seconds
        Run time.
    """

    def __repr__(self) -> str:
        if math.isnan(self.objective):
            known = "" if math.isnan(self.bound) else f" yet, bound {self.bound:,.10g}"
            return f"<Plan: {self.status}, no {'plan found' if known else 'sites'}{known}; see explain()>"
        n = len(self.sites)
        plain = alike(self.objective, self.covered) or alike(self.objective, n)
        objective = "" if plain else f"objective {self.objective:,.10g}, "
        return (
            f"<Plan: {self.status}, {n} site{'s' * (n != 1)}, {self.covered:,.10g} of {self.total:,.10g} "
            f"({100 * self.share:.1f} %), {objective}bound {self.bound:,.10g}, gap {100 * self.gap:.2f} %>"
        )

    def _repr_html_(self) -> str:
        status = {"fact.status": words(f"status.{self.status}")}
        if math.isnan(self.objective):
            return card(words("card.plan"), status | {"column.reason": f"{self.summary('zh')} {self.summary('en')}"})
        market, placed = self.problem.market, self.problem.capacity is not None
        who = "plan_site.won_people" if market is not None else "plan_site.placed_all" if placed else "column.covered"
        facts = {
            "fact.new_sites": len(self.sites),
            who: f"{amount(round(self.covered, 1 if market else 9))} / {amount(self.total)} ({percent(self.share)})",
            "fact.objective": self.objective,
            "fact.bound": self.bound,
            "fact.gap": percent(self.gap),
        }
        rows = self.table.reset_index()
        if "share_after" in rows:
            rows["share_after"] = rows["share_after"].map(percent)
        names = [name for name in ("order", "site", "service", "year", "adds", "share_after") if name in rows]
        counted = "won_" if market is not None else "placed_" if placed else ""
        told = {name: f"plan_site.{counted}{name}" for name in ("adds", "share_after") if counted}
        headings = [told.get(name, f"column.{name}") for name in names]
        sites = table(headings, zip(*(rows[name] for name in names), strict=True))
        return card(words("card.plan"), status | facts, sites)

    @cached_property
    def certificate(self) -> Certificate | None:
        """The proof of the bound, which `verify` checks; None without a plan."""
        return certify(self.answer)

    def by(self, groups: pd.Series) -> pd.DataFrame:
        """Add up demand and served in each group of communities, such as districts.

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
        return by_group(self.communities, groups)

    def second_best(self) -> pd.DataFrame:
        """Find the best replacement of each new site, and its loss.

        Returns
        -------
        DataFrame
            Index the site: `instead` (the best other site that keeps all rules; missing if none), `loss`
            (loss of the objective, 0 or more, in its unit; for `MinSites` the people no longer covered).
        """
        return second_best(self)

    def verify(self) -> Verified:
        """Check the plan without a solver: its rules, objective, certificate, and the tables that were made.

        Takes a small part of the time of `solve`: the bound is added up once from the multipliers of the search.

        Returns
        -------
        Verified
            `ok` when all that the plan states was recomputed and holds; `proven` when that includes the bound,
            `optimal` when objective and proven bound meet. Without a plan there is nothing to check: `ok` is False.
        """
        anew, made = replace(self), [name for name in DERIVED if name in vars(self)]
        changed = [name for name in made if not same(getattr(self, name), getattr(anew, name))]
        return verify(self.answer, vars(self).get("certificate"), changed)

    def summary(self, lang: str = "zh", *, names: Named = None) -> str:
        """Summarise the plan: status, coverage and proof.

        Parameters
        ----------
        lang, names
            As for `explain`.

        Raises
        ------
        ProblemError
            As `explain`.
        """
        return summarise(self, lang, names)

    def explain(self, lang: str = "zh", *, names: Named = None) -> str:
        """Describe the plan: the gain of each site, its replacement, its cost, and communities that are not served.

        Parameters
        ----------
        lang
            "zh" or "en".
        names
            Names by id, such as ``communities["name"]``: a Series or a mapping; or a mapping of "sites", "communities"
            and "groups" (such as districts) to names by id of each. Where several have one name the id stands beside
            it, and an id without a name stands for itself.

        Raises
        ------
        ProblemError
            When *names* is none of these.
        """
        return explain(self, lang, names)
