"""What each estate, community or park must provide by a rule.

The readings of “one facility for each 3000-4000 households, and one more for each further 3000” differ; with a facility
due from ``a`` households, the first serving up to ``b`` and each further one for ``c``:

- low: ``1 + floor((H - b) / c)`` above ``b``, else 1
- high: ``1 + ceil((H - b) / c)`` above ``b``, else 1

and 0 below ``a`` in both. In the high reading no facility serves more households than the rule prints.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from siting.judge.indicators.finding import number
from siting.judge.layers.context import Context
from siting.judge.layers.rule_columns import Missing, counted
from siting.judge.standards.rule import Rule
from siting.judge.standards.units_of_measure import UNITS
from siting.numbers import Floats, Ints

__all__ = ["DUTIES", "Duty", "area_owed", "companion", "duty_of", "facilities_for_people", "facilities_owed",
           "triggered", "units_owed"]  # fmt: skip

TOLERANCE = 1e-9


def area_owed(
    households: npt.ArrayLike, per_100: float, least: float = 0.0, *, sites: npt.ArrayLike = 1, scope: str = "area"
) -> Floats:
    """Return the m² an estate owes: ``max(a H / 100, A_min)``, or with *scope* "site" ``max(a H / 100, n A_min)``."""
    floor = least * np.maximum(np.asarray(sites, float), 1) if scope == "site" else np.asarray(least)
    return cast(Floats, np.maximum(per_100 * np.asarray(households, float) / 100, floor))


def facilities_owed(
    households: npt.ArrayLike, first: float, first_most: float, further: float, *, reading: str = "high"
) -> Ints:
    """Count the facilities owed by households, in the reading "high" or "low", from those printed for each facility."""
    number = np.asarray(households, float)
    beyond = (number - first_most) / further
    further_ones = np.ceil(beyond - TOLERANCE) if reading == "high" else np.floor(beyond + TOLERANCE)
    return np.where(number >= first, 1 + np.maximum(further_ones, 0), 0).astype(np.int64)


def facilities_for_people(people: npt.ArrayLike, each: float, *, reading: str = "ceil") -> Ints:
    """Count the facilities that people require: ``ceil(P / N)``, or with "floor" one each time N is reached."""
    number = np.asarray(people, float) / each
    whole = np.ceil(number - TOLERANCE) if reading == "ceil" else np.floor(number + TOLERANCE)
    return np.asarray(whole, np.int64)


def units_owed(people: npt.ArrayLike, rate: float, per: float = 1000.0) -> Ints:
    """Places or beds for a number of people: ``ceil(q P / 1000)``."""
    return np.ceil(np.asarray(people, float) * rate / per - TOLERANCE).astype(np.int64)


@dataclass(frozen=True)
class Duty:
    """What communities owe of `quantity`, in the high and `low` reading, for an `amount` of the column `base`."""

    rule: Rule
    quantity: str
    owed: pd.Series
    base: str
    amount: pd.Series
    low: pd.Series | None = None
    read_with: tuple[Rule, ...] = ()


def duty_of(rule: Rule, context: Context) -> Duty:
    """Compute what each community of a rule owes."""
    if rule.kind not in DUTIES:
        raise Missing("audit.no_kind", kind=rule.kind)
    return DUTIES[rule.kind](rule, context)


def companion(rule: Rule, context: Context, kind: str, operator: str = "") -> Rule | None:
    """Find the rule of another kind for the same service and the same estates."""
    same = (rule.service, rule.applies_to, kind)
    alike = (other for other in context.rules if (other.service, other.applies_to, other.kind) == same)
    return next((other for other in alike if other.value is not None and operator in ("", other.operator)), None)


def triggered(rule: Rule, people: pd.Series) -> pd.Series:
    """Mark numbers of people above the threshold of a duty."""
    limit = number(rule) * UNITS[rule.unit].factor
    return people > limit if rule.operator == ">" else people >= limit


def _sites(first: Rule | None, further: Rule | None, households: pd.Series, reading: str) -> pd.Series:
    if first is None:
        return pd.Series(1, households.index)
    most = number(first) if first.value_max is None else first.value_max
    each = number(first) if further is None else number(further)
    return pd.Series(facilities_owed(households, number(first), most, each, reading=reading), households.index)


def _area(rule: Rule, context: Context) -> Duty:
    households = context.of_ruled(rule, "households")
    floor = companion(rule, context, "min_floor_area")
    first, further = (companion(rule, context, "households_per_facility", op) for op in ("range", "per"))
    sites = _sites(first, further, households, "high")
    least, scope = (0.0, "area") if floor is None else (number(floor), floor.scope or "area")
    owed = pd.Series(area_owed(households, number(rule), least, sites=sites, scope=scope), households.index)
    together = (floor, *((first, further) if scope == "site" else ()))
    return Duty(rule, "area_m2", owed, "households", households, read_with=tuple(filter(None, together)))


def _least_area(rule: Rule, context: Context) -> Duty:
    households = context.of_ruled(rule, "households")
    return Duty(rule, "area_m2", pd.Series(number(rule), households.index), "households", households)


def _facilities(rule: Rule, context: Context) -> Duty:
    households = context.of_ruled(rule, "households")
    per = rule.operator == "per"
    first = companion(rule, context, "households_per_facility", "range") if per else rule
    further = rule if per else companion(rule, context, "households_per_facility", "per")
    high, low = (_sites(first, further, households, reading) for reading in ("high", "low"))
    if per:  # the rule of further ones: those beyond the first
        high, low = (high - 1).clip(lower=0), (low - 1).clip(lower=0)
    together = tuple(r for r in (first, further) if r is not None and r is not rule)
    return Duty(rule, "facilities", high, "households", households, low=low, read_with=together)


def _places_or_beds(rule: Rule, context: Context) -> Duty:
    quantity = "beds" if rule.kind.startswith("beds") else "places"
    quantity = "school_places" if UNITS[rule.unit].counts == "school_places" else quantity
    base = rule.base or ("elderly" if quantity == "beds" else "population")
    ruled = context.heads(base)[context.ruled(rule)]
    owed = units_owed(ruled, number(rule), UNITS[rule.unit].per if rule.unit else 1000.0)
    return Duty(rule, quantity, pd.Series(owed, ruled.index), base, ruled)


def _for_employees(rule: Rule, context: Context) -> Duty:
    parks = context.layer("communities")[context.column("communities", "kind") == "park"]
    context.column("communities", "employees")
    employees = counted(parks["employees"], "communities")
    owed = facilities_for_people(employees, number(rule), reading="floor")
    return Duty(rule, "facilities", pd.Series(owed, parks.index), "employees", employees)


def _for_population(rule: Rule, context: Context) -> Duty:
    base = rule.base or "population"
    people = context.heads(base)[context.ruled(rule)]
    return Duty(rule, "facilities", triggered(rule, people).astype(int), base, people)


DUTIES: dict[str, Callable[[Rule, Context], Duty]] = {
    "provision_area_per_100_households": _area,
    "min_floor_area": _least_area,
    "households_per_facility": _facilities,
    "places_per_1000_residents": _places_or_beds,
    "beds_per_1000_elderly": _places_or_beds,
    "employees_per_facility": _for_employees,
    "population_trigger": _for_population,
}
