"""`forecast`: people by community in a later year, as whole numbers that add up, with the assumptions."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from siting.data import role
from siting.errors import LayerError, ProblemError
from siting.labels import LANGUAGES, label
from siting.measure.alignment import groups
from siting.measure.apportionment import apportion, checked, fit_margins
from siting.measure.control_totals import ALL, OTHERS, Base, Control, controls
from siting.measure.interpolation import Method, check_years, is_year
from siting.measure.services import PEOPLE
from siting.messages import Message
from siting.numbers import Ints

__all__ = ["forecast"]

logger = logging.getLogger(__name__)

Frame = TypeVar("Frame", bound=pd.DataFrame)

LAYER = "communities"
#: Columns that a forecast adds.
YEAR, ASSUMPTION = "year", {"zh": "assumption", "en": "assumption_en"}
#: Most areas named in an assumption.
NAMED = 10


def forecast(
    communities: Frame,
    *,
    to_year: int,
    from_year: int | None = None,
    rates: Mapping[str, Any] | None = None,
    increases: Mapping[str, Any] | None = None,
    totals: Mapping[str, Any] | None = None,
    method: Method = "linear",
    parts: Sequence[str] = (),
    whole: str = "population",
    by: str | pd.Series = "district",
    source: str = "",
) -> Frame:
    """Forecast the people of communities in a later year, in whole numbers that add up to the given totals.

    Rates, increases and totals give a total for each column, for all communities or each area. Each total
    is apportioned in proportion to the base year by largest remainders (see `round_to_total`). With *parts* the table
    of areas by parts is fitted first (`fit_margins` [1]_), then each part is apportioned within its area.

    Parameters
    ----------
    communities
        Layer of the base year, with or without geometry.
    to_year, from_year
        Later and base year; equal years scale the base to printed totals. Without *from_year* it is the layer's
        column `year`, which an earlier forecast adds.
    rates
        Growth a year as a share, by column: ``{"elderly": 0.0454}``, or for each area
        ``{"elderly": {"D01": 0.03, …}}``. The total is ``x0 (1 + r) ** (to_year - from_year)``.
    increases
        People more (or fewer) a year, by column, as for *rates*: ``x0 + d (to_year - from_year)``.
    totals
        Total in *to_year* by column: a number; figures by year (``{2021: 90_000, 2030: 120_000}``, or a Series), from
        which *method* computes it; or either by area id (text). Areas that are not named share the rest of
        ``"all"``, which must agree with the areas when all are named. Figures that agree before rounding are
        rounded together, the largest fractions upwards.
    method
        ``"linear"`` or ``"growth"`` between figures of years; see `interpolate_figures`.
    parts, whole
        Disjoint columns, such as ``("infants", "elderly")``, and the sum of them and the rest, fitted together:
        whole (for all, or by area), each part and the rest keep their totals, and whole is their sum in every row. All
        of them need a total, a rate or an increase; ``rates={"population": 0}`` keeps the residents constant.
    by
        The area of each community, for values given by area: a column, or a Series by community id.
    source
        Source of the figures and the population that they count (document, clause, residents or registered).

    Returns
    -------
    GeoDataFrame or DataFrame
        As *communities*, with the forecast columns replaced (int64), and three columns more: `year`, `assumption` and
        `assumption_en`, which describe in every row how the numbers were made. Other columns do not change.

    Raises
    ------
    LayerError
        When a column is missing, or has blank, negative or non-numeric rows, or the layer is of another year.
    ProblemError
        When totals are absent, implausible or do not agree; when an area without people has a total (0 stays 0); or
        when some community would have more infants and elderly than residents.

    References
    ----------
    .. [1] W. E. Deming and F. F. Stephan, "On a least squares adjustment of a sampled frequency table when the expected
       marginal totals are known", Annals of Mathematical Statistics 11 (4), 1940, pp. 427-444.

    Examples
    --------
    >>> now = pd.DataFrame({"population": [1000, 1000, 2000], "elderly": [100, 101, 300]}, index=["a", "b", "c"])
    >>> later = forecast(now, from_year=2021, to_year=2025, totals={"elderly": 668})
    >>> later["elderly"].tolist()
    [133, 135, 400]
    >>> later["assumption_en"].iloc[0]
    'residents aged 60 and over (elderly): brought to the given total of 668 in 2025; communities keep their shares of
    2021 within the area of a total; all other columns are as in 2021'
    """
    start = _from_year(communities, from_year, to_year)
    named = {**(rates or {}), **(increases or {}), **(totals or {})}
    base = _base(communities, [*named, *parts, *([whole] if parts else [])], by, start, to_year)
    held = controls(base, rates or {}, increases or {}, totals or {}, method)
    forecasts = _fitted(base, held, list(parts), whole) if parts else _apportioned(base, held.values())
    later = communities.copy()
    for name, people in forecasts.items():
        later[name] = people
    _set(later, YEAR, np.full(len(later), to_year))
    _check_residents(later, set(forecasts), start)
    said = {lang: _assumption(base, held, tuple(parts), whole, source, lang) for lang in LANGUAGES}
    for lang, text in said.items():
        earlier = communities.get(ASSUMPTION[lang], [""] * len(later))
        between = label("forecast.semicolon", lang)
        texts = [text if pd.isna(old) or not old else f"{old}{between}{text}" for old in earlier]
        _set(later, ASSUMPTION[lang], texts)
    logger.info(Message("forecast.assumption", **said))
    return later


def _apportioned(base: Base, controls: Iterable[Control]) -> dict[str, Ints]:
    """Apportion the totals of each column among its communities."""
    people = {}
    for control in controls:
        code, totals = control.groups(base)
        people[control.column] = apportion(base.people[control.column], code, totals.to_numpy(np.int64))
    return people


def _from_year(communities: pd.DataFrame, from_year: int | None, to_year: int) -> int:
    """Return the base year: the one given, or that of the layer; they must agree."""
    known: list[Any] = list(communities[YEAR].unique()) if YEAR in communities else []
    years = [int(year) for year in pd.to_numeric(pd.Series(known), errors="coerce") if year % 1 == 0]
    if len(known) > 1 or len(years) < len(known) or not all(map(is_year, years)):
        raise LayerError(LAYER, Message("forecast.one_year", column=YEAR, years=known))
    if from_year is None and not years:
        raise ProblemError(Message("forecast.from_year"))
    start = years[0] if from_year is None else from_year
    if years and years[0] != start:
        raise LayerError(LAYER, Message("forecast.years_differ", column=YEAR, year=years[0], from_year=start))
    check_years(start, to_year)
    return int(start)


def _base(communities: pd.DataFrame, names: Sequence[str], by: str | pd.Series, from_year: int, to_year: int) -> Base:
    """Read and check the columns of the base year."""
    faults: list[str | Message] = [] if len(communities) else [Message("data.no_rows")]
    if not communities.index.is_unique:
        twice = communities.index[communities.index.duplicated()].unique()
        faults.append(Message("cell.ids_twice", ids=twice))
    people = {}
    for name in dict.fromkeys(names):
        if name not in communities:
            faults.append(Message("forecast.no_column", column=name))
            continue
        try:
            people[name] = checked(communities[name], Message("forecast.column", column=name))
        except ProblemError as fault:
            faults.append(fault.message)
    if faults:
        raise LayerError(LAYER, faults)
    _check_residents(communities, set(people), None)
    areas = groups(by, communities.index, LAYER) if isinstance(by, pd.Series) else communities.get(by)
    if areas is not None:
        areas = areas.astype(str).where(areas.notna())
    name = str(by.name or "by") if isinstance(by, pd.Series) else by
    return Base(people, communities.index, areas, name, from_year, to_year)


def _fitted(base: Base, held: Mapping[str, Control], parts: list[str], whole: str) -> dict[str, Ints]:
    """Fit the table of areas by parts and rest, and apportion each cell among its communities."""
    lacking = [name for name in [*parts, whole] if name not in held]
    if lacking or whole in parts or len(set(parts)) < len(parts):
        facts = {"parts": parts, "whole": whole, "lacking": lacking or Message("forecast.none")}
        raise ProblemError(Message("forecast.parts", **facts))
    if by_area := [name for name in parts if held[name].areas]:
        raise ProblemError(Message("forecast.parts_by_area", parts=by_area))
    code, rows = held[whole].groups(base)
    rest = f"the rest of {whole}"
    columns = {name: base.people[name] for name in parts}
    columns[rest] = base.people[whole] - np.sum(list(columns.values()), axis=0)
    if len(over := base.ids[columns[rest] < 0]):
        raise LayerError(LAYER, Message("forecast.parts_above", parts=parts, whole=whole, n=len(over), rows=over))
    totals = pd.Series({name: held[name].amount for name in parts})
    totals[rest] = int(rows.sum()) - int(totals.sum())
    if totals[rest] < 0:
        sums = {"sum": int(totals[parts].sum()), "to_year": base.to_year, "most": int(rows.sum())}
        raise ProblemError(Message("forecast.parts_total", parts=parts, whole=whole, **sums))
    table = pd.DataFrame({name: np.bincount(code, people, len(rows)) for name, people in columns.items()}, rows.index)
    cells = fit_margins(table, rows=rows, columns=totals)
    shares = {name: apportion(people, code, cells[name].to_numpy()) for name, people in columns.items()}
    alone = _apportioned(base, [held[name] for name in held if name not in {*parts, whole}])
    return {**{name: shares[name] for name in parts}, whole: np.sum(list(shares.values()), axis=0), **alone}


def _set(frame: pd.DataFrame, name: str, values: Any) -> None:
    """Set a column; a new one stands before the geometry, which is last in a layer."""
    if name in frame:
        frame[name] = values
    else:
        geometry = getattr(frame, "_geometry_column_name", None)
        frame.insert(len(frame.columns) - (geometry in frame.columns[-1:]), name, values)


def _check_residents(frame: pd.DataFrame, changed: set[str], from_year: int | None) -> None:
    """Refuse more infants and elderly than residents, where one of these columns is forecast; base: no *from_year*."""
    parts = [name for name in dict.fromkeys(PEOPLE.values()) if name in frame]
    if "population" not in frame or not parts or not changed & {"population", *parts}:
        return
    numbers = frame[[*parts, "population"]].apply(pd.to_numeric, errors="coerce").astype(float)
    if not (over := (numbers[parts].sum(axis=1) > numbers["population"]).to_numpy(bool)).any():
        return
    facts = {"parts": parts, "n": int(over.sum()), "rows": frame.index[over]}
    if from_year is None:
        raise LayerError(LAYER, Message("forecast.parts_above", whole="population", **facts))
    raise ProblemError(Message("forecast.people_above", names=", ".join(map(repr, parts)), **facts))


def _assumption(
    base: Base, held: Mapping[str, Control], parts: tuple[str, ...], whole: str, source: str, lang: str
) -> str:
    """Describe how the numbers were made."""
    years, comma = {"from_year": base.from_year, "to_year": base.to_year}, label("list.comma", lang)
    clauses = []
    for name, control in held.items():
        pieces = comma.join(_piece(*piece, lang) for piece in control.pieces)
        words = {**years, **control.words, "pieces": pieces, "what": _what(name, lang), "amount": f"{control.amount:,}"}
        clauses.append(label(f"forecast.{control.how}", lang, **words))
        if control.outside:
            clauses.append(label("forecast.beyond", lang, **years))
    if parts:
        clauses.append(label("forecast.parts", lang, parts=comma.join(parts), whole=whole))
    clauses += [label("forecast.shares", lang, **years), label("forecast.held", lang, **years)]
    if source:
        clauses.append(label("forecast.source", lang, source=source))
    return label("forecast.semicolon", lang).join(clauses)


def _piece(areas: tuple[str, ...], how: str, years: str, lang: str) -> str:
    """Describe where the totals of some areas come from."""
    names = label("list.comma", lang).join(areas[:NAMED]) + (len(areas) > NAMED) * " …"
    if areas in ((ALL,), (OTHERS,)):
        names = label("forecast.all" if areas == (ALL,) else "forecast.others", lang)
    return label(f"forecast.piece_{how}", lang, areas=names, years=years)


def _what(name: str, lang: str) -> str:
    """Name a column by what it counts: population base and ages (README of the standards, A02 and A03)."""
    for column in role(LAYER).columns:
        if column.name == name:
            meaning = column.meaning_zh if lang == "zh" else column.meaning_en
            return label("forecast.column", lang, what=meaning, column=name)
    return name
