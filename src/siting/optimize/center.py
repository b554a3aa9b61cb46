"""p-center: so many columns open, the need that is farthest from its nearest as near as can be.

The answer is one of the distances, so it is searched for among them by halving: with limit d, can so many columns
cover all needs [1]_? A plan made greedily often says yes, needs of which no column covers two often say no, and what is
left is a question for the covering engine, which stops as soon as it is decided.

References
----------
.. [1] E. Minieka, "The m-center problem", SIAM Review 12 (1), 1970, pp. 138-139.
"""

from __future__ import annotations

import logging
import math

import numpy as np
from scipy.sparse import csr_array

from siting.numbers import Bools, Floats
from siting.optimize.control import Control
from siting.optimize.covering import solve_covering
from siting.optimize.model import Model
from siting.optimize.solution import Solution

__all__ = ["solve_center"]

log = logging.getLogger(__name__)

ENGINE = "center by covering"


class _Question(Control):
    """Stops the covering engine as soon as it is known whether *most* columns are enough."""

    def __init__(self, control: Control, most: int) -> None:
        vars(self).update(vars(control.for_subproblem()))
        self.most = most

    def report(self, step: str, value: float | None = None, bound: float | None = None) -> bool:
        """Tell whether to stop: the question is answered, or time is up."""
        enough = value is not None and value > -self.most - 0.5
        never = bound is not None and bound < -self.most - 0.5
        return enough or never or super().report(step, value, bound)


def solve_center(
    costs: csr_array, lower: Floats, upper: Floats, most: int, control: Control, *, start: Bools | None = None
) -> Solution:
    """Open columns so that the largest distance from a need to its nearest open column is as small as can be.

    Parameters
    ----------
    costs
        Needs × columns: the distance of each pair within reach. One that is absent cannot serve.
    lower, upper
        0 or 1 for each column: (1, 1) is open in every plan, (0, 0) in none.
    most
        How many columns may open beside those that must.
    control
        Asked between the questions, and within.
    start
        A plan to begin with; it is ignored when it breaks a rule.

    Returns
    -------
    Solution
        `value` and `bound` are minus the distance; 0 where there are no needs.

    Raises
    ------
    ValueError
        When a distance is negative or no number, or the arrays do not fit.
    """
    if len(lower) != costs.shape[1] or len(upper) != costs.shape[1]:
        raise ValueError(f"lower and upper need an entry for each of the {costs.shape[1]} columns")
    if not np.isfinite(costs.data).all() or (costs.data < 0).any():
        raise ValueError("distances must be finite numbers of 0 or more")
    opened = lower > 0.5
    if most < 0 or (lower > upper).any():
        return Solution(None, -math.inf, -math.inf, "infeasible", ENGINE)
    if not costs.shape[0]:
        return Solution(opened, 0.0, 0.0, "optimal", ENGINE)
    reach = _usable(costs, upper)
    if (np.diff(reach.indptr) == 0).any():
        return Solution(None, -math.inf, -math.inf, "infeasible", ENGINE)
    return _Halving(reach, lower, upper, most, control).run(start)


def _usable(costs: csr_array, upper: Floats) -> csr_array:
    """Drop the pairs of columns that may not open."""
    return _pairs(costs, upper[costs.indices] > 0.5)


def _pairs(costs: csr_array, kept: Bools) -> csr_array:
    indptr = np.concatenate([[0], np.cumsum(kept)])[costs.indptr]
    return csr_array((costs.data[kept], costs.indices[kept], indptr), shape=costs.shape)


