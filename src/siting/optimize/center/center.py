"""p-center: open p columns so that the largest distance of a need to its nearest open column is least.

The answer is one of the distances, found by bisection: with limit d, can p columns cover all needs [1]_? A greedy plan
often proves that they can, and a packing (needs of which no column covers two) that they cannot. The covering engine
decides the rest, and stops at the decision. Where few columns open, few needs decide: see `client_growth`.

References
----------
.. [1] E. Minieka, "The m-center problem", SIAM Review 12 (1), 1970, pp. 138-139.
"""

from __future__ import annotations

import logging
import math

import numpy as np
from scipy.sparse import csr_array

from siting.messages import Message
from siting.numbers import Bools, Floats, Ints
from siting.optimize.center.client_growth import Decision, fewest_within, solve_growing
from siting.optimize.control import Control
from siting.optimize.covering.covering import solve_covering
from siting.optimize.distances import distinct, place_of
from siting.optimize.proof import Proof
from siting.optimize.solution import Solution
from siting.optimize.sparse_rows import entries_of, keep_entries, transposed

__all__ = ["TableDistances", "solve_center"]

log = logging.getLogger(__name__)

ENGINE = "center by covering"
#: Needs for each column that opens, from which few of them decide.
FEW = 6
#: Clients that are held for each column that opens, about; and the most distances to hold.
HELD, MOST = 20, 2**27


