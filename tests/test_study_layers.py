"""Layers of a study that are made of others, and the rows that it takes of a layer."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import siting as st
from siting.errors import SitingError
from siting.study.layers import read_layers, with_network
from siting.study.rows import rows_where

CARE = pd.DataFrame(
    {
        "facility_type": ["养老院", "日间照料中心", "敬老院", None],
        "beds": [120.0, 20.0, float("nan"), 60.0],
        "public": [True, False, True, False],
        "services": ["childcare", "childcare;eldercare", "eldercare", "childcare"],
        "opened": ["2019-05-01", "2025-07-01", "2024-12-31", "2026-01-01"],
    },
    index=["a", "b", "c", "d"],
)


@pytest.mark.parametrize(
    ("where", "left"),
    [
        ({"facility_type": "养老机构"}, "ac"),  # with its narrower types
        ({"facility_type": ["养老机构", "日间照料中心"]}, "abc"),
        ({"facility_type": "!=养老机构"}, "b"),
        ({"facility_type": "blank"}, "d"),
        ({"facility_type": "filled"}, "abc"),
        ({"beds": ">=60"}, "ad"),
        ({"beds": "≥60"}, "ad"),
        ({"beds": [">=20", "<120"]}, "bd"),
        ({"beds": 20}, "b"),
        ({"beds": [20, 60]}, "bd"),
        ({"beds": "blank"}, "c"),
        ({"public": True}, "ac"),
        ({"public": "否"}, "bd"),
        ({"public": "!=否"}, "ac"),
        ({"services": "eldercare"}, "bc"),
        ({"services": "养老"}, "bc"),
        ({"services": "!=养老"}, "ad"),
        ({"opened": ">=2025-01-01"}, "bd"),
        ({"public": True, "beds": ">0"}, "a"),
        ({"any": [{"public": True}, {"beds": ">=60"}]}, "acd"),
    ],
)
def test_the_rows_that_are_left(where: Any, left: str) -> None:
    assert "".join(rows_where(CARE, where, name="care", kind="candidates").index) == left


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ({"bed": ">0"}, 'care: there is no column "bed"; it has facility_type, beds'),
        ({"beds": ">500"}, "no row of 4 fulfils the conditions; beds holds 120.0, 20.0, 60.0"),
        ({"beds": "many"}, "no row of 4"),
        ({"beds": True}, "beds is compared with true, but it holds 120.0"),
        ({"public": "maybe"}, 'public is compared with "maybe", but it holds true, false'),
        ({"services": ">5"}, "services holds what is neither number nor date"),
    ],
)
def test_conditions_that_leave_nothing_or_do_not_fit(where: Any, told: str) -> None:
    with pytest.raises(SitingError) as caught:
        rows_where(CARE, where, name="care", kind="candidates")
    assert told in str(caught.value)


def study(folder: Path, *lines: str) -> Path:
    """Write a study with three homes, a street along them, and more layers."""
    (folder / "homes.csv").write_text(
        "编号,常住人口,类型,x,y\na,100,村,530000,3380000\nb,200,社区,530100,3380000\nc,400,村,530200,3380000\n",
        encoding="utf-8",
    )
    (folder / "streets.csv").write_text('id,wkt\nw1,"LINESTRING (530000 3380000, 530200 3380000)"\n', encoding="utf-8")
    file = folder / "study.toml"
    head = (
        "[layers]",
        'communities = { path = "homes.csv", crs = "EPSG:4547" }',
        'streets = { path = "streets.csv", crs = "EPSG:4547" }',
    )
    file.write_text("\n".join((*head, *lines)) + "\n", encoding="utf-8")
    return file


def test_a_layer_is_made_from_another(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = study(
        tmp_path,
        'villages = { from = "communities", where = { "类型" = "村" } }',
        'large = { from = "villages", where = { population = ">=400" }, role = "facilities" }',
    )
    made = st.Study.from_toml(file)
    with caplog.at_level(logging.INFO):
        layers = read_layers(made)
    assert {name: list(layers[name].index) for name in layers} == {
        "communities": ["a", "b", "c"], "streets": ["w1"], "villages": ["a", "c"], "large": ["c"],
    }  # fmt: skip
    assert (made.role_of("villages"), made.role_of("large")) == ("communities", "facilities")
    assert "villages: 2 of 3 rows fulfil the conditions" in caplog.text
    assert list(layers) == list(made.layers)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('v = { from = "communities", where = { "类型" = "城" } }',
         "study.toml, line 4, column 29: [layers.v] where: no row of 3 fulfils the conditions; kind holds village"),
        ('v = { from = "communities", where = { sort = "x" } }', "line 4, column 29: [layers.v] where: v: there is no"),
    ],
)  # fmt: skip
def test_a_filter_is_told_with_its_line(tmp_path: Path, line: str, told: str) -> None:
    with pytest.raises(SitingError) as caught:
        read_layers(st.Study.from_toml(study(tmp_path, line)))
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('v = { from = "homes" }', "line 4, column 7: [layers.v] from: there is no [layers.homes]; there are communit"),
        ('v = { from = "w" }\nw = { from = "v" }', "the layer is made from itself: v, w, v"),
        ('v = { from = "streets", path = "x.csv" }', "needs path, postgis"),
        ('v = { from = "streets", crs = "EPSG:4547" }', '"crs" is for layers from files and databases'),
        ('v = { from = "communities", where = { "类型" = [] } }', "[layers.v] where 类型 is []; write a word"),
        ('v = { from = "communities", where = "村" }', '[layers.v] where is "村"; write a table'),
    ],
)
def test_layers_that_cannot_be_made_are_told_at_once(tmp_path: Path, line: str, told: str) -> None:
    with pytest.raises(SitingError) as caught:
        st.Study.from_toml(study(tmp_path, line))
    assert told in str(caught.value)


OSM = (
    '<?xml version="1.0" encoding="UTF-8"?><osm version="0.6" generator="test">'
    '<node id="1" lat="30.5398" lon="114.3126"/><node id="2" lat="30.5398" lon="114.3136"/>'
    '<node id="3" lat="30.5398" lon="114.3146"/>'
    '<way id="10"><nd ref="1"/><nd ref="2"/><tag k="highway" v="residential"/></way>'
    '<way id="20"><nd ref="2"/><nd ref="3"/><tag k="highway" v="motorway"/></way></osm>'
)


def network_of(file: Path) -> tuple[dict[str, Any], st.Network]:
    made = st.Study.from_toml(file)
    return with_network(made, read_layers(made))


def with_streets(folder: Path, streets: str) -> Path:
    file = study(folder)
    text = file.read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if line.startswith("streets"))
    file.write_text(text.replace(line, f"streets = {{ {streets} }}"), encoding="utf-8")
    return file


def test_streets_of_an_extract(tmp_path: Path) -> None:
    """The second way is a motorway: for vehicles only. An area that is a layer keeps what it meets."""
    pytest.importorskip("osmium", reason="NOT TESTED on extracts of OpenStreetMap: pip install siting[osm]")
    (tmp_path / "town.osm").write_text(OSM, encoding="utf-8")
    layers, network = network_of(with_streets(tmp_path, 'path = "town.osm"'))
    assert [*network.columns["osm_id"]] == [10]
    assert list(layers) == ["communities", "streets"]
    assert layers["streets"].attrs["attribution"].startswith("© OpenStreetMap")
    _, wide = network_of(with_streets(tmp_path, 'path = "town.osm", walking = false'))
    assert [*wide.columns["osm_id"]] == [10, 20]
    (tmp_path / "town.csv").write_text(
        'id,population,wkt\nt,9,"POLYGON ((529900 3379900, 530050 3379900, 530050 3380100, 529900 3379900))"\n',
        encoding="utf-8",
    )
    file = with_streets(tmp_path, 'path = "town.osm", walking = false, area = "town"')
    town = 'town = { path = "town.csv", role = "communities", crs = "EPSG:4547" }\n'
    file.write_text(file.read_text(encoding="utf-8") + town, encoding="utf-8")
    assert [*network_of(file)[1].columns["osm_id"]] == [10]


def test_streets_of_a_saved_network(tmp_path: Path) -> None:
    _, network = network_of(study(tmp_path))
    network.save(tmp_path / "net")
    layers, again = network_of(with_streets(tmp_path, 'path = "net"'))
    assert again.metres.tolist() == network.metres.tolist() == [200.0]
    assert layers["streets"].length.tolist() == [200.0]


def test_streets_of_a_layer_take_the_keywords_of_a_network(tmp_path: Path) -> None:
    (tmp_path / "cross.csv").write_text(
        'id,highway,wkt\nw1,residential,"LINESTRING (530000 3380000, 530200 3380000)"\n'
        'w2,motorway,"LINESTRING (530100 3379900, 530100 3380100)"\n',
        encoding="utf-8",
    )
    source = 'path = "cross.csv", crs = "EPSG:4547"'
    assert len(network_of(with_streets(tmp_path, source))[1].edges) == 1
    assert len(network_of(with_streets(tmp_path, f"{source}, walking = false"))[1].edges) == 2
    assert len(network_of(with_streets(tmp_path, f"{source}, walking = false, split = true"))[1].edges) == 4


@pytest.mark.parametrize(
    ("streets", "told"),
    [
        ('path = "a.osm", split = true', "[layers.streets] split: split is not for an extract of OpenStreetMap"),
        ('path = "a.osm", crs = "EPSG:4547"', "crs is not for an extract"),
        ('path = "a.gpkg", ferries = true', "ferries is for extracts of OpenStreetMap"),
        ('path = "a.osm", area = "town"', "there is no [layers.town]"),
    ],
)
def test_keywords_of_other_streets_are_refused(tmp_path: Path, streets: str, told: str) -> None:
    with pytest.raises(SitingError) as caught:
        st.Study.from_toml(with_streets(tmp_path, streets))
    assert told in str(caught.value)
