"""A siting problem in numbers, as every engine takes it, and what an engine answers.

Every objective and rule becomes one form. Columns j are what may open (a site with its service, size and year), needs i
are demand (a community with its service, year and distance). With x_j = 1 for an open column, maximise

    sum over i of (the largest benefit b_ij of the open columns of its row, or 0 when none is open)
    + sum over j of value_j x_j

subject to ``low <= rows x <= high``, ``lower <= x <= upper``, x whole; for each share s
``sum over i of shares_si [a column of i is open] >= wanted_s``; and a column open for each need that must be served.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from siting.numbers import Bools, Floats, Ints

__all__ = ["Bools", "Floats", "Found", "Ints", "Model", "Proof"]

#: How far a sum may miss its limit, as a share of the limit: the last bits of a sum.
TOLERANCE = 1e-9


@dataclass(frozen=True, eq=False)
class Model:
    """One siting problem in numbers.

    Attributes
    ----------
    benefit
        Needs × columns, CSR with sorted indices: what serving need i from column j is worth. A pair that is stored can
        serve, also where its benefit is 0 (a need that only counts towards a share); one that is absent cannot. In a
        covering problem all benefits of a row are equal; `levels` tells whether they are. Benefits are 0 or more,
        except in rows of needs that must be served, where they may be negative (minus the travel).
    value
        What opening each column is worth: minus its cost, or 0.
    rows, low, high
        Rows × columns of further rules, and what they must stay within (infinite where there is no limit).
    lower, upper
        0 or 1 for each column: (1, 1) is open in every plan, (0, 0) in none.
    shares, wanted
        Shares × needs, and how much must be served of each.
    must
        Needs that must be served by some open column.
    grain
        Every sum that the objective can take is a multiple of this; 0 where that is not known.
    constant
        Added to the objective: demand that is served whatever opens.
    times
        How many open columns serve each need; None: one. Only the general engine takes more than one.
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
    def levels(self) -> bool:
        """Whether some need is worth more from one column than from another."""
        b = self.benefit
        filled = np.flatnonzero(np.diff(b.indptr))
        if not len(filled):
            return False
        start = b.indptr[filled]
        return bool((np.maximum.reduceat(b.data, start) > np.minimum.reduceat(b.data, start)).any())

    def served(self, x: Bools) -> Floats:
        """Benefit of each need with the columns *x* open; NaN where none of its columns is."""
        b = self.benefit
        open_data = np.where(x[b.indices], b.data, -np.inf)
        best = np.full(b.shape[0], -np.inf)
        filled = np.flatnonzero(np.diff(b.indptr))
        if len(filled):
            best[filled] = np.maximum.reduceat(open_data, b.indptr[filled])
        if self.times is not None:
            count = np.zeros(b.shape[0], np.int64)
            count[filled] = np.add.reduceat(x[b.indices].astype(np.int64), b.indptr[filled]) if len(filled) else 0
            best[count < self.times] = -np.inf
        return np.where(np.isneginf(best), np.nan, best)

    def objective(self, x: Bools) -> float:
        """Return what the columns *x* are worth together."""
        return self.constant + float(np.nansum(self.served(x)) + self.value[x].sum())

    def keeps(self, x: Bools) -> bool:
        """Tell whether the columns *x* keep all rules."""
        x = np.asarray(x, bool)
        served = ~np.isnan(self.served(x))
        inside = self.rows @ x.astype(float)
        size = _largest(self.rows)
        slack_low = TOLERANCE * np.maximum(size, np.abs(np.where(np.isfinite(self.low), self.low, 0)))
        slack_high = TOLERANCE * np.maximum(size, np.abs(np.where(np.isfinite(self.high), self.high, 0)))
        return bool(
            (x >= self.lower).all()
            and (x <= self.upper).all()
            and (inside >= self.low - slack_low).all()
            and (inside <= self.high + slack_high).all()
            and (self.shares @ served.astype(float) >= self.wanted - TOLERANCE * np.abs(self.wanted)).all()
            and served[self.must].all()
        )


def _largest(matrix: csr_array) -> Floats:
    """Return the largest size of an entry in each row."""
    size = np.zeros(matrix.shape[0])
    np.maximum.at(size, np.repeat(np.arange(len(size)), np.diff(matrix.indptr)), np.abs(matrix.data))
    return size


@dataclass(frozen=True, eq=False)
class Proof:
    """Multipliers that bound every leaf of a tree of decisions; `siting.optimize.proof.bound_of` adds them up.

    For multipliers v (a price for each need, 0 or more except where it must be served), y (for each row; above 0 on
    `high`, below 0 on `low`) and m >= 0 (for each share), no x in the box of a node is worth more than

        constant + sum v_i + sum over rows (y_r high_r or y_r low_r) - sum m_s wanted_s
        + sum over j of the largest r_j x_j in the box,
        r_j = value_j - sum_r y_r rows_rj + sum over i of max(0, b_ij + sum_s m_s shares_si - v_i) / t_i,

    where t_i is how many open columns serve the need, mostly 1.

    Attributes
    ----------
    parent
        Of each node; -1 for the root, which is node 0. A parent stands before its children, which are two or none.
    column, at
        The decision that leads to each node: x of this column is `at`; -1 for the root.
    price
        Which row of multipliers bounds the node; -1 where only its children do.
    v, y, m
        Rows of multipliers; v in single precision where that is enough for the grain of the objective.
    fixed_node, fixed_column, fixed_at
        What the multipliers of a node prove of its whole subtree: x of this column is `at`, or the plan is no better
        than the bound.
    """

    parent: Ints
    column: Ints
    at: Ints
    price: Ints
    v: npt.NDArray[np.float32] | Floats
    y: Floats
    m: Floats
    fixed_node: Ints
    fixed_column: Ints
    fixed_at: Ints


@dataclass(frozen=True, eq=False)
class Found:
    """What an engine found.

    Attributes
    ----------
    x
        Columns to open; None without a plan.
    value, bound
        Objective of *x* (minus infinity without) and what none can beat (minus infinity when there is no plan at all).
    status
        "optimal", "feasible" (stopped by gap or Ctrl-C), "time_limit", "infeasible".
    engine
        What solved it, in a word or two.
    proof
        For the model as it was given; None where the bound rests on a solver.
    nodes
        How many nodes of a tree of decisions were looked at.
    question
        Where the proof is that so many columns do not reach the share, which `siting.optimize.covering.too_few`
        checks; None where it bounds the model.
    """

    x: Bools | None
    value: float
    bound: float
    status: str
    engine: str
    proof: Proof | None = None
    nodes: int = field(default=0)
    question: int | None = None
