"""Covering with rules of every kind: districts, phases, shared buildings, budgets.

The model is reduced, its relaxation solved in the dual form, the relaxation's plan rounded and mended by a local search
that prices what it breaks; the multipliers give a bound that anyone can check. A branch and bound on the same form
proves the plan or betters it. Where its bound stays where it is, mostly because the plan that it belongs to is still
missing, HiGHS gets what is left: the columns that the root could not fix.
"""

from __future__ import annotations

import copy
import math
from dataclasses import replace

import numpy as np

from siting.numbers import Bools, Floats
from siting.optimize import milp as general
from siting.optimize.branch_and_bound import Goal, Search
from siting.optimize.control import Control, Progress, gap_between
from siting.optimize.local_search import Flips
from siting.optimize.milp import SAME, floored, hopeless, one_leaf, settled
from siting.optimize.model import Model
from siting.optimize.presolve import Reduced, reduce
from siting.optimize.relaxation import Dual, Lagrangian, Prices, closest
from siting.optimize.scaling import usual
from siting.optimize.solution import Solution

__all__ = ["solve_side_constraints"]

NAME = "covering with rules"
#: Rounds of raising prices until a plan keeps the rules, and of breaking a part of the best plan up.
ROUNDS, RUINS = 16, 100
#: Nodes before the search may begin anew, and the share of columns that must be left then for it to go on instead.
FIRST, AGAIN = 40, 0.8
#: HiGHS gets the rest when so many nodes lowered the bound by less than this share of the gap.
NODES, FALL = 200, 0.01


def solve_side_constraints(model: Model, control: Control, *, start: Bools | None = None) -> Solution:
    """Solve a covering problem (`Model.has_levels` False) with any rows, shares and needs that must be served.

    The proof is of ``reduce(model).model``.

    Parameters
    ----------
    start
        Columns of a plan to begin with; one that breaks rules is passed over.

    Raises
    ------
    ValueError
        When some need is worth more from one column than from another.
    RuntimeError
        When the solver fails.
    """
    scaled = usual(solve_side_constraints, model, control, start)
    if scaled is not None:
        return scaled
    if hopeless(model):
        return Solution(None, -math.inf, -math.inf, "infeasible", "rules")
    control = _monotone(control)
    reduced = reduce(model)
    small = reduced.model
    if not len(small.value):
        return _empty(model, reduced)
    terms = Lagrangian(small)
    prices = closest(terms, Dual(terms).solve(seconds=control.seconds_left))
    flips = Flips(terms, prices)
    if start is not None and model.is_feasible(np.asarray(start, bool)):
        flips.offer(np.asarray(start, bool)[reduced.columns])
    bound = terms.bound(prices, small.lower, small.upper)[0] if prices.ray is None else -math.inf
    if prices.ray is None:
        _rounded(flips, prices, control, bound)
    search = _searched(terms, prices, flips, control)
    done, engine, nodes, proven = search.run(0), NAME, search.nodes, search.bound
    if not done and not control.must_stop and not _near(control, search):
        outcome = _rest(search, prices, control)
        engine, nodes = "HiGHS", nodes + outcome.nodes
        done = outcome.status in ("optimal", "infeasible")
        proven = min(proven, max(outcome.bound, search.goal.value))
        search.found(outcome.x)
    return _answer(model, reduced, search, control, proven, done, engine, nodes)


def _monotone(control: Control) -> Control:
    """Return the control with the best that was known told where a part of the search begins anew and knows less."""
    if control.progress is None:
        return control
    other, tell = copy.copy(control), control.progress
    known = [-math.inf, math.inf]

    def told(at: Progress) -> object:
        known[0] = max(known[0], -math.inf if at.value is None else control.sense * at.value)
        known[1] = max(known[0], min(known[1], math.inf if at.bound is None else control.sense * at.bound))
        value, bound = (control.sense * each + 0.0 if math.isfinite(each) else None for each in known)
        return tell(replace(at, value=value, bound=bound))

    other.progress = told
    return other


def _searched(terms: Lagrangian, prices: Prices, flips: Flips, control: Control) -> Search:
    """Branch and bound; begun anew when plans found on the way fix many more columns at the root."""
    tried, left = 0, _left(terms, prices, flips.best)
    while True:
        search = Search(terms, control, Goal.of(terms.model, terms.w), _Rounding(flips))
        search.found(flips.best_x)
        search.begin(prices)
        search.nodes += tried
        if search.run(tried + FIRST):
            break
        tried, now = search.nodes, _left(terms, prices, search.goal.value)
        if now > AGAIN * left or control.must_stop:
            _go_on(search, control)
            break
        left = now
        if search.x is not None:
            flips.offer(search.x)
    return search


def _go_on(search: Search, control: Control) -> None:
    """Search on while the bound falls: where it stays the plan is missing, and another way may find it."""
    while True:
        bound, value, nodes = search.bound, search.goal.value, search.nodes
        if search.run(nodes + NODES) or control.must_stop or _near(control, search):
            return
        if search.nodes < nodes + NODES or bound - search.bound < FALL * (bound - value):
            return


def _free(terms: Lagrangian, prices: Prices, value: float) -> tuple[Floats, Floats]:
    """Box of the columns that a plan better than *value* has, by the multipliers of the root."""
    model = terms.model
    bound, r = terms.bound(prices, model.lower, model.upper)
    least = value + (0.999 * model.grain if model.grain else SAME * abs(value))
    lower = np.where((r > 0) & (bound - r < least), model.upper, model.lower)
    upper = np.where((r < 0) & (bound + r < least), model.lower, model.upper)
    return lower, upper


