"""Reached pieces of streets, against streets that are cut into half millimetres' worth by an independent search."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import geopandas as gpd
import networkx as nx
import numpy as np
import pytest
import shapely
from hypothesis import assume, example, given, settings
from hypothesis import strategies as some

import siting as st
from siting.network import Places
from siting.network.reached_streets import Mode, reached_pieces

Make = Callable[..., Any]
X0, Y0 = 530_000.0, 3_380_000.0
Pieces = list[tuple[int, int, float, float]]


def pieces(network: st.Network, places: Places, limit: int, mode: Mode) -> Pieces:
    found = reached_pieces(network, places, [limit], mode=mode)
    return list(zip(found.group.tolist(), found.edge.tolist(), found.low.tolist(), found.high.tolist(), strict=True))


def ways(network: st.Network, places: Places) -> list[dict[Any, int]]:
    """Distances in mm from each place to nodes and to all places' spots, on streets split at the places."""
    graph: nx.Graph[Any] = nx.Graph()

    def join(a: Any, b: Any, cost: int) -> None:
        if not graph.has_edge(a, b) or graph[a][b]["cost"] > cost:
            graph.add_edge(a, b, cost=cost)

    on: dict[int, set[int]] = {}
    for i, edge in enumerate(places.edge.tolist()):
        graph.add_node(("door", i))
        if edge >= 0:
            spot = int(places.to_u[i])
            on.setdefault(edge, set()).add(spot)
            graph.add_edge(("door", i), ("spot", edge, spot), cost=int(places.door[i]))
    for edge, (u, v, cost) in enumerate(
        zip(network.u.tolist(), network.v.tolist(), network.cost.tolist(), strict=True)
    ):
        stops = [(0, ("node", u)), *((s, ("spot", edge, s)) for s in sorted(on.get(edge, ()))), (cost, ("node", v))]
        for (here, a), (there, b) in pairwise(stops):
            join(a, b, there - here)
    # Nobody walks through another place's door: a door is a dead end, so it shortens nothing.
    return [dict(nx.single_source_dijkstra_path_length(graph, ("door", i), weight="cost")) for i in range(len(places))]


def oracle(network: st.Network, places: Places, limit: int, mode: Mode) -> Pieces:
    """Every half millimetre-cell of a street asks at its middle how far each place is."""
    way = ways(network, places)
    found: Pieces = []
    for edge, (u, v, cost) in enumerate(
        zip(network.u.tolist(), network.v.tolist(), network.cost.tolist(), strict=True)
    ):
        # All points where something may change: ends of what is reached, and where two ways are equally long.
        stops = sorted({0, cost, *(int(places.to_u[i]) for i in range(len(places)) if places.edge[i] == edge)})

        def at(i: int, stop: int, edge: int = edge, u: int = u, v: int = v, cost: int = cost) -> float:
            name = ("node", u) if stop == 0 else ("node", v) if stop == cost else ("spot", edge, stop)
            direct = way[i].get(name, float("inf"))
            return min(direct, way[i].get(("spot", edge, stop), float("inf")))

        def far(i: int, x: float, stops: list[int] = stops, at: Any = at) -> float:
            return min(at(i, stop) + abs(x - stop) for stop in stops)

        marks = {0.0, float(cost)}
        for i in range(len(places)):
            for stop in stops:
                marks |= {stop - (limit - at(i, stop)), stop + (limit - at(i, stop))}
                for j in range(len(places)):
                    marks |= {(at(j, b) + b - at(i, stop) + stop) / 2 for b in stops}
        marks = sorted({m for m in marks if 0 <= m <= cost})
        cells = list(pairwise(marks)) if cost else [(0.0, 0.0)]
        for group in range(len(places)) if mode != "together" else [0]:
            runs: list[list[float]] = []
            for low, high in cells:
                x = (low + high) / 2
                away = [far(i, x) for i in range(len(places))]
                mine = (min(away) if mode == "together" else away[group]) <= limit
                if mode == "nearest":
                    mine = mine and away.index(min(away)) == group
                if mine and runs and runs[-1][1] == low:
                    runs[-1][1] = high
                elif mine:
                    runs.append([low, high])
            found += [(group, edge, lo / cost if cost else 0.0, hi / cost if cost else 1.0) for lo, hi in runs]
    return sorted(found)


STEP = some.integers(0, 4).map(lambda i: 50.0 * i)
SPOT = some.tuples(STEP, STEP)


