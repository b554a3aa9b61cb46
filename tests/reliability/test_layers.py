"""Whole layers, many of them spoiled, from the check to map, report and file: refused, told, or right.

Streets, homes, nurseries and candidates of small random towns (see `towns.py`) are written down in ways that change
nothing and in ways that do. What comes out is compared with networkx and with trying every choice of sites. Counted are
exceptions that are no `SitingError`, answers that are wrong without a word, and warnings that reach the user as Python
warnings.
"""

from __future__ import annotations

import importlib.util
import itertools
import json
import logging
import math
import re
import sys
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pyproj
import shapely

import siting as st

_SPEC = importlib.util.spec_from_file_location("towns", Path(__file__).with_name("towns.py"))
assert _SPEC is not None
assert _SPEC.loader is not None
towns = importlib.util.module_from_spec(_SPEC)
sys.modules["towns"] = towns
_SPEC.loader.exec_module(towns)

LIMIT, SNAP = 400.0, 250.0
#: The library rounds each street to millimetres; polygons are entered every 10 m.
NEAR, RIM = 0.03, 12.0
#: Walks are compared in whole millimetres: within so many metres either of two may be the shorter.
ROUNDED = 0.0015
FILES = (".gpkg", ".geojson", ".parquet", ".csv", ".xlsx", ".shp")


