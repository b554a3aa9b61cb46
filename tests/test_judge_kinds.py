"""The kinds of rules beyond radii and rates, on a town of four communities and three facilities of each service.

The town is a lattice of 100 m blocks, so that the walk between two crossings is the sum of their differences. West of
x = 250 lie `a`, `c`, `k` and `x`; east of it `b`, `d`, `m`, `n`, `y` and `z`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely

import siting as st
from siting.judge.indicators.finding import INDICATORS
from siting.judge.statuses import NOT_JUDGED

Layers = dict[str, gpd.GeoDataFrame]


def rule(kind: str, **values: Any) -> st.Rule:
    given = {"service": "childcare", "indicator_zh": "甲", "indicator_en": "a", "operator": ">="}
    return st.Rule(**{"id": "r", "kind": kind, **given, **values})


def audit(*rules: st.Rule, layers: Layers, **options: Any) -> st.Audit:
    return st.audit(st.Standard("demo", "示范", "Demo", rules), layers, **options)


def judged(one: st.Rule, layers: Layers, **options: Any) -> dict[str, Any]:
    """The only row of the verdict."""
    table = audit(one, layers=layers, **options).table
    assert len(table) == 1
    return dict(table.iloc[0])


def figured(one: st.Rule, layers: Layers, **options: Any) -> dict[str, Any]:
    """The only row of the figures, which nothing is judged by."""
    found = audit(one, layers=layers, **options)
    assert found.table.empty
    assert len(found.figures) == 1
    row = dict(found.figures.iloc[0])
    assert math.isnan(row["target"])
    assert row["status"] in ("shown", *NOT_JUDGED)
    return row


def verdict(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["value"], row["target"], row["needed"], row["needs"], row["status"]


def box(x0: float, x1: float) -> shapely.Polygon:
    return shapely.box(530_000 + x0, 3_379_950, 530_000 + x1, 3_380_550)


@pytest.fixture
def town(layer: Callable[..., gpd.GeoDataFrame]) -> Layers:
    homes = layer(
        {"a": (0, 0), "b": (300, 0), "c": (200, 200), "d": (500, 500)},
        population=[1000, 500, 300, 200],
        elderly=[400, 300, 200, 100],
        infants=[10, 20, 30, 40],
        households=[400, 200, 100, 80],
        kind=["estate", "estate", "village", "village"],
        build_status=["new", "existing", "existing", "existing"],
        friendly=[True, True, False, False],
        remote=[False, False, False, True],
    )
    care = layer(
        {"k": (0, 0), "m": (300, 100), "n": (500, 400)},
        places=[10, 20, 30],
        inclusive_places=[5, 10, 0],
        nursery_places=[1, 2, 3],
        enrolled=[8, 20, 2],
        facility_type=["托育机构", "托育机构", "社区驿站"],
        floor_area=[150.0, 250.0, 90.0],
        operator=["甲", "乙", "甲"],
        grade=["A;B", "B", "C"],
        demonstration=[True, False, True],
    )
    elder = layer(
        {"x": (0, 100), "y": (300, 300), "z": (500, 500)},
        beds=[80, 120, 200],
        occupied=[80, 60, 60],
        land_area=[100.0, 50.0, 50.0],
        rehab_room=[False, True, False],
        medical_room=[False, True, True],
        operating_years=[1, 0, 3],
    )
    districts = gpd.GeoDataFrame(
        {"name": ["西镇", "东镇"], "level": ["township", "township"], "parent": ["p", "q"], "pilot": [True, False]},
        geometry=[box(-50, 250), box(250, 550)], index=pd.Index(["west", "east"], name="id"), crs=homes.crs,
    )  # fmt: skip
    return {"communities": homes, "childcare": care, "eldercare": elder, "districts": districts}


# Numbers to reach


def test_count_facilities(town: Layers) -> None:
    row = judged(rule("count_target", value=5.0, unit="facilities"), town)
    assert verdict(row) == (3, 5, 2, "facilities", "short")
    assert row["basis_en"].endswith(": 3")
    marked = rule("count_target", value=2.0, unit="facilities", where={"demonstration": True})
    assert verdict(judged(marked, town)) == (2, 2, 0, "facilities", "met")
    typed = rule("count_target", value=2.0, operator=">", unit="facilities", facility_types=("托育机构",))
    assert verdict(judged(typed, town)) == (2, 2, 1, "facilities", "short")


def test_count_what_a_column_adds_up_to(town: Layers) -> None:
    row = judged(rule("count_target", value=80.0, unit="places", column="places"), town)
    assert verdict(row) == (60, 80, 20, "places", "short")
    two = rule("count_target", value=15.0, unit="places", column=["inclusive_places", "nursery_places"])
    assert verdict(judged(two, town)) == (21, 15, 0, "inclusive_places", "met")  # 5 + 10 + 0 + 1 + 2 + 3


def test_count_in_ten_thousands(town: Layers) -> None:
    town["childcare"]["places"] = [10_000, 2000, 3000]
    row = judged(rule("count_target", value=4.4, unit="10k_places", column="places"), town)
    assert verdict(row) == (1.5, 4.4, 29_000, "places", "short")  # 44,000 less 15,000 places
    assert row["gap"] == pytest.approx(2.9)


def test_count_operators_once_each(town: Layers) -> None:
    one = rule("count_target", value=2.0, operator=">", unit="operators", column="operator")
    row = judged(one, town)
    assert (row["value"], row["needed"], row["needs"]) == (2, 1, "operators")
    assert "关系" not in row["basis"], "the word for >= and <= is no word for who runs a facility"
    chains = rule("count_target", value=1.0, unit="operators", column="operator", where={"demonstration": True})
    assert verdict(judged(chains, town)) == (1, 1, 0, "operators", "met")  # 甲 runs both


@pytest.mark.parametrize(
    ("near", "found"),
    [
        ({"metres": 99}, 1),  # k has a at its door; the others have nobody within 100 m
        ({"metres": 100}, 3),  # m has b, n has d
        ({"metres": 100, "among": {"kind": "village"}}, 1),  # n has d
        ({"metres": 200, "among": {"kind": "village"}}, 2),  # m has c
        ({"metres": 150, "metric": "straight", "among": {"kind": "village"}}, 2),  # 141 m as the crow flies
        ({"minutes": 2, "speed": "80 m/min", "among": {"kind": "village"}}, 1),  # 160 m
        ({"minutes": 3, "speed": "80 m/min", "among": {"kind": "village"}}, 2),  # 240 m
    ],
)
def test_count_the_circles_that_somebody_lives_in(
    town: Layers, town_network: st.Network, near: dict[str, Any], found: int
) -> None:
    one = rule("count_target", value=3.0, unit="circles", applies_to="city", **near)
    row = judged(one, town, network=town_network)
    assert verdict(row)[:3] == (found, 3, 3 - found)
    assert row["basis_en"].startswith(f"{found} of 3 (childcare facilities) have communities within ")
    assert row["metric"] == near.get("metric", "streets")


def test_circles_that_cannot_be_computed_or_that_reach_into_another_township(
    town: Layers, town_network: st.Network
) -> None:
    one = rule("count_target", value=3.0, unit="circles", metres=200.0, among={"kind": "village"})
    assert judged(one, town)["status"] == "no_data"  # no streets
    by = audit(one, layers=town, network=town_network, by="district").table
    assert by.set_index("area")["value"].to_dict() == {"all": 2, "west": 0, "east": 2}  # c, in the west, walks to m
    none = {**town, "childcare": town["childcare"].iloc[:0]}
    row = judged(one, none, network=town_network)
    assert (row["value"], row["status"], row["basis_en"]) == (0, "short", "childcare facilities: 0")


def test_count_communities(town: Layers) -> None:
    one = rule("count_target", value=3.0, unit="communities", layer="communities", where={"friendly": True})
    assert verdict(judged(one, town)) == (2, 3, 1, "communities", "short")


def test_count_in_each_county_and_township(town: Layers) -> None:
    def each(value: float, of: str = "county", **more: Any) -> dict[str, Any]:
        return judged(rule("count_per_area", value=value, unit=f"facilities_per_{of}", applies_to=of, **more), town)

    assert verdict(each(1.0)) == (1, 1, 0, "facilities", "met")  # p holds k; q holds m and n
    row = each(2.0)
    assert verdict(row) == (1, 2, 1, "facilities", "short")
    assert row["reason_en"] == "without a facility: p"
    row = each(4.0)  # 3 are missing in p and 2 in q
    assert (row["value"], row["needed"], row["reason_en"]) == (1, 5, "without a facility: p, q")
    assert each(1.0, "township", facility_types=["社区驿站"])["reason_en"] == "without a facility: 西镇"
    assert each(4.0, layer=["childcare", "eldercare"])["needed"] == 2  # 2 in p and 4 in q


def test_two_are_no_fault_where_each_is_to_have_one(town: Layers) -> None:
    """p holds one, q two: “one in each county” is a floor."""
    one = rule("count_per_area", value=1.0, operator="=", unit="facilities_per_county", applies_to="county")
    row = judged(one, town)
    assert verdict(row) == (1, 1, 0, "facilities", "met")
    assert (row["operator"], row["reason"]) == (">=", "")
    town["childcare"] = town["childcare"].drop(index="k")
    row = judged(one, town)
    assert verdict(row) == (0, 1, 1, "facilities", "short")
    assert row["reason_en"] == "without a facility: p"


def test_counties_are_of_their_level_where_there_are_any(town: Layers) -> None:
    whole = gpd.GeoDataFrame({"name": ["甲县"], "level": ["county"]}, geometry=[box(-50, 550)], index=["county"],
                             crs=town["districts"].crs)  # fmt: skip
    town["districts"] = pd.concat([town["districts"], whole])
    one = rule("count_per_area", value=3.0, unit="facilities_per_county", applies_to="county")
    assert verdict(judged(one, town)) == (3, 3, 0, "facilities", "met")


# Units that are covered


def covered(**values: Any) -> st.Rule:
    return rule("coverage_share", **{"value": 100.0, "unit": "percent", **values})


def test_districts_with_a_mark(town: Layers) -> None:
    row = judged(covered(layer="districts", applies_to="township", part={"pilot": True}), town)
    assert verdict(row) == (50, 100, 1, "districts", "short")
    assert row["reason_en"] == "without a facility: 东镇"


def test_districts_that_have_both_services(town: Layers) -> None:
    both = covered(applies_to="township", layer=["childcare", "eldercare"])
    assert judged(both, town)["value"] == 100
    town["eldercare"] = town["eldercare"].drop(index="x")
    row = judged(both, town)
    assert (row["value"], row["reason_en"]) == (50, "without a facility: 西镇")
    assert judged(covered(applies_to="county", layer=["childcare"]), town)["value"] == 100


def test_communities_that_carry_a_mark(town: Layers) -> None:
    one = covered(layer="communities", applies_to="community", part={"friendly": True}, value=75.0)
    assert verdict(judged(one, town)) == (50, 75, 1, "communities", "short")
    of_some = covered(layer="communities", applies_to="community", part={"friendly": True}, where={"kind": "estate"})
    assert judged(of_some, town)["value"] == 100
    assert judged(covered(layer="communities", applies_to="village", part={"remote": True}), town)["value"] == 50


def test_communities_among_those_of_their_sort(town: Layers, town_network: st.Network) -> None:
    one = covered(applies_to="village", among={"remote": True})  # d is 100 m from n
    assert verdict(judged(one, town, network=town_network)) == (100, 100, 0, "villages", "met")


def test_the_walk_that_a_rule_prints_wins_over_beside(town: Layers, town_network: st.Network) -> None:
    """Nearest child care: a 0, b 100, c 200, d 100 metres; minutes at a carer's 64 m/min."""
    for unit, walk, value in (("metres", 100.0, 75), ("metres", 99.0, 25), ("minutes", 1.5, 25), ("minutes", 2.0, 75),
                              ("minutes", 4.0, 100)):  # fmt: skip
        row = judged(covered(applies_to="community", **{unit: walk}), town, network=town_network, beside=5000.0)
        assert row["value"] == value, (unit, walk)
        assert f"within {walk:g} {'m' if unit == 'metres' else 'min'} on foot" in row["basis_en"]
    townships = covered(applies_to="township", metres=100.0)  # a walk is of communities, wherever they lie
    assert verdict(judged(townships, town, network=town_network)) == (75, 100, 1, "communities", "short")


