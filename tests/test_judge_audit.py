"""The audit as a whole: its table, its parameters, what it writes, and the sample district counted a second time."""

from __future__ import annotations

import dataclasses
import functools
import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st_

import siting as st
from siting.judge.audit_result import COLUMNS, PRINTED
from siting.judge.standards.applies_to import COMMUNITIES
from siting.judge.statuses import NOT_JUDGED, STATUSES
from siting.labels import known

Layers = dict[str, gpd.GeoDataFrame]
load = functools.cache(st.load_standard)  # reading a standard takes longer than asking it


def rule(kind: str, **values: Any) -> st.Rule:
    given = {"service": "childcare", "indicator_zh": "甲", "indicator_en": "a", "operator": ">="}
    return st.Rule(**{"id": "r", "kind": kind, **given, **values})


@pytest.fixture
def town(layer: Callable[..., gpd.GeoDataFrame]) -> Layers:
    return {
        "communities": layer({"a": (0, 0), "b": (500, 0)}, population=[1000, 1000], infants=[30, 10]),
        "childcare": layer({"k": (0, 0)}, places=[8], inclusive_places=[4]),
    }


@pytest.fixture
def demo() -> st.Standard:
    rules = (
        rule("places_per_1000_residents", id="places.2022", role="target", year=2022, value=3.3, column="places"),
        rule("places_per_1000_residents", id="places.2025", role="target", year=2025, value=4.5, column="places"),
        rule("places_per_1000_residents", id="places.2021", role="baseline", year=2021, value=2.68, column="places"),
        rule("composition_share", id="inclusive", value=50.0, column="inclusive_places", clause="三 > （一）",
             modal="不少于"),
        rule("service_time", id="circle", operator="<=", value=15.0, unit="min", role="target", year=2025),
        rule("coverage_share", id="link", service="eldercare", value=70.0, part={"linked": True}, role="principle"),
    )  # fmt: skip
    return st.Standard("demo", "示范", "Demo", rules)


def test_standing_rules_and_those_of_the_year(town: Layers, demo: st.Standard) -> None:
    assert st.audit(demo, town, year=2025).table["rule"].tolist() == ["places.2025", "inclusive", "circle"]
    ahead = st.audit(demo, town, year=2022).table.set_index("rule")
    assert ahead["status"].to_dict() == {
        "places.2022": "met",
        "places.2025": "ahead",
        "inclusive": "met",
        "circle": "no_number",
    }
    assert ahead.loc["places.2025", ["year", "value", "target", "needed", "gap"]].tolist() == [2025, 4, 4.5, 1, 0.5]
    assert ahead.loc["places.2025", "basis"].endswith("2025 年的目标")
    assert "target of" not in ahead.loc["places.2022", "basis_en"]
    late = st.audit(demo, town, year=2030).table.set_index("rule")
    assert late.index.tolist() == ["places.2025", "inclusive", "circle"]
    assert late.loc["places.2025", ["year", "status", "needed"]].tolist() == [2025, "short", 1]
    # baselines and principles are never judged
    assert set(st.audit(demo, town).table["rule"]) == {"places.2022", "places.2025", "inclusive", "circle"}


def test_the_table(town: Layers, demo: st.Standard) -> None:
    judged = st.audit(demo, town, year=2025)
    assert judged.table.columns.tolist() == COLUMNS
    assert judged.table["status"].tolist() == ["short", "met", "no_number"]
    assert judged.table["gap"].tolist()[:2] == [0.5, 0]
    assert judged.table["needed"].tolist()[:2] == [1, 0]
    assert judged.table["clause"].tolist() == ["", "三 > （一）", ""]
    assert judged.table["modal"].tolist() == ["", "不少于", ""]
    assert judged.table["needs"].tolist() == ["places", "inclusive_places", ""]  # the circle could not be computed
    assert judged.failing["rule"].tolist() == ["places.2025"]
    assert (judged.standard, judged.year) == ("demo", 2025)
    assert repr(judged) == "<Audit demo 2025: 1 met, 1 short, 1 n/a>"
    with pytest.raises(dataclasses.FrozenInstanceError):
        judged.year = 2022  # type: ignore[misc]


def test_a_standard_without_rules(town: Layers) -> None:
    judged = st.audit(st.Standard("none", "无", "None", ()), town)
    assert judged.table.columns.tolist() == COLUMNS
    assert len(judged.table) == len(judged.failing) == 0
    assert repr(judged) == "<Audit none: 0 met, 0 short, 0 n/a>"


def test_parameters_are_told(town: Layers, demo: st.Standard, town_network: st.Network) -> None:
    judged = st.audit(
        demo,
        town,
        network=town_network,
        walk={"childcare": st.Walk(50.0, "grandmother")},
        shares={"circle": 0.9},
        beside=250.0,
        max_snap=100.0,
    )
    assert judged.parameters == {
        "walk": {"childcare": st.Walk(50.0, "grandmother")},
        "shares": {"circle": 0.9},
        "beside": 250.0,
        "max_snap": 100.0,
        "household_size": None,
        "changes": {},
        "assumption": None,
        "outside": {},
        "layers": {},
        "scope": "whole",
        "people": {},
        "uncounted": {},
        "apart": {},
    }
    with pytest.raises(st.errors.StandardError, match='unknown services: "childcar"'):
        st.audit(demo, town, walk={"childcar": st.Walk.adult()})
    layers = {**town, "eldercare": town["childcare"], "culture": town["childcare"]}
    culture = rule("service_radius", id="culture", service="culture", operator="<=", value=300.0, unit="m")
    walks = st.audit(demo.extended([culture], {}), layers).parameters["walk"]
    assert walks == {"childcare": st.Walk.carer(), "culture": st.Walk.adult(), "eldercare": st.Walk.elder()}


