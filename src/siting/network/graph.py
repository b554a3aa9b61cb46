"""The walking network: streets as an immutable graph ordered for locality."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from numbers import Real
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import shapely

from siting.data import one_layer
from siting.errors import NetworkError
from siting.network.contraction import Core, make_core, paces
from siting.network.places import Places, frozen
from siting.network.snapping import at_nodes, drawn, identified, place
from siting.network.walk import Walk
from siting.network.words import counted, crs_name
from siting.numbers import Bools, Floats, Ints, Ints8, Ints32

if TYPE_CHECKING:
    from pathlib import Path

    import networkx as nx

    from siting.network.segment_kernels import Segments

__all__ = ["Network"]


AnyPath = str | os.PathLike[str]
#: Graphs that a network keeps, each for one response to slopes.
CORES = 8


@dataclass(frozen=True, eq=False, repr=False)
class Network:
    """Streets to walk on, as a graph. Made by the `from_…` methods; never changed.

    Lengths are whole millimetres, rounded once. Nodes lie along a Hilbert curve, so that what is near on the ground is
    near in memory. Unless it was asked for otherwise one-way signs do not bind walkers.

    Attributes
    ----------
    crs
        The projected CRS in which everything is measured.
    x, y
        Node coordinates, metres.
    nodes
        The nodes' names: those of the source, or running numbers.
    u, v
        Positions of the end nodes of each edge.
    cost
        Length of each edge, mm.
    metres
        The same as it was given or measured, metres.
    columns
        What else the source says of each edge; index = edge id.
    vertices, first
        Coordinates of the lines, one edge after another from `u` to `v`, and where each begins; None where all edges
        are straight.
    oneway
        For each edge 1 where it is open from `u` to `v` only, -1 from `v` to `u` only, else 0; None where all are open.
    rise
        Metres climbed from `u` to `v`; None where no heights are known.
    left_out
        Streets that are no part of the network, counted by reason.
    """

    crs: pyproj.CRS
    x: Floats
    y: Floats
    nodes: pd.Index
    u: Ints32
    v: Ints32
    cost: Ints32
    metres: Floats
    columns: pd.DataFrame
    vertices: Floats | None
    first: Ints | None
    oneway: Ints8 | None = None
    rise: Floats | None = None
    left_out: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def from_streets(
        cls,
        streets: gpd.GeoDataFrame,
        *,
        length: str = "length",
        crs: Any = None,
        walking: bool = True,
        split: bool = False,
        oneway: str | None = None,
    ) -> Network:
        """Build the network from street lines that meet at their ends.

        Ends closer than 1 mm are one node. Lines that cross without sharing an end (a bridge) are not joined, unless
        *split* is asked for. Parallel lines are all kept, the shortest counts for paths; a loop carries places but no
        path leads over it twice. Heights in the lines, or a column `rise` (metres climbed along the line), make slopes
        count for walks in minutes; what lies more than 3 m above something else is not joined to it.

        Parameters
        ----------
        streets
            LineStrings with a CRS; degrees are projected first.
        length
            Column of metres; where one is absent, empty or cannot be, the line is measured. Odd ones are told.
        crs
            The projected CRS to measure in, when the choice of `siting.data.metric_crs` should not stand.
        walking
            Leave out what is closed to walkers (counted in `left_out`), and mark what is private (column `private`).
        split
            First split the lines where they cross or touch on one level; levels are told by `layer`, `bridge` and
            `tunnel`, and lines of different levels meet at their ends only.
        oneway
            Column that says which streets are open one way only: "yes", "1" or True along the line, "-1" or "reverse"
            against it. Without it all are open both ways, as they are for walkers.

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

        return network_from_streets(streets, length=length, crs=crs, walking=walking, split=split, oneway=oneway)

    @classmethod
    def from_arrays(
        cls,
        x: npt.ArrayLike,
        y: npt.ArrayLike,
        u: npt.ArrayLike,
        v: npt.ArrayLike,
        *,
        crs: Any,
        length: npt.ArrayLike | None = None,
        height: npt.ArrayLike | None = None,
        oneway: npt.ArrayLike | None = None,
    ) -> Network:
        """Build the network from bare arrays, the quickest way.

        Parameters
        ----------
        x, y
            Node coordinates in *crs*, metres.
        u, v
            Positions of the nodes at the ends of each edge, which is drawn straight.
        crs
            A projected CRS in metres.
        length
            Metres of each edge; without it the straight line counts. Told in the log where it cannot be metres.
        height
            Metres above sea of each node, for slopes.
        oneway
            1 for an edge open from `u` to `v` only, -1 for the other way only, 0 for both.

        Raises
        ------
        NetworkError
            When the CRS is not in metres, arrays do not fit together, or values are no coordinates, positions or
            lengths.

        Examples
        --------
        >>> Network.from_arrays([500000, 500100], [3380000, 3380000], [0], [1], crs="EPSG:4547")
        <Network: 2 nodes, 1 edge, 0.10 km, 1 component, EPSG:4547>
        """
        from siting.network.build import network_from_arrays

        return network_from_arrays(x, y, u, v, crs=crs, length=length, height=height, oneway=oneway)

    @classmethod
    def from_graph(
        cls, graph: nx.Graph[Any] | str | Path, *, crs: Any = None, walking: bool = True, oneway: bool = False
    ) -> Network:
        """Build the network from a networkx graph as osmnx makes it, or from a GraphML file of one.

        Nodes have `x` and `y`, and may have an `elevation` (m); the graph has a `crs`; edges may have `length` (m),
        `geometry`, `highway`, `grade` or `rise` (m); all may be text. The two directions of one street are one edge.
        With *oneway* what stands in one direction only is open in that alone; else walkers go both ways.

        Raises
        ------
        NetworkError
            When the graph has no CRS, no edges, or nodes without coordinates, or the file cannot be read safely.
        """
        from siting.network.networkx_graphs import network_from_graph

        return network_from_graph(graph, crs=crs, walking=walking, oneway=oneway)

    @classmethod
    def from_osm(
        cls, path: AnyPath, *, area: Any = None, crs: Any = None, walking: bool = True, ferries: bool = False
    ) -> Network:
        """Read the streets of an OpenStreetMap extract, a file `.osm.pbf` or `.osm`. Needs the extra `osm`.

        Ways are cut at nodes that are used again, so that the network joins what OpenStreetMap joins; walls and closed
        gates part them. Nodes keep their ids; edges are called "<way>-<number>" and carry `osm_id`, `highway`, `name`,
        `bridge`, `tunnel`, `layer`, `oneway` and what tells who may walk there, where a way has it.

        Parameters
        ----------
        path
            The extract.
        area
            Keep the edges that meet this area, whole: a geometry in degrees (EPSG:4326), a layer, or (west, south,
            east, north).
        crs
            The projected CRS to measure in, when the choice of `siting.data.metric_crs` should not stand.
        walking
            Leave out what is closed to walkers (told in `left_out`), mark what is private (column `private`), and heed
            barriers. Where the extract lacks nodes of a way, the way ends there; that is told, too.
        ferries
            Whether ferries are streets, as long as they are drawn.

        Raises
        ------
        NetworkError
            When the file is absent, damaged or of another kind, or has no street in the area, or without pyosmium.
        """
        from siting.network.osm import network_from_osm

        return network_from_osm(os.fspath(path), area=area, crs=crs, walking=walking, ferries=ferries)

    @classmethod
    def from_place(cls, name: str, *, crs: Any = None, walking: bool = True) -> Network:
        """Download the streets of a place from OpenStreetMap by osmnx, for those who are online.

        Raises
        ------
        NetworkError
            When there is no connection, or no such place.
        """
        from siting.network.download import network_from_place

        return network_from_place(name, crs=crs, walking=walking)

    def to_graph(self) -> nx.MultiDiGraph[Any]:
        """Return a networkx.MultiDiGraph as osmnx makes it: a directed edge for each way that a street is open."""
        from siting.network.networkx_graphs import graph_from_network

        return graph_from_network(self)

    def __repr__(self) -> str:
        return (
            f"<Network: {counted(len(self.nodes), 'node')}, {counted(len(self.u), 'edge')}, "
            f"{self.cost.sum(dtype=np.int64) / 1e6:,.2f} km, {counted(self.n_components, 'component')}, "
            f"{crs_name(self.crs)}>"
        )

    @property
    def n_components(self) -> int:
        """How many parts have no street between them."""
        return int(self.component.max()) + 1

    @cached_property
    def component(self) -> Ints32:
        """Component of each node; 0 has the most nodes."""
        from siting.network import contraction_kernels

        return frozen(contraction_kernels.components(len(self.x), self.u, self.v))

    @cached_property
    def components(self) -> pd.DataFrame:
        """A row per component: `nodes`, `edges`, `km`; the first has the most nodes."""
        of_edge, n = self.component[self.u], self.n_components
        km = np.bincount(of_edge, self.cost, minlength=n) / 1e6
        table = {"nodes": np.bincount(self.component), "edges": np.bincount(of_edge, minlength=n), "km": km}
        return pd.DataFrame(table).rename_axis("component")

    @property
    def edges(self) -> gpd.GeoDataFrame:
        """The edges, in a frame of your own: `length` (m), the source's columns, lines from `u` to `v`; by edge id."""
        table = self.columns.assign(length=self.metres)
        return gpd.GeoDataFrame(table, geometry=self.lines, crs=self.crs)

    def drop_islands(self, *, least: int | None = None) -> Network:
        """Keep the largest component only, or with *least* all that have so many nodes; told in the log.

        Raises
        ------
        NetworkError
            When *least* is no number of nodes, or no component has so many.
        """
        from siting.network.islands import drop_islands

        return drop_islands(self, least=least)

    def join_islands(self, metres: float) -> Network:
        """Join components that are not farther apart than *metres* by straight links, the shortest first.

        A link leads from a node to the nearest point of a street; its `highway` is "link". Told in the log.

        Raises
        ------
        NetworkError
            When *metres* is not a positive number.
        """
        from siting.network.islands import join_islands

        return join_islands(self, metres)

    @cached_property
    def private(self) -> Bools | None:
        """Which edges are private, where strangers may not pass, by the column `private`; None where none is."""
        found = self.columns["private"].eq(True).to_numpy(bool) if "private" in self.columns else np.zeros(0, bool)
        return frozen(found) if found.any() else None

    @cached_property
    def lines(self) -> npt.NDArray[np.object_]:
        """Edge geometries, from `u` to `v`."""
        vertices, first = self._drawn()
        return frozen(shapely.linestrings(vertices, indices=np.repeat(np.arange(len(self.u)), np.diff(first))))

    @cached_property
    def segments(self) -> Segments:
        """Index of the straight parts of the edges, for what is nearest."""
        from siting.network import segment_kernels

        found: Segments = segment_kernels.index(*map(frozen, self._drawn()))
        return found

    def _drawn(self) -> tuple[Floats, Ints]:
        """Vertices of all edges, also of straight ones, and where each edge begins."""
        if self.vertices is not None and self.first is not None:
            return self.vertices, self.first
        ends = np.column_stack([self.x[self.u], self.y[self.u], self.x[self.v], self.y[self.v]])
        return ends.reshape(-1, 2), np.arange(len(self.u) + 1) * 2

    @cached_property
    def tree(self) -> shapely.STRtree:
        """Spatial index of the edges."""
        return shapely.STRtree(self.lines)

    def places_at_nodes(self, nodes: pd.Index | None = None) -> Places:
        """Place a point on each of the named nodes, or on all; NetworkError for a name that is not that of a node.

        Examples
        --------
        >>> net = Network.from_arrays([500000, 500100], [3380000, 3380000], [0], [1], crs="EPSG:4547")
        >>> net.places_at_nodes()
        <Places: 2 points, longest way to a street 0 m, 0 beyond 250 m>
        """
        return at_nodes(self, self.nodes if nodes is None else pd.Index([nodes] if np.isscalar(nodes) else nodes))

    def core(self, walk: Walk | None = None) -> Core:
        """Return the graph that is searched, for level ground or for the slopes as *walk* takes them."""
        slope = None if walk is None or self.rise is None else walk.slope
        known: list[tuple[Any, Core]] = self.__dict__.setdefault("_cores", [])
        for other, core in known:
            if other is slope:
                return core
        made = make_core(self, *paces(self, walk))
        known.insert(0, (slope, made))
        del known[CORES:]
        return made

    def for_walk(self, walk: Walk | None) -> Network:
        """Return the part of the network that is open to *walk*: all of it, or without steps."""
        if walk is None or walk.stairs:
            return self
        if "_stepless" not in self.__dict__:
            from siting.network.build import without_steps

            self.__dict__["_stepless"] = without_steps(self)
        found: Network = self.__dict__["_stepless"]
        return found

    def save(self, path: AnyPath) -> None:
        """Write the network into a folder, whole or not at all; see `load`."""
        from siting.network.store import write_network

        write_network(self, path)

    @classmethod
    def load(cls, path: AnyPath) -> Network:
        """Open a network that `save` wrote, mapped into memory: at once, and shared by all processes that do so.

        Raises
        ------
        NetworkError
            When the folder holds no network, or one of another version.
        """
        from siting.network.store import read_network

        return read_network(path)

    def __reduce__(self) -> Any:
        """Pickle the path of a network that was opened from one, else the fields without what is made of them."""
        from siting.network.store import read_again, restored

        home = self.__dict__.get("_home")
        return (read_again, home) if home else (restored, tuple(self.__dict__[one.name] for one in fields(self)))

    def __deepcopy__(self, memo: Any) -> Network:
        return self  # never changed

    def locate(
        self, frame: gpd.GeoDataFrame, *, max_snap: float = 250.0, any_street: bool = False, name: str = "places"
    ) -> Places:
        """Place the rows of *frame* on the streets.

        A point lies on the nearest point of the nearest edge. A polygon is entered from every street that passes or
        crosses it within *max_snap*, and the shortest way counts. Streets on the ground in a main part of the network
        come before bridges, tunnels and islands; `Places.moved` lists whom that has moved. Places with no street within
        *max_snap* are reached by none; they are named in the log and in `Places.off_street`.

        Parameters
        ----------
        frame
            Points or polygons with a unique index; reprojected when their CRS differs.
        max_snap
            Longest way to a street, metres; it counts as walked.
        any_street
            Take the nearest street whatever it is, also a bridge, a tunnel or an island.
        name
            What the places are, for the log.

        Raises
        ------
        LayerError
            When it is no GeoDataFrame, has no CRS or an empty geometry.
        NetworkError
            When the ids are not unique, or *max_snap* is not a positive number of metres.
        """
        one_layer(frame, name)
        if not (isinstance(max_snap, Real) and max_snap > 0):
            raise NetworkError(f"max_snap is {max_snap!r}; give metres above 0")
        identified(frame, name)
        return place(self, frame.index, drawn(frame, self.crs), max_snap, name, any_street=any_street)
