"""The numbers that a document prints for a rule and that neither value nor target show."""

from __future__ import annotations

import math

from siting.judge.finding import NOTHING, Finding, Said
from siting.judge.rule import Rule
from siting.judge.units import DIGITS
from siting.judge.values import ANY, COMPARISON
from siting.judge.wording import said
from siting.labels import label

__all__ = ["conditions_of", "line_of", "number_of", "printed_number"]

#: How a printed number is compared, where the sign says more than the number alone.
SIGNS = {">=": "≥ ", "<=": "≤ ", ">": "> ", "<": "< ", "~": "≈ "}


def number_of(rule: Rule, finding: Finding) -> Said:
    """Tell the number as printed, such as 15 m² per 100 households beside the m² that an estate owes.

    Nothing where the target is that number, or the basis says it already, as for circles and subsidies.
    """
    shown = rule.unit in ("", finding.unit) and round(finding.target, DIGITS) == rule.value
    if rule.value is None or shown or {"limit", "each"} & set(finding.basis[1]):
        return NOTHING
    return ("audit.printed", printed_number(rule))


def line_of(rule: Rule) -> str:
    """Say in one Chinese line what the document prints: the indicator, and its number or the words in its place."""
    number = "" if rule.value is None else said(("audit.number", printed_number(rule)), "zh")
    return label("list.colon", "zh").join(filter(None, (rule.indicator_zh, number or rule.text)))


def printed_number(rule: Rule) -> dict[str, object]:
    """Return the number of a rule as it is printed, and its unit, for the sentences that name them."""
    return {"number": _number(rule), "printed_unit": rule.unit}


def _number(rule: Rule) -> str:
    each = [number for number in (rule.value, rule.value_max) if number is not None]
    if rule.unit == "share_of_families":
        written = [f"{100 * number:,.10g} %" for number in each]
    else:
        written = [f"{number:,.10g}" for number in each]
    return SIGNS.get(rule.operator, "") + "–".join(written)


def conditions_of(rule: Rule) -> Said:
    """Tell the numbers that the rows of a layer must reach to count, or to fulfil the rule."""
    found = [*_compared(rule.where), *_compared(rule.part)]
    return ("audit.conditions", {"layer": rule.layers[0], "conditions": tuple(found)}) if found else NOTHING


def _compared(conditions: object) -> list[str]:
    """List the comparisons with a number, each as "column ≥ 5"; above 0 only says that there is one."""
    if isinstance(conditions, tuple):
        return [words for each in conditions for words in _compared(each)]
    found = []
    for name, want in dict(conditions).items():  # type: ignore[call-overload]
        if name == ANY:
            found += _compared(want)
        elif isinstance(want, str) and (compared := COMPARISON.match(want)):
            limit = float(compared[2])
            if not math.isclose(limit, 0):
                found.append(f"{name} {SIGNS[compared[1]]}{limit:,.10g}")
    return found
