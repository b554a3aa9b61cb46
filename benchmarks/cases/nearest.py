"""The nearest and the k nearest facilities of every node."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

import siting as st
from benchmarks import ours
from benchmarks.city import City, Floats, Ints, make_city, make_ways
from benchmarks.data import hangzhou
from benchmarks.measure import AbsentError, Peer, Row, UnequalError, compare, nearly_equal
from benchmarks.sizes import Size

__all__ = ["nearest", "several"]


def nearest(size: Size) -> Iterator[Row]:
    """Find the nearest facility of every node: scipy on the great city, pandana on raw ways and on real streets."""
    from benchmarks.peers import by_networkx, by_scipy

    city = make_city(size.city)
    facilities = city.pick(size.facilities, 4)
    walk, far = _ours(city, facilities, 1)
    matrix = city.matrix
    equal = nearly_equal(far[:, 0], by_scipy.nearest(matrix, facilities), "scipy", of="distances")
    graph = by_networkx.graph(city)
    also = nearly_equal(far[:, 0], by_networkx.nearest(graph, facilities), "networkx", of="distances")
    peers = [
        Peer("scipy dijkstra(min_only=True)", lambda: by_scipy.nearest(matrix, facilities), 1, 3, checked=equal),
        Peer("networkx multi-source", lambda: by_networkx.nearest(graph, facilities), 1, checked=also, rounds=2),
    ]
    yield from compare("nearest facility of every node", _said(city, facilities), walk, peers, rounds=size.rounds)
    yield from _against_pandana("nearest facility of every node, raw OSM ways", make_ways(size.ways), size, 1, 100)
    try:
        real = hangzhou()
    except AbsentError as error:
        yield Row("nearest facility of every node, Hangzhou", checked=str(error), status="skipped")
        return
    yield from _against_pandana("nearest facility of every node, Hangzhou", real, size, 1, 100)


def several(size: Size) -> Iterator[Row]:
    """Find the 3 and the 5 nearest facilities of every node."""
    yield from _against_pandana("3 nearest of every node, raw OSM ways", make_ways(size.ways), size, 3, 30)
    yield from _against_pandana("5 nearest of every node", make_city(size.dense), size, 5, 30)


def _ours(city: City, facilities: Ints, count: int) -> tuple[Callable[[], st.Reach], Floats]:
    """Return the timed call, and millimetres by node and rank."""
    net = ours.network(city)
    everywhere, destinations = ours.places(net), ours.places(net, facilities)

    def walk() -> st.Reach:
        return ours.travel(net, everywhere, destinations, nearest=count)

    reach = walk()
    origin, _, mm = ours.pairs(reach)
    if not np.array_equal(origin, np.repeat(np.arange(len(city)), count)):
        raise UnequalError(f"siting: {len(mm):,} distances for {len(city):,} nodes and {count} facilities each")
    # Every node of a city reaches all facilities; the nearest comes first.
    far = np.empty((len(city), count))
    far[reach.origins] = mm.reshape(-1, count)
    return walk, far


def _against_pandana(work: str, city: City, size: Size, count: int, target: float) -> Iterator[Row]:
    from benchmarks.peers import by_pandana

    facilities = city.pick(max(10, size.facilities * 3 // 10), 4)
    walk, far = _ours(city, facilities, count)
    # pandana needs a limit, and works the longer the larger it is: it is told the least that suffices.
    longest = int(far.max())
    net = by_pandana.network(city)

    def theirs() -> Floats:
        return by_pandana.k_nearest(net, city, facilities, count, longest)

    equal = nearly_equal(far, np.rint(theirs() * 1000.0), "pandana", of="distances")
    peer = Peer("pandana set_pois, nearest_pois", theirs, 1, target, checked=equal, rounds=min(size.rounds, 3))
    yield from compare(work, _said(city, facilities), walk, [peer], rounds=size.rounds)


def _said(city: City, facilities: Ints) -> str:
    return f"{len(city):,} nodes, {len(facilities):,} facilities"
