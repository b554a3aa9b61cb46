"""The model of mergers: pairs that could merge, rules as constraints, and the solution, checked."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from siting.measure import Reach
from siting.measure.alignment import amounts
from siting.messages import Message
from siting.numbers import Floats
from siting.optimize import highs

__all__ = ["LastCover", "MergerProblem", "check", "constraints", "last_covers", "solve"]

#: The factor of each variable, and the upper bound.
Constraint: TypeAlias = tuple[dict[int, float], float]
#: Sites that are all that cover somebody, and the number of these people.
LastCover: TypeAlias = tuple[frozenset[object], float]


@dataclass(frozen=True, eq=False)
class MergerProblem:
    """The sites and rules in numbers: *pairs* that could merge, and the sites of a kind in a village, *alike*."""

    capacity: pd.Series
    used: pd.Series
    small: pd.Index
    pairs: pd.DataFrame
    alike: tuple[frozenset[object], ...] = ()
    at_most: int | None = None
    most_lost: float | None = None

    @property
    def idle(self) -> pd.Series:
        """Beds that are free."""
        return self.capacity - self.used

    @cached_property
    def fitting(self) -> pd.DataFrame:
        """Pairs whose receiver has room for all people of the one that closes."""
        people = self.used.loc[self.pairs["origin"]].to_numpy()
        return self.pairs[people <= self.idle.loc[self.pairs["destination"]].to_numpy()].reset_index(drop=True)


def last_covers(problem: MergerProblem, cover: Reach, demand: pd.Series) -> tuple[LastCover, ...]:
    """Find sets of sites that could all close and are all that cover somebody."""
    could = set(problem.fitting["origin"])
    people = amounts(demand, cover.origins, what="demand", of="communities").to_numpy()
    lost: dict[frozenset[object], float] = {}
    sites = cover.pairs()["destination"].groupby(cover.origin).agg(frozenset)
    for covering, number in zip(sites, people[sites.index], strict=True):
        if number > 0 and covering <= could:
            lost[covering] = lost.get(covering, 0.0) + float(number)
    return tuple(lost.items())


def constraints(problem: MergerProblem, lost: Sequence[LastCover]) -> list[Constraint]:
    """Write the rules as constraints: a variable for each fitting pair, then one for each cover that may be lost."""
    pairs = problem.fitting
    leaving, coming = _positions(pairs["origin"]), _positions(pairs["destination"])
    found: list[Constraint] = [(dict.fromkeys(ks, 1.0), 1.0) for ks in leaving.values()]
    into = [(k, leaving[j]) for k, j in enumerate(pairs["destination"]) if j in leaving]
    found += [({k: 1.0} | dict.fromkeys(ks, 1.0), 1.0) for k, ks in into]
    people = problem.used.loc[pairs["origin"]].to_numpy()
    room = problem.idle.loc[pd.Index(coming)].to_numpy()
    found += [({k: float(people[k]) for k in ks}, float(most)) for ks, most in zip(coming.values(), room, strict=True)]
    for sites in (alike for alike in problem.alike if alike & leaving.keys()):
        found.append(({k: 1.0 for site in sites & leaving.keys() for k in leaving[site]}, len(sites) - 1.0))
    if problem.at_most is not None:
        found.append((dict.fromkeys(range(len(pairs)), 1.0), float(problem.at_most)))
    for extra, (sites, _) in enumerate(lost, start=len(pairs)):
        found.append(({k: 1.0 for site in sites for k in leaving[site]} | {extra: -1.0}, len(sites) - 1.0))
    if problem.most_lost is not None and lost:
        found.append(({k: people for k, (_, people) in enumerate(lost, start=len(pairs))}, float(problem.most_lost)))
    return found


def _positions(sites: pd.Series) -> dict[object, list[int]]:
    return {site: list(map(int, where)) for site, where in sites.groupby(sites).indices.items()}


def solve(
    problem: MergerProblem, lost: Sequence[LastCover], time_limit: float | None
) -> tuple[pd.DataFrame, float, str]:
    """Close as many as can; then, with so many, move people the least. Return the pairs, the bound and the status."""
    pairs, rows = problem.fitting, constraints(problem, lost)
    n = len(pairs)
    if not n:
        return pairs, 0.0, "optimal"
    began = time.perf_counter()
    # The start closes nothing, which keeps every rule: so there is always an answer.
    x = np.zeros(n + len(lost))
    count = np.concatenate([np.ones(n), np.zeros(len(lost))])
    first = highs.run(_model(-count, rows, n), start=x, gap=0.5, time_limit=time_limit)
    x = x if first.x is None else first.x
    closes = round(float(x[:n].sum()))
    # Stopped early, the solver may know no bound; no more can close than have somewhere to go.
    bound = float(max(closes, math.floor(min(-first.bound, float(pairs["origin"].nunique())) + 1e-6)))
    way = pairs["cost"].to_numpy() * np.maximum(problem.used.loc[pairs["origin"]].to_numpy(), 1.0)
    cost = np.concatenate([way / max(1.0, float(way.max())), np.zeros(len(lost))])
    least = (dict.fromkeys(range(n), -1.0), -float(closes))
    left = None if time_limit is None else time_limit - (time.perf_counter() - began)
    if left is not None and left <= 0:
        return pairs[x[:n] > 0.5], bound, "time_limit"
    start = np.concatenate([np.rint(x[:n]), x[n:]])
    second = highs.run(_model(cost, [*rows, least], n), start=start, gap=1e-9, time_limit=left)
    x = x if second.x is None else second.x
    return pairs[x[:n] > 0.5], bound, next((s for s in (first.status, second.status) if s != "optimal"), "optimal")


def _model(cost: Floats, rows: list[Constraint], whole: int) -> highs.Programme:
    """Each z, 0 to 1, need not be called whole: with whole x its constraint makes it 1 where the last cover closes."""
    where = [(i, k, value) for i, (row, _) in enumerate(rows) for k, value in row.items()]
    at, columns, values = (np.array(part) for part in zip(*where, strict=True))
    matrix = csr_array((values.astype(float), (at, columns)), shape=(len(rows), len(cost)))
    upper = np.array([upper for _, upper in rows])
    return highs.Programme(
        cost, np.zeros(len(cost)), np.ones(len(cost)), matrix, np.full(len(rows), -np.inf), upper, whole
    )


def check(problem: MergerProblem, chosen: pd.DataFrame, lost: float) -> None:
    """Check that the pairs keep all rules, whatever the solver says."""
    moved = problem.used.loc[chosen["origin"]].groupby(chosen["destination"].to_numpy()).sum()
    over = moved > problem.idle.loc[moved.index] + 1e-6
    many = problem.at_most is not None and len(chosen) > problem.at_most
    costly = problem.most_lost is not None and lost > problem.most_lost + 1e-6
    emptied = any(sites <= set(chosen["origin"]) for sites in problem.alike)
    twice, gone = chosen["origin"].duplicated().any(), chosen["destination"].isin(chosen["origin"]).any()
    if twice or gone or over.any() or many or costly or emptied:
        raise RuntimeError(Message("question.solver_broke_rules", engine="HiGHS"))
