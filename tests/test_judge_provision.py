"""What estates, parks and populations owe: the plans' own thresholds, and what is there on a town of blocks.

The three readings of “3000-4000 households, and one more for each further 3000” are tables and inequalities here, not
the formulas of the library: a facility's own share of households, counted with whole numbers.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

import siting as st
from siting.errors import LayerError, StandardError
from siting.judge.indicators.estate_duties import area_owed, duty_of, facilities_for_people, facilities_owed, units_owed
from siting.judge.layers.context import Context
from siting.judge.provision import provision

Make = Callable[..., gpd.GeoDataFrame]
READINGS = ("low", "high")
JINHUA = "jinhua.childcare."


load = functools.cache(st.load_standard)  # reading a standard takes longer than asking it


def readings(households: int) -> list[int]:
    """Low and high for Jinhua's clause."""
    return [int(facilities_owed(households, 3000, 4000, 3000, reading=one)) for one in READINGS]


def estates(households: list[float], build: str | list[str] = "new", **columns: Any) -> pd.DataFrame:
    """Estates without a place on a map: enough for what is owed."""
    index = pd.Index([f"e{i}" for i in range(len(households))], name="id")
    return pd.DataFrame({"kind": "estate", "build_status": build, "households": households, **columns}, index=index)


def owed(standard: str | st.Standard, communities: pd.DataFrame, rule: str, **options: Any) -> pd.DataFrame:
    """The rows of one rule, by community."""
    rules = load(standard) if isinstance(standard, str) else standard
    table = provision(rules, communities, **options)
    return table[table["rule"] == rule].set_index("community")


def rule(kind: str, **values: Any) -> st.Rule:
    known = {"service": "childcare", "indicator_zh": "甲", "indicator_en": "a", "operator": ">="}
    return st.Rule(**{"id": kind, "kind": kind, "applies_to": "new_residential", **known, **values})


def standard(*rules: st.Rule) -> st.Standard:
    return st.Standard(name="demo", title_zh="示范", title_en="Demo", rules=rules)


# --- the formulas -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("per_100", "least", "scope", "at_1000", "at_3600", "binds_below"),
    [
        (15, 200, "area", 200, 540, 1333.33),  # Jinhua, childcare, new
        (10, 150, "area", 150, 360, 1500),  # Jinhua, childcare, existing
        (20, 200, "site", 200, 720, 1000),  # Quzhou, elder care, new
        (30, 0, "area", 300, 1080, 0),  # Shijiazhuang, elder care, new: no least area is printed
    ],
)
def test_area_in_proportion_with_the_least_area_of_each_city(
    per_100: float, least: float, scope: str, at_1000: float, at_3600: float, binds_below: float
) -> None:
    def area(households: float) -> float:
        return float(area_owed(households, per_100, least, scope=scope))

    assert [area(1000), area(3600)] == [at_1000, at_3600]
    exact = Fraction(least * 100, per_100)
    assert float(exact) == pytest.approx(binds_below, abs=0.005)
    last, first = math.ceil(exact) - 1, math.floor(exact) + 1  # the whole numbers on both sides
    if least:
        assert area(last) == least > per_100 * last / 100
    assert area(first) == per_100 * first / 100 > least
    assert area(3601) == pytest.approx(at_3600 + per_100 / 100)  # not in whole hundreds


@pytest.mark.parametrize(
    ("households", "low", "high"),
    [
        (0, 0, 0),
        (2999, 0, 0),
        (3000, 1, 1),
        (3600, 1, 1),
        (4000, 1, 1),
        (4001, 1, 2),
        (6000, 1, 2),
        (7000, 2, 2),
        (7001, 2, 3),
        (9000, 2, 3),
        (10000, 3, 3),
    ],
)
def test_both_readings_of_households_per_facility(households: int, low: int, high: int) -> None:
    assert readings(households) == [low, high]


@given(some.integers(0, 10**7))
def test_low_and_high_by_what_each_facility_stands_for(households: int) -> None:
    low, high = readings(households)
    assert low <= high
    if households < 3000:
        assert (low, high) == (0, 0)
        return
    # high: the fewest of which the first serves at most 4000 and each further one at most 3000
    assert 4000 + 3000 * (high - 1) >= households
    assert high == 1 or 4000 + 3000 * (high - 2) < households
    # low: a further one only when a whole 3000 beyond 4000 is reached
    assert low == 1 + max(0, households - 4000) // 3000


@given(some.integers(0, 10**6), some.integers(0, 10**6))
def test_more_households_never_owe_less(one: int, other: int) -> None:
    fewer, more = sorted((one, other))
    assert all(a <= b for a, b in zip(readings(fewer), readings(more), strict=True))
    assert area_owed(fewer, 15, 200) <= area_owed(more, 15, 200)


