"""Align amounts, weights and groups with ids; refuse missing and invalid values."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from siting.errors import ProblemError, brief, counted, some
from siting.numbers import MOST_COUNT, Floats, floats

__all__ = ["amounts", "groups", "in_order", "refuse_inexact", "unique_ids", "weights"]


def refuse_inexact(values: Floats, ids: pd.Index, what: str) -> None:
    """Refuse numbers from 2 to the power of 53 on, and sums of them, which floats do not hold exactly."""
    with np.errstate(over="ignore"):
        total = float(values.sum())
    if not total >= MOST_COUNT:
        return
    large = values >= MOST_COUNT
    rows = some(f"{name}: {value:.6g}" for name, value in zip(ids[large], values[large], strict=True))
    found = f"is 9,007,199,254,740,992 or more for {rows}" if large.any() else f"adds up to {total:.3g}"
    raise ProblemError(f"{what} {found}; from 2^53 on numbers are not exact; correct them")


def unique_ids(ids: Iterable[object], what: str) -> pd.Index:
    """Make an index of *ids*; refuse duplicates."""
    index = ids if isinstance(ids, pd.Index) else pd.Index(list(ids))
    if not index.is_unique:
        raise ProblemError(f"{what} occur twice: {some(index[index.duplicated()].unique())}")
    return index


def in_order(values: pd.Series, ids: pd.Index, what: str, of: str = "origins") -> pd.Series:
    """Put *values* in the order of *ids*; refuse other types than Series, and ids with no row or two."""
    if not isinstance(values, pd.Series):
        raise ProblemError(f"{what} is {brief(values)}; give a Series with a value for each id of the {of}")
    if len(absent := ids.difference(unique_ids(values.index, f"{what}: ids"))):
        raise ProblemError(f"{what}: no value for {counted(len(absent), of)}: {some(absent)}")
    return values.reindex(ids)


def groups(by: pd.Series | None, ids: pd.Index, of: str = "origins", *, what: str = "by") -> pd.Series:
    """Put groups in the order of *ids*, "all" without *by*; refuse an id without a group."""
    if by is None:
        return pd.Series("all", index=ids)
    labels = in_order(by, ids, what, of)
    if labels.isna().any():
        raise ProblemError(f"{what}: no group for {of} {some(ids[labels.isna()])}")
    return labels


def weights(
    demand: pd.Series | pd.DataFrame, ids: pd.Index, *, what: str = "demand", of: str = "origins"
) -> pd.DataFrame:
    """Put columns of weights in the order of *ids*, as floats; refuse missing, negative and non-numeric values."""
    if not isinstance(demand, pd.Series | pd.DataFrame):
        raise ProblemError(f"{what} is a {type(demand).__name__}; give a Series or DataFrame with the ids of the {of}")
    frame = demand.to_frame(demand.name or what) if isinstance(demand, pd.Series) else demand
    if len(absent := ids.difference(frame.index)):
        raise ProblemError(f"{what} has no row for {counted(len(absent), of)}: {some(absent)}")
    frame = frame.loc[ids]
    if not frame.index.is_unique or len(frame) != len(ids):
        raise ProblemError(f"{what} has ids twice: {some(frame.index[frame.index.duplicated()])}")
    columns = {}
    for name in frame.columns:
        values = floats(frame[name])
        if (wrong := ~np.isfinite(values) | (values < 0)).any():
            rows = f"{int(wrong.sum())} rows: {some(ids[wrong])}"
            raise ProblemError(f'{what} "{name}" is negative or not a number in {rows}')
        refuse_inexact(values, ids, f'{what} "{name}"')
        columns[str(name)] = values
    return pd.DataFrame(columns, index=ids)


def amounts(values: pd.Series, ids: pd.Index, *, what: str, of: str = "origins") -> pd.Series:
    """Put a Series in the order of *ids*, as floats; refuse missing, negative and non-numeric values."""
    if not isinstance(values, pd.Series):
        raise ProblemError(f"{what} is a {type(values).__name__}; give one Series with the ids of the {of}")
    if values.index.equals(ids) and ids.is_unique and isinstance(values.dtype, np.dtype) and values.dtype.kind in "iuf":
        plain = values.to_numpy(float)
        if (
            np.isfinite(plain).all() and (plain >= 0).all() and plain.sum() < MOST_COUNT
        ):  # matching ids takes longer than most measures
            return pd.Series(plain, index=ids, name=values.name)
    return weights(values, ids, what=what, of=of).iloc[:, 0]
