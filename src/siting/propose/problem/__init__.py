"""Objectives and rules: plain values."""

from siting.propose.problem.market import Choice, MaxMarketShare, TargetMarketShare
from siting.propose.problem.objectives import (
    MaxCoverage,
    MaxSpacing,
    MinCost,
    MinFarthest,
    MinSites,
    MinTravel,
    Objective,
    travels,
)
from siting.propose.problem.phases import Phases
from siting.propose.problem.rule import Part, Rule
from siting.propose.problem.rule_values import is_number
from siting.propose.problem.service_rules import Backup, Capacity, Cover, NobodyBeyond, Supply
from siting.propose.problem.site_rules import (
    AtLeast,
    AtMost,
    Budget,
    Existing,
    Forbidden,
    MayClose,
    OnePer,
    Required,
    Spacing,
    Together,
)

OBJECTIVES = (MaxCoverage, MinSites, MinCost, MinTravel, MinFarthest, MaxSpacing, MaxMarketShare)
#: In the order in which a conflict names them; a conflict leaves out the later of two.
RULES = (
    AtMost, Budget, Phases, Cover, NobodyBeyond, AtLeast, OnePer, Supply, MayClose, Capacity, Backup, Spacing, Together,
    Required, Forbidden, Existing, TargetMarketShare,
)  # fmt: skip

__all__ = [
    "OBJECTIVES", "RULES", "AtLeast", "AtMost", "Backup", "Budget", "Capacity",
    "Choice", "Cover", "Existing", "Forbidden",
    "MaxCoverage", "MaxMarketShare", "MaxSpacing", "MayClose", "MinCost", "MinFarthest", "MinSites",
    "MinTravel", "NobodyBeyond", "Objective", "OnePer", "Part", "Phases", "Required", "Rule", "Spacing",
    "Supply", "TargetMarketShare", "Together", "is_number", "travels",
]  # fmt: skip