def test_communities_near_both_services(town: Layers, town_network: st.Network) -> None:
    """Nearest elder care: a 100, b 300, c 200, d 0."""
    both = covered(applies_to="community", layer=["childcare", "eldercare"], metres=100.0)
    row = judged(both, town, network=town_network)
    assert (row["value"], row["reason_en"]) == (50, "without a facility: b, c")


def test_coverage_asks_whether_there_is_one_and_compliance_whether_it_is_enough(
    town: Layers, town_network: st.Network
) -> None:
    """The new estate `a` has 400 households and 150 m² at its gate."""
    exists = covered(id="exists", applies_to="new_residential")
    enough = covered(id="enough", applies_to="new_residential", meets="area")

    def values(per_100: float) -> list[float]:
        area = rule("provision_area_per_100_households", id="area", value=per_100, applies_to="new_residential")
        found = audit(exists, enough, area, layers=town, network=town_network).table.set_index("rule")
        assert found.loc["area", "target"] == 4 * per_100
        return found["value"].tolist()[:2]

    assert values(15.0) == [100, 100]  # 60 m²
    assert values(37.5) == [100, 100]  # 150 m² are enough
    assert values(50.0) == [100, 0]  # 200 m² are not there


def test_compliance_is_asked_of_the_units_that_the_rule_is_for(town: Layers, town_network: st.Network) -> None:
    """`a` owes 200 m² and has 150; `b` owes 100 and has 250, and only `b` is a complete community."""
    town["communities"]["complete_community"] = [False, True, False, False]
    area = rule("provision_area_per_100_households", id="area", value=50.0, applies_to="new_and_existing_residential")
    for applies_to, value in (("complete_community", 100), ("new_residential", 0), ("urban_estate", 50)):
        asked = covered(id="asked", applies_to=applies_to, meets="area")
        found = audit(asked, area, layers=town, network=town_network).table.set_index("rule")
        assert found.loc["asked", "value"] == value, applies_to


@pytest.mark.parametrize(
    ("one", "value"),
    [
        (rule("service_radius", operator="<=", value=300.0, unit="m"), [50, 200 / 3]),
        (rule("service_radius", operator="<=", value=300.0, unit="m", applies_to="city"), [50, 200 / 3]),
        (rule("service_time", operator="<=", value=5.0, unit="min", share=0.5, applies_to="county"), [50, 200 / 3]),
        (rule("service_radius", operator="<=", value=300.0, unit="m", applies_to="industrial_park"), [100, 100]),
        (rule("service_radius", operator="<=", value=300.0, unit="m", among={"kind": "park"}), [100, 100]),
        (covered(applies_to="city", metres=300.0), [200 / 3]),
        (covered(applies_to="county", metres=300.0), [200 / 3]),
        (covered(applies_to="community"), [200 / 3]),
        (covered(applies_to="village"), [50]),
        (covered(layer="communities", applies_to="community", part={"friendly": True}), [200 / 3]),
    ],
)
def test_parks_are_left_out_of_what_is_not_for_them(
    town: Layers, town_network: st.Network, one: st.Rule, value: list[float]
) -> None:
    """Only k is there: a at 0, b 300 m, c 400 m away; d is a park, with 40 children by mistake, and k's twin in it."""
    town["communities"]["kind"] = ["estate", "village", "village", "park"]
    town["communities"]["build_status"] = "new"
    town["childcare"] = (
        town["childcare"]
        .loc[["k", "n"]]
        .set_geometry(town["communities"].geometry[["a", "d"]].set_axis(["k", "n"]), crs=town["communities"].crs)
    )
    table = audit(one, layers=town, network=town_network).table
    assert table["value"].tolist() == pytest.approx(value)
    told = table["basis_en"].str.contains("40 children under 3 in 1 industrial parks are not counted").tolist()
    people = [needs == "persons" for needs in table["needs"]]
    assert told == [False] * len(people) if value[0] == 100 else told == people, "whom other counts have is said"


def test_the_walk_is_told_in_both_languages(town: Layers, town_network: st.Network) -> None:
    def basis(**values: Any) -> tuple[str, str]:
        row = judged(covered(applies_to="community", judged_by="estate", **values), town, network=town_network)
        return row["basis"], row["basis_en"]

    assert basis() == ("4 个小区中，步行 300 米内有设施的 4 个",
                       "4 of 4 communities have a facility within 300 m on foot")  # fmt: skip
    assert basis(minutes=15.0)[0] == "4 个小区中，步行 15 分钟内有设施的 4 个"
    assert basis(minutes=15.0)[1].endswith("within 15 min on foot")


def test_a_unit_that_is_not_known_is_not_guessed(town: Layers, town_network: st.Network) -> None:
    row = judged(covered(applies_to="lighthouse"), town, network=town_network)
    assert row["status"] == "no_data"
    assert "lighthouse" in row["reason_en"]


