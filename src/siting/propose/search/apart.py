"""The best plan that differs from given ones: a row for each of them, and prices of such rows for medians."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.sparse import csr_array, vstack

from siting.numbers import Bools, Floats, Ints
from siting.optimize.control import Control
from siting.optimize.model import Model
from siting.optimize.proof import Proof
from siting.optimize.solution import Solution, floored, is_proven
from siting.optimize.sparse_rows import row_of_entries
from siting.propose.model.constraints import Constraint
from siting.propose.model.formulation import Formulation
from siting.propose.model.variables import CLOSING, LARGER, NEW, Variables
from siting.propose.problem import MaxSpacing, MinFarthest
from siting.propose.search.answer import Answer, in_sense
from siting.propose.search.choose_engine import only_counted, solve_model
from siting.propose.search.choose_search import search
from siting.propose.search.pruning import prune

__all__ = ["choices", "exclusion", "search_apart"]

#: Pairs up to which a median with rows is one programme.
SMALL = 4_000
#: Evaluations of prices, at most, and the gap at which those on the way stop.
TURNS, ROUGH = 12, 1e-5
#: Plans from which a first one is made, and sites tried in place of those that are missed least.
FROM, TRIED = 3, 12


def choices(variables: Variables, x: Bools) -> Ints:
    """Return what a plan decides, a number for each site and service that opens, closes or grows in it."""
    at = np.flatnonzero(x & np.isin(variables.kind, (NEW, CLOSING, LARGER)) & (variables.lower == 0))
    return np.unique(_decision(variables)[at])


def _decision(variables: Variables) -> Ints:
    return np.asarray(variables.place * 5 + variables.kind)


def exclusion(variables: Variables, x: Bools, differ: int) -> Constraint:
    """Write that *differ* decisions of a plan are not taken, all where it has fewer; any other where it has none."""
    made = choices(variables, x)
    free = np.isin(variables.kind, (NEW, CLOSING, LARGER)) & (variables.lower == 0)
    if not len(made):
        at = np.flatnonzero(free)
        return Constraint(None, at, np.ones(len(at)), 1.0, np.inf)
    at = np.flatnonzero(free & np.isin(_decision(variables), made))
    return Constraint(None, at, np.ones(len(at)), -np.inf, float(len(made) - min(differ, len(made))))


def search_apart(
    formulation: Formulation, plans: Sequence[Bools], differ: int, control: Control
) -> tuple[Formulation, Answer]:
    """Find the best plan that differs from all *plans*; the problem with their rows, and its answer."""
    rows = [exclusion(formulation.variables, x, differ) for x in plans]
    apart = replace(formulation, constraints=(*formulation.constraints, *rows))
    if formulation.capacity is not None or isinstance(formulation.objective, (MinFarthest, MaxSpacing)):
        return apart, search(apart, control)
    model = apart.model
    start = _start(model, plans, differ)
    if not _is_median(formulation.model):
        return apart, search(apart, control, start=start)
    found = _priced(formulation.model, apart.model, control, start)
    if found.x is not None:
        found = replace(found, x=prune(apart, model, found, control))
    return apart, in_sense(apart, model, found)


def _is_median(model: Model) -> bool:
    plain = only_counted(model) and not model.shares.shape[0] and model.times is None
    return plain and model.benefit.nnz > SMALL and model.has_levels


def _priced(model: Model, apart: Model, control: Control, start: Bools | None) -> Solution:
    """Price the further rows of *apart*, for which the engine of medians then solves: weak duality bounds all plans.

    The prices follow subgradients with the step of Polyak; a plan that keeps all rows and lies at the bound is best.
    """
    more = csr_array(apart.rows[model.rows.shape[0] :])
    high = apart.high[model.rows.shape[0] :]
    low = apart.low[model.rows.shape[0] :]
    best, x, bound, proof = -np.inf, None, np.inf, None
    if start is not None and apart.is_feasible(start):
        best, x = apart.objective(start), start
    y, near = np.zeros(more.shape[0]), start
    loss = 0.0
    for turn in range(TURNS):
        limits = np.where(y < 0, low, high)
        constant = float(y @ np.where(y == 0, 0.0, limits))
        priced = replace(model, value=model.value - more.T @ y, constant=model.constant + constant, grain=0.0)
        own = control.for_subproblem()
        own.gap = control.gap if bound - best <= 5 * ROUGH * abs(best) else max(control.gap, ROUGH)
        if own.time_limit is not None:
            own.time_limit = control.seconds + control.seconds_left / max(1, min(3, TURNS - turn))
        found = solve_model(priced, own, start=near)
        if found.status == "infeasible" or found.x is None:
            return replace(found, proof=None)
        if found.bound < bound and found.proof is not None:
            bound, proof = found.bound, _with_prices(found.proof, y, apart)
        near = found.x
        used = more @ found.x.astype(float)
        if apart.is_feasible(found.x) and apart.objective(found.x) > best:
            best, x = apart.objective(found.x), found.x
        limit = floored(bound, apart.grain)
        if x is not None and (is_proven(best, max(best, limit), apart.grain) or bound - best <= control.gap * abs(best)):
            break
        if control.report("prices", best if x is not None else None, bound):
            break
        slope = np.where(np.isfinite(high), used - high, used - np.where(np.isfinite(low), low, 0.0))
        size = float(slope @ slope)
        loss = (found.bound - best) if x is not None else max(2 * loss, 1e-3 * abs(found.bound))
        if not size or loss <= 0:
            break
        y = y + (0.9**turn) * loss / size * slope
        y = np.where(np.isfinite(high), np.maximum(y, 0.0), np.minimum(y, 0.0))
    if x is None:
        return Solution.without_plan(bound, control.status, "Lagrangian median", proof)
    bound = max(best, floored(bound, apart.grain))
    done = is_proven(best, bound, apart.grain)
    return Solution(x, best, best if done else bound, "optimal" if done else control.status, "Lagrangian median", proof)


def _with_prices(proof: Proof, y: Floats, apart: Model) -> Proof:
    """Add the prices of the further rows to those of every node."""
    kept = apart.rows.shape[0] - len(y)
    mine = proof.y[:, :kept] if proof.y.shape[1] >= kept else np.zeros((len(proof.v), kept))
    return replace(proof, y=np.hstack([mine, np.tile(y, (len(proof.v), 1))]))


def _start(model: Model, plans: Sequence[Bools], differ: int) -> Bools | None:
    """Make a plan from the given ones: some of the sites that are missed least go, and the best others come."""
    best, found = -np.inf, None
    for x in plans[:FROM]:
        missed = _missed(model, x)
        order = np.flatnonzero(x & (model.lower == 0))
        order = order[np.argsort(missed[order], kind="stable")]
        few = min(differ, len(order))
        for last in order[max(0, few - 1) : few - 1 + TRIED].tolist():
            begin = x.copy()
            begin[order[: max(0, few - 1)]] = begin[last] = False
            begin = _filled(model, begin, ~x, few)
            if model.is_feasible(begin) and (worth := model.objective(begin)) > best:
                best, found = worth, begin
    return found


def _missed(model: Model, x: Bools) -> Floats:
    """Return what the objective loses, about, when one open column shuts."""
    b, row = model.benefit, row_of_entries(model.benefit)
    data = np.where(x[b.indices], b.data, -np.inf)
    best = np.full(b.shape[0], -np.inf)
    np.maximum.at(best, row, data)
    here = x[b.indices] & (data == best[row])
    alone = np.bincount(row[here], minlength=b.shape[0]) == 1
    second = np.full(b.shape[0], 0.0)
    np.maximum.at(second, row[~here], np.where(np.isfinite(data[~here]), data[~here], 0.0))
    lost = here & alone[row]
    return np.asarray(np.bincount(b.indices[lost], (data - second[row])[lost], minlength=len(x)) + model.value)


def _filled(model: Model, x: Bools, may: Bools, count: int) -> Bools:
    """Open columns of *may* that the rows allow, those first that add most."""
    b, row = model.benefit, row_of_entries(model.benefit)
    spread = float(np.abs(b.data).max(initial=0.0)) + 1.0
    weight = csr_array(model.rows).toarray() if model.rows.shape[0] <= 4 * FROM * TRIED else None
    for _ in range(count):
        floor = np.where(model.must, -2 * spread, 0.0)
        np.maximum.at(floor, row, np.where(x[b.indices], b.data, -np.inf))
        gain = np.bincount(b.indices, np.maximum(0.0, b.data - floor[row]), minlength=len(x)) + model.value
        able = may & ~x & (model.upper > 0)
        if weight is not None:
            able &= ((weight @ x.astype(float))[:, None] + weight <= model.high[:, None] + 1e-9).all(axis=0)
        if not able.any():
            break
        x = x.copy()
        x[np.flatnonzero(able)[np.argmax(gain[able])]] = True
    return x
