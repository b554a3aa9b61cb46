"""Streets whose two directions differ: slopes and one-way signs, against a directed oracle that shares no code."""

from __future__ import annotations

import math
from itertools import count, pairwise
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
from siting.network import Places, Walk, careful, search, tobler
from siting.network.contraction import contracted, edge_costs

Costs = dict[tuple[int, int], float]
CRS = "EPSG:32650"
X0, Y0 = 530_000.0, 3_380_000.0


def odd(grade: Any) -> Any:
    """A walker who runs downhill and crawls uphill."""
    return np.where(grade > 0, 3.0, np.where(grade < 0, 0.25, 1.0))


WALKS = [None, Walk(80.0, slope=tobler), Walk(55.0, slope=careful), Walk(60.0, slope=odd)]


# The oracle


def ways(network: st.Network, walk: Walk | None, *, whole: bool = True) -> list[tuple[float | None, float | None]]:
    """Cost of each edge from `u` to `v` and back, None where it is closed; in *whole* mm, or exact."""
    found: list[tuple[float | None, float | None]] = []
    for edge, cost in enumerate(network.cost.tolist()):
        pair: list[float | None] = []
        for sign in (1, -1):
            rise = 0.0 if network.rise is None else float(network.rise[edge])
            pace = 1.0
            if walk is not None and cost and math.isfinite(rise):
                pace = float(walk.pace([sign * rise / (cost / 1000)])[0])
            shut = network.oneway is not None and network.oneway[edge] == -sign
            pair.append(None if shut else round(cost * pace) if whole else cost * pace)
        found.append((pair[0], pair[1]))
    return found


def share(to_u: int, long: int, cost: float | None, *, whole: bool) -> float:
    """Cost of the first *to_u* of *long* mm: proportional, rounded once."""
    if cost is None or not long:
        return 0
    if cost == long:
        return to_u
    part = to_u / long * cost
    return round(part) if whole else part


def graph_of(network: st.Network, walk: Walk | None, *sides: Places, whole: bool = True) -> nx.DiGraph[Any]:
    """Streets cut at every place, with an arc for each direction that is open. A place at a node is at the node."""
    graph: nx.DiGraph[Any] = nx.DiGraph()

    def join(a: Any, b: Any, cost: float) -> None:
        if not graph.has_edge(a, b) or graph[a][b]["cost"] > cost:
            graph.add_edge(a, b, cost=cost)

    on: dict[int, set[int]] = {}
    for side, places in enumerate(sides):
        for i, edge in enumerate(places.edge.tolist()):
            graph.add_nodes_from([("from", side, i), ("to", side, i)])
            if edge >= 0:
                spot, door = int(places.to_u[i]), int(places.door[i])
                on.setdefault(edge, set()).add(spot)
                join(("from", side, i), ("spot", edge, spot), door)
                join(("spot", edge, spot), ("to", side, i), door)
    for edge, (forth, back) in enumerate(ways(network, walk, whole=whole)):
        u, v, long = int(network.u[edge]), int(network.v[edge]), int(network.cost[edge])
        graph.add_nodes_from([("node", u), ("node", v)])
        spots = sorted(on.get(edge, ()))
        for spot in spots:
            for end, node in ((0, u), (long, v)):
                if spot == end:
                    join(("spot", edge, spot), ("node", node), 0)
                    join(("node", node), ("spot", edge, spot), 0)
                    break  # of a street without length it is the first end
        stops = [(0, ("node", u)), *((spot, ("spot", edge, spot)) for spot in spots), (long, ("node", v))]
        for (here, a), (there, b) in pairwise(stops):
            if forth is not None:
                from_u = [share(x, long, forth, whole=whole) for x in (here, there)]
                join(a, b, forth if (here, there) == (0, long) and len(stops) == 2 else from_u[1] - from_u[0])
            if back is not None:
                to_u = [share(x, long, back, whole=whole) for x in (here, there)]
                join(b, a, back if (here, there) == (0, long) and len(stops) == 2 else to_u[1] - to_u[0])
    return graph


def oracle(
    network: st.Network, walk: Walk | None, origins: Places, destinations: Places, *, whole: bool = True
) -> Costs:
    """Costs of all pairs that have a path."""
    graph = graph_of(network, walk, origins, destinations, whole=whole)
    found: Costs = {}
    for i in range(len(origins)):
        for place, cost in nx.single_source_dijkstra_path_length(graph, ("from", 0, i), weight="cost").items():
            if place[:2] == ("to", 1):
                found[i, place[2]] = cost
    return found


# Nasty networks


SPOT = some.tuples(*[some.integers(0, 4).map(lambda i: 50.0 * i)] * 2)
LONG = some.sampled_from([0, 1, 7, 10_000, 10_000, 20_000, 33_333, 100_001, 700_000])


