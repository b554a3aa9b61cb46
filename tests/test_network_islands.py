"""Islands: dropped, or joined by the shortest links within what the user allows."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
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
from siting.errors import NetworkError

Make = Callable[..., Any]
X0, Y0 = 530_000.0, 3_380_000.0


def build(lines: dict[str, list[tuple[float, float]]], **columns: list[Any]) -> st.Network:
    shapes = [shapely.LineString([(X0 + x, Y0 + y) for x, y in line]) for line in lines.values()]
    index = pd.Index(list(lines), name="id")
    return st.Network.from_streets(gpd.GeoDataFrame(columns, geometry=shapes, index=index, crs="EPSG:4547"))


def lengths(network: st.Network) -> dict[str, float]:
    return dict(sorted(network.edges["length"].round(6).items()))


def check_whole(network: st.Network) -> None:
    """Edges run from u to v, and ids are unique."""
    assert network.edges.index.is_unique
    assert network.nodes.is_unique
    for node, end in ((network.u, 0), (network.v, -1)):
        xy = shapely.get_coordinates(shapely.get_point(network.lines, end))
        np.testing.assert_allclose(xy, np.column_stack([network.x, network.y])[node], atol=0.002)


MAIN = {"a": [(0, 0), (100, 0)], "b": [(100, 0), (100, 100)]}


# Dropping


def test_the_largest_part_is_kept(caplog: pytest.LogCaptureFixture) -> None:
    network = build({**MAIN, "c": [(0, 300), (50, 300)], "d": [(0, 500), (9, 500)]})
    with caplog.at_level("INFO", logger="siting.network.islands"):
        left = network.drop_islands()
    assert sorted(left.edges.index) == ["a", "b"]
    assert left.n_components == 1
    assert left.left_out == {"islands": 2}
    assert caplog.messages == ["left out: 2 islands with 2 edges, 0.06 km of 0.26 km"]
    assert len(network.edges) == 4
    check_whole(left)


def test_parts_that_are_large_enough_are_kept() -> None:
    network = build({**MAIN, "c": [(0, 300), (50, 300)], "d": [(50, 300), (50, 350)], "e": [(0, 500), (9, 500)]})
    assert sorted(network.drop_islands(least=3).edges.index) == ["a", "b", "c", "d"]
    assert network.drop_islands(least=2) is network
    with pytest.raises(NetworkError, match="has 4 nodes, the largest has 3"):
        network.drop_islands(least=4)


@pytest.mark.parametrize("least", [0, -1, 2.5, True, "3"])
def test_least_is_a_number_of_nodes(least: Any) -> None:
    with pytest.raises(NetworkError, match="number of nodes"):
        build(MAIN).drop_islands(least=least)


def test_without_islands_nothing_changes(town_network: st.Network) -> None:
    assert town_network.drop_islands() is town_network
    assert town_network.join_islands(100) is town_network


def test_what_was_left_out_before_is_still_told() -> None:
    network = build({**MAIN, "c": [(0, 9), (9, 9)], "m": [(0, 50), (9, 50)]}, highway=["path"] * 3 + ["motorway"])
    assert network.drop_islands().left_out == {"motorway": 1, "islands": 1}
    assert network.join_islands(9).left_out == {"motorway": 1}


# Joining


def test_an_island_is_joined_to_the_nearest_point_of_an_edge(caplog: pytest.LogCaptureFixture) -> None:
    """The foot of (30, 2) on the street from (0, 0) to (100, 0) is (30, 0): 30 + 70 m, and a link of 2 m."""
    network = build({**MAIN, "c": [(30, 2), (30, 50)]}, highway=["residential"] * 3)
    with caplog.at_level("INFO", logger="siting.network.islands"):
        joined = network.join_islands(5)
    assert lengths(joined) == {"a-1": 30, "a-2": 70, "b": 100, "c": 48, "link-1": 2}
    assert joined.edges["highway"].to_dict() == {
        "a-1": "residential", "a-2": "residential", "b": "residential", "c": "residential", "link-1": "link",
    }  # fmt: skip
    assert joined.n_components == 1
    assert caplog.messages == ["1 of 1 island joined by links of up to 5 m, 2.0 m in all; 0 farther away"]
    assert -1 in joined.nodes
    check_whole(joined)


def test_people_walk_over_a_link(layer: Make) -> None:
    """From (30, 50) down 48 m, over the link 2 m, and 30 m west: 80 m."""
    joined = build({**MAIN, "c": [(30, 2), (30, 50)]}).join_islands(5)
    table = st.travel(joined, layer({"here": (30, 50)}), layer({"there": (0, 0)}), metres=500).pairs()
    assert table["cost"].tolist() == [80.0]


def test_a_limit_is_inclusive() -> None:
    network = build({**MAIN, "c": [(30, 2), (30, 50)]})
    assert network.join_islands(2).n_components == 1
    assert network.join_islands(1.999) is network


def test_the_node_may_lie_on_the_larger_part() -> None:
    """A street's end 3 m short of a footpath: the footpath is cut."""
    joined = build({**MAIN, "c": [(50, 103), (200, 103)]}).join_islands(5)
    assert lengths(joined) == {"a": 100, "b": 100, "c-1": 50, "c-2": 100, "link-1": 3}


def test_end_to_end_cuts_nothing() -> None:
    joined = build({**MAIN, "c": [(-4, 0), (-40, 0)]}).join_islands(5)
    assert lengths(joined) == {"a": 100, "b": 100, "c": 36, "link-1": 4}
    assert len(joined.x) == 5


