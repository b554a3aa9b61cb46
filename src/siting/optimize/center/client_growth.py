"""p-center with few of the clients: open p columns so that the largest distance of a client is least.

The clients that decide are few. A plan is looked for that serves some of them within a distance; clients whom it does
not serve are added, until it serves all, or there is no plan for those few, and so none for all [1]_. No more than the
distances of these few clients to all columns are held.

References
----------
.. [1] C. Contardo, M. Iori and R. Kramer, "A scalable exact algorithm for the vertex p-center problem", Computers &
   Operations Research 103, 2019, pp. 211-220.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from scipy.sparse import csr_array

from siting.numbers import Bools, Floats, Ints
from siting.optimize.center import center_kernels as kernels
from siting.optimize.control import Control
from siting.optimize.covering.covering import solve_covering
from siting.optimize.covering.presolve import reduce
from siting.optimize.distances import SAME
from siting.optimize.model import Model
from siting.optimize.proof import Proof, bound_of
from siting.optimize.solution import Solution
from siting.optimize.sparse_rows import entries_of, transposed, with_data

__all__ = ["Decision", "Distances", "GrownCenter", "bound_of_grown", "fewest_within", "question_of", "solve_growing"]

log = logging.getLogger(__name__)

ENGINE = "center by clients"
#: Swaps without success after which a distance is taken for too short, until it is shown.
SWAPS = 4_000
#: How often the distances between bound and plan are halved before trees are grown.
HALVINGS = 7


class Distances(Protocol):
    """Distances of clients to columns, made as they are asked for; infinite where a column is out of reach."""

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of clients and columns."""

    def rows(self, clients: Ints) -> Floats:
        """Return the distances of some clients to all columns."""

    def nearest(self, columns: Ints) -> tuple[Floats, Ints]:
        """Return the distance of each client to the nearest of some columns, and which of them it is."""


@dataclass(frozen=True, eq=False)
class GrownCenter(Solution):
    """A plan for all clients, with a bound by some of them: `value` and `bound` are minus the distance.

    The clients *held* decide; the proof shows that the first *ruled* of them are not served within *limit*, which is
    negative where nothing was ruled out. `bound_of_grown` adds it up.
    """

    held: Ints = field(kw_only=True)
    ruled: int = field(kw_only=True)
    limit: float = field(kw_only=True)


def bound_of_grown(distances: Distances, lower: Floats, upper: Floats, most: int, found: GrownCenter) -> float:
    """Return the distance that is not ruled out, as it follows from the distances of the clients held.

    Nobody is nearer than the nearest column that may open. Where *most* columns do not serve some clients within a
    limit, the answer is one of their longer distances.
    """
    distance = distances.rows(found.held)
    distance[:, upper < 0.5] = np.inf
    bound = float(distance.min(axis=1, initial=math.inf).max(initial=0.0))
    if found.proof is not None and found.ruled and math.isfinite(found.limit):
        distance = distance[: found.ruled]
        question = question_of(distance, found.limit, lower, upper)[0]
        if min(bound_of(question, found.proof), bound_of(reduce(question).model, found.proof)) < -most - 1e-6:
            bound = max(bound, float(distance[distance > found.limit * (1 + SAME)].min(initial=math.inf)))
    return bound


@dataclass(frozen=True, eq=False)
class _Cover:
    """Clients (positions among those held) and columns that are left when those that change nothing are left out."""

    clients: Ints
    columns: Ints
    within: csr_array


def fewest_within(within: csr_array, lower: Floats, upper: Floats) -> Model:
    """Return the problem of covering all needs by the pairs *within* a distance with the fewest further columns."""
    n, m = within.shape
    return Model(
        benefit=with_data(within, np.zeros(within.nnz)),
        value=np.where(lower > 0.5, 0.0, -1.0), rows=csr_array((0, m)), low=np.zeros(0), high=np.zeros(0),
        lower=lower, upper=upper, shares=csr_array((0, n)), wanted=np.zeros(0), must=np.ones(n, bool),
        grain=1.0,
    )  # fmt: skip


