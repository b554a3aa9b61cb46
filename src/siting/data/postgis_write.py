"""Writing layers to a PostGIS database, each completely or not at all."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from siting.data.combine import other_geometries, with_plain_geometry
from siting.data.datums import NO_CRS
from siting.data.postgis import Relation, geometry_types, relation, typmod_srid
from siting.data.postgis_connection import Database, transaction
from siting.data.postgis_srid import srid_of
from siting.errors import LayerError, SitingError
from siting.messages import Message

__all__ = ["write_postgis"]

logger = logging.getLogger(__name__)

#: PostgreSQL cuts longer names, in bytes.
NAME_BYTES = 63
IfExists = Literal["fail", "replace", "append"]


class _Column(NamedTuple):
    """A column to write: its name, its type in the database, and its cells."""

    name: str
    type: str
    cells: Sequence[Any]


def write_postgis(
    frame: Any,
    connection: Any,
    table: str,
    *,
    schema: str | None = None,
    if_exists: IfExists = "fail",
    srid: int | None = None,
    time_limit: float | None = None,
) -> None:
    """Write a layer to a table of a PostGIS database in one transaction: completely or not at all.

    Parameters
    ----------
    frame
        A GeoDataFrame with a CRS. Its index is written as a column (``id``, or the index's own name), and is the
        primary key of a new table where no two are equal.
    connection
        As for `read_postgis`. In an open transaction of yours the layer is written when you commit.
    table
        Name of the table, taken exactly as it is.
    schema
        Its schema; without it, the first of the search path.
    if_exists
        For a table that exists: ``"fail"``, ``"replace"`` its rows, or ``"append"`` to them. A table with the same
        columns and types is emptied and filled, and keeps its views, indexes and rights; another is made anew.
    srid
        The SRID to keep a CRS under that has no exact EPSG code; it is defined in the database where it is not.
    time_limit
        Seconds that a statement may take; 600 when not given, ``math.inf`` for any.

    Raises
    ------
    LayerError
        When the layer has no CRS, or one without an exact EPSG code and no *srid* is given; a name or a cell does not
        fit; or the database does not take it. Nothing has changed then.

    Notes
    -----
    Writers of one table wait for each other. Whoever reads finds the old rows until the new ones are all there.

    Examples
    --------
    >>> write_postgis(homes, "service=city", "homes", if_exists="replace")  # doctest: +SKIP
    """
    name = ".".join(filter(None, (schema, table)))
    if if_exists not in ("fail", "replace", "append"):
        raise SitingError(Message("postgis.if_exists", value=if_exists))
    flat, key = _flat(frame, name)
    columns = [_column(flat[label], flat.index, name) for label in flat.columns if label != "geometry"]
    _refuse_names([table, *filter(None, [schema]), *(column.name for column in columns)], name)
    shapes = _shapes(flat.geometry.array, frame.index, name)
    x, y = shapely.centroid(shapely.box(*flat.total_bounds)).coords[0] if len(flat) else (np.nan, np.nan)
    with transaction(connection, name, time_limit=time_limit, settings={}) as database:
        _wait_for_writers(database, name)
        number = srid_of(database, frame.crs, srid, (x, y), name)
        columns.append(_Column(_geometry_name(columns), f"geometry({_kind(shapes)},{number})", shapes))
        found = relation(database, table, schema)
        if found is None:
            _create(database, schema, table, columns, key)
        elif if_exists == "fail":
            raise LayerError(name, Message("postgis.there"))
        else:
            columns = _into(database, found, table, columns, key, if_exists, name)
        home = schema if found is None else found.schema
        _copy(database, home, table, columns, number)
        if found is None:
            _index(database, home, table, columns)
    logger.info("%s: %d rows written to the database %s", name, len(flat), database.name)


def _flat(frame: Any, name: str) -> tuple[Any, list[str]]:
    """Return a copy with the index as columns and a plain geometry; also the columns of the key."""
    if not isinstance(frame, gpd.GeoDataFrame) or frame.active_geometry_name is None:
        raise LayerError(name, Message("writing.no_frame"))
    if frame.crs is None:
        raise LayerError(name, NO_CRS)
    index, key = frame.index, []
    if isinstance(index, pd.RangeIndex) and index.name is None:
        out = frame.reset_index(drop=True)
    else:
        key = [str(label or ("id" if index.nlevels == 1 else f"level_{n}")) for n, label in enumerate(index.names)]
        if clash := [label for label in key if label in frame.columns]:
            raise LayerError(name, Message("writing.shared_names", names=clash))
        out = frame.reset_index(names=key)
        if not index.is_unique or out[key].isna().any(axis=None):
            key = []
    out = with_plain_geometry(out)
    if strange := [label for label in out.columns if not isinstance(label, str)]:
        raise LayerError(name, Message("writing.text_names", names=strange))
    if len(twice := out.columns[out.columns.duplicated()].unique()):
        raise LayerError(name, Message("column.twice", columns=list(twice)))
    if more := other_geometries(out):
        raise LayerError(name, Message("writing.more_geometry", columns=more))
    out.index = pd.Index([str(label) for label in index])  # for messages
    return out, key


def _refuse_names(names: Sequence[str], name: str) -> None:
    faults = []
    if long := [each for each in names if len(each.encode("utf-8", "replace")) > NAME_BYTES]:
        faults.append(Message("postgis.long_names", most=NAME_BYTES, names=long))
    if bad := [each for each in names if not each or "\x00" in each or not _encodable(each)]:
        faults.append(Message("postgis.bad_names", names=[repr(each) for each in bad]))
    if faults:
        raise LayerError(name, faults)


def _encodable(text: str) -> bool:
    return text.isascii() or text.encode("utf-8", "replace").decode() == text


def _objects(column: pd.Series[Any], change: Callable[[Any], Any]) -> list[Any]:
    known = column.notna().to_numpy()
    return [change(cell) if there else None for cell, there in zip(column.astype(object), known, strict=True)]


# By what pandas infers of the cells: the type of the column, and how a cell becomes what psycopg takes.
_TYPES: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "string": ("text", str),
    "empty": ("text", str),
    "boolean": ("boolean", bool),
    "integer": ("bigint", int),
    "floating": ("double precision", float),
    "mixed-integer-float": ("double precision", float),
    "decimal": ("numeric", lambda cell: cell),
    "bytes": ("bytea", bytes),
    "date": ("date", lambda cell: cell),
    "datetime": ("timestamp without time zone", lambda cell: pd.Timestamp(cell).to_pydatetime()),
    "datetime64": ("timestamp without time zone", lambda cell: pd.Timestamp(cell).to_pydatetime(warn=False)),
}


def _column(column: pd.Series[Any], labels: Any, name: str) -> _Column:
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    inferred = pd.api.types.infer_dtype(column, skipna=True)
    if inferred not in _TYPES:
        known = column[column.notna().to_numpy()]
        types = sorted({type(cell).__name__ for cell in known})
        facts = {"column": column.name, "types": types, "kind": inferred, "key": repr(column.name)}
        raise LayerError(name, Message("postgis.no_type", **facts))
    kind, change = _TYPES[inferred]
    cells = _objects(column, change)
    if inferred.startswith("datetime") and any(cell.tzinfo for cell in cells if cell is not None):
        kind = "timestamp with time zone"
    if kind == "text" and not _all_encodable(cells):
        bad = [label for label, cell in zip(labels, cells, strict=True) if cell and not _all_encodable([cell])]
        facts = {"column": column.name, "n": len(bad), "total": len(cells), "rows": bad}
        raise LayerError(name, Message("postgis.bad_characters", **facts))
    return _Column(str(column.name), kind, cells)


def _all_encodable(texts: Sequence[str | None]) -> bool:
    joined = "".join(filter(None, texts))
    return "\x00" not in joined and _encodable(joined)


def _shapes(shapes: Any, labels: Any, name: str) -> Any:
    """Return the shapes, flat where not all have heights; coordinates must be finite."""
    shapes = np.asarray(shapes, dtype=object)
    coordinates, row = shapely.get_coordinates(shapes, return_index=True)
    if len(bad := np.unique(row[~np.isfinite(coordinates).all(axis=1)])):
        raise LayerError(name, Message("shape.endless", n=len(bad), total=len(shapes), rows=list(labels[bad])))
    high = shapely.has_z(shapes)
    if high.any() and not high[~shapely.is_missing(shapes)].all():
        logger.warning(Message("postgis.some_heights", n=int(high.sum()), total=len(shapes)).within(name))
        return shapely.force_2d(shapes)
    return shapes


def _kind(shapes: Any) -> str:
    known = shapes[~shapely.is_missing(shapes)]
    kinds = {shape.geom_type for shape in known}
    kind = kinds.pop() if len(kinds) == 1 else "Geometry"
    return ("LineString" if kind == "LinearRing" else kind) + ("Z" if len(known) and shapely.has_z(known).all() else "")


def _geometry_name(columns: Sequence[_Column]) -> str:
    taken = {column.name for column in columns}
    return next(name for name in ("geom", "geometry", "siting_geometry") if name not in taken)


def _wait_for_writers(database: Database, name: str) -> None:
    """Let one writer of a table in at a time, also of one that is not there yet."""
    database.cursor.execute("SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtext(%s))", [f"siting:{name}"])


def _identifier(schema: str | None, table: str) -> Any:
    from psycopg import sql

    return sql.Identifier(*filter(None, (schema, table)))


def _type(database: Database, kind: str) -> Any:
    from psycopg import sql

    if not kind.startswith("geometry"):
        return sql.SQL(kind)
    return sql.SQL("{}.").format(sql.Identifier(database.home)) + sql.SQL(kind)


def _create(database: Database, schema: str | None, table: str, columns: Sequence[_Column], key: Sequence[str]) -> None:
    from psycopg import sql

    parts = [sql.SQL("{} {}").format(sql.Identifier(each.name), _type(database, each.type)) for each in columns]
    if key:
        parts.append(sql.SQL("PRIMARY KEY ({})").format(sql.SQL(", ").join(map(sql.Identifier, key))))
    asked = sql.SQL("CREATE TABLE {} ({})").format(_identifier(schema, table), sql.SQL(", ").join(parts))
    database.cursor.execute(asked)


def _index(database: Database, schema: str | None, table: str, columns: Sequence[_Column]) -> None:
    from psycopg import sql

    operators = sql.Identifier(database.home, "gist_geometry_ops_2d")
    asked = sql.SQL("CREATE INDEX ON {} USING gist ({} {})")
    database.cursor.execute(asked.format(_identifier(schema, table), sql.Identifier(columns[-1].name), operators))


def _into(
    database: Database, found: Relation, table: str, columns: list[_Column], key: Sequence[str], how: str, name: str
) -> list[_Column]:
    """Make a table that exists ready; return the columns as it calls them."""
    from psycopg import sql

    if found.kind not in ("r", "p"):
        raise LayerError(name, Message("postgis.view"))
    cursor, full = database.cursor, _identifier(found.schema, table)
    # Others go on reading, and no one else writes.
    cursor.execute(sql.SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(full))
    there = _there(database, found)
    shape = [label for label, kind in there.items() if kind.startswith("geometry")]
    if len(shape) == 1:
        columns = [*columns[:-1], columns[-1]._replace(name=shape[0])]
    same = there == {column.name: column.type for column in columns}
    if how == "append":
        _refuse_other_columns(there, columns, name)
        _refuse_other_srid(database, found, full, columns[-1], name)
    elif same:
        cursor.execute(sql.SQL("DELETE FROM {}").format(full))
    else:
        cursor.execute(sql.SQL("DROP TABLE {}").format(full))
        _create(database, found.schema, table, columns, key)
        logger.warning(Message("postgis.made_anew").within(name))
        _index(database, found.schema, table, columns)
    return columns


def _there(database: Database, found: Relation) -> dict[str, str]:
    rows = database.cursor.execute(
        "SELECT attname, pg_catalog.format_type(atttypid, atttypmod) FROM pg_catalog.pg_attribute "
        "WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped ORDER BY attnum", [found.oid],
    ).fetchall()  # fmt: skip
    return {label: kind.rpartition(".")[2] for label, kind in rows}


def _refuse_other_columns(there: dict[str, str], columns: Sequence[_Column], name: str) -> None:
    if absent := [column.name for column in columns if column.name not in there]:
        raise LayerError(name, Message("postgis.table_lacks", columns=absent, found=list(there)))


def _refuse_other_srid(database: Database, found: Relation, full: Any, column: _Column, name: str) -> None:
    """Refuse to mix systems in a column that is declared for any."""
    from psycopg import sql

    number = int(column.type.rpartition(",")[2].rstrip(")"))
    row = database.cursor.execute(
        "SELECT atttypmod, atttypid FROM pg_catalog.pg_attribute WHERE attrelid = %s AND attname = %s",
        [found.oid, column.name],
    ).fetchone()
    declared = typmod_srid(database, row[0]) if row[1] in geometry_types(database) else 0
    asked = sql.SQL("SELECT DISTINCT {}({}) FROM {} WHERE {} IS NOT NULL").format(
        sql.Identifier(database.home, "st_srid"), sql.Identifier(column.name), full, sql.Identifier(column.name)
    )
    stored = {declared} if declared else {srid for (srid,) in database.cursor.execute(asked).fetchall()}
    if stored - {number}:
        raise LayerError(name, Message("postgis.table_srid", stored=sorted(stored), srid=number))


def _copy(database: Database, schema: str | None, table: str, columns: Sequence[_Column], srid: int) -> None:
    from psycopg import sql

    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in columns)
    asked = sql.SQL("COPY {} ({}) FROM STDIN").format(_identifier(schema, table), names)
    shapes = columns[-1].cells
    known = ~shapely.is_missing(shapes)
    coded = np.full(len(shapes), None, dtype=object)
    coded[known] = shapely.to_wkb(shapely.set_srid(shapes[known], srid), hex=True, include_srid=True)
    with database.cursor.copy(asked) as copy:
        for row in zip(*(column.cells for column in columns[:-1]), coded, strict=True):
            copy.write_row(row)
