"""Sites that a plan does not need are closed; of plans as good, one that covers more is looked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy.sparse import csr_array, vstack

from siting.numbers import Bools, Floats, Ints
from siting.optimize.control import Control
from siting.optimize.covering.relaxation import Lagrangian
from siting.optimize.covering.rounding import BudgetRounding
from siting.optimize.model import Model
from siting.optimize.solution import Solution
from siting.propose.model.formulation import Formulation
from siting.propose.model.variables import CLOSING, STAYING
from siting.propose.search.choose_engine import solve_model

__all__ = ["cover_more", "coverage_model", "prune", "prune_by", "two_best", "without"]

#: Pairs up to which a plan that covers more is searched for to the end; above, sites are interchanged.
FEW = 5_000
#: The gap at which that search stops.
FULL_ENOUGH = 2e-3


def cover_more(formulation: Formulation, model: Model, found: Solution, control: Control) -> Solution:
    """Of the plans with as few sites, look for one that covers more, in the time that is left; the bound stays."""
    assert found.x is not None
    if control.must_stop or not formulation.variables.new[found.x].any():
        return found
    again = control.for_subproblem()
    again.gap = FULL_ENOUGH
    cap = csr_array(formulation.variables.new.astype(float)[None, :])
    people = coverage_model(formulation, model)
    wider = replace(
        people,
        rows=csr_array(vstack([model.rows, cap], format="csr")),
        low=np.append(model.low, -np.inf),
        high=np.append(model.high, -found.value),
    )
    if model.benefit.nnz > FEW and not model.rows.shape[0] and not model.must.any():
        pick = BudgetRounding(Lagrangian(replace(wider, shares=csr_array((0, len(model.must))), wanted=np.zeros(0))))
        better: Bools | None = pick.improve(found.x, pick.free)
    else:
        better = solve_model(wider, again, start=found.x).x
    if better is None or not model.is_feasible(better) or model.objective(better) < found.value:
        return found
    return replace(found, x=better) if people.objective(better) > people.objective(found.x) else found


def coverage_model(formulation: Formulation, model: Model) -> Model:
    """Return the model with the people covered for its objective."""
    worth = np.concatenate([b.worth for b in formulation.blocks])
    benefit = model.benefit.copy()
    benefit.data = np.repeat(worth[formulation.needs], np.diff(benefit.indptr))
    return replace(
        model, benefit=benefit, value=np.zeros(len(model.value)), grain=1.0 if formulation.inputs.whole else 0.0
    )


def prune(formulation: Formulation, model: Model, found: Solution, control: Control) -> Bools:
    """Close new sites that add nothing and that no rule needs: opening them costs the engine nothing, but the city."""
    x = found.x
    assert x is not None
    if model.times is not None or (model.value[formulation.variables.new] > 0).any():
        return prune_by(formulation, x, model.is_feasible, model.objective, control)
    best, second, by = two_best(model, x)
    loss = np.bincount(by[by >= 0], (best - second)[by >= 0], minlength=len(x))
    loose = x & formulation.variables.new & (model.lower == 0) & (loss <= 0)
    # To close what costs something would be better: there is nothing of that kind in an optimum.
    idle = np.flatnonzero(loose & (model.value == 0) if found.status == "optimal" else loose)
    alone = np.bincount(model.benefit.indices, model.benefit.data, minlength=len(x))
    order = idle[np.argsort(alone[idle], kind="stable")]
    return _closed(formulation, x, order, model.is_feasible, model.objective, control)


def prune_by(
    formulation: Formulation,
    x: Bools,
    keeps: Callable[[Bools], bool],
    worth: Callable[[Bools], float],
    control: Control,
) -> Bools:
    """Close new sites where that breaks no rule and loses nothing, and leave open what closes for nothing."""
    idle = np.flatnonzero(x & formulation.variables.new & (formulation.variables.lower == 0))
    return _closed(formulation, x, idle, keeps, worth, control)


def without(
    x: Bools, columns: Ints, keeps: Callable[[Bools], bool], worth: Callable[[Bools], float], control: Control
) -> Bools:
    """Close those of some columns, one after the other, without which the plan keeps all rules and is worth as much.

    Those that are not needed are still open where the control stops it.
    """
    for j in columns:
        if control.must_stop:
            break
        fewer = x.copy()
        fewer[j] = False
        if keeps(fewer) and worth(fewer) >= worth(x):
            x = fewer
    return x


def _closed(
    formulation: Formulation, x: Bools, columns: Ints, keeps: Callable[[Bools], bool], worth: Callable[[Bools], float],
    control: Control,
) -> Bools:  # fmt: skip
    """Close what is not needed of some columns, and leave existing sites open that close for nothing."""
    x, variables = without(x, columns, keeps, worth, control), formulation.variables
    for j in np.flatnonzero(x & (variables.kind == CLOSING)):
        if control.must_stop:
            break
        staying = (variables.site == variables.site[j]) & (variables.service == variables.service[j])
        more = x.copy()
        more[j] = False
        more[np.flatnonzero(staying & (variables.kind == STAYING))] = True
        if keeps(more) and worth(more) >= worth(x):
            x = more
    return x


def two_best(model: Model, x: Bools) -> tuple[Floats, Floats, Ints]:
    """Of each need the best and second best benefit of open columns (0 where none), and the best column (-1)."""
    b = model.benefit
    row = np.repeat(np.arange(b.shape[0]), np.diff(b.indptr))
    at = np.flatnonzero(x[b.indices])
    order = at[np.lexsort((b.indices[at], -b.data[at], row[at]))]
    best, second, by = np.zeros(b.shape[0]), np.zeros(b.shape[0]), np.full(b.shape[0], -1, np.int64)
    first = np.r_[True, np.diff(row[order]) > 0] if len(order) else np.zeros(0, bool)
    best[model.must] = second[model.must] = -10.0 * np.abs(b.data).max(initial=1.0)
    best[row[order[first]]], by[row[order[first]]] = b.data[order[first]], b.indices[order[first]]
    then = order[1:][~first[1:] & first[:-1]] if len(order) else order
    second[row[then]] = b.data[then]
    return best, second, by
