"""Distances along the streets that anyone can add up, and as the crow flies."""

from __future__ import annotations

import logging
import math
import sys
from collections.abc import Callable
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as some

import siting as st
from siting.errors import LayerError, NetworkError, ProblemError
from siting.measure.travel import travel_in_parts

Make = Callable[..., Any]
Limits = some.integers(10_000, 900_000).map(lambda mm: mm / 1000)
Spots = some.lists(some.tuples(some.floats(-200, 700), some.floats(-200, 700)), min_size=1, max_size=5)


def costs(reach: st.Reach) -> dict[tuple[Any, Any], float]:
    table = reach.pairs()
    return dict(zip(zip(table["origin"], table["destination"], strict=True), table["cost"].tolist(), strict=True))


@pytest.mark.parametrize(
    ("start", "stop", "cost"),
    [
        ((0, 0), (500, 500), 1000.0),  # corner to corner
        ((100, 200), (400, 100), 400.0),
        ((0, 0), (0, 0), 0.0),  # the same place
        ((250, 0), (250, 0), 0.0),
        ((210, 0), (290, 0), 80.0),  # the same street
        ((250, 0), (250, 100), 200.0),  # the next street but one: round the block by either side
        ((230, 0), (230, 100), 160.0),  # the shorter side
        ((280, 0), (280, 100), 140.0),
        ((250, 0), (300, 50), 100.0),  # round one corner
        ((250, 20), (350, 0), 120.0),  # a door 20 m off the street
        ((250, 0), (350, 20), 120.0),
        ((250, 20), (350, 30), 150.0),  # both doors
        ((250, 20), (250, 20), 0.0),  # next door
        ((250, 20), (265, 20), 15.0),  # straight over the yard: 15 m, with 20 + 20 m to the street
        ((250, 20), (350, 20), 140.0),  # farther apart than both are from the street
        ((250, 20), (250, -20), 40.0),  # across the street
        ((-100, 0), (600, 0), 700.0),  # beyond the last corner
        ((-30, -40), (0, 0), 50.0),  # the straight way to a corner
    ],
)
def test_mental_arithmetic(
    town_network: st.Network, layer: Make, start: tuple[float, float], stop: tuple[float, float], cost: float
) -> None:
    a, b = layer({"a": start}), layer({"b": stop})
    for reach in (
        st.travel(town_network, a, b, metres=5000),
        st.travel(town_network, a, b, nearest=1),
        st.travel(town_network, town_network.locate(a), town_network.locate(b), metres=5000),
    ):
        assert costs(reach) == {("a", "b"): cost}
    assert costs(st.travel(town_network, b, a, metres=5000)) == {("b", "a"): cost}


def test_a_limit_is_inclusive(town_network: st.Network, layer: Make) -> None:
    a, b = layer({"a": (0, 0)}), layer({"on": (300, 0), "beyond": (300, 0.002), "before": (299.999, 0)})
    assert costs(st.travel(town_network, a, b, metres=300)) == {("a", "on"): 300.0, ("a", "before"): 299.999}
    assert costs(st.travel(town_network, a, b, metres=299.999)) == {("a", "before"): 299.999}
    assert len(st.travel(town_network, a, b, metres=299.998)) == 0


@pytest.mark.parametrize("millimetres", [10_001, 123_457, 333_333, 499_999])
def test_limits_that_binary_numbers_do_not_hold(town_network: st.Network, layer: Make, millimetres: int) -> None:
    a, b = layer({"a": (0, 0)}), layer({"b": (millimetres / 1000, 0)})
    assert costs(st.travel(town_network, a, b, metres=millimetres / 1000)) == {("a", "b"): millimetres / 1000}
    assert len(st.travel(town_network, a, b, metres=millimetres / 1000 - 0.001)) == 0


def test_a_pair_at_no_distance_is_a_pair(town_network: st.Network, layer: Make) -> None:
    reach = st.travel(town_network, layer({"a": (50, 0), "b": (500, 500)}), layer({"x": (50, 0)}), metres=100)
    matrix = reach.matrix()
    assert matrix.nnz == 1
    assert matrix.data.tolist() == [0.0]
    assert reach.nearest()["destination"].tolist() == ["x"]


