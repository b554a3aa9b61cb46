"""Every kind of rule that can be computed: importing this registers them all."""

from siting.judge import circles, estates, rates, shares, vicinity
from siting.judge.finding import INDICATORS, Finding, indicator
from siting.judge.rule import KINDS, Rule

__all__ = ["INDICATORS", "KINDS", "Finding", "indicator", "takes_share"]

ROOMS = (circles, estates, rates, shares, vicinity)


def takes_share(rule: Rule) -> bool:
    """Tell whether the user may set the share that a rule asks for: it prints none."""
    return rule.share is None and (
        rule.kind in ("service_radius", "service_time") or (rule.kind == "coverage_share" and rule.value is None)
    )