@given(
    some.lists(some.integers(0, 10**5), min_size=1, max_size=5), some.integers(0, 9), some.sampled_from([0, 90, 200])
)
def test_the_least_area_of_a_site_counts_for_each_site(households: list[int], sites: int, least: int) -> None:
    found = area_owed(households, 20, least, sites=[sites] * len(households), scope="site")
    assert found.tolist() == [pytest.approx(max(20 * h / 100, max(sites, 1) * least)) for h in households]
    assert (found >= area_owed(households, 20, least)).all()


@given(some.integers(0, 10**8))
def test_a_park_owes_one_facility_each_time_ten_thousand_are_reached(employees: int) -> None:
    assert int(facilities_for_people(employees, 10_000, reading="floor")) == employees // 10_000


@given(some.integers(0, 2 * 10**7), some.sampled_from(["1.82", "4.5", "4.6", "5.5", "8", "10", "30"]))
def test_places_are_rounded_up_from_the_exact_product(people: int, rate: str) -> None:
    assert int(units_owed(people, float(rate))) == math.ceil(Fraction(rate) * people / 1000)


def test_land_is_owed_in_proportion() -> None:
    for people, square_metres in ((0, 0.0), (8388, 838.8), (120_000, 12_000.0)):
        frame = pd.DataFrame({"population": [people], "kind": ["estate"]})
        land = owed("shijiazhuang", frame, "shijiazhuang.eldercare.land_per_capita").loc["all"]
        assert land["land_m2"] == pytest.approx(square_metres)


# --- the figures, from the shipped standards ------------------------------------------------------------------


def test_an_estate_of_3600_households_in_jinhua() -> None:
    new = estates([3600])
    found = owed("jinhua", new, JINHUA + "households_per_facility.new").loc["e0"]
    assert found[["facilities", "facilities_low", "amount"]].tolist() == [1, 1, 3600]
    assert found["base"] == "households"
    assert found["read_with"] == JINHUA + "households_increment.new"
    area = owed("jinhua", new, JINHUA + "area_per_100_households.new").loc["e0"]
    assert area["area_m2"] == 540
    assert area["read_with"] == JINHUA + "min_floor_area.new"
    assert area[["facilities", "places", "beds", "land_m2", "there", "lacking"]].isna().all()
    assert area["clause"]
    assert area["document"] == "金华市“一老一小”整体解决方案"
    old = owed("jinhua", estates([3600], "existing"), JINHUA + "area_per_100_households.existing")
    assert old["area_m2"].tolist() == [360]


def test_low_and_high_differ_where_the_table_says_so() -> None:
    table = owed("jinhua", estates([3600, 4001, 7000, 7001]), JINHUA + "households_per_facility.new")
    assert table["facilities"].tolist() == [1, 2, 2, 3]
    assert table["facilities_low"].tolist() == [1, 1, 2, 2]


@pytest.mark.parametrize(
    ("build", "households", "area"),
    [
        ("new", [1000, 1333, 1334, 3600], [200, 200, 200.1, 540]),
        ("existing", [1000, 1500, 1501, 3600], [150, 150, 150.1, 360]),
    ],
)
def test_jinhuas_least_area_binds_in_small_estates(build: str, households: list[float], area: list[float]) -> None:
    table = owed("jinhua", estates(households, build), f"{JINHUA}area_per_100_households.{build}")
    assert table["area_m2"].tolist() == pytest.approx(area)


def test_an_estate_of_3600_households_in_quzhou() -> None:
    new = estates([1000, 3600])
    area = owed("quzhou", new, "quzhou.eldercare.area_per_100_households.new")
    assert area["area_m2"].tolist() == [200, 720]
    assert area["read_with"].tolist() == ["quzhou.eldercare.min_floor_area.new"] * 2
    places = owed("quzhou", new, "quzhou.childcare.places_per_1000.new", household_size=2.33)
    assert places["amount"].tolist() == pytest.approx([2330, 8388])
    assert places["places"].tolist() == [24, 84]
    assert places["base"].tolist() == ["population"] * 2


def test_an_estate_of_3600_households_in_shijiazhuang() -> None:
    both = estates([3600, 3600], ["new", "existing"])
    area = owed("shijiazhuang", both, "shijiazhuang.eldercare.area_per_100_households.new")
    assert (area.index.tolist(), area["area_m2"].tolist(), area["read_with"].tolist()) == (["e0"], [1080], [""])
    for build, community, places in (("new", "e0", 84), ("existing", "e1", 68)):  # 8 per 1000: 67.1
        found = owed("shijiazhuang", both, f"shijiazhuang.childcare.places_per_1000.{build}", household_size=2.33)
        assert found["places"].to_dict() == {community: places}


def test_residents_that_are_counted_go_before_a_household_size() -> None:
    counted = estates([3600], population=[9000])
    found = owed("quzhou", counted, "quzhou.childcare.places_per_1000.new", household_size=2.33)
    assert found["places"].tolist() == [90]


