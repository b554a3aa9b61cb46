"""Areas that follow the streets: where they are, where they are not, and how large by hand."""

from __future__ import annotations

import dataclasses
import math
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
from shapely.ops import substring

import siting as st
from siting.errors import LayerError, NetworkError, ProblemError
from siting.measure import service_streets

Make = Callable[..., Any]
X0, Y0 = 530_000.0, 3_380_000.0
#: A round end is half of a polygon of 16 sides: its area for a radius of 1.
ROUND = 8 * math.sin(math.pi / 8)


def only(areas: gpd.GeoDataFrame) -> shapely.MultiPolygon:
    assert len(areas) == 1
    return areas.geometry.iloc[0]


def extent(area: shapely.Geometry) -> list[float]:
    west, south, east, north = area.bounds
    return [round(x, 6) for x in (west - X0, south - Y0, east - X0, north - Y0)]


@pytest.fixture
def crossing(town_network: st.Network, layer: Make) -> gpd.GeoDataFrame:
    """150 m from the crossing in the middle: four streets whole, twelve by half."""
    return st.service_areas(town_network, layer({"f": (200, 200)}), metres=150, width=20, fill=0)


def test_its_table(crossing: gpd.GeoDataFrame) -> None:
    assert list(crossing.columns) == ["facility", "limit", "unit", "geometry"]
    assert crossing.iloc[0, :3].tolist() == ["f", 150.0, "m"]
    assert crossing.crs.to_epsg() == 4547
    assert crossing.geometry.geom_type.tolist() == ["MultiPolygon"]
    assert crossing.geometry.is_valid.all()


@pytest.mark.parametrize(
    ("x", "y", "inside"),
    [
        (200, 200, True),
        (300, 200, True),
        (349.9, 200, True),
        (369.9, 200, True),  # the round end
        (370.1, 200, False),
        (300, 249.9, True),  # round the corner
        (300, 269.9, True),
        (300, 270.1, False),
        (200, 50.1, True),
        (200, 29.9, False),
        (250, 219.9, True),  # beside the street
        (250, 220.1, False),
        (250, 250, False),  # inside a block
        (300, 300, False),  # 200 m away
        (400, 200, False),
        (200, 0, False),
    ],
)
def test_what_is_inside(crossing: gpd.GeoDataFrame, at: Make, x: float, y: float, inside: bool) -> None:
    assert only(crossing).contains(at(x, y)) == inside


def test_its_size(crossing: gpd.GeoDataFrame) -> None:
    """A cross of 300 m arms, four bars of 100 m across it, all 40 m wide, and twelve round ends."""
    cross = 2 * 300 * 40 - 40 * 40
    bars = 4 * (100 * 40 - 40 * 40)
    ends = 12 * ROUND * 20**2 / 2
    assert only(crossing).area == pytest.approx(cross + bars + ends, abs=0.01)
    assert extent(only(crossing)) == [30, 30, 370, 370]


def test_holes(town_network: st.Network, layer: Make) -> None:
    """200 m from the crossing close four blocks; between streets 40 m wide remain 60 by 60 m."""
    f = layer({"f": (200, 200)})
    bare, kept, filled, usual = (
        only(st.service_areas(town_network, f, metres=200, width=20, **fill))
        for fill in ({"fill": 0}, {"fill": 3599.9}, {"fill": 3600.1}, {})
    )
    assert [len(area.geoms[0].interiors) for area in (bare, kept, filled, usual)] == [4, 4, 0, 0]
    assert bare.equals(kept)
    assert filled.area - bare.area == pytest.approx(4 * 60 * 60, abs=0.01)
    assert filled.equals(usual)


def test_large_holes_stay(town_network: st.Network, streets: Make, layer: Make) -> None:
    """A lake of 180 by 180 m is no place to walk, though the way leads round it."""
    network = st.Network.from_streets(streets({"ring": [(0, 0), (200, 0), (200, 200), (0, 200), (0, 0)]}))
    lake = only(st.service_areas(network, layer({"f": (100, 0)}), metres=500, width=10))
    assert len(lake.geoms[0].interiors) == 1
    assert lake.geoms[0].area == pytest.approx(220 * 220 - 180 * 180 - (4 - ROUND) * 10**2, abs=1)


