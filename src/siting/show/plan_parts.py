"""What a plan says of one service: its sites and their years, what existing facilities become, the share."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from siting.errors import SitingError, some
from siting.labels import Language, known, label
from siting.show import map_values as encode

__all__ = [
    "CHANGES",
    "NOT_SERVICES",
    "Part",
    "describe_plan",
    "is_finite",
    "mark_changes",
    "part_of",
    "role_of",
    "services_of",
    "year_of",
]

#: What existing sites become; one that closes in the end is drawn so, whatever it was before.
CHANGES = ("grows", "closes")
#: Roles of layers that hold no facilities of a service.
NOT_SERVICES = ("communities", "candidates", "districts", "streets")


@dataclass(frozen=True)
class Part:
    """A plan as far as one service goes.

    Attributes
    ----------
    sites
        A row for each new site, in the order of the plan; index site id.
    numbers
        Their numbers in the plan.
    changes
        A row for each existing site that closes or grows; index site id.
    share
        Share of the demand that is served, in the last year; NaN where it is not known.
    chief
        The plan's limit is that of this service.
    alone
        The plan has no other service.
    """

    sites: pd.DataFrame
    numbers: tuple[int, ...]
    changes: pd.DataFrame
    share: float
    chief: bool = True
    alone: bool = True

    def change_of(self, site: object) -> str:
        """Return what *site*, an existing one, becomes; "" where it stays as it is."""
        kinds = set(self.changes.loc[self.changes.index == site, "change"])
        return next((kind for kind in reversed(CHANGES) if kind in kinds), "")


def services_of(plan: object) -> list[str]:
    """Return the services that a plan arranges together; none for a plan of one service."""
    told = getattr(plan, "communities", None)
    if told is None or "service" not in told.index.names:
        return []
    return list(told.index.unique("service"))


def part_of(plan: Any, service: str | None) -> Part:
    """Return what *plan* says of *service*: all that it says where it has no services, or not this one."""
    services = services_of(plan)
    table = getattr(plan, "table", None)
    table = pd.DataFrame(index=[]) if table is None else table
    changes = getattr(plan, "changes", None)
    changes = pd.DataFrame({"change": pd.Series(dtype=object)}) if changes is None else changes
    if service in services:
        table = table[table["service"] == service] if "service" in table else table
        changes = changes[changes["service"] == service] if "service" in changes else changes
    else:
        listed = table.index.isin(plan.sites)
        table = table[listed] if set(plan.sites) <= set(table.index) else table.reindex(list(plan.sites))
    if "order" in table:
        table = table.sort_values("order", kind="stable")
    numbers = [int(n) if is_finite(n) else i for i, n in enumerate(table.get("order", [None] * len(table)), 1)]
    joint = service in services
    share = _share(plan.communities, service) if joint else getattr(plan, "share", math.nan)
    chief = not joint or services[0] == service
    return Part(table, tuple(numbers), changes, math.nan if share is None else share, chief, len(services) < 2)


def _share(communities: pd.DataFrame, service: str | None) -> float:
    """Return the share of the demand for *service* that is served, in the last year."""
    rows = communities[communities.index.get_level_values("service") == service]
    if "year" in rows.index.names:
        years = rows.index.get_level_values("year")
        rows = rows[years == years.max()]
    demand = float(rows["demand"].sum())
    return float(rows["served"].sum()) / demand if demand > 0 else math.nan


def year_of(row: Mapping[Any, Any], lang: Language) -> str:
    """Return the year of a row as it is read; "" where it has none."""
    return label("plan_site.in_year", lang, year=f"{row['year']:.0f}") if is_finite(row.get("year")) else ""


def is_finite(value: object) -> bool:
    """Tell a number from what is missing."""
    return isinstance(value, int | float | np.number) and bool(np.isfinite(value))


def role_of(site: object, service: str | None, layers: Mapping[str, gpd.GeoDataFrame]) -> str | None:
    """Return the layer that holds a new site: the candidates, or facilities of another service that offer this, too."""
    others = [role for role in layers if role not in NOT_SERVICES and role != service]
    roles = ["candidates", *others, *([] if service is None else [service])]
    return next((role for role in roles if role in layers and site in layers[role].index), None)


def describe_plan(
    service: str,
    plan: Any,
    present: Mapping[str, gpd.GeoDataFrame],
    places: Mapping[str, gpd.GeoSeries],
    weight: str | None,
    lang: Language,
) -> dict[str, Any]:
    """Return what the map shows of *plan* when *service* is switched on.

    Raises
    ------
    SitingError
        When a site is in no layer.
    """
    part = part_of(plan, service)
    told: dict[str, Any] = {"status": _status(plan, lang), "sites": []}
    # Without a plan the share is that of today.
    if is_finite(part.share) and getattr(plan, "status", "") != "infeasible":
        told["share"] = f"{part.share:.1%}"
    limit, unit = getattr(plan, "limit", None), str(getattr(plan, "unit", ""))
    if part.chief and is_finite(limit) and known(f"unit.{unit}"):
        told["within"] = label(
            "map.then_within", lang, limit=f"{float(limit or 0):,g}", unit=label(f"unit.{unit}", lang)
        )
    changes = _changes(service, part, present, lang)
    if changes:
        told["changes"] = changes
    if not len(part.sites):
        return told
    roles = _roles(service, part.sites.index, present)
    spots = [present[role].index.get_indexer_for([site])[0] for role, site in zip(roles, part.sites.index, strict=True)]
    at = [places[role].iloc[i] for role, i in zip(roles, spots, strict=True)]
    told["points"] = encode.as_points(gpd.GeoSeries(at, crs=4326))
    rows = part.sites.to_dict("records")
    for row, number, role, i in zip(rows, part.numbers, roles, spots, strict=True):
        site = present[role].iloc[[i]]
        shown = {
            "number": number,
            "name": encode.names(site)[0],
            "rows": _site_rows(site.iloc[0], row, weight, part.alone, lang),
        }
        if is_finite(row.get("adds")):
            shown["adds"] = f"+{row['adds']:,.0f}"
        if year_of(row, lang):
            shown["when"] = year_of(row, lang)
        told["sites"].append(shown)
    return told


def _roles(service: str, sites: Iterable[object], present: Mapping[str, gpd.GeoDataFrame]) -> list[str]:
    found = {site: role_of(site, service, present) for site in sites}
    lost = [site for site, role in found.items() if role is None]
    if lost and "candidates" not in present:
        raise SitingError(
            f"the plan for {service!r} proposes {some(lost)}; give the candidates in layers['candidates']"
        )
    if lost:
        raise SitingError(f"the plan for {service!r} proposes sites that are not in layers['candidates']: {some(lost)}")
    return [str(found[site]) for site in sites]


def _status(plan: Any, lang: Language) -> str:
    status = str(getattr(plan, "status", ""))
    if not known(f"plan_status.{status}"):
        return encode.clean(status)
    gap = getattr(plan, "gap", None)
    gap_text = f"{gap:.1%}" if is_finite(gap) else "—"
    return label(f"plan_status.{status}", lang, gap=gap_text)


def _site_rows(
    site: pd.Series, row: Mapping[Any, Any], weight: str | None, alone: bool, lang: Language
) -> list[list[str]]:
    """Return what the tooltip of a proposed site says, line by line."""
    rows: list[list[str]] = []
    kind = site.get("kind")
    if isinstance(kind, str):
        said = label(f"kind.{kind}", lang) if known(f"kind.{kind}") else encode.clean(kind)
        rows.append([label("field.kind", lang), said])
    if year_of(row, lang):
        rows.append([label("plan_site.year", lang), year_of(row, lang)])
    if _is_said(row.get("option")):
        rows.append([label("plan_site.option", lang), encode.clean(row["option"])])
    if is_finite(row.get("adds")):
        who = label(f"people.{weight}", lang) if weight else ""
        rows.append([label("map.adds", lang), f"+{row['adds']:,.0f} {who}".strip()])
    # The running share of a joint plan is of all services, which would mislead beside the share of one.
    if alone and is_finite(row.get("share_after")):
        rows.append([label("map.share_after", lang), f"{row['share_after']:.1%}"])
    if is_finite(row.get("places")):
        rows.append([label("plan_site.places", lang), f"{row['places']:,g}"])
    if is_finite(site.get("cost")):
        rows.append([label("field.cost", lang), f"{site['cost']:,g} {label('field_unit.cost', lang)}"])
    if is_finite(row.get("cost")) and row["cost"] != site.get("cost"):
        rows.append([label("plan_site.cost", lang), f"{row['cost']:,g}"])
    return rows


def _is_said(value: object) -> bool:
    return value is not None and value is not pd.NA and value == value and str(value) != ""


def _changes(service: str, part: Part, present: Mapping[str, gpd.GeoDataFrame], lang: Language) -> list[dict[str, Any]]:
    """Return the existing sites that close and those that grow, by name."""
    if not part.changes["change"].isin(CHANGES).any():
        return []
    names: dict[object, str] = {}
    for role in dict.fromkeys(["candidates", *present, service]):
        if role in present:
            names |= dict(zip(present[role].index, encode.names(present[role]), strict=True))
    said = []
    for kind in CHANGES:
        mine = part.changes[part.changes["change"] == kind]
        sites = [
            {"name": names.get(site, encode.clean(site)), "when": year_of(row, lang)}
            for site, row in zip(mine.index, mine.to_dict("records"), strict=True)
        ]
        if sites:
            said.append({"change": kind, "label": label(f"plan_site.{kind}", lang), "sites": sites})
    return said


def mark_changes(part: Part, facilities: gpd.GeoDataFrame, lang: Language) -> list[dict[str, Any]]:
    """Return the rows of *facilities* that close or grow, and what is said of each."""
    marks = []
    for i in np.flatnonzero(facilities.index.isin(part.changes.index)).tolist():
        site = facilities.index[i]
        rows = part.changes[part.changes.index == site].to_dict("records")
        lines = [
            [label(f"change.{row['change']}", lang), year_of(row, lang) or label("plan_site.in_plan", lang)]
            for row in rows
            if row["change"] in CHANGES
        ]
        marks.append({"at": i, "change": part.change_of(site), "rows": lines})
    return marks