def test_parks_owe_by_employees_and_only_parks() -> None:
    frame = pd.DataFrame({"kind": ["park"] * 4 + ["estate"], "employees": [9_999, 10_000, 19_999, 30_000, 90_000]})
    for name, id_ in (("jinhua", JINHUA), ("hangzhou_digest", "hangzhou_digest.childcare.")):
        assert owed(name, frame, id_ + "industrial_park_trigger")["facilities"].tolist() == [0, 1, 1, 3]


def test_a_community_owes_an_institution_from_1000_residents() -> None:
    frame = pd.DataFrame({"population": [999, 1000, 1001, 5000], "kind": ["village", "estate", "estate", "park"]})
    found = owed("jinhua", frame, JINHUA + "community_trigger_1000")
    assert found["facilities"].to_dict() == {0: 0, 1: 1, 2: 1}  # a park is no community
    assert found["base"].tolist() == ["population"] * 3


def test_land_and_rates_are_owed_by_the_population_as_a_whole() -> None:
    frame = pd.DataFrame({"population": [60_000, 60_007], "elderly": [11_000, 12_345]})
    land = owed("shijiazhuang", frame, "shijiazhuang.eldercare.land_per_capita").loc["all"]
    assert land["land_m2"] == pytest.approx(12_000.7)
    assert land[["name", "base", "amount"]].tolist() == ["全域", "population", 120_007]
    places = owed("jinhua", frame, JINHUA + "places_per_1000.2025").loc["all"]
    assert places["places"] == math.ceil(Fraction("4.5") * 120_007 / 1000) == 541
    beds = owed("quzhou", frame, "quzhou.eldercare.beds_per_1000.2025").loc["all"]
    assert (beds["beds"], beds["base"]) == (701, "elderly")  # 30 x 23.345 = 700.35
    dementia = owed("jinhua", frame, "jinhua.eldercare.cognitive_beds_per_10000.2025").loc["all"]
    assert dementia["beds"] == 47  # 20 x 2.3345 = 46.69


def test_a_year_keeps_standing_rules_and_those_of_the_year() -> None:
    frame = estates([3600], population=[9000], elderly=[900], employees=[0])
    found = {year: set(provision(load("jinhua"), frame, year=year)["rule"]) for year in (2022, 2025, None)}
    standing = JINHUA + "area_per_100_households.new"
    assert all(standing in rules for rules in found.values())
    assert JINHUA + "places_per_1000.2022" in found[2022] - found[2025]
    assert JINHUA + "places_per_1000.2025" in found[2025] - found[2022]
    assert found[None] == found[2022] | found[2025]


def test_a_site_rule_with_several_facilities_asks_for_the_least_area_of_each() -> None:
    rules = standard(
        rule("provision_area_per_100_households", value=2.0, unit="m2_per_100_households"),
        rule("min_floor_area", value=200.0, unit="m2_per_site", scope="site"),
        rule("households_per_facility", operator="range", value=3000.0, value_max=4000.0),
        rule("households_per_facility", id="further", operator="per", value=3000.0),
    )
    table = owed(rules, estates([2999, 3600, 4001, 7001, 40_000]), "provision_area_per_100_households")
    # by households 60, 72, 80, 140 and 800 m2; by 1, 1, 2, 3 and 13 sites of 200 m2
    assert table["area_m2"].tolist() == [200, 200, 400, 600, 2600]
    assert set(table["read_with"]) == {"min_floor_area; households_per_facility; further"}
    wide = rules.adapted({"provision_area_per_100_households": {"value": 20.0}})
    # 599.8, 720, 800.2, 1400.2 and 8000 m2 are all more than the sites need
    area = owed(wide, estates([2999, 3600, 4001, 7001, 40_000]), "provision_area_per_100_households")["area_m2"]
    assert area.tolist() == pytest.approx([599.8, 720, 800.2, 1400.2, 8000])
    for_area = rules.adapted({"min_floor_area": {"scope": "area"}})
    found = owed(for_area, estates([4001, 40_000]), "provision_area_per_100_households")
    assert found["area_m2"].tolist() == [200, 800]
    assert set(found["read_with"]) == {"min_floor_area"}


def test_a_rule_that_is_asked_alone_is_read_with_the_same_others() -> None:
    both = estates([1000, 3600])
    whole = provision(load("jinhua"), both)
    name = JINHUA + "area_per_100_households.new"
    alone = provision(load("jinhua").select(rule=name), both)
    assert alone["rule"].unique().tolist() == [name]
    assert alone["area_m2"].tolist() == [200, 540]  # 150 m² are less than the least area
    assert alone["read_with"].tolist() == [JINHUA + "min_floor_area.new"] * 2
    pd.testing.assert_frame_equal(alone, whole[whole["rule"] == name].reset_index(drop=True), check_dtype=False)
    first = provision(load("jinhua").select(rule="households_per_facility.new"), estates([7001]))
    assert first[["facilities", "facilities_low"]].to_numpy().tolist() == [[3, 2]]
    assert first["indicator"].tolist() == [load("jinhua")[JINHUA + "households_per_facility.new"].indicator_zh]
    assert first["indicator_en"].tolist() == [load("jinhua")[JINHUA + "households_per_facility.new"].indicator_en]


