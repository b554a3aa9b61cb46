"""Exports of registration systems become layers by a mapping in TOML; what is left out is counted."""

from __future__ import annotations

import datetime as dt
import logging
from pathlib import Path

import pytest

from siting.data import read_layer, role, write_layer
from siting.data.mapping import LayerMapping
from siting.data.mapping_conditions import date_of
from siting.errors import LayerError, SitingError

EXPORT = """机构编码,机构名称,机构种类,登记状态,许可证有效期,全托床位,日托床位,占地,经营方式,开业日期,东,北
001,甲,农村敬老院,正常,2027-06-30,90,10,3,公办,2019/5/1,120.00,29.00
002,乙,社会福利院,注销,2027-06-30,80,0,6,公办,2001/1/1,120.01,29.00
003,丙,老年公寓,正常,2024年3月1日,50,0,1.5,民办,2020/1/1,120.02,29.00
004,丁,老年公寓,存续,20261231,50,10,0.6,公建民营,2024/2/1,120.03,29.00
005,戊,老年公寓,,2026/12/31,60,0,1,民办,2021/1/1,,
"""
MAPPING = """
role = "eldercare"
[columns]
id = "机构编码"
lon = "东"
lat = "北"
beds = ["全托床位", "日托床位"]
facility_type = "机构种类"
land_area = "占地"
public = "经营方式"
[words.facility_type]
"农村敬老院" = "敬老院"
"老年公寓" = "养老院"
[words.public]
"公建民营" = true
[units]
land_area = "亩"
[constants]
urban = true
[flags]
registered = { heading = "许可证有效期", is = "filled" }
new = { heading = "开业日期", is = ">=2024-01-01" }
[keep]
"登记状态" = ["正常", "存续"]
"许可证有效期" = ">=2025-12-31"
"""


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    (tmp_path / "export.csv").write_text(EXPORT, encoding="gb18030")
    (tmp_path / "export.toml").write_text(MAPPING, encoding="utf-8")
    return tmp_path / "export.csv", tmp_path / "export.toml"


def test_an_export_becomes_a_layer(files: tuple[Path, Path], caplog: pytest.LogCaptureFixture) -> None:
    """Of five rows one is deregistered, one says nothing, one has run out; the others are 100 and 60 beds."""
    out = read_layer(files[0], "eldercare", mapping=files[1])
    assert list(out.index) == ["001", "004"]
    assert out["beds"].tolist() == [100, 60]
    assert out["facility_type"].tolist() == ["敬老院", "养老院"]
    assert out["land_area"].tolist() == [2000, 400]
    assert out["public"].tolist() == [True, True]
    assert out["urban"].tolist() == [True, True]
    assert out["registered"].tolist() == [True, True]
    assert out["new"].tolist() == [False, True]
    assert out["name"].tolist() == ["甲", "丁"]  # headings that the mapping does not name are understood as always
    assert out.geometry.x.tolist() == [120.0, 120.03]
    assert out.attrs["dropped"] == {"登记状态": 2, "许可证有效期": 1}
    assert '2 of 5 rows were left out by 登记状态: "注销 (1)", "(blank) (1)"' in caplog.text
    assert '1 of 5 rows were left out by 许可证有效期: "2024年3月1日 (1)"' in caplog.text


def test_a_mapping_works_on_layers_too(files: tuple[Path, Path], tmp_path: Path) -> None:
    text = MAPPING.replace('lon = "东"\nlat = "北"\n', "")
    files[1].write_text(text.replace('id = "机构编码"', 'id = "id"'), encoding="utf-8")
    files[0].write_text(EXPORT.replace(",,\n", ",120.04,29.00\n"), encoding="utf-8")
    frame = read_layer(files[0], "facilities", columns={"lon": "东", "lat": "北", "id": "机构编码"})
    write_layer(frame, tmp_path / "export.gpkg")
    out = read_layer(tmp_path / "export.gpkg", "eldercare", mapping=files[1])
    assert list(out.index) == ["001", "004"]
    assert out["beds"].tolist() == [100, 60]


@pytest.mark.parametrize(
    ("keep", "left", "dropped"),
    [
        ('"登记状态" = "!=注销"', ["001", "003", "004"], {"登记状态": 2}),  # a blank status is none
        ('"登记状态" = ["!=注销", "≠存续"]', ["001", "003"], {"登记状态": 3}),
        ('"开业日期" = ["≥2019-01-01", "<2021-01-01"]', ["001", "003"], {"开业日期": 3}),
        ('"全托床位" = ">=80"', ["001", "002"], {"全托床位": 3}),
        ('"登记状态" = "blank"', ["005"], {"登记状态": 4}),
    ],
)
def test_conditions(files: tuple[Path, Path], keep: str, left: list[str], dropped: dict[str, int]) -> None:
    files[0].write_text(EXPORT.replace(",,\n", ",120.04,29.00\n"), encoding="utf-8")
    files[1].write_text(MAPPING[: MAPPING.index("[keep]")] + f"[keep]\n{keep}\n", encoding="utf-8")
    out = read_layer(files[0], "eldercare", mapping=files[1])
    assert list(out.index) == left
    assert out.attrs["dropped"] == dropped


def test_words_that_the_mapping_does_not_name_are_told(
    files: tuple[Path, Path], caplog: pytest.LogCaptureFixture
) -> None:
    files[1].write_text(MAPPING.replace('"老年公寓" = "养老院"\n', ""), encoding="utf-8")
    assert read_layer(files[0], "eldercare", mapping=files[1])["facility_type"].tolist() == ["敬老院", "老年公寓"]
    assert 'words of "facility_type" that the mapping does not name stay as they are: "老年公寓 (1)"' in caplog.text
    files[1].write_text(MAPPING.replace('[words.public]\n"公建民营" = true\n', ""), encoding="utf-8")
    with pytest.raises(LayerError, match='"public" is not yes or no in 1 of 2 rows: "004: 公建民营"'):
        read_layer(files[0], "eldercare", mapping=files[1])


