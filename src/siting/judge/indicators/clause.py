"""The verdict on a clause with its parts, and rules that are shown without a verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from siting.judge.indicators.comparison import lacking
from siting.judge.indicators.finding import INDICATORS, Finding, shown
from siting.judge.layers.alternatives import not_counted
from siting.judge.layers.context import Context
from siting.judge.layers.document_share import sized
from siting.judge.layers.judged_units import by_units, stand_ins
from siting.judge.layers.rule_columns import Missing
from siting.judge.standards.conditions import columns_of
from siting.judge.standards.keys import JUDGED
from siting.judge.standards.kinds import KINDS
from siting.judge.standards.rule import Rule
from siting.judge.standards.units_of_measure import DIGITS, UNITS
from siting.judge.wording.printed_numbers import printed_number
from siting.judge.wording.sentences import NO_SENTENCE, Sentence, unique

__all__ = ["findings", "status_of"]


def findings(rule: Rule, context: Context) -> list[Finding]:
    """Judge a rule in an area: each of its readings, or one finding for all parts of a clause that has several."""
    parts = [(part, _of_part(part, context)) for part in rule.clause_parts]
    found = parts[0][1] if len(parts) == 1 else [_together([(part, one) for part, each in parts for one in each])]
    return [_limited(rule, one) if one.judged or one.status == "part" else one for one in found]


def _limited(rule: Rule, finding: Finding) -> Finding:
    """Do not judge permissions; judge in part where a clause requires more than layers show."""
    if rule.permits and rule.role in JUDGED:
        return replace(finding, status="shown", needed=math.nan, reason=("audit.permission", {"modal": rule.modal}))
    if rule.unseen and finding.holds:
        rest = {"zh": rule.unseen_zh or rule.unseen, "en": rule.unseen}
        unseen: Sentence = ("audit.unseen", {"rest": (rest,)})
        reason: Sentence = ("audit.joined", {"parts": (finding.reason, unseen)}) if finding.status else unseen
        return replace(finding, status="part", reason=reason)
    return finding


def status_of(rule: Rule, finding: Finding, year: int | None) -> str:
    """Return the verdict on a finding. If the divisor is 0, the rule does not apply here."""
    if finding.status:
        return finding.status
    if math.isnan(finding.value):
        return "not_applicable"
    if math.isnan(finding.target):
        return "shown"
    if finding.holds:
        return "met"
    return "ahead" if year is not None and rule.year is not None and rule.year > year else "short"


def _of_part(rule: Rule, context: Context) -> list[Finding]:
    """Compute a rule, or report what is missing for it."""
    try:
        compute = INDICATORS.get(rule.kind)
        if compute is None:
            raise Missing("audit.no_kind", kind=rule.kind)
        if rule.role in JUDGED and rule.operator not in KINDS[rule.kind].operators and rule.value is not None:
            raise Missing("audit.no_operator", operator=rule.operator)
        units = by_units(rule, context)
        found = list(compute(rule, units))
        beside = (*stand_ins(rule, units), *not_counted(rule, units.stock))
    except Missing as absent:
        return [Finding(math.nan, math.nan if rule.value is None else rule.value, rule.unit, rule.operator,
                        math.nan, reason=absent.message, status=absent.status)]  # fmt: skip
    found = [_ranged(rule, replace(one, remarks=(*one.remarks, *beside))) for one in found]
    if context.area != "all" and (sized(rule) or _larger(rule, context)):
        seen = [shown(one.value, one.unit, one.basis, metric=one.metric) for one in found]
        return [replace(one, reason=("audit.whole_only", {})) for one in seen]
    if rule.id in context.own or not sized(rule):
        return found
    return [_scaled(rule, one, context.share_of_whole) for one in found]


def _ranged(rule: Rule, finding: Finding) -> Finding:
    """Add the upper end of a printed range, also where more is allowed."""
    same = finding.operator == "range" or (finding.operator == ">=" and finding.unit == rule.unit)
    if rule.operator != "range" or rule.value_max is None or not same:
        return finding
    return replace(finding, most=rule.value_max)


def _scaled(rule: Rule, finding: Finding, share: float | None) -> Finding:
    """Scale a number of the whole area to a part by its share; without a share only show it."""
    if share == 1 or not finding.judged:
        return finding
    if share is None:
        return replace(finding, status="shown", needed=math.nan, reason=("audit.scope_only", {}))
    factor = UNITS[rule.unit].factor
    target = finding.target * share
    scaled: Sentence = ("audit.scaled", {"all": finding.target, "share": share * 100})
    needed = round(lacking(target * factor, finding.operator, finding.value * factor), DIGITS)
    return replace(finding, target=target, most=finding.most * share, needed=needed,
                   basis=("audit.joined", {"parts": (finding.basis, scaled)}))  # fmt: skip


def _larger(rule: Rule, context: Context) -> bool:
    """Return whether a rule is for units larger than the judged part of the city."""
    units = ("prefecture",) if context.by == "county" else ("county", "prefecture")
    return rule.applies_to in units and rule.kind in ("coverage_share", "count_per_area", "min_floor_area")


def _together(parts: list[tuple[Rule, Finding]]) -> Finding:
    """Join the parts of a clause that apply: the value of the worst part, and a need of one stock counted once."""
    judged = [(rule, one) for rule, one in parts if one.judged]
    if not judged:
        return parts[0][1]
    rest = [each for each in parts if not each[1].judged]
    rules = list(dict.fromkeys(rule for rule, _ in parts))
    _, lead = min(judged, key=lambda each: (each[1].holds, _nearness(each[1])))
    needed: dict[object, float] = {}
    for rule, one in judged:
        if one.needs == lead.needs and not math.isnan(one.needed):
            stock = (rule.layers, rule.facility_types, rule.column)
            needed[stock] = max(needed.get(stock, 0.0), one.needed)
    units = [one.units for _, one in judged if one.units is not None]
    alike = len(units) == len(judged) and all(each.index.equals(units[0].index) for each in units)
    reasons = tuple(_of_part_message(rule, one.reason, rules) for rule, one in (*judged, *rest) if one.reason[0])
    open_ = any(one.status or not math.isnan(one.value) for _, one in rest)
    basis = tuple(_of_part_message(rule, one.basis, rules) for rule, one in judged)
    return replace(
        lead,
        needed=sum(needed.values()) if needed else math.nan,
        basis=("audit.joined", {"parts": basis}),
        remarks=unique(message for _, one in judged for message in one.remarks),
        reason=("audit.joined", {"parts": reasons}) if reasons else NO_SENTENCE,
        units=pd.concat(units, axis=1).all(axis=1) if alike else None,
        status="part" if open_ and all(one.holds for _, one in judged) else "",
    )


def _nearness(finding: Finding) -> float:
    """Divide the value by its number, or the number by the value for a ceiling: the least ratio is the farthest."""
    value, target = finding.value, finding.target
    above, below = (target, value) if finding.operator in ("<=", "<") else (value, target)
    return above / below if below else math.inf


def _of_part_message(rule: Rule, message: Sentence, parts: Sequence[Rule]) -> Sentence:
    """Put the name of a part before its message: its count, level or marks, else its number."""
    level = rule.where.get("level")
    marks = tuple(name for name in columns_of(rule.where) if name != "level")
    twins = sum((_stock(one), one.where) == (_stock(rule), rule.where) for one in parts)
    values: dict[str, object] = {"column": _stock(rule), "level": level, "parts": (message,)}
    if not isinstance(level, str) and twins > 1:
        return "audit.part_number", {**values, **printed_number(rule)}
    key = "audit.part_level" if isinstance(level, str) else "audit.part"
    return (f"{key}_marked", {**values, "of": marks}) if marks else (key, values)


def _stock(rule: Rule) -> tuple[str, ...]:
    return rule.column or rule.facility_types or rule.layers