# --- what is there ----------------------------------------------------------------------------------------------------


@pytest.fixture
def homes(layer: Make) -> gpd.GeoDataFrame:
    """Two new estates 200 m apart, an old one 400 m on, and one with nobody in it."""
    return layer(
        {"a": (0, 0), "b": (200, 0), "old": (500, 100), "none": (0, 500)},
        kind=["estate"] * 4,
        build_status=["new", "new", "existing", "new"],
        households=[3600, 7001, 3600, 0],
        population=[9000, 17_000, 9000, 0],
    )


def test_a_facility_is_the_nearest_estates_and_nobody_elses(
    homes: gpd.GeoDataFrame, layer: Make, town_network: st.Network
) -> None:
    # k is 100 m from both (a comes first), l 100 m from b and 300 m from a, m 100 m from the old estate, n from none
    care = layer({"k": (100, 0), "l": (300, 0), "m": (500, 0), "n": (500, 500)}, floor_area=[100.0, 200, 400, 800])
    before = homes.copy(), care.copy()
    new = owed(
        "jinhua", homes, JINHUA + "households_per_facility.new", layers={"childcare": care}, network=town_network
    )
    assert new["there"].to_dict() == {"a": 1, "b": 1, "none": 0}  # b is 300 m from m, but m is the old estate's
    assert new["lacking"].to_dict() == {"a": 0, "b": 2, "none": 0}
    old = owed(
        "jinhua", homes, JINHUA + "households_per_facility.existing", layers={"childcare": care}, network=town_network
    )
    assert old["there"].to_dict() == {"old": 1}  # l is 300 m away, but b's
    pd.testing.assert_frame_equal(homes, before[0])
    pd.testing.assert_frame_equal(care, before[1])


def test_walks_beyond_beside_do_not_count(homes: gpd.GeoDataFrame, layer: Make, town_network: st.Network) -> None:
    """k is 300 m from b and farther from all others, m 400 m from `none` and 500 m from the old estate."""
    care = layer({"k": (200, 300), "m": (400, 500)}, floor_area=[250.0, 999])

    def there(beside: float) -> dict[str, float]:
        found = owed("jinhua", homes, JINHUA + "area_per_100_households.new", layers={"childcare": care},
                     network=town_network, beside=beside)  # fmt: skip
        assert (found["lacking"] == (found["area_m2"] - found["there"]).clip(lower=0)).all()
        return dict(found["there"])

    assert there(299) == {"a": 0, "b": 0, "none": 0}
    assert there(300) == {"a": 0, "b": 250, "none": 0}  # "within" includes the limit
    assert there(500) == {"a": 0, "b": 250, "none": 999}  # an estate of no households owes the least area


def test_the_column_community_wins_over_the_walk(homes: gpd.GeoDataFrame, layer: Make) -> None:
    care = layer({"k": (0, 0), "l": (0, 0), "m": (0, 0)}, floor_area=[100.0, 200, 400], community=["b", "b", "old"])
    found = owed("jinhua", homes, JINHUA + "area_per_100_households.new", layers={"childcare": care})
    assert found["there"].to_dict() == {"a": 0, "b": 300, "none": 0}  # and no streets are needed
    old = owed("jinhua", homes, JINHUA + "area_per_100_households.existing", layers={"childcare": care})
    assert old[["there", "lacking"]].to_numpy().tolist() == [[400, 0]]
    plain = pd.DataFrame(homes.drop(columns="geometry"))
    again = owed("jinhua", plain, JINHUA + "area_per_100_households.new", layers={"childcare": care})
    pd.testing.assert_frame_equal(again, found)


def test_a_community_is_named_by_id_or_by_a_name_that_only_one_has(homes: gpd.GeoDataFrame, layer: Make) -> None:
    named = homes.assign(name=["阳光里", "春晓苑", "春晓苑", "空"])

    def there(*community: str) -> list[float]:
        care = layer({f"k{i}": (0, 0) for i in range(len(community))}, floor_area=[100.0] * len(community),
                     community=list(community))  # fmt: skip
        found = owed("jinhua", named, JINHUA + "area_per_100_households.new", layers={"childcare": care})
        return list(found["there"])

    assert there("a", "阳光里", "b") == [200, 100, 0]
    with pytest.raises(LayerError, match='names none, or several, of the communities in 2 rows: "k1", "k2"'):
        there("a", "春晓苑", "夏荫居")  # which of the two?