@some.composite
def tangles(draw: Any, *, one_way: bool = True) -> st.Network:
    """Chains between a few corners, with parallels, loops, rings, islands, dead ends, slopes and one-way signs."""
    xy = draw(some.lists(SPOT, min_size=1, max_size=6))
    u, v, length, sign = [], [], [], []
    for _ in range(draw(some.integers(1, 8))):
        a, b = (draw(some.integers(0, len(xy) - 1)) for _ in range(2))
        inner = draw(some.sampled_from([0, 0, 1, 2, 4]))
        stops = [a, *range(len(xy), len(xy) + inner), b]
        xy.extend(draw(SPOT) for _ in range(inner))
        if draw(some.integers(0, 4)) == 0:
            stops.pop()  # a dead end
        for here, there in pairwise(stops):
            turned = draw(some.booleans())
            u.append(there if turned else here)
            v.append(here if turned else there)
            long = draw(LONG)
            length.append(long / 1000)
            # What is closed is told apart by the millimetre; on shorter streets slopes round that away.
            sign.append(draw(some.sampled_from([0, 0, 0, 0, 1, -1])) if one_way and long >= 1000 else 0)
    if not u:
        u, v, length, sign = [0], [0], [50.0], [0]
    height = None
    if draw(some.booleans()):
        height = [draw(some.sampled_from([0.0, 0.0, 1.5, -4.0, 30.0])) for _ in xy]
    where = np.array(xy)
    return st.Network.from_arrays(
        X0 + where[:, 0], Y0 + where[:, 1], u, v, crs=CRS, length=length, height=height,
        oneway=sign if any(sign) else None,
    )  # fmt: skip


#: Where the doors are, so far from each other that nobody walks straight from one to another.
APART = count(0, 10_000)


def put(network: st.Network, where: list[tuple[int, int, int]]) -> Places:
    """Places from (edge, mm from u, mm to the door)."""
    edge, to_u, door = np.array(where, np.int32).reshape(-1, 3).T.copy()
    on = np.where(edge < 0, 0, edge)
    return Places(
        ids=pd.RangeIndex(len(edge)), edge=edge, u=network.u[on], v=network.v[on], to_u=to_u,
        to_v=(network.cost[on] - to_u).astype(np.int32), door=door, snap=door / 1000, nearest=door / 1000,
        xy=np.array([(next(APART), 0.0) for _ in edge]).reshape(-1, 2), max_snap=250.0,
    )  # fmt: skip


