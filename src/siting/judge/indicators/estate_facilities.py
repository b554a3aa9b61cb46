"""What each estate, community or park has of its duty."""

from __future__ import annotations

from dataclasses import replace
from operator import attrgetter

import pandas as pd

from siting.errors import LayerError
from siting.judge.indicators.estate_duties import Duty, duty_of
from siting.judge.indicators.finding import number
from siting.judge.layers.context import Context
from siting.judge.layers.districts import by_id_or_name
from siting.judge.layers.judged_units import Rolled
from siting.judge.layers.membership import has_word
from siting.judge.layers.rule_columns import Missing, counted
from siting.judge.standards.applies_to import ESTATES
from siting.judge.standards.conditions import key_of
from siting.judge.standards.rule import Rule
from siting.messages import Message

__all__ = ["SHARED", "all_named", "there"]

#: The column of a facility layer with an owed quantity; facilities are counted.
COLUMNS = {"area_m2": "floor_area", "places": "places", "school_places": "school_places", "beds": "beds"}
#: Rules that require just one facility: it counts for each community nearby.
SHARED = ("employees_per_facility", "population_trigger")


def there(duty: Duty, context: Context) -> pd.Series:
    """Count what each community has: facilities that name it, else the nearest; those of `SHARED` for each nearby."""
    rule, whole = duty.rule, context.whole or context  # a facility is one estate's, in any district

    def count() -> pd.Series:
        every = duty if whole is context else replace(duty_of(rule, whole), quantity=duty.quantity)
        had = _there(every, whole)
        further = rule.kind == "households_per_facility" and rule.operator == "per"
        return (had - 1).clip(lower=0) if further else had  # the first one counts for the rule of the first

    key = ("there", rule.id, rule.kind, rule.layers, rule.types, key_of(rule.where), rule.column, rule.metres,
           rule.minutes, duty.quantity)  # fmt: skip
    had = whole.cached(key, count)
    return had if whole is context else had.reindex(duty.owed.index, fill_value=0.0)


def _there(duty: Duty, context: Context) -> pd.Series:
    rule, layer = duty.rule, duty.rule.layers[0]
    stock = context.stock(rule)
    amount = pd.Series(1.0, stock.index)
    if duty.quantity in COLUMNS:
        column = rule.column[0] if rule.column else COLUMNS[duty.quantity]
        if column not in stock:
            raise Missing("audit.no_column", layer=layer, absent=column)
        amount = counted(stock[column], layer)
        if rule.kind == "min_floor_area" and rule.scope == "site":
            amount = amount.clip(upper=number(rule))
    named = _named(stock, layer, context)
    sums = amount.groupby(named, observed=True).sum().reindex(duty.owed.index, fill_value=0.0)
    if not named.isna().any():
        return sums
    reach = context.reach(rule, context.limit(rule), everyone=rule.kind != "employees_per_facility")
    pairs = reach.pairs()
    pairs = pairs[_owners(duty, context).get_indexer(pd.Index(pairs["origin"])) >= 0]
    pairs = pairs[named.reindex(pairs["destination"]).isna().to_numpy()]
    if rule.kind not in SHARED:
        pairs = pairs.sort_values("cost", kind="stable").drop_duplicates("destination")
    beside = pd.Series(amount.reindex(pairs["destination"]).to_numpy(float), pairs["origin"]).groupby(level=0).sum()
    return sums + beside.reindex(duty.owed.index, fill_value=0.0)


def _named(stock: pd.DataFrame, layer: str, context: Context) -> pd.Series:
    """Return the community that a facility names, by id or unique name; for units of estates see `Rolled.placed`."""
    if isinstance(context, Rolled):
        return context.placed(layer)[stock.index]
    own = pd.Series(None, stock.index, dtype=object)
    if "community" in stock:
        own = stock["community"].astype(object).where(has_word(stock["community"]), None)
    found = by_id_or_name(own, context.layer("communities"))
    lost = own.notna() & found.isna()
    if lost.any():
        raise LayerError(layer, Message("verdict.unnamed_community", n=int(lost.sum()), ids=stock.index[lost]))
    return found


def all_named(rule: Rule, context: Context) -> bool:
    """Return whether every facility names its community, so that no search was needed."""
    stock, layer = context.stock(rule), rule.layers[0]
    names = "community" in stock or isinstance(context, Rolled)
    return names and bool(_named(stock, layer, context).notna().all())


def _owners(duty: Duty, context: Context) -> pd.Index:
    """List the communities with a duty by this rule, or by the same rule for other estates."""
    rule, alike = duty.rule, attrgetter("kind", "service", "operator", "role")
    owners = duty.owed.index[duty.owed > 0]
    for other in context.rules:
        estates = {other.applies_to, rule.applies_to}
        if alike(other) == alike(rule) and len(estates) == 2 and estates <= set(ESTATES):
            also = duty_of(other, context).owed
            owners = owners.union(also.index[also > 0], sort=False)
    return owners
