"""Which rules of the profiles ask for which columns of a layer."""

from __future__ import annotations

from collections.abc import Iterator

from siting.judge.standards.applies_to import COMMUNITIES
from siting.judge.standards.rule import Rule
from siting.judge.standards.standard import list_standards, load_standard
from siting.measure.services import people_column

__all__ = ["rules_by_column"]

#: Kinds of rules that weigh the communities by the people of the service.
WEIGHED = ("service_radius", "service_time", "coverage_share")


def rules_by_column(layer: str) -> dict[str, list[str]]:
    """Return, for each column of a layer that rules of the profiles name, the ids of the rules that are judged."""
    found: dict[str, list[str]] = {}
    for name in list_standards():
        for rule in load_standard(name):
            if rule.role in ("standard", "target"):
                for column in sorted({column for of, column in _asked(rule) if of == layer}):
                    found.setdefault(column, []).append(rule.id)
    return found


def _asked(rule: Rule) -> Iterator[tuple[str, str]]:
    """List the columns that a rule names, each with its layer."""
    for layer in rule.layers:
        yield from ((layer, column) for column in (*rule.column, *rule.where, *rule.part))
        if rule.facility_types:
            yield layer, "facility_type"
    if rule.of:
        layer, _, column = rule.of.rpartition(".")
        yield layer or rule.layers[0], column
    if rule.base:
        yield "communities", rule.base
    yield from (("communities", column) for column in (*rule.among, *COMMUNITIES.get(rule.applies_to, {})))
    if rule.kind in WEIGHED:
        yield "communities", people_column(rule.service)