class Told(logging.Handler):
    """What the library warns of."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text += record.getMessage() + "\n"


class Attempt:
    """One town through all steps; `foreign`, `wrong` and `leaked` list what must not be."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.seed, self.folder = seed, folder
        self.rng = np.random.default_rng(seed)
        self.foreign: list[str] = []
        self.wrong: list[str] = []
        self.leaked: list[str] = []
        self.refused: list[str] = []
        self.applied: list[str] = []
        self.layers = 0
        self.told = Told()

    def run(self) -> Attempt:
        logger = logging.getLogger("siting")
        logger.addHandler(self.told)
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                self._run()
            self.leaked += [f"{w.category.__name__}: {w.message} ({Path(w.filename).name}:{w.lineno})" for w in caught]
        finally:
            logger.removeHandler(self.told)
        return self

    def call(self, what: str, function: Callable[..., Any], *args: Any, **named: Any) -> Any:
        """Call the library: None when it refuses, or raises what it must not."""
        try:
            return function(*args, **named)
        except st.SitingError as fault:
            self.refused.append(f"{what}: {fault}")
        except Exception as fault:
            place = traceback.extract_tb(fault.__traceback__)[-1]
            own = [
                f
                for f in traceback.extract_tb(fault.__traceback__)
                if "siting" in f.filename and "tests" not in f.filename
            ]
            at = f"{Path((own or [place])[-1].filename).name}:{(own or [place])[-1].lineno}"
            self.foreign.append(f"{what}: {type(fault).__name__}: {str(fault)[:200]} ({at})")
        return None

    def check(self, good: object, what: str) -> None:
        if not good:
            self.wrong.append(what)

    # -- the steps ----------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        self.town = towns.random_town(self.rng)
        clean = self.town.layers()
        spoiled, self.changed = self._spoiled(clean)
        # Layers that nobody checked are measured, too; the results must be as right.
        bare = self.rng.random() < 0.2
        used = {}
        for role in towns.ROLES:
            self.layers += 1
            checked = self.call(f"check {role}", st.check_layer, spoiled[role], role)
            if checked is None:
                checked, self.changed[role] = st.check_layer(clean[role], role), set()
            else:
                self._as_in_town(role, checked)
                if bare and role == "streets":
                    self.call("bare network", st.Network.from_streets, spoiled[role])
            used[role] = checked
        network = self.call("network", st.Network.from_streets, used["streets"])
        if network is None:
            network = st.Network.from_streets(clean["streets"])
            used["streets"], self.changed["streets"] = st.check_layer(clean["streets"], "streets"), set()
        if bare:
            for role in ("communities", "childcare"):
                self.call(f"bare {role}", network.locate, spoiled[role])
        self._measure(network, used)

    def _spoiled(self, clean: dict[str, Any]) -> tuple[dict[str, Any], dict[str, set[str] | None]]:
        rng = self.rng
        made: dict[str, Any] = dict(clean)
        changed: dict[str, set[str] | None] = {}
        for role in towns.ROLES:
            frame, rows = clean[role], set()
            many = int(rng.choice([0, 1, 2, 3], p=[0.2, 0.4, 0.3, 0.1]))
            slips = [str(rng.choice(list(towns.HARMLESS))) for _ in range(many)]
            if rng.random() < 0.3:
                slips.append(str(rng.choice(list(towns.HARMFUL))))
            for name in slips:
                try:
                    slip = {**towns.HARMLESS, **towns.HARMFUL}[name](rng, frame, role)
                except Exception:  # two ways that do not go together: pandas or geopandas cannot make such a layer
                    continue
                self.applied.append(f"{role} {name}")
                frame = slip.frame
                rows = None if slip.rows is None or rows is None else rows | slip.rows
                if not isinstance(frame, gpd.GeoDataFrame):
                    break
            made[role], changed[role] = frame, rows
        return made, changed

    def _as_in_town(self, role: str, checked: Any) -> None:
        """Compare a checked layer with the town: rows that nobody changed are the same, changed ones are told."""
        rows = self.changed[role]
        if rows is None:
            return
        truth = self.town.streets if role == "streets" else self.town.places[role]
        lost = [i for i in truth if i not in rows and i not in checked.index and not any(map(_piece(i), checked.index))]
        self.check(not lost, f"{role}: rows {lost} are lost")
        plane = _plane(checked.crs.to_wkt())
        for i in (i for i in truth if i not in rows and i in checked.index):
            shape = shapely.transform(checked.geometry.loc[i], plane, interleaved=False)
            self.check(shapely.hausdorff_distance(shape, truth[i]) < 0.01, f"{role}: {i} has moved")
        if role == "streets":
            return
        for i, number in self.town.numbers[role].items():
            if towns.NUMBER[role] in checked and i in checked.index and checked[towns.NUMBER[role]][i] != number:
                self.check(i in rows and _names(i, self.told.text), f"{role}: {i} has {checked[towns.NUMBER[role]][i]}")

    def _measure(self, network: st.Network, used: dict[str, Any]) -> None:
        homes, nurseries = used["communities"], used["childcare"]
        reach = self.call("travel", st.travel, network, homes, nurseries, metres=LIMIT, max_snap=SNAP)
        # The oracle walks among what was checked, and what was checked is that of the town.
        if reach is not None:
            self._walks(network, used, homes, nurseries, reach)
        straight = self.call("straight", st.straight_line, homes, nurseries, metres=LIMIT, crs=network.crs)
        if straight is not None:
            a, b = (shapely.force_2d(f.to_crs(network.crs).geometry.to_numpy()) for f in (homes, nurseries))
            far = shapely.distance(a[:, None], b[None, :])
            places = list(itertools.product(homes.index, nurseries.index))
            self._same(straight, dict(zip(places, far.ravel().tolist(), strict=True)), "straight", 0.002)
        people = homes["population"]
        shares = bands = plan = None
        if reach is not None:
            shares = self.call("coverage", st.coverage, reach, people)
            bands = self.call("bands", st.measure.bands, reach, [LIMIT / 2, LIMIT])
        if shares is not None:
            served = set(reach.pairs()["origin"])
            covered = sum(int(n) for i, n in people.items() if i in served)
            row = shares.iloc[0]
            self.check(
                row["covered"] == covered and row["total"] == sum(map(int, people)), f"coverage: {row.to_dict()}"
            )
        if "candidates" in used and people.sum() > 0:
            plan = self._plan(network, used, people)
        self._show(used, bands, shares, plan)

    def _walks(self, network: st.Network, used: dict[str, Any], homes: Any, sites: Any, reach: st.Reach) -> None:
        found = costs(network, used["streets"], homes, sites)
        areas = set(homes.index[homes.geometry.geom_type.isin(["Polygon", "MultiPolygon"])])
        self._same(reach, found, "travel", NEAR, rim=areas)

    def _same(
        self, reach: st.Reach, truth: dict[Any, Any], what: str, near: float, rim: set[Any] = frozenset()
    ) -> None:  # type: ignore[assignment]
        got = reach.pairs().set_index(["origin", "destination"])["cost"].astype(float).to_dict()
        for pair, ways in truth.items():
            possible = ways if isinstance(ways, set) else {ways}
            cost = got.get(pair, math.inf)
            if pair[0] in rim:
                low, high = min(possible) - RIM, max(possible) + RIM
                right = low <= cost <= high or (cost > LIMIT and high > LIMIT)
            else:
                right = any(abs(cost - way) <= near or (cost > LIMIT and way > LIMIT - near) for way in possible)
            self.check(right, f"{what}: {pair} is {cost}, not {possible}")
        self.check(set(got) <= set(truth), f"{what}: pairs that are not there")

    def _plan(self, network: st.Network, used: dict[str, Any], people: Any) -> Any:
        reach = self.call("travel", st.travel, network, used["communities"], used["candidates"], metres=LIMIT)
        if reach is None:
            return None
        ways: dict[str, dict[str, float]] = {site: {} for site in reach.destinations}
        for origin, site, cost in reach.pairs().itertuples(index=False, name=None):
            ways[site][origin] = float(cost)
        weight = {i: int(n) for i, n in people.items()}
        number = int(self.rng.integers(1, len(ways) + 1))

        def served(sites: Any) -> int:
            return sum(weight[i] for i in set().union(*(ways[s] for s in sites)))

        plan = self.call("most", st.solve, st.MaxCoverage(), reach, demand=people, rules=[st.AtMost(number)])
        if plan is not None:
            best = max(served(c) for c in itertools.combinations(ways, number))
            right = plan.status == "optimal" and plan.objective == best == served(plan.sites)
            self.check(right and len(plan.sites) <= number, f"most: {plan!r}, not {best}")
        share = float(self.rng.choice([0.3, 0.5, 0.8, 1.0]))
        fewest = self.call("fewest", st.solve, st.MinSites(), reach, demand=people, rules=[st.Cover(share)])
        if fewest is not None:
            need = share * sum(weight.values()) - 1e-9
            enough = [n for n in range(len(ways) + 1) for c in itertools.combinations(ways, n) if served(c) >= need]
            if not enough:
                self.check(fewest.status == "infeasible", f"fewest: {fewest!r}, though nothing is enough")
            else:
                right = fewest.status == "optimal" and len(fewest.sites) == min(enough) and served(fewest.sites) >= need
                self.check(right, f"fewest: {fewest!r}, not {min(enough)}")
            for lang in ("zh", "en"):
                self.call("explain", fewest.explain, lang)
        return plan

    def _show(self, used: dict[str, Any], bands: Any, shares: Any, plan: Any) -> None:
        lang = str(self.rng.choice(["zh", "en"]))
        title = str(self.rng.choice(towns.NAMES))
        drawn = self.call("map", st.draw_map, used, coverage=bands, plan=plan, lang=lang, title=title)
        if drawn is not None:
            page = self.call("render", lambda: drawn.get_root().render())
            if page is not None:
                self.check("alert(1)>" not in page, "map: markup in the page")
                for data in re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', page, re.DOTALL):
                    json.loads(data, parse_constant=lambda word: self.check(False, f"map: {word} in the data"))
        report = self.folder / "report.html"
        parts = [part for part in (shares, plan, used["communities"], used["childcare"], bands) if part is not None]
        if self.call("report", st.write_report, report, *parts, lang=lang, title=title) is not None:
            self.check("alert(1)>" not in report.read_text(encoding="utf-8"), "report: markup in the page")
        role = str(self.rng.choice(towns.ROLES))
        suffix = str(self.rng.choice(FILES))
        file = self.folder / f"layer{suffix}"
        before = len(self.refused) + len(self.foreign)
        self.call(f"write {suffix}", st.write_layer, used[role], file)
        if len(self.refused) + len(self.foreign) == before:
            back = self.call(f"read {suffix}", st.read_layer, file, role)
            if back is not None:
                self._back(role, used[role], back, suffix)
        for old in self.folder.iterdir():
            old.unlink()

    def _back(self, role: str, frame: Any, back: Any, suffix: str) -> None:
        same = sorted(map(str, back.index)) == sorted(str(i).strip() for i in frame.index)
        self.check(same, f"{suffix}: ids {list(frame.index)} came back as {list(back.index)}")
        if same and towns.NUMBER.get(role) in frame.columns:
            old = {str(i).strip(): n for i, n in frame[towns.NUMBER[role]].items()}
            self.check(back[towns.NUMBER[role]].to_dict() == old, f"{suffix}: numbers changed")


