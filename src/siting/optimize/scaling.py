"""Models in tiny or huge units, brought to ones of usual size by powers of two: tolerances are for those.

A power of two changes no digit, so plans, bounds and multipliers go back as they are.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array

from siting.numbers import Bools, Floats
from siting.optimize.control import Control, Progress
from siting.optimize.model import Model
from siting.optimize.solution import Solution

__all__ = ["usual"]

#: Sums within these need no change; others come to about a million.
LEAST, MOST = 1.0, 1e15


@dataclass(frozen=True, eq=False)
class _Units:
    """What the objective, each row and each share were multiplied by."""

    worth: float
    rows: Floats
    shares: Floats


def usual(solve: Callable[..., Solution], model: Model, control: Control, start: Bools | None) -> Solution | None:
    """Have the engine *solve* a model in tiny or huge units as one in usual units; None where they are usual."""
    units = _units(model)
    if units.worth == 1.0 and (units.rows == 1.0).all() and (units.shares == 1.0).all():
        return None
    found = solve(_in(model, units), _told(control, units.worth), start=start)
    proof, worth = found.proof, units.worth
    if proof is not None and found.too_few is not None:  # it is about people, and a row that counts columns
        proof = replace(proof, v=proof.v / units.shares[0], y=proof.y / units.shares[0])
    elif proof is not None:
        proof = replace(proof, v=proof.v / worth, y=proof.y * units.rows / worth, m=proof.m * units.shares / worth)
    x = found.x
    value = -math.inf if x is None else model.objective(x)
    return replace(found, value=value, bound=max(value, found.bound / worth), proof=proof)


def _units(model: Model) -> _Units:
    b = model.benefit
    top = np.zeros(b.shape[0])
    filled = np.flatnonzero(np.diff(b.indptr))
    if len(filled):
        top[filled] = np.maximum.reduceat(np.abs(b.data), b.indptr[filled])
    worth = _factor(np.array([top.sum() + np.abs(model.value).sum()]))[0]
    return _Units(float(worth), _factor(_sums(model.rows)), _factor(_sums(model.shares)))


def _sums(matrix: csr_array) -> Floats:
    row = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    return np.bincount(row, np.abs(matrix.data), matrix.shape[0]).astype(float)


def _factor(size: Floats) -> Floats:
    odd = (size > 0) & ((size < LEAST) | (size > MOST))
    return np.where(odd, 2.0 ** (20 - np.round(np.log2(np.where(odd, size, 1.0)))), 1.0)


def _in(model: Model, units: _Units) -> Model:
    return replace(
        model,
        benefit=_times(model.benefit, np.full(model.benefit.shape[0], units.worth)),
        value=model.value * units.worth,
        grain=model.grain * units.worth,
        constant=model.constant * units.worth,
        rows=_times(model.rows, units.rows),
        low=model.low * units.rows,
        high=model.high * units.rows,
        shares=_times(model.shares, units.shares),
        wanted=model.wanted * units.shares,
    )


def _times(matrix: csr_array, factor: Floats) -> csr_array:
    data = matrix.data * np.repeat(factor, np.diff(matrix.indptr))
    return csr_array((data, matrix.indices, matrix.indptr), shape=matrix.shape)


def _told(control: Control, worth: float) -> Control:
    """Return the control with progress told in the units of the user."""
    other, tell = copy.copy(control), control.progress

    def told(at: Progress) -> object:
        value, bound = (None if each is None else each / worth for each in (at.value, at.bound))
        return tell and tell(replace(at, value=value, bound=bound))

    other.progress = told
    return other
