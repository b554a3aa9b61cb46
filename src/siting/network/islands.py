"""Islands, parts of a network that no street joins to the rest: drop them, or join them."""

from __future__ import annotations

import logging
import math
from itertools import count, islice
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from siting.errors import NetworkError
from siting.messages import Message
from siting.network.end_points import run_starts
from siting.network.from_streets import WAY, keep_edges, parts_of_frame, whole_edges
from siting.network.parts import Parts
from siting.network.places import millimetres
from siting.network.splitting import cut_lines, pieces_of_rows
from siting.numbers import Bools, Floats, Ints, Positions, Shapes

log = logging.getLogger(__name__)

#: Links that meet a street closer to each other, or to its end, share a corner, metres.
CLOSE = 0.01
#: Islands are compared with their surroundings so many nodes or edges at a time, to keep memory small.
BLOCK = 4096


def drop_islands(network: Parts, *, least: int | None = None) -> Parts:
    """Keep the largest part of a network, or all with *least* nodes; see `Network.drop_islands`."""
    parts = network.components
    if least is None:
        stays = parts.index == 0
    else:
        if isinstance(least, bool) or not isinstance(least, (int, np.integer)) or least < 1:
            raise NetworkError(Message("network.least", value=least))
        stays = (parts["nodes"] >= least).to_numpy()
    if stays.all():
        return network
    if not stays.any():
        largest = int(parts["nodes"].iloc[0])
        raise NetworkError(Message("network.least_large", least=least, largest=largest))
    keep = stays[network.component[network.u]]
    lost = parts[~stays]
    edges, km = int(lost["edges"].sum()), lost["km"].sum()
    log.info(Message("network.islands_out", n=len(lost), edges=edges, km=km, total=parts["km"].sum()))
    return keep_edges(network, keep, {"islands": network.left_out.get("islands", 0) + edges})


def join_islands(network: Parts, metres: float) -> Parts:
    """Join the islands of a network to the nearest streets by straight links; see `Network.join_islands`.

    A link runs from a node to the nearest point of an edge of another part, and cuts that edge there. Links of at
    most *metres* are built from the shortest on, each only if it joins parts that are still separate [1]_:
    their total length is least, and islands may be joined through one another. Links ignore
    obstacles: long ones lead over rivers and railways.

    The links are edges "link-1", "link-2", … from the shortest to the longest. The pieces of an edge that was cut are
    "<id>-1", "<id>-2", …, with their share of its length and rise. New nodes are numbered -1, -2, … where nodes have
    numbers, else "joint-1", "joint-2", ….

    References
    ----------
    .. [1] J. B. Kruskal, "On the shortest spanning subtree of a graph and the traveling salesman problem", Proceedings
       of the American Mathematical Society 7 (1), 1956, pp. 48-50.

    Examples
    --------
    >>> from siting import Network
    >>> lines = [shapely.LineString([(0, 0), (100, 0)]), shapely.LineString([(30, 2), (30, 50)])]
    >>> streets = gpd.GeoDataFrame(geometry=lines, crs="EPSG:4547").translate(500000, 3380000)
    >>> joined = Network.from_streets(streets.to_frame("geometry")).join_islands(5)
    >>> joined
    <Network: 5 nodes, 4 edges, 0.15 km, 1 component, EPSG:4547>
    >>> joined.edges["length"].round(3).sort_index().to_dict()
    {'link-1': 2.0, 'streets-1-1': 30.0, 'streets-1-2': 70.0, 'streets-2': 48.0}
    """
    if isinstance(metres, bool) or not isinstance(metres, (int, float, np.number)) or not 0 < metres < math.inf:
        raise NetworkError(Message("network.link", value=metres))
    islands = network.n_components - 1
    links = _spanning(_candidates(network, float(metres)), network.n_components)
    joined = len(links.node)
    if not joined:
        log.info(Message("network.islands_far", n=islands, metres=metres))
        return network
    size = {"n": joined, "total": islands, "far": islands - joined}
    log.info(Message("network.islands_joined", **size, metres=metres, all=links.mm.sum() / 1000))
    return _joined(network, links)


class _Links(NamedTuple):
    mm: Ints
    node: Positions
    edge: Positions
    near: Positions  # part of the node
    far: Positions  # part of the edge

    def take(self, rows: Positions | Bools) -> _Links:
        return _Links(*(column[rows] for column in self))


def _candidates(network: Parts, metres: float) -> _Links:
    nodes = shapely.points(network.x, network.y)
    at_nodes = shapely.STRtree(nodes)
    islands, edges = (np.flatnonzero(component > 0) for component in (network.component, network.component[network.u]))
    links: list[_Links] = []
    # A link has an island at its node or at its edge; the largest part is only looked at from there.
    for block in np.array_split(islands, range(BLOCK, len(islands), BLOCK)):
        at, edge = network.tree.query(nodes[block], predicate="dwithin", distance=metres)
        links.append(_shortest(network, nodes, block[at], edge, metres))
    for block in np.array_split(edges, range(BLOCK, len(edges), BLOCK)):
        at, node = at_nodes.query(network.lines[block], predicate="dwithin", distance=metres)
        links.append(_shortest(network, nodes, node, block[at], metres))
    return _best(_Links(*(np.concatenate(column) for column in zip(*links, strict=True))))


