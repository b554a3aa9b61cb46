"""What lies between parts, readings, empty layers and districts: a verdict stands for all of them."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import Point, box

import siting as st
from siting.judge import Standard
from siting.judge.standards.from_toml import rule_from
from siting.judge.standards.rule import Rule
from siting.labels import label

CRS = "EPSG:4547"


def made(**keys: Any) -> Rule:
    start = {
        "id": "town.x.a",
        "service": "eldercare",
        "indicator_zh": "甲",
        "indicator_en": "A",
        "kind": "count_target",
    }
    return rule_from({**start, **keys})


def audited(layers: dict[str, pd.DataFrame], *rules: Rule, **settings: Any) -> st.Audit:
    standard = Standard("town", "城", "Town", rules)
    return st.audit(standard, layers, scope="whole", **settings)  # type: ignore[arg-type]


def row(layers: dict[str, pd.DataFrame], *rules: Rule, **settings: Any) -> pd.Series:
    found: pd.Series = audited(layers, *rules, **settings).table.iloc[-1]
    return found


def homes(n: int = 4, **columns: Any) -> gpd.GeoDataFrame:
    """Estates of 1000 residents in two townships, 100 m apart."""
    given = {"kind": "estate", "population": 1000, "elderly": 200, "district": ["A", "A", "B", "B"][:n], **columns}
    places = [Point(500_000 + 100 * i, 3_000_000) for i in range(n)]
    return gpd.GeoDataFrame(given, index=[f"E{i}" for i in range(n)], geometry=places, crs=CRS)


def towns() -> gpd.GeoDataFrame:
    squares = [box(499_950, 2_999_900, 500_150, 3_000_100), box(500_150, 2_999_900, 500_350, 3_000_100)]
    return gpd.GeoDataFrame({"name": ["甲", "乙"], "level": "township"}, index=["A", "B"], geometry=squares, crs=CRS)


def stock(**columns: Any) -> gpd.GeoDataFrame:
    n = max(len(values) for values in columns.values())
    places = [Point(500_000 + 100 * i, 3_000_000) for i in range(n)]
    return gpd.GeoDataFrame(columns, index=[f"F{i}" for i in range(n)], geometry=places, crs=CRS)


def test_a_clause_is_short_when_a_part_with_a_ceiling_is() -> None:
    layers = {"eldercare": stock(beds=[30, 10])}
    at_most = {"operator": "<=", "value": 30, "unit": "beds", "column": ["beds"]}
    assert row(layers, made(operator=">=", value=2, unit="facilities", also=[at_most]))["status"] == "short"
    assert (
        row(layers, made(operator=">=", value=2, unit="facilities", also=[{**at_most, "value": 40}]))["status"] == "met"
    )


def test_a_clause_is_short_when_a_part_reaches_a_number_that_it_has_to_pass() -> None:
    layers = {"eldercare": stock(beds=[30, 10])}
    above = {"operator": ">", "value": 40, "unit": "beds", "column": ["beds"]}
    found = row(layers, made(operator=">=", value=2, unit="facilities", also=[above]))
    assert (found["status"], found["needs"], found["needed"]) == ("short", "beds", 1.0)


def test_needs_of_two_sorts_are_not_added_up() -> None:
    layers = {"eldercare": stock(beds=[30, 10])}
    more = {"operator": ">=", "value": 400, "unit": "beds", "column": ["beds"]}
    found = row(layers, made(operator=">=", value=5, unit="facilities", also=[more]))
    assert (found["needs"], found["needed"]) == ("beds", 360.0)


def test_a_permission_with_a_part_that_is_missing_is_shown() -> None:
    layers = {"eldercare": stock(beds=[30, 10])}
    part = [{"layer": "elder_schools"}]
    rule = made(operator=">=", value=2, unit="facilities", also=part, role="standard", modal="可适当")
    assert row(layers, rule)["status"] == "shown"


def test_what_no_layer_shows_is_told_beside_a_part_that_is_missing() -> None:
    layers = {"eldercare": stock(beds=[30, 10])}
    found = row(layers, made(operator=">=", value=2, unit="facilities", also=[{"layer": "elder_schools"}],
                             unseen="opening hours", unseen_zh="开放时间"))  # fmt: skip
    assert found["status"] == "part"
    assert "开放时间" in found["reason"]
    assert "elder_schools" in found["reason"]


def test_both_ends_of_a_range_are_those_of_the_share() -> None:
    layers = {"eldercare": stock(beds=[30, 10])}
    rule = made(operator="range", value=4, value_max=8, unit="facilities")
    standard = Standard("town", "城", "Town", (rule,))
    found = st.audit(standard, layers, scope=0.5).table.iloc[0]
    assert (found["target"], found["target_max"], found["status"]) == (2.0, 4.0, "met")


def test_an_alternative_without_object_is_no_way_out() -> None:
    layers = {"communities": homes(build_status="existing", households=400), "eldercare": stock(beds=[1])}
    new = made(id="town.x.new", kind="beds_per_1000_elderly", value=5, operator=">=", unit="beds_per_1000_elderly",
               base="floating")  # fmt: skip
    layers["communities"]["floating"] = 0
    many = made(id="town.x.many", value=3, operator=">=", unit="facilities")
    either = made(id="town.x.either", kind="one_of", rules=[new.id, many.id])
    found = audited(layers, new, many, either).table.set_index("rule")["status"]
    assert found.to_dict() == {"town.x.new": "not_applicable", "town.x.many": "short", "town.x.either": "short"}


def test_districts_that_all_have_a_floor_above_the_number_keep_it() -> None:
    layers = {"communities": homes(), "districts": towns(), "eldercare": stock(floor_area=[300, 300, 300, 300])}
    rule = made(kind="min_floor_area", operator=">", value=200, unit="m2", applies_to="township")
    assert row(layers, rule)["status"] == "met"


def test_one_facility_for_each_of_nobody_has_no_object() -> None:
    layers = {"communities": homes(population=0), "eldercare": stock(beds=[1])}
    rule = made(kind="residents_per_facility", operator="per", value=20_000, unit="residents_per_facility")
    assert row(layers, rule)["status"] == "not_applicable"


def test_words_that_no_part_understands_are_told_beside_its_nought() -> None:
    layers = {"eldercare": stock(beds=[1, 1]), "elder_schools": stock(facility_type=["老年大学", "某某学堂"])}
    part = {"layer": "elder_schools", "facility_types": ["老年电视大学"], "value": 1, "operator": ">="}
    found = row(layers, made(operator=">=", value=1, unit="facilities", also=[part]))
    assert found["status"] == "short"
    assert "某某学堂" in found["basis"]


@pytest.mark.parametrize("dtype", [object, str])
def test_an_empty_layer_holds_nought_whatever_its_columns_are_made_of(dtype: type) -> None:
    empty = stock(beds=[1]).iloc[:0].astype({"beds": dtype})
    found = row({"eldercare": empty}, made(operator=">=", value=3, unit="beds", column=["beds"]))
    assert (found["value"], found["status"]) == (0.0, "short")


def test_a_table_that_names_districts_needs_no_places_to_have_nothing_in_them() -> None:
    table = pd.DataFrame({"facility_type": ["养老院", "养老院"], "district": ["A", "B"]}, index=["F0", "F1"])
    layers = {"communities": homes(), "districts": towns(), "eldercare": table}
    rule = made(kind="coverage_share", operator=">=", value=100, unit="percent", applies_to="township",
                facility_types=["老年食堂"])  # fmt: skip
    assert row(layers, rule)["value"] == 0.0
    there = row(layers, made(kind="coverage_share", operator=">=", value=100, unit="percent", applies_to="township",
                             facility_types=["养老院"]))  # fmt: skip
    assert there["status"] == "met"


@pytest.mark.parametrize("blank", [pd.NA, None])
def test_a_blank_flag_of_an_estate_is_no_flag_of_its_community(blank: object) -> None:
    marks = pd.array([True, blank, False, False], dtype="boolean" if blank is pd.NA else object)
    layers = {"communities": homes(community_area=["甲", "甲", "乙", "乙"], barrier_free=marks)}
    rule = made(kind="coverage_share", operator=">=", value=50, unit="percent", applies_to="community",
                layer="communities", part={"barrier_free": True})  # fmt: skip
    with pytest.raises(st.errors.LayerError, match='"barrier_free" is blank in 1 row'):
        audited(layers, rule)


def test_flags_written_as_objects_are_flags_of_a_community() -> None:
    marks = np.array([True, False, False, False], dtype=object)
    layers = {"communities": homes(community_area=["甲", "甲", "乙", "乙"], barrier_free=marks)}
    rule = made(kind="coverage_share", operator=">=", value=50, unit="percent", applies_to="community",
                layer="communities", part={"barrier_free": True})  # fmt: skip
    assert row(layers, rule)["value"] == 50.0


def test_numbers_of_two_units_have_no_change() -> None:
    one, other = (
        audited({"eldercare": stock(beds=[30, 10])}, rule)
        for rule in (
            made(operator=">=", value=2, unit="facilities"),
            made(operator=">=", value=2, unit="beds", column=["beds"]),
        )
    )
    assert one.compare(one)["change"].tolist() == [0.0]
    assert one.compare(other)["change"].isna().all()


def test_an_audit_of_districts_leaves_the_layers_as_they_were() -> None:
    layers = {"communities": homes(), "districts": towns(), "eldercare": stock(beds=[30, 10])}
    layers["eldercare"].attrs["source"] = "beds.csv"
    before = {name: frame.copy() for name, frame in layers.items()}
    judged = audited(layers, made(operator=">=", value=2, unit="facilities"), by="district")
    assert judged.parameters["layers"] == {"eldercare": "beds.csv"}
    for name, frame in before.items():
        pd.testing.assert_frame_equal(layers[name], frame)
        assert layers[name].attrs == frame.attrs


def test_a_table_without_places_leaves_the_other_rules_to_be_judged(
    sample: dict[str, Any], sample_network: st.Network
) -> None:
    """Circles cannot be walked to a plain table; rates and shares of its places can still be told."""
    bare = pd.DataFrame(sample["childcare"].drop(columns="geometry"))
    rules = st.load_standard("jinhua").select(rule=["childcare.service_radius", "places_per_1000.2025"])
    table = st.audit(rules, {**sample, "childcare": bare}, network=sample_network).table.set_index("rule")
    radius = table.loc["jinhua.childcare.service_radius"]
    assert (radius["status"], radius["reason"]) == ("no_data", "托育设施图层没有坐标或几何，无法计算距离和位置")
    assert table.loc["jinhua.childcare.places_per_1000.2025", "status"] == "short"


@pytest.mark.parametrize(
    ("unit", "by", "status"),
    [
        ("county", "county", "met"),
        ("county", "district", "shown"),
        ("prefecture", "county", "not_applicable"),
        ("prefecture", "district", "not_applicable"),
        ("township", "district", "met"),
        ("township", "county", "met"),
    ],
)
def test_a_rule_for_larger_units_than_the_part_is_shown_there(unit: str, by: str, status: str) -> None:
    squares = [
        *towns().geometry,
        box(499_950, 2_999_900, 500_350, 3_000_100),
        box(499_950, 2_999_900, 500_350, 3_000_100),
    ]
    districts = gpd.GeoDataFrame(
        {"level": ["township", "township", "county", "city"], "parent": ["C", "C", "P", ""], "name": [*"甲乙丙丁"]},
        index=[*"ABCP"], geometry=squares, crs=CRS,
    )  # fmt: skip
    care = stock(beds=[1, 1, 1, 1]).assign(district=["A", "A", "B", "B"])
    rule = made(kind="coverage_share", applies_to=unit, operator=">=", value=50, unit="percent")
    layers = {"districts": districts, "eldercare": care, "communities": homes()}
    table = audited(layers, rule, by=by).table if unit != "prefecture" else audited(
        {**layers, "eldercare": care.assign(district="P")}, rule, by=by).table  # fmt: skip
    parts = table[table["area"] != "all"]
    assert parts["area"].tolist() == (["C"] if by == "county" else ["A", "B"])
    assert set(parts["status"]) == {status}
    if status != "met":
        assert parts["reason_en"].iloc[0] == label("audit.whole_only", "en")


def test_each_part_of_a_clause_is_named_by_what_it_counts_its_level_or_its_marks() -> None:
    layers = {"eldercare": stock(beds=[30, 10], level=["city", "county"], public=[True, False])}

    def basis(**keys: Any) -> str:
        first = {"operator": ">=", "value": 1, "unit": "facilities"}
        text: str = row(layers, made(**first, also=[keys]))["basis_en"]
        return text.split("; ")[1]

    beds = basis(column=["beds"], unit="beds", value=40)
    assert beds.startswith("beds: ")
    assert "(public" in basis(where={"public": True}).lower()
    assert basis(where={"level": "city"}) != basis(where={"level": "county"})
    assert "(" in basis(where={"level": "city", "public": True}).partition(":")[0]
