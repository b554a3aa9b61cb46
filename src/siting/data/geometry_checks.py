"""The checks of a layer's geometry and location, one error each."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from itertools import compress
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS
from pyproj.exceptions import ProjError

from siting.data.coordinate_checks import extent_faults, to_degrees
from siting.data.datums import NO_CRS, crs_name, datum_doubt
from siting.data.extent import middle_place
from siting.data.finite_coordinates import endless_rows
from siting.data.kind_words import kind_word
from siting.data.projection_choice import metric_crs
from siting.data.roles import Role
from siting.errors import LayerError
from siting.messages import Message
from siting.numbers import Bools, Floats

logger = logging.getLogger(__name__)

# All buildings are between these heights, metres above sea.
LOWEST, HIGHEST = -500.0, 9000.0
# Part by part, the kinds that a role names, with their multi-part forms.
_KINDS = {"Point": "Point", "LineString": "LineString", "LinearRing": "LineString", "Polygon": "Polygon",
          "MultiPoint": "Point", "MultiLineString": "LineString", "MultiPolygon": "Polygon"}  # fmt: skip
# By the number that shapely gives each kind.
_NAMES = (*_KINDS, "GeometryCollection")


def check_shapes(
    frame: Any, role: Role, labels: Sequence[object], layer: str, strict: bool
) -> tuple[Any, list[Message]]:
    """Return the geometry in canonical form, and its faults."""
    shapes = np.asarray(frame.geometry.array, dtype=object)
    faults, void = _empty_faults(shapes, labels)
    faults += _kind_faults(shapes, labels, role)
    if not void.all() and not crs_faults(frame.crs):
        kept = labels if not void.any() else list(compress(labels, ~void))
        faults += _place_faults(shapes[~void], kept, frame.crs, layer, strict)
    if faults or frame.crs is None or not len(shapes):
        return shapes, faults
    shapes, lost = _mend_polygons(shapes, labels, frame.crs, layer)
    return (shapes, lost) if lost else (_simple_shapes(shapes, role, layer, labels), [])


def _place_faults(shapes: Any, labels: Sequence[object], crs: Any, layer: str, strict: bool) -> list[Message]:
    """Find wrong locations; doubtful ones are a warning, or an error when *strict*."""
    corners = shapely.bounds(shapes)
    faults, doubts = extent_faults(shapes, corners, labels, crs)
    if not faults and (doubt := datum_doubt(crs, *middle_place(crs, corners), strict=strict)):
        doubts.append(doubt)
    if strict:
        return faults + doubts
    for doubt in doubts:
        logger.warning(doubt.within(layer))
    return faults


def crs_faults(crs: CRS | None) -> list[Message]:
    """Find that a layer has no CRS, or one that is neither geographic nor projected."""
    if crs is None:
        return [NO_CRS]
    if not (crs.is_geographic or crs.is_projected):
        return [Message("datum.local", crs=crs_name(crs))]
    try:
        to_degrees(crs)
    except ProjError:
        return [Message("datum.damaged", crs=crs_name(crs))]
    return []


def _empty_faults(shapes: Any, labels: Sequence[object]) -> tuple[list[Message], Bools]:
    """Find rows without geometry or with coordinates that are not finite."""
    endless = endless_rows(shapes)
    none = (shapely.is_missing(shapes) | shapely.is_empty(shapes)) & ~endless
    faults = []
    if none.any():
        rows = list(compress(labels, none))
        faults.append(Message("shape.none", n=len(rows), total=len(shapes), rows=rows))
    if endless.any():
        rows = list(compress(labels, endless))
        faults.append(Message("shape.endless", n=len(rows), total=len(shapes), rows=rows))
    return faults, none | endless


def _kind_faults(shapes: Any, labels: Sequence[object], role: Role) -> list[Message]:
    """Find rows whose kind of geometry the role does not allow."""
    # For roles of points, a point inside a polygon is used.
    allowed = {*role.geometry, "Polygon"} if role.geometry == ("Point",) else set(role.geometry)
    kinds = shapely.get_type_id(shapes)  # -1: none
    wrong = (kinds >= 0) & np.isin(kinds, [i for i, name in enumerate(_NAMES) if _KINDS.get(name) not in allowed])
    faults = []
    if wrong.any():
        wanted = [kind_word(name) for name in role.geometry]
        found = [kind_word(name) for name in sorted(_NAMES[i] for i in np.unique(kinds[wrong]))]
        rows = list(compress(labels, wrong))
        faults.append(Message("shape.kind", role=role.name, wanted=wanted, found=found, rows=rows))
    scattered = (kinds == 4) & ~wrong & (shapely.get_num_geometries(shapes) > 1)
    if scattered.any():
        faults.append(Message("shape.scattered", rows=list(compress(labels, scattered))))
    return faults


def _mend_polygons(shapes: Any, labels: Sequence[object], crs: CRS, layer: str) -> tuple[Any, list[Message]]:
    """Make polygons that cross themselves valid; the change of area (m²) is logged as a warning."""
    ill = np.isin(shapely.get_type_id(shapes), (3, 6)) & ~shapely.is_valid(shapes)
    if not ill.any():
        return shapes, []
    mended = shapely.make_valid(shapes[ill], method="structure", keep_collapsed=False)
    lost = np.isin(shapely.get_type_id(mended), (3, 6), invert=True) | shapely.is_empty(mended)
    names = list(compress(labels, ill))
    if lost.any():
        return shapes, [Message("shape.no_area", rows=list(compress(names, lost)))]
    before, after = _areas(shapes[ill], crs), _areas(mended, crs)
    pairs = zip(names, before, after, strict=True)
    changes = [Message("shape.area", row=name, old=old, new=new) for name, old, new in pairs]
    logger.warning(Message("shape.mended", n=len(names), changes=changes).within(layer))
    shapes = shapes.copy()
    shapes[ill] = mended
    return shapes, []


def _areas(shapes: Any, crs: CRS) -> Floats:
    series = gpd.GeoSeries(shapes, crs=crs)
    try:
        measured = metric_crs(series)
    except LayerError:  # too large for lengths; areas are possible
        lon, lat = middle_place(crs, shapely.bounds(shapes))
        measured = CRS.from_proj4(f"+proj=laea +lat_0={lat} +lon_0={lon}")
    return np.asarray(shapely.area(series.to_crs(measured).array), dtype=np.float64)


def _simple_shapes(shapes: Any, role: Role, layer: str, labels: Sequence[object]) -> Any:
    """Unwrap single parts, drop heights except of lines with a rise, and put points into polygons where wanted."""
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


def _true_heights(shapes: Any, labels: Sequence[object], layer: str) -> Bools:
    """Mark the lines with possible heights and log the others; heights that are all 0 count as none."""
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
        rows = list(compress(labels, wrong))
        said = Message("shape.heights", n=len(rows), low=LOWEST, high=HIGHEST, rows=rows)
        logger.warning(said.within(layer))
    return np.asarray(high & ~wrong)


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


def _ground_lengths(lines: Any, crs: CRS) -> Floats:
    """Lengths as weights: degrees to the east are scaled to their length on the ground."""
    lines = np.asarray(lines, dtype=object)
    if crs is not None and crs.is_geographic:
        middle = np.radians(shapely.bounds(lines)[:, [1, 3]].mean(axis=1))
        xy, row = shapely.get_coordinates(lines, return_index=True)
        lines = shapely.set_coordinates(lines.copy(), xy * np.column_stack([np.cos(middle)[row], np.ones(len(row))]))
    return np.asarray(shapely.length(lines), dtype=np.float64)
