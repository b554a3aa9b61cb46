"""What estates, parks and populations owe by a rule, what they have, and what they lack."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from siting.errors import LayerError, some
from siting.judge.indicators import provision_formulas
from siting.judge.indicators.finding import NEAR, ROWS, Finding, indicator, number, shown, without
from siting.judge.layers.columns import Missing, counted
from siting.judge.layers.context import Context
from siting.judge.layers.districts import by_id_or_name
from siting.judge.layers.rollup import Rolled
from siting.judge.standards.rule import Rule
from siting.judge.standards.units_of_measure import UNITS
from siting.judge.wording.sentences import Message

__all__ = ["DUTIES", "Duty", "duty_of", "lacking_of", "owing", "there"]

#: The column of a facility layer that holds a quantity that is owed; facilities are counted.
COLUMNS = {"area_m2": "floor_area"}
#: The estates that rules of provision are for.
ESTATES = ("new_residential", "existing_residential", "new_and_existing_residential")


@dataclass(frozen=True)
class Duty:
    """What the communities that a rule governs owe by it.

    Attributes
    ----------
    quantity
        "facilities", "area_m2", "places", "school_places", "beds" or "land_m2".
    owed, low
        By community; `low` is the lowest reading where readings differ.
    base, amount
        What it is owed for: the column of the communities, and its number there.
    read_with
        The rules that were read together with this one, such as that of the least floor area.
    """

    rule: Rule
    quantity: str
    owed: pd.Series
    base: str
    amount: pd.Series
    low: pd.Series | None = None
    read_with: tuple[Rule, ...] = ()


#: Rules that ask only that there is a facility: it counts for each community that it stands beside.
SHARED = ("employees_per_facility", "population_trigger")
Make = Callable[[Rule, Context], Duty]
DUTIES: dict[str, Make] = {}


def _duty(kind: str) -> Callable[[Make], Make]:
    def register(function: Make) -> Make:
        DUTIES[kind] = function
        return function

    return register


def duty_of(rule: Rule, context: Context) -> Duty:
    """Work out what each community that a rule governs owes by it."""
    if rule.kind not in DUTIES:
        raise Missing("audit.no_kind", kind=rule.kind)
    return DUTIES[rule.kind](rule, context)


def _companion(rule: Rule, context: Context, kind: str, operator: str = "") -> Rule | None:
    """Find the rule of another kind for the same service and the same estates."""
    for other in context.rules:
        same = (other.service, other.applies_to) == (rule.service, rule.applies_to)
        if same and other.kind == kind and other.value is not None and operator in ("", other.operator):
            return other
    return None


def _households(rule: Rule, context: Context) -> pd.Series:
    return context.of_ruled(rule, "households")


def _sites(first: Rule | None, further: Rule | None, households: pd.Series, reading: str) -> pd.Series:
    if first is None:
        return pd.Series(1, households.index)
    most = number(first) if first.value_max is None else first.value_max
    each = number(first) if further is None else number(further)
    owed = provision_formulas.facilities_owed(households, number(first), most, each, reading=reading)
    return pd.Series(owed, households.index)


@_duty("provision_area_per_100_households")
def _area(rule: Rule, context: Context) -> Duty:
    households = _households(rule, context)
    floor = _companion(rule, context, "min_floor_area")
    first, further = (_companion(rule, context, "households_per_facility", op) for op in ("range", "per"))
    sites = _sites(first, further, households, "high")
    owed = provision_formulas.area_owed(households, number(rule), 0.0 if floor is None else number(floor), sites=sites,
                            scope="area" if floor is None else floor.scope or "area")  # fmt: skip
    together = tuple(
        r for r in (floor, first, further) if r is not None and (r is floor or (floor and floor.scope == "site"))
    )
    return Duty(rule, "area_m2", pd.Series(owed, households.index), "households", households, read_with=together)


@_duty("min_floor_area")
def _floor(rule: Rule, context: Context) -> Duty:
    households = _households(rule, context)
    return Duty(rule, "area_m2", pd.Series(number(rule), households.index), "households", households)


@_duty("households_per_facility")
def _facilities(rule: Rule, context: Context) -> Duty:
    households = _households(rule, context)
    per = rule.operator == "per"
    first = _companion(rule, context, "households_per_facility", "range") if per else rule
    further = rule if per else _companion(rule, context, "households_per_facility", "per")
    high, low = (_sites(first, further, households, reading) for reading in ("high", "low"))
    if per:  # the rule of each further one: what is owed beyond the first
        high, low = (high - 1).clip(lower=0), (low - 1).clip(lower=0)
    together = tuple(r for r in (first, further) if r is not None and r is not rule)
    return Duty(rule, "facilities", high, "households", households, low=low, read_with=together)


@_duty("places_per_1000_residents")
@_duty("beds_per_1000_elderly")
def _units(rule: Rule, context: Context) -> Duty:
    quantity = "beds" if rule.kind.startswith("beds") else "places"
    quantity = "school_places" if UNITS[rule.unit].counts == "school_places" else quantity
    base = rule.base or ("elderly" if quantity == "beds" else "population")
    people = context.heads(base)
    ruled = people[context.ruled(rule)]
    factor = UNITS[rule.unit].per if rule.unit else 1000.0
    owed = provision_formulas.units_owed(ruled, number(rule), factor)
    return Duty(rule, quantity, pd.Series(owed, ruled.index), base, ruled)


@_duty("employees_per_facility")
def _parks(rule: Rule, context: Context) -> Duty:
    parks = context.layer("communities")[context.column("communities", "kind") == "park"]
    context.column("communities", "employees")
    employees = counted(parks["employees"], "communities")
    owed = provision_formulas.facilities_for_employees(employees, number(rule))
    return Duty(rule, "facilities", pd.Series(owed, parks.index), "employees", employees)


@_duty("population_trigger")
def _trigger(rule: Rule, context: Context) -> Duty:
    base = rule.base or "population"
    people = context.heads(base)[context.ruled(rule)]
    return Duty(rule, "facilities", _triggered(rule, people).astype(int), base, people)


def _triggered(rule: Rule, people: pd.Series) -> pd.Series:
    """Mark so many people that a duty begins."""
    limit = number(rule) * UNITS[rule.unit].factor
    return people > limit if rule.operator == ">" else people >= limit


def there(duty: Duty, context: Context) -> pd.Series:
    """Count what each community has of what it owes.

    A facility is an estate's by its column `community` (id or name), else it is that of the nearest estate, new or
    existing, that owes something by such a rule, within the walk `beside`: nothing is counted twice. For parks and
    communities, whose rules ask only that there is one, a facility counts for each that it stands beside. One that is
    not open to neighbours counts where it names its community, and for parks.
    """
    rule, whole = duty.rule, context.whole or context  # a facility is one estate's, in whatever district that lies
    key = ("there", rule.id, rule.kind, rule.layers, rule.types, repr(sorted(rule.where.items())), rule.column,
           rule.metres, rule.minutes, duty.quantity)  # fmt: skip
    if key not in whole._seen:
        every = duty if whole is context else replace(duty_of(rule, whole), quantity=duty.quantity)
        had = _there(every, whole)
        if rule.kind == "households_per_facility" and rule.operator == "per":
            had = (had - 1).clip(lower=0)  # the first is asked for by the rule of the first
        whole._seen[key] = had
    return whole._seen[key] if whole is context else whole._seen[key].reindex(duty.owed.index, fill_value=0.0)


def _there(duty: Duty, context: Context) -> pd.Series:
    rule, layer = duty.rule, duty.rule.layers[0]
    stock = context.stock(rule)
    column = COLUMNS.get(duty.quantity, duty.quantity if duty.quantity in ("places", "school_places", "beds") else "")
    if column and rule.column:
        column = rule.column[0]
    amount = pd.Series(1.0, stock.index) if not column else counted(_column(stock, layer, column), layer)
    if column and rule.kind == "min_floor_area" and rule.scope == "site":
        amount = amount.clip(upper=number(rule))
    named = _named(stock, layer, context)
    sums = amount.groupby(named, observed=True).sum().reindex(duty.owed.index, fill_value=0.0)
    if not named.isna().any():
        return sums
    shared = rule.kind in SHARED
    everyone = rule.kind != "employees_per_facility"
    walk, minutes = context.walked(rule)
    reach = context.reach(rule, metres=None if minutes else walk, minutes=walk if minutes else None, everyone=everyone)
    pairs = reach.pairs()
    pairs = pairs[_owners(duty, context).get_indexer(pd.Index(pairs["origin"])) >= 0]
    pairs = pairs[named.reindex(pairs["destination"]).isna().to_numpy()]
    if not shared:
        pairs = pairs.sort_values("cost", kind="stable").drop_duplicates("destination")
    beside = pd.Series(amount.reindex(pairs["destination"]).to_numpy(float), pairs["origin"]).groupby(level=0).sum()
    return sums + beside.reindex(duty.owed.index, fill_value=0.0)


def _named(stock: pd.DataFrame, layer: str, context: Context) -> pd.Series:
    """Tell which community a facility says it belongs to, by id or by a name that only one has.

    Of units that estates are rolled up to, the one that it names, or that its estate belongs to, or that it lies in.

    Raises
    ------
    LayerError
        When a facility names a community that is not there.
    """
    if isinstance(context, Rolled):
        return context.placed(layer)[stock.index]
    own = _given(stock)
    found = by_id_or_name(own, context.layer("communities"))
    lost = own.notna() & found.isna()
    if lost.any():
        raise LayerError(layer, f'"community" names none, or several, of the communities in {int(lost.sum())} rows: '
                                f"{some(stock.index[lost])}; give ids of the communities")  # fmt: skip
    return found


def _all_named(rule: Rule, context: Context) -> bool:
    """Tell whether every facility says whose it is, so that nothing was looked for on the streets."""
    stock, layer = context.stock(rule), rule.layers[0]
    says = "community" in stock or isinstance(context, Rolled)
    return says and bool(_named(stock, layer, context).notna().all())


def _given(stock: pd.DataFrame) -> pd.Series:
    """Return what facilities say of their community; a blank text is none."""
    if "community" not in stock:
        return pd.Series(None, stock.index, dtype=object)
    own = stock["community"].astype(object)
    return own.where(own.notna() & (own.astype(str).str.strip() != ""), None)


def _owners(duty: Duty, context: Context) -> pd.Index:
    """List the communities that owe something by this rule, or by the same rule for other estates."""
    rule = duty.rule
    owners = duty.owed.index[duty.owed > 0]
    for other in context.rules:
        alike = (other.kind, other.service, other.operator, other.role) == (
            rule.kind,
            rule.service,
            rule.operator,
            rule.role,
        )
        if alike and other.applies_to != rule.applies_to and {other.applies_to, rule.applies_to} <= set(ESTATES):
            also = duty_of(other, context).owed
            owners = owners.union(also.index[also > 0], sort=False)
    return owners


def _column(frame: pd.DataFrame, layer: str, name: str) -> pd.Series:
    if name not in frame:
        raise Missing("audit.no_column", layer=layer, absent=name)
    values: pd.Series = frame[name]
    return values


OWED = (">=", ">", "per", "range", "=")


@indicator(
    "employees_per_facility",
    operators=OWED,
    keys=(*ROWS, "metres", "minutes"),
    units=("employees_per_facility", "persons_per_facility"),
)
@indicator(
    "population_trigger",
    operators=OWED,
    keys=(*ROWS, *NEAR, "base", "judged_by"),
    units=("residents", "persons", "10k_persons"),
    idle=lambda rule: (*ROWS, *NEAR, "judged_by") if rule.applies_to == "county" else (),
)
@indicator(
    "households_per_facility",
    operators=OWED,
    keys=(*ROWS, *NEAR),
    units=("households_per_facility", "households_per_extra_facility"),
)
@indicator(
    "provision_area_per_100_households",
    operators=OWED,
    keys=(*ROWS, *NEAR, "column"),
    units=("m2_per_100_households",),
)
def estates(rule: Rule, context: Context) -> Iterator[Finding]:
    """Sum of what the estates, communities or parks owe by the rule, and how much of it they have."""
    if rule.applies_to == "county":
        yield _counties_above(rule, context)
    else:
        yield owing(rule, context)


def owing(rule: Rule, context: Context) -> Finding:
    """Set what each community has against what it owes; one that has too much makes up for no other."""
    duty = duty_of(rule, context)
    owed, had = _balance(duty, context)
    lacks = (owed - had).clip(lower=0)
    due = owed > 0
    larger = _larger(rule, context)
    inside = larger is not None and bool(_lacks(duty_of(larger, context), context).sum() > 0)
    total = float(owed.sum())
    said: dict[str, object] = {
        "units": int(due.sum()), "owed": total, "of": duty.quantity, "walk": context.walk_of(rule),
        "fulfil": int((due & (lacks <= 0)).sum()), "ruled": _ruled(rule, context),
    }  # fmt: skip
    if duty.low is not None and (duty.low != duty.owed).any():
        said["low"] = float(duty.low.sum())
    return Finding(
        value=float(np.minimum(had, owed).sum()) if due.any() else np.nan,
        target=total if due.any() else np.nan,
        unit=duty.quantity,
        needed=np.nan if inside else float(_larger_of(duty, lacks, context).sum()),
        needs=duty.quantity,
        metric="" if _all_named(rule, context.whole or context) else "streets",
        basis=(_key(rule, said), said),
        units=(lacks <= 0)[due],
        reason=_names(context, lacks > 0, larger if inside else None)
        if due.any()
        else ("audit.nobody_owes", {"ruled": _ruled(rule, context)}),
    )


def _balance(duty: Duty, context: Context) -> tuple[pd.Series, pd.Series]:
    """Return what each community owes, and what it has of it."""
    owed = duty.owed.astype(float)
    if duty.rule.kind == "min_floor_area" and duty.rule.scope == "site":  # none makes up for another
        owed *= there(replace(duty, quantity="facilities"), context).clip(lower=1)
    return owed, there(duty, context)


def _lacks(duty: Duty, context: Context) -> pd.Series:
    owed, had = _balance(duty, context)
    return (owed - had).clip(lower=0)


def lacking_of(duty: Duty, context: Context) -> pd.Series:
    """Tell what each community lacks; of an area in proportion and a least area of one clause the larger."""
    return _larger_of(duty, _lacks(duty, context), context)


def _larger_of(duty: Duty, lacks: pd.Series, context: Context) -> pd.Series:
    for rule in duty.read_with:
        if rule.kind == "min_floor_area":
            floor = _lacks(duty_of(rule, context), context).reindex(lacks.index, fill_value=0.0)
            lacks = lacks.where(lacks >= floor, floor)
    return lacks


def _larger(rule: Rule, context: Context) -> Rule | None:
    """Find the rule of the same clause in whose need that of this one is contained, so that nobody adds the two."""
    if rule.kind == "min_floor_area":
        return _companion(rule, context, "provision_area_per_100_households")
    if rule.kind == "households_per_facility" and rule.operator == "per":
        return _companion(rule, context, "households_per_facility", "range")
    return None


def _ruled(rule: Rule, context: Context) -> str:
    return "industrial_park" if rule.kind == "employees_per_facility" else context.called(rule)


def _key(rule: Rule, said: Mapping[str, object]) -> str:
    if rule.kind in SHARED:
        return "audit.owed_shared"
    return "audit.owed_low" if "low" in said else "audit.owed"


def _names(context: Context, lacks: pd.Series, larger: Rule | None) -> Message:
    """Name the communities that lack something, the first of them, and the rule at which the need stands."""
    frame = context.layer("communities").loc[lacks.index[lacks]]
    key, values = without(frame, np.ones(len(frame), bool), "audit.lack" if larger is None else "audit.lack_within")
    if larger is None or not key:
        return key, values
    return key, {**values, "indicator": {"zh": larger.indicator_zh, "en": larger.indicator_en}}


def _counties_above(rule: Rule, context: Context) -> Finding:
    """Counties with so many people that a duty of their own begins; whether they keep it is in no layer."""
    counties = context.districts("county")
    own = context.township("communities").map(context.parents)
    people = context.heads(rule.base or "population").groupby(own, observed=True).sum()
    above = _triggered(rule, people.reindex(counties.index, fill_value=0))
    said: dict[str, object] = {"above": int(above.sum()), "total": len(counties)}
    found = shown(int(above.sum()), "counties", ("audit.counties_above", said))
    owe = without(counties, above.to_numpy(bool), "audit.counties_owe") if above.any() else ("audit.counties_none", {})
    return replace(found, reason=owe)
