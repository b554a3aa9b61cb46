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
from siting.errors import LayerError, some
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
        logger.warning("%s: %s", layer, doubt)


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
    siting.errors.LayerError: communities: all 1 rows lie 292 km or more from the layer "streets"; is the CRS ...
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
            what = f'all {len(layers[name])} rows lie {gap / 1000:,.0f} km or more from the layer "{beside}"'
            doubt = "is the CRS of each the one it was made in, and do they belong to one city?"
            raise LayerError(name, f"{what}; {doubt}")


def _around(sides: Floats) -> tuple[float, float, float, float]:
    """Return west, south, east, north of the box around boxes, whose sides are given in this order."""
    return sides[0].min(), sides[1].min(), sides[2].max(), sides[3].max()


def _relative_sides(corners: Floats, middle: float) -> Floats:
    """Return the four sides of boxes in degrees, longitudes from *middle*."""
    west, south, east, north = corners.T
    return np.stack([relative_longitude(west, middle), south, relative_longitude(east, middle), north])


def extent_faults(
    shapes: Any, corners: Floats, labels: Sequence[Any], crs: CRS, *, elsewhere: bool = False
) -> tuple[list[str], list[str]]:
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


def _degree_fault(corners: Floats, labels: Sequence[Any], crs: CRS) -> str:
    """Describe coordinates that cannot be degrees: swapped axes, metres, slipped digits."""
    west, south, east, north = corners.T
    outside = (west < -180) | (east > 180) | (south < -90) | (north > 90)
    chinese = bool((west >= 3).all() and (east <= 54).all() and (south >= 73).all() and (north <= 136).all())
    if chinese or (outside.any() and _swapped(corners)):
        return (
            f"longitude and latitude look swapped: x is {_span(west, east)}, y is {_span(south, north)}, "
            "but x must be the longitude; swap them, for example "
            "frame.set_geometry(shapely.transform(frame.geometry, lambda xy: xy[:, ::-1])), "
            'or name the columns of a table with columns={"lon": "…", "lat": "…"}'
        )
    if not outside.any():
        return ""
    text = (
        f"{crs_name(crs)} is in degrees, but {outside.sum()} of {len(corners)} rows have x "
        f"{_span(west[outside], east[outside])} and y {_span(south[outside], north[outside])}: "
        f"{some(compress(labels, outside))}; "
    )
    if 2 * outside.sum() <= len(corners):  # the CRS is right for the others
        if _swapped(corners[outside]):
            return f"{text}longitude and latitude look swapped there; swap them in these rows"
        what = "these look like metres among degrees" if (abs(corners[outside]) > 1800).any() else "a slipped digit?"
        return f"{text}{what}; correct these rows"
    if not (abs(corners[outside]).max(axis=1) > 1000).any():
        return f"{text}longitude must lie in -180 to 180 and latitude in -90 to 90"
    zone = _prefixed_zone(west[outside], east[outside])
    fits = "the projected CRS it was made in (in China often one of EPSG:4534 to 4554, CGCS2000 by 3° meridian)"
    how = "with crs= where the layer is read or frame.set_crs(..., allow_override=True)"
    return f"{text}these look like metres: set {crs_name(CRS.from_epsg(zone)) if zone else fits}, {how}"


def _swapped(corners: Floats) -> bool:
    """Whether x could be latitudes and y longitudes."""
    return bool((abs(corners) <= (90, 180, 90, 180)).all())


def _projected_fault(corners: Floats, labels: Sequence[Any], crs: CRS, elsewhere: bool) -> str:
    """Describe coordinates outside the area of use of *crs* (EPSG), with a margin of 3 degrees."""
    outside = _outside(corners, crs)
    if not outside.any() or (elsewhere and outside.all()):
        return ""
    west, south, east, north = corners.T
    rows = "all rows" if outside.all() else f"rows {some(compress(labels, outside))}"
    text = (
        f"{rows} lie outside the area of {crs_name(crs)}: x {_span(west[outside], east[outside])}, "
        f"y {_span(south[outside], north[outside])}; "
    )
    zone = _prefixed_zone(west[outside], east[outside])
    if zone and zone != crs.to_epsg() and not outside.all():
        return f"{text}the x carries a zone number there, and not in the other rows; take it off"
    if zone and zone != crs.to_epsg():
        how = "with crs= where the layer is read, or frame.set_crs(..., allow_override=True)"
        return f"{text}the x carries a zone number: set {crs_name(CRS.from_epsg(zone))} ({how})"
    code = crs.to_epsg() or 0
    if 4513 <= code <= 4533 and (abs(corners[outside]) < 1e7).all():
        unprefixed = CRS.from_epsg(code + 4534 - 4513)
        if not _outside(corners, unprefixed).any():
            return f"{text}the x carries no zone number: set {crs_name(unprefixed)}"
    if not _outside(corners[:, [1, 0, 3, 2]], crs).any():
        swap = 'columns={"x": "…", "y": "…"}'
        return f"{text}x and y look swapped: x must be the easting, y the northing; name the columns so with {swap}"
    if (abs(corners[outside]) <= 180).all():
        if not outside.all():
            return f"{text}these look like degrees among metres; correct these rows"
        return f"{text}these look like degrees: set EPSG:4326 (or EPSG:4490) instead"
    if 2 * outside.sum() <= len(corners):  # the CRS is right for the others
        return f"{text}correct these rows (a digit too many or too few, another zone?) or take them out"
    return f"{text}the layer was made in another CRS or zone: set the one it was made in"


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


def _span(low: Floats, high: Floats) -> str:
    least, most = float(low.min()), float(high.max())
    return f"{least:.10g}" if least == most else f"{least:.10g} to {most:.10g}"
