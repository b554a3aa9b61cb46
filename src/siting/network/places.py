"""Places on the network: points located once, on the nearest point of the nearest edge."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import shapely

from siting.data import check_extent, one_layer, points, to_crs
from siting.errors import LayerError, NetworkError, some

if TYPE_CHECKING:
    from siting.network.graph import Network

__all__ = ["Places"]

log = logging.getLogger(__name__)

Ints = npt.NDArray[np.int32]
ARRAYS = ("edge", "u", "v", "to_u", "to_v", "door", "snap", "xy")


@dataclass(frozen=True, eq=False, repr=False)
class Places:
    """Points located on a network, in their own order. Made by `Network.locate`.

    Attributes
    ----------
    ids
        Ids of the points, unique.
    edge
        Position of the edge each point lies on; -1 where the nearest street is beyond `max_snap`.
    u, v
        Nodes at the ends of that edge.
    to_u, to_v
        Way along the edge to either end, mm.
    door
        Straight way from the point to the street, mm.
    snap
        The same in metres, also for points that are too far (float64).
    xy
        Where the points themselves are, in the network's CRS (n, 2).
    max_snap
        The longest way to a street that was allowed, metres.
    """

    ids: pd.Index
    edge: Ints
    u: Ints
    v: Ints
    to_u: Ints
    to_v: Ints
    door: Ints
    snap: npt.NDArray[np.float64]
    xy: npt.NDArray[np.float64]
    max_snap: float

    def __len__(self) -> int:
        return len(self.ids)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Close the arrays to writing again, which pickle opens."""
        self.__dict__.update({k: frozen(v) if isinstance(v, np.ndarray) else v for k, v in state.items()})

    def __repr__(self) -> str:
        off = len(self.off_street)
        longest = self.snap[self.edge >= 0].max(initial=0)
        return (
            f"<Places: {len(self)} points, longest way to a street {longest:.0f} m, {off} beyond {self.max_snap:g} m>"
        )

    @property
    def off_street(self) -> pd.Series:
        """Metres to the nearest street of the points that are farther from it than `max_snap`."""
        far = self.edge < 0
        return pd.Series(self.snap[far], index=self.ids[far], name="snap")

    def select(self, ids: pd.Index) -> Places:
        """Keep some of the places, in the order of *ids*.

        Raises
        ------
        NetworkError
            When an id is not among them, or stands twice.
        """
        at = self.ids.get_indexer(ids)
        if (at < 0).any():
            raise NetworkError(f"no such places: {some(ids[at < 0])}")
        if not ids.is_unique:
            raise NetworkError(f"places stand twice: {some(ids[ids.duplicated()].unique())}")
        kept: dict[str, Any] = {name: frozen(getattr(self, name)[at]) for name in ARRAYS}
        return replace(self, ids=ids, **kept)

    def __add__(self, other: Places) -> Places:
        """Put two sets of places of one network together; their ids must differ."""
        ids = self.ids.append(other.ids)
        if not ids.is_unique:
            raise NetworkError(f"places share ids: {some(ids[ids.duplicated()])}; make them differ")
        both: dict[str, Any] = {
            name: frozen(np.concatenate([getattr(self, name), getattr(other, name)])) for name in ARRAYS
        }
        return replace(self, ids=ids, max_snap=max(self.max_snap, other.max_snap), **both)


