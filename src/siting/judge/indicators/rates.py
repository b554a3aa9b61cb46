"""Rates of stocks per person, and shares of stocks.

With P residents, E people of 60 and over, K children under 3, q a stock (places, beds, facilities) and t the target:

- per 1000, 10,000, … heads: ``1000 q / P``; needed ``ceil(t P / 1000) - q``
- part x of a stock T: ``x / T``; converting needs ``ceil(t T) - x``, adding only such ones
  ``ceil((t T - x) / (1 - t))``
- use: ``enrolled / places``, ``occupied / beds``; children enrolled of all children
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from siting.judge.indicators.comparison import floor, lacking, least, ratio
from siting.judge.indicators.estates import owing
from siting.judge.indicators.finding import (
    Finding,
    indicator,
    number,
    percent,
    share_of_units,
    shown,
    units_message,
    without,
)
from siting.judge.layers.context import Context
from siting.judge.layers.judged_units import unit_of
from siting.judge.layers.rule_columns import Missing, matches
from siting.judge.standards.applies_to import ESTATES
from siting.judge.standards.rule import Rule
from siting.judge.standards.units_of_measure import UNITS
from siting.judge.wording.sentences import NO_SENTENCE, Sentence

__all__ = ["BASES", "composition", "demand", "figure", "land", "rate", "rate_of_staff", "use"]

#: The default base of a rate, by kind.
BASES = {
    "places_per_1000_residents": ("places", "population"),
    "beds_per_1000_elderly": ("beds", "elderly"),
    "ratio_per_10000_elderly": ("", "elderly"),
    "ratio_per_1000_infants": ("", "infants"),
    "staff_ratio": ("", "population"),
    "provision_land_per_capita": ("land_area", "population"),
}


@indicator("places_per_1000_residents", "beds_per_1000_elderly", "ratio_per_10000_elderly", "ratio_per_1000_infants")
def rate(rule: Rule, context: Context) -> Iterator[Finding]:
    """Places, beds, staff or facilities for 1000 or 10,000 people; for estates, what each owes."""
    column, base = BASES[rule.kind]
    column = "school_places" if UNITS[rule.unit].counts == "school_places" else column
    columns = rule.column or ((column,) if column else ())
    yield owing(rule, context) if rule.applies_to in ESTATES else _rate(rule, context, columns, rule.base or base)


@indicator("staff_ratio")
def rate_of_staff(rule: Rule, context: Context) -> Iterator[Finding]:
    """Staff per people; or the share of the staff that is certified, trained or senior."""
    if rule.unit != "percent":
        yield _rate(rule, context, rule.column, rule.base or "population")
    elif rule.applies_to == "institution":
        yield _staff_of_each(rule, context)
    else:
        yield _share(rule, context, rule.of or "staff", "audit.train")


def _staff_of_each(rule: Rule, context: Context) -> Finding:
    """Judge the staff of each institution: the least share, and those that fall short. Without staff none counts."""
    if not rule.column:
        raise Missing("audit.no_column_named")
    layer, frame = rule.layers[0], context.stock(rule)
    of = rule.of or "staff"
    part, total = (context.numbers(layer, name)[frame.index] for name in (rule.column[0], of))
    part, total = part[total > 0], total[total > 0]
    lacks = pd.Series([lacking(number(rule) / 100 * n, rule.operator, there)
                       for n, there in zip(total, part, strict=True)], total.index, dtype=float)  # fmt: skip
    return Finding(
        value=float((100 * part / total).min()) if len(total) else math.nan,
        target=number(rule),
        unit="percent",
        operator=floor(rule.operator),
        needed=float(lacks.sum()),
        needs=rule.column[0],
        basis=units_message((lacks <= 0).sum(), len(total), rule.facility_types or layer),
        reason=without(frame.loc[total.index], (lacks > 0).to_numpy(bool), "audit.lack"),
        units=lacks <= 0,
    )


def _rate(rule: Rule, context: Context, column: tuple[str, ...], base: str) -> Finding:
    if not column and (rule.kind == "staff_ratio" or UNITS[rule.unit].counts in ("persons", "beds")):
        raise Missing("audit.no_column_named")  # facilities are neither staff nor beds
    factor = UNITS[rule.unit].per if rule.unit else 10_000 if "10000" in rule.kind else 1000
    layer = rule.layers[0]
    stock = context.amount(context.stock(rule), layer, column)
    people = float(context.heads(base).sum())
    target = number(rule)
    counted = column or rule.facility_types or ("facilities",)
    return Finding(
        value=factor * ratio(stock, people),
        target=target,
        unit=rule.unit,
        operator=floor(rule.operator),
        needed=lacking(target * people / factor, rule.operator, stock),
        needs=column[0] if column else "facilities",
        basis=("audit.rate", {"stock": stock, "column": counted, "base": base, "people": people}),
    )


@indicator("provision_land_per_capita")
def land(rule: Rule, context: Context) -> Iterator[Finding]:
    """Land of the facilities for each resident; what is missing, in m²."""
    base = rule.base or "population"
    found = _rate(rule, context, rule.column or ("land_area",), base)
    lacks = round(max(0.0, (found.target - found.value) * float(context.heads(base).sum())), 6)  # rounding tolerance
    yield replace(found, operator=">=", needed=lacks, needs="land_m2")


@indicator("composition_share")
def composition(rule: Rule, context: Context) -> Iterator[Finding]:
    """Share of a stock of one sort, with the need by converting and by adding; or share by a mark."""
    of = rule.of or ("beds" if rule.service == "eldercare" else "places")
    yield _by_mark(rule, context) if rule.part else _share(rule, context, of, "audit.convert")


def _share(rule: Rule, context: Context, of: str, reason: str) -> Finding:
    """Judge one column by another; *reason* is the message on how to close the gap, by converting and by adding."""
    if not rule.column:
        raise Missing("audit.no_column_named")
    layer, frame = rule.layers[0], context.stock(rule)
    part, total = context.amount(frame, layer, rule.column), context.amount(frame, layer, (of,))
    target = number(rule) / 100
    convert = lacking(target * total, rule.operator, part)
    add = math.nan if target >= 1 else max(0, least((target * total - part) / (1 - target), rule.operator))
    way: Sentence = NO_SENTENCE
    if convert > 0 and total > 0:
        values = {"convert": convert, "add": add, "column": rule.column, "of": of}
        way = (reason if math.isnan(add) else f"{reason}_or_add", values)
    return Finding(
        value=100 * ratio(part, total),
        target=100 * target,
        unit="percent",
        operator=rule.operator,
        needed=convert,
        needs=rule.column[0],
        basis=("audit.composition", {"part": part, "column": rule.column, "total": total, "of": of}),
        reason=way,
    )


def _marked(rule: Rule, marks: pd.Series) -> Finding:
    return replace(share_of_units(rule, marks, rule.facility_types or rule.layers[0]), units=None)


def _by_mark(rule: Rule, context: Context) -> Finding:
    """Share of the rows with a mark; with a column `year` that of the last year, and whether it rose each year."""
    layer, frame = rule.layers[0], context.stock(rule)
    marks = matches(frame, layer, rule.part)
    years = context.numbers(layer, "year")[frame.index] if "year" in frame else pd.Series(0, frame.index)
    part, total = marks.groupby(years).sum(), marks.groupby(years).size()
    if len(total) < 2:
        return _marked(rule, marks)
    rose = bool((part / total).diff().iloc[1:].gt(0).all())
    each = tuple(f"{year:.0f}: {part[year]:,}/{total[year]:,}" for year in total.index)
    basis = ("audit.rose" if rose else "audit.not_risen", {"years": each})
    return percent(rule, float(part.iloc[-1]), float(total.iloc[-1]), needs="facilities", basis=basis)


@indicator("utilisation_share")
def use(rule: Rule, context: Context) -> Iterator[Finding]:
    """Share of places or beds in use, of children enrolled, or of facilities that carry a mark."""
    layer, frame = rule.layers[0], context.stock(rule)
    if rule.part:
        yield _marked(rule, matches(frame, layer, rule.part))
        return
    if not rule.column or not (rule.of or rule.base):
        raise Missing("audit.no_column_named")
    used = context.amount(frame, layer, rule.column)
    of = rule.base or rule.of
    whole = float(context.heads(rule.base).sum()) if rule.base else context.amount(frame, layer, (rule.of,))
    basis: Sentence = ("audit.composition", {"part": used, "column": rule.column, "total": whole, "of": of})
    idle: Sentence = ("audit.idle", {"idle": whole - used, "of": of}) if not rule.base and whole > used else NO_SENTENCE
    yield percent(rule, used, whole, needs="persons", basis=basis, reason=idle)


@indicator("baseline_figure", "forecast_figure", "context_figure")
def figure(rule: Rule, context: Context) -> Iterator[Finding]:
    """Compute the value of the layers for a printed figure: a count, a sum, or a ratio of sums."""
    layer, frame = rule.layers[0], context.stock(rule)
    there = context.amount(frame, layer, rule.column)
    part_of = rule.of and rule.value is None  # without a printed number there is no unit: a part of a whole
    unit = rule.unit or ("percent" if part_of else "")
    target = math.nan if rule.value is None else rule.value
    homes = layer == "communities" and not rule.column
    columns = (context.things(rule),) if homes else rule.column or (layer,)
    basis: Sentence = ("audit.sum", {"stock": there, "column": columns})
    if rule.of:
        over, _, column = rule.of.rpartition(".")
        divided = context.layer(over) if over else frame
        total = context.amount(divided, over or layer, (column,))
        basis = ("audit.composition", {"part": there, "column": rule.column, "total": total, "of": column})
        value = ratio(there, total) * (100 if unit == "percent" else 1)
    else:
        value = there / UNITS[unit].factor
    if unit in UNITS and UNITS[unit].counts in ("year_of_birth", "years"):
        unit = "persons"  # the document prints years, the layers count people
    if homes:
        unit = unit_of(rule, context)
    yield Finding(value, target, unit, rule.operator, math.nan, basis=basis)


@indicator("demand_rate")
def demand(rule: Rule, context: Context) -> Iterator[Finding]:
    """Children of a printed share of demand."""
    base = (rule.column or ("infants",))[0]
    people = float(context.numbers("communities", base).sum())
    share = number(rule) * UNITS[rule.unit].factor
    basis = ("audit.wanted", {"people": people, "base": base, "share": 100 * share})
    yield shown(round(share * people, 6), "persons", basis)
