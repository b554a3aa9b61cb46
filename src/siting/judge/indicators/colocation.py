"""Rules of neighbourhood: facilities with a partner nearby, or with the room required for their size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from siting.judge.indicators.comparison import ratio
from siting.judge.indicators.finding import Finding, indicator, number, percent, share_of_units, shown, units_message
from siting.judge.layers.context import Context
from siting.judge.layers.rule_columns import Missing, matches
from siting.judge.layers.walkers import walk_message, walker_of
from siting.judge.standards.conditions import key_of
from siting.judge.standards.rule import Rule
from siting.judge.wording.sentences import Sentence

__all__ = ["beds", "neighbours", "of_number"]


@indicator("colocation")
def neighbours(rule: Rule, context: Context) -> Iterator[Finding]:
    """Facilities with one of another sort within the walk `beside`, or that serve both."""
    if rule.layers == ("both",):
        raise Missing("audit.not_in_layers", rule=rule.id)
    layer, frame = rule.layers[0], context.stock(rule)
    if rule.part and layer == "communities":
        fulfil = matches(frame[context.ruled(rule)[frame.index]], layer, rule.part)
        values = {"part": int(fulfil.sum()), "total": len(fulfil), "ruled": context.called(rule)}
        yield shown(100 * ratio(float(fulfil.sum()), len(fulfil)), "percent", ("audit.marked", values))
    elif rule.part:
        fulfil = matches(frame, layer, rule.part)
        basis = units_message(fulfil.sum(), len(frame), rule.facility_types or layer)
        yield _counted(rule, float(fulfil.sum()), basis)
    elif not rule.other:
        yield _counted(rule, float(len(frame)), ("audit.sum", {"stock": len(frame), "column": (layer,)}))
    else:
        near, unseen = _beside(rule, context, frame)
        basis = _partners(rule, context, near, layer)
        if rule.unit == "percent":
            found = percent(rule, int(near.sum()), len(frame), needs="facilities", basis=basis, units=near)
            found = replace(found, metric=rule.metric or "streets")
        else:
            found = _counted(rule, float(near.sum()), basis)
        yield replace(found, remarks=unseen)


def _counted(rule: Rule, there: float, basis: Sentence) -> Finding:
    """Judge a number by the rule's, where it prints one of facilities."""
    metric = (rule.metric or "streets") if rule.other else ""
    if rule.value is None or rule.unit not in ("facilities", "communities"):
        return shown(there, "facilities", basis, metric=metric)
    needed = max(0.0, rule.value - there)
    return Finding(there, rule.value, rule.unit, rule.operator, needed, "facilities", metric, basis=basis)


def _partners(rule: Rule, context: Context, near: pd.Series, of: object) -> Sentence:
    values = {"part": int(near.sum()), "total": len(near), "of": of, "other": rule.other_types or rule.other}
    return walk_message("audit.partners", rule, {**values, "walk": context.walk_of(rule)})


def _beside(rule: Rule, context: Context, frame: pd.DataFrame) -> tuple[pd.Series, tuple[Sentence, ...]]:
    """Mark the facilities with a partner within the walk; where partners have no types, all rows of their layer are."""
    whole = context.whole or context
    there = [name for name in rule.other if name in whole.layers]
    if not there:
        raise Missing("audit.no_layer", layer=rule.other[0])
    near = pd.Series(False, frame.index)
    unseen: list[Sentence] = [("audit.not_looked_at", {"layer": name}) for name in rule.other if name not in there]
    for name in there:
        partner = rule.partner(name)
        if any(partner.types) and "facility_type" not in whole.layer(name):
            partner = replace(partner, facility_types=())
            unseen.append(("audit.all_partners", {"layer": name, "types": rule.other_types}))
        key = ("partners", partner.types, key_of(partner.where))
        reach = whole.between(rule.layers[0], name, whole.stock(partner), key, context.limit(rule),
                              rule.metric == "straight", walker_of(rule, context.walk))  # fmt: skip
        near |= frame.index.isin(reach.pairs()["origin"])
    return near, tuple(unseen)


@indicator("bed_threshold_rule")
def beds(rule: Rule, context: Context) -> Iterator[Finding]:
    """Share of the institutions of a size with the room, or the partner nearby, required for the size."""
    if not (rule.part or rule.other):
        raise Missing("audit.not_in_layers", rule=rule.id)
    layer, frame = rule.layers[0], context.stock(rule)
    sized = frame[of_number(rule, frame, layer, (rule.column or ("beds",))[0])]
    of = rule.facility_types or layer
    if not rule.other:
        yield share_of_units(rule, matches(sized, layer, rule.part), of, target=100.0, operator=">=")
        return
    fulfil, unseen = _beside(rule, context, sized)
    found = share_of_units(rule, fulfil, of, target=100.0, operator=">=")
    yield replace(found, metric=rule.metric or "streets", basis=_partners(rule, context, fulfil, of), remarks=unseen)


def of_number(rule: Rule, frame: pd.DataFrame, layer: str, column: str) -> pd.Series:
    """Mark the rows whose number falls under the rule."""
    lower = ">=" if rule.operator == "range" else rule.operator
    marks = matches(frame, layer, {column: f"{lower}{number(rule):.15g}"})
    return marks & matches(frame, layer, {column: f"<={rule.value_max:.15g}"}) if rule.operator == "range" else marks
