"""Fewest columns for one share: with p columns it is reached, with p - 1 it is not.

The partial set covering location problem (Daskin, M. and Owen, S., 1999, Two new location covering problems,
Geographical Analysis 31, pp. 217-235). Whether p columns reach the share is a maximal covering problem.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.sparse import csr_array

from siting.numbers import Bools
from siting.optimize.branch_and_bound import Goal, Search, Tree
from siting.optimize.control import Control
from siting.optimize.model import Model
from siting.optimize.presolve import Reduced, reduce
from siting.optimize.proof import Proof, bound_of
from siting.optimize.relaxation import Dual, Lagrangian, Prices
from siting.optimize.rounding import BudgetRounding, greedy
from siting.optimize.solution import Solution

__all__ = ["DecisionProblem", "bound_of_partial", "is_partial", "maximal_covering", "solve_partial"]

NAME = "covering"
#: How far a bound in whole numbers may miss one, and a sum of fractions its limit, by the last bits.
WHOLE_SLACK, LAST_BITS = 1e-6, 1e-9
#: Kicks of the last look for a plan with one column less, before a tree settles it.
KICKS = 300


def is_partial(model: Model) -> bool:
    """Whether it asks for the fewest columns that reach one share."""
    free = (model.lower == 0) & (model.upper > 0)
    return (
        len(model.wanted) == 1
        and not len(model.high)
        and not model.must.any()
        and not model.benefit.data.any()
        and bool(free.any())
        and bool((model.value[free] < 0).all() and (model.value[free] == model.value[free][0]).all())
    )


def maximal_covering(model: Model, most: float) -> Model:
    """Return the other side of a model with one share: to serve the most of it with *most* of the free columns.

    Where the model limits its columns by a row of costs, *most* is the limit of that.
    """
    free = (model.lower == 0) & (model.upper > 0)
    weight = np.asarray(model.shares.toarray()[0])
    owner = np.repeat(np.arange(len(weight)), np.diff(model.benefit.indptr))
    n, m = model.benefit.shape
    return Model(
        benefit=csr_array((weight[owner], model.benefit.indices, model.benefit.indptr), shape=(n, m)),
        value=np.zeros(m),
        rows=model.rows if len(model.high) else csr_array(free.astype(float)[None, :]),
        low=np.array([-np.inf]),
        high=np.array([float(most)]),
        lower=model.lower,
        upper=model.upper,
        shares=csr_array((0, n)),
        wanted=np.zeros(0),
        must=np.zeros(n, bool),
        grain=1.0 if (weight == np.rint(weight)).all() else 0.0,
    )


def _least_wanted(wanted: float) -> float:
    """Return the least that counts as reaching a share: what `Model.is_feasible` takes."""
    return wanted - LAST_BITS * abs(wanted)


def _ceiling(wanted: float, grain: float) -> float:
    """Return up to where a bound says that a share is not reached: in whole numbers by as little as one."""
    least = _least_wanted(wanted)
    if grain > 0:
        return math.ceil(least) - WHOLE_SLACK - 1e-13 * abs(least)
    return least - 0.1 * LAST_BITS * abs(wanted)


def bound_of_partial(model: Model, proof: Proof, most: float) -> float:
    """Return the bound on *model* that follows when the proof says that *most* columns do not reach its share.

    Infinite when it does not say so.

    Parameters
    ----------
    model
        The model as it was given to `solve_covering`.
    proof
        Of the `maximal_covering` of ``reduce(model).model``: its bound is below the share.
    most
        How many columns are not enough.
    """
    small = reduce(model).model
    if not is_partial(small):
        return math.inf
    question, wanted = maximal_covering(small, most), float(small.wanted[0])
    if bound_of(question, proof) > _ceiling(wanted, question.grain):
        return math.inf
    each = -float(small.value[(small.lower == 0) & (small.upper > 0)][0])
    return small.constant + float(small.value[small.lower > 0].sum()) - each * (most + 1)


class DecisionProblem:
    """Reach the share with so many columns: the other side of `fewest columns for a share`."""

    def __init__(self, model: Model, control: Control, most: float = 0.0) -> None:
        self.model, self.control = model, control
        self.best: Bools | None = None
        self.free = (model.lower == 0) & (model.upper > 0)
        self.wanted = float(model.wanted[0])
        self.each = -float(model.value[self.free][0]) if self.free.any() else 0.0
        self.question = maximal_covering(model, most)
        self.ceiling = _ceiling(self.wanted, self.question.grain)
        self.terms = Lagrangian(self.question)

    def of(self, p: float) -> Lagrangian:
        """Return the question with *p* columns."""
        return self.terms.with_high(np.array([float(p)]))

    def bound(self, prices: Prices, p: float) -> float:
        """Return what *p* columns cannot beat."""
        return self.of(p).bound(prices, self.question.lower, self.question.upper)[0]

    @property
    def most(self) -> float:
        """People whom all columns together serve."""
        return self.question.objective(self.question.upper > 0)

    def count(self, plan: Bools) -> int:
        """Count the columns of a plan that need not be open."""
        return int((plan & self.free).sum())

    def take(self, plan: Bools | None) -> bool:
        """Keep a plan that reaches the share with fewer columns; tell whether it does."""
        if plan is None or not self.model.is_feasible(plan):
            return False
        if self.best is not None and self.count(plan) >= self.count(self.best):
            return False
        self.best = plan
        return True

    def solve(self, dual: Dual, p: float) -> Prices:
        """Solve the relaxation for *p* columns."""
        dual.limit(np.array([float(p)]))
        return dual.solve(seconds=self.control.seconds_left)

    def plan(self, dual: Dual, p: int, kicks: int | None = None) -> Bools:
        """Round the relaxation for *p* columns, and look around from there, *kicks* times."""
        prices = self.solve(dual, p)
        terms = self.of(p)
        pick = BudgetRounding(terms)
        x = prices.x if prices.x is not None else np.zeros(len(self.free))
        plan = pick.polish(x, self.question.lower, self.question.upper)
        if self.model.is_feasible(plan):
            return plan
        # What all plans that reach the share have in common with this one need not be looked at.
        bound, r = terms.bound(prices, self.question.lower, self.question.upper)
        movable = self.free & (np.abs(r) <= bound - _least_wanted(self.wanted))
        return pick.shake(plan, movable) if kicks is None else pick.improve(plan, movable, kicks, 5)

    def search(self, p: float, tell: Callable[..., bool]) -> Search:
        """Begin the search for a plan of *p* columns that reaches the share."""
        terms = self.of(p)
        prices = Dual(terms).solve(seconds=self.control.seconds_left)
        goal = Goal.of(terms.model, terms.w)
        goal.ceiling, goal.wanted = self.ceiling, _least_wanted(self.wanted)
        pick = BudgetRounding(terms)
        search = Search(terms, self.control, goal, pick.polish, tell)
        search.tree.grain = 0.0
        if prices.x is not None:
            search.found(pick.polish(prices.x, terms.model.lower, terms.model.upper))
        search.begin(prices)
        return search

    def proof(self, tree: Tree) -> Proof:
        """Turn multipliers that bound the share with *p* columns into some that bound the columns for the share.

        A column is worth what it adds in people, times m, less its cost. With m the cost over the people that the last
        column is worth, the bound stays below p columns by m times the people that are missing.
        """
        turned = Tree(self.model.grain)
        turned.parent, turned.column, turned.at, turned.price = tree.parent, tree.column, tree.at, tree.price
        turned.fixed = tree.fixed
        for prices in tree.prices:
            y = float(prices.y[0])
            base = self.terms.base(np.asarray(prices.v, float), np.zeros(1), prices.m)
            m = self.each * (1.0 / y if y > 0 else 4.0 * (len(self.free) + 1) / max(self.wanted - base, 1e-9))
            turned.keep(Prices(prices.v * m, np.zeros(0), np.array([m])))
        return turned.proof()


def solve_partial(reduced: Reduced, control: Control, begin: Bools | None, size: int) -> Solution:
    """Fewest columns for one share: with p of them it is reached, with p - 1 it is not."""
    model = reduced.model
    asked = DecisionProblem(model, control)
    fixed = model.constant + float(model.value[model.lower > 0].sum())
    if asked.most < _least_wanted(asked.wanted):
        everything = Prices(asked.terms.w, np.zeros(1), np.zeros(0))
        return Solution(None, -math.inf, -math.inf, "infeasible", NAME, asked.proof(_tree_of(everything)), 1)
    asked.take(begin)
    asked.take(greedy(asked.terms, _least_wanted(asked.wanted)))
    low, prices = _counting_bound(asked)
    dual = Dual(asked.of(low))
    low, prices = _relaxation_bound(asked, dual, low, prices)
    tree = _tree_of(prices)
    nodes = 1

    def tell(*_: object) -> bool:
        known = None if asked.best is None else fixed - asked.each * asked.count(asked.best)
        return control.report("search", known, fixed - asked.each * low)

    _search_numbers(asked, dual, low, tell)
    while asked.best is not None and asked.count(asked.best) > low and not tell():
        p = asked.count(asked.best) - 1
        if asked.take(asked.plan(dual, p, KICKS)):
            continue
        search = asked.search(p, tell)
        done = search.run()
        nodes += search.nodes
        if asked.take(search.x):
            continue
        if not done or search.bound > search.goal.limit:
            break
        low, tree = p + 1, search.tree
    best, bound = asked.best, fixed - asked.each * low
    proof, question = _proven(asked, low, tree, bound)
    if best is None:
        return Solution(None, -math.inf, bound, control.status, NAME, proof, nodes, question)
    value = model.objective(best)
    status = "optimal" if asked.count(best) <= low else control.status
    return Solution(reduced.widen(best, size), value, max(bound, value), status, NAME, proof, nodes, question)


def _proven(asked: DecisionProblem, low: int, tree: Tree, bound: float) -> tuple[Proof, int | None]:
    """Turn the proof that fewer than *low* columns are too few; one that would lose the bound stays, with its question.

    One person of millions is less than the last bits of a column.
    """
    if low <= 0:
        return _trivial_proof(asked.model), None
    turned = asked.proof(tree)
    if bound_of(asked.model, turned) < bound + max(asked.model.grain * (1 - 2 * WHOLE_SLACK), LAST_BITS * asked.each):
        return turned, None
    return tree.proof(), low - 1


def _search_numbers(asked: DecisionProblem, dual: Dual, low: int, tell: Callable[[], bool]) -> None:
    """Look for a number of columns for which rounding reaches the share: in growing steps up, then halving down."""
    failed, step = low - 1, 1
    while not tell():
        top = len(asked.free) + 1 if asked.best is None else asked.count(asked.best)
        p = min(failed + step, (failed + top) // 2)
        if p <= failed or p >= top:
            break
        if asked.take(asked.plan(dual, p)):
            step = 1
        else:
            failed, step = p, 2 * step


def _counting_bound(asked: DecisionProblem) -> tuple[int, Prices]:
    """Return so many columns that one less is too few even if none served what another does, and the prices for it."""
    question = asked.question
    alone = np.sort((asked.terms.serves @ asked.terms.w)[asked.free])[::-1]
    low = 0
    if asked.ceiling >= question.constant:
        low = int(np.searchsorted(question.constant + np.cumsum(alone), asked.ceiling, side="right")) + 1
    at = max(low - 2, 0)
    y = float(alone[at]) if at < len(alone) else 0.0
    prices = Prices(np.zeros(len(asked.terms.w)), np.array([y]), np.zeros(0))
    while low > 0 and asked.bound(prices, low - 1) > asked.ceiling:
        low -= 1
    return low, prices


def _relaxation_bound(asked: DecisionProblem, dual: Dual, low: int, known: Prices) -> tuple[int, Prices]:
    """Return the fewest columns that the relaxation needs, at least *low*: Newton's method, on a concave function.

    With the prices that show that one less is too few.
    """
    p = float(low)
    for _ in range(100):
        prices = asked.solve(dual, p)
        bound, y = asked.bound(prices, p), float(prices.y[0])
        if asked.control.must_stop or bound > asked.ceiling or y <= 0:
            break
        p += (asked.wanted - bound) / y
    for fewest in range(min(math.ceil(p - 1e-9), len(asked.free)), low, -1):
        prices = asked.solve(dual, fewest - 1)
        if asked.bound(prices, fewest - 1) <= asked.ceiling:
            return fewest, prices
        if asked.control.must_stop:
            break
    return low, known


def _tree_of(prices: Prices) -> Tree:
    """Make a tree of the root alone."""
    tree = Tree()
    tree.add(-1, -1, -1, tree.keep(prices)[0])
    return tree


def _trivial_proof(model: Model) -> Proof:
    """Prices of nothing: enough where nothing need be opened."""
    needs, rows, shares = model.benefit.shape[0], len(model.high), len(model.wanted)
    return _tree_of(Prices(np.zeros(needs), np.zeros(rows), np.zeros(shares))).proof()
