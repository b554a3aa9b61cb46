"""Reading MapInfo tables: TAB with its .dat and .map, and MIF with its .mid."""

from __future__ import annotations

import logging
import re
from typing import Any

import pandas as pd

from siting.data.read_gdal import read_through, refuse_parts_missing
from siting.data.shapefile_encoding import BYTES
from siting.data.source import Source
from siting.errors import LayerError
from siting.messages import Message

logger = logging.getLogger(__name__)

#: Code pages to try: that of a file whose character set is known is brought to UTF-8 by GDAL.
_PAGES = ("utf-8", "gb18030")
#: What a TAB file that holds no table of its own says: a view, a seamless table, a picture, a table of a database.
_OTHERS = re.compile(
    rb'^\s*(?:create view|open table|file\s+")|"\\IsSeamless"\s*=\s*"TRUE"|^\s*Type\s+(?!NATIVE\b)\S', re.I | re.M
)
_NEEDED = {".tab": (".dat", ".map", ".id"), ".mif": (".mid",)}


def read_mapinfo(source: Source) -> tuple[Any, str | None]:
    """Read a MapInfo table."""
    if source.suffix == ".tab":
        _refuse_links(source)
    refuse_parts_missing(source, _NEEDED[source.suffix], Message("reading.mapinfo_table"))
    return _decoded(read_through(source, "MapInfo File", None, BYTES), source), None


def _refuse_links(source: Source) -> None:
    """Refuse a TAB file that names other files or a database."""
    text = source.file.read_bytes()
    if link := _OTHERS.search(text):
        line = link[0].decode("latin-1").strip()[:40]
        raise LayerError(source.name, Message("reading.tab_link", line=line))


def _decoded(frame: Any, source: Source) -> Any:
    """Return *frame*, whose names and texts hold bytes, as text."""
    pages = (source.encoding,) if source.encoding else _PAGES
    for page in pages:
        try:
            out = _texts(frame, page)
        except UnicodeDecodeError:
            continue
        except LookupError as fault:
            raise LayerError(source.name, Message("reading.encoding", encoding=page)) from fault
        if page != "utf-8" and not source.encoding:
            logger.info("%s: its text was read as %s", source.name, page)
        return out
    raise LayerError(source.name, Message("reading.not_in_pages", pages=pages))


def _texts(frame: Any, page: str) -> Any:
    out = frame.copy()
    for name in frame.columns.drop(frame.active_geometry_name):
        column = frame[name]
        if pd.api.types.is_object_dtype(column.dtype) or pd.api.types.is_string_dtype(column.dtype):
            out[name] = column.map(lambda cell: _text(cell, page), na_action="ignore")
    return out.rename(columns=lambda name: _text(name, page))


def _text(cell: Any, page: str) -> Any:
    return cell.encode(BYTES).decode(page) if isinstance(cell, str) and not cell.isascii() else cell