def test_row_23_beyond_max_snap(town_network: st.Network, layer: Make, caplog: pytest.LogCaptureFixture) -> None:
    """Row 23: a facility far from any street is in no pair, and is named."""
    origins, facilities = layer({"a": (0, 0)}), layer({"near": (0, -200), "far": (0, -260)})
    with caplog.at_level(logging.WARNING, logger="siting"):
        reach = st.travel(town_network, origins, facilities, metres=1000)
    assert costs(reach) == {("a", "near"): 200.0}
    assert reach.destinations.tolist() == ["near", "far"]
    assert '"far"' in caplog.text
    assert costs(st.travel(town_network, origins, facilities, nearest=2)) == {("a", "near"): 200.0}
    assert costs(st.travel(town_network, facilities, origins, nearest=2)) == {("near", "a"): 200.0}
    assert len(st.travel(town_network, origins, facilities, metres=1000, max_snap=260)) == 2
    assert len(st.travel(town_network, origins, facilities, metres=1000, max_snap=100)) == 0


@pytest.mark.parametrize("metres", [0.5, 0, -300, 9.99, math.nan, math.inf, 1_000_001])
def test_row_26_implausible_metres(town_network: st.Network, layer: Make, metres: float) -> None:
    """Row 26: a radius of 0.5 is kilometres; the error says metres."""
    a = layer({"a": (0, 0)})
    with pytest.raises(ProblemError, match="give metres from 10 to 1,000,000"):
        st.travel(town_network, a, a, metres=metres)
    with pytest.raises(ProblemError, match="half a kilometre is 500"):
        st.straight_line(a, a, metres=metres)
    with pytest.raises(ProblemError, match="give metres"):
        st.service_areas(town_network, a, metres=[300, metres])


@pytest.mark.parametrize("minutes", [0.25, 0, -15, math.nan, math.inf, 900])
def test_row_26_implausible_minutes(town_network: st.Network, layer: Make, minutes: float) -> None:
    """Row 26: a quarter (of an hour), or the seconds of one, are no minutes."""
    a = layer({"a": (0, 0)})
    with pytest.raises(ProblemError, match=r"give minutes from 0.5 to 600"):
        st.travel(town_network, a, a, minutes=minutes)
    with pytest.raises(ProblemError, match=r"give minutes from 0.5 to 600"):
        st.straight_line(a, a, minutes=minutes)
    with pytest.raises(ProblemError, match=r"give minutes from 0.5 to 600"):
        st.service_areas(town_network, a, minutes=[5, minutes])


def test_one_limit_or_the_other(town_network: st.Network, layer: Make) -> None:
    a = layer({"a": (0, 0)})
    with pytest.raises(ProblemError, match="no limit"):
        st.travel(town_network, a, a)
    with pytest.raises(ProblemError, match="not both"):
        st.travel(town_network, a, a, metres=500, minutes=5)
    for nearest in (0, -1):
        with pytest.raises(ProblemError, match="ask for a whole number, 1 or more"):
            st.travel(town_network, a, a, nearest=nearest)
    with pytest.raises(ProblemError, match="no limit"):
        st.straight_line(a, a)


def test_minutes(town_network: st.Network, layer: Make) -> None:
    """An elder walks 825 m in 15 minutes; the limit is inclusive."""
    a, b = layer({"a": (0, 0)}), layer({"in": (500, 325), "out": (500, 325.001)})
    reach = st.travel(town_network, a, b, minutes=15, walk=st.Walk.elder())
    assert costs(reach) == {("a", "in"): 15.0}
    assert (reach.unit, reach.limit, reach.how) == ("min", 15.0, "streets, elder, 55 m/min")
    reach = st.travel(town_network, a, b, minutes=15)
    assert costs(reach) == {("a", "in"): 825 / 80, ("a", "out"): pytest.approx(10.3125125)}
    assert reach.how == "streets, adult, 80 m/min"
    assert len(st.travel(town_network, a, b, minutes=15, walk=st.Walk(54.99))) == 0
    assert costs(st.travel(town_network, a, b, minutes=20, nearest=1, walk=st.Walk(82.5))) == {("a", "in"): 10.0}


