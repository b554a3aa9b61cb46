"""The audit as a whole: its table, its parameters, what it writes, and the sample district counted a second time."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest

import siting as st
from siting.judge.audit import COLUMNS

Layers = dict[str, gpd.GeoDataFrame]


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
        rule("composition_share", id="inclusive", value=50.0, column="inclusive_places", clause="三 > （一）"),
        rule("service_time", id="circle", operator="<=", value=15.0, unit="min", role="target", year=2025),
        rule("flag_share", id="link", service="eldercare", value=70.0, column="linked", role="principle"),
    )
    return st.Standard("demo", "示范", "Demo", rules)


def test_standing_rules_and_those_of_the_year(town: Layers, demo: st.Standard) -> None:
    assert st.audit(demo, town, year=2025).table["rule"].tolist() == ["places.2025", "inclusive", "circle"]
    assert st.audit(demo, town, year=2022).table["rule"].tolist() == ["places.2022", "inclusive"]
    # baselines and principles are never judged
    assert set(st.audit(demo, town).table["rule"]) == {"places.2022", "places.2025", "inclusive", "circle"}


def test_the_table(town: Layers, demo: st.Standard) -> None:
    judged = st.audit(demo, town, year=2025)
    assert judged.table.columns.tolist() == COLUMNS
    assert judged.table["status"].tolist() == ["short", "met", "n/a"]
    assert judged.table["gap"].tolist()[:2] == [0.5, 0]
    assert judged.table["needed"].tolist()[:2] == [1, 0]
    assert judged.table["clause"].tolist() == ["", "三 > （一）", ""]
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
        shares={"circle": 90},
        beside=250.0,
        max_snap=100.0,
    )
    assert judged.parameters == {
        "walk": {"childcare": st.Walk(50.0, "grandmother")},
        "shares": {"circle": 90},
        "beside": 250.0,
        "max_snap": 100.0,
        "layers": {},
    }
    with pytest.raises(st.StandardError, match='services that are not there: "childcar"'):
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
        st.audit(demo, town, network=town_network, shares={"circle": 90}, max_snap=snap).table.set_index("rule")
        for snap in (250.0, 150.0)
    )
    assert near.loc["circle", "value"].tolist() == [100, 100]
    assert far.loc["circle", "value"].tolist() == [75, 50]
    assert far.loc["circle", "straight"].tolist() == [100, 100]


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ({"nothing": 90}, 'shares are given for rules that are not there: "nothing"'),
        ({"circle": 0}, r"shares must be percent, above 1 and up to 100 \(90 % is 90\), for \"circle\""),
        ({"circle": -5}, "shares must be percent"),
        ({"circle": 100.5}, "shares must be percent"),
        ({"circle": math.nan}, "shares must be percent"),
        ({"circle": 0.9}, "shares must be percent"),
        ({"circle": "90"}, "shares must be percent"),
        ({"inclusive": 60}, 'shares are given for rules that print their own number: "inclusive"'),
    ],
)
def test_shares_are_percent_of_rules_that_print_none(
    town: Layers, demo: st.Standard, shares: dict[str, Any], message: str
) -> None:
    with pytest.raises(st.StandardError, match=message):
        st.audit(demo, town, shares=shares)


def test_inputs_are_left_alone(town: Layers, demo: st.Standard, town_network: st.Network) -> None:
    before = {name: frame.copy() for name, frame in town.items()}
    shares = {"circle": 90.0}
    st.audit(demo, town, network=town_network, shares=shares)
    for name, frame in town.items():
        pd.testing.assert_frame_equal(frame, before[name])
    assert shares == {"circle": 90.0}


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


# The sample district, counted again in plain pandas.


@pytest.fixture(scope="module")
def verdict(sample: Layers, sample_network: st.Network) -> pd.DataFrame:
    shares = {"jinhua.childcare.circle_15min": 90, "jinhua.childcare.township_coverage.2025": 100}
    standard = st.load_standard("jinhua")
    return st.audit(standard, sample, network=sample_network, year=2025, shares=shares).table


def test_every_row_has_a_verdict_and_every_gap_a_reason(verdict: pd.DataFrame) -> None:
    assert set(verdict["status"]) <= {"met", "short", "n/a"}
    none = verdict["status"] == "n/a"
    assert set(verdict.loc[none, "rule"]) == {
        "jinhua.eldercare.rehab_beds_per_1000", "jinhua.eldercare.township_medical_link",
    }  # fmt: skip
    for column in ("reason", "reason_en"):
        assert (verdict.loc[none, column] != "").all()
    for column in ("basis", "basis_en"):
        assert (verdict.loc[~none, column] != "").all()
    assert verdict.loc[none, ["value", "gap", "needed"]].isna().all(axis=None)
    assert verdict.loc[~none, ["value", "target", "gap", "needed"]].notna().all(axis=None)
    short = verdict["status"] == "short"
    assert (verdict.loc[short, ["gap", "needed"]] > 0).all(axis=None)
    assert (verdict.loc[verdict["status"] == "met", ["gap", "needed"]] == 0).all(axis=None)
    assert (verdict["needed"].dropna() % 1 == 0).all(), "nobody needs half a place"
    assert (verdict["document"] != "").all()
    assert (verdict["clause"] != "").all()
    assert (
        not verdict[["basis", "reason"]]
        .map(lambda text: "_" in text.replace("rehab_beds", "").replace("has_medical_link", ""))
        .any(axis=None)
    )


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
    inside = gpd.sjoin(districts, sample["childcare"][["geometry"]], predicate="contains").index.unique()
    without = districts.drop(index=inside)
    assert len(without) > 0
    assert row["value"] == pytest.approx(100 * len(inside) / len(districts))
    assert row["needed"] == len(without)
    for name in without["name"]:
        assert name in row["reason"]


def test_the_straight_radius_of_the_sample(verdict: pd.DataFrame, sample: Layers) -> None:
    homes, care = sample["communities"], sample["childcare"]
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
    infants = sample["communities"]["infants"]
    inside = infants.index.isin(pairs["origin"])
    assert rows["value"].tolist() == pytest.approx([100 * infants[inside].sum() / infants.sum(), 100 * inside.mean()])
    assert rows["needed"].iloc[0] == max(0, math.ceil(0.9 * infants.sum()) - infants[inside].sum())
