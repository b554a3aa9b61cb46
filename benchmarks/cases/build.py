"""From arrays or street lines to a network that can be searched."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

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
    yield from _from_lines(city, size)
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


def _from_lines(city: City, size: Size) -> Iterator[Row]:
    """Build from a layer as a bureau has it: ids in words, a class of street, lengths; all checks are made."""
    from benchmarks.peers import by_networkx

    streets = city.streets()
    streets.index = pd.Index([f"street {number}" for number in range(len(streets))], name="id")
    streets["highway"] = np.array(["residential", "footway", "service", "path"])[np.arange(len(streets)) % 4]
    checked = _check_lines(city, st.Network.from_streets(streets))
    graph = by_networkx.from_lines(streets)
    if graph.number_of_nodes() != len(city) or graph.number_of_edges() != len(city.u):
        raise UnequalError(f"networkx made {graph} of the city of {len(city):,} nodes and {len(city.u):,} edges")
    del graph
    said, work = f"{len(streets):,} lines", "build from street lines, checked"
    target = 4.0 if size.name == "full" else None
    peer = Peer("geopandas + networkx", lambda: by_networkx.from_lines(streets), checked=checked, rounds=2)
    yield best(work, said, lambda: st.Network.from_streets(streets), target=target, checked=checked, rounds=size.rounds)
    yield from compare(work, said, lambda: st.Network.from_streets(streets), [peer], rounds=size.rounds)
    degrees = streets.to_crs("EPSG:4326")
    if len(st.Network.from_streets(degrees, crs=streets.crs).nodes) != len(city):
        raise UnequalError("the same streets in degrees are another network")
    yield best(f"{work}, in degrees", said, lambda: st.Network.from_streets(degrees), rounds=size.rounds)


def _check_lines(city: City, net: st.Network) -> str:
    """Find each street between its own nodes, with its own length."""
    lines = [
        np.column_stack([x[u], y[u], x[v], y[v], mm])
        for x, y, u, v, mm in ((city.x, city.y, city.u, city.v, city.mm), (net.x, net.y, net.u, net.v, net.cost))
    ]
    for ends in lines:  # from the end in the west
        turned = (ends[:, 0] > ends[:, 2]) | ((ends[:, 0] == ends[:, 2]) & (ends[:, 1] > ends[:, 3]))
        ends[turned] = ends[turned][:, [2, 3, 0, 1, 4]]
    one, other = (ends[np.lexsort(ends.T)] for ends in lines)
    if len(net.nodes) != len(city) or not np.array_equal(one, other):
        raise UnequalError(f"{net!r} is not the city of {len(city):,} nodes and {len(city.u):,} edges")
    return f"{len(city.u):,} edges, each between its nodes, its length"


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