def test_a_share_that_only_the_user_gives_can_be_met(town: Layers) -> None:
    """The document prints neither number nor operator; what the user sets is a floor."""
    bare = rule("coverage_share", operator="", unit="percent", applies_to="township", text="基本全覆盖")
    assert judged(bare, town)["status"] == "no_number"
    assert verdict(judged(bare, town, shares={"r": 1}))[:2] == (100, 100)
    assert judged(bare, town, shares={"r": 1})["status"] == "met"
    town["childcare"] = town["childcare"].loc[["k"]]
    assert verdict(judged(bare, town, shares={"r": 0.6})) == (50, 60, 1, "districts", "short")


# Estates


def test_floor_area_of_the_facilities_of_an_estate(town: Layers, town_network: st.Network) -> None:
    one = rule("min_floor_area", value=200.0, unit="m2", applies_to="new_residential", scope="area")
    row = judged(one, town, network=town_network)
    assert verdict(row) == (150, 200, 50, "area_m2", "short")
    assert row["reason_en"] == "short: a"
    assert judged(one, town, network=town_network, beside=400)["needed"] == 0  # m is 400 m away


@pytest.fixture
def two(layer: Callable[..., gpd.GeoDataFrame]) -> Layers:
    """A new estate in the west owes 150 m², an old one 200 m to its east 100 m²; k is halfway, m and l are on top."""
    homes = layer({"new": (200, 0), "old": (400, 0)}, kind=["estate"] * 2, build_status=["new", "existing"],
                  households=[1000] * 2)  # fmt: skip
    care = layer({"k": (300, 0), "l": (400, 0), "m": (200, 0)}, floor_area=[50.0, 70.0, 20.0])
    halves = {"name": ["西镇", "东镇"]}
    districts = gpd.GeoDataFrame(halves, geometry=[box(-50, 350), box(350, 550)], index=["w", "e"], crs=homes.crs)
    return {"communities": homes, "childcare": care, "districts": districts}


NEW = rule("provision_area_per_100_households", id="new", value=15.0, applies_to="new_residential")
OLD = rule("provision_area_per_100_households", id="old", value=10.0, applies_to="existing_residential")


@pytest.mark.parametrize("rules", [(NEW, OLD), (OLD, NEW)])
def test_a_facility_between_a_new_and_an_old_estate_is_counted_once(
    two: Layers, town_network: st.Network, rules: tuple[st.Rule, ...]
) -> None:
    """k is 100 m from both, so the first one's, whichever rule is asked first; l and m are their own estate's."""
    found = audit(*rules, layers=two, network=town_network, by="district").table
    rows = found[found["area"] == "all"].set_index("rule")
    assert verdict(dict(rows.loc["new"])) == (70, 150, 80, "area_m2", "short")
    assert verdict(dict(rows.loc["old"])) == (70, 100, 30, "area_m2", "short")
    assert rows["value"].sum() == two["childcare"]["floor_area"].sum()
    # each part is that of its district, though k lies in the west and would reach the east
    parts = found.set_index(["rule", "area"])
    assert parts["value"].dropna()[[("new", "w"), ("old", "e")]].tolist() == [70, 70]
    for nobody in (("new", "e"), ("old", "w")):
        assert (parts.loc[nobody, "status"], parts.loc[nobody, "needs"]) == ("not_applicable", "area_m2")
        assert parts.loc[nobody, "reason_en"].startswith("none of the")
    # asked alone, but of the same standard, a rule still leaves to the other what is the other's
    both = st.Standard("demo", "示范", "Demo", rules)
    alone = st.audit(both.select(rule="old"), two, network=town_network).table
    assert verdict(dict(alone.iloc[0])) == (70, 100, 30, "area_m2", "short")
    # where no new estates are ruled, there is nobody to share with
    assert verdict(judged(OLD, two, network=town_network)) == (100, 100, 0, "area_m2", "met")


def test_an_estate_that_owes_nothing_takes_nothing(
    two: Layers, town_network: st.Network, layer: Callable[..., gpd.GeoDataFrame]
) -> None:
    """The new estate is below the threshold, so that k, which is as near to it, is the old one's."""
    two["communities"]["households"] = [2999, 6000]
    two["childcare"] = layer({"k": (300, 0), "m": (200, 0)})
    firsts = [
        rule("households_per_facility", id=build, operator="range", value=3000.0, value_max=3000.0,
             applies_to=f"{build}_residential") for build in ("new", "existing")
    ]  # fmt: skip
    rows = audit(*firsts, layers=two, network=town_network).table.set_index("rule")
    assert verdict(dict(rows.loc["existing"])) == (2, 2, 0, "facilities", "met")  # k, and m 200 m away
    assert (rows.loc["new", "status"], rows.loc["new", "reason"]) == (
        "not_applicable",
        "无达到配建门槛的新建小区，本条不适用",
    )


def test_a_park_shares_its_facility_and_an_estate_does_not(two: Layers, town_network: st.Network) -> None:
    trigger_ = rule("population_trigger", value=500.0, unit="residents", applies_to="community")
    two["communities"]["population"] = 1000
    row = judged(trigger_, {**two, "childcare": two["childcare"].loc[["k"]]}, network=town_network)
    assert verdict(row) == (2, 2, 0, "facilities", "met")
    assert "within 300 m on foot counts for each of them; 2 estates are judged as communities" in row["basis_en"]
    assert "步行 300 米内的设施均计入；2 个小区未注明所属社区" in row["basis"]
    assert judged(OLD, two, network=town_network)["basis_en"].count("counts for the nearest") == 1


def test_a_community_that_is_not_there_is_refused(two: Layers, town_network: st.Network) -> None:
    two["childcare"]["community"] = ["new", "nowhere", None]
    told = 'childcare: "community" names none, or several, of the communities in 1 row: "l"; give ids'
    with pytest.raises(st.errors.LayerError, match=told):
        judged(OLD, two, network=town_network)


def test_floor_area_of_the_largest_in_each_county(town: Layers) -> None:
    def largest(value: float) -> dict[str, Any]:
        return judged(rule("min_floor_area", value=value, unit="m2_per_site", applies_to="county"), town)

    assert verdict(largest(150.0)) == (100, 100, 0, "facilities", "met")  # k has 150, m 250
    row = largest(200.0)
    assert verdict(row) == (50, 100, 1, "facilities", "short")
    assert row["reason_en"] == "short: p"


def facilities_of(town: Layers, network: st.Network, households: int) -> pd.DataFrame:
    town["communities"].loc["a", "households"] = households
    same = {"unit": "households_per_facility", "applies_to": "new_residential"}
    first = rule("households_per_facility", id="first", operator="range", value=3000.0, value_max=4000.0, **same)
    further = rule("households_per_facility", id="further", operator="per", value=3000.0, **same)
    return audit(first, further, layers=town, network=network).table.set_index("rule")


def test_facilities_by_households_in_both_readings(town: Layers, town_network: st.Network) -> None:
    found = facilities_of(town, town_network, 7001)  # 1 + ceil(3001 / 3000) = 3; in the low reading 2
    assert verdict(dict(found.loc["first"])) == (1, 3, 2, "facilities", "short")
    assert "2 in the low reading" in found.loc["first", "basis_en"]
    found = facilities_of(town, town_network, 3600)
    assert verdict(dict(found.loc["first"])) == (1, 1, 0, "facilities", "met")
    assert "low reading" not in found.loc["first", "basis_en"]
    assert facilities_of(town, town_network, 2999)["status"].tolist() == ["not_applicable", "not_applicable"]


def test_the_first_facility_is_no_further_one(town: Layers, town_network: st.Network) -> None:
    """Two are due beyond the first; the only one that stands there is the first."""
    found = facilities_of(town, town_network, 7001)
    row = found.loc["further"]
    assert (row["value"], row["target"], row["status"]) == (0, 2, "short")
    assert found["needed"].sum() == found.loc["first", "needed"] == 2  # of three, and told once


def test_counties_with_so_many_people(town: Layers) -> None:
    """p has 1300 residents and q 700."""
    for limit, above, named in ((0.1, 1, "p"), (0.13, 0, ""), (0.07, 1, "p"), (0.06, 2, "p, q")):
        one = rule("population_trigger", value=limit, operator=">", unit="10k_persons", applies_to="county")
        row = judged(one, town)
        assert (row["value"], row["status"], row["unit"]) == (above, "shown", "counties")
        owe = f"more people than the limit: {named}; no layer shows whether they fulfil the duty"
        assert row["reason_en"] == (owe if named else "no county has more people than the limit")


def test_a_duty_whose_walk_is_printed_in_minutes(town: Layers, town_network: st.Network) -> None:
    """2 min at a carer's 64 m/min are 128 m: a is at k, b is 100 m from m."""
    one = rule("population_trigger", value=500.0, unit="residents", applies_to="community", minutes=2.0)
    row = judged(one, town, network=town_network)
    assert verdict(row) == (2, 2, 0, "facilities", "met")
    assert "300 m" not in row["basis_en"]


