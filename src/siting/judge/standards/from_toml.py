"""Rules and documents from TOML tables, with each key checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from difflib import get_close_matches
from typing import Any

from siting.errors import StandardError
from siting.judge.standards.applies_to import APPLIES
from siting.judge.standards.conditions import conditions_from
from siting.judge.standards.keys import (
    ALSO,
    LISTS,
    NUMBERS,
    PART,
    PARTS,
    TABLES,
    fault_of,
    kind_fault,
    named_fault,
    unlisted,
)
from siting.judge.standards.kinds import KINDS, check_kind
from siting.judge.standards.rule import Document, Rule
from siting.messages import Message
from siting.read_share import PERCENT, share_from

__all__ = ["document_from", "rule_from", "texts", "unknown_keys"]


def document_from(key: str, at: Mapping[str, Any]) -> Document:
    """Make a document of a TOML table; raise `StandardError` when a key is unknown, absent, or of the wrong type."""
    where = Message("standard.document", document=key)
    texts(at, ("title", "number", "issued"), where)
    if "title" not in at:
        raise StandardError(Message("standard.missing", keys=["title"]).within(where))
    return Document(**at)


def unknown_keys(at: Mapping[str, Any], known: Iterable[str]) -> Message | None:
    """Name the keys that are not known, and a known one like the first."""
    known = list(known)
    strange = sorted(set(at) - set(known))
    if not strange:
        return None
    if near := get_close_matches(strange[0], known, n=1):
        return Message("standard.unknown_near", keys=strange, near=near[0])
    return Message("standard.unknown_keys", keys=strange)


def texts(at: Mapping[str, Any], known: Iterable[str], where: str | Message) -> None:
    """Refuse unknown keys, and values other than text."""
    if strange := unknown_keys(at, known):
        raise StandardError(strange.within(where))
    for key, value in at.items():
        if not isinstance(value, str):
            wrong = Message("study.kind", what=key, value=value, kind=Message("study.text"))
            raise StandardError(wrong.within(where))


def rule_from(at: Mapping[str, Any], old: Rule | None = None) -> Rule:
    """Make a rule of a table, or of keys that change an *old* one; raise `StandardError` with the key that is wrong."""
    name = at.get("id", Message("standard.without_id")) if old is None else old.id
    if strange := unknown_keys(at, (f.name for f in fields(Rule))):
        raise fault_of(name, strange.values["keys"][0], strange)
    absent = {"id", "kind", "service", "indicator_zh", "indicator_en"} - set(at)
    if absent and old is None:
        raise fault_of(name, "", Message("standard.missing", keys=sorted(absent)))
    kept = {} if old is None else {f.name: getattr(old, f.name) for f in fields(Rule)}
    percent = _in_percent({**kept, **at})
    read = {key: _value(name, key, _percentage(name, key, value) if percent else value) for key, value in at.items()}
    made = Rule(**{**kept, **read})
    for key, word, known in (("kind", made.kind, KINDS), ("applies_to", made.applies_to, APPLIES)):
        if word not in known:
            raise fault_of(name, key, unlisted(key, word, known))
    for part in made.clause_parts:
        check_kind(part)
    return made


def _in_percent(at: Mapping[str, Any]) -> bool:
    """Return whether the number of a rule is in percent, by its unit or its kind."""
    kind = KINDS.get(str(at["kind"]))
    only_percent = kind is not None and set(kind.units or ()) == {"percent", ""}
    return at.get("unit", "") == "percent" or (only_percent and at.get("unit", "") == "")


def _percentage(rule: str, key: str, value: Any) -> Any:
    """Read a number in percent, with or without the sign; refuse a share, which is a hundred times too small."""
    if key not in ("value", "value_max"):
        return value
    if isinstance(value, str) and (written := PERCENT.fullmatch(value)):
        return float(written[1])
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= 1:
        raise fault_of(rule, key, Message("standard.percent", key=key, value=value, percent=100 * value))
    return value


def _table(rule: str, at: Mapping[str, Any], known: Iterable[str], where: str) -> dict[str, Any]:
    """Read a further part of a clause, or a facility in `each` or `any`."""
    if strange := sorted(set(at) - set(known)):
        raise fault_of(rule, where, Message("standard.unknown_keys_in", where=where, keys=strange, known=known))
    made = {key: _value(rule, key, value) for key, value in at.items()}
    if made.get("kind", next(iter(KINDS))) not in KINDS:
        raise fault_of(rule, where, unlisted("kind", made["kind"], KINDS))
    return made


def _value(rule: str, key: str, value: Any) -> Any:
    """Read the value of a key, or refuse it."""

    def check(fits: bool, kind: Message) -> None:
        if not fits:
            raise kind_fault(rule, key, value, kind)

    listed = isinstance(value, list | tuple)
    if key in NUMBERS:
        check(isinstance(value, int | float) and not isinstance(value, bool), Message("study.number"))
        check(not isinstance(value, int) or abs(value) < 10**300, Message("standard.number"))
        return float(value)
    if key == "year":
        check(isinstance(value, int) and not isinstance(value, bool), Message("standard.year"))
        return value
    if key == "residents":
        check(listed and all(type(n) in (int, float) for n in value), Message("standard.two_numbers"))
        return tuple(float(n) for n in value)
    if key == "also" or key in PARTS:
        example = '{ layer = "elder_schools" }' if key == "also" else '{ layer = "meals", metres = 300 }'
        tables = listed and (key == "also" or value != []) and all(isinstance(one, Mapping) for one in value)
        check(tables, Message("standard.tables", example=example))
        return tuple(_table(rule, one, ALSO if key == "also" else PART, key) for one in value)
    if key in TABLES:
        return conditions_from(rule, key, value)
    if key in LISTS:
        several = [value] if isinstance(value, str) and key in ("layer", "column", "other", "meets") else value
        check(
            isinstance(several, list | tuple) and all(isinstance(one, str) for one in several),
            Message("standard.texts"),
        )
        return tuple(several)
    if key == "share":
        with named_fault(rule, key):
            return share_from(value, "share")
    check(isinstance(value, str), Message("study.text"))
    return value
