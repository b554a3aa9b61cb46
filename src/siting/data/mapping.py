"""Mappings: how the export of a registration system becomes a layer of a role, as data in TOML.

A mapping says which heading is which canonical column, what the words and units of the export mean, what holds for
every row, and which rows count. `read_layer` takes it as ``mapping=``.
"""

from __future__ import annotations

import datetime as dt
import logging
import operator
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from siting.data.headings import plain
from siting.data.roles import Column, Role, units_of
from siting.data.values import number_of, text_of
from siting.errors import SitingError, some
from siting.numbers import Bools

__all__: list[str] = []

logger = logging.getLogger(__name__)

TABLES = ("role", "layer", "encoding", "crs", "columns", "words", "units", "constants", "flags", "keep")
COORDINATES = ("lon", "lat", "x", "y", "wkt")
_COMPARED = re.compile(r"(>=|<=|>|<|!=|=)\s*(.+)")
_KEY = re.compile(r"""\s*(?:\[\s*)?([^\s"'=\[\]{}#]+)\s*[=\]]""")
_WIDE = str.maketrans({"≥": ">=", "≤": "<=", "＞": ">", "＜": "<", "＝": "=", "≠": "!="})
_SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt, "=": operator.eq,
}  # fmt: skip
_DATE = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[T ].*)?")


@dataclass(frozen=True)
class Condition:
    """What must stand in a column of the export: one of some words, a number or date beyond a limit, anything, nothing.

    Written as a word or a list of words, ``"!=注销"``, ``">=2025-06-30"``, ``">0"``, ``"filled"`` or ``"blank"``.
    """

    heading: str
    words: tuple[str, ...] = ()
    sign: str = ""
    limit: float | dt.date | None = None

    def holds(self, cell: Any) -> bool:
        """Tell whether a cell fulfils the condition; an empty cell fulfils only ``"blank"``.

        Raises
        ------
        ValueError
            When the cell holds no number, or no date, to compare.
        """
        text = text_of(cell)
        if self.sign in ("filled", "blank"):
            return bool(text) == (self.sign == "filled")
        if not text:
            return False
        if self.words:
            return (plain(text) in self.words) != (self.sign == "!=")
        value = date_of(text) if isinstance(self.limit, dt.date) else number_of(cell)
        return _SIGNS[self.sign](value, self.limit)