def test_a_place_beyond_max_snap_reaches_nothing(
    town: Layers, demo: st.Standard, town_network: st.Network, layer: Callable[..., gpd.GeoDataFrame]
) -> None:
    town["communities"] = layer({"a": (0, 0), "b": (0, -200)}, population=[1, 1], infants=[30, 10])
    near, far = (
        st.audit(demo, town, network=town_network, shares={"circle": 0.9}, max_snap=snap).table.set_index("rule")
        for snap in (250.0, 150.0)
    )
    assert near.loc["circle", "value"].tolist() == [100, 100]
    assert far.loc["circle", "value"].tolist() == [75, 50]
    assert far.loc["circle", "straight"].tolist() == [100, 100]


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ({"nothing": 0.9}, 'shares are given for unknown rules: "nothing"'),
        ({"circle": 0}, r'shares: "circle" is 0; give a share above 0 and at most 1$'),
        ({"circle": -5}, "give a share above 0 and at most 1$"),
        ({"circle": 100.5}, "give a share above 0 and at most 1$"),
        ({"circle": math.nan}, "give a share above 0 and at most 1$"),
        ({"circle": 90}, 'give a share above 0 and at most 1: 90 % is 0.9 or "90 %"$'),
        ({"circle": "0.9 %"}, 'give a share above 0 and at most 1: 90 % is 0.9 or "90 %"$'),
        ({"circle": "90"}, "give a share above 0 and at most 1$"),
        ({"inclusive": 0.6}, 'shares are given for rules that print their own number: "inclusive"'),
    ],
)
def test_shares_are_from_0_to_1_for_rules_that_print_none(
    town: Layers, demo: st.Standard, shares: dict[str, Any], message: str
) -> None:
    with pytest.raises(st.errors.StandardError, match=message):
        st.audit(demo, town, shares=shares)


def test_inputs_are_left_alone(town: Layers, demo: st.Standard, town_network: st.Network) -> None:
    before = {name: frame.copy() for name, frame in town.items()}
    shares = {"circle": 0.9}
    st.audit(demo, town, network=town_network, shares=shares)
    for name, frame in town.items():
        pd.testing.assert_frame_equal(frame, before[name])
    assert shares == {"circle": 0.9}


def test_excel(town: Layers, demo: st.Standard, tmp_path: Path) -> None:
    evil = '=HYPERLINK("http://example.org","x")'
    odd = rule(
        "composition_share", id="odd", value=50.0, column="inclusive_places", indicator_zh=evil, clause="甲\x07乙"
    )
    judged = st.audit(demo.extended([odd], {}), town, year=2025)
    file = tmp_path / "audit.xlsx"
    assert judged.to_excel(file) == file
    sheet = openpyxl.load_workbook(file)["audit"]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert rows[0] == COLUMNS
    assert len(rows) == 1 + len(judged.table)
    table = pd.DataFrame(rows[1:], columns=rows[0], dtype=object).set_index("rule")
    assert table.loc["places.2025", ["value", "target", "needed", "status"]].tolist() == [4, 4.5, 1, "short"]
    assert table.loc["circle", "value"] is None  # a blank cell, no "nan"
    assert table.loc["odd", ["indicator", "clause"]].tolist() == [evil, "甲乙"]
    assert "f" not in {cell.data_type for row in sheet.iter_rows() for cell in row}
    with pytest.raises(st.SitingError, match=r"audit\.csv.*\.xlsx"):
        judged.to_excel(str(tmp_path / "audit.csv"))
    with pytest.raises(st.SitingError):
        judged.to_excel(tmp_path / "nowhere" / "audit.xlsx")


# Parts of an audit, and two of them side by side


def test_a_baseline_and_a_direction_are_figures(town: Layers, demo: st.Standard) -> None:
    judged = st.audit(demo, town)
    assert judged.figures.columns.tolist() == [*COLUMNS, *PRINTED]
    rows = judged.figures.set_index("rule")
    assert rows.index.tolist() == ["places.2021", "link"]
    assert rows.loc["places.2021", ["value", "printed", "difference"]].tolist() == pytest.approx([4, 2.68, 1.32])
    assert rows.loc["places.2021", "status"] == "shown"
    assert rows.loc["link", "status"] == "no_data"
    assert rows.loc["link", "reason_en"] == "layer missing: Elder-care facilities"
    assert rows[["target", "gap", "needed"]].isna().all(axis=None)
    assert st.audit(demo, town, year=2020).figures["rule"].tolist() == ["link"]