def test_a_courtyard_inside_a_filled_hole(streets: Make, layer: Make) -> None:
    """What lies in a hole that is filled is part of the area once, and the area is valid."""
    network = st.Network.from_streets(
        streets({"ring": [(0, 0), (300, 0), (300, 300), (0, 300), (0, 0)], "court": [(140, 150), (160, 150)]})
    )
    both = layer({"r": (150, 0), "c": (150, 150)})
    area = only(st.service_areas(network, both, metres=2000, width=20, fill=90_000, overlap="dissolve"))
    assert area.is_valid
    assert len(area.geoms) == 1
    assert area.area == pytest.approx(340 * 340 - (4 - ROUND) * 20**2, abs=1)


def test_a_river_without_a_bridge(streets: Make, layer: Make, at: Make) -> None:
    """The streets on the banks are 60 m apart and not joined: the other bank stays outside."""
    banks = {"south": [(0, 0), (500, 0)], "north": [(0, 60), (500, 60)]}
    f = layer({"f": (250, 0)})
    area = only(st.service_areas(st.Network.from_streets(streets(banks)), f, metres=400, width=20))
    assert area.area == pytest.approx(500 * 40 + ROUND * 20**2, abs=0.01)
    assert area.distance(at(250, 60)) == pytest.approx(40)
    bridged = st.Network.from_streets(
        streets({"w": [(0, 0), (250, 0)], "e": [(250, 0), (500, 0)], "bridge": [(250, 0), (250, 60)]}
                | {"nw": [(0, 60), (250, 60)], "ne": [(250, 60), (500, 60)]})
    )  # fmt: skip
    assert only(st.service_areas(bridged, f, metres=400, width=20)).contains(at(400, 60))


@pytest.mark.parametrize(
    ("spot", "metres", "reached"),
    [
        ((250, 0), 100, (150, 350)),  # its own street both ways
        ((30, 0), 100, (0, 130)),  # a dead end
        ((250, 30), 100, (180, 320)),  # from a door 30 m off the street
        ((250, 0), 900, (0, 500)),
        ((-20, 0), 100, (0, 80)),
        ((250, 90), 100, (240, 260)),
    ],
)
def test_one_street(
    streets: Make, layer: Make, spot: tuple[float, float], metres: float, reached: tuple[float, float]
) -> None:
    network = st.Network.from_streets(streets({"a": [(0, 0), (500, 0)]}))
    area = only(st.service_areas(network, layer({"f": spot}), metres=metres, width=10))
    low, high = reached
    # Off the street there is a circle around the facility, whose radius is the way to the street.
    x, y = spot
    off = math.hypot(x - min(max(x, 0), 500), y)
    assert extent(area) == [
        min(low - 10, x - off), min(-10, y - off), max(high + 10, x + off), max(10, y + off)
    ]  # fmt: skip
    strip = shapely.LineString([(X0 + low, Y0), (X0 + high, Y0)]).buffer(10, quad_segs=4)
    circle = shapely.Point(X0 + x, Y0 + y).buffer(off, quad_segs=4)
    assert strip.area == pytest.approx((high - low) * 20 + ROUND * 10**2, abs=0.01)
    assert area.area == pytest.approx(strip.union(circle).area, abs=0.01)


@pytest.mark.parametrize("unit", [{"metres": 100}, {"minutes": 1.25}])
@pytest.mark.parametrize("overlap", ["keep", "split", "dissolve"])
@pytest.mark.parametrize("off", [100, 160])
def test_a_door_that_takes_all_of_the_limit(
    streets: Make, layer: Make, off: float, overlap: st.Overlap, unit: dict[str, float]
) -> None:
    """100 m, or 1.25 minutes at 80 m/min, end on the way to the street: a circle of 16 sides is within reach."""
    network = st.Network.from_streets(streets({"a": [(0, 0), (500, 0)]}))
    f = layer({"f": (250, -off)} | ({f"g{i}": (250, -off) for i in range(15)} if overlap == "split" else {}))
    areas = st.service_areas(network, f, overlap=overlap, width=1, **unit)
    assert overlap == "dissolve" or areas["facility"].tolist() == ["f"]  # of equals the first
    area = only(areas)
    assert extent(area) == [150, -off - 100, 350, 100 - off]
    assert area.area == pytest.approx(ROUND * 100**2, abs=0.01)


