"""Required and existing facilities of estates, communities and parks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from siting.judge.indicators.estate_duties import Duty, companion, duty_of, triggered
from siting.judge.indicators.estate_facilities import SHARED, all_named, there
from siting.judge.indicators.finding import Finding, indicator, shown, without
from siting.judge.layers.context import Context
from siting.judge.standards.rule import Rule
from siting.judge.wording.sentences import Sentence

__all__ = ["lacking_of", "owing"]


@indicator(
    "employees_per_facility", "population_trigger", "households_per_facility", "provision_area_per_100_households"
)
def estates(rule: Rule, context: Context) -> Iterator[Finding]:
    """Sum of what the estates, communities or parks must provide by the rule, and how much of it they have."""
    yield _counties_above(rule, context) if rule.applies_to == "county" else owing(rule, context)


def owing(rule: Rule, context: Context) -> Finding:
    """Compare what each community has with what it owes; an excess does not offset another's shortage."""
    duty = duty_of(rule, context)
    owed, had = _balance(duty, context)
    lacks = (owed - had).clip(lower=0)
    due = owed > 0
    larger = _larger(rule, context)
    inside = larger is not None and bool(_lacks(duty_of(larger, context), context).sum() > 0)
    total = float(owed.sum())
    ruled = "industrial_park" if rule.kind == "employees_per_facility" else context.called(rule)
    values: dict[str, object] = {
        "units": int(due.sum()), "owed": total, "of": duty.quantity, "walk": context.walk_of(rule),
        "fulfil": int((due & (lacks <= 0)).sum()), "ruled": ruled,
    }  # fmt: skip
    key = "audit.owed"
    if duty.low is not None and (duty.low != duty.owed).any():
        key, values["low"] = "audit.owed_low", float(duty.low.sum())
    return Finding(
        value=float(np.minimum(had, owed).sum()) if due.any() else np.nan,
        target=total if due.any() else np.nan,
        unit=duty.quantity,
        needed=np.nan if inside else float(_with_least_area(duty, lacks, context).sum()),
        needs=duty.quantity,
        metric="" if all_named(rule, context.whole or context) else "streets",
        basis=("audit.owed_shared" if rule.kind in SHARED else key, values),
        units=(lacks <= 0)[due],
        reason=_names(context, lacks > 0, larger if inside else None)
        if due.any()
        else ("audit.nobody_owes", {"ruled": ruled}),
    )


def _balance(duty: Duty, context: Context) -> tuple[pd.Series, pd.Series]:
    """Return what each community owes, and what it has of it."""
    owed = duty.owed.astype(float)
    if duty.rule.kind == "min_floor_area" and duty.rule.scope == "site":  # no offset between sites
        owed *= there(replace(duty, quantity="facilities"), context).clip(lower=1)
    return owed, there(duty, context)


def _lacks(duty: Duty, context: Context) -> pd.Series:
    owed, had = _balance(duty, context)
    return (owed - had).clip(lower=0)


def lacking_of(duty: Duty, context: Context) -> pd.Series:
    """Return the shortage of each community; for a proportional and a least area of one clause the larger."""
    return _with_least_area(duty, _lacks(duty, context), context)


def _with_least_area(duty: Duty, lacks: pd.Series, context: Context) -> pd.Series:
    for rule in duty.read_with:
        if rule.kind == "min_floor_area":
            floor = _lacks(duty_of(rule, context), context).reindex(lacks.index, fill_value=0.0)
            lacks = lacks.where(lacks >= floor, floor)
    return lacks


def _larger(rule: Rule, context: Context) -> Rule | None:
    """Find the rule of the same clause whose need contains that of this one, so that needs are not added twice."""
    if rule.kind == "min_floor_area":
        return companion(rule, context, "provision_area_per_100_households")
    if rule.kind == "households_per_facility" and rule.operator == "per":
        return companion(rule, context, "households_per_facility", "range")
    return None


def _names(context: Context, lacks: pd.Series, larger: Rule | None) -> Sentence:
    """Name the communities with a shortage, and the rule that has the need."""
    frame = context.layer("communities").loc[lacks.index[lacks]]
    key, values = without(frame, np.ones(len(frame), bool), "audit.lack" if larger is None else "audit.lack_within")
    if larger is None or not key:
        return key, values
    return key, {**values, "indicator": {"zh": larger.indicator_zh, "en": larger.indicator_en}}


def _counties_above(rule: Rule, context: Context) -> Finding:
    """Counties with enough people for a duty of their own; no layer shows whether they fulfil it."""
    counties = context.districts("county")
    own = context.township("communities").map(context.parents)
    people = context.heads(rule.base or "population").groupby(own, observed=True).sum()
    above = triggered(rule, people.reindex(counties.index, fill_value=0))
    part = int(above.sum())
    owe = without(counties, above.to_numpy(bool), "audit.counties_owe") if part else ("audit.counties_none", {})
    found = shown(part, "counties", ("audit.counties_above", {"above": part, "total": len(counties)}))
    return replace(found, reason=owe)
