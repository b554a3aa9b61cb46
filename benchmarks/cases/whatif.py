"""Opening and closing one site."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

import siting as st
from benchmarks import ours
from benchmarks.city import make_city
from benchmarks.measure import Peer, Row, UnequalError, best, compare
from benchmarks.sizes import Size

__all__ = ["whatif"]

METRES = 800


def whatif(size: Size) -> Iterator[Row]:
    """Open a site, read the share, undo; against a new search and a new count."""
    city = make_city(size.city)
    sites, nodes = city.pick(size.sites, 6), city.pick(len(city) // 5, 3)
    rng = np.random.default_rng(7)
    net = ours.network(city)
    demand, candidates = ours.places(net, nodes), ours.places(net, sites)
    people = ours.weights(rng.integers(1, 500, len(nodes)).astype(float), demand.ids)
    reach = ours.travel(net, demand, candidates, metres=METRES)
    ids = candidates.ids
    opened, closed = ids[: len(ids) // 10], ids[len(ids) // 10 :]
    what = ours.what_if(reach, people, opened)

    def anew(site: object) -> float:
        there = candidates.select(opened.append(ids[ids == site]))
        found = ours.travel(net, demand, there, metres=METRES, nearest=1)
        return float(st.coverage(found, people)["share"].iloc[0])

    tried = rng.choice(closed, min(3, len(closed)), replace=False)
    for site in tried:
        share = what.open(site).share
        if share != anew(site):
            raise UnequalError(f"computing anew: site {site} covers {anew(site)}, WhatIf says {share}")
        what.undo()
    equal = f"{len(tried)} shares equal"
    turns = itertools.cycle(rng.choice(closed, min(1000, len(closed)), replace=False).tolist())
    many = 1000

    def steps() -> None:
        for site in itertools.islice(turns, many):
            what.open(site)
            _ = what.share
            what.undo()

    said = f"{len(city):,} nodes, {len(nodes):,} demands, {len(ids):,} sites, {len(reach):,} pairs"
    yield best(
        "what-if: open a site, read, undo", said, steps, target=1e-4, unit="a site", units=many, rounds=size.rounds,
        checked=equal,
    )  # fmt: skip
    peer = Peer("search and count anew", lambda: anew(closed[0]), 1, 1000, checked=equal)
    yield from compare(
        "what-if: open a site, read, undo", said, steps, [peer], units=many, unit="a site", rounds=size.rounds
    )