def test_circles_in_rings(streets: Make, layer: Make) -> None:
    """160 m off the street: a circle of 50 m, the ring to 160 m, and the street with what the circle does not hold."""
    network = st.Network.from_streets(streets({"a": [(0, 0), (500, 0)]}))
    for overlap in ("keep", "split", "dissolve"):
        areas = st.service_areas(
            network, layer({"f": (250, 160)}), metres=[50, 160, 200], width=10, rings=True, overlap=overlap
        )
        assert areas["limit"].tolist() == [200, 160, 50]
        assert areas.area.tolist()[1:] == pytest.approx([ROUND * (160**2 - 50**2), ROUND * 50**2], abs=0.01)
        # 40 m are left for either side; the circle comes down to the middle of the street.
        strip = shapely.LineString([(X0 + 210, Y0), (X0 + 290, Y0)]).buffer(10, quad_segs=4)
        circle = shapely.Point(X0 + 250, Y0 + 160).buffer(160, quad_segs=4)
        assert areas.area.iloc[0] == pytest.approx(strip.difference(circle).area, abs=0.01)


def test_circles_are_split(streets: Make, layer: Make, at: Make) -> None:
    """Two yards 100 m apart, 150 m off the street: each keeps its half."""
    network = st.Network.from_streets(streets({"a": [(0, 0), (500, 0)]}))
    yards = layer({"w": (200, 150), "e": (300, 150)})
    areas = st.service_areas(network, yards, metres=100, width=10, overlap="split").set_index("facility").geometry
    whole = only(st.service_areas(network, yards, metres=100, width=10, overlap="dissolve"))
    assert areas.area.tolist() == pytest.approx([whole.area / 2] * 2, abs=0.5)
    assert areas["w"].contains(at(248, 150))
    assert areas["e"].contains(at(252, 150))


def test_a_street_reached_from_both_ends(streets: Make, layer: Make, at: Make) -> None:
    """The hypotenuse is 500 m long; 150 m of it are reached from one end and 50 m from the other."""
    triangle = {"a": [(0, 0), (300, 0)], "b": [(0, 0), (0, 400)], "far": [(300, 0), (0, 400)]}
    network = st.Network.from_streets(streets(triangle))

    def on_far(metres: float) -> shapely.Point:
        return at(300 - 0.6 * metres, 0.8 * metres)

    f = layer({"f": (0, 0)})
    area = only(st.service_areas(network, f, metres=450, width=1, fill=0))
    assert [area.contains(on_far(m)) for m in (0, 149.9, 150.9, 151.1, 448.9, 449.1, 450.1, 500)] == [
        True, True, True, False, False, True, True, True,
    ]  # fmt: skip
    almost, whole = (only(st.service_areas(network, f, metres=m, width=1, fill=0)) for m in (598, 600))
    assert not almost.contains(on_far(300))
    assert whole.contains(on_far(300))
    assert [len(area.geoms[0].interiors) for area in (almost, whole)] == [0, 1]


def test_loops(streets: Make, layer: Make, at: Make) -> None:
    """From the stem a loop of 400 m is reached from both sides; from on it, along and round."""
    lines = {"stem": [(0, 0), (100, 0)], "ring": [(100, 0), (200, 0), (200, 100), (100, 100), (100, 0)]}
    network = st.Network.from_streets(streets(lines))
    from_stem = only(st.service_areas(network, layer({"f": (0, 0)}), metres=250, width=5))
    inside = {(200, 49): True, (200, 56): False, (100, 100): True, (149, 100): True, (156, 100): False, (50, 0): True}
    assert {xy: from_stem.contains(at(*xy)) for xy in inside} == inside
    on_ring = only(st.service_areas(network, layer({"f": (150, 0)}), metres=80, width=5))
    inside = {(200, 29): True, (200, 36): False, (100, 29): True, (100, 36): False, (71, 0): True, (64, 0): False}
    assert {xy: on_ring.contains(at(*xy)) for xy in inside} == inside


def test_points_that_are_drawn_twice(streets: Make, layer: Make) -> None:
    """A vertex that occurs twice far along the street is not reached by that."""
    lines = {"a": [(0, 0), (0, 0), (400, 0), (500, 0), (500, 0), (1000, 0), (1000, 0)]}
    network = st.Network.from_streets(streets(lines))
    for metres in (100, 450, 500, 900):
        area = only(st.service_areas(network, layer({"f": (0, 0)}), metres=metres, width=20))
        assert len(area.geoms) == 1
        assert extent(area) == [-20, -20, metres + 20, 20]
    back = only(st.service_areas(network, layer({"f": (1000, 0)}), metres=499.5, width=20))
    assert extent(back) == [480.5, -20, 1020, 20]