# Rates and parts


def test_facilities_for_a_thousand_children(town: Layers) -> None:
    row = judged(rule("ratio_per_1000_infants", value=31.0, unit="facilities_per_1000_under3", base="infants"), town)
    assert verdict(row) == (30, 31, 1, "facilities", "short")  # 3 for 100; 3.1 are 4
    typed = rule("ratio_per_1000_infants", value=20.0, facility_types=("托育机构",))
    assert verdict(judged(typed, town)) == (20, 20, 0, "facilities", "met")


def test_staff_for_ten_and_twenty_thousand_residents(town: Layers) -> None:
    town["health"] = town["eldercare"].assign(staff=[1, 0, 1])

    def ratio(**values: Any) -> dict[str, Any]:
        return judged(rule("staff_ratio", service="health", column="staff", **values), town)

    per_10k = {"unit": "persons_per_10000_residents"}
    assert ratio(value=10.0, **per_10k)["value"] == 10  # 2 for 2000
    row = ratio(value=1.0, value_max=15.0, operator="range", **per_10k)
    assert (row["target"], row["target_max"], row["status"]) == (1, 15, "met")
    assert ratio(value=11.0, value_max=15.0, operator="range", **per_10k)["status"] == "short"
    above = ratio(value=1.0, value_max=6.0, operator="range", **per_10k)
    assert (above["status"], above["gap"], above["target_max"]) == ("met", 0, 6), "more staff than asked is no fault"
    assert verdict(ratio(value=20.0, operator="=", unit="persons_each_per_20000_residents"))[:2] == (20, 20)


def test_residents_by_the_size_of_a_household(town: Layers) -> None:
    town["communities"] = town["communities"].drop(columns="population")  # 780 households
    rate = rule("places_per_1000_residents", value=40.0, unit="places_per_1000_residents")
    assert judged(rate, town)["reason_en"].endswith("residents (population)")
    row = judged(rate, town, household_size=2.5)  # 1950 residents, 78 places
    assert verdict(row)[1:] == (40, 18, "places", "short")
    assert row["value"] == pytest.approx(60_000 / 1950)


def test_land_for_each_resident(town: Layers) -> None:
    one = rule("provision_land_per_capita", service="eldercare", value=0.1, operator="=", unit="m2_land_per_resident")
    assert verdict(judged(one, town)) == (0.1, 0.1, 0, "land_m2", "met")  # 200 m² for 2000
    town["eldercare"]["land_area"] = [90.5, 50, 50]
    row = judged(one, town)
    assert verdict(row) == (0.09525, 0.1, 9.5, "land_m2", "short")
    town["eldercare"]["land_area"] = [500, 50, 50]
    assert judged(one, town)["status"] == "met"  # more than so much is no fault


def test_a_part_of_several_columns(town: Layers) -> None:
    one = rule("composition_share", value=50.0, unit="percent", column=["inclusive_places", "nursery_places"])
    row = judged(one, town)  # 15 + 6 of 60
    assert verdict(row) == (35, 50, 9, "inclusive_places", "short")
    assert (
        row["reason_en"]
        == "9 more inclusive places, nursery_places by converting present places, or 18 by adding only such"
    )  # (30 - 21) / 0.5
    mine = rule("composition_share", value=30.0, unit="percent", column="nursery_places", of="inclusive_places")
    assert judged(mine, town)["value"] == 40


def test_places_in_use_and_those_that_stand_empty(town: Layers) -> None:
    one = rule("utilisation_share", value=70.0, unit="percent", column="enrolled", of="places")
    row = judged(one, town)  # 30 of 60
    assert verdict(row) == (50, 70, 12, "persons", "short")
    assert (row["reason_en"], row["reason"]) == ("30 places are idle", "托位空置 30 个")
    beds = rule("utilisation_share", service="eldercare", value=50.0, unit="percent", column="occupied", of="beds")
    assert verdict(judged(beds, town)) == (50, 50, 0, "persons", "met")  # 200 of 400
    town["childcare"]["enrolled"] = [10, 20, 30]
    assert judged(one, town)["reason_en"] == ""


def test_children_enrolled_of_all_children(town: Layers) -> None:
    one = rule("utilisation_share", value=35.0, unit="percent", column="enrolled", base="infants")
    row = judged(one, town)  # 30 of 100
    assert verdict(row) == (30, 35, 5, "persons", "short")
    assert row["reason_en"] == "", "a child at home is no empty place"


# Figures, which nothing is judged by


@pytest.mark.slow
def test_a_printed_figure_beside_what_the_layers_hold(town: Layers) -> None:
    def figure(kind: str = "baseline_figure", **values: Any) -> dict[str, Any]:
        given = {"role": "baseline", "operator": "=", "says": "s", "year": 2021, **values}
        row = figured(rule(kind, **given), town)
        assert row["says_en"] == "s"
        return row

    def told(row: dict[str, Any]) -> tuple[float, ...]:
        return row["value"], row["printed"], row["difference"]

    assert told(figure(value=5.0, unit="facilities")) == (3, 5, -2)
    assert told(figure(value=50.0, unit="places", column="places")) == (60, 50, 10)
    people = {"layer": "communities", "unit": "10k_persons"}
    assert told(figure(value=0.5, column="population", **people)) == pytest.approx((0.2, 0.5, -0.3))
    both = figure("forecast_figure", role="forecast", value=0.1, column=["elderly", "infants"], **people)
    assert told(both) == pytest.approx((0.11, 0.1, 0.01))
    share = figure(value=40.0, unit="percent", layer="communities", column="elderly", of="population")
    assert told(share) == (50, 40, 10)
    children = figure(value=1.5, unit="places", column="places", of="communities.infants")
    assert told(children) == pytest.approx((0.6, 1.5, -0.9))
    villages = figure(value=300.0, unit="persons", layer="communities", column="elderly", where={"kind": "village"})
    assert told(villages) == (300, 300, 0)
    about = figure("context_figure", role="context", operator="~", value=2.0, unit="facilities",
                   facility_types=["托育机构"])  # fmt: skip
    assert told(about) == (2, 2, 0)
    assert figure(operator="range", value=1.0, value_max=2.0, unit="facilities")["printed_max"] == 2


def test_a_figure_keeps_the_unit_it_is_printed_in(town: Layers, town_network: st.Network) -> None:
    """The layers tell a share where the plan prints minutes or a number: both are shown, and nothing is subtracted."""
    circle = rule("service_time", role="context", operator="~", value=15.0, unit="min")
    rows = audit(circle, layers=town, network=town_network).figures
    assert rows[["value", "unit", "printed", "printed_unit"]].to_numpy().tolist() == [[100, "percent", 15, "min"]] * 2
    some = covered(role="principle", applies_to="community", metres=100.0, value=2.0, unit="communities")
    row = figured(some, town, network=town_network)  # 3 of 4
    assert [row[name] for name in ("value", "unit", "printed", "printed_unit")] == [75, "percent", 2, "communities"]
    assert [*rows["difference"].isna(), math.isnan(row["difference"])] == [True] * 3
    same = figured(rule("count_target", role="baseline", value=5.0, unit="facilities"), town)
    assert (same["unit"], same["printed_unit"], same["difference"]) == ("facilities", "facilities", -2)


def test_figures_up_to_the_year(town: Layers) -> None:
    rules = [rule("baseline_figure", id=f"r{year}", role="baseline", value=1.0, unit="facilities", year=year)
             for year in (2021, 2025, None)]  # fmt: skip
    assert audit(*rules, layers=town, year=2022).figures["rule"].tolist() == ["r2021", "rNone"]
    assert audit(*rules, layers=town).figures["rule"].tolist() == ["r2021", "r2025", "rNone"]


def test_a_baseline_of_any_kind_is_no_verdict(town: Layers) -> None:
    rate = {"role": "baseline", "value": 25.0, "operator": "=", "unit": "places_per_1000_residents"}
    row = figured(rule("places_per_1000_residents", **rate), town)
    assert (row["value"], row["printed"], row["difference"], row["status"]) == (30, 25, 5, "shown")
    assert math.isnan(row["gap"])
    assert row["basis_en"] == "60 places for 2,000 residents"
    town["communities"] = town["communities"].drop(columns="population")
    row = figured(rule("places_per_1000_residents", **rate), town)
    assert (row["status"], row["reason_en"]) == ("no_data", "column missing in Communities: residents (population)")
    assert row["printed"] == 25


