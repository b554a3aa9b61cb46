"""The tables of results: under the reader's headings with rounded numbers, or under the names and numbers of Python."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import siting as st
from siting.data import write_table
from siting.labels import label
from siting.study.headings import in_words, tables_to_write, verdict_in_words
from siting.study.tables import result_tables


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> st.Outcome:
    """Of the sample district: childcare, one goal, its standard."""
    text = st.data.sample_path("study.toml").read_text(encoding="utf-8")
    head, _, _ = text.partition("[[goal]]")
    head = head.replace('"sample.gpkg"', f'"{st.data.sample_path("sample.gpkg").as_posix()}"')
    goal = '[[goal]]\nname = "five"\nservice = "childcare"\nmetres = 500\nat_most = 5\n'
    folder = tmp_path_factory.mktemp("study")
    (folder / "study.toml").write_text(head + goal, encoding="utf-8")
    return st.run(st.Study.from_toml(folder / "study.toml", outside=True))


def _as(outcome: st.Outcome, **changes: str) -> st.Outcome:
    return dataclasses.replace(outcome, study=dataclasses.replace(outcome.study, **changes))


def test_a_table_by_hand() -> None:
    table = pd.DataFrame(
        {
            "service": ["childcare", "eldercare"], "share": [0.37249, np.nan], "covered": [1234.6, 7.0],
            "limit": [500.0, 15.0], "unit": ["m", "min"], "gap": [0.5, 2.0], "new": [True, False], "mine": ["x", "=1"],
        }
    )  # fmt: skip
    assert in_words(table, "zh").to_dict("list") == {
        "服务": ["托育", "养老"], "覆盖率（%）": [37.2, None], "覆盖人数": [1235, 7], "服务半径": [500, 15],
        "单位": ["米", "分钟"], "差距": [0.5, 2], "新增点位": ["是", "否"], "mine": ["x", "=1"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("unit", "words", "cells"), [("m", "距离（米）", [412, None]), ("min", "时间（分钟）", [411.6, None])]
)
def test_a_way_is_in_whole_metres_or_in_minutes_with_one_decimal(unit: str, words: str, cells: list[float]) -> None:
    table = pd.DataFrame({"cost": [411.6123, np.nan]})
    assert in_words(table, "zh", unit=unit).to_dict("list") == {words: cells}
    of = pd.DataFrame({"childcare_cost": [411.6123, np.nan], "childcare_band": [500.0, np.nan], "childcare_unit": unit})
    band = f"托育：距离分档（{label(f'unit.{unit}', 'zh')}）"
    assert in_words(of, "zh").to_dict("list") == {f"托育：{words}": cells, band: [500, None]}


def test_two_columns_with_one_heading_keep_both() -> None:
    table = pd.DataFrame({"status": ["optimal"], "verdict": ["met"]})
    assert list(in_words(table, "zh")) == ["结论", "结论 (verdict)"]


def test_a_verdict_is_not_rounded_to_the_target_that_it_misses() -> None:
    judged = st.audit(st.load_standard("金华").select(rule="places_per_1000.2025"), st.load_sample())
    close = judged.table.assign(value=4.4999, target=4.5, status="short")
    words = verdict_in_words(dataclasses.replace(judged, table=close), "zh")
    assert words[["现状", "要求", "结论"]].to_numpy().tolist() == [[4.4999, 4.5, "未达标"]]
    far = verdict_in_words(dataclasses.replace(judged, table=close.assign(value=4.123456)), "zh")
    assert far["现状"].tolist() == [4.12]


@pytest.mark.slow
def test_every_heading_is_in_the_language(outcome: st.Outcome) -> None:
    for lang, other in (("zh", "[A-Za-z_]{2}"), ("en", "[一-鿿_]")):
        for name, table in tables_to_write(_as(outcome, lang=lang)).items():
            strange = [head for head in table if pd.Series([head]).str.contains(other)[0]]
            assert strange == [], f"{name} in {lang}"


@pytest.mark.slow
def test_words_and_names_are_of_the_same_results(outcome: st.Outcome) -> None:
    words, names = tables_to_write(outcome), tables_to_write(_as(outcome, headings="names"))
    exact = result_tables(outcome)
    for name, table in names.items():
        pd.testing.assert_frame_equal(table[exact[name].columns], exact[name])
    coverage = words["coverage"]
    assert coverage["覆盖率（%）"].tolist() == (100 * exact["coverage"]["share"]).round(1).tolist()
    assert coverage["覆盖人数"].tolist() == exact["coverage"]["covered"].round().tolist()
    named = coverage.loc[coverage["分组"] != "全部", "名称"]
    assert len(named)
    assert (named != "").all()
    plans = words["plans"].iloc[0]
    assert (plans["目标"], plans["距离口径"], plans["结论"]) == ("five", "沿路网距离", "最优")
    assert plans["目标与约束"].startswith("覆盖的人最多；新增不超过 5 处")
    assert plans["差距（%）"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("headings", ["words", "names"])
def test_the_notice_stands_once_in_each_table(outcome: st.Outcome, headings: str) -> None:
    for name, table in tables_to_write(_as(outcome, headings=headings)).items():
        last = table.columns[-1]
        assert last == ("数据说明" if headings == "words" else "notice")
        assert table[last].str.contains("合成").tolist() == [True, *[False] * (len(table) - 1)], name


@pytest.mark.slow
@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("headings", ["words", "names"])
def test_communities_and_sites_are_layers_that_are_read(
    outcome: st.Outcome, tmp_path: Path, headings: str, lang: str
) -> None:
    tables = tables_to_write(_as(outcome, headings=headings, lang=lang))
    for name in ("communities", "plan_five"):
        write_table(tables[name], tmp_path / f"{name}.csv")
    homes = outcome.layers["communities"].to_crs(4547)
    read = st.read_layer(tmp_path / "communities.csv", "communities", crs="EPSG:4490")
    assert read.index.tolist() == homes.index.tolist()
    assert read["population"].tolist() == homes["population"].tolist()
    assert read.to_crs(4547).geometry.distance(homes.geometry.representative_point()).max() < 0.1
    sites = st.read_layer(tmp_path / "plan_five.csv", "candidates", crs="EPSG:4490")
    assert set(sites.index) == set(outcome.proposals["five"].plan.sites)
    assert sites["name"].tolist() == outcome.layers["candidates"].loc[sites.index, "name"].tolist()


def test_other_headings_are_refused(tmp_path: Path) -> None:
    text = st.data.sample_path("study.toml").read_text(encoding="utf-8")
    (tmp_path / "study.toml").write_text(text.replace("[study]", '[study]\nheadings = "both"', 1), encoding="utf-8")
    with pytest.raises(st.SitingError, match="headings"):
        st.Study.from_toml(tmp_path / "study.toml", outside=True)


@pytest.mark.slow
def test_the_notice_stands_once_in_the_report(outcome: st.Outcome, tmp_path: Path) -> None:
    """Not in each picture again; the layers keep it."""
    page = outcome.write(tmp_path / "out")["report"].read_text(encoding="utf-8")
    assert page.count("合成数据：由程序随机生成") == 1
    assert page.count("OpenStreetMap") >= 1
    assert "合成数据" in str(outcome.layers["communities"].attrs["notice"])
    drawn = (tmp_path / "out" / "coverage.html").read_text(encoding="utf-8")
    assert drawn.count("合成数据：由程序随机生成") == 1