def _reduced(distance: Floats, limit: float, usable: Bools, rows: Ints) -> _Cover:
    """Leave out columns that serve no more than another, and clients that are served where another is."""
    n, m = len(rows), distance.shape[1]
    words, farthest = np.zeros((m, max(1, -(-n // 64))), np.uint64), np.zeros(m)
    kernels.cover_words(distance, limit, usable, rows, words, farthest)
    columns, clients = np.arange(m), np.arange(n)
    while True:
        size = np.zeros(len(columns), np.int64)
        kernels.size_of_sets(words, size)
        kept = np.empty(len(columns), np.int64)
        kept = kept[: kernels.different_sets(words, size, farthest, kept)]
        order, largest = kept[np.lexsort((kept, -size[kept]))], np.empty(len(kept), np.int64)
        largest = largest[: kernels.largest_sets(words, order, largest)]
        columns, words, farthest = columns[largest], words[largest], farthest[largest]
        of = np.zeros((len(clients), max(1, -(-len(columns) // 64))), np.uint64)
        kernels.turned(words, np.arange(len(columns)), clients, of)
        size = np.zeros(len(clients), np.int64)
        kernels.size_of_sets(of, size)
        order, smallest = np.lexsort((np.arange(len(clients)), size)), np.empty(len(clients), np.int64)
        smallest = np.sort(smallest[: kernels.smallest_sets(of, order, smallest)])
        if len(smallest) == len(clients):
            break
        clients = clients[smallest]
        keep = np.zeros(words.shape[1] * 64, bool)
        keep[clients] = True
        words = words & np.packbits(keep, bitorder="little").view(np.uint64)
    bits = np.unpackbits(words.view(np.uint8), axis=1, bitorder="little")[:, clients]
    return _Cover(rows[clients], columns, transposed(csr_array(bits.astype(float))))


def question_of(distance: Floats, limit: float, lower: Floats, upper: Floats) -> tuple[Model, _Cover]:
    """Return the question with how few further columns some clients are served within *limit*, made smaller.

    *distance* are those of the clients to all columns; one that is longer by rounding errors only counts as no longer.
    """
    opened, limit = lower > 0.5, limit * (1 + SAME)
    alone = ~(distance[:, opened] <= limit).any(axis=1)
    cover = _reduced(distance, limit, (upper > 0.5) & ~opened, np.flatnonzero(alone))
    size = len(cover.columns)
    return fewest_within(cover.within, np.zeros(size), np.ones(size)), cover


class Decision(Control):
    """Stops the covering engine when it is known whether *most* columns are enough, or after so many *nodes*."""

    def __init__(
        self, control: Control, most: int, known: tuple[float | None, float | None], nodes: float = math.inf
    ) -> None:
        vars(self).update(vars(control.for_subproblem()))
        self.most, self.outer, self.known, self.left = most, control, known, nodes

    def report(self, step: str, value: float | None = None, bound: float | None = None) -> bool:
        """Report the distances that are known; return whether it is decided, or time is up."""
        enough = value is not None and value > -self.most - 0.5
        never = bound is not None and bound < -self.most - 0.5
        self.left -= step == "search"
        return enough or never or self.left < 0 or self.outer.report(step, *self.known)


def solve_growing(
    distances: Distances, lower: Floats, upper: Floats, most: int, control: Control, first: int | None = None
) -> GrownCenter:
    """Open columns so that the largest distance of a client to its nearest open column is least.

    Parameters
    ----------
    distances
        Of clients to columns.
    lower, upper
        0 or 1 for each column: (1, 1) is open in every plan, (0, 0) in none.
    most
        Most columns that open in addition to those that must.
    first
        A client who is held in any case, such as the one who is farthest from the nearest column.

    Returns
    -------
    GrownCenter
        Its `x` is None where no plan was found at once.
    """
    return _Growth(distances, lower, upper, most, control).run(first)


class _Growth:
    """The state of the search: clients held, the best plan with its distance, and what is too short."""

    def __init__(self, distances: Distances, lower: Floats, upper: Floats, most: int, control: Control) -> None:
        self.distances, self.lower, self.upper, self.most, self.control = distances, lower, upper, most, control
        self.n, self.m = distances.shape
        self.usable, self.must = upper > 0.5, np.flatnonzero(lower > 0.5)
        self.held = np.zeros(0, np.int64)
        self.distance = np.empty((0, self.m))
        self.opened = np.zeros(0, np.int64)
        self.best, self.bound = math.inf, 0.0
        self.ruled_out: tuple[float, int, Proof | None] = (-1.0, 0, None)
        self.nodes = self.seed = 0

    def run(self, first: int | None) -> GrownCenter:
        """Begin with the farthest first; shorten the distance by swaps; show that the next shorter is too short."""
        if self.n:
            self._begin()
            self._hold(np.array([] if first is None else [first], np.int64))
        if math.isfinite(self.best):
            self._shorten()
            self._raise()
        while math.isfinite(self.best) and not self._done() and not self._report():
            if self._serve(self._before(self.best), math.inf) is None:
                break
        limit, ruled, proof = self.ruled_out
        more: Any = {"nodes": self.nodes, "held": self.held, "ruled": ruled, "limit": limit}
        if not math.isfinite(self.best):
            return GrownCenter(None, -math.inf, -self.bound, self.control.status, ENGINE, proof, **more)
        x = self.lower > 0.5
        x[self.opened] = True
        bound, status = (self.best, "optimal") if self._done() else (self.bound, self.control.status)
        return GrownCenter(x, -self.best, -bound, status, ENGINE, proof, **more)

    def _done(self) -> bool:
        return self.bound >= self.best * (1 - SAME)

    def _report(self) -> bool:
        return self.control.report("distance", -self.best, -self.bound)

    def _hold(self, clients: Ints) -> None:
        new = np.setdiff1d(clients, self.held)
        if len(new):
            rows = self.distances.rows(new)
            rows[:, ~self.usable] = np.inf
            self.held = np.concatenate([self.held, new])
            self.distance = np.concatenate([self.distance, rows])
            self.bound = max(self.bound, float(rows.min(axis=1).max()))

    def _before(self, limit: float) -> float:
        """Return the longest distance held that is shorter, beyond rounding errors."""
        shorter = self.distance[self.distance < limit * (1 - SAME)]
        return float(shorter.max(initial=-1.0))

    def _after(self, limit: float) -> float:
        longer = self.distance[self.distance > limit * (1 + SAME)]
        return float(longer.min(initial=math.inf))

    def _begin(self) -> None:
        """Open the nearest column of the client that is farthest from all open ones, again and again.

        With distances between points the largest is at most three times the least possible [1]_.

        .. [1] D. S. Hochbaum and D. B. Shmoys, "A best possible heuristic for the k-center problem", Mathematics of
           Operations Research 10 (2), 1985, pp. 180-184.
        """
        far = np.full(self.n, np.inf)
        if len(self.must):
            far = self.distances.nearest(self.must)[0]
        elif self.most:  # not a client in the middle: the one that is farthest from it
            row = self.distances.rows(np.zeros(1, np.int64))[0]
            row[~self.usable] = np.inf
            one = self.distances.nearest(np.array([row.argmin()]))[0]
            far = np.where(np.isfinite(one), one, 0.0) if np.isfinite(one).all() else far
            first = int(far.argmax())
            far = np.full(self.n, np.inf)
            far[first] = np.inf
        else:
            first = 0
        opened: list[int] = []
        for number in range(self.most):
            need = first if number == 0 and not len(self.must) else int(far.argmax())
            if far[need] <= 0:
                break
            self._hold(np.array([need]))
            column = int(self.distance[-1].argmin())
            if not math.isfinite(self.distance[-1, column]):
                break
            opened.append(column)
            far = np.minimum(far, self.distances.nearest(np.array([column]))[0])
        self.opened = np.array(opened, np.int64)
        self.best = float(far.max())
        self._hold(np.array([int(far.argmax())]))

    def _shorten(self) -> None:
        """Halve the distances between the longest that seems too short and that of the best plan."""
        short = self.bound * (1 - 2 * SAME)  # the bound itself may be long enough
        while not self._done() and not self._report():
            middle = self._before(short + (self.best - short) / 2)
            middle = middle if middle > short else self._after(short)
            if middle >= self.best * (1 - SAME):
                break
            if not self._serve(middle):
                short = max(middle, self.bound * (1 - 2 * SAME))

    def _raise(self) -> None:
        """Halve the distances between the bound and the plan by the relaxation alone, a few times."""
        top = self.best
        for _ in range(HALVINGS):
            middle = self._before(self.bound + (top - self.bound) / 2)
            if middle < self.bound * (1 - SAME) or self._done() or self._report():
                break
            if self._serve(middle, swaps=0) is None:
                top = middle

    def _serve(self, limit: float, nodes: float = 0, swaps: int = SWAPS) -> bool | None:
        """Look for a plan that serves all within *limit*; False where there is none, None where that is open.

        The covering engine takes *nodes* of a tree, where swaps find nothing.
        """
        opened = self.opened
        while not self.control.must_stop:
            model, cover = question_of(self.distance, limit, self.lower, self.upper)
            if not (np.diff(cover.within.indptr) > 0).all():
                return self._too_short(limit, Proof.at_root(_alone(cover.within), np.zeros(0), np.zeros(0)))
            plan = self._swap(cover, opened, limit, swaps)
            if plan is None:
                known = (-self.best, -self.bound)
                found = solve_covering(model, Decision(self.control, self.most, known, nodes))
                self.nodes += found.nodes
                log.debug("%d clients, %d × %d within %g: %s", len(self.held), *cover.within.shape, limit, found.status)
                if found.x is not None and found.value > -self.most - 0.5:
                    plan = cover.columns[found.x]
                elif found.status == "infeasible" or found.bound < -self.most - 0.5:
                    return self._too_short(limit, found.proof)
                else:
                    return None
            far, which = self.distances.nearest(np.concatenate([self.must, plan]))
            opened, longest = plan, float(far.max())
            if longest < self.best * (1 - SAME):
                self.opened, self.best = plan, longest
                self._hold(np.array([int(far.argmax())]))
                self._report()
            if longest <= limit * (1 + SAME):
                return True
            self._hold(_farthest_of_each(far, which, limit))
        return None

    def _too_short(self, limit: float, proof: Proof | None) -> bool:
        self.bound = max(self.bound, min(self._after(limit), self.best))
        self.ruled_out = (limit, len(self.held), proof)
        return False

    def _swap(self, cover: _Cover, opened: Ints, limit: float, swaps: int) -> Ints | None:
        """Start from columns that serve what the open ones serve, as far as can be, and swap."""
        within, n = cover.within, len(cover.clients)
        if len(cover.columns) <= self.most:
            return cover.columns
        by_column = transposed(within)
        start = _start(by_column, self.distance[cover.clients][:, opened] <= limit, self.most)
        weight, self.seed = np.ones(n), self.seed + 1
        lists = (within.indptr, within.indices, by_column.indptr, by_column.indices)
        if kernels.swap_search(*(each.astype(np.int64) for each in lists), start, weight, swaps, self.seed):
            return np.asarray(cover.columns[start])
        return None


def _start(by_column: csr_array, mine: Bools, most: int) -> Ints:
    """Take for each column of *mine* (clients × columns) the one that serves most of the same, then of the rest."""
    left = np.ones(len(mine), bool)
    chosen: list[int] = []
    for number in range(most):
        wanted = left & mine[:, number] if number < mine.shape[1] else left
        gain = by_column @ wanted.astype(float) + 1e-6 * (by_column @ left.astype(float))
        gain[chosen] = -1.0
        j = int(gain.argmax())
        chosen.append(j)
        left[entries_of(by_column, j)] = False
    return np.array(chosen, np.int64)


def _alone(within: csr_array) -> Floats:
    """Return prices of the clients whom nobody serves."""
    return -np.where(np.diff(within.indptr) == 0, float(within.shape[0] + within.shape[1]), 0.0)


def _farthest_of_each(far: Floats, which: Ints, limit: float) -> Ints:
    """Return for each open column the farthest of those that it leaves beyond *limit*."""
    beyond = np.flatnonzero(far > limit * (1 + SAME))
    order = beyond[np.lexsort((beyond, -far[beyond], which[beyond]))]
    return order[np.unique(which[order], return_index=True)[1]]
