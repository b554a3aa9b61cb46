"""Keys of a rule that take one of a few words, and the words."""

from __future__ import annotations

from siting.judge.modes import MODES

__all__ = ["APPLIES", "CHOICES"]

CHOICES: dict[str, tuple[str, ...]] = {
    "operator": (">=", "<=", ">", "<", "=", "~", "range", "per", ""),
    "role": ("standard", "target", "baseline", "forecast", "principle", "project", "context"),
    "scope": ("", "area", "site"),
    # Who is judged one by one: each row of the communities, or the units that rows belong to.
    "judged_by": ("", "estate", "community", "village", "village_or_community"),
    # What covers a unit: a facility of its own, one within a walk, or one whose service area it is part of.
    "covered_by": ("", "own", "walk", "service_area"),
    "metric": ("", "streets", "straight"),
    "mode": ("", *MODES),
    "reading": ("", "ceil", "floor"),
}
#: What a rule can be for: districts by level, communities by their sort, facilities, or the whole of an area.
APPLIES = (
    "", "city", "county", "city_and_county", "province", "prefecture", "country", "OECD", "township", "subdistrict",
    "community", "village_or_community", "new_residential", "existing_residential", "new_and_existing_residential",
    "village", "administrative_village", "rural", "urban_area", "urban_community", "urban_estate", "industrial_park",
    "complete_community", "future_community", "new_future_community", "eldercare_institution",
    "childcare_institution", "institution", "township_centre", "kindergarten", "canteen", "site",
)  # fmt: skip
