"""The engine of single-source problems: prices, moves, fixing, and branch and bound on columns and pairs."""

from __future__ import annotations

import heapq
import math

import numpy as np
from scipy.sparse import csr_array, diags_array, eye_array

from siting.numbers import Floats
from siting.optimize import highs
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
#: Random moves from the best plan of the root for each need, and between so many nodes; the step of prices that are
#: lowered again.
EXCHANGED, BETWEEN, AGAIN = 5, 40, 0.5
#: Pairs up to which columns are tried often.
FEW = 10_000
#: Share of the rounds from which an open column is promising.
PROMISING = 0.02
#: Nodes after which the solver ends the search where so many pairs are left.
NODES, LEFT = 800, 4_000
#: Pairs of the part that it solves first.
KERNEL = 240


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
    box = packing.box()
    alive = np.bincount(packing.need, box.state > 0, minlength=len(problem.weight))
    if (problem.must & (alive == 0)).any() or _is_short(problem, box):
        return SingleSourceSolution.infeasible(ENGINE)
    growing = _Growing()
    root = growing.add(-1, -1, -1)
    v = _first_prices(problem, packing, box)
    if plans.allowed(np.asarray(problem.upper > 0)):
        plans.try_columns(np.asarray(problem.upper > 0))
    found = lowered(packing, box, v, ROUNDS // 10, plans, offers=OFFERS)
    plans.promising = found.x > PROMISING
    plans.exchanged(len(problem.weight), found.bound)
    offers = OFFERS if len(packing.gain) <= FEW else 5 * OFFERS
    found = lowered(packing, box, found.v, ROUNDS, plans, offers=offers)
    if not plans.closes(found.bound):
        plans.promising = found.x > PROMISING
        plans.exchanged(EXCHANGED * len(problem.weight), found.bound)
        again = lowered(packing, box, found.v, ROUNDS, plans, step=AGAIN, offers=offers)
        found = again if again.bound < found.bound else found
        plans.exchanged(EXCHANGED * len(problem.weight), found.bound)
    bound, count = found.bound, 1
    growing.priced(root, found.v)
    heap: list[tuple[float, int, Box, Descent]] = []
    _keep(heap, plans, box, found, root)
    limit, tried, root_prices = math.inf if nodes is None else nodes, False, found.v
    while heap:
        bound = -heap[0][0]
        if plans.closes(bound):
            heap, bound = [], plans.value
            break
        if control.report(ENGINE, _known(plans.value), _floored(problem, bound)) or count >= limit:
            break
        if count >= NODES and not tried:
            tried = True
            if (whole := packing.fixed(root_prices, packing.box(), plans.target)) is None:
                break  # which the tree has found already
            if int((whole.state == 1).sum()) > KERNEL:  # a better plan shuts more
                _finished(problem, packing, plans, _kernel(packing, whole), control)
                whole = packing.fixed(root_prices, packing.box(), plans.target)
            if whole is None or int((whole.state == 1).sum()) <= LEFT:
                solved = -math.inf if whole is None else _finished(problem, packing, plans, whole, control)
                best = max(plans.value, min(bound, solved))
                return _answer(problem, plans, growing, best, count, control, f"{ENGINE}, HiGHS")
        if count % BETWEEN <= 1:
            plans.exchanged(BETWEEN, bound)
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
            _keep(heap, plans, child, below, number)
    return _answer(problem, plans, growing, bound if heap else -math.inf, count, control)


def _keep(heap: list[tuple[float, int, Box, Descent]], plans: Plans, box: Box, found: Descent, node: int) -> None:
    """Put a node on the heap, unless its bound proves the plan."""
    if not plans.closes(found.bound) and math.isfinite(found.bound):
        heapq.heappush(heap, (-found.bound, node, box, found))


def _branch(packing: Packing, box: Box, found: Descent) -> int:
    """Return what to decide next: a large column that is open about half of the time, else such a pair; -1 for none."""
    free, problem = box.lower < box.upper, packing.problem
    doubt = np.where(free, (0.5 - np.abs(found.x - 0.5)) * problem.capacity, -1.0)
    j = int(np.argmax(doubt))
    if doubt[j] > 0.01 * problem.capacity[j]:
        return len(box.state) + j
    pairs = (0.5 - np.abs(found.z - 0.5)) * problem.weight[packing.need]
    pairs = np.where(box.state == 1, np.maximum(pairs, 0.0), -1.0)
    k = int(np.argmax(pairs)) if len(pairs) else -1
    if k >= 0 and box.state[k] == 1:
        return k
    return len(box.state) + j if free.any() else -1


def _kernel(packing: Packing, box: Box) -> Box:
    """Return the box with the pairs only whose plans are bounded best."""
    state = box.state.copy()
    free = np.flatnonzero(state == 1)
    state[free[np.argsort(-packing.with_pair[free], kind="stable")[KERNEL:]]] = 0
    return Box(state, box.lower, box.upper)


def _finished(problem: SingleSourceProblem, packing: Packing, plans: Plans, box: Box, control: Control) -> float:
    """Solve what a box leaves open as a mixed-integer programme, offer its plan, and return the bound.

    With x_j = 1 for an open column and z_ij = 1 for a need there::

        maximise    sum b_ij z_ij + sum value_j x_j
        subject to  sum_j z_ij <= 1 (= 1 where it must be served),  z_ij <= x_j,
                    sum_i w_i z_ij <= capacity_j x_j,  sum capacity_j x_j >= what must be served,  sum new x_j <= most
    """
    n, m = problem.benefit.shape
    kept = np.flatnonzero(box.state > 0)
    need, column, k = packing.need[kept], packing.column[kept], len(kept)
    at, ones = np.arange(k), np.ones(k)
    capacity = np.minimum(problem.capacity, problem.weight.sum())
    scale = 1.0 / max(1.0, float(capacity.max(initial=1.0)))
    blocks: list[highs.Block] = [
        ([None, csr_array((ones, (need, at)), shape=(n, k))], problem.must.astype(float), 1.0),
        ([diags_array(-scale * capacity), csr_array((scale * problem.weight[need], (column, at)), shape=(m, k))],
         -np.inf, 0.0),
        ([csr_array((-ones, (at, column)), shape=(k, m)), eye_array(k, format="csr")], -np.inf, 0.0),
        ([csr_array(scale * capacity[None, :]), None],
         scale * float(problem.weight[problem.must].sum()) * (1 - 1e-12), np.inf),
    ]  # fmt: skip
    if problem.most is not None:
        blocks.append(([csr_array((problem.lower == 0).astype(float)[None, :]), None], -np.inf, problem.most))
    start = None
    if plans.x is not None:
        chosen = np.zeros(len(packing.gain))
        chosen[plans.at[plans.at >= 0]] = 1.0
        start = np.concatenate([plans.x, chosen[kept]])
    outcome = highs.run(
        highs.Programme.of_blocks(
            cost=np.concatenate([-problem.value, -packing.gain[kept]]),
            lower=np.concatenate([box.lower, box.state[kept] == 2]).astype(float),
            upper=np.concatenate([box.upper, ones]).astype(float), blocks=blocks, whole=m + k,
        ),
        start=start, gap=0.999 * problem.grain if problem.grain else 1e-7 * max(1.0, abs(plans.value)),
        time_limit=None if control.time_limit is None else control.seconds_left,
        stop=lambda value, bound: control.report(
            "HiGHS", _known(max(plans.value, problem.constant - value)), problem.constant - bound
        ),
    )  # fmt: skip
    if outcome.x is not None:
        pairs = kept[outcome.x[m:] > 0.5]
        plans.start_from(outcome.x[:m] > 0.5, np.isin(np.arange(len(packing.gain)), pairs))
    return -math.inf if outcome.status == "infeasible" else problem.constant - outcome.bound


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


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _floored(problem: SingleSourceProblem, bound: float) -> float:
    return floored(bound, problem.grain)


def _answer(
    problem: SingleSourceProblem, plans: Plans, growing: _Growing, left: float, count: int, control: Control,
    engine: str = ENGINE,
) -> SingleSourceSolution:  # fmt: skip
    tree = growing.tree()
    if plans.x is None:
        if left == -math.inf:
            return SingleSourceSolution.infeasible(engine, nodes=count)
        return SingleSourceSolution(None, -math.inf, _floored(problem, left), control.status, engine, nodes=count)
    value = plans.value
    bound = max(value, _floored(problem, left))
    status = "optimal" if plans.closes(left) else control.status
    if status == "optimal":
        bound = value
    elif gap_between(value, bound) <= control.gap:
        status = "feasible"
    return SingleSourceSolution(plans.x, value, bound, status, engine, nodes=count, pairs=plans.at, tree=tree)