def test_communities_and_parks_share_a_facility(layer: Make, town_network: st.Network) -> None:
    homes = layer({"a": (0, 0), "b": (200, 0), "p": (100, 100), "q": (500, 500)}, population=[1000, 1000, 0, 0],
                  kind=["estate", "village", "park", "park"], employees=[0, 0, 10_000, 20_000])  # fmt: skip
    care = layer({"k": (100, 0)}, open_to_neighbours=[False])
    given = {"layers": {"childcare": care}, "network": town_network}
    assert owed("jinhua", homes, JINHUA + "industrial_park_trigger", **given)["there"].to_dict() == {"p": 1, "q": 0}
    # a facility for its own staff counts for the park, not for the communities around it
    assert owed("jinhua", homes, JINHUA + "community_trigger_1000", **given)["there"].tolist() == [0, 0]
    given["layers"] = {"childcare": care.assign(open_to_neighbours=True)}
    assert owed("jinhua", homes, JINHUA + "community_trigger_1000", **given)["there"].tolist() == [1, 1]


def test_a_population_has_all_the_stock(layer: Make) -> None:
    homes = layer({"a": (0, 0), "b": (100, 0)}, population=[6000, 4000])
    care = layer({"k": (0, 0), "l": (400, 0)}, places=[30, 10])
    found = owed("jinhua", homes, JINHUA + "places_per_1000.2025", layers={"childcare": care}).loc["all"]
    assert found[["places", "there", "lacking"]].tolist() == [45, 40, 5]
    land = layer({"k": (0, 0)}, land_area=[600.0])
    found = owed("shijiazhuang", homes, "shijiazhuang.eldercare.land_per_capita", layers={"eldercare": land}).loc["all"]
    assert found[["land_m2", "there", "lacking"]].tolist() == [1000, 600, 400]


JINHUAS = load("jinhua")
ESTATE_KINDS = ("provision_area_per_100_households", "households_per_facility", "min_floor_area")
CROSSINGS = some.tuples(some.integers(0, 5), some.integers(0, 5))
HOMES = some.lists(
    some.tuples(CROSSINGS, some.sampled_from(["new", "existing"]), some.integers(0, 12_000)), min_size=1, max_size=6
)
CARE = some.lists(some.tuples(CROSSINGS, some.integers(0, 900)), min_size=1, max_size=6)


@pytest.mark.slow
@given(HOMES, CARE, some.integers(10, 700))
@settings(deadline=None, max_examples=20)
def test_nothing_is_counted_twice_and_the_audit_adds_up(
    layer: Make, town_network: st.Network, homes: list[Any], care: list[Any], beside: int
) -> None:
    """A walk between crossings is the sum of their differences, which is what is counted here by hand.

    A facility is the nearest estate's that owes something, new or existing; of two as near, the first one's.
    """
    frame = layer({f"h{i}": (100 * x, 100 * y) for i, ((x, y), _, _) in enumerate(homes)}, kind=["estate"] * len(homes),
                  build_status=[b for _, b, _ in homes], households=[h for _, _, h in homes])  # fmt: skip
    rooms = layer({f"k{i}": (100 * x, 100 * y) for i, ((x, y), _) in enumerate(care)},
                  floor_area=[float(m) for _, m in care])  # fmt: skip
    rules = replace(JINHUAS, rules=tuple(r for r in JINHUAS if r.kind in ESTATE_KINDS))
    table = provision(rules, frame, {"childcare": rooms}, network=town_network, beside=beside)
    judged = st.audit(rules, {"communities": frame, "childcare": rooms}, network=town_network, beside=beside)
    judged_by = judged.table.set_index("rule")
    counted = {"area_m2": 0.0, "facilities": 0.0}
    for name, rows in table.groupby("rule"):
        build, area = name.rsplit(".", 1)[1], "area" in name
        quantity = "area_m2" if area else "facilities"
        owners = [i for i, (_, _, h) in enumerate(homes) if area or h >= 3000]
        due = [i for i in owners if homes[i][1] == build]
        had = dict.fromkeys((f"h{i}" for i, (_, b, _) in enumerate(homes) if b == build), 0)
        for (x, y), metres in care:
            ways = [(100 * (abs(x - homes[i][0][0]) + abs(y - homes[i][0][1])), i) for i in owners]
            way, nearest = min(ways, default=(math.inf, 0))
            if way <= beside and nearest in due:
                had[f"h{nearest}"] += metres if area else 1
        assert dict(zip(rows["community"], rows["there"], strict=True)) == had
        counted[quantity] += sum(had.values())
        assert np.allclose(rows["lacking"], (rows[quantity] - rows["there"]).clip(lower=0))
        if due:
            told = judged_by.loc[name]
            assert told["target"] == pytest.approx(rows[quantity].sum())
            assert told["needed"] == pytest.approx(rows["lacking"].sum())
            assert told["value"] == pytest.approx(np.minimum(rows[quantity], rows["there"]).sum())
            assert (told["status"] == "met") == (rows["lacking"].sum() == pytest.approx(0))
    assert counted["area_m2"] <= rooms["floor_area"].sum()  # by the new and the existing rule together
    assert counted["facilities"] <= len(rooms)