@dataclass(frozen=True)
class LayerMapping:
    """How an export becomes a layer of a role; made by `from_toml`.

    Attributes
    ----------
    name
        The file that it was read from, for messages.
    role
        The role that it is for.
    options
        ``layer``, ``encoding`` and ``crs`` of `read_layer`, where the mapping names them.
    columns
        Canonical name (also ``lon``, ``lat``, ``x``, ``y``, ``wkt``) → its heading; numbers of several are added up.
    words
        Canonical name → word of the export, as it is compared → what it means.
    units
        Canonical name → what its numbers are multiplied by.
    constants
        Canonical name → what stands in every row.
    flags
        Canonical name → when it is yes.
    keep
        What a row must fulfil to count.
    """

    name: str
    role: str
    options: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    words: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    units: Mapping[str, float] = field(default_factory=dict)
    constants: Mapping[str, Any] = field(default_factory=dict)
    flags: Mapping[str, Condition] = field(default_factory=dict)
    keep: tuple[Condition, ...] = ()

    @classmethod
    def from_toml(cls, path: str | Path, role: Role) -> LayerMapping:
        """Read a mapping for *role*; every table and key is known, or told.

        Raises
        ------
        SitingError
            When the file is missing or no TOML, is for another role, or names a column that the role lacks.
        """
        file = Path(path)
        try:
            data = tomllib.loads(file.read_text(encoding="utf-8-sig"))
        except OSError as fault:
            raise SitingError(f'mapping "{file}" cannot be read: {fault.strerror}') from fault
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
            raise SitingError(f'mapping "{file.name}" is no TOML in UTF-8: {fault}{_unquoted(file)}') from fault
        try:
            return _mapping(file.name, data, role)
        except SitingError as fault:
            raise SitingError(f'mapping "{file.name}": {fault}') from fault

    def apply(self, table: Any, role: Role, layer: str) -> tuple[Any, dict[str, str], dict[str, int]]:
        """Return the rows that count, with words, units, flags and constants as the role means them.

        The index keeps the place of each row, so that messages name the row of the file.

        Returns
        -------
        tuple
            The table; canonical name → its heading there; the rows that were left out, by reason.

        Raises
        ------
        SitingError
            When a heading is not there, or cells cannot be compared: which rows.
        """
        self._ask_for(table)
        kept, dropped = self._kept(table, layer)
        out = table[kept].copy()
        chosen: dict[str, str] = {}
        for name, headings in self.columns.items():
            chosen[name] = headings[0] if len(headings) == 1 else name
            if len(headings) > 1:
                out[name] = self._sum(out, name, headings)
        for name, words in self.words.items():
            out[chosen[name]] = _said(out[chosen[name]], role.column(name), words, layer)
        for name, factor in self.units.items():
            out[chosen[name]] = [_times(cell, factor) for cell in out[chosen[name]].astype(object)]
        for name, condition in self.flags.items():
            out[name] = self._marks(out, condition)
            chosen[name] = name
        for name, value in self.constants.items():
            out[name] = ";".join(map(str, value)) if isinstance(value, list) else value
            chosen[name] = name
        return out, chosen, dropped

    def _ask_for(self, table: Any) -> None:
        asked = [(f"columns.{name}", h) for name, headings in self.columns.items() for h in headings]
        asked += [(f"flags.{name}", condition.heading) for name, condition in self.flags.items()]
        asked += [("keep", condition.heading) for condition in self.keep]
        absent = [f"{where}: {h}{_meant(h, table.columns)}" for where, h in asked if h not in table.columns]
        if absent:
            raise SitingError(
                f'mapping "{self.name}" names columns that the file lacks: {some(absent, 20)}; '
                f"found are {some(table.columns, most=40)}"
            )
        summed = [name for name, headings in self.columns.items() if len(headings) > 1 and name not in headings]
        taken = [name for name in (*summed, *self.constants, *self.flags) if name in table.columns]
        if taken:
            raise SitingError(
                f'mapping "{self.name}" makes columns that the file has: {some(taken)}; take them out of the mapping, '
                "or name them under [columns]"
            )

    def _kept(self, table: Any, layer: str) -> tuple[Bools, dict[str, int]]:
        """Mark the rows that fulfil every condition, and count the others by the first that they do not."""
        kept = np.ones(len(table), dtype=np.bool_)
        dropped: dict[str, int] = {}
        left: dict[str, list[str]] = {}
        for condition in self.keep:
            fits = kept.copy()
            fits[kept] = self._marks(table[kept], condition)
            out = kept & ~fits
            said = table[condition.heading][out].map(lambda cell: text_of(cell) or "(blank)")
            shown = [f"{word} ({count})" for word, count in said.value_counts().items()]
            if out.any():
                dropped[condition.heading] = dropped.get(condition.heading, 0) + int(out.sum())
                left.setdefault(condition.heading, []).extend(shown[:5])
                logger.warning(
                    "%s: %d of %d rows were left out by %s: %s",
                    layer,
                    out.sum(),
                    len(table),
                    condition.heading,
                    some(shown),
                )
            kept = fits
        if len(table) and not kept.any():
            found = some(f"{heading}: {', '.join(words)}" for heading, words in left.items())
            raise SitingError(f'mapping "{self.name}" leaves no row of {len(table)}; left out by [keep] were {found}')
        return kept, dropped

    def _marks(self, table: Any, condition: Condition) -> Bools:
        marks, bad = np.zeros(len(table), dtype=np.bool_), []
        for at, (row, cell) in enumerate(zip(table.index, table[condition.heading].astype(object), strict=True)):
            try:
                marks[at] = condition.holds(cell)
            except ValueError:
                bad.append(f"{_row(row)}: {text_of(cell)[:40]}")
        if bad:
            what = "date such as 2025-06-30" if isinstance(condition.limit, dt.date) else "number"
            raise SitingError(
                f'mapping "{self.name}": "{condition.heading}" holds no {what} in {len(bad)} rows: {some(bad)} '
                "(rows below the header)"
            )
        return marks

    def _sum(self, table: Any, name: str, headings: tuple[str, ...]) -> Any:
        """Add up the numbers of several columns; a row where one is blank stays blank."""
        total, bad = np.zeros(len(table)), []
        for heading in headings:
            for at, (row, cell) in enumerate(zip(table.index, table[heading].astype(object), strict=True)):
                try:
                    total[at] += number_of(cell)
                except ValueError:
                    bad.append(f"{_row(row)}: {text_of(cell)[:40]}")
        if bad:
            raise SitingError(
                f'mapping "{self.name}": columns of "{name}" hold no number in {len(bad)} rows: {some(bad)}'
            )
        return total


