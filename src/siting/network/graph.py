"""The walking network: streets as an immutable graph ordered for locality. The only place that makes a `Network`."""

from __future__ import annotations

import logging
import os
import weakref
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from siting.data import one_layer
from siting.errors import NetworkError
from siting.limits import metres_of
from siting.network.contraction import ContractedGraph, contracted, edge_costs
from siting.network.datum_warning import warned_of_datum
from siting.network.from_networkx import graph_from_parts, parts_from_graph
from siting.network.from_osm import parts_from_osm
from siting.network.from_place import parts_from_place
from siting.network.from_streets import parts_from_arrays, parts_from_streets, without_steps
from siting.network.islands import drop_islands, join_islands
from siting.network.parts import Parts, crs_code
from siting.network.places import Places, frozen
from siting.network.snapping import check_ids, place, places_at_nodes, projected
from siting.network.store import Home, read_again, read_parts, write_parts
from siting.network.summary import network_card, network_words
from siting.network.walking_speed import Walk

if TYPE_CHECKING:
    from pathlib import Path

    import networkx as nx

log = logging.getLogger(__name__)

AnyPath = str | os.PathLike[str]
#: How many contracted graphs a network keeps, each for one response to slopes.
CORES = 8


@dataclass(frozen=True, eq=False, repr=False)
class Network(Parts):
    """The walking network of streets. Made by the `from_…` methods; immutable.

    Lengths are whole millimetres, rounded once. Nodes lie along a Hilbert curve, so that what is near on the ground is
    near in memory. One-way signs do not bind walkers unless *oneway* is given.

    Attributes
    ----------
    crs
        The projected CRS of all measures.
    x, y
        Node coordinates, metres.
    nodes
        Names of the nodes: those of the source, or running numbers.
    u, v
        Positions of the end nodes of each edge.
    cost
        Length of each edge, mm.
    metres
        The same as given or measured, metres.
    columns
        Other columns of the source; index = edge id.
    vertices, first
        Coordinates of the lines, one edge after another from `u` to `v`, and where each begins; None where all edges
        are straight.
    oneway
        For each edge 1 where it is open from `u` to `v` only, -1 from `v` to `u` only, else 0; None where all are open.
    rise
        Metres climbed from `u` to `v`; None where no heights are known.
    left_out
        Streets left out of the network, counted by reason.
    """

    _cores: list[tuple[Any, ContractedGraph]] = field(default_factory=list, init=False)
    _held: weakref.WeakSet[Places] = field(default_factory=weakref.WeakSet, init=False)
    _home: Home | None = field(default=None, init=False)

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
        *split* is true. Parallel lines are all kept; paths use the shortest. Heights in the lines, or a column `rise`
        (metres climbed along the line), make slopes count for walks in minutes; ends more than 3 m above each other
        are not joined.

        Parameters
        ----------
        streets
            LineStrings with a CRS; degrees are projected first.
        length
            Column of metres; where a value is missing or impossible, the line is measured and this is logged.
        crs
            The projected CRS to measure in; default: the choice of `siting.data.metric_crs`.
        walking
            Leave out streets closed to walkers (counted in `left_out`), and mark private ones (column `private`).
        split
            First split the lines where they cross or touch on one level, by `layer`, `bridge` and `tunnel`; lines of
            different levels meet at their ends only.
        oneway
            Column of one-way streets: "yes", "1" or True along the line, "-1" or "reverse"
            against it. Without it all streets are open in both directions.

        Raises
        ------
        LayerError
            When the layer has errors (see `siting.check_layer`).
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
        return cls._of(parts_from_streets(streets, length=length, crs=crs, walking=walking, split=split, oneway=oneway))

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
        """Build the network from arrays; the fastest builder.

        Parameters
        ----------
        x, y
            Node coordinates in *crs*, metres.
        u, v
            Positions of the nodes at the ends of each edge, which is drawn straight.
        crs
            A projected CRS in metres.
        length
            Metres of each edge; default: the straight line. Lengths that cannot be metres give a warning.
        height
            Metres above sea of each node, for slopes.
        oneway
            1 for an edge open from `u` to `v` only, -1 from `v` to `u` only, 0 for both.

        Raises
        ------
        NetworkError
            When the CRS is not in metres, shapes of arrays differ, or coordinates, positions or lengths are invalid.

        Examples
        --------
        >>> Network.from_arrays([500000, 500100], [3380000, 3380000], [0], [1], crs="EPSG:4547")
        <Network: 2 nodes, 1 edge, 0.10 km, 1 component, EPSG:4547>
        """
        return cls._of(parts_from_arrays(x, y, u, v, crs=crs, length=length, height=height, oneway=oneway))

    @classmethod
    def from_graph(
        cls, graph: nx.Graph[Any] | str | Path, *, crs: Any = None, walking: bool = True, oneway: bool = False
    ) -> Network:
        """Build the network from a networkx graph as osmnx makes it, or from a GraphML file of one.

        Nodes have `x` and `y`, and may have an `elevation` (m); the graph has a `crs`; edges may have `length` (m),
        `geometry`, `highway`, `grade` or `rise` (m); all may be text. The two directions of one street are one edge.
        With *oneway* an edge in one direction is open in that direction only; else all are open in both.

        Raises
        ------
        NetworkError
            When the graph has no CRS, no edges, or nodes without coordinates, or the file cannot be read safely.
        """
        return cls._of(parts_from_graph(graph, crs=crs, walking=walking, oneway=oneway))

    @classmethod
    def from_osm(
        cls, path: AnyPath, *, area: Any = None, crs: Any = None, walking: bool = True, ferries: bool = False
    ) -> Network:
        """Read the streets of an OpenStreetMap extract, a file `.osm.pbf` or `.osm`. Needs the extra `osm`.

        Ways are cut at shared nodes, so that the network joins what OpenStreetMap joins, and at walls and closed
        gates. Nodes keep their ids; edges are called "<way>-<number>" and carry `osm_id`, `highway`, `name`,
        `bridge`, `tunnel`, `layer`, `oneway` and the tags of access, where present.

        Parameters
        ----------
        path
            The extract.
        area
            Keep the edges that meet this area, whole: a geometry in degrees (EPSG:4326), a layer, or (west, south,
            east, north).
        crs
            The projected CRS to measure in; default: the choice of `siting.data.metric_crs`.
        walking
            Leave out streets closed to walkers (counted in `left_out`), mark private ones (column `private`), and
            respect barriers. A way ends where the extract lacks its nodes; this is logged.
        ferries
            Whether ferries are streets, with the length of their lines.

        Raises
        ------
        NetworkError
            When the file is absent, damaged or of another kind, no street is in the area, or pyosmium is missing.
        """
        return cls._of(parts_from_osm(os.fspath(path), area=area, crs=crs, walking=walking, ferries=ferries))

    @classmethod
    def from_place(cls, name: str, *, crs: Any = None, walking: bool = True) -> Network:
        """Download the streets of a place from OpenStreetMap by osmnx.

        Raises
        ------
        NetworkError
            When there is no connection, or no such place.
        """
        return cls._of(parts_from_place(name, crs=crs, walking=walking))

    def to_graph(self) -> nx.MultiDiGraph[Any]:
        """Return a networkx.MultiDiGraph as osmnx makes it: a directed edge for each open direction of a street."""
        return graph_from_parts(self)

    def __repr__(self) -> str:
        counts = ((len(self.nodes), "node"), (len(self.u), "edge"), (self.n_components, "component"))
        nodes, edges, components = (f"{number:,} {what}{'s' * (number != 1)}" for number, what in counts)
        km = self.cost.sum(dtype=np.int64) / 1e6
        return f"<Network: {nodes}, {edges}, {km:,.2f} km, {components}, {crs_code(self.crs)}>"

    def _repr_html_(self) -> str:
        return network_card(self, self.components)

    @classmethod
    def _of(cls, parts: Parts) -> Network:
        """Make a network of the result of a builder; return a network unchanged."""
        if isinstance(parts, Network):
            return parts
        network = cls(**parts.arrays)
        if log.isEnabledFor(logging.INFO):  # counting components takes a while
            log.info(network_words(network))
        return network

    def drop_islands(self, *, least: int | None = None) -> Network:
        """Keep the largest component, or with *least* all that have at least this many nodes; the log lists the others.

        Raises
        ------
        NetworkError
            When *least* is not a number of nodes, or no component has as many.
        """
        return self._of(drop_islands(self, least=least))

    def join_islands(self, metres: float) -> Network:
        """Join components at most *metres* apart by straight links, the shortest first.

        A link leads from a node to the nearest point of a street; its `highway` is "link". The links are logged.

        Raises
        ------
        NetworkError
            When *metres* is not a positive number.
        """
        return self._of(join_islands(self, metres))

    def places_at_nodes(self, nodes: pd.Index | None = None) -> Places:
        """Place a point on each of the named nodes, or on all; NetworkError for an unknown node.

        Examples
        --------
        >>> net = Network.from_arrays([500000, 500100], [3380000, 3380000], [0], [1], crs="EPSG:4547")
        >>> net.places_at_nodes()
        <Places: 2 points, longest way to a street 0 m, 0 beyond 250 m>
        """
        names = self.nodes if nodes is None else pd.Index([nodes] if np.isscalar(nodes) else nodes)
        return places_at_nodes(self, names)

    def holds(self, places: Places) -> bool:
        """Whether *places* were located on these streets, by their edges; checked once."""
        if places not in self._held:
            on = places.edge >= 0
            edge = places.edge[on]
            if not (
                edge.max(initial=-1) < len(self.u)
                and np.array_equal(self.u[edge], places.u[on])
                and np.array_equal(self.v[edge], places.v[on])
                and np.array_equal(self.cost[edge], places.to_u[on] + places.to_v[on])
            ):
                return False
            self._held.add(places)
        return True

    def core(self, walk: Walk | None = None) -> ContractedGraph:
        """Return the graph to search, for level ground or for the slopes of *walk*."""
        slope = None if walk is None or self.rise is None else walk.slope
        for other, core in self._cores:
            if other is slope:
                return core
        made = contracted(self, *edge_costs(self, walk))
        self._cores.insert(0, (slope, made))
        del self._cores[CORES:]
        return made

    def for_walk(self, walk: Walk | None) -> Network:
        """Return the part of the network that is open to *walk*: all of it, or without steps."""
        return self if walk is None or walk.stairs else self._without_steps

    @cached_property
    def _without_steps(self) -> Network:
        return self._of(without_steps(self))

    def save(self, path: AnyPath) -> None:
        """Write the network into a folder, completely or not at all, with a checksum of each file; see `load`."""
        write_parts(self, path)

    @classmethod
    def load(cls, path: AnyPath) -> Network:
        """Open a saved network, mapped into memory and shared by all processes that open it.

        The files are read once to compare their checksums, and the arrays are checked: types, lengths, positions of
        nodes and vertices, finite lengths that are not negative. A million nodes take half a second.

        Raises
        ------
        NetworkError
            When the folder holds no network, a damaged one, or one of another version.
        """
        return _opened(*read_parts(path))

    def __reduce__(self) -> Any:
        return _unpickled, (self._home, {} if self._home else self.arrays)

    def __deepcopy__(self, memo: Any) -> Network:
        return self  # never changed

    def locate(
        self, frame: gpd.GeoDataFrame, *, max_snap: float = 250.0, any_street: bool = False, name: str = "places"
    ) -> Places:
        """Place the rows of *frame* on the streets.

        A point lies on the nearest point of the nearest edge. A polygon is entered from every street that passes or
        crosses it within *max_snap*; the shortest path counts. Streets on the ground in a main part of the network
        are preferred to bridges, tunnels and islands; `Places.moved` lists the places that this moved. Places without a
        street within *max_snap* are unreachable, and are named in the log and in `Places.off_street`. The log warns of
        places that lie off the streets as a wrong datum would (`siting.data.datum_offset`).

        Parameters
        ----------
        frame
            Points or polygons with a unique index; reprojected when their CRS differs.
        max_snap
            Longest distance to a street, metres; it is part of the walk.
        any_street
            Take the nearest street, even a bridge, a tunnel or an island.
        name
            Name of the places in messages.

        Raises
        ------
        LayerError
            When *frame* is not a GeoDataFrame, has no CRS or an empty geometry.
        NetworkError
            When the ids are not unique, or *max_snap* is not a positive number of metres.
        """
        one_layer(frame, name)
        max_snap = metres_of(max_snap, "max_snap", endless=True, error=NetworkError)
        check_ids(frame, name)
        placed = place(self, frame.index, projected(frame, self.crs), max_snap, name, any_street=any_street)
        return warned_of_datum(self, placed, name, frame.attrs.get("datum"))


def _opened(parts: Parts, home: Home) -> Network:
    network = Network(**parts.arrays)
    object.__setattr__(network, "_home", home)
    return network


def _unpickled(home: Home | None, arrays: dict[str, Any]) -> Network:
    """Make the pickled network, and lock its arrays, which NumPy loads writable."""
    if home is not None:
        return _opened(*read_again(home))
    arrays = {name: frozen(one) if isinstance(one, np.ndarray) else one for name, one in arrays.items()}
    return Network(**arrays)
