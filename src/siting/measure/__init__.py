"""Travel → who reaches what, who is covered, what can be walked to."""

from siting.measure.areas import service_areas
from siting.measure.coverage import bands, coverage
from siting.measure.reach import Reach
from siting.measure.services import offering, open_to_all
from siting.measure.travel import straight_line, travel

__all__ = ["Reach", "bands", "coverage", "offering", "open_to_all", "service_areas", "straight_line", "travel"]
