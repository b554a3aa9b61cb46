"""Rules and documents from TOML tables, with each key checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from siting.errors import StandardError, some
from siting.judge.standards.applies_to import APPLIES
from siting.judge.standards.conditions import conditions_from
from siting.judge.standards.keys import ALSO, LISTS, NUMBERS, PART, PARTS, TABLES, unlisted
from siting.judge.standards.kinds import KINDS, check_kind
from siting.judge.standards.rule import Document, Rule
from siting.read_share import PERCENT, share_from

__all__ = ["document_from", "only", "rule_from", "texts"]


def document_from(key: str, at: Mapping[str, Any]) -> Document:
    """Make a document of a TOML table; raise `StandardError` when a key is unknown, absent, or of the wrong type."""
    texts(at, ("title", "number", "issued"), f"document {key}")
    if "title" not in at:
        raise StandardError(f"document {key}: no title")
    return Document(**at)


def only(at: Mapping[str, Any], known: Iterable[str], what: str) -> None:
    """Refuse keys that are not known."""
    unknown = set(at) - set(known)
    if unknown:
        raise StandardError(f"{what} {some(sorted(unknown))}")


def texts(at: Mapping[str, Any], known: Iterable[str], where: str) -> None:
    """Refuse unknown keys, and values other than text."""
    only(at, known, f"{where}: unknown keys")
    for key, value in at.items():
        if not isinstance(value, str):
            raise StandardError(f"{where}: {key} is {value!r}, not text")


def rule_from(at: Mapping[str, Any], old: Rule | None = None) -> Rule:
    """Make a rule of a table, or of keys that change an *old* one; raise `StandardError` with the key that is wrong."""
    name = str(at.get("id", "without id") if old is None else old.id)
    only(at, (f.name for f in fields(Rule)), f"rule {name}: unknown keys")
    absent = {"id", "kind", "service", "indicator_zh", "indicator_en"} - set(at)
    if absent and old is None:
        raise StandardError(f"rule {name}: no {some(sorted(absent))}")
    kept = {} if old is None else {f.name: getattr(old, f.name) for f in fields(Rule)}
    percent = _in_percent({**kept, **at})
    read = {key: _value(name, key, _percentage(name, key, value) if percent else value) for key, value in at.items()}
    made = Rule(**{**kept, **read})
    for key, word, known in (("kind", made.kind, KINDS), ("applies_to", made.applies_to, APPLIES)):
        if word not in known:
            raise StandardError(f"rule {name}: {unlisted(key, word, known)}")
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
        raise StandardError(f"rule {rule}: {key} is {value:g} with a unit of percent; write {100 * value:.10g}, or, "
                            f'if so few are meant, "{value:g} %"')  # fmt: skip
    return value


def _table(rule: str, at: Mapping[str, Any], known: Iterable[str], where: str) -> dict[str, Any]:
    """Read a further part of a clause, or a facility in `each` or `any`."""
    only(at, known, f"rule {rule}: unknown keys in {where}")
    made = {key: _value(rule, key, value) for key, value in at.items()}
    if made.get("kind", next(iter(KINDS))) not in KINDS:
        raise StandardError(f"rule {rule}: {unlisted('kind', made['kind'], KINDS)}")
    return made


def _value(rule: str, key: str, value: Any) -> Any:
    """Read the value of a key, or refuse it."""

    def check(fits: bool, what: str) -> None:
        if not fits:
            raise StandardError(f"rule {rule}: {key} is {value!r}, not {what}")

    listed = isinstance(value, list | tuple)
    if key in NUMBERS:
        check(isinstance(value, int | float) and not isinstance(value, bool), "a number")
        check(not isinstance(value, int) or abs(value) < 10**300, "a number below 1e300")
        return float(value)
    if key == "year":
        check(isinstance(value, int) and not isinstance(value, bool), "a year such as 2025")
        return value
    if key == "residents":
        check(listed and all(type(n) in (int, float) for n in value), "two numbers, such as [5000, 12000]")
        return tuple(float(n) for n in value)
    if key == "also" or key in PARTS:
        example = '{ layer = "elder_schools" }' if key == "also" else '{ layer = "meals", metres = 300 }'
        tables = listed and (key == "also" or value != []) and all(isinstance(one, Mapping) for one in value)
        check(tables, f"a list of tables, such as [{example}]")
        known, where = (ALSO, "`also`:") if key == "also" else (PART, key)
        return tuple(_table(rule, one, known, where) for one in value)
    if key in TABLES:
        return conditions_from(rule, key, value)
    if key in LISTS:
        several = [value] if isinstance(value, str) and key in ("layer", "column", "other", "meets") else value
        check(isinstance(several, list | tuple) and all(isinstance(one, str) for one in several), "a list of texts")
        return tuple(several)
    if key == "share":
        return share_from(value, f"rule {rule}: share", StandardError)
    check(isinstance(value, str), "text")
    return value
