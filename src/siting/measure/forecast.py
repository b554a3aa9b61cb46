"""`forecast`: the communities of a later year, in whole people that add up, with the assumption beside them."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from siting.data import role
from siting.errors import LayerError, ProblemError, some
from siting.labels import LANGUAGES, label
from siting.measure.apportionment import checked, fit_margins, round_to_total, shared_out
from siting.measure.cohort import age_bands, cohort_forecast, life_table
from siting.measure.control_totals import ALL, OTHERS, Base, Control, controls
from siting.measure.interpolation import Method, annual_growth, annual_increase, interpolate_figures, is_year
from siting.measure.services import PEOPLE
from siting.numbers import Ints, Positions

__all__ = [
    "age_bands",
    "annual_growth",
    "annual_increase",
    "cohort_forecast",
    "fit_margins",
    "forecast",
    "interpolate_figures",
    "life_table",
    "round_to_total",
]

logger = logging.getLogger(__name__)

Frame = TypeVar("Frame", bound=pd.DataFrame)

LAYER = "communities"
#: Columns that a forecast adds: the year, and what was assumed, in both languages.
YEAR, ASSUMPTION = "year", {"zh": "assumption", "en": "assumption_en"}
#: How many areas an assumption names.
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
    by: str = "district",
    source: str = "",
) -> Frame:
    """Carry the people of communities to a later year, in whole numbers that add up to the totals given.

    What is known about the later year is turned into a total for each column, of all communities or of each area; the
    total is then shared out in proportion to the base year by largest remainders (see `round_to_total`).

    Parameters
    ----------
    communities
        Layer of the base year, with or without geometry; it is not changed.
    to_year, from_year
        Later and base year; one and the same year brings the base to printed totals. Without *from_year* the layer's
        column `year` tells it, as that of an earlier forecast does.
    rates
        Growth a year as a share, by column: ``{"elderly": 0.0454}``, or for each area
        ``{"elderly": {"D01": 0.03, …}}``. The total is ``x0 (1 + r) ** (to_year - from_year)``.
    increases
        People more (or fewer) a year, by column, as for *rates*: ``x0 + d (to_year - from_year)``.
    totals
        Total in *to_year* by column: a number; figures by year (``{2021: 90_000, 2030: 120_000}``, or a Series),
        between and beyond which *method* leads; or either by area id (text). Areas that are not named share what is
        left of ``"all"``, which must agree with the areas when all are named. Figures that agree before they are
        rounded are rounded together, the largest fractions upwards.
    method
        ``"linear"`` or ``"growth"`` between figures of years; see `interpolate_figures`.
    parts
        Columns that share nobody and belong to *whole*, such as ``("infants", "elderly")``. They are fitted together:
        whole (for all, or by area), each part and the rest keep their totals, and whole is their sum in every row. All
        of them need a total, a rate or an increase; ``rates={"population": 0}`` holds the residents.
    whole
        The column that *parts* and the rest make up.
    by
        Column with the area of each community, for what is given by area.
    source
        Where the figures come from and what population they count (document, clause, residents or registered), for the
        assumption.

    Returns
    -------
    GeoDataFrame or DataFrame
        As *communities*, with the forecast columns replaced (int64), and three columns more: `year`, `assumption` and
        `assumption_en`, which say in every row how the numbers were made, so that they stay with the data in files. All
        other columns are as they were, also households and beds.

    Raises
    ------
    LayerError
        When a column is missing, or has blank, negative or non-numeric rows, or the layer is of another year: which.
    ProblemError
        When totals are absent, implausible or do not agree; when an area without people has a total (0 stays 0); or
        when some community would have more infants and elderly than residents.

    Notes
    -----
    With *parts* the table of areas by parts is fitted by `fit_margins`, after Deming and Stephan [1]_; within an area
    each part is shared out in proportion to its base.

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
    if parts:
        found = _fitted(base, held, list(parts), whole)
    else:
        found = {name: shared_out(base.people[name], *_numbered(held[name], base)) for name in held}
    later = _later(communities, found, to_year)
    _consistent(later, set(found), start)
    for lang in LANGUAGES:
        said = _assumption(base, held, tuple(parts), whole, source, lang)
        _set(later, ASSUMPTION[lang], _after(communities, ASSUMPTION[lang], said, lang))
    logger.info("forecast: %s", said)
    return later


