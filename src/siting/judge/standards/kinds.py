"""The kinds of rules, with their operators, keys and units."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from siting.judge.standards.applies_to import COMMUNITIES, DISTRICTS, ESTATES
from siting.judge.standards.keys import COMPUTING, JUDGED, NEAR, ONE_BY_ONE, ROWS, WAY, fault_of
from siting.judge.standards.rule import Rule
from siting.messages import Message

__all__ = ["KINDS", "SUMS", "Kind", "check_kind"]

COMPARED = (">=", ">", "=", "<=", "<", "~", "range")
LIMITS = (">=", ">", "<=", "<", "range")
OWED = (">=", ">", "per", "range", "=")


@dataclass(frozen=True)
class Kind:
    """The keys, units (None for all) and operators of a kind of rule; `idle` returns keys without effect in a rule."""

    keys: tuple[str, ...]
    units: tuple[str, ...] | None
    operators: tuple[str, ...] = COMPARED
    idle: Callable[[Rule], Iterable[str]] = lambda _rule: ()


#: Keys that say which partners count, and how near they have to be.
PARTNERS = ("metres", "minutes", *WAY, "other_types", "other_where")
#: Keys of what lies beside what, and of rates for so many people.
BESIDE, RATE = (*ROWS, *NEAR, *WAY), (*ROWS, "column", "base", *NEAR)
COLUMN = (*ROWS, "column")
#: Units of numbers that are the sum of a column.
SUMS = ("places", "10k_places", "school_places", "10k_school_places", "beds", "10k_beds", "persons", "10k_persons",
        "10k_households", "m2")  # fmt: skip


def _idle_count(rule: Rule) -> tuple[str, ...]:
    homes = rule.layers[0] == "communities"
    walked = () if rule.prints_walk and not homes else (*NEAR, *WAY)
    return (*walked, *(() if homes and not rule.column else ("judged_by",)))


def _idle_colocation(rule: Rule) -> tuple[str, ...]:
    walk = () if rule.other and not rule.part else PARTNERS
    among = () if rule.part and rule.layers[0] == "communities" else ("among", "judged_by")
    return (*walk, *among, *(("other",) if rule.part else ()))


def _idle_coverage(rule: Rule) -> tuple[str, ...]:
    """Return the keys that a share of coverage does not use, for what covers its units."""
    share = () if rule.value is None else ("share",)
    if rule.layers[0] == "communities":  # they carry a mark
        return (*share, *WAY, "any", "metres", "minutes", "meets", "covered_by")
    if rule.part or rule.layers[0] == "districts" or (rule.applies_to in DISTRICTS and not rule.prints_walk):
        marked = rule.layers[0] == "districts"
        covered = () if rule.applies_to in DISTRICTS and not rule.part and not marked else ("covered_by", "any")
        return (*share, *NEAR, *WAY, "meets", "judged_by", *covered, *(ROWS[1:] if marked else ()))
    return (*share, *ROWS, *WAY, "any", "metres", "minutes", "covered_by") if rule.meets else share


def _idle_principle(rule: Rule) -> tuple[str, ...]:
    layer, walked = rule.layers[0], rule.applies_to in COMMUNITIES
    if rule.base and rule.column and layer != "communities":
        return (*NEAR, *ONE_BY_ONE)
    if layer == "districts":
        return ("facility_types", "excluded_types", "column", "base", *NEAR, *ONE_BY_ONE)
    return ("base", "column") if walked and layer != "communities" else ("base", *NEAR, *ONE_BY_ONE)


def _idle_rate(rule: Rule) -> tuple[str, ...]:
    return () if rule.applies_to in ESTATES else NEAR


KINDS: dict[str, Kind] = {
    # radii and circles
    "service_time": Kind((*ROWS, *WAY, "any", "among", "base", "share", "judged_by"), ("min",), ("<=", "range", "~")),
    "service_radius": Kind(
        (*ROWS, "metric", "any", "among", "base", "share", "otherwise", "judged_by"), ("m",), ("<=", "range"),
        lambda rule: () if rule.operator == "range" else ("otherwise",)),
    "living_circle": Kind((*ROWS, *WAY, "each", "any", "residents", "among", "base", "share", "judged_by"),
                          ("m", "min"), ("<=",)),
    "complete_circle": Kind((*WAY, "each", "among", "base", "share", "judged_by"), ("percent", ""), (">=", ">", ""),
                            lambda rule: () if rule.value is None else ("share",)),
    # units that are covered
    "coverage_share": Kind((*ROWS, *NEAR, *ONE_BY_ONE, *WAY, "any", "part", "share", "meets"), ("percent", ""),
                           idle=_idle_coverage),
    # numbers
    "count_target": Kind(
        (*BESIDE, "column", "judged_by"),
        ("", "facilities", "10k_facilities", "communities", "circles", "operators", *SUMS), idle=_idle_count),
    "count_per_area": Kind(ROWS, ("", "facilities", "facilities_per_county", "facilities_per_township"), (">=", "=")),
    "min_floor_area": Kind((*ROWS, *NEAR, "column", "scope"), ("m2", "m2_per_site"), (">=", ">"),
                           lambda rule: () if rule.applies_to in COMMUNITIES else NEAR),
    # what estates and parks owe
    "employees_per_facility": Kind((*ROWS, "metres", "minutes"), ("employees_per_facility", "persons_per_facility"),
                                   OWED),
    "population_trigger": Kind(
        (*ROWS, *NEAR, "base", "judged_by"), ("residents", "persons", "10k_persons"), OWED,
        lambda rule: (*ROWS, *NEAR, "judged_by") if rule.applies_to == "county" else ()),
    "households_per_facility": Kind((*ROWS, *NEAR), ("households_per_facility", "households_per_extra_facility"), OWED),
    "provision_area_per_100_households": Kind((*ROWS, *NEAR, "column"), ("m2_per_100_households",), OWED),
    # for so many people
    "area_per_1000_residents": Kind((*COLUMN, "base"), ("m2_per_1000_residents", "m2_land_per_1000_residents"),
                                    (">=", ">", "range")),
    "residents_per_facility": Kind((*ROWS, "base", "reading"), ("residents_per_facility",), ("per", "range")),
    "facility_area": Kind(COLUMN, ("m2",), LIMITS),
    "places_per_1000_residents": Kind(RATE, ("places_per_1000_residents", "school_places_per_1000_residents", ""),
                                      idle=_idle_rate),
    "beds_per_1000_elderly": Kind(
        RATE, ("beds_per_1000_elderly", "beds_per_10000_elderly", "beds_per_100", ""), idle=_idle_rate),
    "ratio_per_10000_elderly": Kind(
        RATE, ("persons_per_10000_elderly", "beds_per_10000_elderly", "beds_per_1000_elderly", ""), idle=_idle_rate),
    "ratio_per_1000_infants": Kind(RATE, ("facilities_per_1000_under3", "persons_per_1000_children", ""),
                                   idle=_idle_rate),
    "staff_ratio": Kind(
        (*COLUMN, "of", "base"),
        ("percent", "persons_per_10000_residents", "persons_each_per_20000_residents", "persons_per_1000_children",
         "persons_per_10000_elderly"), idle=lambda rule: ("base",) if rule.unit == "percent" else ("of",)),
    "provision_land_per_capita": Kind((*COLUMN, "base"), ("m2_land_per_resident",)),
    # parts of stocks
    "composition_share": Kind((*ROWS, "part", "column", "of"), ("percent", ""),
                              idle=lambda rule: ("column", "of") if rule.part else ()),
    "utilisation_share": Kind(
        (*ROWS, "part", "column", "of", "base"), ("percent", ""),
        idle=lambda rule: ("column", "of", "base") if rule.part else ("of",) if rule.base else ()),
    # figures
    **dict.fromkeys(("baseline_figure", "forecast_figure", "context_figure"),
                    Kind((*COLUMN, "of", "judged_by"), None)),
    "demand_rate": Kind(("column",), ("percent", "share_of_families")),
    # neighbourhood
    "colocation": Kind((*BESIDE, "part", "other", "other_types", "other_where", "judged_by"),
                       ("", "percent", "facilities", "communities", "modes"), idle=_idle_colocation),
    "bed_threshold_rule": Kind(
        (*ROWS, *WAY, "part", "other", "other_types", "other_where", "column", "metres", "minutes"), ("beds",), LIMITS,
        lambda rule: ("part",) if rule.other else PARTNERS),
    # directions, thresholds and money
    "area_threshold": Kind(COLUMN, ("m2",), LIMITS),
    "operation_threshold": Kind(COLUMN, ("years", "days_per_year"), LIMITS),
    "candidate_site_rule": Kind(ROWS, ("",)),
    "service_area_rule": Kind((*BESIDE, "any"), ("",)),
    "hub_and_spoke": Kind((*ROWS, "among"), ("", "levels")),
    "mobile_service": Kind((*BESIDE, "any"), ("",)),
    "siting_principle": Kind((*ROWS, *NEAR, *ONE_BY_ONE, "column", "base"), ("",), idle=_idle_principle),
    "facility_type_list": Kind(("layer", "column"), ("", "modes")),
    "investment_project": Kind(COLUMN, ("10k_yuan", "beds", "places", "m2", "facilities")),
    "subsidy_rate": Kind(COLUMN, ("", "yuan_per_bed", "yuan_per_place")),
    "provision_rule_by_reference": Kind((), None),
    "one_of": Kind(("rules",), ("",), ("",)),
}  # fmt: skip


def check_kind(rule: Rule) -> None:
    """Refuse an operator, a unit or a key that the kind of a rule cannot use."""
    kind = KINDS[rule.kind]
    if kind.units is not None and rule.unit not in kind.units and (rule.unit or rule.value is not None):
        units = [unit for unit in kind.units if unit]
        if not units:
            raise fault_of(rule.id, "unit", Message("standard.no_unit", value=rule.unit, kind=rule.kind))
        raise fault_of(rule.id, "unit", Message("standard.unit", value=rule.unit, kind=rule.kind, units=units))
    if rule.role in JUDGED and rule.value is not None and rule.operator not in kind.operators:
        operators = [operator for operator in kind.operators if operator]
        wrong = {"value": rule.operator, "kind": rule.kind, "operators": operators}
        raise fault_of(rule.id, "operator", Message("standard.operator", **wrong))
    given = [name for name in COMPUTING if getattr(rule, name) not in (None, "", (), {})]
    idle = {*kind.idle(rule), *(() if rule.in_minutes else ("mode", "speed"))}
    lost = [name for name in given if name in idle or name not in kind.keys]
    if lost:
        left = [name for name in COMPUTING if name in kind.keys and name not in idle]
        idle_here = {"keys": lost, "kind": rule.kind}
        if not left:
            raise fault_of(rule.id, lost[0], Message("standard.no_effect_at_all", **idle_here))
        raise fault_of(rule.id, lost[0], Message("standard.no_effect", **idle_here, known=left))
    if rule.value_max is not None and rule.operator != "range":
        raise fault_of(rule.id, "value_max", Message("standard.range_operator"))
