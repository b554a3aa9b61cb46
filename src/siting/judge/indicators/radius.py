"""Radii and circles: who has a facility within so many metres or minutes.

With ``d(i, j)`` the way from community ``i`` to facility ``j`` and ``r(i)`` its radius, ``i`` is covered when
``min_j d(i, j) <= r(i)``; the share is the sum of ``w(i)`` over the covered ``i`` divided by that over all, with ``w``
the people the service is for or those of `base`, and with ``w = 1`` for communities.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from siting.judge.indicators.comparison import least, ratio
from siting.judge.indicators.finding import ROWS, WAY, Finding, indicator, number
from siting.judge.layers.columns import Missing, matches
from siting.judge.layers.context import Context
from siting.judge.layers.rollup import Rolled, by_units, stand_ins
from siting.judge.layers.walkers import walker_of
from siting.judge.standards.applies_to import wanted
from siting.judge.standards.conditions import columns_of
from siting.judge.standards.rule import Rule
from siting.judge.standards.travel_modes import RIDDEN
from siting.judge.wording.sentences import Message, limits_of
from siting.measure.services import people_column

__all__ = ["circle", "everyone", "radius", "readings", "travelled"]


def everyone(rule: Rule, context: Context) -> float:
    """Percentage that must be inside a radius: all, unless the rule or the user says otherwise."""
    return 100 * context.shares.get(rule.id, 1.0 if rule.share is None else rule.share)


@indicator(
    "service_time",
    operators=("<=", "range", "~"),
    keys=(*ROWS, *WAY, "any", "among", "base", "share", "judged_by"),
    units=("min",),
)
def circle(rule: Rule, context: Context) -> Iterator[Finding]:
    """Share inside a circle in minutes, along the streets and straight, by people and by communities."""
    limits = [number(rule)] if rule.value_max is None else [number(rule), rule.value_max]
    judged = rule.role in ("standard", "target")
    for limit in limits:
        basis, said = travelled(rule, context, limit)
        target = 100 * (context.share(rule) if judged else context.shares.get(rule.id, np.nan))
        yield from _inside(rule, context, limit, target, basis, said)


@indicator(
    "service_radius",
    operators=("<=", "range"),
    keys=(*ROWS, "metric", "any", "among", "base", "share", "otherwise", "judged_by"),
    units=("m",),
    idle=lambda rule: () if rule.operator == "range" else ("otherwise",),
)
def radius(rule: Rule, context: Context) -> Iterator[Finding]:
    """Share within a radius; of a relaxed one both ends are computed, and it holds only where a community is marked."""
    if rule.operator != "range":
        said: dict[str, object] = {"limit": number(rule)}
        yield from _inside(rule, context, number(rule), everyone(rule, context), "audit.within_m", said)
        return
    communities = context.layer("communities")
    marked = np.zeros(len(communities), bool)
    for name in ("siting_difficult", "low_demand"):
        marked |= context.flags("communities", name).to_numpy(bool)
    if rule.value_max is None or rule.otherwise is None:
        raise Missing("audit.no_value", rule=rule.id)
    for wide in (number(rule), rule.value_max):
        limits = pd.Series(np.where(marked, wide, rule.otherwise), communities.index)
        said = {"limit": wide, "otherwise": rule.otherwise, "marked": int(marked.sum())}
        yield from _inside(rule, context, limits, everyone(rule, context), "audit.within_relaxed", said)


def travelled(rule: Rule, context: Context, limit: float) -> tuple[str, dict[str, object]]:
    """Say how the minutes of a limit are travelled: a key of the table of labels, and its values."""
    if rule.mode in RIDDEN:
        return "audit.within_ride", {"limit": limit, "mode": rule.mode, "speed": rule.speed}
    walk = walker_of(rule, context.walk)
    return "audit.within_min", {"limit": limit, "who": walk.who, "speed": walk.speed}


def _inside(rule: Rule, context: Context, limit: float | pd.Series, target: float, basis: str,
            said: dict[str, object]) -> Iterator[Finding]:  # fmt: skip
    """Judge the people inside, and one by one those whom the rule speaks of: a unit is inside when all its rows are."""
    base = rule.base or people_column(rule.service)
    people, ruled = context.heads(base).rename(base), context.ruled(rule)
    near, straight = (
        context.served(rule, limit, minutes=rule.unit == "min", straight=crow) & ruled for crow in (None, True)
    )
    own = limits_of(rule)
    for by, weight, (inside, crow), remarks in readings(rule, context, people, (near, straight)):
        total, part = float(weight.sum()), float(weight[inside].sum())
        told = {**said, "of": by}
        yield Finding(
            value=100 * ratio(part, total),
            target=target,
            unit="percent",
            needed=np.nan if np.isnan(target) else max(0, least(target / 100 * total) - part),
            needs="persons" if by == base else by,
            metric=rule.metric or "streets",
            straight=100 * ratio(float(weight[crow].sum()), total),
            basis=("audit.own_limits", {**told, "way": (basis, told), "which": own}) if own else (basis, told),
            units=inside,
            reason=("", {}) if total > 0 else ("audit.units", {"part": 0, "total": 0, "of": by}),
            remarks=remarks,
        )


#: Who is counted, what each weighs, which of them have each of several marks, and what is to be said beside.
Reading = tuple[str, pd.Series, tuple[pd.Series, ...], tuple[Message, ...]]


def readings(rule: Rule, context: Context, people: pd.Series, marks: tuple[pd.Series, ...]) -> Iterator[Reading]:
    """Read marks of the communities by people, and by the units that are judged one by one."""
    ruled = context.ruled(rule)
    yield str(people.name), people[ruled], tuple(mark[ruled] for mark in marks), _parks(rule, context, people)
    groups = by_units(rule, context, always=True)
    one_by_one = [mark.where(ruled, True) for mark in marks]  # who is not ruled keeps no unit outside
    units = ruled
    if isinstance(groups, Rolled):
        units = ruled.groupby(groups.unit_of, observed=True).any()
        one_by_one = [mark.groupby(groups.unit_of, observed=True).all() for mark in one_by_one]
    weight = pd.Series(1, units.index[units])
    yield groups.needs(rule), weight, tuple(mark[units] for mark in one_by_one), _wholly(rule, groups)


def _parks(rule: Rule, context: Context, people: pd.Series) -> tuple[Message, ...]:
    """Say how many people live in parks, where a rule is for everybody else: other counts of people have them."""
    homes = context.layer("communities")
    if "kind" not in homes or "kind" in columns_of(wanted(rule)):
        return ()
    left = people[matches(homes, "communities", {"kind": "park"}) & (people > 0)]
    return (
        (("audit.in_parks", {"parks": len(left), "people": float(left.sum()), "base": people.name}),)
        if len(left)
        else ()
    )


def _wholly(rule: Rule, context: Context) -> tuple[Message, ...]:
    """Say how units are judged: they are inside when all their estates are."""
    whole: tuple[Message, ...] = (
        () if context.needs(rule) == "communities" else (("audit.wholly", {"ruled": context.called(rule)}),)
    )
    return (*whole, *stand_ins(rule, context))
