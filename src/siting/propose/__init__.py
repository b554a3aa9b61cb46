"""Candidates, and a problem = objective + rules → a plan with its proof. Uses no geometry, standard or file."""

from siting.optimize.control import Progress
from siting.propose.candidates.aggregate import merge_demand, merge_reach
from siting.propose.candidates.make import make_candidates
from siting.propose.model.scenarios import Scenario
from siting.propose.plan.certificate import Certificate, Verified
from siting.propose.plan.compare import compare
from siting.propose.plan.plan import Plan
from siting.propose.problem import (
    AtLeast,
    AtMost,
    Backup,
    Budget,
    Capacity,
    Cover,
    Existing,
    Forbidden,
    MaxCoverage,
    MaxMarketShare,
    MaxSpacing,
    MayClose,
    MinCost,
    MinFarthest,
    MinSites,
    MinTravel,
    NobodyBeyond,
    OnePer,
    Phases,
    Required,
    Spacing,
    Supply,
    TargetMarketShare,
    Together,
)
from siting.propose.questions.assignment import Assignment, assign
from siting.propose.questions.equity import FairPlan, fairest, price_of_equity
from siting.propose.questions.frontier import frontier
from siting.propose.questions.hubs import Hubs, choose_hubs
from siting.propose.questions.mergers import Mergers, merge_sites
from siting.propose.questions.next_plans import Alternatives, alternatives
from siting.propose.questions.robust_plan import RobustPlan, solve_robust
from siting.propose.questions.robustness import robustness
from siting.propose.questions.trade_off import MaxWorstShare, TradeOff, trade_off
from siting.propose.questions.upgrades import upgrade_sites
from siting.propose.questions.what_if import WhatIf
from siting.propose.solve import solve

__all__ = [
    "Alternatives", "Assignment", "AtLeast", "AtMost", "Backup", "Budget", "Capacity", "Certificate", "Cover",
    "Existing", "FairPlan", "Forbidden", "Hubs", "MaxCoverage", "MaxMarketShare", "MaxSpacing", "MaxWorstShare",
    "MayClose", "Mergers", "MinCost", "MinFarthest", "MinSites", "MinTravel", "NobodyBeyond", "OnePer", "Phases",
    "Plan", "Progress", "Required", "RobustPlan", "Scenario", "Spacing", "Supply", "TargetMarketShare", "Together",
    "TradeOff", "Verified", "WhatIf", "alternatives", "assign", "choose_hubs", "compare", "fairest", "frontier",
    "make_candidates", "merge_demand", "merge_reach", "merge_sites", "price_of_equity", "robustness", "solve",
    "solve_robust", "trade_off", "upgrade_sites",
]  # fmt: skip


def __dir__() -> list[str]:
    return __all__