def _numbered(control: Control, base: Base) -> tuple[Positions, Ints]:
    code, totals = control.groups(base)
    return code, totals.to_numpy(np.int64)


def _from_year(communities: pd.DataFrame, from_year: int | None, to_year: int) -> int:
    """Tell the base year, which the layer may know."""
    known: set[Any] = set(communities[YEAR].unique()) if YEAR in communities else set()
    if len(known) > 1 or (known and not all(is_year(_whole(year)) for year in known)):
        raise LayerError(LAYER, f'column "{YEAR}" is to hold one year in all rows, not {some(known)}; rename it')
    told = {int(year) for year in known}
    if from_year is None and not told:
        raise ProblemError("from_year: say which year the communities are of")
    start = told.pop() if from_year is None else from_year
    if told and told != {start}:
        raise LayerError(LAYER, f'column "{YEAR}" says {told.pop()}, from_year {start}; leave one of the two out')
    if not is_year(start) or not is_year(to_year) or to_year < start:
        raise ProblemError(f"from {start!r} to {to_year!r}: give two years, the later one last")
    return int(start)


def _whole(year: Any) -> Any:
    try:
        return int(year) if float(year) == int(year) else year
    except (TypeError, ValueError):
        return year


def _base(communities: pd.DataFrame, names: Sequence[str], by: str, from_year: int, to_year: int) -> Base:
    """Look at the columns of the base year."""
    faults = []
    if not len(communities):
        faults.append("has no rows")
    if not communities.index.is_unique:
        faults.append(f"ids stand twice: {some(communities.index[communities.index.duplicated()].unique())}")
    people = {}
    for name in dict.fromkeys(names):
        if name not in communities:
            faults.append(f'has no column "{name}" to forecast')
            continue
        try:
            people[name] = checked(communities[name], f'"{name}"')
        except ProblemError as fault:
            faults.append(f"{fault}; fill them in")
    if faults:
        raise LayerError(LAYER, faults)
    _consistent(communities, set(people), None)
    areas = communities.get(by)
    if areas is not None:
        areas = areas.astype(str).where(areas.notna())
    return Base(people, communities.index, areas, by, from_year, to_year)


def _fitted(base: Base, held: Mapping[str, Control], parts: list[str], whole: str) -> dict[str, Ints]:
    """Fit parts and the rest of a whole together, areas by parts, and share each cell out among its communities."""
    lacking = [name for name in [*parts, whole] if name not in held]
    if lacking or whole in parts or len(set(parts)) < len(parts):
        raise ProblemError(
            f"parts are {some(parts)} of {whole}: each stands once, and each and the whole need a total, a rate or an "
            f"increase (a rate of 0 holds it); lacking {some(lacking) or 'none'}"
        )
    by_area = [name for name in parts if held[name].areas]
    if by_area:
        raise ProblemError(f"{some(by_area)}: parts that are fitted have one total, not totals by area")
    code, rows = held[whole].groups(base)
    rest = f"the rest of {whole}"
    columns = {name: base.people[name] for name in parts}
    columns[rest] = base.people[whole] - np.sum(list(columns.values()), axis=0)
    over = np.flatnonzero(columns[rest] < 0)
    if len(over):
        raise LayerError(LAYER, f"{some(parts)} are more than {whole} in {len(over)} rows: {some(base.ids[over])}")
    totals = pd.Series({name: held[name].amount for name in parts})
    totals[rest] = int(rows.sum()) - int(totals.sum())
    if totals[rest] < 0:
        raise ProblemError(
            f"{some(parts)} are to be {int(totals[parts].sum()):,} in {base.to_year}, more than {whole}, "
            f"{int(rows.sum()):,}"
        )
    table = pd.DataFrame({name: np.bincount(code, people, len(rows)) for name, people in columns.items()}, rows.index)
    cells = fit_margins(table, rows=rows, columns=totals)
    shares = {name: shared_out(people, code, cells[name].to_numpy()) for name, people in columns.items()}
    alone = [name for name in held if name not in parts and name != whole]
    return {
        **{name: shares[name] for name in parts},
        whole: np.sum(list(shares.values()), axis=0),
        **{name: shared_out(base.people[name], *_numbered(held[name], base)) for name in alone},
    }


