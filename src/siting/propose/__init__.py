"""Candidates, and a problem = objective + rules → a plan with its proof. Knows no geometry, standard or file."""

from siting.propose.frontier import frontier
from siting.propose.plan import Plan
from siting.propose.problem import (
    AtMost,
    Cover,
    Existing,
    Forbidden,
    MaxCoverage,
    MinSites,
    Required,
)
from siting.propose.solve import solve

__all__ = [
    "AtMost", "Cover", "Existing", "Forbidden", "MaxCoverage", "MinSites", "Plan", "Required", "frontier", "solve",
]  # fmt: skip
