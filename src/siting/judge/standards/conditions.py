"""Conditions on columns, in the tables `where`, `part` and `among` of a rule."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from typing import Any

from siting.judge.standards.keys import WIDE, fault_of, kind_fault
from siting.messages import Message

__all__ = ["ANY", "COMPARISON", "columns_of", "conditions_from", "key_of"]

#: The key of alternative conditions, of which one is enough.
ANY = "any"
COMPARISON = re.compile(r"\s*(>=|<=|>|<)\s*(-?\d+(?:\.\d+)?)\s*$")


def conditions_from(rule: str, key: str, value: Any) -> dict[str, Any]:
    """Read conditions on columns; `any` has several such tables, of which one is enough."""
    if not isinstance(value, Mapping) or not all(isinstance(v, bool | str | list | tuple) for v in value.values()):
        raise kind_fault(rule, key, value, Message("standard.columns"))
    read = {k: tuple(v) if isinstance(v, list) else _condition(rule, key, k, v) for k, v in value.items() if k != ANY}
    if ANY not in value:
        return read
    if not isinstance(value[ANY], list | tuple) or len(value[ANY]) < 2 or not all(value[ANY]):
        raise kind_fault(rule, key, value[ANY], Message("standard.alternatives"), below=ANY)
    return {**read, ANY: tuple(conditions_from(rule, f"{key}.any", each) for each in value[ANY])}


def _condition(rule: str, key: str, column: str, want: Any) -> Any:
    """Read a condition; one that begins like a comparison must be one."""
    if not isinstance(want, str):
        return want
    plain = want.translate(WIDE)
    if plain.strip()[:1] in tuple("<>=") and not re.fullmatch(r"\s*[<>]=?\s*\d+(\.\d+)?\s*", plain):
        raise fault_of(rule, key, Message("standard.comparison", key=f"{key}.{column}", value=want))
    return plain


def columns_of(wanted: Mapping[str, object]) -> list[str]:
    """List the columns used by conditions."""
    found: list[str] = []
    for name, want in wanted.items():
        found += [column for each in want for column in columns_of(each)] if name == ANY else [name]  # type: ignore[attr-defined]
    return list(dict.fromkeys(found))


def key_of(wanted: Mapping[str, Any]) -> Hashable:
    """Return a cache key of conditions, independent of their order."""
    return frozenset(
        (name, tuple(map(key_of, want)) if name == ANY else tuple(want) if isinstance(want, list) else want)
        for name, want in wanted.items()
    )
