"""Extracts of OpenStreetMap (`.osm.pbf`, `.osm`) into the `Parts` of a network.

A way is cut where one of its nodes is used again, by another way or by itself: these are OpenStreetMap's crossings, so
bridges are not joined to what they cross. At a wall or a closed gate a way is cut, and its two sides are not
joined. Nodes keep their ids of OpenStreetMap.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from siting.data import to_crs, to_metric
from siting.errors import LayerError, NetworkError
from siting.messages import Message
from siting.network import from_streets
from siting.network.end_points import run_starts
from siting.network.osm_extract import ALSO, Ways, local_file, read_extract
from siting.network.osm_opl import DEGREE, known
from siting.network.parts import Parts
from siting.network.walkable_streets import closed_words, walkable
from siting.numbers import Bools, Floats, Ints

log = logging.getLogger(__name__)

WGS84 = "EPSG:4326"
#: The choice of a CRS looks at about so many streets.
MOST_BOXES = 10_000


def parts_from_osm(
    path: str | Path, *, area: Any = None, crs: Any = None, walking: bool = True, ferries: bool = False
) -> Parts:
    """Read an extract of OpenStreetMap; see `Network.from_osm`."""
    file = local_file(path)
    clip = None if area is None else _area(area)
    ways, closed, private = read_extract(file, walking=walking, ferries=ferries)
    if not len(ways.tags):
        raise NetworkError(Message("osm.no_highway", file=file.name))
    left_out: dict[str, int] = {}
    if walking:
        profile = walkable(ways.tags, ferries=ferries)
        is_open, left_out = profile.open.to_numpy(), profile.left_out
        ways = ways.select(is_open)
        if not len(ways.tags):
            reasons = closed_words(left_out)
            raise NetworkError(Message("osm.nothing_to_walk", file=file.name, reasons=reasons))
        shut = int(np.isin(closed, ways.ref).sum())
        if shut:
            log.info(Message("osm.walls", n=shut).within(file.name))
        edges = _cut(ways, np.concatenate([closed, private]))
        edges, behind = _behind(edges, private)
        behind |= profile.private.to_numpy()[is_open][edges.way]
    else:
        edges = _cut(ways, closed[:0])
        behind = np.zeros(len(edges.way), np.bool_)
    unknown = len(ways.tags) - len(np.unique(edges.way))
    if unknown:
        left_out["nodes missing"] = unknown
    if not len(edges.way):
        raise NetworkError(Message("osm.no_nodes", file=file.name))
    inside = _inside(edges, clip)
    if not inside.any():
        bounds = np.concatenate([edges.lonlat.min(axis=0), edges.lonlat.max(axis=0)])
        area, streets = _span(shapely.bounds(clip)), _span(bounds)
        raise NetworkError(Message("osm.beyond_area", file=file.name, area=area, bounds=streets))
    beyond = len(np.unique(edges.way)) - len(np.unique(edges.way[inside]))
    if beyond:
        left_out["outside the area"] = beyond
        log.info(Message("osm.ways_beyond", n=beyond).within(file.name))
    tags = ways.tags.drop(columns=list(ALSO), errors="ignore")
    return _parts(file.name, tags, edges, inside, behind, crs, left_out)


class _Edges(NamedTuple):
    """Ways cut at their crossings: nodes one after another, an edge's last node repeated as the next one's first."""

    way: Ints  # position of the way, for each edge
    number: Ints  # running number of the edge along its way, from 1
    first: Ints  # position of the edge's first node
    last: Ints
    edge: Ints  # edge of each node
    ref: Ints
    ends: Ints  # (2, edges): names of the nodes at both ends; at a barrier each edge has its own
    lonlat: Floats


def _cut(ways: Ways, barriers: Ints) -> _Edges:
    """Cut ways at shared nodes, at missing nodes, and at *barriers*, whose sides are not joined."""
    way = np.repeat(np.arange(len(ways.size)), ways.size)
    here = known(ways.x, ways.y)
    lost = len(np.unique(ways.ref[~here]))
    if lost:
        torn = len(np.unique(way[~here]))
        log.info(Message("osm.nodes_absent", n=lost, ways=torn))
    # A stretch is what is known of a way without a gap; a node that repeats the one before is left out.
    stretch = np.cumsum(run_starts(way) | ~here | ~np.concatenate([[False], here[:-1]]))
    keep = here & (run_starts(stretch) | run_starts(ways.ref))
    way, stretch, ref = way[keep], stretch[keep], ways.ref[keep]
    _, name, uses = np.unique(ref, return_inverse=True, return_counts=True)
    start = run_starts(stretch)
    stop = np.concatenate([start[1:], [True]])[: len(start)]
    crossing = ((uses[name] > 1) | np.isin(ref, barriers)) & ~start & ~stop
    alone = start & stop
    # A crossing occurs twice: as the end of one edge and as the start of the next.
    source = np.repeat(np.arange(len(way)), np.where(alone, 0, 1 + crossing))
    begins = start[source] | ~run_starts(source)
    edge = np.cumsum(begins) - 1
    first = np.flatnonzero(begins)
    last = np.append(first[1:], len(source))[: len(first)] - 1
    of_way = way[source[first]]
    number = np.arange(len(first)) - np.searchsorted(of_way, of_way) + 1
    lonlat = np.column_stack([ways.x[keep][source], ways.y[keep][source]]) / DEGREE
    ref = ref[source]
    return _Edges(of_way, number, first, last, edge, ref, _apart(np.stack([ref[first], ref[last]]), barriers), lonlat)


def _apart(ends: Ints, barriers: Ints) -> Ints:
    """Give each end of an edge at a barrier a name of its own: one keeps that of the node, the others are below 0."""
    names = ends.ravel().copy()
    at = np.flatnonzero(np.isin(names, barriers))
    again = np.delete(at, np.unique(names[at], return_index=True)[1])
    if len(again):
        names[again] = min(0, int(names.min())) - 1 - np.arange(len(again))
    return names.reshape(ends.shape)


def _behind(edges: _Edges, gates: Ints) -> tuple[_Edges, Bools]:
    """Open the private gates that alone join streets to the largest part; mark these streets, which become private."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    behind = np.zeros(len(edges.way), np.bool_)
    node = np.stack([edges.ref[edges.first], edges.ref[edges.last]])
    gate = np.isin(node, gates)
    if not gate.any():
        return edges, behind
    names, at = np.unique(edges.ends, return_inverse=True)
    at = at.reshape(edges.ends.shape)
    links = coo_array((np.ones(len(behind), np.int8), (at[0], at[1])), shape=(len(names),) * 2)
    part = connected_components(links, directed=False)[1][at[0]]
    apart = part != np.bincount(part).argmax()
    # A gate with the largest part on both sides stays closed: it is for holders of a key.
    opened = np.isin(node, np.unique(node[gate & apart])) & gate
    behind = apart & np.isin(part, np.unique(np.broadcast_to(part, node.shape)[opened]))
    log.info(Message("osm.gates", n=len(np.unique(node[gate])), opened=len(np.unique(node[opened]))))
    return edges._replace(ends=np.where(opened, node, edges.ends)), behind


