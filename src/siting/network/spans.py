"""Which piece of which street is reached from places, to the millimetre: the lines that service areas are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from siting.network import search
from siting.network.graph import Network
from siting.network.places import Places

__all__ = ["Mode", "Spans", "spans"]

Ints: TypeAlias = npt.NDArray[np.int32]
Longs: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]
Mode: TypeAlias = Literal["each", "nearest", "together"]

#: More than any path: the cost of a node that no place reaches.
FAR = 2**40


class Spans(NamedTuple):
    """Reached pieces of streets, a row each, ordered by limit, group, edge and low.

    Attributes
    ----------
    limit
        Position in the limits that were asked for.
    group
        Position of the place; 0 for places together.
    edge
        Position of the edge.
    low, high
        Where the piece begins and ends: shares of the edge's length from its `u`, low < high. An edge that is reached
        whole has 0 and 1, exactly.
    """

    limit: Ints
    group: Ints
    edge: Ints
    low: Floats
    high: Floats

    @property
    def whole(self) -> npt.NDArray[np.bool_]:
        """Which pieces are whole edges."""
        found: npt.NDArray[np.bool_] = (self.low == 0) & (self.high == 1)
        return found


class _Pieces(NamedTuple):
    """Pieces of edges in half millimetres from `u`, so that the middle between two whole millimetres can be told."""

    group: Longs
    edge: Longs
    low: Longs
    high: Longs


def spans(network: Network, places: Places, limits: Sequence[int], *, mode: Mode) -> Spans:
    """List the pieces of streets within each limit of places.

    The walk from the door to the street counts. A street is entered from either end, and from a place that lies on it
    both ways; what is reached from several sides is one piece where it meets. Pieces of no length are left out, but an
    edge of no length is reached whole with its ends.

    Parameters
    ----------
    network
        The streets.
    places
        Places on them; those on no street reach nothing.
    limits
        Millimetres, at most `siting.network.search.LONGEST`; inclusive.
    mode
        ``"each"``: a group for each place, pieces of different groups may overlap. ``"nearest"``: the same, but each
        point of a street belongs to its nearest place alone, of places equally near to the first; an edge is cut at
        the meeting point, to half a millimetre. ``"together"``: one group of all places.

    Returns
    -------
    Spans
        Arrays of one length.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> line = shapely.LineString([(500000, 3380000), (500400, 3380000)])
    >>> net = Network.from_streets(gpd.GeoDataFrame(geometry=[line], crs="EPSG:4547"))
    >>> doors = gpd.GeoDataFrame(geometry=gpd.points_from_xy([500000, 500300], [3380000] * 2), crs="EPSG:4547")
    >>> found = spans(net, net.locate(doors), [200_000], mode="nearest")
    >>> found.group.tolist(), found.low.tolist(), found.high.tolist()
    ([0, 1], [0.0, 0.375], [0.375, 1.0])
    """
    most = max(limits, default=0)
    group, node, cost = search.within_nodes(network, places, most, together=mode == "together")
    reached = group.astype(np.int64), node.astype(np.int64), cost.astype(np.int64)
    if mode == "nearest":
        stretches = _stretches(network, places, *reached)
        found = [_owned(network, stretches, limit) for limit in limits]
    else:
        found = [_reached(network, places, *reached, limit, together=mode == "together") for limit in limits]
    merged = [_merged(pieces, network.cost) for pieces in found]
    edge = np.concatenate([np.zeros(0, np.int64), *(pieces.edge for pieces in merged)])
    long = 2.0 * np.maximum(network.cost[edge], 1)
    dot = network.cost[edge] == 0
    return Spans(
        np.repeat(np.arange(len(limits), dtype=np.int32), [len(pieces.edge) for pieces in merged]),
        np.concatenate([np.zeros(0, np.int64), *(pieces.group for pieces in merged)]).astype(np.int32),
        edge.astype(np.int32),
        np.concatenate([np.zeros(0, np.int64), *(pieces.low for pieces in merged)]) / long,
        np.where(dot, 1.0, np.concatenate([np.zeros(0, np.int64), *(pieces.high for pieces in merged)]) / long),
    )


def _reached(
    network: Network, places: Places, group: Longs, node: Longs, cost: Longs, limit: int, *, together: bool
) -> _Pieces:
    """List what is reached from either end of every edge, and from the places on it."""
    within = cost <= limit
    group, node, left = group[within], node[within], limit - cost[within]
    ptr, arc = _ends_of_nodes(network)
    many = ptr[node + 1] - ptr[node]
    row = np.repeat(np.arange(len(node)), many)
    end = arc[np.repeat(ptr[node], many) + _running(many)]
    edge, from_v = end % len(network.u), end >= len(network.u)
    long = network.cost[edge].astype(np.int64)
    far = np.minimum(left[row], long)
    on = np.flatnonzero((places.edge >= 0) & (places.door <= limit))
    own, at = places.edge[on].astype(np.int64), places.to_u[on].astype(np.int64)
    rest = limit - places.door[on].astype(np.int64)
    return _Pieces(
        np.concatenate([group[row], np.zeros_like(on) if together else on]),
        np.concatenate([edge, own]),
        2 * np.concatenate([np.where(from_v, long - far, 0), np.maximum(at - rest, 0)]),
        2 * np.concatenate([np.where(from_v, long, far), np.minimum(at + rest, network.cost[own])]),
    )


class _Stretches(NamedTuple):
    """Edges, cut at the places on them: where a stretch begins and ends, and what is nearest there.

    Costs are millimetres from the nearest place, `FAR` where there is none.
    """

    edge: Longs
    start: Longs
    stop: Longs
    start_cost: Longs
    stop_cost: Longs
    start_owner: Longs
    stop_owner: Longs


def _stretches(network: Network, places: Places, group: Longs, node: Longs, cost: Longs) -> _Stretches:
    """Find the nearest place of both ends of each stretch of the edges that are reached."""
    order = np.lexsort([group, cost, node])
    first = order[np.diff(node[order], prepend=-1) != 0]
    node_cost = np.full(len(network.x), FAR, np.int64)
    node_owner = np.full(len(network.x), len(places), np.int64)
    node_cost[node[first]], node_owner[node[first]] = cost[first], group[first]
    on = np.flatnonzero(places.edge >= 0)
    hit = (node_cost[network.u] < FAR) | (node_cost[network.v] < FAR)
    hit[places.edge[on]] = True
    edge = np.flatnonzero(hit)
    # Stops along each edge: its start, the places on it, its end.
    stop_edge = np.concatenate([edge, places.edge[on].astype(np.int64), edge])
    at = np.concatenate([np.zeros(len(edge), np.int64), places.to_u[on], network.cost[edge]])
    far = np.concatenate([node_cost[network.u[edge]], places.door[on], node_cost[network.v[edge]]])
    who = np.concatenate([node_owner[network.u[edge]], on, node_owner[network.v[edge]]])
    kind = np.repeat([0, 1, 2], [len(edge), len(on), len(edge)])
    order = np.lexsort([kind, at, stop_edge])
    stop_edge, at, far, who = stop_edge[order], at[order], far[order], who[order]
    new = np.diff(stop_edge, prepend=-1) != 0
    begin = np.flatnonzero(new)
    rank = np.arange(len(at)) - np.repeat(begin, np.diff(np.append(begin, len(at))))
    _hand_on(at, far, who, rank)
    inner = np.flatnonzero(~new)
    return _Stretches(
        stop_edge[inner], at[inner - 1], at[inner], far[inner - 1], far[inner], who[inner - 1], who[inner]
    )


def _hand_on(at: Longs, far: Longs, who: Longs, rank: Longs) -> None:
    """Let each stop learn from the stops before and after it on its edge, in place."""
    order = np.argsort(rank, kind="stable")
    rounds = np.split(order, np.cumsum(np.bincount(rank))[:-1]) if len(rank) else []
    steps = [(stops, stops - 1) for stops in rounds[1:]] + [(stops - 1, stops) for stops in rounds[:0:-1]]
    for here, there in steps:
        by_way = far[there] + np.abs(at[here] - at[there])
        better = (by_way < far[here]) | ((by_way == far[here]) & (who[there] < who[here]))
        far[here[better]], who[here[better]] = by_way[better], who[there[better]]


def _owned(network: Network, way: _Stretches, limit: int) -> _Pieces:
    """List what the nearest place of either end of a stretch reaches of it, up to where the two meet."""
    long = way.stop - way.start
    # Where it is as far from the one as from the other, in half millimetres.
    meet = np.clip(long + way.stop_cost - way.start_cost, 0, 2 * long)
    ahead = np.minimum(2 * (limit - way.start_cost), meet)
    back = np.maximum(2 * (long - (limit - way.stop_cost)), meet)
    dot = network.cost[way.edge] == 0
    by_start = (way.start_cost < way.stop_cost) | (
        (way.start_cost == way.stop_cost) & (way.start_owner <= way.stop_owner)
    )
    # Both ends of an edge of no length are as near; stops handed each other the first of the nearest places.
    begins = np.where(dot, (way.start_cost <= limit) & by_start, ahead > 0)
    ends = np.where(dot, (way.stop_cost <= limit) & ~by_start, back < 2 * long)
    return _Pieces(
        np.concatenate([way.start_owner[begins], way.stop_owner[ends]]),
        np.concatenate([way.edge[begins], way.edge[ends]]),
        2 * np.concatenate([way.start[begins], way.start[ends]]) + np.concatenate([0 * ahead[begins], back[ends]]),
        2 * np.concatenate([way.start[begins], way.stop[ends]]) + np.concatenate([ahead[begins], 0 * back[ends]]),
    )


def _merged(pieces: _Pieces, cost: Ints) -> _Pieces:
    """Join pieces of one group and edge that overlap or touch; drop those of no length, except whole edges."""
    some = (pieces.high > pieces.low) | (cost[pieces.edge] == 0)
    order = np.lexsort([pieces.low[some], pieces.edge[some], pieces.group[some]])
    group, edge, low, high = (column[some][order] for column in pieces)
    if not len(group):
        return _Pieces(group, edge, low, high)
    other = (np.diff(group, prepend=-1) != 0) | (np.diff(edge, prepend=-1) != 0)
    # The farthest end so far within the edge: those of later edges are lifted above all earlier ones.
    lift = np.cumsum(other) * 2**33
    so_far = np.maximum.accumulate(high + lift) - lift
    first = np.flatnonzero(other | (low > np.roll(so_far, 1)))
    return _Pieces(group[first], edge[first], low[first], np.maximum.reduceat(high, first))


def _ends_of_nodes(network: Network) -> tuple[Longs, Longs]:
    """Edges that begin (position) and end (position + number of edges) at each node, as pointers and positions."""
    ends = np.concatenate([network.u, network.v])
    ptr = np.zeros(len(network.x) + 1, np.int64)
    np.cumsum(np.bincount(ends, minlength=len(network.x)), out=ptr[1:])
    return ptr, np.argsort(ends, kind="stable")


def _running(many: Longs) -> Longs:
    """Count 0, 1, … within each run: [2, 3] gives 0 1 0 1 2."""
    return np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
