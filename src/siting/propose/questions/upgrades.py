"""`upgrade_sites`: which sites are too small for those around them, with no neighbour that could help."""

from __future__ import annotations

import logging

import pandas as pd

from siting.errors import ProblemError
from siting.measure import Reach
from siting.measure.alignment import amounts
from siting.messages import Message
from siting.renamed import renamed_keywords

__all__ = ["upgrade_sites"]

log = logging.getLogger(__name__)


@renamed_keywords(to_sites="reach", need="demand")
def upgrade_sites(reach: Reach, demand: pd.Series, capacity: pd.Series, between: Reach) -> pd.DataFrame:
    """Find the sites that are too small for those around them and have no neighbour with room for the rest.

    Parameters
    ----------
    reach
        From communities to sites, within the service's radius.
    demand
        Beds or places that each community needs: people times a rate.
    capacity
        Beds or places by site.
    between
        From sites to sites, as far as a neighbour may be.

    Returns
    -------
    DataFrame
        Index: sites. `demand` of the communities for which the site is the nearest, `capacity`, `short`
        (``max(0, demand - capacity)``), `neighbour` (the nearest whose idle capacity is enough; missing when none or
        nothing is short), `upgrade` (short, and no such neighbour). The shortest of beds first. ``attrs`` name
        `beyond`, the communities with demand that reach no site, and `demand_beyond`, what they need together; `limit`
        and `between`, the longest ways to a site and to a neighbour; `unit` and `how`.

    Raises
    ------
    ProblemError
        When a number is missing or none, the sites of the two differ, or *between* holds only the nearest.

    Notes
    -----
    Every community that reaches a site is counted once, at its nearest; only a new site would help the others. Sites
    are looked at one by one: two that are short may be shown the same neighbour, so this is no plan.

    Examples
    --------
    >>> import pandas as pd
    >>> ways = {"origin": ["p", "q"], "destination": ["a", "b"], "cost": [100.0, 100.0]}
    >>> reach = Reach.from_pairs(pd.DataFrame(ways), origins=["p", "q"], destinations=["a", "b"], limit=800)
    >>> alone = pd.DataFrame({"origin": [], "destination": [], "cost": []})
    >>> between = Reach.from_pairs(alone, origins=["a", "b"], destinations=["a", "b"], limit=2000)
    >>> table = upgrade_sites(reach, pd.Series({"p": 50, "q": 20}), pd.Series({"a": 30, "b": 40}), between)
    >>> table[["short", "upgrade"]].to_dict("index")
    {'a': {'short': 20.0, 'upgrade': True}, 'b': {'short': 0.0, 'upgrade': False}}
    """
    sites = reach.destinations
    strange = between.origins.symmetric_difference(sites).union(between.destinations.difference(sites))
    if len(strange):
        raise ProblemError(Message("question.not_in_both", ids=strange))
    if between.nearest_only is not None:
        raise ProblemError(Message("problem.nearest_only", what="between"))
    nearest = reach.nearest(1).set_index("origin")["destination"]
    wanted = amounts(demand, reach.origins, what="demand", of="communities")
    table = pd.DataFrame(index=sites.rename("site"))
    table["demand"] = wanted.loc[nearest.index].groupby(nearest.to_numpy()).sum().reindex(sites, fill_value=0.0)
    table["capacity"] = amounts(capacity, sites, what="capacity", of="sites")
    table["short"] = (table["demand"] - table["capacity"]).clip(lower=0.0)
    idle = (table["capacity"] - table["demand"]).clip(lower=0.0)
    pairs = between.pairs()
    pairs = pairs[pairs["origin"] != pairs["destination"]]
    enough = idle.loc[pairs["destination"]].to_numpy() >= table["short"].loc[pairs["origin"]].to_numpy()
    first = pairs[enough].drop_duplicates("origin").set_index("origin")["destination"].reindex(sites)
    table["neighbour"] = first.where(table["short"] > 0)
    table["upgrade"] = (table["short"] > 0) & table["neighbour"].isna()
    table = table.sort_values("short", ascending=False, kind="stable")
    beyond = wanted[~wanted.index.isin(nearest.index) & (wanted > 0)]
    if len(beyond):
        log.info(Message("question.beyond", n=len(beyond), demand=beyond.sum(), ids=beyond.index))
    table.attrs.update(
        beyond=tuple(beyond.index), demand_beyond=float(beyond.sum()), limit=reach.limit, between=between.limit,
        unit=reach.unit, how=reach.how,
    )  # fmt: skip
    return table
