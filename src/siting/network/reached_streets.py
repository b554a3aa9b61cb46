"""Pieces of streets within reach of places, to the millimetre: the lines of service areas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from siting.network import search
from siting.network.contraction import FAR as CLOSED
from siting.network.end_points import run_starts
from siting.network.graph import Network
from siting.network.places import Places
from siting.network.reached_street_kernels import ReachedPieces
from siting.network.snapping import places_at_ends
from siting.network.walking_speed import Walk
from siting.numbers import Floats, Ints, Ints32

__all__ = ["Mode", "ReachedPieces", "reached_pieces"]

Mode: TypeAlias = Literal["each", "nearest", "together"]

#: The cost of a node that no place reaches: more than any path.
FAR = 2**40


class _Pieces(NamedTuple):
    """Pieces of edges in half millimetres from `u`, so that one can end between two whole millimetres."""

    group: Ints
    edge: Ints
    low: Ints
    high: Ints


def reached_pieces(
    network: Network, places: Places, limits: Sequence[int], *, mode: Mode, walk: Walk | None = None
) -> ReachedPieces:
    """List the pieces of streets within each of the limits of places, mm.

    The walk from the door to the street counts, and walks lead to the places. A street is entered from either end, and
    from a place on it in both directions; adjoining pieces become one. Pieces of no
    length are left out, but an edge of no length is reached whole with its ends.

    *mode* ``"each"`` makes a group for each place, whose pieces may overlap those of others. With ``"nearest"`` each
    point of a street belongs to its nearest place alone, of places equally near to the first; an edge is cut at the
    meeting point, to half a millimetre. ``"together"`` makes one group of all places.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> line = shapely.LineString([(500000, 3380000), (500400, 3380000)])
    >>> net = Network.from_streets(gpd.GeoDataFrame(geometry=[line], crs="EPSG:4547"))
    >>> doors = gpd.GeoDataFrame(geometry=gpd.points_from_xy([500000, 500300], [3380000] * 2), crs="EPSG:4547")
    >>> found = reached_pieces(net, net.locate(doors), [200_000], mode="nearest")
    >>> found.group.tolist(), found.low.tolist(), found.high.tolist()
    ([0, 1], [0.0, 0.375], [0.375, 1.0])
    """
    if mode == "each" and len(limits):
        rising = np.argsort(limits).astype(np.int32)
        reached = search.pieces(network, places, np.asarray(limits)[rising].tolist(), walk=walk)
        reached = reached._replace(limit=rising[reached.limit])
        return reached.take(np.argsort(reached.limit, kind="stable")) if (np.diff(rising) < 0).any() else reached
    stretches = _stretches(network, places, max(limits, default=0), walk)
    merged = []
    for most in limits:
        pieces = _owned(network, stretches, most)
        if mode == "together":
            pieces = pieces._replace(group=np.zeros_like(pieces.group))
        merged.append(_merged(pieces, network.cost))
    which = np.repeat(np.arange(len(limits)), [len(pieces.edge) for pieces in merged])
    empty = _Pieces(*(np.zeros(0, np.int64) for _ in range(4)))
    group, edge, low, high = map(np.concatenate, zip(empty, *merged, strict=True))
    # Half millimetres become shares of the edges; an edge of no length is reached whole.
    cost = network.cost[edge]
    long = 2.0 * np.maximum(cost, 1)
    limit, place, street = (column.astype(np.int32) for column in (which, group, edge))
    return ReachedPieces(limit, place, street, low / long, np.where(cost == 0, 1.0, high / long))


class _Stretches(NamedTuple):
    """Edges cut at the places on them, the nearest place of both ends, and its cost, mm; `FAR` for none."""

    edge: Ints
    start: Ints
    stop: Ints
    go: Floats
    come: Floats
    start_cost: Ints
    stop_cost: Ints
    start_owner: Ints
    stop_owner: Ints


def _stretches(network: Network, places: Places, most: int, walk: Walk | None) -> _Stretches:
    near = search.nearest(network, network.places_at_nodes(), places, 1, most, walk=walk, streets_only=True)
    node_cost = np.full(len(network.x), FAR, np.int64)
    node_owner = np.full(len(network.x), len(places), np.int64)
    node_cost[near.origin] = np.rint(near.cost * 1000).astype(np.int64)
    node_owner[near.origin] = near.destination
    # A private street is entered from its ends by residents only.
    end_u, end_v, who_u, who_v = _ends(network, places, most, walk, node_cost, node_owner)
    gates = places.gates
    on = np.flatnonzero(gates.edge >= 0)
    hit = (end_u < FAR) | (end_v < FAR)
    hit[gates.edge[on]] = True
    edge = np.flatnonzero(hit)
    # Stops along each edge: its start, the places on it, its end.
    stop_edge = np.concatenate([edge, gates.edge[on].astype(np.int64), edge])
    at = np.concatenate([np.zeros(len(edge), np.int64), gates.to_u[on], network.cost[edge]])
    far = np.concatenate([end_u[edge], gates.door[on], end_v[edge]])
    who = np.concatenate([who_u[edge], gates.owner[on], who_v[edge]])
    kind = np.repeat([0, 1, 2], [len(edge), len(on), len(edge)])
    order = np.lexsort((kind, at, stop_edge))
    stop_edge, at, far, who = stop_edge[order], at[order], far[order], who[order]
    new = run_starts(stop_edge)
    begin = np.flatnonzero(new)
    rank = np.arange(len(at)) - np.repeat(begin, np.diff(np.append(begin, len(at))))
    graph = network.core(walk)
    forth, back = graph.edge_forth[stop_edge], graph.edge_back[stop_edge]
    long = np.maximum(network.cost[stop_edge], 1)
    uphill, downhill = (np.where(way == CLOSED, FAR, way / long) for way in (forth, back))
    _pass_on(at, far, who, rank, uphill, downhill)
    inner = np.flatnonzero(~new)
    step = at[inner] - at[inner - 1]
    return _Stretches(
        stop_edge[inner], at[inner - 1], at[inner], step * uphill[inner], step * downhill[inner],
        far[inner - 1], far[inner], who[inner - 1], who[inner],
    )  # fmt: skip


def _ends(
    network: Network, places: Places, most: int, walk: Walk | None, node_cost: Ints, node_owner: Ints
) -> tuple[Ints, Ints, Ints, Ints]:
    ends = [node_cost[network.u], node_cost[network.v]]
    owners = [node_owner[network.u], node_owner[network.v]]
    copies = network.core(walk).copies
    if copies is not None:
        long = network.cost[copies.edge]
        for to_end, cost, owner in zip((np.zeros_like(long), long), ends, owners, strict=True):
            door = places_at_ends(network, pd.RangeIndex(len(copies.edge)), copies.edge.astype(np.int32), to_end)
            near = search.nearest(network, door, places, 1, most, walk=walk, streets_only=True)
            at = copies.edge[near.origin]
            cost[at], owner[at] = np.rint(near.cost * 1000).astype(np.int64), near.destination
    return ends[0], ends[1], owners[0], owners[1]


def _pass_on(at: Ints, far: Ints, who: Ints, rank: Ints, go: Floats, come: Floats) -> None:
    """Pass the nearest places on from stop to stop of an edge, in place; *go* and *come* are costs a mm."""
    order = np.argsort(rank, kind="stable")
    rounds = np.split(order, np.cumsum(np.bincount(rank))[:-1]) if len(rank) else []
    steps = [(stops, stops - 1, come) for stops in rounds[1:]] + [(stops - 1, stops, go) for stops in rounds[:0:-1]]
    for here, there, way in steps:
        by_way = far[there] + np.rint(np.minimum(np.abs(at[here] - at[there]) * way[here], FAR)).astype(np.int64)
        better = (by_way < far[here]) | ((by_way == far[here]) & (who[there] < who[here]))
        far[here[better]], who[here[better]] = by_way[better], who[there[better]]


def _owned(network: Network, way: _Stretches, limit: int) -> _Pieces:
    """List the parts of a stretch nearest to the place of either end, up to where both are equally near."""
    long = 2 * (way.stop - way.start)
    whole = np.maximum(way.go + way.come, 1e-9)
    # Where both are equally far, in half millimetres.
    meet = np.clip(np.rint(long * ((way.go + way.stop_cost - way.start_cost) / whole)), 0, long).astype(np.int64)
    ahead = np.minimum(_reach(limit - way.start_cost, way.come, long), meet)
    back = np.maximum(long - _reach(limit - way.stop_cost, way.go, long), meet)
    dot = network.cost[way.edge] == 0
    by_start = way.start_owner <= way.stop_owner
    by_start = (way.start_cost < way.stop_cost) | ((way.start_cost == way.stop_cost) & by_start)
    # Both ends of an edge of no length have the same nearest place.
    begins = np.where(dot, (way.start_cost <= limit) & by_start, ahead > 0)
    ends = np.where(dot, (way.stop_cost <= limit) & ~by_start, back < long)
    return _Pieces(
        np.concatenate([way.start_owner[begins], way.stop_owner[ends]]),
        np.concatenate([way.edge[begins], way.edge[ends]]),
        2 * np.concatenate([way.start[begins], way.start[ends]]) + np.concatenate([0 * ahead[begins], back[ends]]),
        2 * np.concatenate([way.start[begins], way.stop[ends]]) + np.concatenate([ahead[begins], 0 * back[ends]]),
    )


def _reach(left: Ints, cost: Floats, long: Ints) -> Ints:
    """How much of a stretch can be walked with *left*, half millimetres."""
    share = np.divide(left, cost, out=np.ones(len(left)), where=cost > 0)
    return np.where(left < 0, 0, np.rint(long * np.minimum(share, 1.0))).astype(np.int64)


def _merged(pieces: _Pieces, cost: Ints32) -> _Pieces:
    """Join pieces of one group and edge that overlap or touch; drop those without length, except whole edges."""
    some = (pieces.high > pieces.low) | (cost[pieces.edge] == 0)
    group, edge, low, high = (column[some] for column in pieces)
    first, end = search.merge_touching((group, edge), low, high, 2**33)
    return _Pieces(group[first], edge[first], low[first], end)