class TableDistances:
    """The distances of a table of pairs; see `Distances`."""

    def __init__(self, costs: csr_array) -> None:
        self.shape = costs.shape
        self._costs, self._by_column = costs, transposed(costs)

    def rows(self, clients: Ints) -> Floats:
        """Return the distances of some clients to all columns."""
        filled = np.full((len(clients), self.shape[1]), math.inf)
        for row, client in zip(filled, clients.tolist(), strict=True):
            there = slice(*self._costs.indptr[client : client + 2])
            row[self._costs.indices[there]] = self._costs.data[there]
        return filled

    def nearest(self, columns: Ints) -> tuple[Floats, Ints]:
        """Return the distance of each client to the nearest of some columns, and which of them it is."""
        far, which = np.full(self.shape[0], math.inf), np.full(self.shape[0], -1)
        for column in columns.tolist():
            there = slice(*self._by_column.indptr[column : column + 2])
            needs, data = self._by_column.indices[there], self._by_column.data[there]
            nearer = data < far[needs]
            far[needs[nearer]], which[needs[nearer]] = data[nearer], column
        return far, which


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
        `value` and `bound` are minus the distance; 0 where there are no needs. The proof is for `fewest_within` the
        next shorter distance: its bound is below minus *most*. Or it is a `GrownCenter`.

    Raises
    ------
    ValueError
        When a distance is negative or not a number, or the arrays do not fit.
    """
    if len(lower) != costs.shape[1] or len(upper) != costs.shape[1]:
        raise ValueError(Message("solver.ends", n=costs.shape[1]))
    if not np.isfinite(costs.data).all() or (costs.data < 0).any():
        raise ValueError(Message("solver.negative", what="costs"))
    if most < 0 or (lower > upper).any():
        return Solution.infeasible(ENGINE)
    if not costs.shape[0]:
        return Solution(lower > 0.5, 0.0, 0.0, "optimal", ENGINE)
    usable = keep_entries(costs, upper[costs.indices] > 0.5)
    if (np.diff(usable.indptr) == 0).any():
        return Solution.infeasible(ENGINE)
    if FEW * most <= costs.shape[0] and HELD * most * costs.shape[1] <= MOST:
        last = int(np.minimum.reduceat(usable.data, usable.indptr[:-1]).argmax())
        grown = solve_growing(TableDistances(usable), lower, upper, most, control, last)
        if grown.x is not None:
            return grown
    return _Bisection(usable, lower, upper, most, control).run()


class _Bisection:
    """The state of the search: the best plan with its distance, and the distances that are too short."""

    def __init__(self, costs: csr_array, lower: Floats, upper: Floats, most: int, control: Control) -> None:
        self.costs, self.lower, self.upper, self.most, self.control = costs, lower, upper, most, control
        self.opened = lower > 0.5
        self.x: Bools | None = None
        self.distance = math.inf
        self.nodes = 0
        self.proof: Proof | None = None  # that the distance before `low` is too short
        self.limits = distinct(costs.data)
        # No need is nearer to an open column than to its nearest column.
        nearest = float(np.minimum.reduceat(costs.data, costs.indptr[:-1]).max())
        self.low = place_of(self.limits, nearest)  # the answer is one of limits[low:high + 1] …
        self.high = len(self.limits)  # … or there is none, as long as `high` is behind the last

    def run(self) -> Solution:
        """Open what is farthest from all that is open, then bisect: by quick tests, then with the covering engine."""
        self._begin()
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
        if status == "optimal":
            bound = -self.distance
        return Solution(self.x, -self.distance, bound, status, ENGINE, self.proof, self.nodes)

    def _begin(self) -> None:
        """Open the nearest column of the need that is farthest from all open ones, again and again.

        With distances between points the largest is at most three times the least possible [1]_; where some need has
        no open column then, needs are covered greedily.

        .. [1] D. S. Hochbaum and D. B. Shmoys, "A best possible heuristic for the k-center problem", Mathematics of
           Operations Research 10 (2), 1985, pp. 180-184.
        """
        x, by_column = self.opened.copy(), csr_array(self.costs.T.tocsr())
        far = np.full(self.costs.shape[0], math.inf)
        left = self.most
        queue = np.flatnonzero(x).tolist()
        while queue or (left > 0 and far.max() > 0):
            if not queue:
                need = int(far.argmax())
                there = slice(*self.costs.indptr[need : need + 2])
                queue, left = [int(self.costs.indices[there][self.costs.data[there].argmin()])], left - 1
            j = queue.pop()
            x[j] = True
            at = slice(*by_column.indptr[j : j + 2])
            far[by_column.indices[at]] = np.minimum(far[by_column.indices[at]], by_column.data[at])
        if not math.isfinite(far.max()):
            covered = _greedy(self.costs, self.opened, self.most)
            if covered is None:
                return
            x = covered
        self._offer(x)

    def _within(self, place: int) -> csr_array:
        return keep_entries(self.costs, self.costs.data <= self.limits[place])

    def _decide_quickly(self, within: csr_array, place: int) -> bool | None:
        """Decide by a greedy plan or by a packing; None where neither decides."""
        if (plan := _greedy(within, self.opened, self.most)) is not None:
            self._offer(plan)
            return True
        packed = _packing(within, self.opened)
        if packed.sum() > self.most:
            if place + 1 > self.low:
                self.low, self.proof = place + 1, Proof.at_root(-packed.astype(float), np.zeros(0), np.zeros(0))
            return False
        return None

    def _decide(self, place: int) -> bool | None:
        """Decide whether one of the distances can be kept; None when time is up."""
        within = self._within(place)
        if (answer := self._decide_quickly(within, place)) is not None:
            return answer
        outer = self._known()
        found = solve_covering(fewest_within(within, self.lower, self.upper), Decision(self.control, self.most, outer))
        self.nodes += found.nodes
        log.debug("within %g: %s, %g to %g", self.limits[place], found.status, found.value, found.bound)
        if found.x is not None and found.value > -self.most - 0.5:
            self._offer(found.x)
            return True
        if found.status == "infeasible" or found.bound < -self.most - 0.5:
            self.low, self.proof = place + 1, found.proof
            return False
        return None

    def _offer(self, x: Bools) -> None:
        open_costs = np.where(x[self.costs.indices], self.costs.data, math.inf)
        distance = float(np.minimum.reduceat(open_costs, self.costs.indptr[:-1]).max())
        if distance < self.distance:
            self.x, self.distance = x, distance
            self.high = place_of(self.limits, distance)

    def _known(self) -> tuple[float | None, float | None]:
        value = None if self.x is None else -self.distance
        return value, -float(self.limits[self.low]) if self.low < len(self.limits) else None

    def _report(self) -> bool:
        return self.control.report("distance", *self._known())


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


def _packing(within: csr_array, opened: Bools) -> Bools:
    """Pick needs of which no column covers two, those with few columns first: each requires its own column."""
    taken, starts, indices = opened.copy(), within.indptr, within.indices
    packed = np.zeros(within.shape[0], bool)
    for need in np.argsort(np.diff(starts), kind="stable"):
        columns = indices[starts[need] : starts[need + 1]]
        if not taken[columns].any():
            packed[need] = True
            taken[columns] = True
    return packed
