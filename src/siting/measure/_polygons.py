"""Reached streets widened to areas, fast: enclosed blocks are taken whole, only the fringe is widened street by street.

A block is a part of the plane that reached streets enclose. With R the union of blocks whose streets are all reached,
every place within the width of a street that has a block of R on either side lies in R, or within the width of R's rim:
on the way from the place to the street one leaves R over its rim. So the area is R widened at once, without the inner
part of each block (what is farther from the block's streets than the width), and with the streets that bound no block
of R widened one by one. That is what widening every street gives, from a tenth of the shapes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import shapely

__all__ = ["ROUND", "Blocks", "fill_holes", "widened"]

Longs: TypeAlias = npt.NDArray[np.int64]
Shapes: TypeAlias = npt.NDArray[np.object_]

#: Sides of a quarter circle; round ends fall short of the circle by 2 % of the width, bends by up to 4 %.
ROUND = 4


@dataclass(frozen=True)
class Blocks:
    """What streets enclose.

    Attributes
    ----------
    shapes
        Polygons; none overlaps another.
    inner
        What of each is farther from its streets than the width; None where it would be filled.
    block, ptr
        Blocks beside each line: those of line ``i`` are ``block[ptr[i]:ptr[i + 1]]``.
    sides
        How many lines bound each block.
    """

    shapes: Shapes
    inner: Shapes
    block: Longs
    ptr: Longs
    sides: Longs

    @classmethod
    def of(cls, lines: Shapes, width: float, fill: float) -> Blocks:
        """Find the blocks that *lines* enclose where they meet at their ends."""
        shapes = shapely.get_parts(shapely.polygonize(lines))
        if len(shapes):
            # Streets that cross without a crossing (bridges) enclose blocks that overlap: those are no use.
            shapes = shapes[shapely.is_empty(shapely.coverage_invalid_edges(shapes))]
        block, line, known = _bounds(shapes, lines)
        keep = np.cumsum(known) - 1
        block, line = keep[block[known[block]]], line[known[block]]
        shapes = shapes[known]
        inner = shapely.buffer(shapes, -width, quad_segs=ROUND)
        inner[(shapely.area(inner) < fill) | shapely.is_empty(inner)] = None
        order = np.argsort(line, kind="stable")
        ptr = np.searchsorted(line[order], np.arange(len(lines) + 1))
        return cls(shapes, inner, block[order], ptr, np.bincount(block, minlength=len(shapes)))

    def inside(self, reached: Longs) -> tuple[Longs, npt.NDArray[np.bool_]]:
        """List the blocks that have all their lines among *reached*; tell which of these bound such a block."""
        many = self.ptr[reached + 1] - self.ptr[reached]
        row = np.repeat(np.arange(len(reached)), many)
        beside = self.block[np.arange(len(row)) + np.repeat(self.ptr[reached] - np.cumsum(many) + many, many)]
        blocks, which, sides = np.unique(beside, return_inverse=True, return_counts=True)
        closed = sides == self.sides[blocks]
        rim = np.zeros(len(reached), bool)
        rim[row[closed[which]]] = True
        return blocks[closed], rim


def _bounds(shapes: Shapes, lines: Shapes) -> tuple[Longs, Longs, npt.NDArray[np.bool_]]:
    """Find which lines bound which shapes, and which shapes are bounded by lines that can be told apart."""
    xy, of = shapely.get_coordinates(lines, return_index=True)
    start, line = _segments(xy, of)
    names, name, times = np.unique(start, return_inverse=True, return_counts=True)
    # A segment that stands in several lines, or twice in one, tells nothing.
    which = np.full(len(names) + 1, -1)
    which[name] = line
    which[:-1][times > 1] = -1
    rings, shape = shapely.get_rings(shapes, return_index=True)
    rim, ring = _segments(*shapely.get_coordinates(rings, return_index=True))
    at = np.minimum(np.searchsorted(names, rim), max(len(names) - 1, 0))
    known = (names[at] == rim) & (which[at] >= 0) if len(names) else np.zeros(len(rim), bool)
    of_segment = shape[ring]
    good = np.ones(len(shapes), bool)
    good[of_segment[~known]] = False
    pairs = np.unique(np.column_stack([of_segment[known], which[at[known]]]), axis=0)
    return pairs[:, 0], pairs[:, 1], good


def _segments(xy: npt.NDArray[np.float64], of: npt.NDArray[np.intp]) -> tuple[npt.NDArray[Any], npt.NDArray[np.intp]]:
    """List the segments between points that follow each other, the same in both directions, and their owners."""
    here, there = xy[:-1], xy[1:]
    same = (of[1:] == of[:-1]) & (here != there).any(axis=1)
    here, there = here[same] + 0.0, there[same] + 0.0  # no minus zero
    back = (here[:, 0] > there[:, 0]) | ((here[:, 0] == there[:, 0]) & (here[:, 1] > there[:, 1]))
    ends = np.where(back[:, None], np.hstack([there, here]), np.hstack([here, there]))
    return np.ascontiguousarray(ends).view("V32").ravel(), of[:-1][same]


def widened(blocks: Blocks, whole: Longs, lines: Shapes, parts: Shapes, width: float) -> shapely.Geometry:
    """Widen the lines *whole* (positions among *lines*, of which *blocks* are made) and the *parts* of others."""
    closed, rim = blocks.inside(whole)
    fringe = np.concatenate([lines[whole[~rim]], parts])
    edges = shapely.buffer(_chains(fringe), width, quad_segs=ROUND)
    if not len(closed):
        return shapely.union_all(edges)
    core = shapely.buffer(shapely.coverage_union_all(blocks.shapes[closed]), width, quad_segs=ROUND)
    inner = blocks.inner[closed]
    inner = inner[~shapely.is_missing(inner)]
    if len(inner):
        core = shapely.difference(core, shapely.multipolygons(shapely.get_parts(inner)))
    shapely.prepare(core)
    return shapely.union_all([core, *edges[~shapely.covers(core, edges)]])


def _chains(lines: Shapes) -> Shapes:
    """Join lines where two of them meet: one long line has fewer round ends than many short ones."""
    if len(lines) < 2:
        return lines
    # A line of no length would be lost.
    dot = shapely.length(lines) == 0
    return np.concatenate([lines[dot], shapely.get_parts(shapely.line_merge(shapely.multilinestrings(lines[~dot])))])


def fill_holes(areas: Shapes, least: float) -> Shapes:
    """Fill the holes smaller than *least* m²; every area comes back as a MultiPolygon."""
    if not len(areas):
        return areas
    parts, of = shapely.get_parts(areas, return_index=True)
    _, xy, (ring_at, part_at, area_at) = shapely.to_ragged_array(shapely.multipolygons(parts, indices=of))
    size = _ring_areas(xy, ring_at)
    shell = np.zeros(len(size), bool)
    shell[part_at[:-1]] = True
    keep = shell | (size >= least)
    kept = np.append(0, np.cumsum(keep))
    points = np.repeat(keep, np.diff(ring_at))
    ring_to = np.append(0, np.cumsum(np.diff(ring_at)[keep]))
    filled: Shapes = shapely.from_ragged_array(
        shapely.GeometryType.MULTIPOLYGON, xy[points], (ring_to, kept[part_at], area_at)
    )
    # A part may have lain in a hole that is filled now.
    nested = (np.diff(area_at) > 1) & (np.add.reduceat(~keep, part_at[area_at[:-1]]) > 0)
    filled[nested] = [shapely.multipolygons(shapely.get_parts(shapely.union_all(a))) for a in filled[nested]]
    return filled


def _ring_areas(xy: npt.NDArray[np.float64], at: Longs) -> npt.NDArray[np.float64]:
    """Areas of closed rings, by the shoelace formula, measured from each ring's first point to stay precise."""
    x, y = (xy - np.repeat(xy[at[:-1]], np.diff(at), axis=0)).T
    twice = np.zeros(len(xy))
    twice[:-1] = x[:-1] * y[1:] - x[1:] * y[:-1]
    twice[at[1:] - 1] = 0  # from the last point of a ring to the next ring
    found: npt.NDArray[np.float64] = np.abs(np.add.reduceat(twice, at[:-1])) / 2
    return found
