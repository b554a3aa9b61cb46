"""Candidate sites: layers counted by hand, and streets against every metre of every street."""

from __future__ import annotations

import doctest
import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as some

import siting as st
from siting.propose.candidates.make import make_candidates

X0, Y0, CRS = 530_000.0, 3_380_000.0, "EPSG:4547"
PAGE = Path(__file__).resolve().parents[1] / "docs" / "how-to" / "candidates.md"
Layer = Callable[..., gpd.GeoDataFrame]


def xy(frame: gpd.GeoDataFrame) -> list[tuple[float, float]]:
    """Metres from the south-west corner of the small town."""
    return [(round(p.x - X0, 3), round(p.y - Y0, 3)) for p in frame.geometry]


def squares(sides: dict[str, float], **columns: list[object]) -> gpd.GeoDataFrame:
    """Square parcels, 100 m apart, the first at the corner of the small town."""
    shapes = [shapely.box(X0 + 100 * k, Y0, X0 + 100 * k + a, Y0 + a) for k, a in enumerate(sides.values())]
    frame = gpd.GeoDataFrame(columns, geometry=shapes, crs=CRS)
    return frame.set_axis(pd.Index(list(sides), name="id"), axis=0)


@pytest.fixture
def homes(layer: Layer) -> gpd.GeoDataFrame:
    return layer({"a": (0, 0), "b": (300, 0)}, population=[100, 50], infants=[3, 0])


# ---- grid


def test_a_grid_stands_on_multiples_of_its_spacing_within_reach_of_people(layer: Layer) -> None:
    homes = layer({"a": (0, 0), "b": (230, 0)}, population=[100, 50])
    found = make_candidates(homes, method="grid", spacing=100, metres=100)
    rows = [(0.0, -100.0), (200.0, -100.0), (-100.0, 0.0), (0.0, 0.0), (100.0, 0.0), (200.0, 0.0), (300.0, 0.0)]
    rows = [one for one in rows if one != (200.0, -100.0)] + [(0.0, 100.0)]  # 104 m from b
    assert xy(found) == rows
    assert found["people"].tolist() == [100, 100, 100, 100, 50, 50, 100]
    assert found.index[2] == "grid-5300-33800"
    assert (found["source"] == "grid").all()
    # what is added moves nothing
    more = pd.concat([homes, layer({"c": (-510, 390)}, population=[9])])
    again = make_candidates(more, method="grid", spacing=100, metres=100)
    assert again.geometry.loc[found.index].geom_equals(found.geometry).all()


def test_a_boundary_clips_a_grid_with_its_edge(homes: gpd.GeoDataFrame) -> None:
    town = gpd.GeoDataFrame(geometry=[shapely.box(X0, Y0, X0 + 200, Y0 + 100)], crs=CRS)
    found = make_candidates(homes, method="grid", spacing=100, boundary=town)
    assert xy(found) == [(0, 0), (100, 0), (200, 0), (0, 100), (100, 100), (200, 100)]
    both = make_candidates(homes, method="grid", spacing=100, boundary=town, metres=100)
    assert xy(both) == [(0, 0), (100, 0), (200, 0), (0, 100)]


def test_distances_to_other_layers_are_inclusive(
    homes: gpd.GeoDataFrame, layer: Layer, caplog: pytest.LogCaptureFixture
) -> None:
    town = gpd.GeoDataFrame(geometry=[shapely.box(X0, Y0, X0 + 400, Y0)], crs=CRS)
    town.geometry = town.buffer(1)
    stations, schools = layer({"f": (100, 0)}), layer({"s": (400, 0)})
    with caplog.at_level(logging.INFO):
        found = make_candidates(
            homes, method="grid", spacing=50, boundary=town,
            far_from={"fuel stations": (stations, 100)}, near={"schools": (schools, 150)},
        )  # fmt: skip
    assert xy(found) == [(250, 0), (300, 0), (350, 0), (400, 0)]
    assert "4 of 9 are kept; left out: 3 closer than 100 m to fuel stations, 2 farther than 150 m from schools" in (
        caplog.text
    )


# ---- clusters