def test_select(town: Layers, demo: st.Standard, town_network: st.Network, streets: Callable[..., Any]) -> None:
    half = [shapely.box(529_900 + 400 * k, 3_379_900, 530_300 + 400 * k, 3_380_100) for k in range(2)]
    town["districts"] = gpd.GeoDataFrame({"name": ["西", "东"]}, geometry=half, index=["w", "e"],
                                         crs=town["communities"].crs)  # fmt: skip
    judged = st.audit(demo, town, network=town_network, year=2025, by="district", shares={"circle": 1})
    assert repr(judged) == "<Audit demo 2025: 2 met, 1 short, 0 n/a, 2 areas>"  # a and b are 500 m from each other
    assert judged.select(status="short").table["rule"].unique().tolist() == ["places.2025"]
    assert judged.select(service="childcare").table.equals(judged.table)
    assert judged.select(service="eldercare").table.empty
    assert judged.select(service="eldercare").figures["rule"].tolist() == ["link"]
    assert judged.select(rule="places").table["rule"].unique().tolist() == ["places.2025"]
    by_id, by_name = (judged.select(area=area).table for area in ("e", "东"))
    pd.testing.assert_frame_equal(by_id, by_name)
    assert by_id["area"].unique().tolist() == ["e"]
    places = by_id.set_index("rule").loc["places.2025"]
    assert (places["value"], places["needed"]) == (0, 5)  # none of the 8; 4.5 are 5
    assert math.isnan(by_id.set_index("rule").loc["inclusive", "value"])  # there is nothing of which to have a share
    assert judged.select(area="all", status="met").table["rule"].tolist() == ["inclusive", "circle", "circle"]
    with pytest.raises(st.SitingError, match='status is "good"; choose one of met, part, short, ahead'):
        judged.select(status="good")
    with pytest.raises(st.SitingError, match=r'area is "north"; choose one of .*all'):
        judged.select(area="north")


def test_compare_two_years_and_two_states(town: Layers, demo: st.Standard) -> None:
    more = {**town, "childcare": town["childcare"].assign(places=10)}
    near, far = st.audit(demo, town, year=2022), st.audit(demo, more, year=2025)
    both = near.compare(far).set_index("rule")
    assert both.index.tolist() == ["places", "inclusive", "circle"], "the order of the document"
    assert both["needs"].tolist() == ["places", "inclusive_places", ""]
    assert both.loc["inclusive", ["needed", "needed_other"]].tolist() == [0, 1]  # 4 of 8; of 10 there are to be 5
    assert both.loc["places", ["value", "value_other", "change"]].tolist() == [4, 5, 1]
    assert both.loc["places", ["target", "target_other"]].tolist() == [3.3, 4.5]
    assert both.loc["places", ["status", "status_other"]].tolist() == ["met", "met"]
    assert both.loc["inclusive", ["value", "value_other", "change"]].tolist() == [50, 40, -10]
    assert both.loc["inclusive", ["status", "status_other"]].tolist() == ["met", "short"]
    assert both.loc["circle", ["indicator_en", "status_other"]].tolist() == ["a", "no_number"]
    assert both.loc["circle", ["status", "status_other"]].tolist() == ["no_number"] * 2, "no share is printed"
    assert near.compare(near)["change"].dropna().eq(0).all()
    every = st.audit(demo, town).compare(far).set_index("rule")  # of the two targets there, the last one stands
    assert every.index.tolist() == ["places", "inclusive", "circle"]
    assert every.loc["places", ["target", "target_other"]].tolist() == [4.5, 4.5]
    assert every.loc["places", ["needed", "needed_other"]].tolist() == [1, 0]  # 9 for 2000 residents
    two = st.audit(demo.adapted({"places.2025": {"value": 3.0}}), town).compare(near).set_index("rule")
    assert two.loc["places", ["target", "target_other"]].tolist() == [3, 3.3], "the last year, not the larger number"


def test_targets_of_other_years(town: Layers) -> None:
    """Who replaces whom: the last due of one thing; not what is called otherwise, nor what has no number."""
    rate: dict[str, Any] = {"role": "target", "column": "places", "value": 3.0}
    rules = (
        rule("places_per_1000_residents", id="old.2020", year=2020, **rate),
        rule("places_per_1000_residents", id="new.2022", year=2022, **rate),
        rule("places_per_1000_residents", id="beds.2021", year=2021, indicator_zh="乙", **rate),
        rule("places_per_1000_residents", id="none.2023", year=2023, **{**rate, "value": None}),
        rule("places_per_1000_residents", id="far.2035", year=2035, **{**rate, "value": 4.0}),
        rule("places_per_1000_residents", id="farther.2040", year=2040, **{**rate, "value": 4.1}),
    )
    standard = st.Standard("demo", "示范", "Demo", rules)
    found = st.audit(standard, town, year=2024).table.set_index("rule")["status"].to_dict()
    assert found == {"new.2022": "met", "beds.2021": "met", "none.2023": "no_number", "far.2035": "met",
                     "farther.2040": "ahead"}  # fmt: skip
    assert [one.id for one in standard.select(year=2024)] == ["new.2022", "beds.2021", "none.2023"]
    assert [one.id for one in standard.select(year=2021)] == ["old.2020", "beds.2021"]
    given = standard.adapted({"none.2023": {"value": 5}}).select(year=2024)
    assert [one.id for one in given] == ["beds.2021", "none.2023"]


