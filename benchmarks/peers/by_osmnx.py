"""osmnx and what is usually built around it: reading an extract, and areas from subgraphs and buffers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import networkx as nx
import osmnx
import shapely

from benchmarks.city import CRS, City, Ints

__all__ = ["area", "graph", "read", "to_xml"]


def graph(city: City) -> nx.MultiDiGraph[Any]:
    """Build a graph as osmnx makes it: both directions, `length` in metres, a geometry for each edge."""
    made: nx.MultiDiGraph[Any] = nx.MultiDiGraph(crs=CRS)
    made.add_nodes_from((i, {"x": x, "y": y}) for i, (x, y) in enumerate(zip(city.x, city.y, strict=True)))
    streets = city.streets()
    for u, v, length, line in zip(
        city.u.tolist(), city.v.tolist(), city.length_m.tolist(), streets.geometry, strict=True
    ):
        made.add_edge(u, v, length=length, geometry=line)
        made.add_edge(v, u, length=length, geometry=line)
    return made


def area(made: nx.MultiDiGraph[Any], facility: int, metres: float, width: float) -> shapely.Geometry:
    """Draw a service area as the isochrones of osmnx's examples are drawn.

    The subgraph in reach, its nodes as points and its edges as lines, all of them widened and united.
    """
    part = nx.ego_graph(made, facility, radius=metres, distance="length")
    points = [shapely.Point(at["x"], at["y"]) for _, at in part.nodes(data=True)]
    nodes = gpd.GeoDataFrame({"id": list(part.nodes)}, geometry=points).set_index("id")
    lines = []
    for start, stop in part.edges():
        straight = shapely.LineString([nodes.loc[start].geometry, nodes.loc[stop].geometry])
        lines.append(made.get_edge_data(start, stop)[0].get("geometry", straight))
    widened = [*nodes.buffer(width).geometry, *gpd.GeoSeries(lines).buffer(width).geometry]
    return gpd.GeoSeries(widened).union_all()


def areas(made: nx.MultiDiGraph[Any], facilities: Ints, metres: float, width: float) -> list[shapely.Geometry]:
    """Draw the service area of each facility."""
    return [area(made, facility, metres, width) for facility in facilities.tolist()]


def to_xml(extract: Path, target: Path, *, streets: bool) -> Path:
    """Write the ways of *extract* with their nodes as OSM XML: all, or the *streets*, which have a `highway`.

    osmnx stops at a way whose nodes are not all in the file: where the extract was cut off, the parts that are there
    become ways of their own.
    """
    import osmium

    if target.is_file():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    known = {node.id for node in osmium.FileProcessor(str(extract), osmium.osm.NODE)}
    found = osmium.FileProcessor(str(extract), osmium.osm.WAY)
    if streets:
        found = found.with_filter(osmium.filter.KeyFilter("highway"))
    ways = [part for way in found if isinstance(way, osmium.osm.Way) for part in _whole(way, known)]
    used = {node for _, nodes, _ in ways for node in nodes}
    part = target.with_name(f"part-{target.name}")
    part.unlink(missing_ok=True)
    with osmium.SimpleWriter(str(part)) as writer:
        for node in osmium.FileProcessor(str(extract), osmium.osm.NODE):
            if node.id in used:
                writer.add(node)
        for number, nodes, tags in ways:
            writer.add_way(osmium.osm.mutable.Way(id=number, nodes=nodes, tags=tags))
    part.replace(target)
    return target


def _whole(way: Any, known: set[int]) -> Iterator[tuple[int, list[int], dict[str, str]]]:
    """Yield the parts of a way whose nodes are known: number, nodes, tags."""
    tags = {tag.k: tag.v for tag in way.tags}
    runs = itertools.groupby((node.ref for node in way.nodes), known.__contains__)
    parts = [nodes for is_known, run in runs if is_known and len(nodes := list(run)) > 1]
    for count, nodes in enumerate(parts):
        yield way.id * 100 + count, nodes, tags


def read(path: Path, *, simplify: bool = True) -> nx.MultiDiGraph[Any]:
    """Read OSM XML as a street graph, every way both ways, all components; *simplify* takes rings of their own out."""
    return osmnx.graph_from_xml(path, bidirectional=True, simplify=simplify, retain_all=True)