def test_streets_of_no_length(at: Make, layer: Make) -> None:
    x, y = zip(*[at(*xy).coords[0] for xy in ((0, 0), (100, 0), (100, 50))], strict=True)
    network = st.Network.from_arrays(x, y, [0, 0, 1], [0, 1, 2], crs=layer({}).crs, length=[0.0, 100.0, 0.0])
    area = only(st.service_areas(network, layer({"f": (0, 0)}), metres=100, width=10))
    assert extent(area) == [-10, -10, 110, 60]
    area = only(st.service_areas(network, layer({"f": (-30, 0)}), metres=50, width=10))
    assert extent(area) == [-60, -30, 30, 30]


def test_given_lengths_decide_how_far(streets: Make, layer: Make) -> None:
    """A steep street of 150 m is drawn 100 m long: half of it is reached by 75 m."""
    network = st.Network.from_streets(streets({"a": [(0, 0), (100, 0)]}, length=[150.0]))
    assert extent(only(st.service_areas(network, layer({"f": (0, 0)}), metres=75, width=10))) == [-10, -10, 60, 10]


def test_the_largest_ring_comes_first(town_network: st.Network, layer: Make) -> None:
    f = layer({"f": (200, 200), "g": (480, 500)})
    areas = st.service_areas(town_network, f, metres=[300, 100, 500, 300])
    assert list(zip(areas["limit"], areas["facility"], strict=True)) == [
        (500, "f"), (500, "g"), (300, "f"), (300, "g"), (100, "f"), (100, "g"),
    ]  # fmt: skip
    for _, rings in areas.groupby("facility"):
        outer, middle, inner = rings.geometry
        assert outer.buffer(1e-6).covers(middle)
        assert middle.buffer(1e-6).covers(inner)
        assert outer.area > middle.area > inner.area


def test_dissolved_is_the_union(town_network: st.Network, layer: Make) -> None:
    f = layer({"a": (200, 200), "b": (230, 200), "c": (480, 20), "off": (-900, 0)})
    one = st.service_areas(town_network, f, metres=[80, 200], fill=0, width=15, overlap="dissolve")
    each = st.service_areas(town_network, f, metres=[80, 200], fill=0, width=15)
    assert list(one.columns) == ["limit", "unit", "geometry"]
    assert one["limit"].tolist() == [200, 80]
    for limit, area in zip(one["limit"], one.geometry, strict=True):
        union = each[each["limit"] == limit].union_all()
        # Outlines are drawn to less than a thousandth of a millimetre.
        assert area.symmetric_difference(union).area < 1e-6 * area.length
        assert area.geom_type == "MultiPolygon"


def test_minutes(town_network: st.Network, layer: Make) -> None:
    """Two minutes of an elder are 110 m."""
    f = layer({"f": (200, 200)})
    area = st.service_areas(town_network, f, minutes=[2, 1], walk=st.Walk.elder())
    assert area["limit"].tolist() == [2.0, 1.0]
    assert area["unit"].tolist() == ["min", "min"]
    metres = st.service_areas(town_network, f, metres=[110, 55])
    assert area.geometry.geom_equals(metres.geometry).all()
    adult = st.service_areas(town_network, f, minutes=2)
    assert only(adult).equals(only(st.service_areas(town_network, f, metres=160)))


def test_row_23_beyond_max_snap(town_network: st.Network, layer: Make) -> None:
    """Row 23: a facility on no street reaches none; its area is what is as near as a street might have been."""
    f = layer({"off": (-260, 0), "on": (0, 0)})
    areas = st.service_areas(town_network, f, metres=300).set_index("facility").geometry
    assert extent(areas["off"]) == [-260 - 250, -250, -10, 250]
    assert areas["off"].area == pytest.approx(ROUND * 250**2, abs=0.01)
    assert areas["on"].equals(only(st.service_areas(town_network, f.iloc[1:], metres=300)))
    assert service_streets(town_network, f, metres=300)["facility"].unique().tolist() == ["on"]
    snapped = st.service_areas(town_network, f, metres=300, max_snap=260).set_index("facility").geometry
    assert extent(snapped["off"])[0] == -260 - 260
    assert extent(snapped["off"])[2] == 80  # 40 m along the street, and their width


