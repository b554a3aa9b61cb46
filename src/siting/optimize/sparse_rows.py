"""Rows of sparse arrays (CSR): what SciPy lacks, as plain array operations."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from siting.numbers import Bools, Floats, Ints, Positions

__all__ = [
    "entries_of", "keep_entries", "largest_entry", "number_rows", "row_max", "row_of_entries", "same_along_row",
    "scaled_rows", "transposed", "with_data",
]  # fmt: skip


def row_of_entries(matrix: csr_array) -> Positions:
    """Row of each stored entry."""
    return np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))


def entries_of(matrix: csr_array, row: int | np.integer[Any]) -> npt.NDArray[np.int32]:
    """Columns of the entries of one row."""
    columns: npt.NDArray[np.int32] = matrix.indices[matrix.indptr[row] : matrix.indptr[row + 1]]
    return columns


def row_max(matrix: csr_array, data: Floats, empty: float = 0.0) -> Floats:
    """Largest of *data*, a value for each entry, in each row; *empty* for a row without entries."""
    top, filled = np.full(matrix.shape[0], empty), np.flatnonzero(np.diff(matrix.indptr))
    if len(filled):
        top[filled] = np.maximum.reduceat(data, matrix.indptr[filled])
    return top


def largest_entry(matrix: csr_array, zero: float = 0.0) -> Floats:
    """Largest size of an entry in each row; *zero* for a row without any but zeros."""
    largest = row_max(matrix, np.abs(matrix.data))
    return np.where(largest > 0, largest, zero)


def same_along_row(matrix: csr_array) -> Bools:
    """Whether all entries of a row are equal, for each row."""
    return np.asarray(row_max(matrix, matrix.data) == -row_max(matrix, -matrix.data))


def with_data(matrix: csr_array, data: Floats) -> csr_array:
    """Return the same pattern with other values."""
    return csr_array((data, matrix.indices, matrix.indptr), shape=matrix.shape)


def scaled_rows(matrix: csr_array, factor: Floats) -> csr_array:
    """Multiply each row by its factor."""
    return with_data(matrix, matrix.data * np.repeat(factor, np.diff(matrix.indptr)))


def keep_entries(matrix: csr_array, keep: Bools) -> csr_array:
    """Return the entries marked by *keep* alone."""
    indptr = np.concatenate([[0], np.cumsum(keep)])[matrix.indptr].astype(matrix.indices.dtype)
    return csr_array((matrix.data[keep], matrix.indices[keep], indptr), shape=matrix.shape)


def transposed(matrix: csr_array) -> csr_array:
    """Return the transpose, in rows with sorted indices."""
    turned = csr_array(matrix.T.tocsr())
    turned.sort_indices()
    return turned


def number_rows(matrix: csr_array) -> Ints:
    """Give rows with the same entries the same number, in order of the first; indices are sorted."""
    known: dict[tuple[bytes, bytes], int] = {}
    parts = [slice(start, end) for start, end in pairwise(matrix.indptr)]
    keys = ((matrix.indices[part].tobytes(), matrix.data[part].tobytes()) for part in parts)
    return np.array([known.setdefault(key, len(known)) for key in keys], np.int64)
