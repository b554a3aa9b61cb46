"""Service areas: the streets that are reached, and finished polygons."""

from __future__ import annotations

from collections.abc import Iterator

import geopandas as gpd
import numpy as np
import shapely

from benchmarks import ours
from benchmarks.city import make_city, make_ways
from benchmarks.measure import Peer, Row, UnequalError, best, compare, nearly_equal
from benchmarks.sizes import Size

__all__ = ["dissolved", "polygons", "streets"]

METRES, WIDTH = 1200, 40.0
LIMITS = (300, 500, 800)


def streets(size: Size) -> Iterator[Row]:
    """Edges reached within 1200 m on raw OSM ways, the last ones in part."""
    from benchmarks.peers import by_networkx

    city = make_ways(size.ways)
    facilities = city.pick(size.facilities, 4)
    net = ours.network(city)
    places = ours.places(net, facilities)

    def walk() -> gpd.GeoDataFrame:
        return ours.reached_streets(net, places, METRES)

    def numbers() -> object:
        return ours.reached_spans(net, places, METRES)

    mine = ours.reached_metres(walk(), places)
    some = facilities[: size.slow]
    graph = by_networkx.graph(city)
    theirs = by_networkx.reached_edges(graph, some, METRES * 1000)
    total = np.array([sum(parts.values()) for parts in theirs]) / 1000.0
    # A share of an edge is a fraction: sums are equal but for the last bits.
    equal = nearly_equal(mine[: len(some)], total, "networkx", relative=1e-9, of="lengths of reached streets")
    peers = [
        Peer("networkx", lambda: by_networkx.reached_edges(graph, some, METRES * 1000), len(some), 25, checked=equal)
    ]
    try:
        from benchmarks.peers import by_pandana

        made = by_pandana.network(city)
    except ImportError:
        pass
    else:
        group, _, mm = by_pandana.reached_edges(made, city, facilities, METRES * 1000)
        total = np.bincount(group, mm, minlength=len(facilities)) / 1000.0
        equal = nearly_equal(mine, total, "pandana", relative=1e-9, of="lengths of reached streets")
        peers.append(
            Peer(
                "pandana and numpy", lambda: by_pandana.reached_edges(made, city, facilities, METRES * 1000),
                len(facilities), 10, checked=equal,
            )
        )  # fmt: skip
    said = f"{len(city):,} nodes, {len(facilities):,} facilities"
    for what, call in (("cut and drawn", walk), ("as numbers", numbers)):
        yield from compare(
            f"streets within {METRES} m on raw OSM ways, {what}", said, call, peers, units=len(facilities),
            unit="a facility", rounds=size.rounds,
        )  # fmt: skip


def polygons(size: Size) -> Iterator[Row]:
    """Finished polygons of 1200 m, one for each facility, against subgraph, buffers and union."""
    from benchmarks.peers import by_osmnx

    city = make_city(size.dense)
    facilities = city.pick(size.few, 4)
    some = facilities[: max(3, size.few // 10)]
    net = ours.network(city)
    places = ours.places(net, facilities)
    graph = by_osmnx.graph(city)

    def draw() -> gpd.GeoDataFrame:
        return ours.service_areas(net, places, METRES, WIDTH)

    drawn = draw().set_index("facility").geometry
    areas = by_osmnx.areas(graph, some, METRES, WIDTH)
    # The recipe leaves out the streets that are reached in part, so its area must lie in ours, but for the arcs.
    for facility, theirs in zip(some.tolist(), areas, strict=True):
        outside = shapely.area(shapely.difference(theirs, drawn[facility])) / shapely.area(theirs)
        if outside > 0.005:
            raise UnequalError(
                f"osmnx recipe: {outside:.1%} of the area of facility {facility} lies outside of siting's"
            )
    more = drawn[some].area.sum() / sum(shapely.area(areas)) - 1
    if not 0 <= more < 0.35:
        raise UnequalError(f"osmnx recipe: siting's areas are {more:.1%} larger")
    peer = Peer(
        "osmnx recipe: ego_graph, buffers, union", lambda: by_osmnx.areas(graph, some, METRES, WIDTH), len(some), 20,
        checked=f"{len(some)} areas inside of siting's, which are {more:.0%} larger (streets in part, holes filled)",
        rounds=min(size.rounds, 3),
    )  # fmt: skip
    said = f"{len(city):,} nodes, {len(facilities):,} facilities"
    yield from compare(
        f"polygons of {METRES} m", said, draw, [peer], units=len(facilities), unit="a facility", rounds=size.rounds
    )


def dissolved(size: Size) -> Iterator[Row]:
    """One area of all facilities for each of three limits, against buffers of the reached streets and their union."""
    city = make_city(size.city)
    facilities = city.pick(size.facilities // 2, 4)
    net = ours.network(city)
    places = ours.places(net, facilities)
    reached = ours.public("service_streets", "siting.measure")(net, places, metres=LIMITS, overlap="dissolve")
    pieces = [reached.geometry[reached["limit"] == metres].to_numpy() for metres in sorted(LIMITS, reverse=True)]

    def unite() -> list[shapely.Geometry]:
        return [shapely.union_all(shapely.buffer(lines, WIDTH, quad_segs=4)) for lines in pieces]

    drawn = ours.dissolved_areas(net, places, LIMITS, WIDTH, fill=0.0)
    for mine, theirs in zip(drawn.geometry, unite(), strict=True):
        off = shapely.area(shapely.symmetric_difference(mine, theirs)) / shapely.length(theirs)
        if off > 1e-6:
            raise UnequalError(f"shapely: the areas are {off * 1e3:g} mm apart, in the mean along their outlines")
    checked = (
        f"{len(drawn)} areas of {drawn.area.max() / 1e6:,.0f} km² and less equal, outlines within 1 µm in the mean"
    )

    def draw() -> gpd.GeoDataFrame:
        return ours.dissolved_areas(net, places, LIMITS, WIDTH)

    work = f"dissolved areas of {', '.join(map(str, LIMITS))} m"
    said = f"{len(city):,} nodes, {len(facilities):,} facilities"
    target = 4.0 if size.name == "full" else None
    yield best(work, said, draw, target=target, rounds=size.rounds, checked=checked)
    peer = Peer(
        "shapely: buffers and union, of streets found before", unite, checked=checked, rounds=min(size.rounds, 2)
    )
    yield from compare(work, said, draw, [peer], rounds=size.rounds)
