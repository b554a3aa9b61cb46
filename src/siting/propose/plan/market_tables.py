"""Tables of a plan where people choose among sites: what each site and community gives."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from siting.numbers import Bools, Floats, Ints
from siting.propose.model.formulation import Formulation
from siting.propose.model.market import choice_of
from siting.propose.model.variables import STAYING
from siting.propose.plan.tables import SITE_COLUMNS, Served
from siting.propose.search.answer import Answer

__all__ = ["captured_before", "captured_flows", "captured_most", "captured_parts", "market_table", "unattracted"]


def captured_parts(problem: Formulation, answer: Answer) -> tuple[Served, ...]:
    """Find how many people of each community come to own sites, and to which most; without a plan to existing ones.

    Of those who come to none it says whether they go to competitors ("competitors"), and else whether an own site that
    would attract them is shut ("closed"), may not open ("barred"), or is not there ("beyond").
    """
    x, market = _open(problem, answer), problem.market
    assert market is not None
    size = len(market.demand)
    share = market.shares(x)
    community, column, cost = problem.serving(0, 0)
    here = x[column]
    community, column, cost = community[here], column[here], cost[here]
    value = np.asarray(market.utility[community, column], float) if len(community) else np.zeros(0)
    order = np.lexsort((column, cost, -value, community))
    first = order[np.unique(community[order], return_index=True)[1]]
    first = first[value[first] > 0]
    site, way = np.full(size, -1), np.full(size, np.nan)
    site[community[first]], way[community[first]] = column[first], cost[first]
    comes = np.flatnonzero((value > 0) & (market.demand[community] > 0))
    sites, farthest = np.bincount(community[comes], minlength=size), np.full(size, np.nan)
    np.fmax.at(farthest, community[comes], cost[comes])
    choice = choice_of(problem.objective, problem.inputs)
    assert choice is not None
    near, able = _within_attraction(problem)
    reason = np.select(
        [market.demand <= 0, share >= 1 - 1e-12, share > 0, market.other > choice.no_choice, able, near],
        ["no demand", "", "shared", "competitors", "closed", "barred"], "beyond",
    ).astype(object)  # fmt: skip
    return (Served(0, 0, market.demand, market.demand * share, site, way, sites, farthest, reason),)


def _within_attraction(problem: Formulation) -> tuple[Bools, Bools]:
    """Whether each community is within reach of an own site that may not open, and whether one attracts that may."""
    market, pairs, choice = problem.market, problem.inputs.first, choice_of(problem.objective, problem.inputs)
    assert market is not None
    assert choice is not None
    theirs = problem.inputs.site_positions(choice.competitors, "competitors")
    shut = ~np.isin(pairs.site, problem.variables.site) & ~np.isin(pairs.site, theirs)
    every = np.arange(len(market.demand))
    return np.isin(every, pairs.community[shut]), np.diff(market.utility.indptr) > 0


def unattracted(problem: Formulation, *, barred: bool) -> tuple[object, ...]:
    """Communities with demand that only *barred* own sites reach, or that no own site attracts."""
    assert problem.market is not None
    near, able = _within_attraction(problem)
    return tuple(problem.inputs.communities[(problem.market.demand > 0) & ~able & (near == barred)])


def captured_most(problem: Formulation) -> float:
    """Count the people who come when all that may open does."""
    assert problem.market is not None
    return problem.market.captured(problem.variables.serves & (problem.variables.upper > 0))


def captured_flows(problem: Formulation, answer: Answer) -> pd.DataFrame:
    """Make a row per community and own site that people come to: positions, people and cost."""
    x, market = _open(problem, answer), problem.market
    assert market is not None
    community, column, cost = problem.serving(0, 0)
    here = x[column]
    community, column, cost = community[here], column[here], cost[here]
    value = np.asarray(market.utility[community, column], float) if len(community) else np.zeros(0)
    beside = np.asarray(market.utility @ x.astype(float), float)[community] + market.other[community]
    people = market.demand[community] * np.divide(value, beside, out=np.zeros(len(value)), where=value > 0)
    at = np.flatnonzero(people > 0)
    return pd.DataFrame(
        {"community": community[at], "service": 0, "phase": 0, "column": column[at], "people": people[at],
         "cost": cost[at]}
    )  # fmt: skip


def captured_before(problem: Formulation) -> float:
    """Count the people who come to the existing sites alone."""
    assert problem.market is not None
    return problem.market.captured(problem.variables.kind == STAYING)


def _open(problem: Formulation, answer: Answer) -> Bools:
    return problem.variables.kind == STAYING if answer.x is None else answer.x


def market_table(problem: Formulation, answer: Answer) -> pd.DataFrame:
    """Make a row per new site, by what it adds to those of the existing sites and the rows above; see `Plan.table`."""
    if answer.x is None:
        return pd.DataFrame(columns=SITE_COLUMNS, index=pd.Index([], name="site", dtype=object))
    columns, inputs, market = problem.variables, problem.inputs, problem.market
    assert market is not None
    at, adds, before = _order(problem, answer.x)
    total, whole = float(market.demand.sum()), market.captured(answer.x)
    within, lost, people, mean, farthest = (np.full(len(at), np.nan) for _ in range(5))
    community, column, cost = problem.serving(0, 0)
    own = np.asarray(market.utility @ answer.x.astype(float), float)
    for n, j in enumerate(at.tolist()):
        here = column == j
        mine, way = community[here], cost[here]
        within[n] = market.demand[mine].sum()
        fewer = answer.x.copy()
        fewer[j] = False
        lost[n] = whole - market.captured(fewer)
        utility = np.asarray(market.utility[mine, np.full(len(mine), j)], float) if len(mine) else np.zeros(0)
        beside = own[mine] + market.other[mine]
        comes = market.demand[mine] * np.divide(utility, beside, out=np.zeros(len(mine)), where=utility > 0)
        people[n] = comes.sum()
        if people[n] > 0:
            mean[n], farthest[n] = float(comes @ way) / people[n], way[comes > 0].max()
    after = (before + np.cumsum(adds)) / total if total else np.full(len(at), math.nan)
    figures = (np.arange(1, len(at) + 1), adds, after, within, lost, people, mean, farthest)
    table = pd.DataFrame(dict(zip(SITE_COLUMNS, figures, strict=True)))
    for name, values in (("cost", columns.cost), ("places", columns.places)):
        if np.isfinite(values[columns.new]).any():
            table[name] = values[at]
    table.index = pd.Index(inputs.sites[columns.site[at]], name="site")
    return table


def _order(problem: Formulation, x: Bools) -> tuple[Ints, Floats, float]:
    """Order the new variables by what each adds to those before, the first of equal ones."""
    assert problem.market is not None
    market, left = problem.market, np.flatnonzero(x & problem.variables.new).tolist()
    so_far = x & ~problem.variables.new
    before = captured = market.captured(so_far)
    order, adds = [], []
    while left:
        gains = []
        for j in left:
            more = so_far.copy()
            more[j] = True
            gains.append((-(market.captured(more) - captured), j))
        gain, best = min(gains)
        so_far[best] = True
        captured -= gain
        left.remove(best)
        order.append(best)
        adds.append(-gain + 0.0)
    return np.array(order, np.int64), np.array(adds, float), before
