"""`audit`: every rule that the layers allow, with value, target, gap, what is needed, and the clause."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from numbers import Integral
from typing import Any

import geopandas as gpd
import pandas as pd

from siting.data import check_extent
from siting.errors import LayerError, SitingError, StandardError, some
from siting.judge.audit_result import COLUMNS, PRINTED, Audit
from siting.judge.indicators import takes_share
from siting.judge.indicators.clause import findings, status_of
from siting.judge.indicators.finding import Finding
from siting.judge.layers.columns import Missing
from siting.judge.layers.context import Context
from siting.judge.layers.scope import LARGE, people_of, share_of_whole, sized
from siting.judge.layers.uncounted_types import (
    closed_here,
    excluded,
    set_apart_of,
    tell_unheard,
    tell_unknown,
    uncounted,
    uncounted_here,
)
from siting.judge.standards.keys import JUDGED
from siting.judge.standards.rule import Rule
from siting.judge.standards.standard import Standard
from siting.judge.standards.units_of_measure import DIGITS, apart
from siting.judge.standards.years import due, later
from siting.judge.statuses import NOT_JUDGED
from siting.judge.wording.printed_numbers import conditions_of, line_of, printed_number
from siting.judge.wording.sentences import NO_MESSAGE, Message, sentence
from siting.labels import label
from siting.measure.services import PEOPLE, walker
from siting.network import Network, Walk
from siting.share import share_from

__all__ = ["audit"]

logger = logging.getLogger(__name__)

TYPES: dict[str, Any] = {
    "year": "Int64",
    "value": float,
    "straight": float,
    "target": float,
    "gap": float,
    "needed": float,
}


def audit(
    standard: Standard,
    layers: Mapping[str, gpd.GeoDataFrame],
    *,
    network: Network | None = None,
    year: int | None = None,
    by: str | None = None,
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
        The year of the verdict. Standing rules are judged, and of each series of targets the last that is due by then;
        a target of an earlier year that none replaced stays. Targets of later years are "ahead" until they are reached.
        Without it all targets are judged as if they were due.
    by
        "district" or "county": judge each of them too, after the whole. Their communities walk wherever they like;
        stock and people are those inside. What lies in no district is told in the log and in `parameters`.
    walk
        Who walks to the services, for circles in minutes: one for all, or by service. By default a carer with a child
        to childcare, an elder to elder care, an adult elsewhere.
    shares
        For rules that print no share, by rule id, from 0 to 1 (0.9 is 90 %); a rule that has none is not judged.
    beside
        Walk in metres within which a facility counts as an estate's or park's own, or as a neighbour.
    max_snap
        Longest way from a place to a street, metres.
    household_size
        People in a household, for communities of which only the households are known.
    scope
        How much of the document's area the layers are: "whole", "part", or a share above 0 and up to 1. Numbers that
        are for the whole (170 centres) are judged for the whole, scaled for a share, and only shown for a part.
        By default it is the whole, unless the people in the layers and those that the document is for are more than 3
        times apart, which is told in the log. What was taken stands in `parameters`.

    Returns
    -------
    Audit
        `table` columns: `rule`, `service`, `indicator`, `indicator_en`, `unit`, `area` ("all", or the id of a
        district), `area_name`, `metric` (streets or empty), `value`, `straight` (the value as the crow flies, to
        compare), `operator`, `target`, `target_max` (of a range), `year`, `gap` (how far the value is from the target,
        in `gap_unit`: that of the value, percentage points for percent), `needed` and `needs` (how many of what are
        still missing: people, communities, places, …; what rules of one clause need together stands at one of them),
        `status` ("met", "part": met as far as counted, "short", "ahead": of a later year and not reached yet, "shown":
        not judged, "no_data", "no_number", "not_applicable"), `reason` (why there is no verdict, or what would
        close the gap) and `basis` (what was counted), each also in English (`reason_en`, `basis_en`), `modal`
        (the words of force: 不少于, 鼓励, …), `note` (how an ambiguity of the document is read; `note_en`),
        `clause`, `document`. What districts need is rounded up in each, so it can add up to more than the whole
        needs.

    Raises
    ------
    StandardError
        When a share is given for a rule that is not there or prints its own, or is no share, or *walk* names a
        service that is not there.
    LayerError
        When ids stand twice, or a number that a rule needs is blank, negative or a text in some rows.
    SitingError
        When *by* is neither, or there are no districts to judge by; when *scope* is none of these.

    Examples
    --------
    >>> import siting as st
    >>> town = st.load_sample()
    >>> judged = st.audit(st.load_standard("jinhua"), town, year=2025)
    >>> sorted(judged.select(status="n/a").table["status"].unique())
    ['no_data', 'no_number']
    """
    if not isinstance(standard, Standard):
        raise StandardError(f"audit takes a Standard; load one with load_standard({str(standard)!r})")
    given = {rule: share_from(share, f'shares: "{rule}"', StandardError) for rule, share in (shares or {}).items()}
    for name, frame in layers.items():
        if not frame.index.is_unique:
            raise LayerError(name, f"ids stand twice: {some(frame.index[frame.index.duplicated()].unique())}")
        if isinstance(frame, gpd.GeoDataFrame) and frame.active_geometry_name:
            check_extent(frame, name)
    _check(standard, layers, given, walk)
    _check_settings(year, walk, beside, household_size)
    plain = {name: _plain(frame) for name, frame in layers.items()}
    context = Context(plain, network, walk, given, beside, max_snap, standard.whole or standard.rules, household_size,
                      year=year, own=standard.own)  # fmt: skip
    judged, printed = _judged(standard, year, given), _printed(standard, year)
    theirs = (rule for rule in (*judged, *printed) if rule.id not in standard.own)
    large = any(sized(part) for rule in theirs for part in rule.clause_parts)
    people = people_of(standard, context) if large else {}
    context = replace(context, share_of_whole=share_of_whole(scope, people, standard.name))
    left_out = uncounted(context, [part for rule in (*judged, *printed) for part in rule.clause_parts])
    tell_unheard(context, [*judged, *printed])
    found = {rule: findings(rule, context) for rule in judged}
    rows = [_row(standard, rule, one, context) for rule, each in found.items() for one in each]
    for area in _areas(context, by):
        rows += [_row(standard, rule, one, area) for rule in judged for one in findings(rule, area)]
    figures = [
        _figure(rule, _row(standard, rule, one, context), whole=_compared(rule, context, people, scope))
        for rule in printed
        for one in findings(rule, context)
    ]
    return Audit(
        pd.DataFrame(rows, columns=COLUMNS).astype(TYPES),
        standard.name,
        year,
        {
            **_parameters(standard, context, by, year),
            "layers": {name: frame.attrs["source"] for name, frame in layers.items() if "source" in frame.attrs},
            **_scope(context, people),
            "uncounted": tell_unknown(left_out),
            "apart": set_apart_of(context, judged),
        },
        pd.DataFrame(figures, columns=[*COLUMNS, *PRINTED]).astype(TYPES),
        {rule.id: _units(each) for rule, each in found.items() if each[0].units is not None},
        left_out,
    )


