"""Streets and graphs into a `Network`, and back."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from siting.data import check_layer, to_metric
from siting.errors import NetworkError, some
from siting.network.graph import Network, crs_name
from siting.network.places import millimetres

if TYPE_CHECKING:
    import networkx as nx

log = logging.getLogger(__name__)

#: Street classes closed to walkers, and those open to them only where there is a sidewalk.
CLOSED = ("motorway", "motorway_link")
SIDEWALK_ONLY = ("trunk", "trunk_link")
ALLOWED = {"yes", "both", "left", "right", "separate", "designated", "permissive"}


def network_from_streets(streets: gpd.GeoDataFrame, *, length: str, crs: Any, walking: bool) -> Network:
    """Build a network from lines that meet at their ends; see `Network.from_streets`."""
    if length != "length" and length not in streets.columns:
        raise NetworkError(f'streets have no column "{length}" of lengths; name another or none')
    checked = check_layer(streets, "streets", columns={"length": length} if length != "length" else None)
    frame = to_metric(checked, crs)
    frame, left_out = _walkable(frame, walking)
    if frame.empty:
        raise NetworkError("streets: no street is left to walk on; pass walking=False to keep all")
    lines = frame.geometry.to_numpy()
    corners, where = _corners(_ends(lines))
    u, v = where[: len(lines)], where[len(lines) :]
    return _assemble(frame, corners, pd.RangeIndex(len(corners)), u, v, _lengths(frame), left_out)


def network_from_graph(graph: nx.Graph[Any], *, crs: Any, walking: bool) -> Network:
    """Build a network from a networkx graph; see `Network.from_graph`."""
    source = graph.graph.get("crs")
    if source is None:
        raise NetworkError('the graph has no CRS; set graph.graph["crs"], as in "EPSG:4326"')
    if graph.number_of_edges() == 0:
        raise NetworkError("the graph has no edges")
    nodes = pd.DataFrame.from_dict(dict(graph.nodes(data=True)), orient="index")
    bare = [n for n, at in graph.nodes(data=True) if pd.isna(at.get("x")) or pd.isna(at.get("y"))]
    if bare:
        raise NetworkError(f"{len(bare)} nodes have no x and y: {some(bare)}")
    position = pd.Series(np.arange(len(nodes)), index=nodes.index)
    xy = nodes[["x", "y"]].to_numpy(float)
    frame = _one_edge_a_street(graph, position, xy, source)
    frame = to_metric(frame, crs)
    corners = gpd.GeoSeries(gpd.points_from_xy(xy[:, 0], xy[:, 1]), crs=source).to_crs(frame.crs)
    frame, left_out = _walkable(frame, walking)
    if frame.empty:
        raise NetworkError("the graph has no edge to walk on; pass walking=False to keep all")
    u, v = frame.pop("u").to_numpy(), frame.pop("v").to_numpy()
    where = np.column_stack([corners.x, corners.y])
    return _assemble(frame, where, nodes.index, u, v, _lengths(frame), left_out)


def _one_edge_a_street(
    graph: nx.Graph[Any], position: pd.Series, xy: npt.NDArray[np.float64], crs: Any
) -> gpd.GeoDataFrame:
    """List the graph's edges, the two directions of one street once, each with a line."""
    rows: list[dict[str, Any]] = []
    seen: set[tuple[Any, ...]] = set()
    for a, b, at in graph.edges(data=True):
        i, j = int(position[a]), int(position[b])
        line = at.get("geometry")
        if line is None:
            line = shapely.LineString([xy[i], xy[j]])
        drawn = shapely.get_coordinates(line)
        if math.dist(drawn[0], xy[i]) > math.dist(drawn[-1], xy[i]):
            i, j = j, i  # an edge, undirected or made so, does not tell which end its line starts at
        way = min(drawn.tobytes(), drawn[::-1].tobytes())  # the same from either end
        long = _number(at.get("length"))
        key = (min(i, j), max(i, j), None if math.isnan(long) else round(long, 3), way)
        if key in seen:
            continue
        seen.add(key)
        kept = {k: w for k, w in at.items() if k not in {"geometry", "length", "reversed", "oneway", "u", "v"}}
        rows.append({**kept, "length": long, "u": i, "v": j, "geometry": line})
    frame = gpd.GeoDataFrame(rows, geometry="geometry", crs=crs)
    bad = frame["length"] < 0
    if bad.any():
        raise NetworkError(f"{int(bad.sum())} edges of the graph have a negative length")
    frame.index = pd.Index([str(i) for i in range(len(frame))], name="id")
    return frame


