"""The engine of locations with capacities where people may be split: a search for plans, prices, and a tree."""

from __future__ import annotations

from dataclasses import dataclass

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
#: Shares of the time for the first climb, for plans from the relaxation, and for kicks.
CLIMB, ROUND, KICK = 0.3, 0.3, 0.3
#: Parts of a column in the relaxation from which it opens in a plan.
LEAST = (0.5, 0.25, 0.8)


def locate(problem: Location, control: Control, start: Bools | None = None) -> Solution:
    """Choose the columns to open, with a proof by prices; from *start*, if there is one.

    Values are minus costs, which are to be small. Without a plan nothing is stated.
    """
    search = Exchange(problem, _part(control, CLIMB))
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
        search.control = _part(control, ROUND)
        for least in LEAST:
            search.set(search.must | (tree.boxes[0][2].found.part > least))
            search.climb()
            tree.fix_root()
        if _alike(problem):
            search.squeeze()
            tree.fix_root()
        _kick(search, tree, _part(control, KICK))
        search.control = control
        tree.run()
    proven = tree.bound >= tree.enough
    status = "optimal" if proven else control.status
    bound = -search.value if proven else max(-search.value, floored(-tree.bound, problem.grain))
    return Solution(search.x, -search.value, bound, status, ENGINE, tree.proof, tree.nodes)


def _alike(problem: Location) -> bool:
    """Whether ways cost nothing and columns the same: then the fewest are looked for."""
    opening = problem.opening[(problem.upper > 0) & (problem.lower == 0)]
    return bool(len(opening) and opening.min() > 0 and np.ptp(opening) == 0 and np.ptp(np.append(problem.cost.data, 0)) == 0)


def _part(control: Control, share: float) -> Control:
    """Return a control that stops after a share of the time that is left."""
    other = control.for_subproblem()
    if other.time_limit is not None:
        other.time_limit = control.seconds + share * control.seconds_left
    return other


def _first_prices(problem: Location, search: Exchange) -> Floats:
    """Prices of the present choice; nobody pays more than the dearest way."""
    return np.minimum(search.transport.prices(), row_max(problem.cost, problem.cost.data))


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
        number = int(min(len(on), draw.integers(1, 4)))
        x[draw.choice(on, number, replace=False)] = False
        x[draw.choice(off, min(len(off), number), replace=False)] = True
        search.set(x)
        search.climb()
        idle += 1
        if search.value < value:
            idle = 0
            tree.fix_root()
