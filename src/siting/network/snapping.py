"""Placing locations on the streets: points on the nearest, polygons on all that pass them."""

from __future__ import annotations

import logging
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from siting.data import check_extent, one_layer, points, to_crs
from siting.errors import LayerError, NetworkError
from siting.messages import Message
from siting.network import point_kernels, segment_kernels
from siting.network.parts import Parts
from siting.network.places import Gates, Places, frozen, frozen_columns, millimetres, positions_of
from siting.network.polygon_entrances import gates_of
from siting.network.preferred_streets import DECK, Preferred
from siting.numbers import Bools, Floats, Ints, Ints32, Positions, Shapes

log = logging.getLogger(__name__)

#: Numbers of Polygon and MultiPolygon in shapely.
AREAS = (3, 6)


def check_ids(frame: gpd.GeoDataFrame, name: str) -> None:
    """Refuse other types than layers, and duplicate ids; report rows far from all others."""
    check_extent(one_layer(frame, name), name, refuse=False)
    twice = frame.index[frame.index.duplicated()].unique()
    if len(twice):
        raise NetworkError(Message("cell.ids_twice", ids=twice).within(name))


def points_in(frame: gpd.GeoDataFrame, crs: pyproj.CRS) -> Shapes:
    """Return a point in *crs* for each row of *frame*: itself, or one inside its polygon; see `projected`."""
    return np.asarray(points(gpd.GeoSeries(projected(frame, crs), index=frame.index, crs=crs)))


def polygons_or_points(frame: gpd.GeoDataFrame, crs: pyproj.CRS) -> Shapes:
    """Return each row of *frame* in *crs*: a polygon as it is, else a point; see `projected`."""
    drawn = projected(frame, crs)
    area = np.isin(shapely.get_type_id(drawn), AREAS)
    return np.where(area, drawn, points(gpd.GeoSeries(drawn, crs=crs)).to_numpy())


def projected(frame: gpd.GeoDataFrame, crs: pyproj.CRS) -> Shapes:
    """Return the geometry of each row of *frame* in *crs*; LayerError where a row has none, or the frame no CRS."""
    # Missing and empty geometries and NaN coordinates all have no bounds.
    void = ~np.isfinite(shapely.bounds(frame.geometry.to_numpy())).all(axis=1)
    if void.any():
        rows = frame.index[void]
        said = Message("network.no_place", n=len(rows), total=len(frame), rows=rows)
        raise LayerError(str(frame.attrs.get("source", "layer")), said)
    return np.asarray(to_crs(frame, crs).geometry.array, dtype=object)


def place(
    network: Parts, ids: pd.Index, geometry: Shapes, max_snap: float, name: str = "places", *, any_street: bool = False
) -> Places:
    """Place points and polygons (in the network's CRS) on the streets; see `Network.locate`."""
    kind = shapely.get_type_id(geometry)
    area = np.isin(kind, AREAS)
    inner = geometry
    if (kind != 0).any():
        inner = geometry.copy()
        inner[kind != 0] = shapely.point_on_surface(geometry[kind != 0])
        odd = ~area & (kind != 0) & ((kind != 4) | (shapely.get_num_geometries(geometry) > 1))
        if odd.any():
            said = Message("network.odd_kinds", n=int(odd.sum()), total=len(odd), rows=ids[odd])
            log.warning(said.within(name))
    xy = shapely.get_coordinates(inner)
    preferred = None if any_street else network.preferred
    edge, share, snap, nearest = _nearest(network, xy, max_snap, preferred)
    cost = network.cost[edge].astype(np.int64)
    to_u = np.clip(np.rint(share * cost), 0, cost)
    if network.private is not None:
        edge, to_u = _at_open(network, edge, to_u, network.private)
    polygons: dict[str, Any] = {}
    if area.any():
        first, more = gates_of(network, geometry, np.flatnonzero(area), max_snap, preferred)
        edge[area], to_u[area], snap[area], nearest[area] = first
        shape = np.full(len(geometry), None, object)
        shape[area] = geometry[area]
        polygons = {"shape": frozen(shape), "more": Gates(*map(frozen, more))}
    near = snap <= max_snap
    door = np.minimum(np.where(near, millimetres(snap), 0), np.iinfo(np.int32).max)
    on, to_v = np.where(near, edge, -1), network.cost[edge] - to_u
    integers = (column.astype(np.int32) for column in (on, network.u[edge], network.v[edge], to_u, to_v, door))
    columns = frozen_columns(*integers, snap, nearest, xy)
    placed = Places(ids=ids, max_snap=float(max_snap), any_street=any_street, **columns, **polygons)
    _report(placed, near, name)
    return placed


