"""Plans for covering problems: the relaxation rounded, then improved by interchange of columns."""

from __future__ import annotations

import heapq
import math

import numpy as np

from siting.numbers import Bools, Floats
from siting.optimize.control import Control
from siting.optimize.covering.covering_kernels import Cover, improve
from siting.optimize.covering.relaxation import Lagrangian, Multipliers
from siting.optimize.sparse_rows import entries_of

__all__ = ["BudgetRounding", "RepairRounding", "greedy"]

#: Times that the weights of what is not yet met are raised before a number of columns is given up.
RAISED = 30
#: Pairs of columns looked at, about, in a perturbation, and limits of the number of its kicks.
PERTURBED_PAIRS, KICKS = 6_000_000, (5, 60)
#: Pairs of columns that a search looks at in a second, about.
PAIRS_A_SECOND = 6e6


def _cover(terms: Lagrangian) -> Cover:
    serves, back = (part.indptr.astype(np.int32) for part in (terms.serves, terms.model.benefit))
    needs, columns = (part.indices.astype(np.int32) for part in (terms.serves, terms.model.benefit))
    return Cover(serves, needs, back, columns, terms.w)


def greedy(terms: Lagrangian, wanted: float, most: float = math.inf) -> Bools:
    """Open the column that adds most, again and again, until the objective is *wanted* or none adds any more.

    *most* columns are opened at most.

    What a column adds only falls, so one that still adds more than others once did is the next (Minoux, M., 1978,
    Accelerated greedy algorithms for maximizing submodular set functions, Lecture Notes in Control 7, pp. 234-243).
    """
    model, serves = terms.model, terms.serves
    plan = model.lower > 0
    served = terms.covered(plan)
    reached = model.constant + float(terms.w[served].sum())
    queue = [(-float(gain), j) for j, gain in enumerate(serves @ np.where(served, 0.0, terms.w))]
    queue = [(gain, j) for gain, j in queue if gain < 0 and not plan[j] and model.upper[j] > 0]
    heapq.heapify(queue)
    opened = 0
    while queue and reached < wanted and opened < most:
        _, j = heapq.heappop(queue)
        needs = entries_of(serves, j)
        gain = -float(terms.w[needs[~served[needs]]].sum())
        if queue and (gain, j) > queue[0]:
            if gain < 0:
                heapq.heappush(queue, (gain, j))
            continue
        plan[j], served[needs] = True, True
        reached -= gain
        opened += 1
    return plan


