"""The tables of a plan: communities by site, gains of sites, closures, and communities not served."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csc_array

from siting.errors import ProblemError
from siting.messages import Message
from siting.numbers import Bools, Floats, Ints, Positions
from siting.propose.model.formulation import Formulation
from siting.propose.model.inputs import group_of_each
from siting.propose.model.variables import CLOSING, LARGER, NEW, STAYING
from siting.propose.search.answer import Answer
from siting.propose.search.capacitated import CapacitatedAnswer
from siting.propose.search.places_counted import added_and_lost, most_served

__all__ = [
    "Served", "by_group", "change_table", "community_table", "cost_of", "flow_table", "flows_of", "new_sites",
    "reachable_demand", "served_before", "served_parts", "site_table", "unserved",
]  # fmt: skip

#: Columns of the table of sites of every plan.
SITE_COLUMNS = ["order", "adds", "share_after", "within", "lost_without", "people", "mean", "farthest"]


class Served(NamedTuple):
    """Service in one phase, an entry per community."""

    service: int
    phase: int
    demand: Floats
    served: Floats
    #: The open variable that serves most people of the community, -1 for none; and its cost.
    column: Ints
    cost: Floats
    #: Number of variables that serve people of the community, and the largest cost of one.
    sites: Ints
    farthest: Floats
    reason: npt.NDArray[np.object_]


class _Open(NamedTuple):
    """Pairs of a need (a community of a service) and an open variable in the last year; `weight` is all demand."""

    need: Ints
    column: Ints
    cost: Floats
    weight: Floats


def new_sites(problem: Formulation, x: Bools) -> list[object]:
    """Ids of the new sites that variables open."""
    return list(problem.inputs.sites[problem.variables.site[x & problem.variables.new]])


def served_parts(problem: Formulation, answer: Answer) -> tuple[Served, ...]:
    """Find the communities served, for each service and phase; without a plan by the existing sites."""
    x = problem.variables.kind == STAYING if answer.x is None else answer.x
    flows = answer.flows if isinstance(answer, CapacitatedAnswer) else None
    services, phases = range(len(problem.inputs.services)), range(len(problem.inputs.years))
    return tuple(_served(problem, x, service, phase, flows) for service in services for phase in phases)


def served_before(problem: Formulation, answer: Answer) -> float:
    """Demand served by the existing sites in the last year, within capacities."""
    existing = problem.variables.kind == STAYING
    last = len(problem.inputs.years) - 1
    if isinstance(answer, CapacitatedAnswer) and answer.allocation is not None:
        return float(most_served(answer.allocation, existing, last))
    services = range(len(problem.inputs.services))
    return sum(float(_served(problem, existing, service, last, None).served.sum()) for service in services)


def _open_pairs(problem: Formulation, x: Bools, service: int, phase: int) -> tuple[Ints, Ints, Floats]:
    community, column, cost = problem.serving(service, phase)
    at = x[column]
    return community[at], column[at], cost[at]


def _nearest(community: Ints, column: Ints, cost: Floats) -> Positions:
    """Return the pair of the nearest open variable of each community, the first of equal ones."""
    order = np.lexsort((column, cost, community))
    return order[np.unique(community[order], return_index=True)[1]]


def _served(problem: Formulation, x: Bools, service: int, phase: int, flows: pd.DataFrame | None) -> Served:
    demand = problem.inputs.demand[service, phase]
    size = len(demand)
    community, column, cost = _open_pairs(problem, x, service, phase)
    count = np.bincount(community, minlength=size)
    site, way = np.full(size, -1), np.full(size, np.nan)
    farthest = way
    if flows is None:
        covered = count >= problem.times
        first = _nearest(community, column, cost)
        first = first[covered[community[first]]]
        site[community[first]], way[community[first]] = column[first], cost[first]
        served, sites = np.where(covered, demand, 0.0), (site >= 0).astype(np.int64)
    else:
        here = flows[(flows["service"] == service) & (flows["phase"] == phase)]
        served = np.bincount(here["community"], here["people"], minlength=size)
        order = here.sort_values(["community", "people", "cost", "column"], ascending=[True, False, True, True])
        largest = order.drop_duplicates("community")
        site[largest["community"]], way[largest["community"]] = largest["column"], largest["cost"]
        sites = np.bincount(here["community"], minlength=size)
        farthest = np.full(size, np.nan)
        np.fmax.at(farthest, here["community"].to_numpy(), here["cost"].to_numpy())
    near, able = _within_reach(problem, service)
    reason = np.select(
        [served >= demand - 1e-9, count > 0, able, near],
        [np.where(demand <= 0, "no demand", ""), "few" if flows is None else "full", "closed", "barred"],
        "beyond",
    ).astype(object)
    return Served(service, phase, demand, served, site, way, sites, farthest, reason)


def _within_reach(problem: Formulation, service: int) -> tuple[Bools, Bools]:
    """Whether each community is within reach of any site, and of one that is open or may open."""
    variables, pairs = problem.variables, problem.inputs.pairs[service]
    able = np.isin(pairs.site, variables.site[variables.serves & (variables.service == service)])
    every = np.arange(len(problem.inputs.communities))
    return np.isin(every, pairs.community), np.isin(every, pairs.community[able])


def community_table(problem: Formulation, parts: Sequence[Served]) -> pd.DataFrame:
    """Make a row per community (and service, year): demand, site, and reason if not served."""
    inputs, frames = problem.inputs, []
    for part in parts:
        at = inputs.pairs[part.service].order
        column = part.column[at]
        somewhere = column >= 0
        site, new = np.full(len(at), np.nan, object), np.full(len(at), np.nan, object)
        site[somewhere] = inputs.sites[problem.variables.site[column[somewhere]]]
        new[somewhere] = problem.variables.kind[column[somewhere]] == NEW
        frame = pd.DataFrame(
            {
                "demand": part.demand[at], "served": part.served[at], "site": site,
                "cost": part.cost[at], "new": new, "sites": part.sites[at], "farthest": part.farthest[at],
                "reason": part.reason[at],
            },
            index=inputs.communities[at],
        )  # fmt: skip
        keys: dict[str, object] = {"service": inputs.services[part.service]} if inputs.services != ("",) else {}
        keys |= {"year": inputs.years[part.phase]} if inputs.years != (None,) else {}
        if keys:
            levels: list[Any] = [frame.index, *([key] * len(frame) for key in keys.values())]
            frame.index = pd.MultiIndex.from_arrays(levels, names=["community", *keys])
        frames.append(frame)
    table = pd.concat(frames)
    return table if isinstance(table.index, pd.MultiIndex) else table.rename_axis(None)


def flows_of(answer: Answer, parts: Sequence[Served]) -> pd.DataFrame:
    """Return who goes where, as positions: to places that are counted, or to the nearest open site."""
    if isinstance(answer, CapacitatedAnswer) and answer.flows is not None:
        return answer.flows
    return pd.concat([_to_the_nearest(part) for part in parts], ignore_index=True)


def flow_table(problem: Formulation, rows: pd.DataFrame) -> pd.DataFrame:
    """Make a row per community and site that people go to (and service, year): people and cost."""
    inputs, variables = problem.inputs, problem.variables
    column = rows["column"].to_numpy(np.int64)
    rows = rows.assign(site=variables.site[column]).sort_values(["community", "service", "phase", "cost", "site"])
    column = rows["column"].to_numpy(np.int64)
    table: dict[str, Any] = {"community": inputs.communities[rows["community"]], "site": inputs.sites[rows["site"]]}
    if inputs.services != ("",):
        table["service"] = [inputs.services[k] for k in rows["service"]]
    if inputs.years != (None,):
        table["year"] = [inputs.years[t] for t in rows["phase"]]
    if inputs.options is not None:
        table["option"] = [inputs.options.index[o] if o >= 0 else None for o in variables.option[column]]
    return pd.DataFrame(table | {"people": rows["people"].to_numpy(float), "cost": rows["cost"].to_numpy(float)})


def _to_the_nearest(part: Served) -> pd.DataFrame:
    at = np.flatnonzero((part.column >= 0) & (part.served > 0))
    return pd.DataFrame(
        {
            "community": at, "service": part.service, "phase": part.phase, "column": part.column[at],
            "people": part.served[at], "cost": part.cost[at],
        }
    )  # fmt: skip


def unserved(problem: Formulation, *, barred: bool) -> tuple[object, ...]:
    """Communities with demand for a service that only *barred* sites reach, or that no site reaches."""
    found = np.zeros(len(problem.inputs.communities), bool)
    for service, demand in enumerate(problem.inputs.demand):
        near, able = _within_reach(problem, service)
        found |= (demand.max(axis=0) > 0) & ~able & (near == barred)
    return tuple(problem.inputs.communities[found])


def reachable_demand(problem: Formulation) -> float:
    """Demand of the last year within reach of a site that is open or may open."""
    last = problem.inputs.demand[:, -1]
    return float(sum(demand[_within_reach(problem, service)[1]].sum() for service, demand in enumerate(last)))


def by_group(communities: pd.DataFrame, groups: pd.Series) -> pd.DataFrame:
    """Add up demand and served in each group."""
    if not isinstance(groups, pd.Series):
        raise ProblemError(Message("problem.groups", what="groups", value=groups, of="communities"))
    ids = communities.index.get_level_values(0)
    group = group_of_each(groups, ids.unique(), "groups", "communities")
    keys: list[Any] = [pd.Series(group.reindex(ids).to_numpy(), index=communities.index, name=groups.name or "group")]
    keys += [communities.index.get_level_values(n) for n in range(1, communities.index.nlevels)]
    table = communities.groupby(keys, sort=True)[["demand", "served"]].sum()
    table["share"] = np.where(table["demand"] > 0, table["served"] / table["demand"].where(table["demand"] > 0), np.nan)
    return table


def cost_of(problem: Formulation, answer: Answer) -> float:
    """Cost of all changes together; NaN without a plan, or where no costs are named."""
    cost = problem.variables.cost
    if answer.x is None or not np.isfinite(cost[problem.variables.new]).any():
        return math.nan
    return float(np.nansum(cost[answer.x]))


def change_table(problem: Formulation, answer: Answer) -> pd.DataFrame:
    """Make a row per existing site that closes or grows."""
    columns, inputs = problem.variables, problem.inputs
    kinds = np.isin(columns.kind, (CLOSING, LARGER))
    at = np.flatnonzero(kinds & answer.x) if answer.x is not None else np.zeros(0, np.int64)
    closes = columns.kind[at] == CLOSING
    index = pd.Index(inputs.sites[columns.site[at]] if len(at) else [], name="site")
    table = pd.DataFrame({"change": np.where(closes, "closes", "grows")}, index=index)
    if inputs.services != ("",):
        table["service"] = [inputs.services[k] for k in columns.service[at]]
    if inputs.years != (None,):
        table["year"] = [inputs.years[t] for t in np.where(closes, columns.end[at], columns.begin[at])]
    if inputs.options is not None:
        table["option"] = [inputs.options.index[o] if o >= 0 else None for o in columns.option[at]]
    table["cost"], table["places"] = columns.cost[at], columns.places[at]
    return table


def site_table(problem: Formulation, answer: Answer) -> pd.DataFrame:
    """Make a row per new site, by gain: people served, and the loss without it."""
    if answer.x is None:
        return pd.DataFrame(columns=SITE_COLUMNS, index=pd.Index([], name="site", dtype=object))
    inputs, columns = problem.inputs, problem.variables
    chosen = np.flatnonzero(answer.x & columns.new)
    size, last = len(inputs.communities), len(inputs.years) - 1
    parts = [_open_pairs(problem, answer.x, service, last) for service in range(len(inputs.services))]
    community, column, cost = (np.concatenate(each) for each in zip(*parts, strict=True))
    shift = np.repeat(np.arange(len(parts)) * size, [len(part[0]) for part in parts])
    pairs = _Open(community + shift, column, cost, inputs.demand[:, -1].ravel())
    if isinstance(answer, CapacitatedAnswer):
        at, figures = _order_by_places(problem, answer, chosen, pairs)
    else:
        at, figures = _order_by_gain(problem, chosen, pairs)
    table = pd.DataFrame(figures, columns=SITE_COLUMNS[1:5])
    table.insert(0, "order", range(1, len(table) + 1))
    table = table.join(_ways(problem, answer, at, pairs))
    if inputs.services != ("",):
        table.insert(0, "service", [inputs.services[k] for k in columns.service[at]])
    if inputs.years != (None,):
        table.insert(0, "year", [inputs.years[t] for t in columns.begin[at]])
    if inputs.options is not None:
        table["option"] = inputs.options.index[columns.option[at]]
    for name, values in (("cost", columns.cost), ("places", columns.places)):
        if np.isfinite(values[columns.new]).any():
            table[name] = values[at]
    table.index = pd.Index(inputs.sites[columns.site[at]], name="site")
    return table


def _needs_of(chosen: Ints, pairs: _Open, columns: int) -> list[Ints]:
    position = np.full(columns, -1)
    position[chosen] = np.arange(len(chosen))
    mine = position[pairs.column] >= 0
    at = (pairs.need[mine], position[pairs.column[mine]])
    reached = csc_array((np.ones(int(mine.sum())), at), shape=(len(pairs.weight), len(chosen)))
    return np.split(reached.indices, reached.indptr[1:-1]) if len(chosen) else []


def _order_by_gain(problem: Formulation, chosen: Ints, pairs: _Open) -> tuple[Ints, list[tuple[float, ...]]]:
    weight, enough = pairs.weight, problem.times
    needs = _needs_of(chosen, pairs, len(problem.variables))
    times = np.bincount(pairs.need, minlength=len(weight))
    count = np.bincount(pairs.need[~np.isin(pairs.column, chosen)], minlength=len(weight))
    served, total = float(weight[count >= enough].sum()), weight.sum()

    def gain(c: int) -> float:
        return float(weight[needs[c]][count[needs[c]] == enough - 1].sum())

    begin = problem.variables.begin[chosen]
    gains = [gain(c) for c in range(len(chosen))]
    order: list[int] = []
    figures: list[tuple[float, ...]] = []
    for year in np.unique(begin):
        left = np.flatnonzero(begin == year).tolist()
        while left:
            best = _most(left, gains, gain, upper=enough == 1)
            left.remove(best)
            count[needs[best]] += 1
            served += gains[best]
            within = float(weight[needs[best]].sum())
            lost = float(weight[needs[best][times[needs[best]] == enough]].sum())
            order.append(chosen[best])
            figures.append((gains[best], served / total if total else math.nan, within, lost))
    return np.array(order, np.int64), figures


def _most(left: list[int], gains: list[float], gain: Callable[[int], float], *, upper: bool) -> int:
    """Return the site that adds most, the first of equal ones. Old gains are upper bounds: few are recomputed."""
    best, most = -1, -1.0
    for c in sorted(left, key=lambda c: (-gains[c], c)):
        if upper and (gains[c], -c) < (most, -best):
            break
        gains[c] = gain(c)
        if gains[c] > most or (gains[c] == most and c < best):
            best, most = c, gains[c]
    return best


def _order_by_places(
    problem: Formulation, answer: CapacitatedAnswer, chosen: Ints, pairs: _Open
) -> tuple[Ints, list[tuple[float, ...]]]:
    """Order within each year by the people at each site, and count people with a place there and at those before."""
    loads, flows, last = answer.allocation, answer.flows, len(problem.inputs.years) - 1
    assert loads is not None
    assert flows is not None
    assert answer.x is not None
    people = flows[flows["phase"] == last].groupby("column")["people"].sum().reindex(chosen).fillna(0.0).to_numpy()
    needs = _needs_of(chosen, pairs, len(problem.variables))
    order = np.lexsort((chosen, -people, problem.variables.begin[chosen]))
    total = pairs.weight.sum()
    served, counts = added_and_lost(loads, answer.x, loads.amounts(flows), chosen[order], last)
    figures: list[tuple[float, ...]] = []
    for c, (added, lost) in zip(order, counts, strict=True):
        served += added
        within = float(pairs.weight[needs[c]].sum())
        figures.append((added, served / total if total else math.nan, within, lost))
    return chosen[order], figures


def _ways(problem: Formulation, answer: Answer, at: Ints, pairs: _Open) -> pd.DataFrame:
    """People whose nearest open site each is (or who have a place there), and their distance."""
    if isinstance(answer, CapacitatedAnswer):
        assert answer.flows is not None
        last = answer.flows[answer.flows["phase"] == len(problem.inputs.years) - 1]
        to, amount, way = last["column"].to_numpy(np.int64), last["people"].to_numpy(), last["cost"].to_numpy()
    else:
        first = _nearest(pairs.need, pairs.column, pairs.cost)
        first = first[pairs.weight[pairs.need[first]] > 0]
        to, amount, way = pairs.column[first], pairs.weight[pairs.need[first]], pairs.cost[first]
    people, travel, farthest = (np.zeros(len(problem.variables)) for _ in range(3))
    np.add.at(people, to, amount)
    np.add.at(travel, to, amount * way)
    np.maximum.at(farthest, to, way)
    used = people[at] > 0
    mean = np.where(used, travel[at] / np.where(used, people[at], 1.0), np.nan)
    return pd.DataFrame({"people": people[at], "mean": mean, "farthest": np.where(used, farthest[at], np.nan)})
