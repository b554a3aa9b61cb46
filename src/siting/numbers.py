"""Types of arrays, and the printing of numbers."""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = [
    "MOST_COUNT",
    "NONE",
    "Bools",
    "Floats",
    "Ints",
    "Ints8",
    "Ints32",
    "Positions",
    "Shapes",
    "amount",
    "percent",
]

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
