"""Where estates, drawn as polygons, are entered: the gates on the streets that pass or cross them.

Each point of the rim (of parts and holes), every 10 m, is taken for a gate, from which a walk leads straight to the
nearest point of a street. Only ways that can be the first part of a shortest path are kept: not longer than allowed,
across no other street, and with no other as near to their end. Where a street crosses the rim, the way is 0. Private
streets are entered by the estate they lie in, and by one that has no open street as near.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np
import shapely

from siting.network import segment_kernels
from siting.network.end_points import run_starts
from siting.network.parts import Parts
from siting.network.places import Gates, millimetres
from siting.network.preferred_streets import DECK, Preferred
from siting.numbers import Bools, Floats, Ints, Ints32, Shapes

#: Of the shortest way of each polygon the street, mm along it, metres to it and to the nearest of all.
First: TypeAlias = tuple[Ints32, Ints, Floats, Floats]
#: The rim is walked along in steps of so many metres.
STEP = 10.0
#: Ways that differ by less are equally long, metres.
ALIKE = 0.001


class _Ways(NamedTuple):
    owner: Ints
    edge: Ints
    start: Floats  # (n, 2), on the rim
    stop: Floats  # on the street
    share: Floats  # of the street's length, from `u`
    away: Floats

    def take(self, rows: Bools | Ints) -> _Ways:
        columns: Any = self
        return _Ways(*(column[rows] for column in columns))


def gates_of(
    network: Parts, geometry: Shapes, rows: Ints, max_snap: float, preferred: Preferred | None
) -> tuple[First, Gates]:
    """Find the gates of the polygons ``geometry[rows]``: the shortest way of each to a street, and the others."""
    shape = geometry[rows]
    owner, edge = _near(network, shape, max_snap)
    lines = _lines(network, edge)
    away = shapely.distance(shape[owner], lines)
    near = away <= max_snap
    owner, edge, lines, away = (column[near] for column in (owner, edge, lines, away))
    nearest = _least(len(shape), owner, away)
    if preferred is not None:
        keep = _on_ground(owner, edge, away, nearest, preferred)
        owner, edge, lines, away = (column[keep] for column in (owner, edge, lines, away))
    if network.private is not None:
        keep = _of_residents(shape, owner, lines, away, network.private[edge])
        owner, edge, lines, away = (column[keep] for column in (owner, edge, lines, away))
    barred = None if preferred is None else preferred.street
    ways = _ways(network, shape, owner, edge, lines, away, max_snap, barred)
    return _parted(network, shape, rows, ways, nearest)


def _near(network: Parts, shape: Shapes, max_snap: float) -> tuple[Ints, Ints]:
    reach = max_snap
    if not np.isfinite(max_snap):
        every = np.concatenate([network.segments.xy, shapely.bounds(shape).reshape(-1, 2)])
        reach = float(np.ptp(every, axis=0).sum())
    west, south, east, north = np.ascontiguousarray(shapely.bounds(shape).T) + np.array([[-1], [-1], [1], [1]]) * reach
    ptr, streets = np.zeros(len(shape) + 1, np.int64), np.zeros(0, np.int32)
    segment_kernels.meeting(network.segments, west, south, east, north, ptr, streets)
    streets = np.zeros(int(ptr[-1]), np.int32)
    segment_kernels.meeting(network.segments, west, south, east, north, ptr, streets)
    pair = np.unique(np.repeat(np.arange(len(shape)), np.diff(ptr)) << 32 | streets)
    return pair >> 32, pair & 0xFFFFFFFF


def _lines(network: Parts, edge: Ints) -> Shapes:
    which, at = np.unique(edge, return_inverse=True)
    first, xy = network.segments.first, network.segments.xy
    many = first[which + 1] - first[which]
    vertex = np.repeat(first[which] - np.cumsum(many) + many, many) + np.arange(int(many.sum()))
    drawn: Shapes = shapely.linestrings(xy[vertex], indices=np.repeat(np.arange(len(which)), many))
    return drawn[at]


def _least(polygons: int, owner: Ints, away: Floats) -> Floats:
    least = np.full(polygons, np.inf)
    np.minimum.at(least, owner, away)
    return least


def _on_ground(owner: Ints, edge: Ints, away: Floats, nearest: Floats, preferred: Preferred) -> Bools:
    """Keep the preferred streets of each polygon that has any; see `siting.network.preferred_streets.DECK`."""
    good, on_deck = preferred.street[edge], preferred.deck[edge]
    ground, deck = (_least(len(nearest), owner[kind], away[kind]) for kind in (good, on_deck))
    # Beside a deck alone, with no street on the ground near: the deck is where the houses stand.
    stay = ~np.isfinite(ground) | ((deck <= nearest) & (ground > nearest + DECK))
    return np.asarray(good | stay[owner])


def _of_residents(shape: Shapes, owner: Ints, lines: Shapes, away: Floats, private: Bools) -> Bools:
    """Keep the private streets of each polygon that lie in it, or nearer than all others: a neighbour's are closed."""
    open_at = _least(len(shape), owner[~private], away[~private])
    keep = ~private | (away < open_at[owner] - ALIKE)
    # One that ends at the rim, where it leaves an open street, is a neighbour's.
    meet = np.flatnonzero(~keep & (away == 0))
    keep[meet] = shapely.length(shapely.intersection(lines[meet], shape[owner[meet]])) > ALIKE
    return keep