def test_columns_of_the_call_go_before_the_mapping(files: tuple[Path, Path]) -> None:
    out = read_layer(files[0], "eldercare", mapping=files[1], columns={"beds": "全托床位"})
    assert out["beds"].tolist() == [90, 50]


def test_rows_keep_their_numbers(files: tuple[Path, Path]) -> None:
    files[0].write_text(EXPORT.replace("120.03,29.00", "约120,29.00"), encoding="utf-8")
    with pytest.raises(LayerError, match='"东" is not a number in 1 of 2 rows: "row 4: 约120"'):
        read_layer(files[0], "eldercare", mapping=files[1])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('role = "eldercare"', 'role = "childcare"', 'for role "childcare", not "eldercare"'),
        ('role = "eldercare"', 'rolle = "eldercare"', 'unknown "rolle"; understood are "role"'),
        ('public = "经营方式"', 'publik = "经营方式"', r'names "publik \(public\?\)", which role "eldercare" lacks'),
        ('public = "经营方式"', '"经营方式" = "public"', 'stands first: write public = "经营方式"; it has "id"'),
        ('public = "经营方式"', 'public = "经营"', r'lacks: "columns.public: 经营 \(经营方式\?\)"; found'),
        ('public = "经营方式"', 'public = "性质"', 'lacks: "columns.public: 性质"; found are "机构编码"'),
        ('"登记状态" = ["正常"', '登记状态 = ["正常"', 'line 24: 登记状态 needs quotation marks: "登记状态" = …'),
        ('["全托床位", "日托床位"]', '["全托床位", "全托床位"]', "columns.beds names a heading twice"),
        ("[words.public]", "[words.inclusive]", r'\[words\] names "inclusive", which \[columns\] does not'),
        ('land_area = "亩"', 'land_area = "元"', 'is "元", which is no unit that .*understood are "平方米"'),
        ("urban = true", "beds = 5", r'"beds" are in two of \[columns\], \[constants\] and \[flags\]'),
        (', is = "filled" }', " }", "flags.registered: write { heading"),
        ('{ heading = "许可证有效期", is = "filled" }', '"许可证有效期"', "flags.registered: write { heading"),
        ("registered = {", "staff = {", "flags.staff: the column is no flag"),
        ('"登记状态" = ["正常", "存续"]', '"登记状态" = "开业"', "of 5; left out .* were .登记状态: 正常 .2"),
        ('">=2025-12-31"', '">=去年"', 'compares with "去年", which is neither a number nor a date'),
        ('">=2025-12-31"', '">=5"', '"许可证有效期" holds no number in 2 rows: "row 1: 2027-06-30"'),
        ('"登记状态" = ["正常", "存续"]', '"登记状态" = 5', "登记状态 is 5; write a word, a list of words"),
        ('["正常", "存续"]', '["正常", "!=注销"]', "登记状态 mixes words and comparisons"),
        ('is = ">=2024-01-01"', 'is = [">=2024-01-01", "<2025-01-01"]', "flags.new: write one condition"),
        ('"登记状态" = ["正常", "存续"]', '"状态" = "正常"', 'lacks: "keep: 状态 '),
        ("[columns]", "[columns", "is no TOML in UTF-8"),
        ('"日托床位"]', '"机构名称"]', 'columns of "beds" hold no number in 2 rows: "row 1: 甲"'),
    ],
)  # fmt: skip
def test_a_mapping_that_is_wrong_says_where(files: tuple[Path, Path], old: str, new: str, message: str) -> None:
    assert old in MAPPING
    files[1].write_text(MAPPING.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SitingError, match=message):
        read_layer(files[0], "eldercare", mapping=files[1])


def test_a_missing_mapping_is_told(files: tuple[Path, Path]) -> None:
    with pytest.raises(SitingError, match=r'none\.toml" cannot be read'):
        read_layer(files[0], "eldercare", mapping="none.toml")


def test_a_mapping_says_sheet_encoding_and_crs(files: tuple[Path, Path], caplog: pytest.LogCaptureFixture) -> None:
    files[1].write_text('encoding = "gbk"\ncrs = "EPSG:4490"\n' + MAPPING, encoding="utf-8")
    with caplog.at_level(logging.INFO, "siting"):
        out = read_layer(files[0], "eldercare", mapping=files[1])
    assert out.crs.to_epsg() == 4490
    assert "read as gb18030" not in caplog.text


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2025-06-30", dt.date(2025, 6, 30)),
        ("2025年6月30日", dt.date(2025, 6, 30)),
        ("2025.6.3", dt.date(2025, 6, 3)),
        ("20250630", dt.date(2025, 6, 30)),
        ("2025-06-30T12:00:00", dt.date(2025, 6, 30)),
        ("2025-13-01", None),
        ("2025年6月", None),
        ("长期", None),
    ],
)
def test_days(text: str, day: dt.date | None) -> None:
    if day is None:
        with pytest.raises(ValueError):
            date_of(text)
    else:
        assert date_of(text) == day


def test_a_mapping_is_a_value(files: tuple[Path, Path]) -> None:
    assert LayerMapping.from_toml(files[1], role("eldercare")).columns["beds"] == ("全托床位", "日托床位")


def test_a_mapping_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    file = tmp_path / "mapping.toml"
    file.write_text('[columns]\npopulation = "人口"\n', encoding="utf-8-sig")
    assert LayerMapping.from_toml(file, role("communities")).columns == {"population": ("人口",)}
