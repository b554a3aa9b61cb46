"""The columns that a layer may have, and their headings, as ``roles.toml`` defines them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from siting.data import heading_spelling
from siting.data.toml_files import package_toml

__all__ = ["Column", "ColumnType"]

ColumnType = Literal["text", "count", "number", "flag", "share"]


@dataclass(frozen=True)
class Column:
    """A canonical column of a role.

    Parameters
    ----------
    name
        Canonical name.
    type
        ``"text"``, ``"count"`` (whole, not negative), ``"number"`` (not negative), ``"flag"`` or ``"share"`` (0 to 1).
    zh
        The column's Chinese name.
    meaning_zh, meaning_en
        One line on its content.
    unit
        Unit of the values; empty for text, flags and shares.
    required
        Whether a layer of the role must have it.
    aliases
        Other names.
    beside
        Names that mean this column only if another column has their usual meaning: 社区名称 (name of the community)
        next to 小区名称 (name of the estate).
    codes
        Other names, of columns of ids; preferred where a layer has one.
    choices
        Allowed values of a text column, each with its aliases; empty when any text is allowed.
    open
        Whether values other than `choices` are allowed.
    many
        Whether a cell may hold several values, joined by ``";"``.
    blank
        Whether a missing number may stay missing.
    divisible
        Whether the number is divided by length when a line of several parts is split.
    signed
        Whether the number may be negative.
    yes, no
        Words of a flag in addition to 是 and 否.
    allows_zh, allows_en
        What the column makes possible, in a few words.
    """

    name: str
    type: ColumnType
    zh: str = ""
    meaning_zh: str = ""
    meaning_en: str = ""
    unit: str = ""
    required: bool = False
    aliases: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    choices: tuple[tuple[str, tuple[str, ...]], ...] = ()
    open: bool = False
    many: bool = False
    blank: bool = False
    divisible: bool = False
    signed: bool = False
    yes: tuple[str, ...] = ()
    no: tuple[str, ...] = ()
    allows_zh: str = ""
    allows_en: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """All names, the canonical and the Chinese one first."""
        return tuple(dict.fromkeys(name for name in (self.name, self.zh, *self.aliases, *self.codes) if name))

    def matches(self, source: object) -> bool:
        """Whether the column *source* of a file is read as this one.

        Examples
        --------
        >>> from siting.data import role
        >>> population = role("communities").column("population")
        >>> population.matches("常住人口（人）"), population.matches("人口（户籍）")
        (True, False)
        """
        return self.factor(source) is not None

    def factor(self, source: object) -> float | None:
        """Return the factor of the numbers of the column *source* of a file; None for an unknown unit.

        Examples
        --------
        >>> from siting.data import role
        >>> area = role("childcare").column("floor_area")
        >>> area.factor("建筑面积（㎡）"), area.factor("建筑面积（公顷）"), area.factor("建筑面积（套内）")
        (1.0, 10000.0, None)
        """
        if self._names(str(source)):
            return 1.0
        words = self.type in ("text", "flag")
        name, notes = heading_spelling.split_brackets(source) if words else heading_spelling.split_unit(source)
        if not notes or not self._names(name):
            return None
        if words:
            return None if any(heading_spelling.names_another(note, self.type) for note in notes) else 1.0
        return math.prod(1.0 if self._names(note) else unit_factor(self.unit, note) for note in notes) or None

    def _names(self, heading: str) -> bool:
        """Whether a heading without its brackets is a name of this column."""
        return heading_spelling.simplified(heading, self.type) in _simplified_names(self)

    def stands_beside(self, source: object) -> bool:
        """Whether the column *source* of a file is this one if another column has its usual meaning."""
        return heading_spelling.split_brackets(source)[0] in map(heading_spelling.normalized, self.beside)

    def doubtful(self, source: object) -> bool:
        """Whether *source* without its brackets would be this column."""
        return self._names(heading_spelling.split_unit(source)[0]) and not self.matches(source)

    def is_code(self, source: object) -> bool:
        """Whether *source* names a preferred column of ids."""
        return heading_spelling.normalized(source) in map(heading_spelling.normalized, self.codes)

    def rank(self, source: object) -> int:
        """Return the position of *source* in the list of names."""
        order = [heading_spelling.simplified(name, self.type) for name in self.names]
        heading = heading_spelling.simplified(str(source), self.type)
        return order.index(heading) if heading in order else len(order)

    def matches_cut(self, source: object) -> bool:
        """Whether *source* is a name of this column that a Shapefile has cut.

        Examples
        --------
        >>> from siting.data import role
        >>> role("childcare").column("open_to_neighbours").matches_cut("open_to_ne")
        True
        """
        left = heading_spelling.normalized(heading_spelling.cut_name(source))
        return bool(left) and any(name.startswith(left) for name in _full_names(self))


@cache
def _simplified_names(column: Column) -> frozenset[str]:
    return frozenset(heading_spelling.simplified(name, column.type) for name in column.names)


@cache
def _full_names(column: Column) -> frozenset[str]:
    """Return the full forms of the headings of a column, with the words that `simplified` removes."""
    names = {heading_spelling.normalized(name) for name in column.names}
    if column.type in ("count", "number"):
        names |= {f"{name}{number}" for name in names for number in ("数", "总数", "数量")}
    if column.type == "flag":
        names |= {f"是否{name}" for name in names}
    for age in {heading_spelling.ages(name) for name in column.names} - {""}:
        spellings = {age, age.replace("岁以上", "岁及以上"), age.replace("岁以上", "岁(含)以上")}
        names |= {f"{one}{people}" for one in spellings for people in heading_spelling.PEOPLE}
    return frozenset(names)


@cache
def roles_table() -> dict[str, Any]:
    """Return the content of ``roles.toml``."""
    return package_toml("roles.toml")


def unit_word(unit: str, lang: str) -> str:
    """Return the word for a unit of the roles: the Chinese one is first in the table."""
    return unit if lang == "en" else str(roles_table()["units"].get(unit, [unit])[0])


def unit_words(unit: str) -> list[str]:
    """Return the words for a unit of the roles and for its multiples."""
    return [*roles_table()["units"].get(unit, []), *roles_table()["multiples"].get(unit, {})]


@cache
def unit_factor(unit: str, note: str) -> float:
    """Return the factor from the unit in *note* to *unit*; 0 if it names no unit of that kind."""
    units = roles_table()["units"]
    if unit in units and note in map(heading_spelling.normalized, (unit, *units[unit])):
        return 1.0
    multiples = roles_table()["multiples"].get(unit, {})
    return next((float(factor) for word, factor in multiples.items() if heading_spelling.normalized(word) == note), 0.0)
