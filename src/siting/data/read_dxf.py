"""Reading drawings in DXF: points, lines, and closed polylines as polygons."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import shapely

from siting.data import tables
from siting.data.kind_words import kind_word
from siting.data.read_gdal import read_through, without_empty
from siting.data.source import Source
from siting.errors import LayerError
from siting.messages import Message

logger = logging.getLogger(__name__)

_BINARY = b"AutoCAD Binary DXF"
#: From this version on, the text of a drawing is UTF-8, whatever its code page says.
_UNICODE = "AC1021"
_BLOCK = re.compile(rb"^[ \t]*0[ \t]*\r?\n[ \t]*BLOCK[ \t]*\r?$", re.M)
_HEADER = re.compile(rb"^[ \t]*2[ \t]*\r?\n[ \t]*HEADER[ \t]*\r?$", re.M)
#: An empty one: without any, GDAL takes all text for Latin letters, whatever encoding it is given.
_NO_VARIABLES = b"0\nSECTION\n2\nHEADER\n0\nENDSEC\n"
#: Flags of a block that stands in another file, as a reference or an overlay of one.
_EXTERNAL = 4 | 8
_COLUMNS = {"Layer": "drawing_layer", "Text": "text", "EntityHandle": "id", "BlockName": "block"}
_KINDS = {"Point": (0, 4), "LineString": (1, 5), "Polygon": (3, 6)}


def read_dxf(source: Source) -> tuple[Any, str | None]:
    """Read what a layer of a drawing holds for the role; a closed line is a polygon where the role may have one."""
    data = source.content()
    if data.startswith(_BINARY):
        raise LayerError(source.name, Message("reading.dxf_binary"))
    page = _page(data, source)
    if others := _external(data, page):
        raise LayerError(source.name, Message("reading.dxf_external", files=others))
    polygons = "Polygon" in source.geometry or not source.geometry
    options = {"INLINE_BLOCKS": "NO", "CLOSED_LINE_AS_POLYGON": "YES" if polygons else "NO"}
    data = data if _HEADER.search(data) else _NO_VARIABLES + data
    frame = read_through(source, "DXF", "entities", None, data, ENCODING=page, **options)
    frame = frame[~frame["PaperSpace"].eq(True)] if "PaperSpace" in frame.columns else frame
    if "LineString" not in source.geometry:
        frame = frame.set_geometry(_closed(frame.geometry.array), crs=frame.crs)
    fits = _fits(frame.geometry.array, source.geometry)
    names = sorted(frame["Layer"].fillna("0")[fits].unique().tolist())
    if source.layer is None and not names:
        kinds = [kind_word(kind) for kind in source.geometry]
        layers = sorted(frame["Layer"].dropna().unique()) or Message("reading.empty")
        said = Message("reading.dxf_nothing", kinds=kinds, layers=layers)
        polygons = "Polygon" in source.geometry
        raise LayerError(source.name, Message("reading.dxf_nothing_closed", **said.values) if polygons else said)
    layer = tables.choose(names, source.layer, source.role, source.name)
    return _named(_only(frame[frame["Layer"].fillna("0").eq(layer)], source, layer)), layer


def _only(frame: Any, source: Source, layer: str) -> Any:
    """Return the entities of the kind of the role: areas before points, and labels only where nothing else is there."""
    shapes = frame.geometry.array
    for kinds in (("Polygon",), ("LineString",), ("Point",)):
        kept = _fits(shapes, tuple(kind for kind in kinds if kind in source.geometry))
        label = frame["Text"].notna().to_numpy()
        kept = kept & ~label if (kept & ~label).any() else kept
        if kept.any():
            break
    if (left := int((~kept).sum())) > 0:
        logger.warning(Message("reading.dxf_left", n=left, total=len(frame), layer=layer).within(source.name))
    return frame[kept]


def _fits(shapes: Any, geometry: tuple[str, ...]) -> Any:
    return np.isin(shapely.get_type_id(shapes), [number for kind in geometry for number in _KINDS[kind]])


def _closed(shapes: Any) -> Any:
    """Return the shapes with closed lines (a circle, a line that ends where it begins) as polygons."""
    lines = shapely.get_type_id(shapes) == 1
    rings = lines & shapely.is_closed(shapes) & (shapely.get_num_points(shapes) > 3)
    out = np.array(shapes, dtype=object)
    out[rings] = [shapely.Polygon(line.coords) for line in out[rings]]
    return out


def _named(frame: Any) -> Any:
    """Return the entities with columns for the attributes of their blocks, without those of the drawing program."""
    out = frame.rename(columns=_COLUMNS)
    if out["id"].isna().any() or out["id"].duplicated().any():
        out = out.rename(columns={"id": "handle"})
    kept = ["id", "handle", "drawing_layer", "text", "block", "geometry"]
    out = out[[name for name in kept if name in out.columns]].reset_index(drop=True)
    if "BlockAttributes" in frame.columns:
        records = [dict(_attributes(cell)) for cell in frame["BlockAttributes"]]
        added = pd.DataFrame(records, index=out.index)
        out = out.join(added[[name for name in added.columns if name not in out.columns]])
    return without_empty(out)


def _attributes(cell: Any) -> Iterator[tuple[str, str]]:
    """Yield the tags of a block and their values, which GDAL joins with a blank."""
    for text in cell if isinstance(cell, (list, tuple, np.ndarray)) else ():
        tag, _, value = str(text).partition(" ")
        yield tag, value


def _page(data: bytes, source: Source) -> str:
    """Return the encoding of a drawing: the one given, UTF-8 of newer versions, else what its content fits."""
    version, page = _variable(data, b"$ACADVER"), _variable(data, b"$DWGCODEPAGE")
    stated = f"cp{page[5:]}" if page.upper().startswith("ANSI_") and page[5:].isdigit() else ""
    if source.encoding is not None:
        tried = [source.encoding]
    elif version >= _UNICODE:
        tried = ["utf-8", "gb18030", "cp1252"]
    else:
        # A drawing made in China often says 1252 all the same.
        tried = ["gb18030" if stated == "cp936" else stated] if stated not in ("", "cp1252") else []
        tried += ["utf-8", "gb18030", "cp1252"]
    for name in tried:
        try:
            data.decode(name)
        except UnicodeDecodeError:
            continue
        except LookupError as fault:
            raise LayerError(source.name, Message("reading.encoding", encoding=name)) from fault
        if not data.isascii():
            logger.info("%s: its text was read as %s", source.name, name)
        return name.upper()
    raise LayerError(source.name, Message("reading.not_in_pages", pages=tried))


def _variable(data: bytes, name: bytes) -> str:
    """Return a variable of the header, or ""."""
    found = re.search(
        rb"\r?\n[ \t]*" + re.escape(name) + rb"[ \t]*\r?\n[ \t]*\d+[ \t]*\r?\n([^\r\n]*)", data[: 1 << 20]
    )
    return found[1].decode("latin-1").strip() if found else ""


def _external(data: bytes, page: str) -> list[str]:
    """Return the files of the blocks that stand in other files."""
    found = []
    for block in _BLOCK.finditer(data):
        groups = dict(_groups(data, block.end()))
        if groups.get(70, b"0").lstrip(b"-").isdigit() and int(groups.get(70, b"0")) & _EXTERNAL:
            found.append(groups.get(1, groups.get(2, b"?")).decode(page, "replace"))
    return found


def _groups(data: bytes, start: int) -> Iterator[tuple[int, bytes]]:
    """Yield the groups after a position, code and value, until the next entity begins."""
    at = data.find(b"\n", start - 1) + 1
    while at > 0 and (middle := data.find(b"\n", at)) > 0:
        code, end = data[at:middle].strip(), data.find(b"\n", middle + 1)
        if not code.isdigit() or int(code) == 0:
            return
        yield int(code), data[middle + 1 : end if end > 0 else len(data)].strip()
        at = end + 1
