"""Choosing a coordinate reference system to measure in, and bringing layers to it.

A layer that already is in metres, in a projection that holds where it lies, stays in it. Else what is measured lies,
inside China, in the CGCS2000 3° Gauss-Krüger zone of its centre (EPSG:4534 for 75°E to EPSG:4554 for 135°E, without
zone prefix), elsewhere in the UTM zone of its centre (WGS 84). Where a layer spans zones, so that lengths would be
more than 0.04 % off, a projection is made for it. No length is measured that may be more than 0.1 % off. Axis order is
always x (east), y (north).
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS

from siting.data import datums
from siting.data.coordinate_checks import check_extent
from siting.data.datums import NO_CRS, WGS84, crs_name, read_crs, same_crs
from siting.data.distortion import REFUSED, TOLD, Error, error, made_for
from siting.data.extent import DEGREE, around, boxes, median, projection, sample, strays, turned
from siting.errors import LayerError, some
from siting.numbers import Floats

__all__ = ["metric_crs", "points", "to_crs", "to_metric"]

logger = logging.getLogger(__name__)


# Longitude and latitude of the box around China.
CHINA = (73.0, 3.0, 136.0, 54.0)
# Rows of each layer that its errors are taken from, beside those that lie farthest out.
ROWS = 200


@dataclass(frozen=True, eq=False)
class Reach:
    """Where layers lie, in degrees: places that stand for all, the farthest among them, and how many rows each is."""

    lon: Floats
    lat: Floats
    rows: Floats

    @property
    def centre(self) -> tuple[float, float]:
        """The weighted median: no single row moves it."""
        middle = around(self.lon)
        return float(turned(middle + median(turned(self.lon, middle), self.rows), 0.0)), median(self.lat, self.rows)

    def error(self, crs: CRS) -> Error:
        """How far lengths in *crs* are off."""
        return error(crs, self.lon, self.lat)

    def kilometres(self, meridian: float) -> float:
        """How far the places reach from a meridian."""
        return float((abs(turned(self.lon, meridian)) * np.cos(np.radians(self.lat))).max()) * DEGREE / 1000


def metric_crs(*frames: Any) -> CRS:
    """Return the CRS in metres to measure *frames* in together.

    Parameters
    ----------
    frames
        GeoDataFrames or GeoSeries, each with a CRS; empty ones do not count.

    Returns
    -------
    pyproj.CRS
        The first of these that holds, which is to say that no length of any of the layers is more than 0.1 % off in it:

        1. the CRS of the first layer that is in a projected one in metres (no Mercator that stretches all), where it
           is made for the place;
        2. the zone of the centre: the CGCS2000 3° zone by central meridian when it lies in China's box (73–136°E,
           3–54°N), else the WGS 84 UTM zone. The centre is the median of the rows. Where the layers span zones, it
           must hold to 0.04 %;
        3. a projection made for the layers: the transverse Mercator, Lambert conformal conic or oblique stereographic
           that keeps lengths best.

        Rows that lie far from all others (see `siting.data.extent`) do not count.

    Raises
    ------
    LayerError
        When a frame has no CRS, none has coordinates, or the layers reach too far for any projection.

    Examples
    --------
    >>> town = gpd.GeoSeries.from_xy([119.6, 119.7], [29.0, 29.1], crs="EPSG:4326")
    >>> metric_crs(town).to_epsg()
    4549
    >>> metric_crs(town.to_crs("EPSG:32650")).to_epsg()
    32650
    >>> province = gpd.GeoSeries.from_xy([118.2, 120.5, 122.6], [28.0, 29.5, 30.8], crs="EPSG:4326")
    >>> metric_crs(province).name
    'Lambert conformal conic at 120.4, 29.4, scale 0.99985'
    """
    return _best(frames, _reach(frames))


def _best(frames: Iterable[Any], reach: Reach) -> CRS:
    """Return the CRS of the first layer that holds, else one chosen for the places."""
    for frame in frames:
        if len(frame) and _measures(frame.crs) and reach.error(frame.crs).worst <= REFUSED and _fits(reach, frame.crs):
            return CRS(frame.crs)
    return _chosen(reach)


def _chosen(reach: Reach) -> CRS:
    """Return the zone of the centre, or a projection made for the places."""
    zone = CRS.from_epsg(_zone(*reach.centre))
    off = reach.error(zone).worst
    if off <= TOLD:
        return zone
    made, least = made_for(zone, reach.lon, reach.lat)
    spans = len({_zone(*place) for place in zip(reach.lon.tolist(), reach.lat.tolist(), strict=True)}) > 1
    if off <= REFUSED and (least.worst > off or not spans):
        return zone
    if least.worst > REFUSED:
        wide, high = reach.kilometres(reach.centre[0]) * 2, float(np.ptp(reach.lat)) * DEGREE / 1000
        raise LayerError(
            "metric_crs",
            f"the rows reach over some {wide:,.0f} km by {high:,.0f} km, from {_place(reach, 0)} to "
            f"{_place(reach, -1)}, and no projection keeps lengths there within {100 * REFUSED:g} % (the best, "
            f"{made.name}: {least}); take out rows that do not belong there, work in parts (a city or a province at a "
            "time), or compute geodesic lengths (pyproj.Geod)",
        )
    return made


def _place(reach: Reach, rank: int) -> str:
    """Write the westernmost (0) or easternmost (-1) place."""
    at = np.argsort(turned(reach.lon, reach.centre[0]), kind="stable")[rank]
    return f"{reach.lon[at]:.1f}°E {reach.lat[at]:.1f}°N"


def _zone(lon: float, lat: float) -> int:
    west, south, east, north = CHINA
    if west <= lon <= east and south <= lat <= north:
        meridian = min(max(math.floor(lon / 3 + 0.5), 25), 45)
        return 4534 + meridian - 25
    zone = int((lon + 180) // 6) % 60 + 1
    return (32600 if lat >= 0 else 32700) + zone


def _reach(frames: Iterable[Any]) -> Reach:
    """Return where the rows of some layers lie; those far from all others of their layer do not count."""
    found = []
    for number, frame in enumerate(frames, start=1):
        if frame.crs is None:
            raise LayerError(_called(frame, f"layer {number}"), NO_CRS)
        if len(frame):
            found.append(_places(frame))
    reach = Reach(*(np.concatenate([part[k] for part in found] or [np.zeros(0)]) for k in range(3)))
    if not len(reach.lon):
        raise LayerError("metric_crs", "no layer has coordinates that lie on the earth, so no CRS fits")
    return reach


def _places(frame: Any) -> tuple[Floats, Floats, Floats]:
    """Return the middles of some rows and the corners farthest out, in degrees, with the rows that each stands for."""
    shapes = sample(np.asarray(frame.geometry.array, dtype=object))
    corners = boxes(shapes)
    if frame.crs.is_geographic:
        corners = corners[(abs(corners[:, [1, 3]]) <= 90).all(axis=1) & (abs(corners[:, [0, 2]]) <= 360).all(axis=1)]
    if not len(corners):
        return np.zeros(0), np.zeros(0), np.zeros(0)
    kept = corners[~strays(corners, frame.crs, lines=shapely.get_dimensions(shapes[0]) == 1).any]
    corners = kept if len(kept) else corners
    some_rows = corners[:: -(-len(corners) // ROWS)]
    ends = corners.reshape(-1, 2)
    outer = {
        int(pick) for u, v in ((1, 0), (0, 1), (1, 1), (1, -1)) for pick in _both_ends(u * ends[:, 0] + v * ends[:, 1])
    }
    xy = np.concatenate([(some_rows[:, :2] + some_rows[:, 2:]) / 2, ends[sorted(outer)]])
    rows = np.concatenate([np.full(len(some_rows), len(frame) / len(some_rows)), np.zeros(len(outer))])
    if frame.crs.is_geographic:
        lon, lat = xy.T
    else:
        lon, lat = projection(frame.crs)(xy[:, 0], xy[:, 1], inverse=True)
    good = np.isfinite(lon) & np.isfinite(lat) & (abs(lat) <= 90)
    if not rows[good].sum():
        return np.zeros(0), np.zeros(0), np.zeros(0)
    return lon[good], lat[good], rows[good]


def _both_ends(values: Floats) -> tuple[int, int]:
    return int(values.argmin()), int(values.argmax())


def _measures(crs: CRS) -> bool:
    """Tell whether *crs* is projected, in metres, and no Mercator, whose metre is cos(latitude) of one."""
    return bool(crs.is_projected) and not _no_metres(crs) and not _mercator(crs)


def _no_metres(crs: CRS) -> bool:
    return any(axis.unit_conversion_factor != 1.0 for axis in crs.axis_info[:2])


def _mercator(crs: CRS) -> bool:
    operation = crs.coordinate_operation
    method = operation.method_name if operation else ""
    return "Mercator" in method and "Transverse" not in method and "Oblique" not in method


def _called(frame: Any, name: str = "layer") -> str:
    return str(frame.attrs.get("source", name))


def to_crs(frame: Any, crs: Any) -> Any:
    """Return *frame* in *crs*; what is done is told in the log, a shift of datum that is not exact as a warning.

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
    layer = _called(frame)
    target = read_crs(crs, layer)
    if frame.crs is None:
        raise LayerError(layer, NO_CRS)
    if same_crs(frame.crs, target):
        return frame
    over_wgs84 = _shift(frame, target, layer)
    moved = frame.to_crs(WGS84).to_crs(target) if over_wgs84 else frame.to_crs(target)
    coordinates, row = shapely.get_coordinates(moved.geometry.array, return_index=True)
    lost = np.unique(row[~np.isfinite(coordinates).all(axis=1)])
    if len(lost):
        raise LayerError(
            layer,
            f"has coordinates that {crs_name(target)} does not reach in {len(lost)} of {len(frame)} rows: "
            f"{some(frame.index[lost])}; look at the layer's own CRS and at these rows, or choose another",
        )
    logger.info("%s: reprojected from %s to %s", layer, crs_name(frame.crs), crs_name(target))
    return moved


