"""The p-center engine against enumeration and published optima."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import shortest_path

from siting.optimize.center.center import TableDistances, solve_center
from siting.optimize.center.client_growth import GrownCenter, bound_of_grown, question_of, solve_growing
from siting.optimize.control import Control, Progress
from siting.optimize.proof import Proof


def pairs(table: np.ndarray) -> csr_array:
    """Pairs of a table of needs × columns, NaN where a column is out of reach; zeros are stored."""
    there = ~np.isnan(table)
    indptr = np.concatenate([[0], np.cumsum(there.sum(axis=1))])
    return csr_array((table[there], np.nonzero(there)[1], indptr), shape=table.shape)


def best(table: np.ndarray, lower: np.ndarray, upper: np.ndarray, most: int) -> float:
    """The smallest largest distance by trying all plans; infinite when none serves all."""
    farthest = [math.inf]
    for plan in itertools.product((0, 1), repeat=table.shape[1]):
        x = np.array(plan)
        if (x >= lower).all() and (x <= upper).all() and x.sum() - lower.sum() <= most:
            farthest.append(np.where((x == 1) & ~np.isnan(table), table, math.inf).min(axis=1, initial=math.inf).max())
    return min(farthest)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_equals_enumeration(seed: int) -> None:
    random = np.random.default_rng(seed)
    n, m = random.integers(1, 10), random.integers(1, 8)
    table = random.integers(0, 12, (n, m)).astype(float)
    table[random.random((n, m)) < random.choice([0, 0.4])] = np.nan
    state = random.choice([0, 1, 2], m, p=[0.1, 0.1, 0.8])
    lower, upper, most = (state == 1).astype(float), (state > 0).astype(float), int(random.integers(0, m + 1))
    found = solve_center(pairs(table), lower, upper, most, Control())
    want = best(table, lower, upper, most)
    if math.isinf(want):
        assert (found.status, found.x, found.value) == ("infeasible", None, -math.inf)
        return
    assert (found.status, found.value, found.bound) == ("optimal", -want, -want)
    opened = np.where(found.x & ~np.isnan(table), table, math.inf).min(axis=1).max()
    assert opened == want
    assert (found.x >= lower).all()
    assert (found.x <= upper).all()
    assert found.x.sum() - lower.sum() <= most


def test_four_places_on_a_line() -> None:
    """Places at 0, 2, 10 and 13: one column at 10 leaves 10; two leave 3, one of 0 and 2 with one of 10 and 13."""
    at = np.array([0.0, 2.0, 10.0, 13.0])
    table, none, all_ = np.abs(at[:, None] - at), np.zeros(4), np.ones(4)
    assert solve_center(pairs(table), none, all_, 1, Control()).value == -10.0
    two = solve_center(pairs(table), none, all_, 2, Control())
    assert (two.value, two.bound) == (-3.0, -3.0)
    must = solve_center(pairs(table), np.array([0.0, 0, 0, 1]), all_, 1, Control())
    assert (must.value, must.x[3]) == (-3.0, True)
    assert solve_center(pairs(table), none, all_, 4, Control()).value == 0.0


@pytest.mark.parametrize(("number", "optimum"), [(1, 127), (2, 98), (3, 93), (4, 74), (5, 48), (6, 84)])
def test_or_library(shared_data: Path, number: int, optimum: int) -> None:
    text = (shared_data / "optimize" / f"pmed{number}.txt").read_text(encoding="utf-8")
    n, _, p, *edges = map(int, text.split())
    graph = np.zeros((n, n))
    for i, j, length in zip(edges[::3], edges[1::3], edges[2::3], strict=True):
        graph[i - 1, j - 1] = graph[j - 1, i - 1] = length
    told: list[Progress] = []
    control = Control(progress=told.append)
    found = solve_center(pairs(shortest_path(graph, directed=False)), np.zeros(n), np.ones(n), p, control)
    assert (found.status, found.value, found.bound) == ("optimal", -optimum, -optimum)
    assert all(each.value is None or each.bound is None or each.value <= each.bound for each in told)


def test_stops_with_what_it_has() -> None:
    random = np.random.default_rng(1)
    at = random.uniform(0, 100, (60, 2))
    table = np.hypot(*(at[:, None] - at).transpose(2, 0, 1))
    optimum = solve_center(pairs(table), np.zeros(60), np.ones(60), 5, Control()).value
    late = solve_center(pairs(table), np.zeros(60), np.ones(60), 5, Control(time_limit=0))
    assert late.status == "time_limit"
    assert late.x is not None
    assert late.x.sum() == 5
    assert optimum <= late.bound <= 0
    assert 3 * optimum <= late.value < optimum  # the farthest first: at most three times the optimum
    near = solve_center(pairs(table), np.zeros(60), np.ones(60), 5, Control(gap=0.9))
    assert near.status == "feasible"
    assert near.value <= optimum <= near.bound


def test_no_needs_and_wrong_input() -> None:
    nothing = solve_center(csr_array((0, 2)), np.zeros(2), np.ones(2), 1, Control())
    assert (nothing.value, nothing.status) == (0.0, "optimal")
    one = csr_array(np.ones((1, 2)))
    with pytest.raises(ValueError, match="finite"):
        solve_center(-one, np.zeros(2), np.ones(2), 1, Control())
    with pytest.raises(ValueError, match="2 columns"):
        solve_center(one, np.zeros(3), np.ones(2), 1, Control())


def between(places: np.ndarray) -> np.ndarray:
    return np.hypot(*(places[:, None] - places).transpose(2, 0, 1))


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 10**6))
def test_few_clients_equal_enumeration(seed: int) -> None:
    """Ties, columns that must or cannot open, absent pairs; what is proven is what follows from the clients held."""
    random = np.random.default_rng(seed)
    n, m = random.integers(1, 14), random.integers(1, 8)
    table = random.integers(0, 12, (n, m)).astype(float)
    table[random.random((n, m)) < random.choice([0, 0.2])] = np.nan
    state = random.choice([0, 1, 2], m, p=[0.1, 0.1, 0.8])
    lower, upper, most = (state == 1).astype(float), (state > 0).astype(float), int(random.integers(0, m + 1))
    distances = TableDistances(pairs(np.where(upper > 0.5, table, np.nan)))
    found = solve_growing(distances, lower, upper, most, Control())
    want = best(table, lower, upper, most)
    if found.x is None:  # the farthest first did not serve all, which proves nothing
        assert found.value == -math.inf
        assert -found.bound <= want
        return
    assert (found.status, found.value, found.bound) == ("optimal", -want, -want)
    opened = np.where(found.x & ~np.isnan(table), table, math.inf).min(axis=1).max()
    assert opened == want
    assert (found.x >= lower).all()
    assert (found.x <= upper).all()
    assert found.x.sum() - lower.sum() <= most
    assert bound_of_grown(distances, lower, upper, most, found) == want


def test_clients_that_decide() -> None:
    """Homes at 0, 1, …, 9 and 100: with two sites 100 takes one, and 0 and 9 leave 4 or 5 from the other's middle."""
    at = np.array([*range(10), 100.0])
    distances = TableDistances(pairs(np.abs(at[:, None] - at)))
    found = solve_growing(distances, np.zeros(11), np.ones(11), 2, Control())
    assert (found.value, found.bound, found.status) == (-5.0, -5.0, "optimal")
    assert len(found.held) < 11
    # clients 0, 9 and 100: nobody serves two of them within 4, which takes three sites
    question, cover = question_of(distances.rows(np.array([0, 9, 10])), 4.0, np.zeros(11), np.ones(11))
    assert cover.within.toarray().tolist() == np.eye(3).tolist() or cover.within.sum() == 3
    assert question.must.all()
    # within 5 the middle serves 0 and 9
    assert question_of(distances.rows(np.array([0, 9, 10])), 5.0, np.zeros(11), np.ones(11))[1].within.shape == (2, 2)


