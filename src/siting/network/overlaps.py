"""Places whose free walks overlap: they walk straight to each other, without a street.

The free walk of a place is its way to the street: so far around it there is none. Where the straight way between two
places is no longer than both free walks together, no street lies between them, since a street that is crossed on the
way would be nearer to one of them than its own. So they need none, and the straight way is never longer than that over
the streets, which begins and ends with these two walks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

from siting.network.places import frozen, millimetres

if TYPE_CHECKING:
    from siting.network.places import Places

Longs = npt.NDArray[np.int64]
Ints = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]

#: Places are looked for in squares; those with longer free walks in larger ones, metres.
SIDES = (64.0, 256.0, 1024.0)


class Straight(NamedTuple):
    """Pairs that walk straight: of source ``i`` ``item[ptr[i]:ptr[i + 1]]``, rising, and the way, mm."""

    ptr: Longs
    item: Ints
    cost: Ints


def straight(sources: Places, sought: Places, limit: int) -> Straight:
    """List the pairs of places, not farther apart than *limit* mm, whose free walks overlap."""
    found = [_between_points(sources, sought, limit)]
    if sources.shape is not None or sought.shape is not None:
        found += _with_polygons(sources, sought, limit)
    a, b, cost = (np.concatenate(column) for column in zip(*found, strict=True))
    order = np.lexsort((b, a))
    ptr = np.zeros(len(sources) + 1, np.int64)
    np.cumsum(np.bincount(a, minlength=len(sources)), out=ptr[1:])
    return Straight(frozen(ptr), frozen(b[order].astype(np.int32)), frozen(cost[order].astype(np.int32)))


def _between_points(sources: Places, sought: Places, limit: int) -> tuple[Longs, Longs, Longs]:
    """Compare points with points, in squares."""
    from siting.network._squares import overlapping

    one, other = _points(sources), _points(sought)
    free, theirs = sources.free[one], sought.free[other]
    found: list[tuple[Longs, Longs, Longs]] = [(np.zeros(0, np.int64),) * 3]
    edges = [-1, *(int(side * 1000) for side in SIDES), np.iinfo(np.int64).max]
    for low, high, side in zip(edges, edges[1:], (*SIDES, 4 * SIDES[-1]), strict=False):
        mine = np.flatnonzero((theirs > low) & (theirs <= high))
        if not len(mine):
            continue
        # Two places without a walk meet on the street or not at all.
        ask = np.flatnonzero(free + theirs[mine].max() > 0)
        if not len(ask):
            continue
        at = other[mine]
        ptr, item, grid = _squares(sought.xy[at], side)
        arguments = (
            np.ascontiguousarray(sources.xy[one[ask]]), free[ask], np.ascontiguousarray(sought.xy[at]), theirs[mine],
            ptr, item, grid, np.int64(theirs[mine].max()), np.int64(limit),
        )  # fmt: skip
        void = np.zeros(0, np.int64)
        size = overlapping(*arguments, void, void, void)
        a, b, cost = (np.empty(size, np.int64) for _ in range(3))
        overlapping(*arguments, a, b, cost)
        found.append((one[ask][a], at[b], cost))
    a, b, cost = (np.concatenate(column) for column in zip(*found, strict=True))
    return a, b, cost


def _points(places: Places) -> Longs:
    if places.shape is None:
        return np.arange(len(places))
    return np.flatnonzero(shapely.is_missing(places.shape))


def _squares(xy: Floats, side: float) -> tuple[Longs, Longs, Floats]:
    """Sort points into squares: pointers, the points, and where the squares lie: west, south, side, columns, rows."""
    west, south = xy.min(axis=0)
    wide, high = np.ptp(xy, axis=0)
    side = max(side, float(np.sqrt(max(wide, 1.0) * max(high, 1.0) / (4 * len(xy) + 64))), wide / 4096, high / 4096)
    columns, rows = int(wide // side) + 1, int(high // side) + 1
    cell = np.minimum((xy[:, 1] - south) // side, rows - 1) * columns + np.minimum(
        (xy[:, 0] - west) // side, columns - 1
    )
    item = np.argsort(cell, kind="stable")
    ptr = np.zeros(columns * rows + 1, np.int64)
    np.cumsum(np.bincount(cell.astype(np.int64), minlength=columns * rows), out=ptr[1:])
    return ptr, item, np.array([west, south, side, columns, rows], float)


def _with_polygons(sources: Places, sought: Places, limit: int) -> list[tuple[Longs, Longs, Longs]]:
    """Compare polygons with all others, points with polygons; a polygon is as near as its nearest point."""
    found = []
    for one, other, turned in ((sources, sought, False), (sought, sources, True)):
        if one.shape is None or not len(other):
            continue
        rows = np.flatnonzero(~shapely.is_missing(one.shape))
        # Polygons among themselves are compared once.
        others = _points(other) if turned else np.arange(len(other))
        if not len(rows) or not len(others):
            continue
        drawn, theirs, free = other.geometry[others], other.free[others], one.free[rows]
        far = np.minimum(free + int(theirs.max()), limit) / 1000.0 + 0.001
        a, b = shapely.STRtree(drawn).query(one.shape[rows], predicate="dwithin", distance=far)
        way = millimetres(shapely.distance(one.shape[rows[a]], drawn[b]))
        keep = (way <= limit) & (way <= free[a] + theirs[b])
        pair = rows[a[keep]].astype(np.int64), others[b[keep]].astype(np.int64)
        found.append((*(pair[::-1] if turned else pair), way[keep]))
    return found
