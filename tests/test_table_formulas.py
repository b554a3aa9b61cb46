"""Row 32: a name that a spreadsheet would run is text in every table that is written."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest

import siting as st
from siting.data.tables import unguarded
from siting.errors import SitingError
from siting.judge import Audit

SOURCE = Path(st.__file__).parent
#: Whatever writes a table to a file for a spreadsheet goes through one of these modules.
WRITERS = {"data/write.py", "deliver/workbook.py", "judge/audit_workbook.py"}
#: These write or check documents, in which nothing is computed.
DOCUMENTS = {f"deliver/{name}.py" for name in ("check", "document", "docx_parts", "package", "places", "text")}
CALLS = re.compile(
    r"\.to_(csv|excel|html|clipboard|markdown|latex)\(|xlsxwriter|Workbook\(|ExcelWriter|csv\.writer|DictWriter|docx"
)
FORMULAS = [
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-1+1",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1+1",
    "＋1",
    "－1",
    "＠x",
    "'=1",
    '=HYPERLINK("x")',
]
STARTS = tuple("=+-@\t\r\n＝＋－＠")


def test_every_writer_is_known() -> None:
    """Another module that writes tables would need its own tests here."""
    found = set()
    for file in SOURCE.rglob("*.py"):
        code = "\n".join(line for line in file.read_text(encoding="utf-8").splitlines() if ">>>" not in line)
        if CALLS.search(code) and "judged.to_excel(" not in code:
            found.add(file.relative_to(SOURCE).as_posix())
    assert found - DOCUMENTS == WRITERS
    assert found >= DOCUMENTS


def frame() -> gpd.GeoDataFrame:
    at = gpd.GeoSeries.from_xy([120.0] * len(FORMULAS), [29.0] * len(FORMULAS)).array
    columns = {f"{sign}{n}": FORMULAS for n, sign in enumerate(STARTS)}
    return gpd.GeoDataFrame({"name": FORMULAS, **columns}, index=pd.Index(FORMULAS, name="=id"), geometry=at, crs=4326)


def audited(folder: Path) -> Audit:
    """A verdict whose texts are all formulas."""
    town = st.load_sample()
    judged = st.audit(st.load_standard("jinhua").select(rule="places_per_1000.2025"), town)
    texts = [
        name for name, kind in judged.table.dtypes.items() if not pd.api.types.is_numeric_dtype(kind) and name != "area"
    ]
    table = pd.concat([judged.table.assign(**dict.fromkeys(texts, text)) for text in FORMULAS], ignore_index=True)
    return replace(judged, table=table.assign(status="short", unit="", gap_unit=""))


def write_csv_table(folder: Path) -> Path:
    st.data.write_table(pd.DataFrame(frame().drop(columns="geometry")), folder / "x.csv")
    return folder / "x.csv"


def write_csv_layer(folder: Path) -> Path:
    st.write_layer(frame(), folder / "x.csv")
    return folder / "x.csv"


def write_excel_layer(folder: Path) -> Path:
    st.write_layer(frame(), folder / "x.xlsx", layer="=sheet")
    return folder / "x.xlsx"


def write_audit(folder: Path) -> Path:
    return audited(folder).to_excel(folder / "x.xlsx")


def write_audit_in_words(folder: Path) -> Path:
    return audited(folder).to_excel(folder / "x.xlsx", lang="zh")


def write_audit_csv(folder: Path) -> Path:
    st.data.write_table(audited(folder).table, folder / "x.csv")
    return folder / "x.csv"


WAYS: list[Callable[[Path], Path]] = [
    write_csv_table, write_csv_layer, write_excel_layer, write_audit, write_audit_in_words, write_audit_csv,
]  # fmt: skip


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_row_32_no_formula_in_any_table(tmp_path: Path, way: Callable[[Path], Path]) -> None:
    file = way(tmp_path)
    if file.suffix == ".csv":
        with file.open(encoding="utf-8-sig", newline="") as handle:
            cells = [cell for row in csv.reader(handle) for cell in row]
        live = [cell for cell in cells if cell.startswith(STARTS) and not re.fullmatch(r"-?\d+(\.\d+)?", cell)]
        assert live == []
        assert set(FORMULAS) <= {unguarded(cell) for cell in cells} | set(cells)
    else:
        book = openpyxl.load_workbook(file)
        cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
        assert {cell.data_type for cell in cells} <= {"s", "inlineStr", "n", "b", "d"}
        assert not any(cell.hyperlink for cell in cells)
        assert {"=cmd|' /C calc'!A0", "＝1+1", '=HYPERLINK("x")'} <= {cell.value for cell in cells}


def test_row_32_an_audit_from_the_shell(tmp_path: Path) -> None:
    """`siting audit --out x.csv` writes the table of a standard whose words are formulas."""
    from siting.terminal_study import audit_in_terminal
    from siting.terminal_text import TextConsole

    standard = tmp_path / "own.toml"
    standard.write_text(OWN, encoding="utf-8")
    study = st.Study.from_toml(st.data.sample_path("study.toml"))
    study = replace(study, standard=str(standard), rules=(), shares={}, changes={}, documents={}, goals=(), circles=())
    for file in (tmp_path / "x.csv", tmp_path / "x.xlsx"):
        with (tmp_path / "out.txt").open("w", encoding="utf-8") as out:
            audit_in_terminal(TextConsole(file=out), study, status=None, out_file=file)
    with (tmp_path / "x.csv").open(encoding="utf-8-sig", newline="") as handle:
        cells = [cell for row in csv.reader(handle) for cell in row]
    assert "'=1+1" in cells
    assert not [cell for cell in cells if cell.startswith("=")]
    sheets = openpyxl.load_workbook(tmp_path / "x.xlsx")
    kinds = {cell.data_type for sheet in sheets for row in sheet.iter_rows() for cell in row}
    assert kinds <= {"s", "inlineStr", "n", "b"}


OWN = """
[standard]
name = "own"
title_zh = "=1+1"
title_en = "=1+1"

[documents.own]
title = "=1+1"

[[rule]]
id = "own.places"
kind = "places_per_1000_residents"
service = "childcare"
indicator_zh = "=1+1"
indicator_en = "=1+1"
role = "standard"
operator = ">="
value = 4.5
unit = "places_per_1000_residents"
applies_to = "city"
column = "places"
base = "population"
document = "own"
clause = "=1+1"
says = "=1+1"
"""


def test_a_sheet_that_excel_does_not_take(tmp_path: Path) -> None:
    for title in ("a/b", "a:b", "[x]"):
        with pytest.raises(SitingError):
            st.write_layer(frame(), tmp_path / "y.xlsx", layer=title)
    assert not list(tmp_path.iterdir())
