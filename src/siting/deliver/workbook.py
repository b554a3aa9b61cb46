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
from siting.labels import known, label, named
from siting.show.cells import CODES, KIND_OF, heading
from siting.show.text import clean

__all__ = ["write_workbook"]

#: Widths of columns in letters.
LEAST, MOST = 8, 40
#: Formats of numbers by the kind of their column; metres and minutes have their unit in the heading.
FORMATS = {
    "share": "0.0%", "gap": "0.00%", "count": "#,##0", "metres": "#,##0.0", "minutes": "#,##0.0", "year": "0",
    "limit": "#,##0", "amount": "#,##0.00", "seconds": "#,##0.00",
}  # fmt: skip
HEAD = "DCE6E6"
#: What communities have of each service, and columns that the text tells of.
PARTS, LEFT_OUT = ("facility", "cost", "band"), ("how",)
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
        goals = list(enumerate(found.record.planned, start=1)) if "{goal}" in rule.source else [(0, None)]
        for number, goal in goals:
            words = {} if goal is None else {"goal": goal.name, "plan": number}
            table = found.tables.get(rules.fill(rule.source, **words))
            if table is not None:
                yield rules.fill(rule.name, **words), _readable(table, found, "" if goal is None else goal.unit)
    yield label("deliver.fields", found.lang), _fields(rules, found)
    if len(codes := _codes(rules, found.lang)):
        yield label("deliver.codes", found.lang), codes


def _readable(table: pd.DataFrame, found: Found, unit: str) -> pd.DataFrame:
    """Give a table the headings, words and names of a reader; *unit* is that of the ways of a plan."""
    lang, heads = found.lang, {}
    measured = {f"{served.service}_": served for served in found.record.served}
    for name in table.columns:
        service = next((served for prefix, served in measured.items() if name.startswith(prefix)), None)
        if service is not None:
            part = name.removeprefix(f"{service.service}_")
            words = {"service": named("service", service.service, lang), "unit": label(f"unit.{service.unit}", lang)}
            heads[name] = label(f"deliver.column_{part}", lang, **words) if part in PARTS else ""
        elif unit and name in ("people", "mean", "farthest"):
            heads[name] = label(f"plan_site.{name}", lang, unit=label(f"unit.{unit}", lang))
        else:
            heads[name] = "" if name in LEFT_OUT else heading(name, lang)
    kept = [name for name, head in heads.items() if head]
    shown = pd.DataFrame({name: [_shown(value, name, found) for value in table[name]] for name in kept}, dtype=object)
    shown.attrs["heads"] = heads
    return shown


def _fields(rules: Rules, found: Found) -> pd.DataFrame:
    """Return a row for each field of the layers that are handed in."""
    lang, units = found.lang, {served.service: served.unit for served in found.record.served}
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

    sheet = book.create_sheet(FORBIDDEN.sub(" ", title)[:31])
    notes = [notice.get(found.lang, "") for notice in found.record.notices]
    first = len(notes) + 1
    for number, note in enumerate(notes, start=1):
        sheet.cell(number, 1, note).font = Font(bold=True, color="5B4708")
    for j, name in enumerate(table.columns, start=1):
        kind = KIND_OF.get(str(name), "")
        values = [None if pd.isna(value) else value for value in table.iloc[:, j - 1]]
        head = sheet.cell(first, j, table.attrs.get("heads", {}).get(name, str(name)))
        head.font, head.fill = Font(bold=True), PatternFill("solid", start_color=HEAD)
        head.alignment = Alignment(vertical="center", wrap_text=True)
        for i, value in enumerate(values, start=first + 1):
            cell = sheet.cell(i, j)
            cell.alignment = Alignment(vertical="top", wrap_text=isinstance(value, str))
            if isinstance(value, str):
                cell.value, cell.data_type = value, "s"
            elif value is not None:
                cell.value, cell.number_format = value, FORMATS.get(kind, _format(value))
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


def _shown(value: Any, name: str, found: Found) -> Any:
    """Return a value as it stands in a cell: words of the library in a language, flags as words, nothing for none."""
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return None
    if pd.api.types.is_bool(value):
        return label("value.yes" if value else "value.no", found.lang)
    if isinstance(value, str):
        known_as = next(filter(known, (f"{section}.{value}" for section in CODES.get(name, ()))), None)
        value = clean(value) if known_as is None else label(known_as, found.lang)
        return found.districts.get(value, value) if name in ("group", "area", "district") else value
    return float(value) if isinstance(value, float) else int(value)


def _format(value: float) -> str:
    return "#,##0" if float(value).is_integer() else "#,##0.00"


def _wide(text: str) -> int:
    """Count letters; a Chinese one takes two."""
    return sum(2 if ord(sign) > 0x2E7F else 1 for sign in text)
