"""Siting problems for the optimizer's benchmarks: clustered demand on a street-like plane; the same for the same seed.

Calibrated against the instances that a prototype was measured on, which are lost (10,000 demands x 1,000 candidates
within 500 m and 300 m; 30,000 x 3,000; 100,000 x 10,000). Of them these facts were kept: 90 % of what can be reached
needs about 19 new sites within 500 m, 80 % about 52 and all of it 189 within 300 m; reductions leave a quarter of the
demands and less than half of the candidates of the largest; and SCIP needs 24 s and 19 s on a machine some 1.7 times
as fast as the one this was calibrated on. Side, clusters and background were chosen for the counts.

The seeds were chosen so that maximal covering is no easier for SCIP than that (42, 42 and 95 s here). Most cities of
this kind are easier, so that the ratios on C1 and C2 flatter us: cities from `OTHER_SEEDS`, which nobody chose, are
measured beside them. Partial covering is easier here than there: 80 % of C2 takes SCIP 11 s, where it took 24 s.

What existing sites cover, and what no candidate reaches, is left out for everybody, so that nobody's gap looks smaller
by what is served anyway; so are the existing sites.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import KDTree

import siting as st
from benchmarks.city import Floats, Ints

__all__ = [
    "CITIES",
    "OTHER_SEEDS",
    "Question",
    "cfl",
    "cfl_customers",
    "cfl_question",
    "city_question",
    "districts",
    "graph_question",
    "growing",
    "medians",
    "places_of",
    "question",
    "random_graph",
    "read_graph",
    "second_service",
]

#: Side of a city of 10,000 demands, metres; the area grows with the number of demands.
SIDE = 6_200.0
#: Demands to a cluster, spread of clusters (metres), and the share of demand that lies anywhere.
CLUSTER, SPREAD, BACKGROUND = 250, (200.0, 1_200.0), 0.1
#: Metres between streets: one coordinate of everything lies on a street.
STREETS = 100.0
#: Share of sites that are open already.
EXISTING = 0.05
#: The square of the family of Cordeau, Furini and Ljubić, in its own unit, and its radius.
SQUARE, RADIUS = 3000.0, 550.0

#: Name, demands, candidates, metres, sites to open, seed.
CITIES = {
    "C1": (10_000, 1_000, 500.0, 50, 1),
    "C2": (10_000, 1_000, 300.0, 100, 4),
    "C3": (30_000, 3_000, 500.0, 100, 1),
    "big": (100_000, 10_000, 500.0, 200, 1),
}

#: Seeds of more cities like C1 and C2, taken as they come.
OTHER_SEEDS = (1, 2, 3, 4, 5)


@dataclass(frozen=True, eq=False)
class Question:
    """A siting problem in arrays and as `siting` takes it: only demand that is open, and candidates.

    Attributes
    ----------
    name
        What it is called.
    reach
        From demands to candidates within the radius, metres.
    demand
        People at each demand, whole numbers.
    most
        Sites to open (p).
    homes, sites
        Coordinates, metres.
    served
        People that are left out because existing sites serve them.
    """

    name: str
    reach: st.Reach
    demand: pd.Series
    most: int
    homes: Floats
    sites: Floats
    served: float = field(default=0.0)

    @cached_property
    def weight(self) -> Floats:
        """People as an array."""
        return self.demand.to_numpy(float)

    @cached_property
    def cover(self) -> csr_array:
        """Demands × candidates, 1 where it is reached; indices sorted."""
        return _pattern(self.reach, np.ones(len(self.reach)))

    @cached_property
    def cost(self) -> csr_array:
        """Demands × candidates, metres (a pair at 0 m is stored)."""
        return _pattern(self.reach, self.reach.cost)

    @property
    def size(self) -> str:
        """Say how large it is."""
        n, m = self.cover.shape
        return f"{n:,} demands, {m:,} candidates, {len(self.reach):,} pairs"

    def share(self, reached: float) -> float:
        """Turn a share of all who can be reached, those served already included, into one of the people here."""
        total = float(self.weight.sum())
        need = np.ceil(reached * (total + self.served) - 1e-6) - self.served
        return float(need / total)

    def covered(self, sites: object) -> float:
        """People whom at least one of the sites (positions of candidates) reaches."""
        hit = self.cover[:, np.asarray(sites, np.intp)].sum(axis=1) > 0
        return float(self.weight[hit].sum())


def question(name: str) -> Question:
    """Make one of `CITIES`."""
    n, m, radius, most, seed = CITIES[name]
    return city_question(n, m, radius, most, seed=seed, name=name)


def city_question(n: int, m: int, radius: float, most: int, *, seed: int = 1, name: str = "city") -> Question:
    """Make a city of *n* demands and *m* sites, a twentieth of them existing, and leave out what is settled."""
    rng = np.random.default_rng(seed)
    homes, sites = _draw(rng, n, m)
    people = rng.integers(1, 1_000, n).astype(float)
    near = KDTree(homes).sparse_distance_matrix(KDTree(sites), radius, output_type="coo_matrix").tocsr()
    existing = np.zeros(m, bool)
    existing[rng.choice(m, round(EXISTING * m), replace=False)] = True
    pattern = csr_array((np.ones(near.nnz), near.indices, near.indptr), shape=near.shape)
    covered = pattern[:, np.flatnonzero(existing)].sum(axis=1) > 0
    reached = pattern[:, np.flatnonzero(~existing)].sum(axis=1) > 0
    keep, free = np.flatnonzero(~covered & reached), np.flatnonzero(~existing)
    rest = csr_array(near)[keep][:, free]
    ids = [pd.Index([f"{kind}{k:06d}" for k in at]) for kind, at in (("c", keep), ("s", free))]
    demand = pd.Series(people[keep], index=ids[0], name="people")
    reach = _reach(rest, ids[0], ids[1], radius)
    return Question(name, reach, demand, most, homes[keep], sites[free], float(people[covered].sum()))


def _draw(rng: np.random.Generator, n: int, m: int) -> tuple[Floats, Floats]:
    """Draw *n* homes and *m* sites from the same clusters, on streets."""
    side = SIDE * np.sqrt(n / 10_000)
    k = max(8, round(n / CLUSTER))
    centres, spread = rng.uniform(0, side, (k, 2)), rng.uniform(*SPREAD, k)
    share = rng.dirichlet(np.full(k, 0.7))

    def points(size: int) -> Floats:
        which = rng.choice(k, size, p=share)
        at = centres[which] + rng.normal(0, 1, (size, 2)) * spread[which, None]
        anywhere = rng.uniform(0, side, (size, 2))
        at = np.where((rng.random(size) < BACKGROUND)[:, None], anywhere, at).clip(0, side)
        axis = rng.integers(0, 2, size)
        at[np.arange(size), axis] = np.round(at[np.arange(size), axis] / STREETS) * STREETS
        return at

    return points(n), points(m)


def districts(question: Question, across: int = 4, down: int = 3) -> pd.Series:
    """Part the demands of a city into districts of about as many each: bands from west to east, each cut."""
    x, y = question.homes.T
    band = pd.qcut(pd.Series(x).rank(method="first"), across, labels=False)
    part = pd.Series(y).groupby(band).rank(method="first", pct=True).mul(down).apply(np.ceil).astype(int)
    names = "d" + band.astype(str) + "-" + part.astype(str)
    return pd.Series(names.to_numpy(), index=question.demand.index, name="district")


def growing(question: Question, years: tuple[int, ...] = (2025, 2030, 2035), *, seed: int = 7) -> pd.DataFrame:
    """Demand by year: each place grows or shrinks at a rate of its own, a tenth a period in the mean."""
    rate = np.random.default_rng(seed).uniform(0.8, 1.4, len(question.demand))
    people = {year: np.rint(question.weight * rate**k) for k, year in enumerate(years)}
    return pd.DataFrame(people, index=question.demand.index)


def second_service(
    question: Question, radius: float = 300.0, *, seed: int = 8
) -> tuple[st.Reach, pd.Series, pd.DataFrame]:
    """Another service at the same sites, within another radius: its reach and demand, and what sites cost."""
    rng = np.random.default_rng(seed)
    infants = np.rint(question.weight * rng.uniform(0.05, 0.6, len(question.demand)))
    m = len(question.sites)
    cost = pd.DataFrame(
        {"elder": rng.integers(60, 140, m), "child": rng.integers(40, 100, m)}, index=question.reach.destinations
    )
    demand = pd.Series(infants, index=question.demand.index, name="infants")
    return question.reach.within(min(radius, question.reach.limit)), demand, cost


def places_of(question: Question, *, seed: int = 9) -> pd.Series:
    """Places that each candidate has room for: 5,000 to 30,000, so that 20 sites are full and 100 are not."""
    places = np.random.default_rng(seed).integers(5, 31, len(question.sites)) * 1_000
    return pd.Series(places, index=question.reach.destinations, name="places")


def medians(n: int, m: int, most: int, *, seed: int = 1, name: str = "city") -> Question:
    """Make a city in which every demand reaches every site, in whole metres; nothing exists already."""
    rng = np.random.default_rng(seed)
    homes, sites = _draw(rng, n, m)
    people = rng.integers(1, 100, n).astype(float)
    far = np.rint(np.hypot(*(homes[:, None, :] - sites[None, :, :]).transpose(2, 0, 1)))
    origins, destinations = pd.RangeIndex(n).astype(str), pd.RangeIndex(m).astype(str)
    reach = _reach(_full(far), origins, destinations, float(far.max()))
    return Question(name, reach, pd.Series(people, index=origins, name="people"), most, homes, sites)


def read_graph(path: Path) -> tuple[Floats, int]:
    """Read a p-median graph of the OR-Library: all shortest paths, and p. Of an edge repeated the last counts."""
    head, *rows = path.read_text(encoding="ascii").split("\n")
    n, _, p = map(int, head.split())
    length = {}
    for row in rows:
        if row.strip():
            i, j, cost = map(int, row.split())
            length[min(i, j) - 1, max(i, j) - 1] = float(cost)
    return _paths(n, length), p


def random_graph(n: int, *, seed: int) -> Floats:
    """Make another graph of that family: a random tree that joins all, n²/50 edges in all, lengths of 1 to 100.

    The family is that of J. E. Beasley, "A note on solving large p-median problems", European Journal of Operational
    Research 21 (2), 1985, pp. 270-273. Returns all shortest paths.
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(n)
    length: dict[tuple[int, int], float] = {}

    def add(i: int, j: int) -> None:
        length[min(i, j), max(i, j)] = float(rng.integers(1, 101))

    for k in range(1, n):
        add(int(order[k]), int(order[rng.integers(k)]))
    while len(length) < n * n // 50:
        i, j = (int(v) for v in rng.integers(n, size=2))
        if i != j:
            add(i, j)
    return _paths(n, length)