def _said(column: Any, canonical: Column, words: Mapping[str, Any], layer: str) -> Any:
    """Bring the words of the export to what they mean; other words stay, and are told where any word would do."""
    texts = [text_of(cell) for cell in column.astype(object)]
    known = {*words, *(plain(to) for to in words.values())}
    others = pd.Series([text for text in texts if text and plain(text) not in known], dtype=object).value_counts()
    if len(others) and canonical.type == "text" and not canonical.choices:
        shown = [f"{word} ({count})" for word, count in others.items()]
        logger.warning(
            '%s: words of "%s" that the mapping does not name stay as they are: %s', layer, canonical.name, some(shown)
        )
    return pd.Series([words.get(plain(text), text or None) for text in texts], index=column.index, dtype=object)


def date_of(text: str) -> dt.date:
    """Return the day that a text holds.

    Raises
    ------
    ValueError
        When it holds none.

    Examples
    --------
    >>> date_of("2025年6月30日"), date_of("2025/6/30"), date_of("2025-06-30T00:00:00")
    (datetime.date(2025, 6, 30), datetime.date(2025, 6, 30), datetime.date(2025, 6, 30))
    """
    found = _DATE.fullmatch(text)
    if found is None and re.fullmatch(r"\d{8}", text):
        found = re.fullmatch(r"(\d{4})(\d{2})(\d{2})", text)
    if found is None:
        raise ValueError(f"{text!r} is no date")
    return dt.date(*map(int, found.groups()))


def _row(label: Any) -> str:
    """Name a row: counted below the header, or by the id that the file gives it."""
    return f"row {label + 1}" if isinstance(label, int) else str(label)


def _times(cell: Any, factor: float) -> Any:
    """Multiply a number; what is none is left to the check of the layer."""
    try:
        return round(number_of(cell) * factor, 6)
    except ValueError:
        return cell


def _mapping(name: str, data: Mapping[str, Any], role: Role) -> LayerMapping:
    unknown = set(data) - set(TABLES)
    if unknown:
        raise SitingError(f"unknown {some(sorted(unknown))}; understood are {some(TABLES, 20)}")
    if data.get("role", role.name) != role.name:
        raise SitingError(f'it is for role "{data["role"]}", not "{role.name}"')
    options = {key: str(data[key]) for key in ("layer", "encoding", "crs") if key in data}
    columns = {key: _headings(key, at) for key, at in _table(data, "columns").items()}
    _known(columns, role, "columns", COORDINATES)
    words, units = _table(data, "words"), _table(data, "units")
    for where, table in (("words", words), ("units", units)):
        loose = [key for key in table if key not in columns]
        if loose:
            raise SitingError(f"[{where}] names {some(loose)}, which [columns] does not; name the heading there")
    constants, flags = _table(data, "constants"), _table(data, "flags")
    _known(constants, role, "constants")
    _known(flags, role, "flags")
    twice = sorted((set(columns) & set(constants)) | (set(columns) & set(flags)) | (set(constants) & set(flags)))
    if twice:
        raise SitingError(f"{some(twice)} stand in two of [columns], [constants] and [flags]")
    return LayerMapping(
        name=name,
        role=role.name,
        options=options,
        columns=columns,
        words={key: {plain(word): to for word, to in _inner(at, f"words.{key}").items()} for key, at in words.items()},
        units={key: _factor(role.column(key), at) for key, at in units.items()},
        constants=constants,
        flags={key: _flag(role.column(key), at) for key, at in flags.items()},
        keep=tuple(made for heading, at in _table(data, "keep").items() for made in _conditions(heading, at, "keep")),
    )


def _table(data: Mapping[str, Any], name: str) -> dict[str, Any]:
    return dict(_inner(data.get(name, {}), name))


