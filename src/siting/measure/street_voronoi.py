"""Areas divided among the facilities whose streets are nearest: Voronoi cells of streets instead of points."""

from __future__ import annotations

import numpy as np
import shapely
from scipy.spatial import Voronoi

from siting.numbers import Bools, Floats, Ints, Shapes

__all__ = ["divide"]

#: How near to the end of a piece its last seed stands, metres: pieces of two facilities are divided where they meet.
END = 0.05


def divide(area: shapely.Geometry, pieces: Shapes, owner: Ints, *, spacing: float, depth: float) -> tuple[Ints, Shapes]:
    """Divide *area* among the owners of *pieces* of streets; return the owners in order, and the area of each.

    Each place goes to the owner of the nearest piece. Borders are Voronoi edges between points on the pieces, *spacing*
    apart, smoothed by up to a sixth of that. No place of the area is farther than *depth* from its nearest piece.
    """
    owners = np.unique(owner)
    if len(owners) == 1:
        return owners, np.array([area], object)
    xy, of = _seeds(pieces, spacing)
    # On a border both owners are within the depth, so that their pieces are within twice that of each other.
    near = _contested(xy, owner[of], 2 * depth)
    borders = _borders(xy[near], owner[of[near]])
    borders = borders[shapely.STRtree(borders).query(area, predicate="intersects")]
    outline = shapely.boundary(area)
    lines = shapely.line_merge(shapely.multilinestrings(borders)) if len(borders) else shapely.MultiLineString()
    lines = shapely.simplify(lines, spacing / 6)
    parts = shapely.get_parts(shapely.polygonize(shapely.get_parts(shapely.union_all([outline, lines]))))
    spot = shapely.point_on_surface(parts)
    shapely.prepare(area)
    inside = shapely.contains(area, spot)
    parts, spot = parts[inside], spot[inside]
    mine = owner[shapely.STRtree(pieces).nearest(spot)]
    order = np.argsort(mine, kind="stable")
    owners = np.unique(mine)
    areas = shapely.multipolygons(parts[order], indices=np.searchsorted(owners, mine[order]))
    return owners, shapely.coverage_union_all(areas[:, None], axis=1)


def _seeds(pieces: Shapes, spacing: float) -> tuple[Floats, Ints]:
    """Set points along the pieces, at most *spacing* apart, the first and the last `END` from the ends."""
    long = shapely.length(pieces)
    inset = np.minimum(END, long / 4)
    gaps = np.maximum(np.ceil((long - 2 * inset) / spacing), 1).astype(np.int64)
    of = np.repeat(np.arange(len(pieces)), gaps + 1)
    rank = np.arange(len(of)) - np.repeat(np.cumsum(gaps + 1) - gaps - 1, gaps + 1)
    way = inset[of] + rank * ((long - 2 * inset) / gaps)[of]
    return shapely.get_coordinates(shapely.line_interpolate_point(pieces[of], way)), of


def _contested(xy: Floats, owner: Ints, radius: float) -> Bools:
    """Mark at least the points that have a point of another owner within *radius*."""
    if not radius < np.ptp(xy, axis=0).max():
        return np.ones(len(xy), bool)
    column, row = np.floor((xy - xy.min(axis=0)) / radius).astype(np.int64).T + 1
    wide = int(row.max()) + 2
    cells, cell = np.unique(column * wide + row, return_inverse=True)
    least, most = np.full(len(cells), owner.max()), np.full(len(cells), owner.min())
    np.minimum.at(least, cell, owner)
    np.maximum.at(most, cell, owner)
    low, high = least.copy(), most.copy()
    for step in (-wide - 1, -wide, -wide + 1, -1, 1, wide - 1, wide, wide + 1):
        beside = np.minimum(np.searchsorted(cells, cells + step), len(cells) - 1)
        there = cells[beside] == cells + step
        low[there] = np.minimum(low[there], least[beside[there]])
        high[there] = np.maximum(high[there], most[beside[there]])
    return np.asarray((low < high)[cell])


def _borders(xy: Floats, owner: Ints) -> Shapes:
    """Return the Voronoi edges between points of different owners."""
    if not len(xy):
        return np.zeros(0, object)
    # Qhull is precise near the origin. Four points far outside make all edges between the others finite.
    middle = (xy.min(axis=0) + xy.max(axis=0)) / 2
    far = 10 * (np.ptp(xy, axis=0).max() + 1) * np.array([[1, 0], [0, 1], [-1, 0], [0, -1]])
    points, first = np.unique(xy - middle, axis=0, return_index=True)
    cells = Voronoi(np.concatenate([points, far]))
    who = np.append(owner[first], [-1] * 4)
    a, b = cells.ridge_points.T
    between = (who[a] != who[b]) & (who[a] >= 0) & (who[b] >= 0)
    ends = np.array([cells.ridge_vertices[i] for i in np.flatnonzero(between)], np.int64).reshape(-1, 2)
    ends = ends[(ends >= 0).all(axis=1)]
    return np.asarray(shapely.linestrings(cells.vertices[ends] + middle))
