"""What is left of a median as a covering problem: its value, its bound, and its tree in the proof of the median."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from scipy.sparse import csr_array

from siting.optimize.control import Control
from siting.optimize.median import median
from siting.optimize.median.interchange import sorted_pairs
from siting.optimize.median.median import solve_median
from siting.optimize.median.median_kernels import FREE
from siting.optimize.median.median_levels import levels_of
from siting.optimize.model import Model
from siting.optimize.proof import bound_of
from siting.optimize.solution import Solution


def model(
    table: np.ndarray, *, value: object = 0.0, high: float | None = None, lower: object = 0.0, upper: object = 1.0
) -> Model:
    """All of *table* serve everybody, which they must; at most *high* open."""
    n, m = table.shape
    value, lower, upper = (np.broadcast_to(np.asarray(each, float), m).copy() for each in (value, lower, upper))
    limited = int(high is not None)
    return Model(
        benefit=csr_array((table.ravel().astype(float), np.tile(np.arange(m), n), np.arange(0, n * m + 1, m)), (n, m)),
        value=value,
        rows=csr_array(np.ones((limited, m))),
        low=np.full(limited, -np.inf),
        high=np.full(limited, high or 0.0),
        lower=lower,
        upper=upper,
        shares=csr_array((0, n)),
        wanted=np.zeros(0),
        must=np.ones(n, bool),
        grain=1.0,
    )


def distances(seed: int, n: int, m: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    a, b = rng.uniform(0, 100, (n, 2)), rng.uniform(0, 100, (m, 2))
    return np.floor(np.sqrt(((a[:, None] - b) ** 2).sum(axis=2)))


def at_once(monkeypatch: pytest.MonkeyPatch, problem: Model) -> tuple[Solution, list[int]]:
    """Solve with levels instead of a tree; return the sizes of the covering problems."""
    sizes: list[int] = []
    inner = median.levels_of

    def seen(*arguments: object, **more: object) -> object:
        found = inner(*arguments, **more)
        sizes.append(0 if found is None else len(found.need))
        return found

    monkeypatch.setattr(median, "PROGRESS", {0: 2.0})
    monkeypatch.setattr(median, "levels_of", seen)
    monkeypatch.setattr(median, "LEG", 4)
    monkeypatch.setattr(median, "ROOT_ROUNDS", 4)
    return solve_median(problem, Control()), sizes


@pytest.mark.parametrize("seed", range(6))
def test_equals_enumeration(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With prices that are far from good, so that much is left."""
    cost, p = distances(seed, 14, 9), 2 + seed % 3
    weight = np.random.default_rng(seed).integers(1, 5, 14)
    problem = model(-cost * weight[:, None], high=p)
    best = min(float(weight @ cost[:, list(s)].min(axis=1)) for s in itertools.combinations(range(9), p))
    found, _ = at_once(monkeypatch, problem)
    assert (found.value, found.bound, found.status) == (-best, -best, "optimal")
    assert -best <= bound_of(problem, found.proof) < -best + 1


