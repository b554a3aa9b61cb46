"""The whole problem as one mixed-integer programme in HiGHS, for models without a better engine.

A need's levels of benefit become rungs of a ladder, lowest first: z_k = 1 when an open column is worth at least rung k.

    maximise  sum of (b_k - b_(k-1)) z_k + sum of value_j x_j
    with      z_k <= z_(k+1) + sum of x_j over the columns j at rung k,   0 <= z <= 1

which is as strong as one variable for each pair (Cornuéjols, Nemhauser, Wolsey 1980: A canonical representation of
simple plant location problems) with far fewer entries. Only x need be integer: every z is raised by the objective
or a share, and its limits are integer. A need that several open columns must serve
has one rung, ``t z <= sum of x_j``, and its z is integer, too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array, diags_array, eye_array

from siting.messages import Message
from siting.numbers import Bools, Floats, Ints
from siting.optimize import highs
from siting.optimize.control import Control
from siting.optimize.first_bound import first_bound
from siting.optimize.first_plan import first_plan
from siting.optimize.model import Model
from siting.optimize.proof import Proof, bound_of
from siting.optimize.scaling import solve_scaled
from siting.optimize.solution import Solution, floored, is_proven
from siting.optimize.sparse_rows import largest_entry, row_max, row_of_entries, scaled_rows

__all__ = ["solve_late", "solve_milp"]

#: Seconds, about, to write a pair into the model of the solver and pass it on.
WRITING = 2e-6


def solve_milp(model: Model, control: Control, *, start: Bools | None = None) -> Solution:
    """Solve *model*, with any rules, by HiGHS; *start* is a plan to begin with, ignored if infeasible.

    Raises
    ------
    RuntimeError
        When the solver fails, or its plan breaks rules and there is no other.
    """
    if (scaled := solve_scaled(solve_milp, model, control, start)) is not None:
        return scaled
    if model.is_out_of_reach:
        return Solution.infeasible("rules")
    start = start if start is not None and model.is_feasible(start) else None
    if start is None and control.time_limit is not None:  # the solver may find none in time
        start = first_plan(model, control)
    value = -math.inf if start is None else model.objective(start)
    if control.report("plan", None if start is None else value):
        return _unsolved(model, control.status, start)
    if control.seconds_left < WRITING * model.benefit.nnz:
        return _unsolved(model, "time_limit", start)
    form = _formulate(model)
    proof = _relaxed(model, form, control, value)
    proven = bound_of(model, proof)
    if start is not None and is_proven(value, proven, model.grain):
        return Solution(start, value, value, "optimal", "HiGHS", proof, 1)
    bound = floored(proven, model.grain)
    if control.report("HiGHS", None if start is None else value, bound):
        return Solution(start, value, max(value, bound), control.status, "HiGHS", proof, 1)
    outcome = _searched(model, form, control, start, proven)
    if outcome.status == "infeasible" and start is None:
        return Solution.infeasible("HiGHS", nodes=outcome.nodes)
    x = start
    if outcome.x is not None:
        found = outcome.x[: len(model.value)] > 0.5
        if model.is_feasible(found) and (x is None or model.objective(found) >= value):
            x = found
        elif x is None:
            raise RuntimeError(Message("solver.breaks_rules"))
    if outcome.status != "infeasible":
        proven = min(proven, form.base - outcome.bound / form.scale)
    if x is None:
        return Solution.without_plan(proven, control.status, "HiGHS", proof, outcome.nodes)
    value = model.objective(x)
    bound = max(value, floored(proven, model.grain))
    bound, status = (value, "optimal") if is_proven(value, bound, model.grain) else (bound, control.status)
    return Solution(x, value, bound, status, "HiGHS", proof, outcome.nodes)


def solve_late(model: Model, control: Control, start: Bools | None) -> Solution:
    """Return *start* or a first plan, where no time is left to search for a better one."""
    if model.is_out_of_reach:
        return Solution.infeasible("rules")
    known = start is not None and model.is_feasible(start)
    return _unsolved(model, "time_limit", start if known else first_plan(model, control))


def _unsolved(model: Model, status: str, start: Bools | None) -> Solution:
    """Return the plan known without the solver, where time is too short for it, and a bound in closed form."""
    bound, proof = first_bound(model)
    bound = floored(bound, model.grain)
    if start is None:
        return Solution.without_plan(bound, status, "rules", proof, 1)
    value = model.objective(start)
    bound = max(value, bound)
    if is_proven(value, bound, model.grain):
        return Solution(start, value, value, "optimal", "rules", proof, 1)
    return Solution(start, value, bound, status, "rules", proof, 1)


def _all_served(model: Model) -> Proof:
    """Return the multipliers of "all are served by their best columns"."""
    return Proof.at_root(
        row_max(model.benefit, model.benefit.data), np.zeros(len(model.low)), np.zeros(len(model.wanted))
    )


@dataclass(frozen=True, eq=False)
class _Formulation:
    """The programme; `need` and `level` of each rung, in the objective's unit times `scale`; `base` is outside it."""

    programme: highs.Programme
    need: Ints
    level: Floats
    scale: float
    base: float
    row_scale: Floats
    share_scale: Floats