def test_metres_say_how_too(town_network: st.Network, layer: Make) -> None:
    a = layer({"a": (0, 0)})
    reach = st.travel(town_network, a, a, metres=500)
    assert (reach.unit, reach.limit, reach.nearest_only, reach.how) == ("m", 500.0, None, "streets")
    assert math.isinf(st.travel(town_network, a, a, nearest=3).limit)


def test_nearest(town_network: st.Network, layer: Make) -> None:
    homes = layer({"a": (0, 0), "b": (500, 500), "off": (-900, 0)})
    shops = layer({"x": (100, 0), "y": (300, 0), "z": (400, 500)})
    assert st.travel(town_network, homes, shops, nearest=2).pairs().to_numpy().tolist() == [
        ["a", "x", 100.0],
        ["a", "y", 300.0],
        ["b", "z", 100.0],
        ["b", "y", 700.0],
    ]
    one = st.travel(town_network, homes, shops, nearest=1)
    assert costs(one) == {("a", "x"): 100.0, ("b", "z"): 100.0}
    assert repr(one) == "<Reach: 3 origins × 3 destinations, 2 pairs the 1 nearest>"
    within = st.travel(town_network, homes, shops, nearest=2, metres=300)
    assert costs(within) == {("a", "x"): 100.0, ("a", "y"): 300.0, ("b", "z"): 100.0}
    assert repr(within) == "<Reach: 3 origins × 3 destinations, 3 pairs the 2 nearest within 300 m>"
    everything = st.travel(town_network, homes, shops, metres=100_000)
    for k in (3, 4, 10**9):
        assert costs(st.travel(town_network, homes, shops, nearest=k)) == costs(everything)


def test_ties_go_to_the_first(town_network: st.Network, layer: Make) -> None:
    """All four lie 100 m from the crossing; so do two at the same door."""
    spots = {"w": (100, 200), "e": (300, 200), "n": (200, 300), "s": (200, 100), "n2": (200, 300)}
    a = layer({"a": (200, 200)})
    for names in (list(spots), list(spots)[::-1], ["n2", "s", "w", "n", "e"]):
        shops = layer({name: spots[name] for name in names})
        for k in range(1, 6):
            assert st.travel(town_network, a, shops, nearest=k).pairs()["destination"].tolist() == names[:k]
        assert st.travel(town_network, a, shops, metres=100).nearest(5)["destination"].tolist() == names
        assert st.straight_line(a, shops, metres=100).nearest(5)["destination"].tolist() == names


def test_few_or_many_origins(sample_network: st.Network, sample: dict[str, gpd.GeoDataFrame]) -> None:
    """The smaller side does the searching: the answer is the same."""
    many, few = sample["communities"], sample["eldercare"].iloc[:5]
    assert len(many) > len(few)
    there = st.travel(sample_network, many, few, metres=1500)
    back = st.travel(sample_network, few, many, metres=1500)
    assert (there.matrix() != back.matrix().T).nnz == 0
    assert len(there) > 0
    for reach in (there, back):
        keys = list(zip(reach.origin, reach.cost, reach.destination, strict=True))
        assert keys == sorted(keys)


def test_polygons_as_origins(town_network: st.Network, layer: Make, at: Make) -> None:
    """An estate is entered from all streets that pass it: here 10 m north of one, in a block of 100 m."""
    corners = [at(140, 110), at(160, 110), at(160, 130), at(140, 130)]
    estate = layer({"estate": (0, 0)}).set_geometry([shapely.Polygon(corners)])
    shops = layer(
        {"front": (150, 100), "beside": (180, 100), "corner": (200, 100), "behind": (200, 120), "on": (600, 0)}
    )
    found = costs(st.travel(town_network, estate, shops, metres=700))
    assert found == {
        ("estate", "front"): 10.0,
        ("estate", "beside"): 10.0 + 20.0,
        ("estate", "corner"): 41.231,  # from the nearest corner of the estate, 40 m east and 10 m south of it
        ("estate", "behind"): 40.0,
        ("estate", "on"): 41.231 + 100 + 300 + 100,
    }


