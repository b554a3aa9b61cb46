"""Lines cut where they meet."""

from __future__ import annotations

import itertools
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
from siting.errors import LayerError
from siting.network.splitting import split_streets

Make = Callable[..., Any]
CRS = "EPSG:4547"
X0, Y0 = 530_000.0, 3_380_000.0


def parts(frame: gpd.GeoDataFrame) -> dict[str, float]:
    return frame.length.round(6).to_dict()


def test_lines_that_cross_are_cut_at_the_crossing(streets: Make) -> None:
    cut = split_streets(streets({"h": [(0, 50), (100, 50)], "v": [(30, 0), (30, 100)]}, highway=["a", "b"]))
    assert parts(cut) == {"h-1": 30, "h-2": 70, "v-1": 50, "v-2": 50}
    assert cut["highway"].tolist() == ["a", "a", "b", "b"]
    assert cut["split_from"].tolist() == ["h", "h", "v", "v"]
    assert cut.index.name == "id"
    assert cut.crs == CRS
    assert st.Network.from_streets(cut).n_components == 1


def test_lines_apart_stay_as_they_are(streets: Make) -> None:
    frame = streets({"a": [(0, 0), (100, 0), (100, 50)], "b": [(100, 50), (200, 50)], "c": [(0, 0.002), (50, 0.002)]})
    cut = split_streets(frame)
    assert cut.index.tolist() == ["a", "b", "c"]
    assert cut.geometry.geom_equals(frame.geometry).all()


def test_an_end_on_a_line_cuts_it(streets: Make) -> None:
    cut = split_streets(streets({"a": [(0, 0), (100, 0)], "b": [(40, 0), (40, 9)]}))
    assert parts(cut) == {"a-1": 40, "a-2": 60, "b": 9}


@pytest.mark.parametrize(
    ("gap", "pieces"),
    [(0, ["a-1", "a-2", "b"]), (0.0005, ["a-1", "a-2", "b"]), (-0.0005, ["a-1", "a-2", "b"]), (0.0015, ["a", "b"]),
     (-0.0015, ["a-1", "a-2", "b-1", "b-2"])],
)  # fmt: skip
def test_an_end_closer_than_a_millimetre_is_on_the_line(streets: Make, gap: float, pieces: list[str]) -> None:
    """What falls short by more stays apart; what runs over by more leaves a stub."""
    cut = split_streets(streets({"a": [(0, 0), (100, 0)], "b": [(40, gap), (40, 9)]}))
    assert cut.index.tolist() == pieces
    assert st.Network.from_streets(cut).n_components == (2 if pieces == ["a", "b"] else 1)


def test_shared_vertices(streets: Make) -> None:
    cut = split_streets(streets({"a": [(0, 0), (50, 0), (50, 50)], "b": [(100, 0), (50, 0), (50, -50)]}))
    assert parts(cut) == {"a-1": 50, "a-2": 50, "b-1": 50, "b-2": 50}


def test_lines_on_top_of_each_other_are_both_kept(streets: Make) -> None:
    """From 40 to 100 both run; each is cut where the other begins or ceases."""
    cut = split_streets(streets({"a": [(0, 0), (100, 0)], "b": [(40, 0), (160, 0)]}))
    assert parts(cut) == {"a-1": 40, "a-2": 60, "b-1": 60, "b-2": 60}
    assert cut.geometry["a-2"].equals(cut.geometry["b-1"])
    same = split_streets(streets({"a": [(0, 0), (100, 0)], "b": [(100, 0), (0, 0)]}))
    assert parts(same) == {"a": 100, "b": 100}


def test_a_line_that_crosses_itself(streets: Make) -> None:
    eight = streets({"e": [(0, 0), (100, 0), (100, 50), (50, 50), (50, -50)]})
    assert parts(split_streets(eight)) == {"e-1": 50, "e-2": 50 + 50 + 50 + 50, "e-3": 50}


def test_a_line_that_turns_back_on_itself(streets: Make) -> None:
    """To (100, 0), and 40 m back: the stretch from 60 to 100 is there twice."""
    assert parts(split_streets(streets({"s": [(0, 0), (100, 0), (60, 0)]}))) == {"s-1": 60, "s-2": 40, "s-3": 40}


