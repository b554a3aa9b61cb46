"""Planned projects: Qingtian's twelve as the plan prints them, and a small town before and after."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

import siting as st
from siting.measure.projects import appraise_projects, with_projects

# 青田县“一老一小”整体解决方案 (Qingtian County, 2023-03-31), 附件1 青田县养老托育项目清单: code, status, beds,
# floor area (m²), investment (10k yuan). Beds are missing where the annex prints none.
ELDERCARE = pd.DataFrame(
    [
        ("E1", "under construction", 300, 13_500, 8_500),
        ("E2", "under construction", 761, 57_296, 19_682),
        ("E3", "new", 75, 6_100, 3_000),
        ("E4", "new", 200, 13_060, 5_000),
        ("E5", "under construction", 97, 3_960, 1_200),
        ("E6", "under construction", 297, 7_181, 2_500),
        ("E7", "preparatory", None, 65_000, 50_000),
        ("E8", "preparatory", 200, 10_000, 6_000),
        ("E9", "new", None, 24_000, 25_200),
    ],
    columns=["code", "status", "beds", "floor_area", "cost"],
).set_index("code")
# The same annex. Seats (学位) of kindergartens are no childcare places (托位), and C1 prints one class without places.
CHILDCARE = pd.DataFrame(
    {"status": "new", "places": math.nan, "seats": [math.nan, 450, 360], "cost": [8_500, 6_000, 5_500]},
    index=["C1", "C2", "C3"],
)
# Rates in yuan per bed of the same plan: catalogue rows qingtian.eldercare.subsidy.bed_*.
RATES = {"owned nursing": 11_000, "owned assist": 8_000, "leased nursing": 6_300, "leased assist": 4_500}


def test_the_sums_that_the_plan_prints() -> None:
    found = appraise_projects(ELDERCARE)
    assert found.totals.loc["all", "cost"] == 121_082
    assert found.totals.loc["all", "capacity"] == 1_930
    assert found.totals.loc["all", "silent"] == 2
    assert appraise_projects(CHILDCARE, capacity="places").totals.loc["all", "cost"] == 20_000
    assert found.table.columns.tolist() == [
        "status", "capacity", "added", "cost", "cost_per_unit", "area_per_unit", "subsidy", "adds",
    ]  # fmt: skip
    assert found.table["adds"].isna().all()


def test_statuses_are_kept_apart() -> None:
    found = appraise_projects(ELDERCARE).totals
    assert found.index.tolist() == ["under construction", "new", "preparatory", "all"]
    assert found["projects"].tolist() == [4, 3, 2, 9]
    assert found["added"].tolist() == [1_455, 275, 200, 1_930]
    assert found["cost"].tolist() == [31_882, 33_200, 56_000, 121_082]
    assert found["silent"].tolist() == [0, 1, 1, 2]


def test_cost_and_floor_area_per_bed() -> None:
    """The catalogue derives 84,000 to 400,000 yuan and 24 to 81 m² per bed."""
    table = appraise_projects(ELDERCARE).table
    assert (table["cost_per_unit"].min(), table["cost_per_unit"].max()) == (pytest.approx(84_175.08, abs=0.01), 400_000)
    assert table["cost_per_unit"].idxmin() == "E6"
    assert math.floor(table["area_per_unit"].min()) == 24
    assert round(table["area_per_unit"].max()) == 81
    assert table.loc[["E7", "E9"], ["cost_per_unit", "area_per_unit"]].isna().all(axis=None)


def test_what_prints_no_beds_does_not_make_beds_dear() -> None:
    """New: E3 and E4 cost 8,000 for 275 beds; the 25,200 of the hospital E9 are no cost of beds."""
    assert appraise_projects(ELDERCARE).totals.loc["new", "cost_per_unit"] == pytest.approx(8_000 * 10_000 / 275)
    assert math.isnan(appraise_projects(ELDERCARE.loc[["E7"]]).totals.loc["all", "cost_per_unit"])


def test_seats_are_no_places() -> None:
    found = appraise_projects(CHILDCARE.assign(in_stock=False), capacity="places", stock=1_200)
    assert found.totals.loc["all", ["added", "stock_after", "silent"]].tolist() == [0, 1_200, 3]


def test_beds_are_added_once_their_status_is_told() -> None:
    """1023 beds in 2022 (the same plan). Whether they count E2 and E5, which end in 2021 and 2022, is not said."""
    with pytest.raises(st.errors.ProblemError, match='no column "in_stock"; say of each whether the 1023 beds'):
        appraise_projects(ELDERCARE, stock=1_023)
    counted = ELDERCARE.assign(in_stock=ELDERCARE.index.isin(["E2", "E5"]))
    found = appraise_projects(counted, stock=1_023)
    assert found.totals["stock_after"].to_dict() == {
        "under construction": 1_023 + 597, "new": 1_298, "preparatory": 1_223, "all": 1_023 + 1_930 - 858,
    }  # fmt: skip
    assert found.table.loc["E2", ["capacity", "added"]].tolist() == [761, 0]
    some = counted.astype({"in_stock": object})
    some.loc["E1", "in_stock"] = None
    with pytest.raises(st.errors.ProblemError, match='"in_stock" is missing for "E1"'):
        appraise_projects(some, stock=1_023)


def test_subsidies() -> None:
    """75 beds at 11,000 and 200 at 4,500 yuan; the others have no type."""
    kinds = pd.Series({"E3": "owned nursing", "E4": "leased assist", "E7": "owned nursing"})
    found = appraise_projects(ELDERCARE.assign(subsidy_type=kinds), subsidies=RATES)
    assert found.table.loc[["E3", "E4", "E1"], "subsidy"].tolist() == [825_000, 900_000, 0]
    assert math.isnan(found.table.loc["E7", "subsidy"])  # a type, but no beds are printed
    assert found.totals.loc["all", "subsidy"] == 1_725_000
    assert math.isnan(appraise_projects(ELDERCARE).totals.loc["all", "subsidy"])
    # 2000 yuan per place: qingtian.childcare.subsidy.place
    places = pd.DataFrame({"status": ["new"], "places": [30], "cost": [100], "subsidy_type": ["place"]}, index=["n"])
    assert appraise_projects(places, capacity="places", subsidies={"place": 2_000}).table.loc["n", "subsidy"] == 60_000
    with pytest.raises(st.errors.ProblemError, match='no rate for the subsidy type "place"'):
        appraise_projects(places, capacity="places", subsidies=RATES)
    with pytest.raises(st.errors.ProblemError, match='no column "subsidy_type"'):
        appraise_projects(ELDERCARE, subsidies=RATES)


PEOPLE = pd.Series({"p": 40, "q": 30, "r": 20, "s": 10}, name="elderly")


@pytest.fixture
def reach(reach_of: Callable[..., st.Reach]) -> st.Reach:
    return reach_of({"now": "p", "E3": "pq", "E4": "qr", "E6": "p"}, "pqrs")


def test_coverage_before_and_after(reach: st.Reach) -> None:
    found = appraise_projects(ELDERCARE, reach=reach, demand=PEOPLE, existing=["now"])
    assert found.before is not None
    assert (found.before["covered"], found.before["share"]) == (40, 0.4)
    assert found.table.loc[["E3", "E4", "E6"], "adds"].tolist() == [30, 50, 0]
    assert found.table["adds"].isna().sum() == 6
    assert found.unplaced == ("E1", "E2", "E5", "E7", "E8", "E9")
    assert "no effect" not in found.explain("en")
    assert "so without effect on coverage here: E1, E2, E5, E7, E8, E9." in found.explain("en")
    typed = ELDERCARE.assign(subsidy_type="owned assist")
    rated = appraise_projects(typed, reach=reach, demand=PEOPLE, existing=["now"], subsidies=RATES)
    assert rated.subsidies == RATES
    stocked = appraise_projects(
        ELDERCARE.assign(in_stock=False), reach=reach, demand=PEOPLE, existing=["now"], stock=500
    )
    assert stocked.stock == 500.0
    # E3 and E4 both reach q: together they add 50, not 80.
    assert found.totals["covered"].to_dict() == {"under construction": 40, "new": 90, "preparatory": 40, "all": 90}
    assert found.totals.loc["new", "share"] == 0.9


def test_without_existing_facilities(reach: st.Reach) -> None:
    found = appraise_projects(ELDERCARE, reach=reach.select(["E3", "E4", "E6"]), demand=PEOPLE)
    assert found.before is not None
    assert found.before["share"] == 0
    assert found.totals.loc["all", "share"] == 0.9


def test_what_is_badly_put(reach: st.Reach) -> None:
    for match, frame, options in [
        ('no column "status"', ELDERCARE.drop(columns="status"), {}),
        ('no column "places"', ELDERCARE, {"capacity": "places"}),
        ('"cost" is missing for "E1"', ELDERCARE.assign(cost=ELDERCARE["cost"].where(ELDERCARE.index != "E1")), {}),
        ('ids occur twice: "E1"', pd.concat([ELDERCARE, ELDERCARE.loc[["E1"]]]), {}),
        ('"beds" is negative', ELDERCARE.assign(beds=-1), {}),
        ('called "all"', ELDERCARE.assign(status="all"), {}),
        ("give reach and demand, or none", ELDERCARE, {"reach": reach}),
        ('neither existing nor a project: "now"', ELDERCARE, {"reach": reach, "demand": PEOPLE}),
        ('named as existing: "E3"', ELDERCARE, {"reach": reach, "demand": PEOPLE, "existing": ["now", "E3"]}),
        ("stock is -1", ELDERCARE, {"stock": -1}),
    ]:
        with pytest.raises(st.errors.ProblemError, match=match):
            appraise_projects(frame, **options)  # type: ignore[arg-type]


def test_in_words(reach: st.Reach) -> None:
    found = appraise_projects(ELDERCARE.loc[["E3", "E4", "E9"]], reach=reach.select(["now", "E3", "E4"]),
                              demand=PEOPLE, existing=["now"])  # fmt: skip
    assert repr(found) == "<Appraisal: 3 projects, 275 beds added, 33,200 × 10k yuan>"
    assert found.explain("en").split("\n") == [
        "new: 3 projects, 275 beds added, 33,200 × 10k yuan (1 print no number).",
        "  Coverage from 40.0 % to 90.0 %.",
        "All: 3 projects, 275 beds added, 33,200 × 10k yuan (1 print no number).",
        "  Coverage from 40.0 % to 90.0 %.",
        "Without a place, so without effect on coverage here: E9.",
    ]
    assert "合计：3 个项目，新增 275 张床位，投资 33,200 万元" in found.explain()


@pytest.fixture
def soon(layer: Callable[..., Any]) -> Any:
    made = layer({"E3": (0, 0), "E4": (100, 0), "E8": (200, 0)}, beds=[75, 200, 200],
                 status=["new", "new", "preparatory"])  # fmt: skip
    made.loc["E8", "geometry"] = None
    return made


def test_a_layer_with_the_projects(layer: Callable[..., Any], soon: Any, town_network: st.Network) -> None:
    now = layer({"x": (500, 500)}, beds=[40])
    before = soon.copy()
    found = with_projects(now, soon, statuses=["new"])
    assert found["beds"].to_dict() == {"x": 40, "E3": 75, "E4": 200}
    assert found["planned"].to_dict() == {"x": False, "E3": True, "E4": True}
    assert (found.crs, found.index.name) == (now.crs, "id")
    pd.testing.assert_frame_equal(soon, before)
    assert list(now.columns) == ["beds", "geometry"]
    homes = layer({"p": (0, 100), "q": (500, 400)})
    people = pd.Series({"p": 30, "q": 10}, name="elderly")
    reach = st.travel(town_network, homes, found, metres=150)
    assert appraise_projects(soon.loc[["E3", "E4"]].assign(cost=1), reach=reach, demand=people,
                             existing=["x"]).totals.loc["all", "share"] == 1.0  # fmt: skip


def test_another_crs_is_brought_over(layer: Callable[..., Any], soon: Any) -> None:
    now = layer({"x": (500, 500)}, beds=[40])
    found = with_projects(now, soon.iloc[:2].to_crs(4490), statuses=["new"])
    assert found.geometry["E4"].distance(soon.geometry["E4"]) < 1e-3


def test_a_layer_of_projects_that_cannot_be_used(layer: Callable[..., Any], soon: Any) -> None:
    now = layer({"x": (500, 500)}, beds=[40])
    for match, projects, statuses in [
        ('no place for "E8"', soon, ["new", "preparatory"]),
        ('the status "old"; there are "new", "preparatory"', soon, ["old"]),
        ('no status for "E3"', soon.assign(status=[None, "new", "new"]), ["new"]),
        ('no column "status"', soon.drop(columns="status"), ["new"]),
        ('exist already: "x"', layer({"x": (0, 0)}, status=["new"]), ["new"]),
        ("projects: has no CRS", soon.set_crs(None, allow_override=True), ["new"]),
    ]:
        with pytest.raises(st.errors.LayerError, match=match):
            with_projects(now, projects, statuses=statuses)


NOW = pd.DataFrame(
    {"status": "new", "beds": [75, 20], "cost": [3000, 5000], "in_stock": [False, True]}, index=["E3", "E4"]
)


@pytest.mark.parametrize("flags", [["no", "no"], ["否", "是"], ["0", "1"], [True, "False"]])
def test_text_is_no_flag(flags: list[object]) -> None:
    with pytest.raises(st.errors.ProblemError, match=r'"in_stock" is neither True nor False in . rows?: .*"E4"'):
        appraise_projects(NOW.assign(in_stock=flags), stock=100)
    assert appraise_projects(NOW, stock=100).totals.loc["all", "stock_after"] == 175


def test_demand_is_one_series(reach: st.Reach) -> None:
    both = PEOPLE.to_frame().assign(infants=1)
    with pytest.raises(st.errors.ProblemError, match="demand is a DataFrame; give a Series with a value for each id"):
        appraise_projects(ELDERCARE, reach=reach, demand=both, existing=["now"])  # type: ignore[arg-type]


def test_without_people_there_is_no_share(reach: st.Reach) -> None:
    found = appraise_projects(ELDERCARE, reach=reach, demand=PEOPLE * 0, existing="now")
    assert "Coverage from n/a to n/a" in found.explain("en")
    assert "nan" not in found.explain("en") + found.explain()


def test_the_existing_facility_may_be_one_text(reach: st.Reach) -> None:
    one = appraise_projects(ELDERCARE, reach=reach, demand=PEOPLE, existing="now")
    assert one.before is not None
    assert one.before["covered"] == 40


def test_a_single_bed_has_its_cost() -> None:
    one = pd.DataFrame({"status": ["new"], "beds": [1], "cost": [3]}, index=["a"])
    assert appraise_projects(one).totals["cost_per_unit"].tolist() == [30_000, 30_000]


def test_a_stock_may_be_nothing() -> None:
    found = appraise_projects(NOW.assign(in_stock=False), stock=0)
    assert found.totals.loc["all", "stock_after"] == found.totals.loc["all", "capacity"]


def test_another_capacity_is_called_by_its_name() -> None:
    said = appraise_projects(CHILDCARE.dropna(subset="seats"), capacity="seats").explain("en")
    assert "All: 2 projects, 810 seats added" in said


@pytest.mark.parametrize("rate", [math.nan, -5, "x", None, math.inf])
def test_rates_must_be_numbers(rate: Any) -> None:
    with pytest.raises(st.errors.ProblemError, match=r'subsidies: "a" is .*0 or more'):
        appraise_projects(NOW.assign(subsidy_type="a"), subsidies={"a": rate})


def test_a_rate_may_be_nothing() -> None:
    found = appraise_projects(NOW.assign(subsidy_type="a"), subsidies={"a": 0.5, "b": 0})
    assert found.subsidies == {"a": 0.5, "b": 0.0}


def test_rates_stay_with_the_answer() -> None:
    found = appraise_projects(NOW.assign(subsidy_type="a"), subsidies={"a": 2_000})
    assert found.subsidies == {"a": 2_000}
    assert found.totals.index.name == "status"
    assert "Subsidies in yuan per bed or place: a 2,000." in found.explain("en")
    assert appraise_projects(NOW).subsidies is None