@some.composite
def spots(draw: Any, network: st.Network, most: int) -> Places:
    """Places on ends, near them, inside, on each other and on no street."""
    known: list[tuple[int, int, int]] = []
    for _ in range(draw(some.integers(1, most))):
        if known and draw(some.integers(0, 3)) == 0:
            edge, to_u, _ = draw(some.sampled_from(known))
        else:
            edge = draw(some.integers(0, len(network.u) - 1))
            long = int(network.cost[edge])
            offsets = [0, long, long // 2, long // 3, long // 7]
            if network.oneway is None or not network.oneway[edge]:
                offsets += [min(1, long), max(long - 1, 0)]
            to_u = draw(some.sampled_from(offsets))
        known.append((edge, to_u, draw(some.sampled_from([0, 0, 0, 1, 4_000]))))
        if draw(some.integers(0, 9)) == 0:
            known.append((-1, 0, 0))
    return put(network, known)


def recore(network: st.Network, walk: Walk | None, contract: bool | None) -> None:
    slope = None if walk is None or network.rise is None else walk.slope
    network._cores[:] = [(slope, contracted(network, *edge_costs(network, walk), contract=contract))]


def as_pairs(found: search.Pairs) -> Costs:
    mm = np.rint(found.cost * 1000).astype(int)
    assert (found.cost == mm / 1000).all()
    keys = list(zip(found.origin.tolist(), mm.tolist(), found.destination.tolist(), strict=True))
    assert keys == sorted(keys), "not in order"
    pairs = {(i, j): c for i, c, j in keys}
    assert len(pairs) == len(keys), "a pair occurs twice"
    return pairs


def first_of(near: Costs, origins: int, k: int) -> Costs:
    return {
        (i, j): cost
        for i in range(origins)
        for cost, j in sorted((cost, j) for (a, j), cost in near.items() if a == i)[:k]
    }


@pytest.mark.slow
@settings(max_examples=70, deadline=None)
@given(some.data())
def test_every_search_equals_the_directed_oracle(data: some.DataObject) -> None:
    network, walk = data.draw(tangles()), data.draw(some.sampled_from(WALKS))
    few, many = data.draw(spots(network, 3)), data.draw(spots(network, 7))
    k = data.draw(some.integers(1, 5))
    weights = np.array([[data.draw(some.integers(0, 9))] for _ in range(len(many))], float)
    for o, d in ((few, many), (many, few)):  # either side may do the searching
        truth = oracle(network, walk, o, d)
        exact = sorted(set(truth.values()))
        limit = int(data.draw(some.sampled_from([0, *exact, *(c - 1 for c in exact if c), search.LONGEST])))
        near = {pair: cost for pair, cost in truth.items() if cost <= limit}
        for contract in (True, False, None):
            recore(network, walk, contract)
            assert as_pairs(search.within(network, o, d, limit, walk=walk)) == near
            assert as_pairs(search.nearest(network, o, d, k, limit, walk=walk)) == first_of(near, len(o), k)
            value = weights[: len(d)] if len(d) <= len(weights) else np.ones((len(d), 1))
            added, number = search.sums(network, o, d, value, limit, walk=walk)
            want = [sum(value[j, 0] for (a, j) in near if a == i) for i in range(len(o))]
            assert added[:, 0].tolist() == want
            assert number.tolist() == [sum(a == i for a, _ in near) for i in range(len(o))]


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(some.data())
def test_rounding_is_less_than_a_millimetre_an_edge(data: some.DataObject) -> None:
    network, walk = data.draw(tangles()), data.draw(some.sampled_from(WALKS))
    o, d = data.draw(spots(network, 4)), data.draw(spots(network, 4))
    found = as_pairs(search.within(network, o, d, search.LONGEST, walk=walk))
    truth = oracle(network, walk, o, d, whole=False)
    assert found.keys() == truth.keys()
    for pair, cost in found.items():
        assert cost == pytest.approx(truth[pair], abs=len(network.u) + 2)


def in_mm(
    network: st.Network, places: Places, limits: list[int], walk: Walk | None
) -> list[tuple[int, int, int, float, float]]:
    """Limit, group, edge, and both ends of each piece in mm from `u`."""
    limit, group, edge, low, high = search.pieces(network, places, limits, walk=walk)
    long = network.cost[edge]
    return list(zip(*(column.tolist() for column in (limit, group, edge, low * long, high * long)), strict=True))


@pytest.mark.slow
@settings(max_examples=50, deadline=None)
@given(some.data())
def test_pieces_are_where_the_places_can_be_reached_from(data: some.DataObject) -> None:
    """Points are strewn over all streets; those from which a place is within the limit lie in its pieces."""
    network, walk = data.draw(tangles()), data.draw(some.sampled_from(WALKS))
    places = data.draw(spots(network, 4))
    most = int(network.cost.sum()) + 10_000
    limits = sorted(data.draw(some.lists(some.integers(0, most), min_size=1, max_size=3, unique=True)))
    strewn = put(network, [
        (edge, x, 0)
        for edge, long in enumerate(network.cost.tolist()) if long >= 1000
        for x in sorted({round(long * s) for s in (0.02, 0.13, 1 / 3, 0.5, 0.68, 0.87, 0.98)})
    ])  # fmt: skip
    truth = oracle(network, walk, strewn, places, whole=False)
    slack = 4 * (len(network.u) + 4)  # each edge is rounded, and a mm on the ground is up to 4 mm of walk
    for contract in (True, False):
        recore(network, walk, contract)
        found = in_mm(network, places, limits, walk)
        lying: dict[tuple[int, int, int], list[tuple[float, float]]] = {}
        for which, group, edge, low, high in found:
            assert 0 <= low <= high <= network.cost[edge]
            assert low < high or network.cost[edge] == 0
            lying.setdefault((which, group, edge), []).append((low, high))
        for parts in lying.values():
            parts.sort()
            assert all(one[1] < other[0] for one, other in pairwise(parts)), "pieces touch"
        order = [row[:2] for row in found]
        assert order == sorted(order)
        for which, limit in enumerate(limits):
            for i, (edge, x) in enumerate(zip(strewn.edge.tolist(), strewn.to_u.tolist(), strict=True)):
                for j in range(len(places)):
                    cost = truth.get((i, j), math.inf)
                    parts = lying.get((which, j, edge), [])
                    if cost <= limit - slack:
                        assert any(low - 2 <= x <= high + 2 for low, high in parts), (which, j, edge, x, cost, parts)
                    elif cost > limit + slack:
                        assert not any(low + 2 < x < high - 2 for low, high in parts), (which, j, edge, x, cost, parts)
        for which, limit in enumerate(limits):  # several limits are each alone
            mine = [row[1:] for row in found if row[0] == which]
            assert sorted(mine) == sorted(row[1:] for row in in_mm(network, places, [limit], walk))


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(some.data())
def test_streets_and_arrays_make_the_same_network(data: some.DataObject) -> None:
    """The columns `rise` and of one-way signs mean what height and oneway mean in arrays."""
    xy = np.array(data.draw(some.lists(SPOT, min_size=2, max_size=6, unique=True)))
    ends = some.tuples(*[some.integers(0, len(xy) - 1)] * 2)
    u, v = np.array(data.draw(some.lists(ends, min_size=1, max_size=8))).T
    sign = np.array([data.draw(some.sampled_from([0, 0, 1, -1])) for _ in u])
    height = np.array([data.draw(some.sampled_from([0.0, 2.0, -9.0])) for _ in xy])
    metres = np.hypot(*(xy[u] - xy[v]).T) + 1.0
    assert len(metres)
    bare = st.Network.from_arrays(
        X0 + xy[:, 0], Y0 + xy[:, 1], u, v, crs=CRS, length=metres, height=height, oneway=sign
    )
    words = {0: ["no", "", None, "0", "False"], 1: ["yes", "1", "True", " YES "], -1: ["-1", "reverse"]}
    drawn = gpd.GeoDataFrame(
        {
            "length": metres,
            "rise": height[v] - height[u],
            "one": pd.Series([data.draw(some.sampled_from(words[s])) for s in sign.tolist()], dtype=object),
        },
        geometry=[shapely.LineString(np.array([X0, Y0]) + xy[[a, b]]) for a, b in zip(u, v, strict=True)],
        crs=CRS,
    )
    drawn.index = pd.Index([str(i) for i in range(len(u))], name="id")
    streets = st.Network.from_streets(drawn, crs=CRS, oneway="one")
    at = {(x, y): i for i, (x, y) in enumerate(zip(streets.x.tolist(), streets.y.tolist(), strict=True))}
    spot = np.array([at[x, y] for x, y in zip(bare.x.tolist(), bare.y.tolist(), strict=True)])
    for walk in (None, WALKS[1]):
        one, other = bare.places_at_nodes(), streets.places_at_nodes()
        mine = as_pairs(search.within(bare, one, one, search.LONGEST, walk=walk))
        theirs = as_pairs(search.within(streets, other, other, search.LONGEST, walk=walk))
        assert {(int(spot[i]), int(spot[j])): c for (i, j), c in mine.items()} == theirs
        assert mine == {p: c for p, c in oracle(bare, walk, one, one).items() if c <= search.LONGEST}


# By hand


def test_a_place_at_a_node_is_on_all_its_streets() -> None:
    """Two one-way streets lead away from a crossing: who stands there may take either."""
    away = st.Network.from_arrays([X0, X0 + 100, X0], [Y0, Y0, Y0 + 100], [0, 0], [1, 2], crs=CRS, oneway=[1, 1])
    nodes = away.places_at_nodes(pd.Index([0, 1, 2]))
    found = {(i, j): c / 1000 for (i, j), c in as_pairs(search.within(away, nodes, nodes, 10**6)).items()}
    assert found == {(0, 0): 0, (0, 1): 100, (0, 2): 100, (1, 1): 0, (2, 2): 0}


@pytest.mark.parametrize("sign", [1, -1])
def test_the_same_place_on_a_one_way_street(sign: int) -> None:
    """From a door to the door across the street nobody goes round the block, whichever way the sign points."""
    street = st.Network.from_arrays([X0, X0 + 100], [Y0, Y0], [0], [1], crs=CRS, oneway=[sign])
    doors = put(street, [(0, 40_000, 0), (0, 40_000, 5_000), (0, 60_000, 0)])
    found = as_pairs(search.within(street, doors, doors, 10**6))
    near, far = (0, 2) if street.oneway[0] > 0 else (2, 0)
    want = {(0, 0): 0, (0, 1): 5_000, (1, 0): 5_000, (1, 1): 0, (2, 2): 0, (near, far): 20_000}
    want |= {(1, 2): 25_000} if near == 0 else {(2, 1): 25_000}
    assert found == want
    assert as_pairs(search.nearest(street, doors, doors, 3)) == want


def test_uphill_takes_longer_than_downhill() -> None:
    """100 m with 10 m of rise: Tobler's factors are exp(0.35) uphill and 1 downhill (|-0.1 + 0.05| = 0.05)."""
    hill = st.Network.from_arrays([X0, X0 + 100], [Y0, Y0], [0], [1], crs=CRS, height=[0, 10])
    ends = hill.places_at_nodes(pd.Index([0, 1]))
    up, down = round(100_000 * math.exp(0.35)), 100_000
    assert as_pairs(search.within(hill, ends, ends, 10**6, walk=WALKS[1])) == {
        (0, 0): 0, (0, 1): up, (1, 0): down, (1, 1): 0,
    }  # fmt: skip
    reach = st.travel(hill, ends, ends, minutes=5, walk=Walk.adult()).pairs()
    assert reach["cost"].tolist() == [0.0, up / 1000 / 80, 0.0, down / 1000 / 80]
    level = st.travel(hill, ends, ends, metres=500).pairs()
    assert level["cost"].tolist() == [0.0, 100.0, 0.0, 100.0]