def test_clusters_have_their_weighted_middle(layer: Layer, streets: Any) -> None:
    homes = layer(
        {"a": (0, 0), "b": (100, 0), "c": (5000, 0), "d": (5000, 80), "e": (9000, 0)}, population=[1, 1, 1, 1, 1]
    )
    people = pd.Series({"a": 30, "b": 10, "c": 5, "d": 15, "e": 0})
    found = make_candidates(homes, method="cluster", number=2, demand=people)
    assert xy(found) == [(25, 0), (5000, 60)]
    assert found["people"].tolist() == [40, 20]
    assert found["communities"].tolist() == [2, 2]
    turned = make_candidates(homes[::-1], method="cluster", number=2, demand=people)
    pd.testing.assert_frame_equal(turned, found)
    net = st.Network.from_streets(streets({"r": [(0, 30), (5000, 30)]}))
    moved = make_candidates(homes, method="cluster", number=2, demand=people, network=net)
    assert xy(moved) == [(25, 30), (5000, 30)]
    assert moved["moved"].tolist() == [30, 30]


@pytest.mark.slow
def test_clusters_do_not_depend_on_the_order_of_rows() -> None:
    homes = st.load_sample()["communities"]
    one, other = (
        make_candidates(frame, method="cluster", number=12) for frame in (homes, homes.sample(frac=1, random_state=3))
    )
    pd.testing.assert_frame_equal(one, other)


# ---- parcels


def test_parcels_pass_all_filters_or_are_counted(layer: Layer, caplog: pytest.LogCaptureFixture) -> None:
    homes = layer({"a": (0, 0)}, population=[100])
    parcels = squares(
        {"p1": 10, "p2": 20, "p3": 30, "p4": 20, "p5": 20},
        类型=["school", "school", "school", "shop", "school"],
        建筑面积=[500, 500, 500, 500, 90],
    )
    before = parcels.copy(deep=True)
    with caplog.at_level(logging.INFO):
        found = make_candidates(
            homes, method="parcels", parcels=parcels, metres=200,
            area=(400, None), floor_area=(100, 1000), kind=["school"],
        )  # fmt: skip
    assert found.index.tolist() == ["p2"]  # p3 lies 215 m off
    assert found.loc["p2", ["kind", "floor_area", "land_area", "people", "source"]].tolist() == [
        "school", 500, 400, 100, "parcels"
    ]  # fmt: skip
    assert parcels.geometry.iloc[1].contains(found.geometry.iloc[0])
    said = "1 of 5 are kept; left out: 1 with area below 400 m², 1 with floor_area below 100 m² or above 1000 m², "
    assert said + '1 of other kinds than "school", 1 farther than 200 m from any community' in caplog.text
    pd.testing.assert_frame_equal(parcels, before)


def test_a_parcel_is_as_near_as_its_rim(homes: gpd.GeoDataFrame, layer: Layer) -> None:
    parcels = squares({"p": 50, "q": 50})
    fuel = {"fuel": (layer({"f": (200, 0)}), 50.0)}
    assert make_candidates(homes, method="parcels", parcels=parcels, far_from=fuel).index.tolist() == ["p", "q"]
    assert make_candidates(homes, method="parcels", parcels=parcels, near=fuel).index.tolist() == ["q"]
    none = {"fuel": (fuel["fuel"][0].iloc[:0], 50.0)}
    assert len(make_candidates(homes, method="parcels", parcels=parcels, far_from=none)) == 2


def test_parcels_in_degrees_are_measured_in_metres(homes: gpd.GeoDataFrame) -> None:
    parcels = squares({"p": 50}).to_crs("EPSG:4326")
    found = make_candidates(homes, method="parcels", parcels=parcels, area=(2490, 2510))
    assert found.crs == homes.crs
    assert found["land_area"].iloc[0] == pytest.approx(2500, abs=0.1)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"floor_area": (1, 2)}, r'filtered by "floor_area", but has the columns "kind", "land_area"'),
        ({"kind": ["market"]}, r'no row has the kind "market"; there are "school", "shop"'),
        ({"area": (5000, None)}, r"none of 2 is left \(2 with area below 5000 m²\)"),
    ],
)
def test_what_parcels_lack_is_told(homes: gpd.GeoDataFrame, options: dict[str, Any], said: str) -> None:
    parcels = squares({"p": 50, "q": 40}, kind=["school", "shop"])
    with pytest.raises(st.errors.LayerError, match=said):
        make_candidates(homes, method="parcels", parcels=parcels, **options)


