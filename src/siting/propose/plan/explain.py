"""A plan in words, in Chinese and English."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pandas as pd

from siting.labels import known, label
from siting.propose.plan.rule_text import rule_words

if TYPE_CHECKING:
    from siting.propose.plan.plan import Plan

__all__ = ["explained", "summarised"]

#: How many ids a sentence names.
NAMED = 20
#: With more sites than this the words do not look for what could take the place of each.
BARGAINED = 60


def summarised(plan: Plan, lang: str) -> str:
    """Say in a few lines whether there is a plan, what it reaches, and how that is proven."""
    lines = [label(f"plan.status_{plan.status}", lang)]
    lines += [
        label(key, lang, **{k: _shown(k, v, lang, plan.unit) for k, v in values.items()})
        for key, values in plan.reasons
    ]
    if not math.isnan(plan.objective):
        numbers = {
            "n": len(set(plan.sites)), "share": _percent(plan.share),
            "before": _percent(plan.before / plan.total if plan.total else math.nan),
            "covered": _amount(plan.covered), "total": _amount(plan.total), "gap": _percent(plan.gap),
            "bound": _amount(plan.bound), "objective": _amount(plan.objective), "what": _what(plan, lang),
        }  # fmt: skip
        lines += [label("plan.raises", lang, **numbers)]
        names = plan.communities.index.names
        if "year" in names:
            by_year = plan.communities.groupby(level="year")[["demand", "served"]].sum()
            told = (f"{year} {_percent(row['served'] / row['demand'])}" for year, row in by_year.iterrows()
                    if row["demand"] > 0)  # fmt: skip
            lines.append(label("plan.by_year", lang, years=label("list.comma", lang).join(told)))
            lines += _not_held_back(plan, lang)
        lines.append(label("plan.proof", lang, **numbers))
    return "\n".join(lines)


def _not_held_back(plan: Plan, lang: str) -> Iterator[str]:
    """Say that all open in the first year where no rule holds them back from it."""
    if plan.instance is None or plan.instance.inputs.phases is None:
        return
    from siting.propose.model.constraints import all_may_open_first

    if all_may_open_first(plan.instance.inputs, plan.instance.variables):
        yield label("plan.not_held_back", lang, year=plan.instance.inputs.phases.years[0])


def explained(plan: Plan, lang: str) -> str:
    """Say in words what the plan does, what each site adds, what could take its place, and who remains outside."""
    lines = [summarised(plan, lang), *_sites(plan, lang)]
    for change in ("closes", "grows"):
        mine = plan.changes[plan.changes["change"] == change].reset_index().to_dict("records")
        if mine:
            names = _names(tuple(_place(row, lang) for row in mine), lang)
            lines.append(label(f"plan.{change}", lang, count=len(mine), names=names))
    if not math.isnan(plan.objective):
        lines += _left(plan, lang)
    if plan.unreachable and not any(key == "plan.too_far" for key, _ in plan.reasons):
        best = _percent(plan.reachable / plan.total if plan.total else math.nan)
        names = _names(plan.unreachable, lang)
        lines.append(label("plan.unreachable", lang, count=len(plan.unreachable), names=names, best=best))
    return "\n".join(lines)


def _what(plan: Plan, lang: str) -> str:
    """Say what the objective counts, in brackets; nothing where that is the people covered."""
    kind = plan.rules[0].split("(")[0] if plan.rules else ""
    if kind == "MaxCoverage" and plan.objective != plan.covered:
        kind = "weighted"
    if not known(f"plan.what_{kind}"):
        return ""
    said = label(f"plan.what_{kind}", lang, unit=label(f"unit.{plan.unit}", lang))
    return f"{label('list.open', lang)}{said}{label('list.close', lang)}"


def _sites(plan: Plan, lang: str) -> Iterator[str]:
    worse = bool(plan.rules) and plan.rules[0].startswith(("MinTravel", "MinFarthest", "MinCost"))
    by_way = bool(plan.rules) and plan.rules[0].startswith(("MinTravel", "MinFarthest", "MinCost(travel"))
    instead = plan.second_best() if 0 < len(plan.sites) <= BARGAINED and plan.answer is not None else None
    for row in plan.table.reset_index().to_dict("records"):
        key = ("plan.site_near" if row["people"] else "plan.site_idle") if by_way else "plan.site"
        line = label(
            key, lang, order=row["order"], site=_place(row, lang),
            adds=_amount(row["adds"]), share=_percent(row["share_after"]), lost=_amount(row["lost_without"]),
            people=_amount(row["people"]), mean=_amount(round(row["mean"], 1)),
            farthest=_amount(round(row["farthest"], 1)),
            unit=label(f"unit.{plan.unit}", lang),
        )  # fmt: skip
        if instead is not None:
            other = instead.iloc[row["order"] - 1]
            if not pd.isna(other["instead"]):
                loss = _amount(round(other["loss"], 1))
                summed = plan.rules[0].startswith("MaxCoverage") and plan.objective != plan.covered
                key = "plan.longer" if worse else "plan.falls" if summed else "plan.instead"
                line += label(key, lang, site=other["instead"], loss=loss)
        yield line


def _place(row: dict[Any, Any], lang: str) -> str:
    keys = [str(row[name]) for name in ("service", "year", "option") if name in row and not pd.isna(row[name])]
    return f"{row['site']}" + (
        f"{label('list.open', lang)}{', '.join(keys)}{label('list.close', lang)}" if keys else ""
    )


def _left(plan: Plan, lang: str) -> Iterator[str]:
    """Who has demand and is not served though a site is in reach, by reason."""
    table = plan.communities
    if isinstance(table.index, pd.MultiIndex) and "year" in table.index.names:
        years = table.index.get_level_values("year")
        table = table[years == years.max()]
    short = table[(table["demand"] - table["served"]) > 1e-9]
    for reason in ("closed", "full", "few"):
        mine = short[short["reason"] == reason]
        if len(mine):
            people = (mine["demand"] - mine["served"]).sort_values(ascending=False, kind="stable")
            names = _names(tuple(_community(key, lang) for key in people.index), lang)
            key = "plan.left_" + reason
            yield label(key, lang, count=len(people), people=_amount(float(people.sum())), names=names)


def _community(key: object, lang: str) -> str:
    """Write the id of a community, with its service where there are several."""
    if not isinstance(key, tuple):
        return str(key)
    more = [str(part) for part in key[1:] if not isinstance(part, int)]
    return f"{key[0]}" + (f"{label('list.open', lang)}{', '.join(more)}{label('list.close', lang)}" if more else "")


def _names(ids: tuple[object, ...], lang: str) -> str:
    return label("list.comma", lang).join(str(i) for i in ids[:NAMED]) + " …" * (len(ids) > NAMED)


def _amount(number: float) -> str:
    return "∞" if math.isinf(number) else f"{number:,.10g}"


def _percent(share: float) -> str:
    return "—" if math.isnan(share) else f"{100 * share:.1f} %"


def _shown(name: str, value: object, lang: str, unit: str) -> object:
    """Write a value of a reason; in Chinese the rules are named in words, in English as they stand in Python."""
    if lang == "zh" and name in ("rule", "rules", "by"):
        quoted = (
            f"“{rule_words(str(each), lang, unit)}”" for each in (value if isinstance(value, tuple) else (value,))
        )
        return _names(tuple(quoted), lang)
    if isinstance(value, tuple):
        return _names(value, lang)
    return _percent(value) if isinstance(value, float) else value