def test_a_closed_line(streets: Make) -> None:
    ring = [(0, 0), (100, 0), (100, 100), (0, 100), (0, 0)]
    assert parts(split_streets(streets({"r": ring}))) == {"r": 400}
    cut = split_streets(streets({"r": ring, "a": [(-50, 50), (0, 50)]}))
    assert parts(cut) == {"r-1": 350, "r-2": 50, "a": 50}


def test_three_lines_through_one_place_have_one_corner(streets: Make) -> None:
    cut = split_streets(streets({"a": [(0, 0), (90, 90)], "b": [(0, 90), (90, 0)], "c": [(0, 10), (90, 80)]}))
    assert len(cut) == 6
    assert len(st.Network.from_streets(cut).x) == 7


# Levels


BRIDGE = {"under": [(0, 50), (100, 50)], "over": [(50, 0), (50, 100)]}


@pytest.mark.parametrize(
    ("columns", "joined"),
    [
        ({}, True),
        ({"bridge": [None, "yes"]}, False),
        ({"bridge": ["no", "viaduct"]}, False),
        ({"bridge": [False, True]}, False),
        ({"bridge": ["yes", "yes"]}, True),
        ({"tunnel": ["yes", None]}, False),
        ({"tunnel": ["culvert", "no"], "bridge": [None, "yes"]}, False),
        ({"layer": [0, 1]}, False),
        ({"layer": [None, "1"]}, False),
        ({"layer": ["-1", "-1"]}, True),
        ({"layer": [1, 1], "bridge": ["yes", None]}, True),  # the number counts
        ({"layer": [None, "ground"], "bridge": [None, "no"]}, True),
        ({"bridge": [None, ["yes", "no"]]}, False),
    ],
)
def test_levels(streets: Make, columns: dict[str, Any], joined: bool) -> None:
    assert len(split_streets(streets(BRIDGE, **columns))) == (4 if joined else 2)


def test_a_bridge_is_joined_where_it_ends(streets: Make) -> None:
    """The bridge lands in the middle of one street and at the end of another, and crosses a third."""
    lines = {
        "bridge": [(0, 0), (100, 0)], "side": [(0, -50), (0, 50)], "on": [(100, 0), (200, 0)],
        "under": [(50, -9), (50, 9)],
    }  # fmt: skip
    cut = split_streets(streets(lines, layer=[1, 0, 0, 0]))
    assert parts(cut) == {"bridge": 100, "side-1": 50, "side-2": 50, "on": 100, "under": 18}
    assert st.Network.from_streets(cut).n_components == 2


def test_a_vertex_of_a_bridge_above_a_vertex_of_a_street_is_no_joint(streets: Make) -> None:
    lines = {"under": [(0, 50), (50, 50), (100, 50)], "over": [(50, 0), (50, 50), (50, 100)]}
    assert len(split_streets(streets(lines, bridge=[None, "yes"]))) == 2


# Columns and ids


def test_lengths_are_shared_out(streets: Make) -> None:
    lines = {"h": [(0, 50), (100, 50)], "v": [(30, 0), (30, 100)], "far": [(500, 0), (510, 0)]}
    frame = streets(lines, length=[110.0, np.nan, 12.0], rise=[10.0, 0.0, 1.0])
    cut = split_streets(frame)
    assert cut["length"].round(9).fillna(-1).to_dict() == {"h-1": 33, "h-2": 77, "v-1": -1, "v-2": -1, "far": 12}
    assert cut["rise"].round(9).to_dict() == {"h-1": 3, "h-2": 7, "v-1": 0, "v-2": 0, "far": 1}


def test_ids_that_are_taken_already(streets: Make) -> None:
    cut = split_streets(streets({"a": [(0, 0), (100, 0)], "a-1": [(50, -50), (50, 50)]}))
    assert cut.index.tolist() == ["a-1", "a-2", "a-1-1", "a-1-2"]
    cut = split_streets(streets({"a": [(0, 0), (100, 0)], "b": [(50, -50), (50, 50)], "a-1": [(0, 90), (9, 90)]}))
    assert cut.index.tolist() == ["a--1", "a--2", "b--1", "b--2", "a-1"]
    assert cut["split_from"].tolist() == ["a", "a", "b", "b", "a-1"]


def test_number_ids_become_text(streets: Make) -> None:
    frame = streets({"a": [(0, 0), (100, 0)], "b": [(50, -50), (50, 50)], "c": [(0, 90), (9, 90)]})
    assert split_streets(frame.set_axis([7, 8, 9])).index.tolist() == ["7-1", "7-2", "8-1", "8-2", "9"]


