"""Reading text, numbers, flags and categories from the cells of a column."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from siting.data.roles import Column, plain

__all__: list[str] = []

# Above this a float no longer holds every whole number that a spreadsheet shows (15 digits).
MOST_DIGITS = 1e15

_EDGES = re.compile(r"^[\s\ufeff\u200b]+|[\s\ufeff\u200b]+$")
_SPACES = "\ufeff\u200b"
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?")
_GROUPED = re.compile(r"[+-]?\d{1,3}([, ]\d{3})+(\.\d+)?")
_TRUE = frozenset({"是", "有", "对", "√", "1", "1.0", "true", "yes", "y", "t"})
_FALSE = frozenset({"否", "无", "没有", "×", "0", "0.0", "false", "no", "n", "f"})
_JOINTS = re.compile(r"[;,、/+|]")


@dataclass(frozen=True)
class Parsed:
    """What a column holds: numbers, where they are missing, and where they cannot be understood."""

    numbers: npt.NDArray[np.float64]
    missing: npt.NDArray[np.bool_]
    bad: npt.NDArray[np.bool_]


def trim(text: str) -> str:
    """Take white space, full-width spaces and byte-order marks off both ends.

    Examples
    --------
    >>> trim("　001 ")
    '001'
    """
    if text and (text[0] in _SPACES or text[-1] in _SPACES or text[0].isspace() or text[-1].isspace()):
        return _EDGES.sub("", text)
    return text


def text_of(value: Any) -> str:
    """Return the text of a cell: trimmed, whole numbers without ``.0``, nothing for a missing value.

    Examples
    --------
    >>> text_of(12.0), text_of(None), text_of(["primary", "link"])
    ('12', '', 'primary;link')
    """
    if isinstance(value, str):
        return trim(value)
    if isinstance(value, (list, tuple, set, frozenset, np.ndarray)):
        return ";".join(text_of(part) for part in value)
    if value is None or value is pd.NA or value is pd.NaT:
        return ""
    if isinstance(value, (float, np.floating)):
        if math.isnan(value):
            return ""
        return str(int(value)) if float(value).is_integer() else str(float(value))
    return trim(str(value))


def cells(column: Any) -> list[Any]:
    """Return the cells of a Series or Index as a list of Python objects."""
    return list(column.astype(object))


def texts(column: Any) -> list[str]:
    """Return the text of every cell."""
    return [text_of(value) for value in cells(column)]


def number_of(value: Any) -> float:
    """Return the number that *value* holds; NaN when it is empty.

    Full-width digits and thousands marks are understood: ``"1,200"``, ``"３００"``, ``"1 200"``.

    Raises
    ------
    ValueError
        When it holds something else, such as ``"约50"`` or ``"-"``.

    Examples
    --------
    >>> number_of("１，２００"), number_of("1 200.5")
    (1200.0, 1200.5)
    """
    if value is None or value is pd.NA or value is pd.NaT:
        return math.nan
    if not isinstance(value, str):
        return float(value)
    if value.isascii() and value.isdigit():
        return float(value)  # most cells are no more than this
    text = trim(unicodedata.normalize("NFKC", value)).replace("\u2212", "-").lower()
    if not text:
        return math.nan
    if _GROUPED.fullmatch(text):
        return float(text.replace(",", "").replace(" ", ""))
    if _NUMBER.fullmatch(text):
        return float(text)
    raise ValueError(f"{value!r} is not a number")


def share_of(value: Any) -> float:
    """Return the share that *value* holds; ``"45%"`` is 0.45.

    Examples
    --------
    >>> share_of("45％"), share_of(0.3)
    (0.45, 0.3)
    """
    if isinstance(value, str):
        text = trim(unicodedata.normalize("NFKC", value))
        if text.endswith("%"):
            return number_of(text[:-1]) / 100
    return number_of(value)


def flag_of(value: Any) -> float:
    """Return 1 for yes, 0 for no, NaN for an empty cell.

    Raises
    ------
    ValueError
        When it holds something else.

    Examples
    --------
    >>> flag_of("是"), flag_of("无"), flag_of(True)
    (1.0, 0.0, 1.0)
    """
    text = unicodedata.normalize("NFKC", text_of(value)).casefold()
    if not text:
        return math.nan
    if text in _TRUE:
        return 1.0
    if text in _FALSE:
        return 0.0
    raise ValueError(f"{value!r} is neither yes nor no")


def parse_numbers(column: pd.Series[Any], kind: str = "number") -> Parsed:
    """Read the numbers (or ``"share"``, ``"flag"``) of *column*.

    Infinite numbers are bad; whether a negative number or a fraction may stand is not judged here.
    """
    reader: Callable[[Any], float] = {"share": share_of, "flag": flag_of}.get(kind, number_of)
    if kind != "flag" and (pd.api.types.is_numeric_dtype(column.dtype)):
        values = column.to_numpy(dtype=np.float64, na_value=np.nan).copy()
        bad = np.isinf(values)
    else:
        values = np.zeros(len(column), dtype=np.float64)
        bad = np.zeros(len(column), dtype=np.bool_)
        for i, cell in enumerate(cells(column)):
            try:
                values[i] = reader(cell)
            except (ValueError, TypeError):
                bad[i] = True
        bad |= np.isinf(values)
    values[bad] = 0.0
    return Parsed(values, np.isnan(values), bad)


def parse_choices(column: Column, found: Sequence[str]) -> tuple[list[str], list[bool]]:
    """Bring the texts of a category to their canonical values, and tell which are unknown.

    Parameters
    ----------
    column
        A column with `choices`.
    found
        The texts; an empty one stays empty and is not unknown.

    Examples
    --------
    >>> from siting.data import role
    >>> parse_choices(role("communities").column("build_status"), ["新建", "", "旧"])
    (['new', '', '旧'], [False, False, True])
    """
    known = {plain(name): value for value, names in column.choices for name in (value, *names)}
    read: dict[str, tuple[str, bool]] = {}
    for text in set(found):
        parts = [text]
        if column.many:
            parts = [part for part in map(trim, _JOINTS.split(unicodedata.normalize("NFKC", text))) if part]
        kept = [known.get(plain(part), part) for part in parts]
        strange = any(part and plain(part) not in known for part in parts)
        read[text] = ";".join(sorted(set(kept))), strange  # one order, so that equal sets are equal texts
    return [read[text][0] for text in found], [read[text][1] for text in found]
