"""The location of a layer: the boxes of its rows, their middle, and degrees of any projection."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import shapely
from pyproj import CRS, Proj
from pyproj.exceptions import ProjError

from siting.errors import SitingError
from siting.messages import Message
from siting.numbers import Floats

#: A degree of latitude on the mean sphere of the earth, metres.
DEGREE = 111_195.0
#: Size of a sample of rows, such as for a centre.
SAMPLE = 20_000


def sample(rows: Any) -> Any:
    """Return all rows, or an even sample of many rows."""
    return rows[:: -(-len(rows) // SAMPLE)] if len(rows) else rows


def boxes(shapes: Any) -> Floats:
    """Return west, south, east, north of each shape that has a place."""
    bounds: Floats = shapely.bounds(shapes)
    return bounds[np.isfinite(bounds).all(axis=1)]


def median(values: Floats, weights: Floats | None = None) -> float:
    """Return the weighted median: half the weight lies at it or below, half at it or above."""
    order = np.argsort(values, kind="stable")
    total = np.cumsum(np.ones(len(values)) if weights is None else weights[order])
    low, high = (int(np.searchsorted(total, total[-1] / 2, side=side)) for side in ("left", "right"))
    return float(values[order[low]] + values[order[min(high, len(values) - 1)]]) / 2


def middle_longitude(lon: Floats) -> float:
    """Return a longitude amid *lon*, also where these lie on both sides of the date line."""
    angle = np.radians(lon)
    return float(np.degrees(np.arctan2(np.median(np.sin(angle)), np.median(np.cos(angle)))))


def relative_longitude(lon: Any, middle: float) -> Any:
    """Return longitudes as they lie east (above 0) or west (below 0) of *middle*, within half a turn."""
    return (lon - middle + 180.0) % 360.0 - 180.0


@cache
def projection(crs: CRS) -> Proj:
    """Return the projection of *crs*, from and to degrees of its own datum; SitingError where it has none."""
    try:
        return Proj(crs)
    except ProjError as fault:
        raise SitingError(Message("datum.neither", crs=crs.name[:80])) from fault


def middle_place(crs: CRS, corners: Floats) -> tuple[float, float]:
    """Return longitude and latitude of the middle of most rows; 0, 0 if it is not on the earth."""
    some_rows = sample(corners)
    x, y = (float(np.median(some_rows[:, [k, k + 2]])) for k in (0, 1))
    lon, lat = (x, y) if crs.is_geographic else projection(crs)(x, y, inverse=True)
    return (lon, lat) if np.isfinite([lon, lat]).all() and abs(lat) <= 90 else (0.0, 0.0)
