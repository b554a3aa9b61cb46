"""Shares of units that are covered, and numbers in each area.

``c / N`` of N units are covered; needed are ``ceil(t N) - c`` more. A district is covered when a counted facility lies
in it; a community when one stands beside it, or within the walk that the rule prints; with a mark, when it carries it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd

from siting.judge.indicators.comparison import floor, lacking
from siting.judge.indicators.estates import duty_of, owing, there
from siting.judge.indicators.finding import NEAR, ONE_BY_ONE, ROWS, WAY, Finding, indicator, number, percent, without
from siting.judge.layers.alternatives import countable
from siting.judge.layers.columns import Missing, filled, matches
from siting.judge.layers.context import Context
from siting.judge.layers.rollup import unit_of
from siting.judge.layers.service_areas import served_districts
from siting.judge.layers.uncounted_types import besides
from siting.judge.layers.walkers import beside
from siting.judge.standards.applies_to import COMMUNITIES, DISTRICTS
from siting.judge.standards.rule import Rule
from siting.judge.standards.units_of_measure import UNITS
from siting.judge.wording.sentences import NO_MESSAGE, Message, limits_of, unique

__all__ = ["count", "coverage_of_units", "each_area", "least_area"]


#: Units of numbers that are not of facilities, and not a column that is added up.
OTHERS = ("operators", "communities")
#: Units that a number can be of; those of `SUMS` are the sum of a column.
SUMS = ("places", "10k_places", "school_places", "10k_school_places", "beds", "10k_beds", "persons", "10k_persons",
        "10k_households", "m2")  # fmt: skip
COUNTS = ("", "facilities", "10k_facilities", "communities", "circles", "operators", *SUMS)
#: What the units of a level are called in the result.
LEVELS = {"subdistrict": "subdistricts", "county": "counties", "prefecture": "cities"}


def _walked(rule: Rule) -> bool:
    """Tell whether a rule, or one of the facilities that it names, prints a walk."""
    return any(one.minutes is not None or one.metres is not None for one in (rule, *rule.parts("any")))


def _coverage_idle(rule: Rule) -> tuple[str, ...]:
    """Tell which keys a share of coverage does not use, for what covers its units."""
    share = () if rule.value is None else ("share",)
    if rule.layers[0] == "communities":  # they carry a mark
        return (*share, *WAY, "any", "metres", "minutes", "meets", "covered_by")
    if rule.part or rule.layers[0] == "districts" or (rule.applies_to in DISTRICTS and not _walked(rule)):
        marked = rule.layers[0] == "districts"
        covered = () if rule.applies_to in DISTRICTS and not rule.part and not marked else ("covered_by", "any")
        return (*share, *NEAR, *WAY, "meets", "judged_by", *covered, *(ROWS[1:] if marked else ()))
    return (*share, *ROWS, *WAY, "any", "metres", "minutes", "covered_by") if rule.meets else share


@indicator(
    "coverage_share",
    keys=(*ROWS, *NEAR, *ONE_BY_ONE, *WAY, "any", "part", "share", "meets"),
    units=("percent", ""),
    idle=_coverage_idle,
)
def coverage_of_units(rule: Rule, context: Context) -> Iterator[Finding]:
    """Share of townships, communities, estates or facilities that are covered, and which are not."""
    target = np.nan if rule.value is None else rule.value
    if rule.value is None and rule.role in ("standard", "target"):
        target = 100 * context.share(rule)
    layer = rule.layers[0]
    if rule.part and layer not in ("communities", "districts"):
        frame = context.stock(rule)
        fulfil = matches(frame, layer, rule.part)
        names = rule.facility_types or layer
        basis = ("audit.units", {"part": int(fulfil.sum()), "total": len(frame), "of": names})
        yield percent(rule, int(fulfil.sum()), len(frame), needs="facilities", basis=basis, target=target, units=fulfil)
        return
    if (rule.applies_to in DISTRICTS and not _walked(rule)) or layer == "districts":
        units = context.districts(rule.applies_to)
        (fulfil, remarks), of = _in_districts(rule, context, units), LEVELS.get(rule.applies_to, "districts")
        others = {} if rule.part else besides(rule, context, units)
        basis = ("audit.units", {"part": int(fulfil.sum()), "total": len(units), "of": of})
        lack = without(units, ~fulfil.to_numpy(bool), besides=others)
        found = percent(
            rule, int(fulfil.sum()), len(units), needs="districts", basis=basis, target=target, units=fulfil
        )
        yield replace(found, reason=lack, remarks=remarks)
        return
    yield _communities(rule, context, target)


def _in_districts(rule: Rule, context: Context, units: gpd.GeoDataFrame) -> tuple[pd.Series, tuple[Message, ...]]:
    """Mark the districts with a facility of each layer in them, or that one serves where the rule asks for that."""
    if rule.part:
        return matches(units, "districts", rule.part), ()
    if rule.any:
        each = [_in_districts(one, context, units) for one in countable(rule, context.stock)[0]]
        marks = pd.Series(np.logical_or.reduce([marks for marks, _ in each]), units.index)
        return marks, unique(words for _, told in each for words in told)
    fulfil = pd.Series(True, units.index)
    remarks: list[Message] = []
    for layer in rule.layers:
        has = context.inside(rule, layer, units) > 0
        if rule.covered_by == "service_area":
            served, told = served_districts(rule, layer, context)
            has |= served.reindex(units.index, fill_value=False)
            remarks += told
        fulfil &= has
    return fulfil, tuple(remarks)


def _communities(rule: Rule, context: Context, target: float) -> Finding:
    if rule.applies_to not in (*COMMUNITIES, *DISTRICTS, "city", ""):
        raise Missing("audit.no_unit", unit=rule.applies_to)
    communities = context.layer("communities")
    ruled = context.ruled(rule)
    metric, lack = "", "audit.without"
    said: dict[str, object] = {"ruled": context.called(rule)}
    if rule.layers[0] == "communities":
        ruled &= context.counted(rule, "communities")
        fulfil, key = matches(communities, "communities", rule.part), "audit.marked"
        lack = "audit.lack"
    elif rule.meets:
        owed, has = _met_with(rule, context)
        ruled &= owed > 0
        fulfil = has >= owed
        key, metric, lack = "audit.fulfil", "streets", "audit.lack"
    else:
        fulfil = context.served(rule)
        key, metric = "audit.own", (rule.metric or "streets") if context.walks(rule) else ""
        said["walk"] = context.walk_of(rule)
        if rule.covered_by != "own":
            key, said = beside("audit.beside", rule, said)
    part, total, own = int((fulfil & ruled).sum()), int(ruled.sum()), limits_of(rule)
    basis: Message = (key, {"part": part, "total": total, **said})
    return percent(rule, part, total, needs=context.needs(rule), metric=metric, target=target, units=fulfil[ruled],
                   basis=("audit.own_limits", {"way": basis, "which": own}) if own else basis,
                   reason=without(communities, (ruled & ~fulfil).to_numpy(bool), lack))  # fmt: skip


def _met_with(rule: Rule, context: Context) -> tuple[pd.Series, pd.Series]:
    """Add up what each community owes by the rules that it must fulfil, and tell what it has of it.

    Each rule holds for the estates that it is for; what there is counts for all of them.
    """
    here = context.layer("communities").index
    owed, has = pd.Series(0.0, here), pd.Series(0.0, here)
    for name in rule.meets:
        asked = next((other for other in context.rules if other.id == name), None)
        if asked is None:
            raise Missing("audit.no_rule", rule=name)
        duty = duty_of(asked, context)
        owed = owed.add(duty.owed, fill_value=0.0)
        there_is = there(duty, context).reindex(here, fill_value=0.0)
        has = has.where(has > there_is, there_is)
    return owed[here], has


def _count_idle(rule: Rule) -> tuple[str, ...]:
    homes = rule.layers[0] == "communities"
    walked = () if _walked(rule) and not homes else (*NEAR, *WAY)
    return (*walked, *(() if homes and not rule.column else ("judged_by",)))


@indicator(
    "count_target",
    keys=(*ROWS, *NEAR, *WAY, "column", "judged_by"),
    units=COUNTS,
    idle=_count_idle,
)
def count(rule: Rule, context: Context) -> Iterator[Finding]:
    """Count facilities, places, beds, communities or operators; with a walk, what communities have within it."""
    layer, frame = rule.layers[0], context.stock(rule)
    metric, reached = "", NO_MESSAGE
    if _walked(rule):
        near = _within_reach(rule, context)[frame.index]
        reached_by = rule.applies_to if rule.applies_to in COMMUNITIES else "homes"
        said = {"part": int(near.sum()), "total": len(near), "of": layer, "other": (reached_by,)}
        metric = rule.metric or "streets"
        if len(near):
            reached = beside("audit.partners", rule, {**said, "walk": context.walk_of(rule)})
        frame = frame[near]
    factor = UNITS[rule.unit].factor if rule.unit else 1.0
    if not rule.column and rule.unit in ("operators", *SUMS):
        raise Missing("audit.no_column_named")  # rows are neither places nor beds
    if rule.unit == "operators":
        there_are = float(filled(context.column(layer, rule.column[0])[frame.index], layer).nunique())
    else:
        there_are = context.amount(frame, layer, rule.column)
    target = number(rule)
    counted = (rule.unit,) if rule.unit in OTHERS else rule.column or rule.facility_types or (layer,)
    homes = layer == "communities" and not rule.column
    if homes:
        counted = (context.things(rule),)
    yield Finding(
        value=there_are / factor,
        target=target,
        unit=unit_of(rule, context) if homes else rule.unit,
        operator=floor(rule.operator),
        needed=lacking(target * factor, rule.operator, there_are),
        needs=context.needs(rule) if homes else counted[0] if rule.column or rule.unit in OTHERS else "facilities",
        metric=metric,
        basis=reached if reached[0] and not rule.column else ("audit.sum", {"stock": there_are, "column": counted}),
    )


def _within_reach(rule: Rule, context: Context) -> pd.Series:
    """Mark the facilities that at least one community that is ruled has within the walk, in whatever district."""
    whole = context.whole or context
    limit, minutes = whole.walked(rule)
    reach = whole.reach(rule, metres=None if minutes else limit, minutes=limit if minutes else None,
                        straight=rule.metric == "straight")  # fmt: skip
    pairs, ruled = reach.pairs(), whole.ruled(rule)
    served = pairs.loc[pairs["origin"].isin(ruled.index[ruled]), "destination"]
    here = context.layer(rule.layers[0]).index
    return pd.Series(here.isin(served), here)


@indicator(
    "count_per_area",
    operators=(">=", "="),
    keys=ROWS,
    units=("", "facilities", "facilities_per_county", "facilities_per_township"),
)
def each_area(rule: Rule, context: Context) -> Iterator[Finding]:
    """Count in each county or township: the least of them, and which have too few."""
    units = context.districts(rule.applies_to)
    here = pd.Series(0, units.index)
    for layer in rule.layers:
        here = here + context.inside(rule, layer, units)
    target = number(rule)
    lacks = (target - here).clip(lower=0)
    yield Finding(
        value=float(here.min()) if len(units) else np.nan,
        target=target,
        unit=rule.unit,
        operator=floor(rule.operator),
        needed=float(lacks.sum()),
        needs="facilities",
        basis=(
            "audit.units",
            {"part": int((lacks <= 0).sum()), "total": len(units), "of": LEVELS.get(rule.applies_to, "districts")},
        ),
        reason=without(units, (lacks > 0).to_numpy(bool), besides=besides(rule, context, units)),
        units=lacks <= 0,
    )


@indicator(
    "min_floor_area",
    operators=(">=", ">"),
    keys=(*ROWS, *NEAR, "column", "scope"),
    units=("m2", "m2_per_site"),
    idle=lambda rule: () if rule.applies_to in COMMUNITIES else NEAR,
)
def least_area(rule: Rule, context: Context) -> Iterator[Finding]:
    """Least floor area of the facilities of each estate, or of one or all facilities in each county."""
    if rule.applies_to in COMMUNITIES:
        yield owing(rule, context)
        return
    if rule.applies_to not in DISTRICTS:
        raise Missing("audit.no_kind", kind=f"{rule.kind}, {rule.applies_to}")
    units = context.districts(rule.applies_to)
    many = context.inside(rule, rule.layers[0], units)
    large = context.inside(rule, rule.layers[0], units, f"{rule.operator}{number(rule):.15g}")
    have = large > 0
    if rule.scope == "site":  # each of them has to be so large
        have &= large == many
    part = int(have.sum())
    basis = ("audit.units", {"part": part, "total": len(units), "of": LEVELS.get(rule.applies_to, "districts")})
    yield percent(rule, part, len(units), needs="facilities", target=100.0, operator=">=", basis=basis, units=have,
                  reason=without(units, ~have.to_numpy(bool), "audit.lack"))  # fmt: skip