@pytest.mark.slow
def test_every_standard_can_be_asked_of_the_sample(
    sample: dict[str, gpd.GeoDataFrame], sample_network: st.Network
) -> None:
    rows = 0
    for name in st.list_standards():
        rules = load(name)
        without = provision(rules, sample["communities"])
        table = provision(rules, sample["communities"], sample, network=sample_network)
        judged = st.audit(rules, sample, network=sample_network).table.set_index("rule")
        rows += len(table)
        quantities = table[["facilities", "area_m2", "places", "beds", "land_m2"]]
        told, looked = quantities.notna().any(axis=1), table["there"].notna()
        assert (quantities.notna().sum(axis=1) <= 1).all()  # one quantity, or a reason
        assert (table["reason"].isna() == (told & looked)).all()  # or both, where what is there cannot be told
        assert (table.loc[~told, "community"] == "all").all()
        assert (table["reason"].isna() == table["reason_en"].isna()).all()
        assert table[["indicator", "indicator_en"]].ne("").all(axis=None)
        assert table[["clause", "document"]].ne("").all(axis=None)
        assert without["there"].isna().all()
        for one, found in table[told].groupby("rule"):
            total = float(quantities.loc[found.index].sum().sum())
            # what is owed does not depend on what is there
            mine = without[without["rule"] == one][quantities.columns]
            assert float(mine.sum().sum()) == pytest.approx(total)
            if not looked[found.index].any():
                continue
            if judged.loc[one, "status"] == "short":
                assert judged.loc[one, "needed"] == pytest.approx(found["lacking"].sum()), one
            elif judged.loc[one, "status"] == "met":
                assert found["lacking"].sum() == 0, one
    assert rows > 100


# --- what is missing, blank or wrong ----------------------------------------------------------------------------------


def test_a_column_that_is_missing_gives_one_row_with_the_reason() -> None:
    table = provision(load("jinhua"), estates([3600, 4001]))
    trigger = table[table["rule"] == JINHUA + "industrial_park_trigger"]
    assert trigger[["community", "reason_en"]].to_numpy().tolist() == [
        ["all", "column missing in Communities: employees (employees)"]
    ]
    assert "employees" in trigger["reason"].iloc[0]
    assert trigger[["facilities", "amount", "there"]].isna().all(axis=None)
    for column in ("kind", "build_status", "households"):
        found = owed("jinhua", estates([3600, 4001]).drop(columns=column), JINHUA + "area_per_100_households.new")
        assert found.index.tolist() == ["all"]
        assert column in found["reason_en"].iloc[0]


def test_a_number_that_a_rule_needs_may_not_be_blank() -> None:
    with pytest.raises(LayerError, match='"households" is blank in 1 row: "e1"'):
        provision(load("jinhua"), estates([3600, math.nan]))
    with pytest.raises(LayerError, match='"population" is blank'):
        provision(load("quzhou"), estates([3600], population=[math.nan]), household_size=2.33)


def test_a_floor_area_that_is_blank_is_refused(homes: gpd.GeoDataFrame, layer: Make, town_network: st.Network) -> None:
    care = layer({"k": (0, 0)}, floor_area=[math.nan])
    with pytest.raises(LayerError, match='childcare: "floor_area" is blank'):
        provision(load("jinhua"), homes, {"childcare": care}, network=town_network)


def test_a_name_is_no_standard() -> None:
    with pytest.raises(StandardError, match="load_standard"):
        provision("jinhua", estates([3600]))  # type: ignore[arg-type]


def test_the_table_is_numbers_where_it_counts() -> None:
    table = provision(load("jinhua"), estates([3600], population=[9000]))
    numbers = ["facilities", "facilities_low", "area_m2", "places", "beds", "land_m2", "amount", "there", "lacking"]
    assert (table[numbers].dtypes == "float64").all()


def test_what_is_owed_is_told_when_what_is_there_cannot_be(homes: gpd.GeoDataFrame, layer: Make) -> None:
    """A layer of one service, or no streets, takes nothing away from what estates owe of the others."""
    for care in ({"eldercare": layer({"k": (0, 0)}, beds=[1])}, {"childcare": layer({"k": (0, 0)}, floor_area=[1.0])}):
        found = owed("jinhua", homes, JINHUA + "area_per_100_households.new", layers=care)
        assert found["area_m2"].tolist() == pytest.approx([540, 1050.15, 200])
        assert found["there"].isna().all()
        assert found["reason_en"].notna().all()


def test_a_frame_without_geometry_beside_streets_is_told(
    homes: gpd.GeoDataFrame, layer: Make, town_network: st.Network
) -> None:
    plain = pd.DataFrame(homes.drop(columns="geometry"))
    found = provision(JINHUAS, plain, {"childcare": layer({"k": (0, 0)}, floor_area=[1.0])}, network=town_network)
    area = found[found["rule"] == JINHUA + "area_per_100_households.new"]
    assert (area["area_m2"] > 0).any()
    assert area["there"].isna().all()
    assert area["reason_en"].str.contains("Communities has no geometry").all()


