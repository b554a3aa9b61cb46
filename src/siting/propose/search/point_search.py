"""`MinTravel` and `MinFarthest` between points: distances are computed on demand, tables for the open sites only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

import siting.propose.problem as problems
from siting.errors import ProblemError
from siting.measure.point_reach import BLOCK, MAX_PAIRS, PointReach
from siting.measure.reach import Reach
from siting.messages import Message
from siting.numbers import Bools, Floats, Ints
from siting.optimize.center.client_growth import GrownCenter, bound_of_grown, solve_growing
from siting.optimize.control import Control
from siting.optimize.median.point_median import solve_point_median
from siting.optimize.points import PointProblem, PointProof, bound_of_points
from siting.propose.model.checks import refuse_unknown
from siting.propose.model.formulation import Formulation, build
from siting.propose.model.inputs import Demand, Rates
from siting.propose.problem import Objective, Rule
from siting.propose.search.answer import Answer
from siting.propose.search.bottleneck_answers import farthest
from siting.propose.search.pruning import prune_by

__all__ = ["PointAnswer", "refuse_unkept_ways", "search_points"]

#: Rules that need no more than the distances that a search asks for.
RULES = (problems.AtMost, problems.Existing, problems.Required, problems.Forbidden, problems.Cover)
#: Functions that make whole numbers of metres.
WHOLE: tuple[Any, ...] = (np.floor, np.ceil, np.rint, np.trunc)


@dataclass(frozen=True, eq=False)
class PointAnswer(Answer):
    """An answer whose bound is proven by distances that are computed again; `found` is None."""

    points: PointProblem | None = None
    prices: PointProof | None = None

    @property
    def proof(self) -> Any:
        """Prices and search tree."""
        return self.prices

    def bound_by(self, proof: Any) -> float:
        """Return the bound that a proof gives, added up anew; NaN without one."""
        if proof is None or self.points is None:
            return math.nan
        return bound_of_points(self.points, proof)


class PointDistances:
    """The distances of a `PointReach`, computed when they are asked for; see `Distances`."""

    def __init__(self, points: PointReach) -> None:
        self.points = points

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of origins and destinations."""
        return len(self.points.start), len(self.points.stop)

    def rows(self, clients: Ints) -> Floats:
        """Return the distances of some origins to all destinations."""
        return self.points.costs(clients, np.arange(self.shape[1]))

    def nearest(self, columns: Ints) -> tuple[Floats, Ints]:
        """Return the distance of each origin to the nearest of some destinations, and which of them it is."""
        parts = np.array_split(np.arange(self.shape[0]), 1 + self.shape[0] * len(columns) // BLOCK)
        blocks = [self.points.costs(part, columns) for part in parts]
        which = np.concatenate([block.argmin(axis=1) for block in blocks])
        return np.concatenate([block.min(axis=1) for block in blocks]), np.asarray(columns[which], np.int64)


@dataclass(frozen=True, eq=False)
class PointFarthestAnswer(PointAnswer):
    """The answer to a `MinFarthest` between points, whose bound follows from some of the communities."""

    distances: PointDistances = field(kw_only=True)
    #: The limits of columns, and the most that open beyond those that must.
    box: tuple[Floats, Floats, int] = field(kw_only=True)

    @property
    def proof(self) -> Any:
        """Prices and search tree; None where nobody needed to be held."""
        return None if self.found is None else self.found.proof

    def measure(self, x: Bools) -> float:
        """Return the largest distance from a community to its nearest open site."""
        return float(self.distances.nearest(np.flatnonzero(x))[0].max(initial=0.0))

    def bound_by(self, proof: Any) -> float:
        """Return the distance that is not ruled out, from the points."""
        assert isinstance(self.found, GrownCenter)
        return bound_of_grown(self.distances, *self.box, replace(self.found, proof=proof))

    @property
    def grain(self) -> float:
        """Distances are compared as they are."""
        return 0.0


def refuse_unkept_ways(answer: Answer, what: str) -> None:
    """Refuse a plan between points where ways to other sites than its own are asked for."""
    if isinstance(answer, PointAnswer):
        raise ProblemError(Message("problem.ways_not_kept", what=what))


def search_points(
    objective: Objective,
    points: PointReach,
    demand: Demand | None,
    rules: Sequence[Rule],
    options: Any,
    control: Control,
    *,
    take_up: Rates = None,
) -> tuple[Formulation, Answer]:
    """Solve a problem between points; return it with the table of the sites that open."""
    _refuse_all_pairs(objective, rules, options)
    nothing = np.zeros(0, np.int32)
    ends = Reach(
        points.origins, points.destinations, nothing, nothing, np.zeros(0), math.inf, points.unit, how=points.how
    )
    problem = build(objective, ends, demand, rules, take_up=take_up)
    variables, inputs = problem.variables, problem.inputs
    opened = variables.lower > 0
    most = min(rule.n for rule in inputs.all(problems.AtMost))
    free = ~opened & (variables.upper > 0)
    many = min(most - int((opened & variables.new).sum()), int(free.sum()))
    if len(inputs.communities) * (many + int(opened.sum())) > MAX_PAIRS:
        raise ProblemError(Message("problem.many_pairs", communities=len(inputs.communities), sites=most))
    weight = inputs.demand[0, 0]
    origin, destination = _position(points.origins, inputs.communities), _position(points.destinations, inputs.sites)
    served = np.flatnonzero(weight > 0)
    rows, columns = origin[served], destination[variables.site]
    between = replace(
        points, origins=pd.RangeIndex(len(rows)), destinations=pd.RangeIndex(len(columns)),
        start=points.start[rows], stop=points.stop[columns],
    )  # fmt: skip
    control.sense = problem.sense
    if isinstance(objective, problems.MinFarthest):
        box = (variables.lower, variables.upper, many)
        center = solve_growing(PointDistances(between), *box, control)
        assert center.x is not None  # something may open, and each site serves everybody
        problem = build(objective, _to(points, columns[center.x]), demand, rules, take_up=take_up)
        costs, keeps = problem.costs, problem.model.is_feasible
        x = prune_by(problem, center.x, keeps, lambda x: -farthest(costs, x), control)
        if not np.array_equal(x, center.x):
            problem = build(objective, _to(points, columns[x]), demand, rules, take_up=take_up)
        return problem, PointFarthestAnswer(
            x, -center.value + 0.0, -center.bound + 0.0, center.status, center.engine, center, problem.model, -1,
            distances=PointDistances(between), box=box,
        )  # fmt: skip
    grain = _grain(points) if inputs.whole else 0.0
    median = PointProblem(between, weight[served], variables.lower, variables.upper, many, grain)
    found = solve_point_median(median, control)
    problem = build(objective, _to(points, columns[found.x]), demand, rules, take_up=take_up)
    model = replace(problem.model, grain=grain)
    value = -model.objective(found.x) + 0.0
    bound = value if found.status == "optimal" else min(value, found.bound)
    answer = PointAnswer(
        found.x, value, bound, found.status, found.engine, None, model, problem.sense, median, found.proof
    )
    return problem, answer


def _refuse_all_pairs(objective: Objective, rules: Sequence[Rule], options: Any) -> None:
    """Refuse what needs the distances of all pairs."""
    refuse_unknown(objective, rules)
    travels = isinstance(objective, problems.MinTravel) and objective.beyond is None
    if not travels and not isinstance(objective, problems.MinFarthest):
        raise ProblemError(Message("problem.needs_table", what=[objective]))
    if options is not None:
        raise ProblemError(Message("problem.needs_table", what=["options"]))
    other = [rule for rule in rules if not isinstance(rule, RULES) or _is_detailed(rule)]
    if other:
        raise ProblemError(Message("problem.needs_table", what=other))
    if not any(isinstance(rule, problems.AtMost) for rule in rules):
        raise ProblemError(Message("problem.opens_all_points", objective=objective))


def _is_detailed(rule: Rule) -> bool:
    """Whether a rule is about some groups, or a distance."""
    if isinstance(rule, problems.Cover):
        return rule.limit is not None  # everybody is served, which any share is satisfied by
    return getattr(rule, "by", None) is not None


def _position(given: pd.Index, ordered: pd.Index) -> Ints:
    """Return the position in *given* of each id in *ordered*, which has the same ids."""
    place = np.empty(len(ordered), np.int64)
    place[ordered.get_indexer(given)] = np.arange(len(given))
    return place


def _to(points: PointReach, columns: Ints) -> Reach:
    """Return the table to some destinations, which keeps the ids of the others."""
    table, place = points.to(points.destinations[np.sort(columns)]), np.sort(columns).astype(np.int32)
    return replace(table, destinations=points.destinations, destination=place[table.destination])


def _grain(points: PointReach) -> float:
    """Return what all costs are multiples of; 0 where that is not known."""
    if points.in_millimetres:
        return 0.001
    return 1.0 if any(points.rounded is each for each in WHOLE) else 0.0
