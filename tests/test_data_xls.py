"""Workbooks of the old kind are read as those of the new kind."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlwt

from siting.data import read_layer
from siting.errors import LayerError

HEAD = ["编号", "名称", "常住人口", "经度", "纬度", "建成"]
ROWS = [
    [7, "甲", 1200, 120.01, 29.02, dt.datetime(2024, 1, 2)],
    [8, "乙", 300, 120.02, 29.03, dt.datetime(2024, 1, 2, 12, 30)],
]


def refused(path: Path, role: str = "communities", **options: Any) -> str:
    with pytest.raises(LayerError) as caught:
        read_layer(path, role, **options)
    return str(caught.value)


def old(path: Path, rows: list[list[Any]], merged: Sequence[tuple[int, int, int, int]] = (), **sheets: Any) -> Path:
    """Write an old workbook; *merged* are (top, bottom, left, right), counted from 0."""
    book = xlwt.Workbook(encoding="utf-8")
    for name, content in {"Sheet1": rows, **sheets}.items():
        sheet = book.add_sheet(name)
        tops = {(top, left): (top, bottom, left, right) for top, bottom, left, right in merged}
        for r, row in enumerate(content):
            for c, value in enumerate(row):
                style = xlwt.easyxf(num_format_str="yyyy-mm-dd" if isinstance(value, dt.datetime) else "General")
                if (r, c) in tops and name == "Sheet1":
                    sheet.write_merge(*tops[r, c], value, style)
                elif value is not None:
                    sheet.write(r, c, value, style)
    book.save(str(path))
    return path


def new(path: Path, rows: list[list[Any]], merged: Sequence[tuple[int, int, int, int]] = ()) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    for top, bottom, left, right in merged:
        sheet.merge_cells(start_row=top + 1, end_row=bottom + 1, start_column=left + 1, end_column=right + 1)
    book.save(path)
    return path


TABLES: dict[str, tuple[list[list[Any]], list[tuple[int, int, int, int]]]] = {
    "plain": ([HEAD, *ROWS], []),
    "titled": ([["某市小区人口表", *[None] * 5], HEAD, *ROWS], [(0, 0, 0, 5)]),
    "filled": (
        [[*HEAD, "街道"], [*ROWS[0], "城东"], [*ROWS[1], None]],
        [(1, 2, 6, 6)],
    ),
    "two rows of headings": (
        [["编号", "名称", "人口", "坐标", None], [None, None, "常住人口", "经度", "纬度"], *(row[:5] for row in ROWS)],
        [(0, 1, 0, 0), (0, 1, 1, 1), (0, 0, 3, 4)],
    ),
}


@pytest.mark.parametrize("name", TABLES)
def test_an_old_workbook_is_read_as_a_new_one(tmp_path: Path, name: str) -> None:
    """The oracle is the same table as .xlsx: titles, headings, merged cells, dates, numbers."""
    rows, merged = TABLES[name]
    one = read_layer(old(tmp_path / "a.xls", rows, merged), "communities")
    two = read_layer(new(tmp_path / "a.xlsx", rows, merged), "communities")
    assert one.drop(columns="geometry").to_dict() == two.drop(columns="geometry").to_dict()
    assert one.geometry.tolist() == two.geometry.tolist()
    assert one.attrs.get("merged") == two.attrs.get("merged")


def test_what_cells_hold(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Codes with zeros in front, errors, flags, hidden rows."""
    book = xlwt.Workbook(encoding="utf-8")
    sheet = book.add_sheet("一")
    for c, word in enumerate(["编号", "名称", "人口", "经度", "纬度", "完整社区"]):
        sheet.write(0, c, word)
    for r in (1, 2):
        sheet.write(r, 0, r, xlwt.easyxf(num_format_str="000"))
        for c, value in enumerate([10 * r, 120 + r / 100, 29.0, r == 1], start=2):
            sheet.write(r, c, value)
    sheet.write(1, 1, "甲")
    sheet.row(2).set_cell_error(1, 0x2A)
    sheet.row(2).hidden = True
    book.save(str(tmp_path / "a.xls"))
    with caplog.at_level(logging.WARNING, "siting"):
        out = read_layer(tmp_path / "a.xls", "communities")
    assert list(out.index) == ["001", "002"]
    assert out["complete_community"].tolist() == [True, False]
    assert out["name"].tolist() == ["甲", ""]
    assert 'cells hold errors and are read as empty: "B3: #N/A"' in caplog.text
    assert '1 hidden row is read like the others: "3"' in caplog.text


def test_sheets(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = old(tmp_path / "a.xls", [HEAD, ROWS[0]], 二=[HEAD, ROWS[1]])
    assert 'has 2 sheets, "Sheet1", "二"; choose one with layer=' in refused(file)
    assert list(read_layer(file, "communities", layer="二").index) == ["8"]
    assert 'has no sheet "三"' in refused(file, layer="三")
    file = old(tmp_path / "b.xls", [HEAD, ROWS[0]], 二=[])
    assert len(read_layer(file, "communities")) == 1
    assert 'sheet "Sheet1" is read; ignored are "二 (empty)"' in caplog.text


def test_ids_that_have_lost_digits(tmp_path: Path) -> None:
    file = old(tmp_path / "a.xls", [HEAD[:5], [110101199001011200, "甲", 5, 120, 29]])
    assert "have lost digits" in refused(file)


def test_a_merged_number_is_refused(tmp_path: Path) -> None:
    rows = [HEAD[:5], [7, "甲", 5, 120, 29], [8, "乙", None, 120.01, 29]]
    text = refused(old(tmp_path / "a.xls", rows, [(1, 2, 2, 2)]))
    assert '"population": cells "C2:C3" are merged, one number for several rows; give each row its own' in text


def test_damaged_old_workbooks(tmp_path: Path) -> None:
    good = old(tmp_path / "a.xls", [HEAD, *ROWS]).read_bytes()
    for data in (good[:600], good[: len(good) // 2], good[:512] + b"\xff" * (len(good) - 512)):
        (tmp_path / "b.xls").write_bytes(data)
        assert "communities (b.xls): is no old Excel workbook that can be read: " in refused(tmp_path / "b.xls")
    (tmp_path / "c.xls").write_bytes(b"PK\x03\x04" + good[4:])
    assert "does not hold what its suffix .xls says" in refused(tmp_path / "c.xls")
