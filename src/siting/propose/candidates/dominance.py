"""A finite dominating set: the points of the streets that no other point beats in the communities it covers.

Along a street the communities that reach a point change only where the walk from one of them equals the radius, the
network intersect points of Church and Meadows [1]_. The communities that reach a point are therefore an overlap of
closed stretches, and every overlap that is in no larger one begins where one stretch begins and ends where the next
one ends. One point of each such overlap, and the crossings, are enough.

References
----------
.. [1] R. L. Church and M. E. Meadows, "Location modeling utilizing maximum service distance criteria", Geographical
   Analysis 11 (4), 1979, pp. 358-373.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd
import shapely

from siting.messages import Message
from siting.network import Network, Places, Walk, search
from siting.network.reached_streets import reached_pieces
from siting.network.snapping import place
from siting.numbers import Ints, Shapes
from siting.propose.candidates.candidate_kernels import maximal

__all__ = ["Covers", "dominating_points"]

log = logging.getLogger(__name__)

#: Position of a point in its overlap: the middle, or next to it where another street is above the middle.
SHARES = (0.5, 0.375, 0.625, 0.1875, 0.8125, 0.0, 1.0)
#: Most pairs of communities and points: 4 GiB.
MAX_PAIRS = 2.0**28


class Covers(NamedTuple):
    """Points, mm *along* an *edge* from its `u`; ``item[ptr[k]:ptr[k + 1]]`` are the communities that reach each."""

    point: Shapes
    edge: Ints
    along: Ints
    ptr: Ints
    item: Ints


class _Stretches(NamedTuple):
    """Parts of edges, mm from `u`, both ends included."""

    edge: Ints
    low: Ints
    high: Ints


def dominating_points(network: Network, communities: Places, limit: int, *, walk: Walk | None = None) -> Covers:
    """Find points such that for any point of a street, one of them is reached by at least the same communities.

    The *limit* of the radius, inclusive, is in mm of level walk from the communities; the response of *walk* to slopes
    counts. Points are in the order of the network's edges. No point's communities are all among those of another; of
    points that the same ones reach the one with the least walk for all of them together stands for the rest.
    On slopes a stretch may end a millimetre early.
    """
    gates = communities.gates
    streets = np.flatnonzero(gates.edge >= 0)
    found = _overlaps(_reached(network, communities, limit, walk))
    node = np.unique(np.concatenate([network.u[found.edge], network.v[found.edge]]).astype(np.int64))
    corner: Shapes = shapely.points(network.x[node], network.y[node])
    safe = np.zeros(len(network.x), np.bool_)
    there = _located(network, corner)  # a node that a street lies over is located on that
    safe[node] = ((there.u == node) & (there.to_u == 0)) | ((there.v == node) & (there.to_v == 0))
    # Whoever reaches all of an overlap that touches a crossing reaches the crossing.
    inner = ~(
        (safe[network.u[found.edge]] & (found.low == 0))
        | (safe[network.v[found.edge]] & (found.high == network.cost[found.edge]))
    )
    own = _on_line(network, gates.edge[streets].astype(np.int64), gates.to_u[streets].astype(np.int64))
    drawn = _drawn(network, _Stretches(*(column[inner] for column in found)))
    return _undominated(network, communities, np.concatenate([corner, own, drawn]), limit, walk)


def _reached(network: Network, communities: Places, limit: int, walk: Walk | None) -> _Stretches:
    # `reached_pieces` finds streets that reach a place; on reversed streets, those that a place reaches.
    against = network
    if network.oneway is not None or (network.rise is not None and walk is not None):
        oneway = None if network.oneway is None else -network.oneway
        against = replace(network, oneway=oneway, rise=None if network.rise is None else -network.rise)
    found = reached_pieces(against, communities, [limit], mode="each", walk=walk)
    long = network.cost[found.edge].astype(np.int64)
    low, high = (np.rint(share * long).astype(np.int64) for share in (found.low, found.high))
    return _Stretches(found.edge.astype(np.int64), low, high)


def _overlaps(reached: _Stretches) -> _Stretches:
    """List the overlaps that are in no larger one of their edge."""
    edge, low, high = reached
    where, at = np.concatenate([edge, edge]), np.concatenate([low, high])
    ends = np.repeat([False, True], len(edge))
    order = np.lexsort((ends, at, where))  # both ends count, so that what begins at a point comes before what ends
    where, at, ends = where[order], at[order], ends[order]
    last = np.flatnonzero(~ends[:-1] & ends[1:])
    return _Stretches(where[last], at[last], at[last + 1])


def _on_line(network: Network, edge: Ints, along: Ints) -> Shapes:
    share = along / np.maximum(network.cost[edge], 1)
    return np.asarray(shapely.line_interpolate_point(network.lines[edge], share, normalized=True))


def _located(network: Network, point: Shapes) -> Places:
    return place(network, pd.RangeIndex(len(point)), point, 1.0)


def _drawn(network: Network, parts: _Stretches) -> Shapes:
    """Draw a point in each stretch that `Network.locate` finds there again."""
    point: Shapes = np.empty(len(parts.edge), object)
    todo = np.arange(len(parts.edge))
    for share in SHARES:
        edge, low, high = (column[todo] for column in parts)
        along = low + np.floor(share * (high - low)).astype(np.int64)
        drawn = _on_line(network, edge, along)
        there = _located(network, drawn)
        good = (there.edge == edge) & (there.to_u == along)
        point[todo[good]] = drawn[good]
        todo = todo[~good]
    if len(todo):
        log.warning(Message("candidates.stretches", n=len(todo)))
    return np.asarray(point[~shapely.is_missing(point)])


def _undominated(network: Network, communities: Places, point: Shapes, limit: int, walk: Walk | None) -> Covers:
    places = _located(network, point)
    pairs = search.within(network, communities, places, limit, walk=walk, max_pairs=MAX_PAIRS)
    item = pairs.origin[np.lexsort((pairs.origin, pairs.destination))].astype(np.int64)
    size = np.bincount(pairs.destination, minlength=len(point))
    ptr = np.append(0, np.cumsum(size)).astype(np.int64)
    # Whole millimetres add up to the same in any order.
    walked = np.bincount(pairs.destination, np.rint(pairs.cost * 1000), minlength=len(point))
    first = np.lexsort((places.to_u, places.edge, walked, -size)).astype(np.int64)
    room = np.append(0, np.cumsum(np.bincount(item, minlength=len(communities)))).astype(np.int64)
    kept = np.flatnonzero(maximal(ptr, item, first, room))
    kept = kept[np.lexsort((places.to_u[kept], places.edge[kept]))]
    inside = np.concatenate([np.zeros(0, np.int64), *(item[ptr[k] : ptr[k + 1]] for k in kept)])
    edge, along = (column[kept].astype(np.int64) for column in (places.edge, places.to_u))
    return Covers(point[kept], edge, along, np.append(0, np.cumsum(size[kept])).astype(np.int64), inside)
