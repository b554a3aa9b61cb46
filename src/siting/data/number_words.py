"""Numbers with words around them in a cell: "120个", "1.2万", "约50", "0.5公顷"."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass, field

from siting.data.columns import Column, unit_factor
from siting.data.heading_spelling import normalized
from siting.data.values import number_of
from siting.messages import Message

__all__ = ["Stripped", "split_number", "stripped"]

#: Words that say that a number is rounded, before it, right behind it, and at the end.
_ABOUT = "大约|约为|约|将近|接近|近|左右|~|≈|about|approx[.]?|ca[.]?"
_CELL = re.compile(
    rf"(?P<before>{_ABOUT})?\s*(?P<number>[+-]?\d[\d,. ]*?)\s*(?P<more>余|多|来)?\s*"
    r"(?P<many>[百千万亿]*)(?P<odd>余|多)?\s*(?P<unit>[^\d\s余多来百千万亿](?:[^\d余多来]|(?<=[m^])2)*?)?\s*(?P<behind>左右|上下)?",
    re.IGNORECASE,
)
_MANY = {"百": 100.0, "千": 1_000.0, "万": 10_000.0, "亿": 100_000_000.0}
#: A word for things that are counted, whatever they are.
_ITEM = "个"
#: Units that take no bare 万: of money it is a unit itself.
_OWN_MULTIPLES = "10k yuan"


@dataclass
class Stripped:
    """What was left out of the cells of a column: each word with its number of cells, and the rounded numbers."""

    words: Counter[str] = field(default_factory=Counter)
    rounded: list[Message] = field(default_factory=list)

    @property
    def told(self) -> list[Message]:
        """The words, each with the number of its cells."""
        return [Message("cell.word", word=word, n=count) for word, count in self.words.most_common()]


def split_number(text: object) -> tuple[str, str, tuple[str, ...]] | None:
    """Split a cell into its number, its unit, and words that say it is rounded; None for anything else.

    Examples
    --------
    >>> split_number("约1.2万人"), split_number("５０余"), split_number("50-60"), split_number("不足50")
    (('1.2', '万人', ('约',)), ('50', '', ('余',)), None, None)
    """
    if not isinstance(text, str):
        return None
    match = _CELL.fullmatch(unicodedata.normalize("NFKC", text).strip())
    if match is None:
        return None
    unit = match["many"] + (match["unit"] or "")
    if unit.startswith("(") and unit.endswith(")"):
        unit = unit[1:-1]
    words = (match["before"], match["more"], match["odd"], match["behind"])
    return match["number"], unit.strip(), tuple(word for word in words if word)


def stripped(text: object, column: Column, factor: float = 1.0) -> tuple[float, tuple[str, ...], bool] | None:
    """Return the number of a cell, the words left out, and whether it is rounded; None where a word does not fit.

    *factor* is that of the column's heading, by which all its numbers are multiplied later. A cell with a unit of its
    own is not in that of the heading.

    Examples
    --------
    >>> from siting.data import role
    >>> people, area = role("communities").column("population"), role("eldercare").column("land_area")
    >>> stripped("1.2万", people), stripped("0.5公顷", area), stripped("120户", people)
    ((12000.0, ('万',), False), (5000.0, ('公顷',), False), None)
    """
    parts = split_number(text)
    if parts is None or not (parts[1] or parts[2]):
        return None
    number, unit, rounding = parts
    try:
        value = number_of(number)
    except ValueError:
        return None
    if unit:
        own = _factor(unit, column)
        if not own:
            return None
        value = round(value * own, 6) / factor
    return value, (*rounding, unit) if unit else rounding, bool(rounding)


def _factor(unit: str, column: Column) -> float:
    """Return the factor of a unit in a cell to that of the column; 0 if it does not fit."""
    if factor := unit_factor(column.unit, normalized(unit)):
        return factor
    if not column.unit or column.unit == _OWN_MULTIPLES:
        return 0.0
    many = _MANY.get(unit[0], 1.0)
    rest = unit[1:] if many > 1 else unit
    if not rest or (rest == _ITEM and column.type == "count"):
        return many
    return many * unit_factor(column.unit, normalized(rest))
