"""The formats that are read: for each suffix, how the file begins and what reads it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from siting.data import tables
from siting.data.read_gdal import read_gdal, read_layers, read_shapefile
from siting.data.read_parquet import read_parquet
from siting.data.read_workbook import read_excel
from siting.data.source import Source
from siting.errors import LayerError, some

_REMOTE = re.compile(r"://|^[\\/]+vsi|^\\\\\?|^[A-Za-z0-9_]{2,}:", re.IGNORECASE)
_SQLITE, _ZIP, _PARQUET = b"SQLite format 3\x00", b"PK\x03\x04", b"PAR1"


@dataclass(frozen=True)
class Format:
    """A format: its reader, which returns the frame and the layer it chose, and the first bytes of its files."""

    read: Callable[[Source], tuple[Any, str | None]]
    begin: bytes = b""
    #: Whether a file may hold several layers or sheets.
    layers: bool = False
    #: Whether a file is a table, whose places are columns.
    table: bool = False

    def begins(self, head: bytes) -> bool:
        """Whether a file that begins with *head* may be of the format."""
        text = self.begin == b"{"
        return head.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n" if text else b"").startswith(self.begin)


def _csv(source: Source) -> tuple[Any, str | None]:
    return tables.read_csv(source.file, source.encoding, source.name), None


def _excel(source: Source) -> tuple[Any, str | None]:
    return read_excel(source.file, source.layer, source.role, source.name), source.layer


# The one GDAL driver of a suffix opens its files. Others (such as VRT) could open other files.
FORMATS: dict[str, Format] = {
    ".gpkg": Format(partial(read_layers, driver="GPKG"), _SQLITE, layers=True),
    ".geojson": Format(partial(read_gdal, driver="GeoJSON"), b"{"),
    ".json": Format(partial(read_gdal, driver="GeoJSON"), b"{"),
    ".shp": Format(partial(read_shapefile, driver="ESRI Shapefile"), b"\x00\x00\x27\x0a"),
    ".parquet": Format(read_parquet, _PARQUET),
    ".geoparquet": Format(read_parquet, _PARQUET),
    ".csv": Format(_csv, table=True),
    ".xlsx": Format(_excel, _ZIP, layers=True, table=True),
}


def local_file(path: str | Path, role: str) -> tuple[Path, Format]:
    """Return a local file that begins as its suffix says, and its format."""
    text, file = str(path), Path(path)
    if not re.match(r"[A-Za-z]:[\\/]", text) and _REMOTE.search(text):
        raise LayerError(role, f'"{text}" is not a local file; download it first')
    suffix = file.suffix.lower()
    if (kind := FORMATS.get(suffix)) is None:
        kinds = some(FORMATS, most=20)
        raise LayerError(role, f'"{file.name}" is of no kind that is read here; save it as one of {kinds}')
    try:
        with file.open("rb") as handle:
            head = handle.read(4096)
    except OSError as fault:
        raise LayerError(role, f'"{file}" cannot be read: {fault.strerror}') from fault
    if not kind.begins(head):
        damaged = "it is damaged, or a file of another kind renamed"
        raise LayerError(role, f'"{file.name}" does not hold what its suffix {suffix} says; {damaged}')
    return file, kind