@some.composite
def towns(draw: Any) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame, int]:
    """Streets with parallels, loops, dots and islands; places on nodes, on each other, on one edge; exact limits."""
    corners = draw(some.lists(SPOT, min_size=1, max_size=5, unique=True))
    corner = some.sampled_from(corners)
    lines = [
        [draw(corner), *draw(some.lists(SPOT, max_size=2)), draw(corner)] for _ in range(draw(some.integers(1, 7)))
    ]
    geometry = [shapely.LineString([(X0 + x, Y0 + y) for x, y in line]) for line in lines]
    columns = {}
    if draw(some.booleans()):
        factor = some.sampled_from([None, None, 0.0, 0.7, 1.0, 1.3])
        columns["length"] = [
            None if f is None else f * line.length for line, f in ((s, draw(factor)) for s in geometry)
        ]
        given = [f for f in columns["length"] if f is not None]
        assume(not given or any(f > 0 for f in given))
    streets = gpd.GeoDataFrame(columns, geometry=geometry, crs="EPSG:32650")
    fine = some.tuples(some.integers(-20, 220), some.integers(-20, 220))
    spots = draw(some.lists(some.one_of(corner, SPOT, fine), min_size=1, max_size=4))
    points = [shapely.Point(X0 + x, Y0 + y) for x, y in spots]
    facilities = gpd.GeoDataFrame(geometry=points, crs="EPSG:32650")
    return streets, facilities, draw(some.sampled_from([10_000, 50_000, 75_000, 100_000, 123_457, 200_000, 400_000]))


def town(lines: list[list[tuple[float, float]]], spot: tuple[float, float]) -> tuple[Any, Any, int]:
    """Streets, one place, and a limit of 75 m."""
    drawn = [shapely.LineString([(X0 + x, Y0 + y) for x, y in line]) for line in lines]
    place = shapely.Point(X0 + spot[0], Y0 + spot[1])
    return (*(gpd.GeoDataFrame(geometry=shapes, crs="EPSG:32650") for shapes in (drawn, [place])), 75_000)


