"""Open columns in slots with the needs that they serve: local search on whole needs and on columns."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from siting.numbers import Bools, Floats, Ints, Ints8
from siting.optimize.capacitated import single_source_slots_kernels as kernels
from siting.optimize.capacitated.single_source import Packing

__all__ = ["Saved", "Slots"]

#: What it costs to leave out a need that must be served, times the largest gain.
OUT = 1e9
#: Doublings of the penalty, passes at each, and needs up to which two are swapped.
LADDER, PASSES, SWAPPED = 14, 60, 4_000
#: Best columns of a need, of which one opens.
NEAR = 20


class Saved(NamedTuple):
    """A state of `Slots`."""

    slots: Ints
    table: Floats
    at: Ints
    left: Floats
    columns: Bools


class Slots:
    """Slots of open columns, the slot of each need, and what moves them; see `single_source_slots_kernels`.

    *gain* is that of each pair, minus infinity where a need must not go; *unit* a first penalty of a unit too much.
    """

    def __init__(self, packing: Packing, gain: Floats, capacity: Floats, unit: float) -> None:
        p = self.problem = packing.problem
        self.packing, self.gain, self.capacity, self.unit = packing, gain, capacity, unit
        self.weight, self.value = p.weight.astype(float), p.value.astype(float)
        self.lower, self.upper = p.lower.astype(np.int8), p.upper.astype(np.int8)
        self._pairs = (packing.start, packing.column, packing.first, packing.by_column, packing.need)
        scale = 1.0 + float(np.abs(packing.gain).max(initial=0.0)) + float(np.abs(self.value).max(initial=0.0))
        self._out = np.where(p.must, -OUT * scale, 0.0)
        self._near: Ints | None = None
        self._make(0)

    def _make(self, count: int) -> None:
        n, m = self.problem.benefit.shape
        self.slots: Ints = np.full(count + 1, -1, np.int64)
        self.left: Floats = np.zeros(count + 1)
        self.table: Floats = np.full((n, count + 1), kernels.NEVER)
        self.table[:, count], self.left[count] = self._out, np.inf
        self.at: Ints = np.full(n, count, np.int64)
        self.columns: Bools = np.zeros(m, bool)
        self.fresh: Ints8 = np.ones(count + 1, np.int8)

    @property
    def none(self) -> int:
        """The slot that serves nobody."""
        return len(self.slots) - 1

    @property
    def live(self) -> Ints:
        """The slots that are open, and the one that serves nobody."""
        return np.append(np.flatnonzero(self.slots[:-1] >= 0), self.none)

    def fill(self, q: int, j: int) -> None:
        """Put a column into a slot, -1 for none; its needs are served by nobody for now."""
        if self.slots[q] >= 0:
            self.columns[self.slots[q]] = False
            self.at[self.at == q] = self.none
        kernels.fill_slot(q, j, self.slots, self.table, self.left, self.capacity, *self._pairs[2:], self.gain)
        self.fresh[q] = 1
        if j >= 0:
            self.columns[j] = True

    def empty(self, q: int, members: Ints) -> None:
        """Take needs out of a slot."""
        self.left[q] += self.weight[members].sum()
        self.at[members] = self.none
        self.fresh[q] = 1

    def load(self, x: Bools, at: Ints | None = None) -> None:
        """Open columns, with the pairs of needs, -1 for those that `settle` inserts."""
        wanted = np.flatnonzero(x)
        if len(wanted) > self.none:
            self._make(min(len(x), len(wanted) + len(wanted) // 4 + 2))
        self.at[:] = self.none
        held = self.slots[:-1] >= 0
        for q in np.flatnonzero(held & ~x[self.slots[:-1]]).tolist():
            self.fill(q, -1)
        free = np.flatnonzero(self.slots[:-1] < 0).tolist()
        for q, j in zip(free, wanted[~self.columns[wanted]].tolist(), strict=False):
            self.fill(q, j)
        on = self.slots[:-1] >= 0
        self.left[:-1] = np.where(on, self.capacity[self.slots[:-1]], 0.0)
        if at is not None:
            slot = np.full(len(x), self.none)
            slot[self.slots[:-1][on]] = np.flatnonzero(on)
            placed = at >= 0
            self.at[placed] = slot[self.packing.column[at[placed]]]
            self.at[self.table[np.arange(len(at)), self.at] == kernels.NEVER] = self.none
            self.left[:-1] -= np.bincount(self.at, self.weight, minlength=self.none + 1)[:-1]
        self.fresh[:] = 1

    def room_for_more(self) -> int:
        """Return a slot in which one more column may open; -1 for none."""
        most, new = self.problem.most, int((self.columns & (self.lower == 0)).sum())
        if most is not None and new >= most:
            return -1
        free = np.flatnonzero(self.slots[:-1] < 0)
        if not len(free) and len(self.columns) > self.none:
            x, at = self.answer()
            self._make(min(len(x), self.none + self.none // 4 + 2))
            self.load(x, at)
            free = np.flatnonzero(self.slots[:-1] < 0)
        return int(free[0]) if len(free) else -1

    def settle(self) -> bool:
        """Insert, move and swap needs and move columns until nothing is better; return whether all rules are kept."""
        kept = kernels.settle(
            self.slots, self.live, self.table, self.at, self.left, self.weight, self.capacity, self.value, self.lower,
            self.upper, self.columns, self._pairs, self.gain, self.unit, LADDER, PASSES, self.fresh,
            len(self.weight) <= SWAPPED,
        )  # fmt: skip
        return bool(kept) and not (self.at[self.problem.must] == self.none).any()

    def worth(self) -> float:
        """Return the objective of the slots, without columns that serve nobody and are worth less than nothing."""
        for q in self.live[:-1].tolist():
            j = self.slots[q]
            if self.value[j] < 0 and self.lower[j] == 0 and not (self.at == q).any():
                self.fill(q, -1)
        gains = self.table[np.arange(len(self.at)), self.at]
        return self.problem.constant + float(gains.sum() + self.value[self.columns].sum())

    def answer(self) -> tuple[Bools, Ints]:
        """Return the open columns, and the pair of each need (-1: none)."""
        on = self.at < self.none
        at = np.full(len(self.at), -1)
        pair = np.flatnonzero(on[self.packing.need])
        pair = pair[self.packing.column[pair] == self.slots[self.at[self.packing.need[pair]]]]
        at[self.packing.need[pair]] = pair
        return self.columns.copy(), at

    def snapshot(self) -> Saved:
        """Return a copy of the state."""
        return Saved(self.slots.copy(), self.table.copy(), self.at.copy(), self.left.copy(), self.columns.copy())

    def restore(self, saved: Saved) -> None:
        """Take a state up again."""
        self.slots, self.table, self.at = saved.slots.copy(), saved.table.copy(), saved.at.copy()
        self.left, self.columns = saved.left.copy(), saved.columns.copy()
        self.fresh = np.zeros(len(self.slots), np.int8)

    @property
    def near(self) -> Ints:
        """The best columns of each need, a row each, -1 where there are fewer."""
        if self._near is None:
            start, column = self.packing.start, self.packing.column
            self._near = np.full((len(self.weight), 3 * NEAR), -1, np.int64)
            for i in range(len(self.weight)):
                k = np.arange(start[i], start[i + 1])
                k = k[(self.gain[k] > -np.inf) & (self.upper[column[k]] > 0)]
                best = column[k[np.argsort(-self.gain[k], kind="stable")[: 3 * NEAR]]]
                self._near[i, : len(best)] = best
        return self._near

    def shake(self, rng: np.random.Generator, promising: Bools) -> bool:
        """Change some columns and take needs out near one that is drawn; return whether anything changed.

        *promising* columns are drawn half of the time.
        """
        i = int(rng.integers(len(self.at)))
        a, slots = int(self.at[i]), self.live[:-1]
        kind = int(rng.integers(5))
        if kind == 0 and a != self.none:
            return self._exchanged(a, i, rng, promising)
        if kind == 1 and len(slots):
            q = int(slots[rng.integers(len(slots))])
            changed = self._exchanged(q, i, rng, promising)
            self._thinned(a, rng, 1.0)
            return changed
        if kind == 2 and (q := self.room_for_more()) >= 0:
            j = self._drawn(i, rng, promising)
            if j >= 0:
                self.fill(q, j)
                self._thinned(int(self.at[i]), rng, 1.0)
                return True
        if kind == 3 and a != self.none and self.value[self.slots[a]] < 0 and self.lower[self.slots[a]] == 0:
            self.fill(a, -1)
            return True
        count = int(rng.integers(2, 5))
        there = slots[np.argsort(-self.table[i, slots], kind="stable")[:count]]
        for q in there.tolist():
            self._thinned(q, rng, 0.6)
        if len(there) and rng.random() < 0.7:
            self._exchanged(int(there[rng.integers(len(there))]), i, rng, promising)
        return True

    def _thinned(self, q: int, rng: np.random.Generator, share: float) -> None:
        """Take needs of a slot out, each with a probability."""
        members = np.flatnonzero(self.at == q)
        if q != self.none and len(members):
            self.empty(q, members if share == 1.0 else members[rng.random(len(members)) < share])

    def _exchanged(self, q: int, i: int, rng: np.random.Generator, promising: Bools) -> bool:
        """Put a column near need *i* in the place of another; return whether there is one."""
        j = self._drawn(i, rng, promising) if self.lower[self.slots[q]] == 0 else -1
        if j >= 0:
            self.fill(q, j)
        return j >= 0

    def _drawn(self, i: int, rng: np.random.Generator, promising: Bools) -> int:
        """Return a shut column near a need; -1 for none."""
        near = self.near[i]
        near = near[near >= 0]
        near = near[~self.columns[near]]
        if rng.random() < 0.5 and promising[near].any():
            near = near[promising[near]][: NEAR // 2]
        near = near[:NEAR]
        return int(near[rng.integers(len(near))]) if len(near) else -1
