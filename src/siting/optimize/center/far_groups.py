"""p-dispersion by groups: open columns so that the smallest distance between two is largest, and prove it.

Columns that are not farther apart than a distance make a group, of which a plan with a larger distance opens one at
most. A group is ruled out when it is in no p groups of which each two hold columns that are farther apart; those that
stay are split, until none is left, or single columns make a plan [1]_.

References
----------
.. [1] C. Contardo, "Decremental clustering for the solution of p-dispersion problems to proven optimality", INFORMS
   Journal on Optimization 2 (2), 2020, pp. 134-144.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np

from siting.numbers import Bools, Floats, Ints, Ints32
from siting.optimize.center import dispersion_kernels as kernels
from siting.optimize.control import Control
from siting.optimize.distances import SAME
from siting.optimize.solution import Solution

__all__ = ["FarGroups", "FarSolution", "bound_by_groups", "solve_by_groups"]

ENGINE = "dispersion by groups"
#: Swaps towards a distance; tries from other columns before the distance is taken for too long; the first step.
SWAPS, TRIES, STEP, LEAST_STEP = 1_000, 20, 1.05, 1.0005
#: How often the distances between plan and bound are halved, and cases for each, before all cases are looked at.
HALVINGS, QUICK = 8, 20_000
#: Cases of one group after which it is split, and how they grow where all groups are single columns.
CASES, MORE = 500_000, 20


@dataclass(frozen=True, eq=False)
class FarGroups:
    """What shows that no plan has a distance above *limit*: groups of columns, and which are ruled out in turn.

    Each level has the group of each column, -1 for those that were ruled out before or cannot open.
    """

    limit: float
    levels: tuple[tuple[Ints32, Ints32], ...]


@dataclass(frozen=True, eq=False)
class FarSolution(Solution):
    """`value` and `bound` are distances, and *groups* show that no plan has more than the bound; None where none do."""

    groups: FarGroups | None = field(default=None, kw_only=True)


def bound_by_groups(distance: Floats, lower: Floats, upper: Floats, least: int, groups: FarGroups | None) -> float:
    """Return the largest distance that is not ruled out, without any belief in how the groups were found.

    *distance* are those between all columns, symmetric. Infinite where the groups rule out nothing.
    """
    must = np.flatnonzero(lower > 0.5)
    top = _smallest(distance, must)
    if groups is None or groups.limit >= top:
        return top
    far_limit, need = groups.limit * (1 + SAME), least - len(must)
    left = _free(distance, lower, upper, far_limit)
    if need < 1:
        return top
    for group, ruled in groups.levels:
        inside = group >= 0
        if len(group) != len(distance) or (left & ~inside).any() or (len(ruled) and ruled.min() < 0):
            return top
        many = int(group.max(initial=-1)) + 1
        far = _far(distance, group.astype(np.int64), many, far_limit)
        if _holds_far(far, many).any() or (len(ruled) and ruled.max() >= many):
            return top
        alive = _bits(np.bincount(group[inside & left], minlength=many)[:many] > 0, far.shape[1])
        if not kernels.confirm(far, ruled.astype(np.int64), need, alive):
            return top
        left &= ~np.isin(group, ruled)
    return top if left.any() else min(top, groups.limit)


def solve_by_groups(distance: Floats, lower: Floats, upper: Floats, least: int, control: Control) -> FarSolution:
    """Open *least* columns so that the smallest distance between two is largest.

    Parameters
    ----------
    distance
        Between all columns, symmetric; infinite where it does not count.
    lower, upper
        0 or 1 for each column: (1, 1) is open in every plan, (0, 0) in none. There are *least* that may open.
    least
        How many open, including those that must.
    """
    return _Search(distance, lower, upper, least, control).run()


class _Search:
    """The state of the search: the best plan with its distance, and the distance that no plan exceeds."""

    def __init__(self, distance: Floats, lower: Floats, upper: Floats, least: int, control: Control) -> None:
        self.distance, self.lower, self.upper, self.control = distance, lower, upper, control
        self.must = np.flatnonzero(lower > 0.5)
        self.may = upper > 0.5
        self.need = max(0, least - len(self.must))
        self.opened = self._farthest_first(None)
        self.value = _smallest(distance, self.opened)
        self.bound = _smallest(distance, self.must)
        self.groups: FarGroups | None = None
        self.nodes = 0
        self.speed = 1e6
        if self.need:
            self._first_bound()

    def run(self) -> FarSolution:
        """Begin with the farthest first; swap; then look at all cases."""
        if not self._done() and not self._report():
            self._improve()
            self._lower_bound()
        cases = CASES
        while not self._done() and not self._report():
            answer = self._farther(self.value, cases)
            if answer is None:
                cases *= MORE
        x = np.zeros(len(self.lower), bool)
        x[self.opened] = True
        status = "optimal" if self._done() else self.control.status
        bound = self.value if self._done() else self.bound
        return FarSolution(x, self.value, bound, status, ENGINE, None, self.nodes, groups=self.groups)

    def _first_bound(self) -> None:
        """Bound the distance by columns near those that must open, or by one group less than columns that open."""
        free = self.may & (self.lower < 0.5)
        if len(self.must):  # farther than this from all of them are too few
            near = self.distance[:, self.must].min(axis=1)
            limit = float(np.sort(near[free])[-self.need])
            far = free & (near > limit * (1 + SAME))
            self._rule_out_all(limit, np.where(far, np.cumsum(far) - 1, -1))
        if self.need > 1:
            centres = self.opened[len(self.must) : -1]
            group = np.where(free, self.distance[:, centres].argmin(axis=1), -1)
            group[centres] = np.arange(len(centres))
            members = (np.flatnonzero(group == number) for number in range(len(centres)))
            self._rule_out_all(max(float(self.distance[np.ix_(each, each)].max()) for each in members), group)

    def _rule_out_all(self, limit: float, group: Ints) -> None:
        """Keep *limit* as the bound where it is shorter: there are fewer groups than columns that open."""
        if limit < self.bound:
            ruled = np.arange(int(group.max(initial=-1)) + 1, dtype=np.int32)
            self.bound, self.groups = limit, FarGroups(limit, ((group.astype(np.int32), ruled),))

    def _done(self) -> bool:
        return self.value >= self.bound * (1 - SAME)

    def _report(self) -> bool:
        bound = None if np.isinf(self.bound) else self.bound
        return self.control.report("distance", None if np.isinf(self.value) else self.value, bound)

    def _farthest_first(self, first: int | None) -> Ints:
        """Open the column farthest from all open ones, again and again; without any, one of the two farthest apart.

        Where distances keep the triangle inequality the smallest is at least half of the largest possible [1]_.

        .. [1] S. S. Ravi, D. J. Rosenkrantz and G. K. Tayi, "Heuristic and special case algorithms for dispersion
           problems", Operations Research 42 (2), 1994, pp. 299-310.
        """
        opened = self.must.tolist()
        near = self.distance[:, self.must].min(axis=1, initial=np.inf)
        near[~self.may | (self.lower > 0.5)] = -np.inf
        if not opened and first is None and self.need:
            among = np.flatnonzero(self.may)
            widest = [float(self.distance[j, among].max(where=among != j, initial=-1.0)) for j in among.tolist()]
            first = int(among[int(np.argmax(widest))])
        for number in range(self.need):
            j = first if number == 0 and first is not None else int(near.argmax())
            opened.append(j)
            near = np.minimum(near, self.distance[j])
            near[j] = -np.inf
        return np.array(opened, np.int64)

    def _improve(self) -> None:
        """Ask for a longer distance, in steps that become smaller, from the best plan and from others."""
        random = np.random.default_rng(0)
        among = np.flatnonzero(self.may & (self.lower < 0.5))
        step, failed, seed = STEP, 0, 0
        shortest = float(self.distance[self.distance > 0].min(initial=np.inf))
        while self.need and failed < TRIES and not self._done() and not self._report():
            seed += 1
            limit = self.value * (step if step > LEAST_STEP else 1 + SAME)
            if self.value <= 0:
                limit = shortest / 2
            opened = self.opened.copy() if not failed else self._farthest_first(int(random.choice(among)))
            usable = self.may & (self.lower < 0.5)
            found = kernels.spread(self.distance, usable, opened, len(self.must), limit, SWAPS, seed)
            if found and _smallest(self.distance, opened) > self.value:
                self._take(opened)
                failed = 0
            elif step > LEAST_STEP:
                step = 1 + (step - 1) / 2
            else:
                failed += 1

    def _take(self, opened: Ints) -> None:
        self.opened, self.value = opened, _smallest(self.distance, opened)

    def _lower_bound(self) -> None:
        """Halve the distances between plan and bound by a few cases."""
        top = min(self.bound, float(self.distance[np.isfinite(self.distance)].max(initial=0.0)))
        low, limit = self.value, top
        for _ in range(HALVINGS):
            if self._done() or self._report() or limit < low:
                break
            if self._farther(limit, QUICK, quick=True) is False:
                limit = low + (self.bound - low) / 2
            elif np.isinf(self.bound):
                break
            else:
                low, limit = limit, limit + (self.bound - limit) / 2

    def _farther(self, limit: float, each: int, *, quick: bool = False) -> bool | None:
        """Look for a plan with a distance above *limit*; False where there is none, None where that is open."""
        far_limit = limit * (1 + SAME)
        group = np.where(_free(self.distance, self.lower, self.upper, far_limit), 0, -1)
        many = self._first_groups(group, limit)
        levels: list[tuple[Ints32, Ints32]] = []
        while not self.control.must_stop:
            far = _far(self.distance, group, many, far_limit)
            while (mixed := _holds_far(far, many)).any():  # two of one group may both open
                many = _split_some(self.distance, group, mixed)
                far = _far(self.distance, group, many, far_limit)
            alive = _bits(np.ones(many, bool), far.shape[1])
            ruled, decided = self._rule_out(far, alive, each, quick)
            count = len(ruled)
            levels.append((group.astype(np.int32), ruled.astype(np.int32)))
            if count == many:
                self.bound, self.groups = limit, FarGroups(limit, tuple(levels))
                return False
            size = np.bincount(group[group >= 0], minlength=many)
            keep = np.ones(many, bool)
            keep[ruled] = False
            if size[keep].max() > 1:
                pieces = np.empty_like(group)
                many = int(kernels.split_groups(self.distance, group, keep, pieces))
                group = pieces
                continue
            if decided:
                return self._plan_of(far, alive, group)
            if not count:
                return None
            group, many = _renumbered(group, keep)
        return None

    def _rule_out(self, far: np.ndarray, alive: np.ndarray, each: int, quick: bool) -> tuple[Ints, bool]:
        """Rule out groups, a second at a time; return which, and whether all were decided."""
        kept, ruled = np.zeros(len(far), bool), np.zeros(len(far), np.int64)
        order = np.argsort(np.bitwise_count(far).sum(axis=1), kind="stable")
        at, count, decided = 0, 0, True
        while at < len(order):
            began = time.perf_counter()
            most = int(self.speed * min(1.0, max(0.05, self.control.seconds_left)))
            at, more, cases, sure = kernels.rule_out(
                far, order, at, self.need, min(each, most), most, alive, kept, ruled[count:]
            )
            count, decided = count + more, decided and sure
            self._clocked(cases, time.perf_counter() - began)
            if self.control.must_stop or (quick and at < len(order)):
                return ruled[:count], False
        return ruled[:count], decided

    def _plan_of(self, far: Floats, alive: Ints, group: Ints) -> bool | None:
        """Open the single columns of groups that are far apart, which are known to be there."""
        found = np.zeros(self.need + 1, np.int64)
        if kernels.find_far(far, alive, self.need, 2**60, found)[0] != 1:
            return None
        column = np.zeros(int(group.max()) + 1, np.int64)
        column[group[group >= 0]] = np.flatnonzero(group >= 0)
        self._take(np.concatenate([self.must, column[found[: self.need]]]))
        return True

    def _clocked(self, cases: int, seconds: float) -> None:
        self.nodes += cases
        if cases > 1000:
            self.speed = max(1e4, cases / max(seconds, 1e-6))

    def _first_groups(self, group: Ints, limit: float) -> int:
        """Group columns around such as are farther than a quarter of the limit from all before."""
        rest = np.where(group >= 0, np.inf, -np.inf)
        number = 0
        while len(rest) and rest.max() > limit / 4:
            j = int(rest.argmax())
            nearer = (self.distance[j] < rest) & (group >= 0)
            nearer[j] = True
            group[nearer], rest[nearer] = number, self.distance[j][nearer]
            rest[j] = 0.0
            number += 1
        return number


def _smallest(distance: Floats, opened: Ints) -> float:
    among = distance[np.ix_(opened, opened)]
    return float(among[~np.eye(len(opened), dtype=bool)].min(initial=np.inf))


def _free(distance: Floats, lower: Floats, upper: Floats, limit: float) -> Bools:
    """Columns that may open, farther than *limit* from all that must."""
    must = lower > 0.5
    return np.asarray((upper > 0.5) & ~must & (distance[:, must].min(axis=1, initial=np.inf) > limit))


def _far(distance: Floats, group: Ints, many: int, limit: float) -> np.ndarray:
    far = np.zeros((many, max(1, -(-many // 64))), np.uint64)
    kernels.join_far(distance, group, limit, far)
    return far


def _bits(chosen: Bools, words: int) -> np.ndarray:
    filled = np.zeros(64 * words, bool)
    filled[: len(chosen)] = chosen
    return np.packbits(filled, bitorder="little").view(np.uint64).copy()


def _holds_far(far: np.ndarray, many: int) -> Bools:
    """Mark groups of which two columns are far apart."""
    at = np.arange(many)
    return np.asarray((far[at, at // 64] >> (at % 64).astype(np.uint64)) & np.uint64(1), bool)


def _split_some(distance: Floats, group: Ints, chosen: Bools) -> int:
    """Split the groups *chosen*, in place; return how many groups there are."""
    pieces = np.empty_like(group)
    count = int(kernels.split_groups(distance, group, chosen, pieces))
    rest = (group >= 0) & (pieces < 0)
    _, numbers = np.unique(group[rest], return_inverse=True)
    group[pieces >= 0] = pieces[pieces >= 0]
    group[rest] = count + numbers
    return count + int(numbers.max(initial=-1)) + 1


def _renumbered(group: Ints, keep: Bools) -> tuple[Ints, int]:
    number = np.where(keep, np.cumsum(keep) - 1, -1)
    return np.where(group >= 0, number[group], -1), int(keep.sum())
