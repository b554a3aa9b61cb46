"""Covering with rules of every kind: districts, phases, shared buildings, budgets.

The model is reduced and its relaxation solved in the dual form. A local search with penalties turns the relaxation into
a plan; the multipliers give a bound that can be checked. A branch and bound on the same form proves the plan or betters
it. Where its bound does not fall, mostly because a better plan is missing, HiGHS solves what is left: the columns that
the root could not fix.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from siting.numbers import Bools, Floats, Positions
from siting.optimize.control import Control, Progress, gap_between
from siting.optimize.covering.branch_and_bound import BranchAndBound
from siting.optimize.covering.local_search import LocalSearch
from siting.optimize.covering.presolve import Reduced, reduce
from siting.optimize.covering.relaxation import Lagrangian, Multipliers, Relaxation, best_multipliers
from siting.optimize.first_plan import first_plan
from siting.optimize.milp import solve_milp
from siting.optimize.model import Model
from siting.optimize.proof import Proof
from siting.optimize.scaling import solve_scaled
from siting.optimize.solution import SAME, Solution, floored, is_proven
from siting.optimize.sparse_rows import entries_of

__all__ = ["solve_side_constraints"]

NAME = "covering with rules"
#: Rounds of raising prices until a plan keeps the rules, and of shutting a part of the best plan.
ROUNDS, RUINS = 16, 100
#: Nodes before the tree may begin anew, and the share of columns that must be left then for it to go on instead.
FIRST, AGAIN = 40, 0.8
#: HiGHS gets the rest when so many nodes lowered the bound by less than this share of the gap.
NODES, FALL = 200, 0.01
#: Seconds, about, to write a pair into the relaxation.
WRITING = 1e-6


def solve_side_constraints(model: Model, control: Control, *, start: Bools | None = None) -> Solution:
    """Solve a covering problem (`Model.has_levels` False) with any rows, shares and needs that must be served.

    The proof is of ``reduce(model).model``. *start* is a plan to begin with; one that breaks rules is passed over.

    Raises
    ------
    ValueError
        When some need is worth more from one column than from another.
    RuntimeError
        When the solver fails.
    """
    if (scaled := solve_scaled(solve_side_constraints, model, control, start)) is not None:
        return scaled
    if model.is_out_of_reach:
        return Solution.infeasible("rules")
    control = _monotone(control)
    reduced = reduce(model)
    small, size = reduced.model, len(model.value)
    if not len(small.value):  # the only plan opens what must be open
        x = reduced.widen(np.zeros(0, bool), size)
        if not model.is_feasible(x):
            return Solution.infeasible("rules")
        value, zeros = model.objective(x), (np.zeros(len(part)) for part in (small.must, small.low, small.wanted))
        return Solution(x, value, value, "optimal", NAME, Proof.at_root(*zeros), 1)
    terms = Lagrangian(small)
    start = start if start is not None and model.is_feasible(np.asarray(start, bool)) else None
    begin = None if start is None else np.asarray(start, bool)[reduced.columns]
    if begin is None and control.time_limit is not None:
        begin = first_plan(small, control)
    multipliers = best_multipliers(terms, _relaxed(terms, control))
    if control.must_stop and (begin is not None or multipliers.ray is None):
        return _first(
            model, reduced, begin, terms.bound(multipliers, small.lower, small.upper)[0], multipliers, control
        )
    local = LocalSearch(terms, multipliers)
    if begin is not None:
        local.offer(begin)
    if multipliers.ray is None:
        _Improvement(local, control, terms.bound(multipliers, small.lower, small.upper)[0]).run(multipliers)
    search = _search(terms, multipliers, local, control)
    done, engine, nodes, proven = search.run(0), NAME, search.nodes, search.bound
    if not done and not control.must_stop and not _is_near(control, search):
        outcome = _solve_rest(search, multipliers, control)
        engine, nodes = "HiGHS", nodes + outcome.nodes
        done = outcome.status in ("optimal", "infeasible")
        proven = min(proven, max(outcome.bound, search.value))
        search.offer(outcome.x)
    proof, bound = search.tree.proof(), floored(proven, model.grain)
    if search.x is None and done:
        return Solution.infeasible(engine, proof, nodes)
    if search.x is None:
        return Solution.without_plan(bound, control.status, engine, proof, nodes)
    x = reduced.widen(search.x, size)
    value = model.objective(x)
    ends = done or is_proven(value, max(value, bound), model.grain)
    bound, status = (value, "optimal") if ends else (max(value, bound), control.status)
    return Solution(x, value, bound, status, engine, proof, nodes)


def _relaxed(terms: Lagrangian, control: Control) -> Multipliers:
    """Solve the relaxation; multipliers of nothing where there is no time to write it."""
    model = terms.model
    if control.seconds_left < WRITING * (model.benefit.nnz + model.rows.nnz):
        return Multipliers(terms.w, np.zeros(len(model.high)), np.zeros(len(model.wanted)))
    return Relaxation(terms).solve(seconds=control.seconds_left)


def _first(
    model: Model, reduced: Reduced, begin: Bools | None, bound: float, multipliers: Multipliers, control: Control
) -> Solution:
    """Return the first plan and bound, where the time is up before the search."""
    bound = floored(bound, model.grain)
    v = np.where(reduced.model.must, multipliers.v, np.maximum(multipliers.v, 0.0))
    proof = Proof.at_root(v, multipliers.y, np.maximum(multipliers.m, 0.0))
    if begin is None:
        return Solution.without_plan(bound, control.status, NAME, proof, 1)
    x = reduced.widen(begin, len(model.value))
    value = model.objective(x)
    if is_proven(value, max(value, bound), model.grain):
        return Solution(x, value, value, "optimal", NAME, proof, 1)
    return Solution(x, value, max(value, bound), control.status, NAME, proof, 1)


def _monotone(control: Control) -> Control:
    """Return a control that reports the best known where a part of the search begins anew and knows less."""
    known = [-math.inf, math.inf]

    def best_known(at: Progress) -> Progress:
        known[0] = max(known[0], -math.inf if at.value is None else control.sense * at.value)
        known[1] = max(known[0], min(known[1], math.inf if at.bound is None else control.sense * at.bound))
        value, bound = (control.sense * each + 0.0 if math.isfinite(each) else None for each in known)
        return replace(at, value=value, bound=bound)

    return control.reporting(best_known)


def _search(terms: Lagrangian, multipliers: Multipliers, local: LocalSearch, control: Control) -> BranchAndBound:
    """Branch and bound; begun anew when plans found on the way fix many more columns at the root."""

    def round_x(x: Floats, *_box: Floats) -> Bools | None:
        local.start_from(x > 0.7)
        _repair(local, control)
        return local.best_x

    tried, left = 0, _number_free(terms, multipliers, local.best)
    while True:
        search = BranchAndBound(terms, control, round_x)
        search.offer(local.best_x)
        search.begin(multipliers)
        search.nodes += tried
        if search.run(tried + FIRST):
            return search
        tried, now = search.nodes, _number_free(terms, multipliers, search.value)
        if now > AGAIN * left or control.must_stop:
            _continue(search, control)
            return search
        left = now
        if search.x is not None:
            local.offer(search.x)


def _continue(search: BranchAndBound, control: Control) -> None:
    """Search on while the bound falls: where it does not, a better plan is missing."""
    while True:
        bound, value, nodes = search.bound, search.value, search.nodes
        if search.run(nodes + NODES) or control.must_stop or _is_near(control, search):
            return
        if search.nodes < nodes + NODES or bound - search.bound < FALL * (bound - value):
            return


def _root_box(terms: Lagrangian, multipliers: Multipliers, value: float) -> tuple[Floats, Floats]:
    """Box of the columns that a plan better than *value* has, by the multipliers of the root."""
    model = terms.model
    bound, r = terms.bound(multipliers, model.lower, model.upper)
    least = value + (0.999 * model.grain if model.grain else SAME * abs(value))
    lower = np.where((r > 0) & (bound - r < least), model.upper, model.lower)
    upper = np.where((r < 0) & (bound + r < least), model.lower, model.upper)
    return lower, upper


def _number_free(terms: Lagrangian, multipliers: Multipliers, value: float) -> int:
    if multipliers.ray is not None or not math.isfinite(value):
        return len(terms.model.value)
    lower, upper = _root_box(terms, multipliers, value)
    return int((lower < upper).sum())


def _is_near(control: Control, search: BranchAndBound) -> bool:
    bound = floored(search.bound, search.terms.model.grain)
    return search.x is not None and gap_between(search.value, bound) <= control.gap


def _solve_rest(search: BranchAndBound, multipliers: Multipliers, control: Control) -> Solution:
    """Have HiGHS solve what the root could not fix; a plan of the model of the search."""
    model = search.terms.model
    lower, upper = _root_box(search.terms, multipliers, search.value)
    fixed = reduce(replace(model, lower=lower, upper=upper))
    found = solve_milp(fixed.model, control, start=None if search.x is None else search.x[fixed.columns])
    return replace(found, x=None if found.x is None else fixed.widen(found.x, len(model.value)), proof=None)


def _repair(local: LocalSearch, control: Control) -> None:
    """Raise the prices of what is missed until nothing is."""
    for _ in range(ROUNDS):
        if control.must_stop:
            return
        local.descend()
        if not local.raise_prices(2.0):
            return


class _Improvement:
    """A good plan from that of the relaxation: repaired, then kicked, then ruined and built up again."""

    def __init__(self, local: LocalSearch, control: Control, bound: float) -> None:
        self.local, self.control, self.bound = local, control, bound
        self.free = local.lower < local.upper

    def run(self, multipliers: Multipliers) -> None:
        """Search until the bound is met, the control stops it, or all three have had their turns."""
        local = self.local
        x = multipliers.x if multipliers.x is not None else np.zeros(len(self.free))
        r = np.abs(local.terms.reduced_values(multipliers.v, multipliers.y, multipliers.m))
        order = np.lexsort((np.arange(len(r)), r))
        for least in (0.7, 0.999, 1e-9):
            if least > 1e-9 or local.best_x is None:
                local.start_from(x > least)
                _repair(local, self.control)
        if local.best_x is not None:
            local.start_from(local.best_x)
        if not self._report() and not self._kick(order) and local.best_x is not None:
            self._ruin(order)

    def _report(self) -> bool:
        value = self.local.best if self.local.best_x is not None else None
        return self.control.report("local search", value, floored(self.bound, self.local.model.grain))

    def _ends(self) -> bool:
        local = self.local
        return self._report() or (local.best_x is not None and is_proven(local.best, self.bound, local.model.grain))

    def _kick(self, order: Positions) -> bool:
        """Force one column after another, those with small reduced values first; return whether the search ends."""
        free = order[self.free[order]]
        for _ in range(6):
            better = False
            for first in range(0, len(free), 256):
                better |= self.local.climb(free[first : first + 256])
                if self._ends():
                    return True
            if not better and not self.local.raise_prices(1.5):
                return False
        return False

    def _ruin(self, order: Positions) -> None:
        """Shut the columns around one of the best plan and build them up again."""
        rng = np.random.default_rng(20261122)
        local = self.local
        for _ in range(min(RUINS, 2 * int(self.free.sum()))):
            x = np.array(local.best_x, bool)
            opened = np.flatnonzero(x & self.free)
            if not len(opened):
                return
            needs = entries_of(local.terms.serves, int(rng.choice(opened)))
            around = np.unique(local.model.benefit[needs].indices)
            gone = np.union1d(around.astype(np.int64), rng.choice(opened, min(3, len(opened)), replace=False))
            gone = gone[self.free[gone] & x[gone]]
            x[gone] = False
            local.reset_prices()
            local.start_from(x)
            _repair(local, self.control)
            local.climb(np.union1d(gone, np.intersect1d(around, order[: 4 * len(around)])))
            if self._ends():
                return
