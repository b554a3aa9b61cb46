"""What a plan is to be best at, and what it must keep to: plain values."""

from siting.propose.problem.objectives import (
    MaxCoverage,
    MaxSpacing,
    MinCost,
    MinFarthest,
    MinSites,
    MinTravel,
    Objective,
)
from siting.propose.problem.phases import Phases
from siting.propose.problem.rule import Part, Rule
from siting.propose.problem.service_rules import Backup, Capacity, Cover, NobodyBeyond, Supply
from siting.propose.problem.site_rules import (  # fmt: skip
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
from siting.propose.problem.value import is_number

OBJECTIVES = (MaxCoverage, MinSites, MinCost, MinTravel, MinFarthest, MaxSpacing)
RULES = (
    AtLeast, AtMost, Backup, Budget, Capacity, Cover, Existing, Forbidden, MayClose, NobodyBeyond, OnePer, Phases,
    Required, Spacing, Supply, Together,
)  # fmt: skip

__all__ = [
    "OBJECTIVES", "RULES", "AtLeast", "AtMost", "Backup", "Budget", "Capacity", "Cover", "Existing", "Forbidden",
    "MaxCoverage", "MaxSpacing", "MayClose", "MinCost", "MinFarthest", "MinSites", "MinTravel", "NobodyBeyond",
    "Objective", "OnePer", "Part", "Phases", "Required", "Rule", "Spacing", "Supply", "Together", "is_number",
]  # fmt: skip
