"""Travel → who reaches what, who is covered, what can be walked to."""

from siting.measure import decay
from siting.measure.accessibility import accessibility, supply_ratios
from siting.measure.apportionment import fit_margins, round_to_total
from siting.measure.capacity import idle_nearby, utilisation
from siting.measure.catchment import catchment
from siting.measure.cohort import age_bands, cohort_forecast, life_table
from siting.measure.coverage import bands, coverage
from siting.measure.forecast import forecast
from siting.measure.huff import huff, huff_probabilities
from siting.measure.inequality import gini, inequality, lorenz, palma, theil, town_and_country
from siting.measure.interpolation import annual_growth, annual_increase, interpolate_figures
from siting.measure.mismatch import Mismatch, spatial_mismatch
from siting.measure.neighbours import (
    close_pairs,
    could_take_in,
    joint_sites,
    medical_partners,
    neighbours,
    uncovered_around,
)
from siting.measure.point_reach import PointReach
from siting.measure.projects import Appraisal, appraise_projects, with_projects
from siting.measure.reach import Reach
from siting.measure.service_areas import service_areas, service_streets
from siting.measure.services import offering, open_to_all, with_sites
from siting.measure.travel import straight_line, travel, travel_in_parts

__all__ = [
    "Appraisal", "Mismatch", "PointReach", "Reach", "accessibility", "age_bands", "annual_growth", "annual_increase",
    "appraise_projects", "bands", "catchment", "close_pairs", "cohort_forecast", "could_take_in", "coverage",
    "decay", "fit_margins", "forecast", "gini", "huff", "huff_probabilities", "idle_nearby", "inequality",
    "interpolate_figures", "joint_sites", "life_table", "lorenz", "medical_partners", "neighbours", "offering",
    "open_to_all", "palma", "round_to_total", "service_areas", "service_streets", "spatial_mismatch",
    "straight_line", "supply_ratios", "theil", "town_and_country", "travel", "travel_in_parts",
    "uncovered_around", "utilisation", "with_projects", "with_sites",
]  # fmt: skip


def __dir__() -> list[str]:
    return __all__
