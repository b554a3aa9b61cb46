"""The numbers of the demo, derived a second time with networkx and plain Python.

Nothing of the library's own search, coverage or optimizer is used: streets and points are read with geopandas, each
point is projected on the nearest street of the main part, those with no street between them walk straight, distances
are Dijkstra's, shares are sums, and the fewest number of sites is what another solver finds for the model as the
textbook writes it.
"""

from __future__ import annotations

import heapq
import math
from pathlib import Path
from typing import Any

import geopandas as gpd
import networkx as nx
import numpy as np
import pytest
import shapely
from scipy.optimize import Bounds, LinearConstraint, milp

import siting as st
from siting.data import sample_path

pytestmark = pytest.mark.slow

SPEED = {"childcare": 64.0, "eldercare": 55.0}
PEOPLE = {"childcare": "infants", "eldercare": "elderly"}


def read(layer: str) -> gpd.GeoDataFrame:
    return gpd.read_file(Path(sample_path("sample.gpkg")), layer=layer).set_index("id")


@pytest.fixture(scope="module")
def outcome() -> Any:
    return st.run(st.Study.from_toml(sample_path("study.toml")))


@pytest.fixture(scope="module")
def distances() -> dict[str, dict[str, dict[str, float]]]:
    """Metres from each community to each facility and candidate of a service, up to 1000 m."""
    streets = read("streets")
    graph = nx.Graph()
    node = {}

    def corner(xy: tuple[float, float]) -> int:
        return node.setdefault((round(xy[0], 3), round(xy[1], 3)), len(node))

    edges = []
    for line, length in zip(streets.geometry, streets["length"], strict=True):
        line = shapely.get_parts(line)[0]
        a, b = corner(line.coords[0]), corner(line.coords[-1])
        edges.append((line, a, b, float(length)))
        if a != b and (not graph.has_edge(a, b) or graph[a][b]["weight"] > length):
            graph.add_edge(a, b, weight=float(length))
    lines = np.array([e[0] for e in edges])
    # Streets of parts with less than a tenth of the nodes of the largest are islands; nothing else is told of levels.
    parts = sorted(nx.connected_components(graph), key=len)
    main = {n for part in parts if 10 * len(part) >= len(parts[-1]) for n in part}
    island = np.array([a not in main for _, a, _, _ in edges])
    assert island.any()

    def project(point: shapely.Point) -> tuple[int, float, float]:
        """Edge, metres along it, metres to it: by looking at every street."""
        far = shapely.distance(lines, point)
        mainland = np.where(island, np.inf, far)
        k = int(np.argmin(mainland if mainland.min() <= 250 else far))
        line, _, _, length = edges[k]
        return k, line.project(point) / line.length * length, float(far[k])

    where = read("communities").geometry
    homes = {i: project(p) for i, p in where.items()}
    found: dict[str, dict[str, dict[str, float]]] = {}
    for service in PEOPLE:
        facilities = read(service)
        if "open_to_neighbours" in facilities:
            facilities = facilities[facilities["open_to_neighbours"].astype(bool)]
        candidates = read("candidates")
        candidates = candidates[candidates["services"].str.contains(service)]
        spots = {i: p for frame in (facilities, candidates) for i, p in frame.geometry.items()}
        sites = {i: project(p) for i, p in spots.items()}
        by_node: dict[int, list[tuple[str, float]]] = {}
        for i, (k, along, door) in homes.items():
            _, a, b, length = edges[k]
            by_node.setdefault(a, []).append((i, along + door))
            by_node.setdefault(b, []).append((i, length - along + door))
        found[service] = {}
        for site, (k, along, door) in sites.items():
            _, a, b, length = edges[k]
            best: dict[str, float] = {}
            for i, (home_edge, home_along, home_door) in homes.items():
                if home_edge == k:
                    best[i] = abs(home_along - along) + door + home_door
            for start, first in ((a, along + door), (b, length - along + door)):
                for there, way in nx.single_source_dijkstra_path_length(graph, start, cutoff=1000).items():
                    for i, rest in by_node.get(there, []):
                        best[i] = min(best.get(i, math.inf), first + way + rest)
            for i, (_, _, home_door) in homes.items():
                straight = where[i].distance(spots[site])
                if straight <= door + home_door:  # no street lies between them
                    best[i] = min(best.get(i, math.inf), straight)
            found[service][site] = best
    return found


def covered(ways: dict[str, dict[str, float]], sites: Any, limit: float) -> set[str]:
    # 5 mm: the library rounds every street to whole millimetres once, this script never does
    return {i for site in sites for i, way in ways[site].items() if way <= limit + 0.005}


def existing(service: str) -> list[str]:
    frame = read(service)
    if "open_to_neighbours" in frame:
        frame = frame[frame["open_to_neighbours"].astype(bool)]
    return list(frame.index)


