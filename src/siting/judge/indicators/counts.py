"""Numbers of facilities, places, beds, communities or operators, of the whole or in each district."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from siting.judge.indicators.comparison import floor, lacking
from siting.judge.indicators.estates import owing
from siting.judge.indicators.finding import Finding, indicator, number, share_of_units, units_message, without
from siting.judge.layers.context import Context
from siting.judge.layers.judged_units import unit_of
from siting.judge.layers.rule_columns import Missing, filled
from siting.judge.layers.uncounted_types import besides
from siting.judge.layers.walkers import walk_message
from siting.judge.standards.applies_to import COMMUNITIES, DISTRICTS, LEVELS
from siting.judge.standards.kinds import SUMS
from siting.judge.standards.rule import Rule
from siting.judge.standards.units_of_measure import UNITS
from siting.judge.wording.sentences import Sentence

__all__ = ["count", "each_area", "least_area"]

#: Units of numbers other than facilities and sums of a column.
OTHERS = ("operators", "communities")


@indicator("count_target")
def count(rule: Rule, context: Context) -> Iterator[Finding]:
    """Count facilities, places, beds, communities or operators; with a walk, what communities have within it."""
    layer, frame = rule.layers[0], context.stock(rule)
    homes = layer == "communities" and not rule.column
    counted = (rule.unit,) if rule.unit in OTHERS else rule.column or rule.facility_types or (layer,)
    reached: Sentence | None = None
    if rule.prints_walk:
        near = _within_reach(rule, context)[frame.index]
        who = rule.applies_to if rule.applies_to in COMMUNITIES else "homes"
        values = {"part": int(near.sum()), "total": len(near), "of": layer, "other": (who,)}
        if len(near) and not rule.column:
            reached = walk_message("audit.partners", rule, {**values, "walk": context.walk_of(rule)})
        frame = frame[near]
    if not rule.column and rule.unit in ("operators", *SUMS):
        raise Missing("audit.no_column_named")  # rows are neither places nor beds
    if rule.unit == "operators":
        there_are = float(filled(context.column(layer, rule.column[0])[frame.index], layer).nunique())
    else:
        there_are = context.amount(frame, layer, rule.column)
    target, factor = number(rule), UNITS[rule.unit].factor
    stock = (context.things(rule),) if homes else counted
    yield Finding(
        value=there_are / factor,
        target=target,
        unit=unit_of(rule, context) if homes else rule.unit,
        operator=floor(rule.operator),
        needed=lacking(target * factor, rule.operator, there_are),
        needs=context.needs(rule) if homes else counted[0] if rule.column or rule.unit in OTHERS else "facilities",
        metric=(rule.metric or "streets") if rule.prints_walk else "",
        basis=reached or ("audit.sum", {"stock": there_are, "column": stock}),
    )


def _within_reach(rule: Rule, context: Context) -> pd.Series:
    """Mark the facilities within the walk of at least one community that the rule is for, in any district."""
    whole = context.whole or context
    pairs = whole.reach(rule, whole.limit(rule), straight=rule.metric == "straight").pairs()
    ruled = whole.ruled(rule)
    served = pairs.loc[pairs["origin"].isin(ruled.index[ruled]), "destination"]
    here = context.layer(rule.layers[0]).index
    return pd.Series(here.isin(served), here)


@indicator("count_per_area")
def each_area(rule: Rule, context: Context) -> Iterator[Finding]:
    """Count in each county or township: the smallest number, and those with too few."""
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
        basis=units_message((lacks <= 0).sum(), len(units), LEVELS.get(rule.applies_to, "districts")),
        reason=without(units, (lacks > 0).to_numpy(bool), besides=besides(rule, context, units)),
        units=lacks <= 0,
    )


@indicator("min_floor_area")
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
    if rule.scope == "site":  # the minimum is for each of them
        have &= large == many
    yield share_of_units(rule, have, LEVELS.get(rule.applies_to, "districts"), target=100.0, operator=">=",
                         reason=without(units, ~have.to_numpy(bool), "audit.lack"))  # fmt: skip
