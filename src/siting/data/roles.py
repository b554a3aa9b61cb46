"""Roles: what a layer is for, and the columns it may have.

All knowledge stands in ``roles.toml``; a role of one's own is a TOML file of the same shape, read
with `Role.from_toml`, so that a third service needs no code.
"""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass, field, fields
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, cast, get_args

from siting.data.headings import PEOPLE, ages, bare, cut, noted, of_another, plain, reduced
from siting.errors import SitingError, some

__all__ = ["Column", "ColumnType", "Role", "list_roles", "role"]

ColumnType = Literal["text", "count", "number", "flag", "share"]

GEOMETRIES = ("Point", "LineString", "Polygon")


@dataclass(frozen=True)
class Column:
    """A canonical column of a role.

    Parameters
    ----------
    name
        Canonical name.
    type
        ``"text"``, ``"count"`` (whole, not negative), ``"number"`` (not negative), ``"flag"`` or
        ``"share"`` (0 to 1).
    zh
        The column's Chinese name.
    meaning_zh, meaning_en
        One line that says what it holds.
    unit
        Unit of the values; empty for text, flags and shares.
    required
        Whether a layer of the role must have it.
    aliases
        Other names that are understood.
    beside
        Names that mean this column only beside another one of what they mean alone: 社区名称 (name of the community)
        beside 小区名称 (name of the estate).
    codes
        Other names, of columns that hold ids; where a layer has one of them, too, it is taken.
    choices
        Allowed values of a text column, each with its aliases; empty when any text will do.
    open
        Whether values beside `choices` may stand.
    many
        Whether a cell may hold several values, joined by ``";"``.
    blank
        Whether a missing number may stay missing.
    divisible
        Whether the number is shared out by length when a line of several parts is split.
    signed
        Whether the number may be negative.
    yes, no
        Words of a flag beside 是 and 否.
    allows_zh, allows_en
        What a layer with the column allows, in a few words.
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
        """All names that are understood, the canonical and the Chinese one first."""
        return tuple(dict.fromkeys(name for name in (self.name, self.zh, *self.aliases, *self.codes) if name))

    def matches(self, source: object) -> bool:
        """Tell whether the column *source* of a file is understood as this one.

        Examples
        --------
        >>> population = role("communities").column("population")
        >>> population.matches("常住人口（人）"), population.matches("人口（户籍）")
        (True, False)
        """
        return self.factor(source) is not None

    def factor(self, source: object) -> float | None:
        """Return what the numbers of the column *source* of a file are multiplied by; None where it is not understood.

        Examples
        --------
        >>> area = role("childcare").column("floor_area")
        >>> area.factor("建筑面积（㎡）"), area.factor("建筑面积（公顷）"), area.factor("建筑面积（套内）")
        (1.0, 10000.0, None)
        """
        if reduced(str(source), self.type) in _reduced_names(self):
            return 1.0
        if self.type in ("text", "flag"):
            name, held = bare(source)
            other = any(of_another(note, self.type) for note in held)
            return 1.0 if held and not other and reduced(name, self.type) in _reduced_names(self) else None
        name, held = noted(source)
        if not held or reduced(name, self.type) not in _reduced_names(self):
            return None
        factors = [1.0 if reduced(note, self.type) in _reduced_names(self) else _unit(self.unit, note) for note in held]
        return None if None in factors else math.prod(cast("list[float]", factors))

    def stands_beside(self, source: object) -> bool:
        """Tell whether the column *source* of a file is this one where another column has what it means alone."""
        return bare(source)[0] in {plain(name) for name in self.beside}

    def doubtful(self, source: object) -> bool:
        """Tell whether *source* would be this column were it not for what its brackets say."""
        return reduced(noted(source)[0], self.type) in _reduced_names(self) and not self.matches(source)

    def coded(self, source: object) -> bool:
        """Tell whether *source* names a column of ids that is taken before others."""
        return any(plain(source) == plain(code) for code in self.codes)

    def rank(self, source: object) -> int:
        """Return how far down in the list of names *source* stands."""
        order = [reduced(name, self.type) for name in self.names]
        said = reduced(str(source), self.type)
        return order.index(said) if said in order else len(order)

    def continues(self, source: object) -> bool:
        """Tell whether *source* is a name of this column that a Shapefile has cut.

        Examples
        --------
        >>> role("childcare").column("open_to_neighbours").continues("open_to_ne")
        True
        """
        left = plain(cut(source))
        return bool(left) and any(spelt.startswith(left) for spelt in _spellings(self))


@dataclass(frozen=True, repr=False)
class Role:
    """What a layer is for: its names, its geometry and its columns.

    Parameters
    ----------
    name
        Name used in code, files and messages.
    zh, en
        Names for people.
    geometry
        Kinds of geometry allowed: ``"Point"``, ``"LineString"``, ``"Polygon"`` (each with its
        multi-part form).
    columns
        The canonical columns, ``id`` first.
    subsets
        Pairs (part, whole): the part must not be above the whole in any row.
    """

    name: str
    zh: str
    en: str
    geometry: tuple[str, ...]
    columns: tuple[Column, ...]
    subsets: tuple[tuple[str, str], ...] = field(default=())

    def __repr__(self) -> str:
        return f"Role({self.name!r}, {'|'.join(self.geometry)}, {len(self.columns)} columns)"

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the columns that a layer must have."""
        return tuple(column.name for column in self.columns if column.required)

    def column(self, name: str) -> Column:
        """Return the column called *name*.

        Raises
        ------
        SitingError
            When the role has no such column.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise SitingError(
            f'role "{self.name}" has no column "{name}"; it has {some((c.name for c in self.columns), most=30)}'
        )

    @classmethod
    def from_toml(cls, path: str | Path) -> Role:
        """Read a role from a TOML file, for a service that the library does not know.

        Parameters
        ----------
        path
            File with ``name``, ``zh``, ``en``, ``geometry`` and ``[columns.*]``, of the shape of
            ``roles.toml``.

        Raises
        ------
        SitingError
            When the file is missing, is no TOML, or does not describe a role.

        Examples
        --------
        >>> import tempfile, pathlib
        >>> text = '''
        ... name = "culture"
        ... zh = "文化设施"
        ... en = "Culture"
        ... geometry = ["Point"]
        ... [columns.capacity]
        ... type = "count"
        ... required = true
        ... zh = "座位"
        ... '''
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = pathlib.Path(folder, "culture.toml")
        ...     _ = file.write_text(text, encoding="utf-8")
        ...     Role.from_toml(file)
        Role('culture', Point, 2 columns)
        """
        file = Path(path)
        try:
            record = tomllib.loads(file.read_text(encoding="utf-8"))
        except OSError as fault:
            raise SitingError(f'role file "{file.name}" cannot be read: {fault.strerror}') from fault
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
            raise SitingError(f'role file "{file.name}" is no TOML in UTF-8: {fault}') from fault
        name = record.pop("name", None)
        if not isinstance(name, str) or not name.isidentifier():
            raise SitingError(f'role file "{file.name}" needs name = "…", one word')
        return _role(name, record)


def role(name: str | Role) -> Role:
    """Return the role called *name*; a `Role` is returned as it is.

    Raises
    ------
    SitingError
        When there is no such role.

    Examples
    --------
    >>> role("communities").required
    ('population',)
    """
    if isinstance(name, Role):
        return name
    known = _roles()
    if name not in known:
        raise SitingError(
            f'there is no role "{name}"; choose one of {some(known, most=20)}, '
            "or give a role of your own from Role.from_toml"
        )
    return known[name]


def list_roles() -> list[str]:
    """Return the names of the roles that the library knows.

    Examples
    --------
    >>> list_roles()[:5]
    ['communities', 'eldercare', 'childcare', 'candidates', 'districts']
    """
    return list(_roles())


def coordinate_names(kind: str) -> frozenset[str]:
    """Names understood for the coordinate *kind*: ``lon``, ``lat``, ``x``, ``y`` or ``wkt``."""
    return frozenset(plain(name) for name in _table()["coordinates"][kind])


@cache
def _spellings(column: Column) -> frozenset[str]:
    """Return how the headings of a column may be written in full, with the words that `reduced` takes off."""
    found = {plain(name) for name in column.names}
    if column.type in ("count", "number"):
        found |= {f"{name}{number}" for name in found for number in ("数", "总数", "数量")}
    if column.type == "flag":
        found |= {f"是否{name}" for name in found}
    for age in {ages(name) for name in column.names} - {""}:
        said = {age, age.replace("岁以上", "岁及以上"), age.replace("岁以上", "岁(含)以上")}
        found |= {f"{one}{people}" for one in said for people in PEOPLE}
    return frozenset(found)


@cache
def _reduced_names(column: Column) -> frozenset[str]:
    return frozenset(reduced(name, column.type) for name in column.names)


@dataclass(frozen=True)
class Doubt:
    """Headings that look like a column and mean something else, and what they mean."""

    column: str
    headings: tuple[str, ...]
    zh: str
    en: str


def doubts(kind: Role) -> tuple[Doubt, ...]:
    """Return the headings that are never taken unasked in a role of the library."""
    names = {column.name for column in kind.columns} if kind.name in _roles() else set()
    return tuple(
        Doubt(entry["column"], tuple(map(plain, entry["headings"])), entry["zh"], entry["en"])
        for entry in _table()["doubt"]
        if entry["column"] in names and kind.name in entry.get("roles", [kind.name])
    )


@cache
def _table() -> dict[str, Any]:
    text = files("siting.data").joinpath("roles.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@cache
def _units() -> dict[str, frozenset[str]]:
    return {unit: frozenset(map(plain, [unit, *names])) for unit, names in _table()["units"].items()}


def unit_word(unit: str, lang: str) -> str:
    """Return the word for a unit of the roles: its Chinese one stands first in the table.

    Examples
    --------
    >>> unit_word("10k yuan", "zh"), unit_word("10k yuan", "en")
    ('万元', '10k yuan')
    """
    return unit if lang == "en" else str(_table()["units"].get(unit, [unit])[0])


def units_of(unit: str) -> list[str]:
    """Return the words for a unit of the roles and for its multiples.

    Examples
    --------
    >>> units_of("beds")[:2], units_of("beds")[-1]
    (['张', '床'], '万张')
    """
    return [*_table()["units"].get(unit, []), *_table()["multiples"].get(unit, {})]


def _unit(unit: str, note: str) -> float | None:
    """Return how many of *unit* one of what *note* names is; None where it names no unit of that kind."""
    if note in _units().get(unit, ()):
        return 1.0
    factor = _multiples().get(unit, {}).get(note)
    return None if factor is None else float(factor)


@cache
def _multiples() -> dict[str, dict[str, float]]:
    return {unit: {plain(note): at for note, at in record.items()} for unit, record in _table()["multiples"].items()}


@cache
def _roles() -> dict[str, Role]:
    kept = ("units", "multiples", "shared", "coordinates", "doubt")
    return {name: _role(name, dict(record)) for name, record in _table().items() if name not in kept}


def _role(name: str, record: dict[str, Any]) -> Role:
    unknown = set(record) - {"zh", "en", "geometry", "columns", "subsets"}
    if unknown:
        raise SitingError(f'role "{name}": unknown keys {some(sorted(unknown))}')
    geometry = tuple(record.get("geometry", ()))
    if not geometry or set(geometry) - set(GEOMETRIES):
        raise SitingError(f'role "{name}": geometry must list some of {some(GEOMETRIES)}')
    columns = tuple(
        _column(name, key, dict(value))
        for key, value in {**_table()["shared"]["columns"], **record.get("columns", {})}.items()
    )
    subsets = tuple((str(part), str(whole)) for part, whole in record.get("subsets", ()))
    strange = {part for pair in subsets for part in pair} - {column.name for column in columns}
    if strange:
        raise SitingError(f'role "{name}": subsets name {some(sorted(strange))}, which are no columns')
    return Role(name, record.get("zh", name), record.get("en", name), geometry, columns, subsets)


def _column(owner: str, name: str, record: dict[str, Any]) -> Column:
    if "like" in record:
        like = str(record.pop("like"))
        other, _, key = like.partition(".")
        known = _table().get(other, {}).get("columns", {})
        if key not in known:
            raise SitingError(f'role "{owner}", column "{name}": like is "{like}", which is no column of a known role')
        record = {**known[key], **record}
    unknown = set(record) - {item.name for item in fields(Column)}
    if unknown:
        raise SitingError(f'role "{owner}", column "{name}": unknown keys {some(sorted(unknown))}')
    if record.get("type") not in get_args(ColumnType):
        raise SitingError(f'role "{owner}", column "{name}": type must be one of {some(get_args(ColumnType))}')
    for key in ("aliases", "beside", "codes", "yes", "no"):
        record[key] = tuple(record.get(key, ()))
    record["choices"] = tuple((key, tuple(names)) for key, names in record.get("choices", {}).items())
    return Column(name=name, type=cast(ColumnType, record.pop("type")), **record)
