"""Each kind of rule takes the keys and units that it uses, and no other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import geopandas as gpd
import pytest

import siting as st
from siting.judge.standards.from_toml import rule_from
from siting.judge.standards.keys import COMPUTING
from siting.judge.standards.kinds import KINDS
from siting.read_share import share_from

NAMES = {"id": "r", "service": "childcare", "indicator_zh": "甲", "indicator_en": "a"}
#: A value for each key that says what is computed.
GIVEN: dict[str, Any] = {
    "otherwise": 300, "share": 0.9, "scope": "site", "layer": "childcare", "facility_types": ["托育机构"],
    "excluded_types": ["托育机构"], "where": {"public": True}, "part": {"public": True}, "column": "places",
    "of": "places", "base": "population", "among": {"village": True}, "other": "schools", "metres": 300,
    "minutes": 5, "meets": "q", "judged_by": "estate", "covered_by": "own", "metric": "straight", "mode": "walk",
    "speed": "60 m/min", "each": [{"layer": "meals"}],
    "any": [{"layer": "meals"}, {"layer": "sport"}], "rules": ["q", "r"], "residents": [5000, 12_000],
    "reading": "floor", "other_types": ["医院"], "other_where": {"public": True},
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_kind_refuses_the_keys_that_it_does_not_use(kind: str) -> None:
    known = KINDS[kind]
    assert known.keys is not None
    assert set(GIVEN) == set(COMPUTING) >= set(known.keys)
    for key in set(COMPUTING) - set(known.keys):
        with pytest.raises(
            st.errors.StandardError, match=f'rule r: "{key}" would have no effect in this {kind}; it uses'
        ):
            rule_from({**NAMES, "kind": kind, "unit": (known.units or ("",))[0], key: GIVEN[key]})


@pytest.mark.parametrize(
    ("kind", "idle", "rule"),
    [
        ("service_radius", "otherwise", {"operator": "<=", "value": 300, "unit": "m", "otherwise": 300}),
        ("places_per_1000_residents", "among", {"applies_to": "city", "among": {"village": True}}),
        ("staff_ratio", "of", {"unit": "persons_per_10000_residents", "of": "staff"}),
        ("staff_ratio", "base", {"unit": "percent", "base": "population"}),
        ("composition_share", "column", {"part": {"public": True}, "column": "places"}),
        ("utilisation_share", "of", {"of": "places", "base": "infants"}),
        ("coverage_share", "share", {"operator": ">=", "value": 90, "unit": "percent", "share": 0.9}),
        ("coverage_share", "metres", {"layer": "communities", "part": {"village": True}, "metres": 300}),
        ("coverage_share", "among", {"applies_to": "township", "among": {"village": True}}),
        ("coverage_share", "facility_types", {"meets": "q", "facility_types": ["托育机构"]}),
        ("population_trigger", "metres", {"applies_to": "county", "metres": 300}),
        ("min_floor_area", "minutes", {"applies_to": "county", "minutes": 5, "unit": "m2"}),
        ("colocation", "metres", {"metres": 300}),
        ("colocation", "other", {"part": {"public": True}, "other": "schools"}),
        ("bed_threshold_rule", "part", {"part": {"public": True}, "other": "schools", "unit": "beds"}),
        ("siting_principle", "base", {"layer": "communities", "column": "elderly", "base": "population"}),
        ("siting_principle", "column", {"layer": "districts", "column": "population"}),
    ],
)
def test_a_key_without_effect_beside_the_others_is_refused(kind: str, idle: str, rule: dict[str, Any]) -> None:
    with pytest.raises(st.errors.StandardError, match=f'"{idle}" would have no effect in this {kind}'):
        rule_from({**NAMES, "kind": kind, **rule})


@pytest.mark.parametrize(
    ("kind", "unit", "units"),
    [
        ("places_per_1000_residents", "m2", "places_per_1000_residents"),
        ("coverage_share", "facilities", "percent"),
        ("count_target", "percent", "facilities"),
        ("min_floor_area", "m", "m2, m2_per_site"),
        ("staff_ratio", "beds", "percent, "),
        ("service_time", "m", "min"),
        ("candidate_site_rule", "m2", None),
    ],
)
def test_a_unit_that_makes_no_sense_is_refused(kind: str, unit: str, units: str | None) -> None:
    told = f"is in {units}" if units else "has no unit"
    with pytest.raises(st.errors.StandardError, match=f'rule r: unit is "{unit}"; a {kind} {told}'):
        rule_from({**NAMES, "kind": kind, "unit": unit})


def test_a_rule_that_another_meets_has_to_be_there() -> None:
    loose = rule_from({**NAMES, "kind": "coverage_share", "meets": "q"})
    with pytest.raises(st.errors.StandardError, match="name another in meets that is not there"):
        st.Standard("demo", "示范", "Demo", ()).extended([loose], {})


# Shares and percent


@pytest.mark.parametrize(
    ("given", "share"),
    [("90 %", 0.9), ("90%", 0.9), (" 62.5 ％ ", 0.625), (0.9, 0.9), (1, 1.0), ("100 %", 1.0), ("1 %", 0.01)],
)
def test_a_share_is_from_0_to_1_however_it_is_written(given: object, share: float) -> None:
    rule = rule_from({**NAMES, "kind": "service_radius", "operator": "<=", "value": 300, "unit": "m", "share": given})
    assert rule.share == share
    assert share_from(given, "share") == share


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        (90, ': 90 % is 0.9 or "90 %"'), (2, ': 2 % is 0.02 or "2 %"'), ("0.9 %", ': 90 % is 0.9 or "90 %"'), (0, ""),
        (-0.1, ""), (101, ""), (True, ""), (float("nan"), ""), (None, ""), ("ninety", ""), ("120 %", ""), ("0 %", ""),
    ],
)  # fmt: skip
def test_a_share_that_looks_wrong_is_refused_with_a_hint(given: object, hint: str) -> None:
    with pytest.raises(st.SitingError, match=f"share is {given!r}; give a share above 0 and at most 1{hint}$"):
        share_from(given, "share")


@pytest.mark.parametrize(
    ("number", "unit", "value"),
    [
        (70, "percent", 70.0),
        ("70 %", "percent", 70.0),
        ("0.52 %", "percent", 0.52),
        (70, "", 70.0),
        (0, "percent", 0.0),
    ],
)
def test_a_percentage_is_kept_as_printed(number: object, unit: str, value: float) -> None:
    printed = rule_from({**NAMES, "kind": "coverage_share", "operator": ">=", "value": number, "unit": unit})
    assert printed.value == value
    standard = st.Standard("demo", "示范", "Demo", (printed,))
    assert standard.adapted({"r": {"condition": "towns"}})["r"].value == value  # what was read is not asked again
    with pytest.raises(
        st.errors.StandardError, match=r'rule r: value is 0.7 with a unit of percent; write 70, or, .* "0.7 %"'
    ):
        standard.adapted({"r": {"value": 0.7}})


@pytest.mark.parametrize("number", [0.7, 1])
def test_a_share_where_a_percentage_stands_is_refused(number: float) -> None:
    with pytest.raises(
        st.errors.StandardError, match=f"rule r: value is {number:g} .* write {100 * number:g}, or, if so few"
    ):
        rule_from({**NAMES, "kind": "coverage_share", "operator": ">=", "value": number, "unit": "percent"})
    rate = rule_from({**NAMES, "kind": "count_target", "operator": ">=", "value": number, "unit": "facilities"})
    assert rate.value == number


# Conditions of which one is enough

EITHER = {"any": [{"inclusive": True}, {"public": True}]}


def either(**conditions: Any) -> st.Rule:
    return rule_from(
        {**NAMES, "kind": "count_target", "operator": ">=", "value": 9, "unit": "facilities", **conditions}
    )


@pytest.mark.parametrize(
    ("where", "rows"),
    [
        (EITHER, 3),
        ({**EITHER, "places": ">=20"}, 2),  # and so many places
        ({"any": [{"inclusive": True, "public": True}, {"places": "<10"}]}, 2),  # both marks, or few places
        ({"any": [{"facility_type": "甲"}, EITHER]}, 4),
    ],
)
def test_one_of_several_conditions_is_enough(layer: Callable[..., gpd.GeoDataFrame], where: Any, rows: int) -> None:
    care = layer(
        {"a": (0, 0), "b": (0, 0), "c": (0, 0), "d": (0, 0)},
        inclusive=[True, True, False, False],
        public=[True, False, True, False],
        places=[20, 5, 30, 40],
        facility_type=["乙", "乙", "乙", "甲"],
    )
    audit = st.audit(st.Standard("demo", "示范", "Demo", (either(where=where),)), {"childcare": care})
    assert audit.table["value"].tolist() == [rows]
    lacks = st.audit(
        st.Standard("demo", "示范", "Demo", (either(where=where),)), {"childcare": care.drop(columns="public")}
    )
    assert lacks.table["value"].isna().all()
    assert lacks.table["reason_en"].str.contains("public").all()


def test_one_of_several_conditions_is_enough_for_the_ruled(layer: Callable[..., gpd.GeoDataFrame]) -> None:
    homes = layer({"a": (0, 0), "b": (0, 0), "c": (0, 0)}, kind=["village", "estate", "estate"],
                  old=[False, True, False], lift=[True, False, False])  # fmt: skip
    share = rule_from({**NAMES, "kind": "coverage_share", "operator": ">=", "value": 60, "unit": "percent",
                       "layer": "communities", "part": {"lift": True},
                       "among": {"any": [{"kind": "village"}, {"old": True}]}})  # fmt: skip
    row = st.audit(st.Standard("demo", "示范", "Demo", (share,)), {"communities": homes}).table.iloc[0]
    assert (row["value"], row["needed"]) == (50, 1)  # of a and b


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([{"public": True}], "where.any is .* not two or more tables of which one is enough"),
        ([{"public": True}, {}], "where.any is .* not two or more tables"),
        (True, "where.any is true, not two or more tables"),
        ([{"public": True}, {"beds": ">>9"}], 'where.any.beds is ">>9"; write a comparison'),
        ([{"public": True}, "public"], 'where.any is "public", not a table of columns'),
    ],
)
def test_conditions_that_are_no_tables_are_refused(given: object, message: str) -> None:
    with pytest.raises(st.errors.StandardError, match=f"rule r: {message}"):
        either(where={"any": given})


# People that a rule names


def test_base_weights_a_radius_and_a_circle(layer: Callable[..., gpd.GeoDataFrame], town_network: st.Network) -> None:
    homes = layer({"a": (0, 0), "b": (500, 0)}, population=[100, 900], infants=[1, 1], children_3_6=[300, 100])
    layers = {"communities": homes, "childcare": layer({"k": (100, 0)})}
    limits = {
        "service_radius": {"value": 200, "unit": "m"},
        "service_time": {"value": 5, "unit": "min", "share": "75 %"},
    }
    for kind, limit in limits.items():
        for base, inside in (("children_3_6", 75), ("population", 10), ("", 50)):  # without it the under-threes
            one = rule_from({**NAMES, "kind": kind, "operator": "<=", "base": base, **limit})
            table = st.audit(st.Standard("demo", "示范", "Demo", (one,)), layers, network=town_network).table
            assert table["value"].tolist() == [inside, 50]
            assert table["straight"].tolist() == [inside, 50]
    assert table["basis_en"].iloc[0].startswith("children under 3 within 5 min")


# Gaps


def test_two_percentages_are_points_apart_without_binary_dust(layer: Callable[..., gpd.GeoDataFrame]) -> None:
    """0.3 of all beds are 30 %; 37.3 - 30 is 7.299999999999997 in binary."""
    homes = layer({"a": (0, 0)}, beds=[1000], nursing_beds=[300])
    names = {**NAMES, "service": "eldercare", "kind": "composition_share", "unit": "percent", "column": "nursing_beds"}
    target = rule_from({**names, "operator": ">=", "value": 37.3})
    figure = rule_from({**names, "id": "f", "role": "baseline", "operator": "=", "value": 22.7})
    beds = {"kind": "count_target", "unit": "beds", "column": "beds"}
    later = rule_from({**names, **beds, "id": "n", "operator": ">=", "value": 1001})
    judged = st.audit(st.Standard("demo", "示范", "Demo", (target, later, figure)), {"eldercare": homes})
    assert judged.table[["gap", "gap_unit"]].to_numpy().tolist() == [[7.3, "percentage_points"], [1, "beds"]]
    assert judged.figures[["difference", "difference_unit"]].to_numpy().tolist() == [[7.3, "percentage_points"]]
    assert judged.in_words("zh")["差距单位"].tolist() == ["个百分点", "张"]
    more = st.audit(st.Standard("demo", "示范", "Demo", (target,)), {"eldercare": homes.assign(nursing_beds=373)})
    both = judged.select(rule="r").compare(more)
    assert both[["change", "change_unit"]].to_numpy().tolist() == [[7.3, "percentage_points"]]
    words = judged.figures.loc[0, ["says", "says_en"]].tolist()
    assert words == ["甲：22.7 %", ""]  # a line in Chinese, made of the indicator and the number


def test_a_part_beside_no_printed_number_is_in_percent(layer: Callable[..., gpd.GeoDataFrame]) -> None:
    homes = layer({"a": (0, 0)}, elderly=[36], population=[100])
    part = rule_from({**NAMES, "kind": "context_figure", "role": "context", "layer": "communities", "column": "elderly",
                      "of": "population", "text": "占比高"})  # fmt: skip
    figures = st.audit(st.Standard("demo", "示范", "Demo", (part,)), {"communities": homes}).figures
    assert figures.loc[0, ["value", "unit", "says"]].tolist() == [36, "percent", "甲：占比高"]
