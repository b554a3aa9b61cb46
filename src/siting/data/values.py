"""Reading text, numbers, flags and categories from the cells of a column."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from siting.data.columns import Column
from siting.data.heading_spelling import normalized
from siting.messages import Message
from siting.numbers import Bools, Floats

# Above this a float no longer holds every whole number that a spreadsheet shows (15 digits).
MOST_DIGITS = 1e15

# White space of Python, the byte-order mark and the zero-width space.
_SPACES = "".join(c for c in map(chr, range(0x3001)) if c.isspace()) + "\ufeff\u200b"
_DECIMAL = r"^[+-]?[0-9]{1,15}(\.[0-9]{1,15})?$"
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?")
_GROUPED = re.compile(r"[+-]?\d{1,3}([, ]\d{3})+(\.\d+)?")
_TRUE = frozenset({"是", "有", "对", "√", "1", "1.0", "true", "yes", "y", "t"})
_FALSE = frozenset({"否", "无", "没有", "×", "0", "0.0", "false", "no", "n", "f"})
_JOINTS = re.compile(r"[;,、/+|&\n]")
_AND = "以及|和|与|及|或|兼|并"


@dataclass(frozen=True)
class Parsed:
    """The content of a column: numbers, missing cells, and cells that cannot be read."""

    numbers: Floats
    missing: Bools
    bad: Bools


def trim(text: str) -> str:
    """Strip white space, full-width spaces and byte-order marks."""
    return text.strip(_SPACES)


def text_of(value: Any) -> str:
    """Return the text of a cell: trimmed, whole numbers without ``.0``, nothing for a missing value."""
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


@dataclass(frozen=True)
class Texts:
    """The text of every cell of a column, and how many cells had white space around it."""

    array: Any
    trimmed: int

    @property
    def listed(self) -> list[str]:
        """The texts as a list."""
        return list(np.asarray(self.array, dtype=object).tolist())


def texts(column: Any) -> Texts:
    """Return the text of every cell of a Series or Index, like `text_of`, but for whole columns."""
    dtype = column.dtype
    textual = pd.api.types.is_object_dtype(dtype) and pd.api.types.infer_dtype(column) in ("string", "empty")
    if textual or isinstance(dtype, pd.StringDtype):
        try:
            return _trimmed(column)
        except (pa.ArrowException, UnicodeError):  # half a character, which no file can hold
            pass
    if pd.api.types.is_integer_dtype(dtype):
        return Texts(_as_column(pc.fill_null(pc.cast(as_arrow(column), pa.string()), "")), 0)
    if pd.api.types.is_object_dtype(dtype):
        values = cells(column)
        read = [text_of(value) for value in values]
        trimmed = sum(isinstance(old, str) and old != new for old, new in zip(values, read, strict=True))
        return Texts(np.array(read, dtype=object), trimmed)
    if pd.api.types.is_float_dtype(dtype):
        numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
        if (np.isnan(numbers) | ((numbers == np.floor(numbers)) & (abs(numbers) < MOST_DIGITS))).all():
            whole = pa.array(np.nan_to_num(numbers).astype(np.int64), mask=np.isnan(numbers))
            return Texts(_as_column(pc.fill_null(pc.cast(whole, pa.string()), "")), 0)
    codes, known = pd.factorize(column)
    read = [text_of(value) for value in cells(pd.Index(known))]
    spaced = np.array([isinstance(old, str) and old != new for old, new in zip(known, read, strict=True)] + [False])
    return Texts(np.array([*read, ""], dtype=object)[codes], int(spaced[codes].sum()))


def as_arrow(column: Any) -> Any:
    """Return a column or index as an Arrow array; UnicodeEncodeError where a text holds half a character."""
    extended = isinstance(column.dtype, pd.api.extensions.ExtensionDtype)
    array = pa.array(column.array if extended else column.to_numpy())
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _trimmed(column: Any) -> Texts:
    """Trim a column of texts; a clean one is not copied."""
    if isinstance(column.dtype, pd.StringDtype):
        source = as_arrow(column)
    else:
        source = pa.array(column.to_numpy(dtype=object), type=pa.large_string(), from_pandas=True)
    full = pc.fill_null(source, "")
    bare = pc.utf8_trim(full, characters=_SPACES)
    trimmed = pc.sum(pc.not_equal(full, bare)).as_py() or 0
    kept = isinstance(column.dtype, pd.StringDtype) and column.dtype == _text_type()
    clean = kept and not trimmed and not source.null_count
    return Texts(column.array if clean else _as_column(bare), trimmed)


def _text_type() -> Any:
    """Return the dtype of texts in pandas: its own from pandas 3 on, before that object."""
    return pd.Series([""], dtype="str").dtype


def _as_column(array: Any) -> Any:
    """Return an Arrow array of texts as an array of the type that pandas keeps texts in."""
    dtype: Any = _text_type()
    if not pd.api.types.is_object_dtype(dtype):
        return dtype.__from_arrow__(array)
    return array.to_numpy(zero_copy_only=False).astype(object)


def joined(parts: Sequence[Any]) -> Any:
    """Join the texts of several columns, row by row, with ``-``."""
    arrays = [pa.array(np.asarray(part, dtype=object), type=pa.large_string()) for part in parts]
    return _as_column(pc.binary_join_element_wise(*arrays, pa.scalar("-", pa.large_string())))


def numbered(name: str, rows: int) -> Any:
    """Return the texts ``name-1``, ``name-2`` and so on."""
    numbers = pc.cast(pa.array(np.arange(1, rows + 1)), pa.string())
    return _as_column(pc.binary_join_element_wise(pa.scalar(name), numbers, pa.scalar("-")))


def distinct(ids: Any) -> bool:
    """Whether no two texts are equal; Arrow takes a third of the time of pandas."""
    return len(pc.unique(as_arrow(ids))) == len(ids)


def number_of(value: Any) -> float:
    """Return the number of *value*, such as "1,200", "３００" or "1 200"; NaN when empty, `ValueError` if none."""
    if value is None or value is pd.NA or value is pd.NaT:
        return math.nan
    if isinstance(value, (bool, np.bool_)):
        raise ValueError(f"{value!r} is not a number")
    if not isinstance(value, str):
        return float(value)
    if value.isascii() and value.isdigit():
        return float(value)  # as most cells are
    text = trim(unicodedata.normalize("NFKC", value)).replace("\u2212", "-").lower()
    if not text:
        return math.nan
    if _GROUPED.fullmatch(text):
        return float(text.replace(",", "").replace(" ", ""))
    if _NUMBER.fullmatch(text):
        return float(text)
    raise ValueError(f"{value!r} is not a number")


def share_of(value: Any) -> float:
    """Return the share that *value* holds; ``"45%"`` is 0.45."""
    text = trim(unicodedata.normalize("NFKC", value)) if isinstance(value, str) else ""
    return number_of(text[:-1]) / 100 if text.endswith("%") else number_of(value)


def flag_of(value: Any, yes: Sequence[str] = (), no: Sequence[str] = ()) -> float:
    """Return 1 for yes, 0 for no, NaN for an empty cell, else raise `ValueError`; *yes* and *no* are further words."""
    text = unicodedata.normalize("NFKC", text_of(value)).casefold()
    if not text:
        return math.nan
    if text in _TRUE or text in yes:
        return 1.0
    if text in _FALSE or text in no:
        return 0.0
    raise ValueError(f"{value!r} is neither yes nor no")


def read_cells(column: Any, read: Callable[[Any], float]) -> tuple[Floats, list[Message]]:
    """Read each cell of a table; list those that *read* refuses, each with its row below the header or its id."""
    values, bad = np.full(len(column), math.nan), []
    for at, (row, cell) in enumerate(zip(column.index, cells(column), strict=True)):
        try:
            values[at] = read(cell)
        except (ValueError, TypeError, OverflowError):
            text = text_of(cell)[:40]
            numbered_row = isinstance(row, int)
            bad.append(
                Message("cell.of_row", row=row + 1, text=text)
                if numbered_row
                else Message("error.within", where=row, error=text)
            )
    return values, bad


def parse_numbers(column: pd.Series[Any], kind: str = "number", canonical: Column | None = None) -> Parsed:
    """Read the numbers (or ``"share"``, ``"flag"``) of *column*, flags also by the words of the *canonical* column."""
    flag = flag_of if canonical is None else partial(flag_of, yes=canonical.yes, no=canonical.no)
    reader: Callable[[Any], float] = {"share": share_of, "flag": flag}.get(kind, number_of)
    if kind != "flag" and _holds_numbers(column.dtype):
        values, bad = column.to_numpy(dtype=np.float64, na_value=np.nan).copy(), np.zeros(len(column), np.bool_)
    else:
        values, bad = _read_numbers(column, reader, decimal=kind != "flag")
    bad |= np.isinf(values)
    values[bad] = 0.0
    return Parsed(values, np.isnan(values), bad)


def _holds_numbers(dtype: Any) -> bool:
    """Whether a column holds real numbers: neither text nor objects, yes and no, or complex numbers."""
    types = pd.api.types
    return types.is_numeric_dtype(dtype) and not types.is_bool_dtype(dtype) and not types.is_complex_dtype(dtype)


def _read_numbers(column: Any, reader: Callable[[Any], float], *, decimal: bool) -> tuple[Floats, Bools]:
    """Read the cells by *reader*, each distinct one once, and *decimal* numbers all at a time."""
    values = np.full(len(column), np.nan, dtype=np.float64)
    bad = np.zeros(len(column), dtype=np.bool_)
    left = np.ones(len(column), dtype=np.bool_)
    if decimal and isinstance(column.dtype, pd.StringDtype):
        source = as_arrow(column)
        matches = pc.fill_null(pc.match_substring_regex(source, _DECIMAL), False)
        left = ~matches.to_numpy(zero_copy_only=False)
        values[~left] = pc.cast(pc.filter(source, matches), pa.float64()).to_numpy()
    try:
        codes, known = pd.factorize(column[left])
    except TypeError:  # lists and the like
        codes, known = np.arange(left.sum()), cells(column[left])
    read, wrong = np.full(len(known) + 1, np.nan), np.zeros(len(known) + 1, dtype=np.bool_)  # last: empty cells
    for i, cell in enumerate(known):
        try:
            read[i] = reader(cell)
        except (ValueError, TypeError, OverflowError):
            read[i], wrong[i] = 0.0, True
    values[left], bad[left] = read[codes], wrong[codes]
    return values, bad


def parse_choices(column: Column, words: Any) -> tuple[npt.NDArray[np.object_], Bools]:
    """Replace the texts of a column with `choices` by their canonical values, and mark the unknown ones, not blanks."""
    known: dict[str, list[str]] = {}
    for value, names in column.choices:
        for name in (value, *names):
            known.setdefault(normalized(name), []).append(value)
    read, unknown = [], []
    codes, distinct = pd.factorize(np.asarray(words, dtype=object))
    for text in distinct:
        kept, strange = _split_words(text, known) if column.many else (known.get(normalized(text)), False)
        read.append(";".join(sorted(set(kept or [text]))))  # one order, so that equal sets are equal texts
        unknown.append(strange or (kept is None and bool(text)))
    return np.array(read, dtype=object)[codes], np.array(unknown, dtype=np.bool_)[codes]


def _split_words(text: str, known: Mapping[str, list[str]]) -> tuple[list[str], bool]:
    """Read the values of one cell: between signs, joined by a word such as 和, or written without any (养老托育)."""
    kept: list[str] = []
    strange = False
    words = "|".join(sorted(map(re.escape, known), key=len, reverse=True))
    for part in filter(None, map(trim, _JOINTS.split(unicodedata.normalize("NFKC", text)))):
        word = normalized(part)
        if word in known:
            kept += known[word]
        elif re.fullmatch(rf"(?:(?:{words})(?:{_AND})?)*(?:{words})", word):
            kept += [value for each in re.findall(words, word) for value in known[each]]
        else:
            kept.append(part)
            strange = True
    return kept, strange
