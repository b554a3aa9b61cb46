"""Which engine solves a problem, and what it answers in the sense of the objective."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.sparse import csr_array, vstack

from siting.numbers import Bools, Floats, Ints
from siting.optimize.control import Control, gap_between
from siting.optimize.model import Model
from siting.optimize.proof import Proof
from siting.optimize.solution import Solution
from siting.propose.model.formulation import Instance
from siting.propose.model.variables import CLOSING, STAYING
from siting.propose.problem.objectives import MaxSpacing, MinFarthest, MinSites

#: Pairs up to which that is searched for to the end; in larger models sites are changed one for another.
FEW = 5_000
#: Of plans with as few sites, one that covers the most is looked for until it is so near the most that can be.
FULL_ENOUGH = 2e-3

__all__ = ["Answer", "only_counted", "optimal_within", "proven_bound", "search", "solve_model"]


@dataclass(frozen=True, eq=False)
class Answer:
    """What opens, what that is worth and what none can beat, in the sense of the objective.

    Attributes
    ----------
    x
        Columns to open; None where there is no plan.
    value, bound
        NaN without a plan.
    status, engine
        As in `Solution`.
    found
        What the engine said of `model`.
    model
        The model that was solved, where one was.
    sense
        1 when the objective is to be large, -1 when it is to be small.
    """

    x: Bools | None
    value: float
    bound: float
    status: str
    engine: str
    found: Solution | None = None
    model: Model | None = None
    sense: int = 1

    def keeps(self, x: Bools) -> bool:
        """Whether columns keep all rules."""
        return self.model is not None and self.model.is_feasible(x)

    def measure(self, x: Bools) -> float:
        """Objective of columns, added up anew."""
        return math.nan if self.model is None else self.sense * self.model.objective(x) + 0.0

    @property
    def proof(self) -> Any:
        """What proves the bound without a solver; None where nothing does."""
        return None if self.found is None else self.found.proof

    def bound_by(self, proof: Any) -> float:
        """Return the bound that a proof gives, added up anew; NaN without one."""
        if proof is None or self.model is None:
            return math.nan
        too_few = None if self.found is None else self.found.too_few
        return self.sense * proven_bound(self.model, proof, too_few) + 0.0

    @property
    def grain(self) -> float:
        """What the objective is a multiple of; 0 where that is not known."""
        return 0.0 if self.model is None else self.model.grain

    @property
    def gap(self) -> float:
        """Distance from the value to the bound, as a share."""
        return gap_between(self.value, self.bound)


def proven_bound(model: Model, proof: Proof, too_few: int | None = None) -> float:
    """Return the bound that a proof gives for a model; where it is about the reduced one, that is made anew.

    With *too_few* the proof shows that this number of columns does not reach the share.
    """
    model = tightened(model)
    if too_few is not None:
        from siting.optimize.partial_covering import bound_of_partial

        return bound_of_partial(model, proof, too_few)
    from siting.optimize.presolve import reduce
    from siting.optimize.proof import bound_of

    return min(bound_of(model, proof), bound_of(reduce(model).model, proof))


def search(instance: Instance, control: Control, *, start: Bools | None = None) -> Answer:
    """Solve a problem with the engine that fits it.

    Raises
    ------
    RuntimeError
        When the answer of an engine does not keep the rules.
    """
    if instance.capacity is not None:
        from siting.propose.search.capacitated import search_loads

        return search_loads(instance, control)
    if isinstance(instance.objective, MinFarthest):
        from siting.propose.search.bottleneck import nearest_farthest

        return nearest_farthest(instance, control)
    if isinstance(instance.objective, MaxSpacing):
        from siting.propose.search.bottleneck import widest_spacing

        return widest_spacing(instance, control)
    model = instance.model
    found = solve_model(model, control, start=start)
    if found.x is not None and isinstance(instance.objective, MinSites):
        found = _fullest(instance, model, found, control)
    if found.x is not None:
        found = replace(found, x=_needed(instance, model, found))
    return in_sense(instance, model, found)


def solve_model(model: Model, control: Control, *, start: Bools | None = None) -> Solution:
    """Solve a model with the engine that fits it, and check the answer.

    Raises
    ------
    RuntimeError
        When the answer does not keep the rules, or is not worth what the engine said.
    """
    found = _engine(tightened(model), control, start)
    if found.x is not None:
        value = model.objective(found.x)
        if not model.is_feasible(found.x) or abs(value - found.value) > 1e-6 * max(1.0, abs(value)):
            raise RuntimeError(f"the plan of the engine {found.engine} does not keep the rules; please report this")
        found = replace(found, value=value, bound=max(value, found.bound))
    return found


def tightened(model: Model) -> Model:
    """Say of needs that a share cannot do without that they must be served, and drop shares that this settles.

    A share misses at most the sum of its weights less what is wanted: whoever weighs more is served in every plan.
    """
    if model.times is not None or not len(model.wanted):
        return model
    slack = np.asarray(model.shares.sum(axis=1)).ravel() - model.wanted
    slack = slack + 1e-9 * np.abs(model.wanted)
    if (slack < 0).any():  # more is wanted than there is: that is for the engine to say
        return model
    of = np.repeat(np.arange(len(slack)), np.diff(model.shares.indptr))
    heavy = model.shares.data > slack[of]
    must = model.must.copy()
    must[model.shares.indices[heavy]] = True
    weight = model.shares.copy()
    weight.data = np.where(must[weight.indices], 0.0, weight.data)
    left = np.asarray(weight.sum(axis=1)).ravel() > 0
    if (must == model.must).all() and left.all():
        return model
    return (
        replace(model, must=must, shares=csr_array(model.shares[left]), wanted=model.wanted[left])
        if left.any()
        else replace(model, must=must, shares=csr_array((0, len(must))), wanted=np.zeros(0))
    )


def _engine(model: Model, control: Control, start: Bools | None) -> Solution:
    if model.times is not None:
        from siting.optimize.milp import solve_milp

        return solve_milp(model, control, start=start)
    counted = only_counted(model)
    if model.has_levels:
        if counted and not model.shares.shape[0]:
            from siting.optimize.median import solve_median

            return solve_median(model, control, start=start)
        from siting.optimize.milp import solve_milp

        return solve_milp(model, control, start=start)
    if counted:
        from siting.optimize.covering import solve_covering

        return solve_covering(model, control, start=start)
    from siting.optimize.side_constraints import solve_side_constraints

    return solve_side_constraints(model, control, start=start)


def only_counted(model: Model) -> bool:
    """Whether the rows are no more than one upper limit on the number of free columns."""
    if model.rows.shape[0] > 1:
        return False
    if not model.rows.shape[0]:
        return True
    row = model.rows.toarray()[0]
    free = model.lower < model.upper
    return bool((row[free] == 1).all() and not np.isfinite(model.low[0]))


def in_sense(instance: Instance, model: Model, found: Solution) -> Answer:
    """Turn what was found for the model, which is to be large, into the sense of the objective."""
    if found.x is None:
        return Answer(None, math.nan, math.nan, found.status, found.engine, found, model, instance.sense)
    sign = instance.sense
    value, bound = sign * found.value + 0.0, sign * found.bound + 0.0
    status = found.status
    if status == "optimal" or optimal_within(value, bound, model.grain):
        status, bound = "optimal", value
    return Answer(found.x, value, bound, status, found.engine, found, model, sign)


def optimal_within(value: float, bound: float, grain: float) -> bool:
    """Whether nothing better fits between value and bound."""
    return abs(bound - value) < max(grain * (1 - 1e-6), 1e-9 * max(abs(value), abs(bound)))


def _fullest(instance: Instance, model: Model, found: Solution, control: Control) -> Solution:
    """Of the plans with as few sites, look for one that covers more; the given one when time runs out.

    What this second search proves is not said: the objective is the number of sites.
    """
    assert found.x is not None
    if control.must_stop or not instance.columns.new[found.x].any():
        return found
    again = control.for_subproblem()
    again.gap = FULL_ENOUGH
    cap = csr_array(instance.columns.new.astype(float)[None, :])
    people = fuller(instance, model)
    wider = replace(
        people,
        rows=csr_array(vstack([model.rows, cap], format="csr")) if model.rows.shape[0] else cap,
        low=np.append(model.low, -np.inf),
        high=np.append(model.high, -found.value),
    )
    if model.benefit.nnz > FEW and not model.rows.shape[0] and not model.must.any():
        better: Bools | None = _swapped(wider, found.x)
    else:
        better = solve_model(wider, again, start=found.x).x
    if better is None or not model.is_feasible(better) or model.objective(better) < found.value:
        return found
    return replace(found, x=better) if people.objective(better) > people.objective(found.x) else found


def _swapped(model: Model, x: Bools) -> Bools:
    """Change open columns for closed ones while that covers more, whatever the shares."""
    from siting.optimize.relaxation import Lagrangian
    from siting.optimize.rounding import BudgetRounding

    pick = BudgetRounding(Lagrangian(replace(model, shares=csr_array((0, model.benefit.shape[0])), wanted=np.zeros(0))))
    return pick.improve(x, pick.free)


def fuller(instance: Instance, model: Model) -> Model:
    """Return the model with the people covered for its objective."""
    worth = np.concatenate([b.worth for b in instance.blocks])
    needed = np.concatenate([instance._needed(n, b) for n, b in enumerate(instance.blocks)])
    benefit = model.benefit.copy()
    benefit.data = np.repeat(worth[needed], np.diff(benefit.indptr))
    return replace(
        model, benefit=benefit, value=np.zeros(len(model.value)), grain=1.0 if instance.inputs.whole else 0.0
    )


def _needed(instance: Instance, model: Model, found: Solution) -> Bools:
    """Close new sites that add nothing and that no rule needs: opening them costs the engine nothing, but the city."""
    x = found.x
    assert x is not None
    if model.times is not None or (model.value[instance.columns.new] > 0).any():
        return thinned(instance, x, model.is_feasible, model.objective)
    best, second, by = two_best(model, x)
    loss = np.bincount(by[by >= 0], (best - second)[by >= 0], minlength=len(x))
    value = model.objective(x)
    loose = x & instance.columns.new & (model.lower == 0) & (loss <= 0)
    # To close what costs something would be better: there is nothing of that kind in an optimum.
    idle = np.flatnonzero(loose & (model.value == 0) if found.status == "optimal" else loose)
    alone = np.bincount(model.benefit.indices, model.benefit.data, minlength=len(x))
    for j in idle[np.argsort(alone[idle], kind="stable")]:
        fewer = x.copy()
        fewer[j] = False
        if model.is_feasible(fewer) and model.objective(fewer) >= value:
            x = fewer
    return _kept_open(instance, x, model.is_feasible, model.objective)


def thinned(instance: Instance, x: Bools, keeps: Callable[[Bools], bool], worth: Callable[[Bools], float]) -> Bools:
    """Close new sites where that breaks no rule and loses nothing, and leave open what closes for nothing."""
    for j in np.flatnonzero(x & instance.columns.new & (instance.columns.lower == 0)):
        fewer = x.copy()
        fewer[j] = False
        if keeps(fewer) and worth(fewer) >= worth(x):
            x = fewer
    return _kept_open(instance, x, keeps, worth)


def _kept_open(instance: Instance, x: Bools, keeps: Callable[[Bools], bool], worth: Callable[[Bools], float]) -> Bools:
    """Leave existing sites open that close for nothing."""
    columns = instance.columns
    for j in np.flatnonzero(x & (columns.kind == CLOSING)):
        staying = (columns.site == columns.site[j]) & (columns.service == columns.service[j])
        more = x.copy()
        more[j] = False
        more[np.flatnonzero(staying & (columns.kind == STAYING))] = True
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
    worst = -10.0 * np.abs(b.data).max(initial=1.0)
    second[model.must] = worst
    best[model.must] = worst
    best[row[order[first]]], by[row[order[first]]] = b.data[order[first]], b.indices[order[first]]
    then = order[1:][~first[1:] & first[:-1]] if len(order) else order
    second[row[then]] = b.data[then]
    return best, second, by
