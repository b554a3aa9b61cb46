"""Objectives that are a distance: a search over the distances, each asking whether a plan exists."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array, vstack

from siting.propose.columns import STAYING
from siting.propose.engines.model import Bools, Floats, Found, Ints, Model
from siting.propose.engines.watch import Watch
from siting.propose.instance import Instance
from siting.propose.problem import MaxSpacing
from siting.propose.search import Answer, proven_bound, solve_model

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


def nearest_farthest(instance: Instance, watch: Watch) -> Answer:
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
    found, low, status, ruled_out = _narrowed(
        distances, lambda d, start: solve_model(at(d), watch.quiet(), start=start), lambda x: _farthest(costs, x), watch
    )
    if found is None:
        return Answer(None, math.nan, math.nan, status, "thresholds", None, model, -1)
    value = _farthest(costs, found)
    best = value if status == "optimal" else float(distances[low])
    decision = None if ruled_out is None else at(float(distances[low - 1]))
    return Farthest(found, value, best, status, "thresholds", ruled_out, model, -1, decision, best, costs)


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
    distances: Floats, solve: Callable[[float, Bools | None], Found], measure: Callable[[Bools], float], watch: Watch
) -> tuple[Bools | None, int, str, Found | None]:
    """Find the first of the sorted *distances* at which there is a plan.

    Returns the plan, the position of the first distance that is not ruled out, the status, and what ruled out the one
    before it.
    """
    low, high = 0, len(distances) - 1
    best: Bools | None = None
    ruled_out: Found | None = None
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
            return best, low, watch.status, ruled_out
        if best is not None and low <= high and watch.report("thresholds", -measure(best), -float(distances[low])):
            return best, low, watch.status, ruled_out
    return best, low, "optimal", ruled_out


def widest_spacing(instance: Instance, watch: Watch) -> Answer:
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
    found, low, status, ruled_out = _narrowed(
        steps, lambda d, start: solve_model(at(-d), watch.quiet(), start=start), measure, watch
    )
    if found is None:
        return Answer(None, math.nan, math.nan, status, "thresholds", None, model, 1)
    value = -measure(found)
    best = value if status == "optimal" else -float(steps[low])
    decision = None if ruled_out is None else at(-float(steps[low - 1]))
    return Widest(found, value, best, status, "thresholds", ruled_out, model, 1, decision, best, (first, second, cost))


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
    fixed = (columns.kind == STAYING) & (columns.lower == 1)
    last = np.flatnonzero(columns.serves & (columns.end == len(inputs.years)))
    by_site: dict[int, list[int]] = {}
    for column in last.tolist():
        by_site.setdefault(int(columns.site[column]), []).append(column)
    rows = [
        (i, j, c)
        for (s, t), c in way.items()
        for i in by_site.get(s, ())
        for j in by_site.get(t, ())
        if columns.service[i] == columns.service[j] and not (fixed[i] and fixed[j])
    ]
    i, j, c = (
        (np.array(each) for each in zip(*rows, strict=True)) if rows else (np.array([], int),) * 2 + (np.array([]),)
    )
    return i.astype(np.int64), j.astype(np.int64), c.astype(float)
