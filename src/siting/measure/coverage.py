"""`coverage`: people and communities within a limit; `bands`: the smallest limit that each community meets."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from siting.errors import ProblemError
from siting.measure.alignment import groups, weights
from siting.measure.reach import Reach, cost_at_most, limited, refuse_other
from siting.messages import Message

__all__ = ["bands", "coverage", "covered"]

COLUMNS = ("total", "covered", "share", "communities", "communities_covered", "communities_share")


def coverage(
    reach: Reach,
    demand: pd.Series | pd.DataFrame,
    by: pd.Series | None = None,
    *,
    limit: float | pd.Series | None = None,
) -> pd.DataFrame:
    """Count the demand that reaches at least one destination.

    A community ``i`` is covered when ``min_j d(i, j) <= r(i)``; the share is their part of the sum of all ``w(i)``.

    Parameters
    ----------
    reach
        From communities (origins) to facilities (destinations).
    demand
        Weights by community id: people, households, …; a Series, or a column for each weight.
    by
        A group for each community, such as its district. Without it all are one group, "all".
    limit
        The radius, in the unit of *reach*; a Series gives each community its own. Without it the limit of *reach*.

    Returns
    -------
    DataFrame
        Index (`group`, `weight`). Columns: `total`, `covered` (sums of the weight), `share` (0 to 1; NaN when the total
        is 0), `communities`, `communities_covered`, `communities_share` (counts of communities, of any weight).

    Raises
    ------
    ProblemError
        When a weight is missing, negative or not a number, or a community has no group.

    Examples
    --------
    >>> table = pd.DataFrame({"origin": ["a", "b"], "destination": ["x", "x"], "cost": [0.0, 250.0]})
    >>> reach = Reach.from_pairs(table, origins=["a", "b", "c"], destinations=["x"], limit=300)
    >>> coverage(reach, pd.Series({"a": 30, "b": 20, "c": 50}, name="infants"))["share"]
    group  weight
    all    infants    0.5
    Name: share, dtype: float64
    """
    refuse_other(reach)
    frame, inside = weights(demand, reach.origins), covered(reach, limit)
    # Of categories only those that somebody belongs to are groups.
    grouping: dict[str, Any] = {"by": groups(by, reach.origins), "sort": True, "observed": True}
    total = frame.groupby(**grouping).sum()
    sums = frame.where(inside, 0.0).groupby(**grouping).sum()
    count = inside.groupby(**grouping).agg(["size", "sum"])
    rows = []
    for group in total.index:
        n, m = (int(x) for x in count.loc[group])
        for weight in frame.columns:
            whole, part = float(total.loc[group, weight]), float(sums.loc[group, weight])
            rows.append((group, weight, whole, part, part / whole if whole > 0 else math.nan, n, m, m / n))
    return pd.DataFrame(rows, columns=["group", "weight", *COLUMNS]).set_index(["group", "weight"])


def bands(reach: Reach, limits: float | Sequence[float]) -> pd.DataFrame:
    """Find for each origin its nearest destination and the smallest of *limits* that it meets.

    Parameters
    ----------
    reach, limits
        From communities to facilities; radii or minutes, one or several, in its unit and up to its limit.

    Returns
    -------
    DataFrame
        Index: origins. Columns: `facility` (nearest destination), `cost`, `band` (smallest limit met), all missing
        where nothing is within reach; `unit`. ``attrs["limits"]`` holds the limits, also those that nobody meets.

    Raises
    ------
    ProblemError
        When no limit is given, or one is above the limit of *reach*.

    Examples
    --------
    >>> table = pd.DataFrame({"origin": ["a", "b"], "destination": ["x", "x"], "cost": [0.0, 450.0]})
    >>> reach = Reach.from_pairs(table, origins=["a", "b", "c"], destinations=["x"], limit=800)
    >>> bands(reach, [300, 500])["band"].tolist()
    [300.0, 500.0, nan]
    """
    refuse_other(reach)
    given: list[Any] = list(limits) if isinstance(limits, Iterable) else [limits]
    steps = np.sort([reach.within(limit).limit for limit in given])
    if not len(steps):
        raise ProblemError(Message("argument.no_limits", what="bands"))
    first = reach.nearest(1).set_index("origin").reindex(reach.origins)
    cost = first["cost"].to_numpy(float)
    band = np.full(len(cost), np.nan)
    for step in steps[::-1]:
        band[cost_at_most(cost, step)] = step
    columns = {"facility": first["destination"], "cost": cost, "band": band, "unit": reach.unit}
    table = pd.DataFrame(columns, index=reach.origins)
    table.attrs["limits"] = tuple(float(step) for step in steps)
    return table


def covered(reach: Reach, limit: float | pd.Series | None) -> pd.Series:
    """Mark the origins that reach a destination within the limit, or within a limit of their own."""
    inside = np.zeros(len(reach.origins), bool)
    inside[limited(reach, limit).origin] = True
    return pd.Series(inside, index=reach.origins)
