"""The rows of a layer that a study takes: the table `where`, with conditions on columns, all of which must hold."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from siting.data import list_roles, of_type, role
from siting.data.columns import Column
from siting.data.mapping_conditions import Condition, read_conditions
from siting.data.values import flag_of, parse_choices
from siting.errors import SitingError
from siting.messages import Message
from siting.numbers import Bools

__all__ = ["ANY", "check_where", "column_called", "columns_in", "marks_where", "rows_where"]

log = logging.getLogger(__name__)

#: The key of alternative tables, of which one is enough.
ANY = "any"
#: Between the values of a cell that holds several.
BETWEEN = ";"


def check_where(where: object) -> object:
    """Return the conditions of a file; SitingError for those that are none."""
    if not isinstance(where, Mapping) or not where:
        raise SitingError(Message("study.where", what="", value=where))
    for key, wanted in where.items():
        several = wanted if isinstance(wanted, list) else [wanted]
        if not several or (key == ANY and not isinstance(wanted, list)):
            raise SitingError(Message("study.condition", what="", key=key, value=wanted))
        for each in several:
            if key == ANY:
                check_where(each)
            elif not isinstance(each, bool | int | float | str) or each == "":
                raise SitingError(Message("study.condition", what="", key=key, value=wanted))
        if key != ANY and all(isinstance(each, str) for each in several):
            _conditions(several)
    return where


def columns_in(where: Mapping[str, Any]) -> list[str]:
    """List the columns that conditions name.

    Examples
    --------
    >>> columns_in({"level": "village", "any": [{"beds": ">0"}, {"places": ">0"}]})
    ['level', 'beds', 'places']
    """
    return [name for key, wanted in where.items() for name in (
        [each for table in wanted for each in columns_in(table)] if key == ANY else [key])]  # fmt: skip


def column_called(heading: str, columns: Any, kind: str, understood: Mapping[str, str] | None = None) -> str | None:
    """Return the column that a heading means: by its canonical name, that in the file, or another name of it."""
    if heading in columns:
        return heading
    canonical = (understood or {}).get(heading)
    known = role(kind).columns if kind in list_roles() else ()
    named = [canonical, *(column.name for column in known if column.matches(heading))]
    return next((name for name in named if name in columns), None)


def rows_where(frame: Any, where: Mapping[str, Any], *, name: str, kind: str) -> Any:
    """Return the rows of a layer for which all conditions hold.

    Parameters
    ----------
    frame
        A layer of the role *kind*, called *name* in the study.
    where
        Column → a word, several of which one is enough, true or false, a number, or a comparison such as ``">=100"``,
        ``"!=村"``, ``"filled"`` or ``"blank"``. Words are those of the file or of the role; types of facilities count
        with their synonyms and narrower types. ``any`` lists tables of which one is enough.

    Raises
    ------
    SitingError
        When a column is not there, a condition does not fit it, or no row is left.

    Examples
    --------
    >>> frame = pd.DataFrame({"type": ["村", "居", "村"], "beds": [0, 40, 120]}, index=["a", "b", "c"])
    >>> rows_where(frame, {"type": "村", "beds": ">=100"}, name="villages", kind="facilities").index.tolist()
    ['c']
    """
    chosen = frame[marks_where(frame, where, name, kind)]
    if chosen.empty:
        found = {each: column_called(each, frame.columns, kind, _understood(frame)) for each in columns_in(where)}
        held = {column: frame[column].dropna().unique()[:6].tolist() for column in filter(None, found.values())}
        there = [Message("study.held", column=column, words=[*map(str, words)]) for column, words in held.items()]
        raise SitingError(Message("study.none_left", total=len(frame), there=there))
    log.info(Message("study.rows_left", layer=name, total=len(frame), n=len(chosen)))
    return chosen


def _understood(frame: Any) -> Mapping[str, str]:
    return frame.attrs.get("understood", {})  # type: ignore[no-any-return]


def marks_where(frame: Any, where: Mapping[str, Any], name: str, kind: str) -> Bools:
    """Mark the rows of a layer for which all conditions hold; see `rows_where`."""
    marks: Bools = np.ones(len(frame), bool)
    for heading, wanted in where.items():
        if heading == ANY:
            marks &= np.logical_or.reduce([marks_where(frame, each, name, kind) for each in wanted])
            continue
        if heading == "id" and "id" not in frame:
            marks &= _holds(frame.index.to_series(), wanted, "")
            continue
        column = column_called(heading, frame.columns, kind, _understood(frame))
        if column is None:
            known = [each for each in frame.columns if each != "geometry"]
            raise SitingError(Message("study.no_column", layer=name, column=heading, known=known))
        marks &= _holds(frame[column], wanted, kind)
    return marks


def _holds(values: pd.Series, wanted: Any, kind: str) -> Bools:
    """Mark the cells for which a condition holds, or one of several values."""
    several = wanted if isinstance(wanted, list) else [wanted]
    if not all(isinstance(each, str) for each in several):
        return np.asarray(np.logical_or.reduce([_equals(values, each) for each in several]), bool)
    column = _column(kind, str(values.name))
    if pd.api.types.is_bool_dtype(values) and len(several) == 1:
        return _flagged(values, several[0], column)
    conditions = _conditions(several)
    if values.name == "facility_type" and conditions[0].words:
        of = of_type(values, [each.removeprefix("!=") for each in several]).to_numpy()
        return of if not conditions[0].sign else ~of & values.notna().to_numpy()
    if column is not None and column.choices and conditions[0].words:
        given = [each.lstrip("!= ") for each in several]
        canonical = [word for each in parse_choices(column, given)[0] for word in str(each).split(BETWEEN)]
        several = [f"!={each}" for each in canonical] if conditions[0].sign else canonical
        conditions = _conditions(several)
    codes, cells = pd.factorize(values)
    try:
        held = [all(_cell_holds(condition, cell) for condition in conditions) for cell in [*cells, None]]
    except ValueError:
        raise SitingError(Message("study.no_number_there", column=str(values.name), value=several)) from None
    return np.array(held, bool)[codes]


def _conditions(texts: list[str]) -> list[Condition]:
    return read_conditions("", texts[0] if len(texts) == 1 else texts, "where")


def _cell_holds(condition: Condition, cell: Any) -> bool:
    """Whether a condition holds for a cell, or for one of the words that it joins; "!=" for all of them."""
    parts = cell.split(BETWEEN) if isinstance(cell, str) and condition.words else [cell]
    held = [condition.holds(part) for part in parts]
    return all(held) if condition.sign == "!=" else any(held)


def _equals(values: pd.Series, wanted: Any) -> Bools:
    """Mark the cells that are a number, or true or false; SitingError where the column holds something else."""
    if isinstance(wanted, str):
        return (values.astype(object) == wanted).to_numpy(bool)
    fits = pd.api.types.is_bool_dtype if isinstance(wanted, bool) else pd.api.types.is_numeric_dtype
    if not fits(values):
        words = [*map(str, values.dropna().unique()[:5])]
        raise SitingError(Message("study.other_values", column=str(values.name), value=wanted, words=words))
    return np.asarray((values == wanted).fillna(False), bool)


def _flagged(values: pd.Series, word: str, column: Column | None) -> Bools:
    """Mark the cells of a flag by a word for yes or no."""
    plain = word.removeprefix("!=").strip()
    try:
        flag = bool(flag_of(plain, *((column.yes, column.no) if column is not None else ())))
    except ValueError:
        message = Message("study.other_values", column=str(values.name), value=word, words=["true", "false"])
        raise SitingError(message) from None
    return (values == (flag != word.startswith("!="))).to_numpy(bool)


def _column(kind: str, name: str) -> Column | None:
    known = role(kind).columns if kind in list_roles() else ()
    return next((column for column in known if column.name == name), None)
