"""The result of one reading of a rule, and the register of functions that compute rules by kind."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from siting.judge.indicators.comparison import holds, lacking, ratio
from siting.judge.layers.context import Context
from siting.judge.layers.rule_columns import Missing
from siting.judge.standards.rule import Rule
from siting.judge.standards.units_of_measure import DIGITS
from siting.judge.wording.sentences import NO_SENTENCE, Sentence
from siting.numbers import Bools

__all__ = ["INDICATORS", "Finding", "indicator", "number", "percent",
           "share_of_units", "shown", "units_message", "without"]  # fmt: skip

MOST_NAMES = 20


@dataclass(frozen=True)
class Finding:
    """The result of one reading of a rule.

    `needed` counts `needs`; a target of NaN is no limit; `straight` is the value by straight lines; `units` marks those
    that fulfil the rule; a `status` replaces the one from value and target; `most` is the upper end of a range.
    """

    value: float
    target: float
    unit: str
    operator: str = ">="
    needed: float = 0.0
    needs: str = ""
    metric: str = ""
    straight: float = math.nan
    basis: Sentence = NO_SENTENCE
    reason: Sentence = NO_SENTENCE
    units: pd.Series | None = field(default=None, compare=False)
    status: str = ""
    remarks: tuple[Sentence, ...] = ()
    most: float = math.nan

    @property
    def judged(self) -> bool:
        """Whether there are a value and a target to compare."""
        return not (self.status or math.isnan(self.value) or math.isnan(self.target))

    @property
    def holds(self) -> bool:
        """Whether the value keeps the target, after rounding."""
        value, target, most = (round(number, DIGITS) for number in (self.value, self.target, self.most))
        return holds(value, self.operator, target, most)


Indicator = Callable[[Rule, Context], Iterator[Finding]]
INDICATORS: dict[str, Indicator] = {}


def indicator(*kinds: str) -> Callable[[Indicator], Indicator]:
    """Register a function for rules of these kinds; see `siting.judge.standards.kinds.KINDS` for their keys.

    Examples
    --------
    >>> @indicator("parks_per_town")
    ... def parks_per_town(rule, context):
    ...     yield Finding(len(context.layer("parks")), number(rule), "facilities", rule.operator)
    >>> _ = INDICATORS.pop("parks_per_town")
    """

    def register(function: Indicator) -> Indicator:
        INDICATORS.update(dict.fromkeys(kinds, function))
        return function

    return register


def number(rule: Rule) -> float:
    """Return the number of a rule; raise if the document prints none."""
    if rule.value is None:
        raise Missing("audit.no_value", rule=rule.id)
    return rule.value


def percent(rule: Rule, part: float, total: float, *, needs: str, basis: Sentence, reason: Sentence = NO_SENTENCE,
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


def units_message(part: float, total: int, of: object) -> Sentence:
    """Write how many units fulfil a rule."""
    return "audit.units", {"part": int(part), "total": total, "of": of}


def share_of_units(rule: Rule, fulfil: pd.Series, of: object, *, needs: str = "facilities", target: float | None = None,
                   operator: str = "", reason: Sentence = NO_SENTENCE) -> Finding:  # fmt: skip
    """Judge the share of units that fulfil the rule."""
    part, total = int(fulfil.sum()), len(fulfil)
    return percent(rule, part, total, needs=needs, target=target, operator=operator, reason=reason, units=fulfil,
                   basis=units_message(part, total, of))  # fmt: skip


def shown(value: float, unit: str, basis: Sentence, *, metric: str = "") -> Finding:
    """Return a value without a limit in the document: it is shown, not judged."""
    reason: Sentence = NO_SENTENCE if math.isnan(value) else ("audit.no_limit", {})
    return Finding(value, math.nan, unit, "", math.nan, metric=metric, basis=basis, reason=reason)


def without(units: pd.DataFrame, lacks: Bools, key: str = "audit.without",
            besides: Mapping[object, Sentence] | None = None) -> Sentence:  # fmt: skip
    """Name the first twenty units that do not fulfil the rule, each with its message of *besides*."""
    names: list[str | Sentence] = list(np.asarray(units.get("name", units.index), object)[lacks].astype(str))
    for place, unit in enumerate(units.index[lacks]):
        if unit in (besides or {}):
            beside, values = (besides or {})[unit]
            names[place] = beside, {**values, "name": names[place]}
    if not names:
        return NO_SENTENCE
    if len(names) <= MOST_NAMES:
        return key, {"names": tuple(names)}
    return f"{key}_more", {"names": tuple(names[:MOST_NAMES]), "more": len(names) - MOST_NAMES}
