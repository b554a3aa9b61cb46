"""From arrays or street lines to a network that can be searched."""

from __future__ import annotations

from collections.abc import Iterator

import siting as st
from benchmarks import ours
from benchmarks.city import City, make_city, make_ways
from benchmarks.data import hangzhou, hangzhou_streets
from benchmarks.measure import AbsentError, Peer, Row, UnequalError, best, compare, seconds
from benchmarks.sizes import Size

__all__ = ["build"]


def build(size: Size) -> Iterator[Row]:
    """Build from arrays, from lines, and against the peers."""
    from benchmarks.peers import by_networkx

    city = make_city(size.city)
    checked = _check(city)
    said = f"{len(city):,} nodes, {len(city.u):,} edges"
    target = 0.6 if size.name == "full" else None
    yield best("build from arrays", said, lambda: ours.ready(city), target=target, checked=checked, rounds=size.rounds)
    csr = Peer("scipy csr_array", lambda: City(city.x, city.y, city.u, city.v, city.mm).matrix)
    graph = Peer("networkx", lambda: by_networkx.graph(city), rounds=2)
    yield from compare("build from arrays", said, lambda: ours.ready(city), [csr, graph], rounds=size.rounds)
    yield from _against_pandana("build, raw OSM ways", make_ways(size.ways), size, None)
    try:
        real, streets = hangzhou(), hangzhou_streets()
    except AbsentError as error:
        yield Row("build, Hangzhou", checked=str(error), status="skipped")
        return
    yield from _against_pandana("build, Hangzhou", real, size, 50)
    yield best(
        "build from street lines, Hangzhou", f"{len(streets):,} lines", lambda: st.Network.from_streets(streets).core(),
        rounds=size.rounds,
    )  # fmt: skip


def _check(city: City) -> str:
    """Find all nodes and edges and the whole length in the network."""
    net = ours.network(city)
    if len(net.nodes) != len(city) or len(net.edges) != len(city.u) or net.n_components != 1:
        raise UnequalError(f"{net!r} is not the city of {len(city):,} nodes and {len(city.u):,} edges")
    if int(net.cost.sum(dtype="int64")) != int(city.mm.sum()):
        raise UnequalError(f"{net.cost.sum(dtype='int64')} mm of streets, the city has {city.mm.sum()}")
    return f"{len(city.u):,} edges, all lengths"


def _against_pandana(work: str, city: City, size: Size, target: float | None) -> Iterator[Row]:
    from benchmarks.peers import by_pandana

    checked = _check(city)
    said = f"{len(city):,} nodes, {len(city.u):,} edges"
    rounds = 1 if seconds(lambda: by_pandana.network(city)) > 2 else size.rounds
    peer = Peer("pandana", lambda: by_pandana.network(city), 1, target, checked=checked, rounds=rounds)
    yield from compare(work, said, lambda: ours.ready(city), [peer], rounds=size.rounds)
