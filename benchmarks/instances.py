"""Published instances of location problems beside the checkout, as `siting` takes them, with the best values known."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import siting as st
from benchmarks import ours
from benchmarks.city import Floats
from benchmarks.data import shared
from benchmarks.measure import AbsentError
from benchmarks.siting_cities import read_graph

__all__ = ["Instance", "instances", "steiner_triples"]

#: Radius of the sphere of the maximal covering family, metres.
SPHERE = 6_378_100
#: Above so many pairs distances are not written out: the points are given instead.
MOST_PAIRS = 30_000_000
#: Optima of p-median and p-center of pmed1 to pmed6, from the OR-Library.
GRAPHS = {"p-median": (5819, 4093, 4250, 3034, 1355, 7824), "p-center": (127, 98, 93, 74, 48, 84)}
#: Columns of the smallest covers of Steiner triple systems by their size.
#: To 45: D. R. Fulkerson, G. L. Nemhauser, L. E. Trotter, 1974; 81: C. Mannino, A. Sassano, 1995; 135 and 243:
#: J. Ostrowski, J. Linderoth, F. Rossi, S. Smriglio, 2011.
STEINER = {9: 5, 15: 9, 27: 18, 45: 30, 81: 61, 135: 103, 243: 198}


@dataclass(frozen=True, eq=False)
class Instance:
    """One problem: the *make* of its arguments, the best value that is known, and how it may differ from ours.

    Attributes
    ----------
    name, family
        As in the papers.
    known
        The best known value, in the unit of the objective; *optimal* when it is said to be.
    make
        Returns objective, reach, demand and rules of `solve`.
    share
        Relative rounding of the known value.
    """

    name: str
    family: str
    known: float
    optimal: bool
    make: Callable[[], tuple[Any, Any, Any, list[Any]]]
    share: float = 1e-9


def instances() -> Iterator[Instance]:
    """Yield all instances of `values.csv` whose files are there, graphs of the OR-Library, and Steiner triples."""
    folder = shared() / "data" / "optimize"
    values = folder / "values.csv"
    if values.is_file():
        for row in pd.read_csv(values).itertuples(index=False):
            path = folder / str(row.file)
            if path.is_file():
                yield _instance(path, row)
    for problem, optima in GRAPHS.items():
        for k, optimum in enumerate(optima, 1):
            path = folder / f"pmed{k}.txt"
            if path.is_file():
                yield Instance(f"pmed{k}", f"{problem}, OR-Library", optimum, True, _of_graph(path, problem))
    for size, least in STEINER.items():
        yield Instance(f"stein{size}", "set cover, Steiner triples", least, True, lambda size=size: _steiner(size))


def _instance(path: Path, row: Any) -> Instance:
    p = 0 if pd.isna(row.p) else int(row.p)
    name = path.stem.removeprefix("tsp_").removeprefix("mclp_") + (f", p = {p}" if p else "")
    kind = str(row.problem).split(",")[0].removesuffix(" floored").removesuffix(" rounded")
    rounded = np.floor if "floored" in row.problem else np.rint if "rounded" in row.problem else None
    makes: dict[str, Callable[[], Any]] = {
        "mclp": lambda: _covering(path, p, float(row.radius)),
        "p-median": lambda: _points(path, "MinTravel", p, rounded),
        "p-center": lambda: _points(path, "MinFarthest", p, rounded),
        "p-dispersion": lambda: _points(path, "MaxSpacing", p, rounded),
        "cflp": lambda: _facilities(path, split=True),
        "sscflp": lambda: _facilities(path, split=False),
        "capacitated p-median": lambda: _capacitated_median(path, p, split="single source" not in row.problem),
        "set cover": lambda: _cover(path),
    }
    rough = {"optimal (rounded)": 2e-3, "optimal (1 decimal)": 1e-5}.get(row.status, 1e-8)
    family = f"{row.problem}, {path.stem.rstrip('0123456789')}"
    return Instance(name, family, float(row.value), row.status != "best known", makes[kind], rough)


def _rule(name: str, *given: object, **asked: object) -> Any:
    try:
        return ours.public(name)(*given, **asked)
    except TypeError as error:
        raise AbsentError(f"siting.{name}: {error}") from None


def _ids(n: int) -> pd.Index:
    return pd.RangeIndex(n)


def _reach(row: Any, column: Any, cost: Floats, n: int, m: int) -> st.Reach:
    order = np.lexsort((column, cost, row))
    limit = float(cost.max(initial=1.0))
    at = (np.asarray(each)[order].astype(np.int32) for each in (row, column))
    return st.Reach(_ids(n), _ids(m), *at, cost[order], limit, "m", how="table")


def _whole(table: Floats) -> st.Reach:
    n, m = table.shape
    row, column = np.divmod(np.arange(n * m), m)
    return _reach(row, column, table.ravel().astype(float), n, m)


def _covering(path: Path, p: int, radius: float) -> tuple[Any, Any, Any, list[Any]]:
    """Read points on the sphere; distances as the published plans count them."""
    table = pd.read_csv(path)
    lat, lon = np.deg2rad(table["lat"].to_numpy()), np.deg2rad(table["lon"].to_numpy())
    parts = []
    for i in range(0, len(table), 500):
        at = slice(i, i + 500)
        cosine = np.cos(lat[at, None]) * np.cos(lat) * np.cos(lon - lon[at, None]) + np.sin(lat[at, None]) * np.sin(lat)
        far = np.arccos(np.clip(cosine, -1, 1)).astype(np.float32) * np.float32(SPHERE)
        far[np.arange(len(far)), np.arange(i, i + len(far))] = 0
        a, b = np.nonzero(far <= np.float32(radius))
        parts.append((a + i, b, far[a, b].astype(float)))
    row, column, cost = (np.concatenate(each) for each in zip(*parts, strict=True))
    reach = _reach(row, column, np.minimum(cost, radius), len(table), len(table))
    demand = pd.Series(table["demand"].to_numpy(float), index=reach.origins)
    return st.MaxCoverage(), reach, demand, [st.AtMost(p)]


def _points(path: Path, objective: str, p: int, rounded: Any) -> tuple[Any, Any, Any, list[Any]]:
    """Read points of the plane, every point a customer and a site; distances rounded as the family says."""
    xy = pd.read_csv(path)[["x", "y"]]
    if objective == "MaxSpacing":  # sites only: each place once
        places = xy.drop_duplicates().reset_index(drop=True)
        between = _whole(_distances(places.to_numpy(float), rounded))
        nobody = pd.Series(1.0, index=between.origins)
        return st.MaxSpacing(between), between, nobody, [_rule("AtLeast", p)]
    demand = pd.Series(1.0, index=_ids(len(xy)))
    if len(xy) ** 2 > MOST_PAIRS:
        exact = (lambda metres: metres) if rounded is None else rounded
        return _rule(objective), _rule("PointReach.from_points", xy, xy, rounded=exact), demand, [st.AtMost(p)]
    return _rule(objective), _whole(_distances(xy.to_numpy(float), rounded)), demand, [st.AtMost(p)]


def _distances(xy: Floats, rounded: Any) -> Floats:
    far = np.hypot(*(np.subtract.outer(xy[:, k], xy[:, k]) for k in (0, 1)))
    return np.asarray(far if rounded is None else rounded(far), float)


def _facilities(path: Path, *, split: bool) -> tuple[Any, Any, Any, list[Any]]:
    """Read capacities and costs of opening, then for each customer its demand and the cost of serving all of it."""
    table = pd.read_csv(path).set_index("row")
    sites = list(table.columns[1:])
    customers = table.drop(index=["capacity", "fixed"])
    weight = customers["demand"].to_numpy(float)
    reach = _whole(customers[sites].to_numpy(float) / np.where(weight > 0, weight, 1.0)[:, None])
    demand = pd.Series(weight, index=reach.origins)
    places, cost = (
        pd.Series(table.loc[key, sites].to_numpy(float), reach.destinations) for key in ("capacity", "fixed")
    )
    return st.MinCost(cost, travel=1.0), reach, demand, [_capacity(places, split=split)]


def _capacitated_median(path: Path, p: int, *, split: bool) -> tuple[Any, Any, Any, list[Any]]:
    """Read points with demand and capacity; the distance, rounded down, counts once a point."""
    table = pd.read_csv(path)
    weight = table["demand"].to_numpy(float)
    reach = _whole(_distances(table[["x", "y"]].to_numpy(float), np.floor) / weight[:, None])
    demand = pd.Series(weight, index=reach.origins)
    places = pd.Series(table["capacity"].to_numpy(float), index=reach.destinations)
    return st.MinTravel(), reach, demand, [st.AtMost(p), _capacity(places, split=split)]


def _capacity(places: pd.Series, *, split: bool) -> Any:
    return st.Capacity(places) if split else _rule("Capacity", places, split=False)


def _cover(path: Path) -> tuple[Any, Any, Any, list[Any]]:
    """Read sets with a cost and the rows that each covers, numbered from 1."""
    table = pd.read_csv(path)
    covers = [row.split() for row in table["covers"]]
    column = np.repeat(np.arange(len(table)), [len(rows) for rows in covers])
    row = np.concatenate(covers).astype(int) - 1
    cost = pd.Series(table["cost"].to_numpy(float), index=_ids(len(table)))
    return _covered(row, column, st.MinCost(cost), len(table))


def _covered(row: Any, column: Any, objective: Any, sites: int) -> tuple[Any, Any, Any, list[Any]]:
    reach = _reach(row, column, np.ones(len(row)), int(row.max()) + 1, sites)
    return objective, reach, pd.Series(1.0, index=reach.origins), [st.Cover(1.0)]


def steiner_triples(size: int) -> list[tuple[int, int, int]]:
    """Return the triples of the system of 3 · 3^k or 15 · 3^k elements that the papers use, made from 3 or 15.

    Three copies of a system of n elements make one of 3 n: the triples of each copy; the three copies of an element;
    and for each triple its elements, one from each copy, in all six orders (Fulkerson, Nemhauser and Trotter, 1974).
    """
    if size == 3:
        return [(0, 1, 2)]
    if size == 15:  # R. C. Bose, 1939: three copies of the numbers modulo 5
        found = [(x, x + 5, x + 10) for x in range(5)]
        for x, y in itertools.combinations(range(5), 2):
            found += [(x + k * 5, y + k * 5, (x + y) * 3 % 5 + (k + 1) % 3 * 5) for k in range(3)]
        return found
    part, found = size // 3, []
    for a, b, c in steiner_triples(part):
        found += [(a + k * part, b + k * part, c + k * part) for k in range(3)]
        found += [(a + i * part, b + j * part, c + k * part) for i, j, k in itertools.permutations(range(3))]
    return found + [(a, a + part, a + 2 * part) for a in range(part)]


def _steiner(size: int) -> tuple[Any, Any, Any, list[Any]]:
    triples = np.array(steiner_triples(size))
    row = np.repeat(np.arange(len(triples)), 3)
    return _covered(row, triples.ravel(), st.MinSites(), size)


def _of_graph(path: Path, problem: str) -> Callable[[], tuple[Any, Any, Any, list[Any]]]:
    def make() -> tuple[Any, Any, Any, list[Any]]:
        paths, p = read_graph(path)
        reach = _whole(paths)
        objective = st.MinTravel() if problem == "p-median" else st.MinFarthest()
        return objective, reach, pd.Series(1.0, index=reach.origins), [st.AtMost(p)]

    return make
