"""Rules of direction, thresholds and money: counts for clauses without a limit."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from siting.data import types_in
from siting.judge.indicators.colocation import of_number
from siting.judge.indicators.comparison import ratio
from siting.judge.indicators.finding import Finding, indicator, number, shown, units_message
from siting.judge.layers.context import Context
from siting.judge.layers.rule_columns import SEVERAL, Missing, matches
from siting.judge.layers.served_districts import townships_served
from siting.judge.layers.walkers import Limit, walk_message
from siting.judge.standards.applies_to import COMMUNITIES
from siting.judge.standards.rule import Rule
from siting.judge.standards.units_of_measure import UNITS
from siting.judge.wording.sentences import Sentence

__all__ = ["by_reference", "candidates", "hubs", "money", "openly", "principle", "threshold", "types", "vans"]

#: Villages farther than this from any facility are not delivered to, metres.
FARTHEST = 10_000.0


def _sum(there: float, *columns: str) -> Sentence:
    return "audit.sum", {"stock": there, "column": columns}


@indicator("area_threshold", "operation_threshold")
def threshold(rule: Rule, context: Context) -> Iterator[Finding]:
    """Count the facilities that fall under a threshold of days, years or floor area."""
    layer, frame = rule.layers[0], context.stock(rule)
    if not rule.column:
        raise Missing("audit.not_in_layers", rule=rule.id)
    part = int(of_number(rule, frame, layer, rule.column[0]).sum())
    yield shown(part, "facilities", units_message(part, len(frame), rule.facility_types or layer))


@indicator("candidate_site_rule")
def candidates(rule: Rule, context: Context) -> Iterator[Finding]:
    """Count the candidate sites of the kind that the rule allows or prefers."""
    there = len(context.stock(rule))
    yield shown(there, "candidates", _sum(there, rule.layers[0]))


def _near(rule: Rule, context: Context, marks: pd.Series, ruled: str) -> tuple[int, Sentence]:
    """Count the marked communities with a facility nearby, and write the message."""
    part = int((context.served(rule) & marks).sum())
    values = {"part": part, "total": int(marks.sum()), "ruled": ruled, "walk": context.walk_of(rule)}
    return part, walk_message("audit.beside", rule, values)


@indicator("service_area_rule")
def openly(rule: Rule, context: Context) -> Iterator[Finding]:
    """Communities next to facilities that may also serve their neighbours."""
    ruled = context.ruled(replace(rule, applies_to="community"))
    part, basis = _near(rule, context, ruled, "estates_or_villages")
    yield shown(part, "estates_or_villages", basis, metric=rule.metric or "streets")


@indicator("hub_and_spoke")
def hubs(rule: Rule, context: Context) -> Iterator[Finding]:
    """Mean distance from the villages to the nearest facility with the service."""
    villages = _spokes(rule, context)
    nearest = context.reach(rule, Limit(metres=FARTHEST)).nearest(1).set_index("origin")["cost"]
    first = nearest.reindex(villages.index[villages])
    values = {
        "reached": int(first.notna().sum()), "total": int(villages.sum()), "km": FARTHEST / 1000,
        "most": math.nan if first.isna().all() else round(float(first.max())),
    }  # fmt: skip
    found = shown(float(first.mean()), "m", ("audit.delivered", values), metric="streets")
    yield replace(found, remarks=townships_served(rule, context))


def _spokes(rule: Rule, context: Context) -> pd.Series:
    """Mark the communities with deliveries: those of the rule, or villages if it is for a whole area."""
    return context.ruled(rule if rule.applies_to in COMMUNITIES else replace(rule, applies_to="village"))


@indicator("mobile_service")
def vans(rule: Rule, context: Context) -> Iterator[Finding]:
    """Villages without a facility nearby, which are left to vans."""
    villages = _spokes(rule, context)
    ruled = "homes" if "kind" in rule.among else "village"
    part, basis = _near(rule, context, villages, rule.applies_to if rule.applies_to in COMMUNITIES else ruled)
    kinds = context.layer("communities").loc[villages, "kind"] if "kind" in context.layer("communities") else ()
    unit = "villages" if len(kinds) and all(kind == "village" for kind in kinds) else "estates_or_villages"
    yield shown(int(villages.sum()) - part, unit, basis, metric=rule.metric or "streets")


@indicator("siting_principle")
def principle(rule: Rule, context: Context) -> Iterator[Finding]:
    """Count an indicator of a direction: how far supply is from the people, or who has it near."""
    layer = rule.layers[0]
    layers_only = rule.where or rule.facility_types or rule.column
    if layer == "both" or not (rule.layer or layers_only or rule.applies_to in COMMUNITIES):
        raise Missing("audit.not_in_layers", rule=rule.id)
    if rule.base and rule.column and layer != "communities":
        yield _elsewhere(rule, context)
    elif layer == "districts":
        units = context.districts(rule.applies_to or "township")
        marked = int(matches(units, layer, rule.where).sum())
        yield shown(marked, "districts", units_message(marked, len(units), "districts"))
    elif layer != "communities" and rule.applies_to in COMMUNITIES:
        ruled = context.ruled(rule)
        part, basis = _near(rule, context, ruled, context.called(rule))
        yield shown(100 * ratio(part, int(ruled.sum())), "percent", basis, metric="streets")
    else:
        there = context.amount(context.stock(rule), layer, rule.column)
        homes = "persons" if rule.column else "estates_or_villages"
        unit = homes if layer == "communities" else (rule.column or ("facilities",))[0]
        yield shown(there, unit, _sum(there, *(rule.column or (layer,))))


def _elsewhere(rule: Rule, context: Context) -> Finding:
    """Share of the supply in the wrong township: dissimilarity (Duncan and Duncan 1955), see `spatial_mismatch`."""
    towns = context.districts("township")
    layer, frame = rule.layers[0], context.stock(rule)
    supply, people = (
        values.groupby(context.township(name)[values.index], observed=True).sum().reindex(towns.index, fill_value=0)
        for name, values in (
            (layer, context.numbers(layer, rule.column[0])[frame.index]),
            ("communities", context.heads(rule.base)),
        )
    )
    both = supply.sum() and people.sum()
    apart = 50 * float((supply / supply.sum() - people / people.sum()).abs().sum()) if both else math.nan
    values = {"column": rule.column, "base": rule.base, "total": len(towns)}
    return shown(apart, "percent", ("audit.elsewhere", values))


@indicator("facility_type_list")
def types(rule: Rule, context: Context) -> Iterator[Finding]:
    """Count the types of facility."""
    column = rule.column[0] if rule.column else "facility_type"
    read = types_in if column == "facility_type" else SEVERAL.split
    cells = context.column(rule.layers[0], column).dropna().unique()
    there = len({name for cell in cells for name in read(str(cell).strip())})
    yield shown(float(there), "modes", _sum(there, "facility_type"))


@indicator("investment_project", "subsidy_rate")
def money(rule: Rule, context: Context) -> Iterator[Finding]:
    """Money for the existing beds or places at a rate, or the cost of projects."""
    layer, frame = rule.layers[0], context.stock(rule)
    there = context.amount(frame, layer, rule.column)
    if rule.kind == "subsidy_rate":
        basis: Sentence = ("audit.subsidy", {"stock": there, "column": rule.column, "each": number(rule)})
        yield shown(there * number(rule), "yuan", basis)
    else:
        value = there if rule.unit == "10k_yuan" else there / UNITS[rule.unit].factor
        target = np.nan if rule.value is None else rule.value
        basis = _sum(there, *(rule.column or (layer,)))
        yield Finding(value, target, rule.unit, rule.operator, max(0.0, target - value), basis=basis)


@indicator("provision_rule_by_reference")
def by_reference(rule: Rule, _context: Context) -> Iterator[Finding]:
    """Require the number from the user: it is in another document."""
    raise Missing("audit.by_reference", rule=rule.id)
    yield  # a generator, as all indicators are
