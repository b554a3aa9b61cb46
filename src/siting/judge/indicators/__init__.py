"""Every kind of rule that can be computed: importing this registers them all."""

from siting.judge.indicators import (
    colocation,
    counts,
    coverage,
    directions,
    estates,
    facilities_for_people,
    living_circles,
    one_of,
    radius,
    rates,
)
from siting.judge.indicators.finding import INDICATORS, Finding, indicator
from siting.judge.standards.kinds import KINDS
from siting.judge.standards.rule import Rule

__all__ = ["INDICATORS", "KINDS", "Finding", "indicator", "takes_share"]

MODULES = (
    colocation,
    counts,
    coverage,
    directions,
    estates,
    facilities_for_people,
    living_circles,
    one_of,
    radius,
    rates,
)


def takes_share(rule: Rule) -> bool:
    """Return whether the user may set the share that a rule needs: it prints none."""
    return rule.share is None and (
        rule.kind in ("service_radius", "service_time", "living_circle")
        or (rule.kind == "complete_circle" and rule.value is None)
        or (rule.kind == "coverage_share" and rule.value is None)
    )
