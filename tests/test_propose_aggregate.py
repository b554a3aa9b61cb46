"""Customers merged by the sites they reach: every group counted one by one, and the plans stay the best."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

import siting as st
from siting.propose.candidates.aggregate import merge_demand, merge_reach

Groups = dict[frozenset[object], tuple[float, dict[object, float]]]


def groups_of(reach: st.Reach, demand: pd.Series) -> Groups:
    """What was merged: for each set of sites its demand and its largest distances."""
    sets: list[dict[object, float]] = [{} for _ in reach.origins]
    for origin, destination, cost in zip(reach.origin, reach.destination, reach.cost, strict=True):
        sets[origin][reach.destinations[destination]] = float(cost)
    found = {frozenset(costs): (float(demand.iloc[i]), costs) for i, costs in enumerate(sets)}
    assert len(found) == len(sets)  # no set occurs twice
    return found


def one_by_one(points: np.ndarray, weights: np.ndarray, sites: np.ndarray, metres: float) -> Groups:
    found: Groups = {}
    for point, weight in zip(points, weights, strict=True):
        distance = np.hypot(*(sites - point).T)
        mine = {j: float(d) for j, d in enumerate(distance) if d <= metres * (1 + 1e-9)}
        total, largest = found.get(frozenset(mine), (0.0, {}))
        found[frozenset(mine)] = (total + weight, {j: max(d, largest.get(j, 0.0)) for j, d in mine.items()})
    return found


def same(a: Groups, b: Groups) -> None:
    assert a.keys() == b.keys()
    for key, (weight, costs) in a.items():
        assert weight == pytest.approx(b[key][0])
        assert costs == pytest.approx(b[key][1])


def test_by_hand() -> None:
    """Sites at 0 and 100 m reach 60 m: both reach the middle, and nobody the far end. 60 m is within 60 m."""
    points = [[0, 0], [45, 0], [55, 0], [60, 0], [100, 0], [161, 0]]
    reach, demand = merge_demand(points, [1, 2, 4, 8, 16, 32], [[0, 0], [100, 0]], metres=60)
    assert demand.to_dict() == {"g0001": 1, "g0002": 14, "g0003": 16, "g0004": 32}
    assert groups_of(reach, demand) == {
        frozenset({0}): (1, {0: 0}),
        frozenset({0, 1}): (14, {0: 60, 1: 55}),
        frozenset({1}): (16, {1: 0}),
        frozenset(): (32, {}),
    }
    assert (reach.unit, reach.limit) == ("m", 60)


@pytest.mark.slow
@settings(max_examples=50, deadline=None)
@given(seed=some.integers(0, 10_000), sites=some.integers(1, 90), metres=some.floats(10, 400))
def test_groups_counted_one_by_one(seed: int, sites: int, metres: float) -> None:
    rng = np.random.default_rng(seed)
    places, points = rng.integers(0, 20, (sites, 2)) * 10.0, rng.integers(-5, 25, (60, 2)) * 10.0
    weights = rng.integers(0, 9, 60)
    same(groups_of(*merge_demand(points, weights, places, metres=metres)), one_by_one(points, weights, places, metres))


@pytest.mark.slow
def test_the_table_grows_and_blocks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """4,000 points fall into more sets than the table holds at first; small blocks give the same."""
    rng = np.random.default_rng(1)
    points, sites = rng.uniform(0, 1000, (4000, 2)), rng.uniform(0, 1000, (500, 2))
    reach, demand = merge_demand(points, None, sites, metres=100)
    assert len(demand) > 2048
    assert demand.sum() == 4000
    same(groups_of(reach, demand), one_by_one(points, np.ones(4000), sites, 100))
    monkeypatch.setattr(importlib.import_module("siting.propose.candidates.aggregate"), "AT_ONCE", 1)
    again, other = merge_demand(points, None, sites, metres=100)
    assert other.equals(demand)
    assert again.pairs().equals(reach.pairs())


def test_chunks_layers_and_arrays_are_the_same() -> None:
    rng = np.random.default_rng(2)
    points, weights, sites = rng.uniform(0, 900, (200, 2)), rng.integers(1, 9, 200), rng.uniform(0, 900, (12, 2))
    whole = merge_demand(points, weights, sites, metres=250)

    def chunks() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for begin in range(0, 200, 70):
            yield points[begin : begin + 70], weights[begin : begin + 70]

    layer = gpd.GeoDataFrame(geometry=gpd.points_from_xy(*sites.T), crs=4547)
    homes = gpd.GeoSeries(gpd.points_from_xy(*points.T), crs=4547)
    for found in (
        merge_demand(chunks(), None, sites, metres=250),
        merge_demand(list(chunks()), None, sites, metres=250),
        merge_demand(homes, weights, layer, metres=250),
    ):
        assert found[1].equals(whole[1])
        assert found[0].pairs().equals(whole[0].pairs())
    named = layer.set_index(pd.Index([f"s{j}" for j in range(12)]))
    assert merge_demand(homes, weights, named, metres=250)[0].destinations.tolist() == named.index.tolist()


def test_the_best_plan_stays_the_best() -> None:
    rng = np.random.default_rng(3)
    homes = gpd.GeoDataFrame(geometry=gpd.points_from_xy(*rng.uniform(500_000, 503_000, (2, 300))), crs=4547)
    sites = gpd.GeoDataFrame(geometry=gpd.points_from_xy(*rng.uniform(500_000, 503_000, (2, 25))), crs=4547)
    people = pd.Series(rng.integers(1, 50, 300), index=homes.index)
    reach = st.straight_line(homes, sites, metres=500)
    merged, demand = merge_demand(homes, people, sites, metres=500)
    rules = [st.AtMost(4), st.Existing([0, 1])]
    plain, plan = (st.solve(st.MaxCoverage(), r, demand=d, rules=rules) for r, d in ((reach, people), (merged, demand)))
    assert len(demand) < 300
    assert plain.status == plan.status == "optimal"
    assert plan.objective == plain.objective
    near = np.hypot(*(homes.get_coordinates().to_numpy()[:, None] - sites.get_coordinates().to_numpy()).T).T <= 500
    assert people[near[:, [0, 1, *plan.sites]].any(axis=1)].sum() == plain.objective  # also with all points


def test_parts_of_a_reach_are_the_whole() -> None:
    rng = np.random.default_rng(4)
    homes = gpd.GeoDataFrame(geometry=gpd.points_from_xy(*rng.uniform(500_000, 502_000, (2, 120))), crs=4547)
    sites = gpd.GeoDataFrame(geometry=gpd.points_from_xy(*rng.uniform(500_000, 502_000, (2, 10))), crs=4547)
    people = pd.Series(rng.integers(1, 50, 120), index=homes.index)
    straight = groups_of(*merge_demand(homes, people, sites, metres=600))
    parts = [(st.straight_line(homes.iloc[a : a + 50], sites, metres=600), people) for a in (0, 50, 100)]
    merged, demand = merge_reach((reach, some.loc[reach.origins]) for reach, some in parts)
    found = groups_of(merged, demand)
    assert found.keys() == straight.keys()
    for key, (weight, costs) in found.items():
        assert weight == straight[key][0]
        assert costs == pytest.approx(straight[key][1], abs=0.0006)  # a Reach is in millimetres
    assert merged.how == "straight line, merged"


def test_what_cannot_be_merged() -> None:
    sites = [[0.0, 0.0]]
    with pytest.raises(st.errors.ProblemError, match="metres is 0"):
        merge_demand([[1, 1]], None, sites, metres=0)
    with pytest.raises(st.errors.ProblemError, match='points "1" have a coordinate'):
        merge_demand([[1, 1], [np.nan, 0]], None, sites, metres=50)
    with pytest.raises(st.errors.ProblemError, match='demand is negative or not a number in 1 row: "2"'):
        merge_demand(iter([([[1, 1], [1, 2]], [1, 1]), ([[1, 1]], [-1])]), None, sites, metres=50)
    with pytest.raises(st.errors.ProblemError, match=r"weights have the shape \(1,\)"):
        merge_demand([[1, 1], [1, 2]], [1], sites, metres=50)
    with pytest.raises(st.errors.ProblemError, match="given twice"):
        merge_demand(iter([([[1, 1]], [1])]), [1], sites, metres=50)
    with pytest.raises(st.errors.ProblemError, match="in degrees"):
        merge_demand([[1, 1]], None, gpd.GeoSeries(gpd.points_from_xy([120], [30]), crs=4490), metres=50)
    a, b = (gpd.GeoSeries(gpd.points_from_xy([5e5], [3e6]), crs=crs) for crs in (4547, 4548))
    with pytest.raises(st.errors.ProblemError, match="different projections"):
        merge_demand(a, None, b, metres=50)
    with pytest.raises(st.errors.ProblemError, match="sites is empty"):
        merge_demand([[1, 1]], None, np.zeros((0, 2)), metres=50)
    with pytest.raises(st.errors.ProblemError, match="parts is empty"):
        merge_reach([])
    homes = gpd.GeoDataFrame(geometry=gpd.points_from_xy([5e5], [3e6]), crs=4547)
    parts = [(st.straight_line(homes, homes, metres=m), pd.Series([1])) for m in (100, 200)]
    with pytest.raises(st.errors.ProblemError, match="parts differ"):
        merge_reach(parts)