def test_children_that_a_share_of_demand_stands_for(town: Layers) -> None:
    def wanted(value: float, unit: str, **values: Any) -> float:
        return float(figured(rule("demand_rate", role="context", value=value, unit=unit, **values), town)["value"])

    assert wanted(33.2, "percent", column="infants") == pytest.approx(33.2)  # of 100
    assert wanted(0.25, "share_of_families") == 25
    assert wanted(50.0, "percent", column="elderly") == 500


# Neighbours, thresholds, directions


def test_facilities_of_two_services_side_by_side(town: Layers, town_network: st.Network) -> None:
    """x is 100 m from k, y 200 m from m, z 100 m from n."""

    def near(**values: Any) -> dict[str, Any]:
        options = {key: values.pop(key) for key in ("beside",) if key in values}
        given = {"role": "principle", "service": "both", "layer": "eldercare", "other": "childcare", "operator": ""}
        one = rule("colocation", **{**given, **values})
        return figured(one, town, network=town_network, **options)

    assert (near()["value"], near()["unit"], near()["metric"]) == (3, "facilities", "streets")
    assert near(beside=100.0)["value"] == 2
    assert near(metres=199.0)["value"] == 2
    assert near(where={"beds": ">=100"}, metres=100.0)["value"] == 1
    row = near(value=2.0, operator="=", unit="facilities")
    assert (row["value"], row["printed"], row["difference"]) == (3, 2, 1)
    row = near(minutes=2.5)  # an adult's 80 m/min: 200 m
    assert row["value"] == 3
    assert "2.5 min" in row["basis_en"]
    assert math.isnan(near(layer=[])["value"]), "no layer says which of both services is meant"


def test_side_by_side_as_a_target(town: Layers, town_network: st.Network) -> None:
    one = rule("colocation", layer="eldercare", other="childcare", value=4.0, unit="facilities")
    assert verdict(judged(one, town, network=town_network)) == (3, 4, 1, "facilities", "short")


def test_sites_that_can_house_both(town: Layers, layer: Callable[..., gpd.GeoDataFrame]) -> None:
    town["candidates"] = layer(
        {"s": (0, 0), "t": (100, 0), "u": (200, 0), "v": (300, 0)},
        services=["childcare;eldercare", "eldercare;childcare", "childcare", "eldercare"],
        kind=["社区用房", "厂房", "社区用房", "社区用房"],
        fire=[True, True, False, True],
    )
    same = {"role": "principle", "operator": "", "layer": "candidates"}
    assert figured(rule("colocation", part={"services": "childcare;eldercare"}, **same), town)["value"] == 2
    some = rule("colocation", part={"services": ["childcare"]}, where={"kind": ["社区用房"]}, **same)
    row = figured(some, town)
    assert (row["value"], row["basis_en"].startswith("2 of 3")) == (2, True)
    assert figured(rule("colocation", where={"kind": ["厂房"]}, **same), town)["value"] == 1
    sites = rule("candidate_site_rule", where={"kind": ["社区用房", "商铺"], "fire": True}, **same)
    row = figured(sites, town)
    assert (row["value"], row["unit"]) == (2, "candidates")  # s and v


def test_institutions_of_a_size_and_the_room_they_owe(town: Layers, town_network: st.Network) -> None:
    def sized(**values: Any) -> dict[str, Any]:
        options = {key: values.pop(key) for key in ("beside",) if key in values}
        one = rule("bed_threshold_rule", service="eldercare", unit="beds", **values)
        return judged(one, town, network=town_network, **options)

    assert verdict(sized(value=100.0, part={"rehab_room": True})) == (50, 100, 1, "facilities", "short")  # y of y, z
    room = {"operator": "range", "value": 100.0, "part": {"medical_room": True}}
    assert verdict(sized(value_max=200.0, **room)) == (100, 100, 0, "facilities", "met")  # both ends are inside
    assert "1 of 1" in sized(value_max=199.0, **room)["basis_en"]
    town["health_centres"] = (
        town["eldercare"]
        .loc[["x"]]
        .set_geometry(gpd.GeoSeries([shapely.Point(530_000, 3_380_300)], crs=town["eldercare"].crs, index=["x"]))
    )
    small = {"operator": "<", "value": 100.0, "other": "health_centres"}  # x, 200 m away
    assert verdict(sized(**small)) == (100, 100, 0, "facilities", "met")
    assert verdict(sized(**small, beside=199.0)) == (0, 100, 1, "facilities", "short")
    assert sized(value=100.0)["status"] == "no_data", "what they owe is not said"
    none = sized(value=500.0, part={"rehab_room": True})
    assert none["status"] == "not_applicable"
    assert none["reason_en"].startswith("there are no ")


def test_thresholds_are_counted(town: Layers) -> None:
    years = rule("operation_threshold", service="eldercare", value=1.0, unit="years", column="operating_years")
    row = judged(years, town)
    assert (row["value"], row["unit"], row["status"]) == (2, "facilities", "shown")  # x and z
    small = rule("area_threshold", operator="<", value=150.0, unit="m2", column="floor_area")
    assert judged(small, town)["value"] == 1  # n; k has just 150
    unsaid = rule("operation_threshold", value=1.0, unit="years")
    assert judged(unsaid, town)["reason_en"] == "what this says cannot be seen in layers"


def direction(kind: str, **values: Any) -> st.Rule:
    return rule(kind, **{"service": "eldercare", "role": "principle", "operator": "", **values})


def test_hubs_vans_and_neighbours_who_are_let_in(town: Layers, town_network: st.Network) -> None:
    """The villages: c is 200 m from y, d stands at z."""
    net = {"network": town_network}
    row = figured(direction("hub_and_spoke", applies_to="village"), town, **net)
    assert (row["value"], row["unit"]) == (100, "m")
    assert row["basis_en"] == "2 of 2 villages have a site within 10 km, the farthest 200 m"
    assert figured(direction("hub_and_spoke", where={"beds": ">=200"}), town, **net)["value"] == 300  # c to z: 600 m
    vans = direction("mobile_service", applies_to="rural", minutes=2.0)
    assert "min on foot" in figured(vans, town, **net)["basis_en"]
    vans = direction("mobile_service", applies_to="rural")
    assert figured(vans, town, **net)["value"] == 0
    assert figured(vans, town, **net, beside=100)["value"] == 1
    assert figured(vans, town, **net)["unit"] == "villages"
    everyone = figured(direction("mobile_service", among={"kind": ["estate", "village"]}), town, **net)
    assert everyone["basis"].startswith("4 个小区（村）中")
    town["childcare"]["open_to_neighbours"] = [True, False, True]
    let_in = direction("service_area_rule", service="childcare", where={"open_to_neighbours": True})
    row = figured(let_in, town, **net)  # a at k, b 300 m from k, d 100 m from n; c is 400 m from k
    assert (row["value"], row["unit"]) == (3, "estates_or_villages")
    # who is told to open up is a park; those who are let in are the communities around it
    of_parks = direction("service_area_rule", service="childcare", applies_to="industrial_park")
    assert figured(of_parks, town, **net)["value"] == 3
    villages = direction("service_area_rule", service="childcare", among={"kind": "village"})
    assert figured(villages, town, **net)["value"] == 1


def test_beds_that_would_have_to_lie_elsewhere(town: Layers) -> None:
    """A fifth of the beds and three fifths of the elderly are in the west: two fifths of the beds are amiss."""
    one = direction("siting_principle", column="beds", base="elderly")
    row = figured(one, town)
    assert (row["value"], row["unit"]) == (40, "percent")
    town["eldercare"]["beds"] = [240, 100, 60]
    assert figured(one, town)["value"] == 0
    town["eldercare"]["beds"] = 0
    row = figured(one, town)
    assert (row["status"], math.isnan(row["value"])) == ("not_applicable", True)
    assert "nan" not in row["reason_en"]


def test_a_direction_is_counted_where_layers_show_it(town: Layers, town_network: st.Network) -> None:
    near = figured(direction("siting_principle", applies_to="village"), town, network=town_network, beside=100.0)
    assert (near["value"], near["unit"]) == (50, "percent")  # d; c has 200 m to go
    friendly = direction("siting_principle", layer="communities", where={"friendly": True})
    assert (figured(friendly, town)["value"], figured(friendly, town)["unit"]) == (2, "estates_or_villages")
    people = direction("siting_principle", layer="communities", where={"friendly": True}, column="elderly")
    assert (figured(people, town)["value"], figured(people, town)["unit"]) == (700, "persons")
    large = direction("siting_principle", where={"beds": ">100"}, column="beds")
    assert (figured(large, town)["value"], figured(large, town)["unit"]) == (320, "beds")
    assert figured(direction("siting_principle", where={"beds": ">100"}), town)["value"] == 2
    for nothing in (direction("siting_principle", applies_to="city"), direction("siting_principle", service="both")):
        row = figured(nothing, town)
        assert (row["status"], row["reason_en"]) == ("no_data", "what this says cannot be seen in layers")