def _shift(frame: Any, target: CRS, layer: str) -> bool:
    """Tell how exact the way to another datum is where it is not; return whether it must lead over WGS 84."""
    source = CRS(frame.crs)
    if datums.same_datum(source, target) or not len(frame):
        return False
    lon, lat, _ = _places(frame)
    if not len(lon):
        return False
    exact, over_wgs84 = datums.way(source, target, float(np.median(lon)), float(np.median(lat)))
    names = datums.datum_name(source), datums.datum_name(target)
    if exact is None:
        logger.warning(
            "%s: was brought from the datum %s to %s without a shift, because its parameters are not known here: it "
            "may lie tens of metres off, at some places more than 100 m; ask for it in %s, or have the surveying "
            "office transform it", layer, *names, names[1],
        )  # fmt: skip
    elif exact > datums.TOLD:
        logger.warning("%s: was brought from the datum %s to %s, exact to about %.0f m only", layer, *names, exact)
    return over_wgs84


def to_metric(frame: Any, crs: Any = None, *, name: str | None = None, checked: bool = False) -> Any:
    """Return *frame* in a CRS in metres, by default that of `metric_crs`; how exact it is there is told in the log.

    Parameters
    ----------
    frame
        A GeoDataFrame or GeoSeries with a CRS; it is not changed.
    crs
        A projected CRS in metres to use instead.
    name
        What to call the frame in messages; its source when not given.
    checked
        Whether `check_layer` has looked for rows that lie far from all others.

    Raises
    ------
    LayerError
        When *crs* is not in metres or lengths would be more than 0.1 % off in it, the layer reaches too far for any
        projection, rows lie far from all others, or the frame has no CRS.

    Examples
    --------
    >>> town = gpd.GeoSeries.from_xy([120.0], [29.0], crs="EPSG:4326")
    >>> to_metric(town).crs.to_epsg()
    4549
    """
    if not checked:
        check_extent(frame, name or _called(frame))
    return to_crs(frame, common_crs([frame], crs, layer=name or _called(frame)))


