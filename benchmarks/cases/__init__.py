"""All cases by name; each is a function of a size that yields rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module

from benchmarks.measure import Row
from benchmarks.sizes import Size

__all__ = ["CASES", "GROUPS", "case"]

#: Name of a case and the module it is in.
CASES = {
    "pairs": "pairs",
    "ways": "pairs",
    "dense": "pairs",
    "sums": "sums",
    "build": "build",
    "nearest": "nearest",
    "several": "nearest",
    "locate": "locate",
    "streets": "areas",
    "polygons": "areas",
    "dissolved": "areas",
    "accessibility": "accessibility",
    "audit": "audit",
    "whatif": "whatif",
    "siting_cover": "siting_cover",
    "siting_large": "siting_cover",
    "siting_partial": "siting_partial",
    "siting_median": "siting_median",
    "siting_millions": "siting_millions",
    "siting_capacity": "siting_rules",
    "siting_rules": "siting_rules",
    "records_covering": "records",
    "records_median": "records",
    "records_center": "records",
    "records_capacity": "records",
    "whole": "whole",
    "osm": "osm",
    "osm_city": "osm",
    "threads": "process",
    "first": "process",
    "memory": "process",
}


#: Cases that have a name together.
GROUPS = {"records": [name for name in CASES if name.startswith("records_")]}


def case(name: str) -> Callable[[Size], Iterator[Row]]:
    """Return the function of a case."""
    found: Callable[[Size], Iterator[Row]] = getattr(import_module(f"benchmarks.cases.{CASES[name]}"), name)
    return found