def test_types_that_there_are(town: Layers) -> None:
    row = figured(direction("facility_type_list", service="childcare"), town)
    assert (row["value"], row["unit"]) == (2, "modes")
    assert figured(direction("facility_type_list", service="childcare", column="operator"), town)["value"] == 2


# Money


def test_what_a_subsidy_comes_to(town: Layers) -> None:
    one = rule("subsidy_rate", operator="=", value=2000.0, unit="yuan_per_place", column="places",
               facility_types=["托育机构"])  # fmt: skip
    row = judged(one, town)
    assert (row["value"], row["unit"], row["status"]) == (60_000, "yuan", "shown")  # 30 places
    assert row["basis_en"] == "places: 30, 2,000 yuan each"
    assert judged(rule("subsidy_rate", unit="yuan_per_place", column="places", operator=""), town)["reason_en"] == (
        "the document prints no number"
    )


def test_what_projects_cost_and_bring(town: Layers) -> None:
    town["projects"] = town["eldercare"].assign(code=["E3", "E4", "C1"], cost=[3000.0, 5000.0, 200.0])
    same = {"role": "project", "layer": "projects"}
    cost = rule("investment_project", value=2900.0, unit="10k_yuan", column="cost", where={"code": "E3"}, **same)
    row = figured(cost, town)
    assert (row["value"], row["printed"], row["difference"], row["unit"]) == (3000, 2900, 100, "10k_yuan")
    beds = figured(rule("investment_project", value=500.0, unit="beds", column="beds", **same), town)
    assert (beds["value"], beds["difference"]) == (400, -100)


# Rules whose number stands elsewhere, and readings of the user's own


def test_a_rule_by_reference_asks_for_its_number_and_takes_it(town: Layers, town_network: st.Network) -> None:
    asks = rule("provision_rule_by_reference", operator="", unit="m2_per_100_households", applies_to="new_residential")
    row = judged(asks, town, network=town_network)
    assert (row["status"], row["value"] == row["value"]) == ("no_number", False)
    assert "adapted" in row["reason_en"]
    change = {"kind": "provision_area_per_100_households", "value": 50, "operator": ">="}
    standard = st.Standard("demo", "示范", "Demo", (asks,)).adapted({"r": change})
    found = st.audit(standard, town, network=town_network)
    assert verdict(dict(found.table.iloc[0])) == (150, 200, 50, "area_m2", "short")
    assert found.parameters["changes"] == {"r": change}


def test_a_number_that_the_document_leaves_open(town: Layers) -> None:
    bare = rule("composition_share", operator="", unit="percent", column="inclusive_places", text="持续提升")
    standard = st.Standard("demo", "示范", "Demo", (bare,))
    assert st.audit(standard, town).table["reason_en"].tolist() == ["the document prints no number"]
    mended = standard.adapted({"r": {"value": 30}})  # what the user sets is a floor
    assert verdict(dict(st.audit(mended, town).table.iloc[0])) == (25, 30, 3, "inclusive_places", "short")


def test_another_base_is_told(town: Layers) -> None:
    town["communities"]["registered"] = [1000, 500, 1000, 500]
    rate = rule("places_per_1000_residents", value=25.0, unit="places_per_1000_residents")
    standard = st.Standard("demo", "示范", "Demo", (rate,))
    resident, registered = (
        dict(st.audit(one, town).table.iloc[0]) for one in (standard, standard.adapted({"r": {"base": "registered"}}))
    )
    assert (resident["value"], registered["value"]) == (30, 20)
    assert resident["basis_en"].endswith("2,000 residents")
    assert "3,000 registered" in registered["basis_en"]


def test_changes_add_up() -> None:
    one = st.Standard("demo", "示范", "Demo", (rule("count_target"),))
    twice = one.adapted({"r": {"value": 3}}).adapted({"r": {"unit": "facilities"}})
    assert (twice["r"].value, twice["r"].unit) == (3, "facilities")
    assert twice.changes == {"r": {"value": 3, "unit": "facilities"}}


@pytest.mark.parametrize(
    "values",
    [
        {"kind": "composition_share", "value": 50.0},  # of which column?
        {"kind": "utilisation_share", "value": 50.0, "column": "enrolled"},  # of what?
        {"kind": "count_target", "value": 5.0, "unit": "operators"},  # in which column do they stand?
        {"kind": "count_per_area", "value": 1.0, "applies_to": "site"},  # in which areas?
        {"kind": "count_per_area", "value": 1.0},
    ],
)
def test_a_rule_that_says_too_little_is_no_fault_of_ours(town: Layers, values: dict[str, Any]) -> None:
    """Refused when it is read, or n/a with the reason, and never an IndexError."""
    try:
        row = judged(rule(**values), town)
    except st.errors.StandardError:
        return
    assert row["status"] == "no_data"
    assert not row["reason_en"].endswith(": ")


def test_changes_that_are_refused() -> None:
    standard = st.Standard("demo", "示范", "Demo", (rule("count_target"),))
    for change, message in (
        ({"q": {"value": 1}}, 'no rule "q"'),
        ({"r": {"says": "other"}}, r'rule r: "says" cannot be changed'),
        ({"r": {"valeu": 1}}, 'unknown keys "valeu"'),
        ({"r": {"kind": "miracle"}}, 'kind is "miracle"'),
        ({"r": {"unit": "parsecs"}}, 'unit is "parsecs"'),
        ({"r": {"value": "1"}}, 'value is "1", not a number'),
        (
            {"r": {"among": {"kind": "village"}}},
            '"among" would have no effect in this count_target; it uses "layer", "facility_types"',
        ),
        ({"r": {"kind": "coverage_share", "meets": "q"}}, "in meets that is not there"),
    ):
        with pytest.raises(st.errors.StandardError, match=message):
            standard.adapted(change)
    assert standard["r"].value is None


# Which rows count


@pytest.mark.parametrize(
    ("where", "rows"),
    [
        ({"demonstration": True}, 2),
        ({"demonstration": False}, 1),
        ({"facility_type": "托育机构"}, 2),
        ({"facility_type": ["社区驿站", "驿站"]}, 1),
        ({"facility_type": ["驿站"]}, 0),
        ({"places": ">=20"}, 2),
        ({"places": ">20"}, 1),
        ({"places": "<= 20"}, 2),
        ({"places": "<10"}, 0),
        ({"floor_area": ">=90.5"}, 2),
        ({"grade": "B"}, 2),  # k is A and B
        ({"grade": "B;A"}, 1),  # both, in any order
        ({"grade": ["A", "C"]}, 2),
        ({"demonstration": True, "places": ">=20"}, 1),
        ({}, 3),
    ],
)
def test_conditions(town: Layers, where: dict[str, Any], rows: int) -> None:
    assert judged(rule("count_target", value=9.0, unit="facilities", where=where), town)["value"] == rows


def test_conditions_need_their_columns_filled(town: Layers) -> None:
    row = judged(rule("count_target", value=9.0, where={"night_care": True}), town)
    assert (row["status"], row["reason_en"]) == ("no_data", "column missing in Childcare facilities: night_care")
    town["childcare"]["demonstration"] = [True, None, None]
    with pytest.raises(st.errors.LayerError, match='childcare: "demonstration" is blank in 2 rows: "m", "n"'):
        judged(rule("count_target", value=9.0, where={"demonstration": True}), town)
    town["childcare"]["places"] = [10, math.nan, 30]
    with pytest.raises(st.errors.LayerError, match='childcare: "places" is blank in 1 row: "m"'):
        judged(rule("count_target", value=9.0, where={"places": ">=1"}), town)


@pytest.mark.parametrize(
    ("column", "want"),
    [(["是", "否", "否"], {"demonstration": True}), (["yes", "no", "no"], {"demonstration": True}),
     (["large", "small", "small"], {"demonstration": ">=1"})],
)  # fmt: skip
def test_text_is_no_flag_and_no_number(town: Layers, column: list[str], want: dict[str, Any]) -> None:
    """A column that no role knows comes as it is: "否" is not True, and "large" is not above 1."""
    town["childcare"]["demonstration"] = column
    with pytest.raises(st.errors.LayerError, match=r'childcare: .*"demonstration"'):
        judged(rule("count_target", value=9.0, where=want), town)


#: What is said of a number that is no amount.
NO_AMOUNT = {-1.0: "negative or not a number", math.inf: "infinite"}


