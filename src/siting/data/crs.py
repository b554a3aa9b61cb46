"""Choosing a coordinate reference system to measure in, and bringing layers to it.

Inside China what is measured lies in the CGCS2000 3° Gauss-Krüger zone of its centre (EPSG:4534 for
75°E to EPSG:4554 for 135°E, without zone prefix); elsewhere in the UTM zone of its centre (WGS 84).
Axis order is always x (east), y (north).
"""

from __future__ import annotations

import logging
import math
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS
from pyproj.exceptions import CRSError

from siting.errors import LayerError

__all__ = ["metric_crs", "points", "to_crs", "to_metric"]

logger = logging.getLogger(__name__)

WGS84 = CRS.from_epsg(4326)
# Longitude and latitude of the box around China.
CHINA = (73.0, 3.0, 136.0, 54.0)


def read_crs(value: Any, layer: str) -> CRS:
    """Return the CRS that *value* names.

    Raises
    ------
    LayerError
        When it names none.
    """
    try:
        return CRS.from_user_input(value)
    except CRSError as fault:
        raise LayerError(layer, f'crs={value!r} is not known; give for example "EPSG:4549"') from fault


def same_crs(one: CRS, other: CRS) -> bool:
    """Tell whether two systems give the same coordinates, whatever their declared axis order."""
    if one.equals(other, ignore_axis_order=True):
        return True
    code = one.to_epsg()
    return code is not None and code == other.to_epsg()


def crs_name(crs: CRS) -> str:
    """Name *crs* for a message.

    Examples
    --------
    >>> crs_name(CRS.from_epsg(4549))
    'EPSG:4549 (CGCS2000 / 3-degree Gauss-Kruger CM 120E)'
    """
    authority = crs.to_authority()
    return f"{':'.join(authority)} ({crs.name})" if authority else crs.name


def metric_crs(*frames: Any) -> CRS:
    """Return the CRS in metres that fits the common centre of *frames*.

    Parameters
    ----------
    frames
        GeoDataFrames or GeoSeries, each with a CRS; empty ones do not count.

    Returns
    -------
    pyproj.CRS
        The CGCS2000 3° zone by central meridian when the centre lies in China's box (73–136°E,
        3–54°N), else the WGS 84 UTM zone.

    Raises
    ------
    LayerError
        When a frame has no CRS, or none has coordinates.

    Examples
    --------
    >>> town = gpd.GeoSeries.from_xy([119.6, 119.7], [29.0, 29.1], crs="EPSG:4326")
    >>> metric_crs(town).to_epsg()
    4549
    """
    boxes = []
    for number, frame in enumerate(frames, start=1):
        if frame.crs is None:
            raise LayerError(f"layer {number}", _NO_CRS)
        if len(frame):
            corners = gpd.GeoSeries(shapely.box(*frame.total_bounds), crs=frame.crs).to_crs(WGS84)
            boxes.append(corners.total_bounds)
    known = np.array(boxes, dtype=float).reshape(-1, 4)
    known = known[np.isfinite(known).all(axis=1)]
    if not len(known):
        raise LayerError("metric_crs", "no layer has coordinates that lie on the earth, so no CRS fits")
    lon = float(known[:, 0].min() + known[:, 2].max()) / 2
    lat = float(known[:, 1].min() + known[:, 3].max()) / 2
    return CRS.from_epsg(_zone(lon, lat))


