"""A row of the audit's tables for each finding."""

from __future__ import annotations

import math
from typing import Any

from siting.judge.indicators.clause import status_of
from siting.judge.indicators.finding import Finding
from siting.judge.layers.context import Context
from siting.judge.layers.uncounted_types import closed_here, excluded, uncounted_here
from siting.judge.standards.keys import JUDGED
from siting.judge.standards.rule import Rule
from siting.judge.standards.standard import Standard
from siting.judge.standards.units_of_measure import DIGITS, apart
from siting.judge.statuses import NOT_JUDGED
from siting.judge.wording.printed_numbers import conditions_of, line_of, printed_number
from siting.judge.wording.sentences import NO_SENTENCE, Sentence, in_both, sentence
from siting.labels import label

__all__ = ["figure_of", "row_of"]


def row_of(standard: Standard, rule: Rule, finding: Finding, context: Context) -> dict[str, Any]:
    """Return a row of the table: the verdict on a finding, its gap, and its messages in both languages."""
    value, target, most = (round(number, DIGITS) for number in (finding.value, finding.target, finding.most))
    status = status_of(rule, finding, context.year)
    short = status in ("short", "ahead")
    gap = needed = 0.0 if status in ("met", "part") else math.nan
    if short:
        gap = round(abs((most if value > most else target) - value), DIGITS)
        # An excess over a ceiling is not "needed".
        needed = finding.needed if finding.operator in (">=", ">", "=") else math.nan
    # A value without a reason is missing because the divisor is 0, as the basis shows.
    reason = finding.basis if status in NOT_JUDGED and not finding.reason[0] else finding.reason
    return {
        "rule": rule.id,
        "service": rule.service,
        "indicator": rule.indicator_zh,
        "indicator_en": rule.indicator_en,
        "unit": finding.unit,
        "area": context.area,
        "area_name": context.area_name,
        "metric": finding.metric,
        "value": value,
        "straight": round(finding.straight, DIGITS),
        "operator": finding.operator,
        "target": target,
        "target_max": most,
        "year": rule.year,
        "gap": gap,
        "gap_unit": apart(finding.unit),
        "needed": needed,
        "needs": finding.needs,
        "status": status,
        **in_both("reason", reason),
        **_basis(rule, finding, context),
        "modal": rule.modal,
        "note": rule.note_zh or rule.note,
        "note_en": rule.note or rule.note_zh,
        "clause": rule.clause,
        "document": standard.title(rule),
    }


def figure_of(standard: Standard, rule: Rule, finding: Finding, context: Context, *,
              same_area: bool) -> dict[str, Any]:  # fmt: skip
    """Return a row of the figures: the value of the layers and the printed number."""
    row = row_of(standard, rule, finding, context)
    none = math.isnan(row["value"])
    printed = math.nan if rule.value is None else rule.value
    comparable = same_area and row["unit"] == rule.unit
    return {
        **row,
        "operator": rule.operator,
        "target": math.nan,
        "status": row["status"] if none else "shown",
        "gap": math.nan,
        "needed": math.nan,
        **({} if none else in_both("reason", NO_SENTENCE if same_area else ("audit.scope_only", {}))),
        "printed": printed,
        "printed_max": math.nan if rule.value_max is None else rule.value_max,
        "printed_unit": rule.unit,
        "difference": round(row["value"] - printed, DIGITS) if comparable else math.nan,
        "difference_unit": apart(row["unit"]),
        "says": line_of(rule),
        "says_en": rule.says,
    }


def _basis(rule: Rule, finding: Finding, context: Context) -> dict[str, str]:
    """Write what was counted, judged instead, not checked or left out, and the printed numbers."""
    printed = of_year = closed = NO_SENTENCE
    if rule.role in JUDGED:
        printed = _printed_number(rule, finding)
        if rule.year is not None and context.year not in (None, rule.year):
            of_year = ("audit.of_year", {"year": f"{rule.year}"})
    if finding.metric:
        closed = closed_here(rule, context)
    messages = (finding.basis, *finding.remarks, printed, conditions_of(rule), excluded(rule),
                uncounted_here(rule, context), closed, of_year)  # fmt: skip
    return {
        f"basis{end}": label("list.semicolon", lang).join(filter(None, (sentence(one, lang) for one in messages)))
        for end, lang in (("", "zh"), ("_en", "en"))
    }


def _printed_number(rule: Rule, finding: Finding) -> Sentence:
    """Return the number as printed; empty if the target is that number, or the basis has it."""
    shown = rule.unit in ("", finding.unit) and round(finding.target, DIGITS) == rule.value
    if rule.value is None or shown or {"limit", "each"} & set(finding.basis[1]):
        return NO_SENTENCE
    return ("audit.printed", printed_number(rule))