def _number(length: Any) -> float:
    """Read a length that a graph file may hold as text; NaN where there is none."""
    if length is None:
        return math.nan
    try:
        return float(length)
    except (TypeError, ValueError) as fault:
        raise NetworkError(f"an edge of the graph has the length {length!r}; give metres") from fault


def _walkable(frame: gpd.GeoDataFrame, walking: bool) -> tuple[gpd.GeoDataFrame, Mapping[str, int]]:
    """Leave out what nobody may walk on, and tell how much of it there was."""
    if not walking or "highway" not in frame:
        return frame, {}
    kind = frame["highway"].map(lambda tag: tag[0] if isinstance(tag, list) else tag).astype(str)
    beside = np.zeros(len(frame), bool)
    for column in ("sidewalk", "foot"):
        if column in frame:
            beside |= frame[column].astype(str).str.lower().isin(ALLOWED).to_numpy()
    out = kind.isin(CLOSED) | (kind.isin(SIDEWALK_ONLY) & ~beside)
    if not out.any():
        return frame, {}
    left_out = kind[out].value_counts().sort_index().to_dict()
    log.info("streets left out, closed to walkers: %s", left_out)
    return frame[~out], left_out


def _ends(lines: npt.NDArray[np.object_]) -> npt.NDArray[np.float64]:
    start = shapely.get_coordinates(shapely.get_point(lines, 0))
    stop = shapely.get_coordinates(shapely.get_point(lines, -1))
    return np.concatenate([start, stop])


def _corners(ends: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.intp]]:
    """Join ends closer than 1 mm: the corners, and the corner of each end."""
    spots, spot = np.unique(ends, axis=0, return_inverse=True)
    near = KDTree(spots).query_pairs(0.000_999, output_type="ndarray")  # ends 1 mm apart stay two
    links = coo_array((np.ones(len(near), np.int8), (near[:, 0], near[:, 1])), shape=(len(spots),) * 2)
    _, joined = connected_components(links, directed=False)
    first = np.unique(joined, return_index=True)[1]
    corner = np.unique(first, return_inverse=True)  # numbered from west to east, as the spots are
    return spots[corner[0]], corner[1][joined][spot.ravel()]


def _lengths(frame: gpd.GeoDataFrame) -> npt.NDArray[np.float64]:
    """Lengths in metres: the given ones where there are any, else those of the lines."""
    drawn = np.asarray(frame.length, float)
    if "length" not in frame:
        return drawn
    given = frame["length"].to_numpy(float)
    if np.isinf(given).any():
        raise NetworkError(f"streets: length is infinite: {some(frame.index[np.isinf(given)])}")
    both = np.isfinite(given) & (given > 0) & (drawn > 0)
    if both.any():
        ratio = float(np.median(given[both] / drawn[both]))
        if not 0.5 <= ratio <= 2:
            raise NetworkError(
                f"streets: lengths are {ratio:.3g} times as long as the lines are drawn; they must be "
                "metres (drop the column to measure the lines)"
            )
    elif (np.isfinite(given) & (drawn > 0)).any():
        raise NetworkError("streets: every length that is given is 0 (drop the column to measure the lines)")
    if np.isnan(given).any():
        log.info("%d streets without a length are measured", int(np.isnan(given).sum()))
    return np.where(np.isnan(given), drawn, given)


