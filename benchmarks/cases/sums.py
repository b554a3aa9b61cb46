"""Sums and counts within a limit for every node, without ever holding the pairs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from benchmarks import ours
from benchmarks.city import make_ways
from benchmarks.measure import Peer, Row, compare, nearly_equal
from benchmarks.sizes import Size

__all__ = ["sums"]


def sums(size: Size) -> Iterator[Row]:
    """Sum of a weight and count of a fifth of the nodes within 800 m of every node of raw OSM ways."""
    from benchmarks.peers import by_pandana

    city = make_ways(size.ways)
    nodes = city.pick(len(city) // 5, 3)
    # Whole weights: their sums are exact, in any order.
    weight = np.random.default_rng(5).integers(1, 1_000, len(nodes)).astype(float)
    net = ours.network(city)
    everywhere, demand = ours.places(net), ours.places(net, nodes)
    series = ours.weights(weight, demand.ids)

    def mine() -> pd.DataFrame:
        return ours.catchment(net, everywhere, demand, series, 800)

    found = mine().reindex(range(len(city)))
    theirs = by_pandana.network(city)
    by_pandana.set_demand(theirs, nodes, weight)
    equal = nearly_equal(found["weight"], by_pandana.aggregate(theirs, 800_000), "pandana", of="sums")
    nearly_equal(found["count"], by_pandana.aggregate(theirs, 800_000, "count"), "pandana", of="counts")
    peer = Peer(
        "pandana aggregate (sum alone)", lambda: by_pandana.aggregate(theirs, 800_000), 1, 2.5, checked=equal,
        rounds=min(size.rounds, 3),
    )  # fmt: skip
    said = f"{len(city):,} nodes, {len(nodes):,} weights"
    yield from compare("sum and count within 800 m of every node", said, mine, [peer], rounds=size.rounds)
