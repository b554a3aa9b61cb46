"""Each kind of rule on layers so small that every number can be worked out by hand.

The town is a lattice of 100 m blocks, so that the walk between two crossings is the sum of their differences.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely

import siting as st
from siting.judge.indicators.comparison import least

Layers = dict[str, gpd.GeoDataFrame]


def standard(*rules: st.Rule) -> st.Standard:
    return st.Standard(name="demo", title_zh="示范", title_en="Demo", rules=rules)


def rule(kind: str, **values: Any) -> st.Rule:
    given = {"service": "childcare", "indicator_zh": "甲", "indicator_en": "a", "operator": ">="}
    return st.Rule(**{"id": "r", "kind": kind, **given, **values})


def judge(one: st.Rule, layers: Layers, **options: Any) -> pd.DataFrame:
    return st.audit(standard(one), layers, **options).table


def judged(one: st.Rule, layers: Layers, **options: Any) -> dict[str, Any]:
    """The only row that a rule gives."""
    table = judge(one, layers, **options)
    assert len(table) == 1
    return dict(table.iloc[0])


@pytest.fixture
def town(layer: Callable[..., gpd.GeoDataFrame]) -> Layers:
    """A point at the corner; homes at 0, 300, 400 (283 straight) and 1000 (707 straight) metres from it."""
    homes = layer(
        {"a": (0, 0), "b": (300, 0), "c": (200, 200), "d": (500, 500)},
        population=[1000, 500, 300, 200],
        infants=[10, 20, 30, 40],
        elderly=[400, 300, 200, 100],
        siting_difficult=[False, False, True, False],
        low_demand=[False, False, False, True],
        kind=["estate", "estate", "estate", "estate"],
        build_status=["new", "existing", "new", "new"],
        employees=[0, 0, 0, 0],
    )
    care = layer({"k": (0, 0)}, places=[8], inclusive_places=[3])
    return {"communities": homes, "childcare": care}


def columns(table: pd.DataFrame, *names: str) -> list[list[Any]]:
    return [table[name].tolist() for name in names]


# Radii and circles


RADIUS = rule("service_radius", operator="<=", value=300.0, unit="m")


def test_a_radius_counts_people_and_communities_on_streets_and_straight(town: Layers, town_network: st.Network) -> None:
    table = judge(RADIUS, town, network=town_network)
    # people, then communities: a and b have 10 + 20 of 100 children; c is 283 m away as the crow flies
    assert columns(table, "value", "straight", "needed", "gap") == [[30, 50], [60, 75], [70, 2], [70, 50]]
    assert columns(table, "status", "target", "operator") == [["short"] * 2, [100, 100], [">=", ">="]]
    assert columns(table, "unit", "metric") == [["percent"] * 2, ["streets"] * 2]
    assert table["basis"].tolist()[0] == "300 米内的3岁以下婴幼儿"
    assert table["basis_en"].str.lower().tolist() == ["children under 3 within 300 m", "communities within 300 m"]


def test_a_share_that_the_rule_or_the_user_gives_stands_for_all(town: Layers, town_network: st.Network) -> None:
    half = rule("service_radius", operator="<=", value=300.0, unit="m", share=0.5)
    assert columns(judge(half, town, network=town_network), "status", "needed") == [["short", "met"], [20, 0]]
    table = judge(RADIUS, town, network=town_network, shares={"r": 0.6})
    assert columns(table, "target", "needed") == [[60, 60], [30, 1]]  # 60 % of 4 communities are 3


def test_elder_care_counts_elders(town: Layers, town_network: st.Network) -> None:
    layers = {"communities": town["communities"], "eldercare": town["childcare"].rename(columns={"places": "beds"})}
    one = rule("service_radius", service="eldercare", operator="<=", value=300.0, unit="m")
    assert columns(judge(one, layers, network=town_network), "value", "straight") == [[70, 50], [90, 75]]


def test_another_service_counts_residents(town: Layers, town_network: st.Network) -> None:
    layers = {"communities": town["communities"], "culture": town["childcare"]}
    one = rule("service_radius", service="culture", operator="<=", value=300.0, unit="m")
    assert columns(judge(one, layers, network=town_network), "value", "straight") == [[75, 50], [90, 75]]


RELAXED = rule("service_radius", operator="range", value=500.0, value_max=800.0, otherwise=300.0, unit="m")


def test_a_relaxed_radius_holds_for_marked_communities(town: Layers, town_network: st.Network) -> None:
    table = judge(RELAXED, town, network=town_network)
    # c is marked and 400 m away; d is marked and 1000 m on streets, 707 m straight; both ends of the range are there
    assert columns(table, "value", "straight") == [[60, 75, 60, 75], [60, 75, 100, 100]]
    assert columns(table, "status", "needed") == [["short"] * 4, [40, 1, 40, 1]]
    assert "标注为“布点困难”或“需求较低”的 2 个小区放宽至 500 米" in table["basis"].iloc[0]
    assert "800" in table["basis"].iloc[3]
    table = judge(RELAXED, town, network=town_network, shares={"r": 0.6})
    assert table["status"].tolist() == ["met"] * 4


def test_without_marks_the_relaxed_radius_is_the_ordinary_one(town: Layers, town_network: st.Network) -> None:
    town["communities"] = town["communities"].assign(siting_difficult=False, low_demand=False)
    table = judge(RELAXED, town, network=town_network)
    assert columns(table, "value", "straight") == [[30, 50] * 2, [60, 75] * 2]


CIRCLE = rule("service_time", operator="<=", value=15.0, unit="min")


def test_a_circle_in_minutes_depends_on_who_walks(town: Layers, town_network: st.Network) -> None:
    def circle(**options: Any) -> pd.DataFrame:
        return judge(CIRCLE, town, network=town_network, shares={"r": 0.6}, **options)

    carer = circle()  # 64 m/min: 960 m
    assert columns(carer, "value", "straight") == [[60, 75], [100, 100]]
    assert carer["status"].tolist() == ["met", "met"]  # 60 of 60 % is enough
    assert "64 m/min" in carer["basis_en"].iloc[0]
    adult = circle(walk=st.Walk.adult())  # 1200 m
    assert adult["value"].tolist() == [100, 100]
    slow = circle(walk={"childcare": st.Walk(20.0), "eldercare": st.Walk(80)})  # 300 m
    assert columns(slow, "value", "straight") == [[30, 50], [60, 75]]
    assert "20 米/分钟" in slow["basis"].iloc[0]


def test_a_limit_is_inclusive(town: Layers, town_network: st.Network) -> None:
    # b is 300 m away: 300 m and 300 / 64 minutes hold it, a millimetre less does not
    for one in (RADIUS, rule("service_time", operator="<=", value=300 / 64, unit="min", share=1.0)):
        assert judge(one, town, network=town_network)["value"].iloc[0] == 30
    for one in (
        rule("service_radius", operator="<=", value=299.999, unit="m"),
        rule("service_time", operator="<=", value=299.999 / 64, unit="min", share=1.0),
    ):
        assert judge(one, town, network=town_network)["value"].iloc[0] == 10


def test_a_closed_workplace_covers_nobody(town: Layers, town_network: st.Network) -> None:
    town["childcare"] = town["childcare"].assign(open_to_neighbours=False)
    assert judge(RADIUS, town, network=town_network)["value"].tolist() == [0, 0]
    town["childcare"] = town["childcare"].assign(open_to_neighbours=True)
    assert judge(RADIUS, town, network=town_network)["value"].tolist() == [30, 50]


def test_only_the_types_that_count(
    town: Layers, town_network: st.Network, layer: Callable[..., gpd.GeoDataFrame]
) -> None:
    town["childcare"] = layer({"k": (0, 0), "p": (500, 500)}, places=[8, 8], facility_type=["托育机构", "家庭托育点"])
    one = rule("service_radius", operator="<=", value=300.0, unit="m", facility_types=("托育机构",))
    assert judge(one, town, network=town_network)["value"].iloc[0] == 30
    every = rule("service_radius", operator="<=", value=300.0, unit="m")
    assert judge(every, town, network=town_network)["value"].iloc[0] == 70
    none = rule("service_radius", operator="<=", value=300.0, unit="m", facility_types=("驿站",))
    people, communities = judge(none, town, network=town_network)["value"]
    assert (people, communities) == (0, 0)


def test_types_are_asked_for_where_the_layer_has_none(town: Layers, town_network: st.Network) -> None:
    """A layer that does not tell types cannot be judged by types: nothing is counted that may not count."""
    one = rule("service_radius", operator="<=", value=300.0, unit="m", facility_types=("托育机构",))
    row = judged(one, town, network=town_network)
    assert (row["status"], math.isnan(row["value"])) == ("no_data", True)
    assert row["reason"] == "托育设施图层缺少字段：设施类型（facility_type）"
    assert row["reason_en"] == "column missing in Childcare facilities: type (facility_type)"


# Rates


def rate(**values: Any) -> st.Rule:
    return rule(
        "places_per_1000_residents", **{"value": 4.5, "unit": "places_per_1000_residents", "column": "places", **values}
    )


def test_places_per_1000_residents(town: Layers) -> None:
    row = judged(rate(), town)  # 8 places for 2000 residents; 4.5 per 1000 are 9
    assert (row["value"], row["target"], row["status"], row["needed"], row["gap"]) == (4, 4.5, "short", 1, 0.5)
    assert (row["unit"], row["metric"], row["area"]) == ("places_per_1000_residents", "", "all")
    town["communities"].loc["a", "population"] = 1001  # 9.0045 places are 10
    assert judged(rate(), town)["needed"] == 2
    town["communities"].loc["a", "population"] = 1000
    town["childcare"].loc["k", "places"] = 9
    row = judged(rate(), town)
    assert (row["value"], row["status"], row["needed"], row["gap"]) == (4.5, "met", 0, 0)
    town["childcare"].loc["k", "places"] = 100
    assert judged(rate(), town)["needed"] == 0


def test_beds_by_elderly(town: Layers) -> None:
    town["eldercare"] = town["childcare"].assign(beds=20, cognitive_beds=1, rehab_beds=5)
    per_10000 = rule(
        "ratio_per_10000_elderly",
        service="eldercare",
        value=20.0,
        column="cognitive_beds",
        unit="beds_per_10000_elderly",
    )
    row = judged(per_10000, town)  # 1 bed for 1000 elders
    assert (row["value"], row["needed"], row["status"]) == (10, 1, "short")
    per_1000 = rule("beds_per_1000_elderly", service="eldercare", value=5.5, column="rehab_beds")
    row = judged(per_1000, town)  # 5 of 5.5
    assert (row["value"], row["needed"], row["status"]) == (5, 1, "short")


def test_beds_of_institutions_only(town: Layers, layer: Callable[..., gpd.GeoDataFrame]) -> None:
    town["eldercare"] = layer(
        {"x": (0, 0), "y": (0, 0)}, beds=[10, 10], cognitive_beds=[1, 7], facility_type=["养老机构", "照料中心"]
    )
    one = rule(
        "ratio_per_10000_elderly",
        service="eldercare",
        value=20.0,
        column="cognitive_beds",
        facility_types=("养老机构",),
    )
    assert judged(one, town)["value"] == 10


# Shares of a stock


def composition(percent: float, operator: str = ">=") -> st.Rule:
    return rule("composition_share", value=percent, operator=operator, column="inclusive_places", unit="percent")


def stock(town: Layers, part: int, whole: int) -> Layers:
    return {"childcare": town["childcare"].assign(places=whole, inclusive_places=part)}


def test_a_share_of_the_stock_by_converting_and_by_adding(town: Layers) -> None:
    row = judged(composition(60), stock(town, 40, 100))
    assert (row["value"], row["target"], row["gap"], row["needed"]) == (40, 60, 20, 20)
    assert row["reason"] == "现有托位转为普惠托位，还需 20 个；若只新增普惠托位，则需 50 个"  # (60 - 40) / (1 - 0.6)
    assert row["reason_en"] == "20 more inclusive places by converting present places, or 50 by adding only such"
    # 0.58 of 1847 are 1071.26, so 1072: 39 more than 1033; adding: 38.26 / 0.42 = 91.1, so 92
    row = judged(composition(58), stock(town, 1033, 1847))
    assert (row["needed"], row["reason_en"]) == (
        39,
        "39 more inclusive places by converting present places, or 92 by adding only such",
    )


def test_all_of_the_stock_cannot_be_had_by_adding(town: Layers) -> None:
    row = judged(composition(100), stock(town, 40, 100))
    assert row["needed"] == 60
    assert row["reason_en"] == "60 more inclusive places by converting present places"


@pytest.mark.parametrize(
    ("operator", "statuses", "needed", "gaps"),
    [  # for 59, 60 and 61 of 100
        (">=", ["short", "met", "met"], [1, 0, 0], [1, 0, 0]),
        (">", ["short", "short", "met"], [2, 1, 0], [1, 0, 0]),
        ("=", ["short", "met", "short"], [1, 0, 0], [1, 0, 1]),
        ("<=", ["met", "met", "short"], [0, 0, None], [0, 0, 1]),
        ("<", ["met", "short", "short"], [0, None, None], [0, 0, 1]),
    ],
)
def test_operators_at_equality(
    town: Layers, operator: str, statuses: list[str], needed: list[int | None], gaps: list[int]
) -> None:
    rows = [judged(composition(60, operator), stock(town, part, 100)) for part in (59, 60, 61)]
    assert [row["status"] for row in rows] == statuses
    # what is too much by a ceiling is no need
    assert [None if math.isnan(row["needed"]) else row["needed"] for row in rows] == needed
    assert [row["gap"] for row in rows] == gaps


def test_two_fifths_of_forty_are_sixteen(town: Layers) -> None:
    row = judged(composition(40), stock(town, 16, 40))
    assert (row["status"], row["needed"], row["gap"]) == ("met", 0, 0)
    row = judged(composition(58), stock(town, 29, 50))  # 100 * 29 / 50 is 57.99999999999999 in binary
    assert (row["status"], row["needed"]) == ("met", 0)


@pytest.mark.slow
def test_rounding_up_is_exact_for_every_percentage() -> None:
    for whole in [*range(1, 121), 999_999, 14_000_000, 1_400_000_000]:
        for tenths in range(1, 1001):
            exact = Fraction(tenths, 1000) * whole
            assert least(tenths / 10 / 100 * whole) == math.ceil(exact)
            assert least(tenths / 10 / 100 * whole, ">") == math.floor(exact) + 1


def test_a_share_of_facilities_that_carry_a_mark(town: Layers, layer: Callable[..., gpd.GeoDataFrame]) -> None:
    centres = layer(
        {"w": (0, 0), "x": (0, 0), "y": (0, 0), "z": (0, 0)},
        beds=[1] * 4,
        linked=[True, False, True, True],
        facility_type=["居家中心"] * 3 + ["养老机构"],
    )
    one = rule(
        "coverage_share",
        service="eldercare",
        value=70.0,
        part={"linked": True},
        facility_types=("居家中心",),
        applies_to="centre",
    )
    row = judged(one, {"eldercare": centres})  # 2 of 3; 70 % of 3 are 2.1, so 3
    assert (row["value"], row["needed"], row["status"]) == (pytest.approx(66.666666667), 1, "short")
    assert row["basis"] == "3 处居家中心中，符合本条的有 2 处"
    assert row["needs"] == "facilities"
    use = rule("utilisation_share", service="eldercare", value=75.0, part={"linked": True})
    row = judged(use, {"eldercare": centres})  # 3 of 4, whatever their type
    assert (row["value"], row["status"], row["needs"]) == (75, "met", "facilities")


# Townships


def townships(n: int, **columns: Any) -> gpd.GeoDataFrame:
    """`n` squares of 100 m in a row."""
    squares = [shapely.box(530_000 + 100 * k, 3_380_000, 530_000 + 100 * (k + 1), 3_380_100) for k in range(n)]
    frame = gpd.GeoDataFrame({"name": [f"镇{k}" for k in range(n)], **columns}, geometry=squares, crs="EPSG:4547")
    frame.index = pd.Index([f"t{k:02}" for k in range(n)], name="id")
    return frame


def covered(**values: Any) -> st.Rule:
    return rule("coverage_share", **{"value": 50.0, "unit": "percent", "applies_to": "township", **values})


def test_fifteen_of_thirty_two_townships(layer: Callable[..., gpd.GeoDataFrame]) -> None:
    points = layer({f"k{k}": (100 * k + 50, 50) for k in range(15)} | {"more": (20, 20)}, places=[1] * 16)
    row = judged(covered(), {"districts": townships(32), "childcare": points})
    assert (row["value"], row["needed"], row["status"], row["gap"]) == (46.875, 1, "short", 3.125)
    assert row["reason"].startswith("尚无设施：镇15、镇16")
    assert row["reason"].count("镇") == 17
    assert "15" in row["basis"]


def test_all_townships_are_covered(layer: Callable[..., gpd.GeoDataFrame]) -> None:
    points = layer({"k": (50, 50), "m": (150, 50)}, places=[1, 1])
    row = judged(covered(value=100.0), {"districts": townships(2), "childcare": points})
    assert (row["value"], row["status"], row["needed"], row["reason"]) == (100, "met", 0, "")


def test_layers_in_degrees_are_brought_together(layer: Callable[..., gpd.GeoDataFrame]) -> None:
    points = layer({"k": (50, 50)}, places=[1]).to_crs("EPSG:4490")
    assert judged(covered(), {"districts": townships(2), "childcare": points})["value"] == 50


def test_counties_are_no_townships(layer: Callable[..., gpd.GeoDataFrame]) -> None:
    districts = townships(4, level=["township", "subdistrict", "county", "city"])
    points = layer({"k": (50, 50), "m": (250, 50), "n": (350, 50)}, places=[1] * 3)
    row = judged(covered(), {"districts": districts, "childcare": points})
    assert (row["value"], row["reason_en"]) == (50, "without a facility: 镇1")
    row = judged(covered(), {"districts": districts.iloc[2:], "childcare": points})
    assert row["status"] == "not_applicable"
    assert row["reason"]


def test_a_share_of_townships_that_only_the_user_gives(layer: Callable[..., gpd.GeoDataFrame]) -> None:
    layers = {"districts": townships(2), "childcare": layer({"k": (50, 50)}, places=[1])}
    row = judged(covered(value=None), layers)
    assert (row["status"], row["reason_en"]) == ("no_number", "the document prints no share; set one in shares")
    row = judged(covered(value=None), layers, shares={"r": 1})
    assert (row["value"], row["target"], row["needed"], row["status"]) == (50, 100, 1, "short")


# Facilities beside estates, communities and parks


def test_new_estates_with_a_facility_beside_them(town: Layers, town_network: st.Network) -> None:
    one = rule("coverage_share", value=100.0, unit="percent", applies_to="new_residential")
    row = judged(one, town, network=town_network)  # new: a at 0 m, c at 400 m, d at 1000 m
    assert (row["value"], row["needed"], row["target"]) == (pytest.approx(100 / 3), 2, 100)
    assert (row["metric"], row["needs"]) == ("streets", "communities")
    assert row["reason_en"] == "without a facility: c, d"
    assert judged(one, town, network=town_network, beside=400)["needed"] == 1
    part = rule("coverage_share", value=60.0, unit="percent", applies_to="new_residential")
    row = judged(part, town, network=town_network, beside=400)  # 2 of 3
    assert (row["status"], row["target"]) == ("met", 60)
    town["communities"]["kind"] = ["estate", "estate", "village", "park"]
    assert judged(one, town, network=town_network)["value"] == 100  # new, but no estates: c and d
    town["childcare"] = town["childcare"].assign(open_to_neighbours=False)
    assert judged(one, town, network=town_network)["value"] == 0


def trigger(residents: float) -> st.Rule:
    return rule("population_trigger", value=residents, unit="residents", applies_to="community")


def test_communities_of_some_size_with_a_facility_beside_them(town: Layers, town_network: st.Network) -> None:
    row = judged(trigger(500.0), town, network=town_network)  # a (1000) and b (500): 0 and 300 m
    assert (row["value"], row["target"], row["status"], row["unit"]) == (2, 2, "met", "facilities")
    row = judged(trigger(500.0), town, network=town_network, beside=200)
    assert (row["value"], row["needed"], row["needs"], row["reason_en"]) == (1, 1, "facilities", "short: b")
    town["communities"]["kind"] = ["estate", "park", "estate", "estate"]
    row = judged(trigger(500.0), town, network=town_network, beside=200)
    assert (row["value"], row["target"]) == (1, 1)  # a park has a rule of its own


def test_no_community_of_that_size(town: Layers, town_network: st.Network) -> None:
    row = judged(trigger(5000.0), town, network=town_network)
    assert row["status"] == "not_applicable"
    assert row["reason"] == "无达到配建门槛的小区，本条不适用"
    assert row["basis"].startswith("0 个小区应配")
    assert math.isnan(row["value"])


PARKS = rule("employees_per_facility", operator="per", value=10_000.0, unit="employees_per_facility")


@pytest.fixture
def parks(layer: Callable[..., gpd.GeoDataFrame]) -> Layers:
    """Parks of 9,999, 10,000 and 29,999 employees; one closed facility at each of the last two."""
    homes = layer(
        {"p": (0, 0), "q": (500, 0), "r": (0, 500), "home": (500, 500)},
        population=[0, 0, 0, 9],
        infants=[0, 0, 0, 1],
        kind=["park", "park", "park", "estate"],
        employees=[9_999, 10_000, 29_999, 50_000],
    )
    care = layer({"x": (500, 100), "y": (0, 500), "z": (300, 300)}, places=[1, 1, 1], open_to_neighbours=[False] * 3)
    return {"communities": homes, "childcare": care}


def test_parks_owe_a_facility_for_each_ten_thousand(parks: Layers, town_network: st.Network) -> None:
    row = judged(PARKS, parks, network=town_network)  # owed 0 + 1 + 2, had 1 + 1; z is 500 m from every park
    assert (row["value"], row["target"], row["needed"], row["status"]) == (2, 3, 1, "short")
    assert (row["unit"], row["metric"]) == ("facilities", "streets")
    row = judged(PARKS, parks, network=town_network, beside=500)
    assert (row["value"], row["needed"], row["status"]) == (3, 0, "met")  # z is one more for each


def test_a_facility_too_many_at_one_park_is_none_at_another(parks: Layers, town_network: st.Network) -> None:
    parks["childcare"] = parks["childcare"].set_geometry(
        [parks["communities"].geometry["q"]] * 3, crs=parks["childcare"].crs
    )
    row = judged(PARKS, parks, network=town_network)
    assert (row["value"], row["target"], row["needed"]) == (1, 3, 2)


def test_rules_of_one_audit_do_not_share_what_differs(
    parks: Layers, town_network: st.Network, layer: Callable[..., gpd.GeoDataFrame]
) -> None:
    """The same walk for two rules, but other facilities: open ones, all, and those of one type."""
    parks["communities"] = pd.concat(
        [parks["communities"], layer({"below": (500, 0), "left": (0, 500)}, population=[1, 1], infants=[1, 2],
                                     kind=["estate"] * 2, employees=[0, 0])]
    )  # fmt: skip
    parks["childcare"]["facility_type"] = ["托育机构", "托育机构", "驿站"]
    parks["childcare"]["open_to_neighbours"] = [True, False, True]
    open_ones = rule("service_radius", operator="<=", value=300.0, unit="m")
    typed = rule("service_radius", id="typed", operator="<=", value=300.0, unit="m", facility_types=("驿站",))
    owed = rule("employees_per_facility", id="parks", operator="per", value=10_000.0)
    for rules in ((open_ones, typed, owed), (owed, typed, open_ones)):
        table = st.audit(standard(*rules), parks, network=town_network).table.set_index("rule")
        assert table.loc["parks", "value"] == 2
        # of the homes `below` is 100 m from x; y is closed to `left`; `home` is 400 m from x and from z
        assert table.loc["r", "value"].tolist() == pytest.approx([25, 100 / 3])
        assert table.loc["typed", "value"].tolist() == [0, 0]


def test_no_park_owes_anything(parks: Layers, town_network: st.Network) -> None:
    parks["communities"]["employees"] = 9_999
    row = judged(PARKS, parks, network=town_network)
    assert math.isnan(row["value"])
    assert row["status"] == "not_applicable"
    assert row["reason_en"] == "none of the industrial parks reaches the threshold of this rule, so it does not apply"
    assert row["basis_en"].startswith("0 industrial parks owe 0 facilities")


@pytest.mark.parametrize("operator", ["per", ""])
def test_an_operator_that_a_kind_cannot_judge_reads_na(town: Layers, operator: str) -> None:
    row = judged(dataclasses.replace(composition(60), operator=operator, value_max=70.0), stock(town, 65, 100))
    assert row["status"] == "no_data"
    assert f'"{operator}"' in row["reason_en"]


def test_parks_without_their_employees_are_refused(parks: Layers, town_network: st.Network) -> None:
    parks["communities"]["employees"] = [9_999.0, math.nan, 29_999.0, math.nan]
    with pytest.raises(st.errors.LayerError, match='communities: "employees" is blank in 1 row: "q"'):
        judged(PARKS, parks, network=town_network)


# What is missing, zero or blank


@pytest.mark.parametrize(
    ("one", "without", "reason", "reason_en"),
    [
        (RADIUS, "communities", "缺少图层：小区（含村、园区）", "layer missing: Communities"),
        (RADIUS, "childcare", "缺少图层：托育设施", "layer missing: Childcare facilities"),
        (RADIUS, "network", "缺少道路网络", "no street network given"),
        (
            RADIUS,
            "communities.infants",
            "小区（含村、园区）图层缺少字段：3岁以下婴幼儿（infants）",
            "column missing in Communities: under 3 (infants)",
        ),
        (
            CIRCLE,
            "share",
            "文件未给出比例，请在研究配置文件中为这一条设定比例",
            "the document prints no share; set one in shares",
        ),
        (RELAXED, "communities.low_demand", "字段：需求较低（low_demand）", "low demand"),
        (rate(), "childcare.places", "托育设施图层缺少字段：托位", "column missing in Childcare facilities: places"),
        (rate(), "communities.population", "常住人口（population）", "residents (population)"),
        (rate(value=None), "", "文件未定数值", "the document prints no number"),
        (
            rule("service_radius", operator="range", value=500.0, value_max=800.0, unit="m"),
            "",
            "文件未定数值",
            "the document prints no number",
        ),
        (composition(60), "childcare.inclusive_places", "普惠托位", "inclusive places"),
        (composition(60), "childcare.places", "字段：托位", "column missing in Childcare facilities: places"),
        (covered(), "districts", "缺少图层：街道（乡镇）", "layer missing: Districts"),
        (
            rule("coverage_share", value=100.0, applies_to="new_residential"),
            "communities.build_status",
            "建设状态（build_status）",
            "status (build_status)",
        ),
        (PARKS, "communities.employees", "从业人员（employees）", "employees (employees)"),
        (rule("timetable"), "", "尚不能计算此类规则：timetable", "rules of this kind are not computed: timetable"),
    ],
)
def test_what_is_missing_is_named(
    town: Layers, town_network: st.Network, one: st.Rule, without: str, reason: str, reason_en: str
) -> None:
    layers = dict(town)
    name, _, column = without.partition(".")
    if column:
        layers[name] = layers[name].drop(columns=column)
    else:
        layers.pop(name, None)
    row = judged(one, layers, network=None if without == "network" else town_network)
    assert row["status"] == ("no_number" if reason.startswith(("文件未给出", "文件未定")) else "no_data")
    assert reason in row["reason"]
    assert reason_en in row["reason_en"]
    assert all(math.isnan(row[key]) for key in ("value", "gap", "needed"))


def test_an_empty_layer_has_nothing_in_it_and_nobody_is_missing(town: Layers) -> None:
    row = judged(rate(), {**town, "childcare": town["childcare"].iloc[:0]})  # no facility at all: a fact
    assert (row["value"], row["needed"], row["status"]) == (0, 9, "short")
    row = judged(rate(), {**town, "communities": town["communities"].iloc[:0]})
    assert (row["status"], "缺少图层" in row["reason"]) == ("no_data", True)


def test_no_facility_covers_nobody(town: Layers, town_network: st.Network) -> None:
    """Nothing is there, which is known: 0, and all of it is needed."""
    town["childcare"] = town["childcare"].iloc[:0]
    table = judge(RADIUS, town, network=town_network)
    assert columns(table, "value", "needed", "status") == [[0, 0], [100, 4], ["short"] * 2]
    assert judge(CIRCLE, town, network=town_network, shares={"r": 0.5})["needed"].tolist() == [50, 2]
    for one, needed in (
        (rule("coverage_share", value=100.0, applies_to="new_residential"), 3),
        (trigger(500.0), 2),
        (rule("count_target", value=3.0, unit="facilities"), 3),
        (rule("count_target", value=30.0, unit="places", column="places"), 30),
        (covered(), 1),  # half of two townships
    ):
        row = judged(one, {**town, "districts": townships(2)}, network=town_network)
        assert (row["value"], row["needed"], row["status"]) == (0, needed, "short"), one.kind
    row = judged(composition(60), town)
    assert (row["status"], row["reason_en"]) == ("not_applicable", "there are no places, so it does not apply")


def test_nobody_and_nowhere_are_missing(town: Layers, town_network: st.Network) -> None:
    nobody = {**town, "communities": town["communities"].iloc[:0]}
    for one in (RADIUS, CIRCLE, trigger(500.0), PARKS):
        row = judged(one, nobody, network=town_network, **({"shares": {"r": 0.9}} if one is CIRCLE else {}))
        assert (row["status"], row["reason_en"]) == ("no_data", "layer missing: Communities"), one.kind
    row = judged(covered(), {**town, "districts": townships(2).iloc[:0]})
    assert (row["status"], row["reason_en"]) == ("no_data", "layer missing: Districts")


@pytest.mark.slow
def test_nothing_to_divide_by_is_no_number(town: Layers, town_network: st.Network) -> None:
    """Row 18: n/a, never infinity."""
    nobody = town["communities"].assign(population=0, infants=0, elderly=0)
    layers = {
        "communities": nobody,
        "childcare": town["childcare"].assign(places=0, inclusive_places=0),
        "districts": townships(1, level=["county"]),
        "eldercare": town["childcare"].assign(beds=0, nursing_beds=0, rehab_beds=3, cognitive_beds=3),
    }
    rules = [
        rate(), composition(60), covered(), RADIUS, RELAXED,
        rule("beds_per_1000_elderly", service="eldercare", value=5.0, column="rehab_beds"),
        rule("ratio_per_10000_elderly", service="eldercare", value=5.0, column="cognitive_beds"),
        rule("composition_share", service="eldercare", value=58.0, column="nursing_beds"),
        trigger(1.0),
    ]  # fmt: skip
    for one in rules:
        table = judge(one, layers, network=town_network)
        numbers = table[["value", "gap", "needed"]].to_numpy(float)
        assert not (abs(numbers) == math.inf).any()
        none = table[table["value"].isna()]
        assert len(none) == (len(table) if len(table) == 1 else len(table) // 2)  # communities are still counted
        assert (none["status"] == "not_applicable").all()
        assert none[["gap", "needed"]].isna().all(axis=None)
        for column in ("reason", "reason_en"):
            assert none[column].str.contains("0|无达到配建门槛|none of the|没有|there are no").all(), one.kind


@pytest.mark.parametrize(
    ("one", "layer_name", "column"),
    [
        (rate(), "childcare", "places"),
        (rate(), "communities", "population"),
        (composition(60), "childcare", "inclusive_places"),
        (RADIUS, "communities", "infants"),
    ],
)
def test_a_blank_number_is_never_left_out_in_silence(
    town: Layers, town_network: st.Network, one: st.Rule, layer_name: str, column: str
) -> None:
    first = town[layer_name].index[0]
    town[layer_name] = town[layer_name].astype({column: float})
    town[layer_name].loc[first, column] = math.nan
    with pytest.raises(st.errors.LayerError, match=f'{layer_name}: "{column}" is blank in 1 row: "{first}"'):
        judge(one, town, network=town_network)
