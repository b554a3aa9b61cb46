"""Plans between points by alternating: everybody goes to the nearest, each open column moves to its people's middle.

The alternating method is that of F. E. Maranzana ("On the location of supply points to minimize transport costs",
Operational Research Quarterly 15, 1964, pp. 261-270); the middle of people is found by E. Weiszfeld's steps (1937, Sur
le point pour lequel la somme des distances de n points donnés est minimum, Tohoku Mathematical Journal 43, pp.
355-386), and of the columns around it the best one is taken. First columns are drawn as by D. Arthur and S.
Vassilvitskii (2007, k-means++: the advantages of careful seeding, Proceedings of SODA, pp. 1027-1035).
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from siting.numbers import Bools, Floats, Ints
from siting.optimize.control import Control
from siting.optimize.points import PointProblem

__all__ = ["alternate"]

#: Plans that are begun, moves of all columns in each, Weiszfeld's steps, and columns that are tried around a middle.
STARTS, MOVES, STEPS, AROUND = 4, 30, 4, 12


def alternate(problem: PointProblem, control: Control) -> tuple[Bools, float]:
    """Return the best of some plans and its total; where time is short the first."""
    free = np.flatnonzero(problem.free)
    tree, best, least = cKDTree(problem.points.stop[free]), problem.opened.copy(), np.inf
    rng = np.random.default_rng(0)
    for number in range(STARTS):
        x = _drawn(problem, rng, control)
        total = problem.objective(x)
        for _ in range(MOVES):
            if control.must_stop:
                break
            moved = _moved(problem, x, free, tree)
            shorter = problem.objective(moved)
            if shorter >= total * (1 - 1e-9):
                break
            x, total = moved, shorter
        if total < least:
            best, least = x, total
        if control.must_stop or not problem.many:
            break
        if number and control.time_limit is not None and control.seconds * 4 > control.time_limit:
            break
    return best, least


def _drawn(problem: PointProblem, rng: np.random.Generator, control: Control) -> Bools:
    """Open columns one by one, next to people who are drawn by their distance to the nearest that is open."""
    points, weight, x = problem.points, problem.weight, problem.opened.copy()
    rows, left = np.arange(len(weight)), np.flatnonzero(problem.free)
    beside = points.nearest(rows, left)[0] if len(left) else rows
    far = points.nearest(rows, np.flatnonzero(x))[1] if x.any() else np.full(len(rows), np.inf)
    for _ in range(min(problem.many, len(left))):
        share = weight * np.where(np.isfinite(far), far, 1.0)
        share = np.where(x[beside], 0.0, share)
        if not share.sum() > 0 or control.must_stop:
            break
        drawn = int(beside[min(np.searchsorted(np.cumsum(share), rng.random() * share.sum()), len(rows) - 1)])
        x[drawn] = True
        far = np.minimum(far, points.costs(rows, [drawn])[:, 0])
    more = min(problem.many, len(left)) - int((x & problem.free).sum())
    x[left[~x[left]][: max(0, more)]] = True
    return x


def _moved(problem: PointProblem, x: Bools, free: Ints, tree: cKDTree) -> Bools:
    """Move each open column that is free to the best of those around the middle of its people."""
    points, weight, rows = problem.points, problem.weight, np.arange(len(problem.weight))
    opened = np.flatnonzero(x)
    group = np.searchsorted(opened, points.nearest(rows, opened)[0])
    size = len(opened)
    share = weight.copy()
    for step in range(STEPS + 1):
        total = np.maximum(np.bincount(group, share, size), 1e-300)
        middle = np.column_stack([np.bincount(group, share * points.start[:, axis], size) / total for axis in (0, 1)])
        if step < STEPS:
            apart = np.sqrt(((points.start - middle[group]) ** 2).sum(axis=1))
            share = weight / np.maximum(apart, 1e-6 + 1e-3 * float(apart.mean()))
    around = free[np.asarray(tree.query(middle, k=np.arange(1, min(AROUND, len(free)) + 1))[1])]
    tried = np.column_stack([opened, around])
    sums: Floats = np.column_stack(
        [np.bincount(group, weight * points.pair_costs(rows, each[group]), size) for each in tried.T]
    )
    best = tried[np.arange(size), sums.argmin(axis=1)]
    moved = problem.opened.copy()
    moved[np.where(problem.opened[opened], opened, best)] = True
    return moved
