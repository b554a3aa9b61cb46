"""Objectives that are a distance: a search over the distances, each asking whether a plan exists."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array, vstack

from siting.numbers import Bools, Floats, Ints
from siting.optimize.center import solve_center
from siting.optimize.control import Control
from siting.optimize.dispersion import solve_dispersion
from siting.optimize.model import Model
from siting.optimize.solution import Solution
from siting.propose.model.formulation import Formulation
from siting.propose.model.variables import STAYING
from siting.propose.problem import AtLeast, AtMost, MaxSpacing
from siting.propose.search.answer import Answer, no_plan
from siting.propose.search.choose_engine import only_counted, proven_bound, solve_model
from siting.propose.search.pruning import prune_by

__all__ = ["BottleneckAnswer", "FarthestAnswer", "SpacingAnswer", "search_max_spacing", "search_min_farthest"]

#: Name of the search over distances, for `Plan.engine` and progress.
ENGINE = "thresholds"


@dataclass(frozen=True, eq=False)
class BottleneckAnswer(Answer):
    """A distance, *best* the first not ruled out; *decision* asks for the next better one, None where there is none."""

    decision: Model | None = None
    best: float = math.nan

    def bound_by(self, proof: Any) -> float:
        """Return the distance that is not ruled out: no plan is worth 0 in the question is none at all."""
        proven = self.decision is None or (
            proof is not None and proven_bound(self.decision, proof, enough=-1e-6) < -1e-9
        )
        return self.best if proven else math.nan

    @property
    def grain(self) -> float:
        """Distances are compared as they are."""
        return 0.0


@dataclass(frozen=True, eq=False)
class FarthestAnswer(BottleneckAnswer):
    """The answer to a `MinFarthest`: how far the farthest community is."""

    costs: csr_array = field(kw_only=True)

    def measure(self, x: Bools) -> float:
        """Return the largest distance from a community to its nearest open site."""
        return _farthest(self.costs, x)


@dataclass(frozen=True, eq=False)
class SpacingAnswer(BottleneckAnswer):
    """The answer to a `MaxSpacing`: how far the two nearest open sites are apart."""

    pairs: tuple[Ints, Ints, Floats] = field(kw_only=True)

    def measure(self, x: Bools) -> float:
        """Return the smallest distance between two open sites."""
        return _narrowest(self.pairs, x)


def search_min_farthest(formulation: Formulation, control: Control) -> Answer:
    """Solve a `MinFarthest`: binary search over the distances from communities to sites."""
    model, costs = replace(formulation.model, grain=1.0), formulation.costs

    def at(limit: float) -> Model:
        keep, (row, column) = costs.data <= limit, costs.tocoo().coords
        near = csr_array((np.zeros(int(keep.sum())), (row[keep], column[keep])), shape=costs.shape)
        near.sort_indices()
        return replace(model, benefit=near)

    measure = partial(_farthest, costs)
    least = _farthest(costs, model.upper > 0, model.must)  # even with all sites open
    if math.isinf(least):
        return no_plan(formulation, "infeasible", ENGINE, model)
    distances = np.unique(costs.data[costs.data >= least])
    known = None  # the engine of p-centers knows the answer where the rules only count sites
    if len(formulation.blocks) <= 1 and not formulation.shares and only_counted(model) and model.rows.shape[0] == 1:
        most = int(model.high[0] - model.lower @ model.rows.toarray()[0])
        known = solve_center(costs, model.lower, model.upper, most, control)
    if known is not None:
        x, status, engine = known.x, known.status, known.engine
        if x is None:
            return no_plan(formulation, status, engine, model)
        if status != "optimal":
            return FarthestAnswer(x, -known.value, -known.bound, status, engine, None, model, -1, costs=costs)
        # what rules out the next shorter distance is the proof
        distances = distances[distances <= measure(x)][-2:]
    run = _narrowed(distances, at, measure, control, None if known is None else known.x)
    if run.x is None:
        return no_plan(formulation, run.status, ENGINE, model)
    x = prune_by(formulation, run.x, model.is_feasible, lambda x: -measure(x))
    value = measure(x)
    best, decision, first = run.proof_of(value)
    engine = ENGINE if known is None else known.engine
    return FarthestAnswer(x, value, best, run.status, engine, run.ruled_out, model, -1, decision, first, costs=costs)


def _farthest(costs: csr_array, x: Bools, must: Bools | None = None) -> float:
    """Return the farthest that somebody is with *x* open; infinite where somebody who *must* be served reaches none."""
    filled = np.flatnonzero(np.diff(costs.indptr))
    if must is not None and must.sum() > must[filled].sum():
        return math.inf
    if not len(filled):
        return 0.0
    return float(np.minimum.reduceat(np.where(x[costs.indices], costs.data, np.inf), costs.indptr[filled]).max())


def _narrowest(pairs: tuple[Ints, Ints, Floats], x: Bools) -> float:
    first, second, cost = pairs
    return float(cost[x[first] & x[second]].min(initial=math.inf))


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
    known: Bools | None = None,
) -> Narrowed:
    """Find the first of the sorted *distances* at which there is a plan; *known* is one that is as good as can be."""
    low, high = 0, len(distances) - 1
    best, ruled_out = known, None
    if known is not None:  # what rules out the distance before it is the proof
        high = int(np.searchsorted(distances, measure(known))) - 1
        low = max(0, high)
    while low <= high:
        middle = (low + high) // 2 if best is not None else high
        found = solve_model(at(float(distances[middle])), control.for_subproblem(), start=best)
        if found.x is not None:
            best = found.x
            high = int(np.searchsorted(distances, measure(best))) - 1
        elif found.status == "infeasible":
            low, ruled_out = middle + 1, found
            if best is None:
                return Narrowed(distances, at, None, low, "infeasible", ruled_out)
        else:
            return Narrowed(distances, at, best, low, control.status if known is None else "optimal", ruled_out)
        if best is not None and low <= high and control.report(ENGINE, -measure(best), -float(distances[low])):
            return Narrowed(distances, at, best, low, control.status, ruled_out)
    return Narrowed(distances, at, best, low, "optimal", ruled_out)


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
        return -_narrowest(pairs, x)

    known = _dispersed(formulation, pairs, control)
    if known is not None and known.x is None:
        return no_plan(formulation, known.status, known.engine, model)
    if known is not None and known.x is not None and known.status != "optimal":
        value = _narrowest(pairs, known.x)
        bound = max(value, known.bound)
        return SpacingAnswer(known.x, value, bound, known.status, known.engine, None, model, 1, pairs=pairs)
    steps = np.concatenate([[-math.inf], -np.unique(cost)[::-1]])
    run = _narrowed(steps, at, measure, control, None if known is None else known.x)
    if run.x is None:
        return no_plan(formulation, run.status, ENGINE, model)
    value = measure(run.x)
    best, decision, proven = run.proof_of(value)
    by = ENGINE if known is None else known.engine
    return SpacingAnswer(run.x, -value, -best, run.status, by, run.ruled_out, model, 1, decision, -proven, pairs=pairs)


def _dispersed(formulation: Formulation, pairs: tuple[Ints, Ints, Floats], control: Control) -> Solution | None:
    """Ask the engine of p-dispersion, where the rules only count sites; None where they do more."""
    model, variables, limits = formulation.model, formulation.variables, formulation.constraints
    plain = all(isinstance(each.rule, (AtLeast, AtMost)) and each.rule.by is None for each in limits)
    plain = plain and bool((variables.kind <= STAYING).all()) and not formulation.shares
    if not plain or model.must.any() or len(formulation.inputs.services) > 1 or len(formulation.inputs.years) > 1:
        return None
    first, second, cost = pairs
    n, fixed = len(variables), int(model.lower[~variables.new].sum())
    ends = (np.concatenate([first, second]), np.concatenate([second, first]))
    between = csr_array((np.concatenate([cost, cost]), ends), shape=(n, n))
    least = max(int(each.low) for each in limits if each.low > -math.inf)
    most = min((int(each.high) + fixed for each in limits if each.high < math.inf), default=None)
    return solve_dispersion(between, model.lower, model.upper, least + fixed, most, control.for_subproblem())


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
