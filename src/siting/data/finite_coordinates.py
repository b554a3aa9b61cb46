"""Coordinates that are NaN or infinite: in no layer, and in no file."""

from __future__ import annotations

from itertools import compress
from typing import Any

import numpy as np
import shapely

from siting.errors import LayerError
from siting.messages import Message
from siting.numbers import Bools

__all__ = ["endless_rows", "refuse_endless"]


def endless_rows(shapes: Any) -> Bools:
    """Mark the geometries with a coordinate x or y, of any vertex, that is NaN or infinite."""
    coordinates, row = shapely.get_coordinates(np.asarray(shapes, dtype=object), return_index=True)
    endless = np.zeros(len(shapes), dtype=np.bool_)
    endless[row[~np.isfinite(coordinates).all(axis=1)]] = True
    return endless


def refuse_endless(frame: Any, layer: str) -> None:
    """Refuse a GeoDataFrame or GeoSeries with coordinates that are NaN or infinite.

    Raises
    ------
    LayerError
        With the ids of these rows.
    """
    endless = endless_rows(frame.geometry.array)
    if endless.any():
        rows = list(compress(frame.index, endless))
        raise LayerError(layer, Message("shape.endless", n=len(rows), total=len(endless), rows=rows))
