"""Streets and graphs into a `Network`, and back."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import shapely

from siting.data import check_layer, to_crs, to_metric
from siting.errors import NetworkError, some
from siting.network.graph import Network
from siting.network.joining import join_points
from siting.network.lengths import believed, tell_lengths
from siting.network.places import frozen, millimetres
from siting.network.profile import has_word, walkable
from siting.network.words import crs_name

if TYPE_CHECKING:
    import networkx as nx

log = logging.getLogger(__name__)

#: Column of a frame of edges: 1 open from u to v only, -1 from v to u only, 0 both ways.
WAY = "_open_way"
ALONG = {"yes", "1", "1.0", "true"}
AGAINST = {"-1", "-1.0", "reverse"}
BOTH = {"no", "0", "0.0", "false", "", "reversible", "alternating"}


def network_from_streets(
    streets: gpd.GeoDataFrame, *, length: str, crs: Any, walking: bool, split: bool, oneway: str | None
) -> Network:
    """Build a network from lines that meet at their ends; see `Network.from_streets`."""
    if oneway is not None and oneway not in streets.columns:
        raise NetworkError(f'streets have no column "{oneway}" that says which are one-way; name another or none')
    if length != "length" and length not in streets.columns:
        raise NetworkError(f'streets have no column "{length}" of lengths; name another or none')
    checked = check_layer(streets, "streets", columns={"length": length} if length != "length" else None)
    frame = to_metric(checked, crs, name="streets", checked=True).drop(columns=WAY, errors="ignore")
    frame, left_out = _walkable(frame, walking)
    if frame.empty:
        raise NetworkError("streets: no street is left to walk on; pass walking=False to keep all")
    if split:
        from siting.network.topology import split_streets

        if "length" in frame:  # a length is that of a whole line; its pieces have shares of it
            frame = frame.assign(length=lengths_of(frame, *vertices_of(frame.geometry.to_numpy())))
        frame = split_streets(frame)
    if oneway is not None:
        frame = frame.assign(**{WAY: _one_way(frame[oneway])})
    vertices, first = vertices_of(frame.geometry.to_numpy())
    corners, where = join_points(np.concatenate([vertices[first[:-1]], vertices[first[1:] - 1]]))
    u, v = where[: len(frame)], where[len(frame) :]
    metres = frame["length"].to_numpy(float) if split and "length" in frame else lengths_of(frame, vertices, first)
    return assemble(frame, corners, pd.RangeIndex(len(corners)), u, v, metres, left_out, drawn=(vertices, first))


def network_from_arrays(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    u: npt.ArrayLike,
    v: npt.ArrayLike,
    *,
    crs: Any,
    length: npt.ArrayLike | None,
    height: npt.ArrayLike | None,
    oneway: npt.ArrayLike | None,
) -> Network:
    """Build a network from bare arrays; see `Network.from_arrays`."""
    system = _metric(crs)
    number = len(np.atleast_1d(np.asarray(x)))
    xy = np.column_stack([_as_long(at, what, number) for what, at in (("x", x), ("y", y))])
    start, stop = (_positions(end, what, len(xy)) for what, end in (("u", u), ("v", v)))
    if len(start) != len(stop):
        raise NetworkError(f"u has {len(start):,} entries, v has {len(stop):,}; give one of each for an edge")
    if not len(start):
        raise NetworkError("no edges: u and v are empty")
    if not np.isfinite(xy).all():
        raise NetworkError(f"x or y is not a number at nodes {some(np.flatnonzero(~np.isfinite(xy).all(axis=1)))}")
    if length is None:
        metres = np.hypot(xy[start, 0] - xy[stop, 0], xy[start, 1] - xy[stop, 1])
    else:
        metres = _as_long(length, "length", len(start))
    wrong = ~np.isfinite(metres) | (metres < 0)
    if wrong.any():
        raise NetworkError(f"length is negative or not a number at edges {some(np.flatnonzero(wrong))}")
    if length is not None:
        tell_lengths(metres, np.hypot(xy[start, 0] - xy[stop, 0], xy[start, 1] - xy[stop, 1]))
    rise = None
    if height is not None:
        level = _as_long(height, "height", len(xy))
        if not np.isfinite(level).all():
            raise NetworkError(f"height is not a number at nodes {some(np.flatnonzero(~np.isfinite(level)))}")
        rise = level[stop] - level[start]
    way = None
    if oneway is not None:
        signs = _as_long(oneway, "oneway", len(start))
        odd = ~np.isin(signs, (-1, 0, 1))
        if odd.any():
            raise NetworkError(f"oneway is not 1, 0 or -1 at edges {some(np.flatnonzero(odd))}")
        way = signs.astype(np.int8)
    return form(
        crs=system, xy=xy, names=None, u=start, v=stop, metres=metres, columns=pd.DataFrame(index=_ids(len(start))),
        oneway=way, rise=rise, left_out={},
    )  # fmt: skip


def _ids(number: int) -> pd.Index:
    return pd.RangeIndex(number, name="id")


def _metric(crs: Any) -> pyproj.CRS:
    """Read a CRS that must be projected, in metres."""
    try:
        system = pyproj.CRS.from_user_input(crs)
    except pyproj.exceptions.CRSError as fault:
        raise NetworkError(f'crs={crs!r} is not known; give for example "EPSG:4549"') from fault
    if not system.is_projected or system.axis_info[0].unit_conversion_factor != 1:
        raise NetworkError(
            f"{crs_name(system)} does not measure in metres; give a projected CRS, as of 3° zones or UTM"
        )
    return system


def _positions(ends: npt.ArrayLike, what: str, nodes: int) -> npt.NDArray[np.int64]:
    found = np.asarray(ends)
    if found.ndim != 1:
        raise NetworkError(f"{what} has shape {found.shape}; give one position for each edge")
    if not np.issubdtype(found.dtype, np.integer) and found.size:
        raise NetworkError(f"{what} holds {found.dtype}; give positions of nodes, whole numbers from 0")
    wrong = (found < 0) | (found >= nodes)
    if wrong.any():
        raise NetworkError(f"{what} names nodes that are not there at edges {some(np.flatnonzero(wrong))}")
    return found.astype(np.int64)


def _as_long(values: npt.ArrayLike, what: str, number: int) -> npt.NDArray[np.float64]:
    try:
        found = np.asarray(values, float)
    except (TypeError, ValueError) as fault:
        raise NetworkError(f"{what} holds what is no number ({fault})") from fault
    if found.shape != (number,):
        raise NetworkError(f"{what} has shape {found.shape}; give {number:,} values")
    return found


def _one_way(column: pd.Series) -> npt.NDArray[np.int8]:
    """Read a column of one-way signs: 1 along the line, -1 against it, 0 both ways."""
    said = column.astype(object).where(column.notna(), "").astype(str).str.strip().str.lower()
    way = np.zeros(len(said), np.int8)
    way[said.isin(ALONG)] = 1
    way[said.isin(AGAINST)] = -1
    odd = ~said.isin(ALONG | AGAINST | BOTH)
    if odd.any():
        raise NetworkError(
            f'streets: "{column.name}" says {some(said[odd].unique())} of {some(column.index[odd])}; '
            'write "yes", "-1" or "no"'
        )
    return way


def network_from_graph(graph: nx.Graph[Any], *, crs: Any, walking: bool, oneway: bool = False) -> Network:
    """Build a network from a networkx graph; see `Network.from_graph`."""
    source = graph.graph.get("crs")
    if source is None:
        raise NetworkError('the graph has no CRS; set graph.graph["crs"], as in "EPSG:4326"')
    if graph.number_of_edges() == 0:
        raise NetworkError("the graph has no edges")
    if oneway and not graph.is_directed():
        raise NetworkError("the graph is undirected and tells of no one-way streets; give a directed one")
    nodes = pd.DataFrame.from_dict(dict(graph.nodes(data=True)), orient="index")
    bare = [n for n, at in graph.nodes(data=True) if pd.isna(at.get("x")) or pd.isna(at.get("y"))]
    if bare:
        raise NetworkError(f"{len(bare)} nodes have no x and y: {some(bare)}")
    position = pd.Series(np.arange(len(nodes)), index=nodes.index)
    xy = nodes[["x", "y"]].to_numpy(float)
    frame = _one_edge_a_street(graph, position, xy, source)
    if not oneway:
        frame = frame.drop(columns=WAY)
    if "elevation" in nodes:
        level = nodes["elevation"].to_numpy(float)
        frame = frame.assign(rise=level[frame["v"]] - level[frame["u"]])
    frame = to_metric(frame, crs, name="streets")
    corners = to_crs(gpd.GeoSeries(gpd.points_from_xy(xy[:, 0], xy[:, 1]), crs=source), frame.crs)
    frame, left_out = _walkable(frame, walking)
    if frame.empty:
        raise NetworkError("the graph has no edge to walk on; pass walking=False to keep all")
    u, v = frame.pop("u").to_numpy(), frame.pop("v").to_numpy()
    where = np.column_stack([corners.x, corners.y])
    drawn = vertices_of(frame.geometry.to_numpy())
    names = [f"{nodes.index[a]}-{nodes.index[b]}" for a, b in zip(u, v, strict=True)]
    return assemble(frame, where, nodes.index, u, v, lengths_of(frame, *drawn, names), left_out, drawn=drawn)


def without_steps(network: Network) -> Network:
    """Leave the steps out of a network; the rest keeps its ids."""
    if "highway" not in network.columns:
        raise NetworkError(
            'the streets have no column "highway", so that steps cannot be told from other streets; give it, or take '
            "a walker who takes stairs"
        )
    steps = has_word(network.columns["highway"], "steps")
    if not steps.any():
        return network
    if steps.all():
        raise NetworkError("all streets are steps; no street is left for a walker who takes none")
    frame = whole_edges(network)[~steps]
    left_out = {**network.left_out, "steps": int(steps.sum())}
    xy = np.column_stack([network.x, network.y])
    return assemble(frame, xy, network.nodes, network.u[~steps], network.v[~steps], network.metres[~steps], left_out)


def whole_edges(network: Network) -> gpd.GeoDataFrame:
    """Return the edges with all that `assemble` reads off them."""
    frame = network.edges
    if network.oneway is not None:
        frame = frame.assign(**{WAY: network.oneway})
    if network.rise is not None:
        frame = frame.assign(rise=network.rise)
    return frame


def _one_edge_a_street(
    graph: nx.Graph[Any], position: pd.Series, xy: npt.NDArray[np.float64], crs: Any
) -> gpd.GeoDataFrame:
    """List the graph's edges, the two directions of one street once, each with a line and the ways it stands in."""
    rows: list[dict[str, Any]] = []
    seen: dict[tuple[Any, ...], int] = {}
    directed = graph.is_directed()
    for a, b, at in graph.edges(data=True):
        i, j = int(position[a]), int(position[b])
        line = at.get("geometry")
        if line is None:
            line = shapely.LineString([xy[i], xy[j]])
        drawn = shapely.get_coordinates(line)
        start, stop = i, j
        if math.dist(drawn[0], xy[i]) > math.dist(drawn[-1], xy[i]):
            start, stop = j, i  # an edge, undirected or made so, does not tell which end its line starts at
        way = min(drawn.tobytes(), drawn[::-1].tobytes())  # the same from either end
        long = _number(at.get("length"))
        key = (min(i, j), max(i, j), None if math.isnan(long) else round(long, 3), way)
        if key in seen:
            row = rows[seen[key]]
            if row[WAY] and row[WAY] != (1 if i == row["u"] else -1):
                row[WAY] = 0
            continue
        seen[key] = len(rows)
        kept = {k: w for k, w in at.items() if k not in {"geometry", "length", "reversed", "oneway", "u", "v", "grade"}}
        ahead = start == i
        rise = _number(at["rise"]) if "rise" in at else _number(at["grade"]) * long if "grade" in at else None
        if rise is not None:
            kept["rise"] = rise if ahead else -rise
        # A loop stands in one direction anyway; whether that is the only one it must say itself.
        one = 0 if not directed or (i == j and not at.get("oneway")) else 1 if ahead else -1
        rows.append({**kept, "length": long, "u": start, "v": stop, "geometry": line, WAY: one})
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
    if not walking:
        return frame, {}
    is_open, left_out = walkable(frame)
    return frame if is_open.all() else frame[is_open.to_numpy()], left_out


