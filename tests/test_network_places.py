"""Points located on streets."""

from __future__ import annotations

import dataclasses
import logging
import math
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
from siting.errors import LayerError, NetworkError
from siting.network import Places

Make = Callable[..., Any]


def ways(places: Places) -> list[tuple[int, int, int]]:
    """Door and the ways to either end of the edge, mm; the shorter end first."""
    ends = zip(places.to_u.tolist(), places.to_v.tolist(), strict=True)
    return [(door, *sorted(end)) for door, end in zip(places.door.tolist(), ends, strict=True)]


@pytest.mark.slow
def test_where_places_lie(town_network: st.Network, layer: Make) -> None:
    places = town_network.locate(
        layer(
            {
                "corner": (100, 100),
                "mid": (250, 100),
                "off": (330, 112.5),
                "outside": (-30, -40),
                "third": (500, 33.3333),
            }
        )
    )
    assert ways(places) == [
        (0, 0, 100_000),
        (0, 50_000, 50_000),
        (12_500, 30_000, 70_000),
        (50_000, 0, 100_000),
        (0, 33_333, 66_667),
    ]
    assert places.ids.tolist() == ["corner", "mid", "off", "outside", "third"]
    assert len(places) == 5
    np.testing.assert_array_equal(places.u, town_network.u[places.edge])
    np.testing.assert_array_equal(places.v, town_network.v[places.edge])
    np.testing.assert_array_equal(places.to_u + places.to_v, town_network.cost[places.edge])
    assert town_network.edges.index[places.edge[[1, 2, 4]]].tolist() == ["h21", "h31", "v50"]
    assert places.snap.tolist() == [0, 0, 12.5, 50, 0]
    assert repr(places) == "<Places: 5 points, longest way to a street 50 m, 0 beyond 250 m>"


def test_places_are_frozen(town_network: st.Network, layer: Make) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        town_network.locate(layer({"a": (0, 0)})).door = np.zeros(1, np.int32)


def test_row_23_far_from_any_street(town_network: st.Network, layer: Make, caplog: pytest.LogCaptureFixture) -> None:
    """Row 23: beyond max_snap a place is on no street, and named in the log and in off_street."""
    frame = layer({"near": (0, -250), "far": (0, -250.1), "lost": (-5000, 0)})
    with caplog.at_level(logging.WARNING, logger="siting"):
        places = town_network.locate(frame)
    assert places.edge.tolist()[1:] == [-1, -1]
    assert places.edge[0] >= 0
    assert places.off_street.round(6).to_dict() == {"far": 250.1, "lost": 5000.0}
    assert "places: 2 of 3 lie more than 250 m from any street" in caplog.text
    assert '"far", "lost"' in caplog.text
    assert repr(places) == "<Places: 3 points, longest way to a street 250 m, 2 beyond 250 m>"


def test_row_23_a_longer_way_can_be_allowed(
    town_network: st.Network, layer: Make, caplog: pytest.LogCaptureFixture
) -> None:
    """Row 23: max_snap decides, and it is inclusive."""
    frame = layer({"far": (0, -300)})
    assert town_network.locate(frame, max_snap=300).off_street.empty
    assert town_network.locate(frame, max_snap=math.inf).door.tolist() == [300_000]
    assert not caplog.records
    assert town_network.locate(frame, max_snap=299.9).off_street.index.tolist() == ["far"]


def test_a_door_on_another_continent(town_network: st.Network, layer: Make) -> None:
    """The way is longer than 32 bits of millimetres hold; it must not come out negative."""
    frame = layer({"far": (-2_500_000, 0), "near": (0, 0)})
    places = town_network.locate(frame, max_snap=math.inf)
    assert (places.door >= 0).all()
    assert st.travel(town_network, places, places, metres=1_000_000).pairs()["cost"].tolist() == [0, 0]
    assert st.travel(town_network, places, places, nearest=2).pairs()["cost"].tolist() == [0, 0]


@pytest.mark.parametrize("max_snap", [0, -1, math.nan])
def test_max_snap_must_be_metres(town_network: st.Network, layer: Make, max_snap: float) -> None:
    with pytest.raises(NetworkError, match="give metres from 10 to 1,000,000"):
        town_network.locate(layer({"a": (0, 0)}), max_snap=max_snap)


