"""A plan on the map: its sites and their cards, and the facilities that close or grow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from siting.errors import SitingError
from siting.labels import Language, known, label, named
from siting.messages import Message
from siting.numbers import NONE
from siting.show import map_values as encode
from siting.show.plan_parts import CHANGES, Part, demand_of, is_finite, part_of, role_of, year_of

__all__ = ["describe_plan", "mark_changes"]


def describe_plan(
    service: str,
    plan: Any,
    present: Mapping[str, gpd.GeoDataFrame],
    places: Mapping[str, gpd.GeoSeries],
    weight: str | None,
    lang: Language,
) -> dict[str, Any]:
    """Return what the map shows of *plan* when *service* is switched on; SitingError for a site in no layer."""
    part = part_of(plan, service)
    shown: dict[str, Any] = {"status": _status(plan, lang), "sites": []}
    # Without a plan the share is that of today.
    if is_finite(part.share) and getattr(plan, "status", "") != "infeasible":
        shown["share"] = f"{part.share:.1%}"
        shown["within"] = _whose(plan, part, lang)
    if rates := demand_of(plan, service):
        shown["demand"] = [each._replace(service="").words(lang) for each in rates]
    if changes := _changes(service, part, present, lang):
        shown["changes"] = changes
    if not len(part.sites):
        return shown
    roles = _roles(service, part.sites.index, present)
    spots = [present[role].index.get_indexer_for([site])[0] for role, site in zip(roles, part.sites.index, strict=True)]
    at = [places[role].iloc[i] for role, i in zip(roles, spots, strict=True)]
    shown["points"] = encode.as_points(gpd.GeoSeries(at, crs=4326))
    for row, number, role, i in zip(part.sites.to_dict("records"), part.numbers, roles, spots, strict=True):
        site = present[role].iloc[[i]]
        card = _card(site.iloc[0], row, weight, part, lang)
        card += [[each.heading(lang), each.rate(lang)] for each in demand_of(plan, service)]
        entry = {"number": number, "name": encode.names(site)[0], "rows": card}
        if is_finite(row.get("adds")):
            entry["adds"] = f"+{row['adds']:,.0f}"
        if year := year_of(row, lang):
            entry["when"] = year
        shown["sites"].append(entry)
    return shown


def _whose(plan: Any, part: Part, lang: Language) -> str:
    """Say whose share is shown: of people within reach, with a place, or of all visitors."""
    limit, unit = getattr(plan, "limit", None), f"unit.{getattr(plan, 'unit', '')}"
    if part.how != "market" and part.chief and limit is not None and is_finite(limit) and known(unit):
        key = f"map.then_{part.how or 'within'}"
        return label(key, lang, limit=f"{float(limit):,g}", unit=label(unit, lang))
    return label({"": "map.share_then", "market": "map.share_won"}.get(part.how, "map.share_placed"), lang)


def _roles(service: str, sites: Iterable[object], present: Mapping[str, gpd.GeoDataFrame]) -> list[str]:
    roles = {site: role_of(site, service, present) for site in sites}
    if lost := [site for site, role in roles.items() if role is None]:
        facts = {"service": service, "sites": lost}
        there = "candidates" in present
        raise SitingError(
            Message("show.plan_strange", **facts) if there else Message("show.plan_no_candidates", **facts)
        )
    return [str(roles[site]) for site in sites]


def _status(plan: Any, lang: Language) -> str:
    key, gap = f"plan_status.{getattr(plan, 'status', '')}", getattr(plan, "gap", None)
    if not known(key):
        return encode.visible(getattr(plan, "status", ""))
    return label(key, lang, gap=f"{gap:.1%}" if is_finite(gap) else NONE)


def _card(site: pd.Series, row: Mapping[Any, Any], weight: str | None, part: Part, lang: Language) -> list[list[str]]:
    kind, option = site.get("kind"), row.get("option")
    lines = []
    if isinstance(kind, str):
        lines.append(("field.kind", encode.visible(named("kind", kind, lang))))
    if year_of(row, lang):
        lines.append(("plan_site.year", year_of(row, lang)))
    if not pd.isna(option) and str(option) != "":
        lines.append(("plan_site.option", encode.visible(option)))
    adds, after = ("map.adds", "map.share_after")
    if part.how:
        adds, after = (
            f"plan_site.{'won' if part.how == 'market' else 'placed'}_{each}" for each in ("adds", "share_after")
        )
    if is_finite(row.get("adds")):
        who = label(f"people.{weight}", lang) if weight else ""
        lines.append((adds, f"+{row['adds']:,.0f} {who}".strip()))
    # The share of a joint plan is of all services, which would mislead next to the share of one.
    if part.alone and is_finite(row.get("share_after")):
        lines.append((after, f"{row['share_after']:.1%}"))
    if is_finite(row.get("places")):
        lines.append(("plan_site.places", f"{row['places']:,g}"))
    if is_finite(site.get("cost")):
        lines.append(("field.cost", f"{site['cost']:,g} {label('field_unit.cost', lang)}"))
    if is_finite(row.get("cost")) and row["cost"] != site.get("cost"):
        lines.append(("plan_site.cost", f"{row['cost']:,g}"))
    return [[label(key, lang), value] for key, value in lines]


def _changes(service: str, part: Part, present: Mapping[str, gpd.GeoDataFrame], lang: Language) -> list[dict[str, Any]]:
    changes = []
    for kind in CHANGES:
        mine = part.changes[part.changes["change"] == kind]
        names = encode.names_in(present, ["candidates", *present, service]) if len(mine) else {}
        sites = [
            {"name": names.get(site, encode.visible(site)), "when": year_of(row, lang)}
            for site, row in zip(mine.index, mine.to_dict("records"), strict=True)
        ]
        if sites:
            changes.append({"change": kind, "label": label(f"plan_site.{kind}", lang), "sites": sites})
    return changes


def mark_changes(part: Part, facilities: gpd.GeoDataFrame, lang: Language) -> list[dict[str, Any]]:
    """Return the rows of *facilities* that close or grow, and the lines of their cards."""
    marks = []
    for i in np.flatnonzero(facilities.index.isin(part.changes.index)).tolist():
        site = facilities.index[i]
        lines = [
            [label(f"change.{row['change']}", lang), year_of(row, lang) or label("plan_site.in_plan", lang)]
            for row in part.changes[part.changes.index == site].to_dict("records")
            if row["change"] in CHANGES
        ]
        marks.append({"at": i, "change": part.change_of(site), "rows": lines})
    return marks
