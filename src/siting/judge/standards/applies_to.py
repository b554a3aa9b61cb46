"""The units of a rule: districts of a level, or communities whose columns hold certain words."""

from __future__ import annotations

from siting.judge.standards.rule import Rule

__all__ = ["APPLIES", "COMMUNITIES", "DISTRICTS", "ESTATES", "LEVELS", "wanted"]

#: Units of a rule: districts by level, communities by sort, facilities, or a whole area.
APPLIES = (
    "", "city", "county", "city_and_county", "province", "prefecture", "country", "OECD", "township", "subdistrict",
    "community", "village_or_community", "new_residential", "existing_residential", "new_and_existing_residential",
    "village", "administrative_village", "rural", "urban_area", "urban_community", "urban_estate", "industrial_park",
    "complete_community", "future_community", "new_future_community", "eldercare_institution",
    "childcare_institution", "institution", "township_centre", "kindergarten", "canteen", "site",
)  # fmt: skip
DISTRICTS = {
    "township": ("township", "subdistrict"),
    "subdistrict": ("subdistrict",),
    "county": ("county",),
    "prefecture": ("city",),
}
#: The estates that rules of provision are for.
ESTATES = ("new_residential", "existing_residential", "new_and_existing_residential")
#: Names of the units of a level in the result.
LEVELS = {"subdistrict": "subdistricts", "county": "counties", "prefecture": "cities"}
#: The conditions on the columns of the communities that a rule is for.
COMMUNITIES: dict[str, dict[str, object]] = {
    "community": {},
    "village_or_community": {},
    "new_residential": {"kind": "estate", "build_status": "new"},
    "existing_residential": {"kind": "estate", "build_status": "existing"},
    "new_and_existing_residential": {"kind": "estate"},
    "village": {"kind": "village"},
    "administrative_village": {"kind": "village"},
    "rural": {"kind": "village"},
    "urban_area": {"kind": ("estate", "community")},
    "urban_community": {"kind": ("estate", "community")},
    "urban_estate": {"kind": "estate"},
    "industrial_park": {"kind": "park"},
    "complete_community": {"complete_community": True},
    "future_community": {"future_community": True},
    "new_future_community": {"future_community": True, "build_status": "new"},
}


def wanted(rule: Rule) -> dict[str, object]:
    """Return the conditions on the columns of the communities that a rule is for."""
    for_all = "village_or_community"  # a clause that names both
    return {**COMMUNITIES.get(for_all if rule.judged_by == for_all else rule.applies_to, {}), **rule.among}