def test_a_share_of_the_user_makes_a_later_target_count(town: Layers) -> None:
    covered: dict[str, Any] = {"role": "target", "unit": "percent", "applies_to": "community", "metres": 100.0}
    rules = (rule("coverage_share", id="c.2022", year=2022, value=70.0, **covered),
             rule("coverage_share", id="c.2025", year=2025, operator="", **covered))  # fmt: skip
    standard = st.Standard("demo", "示范", "Demo", rules)
    assert st.audit(standard, town, year=2025).table["rule"].tolist() == ["c.2022", "c.2025"]
    assert st.audit(standard, town, year=2025, shares={"c.2025": 1}).table["rule"].tolist() == ["c.2025"]


def test_compare_takes_the_target_that_is_due(town: Layers, demo: st.Standard) -> None:
    near, far = (st.audit(demo, town, year=year).select(rule="places") for year in (2023, 2026))
    assert near.table["status"].tolist() == ["met", "ahead"]
    both = near.compare(far)
    assert both[["target", "status"]].to_numpy().tolist() == [[3.3, "met"]]
    assert both[["target_other", "status_other"]].to_numpy().tolist() == [[4.5, "short"]]
    early = st.audit(demo, town, year=2020).select(rule="places")
    assert early.compare(far)["target"].tolist() == [3.3], "of those ahead the first"


def test_compare_keeps_people_and_communities_and_areas_apart(
    town: Layers, demo: st.Standard, town_network: st.Network
) -> None:
    """b is 500 m from k: with a second facility beside it all 40 children have one within 5 min, before it 30."""
    rules = demo.adapted({"circle": {"value": 5, "share": 1}}).select(rule="circle")
    before = st.audit(rules, town, network=town_network)
    twice = pd.concat([town["childcare"], town["childcare"].set_geometry(
        town["communities"].geometry[["b"]].set_axis(["k"]), crs=town["childcare"].crs)])  # fmt: skip
    after = st.audit(rules, {**town, "childcare": twice.set_axis(["k", "l"])}, network=town_network)
    both = before.compare(after).set_index("needs")
    assert both.index.tolist() == ["persons", "communities"]
    assert both[["value", "value_other", "change"]].to_numpy().tolist() == [[75, 100, 25], [50, 100, 50]]
    assert both[["needed", "needed_other"]].to_numpy().tolist() == [[10, 0], [1, 0]]
    assert both[["status", "status_other"]].to_numpy().tolist() == [["short", "met"]] * 2


def test_the_figures_are_a_second_sheet(town: Layers, demo: st.Standard, tmp_path: Path) -> None:
    book = openpyxl.load_workbook(st.audit(demo, town).to_excel(tmp_path / "audit.xlsx"))
    assert book.sheetnames == ["audit", "figures"]
    assert [cell.value for cell in book["figures"][1]] == [*COLUMNS, *PRINTED]
    assert book["figures"].max_row == 3
    none = st.Standard("none", "无", "None", ())
    assert openpyxl.load_workbook(st.audit(none, town).to_excel(tmp_path / "none.xlsx")).sheetnames == ["audit"]


# The sample district, counted again in plain pandas.


@pytest.fixture(scope="module")
def verdict(sample: Layers, sample_network: st.Network) -> pd.DataFrame:
    shares = {"jinhua.childcare.circle_15min": 0.9, "jinhua.childcare.township_coverage.2025": 1}
    standard = load("jinhua")
    return st.audit(standard, sample, network=sample_network, year=2025, shares=shares).table


def test_every_row_has_a_verdict_and_every_gap_a_reason(verdict: pd.DataFrame) -> None:
    assert set(verdict["status"]) <= set(STATUSES)
    none = ~verdict["status"].isin(["met", "short"])
    why = verdict[none].set_index("rule")["reason_en"]
    layers = why[why.str.startswith("layer missing: ")]
    assert sorted(layers.index) == [
        "jinhua.childcare.child_health_centres_city.2025",
        "jinhua.childcare.child_health_centres_provincial.2025",
        "jinhua.eldercare.rehab_beds_per_1000",
    ]
    lacking = why[why.str.startswith("column missing in ")].str.extract(r"(\w+)\)?$")[0]
    assert {key.removeprefix("jinhua."): name for key, name in lacking.items()} == {
        "eldercare.kangyang_consortia.2025": "kangyang_consortium",
        "childcare.complete_community_share": "complete_community",
        "eldercare.township_medical_link": "medical_link",
        "eldercare.jinglaoyuan_grade": "grade",
        "eldercare.county_safety_net_institution": "safety_net",
        "childcare.place_subsidy_by_reference": "inclusive",
        "childcare.demonstration_institutions": "demonstration",
        "childcare.staff_certified.2025": "certified_staff",
        "eldercare.certified_caregivers_per_10000.2025": "certified_caregivers",
    }
    rest = why.drop(lacking.index).drop(layers.index)
    assert set(rest.index) == {
        "jinhua.childcare.care_stations.2025", "jinhua.childcare.guidance_centres_comprehensive.2025",  # for the city
        "jinhua.childcare.service_radius.relaxed",  # a permission
        "jinhua.childcare.households_per_facility.new", "jinhua.childcare.households_per_facility.existing",
        "jinhua.childcare.households_increment.new", "jinhua.childcare.households_increment.existing",  # none so large
        "jinhua.eldercare.plan_trigger_county_population", "jinhua.childcare.simplified_verification_area",  # no limit
    }  # fmt: skip
    for column in ("reason", "reason_en"):
        assert (verdict.loc[none, column] != "").all()
    for column in ("basis", "basis_en"):
        assert (verdict.loc[~none, column] != "").all()
    assert verdict.loc[none, ["gap", "needed"]].isna().all(axis=None)
    assert verdict.loc[~none, ["value", "target", "gap"]].notna().all(axis=None)
    short = verdict["status"] == "short"
    assert (verdict.loc[short, "gap"] > 0).all()
    within = verdict["reason_en"].str.contains("the need is given at")
    assert verdict.loc[short & within, "rule"].tolist() == ["jinhua.childcare.min_floor_area.new",
                                                            "jinhua.childcare.min_floor_area.existing"]  # fmt: skip
    assert (verdict.loc[short & ~within, "needed"] > 0).all()
    assert (verdict.loc[verdict["status"] == "met", ["gap", "needed"]] == 0).all(axis=None)
    whole = verdict["needs"] != "area_m2"
    assert (verdict.loc[whole, "needed"].dropna() % 1 == 0).all(), "nobody needs half a place"
    assert (verdict.loc[~none & ~within, "needs"] != "").all(), "what is counted is named, also when it is met"
    assert (verdict.loc[verdict["basis"] == "", "needs"] == "").all()
    assert (verdict["document"] != "").all()
    assert (verdict["clause"] != "").all()


