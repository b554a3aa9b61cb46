"""What headings of bureau tables mean: taken where it is plain, named with the reason where it is not."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from siting.data import check_layer, list_headings, list_roles, read_layer, role
from siting.data.column_matching import match_columns
from siting.data.columns import unit_word, unit_words
from siting.data.heading_list import similar_headings
from siting.data.heading_spelling import (
    ages,
    cut_name,
    names_another,
    normalized,
    simplified,
    split_brackets,
    split_unit,
)
from siting.data.roles import doubts
from siting.data.similar_columns import similar_columns
from siting.errors import LayerError

KINDS = ("text", "count", "number", "flag", "share")
ALIASES = [
    (name, column.name, alias) for name in list_roles() for column in role(name).columns for alias in column.names
]


def taken(name: str, heading: str) -> list[str]:
    return [column.name for column in role(name).columns if column.matches(heading)]


def homes(**columns: Any) -> gpd.GeoDataFrame:
    rows = len(next(iter(columns.values())))
    columns = {"id": [f"h{n + 1}" for n in range(rows)], **columns}
    return gpd.GeoDataFrame(columns, geometry=[shapely.Point(120 + n / 100, 29) for n in range(rows)], crs="EPSG:4326")


# --- every name is one column's, however it is spelt

SPELLINGS = st.sampled_from([
    lambda name: name.translate({ord("0") + n: ord("０") + n for n in range(10)}),
    lambda name: " ".join(name),
    lambda name: f"　{name}\n",
    lambda name: name.replace("(", "（").replace(")", "）"),
    lambda name: name.upper(),
    lambda name: name.replace("-", "—"),
    lambda name: name.replace("岁", "周岁"),
])  # fmt: skip


@pytest.mark.slow
@given(st.sampled_from(ALIASES), SPELLINGS)
def test_every_alias_is_one_column_however_it_is_spelt(alias: tuple[str, str, str], spell: Any) -> None:
    name, column, heading = alias
    assert taken(name, spell(heading)) == [column]


@pytest.mark.slow
@given(st.text() | st.sampled_from([alias for _, _, alias in ALIASES]), st.sampled_from(KINDS))
def test_what_is_compared_stays_as_it_is(name: str, kind: str) -> None:
    assert normalized(normalized(name)) == normalized(name)
    assert simplified(simplified(name, kind), kind) == simplified(simplified(simplified(name, kind), kind), kind)
    if ages(name):
        assert ages(ages(name)) == ages(name)


@pytest.mark.parametrize("name", list_roles())
def test_what_is_doubted_is_no_name_of_a_column(name: str) -> None:
    for doubt in doubts(role(name)):
        for heading in doubt.headings:
            assert taken(name, heading) == [], heading
            assert similar_columns(role(name), heading).reason == "doubt"


@pytest.mark.parametrize(
    ("name", "heading", "column"),
    [
        ("communities", "60岁及以上老年人口", "elderly"),
        ("communities", "60岁以上老年人数", "elderly"),
        ("communities", "其中：60周岁（含）以上常住老年人口数", "elderly"),
        ("communities", "老年人口（60岁及以上）", "elderly"),
        ("communities", "≥60岁人口", "elderly"),
        ("communities", "60+", "elderly"),
        ("communities", "３岁以下婴幼儿数", "infants"),
        ("communities", "未满3周岁婴幼儿", "infants"),
        ("communities", "0-2岁人口", "infants"),
        ("communities", "36个月以下婴幼儿", "infants"),
        ("communities", "0-3岁人口", "children_0_3"),
        ("communities", "0～3周岁婴幼儿人数", "children_0_3"),
        ("communities", "0岁至3岁儿童数", "children_0_3"),
        ("communities", "3岁及以下", "children_0_3"),
        ("communities", "65岁及以上老人", "elderly65"),
        ("communities", "80周岁以上高龄老年人", "elderly80"),
        ("communities", "户籍60岁及以上老年人口", "registered_elderly"),
        ("communities", "60岁以上户籍人口", "registered_elderly"),
        ("communities", "80岁以上户籍老人", "registered_elderly80"),
        ("communities", "0—14岁儿童数", "children"),
        ("communities", "所在街道", "district"),
        ("communities", "所属镇街", "district"),
        ("communities", "街道代码", "district"),
        ("communities", "街道（乡镇）名称", "district"),
        ("communities", "类别", "kind"),
        ("communities", "建成情况", "build_status"),
        ("communities", "总户数（户）", "households"),
        ("communities", "常住人口数", "population"),
        ("districts", "行政区划代码", "id"),
        ("districts", "XZQDM", "id"),
        ("districts", "XZQMC", "name"),
        ("districts", "所属区县", "parent"),
        ("eldercare", "核定床位", "beds"),
        ("eldercare", "床位总数（张）", "beds"),
        ("eldercare", "其中：护理型床位数", "nursing_beds"),
        ("eldercare", "机构类别", "facility_type"),
        ("eldercare", "公办/民办", "public"),
        ("eldercare", "占地面积", "land_area"),
        ("eldercare", "建筑面积(㎡)", "floor_area"),
        ("eldercare", "建筑面积/平方米", "floor_area"),
        ("childcare", "托位数（个）", "places"),
        ("childcare", "是否对外开放", "open_to_neighbours"),
        ("childcare", "是否为普惠托育机构", "inclusive"),
        ("candidates", "可办服务", "services"),
        ("candidates", "拟办服务", "services"),
        ("candidates", "造价：万元", "cost"),
        ("districts", "街道", "name"),
        ("facilities", "医院名称", "name"),
        ("community_areas", "社区代码", "id"),
        # Not the same people, places or level: never taken unasked.
        ("communities", "就业人口", None),
        ("communities", "人户分离人口", None),
        ("communities", "60岁以上老人户数", None),
        ("eldercare", "新增床位", None),
        ("eldercare", "家庭养老床位", None),
        ("childcare", "空余托位数", None),
        ("facilities", "规模", None),
        # Remarks in brackets: some say nothing, some make it something else.
        ("communities", "街道（必填）", "district"),
        ("eldercare", "公办（1是0否）", "public"),
        ("candidates", "可办服务（可多选）", "services"),
        ("communities", "街道（原）", None),
        ("communities", "小区名称（曾用名）", None),
        ("eldercare", "设施类型（规划）", None),
        ("eldercare", "公办（家）", None),
        ("eldercare", "备案（日期）", None),
        ("facilities", "服务人数", None),
        ("communities", "70岁以上老年人口", None),
        ("communities", "60-69岁", None),
        ("communities", "老年人口（65岁及以上）", None),
        ("communities", "14岁以下儿童", None),
        ("communities", "60岁以上失能老人", None),
        ("communities", "60岁以上老年人口占比", None),
        ("communities", "实有人口", None),
        ("communities", "住宅套数", None),
        ("communities", "行政区划代码", None),
        ("communities", "十三岁以下", None),
        ("eldercare", "空床位", None),
        ("eldercare", "入住率", None),
        ("eldercare", "使用面积", None),
        ("childcare", "学位数", None),
        ("candidates", "床位数", None),
    ],
)  # fmt: skip
def test_headings_of_bureaus(name: str, heading: str, column: str | None) -> None:
    assert taken(name, heading) == ([] if column is None else [column])


# --- what is near, but not it, is told with the reason


@pytest.mark.parametrize(
    ("heading", "column", "why"),
    [
        ("70岁以上老年人口", "elderly", "its ages are not"),
        ("行政区划代码", "district", "may be of the county"),
        ("住宅套数", "households", "dwellings"),
        ("是否老旧小区", "build_status", "old or renewed"),
        ("65岁以上老年人口占比", None, None),
        ("所在街道办事处名", "district", ""),
        ("街道（原）", "district", "its brackets give another meaning"),
        ("备注", None, None),
    ],
)
def test_headings_that_look_like_one_are_told(
    heading: str, column: str | None, why: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    out = check_layer(homes(population=[5], **{heading: ["7"]}), "communities")
    assert heading in out.columns
    if column is None:
        assert heading not in caplog.text
    else:
        assert f'column "{heading}" was not taken as "{column}"' in caplog.text
        assert str(why) in caplog.text
        assert f'columns={{"{column}": "{heading}"}}' in caplog.text


def test_what_stands_in_the_layer_already_is_not_told_again(caplog: pytest.LogCaptureFixture) -> None:
    check_layer(homes(population=[5], elderly=[1], **{"70岁以上老年人口": [1]}), "communities")
    assert caplog.text == ""


def test_three_and_under_is_told_where_under_three_is_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    out = check_layer(homes(population=[5], **{"0-3岁人口": [2]}), "communities")
    assert out["children_0_3"].tolist() == [2]
    assert 'columns={"infants": "0-3岁人口"}' in caplog.text


def test_a_code_goes_before_a_name(caplog: pytest.LogCaptureFixture) -> None:
    frame = homes(population=[5], 所属街道=["城东街道"], 街道代码=["007"])
    assert check_layer(frame, "communities")["district"].tolist() == ["007"]
    assert '"所属街道" is not used, because "街道代码" is present' in caplog.text
    own = check_layer(frame, "communities", columns={"district": "所属街道"})
    assert own["district"].tolist() == ["城东街道"]


def test_of_two_names_the_first_of_the_list_is_taken() -> None:
    frame = homes(population=[5], 项目名称=["一期"], 小区名称=["幸福里"])
    assert check_layer(frame, "communities")["name"].tolist() == ["幸福里"]


# --- units


@pytest.mark.parametrize(
    ("name", "heading", "cell", "column", "number"),
    [
        ("communities", "常住人口（万人）", "0.1234", "population", 1234),
        ("communities", "户数(百户)", "3", "households", 300),
        ("eldercare", "占地面积（亩）", "3", "land_area", 2000),
        ("eldercare", "占地面积（公顷）", "0.2", "land_area", 2000),
        ("candidates", "造价（元）", "30,000", "cost", 3),
        ("candidates", "投资：亿元", "0.5", "cost", 5000),
    ],
)
def test_other_units_are_converted_and_told(
    name: str, heading: str, cell: str, column: str, number: float, caplog: pytest.LogCaptureFixture
) -> None:
    more = {"beds": [1]} if name == "eldercare" else {} if heading.startswith("常住") else {"population": [5]}
    out = check_layer(homes(**{heading: [cell]}, **more), name)
    assert out[column].tolist() == [number]
    assert f'column "{heading}" is in another unit' in caplog.text


def test_a_number_that_is_not_whole_in_the_new_unit_is_refused() -> None:
    with pytest.raises(LayerError, match='"population" is not whole'):
        check_layer(homes(**{"常住人口（万人）": ["0.12345"]}), "communities")


def test_a_heading_of_ones_choice_is_converted_by_its_unit() -> None:
    out = check_layer(homes(**{"居民（千人）": ["2"]}), "communities", columns={"population": "居民（千人）"})
    assert out["population"].tolist() == [2]  # 居民 is not known, so that its brackets are not read
    out = check_layer(homes(**{"人口（千人）": ["2"]}), "communities", columns={"population": "人口（千人）"})
    assert out["population"].tolist() == [2000]


# --- words


@pytest.mark.parametrize(
    ("name", "column", "yes", "no"),
    [
        ("eldercare", "public", "公办", "民办"),
        ("eldercare", "inclusive", "普惠", "非普惠"),
        ("eldercare", "registered", "已备案", "未备案"),
        ("childcare", "open_to_neighbours", "对外开放", "不对外"),
    ],
)
def test_flags_in_the_words_of_their_subject(name: str, column: str, yes: str, no: str) -> None:
    required = {"eldercare": "beds", "childcare": "places"}[name]
    out = check_layer(homes(**{column: [yes, no], required: [1, 1]}), name)
    assert out[column].tolist() == [True, False]
    with pytest.raises(LayerError, match=r"is not yes or no in 1 of 2 rows: .*公建民营"):
        check_layer(homes(**{column: [yes, "公建民营"], required: [1, 1]}), name)


def test_blank_districts_are_told(caplog: pytest.LogCaptureFixture) -> None:
    check_layer(homes(population=[5, 6], name=["甲", ""], district=["001", " "]), "communities")
    assert '"district" is blank in 1 of 2 rows: "h2"' in caplog.text
    assert '"name" is blank' not in caplog.text


# --- cut names


@pytest.mark.parametrize(
    ("name", "heading", "column"),
    [
        ("childcare", "open_to_ne", "open_to_neighbours"),
        ("communities", "所属街", "district"),
        ("communities", "所属街\ufffd", "district"),
        ("communities", "60岁及", "elderly"),
        ("eldercare", "facility_t", "facility_type"),
        ("eldercare", "认知障碍床", "cognitive_beds"),
        ("communities", "60岁以上老", "elderly"),
        ("communities", "60岁以上户", None),
        ("eldercare", "certified_", None),
        ("communities", "建筑物", None),
        ("communities", "district_x", None),
    ],
)
def test_cut_names(name: str, heading: str, column: str | None, caplog: pytest.LogCaptureFixture) -> None:
    """Three Chinese characters are 9 of 10 bytes; certified_ could be two columns; a full name is never cut."""
    required = {"communities": "population", "eldercare": "beds", "childcare": "places"}[name]
    text = {"open_to_neighbours": "是", "district": "001", "facility_type": "养老院"}.get(str(column), "0")
    out = check_layer(homes(**{required: [1], heading: [text]}), name)
    assert (column in out.columns) == (column is not None)
    assert ("whose name was cut" in caplog.text) == (column is not None)
    assert cut_name("所属街道") == ""


@pytest.mark.parametrize(("page", "cpg"), [("utf-8", "UTF-8"), ("gb18030", "GBK"), ("utf-8", None), ("gb18030", "OEM")])
def test_a_shapefile_whose_names_and_texts_were_cut(
    tmp_path: Path, page: str, cpg: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    """Names are cut after 10 bytes and texts after the width of the column, in the middle of a character, too."""
    file = tmp_path / "homes.shp"
    text = ("a" + "幸福里" * 40).encode(page)[:80]
    homes(NAMENAMENA=["x" * 80, "y"], POPPOPPOPP=[5, 6]).to_file(file, encoding="UTF-8")
    table = file.with_suffix(".dbf")
    data = table.read_bytes().replace(b"POPPOPPOPP", "常住人口总数".encode(page)[:10])
    data = data.replace(b"NAMENAMENA", "小区名称".encode(page)[:10].ljust(10, b"\0"))
    assert data[32 + 32 + 16] == 80
    table.write_bytes(data.replace(b"x" * 80, text))
    beside = file.with_suffix(".cpg")
    beside.unlink(missing_ok=True)
    if cpg:
        beside.write_text(cpg)
    with caplog.at_level(logging.INFO, "siting"):
        out = read_layer(file, "communities")
    assert out["population"].tolist() == [5, 6]
    assert out["name"].tolist() == ["a" + ("幸福里" * 40)[: 26 if page == "utf-8" else 39], "y"]
    assert "texts were cut inside a character" in caplog.text
    assert "names fill the 10 bytes of a Shapefile and may have been cut" in caplog.text
    if cpg == "OEM":
        assert 'its .cpg says "OEM", which is no code page; its text was read as GB18030' in caplog.text


# --- three lists


def test_three_lists() -> None:
    frame = check_layer(
        homes(**{"常住人口（万人）": [1, 2], "60岁及以上老年人口": [1, 2], "70岁以上": [0, 0], "备注": ["", ""]}),
        "communities",
    )
    found = list_headings(frame, "communities", lang="en").set_index("column")
    understood = found[found["list"] == "understood"]["heading"]
    assert understood.to_dict() == {
        "id": "id", "population": "常住人口（万人）", "elderly": "60岁及以上老年人口",
    } or understood.to_dict() == {"population": "常住人口（万人）", "elderly": "60岁及以上老年人口"}  # fmt: skip
    assert "times 10,000" in found.loc["population", "says"]
    unused = list_headings(frame, "communities").query("list == 'not_used'").set_index("heading")
    assert unused.loc["70岁以上", "says"].startswith("年龄段与已知各列不同；最接近：elderly 60岁及以上人口")
    assert unused.loc["备注", "says"] == "没有相近的列"
    dollars = pd.DataFrame(columns=["造价（美元）"])
    for lang, words in (
        ("zh", "括号内不是该列的单位（万元）；最接近：cost 造价"),
        ("en", 'do not hold the unit "10k yuan"; closest: cost'),
    ):
        assert words in list_headings(dollars, "candidates", lang=lang).loc[0, "says"]
    missing = found[found["list"] == "missing"]
    assert "coverage, verdict and siting of childcare" in missing.loc["infants", "says"]
    assert set(missing.index).isdisjoint({"population", "elderly", "id"})
    assert len(understood.index.intersection(missing.index)) == 0


def test_lists_of_a_table_that_was_not_checked() -> None:
    raw = pd.DataFrame({"编号": ["a"], "人口": [3]})
    found = list_headings(raw, "communities").groupby("list")["column"].apply(list)
    assert found["understood"] == ["id", "population"] or found["understood"] == ["population", "id"]


def test_two_headings_of_one_column_are_told_of_each_other() -> None:
    """Neither is a column that is missing, nor only like it."""
    raw = pd.DataFrame({"编号": ["a"], "常住人口": [3], "总人口": [4]})
    found = list_headings(raw, "communities").query("heading != '' or column == 'population'").set_index("heading")
    assert found["list"].to_dict() == {"编号": "understood", "常住人口": "not_used", "总人口": "not_used"}
    assert found.loc["总人口", ["column", "says"]].tolist() == ["population", "与“常住人口”同指一列，请选定其一"]
    with pytest.raises(LayerError, match=r'or in a mapping: \[columns\] population = "常住人口"'):
        check_layer(homes(常住人口=[3], 总人口=[4]), "communities")


# --- districts of one name


def test_districts_of_one_name_are_told(caplog: pytest.LogCaptureFixture) -> None:
    squares = [shapely.box(120 + n / 100, 29, 120.01 + n / 100, 29.01) for n in range(3)]
    frame = gpd.GeoDataFrame(
        {"id": ["1", "2", "3"], "name": ["城东街道", "城东街道", "城西街道"], "parent": ["甲区", "乙区", "甲区"]},
        geometry=squares, crs="EPSG:4326",
    )  # fmt: skip
    out = check_layer(frame, "districts")
    assert '2 districts share their names: "1: 城东街道（甲区）", "2: 城东街道（乙区）"' in caplog.text
    assert out["name"].tolist() == ["城东街道", "城东街道", "城西街道"]


def test_ways_to_write_a_heading_are_one() -> None:
    assert [normalized(name) for name in (" Ｐop_2020 ", "0～3周岁", "六十岁以上")] == ["pop2020", "0-3岁", "60岁以上"]
    assert simplified("其中：60周岁（含）以上老年人口数", "count") == "60岁以上"
    assert (simplified("床位总数", "count"), simplified("是否普惠", "flag")) == ("床位", "普惠")
    written = ("60岁及以上户籍人口", "未满3周岁婴幼儿", "0—3岁人口", "失能老人")
    assert [ages(name) for name in written] == ["户籍60岁以上", "3岁以下", "0-3岁", ""]


def test_a_heading_is_split_into_its_name_and_its_notes() -> None:
    assert split_brackets("人口 （人）") == ("人口", ("人",))
    assert split_unit("建筑面积/㎡") == ("建筑面积", ("m2",))
    assert split_unit("造价：万元") == ("造价", ("万元",))
    assert split_unit("床位（张）") == ("床位", ("张",))
    notes = (("原", "text"), ("乡镇", "text"), ("是/否", "flag"), ("家", "flag"))
    assert [names_another(*note) for note in notes] == [True, False, False, True]


def test_a_name_that_fills_ten_bytes_may_be_cut() -> None:
    names = {"open_to_ne": "open_to_ne", "所属街": "所属街", "所属街�": "所属街", "名称": "", "elderly": ""}
    assert {name: cut_name(name) for name in names} == names


def test_headings_are_matched_and_the_others_compared() -> None:
    communities, candidates = role("communities"), role("candidates")
    made = match_columns(communities, ["人口（万人）", "60岁及以上老年人口", "70岁以上"], {}, has_id=True)
    assert made.renames == {"人口（万人）": "population", "60岁及以上老年人口": "elderly"}
    assert made.factors == {"population": 10000.0}
    assert similar_columns(communities, "70岁以上老年人口").reason == "other_ages"
    assert similar_columns(communities, "实有人口").columns == ("population",)
    assert similar_columns(candidates, "可办的服务").nearest == "services"
    assert similar_columns(candidates, "备注").columns == ()
    assert similar_headings(pd.DataFrame(columns=["可以办的服务", "备注"]), "candidates", "services") == [
        "可以办的服务"
    ]


def test_words_of_units() -> None:
    assert (unit_word("10k yuan", "zh"), unit_word("10k yuan", "en")) == ("万元", "10k yuan")
    assert (unit_words("beds")[:2], unit_words("beds")[-1]) == (["张", "床"], "万张")


def test_only_a_near_heading_may_well_mean_a_column() -> None:
    for heading, column in (("社区总人数", "population"), ("户籍户数", "registered")):
        similar = similar_columns(role("communities"), heading)
        assert (similar.nearest, similar.near) == (column, False)
    assert similar_columns(role("candidates"), "可办的服务").near
