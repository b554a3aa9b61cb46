"""What other cities' standards say: circles, speeds, straight lines, alternatives, so much for so many people.

The town is a lattice of 100 m blocks, so that the walk between two crossings is the sum of their differences:

====  ========  =========  ========  ======  ========  =======
home  where     childcare  eldercare people  elderly   infants
====  ========  =========  ========  ======  ========  =======
a     0, 0      0 m        100 m     1000    400       10
b     300, 0    100 m      300 m     500     300       20
c     200, 200  200 m      200 m     300     200       30
d     500, 500  100 m      0 m       200     100       40
====  ========  =========  ========  ======  ========  =======
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely

import siting as st
from siting.judge.standards.from_toml import rule_from

Layers = dict[str, gpd.GeoDataFrame]
BOTH = [{"layer": "childcare"}, {"layer": "eldercare"}]


def made(kind: str, **keys: Any) -> dict[str, Any]:
    return {"id": "my.r", "kind": kind, "service": "childcare", "indicator_zh": "甲", "indicator_en": "a", **keys}


def standard(*rules: dict[str, Any]) -> st.Standard:
    """Rules as a file gives them."""
    return st.Standard("my", "我市", "My city", ()).extended([rule_from(one) for one in rules], {})


@pytest.fixture
def town(layer: Callable[..., gpd.GeoDataFrame]) -> Layers:
    homes = layer(
        {"a": (0, 0), "b": (300, 0), "c": (200, 200), "d": (500, 500)},
        population=[1000, 500, 300, 200],
        elderly=[400, 300, 200, 100],
        infants=[10, 20, 30, 40],
        children=[50, 50, 60, 40],
    )
    care = layer(
        {"k": (0, 0), "m": (300, 100), "n": (500, 400)},
        places=[10, 20, 30],
        facility_type=["托育机构", "托育机构", "社区驿站"],
        floor_area=[150.0, 250.0, 90.0],
    )
    elder = layer({"x": (0, 100), "y": (300, 300), "z": (500, 500)}, beds=[80, 120, 200], land_area=[100.0, 50.0, 50.0])
    clinics = layer({"h": (0, 0), "v": (300, 100)}, facility_type=["医院", "卫生站"], public=[True, False])
    schools = layer({"s": (0, 0), "t": (300, 0)}, school_places=[90, 60])
    towns = gpd.GeoDataFrame(
        {"name": ["西镇", "东镇"], "level": ["township", "township"]},
        geometry=[shapely.box(529_950 + x, 3_379_950, 529_950 + x + 300, 3_380_550) for x in (0, 300)],
        index=pd.Index(["west", "east"], name="id"), crs=homes.crs,
    )  # fmt: skip
    return {"communities": homes, "childcare": care, "eldercare": elder, "medical": clinics, "kindergartens": schools,
            "districts": towns}  # fmt: skip


@pytest.fixture
def judged(town: Layers, town_network: st.Network) -> Callable[..., pd.DataFrame]:
    def judge(*rules: dict[str, Any], network: st.Network | None = town_network, **options: Any) -> pd.DataFrame:
        return st.audit(standard(*rules), town, network=network, **options).table

    return judge


Judge = Callable[..., pd.DataFrame]


def values(table: pd.DataFrame) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in table[["value", "target", "needed", "needs", "status"]].to_numpy()]


# Weights, lines and speeds


def test_any_column_of_the_communities_can_be_the_weight(judged: Judge) -> None:
    near = made("service_radius", operator="<=", value=150, unit="m")  # a, b and d
    assert judged(near)["value"].tolist() == [70, 75]  # 70 of 100 infants, 3 of 4 communities
    assert judged({**near, "base": "population"})["value"].tolist() == [85, 75]  # 1700 of 2000
    assert judged({**near, "base": "children"})["value"].tolist() == [70, 75]  # 140 of 200
    assert "常住人口" in judged({**near, "base": "population"})["basis"][0]


def test_the_straight_line_decides_where_the_rule_says_so(judged: Judge) -> None:
    """From c it is 200 m to m along the streets, and 141 m straight."""
    near = made("service_radius", operator="<=", value=150, unit="m", base="population")
    walked = judged(near)
    assert (walked["status"].tolist(), walked["metric"][0], walked["straight"][0]) == (
        ["short", "short"],
        "streets",
        100,
    )
    straight = judged({**near, "metric": "straight"})
    assert values(straight)[0] == (100, 100, 0, "persons", "met")
    assert (straight["metric"].tolist(), straight["straight"].tolist()) == (["straight"] * 2, [100, 100])
    assert judged({**near, "metric": "straight"}, network=None)["status"].tolist() == ["met", "met"]


def test_a_share_of_communities_by_the_straight_line(judged: Judge) -> None:
    share = made("coverage_share", operator=">=", value=100, unit="percent", applies_to="community", metres=150)
    assert judged(share)["value"].tolist() == [75]
    row = judged({**share, "metric": "straight"})
    assert (row["value"].tolist(), row["metric"].tolist()) == ([100], ["straight"])


def test_minutes_on_foot_by_bicycle_and_by_car(judged: Judge) -> None:
    """One minute to elder care: 55 m reach only d, 100 m also a, 250 m (15 km/h) also c, 500 m (30 km/h) also b."""
    near = made("service_time", service="eldercare", operator="<=", value=1, unit="min", share=1)
    assert judged(near)["value"].tolist() == [10, 25]
    assert judged({**near, "speed": "100 m/min"})["value"].tolist() == [50, 50]
    ride = judged({**near, "mode": "bicycle", "speed": "15 km/h"})
    assert ride["value"].tolist() == [70, 75]
    drive = judged({**near, "mode": "car", "speed": "30 km/h"})
    assert drive["value"].tolist() == [100, 100]
    assert "驾车" in drive["basis"][0]
    assert "未计单行、禁转、信号灯、拥堵、坡度与停车" in drive["basis"][0]
    assert (
        "one-way streets, banned turns, signals, congestion, slopes and parking are not counted" in drive["basis_en"][0]
    )
    assert "by bicycle (15 km/h; on the streets for walkers" in ride["basis_en"][0]


def test_the_speed_of_the_rule_goes_before_that_of_the_user(judged: Judge) -> None:
    near = made("service_time", service="eldercare", operator="<=", value=1, unit="min", share=1)
    slow = st.Walk(50.0, "slow")
    assert judged({**near, "speed": "100 m/min"}, walk=slow)["value"].tolist() == [50, 50]
    assert judged(near, walk=st.Walk(100.0, "fast"))["value"].tolist() == [50, 50]


def test_minutes_of_a_share_are_ridden_too(judged: Judge) -> None:
    share = made("coverage_share", service="eldercare", operator=">=", value=80, unit="percent", applies_to="community",
                 minutes=1)  # fmt: skip
    assert judged(share)["value"].tolist() == [25]
    assert judged({**share, "mode": "bicycle", "speed": "15 km/h"})["value"].tolist() == [75]


# One of several


def test_one_of_several_facilities_is_enough(judged: Judge) -> None:
    """Within 100 m: childcare of a, b and d, elder care of a and d; within its own 200 m also elder care of c."""
    near = made("service_radius", operator="<=", value=100, unit="m", base="population")
    assert judged({**near, "any": BOTH})["value"].tolist() == [85, 75]
    own = [{"layer": "childcare"}, {"layer": "eldercare", "metres": 200}]
    assert judged({**near, "any": own})["value"].tolist() == [100, 100]
    types = [{"layer": "childcare", "facility_types": ["社区驿站"]}, {"layer": "eldercare"}]
    assert judged({**near, "any": types})["value"].tolist() == [60, 50]  # a by x, d by n and z


def test_one_of_several_facilities_in_a_township(judged: Judge) -> None:
    """The west has k, x and the hospital; the east all else."""
    types = [{"layer": "childcare", "facility_types": ["社区驿站"]}, {"layer": "medical", "where": {"public": True}}]
    share = made("coverage_share", operator=">=", value=100, unit="percent", applies_to="township")
    assert judged({**share, "facility_types": ["社区驿站"]})["value"].tolist() == [50]
    assert judged({**share, "any": types})["value"].tolist() == [100]


def test_one_of_several_rules_is_enough(judged: Judge) -> None:
    few = {**made("count_target", operator=">=", value=9, unit="facilities"), "id": "my.few"}
    places = {**made("count_target", operator=">=", value=60, unit="places", column="places"), "id": "my.places"}
    lost = {**made("count_target", operator=">=", value=1, unit="places", column="not_there"), "id": "my.lost"}
    either = made("one_of", rules=["my.few", "my.places"])

    def row(*rules: dict[str, Any]) -> dict[str, Any]:
        table = judged(*rules)
        return dict(table[table["rule"] == "my.r"].iloc[0])

    found = row(few, places, either)
    assert (found["value"], found["target"], found["status"]) == (1, 1, "met")
    assert found["basis_en"] == "one of 2 rules is enough; met: a"
    short = row(few, {**places, "value": 61}, either)
    assert (short["value"], short["needed"], short["status"]) == (0, 1, "short")
    counted = {**places, "unseen": "and their prices", "unseen_zh": "以及收费"}
    assert row(few, counted, either)["status"] == "part", "what it rests on is met as far as counted"
    unknown = row(few, lost, {**either, "rules": ["my.few", "my.lost"]})
    assert "not_there" in unknown["reason_en"], "nothing can be said while one of them may be met"
    assert row(places, lost, {**either, "rules": ["my.places", "my.lost"]})["status"] == "met"


# Circles


def test_a_level_of_living_circles(judged: Judge) -> None:
    """Both within 250 m: a, c and d, 1500 of 2000 people. Circles of 500 to 1000 make two to four of them."""
    level = made(
        "living_circle", operator="<=", value=250, unit="m", base="population", each=BOTH, residents=[500, 1000]
    )
    people, communities, circles = values(judged(level))
    assert people == (75, 100, 500, "persons", "short")
    assert communities == (75, 100, 1, "communities", "short")
    assert circles == (3, 2, 0, "facilities", "met")
    row = judged(level)
    assert row["reason_en"].tolist()[1] == "short: b"
    assert "Childcare facilities 100 %, Elder-care facilities 75 %" in row["basis_en"][0]
    assert "make 2 to 4 of them" in row["basis_en"][2]
    between = judged({**level, "residents": [900, 950]})
    assert values(between)[2] == (3, 3, 0, "facilities", "met")  # 2 of 1000 are too large, 3 of 667 too small
    assert "2 would be too many people each and 3 too few; 3 are counted" in between["basis_en"][2]
    smaller = values(judged({**level, "residents": [300, 600]}))[2]
    assert smaller == (3, 4, 2, "facilities", "short")  # one of each is missing for four circles


def test_a_level_that_the_people_do_not_reach(judged: Judge) -> None:
    level = made("living_circle", operator="<=", value=250, unit="m", each=BOTH, residents=[15_000, 25_000])
    row = judged(level).iloc[2]
    assert pd.isna(row["value"])
    assert row["reason_en"] == "2,000 residents are fewer than one circle of this level has (15,000)"


def test_minutes_of_a_level_and_a_share_that_is_enough(judged: Judge) -> None:
    """Four minutes at 64 m/min are 256 m."""
    level = made("living_circle", operator="<=", value=4, unit="min", base="population", each=BOTH, share="75 %")
    assert values(judged(level))[0] == (75, 75, 0, "persons", "met")


def test_a_complete_circle_has_a_limit_for_each_service(judged: Judge) -> None:
    """Childcare within 100 m: a, b and d; elder care within 200 m: a, c and d."""
    each = [
        {"layer": "childcare", "metres": 100},
        {"layer": "eldercare", "metres": 200, "name_zh": "养老", "name_en": "care"},
    ]
    circle = made("complete_circle", operator=">=", value=60, unit="percent", base="population", each=each)
    people, communities = values(judged(circle))
    assert people == (60, 60, 0, "persons", "met")  # a and d: 1200 of 2000
    assert communities == (50, 60, 1, "communities", "short")  # 3 of 4 are asked for
    row = judged(circle)
    assert "Childcare facilities 85 %, care 75 %" in row["basis_en"][0]
    wider = [{"layer": "childcare", "minutes": 4}, each[1]]  # 256 m: all
    assert judged({**circle, "each": wider})["value"].tolist() == [75, 75]


def test_a_complete_circle_with_alternatives_and_without_a_printed_share(judged: Judge) -> None:
    """A public hospital, or elder care within 100 m, is near a (both) and d; childcare within 200 m near all."""
    doctor = {
        "any": [{"layer": "medical", "where": {"public": True}, "metres": 100}, {"layer": "eldercare", "metres": 100}]
    }
    circle = made("complete_circle", each=[{"layer": "childcare", "metres": 200}, doctor], base="population")
    assert values(judged(circle))[0] == (60, 100, 800, "persons", "short")
    assert judged({**circle, "share": 0.5})["status"].tolist() == ["met", "met"]


def test_which_communities_have_the_circle(town: Layers, town_network: st.Network) -> None:
    circle = made(
        "complete_circle", each=[{"layer": "childcare", "metres": 100}, {"layer": "eldercare", "metres": 200}]
    )
    told = st.audit(standard(circle), town, network=town_network).units("my.r")
    assert told["fulfils"].to_dict() == {"a": True, "b": False, "c": False, "d": True}


# So much for so many people


def test_one_facility_for_each_so_many_people(judged: Judge) -> None:
    """2000 people at 600 for each owe 4 (3.3 rounded up) or 3 (reached three times); there are 3."""
    one = made("residents_per_facility", operator="per", value=600, unit="residents_per_facility")
    assert values(judged(one)) == [(3, 4, 1, "facilities", "short")]
    assert "4 rounded up (3 rounded down)" in judged(one)["basis_en"][0]
    assert values(judged({**one, "reading": "floor"})) == [(3, 3, 0, "facilities", "met")]
    many = {**one, "operator": "range", "value_max": 1000}
    assert values(judged(many)) == [(3, 2, 0, "facilities", "met")], "of 600 to 1000 the most decides"
    assert values(judged({**one, "base": "elderly", "value": 1000})) == [(3, 1, 0, "facilities", "met")]


def test_one_facility_for_each_so_many_people_of_a_township(judged: Judge) -> None:
    """The west has 1300 people and k, the east 700, m and n."""
    one = made(
        "residents_per_facility", operator="per", value=600, unit="residents_per_facility", applies_to="township"
    )
    assert values(judged(one)) == [(3, 5, 2, "facilities", "short")]
    assert judged(one)["reason_en"].tolist() == ["short: 西镇"]
    assert values(judged({**one, "reading": "floor"})) == [(2, 3, 1, "facilities", "short")]


def test_floor_area_for_1000_people(judged: Judge) -> None:
    """490 m² for 2000 people."""
    area = made("area_per_1000_residents", operator=">=", value=300, unit="m2_per_1000_residents")
    assert values(judged(area)) == [(245, 300, 110, "area_m2", "short")]
    assert values(judged({**area, "operator": "range", "value": 200, "value_max": 240})) == [
        (245, 200, 0, "area_m2", "met")
    ], "more than the upper end is no fault"
    assert judged({**area, "base": "children"})["value"].tolist() == [2450]
    land = made(
        "area_per_1000_residents", service="eldercare", operator=">=", value=100, unit="m2_land_per_1000_residents"
    )
    assert values(judged(land)) == [(100, 100, 0, "land_m2", "met")]


def test_floor_area_in_a_range(judged: Judge) -> None:
    """Of 150, 250 and 90 m² two reach 100 and one is above 200."""
    area = made("facility_area", operator="range", value=100, value_max=200, unit="m2")
    row = judged(area)
    assert [round(value, 6) for value in row["value"]] == [66.666667]
    assert row[["target", "needed", "status"]].to_numpy().tolist() == [[100, 1, "short"]]
    assert "1 are above 200 m²" in row["basis_en"][0]
    assert row["reason_en"].tolist() == ["short: n"]
    assert values(judged({**area, "value": 90})) == [(100, 100, 0, "facilities", "met")]
    ceiling = made("facility_area", operator="<=", value=150, unit="m2", facility_types=["托育机构"])
    assert judged(ceiling)["value"].tolist() == [50]


# Partners and school places


def test_partners_of_a_type(judged: Judge) -> None:
    """k and h stand together, so do m and v; only h is a hospital."""
    beside = made("colocation", operator=">=", value=50, unit="percent", other="medical", metres=50)
    assert [round(v, 6) for v in judged(beside)["value"]] == [66.666667]
    assert [round(v, 6) for v in judged({**beside, "other_types": ["医院"]})["value"]] == [33.333333]
    assert [round(v, 6) for v in judged({**beside, "other_where": {"public": False}})["value"]] == [33.333333]


def test_school_places_are_not_childcare_places(judged: Judge) -> None:
    """150 school places for 2000 people are 75 for 1000; for 200 children 750."""
    rate = made("places_per_1000_residents", layer="kindergartens", operator=">=", value=80,
                unit="school_places_per_1000_residents")  # fmt: skip
    row = judged(rate)
    assert values(row) == [(75, 80, 10, "school_places", "short")]
    assert row["basis"].tolist() == ["学位共 150 个，常住人口 2,000 人"]
    assert judged({**rate, "base": "children"})["value"].tolist() == [750]
    with pytest.raises(
        st.errors.StandardError, match=r"places .toddlers. are of childcare, school_places .pupils. of kindergartens"
    ):
        rule_from({**rate, "column": "places"})
    with pytest.raises(st.errors.StandardError, match="are not of one sort"):
        rule_from({**rate, "unit": "places_per_1000_residents", "column": "school_places"})


# Refused


TIMED = made("service_time", operator="<=", value=15, unit="min")


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"mode": "car"}, r'mode is "car"; give its speed, such as "15 km/h"'),
        ({"mode": "car", "speed": "500 km/h"}, "that is no speed of a car, give 80 to 2500 m/min"),
        ({"mode": "bicycle", "speed": "fast"}, 'bicycle speed is "fast"; give a number and its unit'),
        ({"speed": "50 km/h"}, "nobody walks so"),
        ({"mode": "train", "speed": "50 km/h"}, 'mode is "train"; choose one of "walk", "bicycle", "car"'),
        ({"metric": "roads"}, 'metric is "roads"; choose one of "streets", "straight"'),
        ({"kind": "service_radius", "unit": "m", "mode": "car", "speed": "50 km/h"},
         '"mode", "speed" would have no effect in this service_radius'),
        ({"mode": "car", "speed": "30 km/h", "metric": "straight"}, "by car means along the streets"),
        ({"any": [{"layer": "meals"}]}, "any has one table only"),
        ({"any": BOTH, "layer": "meals"}, "belong in the tables of each or any"),
        ({"any": []}, "any is .*, not a list of tables"),
        ({"any": ["meals"]}, "any is .*, not a list of tables"),
        ({"any": [{"layers": "meals"}, *BOTH]}, 'unknown keys in any "layers"'),
        ({"each": [{"layer": "meals", "metres": 300, "minutes": 5}]}, "a table has metres and minutes; give one"),
        ({"residents": [12_000, 5000]}, r"residents is \[12000.0, 5000.0\]; give the fewest and the most"),
        ({"residents": ["5000", 12_000]}, "not two numbers"),
        ({"reading": "round"}, 'reading is "round"; choose one of "ceil", "floor"'),
    ],
)  # fmt: skip
def test_what_says_nothing_is_refused(keys: dict[str, Any], said: str) -> None:
    with pytest.raises(st.errors.StandardError, match=said):
        rule_from({**TIMED, **keys})


def test_rules_that_are_not_there_are_no_alternatives() -> None:
    with pytest.raises(st.errors.StandardError, match=r'rule my.r: rules that are not there: "my.b"'):
        standard({**TIMED, "id": "my.a"}, made("one_of", rules=["my.a", "my.b"]))
    with pytest.raises(st.errors.StandardError, match="name two rules or more"):
        standard({**TIMED, "id": "my.a"}, made("one_of", rules=["my.a"]))


def test_a_changed_rule_keeps_its_parts() -> None:
    level = made("living_circle", operator="<=", value=15, unit="min", each=BOTH, residents=[5000, 12_000])
    changed = standard(level).adapted({"my.r": {"value": 10}})["my.r"]
    assert (changed.value, changed.residents, [one.layers for one in changed.parts("each")]) == (
        10, (5000, 12_000), [("childcare",), ("eldercare",)]
    )  # fmt: skip


def test_what_the_population_owes(town: Layers) -> None:
    """Of 2000 people: 4 facilities at 600 for each, of which 3 are there; 600 m² at 300 for 1000; 160 school places."""
    rules = (
        {**made("residents_per_facility", operator="per", value=600, unit="residents_per_facility"), "id": "my.one"},
        {**made("area_per_1000_residents", operator=">=", value=300, unit="m2_per_1000_residents"), "id": "my.area"},
        {**made("places_per_1000_residents", layer="kindergartens", operator=">=", value=80,
                unit="school_places_per_1000_residents"), "id": "my.school"},
    )  # fmt: skip
    owed = st.provision(standard(*rules), town["communities"], town).set_index("rule")
    assert owed.loc["my.one", ["facilities", "facilities_low", "there", "lacking"]].tolist() == [4, 3, 3, 1]
    assert owed.loc["my.area", ["area_m2", "there", "lacking"]].tolist() == [600, 490, 110]
    assert owed.loc["my.school", ["school_places", "there", "lacking"]].tolist() == [160, 150, 10]
    assert pd.isna(owed.loc["my.school", "places"]), "school places are not places of childcare"


def test_what_is_said_of_service_areas_is_said_once(judged: Judge) -> None:
    """No facility tells what it serves, which holds for each alternative and each part of a clause."""
    share = made(
        "coverage_share", operator=">=", value=100, unit="percent", applies_to="township", covered_by="service_area"
    )
    row = judged({**share, "any": BOTH})
    assert row["value"].tolist() == [100]
    said = "only townships with facilities count"
    assert row["basis_en"][0].count(said) == 1
    both = judged({**share, "also": [{"layer": "eldercare"}]})
    assert (both["value"].tolist(), both["basis_en"][0].count(said)) == ([100], 1)
