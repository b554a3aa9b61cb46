"""Places whose free walks overlap walk straight to each other, in every function alike."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as some

import siting as st

X0, Y0, CRS = 530_000.0, 3_380_000.0, "EPSG:4547"
SIDE = 1000.0


def at(x: float, y: float) -> shapely.Point:
    return shapely.Point(X0 + x, Y0 + y)


def layer(shapes: dict[str, Any], **columns: list[Any]) -> gpd.GeoDataFrame:
    drawn = [at(*shape) if isinstance(shape, tuple) else shape for shape in shapes.values()]
    return gpd.GeoDataFrame(columns, geometry=drawn, crs=CRS, index=pd.Index(list(shapes), name="id"))


def box(west: float, south: float, east: float, north: float) -> shapely.Polygon:
    return shapely.box(X0 + west, Y0 + south, X0 + east, Y0 + north)


@pytest.fixture(scope="module")
def street() -> st.Network:
    """One street of 1000 m."""
    return st.Network.from_arrays([X0, X0 + 1000], [Y0, Y0], [0], [1], crs=CRS)


def costs(reach: st.Reach) -> dict[tuple[str, str], float]:
    pairs = reach.pairs()
    return {(a, b): c for a, b, c in zip(pairs["origin"], pairs["destination"], pairs["cost"], strict=True)}


PLACES = {
    "block": (500, 160),
    "ground_floor": (500, 160),
    "yard": (530, 200),  # 50 m from the block
    "row": (500, -10),  # across the street
    "far": (900, 160),  # 400 m from the block, more than 160 + 160
    "next": (820, 160),  # 320 m from the block: exactly both walks
}


def test_by_hand(street: st.Network) -> None:
    places = layer(PLACES)
    found = costs(st.travel(street, places, places, metres=5000))
    assert found["block", "ground_floor"] == 0
    assert found["block", "yard"] == 50
    assert found["block", "row"] == 170  # 160 + 10 over the street
    assert found["yard", "row"] == 200 + 30 + 10  # 212 m straight, more than 200 + 10
    assert found["block", "far"] == 160 + 400 + 160
    assert found["block", "next"] == 320  # not 160 + 320 + 160
    assert all(found[b, a] == cost for (a, b), cost in found.items())
    assert all(found[a, a] == 0 for a in PLACES)


def test_in_minutes(street: st.Network) -> None:
    places = layer(PLACES)
    found = costs(st.travel(street, places, places, minutes=10, walk=st.Walk(50.0)))
    assert found["block", "yard"] == 1
    assert found["block", "ground_floor"] == 0


def test_every_function_agrees(street: st.Network) -> None:
    homes, sites = layer({"block": (500, 160), "row": (500, -10)}), layer({"nursery": (500, 160), "other": (560, 160)})
    reach = st.travel(street, homes, sites, metres=300)
    assert costs(reach) == {
        ("block", "nursery"): 0, ("block", "other"): 60, ("row", "nursery"): 170, ("row", "other"): 10 + 60 + 160,
    }  # fmt: skip
    back = st.travel(street, layer({"nursery": (500, 160)}), homes, metres=300)
    assert costs(back) == {("nursery", "block"): 0, ("nursery", "row"): 170}
    near = st.travel(street, homes, sites, nearest=1)
    assert costs(near) == {("block", "nursery"): 0, ("row", "nursery"): 170}
    people = pd.Series({"block": 1000.0, "row": 10.0})
    assert st.coverage(reach, people)["covered"].iloc[0] == 1010
    sums = st.measure.catchment(street, sites, homes, people, metres=100)
    assert sums.iloc[:, 0].to_dict() == {"nursery": 1000.0, "other": 1000.0}
    far = st.measure.catchment(street, homes, sites, metres=100, decay=lambda cost: np.where(cost == 0, 5.0, 1.0),
                       weights=pd.Series({"nursery": 1.0, "other": 1.0}))  # fmt: skip
    assert far.iloc[:, 0].to_dict() == {"block": 6.0, "row": 0.0}
    parts = list(st.measure.travel_in_parts(street, homes, sites, metres=300, max_pairs=1))
    assert {pair: cost for part in parts for pair, cost in costs(part).items()} == costs(reach)
    what = st.WhatIf(reach, demand=people, open=["nursery"])
    assert what.share == 1.0


def test_beyond_the_longest_way_to_a_street(street: st.Network) -> None:
    """Places on no street are reached by no street, but by who stands in the same yard."""
    homes = layer({"a": (500, 400), "b": (500, 400), "c": (600, 400), "d": (500, 1001)})
    found = costs(st.travel(street, homes, homes, metres=5000))
    assert found == {
        ("a", "a"): 0, ("a", "b"): 0, ("a", "c"): 100, ("b", "a"): 0, ("b", "b"): 0, ("b", "c"): 100,
        ("c", "a"): 100, ("c", "b"): 100, ("c", "c"): 0, ("d", "d"): 0,
    }  # fmt: skip
    assert costs(st.travel(street, homes, homes, nearest=2, metres=5000))["a", "b"] == 0


def test_the_limit_counts(street: st.Network) -> None:
    pair = layer({"a": (500, 160), "b": (530, 200)})
    assert ("a", "b") in costs(st.travel(street, pair, pair, metres=50))
    assert ("a", "b") not in costs(st.travel(street, pair, pair, metres=49.9))


TOWN = some.lists(
    some.tuples(some.integers(0, 4), some.integers(0, 4), some.booleans()), min_size=3, max_size=20, unique=True
)
SPOT = some.tuples(some.integers(-300, 1300), some.integers(-300, 1300))


def town(blocks: list[tuple[int, int, bool]]) -> st.Network:
    """Some of the streets of a grid with blocks of 200 m."""
    x, y = np.meshgrid(np.arange(6) * 200.0, np.arange(6) * 200.0)
    u = [6 * j + i for i, j, _ in blocks]
    v = [6 * j + i + 1 if flat else 6 * (j + 1) + i for i, j, flat in blocks]
    return st.Network.from_arrays(X0 + x.ravel(), Y0 + y.ravel(), u, v, crs=CRS)


@settings(max_examples=60, deadline=None)
@given(TOWN, some.lists(SPOT, min_size=2, max_size=12), some.sampled_from([60, 250, 1000]))
def test_what_holds_everywhere(blocks: list[tuple[int, int, bool]], spots: list[tuple[int, int]], limit: int) -> None:
    network = town(blocks)
    places = layer({str(i): spot for i, spot in enumerate(spots)})
    placed = network.locate(places, any_street=True)
    found = costs(st.travel(network, placed, placed, metres=limit))
    points = np.asarray(places.geometry.values)
    flat = shapely.distance(points[:, None], points[None, :])
    lines = network.lines
    for i in range(len(spots)):
        assert found[str(i), str(i)] == 0
        for j in range(len(spots)):
            cost = found.get((str(i), str(j)), math.inf)
            assert found.get((str(j), str(i)), math.inf) == cost
            assert cost >= flat[i, j] - 0.001 or cost == math.inf
            free = [min(placed.snap[k], 250.0) for k in (i, j)]
            if flat[i, j] < sum(free) - 0.002 and flat[i, j] <= limit:
                way = shapely.LineString([places.geometry.iloc[i], places.geometry.iloc[j]])
                assert not shapely.intersects(lines, way).any()  # no street lies between them
                assert cost == pytest.approx(flat[i, j], abs=0.001)


@settings(max_examples=40, deadline=None)
@given(TOWN, some.lists(SPOT, min_size=1, max_size=8), some.lists(SPOT, min_size=1, max_size=8), some.data())
def test_polygons_are_as_near_as_their_nearest_gate(
    blocks: list[tuple[int, int, bool]], corners: list[tuple[int, int]], spots: list[tuple[int, int]], data: Any
) -> None:
    """A polygon reaches what any of its gates reaches, as places of their own; the shortest way counts."""
    network = town(blocks)
    size = some.integers(1, 300)
    shapes = {str(i): box(x, y, x + data.draw(size), y + data.draw(size)) for i, (x, y) in enumerate(corners)}
    estates, homes = layer(shapes), layer({f"p{i}": spot for i, spot in enumerate(spots)})
    a, b = network.locate(estates, any_street=True), network.locate(homes, any_street=True)
    limit = 1500
    found = costs(st.travel(network, a, b, metres=limit))
    assert {(i, j): c for (j, i), c in costs(st.travel(network, b, a, metres=limit)).items()} == found
    gates = a.gates
    on = np.flatnonzero(gates.edge >= 0)
    # Each gate as a place of its own, far from all others, so that nobody walks straight to it.
    edge, to_u = gates.edge[on], gates.to_u[on]
    apart = st.network.Places(
        ids=pd.RangeIndex(len(on)), edge=edge, u=network.u[edge], v=network.v[edge], to_u=to_u,
        to_v=network.cost[edge] - to_u, door=gates.door[on], snap=gates.door[on] / 1000, nearest=gates.door[on] / 1000,
        xy=np.column_stack([np.arange(len(on)) * 1e5 - 1e9, np.zeros(len(on))]), max_snap=250.0,
    )  # fmt: skip
    want: dict[tuple[str, str], float] = {}
    pairs = st.travel(network, apart, b, metres=limit).pairs()
    for gate, home, cost in zip(pairs["origin"], pairs["destination"], pairs["cost"], strict=True):
        key = str(a.ids[gates.owner[on[gate]]]), home
        want[key] = min(want.get(key, math.inf), cost)
    crow = costs(st.straight_line(estates, homes, metres=limit))
    assert all(crow[pair] <= cost + 0.02 for pair, cost in found.items())
    for i, estate in enumerate(estates.geometry):
        for j, home in enumerate(homes.geometry):
            way = round(estate.distance(home) * 1000)
            if way <= a.free[i] + b.free[j] and way <= limit * 1000:
                want[str(i), f"p{j}"] = way / 1000
    assert found == want
    nearest = st.travel(network, a, b, nearest=1, metres=limit)
    for (i, _), cost in costs(nearest).items():
        assert cost == min(c for (k, _), c in want.items() if k == i)
    # Never below the straight line, never above the way over the streets from a point of the polygon.
    inner = network.locate(estates.set_geometry(estates.representative_point()), any_street=True)
    inner = dataclasses.replace(inner, xy=inner.xy + 1e9)
    for (i, j), cost in found.items():
        assert cost >= shapes[i].distance(homes.geometry[j]) - 0.002
    for (i, j), cost in costs(st.travel(network, inner, b, metres=limit - 10)).items():
        if inner.edge[int(i)] >= 0:
            assert found[i, j] <= cost + 5 + 0.002  # the rim is walked along in steps of 10 m
