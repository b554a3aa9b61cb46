"""Shortest paths against an oracle that shares nothing with them: networkx over streets split at every place."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as some
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

import siting as st
from siting.network import Places, search

Make = Callable[..., Any]
Pairs = dict[tuple[int, int], int]
CRS = "EPSG:32650"
X0, Y0 = 530_000.0, 3_380_000.0


def oracle(network: st.Network, origins: Places, destinations: Places) -> Pairs:
    """All distances in mm, of every pair that has a path: streets are split at the places, doors are edges."""
    graph: nx.Graph[Any] = nx.Graph()

    def join(a: Any, b: Any, cost: int) -> None:
        if not graph.has_edge(a, b) or graph[a][b]["cost"] > cost:
            graph.add_edge(a, b, cost=cost)

    on: dict[int, set[int]] = {}
    for side, places in (("o", origins), ("d", destinations)):
        for i, edge in enumerate(places.edge.tolist()):
            graph.add_node((side, i))
            if edge >= 0:
                spot = int(places.to_u[i])
                on.setdefault(edge, set()).add(spot)
                join((side, i), ("spot", edge, spot), int(places.door[i]))
    for edge, (u, v, cost) in enumerate(
        zip(network.u.tolist(), network.v.tolist(), network.cost.tolist(), strict=True)
    ):
        stops = [
            (0, ("node", u)),
            *((spot, ("spot", edge, spot)) for spot in sorted(on.get(edge, ()))),
            (cost, ("node", v)),
        ]
        for (here, a), (there, b) in pairwise(stops):
            join(a, b, there - here)
    found: Pairs = {}
    for i in range(len(origins)):
        for place, cost in nx.single_source_dijkstra_path_length(graph, ("o", i), weight="cost").items():
            if place[0] == "d":
                found[i, place[1]] = cost
    for (i, j), (way, free) in straight_ways(origins, destinations).items():
        if 0 < free >= way:
            found[i, j] = min(way, found.get((i, j), way))
    return found


def straight_ways(origins: Places, destinations: Places) -> dict[tuple[int, int], tuple[int, int]]:
    """The straight way between points, and how far both together are from any street, mm."""

    def free(places: Places) -> list[int]:
        off = [round(min(snap, places.max_snap, 1e6) * 1000) for snap in places.snap.tolist()]
        return [int(door) if edge >= 0 else far for edge, door, far in zip(places.edge, places.door, off, strict=True)]

    return {
        (i, j): (round(math.dist(a, b) * 1000), one + other)
        for i, (a, one) in enumerate(zip(origins.xy.tolist(), free(origins), strict=True))
        for j, (b, other) in enumerate(zip(destinations.xy.tolist(), free(destinations), strict=True))
    }


def in_metres(
    lines: list[Any],
    lengths: list[float],
    origins: Places,
    destinations: Places,
    spots: dict[str, Any],
    names: pd.Index,
) -> dict[tuple[int, int], float]:
    """The same from the raw lines in floating point: only the choice among equals is taken from the places."""
    graph: nx.Graph[Any] = nx.Graph()

    def join(a: Any, b: Any, cost: float) -> None:
        if not graph.has_edge(a, b) or graph[a][b]["cost"] > cost:
            graph.add_edge(a, b, cost=cost)

    corners = [line.coords[k] for line in lines for k in (0, -1)]
    on: dict[int, list[tuple[float, Any]]] = {}
    for side, places in (("o", origins), ("d", destinations)):
        for i, edge in enumerate(places.edge.tolist()):
            graph.add_node((side, i))
            point = spots[side][i]
            nearest = min(line.distance(point) for line in lines)
            if edge < 0:
                assert nearest > places.max_snap
                continue
            raw = int(names[edge])
            line, long = lines[raw], lengths[raw]
            assert line.distance(point) == pytest.approx(nearest, abs=1e-6)
            share = line.project(point) / line.length if line.length else 0.0
            given = float(places.to_u[i]) / max(1, int(places.to_u[i]) + int(places.to_v[i]))
            if abs(share - given) * long > 0.001:  # a line that is as near at two of its points
                assert line.interpolate(given, normalized=True).distance(point) == pytest.approx(nearest, abs=1e-3)
                share = given
            along = share * long
            on.setdefault(raw, []).append((along, ("spot", side, i)))
            join((side, i), ("spot", side, i), line.distance(point))
    for raw, line in enumerate(lines):
        ends = [
            ("node", next(n for n, at in enumerate(corners) if math.dist(at, line.coords[k]) < 0.001)) for k in (0, -1)
        ]
        stops = [(0.0, ends[0]), *sorted(on.get(raw, []), key=lambda stop: stop[0]), (lengths[raw], ends[1])]
        for (here, a), (there, b) in pairwise(stops):
            join(a, b, there - here)
    return {
        (i, place[1]): cost
        for i in range(len(origins))
        for place, cost in nx.single_source_dijkstra_path_length(graph, ("o", i), weight="cost").items()
        if place[0] == "d"
    }


# Small towns of every nasty kind

STEP = some.integers(0, 4).map(lambda i: 50.0 * i)
SPOT = some.tuples(STEP, STEP)
FINE = some.tuples(some.floats(-60, 260), some.floats(-60, 260)).map(lambda xy: (round(xy[0], 4), round(xy[1], 4)))


@some.composite
def towns(draw: Any) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame, gpd.GeoDataFrame, float]:
    """Streets with parallels, loops, dots and islands; places on nodes, on edges, off them and on each other."""
    corners = draw(some.lists(some.one_of(SPOT, FINE), min_size=1, max_size=6, unique=True))
    lines = []
    for _ in range(draw(some.integers(1, 9))):
        a, b = draw(some.sampled_from(corners)), draw(some.sampled_from(corners))
        via = draw(some.lists(some.one_of(SPOT, FINE), max_size=2))
        lines.append(shapely.LineString([(X0 + x, Y0 + y) for x, y in (a, *via, b)]))
    if draw(some.booleans()):
        lines.append(draw(some.sampled_from(lines)))  # the very same street once more
    columns = {}
    if draw(some.booleans()):
        factor = some.sampled_from([None, None, 0.0, 1.0, 1.0, 1.3, 1.7])
        columns["length"] = [None if f is None else f * line.length for line, f in ((s, draw(factor)) for s in lines)]
        assume(not all(f == 0 for f in columns["length"]))
    streets = gpd.GeoDataFrame(columns, geometry=lines, crs=CRS)
    streets.index = pd.Index([str(i) for i in range(len(lines))], name="id")
    known: list[tuple[float, float]] = list(corners)

    def place() -> tuple[float, float]:
        kind = draw(some.sampled_from(["known", "on", "off"]))
        if kind == "known":
            return draw(some.sampled_from(known))  # on a corner, or where another place is
        if kind == "on":
            point = draw(some.sampled_from(lines)).interpolate(
                draw(some.sampled_from([0.25, 0.5, 1 / 3])), normalized=True
            )
            spot = (point.x - X0, point.y - Y0)
        else:
            spot = draw(FINE)
        known.append(spot)
        return spot

    def layer(count: int) -> gpd.GeoDataFrame:
        spots = [place() for _ in range(count)]
        points = [shapely.Point(X0 + x, Y0 + y) for x, y in spots]
        return gpd.GeoDataFrame(geometry=points, crs=CRS, index=pd.Index([f"p{i}" for i in range(count)], name="id"))

    origins, destinations = layer(draw(some.integers(1, 6))), layer(draw(some.integers(1, 6)))
    return streets, origins, destinations, draw(some.sampled_from([10.0, 30.0, 250.0]))


def as_pairs(found: search.Pairs) -> Pairs:
    mm = np.rint(found.cost * 1000).astype(int)
    assert (found.cost == mm / 1000).all()
    pairs = {(int(o), int(d)): int(c) for o, d, c in zip(found.origin, found.destination, mm, strict=True)}
    assert len(pairs) == len(found.cost), "a pair occurs twice"
    return pairs


def in_order(found: search.Pairs) -> bool:
    keys = list(zip(found.origin.tolist(), found.cost.tolist(), found.destination.tolist(), strict=True))
    return keys == sorted(keys)


def build(streets: gpd.GeoDataFrame) -> st.Network:
    try:
        return st.Network.from_streets(streets, crs=CRS)
    except st.errors.NetworkError as fault:  # lengths so odd that they are taken for another unit
        assume("lengths are" not in str(fault) and "is 0" not in str(fault))
        raise


@pytest.mark.slow
@settings(max_examples=120, deadline=None)
@given(towns(), some.data())
def test_all_paths_equal_networkx(town: Any, data: some.DataObject) -> None:
    streets, origins, destinations, max_snap = town
    network = build(streets)
    o, d = network.locate(origins, max_snap=max_snap), network.locate(destinations, max_snap=max_snap)
    truth = oracle(network, o, d)
    # Limits that fall on a distance, a millimetre below it, and anywhere.
    exact = list(truth.values())
    limit = data.draw(
        some.one_of(some.sampled_from([0, *exact, *(c - 1 for c in exact if c)]), some.integers(0, 600_000))
    )
    near = {pair: cost for pair, cost in truth.items() if cost <= limit}
    found = search.within(network, o, d, limit)
    assert as_pairs(found) == near
    assert in_order(found)
    back = as_pairs(search.within(network, d, o, limit))
    assert {(b, a): cost for (a, b), cost in back.items()} == near

    k = data.draw(some.integers(1, 7))
    nearest = {}
    for i in range(len(o)):
        for cost, j in sorted((cost, j) for (a, j), cost in near.items() if a == i)[:k]:
            nearest[i, j] = cost
    found = search.nearest(network, o, d, k, limit)
    assert as_pairs(found) == nearest
    assert in_order(found)

    # The same by the public door.
    if limit >= 10_000:
        reach = st.travel(network, origins, destinations, metres=limit / 1000, max_snap=max_snap)
        costs = {(i, j): cost / 1000 for (i, j), cost in near.items()}
        assert {
            (int(i), int(j)): c for i, j, c in zip(reach.origin, reach.destination, reach.cost, strict=True)
        } == costs
    ranked = st.travel(network, o, d, nearest=k)
    everyone = {i: sorted((c, j) for (a, j), c in truth.items() if a == i)[:k] for i in range(len(o))}
    assert [(int(i), int(j), c) for i, j, c in zip(ranked.origin, ranked.destination, ranked.cost, strict=True)] == [
        (i, j, c / 1000) for i, row in everyone.items() for c, j in row
    ]


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(towns())
def test_paths_equal_those_of_the_raw_lines(town: Any) -> None:
    """Rounding to whole millimetres costs at most 1 mm an edge and a door."""
    streets, origins, destinations, max_snap = town
    network = build(streets)
    o, d = network.locate(origins, max_snap=max_snap), network.locate(destinations, max_snap=max_snap)
    lines = list(streets.geometry)
    given_lengths = streets.get("length", pd.Series(np.nan, index=streets.index)).astype(float)
    lengths = [long if long > 0 else line.length for line, long in zip(lines, given_lengths, strict=True)]
    truth = in_metres(
        lines, lengths, o, d, {"o": list(origins.geometry), "d": list(destinations.geometry)}, network.edges.index
    )
    found = as_pairs(search.within(network, o, d, search.LONGEST))
    for pair, (way, free) in straight_ways(o, d).items():
        if abs(way - free) <= 4:  # a matter of rounding
            found.pop(pair, None)
            truth.pop(pair, None)
        elif way < free:
            truth[pair] = min(truth.get(pair, math.inf), way / 1000)
    assert found.keys() == truth.keys()
    for pair, cost in found.items():
        assert cost / 1000 == pytest.approx(truth[pair], abs=0.002 * (len(lines) + 3))


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(towns(), some.integers(0, 500_000))
def test_ways_to_all_nodes_equal_networkx(town: Any, limit: int) -> None:
    streets, origins, _, max_snap = town
    network = build(streets)
    places, nodes = network.locate(origins, max_snap=max_snap), network.places_at_nodes()
    truth = {pair: cost for pair, cost in oracle(network, places, nodes).items() if cost <= limit}
    assert as_pairs(search.within(network, places, nodes, limit)) == truth


# Long ways and many places


def test_ways_near_the_end_of_32_bits(streets: Make, layer: Make) -> None:
    """Streets of 1,000 km: sums pass 2**31 mm, and must come out absent, not negative."""
    lines = {c: [(100 * i, 0), (100 * i + 100, 0)] for i, c in enumerate("abcdef")}
    network = st.Network.from_streets(streets(lines, length=[100.0, 100.0, 1e6, 1e6, 100.0, 100.0]))
    places = layer({"w": (0, 0), "x": (200, 0), "m": (250, 0), "n": (350, 0), "e": (600, 0)})
    o = network.locate(places)
    truth = oracle(network, o, o)
    assert max(truth.values()) == 2_000_400_000
    for limit in (search.LONGEST, 10**9, 10**9 - 1):
        assert as_pairs(search.within(network, o, o, limit)) == {p: c for p, c in truth.items() if c <= limit}
    far = as_pairs(search.nearest(network, o, o, 5))
    assert far == {p: c for p, c in truth.items() if c <= search.LONGEST}


@pytest.mark.slow
def test_more_is_found_than_there_was_room_for(layer: Make) -> None:
    """Lists inside the kernels start at about a thousand entries and must grow."""
    side = 45
    lines = [
        shapely.LineString([(X0 + 10 * i, Y0 + 10 * j), (X0 + 10 * (i + di), Y0 + 10 * (j + dj))])
        for i in range(side) for j in range(side) for di, dj in ((1, 0), (0, 1))
    ]  # fmt: skip
    network = st.Network.from_streets(gpd.GeoDataFrame(geometry=lines, crs="EPSG:4547"))
    rng = np.random.default_rng(3)
    spots = rng.integers(0, side, (160, 2)) * 10.0
    places = network.locate(layer({str(i): tuple(xy) for i, xy in enumerate(spots)}))
    found = search.within(network, places, places, 1_000_000)
    assert len(found.cost) == 160 * 160
    apart = np.abs(spots[found.origin] - spots[found.destination]).sum(axis=1)
    np.testing.assert_array_equal(found.cost, apart)  # on a lattice: Manhattan
    nodes = network.places_at_nodes()
    found = search.within(network, places, nodes, 1_000_000)
    assert len(found.cost) == 160 * len(network.x)
    manhattan = np.abs(network.x[found.destination] - X0 - spots[found.origin, 0])
    manhattan += np.abs(network.y[found.destination] - Y0 - spots[found.origin, 1])
    np.testing.assert_allclose(found.cost, manhattan, atol=1e-3)
    found = search.nearest(network, places, places, 160)
    np.testing.assert_array_equal(found.cost, np.abs(spots[found.origin] - spots[found.destination]).sum(axis=1))
    assert len(found.cost) == 160 * 160


# Real streets


def adjacency(network: st.Network) -> coo_array:
    """The streets as a matrix for scipy, shortest of the parallels; edges of length 0 are 1e-6 mm."""
    low, high = np.minimum(network.u, network.v), np.maximum(network.u, network.v)
    table = pd.DataFrame({"u": low, "v": high, "cost": network.cost})
    best = table[table["u"] != table["v"]].groupby(["u", "v"], as_index=False)["cost"].min()
    cost = np.maximum(best["cost"].to_numpy(float), 1e-6)
    return coo_array((cost, (best["u"], best["v"])), shape=(len(network.x),) * 2).tocsr()


def against_scipy(network: st.Network, places: Places, count: int, limit: int) -> int:
    """Compare the ways from the first *count* places with scipy's; return how many pairs there were."""
    far = dijkstra(adjacency(network), directed=False, indices=np.concatenate([places.u[:count], places.v[:count]]))
    from_u, from_v = far[:count], far[count:]
    pairs = 0
    few = places.select(places.ids[:count])
    found = as_pairs(search.within(network, few, places, limit))
    for i in range(count):
        ends = [
            way[i][node] + start + end
            for way, start in ((from_u, places.to_u[i]), (from_v, places.to_v[i]))
            for node, end in ((places.u, places.to_u), (places.v, places.to_v))
        ]
        along = np.where(places.edge == places.edge[i], np.abs(places.to_u.astype(float) - places.to_u[i]), np.inf)
        cost = np.minimum(np.min(ends, axis=0), along) + places.door[i] + places.door
        way = np.rint(np.hypot(*(places.xy - places.xy[i]).T) * 1000)
        cost = np.where(way <= places.door[i].astype(float) + places.door, np.minimum(way, cost), cost)
        near = {(i, int(j)): round(float(cost[j])) for j in np.flatnonzero(np.rint(cost) <= limit)}
        assert {pair: c for pair, c in found.items() if pair[0] == i} == near
        pairs += len(near)
    return pairs