def test_layers_without_rows(town_network: st.Network, layer: Make) -> None:
    for dissolve in (True, False):
        areas = st.service_areas(town_network, layer({}), metres=[300, 500], overlap="dissolve" if dissolve else "keep")
        assert areas.empty
        assert areas.crs == town_network.crs
        assert "geometry" in areas


def test_degrees_polygons_and_places(town_network: st.Network, layer: Make) -> None:
    f = layer({"f": (200, 210)})
    wanted = only(st.service_areas(town_network, f, metres=200))
    square = f.set_geometry(f.buffer(5, cap_style="square"))
    for same in (f.to_crs("EPSG:4326"), town_network.locate(f)):
        areas = st.service_areas(town_network, same, metres=200)
        assert areas.crs.to_epsg() == 4547
        assert only(areas).symmetric_difference(wanted).area < 5
    # A polygon is entered from all streets around it.
    assert only(st.service_areas(town_network, square, metres=200)).buffer(0.01).contains(wanted)


def test_numbers_as_ids(town_network: st.Network, layer: Make) -> None:
    f = layer({"a": (0, 0), "b": (100, 0)}).set_axis([7, 3])
    assert st.service_areas(town_network, f, metres=100)["facility"].tolist() == [7, 3]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "metres or minutes"),
        ({"metres": 300, "minutes": 5}, "metres or minutes"),
        ({"metres": []}, "at least one limit"),
        ({"metres": [300, "a"]}, "give one number or several"),
        ({"metres": 300, "width": 0}, "width"),
        ({"metres": 300, "width": -5}, "width"),
        ({"metres": 300, "width": math.inf}, "width"),
        ({"metres": 300, "fill": -1}, "fill"),
        ({"metres": 300, "fill": math.nan}, "fill"),
    ],
)
def test_options_that_make_no_area(
    town_network: st.Network, layer: Make, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ProblemError, match=message):
        st.service_areas(town_network, layer({"f": (0, 0)}), **options)


def test_layers_that_cannot_be_located(town_network: st.Network, layer: Make) -> None:
    f = layer({"f": (0, 0)})
    with pytest.raises(NetworkError, match='more than once: "f"'):
        st.service_areas(town_network, pd.concat([f, f]), metres=300)
    with pytest.raises(LayerError, match="CRS"):
        st.service_areas(town_network, f.set_crs(None, allow_override=True), metres=300)


def test_sample(sample: dict[str, gpd.GeoDataFrame], sample_network: st.Network) -> None:
    """Communities that reach a facility in 500 m stand on its area, all others on a street outside it."""
    areas = st.service_areas(
        sample_network, sample["childcare"], metres=[300, 500], overlap="dissolve", width=1, fill=0
    )
    assert areas.geometry.is_valid.all()
    places = sample_network.locate(sample["communities"])
    at_door = shapely.line_interpolate_point(
        sample_network.lines[places.edge],
        places.to_u / np.maximum(sample_network.cost[places.edge], 1),
        normalized=True,
    )
    # Over the streets alone: with homes so far from all others that nobody walks straight.
    apart = dataclasses.replace(places, xy=places.xy + 1e7)
    reach = st.travel(sample_network, apart, sample["childcare"], metres=600)
    nearest = reach.nearest().set_index("origin")["cost"].reindex(places.ids).to_numpy()
    way = np.where(np.isnan(nearest), np.inf, nearest - places.door / 1000)
    for limit, area in zip(areas["limit"], areas.geometry, strict=True):
        inside = shapely.contains(area, at_door)
        assert inside[way <= limit].all()
        assert not inside[way > limit + 2.1].any()
        assert 0 < inside.sum() < len(inside)


# Any streets: the reached parts by plain arithmetic on distances of networkx

SPOT = some.tuples(some.integers(0, 4), some.integers(0, 4)).map(lambda xy: (50.0 * xy[0], 50.0 * xy[1]))


