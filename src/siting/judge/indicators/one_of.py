"""Rules with alternatives: met when one of the named rules is met."""

from __future__ import annotations

from collections.abc import Iterator

from siting.judge.indicators.clause import findings, status_of
from siting.judge.indicators.finding import Finding, indicator
from siting.judge.layers.context import Context
from siting.judge.standards.rule import Rule
from siting.judge.statuses import NOT_JUDGED

__all__ = ["one_of"]


@indicator("one_of")
def one_of(rule: Rule, context: Context) -> Iterator[Finding]:
    """Count the rules named in `rules` that are met here; if none is, the first without a verdict decides."""
    named = [one for one in context.rules if one.id in rule.rules]
    met: list[dict[str, str]] = []
    part: list[dict[str, str]] = []
    silent: list[Finding] = []
    short = False
    for one in named:
        found = [(status_of(one, each, None), each) for each in findings(one, context)]
        statuses = {status for status, _ in found}
        if statuses <= {"met", "part"}:
            (part if "part" in statuses else met).append({"zh": one.indicator_zh, "en": one.indicator_en})
        elif "short" in statuses:
            short = True
        else:
            silent.append(next(each for status, each in found if status in (*NOT_JUDGED, "shown")))
    if short:  # a rule that does not apply is no alternative
        silent = [one for one in silent if one.status]
    if silent and not (met or part):
        yield silent[0]
        return
    yield Finding(
        value=float(len(met) + len(part)),
        target=1.0,
        unit="rules",
        needed=0.0 if met or part else 1.0,
        needs="rules",
        basis=("audit.any_of" if met or part else "audit.none_of", {"total": len(named), "which": (*met, *part)}),
        status="part" if part and not met else "",
    )
