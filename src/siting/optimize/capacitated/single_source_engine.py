"""The engine of single-source problems: prices, moves, fixing, and branch and bound on columns and pairs."""

from __future__ import annotations

import heapq
import math

import numpy as np

from siting.numbers import Floats
from siting.optimize.capacitated.single_source import (
    Box,
    Packing,
    SingleSourceProblem,
    SingleSourceSolution,
    Tree,
)
from siting.optimize.capacitated.single_source_search import Descent, Plans, lowered
from siting.optimize.control import Control, gap_between
from siting.optimize.solution import floored

__all__ = ["solve_single_source"]

ENGINE = "single source"
#: Rounds of subgradients at the root and in each node, and how often their columns are tried.
ROUNDS, NODE_ROUNDS, OFFERS = 2_000, 60, 5


class _Growing:
    """A tree while it grows."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, int, int]] = []
        self.price: list[int] = []
        self.prices: list[Floats] = []

    def add(self, parent: int, what: int, at: int) -> int:
        self.rows.append((parent, what, at))
        self.price.append(-1)
        return len(self.rows) - 1

    def priced(self, node: int, v: Floats) -> None:
        self.price[node] = len(self.prices)
        self.prices.append(v)

    def tree(self) -> Tree:
        parent, what, at = np.array(self.rows, np.int64).reshape(-1, 3).T
        return Tree(parent, what, at, np.array(self.price, np.int64), np.array(self.prices))


def solve_single_source(
    problem: SingleSourceProblem, control: Control, *, nodes: int | None = None
) -> SingleSourceSolution:
    """Serve whole needs from open columns; at most *nodes* of the tree.

    Prices of the needs bound the objective, with a 0-1 knapsack for each column. Their columns, and columns that are
    dropped, added and swapped, give plans, into which needs are moved and swapped. What cannot be part of a better plan
    is shut by the prices. The tree decides columns first, then pairs.
    """
    packing = Packing(problem)
    plans = Plans(problem, packing, control)
    box: Box | None = packing.box()
    assert box is not None
    alive = np.bincount(packing.need, box.state > 0, minlength=len(problem.weight))
    if (problem.must & (alive == 0)).any() or _is_short(problem, box):
        return SingleSourceSolution.infeasible(ENGINE)
    growing = _Growing()
    root = growing.add(-1, -1, -1)
    v = _first_prices(problem, packing, box)
    plans.try_columns(np.asarray(problem.upper > 0)) if plans.allowed(problem.upper > 0) else None
    found = lowered(packing, box, v, ROUNDS // 10, plans, offers=OFFERS)
    plans.around(2)
    found = lowered(packing, box, found.v, ROUNDS, plans, offers=OFFERS)
    plans.around(20)
    bound, count = found.bound, 1
    growing.priced(root, found.v)
    heap: list[tuple[float, int, Box, Descent]] = []
    _keep(heap, packing, plans, box, found, root)
    limit = math.inf if nodes is None else nodes
    while heap:
        bound = -heap[0][0]
        if plans.closes(bound):
            heap, bound = [], plans.value
            break
        told = plans.value if math.isfinite(plans.value) else None
        if control.report(ENGINE, told, _floored(problem, bound)) or count >= limit:
            break
        _, node, box, found = heapq.heappop(heap)
        fixed = packing.fixed(found.v, box, plans.target)
        if fixed is None:
            continue
        what = _branch(packing, fixed, found)
        if what < 0:  # all is decided
            plans.start_from(fixed.lower > 0, fixed.state == 2)
            left = packing.bound(found.v, fixed)[0]
            if not plans.closes(left):  # which only rounding can cause
                heapq.heappush(heap, (-bound, node, box, found))
                break
            continue
        for at in (1, 0):
            child = fixed.decided(packing, what, at)
            number = growing.add(node, what, at)
            below = lowered(packing, child, found.v, NODE_ROUNDS, plans, step=0.5, offers=NODE_ROUNDS // 2)
            growing.priced(number, below.v)
            count += 1
            below = below._replace(bound=min(below.bound, found.bound))
            _keep(heap, packing, plans, child, below, number)
    return _answer(problem, plans, growing, bound if heap else -math.inf, count, control)


def _keep(
    heap: list[tuple[float, int, Box, Descent]], packing: Packing, plans: Plans, box: Box, found: Descent, node: int
) -> None:
    """Put a node on the heap, unless its bound proves the plan."""
    if not plans.closes(found.bound) and math.isfinite(found.bound):
        heapq.heappush(heap, (-found.bound, node, box, found))


def _branch(packing: Packing, box: Box, found: Descent) -> int:
    """Return what to decide next: the column that is open about half of the time, else such a pair; -1 for none."""
    free = box.lower < box.upper
    doubt = np.where(free, np.abs(found.x - 0.5), 1.0)
    j = int(np.argmin(doubt))
    if doubt[j] < 0.49 or (free.any() and not (box.state == 1).any()):
        return len(box.state) + j
    pairs = np.where(box.state == 1, np.abs(found.z - 0.5), 2.0)
    k = int(np.argmin(pairs))
    if box.state[k] == 1:
        return k
    return len(box.state) + j if free.any() else -1


def _first_prices(problem: SingleSourceProblem, packing: Packing, box: Box) -> Floats:
    """Return the second-best benefit of each need, from which the relaxation is not far."""
    b = packing.gain
    order = np.lexsort((-np.where(box.state > 0, b, -np.inf), packing.need))
    place = np.arange(len(b)) - packing.start[packing.need[order]]
    v = np.zeros(len(problem.weight))
    for at in (0, 1):
        mine = order[(place == at) & (box.state[order] > 0)]
        v[packing.need[mine]] = b[mine]
    return np.where(problem.must, v, np.maximum(v, 0.0))


def _is_short(problem: SingleSourceProblem, box: Box) -> bool:
    """Whether the largest columns together cannot hold what must be served."""
    room = np.where(box.upper > 0, problem.capacity, 0.0)
    fixed = box.lower > 0
    free = np.sort(room[~fixed])[::-1][: problem.most]
    need = float(problem.weight[problem.must].sum())
    return bool(room[fixed].sum() + free.sum() < need * (1 - 1e-12))


def _floored(problem: SingleSourceProblem, bound: float) -> float:
    return floored(bound, problem.grain)


def _answer(
    problem: SingleSourceProblem, plans: Plans, growing: _Growing, left: float, count: int, control: Control
) -> SingleSourceSolution:
    tree = growing.tree()
    if plans.x is None:
        if left == -math.inf:
            return SingleSourceSolution.infeasible(ENGINE, nodes=count)
        return SingleSourceSolution(None, -math.inf, _floored(problem, left), control.status, ENGINE, nodes=count)
    value = plans.value
    bound = max(value, _floored(problem, left))
    status = "optimal" if plans.closes(left) else control.status
    if status == "optimal":
        bound = value
    elif gap_between(value, bound) <= control.gap:
        status = "feasible"
    return SingleSourceSolution(
        plans.x, value, bound, status, ENGINE, nodes=count, pairs=plans.at, tree=tree
    )
