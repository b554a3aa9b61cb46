"""The second-best site for each site of a plan, so that a planner can bargain."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from siting.numbers import Bools, Floats, Ints
from siting.optimize.model import Model
from siting.propose.model.formulation import Formulation
from siting.propose.model.variables import JOINT
from siting.propose.problem import MinSites
from siting.propose.search.answer import Answer
from siting.propose.search.bottleneck import BottleneckAnswer, FarthestAnswer, SpacingAnswer
from siting.propose.search.capacitated import CapacitatedAnswer
from siting.propose.search.pruning import coverage_model, two_best

if TYPE_CHECKING:
    from siting.propose.plan.plan import Plan

__all__ = ["second_best"]

#: How many of the most promising sites are tried for each, where rules must be checked.
TRIED, FEWER = 50, 8
#: Flows of a plan with capacities above which the words do not look for what could take the place of a site.
LARGE = 5_000


def second_best(plan: Plan) -> pd.DataFrame:
    """Tell for each new site which other could take its place; see `Plan.second_best`."""
    empty = pd.DataFrame({"instead": pd.Series(dtype=object), "loss": pd.Series(dtype=float)})
    instance, answer = plan.instance, plan.answer
    if instance is None or answer is None or answer.x is None or not plan.sites:
        return empty.rename_axis("site")
    columns, x = instance.variables, answer.x
    ranked: Callable[[int], Floats]
    worth: Callable[[Bools], float]
    if isinstance(answer, CapacitatedAnswer):
        if answer.flows is None or len(answer.flows) > LARGE:
            return pd.DataFrame({"instead": np.nan, "loss": np.nan}, index=plan.table.index)
        covering = coverage_model(instance, instance.model)
        ranked, worth = partial(_changes, covering, two_best(covering, x)), partial(_signed, answer)
    elif isinstance(answer, BottleneckAnswer):
        ranked, worth = partial(_distances, answer), partial(_signed, answer)
    else:
        counted = isinstance(instance.objective, MinSites) or answer.model is None
        model = coverage_model(instance, instance.model) if counted else answer.model
        assert model is not None
        two, worth = two_best(model, x), model.objective
        ranked = partial(_changes, model, two)
    rows: list[tuple[object, float]] = []
    for j in _positions(plan).tolist():
        alike = columns.new & (columns.service == columns.service[j]) & (columns.begin == columns.begin[j])
        alike &= ~x & (columns.upper > 0) & (columns.site != columns.site[j])
        others = np.flatnonzero(alike)
        found: tuple[object, float] = (np.nan, np.nan)
        if len(others) and columns.lower[j] == 0:
            change = ranked(j)[others]
            rough = (
                isinstance(answer, CapacitatedAnswer) or instance.times > 1
            )  # ranked by what one site alone would cover
            tried = others[np.argsort(-change, kind="stable")][: FEWER if rough else TRIED]
            found = _first(tried, partial(_outcome, instance, answer, worth, j), all_=rough)
        rows.append(found)
    return pd.DataFrame(rows, columns=["instead", "loss"], index=plan.table.index)


def _first(tried: Ints, outcome: Callable[[int], tuple[object, float] | None], *, all_: bool) -> tuple[object, float]:
    """Return the first that keeps the rules, or of *all_* the one that loses least."""
    kept = []
    for k in tried.tolist():
        one = outcome(k)
        if one is not None:
            kept.append(one)
            if not all_:
                break
    return min(kept, key=lambda each: each[1]) if kept else (np.nan, np.nan)


def _outcome(
    instance: Formulation, answer: Answer, worth: Callable[[Bools], float], out: int, into: int
) -> tuple[object, float] | None:
    assert answer.x is not None
    swapped = _swapped(instance, answer.x, out, into)
    if not answer.keeps(swapped) or not np.isfinite(worth(swapped)):
        return None
    return instance.inputs.sites[instance.variables.site[into]], max(0.0, worth(answer.x) - worth(swapped))


def _signed(answer: Answer, x: Bools) -> float:
    return answer.sense * answer.measure(x)


def _distances(answer: BottleneckAnswer, out: int) -> Floats:
    """Return the distance, in the sense of the model, for each column that opens instead of *out*."""
    assert answer.x is not None
    left = answer.x.copy()
    left[out] = False
    if isinstance(answer, SpacingAnswer):
        assert answer.pairs is not None
        first, second, cost = answer.pairs
        nearest = np.full(len(left), np.inf)
        np.minimum.at(nearest, first[left[second]], cost[left[second]])
        np.minimum.at(nearest, second[left[first]], cost[left[first]])
        return nearest
    assert isinstance(answer, FarthestAnswer)
    costs = answer.costs
    assert costs is not None
    row = np.repeat(np.arange(costs.shape[0]), np.diff(costs.indptr))
    without = np.full(costs.shape[0], np.inf)
    open_ = left[costs.indices]
    np.minimum.at(without, row[open_], costs.data[open_])
    far = np.flatnonzero(without > answer.measure(answer.x))  # who would be farther without it
    worst = np.zeros(costs.shape[1])
    for need in far.tolist():
        way = np.full(costs.shape[1], without[need])
        at = slice(costs.indptr[need], costs.indptr[need + 1])
        way[costs.indices[at]] = np.minimum(way[costs.indices[at]], costs.data[at])
        worst = np.maximum(worst, way)
    return -worst


def _positions(plan: Plan) -> Ints:
    """Columns of the rows of the table of a plan, in its order."""
    instance, answer = plan.instance, plan.answer
    assert instance is not None
    assert answer is not None
    assert answer.x is not None
    columns, inputs = instance.variables, instance.inputs
    at = np.flatnonzero(answer.x & columns.new)
    place = inputs.sites.get_indexer(plan.table.index)
    service = (
        [inputs.services.index(name) for name in plan.table["service"]] if "service" in plan.table else [0] * len(place)
    )
    where = {
        (s, k): c for c, s, k in zip(at.tolist(), columns.site[at].tolist(), columns.service[at].tolist(), strict=True)
    }
    return np.array([where[key] for key in zip(place.tolist(), service, strict=True)], np.int64)


def _swapped(instance: Formulation, x: Bools, out: int, into: int) -> Bools:
    y = x.copy()
    y[out], y[into] = False, True
    joint = y & (instance.variables.kind == JOINT)
    y[joint & (instance.variables.site == instance.variables.site[out])] = False
    return y


def _changes(model: Model, two: tuple[Floats, Floats, Ints], out: int) -> Floats:
    """Return what the objective gains for each column that opens instead of *out*."""
    (best, second, by), b = two, model.benefit
    row = np.repeat(np.arange(b.shape[0]), np.diff(b.indptr))
    floor = np.where(by == out, second, best)
    gain = np.bincount(b.indices, np.maximum(0.0, b.data - floor[row]), minlength=b.shape[1])
    changes: Floats = gain + model.value - model.value[out] - float((best - floor).sum())
    return changes