@cache
def _plane(crs: str) -> Any:
    return pyproj.Transformer.from_crs(crs, towns.PLANE, always_xy=True).transform


def _piece(name: str) -> Callable[[Any], bool]:
    return lambda other: str(other).startswith(f"{name}-") or str(other).startswith(f"{name}_")


def _names(row: str, text: str) -> bool:
    return re.search(rf"\b{re.escape(row)}\b", text) is not None


# -- the oracle ------------------------------------------------------------------------------------------------------


def costs(network: st.Network, streets: Any, homes: Any, sites: Any) -> dict[tuple[Any, Any], set[float]]:
    """Find the metres between places with networkx: all that are possible where two streets are equally near."""
    lines = streets.to_crs(network.crs)
    words = (
        lines["highway"].map(_words) if "highway" in lines.columns else pd.Series([[]] * len(lines), index=lines.index)
    )
    lines = lines[["motorway" not in w for w in words]]
    node: dict[tuple[float, float], int] = {}
    graph: Any = nx.Graph()
    edges = []
    for k, line in enumerate(shapely.force_2d(lines.geometry.to_numpy())):
        a, b = (node.setdefault((round(x, 2), round(y, 2)), len(node)) for x, y in (line.coords[0], line.coords[-1]))
        given = float(lines["length"].iloc[k]) if "length" in lines.columns else math.nan
        metres = given if given > 0 else line.length
        edges.append((line, a, b, metres))
        graph.add_nodes_from((a, b))
        if a != b and metres < graph.get_edge_data(a, b, {"weight": math.inf})["weight"]:
            graph.add_edge(a, b, weight=metres)
    way = dict(nx.all_pairs_dijkstra_path_length(graph, weight="weight"))
    parts = sorted(map(len, nx.connected_components(graph)))
    main = {n for part in nx.connected_components(graph) if 10 * len(part) >= parts[-1] for n in part}
    shapes = np.array([e[0] for e in edges], dtype=object)
    island = np.array([e[1] not in main for e in edges])
    a, b = (shapely.force_2d(f.to_crs(network.crs).geometry.to_numpy()) for f in (homes, sites))
    starts, ends = ([_doors(shape, edges, shapes, island) for shape in each] for each in (a, b))
    found: dict[tuple[Any, Any], set[float]] = {}
    for (i, shape, from_), (j, other, to) in itertools.product(zip(homes.index, a, starts, strict=True),
                                                               zip(sites.index, b, ends, strict=True)):  # fmt: skip
        found[i, j] = {_way(one, two, edges, way) for one, two in itertools.product(from_, to)} or {math.inf}
        if shapely.get_type_id(shape) in (3, 6):  # the shortest from anywhere on the rim, and where it is nearest
            first = [_way(one, two, edges, way) for one, two in itertools.product(from_, to) if one[3]]
            found[i, j] = {min(found[i, j]), min([math.inf, *first])}
        straight, free = shapely.distance(shape, other), (min([SNAP, *(d[2] for d in doors)]) for doors in (from_, to))
        if straight <= sum(free) + ROUNDED:
            near = {min(each, straight) for each in found[i, j]}  # no street lies between them
            found[i, j] = near | (found[i, j] if straight >= sum(free) - ROUNDED else set())
    return found


