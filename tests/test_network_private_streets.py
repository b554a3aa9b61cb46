"""Private streets: walks begin and end there, and do not pass."""

from __future__ import annotations

import math
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
from siting.network import Places, search

X0, Y0, CRS = 530_000.0, 3_380_000.0, "EPSG:4547"
Costs = dict[tuple[int, int], int]


def network(lines: dict[str, list[tuple[float, float]]], private: set[str]) -> st.Network:
    shapes = [shapely.LineString([(X0 + x, Y0 + y) for x, y in line]) for line in lines.values()]
    frame = gpd.GeoDataFrame({"private": [name in private for name in lines]}, geometry=shapes, crs=CRS)
    return st.Network.from_streets(frame.set_index(pd.Index(list(lines), name="id")))


def doors(**at: tuple[float, float]) -> gpd.GeoDataFrame:
    shapes = [shapely.Point(X0 + x, Y0 + y) for x, y in at.values()]
    return gpd.GeoDataFrame(geometry=shapes, crs=CRS, index=pd.Index(list(at), name="id"))


#: A street round three sides of an estate, and the estate's own way from gate to gate, with a yard behind it.
ESTATE = {
    "west": [(-100, 0), (0, 0)],
    "round": [(0, 0), (0, -300), (200, -300), (200, 0)],
    "east": [(200, 0), (300, 0)],
    "drive_west": [(0, 0), (100, 0)],
    "drive_east": [(100, 0), (200, 0)],
    "yard": [(100, 0), (100, 80)],
}
PLACES = {"w": (-50, 0), "e": (250, 0), "yard": (100, 60), "drive": (150, 0)}


@pytest.fixture
def estate() -> st.Network:
    return network(ESTATE, {"drive_west", "drive_east", "yard"})


def table(reach: st.Reach) -> dict[tuple[str, str], float]:
    pairs = reach.pairs()
    return {(a, b): c for a, b, c in zip(pairs["origin"], pairs["destination"], pairs["cost"], strict=True)}


def test_strangers_go_round_and_residents_walk_inside(estate: st.Network) -> None:
    homes = doors(**PLACES)
    found = table(st.travel(estate, homes, homes, metres=2000))
    assert found["w", "e"] == found["e", "w"] == 50 + 800 + 50
    assert found["yard", "e"] == found["e", "yard"] == 60 + 100 + 50
    assert found["yard", "w"] == 60 + 100 + 50
    assert found["yard", "drive"] == found["drive", "yard"] == 60 + 50
    assert found["drive", "w"] == 150 + 50


def test_who_may_pass_where_the_way_is_not_private(estate: st.Network) -> None:
    homes = doors(**PLACES)
    found = table(st.travel(network(ESTATE, set()), homes, homes, metres=2000))
    assert found["w", "e"] == 50 + 200 + 50


def test_a_drive_with_one_way_out_needs_no_copy() -> None:
    streets = network(
        {"west": [(0, 0), (100, 0)], "east": [(100, 0), (200, 0)], "drive": [(100, 0), (100, 90)]}, {"drive"}
    )
    assert streets.core().copies is None
    homes = doors(home=(105, 90), shop=(0, 0))
    assert table(st.travel(streets, homes, homes, metres=500))["home", "shop"] == 5 + 90 + 100


def test_every_function_agrees(estate: st.Network) -> None:
    homes, shops = doors(**PLACES), doors(shop=(260, 0), inner=(100, 30))
    reach = st.travel(estate, homes, shops, metres=2000)
    few = st.travel(estate, shops, homes, metres=2000)  # the other side searches
    assert {(b, a): c for (a, b), c in table(few).items()} == table(reach)
    for k in (1, 2):
        near = st.travel(estate, homes, shops, nearest=k)
        pd.testing.assert_frame_equal(near.nearest(k), reach.nearest(k))
    sums = st.measure.catchment(estate, homes, shops, pd.Series({"shop": 1.0, "inner": 10.0}), metres=300)
    assert sums.iloc[:, 0].to_dict() == {"w": 0.0 + 10.0, "e": 11.0, "yard": 11.0, "drive": 11.0}


