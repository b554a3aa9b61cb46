"""Excel workbooks of the old kind (.xls), read by xlrd, which knows their merged cells, hidden rows and formats."""

from __future__ import annotations

import io
import re
from typing import Any

from siting.data.extras import extra
from siting.data.header_rows import Row
from siting.data.read_workbook import Layout, Merged, choose_sheet, sheet_table
from siting.data.source import Source
from siting.data.tables import choose
from siting.data.values import MOST_DIGITS
from siting.errors import LayerError, SitingError
from siting.messages import Message

_TEXT, _NUMBER, _DATE, _FLAG, _ERROR = 1, 2, 3, 4, 5  # the types of cells, as xlrd numbers them


def read_xls(source: Source) -> tuple[Any, str | None]:
    """Read a sheet of an old workbook as `read_excel` reads one of a new workbook."""
    xlrd = extra("xlrd", "xls", f'"{source.file.name}"')
    try:
        with xlrd.open_workbook(
            file_contents=source.content(), formatting_info=True, on_demand=True, logfile=io.StringIO(),
            encoding_override=source.encoding,
        ) as book:  # fmt: skip
            sheet = book.sheet_by_name(_sheet(book, source))
            errors: list[str] = []
            rows: list[Row] = [
                [_cell(book, cell, f"{xlrd.colname(column)}{row + 1}", errors) for column, cell in enumerate(cells)]
                for row, cells in enumerate(sheet.get_rows())
            ]
            layout = Layout([_merged(xlrd, *each) for each in sheet.merged_cells], _hidden(sheet), [])
    except SitingError:
        raise
    except Exception as fault:  # xlrd raises whatever a damaged file leads to
        if "encrypted" in str(fault):
            raise LayerError(source.name, Message("table.password")) from fault
        why = str(fault) or type(fault).__name__
        raise LayerError(source.name, Message("table.no_old_workbook", why=why)) from fault
    return sheet_table(rows, layout, errors, source), source.layer


def _sheet(book: Any, source: Source) -> str:
    names: list[str] = book.sheet_names()
    if source.layer is not None or source.role in names or len(names) == 1:
        return choose(names, source.layer, source.role, source.name, "sheet")
    sheets = {name: book.sheet_by_name(name) for name in names}
    seen = [name for name, sheet in sheets.items() if sheet.visibility == 0]
    full = [name for name in seen or names if any(kind in (_TEXT, _NUMBER, _DATE) for row in range(sheets[name].nrows)
                                                  for kind in sheets[name].row_types(row))]  # fmt: skip
    return choose_sheet(names, seen, full, source.role, source.name)


def _cell(book: Any, cell: Any, place: str, errors: list[str]) -> Any:
    """Return the value of a cell as `read_excel` does: text, number, flag, or a date as text."""
    from xlrd import error_text_from_code
    from xlrd.xldate import xldate_as_datetime

    value = cell.value
    if cell.ctype == _ERROR:
        errors.append(f"{place}: {error_text_from_code.get(value, 'error')}")
        return None
    if cell.ctype == _TEXT:
        return value or None
    if cell.ctype == _DATE:
        moment = xldate_as_datetime(value, book.datemode)
        return (moment.time() if value < 1 else moment).isoformat()
    if cell.ctype == _FLAG:
        return bool(value)
    if cell.ctype != _NUMBER:
        return None
    style = book.format_map[book.xf_list[cell.xf_index].format_key].format_str
    whole = float(value).is_integer() and abs(value) < MOST_DIGITS
    if whole and re.fullmatch("00+", style):
        return str(int(value)).zfill(len(style))
    return int(value) if whole else float(value)


def _merged(xlrd: Any, top: int, bottom: int, left: int, right: int) -> Merged:
    name = f"{xlrd.colname(left)}{top + 1}:{xlrd.colname(right - 1)}{bottom}"
    return Merged(top + 1, left + 1, bottom, right, name)


def _hidden(sheet: Any) -> list[int]:
    return sorted(row + 1 for row, shape in sheet.rowinfo_map.items() if shape.hidden)