def vertices_of(lines: npt.NDArray[np.object_]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """List the vertices of lines, one line after another, and where each line begins."""
    first = np.zeros(len(lines) + 1, np.int64)
    np.cumsum(shapely.get_num_coordinates(lines), out=first[1:])
    return shapely.get_coordinates(lines), first


def lengths_of(
    frame: gpd.GeoDataFrame,
    vertices: npt.NDArray[np.float64],
    first: npt.NDArray[np.int64],
    names: Sequence[Any] | None = None,
) -> npt.NDArray[np.float64]:
    """Lengths in metres: the given ones as far as the lines bear them out, else those of the lines."""
    drawn: npt.NDArray[np.float64] = shapely.length(frame.geometry.to_numpy())
    if "length" not in frame:
        return drawn
    start, stop = vertices[first[:-1]], vertices[first[1:] - 1]
    straight = np.hypot(*(start - stop).T)
    return believed(
        frame["length"].to_numpy(float), drawn, straight, frame.index if names is None else names, start, frame.crs
    )


def assemble(
    frame: gpd.GeoDataFrame,
    xy: npt.NDArray[np.float64],
    names: pd.Index,
    u: npt.NDArray[Any],
    v: npt.NDArray[Any],
    metres: npt.NDArray[np.float64],
    left_out: Mapping[str, int],
    drawn: tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]] | None = None,
) -> Network:
    """Make a network of edges (lines from *u* to *v* in a projected CRS) between the corners *xy*.

    Columns `WAY` (1, -1, 0) and `rise` of the frame become those of the network. *drawn* are the vertices of the lines
    as `vertices_of` lists them, where they are known.
    """
    vertices, first = vertices_of(frame.geometry.to_numpy()) if drawn is None else drawn
    columns = pd.DataFrame(frame.drop(columns=[frame.geometry.name, "length"], errors="ignore"))
    oneway = columns.pop(WAY).to_numpy(np.int8) if WAY in columns else None
    rise = columns["rise"].to_numpy(float) if "rise" in columns else None
    return form(
        crs=pyproj.CRS(frame.crs), xy=xy, names=names, u=u, v=v, metres=metres, columns=columns,
        vertices=vertices, first=first, oneway=oneway, rise=rise, left_out=left_out,
    )  # fmt: skip


