"""Fewest columns for one share: p columns reach it, p - 1 do not.

The partial set covering location problem (Daskin, M. and Owen, S., 1999, Two new location covering problems,
Geographical Analysis 31, pp. 217-235). Whether p columns reach the share is a maximal covering problem.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy.sparse import csr_array

from siting.numbers import Bools
from siting.optimize.control import Control
from siting.optimize.covering.branch_and_bound import BranchAndBound
from siting.optimize.covering.presolve import Reduced, reduce
from siting.optimize.covering.relaxation import Lagrangian, Multipliers, Relaxation
from siting.optimize.covering.rounding import BudgetRounding, greedy
from siting.optimize.model import Model
from siting.optimize.proof import Proof, ProofTree, bound_of
from siting.optimize.solution import Solution
from siting.optimize.sparse_rows import row_of_entries, with_data

__all__ = ["DecisionProblem", "bound_of_partial", "is_partial", "maximal_covering", "solve_partial"]

NAME = "covering"
#: Rounding tolerances: of a bound in whole numbers, and of a sum of fractions as a share of it.
WHOLE_TOLERANCE, SUM_TOLERANCE = 1e-6, 1e-9
#: Kicks of the last search for a plan with one column less, before branch and bound.
KICKS = 300


def is_partial(model: Model) -> bool:
    """Whether the objective is the fewest columns that reach one share."""
    free = (model.lower == 0) & (model.upper > 0)
    value = model.value[free]
    if len(model.wanted) != 1 or len(model.high) or model.must.any() or model.benefit.data.any() or not len(value):
        return False
    return bool((value < 0).all() and (value == value[0]).all())


def maximal_covering(model: Model, most: float) -> Model:
    """Return the maximal covering problem of the one share, with *most* free columns, or costs where a row has them."""
    free = (model.lower == 0) & (model.upper > 0)
    weight = np.asarray(model.shares.toarray()[0])
    n, m = model.benefit.shape
    benefit = with_data(model.benefit, weight[row_of_entries(model.benefit)])
    grain = 1.0 if (weight == np.rint(weight)).all() else 0.0
    rows = model.rows if len(model.high) else csr_array(free.astype(float)[None, :])
    served = replace(model, benefit=benefit, value=np.zeros(m), grain=grain, constant=0.0, times=None)
    served = replace(served, rows=rows, low=np.array([-np.inf]), high=np.array([float(most)]))
    return replace(served, shares=csr_array((0, n)), wanted=np.zeros(0), must=np.zeros(n, bool))


def _least_reached(wanted: float) -> float:
    """Return the least amount that reaches a share, as in `Model.is_feasible`."""
    return wanted - SUM_TOLERANCE * abs(wanted)


def _ceiling(wanted: float, grain: float) -> float:
    """Return the largest bound that proves that a share is not reached: for whole numbers, one less."""
    least = _least_reached(wanted)
    if grain > 0:
        return math.ceil(least) - WHOLE_TOLERANCE - 1e-13 * abs(least)
    return least - 0.1 * SUM_TOLERANCE * abs(wanted)


def bound_of_partial(model: Model, proof: Proof, too_few: float) -> float:
    """Return the bound on *model* that follows from a proof that so many columns do not reach its share.

    *model* is as it was given to `siting.optimize.covering.covering.solve_covering`; the proof is of the
    `maximal_covering` of ``reduce(model).model``. Infinite when the proof does not show it.
    """
    small = reduce(model).model
    if not is_partial(small):
        return math.inf
    maximal, wanted = maximal_covering(small, too_few), float(small.wanted[0])
    if bound_of(maximal, proof) > _ceiling(wanted, maximal.grain):
        return math.inf
    each = -float(small.value[(small.lower == 0) & (small.upper > 0)][0])
    return small.constant + float(small.value[small.lower > 0].sum()) - each * (too_few + 1)


class DecisionProblem:
    """Whether p columns reach the share, for any p; keeps the plan with the fewest columns that does."""

    def __init__(self, model: Model, control: Control, most: float = 0.0) -> None:
        self.model, self.control = model, control
        self.best: Bools | None = None
        self.free = (model.lower == 0) & (model.upper > 0)
        self.wanted = float(model.wanted[0])
        self.each = -float(model.value[self.free][0]) if self.free.any() else 0.0
        self.maximal = maximal_covering(model, most)
        self.ceiling = _ceiling(self.wanted, self.maximal.grain)
        self.terms = Lagrangian(self.maximal)

    def with_columns(self, p: float) -> Lagrangian:
        """Return the maximal covering problem with *p* columns."""
        return self.terms.with_high(np.array([float(p)]))

    def bound(self, multipliers: Multipliers, p: float) -> float:
        """Return the bound for *p* columns."""
        return self.with_columns(p).bound(multipliers, self.maximal.lower, self.maximal.upper)[0]

    def count(self, plan: Bools) -> int:
        """Count the columns of a plan that are not required."""
        return int((plan & self.free).sum())

    def offer(self, plan: Bools | None) -> bool:
        """Keep a plan that reaches the share with fewer columns; return whether it does."""
        known = math.inf if self.best is None else self.count(self.best)
        if plan is None or not self.model.is_feasible(plan) or self.count(plan) >= known:
            return False
        self.best = plan
        return True

    def relax(self, relaxation: Relaxation, p: float) -> Multipliers:
        """Solve the relaxation with *p* columns."""
        relaxation.set_high(np.array([float(p)]))
        return relaxation.solve(seconds=self.control.seconds_left)

    def plan(self, relaxation: Relaxation, p: int, kicks: int | None = None) -> Bools:
        """Search for a plan with *p* columns by rounding the relaxation, then locally; *kicks* times."""
        multipliers = self.relax(relaxation, p)
        terms = self.with_columns(p)
        rounding = BudgetRounding(terms, self.control)
        x = multipliers.x if multipliers.x is not None else np.zeros(len(self.free))
        plan = rounding.round_x(x)
        if self.model.is_feasible(plan):
            return plan
        # Parts that all plans that reach the share have in common with this one are skipped.
        bound, r = terms.bound(multipliers, self.maximal.lower, self.maximal.upper)
        movable = self.free & (np.abs(r) <= bound - _least_reached(self.wanted))
        return rounding.perturb(plan, movable) if kicks is None else rounding.improve(plan, movable, kicks, 5)

    def search(self, p: float, report: Callable[..., bool]) -> BranchAndBound:
        """Begin the search for a plan of *p* columns that reaches the share."""
        terms = self.with_columns(p)
        multipliers = Relaxation(terms).solve(seconds=self.control.seconds_left)
        rounding = BudgetRounding(terms, self.control)
        search = BranchAndBound(terms, self.control, rounding.round_x, report)
        search.ceiling, search.wanted, search.tree.grain = self.ceiling, _least_reached(self.wanted), 0.0
        if multipliers.x is not None:
            search.offer(rounding.round_x(multipliers.x))
        search.begin(multipliers)
        return search

    def turned(self, tree: ProofTree) -> Proof:
        """Turn multipliers that bound the share with *p* columns into some that bound the columns for the share.

        With m a column's cost divided by the people of the last, the bound is below p columns by m times those missing.
        """
        turned = ProofTree(self.model.grain, tree.parent, tree.column, tree.at, tree.price, fixed=tree.fixed)
        for v, prices, share in zip(tree.v, tree.y, tree.m, strict=True):
            y, base = float(prices[0]), self.terms.base(np.asarray(v, float), np.zeros(1), share)
            m = self.each * (1.0 / y if y > 0 else 4.0 * (len(self.free) + 1) / max(self.wanted - base, 1e-9))
            turned.keep(turned.rounded(v * m), np.zeros(0), np.array([m]))
        return turned.proof()


def solve_partial(reduced: Reduced, control: Control, begin: Bools | None, size: int) -> Solution:
    """Fewest columns for one share: with p of them it is reached, with p - 1 it is not."""
    model = reduced.model
    problem = DecisionProblem(model, control)
    fixed = model.constant + float(model.value[model.lower > 0].sum())
    if problem.maximal.objective(problem.maximal.upper > 0) < _least_reached(problem.wanted):
        everything = Multipliers(problem.terms.w, np.zeros(1), np.zeros(0))
        return Solution.infeasible(NAME, problem.turned(_root(everything)), 1)
    problem.offer(begin)
    problem.offer(greedy(problem.terms, _least_reached(problem.wanted)))
    low, multipliers = _counting_bound(problem)
    relaxation = Relaxation(problem.with_columns(low))
    low, multipliers = _relaxation_bound(problem, relaxation, low, multipliers)
    tree, nodes = _root(multipliers), 1

    def report(*_: object) -> bool:
        known = None if problem.best is None else fixed - problem.each * problem.count(problem.best)
        return control.report("search", known, fixed - problem.each * low)

    _search_numbers(problem, relaxation, low, report)
    while problem.best is not None and problem.count(problem.best) > low and not report():
        p = problem.count(problem.best) - 1
        if problem.offer(problem.plan(relaxation, p, KICKS)):
            continue
        search = problem.search(p, report)
        done = search.run()
        nodes += search.nodes
        if problem.offer(search.x):
            continue
        if not done or search.bound > search.limit:
            break
        low, tree = p + 1, search.tree
    best, bound = problem.best, fixed - problem.each * low
    proof, too_few = _proven(problem, low, tree, bound)
    if best is None:
        return Solution(None, -math.inf, bound, control.status, NAME, proof, nodes, too_few)
    value = model.objective(best)
    status = "optimal" if problem.count(best) <= low else control.status
    return Solution(reduced.widen(best, size), value, max(bound, value), status, NAME, proof, nodes, too_few)


def _proven(problem: DecisionProblem, low: int, tree: ProofTree, bound: float) -> tuple[Proof, int | None]:
    """Convert the proof that fewer than *low* columns are too few; keep it if rounding errors would lose the bound."""
    model = problem.model
    if low <= 0:  # no column is required
        return Proof.at_root(*(np.zeros(len(part)) for part in (model.must, model.high, model.wanted))), None
    turned, tolerance = problem.turned(tree), SUM_TOLERANCE * problem.each
    if bound_of(model, turned) < bound + max(model.grain * (1 - 2 * WHOLE_TOLERANCE), tolerance):
        return turned, None
    return tree.proof(), low - 1


def _search_numbers(problem: DecisionProblem, relaxation: Relaxation, low: int, report: Callable[[], bool]) -> None:
    """Find a number of columns for which rounding reaches the share: growing steps up, then bisection."""
    failed, step = low - 1, 1
    while not report():
        top = len(problem.free) + 1 if problem.best is None else problem.count(problem.best)
        p = min(failed + step, (failed + top) // 2)
        if p <= failed or p >= top:
            break
        failed, step = (failed, 1) if problem.offer(problem.plan(relaxation, p)) else (p, 2 * step)


def _counting_bound(problem: DecisionProblem) -> tuple[int, Multipliers]:
    """Return the fewest columns if their needs did not overlap, and multipliers that prove that one less is too few."""
    constant, alone = problem.maximal.constant, np.sort((problem.terms.serves @ problem.terms.w)[problem.free])[::-1]
    reached = np.searchsorted(constant + np.cumsum(alone), problem.ceiling, side="right")
    low = int(reached) + 1 if problem.ceiling >= constant else 0
    last = max(low - 2, 0)
    y = float(alone[last]) if last < len(alone) else 0.0
    multipliers = Multipliers(np.zeros(len(problem.terms.w)), np.array([y]), np.zeros(0))
    while low > 0 and problem.bound(multipliers, low - 1) > problem.ceiling:
        low -= 1
    return low, multipliers


def _relaxation_bound(
    problem: DecisionProblem, relaxation: Relaxation, low: int, known: Multipliers
) -> tuple[int, Multipliers]:
    """Return the fewest columns that the relaxation needs, at least *low*, by Newton's method, and the multipliers."""
    p = float(low)
    for _ in range(100):
        multipliers = problem.relax(relaxation, p)
        bound, y = problem.bound(multipliers, p), float(multipliers.y[0])
        if problem.control.must_stop or bound > problem.ceiling or y <= 0:
            break
        p += (problem.wanted - bound) / y
    for fewest in range(min(math.ceil(p - 1e-9), len(problem.free)), low, -1):
        multipliers = problem.relax(relaxation, fewest - 1)
        if problem.bound(multipliers, fewest - 1) <= problem.ceiling:
            return fewest, multipliers
        if problem.control.must_stop:
            break
    return low, known


def _root(multipliers: Multipliers) -> ProofTree:
    """Make a tree of the root alone."""
    tree = ProofTree()
    tree.add(-1, -1, -1, tree.keep(multipliers.v, multipliers.y, multipliers.m))
    return tree
