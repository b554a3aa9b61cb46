"""Values for planners: shares in percent, counts with separators, names of columns in a language."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from numbers import Number
from typing import Any

import pandas as pd

from siting.data import list_roles, role
from siting.labels import known, label
from siting.numbers import NONE
from siting.show.text import clean

__all__ = [
    "CODES", "SIGNS", "Cell", "Table", "amount", "heading", "kind_of", "listed", "percentage", "role_name", "show",
    "table_of",
]  # fmt: skip

MOST_ROWS = 500  # of a table on a page; the number of the others is given below it

#: What is printed for an operator, before its number.
SIGNS = {">=": "≥", "<=": "≤", "~": "≈", "range": "", "per": "1 /"}

#: Format of the numbers of a column, by its name.
KINDS = {
    "share": "share use_share market_share demand_share supply_share bound_share share_after communities_share take_up",
    "gap": "gap",
    "count": "adds beds bound capacity chosen_count cognitive_beds communities communities_covered covered elderly "
    "employees enrolled facilities households inclusive_places infants lost_without max_beds max_places needed "
    "nursing_beds occupied order places population served sites supply total within",
    "amount": "added amount budget demand free idle idle_after idle_before lacking left people short shortage "
    "shortage_left subsidy takes_idle there used villages visitors way",
    "degrees": "lon lat",
    "metres": "distance length snap",
    "limit": "limit band",
    "seconds": "seconds",
    "year": "year",
    "id": "id site community facility origin destination district parent",
}
KIND_OF = {name: kind for kind, names in KINDS.items() for name in names.split()}
TEXT = ("text", "id")
FORMATS = {
    "count": ",.0f", "metres": ",.0f", "minutes": ",.1f", "seconds": ",.2f", "degrees": ".6f", "year": ".0f",
    "number": ",.2f",
}  # fmt: skip

#: Columns whose cells are words of the library, and their sections in the table of labels.
CODES = {"weight": ("column", "field"), "group": ("value",), "area": ("value",)} | {
    name: (name,) for name in ("status", "service", "unit", "metric", "change", "kind", "build_status")
}


@dataclass(frozen=True)
class Cell:
    """A cell of a table."""

    text: str
    number: bool = False
    head: bool = False
    badge: str = ""
    small: tuple[str, ...] = ()
    code: str = ""


@dataclass(frozen=True)
class Table:
    """A table for readers: headings, rows of cells, and a note below."""

    head: tuple[Cell, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""
    note: str = ""
    style: str = ""


def heading(name: object, lang: str) -> str:
    """Return the words for a column, or its name without labels.

    Examples
    --------
    >>> heading("share", "en"), heading("my_column", "en")
    ('share covered', 'my_column')
    """
    keys = (f"{section}.{name}" for section in ("column", "field", "service"))
    return next((label(key, lang) for key in keys if known(key)), clean(name))


def role_name(name: str, lang: str) -> str:
    """Name a role for readers; the user's own roles keep their name."""
    return name if name not in list_roles() else role(name).zh if lang == "zh" else role(name).en


def amount(value: float, digits: int = 2) -> str:
    """Write a number with separators and at most *digits* decimals.

    Examples
    --------
    >>> amount(1234.50), amount(3.0), amount(float("nan"))
    ('1,234.5', '3', '—')
    """
    if not math.isfinite(value):
        return NONE
    words = f"{value:,.{digits}f}"
    if "." in words:
        words = words.rstrip("0").rstrip(".")
    return "0" if words == "-0" else words


def percentage(number: float, *beside: float) -> str:
    """Write a number in percent with one decimal, or as many as neighbouring numbers have.

    A number below 100, above 0 or different from a neighbour is never rounded to that number, up to four decimals.

    Examples
    --------
    >>> percentage(37.24), percentage(16.0151, 16.02), percentage(99.98), percentage(89.97, 90.0), percentage(100.0)
    ('37.2', '16.015', '99.98', '89.97', '100.0')
    """
    others = [one for one in (*beside, 0.0, 100.0) if math.isfinite(one)]
    digits = max(1, *(len(f"{one:.10g}".partition(".")[2]) for one in others))
    while digits < 4 and any(
        round(number, digits) == round(one, digits) and abs(number - one) > 1e-9 for one in others
    ):
        digits += 1
    return f"{number:,.{min(digits, 4)}f}"


