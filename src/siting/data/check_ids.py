"""The ids of a layer: from its index or its column, or made; each fault of them."""

from __future__ import annotations

import logging
import re
from typing import Any

import numpy as np
import pandas as pd

from siting.data.heading_spelling import normalized
from siting.data.values import MOST_DIGITS, as_arrow, cells, distinct, joined, numbered, texts
from siting.errors import LayerError, some
from siting.messages import Message

logger = logging.getLogger(__name__)

# Headings, as compared, of columns that number the rows.
_NUMBERINGS = ("序号", "行号", "fid", "objectid", "oid", "objectid1", "no", "no.", "unnamed:0", "index")
_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sept?|Oct|Nov|Dec"
# Days as spreadsheets show or store them, an id of two numbers such as 3-1, and numbers such as 3.30102E+17.
_DATE = re.compile(
    rf"\d{{1,2}}月\d{{1,2}}日|\d{{4}}年\d{{1,2}}月(?:\d{{1,2}}日)?|\d{{1,2}}-(?:{_MONTHS})|(?:{_MONTHS})-\d{{1,2}}"
    r"|\d{4}-\d\d-\d\d[T ]00:00:00"
)
_DAY = re.compile(r"\d{4}[-/]\d{1,2}[-/]\d{1,2}")
_PAIR = re.compile(r"\d{1,4}[-/]\d{1,4}")
_POWER = re.compile(r"\d(?:\.\d+)?E\+\d{2,3}", re.IGNORECASE)
_SUSPECT = re.compile(rf"[月年]|-(?:{_MONTHS})|(?:{_MONTHS})-|00:00:00|\d[Ee]\+\d|\d{{4}}[-/]\d{{1,2}}[-/]\d")


def set_ids(frame: Any, role: str, layer: str, *, from_column: bool) -> tuple[Any, list[object], list[Message]]:
    """Set the index; return the frame, a label for each row for messages, and the faults."""
    source: Any = frame.index
    has_column, indexed = "id" in frame.columns, source.name == "id"
    if has_column and not from_column and len(frame) > 1 and (alike := _alike(frame["id"])):
        zero = Message("cell.ids_alike_zero") if alike == "0" else Message("cell.ids_alike_blank")
        logger.warning(zero.within(layer))
        frame, has_column = frame.rename(columns={"id": "id_source"}), False
        frame.attrs["understood"] = {k: v for k, v in frame.attrs.get("understood", {}).items() if v != "id"}
    faults: list[Message] = []
    if has_column and (from_column or not indexed):
        source, frame = frame["id"], frame.drop(columns="id")
    elif not indexed and isinstance(source, pd.RangeIndex) and source.equals(pd.RangeIndex(len(source))):
        source = None
    if source is None:
        ids = numbered(role, len(frame))
        hint = _numbering_hint(frame)
        logger.info("%s: has no ids; they were made, %s-1 to %s-%d%s", layer, role, role, len(frame), hint)
    elif isinstance(source, pd.MultiIndex):
        ids = joined([texts(source.get_level_values(level)).array for level in range(source.nlevels)])
    else:
        read = texts(source)
        ids, faults = read.array, _float_id_faults(source)
        if not faults:
            faults = _spreadsheet_faults(read.listed)
        if read.trimmed:
            logger.info("%s: white space around %d ids was trimmed", layer, read.trimmed)
    try:
        index = pd.Index(ids, name="id", dtype="str")
        as_arrow(index)  # pandas 2 keeps texts as objects, and does not look at them
    except UnicodeEncodeError:
        whole = [str(each).encode("utf-8", "replace").decode() for each in ids]
        broken = [row for row, (old, new) in enumerate(zip(ids, whole, strict=True), start=1) if old != new]
        faults = [*faults, Message("cell.ids_half", n=len(broken), rows=broken)]
        index = pd.Index(whole, name="id", dtype="str")
    labels: list[object] = index.to_numpy(dtype=object).tolist()
    empty = np.flatnonzero(index == "")
    for row in empty:
        labels[row] = Message("cell.row", row=row + 1)
    if cut := [repr(name) for name in index if "\0" in name]:
        faults.append(Message("cell.ids_nul", ids=cut))
    if len(empty):
        faults.append(Message("cell.ids_empty", n=len(empty), rows=(empty + 1).tolist()))
    return frame.set_axis(index, axis=0), labels, faults + ([] if source is None else duplicate_faults(index))


