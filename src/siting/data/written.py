"""Whether what GDAL wrote is all there: on a full disk some of its writers end early without an error."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sqlite3
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

__all__ = ["check_written", "disk_full_told", "rows_in"]

#: Bytes below which a disk counts as full when a writer fails on it.
LITTLE = 1 << 20
#: Characters of a message of GDAL, which may quote a long statement, that are kept at both ends.
KEPT = 100


@contextlib.contextmanager
def disk_full_told(folder: Path) -> Iterator[None]:
    """Raise an OSError for a full disk where GDAL or SQLite fail on one in their own words."""
    try:
        yield
    except (RuntimeError, sqlite3.Error) as fault:
        words = str(fault)
        if shutil.disk_usage(folder).free < LITTLE or os.strerror(errno.ENOSPC) in words:
            raise _full() from fault
        if len(words) > 3 * KEPT:
            raise RuntimeError(f"{words[:KEPT]} … {words[-KEPT:]}") from fault
        raise


def rows_in(draft: Path, layer: str | None) -> int:
    """Return how many rows a file has, after reading the shape of each: the number that it states may be wrong."""
    import pyogrio

    try:
        return len(pyogrio.read_bounds(draft, layer=layer)[0])
    except IndexError:  # there is no layer
        return 0


def check_written(draft: Path, layer: str, rows: int, shapes: int) -> None:
    """Raise OSError when a file is cut short; *shapes* is how many geometries of the rows are not empty."""
    check = _CHECKS.get(draft.suffix.lower())
    if check is not None and not check(draft, layer, rows, shapes):
        raise _full()


def _full() -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _geopackage_is_whole(draft: Path, layer: str, _rows: int, shapes: int) -> bool:
    """Whether all pages are there, and every geometry is in the spatial index, which GDAL makes last."""
    try:
        with contextlib.closing(sqlite3.connect(draft)) as book:
            if book.execute("PRAGMA quick_check(1)").fetchall() != [("ok",)]:
                return False
            find = "SELECT column_name FROM gpkg_geometry_columns WHERE table_name = ?"
            column = book.execute(find, (layer,)).fetchone()[0]
            index = f"rtree_{layer}_{column}".replace('"', '""')
            return bool(book.execute(f'SELECT count(*) FROM "{index}"').fetchone()[0] == shapes)
    except (sqlite3.Error, TypeError):
        return False


def _shapefile_is_whole(draft: Path, _layer: str, rows: int, _shapes: int) -> bool:
    """Whether the files are as long as their heads say; a table must hold all rows."""
    shp, shx, dbf = (draft.with_suffix(end).read_bytes() for end in (".shp", ".shx", ".dbf"))
    if min(map(len, (shp, shx, dbf))) < 32:
        return False
    before, row = struct.unpack("<HH", dbf[8:12])
    if not before or not row:  # its head is written last
        return False
    long = [2 * struct.unpack(">i", part[24:28])[0] for part in (shp, shx)]
    return bool(len(shp) >= long[0] and len(shx) >= max(long[1], 100 + 8 * rows) and len(dbf) >= before + rows * row)


def _geojson_is_whole(draft: Path, _layer: str, _rows: int, _shapes: int) -> bool:
    with draft.open("rb") as file:
        file.seek(max(0, draft.stat().st_size - 4))
        return file.read() == b"]\n}\n"


_CHECKS: dict[str, Callable[[Path, str, int, int], bool]] = {
    ".gpkg": _geopackage_is_whole,
    ".shp": _shapefile_is_whole,
    ".geojson": _geojson_is_whole,
    ".json": _geojson_is_whole,
}
