"""p-center: open p columns so that the largest distance of a need to its nearest open column is least.

The answer is one of the distances, found by bisection: with limit d, can p columns cover all needs [1]_? A greedy plan
often proves that they can, and a packing (needs of which no column covers two) that they cannot. The covering engine
decides the rest, and stops at the decision.

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
from siting.optimize.sparse_rows import entries_of, keep_entries, with_data

__all__ = ["solve_center"]

log = logging.getLogger(__name__)

ENGINE = "center by covering"


class _Decision(Control):
    """Stops the covering engine when it is known whether *most* columns are enough."""

    def __init__(self, control: Control, most: int) -> None:
        vars(self).update(vars(control.for_subproblem()))
        self.most = most

    def report(self, step: str, value: float | None = None, bound: float | None = None) -> bool:
        """Return whether it is decided, or time is up."""
        enough = value is not None and value > -self.most - 0.5
        never = bound is not None and bound < -self.most - 0.5
        return enough or never or super().report(step, value, bound)


def solve_center(costs: csr_array, lower: Floats, upper: Floats, most: int, control: Control) -> Solution:
    """Open columns so that the largest distance from a need to its nearest open column is least.

    Parameters
    ----------
    costs
        Needs × columns: the distance of each pair in reach. An absent pair cannot serve.
    lower, upper
        0 or 1 for each column: (1, 1) is open in every plan, (0, 0) in none.
    most
        Most columns that open in addition to those that must.

    Returns
    -------
    Solution
        `value` and `bound` are minus the distance; 0 where there are no needs.

    Raises
    ------
    ValueError
        When a distance is negative or not a number, or the arrays do not fit.
    """
    if len(lower) != costs.shape[1] or len(upper) != costs.shape[1]:
        raise ValueError(f"lower and upper need an entry for each of the {costs.shape[1]} columns")
    if not np.isfinite(costs.data).all() or (costs.data < 0).any():
        raise ValueError("distances must be finite numbers of 0 or more")
    if most < 0 or (lower > upper).any():
        return Solution.infeasible(ENGINE)
    if not costs.shape[0]:
        return Solution(lower > 0.5, 0.0, 0.0, "optimal", ENGINE)
    usable = keep_entries(costs, upper[costs.indices] > 0.5)
    if (np.diff(usable.indptr) == 0).any():
        return Solution.infeasible(ENGINE)
    return _Bisection(usable, lower, upper, most, control).run()


class _Bisection:
    """The state of the search: the best plan with its distance, and the distances that are too short."""

    def __init__(self, costs: csr_array, lower: Floats, upper: Floats, most: int, control: Control) -> None:
        self.costs, self.lower, self.upper, self.most, self.control = costs, lower, upper, most, control
        self.opened = lower > 0.5
        self.x: Bools | None = None
        self.distance = math.inf
        self.nodes = 0
        self.limits = np.unique(costs.data)
        # No need is nearer to an open column than to its nearest column.
        nearest = float(np.minimum.reduceat(costs.data, costs.indptr[:-1]).max())
        self.low = int(np.searchsorted(self.limits, nearest))  # the answer is one of limits[low:high + 1] …
        self.high = len(self.limits)  # … or there is none, as long as `high` is behind the last

    def run(self) -> Solution:
        """Bisect the distances, first by quick tests, then with the covering engine."""
        low, high = self.low, self.high
        while low < high and not self._report():
            middle = (low + min(high, len(self.limits) - 1)) // 2
            if self._decide_quickly(self._within(middle), middle) is False:
                low = middle + 1
            else:  # an undecided distance may be too short
                high = min(middle, self.high)
        while self.low < self.high and not self._report():
            if self._decide((self.low + min(self.high, len(self.limits) - 1)) // 2) is None:
                break
        if self.x is None and self.low == len(self.limits):
            return Solution.infeasible(ENGINE, nodes=self.nodes)
        status = "optimal" if self.low >= self.high else self.control.status
        bound = -float(self.limits[min(self.low, self.high, len(self.limits) - 1)])
        return Solution(self.x, -self.distance, bound, status, ENGINE, nodes=self.nodes)

    def _within(self, place: int) -> csr_array:
        return keep_entries(self.costs, self.costs.data <= self.limits[place])

    def _decide_quickly(self, within: csr_array, place: int) -> bool | None:
        """Decide by a greedy plan or by a packing; None where neither decides."""
        if (plan := _greedy(within, self.opened, self.most)) is not None:
            self._offer(plan)
            return True
        if _packing(within, self.opened) > self.most:
            self.low = max(self.low, place + 1)
            return False
        return None

    def _decide(self, place: int) -> bool | None:
        """Decide whether one of the distances can be kept; None when time is up."""
        within = self._within(place)
        if (answer := self._decide_quickly(within, place)) is not None:
            return answer
        n, m = within.shape
        model = Model(
            benefit=with_data(within, np.zeros(within.nnz)),
            value=np.where(self.opened, 0.0, -1.0), rows=csr_array((0, m)), low=np.zeros(0), high=np.zeros(0),
            lower=self.lower, upper=self.upper, shares=csr_array((0, n)), wanted=np.zeros(0), must=np.ones(n, bool),
            grain=1.0,
        )  # fmt: skip
        found = solve_covering(model, _Decision(self.control, self.most))
        self.nodes += found.nodes
        log.debug("within %g: %s, %g to %g", self.limits[place], found.status, found.value, found.bound)
        if found.x is not None and found.value > -self.most - 0.5:
            self._offer(found.x)
            return True
        if found.status == "infeasible" or found.bound < -self.most - 0.5:
            self.low = place + 1
            return False
        return None

    def _offer(self, x: Bools) -> None:
        open_costs = np.where(x[self.costs.indices], self.costs.data, math.inf)
        distance = float(np.minimum.reduceat(open_costs, self.costs.indptr[:-1]).max())
        if distance < self.distance:
            self.x, self.distance = x, distance
            self.high = int(np.searchsorted(self.limits, distance))

    def _report(self) -> bool:
        value = None if self.x is None else -self.distance
        bound = -float(self.limits[self.low]) if self.low < len(self.limits) else None
        return self.control.report("distance", value, bound)


def _greedy(within: csr_array, opened: Bools, most: int) -> Bools | None:
    """Cover all needs greedily with at most *most* columns; None when some are left."""
    x, by_column = opened.copy(), within.T.tocsr()
    left = np.ones(within.shape[0], bool)
    for column in np.flatnonzero(opened):
        left[entries_of(by_column, column)] = False
    gain = np.bincount(within.indices[np.repeat(left, np.diff(within.indptr))], minlength=len(x))
    for _ in range(most):
        if not left.any():
            break
        j = int(gain.argmax())
        needs = entries_of(by_column, j)
        needs = needs[left[needs]]
        x[j], left[needs] = True, False
        gain -= np.bincount(np.concatenate([entries_of(within, i) for i in needs]), minlength=len(gain))
    return None if left.any() else x


def _packing(within: csr_array, opened: Bools) -> int:
    """Count needs of which no column covers two, those with few columns first: each requires its own column."""
    taken, starts, indices = opened.copy(), within.indptr, within.indices
    count = 0
    for need in np.argsort(np.diff(starts), kind="stable"):
        columns = indices[starts[need] : starts[need + 1]]
        if not taken[columns].any():
            count += 1
            taken[columns] = True
    return count
