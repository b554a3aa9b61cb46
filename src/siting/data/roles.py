"""Roles: the purpose of a layer, and the columns it may have.

Roles are defined in ``roles.toml``; your own role is a TOML file of the same format, read with
`Role.from_toml`, so that a further service needs no code.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, get_args

from siting.data.columns import Column, ColumnType, roles_table
from siting.data.heading_spelling import normalized
from siting.data.toml_files import read_toml
from siting.errors import SitingError
from siting.messages import Message

__all__ = ["Role", "list_roles", "role"]

GEOMETRIES = ("Point", "LineString", "Polygon")
#: Columns of coordinates.
COORDINATES = ("lon", "lat", "x", "y", "wkt", "wkb", "h3")


@dataclass(frozen=True, repr=False)
class Role:
    """The purpose of a layer: its names, geometry and columns.

    Parameters
    ----------
    name
        Name used in code, files and messages.
    zh, en
        Names for people.
    geometry
        Kinds of geometry allowed: ``"Point"``, ``"LineString"``, ``"Polygon"`` (each with its multi-part form).
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
    subsets: tuple[tuple[str, str], ...] = ()

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
        columns = [column.name for column in self.columns]
        raise SitingError(Message("data.role_lacks", role=self.name, column=name, columns=columns))

    @classmethod
    def from_toml(cls, path: str | Path) -> Role:
        """Read a role from a TOML file, for a service that the library does not have.

        Parameters
        ----------
        path
            File with ``name``, ``zh``, ``en``, ``geometry`` and ``[columns.*]``, of the format of ``roles.toml``.

        Raises
        ------
        SitingError
            When the file is missing, is not TOML, or does not describe a role.

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
        record = read_toml(path, Message("data.role_file"))
        name = record.pop("name", None)
        if not isinstance(name, str) or not name.isidentifier():
            raise SitingError(Message("data.role_name", file=Path(path).name))
        return _role(name, record)


def role(name: str | Role) -> Role:
    """Return the role called *name*; a `Role` is returned unchanged.

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
        raise SitingError(Message("data.no_role", role=name, roles=list(known)))
    return known[name]


def list_roles() -> list[str]:
    """Return the names of the roles of the library.

    Examples
    --------
    >>> list_roles()[:5]
    ['communities', 'eldercare', 'childcare', 'candidates', 'districts']
    """
    return list(_roles())


def coordinate_names(kind: str) -> frozenset[str]:
    """Return the names understood for a coordinate: ``lon``, ``lat``, ``x``, ``y``, ``wkt``, ``wkb`` or ``h3``."""
    return frozenset(normalized(name) for name in roles_table()["coordinates"][kind])


@dataclass(frozen=True)
class Doubt:
    """Headings that look like a column but mean something else, and their meaning."""

    column: str
    headings: tuple[str, ...]
    zh: str
    en: str


def doubts(kind: Role) -> tuple[Doubt, ...]:
    """Return the headings that need the user's choice in a role of the library."""
    names = {column.name for column in kind.columns} if kind.name in _roles() else set()
    return tuple(
        Doubt(entry["column"], tuple(map(normalized, entry["headings"])), entry["zh"], entry["en"])
        for entry in roles_table()["doubt"]
        if entry["column"] in names and kind.name in entry.get("roles", [kind.name])
    )


@cache
def _roles() -> dict[str, Role]:
    others = ("units", "multiples", "shared", "coordinates", "doubt")
    return {name: _role(name, dict(record)) for name, record in roles_table().items() if name not in others}


def _role(name: str, record: dict[str, Any]) -> Role:
    if unknown := set(record) - {"zh", "en", "geometry", "columns", "subsets"}:
        raise SitingError(Message("data.role_keys", role=name, keys=sorted(unknown)))
    geometry = tuple(record.get("geometry", ()))
    if not geometry or set(geometry) - set(GEOMETRIES):
        raise SitingError(Message("data.role_geometry", role=name, kinds=GEOMETRIES))
    records = {**roles_table()["shared"]["columns"], **record.get("columns", {})}
    columns = tuple(_column(name, key, dict(value)) for key, value in records.items())
    subsets = tuple((str(part), str(whole)) for part, whole in record.get("subsets", ()))
    if strange := {part for pair in subsets for part in pair} - {column.name for column in columns}:
        raise SitingError(Message("data.role_subsets", role=name, names=sorted(strange)))
    return Role(name, record.get("zh", name), record.get("en", name), geometry, columns, subsets)


def _column(role_name: str, name: str, record: dict[str, Any]) -> Column:
    if "like" in record:
        like = str(record.pop("like"))
        other, _, key = like.partition(".")
        known = roles_table().get(other, {}).get("columns", {})
        if key not in known:
            raise SitingError(Message("data.role_column_like", role=role_name, column=name, like=like))
        record = {**known[key], **record}
    if unknown := set(record) - {item.name for item in fields(Column)}:
        raise SitingError(Message("data.role_column_keys", role=role_name, column=name, keys=sorted(unknown)))
    if record.get("type") not in get_args(ColumnType):
        raise SitingError(Message("data.role_column_type", role=role_name, column=name, types=get_args(ColumnType)))
    for key in ("aliases", "beside", "codes", "yes", "no"):
        record[key] = tuple(record.get(key, ()))
    record["choices"] = tuple((key, tuple(names)) for key, names in record.get("choices", {}).items())
    return Column(name=name, **record)
