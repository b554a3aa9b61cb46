"""The transport problem of open columns, kept at its least cost while columns open and close."""

from __future__ import annotations

import numpy as np

from siting.numbers import Bools, Floats, Positions
from siting.optimize.capacitated import transport_kernels as kernels
from siting.optimize.capacitated.location import Location

__all__ = ["Transport"]

#: How much dearer than any way, and any saving, it is to leave somebody without a place who must have one.
DEAR = 10.0


class Transport:
    """People on open columns at the least cost.

    `cost` is what all ways cost. Who must have a place and has none is in slot 0, at the cost `dear`; who may go
    without is in slots of its own.
    """

    def __init__(self, problem: Location, slots: int = 16, dear: float | None = None) -> None:
        self.problem = problem
        n, groups = len(problem.weight), len(problem.spare)
        spread = float(np.ptp(np.append(problem.cost.data, 0.0)))
        most = float(np.abs(problem.opening).max(initial=0.0))
        self.dear = DEAR * spread + most + 1e-12 if dear is None else dear
        self.base = 2 + groups
        self.slot = np.full(problem.cost.shape[1], -1)
        self._make(n, self.base + slots)
        s = self.s
        free = ~problem.must & (problem.group < 0)
        self._stay(0, ~free, self.dear, np.inf)
        self._stay(1, free, 0.0, np.inf)
        for number, spare in enumerate(problem.spare.tolist()):
            self._stay(2 + number, (problem.group == number) & ~problem.must, 0.0, max(0.0, spare))
        kernels.begin(s, free.astype(np.int64))
        self.cost = self.dear * float(s.load[0])
        for slot in range(2, self.base):
            self.cost -= float(kernels.enter(s, slot))

    def _make(self, n: int, slots: int) -> None:
        weight = self.problem.weight.astype(float)
        total = float(weight.sum())
        size = np.array([max(self.dear, self.problem.scale), 1e-10 * max(total, 1e-300)])
        self.s = kernels.Slots(
            np.full((slots, n), np.inf), np.zeros((slots, n)), weight, np.zeros(slots), np.zeros(slots),
            np.zeros(slots), np.zeros(slots, bool), np.full((slots, slots), np.inf), np.full((slots, slots), -1),
            np.zeros((slots, n), np.int32), np.zeros(slots, np.int64), np.zeros((slots, n), np.int32),
            np.zeros((slots, n), np.int32), np.zeros(slots, np.int64), np.zeros((n, slots), np.int32),
            np.zeros(n, np.int64), np.zeros(slots), np.zeros(slots), np.zeros(slots, np.int64), np.zeros(slots, bool),
            size,
        )  # fmt: skip

    def _stay(self, slot: int, members: Bools, cost: float, room: float) -> None:
        at = np.flatnonzero(members)
        kernels.occupy(self.s, slot, at, np.full(len(at), cost), room, 1.0)

    def _grow(self) -> None:
        old, slots = self.s, 2 * len(self.s.used)
        k = len(old.used)
        self._make(len(old.weight), slots)
        for name in ("cost", "flow", "part", "room", "load", "used", "near", "count", "member", "place", "held",
                     "potential"):  # fmt: skip
            getattr(self.s, name)[:k] = getattr(old, name)
        self.s.step[:k, :k], self.s.via[:k, :k] = old.step, old.via
        self.s.around[:, :k], self.s.options[:] = old.around, old.options

    def open(self, j: int, part: float = 1.0) -> float:
        """Open column *j*, or a part of it; return by how much the cost of the ways falls."""
        free = np.flatnonzero(~self.s.used)
        if not len(free):
            self._grow()
            free = np.flatnonzero(~self.s.used)
        slot, of = int(free[0]), self.problem.columns
        self.slot[j] = slot
        there = slice(of.start[j], of.start[j + 1])
        kernels.occupy(self.s, slot, of.need[there], of.cost[there], self.problem.capacity[j] * part, part)
        won = float(kernels.enter(self.s, slot))
        self.cost -= won
        return won

    def close(self, j: int) -> float:
        """Close column *j*; return by how much the cost of the ways rises."""
        slot = int(self.slot[j])
        self.slot[j] = -1
        lost = float(kernels.leave(self.s, slot))
        self.cost += lost
        return lost

    @property
    def open_columns(self) -> Bools:
        """The open columns."""
        return self.slot >= 0

    @property
    def lacking(self) -> float:
        """People without a place who must have one."""
        return float(self.s.load[0])

    def add_up(self) -> float:
        """Add up anew what all ways cost, and what is asked for people without a place who must have one."""
        self.cost = float(kernels.add_up(self.s))
        return self.cost

    def flow(self) -> tuple[Positions, Positions, Floats]:
        """Return needs, open columns, and the people of the needs in them."""
        columns = np.flatnonzero(self.slot >= 0)
        at, need = np.nonzero(self.s.flow[self.slot[columns]])
        return need, columns[at], self.s.flow[self.slot[columns][at], need]

    def prices(self) -> Floats:
        """Return the price of each need."""
        price = np.zeros(len(self.s.weight))
        kernels.price_needs(self.s, price)
        return price
