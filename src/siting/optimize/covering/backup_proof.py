"""The proof of a bound where several open columns serve a need: a credit for each pair."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from siting.numbers import Floats
from siting.optimize.covering.backup_kernels import least_credit
from siting.optimize.model import Model
from siting.optimize.proof import Proof
from siting.optimize.sparse_rows import row_max

__all__ = ["BackupProof", "bound_of_backup"]


@dataclass(frozen=True, eq=False)
class BackupProof(Proof):
    """Prices of needs and rows as in `Proof`, without a tree, and a *credit* of 0 or more for each pair of `benefit`.

    A need that t columns serve pays at least the t smallest of its credits, s_i. So no plan has a value above

        constant + sum of max(v_i, b_i - s_i) + sum over rows (y_r high_r or y_r low_r)
        + sum over j of the largest (value_j - sum_r y_r rows_rj + sum_i credit_ij) x_j in the box.
    """

    credit: Floats = field(default_factory=lambda: np.zeros(0))

    @classmethod
    def of(cls, v: Floats, y: Floats, credit: Floats) -> BackupProof:
        """Return the proof with these prices and credits."""
        none, root = np.empty(0, np.int64), np.array([-1])
        m = np.zeros((1, 0))
        return cls(root, root, root, np.array([0]), v[None], y[None], m, none, none, none, credit=credit)


def bound_of_backup(model: Model, proof: BackupProof) -> float:
    """Return the bound by the prices and credits of the proof alone; infinite when they are not of the right kind.

    Notes
    -----
    In a plan that serves need i, at least t_i of its columns are open, and their credits are at least the t_i smallest
    of those that may open. So the benefit of i is at most what these leave of it, and the credits of its open columns.
    Rows are relaxed as in `bound_of`.
    """
    v, y, credit = proof.v[:1].ravel(), proof.y[:1].ravel(), proof.credit
    right = (
        model.times is not None
        and len(proof.parent) == 1
        and not len(model.wanted)
        and not model.must.any()
        and not model.has_levels
        and (len(v), len(y), credit.shape) == (model.benefit.shape[0], len(model.low), (model.benefit.nnz,))
        and all(np.isfinite(part).all() for part in (v, y, credit))
        and (v >= 0).all()
        and (credit >= 0).all()
        and not (y[np.isinf(model.high)] > 0).any()
        and not (y[np.isinf(model.low)] < 0).any()
    )
    if not right:
        return np.inf
    benefit = model.benefit
    least = least_credit(benefit.indptr, benefit.indices, np.asarray(credit, float), model.times, model.upper)
    price = np.maximum(v, row_max(benefit, benefit.data) - least)
    reduced = model.value + np.bincount(benefit.indices, credit, len(model.value)) - model.rows.T @ y
    limits = np.where(y > 0, np.where(np.isinf(model.high), 0, model.high), np.where(np.isinf(model.low), 0, model.low))
    gain = np.where(reduced > 0, reduced * model.upper, reduced * model.lower)
    return float(model.constant + price.sum() + y @ limits + gain.sum())
