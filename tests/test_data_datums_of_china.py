"""WGS 84, GCJ-02 and BD-09: published pairs, an oracle, properties all over China, and layers of every kind."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as some
from hypothesis.extra.numpy import arrays

import siting as st
from siting.data import china_region, convert_datum, read_layer, to_crs
from siting.data.china_datums import DATUMS, read_datum, shifted
from siting.errors import LayerError, SitingError

#: Metres of a degree of latitude.
DEGREE = 111_195.0
#: WGS 84 and GCJ-02, from go/transform_test.go of github.com/googollee/eviltransform (MIT)
EVILTRANSFORM = [
    ((121.5272106, 31.1774276), (121.531541859215, 31.17530398364597)),
    ((113.912316, 22.543847), (113.9171764808363, 22.540796131694766)),
    ((116.377817, 39.911954), (116.38404722455657, 39.91334545536069)),
]
#: WGS 84, GCJ-02 and BD-09 as the services give them, seven decimals: test/fixtures/china-cities.json of
#: github.com/hujiulong/gcoord (MIT): Zhumadian, Xingtai, Naqu, Jiuquan, Quanzhou, Shenyang, Jinhua.
GCOORD = [
    ((114.0164322, 33.0133556), (114.022306, 33.0115324), (114.0287781, 33.0176697)),
    ((114.498916, 37.0700925), (114.5048503, 37.0705911), (114.5113116, 37.0766797)),
    ((92.0499619, 31.4784436), (92.0512438, 31.4762063), (92.0576832, 31.4824421)),
    ((98.4937175, 39.7319946), (98.4943595, 39.7328234), (98.5008441, 39.7388949)),
    ((118.6711365, 24.8770487), (118.6756787, 24.8741363), (118.6821251, 24.8804872)),
    ((123.4253306, 41.8032629), (123.4314787, 41.8057023), (123.438095, 41.8114013)),
    ((119.6427465, 29.0820414), (119.6474509, 29.0790641), (119.6538875, 29.0854003)),
]


def metres(one: Any, other: Any) -> Any:
    one, other = np.asarray(one), np.asarray(other)
    east = (one[:, 0] - other[:, 0]) * np.cos(np.radians(one[:, 1]))
    return np.hypot(east, one[:, 1] - other[:, 1]) * DEGREE


def all_over_china(count: int, seed: int = 0) -> Any:
    """Places in the region, and 5 km within it, so that no offset leads out of it."""
    places = np.random.default_rng(seed).uniform((73, 7), (136, 54), (count, 2))
    steps = [(x, y) for x in (-0.05, 0, 0.05) for y in (-0.05, 0, 0.05)]
    return places[np.all([china_region.in_region(places + step) for step in steps], axis=0)]


def test_published_pairs() -> None:
    wgs, gcj = map(np.array, zip(*EVILTRANSFORM, strict=True))
    assert abs(shifted(wgs, "WGS84", "GCJ-02") - gcj).max() < 1e-12
    assert metres(shifted(gcj, "GCJ-02", "WGS84"), wgs).max() < 1e-6


def test_cities_as_the_services_give_them() -> None:
    wgs, gcj, bd = map(np.array, zip(*GCOORD, strict=True))
    assert metres(shifted(wgs, "WGS84", "GCJ-02"), gcj).max() < 1
    assert metres(shifted(gcj, "GCJ-02", "WGS84"), wgs).max() < 1
    assert metres(shifted(gcj, "GCJ-02", "BD-09"), bd).max() < 1
    assert metres(shifted(bd, "BD-09", "GCJ-02"), gcj).max() < 1
    assert metres(shifted(bd, "BD-09", "WGS84"), wgs).max() < 1.5


def test_equals_the_oracle() -> None:
    oracle = pytest.importorskip("geocoordinates_ffi", reason="pip install geocoordinates-rs")
    places = all_over_china(600)
    named = [oracle.Wgs84(lat=lat, lon=lon) for lon, lat in places]
    for way, target in ((oracle.wgs84_to_gcj02, "GCJ-02"), (oracle.wgs84_to_bd09, "BD-09")):
        expected = np.array([(one.lon, one.lat) for one in map(way, named)])
        assert abs(shifted(places, "WGS84", target) - expected).max() < 1e-12  # type: ignore[arg-type]
    moved = shifted(places, "WGS84", "GCJ-02")
    back = [oracle.gcj02_to_wgs84_refined(oracle.Gcj02(lat=lat, lon=lon)) for lon, lat in moved]
    assert metres(np.array([(one.lon, one.lat) for one in back]), places).max() < 0.5  # as exact as it is


@pytest.mark.parametrize("target", ["GCJ-02", "BD-09"])
def test_the_way_back_is_exact_all_over_china(target: Any) -> None:
    places = all_over_china(60_000)
    assert len(places) > 20_000
    there = shifted(places, "WGS84", target)
    assert metres(shifted(there, target, "WGS84"), places).max() < 1e-6
    assert metres(there, places).min() > 15
    assert metres(there, places).max() < (800 if target == "GCJ-02" else 1700)
    assert metres(shifted(shifted(places, "GCJ-02", "BD-09"), "BD-09", "GCJ-02"), places).max() < 1e-6


@given(
    some.sampled_from(DATUMS), some.sampled_from(DATUMS),
    arrays(np.float64, (5, 2), elements=some.floats(allow_nan=True, allow_infinity=True)),
)  # fmt: skip
def test_any_numbers_pass_and_places_outside_stay(source: Any, target: Any, places: Any) -> None:
    moved = shifted(places, source, target)
    outside = ~china_region.in_region(places)
    assert np.array_equal(moved[outside], places[outside], equal_nan=True)
    assert np.isfinite(moved[~outside]).all()


@given(some.integers(0, 10_000), some.sampled_from(DATUMS), some.sampled_from(DATUMS), some.sampled_from(DATUMS))
def test_two_steps_are_one(seed: int, first: Any, second: Any, third: Any) -> None:
    places = all_over_china(40, seed)
    two = shifted(shifted(places, first, second), second, third)
    assert metres(two, shifted(places, first, third)).max(initial=0) < 1e-6


def test_places_are_independent_of_their_number_and_order() -> None:
    places = all_over_china(60_000)
    moved = shifted(places, "BD-09", "WGS84")
    assert metres(shifted(places[::-1], "BD-09", "WGS84")[::-1], moved).max() < 1e-6
    assert metres(shifted(places[17_000:17_003], "BD-09", "WGS84"), moved[17_000:17_003]).max() < 1e-6


INSIDE = {
    "Dongxing": (107.97, 21.541), "Heihe": (127.53, 50.245), "Mohe": (122.54, 52.97), "Kashgar": (75.99, 39.47),
    "Tashkurgan": (75.23, 37.77), "Suifenhe": (131.15, 44.4), "Fuyuan": (134.31, 48.36), "Ruili": (97.85, 24.01),
    "Sanya": (109.51, 18.25), "Hong Kong": (114.17, 22.28), "Macau": (113.55, 22.19), "Xiamen": (118.09, 24.48),
    "Pingtan": (119.79, 25.5), "Mengla": (101.56, 21.48), "Yongxing": (112.33, 16.83), "Dandong": (124.39, 40.12),
    "Burang": (81.18, 30.29), "Altay": (88.14, 47.84), "Zhoushan": (122.2, 29.99),
}  # fmt: skip
OUTSIDE = {
    "Taipei": (121.56, 25.04), "Kaohsiung": (120.31, 22.63), "Penghu": (119.57, 23.57), "Seoul": (126.98, 37.57),
    "Pyongyang": (125.75, 39.03), "Hanoi": (105.85, 21.03), "Ulaanbaatar": (106.9, 47.92), "Bishkek": (74.59, 42.87),
    "Kathmandu": (85.32, 27.71), "Tokyo": (139.7, 35.7), "Manila": (120.98, 14.6), "London": (0.0, 51.5),
    "Vladivostok": (131.89, 43.12), "nowhere": (np.nan, np.nan), "sign": (-116.4, 39.9),
}  # fmt: skip


def test_the_region_holds_the_border_towns_and_no_other_capital() -> None:
    assert [name for name, at in INSIDE.items() if not china_region.in_region(np.array([at]))[0]] == []
    assert [name for name, at in OUTSIDE.items() if china_region.in_region(np.array([at]))[0]] == []


@pytest.mark.parametrize(
    ("word", "datum"),
    [("WGS84", "WGS84"), ("wgs-84", "WGS84"), ("WGS 1984", "WGS84"), ("EPSG:4326", "WGS84"), ("GPS", "WGS84"),
     ("CGCS2000", "CGCS2000"), ("天地图", "CGCS2000"), ("GCJ-02", "GCJ-02"), ("gcj02", "GCJ-02"), ("GCJ_02", "GCJ-02"),
     ("ＧＣＪ０２", "GCJ-02"), ("高德", "GCJ-02"), ("腾讯地图", "GCJ-02"), ("火星坐标", "GCJ-02"), ("BD-09", "BD-09"),
     ("bd09ll", "BD-09"), ("百度", "BD-09"), ("Baidu", "BD-09")],
)  # fmt: skip
def test_datums_by_their_usual_names(word: str, datum: str) -> None:
    assert read_datum(word) == datum


@pytest.mark.parametrize(
    ("word", "message"),
    [("bd09mc", "projection in metres, which has no exact formula; ask the source for degrees"),
     ("百度墨卡托", "has no exact formula"), ("gjc02", "did you mean GCJ-02"), ("Xian 1980", "give crs="),
     (None, "choose one of"), (4326, "choose one of"), ("", "choose one of")],
)  # fmt: skip
def test_other_datums_are_refused(word: Any, message: str) -> None:
    with pytest.raises(SitingError, match=message):
        read_datum(word)


def layer(crs: Any = 4326) -> gpd.GeoDataFrame:
    shapes = [
        shapely.Point(120.0, 29.0), shapely.Polygon([(120, 29), (120.01, 29), (120.01, 29.01)]),
        shapely.LineString([(120, 29, 5), (120.1, 29.1, 7)]), shapely.MultiPoint([(120, 29), (121, 30)]),
    ]  # fmt: skip
    frame = gpd.GeoDataFrame({"name": list("abcd")}, geometry=shapes, crs=4326, index=["p", "q", "r", "s"])
    frame.attrs = {"source": "homes.gpkg"}
    return frame.to_crs(crs)


@pytest.mark.parametrize("crs", [4326, 4490, 4549, 3857])
@pytest.mark.parametrize("datum", ["GCJ-02", "BD-09"])
def test_every_vertex_of_every_layer_is_moved_and_comes_back(crs: int, datum: str) -> None:
    before = layer(crs)
    there = convert_datum(before, "WGS84", datum)
    back = convert_datum(there, datum)
    assert back.crs == before.crs == there.crs
    assert there.attrs["datum"] == {"from": "WGS84", "to": datum, "rows": 4, "outside": 0}
    assert back.attrs == {"source": "homes.gpkg", "datum": {"from": datum, "to": "WGS84", "rows": 4, "outside": 0}}
    assert list(back["name"]) == list("abcd")
    old, new = (to_crs(one, "EPSG:4326").geometry for one in (before, there))
    for a, b in zip(old, new, strict=True):
        expected = shifted(shapely.get_coordinates(a), "WGS84", datum)  # type: ignore[arg-type]
        assert metres(shapely.get_coordinates(b), expected).max() < 1e-6
    both = [shapely.get_coordinates(one.geometry.array, include_z=True) for one in (before, back)]
    assert (
        np.nanmax(abs(both[0] - both[1])) < 1e-6 if crs in (4549, 3857) else np.nanmax(abs(both[0] - both[1])) < 1e-11
    )
    assert shapely.get_coordinates(there.geometry["r"], include_z=True)[:, 2].tolist() == [5, 7]
    assert before.geometry.equals(layer(crs).geometry)  # it was not changed


def test_a_series_an_array_and_another_name_of_the_geometry() -> None:
    expected = shifted(np.array([[120.0, 29.0]]), "GCJ-02", "WGS84")
    series = convert_datum(gpd.GeoSeries.from_xy([120.0], [29.0], crs=4326), "GCJ-02")
    assert series.get_coordinates().to_numpy().tolist() == expected.tolist()
    assert convert_datum([[120.0, 29.0]], "高德").tolist() == expected.tolist()
    renamed = convert_datum(layer().rename_geometry("place"), "GCJ-02")
    assert renamed.active_geometry_name == "place"
    assert renamed.geometry.iloc[0].coords[0] == tuple(expected[0])


def test_equal_datums_change_nothing() -> None:
    frame = layer(4490)
    assert convert_datum(frame, "WGS84", "CGCS2000") is frame
    assert convert_datum(frame, "GCJ-02", "gcj02") is frame


def test_rows_outside_stay_and_are_named(caplog: pytest.LogCaptureFixture) -> None:
    towns = gpd.GeoDataFrame(
        index=["jinhua", "taipei"], geometry=gpd.points_from_xy([119.64, 121.56], [29.08, 25.04]), crs=4326
    )
    found = convert_datum(towns, "GCJ-02", name="towns")
    assert found.geometry["taipei"] == towns.geometry["taipei"]
    assert found.geometry["jinhua"] != towns.geometry["jinhua"]
    assert (found.attrs["datum"]["rows"], found.attrs["datum"]["outside"]) == (1, 1)
    assert (
        'towns: 1 of 2 rows lie outside the mainland, Hong Kong and Macau, where GCJ-02 is not used, and stay: "taipei"'
        in caplog.text
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [(lambda: convert_datum(layer().set_crs(None, allow_override=True), "GCJ-02"), "homes.gpkg: has no CRS"),
     (lambda: convert_datum(layer(4214), "GCJ-02"), "of the datum Beijing 1954, and not of GCJ-02; leave datum= out"),
     (lambda: convert_datum(convert_datum(layer(), "GCJ-02"), "GCJ-02"), "was converted from GCJ-02 to WGS84 before"),
     (lambda: convert_datum([1.0, 2.0], "GCJ-02"), r"an array of the shape \(2,\) is no layer"),
     (lambda: convert_datum("homes.gpkg", "GCJ-02"), "a str is no layer"),
     (lambda: convert_datum(layer(), "GCJ-02", "bd09mc"), 'target="bd09mc" is Baidu')],
)  # fmt: skip
def test_contradictions_are_refused(make: Any, message: str) -> None:
    with pytest.raises(SitingError, match=message):
        make()


TABLE = "编号,常住人口,经度,纬度\n{rows}\n"


def table(path: Path, lonlat: Any) -> Path:
    rows = "\n".join(f"{k},300,{lon!r},{lat!r}" for k, (lon, lat) in enumerate(np.asarray(lonlat).tolist()))
    path.write_text(TABLE.format(rows=rows), encoding="utf-8-sig")
    return path


@pytest.mark.parametrize("word", ["GCJ-02", "高德", "百度", "CGCS2000", "WGS84"])
def test_a_file_is_read_in_its_datum(tmp_path: Path, word: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    places, datum = all_over_china(60), read_datum(word)
    file = table(tmp_path / "homes.csv", shifted(places, "WGS84", datum))
    frame = read_layer(file, "communities", datum=word)
    assert metres(frame.get_coordinates().to_numpy(), places).max() < 1e-6
    assert frame.crs.to_epsg() == 4326
    if datum in ("GCJ-02", "BD-09"):
        assert frame.attrs["datum"] == {"from": datum, "to": "WGS84", "rows": len(places), "outside": 0}
        assert f"communities (homes.csv): {len(places)} rows were converted from {datum} to WGS84" in caplog.text
    else:
        assert "datum" not in frame.attrs


def test_a_mapping_names_the_datum_and_the_keyword_goes_before(tmp_path: Path) -> None:
    places = all_over_china(40)
    file = table(tmp_path / "homes.csv", shifted(places, "WGS84", "BD-09"))
    mapping = tmp_path / "m.toml"
    mapping.write_text('datum = "百度"\n', encoding="utf-8")
    read = read_layer(file, "communities", mapping=mapping)
    assert metres(read.get_coordinates().to_numpy(), places).max() < 1e-6
    other = read_layer(file, "communities", mapping=mapping, datum="GCJ-02")
    assert (
        metres(other.get_coordinates().to_numpy(), shifted(shifted(places, "WGS84", "BD-09"), "GCJ-02", "WGS84")).max()
        < 1e-6
    )


def test_an_arrow_table_is_read_in_its_datum() -> None:
    pyarrow = pytest.importorskip("pyarrow")
    columns = {"id": ["a"], "population": [300], "lon": [120.0], "lat": [29.0]}
    read = st.data.read_arrow(pyarrow.table(columns), "communities", datum="gcj02")
    assert read.get_coordinates().to_numpy().tolist() == shifted(np.array([[120.0, 29.0]]), "GCJ-02", "WGS84").tolist()


def test_a_file_without_a_crs_holds_the_degrees_of_its_datum(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame({"id": ["a"], "population": [5]}, geometry=gpd.points_from_xy([120.0], [29.0]))
    frame.to_parquet(tmp_path / "homes.parquet")
    read = read_layer(tmp_path / "homes.parquet", "communities", datum="GCJ-02")
    assert read.crs.to_epsg() == 4326
    assert read.get_coordinates().to_numpy().tolist() == shifted(np.array([[120.0, 29.0]]), "GCJ-02", "WGS84").tolist()


@pytest.mark.parametrize(("crs", "message"), [
    (4549, 'but datum= says BD-09, which map services give in degrees; leave datum= out'),
    (4214, "of the datum Beijing 1954, and not of BD-09"),
])  # fmt: skip
def test_a_file_of_a_survey_is_not_of_a_map_service(tmp_path: Path, crs: int, message: str) -> None:
    frame = gpd.GeoDataFrame({"id": ["a"], "population": [5]}, geometry=gpd.points_from_xy([120.0], [29.0]), crs=4326)
    frame.to_crs(crs).to_file(tmp_path / "homes.gpkg")
    with pytest.raises(LayerError, match=message):
        read_layer(tmp_path / "homes.gpkg", "communities", datum="BD-09")
