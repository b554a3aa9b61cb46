"""The gates of estates that are polygons: their ways begin at the rim, and all of the rim counts."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as some

import siting as st

X0, Y0, TOWN_CRS = 530_000.0, 3_380_000.0, "EPSG:4547"


def at(x: float, y: float) -> shapely.Point:
    return shapely.Point(X0 + x, Y0 + y)


def streets(lines: dict[str, list[tuple[float, float]]]) -> gpd.GeoDataFrame:
    drawn = [shapely.LineString([at(*xy) for xy in line]) for line in lines.values()]
    return gpd.GeoDataFrame(index=list(lines), geometry=drawn, crs=TOWN_CRS)


def estate(*boxes: tuple[float, float, float, float]) -> gpd.GeoDataFrame:
    """An estate of one or more boxes: west, south, east, north."""
    parts = [shapely.box(X0 + west, Y0 + south, X0 + east, Y0 + north) for west, south, east, north in boxes]
    shape = parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)
    return gpd.GeoDataFrame(index=["estate"], geometry=[shape], crs=TOWN_CRS)


def metres(network: st.Network, estates: gpd.GeoDataFrame, x: float, y: float, max_snap: float = 250.0) -> float:
    """The way from an estate to a place."""
    reach = st.travel(
        network,
        estates,
        gpd.GeoDataFrame(index=["place"], geometry=[at(x, y)], crs=TOWN_CRS),
        metres=50_000,
        max_snap=max_snap,
    )
    return float(reach.cost[0])


def test_what_lies_between_two_parts_is_no_gate() -> None:
    """A street midway between two parts is as far as it is from the nearer."""
    network = st.Network.from_streets(streets({"a": [(225, 0), (225, 400)], "b": [(0, -30), (0, -90)]}))
    parts = estate((-20, 0, 0, 10), (450, 0, 470, 10))
    assert metres(network, parts, 225, 400) == 225 + 390
    bay = [(0, 0), (400, 0), (400, 300), (380, 300), (380, 20), (20, 20), (20, 300), (0, 300)]
    bend = gpd.GeoDataFrame(index=["bend"], geometry=[shapely.Polygon([at(*xy) for xy in bay])], crs=TOWN_CRS)
    network = st.Network.from_streets(streets({"a": [(200, 290), (200, 700)]}))
    assert metres(network, bend, 200, 700) == 180 + 400


def test_a_street_that_crosses_the_rim_goes_on_beside_it() -> None:
    """Its far end, 10 m from the rim, is entered there, not over the crossing."""
    network = st.Network.from_streets(streets({"a": [(-50, 50), (-10, 50), (10, 50), (10, -10), (900, -10)]}))
    assert metres(network, estate((0, 0, 600, 100)), 900, -10) == 10 + 300


def test_a_street_that_is_hidden_where_it_is_nearest_counts_where_it_is_seen() -> None:
    """A dead end lies before the nearest point of the long street; beside it the way is free."""
    lines = {"long": [(0, -40), (10, -39.9), (600, -60)], "short": [(5, -20), (15, -20)]}
    network = st.Network.from_streets(streets(lines))
    found = metres(network, estate((0, 0, 600, 100)), 600, -60)
    assert 61.9 < found < 62.1


def test_a_polygon_far_off_is_entered_at_the_nearest_end() -> None:
    network = st.Network.from_streets(streets({"a": [(0, 0), (500, 0)], "b": [(500, 0), (1000, 0)]}))
    assert metres(network, estate((9000, -10, 9100, 10)), 800, 0, max_snap=np.inf) == 8000 + 200


ROUND = {
    "front": [(0, 0), (100, 0)], "round": [(100, 0), (100, -1000), (300, -1000), (300, 50)],
    "back": [(300, 50), (300, 200)], "gate": [(100, 0), (110, 50)], "drive": [(110, 50), (300, 50)],
}  # fmt: skip


def private() -> st.Network:
    """A street round a walled estate, and the estate's own drive from gate to gate."""
    frame = streets(ROUND)
    return st.Network.from_streets(frame.assign(private=frame.index.isin(["gate", "drive"])))


def test_a_neighbour_does_not_pass_an_estate() -> None:
    """Though its private drive is seen from the rim, or begins there."""
    rest = 200 + 1050 + 150
    assert metres(private(), estate((20, -5, 80, 40)), 300, 200, 100) == 20 + 995 + rest
    assert (
        metres(private(), estate((20, -45, 150, 0)), 300, 200, 100) == 955 + rest
    )  # as far as the middle of the street


def test_residents_leave_by_every_gate() -> None:
    """An estate in which the drive lies, with an open street at its rim; and one beside the drive alone."""
    assert metres(private(), estate((20, 0, 290, 60)), 300, 200) == 10 + 140
    found = metres(private(), estate((150, 55, 250, 90)), 0, 0)
    assert found == pytest.approx(np.hypot(40, 5) + np.hypot(10, 50) + 100, abs=0.01)


CORNER = some.tuples(some.integers(-200, 700), some.integers(-200, 700), some.integers(1, 200), some.integers(1, 200))


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    some.lists(CORNER, min_size=1, max_size=3),
    some.lists(some.tuples(some.integers(0, 3), some.integers(0, 3), some.booleans()), min_size=2, unique=True),
)
def test_no_way_is_shorter_than_from_the_rim(
    boxes: list[tuple[int, int, int, int]], blocks: list[tuple[int, int, bool]]
) -> None:
    """Each way ends on its street, and is at least as long as from the nearest point of the polygon."""
    lines = {
        f"{i}-{j}-{flat}": [(150 * i, 150 * j), (150 * (i + flat), 150 * (j + (not flat)))] for i, j, flat in blocks
    }
    network = st.Network.from_streets(streets(lines))
    shape = shapely.union_all([shapely.box(X0 + x, Y0 + y, X0 + x + w, Y0 + y + h) for x, y, w, h in boxes])
    placed = network.locate(gpd.GeoDataFrame(index=["estate"], geometry=[shape], crs=TOWN_CRS), any_street=True)
    gates = placed.gates
    kept = gates.edge >= 0
    ends = shapely.line_interpolate_point(network.lines[gates.edge[kept]], gates.to_u[kept] / 1000)
    assert (gates.door[kept] / 1000 >= shapely.distance(shape, ends) - 0.002).all()


def test_polygons_without_a_surface_have_gates_too() -> None:
    """A polygon that is drawn flat, or as one spot, is what is left of it."""
    network = st.Network.from_streets(streets({"a": [(0, 0), (500, 0)]}))
    for corners, way in (([(10, 50)] * 4, 50 + 390), ([(10, 50), (90, 50), (40, 50)], 50 + 310)):
        flat = gpd.GeoDataFrame(index=["flat"], geometry=[shapely.Polygon([at(*xy) for xy in corners])], crs=TOWN_CRS)
        assert metres(network, flat, 400, 0) == way
