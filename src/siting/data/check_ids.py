"""The ids of a layer: from its index or its column, or made; each fault of them."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pandas as pd

from siting.data.values import MOST_DIGITS, cells, distinct, joined, numbered, texts
from siting.errors import LayerError, some

logger = logging.getLogger(__name__)


def set_ids(frame: Any, role: str, layer: str, *, from_column: bool) -> tuple[Any, list[str], list[str]]:
    """Set the index; return the frame, a label for each row for messages, and the faults."""
    source: Any = frame.index
    has_column, indexed = "id" in frame.columns, source.name == "id"
    if has_column and not from_column and len(frame) > 1 and set(texts(frame["id"]).listed) == {"0"}:
        logger.warning('%s: the ids are 0 in every row, which name none; the column is kept as "id_source"', layer)
        frame, has_column = frame.rename(columns={"id": "id_source"}), False
        frame.attrs["understood"] = {k: v for k, v in frame.attrs.get("understood", {}).items() if v != "id"}
    faults: list[str] = []
    if has_column and (from_column or not indexed):
        source, frame = frame["id"], frame.drop(columns="id")
    elif not indexed and isinstance(source, pd.RangeIndex) and source.equals(pd.RangeIndex(len(source))):
        source = None
    if source is None:
        ids = numbered(role, len(frame))
        logger.info("%s: has no ids; they were made, %s-1 to %s-%d", layer, role, role, len(frame))
    elif isinstance(source, pd.MultiIndex):
        ids = joined([texts(source.get_level_values(level)).array for level in range(source.nlevels)])
    else:
        read = texts(source)
        ids, faults = read.array, _float_id_faults(source)
        if read.trimmed:
            logger.info("%s: white space around %d ids was trimmed", layer, read.trimmed)
    index = pd.Index(ids, name="id", dtype="str")
    labels: list[str] = index.to_numpy(dtype=object).tolist()
    empty = np.flatnonzero(index == "")
    for row in empty:
        labels[row] = f"row {row + 1}"
    if len(empty):
        faults.append(f"{len(empty)} ids are empty: rows {some(empty + 1)}; every row needs one")
    return frame.set_axis(index, axis=0), labels, faults + ([] if source is None else duplicate_faults(index))


def with_id_prefix(frame: Any, prefix: str, layer: str) -> Any:
    """Return a layer whose ids begin with *prefix*; those of the file are kept as ``id_source``.

    Raises
    ------
    LayerError
        When the prefix is no text, or blank.
    """
    if not isinstance(prefix, str) or not prefix.strip():
        raise LayerError(layer, f'id_prefix is {prefix!r}; give a text, such as "new-"')
    old = frame.index
    out = frame.set_axis(pd.Index(prefix.strip() + old.astype(object), name="id", dtype="str"), axis=0)
    if "id_source" not in out.columns:
        out.insert(len(out.columns) - 1, "id_source", old.to_numpy())
    out.attrs = {**frame.attrs, "id_prefix": prefix.strip()}
    logger.info('%s: "%s" was set before each id; those of the file are kept as "id_source"', layer, prefix.strip())
    return out


def _float_id_faults(source: Any) -> list[str]:
    if pd.api.types.is_float_dtype(source.dtype):
        numbers = source.to_numpy(dtype=np.float64, na_value=np.nan)
    elif source.dtype == object and pd.api.types.infer_dtype(source) != "string":
        numbers = np.array([v for v in cells(source) if isinstance(v, (float, np.floating))], dtype=np.float64)
    else:
        return []
    numbers = numbers[np.isfinite(numbers)]
    whole = numbers == np.floor(numbers)
    parts, long = numbers[~whole].tolist(), numbers[whole & (abs(numbers) >= MOST_DIGITS)].tolist()
    faults = [f"ids are numbers with a fraction: {some(parts)}; give whole numbers or text"] if parts else []
    if long:
        what = f"ids of more than 15 digits were kept as numbers and have lost digits: {some(long)}"
        faults.append(f"{what}; keep the column as text in the file")
    return faults


def duplicate_faults(ids: pd.Index) -> list[str]:
    """Find duplicate ids."""
    if distinct(ids):
        return []
    twice = ids[ids.duplicated(keep=False) & (ids != "")].unique()
    return [f"ids occur more than once: {some(twice)}; every id must be unique"] if len(twice) else []