@pytest.mark.parametrize("blank", [None, "", " "])
def test_a_blank_community_falls_back_to_the_nearest(
    homes: gpd.GeoDataFrame, layer: Make, town_network: st.Network, blank: str | None
) -> None:
    care = layer({"k": (0, 0), "l": (0, 0)}, floor_area=[100.0, 200], community=["b", blank])
    found = owed("jinhua", homes, JINHUA + "area_per_100_households.new", layers={"childcare": care},
                 network=town_network)  # fmt: skip
    assert found["there"].to_dict() == {"a": 200, "b": 100, "none": 0}


def test_the_first_facility_is_no_further_one(layer: Make, town_network: st.Network) -> None:
    home = layer({"a": (0, 0)}, kind=["estate"], build_status=["new"], households=[4001])
    care = layer({"k": (0, 0)})
    judged = st.audit(JINHUAS, {"communities": home, "childcare": care}, network=town_network).table
    rows = judged.set_index("rule").loc[[JINHUA + "households_per_facility.new", JINHUA + "households_increment.new"]]
    assert rows["status"].tolist() == ["short", "short"]


def test_audit_and_provision_count_the_same_residents(layer: Make) -> None:
    layers = {"communities": layer({"a": (0, 0)}, households=[1000]), "childcare": layer({"k": (0, 0)}, places=[2])}
    rules, name = load("quzhou"), "quzhou.childcare.places_per_1000.2025"
    found = owed(rules, layers["communities"], name, layers=layers, household_size=2.33).loc["all"]
    judged = st.audit(rules, layers, household_size=2.33)
    row = judged.table.set_index("rule").loc[name]
    assert [found["lacking"], row["needed"]] == [9, 9]  # 4.5 x 2.33 = 10.485
    assert judged.parameters["household_size"] == 2.33


@pytest.mark.parametrize("households", [math.inf, -5.0])
def test_households_that_are_no_number_of_people_are_refused(households: float) -> None:
    with pytest.raises(LayerError, match="households"):
        provision(JINHUAS, estates([3600, households]))


# One need of a clause


def clause(scope: str, *more: st.Rule) -> st.Standard:
    shared = {"service": "childcare", "indicator_zh": "面积", "applies_to": "new_residential", "operator": ">="}
    area = st.Rule("area", "provision_area_per_100_households", indicator_en="area", value=20.0, **shared)
    floor = st.Rule("floor", "min_floor_area", indicator_en="floor", value=200.0, scope=scope, **shared)
    return st.Standard("demo", "示范", "Demo", (area, floor, *more))


def test_a_rate_and_a_least_area_of_one_clause_are_one_need(layer: Callable[..., gpd.GeoDataFrame]) -> None:
    """500 and 2000 households owe 100 and 400 m², at least 200: with 120 and 250 m² they lack 80 and 150."""
    homes = layer({"a": (0, 0), "b": (900, 0)}, kind=["estate"] * 2, build_status=["new"] * 2, households=[500, 2000])
    care = layer({"k": (0, 0), "l": (900, 0)}, floor_area=[120.0, 250.0], community=["a", "b"])
    table = st.audit(clause("area"), {"communities": homes, "childcare": care}).table.set_index("rule")
    assert table.loc["area", "needed"] == 80 + 150
    assert (table.loc["floor", "status"], table.loc["floor", "needs"]) == ("short", "area_m2")
    assert math.isnan(table.loc["floor", "needed"])
    assert table.loc["floor", "reason_en"] == 'the need is given at "area"; short: a'
    assert table.loc["floor", "reason"] == "尚需已计入“面积”；未达到：a"
    owed = st.provision(clause("area"), homes, {"childcare": care}).set_index("community")
    assert owed["lacking"].to_dict() == {"a": 80, "b": 150}


def test_the_larger_need_of_each_estate_counts(layer: Callable[..., gpd.GeoDataFrame]) -> None:
    """a owes 200 m² in all and has them, in two sites of 100 that owe 200 each; b lacks 150 of 400 in one site."""
    homes = layer({"a": (0, 0), "b": (900, 0)}, kind=["estate"] * 2, build_status=["new"] * 2, households=[500, 2000])
    care = layer({"k": (0, 0), "m": (0, 0), "l": (900, 0)}, floor_area=[100.0, 100.0, 250.0], community=["a", "a", "b"])
    table = st.audit(clause("site"), {"communities": homes, "childcare": care}).table.set_index("rule")
    assert table.loc["area", "needed"] == 200 + 150
    assert math.isnan(table.loc["floor", "needed"])
    owed = st.provision(clause("site"), homes, {"childcare": care}).set_index("community")
    assert owed["lacking"].to_dict() == {"a": 200, "b": 150}
    # where nothing is lacking by the rate, the need is that of the sites
    large = care.assign(floor_area=[100.0, 100.0, 450.0])
    table = st.audit(clause("site"), {"communities": homes, "childcare": large}).table.set_index("rule")
    assert table["needed"].to_dict() == {"area": 0, "floor": 200}