def frozen(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the array contiguous and closed to writing."""
    made: npt.NDArray[Any] = np.ascontiguousarray(array)
    if made is array and made.flags.writeable:
        made = made.view()
    made.flags.writeable = False
    return made


def millimetres(metres: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Round metres to whole millimetres, half to even."""
    return np.rint(np.asarray(metres) * 1000).astype(np.int64)


def identified(frame: gpd.GeoDataFrame, name: str) -> None:
    """Refuse what is no layer, or has ids that stand twice; tell rows that lie far from all others."""
    check_extent(one_layer(frame, name), name, refuse=False)
    if not frame.index.is_unique:
        twice = frame.index[frame.index.duplicated()].unique()
        raise NetworkError(f"ids are not unique: {some(twice)}; give each place its own id")


def spots(frame: gpd.GeoDataFrame, crs: pyproj.CRS) -> npt.NDArray[np.object_]:
    """Return a point in *crs* for each row of *frame*.

    Raises
    ------
    LayerError
        When the frame has no CRS, or a row has no geometry.
    """
    # Nothing, an empty shape and NaN coordinates all have no bounds.
    void = ~np.isfinite(shapely.bounds(frame.geometry.to_numpy())).all(axis=1)
    if void.any():
        raise LayerError(
            str(frame.attrs.get("source", "layer")),
            f"{int(void.sum())} of {len(frame)} rows have no place: {some(frame.index[void])}; "
            "draw them or take them out",
        )
    found: npt.NDArray[np.object_] = points(to_crs(frame, crs)).to_numpy()
    return found


def place(
    network: Network, ids: pd.Index, geometry: npt.NDArray[np.object_], max_snap: float, name: str = "places"
) -> Places:
    """Locate point geometries (in the network's CRS) on *network*; see `Network.locate`."""
    pairs, snap = network.tree.query_nearest(geometry, return_distance=True, all_matches=True)
    # Edges at the same distance (a point before a crossing): the first edge, so that runs agree.
    order = np.lexsort([pairs[1], pairs[0]])
    first = np.unique(pairs[0][order], return_index=True)[1]
    edge = pairs[1][order][first].astype(np.int32)
    snap = snap[order][first]
    line = network.lines[edge]
    long = shapely.length(line)
    along = shapely.line_locate_point(line, geometry)
    share = np.divide(along, long, out=np.zeros_like(along), where=long > 0)
    cost = network.cost[edge].astype(np.int64)
    to_u = np.clip(np.rint(share * cost), 0, cost).astype(np.int32)
    near = snap <= max_snap
    door = np.minimum(np.where(near, millimetres(snap), 0), np.iinfo(np.int32).max).astype(np.int32)
    if not near.all():
        log.warning(
            "%s: %d of %d lie more than %g m from any street and are reached by nothing: %s%s",
            name, (~near).sum(), len(near), max_snap, some(ids[~near]), _elsewhere(snap),
        )  # fmt: skip
    return Places(
        ids=ids,
        edge=frozen(np.where(near, edge, -1).astype(np.int32)),
        u=frozen(network.u[edge]),
        v=frozen(network.v[edge]),
        to_u=frozen(to_u),
        to_v=frozen((cost - to_u).astype(np.int32)),
        door=frozen(door),
        snap=frozen(snap),
        xy=frozen(shapely.get_coordinates(geometry)),
        max_snap=float(max_snap),
    )


def _elsewhere(snap: npt.NDArray[np.float64]) -> str:
    """Ask for the CRS where a layer lies kilometres from all streets as a whole."""
    least = float(snap.min())
    if least < 10_000:
        return ""
    return f"; the nearest street is {least / 1000:,.0f} km off: is the CRS of both right, do they cover one city?"


def at_nodes(network: Network, ids: pd.Index, node: npt.NDArray[np.integer[Any]]) -> Places:
    """Put a place on each of the nodes at the positions *node*."""
    edge_of = np.empty(len(network.x), np.int32)
    edge_of[network.v] = np.arange(len(network.u), dtype=np.int32)
    edge_of[network.u] = np.arange(len(network.u), dtype=np.int32)
    edge = edge_of[node]
    u, v, cost = network.u[edge], network.v[edge], network.cost[edge]
    to_u = np.where(u == node, 0, cost).astype(np.int32)
    return Places(
        ids=ids,
        edge=frozen(edge),
        u=frozen(u),
        v=frozen(v),
        to_u=frozen(to_u),
        to_v=frozen(cost - to_u),
        door=frozen(np.zeros(len(edge), np.int32)),
        snap=frozen(np.zeros(len(edge))),
        xy=frozen(np.column_stack([network.x[node], network.y[node]])),
        max_snap=250.0,
    )
