"""Pieces of lines: the geometry of a span of a street."""

from __future__ import annotations

import numpy as np
import shapely

from siting.numbers import Floats, Ints, Shapes

__all__ = ["cut"]


def cut(lines: Shapes, low: Floats, high: Floats) -> Shapes:
    """Cut the piece from *low* to *high* (shares of the drawn length) out of each line; its own ends stay exact."""
    parts: Shapes = lines.copy()
    if not len(partial := np.flatnonzero((low > 0) | (high < 1))):
        return parts
    low, high = low[partial], high[partial]
    xy, of = shapely.get_coordinates(lines[partial], return_index=True)
    first = np.searchsorted(of, np.arange(len(partial)))
    last = np.append(first[1:], len(xy)) - 1
    step = np.hypot(*np.diff(xy, axis=0, prepend=xy[:1]).T)
    step[first] = 0
    way = np.cumsum(step)
    begin, long = way[first], way[last] - way[first]
    start, stop = begin + low * long, begin + high * long
    inside = (way > start[of]) & (way < stop[of])
    # Each piece: its start, the corners between, its end.
    ends = np.stack([_at(xy, way, first, last, start), _at(xy, way, first, last, stop)])
    ends[0, low == 0], ends[1, high == 1] = xy[first[low == 0]], xy[last[high == 1]]
    points = np.concatenate([ends[0], xy[inside], ends[1]])
    piece = np.concatenate([np.arange(len(partial)), of[inside], np.arange(len(partial))])
    order = np.argsort(piece, kind="stable")
    parts[partial] = shapely.linestrings(points[order], indices=piece[order])
    return parts


def _at(xy: Floats, way: Floats, first: Ints, last: Ints, target: Floats) -> Floats:
    """Return the points at *target* along the lines, whose lengths are cumulated one after the other in *way*."""
    after = np.clip(np.searchsorted(way, target), np.minimum(first + 1, last), last)
    before = np.maximum(after - 1, first)
    long = way[after] - way[before]
    share = np.divide(target - way[before], long, out=np.zeros_like(long), where=long > 0)
    return np.asarray(xy[before] + np.clip(share, 0, 1)[:, None] * (xy[after] - xy[before]))