def _plain(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Leave out what is written beside a layer, which pandas would copy with every selection of rows."""
    bare = frame.copy(deep=False)
    bare.attrs = {}
    return bare


def _units(found: list[Finding]) -> pd.DataFrame:
    """Set the readings of a rule side by side; people and communities of one circle are one reading."""
    readings = {f"{one.basis[1].get('limit', 0):g}": one.units for one in found if one.units is not None}
    alone = len(readings) == 1
    return pd.DataFrame({"fulfils" if alone else f"fulfils_{limit}": marks for limit, marks in readings.items()})


def _check(standard: Standard, layers: Mapping[str, gpd.GeoDataFrame], given: Mapping[str, float],
           walk: Walk | Mapping[str, Walk] | None) -> None:  # fmt: skip
    unknown = set(given) - {rule.id for rule in standard}
    if unknown:
        raise StandardError(f"shares are given for rules that are not there: {some(sorted(unknown))}")
    printed = [rule.id for rule in standard if rule.id in given and not takes_share(rule)]
    if printed:
        raise StandardError(f"shares are given for rules that print their own number: {some(printed)}")
    if isinstance(walk, Mapping):
        strange = set(walk) - {rule.service for rule in standard} - set(layers) - set(PEOPLE)
        if strange:
            raise StandardError(f"walk names services that are not there: {some(sorted(strange))}")


def _check_settings(year: object, walk: object, beside: float, household_size: float | None) -> None:
    if year is not None and not (isinstance(year, Integral) and 1900 < int(year) < 2200):
        raise SitingError(f"year is {year!r}; give a year such as 2025")
    walkers = walk.values() if isinstance(walk, Mapping) else [walk]
    if not all(one is None or isinstance(one, Walk) for one in walkers):
        raise SitingError(f"walk is {walk!r}; give a Walk, such as Walk.elder(), or one for each service")
    for name, number in (("beside", beside), ("household_size", household_size)):
        if number is not None and not number > 0:
            raise SitingError(f"{name} is {number!r}; it must be above 0")


def _areas(context: Context, by: str | None) -> list[Context]:
    if by is None:
        return []
    if by not in ("district", "county"):
        raise SitingError(f'by is "{by}"; choose "district" or "county"')
    try:
        found = list(context.areas(by))
        if not found:
            raise Missing("audit.no_layer", layer="districts")
        return found
    except Missing as absent:
        raise SitingError(f'by="{by}": {sentence((absent.key, absent.values), "en")}') from None


def _judged(standard: Standard, year: int | None, given: Mapping[str, float]) -> list[Rule]:
    """Keep the rules to judge, in the order of the document: those that hold in the year, and those that lie ahead."""
    kept = set(standard) if year is None else {*due(standard, year, given), *later(standard, year)}
    return [rule for rule in standard if rule in kept and rule.role in JUDGED]


def _printed(standard: Standard, year: int | None) -> list[Rule]:
    """Keep what the document prints without asking for it: its figures up to the year, and its directions."""
    return [
        rule
        for rule in standard
        if rule.role not in JUDGED and (year is None or rule.year is None or rule.year <= year)
    ]


def _compared(rule: Rule, context: Context, people: Mapping[str, float], scope: str | float | None) -> bool:
    """Tell whether a printed number is for the same area as the layers, or no matter of areas."""
    large = scope is None and not people and rule.applies_to in LARGE
    return not sized(rule) or rule.id in context.own or (context.share_of_whole == 1 and not large)


def _scope(context: Context, people: Mapping[str, float]) -> dict[str, Any]:
    share = context.share_of_whole
    return {"scope": {None: "part", 1.0: "whole"}.get(share, share), "people": dict(people)}


def _figure(rule: Rule, row: dict[str, Any], *, whole: bool) -> dict[str, Any]:
    printed = math.nan if rule.value is None or row["unit"] != rule.unit or not whole else rule.value
    none = math.isnan(row["value"])
    why: Message = ("", {}) if whole else ("audit.scope_only", {})
    alike = math.nan if rule.value is None else rule.value
    return {
        **row,
        "operator": rule.operator,
        "target": math.nan,
        "status": row["status"] if none else "shown",
        "gap": math.nan,
        "needed": math.nan,
        "reason": row["reason"] if none else sentence(why, "zh"),
        "reason_en": row["reason_en"] if none else sentence(why, "en"),
        "printed": alike,
        "printed_max": math.nan if rule.value_max is None else rule.value_max,
        "printed_unit": rule.unit,
        "difference": round(row["value"] - printed, DIGITS),
        "difference_unit": apart(row["unit"]),
        "says": line_of(rule),
        "says_en": rule.says,
    }


def _row(standard: Standard, rule: Rule, finding: Finding, context: Context) -> dict[str, Any]:
    value, target = round(finding.value, DIGITS), round(finding.target, DIGITS)
    most = round(finding.most, DIGITS)
    status = status_of(rule, finding, context.year)
    short = status in ("short", "ahead")
    judged = short or status in ("met", "part")
    numbers = (_printed_number(rule, finding) if rule.role in JUDGED else NO_MESSAGE, conditions_of(rule))
    left_out = (
        excluded(rule),
        uncounted_here(rule, context),
        closed_here(rule, context) if finding.metric else NO_MESSAGE,
    )
    other_year = rule.role in JUDGED and rule.year is not None and context.year not in (None, rule.year)
    of_year: Message = ("audit.of_year", {"year": f"{rule.year}"}) if other_year else ("", {})
    beside = (*numbers, *left_out, of_year)
    # What is too much by a rule that sets a ceiling is not "needed".
    needed = finding.needed if finding.operator in (">=", ">", "=") else math.nan
    # Without a reason of its own a value is missing because there is nothing to divide by, which the basis tells.
    reason = finding.basis if status in NOT_JUDGED and not finding.reason[0] else finding.reason
    return {
        "rule": rule.id,
        "service": rule.service,
        "indicator": rule.indicator_zh,
        "indicator_en": rule.indicator_en,
        "unit": finding.unit,
        "area": context.area,
        "area_name": context.area_name,
        "metric": finding.metric,
        "value": value,
        "straight": round(finding.straight, DIGITS),
        "operator": finding.operator,
        "target": target,
        "target_max": most,
        "year": rule.year,
        "gap": round(abs((most if value > most else target) - value), DIGITS)
        if short
        else (0.0 if judged else math.nan),
        "gap_unit": apart(finding.unit),
        "needed": needed if short else (0.0 if judged else math.nan),
        "needs": finding.needs,
        "status": status,
        "reason": sentence(reason, "zh"),
        "reason_en": sentence(reason, "en"),
        **{f"basis{end}": _basis(finding, beside, lang) for end, lang in (("", "zh"), ("_en", "en"))},
        "modal": rule.modal,
        "note": rule.note_zh or rule.note,
        "note_en": rule.note or rule.note_zh,
        "clause": rule.clause,
        "document": standard.title(rule),
    }


def _printed_number(rule: Rule, finding: Finding) -> Message:
    """Return the number as printed, such as 15 m² per 100 households beside the m² that an estate owes.

    Nothing where the target is that number, or the basis says it already, as for circles and subsidies.
    """
    shown = rule.unit in ("", finding.unit) and round(finding.target, DIGITS) == rule.value
    if rule.value is None or shown or {"limit", "each"} & set(finding.basis[1]):
        return NO_MESSAGE
    return ("audit.printed", printed_number(rule))


def _basis(finding: Finding, more: Iterable[Message], lang: str) -> str:
    """Say what was counted, judged instead or not looked at, by which printed numbers, and what was left out."""
    told = (sentence(words, lang) for words in (finding.basis, *finding.remarks, *more))
    return label("list.semicolon", lang).join(filter(None, told))


def _parameters(standard: Standard, context: Context, by: str | None, year: int | None) -> dict[str, Any]:
    services = sorted({rule.service for rule in standard} & set(context.layers))
    walks = {service: walker(service, context.walk) for service in services}
    return {
        "walk": walks,
        "shares": dict(context.shares),
        "beside": context.beside,
        "max_snap": context.max_snap,
        "household_size": context.household_size,
        "changes": {name: dict(change) for name, change in standard.changes.items()},
        "assumption": _assumption(context, year),
        "outside": {} if by is None else _outside(context),
    }


def _outside(context: Context) -> dict[str, int]:
    """Count the rows of each layer that lie in no district: they are in the whole, and in none of its parts."""
    counts = {name: int(where.isna().sum()) for name, where in context.townships().items()}
    found = {name: count for name, count in counts.items() if count}
    for name, count in found.items():
        logger.warning("%s: %d rows lie in no district; they count for the whole and for no part of it", name, count)
    return found


def _assumption(context: Context, year: int | None) -> str | None:
    """Return what the communities were forecast by, and tell when their year is not that of the rules."""
    frame = context.layers.get("communities", pd.DataFrame())
    if "assumption" not in frame or not len(frame):
        return None
    if year is not None and "year" in frame and (frame["year"] != year).any():
        logger.warning("communities are those of %s, the rules those of %s", frame["year"].iloc[0], year)
    return str(frame["assumption"].iloc[0])
