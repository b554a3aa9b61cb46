"""Places whose free walks overlap: they walk straight to each other, without a street.

The free walk of a place is its way to the street. Where the straight way between two places is no longer than both
free walks together, no street lies between them: it would be nearer to one of them than its own. So they need none, and
the straight way is never longer than that over the streets, which begins and ends with these two walks.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import shapely

from siting.network import straight_walk_kernels as kernels
from siting.network.places import Places, frozen, millimetres
from siting.numbers import Ints, Ints32


class StraightWalks(NamedTuple):
    """Pairs that walk straight: of source ``i`` ``item[ptr[i]:ptr[i + 1]]``, rising, and the way, mm."""

    ptr: Ints
    item: Ints32
    cost: Ints32


def straight_walks(sources: Places, sought: Places, limit: int) -> StraightWalks:
    """List the pairs of places, not farther apart than *limit* mm, whose free walks overlap."""
    pairs = [*_between_points(sources, sought, limit), *_with_polygons(sources, sought, limit)]
    a, b, cost = (np.concatenate(column) for column in zip(*pairs, strict=True))
    order = np.lexsort((b, a))
    ptr = np.zeros(len(sources) + 1, np.int64)
    np.cumsum(np.bincount(a, minlength=len(sources)), out=ptr[1:])
    return StraightWalks(frozen(ptr), frozen(b[order].astype(np.int32)), frozen(cost[order].astype(np.int32)))


def _between_points(sources: Places, sought: Places, limit: int) -> list[tuple[Ints, Ints, Ints]]:
    one, other = sources.points, sought.points
    xy, free = sources.xy[one], sources.free[one]
    void = np.zeros(0, np.int64)
    pairs: list[tuple[Ints, Ints, Ints]] = [(void, void, void)]
    for squares in sought.squares:
        size = kernels.overlapping(xy, free, squares, limit, void, void, void)
        if size:
            a, b, cost = (np.empty(size, np.int64) for _ in range(3))
            kernels.overlapping(xy, free, squares, limit, a, b, cost)
            pairs.append((one[a], other[b], cost))
    return pairs


def _with_polygons(sources: Places, sought: Places, limit: int) -> list[tuple[Ints, Ints, Ints]]:
    """Compare polygons with all others, points with polygons; a polygon is as near as its nearest point."""
    pairs = []
    for one, other, turned in ((sources, sought, False), (sought, sources, True)):
        if one.shape is None or not len(other):
            continue
        rows = np.flatnonzero(~shapely.is_missing(one.shape))
        # Polygons among themselves are compared once.
        others = other.points if turned else np.arange(len(other))
        if not len(rows) or not len(others):
            continue
        drawn, theirs, free = other.geometry[others], other.free[others], one.free[rows]
        far = np.minimum(free + int(theirs.max()), limit) / 1000.0 + 0.001
        a, b = shapely.STRtree(drawn).query(one.shape[rows], predicate="dwithin", distance=far)
        way = millimetres(shapely.distance(one.shape[rows[a]], drawn[b]))
        keep = (way <= limit) & (way <= free[a] + theirs[b])
        pair = rows[a[keep]].astype(np.int64), others[b[keep]].astype(np.int64)
        pairs.append((*(pair[::-1] if turned else pair), way[keep]))
    return pairs
