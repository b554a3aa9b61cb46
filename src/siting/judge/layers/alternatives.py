"""Alternative facilities: those that can be counted, and data missing for the others."""

from __future__ import annotations

from collections.abc import Callable

from siting.judge.layers.rule_columns import Missing
from siting.judge.standards.rule import Rule
from siting.judge.wording.sentences import Sentence

__all__ = ["countable", "not_counted"]

Stock = Callable[[Rule, str], object]


def countable(rule: Rule, stock: Stock) -> tuple[tuple[Rule, ...], tuple[Missing, ...]]:
    """Split the facilities of `any` into countable ones and missing data, which are raised if none can be counted."""
    there: list[Rule] = []
    absent: list[Missing] = []
    for one in rule.parts("any"):
        try:
            for layer in () if one.any else one.layers:
                stock(one, layer)
            there.append(one)
        except Missing as missing:
            absent.append(missing)
    if absent and not there:
        raise absent[0]
    return tuple(there), tuple(absent)


def not_counted(rule: Rule, stock: Stock) -> tuple[Sentence, ...]:
    """Write which alternatives of `any` were not counted, and the missing data."""
    rules = [one for one in (rule, *rule.parts("each")) if one.any]
    missing = [one for each in rules for one in countable(each, stock)[1]]
    return tuple(("audit.either_not_counted", {"parts": (one.message,)}) for one in missing)
