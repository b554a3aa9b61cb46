"""A population carried forward by age: `life_table`, `cohort_forecast`, `age_bands`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from siting.errors import ProblemError
from siting.measure.apportionment import apportion, whole_number
from siting.measure.interpolation import amount, check_years
from siting.messages import Message
from siting.numbers import Floats, Positions

__all__ = ["BANDS", "age_bands", "cohort_forecast", "life_table"]

ByAge: TypeAlias = pd.Series | pd.DataFrame

#: Completed ages, from and below: columns of the communities, and the ages that the plans name beside them.
BANDS: Mapping[str, tuple[int, int | None]] = {
    "infants": (0, 3),
    "elderly": (60, None),
    "aged_65": (65, None),
    "aged_80": (80, None),
}


def cohort_forecast(
    ages: ByAge,
    *,
    from_year: int,
    to_year: int,
    survival: ByAge,
    newborn: float | None = None,
    births: float | Mapping[int, float] | ByAge | None = None,
    fertility: pd.Series | None = None,
    women: float | ByAge | None = None,
    migration: ByAge | Mapping[int, ByAge] | None = None,
) -> pd.DataFrame:
    """Carry a population by single years of age forward, year by year (cohort component method [1]_, [2]_).

    With ``N(x)`` people of completed age ``x`` at the end of a year, ``S(x)`` the share of them alive a year later,
    ``M(x)`` net migrants, ``B`` births of the next year and ``A`` the open last age (``A`` and over)::

        N'(0) = S(born) B + M(0)
        N'(x) = S(x-1) N(x-1) + M(x)                     0 < x < A
        N'(A) = S(A-1) N(A-1) + S(A) N(A) + M(A)

    `births` are given, or follow from `fertility`: ``B = sum over x of f(x) w(x) (N(x) + N'(x)) / 2``, N' before
    migration, with ``f`` births a year per woman and ``w`` the share of women: without migration the product with a
    Leslie matrix. No rate is built in; those given hold for all years.

    Parameters
    ----------
    ages
        People by completed age 0, 1, 2, …, the last age for all older people: a Series, or a column for each area.
    from_year, to_year
        Year at whose end *ages* are counted, and the last year forecast.
    survival
        Share by age alive a year later, 0 to 1, also of the open age (`survival` of a `life_table`); or ages by areas.
    newborn
        Share of a year's births alive at its end, 0 to 1 (`lived` at age 0 of a `life_table`). Required with births.
    births
        Births a year: one number, or by year; for several areas a DataFrame, years by areas.
    fertility, women
        Births a year per woman by age (none where not listed), and the share of women: one number, by age, or by area.
    migration
        Net migrants a year, by their age at the end of it; a mapping gives each year its own.

    Returns
    -------
    DataFrame
        Expected people, not rounded, from *from_year* on: index (`year`, `age`), a column for each area ("all" for a
        Series). Without births and fertility those born after *from_year* are missing (NaN), not 0.

    Raises
    ------
    ProblemError
        When ages have gaps, a number, year or area is missing, a number is out of range, or more people leave than live
        there.

    References
    ----------
    .. [1] S. H. Preston, P. Heuveline and M. Guillot, "Demography: Measuring and Modeling Population Processes",
       Blackwell, 2001, chapter 6.
    .. [2] P. H. Leslie, "On the use of matrices in certain population mathematics", Biometrika 33 (3), 1945,
       pp. 183-212.

    Examples
    --------
    Ages 0, 1, 2 and 3 or over, with made-up survival:

    >>> ages = pd.Series([100, 100, 100, 100])
    >>> survival = pd.Series([1.0, 0.9, 0.8, 0.5])
    >>> cohort_forecast(ages, from_year=2021, to_year=2022, survival=survival, births=50, newborn=0.98).loc[2022, "all"]
    age
    0     49.0
    1    100.0
    2     90.0
    3    130.0
    Name: all, dtype: float64
    """
    check_years(from_year, to_year)
    table = _ages(ages)
    people, alive = _numbers(table, table, "ages"), _numbers(survival, table, "survival", most=1)
    years = range(from_year + 1, to_year + 1)
    if (births is not None or fertility is not None) and newborn is None:
        raise ProblemError(Message("forecast.newborn"))
    if newborn is not None and amount(newborn, "newborn") > 1:
        raise ProblemError(Message("argument.share", what="newborn", value=newborn))
    if births is not None and fertility is not None:
        raise ProblemError(Message("argument.not_both", one="births", other="fertility"))
    given = None if births is None else _births(births, years, table)
    rate = None if fertility is None else _births_per_person(fertility, women, table)
    steps = [people]
    for k, year in enumerate(years):
        older, living = np.full_like(people, np.nan), people * alive
        older[1:] = living[:-1]
        older[-1] += living[-1]
        if given is not None:
            older[0] = given[k]
        elif rate is not None:
            older[0] = 0  # the newborn bear none
            older[0] = (rate * (people + older) / 2).sum(axis=0)
        older[0] *= 1.0 if newborn is None else newborn
        people = older if migration is None else _migrated(older, migration, year, table)
        steps.append(people)
    index = pd.MultiIndex.from_product([range(from_year, to_year + 1), table.index], names=["year", "age"])
    return pd.DataFrame(np.concatenate(steps), index=index, columns=table.columns)


def life_table(deaths: pd.Series, *, remaining: float) -> pd.DataFrame:
    """Turn probabilities of death by age into the survival that `cohort_forecast` takes [1]_.

    Of one birth, ``l(x)`` reach their birthday ``x``: ``l(0) = 1``, ``l(x + 1) = l(x) (1 - q(x))``. Between two
    birthdays they live ``L(x) = (l(x) + l(x + 1)) / 2`` years; in the open age ``L(A) = l(A) e(A)``. With ``T(x)`` the
    sum of ``L`` from x on, ``S(x) = L(x + 1) / L(x)``, and for the last two ages ``T(A) / T(A - 1)``.

    Parameters
    ----------
    deaths, remaining
        Probability ``q(x)`` of death before the next birthday, ages 0 to A - 1; life expectancy at age A, ``e(A)``.

    Returns
    -------
    DataFrame
        By age 0, …, A: `alive` (l), `lived` (L), `ahead` (T) and `survival` (S). `lived` at age 0 is the share of a
        year's births alive at its end, slightly high, since most deaths of infants come early.

    Raises
    ------
    ProblemError
        When ages have gaps, a probability is not within 0 to 1, or *remaining* is not above 0.

    References
    ----------
    .. [1] S. H. Preston, P. Heuveline and M. Guillot, "Demography: Measuring and Modeling Population Processes",
       Blackwell, 2001, chapters 3 and 6.

    Examples
    --------
    >>> life_table(pd.Series([0.2, 0.5]), remaining=2)
         alive  lived  ahead  survival
    age
    0      1.0    0.9    2.3  0.666667
    1      0.8    0.6    1.4  0.571429
    2      0.4    0.8    0.8  0.571429
    """
    table = _ages(deaths)
    q = _numbers(table, table, "deaths", most=1)[:, 0]
    if not amount(remaining, "remaining") > 0:
        raise ProblemError(Message("forecast.remaining", value=remaining))
    alive = np.append(1.0, np.cumprod(1 - q))
    lived = np.append((alive[:-1] + alive[1:]) / 2, alive[-1] * remaining)
    ahead = np.cumsum(lived[::-1])[::-1]
    survival = np.divide(lived[1:], lived[:-1], out=np.zeros(len(q)), where=lived[:-1] > 0)
    survival[-1] = ahead[-1] / ahead[-2] if ahead[-2] > 0 else 0.0
    columns = {"alive": alive, "lived": lived, "ahead": ahead, "survival": np.append(survival, survival[-1])}
    return pd.DataFrame(columns, index=pd.RangeIndex(len(alive), name="age"))


def age_bands(people: pd.DataFrame, bands: Mapping[str, tuple[int, int | None]] | None = None) -> pd.DataFrame:
    """Add up a `cohort_forecast` by bands of age, in whole people.

    The ages of each year and area are rounded by largest remainders, so that bands that share no age add up.

    Parameters
    ----------
    people
        From `cohort_forecast`.
    bands
        Completed ages from and below, by name. Without it `infants` (0, 3), `elderly` (60, None), `aged_65`, `aged_80`.

    Returns
    -------
    DataFrame
        Index (`year`, `area`), a column (Int64) for each band, and `population`, all ages; missing where an age of the
        band is. `forecast` takes these columns as totals.

    Raises
    ------
    ProblemError
        When a band is empty, splits the open last age, or is called `population`.

    Examples
    --------
    >>> ages = pd.DataFrame({"D1": [1.5, 1.5, 2.0]}, index=pd.MultiIndex.from_product([[2025], [0, 1, 2]]))
    >>> age_bands(ages, {"under_2": (0, 2), "others": (2, None)}).loc[(2025, "D1")].tolist()
    [3, 2, 5]
    """
    chosen = dict(BANDS if bands is None else bands)
    if "population" in chosen:
        raise ProblemError(Message("forecast.band_population"))
    tall = people.rename_axis(index=["year", "age"]).reset_index()
    tall = tall.melt(["year", "age"], var_name="area", value_name="people")
    last = int(tall["age"].max())
    for name, (low, high) in chosen.items():
        if not 0 <= low <= last or (high is not None and not low < high <= last):
            raise ProblemError(Message("forecast.band", name=name, low=low, high=high, last=last))
    known = tall["people"].notna().to_numpy()
    keys: Positions = np.asarray(tall.groupby(["year", "area"], sort=False).ngroup(), np.intp)
    values = np.where(known, tall["people"].to_numpy(float), 0.0)
    totals = np.array([whole_number(x) for x in np.bincount(keys, values)], np.int64)
    whole = pd.Series(apportion(values, keys, totals), index=tall.index, dtype="Int64").mask(~known)
    columns = {}
    for name, (low, high) in {**chosen, "population": (0, None)}.items():
        inside = tall["age"].ge(low) & tall["age"].lt(last + 1 if high is None else high)
        rows = tall[inside].assign(people=whole[inside]).groupby(["year", "area"], sort=False)["people"]
        columns[name] = rows.sum().mask(rows.count() < rows.size())
    index = pd.MultiIndex.from_product([tall["year"].unique(), people.columns], names=["year", "area"])
    return pd.DataFrame(columns).reindex(index)


def _ages(given: ByAge) -> pd.DataFrame:
    """Return ages by areas, in the order of ages."""
    table = (given.to_frame("all") if isinstance(given, pd.Series) else given).sort_index()
    if len(table) < 2 or not pd.api.types.is_integer_dtype(table.index) or list(table.index) != list(range(len(table))):
        raise ProblemError(Message("forecast.ages"))
    return table


def _numbers(
    given: Any, table: pd.DataFrame, what: str | Message, *, least: float = 0, most: float = math.inf
) -> Floats:
    """Return numbers as ages by areas of *table*: one for all, by age, or by age and area."""
    if not isinstance(given, pd.Series | pd.DataFrame):
        given = pd.Series(given, index=table.index)
    if isinstance(given, pd.Series):
        given = pd.DataFrame(dict.fromkeys(table.columns, given))
    if given.index.has_duplicates:
        raise ProblemError(Message("ids.twice", what=what, ids=given.index[given.index.duplicated()].unique()))
    lacking = [*table.index.difference(given.index), *table.columns.difference(given.columns)]
    strange = [*given.index.difference(table.index), *given.columns.difference(table.columns)]
    if lacking or strange:
        none = Message("forecast.none")
        differ = {"lacking": lacking or none, "strange": strange or none}
        raise ProblemError(Message("forecast.ages_differ", what=what, **differ))
    given = given.loc[table.index, table.columns]
    values: Floats = given.apply(pd.to_numeric, errors="coerce").to_numpy(float, na_value=np.nan)
    if (wrong := ~np.isfinite(values) | (values < least) | (values > most)).any():
        x, area = (int(k[0]) for k in np.nonzero(wrong))
        first = {"value": values[x, area], "age": table.index[x], "area": table.columns[area]}
        facts = {"what": what, "n": int(wrong.sum()), **first}
        if least < 0:
            raise ProblemError(Message("forecast.no_numbers", **facts))
        raise ProblemError(
            Message("forecast.below_zero", **facts) if most > 1 else Message("forecast.not_shares", **facts)
        )
    return values


def _births(births: Any, years: range, table: pd.DataFrame) -> Floats:
    """Return births, years by areas."""
    areas = table.columns
    if not isinstance(births, pd.DataFrame):
        if len(areas) > 1:
            raise ProblemError(Message("forecast.births_frame"))
        by_year = births if isinstance(births, pd.Series | Mapping) else dict.fromkeys(years, births)
        births = pd.DataFrame({areas[0]: pd.Series(dict(by_year.items()), dtype=object)})
    if lacking := [*areas.difference(births.columns), *(year for year in years if year not in births.index)]:
        raise ProblemError(Message("forecast.births_absent", lacking=lacking))
    rows = births.loc[list(years), areas].to_numpy(object)
    named = [Message("forecast.births_of", year=year, area=area) for year in years for area in areas]
    numbers = [amount(value, what) for value, what in zip(rows.ravel(), named, strict=True)]
    return np.array(numbers, float).reshape(rows.shape)


def _births_per_person(fertility: pd.Series, women: Any, table: pd.DataFrame) -> Floats:
    """Return births a year per person of an age, ages by areas."""
    if women is None:
        raise ProblemError(Message("forecast.women"))
    if strange := [age for age in fertility.index if age not in table.index or age == 0]:
        raise ProblemError(Message("forecast.mothers", ages=strange))
    rate = _numbers(fertility.reindex(table.index, fill_value=0.0), table, "fertility")
    return rate * _numbers(women, table, "women", most=1)


def _migrated(people: Floats, migration: Any, year: int, table: pd.DataFrame) -> Floats:
    if isinstance(migration, Mapping):
        if year not in migration:
            raise ProblemError(Message("forecast.migration_absent", year=year))
        migration = migration[year]
    if len(table.columns) > 1 and not isinstance(migration, pd.DataFrame):
        raise ProblemError(Message("forecast.migration_frame"))
    left = people + _numbers(migration, table, Message("forecast.migration_of", year=year), least=-math.inf)
    if (left < 0).any():
        x, area = (int(k[0]) for k in np.nonzero(left < 0))
        where = {"age": table.index[x], "area": table.columns[area]}
        raise ProblemError(Message("forecast.migration_leaves", year=year, **where))
    return left