def graph_question(paths: Floats, most: int, name: str) -> Question:
    """Put a graph as a p-median problem: every node is a demand of one and a candidate."""
    n = len(paths)
    ids = pd.RangeIndex(n).astype(str)
    reach = _reach(_full(paths), ids, ids, float(paths.max()))
    nowhere = np.zeros((n, 2))
    return Question(name, reach, pd.Series(1.0, index=ids, name="nodes"), most, nowhere, nowhere)


def cfl(*, sites: int = 100, seed: int = 1) -> Floats:
    """Candidates of the family of Cordeau, Furini and Ljubić (EJOR 275 (3), 2019, pp. 882-896): uniform on a square."""
    return np.random.default_rng([seed, 0]).uniform(0, SQUARE, (sites, 2))


def cfl_customers(count: int, *, seed: int = 1, part: int = 1_000_000) -> Iterator[tuple[Floats, Floats]]:
    """Yield its customers, uniform on the square, with demands of 1 to 100, in parts of at most *part*."""
    rng = np.random.default_rng([seed, 1])
    for start in range(0, count, part):
        size = min(part, count - start)
        yield rng.uniform(0, SQUARE, (size, 2)), rng.integers(1, 101, size).astype(float)


def cfl_question(count: int, most: int = 15, *, seed: int = 1) -> Question:
    """Hold customers by the hundred thousand in a table, all of them, as the peers need it, but those out of reach."""
    sites = cfl(seed=seed)
    parts = list(cfl_customers(count, seed=seed))
    homes, weight = (np.concatenate(side) for side in zip(*parts, strict=True))
    near = KDTree(homes).sparse_distance_matrix(KDTree(sites), RADIUS, output_type="coo_matrix").tocsr()
    keep = np.flatnonzero(np.diff(near.indptr))
    ids = pd.Index(keep.astype(str)), pd.RangeIndex(len(sites)).astype(str)
    demand = pd.Series(weight[keep], index=ids[0], name="demand")
    return Question(f"CFL {count:,}", _reach(csr_array(near)[keep], *ids, RADIUS), demand, most, homes[keep], sites)


