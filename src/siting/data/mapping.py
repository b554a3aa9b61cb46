"""Mappings in TOML: how the export of a registration system becomes a layer of a role.

A mapping has the canonical column of each heading, the meaning of the export's words and units, constants for
every row, and the rows that count. `read_layer` takes it as ``mapping=``.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from siting.data.columns import Column, unit_word, unit_words
from siting.data.heading_spelling import normalized
from siting.data.mapping_conditions import Condition, read_conditions
from siting.data.number_words import Stripped, split_number, stripped
from siting.data.roles import COORDINATES, Role
from siting.data.toml_files import read_toml
from siting.data.values import number_of, read_cells, text_of
from siting.errors import SitingError
from siting.messages import Message
from siting.numbers import Bools, Floats

logger = logging.getLogger(__name__)

#: Keywords of `read_layer` that a mapping may hold, and their types.
OPTIONS = {
    "layer": str,
    "encoding": str,
    "crs": str,
    "datum": str,
    "skip_rows": int,
    "header": int,
    "strip_units": bool,
}
TABLES = ("role", *OPTIONS, "columns", "words", "units", "constants", "flags", "keep")


@dataclass(frozen=True)
class LayerMapping:
    """A mapping from an export to a layer of a role; made by `from_toml`."""

    #: Its file, for messages, and its role.
    name: str
    role: str
    #: Keywords of `read_layer`, where the mapping names them.
    options: Mapping[str, Any] = field(default_factory=dict)
    #: Canonical name (also ``lon``, ``lat``, ``x``, ``y``, ``wkt``) → its heading; numbers of several are added up.
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: Canonical name → word of the export, as compared → its meaning.
    words: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    #: Canonical name → factor of its numbers, constant of every row, and condition of a flag.
    units: Mapping[str, float] = field(default_factory=dict)
    constants: Mapping[str, Any] = field(default_factory=dict)
    flags: Mapping[str, Condition] = field(default_factory=dict)
    #: Conditions of the rows that count.
    keep: tuple[Condition, ...] = ()

    @classmethod
    def from_toml(cls, path: str | Path, role: Role) -> LayerMapping:
        """Read a mapping for *role*; refuse invalid TOML, another role and unknown names."""
        data, name = read_toml(path, Message("data.mapping_file")), Path(path).name
        try:
            return _mapping(name, data, role)
        except SitingError as fault:
            raise SitingError(Message("mapping.within", file=name, error=fault.message)) from fault

    def apply(
        self, table: Any, role: Role, layer: str, *, strip_units: bool = False
    ) -> tuple[Any, dict[str, str], dict[str, int]]:
        """Return the converted rows that count, canonical name → heading, and the rows left out by reason."""
        self._check_headings(table)
        kept, dropped = self._kept(table, layer)
        out = table[kept].copy()  # the index keeps the row of the file, for messages
        chosen: dict[str, str] = {}
        done = Stripped()
        for name, headings in self.columns.items():
            chosen[name] = headings[0] if len(headings) == 1 else name
            if len(headings) > 1:  # a row where one is blank stays blank
                cells = pd.concat([out[heading].astype(object) for heading in headings])
                read = partial(_amount, column=role.column(name), done=done) if strip_units else number_of
                out[name] = (
                    self._read(cells, read, partial(_sum_fault, self.name, name)).reshape(len(headings), -1).sum(axis=0)
                )
        for name, words in self.words.items():
            out[chosen[name]] = _translated(out[chosen[name]], role.column(name), words, layer)
        for name, factor in self.units.items():
            cells = out[chosen[name]].astype(object)
            out[chosen[name]] = [_times(cell, factor, strip_units=strip_units) for cell in cells]
        if done.words:
            logger.warning(Message("mapping.stripped", words=done.told).within(layer))
        made: dict[str, Any] = {name: self._marks(out, condition) for name, condition in self.flags.items()}
        made |= {key: ";".join(map(str, v)) if isinstance(v, list) else v for key, v in self.constants.items()}
        return out.assign(**made), chosen | {name: name for name in made}, dropped

    def _check_headings(self, table: Any) -> None:
        """Refuse headings that the table lacks, and columns to be made that it has."""
        wanted = [(f"columns.{name}", h) for name, headings in self.columns.items() for h in headings]
        wanted += [(f"flags.{name}", condition.heading) for name, condition in self.flags.items()]
        wanted += [("keep", condition.heading) for condition in self.keep]
        if absent := [(where, h) for where, h in wanted if h not in table.columns]:
            columns = [_lacking(where, h, table.columns) for where, h in absent]
            raise SitingError(Message("mapping.lacking", file=self.name, columns=columns, found=list(table.columns)))
        summed = [name for name, headings in self.columns.items() if len(headings) > 1 and name not in headings]
        if taken := [name for name in (*summed, *self.constants, *self.flags) if name in table.columns]:
            raise SitingError(Message("mapping.there", file=self.name, columns=taken))

    def _kept(self, table: Any, layer: str) -> tuple[Bools, dict[str, int]]:
        """Mark the rows that fulfil every condition, and count the others by the first that they do not."""
        kept = np.ones(len(table), dtype=np.bool_)
        dropped: dict[str, int] = defaultdict(int)
        words: dict[str, list[Message]] = defaultdict(list)
        for condition in self.keep:
            heading, fits = condition.heading, kept.copy()
            fits[kept] = self._marks(table[kept], condition)
            out, kept = kept & ~fits, fits
            if out.any():
                counts = table[heading][out].map(text_of).value_counts()
                shown = [
                    Message("mapping.counted", word=word or Message("mapping.blank"), n=n) for word, n in counts.items()
                ]
                dropped[heading] += int(out.sum())
                words[heading] += shown[:5]
                said = Message("mapping.left_out", n=int(out.sum()), total=len(table), heading=heading, words=shown)
                logger.warning(said.within(layer))
        if len(table) and not kept.any():
            reasons = [Message("mapping.reason", heading=heading, words=shown) for heading, shown in words.items()]
            raise SitingError(Message("mapping.none_left", file=self.name, total=len(table), reasons=reasons))
        return kept, dict(dropped)

    def _marks(self, table: Any, condition: Condition) -> Bools:
        said = partial(_marks_fault, self.name, condition)
        return self._read(table[condition.heading], condition.holds, said).astype(np.bool_)

    def _read(self, column: Any, read: Callable[[Any], float], said: Callable[[Any], Message]) -> Floats:
        """Read each cell of a column; refuse those of which *read* raises `ValueError`, with their rows."""
        values, bad = read_cells(column, read)
        if bad:
            raise SitingError(said(bad))
        return values


def _sum_fault(file: str, column: str, rows: list[Message]) -> Message:
    return Message("mapping.sum_no_number", file=file, column=column, n=len(rows), rows=rows)


def _marks_fault(file: str, condition: Condition, rows: list[Message]) -> Message:
    facts = {"file": file, "heading": condition.heading, "n": len(rows), "rows": rows}
    date = isinstance(condition.limit, dt.date)
    return Message("mapping.no_date", **facts) if date else Message("mapping.no_number", **facts)


def _lacking(where: str, heading: str, known: Iterable[object]) -> Message:
    if near := _closest(heading, known):
        return Message("mapping.lacking_near", where=where, heading=heading, near=near)
    return Message("mapping.lacking_one", where=where, heading=heading)


def _translated(column: Any, canonical: Column, words: Mapping[str, Any], layer: str) -> Any:
    """Replace the words of the export by their meaning; other words stay, with a warning in free text."""
    texts = [text_of(cell) for cell in column.astype(object)]
    known = {*words, *(normalized(meaning) for meaning in words.values())}
    others = pd.Series([text for text in texts if text and normalized(text) not in known], dtype=object).value_counts()
    if len(others) and canonical.type == "text" and not canonical.choices:
        shown = [Message("mapping.counted", word=word, n=count) for word, count in others.items()]
        logger.warning(Message("mapping.words_stay", column=canonical.name, words=shown).within(layer))
    return pd.Series([words.get(normalized(text), text or None) for text in texts], index=column.index, dtype=object)


def _times(cell: Any, factor: float, *, strip_units: bool) -> Any:
    """Multiply a number, with words for rounding if asked; other values are left to the check of the layer."""
    parts = split_number(cell) if strip_units else None
    try:
        if parts is not None and parts[2] and not parts[1]:  # the check reads the words, and a unit of its own
            return "约" + repr(round(number_of(parts[0]) * factor, 6))
        return round(number_of(cell) * factor, 6)
    except ValueError:
        return cell


def _amount(cell: Any, column: Column, done: Stripped) -> float:
    """Return the number of a cell that may have words around it."""
    try:
        return number_of(cell)
    except ValueError:
        found = stripped(cell, column)
        if found is None:
            raise
    done.words.update(found[1])
    return found[0]


def _options(data: Mapping[str, Any]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for key in OPTIONS.keys() & data.keys():
        value, kind = data[key], OPTIONS[key]
        if kind is not str and (not isinstance(value, kind) or isinstance(value, bool) != (kind is bool)):
            said = Message("mapping.option_whole", key=key, value=value)
            raise SitingError(Message("mapping.option_flag", key=key, value=value) if kind is bool else said)
        options[key] = kind(value)
    return options


def _mapping(name: str, data: Mapping[str, Any], role: Role) -> LayerMapping:
    if unknown := set(data) - set(TABLES):
        raise SitingError(Message("mapping.unknown", keys=sorted(unknown), known=TABLES))
    if data.get("role", role.name) != role.name:
        raise SitingError(Message("mapping.other_role", given=data["role"], role=role.name))
    tables = {key: _table(data, key) for key in ("columns", "words", "units", "constants", "flags", "keep")}
    columns = {key: _headings(key, entry) for key, entry in tables["columns"].items()}
    for where, more in (("columns", COORDINATES), ("constants", ()), ("flags", ())):
        _check_names(tables[where], role, where, more)
    for where in ("words", "units"):
        if loose := [key for key in tables[where] if key not in columns]:
            raise SitingError(Message("mapping.loose", table=where, names=loose))
    sides = [tables[where].keys() for where in ("columns", "constants", "flags")]
    if twice := sorted({key for one, other in combinations(sides, 2) for key in one & other}):
        raise SitingError(Message("mapping.twice", names=twice))
    words = {key: _table(tables["words"], key, f"words.{key}") for key in tables["words"]}
    return LayerMapping(
        name=name,
        role=role.name,
        options=_options(data),
        columns=columns,
        words={key: {normalized(word): meaning for word, meaning in entry.items()} for key, entry in words.items()},
        units={key: _factor(role.column(key), entry) for key, entry in tables["units"].items()},
        constants=tables["constants"],
        flags={key: _flag(role.column(key), entry) for key, entry in tables["flags"].items()},
        keep=tuple(made for key, entry in tables["keep"].items() for made in read_conditions(key, entry, "keep")),
    )


def _table(data: Mapping[str, Any], key: str, name: str = "") -> dict[str, Any]:
    entry = data.get(key, {})
    if not isinstance(entry, Mapping):
        raise SitingError(Message("mapping.no_table", name=name or key))
    return dict(entry)


def _headings(name: str, entry: Any) -> tuple[str, ...]:
    headings = entry if isinstance(entry, list) else [entry]
    if not headings or not all(isinstance(heading, str) and heading for heading in headings):
        raise SitingError(Message("mapping.heading", name=name, value=entry))
    if len(set(headings)) < len(headings):
        raise SitingError(Message("mapping.heading_twice", name=name, headings=headings))
    return tuple(headings)


def _closest(word: str, known: Iterable[object]) -> str:
    """Return the nearest of the *known* words; "" where none is near."""
    by_key = {normalized(one): str(one) for one in known}
    near = get_close_matches(normalized(word), list(by_key), n=1)
    return by_key[near[0]] if near else ""


def _check_names(table: Mapping[str, Any], role: Role, where: str, more: tuple[str, ...]) -> None:
    """Refuse names that are no columns of the role."""
    names = (*(column.name for column in role.columns), *more)
    if strange := [key for key in table if key not in names]:
        pairs = [(key, _closest(key, names)) for key in strange]
        told = [Message("mapping.near", word=key, near=near) if near else key for key, near in pairs]
        facts = {"table": where, "names": told, "role": role.name, "known": names}
        if swapped := [f'{entry} = "{key}"' for key, entry in table.items() if where == "columns" and entry in names]:
            raise SitingError(Message("mapping.strange_swapped", swapped=swapped, **facts))
        raise SitingError(Message("mapping.strange", **facts))


def _factor(column: Column, unit: Any) -> float:
    factor = column.factor(f"{column.name}({unit})") if isinstance(unit, str) and column.unit else None
    if factor is None:
        word = Message("data.word", zh=unit_word(column.unit, "zh"), en=column.unit)
        known = unit_words(column.unit) or Message("data.none")
        raise SitingError(Message("mapping.unit", column=column.name, value=unit, unit=word, known=known))
    return factor


def _flag(column: Column, entry: Any) -> Condition:
    where = f"flags.{column.name}"
    if column.type != "flag":
        raise SitingError(Message("mapping.no_flag", column=column.name, type=column.type))
    if not isinstance(entry, Mapping) or set(entry) != {"heading", "is"} or not isinstance(entry["heading"], str):
        raise SitingError(Message("mapping.flag_form", where=where))
    conditions = read_conditions(entry["heading"], entry["is"], where)
    if len(conditions) > 1:
        raise SitingError(Message("mapping.flag_several", where=where))
    return conditions[0]