def show(value: Any, kind: str = "", lang: str = "zh") -> str:
    """Write *value*, a number, text, flag or several of them, in the format of its *kind*; "—" if missing.

    Kinds are ``"share"`` (0 to 1, shown in percent), ``"gap"`` (the same, finer), ``"count"``, ``"metres"``,
    ``"minutes"``, ``"limit"``, ``"seconds"``, ``"year"``, ``"id"``, ``"number"`` (two decimals) or nothing.

    Examples
    --------
    >>> show(0.372, "share"), show(12345.0, "count"), show(411.6, "metres"), show(float("nan"), "share")
    ('37.2 %', '12,345', '412', '—')
    """
    if isinstance(value, tuple | list | set | frozenset):
        return label("list.comma", lang).join(show(each, kind, lang) for each in value)
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return NONE
    if pd.api.types.is_bool(value):
        return label("value.yes" if value else "value.no", lang)
    if kind in TEXT or not isinstance(value, Number) or isinstance(value, complex):
        return clean(value)
    number = float(value)  # type: ignore[arg-type]  # `Number` does not tell that it has __float__
    if not math.isfinite(number):
        return NONE
    if kind in ("share", "gap"):
        return f"{number * 100:.{1 if kind == 'share' else 2}f} %"
    return format(number, FORMATS[kind]) if kind in FORMATS else amount(number)


def table_of(
    frame: pd.DataFrame, lang: str, *, caption: str = "", columns: Mapping[str, tuple[str, str]] | None = None
) -> Table:
    """Lay out *frame* as a table: index first, geometry left out, at most `MOST_ROWS` rows.

    *columns* gives some columns another heading and kind (see `show`) than by their names.

    Examples
    --------
    >>> frame = pd.DataFrame({"share": [0.5]}, index=pd.Index(["east"], name="district"))
    >>> [cell.text for cell in table_of(frame, "en").rows[0]]
    ['east', '50.0 %']
    """
    shown = frame.iloc[:MOST_ROWS]
    own = {} if columns is None else columns
    laid: list[tuple[str, str, list[Cell]]] = []
    for level in range(frame.index.nlevels):
        name = frame.index.names[level]
        values = shown.index.get_level_values(level)
        if name is None and frame.index.nlevels == 1 and isinstance(frame.index, pd.RangeIndex):
            continue
        kind = KIND_OF.get(str(name), "id")
        cells = [_cell(value, str(name), kind, lang, head=True) for value in values]
        laid.append(("" if name is None else heading(name, lang), kind, cells))
    units = shown.get("unit")
    for position, name in enumerate(frame.columns):
        column = shown.iloc[:, position]
        if str(column.dtype) == "geometry":
            continue
        words, kind = own.get(str(name)) or (heading(name, lang), kind_of(str(name), column, units))
        laid.append((words, kind, [_cell(v, str(name), kind, lang) for v in column]))
    head = tuple(Cell(words, number=kind not in TEXT, head=True) for words, kind, _ in laid)
    rows = tuple(zip(*(cells for _, _, cells in laid), strict=True))
    more = len(frame) - len(shown)
    note = label("report.more_rows", lang, count=f"{more:,}") if more else ""
    return Table(head, rows, caption=caption, note=note)


def kind_of(name: str, values: pd.Series, units: pd.Series | None) -> str:
    """Choose the format of the numbers of a column: by its name, its unit, or its type."""
    numeric = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    if not numeric:
        # Percentages that come as text stand under each other like numbers.
        if len(values) and all(str(value) == NONE or str(value).endswith("%") for value in values):
            return "written"
        return "id" if KIND_OF.get(name) == "id" else "text"
    if name == "cost" and units is not None:
        return "minutes" if (units == "min").any() else "metres"
    if name == "gap" and units is not None:
        return "number"
    return KIND_OF.get(name, "count" if pd.api.types.is_integer_dtype(values) else "number")


def _cell(value: Any, name: str, kind: str, lang: str, *, head: bool = False) -> Cell:
    if isinstance(value, str):
        for key in filter(known, (f"{section}.{value}" for section in CODES.get(name, ()))):
            return Cell(label(key, lang), head=head)
        if name == "operator" and value in (">=", "<=", "~"):
            return Cell(SIGNS[value], head=head)
    return Cell(show(value, kind, lang), number=kind not in TEXT, head=head)


def listed(values: Iterable[object], lang: str) -> str:
    """Write several values in a row."""
    return label("list.comma", lang).join(clean(value) for value in values)