def _paths(n: int, length: dict[tuple[int, int], float]) -> Floats:
    i, j = np.array(list(length), np.int32).T
    graph = csr_array((list(length.values()), (i, j)), shape=(n, n))
    found: Floats = dijkstra(graph, directed=False)
    return found


def _full(far: Floats) -> csr_array:
    """Store every pair, also those at 0."""
    n, m = far.shape
    starts = np.arange(n + 1) * m
    return csr_array((far.ravel(), np.tile(np.arange(m), n), starts), shape=(n, m))


def _reach(near: csr_array, origins: pd.Index, destinations: pd.Index, limit: float) -> st.Reach:
    """Make a reach of a table of metres, in its own order: origin, cost, destination."""
    origin = np.repeat(np.arange(near.shape[0]), np.diff(near.indptr))
    order = np.lexsort((near.indices, near.data, origin))
    return st.Reach(
        origins, destinations, origin[order].astype(np.int32), near.indices[order].astype(np.int32), near.data[order],
        limit, "m", how="straight line",
    )  # fmt: skip


def _pattern(reach: st.Reach, data: Floats) -> csr_array:
    """Turn pairs into a table with sorted indices that keeps zeros."""
    order: Ints = np.lexsort((reach.destination, reach.origin))
    starts = np.concatenate([[0], np.cumsum(np.bincount(reach.origin, minlength=len(reach.origins)))])
    shape = (len(reach.origins), len(reach.destinations))
    return csr_array((data[order], reach.destination[order].astype(np.int64), starts), shape=shape)
