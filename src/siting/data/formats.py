"""The formats that are read: for each suffix, how the file begins and what reads it."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from siting.data import tables
from siting.data.file_beginnings import Begins, anything, plain_text, signature, word, xml_root
from siting.data.read_duckdb import read_duckdb
from siting.data.read_dxf import read_dxf
from siting.data.read_gdal import GEODATABASE_TABLE, read_gdal, read_geojson, read_layers, read_shapefile
from siting.data.read_mapinfo import read_mapinfo
from siting.data.read_parquet import read_parquet
from siting.data.read_workbook import read_excel
from siting.data.read_xls import read_xls
from siting.data.read_xml import read_gpx, read_kml, read_kmz
from siting.data.read_zip import read_zip
from siting.data.source import Source
from siting.data.system_errors import system_words
from siting.data.toml_files import package_toml
from siting.errors import LayerError
from siting.messages import Message

_REMOTE = re.compile(r"://|^[\\/]+vsi|^\\\\\?|^[A-Za-z0-9_]{2,}:", re.IGNORECASE)
_ZIP, _OLE = signature(b"PK\x03\x04"), b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@dataclass(frozen=True)
class Format:
    """A format: its reader, which returns the frame and the layer it chose, and how its files begin.

    A frame without geometry is a table, whose places are columns.
    """

    read: Callable[[Source], tuple[Any, str | None]]
    begins: Begins = anything
    #: Whether a file may hold several layers, folders, tables or sheets.
    layers: bool = False
    #: Whether it is a folder.
    folder: bool = False
    #: Whether it is a table of cells, whose first row names the columns.
    header: bool = False


def _csv(source: Source) -> tuple[Any, str | None]:
    return tables.read_csv(source), None


def _excel(source: Source) -> tuple[Any, str | None]:
    return read_excel(source), source.layer


_GEOJSON = Format(partial(read_geojson, driver="GeoJSON"), word(r"\{"))
_PARQUET = Format(read_parquet, signature(b"PAR1"))
_EXCEL = Format(_excel, _ZIP, layers=True, header=True)
# The one GDAL driver of a suffix opens its files. Others (such as VRT) could open other files.
FORMATS: dict[str, Format] = {
    ".gpkg": Format(partial(read_layers, driver="GPKG"), signature(b"SQLite format 3\x00"), layers=True),
    ".gdb": Format(partial(read_layers, driver="OpenFileGDB"), layers=True, folder=True),
    ".geojson": _GEOJSON,
    ".json": _GEOJSON,
    ".shp": Format(partial(read_shapefile, driver="ESRI Shapefile"), signature(b"\x00\x00\x27\x0a")),
    ".zip": Format(read_zip, _ZIP, layers=True),
    ".fgb": Format(partial(read_gdal, driver="FlatGeobuf"), signature(b"fgb\x03fgb")),
    ".parquet": _PARQUET,
    ".geoparquet": _PARQUET,
    ".kml": Format(read_kml, xml_root("kml"), layers=True),
    ".kmz": Format(read_kmz, _ZIP, layers=True),
    ".gpx": Format(read_gpx, xml_root("gpx"), layers=True),
    ".dxf": Format(read_dxf, word(r"(?:999[ \t]*\r?\n.*\n\s*)*0\s+SECTION\b|AutoCAD Binary DXF"), layers=True),
    ".tab": Format(read_mapinfo, word("!table")),
    ".mif": Format(read_mapinfo, word(r"version\b")),
    ".duckdb": Format(read_duckdb, signature(b"DUCK", at=8), layers=True),
    ".csv": Format(_csv, plain_text, header=True),
    ".xlsx": _EXCEL,
    ".xlsm": _EXCEL,
    ".xls": Format(read_xls, signature(_OLE), layers=True, header=True),
}


def local_file(path: str | Path, role: str) -> tuple[Path, Format]:
    """Return a local file that begins as its suffix says, and its format."""
    text, file = str(path), Path(path)
    if not re.match(r"[A-Za-z]:[\\/]", text) and _REMOTE.search(text):
        raise LayerError(role, Message("reading.remote", file=text))
    if (kind := FORMATS.get(file.suffix.lower())) is None:
        said = Message("reading.folder_of_files", file=file.name) if file.is_dir() else _ways_out(file)
        raise LayerError(role, said)
    try:
        _refuse_others(file, kind, role)
        head = b"" if kind.folder else _head(file)
    except LayerError:
        raise
    except (OSError, ValueError) as fault:
        why = system_words(fault) if isinstance(fault, OSError) else str(fault)
        raise LayerError(role, Message("reading.unread", file=file, why=why)) from fault
    if not kind.begins(head):
        facts = {"file": file.name, "suffix": file.suffix, "guess": _looks_like(head)}
        raise LayerError(role, Message("reading.not_suffix", **facts))
    return file, kind


def _ways_out(file: Path) -> Message:
    """Return what a file of a format that is not read is, and the ways to one that is."""
    if record := package_toml("unread_formats.toml").get(file.suffix.lower()):
        words = zip((record["zh"], *record["ways_zh"]), (record["is"], *record["ways"]), strict=True)
        what, one, other = (Message("data.word", zh=zh, en=en) for zh, en in words)
        return Message("reading.unread_format", file=file.name, what=what, one=one, other=other)
    return Message("reading.other_kind", file=file.name, kinds=list(FORMATS))


def _head(file: Path) -> bytes:
    with file.open("rb") as handle:
        return handle.read(4096)


def _refuse_others(file: Path, kind: Format, role: str) -> None:
    """Refuse pipes and devices, which may never end, also beside the file, where GDAL looks for its other parts."""
    mode = file.stat().st_mode
    if stat.S_ISDIR(mode) != kind.folder:
        said = Message("reading.is_folder", file=file.name)
        raise LayerError(role, Message("reading.not_folder", file=file.name) if kind.folder else said)
    if not kind.folder and not stat.S_ISREG(mode):
        raise LayerError(role, Message("reading.pipe", file=file.name))
    if strange := sorted(_strange_parts(file, kind)):
        said = Message("reading.pipes_beside", file=file.name, files=strange)
        raise LayerError(role, Message("reading.pipes_inside", **said.values) if kind.folder else said)
    if kind.folder and not (file / GEODATABASE_TABLE).is_file():
        raise LayerError(role, Message("reading.no_geodatabase", file=file.name, table=GEODATABASE_TABLE))


def _strange_parts(file: Path, kind: Format) -> Iterator[str]:
    """Yield the names of pipes and devices beside a file; a geodatabase has plain files only."""
    with os.scandir(file if kind.folder else file.parent) as entries:
        for entry in entries:
            if kind.folder:
                if not entry.is_file(follow_symlinks=False):
                    yield entry.name
            elif entry.name.startswith((f"{file.stem}.", f"{file.name}-")) and _is_pipe(entry):
                yield entry.name


def _is_pipe(entry: os.DirEntry[str]) -> bool:
    try:
        mode = entry.stat().st_mode
    except OSError:  # a link to nothing
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _looks_like(head: bytes) -> Message:
    """Return what a file may be whose first bytes are not those of its suffix."""
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:512].lower()
    if re.match(rb"<(?:!doctype html|html|table|head|meta)", text):
        return Message("reading.is_web_page")
    if head.startswith(_OLE):
        return Message("reading.is_old_xls")
    known = (suffix for suffix, kind in FORMATS.items() if kind.begins not in (anything, plain_text))
    if kinds := [suffix for suffix in known if FORMATS[suffix].begins(head)]:
        return Message("reading.is_like", kinds=kinds)
    if b"\0" not in head and any(sign in head for sign in (b",", b"\t", b";")):
        return Message("reading.is_text")
    return Message("reading.is_damaged")
