"""Every kind of rule that can be computed: importing this registers them all."""

from siting.judge.indicators import (  # noqa: F401 - they register what they compute
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
from siting.judge.indicators.finding import INDICATORS
from siting.judge.standards.rule import Rule

__all__ = ["INDICATORS", "takes_share"]


def takes_share(rule: Rule) -> bool:
    """Return whether the user may set the share that a rule needs: it prints none."""
    return rule.share is None and (
        rule.kind in ("service_radius", "service_time", "living_circle")
        or (rule.kind in ("complete_circle", "coverage_share") and rule.value is None)
    )