def test_ids_must_be_unique(town_network: st.Network, layer: Make) -> None:
    frame = pd.concat([layer({"a": (0, 0), "b": (1, 0)}), layer({"a": (2, 0)})])
    with pytest.raises(NetworkError, match='ids occur more than once: "a"; every id must be unique'):
        town_network.locate(frame)


def test_a_layer_without_crs(town_network: st.Network, layer: Make) -> None:
    with pytest.raises(LayerError, match="CRS"):
        town_network.locate(layer({"a": (0, 0)}).set_crs(None, allow_override=True))


@pytest.mark.parametrize("void", [None, shapely.Point(), shapely.Point(math.nan, 1), shapely.Polygon()], ids=repr)
def test_rows_without_a_place(town_network: st.Network, layer: Make, void: Any) -> None:
    frame = layer({"a": (0, 0), "b": (1, 0), "c": (2, 0)})
    frame.geometry = gpd.GeoSeries(
        [frame.geometry.iloc[0], void, frame.geometry.iloc[2]], index=frame.index, crs=frame.crs
    )
    with pytest.raises(LayerError, match=r'1 of 3 rows have (no place|coordinates that are NaN or infinite): "b"'):
        town_network.locate(frame)
    with pytest.raises(LayerError):
        town_network.locate(frame.to_crs("EPSG:4326"))


def test_nothing_to_locate(town_network: st.Network, layer: Make) -> None:
    places = town_network.locate(layer({}))
    assert len(places) == 0
    assert places.off_street.empty
    assert "0 points" in repr(places)


def test_degrees_are_reprojected(town_network: st.Network, layer: Make) -> None:
    frame = layer({"a": (120, 7), "b": (310, 460)})
    np.testing.assert_allclose(
        ways(town_network.locate(frame.to_crs("EPSG:4326"))), ways(town_network.locate(frame)), atol=1
    )


def test_input_is_not_changed(town_network: st.Network, layer: Make) -> None:
    frame = layer({"a": (0, 0)}, name=["x"])
    before = frame.copy()
    town_network.locate(frame)
    pd.testing.assert_frame_equal(frame, before)


def test_a_point_before_a_crossing_is_on_one_of_its_streets(town_network: st.Network, layer: Make) -> None:
    """Which one does not matter, but it is the same in every run."""
    places = [town_network.locate(layer({"a": (200, 200)})).edge[0] for _ in range(3)]
    assert len(set(places)) == 1
    assert ways(town_network.locate(layer({"a": (200, 200)}))) == [(0, 0, 100_000)]


def test_streets_of_no_length(streets: Make, layer: Make) -> None:
    lines = {"dot": [(0, 0), (0, 0)], "a": [(0, 0), (100, 0)]}
    network = st.Network.from_streets(streets(lines, length=[0.0, 100.0]))
    places = network.locate(layer({"before": (-10, 0)}))
    assert ways(places) == [(10_000, 0, 0 if network.edges.index[places.edge[0]] == "dot" else 100_000)]


def test_edges_of_no_length_between_nodes_apart(at: Make, layer: Make) -> None:
    (x, y), edges = zip(*[at(*xy).coords[0] for xy in ((0, 0), (100, 0), (100, 50))], strict=True), ([0, 1], [1, 2])
    network = st.Network.from_arrays(x, y, *edges, crs=layer({}).crs, length=[100.0, 0.0])
    assert ways(network.locate(layer({"beside": (110, 25)}))) == [(10_000, 0, 0)]


def test_a_dot_that_has_a_length(streets: Make, layer: Make) -> None:
    """An edge drawn as a point but 30 m long, as a lift may be: places on it are at its start."""
    network = st.Network.from_streets(
        streets({"lift": [(0, 0), (0, 0)], "a": [(5, 0), (105, 0)]}, length=[30.0, 100.0])
    )
    assert ways(network.locate(layer({"p": (-1, 0)}))) == [(1000, 0, 30_000)]


