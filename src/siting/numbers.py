"""Types of arrays, and the printing of numbers."""

from __future__ import annotations

import math
from decimal import Decimal
from numbers import Real
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = [
    "MOST_COUNT", "NONE", "Bools", "Floats", "Ints", "Ints8", "Ints32", "Positions", "Shapes", "alike", "amount",
    "floats", "percent",
]  # fmt: skip

Floats: TypeAlias = npt.NDArray[np.float64]
Bools: TypeAlias = npt.NDArray[np.bool_]
Ints: TypeAlias = npt.NDArray[np.int64]
Ints32: TypeAlias = npt.NDArray[np.int32]
Ints8: TypeAlias = npt.NDArray[np.int8]
#: Positions in an array.
Positions: TypeAlias = npt.NDArray[np.intp]
#: Geometries, one an entry.
Shapes: TypeAlias = npt.NDArray[np.object_]

#: Below this, 2 to the power of 53, a float holds every whole number.
MOST_COUNT = 2.0**53

#: Printed for a missing number.
NONE = "—"


def floats(values: pd.Series) -> Floats:
    """Return the numbers of a Series of any type as floats: NaN where one is missing, or no number.

    Examples
    --------
    >>> floats(pd.Series([1, pd.NA, 3], dtype="Int64")).tolist(), floats(pd.Series(["2", "x", 10**400])).tolist()
    ([1.0, nan, 3.0], [2.0, nan, nan])
    """
    types = pd.api.types
    if types.is_numeric_dtype(values.dtype) and not types.is_complex_dtype(values.dtype):
        return values.to_numpy(dtype=np.float64, na_value=np.nan)
    return np.array([_float(cell) for cell in values.astype(object)], dtype=np.float64)


def _float(cell: Any) -> float:
    if cell is None or not isinstance(cell, (Real, Decimal, str)):
        return math.nan
    try:
        return float(cell)
    except (ValueError, OverflowError):
        return math.nan


def alike(a: float, b: float) -> bool:
    """Whether two numbers are equal but for rounding: to 1e-9, or to 1e-9 of the larger.

    Examples
    --------
    >>> alike(0.1 + 0.2, 0.3), alike(1e12, 1e12 + 1), alike(3.0, 3.001)
    (True, True, False)
    """
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9)


def percent(share: float) -> str:
    """Print a share of 1 in per cent with one decimal; `NONE` for NaN.

    Examples
    --------
    >>> percent(0.4567)
    '45.7 %'
    """
    return NONE if math.isnan(share) else f"{100 * share:.1f} %"


def amount(number: float) -> str:
    """Print an amount with separators of thousands; `NONE` for NaN, "∞" for infinity.

    Examples
    --------
    >>> amount(12500.5)
    '12,500.5'
    """
    if math.isnan(number):
        return NONE
    return "∞" if math.isinf(number) else f"{number:,.10g}"
