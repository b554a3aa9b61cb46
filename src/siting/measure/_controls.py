"""What a forecast is held to: totals of a column, for all and by area, from rates, increases and printed figures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from siting.errors import LayerError, ProblemError, some
from siting.measure._figures import Method, amount, beyond, interpolate_figures, is_year, printed
from siting.measure._rounding import whole_number

__all__ = ["ALL", "Base", "Control", "controls"]

#: Key of the total of all areas beside totals of some.
ALL, OTHERS = "all", "the other areas"
#: Growth above this is taken for percent written as a share.
MOST_RATE = 0.5


@dataclass(frozen=True, eq=False)
class Base:
    """The base year: people by column, and the area of each row where one is needed."""

    people: Mapping[str, npt.NDArray[Any]]
    ids: pd.Index
    areas: pd.Series | None
    by: str
    from_year: int
    to_year: int

    def sums(self, column: str) -> pd.Series:
        """Add up a column by area."""
        if self.areas is None:
            raise ProblemError(f'totals or rates by area need the area of each row; there is no column "{self.by}"')
        blank = self.areas.isna().to_numpy()
        if blank.any():
            rows = some(self.ids[blank])
            raise LayerError("communities", f'"{self.by}" is blank in {int(blank.sum())} rows: {rows}; fill it in')
        found: pd.Series = pd.Series(self.people[column]).groupby(self.areas.to_numpy(), sort=True).sum()
        return found


@dataclass(frozen=True)
class Control:
    """Whole numbers that a column must add up to in the target year, and where they come from.

    `areas` are totals of named areas; `total` is that of all, or None where the areas tell it.
    """

    column: str
    total: int | None
    areas: Mapping[str, int]
    how: str
    words: Mapping[str, str] = field(default_factory=dict)
    outside: bool = False

    @property
    def amount(self) -> int:
        """What all areas add up to."""
        return sum(self.areas.values()) if self.total is None else self.total

    def groups(self, base: Base) -> tuple[npt.NDArray[np.intp], pd.Series]:
        """Return for each row the position of its total, and the totals by label.

        Raises
        ------
        ProblemError
            When areas are unknown or lack a total, totals do not agree, or one asks for people where there are none.
        """
        rows = len(base.people[self.column])
        if not self.areas:
            code, totals = np.zeros(rows, np.intp), pd.Series({ALL: self.total or 0}, dtype=np.int64)
        else:
            code, totals = self._by_area(base)
        held = np.zeros(len(totals))
        np.add.at(held, code, base.people[self.column])
        empty = (held == 0) & (totals.to_numpy() > 0)
        if empty.any():
            raise ProblemError(
                f"{self.column}: {some(totals.index[empty])}: nobody in {base.from_year}, but a total for "
                f"{base.to_year}; 0 stays 0: put people where they will live into the layer, or leave the total out"
            )
        return code, totals

    def _by_area(self, base: Base) -> tuple[npt.NDArray[np.intp], pd.Series]:
        sums = base.sums(self.column)
        unknown = [area for area in self.areas if area not in sums.index]
        if unknown:
            raise ProblemError(
                f'{self.column}: {some(unknown)}: no such area in "{base.by}"; there are {some(sums.index)}'
            )
        others = [area for area in sums.index if area not in self.areas]
        listed = sum(self.areas.values())
        if self.total is None and others:
            raise ProblemError(
                f'{self.column}: no total for {some(others)}; add them, or "{ALL}" for the sum of all areas'
            )
        rest = 0 if self.total is None else self.total - listed
        if rest < 0 or (rest and not others):
            raise ProblemError(
                f"{self.column}: the areas add up to {listed:,}, all together are to be {self.total:,}; leave one "
                "of the two out, or bring the areas to the sum with round_to_total"
            )
        totals = pd.Series({**self.areas, **({OTHERS: rest} if others else {})}, dtype=np.int64)
        position = {area: k for k, area in enumerate(self.areas)}
        found = pd.Series(base.areas).map(position).fillna(len(position))
        code: npt.NDArray[np.intp] = np.asarray(found, np.intp)
        return code, totals


def controls(
    base: Base,
    rates: Mapping[str, Any],
    increases: Mapping[str, Any],
    totals: Mapping[str, Any],
    method: Method,
) -> dict[str, Control]:
    """Turn what the user knows about the target year into whole totals, by column.

    Raises
    ------
    ProblemError
        When a column has two of them, or one is no number, no plausible rate, or has no people to grow from.
    """
    names = [*rates, *increases, *totals]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ProblemError(f"{some(sorted(twice))}: give a rate, an increase or a total, one of them")
    if not names:
        raise ProblemError('give rates, increases or totals by column, such as rates={"elderly": 0.0454}')
    found = {name: _grown(base, name, given, "rate") for name, given in rates.items()}
    found |= {name: _grown(base, name, given, "increase") for name, given in increases.items()}
    found |= {name: _total(base, name, given, method) for name, given in totals.items()}
    return found


def _grown(base: Base, column: str, given: Any, how: str) -> Control:
    """Grow the base by a rate or an increase: of all, or of each area."""
    years = base.to_year - base.from_year

    def grown(start: float, change: Any, where: str) -> int:
        what = f"{how} of {column}{where}"
        step = _change(change, what)
        if how == "rate" and not -1 < step <= MOST_RATE:
            raise ProblemError(
                f"{what} is {step:g}; give a share a year: 0.0454 is 4.54 % (above {MOST_RATE:.0%} give totals)"
            )
        end = start * (1 + step) ** years if how == "rate" else start + step * years
        if end < 0:
            raise ProblemError(f"{what}: {start:,.0f} people in {base.from_year} fall below 0 by {base.to_year}")
        return whole_number(end)

    if not isinstance(given, Mapping | pd.Series):
        end = grown(float(base.people[column].sum()), given, "")
        return Control(column, end, {}, how, {"change": _percent(given) if how == "rate" else f"{given:,.10g}"})
    sums = base.sums(column)
    named = dict(given.items())
    wrong = [*sums.index.difference(list(named)), *(area for area in named if area not in sums.index)]
    if wrong:
        raise ProblemError(
            f'{how}s of {column}: give one for each area in "{base.by}" and no other; look at {some(wrong)}'
        )
    ends = {str(area): grown(float(sums[area]), change, f' in "{area}"') for area, change in named.items()}
    low, high = min(map(float, named.values())), max(map(float, named.values()))
    words = {"change": f"{_percent(low)} – {_percent(high)}" if how == "rate" else f"{low:,.10g} – {high:,.10g}"}
    return Control(column, None, ends, f"{how}s", words)


def _total(base: Base, column: str, given: Any, method: Method) -> Control:
    """Read a total: a number, figures by year, or either by area."""
    if not isinstance(given, Mapping | pd.Series):
        return Control(column, whole_number(amount(given, f"total of {column}")), {}, "total")
    named = dict(given.items())
    if not named:
        raise ProblemError(f"total of {column}: nothing is given")
    if all(is_year(key) for key in named):
        total, how, words, outside = _trend(base, named, method)
        return Control(column, total, {}, how, words, outside)
    if not all(isinstance(key, str) for key in named):
        raise ProblemError(f"total of {column}: keys must be years or ids of areas as text, not {some(named)}")
    figures = {area: dict(x.items()) for area, x in named.items() if isinstance(x, Mapping | pd.Series)}
    values = {
        area: _trend(base, figures[area], method)[0]
        if area in figures
        else whole_number(amount(x, f'total of {column} in "{area}"'))
        for area, x in named.items()
    }
    whole = values.pop(ALL) if ALL in values else None
    years = {year for known in figures.values() for year in known}
    outside = any(beyond(printed(known), base.to_year) for known in figures.values())
    if figures and base.to_year not in years:
        return Control(column, whole, values, method, {"years": _listed(years)}, outside)
    return Control(column, whole, values, "totals" if values else "total")


def _trend(base: Base, figures: Mapping[int, float], method: Method) -> tuple[int, str, dict[str, str], bool]:
    """Interpolate figures by year: the total, how, its words, and whether the year lies beyond the figures."""
    known = printed(figures)
    total = whole_number(interpolate_figures(known, base.to_year, method=method))
    if base.to_year in known:
        return total, "total", {}, False
    return total, method, {"years": _listed(known)}, beyond(known, base.to_year)


def _change(value: Any, what: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise ProblemError(f"{what} is {value!r}; give a number")
    return number


def _percent(rate: float) -> str:
    return f"{100 * rate:.4g} %"


def _listed(years: Any) -> str:
    return ", ".join(map(str, sorted(years)))