def _formulate(model: Model) -> _Formulation:
    b, row = model.benefit, row_of_entries(model.benefit)
    order = np.lexsort((b.data, row))
    need, level = row[order], b.data[order]
    first = np.append(True, (need[1:] != need[:-1]) | (level[1:] != level[:-1]))[: len(order)]
    rung = np.cumsum(first) - 1
    need, level = need[first], level[first]
    lowest = np.append(True, need[1:] != need[:-1])[: len(need)]
    step = level - np.where(lowest, 0.0, np.append(0.0, level[:-1])[: len(level)])
    total = float(np.abs(step).sum() + np.abs(model.value).sum())
    # The solver's tolerances are absolute: sums are scaled to about a million, by a power of two to stay exact.
    scale = 2.0 ** round(math.log2(1e6 / total)) if total else 1.0
    n, k = len(model.value), len(need)
    ladder = csr_array((-np.ones(len(order)), (rung, b.indices[order])), shape=(k, n))
    above = np.flatnonzero(~lowest)
    climb = csr_array((-np.ones(len(above)), (above - 1, above)), shape=(k, k)) + eye_array(k, format="csr")
    if model.times is not None:
        if len(above):
            raise ValueError(Message("solver.several_worth"))
        climb = diags_array(model.times[need].astype(float), format="csr")
    shares = model.shares.tocsc()[:, need[lowest]].tocoo()
    counted = csr_array((shares.data, (shares.row, np.flatnonzero(lowest)[shares.col])), shape=(len(model.wanted), k))
    row_scale, share_scale = _power_of_two(model.rows), _power_of_two(model.shares)
    programme = highs.Programme.of_blocks(
        cost=-scale * np.concatenate([model.value, step]),
        lower=np.concatenate([model.lower, (model.must[need] & lowest).astype(float)]),
        upper=np.concatenate([model.upper, np.ones(k)]),
        blocks=[
            ([ladder, climb], -np.inf, 0.0),
            ([scaled_rows(model.rows, row_scale), None], model.low * row_scale, model.high * row_scale),
            ([None, scaled_rows(counted, share_scale)], model.wanted * share_scale, np.inf),
        ],
        whole=n if model.times is None else n + k,
    )
    return _Formulation(programme, need, level, scale, model.constant, row_scale, share_scale)


def _power_of_two(matrix: csr_array) -> Floats:
    """Return for each row a power of two that brings its largest entry to about 1."""
    return np.asarray(2.0 ** -np.round(np.log2(largest_entry(matrix, zero=1.0))), float)


def _relaxed(model: Model, form: _Formulation, control: Control, value: float) -> Proof:
    """Return the multipliers of the relaxation; where it was not solved those of "all is served"."""
    known = value if math.isfinite(value) else None
    outcome = highs.run(
        replace(form.programme, whole=0),
        time_limit=control.seconds_left,
        stop=lambda *_: control.report("relaxation", known),
    )
    if outcome.duals is None:
        return _all_served(model)
    rows, columns = outcome.duals
    paid = -columns[len(model.value) :] / form.scale
    free = form.programme.lower[len(model.value) :] > 0
    v = np.bincount(form.need, np.where(free, paid, np.maximum(paid, 0)), model.benefit.shape[0]).astype(float)
    rungs = len(form.need)
    y = -rows[rungs : rungs + len(model.low)] * form.row_scale / form.scale
    y[((y > 0) & ~np.isfinite(model.high)) | ((y < 0) & ~np.isfinite(model.low))] = 0
    m = np.maximum(0, rows[rungs + len(y) :] * form.share_scale / form.scale)
    return Proof.at_root(v, y, m)


def _searched(model: Model, form: _Formulation, control: Control, start: Bools | None, proven: float) -> highs.Outcome:
    begin = None
    if start is not None:
        climbed = model.served(start)[form.need] >= form.level
        begin = np.concatenate([start, climbed]).astype(float)

    def stop(cost: float, bound: float) -> bool:
        value = form.base - cost / form.scale if math.isfinite(cost) else None
        return control.report("HiGHS", value, floored(min(proven, form.base - bound / form.scale), model.grain))

    # Values that differ by less than the grain of the objective are equal.
    gap = 0.999 * model.grain * form.scale if model.grain else 1e-4
    return highs.run(form.programme, start=begin, gap=gap, time_limit=control.seconds_left, stop=stop)
