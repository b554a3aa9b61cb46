"""The formulas of provision, for numbers or arrays of households and people.

The readings of “one facility for each 3000-4000 households, and one more for each further 3000” differ; with a facility
due from ``a`` households, the first serving up to ``b`` and each further one for ``c``:

- low: ``1 + floor((H - b) / c)`` above ``b``, else 1
- middle: ``1 + floor((H - a) / c)``
- high: ``1 + ceil((H - b) / c)`` above ``b``, else 1

and 0 below ``a`` in all of them. In the high reading no facility serves more households than the rule prints.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from siting.numbers import Floats, Ints

__all__ = ["area_owed", "facilities_for_people", "facilities_owed", "units_owed"]

#: Rounding tolerance of a quotient.
TOLERANCE = 1e-9


def area_owed(
    households: npt.ArrayLike, per_100: float, least: float = 0.0, *, sites: npt.ArrayLike = 1, scope: str = "area"
) -> Floats:
    """Floor area that an estate owes, m²: ``max(a H / 100, A_min)``, in proportion, not in whole hundreds.

    With *scope* "site" the least area is for each of its *sites*: ``max(a H / 100, n A_min)``.

    Examples
    --------
    >>> area_owed([1000, 3600], 15, 200).tolist()
    [200.0, 540.0]
    >>> area_owed(3600, 20, 200, scope="site").item()
    720.0
    """
    floor = least * np.maximum(np.asarray(sites, float), 1) if scope == "site" else np.asarray(least)
    owed: Floats = np.maximum(per_100 * np.asarray(households, float) / 100, floor)
    return owed


def facilities_owed(
    households: npt.ArrayLike, first: float, first_most: float, further: float, *, reading: str = "high"
) -> Ints:
    """Count the facilities that an estate owes by its households, in the reading "high", "middle" or "low".

    *first* and *first_most* are the households printed for the first facility, *further* those for each further one.

    Examples
    --------
    >>> [facilities_owed([3600, 4001, 7001], 3000, 4000, 3000, reading=r).tolist() for r in ("low", "high")]
    [[1, 1, 2], [1, 2, 3]]
    """
    number = np.asarray(households, float)
    further_ones = {
        "low": np.floor((number - first_most) / further + TOLERANCE),
        "middle": np.floor((number - first) / further + TOLERANCE),
        "high": np.ceil((number - first_most) / further - TOLERANCE),
    }[reading]
    return np.where(number >= first, 1 + np.maximum(further_ones, 0), 0).astype(np.int64)


def facilities_for_people(people: npt.ArrayLike, each: float, *, reading: str = "ceil") -> Ints:
    """Count the facilities that a number of people requires, one for each *each* of them.

    With "ceil" none serves more than N people, ``ceil(P / N)``; with "floor" one is owed each time N is reached.

    Examples
    --------
    >>> [facilities_for_people([19_999, 20_000, 50_000], 20_000, reading=r).tolist() for r in ("ceil", "floor")]
    [[1, 1, 3], [0, 1, 2]]
    """
    number = np.asarray(people, float) / each
    whole = np.ceil(number - TOLERANCE) if reading == "ceil" else np.floor(number + TOLERANCE)
    return np.asarray(whole, np.int64)


def units_owed(people: npt.ArrayLike, rate: float, per: float = 1000.0) -> Ints:
    """Places or beds for a number of people: ``ceil(q P / 1000)``.

    Examples
    --------
    >>> units_owed(8388, 10).item()
    84
    """
    return np.ceil(np.asarray(people, float) * rate / per - TOLERANCE).astype(np.int64)
