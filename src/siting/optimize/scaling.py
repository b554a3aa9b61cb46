"""Models in tiny or huge units, brought to usual size by powers of two, for which the tolerances are made.

A power of two changes no digit, so plans, bounds and multipliers go back as they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from siting.numbers import Bools, Floats
from siting.optimize.control import Control, Progress
from siting.optimize.model import Model
from siting.optimize.solution import Solution
from siting.optimize.sparse_rows import largest_entry, row_of_entries, scaled_rows, with_data

__all__ = ["solve_scaled"]

#: Sums within these need no change; others come to about a million.
LEAST, MOST = 1.0, 1e15


def solve_scaled(
    solve: Callable[..., Solution], model: Model, control: Control, start: Bools | None
) -> Solution | None:
    """Have the engine *solve* a model in tiny or huge units as one in usual units; None where they are usual."""
    objective, rows, shares = _factors(model)
    if objective == 1.0 and (rows == 1.0).all() and (shares == 1.0).all():
        return None

    def unscaled(at: Progress) -> Progress:
        value, bound = (None if each is None else each / objective for each in (at.value, at.bound))
        return replace(at, value=value, bound=bound)

    found = solve(_scaled(model, objective, rows, shares), control.reporting(unscaled), start=start)
    proof = found.proof
    if proof is not None and found.too_few is not None:  # it is about people, and a row that counts columns
        proof = replace(proof, v=proof.v / shares[0], y=proof.y / shares[0])
    elif proof is not None:
        proof = replace(proof, v=proof.v / objective, y=proof.y * rows / objective, m=proof.m * shares / objective)
    value = -math.inf if found.x is None else model.objective(found.x)
    return replace(found, value=value, bound=max(value, found.bound / objective), proof=proof)


def _factors(model: Model) -> tuple[float, Floats, Floats]:
    """Return what the objective, each row and each share are multiplied by."""
    total = largest_entry(model.benefit).sum() + np.abs(model.value).sum()
    rows, shares = (
        _power_of_two(np.bincount(row_of_entries(part), np.abs(part.data), part.shape[0]).astype(float))
        for part in (model.rows, model.shares)
    )
    return float(_power_of_two(np.array([total]))[0]), rows, shares


def _power_of_two(size: Floats) -> Floats:
    """Return what brings sums of an unusual size to about a million; 1 for the others."""
    odd = (size > 0) & ((size < LEAST) | (size > MOST))
    return np.where(odd, 2.0 ** (20 - np.round(np.log2(np.where(odd, size, 1.0)))), 1.0)


def _scaled(model: Model, objective: float, rows: Floats, shares: Floats) -> Model:
    benefit, grain = with_data(model.benefit, model.benefit.data * objective), model.grain * objective
    constant, value = model.constant * objective, model.value * objective
    model = replace(model, rows=scaled_rows(model.rows, rows), low=model.low * rows, high=model.high * rows)
    model = replace(model, shares=scaled_rows(model.shares, shares), wanted=model.wanted * shares)
    return replace(model, benefit=benefit, value=value, grain=grain, constant=constant)
