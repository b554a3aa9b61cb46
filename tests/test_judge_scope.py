"""Parts of a clause, permissions, and whose number it is: on a town small enough to count."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from typing import Any

import geopandas as gpd
import pytest
import shapely

import siting as st
from siting.judge.layers.document_share import sized
from siting.judge.standards.from_toml import rule_from

Layers = dict[str, gpd.GeoDataFrame]
NAMES = {"id": "r", "service": "eldercare", "indicator_zh": "甲", "indicator_en": "a", "operator": ">="}


@pytest.fixture
def town(layer: Callable[..., gpd.GeoDataFrame]) -> Layers:
    """Two counties, east and west of x = 0: east has a centre and a university, west a centre only."""
    counties = gpd.GeoDataFrame(
        {"name": ["东县", "西县"], "level": ["county"] * 2},
        geometry=[
            shapely.box(530_000, 3_379_000, 531_000, 3_381_000),
            shapely.box(529_000, 3_379_000, 530_000, 3_381_000),
        ],
        index=["e", "w"],
        crs=layer({"a": (0, 0)}).crs,
    )
    return {
        "districts": counties,
        "communities": layer({"h": (100, 0), "i": (-100, 0)}, population=[15_000, 5_000]),
        "activity_centres": layer({"c": (50, 0), "d": (-50, 0)}, level=["county"] * 2),
        "elder_schools": layer({"u": (60, 0)}, facility_type=["老年大学"]),
        "health_centres": layer({"x": (70, 0)}, mothers=[2], infants=[0]),
    }


def standard(**values: Any) -> st.Standard:
    return st.Standard("demo", "示范", "Demo", (rule_from({**NAMES, **values}),))


def judged(layers: Layers, options: dict[str, Any] | None = None, **values: Any) -> dict[str, Any]:
    table = st.audit(standard(**values), layers, **(options or {})).table
    assert len(table) == 1, "the parts of a clause are one row"
    return dict(table.iloc[0])


# Parts of a clause

BOTH: dict[str, Any] = {
    "kind": "count_per_area", "value": 1, "unit": "facilities_per_county", "applies_to": "county",
    "layer": "activity_centres", "where": {"level": "county"},
    "also": [{"layer": "elder_schools", "facility_types": ["老年大学"], "where": {}}],
}  # fmt: skip


def test_each_part_of_a_clause_has_to_be_kept(town: Layers) -> None:
    row = judged(town, **BOTH)
    assert (row["value"], row["target"], row["status"], row["needed"]) == (0, 1, "short", 1)
    assert "西县" in row["reason"], "the one without a university"
    assert "东县" not in row["reason"]
    assert row["basis_en"].startswith("activity centres (of the county): 2 of 2 counties; 老年大学: 1 of 2 counties")
    told = st.audit(standard(**BOTH), town).units("r")
    assert told["fulfils"].to_dict() == {"e": True, "w": False}
    town["elder_schools"] = town["activity_centres"].assign(facility_type="老年大学")
    assert judged(town, **BOTH)["status"] == "met"


def test_a_part_that_cannot_be_computed_is_named(town: Layers) -> None:
    schools = town.pop("elder_schools")
    row = judged(town, **BOTH)
    assert (row["value"], row["status"], row["gap"], row["needed"]) == (1, "part", 0, 0)
    assert "elder_schools" in row["reason"]
    assert row["reason_en"].startswith("老年大学: layer missing: ")
    town["activity_centres"] = town["activity_centres"].iloc[:1]
    assert judged(town, **BOTH)["status"] == "short", "short of one part is short of all"
    none = judged({"districts": town["districts"], "elder_schools": schools.iloc[:0]}, **BOTH)
    assert (none["status"], none["needed"]) == ("short", 2), "one of each of two universities; no centres to look at"
    assert judged({"districts": town["districts"]}, **BOTH)["status"] == "no_data"


def test_staff_of_two_sorts_do_not_make_up_for_each_other(town: Layers) -> None:
    """20,000 residents: 2 for mothers of 1, none for children of 1."""
    staff: dict[str, Any] = {
        "kind": "staff_ratio", "value": 1, "unit": "persons_each_per_20000_residents", "layer": "health_centres",
        "operator": "=", "column": "mothers", "base": "population", "also": [{"column": "infants"}],
    }  # fmt: skip
    row = judged(town, **staff)
    assert (row["value"], row["status"], row["needed"]) == (0, "short", 1)
    town["health_centres"]["infants"] = 1
    assert judged(town, **staff)["status"] == "met", "more of one is no fault"


def test_parts_of_other_kinds_and_numbers(town: Layers) -> None:
    """Three in all, one of them the city's, one in each county: the same stock is needed once."""
    centres: dict[str, Any] = {
        "kind": "count_target", "value": 3, "unit": "facilities", "layer": "activity_centres",
        "also": [{"where": {"level": "city"}, "value": 1},
                 {"kind": "count_per_area", "applies_to": "county", "unit": "facilities_per_county", "value": 1}],
    }  # fmt: skip
    row = judged(town, **centres)
    assert (row["value"], row["target"], row["status"], row["needed"]) == (0, 1, "short", 1)
    assert "activity centres (≥ 3 facilities): activity centres: 2" in row["basis_en"], (
        "parts of one stock are told apart by their numbers"
    )
    assert "activity centres (≥ 1 facilities per county): 2 of 2 counties" in row["basis_en"]
    part = judged(town, {"scope": "part"}, **centres)
    assert part["status"] == "part", "each county has one; the others are the city's numbers"
    assert "activity centres (of the city)" in part["reason_en"]


