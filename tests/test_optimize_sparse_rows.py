"""Rows of sparse arrays, by hand-made numbers."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from siting.optimize.solution import floored, is_proven
from siting.optimize.sparse_rows import (
    entries_of,
    keep_entries,
    largest_entry,
    number_rows,
    row_max,
    row_of_entries,
    same_along_row,
    scaled_rows,
    transposed,
    with_data,
)

#: Three rows: 2 and -5, none, and 3 twice.
ROWS = csr_array((np.array([2.0, -5.0, 3.0, 3.0]), np.array([0, 2, 1, 2]), np.array([0, 2, 2, 4])), shape=(3, 3))


def test_rows_and_entries() -> None:
    assert row_of_entries(ROWS).tolist() == [0, 0, 2, 2]
    assert entries_of(ROWS, 0).tolist() == [0, 2]
    assert entries_of(ROWS, 1).tolist() == []


def test_the_largest_of_a_row() -> None:
    assert row_max(ROWS, ROWS.data).tolist() == [2, 0, 3]
    assert row_max(ROWS, -ROWS.data, empty=-np.inf).tolist() == [5, -np.inf, -3]
    assert largest_entry(ROWS).tolist() == [5, 0, 3]
    assert largest_entry(ROWS, zero=1.0).tolist() == [5, 1, 3]
    assert same_along_row(ROWS).tolist() == [False, True, True]


def test_other_values_and_fewer_entries() -> None:
    assert with_data(ROWS, np.arange(4.0)).toarray().tolist() == [[0, 0, 1], [0, 0, 0], [0, 2, 3]]
    assert scaled_rows(ROWS, np.array([2.0, 9.0, 0.5])).toarray().tolist() == [[4, 0, -10], [0, 0, 0], [0, 1.5, 1.5]]
    kept = keep_entries(ROWS, ROWS.data > 2)
    assert (kept.indptr.tolist(), kept.indices.tolist()) == ([0, 0, 0, 2], [1, 2])
    turned = transposed(ROWS)
    assert turned.toarray().tolist() == ROWS.toarray().T.tolist()
    assert turned.has_sorted_indices


def test_equal_rows_have_one_number() -> None:
    rows = csr_array(np.array([[1.0, 0, 2], [0, 1, 0], [1, 0, 2], [1, 0, 3]]))
    assert number_rows(rows).tolist() == [0, 1, 0, 2]


def test_when_a_bound_proves_a_value() -> None:
    """With a grain of 5 a bound of 14.9 is one of 10; without one it is 14.9."""
    assert (floored(14.9, 5.0), floored(14.9, 0.0), floored(np.inf, 5.0)) == (10, 14.9, np.inf)
    assert floored(15 - 1e-7, 5.0) == 15
    assert is_proven(10, 14.9, 5.0)
    assert not is_proven(10, 15, 5.0)
    assert is_proven(10, 10 + 1e-9, 0.0)
    assert not is_proven(10, 10.1, 0.0)
