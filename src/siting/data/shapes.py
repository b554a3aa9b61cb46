"""The checks of a layer's geometry, one fault each."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cache
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from pyproj import CRS, Transformer

from siting.data.crs import _NO_CRS, WGS84, crs_name, metric_crs
from siting.data.roles import Role
from siting.errors import some

__all__: list[str] = []

logger = logging.getLogger(__name__)

# Between these metres above sea lies all that is built.
LOWEST, HIGHEST = -500.0, 9000.0
# How far, in degrees, a layer may reach beyond the area its CRS is made for.
MARGIN = 3.0
# Part by part, the kinds that a role names, with their multi-part forms.
_KINDS = {
    "Point": "Point",
    "LineString": "LineString",
    "LinearRing": "LineString",
    "Polygon": "Polygon",
    "MultiPoint": "Point",
    "MultiLineString": "LineString",
    "MultiPolygon": "Polygon",
}
# By the number that shapely gives each kind.
_NAMES = (*_KINDS, "GeometryCollection")

Mask = npt.NDArray[np.bool_]
Corners = npt.NDArray[np.float64]


def named(labels: Sequence[str], mask: Mask) -> str:
    """Name the rows of *mask* for a message."""
    return some(labels[row] for row in np.flatnonzero(mask).tolist())


def crs_faults(crs: CRS | None) -> list[str]:
    """Say that a layer has no CRS, or one that is neither geographic nor projected."""
    if crs is None:
        return [_NO_CRS]
    if not (crs.is_geographic or crs.is_projected):
        return [
            (
                f"{crs_name(crs)} is a local system that says nothing of where on earth it lies; "
                "give the layer in a geographic or projected CRS"
            )
        ]
    return []


def empty_faults(shapes: Any, labels: Sequence[str]) -> tuple[list[str], Mask]:
    """Find rows without geometry or with coordinates that are not finite."""
    none = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    coordinates, row = shapely.get_coordinates(shapes, return_index=True)
    endless = np.zeros(len(shapes), dtype=np.bool_)
    endless[row[~np.isfinite(coordinates).all(axis=1)]] = True
    none &= ~endless
    faults = []
    if none.any():
        faults.append(
            f"{none.sum()} of {len(shapes)} rows have no geometry, or one that cannot be read: "
            f"{named(labels, none)}; draw them or take them out"
        )
    if endless.any():
        faults.append(
            f"{endless.sum()} of {len(shapes)} rows have coordinates that are NaN or infinite: {named(labels, endless)}"
        )
    return faults, none | endless


def kind_faults(shapes: Any, labels: Sequence[str], role: Role) -> list[str]:
    """Find rows whose kind of geometry the role does not allow."""
    allowed = set(role.geometry)
    if allowed == {"Point"}:
        allowed.add("Polygon")  # becomes a point inside, told in the log
    kinds = shapely.get_type_id(shapes)  # -1: none
    wrong = (kinds >= 0) & np.isin(kinds, [i for i, name in enumerate(_NAMES) if _KINDS.get(name) not in allowed])
    faults = []
    if wrong.any():
        found = ", ".join(sorted(_NAMES[kind] for kind in np.unique(kinds[wrong])))
        faults.append(f'role "{role.name}" takes {" or ".join(role.geometry)}, not {found}: {named(labels, wrong)}')
    scattered = (kinds == 4) & ~wrong & (shapely.get_num_geometries(shapes) > 1)
    if scattered.any():
        faults.append(
            f"multi-part points with more than one part: {named(labels, scattered)}; "
            "give each part a row of its own (frame.explode())"
        )
    return faults


def bounds_faults(shapes: Any, labels: Sequence[str], crs: CRS) -> list[str]:
    """Find coordinates that cannot be what *crs* says: swapped axes, metres as degrees, a wrong zone.

    A projected CRS is checked against its area of use (EPSG), with a margin of 3 degrees.
    """
    corners = shapely.bounds(shapes)
    if crs.is_geographic:
        return _degree_faults(corners, labels, crs)
    return _projected_faults(corners, labels, crs)


def _degree_faults(corners: Corners, labels: Sequence[str], crs: CRS) -> list[str]:
    west, south, east, north = corners.T
    outside = (west < -180) | (east > 180) | (south < -90) | (north > 90)
    chinese = bool((west >= 3).all() and (east <= 54).all() and (south >= 73).all() and (north <= 136).all())
    swapped = (abs(corners[:, [0, 2]]) <= 90).all() and (abs(corners[:, [1, 3]]) <= 180).all()
    if chinese or (outside.any() and swapped):
        return [
            (
                f"longitude and latitude look swapped: x is {_span(west, east)}, y is {_span(south, north)}, "
                "but x must be the longitude; swap them, for example "
                "frame.set_geometry(shapely.transform(frame.geometry, lambda xy: xy[:, ::-1])), "
                'or name the columns of a table with columns={"lon": "…", "lat": "…"}'
            )
        ]
    if not outside.any():
        return []
    text = (
        f"{crs_name(crs)} is in degrees, but {outside.sum()} of {len(corners)} rows have x {_span(west, east)} "
        f"and y {_span(south, north)}: {named(labels, outside)}; "
    )
    if (abs(corners[outside]).max(axis=1) > 1000).any():
        zone = _prefixed_zone(west[outside], east[outside])
        fits = (
            crs_name(CRS.from_epsg(zone))
            if zone
            else "the projected CRS it was made in (in China often one of EPSG:4534 to 4554, CGCS2000 by 3° meridian)"
        )
        return [
            (
                f"{text}these look like metres: set {fits}, with crs= where the layer is read or "
                "frame.set_crs(..., allow_override=True)"
            )
        ]
    return [f"{text}longitude must lie in -180 to 180 and latitude in -90 to 90"]


def _projected_faults(corners: Corners, labels: Sequence[str], crs: CRS) -> list[str]:
    if _all_inside(corners, crs):
        return []
    outside = _outside(corners, crs)
    if not outside.any():
        return []
    west, south, east, north = corners.T
    rows = "all rows" if outside.all() else f"rows {named(labels, outside)}"
    text = (
        f"{rows} lie outside the area of {crs_name(crs)}: x {_span(west[outside], east[outside])}, "
        f"y {_span(south[outside], north[outside])}; "
    )
    zone = _prefixed_zone(west[outside], east[outside])
    if zone and zone != crs.to_epsg():
        return [
            (
                f"{text}the x carries a zone number: set {crs_name(CRS.from_epsg(zone))} "
                "(with crs= where the layer is read, or frame.set_crs(..., allow_override=True))"
            )
        ]
    code = crs.to_epsg() or 0
    if 4513 <= code <= 4533 and (abs(corners[outside]) < 1e7).all():
        unprefixed = CRS.from_epsg(code + 4534 - 4513)
        if not _outside(corners, unprefixed).any():
            return [f"{text}the x carries no zone number: set {crs_name(unprefixed)}"]
    if not _outside(corners[:, [1, 0, 3, 2]], crs).any():
        return [f"{text}x and y look swapped (x is the easting, y the northing)"]
    if (abs(corners[outside]) <= 180).all():
        return [f"{text}these look like degrees: set EPSG:4326 (or EPSG:4490) instead"]
    return [f"{text}the layer was made in another CRS or zone: set the one it was made in"]


@cache
def _to_degrees(crs: CRS) -> Transformer:
    """Return the way from *crs* to degrees; making one takes a tenth of a second."""
    return Transformer.from_crs(crs, WGS84, always_xy=True)


def _all_inside(corners: Corners, crs: CRS) -> bool:
    """Tell whether the box around all boxes surely lies where *crs* is made to be used, so that none needs a look.

    What the edge of the box encloses on the map it encloses on the globe, too; half a degree is kept in hand, because
    the edge is looked at in points.
    """
    (west, south), (east, north) = corners[:, :2].min(axis=0), corners[:, 2:].max(axis=0)
    x, y = np.linspace(west, east, 33), np.linspace(south, north, 33)
    edge = np.concatenate(
        [np.column_stack(np.broadcast_arrays(*side)) for side in ((x, south), (x, north), (west, y), (east, y))]
    )
    return not _outside(np.hstack([edge, edge]), crs, MARGIN - 0.5).any()


def _outside(corners: Corners, crs: CRS, margin: float = MARGIN) -> Mask:
    """Tell which boxes do not lie where *crs* is made to be used."""
    move = _to_degrees(crs)
    lon, lat = move.transform(corners[:, [0, 2]].ravel(), corners[:, [1, 3]].ravel())
    lon, lat = np.reshape(lon, (-1, 2)), np.reshape(lat, (-1, 2))
    area = crs.area_of_use
    west, south, east, north = area.bounds if area else (-180.0, -90.0, 180.0, 90.0)
    if west > east:  # the area crosses the date line
        lon, east = np.where(lon < west - margin, lon + 360, lon), east + 360
    good = (lon >= west - margin) & (lon <= east + margin) & (lat >= south - margin) & (lat <= north + margin)
    beyond: Mask = ~good.all(axis=1)
    return beyond


def _prefixed_zone(west: npt.NDArray[np.float64], east: npt.NDArray[np.float64]) -> int | None:
    """Return the EPSG code of the CGCS2000 zone whose number stands before the easting, if one does.

    3° zones 25 to 45 are EPSG:4513 to 4533; 6° zones 13 to 23 are EPSG:4491 to 4501.
    """
    zones = {*(west // 1e6).astype(int), *(east // 1e6).astype(int)}
    if len(zones) != 1:
        return None
    zone = int(zones.pop())
    if 25 <= zone <= 45:
        return 4513 + zone - 25
    return 4491 + zone - 13 if 13 <= zone <= 23 else None


def _span(low: npt.NDArray[np.float64], high: npt.NDArray[np.float64]) -> str:
    least, most = float(low.min()), float(high.max())
    return f"{least:.10g}" if least == most else f"{least:.10g} to {most:.10g}"


def mend_polygons(shapes: Any, labels: Sequence[str], crs: CRS, layer: str) -> tuple[Any, list[str]]:
    """Make polygons that cross themselves valid; the change of area (m²) is told as a warning."""
    ill = np.isin(shapely.get_type_id(shapes), (3, 6)) & ~shapely.is_valid(shapes)
    if not ill.any():
        return shapes, []
    mended = shapely.make_valid(shapes[ill], method="structure", keep_collapsed=False)
    lost = np.isin(shapely.get_type_id(mended), (3, 6), invert=True) | shapely.is_empty(mended)
    names = [label for label, bad in zip(labels, ill, strict=True) if bad]
    if lost.any():
        return shapes, [f"polygons that enclose no area: {named(names, lost)}; draw them again"]
    before, after = _areas(shapes[ill], crs), _areas(mended, crs)
    changes = [f"{name}: {old:.1f} -> {new:.1f} m2" for name, old, new in zip(names, before, after, strict=True)]
    logger.warning(
        "%s: %d polygons crossed themselves and were made valid; area %s",
        layer,
        len(names),
        some(changes),
    )
    shapes = shapes.copy()
    shapes[ill] = mended
    return shapes, []


def _areas(shapes: Any, crs: CRS) -> npt.NDArray[np.float64]:
    series = gpd.GeoSeries(shapes, crs=crs)
    return np.asarray(shapely.area(series.to_crs(metric_crs(series)).array), dtype=np.float64)


def simple_shapes(shapes: Any, role: Role, layer: str, labels: Sequence[str]) -> Any:
    """Unwrap multi-parts of one part, and put a point into polygons where the role takes points only.

    Heights are dropped, but for lines that may have a rise: there they stay where they can be true.
    """
    shapes = shapes.copy()
    high = shapely.get_coordinate_dimension(shapes) > 2
    if high.any() and any(column.name == "rise" for column in role.columns):
        high &= ~_true_heights(shapes, labels, layer)
    elif high.any():
        logger.info("%s: the heights of %d geometries were dropped", layer, high.sum())
    if high.any():
        shapes[high] = shapely.force_2d(shapes[high])
    single = np.isin(shapely.get_type_id(shapes), (4, 5)) & (shapely.get_num_geometries(shapes) == 1)
    shapes[single] = shapely.get_geometry(shapes[single], 0)
    rings = shapely.get_type_id(shapes) == 2
    shapes[rings] = [shapely.LineString(ring.coords) for ring in shapes[rings]]
    if role.geometry == ("Point",):
        filled = np.isin(shapely.get_type_id(shapes), (3, 6))
        if filled.any():
            shapes[filled] = shapely.point_on_surface(shapes[filled])
            logger.info("%s: %d polygons became points inside them", layer, filled.sum())
    return shapes


def _true_heights(shapes: Any, labels: Sequence[str], layer: str) -> Mask:
    """Tell which lines have heights that can be true; the others are told. Where all heights are 0, there are none."""
    z = shapely.get_coordinates(shapes, include_z=True)[:, 2]
    row = np.repeat(np.arange(len(shapes)), shapely.get_num_coordinates(shapes))
    high = shapely.has_z(shapes)
    if not z[np.isfinite(z)].any():
        logger.info("%s: all heights are 0 or missing; they were dropped", layer)
        return np.zeros(len(shapes), dtype=np.bool_)
    wrong = np.zeros(len(shapes), dtype=np.bool_)
    wrong[row[~(np.isfinite(z) & (z >= LOWEST) & (z <= HIGHEST))]] = True
    wrong &= high
    if wrong.any():
        logger.warning(
            "%s: %d rows have heights that are missing, below %g m or above %g m: %s; their heights are not used",
            layer,
            wrong.sum(),
            LOWEST,
            HIGHEST,
            named(labels, wrong),
        )
    found: Mask = high & ~wrong
    return found


def split_lines(frame: Any, role: Role, layer: str) -> Any:
    """Give each part of a multi-part line a row of its own: ids get ``-1``, ``-2``, …, lengths are shared out."""
    count = shapely.get_num_geometries(frame.geometry.array)
    many = (shapely.get_type_id(frame.geometry.array) == 5) & (count > 1)
    if not many.any():
        return frame
    whole = _ground_lengths(frame.geometry.array, frame.crs)
    parts = frame.assign(_whole=whole, _many=many).explode(index_parts=False)
    number = parts.groupby(level=0, sort=False).cumcount() + 1
    split = parts.pop("_many").to_numpy(dtype=bool)
    share = _ground_lengths(parts.geometry.array, frame.crs) / np.where(parts["_whole"] > 0, parts.pop("_whole"), 1.0)
    for column in role.columns:
        if column.divisible and column.name in parts:
            parts[column.name] = parts[column.name] * np.where(split, share, 1.0)
    parts.index = parts.index.where(~split, parts.index + "-" + number.astype(str).to_numpy()).rename("id")
    logger.info("%s: %d lines of several parts were split; their ids got -1, -2, …", layer, many.sum())
    return parts


def _ground_lengths(lines: Any, crs: CRS) -> npt.NDArray[np.float64]:
    """Lengths to share something out by: a degree to the east counts as much less as it is shorter on the ground."""
    lines = np.asarray(lines, dtype=object)
    if crs is not None and crs.is_geographic:
        middle = np.radians(shapely.bounds(lines)[:, [1, 3]].mean(axis=1))
        xy, row = shapely.get_coordinates(lines, return_index=True)
        lines = shapely.set_coordinates(lines.copy(), xy * np.column_stack([np.cos(middle)[row], np.ones(len(row))]))
    return np.asarray(shapely.length(lines), dtype=np.float64)
