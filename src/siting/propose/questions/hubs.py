"""`choose_hubs`: large villages carry a site, small ones get deliveries, and what is beyond is left to vans."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd

from siting.errors import ProblemError
from siting.labels import label
from siting.measure import Reach
from siting.measure.alignment import amounts
from siting.messages import Message
from siting.numbers import amount
from siting.propose.forwarded_attributes import forwarded
from siting.propose.plan.explain import listed
from siting.propose.plan.plan import Plan
from siting.propose.problem import AtMost, Cover, MaxCoverage, MinSites
from siting.propose.problem.rule_values import is_whole
from siting.propose.solve import solve
from siting.renamed import RenamedAttribute, renamed_keywords

__all__ = ["Hubs", "choose_hubs"]


@dataclass(frozen=True, eq=False, repr=False)
class Hubs:
    """Hub villages and whom they serve. Made by `choose_hubs`.

    Attributes
    ----------
    reach
        From all villages to the hubs, a hub at 0 from itself.
    demand
        Elderly people by village.
    at_least
        Elderly people from which a village is large; 0 when any may carry a site.
    plan
        The plan with its proof, when hubs were optimised; None when all large villages carry a site.
    """

    reach: Reach
    demand: pd.Series
    at_least: float
    plan: Plan | None

    size = RenamedAttribute("at_least")
    limit = forwarded("reach.limit", float, "The longest delivery.")
    unit = forwarded("reach.unit", str, "Unit of the ways.")
    how = forwarded("reach.how", str, "How the ways were measured.")

    def __repr__(self) -> str:
        n, status = len(self.hubs), "every large village" if self.plan is None else self.plan.status
        _, served, van = self.totals["villages"]
        return f"<Hubs: {n} hub{'s' * (n != 1)} ({status}), {served} villages served, {van} left to vans>"

    @cached_property
    def table(self) -> pd.DataFrame:
        """A row per village: `role` ("hub", "served", "van"), `hub` that serves it, `cost` of the way, `demand`.

        A hub serves itself at cost 0; hub and cost are missing for "van".
        """
        reach = self.reach
        nearest = reach.nearest(1).set_index("origin").reindex(reach.origins)
        is_hub = reach.origins.isin(reach.destinations)
        # Two hubs may stand on one spot: each serves itself.
        hub = nearest["destination"].astype(object).where(~is_hub, reach.origins.to_numpy(object))
        role = np.select([is_hub, nearest["cost"].notna().to_numpy()], ["hub", "served"], "van")
        columns = {"role": role, "hub": hub, "cost": nearest["cost"].where(~is_hub, 0.0), "demand": self.demand}
        return pd.DataFrame(columns, index=reach.origins).rename_axis("village")

    @cached_property
    def hubs(self) -> pd.DataFrame:
        """A row per hub: `villages` it delivers to besides its own, `demand` of its own, `delivered` (their demand).

        And `mean` (way weighted by that) and `farthest`, missing where it delivers to none.
        """
        ids, served = self.reach.destinations, self._served
        grouped = served.groupby("hub")
        columns = {
            "villages": served["hub"].value_counts().reindex(ids, fill_value=0),
            "demand": self.demand.loc[ids].astype(float),
            "delivered": grouped["demand"].sum().reindex(ids, fill_value=0.0),
            "mean": pd.Series({hub: _mean_way(part) for hub, part in grouped}, dtype=float).reindex(ids),
            "farthest": grouped["cost"].max().reindex(ids),
        }
        return pd.DataFrame(columns, index=ids).rename_axis("hub")

    @property
    def totals(self) -> pd.DataFrame:
        """A row for each role, "hub", "served" and "van": `villages` and `demand`."""
        grouped = self.table.groupby("role")["demand"].agg(["size", "sum"]).reindex(["hub", "served", "van"])
        return pd.DataFrame({"villages": grouped["size"].fillna(0).astype(int), "demand": grouped["sum"].fillna(0.0)})

    @property
    def mean(self) -> float:
        """Way to the served villages, weighted by their demand; NaN when none is served."""
        return _mean_way(self._served)

    @property
    def _served(self) -> pd.DataFrame:
        return self.table[self.table["role"] == "served"]

    def explain(self, lang: str = "zh") -> str:
        """Say in words, *lang* "zh" or "en", which villages carry a site, whom they serve, and who is left to vans."""
        rule = label("sharing.hubs_rule", lang, size=f"{self.at_least:.10g}")
        lines = [rule if self.plan is None else self.plan.summary(lang).split("\n", 1)[0]]
        rows = self.totals.to_dict("index").items()
        numbers = {f"{role}_{what}": amount(number) for role, row in rows for what, number in row.items()}
        lines.append(label("sharing.hubs_total", lang, **numbers))
        if len(self._served):
            digits = 0 if self.unit == "m" else 1
            ways = {"mean": self.mean, "farthest": self.hubs["farthest"].max()}
            numbers = {key: f"{way:,.{digits}f}" for key, way in ways.items()} | {"limit": f"{self.limit:.10g}"}
            lines.append(label("sharing.hubs_ways", lang, unit=label(f"unit.{self.unit}", lang), **numbers))
        for hub, row in self.hubs.to_dict("index").items():
            words = {key: amount(row[key]) for key in ("villages", "demand", "delivered")}
            lines.append(label("sharing.hubs_hub", lang, hub=hub, **words))
        vans = self.table.index[self.table["role"] == "van"]
        if len(vans):
            lines.append(label("sharing.hubs_vans", lang, names=listed(vans, lang)))
        return "\n".join(lines)


@renamed_keywords(elderly="demand", within="limit", size="at_least")
def choose_hubs(
    reach: Reach,
    demand: pd.Series,
    *,
    at_least: float | None = None,
    hubs: int | Literal["all", "fewest"] = "all",
    limit: float | None = None,
    time_limit: float | None = None,
) -> Hubs:
    """Choose the villages that carry a site, and assign every other one to its nearest hub.

    Parameters
    ----------
    reach
        From all villages (origins) to those that may carry a site (destinations, with the same ids). A village is at 0
        from itself, whatever the table says. Deliveries are taken to be as long as the way there.
    demand
        Elderly residents by village.
    at_least
        Only villages with at least so many are large enough to carry a site; no document prints it.
    hubs
        "all": every large village carries a site, the rule as written; needs *at_least*. "fewest": the fewest that
        reach everybody who lives within reach of a large village. A number: at most so many, that reach most elderly.
    limit
        The longest delivery, inclusive, in the unit of *reach*; its limit when not given. No document prints it.
    time_limit
        As for `solve`.

    Returns
    -------
    Hubs
        Villages beyond *limit* of every hub have the role "van".

    Raises
    ------
    ProblemError
        When no village is large enough or within reach of elderly people, a destination is no village, "all" comes
        without *at_least*, *hubs* is no whole number of 1 or more, or *reach* holds only the nearest.

    Notes
    -----
    The rule (大村统一布点、小村分餐配送) and its vans are rows ``jinhua.eldercare.hub_villages`` and
    ``qingtian.eldercare.mobile_services`` of the catalogue. "fewest" is set covering over the villages that can be
    reached, a number is maximal covering; see `MinSites` and `MaxCoverage`. Neither makes deliveries shortest.

    Examples
    --------
    >>> import pandas as pd
    >>> ways = {"origin": ["b", "c", "d"], "destination": ["a", "a", "b"], "cost": [900.0, 2500.0, 800.0]}
    >>> reach = Reach.from_pairs(pd.DataFrame(ways), origins=list("abcd"), destinations=list("abcd"), limit=3000)
    >>> elderly = pd.Series({"a": 210, "b": 80, "c": 40, "d": 25})
    >>> hubs = choose_hubs(reach, elderly, at_least=100)
    >>> hubs
    <Hubs: 1 hub (every large village), 2 villages served, 1 left to vans>
    >>> hubs.table["role"].to_dict()
    {'a': 'hub', 'b': 'served', 'c': 'served', 'd': 'van'}
    """
    if reach.nearest_only is not None:
        raise ProblemError(Message("problem.nearest_only", what="reach"))
    strange = reach.destinations.difference(reach.origins)
    if len(strange):
        raise ProblemError(Message("question.hubs_strange", ids=strange))
    demand = amounts(demand, reach.origins, what="demand", of="villages").rename("demand")
    near = _with_own(reach if limit is None else reach.within(limit))
    if at_least is not None and not at_least > 0:
        raise ProblemError(Message("argument.above_zero", what="at_least", value=at_least))
    least, may = at_least or 0.0, demand.loc[near.destinations]
    large = near.destinations[may.to_numpy() >= least]
    if not len(large):
        raise ProblemError(Message("question.no_large_village", least=least, most=may.max()))
    if hubs == "all":
        if at_least is None:
            raise ProblemError(Message("question.hubs_need"))
        return Hubs(near.select(large), demand, at_least, None)
    plan = _optimal(near.select(large), demand, hubs, time_limit)
    return Hubs(near.select(large[large.isin(plan.sites)]), demand, least, plan)


def _with_own(reach: Reach) -> Reach:
    """Put every village that may be a hub at 0 from itself: its door to the street does not count."""
    table, may = reach.pairs(), reach.destinations
    own = pd.DataFrame({"origin": may, "destination": may, "cost": 0.0})
    table = pd.concat([table[table["origin"] != table["destination"]], own])
    made = Reach.from_pairs(table, origins=reach.origins, destinations=may, limit=reach.limit, unit=reach.unit)
    return replace(made, how=reach.how)


def _optimal(reach: Reach, demand: pd.Series, hubs: float | str, time_limit: float | None) -> Plan:
    # Whom no large village reaches is left to vans, and must not make the goal impossible.
    reached = demand.where(np.isin(np.arange(len(reach.origins)), reach.origin), 0.0)
    if not reached.any():
        raise ProblemError(Message("question.nobody_near"))
    if hubs == "fewest":
        return solve(MinSites(), reach, demand=reached, rules=[Cover(1.0)], time_limit=time_limit)
    if isinstance(hubs, str) or not is_whole(hubs, 1) or hubs == math.inf:
        raise ProblemError(Message("question.hubs", value=hubs))
    most = min(int(hubs), len(reach.destinations))
    return solve(MaxCoverage(), reach, demand=demand, rules=[AtMost(most)], time_limit=time_limit)


def _mean_way(served: pd.DataFrame) -> float:
    people = float(served["demand"].sum())
    return float((served["cost"] * served["demand"]).sum()) / people if people > 0 else math.nan
