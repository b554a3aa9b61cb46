"""The answer of a solver to a programme, and the checks before it counts."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from siting.messages import Message
from siting.numbers import Floats
from siting.optimize.programme import Programme

__all__ = ["ENDED", "SolverAnswer", "broken_by", "fault_of", "proven_by"]

#: Begins the status of a solver that stopped for a reason of its own, which follows.
ENDED = "ended with "
#: How far an answer may miss what it must keep, as a number and as a share of the sum that it misses.
SLACK, SHARE = 1e-6, 1e-9
#: The solver's own tolerance of reduced costs, with room for rounding errors.
DUAL_TOLERANCE = 2e-7


@dataclass(frozen=True, eq=False)
class SolverAnswer:
    """What the solver reports, unchecked; `x` and `prices` are empty where it gives none."""

    status: str
    x: Floats
    value: float
    bound: float
    prices: Floats
    nodes: int = 0


def fault_of(model: Programme, answer: SolverAnswer, gap: float, known: float) -> Message | None:
    """Return what is wrong with an answer, None for nothing; *known* is the cost of a vector that keeps the rules."""
    if answer.status.startswith(ENDED):
        return Message("solver.ended", status=answer.status.removeprefix(ENDED))
    if answer.status == "infeasible":
        return Message("solver.an_answer") if math.isfinite(known) else None
    if math.isnan(answer.bound) or answer.bound == math.inf:
        return Message("solver.bound", bound=answer.bound)
    slack = SLACK + SHARE * abs(answer.bound) if math.isfinite(answer.bound) else SLACK
    if answer.bound > known + slack:
        return Message("solver.bound_above", bound=answer.bound, known=known)
    if not len(answer.x):
        return Message("solver.no_vector") if answer.status == "optimal" and len(model.cost) else None
    if (broken := broken_by(model, answer.x)) is not None:
        return broken
    value = float(model.cost @ answer.x)
    slack = SLACK + SHARE * float(np.abs(model.cost) @ np.abs(answer.x))
    if not abs(value - answer.value) <= slack:
        return Message("solver.other_cost", value=value, reported=answer.value)
    if answer.bound > value + slack:
        return Message("solver.bound_over", bound=answer.bound, value=value)
    if answer.status != "optimal":
        return None
    if model.whole:
        differ = Message("solver.bound_differs", value=value, bound=answer.bound)
        return None if value - answer.bound <= gap + slack else differ
    if len(answer.prices) != len(model.row_lower) or not np.isfinite(answer.prices).all():
        return Message("solver.no_prices")
    loose = proven_by(model, answer.prices, loosely=True)
    agree = value - loose <= slack + SLACK * abs(value)
    return None if agree else Message("solver.other_prices", proven=loose, value=value)


def broken_by(model: Programme, x: Floats) -> Message | None:
    """Return which rule of the model a vector breaks, None for none."""
    if len(x) != len(model.cost):
        return Message("solver.vector_entries", n=len(x), length=len(model.cost))
    if not np.isfinite(x).all():
        return Message("solver.vector_number")
    slack = SLACK + SHARE * np.abs(x)
    if (x < model.lower - slack).any() or (x > model.upper + slack).any():
        return Message("solver.vector_bounds")
    if (np.abs(x[: model.whole] - np.rint(x[: model.whole])) > SLACK).any():
        return Message("solver.vector_whole")
    inside = model.matrix @ x
    slack = SLACK + SHARE * (abs(model.matrix) @ np.abs(x))
    broken = (inside < model.row_lower - slack).any() or (inside > model.row_upper + slack).any()
    return Message("solver.vector_row") if broken else None


def proven_by(model: Programme, prices: Floats, *, loosely: bool = False) -> float:
    """Return what no x costs less than, by weak duality, for any *prices* of the rows.

    With d = c - A' y: the sum of y times the limit of each row that its sign points to, and of d times that of each
    variable. Reduced costs within the solver's tolerance count as nothing where the variable has no limit; *loosely*
    everywhere: the bound may be wrong by the solver's tolerances.
    """
    y = np.where(np.isfinite(np.where(prices > 0, model.row_lower, model.row_upper)), prices, 0.0)
    side = np.where(y > 0, model.row_lower, model.row_upper)
    d = model.cost - model.matrix.T @ y
    end = np.where(d > 0, model.lower, model.upper)
    within = np.abs(d) <= DUAL_TOLERANCE * np.maximum(1.0, np.abs(model.cost))
    d = np.where(within & (loosely | np.isinf(end)), 0.0, d)
    return float(y[y != 0] @ side[y != 0] + d[d != 0] @ end[d != 0])
