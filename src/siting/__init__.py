"""Siting of service facilities and analysis of their coverage along the street network.

Layers in, values out: read layers, build the walking network, measure who reaches what, judge it by a city's written
standard, propose sites with a proof of how good they are, and show it on maps and in reports that open offline.
"""

from siting import data
from siting.data import (
    check_layer,
    load_sample,
    read_layer,
    write_layer,
)
from siting.errors import LayerError, NetworkError, ProblemError, SitingError, StandardError
from siting.judge import Audit, Rule, Standard, audit, list_standards, load_standard
from siting.measure import Reach, bands, coverage, service_areas, straight_line, travel
from siting.network import Network, Walk
from siting.propose import (
    AtMost,
    Cover,
    Existing,
    Forbidden,
    MaxCoverage,
    MinSites,
    Plan,
    Required,
    frontier,
    solve,
)
from siting.show import draw_chart, draw_map, draw_picture, write_report
from siting.study import Study, run

__version__ = "0.1.0"

__all__ = [
    "AtMost", "Audit", "Cover", "Existing", "Forbidden", "LayerError", "MaxCoverage", "MinSites", "Network",
    "NetworkError", "Plan", "ProblemError", "Reach", "Required", "Rule", "SitingError", "Standard", "StandardError",
    "Study", "Walk", "audit", "bands", "check_layer", "coverage", "data", "draw_chart", "draw_map", "draw_picture",
    "frontier", "list_standards", "load_sample", "load_standard", "read_layer", "run", "service_areas", "solve",
    "straight_line", "travel", "write_layer", "write_report",
]  # fmt: skip