def random_places(network: st.Network, count: int) -> Places:
    rng = np.random.default_rng(11)
    edge = rng.integers(0, len(network.u), count)
    points = shapely.line_interpolate_point(network.lines[edge], rng.random(count), normalized=True)
    points = shapely.transform(points, lambda xy: xy + rng.normal(0, 8, xy.shape))
    return network.locate(gpd.GeoDataFrame(geometry=points, crs=network.crs), max_snap=100)


@pytest.mark.slow
def test_sample_equals_networkx(sample: dict[str, gpd.GeoDataFrame], sample_network: st.Network) -> None:
    communities = sample["communities"].sample(20, random_state=5)
    o, d = sample_network.locate(communities), sample_network.locate(sample["childcare"])
    truth = {pair: cost for pair, cost in oracle(sample_network, o, d).items() if cost <= 1_200_000}
    assert as_pairs(search.within(sample_network, o, d, 1_200_000)) == truth
    assert len(truth) > 20
    reach = st.travel(sample_network, communities, sample["childcare"], metres=1200)
    assert reach.cost.sum() == pytest.approx(sum(truth.values()) / 1000)


def test_sample_nearest(sample: dict[str, gpd.GeoDataFrame], sample_network: st.Network) -> None:
    """The nearest by one search of the whole network are those of all the pairs."""
    for k in (1, 3):
        whole = st.travel(sample_network, sample["communities"], sample["eldercare"], metres=20_000).nearest(k)
        some_only = st.travel(sample_network, sample["communities"], sample["eldercare"], nearest=k, metres=20_000)
        pd.testing.assert_frame_equal(some_only.nearest(k), whole)


@pytest.mark.slow
def test_futian_equals_scipy(shared_data: Path) -> None:
    import osmnx as ox

    network = st.Network.from_graph(ox.load_graphml(shared_data / "streets" / "shenzhen_futian.graphml"), walking=False)
    places = random_places(network, 400)
    assert against_scipy(network, places, 25, 1_500_000) > 1000
    assert against_scipy(network, places, 5, search.LONGEST) == 5 * 400


@pytest.mark.slow
def test_hangzhou_equals_scipy(shared_data: Path) -> None:
    network = st.Network.from_streets(gpd.read_file(shared_data / "streets" / "hangzhou_centre.gpkg"))
    places = random_places(network, 2000)
    assert against_scipy(network, places, 25, 3_000_000) > 1000
    assert against_scipy(network, places, 3, search.LONGEST) < 3 * 2000  # islands
