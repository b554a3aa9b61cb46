"""A plan for one service: sites and years, changes of existing facilities, and the share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from siting.errors import SitingError
from siting.labels import label
from siting.measure.take_up import TakeUp
from siting.messages import Message

__all__ = [
    "CHANGES", "NOT_SERVICES", "Part", "demand_of", "how_served", "is_finite", "one_plan", "part_of", "role_of",
    "services_of", "year_of",
]  # fmt: skip

#: Changes of existing sites; one that finally closes is drawn as closed.
CHANGES = ("grows", "closes")
#: Roles of layers that hold no facilities of a service.
NOT_SERVICES = ("communities", "candidates", "districts", "streets")


@dataclass(frozen=True)
class Part:
    """A plan for one service."""

    #: A row for each new site, in the order of the plan, and their numbers in it; index site id.
    sites: pd.DataFrame
    numbers: tuple[int, ...]
    #: A row for each existing site that closes or grows; index site id.
    changes: pd.DataFrame
    #: Share of the demand that is served, in the last year; NaN where it is not known.
    share: float
    #: Whether the plan's limit is that of this service, and whether the plan has no other.
    chief: bool = True
    alone: bool = True
    #: Who is counted, see `how_served`.
    how: str = ""

    def change_of(self, site: object) -> str:
        """Return the change of *site*, an existing one; "" if unchanged."""
        kinds = set(self.changes.loc[self.changes.index == site, "change"])
        return next((kind for kind in reversed(CHANGES) if kind in kinds), "")


def services_of(plan: object) -> list[str]:
    """Return the services of a joint plan; none for a plan of one service."""
    communities = getattr(plan, "communities", None)
    if communities is None or "service" not in communities.index.names:
        return []
    return list(communities.index.unique("service"))


def part_of(plan: Any, service: str | None) -> Part:
    """Return the part of *plan* for *service*: all of it if it has no services, or not this one."""
    services = services_of(plan)
    joint = service in services
    table, changes = getattr(plan, "table", None), getattr(plan, "changes", None)
    table = pd.DataFrame(index=[]) if table is None else table
    changes = pd.DataFrame({"change": pd.Series(dtype=object)}) if changes is None else changes
    if joint:
        table, changes = (rows[rows["service"] == service] if "service" in rows else rows for rows in (table, changes))
    elif set(plan.sites) <= set(table.index):
        table = table[table.index.isin(plan.sites)]
    else:
        table = table.reindex(list(plan.sites))
    if "order" in table:
        table = table.sort_values("order", kind="stable")
    numbers = [int(n) if is_finite(n) else i for i, n in enumerate(table.get("order", [None] * len(table)), 1)]
    share = _share(plan.communities, service) if joint else getattr(plan, "share", None)
    chief = not joint or services[0] == service
    return Part(
        table, tuple(numbers), changes, math.nan if share is None else share, chief, len(services) < 2, how_served(plan)
    )


def how_served(plan: object) -> str:
    """Say whom a plan counts: "" those within reach; "market" visitors, where they choose; else people with a place.

    These are "nearest" where everybody goes to the nearest site, "single" where communities stay together, or "split".
    """
    problem = getattr(plan, "problem", None)
    if getattr(problem, "market", None) is not None:
        return "market"
    capacity = getattr(problem, "capacity", None)
    if capacity is None:
        return ""
    return "nearest" if capacity.nearest else "split" if capacity.split else "single"


def demand_of(plan: object, service: str | None) -> list[TakeUp]:
    """Return what part of the people of a service a plan is for, where it is not all of them."""
    rates = getattr(getattr(getattr(plan, "problem", None), "inputs", None), "take_up", ())
    return [each for each in rates if each.service in ("", service)]


def one_plan(plan: object) -> object:
    """Return what is drawn; SitingError for several plans, such as alternatives, of which one is to be chosen."""
    if hasattr(plan, "plans"):
        name, count = type(plan).__name__, len(plan.plans)
        raise SitingError(Message("show.several_plans", kind=name, n=count))
    return plan


def _share(communities: pd.DataFrame, service: str | None) -> float:
    rows = communities[communities.index.get_level_values("service") == service]
    if "year" in rows.index.names:
        years = rows.index.get_level_values("year")
        rows = rows[years == years.max()]
    demand = float(rows["demand"].sum())
    return float(rows["served"].sum()) / demand if demand > 0 else math.nan


def year_of(row: Mapping[Any, Any], lang: str) -> str:
    """Return the year of a row as text; "" without one."""
    return label("plan_site.in_year", lang, year=f"{row['year']:.0f}") if is_finite(row.get("year")) else ""


def is_finite(value: object) -> bool:
    """Whether *value* is a number."""
    return isinstance(value, int | float | np.number) and bool(np.isfinite(value))


def role_of(site: object, service: str | None, layers: Mapping[str, gpd.GeoDataFrame]) -> str | None:
    """Return the layer that holds a new site: the candidates, or facilities of another service that offer this, too."""
    others = [role for role in layers if role not in NOT_SERVICES and role != service]
    roles = ["candidates", *others, *([] if service is None else [service])]
    return next((role for role in roles if role in layers and site in layers[role].index), None)
