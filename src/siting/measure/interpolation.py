"""The figure of a year from printed ones of others: linear interpolation, constant growth, extrapolation."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from numbers import Integral
from typing import Any, Literal, TypeAlias, get_args

import pandas as pd

from siting.errors import ProblemError
from siting.messages import Message

__all__ = ["Method", "annual_growth", "annual_increase", "interpolate_figures", "is_year", "printed"]

logger = logging.getLogger(__name__)

Method: TypeAlias = Literal["linear", "growth"]
Figures: TypeAlias = "Mapping[int, float] | pd.Series"

#: Whole numbers in this range are years; ids are text.
YEARS = (1900, 2200)


def interpolate_figures(figures: Figures, year: int, *, method: Method = "linear") -> float:
    """Interpolate the figure of a year from those printed for other years.

    With the printed years ``t0 < t1`` next to ``t`` and their figures ``x0``, ``x1``. Before the first and after the
    last printed year the trend of the two nearest is extrapolated, and a warning is logged.

    Parameters
    ----------
    figures, year
        At least two figures by year, in any unit (one is enough for its own year); the year of the answer.
    method
        ``"linear"``, the same number each year: ``x0 + (x1 - x0) (t - t0) / (t1 - t0)``; or ``"growth"``, the same
        percentage each year: ``x0 (x1 / x0) ** ((t - t0) / (t1 - t0))``.

    Returns
    -------
    float
        In the unit of the figures, not rounded; in a printed year the printed one.

    Raises
    ------
    ProblemError
        When figures are too few, negative or no numbers, growth starts or ends at 0, or the trend falls below 0.

    Examples
    --------
    Hangzhou's residents aged 60+, in 10,000, as its plan prints them for 2021 and expects them in 2025:

    >>> printed = {2021: 211.1, 2025: 264}
    >>> interpolate_figures(printed, 2023), round(interpolate_figures(printed, 2023, method="growth"), 2)
    (237.55, 236.07)
    """
    if method not in get_args(Method):
        raise ProblemError(Message("argument.choose", what="method", value=method, choices=get_args(Method)))
    known = printed(figures)
    if not is_year(year):
        raise ProblemError(Message("forecast.method_year", value=year))
    if year in known:
        return known[int(year)]
    if len(known) < 2:
        raise ProblemError(Message("forecast.one_figure", years=_span(known), year=year))
    years = list(known)
    k = max(1, next((k for k, t in enumerate(years) if t > year), len(years) - 1))
    t0, t1 = years[k - 1], years[k]
    x0, x1 = known[t0], known[t1]
    share = (year - t0) / (t1 - t0)
    if beyond(known, year):
        logger.warning(Message("forecast.beyond", year=year, years=_span(known)))
    if method == "linear":
        figure = x0 + (x1 - x0) * share
        if figure < 0:
            raise ProblemError(Message("forecast.trend_falls", first=t0, last=t1, year=year))
        return figure
    if not min(x0, x1) > 0:
        raise ProblemError(Message("forecast.no_growth", begin=x0, first=t0, end=x1, last=t1))
    return float(x0 * (x1 / x0) ** share)


def annual_growth(figures: Figures) -> float:
    """Compute the constant yearly growth from the first to the last figure: ``(x1 / x0) ** (1 / (t1 - t0)) - 1``.

    `forecast` takes it as a rate, for example that of the whole city.

    Parameters
    ----------
    figures
        At least two figures by year, as for `interpolate_figures`.

    Returns
    -------
    float
        As a share: 0.0454 for 4.54 % a year.

    Raises
    ------
    ProblemError
        As for `interpolate_figures`.

    Examples
    --------
    Hangzhou's residents aged 60+ (10,000), for which its plan prints a growth of 4.54 % a year:

    >>> round(100 * annual_growth({2015: 161.7, 2021: 211.1}), 2)
    4.54
    """
    (t0, x0), (t1, x1) = _ends(figures)
    if not min(x0, x1) > 0:
        raise ProblemError(Message("forecast.no_annual_growth", begin=x0, first=t0, end=x1, last=t1))
    return float((x1 / x0) ** (1 / (t1 - t0)) - 1)


def annual_increase(figures: Figures) -> float:
    """Compute the constant yearly increase from the first to the last figure: ``(x1 - x0) / (t1 - t0)``.

    Parameters
    ----------
    figures
        At least two figures by year, as for `interpolate_figures`.

    Returns
    -------
    float
        In the unit of the figures, a year.

    Raises
    ------
    ProblemError
        As for `interpolate_figures`.

    Examples
    --------
    >>> annual_increase({2021: 2_111_000, 2025: 2_640_000})
    132250.0
    """
    (t0, x0), (t1, x1) = _ends(figures)
    return (x1 - x0) / (t1 - t0)


def printed(figures: Figures) -> dict[int, float]:
    """Return figures in the order of years; refuse keys that are not years, and figures that are not numbers."""
    pairs = list(figures.items())
    years = [year for year, _ in pairs]
    if not pairs or not all(is_year(year) for year in years) or len(set(years)) < len(years):
        raise ProblemError(Message("forecast.by_year", years=years))
    by_year = {int(str(year)): amount(value, Message("forecast.figure_of", year=year)) for year, value in pairs}
    return dict(sorted(by_year.items()))


def is_year(key: object) -> bool:
    """Whether *key* is a year: a whole number, not text, and no id such as 330702."""
    return isinstance(key, Integral) and not isinstance(key, bool) and YEARS[0] <= int(key) <= YEARS[1]


def check_years(from_year: object, to_year: object) -> None:
    """Refuse anything but two years, the later one last."""
    if not is_year(from_year) or not is_year(to_year) or to_year < from_year:  # type: ignore[operator]
        raise ProblemError(Message("forecast.two_years", begin=from_year, end=to_year))


def beyond(figures: Mapping[int, float], year: int) -> bool:
    """Whether *year* lies before the first or after the last of the figures."""
    return not min(figures) <= year <= max(figures)


def amount(value: Any, what: str | Message) -> float:
    """Return a number of 0 or more; refuse all else."""
    return finite(value, what, least=0.0)


def finite(value: Any, what: str | Message, *, least: float = -math.inf) -> float:
    """Return a finite number of at least *least*; refuse all else."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number) or number < least:
        facts = {"what": what, "value": value}
        anything = math.isinf(least)
        raise ProblemError(
            Message("argument.number", **facts) if anything else Message("argument.not_negative", **facts)
        )
    return number


def _ends(figures: Figures) -> tuple[tuple[int, float], tuple[int, float]]:
    known = list(printed(figures).items())
    if len(known) < 2:
        raise ProblemError(Message("forecast.two_figures"))
    return known[0], known[-1]


def _span(known: Mapping[int, float]) -> str:
    return "–".join(str(year) for year in sorted({min(known), max(known)}))
