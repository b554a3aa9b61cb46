"""`audit`: each computable rule with value, target, gap, need and clause."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from numbers import Integral
from typing import Any, cast

import geopandas as gpd
import pandas as pd

from siting.data import check_extent
from siting.errors import LayerError, SitingError, StandardError
from siting.judge.audit_result import COLUMNS, PRINTED, Audit
from siting.judge.audit_rows import figure_of, row_of
from siting.judge.indicators import takes_share
from siting.judge.indicators.clause import findings
from siting.judge.indicators.finding import Finding
from siting.judge.layers.context import Context
from siting.judge.layers.document_share import LARGE, people_of, share_of_whole, sized
from siting.judge.layers.rule_columns import Missing
from siting.judge.layers.uncounted_types import set_apart_of, uncounted, warn_of_unknown, warn_of_unused
from siting.judge.standards.keys import JUDGED
from siting.judge.standards.rule import Rule
from siting.judge.standards.standard import Standard, refuse_other
from siting.judge.standards.years import due, later
from siting.judge.wording.sentences import sentence
from siting.labels import LANGUAGES
from siting.limits import metres_of
from siting.measure.services import PEOPLE, walker
from siting.messages import Message
from siting.network import Network, Walk
from siting.read_share import share_from

__all__ = ["audit"]

logger = logging.getLogger(__name__)

TYPES: dict[str, Any] = {"year": "Int64", **dict.fromkeys(("value", "straight", "target", "gap", "needed"), float)}


def audit(
    standard: Standard,
    layers: Mapping[str, gpd.GeoDataFrame],
    *,
    network: Network | None = None,
    year: int | None = None,
    by: str | pd.Series | None = None,
    walk: Walk | Mapping[str, Walk] | None = None,
    shares: Mapping[str, float] | None = None,
    beside: float = 300.0,
    max_snap: float = 250.0,
    household_size: float | None = None,
    scope: str | float | None = None,
) -> Audit:
    """Judge layers by a standard.

    Parameters
    ----------
    standard
        From `load_standard`.
    layers
        Layers by role: communities, districts, and one for each service.
    network
        Streets, for rules of distance.
    year
        The year of the verdict. Standing rules are judged, and the last target of each series that is due by then.
        Targets of later years are "ahead" until they are reached. Without it all targets are judged as due.
    by
        Judge parts of the area too, after the whole: each "district", each "county", or each group of townships in a
        column of the districts, or in a Series (index: ids of districts). Communities may walk across borders;
        stock and people are those inside. Rows in no part are reported in the log and in `parameters`.
    walk
        The walker for circles in minutes: one for all, or by service. Default: a carer with a child for childcare, an
        elder for elder care, else an adult.
    shares
        Shares for rules that print none, by rule id, from 0 to 1 (0.9 is 90 %); a rule without a share is not judged.
    beside
        Walking distance in metres within which a facility counts as an estate's or park's own, or as a neighbour.
    max_snap
        Longest distance from a place to a street, metres.
    household_size
        People per household, for communities with households only.
    scope
        How much of the document's area the layers cover: "whole", "part", or a share above 0 and up to 1. Numbers
        for the whole area (170 centres) are judged for the whole, scaled for a share, and only shown for a part.
        Default: the whole, unless the people of the layers and of the document differ more than 3 times, which is
        logged. The choice is in `parameters`.

    Returns
    -------
    Audit
        `table` columns: `rule`, `service`, `indicator`, `indicator_en`, `unit`, `area` ("all", or the id of a
        district), `area_name`, `metric` (streets or empty), `value`, `straight` (the value by straight lines, to
        compare), `operator`, `target`, `target_max` (of a range), `year`, `gap` (how far the value is from the target,
        in `gap_unit`: that of the value, percentage points for percent), `needed` and `needs` (number and kind of what
        is missing: people, communities, places, …; a joint need of several rules of a clause is given once), `status`
        ("met", "part": met as far as counted, "short", "ahead": of a later year and not reached yet, "shown": not
        judged, "no_data", "no_number", "not_applicable"), `reason` (why there is no verdict, or how to close the gap)
        and `basis` (what was counted), each also in English (`reason_en`, `basis_en`), `modal` (the words of
        obligation: 不少于, 鼓励, …), `note` (how an ambiguity of the document is read; `note_en`), `clause`,
        `document`. Needs of districts are rounded up in each, so their sum can exceed that of the whole.

    Raises
    ------
    StandardError
        When a share is invalid, or given for a rule that is unknown or has its own, or *walk* names an unknown service.
    LayerError
        When ids are not unique, or a number that a rule needs is blank, negative or text in some rows.
    SitingError
        When *by* or *scope* is invalid, or there are no districts to judge by.

    Examples
    --------
    >>> import siting as st
    >>> town = st.load_sample()
    >>> judged = st.audit(st.load_standard("jinhua"), town, year=2025)
    >>> sorted(judged.select(status="n/a").table["status"].unique())
    ['no_data', 'no_number']
    """
    refuse_other(standard, "audit")
    given = {
        rule: share_from(share, Message("verdict.shares_of", rule=rule), StandardError)
        for rule, share in (shares or {}).items()
    }
    for name, frame in layers.items():
        if not frame.index.is_unique:
            twice = frame.index[frame.index.duplicated()].unique()
            raise LayerError(name, Message("cell.ids_twice", ids=twice))
        if isinstance(frame, gpd.GeoDataFrame) and frame.active_geometry_name:
            check_extent(frame, name)
    _check(standard, layers, given, walk)
    _check_settings(year, walk, beside, max_snap, household_size)
    plain = {name: frame.copy(deep=False) for name, frame in layers.items()}
    for bare in plain.values():
        bare.attrs = {}  # pandas would copy them with every selection of rows
    context = Context(plain, network, walk, given, beside, max_snap, standard.whole or standard.rules, household_size,
                      year=year, own=standard.own)  # fmt: skip
    judged, printed = _judged(standard, year, given), _printed(standard, year)
    parts = [part for rule in (*judged, *printed) for part in rule.clause_parts]
    people = people_of(standard, context) if any(sized(one) for one in parts if one.id not in standard.own) else {}
    context = replace(context, share_of_whole=share_of_whole(scope, people, standard.name))
    left_out = uncounted(context, parts)
    warn_of_unused(context, [*judged, *printed])
    found = {rule: findings(rule, context) for rule in judged}
    rows = [row_of(standard, rule, one, context) for rule, each in found.items() for one in each]
    for area in _areas(context, by):
        rows += [row_of(standard, rule, one, area) for rule in judged for one in findings(rule, area)]
    figures = [
        figure_of(standard, rule, one, context, same_area=_same_area(rule, context, people, scope))
        for rule in printed
        for one in findings(rule, context)
    ]
    parameters = {
        **_parameters(standard, context, by, year),
        "layers": {name: frame.attrs["source"] for name, frame in layers.items() if "source" in frame.attrs},
        "scope": {None: "part", 1.0: "whole"}.get(context.share_of_whole, context.share_of_whole),
        "people": dict(people),
        "uncounted": warn_of_unknown(left_out),
        "apart": set_apart_of(context, judged),
    }
    return Audit(
        pd.DataFrame(rows, columns=COLUMNS).astype(TYPES),
        standard.name,
        year,
        parameters,
        pd.DataFrame(figures, columns=[*COLUMNS, *PRINTED]).astype(TYPES),
        {rule.id: _units(each) for rule, each in found.items() if each[0].units is not None},
        left_out,
    )


def _units(found: list[Finding]) -> pd.DataFrame:
    """Join the readings of a rule as columns; people and communities of one circle are one reading."""
    readings = {f"{one.basis[1].get('limit', 0):g}": one.units for one in found if one.units is not None}
    alone = len(readings) == 1
    return pd.DataFrame({"fulfils" if alone else f"fulfils_{limit}": marks for limit, marks in readings.items()})


def _check(standard: Standard, layers: Mapping[str, gpd.GeoDataFrame], given: Mapping[str, float],
           walk: Walk | Mapping[str, Walk] | None) -> None:  # fmt: skip
    unknown = set(given) - {rule.id for rule in standard}
    if unknown:
        raise StandardError(Message("verdict.shares_unknown", ids=sorted(unknown)))
    printed = [rule.id for rule in standard if rule.id in given and not takes_share(rule)]
    if printed:
        raise StandardError(Message("verdict.shares_printed", ids=printed))
    if isinstance(walk, Mapping):
        strange = set(walk) - {rule.service for rule in standard} - set(layers) - set(PEOPLE)
        if strange:
            raise StandardError(Message("verdict.walk_unknown", ids=sorted(strange)))


def _check_settings(year: object, walk: object, beside: float, max_snap: float, household_size: float | None) -> None:
    if year is not None and not (isinstance(year, Integral) and 1900 < int(year) < 2200):
        raise SitingError(Message("verdict.year", value=year))
    walkers = walk.values() if isinstance(walk, Mapping) else [walk]
    if not all(one is None or isinstance(one, Walk) for one in walkers):
        raise SitingError(Message("verdict.walk", value=walk))
    metres_of(beside, "beside", error=SitingError)
    metres_of(max_snap, "max_snap", endless=True, error=SitingError)
    if household_size is not None and not 0 < household_size < 100:
        raise SitingError(Message("verdict.household_size", value=household_size))


def _areas(context: Context, by: str | pd.Series | None) -> list[Context]:
    """Return the context of each part of the area."""
    if by is None:
        return []
    name = by if isinstance(by, str) else "groups"
    try:
        found = list(context.areas(name, _groups(context, by)))
        if not found:
            raise Missing("audit.no_layer", layer="districts")
        return found
    except Missing as absent:
        why = Message("data.word", **{lang: sentence(absent.message, lang) for lang in LANGUAGES})
        raise SitingError(Message("verdict.by_absent", by=name, why=why)) from None


def _groups(context: Context, by: str | pd.Series) -> pd.Series:
    """Return the group of each township."""
    districts, towns = context.layer("districts"), context.districts("township").index
    if isinstance(by, pd.Series):
        lost = by.index.difference(districts.index)
        if len(lost):
            raise SitingError(Message("verdict.by_lost", ids=lost))
        if not by.index.is_unique:
            raise SitingError(Message("verdict.by_twice", ids=by.index[by.index.duplicated()]))
        return by.reindex(towns)
    if by in ("district", "county"):
        return context.parents if by == "county" else pd.Series(towns, towns)
    if by not in districts or by == districts.geometry.name:
        raise SitingError(Message("verdict.by_unknown", value=by))
    return cast(pd.Series, districts[by].reindex(towns))


def _judged(standard: Standard, year: int | None, given: Mapping[str, float]) -> list[Rule]:
    """Keep the rules to judge, in the order of the document: those of the year, and later ones."""
    kept = set(standard) if year is None else {*due(standard, year, given), *later(standard, year)}
    return [rule for rule in standard if rule in kept and rule.role in JUDGED]


def _printed(standard: Standard, year: int | None) -> list[Rule]:
    """Keep the document's figures up to the year and its directions, which are not judged."""
    shown = (rule for rule in standard if rule.role not in JUDGED)
    return [rule for rule in shown if year is None or rule.year is None or rule.year <= year]


