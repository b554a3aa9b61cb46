"""Travel → who reaches what, who is covered, what can be walked to."""

from siting.measure import decay as decay
from siting.measure.accessibility import accessibility as accessibility
from siting.measure.accessibility import supply_ratios as supply_ratios
from siting.measure.apportionment import fit_margins as fit_margins
from siting.measure.apportionment import round_to_total as round_to_total
from siting.measure.capacity import idle_nearby as idle_nearby
from siting.measure.capacity import utilisation as utilisation
from siting.measure.catchment import catchment as catchment
from siting.measure.cohort import age_bands as age_bands
from siting.measure.cohort import cohort_forecast as cohort_forecast
from siting.measure.cohort import life_table as life_table
from siting.measure.coverage import bands as bands
from siting.measure.coverage import coverage as coverage
from siting.measure.forecast import forecast as forecast
from siting.measure.inequality import gini as gini
from siting.measure.inequality import inequality as inequality
from siting.measure.inequality import lorenz as lorenz
from siting.measure.inequality import palma as palma
from siting.measure.inequality import theil as theil
from siting.measure.inequality import town_and_country as town_and_country
from siting.measure.interpolation import annual_growth as annual_growth
from siting.measure.interpolation import annual_increase as annual_increase
from siting.measure.interpolation import interpolate_figures as interpolate_figures
from siting.measure.mismatch import Mismatch as Mismatch
from siting.measure.mismatch import spatial_mismatch as spatial_mismatch
from siting.measure.neighbours import close_pairs as close_pairs
from siting.measure.neighbours import could_take_in as could_take_in
from siting.measure.neighbours import joint_sites as joint_sites
from siting.measure.neighbours import medical_partners as medical_partners
from siting.measure.neighbours import neighbours as neighbours
from siting.measure.neighbours import uncovered_around as uncovered_around
from siting.measure.projects import Appraisal as Appraisal
from siting.measure.projects import appraise_projects as appraise_projects
from siting.measure.projects import with_projects as with_projects
from siting.measure.reach import Reach as Reach
from siting.measure.service_areas import service_areas as service_areas
from siting.measure.service_areas import service_streets as service_streets
from siting.measure.services import offering as offering
from siting.measure.services import open_to_all as open_to_all
from siting.measure.services import with_sites as with_sites
from siting.measure.travel import straight_line as straight_line
from siting.measure.travel import travel as travel
from siting.measure.travel import travel_in_parts as travel_in_parts

__all__ = [
    "Appraisal", "Mismatch", "Reach", "accessibility", "age_bands", "annual_growth", "annual_increase",
    "appraise_projects", "bands", "catchment", "close_pairs", "cohort_forecast", "could_take_in", "coverage",
    "decay", "fit_margins", "forecast", "gini", "idle_nearby", "inequality", "interpolate_figures", "joint_sites",
    "life_table", "lorenz", "medical_partners", "neighbours", "offering", "open_to_all", "palma", "round_to_total",
    "service_areas", "service_streets", "spatial_mismatch", "straight_line", "supply_ratios", "theil",
    "town_and_country", "travel", "travel_in_parts", "uncovered_around", "utilisation", "with_projects",
    "with_sites",
]  # fmt: skip


def __dir__() -> list[str]:
    return __all__
