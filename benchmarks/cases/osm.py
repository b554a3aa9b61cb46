"""From an extract of OpenStreetMap to a network."""

from __future__ import annotations

from collections.abc import Iterator

import networkx as nx
import numpy as np
import pyproj

from benchmarks import ours
from benchmarks.data import CACHE, helsinki
from benchmarks.extracts import write_extract
from benchmarks.measure import Peer, Row, UnequalError, best, compare
from benchmarks.sizes import Size

__all__ = ["osm", "osm_city"]


def osm(size: Size) -> Iterator[Row]:
    """All ways with a `highway` of Helsinki's centre; osmnx gets the extract as XML, and once the streets alone."""
    from benchmarks.peers import by_osmnx

    extract = helsinki(fetch=size.name != "tiny")
    read = ours.public("Network.from_osm")
    whole = by_osmnx.to_xml(extract, CACHE / "helsinki.osm", streets=False)
    xml = by_osmnx.to_xml(extract, CACHE / "helsinki-highways.osm", streets=True)
    net, graph = read(extract, walking=False), by_osmnx.read(xml, simplify=False)
    parts = nx.number_weakly_connected_components(graph)
    if net.n_components != parts:
        raise UnequalError(f"osmnx: {parts} components, siting {net.n_components}")
    mine = net.cost.sum(dtype="int64") / 1e6
    # Each street stands in the graph in both directions; osmnx measures on a sphere.
    theirs = graph.size(weight="length") / 2e3
    if abs(mine / theirs - 1) > 0.01:
        raise UnequalError(f"osmnx: {theirs:.1f} km of streets, siting {mine:.1f} km")
    checked = f"{parts} components equal, {mine:.0f} km of streets equal within 1 %"
    rounds = min(size.rounds, 3)

    peers = [
        Peer(
            "osmnx graph_from_xml, the extract as XML",
            lambda: by_osmnx.read(whole),
            1,
            10,
            checked=checked,
            rounds=rounds,
        ),
        Peer("osmnx graph_from_xml, its streets alone", lambda: by_osmnx.read(xml), checked=checked, rounds=rounds),
    ]
    yield from compare(
        ".osm.pbf to network, Helsinki", f"{len(net.edges):,} edges", lambda: read(extract, walking=False), peers,
        rounds=size.rounds,
    )  # fmt: skip


def osm_city(size: Size) -> Iterator[Row]:
    """Read a city of 100,000 edges from an extract with its houses; checked against what was written."""
    side = {"tiny": 12, "small": 71}.get(size.name, 224)
    extract = CACHE / f"city-{side}.osm.pbf"
    made = write_extract(extract, side)
    read = ours.public("Network.from_osm")
    net = read(extract, walking=False)
    if len(net.edges) != made.edges or net.n_components != 1:
        raise UnequalError(
            f"written: {made.edges:,} edges in one part, siting {len(net.edges):,} in {net.n_components}"
        )
    lon, lat = np.array(made.degrees).T
    _, _, metres = pyproj.Geod(ellps="WGS84").inv(lon[:-1], lat[:-1], lon[1:], lat[1:])
    written, found = np.nansum(metres) / 1000, net.cost.sum(dtype="int64") / 1e6
    if abs(found / written - 1) > 0.001:
        raise UnequalError(f"written: {written:,.1f} km, siting {found:,.1f} km")
    yield best(
        ".osm.pbf to walking network, a city", f"{made.edges:,} edges", lambda: read(extract), target=2.0,
        rounds=size.rounds, checked=f"{made.edges:,} edges, {written:,.0f} km (on the ellipsoid) equal within 0.1 %",
    )  # fmt: skip
