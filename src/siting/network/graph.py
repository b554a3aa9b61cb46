"""The walking network: streets as an immutable graph ordered for locality."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import shapely

from siting.errors import NetworkError, some
from siting.network.places import Places, place, spots

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["Network"]

log = logging.getLogger(__name__)

Ints = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False, repr=False)
class Network:
    """Streets to walk on, as a graph. Made by `from_streets` and `from_graph`; never changed.

    Lengths are whole millimetres, rounded once. Nodes lie along a Hilbert curve, so that what is near on the ground is
    near in memory. Walking is symmetric: an edge is as long one way as the other, and one-way signs do not bind
    walkers.

    Attributes
    ----------
    crs
        The projected CRS in which everything is measured.
    x, y
        Node coordinates, metres.
    nodes
        The nodes' names: those of the source, or running numbers.
    edges
        GeoDataFrame of the edges, index = edge id, with `length` (m), `highway` and the other columns of the source;
        geometry runs from `u` to `v`.
    u, v
        Positions of the end nodes of each edge.
    cost
        Length of each edge, mm.
    indptr, heads, costs
        The compressed adjacency: arcs of node ``i`` are ``indptr[i]:indptr[i + 1]``. Loops are no arcs.
    component
        Component of each node; 0 has the most nodes.
    left_out
        Streets that are no part of the network, counted by reason.
    """

    crs: pyproj.CRS
    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]
    nodes: pd.Index
    edges: gpd.GeoDataFrame
    u: Ints
    v: Ints
    cost: Ints
    indptr: npt.NDArray[np.int64]
    heads: Ints
    costs: Ints
    component: Ints
    left_out: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def from_streets(
        cls,
        streets: gpd.GeoDataFrame,
        *,
        length: str = "length",
        crs: Any = None,
        walking: bool = True,
    ) -> Network:
        """Build the network from street lines that meet at their ends.

        Ends closer than 1 mm are one node. Lines that cross without sharing an end (a bridge) are not joined. Parallel
        lines are all kept, the shortest counts for paths; a loop carries places but no path leads over it twice.

        Parameters
        ----------
        streets
            LineStrings with a CRS; degrees are projected first.
        length
            Column of lengths in metres; where it is absent or empty the geometry is measured.
        crs
            The projected CRS to measure in, when the choice of `siting.data.metric_crs` should not stand.
        walking
            Leave out motorways, and trunk roads whose `sidewalk` or `foot` column does not allow walking.

        Raises
        ------
        LayerError
            When the layer has faults (see `siting.check_layer`).
        NetworkError
            When no street is left, or the lengths are not metres.

        Examples
        --------
        >>> import geopandas as gpd, shapely
        >>> lines = [shapely.LineString([(0, 0), (100, 0)]), shapely.LineString([(100, 0), (100, 50)])]
        >>> streets = gpd.GeoDataFrame(geometry=lines, crs="EPSG:4547").translate(500000, 3380000)
        >>> Network.from_streets(streets.to_frame("geometry"))
        <Network: 3 nodes, 2 edges, 0.15 km, 1 component, EPSG:4547>
        """
        from siting.network.build import network_from_streets

        return network_from_streets(streets, length=length, crs=crs, walking=walking)

    @classmethod
    def from_graph(cls, graph: nx.Graph[Any], *, crs: Any = None, walking: bool = True) -> Network:
        """Build the network from a networkx graph as osmnx makes it.

        Nodes have `x` and `y`, the graph a `crs`; edges may have `length` (m), `geometry`, `highway`. The two
        directions of one street become one edge.

        Raises
        ------
        NetworkError
            When the graph has no CRS, no edges, or nodes without coordinates.
        """
        from siting.network.build import network_from_graph

        return network_from_graph(graph, crs=crs, walking=walking)

    def to_graph(self) -> nx.MultiDiGraph[Any]:
        """Return a networkx.MultiDiGraph as osmnx makes it: two directed edges for each street."""
        from siting.network.build import graph_from_network

        return graph_from_network(self)

    def __repr__(self) -> str:
        parts = self.n_components
        return (
            f"<Network: {len(self.nodes):,} nodes, {len(self.edges):,} edges, "
            f"{self.cost.sum(dtype=np.int64) / 1e6:,.2f} km, {parts} component{'s' * (parts != 1)}, "
            f"{crs_name(self.crs)}>"
        )

    @property
    def n_components(self) -> int:
        """How many parts have no street between them."""
        return int(self.component.max()) + 1

    @cached_property
    def components(self) -> pd.DataFrame:
        """A row per component: `nodes`, `edges`, `km`; the first has the most nodes."""
        of_edge = self.component[self.u]
        table = pd.DataFrame(
            {
                "nodes": np.bincount(self.component),
                "edges": np.bincount(of_edge, minlength=self.n_components),
                "km": np.bincount(of_edge, self.cost, minlength=self.n_components) / 1e6,
            }
        )
        return table.rename_axis("component")

    @cached_property
    def lines(self) -> npt.NDArray[np.object_]:
        """Edge geometries, from `u` to `v`."""
        found: npt.NDArray[np.object_] = self.edges.geometry.to_numpy()
        return found

    @cached_property
    def tree(self) -> shapely.STRtree:
        """Spatial index of the edges."""
        return shapely.STRtree(self.lines)

    def locate(self, frame: gpd.GeoDataFrame, *, max_snap: float = 250.0, name: str = "places") -> Places:
        """Place the points of *frame* on the nearest point of the nearest edge.

        The straight way from the point to the street counts as walked. Polygons are located by a point inside. Points
        with no street within *max_snap* are on no street: nothing reaches them; they are named in the log and in
        `Places.off_street`.

        Parameters
        ----------
        frame
            Points or polygons with a unique index; reprojected when their CRS differs.
        max_snap
            Longest way to a street, metres.
        name
            What the places are, for the log.

        Raises
        ------
        LayerError
            When the frame has no CRS or an empty geometry.
        NetworkError
            When the ids are not unique, or *max_snap* is not a positive number of metres.
        """
        if not max_snap > 0:
            raise NetworkError(f"max_snap is {max_snap!r}; give metres above 0")
        if not frame.index.is_unique:
            twice = frame.index[frame.index.duplicated()].unique()
            raise NetworkError(f"ids are not unique: {some(twice)}; give each place its own id")
        places = place(self, frame.index, spots(frame, self.crs), max_snap)
        off = places.off_street
        if len(off):
            log.warning(
                "%s: %d of %d lie more than %g m from any street and are reached by nothing: %s",
                name, len(off), len(places), max_snap, some(off.index),
            )  # fmt: skip
        return places


def crs_name(crs: pyproj.CRS) -> str:
    """Name a CRS by its code where it has one."""
    code = crs.to_epsg()
    return f"EPSG:{code}" if code else str(crs.name)
