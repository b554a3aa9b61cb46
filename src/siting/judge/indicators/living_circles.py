"""Living circles: communities with every facility of a list nearby, and the number of circles of a population.

With facilities ``k`` of a list, each with its limit ``r(k)``, community ``i`` has the whole circle when
``min_j d(i, j) <= r(k)`` for every ``k``, with ``j`` over the facilities of sort ``k``. ``P`` residents in circles of
``a`` to ``b`` make ``ceil(P / b)`` to ``floor(P / a)`` of them, and each has a facility of every sort.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from siting.judge.indicators.comparison import ratio
from siting.judge.indicators.finding import Finding, indicator, number, without
from siting.judge.indicators.radius import inside, readings, share_of_everyone
from siting.judge.layers.alternatives import countable
from siting.judge.layers.context import Context
from siting.judge.layers.judged_units import by_units
from siting.judge.layers.walkers import minutes_message
from siting.judge.standards.rule import Rule
from siting.judge.wording.sentences import NO_SENTENCE, Sentence, name_of

__all__ = ["complete", "level"]


@indicator("living_circle")
def level(rule: Rule, context: Context) -> Iterator[Finding]:
    """Judge one level of living circles: who has all facilities within the limit, and whether there are enough."""
    limit, minutes = number(rule), rule.unit == "min"
    way: Sentence = minutes_message(rule, context.walk, limit) if minutes else ("audit.within_m", {"limit": limit})
    marks = [context.served(one, limit, minutes=minutes) for one in _facilities(rule)]
    straight = context.served(rule, limit, minutes=minutes, straight=True)
    yield from _whole(rule, context, marks, straight, share_of_everyone(rule, context), way)
    if rule.residents:
        yield _enough(rule, context)


@indicator("complete_circle")
def complete(rule: Rule, context: Context) -> Iterator[Finding]:
    """Judge circles in which each facility has its own limit."""
    marks = [context.served(one) for one in _facilities(rule)]
    straight = context.served(rule, straight=True)
    target = share_of_everyone(rule, context) if rule.value is None else rule.value
    yield from _whole(rule, context, marks, straight, target, ("audit.within_own", {}), rule.operator or ">=")


def _facilities(rule: Rule) -> tuple[Rule, ...]:
    """Return the facilities of a circle; those of the rule itself where there is no list."""
    return rule.parts("each") or (rule,)


def _whole(rule: Rule, context: Context, marks: list[pd.Series], straight: pd.Series, target: float, way: Sentence,
           operator: str = ">=") -> Iterator[Finding]:  # fmt: skip
    """Judge the share of people, and of communities, with all facilities near; also give that of each facility."""
    near = pd.Series(np.logical_and.reduce(marks), straight.index)
    for place, one in enumerate(readings(rule, context, [near, straight, *marks])):
        shares = []
        for facility, mark in zip(_facilities(rule), one.marks[2:], strict=True):
            percent = f"{100 * ratio(one.part(mark), one.total):.4g} %"
            shares.append({lang: f"{name} {percent}" for lang, name in name_of(facility, rule).items()})
        reason = NO_SENTENCE
        if place:  # units can be named, people cannot
            frame = by_units(rule, context, always=True).layer("communities").loc[one.marks[0].index]
            reason = without(frame, ~one.marks[0].to_numpy(bool), "audit.lack")
        basis = ("audit.circle", {"way": (way[0], {**way[1], "of": one.of}), "which": tuple(shares)})
        yield inside(rule, one, target, basis=basis, reason=reason, operator=operator)


def _enough(rule: Rule, context: Context) -> Finding:
    """Judge whether there is a facility of every sort for each circle of the population."""
    fewest, most = rule.residents
    residents = float(context.heads("population")[context.ruled(rule)].sum())
    if residents < fewest:
        reason: Sentence = ("audit.below_band", {"people": residents, "least": fewest})
        return Finding(math.nan, math.nan, "facilities", needed=math.nan, reason=reason)
    circles, fitting = math.ceil(residents / most - 1e-9), math.floor(residents / fewest + 1e-9)
    there = [(name_of(one, rule), _count(one, context)) for one in _facilities(rule)]
    values = {
        "people": residents, "least": fewest, "most": most, "circles": circles, "circles_most": fitting,
        "which": tuple({"zh": f"{name['zh']} {count:,} 处", "en": f"{name['en']} {count:,}"} for name, count in there),
    }  # fmt: skip
    return Finding(
        value=float(min(count for _, count in there)),
        target=float(circles),
        unit="facilities",
        needed=float(sum(max(0, circles - count) for _, count in there)),
        needs="facilities",
        basis=("audit.circles" if fitting >= circles else "audit.circles_between", values),
    )


def _count(part: Rule, context: Context) -> int:
    """Count the facilities of a part, with all its alternatives."""
    parts = countable(part, context.stock)[0]
    return sum(_count(one, context) for one in parts) if part.any else len(context.stock(part))
