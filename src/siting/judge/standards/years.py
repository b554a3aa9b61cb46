"""Rules of a year: standing ones, and the last target of each series that is due."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from siting.judge.standards.keys import JUDGED
from siting.judge.standards.rule import Rule

__all__ = ["due", "later", "series"]


def series(rule: Rule) -> tuple[object, ...]:
    """Return the series of a target: targets of one name and unit for several years."""
    return (rule.service, rule.kind, rule.operator == "per", rule.indicator_zh, rule.applies_to, rule.base, rule.unit)


def due(rules: Iterable[Rule], year: int, numbered: Collection[str] = ()) -> tuple[Rule, ...]:
    """Keep the rules of *year*: targets replace earlier ones if they have a number or are in *numbered*."""
    held = [rule for rule in rules if rule.year is None or rule.year <= year]
    last: dict[tuple[object, ...], int] = {}
    for rule in held:
        if rule.year is not None and rule.role in JUDGED and (rule.value is not None or rule.id in numbered):
            last[series(rule)] = max(rule.year, last.get(series(rule), rule.year))
    return tuple(
        rule
        for rule in held
        if rule.year is None or rule.role not in JUDGED or rule.year >= last.get(series(rule), rule.year)
    )


def later(rules: Iterable[Rule], year: int) -> tuple[Rule, ...]:
    """Keep the rules that are for a later year."""
    return tuple(rule for rule in rules if rule.year is not None and rule.year > year)
