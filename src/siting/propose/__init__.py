"""Candidates, and a problem = objective + rules → a plan with its proof. Knows no geometry, standard or file."""

from siting.propose.arrangements import Capacity, MayClose, Phases, Spacing, Supply, Together
from siting.propose.assign import Assignment, assign
from siting.propose.candidates import make_candidates
from siting.propose.certificate import Certificate, Verified
from siting.propose.comparing import compare
from siting.propose.engines.watch import Progress
from siting.propose.equity import FairPlan, fairest, price_of_equity
from siting.propose.frontier import frontier
from siting.propose.hubs import Hubs, choose_hubs
from siting.propose.merge_demand import merge_demand, merge_reach
from siting.propose.merging import Mergers, merge_sites
from siting.propose.plan import Plan
from siting.propose.problem import MaxCoverage, MaxSpacing, MinCost, MinFarthest, MinSites, MinTravel
from siting.propose.robust import RobustPlan, robustness, solve_robust
from siting.propose.rules import (
    AtLeast,
    AtMost,
    Backup,
    Budget,
    Cover,
    Existing,
    Forbidden,
    NobodyBeyond,
    OnePer,
    Required,
)
from siting.propose.scenarios import Scenario
from siting.propose.solve import solve
from siting.propose.upgrading import upgrade_sites
from siting.propose.whatif import WhatIf

__all__ = [
    "Assignment",
    "AtLeast",
    "AtMost",
    "Backup",
    "Budget",
    "Capacity",
    "Certificate",
    "Cover",
    "Existing",
    "FairPlan",
    "Forbidden",
    "Hubs",
    "MaxCoverage",
    "MaxSpacing",
    "MayClose",
    "Mergers",
    "MinCost",
    "MinFarthest",
    "MinSites",
    "MinTravel",
    "NobodyBeyond",
    "OnePer",
    "Phases",
    "Plan",
    "Progress",
    "Required",
    "RobustPlan",
    "Scenario",
    "Spacing",
    "Supply",
    "Together",
    "Verified",
    "WhatIf",
    "assign",
    "choose_hubs",
    "compare",
    "fairest",
    "frontier",
    "make_candidates",
    "merge_demand",
    "merge_reach",
    "merge_sites",
    "price_of_equity",
    "robustness",
    "solve",
    "solve_robust",
    "upgrade_sites",
]
