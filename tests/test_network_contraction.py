"""What must hold of all shortest paths, whatever they are: metamorphic tests, contraction, caches, signatures."""

from __future__ import annotations

import dataclasses
import gc
import pickle
import sys
import weakref
from collections.abc import Iterator
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
from siting.network import Places, Walk, search, tobler
from siting.network.contraction import contracted, edge_costs

Costs = dict[tuple[int, int], int]
CRS = "EPSG:32650"
X0, Y0 = 530_000.0, 3_380_000.0
UPHILL = Walk(80.0, slope=tobler)


def random_network(seed: int, *, directed: bool) -> st.Network:
    """A sparse random plane of streets with chains, rings, islands, parallels and loops."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 40))
    u, v = rng.integers(0, n, (2, int(rng.integers(1, 55))))
    lengths = rng.choice([0, 5_000, 10_000, 10_000, 33_333, 120_001], len(u)) / 1000
    return st.Network.from_arrays(
        X0 + rng.integers(0, 9, n) * 50.0, Y0 + rng.integers(0, 9, n) * 50.0, u, v, crs=CRS, length=lengths,
        height=rng.integers(0, 4, n) if directed else None,
        oneway=rng.choice([0, 0, 0, 1, -1], len(u)) * (lengths > 0) if directed else None,
    )  # fmt: skip


def random_places(network: st.Network, seed: int, count: int) -> Places:
    """Places at the ends of streets, near them and in the middle, some with a way to the door.

    The doors are so far from each other that nobody walks straight from one to another.
    """
    rng = np.random.default_rng(seed)
    edge = rng.integers(0, len(network.u), count).astype(np.int32)
    to_u = np.rint(rng.choice([0, 0.1, 0.5, 1], count) * network.cost[edge]).astype(np.int32)
    door = rng.choice([0, 0, 3_000], count).astype(np.int32)
    return Places(
        ids=pd.RangeIndex(count), edge=edge, u=network.u[edge], v=network.v[edge], to_u=to_u,
        to_v=network.cost[edge] - to_u, door=door, snap=door / 1000, nearest=door / 1000,
        xy=np.column_stack([(seed % 2**20) * 1e7 + np.arange(count) * 1e4, np.zeros(count)]), max_snap=250.0,
    )  # fmt: skip


def costs(found: search.Pairs) -> Costs:
    mm = np.rint(found.cost * 1000).astype(int).tolist()
    return dict(zip(zip(found.origin.tolist(), found.destination.tolist(), strict=True), mm, strict=True))


seeds = some.integers(0, 2**32 - 1)


@pytest.mark.slow
@settings(max_examples=80, deadline=None)
@given(seeds, some.booleans(), some.data())
def test_what_holds_of_all_paths(seed: int, directed: bool, data: some.DataObject) -> None:
    network, walk = random_network(seed, directed=directed), UPHILL if directed else None
    places = random_places(network, seed, 8)
    found = search.within(network, places, places, search.LONGEST, walk=walk)
    all_of = costs(found)
    door = places.door.tolist()
    assert all(all_of[i, i] == 0 for i in range(len(places)))
    for (i, j), one in all_of.items():
        for k in range(len(places)):
            if (j, k) in all_of and len({i, j, k}) == 3:  # who passes by a door does not go in and out
                assert all_of[i, k] <= one + all_of[j, k] - 2 * door[j] + (network.rise is not None) * 2
    if not directed:
        assert all(all_of[j, i] == cost for (i, j), cost in all_of.items())
    limit = data.draw(some.one_of(some.sampled_from(sorted(set(all_of.values()))), some.integers(0, 300_000)))
    assert costs(search.within(network, places, places, limit, walk=walk)) == {
        pair: cost for pair, cost in all_of.items() if cost <= limit
    }
    for k in (1, 2, 5):
        rank = pd.Series(found.origin).groupby(found.origin).cumcount().to_numpy()
        nearest = search.nearest(network, places, places, k, walk=walk)
        for name in ("origin", "destination", "cost"):
            np.testing.assert_array_equal(getattr(nearest, name), getattr(found, name)[rank < k])


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(seeds, some.booleans())
def test_the_order_of_the_places_does_not_matter(seed: int, directed: bool) -> None:
    network, walk = random_network(seed, directed=directed), UPHILL if directed else None
    o, d = random_places(network, seed, 5), random_places(network, seed + 1, 9)
    rng = np.random.default_rng(seed)
    p, q = rng.permutation(len(o)), rng.permutation(len(d))
    one = costs(search.within(network, o, d, 200_000, walk=walk))
    other = costs(search.within(network, o.select(o.ids[p]), d.select(d.ids[q]), 200_000, walk=walk))
    assert {(int(p[i]), int(q[j])): cost for (i, j), cost in other.items()} == one


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(seeds, some.booleans())
def test_the_order_of_the_input_does_not_matter(seed: int, directed: bool) -> None:
    """Edges and nodes in another order, and edges drawn the other way round: the same streets."""
    rng = np.random.default_rng(seed)
    base = random_network(seed, directed=directed)
    walk = UPHILL if directed else None
    n, m = len(base.x), len(base.u)
    node, edge, turn = rng.permutation(n), rng.permutation(m), rng.random(m) < 0.5
    new = np.argsort(node)
    u, v = new[base.u], new[base.v]
    u, v = np.where(turn, v, u)[edge], np.where(turn, u, v)[edge]
    sign = np.zeros(m) if base.oneway is None else base.oneway
    rise = np.zeros(m) if base.rise is None else base.rise
    other = st.Network.from_arrays(
        base.x[node], base.y[node], u, v, crs=CRS, length=base.metres[edge],
        oneway=np.where(turn, -sign, sign)[edge],
    )  # fmt: skip
    if base.rise is not None:
        at = other.columns.index.to_numpy()  # the ids of edges are their positions in the input
        object.__setattr__(other, "rise", np.where(turn, -rise, rise)[edge][at])
    one = costs(search.within(base, *[base.places_at_nodes()] * 2, 150_000, walk=walk))
    two = costs(search.within(other, *[other.places_at_nodes()] * 2, 150_000, walk=walk))
    was = node[other.nodes.to_numpy()]
    assert {(int(was[i]), int(was[j])): cost for (i, j), cost in two.items()} == one


@pytest.mark.slow
@settings(max_examples=50, deadline=None)
@given(seeds, some.booleans(), some.integers(2, 9))
def test_longer_streets_are_longer_ways(seed: int, directed: bool, factor: int) -> None:
    base = random_network(seed, directed=directed)
    ends = {"x": base.x, "y": base.y, "u": base.u, "v": base.v}
    longer = st.Network.from_arrays(**ends, crs=CRS, length=base.metres * factor, oneway=base.oneway)
    one, two = base.places_at_nodes(base.nodes), longer.places_at_nodes(pd.RangeIndex(len(base.x)))
    few = costs(search.within(base, one, one, 90_000))
    many = costs(search.within(longer, two, two, 90_000 * factor))
    assert many == {pair: cost * factor for pair, cost in few.items()}


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(seeds, some.booleans())
def test_a_node_more_on_a_street_changes_nothing(seed: int, directed: bool) -> None:
    base = random_network(seed, directed=directed)
    rng = np.random.default_rng(seed)
    x, y, u, v, long = (base.x.tolist(), base.y.tolist(), base.u.tolist(), base.v.tolist(), base.cost.tolist())
    sign = [0] * len(u) if base.oneway is None else base.oneway.tolist()
    for e in range(len(u)):
        while rng.random() < 0.4:
            part = int(rng.integers(0, long[e] + 1))
            x.append(float(rng.uniform(X0, X0 + 400)))
            y.append(Y0)
            new = len(x) - 1
            if rng.random() < 0.5:  # the second part, drawn one way or the other
                ends, way = (new, v[e]), sign[e]
            else:
                ends, way = (v[e], new), -sign[e]
            u.append(ends[0])
            v.append(ends[1])
            sign.append(way)
            long.append(long[e] - part)
            v[e], long[e] = new, part
    split = st.Network.from_arrays(x, y, u, v, crs=CRS, length=np.array(long) / 1000, oneway=sign)
    one, two = base.places_at_nodes(base.nodes), split.places_at_nodes(pd.RangeIndex(len(base.x)))
    for limit in (60_000, search.LONGEST):
        assert costs(search.within(base, one, one, limit)) == costs(search.within(split, two, two, limit))


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(seeds, some.booleans())
def test_contraction_changes_nothing(seed: int, directed: bool) -> None:
    network, walk = random_network(seed, directed=directed), UPHILL if directed else None
    o, d = random_places(network, seed, 4), random_places(network, seed + 1, 9)
    results = []
    for contract in (True, False):
        slope = None if network.rise is None or walk is None else walk.slope
        network._cores[:] = [(slope, contracted(network, *edge_costs(network, walk), contract=contract))]
        for a, b in ((o, d), (d, o)):
            results.append(costs(search.within(network, a, b, 120_000, walk=walk)))
            results.append(costs(search.nearest(network, a, b, 3, walk=walk)))
            added, number = search.sums(network, a, b, np.ones((len(b), 1)), 120_000, walk=walk)
            results.append(dict(enumerate(zip(added[:, 0].tolist(), number.tolist(), strict=True))))
        table = np.column_stack(search.pieces(network, d, [50_000, 120_000], walk=walk))
        results.append({tuple(row): 1 for row in table.tolist()})
    assert results[:7] == results[7:]


def test_chains_are_what_is_contracted() -> None:
    """A lollipop: a ring of four on a stick of three. The only corner is where they meet."""
    u, v = [0, 1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6, 3]
    line = st.Network.from_arrays(X0 + np.arange(7) * 10.0, np.full(7, Y0), u, v, crs=CRS, length=np.full(7, 10.0))
    core = contracted(line, *edge_costs(line), contract=True)
    assert core.n == 1
    assert len(core.chains.a) == 2
    assert sorted(np.diff(core.chains.chain_ptr).tolist()) == [3, 4]
    assert sorted(core.chains.forth.tolist()) == [30_000, 40_000]
    plain = contracted(line, *edge_costs(line), contract=False)
    assert plain.n == 6  # the end of the stick is left aside all the same


# Caches and memory


@pytest.fixture
def town() -> st.Network:
    return random_network(5, directed=True)


@pytest.mark.slow
def test_places_do_not_outlive_their_use(town: st.Network) -> None:
    """What is made of places is let go with them, for both directions and all searches."""
    places, others = random_places(town, 1, 6), random_places(town, 2, 9)
    for walk in (None, UPHILL):
        search.within(town, places, others, 100_000, walk=walk)
        search.within(town, others, places, 100_000, walk=walk)
        search.nearest(town, places, others, 2, walk=walk)
        search.pieces(town, places, [100_000], walk=walk)
    core = town.core()
    made = [weakref.ref(one) for one in (places, others)]
    assert len(core._positions) == 2
    arrays = [weakref.ref(core._positions[places].along.f), weakref.ref(core._targets[others][False].on_item)]
    del places, others
    gc.collect()
    assert [ref() for ref in made + arrays] == [None] * 4
    assert not core._positions
    assert not core._targets


@pytest.mark.slow
def test_memory_stays_flat(town: st.Network) -> None:
    points = gpd.GeoDataFrame(geometry=[shapely.Point(X0 + 40 * i, Y0 + 30 * i) for i in range(9)], crs=CRS)
    shops = points.iloc[:4]

    def once() -> None:
        st.travel(town, points, shops, metres=300)
        st.travel(town, points, shops, minutes=5, walk=UPHILL, threads=2)
        st.travel(town, points, shops, nearest=2)
        st.measure.catchment(town, points, shops, metres=300)
        search.pieces(town, town.locate(points), [100_000, 200_000])

    for _ in range(20):
        once()
    gc.collect()
    blocks, size = sys.getallocatedblocks(), resident()
    for _ in range(100):
        once()
    gc.collect()
    assert (sys.getallocatedblocks() - blocks) / 100 < 25, "objects stay behind"  # pandas keeps some a while
    assert resident() - size < 8 * 2**20


def resident() -> int:
    """Bytes of this process in memory; 0 where nobody tells."""
    told = Path("/proc/self/statm")
    return int(told.read_text().split()[1]) * 4096 if told.exists() else 0


def test_walkers_made_anew_do_not_pile_up(town: st.Network) -> None:
    """A slope that is written into the call is another function each time."""
    places = random_places(town, 1, 3)
    for _ in range(40):
        st.travel(town, places, places, minutes=3, walk=Walk(80.0, slope=lambda grade: np.exp(np.abs(grade))))
    assert len(town._cores) <= 8


@dataclasses.dataclass
class Response:
    """A slope with a parameter; such a class has no hash."""

    k: float

    def __call__(self, grade: Any) -> Any:
        return np.exp(self.k * np.abs(grade))


def test_any_function_may_be_the_slope(town: st.Network) -> None:
    places = random_places(town, 1, 3)
    by_class = st.travel(town, places, places, minutes=9, walk=Walk(80.0, slope=Response(2.0)))
    by_function = st.travel(town, places, places, minutes=9, walk=Walk(80.0, slope=lambda g: np.exp(2.0 * np.abs(g))))
    np.testing.assert_array_equal(by_class.cost, by_function.cost)


def test_pickles_are_small_and_whole(town: st.Network) -> None:
    places = random_places(town, 1, 6)
    truth = costs(search.within(town, places, places, 100_000, walk=UPHILL))
    assert town.tree is not None
    assert len(town.lines) == len(town.edges)
    network, there = pickle.loads(pickle.dumps((town, places)))
    assert not {"tree", "lines", "edges"} & set(network.__dict__)
    assert not network._cores
    held = sum(getattr(town, name).nbytes for name in ("x", "y", "u", "v", "cost", "metres", "component", "rise"))
    assert len(pickle.dumps(town)) < 2 * held + 4_000
    assert len(pickle.dumps(places)) < 3_000
    assert costs(search.within(network, there, there, 100_000, walk=UPHILL)) == truth


def arrays_of(value: Any) -> Iterator[tuple[str, np.ndarray]]:
    for name, held in (value._asdict() if isinstance(value, tuple) else vars(value)).items():
        if isinstance(held, np.ndarray) and held.dtype != object:
            yield name, held
        elif isinstance(held, tuple) and hasattr(held, "_asdict"):
            yield from arrays_of(held)


@pytest.mark.parametrize("pickled", [False, True])
def test_arrays_cannot_be_written_on(town: st.Network, pickled: bool) -> None:
    points = gpd.GeoDataFrame(geometry=[shapely.Point(X0 + 40 * i, Y0) for i in range(4)], crs=CRS)
    located = town.locate(points)
    core = town.core(UPHILL)
    values = [town, located, town.places_at_nodes(), located.select(points.index[:2])]
    values = [pickle.loads(pickle.dumps(value)) for value in values] if pickled else [*values, core]
    for value in values:
        for name, held in arrays_of(value):
            assert not held.flags.writeable, (type(value).__name__, name)
            with pytest.raises(ValueError, match="read-only"):
                held[...] = 0


# Signatures


#: Kernels that only other kernels call.
INNER = {"root", "settle"}


@pytest.mark.slow
def test_every_kernel_is_compiled_once(town: st.Network, tmp_path: Path) -> None:
    """Whatever comes in, from memory, disk or a pickle, by layer or by places: one signature for each kernel.

    Another one is compiled for some seconds at its first use, in every new process that has it not in its cache.
    """
    from siting.network import (
        contraction_kernels,
        nearest_kernels,
        point_kernels,
        reached_street_kernels,
        search_kernels,
    )

    town.save(tmp_path / "town")
    points = gpd.GeoDataFrame(geometry=[shapely.Point(X0 + 40 * i, Y0 + 30 * i) for i in range(9)], crs=CRS)
    lines = [shapely.LineString([(X0 + 50 * i, Y0), (X0 + 50 * (i + 1), Y0 + 5)]) for i in range(4)]
    streets = st.Network.from_streets(gpd.GeoDataFrame(geometry=lines, crs=CRS))
    small = st.Network.from_arrays([X0, X0 + 90], [Y0, Y0], [0], [1], crs=CRS)
    kinds = [town, st.Network.load(tmp_path / "town"), pickle.loads(pickle.dumps(town)), streets, small,
             town.drop_islands(), town.join_islands(500)]  # fmt: skip
    weight = pd.DataFrame({"a": np.arange(4), "b": 2.0}, index=points.index[:4])
    for network in kinds:
        places = network.locate(points)
        for o, d in ((points, points[:4]), (points[:4], points), (places, places), (points[:0], points)):
            st.travel(network, o, d, metres=300)
            st.travel(network, o, d, minutes=5, walk=Walk(80))  # a whole number
            st.travel(network, o, d, minutes=np.float32(5), walk=Walk(np.float32(70), slope=tobler))
            st.travel(network, o, d, nearest=1)
            st.travel(network, o, d, nearest=2, minutes=5, walk=Walk(80))
        st.measure.catchment(network, points, points[:4], weight, metres=300)
        st.measure.catchment(network, points[:4], points, pd.Series(1, index=points.index), metres=300)
        st.measure.catchment(
            network, points, points[:4], metres=300, decay=lambda cost: np.broadcast_to(0.5, cost.shape)
        )
        st.measure.catchment(network, points, points[:4], weight["b"], metres=300, decay=closed)
        st.service_areas(network, points[:3], metres=[100, 200])
        st.service_areas(network, pickle_of(places), minutes=[5], walk=Walk(80, slope=tobler))
    several = {
        f"{module.__name__}.{name}": len(kernel.signatures)
        for module in (contraction_kernels, point_kernels, search_kernels, reached_street_kernels, nearest_kernels)
        for name, kernel in vars(module).items()
        # What only kernels call is compiled for the types that they have inside, where nothing was on disk yet.
        if hasattr(kernel, "signatures")
        and not name.startswith("_")
        and name not in INNER
        and len(kernel.signatures) > 1
    }
    assert several == {}


def closed(cost: Any) -> Any:
    """A decay whose answer may not be written on, as those of pandas."""
    factor = 1.0 / (1.0 + cost)
    factor.flags.writeable = False
    return factor


def pickle_of(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))


def test_lists_of_pairs_are_in_order_whatever_their_length() -> None:
    """Rows of 0 to 200 pairs, some sorted by bins and some by insertion, with limits around powers of two."""
    n = 200
    line = st.Network.from_arrays(
        X0 + np.arange(n) * 10.0, np.full(n, Y0), np.arange(n - 1), np.arange(1, n), crs=CRS,
        length=np.random.default_rng(0).integers(1, 3, n - 1) / 1000,
    )  # fmt: skip
    nodes = line.places_at_nodes()
    few = nodes.select(nodes.ids[:150])
    way = np.cumsum(np.append(0, line.cost[np.argsort(line.columns.index)]))
    for limit in (0, 1, 47, 48, 49, 255, 256, 257, 511, 512, 2**20, 2**30):
        for o, d in ((few, nodes), (nodes, few)):
            found = search.within(line, o, d, limit)
            mm = np.rint(found.cost * 1000).astype(int)
            order = np.lexsort([found.destination, mm, found.origin])
            np.testing.assert_array_equal(order, np.arange(len(order)))
            apart = np.abs(way[o.ids.to_numpy()][:, None] - way[d.ids.to_numpy()][None])
            np.testing.assert_array_equal(mm, apart[found.origin, found.destination])
            assert len(mm) == (apart <= limit).sum()
