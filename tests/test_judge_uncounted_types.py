"""Types in an audit: synonyms and narrower types count, and what is not counted is told."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest
from shapely.geometry import Point, box

import siting as st
from siting.data import type_of
from siting.judge.layers.uncounted_types import apart_lines, in_words, lines_of

Layers = dict[str, gpd.GeoDataFrame]
Layer = Callable[..., gpd.GeoDataFrame]
X, Y = 500_000, 3_210_000


def _frame(shapes: list[object], prefix: str, **columns: object) -> gpd.GeoDataFrame:
    ids = pd.Index([f"{prefix}{i}" for i in range(len(shapes))], name="id")
    return gpd.GeoDataFrame(columns, geometry=shapes, index=ids, crs=4549)


def town(types: list[str | None], layer: str = "childcare") -> Layers:
    """Two subdistricts, 城东 and 城西; the first facility lies in 城东, all others in 城西."""
    east, west = box(X, Y, X + 1000, Y + 1000), box(X - 1000, Y, X, Y + 1000)
    places = [Point(X + (100 if i == 0 else -100 - i), Y + 100) for i in range(len(types))]
    amounts = {"places": [30] * len(types)} if layer == "childcare" else {"beds": [100] * len(types)}
    return {
        "communities": _frame([Point(X + 100, Y + 100), Point(X - 100, Y + 100)], "h", population=[3000, 4000]),
        "districts": _frame([east, west], "d", name=["城东街道", "城西街道"], level=["subdistrict"] * 2),
        layer: _frame(places, "n", facility_type=types, **amounts),
    }


def _judged(layers: Layers, rule: str, name: str = "jinhua", **options: object) -> st.Audit:
    return st.audit(st.load_standard(name).select(rule=rule), layers, **options)  # type: ignore[arg-type]


def _alone(layers: Layers, *rules: str) -> st.Audit:
    """Judge by some rules of Jinhua, as if they were all that there are."""
    return st.audit(replace(st.load_standard("jinhua").select(rule=rules), whole=()), layers)


COVERAGE = "jinhua.childcare.township_coverage.2022"


def test_a_synonym_counts() -> None:
    judged = _judged(town(["托育机构", "独立托育"]), COVERAGE)
    assert judged.table["value"].tolist() == [100]
    assert judged.uncounted.empty


@pytest.mark.parametrize("name", ["hangzhou", "jinhua", "quzhou", "shijiazhuang", "guangxi"])
def test_an_old_age_home_is_an_institution_in_every_city(name: str) -> None:
    """Of 100 beds each in 养老机构, 敬老院 and 日间照料中心 the institutions have 200, and 60 for nursing: 30 %."""
    layers = town(["养老机构", "敬老院", "日间照料中心"], "eldercare")
    layers["eldercare"]["nursing_beds"] = [60, 0, 40]
    judged = _judged(layers, "nursing_bed_share", name)
    assert set(judged.table["value"].dropna()) == {30.0}


def test_what_a_clause_excludes_is_excluded_alone() -> None:
    """不含幼儿园托育部: points and workplaces that are registered count, kindergartens by any word do not."""
    layers = town(["托育机构", "幼儿园托育部", "幼儿园办托班", "家庭托育点", "用人单位托育"])
    layers["childcare"]["registered"] = True
    assert _judged(layers, "registered_institutions.2025", "qingtian").table["value"].tolist() == [3]
    assert _judged(layers, "childcare.institutions.current", "qingtian").figures["value"].tolist() == [5]


def test_the_workplace_alone_does_not_cover_a_township() -> None:
    judged = _judged(town(["托育机构", "用人单位托育点"]), COVERAGE)
    row = judged.table.iloc[0]
    assert row["value"] == 50
    assert row["reason"] == "尚无设施：城西街道（另有 1 处因类型未计入：“用人单位托育点”1 处）"
    assert (
        row["reason_en"] == "without a facility: 城西街道 (1 there are not counted for their type: 1 × 用人单位托育点)"
    )
    assert "未计入" not in row["basis"], "the word is known, and which district has one is told in the reason"


def test_words_that_nobody_knows_are_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        judged = _judged(town(["托育机构", "早教托管班", "早教托管班", None]), COVERAGE, by="district")
    odd = judged.uncounted.iloc[0]
    assert odd[["layer", "word", "type", "rows"]].tolist() == ["childcare", "早教托管班", "", 2]
    assert odd["rules"] == (COVERAGE,)
    assert judged.parameters["uncounted"] == {"childcare": {"早教托管班": 2, "": 1}}
    said = [record.getMessage() for record in caplog.records if "早教托管班" in record.getMessage()]
    assert len(said) == 1
    assert said[0].startswith('childcare: the type "早教托管班" is not known (rows: 2)')
    basis = judged.table.set_index("area")["basis"]
    assert basis["all"].endswith("；另有 3 处因类型未计入：“早教托管班”2 处、类型空白 1 处")
    assert "未计入" not in basis["d0"]
    assert "未计入" in basis["d1"]


def test_the_closest_words_are_named() -> None:
    odd = _judged(town(["托育机构", "托育机够"]), COVERAGE).uncounted.iloc[0]
    assert odd["closest"].split("、")[0] == "托育机构"


def test_a_type_of_a_rule_that_nobody_knows_is_told(caplog: pytest.LogCaptureFixture) -> None:
    own = st.load_standard("jinhua").adapted({COVERAGE: {"facility_types": ["托育机够"], "excluded_types": []}})
    with caplog.at_level(logging.WARNING):
        st.audit(own.select(rule=COVERAGE), town(["托育机构"]))
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 1
    assert said[0].startswith(f'rule {COVERAGE} names the type "托育机够", which is not known')
    assert "托育机构" in said[0]


def test_what_a_clause_excludes_stands_in_the_basis() -> None:
    row = _judged(town(["托育机构", "用人单位托育"]), COVERAGE).table.iloc[0]
    assert row["basis"].endswith("；不含用人单位托育、婴幼儿照护服务驿站")
    assert row["basis_en"].endswith("; without 用人单位托育, 婴幼儿照护服务驿站")


def test_kinds_of_facilities_are_counted_once_by_whatever_word() -> None:
    """托儿所 is a 托育机构, and the third row joins it with a 家庭托育点: two kinds."""
    layers = town(["托育机构", "托儿所", "托育机构、家庭托育点"])
    layers["childcare"]["care_time"] = ["全日托；半日托", "半日托", "计时托"]
    shown = st.load_standard("qingtian").select(rule="care_time_types")
    assert st.audit(shown, layers).figures["value"].tolist() == [3]
    types = shown.adapted({"qingtian.childcare.care_time_types": {"column": []}})
    assert st.audit(types, layers).figures["value"].tolist() == [2]


def test_provision_tells_unknown_types(caplog: pytest.LogCaptureFixture) -> None:
    layers = town(["居家甲"], "eldercare")
    homes = layers["communities"].assign(kind="estate", build_status="new", households=1000)
    owing = st.load_standard("quzhou").select(rule="eldercare.area_per_100_households.new")
    with caplog.at_level(logging.WARNING):
        st.provision(owing, homes, layers)
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 1
    assert said[0].startswith('eldercare: the type "居家甲" is not known (rows: 1)')


def test_a_known_type_that_no_rule_asks_for_is_listed_without_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        judged = _alone(town(["托育机构", "儿童之家"]), COVERAGE)
    assert judged.uncounted[["word", "type", "counted"]].to_numpy().tolist() == [["儿童之家", "儿童之家", False]]
    assert judged.parameters["uncounted"] == {}
    assert not caplog.records


def test_a_type_that_another_rule_counts_is_counted() -> None:
    """用人单位托育 is left out by the coverage, and counted by the rule of workplaces."""
    layers = town(["托育机构", "用人单位托育"])
    layers["childcare"]["open_to_neighbours"] = True
    for rules, counted in (((COVERAGE,), False), ((COVERAGE, "workplace_open_to_neighbours"), True)):
        found = _alone(layers, *rules).uncounted.set_index("word")
        assert found.loc["用人单位托育", "counted"] == counted


def test_a_known_type_is_counted_where_a_rule_counts_all_rows() -> None:
    """Places of a 儿童之家 are places, as those of all rows; a word that nobody knows is told all the same."""
    found = _alone(town(["托育机构", "儿童之家", "甲类"]), COVERAGE, "childcare.places_per_1000.2022").uncounted
    assert found.set_index("word")["counted"].to_dict() == {"甲类": False, "儿童之家": True}


def test_none_of_a_kind_is_zero_where_other_types_are_understood() -> None:
    row = _judged(town(["托育机构"]), "guidance_centres_comprehensive.2025").table.iloc[0]
    assert row["value"] == 0
    assert row["basis"].endswith("；图层中的 1 处均为其他类型：“托育机构”1 处")


def test_a_layer_of_which_no_word_is_understood_has_no_value() -> None:
    row = _judged(town(["甲类", "乙类"]), "guidance_centres_comprehensive.2025").table.iloc[0]
    assert pd.isna(row["value"])
    assert "甲类、乙类" in row["reason"]
    assert "托育综合服务中心" in row["reason"]


def test_words_that_only_a_rule_of_ones_own_names_are_understood() -> None:
    own = st.load_standard("jinhua").adapted({COVERAGE: {"facility_types": ["甲类"]}})
    judged = st.audit(own.select(rule=COVERAGE), town(["甲类", "甲类"]))
    assert judged.table["value"].tolist() == [100]
    assert judged.uncounted.empty


def test_what_is_not_counted_stands_in_workbook_and_report(tmp_path: Path) -> None:
    """A word that nobody knows and one that no rule asks for have a sheet, a table and a line; <i> stays text."""
    judged = _alone(town(["托育机构", "<i>甲类</i>", "儿童之家"]), COVERAGE)
    unknown, unasked = ["<i>甲类</i>", 1, "类型未识别", "", ""], ["儿童之家", 1, "没有规则涉及", "儿童之家", ""]
    told = [["托育设施", *unknown], ["托育设施", *unasked]]
    assert in_words(judged.uncounted, "zh").to_numpy().tolist() == told
    assert lines_of(judged.uncounted, "zh") == ["托育设施：“<i>甲类</i>”1 处（未识别）、“儿童之家”1 处（没有规则涉及）"]
    page = st.write_report(tmp_path / "report.html", judged).read_text(encoding="utf-8")
    assert "未计入的设施类型" in page
    assert "&lt;i&gt;甲类&lt;/i&gt;" in page
    assert "<i>甲类" not in page
    book = openpyxl.load_workbook(judged.to_excel(tmp_path / "audit.xlsx", lang="zh"))
    rows = list(book["未计入的设施类型"].iter_rows(values_only=True))
    assert rows[0] == ("图层", "设施类型（原文）", "数量", "未计入的原因", "识别为", "最接近的类型")
    assert [row[1] for row in rows[1:]] == ["<i>甲类</i>", "儿童之家"]
    codes = openpyxl.load_workbook(judged.to_excel(tmp_path / "codes.xlsx"))["uncounted"]
    assert [cell.value for cell in codes[2]][-1] == COVERAGE


def test_facilities_that_are_not_open_are_told_beside_what_counts(small_town: gpd.GeoDataFrame, layer: Layer) -> None:
    """k lies beside a and is open; m beside b is for its own staff, and without places: a is inside 300 m, b is not."""
    layers = {
        "communities": layer({"a": (0, 0), "b": (500, 500)}, population=[100, 100], infants=[10, 30]),
        "childcare": layer({"k": (100, 0), "m": (400, 500)}, places=[20, 0], open_to_neighbours=[True, False]),
    }
    one = st.load_standard("jinhua").select(rule="jinhua.childcare.service_radius")
    judged = st.audit(one, layers, network=st.Network.from_streets(small_town))
    row = judged.table.iloc[0]
    assert row["value"] == 25
    assert row["basis"].endswith("；另有 1 处不对外开放，未计入")
    assert row["basis_en"].endswith("; 1 more are not open to neighbours and not counted")
    assert judged.parameters["apart"] == {"childcare": {"not_open": 1}}
    assert apart_lines(judged.parameters["apart"], "zh") == ["托育设施：1 处不对外开放，不计入覆盖"]


def test_nothing_is_said_where_all_count(tmp_path: Path) -> None:
    judged = _judged(town(["托育机构"]), COVERAGE)
    assert "未计入" not in st.write_report(tmp_path / "report.html", judged).read_text(encoding="utf-8")
    assert openpyxl.load_workbook(judged.to_excel(tmp_path / "audit.xlsx", lang="zh")).sheetnames == ["对标结果"]


@pytest.mark.parametrize("name", st.list_standards())
def test_profiles_name_types_of_the_shared_table(name: str) -> None:
    for rule in st.load_standard(name):
        for word in (*rule.facility_types, *rule.excluded_types):
            assert type_of(word) == word, f"{rule.id}: {word}"


def test_health_centres_are_told_apart_from_hospitals() -> None:
    """Staff of 乡镇卫生院 and 社区卫生服务中心 count for the township rule, that of a general hospital does not."""
    layers = town(["卫生院", "综合医院", "社区卫生服务中心"], "health_centres")
    layers["health_centres"]["women_health_staff"] = [1, 50, 1]
    row = _judged(layers, "maternity_staff_township", "hangzhou").table.iloc[0]
    assert row["value"] == pytest.approx(20_000 * 2 / 7000)


def test_partners_are_of_their_types(
    small_town: gpd.GeoDataFrame, layer: Layer, caplog: pytest.LogCaptureFixture
) -> None:
    """Of three small homes one is beside a hospital, one beside a pharmacy, one beside a word that nobody knows."""
    homes = layer({"a": (0, 0), "b": (500, 0), "c": (0, 500)}, beds=[50, 50, 50],
                  facility_type=["敬老院", "养老院", "养老机构"])  # fmt: skip
    partners = layer({"x": (100, 0), "y": (400, 0), "z": (100, 500)}, facility_type=["综合医院", "药店", "医养驿"])
    layers = {"eldercare": homes, "health_centres": partners, "medical": partners.iloc[:0]}
    network = st.Network.from_streets(small_town)
    rules = st.load_standard("shijiazhuang").select(rule="medical_contract_beds")
    with caplog.at_level(logging.WARNING):
        judged = st.audit(rules, layers, network=network)
    row = judged.table.iloc[0]
    assert row["value"] == pytest.approx(100 / 3)
    assert row["basis"].endswith("；另有 1 处因类型未计入：“医养驿”1 处")
    assert judged.uncounted[["layer", "word", "type"]].to_numpy().tolist() == [
        ["health_centres", "医养驿", ""], ["health_centres", "药店", "药店"],
    ]  # fmt: skip
    assert [record.getMessage().split(" (")[0] for record in caplog.records] == [
        'health_centres: the type "医养驿" is not known'
    ]
    untyped = {**layers, "health_centres": partners.drop(columns="facility_type")}
    row = st.audit(rules, untyped, network=network).table.iloc[0]
    assert row["value"] == 100
    assert "图层没有“设施类型”字段，分不出医疗机构，各行均计入" in row["basis"]
