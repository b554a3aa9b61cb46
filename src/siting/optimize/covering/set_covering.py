"""Set covering: all needs served at the least cost, with a proof.

Prices and covers of `siting.optimize.covering.set_cover_search` first; where they do not meet, the relaxation, solved
on the columns that matter (the others are priced, and join where they are worth it), then branch and bound, in turns
with the search for covers.
"""

from __future__ import annotations

import numpy as np

from siting.numbers import Bools, Floats, Ints
from siting.optimize.control import Control
from siting.optimize.covering.branch_and_bound import BranchAndBound
from siting.optimize.covering.presolve import Reduced, with_columns
from siting.optimize.covering.relaxation import Lagrangian, Multipliers, Relaxation
from siting.optimize.covering.set_cover_search import CoverSearch
from siting.optimize.covering.set_cover_tree import Tree, grown
from siting.optimize.model import Model
from siting.optimize.solution import SAME, Solution, floored

__all__ = ["is_set_covering", "solve_set_covering"]

NAME = "covering"
#: Steps of the first search for each row and column, and the share of its nodes that the first tree gets.
FIRST_STEPS, FIRST_SHARE = 15, 0.005
#: Nodes of the tree with a solver in the first turn with the search; twice as many each time.
NODES = 100
#: Steps for each node, at least, and pairs of a row and a column of the tree for a step.
LEAST_STEPS, PAIRS = 500, 30
#: Columns that may be needed from which a tree of the nearest alone comes first, and its nodes in the first turn.
MANY, FEW_NODES = 5_000, 20
#: Columns of each row with which the relaxation begins, and how many join it at once.
BEGIN, JOIN = 10, 2_000


def is_set_covering(model: Model) -> bool:
    """Whether the objective is the least cost of serving all needs, each of which can be served, and nothing else."""
    free = (model.lower == 0) & (model.upper > 0)
    if len(model.high) or len(model.wanted) or model.times is not None or not len(model.must) or not free.any():
        return False
    served_by_free = np.diff(model.benefit.indptr) > 0
    return bool(
        model.must.all()
        and served_by_free.all()
        and not model.benefit.data.any()
        and (model.value[free] < 0).all()
        and free[model.benefit.indices].all()
    )


def solve_set_covering(reduced: Reduced, control: Control, begin: Bools | None, size: int) -> Solution:
    """Serve all at the least cost; the proof is of the reduced model."""
    model = reduced.model
    covers = CoverSearch(model, control)
    if begin is not None and model.is_feasible(begin):
        covers.offer(begin)
    covers.begin()
    n, m = model.benefit.shape
    covers.search(FIRST_STEPS * (n + min(m, BEGIN * n)))
    return _Search(reduced, covers, control).run(size)