def common_crs(frames: Iterable[Any], crs: Any = None, *, layer: str = "layers") -> CRS:
    """Return the CRS in metres to measure *frames* in: *crs* if it holds there, else that of `metric_crs`.

    Parameters
    ----------
    frames
        GeoDataFrames or GeoSeries, each with a CRS.
    crs
        A projected CRS in metres.
    layer
        What to call the frames in messages.

    Raises
    ------
    LayerError
        As for `to_metric`.

    Examples
    --------
    >>> town = gpd.GeoSeries.from_xy([119.6, 119.7], [29.0, 29.1], crs="EPSG:4326")
    >>> common_crs([town], "EPSG:4548").to_epsg()
    4548
    """
    frames = list(frames)
    given = None if crs is None else _given(read_crs(crs, layer), layer)
    if given is not None and not any(len(frame) for frame in frames):
        return given
    reach = _reach(frames)
    target = _best(frames, reach) if given is None else given
    area, (lon, lat) = target.area_of_use, reach.centre
    if given is not None and area is not None and not _fits(reach, target):
        raise LayerError(
            layer,
            f"{crs_name(target)} is made for {area.west:g} to {area.east:g}°E, {area.south:g} to {area.north:g}°N, and "
            f"the layer lies at {lon:.1f}°E, {lat:.1f}°N; give {crs_name(_chosen(reach))} or none",
        )
    _tell(layer, target, reach)
    return target


