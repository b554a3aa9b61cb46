"""Facilities of which one is enough: those that can be counted, and what is not there to count the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from siting.judge.layers.columns import Missing
from siting.judge.standards.rule import Rule

__all__ = ["countable", "not_counted"]

#: Returns the rows of a layer that count for a rule, or says what is missing for them.
Stock = Callable[[Rule, str], object]


def countable(rule: Rule, stock: Stock) -> tuple[tuple[Rule, ...], tuple[Missing, ...]]:
    """Part the facilities of `any` into those that can be counted, and what is missing for each of the others.

    Raises
    ------
    Missing
        When none can be.
    """
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


def not_counted(rule: Rule, stock: Stock) -> tuple[tuple[str, Mapping[str, object]], ...]:
    """Say which facilities of `any` were not counted although they would do, and what is missing for it."""
    asked = [one for one in (rule, *rule.parts("each")) if one.any]
    missing = [one for asking in asked for one in countable(asking, stock)[1]]
    return tuple(("audit.either_not_counted", {"parts": (one.message,)}) for one in missing)