def test_reached_streets(estate: st.Network) -> None:
    """Within 250 m of a shop east of the estate: its own drive as far as people come from there, but not through it."""
    shop = doors(shop=(250, 0))
    for overlap in ("keep", "split", "dissolve"):
        pieces = st.measure.service_streets(estate, shop, metres=250, overlap=overlap)
        length = pieces.groupby("street")["metres"].sum().to_dict()
        assert length == {"east": 100, "drive_east": 100, "drive_west": 100, "yard": 80, "round": 200}
        # 50 m to the gate leave 200 m: 100 + 100 along the drives, where the west street begins at 250 m.


def test_the_street_beyond_is_reached_round_the_estate_only(estate: st.Network) -> None:
    shop = doors(shop=(250, 0))
    for overlap in ("keep", "dissolve"):
        pieces = st.measure.service_streets(estate, shop, metres=400, overlap=overlap)
        assert "west" not in set(pieces["street"])
        assert pieces.groupby("street")["metres"].sum()["round"] == 350


def test_saved_and_loaded(estate: st.Network, tmp_path: Any) -> None:
    estate.save(tmp_path / "net")
    homes = doors(**PLACES)
    again = st.travel(st.Network.load(tmp_path / "net"), homes, homes, metres=2000)
    assert table(again) == table(st.travel(estate, homes, homes, metres=2000))


def costs(found: search.Pairs) -> Costs:
    mm = np.rint(found.cost * 1000).astype(int).tolist()
    return dict(zip(zip(found.origin.tolist(), found.destination.tolist(), strict=True), mm, strict=True))


