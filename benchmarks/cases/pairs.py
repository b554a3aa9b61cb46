"""Pairs within a limit: few targets a source, raw OSM ways, and many pairs a source."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import siting as st
from benchmarks import ours
from benchmarks.city import City, Ints, make_city, make_ways
from benchmarks.measure import AbsentError, Pairs, Peer, Row, best, compare, seconds, the_same
from benchmarks.sizes import Size

__all__ = ["dense", "pairs", "ways"]

#: Widths of a tile for scipy, in cells of 250 m, of which the fastest is compared with.
TILES = (4, 8, 12, 16, 24)


def pairs(size: Size) -> Iterator[Row]:
    """Pairs within 500, 800 and 1200 m in the great city."""
    city = make_city(size.city)
    sources, targets = city.pick(size.sources, 2), city.pick(len(city) // 5, 3)
    net = ours.network(city)
    origins, destinations = ours.places(net, sources), ours.places(net, targets)
    made = _peers_networks(city)
    for limit, pandana, networkx, scipy in ((500, 40, 55, None), (800, 26, 55, 30), (1200, 20, 55, None)):

        def walk(metres: int = limit) -> st.Reach:
            return ours.travel(net, origins, destinations, metres=metres)

        found = ours.pairs(walk())
        work, said = f"pairs within {limit} m", _said(city, sources, found)
        peers = [
            *_bare(net, origins, destinations, limit, len(sources)),
            *_tiles(city, sources, targets, limit, found, scipy),
            *_networkx(made, city, sources[: size.slow], targets, limit, found, networkx),
            *_pandana(made, city, sources, targets, limit, found, pandana),
            *(_igraph(made, sources, targets, limit, found) if limit == 800 else ()),
        ]
        yield from compare(work, said, walk, peers, units=len(sources), unit="a source", rounds=size.rounds)
        if limit == 800:

            def afresh() -> st.Reach:
                return ours.travel(net, ours.places(net, sources), ours.places(net, targets), metres=800)

            yield best(
                f"{work}, places made and indexed anew", said, afresh, unit="a source", units=len(sources),
                rounds=size.rounds,
            )  # fmt: skip
    yield from _left_out(made)


def ways(size: Size) -> Iterator[Row]:
    """Pairs within 800 m on raw OSM ways."""
    city = make_ways(size.ways)
    sources, targets = city.pick(size.sources, 2), city.pick(len(city) // 5, 3)
    net = ours.network(city)
    origins, destinations = ours.places(net, sources), ours.places(net, targets)

    def walk() -> st.Reach:
        return ours.travel(net, origins, destinations, metres=800)

    found, made = ours.pairs(walk()), _peers_networks(city)
    peers = [
        *_bare(net, origins, destinations, 800, len(sources)),
        *_tiles(city, sources, targets, 800, found, None),
        *_networkx(made, city, sources[: size.slow], targets, 800, found, None),
        *_pandana(made, city, sources, targets, 800, found, 40),
    ]
    said = _said(city, sources, found)
    yield from compare(
        "pairs within 800 m, raw OSM ways", said, walk, peers, units=len(sources), unit="a source", rounds=size.rounds
    )


def dense(size: Size) -> Iterator[Row]:
    """All nodes within 1200 m of many sources: pairs by the million."""
    city = make_city(size.dense)
    sources, targets = city.pick(size.dense_sources, 2), city.pick(len(city), 3)
    net = ours.network(city)
    origins, destinations = ours.places(net, sources), ours.places(net, targets)

    def walk() -> st.Reach:
        return ours.travel(net, origins, destinations, metres=1200)

    found = ours.pairs(walk())
    peers = [
        *_bare(net, origins, destinations, 1200, len(sources)),
        *_tiles(city, sources, targets, 1200, found, 2.5),
    ]
    yield from compare(
        "many pairs a source, 1200 m", _said(city, sources, found), walk, peers, units=len(sources), unit="a source",
        rounds=size.rounds,
    )  # fmt: skip


def _left_out(made: dict[str, Any]) -> Iterator[Row]:
    """Tell which peers are not installed."""
    for name, network in made.items():
        if isinstance(network, AbsentError):
            yield Row(f"pairs: {name}", checked=str(network), status="skipped")


def _said(city: City, sources: Ints, found: Pairs) -> str:
    return f"{len(city):,} nodes, {len(sources):,} sources, {len(found[0]) / len(sources):.0f} pairs each"


def _peers_networks(city: City) -> dict[str, Any]:
    """Build the networks of the peers once; a peer that is not installed is None."""
    made: dict[str, Any] = {}
    for name, call in (("networkx", "graph"), ("igraph", "graph"), ("pandana", "network")):
        try:
            module = importlib.import_module(f"benchmarks.peers.by_{name}")
            made[name] = getattr(module, call)(city)
        except ImportError as error:
            made[name] = AbsentError(str(error))
    return made


def _bare(net: st.Network, origins: Any, destinations: Any, limit: int, units: int) -> Iterator[Peer]:
    """Run the compiled search alone: the public call may take 1.5 times as long, so the least ratio is 1 / 1.5."""
    call = ours.bare(net, origins, destinations, limit * 1000)
    yield Peer("bare kernel", call, units, 1 / 1.5)


def _tiles(city: City, sources: Ints, targets: Ints, limit: int, found: Pairs, target: float | None) -> Iterator[Peer]:
    """Scipy over tiles as wide as the limit, about, and over the width that suits it best."""
    from benchmarks.peers import by_scipy

    cells = by_scipy.tiled(city, 250.0)

    def search(width: int) -> Pairs:
        return by_scipy.within_tiles(cells, sources, targets, limit * 1000, cells=width)

    equal = the_same(found, search(4), "scipy")
    spent = {width: seconds(lambda width=width: search(width)) for width in TILES}  # type: ignore[misc]
    fastest = min(spent, key=spent.__getitem__)
    yield Peer("scipy, tiles of 1 km", lambda: search(4), len(sources), target, checked=equal)
    if fastest != 4:
        name = f"scipy, its best tiles ({fastest / 4:g} km)"
        yield Peer(name, lambda: search(fastest), len(sources), target, checked=equal)


def _networkx(
    made: dict[str, Any], city: City, sources: Ints, targets: Ints, limit: int, found: Pairs, target: float | None
) -> Iterator[Peer]:
    from benchmarks.peers import by_networkx

    graph = made["networkx"]
    theirs = by_networkx.pairs(by_networkx.within(graph, sources, limit * 1000), targets, len(city))
    equal = the_same(found, theirs, "networkx", sources=len(sources))
    yield Peer(
        "networkx", lambda: by_networkx.within(graph, sources, limit * 1000), len(sources), target, checked=equal
    )


def _igraph(made: dict[str, Any], sources: Ints, targets: Ints, limit: int, found: Pairs) -> Iterator[Peer]:
    if isinstance(made["igraph"], AbsentError):
        return
    from benchmarks.peers import by_igraph

    some = sources[:3]
    equal = the_same(found, by_igraph.within(made["igraph"], some, targets, limit * 1000), "igraph", sources=len(some))
    yield Peer(
        "igraph (no limit)", lambda: by_igraph.within(made["igraph"], some, targets, limit * 1000), len(some),
        checked=equal, rounds=1,
    )  # fmt: skip


def _pandana(
    made: dict[str, Any], city: City, sources: Ints, targets: Ints, limit: int, found: Pairs, target: float
) -> Iterator[Peer]:
    if isinstance(made["pandana"], AbsentError):
        return
    from benchmarks.peers import by_pandana

    net = made["pandana"]
    theirs = by_pandana.pairs(by_pandana.within(net, sources, limit * 1000), sources, targets, len(city))
    equal = the_same(found, theirs, "pandana")
    yield Peer(
        "pandana nodes_in_range", lambda: by_pandana.within(net, sources, limit * 1000), len(sources), target,
        checked=equal,
    )  # fmt: skip
