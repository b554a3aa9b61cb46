"""What an audit looks up: once for what it depends on, and how far a rule reaches."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from shapely import Point, box

import siting as st
from siting.judge.layers.context import Context
from siting.judge.layers.rule_columns import Missing
from siting.judge.layers.walkers import Limit, limit_of, walk_message
from siting.judge.standards.conditions import key_of

RADIUS = st.Rule("x.a", "service_radius", "childcare", "甲", "A", unit="m", value=300.0, operator="<=")


def context(**layers: pd.DataFrame) -> Context:
    return Context(layers, None, None, {}, 300.0, 250.0)


@pytest.fixture
def town() -> Context:
    homes = gpd.GeoDataFrame(
        {"population": [10, 20, 30], "kind": ["estate", "estate", "park"]},
        index=["a", "b", "park"],
        geometry=[Point(500_000, 3_200_000), Point(500_300, 3_200_000), Point(500_301, 3_200_000)],
        crs=4549,
    )
    places = homes.iloc[[0, 0]].set_axis(["public", "private"]).assign(public=[True, False], places=[40, 60])
    return context(communities=homes, childcare=places)


def test_conditions_are_one_key_in_any_order() -> None:
    first = {"public": True, "kind": ["a", "b"], "any": ({"x": ">=1"}, {"y": False})}
    other = {"any": ({"x": ">=1"}, {"y": False}), "kind": ("a", "b"), "public": True}
    assert key_of(first) == key_of(other)
    assert hash(key_of(first)) == hash(key_of(other))
    assert key_of(first) != key_of({**first, "public": False})
    assert key_of({"kind": "a"}) != key_of({"kind": ("a",)}) != key_of({"kind": ("a", "b")})


def test_what_was_looked_up_is_kept(town: Context) -> None:
    made = []
    assert [town.cached(("key",), lambda: made.append(1) or "value") for _ in range(2)] == ["value", "value"]
    assert made == [1]
    assert replace(town, year=2025).cached(("key",), lambda: "another") == "value", "parts of an audit share it"
    assert context().cached(("key",), lambda: "another") == "another", "two audits do not"


def test_rows_that_count_are_told_apart_by_their_conditions(town: Context) -> None:
    rules = [replace(RADIUS, where=where) for where in ({"public": True}, {"public": False}, {})]
    assert [town.stock(rule).index.tolist() for rule in rules] == [["public"], ["private"], ["public", "private"]]
    assert town.stock(rules[0]) is town.stock(replace(RADIUS, where={"public": True}))


def test_a_search_is_made_once_for_a_limit(town: Context) -> None:
    reach = town.reach(RADIUS, Limit(metres=300.0), straight=True)
    assert town.reach(RADIUS, Limit(metres=300.0), straight=True) is reach
    assert town.reach(RADIUS, Limit(metres=299.0), straight=True) is not reach
    assert town.reach(replace(RADIUS, where={"public": True}), Limit(metres=300.0), straight=True) is not reach
    assert town.served(RADIUS, 300.0, straight=True).tolist() == [True, True, False]
    with pytest.raises(Missing, match="no_network"):
        town.served(RADIUS, 300.0)


def test_marks_that_are_handed_out_are_copies(town: Context) -> None:
    marks = town.ruled(RADIUS)
    assert marks.tolist() == [True, True, False]
    marks[:] = False
    assert town.ruled(RADIUS).tolist() == [True, True, False]


def test_limits_of_walks_and_rides() -> None:
    ride = replace(RADIUS, mode="bicycle", speed="15 km/h")
    assert limit_of(RADIUS, 15, minutes=True) == Limit(minutes=15)
    assert limit_of(ride, 15, minutes=True) == Limit(metres=15 * 250.0)
    assert limit_of(ride, 300, minutes=False) == Limit(metres=300)
    assert [Limit(metres=3.0).amount, Limit(minutes=5.0).amount, Limit().amount] == [3.0, 5.0, float("inf")]
    assert context().limit(RADIUS) == Limit(metres=300.0)
    assert context().limit(replace(RADIUS, minutes=5.0)) == Limit(minutes=5.0)
    assert [context().walk_of(replace(RADIUS, **given)) for given in ({}, {"metres": 500.0}, {"minutes": 5.0})] == [
        "300 m", "500 m", "5 min",
    ]  # fmt: skip


def test_messages_of_walks_lines_and_rides() -> None:
    assert walk_message("audit.beside", RADIUS, {"part": 1}) == ("audit.beside", {"part": 1})
    assert walk_message("audit.beside", replace(RADIUS, metric="straight"), {})[0] == "audit.beside_straight"
    key, values = walk_message("audit.beside", replace(RADIUS, mode="bicycle", speed="15 km/h"), {"part": 1})
    assert (key, values) == ("audit.beside_ride", {"part": 1, "mode": "bicycle", "speed": "15 km/h"})


def districts(**columns: list[object]) -> gpd.GeoDataFrame:
    squares = [box(500_000 + 1000 * i, 3_200_000, 501_000 + 1000 * i, 3_201_000) for i in range(4)]
    return gpd.GeoDataFrame(columns, index=["T1", "T2", "A", "B"], geometry=squares, crs=4549)


LEVELS = {"name": ["东街道", "西镇", "甲县", "乙县"], "level": ["subdistrict", "township", "county", "county"]}


def count(unit: str, **values: Any) -> st.Rule:
    return st.Rule("x.a", "count_per_area", "childcare", "甲", "A", operator=">=", value=1, applies_to=unit, **values)


def test_districts_of_each_level() -> None:
    whole = context(districts=districts(**LEVELS, parent=["A", "乙县", None, None]))
    assert whole.districts("township").index.tolist() == ["T1", "T2"]
    assert whole.districts("subdistrict").index.tolist() == ["T1"]
    assert whole.districts("county").index.tolist() == ["A", "B"]
    assert whole.districts("prefecture").empty
    with pytest.raises(Missing) as missing:
        whole.districts("village")
    assert missing.value.message == ("audit.no_unit", {"unit": "village"})
    with pytest.raises(Missing) as missing:
        whole.districts("")
    assert missing.value.message == ("audit.no_unit", {"unit": "applies_to"})


def test_districts_without_levels_are_townships() -> None:
    plain = context(districts=districts(name=["东街道", "西镇", "甲县", "乙县"], parent=["P", "P", "Q", "Q"]))
    assert plain.districts("township").index.tolist() == ["T1", "T2", "A", "B"]
    assert plain.districts("county").index.tolist() == ["P", "Q"]  # joined by their parent
    with pytest.raises(Missing) as missing:
        plain.districts("subdistrict")
    assert missing.value.message == ("audit.no_column", {"layer": "districts", "absent": "level"})


def test_the_county_of_a_township_is_given_by_id_or_by_a_name_that_one_has() -> None:
    whole = context(districts=districts(**LEVELS, parent=["A", "乙县", None, None]))
    assert whole.parents.to_dict() == {"T1": "A", "T2": "B"}
    twins = context(districts=districts(**{**LEVELS, "name": ["东街道", "西镇", "甲县", "甲县"]},
                                        parent=["A", "甲县", None, None]))  # fmt: skip
    assert twins.parents.to_dict() == {"T1": "A", "T2": "甲县"}  # two have the name: it stays as it is


def test_rows_are_counted_in_the_district_that_they_name_or_lie_in() -> None:
    places = [Point(500_500, 3_200_500), Point(500_600, 3_200_500), Point(502_500, 3_200_500)]
    care = gpd.GeoDataFrame({"floor_area": [100.0, 200.0, 300.0]}, index=[*"kmn"], geometry=places, crs=4549)
    whole = context(districts=districts(**LEVELS, parent=["A", "B", None, None]), childcare=care)
    towns, counties = whole.districts("township"), whole.districts("county")
    assert whole.inside(count("township"), "childcare", towns).to_dict() == {"T1": 2, "T2": 0}
    assert whole.inside(count("township"), "childcare", towns, ">=200").to_dict() == {"T1": 1, "T2": 0}
    assert whole.inside(count("county"), "childcare", counties).to_dict() == {"A": 3, "B": 0}  # T1 is A's, n lies in A
    named = context(districts=whole.layers["districts"], childcare=care.assign(district=["西镇", "T2", None]))
    assert named.inside(count("township"), "childcare", towns).to_dict() == {"T1": 0, "T2": 2}


def test_parts_of_an_area_hold_what_lies_in_their_townships() -> None:
    homes = gpd.GeoDataFrame({"population": [10, 20]}, index=["a", "b"],
                             geometry=[Point(500_500, 3_200_500), Point(501_500, 3_200_500)], crs=4549)  # fmt: skip
    whole = context(districts=districts(**LEVELS, parent=["A", "B", None, None]), communities=homes)
    parts = list(whole.areas("county", whole.parents))
    assert [(part.area, part.area_name, part.by) for part in parts] == [
        ("A", "甲县", "county"),
        ("B", "乙县", "county"),
    ]
    assert [part.layers["communities"].index.tolist() for part in parts] == [["a"], ["b"]]
    assert [part.layers["districts"].index.tolist() for part in parts] == [["T1", "A"], ["T2", "B"]]
    assert all(part.whole is whole for part in parts)


def test_residents_are_counted_by_households_where_only_these_are_known() -> None:
    homes = pd.DataFrame({"households": [100, 200]}, index=["a", "b"])
    counted = replace(context(communities=homes), household_size=2.5)
    assert counted.heads("population").tolist() == [250, 500]
    assert counted.heads("households").tolist() == [100, 200]
    assert replace(counted, layers={"communities": homes.assign(population=7)}).heads("population").tolist() == [7, 7]
    with pytest.raises(Missing):
        context(communities=homes).heads("population")


def test_an_empty_layer_of_communities_is_missing_and_an_empty_service_is_none(town: Context) -> None:
    empty = context(communities=town.layers["communities"].iloc[:0], childcare=town.layers["childcare"].iloc[:0])
    with pytest.raises(Missing) as missing:
        empty.layer("communities")
    assert missing.value.message == ("audit.no_layer", {"layer": "communities"})
    assert len(empty.layer("childcare")) == 0
    assert len(replace(empty, whole=town).layer("communities")) == 0  # a part of an area may have none


def test_columns_are_added_up_and_rows_are_counted_where_there_is_none(town: Context) -> None:
    frame = town.layers["childcare"].assign(inclusive_places=[1, 2])
    both = replace(town, layers={**town.layers, "childcare": frame})
    assert both.amount(frame, "childcare", ("places", "inclusive_places")) == 103
    assert both.amount(frame, "childcare", ()) == 2
    with pytest.raises(Missing) as missing:
        both.amount(frame, "childcare", ("beds",))
    assert missing.value.message == ("audit.no_column", {"layer": "childcare", "absent": "beds"})


def test_the_share_of_the_user_comes_before_that_of_the_rule(town: Context) -> None:
    given = replace(town, shares={"x.a": 0.5})
    assert [each.share(replace(RADIUS, share=0.9)) for each in (town, given)] == [0.9, 0.5]
    with pytest.raises(Missing) as missing:
        town.share(RADIUS)
    assert missing.value.message == ("audit.no_share", {"rule": "x.a"})


def test_rows_without_townships_to_go_by_are_counted_where_they_lie() -> None:
    whole = context(districts=districts(**LEVELS).iloc[2:], childcare=gpd.GeoDataFrame(
        {"floor_area": [1.0, 1.0]}, index=[*"kn"], geometry=[Point(502_500, 3_200_500)] * 2, crs=4549))  # fmt: skip
    counties = whole.districts("county")
    assert whole.inside(count("county"), "childcare", counties).to_dict() == {"A": 2, "B": 0}


def test_a_table_without_places_cannot_be_counted_in_a_city() -> None:
    city = districts(**{**LEVELS, "level": ["city", "city", "county", "county"]})
    named = pd.DataFrame({"district": ["T1", "T1"]}, index=[*"kn"])
    whole = context(districts=city, childcare=named)
    with pytest.raises(Missing) as missing:
        whole.inside(count("prefecture"), "childcare", whole.districts("prefecture"))
    assert missing.value.message == ("audit.no_geometry", {"layer": "childcare"})


def test_facilities_are_counted_in_the_city_that_they_lie_in() -> None:
    city = districts(**{**LEVELS, "level": ["city", "city", "county", "county"]})
    care = gpd.GeoDataFrame(geometry=[Point(500_500, 3_200_500)] * 2, index=[*"kn"], crs=4549)
    whole = context(districts=city, childcare=care)
    cities = whole.districts("prefecture")
    assert whole.inside(count("prefecture"), "childcare", cities).to_dict() == {"T1": 2, "T2": 0}
    none = context(districts=city, childcare=pd.DataFrame({"district": []}))
    assert none.inside(count("prefecture"), "childcare", cities).to_dict() == {"T1": 0, "T2": 0}


def test_a_row_off_the_streets_is_warned_of_in_one_sentence(caplog: pytest.LogCaptureFixture) -> None:
    """Rules take different rows of a layer; each row is placed once, with all of the layer."""
    layers = dict(st.load_sample())
    far = layers["childcare"].copy()
    far.loc[far.index[0], "geometry"] = shapely.transform(far.geometry.iloc[0], lambda xy: xy + 3000)
    layers["childcare"] = far
    standard = st.load_standard("jinhua").select(service="childcare", year=2025)
    network = st.Network.from_streets(layers["streets"])
    caplog.clear()
    st.audit(standard, layers, network=network, shares={"jinhua.childcare.circle_15min": 0.9})
    said = [record.getMessage() for record in caplog.records if record.name == "siting.network.snapping"]
    said = [text for text in said if str(far.index[0]) in text and text.startswith("childcare")]
    assert len(said) == 1
    assert f"of {len(far)}" in said[0]
