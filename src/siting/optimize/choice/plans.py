"""Plans of a market: greedy, interchange, and roundings of relaxed ones."""

from __future__ import annotations

import math

import numpy as np

from siting.numbers import Bools, Floats
from siting.optimize.choice import choice_kernels as kernels
from siting.optimize.choice.problem import Market
from siting.optimize.control import Control

__all__ = ["Plans"]

#: Columns that are opened or replaced between two looks at the clock.
OFTEN = 8


class Plans:
    """Plans of one market that keep its rows."""

    def __init__(self, market: Market, control: Control) -> None:
        self.market, self.control = market, control
        by, rules = market.by_column, market.rules_of
        self._columns = (by.indptr, by.indices, by.data, market.other, market.weight)
        self._rules = (rules.indptr, rules.indices, rules.data, market.low, market.high, market.slack)
        self.least = kernels.LEAST * max(market.total, 1e-300)
        self._seen: set[bytes] = set()

    def _state(self, x: Bools) -> tuple[Floats, np.ndarray, Floats]:
        opened, u = x.astype(float), self.market.utility
        count = np.asarray((u > 0).astype(np.int64) @ x.astype(np.int64), np.int64)
        return np.asarray(u @ opened, float), count, np.asarray(self.market.rows @ opened, float)

    def _gains(self, total: Floats) -> Floats:
        gain = np.zeros(self.market.size)
        kernels.gains(*self._columns, total, gain)
        return gain

    def filled(self, x: Bools, scale: Floats | None = None, until: float = math.inf) -> Bools:
        """Open further columns, the one that adds most times *scale* first, until they capture enough."""
        x, (total, count, activity) = x.copy(), self._state(x)
        scale, gain = np.ones(len(x)) if scale is None else scale, self._gains(total)
        step = OFTEN if math.isinf(until) else 1
        while not self.control.must_stop and (math.isinf(until) or self.market.captured(x) < until):
            state = (x, total, count, activity, gain)
            if kernels.fill(*self._columns, *self._rules, scale, *state, self.least, step):
                break
        return x

    def improved(self, x: Bools, rounds: int = 50) -> Bools:
        """Interchange columns while that gains and time is left."""
        x, u = x.copy(), self.market.utility
        for _ in range(rounds):
            (total, count, activity), better, at = self._state(x), False, np.flatnonzero(x)
            state = (x, total, count, activity, self._gains(total))
            pairs = (*self._columns[:3], u.indptr, u.indices, u.data, *self._columns[3:])
            for first in range(0, len(at), OFTEN):
                if self.control.must_stop:
                    return x
                some = at[first : first + OFTEN]
                better |= kernels.interchange(*pairs, *self._rules, *state, self.least, some)
            if not better:
                break
        return self.filled(x)

    def first(self, start: Bools | None = None) -> Bools | None:
        """Make a good plan; None where none is found that keeps the rows."""
        market = self.market
        begin = np.zeros(market.size, bool) if start is None else np.asarray(start, bool)
        if not market.keeps(begin):
            begin = np.zeros(market.size, bool)
        if not market.keeps(begin):
            return None
        cost = np.zeros(market.size)
        limited = np.isfinite(market.high)
        if limited.any():
            share = 1.0 / np.maximum(np.where(limited, np.abs(market.high), 1.0), 1e-9)
            cost = np.asarray(market.rows.maximum(0.0).T @ np.where(limited, share, 0.0), float)
        plans = [self.filled(begin)]
        if cost.max(initial=0.0) > cost.min(initial=0.0):
            plans.append(self.filled(begin, 1.0 / np.maximum(cost, 1e-9)))
        plans = [self.improved(x) for x in plans]
        return max(plans, key=market.captured)

    def rounded(self, x: Floats, lower: Floats, _upper: Floats) -> Bools | None:
        """Make a plan of a relaxed one: its largest columns that keep the rows, filled up, and interchanged."""
        plan = lower > 0.5
        activity = np.asarray(self.market.rows @ plan.astype(float), float)
        rules, high = self.market.rules_of, self.market.high + self.market.slack
        order = np.flatnonzero((x > 1e-6) & ~plan)
        for j in order[np.lexsort((order, -x[order]))].tolist():
            there = slice(*rules.indptr[j : j + 2])
            after = activity[rules.indices[there]] + rules.data[there]
            if (after <= high[rules.indices[there]]).all():
                plan[j] = True
                activity[rules.indices[there]] = after
        key = plan.tobytes()
        if key in self._seen or not self.market.keeps(plan):
            return None
        self._seen.add(key)
        return self.improved(self.filled(plan), 10)