class _Halving:
    """What is known between two questions: the best plan with its distance, and which distances are too short."""

    def __init__(self, costs: csr_array, lower: Floats, upper: Floats, most: int, control: Control) -> None:
        self.costs, self.lower, self.upper, self.most, self.control = costs, lower, upper, most, control
        self.opened = lower > 0.5
        self.x: Bools | None = None
        self.distance = math.inf
        self.nodes = 0
        starts = costs.indptr[:-1]
        self.limits = np.unique(costs.data)
        # No need is nearer to an open column than to its nearest column.
        nearest = float(np.minimum.reduceat(costs.data, starts).max())
        self.low = int(np.searchsorted(self.limits, nearest))  # the answer is one of limits[low:high + 1] …
        self.high = len(self.limits)  # … or there is none, as long as `high` is behind the last

    def run(self, start: Bools | None) -> Solution:
        """Halve the distances, first by what is quick to say, then with the covering engine."""
        if start is not None:
            x = (np.asarray(start, bool) | self.opened) & (self.upper > 0.5)
            if (x & ~self.opened).sum() <= self.most:
                self._found(x)
        low, high = self.low, self.high
        while low < high and not self._report():
            middle = (low + min(high, len(self.limits) - 1)) // 2
            if self._quick(_pairs(self.costs, self.costs.data <= self.limits[middle]), middle) is False:
                low = middle + 1
            else:  # what is left open is asked below, where the answer may be no
                high = min(middle, self.high)
        while self.low < self.high and not self._report():
            middle = (self.low + min(self.high, len(self.limits) - 1)) // 2
            if self._decide(middle) is None:
                break
        return self._answer()

    def _quick(self, within: csr_array, place: int) -> bool | None:
        """Answer by a greedy plan or by a packing, None where neither tells."""
        plan = _greedy(within, self.opened, self.most)
        if plan is not None:
            self._found(plan)
            return True
        if _packing(within, self.opened) > self.most:
            self.low = max(self.low, place + 1)
            return False
        return None

    def _decide(self, place: int) -> bool | None:
        """Answer the question at one of the distances for good; None when time is up."""
        within = _pairs(self.costs, self.costs.data <= self.limits[place])
        answer = self._quick(within, place)
        if answer is not None:
            return answer
        n, m = within.shape
        model = Model(
            benefit=csr_array((np.zeros(within.nnz), within.indices, within.indptr), shape=(n, m)),
            value=np.where(self.opened, 0.0, -1.0), rows=csr_array((0, m)), low=np.zeros(0), high=np.zeros(0),
            lower=self.lower, upper=self.upper, shares=csr_array((0, n)), wanted=np.zeros(0), must=np.ones(n, bool),
            grain=1.0,
        )  # fmt: skip
        found = solve_covering(model, _Question(self.control, self.most))
        self.nodes += found.nodes
        log.debug("within %g: %s, %g to %g", self.limits[place], found.status, found.value, found.bound)
        if found.x is not None and found.value > -self.most - 0.5:
            self._found(found.x)
            return True
        if found.status == "infeasible" or found.bound < -self.most - 0.5:
            self.low = place + 1
            return False
        return None

    def _found(self, x: Bools) -> None:
        """Keep a plan where it is the best so far."""
        open_costs = np.where(x[self.costs.indices], self.costs.data, math.inf)
        distance = float(np.minimum.reduceat(open_costs, self.costs.indptr[:-1]).max())
        if distance < self.distance:
            self.x, self.distance = x, distance
            self.high = int(np.searchsorted(self.limits, distance))

    def _report(self) -> bool:
        value = None if self.x is None else -self.distance
        bound = -float(self.limits[self.low]) if self.low < len(self.limits) else None
        return self.control.report("distance", value, bound)

    def _answer(self) -> Solution:
        if self.x is None and self.low == len(self.limits):
            return Solution(None, -math.inf, -math.inf, "infeasible", ENGINE, nodes=self.nodes)
        done = self.low >= self.high
        bound = -float(self.limits[min(self.low, self.high, len(self.limits) - 1)])
        status = "optimal" if done else self.control.status
        return Solution(self.x, -self.distance, bound, status, ENGINE, nodes=self.nodes)


def _greedy(within: csr_array, opened: Bools, most: int) -> Bools | None:
    """Cover all needs by the column that covers most of those left, *most* times at most; None when some are left."""
    x, by_column = opened.copy(), within.T.tocsr()
    left = np.ones(within.shape[0], bool)
    for j in np.flatnonzero(opened):
        left[by_column.indices[by_column.indptr[j] : by_column.indptr[j + 1]]] = False
    gain = np.bincount(within.indices[np.repeat(left, np.diff(within.indptr))], minlength=len(x))
    for _ in range(most):
        if not left.any():
            break
        j = gain.argmax()
        rows = by_column.indices[by_column.indptr[j] : by_column.indptr[j + 1]]
        rows = rows[left[rows]]
        x[j], left[rows] = True, False
        lost = [within.indices[within.indptr[i] : within.indptr[i + 1]] for i in rows]
        gain -= np.bincount(np.concatenate(lost), minlength=len(gain))
    return None if left.any() else x


def _packing(within: csr_array, opened: Bools) -> int:
    """Count needs of which no column covers two, those with few columns first: each takes a column of its own."""
    taken = opened.copy()
    size = np.diff(within.indptr)
    count = 0
    for i in np.argsort(size, kind="stable"):
        columns = within.indices[within.indptr[i] : within.indptr[i + 1]]
        if not taken[columns].any():
            count += 1
            taken[columns] = True
    return count
