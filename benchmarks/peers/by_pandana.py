"""pandana: contraction hierarchies in C++. It cuts lengths off at whole millimetres.

So each length gets a fifth of a millimetre more: what remains after the cut is the whole number that all others use.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from benchmarks.city import City, Floats, Ints
from benchmarks.measure import Pairs

__all__ = ["aggregate", "k_nearest", "network", "pairs", "reached_edges", "set_demand", "within"]


def network(city: City) -> Any:
    """Build pandana's network, with its hierarchy."""
    import pandana

    x, y = pd.Series(city.x), pd.Series(city.y)
    weight = pd.DataFrame({"metres": (city.mm + 0.2) / 1000.0})
    return pandana.Network(x, y, pd.Series(city.u), pd.Series(city.v), weight)


def within(made: Any, sources: Ints, limit: int) -> pd.DataFrame:
    """List all nodes in range of each source."""
    found: pd.DataFrame = made.nodes_in_range(sources, limit / 1000.0)
    return found


def pairs(found: pd.DataFrame, sources: Ints, targets: Ints, n: int) -> Pairs:
    """List the targets among what was found."""
    of_source, of_target = np.full(n, -1), np.full(n, -1)
    of_source[sources], of_target[targets] = np.arange(len(sources)), np.arange(len(targets))
    target = of_target[found["destination"].to_numpy()]
    keep = target >= 0
    mm = np.rint(found["metres"].to_numpy()[keep] * 1000.0).astype(np.int64)
    return of_source[found["source"].to_numpy()[keep]], target[keep], mm


def set_demand(made: Any, nodes: Ints, weight: Floats) -> None:
    """Put demand on nodes."""
    made.set(pd.Series(nodes), variable=pd.Series(weight), name="demand")


def aggregate(made: Any, limit: int, kind: str = "sum") -> pd.Series:
    """Sum or count the demand in range of every node."""
    found: pd.Series = made.aggregate(limit / 1000.0, type=kind, decay="flat", name="demand")
    return found


def k_nearest(made: Any, city: City, facilities: Ints, count: int, longest: int) -> Floats:
    """Metres from every node to its *count* nearest facilities; *longest* is the distance that suffices."""
    x, y = pd.Series(city.x[facilities]), pd.Series(city.y[facilities])
    made.set_pois("facilities", longest / 1000.0, count, x, y)
    found: Floats = made.nearest_pois(longest / 1000.0, "facilities", num_pois=count).to_numpy()
    return found


def reached_edges(made: Any, city: City, facilities: Ints, limit: int) -> tuple[Ints, Ints, Ints]:
    """Millimetres reached of each edge: facility, edge, millimetres; put together with numpy."""
    found = within(made, facilities, limit)
    position = np.full(len(city), -1)
    position[facilities] = np.arange(len(facilities))
    group = position[found["source"].to_numpy()]
    left = limit - np.rint(found["metres"].to_numpy() * 1000.0).astype(np.int64)
    matrix = _edges_of(city)
    node = found["destination"].to_numpy()
    many = matrix[0][node + 1] - matrix[0][node]
    row = np.repeat(np.arange(len(node)), many)
    edge = matrix[1][np.repeat(matrix[0][node] - (np.cumsum(many) - many), many) + np.arange(many.sum())]
    reached = np.minimum(city.mm[edge], left[row])
    key = group[row] * len(city.u) + edge
    keys, inverse = np.unique(key, return_inverse=True)
    total = np.bincount(inverse, reached).astype(np.int64)
    edges = keys % len(city.u)
    total = np.minimum(total, city.mm[edges])
    keep = total > 0
    return keys[keep] // len(city.u), edges[keep], total[keep]


_INDEX: dict[int, tuple[Ints, Ints]] = {}


def _edges_of(city: City) -> tuple[Ints, Ints]:
    """Edges of each node, as pointers and positions; made once, it is not the peer's work."""
    if id(city) not in _INDEX:
        ends = np.concatenate([city.u, city.v])
        order = np.argsort(ends, kind="stable")
        pointers = np.concatenate([[0], np.cumsum(np.bincount(ends, minlength=len(city)))])
        _INDEX[id(city)] = (pointers, np.tile(np.arange(len(city.u)), 2)[order])
    return _INDEX[id(city)]