@pytest.mark.parametrize(
    ("service", "limit", "unit", "metres"),
    [
        ("childcare", 300.0, "m", 300.0),
        ("childcare", 500.0, "m", 500.0),
        ("childcare", 800.0, "m", 800.0),
        ("childcare", 15.0, "min", 960.0),
        ("eldercare", 15.0, "min", 825.0),
    ],
)
def test_shares_of_the_demo(outcome, distances, service, limit, unit, metres) -> None:
    communities = read("communities")
    inside = covered(distances[service], existing(service), metres)
    people = communities[PEOPLE[service]]
    row = outcome.coverage.loc[(service, limit, unit, "streets", "all", PEOPLE[service])]
    assert row["covered"] == sum(people[i] for i in inside)
    assert row["communities_covered"] == len(inside)
    assert row["share"] == pytest.approx(sum(people[i] for i in inside) / sum(people), abs=1e-12)


@pytest.mark.parametrize(
    ("service", "limit", "unit", "metres"),
    [("childcare", 300.0, "m", 300.0), ("eldercare", 15.0, "min", 825.0)],
)
def test_straight_line_shares_of_the_demo(outcome, service, limit, unit, metres) -> None:
    communities, facilities = read("communities"), read(service).loc[existing(service)]
    people = communities[PEOPLE[service]]
    total = sum(
        count
        for home, count in zip(communities.geometry, people, strict=True)
        if min(math.dist(home.coords[0], f.coords[0]) for f in facilities.geometry) <= metres + 0.0005
    )
    row = outcome.coverage.loc[(service, limit, unit, "straight", "all", PEOPLE[service])]
    assert row["covered"] == total


def textbook(ways, people, fixed, metres, **goal) -> float:
    """The covering model as the textbook writes it, a row for a community, in scipy's own solver."""
    sites = [s for s in ways if s not in set(fixed)]
    done = covered(ways, fixed, metres)
    homes = [i for i in people.index if i not in done and people[i] > 0]
    m, n = len(sites), len(homes)
    rows = np.zeros((n, m + n))
    for r, i in enumerate(homes):
        rows[r, m + r] = -1
        for c, s in enumerate(sites):
            rows[r, c] = ways[s].get(i, math.inf) <= metres + 0.005
    weight = np.array([float(people[i]) for i in homes])
    base = sum(people[i] for i in done)
    rules = [LinearConstraint(rows, 0, np.inf)]
    if "at_most" in goal:
        cost = np.concatenate([np.zeros(m), -weight])
        rules.append(LinearConstraint(np.concatenate([np.ones(m), np.zeros(n)]), 0, goal["at_most"]))
    else:
        cost = np.concatenate([np.ones(m), np.zeros(n)])
        need = math.ceil(goal["share"] * people.sum() - 1e-9) - base
        rules.append(LinearConstraint(np.concatenate([np.zeros(m), weight]), need, np.inf))
    found = milp(cost, constraints=rules, integrality=np.ones(m + n), bounds=Bounds(0, 1))
    assert found.success
    return base - found.fun if "at_most" in goal else found.fun


@pytest.mark.parametrize(("service", "metres"), [("childcare", 500.0), ("eldercare", 825.0)])
def test_plans_of_the_demo(outcome, distances, service, metres) -> None:
    ways, people, fixed = distances[service], read("communities")[PEOPLE[service]], existing(service)
    fewest = outcome.proposals[f"{service}-90"].plan
    reached = sum(people[i] for i in covered(ways, [*fixed, *fewest.sites], metres))
    assert reached >= 0.9 * people.sum()
    assert reached == fewest.covered
    assert len(fewest.sites) == round(textbook(ways, people, fixed, metres, share=0.9)) == fewest.bound
    best = outcome.proposals[f"{service}-5"].plan
    reached = sum(people[i] for i in covered(ways, [*fixed, *best.sites], metres))
    assert reached == best.covered == round(textbook(ways, people, fixed, metres, at_most=5)) == best.bound


def test_the_greedy_choice_is_never_better(outcome, distances) -> None:
    """A plan by the greedy rule, in plain Python with a heap: it may need more sites, never fewer."""
    ways, people, fixed = distances["childcare"], read("communities")["infants"], existing("childcare")
    done = covered(ways, fixed, 500.0)
    heap = [(-math.inf, s) for s in ways if s not in set(fixed)]
    opened = 0
    while sum(people[i] for i in done) < 0.9 * people.sum():
        _, site = heapq.heappop(heap)
        gain = sum(people[i] for i in covered(ways, [site], 500.0) - done)
        if heap and gain < -heap[0][0]:
            heapq.heappush(heap, (-gain, site))
            continue
        done |= covered(ways, [site], 500.0)
        opened += 1
    assert opened >= len(outcome.proposals["childcare-90"].plan.sites)