def raised(*lines: list[tuple[float, ...]]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(geometry=[shapely.LineString(line) for line in lines], crs=CRS)


def test_pieces_keep_their_heights() -> None:
    """Halfway along a line that climbs from 1 to 2 m it is 1.5 m; the other line has no heights and gets none."""
    cut = split_streets(raised([(0, 50), (100, 50)], [(30, 0, 1), (30, 100, 2)]))
    assert [shapely.get_coordinates(line, include_z=line.has_z).tolist() for line in cut.geometry] == [
        [[0, 50], [30, 50]],
        [[30, 50], [100, 50]],
        [[30, 0, 1], [30, 50, 1.5]],
        [[30, 50, 1.5], [30, 100, 2]],
    ]


@pytest.mark.parametrize(("above", "pieces"), [(3.0, 4), (3.01, 2), (-3.01, 2), (12.0, 2), (np.nan, 4)])
def test_lines_above_each_other_do_not_meet(above: float, pieces: int) -> None:
    """At the crossing one line is at 7.5 m, halfway from 5 to 10, the other 3 m or more above, or nobody knows."""
    low, high = [(0, 50, 5), (100, 50, 10)], [(50, 0, 7.5 + above), (50, 100, 7.5 + above)]
    assert len(split_streets(raised(low, high))) == pieces


@pytest.mark.parametrize(("above", "pieces"), [(2.0, 3), (12.0, 2)])
def test_an_end_above_a_line_is_no_joint(above: float, pieces: int) -> None:
    assert len(split_streets(raised([(0, 50, 5), (100, 50, 5)], [(40, 50, 5 + above), (40, 90, 5)]))) == pieces


def test_the_input_is_not_changed(streets: Make) -> None:
    frame = streets({"h": [(0, 50), (100, 50)], "v": [(30, 0), (30, 100)]}, length=[100.0, 100.0])
    before = frame.copy()
    split_streets(frame)
    pd.testing.assert_frame_equal(frame, before)


def test_an_empty_layer(streets: Make) -> None:
    assert len(split_streets(streets({"a": [(0, 0), (1, 0)]}).iloc[:0])) == 0


def test_what_cannot_be_split(streets: Make) -> None:
    """The layer is checked before it is split."""
    frame = streets({"a": [(0, 0), (100, 0)], "b": [(50, -50), (50, 50)]})
    wrong = {
        "has no CRS": frame.set_crs(None, allow_override=True),
        'more than once: "a"': frame.set_axis(["a", "a"]),
        "takes LineString, not Point": frame.set_geometry([frame.geometry.iloc[0], shapely.Point(0, 0)], crs=CRS),
        'no geometry.*: "b"': frame.set_geometry([frame.geometry.iloc[0], shapely.LineString()], crs=CRS),
    }
    for message, layer in wrong.items():
        with pytest.raises(LayerError, match=message):
            st.Network.from_streets(layer, split=True)


def test_the_cuts_are_told(streets: Make, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", logger="siting.network.splitting"):
        split_streets(streets({"h": [(0, 50), (100, 50)], "v": [(30, 0), (30, 100)], "c": [(0, 90), (9, 90)]}))
    assert caplog.messages == ["2 of 3 lines are cut where they meet, into 4"]


# Against brute force


corner = some.tuples(some.integers(0, 9), some.integers(0, 9))


def no_standstill(line: list[tuple[int, int]]) -> bool:
    return all(a != b for a, b in itertools.pairwise(line))


drawn = some.lists(some.lists(corner, min_size=2, max_size=5).filter(no_standstill), min_size=1, max_size=7)


def layer_of(lines: list[list[tuple[int, int]]], levels: list[int] | None = None) -> gpd.GeoDataFrame:
    shapes = [shapely.LineString([(X0 + 10 * x, Y0 + 10 * y) for x, y in line]) for line in lines]
    columns = {} if levels is None else {"layer": levels[: len(lines)]}
    return gpd.GeoDataFrame(columns, geometry=shapes, index=[f"s{i}" for i in range(len(lines))], crs=CRS)


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(drawn, some.lists(some.integers(0, 1), min_size=7, max_size=7))
def test_cut_lines_meet_at_ends_only_and_keep_their_length(
    lines: list[list[tuple[int, int]]], levels: list[int]
) -> None:
    frame = layer_of(lines, levels)
    cut = split_streets(frame)
    np.testing.assert_allclose(
        cut.length.groupby(cut["split_from"].to_numpy()).sum(), frame.length.sort_index(), atol=1e-5
    )
    for one, other in itertools.combinations(range(len(cut)), 2):
        if cut["layer"].iloc[one] != cut["layer"].iloc[other]:
            continue
        a, b = cut.geometry.iloc[one], cut.geometry.iloc[other]
        common = shapely.intersection(a, b)
        if common.length > 1e-3:
            assert abs(common.length - a.length) < 1e-3, "only whole pieces lie on top of each other"
            assert abs(common.length - b.length) < 1e-3
            continue
        for point in shapely.get_coordinates(common):
            for line in (a, b):
                assert shapely.distance(line.boundary, shapely.Point(point)) < 1e-3 or line.is_ring


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(drawn)
def test_one_level_is_noded_as_a_union_is(lines: list[list[tuple[int, int]]]) -> None:
    """The union of all lines, by GEOS, has every stretch once and a corner wherever lines meet."""
    frame = layer_of(lines)
    cut = split_streets(frame)
    union = shapely.union_all(frame.geometry.to_numpy())
    # Twice the same stretch is one in the union; a corner of two pieces of one line is none.
    assert shapely.union_all(cut.geometry.to_numpy()).length == pytest.approx(union.length, abs=1e-4)
    ends = np.unique(np.round(shapely.get_coordinates(shapely.boundary(shapely.get_parts(union))), 3), axis=0)
    ours = np.round(shapely.get_coordinates(cut.geometry.to_numpy()), 3)
    corners = {tuple(xy) for xy in np.round(_ends(cut.geometry.to_numpy()), 3)}
    assert {tuple(xy) for xy in ends} <= corners | {tuple(xy) for xy in ours}
    degree = nx.MultiGraph()
    for piece in shapely.get_parts(union):
        degree.add_edge(*(tuple(np.round(xy, 3)) for xy in (piece.coords[0], piece.coords[-1])))
    for node, count in degree.degree():
        if count > 2:
            assert node in corners


def _ends(lines: Any) -> Any:
    return shapely.get_coordinates(np.concatenate([shapely.get_point(lines, 0), shapely.get_point(lines, -1)]))


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(drawn, some.lists(some.integers(0, 1), min_size=7, max_size=7))
def test_what_is_joined_is_what_meets(lines: list[list[tuple[int, int]]], levels: list[int]) -> None:
    frame = layer_of(lines, levels)
    network = st.Network.from_streets(split_streets(frame))
    part = network.component[network.u]
    found = {frozenset(network.edges["split_from"][part == k]) for k in range(network.n_components)}
    meets: nx.Graph[str] = nx.Graph()
    meets.add_nodes_from(frame.index)
    for (a, one), (b, other) in itertools.combinations(frame.geometry.items(), 2):
        ends = {a: shapely.points(one.coords)[[0, -1]], b: shapely.points(other.coords)[[0, -1]]}
        landing = min(shapely.distance(other, ends[a]).min(), shapely.distance(one, ends[b]).min()) < 1e-6
        level = frame["layer"][a] == frame["layer"][b]
        if landing or (level and shapely.distance(one, other) < 1e-6):
            meets.add_edge(a, b)
    assert found == {frozenset(component) for component in nx.connected_components(meets)}


@pytest.mark.slow
@settings(max_examples=50, deadline=None)
@given(drawn, some.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(lines: list[list[tuple[int, int]]], chance: Any) -> None:
    frame = layer_of(lines)
    order = list(range(len(frame)))
    chance.shuffle(order)
    one, two = split_streets(frame), split_streets(frame.iloc[order])
    assert one.index.sort_values().equals(two.index.sort_values())
    assert shapely.equals_exact(one.geometry.sort_index().to_numpy(), two.geometry.sort_index().to_numpy(), 1e-6).all()


@pytest.mark.slow
def test_real_streets_cut_again_stay(sample: dict[str, gpd.GeoDataFrame]) -> None:
    """What is cut already has nothing left to cut."""
    streets = sample["streets"].to_crs(CRS)
    once = split_streets(streets)
    twice = split_streets(once.drop(columns="split_from"))
    assert twice.index.equals(once.index)
    assert once.length.sum() == pytest.approx(streets.length.sum())
