"""An audit as a workbook: how its cells look, and what stands in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest

from siting.judge.audit_workbook import write_workbook
from siting.labels import label


@pytest.fixture
def book(tmp_path: Path) -> Any:
    table = pd.DataFrame(
        {
            "rule": ["jinhua.childcare." + "x" * 60, "b"],
            "status": ["short", "met"],
            "year": [2025, 2025],
            "value": [12345.0, 0.256],
            "share": [float("nan"), 1.0],
            "flag": [True, False],
            "note": ["=1+1\x07", "不" * 30],
            "n": [1.25, 1.0],
        }
    )
    write_workbook(tmp_path / "a.xlsx", {"first": table, "second" * 10: table.assign(status=["达标", "未达标"])})
    return openpyxl.load_workbook(tmp_path / "a.xlsx")


def test_the_head_is_bold_stays_in_sight_and_is_printed_on_each_page(book: Any) -> None:
    sheet = book["first"]
    assert (sheet.freeze_panes, sheet.auto_filter.ref, sheet.print_title_rows) == ("A2", "A1:H3", "$1:$1")
    assert [cell.font.b for cell in sheet[1]] == [True] * 8
    assert [sheet["D2"].font.b, sheet["A2"].font.b] == [False, False]
    assert [cell.value for cell in sheet[1]] == ["rule", "status", "year", "value", "share", "flag", "note", "n"]


def test_all_columns_go_on_one_page_across(book: Any) -> None:
    sheet = book["first"]
    assert (sheet.page_setup.orientation, sheet.page_setup.fitToHeight) == ("landscape", 0)
    assert sheet.sheet_properties.pageSetUpPr.fitToPage is True
    assert book.sheetnames == ["first", ("second" * 10)[:31]]  # what Excel takes


def test_texts_are_wrapped_and_ids_are_not(book: Any) -> None:
    sheet = book["first"]
    assert [(cell.alignment.vertical, bool(cell.alignment.wrap_text)) for cell in (sheet["A2"], sheet["G2"])] == [
        ("top", False),
        ("top", True),
    ]
    width = {name: sheet.column_dimensions[name].width for name in "ABCGH"}
    assert width["A"] == len("jinhua.childcare.") + 60 + 1  # an id is shown whole
    assert width["G"] == 44  # thirty Chinese characters are sixty wide: the most
    assert width["B"] == len("status") + 3
    assert width["C"] == 8  # the least, for "year" and 2,025
    assert width["H"] == 8


def test_a_column_is_as_wide_as_its_longest_number_as_it_is_printed(tmp_path: Path) -> None:
    write_workbook(tmp_path / "a.xlsx", {"a": pd.DataFrame({"v": [123456789.0, 1.0], "w": [1234567.125, 1.0]})})
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx")["a"]
    assert sheet.column_dimensions["A"].width == len("123,456,789") + 1
    assert sheet.column_dimensions["B"].width == len("1,234,567.12") + 1


def test_verdicts_are_coloured_in_each_language(book: Any) -> None:
    ink = {"short": "00B23A1B", "met": "000B6B6B"}
    behind = {"short": "00FDEEE8", "met": "00E7F3F1"}
    for sheet, words in ((book["first"], {"short": "short", "met": "met"}), (book.worksheets[1], {})):
        for row, status in ((2, "short"), (3, "met")) if words else ((3, "short"), (2, "met")):
            cell = sheet.cell(row, 2)
            assert (cell.font.color.rgb, cell.font.b, cell.fill.start_color.rgb) == (ink[status], True, behind[status])
            assert cell.fill.fill_type == "solid"
            assert cell.value in (status, label(f"status.{status}", "zh"))
    assert book["first"]["A2"].fill.fill_type is None


def test_a_word_of_a_verdict_elsewhere_has_no_colour(tmp_path: Path) -> None:
    write_workbook(tmp_path / "a.xlsx", {"a": pd.DataFrame({"note": ["short"], label("column.status", "zh"): ["met"]})})
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx")["a"]
    assert [sheet["A2"].fill.fill_type, sheet["B2"].fill.fill_type] == [None, "solid"]


def test_numbers_are_numbers_and_texts_are_texts(book: Any) -> None:
    sheet = book["first"]
    formats = {name: (sheet[name].value, sheet[name].number_format) for name in ("C2", "D2", "D3", "H2", "H3", "F2")}
    assert formats == {
        "C2": (2025, "0"),  # a year has no separators
        "D2": (12345, "#,##0"),
        "D3": (0.256, "#,##0.00"),
        "H2": (1.25, "#,##0.00"),
        "H3": (1, "#,##0"),
        "F2": (True, "General"),
    }
    assert sheet["E2"].value is None
    assert (sheet["G2"].value, sheet["G2"].data_type) == ("=1+1", "s")  # no formula, no control character
