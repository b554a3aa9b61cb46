"""Reference systems by name, and the accuracy of transformations between datums.

PROJ has no published transformation for some datums (Beijing 1954, Xian 1980 and others whose parameters the surveying
offices keep) and then takes degrees of the one for degrees of the other: a "ballpark" transformation, tens of metres
off and sometimes hundreds. The accuracies are those of the EPSG dataset that comes with PROJ.
"""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

from pyproj import CRS
from pyproj.aoi import AreaOfInterest
from pyproj.exceptions import CRSError
from pyproj.transformer import TransformerGroup

from siting.errors import LayerError
from siting.messages import Message

WGS84 = CRS.from_epsg(4326)
NO_CRS = Message("datum.none")

#: Transformations less accurate than this, metres, are reported; NAD83 to WGS 84 (4 m) is the first.
REPORTED = 3.0
#: Datums that are WGS 84 to less than a metre, by the beginning of their names.
LIKE_WGS84 = (
    "World Geodetic System 1984",
    "China 2000",
    "European Terrestrial Reference System 1989",
    "European Terrestrial Reference Frame",
    "International Terrestrial Reference Frame",
    "IGS",
)


def read_crs(value: Any, layer: str) -> CRS:
    """Return the CRS that *value* names; `LayerError` when it names none."""
    try:
        return CRS.from_user_input(value)
    except CRSError as fault:
        raise LayerError(layer, Message("datum.unknown_crs", value=value)) from fault


def same_crs(one: CRS, other: CRS) -> bool:
    """Whether two systems give the same coordinates, regardless of axis order."""
    return one.equals(other, ignore_axis_order=True) or (one.to_epsg() is not None and one.to_epsg() == other.to_epsg())


def crs_name(crs: CRS) -> str:
    """Name *crs* for a message, one without a code by its name, datum, projection and central meridian."""
    if authority := crs.to_authority():
        return f"{':'.join(authority)} ({crs.name})"
    operation, base = crs.coordinate_operation, crs.geodetic_crs
    if not crs.is_projected or operation is None or base is None or base.datum is None:
        return crs.name
    origin = [f"{each.value:g}°" for each in operation.params if each.name == "Longitude of natural origin"]
    return f"{crs.name} ({', '.join([base.datum.name, operation.method_name, *origin])})"


def datum_name(crs: CRS) -> str:
    """Name the datum of *crs*."""
    return (crs.geodetic_crs or crs).name


def like_wgs84(crs: CRS) -> bool:
    """Whether the datum of *crs* is WGS 84 to less than a metre, as CGCS2000 is."""
    datum = crs.geodetic_crs.datum if crs.geodetic_crs is not None else None
    return not crs.is_bound and datum is not None and datum.name.startswith(LIKE_WGS84)


def same_datum(one: CRS, other: CRS) -> bool:
    """Whether two systems have one datum, or two that are equal to less than a metre."""
    if one.is_bound or other.is_bound:
        return False
    if like_wgs84(one) and like_wgs84(other):
        return True
    a, b = one.geodetic_crs, other.geodetic_crs
    return a is not None and b is not None and a.datum == b.datum


@cache
def accuracy(source: CRS, target: CRS, lon: float, lat: float) -> float | None:
    """Return the accuracy of PROJ's transformation near a place in degrees, metres; None if unknown."""
    if same_datum(source, target):
        return 0.0
    here = AreaOfInterest(max(lon - 0.5, -180), max(lat - 0.5, -90), min(lon + 0.5, 180), min(lat + 0.5, 90))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that a finer grid exists elsewhere
        group = TransformerGroup(source, target, always_xy=True, area_of_interest=here)  # type: ignore[arg-type]  # its stub names the private twin
    if not group.transformers or "ballpark" in group.transformers[0].description.lower():
        return None
    # Parameters that a user gives (+towgs84) have no stated accuracy and count as exact.
    return max(float(group.transformers[0].accuracy), 0.0)


def best_accuracy(source: CRS, target: CRS, lon: float, lat: float) -> tuple[float | None, bool]:
    """Return the accuracy of the best transformation near a place, and whether it passes through WGS 84."""
    # From Hong Kong 1980 or OSGB36, PROJ knows none to CGCS2000, and takes the ballpark, 300 m off.
    at = float(round(lon)), float(round(lat))
    direct = accuracy(source, target, *at)
    if direct is not None:
        return direct, False
    there, back = accuracy(source, WGS84, *at), accuracy(WGS84, target, *at)
    return (None, False) if there is None or back is None else (there + back, True)


def datum_doubt(crs: CRS, lon: float, lat: float, *, strict: bool = False) -> Message | None:
    """Describe a datum without a known shift to WGS 84, or without an exact one when *strict*; else return None."""
    if same_datum(crs, WGS84):
        return None
    exact = best_accuracy(crs, WGS84, lon, lat)[0]
    if exact is None:
        return Message("datum.doubt_unknown", datum=datum_name(crs))
    if strict and exact > REPORTED:
        return Message("datum.doubt_inexact", datum=datum_name(crs), metres=exact)
    return None
