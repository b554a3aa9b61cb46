"""A siting problem as a model for all engines.

All objectives and rules have one form. Columns j may open (a site with its service, size and year), needs i
are demand (a community with its service, year and distance). With x_j = 1 for an open column, maximise

    sum over i of (the largest benefit b_ij of the open columns of its row, or 0 when none is open)
    + sum over j of value_j x_j

subject to ``low <= rows x <= high``, ``lower <= x <= upper``, x integer; for each share s
``sum over i of shares_si [a column of i is open] >= wanted_s``; and a column open for each need that must be served.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from siting.numbers import Bools, Floats, Ints
from siting.optimize.sparse_rows import largest_entry, row_max, row_of_entries, same_along_row

__all__ = ["Model"]

#: Rounding tolerance of a sum, as a share of its limit.
TOLERANCE = 1e-9


@dataclass(frozen=True, eq=False)
class Model:
    """One siting problem as a model.

    `benefit` (needs × columns, CSR with sorted indices) is that of serving a need from a column. A stored pair can
    serve, even with benefit 0 (a need that only counts towards a share); an absent one cannot. In a covering problem
    all benefits of a row are equal (`has_levels` is False). They are 0 or more, except in rows of needs that must be
    served, where they may be negative (minus the travel). `value` of a column is minus its cost, or 0.

    `rows` × columns are further rules with limits `low` and `high` (infinite for none); `lower` and `upper` are 0 or 1:
    (1, 1) is open in every plan, (0, 0) in none. `shares` × needs must reach the amounts `wanted`; `must` marks needs
    that must be served. Every objective is a multiple of `grain` (0: unknown); `constant`, demand that is always
    served, is added to it. `times` columns serve a need (None: one); only the general engine takes more than one.
    """

    benefit: csr_array
    value: Floats
    rows: csr_array
    low: Floats
    high: Floats
    lower: Floats
    upper: Floats
    shares: csr_array
    wanted: Floats
    must: Bools
    grain: float = 0.0
    constant: float = 0.0
    times: Ints | None = None

    @property
    def has_levels(self) -> bool:
        """Whether the benefit of some need differs between columns."""
        return not same_along_row(self.benefit).all()

    @property
    def is_out_of_reach(self) -> bool:
        """Whether a need that must be served, or a share, cannot be met even with every column open."""
        served = ~np.isnan(self.served(self.upper > 0))
        short = self.shares @ served.astype(float) < self.wanted - TOLERANCE * np.maximum(1.0, self.wanted)
        return bool((self.must & ~served).any() or short.any() or (self.lower > self.upper).any())

    def served(self, x: Bools) -> Floats:
        """Benefit of each need with the columns *x* open; NaN where it is not served."""
        b = self.benefit
        best = row_max(b, np.where(x[b.indices], b.data, -np.inf), empty=-np.inf)
        if self.times is not None:
            best[np.bincount(row_of_entries(b)[x[b.indices]], minlength=len(best)) < self.times] = -np.inf
        return np.where(np.isneginf(best), np.nan, best)

    def objective(self, x: Bools) -> float:
        """Return the objective of the columns *x*."""
        return self.constant + float(np.nansum(self.served(x)) + self.value[x].sum())

    def is_feasible(self, x: Bools) -> bool:
        """Whether the columns *x* keep all rules."""
        x = np.asarray(x, bool)
        served = ~np.isnan(self.served(x))
        sums, size = self.rows @ x.astype(float), largest_entry(self.rows)
        limits = (np.abs(np.where(np.isfinite(limit), limit, 0)) for limit in (self.low, self.high))
        slack_low, slack_high = (TOLERANCE * np.maximum(size, limit) for limit in limits)
        return bool(
            (x >= self.lower).all()
            and (x <= self.upper).all()
            and (sums >= self.low - slack_low).all()
            and (sums <= self.high + slack_high).all()
            and (self.shares @ served.astype(float) >= self.wanted - TOLERANCE * np.abs(self.wanted)).all()
            and served[self.must].all()
        )
