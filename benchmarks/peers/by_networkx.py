"""networkx: searches in Python over dictionaries."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np

from benchmarks.city import City, Ints
from benchmarks.measure import Pairs

__all__ = ["from_lines", "graph", "nearest", "reached_edges", "within"]


def graph(city: City) -> nx.Graph[Any]:
    """Build a graph with the weight `mm`."""
    made: nx.Graph[Any] = nx.Graph()
    made.add_nodes_from(range(len(city)))
    made.add_weighted_edges_from(zip(city.u.tolist(), city.v.tolist(), city.mm.tolist(), strict=True), weight="mm")
    return made


def within(made: nx.Graph[Any], sources: Ints, limit: int) -> list[dict[int, float]]:
    """Search from each source up to *limit*."""
    return [nx.single_source_dijkstra_path_length(made, s, cutoff=limit, weight="mm") for s in sources.tolist()]


def pairs(found: list[dict[int, float]], targets: Ints, n: int) -> Pairs:
    """List the targets among what was found."""
    position = np.full(n, -1)
    position[targets] = np.arange(len(targets))
    source = np.repeat(np.arange(len(found)), [len(way) for way in found])
    node = np.array([node for way in found for node in way], np.int64)
    mm = np.array([cost for way in found for cost in way.values()], np.int64)
    keep = position[node] >= 0
    return source[keep], position[node[keep]], mm[keep]


def nearest(made: nx.Graph[Any], facilities: Ints) -> Ints:
    """Millimetres from every node to its nearest facility; -1 where there is none."""
    found = nx.multi_source_dijkstra_path_length(made, set(facilities.tolist()), weight="mm")
    far = np.full(len(made), -1)
    far[np.fromiter(found.keys(), np.int64, len(found))] = np.fromiter(found.values(), np.int64, len(found))
    return far


def reached_edges(made: nx.Graph[Any], facilities: Ints, limit: int) -> list[dict[tuple[int, int], float]]:
    """Millimetres reached of each edge, the last ones in part, for each facility."""
    result = []
    for facility in facilities.tolist():
        far = nx.single_source_dijkstra_path_length(made, facility, cutoff=limit, weight="mm")
        parts: dict[tuple[int, int], float] = {}
        for a, left in far.items():
            for b, data in made[a].items():
                key = (a, b) if a < b else (b, a)
                reached = min(data["mm"], limit - left)
                parts[key] = min(data["mm"], parts.get(key, 0) + reached)
        result.append({key: part for key, part in parts.items() if part > 0})
    return result


def from_lines(streets: Any) -> nx.MultiGraph[Any]:
    """Make a graph of lines whose nodes are the coordinates of their ends, as scripts around geopandas do it."""
    made: nx.MultiGraph[Any] = nx.MultiGraph(crs=streets.crs)
    for name, length, line in zip(streets.index, streets["length"], streets.geometry, strict=True):
        made.add_edge(line.coords[0], line.coords[-1], key=name, length=length)
    return made
