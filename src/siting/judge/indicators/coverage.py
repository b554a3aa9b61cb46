"""Shares of units that are covered.

``c / N`` of N units are covered; needed are ``ceil(t N) - c`` more. A district is covered when a counted facility is
in it; a community when one is within `beside`, or within the walk of the rule; with a mark, when it has it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd

from siting.judge.indicators.estate_duties import duty_of
from siting.judge.indicators.estate_facilities import there
from siting.judge.indicators.finding import Finding, indicator, percent, share_of_units, without
from siting.judge.layers.alternatives import countable
from siting.judge.layers.context import Context
from siting.judge.layers.rule_columns import Missing, matches
from siting.judge.layers.served_districts import served_districts
from siting.judge.layers.uncounted_types import besides
from siting.judge.layers.walkers import walk_message
from siting.judge.standards.applies_to import COMMUNITIES, DISTRICTS, LEVELS
from siting.judge.standards.keys import JUDGED
from siting.judge.standards.rule import Rule
from siting.judge.wording.sentences import Sentence, limits_of, unique

__all__ = ["coverage_of_units"]


@indicator("coverage_share")
def coverage_of_units(rule: Rule, context: Context) -> Iterator[Finding]:
    """Share of townships, communities, estates or facilities that are covered, and those that are not."""
    target = rule.value
    if target is None:
        target = 100 * context.share(rule) if rule.role in JUDGED else np.nan
    layer = rule.layers[0]
    if rule.part and layer not in ("communities", "districts"):
        fulfil = matches(context.stock(rule), layer, rule.part)
        yield share_of_units(rule, fulfil, rule.facility_types or layer, target=target)
    elif (rule.applies_to in DISTRICTS and not rule.prints_walk) or layer == "districts":
        units = context.districts(rule.applies_to)
        fulfil, remarks = _in_districts(rule, context, units)
        others = {} if rule.part else besides(rule, context, units)
        lack = without(units, ~fulfil.to_numpy(bool), besides=others)
        of = LEVELS.get(rule.applies_to, "districts")
        found = share_of_units(rule, fulfil, of, needs="districts", target=target, reason=lack)
        yield replace(found, remarks=remarks)
    else:
        yield _communities(rule, context, target)


def _in_districts(rule: Rule, context: Context, units: gpd.GeoDataFrame) -> tuple[pd.Series, tuple[Sentence, ...]]:
    """Mark the districts with a facility of each layer, or served by one if the rule requires that."""
    if rule.part:
        return matches(units, "districts", rule.part), ()
    if rule.any:
        each = [_in_districts(one, context, units) for one in countable(rule, context.stock)[0]]
        marks = pd.Series(np.logical_or.reduce([marks for marks, _ in each]), units.index)
        return marks, unique(message for _, messages in each for message in messages)
    fulfil = pd.Series(True, units.index)
    remarks: list[Sentence] = []
    for layer in rule.layers:
        has = context.inside(rule, layer, units) > 0
        if rule.covered_by == "service_area":
            served, messages = served_districts(rule, layer, context)
            has |= served.reindex(units.index, fill_value=False)
            remarks += messages
        fulfil &= has
    return fulfil, tuple(remarks)


def _communities(rule: Rule, context: Context, target: float) -> Finding:
    if rule.applies_to not in (*COMMUNITIES, *DISTRICTS, "city", ""):
        raise Missing("audit.no_unit", unit=rule.applies_to)
    communities = context.layer("communities")
    ruled = context.ruled(rule)
    metric, lack = "", "audit.lack"
    values: dict[str, object] = {"ruled": context.called(rule)}
    if rule.layers[0] == "communities":
        ruled &= context.counted(rule, "communities")
        fulfil, key = matches(communities, "communities", rule.part), "audit.marked"
    elif rule.meets:
        owed, has = _met_with(rule, context)
        ruled &= owed > 0
        fulfil, key, metric = has >= owed, "audit.fulfil", "streets"
    else:
        fulfil, key, lack = context.served(rule), "audit.own", "audit.without"
        metric = (rule.metric or "streets") if context.walks(rule) else ""
        values["walk"] = context.walk_of(rule)
    part, total, own = int((fulfil & ruled).sum()), int(ruled.sum()), limits_of(rule)
    basis: Sentence = (key, {"part": part, "total": total, **values})
    if key == "audit.own" and rule.covered_by != "own":
        basis = walk_message("audit.beside", rule, basis[1])
    return percent(rule, part, total, needs=context.needs(rule), metric=metric, target=target, units=fulfil[ruled],
                   basis=("audit.own_limits", {"way": basis, "which": own}) if own else basis,
                   reason=without(communities, (ruled & ~fulfil).to_numpy(bool), lack))  # fmt: skip


def _met_with(rule: Rule, context: Context) -> tuple[pd.Series, pd.Series]:
    """Add up what each community must provide by the rules in `meets`, and return what it has, which counts for all."""
    here = context.layer("communities").index
    owed, has = pd.Series(0.0, here), pd.Series(0.0, here)
    for name in rule.meets:
        other = next((other for other in context.rules if other.id == name), None)
        if other is None:
            raise Missing("audit.no_rule", rule=name)
        duty = duty_of(other, context)
        owed = owed.add(duty.owed, fill_value=0.0)
        there_is = there(duty, context).reindex(here, fill_value=0.0)
        has = has.where(has > there_is, there_is)
    return owed[here], has
