"""Objectives that are a distance: a search over the distances, each asking whether a plan exists."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd
from scipy.sparse import csr_array, vstack

from siting.numbers import Bools, Floats, Ints
from siting.optimize.center.center import TableDistances, solve_center
from siting.optimize.center.client_growth import GrownCenter, fewest_within
from siting.optimize.center.dispersion import farthest_first, solve_dispersion, widest_possible
from siting.optimize.center.far_groups import FarSolution
from siting.optimize.control import Control
from siting.optimize.distances import SAME, distinct, place_of
from siting.optimize.first_plan import first_plan
from siting.optimize.model import Model
from siting.optimize.solution import Solution
from siting.optimize.sparse_rows import keep_entries
from siting.propose.model.formulation import Formulation
from siting.propose.model.variables import STAYING
from siting.propose.problem import AtLeast, AtMost, MaxSpacing
from siting.propose.search.answer import Answer, no_plan
from siting.propose.search.bottleneck_answers import (
    FarthestAnswer,
    GrownAnswer,
    SpacedAnswer,
    SpacingAnswer,
    farthest,
    matrix_of,
    narrowest,
)
from siting.propose.search.choose_engine import only_counted, solve_model
from siting.propose.search.pruning import prune_by

__all__ = ["search_max_spacing", "search_min_farthest"]

#: Name of the search over distances, for `Plan.engine` and progress.
ENGINE = "thresholds"


def search_min_farthest(formulation: Formulation, control: Control) -> Answer:
    """Solve a `MinFarthest`: binary search over the distances from communities to sites."""
    model, costs = replace(formulation.model, grain=1.0), formulation.costs

    def at(limit: float) -> Model:
        keep, (row, column) = costs.data <= limit, costs.tocoo().coords
        near = csr_array((np.zeros(int(keep.sum())), (row[keep], column[keep])), shape=costs.shape)
        near.sort_indices()
        return replace(model, benefit=near)

    measure = partial(farthest, costs)
    least = farthest(costs, model.upper > 0, model.must)  # even with all sites open
    if math.isinf(least):
        return no_plan(formulation, "infeasible", ENGINE, model)
    # the engine of p-centers knows the answer where the rules only count sites
    if len(formulation.blocks) <= 1 and not formulation.shares and only_counted(model) and model.rows.shape[0] == 1:
        return _center(formulation, model, control)
    distances = distinct(costs.data[costs.data >= least])
    run = _narrowed(distances, at, measure, control, first_plan(at(math.inf), control))
    if run.x is None:
        return no_plan(formulation, run.status, ENGINE, model, bound=float(distances[min(run.low, len(distances) - 1)]))
    x = prune_by(formulation, run.x, model.is_feasible, lambda x: -measure(x), control)
    value = measure(x)
    best, decision, first = run.proof_of(value)
    return FarthestAnswer(x, value, best, run.status, ENGINE, run.ruled_out, model, -1, decision, first, costs=costs)


def _center(formulation: Formulation, model: Model, control: Control) -> Answer:
    """Ask the engine of p-centers; what rules out the next shorter distance is the proof."""
    costs = formulation.costs
    most = int(model.high[0] - model.lower @ model.rows.toarray()[0])
    found = solve_center(costs, model.lower, model.upper, most, control)
    if found.x is None:
        return no_plan(formulation, found.status, found.engine, model, bound=-found.bound)
    x = prune_by(formulation, found.x, model.is_feasible, lambda x: -farthest(costs, x), control)
    value, bound = farthest(costs, x), -found.bound + 0.0
    if isinstance(found, GrownCenter):
        usable = keep_entries(costs, (model.upper > 0.5)[costs.indices])
        bound = value if found.status == "optimal" else bound
        return GrownAnswer(
            x, value, bound, found.status, found.engine, found, model, -1, costs=costs, grown=found,
            distances=TableDistances(usable), box=(model.lower, model.upper, most),
        )  # fmt: skip
    levels = distinct(costs.data)
    shorter, decision = place_of(levels, bound) - 1, None
    if found.proof is not None and shorter >= 0:
        within = keep_entries(costs, (costs.data <= levels[shorter]) & (model.upper > 0.5)[costs.indices])
        decision = fewest_within(within, model.lower, model.upper)
    nearest = farthest(costs, model.upper > 0)
    known = bound if decision is not None or bound <= nearest * (1 + SAME) else math.nan
    if found.status == "optimal":
        known = value if known == bound else known
        bound = value
    return FarthestAnswer(
        x, value, bound, found.status, found.engine, found, model, -1, decision, known, -float(most), costs=costs
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Narrowed:
    """A search over sorted distances, the best first: *low* is the first not ruled out, by *ruled_out*."""

    distances: Floats
    at: Callable[[float], Model]
    x: Bools | None
    low: int
    status: str
    ruled_out: Solution | None

    def proof_of(self, value: float) -> tuple[float, Model | None, float]:
        """Return the bound, the question that proves it, and the distance that is proven not to be ruled out."""
        best = value if self.status == "optimal" else float(self.distances[self.low])
        if self.ruled_out is None:
            return best, None, math.nan if value > self.distances[0] else best
        return best, self.at(float(self.distances[self.low - 1])), best


def _narrowed(
    distances: Floats,
    at: Callable[[float], Model],
    measure: Callable[[Bools], float],
    control: Control,
    start: Bools | None = None,
) -> Narrowed:
    """Find the first of the sorted *distances* at which there is a plan, from the plan *start*."""
    low, high = 0, len(distances) - 1
    best, ruled_out = start, None
    if start is not None:
        high = _place(distances, measure(start)) - 1

    def known() -> tuple[float | None, float | None]:
        bound = float(distances[min(low, len(distances) - 1)])
        return None if best is None else -measure(best), -bound if math.isfinite(bound) else None

    while low <= high and not control.report(ENGINE, *known()):
        middle = (low + high) // 2 if best is not None else high
        found = solve_model(at(float(distances[middle])), _Question(control, known()), start=best)
        if found.x is not None:
            best = found.x
            high = _place(distances, measure(best)) - 1
        elif found.status == "infeasible":
            low, ruled_out = middle + 1, found
            if best is None:
                return Narrowed(distances, at, None, low, "infeasible", ruled_out)
        else:
            return Narrowed(distances, at, best, low, control.status, ruled_out)
    status = "optimal" if low > high else control.status
    return Narrowed(distances, at, best, low, status, ruled_out)


def _place(distances: Floats, distance: float) -> int:
    """Return the position of a distance among sorted ones, which may be negative, within the rounding tolerance."""
    return int(np.searchsorted(distances, distance - SAME * abs(distance) if math.isfinite(distance) else distance))


class _Question(Control):
    """The control of a question on the way: it reports the distances that are known, and has no gap of its own."""

    def __init__(self, outer: Control, known: tuple[float | None, float | None]) -> None:
        vars(self).update(vars(outer.for_subproblem()))
        self.outer, self.known = outer, known

    def report(self, step: str, value: float | None = None, bound: float | None = None) -> bool:
        """Report what is known; whether the question is answered is for the engine to see."""
        self.outer.report(step, *self.known)
        return super().report(step, value, bound)


def search_max_spacing(formulation: Formulation, control: Control) -> Answer:
    """Solve a `MaxSpacing`: binary search over the distances between sites, as negative numbers."""
    size = len(formulation.variables)
    model = replace(formulation.model, value=np.zeros(size), grain=1.0)
    pairs = first, second, cost = _between(formulation)

    def at(apart: float) -> Model:
        near = np.flatnonzero(cost < -apart)
        row = np.repeat(np.arange(len(near)), 2)
        ends = np.column_stack([first[near], second[near]]).ravel()
        extra = csr_array((np.ones(len(ends)), (row, ends)), shape=(len(near), size))
        return replace(
            model,
            rows=csr_array(vstack([model.rows, extra], format="csr")),
            low=np.concatenate([model.low, np.full(len(near), -np.inf)]),
            high=np.concatenate([model.high, np.ones(len(near))]),
        )

    def measure(x: Bools) -> float:
        return -narrowest(pairs, x)

    known = _dispersed(formulation, pairs, control)
    if known is not None and known.x is None:
        return no_plan(formulation, known.status, known.engine, model)
    if known is not None and known.x is not None:
        value = narrowest(pairs, known.x)
        bound = value if known.status == "optimal" else max(value, known.bound)
        if isinstance(known, FarSolution):
            return SpacedAnswer(
                known.x, value, bound, known.status, known.engine, known, model, 1, pairs=pairs,
                box=(model.lower, model.upper, _needed(formulation)), groups=known.groups,
            )  # fmt: skip
        return SpacingAnswer(
            known.x, value, bound, known.status, known.engine, None, model, 1, model, math.nan, pairs=pairs
        )  # fmt: skip
    top = widest_possible(matrix_of(pairs, size), model.lower, model.upper, _fewest(formulation))
    steps = -distinct(cost, shortest=True)[::-1]
    steps = steps[steps >= -top * (1 + SAME)]
    steps = np.concatenate([[-math.inf], steps]) if math.isinf(top) or not len(steps) else steps
    start = _spread(model, pairs, control)
    run = _narrowed(steps, at, measure, control, start)
    if run.x is None:
        return no_plan(formulation, run.status, ENGINE, model, bound=-float(steps[min(run.low, len(steps) - 1)]))
    value = measure(run.x)
    best, decision, proven = run.proof_of(value)
    if run.ruled_out is None and math.isfinite(top):
        decision, proven = model, math.nan  # the bound rests on the distances, not on multipliers
    return SpacingAnswer(
        run.x, -value, -best, run.status, ENGINE, run.ruled_out, model, 1, decision, -proven, pairs=pairs
    )  # fmt: skip


def _fewest(formulation: Formulation) -> int:
    """Return how many sites open at least, in addition to those that must, as far as the rules say so in numbers."""
    variables, wanted = formulation.variables, dict[object, float]()
    plain = bool((variables.kind <= STAYING).all()) and len(formulation.inputs.services) == 1
    for each in formulation.constraints if plain else ():
        if isinstance(each.rule, AtLeast) and each.low > 0 and (each.weight == 1).all():
            free = each.low - float(formulation.model.lower[each.columns].sum())
            wanted[id(each.rule)] = wanted.get(id(each.rule), 0.0) + max(0.0, free)
    return int(max(wanted.values(), default=0.0))


def _spread(model: Model, pairs: tuple[Ints, Ints, Floats], control: Control) -> Bools | None:
    """Make a plan whose sites lie apart: the farthest first, as many as the rules need; else any plan."""
    plans = [first_plan(model, control)]
    order = farthest_first(matrix_of(pairs, len(model.value)), model.lower, model.upper)
    low, high = 0, len(order)
    while low <= high and not control.must_stop:
        middle, x = (low + high) // 2, model.lower > 0
        x[order[:middle]] = True
        if model.is_feasible(x):
            plans.append(x)
            high = middle - 1
        else:
            low = middle + 1
    return max((x for x in plans if x is not None), key=lambda x: narrowest(pairs, x), default=None)


def _dispersed(formulation: Formulation, pairs: tuple[Ints, Ints, Floats], control: Control) -> Solution | None:
    """Ask the engine of p-dispersion, where the rules only count sites; None where they do more."""
    model, variables, limits = formulation.model, formulation.variables, formulation.constraints
    plain = all(isinstance(each.rule, (AtLeast, AtMost)) and each.rule.by is None for each in limits)
    plain = plain and bool((variables.kind <= STAYING).all()) and not formulation.shares
    if not plain or model.must.any() or len(formulation.inputs.services) > 1 or len(formulation.inputs.years) > 1:
        return None
    between, fixed = matrix_of(pairs, len(variables)), int(model.lower[~variables.new].sum())
    most = min((int(each.high) + fixed for each in limits if each.high < math.inf), default=None)
    return solve_dispersion(between, model.lower, model.upper, _needed(formulation), most, control)


def _needed(formulation: Formulation) -> int:
    """Return how many columns are open at least, where the rules only count sites."""
    fixed = int(formulation.model.lower[~formulation.variables.new].sum())
    return max(int(each.low) for each in formulation.constraints if each.low > -math.inf) + fixed


def _between(formulation: Formulation) -> tuple[Ints, Ints, Floats]:
    """Pairs of columns that may both be open in the last year, for one service, and how far they are apart."""
    objective, variables, inputs = formulation.objective, formulation.variables, formulation.inputs
    assert isinstance(objective, MaxSpacing)
    table = objective.between.pairs()
    a, b = (inputs.sites.get_indexer(pd.Index(table[name])) for name in ("origin", "destination"))
    known = (a >= 0) & (b >= 0) & (a != b)
    low, high = np.minimum(a[known], b[known]), np.maximum(a[known], b[known])
    cost = table["cost"].to_numpy(float)[known]
    order = np.lexsort((cost, high, low))  # the shorter of the two ways counts
    keep = order[np.r_[True, (np.diff(low[order]) != 0) | (np.diff(high[order]) != 0)]] if len(order) else order
    there = np.flatnonzero(variables.serves & (variables.end == len(inputs.years)))
    columns = pd.DataFrame({"site": variables.site, "service": variables.service, "new": variables.new}).iloc[there]
    apart = pd.DataFrame({"low": low[keep], "high": high[keep], "cost": cost[keep]})
    apart = apart.merge(columns.rename_axis("i").reset_index(), left_on="low", right_on="site")
    apart = apart.merge(
        columns.rename_axis("j").reset_index(), left_on=["high", "service"], right_on=["site", "service"]
    )
    apart = apart[apart["new_x"] | apart["new_y"]]
    return apart["i"].to_numpy(np.int64), apart["j"].to_numpy(np.int64), apart["cost"].to_numpy(float)
