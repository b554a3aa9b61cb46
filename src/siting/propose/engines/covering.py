"""Covering problems: most served by so many sites, fewest sites for a share, fewest sites for all.

The largest share with p sites is the maximal covering location problem (Church, R. and ReVelle, C., 1974, The maximal
covering location problem, Papers of the Regional Science Association 32, pp. 101-118), all served by the fewest the
location set covering problem (Toregas and others, 1971, The location of emergency service facilities, Operations
Research 19, pp. 1363-1373), and a share by the fewest the partial set covering location problem (Daskin, M. and Owen,
S., 1999, Two new location covering problems, Geographical Analysis 31, pp. 217-235).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.sparse import csr_array

from siting.propose.engines.branch import Goal, Search, Tree, floored
from siting.propose.engines.dual import Dual, Prices, Terms
from siting.propose.engines.heuristics import Mend, Pick
from siting.propose.engines.model import Bools, Found, Model, Proof
from siting.propose.engines.reduce import Reduced, reduce
from siting.propose.engines.watch import Watch

__all__ = ["solve_covering"]

NAME = "covering"
#: How far below what is wanted a bound must lie, in sites, so that the last bits of the multipliers do not matter.
MARGIN = 1e-5


def solve_covering(model: Model, watch: Watch, *, start: Bools | None = None) -> Found:
    """Solve a covering problem to the end, or until the watch says stop.

    Parameters
    ----------
    model
        A model without levels. Any rows, shares and needs that must be served are kept; plans are found well when there
        is at most one row, of costs.
    watch
        Time limit, gap and progress.
    start
        A plan to begin with; it is ignored when it breaks a rule.

    Returns
    -------
    Found
        Its proof is for ``reduce(model).model``.

    Raises
    ------
    ValueError
        When a need is worth more from one column than from another, or the model holds what is no number.
    RuntimeError
        When the solver fails.
    """
    if (model.low > model.high).any():
        return Found(None, -math.inf, -math.inf, "infeasible", NAME)
    reduced = reduce(model)
    begin = None if start is None else np.asarray(start, bool)[reduced.columns]
    if _is_partial(reduced.model):
        return _fewest(reduced, watch, begin, model.benefit.shape[1])
    return _most(reduced, watch, begin, model.benefit.shape[1])


def _most(reduced: Reduced, watch: Watch, begin: Bools | None, size: int) -> Found:
    """Branch and bound on the model as it stands."""
    small = reduced.model
    terms = Terms(small)
    goal = Goal.of(small, terms.w)
    polisher = Pick(terms) if _is_pick(small) else Mend(terms)
    search = Search(terms, watch, goal, polisher.polish)
    if begin is not None:
        search.found(begin)
        search.found(polisher.polish(begin.astype(float), small.lower, small.upper))
    prices = Dual(terms).solve(seconds=watch.left)
    polisher.learn(prices)
    if prices.x is not None:
        search.found(polisher.polish(prices.x, small.lower, small.upper))
    bound, r = terms.bound(prices, small.lower, small.upper)
    if search.x is not None and not watch.report("rounding", goal.value, floored(bound, small.grain)):
        # What better plans have in common with this one need not be looked at.
        search.found(polisher.shake(search.x, polisher.free & (np.abs(r) <= bound - goal.value)))
    search.begin(prices)
    return _found(reduced, search, search.run(), size)


def _found(reduced: Reduced, search: Search, done: bool, size: int) -> Found:
    goal, proof = search.goal, search.tree.proof()
    bound = max(floored(search.bound, goal.grain), goal.value)
    status = search.watch.status
    if search.x is None:
        none = done and search.bound <= goal.worst
        bound, status = (-math.inf, "infeasible") if none else (bound, status)
        return Found(None, -math.inf, bound, status, NAME, proof, search.nodes)
    proven = bound <= goal.value + (1e-9 * abs(goal.value) if goal.grain <= 0 else 0.0)
    x = reduced.widen(search.x, size)
    return Found(x, goal.value, bound, "optimal" if proven else status, NAME, proof, search.nodes)


def _is_pick(model: Model) -> bool:
    """Whether there is nothing but one row of costs with an upper limit, and worth."""
    if model.must.any() or len(model.wanted) or len(model.high) > 1:
        return False
    return bool((model.rows.data >= 0).all() and np.isneginf(model.low).all())


def _is_partial(model: Model) -> bool:
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


class _Decision:
    """Reach the share with so many columns: the other side of `fewest columns for a share`."""

    def __init__(self, model: Model, watch: Watch) -> None:
        self.model, self.watch = model, watch
        self.best: Bools | None = None
        self.free = (model.lower == 0) & (model.upper > 0)
        self.wanted = float(model.wanted[0])
        self.each = -float(model.value[self.free][0])
        weight = np.asarray(model.shares.toarray()[0])
        owner = np.repeat(np.arange(len(weight)), np.diff(model.benefit.indptr))
        n, m = model.benefit.shape
        whole = bool((weight == np.rint(weight)).all())
        self.question = Model(
            benefit=csr_array((weight[owner], model.benefit.indices, model.benefit.indptr), shape=(n, m)),
            value=np.zeros(m),
            rows=csr_array(self.free.astype(float)[None, :]),
            low=np.array([-np.inf]),
            high=np.array([0.0]),
            lower=model.lower,
            upper=model.upper,
            shares=csr_array((0, n)),
            wanted=np.zeros(0),
            must=np.zeros(n, bool),
            grain=1.0 if whole else 0.0,
        )
        self.terms = Terms(self.question)

    def of(self, p: float) -> Terms:
        """Return the question with *p* columns."""
        return self.terms.with_high(np.array([float(p)]))

    def margin(self, y: float) -> float:
        """Return how far a bound must stay below the share, in people."""
        return MARGIN * max(y, 1e-9) + 1e-9 * max(1.0, abs(self.wanted))

    @property
    def most(self) -> float:
        """People whom all columns together serve."""
        return self.question.objective(self.question.upper > 0)

    def count(self, plan: Bools) -> int:
        """Count the columns of a plan that need not be open."""
        return int((plan & self.free).sum())

    def take(self, plan: Bools | None) -> bool:
        """Keep a plan that reaches the share with fewer columns; tell whether it does."""
        if plan is None or not self.model.keeps(plan):
            return False
        if self.best is not None and self.count(plan) >= self.count(self.best):
            return False
        self.best = plan
        return True

    def solve(self, dual: Dual, p: float) -> Prices:
        """Solve the relaxation for *p* columns."""
        dual.limit(np.array([float(p)]))
        return dual.solve(seconds=self.watch.left)

    def plan(self, dual: Dual, p: int) -> Bools:
        """Round the relaxation for *p* columns."""
        prices = self.solve(dual, p)
        pick = Pick(self.of(p))
        x = prices.x if prices.x is not None else np.zeros(len(self.free))
        plan = pick.polish(x, self.question.lower, self.question.upper)
        return plan if self.model.keeps(plan) else pick.shake(plan, self.free)

    def search(self, p: int, tell: Callable[..., bool]) -> Search:
        """Begin the search for a plan of *p* columns that reaches the share."""
        terms = self.of(p)
        prices = Dual(terms).solve(seconds=self.watch.left)
        goal = Goal.of(terms.model, terms.w)
        goal.ceiling = self.wanted - self.margin(float(prices.y[0]))
        goal.wanted = self.wanted - 1e-9 * max(1.0, self.wanted)
        pick = Pick(terms)
        search = Search(terms, self.watch, goal, pick.polish, tell)
        search.tree.exact = True
        if prices.x is not None:
            search.found(pick.polish(prices.x, terms.model.lower, terms.model.upper))
        search.begin(prices)
        return search

    def proof(self, tree: Tree) -> Proof:
        """Turn multipliers that bound the share with *p* columns into some that bound the columns for the share.

        A column is worth what it adds in people, times m, less its cost. With m the cost over the people that the last
        column is worth, the bound stays below p columns by m times the people that are missing.
        """
        turned = Tree()
        turned.parent, turned.column, turned.at, turned.price = tree.parent, tree.column, tree.at, tree.price
        turned.fixed = tree.fixed
        for prices in tree.prices:
            y = float(prices.y[0])
            base = self.terms.base(np.asarray(prices.v, float), np.zeros(1), prices.m)
            m = self.each * (1.0 / y if y > 0 else 4.0 * (len(self.free) + 1) / max(self.wanted - base, 1e-9))
            turned.keep(Prices(prices.v * m, np.zeros(0), np.array([m])))
        return turned.proof()


def _fewest(reduced: Reduced, watch: Watch, begin: Bools | None, size: int) -> Found:
    """Fewest columns for one share: with p of them it is reached, with p - 1 it is not."""
    model = reduced.model
    asked = _Decision(model, watch)
    fixed = model.constant + float(model.value[model.lower > 0].sum())
    if asked.most < asked.wanted - 1e-9 * max(1.0, asked.wanted):
        everything = Prices(asked.terms.w, np.zeros(1), np.zeros(0))
        return Found(None, -math.inf, -math.inf, "infeasible", NAME, asked.proof(_single(everything)), 1)
    asked.take(begin)
    asked.take(Pick(asked.of(len(model.value))).improve(model.lower > 0, asked.free))
    dual = Dual(asked.of(0))
    low = _least(asked, dual)
    proof = asked.proof(_single(asked.solve(dual, low - 1))) if low > 0 else _single_proof(model)
    nodes = 1

    def tell(*_: object) -> bool:
        known = None if asked.best is None else fixed - asked.each * asked.count(asked.best)
        return watch.report("search", known, fixed - asked.each * low)

    _gallop(asked, dual, low, tell)
    while asked.best is not None and asked.count(asked.best) > low and not tell():
        p = asked.count(asked.best) - 1
        search = asked.search(p, tell)
        done = search.run()
        nodes += search.nodes
        if asked.take(search.x):
            continue
        if not done or search.bound > search.goal.limit:
            break
        low, proof = p + 1, asked.proof(search.tree)
    best = asked.best
    bound = fixed - asked.each * low
    if best is None:
        return Found(None, -math.inf, bound, watch.status, NAME, proof, nodes)
    value = model.objective(best)
    status = "optimal" if asked.count(best) <= low else watch.status
    return Found(reduced.widen(best, size), value, max(bound, value), status, NAME, proof, nodes)


def _gallop(asked: _Decision, dual: Dual, low: int, tell: Callable[[], bool]) -> None:
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


def _least(asked: _Decision, dual: Dual) -> int:
    """Return the fewest columns that the relaxation needs: Newton's method from below, on a concave function."""
    p = 0.0
    for _ in range(100):
        prices = asked.solve(dual, p)
        bound, _ = asked.of(p).bound(prices, asked.question.lower, asked.question.upper)
        missing, y = asked.wanted - bound, float(prices.y[0])
        if missing <= asked.margin(y) or y <= 0:
            break
        p += missing / y
    low = math.ceil(p - 1e-6)
    while low > 0:
        prices = asked.solve(dual, low - 1)
        bound, _ = asked.of(low - 1).bound(prices, asked.question.lower, asked.question.upper)
        if bound <= asked.wanted - asked.margin(float(prices.y[0])):
            break
        low -= 1
    return low


def _single(prices: Prices) -> Tree:
    """Make a tree of the root alone."""
    tree = Tree(exact=True)
    tree.add(-1, -1, -1, tree.keep(prices)[0])
    return tree


def _single_proof(model: Model) -> Proof:
    """Prices of nothing: enough where nothing need be opened."""
    needs, rows, shares = model.benefit.shape[0], len(model.high), len(model.wanted)
    return _single(Prices(np.zeros(needs), np.zeros(rows), np.zeros(shares))).proof()
