"""A plan in words, in Chinese and English."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd

from siting.labels import known, label, named
from siting.numbers import amount, percent
from siting.propose.model.constraints import all_may_open_first
from siting.propose.plan.alternatives import second_best
from siting.propose.plan.rule_text import bracketed, rule_words
from siting.propose.plan.solved_problem import SolvedProblem
from siting.propose.problem import MaxCoverage, MinCost, MinFarthest, MinTravel, travels

__all__ = ["explain", "listed", "summarise"]

#: Most ids in a sentence.
NAMED = 20
#: With more sites than this no replacements are listed.
BARGAINED = 60


def summarise(plan: SolvedProblem, lang: str) -> str:
    """Summarise a plan: status, coverage and proof."""
    # with a time limit that ended before there was a plan, the reason is all that there is to say
    lines = [] if plan.answer.x is None and plan.status != "infeasible" else [label(f"plan.status_{plan.status}", lang)]
    lines += _demand_words(plan, lang)
    for key, values in plan.reasons:
        lines.append(label(key, lang, **{name: _shown(name, value, lang, plan.unit) for name, value in values.items()}))
    if math.isnan(plan.objective):
        return "\n".join(lines)
    before = plan.before / plan.total if plan.total else math.nan
    numbers = {
        "n": len(set(plan.sites)), "share": percent(plan.share), "before": percent(before),
        "covered": _people(plan, plan.covered), "total": _people(plan, plan.total), "gap": percent(plan.gap),
        "bound": _people(plan, plan.bound), "objective": _people(plan, plan.objective), "what": _counted(plan, lang),
    }  # fmt: skip
    lines.append(label("plan.raises" if plan.problem.market is None else "plan.captures", lang, **numbers))
    if "year" in plan.communities.index.names:
        by_year = plan.communities.groupby(level="year")[["demand", "served"]].sum()
        by_year = by_year[by_year["demand"] > 0]
        shares = (by_year["served"] / by_year["demand"]).items()
        years = label("list.comma", lang).join(f"{year} {percent(share)}" for year, share in shares)
        lines.append(label("plan.by_year", lang, years=years))
    phases = plan.problem.inputs.phases
    if phases is not None and all_may_open_first(plan.problem.inputs, plan.problem.variables):
        lines.append(label("plan.not_held_back", lang, year=phases.years[0]))
    lines.append(label("plan.proof", lang, **numbers))
    return "\n".join(lines)


def _demand_words(plan: SolvedProblem, lang: str) -> Iterator[str]:
    """Say what is counted, where that is not the people as given."""
    inputs = plan.problem.inputs
    if inputs.unweighted:
        yield label("take_up.none", lang)
    for each in inputs.take_up:
        words, service = each.words(lang), named("service", each.service, lang)
        yield label("take_up.of_service", lang, service=service, words=words) if each.service else words


def explain(plan: SolvedProblem, lang: str) -> str:
    """Describe a plan: the gain of each site, its replacement, and communities that are not served."""
    lines = [summarise(plan, lang), *_sites(plan, lang)]
    for change in ("closes", "grows"):
        mine = plan.changes[plan.changes["change"] == change].reset_index().to_dict("records")
        if mine:
            names = listed((_place(row, lang) for row in mine), lang)
            lines.append(label(f"plan.{change}", lang, count=len(mine), names=names))
    if not math.isnan(plan.objective):
        lines += _not_served(plan, lang)
    best = percent(plan.reachable / plan.total if plan.total else math.nan)
    named = any(key == "plan.too_far" for key, _ in plan.reasons)
    for key, ids in (("plan.unreachable", plan.unreachable), ("plan.only_barred", plan.barred)):
        if ids and not named:
            lines.append(label(key, lang, count=len(ids), names=listed(ids, lang), best=best))
    return "\n".join(lines)


def _people(plan: SolvedProblem, count: float) -> str:
    """Write a number of people: expected visitors to a tenth."""
    return amount(count if plan.problem.market is None else round(count, 1))


def _weighted(plan: SolvedProblem) -> bool:
    return isinstance(plan.problem.objective, MaxCoverage) and plan.objective != plan.covered


def _counted(plan: SolvedProblem, lang: str) -> str:
    key = f"plan.what_{'weighted' if _weighted(plan) else type(plan.problem.objective).__name__}"
    return bracketed(label(key, lang, unit=label(f"unit.{plan.unit}", lang)), lang) if known(key) else ""


def _sites(plan: SolvedProblem, lang: str) -> Iterator[str]:
    objective = plan.problem.objective
    small, by_way = isinstance(objective, (MinTravel, MinFarthest, MinCost)), travels(objective)
    longer = "plan.longer" if small else "plan.falls" if _weighted(plan) else "plan.instead"
    others = second_best(plan) if 0 < len(plan.sites) <= BARGAINED else None
    for row in plan.table.reset_index().to_dict("records"):
        key = ("plan.site_near" if row["people"] else "plan.site_idle") if by_way else "plan.site"
        key = "plan.site_market" if plan.problem.market is not None else key
        line = label(
            key, lang, order=row["order"], site=_place(row, lang),
            adds=_people(plan, row["adds"]), share=percent(row["share_after"]),
            lost=_people(plan, row["lost_without"]), people=_people(plan, row["people"]),
            mean=amount(round(row["mean"], 1)), farthest=amount(round(row["farthest"], 1)),
            unit=label(f"unit.{plan.unit}", lang),
        )  # fmt: skip
        if others is not None:
            instead, loss = others.iloc[row["order"] - 1]
            if not pd.isna(instead):
                line += label(longer, lang, site=instead, loss=amount(round(loss, 1)))
        yield line


def _not_served(plan: SolvedProblem, lang: str) -> Iterator[str]:
    table = plan.communities
    if "year" in table.index.names:
        years = table.index.get_level_values("year")
        table = table[years == years.max()]
    left = table["demand"] - table["served"]
    for reason in ("closed", "full", "few"):
        people = left[(left > 1e-9) & (table["reason"] == reason)].sort_values(ascending=False, kind="stable")
        if len(people):
            names = listed((_community(key, lang) for key in people.index), lang)
            total = amount(float(people.sum()))
            yield label(f"plan.left_{reason}", lang, count=len(people), people=total, names=names)


def _place(row: dict[Any, Any], lang: str) -> str:
    keys = [str(row[name]) for name in ("service", "year", "option") if name in row and not pd.isna(row[name])]
    return f"{row['site']}{bracketed(', '.join(keys), lang)}"


def _community(key: object, lang: str) -> str:
    if not isinstance(key, tuple):
        return str(key)
    return f"{key[0]}{bracketed(', '.join(str(part) for part in key[1:] if not isinstance(part, int)), lang)}"


def listed(ids: Iterable[object], lang: str) -> str:
    """Name the first `NAMED` ids, with an ellipsis if there are more."""
    names = list(map(str, ids))
    return label("list.comma", lang).join(names[:NAMED]) + " …" * (len(names) > NAMED)


def _shown(name: str, value: object, lang: str, unit: str) -> object:
    """Write a value of a reason; rules are in words in Chinese, and in Python in English."""
    if lang == "zh" and name in ("rule", "rules", "by"):
        rules = value if isinstance(value, tuple) else (value,)
        return listed((f"“{rule_words(rule, lang, unit)}”" for rule in rules), lang)
    if isinstance(value, tuple):
        return listed(value, lang)
    return percent(value) if isinstance(value, float) else value
