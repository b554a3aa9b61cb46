"""Coordinates that do not fit their CRS, and rows far from all others."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import compress
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS, Transformer

from siting.data.datums import WGS84, crs_name
from siting.data.extent import DEGREE, middle_longitude, relative_longitude
from siting.data.finite_coordinates import refuse_endless
from siting.data.outliers import CERTAIN, degree_boxes, outlier_faults
from siting.errors import LayerError
from siting.messages import Message
from siting.numbers import Bools, Floats

__all__ = ["check_extent", "check_together"]

logger = logging.getLogger(__name__)

# How far, in degrees, a layer may reach beyond the area its CRS is made for.
MARGIN = 3.0


def check_extent(frame: Any, layer: str, *, refuse: bool = True) -> None:
    """Refuse rows of a frame at impossible places for their CRS; warn of doubtful ones.

    A CRS for another part of the earth is left to `check_layer`.

    Parameters
    ----------
    frame
        A GeoDataFrame or GeoSeries with a CRS; rows without a place are ignored.
    layer
        Its name in messages.
    refuse
        False to only report rows far off, where the CRS is fixed and they cannot shift others.

    Raises
    ------
    LayerError
        When coordinates are NaN or infinite, also with *refuse* False; when they do not fit the CRS, or rows are far
        from all others (see `siting.data.outliers`).

    Examples
    --------
    >>> import geopandas as gpd
    >>> homes = gpd.GeoSeries.from_xy([120.0, 120.1, 0.0], [29.0, 29.1, 0.0], index=["a", "b", "c"], crs="EPSG:4326")
    >>> check_extent(homes, "homes")
    Traceback (most recent call last):
    siting.errors.LayerError: homes: 1 of 3 rows lie far from all others: "c" (at 0, 0, ...
    """
    refuse_endless(frame, layer)
    shapes = np.asarray(frame.geometry.array, dtype=object)
    corners = shapely.bounds(shapes)
    placed = np.isfinite(corners).all(axis=1)
    if frame.crs is None or not placed.any():
        return
    faults, doubts = extent_faults(shapes[placed], corners[placed], frame.index[placed], frame.crs, elsewhere=True)
    if faults and refuse:
        raise LayerError(layer, faults)
    for doubt in faults + doubts:
        logger.warning(doubt.within(layer))


def check_together(layers: Mapping[str, Any], beside: str) -> None:
    """Refuse layers that are far from another one, such as homes of one city and streets of another.

    Parameters
    ----------
    layers
        Frames by name; those without rows, geometry or CRS are ignored.
    beside
        Name of the layer that the others must be near.

    Raises
    ------
    LayerError
        When all rows of a layer are more than 200 km from the box around the other.

    Examples
    --------
    >>> import geopandas as gpd
    >>> here, there = (gpd.GeoDataFrame(geometry=gpd.points_from_xy([x], [29.0]), crs=4326) for x in (120, 123))
    >>> check_together({"streets": here, "communities": there}, "streets")
    Traceback (most recent call last):
    siting.errors.LayerError: communities: all 1 row lies 292 km or more from the layer "streets"; is the CRS ...
    """
    placed = {
        name: degree_boxes(frame)
        for name, frame in layers.items()
        if isinstance(frame, gpd.GeoDataFrame) and frame.crs is not None and len(frame)
    }
    if beside not in placed or not len(placed[beside]):
        return
    middle = middle_longitude(placed[beside][:, 0])
    west, south, east, north = _around(_relative_sides(placed[beside], middle))
    narrow = np.cos(np.radians((south + north) / 2))
    for name, corners in placed.items():
        left, below, right, above = _relative_sides(corners, middle)
        off_x = np.maximum(np.maximum(west - right, left - east), 0) * narrow
        off_y = np.maximum(np.maximum(south - above, below - north), 0)
        gap = float(np.hypot(off_x, off_y).min(initial=np.inf)) * DEGREE
        if CERTAIN < gap < np.inf:
            raise LayerError(name, Message("place.apart", n=len(layers[name]), km=gap / 1000, beside=beside))


def _around(sides: Floats) -> tuple[float, float, float, float]:
    """Return west, south, east, north of the box around boxes, whose sides are given in this order."""
    return sides[0].min(), sides[1].min(), sides[2].max(), sides[3].max()


def _relative_sides(corners: Floats, middle: float) -> Floats:
    """Return the four sides of boxes in degrees, longitudes from *middle*."""
    west, south, east, north = corners.T
    return np.stack([relative_longitude(west, middle), south, relative_longitude(east, middle), north])


def extent_faults(
    shapes: Any, corners: Floats, labels: Sequence[Any], crs: CRS, *, elsewhere: bool = False
) -> tuple[list[Message], list[Message]]:
    """Find wrong and doubtful locations of rows; *elsewhere* allows all of them outside the area of the CRS."""
    if not (crs.is_geographic or crs.is_projected):
        return [], []
    corners = np.asfortranarray(corners)  # contiguous sides: minimum and maximum are many times faster
    if crs.is_geographic:
        fault = _degree_fault(corners, labels, crs)
    else:
        fault = _projected_fault(corners, labels, crs, elsewhere)
    if fault:
        return [fault], []
    return outlier_faults(corners, labels, crs, lines=shapely.get_dimensions(shapes[0]) == 1)


def _degree_fault(corners: Floats, labels: Sequence[Any], crs: CRS) -> Message | None:
    """Describe coordinates that cannot be degrees: swapped axes, metres, slipped digits."""
    west, south, east, north = corners.T
    outside = (west < -180) | (east > 180) | (south < -90) | (north > 90)
    chinese = bool((west >= 3).all() and (east <= 54).all() and (south >= 73).all() and (north <= 136).all())
    if chinese or (outside.any() and _swapped(corners)):
        return Message("place.swapped", x=_span(west, east), y=_span(south, north))
    if not outside.any():
        return None
    x, y = _span(west[outside], east[outside]), _span(south[outside], north[outside])
    rows, remedy = list(compress(labels, outside)), _degree_remedy(corners, outside)
    return Message(
        "place.degrees", crs=crs_name(crs), n=len(rows), total=len(corners), x=x, y=y, rows=rows, remedy=remedy
    )


def _degree_remedy(corners: Floats, outside: Bools) -> Message:
    """Return what to do where some coordinates cannot be degrees."""
    wrong = corners[outside]
    if 2 * len(wrong) <= len(corners):  # the CRS is right for the others
        if _swapped(wrong):
            return Message("place.degrees_swapped")
        return Message("place.degrees_metres") if (abs(wrong) > 1800).any() else Message("place.degrees_slip")
    if not (abs(wrong).max(axis=1) > 1000).any():
        return Message("place.degrees_range")
    zone = _prefixed_zone(wrong[:, 0], wrong[:, 2])
    return Message("place.are_metres_of", crs=crs_name(CRS.from_epsg(zone))) if zone else Message("place.are_metres")


def _swapped(corners: Floats) -> bool:
    """Whether x could be latitudes and y longitudes."""
    return bool((abs(corners) <= (90, 180, 90, 180)).all())


def _projected_fault(corners: Floats, labels: Sequence[Any], crs: CRS, elsewhere: bool) -> Message | None:
    """Describe coordinates outside the area of use of *crs* (EPSG), with a margin of 3 degrees."""
    outside = _outside(corners, crs)
    if not outside.any() or (elsewhere and outside.all()):
        return None
    west, south, east, north = corners[outside].T
    facts = {"crs": crs_name(crs), "x": _span(west, east), "y": _span(south, north)}
    remedy = _projected_remedy(corners, outside, crs)
    if outside.all():
        return Message("place.outside_all", remedy=remedy, **facts)
    return Message("place.outside", rows=list(compress(labels, outside)), remedy=remedy, **facts)


def _projected_remedy(corners: Floats, outside: Bools, crs: CRS) -> Message:
    """Return what to do where some coordinates are outside the area of use of *crs*."""
    wrong = corners[outside]
    zone = _prefixed_zone(wrong[:, 0], wrong[:, 2])
    if zone and zone != crs.to_epsg():
        if outside.all():
            return Message("place.zone_all", crs=crs_name(CRS.from_epsg(zone)))
        return Message("place.zone_some")
    code = crs.to_epsg() or 0
    if 4513 <= code <= 4533 and (abs(wrong) < 1e7).all():
        unprefixed = CRS.from_epsg(code + 4534 - 4513)
        if not _outside(corners, unprefixed).any():
            return Message("place.no_zone", crs=crs_name(unprefixed))
    if not _outside(corners[:, [1, 0, 3, 2]], crs).any():
        return Message("place.xy_swapped")
    if (abs(wrong) <= 180).all():
        return Message("place.degrees_all") if outside.all() else Message("place.degrees_some")
    return Message("place.some_wrong") if 2 * len(wrong) <= len(corners) else Message("place.other_crs")


@cache
def to_degrees(crs: CRS) -> Transformer:
    """Return the transformer from *crs* to degrees, cached because making one takes a tenth of a second."""
    return Transformer.from_crs(crs, WGS84, always_xy=True)


def _all_inside(corners: Floats, crs: CRS) -> bool:
    """Whether the edge around all boxes is inside the area of use of *crs* by half a degree, at some points."""
    west, south, east, north = _around(corners.T)
    x, y = np.linspace(west, east, 33), np.linspace(south, north, 33)
    edge = np.concatenate(
        [np.column_stack(np.broadcast_arrays(*side)) for side in ((x, south), (x, north), (west, y), (east, y))]
    )
    return not _outside(np.hstack([edge, edge]), crs, MARGIN - 0.5).any()


def _outside(corners: Floats, crs: CRS, margin: float = MARGIN) -> Bools:
    """Mark the boxes outside the area of use of *crs*."""
    if margin == MARGIN and len(corners) > 100 and _all_inside(corners, crs):
        return np.zeros(len(corners), np.bool_)
    lon, lat = to_degrees(crs).transform(corners[:, [0, 2]].ravel(), corners[:, [1, 3]].ravel())
    lon, lat = np.reshape(lon, (-1, 2)), np.reshape(lat, (-1, 2))
    area = crs.area_of_use
    west, south, east, north = area.bounds if area else (-180.0, -90.0, 180.0, 90.0)
    if west > east:  # the area crosses the date line
        east += 360
    # A layer may go on beyond the date line where the area ends at it.
    middle = (west + east) / 2
    lon = np.where(lon < middle - 180, lon + 360, np.where(lon > middle + 180, lon - 360, lon))
    good = (lon >= west - margin) & (lon <= east + margin) & (lat >= south - margin) & (lat <= north + margin)
    return np.asarray(~good.all(axis=1), np.bool_)


def _prefixed_zone(west: Floats, east: Floats) -> int | None:
    """Return the EPSG code of the CGCS2000 zone (3° from 4513, 6° from 4491) whose number is before the easting."""
    zones = {*np.clip(west // 1e6, -1, 1000).astype(int), *np.clip(east // 1e6, -1, 1000).astype(int)}
    zone = int(zones.pop()) if len(zones) == 1 else 0
    if 25 <= zone <= 45:
        return 4513 + zone - 25
    return 4491 + zone - 13 if 13 <= zone <= 23 else None


def _span(low: Floats, high: Floats) -> str | Message:
    least, most = float(low.min()), float(high.max())
    if least == most:
        return f"{least:.10g}"
    return Message("place.span", low=f"{least:.10g}", high=f"{most:.10g}")
