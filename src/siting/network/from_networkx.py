"""The `Parts` of a network from networkx graphs and their files, and back."""

from __future__ import annotations

import ast
import contextlib
import logging
import math
import os
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from siting.data import to_crs, to_metric
from siting.data.geometry_checks import HIGHEST, LOWEST
from siting.data.nested_shapes import from_wkt
from siting.errors import NetworkError
from siting.messages import Message
from siting.network.end_points import of_vertices
from siting.network.from_streets import WAY, lengths_of, parts_of_frame, vertices_of, walkable_part
from siting.network.graphml import read_graphml
from siting.network.heights import sound, with_rises
from siting.network.parts import Parts, crs_code
from siting.numbers import Floats

if TYPE_CHECKING:
    import networkx as nx

log = logging.getLogger(__name__)


def parts_from_graph(graph: Any, *, crs: Any, walking: bool, oneway: bool = False) -> Parts:
    """Read a networkx graph or a GraphML file of one; see `Network.from_graph`."""
    import networkx as nx

    if isinstance(graph, (str, os.PathLike)):
        graph = read_graphml(graph)
    if not isinstance(graph, nx.Graph):
        raise NetworkError(_no_graph(graph))
    source = graph.graph.get("crs")
    if source is None:
        raise NetworkError(Message("graph.no_crs"))
    if graph.number_of_edges() == 0:
        raise NetworkError(Message("graph.no_edges"))
    if oneway and not graph.is_directed():
        raise NetworkError(Message("graph.undirected"))
    nodes = pd.DataFrame.from_dict(dict(graph.nodes(data=True)), orient="index")
    xy = _coordinates(graph)
    position = pd.Series(np.arange(len(nodes)), index=nodes.index)
    frame = _one_edge_a_street(graph, position, xy, source)
    if not oneway:
        frame = frame.drop(columns=WAY)
    if "elevation" in nodes:
        level = _elevations(nodes["elevation"])
        frame = frame.assign(rise=level[frame["v"]] - level[frame["u"]])
    frame = to_metric(frame, crs, name="streets")
    corners = to_crs(gpd.GeoSeries(gpd.points_from_xy(xy[:, 0], xy[:, 1]), crs=source), frame.crs)
    frame, left_out = walkable_part(frame, walking)
    if frame.empty:
        raise NetworkError(Message("graph.nothing_to_walk"))
    u, v = frame.pop("u").to_numpy(), frame.pop("v").to_numpy()
    where = np.column_stack([corners.x, corners.y])
    if "rise" not in frame and shapely.has_z(frame.geometry.to_numpy()).any():
        frame = sound(frame)
        lines = frame.geometry.to_numpy()
        frame = with_rises(frame, of_vertices(lines), vertices_of(lines)[1])
    drawn = vertices_of(frame.geometry.to_numpy())
    names = [f"{nodes.index[a]}-{nodes.index[b]}" for a, b in zip(u, v, strict=True)]
    return parts_of_frame(frame, where, nodes.index, u, v, lengths_of(frame, *drawn, names), left_out, drawn=drawn)


def _one_edge_a_street(graph: nx.Graph[Any], position: pd.Series, xy: Floats, crs: Any) -> gpd.GeoDataFrame:
    """List the graph's edges, the two directions of one street once, each with its line and the open directions."""
    rows: list[dict[str, Any]] = []
    seen: dict[tuple[Any, ...], int] = {}
    directed = graph.is_directed()
    for a, b, at in graph.edges(data=True):
        i, j = int(position[a]), int(position[b])
        at = {name: _unpacked(value) for name, value in at.items()}
        line = _line(at.get("geometry"), xy[i], xy[j], f"{a}-{b}")
        drawn = shapely.get_coordinates(line)
        start, stop = i, j
        if math.dist(drawn[0], xy[i]) > math.dist(drawn[-1], xy[i]):
            start, stop = j, i  # the line of an undirected edge may start at either end
        way = min(drawn.tobytes(), drawn[::-1].tobytes())  # the same from either end
        long = _number(at.get("length"), "length")
        key = (min(i, j), max(i, j), None if math.isnan(long) else round(long, 3), way)
        if key in seen:
            row = rows[seen[key]]
            if row[WAY] and row[WAY] != (1 if i == row["u"] else -1):
                row[WAY] = 0
            continue
        seen[key] = len(rows)
        kept = {k: w for k, w in at.items() if k not in {"geometry", "length", "reversed", "oneway", "u", "v", "grade"}}
        ahead = start == i
        if "rise" in at or "grade" in at:
            rise = _number(at["rise"], "rise") if "rise" in at else _number(at["grade"], "grade") * long
            kept["rise"] = rise if ahead else -rise
        # A loop stands in one direction anyway; only its own tag says whether that is the only one.
        marked = str(at.get("oneway")).strip().lower() in {"true", "yes", "1", "1.0", "-1", "reverse"}
        one = 0 if not directed or (i == j and not marked) else 1 if ahead else -1
        rows.append({**kept, "length": long, "u": start, "v": stop, "geometry": line, WAY: one})
    frame = gpd.GeoDataFrame(rows, geometry="geometry", crs=crs)
    bad = frame["length"] < 0
    if bad.any():
        raise NetworkError(Message("graph.negative_length", n=int(bad.sum())))
    frame.index = pd.Index([str(i) for i in range(len(frame))], name="id")
    return frame


