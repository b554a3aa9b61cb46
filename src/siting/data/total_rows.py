"""Rows of totals: 合计, 总计, 小计."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from siting.data.roles import Role
from siting.data.values import texts
from siting.numbers import Floats, Positions

_BLANK = r"[\s\x{3000}]*"
_SUM = rf"[合总小共累]{_BLANK}计{_BLANK}数?(?:[(（].*[)）])?{_BLANK}[:：]?"
#: Words for a total alone (小 计), and after a name (东街道小计).
_ALONE = rf"^(?:{_SUM}|(?i:(?:grand |sub-?)?totals?))$"
_BEHIND = rf"^(?:[^，。；]{{0,15}}?{_SUM}|全(?:[省市县区镇乡旗]|街道))$"
#: Number of rows from which a row equal to the sum of all others is hardly chance.
_ROWS = 10


def total_rows(frame: pd.DataFrame, role: Role) -> pd.Series:
    """Return the words of the rows of totals by number from 0: alone in any text, behind a name in ids and names."""
    names = {column.name for column in role.columns if column.type == "text" and not column.choices}
    totals = pd.Series(index=pd.Index([], dtype=int), dtype=object)
    columns: list[tuple[Any, Any]] = [*frame.items(), ("id", frame.index)]
    for name, column in columns:
        if pd.api.types.is_object_dtype(column.dtype) or isinstance(column.dtype, pd.StringDtype):
            words = texts(column).array
            at = _matches(words, f"{_ALONE}|{_BEHIND}" if name in names else _ALONE)
            totals = totals.combine_first(pd.Series(words[at], index=at, dtype=object))
    return totals


def equals_all_others(numbers: Floats) -> int | None:
    """Return the number of the one row that equals the sum of all others; None if there is none."""
    at = np.flatnonzero((numbers > 0) & (2 * numbers == numbers.sum()))
    return int(at[0]) if len(at) == 1 and len(numbers) >= _ROWS else None


def _matches(words: Any, pattern: str) -> Positions:
    """Return the positions of texts that match *pattern*."""
    try:
        column = pa.array(words, type=pa.large_string())  # of no words the type is not known
    except (pa.ArrowException, UnicodeError):  # half a character, which no file can hold
        column = pa.array([text.encode("utf-8", "replace").decode() for text in words], type=pa.large_string())
    return np.flatnonzero(pc.match_substring_regex(column, pattern).to_numpy(zero_copy_only=False))