def _zone(lon: float, lat: float) -> int:
    west, south, east, north = CHINA
    if west <= lon <= east and south <= lat <= north:
        meridian = min(max(math.floor(lon / 3 + 0.5), 25), 45)
        return 4534 + meridian - 25
    zone = int((lon + 180) // 6) % 60 + 1
    return (32600 if lat >= 0 else 32700) + zone


def to_crs(frame: Any, crs: Any) -> Any:
    """Return *frame* in *crs*; what is done is told in the log.

    Parameters
    ----------
    frame
        A GeoDataFrame or GeoSeries with a CRS; it is not changed.
    crs
        Anything that names a CRS, such as ``"EPSG:4549"``.

    Raises
    ------
    LayerError
        When the frame has no CRS, or a coordinate cannot be brought to *crs*.

    Examples
    --------
    >>> town = gpd.GeoSeries.from_xy([120.0], [29.0], crs="EPSG:4326")
    >>> float(to_crs(town, "EPSG:4549").x.iloc[0])
    500000.0
    """
    layer = str(frame.attrs.get("source", "layer"))
    target = read_crs(crs, layer)
    if frame.crs is None:
        raise LayerError(layer, _NO_CRS)
    if same_crs(frame.crs, target):
        return frame
    moved = frame.to_crs(target)
    if not np.isfinite(shapely.get_coordinates(moved.geometry.array)).all():
        raise LayerError(
            layer,
            f"has coordinates that {crs_name(target)} does not reach; look at the layer's own CRS, or choose another",
        )
    logger.info("%s: reprojected from %s to %s", layer, crs_name(frame.crs), crs_name(target))
    return moved


def to_metric(frame: Any, crs: Any = None) -> Any:
    """Return *frame* in a CRS in metres, by default that of `metric_crs`.

    Parameters
    ----------
    frame
        A GeoDataFrame or GeoSeries with a CRS; it is not changed.
    crs
        A projected CRS in metres to use instead.

    Raises
    ------
    LayerError
        When *crs* is not in metres, or the frame has no CRS.

    Examples
    --------
    >>> town = gpd.GeoSeries.from_xy([120.0], [29.0], crs="EPSG:4326")
    >>> to_metric(town).crs.to_epsg()
    4549
    """
    target = metric_crs(frame) if crs is None else read_crs(crs, "to_metric")
    if not target.is_projected or any(axis.unit_conversion_factor != 1.0 for axis in target.axis_info[:2]):
        raise LayerError(
            "to_metric",
            f'{crs_name(target)} is not in metres; give a projected CRS in metres (for example "EPSG:4549") or none',
        )
    if crs is not None and len(frame):
        _fits(frame, target)
    operation = target.coordinate_operation
    method = operation.method_name if operation else ""
    if "Mercator" in method and "Transverse" not in method:
        # Web maps use it, but a metre of it is cos(latitude) of a metre on the ground.
        raise LayerError(
            "to_metric",
            f'{crs_name(target)} stretches every length; give a local CRS (for example "EPSG:4549") or none',
        )
    return to_crs(frame, target)


def _fits(frame: Any, target: CRS) -> None:
    """Refuse a CRS that is made for another part of the earth, where its metres are no metres."""
    west, south, east, north = gpd.GeoSeries(shapely.box(*frame.total_bounds), crs=frame.crs).to_crs(WGS84).total_bounds
    area, lon, lat = target.area_of_use, (west + east) / 2, (south + north) / 2
    if area is None or area.west > area.east:
        return
    if not (area.west - 3 <= lon <= area.east + 3 and area.south - 3 <= lat <= area.north + 3):
        raise LayerError(
            "to_metric",
            f"{crs_name(target)} is made for {area.west:g} to {area.east:g}°E, and the layer lies at {lon:.1f}°E, "
            f"{lat:.1f}°N; give {crs_name(metric_crs(frame))} or none",
        )


def points(frame: Any) -> Any:
    """Return a point for each row: the point itself, or one that surely lies inside (or on) the shape.

    Parameters
    ----------
    frame
        A GeoDataFrame or GeoSeries.

    Returns
    -------
    geopandas.GeoSeries
        Points with the index and CRS of *frame*.

    Examples
    --------
    >>> u = shapely.Polygon([(0, 0), (3, 0), (3, 3), (2, 3), (2, 1), (1, 1), (1, 3), (0, 3)])
    >>> inside = points(gpd.GeoSeries([u], crs="EPSG:4549"))
    >>> bool(inside.within(u).iloc[0])
    True
    """
    geometry = frame.geometry
    shapes = geometry.array
    found = np.asarray(shapes, dtype=object).copy()
    other = shapely.get_type_id(found) != 0
    found[other] = shapely.point_on_surface(found[other])
    return gpd.GeoSeries(found, index=geometry.index, crs=geometry.crs, name="geometry")


_NO_CRS = (
    'has no CRS; give it where the layer is read, read_layer(..., crs="EPSG:4549"), '
    'or set it, frame.set_crs("EPSG:4549")'
)