def _alike(ids: Any) -> str:
    """Return what all ids are where they name no row: 0, or blank."""
    words = set(texts(ids).listed)
    return "blank" if words == {""} else "0" if words in ({"0"}, {"0", ""}) else ""


def _numbering_hint(frame: Any) -> str:
    """Name the columns that number the rows, which a user may take for ids."""
    known = [name for name in frame.columns if normalized(name) in _NUMBERINGS]
    return f'; to take those of {some(known)}, choose columns={{"id": "{known[0]}"}}' if known else ""


def _spreadsheet_faults(ids: list[str]) -> list[Message]:
    """Find ids that a spreadsheet turned into dates, or into numbers with a power of ten."""
    joined = "\n".join(ids)
    if not _SUSPECT.search(joined):
        return []
    dates = [(row, text) for row, text in enumerate(ids, start=1) if _DATE.fullmatch(text)]
    if not dates and any(_PAIR.fullmatch(text) for text in ids):
        dates = [(row, text) for row, text in enumerate(ids, start=1) if _DAY.fullmatch(text)]
    powers = [(row, text) for row, text in enumerate(ids, start=1) if _POWER.fullmatch(text)]
    faults = []
    if dates:
        rows = [Message("cell.of_row", row=row, text=text) for row, text in dates]
        faults.append(Message("cell.ids_dates", n=len(dates), rows=rows, date="3月1日"))
    if powers:
        rows = [Message("cell.of_row", row=row, text=text) for row, text in powers]
        faults.append(Message("cell.ids_powers", n=len(powers), rows=rows))
    return faults


def with_id_prefix(frame: Any, prefix: str, layer: str) -> Any:
    """Return a layer whose ids begin with *prefix*; those of the file are kept as ``id_source``.

    Raises
    ------
    LayerError
        When the prefix is no text, or blank.
    """
    if not isinstance(prefix, str) or not prefix.strip():
        raise LayerError(layer, Message("cell.id_prefix", value=prefix))
    old = frame.index
    out = frame.set_axis(pd.Index(prefix.strip() + old.astype(object), name="id", dtype="str"), axis=0)
    if "id_source" not in out.columns:
        out.insert(len(out.columns) - 1, "id_source", old.to_numpy())
    out.attrs = {**frame.attrs, "id_prefix": prefix.strip()}
    logger.info('%s: "%s" was set before each id; those of the file are kept as "id_source"', layer, prefix.strip())
    return out


def _float_id_faults(source: Any) -> list[Message]:
    if pd.api.types.is_float_dtype(source.dtype):
        numbers = source.to_numpy(dtype=np.float64, na_value=np.nan)
    elif source.dtype == object and pd.api.types.infer_dtype(source) != "string":
        numbers = np.array([v for v in cells(source) if isinstance(v, (float, np.floating))], dtype=np.float64)
    else:
        return []
    numbers = numbers[np.isfinite(numbers)]
    whole = numbers == np.floor(numbers)
    parts = numbers[~whole].tolist()
    long = [f"{number:.0f}" for number in numbers[whole & (abs(numbers) >= MOST_DIGITS)]]
    faults = [Message("cell.ids_fraction", ids=parts)] if parts else []
    if long:
        faults.append(Message("cell.ids_long", ids=long))
    return faults


def duplicate_faults(ids: pd.Index) -> list[Message]:
    """Find duplicate ids."""
    if distinct(ids):
        return []
    twice = ids[ids.duplicated(keep=False) & (ids != "")].unique()
    if not len(twice):
        return []
    if (again := _restarts(ids)) > 0:
        return [Message("cell.ids_restart", ids=twice.tolist(), row=again)]
    return [Message("cell.ids_twice", ids=twice.tolist())]


def _restarts(ids: pd.Index) -> int:
    """Return the row in which ids that count from 0 or 1 start again; 0 for other ids."""
    words: list[str] = ids.to_numpy(dtype=object).tolist()
    if not all(word.isascii() and word.isdigit() and len(word) < 10 for word in words):
        return 0
    steps = np.diff(np.array(words, dtype=np.int64), prepend=int(words[0]) - 1)
    starts = np.flatnonzero(steps != 1)
    first = int(words[0])
    again = first in (0, 1) and len(starts) > 0 and all(int(words[at]) == first for at in starts)
    return int(starts[0]) + 1 if again else 0
