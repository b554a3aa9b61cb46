"""The search of the single-source engine: plans by moves of whole needs and of columns, and prices by subgradients."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from siting.numbers import Bools, Floats, Ints
from siting.optimize.capacitated import single_source_kernels as kernels
from siting.optimize.capacitated.single_source import Box, Packing, SingleSourceProblem, target_of
from siting.optimize.capacitated.single_source_slots import Slots
from siting.optimize.control import Control
from siting.optimize.solution import floored

__all__ = ["Descent", "Plans", "lowered", "place"]

#: Rounds of moves at one penalty, and penalties that are tried, each twice the one before.
PASSES, PENALTIES = 60, 14
#: Rounds for a first plan, whatever the time.
FIRST = 5
#: Needs times open columns up to which they are searched in slots.
TABLE = 10_000_000
#: Share of the objective by which a plan may be worse for a while.
WORSE = 0.008
#: A penalty that nothing is worth.
STRICT = 1e200
#: Part of the last direction in the next, factor of the step after rounds that gain nothing, and the shortest step.
MOMENTUM, SHORTER, SHORTEST = 0.7, 0.6, 1e-3


class Plans:
    """The best plan so far, and searches for better ones."""

    def __init__(self, problem: SingleSourceProblem, packing: Packing, control: Control) -> None:
        self.problem, self.packing, self.control = problem, packing, control
        self.x: Bools | None = None
        self.at: Ints = np.full(len(problem.weight), -1)
        self.value = -math.inf
        self.weight = problem.weight.astype(float)
        self.capacity = problem.capacity.astype(float) * (1 + 1e-12)
        self.gain = packing.gain.copy()
        self.gain[~(packing.box().state > 0)] = -np.inf
        self.usable = np.where(np.isfinite(self.gain), self.gain, -1e300)
        spread = np.abs(packing.gain).mean() if len(packing.gain) else 1.0
        self.unit = max(1e-12, float(spread) / max(1e-12, float(self.weight.mean())))
        self.heavy = np.argsort(-self.weight, kind="stable")
        self.rng = np.random.default_rng(0)
        self.seen: dict[bytes, float] = {}
        self.slots = Slots(packing, self.gain, self.capacity, self.unit)
        self.promising: Bools = np.zeros(len(problem.value), bool)

    @property
    def target(self) -> float:
        """What the bound of a plan that is better must be above."""
        return -math.inf if self.value == -math.inf else target_of(self.value, self.problem.grain)

    def closes(self, bound: float) -> bool:
        """Whether a bound proves the plan."""
        return bound <= self.target or floored(bound, self.problem.grain) <= self.value

    def allowed(self, x: Bools) -> bool:
        """Whether columns keep to their limits and number."""
        p = self.problem
        new = int((x & (p.lower == 0)).sum())
        return bool((x >= p.lower).all() and (x <= p.upper).all()) and (p.most is None or new <= p.most)

    def try_columns(self, x: Bools) -> float:
        """Put the needs into open columns, keep the plan if it is the best, and return its value."""
        key = np.packbits(x).tobytes()
        if key not in self.seen:
            if self._is_large(x):
                at = self._placed(x)
                self.seen[key] = -math.inf if at is None else self.offer(x, at)
            else:
                self.slots.load(x)
                self.seen[key] = self.offer(*self.slots.answer()) if self.slots.settle() else -math.inf
        return self.seen[key]

    def _is_large(self, x: Bools) -> bool:
        """Whether a table of needs and open columns takes too much memory."""
        return len(self.weight) * int(x.sum()) > TABLE

    def offer(self, x: Bools, at: Ints) -> float:
        """Keep a plan if it is the best, without columns that serve nobody and are worth nothing; return its value."""
        p = self.problem
        used = np.zeros(len(x), bool)
        used[p.benefit.indices[at[at >= 0]]] = True
        x = x & (used | (p.lower > 0) | (p.value > 0))
        value = p.worth(x, at)
        if value > self.value + 1e-12 * abs(value) and p.keeps(x, at):
            self.x, self.at, self.value = x, at.copy(), value
        return value

    def start_from(self, x: Bools, taken: Bools) -> float:
        """Move on from pairs of a relaxation, of each need the best one."""
        at = np.full(len(self.weight), -1)
        pairs = np.flatnonzero(taken & x[self.packing.column])
        pairs = pairs[np.argsort(self.gain[pairs], kind="stable")]
        at[self.packing.need[pairs]] = pairs
        if self.problem.keeps(x, at):
            self.offer(x, at)
            left = self._left(x, at)
            start, column = self.packing.start, self.packing.column
            kernels.descend(start, column, self.usable, self.weight, x, self.problem.must, at, left, STRICT, PASSES)
            return self.offer(x, at)
        found = self._placed(x, at)
        return -math.inf if found is None else self.offer(x, found)

    def exchanged(self, rounds: int, bound: float = math.inf) -> None:
        """Change columns and needs of the best plan at random, settle, and go on from what is hardly worse [1]_.

        How much worse it may be falls to nothing within the rounds. Ends when *bound* proves the plan.

        References
        ----------
        .. [1] G. Dueck, "New optimization heuristics: the great deluge algorithm and the record-to-record travel",
           Journal of Computational Physics 104 (1), 1993, pp. 86-92.
        """
        if self.x is None or self._is_large(self.x) or rounds < 1 or not len(self.packing.column):
            return
        slots, rng = self.slots, self.rng
        slots.load(self.x, self.at)
        slots.settle()
        now, saved = slots.worth(), slots.snapshot()
        self.offer(*slots.answer())
        worse = min(WORSE * abs(self.value - self.problem.constant), max(0.0, bound - self.value))
        for turn in range(rounds):
            if self.control.must_stop or self.closes(bound):
                return
            if not slots.shake(rng, self.promising) or not slots.settle():
                slots.restore(saved)
                continue
            value = slots.worth()
            if value > self.value + 1e-9 * abs(self.value):
                self.offer(*slots.answer())
            if value >= now or value >= self.value - worse * (1.0 - turn / rounds) * rng.random():
                now, saved = value, slots.snapshot()
            else:
                slots.restore(saved)

    def _left(self, x: Bools, at: Ints) -> Floats:
        """Return the room that is left in each column."""
        on = at >= 0
        load = np.bincount(self.packing.column[at[on]], self.weight[on], minlength=len(x))
        return np.asarray(np.where(x, self.capacity, 0.0) - load)

    def _placed(self, x: Bools, at: Ints | None = None) -> Ints | None:
        start, column = self.packing.start, self.packing.column
        at = np.full(len(self.weight), -1) if at is None else at
        left, must = self._left(x, at), self.problem.must
        order = self.heavy[at[self.heavy] < 0]
        kernels.insert(start, column, self.usable, self.weight, x, order, at, left)
        penalty = self.unit
        for _ in range(PENALTIES):
            kernels.descend(start, column, self.usable, self.weight, x, must, at, left, penalty, PASSES)
            if (at[must] < 0).any():
                return None
            if (left >= 0).all():
                break
            penalty *= 2
        return at if (left >= 0).all() and (self.gain[at[at >= 0]] > -np.inf).all() else None


class Descent(NamedTuple):
    """The result of subgradients: the best bound, its prices, and how often columns and pairs were taken of late."""

    bound: float
    v: Floats
    x: Floats
    z: Floats


def lowered(
    packing: Packing, box: Box, v: Floats, rounds: int, plans: Plans, *, step: float = 1.5, offers: int = 0
) -> Descent:
    """Lower the bound of a box by subgradients [1]_ from prices *v*; every *offers* rounds its columns are tried.

    References
    ----------
    .. [1] M. L. Fisher, "The Lagrangian relaxation method for solving integer programming problems", Management Science
       27 (1), 1981, pp. 1-18.
    """
    p, best, top = packing.problem, v, math.inf
    n, m = p.benefit.shape
    mean_x, mean_z = np.zeros(m), np.zeros(len(packing.gain))
    direction = np.zeros(n)
    stale, patience = 0, 20
    for turn in range(rounds):
        bound, chosen = packing.bound(v, box)
        taken = (packing.take > 0) & chosen[packing.column]
        stale = 0 if bound < top - 1e-6 * abs(bound) else stale + 1
        if bound < top:
            top, best = bound, v
        share = max(0.1, 1.0 / (turn + 1))
        mean_x += share * (chosen - mean_x)
        mean_z += share * (taken - mean_z)
        if offers and turn % offers == offers - 1:
            _offer(plans, packing, chosen, taken)
        if not top > plans.target or (plans.control.must_stop and (plans.x is not None or turn > FIRST)):
            break
        if stale >= patience:
            stale, step, v = 0, step * SHORTER, best
            if step < SHORTEST:
                break
        count = np.bincount(packing.need, taken, minlength=n)
        slope = 1.0 - count
        slope[(v <= 0) & (slope > 0) & ~p.must] = 0.0
        direction = slope + MOMENTUM * direction
        if not slope.any():
            plans.start_from(chosen, taken)
        square = float(direction @ direction)
        if square < 1e-12:
            break
        floor = plans.value if math.isfinite(plans.value) else bound - 0.1 * max(1.0, abs(bound))
        gap = max(bound - floor, 1e-6 * max(1.0, abs(bound)))
        v = v - step * gap / square * direction
        v = np.where(p.must, v, np.maximum(v, 0.0))
    return Descent(top, best, mean_x, mean_z)


def _offer(plans: Plans, packing: Packing, chosen: Bools, taken: Bools) -> None:
    """Try the columns of the relaxation, with more of the best of the others where the room is too small."""
    p = plans.problem
    x = chosen.copy()
    need = float(p.weight[p.must].sum())
    order = np.argsort(-packing.worth, kind="stable")
    for j in order.tolist():
        if float(p.capacity[x].sum()) >= need:
            break
        if not x[j] and p.upper[j] > 0:
            x[j] = True
            if not plans.allowed(x):
                x[j] = False
                break
    if plans.allowed(x):
        plans.try_columns(x)
        plans.start_from(x, taken)


def place(problem: SingleSourceProblem) -> Ints:
    """Return good pairs when all columns are open; -1 for needs that are not served."""
    plans = Plans(problem, Packing(problem), Control())
    plans.try_columns(np.ones(problem.benefit.shape[1], bool))
    return plans.at
