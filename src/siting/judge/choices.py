"""The keys of a rule by what they hold, and the words that some of them choose from."""

from __future__ import annotations

from siting.judge.modes import MODES

__all__ = ["ALSO", "APPLIES", "CHOICES", "COMPUTING", "LISTS", "NUMBERS", "PERMITS", "TABLES", "WIDE"]

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

NUMBERS = ("value", "value_max", "otherwise", "metres", "minutes")
LISTS = ("facility_types", "excluded_types", "layer", "column", "other", "other_types", "meets", "rules")
TABLES = ("where", "part", "among", "other_where")
#: Signs as people write them.
WIDE = {ord("≥"): ">=", ord("≤"): "<=", ord("＞"): ">", ord("＜"): "<", ord("＝"): "="}
#: Keys that say what is computed; each kind of rule takes some of them. The others describe any rule.
COMPUTING = (
    "otherwise", "share", "scope", "layer", "facility_types", "excluded_types", "where", "part", "column", "of", "base",
    "among", "other", "other_types", "other_where", "metres", "minutes", "metric", "mode", "speed", "meets",
    "judged_by", "covered_by", "each", "any", "rules", "residents", "reading",
)  # fmt: skip

#: What a further part of a clause can say otherwise than the first.
ALSO = (*COMPUTING, "excluded_types", "kind", "operator", "value", "value_max", "unit", "applies_to")
#: Words that permit or encourage and ask for nothing.
PERMITS = ("可", "可适当", "允许", "支持", "鼓励", "倡导")