class BudgetRounding:
    """Plans where one row of costs has an upper limit (or there is no row), and nothing else is asked."""

    def __init__(self, terms: Lagrangian, control: Control | None = None) -> None:
        model = terms.model
        self.terms, self.cover, self.control = terms, _cover(terms), control
        self.free = (model.lower == 0) & (model.upper > 0)
        self.cost, self.budget = np.zeros(len(self.free)), 0.0
        if model.rows.shape[0]:
            self.cost = model.rows[[0]].toarray()[0]
            self.budget = float(model.high[0] - self.cost[model.lower > 0].sum())

    def start_from(self, multipliers: Multipliers) -> None:
        """Only the x of the relaxation matters."""

    def round_x(self, x: Floats, *_box: Floats) -> Bools:
        """Make a plan from the x of a relaxation."""
        plan = _largest_within_budget(x, self.free, self.cost, self.budget) | (self.terms.model.lower > 0)
        return self.improve(plan, self.free)

    def perturb(self, plan: Bools, movable: Bools) -> Bools:
        """Search around a plan among the *movable* columns, for a share of the time that a relaxation takes."""
        size = max(int(movable.sum()) * int((plan & self.free).sum()), 1)
        return self.improve(plan, movable, int(np.clip(PERTURBED_PAIRS // size, *KICKS)), 5)

    def improve(self, plan: Bools, movable: Bools, kicks: int = 0, strength: int = 3) -> Bools:
        """Fill up and interchange among the *movable* columns; then kick and begin again, *kicks* times at most."""
        model, plan = self.terms.model, plan.copy()
        if kicks and self.control is not None and self.control.time_limit is not None:
            size = max(int(movable.sum()) * int((plan & self.free).sum()), 1)
            kicks = min(kicks, int(PAIRS_A_SECOND * self.control.seconds_left / size))
        budget = self.budget - float(self.cost[plan & self.free & ~movable].sum())
        improve(self.cover, model.value, self.cost, budget, movable, plan, kicks, strength)
        return plan


def _largest_within_budget(x: Floats, free: Bools, cost: Floats, budget: float) -> Bools:
    """Open the columns with the largest x that the budget allows; of equal ones the first."""
    order = np.lexsort((np.arange(len(x)), -x))
    order = order[free[order] & (x[order] > 1e-6)]
    plan = np.zeros(len(x), bool)
    plan[order[np.cumsum(cost[order]) <= budget + 1e-9 * max(1.0, abs(budget))]] = True
    return plan


class RepairRounding:
    """Plans that must reach shares or serve certain needs: what is not met counts more, until it is.

    Raising the weights of what a search leaves out is how Balas and Carrera (1996, A dynamic subgradient-based
    branch-and-bound procedure for set covering, Operations Research 44) and local searches since get through.
    """

    def __init__(self, terms: Lagrangian, control: Control) -> None:
        model = terms.model
        self.terms, self.model, self.cover, self.control = terms, model, _cover(terms), control
        self.free = (model.lower == 0) & (model.upper > 0)
        self.row = model.rows[[0]].toarray()[0] if len(model.high) == 1 and np.isneginf(model.low[0]) else None
        #: Weights of what is not met: a unit of each share, and each need that must be served.
        self.m, self.must_weight = np.zeros(len(model.wanted)), np.zeros(len(model.must))
        self.typical = float(np.abs(model.value[self.free]).mean()) if self.free.any() else 1.0
        self.best: Bools | None = None

    def start_from(self, multipliers: Multipliers) -> None:
        """Take the multipliers of the relaxation as first weights."""
        self.m = multipliers.m.copy()
        credit = self.terms.credit(multipliers.v, multipliers.m)
        self.must_weight = np.where(self.model.must, np.maximum(credit, 0.05 * self.typical + 1e-9), 0.0)

    def round_x(self, x: Floats, *_box: Floats) -> Bools | None:
        """Make a plan from the x of a relaxation."""
        model = self.model
        if self.row is not None:
            budget = float(model.high[0] - self.row[model.lower > 0].sum())
            plan = _largest_within_budget(x, self.free, self.row, budget) | (model.lower > 0)
            return self._raise_weights(plan, self.row, budget)
        if (complete := self._completed((self.free & (x > 0.5)) | (model.lower > 0))) is None:
            return None
        plan = self._trimmed(complete, x)
        if self.best is not None and model.value[plan].sum() <= model.value[self.best].sum():
            return plan
        return self._with_less_cost(plan, x)

    def perturb(self, plan: Bools, _movable: Bools) -> Bools:
        """Leave the plan as it is."""
        return plan

    def _with_less_cost(self, plan: Bools, x: Floats) -> Bools:
        """Try again with less to spend, while that works."""
        model = self.model
        cost = np.maximum(-model.value, 0.0)
        step = max(model.grain, 1e-6 * float(cost.sum()), 1e-12) if not (model.benefit.data != 0).any() else 0.0
        while step and (plan & self.free).any() and not self.control.must_stop:
            budget = float(cost[plan & self.free].sum()) - step
            smaller = plan.copy()
            order = np.flatnonzero(plan & self.free)
            for j in order[np.lexsort((order, x[order]))]:
                if cost[smaller & self.free].sum() <= budget:
                    break
                smaller[j] = False
            if (repaired := self._raise_weights(smaller, cost, budget)) is None:
                break
            plan = self._trimmed(repaired, x)
        self.best = plan.copy()
        return plan

    def _raise_weights(self, plan: Bools, cost: Floats, budget: float) -> Bools | None:
        """Interchange columns, raise the weights of what is not met, and again."""
        model, terms = self.model, self.terms
        m, must_weight = self.m.copy(), self.must_weight.copy()
        total = np.maximum(np.asarray(model.shares.sum(axis=1)).ravel(), 1.0)
        mean = float(terms.w.sum()) / max(len(terms.w), 1)
        for _ in range(RAISED):
            if self.control.must_stop:
                return None
            weighted = self.cover._replace(w=terms.w + terms.shares_of @ m + must_weight)
            improve(weighted, np.zeros(len(plan)), cost, budget, self.free, plan, 0, 0)
            served = terms.covered(plan)
            short = model.wanted - model.shares @ served.astype(float)
            missing = model.must & ~served
            if not missing.any() and (short <= 1e-9 * np.maximum(1.0, model.wanted)).all():
                return plan if model.is_feasible(plan) else None
            lacking = short > 0
            m[lacking] = m[lacking] * 1.1 + (self.typical + mean) / total[lacking]
            must_weight[missing] = must_weight[missing] * 1.2 + 0.02 * self.typical
        return None

    def _completed(self, plan: Bools) -> Bools | None:
        """Open columns, the most of what is lacking for their cost first, until all is met."""
        model, serves = self.model, self.terms.serves
        plan = plan.copy()
        cost = np.maximum(-model.value, 1e-9)
        while True:
            if self.control.time_limit is not None and self.control.must_stop:
                return None
            served = self.terms.covered(plan)
            short = np.maximum(model.wanted - model.shares @ served.astype(float), 0.0)
            short[short <= 1e-9 * np.maximum(1.0, model.wanted)] = 0.0
            if not short.any() and not (model.must & ~served).any():
                return plan
            gain = serves @ np.where(served, 0.0, self.must_weight)
            for s in np.flatnonzero(short):
                at, part = slice(*model.shares.indptr[s : s + 2]), np.zeros(len(served))
                part[model.shares.indices[at]] = model.shares.data[at]
                weight = max(self.m[s], self.typical / max(model.wanted[s], 1e-9))
                gain = gain + weight * np.minimum(serves @ np.where(served, 0.0, part), short[s])
            ratio = np.where(self.free & ~plan, gain / cost, 0.0)
            if not (ratio > 0).any():
                return None
            plan[int(np.argmax(ratio))] = True

    def _trimmed(self, plan: Bools, x: Floats) -> Bools:
        """Shut columns that are not needed, the most expensive first, then the least in the relaxation."""
        model, plan = self.model, plan.copy()
        order = np.flatnonzero(plan & self.free & (model.value <= 0))
        count = np.asarray(self.terms.serves.T @ plan.astype(float))
        slack = model.shares @ (count > 0).astype(float) - model.wanted
        for j in order[np.lexsort((order, x[order], model.value[order]))]:
            needs = entries_of(self.terms.serves, j)
            lost = needs[count[needs] == 1]
            less = np.asarray(model.shares @ np.bincount(lost, minlength=len(count)).astype(float))
            if model.must[lost].any() or (less > slack).any() or self.terms.w[lost].sum() > -model.value[j]:
                continue
            plan[j] = False
            count[needs] -= 1
            slack = slack - less
        return plan
