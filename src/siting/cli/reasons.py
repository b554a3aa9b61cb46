"""Why a site was chosen, why a community is covered: picked from the record of a run."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from siting.errors import SitingError
from siting.messages import Message

__all__ = ["community_reasons", "site_reasons"]

Record = Mapping[str, Any]


def site_reasons(found: Record, site: str) -> dict[str, Any]:
    """Return for a candidate or facility what each plan makes of it, and whom it serves.

    Raises
    ------
    SitingError
        When the results have no such site.
    """
    names = {role: known for role, known in found["names"].items() if role not in ("communities", "districts")}
    role = next((role for role, known in names.items() if site in known), None)
    if role is None:
        near = difflib.get_close_matches(site, [each for known in names.values() for each in known], 5, 0.0)
        raise SitingError(Message("shell.no_such_site", id=site, near=near))
    plans = [_site_in(found, plan, site, existing=role != "candidates") for plan in found["plans"]]
    return {
        "site": site, "name": names[role][site], "existing": role != "candidates",
        "plans": [each for each in plans if each is not None],
    }  # fmt: skip


def _site_in(found: Record, plan: Record, site: str, *, existing: bool) -> dict[str, Any] | None:
    """Return what a plan makes of a site; None for an existing facility of another service."""
    serves = [row for row in _served(found, plan) if str(row["site"]) == site]
    if existing and not serves:
        return None
    told = {key: plan[key] for key in ("goal", "title", "unit", "status", "aim")}
    figures = next((row for row in plan["sites"] if str(row["site"]) == site), None)
    others = [row for row in plan["sites"] if str(row.get("instead")) == site]
    rival = min(others, key=lambda row: row["loss"] or 0.0, default=None)
    names = found["names"]["communities"]
    people = [
        {
            "community": row["community"],
            "name": names.get(str(row["community"]), ""),
            "people": row["served"],
            "way": row["cost"],
        }
        for row in sorted(serves, key=lambda row: -(row["served"] or 0))
    ]
    return told | {
        "chosen": figures, "communities": people,
        "replaces": None if rival is None or figures else {"site": rival["site"], "loss": rival["loss"]},
    }  # fmt: skip


def _served(found: Record, plan: Record, community: str | None = None) -> Iterator[dict[str, Any]]:
    """Yield the rows of the communities in a plan, in the last year of a plan in phases."""
    columns = found["served"][plan["goal"]]
    years = columns.get("year")
    last = max(years) if years else None
    for number, each in enumerate(columns["community"]):
        if (years is None or years[number] == last) and community in (None, str(each)):
            yield {key: values[number] for key, values in columns.items()}


def community_reasons(found: Record, community: str) -> dict[str, Any]:
    """Return for a community its nearest facilities, its site in each plan, and the rules that judge it.

    Raises
    ------
    SitingError
        When the results have no such community.
    """
    ids = [str(each) for each in found["communities"]]
    if community not in ids:
        near = difflib.get_close_matches(community, ids, 5, 0.0)
        raise SitingError(Message("shell.no_such_community", id=community, near=near))
    at = ids.index(community)
    districts = found["names"].get("districts", {})
    district = str(found["districts"][at] or "") if found["districts"] else ""
    plans = [
        {
            **{key: plan[key] for key in ("goal", "title", "unit", "limits", "status", "aim")},
            "served": list(_served(found, plan, community)),
        }
        for plan in found["plans"]
    ]
    return {
        "community": community, "name": found["names"]["communities"].get(community, ""),
        "district": districts.get(district) or district,
        "services": {service: _nearest(found, service, at) for service in found["nearest"]},
        "plans": plans, "rules": list(_rules(found, community)),
    }  # fmt: skip


def _nearest(found: Record, service: str, at: int) -> dict[str, Any]:
    """Return the nearest facility of a service, and which limits it meets."""
    nearest = {key: values[at] for key, values in found["nearest"][service].items()}
    facility = nearest["facility"]
    limits = sorted({(row["unit"], row["limit"]) for row in found["coverage"] if row["service"] == service})
    mine = [limit for unit, limit in limits if unit == nearest["unit"]]
    met = {f"{limit:g}": nearest["cost"] is not None and nearest["cost"] <= limit for limit in mine}
    name = found["names"].get(service, {}).get(str(facility), "")
    return {"facility": facility, "name": name, "way": nearest["cost"], "unit": nearest["unit"], "covered": met}


def _rules(found: Record, community: str) -> Iterator[dict[str, Any]]:
    """Yield the rules that judge each community, and whether this one fulfils them."""
    rows = {} if found["audit"] is None else {row["rule"]: row for row in reversed(found["audit"]["rules"])}
    for rule, readings in found["fulfils"].items():
        mine = {reading: yes[community] for reading, yes in readings.items() if community in yes}
        if mine:
            row = rows.get(rule, {})
            told = {key: row.get(key, "") for key in ("indicator", "indicator_en", "clause", "document")}
            yield {"rule": rule, **told, "fulfils": mine}
