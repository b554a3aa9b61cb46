"""Sites far from each other: all plans tried on small ones, and points in a row by hand."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from scipy.sparse import csr_array

from siting.optimize.center.dispersion import all_distances, smallest_distance, solve_dispersion
from siting.optimize.center.dispersion_kernels import split_groups
from siting.optimize.center.far_groups import FarGroups, FarSolution, bound_by_groups, solve_by_groups
from siting.optimize.control import Control


def pairs_of(places: np.ndarray, limit: float = np.inf) -> csr_array:
    """All pairs up to *limit*; places are in a plane."""
    distance = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))
    row, column = np.nonzero((distance <= limit) & ~np.eye(len(places), dtype=bool))
    return csr_array((distance[row, column], (row, column)), shape=distance.shape)


def row(*x: float) -> np.ndarray:
    return np.column_stack([x, np.zeros(len(x))])


def free(m: int) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros(m), np.ones(m)


def test_points_in_a_row() -> None:
    """0, 1, 4, 9, 10: two are 10 apart, three 4 (0, 4, 9 or 10), four 1 … of 0, 4, 9 only 1 and 10 remain."""
    pairs = pairs_of(row(0, 1, 4, 9, 10))
    for p, far in ((2, 10), (3, 4), (4, 1), (5, 1)):
        found = solve_dispersion(pairs, *free(5), p, p, Control())
        assert (found.status, found.value, found.bound) == ("optimal", far, far)
        assert found.x is not None
        assert found.x.sum() == p
        assert smallest_distance(pairs, found.x) == far


def test_sites_that_must_open_or_cannot() -> None:
    pairs = pairs_of(row(0, 1, 4, 9, 10))
    found = solve_dispersion(pairs, np.array([0, 1.0, 0, 0, 0]), np.array([1, 1, 1, 1, 0.0]), 3, 3, Control())
    assert found.x is not None
    assert found.x.tolist() == [False, True, True, True, False]
    assert found.value == 3
    both = solve_dispersion(pairs, np.array([1, 1.0, 0, 0, 0]), np.ones(5), 3, None, Control())
    assert (both.status, both.value, both.bound) == ("optimal", 1, 1)


def test_far_from_all_is_infinitely_far() -> None:
    """Only pairs up to 3 are known: 0 or 1, 4 and 9 or 10 are farther apart."""
    pairs = pairs_of(row(0, 1, 4.5, 9, 10), limit=3)
    found = solve_dispersion(pairs, *free(5), 3, 3, Control())
    assert (found.status, found.value, found.bound) == ("optimal", np.inf, np.inf)
    assert solve_dispersion(pairs, *free(5), 4, 4, Control()).value == 1


def test_too_few_or_too_many() -> None:
    pairs = pairs_of(row(0, 1, 4))
    assert solve_dispersion(pairs, *free(3), 4, None, Control()).status == "infeasible"
    assert solve_dispersion(pairs, *free(3), 3, 2, Control()).status == "infeasible"
    assert solve_dispersion(pairs, np.ones(3), np.array([1, 1, 0.0]), 1, None, Control()).status == "infeasible"
    one = solve_dispersion(pairs, *free(3), 1, 1, Control())
    assert (one.value, one.bound) == (np.inf, np.inf)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(seed=some.integers(0, 10_000), p=some.integers(1, 6), must=some.integers(0, 2), limit=some.sampled_from([4, 99]))
def test_all_plans_tried(seed: int, p: int, must: int, limit: float) -> None:
    rng = np.random.default_rng(seed)
    pairs = pairs_of(rng.integers(0, 10, (9, 2)) * 1.0, limit)
    lower, upper = np.zeros(9), np.ones(9)
    lower[:must] = 1
    upper[8] = seed % 2
    plans = [np.isin(np.arange(9), plan) for plan in itertools.combinations(range(9), max(p, must))]
    values = [smallest_distance(pairs, x) for x in plans if (x >= lower).all() and (x <= upper).all()]
    found = solve_dispersion(pairs, lower, upper, p, None, Control())
    assert found.status == "optimal"
    assert found.value == found.bound == max(values)
    assert found.x is not None
    assert smallest_distance(pairs, found.x) == found.value
    assert isinstance(found, FarSolution)
    assert bound_by_groups(all_distances(pairs), lower, upper, p, found.groups) == found.value
    with pytest.MonkeyPatch.context() as patch:  # the search without all distances at once
        patch.setattr("siting.optimize.center.dispersion.MOST", 0)
        other = solve_dispersion(pairs, lower, upper, p, None, Control())
    assert (other.status, other.value, other.bound) == ("optimal", found.value, found.value)


def test_groups_that_are_tampered_with_prove_nothing() -> None:
    """Ten places in a row, 0 to 9: three are at most 4 apart, for there are groups 0-4 and 5-9, and so two."""
    distance = all_distances(pairs_of(row(*range(10))))
    halves, both = np.repeat([0, 1], 5).astype(np.int32), np.arange(2, dtype=np.int32)
    none, every = free(10)
    assert bound_by_groups(distance, none, every, 3, FarGroups(4.0, ((halves, both),))) == 4
    assert bound_by_groups(distance, none, every, 2, FarGroups(4.0, ((halves, both),))) == np.inf  # two may be
    assert bound_by_groups(distance, none, every, 3, FarGroups(3.0, ((halves, both),))) == np.inf  # 0 and 4: a group
    assert bound_by_groups(distance, none, every, 3, FarGroups(4.0, ((halves, both[:1]),))) == np.inf  # 5-9 is left
    some_out = np.where(np.arange(10) == 3, -1, halves).astype(np.int32)
    assert bound_by_groups(distance, none, every, 3, FarGroups(4.0, ((some_out, both),))) == np.inf  # 3 may open
    barred = np.where(np.arange(10) == 3, 0.0, 1.0)
    assert bound_by_groups(distance, none, barred, 3, FarGroups(4.0, ((some_out, both),))) == 4
    assert bound_by_groups(distance, none, every, 3, None) == np.inf
    found = solve_dispersion(pairs_of(row(*range(10))), none, every, 3, 3, Control())
    assert (found.value, found.bound) == (4, 4)


@pytest.mark.parametrize(("p", "apart"), [(5, 971), (10, 558)])
def test_rwanda(shared_data: Path, p: int, apart: int) -> None:
    """866 places of Rwanda, distances rounded: the optima of Contardo 2020."""
    table = pd.read_csv(shared_data / "optimize" / "tsp_rw1621.csv").drop_duplicates()
    distance = np.rint(all_distances(pairs_of(table.to_numpy(float))))
    found = solve_by_groups(distance, *free(len(distance)), p, Control())
    assert (found.status, found.value, found.bound) == ("optimal", apart, apart)
    assert bound_by_groups(distance, *free(len(distance)), p, found.groups) == apart


@pytest.mark.parametrize(("p", "apart"), [(15, 407), (20, 339)])
def test_rwanda_within_seconds(shared_data: Path, p: int, apart: int) -> None:
    """The published distances without their proof, and a bound within a tenth."""
    table = pd.read_csv(shared_data / "optimize" / "tsp_rw1621.csv").drop_duplicates()
    distance = np.rint(all_distances(pairs_of(table.to_numpy(float))))
    found = solve_by_groups(distance, *free(len(distance)), p, Control(gap=0.1))
    assert found.value == apart
    assert apart <= bound_by_groups(distance, *free(len(distance)), p, found.groups) == found.bound <= 1.12 * apart


def test_a_town_needs_the_solver() -> None:
    """No plan of 12 of 60 is better: the bound is proven, and without time it stays above."""
    pairs = pairs_of(np.random.default_rng(5).uniform(0, 10, (60, 2)))
    found = solve_dispersion(pairs, *free(60), 12, 12, Control())
    assert found.status == "optimal"
    assert found.value == found.bound
    stopped = solve_dispersion(pairs, *free(60), 12, 12, Control(time_limit=0))
    assert stopped.status == "time_limit"
    assert stopped.value <= found.value <= stopped.bound


def test_distances_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="not symmetric"):
        solve_dispersion(csr_array(np.array([[0, 1.0], [2, 0]])), *free(2), 1, 1, Control())
    with pytest.raises(ValueError, match="no number"):
        solve_dispersion(csr_array(np.array([[0, np.nan], [np.nan, 0]])), *free(2), 1, 1, Control())
    with pytest.raises(ValueError, match="shape"):
        solve_dispersion(csr_array((3, 3)), *free(2), 1, 1, Control())


def test_a_group_whose_first_is_apart_from_none_is_split_all_the_same() -> None:
    """1 and 2 are 5 apart, 0 from neither: distances of a table need not keep the triangle inequality."""
    distance = np.zeros((3, 3))
    distance[1, 2] = distance[2, 1] = 5.0
    pieces = np.zeros(3, np.int64)
    assert split_groups(distance, np.zeros(3, np.int64), np.ones(1, bool), pieces) == 2
    assert pieces.tolist() == [0, 1, 1]
    pairs = csr_array(np.array([
        [0, 2, 3, 2, 2, 3, 2, 9, 3], [2, 0, 1, 3, 9, 9, 3, 9, 1], [3, 1, 0, 3, 9, 3, 9, 9, 1],
        [2, 3, 3, 0, 1, 1, 2, 2, 3], [2, 9, 9, 1, 0, 3, 3, 2, 1], [3, 9, 3, 1, 3, 0, 3, 3, 2],
        [2, 3, 9, 2, 3, 3, 0, 2, 9], [9, 9, 9, 2, 2, 3, 2, 0, 2], [3, 1, 1, 3, 1, 2, 9, 2, 0],
    ], float))  # fmt: skip
    pairs.data[pairs.data == 9] = 0.0
    found = solve_dispersion(pairs, *free(9), 7, None, Control())
    assert (found.status, found.value, found.bound) == ("optimal", 0, 0)
