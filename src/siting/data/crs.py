"""Transforming layers to another coordinate reference system, by default the one for measuring."""

from __future__ import annotations

import logging
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS

from siting.data import datums
from siting.data.coordinate_checks import check_extent
from siting.data.datums import NO_CRS, WGS84, crs_name, read_crs, same_crs
from siting.data.finite_coordinates import refuse_endless
from siting.data.projection_choice import common_crs, layer_places
from siting.errors import LayerError
from siting.messages import Message

__all__ = ["points", "to_crs", "to_metric"]

logger = logging.getLogger(__name__)


def to_crs(frame: Any, crs: Any) -> Any:
    """Return *frame* in *crs*, with a log, and a warning for an inexact shift of datum.

    Parameters
    ----------
    frame
        A GeoDataFrame or GeoSeries with a CRS; it is not changed.
    crs
        Anything that names a CRS, such as ``"EPSG:4549"``.

    Raises
    ------
    LayerError
        When the frame has no CRS, or a coordinate cannot be transformed to *crs*.

    Examples
    --------
    >>> town = gpd.GeoSeries.from_xy([120.0], [29.0], crs="EPSG:4326")
    >>> float(to_crs(town, "EPSG:4549").x.iloc[0])
    500000.0
    """
    layer = str(frame.attrs.get("source", "layer"))
    target = read_crs(crs, layer)
    if frame.crs is None:
        raise LayerError(layer, NO_CRS)
    if same_crs(frame.crs, target):
        return frame
    over_wgs84 = _report_shift(frame, target, layer)
    moved = frame.to_crs(WGS84).to_crs(target) if over_wgs84 else frame.to_crs(target)
    coordinates, row = shapely.get_coordinates(moved.geometry.array, return_index=True)
    if len(lost := np.unique(row[~np.isfinite(coordinates).all(axis=1)])):
        rows = frame.index[lost].tolist()
        facts = {"n": len(lost), "total": len(frame), "rows": rows}
        raise LayerError(layer, Message("datum.not_reached", crs=crs_name(target), **facts))
    logger.info("%s: reprojected from %s to %s", layer, crs_name(frame.crs), crs_name(target))
    return moved


def _report_shift(frame: Any, target: CRS, layer: str) -> bool:
    """Warn of an inexact shift to another datum; return whether it must pass through WGS 84."""
    source = CRS(frame.crs)
    if datums.same_datum(source, target) or not len(frame):
        return False
    places = layer_places(frame)
    if not len(places.lon):
        return False
    exact, over_wgs84 = datums.best_accuracy(source, target, float(np.median(places.lon)), float(np.median(places.lat)))
    names = {"source": datums.datum_name(source), "target": datums.datum_name(target)}
    if exact is None:
        logger.warning(Message("datum.shift_missing", **names).within(layer))
    elif exact > datums.REPORTED:
        logger.warning(Message("datum.shift_inexact", metres=exact, **names).within(layer))
    return over_wgs84


def to_metric(frame: Any, crs: Any = None, *, name: str | None = None, checked: bool = False) -> Any:
    """Return *frame* in a CRS in metres, by default that of `metric_crs`; its error is logged.

    Parameters
    ----------
    frame
        A GeoDataFrame or GeoSeries with a CRS; it is not changed.
    crs
        A projected CRS in metres to use instead.
    name
        Name of the frame in messages; default its source.
    checked
        Whether `check_layer` has checked for rows far from all others.

    Raises
    ------
    LayerError
        When *crs* is not in metres or has errors of length above 0.1 %, the layer is too large for any
        projection, rows are far from all others, or the frame has no CRS.

    Examples
    --------
    >>> town = gpd.GeoSeries.from_xy([120.0], [29.0], crs="EPSG:4326")
    >>> to_metric(town).crs.to_epsg()
    4549
    """
    layer = name or str(frame.attrs.get("source", "layer"))
    if not checked:
        check_extent(frame, layer)
    return to_crs(frame, common_crs([frame], crs, layer=layer))


def points(frame: Any) -> Any:
    """Return a point for each row: the point itself, or one inside (or on) the shape.

    Parameters
    ----------
    frame
        A GeoDataFrame or GeoSeries.

    Returns
    -------
    geopandas.GeoSeries
        Points with the index and CRS of *frame*.

    Raises
    ------
    LayerError
        When a coordinate is NaN or infinite.

    Examples
    --------
    >>> u = shapely.Polygon([(0, 0), (3, 0), (3, 3), (2, 3), (2, 1), (1, 1), (1, 3), (0, 3)])
    >>> inside = points(gpd.GeoSeries([u], crs="EPSG:4549"))
    >>> bool(inside.within(u).iloc[0])
    True
    """
    geometry = frame.geometry
    refuse_endless(geometry, str(frame.attrs.get("source", "layer")))
    shapes = np.asarray(geometry.array, dtype=object).copy()
    other = shapely.get_type_id(shapes) != 0
    shapes[other] = shapely.point_on_surface(shapes[other])
    return gpd.GeoSeries(shapes, index=geometry.index, crs=geometry.crs, name="geometry")