def _given(target: CRS, layer: str) -> CRS:
    """Refuse a CRS that does not measure in metres."""
    if not target.is_projected or _no_metres(target):
        raise LayerError(
            layer,
            f'{crs_name(target)} is not in metres; give a projected CRS in metres (for example "EPSG:4549") or none',
        )
    if _mercator(target):
        # Web maps use it, but a metre of it is cos(latitude) of a metre on the ground.
        raise LayerError(
            layer, f'{crs_name(target)} stretches every length; give a local CRS (for example "EPSG:4549") or none'
        )
    return target


def _tell(layer: str, crs: CRS, reach: Reach) -> None:
    """Tell how far the places stretch from the middle of *crs* and how exact lengths are; refuse what is too far."""
    off = reach.error(crs)
    meridian = _meridian(crs)
    far = "" if meridian is None else f", reaches {reach.kilometres(meridian):,.0f} km from its meridian {meridian:g}°"
    said = f"measured in {crs_name(crs)}{far}: lengths come out up to {off}"
    if off.worst <= TOLD:
        logger.info("%s: %s", layer, said)
        return
    try:
        better = _chosen(reach)
    except LayerError:
        better = crs
    best = reach.error(better)
    remedy = ""
    if best.worst < off.worst:
        code = better.to_epsg()
        how = f'crs="EPSG:{code}"' if code else f"{better.name}, which is chosen where the layers are in degrees,"
        remedy = f"; {how} keeps them within {100 * best.worst:.3f} %"
    if off.worst > REFUSED:
        raise LayerError(layer, f"{said}, and 0.1 % is the most that is accepted{remedy or '; work in parts'}")
    logger.warning("%s: %s%s", layer, said, remedy)


def _meridian(crs: CRS) -> float | None:
    """Return the central meridian of *crs*, degrees."""
    for value in crs.coordinate_operation.params if crs.coordinate_operation else ():
        if value.name.startswith("Longitude of") and value.unit_name == "degree":
            return float(value.value)
    return None


def _fits(reach: Reach, target: CRS) -> bool:
    """Tell whether *target* is made for the part of the earth where the layers lie."""
    area, (lon, lat) = target.area_of_use, reach.centre
    if area is None or area.west > area.east:
        return True
    return bool(area.west - 3 <= lon <= area.east + 3 and area.south - 3 <= lat <= area.north + 3)


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