def _left(terms: Lagrangian, prices: Prices, value: float) -> int:
    if prices.ray is not None or not math.isfinite(value):
        return len(terms.model.value)
    lower, upper = _free(terms, prices, value)
    return int((lower < upper).sum())


def _empty(model: Model, reduced: Reduced) -> Solution:
    """Answer when nothing is left to choose: the plan that opens only what must be open."""
    small = reduced.model
    x = reduced.widen(np.zeros(0, bool), len(model.value))
    if not model.is_feasible(x):
        return Solution(None, -math.inf, -math.inf, "infeasible", "rules")
    value = model.objective(x)
    zeros = (np.zeros(len(part)) for part in (small.must, small.low, small.wanted))
    return Solution(x, value, value, "optimal", NAME, one_leaf(*zeros), 1)


def _near(control: Control, search: Search) -> bool:
    value, bound = search.goal.value, search.bound
    return search.x is not None and gap_between(value, floored(search.terms.model, bound)) <= control.gap


def _answer(
    model: Model, reduced: Reduced, search: Search, control: Control, proven: float, done: bool, engine: str, nodes: int
) -> Solution:
    proof = search.tree.proof()
    if search.x is None:
        if done:
            return Solution(None, -math.inf, -math.inf, "infeasible", engine, proof, nodes)
        return Solution(None, -math.inf, floored(model, proven), control.status, engine, proof, nodes)
    x = reduced.widen(search.x, len(model.value))
    value = model.objective(x)
    bound = max(value, floored(model, proven))
    if done or settled(model, value, bound):
        return Solution(x, value, value, "optimal", engine, proof, nodes)
    return Solution(x, value, bound, control.status, engine, proof, nodes)


class _Rounding:
    """A plan from the x of a relaxation: what is nearly open opens, and the local search mends the rest."""

    def __init__(self, flips: Flips) -> None:
        self.flips = flips

    def __call__(self, x: Floats, *_: Floats) -> Bools | None:
        self.flips.begin(x > 0.7)
        _mend(self.flips)
        return self.flips.best_x


def _mend(flips: Flips) -> bool:
    """Raise the prices of what is missed until nothing is; tell whether that came about."""
    for _ in range(ROUNDS):
        flips.descend()
        if not flips.raise_prices(2.0):
            return True
    return False


def _rounded(flips: Flips, prices: Prices, control: Control, bound: float) -> None:
    """Search from the plan of the relaxation for a good one."""
    x = prices.x if prices.x is not None else np.zeros(len(flips.model.value))
    r = np.abs(flips.terms.gains(prices.v, prices.y, prices.m))
    order = np.lexsort((np.arange(len(r)), r))
    for least in (0.7, 0.999):
        flips.begin(x > least)
        _mend(flips)
    if flips.best_x is None:
        flips.begin(x > 1e-9)
        _mend(flips)
    if flips.best_x is not None:
        flips.begin(flips.best_x)
    if control.report("local search", flips.best if flips.best_x is not None else None, floored(flips.model, bound)):
        return
    _swap(flips, order, control, bound)
    if flips.best_x is not None:
        _ruin(flips, order, control, bound)


def _swap(flips: Flips, order: np.ndarray, control: Control, bound: float) -> bool:
    """Force one column after another, those that the prices are undecided about first; tell when to stop."""
    free = order[(flips.lower < flips.upper)[order]]
    for _ in range(6):
        better = False
        for first in range(0, len(free), 256):
            better |= flips.climb(free[first : first + 256])
            value = flips.best if flips.best_x is not None else None
            if control.report("local search", value, floored(flips.model, bound)) or _done(flips, bound):
                return True
        if not better and not flips.raise_prices(1.5):
            return False
    return False


def _done(flips: Flips, bound: float) -> bool:
    return flips.best_x is not None and settled(flips.model, flips.best, bound)


def _ruin(flips: Flips, order: np.ndarray, control: Control, bound: float) -> None:
    """Shut the columns around one of the best plan and build them up again."""
    rng = np.random.default_rng(20261122)
    serves, near = flips.terms.serves, flips.model.benefit
    free = flips.lower < flips.upper
    for _ in range(min(RUINS, 2 * int(free.sum()))):
        x = np.array(flips.best_x, bool)
        opened = np.flatnonzero(x & free)
        if not len(opened):
            return
        one = int(rng.choice(opened))
        needs = serves.indices[serves.indptr[one] : serves.indptr[one + 1]]
        around = np.unique(near[needs].indices)
        more = rng.choice(opened, min(3, len(opened)), replace=False)
        gone = np.union1d(around.astype(np.int64), more)
        gone = gone[free[gone] & x[gone]]
        x[gone] = False
        flips.first_prices()
        flips.begin(x)
        _mend(flips)
        flips.climb(np.union1d(gone, np.intersect1d(around, order[: 4 * len(around)])))
        value = flips.best if flips.best_x is not None else None
        if control.report("local search", value, floored(flips.model, bound)) or _done(flips, bound):
            return


def _rest(search: Search, prices: Prices, control: Control) -> Solution:
    """Have HiGHS solve what the root could not fix; a plan of the model of the search."""
    model = search.terms.model
    lower, upper = _free(search.terms, prices, search.goal.value)
    fixed = reduce(replace(model, lower=lower, upper=upper))
    found = general.solve_milp(fixed.model, control, start=None if search.x is None else search.x[fixed.columns])
    return replace(found, x=None if found.x is None else fixed.widen(found.x, len(model.value)), proof=None)
