"""Prices of a location with capacities by subgradients: the columns that win most open, within the rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from siting.numbers import Bools, Floats
from siting.optimize.capacitated import price_kernels
from siting.optimize.capacitated.location import Location
from siting.optimize.control import Control
from siting.optimize.highs import Simplex
from siting.optimize.programme import Programme

__all__ = ["Chosen", "Descent", "descend"]


#: How much dearer than what any column wins it is to break a row by 1.
DEAR = 100.0
#: Of what the bound is, and of what it lacks of the target, the parts that wary steps aim above it.
LEAP, PART = 0.03, 0.2


@dataclass(frozen=True, eq=False)
class Descent:
    """Best prices of needs and of rows, their bound, how often each column was open, and prices on the way."""

    v: Floats
    y: Floats
    bound: float
    part: Floats
    trail: list[Floats]


class Chosen:
    """The columns of a box that win most within the rows, in parts, and prices of the rows that show it."""

    def __init__(self, problem: Location) -> None:
        self.problem = problem
        self.rows = problem.rows.toarray()
        self.simplex: Simplex | None = None
        self.set(problem.lower > 0, problem.upper > 0)

    def set(self, lower: Bools, upper: Bools) -> None:
        """Look at another box."""
        problem = self.problem
        self.lower, self.upper = lower.astype(float), upper.astype(float)
        self.free = np.flatnonzero(upper & ~lower)
        forced = self.rows @ self.lower
        self.counts = bool((self.rows[:, self.free] == 1.0).all())
        over, under = problem.high - forced, problem.low - forced
        self.high, self.low = float(over.min(initial=np.inf)), float(under.max(initial=-np.inf))
        self.tight_high, self.tight_low = (int(np.argmin(over)), int(np.argmax(under))) if len(over) else (-1, -1)
        if self.simplex is not None:
            self.simplex.bound(np.arange(len(lower)), self.lower, self.upper)

    def choose(self, won: Floats) -> tuple[Floats, Floats] | None:
        """Return columns in parts that keep the rows and win most, and the prices of the rows; None without any."""
        problem = self.problem
        y = np.zeros(len(problem.low))
        if not self.counts:
            return self._by_solver(won)
        x = self.lower.copy()
        free = self.free
        order = free[np.argsort(-won[free], kind="stable")]
        good = int((won[order] > 0).sum())
        number = int(min(max(good, np.ceil(self.low - 1e-9)), np.floor(self.high + 1e-9), len(order)))
        x[order[:number]] = 1.0
        if number < good:
            y[self.tight_high] = max(0.0, won[order[number]])
        elif number > good:
            y[self.tight_low] = min(0.0, won[order[number - 1]])
        return x, y

    def _by_solver(self, won: Floats) -> tuple[Floats, Floats] | None:
        problem = self.problem
        m, r = len(won), len(problem.low)
        most = max(1e-9, float(np.abs(won).max(initial=0.0)))
        if self.simplex is None:
            ones = np.eye(r)  # what rows miss, which is dear
            self.simplex = Simplex(
                Programme(
                    np.zeros(m + 2 * r), np.append(self.lower, np.zeros(2 * r)),
                    np.append(self.upper, np.full(2 * r, np.inf)), csr_array(np.hstack([self.rows, ones, -ones])),
                    problem.low.copy(), problem.high.copy(), 0,
                )
            )  # fmt: skip
        self.simplex.price(np.arange(m + 2 * r), np.append(-won / most, np.full(2 * r, DEAR)))
        answer = self.simplex.solve()
        if answer.status != "optimal":
            return None
        y = -answer.prices * most
        y = np.where(np.isinf(problem.high), np.minimum(y, 0.0), y)
        return np.clip(answer.x[:m], 0.0, 1.0), np.where(np.isinf(problem.low), np.maximum(y, 0.0), y)


def descend(
    problem: Location, chosen: Chosen, v: Floats, target: float, rounds: int, control: Control, *,
    enough: float = np.inf, pace: float = 1.0, every: int = 0, wary: bool = False,
) -> Descent:  # fmt: skip
    """Raise the bound of a box by deflected subgradients with Polyak's steps towards *target*, the cost of a plan.

    Prices are in units of the people of a need. *every* so many rounds the prices are kept on the trail. With
    *wary* steps aim at no more than is likely to be reached, where *target* may be far above that.
    """
    of, w, opening = problem.columns, problem.weight, problem.opening
    take, won, taken = np.zeros(len(of.need)), np.zeros(len(opening)), np.zeros(len(w))
    grouped = (problem.group >= 0) & ~problem.must
    free = ~problem.must & ~grouped
    at, group, groups = np.flatnonzero(grouped), problem.group[grouped], len(problem.spare)
    # a person of a group costs what the group pays, less what the need pays for its people being so few
    top = np.zeros(groups)
    np.maximum.at(top, group, v[at])
    rest_of = np.zeros(len(w))
    rest_of[at] = top[group] - v[at]
    wanted = np.bincount(group, w[at], groups) - problem.spare
    pays = np.bincount(group, problem.metric[at] * w[at], groups) / np.maximum(1, np.bincount(group, minlength=groups))
    pays = pays / np.maximum(wanted, 1e-12)
    top_direction = np.zeros(groups)
    best = Descent(v, np.zeros(len(problem.low)), -np.inf, np.zeros(len(opening)), [])
    part, direction, idle = np.zeros(len(opening)), np.zeros(len(w)), 0
    trail: list[Floats] = []
    metric = problem.metric
    rest = 20
    for number in range(rounds):
        v = np.where(free, np.minimum(v, 0.0), v)
        price_kernels.fill(of.start, of.need, of.cost, w, problem.capacity, v, chosen.upper, won, take)
        found = chosen.choose(won - opening)
        if found is None:
            break
        x, y = found
        paid = float(v @ w)
        if groups:
            dearest = np.zeros(groups)
            np.maximum.at(dearest, group, v[at])
            paid -= float(dearest @ problem.spare)
        limits = np.where(y > 0, np.where(np.isinf(problem.high), 0, problem.high),
                          np.where(np.isinf(problem.low), 0, problem.low))  # fmt: skip
        reduced = won - opening - problem.rows.T @ y
        bound = (
            paid
            - float(y @ limits)
            - float(np.where(reduced > 0, reduced * chosen.upper, reduced * chosen.lower).sum())
        )
        part = x if not number else 0.95 * part + 0.05 * x
        idle += 1
        if bound > best.bound:
            idle = idle if bound < best.bound + 1e-5 * abs(best.bound) else 0
            best = Descent(v, y, bound, part, trail)
        if every and number % every == 0:
            trail.append(v.copy())
        if idle > rest:
            pace, idle = 0.7 * pace, 0
        if best.bound >= enough or pace < 1e-4 or control.must_stop:
            break
        price_kernels.add_taken(of.start, of.need, take, x, taken)
        slope = w - taken
        slope[free & (v >= 0) & (slope > 0) & (direction * slope >= 0)] = 0.0
        slope[at[(rest_of[at] <= 0) & (slope[at] > 0) & (direction[at] * slope[at] >= 0)]] = 0.0
        direction = 0.6 * direction + slope
        norm = float((direction**2 * metric).sum())
        if groups:
            short = wanted - np.bincount(group, taken[at], groups)
            short[(top <= 0) & (short < 0) & (top_direction * short >= 0)] = 0.0
            top_direction = 0.6 * top_direction + short
            norm += float((top_direction**2 * pays).sum())
        if norm <= 0:
            break
        aim = target
        if wary:
            aim = min(target, best.bound + max(LEAP * abs(best.bound), PART * (target - best.bound)))
        step = pace * max(aim - bound, 1e-6 * abs(target)) / norm
        if groups:
            top = np.maximum(0.0, top + step * top_direction * pays)
            rest_of[at] = np.maximum(0.0, rest_of[at] - step * direction[at] * metric[at])
        v = v + step * direction * metric
        v[at] = top[group] - rest_of[at]
    return Descent(best.v, best.y, best.bound, part, trail)