def test_levels_are_searched_and_proven(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = model(-distances(3, 120, 60), high=9)
    plain = solve_median(problem, Control())
    found, sizes = at_once(monkeypatch, problem)
    assert sizes
    assert sizes[0] > 0
    assert (found.value, found.status) == (plain.value, "optimal")
    assert found.value <= bound_of(problem, found.proof) < found.value + 1
    # What the tree's prices prove, others do not.
    assert bound_of(problem, replace(found.proof, v=found.proof.v - 1)) > found.value + 1


@pytest.mark.parametrize("seed", range(4))
def test_columns_that_cost_and_columns_that_are_decided(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    cost, rng = distances(seed, 30, 12), np.random.default_rng(seed)
    price = rng.integers(20, 60, 12).astype(float)
    lower, upper = (np.arange(12) == 0).astype(float), (np.arange(12) != 1).astype(float)
    problem = model(-cost, value=-price, lower=lower, upper=upper)
    sets = (s for k in range(11) for s in itertools.combinations(range(2, 12), k))
    best = min(float(cost[:, [0, *s]].min(axis=1).sum() + price[[0, *s]].sum()) for s in sets)
    found, _ = at_once(monkeypatch, problem)
    assert (found.value, found.status) == (-best, "optimal")
    assert -best <= bound_of(problem, found.proof) < -best + 1


@given(some.integers(0, 10**6))
@settings(max_examples=30)
def test_levels_count_what_the_benefits_count(seed: int) -> None:
    """Above the thresholds every set of columns is worth the same in both problems."""
    rng = np.random.default_rng(seed)
    table = -rng.integers(0, 12, (8, 5)).astype(float)
    pairs = sorted_pairs(model(table).benefit, np.full(5, FREE, np.int8))
    price, slack = table.max(axis=1) - rng.uniform(0, 4, 8), float(rng.uniform(0, 6))
    levels = levels_of(
        pairs, np.full(8, -50.0), price, slack, np.zeros(5), np.ones(5, bool), 2, grain=1.0, constant=0.0, seconds=9.0
    )  # fmt: skip
    assert levels is not None
    assert (levels.threshold <= price - slack).all()
    for plan in itertools.product([False, True], repeat=5):
        x = np.array(plan)
        worth = np.where(x, table, -np.inf).max(axis=1)
        assert levels.model.objective(x) == pytest.approx(np.maximum(worth, levels.threshold).sum())


def test_too_large_problems_are_left_to_the_tree() -> None:
    table = -distances(1, 40, 30)
    pairs = sorted_pairs(model(table).benefit, np.full(30, FREE, np.int8))
    given_ = (pairs, np.full(40, -500.0), np.full(40, -90.0), 9.0, np.zeros(30), np.ones(30, bool), 3)
    assert levels_of(*given_, grain=1.0, constant=0.0, seconds=9.0) is not None
    assert levels_of(*given_, grain=1.0, constant=0.0, seconds=1e-6) is None


@pytest.mark.parametrize(("p", "optimum"), [(100, 491_639), (300, 177_326)])
def test_rl1304(shared_data: Path, p: int, optimum: int) -> None:
    """Distances rounded down; values of Duran-Mateluna, Alès and Elloumi 2023, table 2."""
    file = shared_data / "optimize" / "tsp_rl1304.csv"
    if not file.is_file():
        pytest.skip("NOT TESTED on rl1304: ../shared/data/optimize is not there")
    xy = pd.read_csv(file).to_numpy(float)
    cost = np.floor(np.sqrt(((xy[:, None] - xy) ** 2).sum(axis=2)))
    problem = model(-cost, high=p)
    found = solve_median(problem, Control())
    assert (found.value, found.bound, found.status) == (-optimum, -optimum, "optimal")
    assert -optimum <= bound_of(problem, found.proof) < 1 - optimum


def test_levels_offer_no_plan_that_leaves_somebody_unserved(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is not served counts as at the threshold: a plan without them is as good there as the best, by a tie."""
    for name in ("ROOT_ROUNDS", "LEG", "NODE_ROUNDS", "DIVE_ROUNDS"):
        monkeypatch.setattr(median, name, {"NODE_ROUNDS": 2, "DIVE_ROUNDS": 1}.get(name, 3))
    monkeypatch.setattr(median, "PROGRESS", {4: 0.9})
    benefit = csr_array((
        np.array([-8.0, -8, -4, -6, -9, -9, 0]), np.array([0, 1, 0, 1, 1, 1, 2]), np.array([0, 1, 2, 4, 5, 7])
    ), (5, 3))  # fmt: skip
    problem = replace(model(np.zeros((5, 3)), high=2), benefit=benefit, grain=0.0)
    found = solve_median(problem, Control())
    assert (found.value, found.status) == (-38, "optimal")
    assert found.x is not None
    assert found.x.tolist() == [True, True, False]
