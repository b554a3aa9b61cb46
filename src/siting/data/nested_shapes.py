"""Shapes as text and bytes whose parts hold parts without end, which GEOS reads until its stack overflows.

No shape of a layer has parts of parts of parts. Whoever reads WKT or WKB from outside reads it here, or asks first.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import shapely

#: Parts may lie so deep; a level of WKB has at least `_LEVEL` bytes.
MOST_NESTED, _LEVEL = 100, 9
#: What counts points, what counts rings of points, and what counts shapes, by the number of the type in WKB.
_POINT, _LINES, _RINGS = 1, (2, 8), (3, 17)
_PARTS = (4, 5, 6, 7, 9, 10, 11, 12, 15, 16)
_Z, _M, _SRID = 0x80000000, 0x40000000, 0x20000000


def from_wkt(texts: Sequence[str | None]) -> Any:
    """Read shapes; None where a text is no WKT, or too deep.

    Examples
    --------
    >>> from_wkt(["POINT (1 2)", "GEOMETRYCOLLECTION(" * 1000 + "POINT (1 2)" + ")" * 1000]).tolist()
    [<POINT (1 2)>, None]
    """
    return shapely.from_wkt([None if text and deep_wkt(text) else text for text in texts], on_invalid="ignore")


def from_wkb(binary: Sequence[bytes | None]) -> Any:
    """Read shapes; None where bytes are no WKB, or too deep."""
    known = np.array([None if data and deep_wkb(data) else data for data in binary], dtype=object)
    return shapely.from_wkb(known, on_invalid="ignore")


def deep_wkt(text: str) -> bool:
    """Whether brackets lie in brackets more often than in any shape."""
    if text.count("(") <= MOST_NESTED:
        return False
    letters = np.frombuffer(text.encode("utf-8", "replace"), np.uint8)
    level = np.cumsum((letters == ord("(")).astype(np.int64) - (letters == ord(")")))
    return bool(level.max() > MOST_NESTED)


def deep_wkb(data: bytes) -> bool:
    """Whether parts lie in parts more often than in any shape; what GEOS will not read either is not looked at."""
    if len(data) <= MOST_NESTED * _LEVEL:
        return False
    left, at = [1], 0
    try:
        while left:
            if left[-1] == 0:
                left.pop()
                continue
            left[-1] -= 1
            order = "<" if data[at] else ">"
            (kind,) = struct.unpack_from(f"{order}I", data, at + 1)
            flat, at = (kind & 0x1FFFFFFF) % 1000, at + (9 if kind & _SRID else 5)
            more = (kind & 0x1FFFFFFF) // 1000
            size = 8 * (2 + bool(kind & _Z or more in (1, 3)) + bool(kind & _M or more in (2, 3)))
            if flat == _POINT:
                at += size
                continue
            (number,), at = struct.unpack_from(f"{order}I", data, at), at + 4
            if flat in _LINES:
                at += number * size
            elif flat in _RINGS:
                for _ in range(number):
                    (points,) = struct.unpack_from(f"{order}I", data, at)
                    at += 4 + points * size
            elif flat in _PARTS:
                left.append(number)
                if len(left) > MOST_NESTED:
                    return True
            else:
                return False
    except (struct.error, IndexError):
        return False
    return False


def deep_column(column: pa.ChunkedArray) -> bool:
    """Whether a column of WKB or WKT of an Arrow table holds a shape that is too deep."""
    for chunk in column.chunks:
        stored = chunk.storage if isinstance(chunk, pa.ExtensionArray) else chunk
        if pa.types.is_binary(stored.type) or pa.types.is_large_binary(stored.type):
            long = stored.filter(pa.compute.greater(pa.compute.binary_length(stored), MOST_NESTED * _LEVEL))
            if any(map(deep_wkb, long.to_pylist())):
                return True
        elif pa.types.is_string(stored.type) or pa.types.is_large_string(stored.type):
            long = stored.filter(pa.compute.greater(pa.compute.binary_length(stored), MOST_NESTED))
            if any(map(deep_wkt, long.to_pylist())):
                return True
    return False