@some.composite
def towns(draw: Any) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame, float]:
    """Streets with loops, parallels, dots, repeated vertices; facilities; a limit."""
    corners = draw(some.lists(SPOT, min_size=1, max_size=5, unique=True))
    corner = some.sampled_from(corners)
    lines = [
        [draw(corner), *draw(some.lists(SPOT, max_size=3)), draw(corner)] for _ in range(draw(some.integers(1, 6)))
    ]
    streets = gpd.GeoDataFrame(
        geometry=[shapely.LineString([(X0 + x, Y0 + y) for x, y in line]) for line in lines], crs="EPSG:32650"
    )
    spots = draw(some.lists(some.tuples(some.floats(-20, 220), some.floats(-20, 220)), min_size=1, max_size=3))
    points = [shapely.Point(X0 + x, Y0 + y) for x, y in spots]
    facilities = gpd.GeoDataFrame(geometry=points, crs="EPSG:32650", index=[f"f{i}" for i in range(len(points))])
    return streets, facilities, draw(some.sampled_from([10.0, 50.0, 75.0, 100.0, 123.456, 200.0, 400.0]))


def reached(network: st.Network, places: Any, i: int, budget: int) -> list[shapely.Geometry]:
    """Parts of the streets within *budget* mm of place *i*."""
    if places.edge[i] < 0 or places.door[i] > budget:
        return []
    graph: nx.MultiGraph[Any] = nx.MultiGraph()
    for u, v, cost in zip(network.u.tolist(), network.v.tolist(), network.cost.tolist(), strict=True):
        graph.add_edge(u, v, cost=cost)
    for node, way in ((places.u[i], places.to_u[i]), (places.v[i], places.to_v[i])):
        graph.add_edge("door", int(node), cost=int(places.door[i]) + int(way))
    far = nx.single_source_dijkstra_path_length(graph, "door", weight="cost")
    parts = []
    for edge, line in enumerate(network.lines):
        cost = int(network.cost[edge])
        left_u = budget - far.get(int(network.u[edge]), budget + 1)
        left_v = budget - far.get(int(network.v[edge]), budget + 1)
        spans = [(0, left_u), (cost - left_v, cost)]
        if edge == places.edge[i]:
            left = budget - int(places.door[i])
            spans.append((int(places.to_u[i]) - left, int(places.to_u[i]) + left))
        if cost == 0:
            parts += [shapely.Point(line.coords[0])] * (left_u >= 0)
            continue
        clipped = [(max(low, 0), min(high, cost)) for low, high in spans]
        parts += [substring(line, lo / cost, hi / cost, normalized=True) for lo, hi in clipped if lo < hi]
    return parts


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(towns(), some.booleans())
def test_any_streets(town: Any, dissolve: bool) -> None:
    streets, facilities, limit = town
    network = st.Network.from_streets(streets, crs="EPSG:32650")
    places = network.locate(facilities, max_snap=60)
    areas = st.service_areas(network, places, metres=limit, width=4, fill=0, overlap="dissolve" if dissolve else "keep")
    parts = {
        name: [part.buffer(4, quad_segs=64) for part in reached(network, places, i, round(limit * 1000))]
        for i, name in enumerate(places.ids)
    }
    free = np.where(places.edge < 0, 60, places.door / 1000)
    circles = dict(zip(places.ids, np.minimum(free, limit).tolist(), strict=True))
    for name, spot in zip(places.ids, shapely.points(places.xy), strict=True):
        if circles[name] > 0:
            parts[name].append(spot.buffer(circles[name], quad_segs=64))
    if dissolve:
        parts = {"all": [part for found in parts.values() for part in found]}
        areas["facility"] = "all"
    wanted = {name: shapely.union_all(found) for name, found in parts.items() if found}
    assert areas["facility"].tolist() == list(wanted)
    assert areas.geometry.is_valid.all()
    for name, area in areas.set_index("facility").geometry.items():
        # Circles of 16 sides fall short by 2 % of their radius.
        assert wanted[name].buffer(0.002).covers(area)
        short = 0.02 * max(4, circles[name] if name in circles else max(circles.values()))
        assert area.buffer(short).covers(wanted[name])


# Rings, and ground that several facilities reach


@pytest.fixture
def road(streets: Make) -> st.Network:
    """One street of 500 m."""
    return st.Network.from_streets(streets({"a": [(0, 0), (500, 0)]}))


def test_ground_is_split_at_the_middle(road: st.Network, layer: Make) -> None:
    """Doors at 100 m and 300 m meet at 200 m; the area of both is 500 m long with two round ends."""
    doors = layer({"f": (100, 0), "g": (300, 0)})
    areas = st.service_areas(road, doors, metres=300, width=20, overlap="split")
    assert areas["facility"].tolist() == ["f", "g"]
    assert np.array([extent(area) for area in areas.geometry]) == pytest.approx(
        np.array([[-20, -20, 200, 20], [200, -20, 520, 20]]), abs=0.01
    )
    assert areas.area.tolist() == pytest.approx([200 * 40 + ROUND * 200, 300 * 40 + ROUND * 200], abs=0.5)


