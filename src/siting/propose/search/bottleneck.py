"""Objectives that are a distance: a search over the distances, each asking whether a plan exists."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array, vstack

from siting.numbers import Bools, Floats, Ints
from siting.optimize.control import Control
from siting.optimize.model import Model
from siting.optimize.solution import Solution
from siting.propose.model.formulation import Instance
from siting.propose.model.variables import STAYING
from siting.propose.problem.objectives import MaxSpacing
from siting.propose.problem.rules import AtLeast, AtMost
from siting.propose.search.dispatch import Answer, only_counted, proven_bound, solve_model, thinned

__all__ = ["nearest_farthest", "widest_spacing"]


@dataclass(frozen=True, eq=False)
class Threshold(Answer):
    """An answer that is a distance.

    Attributes
    ----------
    decision
        The question whether there is a plan at the next better distance, which there is not; None where there is no
        better distance at all.
    best
        The first distance that is not ruled out by it.
    """

    decision: Model | None = None
    best: float = math.nan

    def bound_by(self, proof: Any) -> float:
        """Return the distance that is not ruled out: no plan is worth 0 in the question is none at all."""
        if self.decision is None:
            return self.best
        if proof is None:
            return math.nan
        return self.best if proven_bound(self.decision, proof) < -1e-9 else math.nan

    @property
    def grain(self) -> float:
        """Distances are compared as they are."""
        return 0.0


@dataclass(frozen=True, eq=False)
class Farthest(Threshold):
    """The answer to a `MinFarthest`: how far the farthest community is."""

    costs: csr_array | None = None

    def measure(self, x: Bools) -> float:
        """Return the largest distance from a community to its nearest open site."""
        assert self.model is not None
        assert self.costs is not None
        return _farthest(self.costs, x)


@dataclass(frozen=True, eq=False)
class Widest(Threshold):
    """The answer to a `MaxSpacing`: how far the two nearest open sites are apart."""

    pairs: tuple[Ints, Ints, Floats] | None = None

    def measure(self, x: Bools) -> float:
        """Return the smallest distance between two open sites."""
        assert self.pairs is not None
        first, second, cost = self.pairs
        return float(cost[x[first] & x[second]].min(initial=math.inf))


def nearest_farthest(instance: Instance, control: Control) -> Answer:
    """Solve a `MinFarthest`: binary search over the distances from communities to sites."""
    model, costs = replace(instance.model, grain=1.0), instance.costs

    def at(limit: float) -> Model:
        keep = costs.data <= limit
        row = np.repeat(np.arange(costs.shape[0]), np.diff(costs.indptr))
        near = csr_array((np.zeros(int(keep.sum())), (row[keep], costs.indices[keep])), shape=costs.shape)
        near.sort_indices()
        return replace(model, benefit=near)

    distances = np.unique(costs.data)
    least = _least_possible(costs, model)
    if math.isinf(least):
        return Answer(None, math.nan, math.nan, "infeasible", "thresholds", None, model, -1)
    distances = distances[distances >= least]
    begin = _center(instance, model, costs, control)
    if begin is not None and (begin.x is None or begin.status != "optimal"):
        if begin.x is None:
            return Answer(None, math.nan, math.nan, begin.status, begin.engine, None, model, -1)
        return Farthest(
            begin.x, -begin.value, -begin.bound, begin.status, begin.engine, None, model, -1, None, math.nan, costs
        )
    if begin is not None and begin.x is not None:  # what rules out the next shorter distance is the proof
        distances = distances[distances <= _farthest(costs, begin.x)][-2:]
    known = _center(instance, model, costs, control)
    if known is not None and known.status != "optimal":
        if known.x is None:
            return Answer(None, math.nan, math.nan, known.status, known.engine, None, model, -1)
        return Farthest(
            known.x, -known.value, -known.bound, known.status, known.engine, None, model, -1, None, math.nan, costs
        )
    found, low, status, ruled_out = _narrowed(
        distances,
        lambda d, start: solve_model(at(d), control.for_subproblem(), start=start),
        lambda x: _farthest(costs, x),
        control,
        None if known is None else known.x,
    )
    if found is None:
        return Answer(None, math.nan, math.nan, status, "thresholds", None, model, -1)
    engine = "thresholds" if known is None else known.engine
    found = thinned(instance, found, model.is_feasible, lambda x: -_farthest(costs, x))
    value = _farthest(costs, found)
    best = value if status == "optimal" else float(distances[low])
    decision = None if ruled_out is None else at(float(distances[low - 1]))
    first = math.nan if ruled_out is None and value > distances[0] else best
    return Farthest(found, value, best, status, engine, ruled_out, model, -1, decision, first, costs)


def _center(instance: Instance, model: Model, costs: csr_array, control: Control) -> Solution | None:
    """Ask the engine of p-centers, where the rules only count sites; None where they do more."""
    from siting.optimize.center import solve_center

    if len(instance.blocks) > 1 or len(instance.shares) or not only_counted(model) or model.rows.shape[0] != 1:
        return None
    most = int(model.high[0] - model.lower @ model.rows.toarray()[0])
    return solve_center(costs, model.lower, model.upper, most, control)


def _least_possible(costs: csr_array, model: Model) -> float:
    """Return the farthest that somebody is even with all sites open; infinite where somebody reaches none."""
    return _farthest(costs, model.upper > 0, model.must)


def _farthest(costs: csr_array, x: Bools, must: Bools | None = None) -> float:
    filled = np.flatnonzero(np.diff(costs.indptr))
    if must is not None and must.sum() > must[filled].sum():
        return math.inf
    if not len(filled):
        return 0.0
    way = np.where(x[costs.indices], costs.data, np.inf)
    return float(np.minimum.reduceat(way, costs.indptr[filled]).max())


def _narrowed(
    distances: Floats,
    solve: Callable[[float, Bools | None], Solution],
    measure: Callable[[Bools], float],
    control: Control,
    known: Bools | None = None,
) -> tuple[Bools | None, int, str, Solution | None]:
    """Find the first of the sorted *distances* at which there is a plan; *known* is one that is as good as can be.

    Returns the plan, the position of the first distance that is not ruled out, the status, and what ruled out the one
    before it.
    """
    low, high = 0, len(distances) - 1
    best = known
    if known is not None:  # what rules out the distance before it is the proof
        high = int(np.searchsorted(distances, measure(known))) - 1
        low = max(0, high)
    ruled_out: Solution | None = None
    while low <= high:
        middle = (low + high) // 2 if best is not None else high
        found = solve(float(distances[middle]), best)
        if found.x is not None:
            best = found.x
            high = int(np.searchsorted(distances, measure(best))) - 1
        elif found.status == "infeasible":
            low, ruled_out = middle + 1, found
            if best is None:
                return None, low, "infeasible", ruled_out
        else:
            return best, low, control.status if known is None else "optimal", ruled_out
        if best is not None and low <= high and control.report("thresholds", -measure(best), -float(distances[low])):
            return best, low, control.status, ruled_out
    return best, low, "optimal", ruled_out


def widest_spacing(instance: Instance, control: Control) -> Answer:
    """Solve a `MaxSpacing`: binary search over the distances between sites."""
    model = replace(instance.model, value=np.zeros(len(instance.columns)), grain=1.0)
    first, second, cost = _between(instance)

    def at(apart: float) -> Model:
        near = np.flatnonzero(cost < apart)
        row = np.repeat(np.arange(len(near)), 2)
        ends = np.column_stack([first[near], second[near]]).ravel()
        extra = csr_array((np.ones(len(ends)), (row, ends)), shape=(len(near), len(instance.columns)))
        return replace(
            model,
            rows=csr_array(vstack([model.rows, extra], format="csr")),
            low=np.concatenate([model.low, np.full(len(near), -np.inf)]),
            high=np.concatenate([model.high, np.ones(len(near))]),
        )

    def measure(x: Bools) -> float:
        return -float(cost[x[first] & x[second]].min(initial=math.inf))

    steps = np.concatenate([[-math.inf], -np.unique(cost)[::-1]])
    apart = _dispersed(instance, (first, second, cost), control)
    if apart is not None and (apart.x is None or apart.status != "optimal"):
        if apart.x is None:
            return Answer(None, math.nan, math.nan, apart.status, apart.engine, None, model, 1)
        value = -measure(apart.x)
        return Widest(
            apart.x, value, max(value, apart.bound), apart.status, apart.engine, None, model, 1, None, math.nan,
            (first, second, cost),
        )  # fmt: skip
    found, low, status, ruled_out = _narrowed(
        steps,
        lambda d, start: solve_model(at(-d), control.for_subproblem(), start=start),
        measure,
        control,
        None if apart is None else apart.x,
    )
    if found is None:
        return Answer(None, math.nan, math.nan, status, "thresholds", None, model, 1)
    value = -measure(found)
    best = value if status == "optimal" else -float(steps[low])
    decision = None if ruled_out is None else at(-float(steps[low - 1]))
    engine = "thresholds" if apart is None else apart.engine
    known = math.nan if ruled_out is None and -value > steps[0] else best
    return Widest(found, value, best, status, engine, ruled_out, model, 1, decision, known, (first, second, cost))


def _dispersed(instance: Instance, between: tuple[Ints, Ints, Floats], control: Control) -> Solution | None:
    """Ask the engine of p-dispersion, where the rules only count sites; None where they do more."""
    from siting.optimize.dispersion import solve_dispersion

    model, columns = instance.model, instance.columns
    counts = {row.rule for row in instance.rows if isinstance(row.rule, (AtLeast, AtMost)) and row.rule.by is None}
    plain = len(counts) == len(instance.rows) and (columns.kind <= STAYING).all() and not instance.shares
    if not plain or model.must.any() or len(instance.inputs.services) > 1 or len(instance.inputs.years) > 1:
        return None
    first, second, cost = between
    n, fixed = len(columns), int(model.lower[~columns.new].sum())
    ends = (np.concatenate([first, second]), np.concatenate([second, first]))
    pairs = csr_array((np.concatenate([cost, cost]), ends), shape=(n, n))
    least = max(int(row.low) for row in instance.rows if row.low > -math.inf)
    most = min((int(row.high) for row in instance.rows if row.high < math.inf), default=None)
    return solve_dispersion(
        pairs, model.lower, model.upper, least + fixed, None if most is None else most + fixed, control.for_subproblem()
    )


def _between(instance: Instance) -> tuple[Ints, Ints, Floats]:
    """Pairs of columns that may both be open in the last year, for one service, and how far they are apart."""
    objective, columns, inputs = instance.objective, instance.columns, instance.inputs
    assert isinstance(objective, MaxSpacing)
    table = objective.between.pairs()
    a, b = (inputs.sites.get_indexer(pd.Index(table[name])) for name in ("origin", "destination"))
    known = (a >= 0) & (b >= 0) & (a != b)
    low, high = np.minimum(a[known], b[known]), np.maximum(a[known], b[known])
    cost = table["cost"].to_numpy(float)[known]
    order = np.lexsort((cost, high, low))  # the shorter of the two ways counts
    keep = order[np.r_[True, (np.diff(low[order]) != 0) | (np.diff(high[order]) != 0)]] if len(order) else order
    way = {(int(i), int(j)): c for i, j, c in zip(low[keep], high[keep], cost[keep], strict=True)}
    last = np.flatnonzero(columns.serves & (columns.end == len(inputs.years)))
    by_site: dict[int, list[int]] = {}
    for column in last.tolist():
        by_site.setdefault(int(columns.site[column]), []).append(column)
    rows = [
        (i, j, c)
        for (s, t), c in way.items()
        for i in by_site.get(s, ())
        for j in by_site.get(t, ())
        if columns.service[i] == columns.service[j] and (columns.new[i] or columns.new[j])
    ]
    i, j, c = (
        (np.array(each) for each in zip(*rows, strict=True)) if rows else (np.array([], int),) * 2 + (np.array([]),)
    )
    return i.astype(np.int64), j.astype(np.int64), c.astype(float)