def test_the_first_facility_and_the_further_ones_are_one_need(layer: Callable[..., gpd.GeoDataFrame]) -> None:
    """7001 households owe 3: one for 3000 to 4000, and one more for each further 3000."""
    shared = {"service": "childcare", "indicator_zh": "处数", "applies_to": "new_residential"}
    first = st.Rule("first", "households_per_facility", indicator_en="first", operator="range", value=3000.0,
                    value_max=4000.0, **shared)  # fmt: skip
    further = st.Rule(
        "further", "households_per_facility", indicator_en="further", operator="per", value=3000.0, **shared
    )
    homes = layer({"a": (0, 0)}, kind=["estate"], build_status=["new"], households=[7001])
    for many, needed, status in ((0, 3, "short"), (1, 2, "short"), (3, 0, "met")):
        care = layer({f"k{i}": (0, 0) for i in range(many)}, community=["a"] * many)
        standard = st.Standard("demo", "示范", "Demo", (first, further))
        table = st.audit(standard, {"communities": homes, "childcare": care}).table.set_index("rule")
        assert table["status"].tolist() == [status] * 2
        assert table.loc["first", "needed"] == needed
        assert table["needed"].sum() == needed  # nobody adds the two


def owed_by(*rules: st.Rule, communities: pd.DataFrame, **options: Any) -> pd.DataFrame:
    return provision(st.Standard("x", "示例", "Example", rules), communities, **options)


def test_floor_area_and_land_for_the_whole_population_are_by_its_residents() -> None:
    people = pd.DataFrame({"kind": "estate", "population": [1501, 500]}, index=["a", "b"])
    names = {"service": "childcare", "indicator_zh": "甲", "indicator_en": "A"}
    area = st.Rule("x.a", "area_per_1000_residents", operator=">=", value=300, unit="m2_per_1000_residents", **names)
    land = st.Rule("x.b", "provision_land_per_capita", operator=">=", value=0.1, unit="m2_land_per_resident", **names)
    each = st.Rule("x.c", "residents_per_facility", operator="per", value=900, unit="residents_per_facility", **names)
    table = owed_by(area, land, each, communities=people).set_index("rule")
    assert table["area_m2"].fillna(0).tolist() == pytest.approx([600.3, 0, 0])  # in proportion
    assert table["land_m2"].fillna(0).tolist() == pytest.approx([0, 200.1, 0])
    assert table["facilities"].fillna(0).tolist() == [0, 0, 3]
    assert table["facilities_low"].fillna(0).tolist() == [0, 0, 2]
    assert table["amount"].tolist() == [2001, 2001, 2001]
    assert set(table["community"]) == {"all"}
    assert all(table[name].dtype == float for name in ("facilities", "beds", "there", "lacking", "amount"))


def test_each_estate_is_named_by_its_name_else_by_its_id() -> None:
    rule = st.Rule("x.a", "provision_area_per_100_households", "childcare", "甲", "A", operator=">=", value=15,
                   unit="m2_per_100_households", applies_to="new_residential")  # fmt: skip
    assert owed_by(rule, communities=estates([1000]))["name"].tolist() == ["e0"]
    assert owed_by(rule, communities=estates([1000], name=["甲苑"]))["name"].tolist() == ["甲苑"]


def test_places_of_schools_are_not_those_of_childcare() -> None:
    rule = st.Rule("x.a", "places_per_1000_residents", "childcare", "甲", "A", operator=">=", value=30,
                   unit="school_places_per_1000_residents", applies_to="new_residential")  # fmt: skip
    table = owed_by(rule, communities=estates([400], population=[1001]))
    assert table["school_places"].tolist() == [31]
    assert table["places"].isna().all()


def test_a_further_facility_is_owed_beyond_the_first_in_both_readings() -> None:
    names = {"service": "childcare", "indicator_zh": "甲", "indicator_en": "A", "applies_to": "new_residential"}
    first = st.Rule("x.a", "households_per_facility", operator="range", value=3000, value_max=4000,
                    unit="households_per_facility", **names)  # fmt: skip
    per = st.Rule("x.b", "households_per_facility", operator="per", value=3000,
                  unit="households_per_extra_facility", **names)  # fmt: skip
    table = owed_by(first, per, communities=estates([2999, 4001, 7001]))
    assert table["rule"].unique().tolist() == ["x.a"]  # read with it
    assert table["facilities"].tolist() == [0, 2, 3]
    assert table["facilities_low"].tolist() == [0, 1, 2]
    context = Context({"communities": estates([2999, 4001, 7001])}, None, None, {}, 300.0, 250.0, (first, per))
    duty = duty_of(per, context)
    assert (duty.owed.tolist(), duty.low.tolist()) == ([0, 1, 2], [0, 0, 1])
