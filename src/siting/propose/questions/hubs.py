"""`choose_hubs`: large villages carry a site, small ones get deliveries, and what is beyond is left to vans."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from numbers import Real
from typing import Literal

import numpy as np
import pandas as pd

from siting.errors import ProblemError, some
from siting.labels import label
from siting.measure import Reach
from siting.measure.alignment import amounts
from siting.propose.plan.plan import Plan
from siting.propose.problem import AtMost, Cover, MaxCoverage, MinSites
from siting.propose.solve import solve

__all__ = ["Hubs", "choose_hubs"]

#: How many names a sentence lists.
NAMES = 20


@dataclass(frozen=True, eq=False, repr=False)
class Hubs:
    """Hub villages and whom they serve. Made by `choose_hubs`.

    Attributes
    ----------
    table
        A row per village: `role` ("hub", "served", "van"), `hub` that serves it (itself for a hub, missing for "van"),
        `cost` of the way to it in `unit` (0 for a hub, missing for "van"), `elderly`.
    hubs
        A row per hub: `villages` it delivers to besides its own, `elderly` of its own, `delivered` (elderly of the
        villages it delivers to), `mean` (way weighted by them) and `farthest`, missing where it delivers to none.
    plan
        The plan with its proof, when hubs were optimised; None when all large villages carry a site.
    size
        Elderly people from which a village is large; 0 when any may carry a site.
    limit, unit, how
        The longest delivery, and how it was measured.
    """

    table: pd.DataFrame
    hubs: pd.DataFrame
    plan: Plan | None
    size: float
    limit: float
    unit: str
    how: str = ""

    def __repr__(self) -> str:
        n, status = len(self.hubs), "every large village" if self.plan is None else self.plan.status
        counts = self.table["role"].value_counts()
        return (
            f"<Hubs: {n} hub{'s' * (n != 1)} ({status}), {counts.get('served', 0)} villages served, "
            f"{counts.get('van', 0)} left to vans>"
        )

    @property
    def totals(self) -> pd.DataFrame:
        """A row for each role, "hub", "served" and "van": `villages` and `elderly`."""
        grouped = self.table.groupby("role")["elderly"].agg(["size", "sum"]).reindex(["hub", "served", "van"])
        counts = {"villages": grouped["size"].fillna(0).astype(int), "elderly": grouped["sum"].fillna(0.0)}
        return pd.DataFrame(counts)

    @property
    def mean(self) -> float:
        """Way to the served villages, weighted by their elderly; NaN when none is served."""
        served = self.table[self.table["role"] == "served"]
        return _mean(served)

    def explain(self, lang: str = "zh") -> str:
        """Say in words which villages carry a site, whom they serve, and who is left to vans.

        Parameters
        ----------
        lang
            "zh" or "en".
        """
        counts, unit = self.totals, label(f"unit.{self.unit}", lang)
        rows = counts.to_dict("index").items()
        numbers = {f"{role}_{what}": f"{number:,.10g}" for role, row in rows for what, number in row.items()}
        lines = [self._way(lang), label("sharing.hubs_total", lang, **numbers)]
        if counts.loc["served", "villages"]:
            farthest = self.hubs["farthest"].max()
            digits = 0 if self.unit == "m" else 1
            ways = {"mean": self.mean, "farthest": farthest}
            numbers = {key: f"{way:,.{digits}f}" for key, way in ways.items()} | {"limit": f"{self.limit:.10g}"}
            lines.append(label("sharing.hubs_ways", lang, unit=unit, **numbers))
        for hub, row in self.hubs.to_dict("index").items():
            words = {key: f"{row[key]:,.10g}" for key in ("villages", "elderly", "delivered")}
            lines.append(label("sharing.hubs_hub", lang, hub=hub, **words))
        vans = self.table.index[self.table["role"] == "van"]
        if len(vans):
            names = label("list.comma", lang).join(map(str, vans[:NAMES])) + " …" * (len(vans) > NAMES)
            lines.append(label("sharing.hubs_vans", lang, names=names))
        return "\n".join(lines)

    def _way(self, lang: str) -> str:
        if self.plan is None:
            return label("sharing.hubs_rule", lang, size=f"{self.size:.10g}")
        return self.plan.summary(lang).split("\n", 1)[0]


def choose_hubs(
    reach: Reach,
    elderly: pd.Series,
    *,
    size: float | None = None,
    hubs: int | Literal["all", "fewest"] = "all",
    within: float | None = None,
    time_limit: float | None = None,
) -> Hubs:
    """Choose the villages that carry a site, and assign every other one to its nearest hub.

    Parameters
    ----------
    reach
        From all villages (origins) to those that may carry a site (destinations, with the same ids). A village is at 0
        from itself, whatever the table says. Deliveries are taken to be as long as the way there.
    elderly
        Elderly residents by village.
    size
        Only villages with at least so many elderly are large enough to carry a site; no document prints it.
    hubs
        "all": every large village carries a site, the rule as written; needs *size*. "fewest": the fewest that reach
        everybody who lives within reach of a large village. A number: at most so many, that reach most elderly.
    within
        The longest delivery, inclusive, in the unit of *reach*; its limit when not given. No document prints it.
    time_limit
        Seconds after which the best choice so far is returned with its bound.

    Returns
    -------
    Hubs
        Villages beyond *within* of every hub have the role "van".

    Raises
    ------
    ProblemError
        When no village is large enough, a destination is no village, "all" comes without *size*, *hubs* is no whole
        number of 1 or more, no elderly people are within reach of a village that may carry a site, or *reach* holds
        only the nearest.

    Notes
    -----
    The rule (大村统一布点、小村分餐配送) and its vans are rows ``jinhua.eldercare.hub_villages`` and
    ``qingtian.eldercare.mobile_services`` of the catalogue. "fewest" is set covering over the villages that can be
    reached, a number is maximal covering; see `MinSites` and `MaxCoverage`. Neither makes deliveries as short as they
    could be.

    Examples
    --------
    >>> import pandas as pd
    >>> ways = {"origin": ["b", "c", "d"], "destination": ["a", "a", "b"], "cost": [900.0, 2500.0, 800.0]}
    >>> reach = Reach.from_pairs(pd.DataFrame(ways), origins=list("abcd"), destinations=list("abcd"), limit=3000)
    >>> elderly = pd.Series({"a": 210, "b": 80, "c": 40, "d": 25})
    >>> found = choose_hubs(reach, elderly, size=100)
    >>> found
    <Hubs: 1 hub (every large village), 2 villages served, 1 left to vans>
    >>> found.table["role"].to_dict()
    {'a': 'hub', 'b': 'served', 'c': 'served', 'd': 'van'}
    """
    if reach.nearest_only is not None:
        raise ProblemError("a Reach of the nearest cannot tell all villages in reach; call travel with metres")
    people = _people(elderly, reach)
    near = _with_own(reach if within is None else reach.within(within))
    large = _large(near, people, size)
    if hubs == "all":
        if size is None:
            raise ProblemError('choose_hubs: hubs="all" needs size, the elderly people from which a village is large')
        plan, chosen = None, large
    else:
        plan = _optimal(near.select(large), people, hubs, time_limit)
        chosen = large[large.isin(plan.sites)]
    table = _assigned(near.select(chosen), people)
    return Hubs(table, _per_hub(table, chosen), plan, size or 0.0, near.limit, near.unit, near.how)


def _people(elderly: pd.Series, reach: Reach) -> pd.Series:
    strange = reach.destinations.difference(reach.origins)
    if len(strange):
        raise ProblemError(f"hubs are villages, but these destinations are no origins: {some(strange)}")
    return amounts(elderly, reach.origins, what="elderly", of="villages").rename("elderly")


def _with_own(reach: Reach) -> Reach:
    """Put every village that may be a hub at 0 from itself: its door to the street does not count."""
    table = reach.pairs()
    own = pd.DataFrame({"origin": reach.destinations, "destination": reach.destinations, "cost": 0.0})
    table = pd.concat([table[table["origin"] != table["destination"]], own])
    made = Reach.from_pairs(
        table, origins=reach.origins, destinations=reach.destinations, limit=reach.limit, unit=reach.unit
    )
    return replace(made, how=reach.how)


def _large(reach: Reach, people: pd.Series, size: float | None) -> pd.Index:
    if size is not None and not size > 0:
        raise ProblemError(f"size is {size!r}; give a number of elderly people above 0")
    large = reach.destinations[people.loc[reach.destinations].to_numpy() >= (size or 0.0)]
    if not len(large):
        raise ProblemError(
            f"no village has {size or 0:g} elderly people or more; the largest that may carry a site has "
            f"{people.reindex(reach.destinations).max():g}"
        )
    return large


def _optimal(reach: Reach, people: pd.Series, hubs: float | str, time_limit: float | None) -> Plan:
    # Whom no large village reaches is left to vans, and must not make the goal impossible.
    reached = np.isin(np.arange(len(reach.origins)), reach.origin)
    demand = people.where(reached, 0.0)
    if not demand.any():
        raise ProblemError("elderly is 0 wherever a village that may carry a site is in reach: nobody needs a hub")
    if hubs == "fewest":
        return solve(MinSites(), reach, demand=demand, rules=[Cover(1.0)], time_limit=time_limit)
    if isinstance(hubs, str):
        raise ProblemError(f'hubs is {hubs!r}; choose "all", "fewest" or a number')
    if not isinstance(hubs, Real) or isinstance(hubs, bool) or not 1 <= hubs < math.inf or hubs % 1:
        raise ProblemError(f"hubs is {hubs!r}; give a whole number of 1 or more")
    most = min(int(hubs), len(reach.destinations))
    return solve(MaxCoverage(), reach, demand=people, rules=[AtMost(most)], time_limit=time_limit)


def _assigned(reach: Reach, people: pd.Series) -> pd.DataFrame:
    nearest = reach.nearest(1).set_index("origin").reindex(reach.origins)
    is_hub = reach.origins.isin(reach.destinations)
    # Two hubs may stand on one spot: each serves itself.
    hub = nearest["destination"].astype(object).where(~is_hub, reach.origins.to_numpy(object))
    role = np.select([is_hub, nearest["cost"].notna().to_numpy()], ["hub", "served"], "van")
    columns = {"role": role, "hub": hub, "cost": nearest["cost"].where(~is_hub, 0.0), "elderly": people}
    return pd.DataFrame(columns, index=reach.origins).rename_axis("village")


def _per_hub(table: pd.DataFrame, chosen: pd.Index) -> pd.DataFrame:
    served = table[table["role"] == "served"].groupby("hub")
    rows = {
        hub: {
            "villages": len(part),
            "elderly": float(table.loc[hub, "elderly"]),
            "delivered": float(part["elderly"].sum()),
            "mean": _mean(part),
            "farthest": float(part["cost"].max()) if len(part) else math.nan,
        }
        for hub in chosen
        for part in [served.get_group(hub) if hub in served.groups else table.iloc[:0]]
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("hub")


def _mean(served: pd.DataFrame) -> float:
    people = float(served["elderly"].sum())
    return float((served["cost"] * served["elderly"]).sum()) / people if people > 0 else math.nan