def _words(cell: Any) -> list[str]:
    each = cell if isinstance(cell, list) else [cell]
    return [word for text in each if isinstance(text, str) for word in text.lower().split(";")]


#: Edge, metres along it, metres to it, and whether no other way to the edge is shorter.
Door = tuple[int, float, float, bool]


def _doors(shape: Any, edges: Any, shapes: Any, island: Any) -> list[Door]:
    """Find where a place meets the streets: edge, metres along it, metres to it; of polygons all along the rim."""
    far = shapely.distance(shapes, shape)
    if shapely.get_type_id(shape) not in (3, 6):
        ground = np.where(island, np.inf, far)
        far = ground if ground.min() <= SNAP else far
        nearest = np.flatnonzero(far <= far.min() + 1e-3) if far.min() <= SNAP else []
        return [_door(edges, int(k), shape, float(far[k])) for k in nearest]
    rim = shapely.get_coordinates(shapely.segmentize(shapely.boundary(shape), 2.0))
    tree = shapely.STRtree(shapes)
    found: list[Door] = []
    near = list(np.flatnonzero(far <= SNAP))
    if free := any(not island[k] for k in near):  # then islands are no streets to it
        near = [k for k in near if not island[k]]
    # A street inside leads nowhere, unless it is the only one.
    near = [k for k in near if not shapely.contains_properly(shape, shapes[k])] or near
    for k in near:
        line, _, _, metres = edges[k]
        closest = shapely.get_coordinates(shapely.shortest_line(shape, line))[:1]
        starts = np.concatenate([closest, rim])
        along = shapely.line_locate_point(line, shapely.points(starts))
        stop = shapely.line_interpolate_point(line, along)
        segment = shapely.linestrings(np.stack([starts, shapely.get_coordinates(stop)], axis=1))
        which, crossed = tree.query(segment, predicate="intersects")
        bars = np.isin(crossed, near) | ~(free & island[crossed])
        blocked = which[bars & (shapely.distance(shapes[crossed], stop[which]) > 1e-6)]
        for n in np.setdiff1d(np.arange(len(starts)), blocked):
            share = along[n] / line.length if line.length else 0.0
            found.append((int(k), float(share * metres), float(shapely.length(segment[n])), n == 0))
    return found


