"""Errors of length of projections, and projections made for one layer.

The scale of a projection at a point is the length on the map over the length on the ellipsoid (Snyder, 1987, "Map
Projections: A Working Manual", USGS Professional Paper 1395, pp. 20-24); PROJ computes it from the projection's
partial derivatives (Tissot's indicatrix). For a transverse Mercator it is about ``k0 * (1 + d**2 / (2 * R**2))`` with
d the distance from the central meridian (p. 61): 0.03 % at 160 km, 0.1 % at 285 km.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pyproj import CRS
from pyproj.crs import ProjectedCRS
from pyproj.exceptions import ProjError

from siting.data.extent import middle_longitude, projection, relative_longitude
from siting.messages import Message
from siting.numbers import Floats

#: Errors of length that are reported, and refused. UTM's 0.04 % at its central meridian is not reported.
REPORTED, REFUSED = 0.000401, 0.001
#: Conformal projections made for one layer: their PROJ strings and names.
CONFORMAL = (("tmerc", "Transverse Mercator"), ("lcc", "Lambert conformal conic"), ("sterea", "Oblique stereographic"))


@dataclass(frozen=True)
class LengthError:
    """Least and largest error of lengths among places: -0.0004 is 0.04 % too short, 0.001 is 0.1 % too long."""

    low: float
    high: float

    @property
    def worst(self) -> float:
        """The larger of both, without its sign."""
        return max(abs(self.low), abs(self.high))

    @property
    def told(self) -> Message:
        """How far lengths are off, and to which side."""
        value = self.high if abs(self.high) >= abs(self.low) else self.low
        percent = 100 * abs(value)
        return Message("datum.too_long", percent=percent) if value > 0 else Message("datum.too_short", percent=percent)

    def __str__(self) -> str:
        return str(self.told)


def length_error(crs: CRS, lon: Floats, lat: Floats) -> LengthError:
    """Return the errors of length of *crs* at places in degrees; infinite for places out of its range."""
    try:
        factors = projection(crs).get_factors(lon, lat)
    except ProjError:
        return LengthError(-np.inf, np.inf)
    scales = np.array([factors.tissot_semimajor, factors.tissot_semiminor], dtype=float)
    if not scales.size:
        return LengthError(0.0, 0.0)
    if not np.isfinite(scales).all():
        return LengthError(-np.inf, np.inf)
    return LengthError(float(scales.min()) - 1, float(scales.max()) - 1)


def tailored_projection(base: CRS, lon: Floats, lat: Floats) -> tuple[CRS, LengthError]:
    """Return the projection with the least error of length for these places, rounded: a layer that grows keeps it."""
    amid = middle_longitude(lon)
    east = relative_longitude(lon, amid)  # the layers may lie on both sides of the date line
    east_middle = relative_longitude(amid + float(east.min() + east.max()) / 2, 0.0)
    middle = round(east_middle, 1), round(float(lat.min() + lat.max()) / 2, 1)
    # Streets between two distant towns pass the middle, where the scale is least.
    lon, lat = np.append(lon, middle[0]), np.append(lat, middle[1])
    made = [_scaled(base, kind, name, middle, lon, lat) for kind, name in CONFORMAL]
    return min(made, key=lambda each: each[1].worst)


def _scaled(
    base: CRS, kind: str, name: str, middle: tuple[float, float], lon: Floats, lat: Floats
) -> tuple[CRS, LengthError]:
    """Return a projection scaled so that the largest stretch and the largest shrinking are equal."""
    plain = _crs(base, kind, name, middle, 1.0)
    error = length_error(plain, lon, lat)
    if not np.isfinite(error.worst):
        return plain, error
    best = _crs(base, kind, name, middle, round(2 / (2 + error.low + error.high), 5))
    return best, length_error(best, lon, lat)


def _crs(base: CRS, kind: str, name: str, middle: tuple[float, float], scale: float) -> CRS:
    lon, lat = middle
    # A cone needs a parallel off the equator; near it a cylinder is better anyway.
    parallel = lat if kind != "lcc" or abs(lat) >= 1 else 1.0
    first = f" +lat_1={parallel}" if kind == "lcc" else ""
    drawn = CRS.from_proj4(f"+proj={kind}{first} +lat_0={parallel} +lon_0={lon} +k_0={scale} +x_0=500000 +y_0=0")
    called = f"{name} at {lon:g}, {lat:g}, scale {scale:g}"
    return CRS(ProjectedCRS(drawn.coordinate_operation, name=called, geodetic_crs=base.geodetic_crs))
