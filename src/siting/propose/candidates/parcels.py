"""Parcels as candidates, and filters by attributes and by location."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from numbers import Real
from typing import Literal, TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from siting.data import check_layer, points, role, to_crs
from siting.errors import LayerError, ProblemError
from siting.limits import metres_of
from siting.messages import Message
from siting.numbers import Bools, Floats, Positions, Shapes

__all__ = [
    "Bounds", "Distances", "bounded", "filtered", "near_pairs", "own_filters", "place_filters",
    "read_parcels",
]  # fmt: skip

log = logging.getLogger(__name__)

Bounds: TypeAlias = tuple[float | None, float | None]
Distances: TypeAlias = Mapping[str, tuple[gpd.GeoDataFrame, float]]
Pairs: TypeAlias = tuple[Positions, Positions]
#: Columns that `make_candidates` writes.
OWN = ("source", "people", "communities")
#: Half a millimetre: distances are compared in whole ones, as on streets.
HALF = 0.0005


def near_pairs(shape: Shapes, point: Shapes, metres: float) -> Pairs:
    """List the pairs of a shape and a point at most so far apart, ordered by shape, then point."""
    row, other = shapely.STRtree(point).query(shape, predicate="dwithin", distance=metres + HALF)
    order = np.lexsort((other, row))
    return row[order], other[order]


def read_parcels(parcels: gpd.GeoDataFrame, crs: pyproj.CRS, missing: Literal["raise", "zero"]) -> gpd.GeoDataFrame:
    """Bring parcels to the form of candidates, their shapes kept, and measure them."""
    drawn = replace(role("candidates"), geometry=("Point", "Polygon"))
    frame = to_crs(check_layer(parcels, drawn, missing=missing, name="parcels"), crs)
    taken = [name for name in OWN if name in frame]
    if taken:
        log.warning(Message("candidates.replaced", columns=taken))
    shape = frame.geometry.to_numpy()
    if (shapely.get_dimensions(shape) == 2).all() and "land_area" not in frame:
        frame = frame.assign(land_area=np.round(shapely.area(shape), 1))
    return frame


def own_filters(
    frame: gpd.GeoDataFrame, area: Bounds | None, floor_area: Bounds | None, kind: Iterable[str] | None
) -> list[tuple[Message, Bools]]:
    """List the filters by attributes: why rows are left out, and which are kept."""
    tests = []
    if area is not None:
        shape = frame.geometry.to_numpy()
        flat = shapely.get_dimensions(shape) < 2
        if flat.any():
            points_ = {"n": int(flat.sum()), "total": len(frame), "ids": frame.index[flat]}
            raise LayerError("parcels", Message("candidates.no_area", **points_))
        tests.append(_between("area", area, shapely.area(shape)))
    if floor_area is not None:
        tests.append(_between("floor_area", floor_area, _column(frame, "floor_area").to_numpy(float)))
    if kind is not None:
        kinds, there = [kind] if isinstance(kind, str) else list(kind), _column(frame, "kind")
        strange, known = [one for one in kinds if one not in set(there)], sorted(there.unique())
        if not kinds:
            raise LayerError("parcels", Message("candidates.no_kinds", known=known))
        if strange:
            raise LayerError("parcels", Message("candidates.no_kind", ids=strange, known=known))
        tests.append((Message("candidates.other_kinds", kinds=kinds), there.isin(kinds).to_numpy(bool)))
    return tests


def _column(frame: gpd.GeoDataFrame, name: str) -> pd.Series:
    if name not in frame:
        found = list(frame.columns.drop("geometry"))
        raise LayerError("parcels", Message("candidates.no_column", column=name, found=found))
    column: pd.Series = frame[name]
    return column


def _between(what: str, bounds: object, value: Floats) -> tuple[Message, Bools]:
    numbers = tuple(bounds) if isinstance(bounds, tuple | list) else ()
    sound = all(one is None or (isinstance(one, Real) and 0 <= float(one) < math.inf) for one in numbers)
    if len(numbers) != 2 or not sound or numbers == (None, None):
        raise ProblemError(Message("candidates.bounds", what=what, value=bounds))
    least, most = (0.0 if numbers[0] is None else numbers[0]), (math.inf if numbers[1] is None else numbers[1])
    if least > most:
        raise ProblemError(Message("candidates.bounds_turned", what=what, value=bounds))
    outside = Message("candidates.outside", what=what, least=least, most=most)
    if numbers[1] is None:
        outside = Message("candidates.below", what=what, least=least)
    elif numbers[0] is None:
        outside = Message("candidates.above", what=what, most=most)
    return outside, (value >= least) & (value <= most)


def place_filters(
    frame: gpd.GeoDataFrame,
    community: Shapes,
    crs: pyproj.CRS,
    metres: float | None,
    boundary: gpd.GeoDataFrame | None,
    far_from: Distances | None,
    near: Distances | None,
) -> list[tuple[Message, Bools]]:
    """List the filters by location: why rows are left out, and which are kept."""
    shape, spot = frame.geometry.to_numpy(), points(frame).to_numpy()
    tests, row = [], np.arange(len(frame))
    if boundary is not None:
        inside = shapely.STRtree(spot).query(bounded(boundary, crs), predicate="intersects")[1]
        tests.append((Message("candidates.out_of_boundary"), np.isin(row, inside)))
    if metres is not None:
        close, _ = near_pairs(spot, community, metres_of(metres, "metres"))
        tests.append((Message("candidates.far", metres=metres), np.isin(row, close)))
    for name, limit, way in _distances("far_from", far_from, shape, crs):
        tests.append((Message("candidates.close_to", metres=limit, name=name), np.rint(way * 1000) >= limit * 1000))
    for name, limit, way in _distances("near", near, shape, crs):
        tests.append((Message("candidates.far_from", metres=limit, name=name), np.rint(way * 1000) <= limit * 1000))
    return tests


def bounded(boundary: gpd.GeoDataFrame, crs: pyproj.CRS) -> Shapes:
    """Return the polygons of a boundary in *crs*, made valid."""
    if not isinstance(boundary, gpd.GeoDataFrame | gpd.GeoSeries):
        raise LayerError("boundary", Message("candidates.no_polygon_layer", value=type(boundary)))
    found: Shapes = to_crs(boundary, crs).geometry.to_numpy()
    if not len(found) or (shapely.get_dimensions(found) != 2).any():
        raise LayerError("boundary", Message("candidates.no_polygons"))
    return found


def _distances(what: str, layers: Distances | None, shape: Shapes, crs: pyproj.CRS) -> list[tuple[str, float, Floats]]:
    """Measure to the nearest feature of each layer: its name, the limit, and metres, infinite beyond the limit."""
    found = []
    if layers is not None and not isinstance(layers, Mapping):
        raise ProblemError(Message("candidates.no_distances", what=what, value=layers))
    for name, entry in (layers or {}).items():
        if not (isinstance(entry, tuple | list) and len(entry) == 2 and isinstance(entry[0], gpd.GeoDataFrame)):
            raise ProblemError(Message("candidates.no_distance", what=what, name=name, value=entry))
        metres = metres_of(entry[1], f'{what} "{name}"')
        if entry[0].crs is None:
            raise LayerError(name, Message("datum.none"))
        others = to_crs(entry[0], crs).geometry.to_numpy()
        others = others[~(shapely.is_missing(others) | shapely.is_empty(others))]
        way, tree = np.full(len(shape), np.inf), shapely.STRtree(others)
        (row, _), far = tree.query_nearest(shape, max_distance=metres + 0.01, return_distance=True, all_matches=False)
        way[row] = far
        found.append((name, metres, way))
    return found


def filtered(frame: gpd.GeoDataFrame, tests: list[tuple[Message, Bools]], *, layer: str) -> gpd.GeoDataFrame:
    """Keep the rows that pass all tests, and log how many rows each test removes."""
    left = np.ones(len(frame), np.bool_)
    removed = []
    for why, kept in tests:
        removed.append((int((left & ~kept).sum()), why))
        left &= kept
    reasons = [Message("candidates.out", n=out, why=why) for out, why in removed if out]
    if not len(left):
        raise LayerError(layer, Message("candidates.none_there"))
    if not left.any():
        raise LayerError(layer, Message("candidates.none_left", n=len(left), reasons=reasons))
    found = {"layer": layer, "n": int(left.sum()), "total": len(left)}
    log.info(
        Message("candidates.kept_some", **found, reasons=reasons) if reasons else Message("candidates.kept", **found)
    )
    return frame[left]
