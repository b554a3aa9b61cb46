"""Covering problems: largest share with p sites, fewest sites for a share, fewest sites for all.

The largest share with p sites is the maximal covering location problem (Church, R. and ReVelle, C., 1974, The maximal
covering location problem, Papers of the Regional Science Association 32, pp. 101-118), all served by the fewest the
location set covering problem (Toregas and others, 1971, The location of emergency service facilities, Operations
Research 19, pp. 1363-1373), and a share by the fewest the partial set covering location problem (Daskin, M. and Owen,
S., 1999, Two new location covering problems, Geographical Analysis 31, pp. 217-235).
"""

from __future__ import annotations

import numpy as np

from siting.numbers import Bools
from siting.optimize.control import Control
from siting.optimize.covering.annealing import Annealing, is_wide
from siting.optimize.covering.branch_and_bound import BranchAndBound
from siting.optimize.covering.coverage_bound import coverage_bound
from siting.optimize.covering.partial_covering import DecisionProblem, is_partial, solve_partial
from siting.optimize.covering.plan_merging import anneal_and_merge
from siting.optimize.covering.presolve import Reduced, reduce
from siting.optimize.covering.relaxation import Lagrangian, Multipliers, Relaxation, best_multipliers
from siting.optimize.covering.rounding import BudgetRounding, RepairRounding
from siting.optimize.covering.set_covering import is_set_covering, solve_set_covering
from siting.optimize.first_plan import first_plan
from siting.optimize.model import Model
from siting.optimize.scaling import solve_scaled
from siting.optimize.solution import SAME, Solution, floored

__all__ = ["solve_covering"]

NAME = "covering"
#: Seconds, about, to write a pair into the relaxation.
WRITING = 1e-6
#: Seconds of a limit from which on a part of it, this share, goes into a search before the relaxation.
LONG, FIRST_SHARE = 30.0, 0.1
#: Share of the time after the bound for plans, and entries of columns not fixed by it up to which the LP is solved.
PLANS_SHARE, FEW_ENTRIES = 0.95, 60_000


def solve_covering(model: Model, control: Control, *, start: Bools | None = None) -> Solution:
    """Solve a covering problem to the end, or until the control stops it.

    Parameters
    ----------
    model
        A model without levels. Any rows, shares and needs that must be served are kept; plans are best with at
        most one row, of costs.
    start
        A plan to begin with; an infeasible one is ignored.

    Returns
    -------
    Solution
        Its proof is for ``reduce(model).model``, or, with `too_few`, for the `maximal_covering` of that.

    Raises
    ------
    ValueError
        When the benefit of a need differs between columns, or the model has a value that is not a number.
    RuntimeError
        When the solver fails.
    """
    if (model.low > model.high).any():
        return Solution.infeasible(NAME)
    if (scaled := solve_scaled(solve_covering, model, control, start)) is not None:
        return scaled
    reduced = reduce(model)
    begin = None if start is None else np.asarray(start, bool)[reduced.columns]
    if is_set_covering(reduced.model):
        return solve_set_covering(reduced, control, begin, model.benefit.shape[1])
    solve = solve_partial if is_partial(reduced.model) else _by_branch_and_bound
    return solve(reduced, control, begin, model.benefit.shape[1])


