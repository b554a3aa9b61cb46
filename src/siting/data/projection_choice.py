"""Choosing the coordinate reference system to measure layers in.

A layer in metres, in a projection valid at its location, stays in it. Else the CRS is, inside China, the CGCS2000 3°
Gauss-Krüger zone of the centre (EPSG:4534 for 75°E to EPSG:4554 for 135°E, without zone prefix), elsewhere the UTM zone
of the centre (WGS 84). Where a layer spans zones, with errors of length above 0.04 %, a projection is made for it.
Errors above 0.1 % are refused. Axis order is always x (east), y (north).
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from pyproj import CRS

from siting.data.datums import NO_CRS, crs_name, read_crs
from siting.data.distortion import REFUSED, REPORTED, LengthError, length_error, tailored_projection
from siting.data.extent import DEGREE, median, middle_longitude, projection, relative_longitude
from siting.data.outliers import usual_boxes
from siting.errors import LayerError
from siting.messages import Message
from siting.numbers import Floats

__all__ = ["common_crs", "metric_crs"]

logger = logging.getLogger(__name__)

# Longitude and latitude of the box around China.
CHINA = (73.0, 3.0, 136.0, 54.0)
# Rows of each layer for its errors, in addition to the outermost ones.
ROWS = 200


@dataclass(frozen=True, eq=False)
class Places:
    """Sampled locations of layers, in degrees, including the outermost, and the number of rows for each."""

    lon: Floats
    lat: Floats
    rows: Floats

    @property
    def centre(self) -> tuple[float, float]:
        """The weighted median: no single row moves it."""
        middle = middle_longitude(self.lon)
        lon = middle + median(relative_longitude(self.lon, middle), self.rows)
        return float(relative_longitude(lon, 0.0)), median(self.lat, self.rows)

    def length_error(self, crs: CRS) -> LengthError:
        """Return how far lengths in *crs* are off."""
        return length_error(crs, self.lon, self.lat)

    def kilometres(self, meridian: float) -> float:
        """Return how far the places reach from a meridian."""
        east = abs(relative_longitude(self.lon, meridian)) * np.cos(np.radians(self.lat))
        return float(east.max()) * DEGREE / 1000

    def inside(self, crs: CRS) -> bool:
        """Whether the area of use of *crs* includes the layers."""
        area, (lon, lat) = crs.area_of_use, self.centre
        if area is None or area.west > area.east:
            return True
        return bool(area.west - 3 <= lon <= area.east + 3 and area.south - 3 <= lat <= area.north + 3)


def metric_crs(*frames: Any) -> CRS:
    """Return the CRS in metres to measure *frames* in together.

    Parameters
    ----------
    frames
        GeoDataFrames or GeoSeries, each with a CRS; empty ones do not count.

    Returns
    -------
    pyproj.CRS
        The first of these with errors of length of at most 0.1 % in all layers:

        1. the CRS of the first layer that is in a projected one in metres (no Mercator that stretches all), where it
           is made for the place;
        2. the zone of the centre: the CGCS2000 3° zone by central meridian when it lies in China's box (73–136°E,
           3–54°N), else the WGS 84 UTM zone. The centre is the median of the rows. Where the layers span zones, the
           error must be at most 0.04 %;
        3. a projection made for the layers: the transverse Mercator, Lambert conformal conic or oblique stereographic
           with the least error of length.

        Rows far from all others (see `siting.data.outliers`) do not count.

    Raises
    ------
    LayerError
        When a frame has no CRS, none has coordinates, or the layers are too large for any projection.

    Examples
    --------
    >>> import geopandas as gpd
    >>> town = gpd.GeoSeries.from_xy([119.6, 119.7], [29.0, 29.1], crs="EPSG:4326")
    >>> metric_crs(town).to_epsg()
    4549
    >>> metric_crs(town.to_crs("EPSG:32650")).to_epsg()
    32650
    >>> province = gpd.GeoSeries.from_xy([118.2, 120.5, 122.6], [28.0, 29.5, 30.8], crs="EPSG:4326")
    >>> metric_crs(province).name
    'Lambert conformal conic at 120.4, 29.4, scale 0.99985'
    """
    return _first_that_holds(frames, _places(frames))


def common_crs(frames: Iterable[Any], crs: Any = None, *, layer: str = "layers") -> CRS:
    """Return the CRS in metres to measure *frames* in: *crs* if it is valid there, else that of `metric_crs`.

    Parameters
    ----------
    frames
        GeoDataFrames or GeoSeries, each with a CRS.
    crs
        A projected CRS in metres.
    layer
        Name of the frames in messages.

    Raises
    ------
    LayerError
        As for `to_metric`.

    Examples
    --------
    >>> import geopandas as gpd
    >>> town = gpd.GeoSeries.from_xy([119.6, 119.7], [29.0, 29.1], crs="EPSG:4326")
    >>> common_crs([town], "EPSG:4548").to_epsg()
    4548
    """
    frames = list(frames)
    target = None if crs is None else read_crs(crs, layer)
    if target is not None and (fault := _unfit(target)):
        name = crs_name(target)
        said = Message("datum.not_metres", crs=name) if fault == "unit" else Message("datum.stretches", crs=name)
        raise LayerError(layer, said)
    if target is not None and not any(len(frame) for frame in frames):
        return target
    places = _places(frames)
    if target is None:
        target = _first_that_holds(frames, places)
    elif (area := target.area_of_use) is not None and not places.inside(target):
        lon, lat = places.centre
        west, south, east, north = area.bounds
        said = Message(
            "datum.made_for", crs=crs_name(target), west=west, east=east, south=south, north=north, lon=lon, lat=lat,
            better=crs_name(_zone_or_tailored(places)),
        )  # fmt: skip
        raise LayerError(layer, said)
    _report(layer, target, places)
    return target


def _first_that_holds(frames: Iterable[Any], places: Places) -> CRS:
    """Return the CRS of the first layer that holds, else one chosen for the places."""
    for frame in frames:
        crs = frame.crs
        if len(frame) and not _unfit(crs) and places.length_error(crs).worst <= REFUSED and places.inside(crs):
            return CRS(crs)
    return _zone_or_tailored(places)


def _zone_or_tailored(places: Places) -> CRS:
    """Return the zone of the centre, or a projection made for the places."""
    zone = CRS.from_epsg(_zone(*places.centre))
    worst = places.length_error(zone).worst
    if worst <= REPORTED:
        return zone
    tailored, least = tailored_projection(zone, places.lon, places.lat)
    spans = len({_zone(*place) for place in zip(places.lon.tolist(), places.lat.tolist(), strict=True)}) > 1
    if worst <= REFUSED and (least.worst > worst or not spans):
        return zone
    if least.worst > REFUSED:
        wide, high = places.kilometres(places.centre[0]) * 2, float(np.ptp(places.lat)) * DEGREE / 1000
        order = np.argsort(relative_longitude(places.lon, places.centre[0]), kind="stable")
        west, east = (f"{places.lon[at]:.1f}°E {places.lat[at]:.1f}°N" for at in order[[0, -1]])
        raise LayerError(
            "metric_crs",
            Message(
                "datum.too_wide", wide=wide, high=high, west=west, east=east, percent=100 * REFUSED, name=tailored.name,
                error=least.told,
            ),
        )  # fmt: skip
    return tailored


def _zone(lon: float, lat: float) -> int:
    """Return the EPSG code of the zone of a place: CGCS2000 3° in China's box, else UTM."""
    west, south, east, north = CHINA
    if west <= lon <= east and south <= lat <= north:
        return 4534 - 25 + min(max(math.floor(lon / 3 + 0.5), 25), 45)
    return (32600 if lat >= 0 else 32700) + int((lon + 180) // 6) % 60 + 1


def _places(frames: Iterable[Any]) -> Places:
    """Return the locations of the rows of some layers, without those far from all others of their layer."""
    parts = []
    for number, frame in enumerate(frames, start=1):
        if frame.crs is None:
            raise LayerError(str(frame.attrs.get("source", f"layer {number}")), NO_CRS)
        if len(frame):
            parts.append(layer_places(frame))
    if not any(len(part.lon) for part in parts):
        raise LayerError("metric_crs", Message("datum.nowhere"))
    return Places(*(np.concatenate([getattr(part, key) for part in parts]) for key in ("lon", "lat", "rows")))


def layer_places(frame: Any) -> Places:
    """Return the middles of some rows and the outermost corners, with the number of rows for each."""
    corners = usual_boxes(frame)
    none = Places(np.zeros(0), np.zeros(0), np.zeros(0))
    if not len(corners):
        return none
    some_rows = corners[:: -(-len(corners) // ROWS)]
    ends = corners.reshape(-1, 2)
    along = [u * ends[:, 0] + v * ends[:, 1] for u, v in ((1, 0), (0, 1), (1, 1), (1, -1))]
    outer = {int(at) for each in along for at in (each.argmin(), each.argmax())}
    xy = np.concatenate([(some_rows[:, :2] + some_rows[:, 2:]) / 2, ends[sorted(outer)]])
    rows = np.concatenate([np.full(len(some_rows), len(frame) / len(some_rows)), np.zeros(len(outer))])
    lon, lat = xy.T if frame.crs.is_geographic else projection(frame.crs)(xy[:, 0], xy[:, 1], inverse=True)
    good = np.isfinite(lon) & np.isfinite(lat) & (abs(lat) <= 90)
    return Places(lon[good], lat[good], rows[good]) if rows[good].sum() else none


def _unfit(crs: CRS) -> str:
    """Return why no lengths are measured in *crs* anywhere, "unit" or "stretch"; "" if they are."""
    if not crs.is_projected or any(axis.unit_conversion_factor != 1.0 for axis in crs.axis_info[:2]):
        return "unit"
    operation = crs.coordinate_operation
    method = operation.method_name if operation else ""
    # A metre of Mercator, as in web maps, is cos(latitude) of a metre on the ground.
    if "Mercator" in method and "Transverse" not in method and "Oblique" not in method:
        return "stretch"
    return ""


def _report(layer: str, crs: CRS, places: Places) -> None:
    """Log the distance from the middle of *crs* and the error of lengths; refuse too large errors."""
    error = places.length_error(crs)
    meridian = _meridian(crs)
    text = Message("datum.measured", crs=crs_name(crs), error=error.told)
    if meridian is not None:
        km = places.kilometres(meridian)
        text = Message("datum.measured_far", crs=crs_name(crs), km=km, meridian=meridian, error=error.told)
    if error.worst <= REPORTED:
        logger.info(text.within(layer))
        return
    try:
        better = _zone_or_tailored(places)
    except LayerError:
        better = crs
    best = places.length_error(better).worst
    code = better.to_epsg()
    how = f'crs="EPSG:{code}"' if code else Message("datum.chosen_itself", name=better.name)
    facts = {"measured": text, "how": how, "percent": 100 * best}
    if error.worst > REFUSED:
        raise LayerError(
            layer,
            Message("datum.refused_better", **facts) if best < error.worst else Message("datum.refused", measured=text),
        )
    said = Message("datum.better", **facts) if best < error.worst else text
    logger.warning(said.within(layer))


def _meridian(crs: CRS) -> float | None:
    """Return the central meridian of *crs*, degrees."""
    given = crs.coordinate_operation.params if crs.coordinate_operation else ()
    return next((float(p.value) for p in given if p.name.startswith("Longitude of") and p.unit_name == "degree"), None)