def test_a_node_on_an_edge_needs_no_link() -> None:
    joined = build({**MAIN, "c": [(30, 0), (30, 50)]}).join_islands(5)
    assert lengths(joined) == {"a-1": 30, "a-2": 70, "b": 100, "c": 50}
    assert joined.n_components == 1
    assert len(joined.x) == 5
    check_whole(joined)


def test_lines_that_cross_are_not_joined_in_the_air() -> None:
    """A bridge over a street: the nearest end is 50 m away."""
    network = build({**MAIN, "bridge": [(50, -50), (50, 50)]})
    assert network.join_islands(10) is network
    assert network.join_islands(50).n_components == 1


def test_islands_are_joined_through_one_another(caplog: pytest.LogCaptureFixture) -> None:
    lines = {**MAIN, "c": [(104, 50), (150, 50)], "d": [(155, 50), (160, 50)], "far": [(0, 900), (9, 900)]}
    with caplog.at_level("INFO", logger="siting.network.islands"):
        joined = build(lines).join_islands(5)
    assert lengths(joined) == {
        "a": 100, "b-1": 50, "b-2": 50, "c": 46, "d": 5, "far": 9, "link-1": 4, "link-2": 5,
    }  # fmt: skip
    assert joined.n_components == 2
    assert "2 of 3 islands" in caplog.text
    assert "1 farther away" in caplog.text


def test_two_links_to_one_edge() -> None:
    lines = {**MAIN, "c": [(70, -2), (70, -9)], "d": [(20, 3), (20, 9)], "e": [(20, -1), (20, -8)]}
    joined = build(lines).join_islands(5)
    assert lengths(joined) == {
        "a-1": 20, "a-2": 50, "a-3": 30, "b": 100, "c": 7, "d": 6, "e": 7, "link-1": 1, "link-2": 2, "link-3": 3,
    }  # fmt: skip
    assert joined.n_components == 1
    check_whole(joined)


def test_given_lengths_are_shared_out() -> None:
    network = build({**MAIN, "c": [(30, 2), (30, 50)]}, length=[120.0, 100.0, 48.0])
    assert lengths(network.join_islands(5)) == {"a-1": 36, "a-2": 84, "b": 100, "c": 48, "link-1": 2}


def test_joining_twice() -> None:
    once = build({**MAIN, "c": [(30, 2), (30, 50)], "d": [(0, 110), (100, 110)]}).join_islands(5)
    assert once.n_components == 2
    twice = once.join_islands(10)
    assert twice.n_components == 1
    assert {"link-1", "link-2"} <= set(twice.edges.index)
    check_whole(twice)


def test_node_names_of_any_kind() -> None:
    graph: nx.MultiGraph[Any] = nx.MultiGraph(crs="EPSG:4547")
    for name, x, y in (("p", 0, 0), ("q", 100, 0), ("joint-1", 30, 2), ("s", 30, 50)):
        graph.add_node(name, x=X0 + x, y=Y0 + y)
    graph.add_edge("p", "q", osm_id=2**60 + 1)
    graph.add_edge("joint-1", "s", osm_id=7)
    joined = st.Network.from_graph(graph).join_islands(5)
    assert sorted(joined.nodes) == ["joint-1", "joint-2", "p", "q", "s"]
    # Large ids survive that links have none.
    assert sorted(joined.edges["osm_id"].dropna().tolist()) == [7, 2**60 + 1, 2**60 + 1]


@pytest.mark.parametrize("metres", [0, -1, math.nan, math.inf, "5", True, None])
def test_metres_are_metres(metres: Any) -> None:
    with pytest.raises(NetworkError, match="longest link"):
        build(MAIN).join_islands(metres)


def test_the_input_is_not_changed() -> None:
    network = build({**MAIN, "c": [(30, 2), (30, 50)]})
    before = network.edges.copy()
    network.join_islands(5)
    network.drop_islands()
    pd.testing.assert_frame_equal(network.edges, before)


def best_joining(network: st.Network, metres: float) -> tuple[int, float]:
    """Parts and metres of links after a spanning forest of networkx over all pairs of node and edge."""
    graph: nx.Graph[int] = nx.Graph()
    graph.add_nodes_from(range(network.n_components))
    spots = shapely.points(network.x, network.y)
    for node, edge in itertools.product(range(len(network.x)), range(len(network.u))):
        a, b = int(network.component[node]), int(network.component[network.u[edge]])
        way = shapely.distance(spots[node], network.lines[edge])
        if a != b and way <= metres and not (graph.has_edge(a, b) and graph[a][b]["way"] <= way):
            graph.add_edge(a, b, way=way)
    forest = nx.minimum_spanning_tree(graph, weight="way")
    return nx.number_connected_components(graph), sum(way for _, _, way in forest.edges(data="way"))


corner = some.tuples(some.integers(0, 12), some.integers(0, 12))


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    some.lists(some.lists(corner, min_size=2, max_size=3, unique=True), min_size=1, max_size=8),
    some.sampled_from([1.0, 2.0, 5.0]),
)
def test_links_are_a_shortest_spanning_forest(drawn: list[list[tuple[int, int]]], metres: float) -> None:
    network = build({f"s{i}": [(float(x), float(y)) for x, y in line] for i, line in enumerate(drawn)})
    joined = network.join_islands(metres)
    parts, way = best_joining(network, metres)
    assert joined.n_components == parts
    links = joined.edges[joined.edges.index.str.startswith("link-")]
    assert links["length"].sum() == pytest.approx(way, abs=0.03)
    old = joined.edges.drop(links.index)
    assert old["length"].sum() == pytest.approx(network.edges["length"].sum(), abs=0.03)
    check_whole(joined)
    again = network.join_islands(metres)
    pd.testing.assert_frame_equal(joined.edges, again.edges)
