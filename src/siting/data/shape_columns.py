"""Columns of tables that hold whole shapes: as WKT, as WKB, or as cells of H3."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from siting.data import nested_shapes
from siting.data.extras import extra
from siting.data.values import cells, text_of
from siting.errors import LayerError
from siting.messages import Message

_SRID = re.compile(r"\s*SRID\s*=\s*(\d+)\s*;", re.IGNORECASE)
#: WKB in hexadecimal: the byte order, 00 or 01, and the kind of shape.
_HEX = re.compile(r"(?:\\x|0x)?((?:00|01)(?:[0-9a-f]{2}){8,})", re.IGNORECASE)


def read_shapes(column: pd.Series[Any], layer: str) -> tuple[Any, str | None]:
    """Read shapes as WKT or WKB (bytes, or text of hexadecimal digits), and the CRS that they name."""
    values = cells(column)
    binary = [_binary(value) for value in values]
    if any(data is not None for data in binary):
        return _from_wkb(column, values, binary, layer)
    texts = [text_of(value) for value in values]
    codes = {srid[1] if (srid := _SRID.match(text)) else "" for text in texts if text}
    shapes = nested_shapes.from_wkt([_SRID.sub("", text) or None for text in texts])
    _refuse_unread(column, texts, shapes, "WKT", layer)
    return shapes, _crs(codes, column, layer)


def _binary(value: Any) -> bytes | None:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    found = _HEX.fullmatch(value.strip()) if isinstance(value, str) else None
    return bytes.fromhex(found[1]) if found else None


def _from_wkb(
    column: pd.Series[Any], values: Sequence[Any], binary: Sequence[bytes | None], layer: str
) -> tuple[Any, str | None]:
    shapes = nested_shapes.from_wkb([data or None for data in binary])
    texts = [text_of(data.hex() if data else value) for data, value in zip(binary, values, strict=True)]
    _refuse_unread(column, texts, shapes, "WKB", layer)
    known = shapes[~shapely.is_missing(shapes)]
    codes = {str(code) if code else "" for code in np.unique(shapely.get_srid(known)).tolist()}
    return shapes, _crs(codes, column, layer)


def _refuse_unread(column: pd.Series[Any], texts: Sequence[str], shapes: Any, kind: str, layer: str) -> None:
    rows = zip(column.index, texts, shapes, strict=True)
    if bad := [_row(row, text) for row, text, shape in rows if text and shape is None]:
        said = Message("shape.not_wkt", column=column.name, format=kind, n=len(bad), total=len(texts), rows=bad)
        raise LayerError(layer, said)


def _row(row: int, text: str) -> Message:
    return Message("cell.of_row", row=row + 1, text=text[:40])


def _crs(codes: set[str], column: pd.Series[Any], layer: str) -> str | None:
    if len(codes) > 1:
        raise LayerError(layer, Message("datum.column_mixed", column=column.name, codes=sorted(codes)))
    code = "".join(codes)
    return f"EPSG:{code}" if code else None


def read_h3(column: pd.Series[Any], layer: str) -> tuple[Any, CRS]:
    """Read the outlines of cells of H3, in WGS 84."""
    h3 = extra("h3", "h3", Message("data.h3_column", layer=layer, column=column.name))
    texts = [text_of(value) for value in cells(column)]
    shapes = np.full(len(texts), None, dtype=object)
    bad = []
    for at, (row, text) in enumerate(zip(column.index, texts, strict=True)):
        cell = _cell(text)
        if not text:
            continue
        if not h3.is_valid_cell(cell):
            bad.append(_row(row, text))
            continue
        shapes[at] = shapely.Polygon([(lon, lat) for lat, lon in h3.cell_to_boundary(cell)])
    if bad:
        said = Message("shape.not_h3", column=column.name, n=len(bad), total=len(texts), rows=bad)
        raise LayerError(layer, said)
    across = shapely.bounds(shapes)
    if ((across[:, 2] - across[:, 0]) > 180).any():
        raise LayerError(layer, Message("shape.h3_date_line", column=column.name))
    return shapes, CRS.from_epsg(4326)


def _cell(text: str) -> str:
    """Return a cell as H3 writes it, in hexadecimal; databases keep it as a whole number."""
    if re.fullmatch(r"\d{18,19}", text):
        return format(int(text), "x")
    return text.lower() if re.fullmatch(r"[0-9A-Fa-f]{15,16}", text) else "0"
