"""Plans under what may come: forecasts, walks and closings that differ, and the plan that stands them best."""

from siting.propose import RobustPlan, Scenario, robustness, solve_robust

__all__ = [
    "RobustPlan",
    "Scenario",
    "robustness",
    "solve_robust",
]


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
