"""Which engine solves a model, and the bound that its proof gives."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from scipy.sparse import csr_array

from siting.messages import Message
from siting.numbers import Bools
from siting.optimize.control import Control
from siting.optimize.covering.backup_covering import is_backup, solve_backup
from siting.optimize.covering.backup_proof import BackupProof, bound_of_backup
from siting.optimize.covering.covering import solve_covering
from siting.optimize.covering.partial_covering import bound_of_partial
from siting.optimize.covering.presolve import reduce
from siting.optimize.covering.side_constraints import solve_side_constraints
from siting.optimize.median.median import solve_median
from siting.optimize.milp import solve_late, solve_milp
from siting.optimize.model import Model
from siting.optimize.proof import Proof, bound_of
from siting.optimize.solution import Solution

__all__ = ["only_counted", "proven_bound", "solve_model", "tightened"]

#: Seconds, about, that an engine needs for a pair before it looks at the clock again.
PRESOLVE = 2e-7
#: Pairs from which on problems with backup are not left to the solver alone, which ends small ones soon.
MANY_PAIRS = 5_000


def proven_bound(model: Model, proof: Proof, too_few: int | None = None, enough: float = -math.inf) -> float:
    """Return the bound of a proof for a model, or its reduced one; *too_few* columns do not reach the share.

    The reduced model is not priced where the given one proves *enough*.
    """
    model = tightened(model)
    if too_few is not None:
        return bound_of_partial(model, proof, too_few)
    if isinstance(proof, BackupProof):
        return bound_of_backup(model, proof)
    bound = bound_of(model, proof)
    return bound if bound <= enough else min(bound, bound_of(reduce(model).model, proof))


def solve_model(model: Model, control: Control, *, start: Bools | None = None) -> Solution:
    """Solve a model with the engine that fits it, and check the answer."""
    found = _engine(tightened(model), control, start)
    if found.x is not None:
        value = model.objective(found.x)
        if not model.is_feasible(found.x) or abs(value - found.value) > 1e-6 * max(1.0, abs(value)):
            raise RuntimeError(Message("question.solver_broke_rules", engine=found.engine))
        found = replace(found, value=value, bound=max(value, found.bound))
    return found


def tightened(model: Model) -> Model:
    """Mark needs as to be served that weigh more than their share may miss, and drop shares that this settles."""
    if model.times is not None or not len(model.wanted):
        return model
    slack = (np.asarray(model.shares.sum(axis=1)).ravel() - model.wanted) + 1e-9 * np.abs(model.wanted)
    if (slack < 0).any():  # more is wanted than there is: the engine finds that out
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
    shares = csr_array(model.shares[left]) if left.any() else csr_array((0, len(must)))
    return replace(model, must=must, shares=shares, wanted=model.wanted[left])


def _engine(model: Model, control: Control, start: Bools | None) -> Solution:
    counted = only_counted(model)
    late = control.seconds_left < PRESOLVE * model.benefit.nnz
    if (control.must_stop or late) and not control.interrupted:  # no time for more than a first plan
        return solve_late(model, control, start)
    if model.benefit.nnz >= MANY_PAIRS and is_backup(model):
        return solve_backup(model, control, start=start)
    if model.times is not None or (model.has_levels and (not counted or model.shares.shape[0])):
        return solve_milp(model, control, start=start)
    engine = solve_median if model.has_levels else solve_covering if counted else solve_side_constraints
    return engine(model, control, start=start)


def only_counted(model: Model) -> bool:
    """Whether the rows are no more than one upper limit on the number of free columns."""
    if model.rows.shape[0] != 1:
        return not model.rows.shape[0]
    row = model.rows.toarray()[0]
    return bool((row[model.lower < model.upper] == 1).all() and not np.isfinite(model.low[0]))
