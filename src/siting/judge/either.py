"""Rules of which one is enough: met where one of those that it names is met."""

from __future__ import annotations

import math
from collections.abc import Iterator

from siting.judge.context import Context
from siting.judge.finding import DIGITS, INDICATORS, Finding, holds, indicator
from siting.judge.rule import Rule
from siting.judge.values import Missing

__all__ = ["one_of"]


@indicator("one_of", operators=("",), keys=("rules",), units=("",))
def one_of(rule: Rule, context: Context) -> Iterator[Finding]:
    """Count the rules named in `rules` that are met in this area; one is enough.

    Where none is met and one cannot be computed, nothing can be said, and what is missing is that rule's.
    """
    named = [one for one in context.rules if one.id in rule.rules]
    met, missing = [], []
    for one in named:
        try:
            if all(_met(found, one) for found in INDICATORS[one.kind](one, context)):
                met.append({"zh": one.indicator_zh, "en": one.indicator_en})
        except Missing as absent:
            missing.append(absent)
    if missing and not met:
        raise missing[0]
    said = {"total": len(named), "parts": tuple(met)}
    yield Finding(
        value=float(len(met)),
        target=1.0,
        unit="rules",
        needed=0.0 if met else 1.0,
        needs="rules",
        basis=("audit.any_of" if met else "audit.none_of", said),
    )


def _met(found: Finding, rule: Rule) -> bool:
    most = math.nan if rule.value_max is None else rule.value_max
    return holds(round(found.value, DIGITS), found.operator, round(found.target, DIGITS), most)