def test_an_estate_of_several_parts(town_network: st.Network, layer: Make, at: Make) -> None:
    """The nearest part counts."""
    parts = [shapely.box(*at(x, 110).coords[0], *at(x + 20, 130).coords[0]) for x in (40, 340)]
    estate = layer({"estate": (0, 0)}).set_geometry([shapely.MultiPolygon(parts)])
    found = costs(st.travel(town_network, estate, layer({"west": (50, 100), "east": (350, 100)}), metres=100))
    assert found == {("estate", "west"): 10.0, ("estate", "east"): 10.0}


def test_degrees_are_reprojected(town_network: st.Network, layer: Make) -> None:
    homes, shops = layer({"a": (0, 0), "b": (250, 30)}), layer({"x": (500, 500)})
    wanted = costs(st.travel(town_network, homes, shops, metres=2000))
    found = costs(st.travel(town_network, homes.to_crs("EPSG:4326"), shops.to_crs("EPSG:4490"), metres=2000))
    assert found == pytest.approx(wanted, abs=0.003)


def test_ids_must_be_unique(town_network: st.Network, layer: Make) -> None:
    twice = pd.concat([layer({"a": (0, 0)}), layer({"a": (1, 0)})])
    one = layer({"x": (0, 0)})
    for origins, destinations in ((twice, one), (one, twice)):
        with pytest.raises(NetworkError, match='"a"'):
            st.travel(town_network, origins, destinations, metres=500)
        with pytest.raises(ProblemError, match='occur twice: "a"'):
            st.straight_line(origins, destinations, metres=500)


def test_places_of_another_network(town_network: st.Network, streets: Make, layer: Make) -> None:
    """Places fit their own network only, whether it has fewer streets or more."""
    other = st.Network.from_streets(streets({"a": [(0, 0), (100, 0)], "b": [(100, 0), (400, 0)]}))
    a = layer({"a": (20, 0)})
    for home, visitor in ((town_network, other), (other, town_network)):
        with pytest.raises(NetworkError, match="another network"):
            st.travel(home, visitor.locate(layer({"a": (320, 0)})), a, metres=500)
        with pytest.raises(NetworkError, match="another network"):
            st.service_areas(home, visitor.locate(layer({"a": (320, 0)})), metres=300)
    nowhere = other.locate(layer({"off": (0, 5000)}))
    assert len(st.travel(town_network, nowhere, a, metres=500)) == 0


def test_layers_without_rows(town_network: st.Network, layer: Make) -> None:
    nothing, one = layer({}), layer({"a": (0, 0)})
    for origins, destinations in ((nothing, one), (one, nothing), (nothing, nothing)):
        for reach in (
            st.travel(town_network, origins, destinations, metres=500),
            st.travel(town_network, origins, destinations, nearest=2),
        ):
            assert len(reach) == 0
            assert reach.matrix().shape == (len(origins), len(destinations))
            assert reach.nearest().empty
    assert len(st.straight_line(nothing, one, metres=500)) == 0
    assert len(st.straight_line(one, nothing, metres=500)) == 0
    with pytest.raises(LayerError, match="no CRS fits"):
        st.straight_line(nothing, nothing, metres=500)


def test_numbers_as_ids(town_network: st.Network, layer: Make) -> None:
    homes, shops = layer({"a": (0, 0), "b": (300, 0)}), layer({"x": (100, 0)})
    homes.index, shops.index = [7, 3], [7]
    reach = st.travel(town_network, homes, shops, metres=500)
    assert costs(reach) == {(7, 7): 100.0, (3, 7): 200.0}
    assert reach.pairs()["origin"].dtype == np.int64


def test_inputs_are_not_changed(town_network: st.Network, layer: Make) -> None:
    homes = layer({"a": (0, 0), "b": (300, 7)}, population=[1, 2]).to_crs("EPSG:4326")
    before = homes.copy()
    st.travel(town_network, homes, homes, metres=500)
    st.straight_line(homes, homes, metres=500)
    pd.testing.assert_frame_equal(homes, before)


# As the crow flies