def _assemble(
    frame: gpd.GeoDataFrame,
    xy: npt.NDArray[np.float64],
    names: pd.Index,
    u: npt.NDArray[Any],
    v: npt.NDArray[Any],
    metres: npt.NDArray[np.float64],
    left_out: Mapping[str, int],
) -> Network:
    """Order nodes along a Hilbert curve, edges by their nodes, and compress the adjacency."""
    used = np.unique(np.concatenate([u, v]))
    # A single place has no extent for the curve; any order does there.
    spread = len(used) > 1 and (np.ptp(xy[used], axis=0) > 0).all()
    spots = gpd.GeoSeries(gpd.points_from_xy(xy[used, 0], xy[used, 1]))
    along = spots.hilbert_distance(level=16).to_numpy() if spread else np.arange(len(used))
    order = used[np.lexsort([used, along])]
    new = np.empty(len(xy), np.int32)
    new[order] = np.arange(len(order), dtype=np.int32)
    u, v = new[u], new[v]
    by_node = np.lexsort([np.arange(len(u)), np.maximum(u, v), np.minimum(u, v)])
    frame, u, v, metres = frame.iloc[by_node], u[by_node], v[by_node], metres[by_node]
    whole = millimetres(metres)
    if whole.max(initial=0) > np.iinfo(np.int32).max // 2:
        raise NetworkError(f"street {some(frame.index[whole == whole.max()])} is over 1,000 km long")
    cost = whole.astype(np.int32)
    n = len(order)
    indptr, heads, costs = _adjacency(u, v, cost, n)
    links = coo_array((np.ones(len(u), np.int8), (u, v)), shape=(n, n))
    _, component = connected_components(links, directed=False)
    size = np.bincount(component)
    rank = np.empty(len(size), np.int32)
    rank[np.argsort(-size, kind="stable")] = np.arange(len(size), dtype=np.int32)
    network = Network(
        crs=pyproj.CRS(frame.crs),
        x=xy[order, 0],
        y=xy[order, 1],
        nodes=names[order],
        edges=frame.assign(length=metres),
        u=u,
        v=v,
        cost=cost,
        indptr=indptr,
        heads=heads,
        costs=costs,
        component=rank[component],
        left_out=left_out,
    )
    log.info("%r", network)
    return network


def _adjacency(
    u: npt.NDArray[np.int32], v: npt.NDArray[np.int32], cost: npt.NDArray[np.int32], n: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Both directions of every edge that is no loop; of parallel edges the shortest."""
    tail, head, step = np.concatenate([u, v]), np.concatenate([v, u]), np.concatenate([cost, cost])
    order = np.lexsort([step, head, tail])
    tail, head, step = tail[order], head[order], step[order]
    keep = tail != head
    keep[1:] &= (tail[1:] != tail[:-1]) | (head[1:] != head[:-1])
    indptr = np.zeros(n + 1, np.int64)
    np.cumsum(np.bincount(tail[keep], minlength=n), out=indptr[1:])
    return indptr, head[keep], step[keep]


def graph_from_network(network: Network) -> nx.MultiDiGraph[Any]:
    """Return the network as osmnx makes one; see `Network.to_graph`."""
    import networkx as nx

    graph: nx.MultiDiGraph[Any] = nx.MultiDiGraph(crs=crs_name(network.crs))
    if network.crs.to_epsg() is None:
        graph.graph["crs"] = network.crs.to_wkt()
    names = network.nodes.to_list()
    degree = np.bincount(np.concatenate([network.u, network.v]), minlength=len(names))
    for name, x, y, count in zip(names, network.x, network.y, degree, strict=True):
        graph.add_node(name, x=float(x), y=float(y), street_count=int(count))
    columns = [c for c in network.edges.columns if c not in {"geometry", "u", "v", "key", "reversed", "oneway"}]
    records = pd.DataFrame(network.edges[columns]).to_dict("records")
    for row, a, b, line in zip(records, network.u, network.v, network.lines, strict=True):
        at = {"oneway": False, **{str(k): w for k, w in row.items()}}  # both ways stand in the graph
        graph.add_edge(names[a], names[b], reversed=False, geometry=line, **at)
        if a != b:
            graph.add_edge(names[b], names[a], reversed=True, geometry=line.reverse(), **at)
    return graph
