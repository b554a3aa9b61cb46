"""Ends of lines closer than 1 mm are one place: an oracle, and cases by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from hypothesis.extra.numpy import arrays
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from siting.network.end_points import SAME, by_level, join_points


def oracle(xy: Any) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Join by a tree of points and the components of the graph of near pairs."""
    spots, spot = np.unique(xy + 0.0, axis=0, return_inverse=True)
    near = KDTree(spots).query_pairs(SAME, output_type="ndarray")
    links = coo_array((np.ones(len(near), np.int8), (near[:, 0], near[:, 1])), shape=(len(spots),) * 2)
    _, joined = connected_components(links, directed=False)
    first = np.unique(joined, return_index=True)[1]
    corner, number = np.unique(first, return_inverse=True)
    return spots[corner], number[joined][spot.ravel()]


GRID = some.integers(-40, 40)
#: Steps of 0.2 mm and of 16 mm, which are the squares that points are looked up in, and far ones.
SPOTS = some.tuples(
    some.sampled_from([0.0, 0.015984, -0.015984, 100.0, 500_000.0]), some.sampled_from([0.0, 0.015984, 3_210_000.0])
)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(some.lists(some.tuples(SPOTS, GRID, GRID, some.sampled_from([0.0002, 0.0005, 0.001])), min_size=1, max_size=60))
def test_points_are_joined_as_by_the_oracle(points: list[Any]) -> None:
    xy = np.array([[x + i * step, y + j * step] for (x, y), i, j, step in points])
    places, place = join_points(xy)
    expected, number = oracle(xy)
    assert np.array_equal(places, expected)
    assert np.array_equal(place, number)


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(arrays(float, (20, 2), elements=some.floats(-1e7, 1e7)), some.lists(some.integers(0, 19), min_size=1))
def test_points_anywhere(xy: Any, rows: list[int]) -> None:
    places, place = join_points(xy[rows])
    expected, number = oracle(xy[rows])
    assert np.array_equal(places, expected)
    assert np.array_equal(place, number)


def test_a_chain_of_points_is_one_place() -> None:
    """Each is 0.9 mm from the next, 9 cm in all; the place is that of the most western."""
    xy = np.column_stack([5.0 + 0.0009 * np.arange(100), np.full(100, 7.0)])
    places, place = join_points(xy[::-1])
    assert places.tolist() == [[5.0, 7.0]]
    assert (place == 0).all()


def test_no_points() -> None:
    places, place = join_points(np.empty((0, 2)))
    assert places.shape == (0, 2)
    assert place.shape == (0,)


@pytest.mark.parametrize(
    ("heights", "groups"),
    [
        ([0.0, 3.0, 6.0], [0, 0, 0]),  # each within 3 m of the next
        ([0.0, 3.1, 6.0], [0, 1, 1]),
        ([9.0, 0.0, np.nan], [1, 0, 0]),
        ([np.nan, np.nan, 5.0], [0, 0, 0]),
        ([20.0, 10.0, 0.0], [2, 1, 0]),
    ],
)
def test_levels(heights: list[float], groups: list[int]) -> None:
    """Three lines start at one place and end far away from each other, on the level."""
    xy, place = np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [3.0, 0.0]]), np.array([0, 0, 0, 1, 2, 3])
    found, number = by_level(xy, place, np.array([*heights, *heights]), pd.Index(["a", "b", "c"]))
    assert number[3:].tolist() == [1, 2, 3]
    assert len(found) == 4 + max(groups)
    assert (found[4:] == 0).all()
    assert np.where(number[:3] >= 4, number[:3] - 3, number[:3]).tolist() == groups
