"""Workbooks as offices lay them out: merged cells, titles, headers of two rows, hidden rows, formulas."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from siting.data import read_layer
from siting.data.header_rows import joined_heading
from siting.errors import LayerError

HEAD = ["编号", "常住人口", "所属街道", "经度", "纬度"]
ROWS: list[list[Any]] = [[f"h{n}", 100 * n, None, 120 + n / 1000, 29] for n in range(1, 5)]


def book(path: Path, rows: list[list[Any]], *merged: str, hidden: tuple[int, ...] = ()) -> Path:
    made = openpyxl.Workbook()
    sheet = made.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    for cells in merged:
        sheet.merge_cells(cells)
    for row in hidden:
        sheet.row_dimensions[row].hidden = True
    made.save(path)
    return path


def streets(*names: str | None) -> list[list[Any]]:
    return [HEAD, *([*row[:2], name, *row[3:]] for row, name in zip(ROWS, names, strict=True))]


def test_cells_merged_downwards_hold_in_each_row(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = book(tmp_path / "a.xlsx", streets("城东街道", None, None, "城西街道"), "C2:C4")
    out = read_layer(file, "communities")
    assert out["district"].tolist() == ["城东街道"] * 3 + ["城西街道"]
    assert out.attrs["merged"] == {"所属街道": ["C2:C4"]}
    assert 'merged cells of "所属街道" hold their value in each row: "C2:C4"' in caplog.text


def test_empty_cells_that_are_not_merged_stay_empty(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = book(tmp_path / "a.xlsx", streets("城东街道", None, None, "城西街道"), "C2:C3")
    out = read_layer(file, "communities")
    assert out["district"].tolist() == ["城东街道", "城东街道", "", "城西街道"]
    assert '"district" is blank in 1 of 4 rows: "h3"' in caplog.text
    plain = book(tmp_path / "b.xlsx", streets("城东街道", None, None, "城西街道"))
    assert read_layer(plain, "communities")["district"].tolist() == ["城东街道", "", "", "城西街道"]


def test_one_number_for_several_rows_is_refused(tmp_path: Path) -> None:
    rows = streets("甲", "乙", "丙", "丁")
    file = book(tmp_path / "a.xlsx", rows, "B2:B4")
    with pytest.raises(LayerError, match='"population": cells "B2:B4" are merged, one number for several rows'):
        read_layer(file, "communities")


def test_titles_merged_across_are_passed_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = [["某市小区人口表"], ["填报单位：某科", None, None, "2025年6月"], *streets("甲", "乙", "丙", "丁")]
    file = book(tmp_path / "a.xlsx", rows, "A1:E1", "A2:C2", "D2:E2")
    assert read_layer(file, "communities")["population"].tolist() == [100, 200, 300, 400]
    assert 'row 1 is passed over as a title: "某市小区人口表"' in caplog.text
    with pytest.raises(LayerError, match="remove the title rows above the header"):
        read_layer(book(tmp_path / "b.xlsx", [["某市小区人口表"], *streets("甲", "乙", "丙", "丁")]), "communities")


def test_a_header_of_two_rows_is_one(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = [
        ["编号", "人口", None, "经度", "纬度"],
        [None, "总数", "60岁及以上", None, None],
        ["h1", 100, 20, 120, 29],
        ["h2", 200, 30, 120.01, 29],
    ]
    file = book(tmp_path / "a.xlsx", rows, "A1:A2", "B1:C1", "D1:D2", "E1:E2")
    out = read_layer(file, "communities")
    assert out["population"].tolist() == [100, 200]
    assert out["elderly"].tolist() == [20, 30]
    assert out.attrs["understood"]["人口60岁及以上"] == "elderly"
    assert "rows 1 to 2 are one header of merged cells" in caplog.text


@pytest.mark.parametrize(
    ("title", "unit"),
    [
        ("人口表（单位：万人）", "万人"),
        ("某区用地  单位：亩", "亩"),
        ("计量单位：公顷、人", "公顷"),
        ("填报单位：千岛湖镇", None),
        ("单位：万福镇民政办", None),
        ("单位：人、张", None),
        ("投资表（单位：万元）", None),
    ],
)
def test_a_title_that_names_another_unit_is_not_passed_over(tmp_path: Path, title: str, unit: str | None) -> None:
    file = book(tmp_path / "a.xlsx", [[title], *streets("甲", "乙", "丙", "丁")], "A1:E1")
    if unit is None:
        assert len(read_layer(file, "communities")) == 4
    else:
        with pytest.raises(LayerError, match=f'row 1 says that the table is in "{unit}"; write the unit into the head'):
            read_layer(file, "communities")


def test_a_header_of_three_rows_says_what_its_last_row_says(tmp_path: Path) -> None:
    """What groups headings and adds nothing is left out; what makes them of other people stays."""
    rows = [
        ["编号", "人口情况", None, None, "地理坐标", None],
        [None, "人口", "其中", None, None, None],
        [None, "常住人口", "60岁及以上", "80岁及以上（女）", "经度", "纬度"],
        ["h1", 100, 20, 3, 120, 29],
    ]
    file = book(tmp_path / "a.xlsx", rows, "A1:A3", "B1:D1", "C2:D2", "E1:F2")
    out = read_layer(file, "communities")
    assert out[["population", "elderly"]].iloc[0].tolist() == [100, 20]
    assert "80岁及以上(女)" in [name.replace("（", "(").replace("）", ")") for name in out.columns]


def test_hidden_and_empty_sheets_are_passed_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    made = openpyxl.Workbook()
    for name in ("小区底数", "下拉选项", "Sheet3"):
        made.create_sheet(name)
    made.remove(made.worksheets[0])
    for row in streets("甲", "乙", "丙", "丁"):
        made["小区底数"].append(row)
    made["下拉选项"].append(["是"])
    made["下拉选项"].sheet_state = "hidden"
    made.save(tmp_path / "a.xlsx")
    assert len(read_layer(tmp_path / "a.xlsx", "communities")) == 4
    assert 'sheet "小区底数" is read; ignored are "下拉选项 (hidden)", "Sheet3 (empty)"' in caplog.text
    made["下拉选项"].sheet_state = "visible"
    made.save(tmp_path / "a.xlsx")
    with pytest.raises(LayerError, match='has 2 sheets, "小区底数", "下拉选项"; choose one with layer='):
        read_layer(tmp_path / "a.xlsx", "communities")


def test_a_sum_at_the_foot_is_refused_though_its_formula_has_no_value(tmp_path: Path) -> None:
    file = book(tmp_path / "a.xlsx", [*streets("甲", "乙", "丙", "丁"), ["合计", "=SUM(B2:B5)"]])
    with pytest.raises(LayerError, match='1 of 5 rows are totals of others: "合计"') as caught:
        read_layer(file, "communities")
    assert len(caught.value.faults) == 1


def test_hidden_rows_and_formulas_without_values_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = streets("甲", "乙", '=CONCATENATE("丙", "街道")', "丁")
    out = read_layer(book(tmp_path / "a.xlsx", rows, hidden=(3,)), "communities")
    assert len(out) == 4
    assert '1 hidden row is read like the others: "3"' in caplog.text
    assert 'cells "C4" hold formulas whose values are not stored' in caplog.text
    assert '"district" is blank in 1 of 4 rows: "h3"' in caplog.text


def test_cells_with_errors_are_empty_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    out = read_layer(book(tmp_path / "a.xlsx", streets("甲", "#N/A", "丙", "丁")), "communities")
    assert out["district"].tolist() == ["甲", "", "丙", "丁"]
    assert 'cells hold errors and are read as empty: "C3: #N/A"' in caplog.text


@pytest.mark.parametrize("sheet", ["小区", "说明"])
def test_the_merged_cells_are_those_of_the_sheet_that_is_read(tmp_path: Path, sheet: str) -> None:
    made = openpyxl.Workbook()
    for name, merged in (("小区", "C2:C4"), ("说明", "C2:C3")):
        tab = made.create_sheet(name)
        for row in streets("城东街道", None, None, "城西街道"):
            tab.append(row)
        tab.merge_cells(merged)
    made.remove(made.worksheets[0])
    made.save(tmp_path / "a.xlsx")
    out = read_layer(tmp_path / "a.xlsx", "communities", layer=sheet)
    assert out["district"].tolist().count("城东街道") == {"小区": 3, "说明": 2}[sheet]


def test_headings_over_others_are_joined_where_they_add_something() -> None:
    assert joined_heading(["人口情况", "常住人口", "60岁以上"]) == "常住人口60岁以上"
    assert joined_heading(["人口", "常住人口"]) == "常住人口"
    assert joined_heading(["男", "60岁以上"]) == "男60岁以上"


def test_a_damaged_sheet_is_refused(tmp_path: Path) -> None:
    """Whatever byte of the packed cells is wrong: the archive may be sound, and its content not."""
    file = book(tmp_path / "a.xlsx", [["id", "name"], *([f"k{n}", f"小区{n * n}"] for n in range(60))])
    whole = file.read_bytes()
    with zipfile.ZipFile(file) as archive:
        sheet = archive.getinfo("xl/worksheets/sheet1.xml")
    start = sheet.header_offset + 30 + len(sheet.filename)
    for at in range(start, start + sheet.compress_size, sheet.compress_size // 12):
        file.write_bytes(whole[:at] + bytes(byte ^ 0xFF for byte in whole[at : at + 8]) + whole[at + 8 :])
        with pytest.raises(LayerError, match="is no Excel workbook that can be read"):
            read_layer(file, "communities")