def layered(net: st.Network, origins: Places, destinations: Places) -> Costs:
    """By networkx, in three layers: on private streets at first, then on open ones, then on private ones again."""
    private = net.private if net.private is not None else np.zeros(len(net.u), bool)
    graph: nx.DiGraph[Any] = nx.DiGraph()

    def join(a: Any, b: Any, cost: int) -> None:
        if not graph.has_edge(a, b) or graph[a][b]["cost"] > cost:
            graph.add_edge(a, b, cost=cost)

    for n in range(len(net.x)):
        join((0, n), (1, n), 0)
        join((1, n), (2, n), 0)
    for u, v, cost, closed in zip(net.u.tolist(), net.v.tolist(), net.cost.tolist(), private.tolist(), strict=True):
        for layer in (0, 2) if closed else (1,):
            join((layer, u), (layer, v), cost)
            join((layer, v), (layer, u), cost)
    found: Costs = {}
    for side, places in (("o", origins), ("d", destinations)):
        for i, (edge, to_u, to_v) in enumerate(zip(places.edge, places.to_u, places.to_v, strict=True)):
            layers = (0, 2) if private[edge] else (1,)
            for layer in layers if side == "d" else layers[:1]:
                for node, way in ((int(net.u[edge]), int(to_u)), (int(net.v[edge]), int(to_v))):
                    if side == "o":
                        join(("o", i), (layer, node), way)
                    else:
                        join((layer, node), ("d", i), way)
    for i in range(len(origins)):
        ways = nx.single_source_dijkstra_path_length(graph, ("o", i), weight="cost")
        for j in range(len(destinations)):
            along = math.inf
            if origins.edge[i] == destinations.edge[j]:
                along = abs(int(origins.to_u[i]) - int(destinations.to_u[j]))
            cost = min(ways.get(("d", j), math.inf), along)
            if cost < math.inf:
                found[i, j] = int(cost)
    return found


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(some.data())
def test_random_estates_equal_three_layers(data: some.DataObject) -> None:
    n = data.draw(some.integers(2, 9))
    edges = data.draw(some.lists(some.tuples(*[some.integers(0, n - 1)] * 2), min_size=1, max_size=16))
    long = data.draw(some.lists(some.integers(1, 200), min_size=len(edges), max_size=len(edges)))
    private = data.draw(some.lists(some.booleans(), min_size=len(edges), max_size=len(edges)))
    u, v = zip(*edges, strict=True)
    base = st.Network.from_arrays(
        X0 + np.arange(n) * 1000.0, Y0 + np.arange(n) % 3 * 1000.0, u, v, crs=CRS, length=np.array(long, float)
    )
    object.__setattr__(base, "columns", pd.DataFrame({"private": np.array(private)[base.columns.index]}))
    some_of = data.draw(
        some.lists(some.tuples(some.integers(0, len(u) - 1), some.integers(0, 4)), min_size=1, max_size=6)
    )
    edge = np.array([e for e, _ in some_of], np.int32)
    to_u = (base.cost[edge] * np.array([part for _, part in some_of]) // 4).astype(np.int32)
    # At an end a place is on every street that ends there; the layers know only its own.
    inner = (to_u > 0) & (to_u < base.cost[edge])
    edge, to_u = edge[inner], to_u[inner]
    doors_at = Places(
        ids=pd.RangeIndex(len(edge)), edge=edge, u=base.u[edge], v=base.v[edge], to_u=to_u,
        to_v=base.cost[edge] - to_u, door=np.zeros(len(edge), np.int32), snap=np.zeros(len(edge)),
        nearest=np.zeros(len(edge)), xy=np.column_stack([np.arange(len(edge)) * 1e5, np.zeros(len(edge))]),
        max_snap=250.0,
    )  # fmt: skip
    truth = layered(base, doors_at, doors_at)
    limit = data.draw(some.sampled_from([*truth.values(), search.LONGEST]))
    near = {pair: cost for pair, cost in truth.items() if cost <= limit}
    pairs = search.within(base, doors_at, doors_at, limit)
    assert costs(pairs) == near
    assert len(pairs.cost) == len(near)
    k = data.draw(some.integers(1, 3))
    nearest = search.nearest(base, doors_at, doors_at, k, limit)
    want = {(i, j): c for i in range(len(edge)) for c, j in sorted((c, j) for (a, j), c in near.items() if a == i)[:k]}
    assert costs(nearest) == want


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("up", [1, -1])
def test_who_stands_at_a_gate_stands_on_the_open_street(side: int, up: int) -> None:
    """Whichever street is first in the network: from one gate to the other the way leads round the estate."""
    lines = {name: [(side * x, up * y) for x, y in line] for name, line in ESTATE.items()}
    lines = {name: lines[name] for name in ("drive_west", "drive_east", "yard", "round")}
    estate = network(lines, {"drive_west", "drive_east", "yard"})
    gates = doors(west=(0, 0), east=(200 * side, 0))
    found = table(st.travel(estate, gates, gates, metres=1000))
    assert found["west", "east"] == found["east", "west"] == 800
    alone = network({"drive": [(0, 0), (200, 0)], "back": [(200, 0), (300, 0)]}, {"drive"})
    assert table(st.travel(alone, doors(a=(0, 0)), doors(b=(300, 0)), metres=1000)) == {("a", "b"): 300}


@pytest.mark.parametrize("drive", [(0, 90), (60, 60)])
def test_where_a_drive_begins_both_ends_of_the_open_street_count(drive: tuple[float, float]) -> None:
    """A place that is put on the open street instead of the drive is as long as that street, not as the drive."""
    streets = network({"drive": [(0, 0), drive], "east": [(0, 0), (200, 0)]}, {"drive"})
    home = streets.locate(doors(home=(-10, -10)))
    assert streets.columns.index[home.edge[0]] == "east"
    assert home.to_u[0] + home.to_v[0] == 200_000
    assert streets.holds(home)
    st.travel(streets, home, home, metres=100)