@pytest.mark.parametrize("number", NO_AMOUNT)
@pytest.mark.parametrize(
    ("one", "layer_name", "column"),
    [
        (rule("places_per_1000_residents", value=30.0), "communities", "population"),
        (rule("service_radius", operator="<=", value=300.0, unit="m"), "communities", "infants"),
        (rule("provision_area_per_100_households", value=9.0, applies_to="new_residential"),
         "communities", "households"),
        (rule("count_target", value=9.0, where={"places": ">=20"}), "childcare", "places"),
    ],
)  # fmt: skip
def test_a_number_below_zero_or_without_end_is_refused(
    town: Layers, town_network: st.Network, one: st.Rule, layer_name: str, column: str, number: float
) -> None:
    first = town[layer_name].index[0]
    town[layer_name] = town[layer_name].astype({column: float})
    town[layer_name].loc[first, column] = number
    with pytest.raises(
        st.errors.LayerError, match=f'{layer_name}: "{column}" is {NO_AMOUNT[number]} in 1 row: "{first}"'
    ):
        judged(one, town, network=town_network)


def test_types_are_strict(town: Layers) -> None:
    typed = rule("count_target", value=1.0, unit="facilities", facility_types=("托育机构", "驿站"))
    assert judged(typed, town)["value"] == 2  # one of the words is enough
    other = rule("count_target", value=1.0, unit="facilities", facility_types=("驿站",))
    assert judged(other, town)["value"] == 0
    town["childcare"] = town["childcare"].drop(columns="facility_type")
    assert judged(typed, town)["reason"] == "托育设施图层缺少字段：设施类型（facility_type）"


# What is no flag, no number, nobody


def test_text_is_no_flag_of_a_relaxed_radius(town: Layers, town_network: st.Network) -> None:
    town["communities"] = town["communities"].assign(siting_difficult="否", low_demand=False)
    one = rule("service_radius", operator="range", value=500.0, value_max=800.0, otherwise=300.0, unit="m")
    with pytest.raises(st.errors.LayerError, match='communities: "siting_difficult" is neither True nor False'):
        audit(one, layers=town, network=town_network)


def test_text_is_no_flag_of_who_is_let_in(town: Layers, town_network: st.Network) -> None:
    town["childcare"]["open_to_neighbours"] = "否"
    with pytest.raises(st.errors.LayerError, match='childcare: "open_to_neighbours"'):
        audit(rule("service_radius", operator="<=", value=300.0, unit="m"), layers=town, network=town_network)


@pytest.mark.parametrize(("layer_name", "column"), [("communities", "population"), ("childcare", "places")])
def test_text_is_no_number_of_people_or_places(town: Layers, layer_name: str, column: str) -> None:
    town[layer_name][column] = town[layer_name][column].astype(str)
    with pytest.raises(st.errors.LayerError, match=f'{layer_name}: "{column}" holds text, not numbers'):
        audit(rule("places_per_1000_residents", value=30.0), layers=town)


@pytest.mark.parametrize("number", [-1.0, math.inf])
@pytest.mark.parametrize(
    ("one", "layer_name", "column"),
    [
        (rule("places_per_1000_residents", value=30.0), "childcare", "places"),
        (rule("provision_area_per_100_households", value=9.0, applies_to="new_residential"), "childcare", "floor_area"),
        (rule("employees_per_facility", operator="per", value=10_000.0), "communities", "employees"),
    ],
)
def test_a_stock_below_zero_or_without_end_is_refused(
    town: Layers, town_network: st.Network, one: st.Rule, layer_name: str, column: str, number: float
) -> None:
    town["communities"] = town["communities"].assign(employees=20_000.0, kind=["estate"] * 3 + ["park"])
    town[layer_name][column] = number
    with pytest.raises(st.errors.LayerError, match=f'{layer_name}: "{column}" is {NO_AMOUNT[number]}'):
        audit(one, layers=town, network=town_network)


@pytest.mark.parametrize("where", ["no villages", "none in reach"])
def test_hubs_that_no_village_reaches(town: Layers, town_network: st.Network, where: str) -> None:
    if where == "no villages":
        town["communities"]["kind"] = "estate"
    else:
        town["eldercare"] = town["eldercare"].iloc[:0]
    row = figured(direction("hub_and_spoke", applies_to="village"), town, network=town_network)
    assert (row["status"], math.isnan(row["value"])) == ("not_applicable", True)


def test_readings_are_called_by_their_limits(town: Layers, town_network: st.Network) -> None:
    town["communities"] = town["communities"].assign(siting_difficult=False, low_demand=False)
    name = "jinhua.childcare.service_radius.relaxed"
    town["childcare"] = town["childcare"].drop(columns="facility_type")
    relaxed = st.load_standard("jinhua").adapted({name: {"facility_types": []}}).select(rule=name)
    assert st.audit(relaxed, town, network=town_network).units(name).columns.tolist() == ["fulfils_500", "fulfils_800"]


def test_an_empty_layer_has_none_of_the_types(town: Layers) -> None:
    town["childcare"] = town["childcare"].iloc[:0]
    typed = rule("count_target", value=2.0, unit="facilities", facility_types=("托育机构",))
    assert verdict(judged(typed, town)) == (0, 2, 2, "facilities", "short")


def test_streets_are_told_where_some_name_no_community(two: Layers, town_network: st.Network) -> None:
    two["childcare"]["community"] = ["old", None, None]
    assert judged(OLD, two, network=town_network)["metric"] == "streets"


# Which units fulfil a rule


def test_the_units_that_fulfil_a_rule(town: Layers, town_network: st.Network) -> None:
    """Nearest child care: a 0, b 100, c 200, d 100 metres; y and z have 100 beds, only y the room."""
    town["communities"] = town["communities"].assign(siting_difficult=[False, False, True, False], low_demand=False)
    rules = (
        rule("service_radius", id="radius", operator="<=", value=100.0, unit="m"),
        rule("service_radius", id="wide", operator="range", value=150.0, value_max=200.0, otherwise=99.0, unit="m"),
        covered(id="beside", applies_to="village", metres=100.0),
        covered(id="towns", applies_to="township", facility_types=["社区驿站"]),
        covered(id="marked", layer="communities", applies_to="community", part={"friendly": True}),
        rule("bed_threshold_rule", id="rooms", service="eldercare", value=100.0, unit="beds",
             part={"rehab_room": True}),
        rule("count_target", id="count", value=5.0, unit="facilities"),
    )  # fmt: skip
    found = audit(*rules, layers=town, network=town_network)

    def told(name: str, reading: int = 0) -> dict[str, bool]:
        return dict(found.units(name).iloc[:, reading])

    assert [found.units(name).columns.tolist() for name in ("radius", "rooms")] == [["fulfils"]] * 2
    assert told("radius") == {"a": True, "b": True, "c": False, "d": True}
    assert told("wide", 0) == {"a": True, "b": False, "c": False, "d": False}
    assert told("wide", 1) == {"a": True, "b": False, "c": True, "d": False}
    assert told("beside") == {"c": False, "d": True}
    assert told("towns") == {"west": False, "east": True}
    assert told("marked") == {"a": True, "b": True, "c": False, "d": False}
    assert told("rooms") == {"y": True, "z": False}
    shares = (
        found.table[found.table["needs"].isin(["communities", "villages", "districts"])]
        .groupby("rule")["value"]
        .first()
    )
    for name in ("radius", "beside", "towns", "marked"):
        assert shares[name] == pytest.approx(100 * found.units(name)["fulfils"].mean()), name
    mine = found.units("radius")
    mine["fulfils"] = False
    assert told("radius")["a"], "what is handed out is a copy"
    with pytest.raises(st.SitingError, match=r'there are no units for "count"; there are for .*"radius"'):
        found.units("count")


# Parts of the whole


def test_each_district_by_its_own_stock_and_people(town: Layers) -> None:
    rate = rule("places_per_1000_residents", id="rate", value=30.0, unit="places_per_1000_residents")
    part = rule("composition_share", id="part", value=30.0, unit="percent", column="inclusive_places")
    for by, names in (("district", ["west", "east"]), ("county", ["p", "q"])):
        table = audit(rate, part, layers=town, by=by).table
        assert table["area"].tolist() == ["all", "all", names[0], names[0], names[1], names[1]]
        found = table.set_index(["rule", "area"])["value"]
        assert found["rate"].tolist() == pytest.approx([30, 10_000 / 1300, 50_000 / 700])
        assert found["part"].tolist() == [25, 50, 20]  # 15 of 60, 5 of 10, 10 of 50
    named = audit(rate, layers=town, by="district").table["area_name"].tolist()
    assert named == ["", "西镇", "东镇"]