def test_points_have_no_area(homes: gpd.GeoDataFrame, layer: Layer) -> None:
    with pytest.raises(st.errors.LayerError, match="2 of 2 rows are points, which have no area"):
        make_candidates(homes, method="parcels", parcels=layer({"p": (0, 0), "q": (9, 9)}), area=(10, None))


# ---- streets


def sets(reach: st.Reach) -> list[frozenset[int]]:
    """Who reaches each destination."""
    found: list[set[int]] = [set() for _ in reach.destinations]
    for origin, destination in zip(reach.origin.tolist(), reach.destination.tolist(), strict=True):
        found[destination].add(origin)
    return [frozenset(one) for one in found]


def check_streets(net: st.Network, homes: gpd.GeoDataFrame, step: float = 1.0, **limit: Any) -> gpd.GeoDataFrame:
    """No point every *step* metres of any street is reached by people who do not all reach one candidate."""
    found = make_candidates(homes, method="streets", network=net, **limit)
    kept = sets(st.travel(net, homes, found, **limit))
    assert [len(one) for one in kept] == found["communities"].tolist()
    assert not any(a <= b for i, a in enumerate(kept) for j, b in enumerate(kept) if i != j)
    metres = np.concatenate([np.arange(0, line.length + step, step) for line in net.lines])
    edge = np.repeat(np.arange(len(net.lines)), [len(np.arange(0, one.length + step, step)) for one in net.lines])
    every = gpd.GeoDataFrame(geometry=shapely.line_interpolate_point(net.lines[edge], metres), crs=net.crs)
    for one in set(sets(st.travel(net, homes, every, **limit))):
        assert not one or any(one <= other for other in kept), one
    return found


def test_one_street_by_hand(layer: Layer, streets: Any) -> None:
    """Within 300 m of 0, 600 and 1000 m lie 0-300, 300-900 and 700-1000 m: two overlaps, one of them a point."""
    net = st.Network.from_streets(streets({"r": [(0, 0), (1000, 0)]}))
    homes = layer({"a": (0, 0), "b": (600, 0), "c": (1000, 0)}, population=[1, 20, 300])
    found = check_streets(net, homes, metres=300)
    assert found["along"].tolist() == [300, 800]
    assert xy(found) == [(300, 0), (800, 0)]
    assert found["people"].tolist() == [21, 320]
    assert found["street"].tolist() == ["r", "r"]
    assert check_streets(net, homes, metres=299.999)["communities"].tolist() == [1, 2]
    # without b nobody shares a point, and what is nearest to its own door stands for the rest
    alone = make_candidates(
        homes, method="streets", network=net, metres=300, demand=pd.Series({"a": 1, "b": 0, "c": 1})
    )
    assert alone["along"].tolist() == [0, 1000]


def test_a_door_at_the_very_radius_has_its_own_point(layer: Layer, streets: Any) -> None:
    net = st.Network.from_streets(streets({"r": [(0, 0), (1000, 0)]}))
    homes = layer({"a": (500, 40), "b": (440, 0)}, population=[1, 1])
    assert xy(check_streets(net, homes, metres=40)) == [(440, 0), (500, 0)]
    (both,) = xy(check_streets(net, homes, metres=60))
    assert 480 <= both[0] <= 500


def test_where_streets_cross_without_meeting_a_point_is_put_beside(layer: Layer, streets: Any) -> None:
    """Both overlaps have their middle where the bridge is, which is only on one of the two streets."""
    net = st.Network.from_streets(streets({"h": [(0, 100), (200, 100)], "v": [(100, 0), (100, 200)]}))
    homes = layer({"a": (0, 100), "b": (200, 100), "c": (100, 0), "d": (100, 200)}, population=[1, 1, 1, 1])
    found = check_streets(net, homes, metres=150)
    assert sorted(found["street"]) == ["h", "v"]
    assert found["communities"].tolist() == [2, 2]


