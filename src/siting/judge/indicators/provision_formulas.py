"""What a rule asks of one estate, park or population: the formulas of provision, for numbers or arrays of them.

The readings of “one facility for each 3000-4000 households, and one more for each further 3000” differ; with a facility
due from ``a`` households, the first serving up to ``b`` and each further one for ``c``:

- low: ``1 + floor((H - b) / c)`` above ``b``, else 1
- middle: ``1 + floor((H - a) / c)``
- high: ``1 + ceil((H - b) / c)`` above ``b``, else 1

and 0 below ``a`` in all of them. With the high reading no facility stands for more households than the rule prints.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from siting.numbers import Floats, Ints

__all__ = [
    "area_owed",
    "facilities_for_employees",
    "facilities_for_people",
    "facilities_owed",
    "land_owed",
    "units_owed",
]

SLACK = 1e-9


def area_owed(
    households: npt.ArrayLike, per_100: float, least: float = 0.0, *, sites: npt.ArrayLike = 1, scope: str = "area"
) -> Floats:
    """Floor area that an estate owes, m²: ``max(a H / 100, A_min)``, in proportion, not in whole hundreds.

    Parameters
    ----------
    households
        H, of one or many estates.
    per_100
        a, m² per 100 households.
    least
        A_min, m².
    sites
        How many facilities the estate has to have.
    scope
        "area": the least area is for the estate; "site": for each facility, ``max(a H / 100, n A_min)``.

    Examples
    --------
    >>> area_owed([1000, 3600], 15, 200).tolist()
    [200.0, 540.0]
    >>> area_owed(3600, 20, 200, scope="site").item()
    720.0
    """
    floor = np.asarray(least * np.maximum(np.asarray(sites, float), 1) if scope == "site" else least)
    made: Floats = np.maximum(per_100 * np.asarray(households, float) / 100, floor)
    return made


def facilities_owed(
    households: npt.ArrayLike, first: float, first_most: float, further: float, *, reading: str = "high"
) -> Ints:
    """Count the facilities that an estate owes by its households, in one of three readings.

    Parameters
    ----------
    households
        H, of one or many estates.
    first, first_most
        a and b: the range of households printed for the first facility.
    further
        c: households for each further one.
    reading
        "high" (none stands for more households than printed), "middle" or "low".

    Examples
    --------
    >>> [facilities_owed([3600, 4001, 7001], 3000, 4000, 3000, reading=r).tolist() for r in ("low", "high")]
    [[1, 1, 2], [1, 2, 3]]
    """
    number = np.asarray(households, float)
    steps = {
        "low": np.floor((number - first_most) / further + SLACK),
        "middle": np.floor((number - first) / further + SLACK),
        "high": np.ceil((number - first_most) / further - SLACK),
    }[reading]
    made: Ints = np.where(number >= first, 1 + np.maximum(steps, 0), 0).astype(np.int64)
    return made


def facilities_for_employees(employees: npt.ArrayLike, per: float) -> Ints:
    """Count the facilities that a park owes: one each time *per* employees are reached, ``floor(W / per)``.

    Examples
    --------
    >>> facilities_for_employees([9_999, 10_000, 29_999], 10_000).tolist()
    [0, 1, 2]
    """
    made: Ints = np.floor(np.asarray(employees, float) / per + SLACK).astype(np.int64)
    return made


def facilities_for_people(people: npt.ArrayLike, each: float, *, reading: str = "ceil") -> Ints:
    """Count the facilities that so many people owe, one for each *each* of them.

    Parameters
    ----------
    people
        P, of one or many areas.
    each
        N, people for one facility.
    reading
        "ceil": none stands for more people than N, ``ceil(P / N)``; "floor": one each time N is reached.

    Examples
    --------
    >>> [facilities_for_people([19_999, 20_000, 50_000], 20_000, reading=r).tolist() for r in ("ceil", "floor")]
    [[1, 1, 3], [0, 1, 2]]
    """
    number = np.asarray(people, float) / each
    made: Ints = (np.ceil(number - SLACK) if reading == "ceil" else np.floor(number + SLACK)).astype(np.int64)
    return made


def units_owed(people: npt.ArrayLike, rate: float, per: float = 1000.0) -> Ints:
    """Places or beds for so many people: ``ceil(q P / 1000)``.

    Examples
    --------
    >>> units_owed(8388, 10).item()
    84
    """
    made: Ints = np.ceil(np.asarray(people, float) * rate / per - SLACK).astype(np.int64)
    return made


def land_owed(people: npt.ArrayLike, per_head: float) -> Floats:
    """Land that a population owes, m²: so many for each resident.

    Examples
    --------
    >>> land_owed(120_000, 0.1).item()
    12000.0
    """
    made: Floats = np.asarray(people, float) * per_head
    return made
