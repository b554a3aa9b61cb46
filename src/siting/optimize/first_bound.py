"""A first bound for any model, in closed form: the best of a few multipliers of which none needs a search.

All are served by their best columns; or each column counts alone, and one rule is priced so that the columns worth most
by weight just fill it: the relaxation of one knapsack (G. B. Dantzig, 1957, Discrete-variable extremum problems,
Operations Research 5, pp. 266-277).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from siting.numbers import Floats
from siting.optimize.model import Model
from siting.optimize.proof import Proof, bound_of, lagrangian
from siting.optimize.sparse_rows import row_max

__all__ = ["first_bound"]


def first_bound(model: Model) -> tuple[float, Proof]:
    """Return the smallest bound of these multipliers, and its proof."""
    proofs = list(_proofs(model))
    bounds = [bound_of(model, proof) for proof in proofs]
    best = int(np.argmin(bounds))
    return bounds[best], proofs[best]


def _proofs(model: Model) -> Iterator[Proof]:
    served = row_max(model.benefit, model.benefit.data)
    y, m = np.zeros(len(model.low)), np.zeros(len(model.wanted))
    yield Proof.at_root(served, y, m)
    v = np.where(model.must, served, 0.0)
    _, alone, _ = lagrangian(model, v, y, m)
    if (row := _longest(model)) is not None:
        weight = model.rows[[row]].toarray()[0]
        counts = (weight > 0) & (alone > 0)
        price = _filling(alone[counts] / weight[counts], weight[counts], float(model.high[row]), dearest=True)
        yield Proof.at_root(v, _at(y, row, price), m)
    if len(model.wanted):
        share = int(np.argmax(model.wanted))
        weight = lagrangian(model, v, y, _at(m, share, 1.0))[1] - alone
        counts = (weight > 0) & (alone < 0)
        price = _filling(-alone[counts] / weight[counts], weight[counts], float(model.wanted[share]), dearest=False)
        yield Proof.at_root(v, y, _at(m, share, price))


def _longest(model: Model) -> int | None:
    """Return the row with an upper limit, and no weight below 0, that holds most columns; None without any."""
    rows, size = model.rows, np.diff(model.rows.indptr)
    if not size.any():
        return None
    fit = (size > 0) & np.isfinite(model.high) & (rows.min(axis=1).toarray().ravel() >= 0)
    return int(np.argmax(np.where(fit, size, 0))) if fit.any() else None


def _filling(ratio: Floats, weight: Floats, room: float, *, dearest: bool) -> float:
    """Return the ratio of the column that fills the *room*, dearest or cheapest first; 0 if it is never full."""
    order = np.argsort(-ratio if dearest else ratio, kind="stable")
    last = int(np.searchsorted(np.cumsum(weight[order]), room))
    return float(ratio[order[last]]) if last < len(order) else 0.0


def _at(zeros: Floats, place: int, value: float) -> Floats:
    out = zeros.copy()
    out[place] = value
    return out
