"""An audit as a workbook for reading and printing."""

from __future__ import annotations

import io
import math
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from siting.data import atomic_path
from siting.labels import LANGUAGES, label

__all__ = ["write_workbook"]

#: Widths of columns in characters, from the least to the most; longer texts are wrapped, ids are not.
LEAST, MOST = 8, 44
#: Colours of verdicts: of the letters and the background.
COLOURS = {"met": ("0B6B6B", "E7F3F1"), "part": ("0B6B6B", "E7F3F1"), "short": ("B23A1B", "FDEEE8")}


def write_workbook(path: Path, sheets: Mapping[str, pd.DataFrame]) -> None:
    """Write a formatted sheet for each table; text stays text, even if it looks like a formula."""
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font, PatternFill
    from openpyxl.utils import get_column_letter

    top, whole = Alignment(vertical="top", wrap_text=True), Alignment(vertical="top")
    verdicts = {
        words: (Font(color=ink, bold=True), PatternFill("solid", start_color=behind))
        for status, (ink, behind) in COLOURS.items()
        for words in (status, *(label(f"status.{status}", lang) for lang in LANGUAGES))
    }
    heads, ids, years = _heads("status"), _heads("rule"), _heads("year")
    book = Workbook()
    book.remove(book.active)
    for title, table in sheets.items():
        sheet = book.create_sheet(title[:31])
        names = [str(name) for name in table.columns]
        rows = [names, *table.astype(object).to_numpy().tolist()]
        for i, row in enumerate(rows, start=1):
            for j, value in enumerate(row, start=1):
                cell = sheet.cell(i, j)
                cell.alignment = whole if names[j - 1] in ids else top
                _put(cell, value, is_year=names[j - 1] in years)
                if i == 1:
                    cell.font = Font(bold=True)
                elif names[j - 1] in heads and value in verdicts:
                    cell.font, cell.fill = verdicts[value]
        for j, name in enumerate(names, start=1):
            most = math.inf if name in ids else MOST
            sheet.column_dimensions[get_column_letter(j)].width = _width(name, table.iloc[:, j - 1], most)
        sheet.freeze_panes = "A2"
        sheet.auto_filter.ref = f"A1:{get_column_letter(max(len(names), 1))}{max(len(rows), 1)}"
        sheet.print_title_rows = "1:1"
        sheet.page_setup.orientation, sheet.page_setup.fitToHeight = "landscape", 0
        sheet.sheet_properties.pageSetUpPr.fitToPage = True
    made = io.BytesIO()
    with atomic_path(path) as draft:
        book.save(made)
        draft.write_bytes(made.getvalue())


def _heads(name: str) -> frozenset[str]:
    return frozenset({name, *(label(f"column.{name}", lang) for lang in LANGUAGES)})


def _put(cell: Any, value: Any, *, is_year: bool) -> None:
    """Write a text, or a number with separators, whole ones without decimals; years have no separators."""
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    if isinstance(value, str):
        cell.value = ILLEGAL_CHARACTERS_RE.sub("", value)
        cell.data_type = "s"
    elif not pd.isna(value):
        cell.value = value
        if not isinstance(value, bool):
            cell.number_format = "0" if is_year else "#,##0" if float(value).is_integer() else "#,##0.00"


def _width(head: str, values: pd.Series, most: float) -> float:
    """Return the width of a column: that of its longest text or number, within bounds."""
    longest = max((_wide(_shown(value)) for value in values), default=0)
    return float(min(max(_wide(head) + 3, longest + 1, LEAST), most))


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return value
    if pd.isna(value):
        return ""
    number = float(value)
    return f"{number:,.0f}" if math.isfinite(number) and number.is_integer() else f"{number:,.2f}"


def _wide(text: str) -> int:
    """Count columns: a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
