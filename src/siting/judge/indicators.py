"""One small function for each kind of rule: value, target and what is needed to close the gap.

Formulas, with P residents, E people of 60 and over, K children under 3, W employees, ``d(i, j)`` the way from community
``i`` to facility ``j``:

- radius, time: covered when ``min_j d(i, j) <= r(i)``; share of K, E or P and of communities
- places per 1000: ``1000 * places / P``; needed ``ceil(q * P / 1000) - places``
- beds per 10,000 or 1000 elderly: the same with E
- composition: ``s = x / T``; converting needs ``ceil(s* T) - x``, adding only new ones ``ceil((s* T - x) / (1 - s*))``
- coverage of units: ``c / N``; needed ``ceil(s* N) - c``
- parks: ``floor(W / 10000)`` facilities
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from siting.data import points, to_crs
from siting.judge.context import Context, Missing, filled, least, ratio
from siting.judge.standard import Rule
from siting.measure import coverage
from siting.measure.services import people_column, walker

__all__ = ["INDICATORS", "Finding", "takes_share"]


@dataclass(frozen=True)
class Finding:
    """What one reading of a rule gives. `basis` and `reason` are keys of the table of labels with their values.

    `target` and `straight` (the value as the crow flies, to compare) are in the unit of `value`; `needed` counts
    people, communities, places, … as `basis` says.
    """

    value: float
    target: float
    unit: str
    operator: str = ">="
    needed: float = 0.0
    metric: str = ""
    straight: float = math.nan
    basis: tuple[str, dict[str, object]] = ("", {})
    reason: tuple[str, dict[str, object]] = ("", {})


Indicator = Callable[[Rule, Context], Iterator[Finding]]
INDICATORS: dict[str, Indicator] = {}


#: The operators that a kind of rule can be judged by; a rule with another reads "n/a".
COMPARES: dict[str, tuple[str, ...]] = {}


def indicator(
    *kinds: str, operators: tuple[str, ...] = (">=", ">", "=", "<=", "<")
) -> Callable[[Indicator], Indicator]:
    """Register a function for rules of these kinds, and the operators that it can judge."""

    def register(function: Indicator) -> Indicator:
        for kind in kinds:
            INDICATORS[kind], COMPARES[kind] = function, operators
        return function

    return register


def _number(rule: Rule) -> float:
    if rule.value is None:
        raise Missing("audit.no_value", rule=rule.id)
    return rule.value


def takes_share(rule: Rule) -> bool:
    """Tell whether the user may set the share that a rule asks for: it prints none."""
    return rule.share is None and (
        rule.kind in ("service_radius", "service_radius_relaxed", "service_time")
        or (rule.kind == "township_coverage" and rule.value is None)
    )


def _everyone(rule: Rule, context: Context) -> float:
    """Percentage that must be inside a radius: all, unless the rule or the user says otherwise."""
    return context.shares.get(rule.id, 100.0 if rule.share is None else rule.share)


@indicator("service_radius", "service_time", operators=("<=",))
def circle(rule: Rule, context: Context) -> Iterator[Finding]:
    """Share inside a radius or a circle, along the streets and straight, by people and by communities."""
    limit = _number(rule)
    target = _everyone(rule, context) if rule.kind == "service_radius" else context.share(rule)
    walk = walker(rule.service, context.walk)
    said: dict[str, object] = {"limit": limit}
    if rule.unit == "min":
        said |= {"who": walk.who, "speed": walk.speed}
    yield from _circle(rule, context, limit, target, f"audit.within_{rule.unit}", said)


@indicator("service_radius_relaxed", operators=("range",))
def relaxed(rule: Rule, context: Context) -> Iterator[Finding]:
    """Share inside the radius, the relaxed one where a community is marked; for both ends of the range."""
    marked = np.zeros(len(context.layer("communities")), bool)
    for name in ("siting_difficult", "low_demand"):
        marked |= context.numbers("communities", name).to_numpy(bool)
    if rule.value_max is None or rule.otherwise is None:
        raise Missing("audit.no_value", rule=rule.id)
    index = context.layer("communities").index
    for wide in (_number(rule), rule.value_max):
        limits = pd.Series(np.where(marked, wide, rule.otherwise), index=index)
        said: dict[str, object] = {
            "limit": wide,
            "otherwise": rule.otherwise,
            "marked": int(marked.sum()),
        }
        yield from _circle(rule, context, limits, _everyone(rule, context), "audit.within_relaxed", said)


def _circle(
    rule: Rule,
    context: Context,
    limit: float | pd.Series,
    target: float,
    basis: str,
    said: dict[str, object],
) -> Iterator[Finding]:
    people = context.people(rule.service)
    top = float(limit.max()) if isinstance(limit, pd.Series) else limit
    metres, minutes = (None, top) if rule.unit == "min" else (top, None)
    streets, straight = (
        coverage(context.reach(rule, metres=metres, minutes=minutes, straight=crow), people, limit=limit).iloc[0]
        for crow in (False, True)
    )
    for by, total, part in (
        (people_column(rule.service), "total", "covered"),
        ("communities", "communities", "communities_covered"),
    ):
        yield Finding(
            value=100 * ratio(streets[part], streets[total]),
            target=target,
            unit="percent",
            needed=max(0, least(target / 100 * streets[total]) - streets[part]),
            metric="streets",
            straight=100 * ratio(straight[part], straight[total]),
            basis=(basis, {**said, "of": by}),
            reason=("", {}) if streets[total] > 0 else ("audit.units", {"part": 0, "total": 0, "of": by}),
        )


@indicator("places_per_1000_residents")
def per_resident(rule: Rule, context: Context) -> Iterator[Finding]:
    """Units per 1000 residents."""
    yield _rate(rule, context, "population", 1000)


@indicator("beds_per_1000_elderly")
def per_1000_elderly(rule: Rule, context: Context) -> Iterator[Finding]:
    """Beds per 1000 people of 60 and over."""
    yield _rate(rule, context, "elderly", 1000)


@indicator("ratio_per_10000_elderly")
def per_10000_elderly(rule: Rule, context: Context) -> Iterator[Finding]:
    """Units per 10,000 people of 60 and over."""
    yield _rate(rule, context, "elderly", 10_000)


def _rate(rule: Rule, context: Context, base: str, factor: int) -> Finding:
    target = _number(rule)
    stock = float(context.stock(rule, rule.column).sum())
    people = float(context.numbers("communities", base).sum())
    return Finding(
        value=factor * ratio(stock, people),
        target=target,
        unit=rule.unit,
        operator=rule.operator,
        needed=max(0, least(target * people / factor, rule.operator) - stock),
        basis=("audit.rate", {"stock": stock, "column": rule.column, "base": base, "people": people}),
    )


@indicator("composition_share")
def composition(rule: Rule, context: Context) -> Iterator[Finding]:
    """Share of a stock that is of one sort; needed by converting, and by adding only that sort."""
    target = _number(rule) / 100
    whole = "beds" if rule.service == "eldercare" else "places"
    part, total = float(context.stock(rule, rule.column).sum()), float(context.stock(rule, whole).sum())
    convert = max(0, least(target * total, rule.operator) - part)
    add = math.nan if target >= 1 else max(0, least((target * total - part) / (1 - target), rule.operator))
    yield Finding(
        value=100 * ratio(part, total),
        target=100 * target,
        unit="percent",
        operator=rule.operator,
        needed=convert,
        basis=("audit.composition", {"part": part, "column": rule.column, "total": total, "of": whole}),
        reason=("audit.convert_or_add", {"convert": convert, "add": add}) if convert else ("", {}),
    )


@indicator("flag_share")
def flagged(rule: Rule, context: Context) -> Iterator[Finding]:
    """Share of facilities that carry a mark."""
    target = _number(rule)
    marks = context.stock(rule, rule.column).astype(bool)
    part, total = int(marks.sum()), len(marks)
    yield Finding(
        value=100 * ratio(part, total),
        target=target,
        unit="percent",
        operator=rule.operator,
        needed=max(0, least(target / 100 * total, rule.operator) - part),
        basis=("audit.units", {"part": part, "total": total, "of": rule.facility_types or rule.service}),
    )


@indicator("township_coverage")
def townships(rule: Rule, context: Context) -> Iterator[Finding]:
    """Share of townships in which a facility lies, and which have none; counties and cities are left aside."""
    districts = context.layer("districts")
    if "level" in districts:
        districts = districts[~districts["level"].isin(["county", "city"])]
    facilities = to_crs(context.of_types(rule), districts.crs)
    inside = points(facilities).sindex.query(districts.geometry, predicate="intersects")[0]
    have = np.zeros(len(districts), bool)
    have[inside] = True
    names = districts["name"] if "name" in districts else pd.Series(districts.index, districts.index)
    target = rule.value if rule.value is not None else context.share(rule)
    without = tuple(names[~have].astype(str))
    yield Finding(
        value=100 * ratio(int(have.sum()), len(districts)),
        target=target,
        unit="percent",
        operator=rule.operator,
        needed=max(0, least(target / 100 * len(districts), rule.operator) - int(have.sum())),
        basis=("audit.units", {"part": int(have.sum()), "total": len(districts), "of": "districts"}),
        reason=("audit.without", {"names": without}) if without else ("", {}),
    )


@indicator("beside_share", operators=(">=",))
def beside(rule: Rule, context: Context) -> Iterator[Finding]:
    """Share of the communities a rule is for that have a facility beside them."""
    communities = context.layer("communities")
    kind = context.column("communities", "kind")
    if rule.applies_to == "new_residential":
        target = _number(rule)
        wanted = (kind == "estate") & (context.column("communities", "build_status") == "new")
    elif rule.unit == "residents":
        target = 100.0
        wanted = (kind != "park") & (context.numbers("communities", "population") >= _number(rule))
    else:
        raise Missing("audit.no_kind", kind=f"{rule.kind}, {rule.applies_to}")
    reach = context.reach(rule, metres=context.beside)
    have = communities.index.isin(reach.pairs()["origin"])
    part, total = int((have & wanted).sum()), int(wanted.sum())
    yield Finding(
        value=100 * ratio(part, total),
        target=target,
        unit="percent",
        needed=max(0, least(target / 100 * total) - part),
        metric="streets",
        basis=("audit.beside", {"part": part, "total": total, "beside": context.beside}),
    )


@indicator("employees_per_facility", operators=("per",))
def parks(rule: Rule, context: Context) -> Iterator[Finding]:
    """Facilities that the parks owe for their employees, and have beside them."""
    kind = context.column("communities", "kind")
    employees = filled(context.column("communities", "employees")[kind == "park"], "communities")
    owed = np.floor(employees / _number(rule)).astype(int)
    owed = owed[owed > 0]
    pairs = context.reach(rule, metres=context.beside, everyone=False).pairs()
    have = pairs.groupby("origin")["destination"].nunique().reindex(owed.index, fill_value=0)
    short = (owed - have).clip(lower=0)
    yield Finding(
        value=float(np.minimum(have, owed).sum()) if len(owed) else math.nan,
        target=float(owed.sum()) if len(owed) else math.nan,
        unit="facilities",
        needed=float(short.sum()),
        metric="streets",
        basis=("audit.parks", {"parks": len(owed), "beside": context.beside}),
    )
