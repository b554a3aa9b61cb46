"""Every kind of rule that can be computed: importing this registers them all."""

from siting.judge import circles, either, estates, levels, per_head, rates, shares, vicinity
from siting.judge.finding import INDICATORS, Finding, indicator
from siting.judge.rule import KINDS, Rule

__all__ = ["INDICATORS", "KINDS", "Finding", "indicator", "takes_share"]

ROOMS = (circles, either, estates, levels, per_head, rates, shares, vicinity)


def takes_share(rule: Rule) -> bool:
    """Tell whether the user may set the share that a rule asks for: it prints none."""
    return rule.share is None and (
        rule.kind in ("service_radius", "service_time", "living_circle")
        or (rule.kind == "complete_circle" and rule.value is None)
        or (rule.kind == "coverage_share" and rule.value is None)
    )
