"""The values of canonical columns in their own type and unit, and what is wrong with them."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any, Literal

import numpy as np
import pandas as pd

from siting.data.columns import Column, unit_word
from siting.data.number_words import Stripped, stripped
from siting.data.roles import Role
from siting.data.values import Parsed, cells, parse_choices, parse_numbers, texts
from siting.messages import Message
from siting.numbers import MOST_COUNT, Bools, amount

logger = logging.getLogger(__name__)

Missing = Literal["raise", "zero"]

# How far from a whole number a count may lie, for numbers that went through floating point.
WHOLE = 1e-9


@dataclass(frozen=True)
class Reading:
    """How the columns of a layer are read: its name, a label for each row, and what the user asked for."""

    layer: str
    labels: list[object]
    missing: Missing = "raise"
    strip_units: bool = False


def read_column(series: Any, column: Column, reading: Reading, factor: float) -> tuple[Any, list[Message]]:
    """Return the values of a canonical column in its own type and unit, and what is wrong with them."""
    if column.type == "text":
        return _read_text(series, column, reading.labels, reading.layer)
    return _read_numbers(series, column, reading, factor)


def without_unrecorded(frame: Any, role: Role, reading: Reading) -> Any:
    """Leave out columns of numbers that the role may lack and in which no row has one, as of an empty form."""
    numbers = (each for each in role.columns if each.type != "text" and not each.required and not each.blank)
    names = [each.name for each in numbers if each.name in frame.columns]
    empty = [
        name for name in names if len(frame) and reading.missing == "raise" and (texts(frame[name]).array == "").all()
    ]
    if empty:
        logger.warning(Message("column.unrecorded", columns=empty).within(reading.layer))
    return frame.drop(columns=empty)


def _read_text(series: Any, column: Column, labels: list[object], layer: str) -> tuple[Any, list[Message]]:
    words = texts(series).array
    faults: list[Message] = []
    blank = np.asarray(words == "", dtype=np.bool_)
    if blank.any() and not column.blank:
        said = Message(
            "cell.blank", column=column.name, n=int(blank.sum()), total=len(blank), rows=list(compress(labels, blank))
        )
        logger.warning(said.within(layer))
    if column.choices:
        words, unknown = parse_choices(column, words)
        known = [f"{value} ({'、'.join(names)})" for value, names in column.choices]
        if wrong := _wrong_rows(series, unknown, labels):
            if column.open:
                logger.warning(Message("cell.unknown_kept", column=column.name, known=known, **wrong).within(layer))
            else:
                faults.append(Message("cell.unknown", column=column.name, known=known, **wrong))
    return pd.Series(words, index=series.index, dtype="str"), faults


def _read_numbers(series: Any, column: Column, reading: Reading, factor: float) -> tuple[Any, list[Message]]:
    layer, labels, missing = reading.layer, reading.labels, reading.missing
    parsed = parse_numbers(series, column.type, column)
    remedy = _strip_words(series, column, parsed, reading, factor)
    # 3 * 666.66… is 2000: remove the rounding error of the product.
    values = parsed.numbers if factor == 1 else np.round(parsed.numbers * factor, 6)
    faults: list[Message] = []
    name = column.name
    if wrong := _wrong_rows(series, parsed.bad, labels):
        faults.append(_unread(column, wrong, remedy))
    large = ~parsed.bad & (np.abs(values) >= MOST_COUNT)
    if wrong := _wrong_rows(series, large, labels):
        faults.append(Message("cell.too_large", column=name, **wrong))
    total = float(np.nansum(np.abs(values)))
    if not large.any() and total >= MOST_COUNT:
        faults.append(Message("cell.large_sum", column=name, sum=total))
    if wrong := _wrong_rows(series, ~parsed.bad & (values < 0) & (not column.signed), labels):
        faults.append(Message("cell.negative", column=name, **wrong))
    count = int(parsed.missing.sum())
    if count and not column.blank and missing == "zero":
        logger.warning(Message("cell.counted_zero", column=name, n=count).within(layer))
        values = np.where(parsed.missing, 0.0, values)
    elif count and not column.blank:
        rows = list(compress(labels, parsed.missing))
        faults.append(Message("cell.missing", column=name, n=count, total=len(series), rows=rows))
    if column.type == "share" and (wrong := _wrong_rows(series, ~parsed.bad & (values > 1), labels)):
        faults.append(Message("cell.above_one", column=name, **wrong))
    if column.type == "count" and not column.blank:
        if wrong := _wrong_rows(series, ~parsed.bad & (np.abs(values - np.round(values)) > WHOLE), labels):
            faults.append(Message("cell.not_whole", column=name, **wrong))
        values = np.round(values)
    if faults:
        return series, faults
    kinds = {"count": np.float64 if column.blank else np.int64, "flag": np.bool_}
    return pd.Series(values.astype(kinds.get(column.type, np.float64)), index=series.index), []


def _strip_words(series: Any, column: Column, parsed: Parsed, reading: Reading, factor: float) -> Message:
    """Read the numbers that have words around them into *parsed*, if asked; return the remedy for the other cells."""
    plain = Message("cell.plain")
    if column.unit:
        plain = Message("cell.plain_unit", unit=_unit(column))
    if column.type == "flag":
        return plain
    at = np.flatnonzero(parsed.bad)
    texts = series.iloc[at].tolist()
    read = {row: found for row, text in zip(at, texts, strict=True) if (found := stripped(text, column, factor))}
    if not reading.strip_units:
        if not read:
            return plain
        row = next(iter(read))
        number = amount(round(read[row][0] * factor, 6))
        return Message("cell.or_strip", plain=plain, n=len(read), text=series.iloc[row], number=number)
    done = Stripped()
    for row, (value, words, is_rounded) in read.items():
        parsed.numbers[row], parsed.bad[row] = value, False
        done.words.update(words)
        if is_rounded:
            done.rounded.append(Message("error.within", where=reading.labels[row], error=str(series.iloc[row])))
    if done.words:
        facts = {"column": column.name, "n": len(read), "total": len(series), "words": done.told}
        said = Message("cell.stripped", **facts)
        if done.rounded:
            said = Message("cell.stripped_rounded", few=len(done.rounded), rounded=done.rounded, **facts)
        logger.warning(said.within(reading.layer))
    return plain


def _unread(column: Column, wrong: Mapping[str, Any], remedy: Message) -> Message:
    """Return that cells hold not what the column holds."""
    if column.type == "flag":
        return Message("cell.no_flag", column=column.name, yes="是", no="否", **wrong)
    if column.type == "share":
        return Message("cell.no_share", column=column.name, remedy=remedy, **wrong)
    return Message("cell.no_number", column=column.name, remedy=remedy, **wrong)


def _unit(column: Column) -> Message:
    return Message("data.word", zh=unit_word(column.unit, "zh"), en=column.unit)


def _wrong_rows(series: Any, wrong: Bools, labels: Sequence[object]) -> dict[str, Any]:
    """Return how many rows are wrong of how many, and which, with their cells; nothing where none is."""
    if not wrong.any():
        return {}
    at = np.flatnonzero(wrong).tolist()
    pairs = zip(at, cells(series.iloc[at]), strict=True)
    rows = [Message("error.within", where=labels[row], error=str(cell)[:40]) for row, cell in pairs]
    return {"n": len(rows), "total": len(wrong), "rows": rows}


def subset_faults(frame: Any, role: Role, labels: Sequence[object]) -> list[Message]:
    """Find rows where a part is above its whole, such as more elderly than residents."""
    faults = []
    for part, whole in role.subsets:
        # A column with errors still holds text here; those are reported first.
        if any(name not in frame.columns or frame[name].dtype.kind not in "if" for name in (part, whole)):
            continue
        # A negative whole is its own error, not one of its parts.
        above = ((frame[part] > frame[whole]) & (frame[whole] >= 0)).to_numpy(dtype=bool, na_value=False)
        if above.any():
            pairs = zip(compress(labels, above), frame[part][above], frame[whole][above], strict=True)
            rows = [Message("error.within", where=label, error=f"{a} > {b}") for label, a, b in pairs]
            faults.append(Message("cell.part_above", part=part, whole=whole, n=len(rows), rows=rows))
    return faults
