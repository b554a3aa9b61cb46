"""The offset of a wrong datum is found, named with its remedy, and nothing else is taken for one."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from pyproj import CRS

import siting as st
from siting.data import convert_datum, datum_offset
from siting.data.china_datums import shifted
from siting.data.datum_offsets import FEWEST, PAIRS, find_offset, read_as
from siting.errors import LayerError

LAYERS = ["communities", "childcare", "candidates"]
SERVICES = ["GCJ-02", "BD-09"]


@pytest.fixture
def shifted_from(sample: dict[str, Any]) -> Any:
    """Return a layer of the sample as a service would give it, without a word on its datum."""

    def make(name: str, datum: str) -> Any:
        frame = convert_datum(sample[name], "WGS84", datum)
        frame.attrs = dict(sample[name].attrs)
        return frame

    return make


@pytest.mark.parametrize("datum", SERVICES)
@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_of_the_sample_in_another_datum(
    sample: dict[str, Any], shifted_from: Any, name: str, datum: str
) -> None:
    found = datum_offset(shifted_from(name, datum), sample["streets"], names=(name, "streets"))
    assert found
    assert found.datums == (datum, "WGS84")
    assert found.read_as == {"layer": datum}
    assert found.metres == pytest.approx({"GCJ-02": 588, "BD-09": 1217}[datum], abs=3)
    assert str(found).startswith(
        f"{name}: lies {found.metres:,.0f} m from where it fits streets, as {datum} beside WGS84"
    )
    assert str(found).endswith(f'read it with datum="{datum}"')


@pytest.mark.parametrize("name", [*LAYERS, "eldercare"])
def test_the_sample_as_it_is_has_none(sample: dict[str, Any], name: str) -> None:
    found = datum_offset(sample[name], sample["streets"], names=(name, "streets"))
    assert not found
    assert (found.datums, found.metres, found.text) == (None, 0, "")
    assert str(found) == f"{name}: no offset of a datum beside streets, by {len(sample[name])} places"


@pytest.mark.parametrize("datum", SERVICES)
def test_streets_in_another_datum(sample: dict[str, Any], shifted_from: Any, datum: str) -> None:
    found = datum_offset(sample["communities"], shifted_from("streets", datum), names=("communities", "streets"))
    assert found.datums == ("WGS84", datum)
    assert found.read_as == {"near": datum}
    assert str(found).endswith(f'read streets with datum="{datum}"')


def test_each_service_beside_the_other(shifted_from: Any) -> None:
    for one, other in (SERVICES, SERVICES[::-1]):
        found = datum_offset(
            shifted_from("communities", one), shifted_from("streets", other), names=("layer", "streets")
        )
        assert found.datums == (one, other)
        assert str(found).endswith(f'read it with datum="{one}" and read streets with datum="{other}"')


@pytest.mark.parametrize("datum", SERVICES)
def test_a_layer_that_was_converted_without_need(sample: dict[str, Any], datum: str) -> None:
    spoiled = convert_datum(sample["communities"], datum)
    found = datum_offset(spoiled, sample["streets"], names=("layer", "streets"))
    assert found.read_as == {"layer": "WGS84"}
    assert str(found).endswith("read it without datum=")
    spoiled = convert_datum(sample["streets"], datum)
    found = datum_offset(sample["communities"], spoiled, names=("layer", "streets"))
    assert found.read_as == {"near": "WGS84"}
    assert str(found).endswith("read streets without datum=")


def test_a_layer_of_baidu_that_was_read_as_of_amap(sample: dict[str, Any], shifted_from: Any) -> None:
    wrong = convert_datum(shifted_from("communities", "BD-09"), "GCJ-02")
    found = datum_offset(wrong, sample["streets"])
    assert found.datums == ("BD-09", "GCJ-02")
    assert found.read_as == {"layer": "BD-09"}


def test_what_to_read_each_layer_with() -> None:
    gcj = {"from": "GCJ-02", "to": "WGS84"}
    assert read_as(("WGS84", "GCJ-02"), gcj) == {"layer": "WGS84"}
    assert read_as(("WGS84", "GCJ-02")) == {"near": "GCJ-02"}
    assert read_as(("WGS84", "BD-09"), gcj) == {"near": "BD-09"}
    assert read_as(("GCJ-02", "WGS84"), None, gcj) == {"near": "WGS84"}
    assert read_as(("GCJ-02", "WGS84"), "GCJ-02", 5) == {"layer": "GCJ-02"}


@pytest.mark.parametrize("datum", SERVICES)
def test_the_network_warns_where_places_are_put_on_it(
    sample: dict[str, Any], shifted_from: Any, datum: str, caplog: pytest.LogCaptureFixture
) -> None:
    network = st.Network.from_streets(sample["streets"])
    for name in LAYERS:
        network.locate(sample[name], name=name)
    assert caplog.text == ""
    network.locate(shifted_from("childcare", datum), name="nurseries", max_snap=5000)
    (message,) = [record.getMessage() for record in caplog.records if record.name.startswith("siting.network")]
    assert message.startswith("nurseries: lies ")
    assert message.endswith(f'; read it with datum="{datum}"')
    caplog.clear()
    network.locate(convert_datum(sample["communities"], datum), name="homes", max_snap=5000)
    assert caplog.records[-1].getMessage().endswith("; read it without datum=")


def test_travel_warns_with_the_name_of_the_layer(
    sample: dict[str, Any], shifted_from: Any, caplog: pytest.LogCaptureFixture
) -> None:
    network = st.Network.from_streets(sample["streets"])
    st.travel(network, sample["communities"], shifted_from("candidates", "BD-09"), metres=500)
    assert "destinations: lies 1,217 m from where it fits the streets, as BD-09 beside WGS84" in caplog.text
    assert "origins: lies" not in caplog.text


# Layers without a relation to the streets


@pytest.fixture(scope="module")
def town() -> tuple[Any, Any]:
    """Streets 120 to 400 m apart in metres of a zone in Zhejiang, and the distance to the nearest."""
    chance = np.random.default_rng(5)
    x, y = (np.cumsum(chance.uniform(120, 400, 25)) for _ in range(2))
    lines = [shapely.LineString([(a, 0), (a, y[-1])]) for a in x] + [
        shapely.LineString([(0, b), (x[-1], b)]) for b in y
    ]
    lines = shapely.transform(lines, lambda xy: xy + np.array([500_000, 3_210_000]))
    tree = shapely.STRtree(lines)

    def metres_to(xy: Any) -> Any:
        at = shapely.points(xy)
        return shapely.distance(at, np.asarray(lines)[tree.nearest(at)])

    return lines, metres_to


ZONE = CRS.from_epsg(4549)


def doors(lines: Any, count: int, seed: int, low: float = 5, high: float = 60) -> Any:
    """Places beside streets, at *low* to *high* metres."""
    chance = np.random.default_rng(seed)
    line = np.asarray(lines)[chance.integers(len(lines), size=count)]
    on = shapely.get_coordinates(shapely.line_interpolate_point(line, chance.uniform(0.2, 0.8, count), normalized=True))
    across = shapely.bounds(line)[:, 0] == shapely.bounds(line)[:, 2]
    step = chance.uniform(low, high, count) * chance.choice([-1, 1], count)
    return on + np.where(across, (step, 0 * step), (0 * step, step)).T


def moved(xy: Any, source: Any, target: Any) -> Any:
    frame = gpd.GeoSeries.from_xy(*xy.T, crs=ZONE).to_crs(4326)
    lonlat = shifted(frame.get_coordinates().to_numpy(), source, target)
    return gpd.GeoSeries.from_xy(*lonlat.T, crs=4326).to_crs(ZONE).get_coordinates().to_numpy()


@pytest.mark.parametrize("pair", PAIRS)
def test_each_pair_of_datums_is_told_from_the_others(town: Any, pair: Any) -> None:
    lines, metres_to = town
    mine, others = pair
    for seed in range(2):
        found = find_offset(moved(doors(lines, 400, seed), others, mine), ZONE, metres_to)
        assert found is not None
        assert found.datums == pair
        assert found.moved < 34 < found.as_is


@pytest.mark.parametrize("count", [10, 30, 100, 400])
def test_layers_without_a_wrong_datum_have_none(town: Any, count: int) -> None:
    lines, metres_to = town
    west, south, east, north = shapely.total_bounds(lines)
    for seed in range(6):
        chance = np.random.default_rng(seed)
        anywhere = chance.uniform((west, south), (east, north), (count, 2))
        step = chance.choice([100, 250, 500])
        grid = np.array([(k % 20, k // 20) for k in range(count)]) * step + (west + 500, south + 500)
        estates = doors(lines, 4, seed)[chance.integers(4, size=count)] + chance.normal(0, 250, (count, 2))
        half_off = doors(lines, count, seed) + np.where(chance.random((count, 1)) < 0.5, (0, 0), (east - west, 0))
        for places in (
            doors(lines, count, seed),
            doors(lines, count, seed, 60, 200),
            anywhere,
            grid,
            estates,
            half_off,
        ):
            assert find_offset(places, ZONE, metres_to) is None


def test_an_offset_of_another_direction_is_none_of_a_datum(town: Any) -> None:
    lines, metres_to = town
    places = doors(lines, 400, 1)
    for degrees in (45, 90, 135, 225, 270):
        back = moved(places, "WGS84", "GCJ-02") - places
        angle = np.radians(degrees)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        assert find_offset(places + back @ turn.T, ZONE, metres_to) is None


def test_few_places_and_places_on_one_spot_are_not_judged(town: Any) -> None:
    lines, metres_to = town
    places = moved(doors(lines, 400, 2), "WGS84", "BD-09")
    assert find_offset(places[: FEWEST - 1], ZONE, metres_to) is None
    assert find_offset(np.repeat(places[:5], 100, axis=0), ZONE, metres_to) is None


def test_the_order_of_the_places_does_not_matter(town: Any) -> None:
    lines, metres_to = town
    places = moved(doors(lines, 1200, 2), "WGS84", "GCJ-02")
    assert find_offset(places, ZONE, metres_to) == find_offset(places[::-1], ZONE, metres_to)


def test_abroad_and_in_other_datums_there_is_none(town: Any) -> None:
    lines, metres_to = town
    places = moved(doors(lines, 400, 2), "WGS84", "BD-09")
    for crs in (CRS.from_epsg(32652), CRS.from_epsg(2437)):  # Seoul, Beijing 1954
        assert find_offset(places, crs, metres_to) is None or crs.to_epsg() != 2437
    seoul = CRS.from_proj4("+proj=tmerc +lat_0=37.5 +lon_0=127 +x_0=502000 +y_0=3212000 +datum=WGS84")
    assert find_offset(places, seoul, metres_to) is None


def test_layers_beside_each_other(sample: dict[str, Any], shifted_from: Any) -> None:
    homes = sample["communities"]
    doors_of = gpd.GeoSeries(homes.representative_point(), crs=homes.crs)
    moved_doors = convert_datum(doors_of, "WGS84", "GCJ-02")
    moved_doors.attrs = {}
    found = datum_offset(moved_doors, homes, names=("layer", "homes"))
    assert found.datums == ("GCJ-02", "WGS84")
    assert not datum_offset(doors_of, homes)


def test_layers_that_cannot_be_compared(sample: dict[str, Any]) -> None:
    streets = sample["streets"]
    with pytest.raises(LayerError, match="homes: has no row with a place"):
        datum_offset(sample["communities"].iloc[:0], streets, names=("homes", "streets"))
    with pytest.raises(LayerError, match="has no CRS"):
        datum_offset(sample["communities"].set_crs(None, allow_override=True), streets, names=("homes", "streets"))
    with pytest.raises(LayerError, match="is a str, not a layer"):
        datum_offset("homes.gpkg", streets)


def block(shift: Any = (0, 0)) -> Any:
    """30 places 26 m apart, moved from where they are in WGS 84 to where GCJ-02 has them."""
    places = np.array([(x, y) for x in range(6) for y in range(5)]) * 26.0 + (520_000, 3_210_000)
    return moved(places, "WGS84", "GCJ-02") + shift


MIDDLE = np.array([520_065.0, 3_210_052.0])
GCJ = ("GCJ-02", "WGS84")


def test_nearer_than_every_control() -> None:
    """20 m where GCJ-02 explains the places, 100 m elsewhere, but 15 m at one control."""
    metres = float(np.hypot(*(block() - moved(block(), *GCJ)).T).mean())
    control = MIDDLE + np.array([1.2 * metres, 0])

    def with_control(xy: Any) -> Any:
        found = np.where(np.hypot(*(xy - MIDDLE).T) < 100, 20.0, 100.0)
        return np.where(np.hypot(*(xy - control).T) < 100, 15.0, found)

    assert find_offset(block(), ZONE, with_control) is None
    found = find_offset(block(), ZONE, lambda xy: np.where(np.hypot(*(xy - MIDDLE).T) < 100, 20.0, 100.0))
    assert found is not None
    assert found == (GCJ, pytest.approx(metres, abs=0.1), 100, 20)


def test_far_nearer_than_the_controls_on_average() -> None:
    """20 m where GCJ-02 explains the places, and from 21 to 100 m around, by direction."""

    def by_direction(xy: Any) -> Any:
        east, north = (xy - MIDDLE).T
        around = 21 + 79 * abs(np.arctan2(north, east) - 2.5) / 6
        return np.where(np.hypot(east, north) < 100, 20.0, np.where(np.hypot(east, north) < 545, around, 100.0))

    assert find_offset(block(), ZONE, by_direction) is None


def test_the_least_number_of_places() -> None:
    def near_the_middle(xy: Any) -> Any:
        return np.where(np.hypot(*(xy - MIDDLE).T) < 100, 20.0, 100.0)

    assert find_offset(block()[:9], ZONE, near_the_middle) is None
    assert find_offset(block()[:10], ZONE, near_the_middle) is not None
