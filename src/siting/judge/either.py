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
    met, missing, whole = [], [], False
    for one in named:
        try:
            found = list(INDICATORS[one.kind](one, context))
        except Missing as absent:
            missing.append(absent)
            continue
        if all(_met(each, one) for each in found):
            met.append({"zh": one.indicator_zh, "en": one.indicator_en})
            whole |= all(each.status != "part" for each in found)
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
        status="part" if met and not whole else "",
    )


def _met(found: Finding, rule: Rule) -> bool:
    """Tell whether one reading of a rule is met; one that is shown, or says nothing, is not."""
    if found.status not in ("", "met", "part"):
        return False
    most = math.nan if rule.value_max is None else rule.value_max
    return holds(round(found.value, DIGITS), found.operator, round(found.target, DIGITS), most)
