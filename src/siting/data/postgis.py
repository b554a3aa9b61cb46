"""Reading and writing layers in a PostGIS database."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from siting.data import roles
from siting.data.check import Missing
from siting.data.datums import crs_name, same_crs
from siting.data.postgis_connection import Database, transaction
from siting.data.postgis_srid import crs_of
from siting.data.read_options import ReadOptions
from siting.data.roles import Role
from siting.errors import LayerError, SitingError, some
from siting.messages import Message

__all__ = ["read_postgis"]

logger = logging.getLogger(__name__)

# Oids of types that are read as they are: logical, bytes, whole numbers, texts, floats, dates, numeric.
# All others are read as the text that the server writes for them.
_NATIVE = {16, 17, 20, 21, 23, 25, 700, 701, 1042, 1043, 1082, 1114, 1184, 1700}
_WHOLE, _LOGICAL, _FLOAT, _NUMERIC, _TIME, _TIME_IN_ZONE = {20, 21, 23}, 16, {700, 701}, 1700, 1114, 1184
_UNTOUCHED = {16, 17, 20, 21, 23, 1082}
# Whole numbers up to here are exact as floats.
_EXACT = 2**53
# The same rows in the same order each time, and no side effects of a query.
_READING = {
    "transaction_read_only": "on",
    "synchronize_seqscans": "off",
    "max_parallel_workers_per_gather": "0",
}


def read_postgis(
    connection: Any,
    role: str | Role | None,
    *,
    table: str | None = None,
    query: str | None = None,
    params: Sequence[Any] | Mapping[str, Any] | None = None,
    schema: str | None = None,
    geometry: str | None = None,
    columns: Mapping[str, str] | None = None,
    crs: Any = None,
    datum: str | None = None,
    missing: Missing = "raise",
    strict: bool = False,
    mapping: str | Path | None = None,
    strip_units: bool | None = None,
    id_prefix: str = "",
    time_limit: float | None = None,
) -> Any:
    r"""Read a layer from a PostGIS database and bring it to the canonical form of its role.

    Parameters
    ----------
    connection
        An address, ``"postgresql://user@host/database"`` or ``"service=name"``, in which ``${NAME}`` stands for an
        environment variable; or a connection of psycopg 3; or an engine or connection of SQLAlchemy with psycopg.
    role
        Name of a role (see `list_roles`), or a `Role`; None returns the rows unchecked, with *crs* and *datum* only.
    table, query
        A table or view by its exact name, or one SELECT; one of the two.
    params
        Values of the placeholders of *query*: ``%s`` with a sequence, ``%(name)s`` with a mapping.
    schema
        Schema of *table*; without it the search path of the connection decides.
    geometry
        The geometry column; required if there are several.
    columns, datum, missing, strict, mapping, strip_units, id_prefix
        As for `read_layer`.
    crs
        The CRS of geometries with SRID 0; it may not contradict another SRID.
    time_limit
        Seconds that a statement may take; 600 when not given, ``math.inf`` for any.

    Returns
    -------
    geopandas.GeoDataFrame
        The layer as `check_layer` returns it; without a role a frame with the index 0, 1, …. ``attrs["source"]`` has
        the names of database and table, and never the address.

    Raises
    ------
    LayerError
        When the database or the table cannot be read, geometries have more than one SRID, or the layer has errors.

    Notes
    -----
    The transaction is read-only, so that a query changes nothing. An empty result has the CRS of its column. Types
    without a counterpart, such as JSON, arrays and enumerations, are read as text.

    Examples
    --------
    >>> homes = read_postgis("service=city", "communities", table="小区")  # doctest: +SKIP
    >>> read_postgis("${CITY_DB}", "childcare", query="SELECT * FROM nurseries WHERE year = %s",
    ...              params=[2025], geometry="geom")  # doctest: +SKIP
    """
    if (table is None) == (query is None):
        raise SitingError(Message("postgis.one_source"))
    if query is None and params is not None:
        raise SitingError(Message("postgis.params"))
    if query is not None and schema is not None:
        raise SitingError(Message("postgis.schema"))
    if role is None and (columns or mapping or strip_units or id_prefix or strict):
        raise SitingError(Message("postgis.needs_role"))
    kind = None if role is None else roles.role(role)
    title = "query" if table is None else ".".join(filter(None, (schema, table)))
    name = f"{kind.name} ({title})" if kind else title
    options = ReadOptions.of(
        kind, name, mapping, columns=columns, crs=crs, datum=datum, missing=missing, strict=strict,
        strip_units=strip_units, id_prefix=id_prefix,
    )  # fmt: skip
    with transaction(connection, name, time_limit=time_limit, settings=_READING) as database:
        asked = _table(database, table, schema, name) if table is not None else _query(query or "")
        frame = _read(database, asked, params, geometry, options.crs, name)
    frame.attrs["source"] = f"{database.name}:{title}"
    return options.checked(frame, frame.attrs["source"])


class _Column(NamedTuple):
    name: str
    oid: int
    modifier: int


def _query(text: str) -> Any:
    from psycopg import sql

    return sql.SQL("(\n{}\n)").format(sql.SQL(text.strip().rstrip(";")))


def geometry_types(database: Database) -> dict[int, str]:
    """Return the oids of the types geometry and geography."""
    asked = (
        "SELECT t.oid, typname FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = typnamespace "
        "WHERE nspname = %s AND typname IN ('geometry', 'geography')"
    )
    return dict(database.cursor.execute(asked, [database.home]).fetchall())


class Relation(NamedTuple):
    """A table or view: its oid, schema, and kind as pg_class has it."""

    oid: int
    schema: str
    kind: str


def relation(database: Database, table: str, schema: str | None) -> Relation | None:
    """Find a table or view by its exact name."""
    where = "pg_catalog.pg_table_is_visible(c.oid)" if schema is None else "nspname = %(schema)s"
    found = database.cursor.execute(
        "SELECT c.oid, nspname, relkind FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n "
        f"ON n.oid = relnamespace WHERE relname = %(table)s AND relkind IN ('r', 'v', 'm', 'f', 'p') AND {where}",
        {"table": table, "schema": schema},
    ).fetchone()
    if found is None:
        return None
    oid, home, kind = found
    return Relation(oid, home, kind.decode() if isinstance(kind, bytes) else kind)


def _table(database: Database, table: str, schema: str | None, name: str) -> Any:
    from psycopg import sql

    found = relation(database, table, schema)
    if found is not None:
        return sql.Identifier(found.schema, table)
    rows = database.cursor.execute(
        "SELECT DISTINCT nspname, relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n "
        "ON n.oid = relnamespace JOIN pg_catalog.pg_attribute a ON attrelid = c.oid "
        "WHERE relkind IN ('r', 'v', 'm', 'f', 'p') AND atttypid = ANY(%s) ORDER BY 1, 2",
        [list(geometry_types(database))],
    ).fetchall()
    absent = Message("postgis.table", database=database.name, table=table)
    if schema:
        absent = Message("postgis.table_in", schema=schema, **absent.values)
    if homes := [home for home, other in rows if other == table]:
        said = Message("postgis.table_elsewhere", absent=absent, homes=homes, home=homes[0], table=table)
        raise LayerError(name, said)
    full = {f"{home}.{other}": (home, other) for home, other in rows}
    if table in full:
        home, other = full[table]
        raise LayerError(name, Message("postgis.table_full", absent=absent, home=home, table=other))
    names = list(dict.fromkeys(other for _, other in rows))
    if near := difflib.get_close_matches(table, names, n=3, cutoff=0.5) or names:
        raise LayerError(name, Message("postgis.table_near", absent=absent, near=near))
    raise LayerError(name, Message("postgis.table_none", absent=absent))


def _read(database: Database, source: Any, params: Any, geometry: str | None, given: Any, name: str) -> Any:
    from psycopg import sql

    cursor, types = database.cursor, geometry_types(database)
    # As a binary query it is one statement: the server refuses a second one behind a semicolon.
    cursor.execute(sql.SQL("SELECT * FROM {} AS source LIMIT 0").format(source), params, binary=True)
    found = [_Column(c.name, c.type_code, cursor.pgresult.fmod(at)) for at, c in enumerate(cursor.description)]
    names = [column.name for column in found]
    if twice := sorted({each for each in names if names.count(each) > 1}):
        raise LayerError(name, Message("postgis.columns_twice", columns=twice))
    shape = _geometry(found, types, geometry, name)
    kept = [column for column in found if column.oid not in types]
    parts = [_selected(column) for column in kept]
    cast = sql.Identifier(database.home, "geometry")
    parts.append(
        sql.SQL("{}({}::{})").format(
            sql.Identifier(database.home, "st_asewkb"), sql.Identifier("source", shape.name), cast
        )
    )
    asked = sql.SQL("SELECT {} FROM {} AS source").format(sql.SQL(", ").join(parts), source)
    rows = cursor.execute(asked, params, binary=True).fetchall()
    values = list(zip(*rows, strict=True)) if rows else [()] * len(parts)
    data = {column.name: _series(cells, column) for column, cells in zip(kept, values[:-1], strict=True)}
    ids = data.get("id")
    shapes, srids = _shapes(values[-1], ids, shape.name, name)
    crs = _system(database, _srid(database, srids, ids, shape, name), shape.name, given, name)
    taken = shape.name if "geometry" in data else "geometry"
    frame = gpd.GeoDataFrame({**data, taken: gpd.array.from_shapely(shapes)}, geometry=taken)
    return frame.set_crs(crs) if crs is not None else frame


def _geometry(columns: Sequence[_Column], types: Mapping[int, str], wanted: str | None, name: str) -> _Column:
    found = {column.name: column for column in columns if column.oid in types}
    if wanted is not None:
        if wanted not in found:
            held = list(found) or Message("data.none")
            raise LayerError(name, Message("postgis.no_such_geometry", column=wanted, found=held))
    elif len(found) > 1:
        raise LayerError(name, Message("postgis.several_geometries", n=len(found), found=list(found)))
    elif not found:
        raise LayerError(name, Message("postgis.no_geometry", found=[column.name for column in columns]))
    chosen = found[wanted or next(iter(found))]
    if len(found) > 1:
        logger.info("%s: other geometry columns were left out: %s", name, some(set(found) - {chosen.name}))
    return chosen


def _selected(column: _Column) -> Any:
    from psycopg import sql

    name = sql.Identifier("source", column.name)
    return name if column.oid in _NATIVE else sql.SQL("{}::text").format(name)


def _series(cells: Sequence[Any], column: _Column) -> pd.Series[Any]:
    whole, oid = None not in cells, column.oid
    if oid in _FLOAT or (oid in _WHOLE and not whole and _exact(cells)):
        return pd.Series(cells, dtype=np.float64)
    if oid in _WHOLE and whole:
        return pd.Series(cells, dtype=np.int64)
    if oid == _LOGICAL and whole:
        return pd.Series(cells, dtype=np.bool_)
    if oid == _NUMERIC:
        return _from_decimals(cells)
    if oid in (_TIME, _TIME_IN_ZONE):
        return pd.Series(pd.to_datetime(pd.Series(cells, dtype=object), utc=oid == _TIME_IN_ZONE))
    objects: pd.Series[Any] = pd.Series(cells, dtype=object)
    return objects if oid in _UNTOUCHED else objects.infer_objects()  # that would make floats of whole numbers


def _exact(cells: Sequence[Any]) -> bool:
    return all(abs(cell) <= _EXACT for cell in cells if cell is not None)


def _from_decimals(cells: Sequence[Decimal | None]) -> pd.Series[Any]:
    """Read decimals as floats; numbers without decimals, which may be ids of many digits, as they are."""
    known = [cell for cell in cells if cell is not None]
    if known and all(cell.is_finite() and cell == cell.to_integral_value() for cell in known):
        whole = [None if cell is None else int(cell) for cell in cells]
        if len(known) == len(cells) and all(abs(int(cell)) < 2**63 for cell in known):
            return pd.Series(whole, dtype=np.int64)
        if not _exact(whole):
            return pd.Series(whole, dtype=object)
    return pd.Series([None if cell is None else float(cell) for cell in cells], dtype=np.float64)


def _label(ids: Any, at: Any) -> Message:
    """Name a row for a message: by its number and, where there is one, the id."""
    if ids is None:
        return Message("cell.row", row=at + 1)
    return Message("postgis.row_id", row=at + 1, id=ids.iloc[at])


def _shapes(cells: Sequence[bytes | None], ids: Any, column: str, name: str) -> tuple[Any, Any]:
    known = np.array([cell is not None for cell in cells], dtype=np.bool_)
    coded = np.empty(len(cells), dtype=object)
    coded[:] = cells
    shapes = np.asarray(shapely.from_wkb(coded, on_invalid="ignore"), dtype=object)
    if (lost := known & shapely.is_missing(shapes)).any():
        rows = [_label(ids, at) for at in np.flatnonzero(lost)]
        raise LayerError(name, Message("postgis.curves", column=column, n=int(lost.sum()), rows=rows))
    return shapely.set_srid(shapes, 0), np.where(known, shapely.get_srid(shapes), -1)


def _srid(database: Database, srids: Any, ids: Any, column: _Column, name: str) -> int:
    """Return the one SRID of the rows, or that of the column when there are none."""
    found, counts = np.unique(srids[srids >= 0], return_counts=True)
    if len(found) > 1:
        most = found[counts.argmax()]
        odd = [
            Message("error.within", where=_label(ids, at), error=int(srids[at]))
            for at in np.flatnonzero((srids >= 0) & (srids != most))
        ]
        facts = {"column": column.name, "srid": int(most), "n": len(odd), "total": len(srids), "rows": odd}
        raise LayerError(name, Message("postgis.mixed_srid", **facts))
    if len(found):
        return int(found[0])
    return typmod_srid(database, column.modifier)


def typmod_srid(database: Database, modifier: int) -> int:
    """Return the SRID that a column is declared with, 0 when with none."""
    from psycopg import sql

    if modifier < 0:
        return 0
    asked = sql.SQL("SELECT {}(%s)").format(sql.Identifier(database.home, "postgis_typmod_srid"))
    return int(database.cursor.execute(asked, [modifier]).fetchone()[0])


def _system(database: Database, srid: int, column: str, given: Any, name: str) -> Any:
    if srid == 0:
        return given
    stored = crs_of(database, srid)
    if stored is None:
        if given is None:
            raise LayerError(name, Message("postgis.undefined_srid", column=column, srid=srid))
        return given
    if given is not None and not same_crs(stored, given):
        said = Message("postgis.contradicted", srid=srid, stored=crs_name(stored), given=crs_name(given))
        raise LayerError(name, said)
    return stored