def _inner(at: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(at, Mapping):
        raise SitingError(f"{name} is no table; write [{name}]")
    return at


def _headings(name: str, at: Any) -> tuple[str, ...]:
    listed = at if isinstance(at, list) else [at]
    if not listed or not all(isinstance(one, str) and one for one in listed):
        raise SitingError(
            f"columns.{name} is {at!r}; write the heading, or a list of headings whose numbers are added up"
        )
    if len(set(listed)) < len(listed):
        raise SitingError(f"columns.{name} names a heading twice: {some(listed)}; it would be added up twice")
    return tuple(listed)


def _unquoted(file: Path) -> str:
    """Tell of a heading on the left that stands without quotation marks, which TOML asks for unless it is ASCII."""
    for line, text in enumerate(file.read_bytes().decode("utf-8-sig", "replace").splitlines(), start=1):
        key = _KEY.match(text)
        if key and not key[1].isascii():
            return f'; line {line}: {key[1].strip()} needs quotation marks: "{key[1].strip()}" = …'
    return ""


def _meant(word: str, known: Iterable[object]) -> str:
    """Return the nearest of the *known* words, as a question in brackets."""
    by_plain = {plain(one): str(one) for one in known}
    near = get_close_matches(plain(word), list(by_plain), n=1)
    return f" ({by_plain[near[0]]}?)" if near else ""


def _known(table: Mapping[str, Any], role: Role, where: str, more: tuple[str, ...] = ()) -> None:
    names = (*(column.name for column in role.columns), *more)
    strange = [f"{key}{_meant(key, names)}" for key in table if key not in names]
    if strange:
        turned = [f'{at[0]} = "{key}"' for key, at in table.items() if where == "columns" and at[0] in names]
        hint = f"; the canonical name stands first: write {', '.join(turned)}" if turned else ""
        raise SitingError(
            f'[{where}] names {some(strange)}, which role "{role.name}" lacks{hint}; it has {some(names, 60)}'
        )


def _factor(column: Column, unit: Any) -> float:
    factor = column.factor(f"{column.name}({unit})") if isinstance(unit, str) and column.unit else None
    if factor is None:
        raise SitingError(
            f'units.{column.name} is {unit!r}, which is no unit that becomes "{column.unit}"; understood are '
            f"{some(units_of(column.unit), 20) or 'none'}"
        )
    return factor


def _flag(column: Column, at: Any) -> Condition:
    if column.type != "flag":
        raise SitingError(f"flags.{column.name}: the column is no flag; it holds a {column.type}")
    if not isinstance(at, Mapping) or set(at) != {"heading", "is"} or not isinstance(at["heading"], str):
        raise SitingError(f'flags.{column.name}: write {{ heading = "…", is = … }}')
    made = _conditions(at["heading"], at["is"], f"flags.{column.name}")
    if len(made) > 1:
        raise SitingError(f"flags.{column.name}: write one condition")
    return made[0]


def _conditions(heading: str, at: Any, where: str) -> list[Condition]:
    """Read what must stand in a column: one condition, of a list of comparisons each."""
    listed = at if isinstance(at, list) else [at]
    if not listed or not all(isinstance(one, str) and one for one in listed):
        raise SitingError(
            f'{where}: {heading} is {at!r}; write a word, a list of words, a comparison such as ">=2025-06-30", '
            '"filled" or "blank"'
        )
    compared = [_COMPARED.fullmatch(one.translate(_WIDE).strip()) for one in listed]
    if not any(compared):
        if at in ("filled", "blank"):
            return [Condition(heading, sign=at)]
        return [Condition(heading, words=tuple(map(plain, listed)))]
    if not all(compared):
        raise SitingError(f"{where}: {heading} mixes words and comparisons: {some(listed)}; write one sort")
    return [_compared(heading, found[1], found[2].strip(), where) for found in compared if found]


def _compared(heading: str, sign: str, against: str, where: str) -> Condition:
    if sign == "!=":
        return Condition(heading, words=(plain(against),), sign=sign)
    return Condition(heading, sign=sign, limit=_limit(against, f"{where}: {heading}"))


def _limit(text: str, where: str) -> float | dt.date:
    try:
        return date_of(text)
    except ValueError:
        pass
    try:
        return number_of(text)
    except ValueError:
        raise SitingError(f'{where} compares with "{text}", which is neither a number nor a date') from None