def _shortest(network: Parts, nodes: Shapes, node: Positions, edge: Positions, metres: float) -> _Links:
    near, far = (network.component[at].astype(np.intp) for at in (node, network.u[edge]))
    other = near != far
    node, edge, near, far = node[other], edge[other], near[other], far[other]
    way = shapely.distance(nodes[node], network.lines[edge])
    return _best(_Links(millimetres(way), node, edge, near, far).take(way <= metres))


def _best(links: _Links) -> _Links:
    """Keep the shortest link between every two parts, ordered by length; equal ones by node, then edge."""
    low, high = np.minimum(links.near, links.far), np.maximum(links.near, links.far)
    order = np.lexsort([links.edge, links.node, links.mm, high, low])
    links = links.take(order[run_starts(low[order]) | run_starts(high[order])])
    return links.take(np.lexsort([links.edge, links.node, links.mm]))


def _spanning(links: _Links, parts: int) -> _Links:
    """Keep the links of the minimum spanning forest: from the shortest on those that join what is not joined yet."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import minimum_spanning_tree

    rank = np.arange(1, len(links.node) + 1)  # no two are equal, so that there is one such forest
    ends = links.near.astype(np.int32), links.far.astype(np.int32)  # older versions take no other
    forest = minimum_spanning_tree(coo_array((rank, ends), shape=(parts, parts)))
    return links.take(np.sort(forest.data).astype(np.intp) - 1)


def _joined(network: Parts, links: _Links) -> Parts:
    xy = np.column_stack([network.x, network.y])
    at = shapely.line_locate_point(network.lines[links.edge], shapely.points(xy[links.node]))
    meets, row, cut_at, cut_node = _corners(network, links, at)
    # A node that lies on the edge is the corner itself; others get a new one.
    fresh = cut_node < 0
    feet = shapely.get_coordinates(shapely.line_interpolate_point(network.lines[row], cut_at))
    cut_node[fresh] = len(xy) + np.arange(int(fresh.sum()))
    xy = np.concatenate([xy, feet[fresh]])
    meets[meets < 0] = cut_node[-1 - meets[meets < 0]]
    pieces, source = cut_lines(network.lines, row, cut_at, xy[cut_node])
    frame = pieces_of_rows(whole_edges(network), pieces, source)
    opens = run_starts(source)
    u, v = network.u[source].astype(np.intp), network.v[source].astype(np.intp)
    u[~opens], v[~np.append(opens[1:], True)] = cut_node, cut_node
    metres = frame["length"].to_numpy(float)
    real = meets != links.node
    new = _link_rows(network, frame, xy, links.node[real], meets[real])
    frame = gpd.GeoDataFrame(pd.concat([frame, new]), geometry="geometry", crs=network.crs)
    u, v = np.concatenate([u, links.node[real]]), np.concatenate([v, meets[real]])
    metres = np.concatenate([metres, shapely.length(new.geometry.to_numpy())])
    return parts_of_frame(frame, xy, _node_names(network.nodes, int(fresh.sum())), u, v, metres, network.left_out)


def _corners(network: Parts, links: _Links, at: Floats) -> tuple[Positions, Positions, Floats, Positions]:
    """Find the node where each link meets its edge (-1 - k: at cut k); of each cut edge, metres along, node or -1."""
    long = shapely.length(network.lines[links.edge])
    meets = np.where(at <= CLOSE, network.u[links.edge], np.where(at >= long - CLOSE, network.v[links.edge], -1))
    inner = np.flatnonzero(meets < 0)
    inner = inner[np.lexsort([at[inner], links.edge[inner]])]
    edge, along = links.edge[inner], at[inner]
    new = run_starts(edge)
    new[1:] |= np.diff(along) > CLOSE
    cut = np.cumsum(new) - 1
    cut_node = np.full(int(new.sum()), -1)
    on = links.mm[inner] == 0
    cut_node[cut[on]] = links.node[inner][on]
    meets = meets.astype(np.intp)
    meets[inner] = -1 - cut
    return meets, edge[new], along[new], cut_node


def _link_rows(
    network: Parts, frame: gpd.GeoDataFrame, xy: Floats, node: Positions, meets: Positions
) -> gpd.GeoDataFrame:
    """Make a row for each link; numbers stay whole in *frame* where the links have none."""
    lines = shapely.linestrings(np.stack([xy[node], xy[meets]], axis=1))
    columns: dict[str, object] = {"highway": ["link"] * len(node)}
    kinds = ((WAY, np.int8), ("rise", np.float64), ("private", np.bool_))
    columns |= {name: np.zeros(len(node), kind) for name, kind in kinds if name in frame}
    for column, kind in frame.dtypes.items():
        if column not in columns and pd.api.types.is_integer_dtype(kind):
            frame[column] = frame[column].astype("Int64")
    index = pd.Index(_free_names("link", set(frame.index), len(node)), name=frame.index.name)
    return gpd.GeoDataFrame(columns, geometry=lines, crs=network.crs, index=index)


def _node_names(names: pd.Index, more: int) -> pd.Index:
    """Name new nodes after the others: below 0, as editors of OpenStreetMap number what is new, or "joint-1", …."""
    if not more:
        return names
    if pd.api.types.is_integer_dtype(names.dtype):
        first = min(0, int(names.min())) - 1
        return names.append(pd.Index(np.arange(first, first - more, -1)))
    return names.append(pd.Index(_free_names("joint", set(names), more)))


def _free_names(what: str, taken: set[Any], many: int) -> list[str]:
    names = (f"{what}-{k}" for k in count(1))
    return list(islice((name for name in names if name not in taken), many))
