"""Points of a front of two aims: what is known of each and between neighbours, and which lie on the convex hull."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from siting.numbers import Bools
from siting.optimize.model import Model
from siting.optimize.solution import Solution

__all__ = ["ON_LINE", "Edge", "Front", "FrontPoint", "below_hull", "hull_of"]

#: Values that differ by less than this share of the range lie on one line.
ON_LINE = 1e-7


@dataclass(frozen=True, eq=False)
class FrontPoint:
    """A plan: its *worth* to both aims, and the *bound* on the first for plans as good in the second.

    *model* is the question that found it, `weights` those of the aims in it; *proven* tells whether no plan is better
    in one aim and as good in the other, *outer* whether it is an end of the hull, or its question was the whole hull's.
    """

    x: Bools
    worth: tuple[float, float]
    bound: float
    proven: bool
    outer: bool
    model: Model
    weights: tuple[float, float]
    found: Solution
    seconds: float


@dataclass
class Edge:
    """What is known between two neighbours: no plan from *top* on; whether the line between them is that of the hull.

    *stuck* is an edge on which a question was left open.
    """

    top: float
    line: bool | None = None
    done: bool = False
    stuck: bool = False


@dataclass(frozen=True, eq=False)
class Front:
    """The points, the best in the first aim first; *supported* is None where it is not known; *complete* if all."""

    points: tuple[FrontPoint, ...]
    supported: tuple[bool | None, ...]
    complete: bool
    feasible: bool | None


def hull_of(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the corners of the upper right hull of points whose first value falls and second rises."""
    hull: list[tuple[float, float]] = []
    for p in points:
        while len(hull) > 1 and _turn(hull[-2], hull[-1], p) <= 0:
            hull.pop()
        hull.append(p)
    return hull


def _turn(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
    """Tell by its sign on which side of the line from a to c the point b lies: above 0 for beyond it."""
    return (b[0] - c[0]) * (c[1] - a[1]) - (c[1] - b[1]) * (a[0] - c[0])


def below_hull(point: tuple[float, float], hull: Sequence[tuple[float, float]], ranges: Sequence[float]) -> bool:
    """Whether a point lies below the line of two corners of the hull."""
    for a, c in pairwise(hull):
        if a[1] < point[1] < c[1]:
            return _turn(a, point, c) < -ON_LINE * ranges[0] * ranges[1]
    return False