def _ways(
    network: Parts, shape: Shapes, owner: Ints, edge: Ints, lines: Shapes, away: Floats, max_snap: float,
    barred: Bools | None,
) -> _Ways:  # fmt: skip
    apart = away > 0
    # Where a street crosses the rim, or runs along it, the way is 0.
    touch = np.flatnonzero(~apart)
    met = shapely.intersection(lines[touch], shapely.boundary(shape[owner[touch]]))
    spot, which = shapely.get_coordinates(met, return_index=True)
    # One that lies inside is entered at its middle; it leads nowhere, unless it is the only one.
    inside = np.setdiff1d(np.arange(len(touch)), which)
    inside = inside[~np.isin(owner[touch[inside]], owner[np.concatenate([touch[which], np.flatnonzero(apart)])])]
    middle = shapely.get_coordinates(shapely.line_interpolate_point(lines[touch[inside]], 0.5, normalized=True))
    spot, row = np.concatenate([spot, middle]), touch[np.concatenate([which, inside])]
    crossing = _way(network, owner[row], edge[row], spot, spot)
    # The shortest way to each other street, if no street lies before it.
    pair = np.flatnonzero(apart)
    ends = shapely.get_coordinates(shapely.shortest_line(shape[owner[pair]], lines[pair])).reshape(-1, 2, 2)
    shortest = _way(network, owner[pair], edge[pair], ends[:, 0], ends[:, 1])
    shortest = shortest.take(~_blocked(network, shortest, barred))
    # From the rim, step by step, to the nearest point of the street; one that crosses the rim may go on beside it.
    pair = np.concatenate([pair, np.unique(touch[which])])
    parts, of_part = shapely.get_parts(shape, return_index=True)
    rings, of_ring = shapely.get_rings(parts, return_index=True)
    long = shapely.length(rings) > 0  # GEOS takes no steps along one that is a spot
    rim, of = shapely.get_coordinates(shapely.segmentize(rings[long], STEP), return_index=True)
    ptr = np.searchsorted(of_part[of_ring[long]][of], np.arange(len(shape) + 1))
    metres = network.cost[edge[pair]] / 1000.0
    arguments = (network.segments, ptr, rim, owner[pair], edge[pair], metres, float(max_snap))

    def room(size: int) -> tuple[Ints, Ints, Floats, Floats, Floats]:
        return np.empty(size, np.int64), np.empty(size, np.int64), np.empty(size), np.empty(size), np.empty((size, 2))

    which, at, part, far, foot = ways = room(segment_kernels.approaches(*arguments, *room(0)))
    segment_kernels.approaches(*arguments, *ways)
    steps = _Ways(owner[pair[which]], edge[pair[which]], rim[at], foot, part, far)
    steps = steps.take(~_blocked(network, steps, barred))
    columns: Any = zip(crossing, shortest, steps, strict=True)
    return _Ways(*map(np.concatenate, columns))


def _way(network: Parts, owner: Ints, edge: Ints, start: Floats, stop: Floats) -> _Ways:
    x, y = (np.ascontiguousarray(column) for column in stop.T)
    share = segment_kernels.shares(network.segments, edge, x, y)
    return _Ways(owner, edge, start, stop, share, np.hypot(*(start - stop).T))


def _blocked(network: Parts, ways: _Ways, barred: Bools | None) -> Bools:
    hit = np.zeros(len(ways.owner), np.bool_)
    ends = [np.ascontiguousarray(column) for column in (*ways.start.T, *ways.stop.T)]
    segment_kernels.crossed(network.segments, *ends, np.zeros(0, np.bool_) if barred is None else barred, hit)
    return hit


def _parted(network: Parts, shape: Shapes, rows: Ints, ways: _Ways, nearest: Floats) -> tuple[First, Gates]:
    """Take the first way of each polygon apart from the others; one without any gets its nearest street."""
    ways = ways.take(np.lexsort((ways.edge, ways.away, ways.owner)))
    cost = network.cost[ways.edge].astype(np.int64)
    to_u = np.clip(np.rint(ways.share * cost), 0, cost).astype(np.int64)
    is_first = run_starts(ways.owner)
    edge = np.zeros(len(shape), np.int32)
    first_to_u, away = np.zeros(len(shape), np.int64), np.full(len(shape), np.inf)
    have = ways.owner[is_first]
    edge[have], first_to_u[have], away[have] = ways.edge[is_first], to_u[is_first], ways.away[is_first]
    none = np.flatnonzero(~np.isfinite(away))
    if len(none):  # no street in reach: how far the nearest is stands in the table all the same
        which, far = network.tree.query_nearest(shape[none], return_distance=True, all_matches=False)
        away[none[which[0]]] = far
        edge[none[which[0]]] = which[1]
    rest = ways.take(~is_first)
    more = rows[rest.owner], rest.edge, to_u[~is_first], millimetres(rest.away)
    gates = Gates(*(column.astype(np.int32) for column in more))
    return (edge, first_to_u, away, np.minimum(nearest, away)), gates
