"""Candidates, and a problem = objective + rules → a plan with its proof. Knows no geometry, standard or file."""

from siting.propose.assign import Assignment, assign
from siting.propose.frontier import frontier
from siting.propose.hubs import Hubs, choose_hubs
from siting.propose.merging import Mergers, merge_sites
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
from siting.propose.upgrading import upgrade_sites
from siting.propose.whatif import WhatIf

__all__ = [
    "Assignment",
    "AtMost",
    "Cover",
    "Existing",
    "Forbidden",
    "Hubs",
    "MaxCoverage",
    "Mergers",
    "MinSites",
    "Plan",
    "Required",
    "WhatIf",
    "assign",
    "choose_hubs",
    "frontier",
    "merge_sites",
    "solve",
    "upgrade_sites",
]