def _by_branch_and_bound(reduced: Reduced, control: Control, begin: Bools | None, size: int) -> Solution:
    small = reduced.model
    terms = Lagrangian(small)
    rounding = BudgetRounding(terms, control) if _has_only_a_budget(small) else RepairRounding(terms, control)
    search = BranchAndBound(terms, control, rounding.round_x)
    if begin is not None:
        search.offer(begin)
        search.offer(rounding.round_x(begin.astype(float), small.lower, small.upper))
    elif control.time_limit is not None and not _has_only_a_budget(small):
        search.offer(first_plan(small, control))
    if (control.time_limit or 0.0) >= LONG and _has_only_a_budget(small) and is_wide(small):
        multipliers, exact = _searched(terms, control, search)
    else:
        multipliers, exact = best_multipliers(terms, _relaxed(terms, control)), True
    rounding.start_from(multipliers)
    x = multipliers.x if multipliers.x is not None else np.zeros(len(small.value))
    search.offer(rounding.round_x(x, small.lower, small.upper))
    share_within_budget = _has_only_a_budget(small, shares=1) and np.isfinite(small.high).sum() == 1
    if search.x is None and share_within_budget and not control.must_stop:
        problem = DecisionProblem(small, control, float(small.high[0]))
        decision = problem.search(float(small.high[0]), lambda *_: control.report("search"))
        if decision.run() and decision.bound <= problem.ceiling:
            return Solution.infeasible(NAME, nodes=decision.nodes)
        search.offer(decision.x)
    bound, r = terms.bound(multipliers, small.lower, small.upper)
    if search.x is not None and not control.report("rounding", search.value, floored(bound, small.grain)):
        # Parts that better plans have in common with this one are skipped.
        search.offer(rounding.perturb(search.x, rounding.free & (np.abs(r) <= bound - search.value)))
    search.begin(multipliers)
    done = exact and search.run()
    proof, bound = search.tree.proof(), max(floored(search.bound, search.grain), search.value)
    if search.x is None:
        if done and search.bound <= search.worst:
            return Solution.infeasible(NAME, proof, search.nodes)
        return Solution.without_plan(bound, control.status, NAME, proof, search.nodes)
    proven = bound <= search.value + (SAME * abs(search.value) if search.grain <= 0 else 0.0)
    plan = reduced.widen(search.x, size)
    return Solution(plan, search.value, bound, "optimal" if proven else control.status, NAME, proof, search.nodes)


def _searched(terms: Lagrangian, control: Control, search: BranchAndBound) -> tuple[Multipliers, bool]:
    """Search for plans first; return multipliers of a bound, and whether the relaxation is worth its time."""
    annealing = Annealing(terms)
    if search.x is not None:
        annealing.offer(search.x)
    first = annealing.x
    annealing.run(control, FIRST_SHARE * control.seconds_left)
    model = terms.model
    multipliers = coverage_bound(terms, annealing.columns, annealing.number, annealing.value, control)
    whole, r = terms.bound(multipliers, model.lower, model.upper)
    bound = floored(whole, search.grain)
    search.offer(annealing.x)
    if control.report("search", search.value, bound) or bound <= search.value:
        return multipliers, True
    left = (model.lower < model.upper) & (np.abs(r) >= whole - search.limit)
    entries = int(np.diff(terms.serves.indptr)[(model.lower < model.upper) & ~left].sum())
    if entries <= FEW_ENTRIES:
        solved = best_multipliers(terms, _relaxed(terms, control))
        lower = terms.bound(solved, model.lower, model.upper)[0] <= whole
        return (solved if lower or solved.x is not None else multipliers), True
    end = control.seconds + PLANS_SHARE * control.seconds_left
    anneal_and_merge(annealing, first, _by_branch_and_bound, control, end, bound)
    search.offer(annealing.x)
    return multipliers, False


def _relaxed(terms: Lagrangian, control: Control) -> Multipliers:
    """Solve the relaxation; multipliers of nothing where there is no time to write it."""
    model = terms.model
    if control.seconds_left < WRITING * (model.benefit.nnz + model.rows.nnz):
        return Multipliers(terms.w, np.zeros(len(model.high)), np.zeros(len(model.wanted)))
    return Relaxation(terms).solve(seconds=control.seconds_left)


def _has_only_a_budget(model: Model, shares: int = 0) -> bool:
    """Whether there is nothing but one row of costs with an upper limit, worth, and so many shares to be reached."""
    if model.must.any() or len(model.wanted) != shares or len(model.high) > 1:
        return False
    return bool((model.rows.data >= 0).all() and np.isneginf(model.low).all())
