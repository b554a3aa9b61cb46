"""Conditions of a mapping on a column of an export."""

from __future__ import annotations

import datetime as dt
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from siting.data.heading_spelling import normalized
from siting.data.values import number_of, text_of
from siting.errors import SitingError
from siting.messages import Message

_COMPARED = re.compile(r"(>=|<=|>|<|!=|=)\s*(.+)")
_WIDE = str.maketrans({"≥": ">=", "≤": "<=", "＞": ">", "＜": "<", "＝": "=", "≠": "!="})
_SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt, "=": operator.eq,
}  # fmt: skip
_DATE = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[T ].*)?|(\d{4})(\d{2})(\d{2})")


@dataclass(frozen=True)
class Condition:
    """A condition on a column: some words, ``"!=注销"``, ``">=2025-06-30"``, ``">0"``, ``"filled"`` or ``"blank"``."""

    heading: str
    words: tuple[str, ...] = ()
    sign: str = ""
    limit: float | dt.date | None = None

    def holds(self, cell: Any) -> bool:
        """Whether a cell fulfils the condition: an empty one only ``"blank"``; else `ValueError` may be raised."""
        text = text_of(cell)
        if self.sign in ("filled", "blank"):
            return bool(text) == (self.sign == "filled")
        if not text:
            return False
        if self.words:
            return (normalized(text) in self.words) != (self.sign == "!=")
        value = date_of(text) if isinstance(self.limit, dt.date) else number_of(cell)
        return _SIGNS[self.sign](value, self.limit)


def read_conditions(heading: str, entry: Any, where: str) -> list[Condition]:
    """Read the conditions on a column: one, or one for each comparison of a list."""
    texts = entry if isinstance(entry, list) else [entry]
    if not texts or not all(isinstance(text, str) and text for text in texts):
        raise SitingError(Message("mapping.condition", where=where, heading=heading, value=entry))
    compared = [_COMPARED.fullmatch(text.translate(_WIDE).strip()) for text in texts]
    if not any(compared):
        if entry in ("filled", "blank"):
            return [Condition(heading, sign=entry)]
        return [Condition(heading, words=tuple(map(normalized, texts)))]
    if not all(compared):
        raise SitingError(Message("mapping.condition_mixed", where=where, heading=heading, texts=texts))
    return [_comparison(heading, match[1], match[2].strip(), where) for match in compared if match]


def _comparison(heading: str, sign: str, text: str, where: str) -> Condition:
    if sign == "!=":
        return Condition(heading, words=(normalized(text),), sign=sign)
    for read in (date_of, number_of):
        try:
            return Condition(heading, sign=sign, limit=read(text))
        except ValueError:
            continue
    raise SitingError(Message("mapping.condition_limit", where=where, heading=heading, text=text))


def date_of(text: str) -> dt.date:
    """Return the day that a text holds; `ValueError` when it holds none."""
    match = _DATE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no date")
    return dt.date(*(int(part) for part in match.groups() if part is not None))