def test_walks_lead_from_the_communities(layer: Layer, streets: Any) -> None:
    """Two one-way streets lead to a street between them, where 300 m from either home end in one point."""
    lines = {"in": [(0, 0), (200, 0)], "both": [(200, 0), (400, 0)], "down": [(400, 0), (600, 0)]}
    net = st.Network.from_streets(streets(lines, oneway=["yes", "no", "-1"]), oneway="oneway")
    homes = layer({"a": (0, 0), "b": (600, 0)}, population=[1, 1])
    found = check_streets(net, homes, metres=300)
    assert xy(found) == [(300, 0)]
    assert found["communities"].tolist() == [2]


def test_lengths_other_than_drawn_count(layer: Layer, streets: Any) -> None:
    """A street of 150 m that is drawn as 100 m: from either end 80 m are reached, which overlap by 10."""
    net = st.Network.from_streets(streets({"r": [(0, 0), (60, 0), (60, 40)]}, length=[150.0]))
    homes = layer({"a": (0, 0), "b": (60, 40)}, population=[1, 1])
    found = check_streets(net, homes, metres=80)
    assert found["along"].tolist() == [75]
    assert xy(found) == [(50, 0)]


def random_town(seed: int) -> tuple[st.Network, gpd.GeoDataFrame]:
    """A few streets, some one way or uphill, that cross with and without meeting, and homes beside them."""
    draw = np.random.default_rng(seed)
    n = int(draw.integers(3, 7))
    x, y = X0 + draw.uniform(0, 300, n), Y0 + draw.uniform(0, 300, n)
    u, v = np.array([(i, j) for i in range(n) for j in range(i) if j == i - 1 or draw.random() < 0.3]).T
    height = draw.uniform(0, 30, n) if seed % 3 == 0 else None
    oneway = draw.integers(-1, 2, len(u)) if seed % 3 == 1 else None
    net = st.Network.from_arrays(x, y, u, v, crs=CRS, height=height, oneway=oneway)
    k = int(draw.integers(1, 7))
    spots = gpd.points_from_xy(X0 + draw.uniform(0, 300, k), Y0 + draw.uniform(0, 300, k), crs=CRS)
    return net, gpd.GeoDataFrame({"population": 1}, geometry=spots, index=[f"h{i}" for i in range(k)])


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(seed=some.integers(0, 2**20), metres=some.integers(60, 500))
def test_anywhere_on_the_streets_of_a_random_town(seed: int, metres: int) -> None:
    net, homes = random_town(seed)
    limit = {"minutes": metres / 66, "walk": st.Walk.elder()} if seed % 3 == 0 else {"metres": metres}
    try:
        check_streets(net, homes, step=2.0, **limit)
    except st.errors.LayerError as error:
        assert "comes within" in str(error)  # noqa: PT017


@pytest.mark.slow
def test_the_small_district(tmp_path: Path) -> None:
    """What is written and read again is reached by the same people, and nothing depends on the order of the rows."""
    town = st.load_sample()
    homes, net = town["communities"], st.Network.from_streets(town["streets"])
    kept = homes.copy(deep=True)
    found = make_candidates(homes, method="streets", network=net, metres=300)
    pd.testing.assert_frame_equal(make_candidates(homes[::-1], method="streets", network=net, metres=300), found)
    pd.testing.assert_frame_equal(homes, kept)
    st.check_layer(found, "candidates")
    st.write_layer(found, tmp_path / "found.gpkg")
    again = st.read_layer(tmp_path / "found.gpkg", "candidates")
    reach = st.travel(net, homes, again, metres=300)
    assert [len(one) for one in sets(reach)] == found["communities"].tolist()
    # every place that anybody could name: the doors of all candidates and communities
    for other in (town["candidates"], homes):
        for one in set(sets(st.travel(net, homes, other, metres=300))):
            assert any(one <= wide for wide in sets(reach))
    assert found["people"].sum() == homes["population"].to_numpy()[reach.origin].sum()


