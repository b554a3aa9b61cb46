"""What has to fit within one rule: the tables of facilities that it names, speeds, bands and sorts of places."""

from __future__ import annotations

from typing import TYPE_CHECKING

from siting.errors import StandardError, some
from siting.judge.modes import RIDDEN, pace
from siting.judge.units import UNITS

if TYPE_CHECKING:
    from siting.judge.rule import Rule

__all__ = ["PART", "PARTS", "check_parts", "check_places", "timed"]

#: Lists of tables, each of which stands for a facility that is asked for; and the keys that such a table may have.
PARTS = ("each", "any")
PART = (
    "name_zh",
    "name_en",
    "layer",
    "facility_types",
    "excluded_types",
    "where",
    "metres",
    "minutes",
    "metric",
    "mode",
    "speed",
    "any",
)


def timed(rule: Rule) -> bool:
    """Tell whether a limit of a rule, or of one of its parts, is in minutes: metres are as long for everybody."""
    return rule.unit == "min" or any(one.minutes is not None for one in (rule, *rule.counting))


def check_places(rule: Rule) -> None:
    """Keep places of childcare (托位) and of schools and kindergartens (学位) apart."""
    kinds = {"places": ("school_places",), "school_places": ("places", "inclusive_places", "max_places")}
    strange = set(kinds.get(UNITS[rule.unit].counts, ())) & set(rule.column)
    if strange:
        raise StandardError(
            f'rule {rule.id}: unit "{rule.unit}" and column {some(sorted(strange))} are not of one sort; '
            "places (托位) are of childcare, school_places (学位) of kindergartens and schools"
        )


def check_parts(rule: Rule) -> None:
    """Refuse parts that stand beside what they replace, speeds that nobody travels at, and bands that are none."""
    name = f"rule {rule.id}"
    tables = [*rule.each, *rule.any, *(one for at in rule.each for one in at.get("any", ()))]
    if tables and (rule.layer or any(rule.types) or rule.where):
        raise StandardError(
            f"{name}: layer, facility_types and where stand in the tables of each or any, not beside them"
        )
    if len(rule.any) == 1 or any(len(at.get("any", ())) == 1 for at in rule.each):
        raise StandardError(f"{name}: any has one table only; it names facilities of which one is enough")
    for at in tables:
        if {"metres", "minutes"} <= set(at):
            raise StandardError(f"{name}: a table has metres and minutes; give one of them")
    if rule.mode or rule.speed:
        pace(rule.mode, rule.speed, name)
    if rule.mode in RIDDEN and rule.metric == "straight":
        raise StandardError(f'{name}: by {rule.mode} means along the streets; leave out metric = "straight"')
    if rule.residents and not (len(rule.residents) == 2 and 0 < rule.residents[0] <= rule.residents[1]):
        raise StandardError(
            f"{name}: residents is {list(rule.residents)}; give the fewest and the most, as [5000, 12000]"
        )
    for key in PARTS:
        rule.parts(key)