def test_a_facility_nearer_to_nothing_has_no_split_area(road: st.Network, layer: Make) -> None:
    same = layer({"f": (100, 0), "g": (100, 0)})
    assert st.service_areas(road, same, metres=300, overlap="split")["facility"].tolist() == ["f"]
    assert service_streets(road, same, metres=300, overlap="split")["facility"].tolist() == ["f"]
    assert st.service_areas(road, same, metres=300)["facility"].tolist() == ["f", "g"]


def test_a_filled_block_is_split_too(town_network: st.Network, layer: Make, at: Make) -> None:
    """Doors on the west and the east side of a block of 100 m share it along its middle."""
    doors = layer({"w": (200, 250), "e": (300, 250)})
    areas = st.service_areas(town_network, doors, metres=200, width=10, overlap="split").set_index("facility").geometry
    assert areas["w"].contains(at(245, 250))
    assert areas["e"].contains(at(255, 250))
    assert areas["w"].area == pytest.approx(areas["e"].area, rel=0.01)


def test_rings(road: st.Network, layer: Make) -> None:
    """From the end of a street: 100 m less the first 50 m, whose round end bulges out."""
    areas = st.service_areas(road, layer({"f": (0, 0)}), metres=[50, 100, 900, 1000], width=10, rings=True)
    assert areas["limit"].tolist() == [900, 100, 50]  # nothing more is reached within 1000 m
    assert areas.area.tolist() == pytest.approx([8000, 1000, 1000 + ROUND * 100], abs=0.01)


OPTIONS = [{"overlap": o, "rings": r} for o in ("keep", "split", "dissolve") for r in (False, True)]


@pytest.mark.slow
@pytest.mark.parametrize("options", OPTIONS)
def test_what_the_sample_adds_up_to(
    sample: dict[str, gpd.GeoDataFrame], sample_network: st.Network, options: dict[str, Any]
) -> None:
    """Split areas and rings tile the dissolved area; nothing is a sliver."""
    facilities = sample["childcare"].iloc[:15]
    areas = st.service_areas(sample_network, facilities, metres=[300, 500, 800], **options)
    dissolved = st.service_areas(sample_network, facilities, metres=[300, 500, 800], overlap="dissolve")
    assert areas.geometry.is_valid.all()
    assert set(areas.geometry.geom_type) == {"MultiPolygon"}
    assert shapely.area(shapely.get_parts(areas.geometry.to_numpy())).min() > 1
    assert ("facility" in areas) == (options["overlap"] != "dissolve")
    assert areas["limit"].is_monotonic_decreasing
    total = areas.area.groupby(areas["limit"]).sum()
    union = dissolved.set_index("limit").geometry
    if options["overlap"] == "keep":
        # Holes that several enclose are filled only in the dissolved area.
        assert areas.union_all().difference(union[800]).area < 0.001 * union[800].area
        if options["rings"]:
            for _, mine in areas.groupby("facility"):
                assert mine.area.sum() == pytest.approx(mine.union_all().area, rel=1e-4)
    elif options["rings"]:
        assert total.sum() == pytest.approx(union[800].area, rel=1e-3)
        assert areas.union_all().area == pytest.approx(total.sum(), rel=1e-6)
    else:
        assert total.to_dict() == pytest.approx(union.area.to_dict(), rel=1e-6)
        for limit, mine in areas.groupby("limit"):
            assert mine.union_all().symmetric_difference(union[limit]).area < 1e-6 * union[limit].area


