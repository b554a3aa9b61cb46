"""Facilities and floor area for so many people: one facility for each N residents, m² for 1000 of them.

With ``P`` people, ``n`` facilities and ``N`` people for each: ``ceil(P / N)`` are owed, so that none serves more
people than printed, or ``floor(P / N)``, one each time the number is reached. Of a range ``N1`` to ``N2`` the upper
end decides. Floor area for 1000 is ``1000 A / P``; of a range the lower end is owed, and more is allowed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from siting.judge.indicators.comparison import floor, holds, ratio
from siting.judge.indicators.estate_duties import facilities_for_people
from siting.judge.indicators.finding import Finding, indicator, number, share_of_units, without
from siting.judge.layers.context import Context
from siting.judge.layers.rule_columns import Missing, counted
from siting.judge.standards.applies_to import COMMUNITIES, DISTRICTS, LEVELS
from siting.judge.standards.rule import Rule

__all__ = ["area", "area_for_people", "one_for_people", "owed_for_people"]


@indicator("area_per_1000_residents")
def area_for_people(rule: Rule, context: Context) -> Iterator[Finding]:
    """Floor area, or land, for 1000 people: what is missing, in m²."""
    land = rule.unit == "m2_land_per_1000_residents"
    column = rule.column or (("land_area",) if land else ("floor_area",))
    base = rule.base or "population"
    there = context.amount(context.stock(rule), rule.layers[0], column)
    people = float(context.heads(base).sum())
    target = number(rule)
    values = {"stock": there, "column": column, "base": base, "people": people, "most": rule.value_max}
    yield Finding(
        value=1000 * ratio(there, people),
        target=target,
        unit=rule.unit,
        operator=floor(rule.operator),
        needed=round(max(0.0, target * people / 1000 - there), 6),  # rounding tolerance
        needs="land_m2" if land else "area_m2",
        basis=("audit.rate" if rule.value_max is None else "audit.rate_range", values),
    )


def owed_for_people(rule: Rule, people: pd.Series, reading: str) -> pd.Series:
    """Count the facilities that a number of people requires, in one of the two readings."""
    each = number(rule) if rule.value_max is None else rule.value_max
    return pd.Series(facilities_for_people(people, each, reading=reading), people.index)


@indicator("residents_per_facility")
def one_for_people(rule: Rule, context: Context) -> Iterator[Finding]:
    """One facility for each N people, of the whole area or of each of its townships or counties."""
    if rule.applies_to in COMMUNITIES:
        raise Missing("audit.no_unit", unit=rule.applies_to)
    base = rule.base or "population"
    heads = context.heads(base)
    of_districts = rule.applies_to in DISTRICTS and rule.applies_to != "prefecture"
    units = context.districts(rule.applies_to) if of_districts else None
    if units is None:
        people, had = pd.Series([heads.sum()]), pd.Series([len(context.stock(rule))])
    else:
        own = context.township("communities")
        own = own.map(context.parents) if rule.applies_to == "county" else own
        people = heads.groupby(own, observed=True).sum().reindex(units.index, fill_value=0)
        had = context.inside(rule, rule.layers[0], units).reindex(units.index, fill_value=0)
    readings = {reading: owed_for_people(rule, people, reading) for reading in ("ceil", "floor")}
    owed = readings[rule.reading or "ceil"]
    lacks = (owed - had).clip(lower=0)
    values = {
        "people": float(people.sum()), "base": base, "each": number(rule) if rule.value_max is None else rule.value_max,
        "ceil": int(readings["ceil"].sum()), "floor": int(readings["floor"].sum()), "there": int(had.sum()),
        "units": len(people), "fulfil": int((lacks <= 0).sum()), "of": LEVELS.get(rule.applies_to, "districts"),
    }  # fmt: skip
    found = Finding(
        value=math.nan if not owed.any() else float((had if units is None else had.clip(upper=owed)).sum()),
        target=float(owed.sum()),
        unit="facilities",
        needed=float(lacks.sum()),
        needs="facilities",
        basis=("audit.one_each" if units is None else "audit.one_each_unit", values),
    )
    if units is not None:
        found = replace(found, reason=without(units, (lacks > 0).to_numpy(bool), "audit.lack"), units=lacks <= 0)
    yield found


@indicator("facility_area")
def area(rule: Rule, context: Context) -> Iterator[Finding]:
    """Share of the facilities that are as large as printed; of a range the lower end, and how many are above it."""
    layer, frame = rule.layers[0], context.stock(rule)
    name = rule.column[0] if rule.column else "floor_area"
    if not len(frame):
        yield Finding(math.nan, 100.0, "percent", needed=math.nan, reason=("audit.no_facilities", {"layer": layer}))
        return
    size = counted(context.column(layer, name)[frame.index], layer)
    operator = ">=" if rule.operator == "range" else rule.operator
    fits = pd.Series([holds(own, operator, number(rule)) for own in size], size.index)
    lack = without(frame, ~fits.to_numpy(bool), "audit.lack")
    found = share_of_units(rule, fits, rule.facility_types or layer, target=100.0, operator=">=", reason=lack)
    above = 0 if rule.value_max is None else int((size > rule.value_max).sum())
    values = {**found.basis[1], "least": float(size.min()), "largest": float(size.max()), "above": above,
              "most": rule.value_max}  # fmt: skip
    yield replace(found, basis=("audit.sizes" if rule.value_max is None else "audit.sizes_range", values))
