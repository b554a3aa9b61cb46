"""Streets and graphs into a network, and back."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as some

import siting as st
from siting.errors import LayerError, NetworkError

Make = Callable[..., Any]


def distances(
    network: st.Network, origins: Any, destinations: Any, metres: float = 5000
) -> dict[tuple[str, str], float]:
    table = st.travel(network, origins, destinations, metres=metres).pairs()
    return dict(zip(zip(table["origin"], table["destination"], strict=True), table["cost"], strict=True))


def of_graph(network: st.Network, source: int) -> dict[int, int]:
    """Dijkstra of networkx over the edges as they are listed, not over the adjacency; mm."""
    graph: nx.Graph[Any] = nx.Graph()
    graph.add_nodes_from(range(len(network.x)))
    for u, v, cost in zip(network.u.tolist(), network.v.tolist(), network.cost.tolist(), strict=True):
        if not graph.has_edge(u, v) or graph[u][v]["cost"] > cost:
            graph.add_edge(u, v, cost=cost)
    return nx.single_source_dijkstra_path_length(graph, source, weight="cost")


# Streets


def test_small_town(town_network: st.Network) -> None:
    assert repr(town_network) == "<Network: 36 nodes, 60 edges, 6.00 km, 1 component, EPSG:4547>"
    assert town_network.crs.to_epsg() == 4547
    assert (town_network.cost == 100_000).all()
    assert town_network.edges["length"].eq(100).all()
    assert town_network.edges.index.name == "id"
    degree = np.bincount(np.concatenate([town_network.u, town_network.v]))
    assert sorted(degree) == [2] * 4 + [3] * 16 + [4] * 16
    assert town_network.n_components == 1
    assert town_network.left_out == {}


def test_edges_run_from_u_to_v(town_network: st.Network) -> None:
    start = shapely.get_point(town_network.lines, 0)
    stop = shapely.get_point(town_network.lines, -1)
    for node, point in ((town_network.u, start), (town_network.v, stop)):
        assert np.abs(town_network.x[node] - shapely.get_x(point)).max() < 0.001
        assert np.abs(town_network.y[node] - shapely.get_y(point)).max() < 0.001


def test_a_network_cannot_be_changed(town_network: st.Network) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        town_network.cost = town_network.cost * 2


def test_input_is_not_changed(small_town: gpd.GeoDataFrame) -> None:
    before = small_town.copy()
    st.Network.from_streets(small_town)
    pd.testing.assert_frame_equal(small_town, before)


def test_builds_repeat(small_town: gpd.GeoDataFrame) -> None:
    one, two = st.Network.from_streets(small_town), st.Network.from_streets(small_town)
    for name in ("x", "y", "u", "v", "cost", "metres", "vertices", "first", "component"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name), err_msg=name)
    pd.testing.assert_frame_equal(one.edges, two.edges)


def test_order_of_the_rows_does_not_matter(sample: dict[str, gpd.GeoDataFrame], sample_network: st.Network) -> None:
    shuffled = sample["streets"].sample(frac=1.0, random_state=7)
    other = st.Network.from_streets(shuffled)
    np.testing.assert_array_equal(other.x, sample_network.x)
    np.testing.assert_array_equal(np.sort(other.cost), np.sort(sample_network.cost))
    places = sample["communities"].iloc[:30]
    assert distances(other, places, sample["childcare"]) == distances(sample_network, places, sample["childcare"])


def test_nodes_near_each_other_are_near_in_memory(sample_network: st.Network) -> None:
    apart = np.abs(sample_network.u.astype(int) - sample_network.v)
    assert np.median(apart) < len(sample_network.x) / 50


def test_degrees_are_projected(small_town: gpd.GeoDataFrame, town_network: st.Network) -> None:
    network = st.Network.from_streets(small_town.to_crs("EPSG:4326"))
    assert network.crs.to_epsg() == 4547
    np.testing.assert_allclose(network.cost, town_network.cost, atol=1)
    assert len(network.x) == 36


def test_the_crs_can_be_chosen(small_town: gpd.GeoDataFrame) -> None:
    network = st.Network.from_streets(small_town, crs="EPSG:32650")
    assert network.crs.to_epsg() == 32650
    assert "EPSG:32650" in repr(network)
    # UTM 50 reaches this far west of its meridian with a scale of about 1.0009.
    assert network.cost.mean() == pytest.approx(100_090, rel=5e-4)
    with pytest.raises(LayerError, match="metres"):
        st.Network.from_streets(small_town, crs="EPSG:4326")


def test_streets_without_crs(small_town: gpd.GeoDataFrame) -> None:
    with pytest.raises(LayerError, match="CRS"):
        st.Network.from_streets(small_town.set_crs(None, allow_override=True))


def test_no_streets(small_town: gpd.GeoDataFrame) -> None:
    with pytest.raises(LayerError, match="no rows"):
        st.Network.from_streets(small_town.iloc[:0])


@pytest.mark.parametrize(("gap", "nodes"), [(0.0002, 3), (0.0009, 3), (0.001, 4), (0.5, 4)])
@pytest.mark.parametrize("east", [100.0, 100.0004, 100.00049999])
def test_ends_closer_than_a_millimetre_are_one_node(streets: Make, gap: float, nodes: int, east: float) -> None:
    network = st.Network.from_streets(streets({"a": [(0, 0), (east, 0)], "b": [(east + gap, 0), (200, 0)]}))
    assert len(network.x) == nodes
    assert network.n_components == nodes - 2


def test_crossing_lines_are_not_joined(streets: Make, layer: Make) -> None:
    network = st.Network.from_streets(streets({"under": [(0, 50), (100, 50)], "bridge": [(50, 0), (50, 100)]}))
    assert network.n_components == 2
    assert distances(network, layer({"a": (0, 50)}), layer({"x": (50, 0)})) == {}


def test_multi_part_streets(streets: Make, layer: Make) -> None:
    frame = streets({"a": [(0, 0), (100, 0)]})
    line = frame.geometry.iloc[0]
    frame.loc["a", "geometry"] = shapely.MultiLineString([line, shapely.affinity.translate(line, 100.0)])
    network = st.Network.from_streets(frame)
    assert len(network.edges) == 2
    assert distances(network, layer({"a": (0, 0)}), layer({"x": (200, 0)})) == {("a", "x"): 200.0}


def test_one_node(streets: Make, layer: Make) -> None:
    network = st.Network.from_streets(streets({"ring": [(0, 0), (100, 0), (100, 100), (0, 100), (0, 0)]}))
    assert (len(network.x), len(network.edges), network.n_components) == (1, 1, 1)
    assert distances(network, layer({"a": (50, 0)}), layer({"x": (100, 50), "y": (0, 50), "z": (50, 100)})) == {
        ("a", "x"): 100.0,
        ("a", "y"): 100.0,  # the other way round, over the node
        ("a", "z"): 200.0,
    }


def test_a_straight_line_of_streets(streets: Make, layer: Make) -> None:
    lines = {str(i): [(0, 100 * i), (0, 100 * i + 100)] for i in range(5)}  # no extent from west to east
    network = st.Network.from_streets(streets(lines))
    assert distances(network, layer({"a": (0, 10)}), layer({"x": (0, 490)})) == {("a", "x"): 480.0}


def test_components(streets: Make) -> None:
    network = st.Network.from_streets(
        streets({"far": [(900, 0), (950, 0)], "a": [(0, 0), (100, 0)], "b": [(100, 0), (100, 200)]})
    )
    assert network.components.to_dict("list") == {"nodes": [3, 2], "edges": [2, 1], "km": [0.3, 0.05]}
    assert network.components.index.name == "component"
    assert "2 components" in repr(network)
    assert set(network.component[network.x > 530_800]) == {1}


# What goes wrong with streets


def test_row_24_islands(streets: Make, layer: Make) -> None:
    """Row 24: islands in the network make no pair at all, and the components are told."""
    network = st.Network.from_streets(streets({"a": [(0, 0), (100, 0)], "island": [(0, 60), (100, 60)]}))
    origins, destinations = layer({"a": (50, 0)}), layer({"x": (50, 60), "y": (60, 0)})
    assert distances(network, origins, destinations, metres=1_000_000) == {("a", "y"): 10.0}
    nearest = st.travel(network, origins, destinations, nearest=2)
    assert nearest.pairs()["destination"].tolist() == ["y"]
    assert nearest.matrix().nnz == 1
    assert network.components["nodes"].tolist() == [2, 2]


@pytest.mark.parametrize("length", [None, [np.nan, np.nan], [None, 100.0], ["", "100"]], ids=str)
def test_row_25_streets_without_a_length_are_measured(
    streets: Make, length: list[Any] | None, caplog: pytest.LogCaptureFixture
) -> None:
    """Row 25: a street without length, or with NaN, has the length of its line."""
    columns = {} if length is None else {"length": length}
    with caplog.at_level(logging.INFO, logger="siting"):
        network = st.Network.from_streets(streets({"a": [(0, 0), (30, 40)], "b": [(30, 40), (130, 40)]}, **columns))
    assert dict(zip(network.edges.index, network.cost, strict=True)) == {"a": 50_000, "b": 100_000}
    assert ("without a length" in caplog.text) == (length is not None)


def test_row_25_parallel_edges(streets: Make, layer: Make) -> None:
    """Row 25: of parallel edges the shortest counts; places on the longer one are still right."""
    network = st.Network.from_streets(
        streets(
            {"long": [(0, 0), (0, 100), (100, 100), (100, 0)], "short": [(0, 0), (100, 0)], "on": [(100, 0), (200, 0)]}
        )
    )
    assert len(network.edges) == 3
    assert network.cost.sum() == 500_000
    corner, far = layer({"a": (0, 0)}), layer({"x": (200, 0), "left": (30, 100), "right": (70, 100), "top": (100, 100)})
    assert distances(network, corner, far) == {
        ("a", "x"): 200.0,
        ("a", "left"): 130.0,
        ("a", "right"): 170.0,
        ("a", "top"): 200.0,  # 200 along the long one and 200 over the short one
    }
    assert distances(network, layer({"a": (0, 50)}), far)["a", "right"] == 120.0  # along the edge, not round it


def test_row_25_parallel_edges_by_length(streets: Make, layer: Make) -> None:
    """Row 25: the same line twice: the shorter length counts, whatever the order."""
    for lengths in ([150.0, 100.0], [100.0, 150.0]):
        network = st.Network.from_streets(streets({"a": [(0, 0), (100, 0)], "b": [(100, 0), (0, 0)]}, length=lengths))
        ends = layer({"w": (0, 0), "e": (100, 0)})
        assert distances(network, ends, ends)["w", "e"] == 100.0


def test_row_25_zero_lengths(streets: Make, layer: Make) -> None:
    """Row 25: an edge of length zero is allowed where its line has none."""
    lines = {"a": [(0, 0), (100, 0)], "dot": [(100, 0), (100, 0)], "b": [(100, 0), (200, 0)]}
    network = st.Network.from_streets(streets(lines, length=[100.0, 0.0, 100.0]))
    assert distances(network, layer({"a": (0, 0)}), layer({"x": (200, 0)})) == {("a", "x"): 200.0}
    assert sorted(network.cost.tolist()) == [0, 100_000, 100_000]


def test_row_25_loops(streets: Make, layer: Make) -> None:
    """Row 25: a loop is no way to anywhere, but places on it reach out by the shorter side."""
    network = st.Network.from_streets(
        streets({"stem": [(0, 0), (100, 0)], "ring": [(100, 0), (200, 0), (200, 100), (100, 100), (100, 0)]})
    )
    assert len(network.core().arcs.heads) == 0  # no way over a loop, none into a dead end
    places = layer({"soon": (150, 0), "late": (100, 60), "far": (200, 100)})
    assert distances(network, layer({"a": (0, 0)}), places) == {
        ("a", "soon"): 150,
        ("a", "late"): 160,
        ("a", "far"): 300,
    }
    assert distances(network, places, layer({"x": (100, 50)})) == {
        ("soon", "x"): 100,
        ("late", "x"): 10,
        ("far", "x"): 150,
    }


@pytest.mark.parametrize("length", [[-1.0, 100.0], [np.inf, 100.0]])
def test_lengths_that_are_none(streets: Make, length: list[float]) -> None:
    with pytest.raises((LayerError, NetworkError), match=r'length.*"a'):
        st.Network.from_streets(streets({"a": [(0, 0), (100, 0)], "b": [(100, 0), (200, 0)]}, length=length))


@pytest.mark.parametrize("factor", [0.001, 0.3048**-1, 100])
def test_lengths_in_another_unit(small_town: gpd.GeoDataFrame, factor: float) -> None:
    with pytest.raises(NetworkError, match="must be metres"):
        st.Network.from_streets(small_town.assign(length=100 * factor))


def test_lengths_that_are_all_zero(small_town: gpd.GeoDataFrame) -> None:
    with pytest.raises(NetworkError, match="every length that is given is 0"):
        st.Network.from_streets(small_town.assign(length=0))


def test_given_lengths_count(small_town: gpd.GeoDataFrame, layer: Make) -> None:
    network = st.Network.from_streets(small_town.assign(length=120.0))
    assert distances(network, layer({"a": (0, 0)}), layer({"x": (150, 0)})) == {("a", "x"): 180.0}


def test_the_column_of_lengths_can_be_named(small_town: gpd.GeoDataFrame) -> None:
    frame = small_town.assign(长=120.0, length=100.0)
    assert (st.Network.from_streets(frame, length="长").cost == 120_000).all()
    assert (st.Network.from_streets(frame).cost == 100_000).all()
    with pytest.raises(NetworkError, match='no column "shape_len"'):
        st.Network.from_streets(frame, length="shape_len")


def test_a_street_of_a_thousand_kilometres(streets: Make) -> None:
    lines = {c: [(100 * i, 0), (100 * i + 100, 0)] for i, c in enumerate("abc")}
    assert st.Network.from_streets(streets(lines, length=[100.0, 100.0, 1_000_000.0])).cost.max() == 1_000_000_000
    with pytest.raises(NetworkError, match='"c" is over 1,000 km'):
        st.Network.from_streets(streets(lines, length=[100.0, 100.0, 1_100_000.0]))


KINDS = {"m": "motorway", "ml": "motorway_link", "t": "trunk", "tl": "trunk_link", "r": "residential"}


def test_row_33_motorways_and_trunk_roads(streets: Make, caplog: pytest.LogCaptureFixture) -> None:
    """Row 33: motorways, and trunk roads without sidewalk, are no walking network, and this is told."""
    lines = {name: [(0, 100 * i), (100, 100 * i)] for i, name in enumerate(KINDS)}
    frame = streets(lines, highway=list(KINDS.values()))
    with caplog.at_level(logging.INFO, logger="siting"):
        network = st.Network.from_streets(frame)
    assert network.edges.index.tolist() == ["r"]
    assert network.left_out == {"motorway": 1, "motorway_link": 1, "trunk": 1, "trunk_link": 1}
    assert "closed to walkers" in caplog.text
    assert len(st.Network.from_streets(frame, walking=False).edges) == 5


@pytest.mark.parametrize(
    ("column", "value", "kept"),
    [
        ("sidewalk", "both", True),
        ("sidewalk", "Left", True),
        ("sidewalk", "separate", True),
        ("sidewalk", "no", False),
        ("sidewalk", "none", False),
        ("sidewalk", None, False),
        ("foot", "yes", True),
        ("foot", "designated", True),
        ("foot", "no", False),
    ],
)
def test_row_33_trunk_with_sidewalk(streets: Make, column: str, value: str | None, kept: bool) -> None:
    """Row 33: a trunk road with a sidewalk is kept; a motorway never."""
    frame = streets(
        {"t": [(0, 0), (100, 0)], "m": [(100, 0), (200, 0)], "r": [(200, 0), (300, 0)]},
        highway=["trunk", "motorway", "residential"],
        **{column: [value, "yes", None]},
    )
    network = st.Network.from_streets(frame)
    assert sorted(network.edges.index) == (["r", "t"] if kept else ["r"])


def test_row_33_only_motorways(streets: Make) -> None:
    """Row 33: nothing to walk on is an error that says how to keep it all."""
    frame = streets({"m": [(0, 0), (100, 0)]}, highway=["motorway"])
    with pytest.raises(NetworkError, match="walking=False"):
        st.Network.from_streets(frame)
    assert len(st.Network.from_streets(frame, walking=False).edges) == 1


# Graphs


def town_graph(kind: type[Any] = nx.MultiDiGraph, **edge: Any) -> Any:
    """The small town as osmnx might have made it, without geometry; every street in both directions."""
    graph = kind(crs="EPSG:4547")
    for i in range(6):
        for j in range(6):
            graph.add_node(10 * i + j, x=530_000.0 + 100 * i, y=3_380_000.0 + 100 * j)
    for a in list(graph):
        for b in (a + 1, a + 10):
            if b in graph:
                graph.add_edge(a, b, **edge)
                if graph.is_directed():
                    graph.add_edge(b, a, **edge)
    return graph


@pytest.mark.parametrize("kind", [nx.Graph, nx.DiGraph, nx.MultiGraph, nx.MultiDiGraph])
@pytest.mark.parametrize(
    "edge", [{}, {"length": 100.0}, {"length": "100.0"}, {"length": None}, {"highway": ["service", "path"]}]
)
def test_any_graph_makes_the_same_network(
    kind: type[Any], edge: dict[str, Any], town_network: st.Network, layer: Make
) -> None:
    network = st.Network.from_graph(town_graph(kind, **edge))
    assert repr(network) == repr(town_network)
    assert set(network.nodes) == set(town_graph())
    a, b = layer({"a": (0, 50), "b": (330, 210)}), layer({"x": (500, 500), "y": (-20, 50)})
    assert distances(network, a, b) == distances(town_network, a, b)


def test_graph_in_degrees(town_network: st.Network) -> None:
    graph = town_graph()
    frame = gpd.GeoSeries.from_xy(
        *zip(*[(n["x"], n["y"]) for n in dict(graph.nodes(data=True)).values()], strict=True), crs=4547
    )
    for node, point in zip(graph, frame.to_crs(4326), strict=True):
        graph.nodes[node].update(x=point.x, y=point.y)
    graph.graph["crs"] = "EPSG:4326"
    network = st.Network.from_graph(graph)
    assert network.crs.to_epsg() == 4547
    np.testing.assert_allclose(network.cost, town_network.cost, atol=1)
    assert st.Network.from_graph(graph, crs="EPSG:32649").crs.to_epsg() == 32649


def test_graph_without_crs() -> None:
    graph = town_graph()
    del graph.graph["crs"]
    with pytest.raises(NetworkError, match=r'graph\.graph\["crs"\]'):
        st.Network.from_graph(graph)


def test_graph_without_edges() -> None:
    graph = town_graph()
    graph.remove_edges_from(list(graph.edges))
    with pytest.raises(NetworkError, match="no edges"):
        st.Network.from_graph(graph)
    with pytest.raises(NetworkError, match="no edges"):
        st.Network.from_graph(nx.MultiDiGraph(crs="EPSG:4326"))


@pytest.mark.parametrize("at", [{}, {"x": 530_000.0}, {"x": None, "y": 1.0}, {"x": np.nan, "y": 3_380_000.0}])
def test_nodes_without_coordinates(at: dict[str, Any]) -> None:
    graph = town_graph()
    graph.add_node(99, **at)
    graph.add_edge(99, 0)
    with pytest.raises(NetworkError, match='1 node has no x and y: "99"'):
        st.Network.from_graph(graph)


@pytest.mark.parametrize("length", [-1.0, "-1", "far", [1, 2], np.inf])
def test_graph_with_impossible_lengths(length: Any) -> None:
    graph = town_graph()
    graph.add_edge(0, 1, length=length)
    with pytest.raises(NetworkError, match="length"):
        st.Network.from_graph(graph)


def test_graph_with_lengths_in_kilometres() -> None:
    with pytest.raises(NetworkError, match="must be metres"):
        st.Network.from_graph(town_graph(length=0.1))


def test_row_33_one_way_streets_bind_no_walker(layer: Make) -> None:
    """Row 33: a one-way street is walked both ways."""
    graph = nx.MultiDiGraph(crs="EPSG:4547")
    for name, x in (("a", 0), ("b", 100), ("c", 200)):
        graph.add_node(name, x=530_000.0 + x, y=3_380_000.0)
    graph.add_edge("a", "b", oneway=True, length=100)
    graph.add_edge("b", "c", oneway=True, length=100)
    graph.add_edge("c", "b", oneway=False, length=100, reversed=True)
    network = st.Network.from_graph(graph)
    assert len(network.edges) == 2
    assert distances(network, layer({"o": (200, 0)}), layer({"d": (0, 0)})) == {("o", "d"): 200.0}
    assert not {"oneway", "reversed"} & set(network.edges.columns)


def test_row_33_motorways_in_graphs() -> None:
    """Row 33: the same for graphs, where a street may have several classes."""
    graph = town_graph(highway="residential")
    graph.add_edge(0, 55, highway=["motorway", "trunk"])
    graph.add_edge(0, 44, highway="trunk")
    graph.add_edge(0, 33, highway="trunk", foot="yes")
    network = st.Network.from_graph(graph)
    assert len(network.edges) == 61
    assert network.left_out == {"motorway": 1, "trunk": 1}
    assert len(st.Network.from_graph(graph, walking=False).edges) == 63
    for _, _, at in graph.edges(data=True):
        at["highway"] = "motorway"
    with pytest.raises(NetworkError, match="walking=False"):
        st.Network.from_graph(graph)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(some.lists(some.tuples(some.integers(0, 10**5), some.integers(0, 10**5)), min_size=2, max_size=30, unique=True))
def test_both_directions_are_one_edge(at: list[tuple[int, int]]) -> None:
    """Seven decimals of a degree put every other midpoint on a border of rounding."""
    graph = nx.MultiDiGraph(crs="EPSG:4326")
    for n, (x, y) in enumerate(at):
        graph.add_node(n, x=114.3 + x / 1e7, y=30.5 + y / 1e7)
    for n in range(len(at) - 1):
        graph.add_edge(n, n + 1)
        graph.add_edge(n + 1, n)
    assert len(st.Network.from_graph(graph).edges) == len(at) - 1


def test_parallel_streets_of_a_graph_stay_two(layer: Make) -> None:
    graph = nx.MultiDiGraph(crs="EPSG:4547")
    graph.add_node(1, x=530_000.0, y=3_380_000.0)
    graph.add_node(2, x=530_100.0, y=3_380_000.0)
    round_about = shapely.LineString(
        [(530_000, 3_380_000), (530_000, 3_380_050), (530_100, 3_380_050), (530_100, 3_380_000)]
    )
    for a, b, line in ((1, 2, round_about), (2, 1, round_about.reverse())):
        graph.add_edge(a, b, length=100.0)
        graph.add_edge(a, b, length=200.0, geometry=line)
    network = st.Network.from_graph(graph)
    assert sorted(network.cost) == [100_000, 200_000]
    assert distances(network, layer({"a": (20, 50)}), layer({"x": (100, 0), "y": (90, 50)})) == {
        ("a", "x"): 130.0,
        ("a", "y"): 70.0,
    }


def test_streets_that_mirror_each_other_stay_two() -> None:
    """They have the same ends, the same length and the same midpoint, and are not two directions of one."""
    graph = nx.MultiGraph(crs="EPSG:4547")
    graph.add_node(1, x=530_000.0, y=3_380_000.0)
    graph.add_node(2, x=530_100.0, y=3_380_000.0)
    for bend in (30, -30):
        xy = [(0, 0), (25, bend), (75, -bend), (100, 0)]
        line = shapely.LineString([(530_000 + x, 3_380_000 + y) for x, y in xy])
        graph.add_edge(1, 2, geometry=line, length=line.length)
    assert len(st.Network.from_graph(graph).edges) == 2


@pytest.mark.parametrize("kind", [nx.MultiGraph, nx.MultiDiGraph])
def test_lines_that_run_against_their_edge(kind: type[Any], layer: Make) -> None:
    """An undirected graph, or a directed one made of it, does not tell where a line starts."""
    graph = nx.MultiGraph(crs="EPSG:4547")
    for name, x in (("a", 0), ("b", 100), ("c", 200)):
        graph.add_node(name, x=530_000.0 + x, y=3_380_000.0)
    graph.add_edge("a", "b", geometry=shapely.LineString([(530_100, 3_380_000), (530_000, 3_380_000)]))
    graph.add_edge("b", "c", geometry=shapely.LineString([(530_100, 3_380_000), (530_200, 3_380_000)]))
    network = st.Network.from_graph(kind(graph))
    assert len(network.edges) == 2
    assert distances(network, layer({"o": (10, 0)}), layer({"d": (200, 0), "e": (0, 0)})) == {
        ("o", "d"): 190,
        ("o", "e"): 10,
    }


def test_nodes_named_by_tuples() -> None:
    graph = nx.grid_2d_graph(3, 3)
    for i, j in graph:
        graph.nodes[i, j].update(x=530_000.0 + 100 * i, y=3_380_000.0 + 100 * j)
    graph.graph["crs"] = "EPSG:4547"
    network = st.Network.from_graph(graph)
    assert set(network.to_graph().nodes) == set(graph)


def test_nodes_without_a_street_are_left_out() -> None:
    graph = town_graph()
    graph.add_node("alone", x=531_000.0, y=3_380_000.0)
    assert len(st.Network.from_graph(graph).x) == 36


# Back to a graph


@pytest.mark.slow
def test_to_graph_is_what_osmnx_makes(town_network: st.Network) -> None:
    import osmnx as ox

    graph = town_network.to_graph()
    assert isinstance(graph, nx.MultiDiGraph)
    assert graph.graph["crs"] == "EPSG:4547"
    assert (graph.number_of_nodes(), graph.number_of_edges()) == (36, 120)
    for a, b, at in graph.edges(data=True):
        assert at["length"] == 100.0
        assert at["oneway"] is False
        assert at["highway"] == "residential"
        start = at["geometry"].coords[0]
        assert start == pytest.approx((graph.nodes[a]["x"], graph.nodes[a]["y"]), abs=0.001)
        assert sum(back["reversed"] != at["reversed"] for back in graph[b][a].values()) == 1
    nodes, edges = ox.convert.graph_to_gdfs(graph)
    assert nodes.crs.to_epsg() == edges.crs.to_epsg() == 4547
    assert len(nodes) == 36
    assert len(edges) == 120
    assert nodes["street_count"].value_counts().to_dict() == {3: 16, 4: 16, 2: 4}
    assert ox.convert.to_undirected(graph).number_of_edges() == 60
    assert nx.shortest_path_length(graph, *nodes.index[:2], weight="length") >= 100


def test_columns_of_the_source_do_not_get_in_the_way(small_town: gpd.GeoDataFrame) -> None:
    """Edges that osmnx saved come back with its own columns."""
    frame = small_town.assign(u=1, v=2, key=0, reversed=True, oneway=True, name="路")
    for _, _, at in st.Network.from_streets(frame).to_graph().edges(data=True):
        assert at["name"] == "路"
        assert at["oneway"] is False
        assert not {"u", "v", "key"} & set(at)


@pytest.mark.slow
@pytest.mark.parametrize("crs", ["EPSG:4547", "EPSG:32649"])
def test_there_and_back(sample: dict[str, gpd.GeoDataFrame], crs: str) -> None:
    network = st.Network.from_streets(sample["streets"], crs=crs)
    back = st.Network.from_graph(network.to_graph(), crs=crs)
    assert repr(back) == repr(network)
    places = sample["communities"].iloc[:30]
    assert distances(back, places, sample["childcare"], 1200) == distances(network, places, sample["childcare"], 1200)


def test_there_and_back_with_loops_and_parallels(streets: Make, layer: Make) -> None:
    network = st.Network.from_streets(
        streets(
            {
                "ring": [(100, 0), (200, 0), (200, 100), (100, 100), (100, 0)],
                "a": [(0, 0), (100, 0)],
                "b": [(100, 0), (100, -50), (0, -50), (0, 0)],
                "dot": [(0, 0), (0, 0)],
            }
        )
    )
    graph = network.to_graph()
    assert graph.number_of_edges() == 6  # a loop stands once
    places = layer({"p": (150, 0), "q": (50, -50), "r": (200, 90)})
    assert distances(st.Network.from_graph(graph), places, places) == distances(network, places, places)


@pytest.mark.slow
def test_a_crs_without_a_code(streets: Make) -> None:
    local = "+proj=tmerc +lat_0=0 +lon_0=114.3 +k=1 +x_0=500000 +y_0=0 +ellps=GRS80 +units=m +no_defs"
    network = st.Network.from_streets(streets({"a": [(0, 0), (100, 0)]}), crs=local)
    assert st.Network.from_graph(network.to_graph(), crs=local).crs == network.crs


# Real streets


@pytest.mark.slow
def test_futian(shared_data: Path) -> None:
    """Every street of an osmnx graph, against Dijkstra of networkx on that graph."""
    import osmnx as ox

    graph = ox.load_graphml(shared_data / "streets" / "shenzhen_futian.graphml")
    network = st.Network.from_graph(graph, walking=False)
    assert len(network.x) == 1751
    assert network.n_components == 1
    assert len(network.edges) == 2593  # 2,595 undirected, of which two are drawn twice
    assert network.components["km"].sum() == pytest.approx(228, abs=1)
    undirected = nx.Graph()
    for a, b, at in graph.edges(data=True):
        if not undirected.has_edge(a, b) or undirected[a][b]["length"] > at["length"]:
            undirected.add_edge(a, b, length=at["length"])
    for source in (0, 700, 1750):
        ours = of_graph(network, source)
        theirs = nx.single_source_dijkstra_path_length(undirected, network.nodes[source], weight="length")
        assert len(ours) == len(theirs) == 1751
        assert max(abs(mm / 1000 - theirs[network.nodes[n]]) for n, mm in ours.items()) < 0.1  # 0.5 mm a street


@pytest.mark.slow
def test_hangzhou(shared_data: Path) -> None:
    streets = gpd.read_file(shared_data / "streets" / "hangzhou_centre.gpkg")
    network = st.Network.from_streets(streets)
    # the file has 14,469 OSM nodes; ends that share a place share a node
    assert len(network.edges) == 20_024
    assert len(network.x) == 14_469
    assert network.n_components == 42
    assert network.components["nodes"].iloc[0] == 14_339
    assert network.components["km"].sum() == pytest.approx(2358, abs=2)


def test_a_column_of_the_users_does_not_close_streets(small_town: gpd.GeoDataFrame) -> None:
    network = st.Network.from_streets(small_town.assign(open_way=1, _open_way=1))
    assert network.oneway is None


def test_one_way_loops_there_and_back() -> None:
    for sign in (1, -1):
        network = st.Network.from_arrays([0, 100], [0, 0], [0, 1], [1, 1], crs="EPSG:4547", length=[100, 50],
                                         oneway=[0, sign])  # fmt: skip
        back = st.Network.from_graph(network.to_graph(), oneway=True)
        assert len(back.u) == 2
        assert back.oneway is not None
        assert np.abs(back.oneway).tolist() == np.abs(network.oneway).tolist()
    with pytest.raises(NetworkError, match="undirected"):
        st.Network.from_graph(nx.Graph(network.to_graph()), oneway=True)


def test_edges_are_a_frame_of_ones_own(small_town: gpd.GeoDataFrame) -> None:
    network = st.Network.from_streets(small_town)
    network.edges.to_crs("EPSG:4326", inplace=True)
    assert network.edges.crs == network.crs
    with pytest.raises(ValueError, match="read-only"):
        network.lines[0] = None


def test_walkers_without_steps_need_to_know_them(small_town: gpd.GeoDataFrame, layer: Make) -> None:
    network = st.Network.from_streets(small_town.drop(columns="highway", errors="ignore"))
    with pytest.raises(NetworkError, match="highway"):
        st.travel(network, layer({"a": (0, 0)}), layer({"b": (100, 0)}), metres=500, walk=st.Walk.elder(stairs=False))


def test_places_are_placed_anew_where_steps_are_left_out(streets: Make, layer: Make) -> None:
    """From the door at the steps the walker takes the street 30 m beside it."""
    town = streets({"steps": [(0, 0), (100, 0)], "way": [(0, 30), (100, 30)]}, highway=["steps", "path;footway"])
    network = st.Network.from_streets(town)
    a, b = network.locate(layer({"a": (0, 5)})), network.locate(layer({"b": (100, 5)}))
    assert st.travel(network, a, b, metres=500).cost.tolist() == [110.0]
    found = st.travel(network, a, b, metres=500, walk=st.Walk.elder(stairs=False))
    assert found.cost.tolist() == [150.0]
    assert found.how == "streets, no stairs"
