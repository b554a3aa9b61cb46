"""The engine of locations with capacities where people may be split: a search for plans, prices, and a tree."""

from __future__ import annotations

import numpy as np

from siting.numbers import Bools, Floats
from siting.optimize.capacitated.exchange import Exchange
from siting.optimize.capacitated.location import Location, enough_places
from siting.optimize.capacitated.location_tree import Tree
from siting.optimize.capacitated.master import Master
from siting.optimize.control import Control
from siting.optimize.solution import Solution, floored
from siting.optimize.sparse_rows import row_max

__all__ = ["ENGINE", "locate"]

ENGINE = "capacitated location"
#: Kicks at most, and how many in a row without a better plan are enough.
KICKS, IDLE = 60, 10
#: The same where columns near each other are closed, and how many, at least and below.
RUINS, RUINS_IDLE, RUINED = 1000, 200, (2, 6)
#: Shares of the time for the first climb, for plans from the relaxation, and for kicks.
CLIMB, ROUND, KICK = 0.3, 0.3, 0.3
#: Pairs, and needs × columns, from which a limited time goes into plans rather than the last parts of the bound.
MANY, LARGE = 150_000, 2_000_000
#: The shares of the time then: of all that is left, for climbs, and of what is left at the end, for kicks.
CLIMB_LARGE, ROUND_LARGE, KICK_LARGE = 0.15, 0.6, 0.85
#: Parts of a column in the relaxation from which it opens in a plan.
LEAST = (0.5, 0.25, 0.8)


def locate(problem: Location, control: Control, start: Bools | None = None) -> Solution:
    """Choose the columns to open, with a proof by prices; from *start*, if there is one.

    Values are minus costs, which are to be small. Without a plan nothing is stated.
    """
    large = control.time_limit is not None and (problem.cost.nnz > MANY or np.prod(problem.cost.shape) > LARGE)
    search = Exchange(problem, _part(control, CLIMB_LARGE if large else CLIMB))
    if start is not None:
        search.set(start)
        search.keep()
    if not control.must_stop:
        search.climb()
    search.control = control
    if search.x is None:
        return Solution.without_plan(np.inf, control.status, ENGINE)
    tree = Tree(Master(enough_places(problem), search.penalty), search, control)
    prices = _first_prices(problem, search)
    if not (_large(search, tree, control, prices) if large else tree.raise_root(prices)):
        if not large:
            search.control = _part(control, ROUND)
            for least in LEAST:
                _round(search, tree, tree.boxes[0][2].found.part > least)
            if _alike(problem):
                search.control = _part(control, ROUND)
                search.squeeze()
                tree.fix_root()
            _kick(search, tree, _part(control, KICK))
        search.control = control
        tree.run()
    proven = tree.bound >= tree.enough
    status = "optimal" if proven else control.status
    bound = -search.value if proven else max(-search.value, floored(-tree.bound, problem.grain))
    return Solution(search.x, -search.value, bound, status, ENGINE, tree.proof, tree.nodes)


def _round(search: Exchange, tree: Tree, x: Bools) -> None:
    """Climb from columns of the relaxation."""
    search.set(search.must | x, at_once=True)
    search.climb()
    tree.fix_root()


def _large(search: Exchange, tree: Tree, control: Control, prices: Floats) -> bool:
    """Look for plans from the relaxation of a large problem while its bound rises; return whether the search ends."""
    ended, parts = tree.raise_large(prices)
    if ended:
        return True
    search.control = _part(control, ROUND_LARGE)
    for part in parts:
        _round(search, tree, part > LEAST[0])
    search.control = control
    ended, parts = tree.raise_large()
    if ended:
        return True
    search.control = _part(control, ROUND_LARGE)
    _round(search, tree, parts[0] > LEAST[0])
    if _alike(search.problem):
        search.control = _part(control, KICK_LARGE)
        search.squeeze(packs=True)
        tree.fix_root()
    else:
        _ruin(search, tree, _part(control, KICK_LARGE))
    search.control = control
    return tree.raise_large()[0]


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


def _ruin(search: Exchange, tree: Tree, control: Control) -> None:
    """Close some columns of the best plan near each other, and climb again around them, as `_kick`."""
    search.control, idle = control, 0
    draw = np.random.default_rng(0)
    for _ in range(RUINS):
        assert search.x is not None
        value, on = search.value, np.flatnonzero(search.x & search.free)
        if control.must_stop or idle >= RUINS_IDLE or not len(on) or tree.bound >= tree.enough:
            return
        shut = search.some_near(int(draw.choice(on)), int(draw.integers(*RUINED)), draw)
        x = search.x.copy()
        x[shut] = False
        search.set(x, at_once=True)
        search.climb(around=search.beside(shut))
        idle += 1
        if search.value < value:
            idle = 0
            tree.fix_root()
