"""The engine of locations with capacities where people may be split: a search for plans, prices, and a tree."""

from __future__ import annotations

import numpy as np

from siting.numbers import Bools, Floats
from siting.optimize.capacitated.exchange import Exchange
from siting.optimize.capacitated.location import Location, enough_places
from siting.optimize.capacitated.location_tree import MANY, Tree
from siting.optimize.capacitated.master import Master
from siting.optimize.control import Control
from siting.optimize.solution import Solution, floored
from siting.optimize.sparse_rows import row_max

__all__ = ["ENGINE", "locate"]

ENGINE = "capacitated location"
#: Kicks at most, and how many in a row without a better plan are enough.
KICKS, IDLE = 60, 10
#: Shares of the time for the first climb, for plans from the relaxation, and for kicks.
CLIMB, ROUND, KICK = 0.3, 0.3, 0.3
#: The same where there are many pairs: the relaxation says more than a first climb, and a tree proves little.
CLIMB_MANY, ROUND_MANY, KICK_MANY = 0.1, 0.8, 0.7
#: Parts of a column in the relaxation from which it opens in a plan.
LEAST = (0.5, 0.25, 0.8)


def locate(problem: Location, control: Control, start: Bools | None = None) -> Solution:
    """Choose the columns to open, with a proof by prices; from *start*, if there is one.

    Values are minus costs, which are to be small. Without a plan nothing is stated.
    """
    many = problem.cost.nnz > MANY
    search = Exchange(problem, _part(control, CLIMB_MANY if many else CLIMB))
    if start is not None:
        search.set(start)
        search.keep()
    if not control.must_stop:
        search.climb()
    search.control = control
    if search.x is None:
        return Solution.without_plan(np.inf, control.status, ENGINE)
    tree = Tree(Master(enough_places(problem), search.penalty), search, control)
    ended = tree.raise_root(_first_prices(problem, search))
    if not ended:
        search.control = _part(control, ROUND_MANY if many else ROUND)
        for least in LEAST:
            search.set(search.must | (tree.boxes[0][2].found.part > least), at_once=True)
            search.climb()
            tree.fix_root()
        if _alike(problem):
            search.control = _part(control, ROUND)
            search.squeeze()
            tree.fix_root()
        _kick(search, tree, _part(control, KICK_MANY if many else KICK))
        search.control = control
        tree.run()
    proven = tree.bound >= tree.enough
    status = "optimal" if proven else control.status
    bound = -search.value if proven else max(-search.value, floored(-tree.bound, problem.grain))
    return Solution(search.x, -search.value, bound, status, ENGINE, tree.proof, tree.nodes)


def _alike(problem: Location) -> bool:
    """Whether ways cost nothing and columns the same: then the fewest are looked for."""
    opening = problem.opening[(problem.upper > 0) & (problem.lower == 0)]
    same = len(opening) and opening.min() > 0 and np.ptp(opening) == 0
    return bool(same and not problem.cost.data.any())


def _part(control: Control, share: float) -> Control:
    """Return a control that stops after a share of the time that is left."""
    other = control.for_subproblem()
    if other.time_limit is not None:
        other.time_limit = control.seconds + share * control.seconds_left
    return other


def _first_prices(problem: Location, search: Exchange) -> Floats:
    """Prices of the present choice; nobody pays more than the dearest way, and whom no column serves pays nothing."""
    dearest = np.where(np.diff(problem.cost.indptr) > 0, row_max(problem.cost, problem.cost.data), 0.0)
    return np.minimum(search.transport.prices(), dearest)


def _kick(search: Exchange, tree: Tree, control: Control) -> None:
    """Exchange some columns of the best plan at random, and climb again, until nothing better is found for long."""
    search.control, idle = control, 0
    draw = np.random.default_rng(0)
    for _ in range(KICKS):
        assert search.x is not None
        x, value = search.x.copy(), search.value
        on, off = np.flatnonzero(x & search.free), np.flatnonzero(~x & search.free)
        if control.must_stop or idle >= IDLE or not len(on) or tree.bound >= tree.enough:
            return
        number = min(len(on), int(draw.integers(1, 4)))
        x[draw.choice(on, number, replace=False)] = False
        x[draw.choice(off, min(len(off), number), replace=False)] = True
        search.set(x, at_once=True)
        search.climb()
        idle += 1
        if search.value < value:
            idle = 0
            tree.fix_root()
