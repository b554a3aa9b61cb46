"""A search tree for set covering in compiled loops, kept as a `Proof`; for problems that it can finish."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from siting.numbers import Ints
from siting.optimize.control import Control
from siting.optimize.covering.set_cover_kernels import Incidence, reduced_costs
from siting.optimize.covering.set_cover_search import CoverSearch, part_of
from siting.optimize.covering.set_cover_tree_kernels import (
    COUNT,
    DEPTH,
    FIXINGS,
    KNOWN,
    PRICES,
    SPENT,
    TRAIL,
    TreeRecord,
    TreeState,
    begin_tree,
    grow_tree,
)
from siting.optimize.proof import Proof

__all__ = ["Tree", "grown"]

#: Rounds of subgradients in a node, and at the root.
ROUNDS, ROOT_ROUNDS = 40, 200
#: Nodes between two looks at the clock, the fewest that pay, and the depth that is given up at.
PART, FEWEST, DEEPEST = 500, 20, 400
#: Pairs looked at by all subgradients together, and bytes of prices.
WORK, BYTES = 2e9, 2e8
#: Nodes after which the size is forecast, and how far off the forecast may be.
ENOUGH, OFF = 4_000, 50


@dataclass(frozen=True, eq=False)
class Tree:
    """A finished tree: its proof, and the number of nodes."""

    proof: Proof
    nodes: int


def grown(covers: CoverSearch, control: Control, share: float = 1.0) -> Tree | None:
    """Search to the end from the prices and the cover of *covers*, which gets what is better; None when that is far.

    It ends after a *share* of the nodes that pay.
    """
    root = _Root(covers)
    n = len(root.sets.back_start) - 1
    pays = int(min(WORK / (max(len(root.sets.rows), 1) * ROUNDS / 2), BYTES / (4 * n)))
    most = int(share * pays)
    if not len(root.at) or pays < PART or most < FEWEST:
        return None
    state = root.state()
    parts: list[TreeRecord] = []
    begin_tree(root.sets, state, root.price, covers.grain, ROOT_ROUNDS)
    done, nodes, prices = False, 1, 1
    while not done:
        record = _record(min(PART, most // 4), n, len(root.at))
        known = float(state.sums[KNOWN])
        done = bool(grow_tree(root.sets, state, record, covers.grain, ROUNDS))
        parts.append(_cut(record, state, int(state.size[COUNT]) - nodes, prices))
        nodes, prices = int(state.size[COUNT]), prices + len(parts[-1].prices)
        if state.sums[KNOWN] < known:
            x = np.zeros(len(covers.model.value), bool)
            x[covers.columns[root.at[state.best]]] = True
            covers.offer(x)
        far = (
            nodes > most
            or (nodes > min(ENOUGH, most // 5) and _progress(state) * most * OFF < nodes)
            or state.size[DEPTH] >= DEEPEST
        )
        if not done and (far or control.must_stop):
            return None
    return Tree(root.proof(parts), nodes)


class _Root:
    """The root: prices in single precision, and the columns that they fix."""

    def __init__(self, covers: CoverSearch) -> None:
        self.covers = covers
        self.price = covers.price.astype(np.float32)
        left = np.asarray(reduced_costs(covers.sets, self.price.astype(float)))
        bound = float(self.price.astype(float).sum() + np.minimum(left, 0.0).sum())
        room = covers.cost - covers.grain * (1 - 1e-5) - bound
        self.shut, self.opened = left >= max(room, 0.0), -left >= max(room, 0.0)
        self.shut &= left > 0
        self.opened &= left < 0
        if (self.shut | self.opened).all():  # the last decision is a branch of its own
            last = int(np.argmin(np.abs(left)))
            self.shut[last] = self.opened[last] = False
        #: Columns, of those of *covers*, in the tree.
        self.at = np.flatnonzero(~self.shut)
        self.sets: Incidence = part_of(covers.sets, self.at)

    def state(self) -> TreeState:
        """Return the state at the root."""
        n, m = len(self.sets.back_start) - 1, len(self.at)
        fixed = np.where(self.opened[self.at], 1, -1).astype(np.int8)
        opened = np.flatnonzero(fixed == 1)
        row = np.repeat(fixed, np.diff(self.sets.start))
        covered = np.bincount(self.sets.rows[row == 1], minlength=n).astype(np.int32)
        free = np.bincount(self.sets.rows[row == -1], minlength=n).astype(np.int32)
        trail = np.zeros(m, np.int32)
        trail[: len(opened)] = opened
        deep = np.zeros(DEEPEST + 1, np.int64)
        size = np.zeros(5, np.int64)
        size[TRAIL], size[COUNT] = len(opened), 1
        sums = np.zeros(2)
        sums[SPENT], sums[KNOWN] = float(self.sets.cost[opened].sum()), self.covers.cost
        return TreeState(
            fixed, covered, free, trail, deep.copy(), deep.copy(), deep.copy(), deep.copy(),
            np.zeros((len(deep), n), np.float32), np.zeros(m, bool), size, sums,
        )  # fmt: skip

    def proof(self, parts: list[TreeRecord]) -> Proof:
        """Put the parts together, behind the root; columns are those of the model."""
        columns = self.covers.columns
        mine = columns[self.at]
        fixed = np.flatnonzero(self.shut | self.opened)
        prices = np.concatenate([self.price[None], *(part.prices for part in parts)])
        none = np.zeros((len(prices), 0))

        def joined(first: Ints, name: str) -> Ints:
            return np.concatenate([first, *(getattr(part, name) for part in parts)]).astype(np.int64)

        root = np.array([-1])
        column = joined(root, "column")
        column[1:] = mine[column[1:]]
        return Proof(
            parent=joined(root, "parent"),
            column=column,
            at=joined(root, "at"),
            price=joined(np.array([0]), "price"),
            v=-prices,
            y=none,
            m=none,
            fixed_node=joined(np.zeros(len(fixed), np.int64), "fixed_node"),
            fixed_column=np.concatenate([columns[fixed], mine[joined(fixed[:0], "fixed_column")]]).astype(np.int64),
            fixed_at=joined(self.opened[fixed].astype(np.int64), "fixed_at"),
        )


def _record(size: int, n: int, m: int) -> TreeRecord:
    """Return an empty record of so many nodes."""
    node, fixing = np.zeros((4, size), np.int64), np.zeros((3, 20 * size + m), np.int64)
    parent, column, at, price = node
    fixed_node, fixed_column, fixed_at = fixing
    prices = np.zeros((size, n), np.float32)
    return TreeRecord(parent, column, at, price, fixed_node, fixed_column, fixed_at, prices)


def _cut(record: TreeRecord, state: TreeState, nodes: int, prices: int) -> TreeRecord:
    """Return what is in a record of so many *nodes*; before its prices there are so many others."""
    fixings = int(state.size[FIXINGS])
    price = np.where(record.price[:nodes] < 0, -1, record.price[:nodes] + prices)
    return TreeRecord(
        record.parent[:nodes], record.column[:nodes], record.at[:nodes], price, record.fixed_node[:fixings],
        record.fixed_column[:fixings], record.fixed_at[:fixings], record.prices[: int(state.size[PRICES])].copy(),
    )  # fmt: skip


def _progress(state: TreeState) -> float:
    """Estimate the part of the tree that is searched: each side of a branch is half of it."""
    depth = int(state.size[DEPTH])
    weight = 0.5 ** np.arange(1, depth + 1)
    return 1.0 - float(((2 - state.sides[:depth]) * weight).sum())
