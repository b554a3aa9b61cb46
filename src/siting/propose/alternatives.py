"""The second-best site for each site of a plan, so that a planner can bargain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from siting.propose.engines.model import Bools, Floats, Ints, Model
from siting.propose.problem import MinCost, MinSites
from siting.propose.search import fuller, two_best

if TYPE_CHECKING:
    from siting.propose.plan import Plan

__all__ = ["second_best"]

#: How many of the most promising sites are tried for each, where rules must be checked.
TRIED = 25


def second_best(plan: Plan) -> pd.DataFrame:
    """Tell for each new site which other could take its place; see `Plan.second_best`."""
    empty = pd.DataFrame({"instead": pd.Series(dtype=object), "loss": pd.Series(dtype=float)})
    instance, answer = plan.instance, plan.answer
    if instance is None or answer is None or answer.x is None or not plan.sites:
        return empty.rename_axis("site")
    columns, x = instance.columns, answer.x
    counted = isinstance(instance.objective, (MinSites, MinCost)) or answer.model is None
    model = fuller(instance, instance.model) if counted else answer.model
    assert model is not None
    chosen = _positions(plan)
    now = model.objective(x)
    rows: list[tuple[object, float]] = []
    best, second, by = two_best(model, x)
    for j in chosen:
        alike = columns.new & (columns.service == columns.service[j]) & (columns.begin == columns.begin[j])
        alike &= ~x & (columns.upper > 0)
        others = np.flatnonzero(alike)
        found: tuple[object, float] = (np.nan, np.nan)
        if len(others) and columns.lower[j] == 0:
            change = _changes(model, int(j), best, second, by)[others]
            for k in others[np.argsort(-change, kind="stable")][:TRIED]:
                swapped = _swapped(instance, x, int(j), int(k))
                if answer.keeps(swapped):
                    found = (instance.inputs.sites[columns.site[k]], max(0.0, now - model.objective(swapped)))
                    break
        rows.append(found)
    return pd.DataFrame(rows, columns=["instead", "loss"], index=plan.table.index)


def _positions(plan: Plan) -> Ints:
    """Columns of the rows of the table of a plan, in its order."""
    instance, answer = plan.instance, plan.answer
    assert instance is not None
    assert answer is not None
    assert answer.x is not None
    columns, inputs = instance.columns, instance.inputs
    at = np.flatnonzero(answer.x & columns.new)
    place = inputs.sites.get_indexer(plan.table.index)
    service = (
        [inputs.services.index(name) for name in plan.table["service"]] if "service" in plan.table else [0] * len(place)
    )
    where = {
        (s, k): c for c, s, k in zip(at.tolist(), columns.site[at].tolist(), columns.service[at].tolist(), strict=True)
    }
    return np.array([where[key] for key in zip(place.tolist(), service, strict=True)], np.int64)


def _swapped(instance: object, x: Bools, out: int, into: int) -> Bools:
    from siting.propose.columns import JOINT
    from siting.propose.instance import Instance

    assert isinstance(instance, Instance)
    y = x.copy()
    y[out], y[into] = False, True
    joint = y & (instance.columns.kind == JOINT)
    y[joint & (instance.columns.site == instance.columns.site[out])] = False
    return y


def _changes(model: Model, out: int, best: Floats, second: Floats, by: Ints) -> Floats:
    """Return what the objective gains for each column that opens instead of *out*."""
    b = model.benefit
    row = np.repeat(np.arange(b.shape[0]), np.diff(b.indptr))
    floor = np.where(by == out, second, best)
    gain = np.bincount(b.indices, np.maximum(0.0, b.data - floor[row]), minlength=b.shape[1])
    changes: Floats = gain + model.value - model.value[out] - float((best - floor).sum())
    return changes
