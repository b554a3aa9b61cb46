"""Do beds follow the elderly: values by hand, people and beds counted one by one, and what must not matter."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

import siting as st
from siting.errors import ProblemError
from siting.measure.mismatch import Mismatch, spatial_mismatch
from siting.measure.reach import Reach

HOMES = list("abcd")


@pytest.fixture
def reach() -> Reach:
    """`a` at `x`, `b` 200 m from it and 400 m from `y`, `c` 600 m from `y`; `d` reaches only `z`, which is empty."""
    rows = [
        ("a", "x", 0.0),
        ("b", "x", 200.0),
        ("b", "y", 400.0),
        ("c", "y", 600.0),
        ("c", "z", 50.0),
        ("d", "z", 10.0),
    ]
    table = pd.DataFrame(rows, columns=["origin", "destination", "cost"])
    return Reach.from_pairs(table, origins=HOMES, destinations=["x", "y", "z"], limit=1000)


@pytest.fixture
def given_data() -> dict[str, pd.Series]:
    return {
        "demand": pd.Series([40, 30, 20, 10], index=HOMES, name="elderly"),
        "residents": pd.Series([100, 100, 100, 100], index=HOMES, name="population"),
        "supply": pd.Series({"x": 30, "y": 50, "z": 0}, name="beds"),
    }


@pytest.fixture
def districts() -> dict[str, pd.Series]:
    return {
        "by": pd.Series(["n", "n", "s", "s"], index=HOMES),
        "supply_by": pd.Series({"x": "n", "y": "w", "z": "s"}),
    }


def test_categories_that_nobody_belongs_to_are_no_districts(
    reach: Reach, given_data: dict[str, Any], districts: dict[str, Any]
) -> None:
    kinds = pd.CategoricalDtype(["e", "w", "s", "n"])
    found = spatial_mismatch(reach, **given_data, **{name: by.astype(kinds) for name, by in districts.items()})
    plain = spatial_mismatch(reach, **given_data, **districts)
    assert found.districts is not None
    assert plain.districts is not None
    pd.testing.assert_frame_equal(found.districts, plain.districts)


def test_districts_by_hand(reach: Reach, given_data: dict[str, Any], districts: dict[str, Any]) -> None:
    found = spatial_mismatch(reach, **given_data, **districts)
    table = found.districts
    assert table is not None
    assert table.index.tolist() == ["n", "s", "w"]  # nobody lives in `w`
    assert table["demand"].tolist() == [70, 30, 0]
    assert table["supply"].tolist() == [30, 0, 50]
    assert table["demand_share"].tolist() == [0.7, 0.3, 0]
    assert table["supply_share"].tolist() == [0.375, 0, 0.625]
    assert table["quotient"].tolist() == pytest.approx([0.375 / 0.7, 0, math.nan], nan_ok=True)
    assert table["surplus"].tolist() == pytest.approx([30 - 56, -24, 50])
    assert found.dissimilarity == pytest.approx(0.625)  # the 50 beds of `w`, of 80
    assert repr(found).startswith("<Mismatch: beds against elderly: follow, nearness 1.61, density ")
    assert repr(found).endswith(", dissimilarity 0.62 over 3 districts>")


def test_ways_by_hand(reach: Reach, given_data: dict[str, Any]) -> None:
    found = spatial_mismatch(reach, **given_data, limit=400)
    table = found.distance
    assert table.index.tolist() == ["demand", "residents"]
    assert table["total"].tolist() == [100, 400]
    assert table["unreached"].tolist() == [0.1, 0.25]  # `d`: there are no beds in `z`
    # 40 at 0 m, 30 at 200 m, 20 at 600 m, 10 counted at the 1000 m that were searched
    assert table["mean"].tolist() == pytest.approx([6000 / 100 + 12000 / 100 + 10000 / 100, 1800 / 4])
    assert table["median"].tolist() == [200, 400]  # of 200 and 600, residents halved between `b` and `c`
    # Within 400 m: 30 beds around `a`, 80 around `b`
    assert table["supply_within"].tolist() == pytest.approx([(40 * 30 + 30 * 80) / 100, 110 / 4])
    assert table["share_within"].tolist() == pytest.approx([36 / 80, 27.5 / 80])
    assert found.nearness == pytest.approx(450 / 280)
    assert found.density == pytest.approx(36 / 27.5)
    assert (found.verdict, found.reason) == ("follow", None)
    assert (found.limit, found.searched, found.unit, found.how) == (400, 1000, "m", "table")
    assert found.districts is None
    assert math.isnan(found.dissimilarity)
    assert repr(found) == "<Mismatch: beds against elderly: follow, nearness 1.61, density 1.31>"
    with pytest.raises(FrozenInstanceError):
        found.density = 2  # type: ignore[misc]


def test_elderly_like_everybody_are_alike(reach: Reach, given_data: dict[str, Any]) -> None:
    found = spatial_mismatch(reach, **given_data | {"demand": given_data["residents"] / 7})
    assert (found.nearness, found.density) == pytest.approx((1, 1))
    assert found.verdict == "alike"


def test_beds_away_from_the_elderly(reach: Reach, given_data: dict[str, Any]) -> None:
    swapped = given_data["demand"].iloc[::-1].set_axis(HOMES)
    found = spatial_mismatch(reach, **given_data | {"demand": swapped}, limit=400)
    assert found.nearness < 1
    assert found.density < 1
    assert found.verdict == "apart"


def test_beds_in_proportion_need_not_move(reach: Reach, given_data: dict[str, Any], districts: dict[str, Any]) -> None:
    beds = pd.Series({"x": 35, "y": 0, "z": 15}, name="beds")
    found = spatial_mismatch(reach, **given_data | {"supply": beds}, **districts)
    assert found.dissimilarity == pytest.approx(0)
    text = found.explain("en").splitlines()[1]
    assert (
        text
        == "By district: 0.0% of the beds (0 beds) would have to move to another district to match people aged 60+."
    )


# 0.95 and 1.05 are the last that count as alike; ratios count as printed.
@pytest.mark.parametrize(
    ("far", "near", "verdict"),
    [(1054, 1000, "alike"), (1056, 1000, "follow"), (946, 1000, "alike"), (944, 1000, "apart"), (1, 1, "alike")],
)
def test_the_verdict_agrees_with_what_is_printed(far: float, near: float, verdict: str) -> None:
    table = pd.DataFrame({"origin": ["a", "b"], "destination": ["x", "x"], "cost": [near, far]})
    ways = Reach.from_pairs(table, origins=["a", "b"], destinations=["x"], limit=2000)
    people, residents = pd.Series({"a": 1, "b": 0}), pd.Series({"a": 0, "b": 1})
    assert spatial_mismatch(ways, people, pd.Series({"x": 1}), residents=residents).verdict == verdict


def test_two_ratios_that_disagree() -> None:
    """One bed beside the elderly, many beds where the others live, a little farther from them."""
    rows = [("a", "x", 50.0), ("b", "y", 100.0)]
    table = pd.DataFrame(rows, columns=["origin", "destination", "cost"])
    ways = Reach.from_pairs(table, origins=["a", "b"], destinations=["x", "y"], limit=500)
    people, residents = pd.Series({"a": 9, "b": 1}), pd.Series({"a": 1, "b": 9})
    found = spatial_mismatch(ways, people, pd.Series({"x": 1, "y": 99}), residents=residents)
    assert found.nearness > 1 > found.density
    assert found.verdict == "mixed"
    assert "disagree" in found.explain("en")


def test_only_the_nearest_tell_no_density(town_network: st.Network, layer: Callable[..., gpd.GeoDataFrame]) -> None:
    homes = layer({"a": (0, 0), "b": (300, 0)})
    beds = layer({"x": (0, 0), "y": (200, 0)})
    ways = st.travel(town_network, homes, beds, nearest=1)
    people, residents = pd.Series({"a": 3, "b": 1}), pd.Series({"a": 1, "b": 1})
    found = spatial_mismatch(ways, people, pd.Series({"x": 5, "y": 5}), residents=residents)
    assert found.distance["mean"].tolist() == pytest.approx([25, 50])
    assert found.nearness == pytest.approx(2)
    assert math.isnan(found.limit)
    assert math.isnan(found.density)
    assert found.distance["supply_within"].isna().all()
    assert found.verdict == "follow"
    assert "is not known" in found.explain("en")
    assert "沿路网距离" in found.explain()
    with pytest.raises(ProblemError, match='supply is 0 at "x", and only the nearest are known'):
        spatial_mismatch(ways, people, pd.Series({"x": 0, "y": 5}), residents=residents)


# What cannot be told


@pytest.mark.parametrize(
    ("change", "reason", "words"),
    [
        ({"demand": [0, 0, 0, 0]}, "nobody", "没有60岁及以上老年人，或没有常住人口"),
        ({"residents": [0, 0, 0, 0]}, "nobody", "没有60岁及以上老年人，或没有常住人口"),
        ({"supply": [0, 0, 0]}, "no_supply", "没有床位"),
        ({"supply": [0, 0, 5], "demand": [5, 0, 0, 0], "residents": [5, 0, 0, 0]}, None, None),
    ],
)
def test_what_cannot_be_told(
    reach: Reach,
    given_data: dict[str, Any],
    districts: dict[str, Any],
    change: dict[str, list[int]],
    reason: Any,
    words: Any,
) -> None:
    data = {name: series.set_axis(series.index) for name, series in given_data.items()}
    for name, values in change.items():
        data[name] = pd.Series(values, index=data[name].index, name=data[name].name)
    found = spatial_mismatch(reach, **data, **districts)
    assert found.reason == reason
    assert (found.verdict == "n/a") == (reason is not None)
    if reason:
        assert found.explain().startswith(f"无法判定床位的分布是否与60岁及以上老年人相符：{words}。")
        assert "nan" not in found.explain("en") + found.explain()


def test_nobody_reaches_a_bed() -> None:
    empty = pd.DataFrame({"origin": [], "destination": [], "cost": []})
    ways = Reach.from_pairs(empty, origins=["a"], destinations=["x"], limit=500)
    found = spatial_mismatch(ways, pd.Series({"a": 1}), pd.Series({"x": 1}), residents=pd.Series({"a": 2}))
    assert (found.verdict, found.reason) == ("n/a", "unreached")
    assert found.distance["unreached"].tolist() == [1, 1]
    assert found.distance["mean"].isna().all()
    assert "within the search" in found.explain("en")


def test_at_the_door_there_is_no_ratio(given_data: dict[str, Any]) -> None:
    rows = [("a", "x", 0.0), ("b", "x", 100.0)]
    table = pd.DataFrame(rows, columns=["origin", "destination", "cost"])
    ways = Reach.from_pairs(table, origins=["a", "b"], destinations=["x"], limit=500)
    people, residents = pd.Series({"a": 1, "b": 0}), pd.Series({"a": 1, "b": 1})
    found = spatial_mismatch(ways, people, pd.Series({"x": 1}), residents=residents, limit=0)
    assert math.isnan(found.nearness)  # never infinite
    assert found.density == 2
    assert found.verdict == "follow"
    assert "ratio n/a" in found.explain("en")


def test_all_at_the_door_have_no_ratio_at_all(given_data: dict[str, Any]) -> None:
    table = pd.DataFrame({"origin": HOMES, "destination": "x", "cost": 0.0})
    ways = Reach.from_pairs(table, origins=HOMES, destinations=["x", "y", "z"], limit=math.inf)
    found = spatial_mismatch(ways, **given_data)
    assert (found.verdict, found.reason) == ("n/a", "at_door")
    assert found.explain("en") == (
        "Whether the beds follow people aged 60+ is not known: "
        "for people aged 60+ the distance to the beds is 0, so that there is no ratio."
    )


def test_the_metric_is_named_in_both_languages(layer: Callable[..., gpd.GeoDataFrame]) -> None:
    homes, beds = layer({"a": (0, 0), "b": (300, 0)}), layer({"x": (100, 0)})
    people, bed = pd.Series({"a": 3, "b": 1}), pd.Series({"x": 5}, name="beds")
    found = spatial_mismatch(st.straight_line(homes, beds, metres=500), people, bed, residents=people)
    assert "Distance to the nearest of the beds, straight line: 125 m on average" in found.explain("en")
    assert "到最近床位的直线距离：" in found.explain()


def test_a_mean_way_that_is_missing_is_printed_as_such() -> None:
    """The one elderly person has no path to a bed, however far one walks."""
    table = pd.DataFrame({"origin": ["b"], "destination": ["x"], "cost": [100.0]})
    ways = Reach.from_pairs(table, origins=["a", "b"], destinations=["x"], limit=math.inf)
    beds, residents = pd.Series({"x": 1}, name="beds"), pd.Series({"a": 1, "b": 2})
    found = spatial_mismatch(ways, pd.Series({"a": 1, "b": 0}), beds, residents=residents, limit=500)
    assert (found.verdict, found.density) == ("apart", 0)
    ways_in_words = found.explain("en").splitlines()[1]
    assert ways_in_words == (
        "Distance to the nearest of the beds: n/a m on average for those served, 100 m for all residents "
        "(ratio n/a; above 1: nearer to those served); median n/a m and 100 m. "
        "Those without a path to the beds (100.0% of those served, 33.3% of all residents) are not in the means."
    )


def test_a_median_beyond_the_search(reach: Reach, given_data: dict[str, Any]) -> None:
    people = pd.Series([10, 0, 0, 90], index=HOMES, name="elderly")
    found = spatial_mismatch(reach, **given_data | {"demand": people})
    assert math.isnan(found.distance["median"]["demand"])
    assert "median >1,000 m and 400 m" in found.explain("en")
    assert "are counted at 1000 m, so that the means are lower bounds" in found.explain("en")


def test_who_reaches_nothing_is_not_left_out_of_the_mean(reach: Reach, given_data: dict[str, Any]) -> None:
    """All elderly but one lie out of reach; that one being near does not bring beds nearer to them."""
    people = pd.Series([1, 0, 0, 99], index=HOMES)
    assert spatial_mismatch(reach, **given_data | {"demand": people}).verdict == "apart"


# Words


def test_the_statement_in_chinese(reach: Reach, given_data: dict[str, Any], districts: dict[str, Any]) -> None:
    found = spatial_mismatch(reach, **given_data, **districts, limit=400)
    verdict, by_district, ways, around = found.explain(names={"n": "北街道", "w": "西街道"}).splitlines()
    assert (
        verdict
        == "床位的分布与60岁及以上老年人相符：与全体居民相比，60岁及以上老年人到床位的距离更近，或身边的数量更多。"
    )
    assert by_district == (
        "分区看：62.5%的床位（50 张床位）须调整到其他区，分布才与60岁及以上老年人一致；"
        "富余最多的是西街道，多 50 张床位（区位商 无法得出）；短缺最多的是北街道，少 26 张床位（区位商 0.54）。"
    )
    assert ways == (
        "到最近床位的距离：60岁及以上老年人平均 280 米，全体居民平均 450 米（比值 1.61，大于 1 "
        "表示离60岁及以上老年人更近）；中位数分别为 200 米和 400 米。1000 米内到不了任何床位的"
        "（占60岁及以上老年人的 10.0%、全体居民的 25.0%）按 1000 米计，因此平均数是下限。"
    )
    assert around == (
        "400 米内：60岁及以上老年人平均有 36 张床位，全体居民平均有 28 张床位"
        "（比值 1.31，大于 1 表示60岁及以上老年人身边更多）。"
    )
    assert "西街道" in found.explain(names=pd.Series({"n": "北街道", "w": "西街道"}))
    assert "；富余最多的是w，" in found.explain()


def test_other_services_have_their_own_words(reach: Reach, given_data: dict[str, Any]) -> None:
    children = given_data["demand"].rename("infants")
    places = given_data["supply"].rename("places")
    found = spatial_mismatch(reach, children, places, residents=given_data["residents"], limit=400)
    assert found.explain("en").startswith("The places follow children under 3:")
    assert "36 places on average for children under 3" in found.explain("en")
    assert "平均有 36 个托位" in found.explain()
    seats = spatial_mismatch(
        reach, children.rename("学生"), places.rename("座位"), residents=given_data["residents"], limit=400
    )
    assert seats.explain().startswith("座位的分布与学生相符")
    assert "平均有 36 座位" in seats.explain()
    plain = spatial_mismatch(
        reach, children.rename(None), places.rename(None), residents=given_data["residents"], limit=400
    )
    assert plain.explain().startswith("供给的分布与服务对象相符")
    assert plain.explain("en").startswith("The supply follow those served:")
    with pytest.raises(ValueError, match="choose one of zh, en"):
        found.explain("fr")


def test_amounts_from_ten_on_are_whole() -> None:
    table = pd.DataFrame({"origin": ["a", "b"], "destination": ["x", "y"], "cost": [100.0, 100.0]})
    ways = Reach.from_pairs(table, origins=["a", "b"], destinations=["x", "y"], limit=500)
    beds = pd.Series({"x": 10.4, "y": 9.4}, name="beds")
    found = spatial_mismatch(ways, pd.Series({"a": 1, "b": 0}), beds, residents=pd.Series({"a": 0, "b": 1}))
    assert "Within 500 m: 10 beds on average for those served, 9.4 beds for all residents" in found.explain("en")


def test_minutes_are_said_as_time(given_data: dict[str, Any]) -> None:
    table = pd.DataFrame({"origin": HOMES, "destination": "x", "cost": [1.0, 2.0, 3.5, 4.0]})
    ways = Reach.from_pairs(table, origins=HOMES, destinations=["x", "y", "z"], limit=15, unit="min")
    found = spatial_mismatch(ways, **given_data)
    assert "Time to the nearest of the beds: 2.1 min on average" in found.explain("en")
    assert "15 分钟内：" in found.explain()


# People and beds one by one, and what must not matter

COUNTS = some.lists(some.integers(0, 9), min_size=4, max_size=4)
WAYS = some.lists(some.one_of(some.none(), some.integers(0, 10)), min_size=12, max_size=12)


def setting(ways: list[int | None]) -> Reach:
    pairs = [(i, j) for i in HOMES for j in "xyz"]
    rows = [(*pair, 100.0 * way) for pair, way in zip(pairs, ways, strict=True) if way is not None]
    table = pd.DataFrame(rows, columns=["origin", "destination", "cost"])
    return Reach.from_pairs(table, origins=HOMES, destinations=list("xyz"), limit=1000)


def measured(ways: list[int | None], people: Any, residents: Any, beds: Any, **options: Any) -> Mismatch:
    return spatial_mismatch(
        setting(ways), pd.Series(people, HOMES), pd.Series(beds, list("xyz")), residents=pd.Series(residents, HOMES),
        by=pd.Series(list("nnss"), HOMES), supply_by=pd.Series(list("nsw"), list("xyz")), limit=500, **options,
    )  # fmt: skip


def numbers(found: Mismatch) -> list[float]:
    return [found.dissimilarity, found.nearness, found.density, *found.distance["median"], *found.distance["unreached"]]


@pytest.mark.slow
@settings(deadline=None, max_examples=25)
@given(WAYS, COUNTS, COUNTS, some.lists(some.integers(0, 9), min_size=3, max_size=3))
def test_everybody_and_every_bed_one_by_one(
    ways: list[int | None], people: list[int], residents: list[int], beds: list[int]
) -> None:
    found = measured(ways, people, residents, beds)
    grid = np.array([math.inf if way is None else 100.0 * way for way in ways]).reshape(4, 3)
    for row, crowd in (("demand", people), ("residents", residents)):
        nearest = [min([*grid[i][np.array(beds) > 0], math.inf]) for i in range(4) for _ in range(crowd[i])]
        around = [
            sum(b for b, way in zip(beds, grid[i], strict=True) if way <= 500)
            for i in range(4)
            for _ in range(crowd[i])
        ]
        told = found.distance.loc[row]
        if not nearest:
            assert told.drop("total").isna().all()
            continue
        assert told["unreached"] == pytest.approx(np.mean(np.isinf(nearest)))
        assert told["supply_within"] == pytest.approx(np.mean(around))
        middle = np.median(nearest)
        assert told["median"] == middle if np.isfinite(middle) else math.isnan(told["median"])
        anybody = any(b > 0 and np.isfinite(grid[:, j]).any() for j, b in enumerate(beds))
        mean = np.minimum(nearest, 1000).mean() if anybody else math.nan
        assert told["mean"] == pytest.approx(mean, nan_ok=True)
    if sum(people) and sum(beds):
        lived = np.array([people[0] + people[1], people[2] + people[3], 0])
        gap = np.abs(lived / lived.sum() - np.array(beds) / sum(beds)).sum() / 2
        assert found.dissimilarity == pytest.approx(gap)
        assert found.districts is not None
        assert found.districts["surplus"].sum() == pytest.approx(0)
        assert found.districts["surplus"].clip(lower=0).sum() == pytest.approx(gap * sum(beds))
    else:
        assert math.isnan(found.dissimilarity)
    for lang in ("zh", "en"):
        text = found.explain(lang)
        assert "nan" not in text
        assert "{" not in text
        assert "inf" not in text


@pytest.mark.slow
@settings(deadline=None, max_examples=25)
@given(WAYS, COUNTS, COUNTS, some.lists(some.integers(0, 9), min_size=3, max_size=3), some.sampled_from([0.1, 3, 1000]))
def test_units_of_people_and_beds_do_not_matter(
    ways: list[int | None], people: list[int], residents: list[int], beds: list[int], factor: float
) -> None:
    before = measured(ways, people, residents, beds)
    for after in (
        measured(ways, np.array(people) * factor, residents, beds),
        measured(ways, people, np.array(residents) * factor, beds),
        measured(ways, people, residents, np.array(beds) * factor),
    ):
        assert numbers(after) == pytest.approx(numbers(before), nan_ok=True)
        assert after.verdict == before.verdict


@pytest.mark.slow
@settings(deadline=None, max_examples=25)
@given(some.permutations(HOMES), some.permutations(list("xyz")))
def test_order_does_not_matter(homes: list[str], centres: list[str]) -> None:
    rows = [("a", "x", 0.0), ("b", "x", 200.0), ("b", "y", 400.0), ("c", "y", 600.0), ("d", "z", 10.0)]
    table = pd.DataFrame(rows, columns=["origin", "destination", "cost"]).sample(frac=1, random_state=1)
    ways = Reach.from_pairs(table, origins=homes, destinations=centres, limit=1000)
    found = spatial_mismatch(
        ways, pd.Series([4, 3, 2, 1], HOMES), pd.Series({"x": 3, "y": 5, "z": 1}),
        residents=pd.Series([1, 1, 1, 1], HOMES), by=pd.Series(list("nnss"), HOMES),
        supply_by=pd.Series({"y": "w", "x": "n", "z": "s"}),
    )  # fmt: skip
    assert found.nearness == pytest.approx((810 / 4) / (1810 / 10))
    assert found.density == pytest.approx(((12 + 24 + 10 + 1) / 10) / ((3 + 8 + 5 + 1) / 4))
    assert found.dissimilarity == pytest.approx((abs(0.7 - 3 / 9) + abs(0.3 - 1 / 9) + 5 / 9) / 2)


def test_merging_districts_with_equal_quotients_changes_nothing(reach: Reach, given_data: dict[str, Any]) -> None:
    beds = pd.Series({"x": 8, "y": 6, "z": 40}, name="beds")  # `a` and `b` have 0.2 beds per head each
    fine = pd.Series(["a", "b", "s", "s"], index=HOMES)
    coarse = fine.replace({"a": "n", "b": "n"})
    found = [
        spatial_mismatch(reach, **given_data | {"supply": beds}, by=by, supply_by=pd.Series(at))
        for by, at in ((fine, {"x": "a", "y": "b", "z": "s"}), (coarse, {"x": "n", "y": "n", "z": "s"}))
    ]
    assert found[0].dissimilarity == pytest.approx(found[1].dissimilarity)


# What is refused


def test_what_is_refused(reach: Reach, given_data: dict[str, Any], districts: dict[str, Any]) -> None:
    with pytest.raises(ProblemError, match="by and supply_by go together"):
        spatial_mismatch(reach, **given_data, by=districts["by"])
    with pytest.raises(ProblemError, match='supply_by: no value for 1 facility: "z"'):
        spatial_mismatch(reach, **given_data, by=districts["by"], supply_by=districts["supply_by"].drop("z"))
    with pytest.raises(ProblemError, match="give a Series with a value for each id of the communities"):
        spatial_mismatch(reach, **given_data, by="district", supply_by=districts["supply_by"])  # type: ignore[arg-type]
    with pytest.raises(ProblemError, match="above the 1000 m that was searched"):
        spatial_mismatch(reach, **given_data, limit=2000)
    with pytest.raises(ProblemError, match="demand is a DataFrame; give a Series with a value for each id"):
        spatial_mismatch(reach, **given_data | {"demand": given_data["demand"].to_frame()})
    for name, what in (("demand", "elderly"), ("residents", "population"), ("supply", "beds")):
        wrong = given_data[name].astype(float)
        wrong.iloc[1] = math.nan
        with pytest.raises(ProblemError, match=f'{name} "{what}" is negative or not a number in 1 row'):
            spatial_mismatch(reach, **given_data | {name: wrong})
    with pytest.raises(ProblemError, match='supply has no row for 1 facility: "z"'):
        spatial_mismatch(reach, **given_data | {"supply": given_data["supply"].drop("z")})


def test_nothing_is_changed(reach: Reach, given_data: dict[str, Any], districts: dict[str, Any]) -> None:
    before = {name: series.copy() for name, series in (given_data | districts).items()}
    cost = reach.cost.copy()
    spatial_mismatch(reach, **given_data, **districts).explain()
    for name, series in (given_data | districts).items():
        pd.testing.assert_series_equal(series, before[name])
    assert (reach.cost == cost).all()


@pytest.mark.parametrize(
    ("by", "at"), [((330702, 330703), ("330702", "330703")), (("D1", "D2"), ("D01", "D02"))], ids=["types", "words"]
)
def test_districts_that_share_no_id(by: tuple[Any, Any], at: tuple[Any, Any]) -> None:
    """All beds would have to move, without a word, or the ids could not be put in order."""
    table = pd.DataFrame({"origin": ["p", "q"], "destination": ["x", "y"], "cost": [100.0, 100.0]})
    reach = Reach.from_pairs(table, origins=["p", "q"], destinations=["x", "y"], limit=1_234_567)
    people, beds = pd.Series({"p": 10, "q": 10}), pd.Series({"x": 5, "y": 5})
    with pytest.raises(ProblemError, match=r"no district has both.*write the ids alike"):
        spatial_mismatch(
            reach, people, beds, residents=people, by=pd.Series(by, index=["p", "q"]),
            supply_by=pd.Series(at, index=["x", "y"]),
        )  # fmt: skip
    mixed = spatial_mismatch(
        reach, people, beds, residents=people, by=pd.Series([by[0], "n"], index=["p", "q"], dtype=object),
        supply_by=pd.Series([by[0], 7], index=["x", "y"], dtype=object),
    )  # fmt: skip
    assert mixed.dissimilarity == 0.5
    assert "Within 1234567 m" in mixed.explain("en")
