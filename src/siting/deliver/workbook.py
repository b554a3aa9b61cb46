"""The tables of a package as one workbook: each table of the results a sheet, then the layers with their fields."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from siting.deliver.layers import layers_for
from siting.deliver.results import Found
from siting.deliver.rules import Rules
from siting.labels import label
from siting.show.text import clean

__all__ = ["write_workbook"]

#: Widths of columns in letters.
LEAST, MOST = 8, 40
#: The background of headings.
HEAD = "DCE6E6"
FORBIDDEN = re.compile(r"[\[\]:*?/\\]")


def write_workbook(rules: Rules, found: Found, target: Path) -> None:
    """Write the workbook; texts stay texts, also where they look like formulas."""
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.active)
    for title, table in _tables(rules, found):
        _add(book, title, table, found)
    made = io.BytesIO()
    book.properties.title, book.properties.creator = rules.fill(rules.files.tables), rules.package.maker
    book.save(made)
    target.write_bytes(made.getvalue())


def _tables(rules: Rules, found: Found) -> Iterator[tuple[str, pd.DataFrame]]:
    for rule in rules.table:
        goals = list(enumerate(found.contents.planned, start=1)) if "{goal}" in rule.source else [(0, None)]
        for number, goal in goals:
            words = {} if goal is None else {"goal": goal.name, "plan": number}
            table = found.tables.get(rules.fill(rule.source, **words))
            if table is not None:
                yield rules.fill(rule.name, **words), table
    yield label("deliver.fields", found.lang), _fields(rules, found)
    if len(codes := _codes(rules, found.lang)):
        yield label("deliver.codes", found.lang), codes


def _fields(rules: Rules, found: Found) -> pd.DataFrame:
    """Return a row for each field of the layers that are handed in."""
    lang, units = found.lang, {served.service: served.unit for served in found.contents.served}
    rows = [
        (
            layer.name, layer.alias, each.name, each.alias, label(f"deliver.{each.type}", lang), each.length,
            label("value.yes" if each.required else "value.no", lang), each.codes,
        )
        for layer in layers_for(rules, units, units, lang)
        if str(layer.source) in found.layers
        for each in layer.fields
    ]  # fmt: skip
    keys = ("layer", "layer_alias", "field", "field_alias", "type", "length", "required", "of_codes")
    return pd.DataFrame(rows, columns=[label(f"deliver.{key}", lang) for key in keys])


def _codes(rules: Rules, lang: str) -> pd.DataFrame:
    rows = [(name, code, words) for name, table in rules.codes.items() for code, words in table.meanings.items()]
    return pd.DataFrame(rows, columns=[label(f"deliver.{key}", lang) for key in ("of_codes", "code", "meaning")])


def _add(book: Any, title: str, table: pd.DataFrame, found: Found) -> None:
    from openpyxl.styles import Alignment, Font, PatternFill
    from openpyxl.utils import get_column_letter

    years = {"year", label("column.year", found.lang)}
    sheet = book.create_sheet(FORBIDDEN.sub(" ", title)[:31])
    notes = [notice.get(found.lang, "") for notice in found.contents.notices]
    first = len(notes) + 1
    for number, note in enumerate(notes, start=1):
        sheet.cell(number, 1, note).font = Font(bold=True, color="5B4708")
    for j, name in enumerate(table.columns, start=1):
        values = [_plain(value, found.lang) for value in table.iloc[:, j - 1]]
        numbers = [value for value in values if isinstance(value, float)]
        form = "0" if str(name) in years else _format(numbers)
        head = sheet.cell(first, j)
        head.value, head.data_type = str(name), "s"
        head.font, head.fill = Font(bold=True), PatternFill("solid", start_color=HEAD)
        head.alignment = Alignment(vertical="center", wrap_text=True)
        for i, value in enumerate(values, start=first + 1):
            cell = sheet.cell(i, j)
            cell.alignment = Alignment(vertical="top", wrap_text=isinstance(value, str))
            if isinstance(value, str):
                cell.value, cell.data_type = value, "s"
            elif value is not None:
                cell.value, cell.number_format = value, form
        longest = max((_wide(f"{value:,.2f}" if isinstance(value, float) else str(value or "")) for value in values),
                      default=0)  # fmt: skip
        sheet.column_dimensions[get_column_letter(j)].width = min(
            max(_wide(str(head.value)) + 3, longest + 2, LEAST), MOST
        )
    sheet.freeze_panes = f"A{first + 1}"
    sheet.auto_filter.ref = f"A{first}:{get_column_letter(max(table.shape[1], 1))}{first + len(table)}"
    sheet.print_title_rows = f"{first}:{first}"
    sheet.page_setup.orientation, sheet.page_setup.paperSize, sheet.page_setup.fitToHeight = "landscape", 9, 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True


def _plain(value: Any, lang: str) -> str | float | None:
    """Return a value as it stands in a cell: a text, a number, or nothing."""
    if isinstance(value, str):
        return clean(value)
    if value is None or pd.isna(value):
        return None
    if pd.api.types.is_bool(value):
        return label("value.yes" if value else "value.no", lang)
    return float(value)


def _format(numbers: list[float]) -> str:
    """Return the format of a column: with as many decimals as its numbers have, seven at most."""
    digits = max((len(f"{number:.7f}".rstrip("0").partition(".")[2]) for number in numbers), default=0)
    return f"#,##0.{'0' * digits}" if digits else "#,##0"


def _wide(text: str) -> int:
    """Count letters; a Chinese one takes two."""
    return sum(2 if ord(sign) > 0x2E7F else 1 for sign in text)
