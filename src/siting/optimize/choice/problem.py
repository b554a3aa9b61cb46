"""The capture of open columns against what else there is to choose, as arrays; and upper bounds on it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array, csr_matrix, vstack
from scipy.sparse.csgraph import reverse_cuthill_mckee

from siting.numbers import Bools, Floats, Ints
from siting.optimize.choice import choice_kernels as kernels
from siting.optimize.sparse_rows import largest_entry

__all__ = ["Market", "Parts", "market_of"]

#: Communities of a part, at least; the most parts, and the most that a column is in, on average.
FEW, PARTS, SPREAD = 30, 32, 4

#: Rounding tolerance of a sum, as a share of its limit.
TOLERANCE = 1e-9


class Parts(NamedTuple):
    """Communities in parts: the part of each; each `part` and `column` with common pairs, and where each pair is."""

    number: int
    of_community: Ints
    of_pair: Ints
    part: Ints
    column: Ints


@dataclass(frozen=True, eq=False)
class Market:
    """Open columns x so that they capture most, where each community divides its weight by utility.

    With ``S_i = sum over j of utility_ij x_j``, maximise

        constant + sum over i of weight_i S_i / (S_i + other_i)     (0 where S_i is 0)

    subject to ``low <= rows x <= high``, x 0 or 1. `utility` (communities × columns, CSR with sorted indices) and
    `other` are 0 or more, stored utilities and weights above 0. `column` is the position of each column in the problem
    that the market was made of, whose columns are open as in `fixed` but for these.
    """

    utility: csr_array
    other: Floats
    weight: Floats
    rows: csr_array
    low: Floats
    high: Floats
    constant: float
    column: Ints
    fixed: Bools

    @property
    def size(self) -> int:
        """Number of columns."""
        return len(self.column)

    @property
    def total(self) -> float:
        """No plan captures more."""
        return self.constant + float(self.weight.sum())

    @cached_property
    def by_column(self) -> csr_array:
        """The utilities as columns × communities."""
        return csr_array(self.utility.T.tocsr())

    @cached_property
    def rules_of(self) -> csr_array:
        """The rows as columns × rows."""
        return csr_array(self.rows.T.tocsr())

    @cached_property
    def slack(self) -> Floats:
        """Rounding tolerance of each row."""
        size = largest_entry(self.rows)
        limits = [np.abs(np.where(np.isfinite(limit), limit, 0.0)) for limit in (self.low, self.high)]
        return np.asarray(TOLERANCE * np.maximum(size, np.maximum(*limits)))

    def captured(self, x: Bools) -> float:
        """Return what columns capture."""
        u = self.utility
        taken = kernels.capture(u.indptr, u.indices, u.data, self.other, self.weight, np.asarray(x, bool))
        return self.constant + float(taken.sum())

    def keeps(self, x: Bools) -> bool:
        """Whether columns keep the rows."""
        sums = self.rows @ np.asarray(x, float)
        return bool((sums >= self.low - self.slack).all() and (sums <= self.high + self.slack).all())

    def whole(self, x: Bools) -> Bools:
        """Return the columns of the problem that the market was made of."""
        all_ = self.fixed.copy()
        all_[self.column] = x
        return all_

    @cached_property
    def parts(self) -> Parts:
        """The communities in parts, neighbours together: each has a cut of its own."""
        return _parts(self.utility, self.size)

    def cut(self, point: Floats) -> tuple[Floats, Floats]:
        """Return a bound on the capture of each part that is linear in the columns, low at *point*.

        A constant for each part, and the slopes of `parts.column` of `parts.part`.

        Notes
        -----
        For each community, with ``f(S) = w S / (S + D)`` and a set K of columns, of which the others add less than they
        would without: ``f(S(x)) <= h(0) + sum over j not in K of (h(a_j) - h(0)) x_j``, where h is ``f(S(K) + .)`` with
        the tangent at s instead of its beginning. It lies above, is concave and rises, so that increments from 0 are
        the largest. With s beyond all a_j this is the tangent, with s = 0 and K a set the submodular inequality of
        [1]_; both are outer approximations of maximum capture problems [2]_. Of all s the lowest at a point has
        ``s = sum over j of x_j min(a_j, s)``.

        References
        ----------
        .. [1] G. L. Nemhauser and L. A. Wolsey, "Maximizing submodular set functions: formulations and analysis of
           algorithms", North-Holland Mathematics Studies 59, 1981, pp. 279-301.
        .. [2] I. Ljubić and E. Moreno, "Outer approximation and submodular cuts for maximum capture facility location
           problems with random utilities", European Journal of Operational Research 266 (1), 2018, pp. 46-56.
        """
        u, constant, slope = self.utility, np.zeros(len(self.weight)), np.zeros(self.utility.nnz)
        arrays = (u.indptr, u.indices, u.data, self.other, self.weight, np.asarray(point, float))
        kernels.cut_at(*arrays, constant, slope)
        parts = self.parts
        summed = np.asarray(np.bincount(parts.of_community, constant, parts.number), float)
        summed[0] += self.constant
        return summed, np.asarray(np.bincount(parts.of_pair, slope, len(parts.column)), float)

    def limited(self, columns: Bools, most: float) -> Market:
        """Return the market with at most so many of some columns open."""
        row = csr_array(columns.astype(float)[None, :])
        return replace(
            self,
            rows=csr_array(vstack([self.rows, row], format="csr")),
            low=np.append(self.low, -np.inf),
            high=np.append(self.high, most),
        )


def market_of(
    utility: csr_array, other: Floats, weight: Floats, rows: csr_array, low: Floats, high: Floats, lower: Floats,
    upper: Floats,
) -> Market:  # fmt: skip
    """Make a market of a problem whose columns have bounds, without those that are fixed.

    What fixed columns capture is in the constant: with their utility B, what is left to capture is
    ``w D / (D + B) * S / (S + D + B)``.
    """
    fixed, free = lower > 0, np.flatnonzero(lower < upper)
    opened = fixed.astype(float)
    base = np.asarray(utility @ opened, float)
    beside = other + base
    taken = np.divide(base, beside, out=np.zeros(len(base)), where=beside > 0)
    left = weight * (1.0 - taken)
    small = csr_array(utility[:, free])
    small.sort_indices()
    counts = (left > 0) & (np.diff(small.indptr) > 0)
    small = csr_array(small[np.flatnonzero(counts)])
    small.sort_indices()
    activity = np.asarray(rows @ opened, float)
    return Market(
        small, beside[counts], left[counts], csr_array(rows[:, free]), low - activity, high - activity,
        float((weight * taken).sum()), free, fixed,
    )  # fmt: skip


def _parts(utility: csr_array, size: int) -> Parts:
    """Divide communities by their best column, in an order in which columns that share communities are near.

    Into as many parts as leave each column in a few: the linear programmes become larger with the pairs of both.
    """
    n, nnz = utility.shape[0], utility.nnz
    place = _places(utility, size) if n else np.zeros(0, np.int64)
    order = np.argsort(place, kind="stable")
    count = max(1, min(PARTS, n // FEW))
    of_pair, part, column = (np.zeros(nnz, np.int64) for _ in range(3))
    while True:
        of_community = place * count // max(1, n)
        pairs = (order, of_community, size, of_pair, part, column)
        number = int(kernels.part_pairs(utility.indptr, utility.indices, *pairs))
        if count == 1 or number <= SPREAD * size:
            return Parts(count, of_community, of_pair, part[:number].copy(), column[:number].copy())
        count = (count + 1) // 2


def _places(utility: csr_array, size: int) -> Ints:
    """Return the place of each community in the order."""
    n = utility.shape[0]
    best, second = np.zeros(n, np.int64), np.zeros(n, np.int64)
    kernels.two_best(utility.indptr, utility.indices, utility.data, best, second)
    more = second >= 0
    ends = (np.concatenate([best[more], second[more]]), np.concatenate([second[more], best[more]]))
    graph = csr_matrix((np.ones(len(ends[0])), ends), shape=(size, size))
    rank, place = np.empty(size, np.int64), np.empty(n, np.int64)
    rank[reverse_cuthill_mckee(graph, symmetric_mode=True)] = np.arange(size)
    place[np.lexsort((np.arange(n), rank[best]))] = np.arange(n)
    return place