def _door(edges: Any, k: int, point: Any, far: float) -> Door:
    line, _, _, metres = edges[k]
    share = line.project(point) / line.length if line.length else 0.0
    return k, share * metres, far, True


def _way(one: Door, two: Door, edges: Any, way: Any) -> float:
    (k, along, door, _), (other, there, far, _) = one, two
    best = abs(along - there) + door + far if k == other else math.inf
    for start, first in ((edges[k][1], along), (edges[k][2], edges[k][3] - along)):
        for stop, last in ((edges[other][1], there), (edges[other][2], edges[other][3] - there)):
            best = min(best, first + way[start].get(stop, math.inf) + last + door + far)
    return best


def test_whole_layers_are_refused_told_or_right(tmp_path: Path, tries: Any, record: Any) -> None:
    """A layer with anything in it is refused, told of, or measured right, from the check to the map and the file."""
    number = tries(100, 10_000)
    layers, foreign, wrong, leaked = 0, Counter[str](), Counter[str](), Counter[str]()
    first: dict[str, str] = {}
    seed = 0
    while layers < number:
        attempt = Attempt(seed, tmp_path).run()
        layers += attempt.layers
        for counter, faults in ((foreign, attempt.foreign), (wrong, attempt.wrong), (leaked, attempt.leaked)):
            counter.update(faults)
            for fault in faults:
                first.setdefault(fault, f"town {seed}: {', '.join(attempt.applied)}")
        seed += 1
    record(layers, foreign_exceptions=foreign.total(), wrong=wrong.total(), leaked_warnings=leaked.total())
    found = [
        f"{n} × {fault}\n    {first[fault]}" for each in (foreign, wrong, leaked) for fault, n in each.most_common(40)
    ]
    assert not found, "\n".join(found)
