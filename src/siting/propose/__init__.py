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
from siting.propose.whatif import WhatIf

__all__ = [
    "AtMost",
    "Cover",
    "Existing",
    "Forbidden",
    "MaxCoverage",
    "MinSites",
    "Plan",
    "Required",
    "WhatIf",
    "frontier",
    "solve",
]