def test_parts_by_a_column_of_the_districts_or_by_groups(town: Layers) -> None:
    rate = rule("places_per_1000_residents", id="rate", value=30.0, unit="places_per_1000_residents")
    ids = town["districts"].index
    town["districts"]["zone"] = ["old", "new"]
    together = pd.Series("both", ids)
    for by, areas in (("zone", ["old", "new"]), (pd.Series(["old", "new"], ids), ["old", "new"]), (together, ["both"])):
        table = audit(rate, layers=town, by=by).table
        assert table["area"].tolist() == ["all", *areas]
        values = [30.0] if areas == ["both"] else [10_000 / 1300, 50_000 / 700]
        assert table["value"].tolist() == pytest.approx([30, *values])
    only_west = audit(rate, layers=town, by=pd.Series({ids[0]: "old"})).table
    assert only_west["area"].tolist() == ["all", "old"]


@pytest.mark.parametrize(
    ("ids", "message"), [(["nowhere"], "holds no districts"), (["west", "west"], "holds districts twice")]
)
def test_groups_are_of_districts(town: Layers, ids: list[str], message: str) -> None:
    with pytest.raises(st.SitingError, match=f"by {message}.*ids of the districts"):
        audit(rule("count_target", value=1.0), layers=town, by=pd.Series("a", ids))


def test_districts_of_one_name_are_told_apart(town: Layers) -> None:
    """By the name of the county in front; the bare name says nothing, so that the place decides."""
    counties = town["districts"].assign(name=["甲区", "乙区"], level="county", parent="").set_axis(["p", "q"], axis=0)
    townships = town["districts"].assign(name="城东街道", level="subdistrict")
    town["districts"] = pd.concat([townships, counties])
    town["childcare"]["district"] = ["乙区城东街道", "城东街道", "城东街道（甲区）"]
    rate = rule("count_target", id="count", value=1.0, unit="facilities")
    table = audit(rate, layers=town, by="district").table
    assert table["area_name"].tolist() == ["", "城东街道（甲区）", "城东街道（乙区）"]
    assert table["value"].tolist() == [3, 1, 2]  # k is written into the east, n into the west, m lies in the east


def test_what_lies_in_no_district_is_told(
    town: Layers, layer: Callable[..., gpd.GeoDataFrame], caplog: pytest.LogCaptureFixture
) -> None:
    town["childcare"] = pd.concat([town["childcare"], layer({"o": (900, 900)}, places=[40])])
    rate = rule("places_per_1000_residents", id="rate", value=30.0, unit="places_per_1000_residents")
    found = audit(rate, layers=town, by="district")
    assert found.table["value"].tolist() == pytest.approx([50, 10_000 / 1300, 50_000 / 700])  # 100 places; 10 and 50
    assert found.parameters["outside"] == {"childcare": 1}
    assert "childcare: 1 row lies in no district" in caplog.text
    assert audit(rate, layers=town).parameters["outside"] == {}


def test_a_blank_district_is_found_by_where_the_place_lies(town: Layers) -> None:
    """Otherwise the parts would not add up to the whole, and nobody would be told."""
    town["childcare"]["district"] = ["west", None, "东镇"]
    rate = rule("places_per_1000_residents", id="rate", value=30.0, unit="places_per_1000_residents")
    found = audit(rate, layers=town, by="district").table["value"]
    assert found.tolist() == pytest.approx([30, 10_000 / 1300, 50_000 / 700])


def test_districts_add_up_to_the_whole(town: Layers, town_network: st.Network) -> None:
    area = rule("provision_area_per_100_households", id="area", value=50.0, applies_to="new_and_existing_residential")
    one_each = rule("population_trigger", id="each", value=500.0, unit="residents", applies_to="community")
    use = rule("utilisation_share", id="use", value=90.0, column="enrolled", of="places")
    table = audit(area, one_each, use, layers=town, network=town_network, by="district").table
    for name in ("area", "each"):
        rows = table[table["rule"] == name].set_index("area")[["value", "target", "needed"]]
        assert rows.loc[["west", "east"]].sum().tolist() == rows.loc["all"].tolist(), name
    needed = table[table["rule"] == "use"].set_index("area")["needed"]
    assert needed.tolist() == [24, 1, 23]  # 54 - 30; 9 - 8; 45 - 22


def test_people_walk_across_the_border(town: Layers, town_network: st.Network) -> None:
    town["childcare"] = town["childcare"].loc[["k"]]  # in the west; b in the east is 300 m away
    radius = rule("service_radius", operator="<=", value=300.0, unit="m")
    table = audit(radius, layers=town, network=town_network, by="district").table
    people = table[table["needs"].isin(["persons", ""])].drop_duplicates("area").set_index("area")["value"]
    assert people.tolist() == pytest.approx([30, 25, 100 / 3])  # 30 of 100; a of a, c; b of b, d
    inside = people["west"] * 40 + people["east"] * 60
    assert inside == pytest.approx(people["all"] * 100)


def test_what_is_for_the_whole_or_for_counties_is_not_asked_of_a_township(town: Layers) -> None:
    """A county with a facility is not short because one of its townships has none."""
    town["districts"]["parent"] = "p"
    count = rule("count_target", id="count", value=5.0, unit="facilities")
    county = rule("count_per_area", id="county", value=2.0, unit="facilities_per_county", applies_to="county")
    share = rule("coverage_share", id="share", value=100.0, unit="percent", applies_to="county")
    large = rule("min_floor_area", id="large", value=200.0, unit="m2", applies_to="county")
    table = audit(count, county, share, large, layers=town, by="district").table.set_index(["rule", "area"])
    assert table.loc["count", "value"].tolist() == [3, 1, 2]
    assert table.loc["count", "status"].tolist() == ["short", "shown", "shown"]
    assert table.loc[("county", "all"), "status"] == "met"
    for name in ("county", "share", "large"):
        assert "short" not in set(table.loc[name, "status"]), name


@pytest.mark.parametrize(
    ("by", "change", "message"),
    [
        ("street", {}, 'by is "street"; choose "district", "county" or a column of the districts'),
        ("district", {"drop": True}, 'by="district": layer missing: Districts'),
        ("district", {"level": "county"}, 'by="district"'),
        ("county", {"level": "county"}, 'by="county"'),
        ("district", {"empty": True}, 'by="district": layer missing: Districts'),
        ("county", {"columns": ["parent"]}, 'by="county": column missing in Districts: .*parent'),
    ],
)
def test_parts_that_there_are_not(town: Layers, by: str, change: dict[str, Any], message: str) -> None:
    if "drop" in change:
        del town["districts"]
    elif "empty" in change:
        town["districts"] = town["districts"].iloc[:0]
    elif "level" in change:
        town["districts"]["level"] = change["level"]  # no township at all
    else:
        town["districts"] = town["districts"].drop(columns=change.get("columns", []))
    with pytest.raises(st.SitingError, match=message):
        audit(rule("count_target", value=1.0), layers=town, by=by)


# A third service needs no code


def test_circles_of_culture_and_sport(
    town: Layers, town_network: st.Network, layer: Callable[..., gpd.GeoDataFrame]
) -> None:
    """At 40 m/min: 600 m to a culture house at the corner, 400 m to a sports field; all residents count."""
    quzhou = st.load_standard("quzhou")
    culture, sport = "quzhou.culture.culture_circle_15min", "quzhou.sport.fitness_circle_10min"
    own = st.Standard("own", "自", "own", (quzhou[culture], quzhou[sport]), quzhou.documents)
    layers = {"communities": town["communities"], "culture": layer({"house": (0, 0)}),
              "sport": layer({"field": (300, 200)})}  # fmt: skip
    options = {"network": town_network, "walk": st.Walk(40.0, "adult"), "year": 2025}
    table = st.audit(own, layers, shares={culture: 0.9, sport: 0.5}, **options).table.set_index("rule")
    # a 0, b 300, c 400, d 1000 m from the house; of the estates, a is 500 m and b 200 m from the field
    assert table.loc[culture, "value"].tolist() == [90, 75]
    assert table.loc[sport, "value"].tolist() == pytest.approx([100 / 3, 50])
    assert table.loc[culture, "status"].tolist() == ["met", "short"]
    assert table.loc[culture, "basis_en"].iloc[0].startswith("residents within 15 min on foot")
    bare = st.audit(own, {"communities": town["communities"]}, shares={culture: 0.9, sport: 0.5}, **options).table
    assert [why.startswith("layer missing: ") for why in bare["reason_en"]] == [True, True]
    assert ["culture" in bare["reason_en"][0], "sport" in bare["reason_en"][1]] == [True, True]


def test_every_kind_has_its_test() -> None:
    """New kinds are to be tested here, or beside the radii and rates."""
    here = Path(__file__)
    others = ("test_judge_indicators.py", "test_judge_city.py")
    texts = "".join(path.read_text("utf-8") for path in (here, *map(here.with_name, others)))
    assert [kind for kind in INDICATORS if f'"{kind}"' not in texts] == []
