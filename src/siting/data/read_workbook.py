"""Excel workbooks: the cells of a sheet as a table, with merged cells filled."""

from __future__ import annotations

import logging
import re
import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from siting.data.header_rows import Row, joined_heading, refuse_unit, void, without_titles
from siting.data.source import Source
from siting.data.tables import choose, framed
from siting.data.values import MOST_DIGITS, text_of
from siting.data.zip_archive import ZIP_FAULTS
from siting.errors import LayerError
from siting.messages import Message

logger = logging.getLogger(__name__)

# An Excel file is a zip; limit its unpacked size.
MOST_UNPACKED = 1 << 30
#: Large workbooks are compressed to a tenth, not to a thousandth.
MOST_RATIO = 200
#: Rows that a sheet of Excel has, and cells that are read.
EXCEL_ROWS, MOST_CELLS = 1_048_576, 30_000_000
_TAGS = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


class Merged(NamedTuple):
    """A range of merged cells: its first and last row and column, counted from 1, and its name in the sheet."""

    top: int
    left: int
    bottom: int
    right: int
    name: str


class Layout(NamedTuple):
    """The layout of a sheet: merged cells, hidden rows, and formulas without a stored value."""

    merged: list[Merged]
    hidden: list[int]
    unstored: list[str]


def read_excel(source: Source) -> pd.DataFrame:
    """Read a sheet of an Excel file; ``attrs["merged"]`` names the cells that were filled downwards, by heading."""
    from openpyxl import load_workbook

    path, layer = source.file, source.name
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(item.file_size for item in archive.infolist())
            packed = sum(item.compress_size for item in archive.infolist())
        if size > MOST_UNPACKED or (size > MOST_UNPACKED // 8 and size > MOST_RATIO * packed):
            raise LayerError(layer, Message("table.unpacks", gb=size / 1e9))
        # openpyxl leaves a file open that it cannot read.
        with warnings.catch_warnings(), path.open("rb") as file:
            warnings.simplefilter("ignore")  # of styles and validations, which are not read
            book = load_workbook(file, read_only=True, data_only=True, keep_links=False)
            try:
                tab: Any = book[_sheet(book, source.layer, source.role, layer)]
                tab.reset_dimensions()
                errors: list[str] = []
                rows = _cells(tab, errors, layer)
                layout = _layout(path, tab._worksheet_path)
            finally:
                book.close()
    except LayerError:
        raise
    except (*ZIP_FAULTS, SyntaxError, TypeError, AttributeError) as fault:  # the latter of openpyxl
        raise LayerError(layer, Message("table.no_workbook", why=str(fault))) from fault
    return sheet_table(rows, layout, errors, source)


def sheet_table(rows: list[Row], layout: Layout, errors: Sequence[str], source: Source) -> pd.DataFrame:
    """Make a table of the cells of a sheet; ``attrs["merged"]`` as of `read_excel`; *errors* are cells with errors."""
    layer = source.name
    if layout.unstored:
        logger.warning(Message("table.formulas", cells=layout.unstored).within(layer))
    if errors:
        logger.warning(Message("table.errors", cells=errors).within(layer))
    rows = without_titles(rows, source)
    filled = _fill(rows, layout.merged, layer)
    if hidden := [row for row in layout.hidden if row <= len(rows) and any(not void(cell) for cell in rows[row - 1])]:
        logger.warning(Message("table.hidden", n=len(hidden), rows=hidden).within(layer))
    table = framed(rows, source)
    if filled:
        table.attrs["merged"] = filled
    return table


def _sheet(book: Any, wanted: str | None, role: str, layer: str) -> str:
    """Return the sheet to read."""
    names: list[str] = book.sheetnames
    if wanted is not None or role in names or len(names) == 1:
        return choose(names, wanted, role, layer, "sheet")
    seen = [name for name in names if book[name].sheet_state == "visible"]
    return choose_sheet(names, seen, [name for name in seen or names if _holds_cells(book[name])], role, layer)


def choose_sheet(names: Sequence[str], seen: Sequence[str], full: Sequence[str], role: str, layer: str) -> str:
    """Choose one of several sheets; hidden and empty ones are ignored, with a warning."""
    chosen = choose(full or seen or names, None, role, layer, "sheet")
    others = [
        Message("table.sheet_empty", name=name) if name in (seen or names) else Message("table.sheet_hidden", name=name)
        for name in names
        if name != chosen
    ]
    logger.warning(Message("table.sheet", sheet=chosen, others=others).within(layer))
    return chosen


def _holds_cells(tab: Any) -> bool:
    rows = tab.iter_rows(values_only=True) if hasattr(tab, "iter_rows") else ()
    return any(not void(value) for row in rows for value in row)


def _cells(tab: Any, errors: list[str], layer: str) -> list[Row]:
    """Read the cells row by row, without the empty ones at the ends, of which a small file can state any number."""
    rows: list[Row] = []
    full = width = seen = 0
    for row in tab.iter_rows():
        cells = [_cell(cell, errors) for cell in row]
        while cells and cells[-1] is None:
            cells.pop()
        rows.append(cells)
        seen += len(row)
        if cells:
            full, width = len(rows), max(width, len(cells))
        if len(rows) > EXCEL_ROWS or max(seen, full * width) > MOST_CELLS:
            said = Message("table.too_wide", rows=max(full, 1), columns=max(width, len(row)))
            raise LayerError(layer, said)
    del rows[full:]
    return rows


def _cell(cell: Any, errors: list[str]) -> Any:
    value = cell.value
    if cell.data_type == "e":
        errors.append(f"{cell.coordinate}: {value}")
        return None
    if isinstance(value, str):
        return value or None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value.isoformat() if hasattr(value, "isoformat") else value
    digits = str(cell.number_format)
    if re.fullmatch("00+", digits) and float(value).is_integer():
        return str(int(value)).zfill(len(digits))
    # Excel keeps 15 digits; as a float such an id is refused by the check of ids.
    return float(value) if abs(value) >= MOST_DIGITS else value


def _layout(path: Path, part: str) -> Layout:
    """Read the layout, which openpyxl omits when it reads row by row."""
    from openpyxl.utils.cell import range_boundaries
    from openpyxl.xml.functions import iterparse

    merged, hidden, unstored = layout = Layout([], [], [])
    with zipfile.ZipFile(path) as archive, archive.open(part) as source:
        number = 0
        for _, item in iterparse(source):
            if item.tag == f"{_TAGS}row":
                number = int(item.get("r", number + 1))
                if item.get("hidden") in ("1", "true"):
                    hidden.append(number)
                unstored += [
                    cell.get("r", f"row {number}")
                    for cell in item.iter(f"{_TAGS}c")
                    if cell.find(f"{_TAGS}f") is not None and not cell.findtext(f"{_TAGS}v")
                ]
                item.clear()
            elif item.tag == f"{_TAGS}mergeCell":
                left, top, right, bottom = map(int, range_boundaries(item.get("ref")))
                merged.append(Merged(top, left, bottom, right, item.get("ref")))
    return layout


def _fill(rows: list[Row], merged: Sequence[Merged], layer: str) -> dict[str, list[str]]:
    """Ignore merged titles, join a header of several rows, fill values down; return the filled ranges by heading."""
    if not merged:
        return {}
    width = max(map(len, rows), default=0)
    merged = [each for each in merged if each.top <= len(rows) and each.left <= width]
    if sum((min(each.bottom, len(rows)) - each.top + 1) * width for each in merged) > MOST_CELLS:
        raise LayerError(layer, Message("table.too_many_merged", n=len(merged)))
    for row in rows:
        row += [None] * (width - len(row))
    starts = {(each.top, each.left): each for each in merged}
    if (head := _head(rows, starts, layer)) is None:
        return {}
    last = max((each.bottom for each in merged if each.top == head), default=head)
    for each in merged:
        if head <= each.top and (each.bottom > each.top or each.top <= last):
            value = rows[each.top - 1][each.left - 1]
            for row in rows[each.top - 1 : each.bottom]:
                row[each.left - 1 : each.right] = [value] * len(row[each.left - 1 : each.right])
    if last > head:
        names = [joined_heading([text_of(row[i]) for row in rows[head - 1 : last]]) or None for i in range(width)]
        said = Message("table.merged_header", first=head, last=last, names=[name for name in names if name])
        logger.warning(said.within(layer))
        rows[head - 1] = list(names)
        rows[head:last] = [[None] * width for _ in range(last - head)]
    filled: dict[str, list[str]] = {}
    for each in merged:
        if each.top > last and each.bottom > each.top:
            columns = [i for i in range(each.left - 1, min(each.right, width)) if not void(rows[each.top - 1][i])]
            for i in columns:
                filled.setdefault(text_of(rows[head - 1][i]), []).append(each.name)
    for heading, ranges in filled.items():
        logger.warning(Message("table.merged", column=heading, cells=ranges).within(layer))
    return filled


def _head(rows: list[Row], starts: dict[tuple[int, int], Merged], layer: str) -> int | None:
    """Return the number of the header; titles merged across the rows above it are emptied, with a warning."""
    for number, row in enumerate(rows, start=1):
        full = [i for i, cell in enumerate(row, start=1) if not void(cell)]
        ranges = [starts.get((number, i)) for i in full]
        if full and all(each is not None and each.right > each.left for each in ranges):
            refuse_unit(row, number, layer)
            logger.warning(Message("table.title_row", row=number, cells=[row[i - 1] for i in full]).within(layer))
            row[:] = [None] * len(row)
        elif full:
            return number
    return None
