"""Columns that a heading resembles, and why it is not read as one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import cache
from typing import Any

from siting.data.columns import Column, unit_word
from siting.data.heading_spelling import ages, normalized, simplified, split_unit
from siting.data.roles import Role, doubts
from siting.labels import label

_RATIO = re.compile(r"(率|占比|比例|比重|百分比|密度)$")
_AGE = re.compile(r"\d+岁")
#: Similarity (1 is equal) above which two headings are near, and from which one is named.
NEAR, NAMED = 0.75, 0.6
MOST = 3


@dataclass(frozen=True)
class Similar:
    """The canonical columns that a heading resembles, the nearest first."""

    columns: tuple[str, ...] = ()
    #: Whether the heading probably means the first.
    near: bool = False
    #: Why it is not used: ``"doubt"``, or a key of the labels under ``check``; empty if only the words differ.
    reason: str = ""
    #: Values of the reason, such as ``unit``; for a doubt the words, by language.
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def nearest(self) -> str:
        """The nearest column; empty where there is none."""
        return self.columns[0] if self.columns else ""

    def why(self, lang: str) -> str:
        """Return why it is not used; "" if only the words differ."""
        if not self.reason:
            return ""
        if self.reason == "doubt":
            return str(self.values[lang])
        unit = {"unit": unit_word(self.values["unit"], lang)} if "unit" in self.values else {}
        return label(f"check.{self.reason}", lang, **{**self.values, **unit})


@cache
def similar_columns(role: Role, heading: str) -> Similar:
    """Find the columns of *role* that *heading* resembles."""
    name, _ = split_unit(heading)
    for doubt in doubts(role):
        if normalized(heading) in doubt.headings or name in doubt.headings:
            return Similar((doubt.column,), near=True, reason="doubt", values={"zh": doubt.zh, "en": doubt.en})
    likeness = {column.name: _likeness(column, heading) for column in role.columns}
    ranked = sorted(likeness, key=lambda name: -likeness[name])
    columns = tuple(name for name in ranked if likeness[name] >= NAMED)[:MOST]
    if doubtful := [column for column in role.columns if column.doubtful(heading)]:
        reason, values = ("brackets", {"unit": doubtful[0].unit}) if doubtful[0].unit else ("remark", {})
        return Similar(tuple(column.name for column in doubtful), near=True, reason=reason, values=values)
    if columns and (_RATIO.search(name) or heading.rstrip(")）").endswith(("%", "％", "‰"))):
        return Similar(columns, reason="ratio")
    aged = tuple(column.name for column in role.columns if column.type == "count" and any(map(ages, column.names)))
    if aged and (ages(name) or _AGE.search(name)):
        return Similar(tuple(n for n in columns if n in aged) or aged[:MOST], near=True, reason="other_ages")
    return Similar(columns, near=bool(columns) and likeness[ranked[0]] > NEAR)


def _likeness(column: Column, heading: str) -> float:
    return max(_alike(simplified(name, column.type), simplified(heading, column.type)) for name in column.names)


def _alike(one: str, other: str) -> float:
    """Return the similarity of two headings, 0 to 1; for one inside the other, the ratio of lengths."""
    short, long = sorted((one, other), key=len)
    if short.isascii() and len(short) < 5:
        return 0.0
    if len(short) > 1 and short in long:
        return 0.5 + len(short) / len(long) / 2
    shared = min(sum(sign in other for sign in one), sum(sign in one for sign in other))
    if 2 * shared < NAMED * (len(one) + len(other)):  # no more can be alike
        return 0.0
    return SequenceMatcher(None, one, other, autojunk=False).ratio()
