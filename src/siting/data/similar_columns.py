"""What a heading that is not understood may mean, and why it is not taken unasked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import cache
from typing import Any

from siting.data.headings import ages, noted, plain, reduced
from siting.data.roles import Column, Role, doubts, unit_word
from siting.labels import label

__all__: list[str] = []

_RATIO = re.compile(r"(率|占比|比例|比重|百分比|密度)$")
_AGE = re.compile(r"\d+岁")
#: Above which likeness two headings are near (1 is the same), and from which on one is worth naming.
NEAR, NAMED = 0.75, 0.6
MOST = 3


@dataclass(frozen=True)
class Alike:
    """The canonical columns that a heading looks like, the nearest first.

    Attributes
    ----------
    columns
        Their names.
    near
        Whether the first is so near that the heading may well mean it.
    reason
        Why it is not taken: ``"doubt"``, or a key of the labels under ``check``; empty where only the words differ.
    said
        What the words of the reason name, such as ``unit``; of a doubt the words themselves, by language.
    """

    columns: tuple[str, ...] = ()
    near: bool = False
    reason: str = ""
    said: Mapping[str, Any] = field(default_factory=dict)

    def why(self, lang: str) -> str:
        """Say why it is not taken; nothing where only the words differ."""
        if not self.reason:
            return ""
        if self.reason == "doubt":
            return str(self.said[lang])
        said = {**self.said, **({"unit": unit_word(self.said["unit"], lang)} if "unit" in self.said else {})}
        return label(f"check.{self.reason}", lang, **said)


@cache
def alike(role: Role, heading: str) -> Alike:
    """Find the columns of *role* that *heading* looks like.

    Examples
    --------
    >>> from siting.data import role
    >>> alike(role("communities"), "70岁以上老年人口").reason, alike(role("communities"), "实有人口").columns
    ('other_ages', ('population',))
    >>> alike(role("candidates"), "可办的服务").columns[0], alike(role("candidates"), "备注").columns
    ('services', ())
    """
    name, _ = noted(heading)
    for doubt in doubts(role):
        if plain(heading) in doubt.headings or name in doubt.headings:
            return Alike((doubt.column,), near=True, reason="doubt", said={"zh": doubt.zh, "en": doubt.en})
    ranked = sorted(
        ((_likeness(column, heading), -n, column.name) for n, column in enumerate(role.columns)), reverse=True
    )
    found = tuple(name for score, _, name in ranked if score >= NAMED)[:MOST]
    unit = [column for column in role.columns if column.doubtful(heading)]
    if unit:
        first = tuple(column.name for column in unit)
        reason, said = ("brackets", {"unit": unit[0].unit}) if unit[0].unit else ("remark", {})
        return Alike(first, near=True, reason=reason, said=said)
    if found and (_RATIO.search(name) or heading.rstrip(")）").endswith(("%", "％", "‰"))):
        return Alike(found, reason="ratio")
    aged = tuple(column.name for column in role.columns if column.type == "count" and any(map(ages, column.names)))
    if aged and (ages(name) or _AGE.search(name)):
        return Alike(tuple(n for n in found if n in aged) or aged[:MOST], near=True, reason="other_ages")
    return Alike(found, near=bool(found) and ranked[0][0] > NEAR)


def _likeness(column: Column, heading: str) -> float:
    return max(_alike(reduced(name, column.type), reduced(heading, column.type)) for name in column.names)


def _alike(one: str, other: str) -> float:
    """Tell how alike two headings are, from 0 to 1; one that holds the other is as near as it is no longer."""
    short, long = sorted((one, other), key=len)
    if short.isascii() and len(short) < 5:
        return 0.0
    if len(short) > 1 and short in long:
        return 0.5 + len(short) / len(long) / 2
    shared = min(sum(sign in other for sign in one), sum(sign in one for sign in other))
    if 2 * shared < NAMED * (len(one) + len(other)):  # no more can be alike
        return 0.0
    return SequenceMatcher(None, one, other, autojunk=False).ratio()