#: Both ends of one street, and the starts of two, lie 50 m from the place: it enters the streets at one of them.
TWO_ENDS = town([[(100, 200), (0, 200), (0, 300), (150, 300), (150, 250)]], (150, 200))
TWO_STREETS = town([[(100, 0), (300, 0)], [(100, 100), (300, 100)]], (100, 50))


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["each", "nearest", "together"])
@settings(max_examples=40, deadline=None)
@given(town=towns())
@example(town=TWO_ENDS)
@example(town=TWO_STREETS)
def test_any_town(town: Any, mode: Mode) -> None:
    streets, facilities, limit = town
    network = st.Network.from_streets(streets, crs="EPSG:32650")
    places = network.locate(facilities, max_snap=60)
    found, wanted = sorted(pieces(network, places, limit, mode)), oracle(network, places, limit, mode)
    assert [piece[:2] for piece in found] == [piece[:2] for piece in wanted]
    assert np.array([piece[2:] for piece in found]) == pytest.approx(
        np.array([piece[2:] for piece in wanted]), abs=1e-9
    )


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(town=towns())
def test_the_modes_agree(town: Any) -> None:
    """What places reach together is what each reaches, and what the nearest share out among them."""
    streets, facilities, limit = town
    network = st.Network.from_streets(streets, crs="EPSG:32650")
    places = network.locate(facilities, max_snap=60)

    def pieces_and_length(mode: Mode) -> tuple[dict[int, list[list[int]]], int]:
        """Reached pieces of each edge, joined, and the length of all before that, half mm."""
        found = reached_pieces(network, places, [limit], mode=mode)
        ends = np.rint(np.column_stack([found.low, found.high]) * 2 * network.cost[found.edge][:, None]).astype(int)
        joined: dict[int, list[list[int]]] = {}
        for edge, (low, high) in sorted(zip(found.edge.tolist(), ends.tolist(), strict=True)):
            runs = joined.setdefault(edge, [])
            if runs and low <= runs[-1][1]:
                runs[-1][1] = max(runs[-1][1], high)
            else:
                runs.append([low, high])
        return joined, int(np.diff(ends).sum())

    together = pieces_and_length("together")
    assert pieces_and_length("nearest") == together
    assert pieces_and_length("each")[0] == together[0]


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(town=towns())
def test_several_limits_are_each_alone(town: Any) -> None:
    streets, facilities, limit = town
    network = st.Network.from_streets(streets, crs="EPSG:32650")
    places = network.locate(facilities, max_snap=60)
    for mode in ("each", "nearest", "together"):
        both = reached_pieces(network, places, [limit, limit // 2], mode=mode)
        for k, alone in enumerate((limit, limit // 2)):
            one = reached_pieces(network, places, [alone], mode=mode)
            for name in ("group", "edge", "low", "high"):
                assert getattr(both, name)[both.limit == k].tolist() == getattr(one, name).tolist()


@pytest.mark.parametrize("mode", ["each", "nearest", "together"])
@pytest.mark.parametrize(("town", "share"), [(TWO_ENDS, 25 / 400), (TWO_STREETS, 25 / 200)])
def test_a_place_enters_the_streets_at_one_point(town: Any, share: float, mode: Mode) -> None:
    """Of 75 m, 50 are the door's: 25 m are left from the end at which the place enters, and from no other."""
    streets, facilities, limit = town
    network = st.Network.from_streets(streets, crs="EPSG:32650")
    ((_, _, low, high),) = pieces(network, network.locate(facilities), limit, mode)
    assert (low, high) in ((0, share), (1 - share, 1))


@pytest.mark.parametrize("mode", ["each", "nearest", "together"])
@pytest.mark.parametrize("private", [False, True])
def test_a_bridge_overhead_is_not_stepped_on(streets: Make, layer: Make, private: bool, mode: Mode) -> None:
    """A place 50 m from the street walks straight to a node of the bridge, 10 m off, but not on over the bridge."""
    lines = {"street": [(0, 0), (500, 0)], "up": [(0, 0), (100, 60)], "down": [(100, 60), (500, 0)]}
    frame = streets(lines, bridge=["no", "yes", "yes"], private=[False, private, private])
    network = st.Network.from_streets(frame)
    places = network.locate(layer({"f": (100, 50)}))
    assert places.moved["snap"].tolist() == [50]
    found = [(network.edges.index[edge], low, high) for _, edge, low, high in pieces(network, places, 75_000, mode)]
    assert found == [("street", 0.15, 0.25)]  # 25 m either way from 100 m


@pytest.fixture
def road(streets: Make) -> st.Network:
    """One street of 500 m."""
    return st.Network.from_streets(streets({"a": [(0, 0), (500, 0)]}))


def test_a_street_is_shared_at_the_middle(road: st.Network, layer: Make) -> None:
    """Doors at 100 m and, 40 m off the street, at 300 m: as far from both at 220 m."""
    places = road.locate(layer({"f": (100, 0), "g": (300, 40)}))
    assert pieces(road, places, 500_000, "nearest") == [(0, 0, 0.0, 0.44), (1, 0, 0.44, 1.0)]
    assert pieces(road, places, 100_000, "nearest") == [(0, 0, 0.0, 0.4), (1, 0, 0.48, 0.72)]
    assert pieces(road, places, 130_000, "nearest") == [(0, 0, 0.0, 0.44), (1, 0, 0.44, 0.78)]
    assert pieces(road, places, 130_000, "each") == [(0, 0, 0.0, 0.46), (1, 0, 0.42, 0.78)]
    assert pieces(road, places, 130_000, "together") == [(0, 0, 0.0, 0.78)]


def test_the_first_of_places_at_one_spot(road: st.Network, layer: Make) -> None:
    places = road.locate(layer({"off": (0, 900), "f": (100, 0), "g": (100, 0)}), max_snap=50)
    assert pieces(road, places, 50_000, "nearest") == [(1, 0, 0.1, 0.3)]
    assert pieces(road, places, 50_000, "each") == [(1, 0, 0.1, 0.3), (2, 0, 0.1, 0.3)]


def test_the_middle_between_two_millimetres(streets: Make, layer: Make) -> None:
    """A street of 3 mm between two doors is cut 1.5 mm from either."""
    network = st.Network.from_streets(streets({"a": [(0, 0), (0.003, 0)]}))
    places = network.locate(layer({"f": (0, 0), "g": (0.003, 0)}))
    assert pieces(network, places, 10_000, "nearest") == [(0, 0, 0.0, 0.5), (1, 0, 0.5, 1.0)]


def test_a_limit_that_ends_on_a_crossing(at: Make, layer: Make) -> None:
    """The limit is inclusive: an edge of no length at exactly the limit is reached, a longer one is not."""
    x, y = zip(*[at(*xy).coords[0] for xy in ((0, 0), (100, 0), (100, 30), (200, 0))], strict=True)
    network = st.Network.from_arrays(x, y, [0, 1, 1], [1, 2, 3], crs=layer({}).crs, length=[100.0, 0.0, 100.0])
    places = network.locate(layer({"f": (0, 0)}))
    names = np.array(["a", "dot", "b"])[network.edges.index]
    reached = {names[edge]: (low, high) for _, edge, low, high in pieces(network, places, 100_000, "each")}
    assert reached == {"a": (0.0, 1.0), "dot": (0.0, 1.0)}


def test_no_places_and_no_limits(road: st.Network, layer: Make) -> None:
    nobody = road.locate(layer({}))
    someone = road.locate(layer({"f": (0, 0)}))
    for mode in ("each", "nearest", "together"):
        assert pieces(road, nobody, 300_000, mode) == []
        found = reached_pieces(road, someone, [], mode=mode)
        assert [len(column) for column in found] == [0] * 5
        assert found.edge.dtype == np.int32


def test_whole(road: st.Network, layer: Make) -> None:
    found = reached_pieces(road, road.locate(layer({"f": (100, 0)})), [399_999, 400_000], mode="each")
    assert ((found.low == 0) & (found.high == 1)).tolist() == [False, True]
    assert found.limit.tolist() == [0, 1]