def _number(value: Any, what: str) -> float:
    if value is None or value == "":
        return math.nan
    try:
        return float(value)
    except (TypeError, ValueError) as fault:
        raise NetworkError(Message("graph.no_number", what=what, value=value)) from fault


def _coordinates(graph: nx.Graph[Any]) -> Floats:
    xy = np.full((graph.number_of_nodes(), 2), np.nan)
    for row, (_, at) in enumerate(graph.nodes(data=True)):
        with contextlib.suppress(KeyError, TypeError, ValueError):
            xy[row] = float(at["x"]), float(at["y"])
    wrong = [node for node, known in zip(graph, np.isfinite(xy).all(axis=1), strict=True) if not known]
    if wrong:
        raise NetworkError(Message("graph.no_xy", n=len(wrong), nodes=wrong))
    return xy


def _elevations(column: pd.Series) -> Floats:
    level: Floats = pd.to_numeric(column, errors="coerce").to_numpy(float, na_value=np.nan).copy()
    empty = column.isna() | column.astype(str).str.strip().str.lower().isin(["", "nan", "none"])
    wrong = ~(np.isfinite(level) & (level >= LOWEST) & (level <= HIGHEST)) & ~empty.to_numpy(bool)
    if wrong.any():
        nodes = [f"{node}: {column[node]}" for node in column.index[wrong]]
        log.warning(Message("graph.elevation", n=len(nodes), low=LOWEST, high=HIGHEST, nodes=nodes))
        level[wrong] = np.nan
    return level


def _unpacked(value: Any) -> Any:
    """Return the list that osmnx wrote as text, such as "['path', 'steps']"."""
    if isinstance(value, str) and value.startswith("[") and value.endswith("]"):
        with contextlib.suppress(ValueError, SyntaxError, MemoryError, RecursionError):
            return ast.literal_eval(value)
    return value


def _line(drawn: Any, start: Floats, stop: Floats, name: str) -> shapely.LineString:
    if isinstance(drawn, str) and drawn.strip():
        (shape,) = from_wkt([drawn])
        if shape is None:
            raise NetworkError(Message("graph.no_wkt", edge=name, value=drawn))
        drawn = shape
    if drawn is None or isinstance(drawn, str) or (isinstance(drawn, float) and math.isnan(drawn)):
        return shapely.LineString([start, stop])
    if not isinstance(drawn, shapely.LineString) or drawn.is_empty:
        raise NetworkError(Message("graph.no_line", edge=name, value=str(drawn)))
    return drawn


def _no_graph(given: Any) -> Message:
    if isinstance(given, (gpd.GeoDataFrame, gpd.GeoSeries)):
        return Message("graph.is_layer", kind=type(given).__name__)
    if isinstance(given, tuple):
        return Message("graph.is_tuple")
    return Message("graph.is_other", kind=type(given).__name__)


def graph_from_parts(network: Parts) -> nx.MultiDiGraph[Any]:
    """Return the network as osmnx makes one; see `Network.to_graph`."""
    import networkx as nx

    graph: nx.MultiDiGraph[Any] = nx.MultiDiGraph(crs=crs_code(network.crs))
    if network.crs.to_epsg() is None:
        graph.graph["crs"] = network.crs.to_wkt()
    names = network.nodes.to_list()
    degree = np.bincount(np.concatenate([network.u, network.v]), minlength=len(names))
    for name, x, y, count in zip(names, network.x, network.y, degree, strict=True):
        graph.add_node(name, x=float(x), y=float(y), street_count=int(count))
    edges = network.columns.assign(length=network.metres)
    if network.rise is not None:
        edges = edges.assign(rise=network.rise)
    columns = [c for c in edges.columns if c not in {"u", "v", "key", "reversed", "oneway"}]
    ways = np.zeros(len(edges), int) if network.oneway is None else network.oneway
    for row, a, b, line, way in zip(
        edges[columns].to_dict("records"), network.u, network.v, network.lines, ways, strict=True
    ):
        at = {"oneway": bool(way), **{str(k): w for k, w in row.items()}}  # both ways stand in the graph
        if way >= 0:
            graph.add_edge(names[a], names[b], reversed=False, geometry=line, **at)
        if way < 0 or (way == 0 and a != b):
            if "rise" in at:
                at["rise"] = -at["rise"]
            graph.add_edge(names[b], names[a], reversed=True, geometry=line.reverse(), **at)
    return graph
