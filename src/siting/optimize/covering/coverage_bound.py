"""A bound for maximal covering without a solver: the Lagrangian dual by subgradients, for problems whose LP is long.

With u_i the part of the worth w_i of need i that is credited to its columns, at most p columns cover no more than

    sum_i (w_i - u_i) + the p largest of sum_{i of j} u_i,    0 <= u_i <= w_i,

the bound of `relaxation` with y the p-th largest (Galvao, R. and ReVelle, C., 1996, A Lagrangean heuristic for the
maximal covering location problem, European Journal of Operational Research 88, pp. 114-123). A step goes along a mean
of the subgradients so far (Camerini, P., Fratta, L. and Maffioli, F., 1975, On improving relaxation methods by modified
gradient techniques, Mathematical Programming Study 3, pp. 26-34), as far as the distance to the value of a plan says.
"""

from __future__ import annotations

import numpy as np

from siting.numbers import Ints
from siting.optimize.control import Control
from siting.optimize.covering import coverage_bound_kernels as kernels
from siting.optimize.covering.relaxation import Lagrangian, Multipliers

__all__ = ["coverage_bound"]

#: Rounds in all, and between two looks at the clock.
ROUNDS, PART = 20_000, 200
#: First and last length of the steps, in distances to the target; the share of the way so far in the next.
FIRST, LAST, MEMORY = 0.3, 1e-4, 0.95


def coverage_bound(terms: Lagrangian, columns: Ints, number: int, target: float, control: Control) -> Multipliers:
    """Return multipliers of a low bound, for a model that opens *number* of the free *columns* at most.

    Parameters
    ----------
    terms
        Of a model with one row, which counts the free columns.
    target
        The value of a plan.
    """
    model = terms.model
    served = terms.covered(model.lower > 0)
    worth = np.where(served, 0.0, terms.w)
    columns = np.asarray(columns)
    serves = terms.serves[columns]
    start, needs = serves.indptr.astype(np.uint32), serves.indices.astype(np.uint32)
    number = min(number, len(columns))
    share = np.asarray(serves.sum(axis=0)).ravel()
    point = np.divide(worth, share, out=np.zeros(len(worth)), where=share > 0)
    best, way, lowest, step = point.copy(), np.zeros(len(worth)), np.inf, FIRST
    fall = (LAST / FIRST) ** (1.0 / ROUNDS)
    aim = target - model.constant - float(terms.w[served].sum())
    for _ in range(ROUNDS // PART):
        if control.must_stop:
            break
        lowest, step = kernels.descend(
            start, needs, worth, number, PART, aim, step, fall, MEMORY, way, point, lowest, best
        )
    if lowest > worth.sum():
        best[:] = 0.0  # no more than all needs are covered
    credit = np.sort(serves @ best)[::-1]
    y = float(credit[number - 1]) if number else 0.0
    return Multipliers(terms.w - best, np.array([y]), np.zeros(0))
