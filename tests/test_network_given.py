"""Natural calls: each gives its answer, or an error of the library that says what to give instead."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely

import siting as st
from siting.network import graphml

LINE = shapely.LineString([(120, 29), (120.0005, 29.0001), (120.001, 29)])
STREETS = gpd.GeoDataFrame(geometry=[LINE], crs="EPSG:4326", index=pd.Index(["s"], name="id"))


def place(x: float) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(geometry=[shapely.Point(x, 29)], index=pd.Index([f"at {x}"], name="id"), crs="EPSG:4326")


HOME = place(120.00001)


@pytest.fixture(scope="module")
def network() -> st.Network:
    return st.Network.from_streets(STREETS)


def as_text(**edge: Any) -> nx.MultiDiGraph[Any]:
    """A graph as networkx reads it from a file of osmnx: every attribute is text."""
    graph: nx.MultiDiGraph[Any] = nx.MultiDiGraph(crs="epsg:4326")
    for node, (x, height) in enumerate((("120.0", "5.5"), ("120.001", "15.5")), 1):
        graph.add_node(str(node), x=x, y="29.0", elevation=height, street_count="1")
    for a, b in (("1", "2"), ("2", "1")):
        at = {"length": "100.0", "highway": "['path', 'steps']", "osmid": "[12, 13]", "oneway": "False"}
        drawn = LINE if a == "1" else LINE.reverse()
        graph.add_edge(a, b, **{**at, "geometry": drawn.wkt, "reversed": str(a == "2"), **edge})
    return graph


# Graphs of text


@pytest.mark.parametrize("from_file", [False, True])
def test_a_graph_whose_attributes_are_text(from_file: bool, tmp_path: Path) -> None:
    graph: Any = as_text()
    if from_file:
        nx.write_graphml(graph, tmp_path / "streets.graphml")
        graph = tmp_path / "streets.graphml"
    found = st.Network.from_graph(graph)
    assert found.metres.tolist() == [100.0]
    assert abs(found.rise).tolist() == [10.0]
    assert set(found.nodes) == {"1", "2"}
    (line,) = found.lines
    assert len(line.coords) == 3
    assert found.columns["highway"].tolist() == [["path", "steps"]]
    assert found.for_walk(None) is found
    with pytest.raises(st.errors.NetworkError, match="all streets are steps"):
        found.for_walk(st.Walk.elder(stairs=False))


def test_a_file_of_osmnx(tmp_path: Path, network: st.Network) -> None:
    """What `to_graph` makes comes back from a file with the same streets."""
    import osmnx

    osmnx.save_graphml(network.to_graph(), tmp_path / "g.graphml")
    back = st.Network.from_graph(str(tmp_path / "g.graphml"))
    assert back.metres == pytest.approx(network.metres)
    assert back.lines[0].equals_exact(network.lines[0], 1e-6)


@pytest.mark.parametrize("oneway", ["True", "False", "yes", "no", True, False])
def test_loops_say_in_words_that_they_are_one_way(oneway: Any) -> None:
    graph = as_text()
    ring = [(120, 29), (120, 29.001), (119.999, 29.001), (120, 29)]
    graph.add_edge("1", "1", geometry=shapely.LineString(ring).wkt, oneway=oneway)
    found = st.Network.from_graph(graph, oneway=True)
    assert (found.oneway is not None) == (oneway in ("True", "yes", True))


@pytest.mark.parametrize(
    ("edge", "words"),
    [
        ({"geometry": "LINESTRING (120 29"}, "geometry of edge 1-2 is no WKT"),
        ({"geometry": "POINT (120 29)"}, 'geometry of edge 1-2 is "POINT .*give a LineString'),
        ({"length": "long"}, 'has the length "long"; give metres'),
        ({"rise": "high"}, 'has the rise "high"; give metres'),
    ],
)
def test_text_that_is_none(edge: dict[str, str], words: str) -> None:
    with pytest.raises(st.errors.NetworkError, match=words):
        st.Network.from_graph(as_text(**edge))


@pytest.mark.parametrize("edge", [{"length": ""}, {"geometry": ""}, {"osmid": "[1, "}])
def test_text_that_says_nothing(edge: dict[str, str]) -> None:
    assert st.Network.from_graph(as_text(**edge)).metres[0] == pytest.approx(97.5, abs=3)


@pytest.mark.parametrize("x", ["east", "", "inf", "nan"])
def test_coordinates_that_are_none(x: str) -> None:
    graph = as_text()
    graph.nodes["2"]["x"] = x
    with pytest.raises(st.errors.NetworkError, match='1 node has no x and y: "2"; give numbers'):
        st.Network.from_graph(graph)


@pytest.mark.parametrize(("height", "told"), [("-9999", True), ("high", True), ("", False), ("nan", False)])
def test_elevations_that_cannot_be(height: str, told: bool, caplog: pytest.LogCaptureFixture) -> None:
    graph = as_text()
    graph.nodes["2"]["elevation"] = height
    assert st.Network.from_graph(graph).rise is None
    assert (f'"2: {height}"; it is not used' in caplog.text) == told


def test_heights_in_the_lines_of_a_graph() -> None:
    graph: nx.Graph[Any] = nx.Graph(crs="EPSG:4549")
    graph.add_node(1, x=500_000.0, y=3_210_000.0)
    graph.add_node(2, x=500_500.0, y=3_210_000.0)
    graph.add_edge(1, 2, geometry=shapely.LineString([(500_000, 3_210_000, 5), (500_500, 3_210_000, 30)]))
    assert abs(st.Network.from_graph(graph).rise).tolist() == [25]


# Files


BOMB = '<?xml version="1.0"?><!DOCTYPE g [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><graphml>&b;</graphml>'


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (BOMB.encode(), "declares a document type or entities"),
        (BOMB.replace("?>", ' encoding="utf-16"?>', 1).encode("utf-16"), "declares a document type or entities"),
        (b'<!DOCTYPE graphml SYSTEM "file:///etc/passwd"><graphml/>', "declares a document type or entities"),
        (b"<osm/>", "begins with <osm>; give a GraphML file"),
        (b"", "no GraphML"),
        (b"id,x,y\n", "no GraphML"),
        (gzip.compress(b"<graphml/>", mtime=0), "no GraphML"),
        (b"<graphml><graph></graphml>", "no GraphML that networkx can read"),
        (b"<graphml/>", "no GraphML that networkx can read"),
        (b'<graphml><graph edgedefault="directed"/></graphml>', "no CRS|no GraphML"),
    ],
)
def test_files_that_are_no_graph(content: bytes, words: str, tmp_path: Path) -> None:
    file = tmp_path / "g.graphml"
    file.write_bytes(content)
    with pytest.raises(st.errors.NetworkError, match=words):
        st.Network.from_graph(file)


def test_files_that_are_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "g.graphml"
    nx.write_graphml(as_text(), file)
    monkeypatch.setattr(graphml, "MOST_BYTES", file.stat().st_size - 1)
    with pytest.raises(st.errors.NetworkError, match="larger than"):
        st.Network.from_graph(file)


@pytest.mark.parametrize("path", ["https://example.org/g.graphml", "/vsicurl/g.graphml", "nowhere.graphml"])
def test_files_that_are_not_there(path: str) -> None:
    with pytest.raises(st.errors.NetworkError, match=r"not a local file|no such file"):
        st.Network.from_graph(path)


# What is given in place of something else


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda n: st.Network.from_streets(STREETS.geometry), 'is a GeoSeries; give a GeoDataFrame.*to_frame\\("geom'),
        (lambda n: st.Network.from_streets(STREETS.geometry, oneway="oneway"), "is a GeoSeries"),
        (
            lambda n: st.Network.from_streets("streets.gpkg"),
            "not a layer; read the file first, with read_layer",
        ),
        (lambda n: st.Network.from_streets(Path("streets.gpkg"), length="长度"), "read the file first"),
        (lambda n: st.Network.from_streets(pd.DataFrame({"length": [1.0]})), "has no geometry; give a GeoDataFrame"),
        (lambda n: st.Network.from_streets(n.to_graph()), r"not a graph; give it to Network\.from_graph"),
        (lambda n: st.Network.from_streets((HOME, STREETS)), "give the edges alone"),
        (lambda n: st.Network.from_streets(None), "is a NoneType, not a layer; give a GeoDataFrame"),
        (lambda n: st.Network.from_streets(n), "is a Network, not a layer; give a GeoDataFrame"),
        (lambda n: st.Network.from_graph(STREETS), r"not a GeoDataFrame; give lines to Network\.from_streets"),
        (lambda n: st.Network.from_graph((HOME, STREETS)), "give the edges"),
        (lambda n: st.Network.from_graph(n), "not a Network"),
        (lambda n: n.locate(pd.DataFrame({"lon": [120.0]})), "has no geometry; give a GeoDataFrame, such as"),
        (lambda n: n.locate("homes.gpkg"), "read the file first, with read_layer"),
        (lambda n: n.locate(shapely.Point(120, 29)), "is a Point, not a layer"),
        (lambda n: n.locate(n.locate(HOME)), "is a Places, not a layer"),
        (lambda n: st.travel(n, pd.DataFrame({"lon": [120.0]}), HOME, metres=500), "origins: has no geometry"),
        (lambda n: st.travel(n, HOME, "homes.gpkg", metres=500), "destinations: is a str"),
        (lambda n: st.travel(HOME, HOME, n, metres=500), "give the Network first"),
        (lambda n: st.travel(n.to_graph(), HOME, HOME, metres=500), "is a MultiDiGraph; give the Network first"),
        (lambda n: st.measure.catchment(HOME, n, HOME, metres=500), "give the Network first"),
        (lambda n: st.service_areas(HOME, n, metres=500), "give the Network first"),
        (lambda n: list(st.measure.travel_in_parts(HOME, n, HOME, metres=500)), "give the Network first"),
        (lambda n: st.straight_line(n, HOME, metres=500), "origins: is a Network, not a layer"),
        (lambda n: st.straight_line(HOME, pd.DataFrame({"x": [1]}), metres=500), "destinations: has no geometry"),
        (lambda n: st.travel(n, HOME, HOME, metres=500, progress="yes"), 'progress is "yes"; give a function'),
        (lambda n: st.travel(n, HOME, HOME, nearest=1, progress=3), "progress is 3; give a function"),
        (lambda n: st.measure.catchment(n, HOME, HOME, metres=500, progress=1), "progress is 1; give a function"),
        (lambda n: n.places_at_nodes(99), 'no such nodes: "99"'),
    ],
)
def test_something_else(call: Callable[[st.Network], Any], words: str, network: st.Network) -> None:
    with pytest.raises(st.SitingError, match=words):
        call(network)


def test_a_series_of_points_is_a_layer(network: st.Network) -> None:
    assert np.array_equal(network.locate(HOME.geometry).xy, network.locate(HOME).xy)


# Progress


@pytest.mark.parametrize("progress", [True, False, None])
@pytest.mark.parametrize("call", [st.travel, st.measure.catchment])
def test_a_bar_on_request(
    progress: bool | None, call: Callable[..., Any], network: st.Network, capfd: pytest.CaptureFixture[str]
) -> None:
    """It changes no answer and leaves standard output alone."""
    quiet, shown = (call(network, HOME, place(120.0009), metres=500, progress=p) for p in (None, progress))
    if call is st.travel:
        quiet, shown = quiet.pairs(), shown.pairs()
    pd.testing.assert_frame_equal(quiet, shown)
    assert capfd.readouterr().out == ""


def test_the_bar_moves(network: st.Network, monkeypatch: pytest.MonkeyPatch) -> None:
    from rich.progress import Progress

    moves: list[tuple[int, int]] = []
    monkeypatch.setattr(
        Progress, "update", lambda bar, task, *, completed, total, description: moves.append((completed, total))
    )
    st.travel(network, HOME, HOME, metres=500, progress=True, threads=1)
    assert moves == [(1, 1)]
