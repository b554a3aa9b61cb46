"""Travel → who reaches what, who is covered, what can be walked to."""

from siting.measure.areas import service_areas, service_streets
from siting.measure.catchment import catchment
from siting.measure.coverage import bands, coverage
from siting.measure.reach import Reach
from siting.measure.services import offering, open_to_all
from siting.measure.travel import straight_line, travel, travel_in_parts

__all__ = [
    "Reach",
    "bands",
    "catchment",
    "coverage",
    "offering",
    "open_to_all",
    "service_areas",
    "service_streets",
    "straight_line",
    "travel",
    "travel_in_parts",
]
