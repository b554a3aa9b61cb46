"""Units of the documents: what a printed number counts, and the factor of its unit.

A rule keeps the number as printed; `normal` turns 5.5 per 1000 and 55 per 10,000 into the same 0.0055 a head, and 70.5
times ten thousand persons (万人) into 705,000, so that figures of different documents can be compared.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["DIGITS", "UNITS", "Unit", "apart", "normal"]

#: Shares in percent and rates are compared after this rounding, so that 2/5 of 40 is 16.
DIGITS = 9


class Unit(NamedTuple):
    """What a printed number counts, such as "beds", and the value of one unit: 10,000 for 万.

    A rate is for *per* of *of*, such as 1000 "residents".
    """

    counts: str
    factor: float = 1.0
    per: float = 1.0
    of: str = ""


#: Every unit that a rule may print.
UNITS: dict[str, Unit] = {
    "": Unit(""),
    "m": Unit("m"),
    "min": Unit("min"),
    "percent": Unit("share", 0.01),
    "share_of_families": Unit("share"),
    "m2": Unit("m2"),
    "m2_per_site": Unit("m2", of="facilities"),
    "m2_per_100_households": Unit("m2", per=100, of="households"),
    "m2_per_1000_residents": Unit("m2", per=1000, of="residents"),
    "m2_land_per_1000_residents": Unit("m2_land", per=1000, of="residents"),
    "m2_land_per_resident": Unit("m2_land", of="residents"),
    "persons": Unit("persons"),
    "residents": Unit("persons"),
    "10k_persons": Unit("persons", 10_000),
    "10k_persons_per_year": Unit("persons", 10_000, of="years"),
    "10k_households": Unit("households", 10_000),
    "persons_per_household": Unit("persons", of="households"),
    "households_per_facility": Unit("households", of="facilities"),
    "households_per_extra_facility": Unit("households", of="facilities"),
    "residents_per_facility": Unit("persons", of="facilities"),
    "employees_per_facility": Unit("persons", of="facilities"),
    "persons_per_facility": Unit("persons", of="facilities"),
    "facilities": Unit("facilities"),
    "10k_facilities": Unit("facilities", 10_000),
    "facilities_per_county": Unit("facilities", of="counties"),
    "facilities_per_township": Unit("facilities", of="townships"),
    "facilities_per_1000_under3": Unit("facilities", per=1000, of="infants"),
    "communities": Unit("communities"),
    "circles": Unit("facilities"),
    "operators": Unit("operators"),
    "levels": Unit("levels"),
    "modes": Unit("modes"),
    "beds": Unit("beds"),
    "10k_beds": Unit("beds", 10_000),
    "beds_per_100": Unit("beds", per=100, of="elderly"),
    "beds_per_1000_elderly": Unit("beds", per=1000, of="elderly"),
    "beds_per_10000_elderly": Unit("beds", per=10_000, of="elderly"),
    "places": Unit("places"),
    "10k_places": Unit("places", 10_000),
    "school_places": Unit("school_places"),
    "10k_school_places": Unit("school_places", 10_000),
    "school_places_per_1000_residents": Unit("school_places", per=1000, of="residents"),
    "places_per_1000_residents": Unit("places", per=1000, of="residents"),
    "persons_per_10000_elderly": Unit("persons", per=10_000, of="elderly"),
    "persons_per_1000_children": Unit("persons", per=1000, of="children"),
    "persons_per_10000_residents": Unit("persons", per=10_000, of="residents"),
    "persons_each_per_20000_residents": Unit("persons", per=20_000, of="residents"),
    "times": Unit("share"),
    "years": Unit("years"),
    "year_of_birth": Unit("year_of_birth"),
    "days_per_year": Unit("days", of="years"),
    "yuan_per_bed": Unit("yuan", of="beds"),
    "yuan_per_place": Unit("yuan", of="places"),
    "10k_yuan": Unit("yuan", 10_000),
}


def apart(unit: str) -> str:
    """Return the unit of the difference of two numbers: percentage points between two in percent.

    Examples
    --------
    >>> apart("percent"), apart("beds")
    ('percentage_points', 'beds')
    """
    return "percentage_points" if unit == "percent" else unit


def normal(value: float, unit: str) -> float:
    """Express a printed number in persons, beds, square metres, ….

    Examples
    --------
    >>> round(normal(5.5, "beds_per_1000_elderly"), 6) == round(normal(55, "beds_per_10000_elderly"), 6)
    True
    >>> normal(4.4, "10k_places")
    44000.0
    """
    known = UNITS[unit]
    return value * known.factor / known.per
