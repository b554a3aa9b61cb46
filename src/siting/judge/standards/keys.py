"""The keys of a rule by type, and the choices of some of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches

from siting.errors import SitingError, StandardError
from siting.judge.standards.travel_modes import MODES
from siting.messages import Message

__all__ = ["ALSO", "CHOICES", "COMPUTING", "JUDGED", "LISTS", "NEAR", "NUMBERS", "ONE_BY_ONE", "PART", "PARTS",
           "PERMITS", "ROWS", "TABLES", "WAY", "WIDE", "fault_of", "kind_fault", "named_fault", "unlisted"]  # fmt: skip

CHOICES: dict[str, tuple[str, ...]] = {
    "operator": (">=", "<=", ">", "<", "=", "~", "range", "per", ""),
    "role": ("standard", "target", "baseline", "forecast", "principle", "project", "context"),
    "scope": ("", "area", "site"),
    # Units that are judged: each row of the communities, or the units that rows belong to.
    "judged_by": ("", "estate", "community", "village", "village_or_community"),
    # What covers a unit: its own facility, one within a walk, or one whose service area contains it.
    "covered_by": ("", "own", "walk", "service_area"),
    "metric": ("", "streets", "straight"),
    "mode": ("", *MODES),
    "reading": ("", "ceil", "floor"),
}
NUMBERS = ("value", "value_max", "otherwise", "metres", "minutes")
LISTS = ("facility_types", "excluded_types", "layer", "column", "other", "other_types", "meets", "rules")
TABLES = ("where", "part", "among", "other_where")
#: Signs as people write them.
WIDE = {ord("≥"): ">=", ord("≤"): "<=", ord("＞"): ">", ord("＜"): "<", ord("＝"): "="}
#: Keys that affect the computation; each kind of rule takes some of them. The others describe any rule.
COMPUTING = (
    "otherwise", "share", "scope", "layer", "facility_types", "excluded_types", "where", "part", "column", "of", "base",
    "among", "other", "other_types", "other_where", "metres", "minutes", "metric", "mode", "speed", "meets",
    "judged_by", "covered_by", "each", "any", "rules", "residents", "reading",
)  # fmt: skip

#: Keys that choose the rows of a layer.
ROWS = ("layer", "facility_types", "excluded_types", "where")
#: Keys that decide which communities are ruled, and how near a facility has to be.
NEAR = ("among", "metres", "minutes")
#: Keys of the measurement of distance.
WAY = ("metric", "mode", "speed")
#: Keys that decide who is judged one by one, and what covers them.
ONE_BY_ONE = ("judged_by", "covered_by")
#: The keys in which a further part of a clause can differ from the first.
ALSO = (*COMPUTING, "excluded_types", "kind", "operator", "value", "value_max", "unit", "applies_to")
#: Words that permit or encourage without an obligation.
PERMITS = ("可", "可适当", "允许", "支持", "鼓励", "倡导")
#: Lists of tables, each for a facility; and the keys of such a table.
PARTS = ("each", "any")
PART = ("name_zh", "name_en", "layer", "facility_types", "excluded_types", "where", "metres", "minutes", "metric",
        "mode", "speed", "any")  # fmt: skip
#: The roles of rules that are judged; the others are shown.
JUDGED = ("standard", "target")


def unlisted(key: str, given: str, known: Iterable[str]) -> Message:
    """Name the possible values of a key, with a suggestion."""
    choices = sorted(filter(None, known))
    if alike := get_close_matches(given, choices, n=1):
        return Message("standard.choose_near", key=key, value=given, near=alike[0], choices=choices)
    return Message("standard.choose", key=key, value=given, choices=choices)


def fault_of(rule: str | Message, key: str, message: str | Message) -> StandardError:
    """Make the error of a key of a rule; the key tells the line of the file."""
    return StandardError(Message("standard.rule", rule=rule, key=key, error=message))


def kind_fault(rule: str, key: str, value: object, kind: Message, *, below: str = "") -> StandardError:
    """Make the error of a value that is not of the *kind* that its key has; *below* is a key of its table."""
    given = Message("study.table") if isinstance(value, Mapping) else value
    what = f"{key}.{below}" if below else key
    return fault_of(rule, key, Message("study.kind", what=what, value=given, kind=kind))


@contextmanager
def named_fault(rule: str, key: str) -> Iterator[None]:
    """Say of which rule and key an error is."""
    try:
        yield
    except SitingError as error:
        raise fault_of(rule, key, error.message) from None
