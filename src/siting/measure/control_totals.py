"""Control totals of a forecast: for all and by area, from rates, increases and printed figures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from siting.errors import LayerError, ProblemError
from siting.measure.apportionment import whole_number
from siting.measure.interpolation import Method, amount, beyond, finite, interpolate_figures, is_year, printed
from siting.messages import Message
from siting.numbers import Positions

__all__ = ["ALL", "OTHERS", "Base", "Control", "controls"]

#: Key of the total of all areas beside totals of some, and of what is left for the areas that are not named.
ALL, OTHERS = "all", "the other areas"
#: How a total is known that was not computed from others.
GIVEN = "given"
#: Rounding tolerance of sums of figures, as a share of them.
NEAR = 1e-9
#: Growth above this is taken for percent written as a share.
MOST_RATE = 0.5
#: Where the totals of some areas come from: the areas (or `ALL`, `OTHERS`), how they are known, the printed years.
Piece: TypeAlias = tuple[tuple[str, ...], str, str]


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
            raise ProblemError(Message("forecast.no_area_column", by=self.by))
        if (blank := self.areas.isna().to_numpy()).any():
            facts = {"n": int(blank.sum()), "ids": self.ids[blank]}
            raise LayerError(
                "communities", Message("ids.blank", what=Message("forecast.column", column=self.by), **facts)
            )
        return pd.Series(self.people[column]).groupby(self.areas.to_numpy(), sort=True).sum()


@dataclass(frozen=True)
class Control:
    """Totals of a column in the target year: of all (None: the sum of the areas), of named areas, and their sources."""

    column: str
    total: int | None
    areas: Mapping[str, int]
    how: str
    words: Mapping[str, str] = field(default_factory=dict)
    outside: bool = False
    pieces: tuple[Piece, ...] = ()

    @property
    def amount(self) -> int:
        """What all areas add up to."""
        return sum(self.areas.values()) if self.total is None else self.total

    def groups(self, base: Base) -> tuple[Positions, pd.Series]:
        """Return for each row the position of its total, and the totals by label; refuse totals that do not agree."""
        people = base.people[self.column]
        if self.areas:
            code, totals = self._by_area(base)
        else:
            code, totals = np.zeros(len(people), np.intp), pd.Series({ALL: self.total or 0}, dtype=np.int64)
        if (empty := (np.bincount(code, people, len(totals)) == 0) & (totals.to_numpy() > 0)).any():
            rest = Message("forecast.the_others")
            areas: list[object] = [rest if area == OTHERS else area for area in totals.index[empty]]
            years = {"from_year": base.from_year, "to_year": base.to_year}
            raise ProblemError(Message("forecast.nobody", column=self.column, areas=areas, **years))
        return code, totals

    def _by_area(self, base: Base) -> tuple[Positions, pd.Series]:
        sums = base.sums(self.column)
        if unknown := [area for area in self.areas if area not in sums.index]:
            facts = {"areas": unknown, "by": base.by, "there": sums.index}
            raise ProblemError(Message("forecast.no_area", column=self.column, **facts))
        others = [area for area in sums.index if area not in self.areas]
        listed = sum(self.areas.values())
        if self.total is None and others:
            raise ProblemError(Message("forecast.no_total", column=self.column, areas=others, all=ALL))
        rest = 0 if self.total is None else self.total - listed
        if rest < 0 or (rest and not others):
            said = Message("forecast.areas_differ", column=self.column, listed=listed, total=self.total)
            raise ProblemError(said)
        totals = pd.Series({**self.areas, **({OTHERS: rest} if others else {})}, dtype=np.int64)
        position = {area: k for k, area in enumerate(self.areas)}
        return np.asarray(pd.Series(base.areas).map(position).fillna(len(position)), np.intp), totals


def controls(
    base: Base, rates: Mapping[str, Any], increases: Mapping[str, Any], totals: Mapping[str, Any], method: Method
) -> dict[str, Control]:
    """Turn what is known about the target year into whole totals, by column; refuse what is implausible."""
    names = [*rates, *increases, *totals]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ProblemError(Message("forecast.given_twice", columns=twice))
    if not names:
        raise ProblemError(Message("forecast.nothing_given"))
    return {
        **{name: _grown(base, name, given, "rate") for name, given in rates.items()},
        **{name: _grown(base, name, given, "increase") for name, given in increases.items()},
        **{name: _total(base, name, given, method) for name, given in totals.items()},
    }


def _grown(base: Base, column: str, given: Any, how: str) -> Control:
    """Grow the base by a rate or an increase: of all, or of each area."""
    years = base.to_year - base.from_year

    def grown(start: float, change: Any, area: object = None) -> int:
        what = _change_of(column, how, area)
        step = finite(change, what)
        if how == "rate" and not -1 < step <= MOST_RATE:
            raise ProblemError(Message("forecast.rate", what=what, value=step, most=MOST_RATE))
        end = start * (1 + step) ** years if how == "rate" else start + step * years
        if end < 0:
            years_ = {"from_year": base.from_year, "to_year": base.to_year}
            raise ProblemError(Message("forecast.falls", what=what, start=start, **years_))
        return whole_number(end)

    if not isinstance(given, Mapping | pd.Series):
        end = grown(float(base.people[column].sum()), given)
        return Control(column, end, {}, how, {"change": _step(given, how)})
    sums = base.sums(column)
    named = dict(given.items())
    if wrong := [*sums.index.difference(list(named)), *(area for area in named if area not in sums.index)]:
        what = _change_of(column, how)
        raise ProblemError(Message("forecast.one_for_each", what=what, by=base.by, areas=wrong))
    ends = {str(area): grown(float(sums[area]), change, area) for area, change in named.items()}
    low, high = (_step(extreme(map(float, named.values())), how) for extreme in (min, max))
    return Control(column, None, ends, f"{how}s", {"change": f"{low} – {high}"})


class Figure(NamedTuple):
    """A figure of the target year: how it is known, from which printed years, and whether it lies beyond them."""

    value: float
    how: str = GIVEN
    years: str = ""
    beyond: bool = False


def _change_of(column: str, how: str, area: object = None) -> Message:
    """Name a rate or an increase, of all or of an area."""
    if area is None:
        of_rate, of_increase = (
            Message("forecast.rate_of", column=column),
            Message("forecast.increase_of", column=column),
        )
    else:
        where = {"column": column, "area": area}
        of_rate, of_increase = Message("forecast.rate_in", **where), Message("forecast.increase_in", **where)
    return of_rate if how == "rate" else of_increase


def _total(base: Base, column: str, given: Any, method: Method) -> Control:
    """Read a total: a number, figures by year, or either by area."""
    what = Message("forecast.total_of", column=column)
    if not isinstance(given, Mapping | pd.Series):
        return Control(column, whole_number(amount(given, what)), {}, "total")
    if not (named := dict(given.items())):
        raise ProblemError(Message("forecast.total_empty", what=what))
    if all(is_year(key) for key in named):
        named = {ALL: named}
    if not all(isinstance(key, str) for key in named):
        raise ProblemError(Message("forecast.total_keys", what=what, keys=list(named)))
    read = {
        area: _figure(base, figure, method, Message("forecast.total_in", column=column, area=area))
        for area, figure in named.items()
    }
    areas = {area: figure.value for area, figure in read.items() if area != ALL}
    ends = {area: whole_number(value) for area, value in areas.items()}
    total, others = None, False
    if ALL in read:
        whole = read[ALL].value
        total = whole_number(whole)
        others = bool(areas) and bool(set(base.sums(column).index) - set(areas))
        rest, near = whole - sum(areas.values()), NEAR * max(1.0, whole)
        if areas and (rest >= -near if others else abs(rest) <= near):
            ends = _rounded_together({**areas, **({OTHERS: max(rest, 0.0)} if others else {})}, total)
            ends.pop(OTHERS, None)
    outside = any(figure.beyond for figure in read.values())
    sources = {(figure.how, figure.years) for figure in read.values()}
    if len(sources) > 1 or (total is not None and areas):
        return Control(column, total, ends, "mixed", {}, outside, _pieces(read, others=others))
    how, years = sources.pop()
    how = how if how != GIVEN else "totals" if areas else "total"
    return Control(column, total, ends, how, {"years": years}, outside)


def _figure(base: Base, given: Any, method: Method, what: Message) -> Figure:
    """Read a number, or the figure of the target year from those of printed years."""
    if not isinstance(given, Mapping | pd.Series):
        return Figure(amount(given, what))
    known = printed(given)
    value = interpolate_figures(known, base.to_year, method=method)
    if base.to_year in known:
        return Figure(value)
    return Figure(value, method, ", ".join(map(str, known)), beyond(known, base.to_year))


def _rounded_together(figures: Mapping[str, float], total: int) -> dict[str, int]:
    """Round figures to whole people that add up to *total*: the largest fractions go up, of equals the first."""
    floor = {area: math.floor(figure + NEAR * max(1.0, figure)) for area, figure in figures.items()}
    up = sorted(figures, key=lambda area: floor[area] - figures[area])[: total - sum(floor.values())]
    return {area: low + (area in up) for area, low in floor.items()}


def _pieces(read: Mapping[str, Figure], *, others: bool) -> tuple[Piece, ...]:
    """Group areas by source, all together first and the unnamed ones last."""
    sources: dict[tuple[bool, str, str], list[str]] = {}
    for area in sorted(read, key=lambda area: area != ALL):
        sources.setdefault((area == ALL, read[area].how, read[area].years), []).append(area)
    pieces: list[Piece] = [(tuple(areas), how, years) for (_, how, years), areas in sources.items()]
    return (*pieces, ((OTHERS,), "rest", "")) if others else tuple(pieces)


def _step(value: Any, how: str) -> str:
    number = float(value)
    return f"{100 * number:.10g} %" if how == "rate" else f"{number:,.10g}"
