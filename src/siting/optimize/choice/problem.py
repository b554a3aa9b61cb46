"""The capture of open columns against what else there is to choose, as arrays; and upper bounds on it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array, vstack

from siting.numbers import Bools, Floats, Ints
from siting.optimize.choice import choice_kernels as kernels
from siting.optimize.sparse_rows import largest_entry

__all__ = ["Market", "market_of"]

#: Rounding tolerance of a sum, as a share of its limit.
TOLERANCE = 1e-9


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

    def cut(self, point: Floats) -> tuple[float, Floats]:
        """Return constant and slopes of a bound on the capture that is linear in the columns, low at *point*.

        Notes
        -----
        A tangent lies above the capture, which is concave in the open utility. So does ``f(t) + sum over the open j of
        (f(t + a_j) - f(t))``: f rises, and with more open each column adds less (the submodular inequality of [1]_, for
        any t instead of a set). Both are outer approximations of maximum capture problems [2]_.

        References
        ----------
        .. [1] G. L. Nemhauser and L. A. Wolsey, "Maximizing submodular set functions: formulations and analysis of
           algorithms", North-Holland Mathematics Studies 59, 1981, pp. 279-301.
        .. [2] I. Ljubić and E. Moreno, "Outer approximation and submodular cuts for maximum capture facility location
           problems with random utilities", European Journal of Operational Research 266 (1), 2018, pp. 46-56.
        """
        u, slope = self.utility, np.zeros(self.size)
        constant = kernels.add_cut(
            u.indptr, u.indices, u.data, self.other, self.weight, np.asarray(point, float), slope
        )
        return self.constant + float(constant), slope

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
