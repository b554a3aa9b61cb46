"""How large each case is: tiny for tests, small for two minutes, full for the table."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["SIZES", "Size"]


@dataclass(frozen=True)
class Size:
    """Numbers of nodes, sources and rounds.

    Attributes
    ----------
    city, ways, dense
        Nodes of the great city, of the raw OSM ways, and of the city with much demand.
    sources
        Sources of bounded searches; the targets are a fifth of the nodes.
    dense_sources
        Sources in the city with much demand, where all nodes are targets.
    slow
        Sources of a peer that is slow; candidates of the whole way from layers to a map.
    facilities, few
        Facilities of whole-network sweeps (half as many of dissolved areas); of service areas and of the whole way.
    sites
        Sites of what-if.
    rounds
        How often each is timed, in turns.
    share
        Share of the demands, candidates and sites of the siting problems.
    limit
        Processor's seconds that a solver may take, and `siting` with what it cannot prove.
    """

    name: str
    city: int
    ways: int
    dense: int
    sources: int
    dense_sources: int
    slow: int
    facilities: int
    few: int
    sites: int
    rounds: int
    share: float
    limit: float


SIZES = {
    "tiny": Size("tiny", 2_000, 2_000, 2_000, 100, 200, 20, 20, 5, 50, 1, 0.03, 5.0),
    "small": Size("small", 10_000, 10_000, 5_000, 1_000, 2_000, 50, 100, 10, 500, 3, 0.2, 10.0),
    "full": Size("full", 1_000_000, 300_000, 100_000, 10_000, 20_000, 200, 1_000, 100, 10_000, 5, 1.0, 100.0),
}