class _Search:
    """The exact search: trees in turns with the search for covers."""

    def __init__(self, reduced: Reduced, covers: CoverSearch, control: Control) -> None:
        self.reduced, self.covers, self.control, self.model = reduced, covers, control, reduced.model
        self.terms = Lagrangian(self.model)
        self.search = BranchAndBound(self.terms, control, lambda x, *_: covers.rounded(x))

    def run(self, size: int) -> Solution:
        """Search until a tree is complete, or the control stops it."""
        search, covers, control, model = self.search, self.covers, self.control, self.model
        search.offer(covers.plan())
        multipliers = _priced(self.terms, covers, None)
        if not self._is_done("rounding", _worth(covers)):
            multipliers = _relaxed(self.terms, covers, control)
            search.offer(covers.plan())
        small = None if self._is_done("rounding", _worth(covers)) else grown(covers, control, FIRST_SHARE)
        if small is not None:
            return self._proven(small, size)
        search.offer(covers.plan())
        search.begin(multipliers)
        self._search_nearest()
        nodes, tried = NODES, False
        while not search.run(search.nodes + nodes) and not self._is_done("search", search.bound):
            if not tried and (tree := grown(covers, control)) is not None:
                return self._proven(tree, size)
            tried = True
            covers.search(nodes * _steps(int(covers.needed().sum()), model))
            search.offer(covers.plan())
            nodes *= 2
        proof, bound = search.tree.proof(), max(floored(search.bound, search.grain), search.value)
        if search.x is None:
            return Solution.without_plan(bound, control.status, NAME, proof, search.nodes)
        proven = bound <= search.value + (SAME * abs(search.value) if search.grain <= 0 else 0.0)
        status, plan = "optimal" if proven else control.status, self.reduced.widen(search.x, size)
        return Solution(plan, search.value, bound, status, NAME, proof, search.nodes)

    def _search_nearest(self) -> None:
        """Search among the nearest columns alone, by a tree and for covers in turns, while too many may be needed."""
        covers, search = self.covers, self.search
        if int(covers.needed().sum()) <= MANY:
            return
        inside = np.flatnonzero((self.model.lower > 0) | covers.nearest(BEGIN))
        small = with_columns(self.model, _marked(inside, len(self.model.value)))

        def rounded(x: Floats, *_: Floats) -> Bools:
            wide = np.zeros(len(self.model.value))
            wide[inside] = x
            return np.asarray(covers.rounded(wide)[inside])

        def report(*_: object) -> bool:
            return self._is_done("search", search.bound)

        terms = Lagrangian(small)
        tree = BranchAndBound(terms, self.control, rounded, report)
        nodes = FEW_NODES
        tree.begin(Relaxation(terms).solve(seconds=self.control.seconds_left))
        while not report():
            covers.search(2 * nodes * _steps(len(inside), small))
            search.offer(covers.plan())
            tree.offer(np.asarray(search.x)[inside])
            done = tree.run(tree.nodes + nodes)
            if tree.x is not None:
                covers.offer(_marked(inside[tree.x], len(self.model.value)))
                search.offer(covers.plan())
            nodes *= 2
            if done or int(covers.needed().sum()) <= MANY:
                break

    def _is_done(self, step: str, bound: float) -> bool:
        value = None if self.search.x is None else self.search.value
        return self.covers.is_proven or self.control.report(step, value, floored(bound, self.model.grain))

    def _proven(self, tree: Tree, size: int) -> Solution:
        x = self.covers.plan()
        assert x is not None
        value = self.model.objective(x)
        return Solution(self.reduced.widen(x, size), value, value, "optimal", NAME, tree.proof, tree.nodes)


def _steps(columns: int, model: Model) -> int:
    """Return about how many steps of the search take as long as a node."""
    return max(LEAST_STEPS, columns * len(model.must) // PAIRS)


def _marked(columns: Ints, size: int) -> Bools:
    marked = np.zeros(size, bool)
    marked[columns] = True
    return marked


def _worth(covers: CoverSearch) -> float:
    """Return the bound on the objective."""
    model = covers.model
    return model.constant + float(model.value[model.lower > 0].sum()) - covers.bound


def _priced(terms: Lagrangian, covers: CoverSearch, x: Floats | None) -> Multipliers:
    """Return the prices as multipliers of the model."""
    return Multipliers(-covers.price, np.zeros(len(terms.model.high)), np.zeros(len(terms.model.wanted)), x)


def _relaxed(terms: Lagrangian, covers: CoverSearch, control: Control) -> Multipliers:
    """Solve the relaxation on the nearest columns, and on those that are worth more than they cost by its prices."""
    model = terms.model
    inside = (model.lower > 0) | covers.nearest(BEGIN) if len(model.value) > JOIN else np.ones(len(model.value), bool)
    x = None
    while not control.must_stop:
        relaxation = Relaxation(Lagrangian(with_columns(model, inside)))
        solved = relaxation.solve(seconds=control.seconds_left)
        if solved.x is None:
            break
        x = np.zeros(len(model.value))
        x[inside] = solved.x
        covers.set_prices(-solved.v)
        covers.rounded(x)
        _, r = terms.bound(solved, model.lower, model.upper)
        worth = np.flatnonzero(~inside & (r > 1e-9 * max(1.0, float(np.abs(model.value).max()))))
        if not len(worth) or covers.is_proven:
            break
        inside[worth[np.argsort(-r[worth], kind="stable")[:JOIN]]] = True
    return _priced(terms, covers, x)