def test_what_no_layer_shows_is_named_where_the_rest_is_met(town: Layers) -> None:
    asked: dict[str, Any] = {**BOTH, "also": [], "unseen": "whether it is open", "unseen_zh": "是否开放"}
    row = judged(town, **asked)
    assert (row["status"], row["reason"], row["reason_en"]) == (
        "part",
        "未核对：是否开放",
        "not checked: whether it is open",
    )
    assert (row["gap"], row["needed"]) == (0, 0)
    town["activity_centres"] = town["activity_centres"].iloc[:1]
    assert judged(town, **asked)["status"] == "short"


@pytest.mark.parametrize(
    ("also", "message"),
    [
        ({"layer": "elder_schools"}, "also is .*, not a list of tables"),
        ([{"layr": "elder_schools"}], 'unknown keys in also: "layr"; understood are'),
        ([{"kind": "count_per_aera"}], 'did you mean "count_per_area"'),
        ([{"value": "1"}], 'value is "1", not a number'),
        ([{"metres": 300}], "metres.* would have no effect"),
    ],
)
def test_parts_are_checked_as_rules_are(also: object, message: str) -> None:
    with pytest.raises(st.errors.StandardError, match=message):
        standard(**{**BOTH, "also": also})


# Permissions


@pytest.mark.parametrize(("modal", "status"), [("可适当", "shown"), ("支持", "shown"), ("应", "short"), ("", "short")])
def test_a_permission_asks_for_nothing(town: Layers, modal: str, status: str) -> None:
    row = judged(town, kind="count_target", value=3, unit="facilities", layer="activity_centres", modal=modal)
    assert (row["value"], row["target"], row["status"]) == (2, 3, status)
    assert math.isnan(row["gap"]) == bool(row["reason"]) == (status == "shown")


# Whose number

COUNT: dict[str, Any] = {"kind": "count_target", "value": 170, "unit": "facilities", "layer": "activity_centres"}


def test_a_number_for_the_whole_is_scaled_or_shown(town: Layers, caplog: pytest.LogCaptureFixture) -> None:
    assert judged(town, **COUNT)["needed"] == 168  # of unknown size: taken as the whole
    assert judged(town, {"scope": "whole"}, **COUNT)["status"] == "short"
    row = judged(town, {"scope": "part"}, **COUNT)
    assert (row["value"], row["target"], row["status"], math.isnan(row["needed"])) == (2, 170, "shown", True)
    assert "whole area" in row["reason_en"]
    row = judged(town, {"scope": "5 %"}, **COUNT)
    assert (row["target"], row["status"], row["needed"], row["gap"]) == (8.5, "short", 7, 6.5)
    assert "5 % of the printed 170" in row["basis_en"]
    assert judged(town, {"scope": 0.01}, **COUNT)["status"] == "met"  # 1.7
    rate = {"kind": "count_per_area", "value": 1, "unit": "facilities_per_county", "applies_to": "county",
            "layer": "activity_centres"}  # fmt: skip
    assert judged(town, {"scope": "part"}, **rate)["status"] == "met", "one in each county is no matter of size"
    assert not caplog.records
    for wrong in ("some", 5, 0, True):
        with pytest.raises(st.SitingError, match="scope"):
            judged(town, {"scope": wrong}, **COUNT)


