"""What one reading of a rule gives, and the register of the functions that read rules by their kind."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from siting.judge.context import Context
from siting.judge.rule import KINDS, Kind, Rule
from siting.judge.units import DIGITS
from siting.judge.values import Missing, least, ratio
from siting.numbers import Bools

__all__ = [
    "DIGITS",
    "INDICATORS",
    "JUDGED",
    "NEAR",
    "NOTHING",
    "ROWS",
    "WAY",
    "Finding",
    "Said",
    "floor",
    "holds",
    "indicator",
    "lacking",
    "least",
    "number",
    "once",
    "percent",
    "ratio",
    "told",
    "without",
]

Said = tuple[str, Mapping[str, object]]
NOTHING: Said = ("", {})
#: So many units are named in a reason.
MOST_NAMES = 20


@dataclass(frozen=True)
class Finding:
    """What one reading of a rule gives. `basis` and `reason` are keys of the table of labels with their values.

    `target` and `straight` (the value as the crow flies, to compare) are in the unit of `value`; `needed` counts
    `needs`: people, communities, places, … A target that is NaN is no limit: nothing is judged. `units` marks, of the
    communities, districts or facilities that are ruled, those that fulfil the rule. A `status` stands for the one that
    value and target give. `remarks` follow the basis: what was judged instead, what was not looked at. `most` is the
    upper end of a range.
    """

    value: float
    target: float
    unit: str
    operator: str = ">="
    needed: float = 0.0
    needs: str = ""
    metric: str = ""
    straight: float = math.nan
    basis: Said = NOTHING
    reason: Said = NOTHING
    units: pd.Series | None = field(default=None, compare=False)
    status: str = ""
    remarks: tuple[Said, ...] = ()
    most: float = math.nan


Indicator = Callable[[Rule, Context], Iterator[Finding]]
INDICATORS: dict[str, Indicator] = {}
COMPARED = (">=", ">", "=", "<=", "<", "~", "range")
#: Keys that choose the rows of a layer.
ROWS = ("layer", "facility_types", "excluded_types", "where")
#: Keys that say which communities are ruled, and how near a facility has to be.
NEAR = ("among", "metres", "minutes")
#: Keys that say how the way is measured.
WAY = ("metric", "mode", "speed")
#: Keys that say who is judged one by one, and what covers them.
JUDGED = ("judged_by", "covered_by")


def indicator(
    *kinds: str,
    operators: tuple[str, ...] = COMPARED,
    keys: tuple[str, ...] | None = None,
    units: tuple[str, ...] | None = None,
    idle: Callable[[Rule], Iterable[str]] = lambda _rule: (),
) -> Callable[[Indicator], Indicator]:
    """Register a function for rules of these kinds.

    Parameters
    ----------
    kinds
        Words for `kind` in a rule.
    operators, keys, units, idle
        What the rules take, see `siting.judge.rule.Kind`. Without keys or units all are taken.

    Examples
    --------
    >>> @indicator("parks_per_town")
    ... def parks_per_town(rule, context):
    ...     yield Finding(len(context.layer("parks")), number(rule), "facilities", rule.operator)
    >>> _ = INDICATORS.pop("parks_per_town"), KINDS.pop("parks_per_town")
    """

    def register(function: Indicator) -> Indicator:
        for kind in kinds:
            INDICATORS[kind], KINDS[kind] = function, Kind(operators, keys, units, idle)
        return function

    return register


def number(rule: Rule) -> float:
    """Return the number of a rule, or say that the document prints none."""
    if rule.value is None:
        raise Missing("audit.no_value", rule=rule.id)
    return rule.value


def lacking(target: float, operator: str, there: float) -> float:
    """Count how many whole units are still missing to *target*; none where the rule sets no floor."""
    return max(0.0, least(target, operator) - there) if operator in (">=", ">", "=", "range") else math.nan


def floor(operator: str) -> str:
    """Read a bare number, or a range, of facilities or staff as the least that has to be there: more is no fault."""
    return ">=" if operator in ("=", "range") else operator


def holds(value: float, operator: str, target: float, most: float = math.nan) -> bool:
    """Tell whether a value keeps a limit; *most* is the end of a range."""
    return {
        "range": target <= value <= most,
        ">=": value >= target,
        ">": value > target,
        "<=": value <= target,
        "<": value < target,
        "=": value == target,
    }.get(operator, False)


def once(told: Iterable[Said]) -> tuple[Said, ...]:
    """Keep each of what is said once; it holds values that cannot be hashed."""
    kept: list[Said] = []
    for words in told:
        if words not in kept:
            kept.append(words)
    return tuple(kept)


def percent(rule: Rule, part: float, total: float, *, needs: str, basis: Said, reason: Said = NOTHING,
            metric: str = "", target: float | None = None, units: pd.Series | None = None,
            operator: str = "") -> Finding:  # fmt: skip
    """Judge ``100 * part / total`` by the rule's own percentage."""
    wanted = (math.nan if rule.value is None else rule.value) if target is None else target
    operator = operator or rule.operator or ">="
    return Finding(
        value=100 * ratio(part, total),
        target=wanted,
        unit="percent",
        operator=operator,
        needed=math.nan if math.isnan(wanted) else lacking(wanted / 100 * total, operator, part),
        needs=needs,
        metric=metric,
        basis=basis,
        reason=reason,
        units=units,
    )


def told(value: float, unit: str, basis: Said, *, metric: str = "") -> Finding:
    """Return a value that the document gives no limit for: it is shown, not judged."""
    reason: Said = NOTHING if math.isnan(value) else ("audit.no_limit", {})
    return Finding(value, math.nan, unit, "", math.nan, metric=metric, basis=basis, reason=reason)


def without(units: pd.DataFrame, lacks: Bools, key: str = "audit.without",
            besides: Mapping[object, Said] | None = None) -> Said:  # fmt: skip
    """Name the first twenty units that do not fulfil the rule, with what else is said *besides* of each."""
    named = zip(units.index[lacks], np.asarray(units.get("name", units.index), object)[lacks].astype(str), strict=True)
    names = tuple(_with(name, (besides or {}).get(unit, NOTHING)) for unit, name in named)
    if not names:
        return NOTHING
    more = len(names) - MOST_NAMES
    if more <= 0:
        return (key, {"names": names})
    return (f"{key}_more", {"names": names[:MOST_NAMES], "more": more})


def _with(name: str, beside: Said) -> str | Said:
    key, values = beside
    return (key, {**values, "name": name}) if key else name