def _area(area: Any) -> Any:
    if isinstance(area, gpd.GeoDataFrame | gpd.GeoSeries):
        try:
            shape = to_crs(area, WGS84).geometry.union_all()
        except LayerError as fault:
            raise NetworkError(fault.within("area")) from fault
    elif isinstance(area, shapely.Geometry):
        shape = area
    else:
        try:
            west, south, east, north = (float(number) for number in area)
        except (TypeError, ValueError) as fault:
            raise NetworkError(Message("osm.area_kind")) from fault
        if not (west < east and south < north):
            raise NetworkError(Message("osm.area_order", value=area))
        shape = shapely.box(west, south, east, north)
    bounds = shapely.bounds(shape)
    if not np.isfinite(bounds).all() or (np.abs(bounds) > [180, 90, 180, 90]).any():
        raise NetworkError(Message("osm.area_bounds", bounds=_span(bounds)))
    shape = shape if shapely.is_valid(shape) else shapely.make_valid(shape)
    shapely.prepare(shape)
    return shape


def _inside(edges: _Edges, clip: Any) -> Bools:
    if clip is None:
        return np.ones(len(edges.way), np.bool_)
    west, south, east, north = shapely.bounds(clip)
    low = np.minimum.reduceat(edges.lonlat, edges.first)
    high = np.maximum.reduceat(edges.lonlat, edges.first)
    near = (low[:, 0] <= east) & (high[:, 0] >= west) & (low[:, 1] <= north) & (high[:, 1] >= south)
    inside: Bools = near.copy()
    node = near[edges.edge]
    row = (np.cumsum(near) - 1)[edges.edge[node]]
    inside[near] = shapely.intersects(clip, shapely.linestrings(edges.lonlat[node], indices=row))
    return inside


def _span(bounds: Floats) -> str:
    return "(" + ", ".join(f"{value:.6g}" for value in bounds) + ")"


def _parts(
    name: str, tags: pd.DataFrame, edges: _Edges, keep: Bools, private: Bools, crs: Any, left_out: dict[str, int]
) -> Parts:
    way = edges.way[keep]
    of_edge = from_streets.mark_private(tags.iloc[way].dropna(axis="columns", how="all"), private[keep])
    number = pd.Series(edges.number[keep], of_edge.index).astype(str)
    of_edge.index = pd.Index(of_edge["osm_id"].astype(str) + "-" + number, name="id")
    node = keep[edges.edge]
    first = np.concatenate([[0], np.cumsum((edges.last - edges.first + 1)[keep])])
    start, stop = first[:-1], first[1:] - 1
    lonlat = edges.lonlat[node]
    system = to_metric(_boxes(name, lonlat, start, of_edge.index), crs).crs
    turn = pyproj.Transformer.from_crs(WGS84, system, always_xy=True)
    xy = np.column_stack(turn.transform(lonlat[:, 0], lonlat[:, 1]))
    step = np.hypot(*np.diff(xy, axis=0, append=xy[-1:]).T)
    step[stop] = 0.0
    nodes, where, at = np.unique(edges.ends[:, keep].ravel(), return_index=True, return_inverse=True)
    corners, metres = xy[np.concatenate([start, stop])[where]], np.add.reduceat(step, start)
    u, v = at[: len(start)], at[len(start) :]
    return from_streets.ordered(
        pyproj.CRS(system), corners, pd.Index(nodes), u, v, metres, of_edge, (xy, first), left_out=left_out
    )


def _boxes(name: str, lonlat: Floats, start: Ints, ids: pd.Index) -> gpd.GeoDataFrame:
    """Draw the boxes of some of the streets, and of the outermost, as their diagonals, for the choice of a CRS."""
    low, high = np.minimum.reduceat(lonlat, start), np.maximum.reduceat(lonlat, start)
    outer = np.concatenate([low.argmin(axis=0), high.argmax(axis=0)])
    some = np.union1d(np.arange(0, len(start), -(-len(start) // MOST_BOXES)), outer)
    lines = shapely.linestrings(np.stack([low[some], high[some]], axis=1))
    frame = gpd.GeoDataFrame(geometry=lines, index=ids[some], crs=WGS84)
    frame.attrs["source"] = name
    return frame