def test_straight_line(layer: Make) -> None:
    homes = layer({"a": (0, 0), "b": (300, 0)})
    shops = layer({"x": (30, 40), "y": (0, 0), "z": (300, 400)})
    reach = st.straight_line(homes, shops, metres=400)
    assert costs(reach) == {
        ("a", "y"): 0.0,
        ("a", "x"): 50.0,
        ("b", "x"): pytest.approx(math.hypot(270, 40), abs=0.0005),
        ("b", "y"): 300.0,
        ("b", "z"): 400.0,
    }
    assert (reach.unit, reach.limit, reach.how) == ("m", 400.0, "straight line")
    assert reach.matrix().nnz == 5
    assert len(st.straight_line(homes, shops, metres=399.999)) == 4


def test_straight_line_in_minutes(layer: Make) -> None:
    reach = st.straight_line(
        layer({"a": (0, 0)}), layer({"x": (825, 0), "y": (825.001, 0)}), minutes=15, walk=st.Walk.elder()
    )
    assert costs(reach) == {("a", "x"): 15.0}
    assert reach.how == "straight line, elder, 55 m/min"
    assert (reach.limit, reach.unit) == (15.0, "min")


def test_straight_line_in_a_given_crs(layer: Make) -> None:
    """The zone of 117°E is 2.7 degrees from the town; there the same way is longer by a factor of about 1.0008."""
    homes, shops = layer({"a": (0, 0)}), layer({"x": (300, 0)})
    (own,) = costs(st.straight_line(homes, shops, metres=400)).values()
    assert own == 300.0
    (other,) = costs(st.straight_line(homes, shops, metres=400, crs="EPSG:4548")).values()
    assert 300.1 < other < 300.4


def test_straight_line_of_degrees(layer: Make) -> None:
    homes, shops = layer({"a": (0, 0)}).to_crs("EPSG:4326"), layer({"x": (30, 40)})
    assert costs(st.straight_line(homes, shops, metres=100)) == {("a", "x"): pytest.approx(50.0, abs=0.002)}


def test_straight_line_of_polygons(layer: Make, at: Make) -> None:
    square = layer({"estate": (0, 0)}).set_geometry([shapely.Polygon([at(0, 0), at(20, 0), at(20, 20), at(0, 20)])])
    shops = layer({"x": (10, 110), "inside": (5, 5)})
    assert costs(st.straight_line(square, shops, metres=90)) == {("estate", "x"): 90.0, ("estate", "inside"): 0.0}
    assert costs(st.straight_line(shops, square, metres=89)) == {("inside", "estate"): 0.0}


def test_straight_line_without_a_place(layer: Make) -> None:
    frame = layer({"a": (0, 0), "b": (1, 0)})
    frame.loc["b", "geometry"] = None
    with pytest.raises(LayerError, match='no place: "b"'):
        st.straight_line(frame, layer({"x": (0, 0)}), metres=500)
    with pytest.raises(LayerError, match="CRS"):
        st.straight_line(layer({"x": (0, 0)}).set_crs(None, allow_override=True), frame, metres=500)


# What holds for any places


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(Spots, Spots)
def test_no_street_is_shorter_than_the_straight_line(
    town_network: st.Network, layer: Make, origins: list[tuple[float, float]], destinations: list[tuple[float, float]]
) -> None:
    a = layer({str(i): xy for i, xy in enumerate(origins)})
    b = layer({str(i): xy for i, xy in enumerate(destinations)})
    crow = costs(st.straight_line(a, b, metres=10_000))
    for pair, cost in costs(st.travel(town_network, a, b, metres=10_000, max_snap=1000)).items():
        assert crow[pair] <= cost + 0.005


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(Spots)
def test_distances_are_a_metric(town_network: st.Network, layer: Make, xy: list[tuple[float, float]]) -> None:
    places = layer({str(i): p for i, p in enumerate(xy)})
    far = np.rint(st.travel(town_network, places, places, metres=10_000, max_snap=1000).matrix().toarray() * 1000)
    np.testing.assert_array_equal(far, far.T)
    # Over the streets no detour is shorter; who walks straight to a neighbour may have a shorter way to the street.
    placed = town_network.locate(places, max_snap=1000)
    over = far >= np.add.outer(placed.free, placed.free)
    legs = np.where(over, far, np.inf)
    assert (far[:, None, :] <= legs[:, :, None] + legs[None, :, :]).all()


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(Spots, Spots, Limits, Limits)
def test_a_longer_limit_finds_no_less(
    town_network: st.Network, layer: Make, a: list[Any], b: list[Any], one: float, other: float
) -> None:
    homes, shops = layer({str(i): p for i, p in enumerate(a)}), layer({str(i): p for i, p in enumerate(b)})
    short = st.travel(town_network, homes, shops, metres=min(one, other))
    long = st.travel(town_network, homes, shops, metres=max(one, other))
    assert costs(short).items() <= costs(long).items()
    assert costs(long.within(min(one, other))) == costs(short)