def _at_open(network: Parts, edge: Ints32, to_u: Floats, private: Bools) -> tuple[Ints32, Floats]:
    """Move places from the start of a private street to an open one that begins there, too."""
    end = np.flatnonzero(private[edge] & ((to_u == 0) | (to_u == network.cost[edge])))
    if not len(end):
        return edge, to_u
    node = np.where(to_u[end] == 0, network.u[edge[end]], network.v[edge[end]])
    other = _an_edge_of(network, [np.flatnonzero(~private)])[node]
    end, node, other = end[other >= 0], node[other >= 0], other[other >= 0]
    edge, to_u = edge.copy(), to_u.copy()
    edge[end] = other
    to_u[end] = np.where(network.u[other] == node, 0, network.cost[other])
    return edge, to_u


def _an_edge_of(network: Parts, kinds: list[Positions]) -> Ints32:
    """Find an edge that ends at each node, of the last of *kinds* that has any; -1 where none does."""
    edge_of = np.full(len(network.x), -1, np.int32)
    for edges in kinds:
        edge_of[network.v[edges]] = edges
        edge_of[network.u[edges]] = edges
    return edge_of


def _report(placed: Places, near: Bools, name: str) -> None:
    far = ~near
    if far.any():
        km = float(placed.snap.min()) / 1000
        facts = {"n": int(far.sum()), "total": len(far), "metres": placed.max_snap, "rows": placed.ids[far]}
        elsewhere = km >= 10  # the layer as a whole
        said = (
            Message("network.off_street_all", km=km, **facts) if elsewhere else Message("network.off_street", **facts)
        )
        log.warning(said.within(name))
    moved = placed.moved
    if len(moved):
        said = Message("network.moved", n=len(moved), total=len(near), rows=moved.index)
        log.info(said.within(name))


def _nearest(
    network: Parts, xy: Floats, max_snap: float, preferred: Preferred | None
) -> tuple[Ints32, Floats, Floats, Floats]:
    """Find the street of each point: its position, the share along it, metres to it, and to the nearest of all."""
    x, y = np.ascontiguousarray(xy[:, 0]), np.ascontiguousarray(xy[:, 1])
    edge, share, away = np.zeros(len(x), np.int32), np.zeros(len(x)), np.zeros(len(x))
    if not len(x):
        return edge, share, away, away.copy()
    # Along a curve, so that a point is near to the one before.
    order = np.argsort(point_kernels.hilbert(x, y, 16), kind="stable")
    every = np.zeros(0, np.bool_)
    segment_kernels.nearest(network.segments, x, y, order, every, edge, share, away)
    nearest = away.copy()
    if preferred is None:
        return edge, share, away, nearest
    odd = order[~preferred.street[edge[order]] & (away[order] <= max_snap)]
    if len(odd):
        other, part, far = edge.copy(), share.copy(), away.copy()
        segment_kernels.nearest(network.segments, x, y, odd, preferred.street, other, part, far)
        take = (other >= 0) & (far <= max_snap)
        take &= ~preferred.deck[edge] | (far <= away + DECK)
        edge, share, away = np.where(take, other, edge), np.where(take, part, share), np.where(take, far, away)
    return edge, share, away, nearest


def places_at_nodes(network: Parts, names: pd.Index) -> Places:
    """Put a place on each of the named nodes; see `Network.places_at_nodes`."""
    node = positions_of(network.nodes, names, "nodes")
    every = np.arange(len(network.u))
    # A place where a private street begins is on the open one.
    private = network.private
    edge = _an_edge_of(network, [every] if private is None else [every[private], every[~private]])[node]
    to_u = np.where(network.u[edge] == node, 0, network.cost[edge])
    return places_at_ends(network, names, edge, to_u)


def places_at_ends(network: Parts, ids: pd.Index, edge: Ints32, to_u: Ints | Ints32) -> Places:
    """Put a place on an end of each of the edges at the positions *edge*: where the way to its `u` is *to_u*, mm."""
    node = np.where(to_u == 0, network.u[edge], network.v[edge])
    u, v, cost = network.u[edge], network.v[edge], network.cost[edge]
    to_u = to_u.astype(np.int32)
    zero = np.zeros(len(edge))
    xy = np.column_stack([network.x[node], network.y[node]])
    columns = frozen_columns(edge, u, v, to_u, cost - to_u, zero.astype(np.int32), zero, zero, xy)
    return Places(ids=ids, max_snap=250.0, **columns)