@pytest.mark.slow
def test_the_area_is_that_of_every_piece_alone(sample: dict[str, gpd.GeoDataFrame], sample_network: Any) -> None:
    """The area is the union of every reached piece widened alone and of the circles around the doors."""
    facilities = sample["childcare"].iloc[:10]
    places = sample_network.locate(facilities)
    areas = st.service_areas(sample_network, places, metres=[400, 900], fill=0)
    pieces = service_streets(sample_network, places, metres=[400, 900])
    keys = list(zip(pieces["limit"], pieces["facility"], strict=True))
    alone = pieces.geometry.buffer(40).groupby(pd.MultiIndex.from_tuples(keys)).agg(shapely.union_all)
    circle = dict(zip(places.ids, shapely.points(places.xy), strict=True))
    door = dict(zip(places.ids, places.door / 1000, strict=True))
    for limit, facility, area in zip(areas["limit"], areas["facility"], areas.geometry, strict=True):
        wanted = alone[limit, facility].union(circle[facility].buffer(door[facility]))
        assert area.symmetric_difference(wanted).area < 0.01 * wanted.area
        assert wanted.buffer(0.6).covers(area)  # GEOS simplifies concave bends by 1 % of the width
        assert area.buffer(0.02 * max(40, door[facility])).covers(wanted)


# Streets


def test_reached_streets(road: st.Network, layer: Make) -> None:
    doors = layer({"f": (100, 0), "g": (300, 40)})
    found = service_streets(road, doors, metres=[100, 130])
    assert list(found.columns) == ["facility", "limit", "unit", "street", "metres", "geometry"]
    assert found.drop(columns="geometry").to_numpy().tolist() == [
        ["f", 130.0, "m", "a", 230.0], ["g", 130.0, "m", "a", 180.0],
        ["f", 100.0, "m", "a", 200.0], ["g", 100.0, "m", "a", 120.0],
    ]  # fmt: skip
    assert found.length.tolist() == pytest.approx(found["metres"].tolist())
    assert found.crs == road.crs
    split = service_streets(road, doors, metres=130, overlap="split")
    assert split["metres"].tolist() == [220.0, 170.0]
    assert np.array(split.geometry.iloc[1].coords) == pytest.approx(np.array([(X0 + 220, Y0), (X0 + 390, Y0)]))
    one = service_streets(road, doors, metres=130, overlap="dissolve")
    assert list(one.columns) == ["limit", "unit", "street", "metres", "geometry"]
    assert one["metres"].tolist() == [390.0]


def test_a_bent_street_is_cut_between_its_corners(streets: Make, layer: Make) -> None:
    network = st.Network.from_streets(streets({"a": [(0, 0), (100, 0), (100, 0), (100, 100), (200, 100)]}))
    piece = service_streets(network, layer({"f": (0, 0)}), metres=150).geometry.iloc[0]
    assert [(round(x - X0, 6), round(y - Y0, 6)) for x, y in piece.coords] == [
        (0, 0), (100, 0), (100, 0), (100, 50),
    ]  # fmt: skip


def test_an_unknown_overlap(town_network: st.Network, layer: Make) -> None:
    for draw in (st.service_areas, service_streets):
        with pytest.raises(ProblemError, match='overlap is "merge"; choose one of keep, split, dissolve'):
            draw(town_network, layer({"f": (0, 0)}), metres=300, overlap="merge")


def test_an_estate_off_the_street(town_network: st.Network, layer: Make, at: Make) -> None:
    """The ground of a facility drawn as a polygon is in its area, with what is walked to straight around it."""
    ground = shapely.box(*at(130, -160).coords[0], *at(170, -120).coords[0])
    f = layer({"f": (0, 0)}).set_geometry([ground])
    for overlap in ("keep", "split", "dissolve"):
        near = only(st.service_areas(town_network, f, metres=50, overlap=overlap, fill=0))
        # 40 m by 40 m, 50 m around it, and quarters of a circle of 16 sides at its corners.
        corners = 50**2 * 8 * math.sin(math.pi / 8)
        assert near.area == pytest.approx(40 * 40 + 4 * 40 * 50 + corners, rel=0.002)
        assert near.contains(ground)
    far = st.service_areas(town_network, f, metres=300, rings=True)
    assert only(far).contains(ground)


def test_grounds_wider_than_the_limit_are_dissolved_too(road: st.Network, layer: Make, at: Make) -> None:
    """Two estates of 60 m, of which 10 m on either side of the outline would leave holes of 40 m."""
    grounds = [shapely.box(*at(x, 50).coords[0], *at(x + 60, 110).coords[0]) for x in (100, 300)]
    f = layer({"f": (0, 0), "g": (0, 0)}).set_geometry(grounds)
    area = only(st.service_areas(road, f, metres=10, overlap="dissolve", fill=0))
    assert [len(part.interiors) for part in area.geoms] == [0, 0]
    assert all(area.contains(ground) for ground in grounds)
