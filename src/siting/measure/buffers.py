"""Buffers of lines, united fast: one outline around many strips, each a convex polygon.

A strip is what lies within a radius of a straight piece of a line, with round ends of 16 sides to the circle; the strip
of a point is such a circle. The outline of their union consists of the stretches of their sides that no other strip
covers. A convex polygon covers one interval of a side, so each side is compared only with the strips near it. Where a
stretch enters another strip, one of that strip begins, at the same pair of sides: with one successor each, rings close.

Coinciding sides would make this ambiguous, so every radius is shortened by up to `JITTER`, by a hash of the strip's
location: a strip is the same in every area. If rings still do not close or cross, other hashes are tried, and at last
GEOS unites the strips.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import shapely

from siting.measure import buffer_kernels as kernels
from siting.numbers import Floats, Ints, Positions, Shapes

__all__ = ["strips", "unite"]

#: A row each: x and y of both ends of a straight piece, and the radius.
Strips: TypeAlias = Floats

#: Sides of a quarter circle; round ends and bends fall short of the circle by up to 2 % of the radius.
ROUND = 4
#: Radii are shortened by up to this, metres.
JITTER = 2e-7
#: Steps as short as this, metres, and holes as small, m², come from the jitter, or from floats at millions of metres.
TOLERANCE = 1e-6
#: Jitters that are tried before GEOS unites the strips.
TRIES = 4


def strips(lines: Shapes, radius: float | Floats) -> tuple[Strips, Positions]:
    """Cut lines and points into strips of one *radius*, or one for each line; list which line each is of."""
    xy, of = shapely.get_coordinates(lines, return_index=True)
    step = np.flatnonzero((of[1:] == of[:-1]) & (xy[1:] != xy[:-1]).any(axis=1))
    # A line of no length has no step; its strip goes from its first point to itself.
    dot = np.flatnonzero(np.diff(of, prepend=-1) != 0)
    dot = dot[~np.isin(of[dot], of[step])]
    begin, end = np.append(step, dot), np.append(step + 1, dot)
    order = np.argsort(begin)
    begin, end = begin[order], end[order]
    return np.column_stack([xy[begin], xy[end], np.broadcast_to(radius, len(lines))[of[begin]]]), of[begin]


def unite(rows: Strips, fill: float) -> shapely.Geometry:
    """Unite strips into one MultiPolygon, without the holes that are smaller than *fill*, m²."""
    x0, y0, x1, y1, _ = rows.T
    turned = (x0 > x1) | ((x0 == x1) & (y0 > y1))
    rows = np.where(turned[:, None], rows[:, [2, 3, 0, 1, 4]], rows)
    rows = rows[np.sort(np.unique(_hashes(rows, 0), return_index=True)[1])]
    # Floats are finer near the origin.
    origin = np.floor(rows[:, :2].min(axis=0))
    near = rows - np.array([*origin, *origin, 0])
    for seed in range(TRIES):
        share = (_hashes(rows, seed) >> np.uint64(11)).astype(float) / 2**53
        drawn = near.copy()
        drawn[:, 4] -= np.minimum(JITTER, near[:, 4] / 1000) * share
        outline = _outline(drawn, *_corners(drawn))
        if outline is not None:
            rings = _rings(outline[0] + origin, outline[1])
            ccw = shapely.is_ccw(rings)
            area = _area(rings[ccw], rings[~ccw], fill)
            if shapely.is_valid(area):
                return area
    return _by_geos(rows, fill)


def _by_geos(rows: Strips, fill: float) -> shapely.Geometry:
    """Unite strips by overlays: slow and sure."""
    xy, ptr = _corners(rows)
    polygons = shapely.polygons(shapely.linearrings(xy, indices=np.repeat(np.arange(len(rows)), np.diff(ptr))))
    parts = shapely.get_parts(shapely.union_all(polygons))
    holes = shapely.get_rings(parts)
    holes = holes[~np.isin(shapely.to_wkb(holes), shapely.to_wkb(shapely.get_exterior_ring(parts)))]
    return _area(shapely.get_exterior_ring(parts), holes, fill)


def _hashes(rows: Strips, seed: int) -> npt.NDArray[np.uint64]:
    """Hash where each strip lies: 64 bits, the high ones evenly distributed."""
    hashes = np.full(len(rows), 0x9E3779B97F4A7C15 + 2 * seed, np.uint64)
    for column in (rows + 0.0).T:  # no minus zero
        hashes = (hashes ^ np.ascontiguousarray(column).view(np.uint64)) * np.uint64(0xFF51AFD7ED558CCD)
        hashes ^= hashes >> np.uint64(32)
    return hashes * np.uint64(0xC4CEB9FE1A85EC53)


def _corners(rows: Strips) -> tuple[Floats, Ints]:
    """Draw the strips: their corners counter-clockwise, and where those of each begin."""
    x0, y0, x1, y1, radius = rows.T
    dx, dy = x1 - x0, y1 - y0
    long = np.hypot(dx, dy)
    dot = long == 0
    ahead = radius / np.where(dot, 1, long)
    dx, dy = np.where(dot, radius, dx * ahead)[:, None], (dy * ahead)[:, None]
    turn = (np.arange(2 * ROUND + 1) - ROUND) * (np.pi / 2 / ROUND)
    cap = np.stack([dx * np.cos(turn) - dy * np.sin(turn), dx * np.sin(turn) + dy * np.cos(turn)], axis=2)
    corners = np.concatenate([rows[:, None, 2:4] + cap, rows[:, None, 0:2] - cap], axis=1)
    # The two ends of a dot share two corners.
    keep = np.ones(corners.shape[:2], bool)
    keep[dot, :: 2 * ROUND + 1] = False
    return corners[keep], np.append(0, np.cumsum(keep.sum(axis=1)))


def _outline(rows: Strips, xy: Floats, ptr: Ints) -> tuple[Floats, Ints] | None:
    """Return the rings around strips of the corners *xy*: points, and where each ring begins; None if ambiguous."""
    radius = rows[:, 4]
    low, high = np.minimum(rows[:, :2], rows[:, 2:4]), np.maximum(rows[:, :2], rows[:, 2:4])
    boxes = np.hstack([low - radius[:, None], high + radius[:, None]])
    boxes -= np.tile(boxes[:, :2].min(axis=0), 2)
    # So wide that a box touches four cells on average at most, and that there are not many more cells than boxes.
    side = float(np.sqrt(((boxes[:, 2:] - boxes[:, :2]).max(axis=1) ** 2).mean()))
    side = max(side, float(np.sqrt(np.prod(boxes[:, 2:].max(axis=0)) / (16 * len(rows)))))
    columns, lines = (int(most / side) + 1 for most in boxes[:, 2:].max(axis=0))
    inner = radius * np.cos(np.pi / 4 / ROUND) - TOLERANCE
    room = len(xy) + 1024
    while True:
        start, begins, ends = np.empty((room, 2)), np.empty(room, np.int64), np.empty(room, np.int64)
        first, cells = np.empty(len(xy) + 1, np.int64), np.zeros(columns * lines + 1, np.int64)
        status, m = kernels.outline(
            xy, ptr, np.ascontiguousarray(rows[:, :4]), radius + TOLERANCE, inner, boxes, side, columns, cells,
            start, begins, ends, first,
        )  # fmt: skip
        if status != kernels.SHORT:
            break
        room *= 2
    points, ring = np.empty((m, 2)), np.empty(m + 1, np.int64)
    if status == kernels.DONE:
        status, many = kernels.rings(ptr, m, start, begins, ends, first, points, ring)
    return (points, ring[: many + 1]) if status == kernels.DONE else None


def _rings(xy: Floats, at: Ints) -> Shapes:
    """Make rings of points, without steps below the tolerance."""
    ring = np.repeat(np.arange(len(at) - 1), np.diff(at))
    before = np.arange(len(xy)) - 1
    before[at[:-1]] = at[1:] - 1
    keep = np.hypot(*(xy - xy[before]).T) > TOLERANCE
    keep &= np.bincount(ring[keep], minlength=len(at))[ring] > 2
    return np.asarray(shapely.linearrings(xy[keep], indices=np.unique(ring[keep], return_inverse=True)[1]))


def _area(shells: Shapes, holes: Shapes, fill: float) -> shapely.Geometry:
    """Put rings together to a MultiPolygon; what lies in a hole that is filled goes with it."""
    shapes, gaps = shapely.polygons(shells), shapely.polygons(holes)
    size = shapely.area(gaps)
    island, _ = _inside(shapes, gaps[size < fill])
    sea = np.bincount(island, minlength=len(shapes)) == 0
    shells, shapes = shells[sea], shapes[sea]
    open_ = size >= max(fill, TOLERANCE)
    holes, gaps = holes[open_], gaps[open_]
    # A hole is one of the smallest shape that it lies in.
    hole, shape = _inside(gaps, shapes)
    order = np.lexsort([shapely.area(shapes)[shape], hole])
    order = order[np.diff(hole[order], prepend=-1) != 0]
    order = order[np.argsort(shape[order], kind="stable")]
    hole, shape = hole[order], shape[order]
    begin = np.flatnonzero(np.diff(shape, prepend=-1) != 0)
    for k, mine in zip(shape[begin], np.split(hole, begin)[1:], strict=True):
        shapes[k] = shapely.polygons(shells[k], holes[mine])
    return shapely.multipolygons(shapes)


def _inside(inner: Shapes, outer: Shapes) -> tuple[Positions, Positions]:
    """List which polygons lie in which, where those of two kinds do not cross."""
    # A point of the one in the other may also lie in an island there, which is smaller.
    a, b = shapely.STRtree(outer).query(shapely.point_on_surface(inner), predicate="within")
    smaller = shapely.area(inner)[a] < shapely.area(outer)[b]
    return a[smaller], b[smaller]