def _same_area(rule: Rule, context: Context, people: Mapping[str, float], scope: str | float | None) -> bool:
    """Return whether a printed number is for the area of the layers, or independent of the area."""
    large = scope is None and not people and rule.applies_to in LARGE
    return not sized(rule) or rule.id in context.own or (context.share_of_whole == 1 and not large)


def _parameters(standard: Standard, context: Context, by: object, year: int | None) -> dict[str, Any]:
    services = sorted({rule.service for rule in standard} & set(context.layers))
    return {
        "walk": {service: walker(service, context.walk) for service in services},
        "shares": dict(context.shares),
        "beside": context.beside,
        "max_snap": context.max_snap,
        "household_size": context.household_size,
        "changes": {name: dict(change) for name, change in standard.changes.items()},
        "assumption": _assumption(context, year),
        "outside": {} if by is None else _outside(context),
    }


def _outside(context: Context) -> dict[str, int]:
    """Count the rows of each layer in no district: they are in the whole, and in none of its parts."""
    counts = {name: int(where.isna().sum()) for name, where in context.townships().items()}
    found = {name: count for name, count in counts.items() if count}
    for name, count in found.items():
        logger.warning(Message("verdict.outside", layer=name, n=count))
    return found


def _assumption(context: Context, year: int | None) -> str | None:
    """Return what the communities were forecast by, and warn when their year is not that of the rules."""
    frame = context.layers.get("communities", pd.DataFrame())
    if "assumption" not in frame or not len(frame):
        return None
    if year is not None and "year" in frame and (frame["year"] != year).any():
        logger.warning(Message("verdict.other_year", year=frame["year"].iloc[0], rules=year))
    return str(frame["assumption"].iloc[0])
