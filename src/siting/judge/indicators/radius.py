"""Radii and circles: people with a facility within some metres or minutes.

With ``d(i, j)`` the distance from community ``i`` to facility ``j`` and ``r(i)`` its radius, ``i`` is covered when
``min_j d(i, j) <= r(i)``; the share is the sum of ``w(i)`` over the covered ``i`` divided by that over all, with ``w``
the people the service is for or those of `base`, and with ``w = 1`` for communities.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from siting.judge.indicators.comparison import least, ratio
from siting.judge.indicators.finding import Finding, indicator, number
from siting.judge.layers.context import Context
from siting.judge.layers.judged_units import Rolled, by_units, stand_ins
from siting.judge.layers.rule_columns import Missing, flags, matches
from siting.judge.layers.walkers import minutes_message
from siting.judge.standards.applies_to import wanted
from siting.judge.standards.conditions import columns_of
from siting.judge.standards.keys import JUDGED
from siting.judge.standards.rule import Rule
from siting.judge.wording.sentences import Sentence, limits_of
from siting.measure.services import people_column

__all__ = ["Reading", "inside", "readings", "share_of_everyone"]


def share_of_everyone(rule: Rule, context: Context) -> float:
    """Percentage that must be inside a radius: all, unless the rule or the user gives another."""
    return 100 * context.shares.get(rule.id, 1.0 if rule.share is None else rule.share)


@indicator("service_time")
def circle(rule: Rule, context: Context) -> Iterator[Finding]:
    """Share inside a circle in minutes, along the streets and straight, by people and by communities."""
    limits = [number(rule)] if rule.value_max is None else [number(rule), rule.value_max]
    for limit in limits:
        message = minutes_message(rule, context.walk, limit)
        target = 100 * (context.share(rule) if rule.role in JUDGED else context.shares.get(rule.id, np.nan))
        yield from _inside(rule, context, limit, target, message)


@indicator("service_radius")
def radius(rule: Rule, context: Context) -> Iterator[Finding]:
    """Share within a radius; for a relaxed one both ends are computed, and it applies to marked communities only."""
    target = share_of_everyone(rule, context)
    if rule.operator != "range":
        yield from _inside(rule, context, number(rule), target, ("audit.within_m", {"limit": number(rule)}))
        return
    communities = context.layer("communities")
    marked = np.zeros(len(communities), bool)
    for name in ("siting_difficult", "low_demand"):
        marked |= flags(context.column("communities", name), "communities").to_numpy(bool)
    if rule.value_max is None or rule.otherwise is None:
        raise Missing("audit.no_value", rule=rule.id)
    for wide in (number(rule), rule.value_max):
        limits = pd.Series(np.where(marked, wide, rule.otherwise), communities.index)
        values = {"limit": wide, "otherwise": rule.otherwise, "marked": int(marked.sum())}
        yield from _inside(rule, context, limits, target, ("audit.within_relaxed", values))


def _inside(rule: Rule, context: Context, limit: float | pd.Series, target: float, way: Sentence) -> Iterator[Finding]:
    """Judge the people inside, and the units of the rule: a unit is inside when all its rows are."""
    marks = [context.served(rule, limit, minutes=rule.unit == "min", straight=crow) for crow in (None, True)]
    own = limits_of(rule)
    for one in readings(rule, context, [mark & context.ruled(rule) for mark in marks]):
        basis: Sentence = (way[0], {**way[1], "of": one.of})
        if own:
            basis = ("audit.own_limits", {**basis[1], "way": basis, "which": own})
        nobody: Sentence = ("audit.units", {"part": 0, "total": 0, "of": one.of})
        yield inside(rule, one, target, basis=basis, reason=nobody if one.total == 0 else ("", {}))


class Reading(NamedTuple):
    """Marks of the communities, by people or by the units that are judged one by one."""

    of: str
    needs: str
    weight: pd.Series
    marks: tuple[pd.Series, ...]
    remarks: tuple[Sentence, ...]

    @property
    def total(self) -> float:
        """The weight of all."""
        return float(self.weight.sum())

    def part(self, mark: pd.Series) -> float:
        """Return the weight of those that are marked."""
        return float(self.weight[mark].sum())


def inside(rule: Rule, reading: Reading, target: float, *, basis: Sentence, reason: Sentence,
           operator: str = ">=") -> Finding:  # fmt: skip
    """Judge the share of the first mark; the second is that along straight lines."""
    near, straight, *_ = reading.marks
    total, part = reading.total, reading.part(near)
    return Finding(
        value=100 * ratio(part, total),
        target=target,
        unit="percent",
        operator=operator,
        needed=np.nan if np.isnan(target) else max(0, least(target / 100 * total, operator) - part),
        needs=reading.needs,
        metric=rule.metric or "streets",
        straight=100 * ratio(reading.part(straight), total),
        basis=basis,
        units=near,
        reason=reason,
        remarks=reading.remarks,
    )


def readings(rule: Rule, context: Context, marks: list[pd.Series]) -> Iterator[Reading]:
    """Read marks of the communities by people, and by the units that are judged one by one."""
    base = rule.base or people_column(rule.service)
    people, ruled = context.heads(base), context.ruled(rule)
    yield Reading(base, "persons", people[ruled], tuple(mark[ruled] for mark in marks), _parks(rule, context, people))
    groups = by_units(rule, context, always=True)
    one_by_one = [mark.where(ruled, True) for mark in marks]  # rows outside the rule do not count against a unit
    units = ruled
    if isinstance(groups, Rolled):
        units = ruled.groupby(groups.unit_of, observed=True).any()
        one_by_one = [mark.groupby(groups.unit_of, observed=True).all() for mark in one_by_one]
    weight, needs = pd.Series(1, units.index[units]), groups.needs(rule)
    wholly: Sentence = ("audit.wholly", {"ruled": groups.called(rule)})  # units are inside when all their estates are
    remarks = (*(() if needs == "communities" else (wholly,)), *stand_ins(rule, groups))
    yield Reading(needs, needs, weight, tuple(mark[units] for mark in one_by_one), remarks)


def _parks(rule: Rule, context: Context, people: pd.Series) -> tuple[Sentence, ...]:
    """Write how many people live in parks, where a rule is for everybody else."""
    homes = context.layer("communities")
    if "kind" not in homes or "kind" in columns_of(wanted(rule)):
        return ()
    left = people[matches(homes, "communities", {"kind": "park"}) & (people > 0)]
    values = {"parks": len(left), "people": float(left.sum()), "base": rule.base or people_column(rule.service)}
    return (("audit.in_parks", values),) if len(left) else ()
