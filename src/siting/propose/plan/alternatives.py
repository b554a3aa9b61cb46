"""The second-best site for each site of a plan."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd

from siting.numbers import Bools, Floats, Ints
from siting.optimize.model import Model
from siting.propose.model.formulation import Formulation
from siting.propose.model.market import Utilities
from siting.propose.model.variables import JOINT
from siting.propose.plan.solved_problem import SolvedProblem
from siting.propose.problem import MinSites
from siting.propose.search.answer import Answer
from siting.propose.search.bottleneck_answers import BottleneckAnswer, FarthestAnswer, SpacingAnswer
from siting.propose.search.capacitated import CapacitatedAnswer
from siting.propose.search.point_search import PointAnswer
from siting.propose.search.pruning import coverage_model, two_best

__all__ = ["second_best"]

#: Number of sites tried for each, where rules must be checked.
TRIED, FEWER = 50, 8
#: With capacities and more flows than this there is no search; nor with fewer where communities stay together.
LARGE, LARGE_WHOLE = 5_000, 200


def second_best(plan: SolvedProblem) -> pd.DataFrame:
    """Find the best replacement of each new site; see `Plan.second_best`."""
    problem, answer = plan.problem, plan.answer
    if answer.x is None or not plan.sites:
        nothing = pd.DataFrame({"instead": pd.Series(dtype=object), "loss": pd.Series(dtype=float)})
        return nothing.rename_axis("site")
    if isinstance(answer, CapacitatedAnswer) and (answer.flows is None or len(answer.flows) > _large(answer)):
        return pd.DataFrame({"instead": np.nan, "loss": np.nan}, index=plan.table.index)
    if isinstance(answer, PointAnswer):  # the ways to other sites are not in its table
        return pd.DataFrame({"instead": np.nan, "loss": np.nan}, index=plan.table.index)
    columns, x = problem.variables, answer.x
    ranked, worth = _measures(problem, answer, x)
    rough = isinstance(answer, CapacitatedAnswer) or problem.times > 1  # ranked by the coverage of one site alone
    rows: list[tuple[object, float]] = []
    for j in _variables_of(plan).tolist():
        alike = columns.new & (columns.service == columns.service[j]) & (columns.begin == columns.begin[j])
        alike &= ~x & (columns.upper > 0) & (columns.site != columns.site[j])
        others = np.flatnonzero(alike)
        best: tuple[object, float] = (np.nan, np.nan)
        if len(others) and columns.lower[j] == 0:
            tried = others[np.argsort(-ranked(j)[others], kind="stable")][: FEWER if rough else TRIED]
            kept = filter(None, (_outcome(problem, answer, worth, j, k) for k in tried.tolist()))
            best = min(kept, key=lambda each: each[1], default=best) if rough else next(kept, best)
        rows.append(best)
    return pd.DataFrame(rows, columns=["instead", "loss"], index=plan.table.index)


def _large(answer: CapacitatedAnswer) -> int:
    return LARGE if answer.allocation is None or answer.allocation.split else LARGE_WHOLE


def _measures(
    problem: Formulation, answer: Answer, x: Bools
) -> tuple[Callable[[int], Floats], Callable[[Bools], float]]:
    """Return the ranking of the others when a variable closes, and the value of variables, higher being better."""
    if isinstance(answer, BottleneckAnswer):
        return partial(_distances, answer), lambda y: answer.sense * answer.measure(y)
    if problem.market is not None:
        market = problem.market
        return partial(_captured, market, x), market.captured
    if isinstance(answer, CapacitatedAnswer):
        covering = coverage_model(problem, problem.model)
        return partial(_changes, covering, two_best(covering, x)), lambda y: answer.sense * answer.measure(y)
    model = None if isinstance(problem.objective, MinSites) else answer.model
    if model is None:
        model = coverage_model(problem, problem.model)
    return partial(_changes, model, two_best(model, x)), model.objective


def _outcome(
    problem: Formulation, answer: Answer, worth: Callable[[Bools], float], out: int, into: int
) -> tuple[object, float] | None:
    """Return the site that opens instead and the loss; None where a rule is broken."""
    assert answer.x is not None
    swapped = answer.x.copy()
    swapped[out], swapped[into] = False, True
    columns = problem.variables
    swapped[swapped & (columns.kind == JOINT) & (columns.site == columns.site[out])] = False
    if not answer.keeps(swapped) or not np.isfinite(worth(swapped)):
        return None
    return problem.inputs.sites[columns.site[into]], max(0.0, worth(answer.x) - worth(swapped))


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
    far = np.flatnonzero(without > answer.measure(answer.x))  # communities farther away without it
    worst = np.zeros(costs.shape[1])
    for need in far.tolist():
        way = np.full(costs.shape[1], without[need])
        at = slice(costs.indptr[need], costs.indptr[need + 1])
        way[costs.indices[at]] = np.minimum(way[costs.indices[at]], costs.data[at])
        worst = np.maximum(worst, way)
    return -worst


def _captured(market: Utilities, x: Bools, out: int) -> Floats:
    """Return what comes to open sites for each column that opens instead of *out*."""
    left = x.copy()
    left[out] = False
    own = np.asarray(market.utility @ left.astype(float), float)
    u = market.by_column
    column = np.repeat(np.arange(u.shape[0]), np.diff(u.indptr))
    more, beside = own[u.indices] + u.data, own[u.indices] + market.other[u.indices]
    now = np.divide(own[u.indices], beside, out=np.zeros(len(more)), where=own[u.indices] > 0)
    gain = market.demand[u.indices] * (more / (more + market.other[u.indices]) - now)
    return np.asarray(np.bincount(column, gain, u.shape[0]), float)


def _variables_of(plan: SolvedProblem) -> Ints:
    assert plan.answer.x is not None
    columns, inputs = plan.problem.variables, plan.problem.inputs
    at = np.flatnonzero(plan.answer.x & columns.new)
    where = dict(zip(zip(columns.site[at].tolist(), columns.service[at].tolist(), strict=True), at, strict=True))
    place = inputs.sites.get_indexer(plan.table.index).tolist()
    names = plan.table["service"] if "service" in plan.table else inputs.services[:1] * len(place)
    return np.array([where[site, inputs.services.index(name)] for site, name in zip(place, names, strict=True)], int)


def _changes(model: Model, two: tuple[Floats, Floats, Ints], out: int) -> Floats:
    """Return the gain of the objective for each column that opens instead of *out*."""
    (best, second, by), b = two, model.benefit
    row = np.repeat(np.arange(b.shape[0]), np.diff(b.indptr))
    floor = np.where(by == out, second, best)
    gain = np.bincount(b.indices, np.maximum(0.0, b.data - floor[row]), minlength=b.shape[1])
    return np.asarray(gain + model.value - model.value[out] - float((best - floor).sum()))
