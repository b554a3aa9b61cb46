"""Robustness of plans across scenarios of demand, walking and closures, and robust plans."""

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