def test_what_is_said_is_in_words(verdict: pd.DataFrame) -> None:
    """No value in Python's own writing, and no placeholder, stands in a text for readers."""
    for column in ("reason", "reason_en", "basis", "basis_en"):
        odd = verdict[column].str.contains(r"[{}\[\]]|None|\bnan\b|\(\s*'")
        assert verdict.loc[odd, column].tolist() == []


def test_rates_and_shares_of_the_sample(verdict: pd.DataFrame, sample: Layers) -> None:
    rows = verdict.set_index("rule")
    homes, care, elder = sample["communities"], sample["childcare"], sample["eldercare"]
    places = rows.loc["jinhua.childcare.places_per_1000.2025"]
    assert places["value"] == pytest.approx(1000 * care["places"].sum() / homes["population"].sum())
    assert places["needed"] == math.ceil(0.0045 * homes["population"].sum()) - care["places"].sum()
    inclusive = rows.loc["jinhua.childcare.inclusive_place_share.2025"]
    assert inclusive["value"] == pytest.approx(100 * care["inclusive_places"].sum() / care["places"].sum())
    assert inclusive["needed"] == math.ceil(0.6 * care["places"].sum()) - care["inclusive_places"].sum()
    homes_for_elders = elder[elder["facility_type"] == "养老机构"]
    cognitive = rows.loc["jinhua.eldercare.cognitive_beds_per_10000.2025"]
    assert cognitive["value"] == pytest.approx(
        10_000 * homes_for_elders["cognitive_beds"].sum() / homes["elderly"].sum()
    )
    nursing = rows.loc["jinhua.eldercare.nursing_bed_share.2025"]
    assert nursing["value"] == pytest.approx(
        100 * homes_for_elders["nursing_beds"].sum() / homes_for_elders["beds"].sum()
    )


def test_townships_of_the_sample(verdict: pd.DataFrame, sample: Layers) -> None:
    row = verdict.set_index("rule").loc["jinhua.childcare.township_coverage.2025"]
    districts = sample["districts"]
    care = sample["childcare"]
    care = care[care["facility_type"] != "用人单位托育"]  # workplace care serves its own staff
    inside = gpd.sjoin(districts, care[["geometry"]], predicate="contains").index.unique()
    without = districts.drop(index=inside)
    assert len(without) > 0
    assert row["value"] == pytest.approx(100 * len(inside) / len(districts))
    assert row["needed"] == len(without)
    for name in without["name"]:
        assert name in row["reason"]


def test_the_straight_radius_of_the_sample(verdict: pd.DataFrame, sample: Layers) -> None:
    homes, care = sample["communities"], sample["childcare"]
    homes = homes[homes["kind"] != "park"]  # nobody lives there
    care = care[care["open_to_neighbours"]].to_crs(homes.crs)
    at = homes.geometry.centroid if set(homes.geom_type) == {"Point"} else homes.representative_point()
    far = np.hypot(
        at.x.to_numpy()[:, None] - care.geometry.x.to_numpy(), at.y.to_numpy()[:, None] - care.geometry.y.to_numpy()
    ).min(axis=1)
    infants, near = homes["infants"], far <= 300
    rows = verdict[verdict["rule"] == "jinhua.childcare.service_radius"]
    assert rows["straight"].tolist() == pytest.approx([100 * infants[near].sum() / infants.sum(), 100 * near.mean()])
    marked = (homes["siting_difficult"] | homes["low_demand"]).to_numpy()
    wide = far <= np.where(marked, 800, 300)
    rows = verdict[verdict["rule"] == "jinhua.childcare.service_radius.relaxed"].iloc[2:]
    assert rows["straight"].tolist() == pytest.approx([100 * infants[wide].sum() / infants.sum(), 100 * wide.mean()])


