"""`convert_datum`: layers and points of map services to WGS 84, and back."""

from __future__ import annotations

import logging
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS

from siting.data.china_datums import Datum, is_shifted, read_datum, shifted
from siting.data.china_region import in_region
from siting.data.datums import NO_CRS, crs_name, datum_name, like_wgs84
from siting.data.extent import DEGREE
from siting.errors import LayerError, SitingError
from siting.messages import Message
from siting.numbers import Floats

__all__ = ["convert_datum", "in_wgs84"]

logger = logging.getLogger(__name__)


def convert_datum(layer: Any, source: str, target: str = "WGS84", *, name: str | None = None) -> Any:
    """Convert coordinates between WGS 84, CGCS2000 and the datums of Chinese map services, GCJ-02 and BD-09.

    GCJ-02 (AMap, Tencent) and BD-09 (Baidu) lie 21 to 700 m and about 1 km off WGS 84. The way back is exact to
    a micrometre. Only places in the region where the services shift coordinates are converted: the mainland, Hong Kong
    and Macau (see `siting.data.china_region`); others stay, and are counted in the log.

    Parameters
    ----------
    layer
        A GeoDataFrame or GeoSeries in any CRS of WGS 84 or CGCS2000, or an array of longitudes and latitudes, degrees
        (n, 2). It is not changed. A projected layer is taken to degrees, every vertex is moved, and it is projected
        again.
    source, target
        The datum of the numbers and the one wanted: ``"WGS84"``, ``"CGCS2000"`` (equal to WGS 84 here), ``"GCJ-02"`` or
        ``"BD-09"``. Usual spellings are understood, also "高德", "腾讯", "火星坐标", "百度", "gcj02", "bd09ll".
    name
        Name of the layer in messages; default its source.

    Returns
    -------
    GeoDataFrame, GeoSeries or array, as given
        ``attrs["datum"]`` of a frame says what was converted: ``from``, ``to``, and the numbers of ``rows`` that moved
        and that are ``outside`` the region. The CRS keeps its name, also where the numbers are GCJ-02 now.

    Raises
    ------
    SitingError
        When a datum is unknown, or is Baidu's projection in metres (BD-09MC), or an array has another shape.
    LayerError
        When the layer has no CRS or one of another datum, or was converted before.

    Examples
    --------
    >>> home = gpd.GeoSeries.from_xy([116.410244], [39.916404], crs="EPSG:4326")
    >>> found = convert_datum(home, "高德")
    >>> found.get_coordinates().round(5).values.tolist(), found.attrs["datum"]["from"]
    ([[116.404, 39.915]], 'GCJ-02')
    >>> convert_datum([[116.404, 39.915]], "WGS84", "BD-09").round(5).tolist()
    [[116.41663, 39.9227]]
    """
    begin, end = read_datum(source, "source"), read_datum(target, "target")
    if not isinstance(layer, gpd.GeoDataFrame | gpd.GeoSeries):
        return shifted(_lonlat(layer), begin, end)
    called = name or str(layer.attrs.get("source", "layer"))
    _check(layer, begin, called)
    if begin == end or not (is_shifted(begin) or is_shifted(end)):
        return layer
    crs = CRS(layer.crs)
    degrees = layer.geometry if crs.is_geographic else layer.geometry.to_crs(crs.geodetic_crs)
    moved = gpd.GeoSeries(_moved(degrees, begin, end), index=degrees.index, crs=degrees.crs, name=degrees.name)
    done = _report(degrees, begin, end, called)
    moved = moved if crs.is_geographic else moved.to_crs(crs)
    if isinstance(layer, gpd.GeoDataFrame):
        moved = layer.assign(**{layer.active_geometry_name: moved})
    moved.attrs = {**layer.attrs, "datum": {"from": begin, "to": end, **done}}
    return moved


def in_wgs84(layer: Any, source: Datum | None, name: str) -> Any:
    """Return a layer that was read in the datum *source* in WGS 84; LayerError where its coordinates are not degrees.

    The services publish degrees: a file in metres is of a survey, or was projected by somebody.
    """
    if source is None:
        return layer
    if is_shifted(source) and layer.crs is not None and not layer.crs.is_geographic:
        raise LayerError(name, Message("datum.projected", crs=crs_name(CRS(layer.crs)), datum=source))
    return convert_datum(layer, source, name=name)


def _lonlat(points: Any) -> Floats:
    """Return points as an array of longitudes and latitudes; refuse another shape."""
    try:
        lonlat = np.asarray(points, dtype=np.float64)
    except (TypeError, ValueError):
        lonlat = np.empty(0)
    if lonlat.ndim != 2 or lonlat.shape[1] != 2:
        if lonlat.size == 0:
            raise SitingError(Message("datum.no_layer", kind=type(points).__name__))
        raise SitingError(Message("datum.no_lonlat", shape=lonlat.shape))
    return lonlat


def _check(layer: Any, source: Datum, name: str) -> None:
    """Refuse a layer that cannot be of the datum *source*."""
    if layer.crs is None:
        raise LayerError(name, NO_CRS)
    crs = CRS(layer.crs)
    if not like_wgs84(crs):
        raise LayerError(name, Message("datum.other", crs=crs_name(crs), datum=datum_name(crs), source=source))
    before = layer.attrs.get("datum")
    if isinstance(before, dict) and is_shifted(source) and before.get("to") != source:
        facts = {"begin": before.get("from"), "end": before.get("to"), "source": source}
        raise LayerError(name, Message("datum.converted", **facts))


def _moved(degrees: Any, source: Datum, target: Datum) -> Any:
    """Return the shapes with every vertex in the datum *target*; heights stay."""

    def move(vertices: Floats) -> Floats:
        out = vertices.copy()
        out[:, :2] = shifted(vertices[:, :2], source, target)
        return out

    shapes = np.array(degrees.array, dtype=object)
    high = shapely.has_z(shapes)
    for heights in (False, True):
        part = high == heights
        shapes[part] = shapely.transform(shapes[part], move, include_z=heights)
    return shapes


def _report(degrees: Any, source: Datum, target: Datum, name: str) -> dict[str, int]:
    """Log what was converted, and count the rows that moved, and those with a vertex outside the region."""
    lonlat, row = shapely.get_coordinates(np.asarray(degrees.array, dtype=object), return_index=True)
    inside = in_region(lonlat)
    outside, rows = np.unique(row[~inside]), np.unique(row[inside])
    if len(rows):
        at = lonlat[inside][:1]
        east, north = (shifted(at, source, target) - at)[0] * DEGREE
        metres = float(np.hypot(east * np.cos(np.radians(at[0, 1])), north))
        logger.info(
            "%s: %d rows were converted from %s to %s, which moves the first by %.0f m",
            name, len(rows), source, target, metres,
        )  # fmt: skip
    if len(outside):
        rows_outside = degrees.index[outside].tolist()
        datum = source if is_shifted(source) else target
        said = Message("datum.outside", n=len(outside), total=len(degrees), datum=datum, rows=rows_outside)
        logger.warning(said.within(name))
    if is_shifted(target):
        logger.warning(Message("datum.for_services", datum=target).within(name))
    return {"rows": len(rows), "outside": len(outside)}
