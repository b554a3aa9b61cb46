"""Local search for plans of locations with capacities: columns are opened, closed and exchanged, by transport problems.

What opening or closing changes is estimated from prices first, so that few exchanges are tried: a column wins no more
than it can fill its places with at the present prices.
"""

from __future__ import annotations

import logging

import numpy as np

from siting.numbers import Bools, Floats, Positions
from siting.optimize.capacitated import price_kernels
from siting.optimize.capacitated.location import Location, broken, payable
from siting.optimize.capacitated.transport import Transport
from siting.optimize.control import Control

__all__ = ["Exchange"]

log = logging.getLogger(__name__)
#: Columns that are tried in the place of one that closes, and columns tried to open at once.
TRIED = 4
#: Columns that are closed in turn to do with one less, and rounds of exchanges for each.
SQUEEZED, ROUNDS = 3, 20
#: How many columns are closed in turn where a search follows, and how often it closes some near each other.
PACKED, PACKS = 8, 150


class Exchange:
    """The best plan so far, and the search for better ones from any choice of columns.

    A choice costs its columns, its ways, what is asked for people without a place, and `penalty` for each row that it
    breaks by the size of its entries.
    """

    def __init__(self, problem: Location, control: Control) -> None:
        self.problem, self.control = problem, control
        self.must = problem.lower > 0
        self.free = ~self.must & (problem.upper > 0) & (problem.usable > 0)
        self.x: Bools | None = None
        self.value = np.inf
        self.transport = Transport(problem)
        most = float(np.abs(problem.opening).max(initial=0.0))
        self.penalty = 2.0 * (self.transport.dear * float(problem.usable.max(initial=1.0)) + most)
        self._rows = problem.rows.toarray()
        self._look = np.ones(len(problem.opening), bool)  # columns that may be closed for the better
        self._prices, self._won = np.full(len(problem.weight), np.nan), np.zeros(len(problem.opening))
        self.tiny = 1e-9 * max(1.0, problem.scale)
        for j in np.flatnonzero(self.must):
            self.transport.open(int(j))

    def cost(self) -> float:
        """Add up what the present choice costs."""
        x = self.transport.open_columns
        return self.transport.cost + float(self.problem.opening[x].sum()) + self.penalty * self.problem.broken(x)

    def set(self, x: Bools, *, at_once: bool = False) -> None:
        """Open the columns *x* and no others; with *at_once* only as far as there is time."""
        now = self.transport.open_columns
        for j in np.flatnonzero(x != now):
            if at_once and self.control.must_stop:
                return
            if x[j]:
                self.transport.open(int(j))
            else:
                self.transport.close(int(j))

    def keep(self) -> bool:
        """Keep the present choice if it is a plan and the best."""
        x, transport = self.transport.open_columns, self.transport
        if transport.lacking > 1e-9 * max(1.0, float(self.problem.weight.sum())) or not self.problem.keeps_rows(x):
            return False
        value = transport.add_up() + float(self.problem.opening[x].sum())
        if value < self.value - 1e-12 * abs(value):
            self.x, self.value = x.copy(), value
            log.debug("location: a plan of %.10g", value)
            return True
        return False

    def broken_with(self, x: Bools, into: Positions) -> Floats:
        """By how much rows are broken when one of *into* opens, for each."""
        problem = self.problem
        if not len(problem.low):
            return np.zeros(len(into))
        each = (self._rows @ x.astype(float))[:, None] + self._rows[:, into]
        return broken(each, problem.low, problem.high, problem.largest)

    def gains(self) -> Floats:
        """Return the most that opening each column could win at the present prices."""
        problem, of = self.problem, self.problem.columns
        v = payable(problem, self.transport.prices())
        changed = np.flatnonzero(v != self._prices)
        price_kernels.refill(
            of.start, of.need, of.cost, problem.weight, problem.capacity, v, problem.upper, problem.cost.indptr,
            problem.cost.indices, changed, self._won,
        )  # fmt: skip
        self._prices = v
        return self._won - problem.opening

    def climb(self, rounds: int = 1000, among: Bools | None = None, around: Bools | None = None) -> float:
        """Open, close and exchange until nothing improves; return the cost.

        With *around* only those columns are closed, and ones beside those that open or close on the way.
        """
        cost, free = self.cost(), self.free if among is None else self.free & among
        self._look = np.ones(len(free), bool) if around is None else around.copy()
        for _ in range(rounds):
            before, whole = cost, bool(self._look.all())
            cost = self._open(cost, free)
            cost = self._exchange(cost, free)
            if self.control.must_stop:
                break
            if cost >= before - self.tiny:
                if around is not None or whole:
                    break
                self._look[:] = True
        self.keep()
        return cost

    def beside(self, columns: Positions) -> Bools:
        """Return which columns share a need with any of *columns*, or are among these."""
        problem, of = self.problem, self.problem.columns
        near = np.zeros(len(problem.opening), bool)
        near[columns] = True
        for j in columns:
            needs = of.need[of.start[j] : of.start[j + 1]]
            start, count = problem.cost.indptr[needs], np.diff(problem.cost.indptr)[needs]
            at = np.arange(count.sum()) + np.repeat(start - np.append(0, np.cumsum(count)[:-1]), count)
            near[problem.cost.indices[at]] = True
        return near

    def some_near(self, column: int, number: int, draw: np.random.Generator) -> Positions:
        """Return an open column and so many in all of the open ones beside it, as far as there are."""
        others = np.flatnonzero(self.beside(np.array([column])) & self.transport.open_columns & self.free)
        others = others[others != column]
        return np.append(column, draw.choice(others, min(len(others), number - 1), replace=False))

    def squeeze(self, *, packs: bool = False) -> None:
        """Close a column of the best plan and exchange others until all have a place again, as long as that works.

        With *packs* columns near each other are closed and opened anew where exchanges alone do not reach it.
        """
        draw = np.random.default_rng(0)
        while self.x is not None and not self.control.must_stop:
            best = self.value
            self.set(self.x)
            on = np.flatnonzero(self.x & self.free)
            if not len(on):
                return
            rises = []
            for j in on:
                rises.append(self.transport.close(int(j)))
                self.transport.open(int(j))
            for k in np.argsort(np.array(rises) - self.problem.opening[on], kind="stable")[
                : PACKED if packs else SQUEEZED
            ]:
                self.transport.close(int(on[k]))
                cost = self._settle(self.cost(), np.ones(len(self.free), bool))
                if self.value < best or self.control.must_stop:
                    break
                if packs and self._pack(cost, draw):
                    break
                self.set(self.x)
            if self.value >= best:
                return

    def _settle(self, cost: float, around: Bools) -> float:
        """Exchange columns until nothing improves, or all have a place."""
        self._look = around
        for _ in range(ROUNDS):
            before = cost
            cost = self._exchange(cost, self.free)
            if self.keep() or cost >= before - self.tiny or self.control.must_stop:
                break
        return cost

    def _pack(self, cost: float, draw: np.random.Generator) -> bool:
        """Close columns near each other and open as many again, with exchanges, until all have a place."""
        best, x = self.value, self.transport.open_columns.copy()
        for _ in range(PACKS):
            on = np.flatnonzero(x & self.free)
            if self.control.must_stop or not len(on):
                break
            shut = self.some_near(int(draw.choice(on)), int(draw.integers(2, 5)), draw)
            for j in shut:
                self.transport.close(int(j))
            for _ in shut:
                self._open_best(shut)
            after = self._settle(self.cost(), self.beside(shut))
            if self.value < best:
                return True
            if after <= cost + self.tiny:
                cost, x = after, self.transport.open_columns.copy()
            else:
                self.set(x)
        return False

    def _open_best(self, without: Positions) -> None:
        """Open the column that wins most at the present prices."""
        x = self.transport.open_columns
        may = self.free & ~x
        if may.sum() > len(without):
            may[without[0]] = False
        into = np.flatnonzero(may)
        if len(into):
            most = self.gains()[into] - self.penalty * self.broken_with(x, into)
            self.transport.open(int(into[np.argmax(most)]))

    def _open(self, cost: float, free: Bools) -> float:
        """Open columns while that lowers the cost."""
        while not self.control.must_stop:
            x = self.transport.open_columns
            into = np.flatnonzero(free & ~x)
            if not len(into):
                return cost
            now = self.penalty * self.problem.broken(x)
            most = self.gains()[into] - self.penalty * self.broken_with(x, into) + now
            order = np.argsort(-most, kind="stable")
            for k in order[:TRIED]:
                if most[k] <= self.tiny:
                    return cost
                j = int(into[k])
                self.transport.open(j)
                after = self.cost()
                if after < cost - self.tiny:
                    cost = after
                    self._look |= self.beside(np.array([j]))
                    break
                self.transport.close(j)
            else:
                return cost
        return cost

    def _exchange(self, cost: float, free: Bools) -> float:
        """Close each column in turn, and open another in its place where that is better."""
        for out in np.flatnonzero(self.transport.open_columns & self.free & self._look):
            if self.control.must_stop:
                return cost
            self._look[out] = False
            self.transport.close(int(out))
            x = self.transport.open_columns
            after = self.cost()
            if after < cost - self.tiny:
                cost = after
                self._look |= self.beside(np.array([out]))
                continue
            into = np.flatnonzero(free & ~x)
            into = into[into != out]
            broken = self.penalty * (self.broken_with(x, into) - self.problem.broken(x))
            most = self.gains()[into] - broken
            taken = False
            for k in np.argsort(-most, kind="stable")[:TRIED]:
                if after - most[k] >= cost - self.tiny:
                    break
                j = int(into[k])
                self.transport.open(j)
                there = self.cost()
                if there < cost - self.tiny:
                    cost, taken = there, True
                    self._look |= self.beside(np.array([out, j]))
                    break
                self.transport.close(j)
            if not taken:
                self.transport.open(int(out))
        return cost
