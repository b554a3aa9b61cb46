"""Align amounts, weights and groups with ids; refuse missing and invalid values."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from siting.errors import ProblemError
from siting.messages import Message
from siting.numbers import MOST_COUNT, Floats, floats

__all__ = ["amounts", "groups", "in_order", "refuse_inexact", "unique_ids", "weights"]


def refuse_inexact(values: Floats, ids: pd.Index, what: str | Message) -> None:
    """Refuse numbers from 2 to the power of 53 on, and sums of them, which floats do not hold exactly."""
    with np.errstate(over="ignore"):
        total = float(values.sum())
    if not total >= MOST_COUNT:
        return
    large = values >= MOST_COUNT
    if not large.any():
        raise ProblemError(Message("ids.large_sum", what=what, sum=total))
    rows = [f"{name}: {value:.6g}" for name, value in zip(ids[large], values[large], strict=True)]
    raise ProblemError(Message("ids.too_large", what=what, rows=rows))


def unique_ids(ids: Iterable[object], what: str) -> pd.Index:
    """Make an index of *ids*; refuse duplicates."""
    index = ids if isinstance(ids, pd.Index) else pd.Index(list(ids))
    if not index.is_unique:
        raise ProblemError(Message("ids.twice", what=what, ids=index[index.duplicated()].unique()))
    return index


def in_order(values: pd.Series, ids: pd.Index, what: str, of: str = "origins") -> pd.Series:
    """Put *values* in the order of *ids*; refuse other types than Series, and ids with no row or two."""
    if not isinstance(values, pd.Series):
        raise ProblemError(Message("argument.series", what=what, value=values, of=of))
    if len(absent := ids.difference(unique_ids(values.index, what))):
        raise ProblemError(Message("ids.no_value", what=what, n=len(absent), of=of, ids=absent))
    return values.reindex(ids)


def groups(by: pd.Series | None, ids: pd.Index, of: str = "origins", *, what: str = "by") -> pd.Series:
    """Put groups in the order of *ids*, "all" without *by*; refuse an id without a group."""
    if by is None:
        return pd.Series("all", index=ids)
    labels = in_order(by, ids, what, of)
    if len(blank := ids[labels.isna()]):
        raise ProblemError(Message("ids.no_group", what=what, n=len(blank), of=of, ids=blank))
    return labels


def weights(
    demand: pd.Series | pd.DataFrame, ids: pd.Index, *, what: str = "demand", of: str = "origins"
) -> pd.DataFrame:
    """Put columns of weights in the order of *ids*, as floats; refuse missing, negative and non-numeric values."""
    if not isinstance(demand, pd.Series | pd.DataFrame):
        raise ProblemError(Message("argument.series_or_frame", what=what, value=demand, of=of))
    frame = demand.to_frame(demand.name or what) if isinstance(demand, pd.Series) else demand
    if len(absent := ids.difference(frame.index)):
        raise ProblemError(Message("ids.no_row", what=what, n=len(absent), of=of, ids=absent))
    frame = frame.loc[ids]
    if not frame.index.is_unique or len(frame) != len(ids):
        raise ProblemError(Message("ids.twice", what=what, ids=frame.index[frame.index.duplicated()].unique()))
    columns = {}
    for name in frame.columns:
        values, column = floats(frame[name]), Message("argument.column_of", what=what, column=name)
        if (wrong := ~np.isfinite(values) | (values < 0)).any():
            raise ProblemError(Message("ids.negative", what=column, n=int(wrong.sum()), ids=ids[wrong]))
        refuse_inexact(values, ids, column)
        columns[str(name)] = values
    return pd.DataFrame(columns, index=ids)


def amounts(values: pd.Series, ids: pd.Index, *, what: str, of: str = "origins") -> pd.Series:
    """Put a Series in the order of *ids*, as floats; refuse missing, negative and non-numeric values."""
    if not isinstance(values, pd.Series):
        raise ProblemError(Message("argument.series", what=what, value=values, of=of))
    if values.index.equals(ids) and ids.is_unique and isinstance(values.dtype, np.dtype) and values.dtype.kind in "iuf":
        plain = values.to_numpy(float)
        if (
            np.isfinite(plain).all() and (plain >= 0).all() and plain.sum() < MOST_COUNT
        ):  # matching ids takes longer than most measures
            return pd.Series(plain, index=ids, name=values.name)
    return weights(values, ids, what=what, of=of).iloc[:, 0]