def test_walking_is_never_shorter_than_flying(verdict: pd.DataFrame) -> None:
    both = verdict.dropna(subset=["straight"])
    assert len(both) >= 8
    assert (both["value"] <= both["straight"]).all()


def test_the_circle_of_the_sample_on_streets(verdict: pd.DataFrame, sample: Layers, sample_network: st.Network) -> None:
    rows = verdict[verdict["rule"] == "jinhua.childcare.circle_15min"]
    open_care = sample["childcare"][sample["childcare"]["open_to_neighbours"]]
    pairs = st.travel(sample_network, sample["communities"], open_care, metres=960).pairs()  # 15 min at 64 m/min
    homes = sample["communities"]
    infants = homes.loc[homes["kind"] != "park", "infants"]
    inside = infants.index.isin(pairs["origin"])
    assert rows["value"].tolist() == pytest.approx([100 * infants[inside].sum() / infants.sum(), 100 * inside.mean()])
    assert rows["needed"].iloc[0] == max(0, math.ceil(0.9 * infants.sum()) - infants[inside].sum())


def test_units_of_the_sample_add_up_to_the_share(sample: Layers, sample_network: st.Network) -> None:
    names = ["service_radius", "circle_15min", "township_coverage.2022", "coverage.new_estates"]
    judged = st.audit(load("jinhua").select(rule=[f"jinhua.childcare.{name}" for name in names]), sample,
                      network=sample_network, shares={"jinhua.childcare.circle_15min": 0.9})  # fmt: skip
    told = judged.table[judged.table["needs"].isin(["communities", "districts"])]
    assert told["rule"].nunique() == 5  # and the relaxed radius, in two readings
    for name, rows in told.groupby("rule"):
        shares = 100 * judged.units(str(name)).mean()
        assert rows["value"].tolist() == pytest.approx(shares.tolist()), name


# Every standard that comes along


def assert_told(audit: st.Audit) -> None:
    """Every row can be read: reasons in both languages, no placeholder, no key, no unit without a word."""
    assert not audit.table.duplicated(["rule", "area", "unit", "target", "basis"]).any()
    assert set(audit.table["status"]) <= set(STATUSES)
    assert set(audit.figures["status"]) <= {"shown", *NOT_JUDGED}
    for table in (audit.table, audit.figures):
        none = table["status"].isin(NOT_JUDGED)
        assert (table.loc[none, ["reason", "reason_en"]] != "").all(axis=None)
        assert (table.loc[~none, ["basis", "basis_en"]] != "").all(axis=None)
        assert table.loc[none, ["gap", "needed"]].isna().all(axis=None)
        assert not np.isinf(table.select_dtypes("number").to_numpy(float, na_value=math.nan)).any()
        for name in ("unit", "needs"):
            for unit in set(table[name]) - {""}:
                assert any(known(f"{section}.{unit}") for section in ("unit", "field", "people")), unit
        for name in ("reason", "basis", "reason_en", "basis_en"):
            for text in set(table[name]):
                assert not re.search(r"[{}]|audit\.|\bnan\b|\bNone\b|\binf\b", text), text
                # what is missing is called by its own name, whatever the language
                rest = re.sub(r"(?:字段|图层|missing[^:]*)[：:] ?.*|Standard\.adapted|shares", "", text)
                assert not re.search(r"[A-Za-z]{3}" if "_en" not in name else r"\w_\w", rest), text


@pytest.mark.slow
@pytest.mark.parametrize("name", st.list_standards())
def test_the_sample_against_every_standard(name: str, sample: Layers, sample_network: st.Network) -> None:
    standard = load(name)
    judged = st.audit(standard, sample, network=sample_network, by="district")
    assert_told(judged)
    asked = [one.id for one in standard if one.role in ("standard", "target")]
    whole = judged.table[judged.table["area"] == "all"]
    assert list(dict.fromkeys(whole["rule"])) == asked
    assert list(dict.fromkeys(judged.figures["rule"])) == [one.id for one in standard if one.id not in asked]
    areas = ["all", *sample["districts"].index] if asked else []
    assert judged.table["area"].unique().tolist() == areas


