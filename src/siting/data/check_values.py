"""The values of canonical columns in their own type and unit, and what is wrong with them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any, Literal

import numpy as np
import pandas as pd

from siting.data.columns import Column
from siting.data.number_words import Stripped, stripped
from siting.data.roles import Role
from siting.data.values import Parsed, cells, parse_choices, parse_numbers, texts
from siting.errors import some
from siting.numbers import MOST_COUNT, Bools, amount

logger = logging.getLogger(__name__)

Missing = Literal["raise", "zero"]

# How far from a whole number a count may lie, for numbers that went through floating point.
WHOLE = 1e-9
_WANTED = {"count": "a number", "number": "a number", "share": "a share", "flag": "yes or no"}
_FLAGS = "write 是 or 否, 1 or 0, true or false, or say in a mapping, under [flags], what means yes"


@dataclass(frozen=True)
class Reading:
    """How the columns of a layer are read: its name, a label for each row, and what the user asked for."""

    layer: str
    labels: list[str]
    missing: Missing = "raise"
    strip_units: bool = False


def read_column(series: Any, column: Column, reading: Reading, factor: float) -> tuple[Any, list[str]]:
    """Return the values of a canonical column in its own type and unit, and what is wrong with them."""
    if column.type == "text":
        return _read_text(series, column, reading.labels, reading.layer)
    return _read_numbers(series, column, reading, factor)


def _read_text(series: Any, column: Column, labels: list[str], layer: str) -> tuple[Any, list[str]]:
    words = texts(series).array
    faults: list[str] = []
    blank = np.asarray(words == "", dtype=np.bool_)
    if blank.any() and not column.blank:
        rows = some(compress(labels, blank))
        logger.warning('%s: "%s" is blank in %d of %d rows: %s', layer, column.name, blank.sum(), len(blank), rows)
    if column.choices:
        words, unknown = parse_choices(column, words)
        what = "holds unknown words, which are kept" if column.open else "has unknown values"
        known = some((f"{value} ({'、'.join(names)})" for value, names in column.choices), most=20)
        faults = _row_faults(f'"{column.name}" {what}', series, unknown, labels, f"understood are {known}")
        if column.open and faults:
            logger.warning("%s: %s", layer, faults.pop())
    return pd.Series(words, index=series.index, dtype="str"), faults


def _read_numbers(series: Any, column: Column, reading: Reading, factor: float) -> tuple[Any, list[str]]:
    layer, labels, missing = reading.layer, reading.labels, reading.missing
    parsed = parse_numbers(series, column.type, column)
    remedy = _strip_words(series, column, parsed, reading, factor)
    # 3 * 666.66… is 2000: remove the rounding error of the product.
    values = parsed.numbers if factor == 1 else np.round(parsed.numbers * factor, 6)
    faults: list[str] = []

    def find(wrong: Bools, what: str, remedy: str) -> None:
        faults.extend(_row_faults(f'"{column.name}" is {what}', series, wrong, labels, remedy))

    find(parsed.bad, f"not {_WANTED[column.type]}", remedy)
    large = ~parsed.bad & (np.abs(values) >= MOST_COUNT)
    find(large, "9,007,199,254,740,992 or more", "from 2^53 on numbers are not exact; correct them")
    total = float(np.nansum(np.abs(values)))
    if not large.any() and total >= MOST_COUNT:
        faults.append(f'"{column.name}" adds up to {total:.3g}; from 2^53 on sums are not exact; correct the largest')
    find(~parsed.bad & (values < 0) & (not column.signed), "negative", "correct them")
    count = int(parsed.missing.sum())
    if count and not column.blank and missing == "zero":
        logger.warning('%s: "%s" was missing in %d rows and is counted as 0', layer, column.name, count)
        values = np.where(parsed.missing, 0.0, values)
    elif count and not column.blank:
        rows = some(compress(labels, parsed.missing))
        what = f'"{column.name}" is missing in {count} of {len(series)} rows: {rows}'
        faults.append(f'{what}; fill it, or count it as 0 with missing="zero"')
    if column.type == "share":
        find(~parsed.bad & (values > 1), "above 1", 'give shares from 0 to 1, or per cent with "%"')
    if column.type == "count" and not column.blank:
        find(~parsed.bad & (np.abs(values - np.round(values)) > WHOLE), "not whole", "counts are whole numbers")
        values = np.round(values)
    if faults:
        return series, faults
    kinds = {"count": np.float64 if column.blank else np.int64, "flag": np.bool_}
    return pd.Series(values.astype(kinds.get(column.type, np.float64)), index=series.index), []


def _strip_words(series: Any, column: Column, parsed: Parsed, reading: Reading, factor: float) -> str:
    """Read the numbers that have words around them into *parsed*, if asked; return the remedy for the other cells."""
    if column.type == "flag":
        return _FLAGS
    at = np.flatnonzero(parsed.bad)
    texts = series.iloc[at].tolist()
    read = {row: found for row, text in zip(at, texts, strict=True) if (found := stripped(text, column, factor))}
    plain = f"write plain numbers, in {column.unit}" if column.unit else "write plain numbers"
    if not reading.strip_units:
        if not read:
            return plain
        row = next(iter(read))
        example = f'"{series.iloc[row]}" as {amount(round(read[row][0] * factor, 6))}'
        return f"{plain}, or read {len(read)} of them with strip_units=True, such as {example}"
    done = Stripped()
    for row, (value, words, is_rounded) in read.items():
        parsed.numbers[row], parsed.bad[row] = value, False
        done.words.update(words)
        if is_rounded:
            done.rounded.append(f"{reading.labels[row]}: {series.iloc[row]}")
    if done.words:
        rounded = f"; {len(done.rounded)} are rounded: {some(done.rounded)}" if done.rounded else ""
        logger.warning(
            '%s: "%s" was read without the words around its numbers in %d of %d rows: %s%s', reading.layer, column.name,
            len(read), len(series), done, rounded,
        )  # fmt: skip
    return plain


def _row_faults(what: str, series: Any, wrong: Bools, labels: Sequence[str], remedy: str) -> list[str]:
    if not wrong.any():
        return []
    at = np.flatnonzero(wrong).tolist()
    rows = [f"{labels[row]}: {str(cell)[:40]}" for row, cell in zip(at, cells(series.iloc[at]), strict=True)]
    return [f"{what} in {len(rows)} of {len(wrong)} rows: {some(rows)}; {remedy}"]


def subset_faults(frame: Any, role: Role, labels: Sequence[str]) -> list[str]:
    """Find rows where a part is above its whole, such as more elderly than residents."""
    faults = []
    for part, whole in role.subsets:
        # A column with errors still holds text here; those are reported first.
        if any(name not in frame.columns or frame[name].dtype.kind not in "if" for name in (part, whole)):
            continue
        # A negative whole is its own error, not one of its parts.
        above = ((frame[part] > frame[whole]) & (frame[whole] >= 0)).to_numpy(dtype=bool)
        if above.any():
            pairs = zip(compress(labels, above), frame[part][above], frame[whole][above], strict=True)
            rows = [f"{label}: {a} > {b}" for label, a, b in pairs]
            faults.append(f'"{part}" is above "{whole}", of which it is a part, in {len(rows)} rows: {some(rows)}')
    return faults
