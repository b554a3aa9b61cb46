"""Units of the documents: what a printed number counts, and the factor of its unit.

A rule keeps the number as printed: ``value * factor / per`` is the same 0.0055 a head for 5.5 per 1000 and for 55 per
10,000, and 705,000 for 70.5 times ten thousand persons (万人).
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["DIGITS", "UNITS", "Unit", "apart"]

#: Shares in percent and rates are compared after this rounding, so that 2/5 of 40 is 16.
DIGITS = 9


class Unit(NamedTuple):
    """What a printed number counts, and the value of one unit (10,000 for 万); a rate is for *per* of *of*."""

    counts: str
    factor: float = 1.0
    per: float = 1.0
    of: str = ""


UNITS: dict[str, Unit] = {
    **{name: Unit(name) for name in ("", "m", "min", "m2", "persons", "facilities", "communities", "operators",
                                     "levels", "modes", "beds", "places", "school_places", "years", "year_of_birth")},
    **{f"10k_{name}": Unit(name, 10_000) for name in ("persons", "households", "facilities", "beds", "places",
                                                      "school_places", "yuan")},
    "percent": Unit("share", 0.01),
    "share_of_families": Unit("share"),
    "m2_per_site": Unit("m2", of="facilities"),
    "m2_per_100_households": Unit("m2", per=100, of="households"),
    "m2_per_1000_residents": Unit("m2", per=1000, of="residents"),
    "m2_land_per_1000_residents": Unit("m2_land", per=1000, of="residents"),
    "m2_land_per_resident": Unit("m2_land", of="residents"),
    "residents": Unit("persons"),
    "10k_persons_per_year": Unit("persons", 10_000, of="years"),
    "persons_per_household": Unit("persons", of="households"),
    **dict.fromkeys(("households_per_facility", "households_per_extra_facility"), Unit("households", of="facilities")),
    **dict.fromkeys(("residents_per_facility", "employees_per_facility", "persons_per_facility"),
                    Unit("persons", of="facilities")),
    "facilities_per_county": Unit("facilities", of="counties"),
    "facilities_per_township": Unit("facilities", of="townships"),
    "facilities_per_1000_under3": Unit("facilities", per=1000, of="infants"),
    "circles": Unit("facilities"),
    "beds_per_100": Unit("beds", per=100, of="elderly"),
    "beds_per_1000_elderly": Unit("beds", per=1000, of="elderly"),
    "beds_per_10000_elderly": Unit("beds", per=10_000, of="elderly"),
    "school_places_per_1000_residents": Unit("school_places", per=1000, of="residents"),
    "places_per_1000_residents": Unit("places", per=1000, of="residents"),
    "persons_per_10000_elderly": Unit("persons", per=10_000, of="elderly"),
    "persons_per_1000_children": Unit("persons", per=1000, of="children"),
    "persons_per_10000_residents": Unit("persons", per=10_000, of="residents"),
    "persons_each_per_20000_residents": Unit("persons", per=20_000, of="residents"),
    "times": Unit("share"),
    "days_per_year": Unit("days", of="years"),
    "yuan_per_bed": Unit("yuan", of="beds"),
    "yuan_per_place": Unit("yuan", of="places"),
}  # fmt: skip


def apart(unit: str) -> str:
    """Return the unit of the difference of two numbers: percentage points between two in percent."""
    return "percentage_points" if unit == "percent" else unit
