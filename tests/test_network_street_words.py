"""The words of layers of streets: classes, flags, levels and one-way signs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as some

import siting as st
from siting.data import values
from siting.errors import NetworkError
from siting.network import street_words
from siting.network.street_words import (
    CLASSES,
    FLAGS,
    KNOWN_CLASSES,
    directions,
    is_deck,
    read_levels,
    translated,
    words,
)
from siting.network.walkable_streets import CLOSED, ONLY_IF_ALLOWED, SQUARES

Make = Callable[..., gpd.GeoDataFrame]


# The table


def test_each_record_has_a_source_and_each_word_one_meaning() -> None:
    meaning: dict[str, str] = {}
    for table in street_words._TABLE["classes"]:
        assert len(table["source"]) > 20
        for name, listed in table["words"].items():
            assert name in KNOWN_CLASSES
            assert listed
            for word in listed:
                assert meaning.setdefault(word, name) == name
                assert translated(words(word)[0], "highway") == name
    assert len(meaning) > 400
    assert [CLASSES[at] for at in ("高速公路", "快速路", "国道")] == ["motorway", "trunk", "primary"]
    assert [CLASSES[at] for at in ("s1720", "5155", "430700")] == ["steps"] * 3


def test_what_the_profile_names_is_a_class() -> None:
    assert KNOWN_CLASSES >= CLOSED | ONLY_IF_ALLOWED | SQUARES


def test_a_flag_has_one_meaning_and_the_same_as_elsewhere() -> None:
    listed = [word for kind in street_words._TABLE["flags"].values() for word in kind]
    assert len(listed) == len(set(listed)) == len(FLAGS)
    assert all(FLAGS[word] == "yes" for word in values._TRUE - {"1.0"})
    assert all(FLAGS[word] == "no" for word in values._FALSE - {"0.0"})


@given(some.sampled_from(sorted(CLASSES)), some.sampled_from([str.upper, str.title, "　{} ".format, str]))
def test_case_and_spaces_do_not_count(word: str, spelt: Callable[[str], str]) -> None:
    assert translated(words(spelt(word))[0], "highway") == CLASSES[word]


# Bridges, tunnels, levels


@pytest.mark.parametrize("column", ["bridge", "tunnel"])
def test_bridges_and_tunnels_in_all_words(column: str, caplog: pytest.LogCaptureFixture) -> None:
    yes = ["yes", True, 1, 1.0, "1", "T", "Y", "是", "有", "viaduct", "culvert", ["yes", "no"]]
    no = ["no", False, 0, 0.0, "0", "F", "N", "否", "无", "-", "", "None", None, np.nan, pd.NA]
    assert is_deck(pd.Series(yes, name=column, dtype=object)).all()
    assert not is_deck(pd.Series(no, name=column, dtype=object)).any()
    assert not caplog.records
    assert is_deck(pd.Series(["overpass", "overpass", None], name=column)).tolist() == [True, True, False]
    assert f'"{column}" has unknown words "overpass (2 rows)"; such streets count as a {column}' in caplog.text


def test_levels_are_numbers(caplog: pytest.LogCaptureFixture) -> None:
    given_ = pd.Series(["-1", 2, 2.0, "1", "0", "１", "1;2", None, "", "-"], dtype=object, name="layer")
    assert read_levels(given_).tolist() == pytest.approx([-1, 2, 2, 1, 0, 1, 1, np.nan, np.nan, np.nan], nan_ok=True)
    assert not caplog.records
    assert np.isnan(read_levels(pd.Series(["二层", "1"], name="layer"))).tolist() == [True, False]
    assert '"layer" has "二层", which are no levels' in caplog.text


# One-way signs


def test_directions_in_all_words() -> None:
    along = ["yes", True, 1, 1.0, "1", "Y", "是", "true"]
    against = ["-1", -1, -1.0, "reverse"]
    both = ["no", False, 0, "0", "N", "否", "-", "", None, np.nan, "reversible", "alternating"]
    assert directions(pd.Series(along, dtype=object)).tolist() == [1] * len(along)
    assert directions(pd.Series(against, dtype=object)).tolist() == [-1] * len(against)
    assert directions(pd.Series(both, dtype=object)).tolist() == [0] * len(both)


def test_geofabriks_directions(caplog: pytest.LogCaptureFixture) -> None:
    """Free shapefiles: F forward, T against the line, B both."""
    assert directions(pd.Series(["B", "F", "T", "b", None])).tolist() == [0, 1, -1, 0, 0]
    assert not caplog.records
    assert directions(pd.Series(["T", "F"], name="oneway")).tolist() == [1, 0]
    assert "read as true and false" in caplog.text


def test_directions_that_are_none() -> None:
    for odd in (["sometimes"], ["B", "yes"], [2]):
        with pytest.raises(NetworkError, match=r'"sign" is .*; write "yes", "-1" or "no"'):
            directions(pd.Series(odd, name="sign", dtype=object))


# Layers as they come


def test_a_shapefile_of_geofabrik(tmp_path: Path, streets: Make) -> None:
    """Along y = 0 three streets, the middle a bridge over a footway, the last a motorway."""
    layer = streets(
        {"a": [(0, 0), (100, 0)], "b": [(100, 0), (200, 0)], "c": [(150, -50), (150, 50)], "d": [(200, 0), (300, 0)]},
        osm_id=["1", "2", "3", "4"], code=[5122, 5122, 5153, 5111],
        fclass=["residential", "residential", "footway", "motorway"], oneway=["B", "F", "B", "T"], layer=[0, 1, 0, 0],
        bridge=["F", "T", "F", "F"], tunnel=["F"] * 4,
    ).reset_index(drop=True)  # fmt: skip
    layer.to_file(tmp_path / "gis_osm_roads_free_1.shp", encoding="utf-8")
    read = st.read_layer(tmp_path / "gis_osm_roads_free_1.shp", "streets")
    network = st.Network.from_streets(read, split=True, oneway="oneway")
    assert network.left_out == {"motorway": 1}
    assert (len(network.edges), network.n_components) == (3, 2)
    assert network.oneway is not None
    assert dict(zip(network.edges["osm_id"], network.oneway.tolist(), strict=True)) == {"1": 0, "2": 1, "3": 0}
    codes = st.Network.from_streets(layer.drop(columns="fclass"))
    assert codes.left_out == {"motorway": 1}
    other = st.Network.from_streets(layer.drop(columns="fclass").assign(code=[5111, 17, 18, 19]))
    assert other.left_out == {}  # numbers of something else


def test_the_layer_of_an_office(streets: Make, caplog: pytest.LogCaptureFixture) -> None:
    lines = {name: [(i * 100, 0), (i * 100 + 100, 0)] for i, name in enumerate("abcde")}
    layer = streets(lines, 道路等级=["支路", "高速公路", "主干路", "台阶", "神道"], foot=["是", "是", "否", None, "-"])
    network = st.Network.from_streets(layer)
    assert network.left_out == {"foot=no": 1, "motorway": 1}
    assert sorted(network.edges.index) == ["a", "d", "e"]
    assert '"神道 (1 row)"' in caplog.text
    assert sorted(network.for_walk(st.Walk.elder(stairs=False)).edges.index) == ["a", "e"]


@pytest.mark.slow
def test_private_survives_every_way_of_the_network(tmp_path: Path, streets: Make) -> None:
    """Through a graph, a folder, a file, a split and links to islands the column stays boolean and true."""
    lines = {"a": [(0, 0), (100, 0)], "b": [(100, 0), (200, 0)], "c": [(50, -50), (50, 50)], "d": [(205, 0), (300, 0)]}
    layer = streets(lines, highway=["path"] * 4, access=[None, "private", None, None])
    network = st.Network.from_streets(layer)
    drawn = network.edges
    drawn.to_file(tmp_path / "edges.gpkg")
    network.save(tmp_path / "net")
    again: dict[str, Any] = {
        "graph": st.Network.from_graph(network.to_graph()),
        "folder": st.Network.load(tmp_path / "net"),
        "edges": st.Network.from_streets(drawn.drop(columns="access")),
        "file": st.Network.from_streets(st.read_layer(tmp_path / "edges.gpkg", "streets").drop(columns="access")),
        "split": st.Network.from_streets(layer, split=True),
        "links": network.join_islands(10),
        "no steps": st.Network.from_streets(
            layer.assign(highway=["path", "path", "steps", "path"])
        ).for_walk(st.Walk.elder(stairs=False)),
    }  # fmt: skip
    for name, other in again.items():
        column = other.columns["private"]
        assert column.dtype == bool, name
        assert other.metres[column.to_numpy()].tolist() == [100.0], name
    said = layer.assign(private=["no", "是", "F", None])
    kept = st.Network.from_streets(said, walking=False)
    assert (kept.columns["private"].dtype, kept.columns["private"].sum()) == (bool, 1)
    assert "private" not in st.Network.from_streets(layer, walking=False).columns
    public = layer.assign(private=False, access=None)
    assert "private" not in st.Network.from_streets(public).columns


def test_columns_of_flags_may_be_called_as_an_office_does(streets: Make) -> None:
    lines = {"a": [(0, 0), (100, 0)], "b": [(50, -50), (50, 50)], "c": [(100, 0), (100, 100)]}
    layer = streets(lines, 桥梁=["否", "是", "否"], 可步行=["是", "是", "否"], 内部道路=["否", "否", "否"])
    network = st.Network.from_streets(layer, split=True)
    assert (len(network.edges), network.left_out) == (2, {"foot=no": 1})  # the bridge is not joined to what it crosses
    assert network.columns["bridge"].tolist().count("是") == 1
    assert "桥梁" in layer
    # What is called plainly counts before, and of two names neither.
    plain = layer.assign(bridge="no")
    assert len(st.Network.from_streets(plain, split=True).edges) == 4
    twice = layer.assign(是否桥梁="否")
    assert len(st.Network.from_streets(twice, split=True).edges) == 4


def test_lists_of_osmnx_mean_the_same(streets: Make) -> None:
    layer = streets({"a": [(0, 0), (100, 0)], "b": [(100, 0), (200, 0)]}, highway=[["trunk", "footway"], "footway"],
                    sidewalk=[["both", "no"], None], access=[None, ["private", "yes"]])  # fmt: skip
    network = st.Network.from_streets(layer)
    assert len(network.edges) == 2
    assert network.columns["private"].sort_index().tolist() == [False, True]
    assert shapely.length(network.lines).tolist() == [100, 100]