def test_parts_hold_as_many_pairs_as_they_may(town_network: st.Network, layer: Make) -> None:
    """Three homes that each reach both shops: with 4 pairs two homes go into a part, with 3 or 1 one home."""
    homes, shops = layer({"a": (0, 0), "b": (100, 0), "c": (200, 0)}), layer({"x": (100, 0), "y": (200, 0)})
    whole = st.travel(town_network, homes, shops, metres=200).pairs()
    for pairs, sizes in ((4, [4, 2]), (3, [2, 2, 2]), (1, [2, 2, 2]), (6, [6])):
        parts = list(travel_in_parts(town_network, homes, shops, max_pairs=pairs, metres=200, threads=1))
        assert [len(part) for part in parts] == sizes
        assert pd.concat([part.pairs() for part in parts], ignore_index=True).equals(whole)
        assert {(part.limit, part.unit) for part in parts} == {(200.0, "m")}
    (part,) = travel_in_parts(town_network, homes, shops, minutes=2.5, walk=st.Walk(80))
    assert (part.limit, part.unit, len(part)) == (2.5, "min", 6)
    # Who walks 100 m in that time has one pair from `a`, and two from each of the others.
    slow = travel_in_parts(town_network, homes, shops, minutes=2.5, walk=st.Walk(40), max_pairs=3)
    assert [len(part) for part in slow] == [3, 2]
    (none,) = travel_in_parts(town_network, homes.iloc[:0], shops, metres=200)
    assert len(none) == 0


def test_parts_snap_as_far_as_they_may(town_network: st.Network, layer: Make) -> None:
    home, shop = layer({"a": (0, -60)}), layer({"x": (100, 0)})
    for max_snap, pairs in ((50.0, 0), (70.0, 1)):
        (part,) = travel_in_parts(town_network, home, shop, metres=500, max_snap=max_snap)
        assert len(part) == pairs


@pytest.mark.parametrize("at_a_time", [1, 7, 2**26])
def test_straight_lines_in_parts(monkeypatch: pytest.MonkeyPatch, at_a_time: int) -> None:
    """However many are found at a time: on a lattice of 100 m each inner point has five within 100 m."""
    monkeypatch.setattr(sys.modules["siting.measure.travel"], "PAIRS_AT_ONCE", at_a_time)
    at = [(500_000 + 100 * (i % 5), 3_380_000 + 100 * (i // 5)) for i in range(25)]
    points = gpd.GeoDataFrame(
        index=[f"p{i}" for i in range(25)], geometry=gpd.points_from_xy(*np.array(at).T), crs=4547
    )
    reach = st.straight_line(points, points, metres=100)
    assert len(reach) == 9 * 5 + 12 * 4 + 4 * 3
    assert reach.pairs().query("origin == 'p12'")["destination"].tolist() == ["p12", "p7", "p11", "p13", "p17"]
    none = st.straight_line(points.iloc[:0], points, metres=100)
    assert len(none) == 0


def test_too_many_straight_lines_are_refused() -> None:
    at = gpd.points_from_xy([500_000.0 + i for i in range(20)], [3_380_000.0] * 20)
    points = gpd.GeoDataFrame(index=[f"p{i}" for i in range(20)], geometry=at, crs=4547)
    assert len(st.straight_line(points, points, metres=100, max_pairs=400)) == 400
    with pytest.raises(ProblemError, match="more than max_pairs=399 pairs; lower the limit"):
        st.straight_line(points, points, metres=100, max_pairs=399)
    with pytest.raises(ProblemError, match='max_pairs is "all"; give a number'):
        st.straight_line(points, points, metres=100, max_pairs="all")  # type: ignore[arg-type]