def _later(communities: Frame, found: Mapping[str, Ints], to_year: int) -> Frame:
    later = communities.copy()
    for name, people in found.items():
        later[name] = people
    _set(later, YEAR, np.full(len(later), to_year))
    return later


def _set(frame: pd.DataFrame, name: str, values: Any) -> None:
    """Set a column; a new one stands before the geometry, which is last in a layer."""
    if name in frame:
        frame[name] = values
        return
    last = len(frame.columns) and frame.columns[-1] == getattr(frame, "_geometry_column_name", None)
    frame.insert(len(frame.columns) - int(bool(last)), name, values)


def _consistent(frame: pd.DataFrame, changed: set[str], from_year: int | None) -> None:
    """See that infants and elderly together are not more than the residents, where one of them is looked at.

    Raises
    ------
    LayerError, ProblemError
        When they are: in the base year, or in the forecast.
    """
    parts = [name for name in dict.fromkeys(PEOPLE.values()) if name in frame]
    if "population" not in frame or not parts or not changed & {"population", *parts}:
        return
    numbers = frame[[*parts, "population"]].apply(pd.to_numeric, errors="coerce").astype(float)
    over = (numbers[parts].sum(axis=1) > numbers["population"]).to_numpy(bool)
    if not over.any():
        return
    told = f"{' + '.join(parts)} are more than population in {int(over.sum())} rows: {some(frame.index[over])}"
    if from_year is None:
        raise LayerError(LAYER, f"{told}; correct them")
    raise ProblemError(
        f"forecast: {told}; forecast population too, and fit them together: "
        f'parts=({", ".join(map(repr, parts))},), with rates={{"population": 0}} where residents stay as many'
    )


def _assumption(
    base: Base, held: Mapping[str, Control], parts: tuple[str, ...], whole: str, source: str, lang: str
) -> str:
    """Say how the numbers were made."""
    values = {"from_year": base.from_year, "to_year": base.to_year}
    said = []
    for name, control in held.items():
        parted = label("list.comma", lang).join(_piece(*piece, lang) for piece in control.pieces)
        line = {**values, **control.words, "pieces": parted, "what": _what(name, lang), "amount": f"{control.amount:,}"}
        said.append(label(f"forecast.{control.how}", lang, **line))
        if control.outside:
            said.append(label("forecast.beyond", lang, **values))
    if parts:
        listed = label("list.comma", lang).join(parts)
        said.append(label("forecast.parts", lang, parts=listed, whole=whole))
    said += [label("forecast.shares", lang, **values), label("forecast.held", lang, **values)]
    if source:
        said.append(label("forecast.source", lang, source=source))
    return label("forecast.semicolon", lang).join(said)


def _piece(areas: tuple[str, ...], how: str, years: str, lang: str) -> str:
    """Say where the totals of some areas come from."""
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


def _after(communities: pd.DataFrame, name: str, said: str, lang: str) -> Any:
    """Put what is assumed behind what an earlier forecast assumed."""
    if name not in communities:
        return np.full(len(communities), said, object)
    between = label("forecast.semicolon", lang)
    return [said if pd.isna(old) or not old else f"{old}{between}{said}" for old in communities[name]]