def form(
    *,
    crs: pyproj.CRS,
    xy: npt.NDArray[np.float64],
    names: pd.Index | None,
    u: npt.NDArray[Any],
    v: npt.NDArray[Any],
    metres: npt.NDArray[np.float64],
    columns: pd.DataFrame,
    vertices: npt.NDArray[np.float64] | None = None,
    first: npt.NDArray[np.int64] | None = None,
    oneway: npt.NDArray[np.int8] | None = None,
    rise: npt.NDArray[np.float64] | None = None,
    left_out: Mapping[str, int],
) -> Network:
    """Order nodes along a Hilbert curve and edges by their nodes; nodes without an edge are left away."""
    from siting.network import _forming

    used = np.zeros(len(xy), bool)
    used[u] = True
    used[v] = True
    kept = np.flatnonzero(used)
    x, y = np.ascontiguousarray(xy[kept, 0], float), np.ascontiguousarray(xy[kept, 1], float)
    # Curve and place in one key: nodes at one place stay in the order of the source.
    along = _forming.hilbert(x, y, 16) << np.uint64(32) | np.arange(len(kept), dtype=np.uint64)
    along.sort()
    order = (along & np.uint64(0xFFFFFFFF)).astype(np.int64)
    new = np.empty(len(xy), np.int32)
    new[kept[order]] = np.arange(len(order), dtype=np.int32)
    u, v = new[u], new[v]
    whole = millimetres(metres)
    if whole.max(initial=0) > np.iinfo(np.int32).max // 2:
        raise NetworkError(f"street {some(columns.index[whole == whole.max()])} is over 1,000 km long")
    ends = np.minimum(u, v).astype(np.int64) << 32 | np.maximum(u, v)
    by_node = np.argsort(ends)
    if (np.diff(ends[by_node]) == 0).any():  # parallel edges stay in the order of the source
        by_node = np.argsort(ends, kind="stable")
    if vertices is not None and first is not None:
        many = np.diff(first)[by_node]
        at = np.repeat(first[:-1][by_node] - np.cumsum(many) + many, many) + np.arange(many.sum())
        vertices = vertices[at]
        first = np.concatenate([[0], np.cumsum(many)])
    u, v = u[by_node], v[by_node]
    if oneway is not None:
        oneway = np.where(whole == 0, 0, oneway).astype(np.int8)  # a street of no length has no direction
    if rise is not None and np.isnan(rise).any():
        log.warning("rise is not known of %d of %d streets; they count as level", np.isnan(rise).sum(), len(rise))
    network = Network(
        crs=crs,
        x=frozen(x[order]),
        y=frozen(y[order]),
        nodes=pd.Index(kept[order]) if names is None else names[kept[order]],
        u=frozen(u),
        v=frozen(v),
        cost=frozen(whole[by_node].astype(np.int32)),
        metres=frozen(np.asarray(metres, float)[by_node]),
        columns=columns.iloc[by_node],
        vertices=None if vertices is None else frozen(vertices),
        first=None if first is None else frozen(first),
        oneway=None if oneway is None or not oneway.any() else frozen(oneway[by_node]),
        rise=None if rise is None or not np.isfinite(rise).any() else frozen(rise[by_node]),
        left_out=left_out,
    )
    log.info("%r", network)
    return network


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
    edges = pd.DataFrame(network.edges.drop(columns="geometry"))
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
