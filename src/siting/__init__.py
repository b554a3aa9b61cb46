"""Siting of service facilities and analysis of their coverage along the street network.

Layers in, values out: read layers, build the walking network, measure who reaches what, judge it by a city's written
standard, propose sites with a proof of how good they are, and show it on maps and in reports that open offline.

The public names are listed in ``__init__.pyi``; each is loaded at first use. Those of one theme are together
in `data`, `decay`, `equity`, `errors`, `forecasts`, `judge`, `measure`, `network`, `projects`, `propose`, `scenarios`,
`sharing` and `show`.
"""

import warnings

import lazy_loader

from siting.messages import Message

_load, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

__version__ = "0.2.0"

#: Names that were here before version 0.2, by their namespace now.
MOVED = {
    "data": "combine_layers facility_types list_headings list_roles of_type",
    "equity": (
        "FairPlan Mismatch fairest gini inequality lorenz palma price_of_equity spatial_mismatch theil town_and_country"
    ),
    "errors": "LayerError NetworkError ProblemError StandardError",
    "forecasts": (
        "age_bands annual_growth annual_increase cohort_forecast fit_margins interpolate_figures life_table "
        "round_to_total"
    ),
    "measure": "bands catchment offering open_to_all service_streets supply_ratios travel_in_parts with_sites",
    "network": "careful tobler",
    "projects": "Appraisal appraise_projects with_projects",
    "propose": "Assignment Certificate Progress Verified compare merge_demand merge_reach",
    "scenarios": "RobustPlan Scenario robustness solve_robust",
    "sharing": (
        "Hubs Mergers choose_hubs close_pairs could_take_in idle_nearby joint_sites medical_partners merge_sites "
        "neighbours uncovered_around upgrade_sites utilisation"
    ),
    "show": "Section",
}


def __getattr__(name: str) -> object:
    for home, names in MOVED.items():
        if name in names.split():
            said = Message("renamed.moved", name=name, home=home)
            warnings.warn(str(said), DeprecationWarning, stacklevel=2)
            return getattr(_load(home), name)
    return _load(name)
