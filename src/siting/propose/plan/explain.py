"""A plan in words, in Chinese and English."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from siting.labels import counted, known, label, named
from siting.numbers import alike, amount, percent
from siting.propose.model.constraints import all_may_open_first
from siting.propose.plan.alternatives import second_best
from siting.propose.plan.demand_words import demand_words
from siting.propose.plan.reason_words import NAMED, listed, reason_words
from siting.propose.plan.rule_text import bracketed, difference_words, rule_words
from siting.propose.plan.site_names import Named, SiteNames
from siting.propose.plan.solved_problem import SolvedProblem
from siting.propose.problem import Budget, Existing, MaxCoverage, MinCost, MinFarthest, MinTravel, travels

__all__ = ["explain", "how_counted", "listed", "summarise"]

#: With more sites than this no replacements are listed.
BARGAINED = 60


def summarise(plan: SolvedProblem, lang: str, names: Named = None) -> str:
    """Summarise a plan: status, coverage and proof."""
    called = SiteNames(names, lang)
    # with a time limit that ended before there was a plan, the reason is all that there is to say
    lines = [] if plan.answer.x is None and plan.status != "infeasible" else [label(f"plan.status_{plan.status}", lang)]
    lines += demand_words(plan.problem.inputs, lang)
    lines += [reason_words(reason, lang, plan.unit, called) for reason in plan.reasons]
    if math.isnan(plan.objective):
        return "\n".join(lines)
    before = plan.before / plan.total if plan.total else math.nan
    numbers = {
        "n": len(set(plan.sites)), "share": percent(plan.share), "before": percent(before),
        "covered": _people(plan, plan.covered), "total": _people(plan, plan.total), "gap": percent(plan.gap),
        "bound": _people(plan, plan.bound), "objective": _people(plan, plan.objective), "what": _counted(plan, lang),
    }  # fmt: skip
    key = "plan.captures" if plan.problem.market is not None else _placed("plan.raises", plan)
    stays = key == "plan.raises" and not len(plan.sites) and numbers["share"] == numbers["before"]
    lines.append(label("plan.stays" if stays else key, lang, **numbers))
    if "year" in plan.communities.index.names:
        by_year = plan.communities.groupby(level="year")[["demand", "served"]].sum()
        by_year = by_year[by_year["demand"] > 0]
        shares = (by_year["served"] / by_year["demand"]).items()
        years = label("list.comma", lang).join(f"{year} {percent(share)}" for year, share in shares)
        lines.append(label(_placed("plan.by_year", plan), lang, years=years))
    phases = plan.problem.inputs.phases
    if phases is not None and all_may_open_first(plan.problem.inputs, plan.problem.variables):
        lines.append(label("plan.not_held_back", lang, year=phases.years[0]))
    lines.append(label("plan.proof", lang, **numbers))
    return "\n".join(lines)


def explain(plan: SolvedProblem, lang: str, names: Named = None) -> str:
    """Describe a plan: the gain of each site, its replacement, what it costs, and communities that are not served."""
    called = SiteNames(names, lang)
    lines = [summarise(plan, lang, names), *_sites(plan, lang, called), *_spent(plan, lang)]
    inputs = plan.problem.inputs
    if plan.answer.x is not None and not inputs.all(Existing):
        columns = plan.problem.variables
        count = len(np.unique(columns.site[columns.new]))
        lines.append(counted("plan.none_existing", count, lang, count=count))
    for change in ("closes", "grows"):
        mine = plan.changes[plan.changes["change"] == change].reset_index().to_dict("records")
        if mine:
            places = listed((_place(row, lang, called) for row in mine), lang)
            lines.append(label(f"plan.{change}", lang, count=len(mine), names=places))
    if not math.isnan(plan.objective):
        lines += _not_served(plan, lang, called)
    best = percent(plan.reachable / plan.total if plan.total else math.nan)
    named = any(key.startswith(("plan.too_far", "plan.barred")) for key, _ in plan.reasons)
    for key, ids in (("plan.unreachable", plan.unreachable), ("plan.only_barred", plan.barred)):
        if ids and not named:
            key = f"{key}_market" if plan.problem.market is not None else _placed(key, plan)
            lines.append(label(key, lang, count=len(ids), names=listed(map(called.community, ids), lang), best=best))
    return "\n".join(lines)


def _people(plan: SolvedProblem, count: float) -> str:
    """Write a number of people: expected visitors to a tenth."""
    return amount(count if plan.problem.market is None else round(count, 1))


def how_counted(plan: SolvedProblem, value: float) -> str:
    """Say how a *value* of `MaxCoverage` counts: "weighted" where it is not people, "placed" people with a place."""
    return "weighted" if not alike(value, plan.covered) else "placed" if plan.problem.capacity is not None else ""


def _weighted(plan: SolvedProblem) -> bool:
    return isinstance(plan.problem.objective, MaxCoverage) and how_counted(plan, plan.objective) == "weighted"


def _placed(key: str, plan: SolvedProblem) -> str:
    """Return the key of the words for people with a place, where places are counted."""
    return key if plan.problem.capacity is None else f"{key}_placed"


def _counted(plan: SolvedProblem, lang: str) -> str:
    key = f"plan.what_{'weighted' if _weighted(plan) else type(plan.problem.objective).__name__}"
    return bracketed(label(key, lang, unit=label(f"unit.{plan.unit}", lang)), lang) if known(key) else ""


def _spent(plan: SolvedProblem, lang: str) -> Iterator[str]:
    """Say what the plan costs, and of each budget whether it could open another site."""
    if plan.answer.x is None or math.isnan(plan.cost):
        return
    problem, x = plan.problem, plan.answer.x
    budgets = [each for each in problem.constraints if isinstance(each.rule, Budget)]
    if not budgets:
        yield label("plan.cost", lang, cost=amount(plan.cost))
    columns = problem.variables
    for each in budgets:
        left = each.high - float(each.weight[x[each.columns]].sum())
        place = set(columns.place[x & columns.new].tolist())
        others = columns.new & ~x & (columns.upper > 0) & ~np.isin(columns.place, list(place))
        cheapest = float(np.nanmin(columns.cost[others])) if others.any() else math.inf
        binds = left < cheapest - 1e-9 * max(1.0, each.high) and math.isfinite(cheapest)
        key = "plan.cost_binds" if binds else "plan.cost_of"
        yield label(
            key, lang, cost=amount(plan.cost), budget=rule_words(each.rule, lang, plan.unit),
            left=amount(max(0.0, left) + 0.0), cheapest=amount(cheapest),
        )  # fmt: skip


def _sites(plan: SolvedProblem, lang: str, called: SiteNames) -> Iterator[str]:
    objective = plan.problem.objective
    small, by_way = isinstance(objective, (MinTravel, MinFarthest, MinCost)), travels(objective)
    near = "plan.site_near" if plan.problem.capacity is None else "plan.site_placed"
    longer = "plan.longer" if small else "plan.falls" if _weighted(plan) else "plan.instead"
    others = second_best(plan) if 0 < len(plan.sites) <= BARGAINED else None
    for row in plan.table.reset_index().to_dict("records"):
        key = (near if row["people"] else "plan.site_idle") if by_way else _placed("plan.site_adds", plan)
        key = "plan.site_market" if plan.problem.market is not None else key
        line = label(
            key, lang, order=row["order"], site=_place(row, lang, called),
            adds=_people(plan, row["adds"]), share=percent(row["share_after"]),
            lost=_people(plan, row["lost_without"]), people=_people(plan, row["people"]),
            mean=amount(round(row["mean"], 1)), farthest=amount(round(row["farthest"], 1)),
            unit=label(f"unit.{plan.unit}", lang),
        )  # fmt: skip
        if others is not None:
            instead, loss = others.iloc[row["order"] - 1]
            if not pd.isna(instead):
                how = how_counted(plan, plan.objective)
                less = difference_words(objective, round(float(loss), 1), lang, plan.unit, how)
                line += label(longer, lang, site=called.site(instead), loss=less)
        yield line


def _not_served(plan: SolvedProblem, lang: str, called: SiteNames) -> Iterator[str]:
    table, near = plan.communities, _nearest_candidates(plan, lang, called)
    if "year" in table.index.names:
        years = table.index.get_level_values("year")
        table = table[years == years.max()]
    shared = table[table["sites"] > 1]
    if len(shared) and plan.problem.market is None:
        names = listed((_community(key, lang, called) for key in shared.index), lang)
        yield label("plan.shared", lang, count=len(shared), names=names)
    left = table["demand"] - table["served"]
    for reason in ("closed", "competitors", "full", "few"):
        people = left[(left > 1e-9) & (table["reason"] == reason)].sort_values(ascending=False, kind="stable")
        if len(people):
            lost = people.index[: NAMED + 1]
            nearest = {key: near(key) if reason in ("closed", "competitors") else "" for key in lost}
            names = listed((_community(key, lang, called) + nearest.get(key, "") for key in people.index), lang)
            total = amount(float(people.sum()))
            yield label(f"plan.left_{reason}", lang, count=len(people), people=total, names=names)


def _nearest_candidates(plan: SolvedProblem, lang: str, called: SiteNames) -> Callable[[object], str]:
    """Return what names the nearest site that could serve a community, and its distance."""
    problem, last = plan.problem, len(plan.problem.inputs.years) - 1

    def near(key: object) -> str:
        parts = key if isinstance(key, tuple) else (key,)
        inputs = problem.inputs
        service = next((k for k, name in enumerate(inputs.services) if name and name in parts[1:]), 0)
        community, column, cost = serving[service]
        at = np.arange(
            *np.searchsorted(community, int(inputs.communities.get_indexer(pd.Index([parts[0]]))[0]) + np.arange(2))
        )
        at = at[problem.variables.upper[column[at]] > 0]
        if not len(at):
            return ""
        best = at[np.lexsort((column[at], cost[at]))[0]]
        site = called.site(inputs.sites[problem.variables.site[column[best]]])
        unit = inputs.pairs[service].unit
        way = f"{amount(round(float(cost[best]), 0 if unit == 'm' else 1))} {label(f'unit.{unit}', lang)}"
        return bracketed(label("plan.nearest", lang, site=site, way=way), lang)

    serving = [problem.serving(service, last) for service in range(len(problem.inputs.services))]
    return near


def _place(row: dict[Any, Any], lang: str, called: SiteNames) -> str:
    told = {name: row[name] for name in ("service", "year", "option") if name in row and not pd.isna(row[name])}
    keys = [named("service", each, lang) if name == "service" else str(each) for name, each in told.items()]
    return f"{called.site(row['site'])}{bracketed(label('list.comma', lang).join(keys), lang)}"


def _community(key: object, lang: str, called: SiteNames) -> str:
    if not isinstance(key, tuple):
        return called.community(key)
    more = (named("service", part, lang) for part in key[1:] if not isinstance(part, int))
    return f"{called.community(key[0])}{bracketed(label('list.comma', lang).join(more), lang)}"
