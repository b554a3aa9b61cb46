"""Covering problems: most served by so many sites, fewest sites for a share, fewest sites for all.

The largest share with p sites is the maximal covering location problem (Church, R. and ReVelle, C., 1974, The maximal
covering location problem, Papers of the Regional Science Association 32, pp. 101-118), all served by the fewest the
location set covering problem (Toregas and others, 1971, The location of emergency service facilities, Operations
Research 19, pp. 1363-1373), and a share by the fewest the partial set covering location problem (Daskin, M. and Owen,
S., 1999, Two new location covering problems, Geographical Analysis 31, pp. 217-235).
"""

from __future__ import annotations

import math

import numpy as np

from siting.numbers import Bools
from siting.optimize.branch_and_bound import Goal, Search, floored
from siting.optimize.control import Control
from siting.optimize.model import Model
from siting.optimize.partial_covering import DecisionProblem, is_partial, solve_partial
from siting.optimize.presolve import Reduced, reduce
from siting.optimize.relaxation import Dual, Lagrangian, closest
from siting.optimize.rounding import BudgetRounding, Mend
from siting.optimize.scaling import usual
from siting.optimize.solution import Solution

__all__ = ["solve_covering"]

NAME = "covering"


def solve_covering(model: Model, control: Control, *, start: Bools | None = None) -> Solution:
    """Solve a covering problem to the end, or until the control says stop.

    Parameters
    ----------
    model
        A model without levels. Any rows, shares and needs that must be served are kept; plans are found well when there
        is at most one row, of costs.
    control
        Time limit, gap and progress.
    start
        A plan to begin with; it is ignored when it breaks a rule.

    Returns
    -------
    Solution
        Its proof is for ``reduce(model).model``, or, where it has a question, for the `maximal_covering` of that.

    Raises
    ------
    ValueError
        When a need is worth more from one column than from another, or the model holds what is no number.
    RuntimeError
        When the solver fails.
    """
    if (model.low > model.high).any():
        return Solution(None, -math.inf, -math.inf, "infeasible", NAME)
    scaled = usual(solve_covering, model, control, start)
    if scaled is not None:
        return scaled
    reduced = reduce(model)
    begin = None if start is None else np.asarray(start, bool)[reduced.columns]
    if is_partial(reduced.model):
        return solve_partial(reduced, control, begin, model.benefit.shape[1])
    return _most(reduced, control, begin, model.benefit.shape[1])


def _most(reduced: Reduced, control: Control, begin: Bools | None, size: int) -> Solution:
    """Branch and bound on the model as it stands."""
    small = reduced.model
    terms = Lagrangian(small)
    goal = Goal.of(small, terms.w)
    polisher = BudgetRounding(terms) if _is_pick(small) else Mend(terms)
    search = Search(terms, control, goal, polisher.polish)
    if begin is not None:
        search.found(begin)
        search.found(polisher.polish(begin.astype(float), small.lower, small.upper))
    prices = closest(terms, Dual(terms).solve(seconds=control.seconds_left))
    polisher.learn(prices)
    x = prices.x if prices.x is not None else np.zeros(len(small.value))
    search.found(polisher.polish(x, small.lower, small.upper))
    if search.x is None and _is_limited_share(small) and not control.must_stop:
        asked = DecisionProblem(small, control, float(small.high[0]))
        one = asked.search(float(small.high[0]), lambda *_: control.report("search"))
        if one.run() and one.bound <= asked.ceiling:
            return Solution(None, -math.inf, -math.inf, "infeasible", NAME, None, one.nodes)
        search.found(one.x)
    bound, r = terms.bound(prices, small.lower, small.upper)
    if search.x is not None and not control.report("rounding", goal.value, floored(bound, small.grain)):
        # What better plans have in common with this one need not be looked at.
        search.found(polisher.shake(search.x, polisher.free & (np.abs(r) <= bound - goal.value)))
    search.begin(prices)
    return _found(reduced, search, search.run(), size)


def _found(reduced: Reduced, search: Search, done: bool, size: int) -> Solution:
    goal, proof = search.goal, search.tree.proof()
    bound = max(floored(search.bound, goal.grain), goal.value)
    status = search.control.status
    if search.x is None:
        none = done and search.bound <= goal.worst
        bound, status = (-math.inf, "infeasible") if none else (bound, status)
        return Solution(None, -math.inf, bound, status, NAME, proof, search.nodes)
    proven = bound <= goal.value + (1e-9 * abs(goal.value) if goal.grain <= 0 else 0.0)
    x = reduced.widen(search.x, size)
    return Solution(x, goal.value, bound, "optimal" if proven else status, NAME, proof, search.nodes)


def _is_pick(model: Model) -> bool:
    """Whether there is nothing but one row of costs with an upper limit, and worth."""
    if model.must.any() or len(model.wanted) or len(model.high) > 1:
        return False
    return bool((model.rows.data >= 0).all() and np.isneginf(model.low).all())


def _is_limited_share(model: Model) -> bool:
    """Whether one share must be reached within one row of costs, and nothing else is asked."""
    return (
        len(model.wanted) == 1
        and len(model.high) == 1
        and not model.must.any()
        and bool((model.rows.data >= 0).all() and np.isneginf(model.low[0]) and np.isfinite(model.high[0]))
    )