def test_given_lengths_are_shared_along_the_line(streets: Make, layer: Make) -> None:
    network = st.Network.from_streets(streets({"steep": [(0, 0), (60, 0), (60, 40)]}, length=[150.0]))
    assert ways(network.locate(layer({"p": (60, 20)}))) == [(0, 30_000, 120_000)]


def test_places_at_nodes(town_network: st.Network) -> None:
    places = town_network.places_at_nodes()
    assert places.ids.equals(town_network.nodes)
    assert (places.door == 0).all()
    at = np.where(places.to_u == 0, places.u, places.v)
    assert at.tolist() == list(range(36))
    some_nodes = town_network.places_at_nodes(town_network.nodes[[7, 3]])
    assert some_nodes.ids.tolist() == town_network.nodes[[7, 3]].tolist()
    with pytest.raises(st.errors.NetworkError, match="999"):
        town_network.places_at_nodes(pd.Index([999]))


def test_some_of_the_places(town_network: st.Network, layer: Make) -> None:
    places = town_network.locate(layer({"a": (30, 10), "off": (-900, 0), "b": (60, 0)}))
    some_places = places.select(pd.Index(["b", "off"]))
    assert some_places.ids.tolist() == ["b", "off"]
    assert ways(some_places)[0] == ways(places)[2]
    assert some_places.off_street.index.tolist() == ["off"]
    with pytest.raises(st.errors.NetworkError, match="nobody"):
        places.select(pd.Index(["a", "nobody"]))
    assert places.select(["b"]).ids.tolist() == ["b"]
    with pytest.raises(NetworkError, match=r'give several, such as \["b"\]'):
        places.select("b")


def test_places_put_together(town_network: st.Network, layer: Make) -> None:
    a, b = town_network.locate(layer({"a": (30, 10)})), town_network.locate(layer({"b": (60, 0)}), max_snap=20)
    both = a + b
    assert both.ids.tolist() == ["a", "b"]
    assert ways(both) == ways(a) + ways(b)
    assert both.max_snap == 250
    with pytest.raises(ValueError, match="share ids"):
        a + a
    with pytest.raises(NetworkError, match="not a GeoDataFrame; locate the layer first"):
        a + layer({"c": (60, 0)})


def test_shapes_that_count_at_one_point_are_told(
    town_network: st.Network, layer: Make, caplog: pytest.LogCaptureFixture
) -> None:
    """Lines, and points of which there are several in one row; one point or polygon in a collection of one is it."""
    x, y = layer({"a": (30, 10)}).geometry.iloc[0].coords[0]
    shapes = [shapely.MultiPoint([(x, y), (x + 300, y)]), shapely.MultiPoint([(x, y)]), shapely.box(x, y, x + 5, y + 5)]
    shapes.append(shapely.LineString([(x, y), (x + 300, y)]))
    frame = gpd.GeoDataFrame(geometry=shapes, index=["two", "one", "yard", "line"], crs=town_network.crs)
    with caplog.at_level(logging.WARNING, "siting"):
        town_network.locate(frame)
    assert '2 of 4 are neither a point nor a polygon, and count at one point of theirs: "two", "line"' in caplog.text


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(some.lists(some.tuples(some.floats(-200, 700), some.floats(-200, 700)), min_size=1, max_size=8))
def test_the_nearest_point_of_the_nearest_street(
    town_network: st.Network, layer: Make, xy: list[tuple[float, float]]
) -> None:
    """On the lattice the nearest street is found by rounding, without any geometry."""
    places = town_network.locate(layer({str(i): p for i, p in enumerate(xy)}), max_snap=1000)
    for (x, y), door in zip(xy, places.snap, strict=True):
        inside_x, inside_y = min(max(x, 0), 500), min(max(y, 0), 500)
        to_vertical = math.hypot(x - 100 * round(inside_x / 100), y - inside_y)
        to_horizontal = math.hypot(x - inside_x, y - 100 * round(inside_y / 100))
        assert door == pytest.approx(min(to_vertical, to_horizontal), abs=1e-6)
    assert (places.to_u >= 0).all()
    assert (places.to_v >= 0).all()