# ---- what is asked wrongly


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"method": "hexagons"}, 'method is "hexagons"; choose one of grid'),
        ({"method": "grid"}, 'method "grid" needs spacing; give spacing'),
        ({"method": "grid", "spacing": 0.2}, "spacing is 0.2; give metres from 1"),
        ({"method": "grid", "spacing": True}, "spacing is true; give metres"),
        ({"method": "grid", "spacing": 100, "number": 3}, 'method "grid" takes no number .number goes with cluster'),
        (
            {"method": "grid", "spacing": 10, "metres": 900_000},
            "points here, more than 10,000,000; give a larger spacing",
        ),
        ({"method": "grid", "spacing": 100, "far_from": {"fuel": 50}}, 'far_from: "fuel" is 50; give a pair'),
        ({"method": "grid", "spacing": 100, "near": [1]}, r"near is \[1\]; give layers by name"),
        ({"method": "cluster", "number": 0}, "number is 0; ask for a whole number, 1 or more"),
        ({"method": "cluster", "number": 3}, "people live at 2 places only; ask for 2 at most"),
        (
            {"method": "cluster", "number": 1, "demand": pd.Series({"a": 0, "b": 0})},
            "demand is 0 in every community",
        ),
        ({"method": "cluster", "number": 1, "demand": pd.Series({"a": 1})}, "b"),
        ({"method": "cluster", "number": 1, "network": "streets"}, 'network is "streets"; give a Network'),
        ({"method": "parcels"}, 'method "parcels" needs parcels'),
        ({"method": "parcels", "parcels": squares({"p": 9}), "area": (9, 2)}, "the least comes first"),
        ({"method": "parcels", "parcels": squares({"p": 9}), "area": 200}, r"such as \(200, 2000\) or \(200, None\)"),
        ({"method": "streets", "metres": 300}, 'method "streets" needs network'),
    ],
)
def test_wrong_questions_are_told(homes: gpd.GeoDataFrame, options: dict[str, Any], said: str) -> None:
    with pytest.raises(st.errors.ProblemError, match=said):
        make_candidates(homes, **options)


def test_the_radius_is_one(homes: gpd.GeoDataFrame, streets: Any) -> None:
    net = st.Network.from_streets(streets({"r": [(0, 0), (1000, 0)]}))
    for limit in ({}, {"metres": 300, "minutes": 5}):
        with pytest.raises(st.errors.ProblemError, match="give metres or minutes, one of the two"):
            make_candidates(homes, method="streets", network=net, **limit)


def test_layers_that_do_not_do_are_told(homes: gpd.GeoDataFrame, layer: Layer, streets: Any) -> None:
    with pytest.raises(st.errors.LayerError, match="communities: is a DataFrame"):
        make_candidates(pd.DataFrame(homes.drop(columns="geometry")), method="grid", spacing=100)
    with pytest.raises(st.errors.LayerError, match="communities: has no rows"):
        make_candidates(homes.iloc[:0], method="grid", spacing=100)
    with pytest.raises(st.errors.LayerError, match='ids occur more than once: "a"'):
        make_candidates(pd.concat([homes, homes.iloc[:1]]), method="grid", spacing=100)
    with pytest.raises(
        st.errors.LayerError, match=r'no column "population" .there are "infants".; give demand, a Series'
    ):
        make_candidates(homes.drop(columns="population"), method="cluster", number=1)
    with pytest.raises(st.errors.LayerError, match="boundary: has rows that are no polygons"):
        make_candidates(homes, method="grid", spacing=100, boundary=homes)
    far = st.Network.from_streets(streets({"r": [(0, 5000), (1000, 5000)]}))
    with pytest.raises(st.errors.LayerError, match="none of 2 comes within 300 m of any street"):
        make_candidates(homes, method="streets", network=far, metres=300)


@pytest.mark.slow
def test_the_page_prints_what_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st, "make_candidates", make_candidates, raising=False)
    blocks = re.findall(r"^```pycon\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    test = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, PAGE.name, str(PAGE), 0)
    assert test.examples
    said: list[str] = []
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    failed, _ = doctest.DocTestRunner(optionflags=flags).run(test, out=said.append)
    assert not failed, "".join(said)


def test_old_names_of_keywords_warn(homes: gpd.GeoDataFrame) -> None:
    with pytest.warns(DeprecationWarning, match="within= is called metres= now"):
        grid = make_candidates(homes, method="grid", spacing=100, within=100)
    assert grid.equals(make_candidates(homes, method="grid", spacing=100, metres=100))
