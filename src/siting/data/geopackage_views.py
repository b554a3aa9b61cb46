"""Views in a GeoPackage: SQL that runs when the layer is read, written by whoever made the file.

A view may never end (``WITH RECURSIVE``), make texts of any size, or call functions that GDAL adds to SQLite. Each is
tried first with the functions of SQLite alone, within a time and a size.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from pathlib import Path
from urllib.parse import quote

from siting.errors import LayerError
from siting.messages import Message

#: Seconds, rows, bytes of all cells, and bytes of one cell that a view may take.
MOST_SECONDS, MOST_ROWS, MOST_BYTES, MOST_IN_CELL = 10.0, 10_000_000, 2 << 30, 64 << 20
_STEPS = 10_000  # of SQLite's machine between two looks at the clock


def refuse_endless_views(file: Path, layer: str) -> None:
    """Refuse a GeoPackage with views that do not end, or that need more than SQLite."""
    with contextlib.closing(_opened(file, layer)) as database:
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MOST_IN_CELL)
        for (view,) in _rows(database, "SELECT name FROM sqlite_master WHERE type = 'view'", layer):
            _try_view(database, str(view), layer)


def _opened(file: Path, layer: str) -> sqlite3.Connection:
    path = read_only(file)
    try:
        database = sqlite3.connect(path, uri=True)
        try:
            database.execute("SELECT count(*) FROM sqlite_master").fetchall()
        except sqlite3.OperationalError:  # a disk to read only, with a log of changes beside the file
            database.close()
            database = sqlite3.connect(f"{path}&immutable=1", uri=True)
    except (sqlite3.Error, UnicodeDecodeError) as fault:
        raise LayerError(layer, Message("reading.as_geopackage", why=str(fault))) from fault
    return database


def read_only(file: Path) -> str:
    r"""Return the address that SQLite opens a file by, to read it only: also one on a share (``\\server\share``)."""
    return f"file:{quote(os.fsencode(file.resolve()))}?mode=ro"


def _try_view(database: sqlite3.Connection, view: str, layer: str) -> None:
    until = time.monotonic() + MOST_SECONDS
    database.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
    name = _quoted(view)
    try:
        columns = [str(row[1]) for row in database.execute(f"PRAGMA table_info({name})")]
        sizes = " + ".join(f"coalesce(length(CAST({_quoted(column)} AS BLOB)), 0)" for column in columns)
        limited = f"SELECT {sizes or 0} AS size FROM {name} LIMIT {MOST_ROWS + 1}"
        rows, size = database.execute(f"SELECT count(*), coalesce(sum(size), 0) FROM ({limited})").fetchone()
    except sqlite3.Error as fault:
        slow = time.monotonic() > until
        why = Message("reading.view_slow", seconds=MOST_SECONDS) if slow else str(fault)
        raise LayerError(layer, Message("reading.view_unsafe", view=view, why=why, name=name)) from fault
    finally:
        database.set_progress_handler(None, 0)
    if rows > MOST_ROWS or size > MOST_BYTES:
        facts = {"view": view, "rows": MOST_ROWS, "gb": MOST_BYTES >> 30, "name": name}
        raise LayerError(layer, Message("reading.view_large", **facts))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _rows(database: sqlite3.Connection, query: str, layer: str) -> list[tuple[object, ...]]:
    try:
        return database.execute(query).fetchall()
    except (sqlite3.Error, UnicodeDecodeError) as fault:
        raise LayerError(layer, Message("reading.as_geopackage", why=str(fault))) from fault
