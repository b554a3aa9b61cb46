"""The front of two aims: plans of which none is better in one without being worse in the other.

Weighted sums give the supported points, those on the convex hull of the front: between two neighbours the sum that is
equal for both either finds a point beyond their line or shows that there is none [1]_. What lies below the line is
found by holding the second aim to an amount between the two [2]_, [3]_. An edge between neighbours is done when no plan
can lie between them; the largest is looked at first.

References
----------
.. [1] Y. P. Aneja and K. P. K. Nair, "Bicriteria transportation problem", Management Science 25 (1), 1979, pp. 73-78.
.. [2] Y. Y. Haimes, L. S. Lasdon and D. A. Wismer, "On a bicriterion formulation of the problems of integrated system
   identification and system optimization", IEEE Transactions on Systems, Man, and Cybernetics SMC-1 (3), 1971, pp.
   296-297.
.. [3] E. L. Ulungu and J. Teghem, "The two phases method: an efficient procedure to solve bi-objective combinatorial
   optimization problems", Foundations of Computing and Decision Sciences 20 (2), 1995, pp. 149-165.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from siting.numbers import Bools
from siting.optimize.control import Control
from siting.optimize.model import Model
from siting.optimize.solution import SAME, Solution, floored
from siting.propose.search.aims import EXACT, Aim, SumAim, weighed
from siting.propose.search.choose_engine import solve_model
from siting.propose.search.front_points import ON_LINE, Edge, Front, FrontPoint, below_hull, hull_of
from siting.propose.search.pruning import prune_by

__all__ = ["find_front"]

#: Share of the range of one aim that the range of the other counts, where grains cannot be told apart.
LITTLE = 1e-4
#: Questions of how much better the second aim can be with the first as good.
LIFTS = 30


@dataclass(eq=False)
class _Search:
    """The state of the search."""

    first: SumAim
    second: Aim
    ground: Model
    n: int | None
    control: Control
    points: list[FrontPoint] = field(default_factory=list)
    edges: dict[tuple[int, int], Edge] = field(default_factory=dict)
    ever: list[FrontPoint] = field(default_factory=list)
    lines: list[tuple[tuple[float, float], Model, Solution]] = field(default_factory=list)
    open_ended: bool = False
    feasible: bool | None = None

    @property
    def both_sums(self) -> bool:
        return isinstance(self.second, SumAim)

    def own_control(self) -> Control:
        """Return a control for one question, with its part of the time."""
        own, control = self.control.for_subproblem(), self.control
        own.gap = control.gap
        if own.time_limit is not None:
            left = 3 if self.n is None else max(1, self.n - len(self.points)) + 1
            own.time_limit = control.seconds + control.seconds_left / left
        return own

    def asked(
        self, weights: tuple[float, float], least: float | None, start: Bools | None
    ) -> tuple[Model, Solution, float]:
        """Ask for the best of a weighted sum, of plans worth *least* or more to the second aim."""
        began = self.control.seconds
        parts = [(weights[0], self.first)]
        if isinstance(self.second, SumAim):
            parts.append((weights[1], self.second))
        model = weighed(self.ground, [part for part in parts if part[0]])
        if least is not None:
            model = self.second.held(model, least)
        found = solve_model(model, self.own_control(), start=start)
        if least is None and weights[0]:
            self.lines.append((weights, model, found))
        return model, found, began

    def bound(self, weights: tuple[float, float], weighted: float, least: float) -> float:
        """Return the bound on the first aim of plans worth *least* to the second, by that on the weighted sum."""
        w, v = weights
        return floored((weighted - v * least) / w, self.first.grain) if w else math.inf

    def kept(
        self, weights: tuple[float, float], model: Model, found: Solution, began: float, *, outer: bool
    ) -> FrontPoint | None:
        """Make a point of what was found."""
        if found.x is None:
            return None
        x = self.pruned(found.x, model)
        at = self.first.worth(x), self.second.worth(x)
        w, v = weights
        slack = found.bound - max(found.value, model.objective(x))
        steps = [weight * aim.grain for weight, aim in ((w, self.first), (v, self.second)) if weight]
        exact = found.status == "optimal" and not (all(steps) and slack > min(steps) * (1 - 1e-6))
        both = exact and w > 0 and v > 0 and self.both_sums
        bound = max(at[0], self.bound(weights, found.bound, at[1]))
        point = FrontPoint(x, at, bound, both, both and outer, model, weights, found, self.control.seconds - began)
        return point if both else self.lifted(point, exact=exact)

    def lifted(self, point: FrontPoint, *, exact: bool) -> FrontPoint:
        """Make the second aim as good as can be where the first stays: then no plan is better in one alone."""
        began, least = self.control.seconds, point.worth[0]
        if not point.weights[0]:
            return point
        if isinstance(self.second, SumAim):
            return self._lifted_sum(point, exact=exact)
        if self.control.must_stop:
            return point
        better = self.second.lifted(self.ground, self.first, least, point.x, self.own_control())
        if better is not None:
            x, proven = better
            at = self.first.worth(x), self.second.worth(x)
            took = point.seconds + self.control.seconds - began
            if at[0] < least - self.same(self.first, least):
                return replace(point, seconds=took)
            return replace(point, x=x, worth=at, proven=exact and proven, seconds=took)
        return self._stepped(point, exact=exact)

    def _stepped(self, point: FrontPoint, *, exact: bool) -> FrontPoint:
        """Ask for the next better value of the second aim until the first falls."""
        for _ in range(LIFTS):
            after = self.second.above(point.worth[1])
            if math.isinf(after):
                return replace(point, proven=exact)
            if self.control.must_stop:
                return point
            model, found, began = self.asked(point.weights, after, None)
            took = point.seconds + self.control.seconds - began
            if found.status == "infeasible":
                return replace(point, proven=exact, seconds=took)
            least = point.worth[0] - self.same(self.first, point.worth[0])
            worse = self.bound(point.weights, found.bound, after) < least
            if found.x is None or self.first.worth(found.x) < least:
                return replace(point, proven=exact and worse, seconds=took)
            x = self.pruned(found.x, model)
            point = replace(point, x=x, worth=(self.first.worth(x), self.second.worth(x)), seconds=took)
        return point

    def _lifted_sum(self, point: FrontPoint, *, exact: bool) -> FrontPoint:
        assert isinstance(self.second, SumAim)
        if self.control.must_stop:
            return point
        if not self.first.can_be_held:
            patient = self.control.time_limit is None and self.second.can_be_held
            return self._stepped(replace(point, weights=(1.0, 0.0)), exact=exact) if patient else point
        began, least = self.control.seconds, point.worth[0]
        model = self.first.held(weighed(self.ground, [(1.0, self.second)]), least)
        found = solve_model(model, self.own_control(), start=point.x)
        took = point.seconds + self.control.seconds - began
        if found.x is None:
            return replace(point, seconds=took)
        x = found.x if self.second.worth(found.x) > point.worth[1] else point.x
        x = self.pruned(x, model)
        at = self.first.worth(x), self.second.worth(x)
        bound = max(at[0], self.bound(point.weights, point.found.bound, at[1]))
        most = exact or bound < self.first.above(at[0]) - 0.5 * self.same(self.first, at[0])
        return replace(point, x=x, worth=at, bound=bound, proven=most and found.status == "optimal", seconds=took)

    def pruned(self, x: Bools, model: Model) -> Bools:
        """Shut sites that neither aim nor a rule needs."""
        least, problem = self.second.worth(x), self.first.formulation
        return prune_by(
            problem, x, lambda x: model.is_feasible(x) and self.second.worth(x) >= least, self.first.worth, self.control
        )

    def same(self, aim: Aim, worth: float) -> float:
        """Return by how much two values of an aim may differ that are one."""
        return 0.5 * aim.grain if aim.grain else SAME * max(1.0, abs(worth))

    def ends(self) -> bool:
        """Find both ends of the front; False when there is no plan."""
        model, found, began = self.asked((1.0, 0.0), None, None)
        self.feasible = True if found.x is not None else False if found.status == "infeasible" else None
        if found.x is None:
            return False
        low = self.kept((1.0, 0.0), model, found, began, outer=True)
        assert low is not None
        self.offer(replace(low, outer=low.proven))
        if not low.proven and self.both_sums:  # a little weight of the second: a plan near the end that is proven
            weights = (1.0, LITTLE * max(1.0, abs(low.worth[0])) / max(1.0, abs(low.worth[1])))
            self.found(weights, low.x)
        if self.second.can_be_held:
            self._other_end(low.x)
        else:  # no amount of it can be asked for: nearly all the weight
            self.found((LITTLE, 1.0), low.x)
            self.open_ended = True
        return True

    def found(self, weights: tuple[float, float], start: Bools) -> None:
        """Offer the best plan of a weighted sum."""
        model, found, began = self.asked(weights, None, start)
        point = self.kept(weights, model, found, began, outer=True)
        if point is not None:
            self.offer(point)

    def _other_end(self, start: Bools) -> None:
        """Offer the best plan for the second aim, and of these the best for the first."""
        x, done = self.best_of_second(start)
        self.open_ended |= not done
        model, found, began = self.asked((1.0, 0.0), self.second.worth(x), x)
        point = self.kept_at_top((1.0, 0.0), model, found, began, proven=done)
        if point is None:
            self.open_ended = True
        else:
            self.offer(point)

    def kept_at_top(
        self, weights: tuple[float, float], model: Model, found: Solution, began: float, *, proven: bool
    ) -> FrontPoint | None:
        """Make a point of the best plan at the largest value of the second aim, which needs no lifting."""
        if found.x is None:
            return None
        x = self.pruned(found.x, model)
        at = self.first.worth(x), self.second.worth(x)
        done = proven and found.status == "optimal"
        bound = max(at[0], self.bound(weights, found.bound, at[1]))
        return FrontPoint(x, at, bound, done, done, model, weights, found, self.control.seconds - began)

    def best_of_second(self, start: Bools) -> tuple[Bools, bool]:
        """Return the plan that is worth most to the second aim, and whether that is proven."""
        if not isinstance(self.second, SumAim):
            return self.second.best(self.ground, start, self.own_control())
        found = solve_model(weighed(self.ground, [(1.0, self.second)]), self.own_control(), start=start)
        return (start, False) if found.x is None else (found.x, found.status == "optimal")

    def offer(self, point: FrontPoint, top: float | None = None) -> None:
        """Take a point in, and what it shows: no plan between the neighbour before it and it is worth *top* or more."""
        before = {(id(a), id(b)): edge for (a, b), edge in self.neighbours()}
        better = [p for p in self.points if self.dominates(p, point)]
        if any(p.proven or not point.proven or not self.dominates(point, p) for p in better):
            return
        self.ever.append(point)
        kept = [p for p in self.points if not self.dominates(point, p)]
        self.points = sorted([*kept, point], key=lambda p: (-p.worth[0], p.worth[1]))
        at = next(i for i, p in enumerate(self.points) if p is point)
        old = None
        if 0 < at < len(self.points) - 1:
            old = before.get((id(self.points[at - 1]), id(self.points[at + 1])))
        if at:
            edge = Edge(point.worth[1] if top is None else min(top, point.worth[1]))
            self.edges[id(self.points[at - 1]), id(point)] = edge
            edge.line = False if old is not None and old.line is not None else None
        if at < len(self.points) - 1:
            after = self.points[at + 1]
            edge = Edge(after.worth[1] if old is None else old.top)
            edge.line = False if old is not None and old.line is not None else None
            self.edges[id(point), id(after)] = edge

    def dominates(self, one: FrontPoint, other: FrontPoint) -> bool:
        """Whether a point is as good as another in both aims."""
        pairs = zip((self.first, self.second), one.worth, other.worth, strict=True)
        return all(a >= b - self.same(aim, b) for aim, a, b in pairs)

    def neighbours(self) -> list[tuple[tuple[FrontPoint, FrontPoint], Edge]]:
        """Return the neighbours with what is known between them."""
        return [((a, b), self.edges.setdefault((id(a), id(b)), Edge(b.worth[1]))) for a, b in pairwise(self.points)]

    def run(self) -> None:
        """Look at the largest edge, again and again."""
        if not self.ends():
            return
        while (self.n is None or len(self.points) < self.n) and not self.control.must_stop:
            edges = [(ends, edge) for ends, edge in self.neighbours() if self._open(ends, edge)]
            if not edges:
                return
            (low, high), edge = max(edges, key=lambda each: self._size(each[0][0], each[0][1], each[1]))
            if edge.line is None and self.both_sums:
                self._line(low, high, edge)
            elif self.second.can_be_held:
                self._below(low, high, edge)
            else:
                edge.stuck = True

    def _open(self, ends: tuple[FrontPoint, FrontPoint], edge: Edge) -> bool:
        low, high = ends
        room = self.second.above(low.worth[1]) < edge.top - 1e-12 * abs(edge.top)
        edge.done |= not room or self.first.above(high.worth[0]) > low.worth[0] - 1e-12 * abs(low.worth[0])
        return not edge.done and not edge.stuck

    def _size(self, low: FrontPoint, high: FrontPoint, edge: Edge) -> float:
        """Return the part of the front that may lie on an edge, as an area."""
        ranges = [max(abs(a - b), 1e-12) for a, b in zip(self.points[0].worth, self.points[-1].worth, strict=True)]
        area = (low.worth[0] - high.worth[0]) / ranges[0] * (edge.top - low.worth[1]) / ranges[1]
        return area * (1.0 if edge.line is None or not self.both_sums else 0.5)

    def _line(self, low: FrontPoint, high: FrontPoint, edge: Edge) -> None:
        """Look for a plan beyond the line of two neighbours."""
        rise, fall = high.worth[1] - low.worth[1], low.worth[0] - high.worth[0]
        weights = self._in_grains(rise, fall)
        model, found, began = self.asked(weights, None, low.x)
        on = weights[0] * low.worth[0] + weights[1] * low.worth[1]
        size = ON_LINE * (weights[0] * fall + weights[1] * rise)
        point = self.kept(weights, model, found, began, outer=True)
        if point is None or weights[0] * point.worth[0] + weights[1] * point.worth[1] <= on + size:
            edge.line = bool(found.bound <= on + size)
            return
        self.offer(point)
        if (id(low), id(high)) in {(id(a), id(b)) for (a, b), _ in self.neighbours()}:
            edge.line = False  # it lies elsewhere

    def _in_grains(self, rise: float, fall: float) -> tuple[float, float]:
        """Return the weights of a line; whole numbers of grains where they can be."""
        first, second = self.first.grain, self.second.grain
        if not first or not second:
            return 1.0, fall / rise
        a, b = round(rise / second), round(fall / first)
        common = math.gcd(a, b)
        return a // common / first, b // common / second

    def _below(self, low: FrontPoint, high: FrontPoint, edge: Edge) -> None:
        """Look for the plan that is best in the first aim from the middle of an edge on."""
        after = self.second.above(low.worth[1])
        middle = after if self.n is None else max(after, 0.5 * (low.worth[1] + edge.top))
        same = self.same(self.first, high.worth[0])
        for weights in dict.fromkeys((self._leaning(high.worth[1] - middle), (1.0, 0.0))):
            model, found, began = self.asked(weights, middle, high.x)
            bound = self.bound(weights, found.bound, middle)
            if found.status == "infeasible" or bound < self.first.above(high.worth[0]) - 0.5 * same:
                edge.top = middle
                return
            if found.x is None or self.first.worth(found.x) <= high.worth[0] + same:
                continue
            point = self.kept(weights, model, found, began, outer=False)
            if point is not None:
                count = len(self.points)
                self.offer(point, middle if bound < self.first.above(point.worth[0]) - 0.5 * same else None)
                edge.stuck = len(self.points) == count  # where it lies elsewhere
                return
        edge.stuck = True

    def _leaning(self, room: float) -> tuple[float, float]:
        """Return weights with which the first aim decides, and the second where the first is equal."""
        if not self.both_sums:
            return 1.0, 0.0
        first, second = self.first.grain, self.second.grain
        ranges = [max(abs(a - b), 1e-9) for a, b in zip(self.points[0].worth, self.points[-1].worth, strict=True)]
        if not first or not second:
            return 1.0, LITTLE * ranges[0] / ranges[1]
        many = math.floor(room / second) + 1
        most = EXACT / max(1.0, self._largest() / first)
        return max(1.0, min(float(many), math.floor(most))) / first, 1.0 / second

    def _largest(self) -> float:
        """Return the size of the first aim, added up."""
        model = self.first.model
        return float(np.abs(model.benefit.data).sum() / max(1, len(model.benefit.data)) * model.benefit.shape[0]
                     + np.abs(model.value).sum() + abs(model.constant))  # fmt: skip

    def front(self) -> Front:
        """Sort out which points are supported, and whether all are there."""
        edges = [edge for ends, edge in self.neighbours() if self._open(ends, edge) or edge.stuck]
        complete = bool(self.points) and not edges and not self.open_ended and all(p.proven for p in self.points)
        hull = hull_of([point.worth for point in self.points])
        ranges = [abs(a - b) for a, b in zip(self.points[0].worth, self.points[-1].worth, strict=True)] if hull else []
        known: list[bool | None] = []
        self.points = [self._best_bounded(point) for point in self.points]
        for point in self.points:
            on = any(
                w * point.worth[0] + v * point.worth[1] >= line.bound - ON_LINE * (w * ranges[0] + v * ranges[1])
                for (w, v), _, line in self.lines
                if v
            )
            below = below_hull(point.worth, hull, ranges)
            known.append(False if below else True if point.outer or on or complete else None)
        return Front(tuple(self.points), tuple(known), complete, self.feasible)

    def _best_bounded(self, point: FrontPoint) -> FrontPoint:
        """Return a point that is not proven with the question, of those about the whole front, that bounds it best."""
        for weights, model, found in () if point.proven else self.lines:
            bound = max(point.worth[0], self.bound(weights, found.bound, point.worth[1]))
            if bound < point.bound:
                point = replace(point, bound=bound, model=model, weights=weights, found=found)
        return point


def find_front(first: SumAim, second: Aim, ground: Model, n: int | None, control: Control) -> Front:
    """Find *n* points of the front of two aims, or all of them, in a model without an objective."""
    search = _Search(first, second, ground, n, control)
    search.run()
    return search.front()
