"""Living circles: communities that have every facility of a list near them, and how many circles a population makes.

With facilities ``k`` of a list, each with its limit ``r(k)``, community ``i`` has the whole circle when
``min_j d(i, j) <= r(k)`` for every ``k``, with ``j`` over the facilities of sort ``k``. ``P`` residents in circles of
``a`` to ``b`` make ``ceil(P / b)`` to ``floor(P / a)`` of them, and each has a facility of every sort.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from siting.judge.indicators.comparison import least, ratio
from siting.judge.indicators.finding import ROWS, WAY, Finding, indicator, number, without
from siting.judge.indicators.radius import everyone, readings, travelled
from siting.judge.layers.alternatives import countable
from siting.judge.layers.context import Context
from siting.judge.layers.rollup import by_units
from siting.judge.standards.rule import Rule
from siting.judge.wording.sentences import NO_MESSAGE, Message, name_of, with_words
from siting.measure.services import people_column

__all__ = ["complete", "level"]

Marks = list[tuple[Rule, pd.Series]]


@indicator(
    "living_circle",
    operators=("<=",),
    keys=(*ROWS, *WAY, "each", "any", "residents", "among", "base", "share", "judged_by"),
    units=("m", "min"),
)
def level(rule: Rule, context: Context) -> Iterator[Finding]:
    """Judge one level of living circles: who has all its facilities in the limit, and whether there are enough."""
    limit, minutes = number(rule), rule.unit == "min"
    way: Message = travelled(rule, context, limit) if minutes else ("audit.within_m", {"limit": limit})
    marks = [(one, context.served(one, limit, minutes=minutes)) for one in _asked(rule)]
    straight = context.served(rule, limit, minutes=minutes, straight=True)
    yield from _whole(rule, context, marks, straight, everyone(rule, context), ">=", way)
    if rule.residents:
        yield _enough(rule, context)


@indicator(
    "complete_circle",
    operators=(">=", ">", ""),
    keys=(*WAY, "each", "among", "base", "share", "judged_by"),
    units=("percent", ""),
    idle=lambda rule: () if rule.value is None else ("share",),
)
def complete(rule: Rule, context: Context) -> Iterator[Finding]:
    """Judge circles in which each facility has a limit of its own."""
    marks = [(one, context.served(one)) for one in _asked(rule)]
    straight = context.served(rule, straight=True)
    target = everyone(rule, context) if rule.value is None else rule.value
    yield from _whole(rule, context, marks, straight, target, rule.operator or ">=", ("audit.within_own", {}))


def _asked(rule: Rule) -> tuple[Rule, ...]:
    """Return the facilities that a circle asks for; those of the rule itself where there is no list."""
    return rule.parts("each") or (rule,)


def _whole(rule: Rule, context: Context, marks: Marks, straight: pd.Series, target: float, operator: str,
           way: Message) -> Iterator[Finding]:  # fmt: skip
    """Yield the share of people, and of communities, that have all facilities near; beside it that of each facility."""
    base = rule.base or people_column(rule.service)
    people, each = context.heads(base).rename(base), [mark for _, mark in marks]
    near = pd.Series(np.logical_and.reduce(each), people.index)
    for by, weight, (inside, crow, *parts), remarks in readings(rule, context, people, (near, straight, *each)):
        total, part = float(weight.sum()), float(weight[inside].sum())
        shares = tuple(
            with_words(name_of(one, rule), f" {100 * ratio(float(weight[mark].sum()), total):.4g} %")
            for (one, _), mark in zip(marks, parts, strict=True)
        )
        units = by_units(rule, context, always=True).layer("communities").loc[inside.index] if by != base else None
        yield Finding(
            value=100 * ratio(part, total),
            target=target,
            unit="percent",
            operator=operator,
            needed=math.nan if math.isnan(target) else max(0, least(target / 100 * total, operator) - part),
            needs="persons" if by == base else by,
            metric=rule.metric or "streets",
            straight=100 * ratio(float(weight[crow].sum()), total),
            basis=("audit.circle", {"way": (way[0], {**way[1], "of": by}), "which": shares}),
            reason=NO_MESSAGE if units is None else without(units, ~inside.to_numpy(bool), "audit.lack"),
            units=inside,
            remarks=remarks,
        )


def _enough(rule: Rule, context: Context) -> Finding:
    """Judge whether every sort of facility stands there once for each circle that the population makes."""
    fewest, most = rule.residents
    residents = float(context.heads("population")[context.ruled(rule)].sum())
    circles = math.ceil(residents / most - 1e-9)
    if residents < fewest:
        reason: Message = ("audit.below_band", {"people": residents, "least": fewest})
        return Finding(math.nan, math.nan, "facilities", needed=math.nan, reason=reason)
    there = [(name_of(one, rule), _count(one, context)) for one in _asked(rule)]
    fitting = math.floor(residents / fewest + 1e-9)
    said = {
        "people": residents, "least": fewest, "most": most, "circles": circles, "circles_most": fitting,
        "which": tuple({"zh": f"{name['zh']} {count:,} 处", "en": f"{name['en']} {count:,}"} for name, count in there),
    }  # fmt: skip
    return Finding(
        value=float(min(count for _, count in there)),
        target=float(circles),
        unit="facilities",
        needed=float(sum(max(0, circles - count) for _, count in there)),
        needs="facilities",
        basis=("audit.circles" if fitting >= circles else "audit.circles_between", said),
    )


def _count(part: Rule, context: Context) -> int:
    """Count the facilities that stand for a part, those of all its alternatives together."""
    if part.any:
        return sum(_count(one, context) for one in countable(part, context.stock)[0])
    return len(context.stock(part))