def test_a_proof_that_is_tampered_with_proves_less() -> None:
    table = between(np.random.default_rng(4).uniform(0, 100, (80, 2)))
    none, every = np.zeros(80), np.ones(80)
    distances = TableDistances(pairs(table))
    found = solve_growing(distances, none, every, 5, Control())
    assert found.proof is not None
    assert bound_of_grown(distances, none, every, 5, found) == -found.value
    for wrong in (
        replace(found, proof=replace(found.proof, v=found.proof.v * 0.5)),
        replace(found, proof=replace(found.proof, v=-found.proof.v)),
        replace(found, proof=None),
        replace(found, ruled=found.ruled - 1),  # another question
        replace(found, limit=float(table.max())),
    ):
        assert bound_of_grown(distances, none, every, 5, wrong) < -found.value
    assert bound_of_grown(distances, none, every, 6, found) < -found.value  # of five sites it says nothing about six


def test_growth_stops_with_what_it_has() -> None:
    table = between(np.random.default_rng(1).uniform(0, 100, (150, 2)))
    none, every, distances = np.zeros(150), np.ones(150), TableDistances(pairs(table))
    optimum = solve_growing(distances, none, every, 8, Control()).value
    late = solve_growing(distances, none, every, 8, Control(time_limit=0))
    assert late.status == "time_limit"
    assert 2 * optimum <= late.value < optimum <= late.bound <= 0
    assert bound_of_grown(distances, none, every, 8, late) == -late.bound