def test_the_people_of_the_document_tell_the_scope(town: Layers, caplog: pytest.LogCaptureFixture) -> None:
    """The layers hold 20,000 people; documents for 60,000 and for 60,001, and for a third of them and less."""

    def audit(people: object, scope: Any = None) -> st.Audit:
        figure = {"kind": "baseline_figure", "role": "baseline", "value": people, "unit": "persons", "id": "people",
                  "layer": "communities", "column": "population"}  # fmt: skip
        rules = (*standard(**COUNT).rules, rule_from({**NAMES, **figure}))
        return st.audit(st.Standard("demo", "示范", "Demo", rules, people="people"), town, scope=scope)

    for fits in (60_000, 7_000):
        assert audit(fits).table["status"].tolist() == ["short"]
        assert audit(fits).parameters["scope"] == "whole"
    assert not caplog.records
    for apart in (60_001, 6_000):
        with caplog.at_level(logging.WARNING):
            found = audit(apart)
        assert found.table["status"].tolist() == ["shown"]
        assert found.parameters["scope"] == "part"
        assert found.parameters["people"] == {"document": apart, "layers": 20_000}
        assert f"is for an area of {apart:,} people, the layers hold 20,000" in caplog.text
        assert found.figures["difference"].isna().all(), "two areas are not compared"
        caplog.clear()
    assert audit(60_000).figures["difference"].tolist() == [-40_000]
    told = audit(60_001, "whole")
    assert (told.table["status"].tolist(), 'is scope "whole" right?' in caplog.text) == (["short"], True)
    caplog.clear()
    assert audit(200_000, 0.1).table["target"].tolist() == [17]
    assert not caplog.records


def test_rules_of_ones_own_are_for_the_layers(town: Layers, caplog: pytest.LogCaptureFixture) -> None:
    theirs = st.Standard("demo", "示范", "Demo", standard(**COUNT).rules, people=1_000_000)
    both = theirs.extended([rule_from({**NAMES, **COUNT, "id": "own", "value": 3})], {})
    assert st.audit(both, town).table["status"].tolist() == ["shown", "short"]
    caplog.clear()
    alone = both.select(rule="own").adapted({"own": {"value": 2}})
    assert st.audit(alone, town).table["status"].tolist() == ["met"]
    assert not caplog.records, "no number of the document is read"


def test_people_are_a_number_or_a_figure(tmp_path: Any) -> None:
    file = tmp_path / "own.toml"
    file.write_text('[standard]\nname = "own"\npeople = 5000\n', encoding="utf-8")
    assert st.load_standard(file).people == 5000
    for wrong, message in (("true", "people is True"), ('"own.people"', "people names a figure that is not there")):
        file.write_text(f'[standard]\nname = "own"\npeople = {wrong}\n', encoding="utf-8")
        with pytest.raises(st.errors.StandardError, match=message):
            st.load_standard(file)


def test_profiles_say_whom_they_are_for() -> None:
    told = {name: st.load_standard(name).people for name in st.list_standards()}
    assert {name for name, people in told.items() if people} >= {
        "jinhua",
        "quzhou",
        "qingtian",
        "hangzhou",
        "shijiazhuang",
    }
    assert told["jinhua"] == "jinhua.population.residents.census"


def test_a_number_grows_with_the_area_and_a_share_does_not() -> None:
    jinhua = st.load_standard("jinhua")
    names = ("care_stations.2025", "places_per_1000.2025", "service_radius")
    assert [sized(jinhua[f"jinhua.childcare.{name}"]) for name in names] == [True, False, False]
