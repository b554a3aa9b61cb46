"""What a plan tells: who is served by whom, what each site adds, who remains outside and why."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csc_array

from siting.errors import ProblemError, some
from siting.numbers import Bools, Floats, Ints
from siting.propose.model.formulation import Formulation
from siting.propose.model.variables import CLOSING, LARGER, NEW, STAYING
from siting.propose.search.answer import Answer

__all__ = ["by_group", "new_sites", "tell"]

NO_DEMAND, BEYOND, BARRED = "no demand", "beyond", "barred"
CLOSED, FULL, FEW = "closed", "full", "few"


def tell(instance: Formulation, answer: Answer) -> dict[str, Any]:
    """Work out the tables of a plan."""
    inputs = instance.inputs
    x = np.zeros(len(instance.variables), bool) if answer.x is None else answer.x
    start = instance.variables.kind == STAYING
    now = start if answer.x is None else x
    flows = getattr(answer, "flows", None)
    parts = [_served(instance, now, k, t, flows) for k in range(len(inputs.services)) for t in range(len(inputs.years))]
    communities = _labelled(instance, parts)
    last = len(inputs.years) - 1
    total = float(inputs.demand[:, last].sum())
    covered = float(sum(p["served"].sum() for p in parts if p["phase"] == last))
    table = _sites(instance, answer, x) if answer.x is not None else _no_sites()
    return {
        "sites": tuple(table.index),
        "table": table,
        "assignment": communities[["site", "cost", "new"]],
        "served": communities["served"],
        "communities": communities,
        "changes": _changes(instance, x),
        "cost": _cost(instance, answer),
        "closed": tuple(inputs.sites[np.unique(instance.variables.site[x & (instance.variables.kind == CLOSING)])]),
        "total": total,
        "covered": covered,
        "share": covered / total if total else float("nan"),
        "unreachable": _unreachable(instance),
        "before": _before(instance, answer),
        "reachable": _reachable(instance),
    }


def _before(instance: Formulation, answer: Answer) -> float:
    """How many the existing sites serve; with capacities how many find a place there."""
    start = instance.variables.kind == STAYING
    last = len(instance.inputs.years) - 1
    loads = getattr(answer, "allocation", None)
    if loads is not None:
        return float(loads.most(start, last))
    services = range(len(instance.inputs.services))
    return sum(float(_served(instance, start, k, last, None)["served"].sum()) for k in services)


def new_sites(instance: Formulation, x: Bools) -> list[object]:
    """Ids of the new sites that columns open."""
    at = np.flatnonzero(x & instance.variables.new)
    return list(instance.inputs.sites[instance.variables.site[at]])


def _open_pairs(instance: Formulation, x: Bools, service: int, phase: int) -> tuple[Ints, Ints, Floats]:
    """Communities, the open columns that reach them, and at what cost."""
    block = next(b for b in instance.blocks if (b.service, b.phase, b.limit) == (service, phase, None))
    home, column, cost = instance.serving(block)
    at = x[column]
    return home[at], column[at], cost[at]


def _served(
    instance: Formulation, x: Bools, service: int, phase: int, flows: pd.DataFrame | None
) -> dict[str, Any]:  # fmt: skip
    """Who is served in a phase: people, the nearest open column (-1), its cost."""
    inputs = instance.inputs
    demand = inputs.demand[service, phase]
    home, column, cost = _open_pairs(instance, x, service, phase)
    size = len(demand)
    count = np.bincount(home, minlength=size)
    nearest, way = np.full(size, -1), np.full(size, np.nan)
    order = np.lexsort((column, cost, home))
    first = order[np.unique(home[order], return_index=True)[1]]
    reached = count >= instance.times
    nearest[home[first]], way[home[first]] = column[first], cost[first]
    nearest[~reached], way[~reached] = -1, np.nan
    served = np.where(reached, demand, 0.0)
    if flows is not None:
        mine = flows[(flows["service"] == service) & (flows["phase"] == phase)]
        served = np.bincount(mine["community"], mine["people"], minlength=size)
        travel = np.bincount(mine["community"], mine["people"] * mine["cost"], minlength=size)
        way = np.where(served > 0, travel / np.where(served > 0, served, 1.0), np.nan)
        nearest = np.full(size, -1)
        largest = mine.sort_values(["community", "people", "column"], ascending=[True, False, True]).drop_duplicates(
            "community"
        )
        nearest[largest["community"]] = largest["column"]
    reason = np.full(size, "", object)
    short = served < demand - 1e-9
    reason[demand <= 0] = NO_DEMAND
    reachable = np.zeros(size, bool)
    reachable[_reach_of(instance, service)] = True
    near = np.zeros(size, bool)
    near[inputs.pairs[service].community] = True
    reason[short & ~reachable] = np.where(near, BARRED, BEYOND)[short & ~reachable]
    reason[short & reachable & (count == 0)] = CLOSED
    reason[short & (count > 0)] = FULL if flows is not None else FEW
    return {
        "service": service, "phase": phase, "demand": demand, "served": served, "column": nearest, "cost": way,
        "reason": reason,
    }  # fmt: skip


def _reach_of(instance: Formulation, service: int) -> Ints:
    """Communities that some column could serve."""
    able = np.unique(instance.variables.site[instance.variables.serves & (instance.variables.service == service)])
    pairs = instance.inputs.pairs[service]
    return np.unique(pairs.community[np.isin(pairs.site, able)])


def _labelled(instance: Formulation, parts: list[dict[str, Any]]) -> pd.DataFrame:
    inputs, frames = instance.inputs, []
    for part in parts:
        at = inputs.pairs[part["service"]].order
        column = part["column"][at]
        somewhere = column >= 0
        site = np.full(len(at), np.nan, object)
        site[somewhere] = inputs.sites[instance.variables.site[column[somewhere]]]
        new = np.full(len(at), np.nan, object)
        new[somewhere] = instance.variables.kind[column[somewhere]] == NEW
        frame = pd.DataFrame(
            {
                "demand": part["demand"][at], "served": part["served"][at], "site": site,
                "cost": part["cost"][at], "new": new, "reason": part["reason"][at],
            },
            index=inputs.communities[at],
        )  # fmt: skip
        keys = _keys(instance, part["service"], part["phase"])
        if keys:
            frame.index = pd.MultiIndex.from_arrays(
                [frame.index, *([value] * len(frame) for value in keys.values())], names=["community", *keys]
            )
        frames.append(frame)
    table = pd.concat(frames)
    return table if isinstance(table.index, pd.MultiIndex) else table.rename_axis(None)


def _keys(instance: Formulation, service: int, phase: int) -> dict[str, object]:
    """Service and year of a row, where there are several of them."""
    keys: dict[str, object] = {}
    if instance.inputs.services != ("",):
        keys["service"] = instance.inputs.services[service]
    if instance.inputs.years != (None,):
        keys["year"] = instance.inputs.years[phase]
    return keys


def _unreachable(instance: Formulation) -> tuple[object, ...]:
    found = np.zeros(len(instance.inputs.communities), bool)
    for k in range(len(instance.inputs.services)):
        reached = np.zeros(len(found), bool)
        reached[_reach_of(instance, k)] = True
        found |= (instance.inputs.demand[k].max(axis=0) > 0) & ~reached
    return tuple(instance.inputs.communities[found])


def _cost(instance: Formulation, answer: Answer) -> float:
    cost = instance.variables.cost
    if answer.x is None or not np.isfinite(cost[instance.variables.new]).any():
        return float("nan")
    return float(np.nansum(cost[answer.x]))


def _changes(instance: Formulation, x: Bools) -> pd.DataFrame:
    """Existing sites that close or grow."""
    columns, inputs = instance.variables, instance.inputs
    at = np.flatnonzero(x & np.isin(columns.kind, (CLOSING, LARGER)))
    closes = columns.kind[at] == CLOSING
    table = pd.DataFrame({"change": np.where(closes, "closes", "grows")}, index=pd.Index([], name="site") if not len(at)
                         else pd.Index(inputs.sites[columns.site[at]], name="site"))  # fmt: skip
    if inputs.services != ("",):
        table["service"] = [inputs.services[k] for k in columns.service[at]]
    if inputs.years != (None,):
        table["year"] = [inputs.years[t] for t in np.where(closes, columns.end[at], columns.begin[at])]
    if inputs.options is not None:
        table["option"] = [inputs.options.index[o] if o >= 0 else None for o in columns.option[at]]
    table["cost"], table["places"] = columns.cost[at], columns.places[at]
    return table


def _reachable(instance: Formulation) -> float:
    last = instance.inputs.demand[:, -1]
    return float(sum(last[k][_reach_of(instance, k)].sum() for k in range(len(instance.inputs.services))))


COLUMNS = ["order", "adds", "share_after", "within", "lost_without", "people", "mean", "farthest"]


def _no_sites() -> pd.DataFrame:
    return pd.DataFrame(columns=COLUMNS, index=pd.Index([], name="site", dtype=object))


def _sites(instance: Formulation, answer: Answer, x: Bools) -> pd.DataFrame:
    """Order the new sites by what each adds, and tell what would be lost without it."""
    inputs, columns = instance.inputs, instance.variables
    chosen = np.flatnonzero(x & columns.new)
    last, several = len(inputs.years) - 1, len(inputs.services)
    size = len(inputs.communities)
    homes, opened, ways = zip(*(_open_pairs(instance, x, k, last) for k in range(several)), strict=True)
    need = np.concatenate([h + k * size for k, h in enumerate(homes)])
    column = np.concatenate(opened)
    weight = inputs.demand[:, last].ravel()
    position = np.full(len(columns), -1)
    position[chosen] = np.arange(len(chosen))
    mine = position[column] >= 0
    reached = csc_array(
        (np.ones(int(mine.sum())), (need[mine], position[column[mine]])), shape=(size * several, len(chosen))
    )
    times = np.bincount(need, minlength=size * several)
    if getattr(answer, "allocation", None) is None:
        rows = _in_order(instance, chosen, reached, np.bincount(need[~mine], minlength=size * several), times, weight)
    else:
        rows = _by_places(instance, answer, chosen, reached, weight)
    table = pd.DataFrame(rows, columns=["column", "order", "adds", "share_after", "within", "lost_without"])
    at = table.pop("column").to_numpy(np.int64)
    table = table.join(_ways(instance, answer, at, need, column, np.concatenate(ways), weight))
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


def _in_order(
    instance: Formulation, chosen: Ints, reached: csc_array, before: Ints, times: Ints, weight: Floats
) -> list[tuple[float, ...]]:
    """Greedy order within each year; *before* counts the open sites that are not new."""
    enough = instance.times
    count = before.astype(np.int64).copy()
    total = weight.sum()
    served = float(weight[count >= enough].sum())
    rows: list[tuple[float, ...]] = []
    members = [reached.indices[reached.indptr[c] : reached.indptr[c + 1]] for c in range(len(chosen))]
    left = list(range(len(chosen)))
    gains = {c: float(weight[members[c]][count[members[c]] == enough - 1].sum()) for c in left}
    stale = enough > 1
    while left:
        first = min(instance.variables.begin[chosen[c]] for c in left)
        among = [c for c in left if instance.variables.begin[chosen[c]] == first]
        best = _next(among, gains, members, count, weight, enough, stale)
        left.remove(best)
        adds = gains[best]
        count[members[best]] += 1
        served += adds
        alone = members[best][times[members[best]] == enough]
        within = float(weight[members[best]].sum())
        share = served / total if total else float("nan")
        rows.append((chosen[best], len(rows) + 1, adds, share, within, float(weight[alone].sum())))
    return rows


def _by_places(
    instance: Formulation, answer: Answer, chosen: Ints, reached: csc_array, weight: Floats
) -> list[tuple[float, ...]]:
    """Order within each year by the people at each site, and count places: who finds one with the sites before it."""
    loads, last = answer.allocation, len(instance.inputs.years) - 1  # type: ignore[attr-defined]
    flows = answer.flows  # type: ignore[attr-defined]
    here = flows[flows["phase"] == last].groupby("column")["people"].sum().reindex(chosen).fillna(0.0).to_numpy()
    now = answer.x.copy()  # type: ignore[union-attr]
    all_, total = loads.most(now, last), weight.sum()
    now[chosen] = False
    served = loads.most(now, last)
    rows: list[tuple[float, ...]] = []
    for c in np.lexsort((chosen, -here, instance.variables.begin[chosen])):
        now[chosen[c]] = True
        then = loads.most(now, last)
        fewer = answer.x.copy()  # type: ignore[union-attr]
        fewer[chosen[c]] = False
        within = float(weight[reached.indices[reached.indptr[c] : reached.indptr[c + 1]]].sum())
        lost = all_ - loads.most(fewer, last)
        share = then / total if total else float("nan")
        rows.append((chosen[c], len(rows) + 1, then - served, share, within, lost))
        served = then
    return rows


def _next(
    among: list[int], gains: dict[int, float], members: list[npt.NDArray[Any]], count: Ints, weight: Floats,
    enough: int, stale: bool,
) -> int:  # fmt: skip
    """Return the one that adds most, the first of equals; old gains are upper bounds, unless *stale*."""
    best, most = -1, -1.0
    for c in sorted(among, key=lambda c: (-gains[c], c)):
        if not stale and gains[c] < most:
            break
        gains[c] = float(weight[members[c]][count[members[c]] == enough - 1].sum())
        if gains[c] > most or (gains[c] == most and c < best):
            best, most = c, gains[c]
    return best


def _ways(
    instance: Formulation, answer: Answer, at: Ints, need: Ints, column: Ints, cost: Floats, weight: Floats
) -> pd.DataFrame:
    """People whose nearest open site each is (or who have a place there), and their way."""
    people, travel, farthest = (np.zeros(len(instance.variables)) for _ in range(3))
    flows = getattr(answer, "flows", None)
    if flows is not None:
        mine = flows[flows["phase"] == len(instance.inputs.years) - 1]
        to, amount, way = mine["column"].to_numpy(np.int64), mine["people"].to_numpy(), mine["cost"].to_numpy()
    else:
        order = np.lexsort((column, cost, need))
        first = order[np.unique(need[order], return_index=True)[1]]
        first = first[weight[need[first]] > 0]
        to, amount, way = column[first], weight[need[first]], cost[first]
    np.add.at(people, to, amount)
    np.add.at(travel, to, amount * way)
    np.maximum.at(farthest, to, way)
    some_ = people[at] > 0
    mean = np.where(some_, travel[at] / np.where(some_, people[at], 1.0), np.nan)
    return pd.DataFrame({"people": people[at], "mean": mean, "farthest": np.where(some_, farthest[at], np.nan)})


def by_group(communities: pd.DataFrame, groups: pd.Series) -> pd.DataFrame:
    """Add up demand and served in each group.

    Raises
    ------
    ProblemError
        When a community has no group.
    """
    if not isinstance(groups, pd.Series):
        raise ProblemError(f"groups is {groups!r}; give a Series with a group for each community id")
    keyed = isinstance(communities.index, pd.MultiIndex)
    ids = communities.index.get_level_values(0) if keyed else communities.index
    wrong = ids.difference(groups.dropna().index).union(groups.index[groups.index.duplicated()])
    if len(wrong):
        raise ProblemError(f"groups: no single group for the communities {some(wrong)}")
    keys: list[Any] = [pd.Series(groups.reindex(ids).to_numpy(), index=communities.index, name=groups.name or "group")]
    keys += [communities.index.get_level_values(n) for n in range(1, communities.index.nlevels)] if keyed else []
    table = communities.groupby(keys, sort=True)[["demand", "served"]].sum()
    table["share"] = np.where(table["demand"] > 0, table["served"] / table["demand"].where(table["demand"] > 0), np.nan)
    return table