def furnished(standard: st.Standard, make: Callable[..., gpd.GeoDataFrame]) -> Layers:
    """Layers with every column that a standard names, and in each layer a row for each rule that it counts."""
    rows: dict[str, list[dict[str, Any]]] = {"communities": [], "districts": []}

    def cell(want: Any) -> Any:
        if isinstance(want, bool):
            return want
        if isinstance(want, str) and (compared := re.match(r"(>=|<=|>|<)(\d+)$", want)):
            return float(compared[2]) + {">": 1, "<": -1}.get(compared[1], 0)
        return want if isinstance(want, str) else want[0]

    def said(conditions: Mapping[str, Any]) -> dict[str, Any]:
        every = {**conditions, **{k: v for each in conditions.get("any", ()) for k, v in each.items()}}
        return {name: cell(want) for name, want in every.items() if name != "any"}

    for one in (part for rule in standard for part in rule.clause_parts):
        marks = said({**one.where, **one.part})
        numbers = dict.fromkeys(one.column, 4.0)
        if one.kind == "bed_threshold_rule" and one.value is not None:
            numbers = {"beds": one.value - 1 if one.operator == "<" else one.value}
        over, _, of = one.of.rpartition(".")
        also = COMMUNITIES[standard[one.meets[0]].applies_to] if one.meets else {}
        rows["communities"].append({**{k: cell(v) for k, v in also.items()},
                                    **{k: cell(v) for k, v in COMMUNITIES.get(one.applies_to, {}).items()},
                                    **{k: cell(v) for k, v in one.among.items()},
                                    **({one.base: 50.0} if one.base else {})})  # fmt: skip
        for leaf in one.counting:
            for name in leaf.layers:
                kind = {"facility_type": leaf.facility_types[0]} if leaf.facility_types else {}
                own = {of: 8.0} if of and not over else {}
                rows.setdefault(name, []).append({**numbers, **own, **kind, **marks})
        if over:
            rows.setdefault(over, []).append({of: 8.0})
        for name in one.other:
            rows.setdefault(name, []).append({"facility_type": one.other_types[0]} if one.other_types else {})
    people = {"population": 60.0, "elderly": 20.0, "infants": 5.0, "households": 30.0, "employees": 20_000.0,
              "siting_difficult": False, "low_demand": False, "kind": "estate", "build_status": "new"}  # fmt: skip
    stock = {"beds": 8.0, "places": 8.0, "floor_area": 80.0, "facility_type": "别的", "operator": "甲"}
    made: Layers = {}
    for name, listed in rows.items():
        if name in ("districts", "both"):
            continue
        frame = pd.DataFrame([{**(people if name == "communities" else stock), **row} for row in listed])
        for column in frame:
            known_ = frame[column].dropna()
            blank = False if isinstance(known_.iloc[0], bool) else ("别的" if isinstance(known_.iloc[0], str) else 1.0)
            frame[column] = pd.Series([blank if pd.isna(own) else own for own in frame[column]], frame.index)
        places = {f"{name}{k}": (float(100 * (k % 6)), float(100 * (k // 6 % 6))) for k in range(len(frame))}
        made[name] = make(places, **{column: frame[column].tolist() for column in frame})
    levels = ["township", "subdistrict", "county", "city"]
    marks = {k: cell(v) for one in standard if "districts" in one.layers for k, v in {**one.part, **one.where}.items()}
    crs = made["communities"].crs
    halves = [shapely.box(529_900 + 350 * k, 3_379_900, 530_250 + 350 * k, 3_380_600) for k in range(2)]
    made["districts"] = gpd.GeoDataFrame(
        {"name": levels, "level": levels, "parent": ["c", "c", "p", ""], **{k: [v] * 4 for k, v in marks.items()}},
        geometry=[*halves, *[shapely.union_all(halves)] * 2], index=["t", "s", "c", "p"], crs=crs,
    )  # fmt: skip
    return made


@pytest.fixture(scope="module")
def furnish(layer: Callable[..., gpd.GeoDataFrame]) -> Callable[[str], Layers]:
    """The furnished layers of a standard, made once; tests must not change them."""
    return functools.cache(lambda name: furnished(load(name), layer))


#: Why a rule has no value though nothing is missing in the layers.
OPEN = {
    "the document prints no share; set one in shares",
    "what this says cannot be seen in layers",
    "the document prints no number",
    "the number is in another document; give its kind and value with Standard.adapted",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", st.list_standards())
def test_every_rule_has_its_value_where_nothing_is_missing(
    name: str, furnish: Callable[[str], Layers], town_network: st.Network
) -> None:
    judged = st.audit(load(name), furnish(name), network=town_network)
    rows = pd.concat([judged.table, judged.figures])
    empty = rows[rows["value"].isna()]
    # estates of 30 households, fewer people than a circle has
    small = empty["reason_en"].str.contains("^none of the|residents are fewer than one circle", regex=True)
    left = empty[~empty["reason_en"].isin(OPEN) & ~small]
    assert left[["rule", "reason_en"]].to_numpy().tolist() == []


@pytest.mark.slow
@pytest.mark.parametrize("name", st.list_standards())
def test_every_printed_number_is_shown(name: str, furnish: Callable[[str], Layers], town_network: st.Network) -> None:
    """300 m², 500,000 people, 5 years of lease: in the target or in the basis, in both languages."""
    judged = st.audit(load(name), furnish(name), network=town_network).table
    for id_, rows in judged.groupby("rule"):
        one = load(name)[str(id_)]
        compared = [re.sub(r"\D", "", want) for want in {**one.where, **one.part}.values() if str(want)[:1] in "<>"]
        wanted = [*(f"{n:,.10g}" for n in (one.value, one.value_max, one.otherwise) if n is not None), *compared]
        for basis in ("basis", "basis_en"):
            shown = " ".join(
                f"{row[basis]} {row['target']:,.10g} {row['target_max']:,.10g}" for _, row in rows.iterrows()
            )
            number = r"(?<![\d.,]){}(?!\d|,\d)"
            lost = [n for n in wanted if n != "0" and not re.search(number.format(re.escape(n)), shown)]
            assert lost == [], one.id


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(data=st_.data())
def test_whatever_is_missing_nothing_breaks(
    data: st_.DataObject, furnish: Callable[[str], Layers], town_network: st.Network
) -> None:
    name = data.draw(st_.sampled_from(st.list_standards()))
    layers = dict(furnish(name))
    standard = load(name)
    for name in data.draw(st_.sets(st_.sampled_from(sorted(layers)), max_size=2)):
        del layers[name]
    for name in list(layers):
        columns = [column for column in layers[name].columns if column != "geometry"]
        gone = data.draw(st_.sets(st_.sampled_from(columns), max_size=3)) if columns else set()
        layers[name] = layers[name].drop(columns=list(gone))
        change = data.draw(st_.sampled_from(["keep", "keep", "few rows", "a blank"]))
        if change == "few rows":
            layers[name] = layers[name].iloc[: data.draw(st_.integers(0, 2))]
        elif change == "a blank" and len(layers[name].columns) > 1:
            column = data.draw(st_.sampled_from(sorted(layers[name].columns.drop("geometry"))))
            layers[name][column] = (
                layers[name][column].astype(object).where(layers[name].index != layers[name].index[0])
            )
    network = data.draw(st_.sampled_from([None, town_network]))
    by = data.draw(st_.sampled_from([None, "district", "county"]))
    try:
        judged = st.audit(standard, layers, network=network, by=by)
    except st.SitingError:
        return
    for table in (judged.table, judged.figures):
        none = table[table["status"].isin(NOT_JUDGED)]
        assert (none[["reason", "reason_en"]] != "").all(axis=None)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"year": "2025"}, 'year is "2025"; give a year such as 2025'),
        ({"year": 25}, "year is 25"),
        ({"walk": "elder"}, 'walk is "elder"; give a Walk'),
        ({"walk": {"childcare": "carer"}}, "give a Walk"),
        ({"beside": -3.0}, "beside is -3.0; give metres from 10"),
        ({"household_size": 0}, "household_size is 0; give persons per household"),
    ],
)
def test_settings_that_cannot_be_are_told(options: dict[str, Any], told: str) -> None:
    with pytest.raises(st.SitingError, match=re.escape(told)):
        st.audit(st.load_standard("jinhua"), {}, **options)


def test_ids_that_stand_twice_are_refused(layer: Callable[..., gpd.GeoDataFrame]) -> None:
    homes = layer({"a": (0, 0), "b": (100, 0)}, population=[1, 2])
    homes.index = pd.Index(["a", "a"], name="id")
    with pytest.raises(st.errors.LayerError, match='communities: ids occur more than once: "a"'):
        st.audit(st.load_standard("jinhua"), {"communities": homes})


def test_sorts_of_communities_that_no_rule_knows_are_refused(layer: Callable[..., gpd.GeoDataFrame]) -> None:
    """An estate called "小区" would owe nothing, in silence; check_layer translates it."""
    estate = pd.DataFrame({"kind": ["小区"], "build_status": ["new"], "households": [3600]}, index=["a"])
    with pytest.raises(
        st.errors.LayerError, match='"kind" is none of "estate", "village", "community", "park" in 1 row: "a"'
    ):
        st.provision(st.load_standard("jinhua"), estate)
    late = estate.assign(kind="estate", build_status="新建")
    with pytest.raises(st.errors.LayerError, match='"build_status" is none of "new", "existing"'):
        st.provision(st.load_standard("jinhua"), late)


def test_a_text_is_no_condition_on_flags_or_numbers(layer: Callable[..., gpd.GeoDataFrame]) -> None:
    care = layer({"k": (0, 0)}, places=[8], public=[True])
    for where, told in ({"public": "yes"}, "write true or false"), ({"places": "lots"}, "a comparison such as"):
        one = st.Rule("r", "count_target", "childcare", "甲", "a", operator=">=", value=1.0, where=where)
        with pytest.raises(st.errors.StandardError, match=told):
            st.audit(st.Standard("d", "d", "d", (one,)), {"childcare": care})


def test_the_year_and_assumption_of_a_forecast_stand_in_the_verdict(
    sample: Layers, caplog: pytest.LogCaptureFixture
) -> None:
    later = st.forecast(sample["communities"], from_year=2021, to_year=2035, rates={"elderly": 0.04})
    rate = st.load_standard("quzhou").select(rule="beds_per_1000.2025")
    judged = st.audit(rate, sample | {"communities": later}, year=2025)
    assert "2035" in str(judged.parameters["assumption"])
    assert "communities are those of 2035, the rules those of 2025" in caplog.text


def test_the_least_area_of_each_site_adds_up_over_the_districts(sample: Layers, sample_network: st.Network) -> None:
    """Each site owes 200 m²: how many there are is counted in sites, not in m², in a district as in the whole."""
    rules = st.load_standard("quzhou").select(rule=["min_floor_area.new", "area_per_100_households.new"])
    table = st.audit(rules, sample, network=sample_network, by="district").table.set_index(["rule", "area"])
    floor = table.loc["quzhou.eldercare.min_floor_area.new"]
    parts = floor.drop("all")[["value", "target"]].sum()
    assert parts.tolist() == pytest.approx(floor.loc["all", ["value", "target"]].astype(float).tolist())
    assert floor.loc["all", "target"] >= 46 * 200
    needed = table["needed"].groupby("area").sum()  # of both rules together, once
    assert needed.drop("all").sum() == pytest.approx(needed["all"])
