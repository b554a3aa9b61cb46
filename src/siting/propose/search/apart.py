"""The best plan that differs from given ones: a row for each of them, and prices of such rows for medians."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
from scipy.sparse import csr_array

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

ENGINE = "Lagrangian median"
#: Pairs up to which a median with rows is one programme.
SMALL = 4_000
#: Evaluations of prices, at most, and the gap at which those on the way stop.
TURNS, ROUGH = 12, 1e-5
#: Plans from which a first one is made; sites beyond those that are missed least, and sets of them that may go.
FROM, SPARE, TRIED = 3, 6, 30
#: Rows up to which columns that come are held to them.
ROWS = 200


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
    formulation: Formulation, plans: Sequence[Bools], differ: int, control: Control, last: Answer | None = None
) -> tuple[Formulation, Answer]:
    """Find the best plan that differs from all *plans*; the problem with their rows, and its answer.

    *last* is the answer that the last of the plans is from, whose proof bounds what is left, too.
    """
    rows = [exclusion(formulation.variables, x, differ) for x in plans]
    apart = replace(formulation, constraints=(*formulation.constraints, *rows))
    no_sum = isinstance(formulation.objective, (MinFarthest, MaxSpacing)) or formulation.market is not None
    if formulation.capacity is not None or no_sum:
        return apart, search(apart, control)
    model = apart.model
    start = _start(model, plans, differ)
    if not _is_median(formulation.model):
        return apart, search(apart, control, start=start)
    known = None if last is None else last.found
    found = _priced(formulation.model, apart.model, control, start, known)
    if found.x is not None:
        found = replace(found, x=prune(apart, model, found, control))
    return apart, in_sense(apart, model, found)


def _is_median(model: Model) -> bool:
    plain = only_counted(model) and not model.shares.shape[0] and model.times is None
    return plain and model.benefit.nnz > SMALL and model.has_levels


def _priced(
    model: Model, apart: Model, control: Control, start: Bools | None, last: Solution | None = None
) -> Solution:
    """Price the further rows of *apart*, for which the engine of medians then solves: weak duality bounds all plans.

    The prices follow subgradients with the step of Polyak; a plan that keeps all rows and lies at the bound is best.
    They begin where those of the *last* problem, which has a row less, ended.
    """
    kept = model.rows.shape[0]
    more, high, low = csr_array(apart.rows[kept:]), apart.high[kept:], apart.low[kept:]
    best, x, bound, proof = -np.inf, None, np.inf, None
    y, near, turn = np.zeros(more.shape[0]), start, 0
    if start is not None and apart.is_feasible(start):
        best, x = apart.objective(start), start
    if last is not None and last.x is not None and last.proof is not None:
        before = last.proof.y[0, kept:]
        y[: len(before)] = before
        bound, proof, near, turn = last.bound, _with_prices(last.proof, y, kept), last.x, 1
        y = _stepped(y, bound - best, more @ near.astype(float), low, high)
    while turn < TURNS:
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
            bound, proof = found.bound, _with_prices(found.proof, y, kept)
        near = found.x
        if apart.is_feasible(near) and apart.objective(near) > best:
            best, x = apart.objective(near), near
        limit = floored(bound, apart.grain)
        if is_proven(best, max(best, limit), apart.grain) or bound - best <= control.gap * abs(best):
            break
        if control.report("prices", best if x is not None else None, bound):
            break
        if own.gap > control.gap and bound - best <= 5 * ROUGH * abs(best):  # near enough to look closely
            turn += 1
            continue
        loss = found.bound - best if x is not None else 2.0**turn * 1e-3 * abs(found.bound)
        after = _stepped(y, 0.9**turn * loss, more @ near.astype(float), low, high)
        if np.array_equal(after, y):
            break
        y, turn = after, turn + 1
    if x is None:
        return Solution.without_plan(bound, control.status, ENGINE, proof)
    bound = max(best, floored(bound, apart.grain))
    done = is_proven(best, bound, apart.grain)
    return Solution(x, best, best if done else bound, "optimal" if done else control.status, ENGINE, proof)


def _stepped(y: Floats, loss: float, used: Floats, low: Floats, high: Floats) -> Floats:
    """Move prices along the subgradient, so far that the bound would lose *loss* if it fell evenly."""
    above = np.isfinite(high)
    slope = np.where(above, used - high, used - np.where(np.isfinite(low), low, 0.0))
    size = float(slope @ slope)
    if not size or not 0 < loss < np.inf:
        return y
    y = y + loss / size * slope
    return np.asarray(np.where(above, np.maximum(y, 0.0), np.minimum(y, 0.0)))


def _with_prices(proof: Proof, y: Floats, kept: int) -> Proof:
    """Return a proof of the first *kept* rows with the prices of the further ones at every node."""
    mine = proof.y[:, :kept] if proof.y.shape[1] >= kept else np.zeros((len(proof.v), kept))
    return replace(proof, y=np.hstack([mine, np.tile(y, (len(proof.v), 1))]))


def _start(model: Model, plans: Sequence[Bools], differ: int) -> Bools | None:
    """Make a plan from the given ones: some of the sites that are missed least go, and the best others come."""
    best, found = -np.inf, None
    for x in plans[:FROM]:
        missed = _missed(model, x)
        order = np.flatnonzero(x & (model.lower == 0))
        few = min(differ, len(order))
        order = order[np.argsort(missed[order], kind="stable")][: few + SPARE]
        sets = sorted(combinations(order.tolist(), few), key=lambda some: float(missed[list(some)].sum()))
        for some in sets[:TRIED]:
            begin = x.copy()
            begin[list(some)] = False
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
    weight = csr_array(model.rows).toarray() if model.rows.shape[0] <= ROWS else None
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
