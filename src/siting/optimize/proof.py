"""The proof of a bound: multipliers and a search tree, and its check without a solver."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from siting.numbers import Floats, Ints
from siting.optimize.model import Model
from siting.optimize.proof_kernels import add_surplus
from siting.optimize.sparse_rows import keep_entries, row_of_entries

__all__ = [
    "SINGLE_PRECISION", "Proof", "ProofTree", "bound_of", "covers_all_plans", "is_a_tree", "lagrangian",
    "rounding_of", "worst_leaf",
]  # fmt: skip

#: Rounding error of single precision, as a share of a sum: 6e-8 of each term, which counts for several columns.
SINGLE_PRECISION = 1e-6
#: Rounding error of a sum in double precision, as a share of its terms, and how many times what is in the problem they
#: are where it counts.
ROUNDED, HUGE = 2.0**-48, 2.0**16
#: Prices of a proof from which pairs are looked through for those that count.
MANY = 5
#: In place of a box that no node needs any more: large trees would fill the memory.
NO_BOX = (np.zeros(0), np.zeros(0))


@dataclass(frozen=True, eq=False)
class Proof:
    """Multipliers that bound every leaf of a search tree; `bound_of` adds them up.

    For multipliers v (a price for each need, 0 or more except where it must be served), y (for each row; above 0 on
    `high`, below 0 on `low`) and m >= 0 (for each share), no x in the box of a node has a value above

        constant + sum v_i + sum over rows (y_r high_r or y_r low_r) - sum m_s wanted_s
        + sum over j of the largest r_j x_j in the box,
        r_j = value_j - sum_r y_r rows_rj + sum over i of max(0, b_ij + sum_s m_s shares_si - v_i) / t_i,

    where t_i is the number of open columns that serve the need, mostly 1.

    The root is node 0, of `parent` -1; a parent comes before its children, which are two or none. In a node x of
    `column` is `at` (-1 for the root), and the row `price` of v, y and m bounds it; -1 where only its children do. v is
    in single precision where that is enough for the grain. The multipliers of `fixed_node` prove for its subtree that x
    of `fixed_column` is `fixed_at`, or the plan is no better than the bound.
    """

    parent: Ints
    column: Ints
    at: Ints
    price: Ints
    v: npt.NDArray[np.floating[Any]]
    y: Floats
    m: Floats
    fixed_node: Ints
    fixed_column: Ints
    fixed_at: Ints

    @classmethod
    def at_root(cls, v: Floats, y: Floats, m: Floats) -> Proof:
        """Return the proof that has multipliers alone, and no decisions."""
        none, root = np.empty(0, np.int64), np.array([-1])
        return cls(root, root, root, np.array([0]), v[None], y[None], m[None], none, none, none)


@dataclass
class ProofTree:
    """A proof under construction; *grain* is that of the objective, if multipliers may be in single precision."""

    grain: float = 0.0
    parent: list[int] = field(default_factory=list)
    column: list[int] = field(default_factory=list)
    at: list[int] = field(default_factory=list)
    price: list[int] = field(default_factory=list)
    v: list[npt.NDArray[np.floating[Any]]] = field(default_factory=list)
    y: list[Floats] = field(default_factory=list)
    m: list[Floats] = field(default_factory=list)
    fixed: list[tuple[int, Ints, Ints]] = field(default_factory=list)

    def add(self, parent: int, column: int, at: int, price: int = -1) -> int:
        """Add a node; return its number."""
        for values, value in ((self.parent, parent), (self.column, column), (self.at, at), (self.price, price)):
            values.append(value)
        return len(self.parent) - 1

    def keep(self, v: npt.NDArray[np.floating[Any]], y: Floats, m: Floats) -> int:
        """Keep multipliers; return their row."""
        self.v.append(v)
        self.y.append(y)
        self.m.append(m)
        return len(self.v) - 1

    def rounded(self, v: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.floating[Any]]:
        """Return multipliers of needs in single precision, if its rounding is far below a grain."""
        return v.astype(np.float32 if SINGLE_PRECISION * float(np.abs(v).sum()) < self.grain else np.float64)

    def proof(self) -> Proof:
        """Return the tree as arrays, with the multipliers that bound a node."""
        fixed = self.fixed or [(0, np.zeros(0, np.int64), np.zeros(0, np.int64))]
        used = sorted({p for p in self.price if p >= 0})
        position = {p: k for k, p in enumerate(used)}
        return Proof(
            parent=np.array(self.parent, np.int64),
            column=np.array(self.column, np.int64),
            at=np.array(self.at, np.int64),
            price=np.array([position.get(p, -1) for p in self.price], np.int64),
            v=np.array([self.v[p] for p in used]),
            y=np.array([self.y[p] for p in used]),
            m=np.array([self.m[p] for p in used]),
            fixed_node=np.concatenate([np.full(len(columns), node, np.int64) for node, columns, _ in fixed]),
            fixed_column=np.concatenate([columns for _, columns, _ in fixed]).astype(np.int64),
            fixed_at=np.concatenate([at for _, _, at in fixed]).astype(np.int64),
        )


@np.errstate(over="ignore", invalid="ignore")
def bound_of(model: Model, proof: Proof) -> float:
    """Return the bound by the multipliers of the proof alone.

    It is the largest bound of a leaf of the tree, or of a branch that was closed by a fixing; see `Proof` for the
    formula. Infinite when the tree does not cover all plans.

    Notes
    -----
    Weak duality [1]_: for any multipliers, relaxing rows, shares and assignments can only allow more plans. Only the
    signs of the multipliers are checked; nothing else matters.

    References
    ----------
    .. [1] A. M. Geoffrion, "Lagrangean relaxation for integer programming", Mathematical Programming Study 2, 1974,
       pp. 82-114.
    """
    if not _has_right_signs(model, proof) or not covers_all_plans(proof):
        return np.inf
    model = _priced(model, proof)
    evaluated: dict[int, tuple[float, Floats, float]] = {}

    def at(price: int) -> tuple[float, Floats, float]:
        if price not in evaluated:
            evaluated[price] = lagrangian(model, proof.v[price].astype(np.float64), proof.y[price], proof.m[price])
        return evaluated[price]

    return worst_leaf(proof, model.lower, model.upper, at)


def rounding_of(priced: float, given: float) -> float:
    """Return the rounding error of a bound, where it counts: that of prices which are huge beside the problem.

    Such prices prove no more than their last digits do. *priced* is the size of all terms that have prices, *given* of
    all that the objective adds up. Infinite where a sum overflows.
    """
    if not np.isfinite(priced):
        return np.inf
    return ROUNDED * priced if priced > HUGE * given else 0.0


@np.errstate(over="ignore", invalid="ignore")
def worst_leaf(
    proof: Proof, lower: Floats, upper: Floats, evaluate: Callable[[int], tuple[float, Floats, float]]
) -> float:
    """Return the largest bound of a leaf of the tree, or of a branch that was closed by a fixing.

    *evaluate* gives for a row of multipliers the part of the bound that is not of the columns, the reduced value of
    each column, and the rounding error of both. The tree covers all plans.
    """
    order = np.argsort(proof.fixed_node, kind="stable")
    nodes, first = np.unique(proof.fixed_node[order], return_index=True)
    fixings = dict(zip(nodes.tolist(), np.split(order, first[1:]), strict=False))
    parents, worst = set(proof.parent.tolist()), -np.inf
    boxes: list[tuple[Floats, Floats]] = []
    last_child = dict(zip(proof.parent.tolist(), range(len(proof.parent)), strict=True))
    for node, above in enumerate(proof.parent.tolist()):
        low, high = (bound.copy() for bound in (boxes[above] if node else (lower, upper)))
        if node:  # what was proven fixed at the node above, and the decision on the way
            there = fixings.get(above, np.zeros(0, np.int64))
            columns = np.append(proof.fixed_column[there], proof.column[node])
            at = np.append(proof.fixed_at[there], proof.at[node])
            np.maximum.at(low, columns, at)
            np.minimum.at(high, columns, at)
        boxes.append((low, high) if node in parents else NO_BOX)
        if node and last_child[above] == node:
            boxes[above] = NO_BOX
        if node in parents and node not in fixings:
            continue
        price = int(proof.price[node])
        if price < 0:
            return np.inf
        base, reduced, error = evaluate(price)
        if not np.isfinite(error):
            return np.inf
        base += error
        gain = np.where(reduced > 0, reduced * high, reduced * low)
        value = base + float(gain.sum())
        if node not in parents:
            worst = max(worst, value)
        if node in fixings:
            columns, other = proof.fixed_column[fixings[node]], 1 - proof.fixed_at[fixings[node]]
            possible = (low[columns] <= other) & (other <= high[columns])
            left = value - gain[columns] + reduced[columns] * other
            worst = max(worst, float(left[possible].max(initial=-np.inf)))
    return worst


def _priced(model: Model, proof: Proof) -> Model:
    """Leave out pairs whose benefit is above the price of the need in no node, where there are many prices."""
    if len(proof.v) < MANY:
        return model
    share = np.zeros(len(model.must))
    for m in np.unique(proof.m, axis=0):
        share = np.maximum(share, model.shares.T @ m)
    least = proof.v.min(axis=0) - share
    above = model.benefit.data >= least[row_of_entries(model.benefit)] - 1e-9 * np.abs(model.benefit.data)
    return replace(model, benefit=keep_entries(model.benefit, above))


def _has_right_signs(model: Model, proof: Proof) -> bool:
    """Whether all multipliers are finite numbers of the right sign, and of the right length."""
    needs, columns = model.benefit.shape
    v, y, m = proof.v, proof.y, proof.m
    return bool(
        is_a_tree(proof, columns)
        and v.ndim == y.ndim == m.ndim == 2
        and len(v) == len(y) == len(m)
        and v.shape[1] == needs
        and y.shape[1] == len(model.low)
        and m.shape[1] == len(model.wanted)
        and all(np.isfinite(array).all() for array in (v, y, m))
        and (v[:, ~model.must] >= 0).all()
        and (m >= 0).all()
        and not (y[:, np.isinf(model.high)] > 0).any()
        and not (y[:, np.isinf(model.low)] < 0).any()
    )


def is_a_tree(proof: Proof, columns: int) -> bool:
    """Whether nodes and fixings have all their numbers, which are of *columns*, of prices, and 0 or 1."""
    nodes, fixings = len(proof.parent), len(proof.fixed_node)
    return bool(
        len(proof.column) == len(proof.at) == len(proof.price) == nodes
        and len(proof.fixed_column) == len(proof.fixed_at) == fixings
        and (proof.price < len(proof.v)).all()
        and ((proof.fixed_column >= 0) & (proof.fixed_column < columns)).all()
        and np.isin(proof.fixed_at, (0, 1)).all()
        and ((proof.column[1:] >= 0) & (proof.column[1:] < columns)).all()
    )


def covers_all_plans(proof: Proof) -> bool:
    """Whether every node has no child, or two that split it on one column."""
    parent = proof.parent
    if not len(parent) or parent[0] != -1 or (parent[1:] < 0).any() or (parent[1:] >= np.arange(1, len(parent))).any():
        return False
    children: dict[int, list[tuple[int, int]]] = {}
    for node in range(1, len(parent)):
        children.setdefault(int(parent[node]), []).append((int(proof.column[node]), int(proof.at[node])))
    return all(
        len(two) == 2 and two[0][0] == two[1][0] and {two[0][1], two[1][1]} == {0, 1} for two in children.values()
    )


def lagrangian(model: Model, v: Floats, y: Floats, m: Floats) -> tuple[float, Floats, float]:
    """Return the bound of `Proof` but for the columns, the reduced value r of each column, and the rounding error."""
    b, surplus = model.benefit, np.zeros(model.benefit.shape[1])
    share = np.asarray(model.shares.T @ m, float) if len(m) else np.zeros(b.shape[0])
    # t open columns carry one benefit: each carries a t-th
    times = np.zeros(0, np.int64) if model.times is None else np.asarray(model.times, np.int64)
    add_surplus(b.indptr, b.indices, np.asarray(b.data, float), share, np.asarray(v, float), times, surplus)
    reduced = model.value + surplus - model.rows.T @ y
    limits = np.where(y > 0, np.where(np.isinf(model.high), 0, model.high), np.where(np.isinf(model.low), 0, model.low))
    size = float(np.abs(v).sum() + np.abs(y * limits).sum() + m @ np.abs(model.wanted))
    size += float((surplus + abs(model.rows).T @ np.abs(y)).sum())
    given = abs(model.constant) + float(np.abs(model.value).sum() + np.abs(b.data).sum())
    return model.constant + float(v.sum() + y @ limits - m @ model.wanted), reduced, rounding_of(size, given)