@pytest.mark.parametrize(
    ("name", "p", "radius"),
    [
        ("pr226", 5, 3720.5510), ("pr226", 10, 2326.4780), ("pr226", 20, 1365.6500),
        ("pr264", 5, 1610.1242), ("pr264", 10, 850), ("pr264", 20, 514.7815),
    ],
)  # fmt: skip
def test_published_radii(shared_data: Path, name: str, p: int, radius: float) -> None:
    """Every point a client and a site: TSPLIB (Reinelt 1991), radii of Pullan 2008, unrounded."""
    table = pd.read_csv(shared_data / "optimize" / f"tsp_{name}.csv")
    places = table[["x", "y"]].to_numpy(float)
    n = len(places)
    found = solve_center(pairs(between(places)), np.zeros(n), np.ones(n), p, Control())
    assert isinstance(found, GrownCenter)
    assert (found.status, round(-found.value, 4), round(-found.bound, 4)) == ("optimal", radius, radius)
    assert bound_of_grown(TableDistances(pairs(between(places))), np.zeros(n), np.ones(n), p, found) == -found.value


def test_a_distance_that_is_longer_by_rounding_errors_counts_as_no_longer() -> None:
    """One site serves both within 100; that 1e-10 more is the next distance would rule it out."""
    distance = np.array([[100.0, 200.0], [100.0 + 1e-10, 200.0]])
    lower, upper = np.zeros(2), np.ones(2)
    model, cover = question_of(distance, 100.0, lower, upper)
    assert (np.diff(model.benefit.indptr) > 0).all()
    assert cover.columns.tolist() == [0]
    held: Any = {"held": np.arange(2), "ruled": 2, "limit": 100.0}
    for size in (1, 2):
        alone = Proof.at_root(-4.0 * (np.arange(size) == size - 1), np.zeros(0), np.zeros(0))
        found = GrownCenter(None, -math.inf, -100.0, "feasible", "by hand", alone, **held)
        bounds = [bound_of_grown(TableDistances(pairs(distance)), lower, upper, 1, found)]
        bounds.append(bound_of_grown(TableDistances(pairs(distance)), lower, upper, 1, replace(found, limit=math.nan)))
        assert bounds == [100.0 + 1e-10] * 2  # to the nearest site of the farther one, whatever the limit


def test_who_is_far_from_every_site_is_held() -> None:
    """The fourth is 4 from the nearest site, which proves the plan; others that are farther now need not be held."""
    table = np.array([
        [5, 1, 8, 1, 8], [2, 4, 1, 8, 1], [1, 1, 4, 9, 4], [5, 5, 4, 5, 4], [1, 1, 4, 9, 4],
        [0, 2, 1, 10, 1], [2, 4, 1, 8, 1], [13, 5, 18, 1, 18], [2, 4, 1, 8, 1], [1, 1, 4, 9, 4],
    ], float)  # fmt: skip
    lower, upper = np.array([0.0, 0, 1, 0, 0]), np.ones(5)
    found = solve_center(pairs(table), lower, upper, 1, Control())
    assert isinstance(found, GrownCenter)
    assert (found.value, found.status) == (-4, "optimal")
    assert bound_of_grown(TableDistances(pairs(table)), lower, upper, 1, found) == 4
