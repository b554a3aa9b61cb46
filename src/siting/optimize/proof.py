"""What a `Proof` proves, added up anew: the check needs no solver."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from siting.numbers import Floats, Ints
from siting.optimize.model import Model

__all__ = ["Proof", "bound_of"]


@dataclass(frozen=True, eq=False)
class Proof:
    """Multipliers that bound every leaf of a tree of decisions; `siting.optimize.proof.bound_of` adds them up.

    For multipliers v (a price for each need, 0 or more except where it must be served), y (for each row; above 0 on
    `high`, below 0 on `low`) and m >= 0 (for each share), no x in the box of a node is worth more than

        constant + sum v_i + sum over rows (y_r high_r or y_r low_r) - sum m_s wanted_s
        + sum over j of the largest r_j x_j in the box,
        r_j = value_j - sum_r y_r rows_rj + sum over i of max(0, b_ij + sum_s m_s shares_si - v_i) / t_i,

    where t_i is how many open columns serve the need, mostly 1.

    Attributes
    ----------
    parent
        Of each node; -1 for the root, which is node 0. A parent stands before its children, which are two or none.
    column, at
        The decision that leads to each node: x of this column is `at`; -1 for the root.
    price
        Which row of multipliers bounds the node; -1 where only its children do.
    v, y, m
        Rows of multipliers; v in single precision where that is enough for the grain of the objective.
    fixed_node, fixed_column, fixed_at
        What the multipliers of a node prove of its whole subtree: x of this column is `at`, or the plan is no better
        than the bound.
    """

    parent: Ints
    column: Ints
    at: Ints
    price: Ints
    v: npt.NDArray[np.float32] | Floats
    y: Floats
    m: Floats
    fixed_node: Ints
    fixed_column: Ints
    fixed_at: Ints


def bound_of(model: Model, proof: Proof) -> float:
    """Return what no plan can be worth more than, by the multipliers of the proof alone.

    It is the largest bound of a leaf of the tree, or of a branch that was closed by a fixing; see `Proof` for the
    formula. Infinite when the tree does not cover all plans.

    Parameters
    ----------
    model
        That the proof is about: the reduced one.
    proof
        Multipliers and tree.

    Notes
    -----
    Weak duality [1]_: whatever the multipliers, relaxing rows, shares and the choice of who serves a need can only let
    in more. The multipliers are checked for their signs; nothing else about them matters.

    References
    ----------
    .. [1] A. M. Geoffrion, "Lagrangean relaxation for integer programming", Mathematical Programming Study 2, 1974,
       pp. 82-114.
    """
    if not _signs(model, proof) or not _tree(proof):
        return np.inf
    boxes = _boxes(model, proof)
    inner = np.zeros(len(proof.parent), bool)
    inner[proof.parent[1:]] = True
    fixed_at: dict[int, list[tuple[int, int]]] = {}
    for node, column, at in zip(
        proof.fixed_node.tolist(), proof.fixed_column.tolist(), proof.fixed_at.tolist(), strict=True
    ):
        fixed_at.setdefault(node, []).append((column, at))
    worst = -np.inf
    priced: dict[int, tuple[float, Floats]] = {}
    for node, (lower, upper) in enumerate(boxes):
        fixings = fixed_at.get(node, [])
        if inner[node] and not fixings:
            continue
        price = int(proof.price[node])
        if price < 0:
            return np.inf
        if price not in priced:
            priced = {price: _priced(model, proof, price)}
        base, reduced = priced[price]
        gain = np.where(reduced > 0, reduced * upper, reduced * lower)
        value = base + float(gain.sum())
        if not inner[node]:
            worst = max(worst, value)
        for column, at in fixings:
            if lower[column] <= 1 - at <= upper[column]:
                worst = max(worst, value - float(gain[column]) + float(reduced[column]) * (1 - at))
    return worst


def _signs(model: Model, proof: Proof) -> bool:
    """Whether all multipliers are finite numbers of the right sign, and of the right length."""
    needs, columns = model.benefit.shape
    v, y, m = proof.v, proof.y, proof.m
    return bool(
        v.ndim == y.ndim == m.ndim == 2
        and len(v) == len(y) == len(m)
        and v.shape[1] == needs
        and y.shape[1] == len(model.low)
        and m.shape[1] == len(model.wanted)
        and all(np.isfinite(array).all() for array in (v, y, m))
        and (v[:, ~model.must] >= 0).all()
        and (m >= 0).all()
        and not (y[:, np.isinf(model.high)] > 0).any()
        and not (y[:, np.isinf(model.low)] < 0).any()
        and (proof.price < len(v)).all()
        and ((proof.fixed_column >= 0) & (proof.fixed_column < columns)).all()
        and np.isin(proof.fixed_at, (0, 1)).all()
        and ((proof.column[1:] >= 0) & (proof.column[1:] < columns)).all()
    )


def _tree(proof: Proof) -> bool:
    """Whether every node has no child, or two that split it on one column: then the leaves cover all plans."""
    parent = proof.parent
    if not len(parent) or parent[0] != -1 or (parent[1:] < 0).any() or (parent[1:] >= np.arange(1, len(parent))).any():
        return False
    children: dict[int, list[tuple[int, int]]] = {}
    for node in range(1, len(parent)):
        children.setdefault(int(parent[node]), []).append((int(proof.column[node]), int(proof.at[node])))
    return all(
        len(two) == 2 and two[0][0] == two[1][0] and {two[0][1], two[1][1]} == {0, 1} for two in children.values()
    )


def _boxes(model: Model, proof: Proof) -> list[tuple[Floats, Floats]]:
    """Bounds of x at each node: the decisions on the way, and what was proven fixed at nodes above."""
    fixed: dict[int, list[tuple[int, int]]] = {}
    for node, column, at in zip(
        proof.fixed_node.tolist(), proof.fixed_column.tolist(), proof.fixed_at.tolist(), strict=True
    ):
        fixed.setdefault(node, []).append((column, at))
    boxes: list[tuple[Floats, Floats]] = [(model.lower, model.upper)]
    for node in range(1, len(proof.parent)):
        above = int(proof.parent[node])
        lower, upper = (bound.copy() for bound in boxes[above])
        for column, at in [*fixed.get(above, []), (int(proof.column[node]), int(proof.at[node]))]:
            lower[column], upper[column] = max(lower[column], at), min(upper[column], at)
        boxes.append((lower, upper))
    return boxes


def _priced(model: Model, proof: Proof, price: int) -> tuple[float, Floats]:
    """Return the constant part of the bound and what each column is worth at these prices."""
    v, y, m = proof.v[price].astype(np.float64), proof.y[price], proof.m[price]
    b = model.benefit
    share = model.shares.T @ m if len(m) else np.zeros(b.shape[0])
    row = np.repeat(np.arange(b.shape[0]), np.diff(b.indptr))
    surplus = np.maximum(0.0, b.data + share[row] - v[row])
    if model.times is not None:  # t open columns carry one benefit: each carries a t-th
        surplus /= model.times[row]
    reduced = model.value + np.bincount(b.indices, surplus, minlength=b.shape[1]) - model.rows.T @ y
    limits = np.where(y > 0, np.where(np.isinf(model.high), 0, model.high), np.where(np.isinf(model.low), 0, model.low))
    return model.constant + float(v.sum() + y @ limits - m @ model.wanted), reduced
