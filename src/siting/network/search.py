"""Shortest paths between places: the searches that the measures are made of.

Costs are whole millimetres. A limit is inclusive.
"""

from __future__ import annotations

import logging

import numpy as np
import numpy.typing as npt

from siting.network.graph import Network
from siting.network.places import Places

__all__ = ["LONGEST", "nearest", "within", "within_nodes"]

log = logging.getLogger(__name__)

Ints = npt.NDArray[np.int32]

#: The longest path that can be told, mm: about 1,000 km.
LONGEST = 2**30


def within(network: Network, origins: Places, destinations: Places, limit: int) -> tuple[Ints, Ints, Ints]:
    """List all pairs not farther apart than *limit*.

    Parameters
    ----------
    network
        The streets.
    origins, destinations
        Places on them.
    limit
        Millimetres, at most `LONGEST`.

    Returns
    -------
    origin, destination, cost
        Positions and millimetres, ordered by origin, then cost, then destination. A pair that is farther apart, or has
        no path, is absent.
    """
    from siting.network import _kernels

    # Distances are the same both ways, so the fewer places do the searching.
    swap = len(destinations) < len(origins)
    source, target = (destinations, origins) if swap else (origins, destinations)
    t_ptr, t_item, t_way = target.by_node(len(network.x))
    e_ptr, e_item = target.by_edge(len(network.u))
    s, t, cost = _kernels.pairs_within(
        network.indptr, network.heads, network.costs,
        source.u, source.v, source.edge, source.to_u, source.to_v, source.door,
        t_ptr, t_item, t_way, e_ptr, e_item, target.to_u, target.door, np.int32(limit),
    )  # fmt: skip
    origin, destination = (t, s) if swap else (s, t)
    order = np.lexsort([destination, cost, origin])
    return origin[order], destination[order], cost[order]


def nearest(
    network: Network, origins: Places, destinations: Places, count: int, limit: int = LONGEST
) -> tuple[Ints, Ints, Ints]:
    """List the *count* nearest destinations of each origin, within *limit*; ordered as `within`.

    Of destinations at the same distance the one that comes first is nearer.
    """
    from siting.network import _kernels

    count = max(1, min(count, len(destinations)))  # a label is kept for each node and rank
    node, cost, who = destinations.seeds()
    labels, costs = _kernels.nearest_labels(
        network.indptr, network.heads, network.costs, node, cost, who, count, np.int32(limit)
    )
    e_ptr, e_item = destinations.by_edge(len(network.u))
    found, far = _kernels.nearest_places(
        labels, costs, origins.u, origins.v, origins.edge, origins.to_u, origins.to_v,
        origins.door, e_ptr, e_item, destinations.to_u, destinations.door, count, limit,
    )  # fmt: skip
    origin, rank = np.nonzero(found >= 0)
    return origin.astype(np.int32), found[origin, rank], far[origin, rank]


def within_nodes(network: Network, places: Places, limit: int, *, together: bool) -> tuple[Ints, Ints, Ints]:
    """List the nodes within *limit* of each place, or with *together* of the nearest of all.

    Returns ``(group, node, cost)``; the group is the place's position, or 0.
    """
    from siting.network import _kernels

    node, cost, who = places.seeds()
    if together:
        groups = np.array([0, len(node)], np.int64)
    else:
        groups = np.searchsorted(who, np.arange(len(places) + 1)).astype(np.int64)
    group, reached, way = _kernels.nodes_within(
        network.indptr, network.heads, network.costs, groups, node, cost, np.int32(limit)
    )
    return group, reached, way
