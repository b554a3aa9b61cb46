"""Columns that a study gives to a layer: the table `set`, with a value for all rows or for those of some conditions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from siting.data import check_layer, list_roles
from siting.errors import SitingError
from siting.messages import Message
from siting.study.rows import check_where, marks_where

__all__ = ["check_set", "with_columns"]

PLAIN = bool | int | float | str


def check_set(given: object) -> object:
    """Return the columns of a file; SitingError for a value that is none."""
    if not isinstance(given, Mapping) or not given:
        raise SitingError(Message("study.set", what="", value=given))
    for column, value in given.items():
        for case in value if isinstance(value, list) else [value]:
            _check_case(column, case, listed=isinstance(value, list))
    return given


def _check_case(column: str, case: object, *, listed: bool) -> None:
    where = case.get("where") if isinstance(case, Mapping) else None
    if where is not None:
        check_where(where)
    if listed and isinstance(case, Mapping) and {"value"} <= set(case) <= {"where", "value"}:
        fits = _is_value(case["value"])
    else:
        fits = not listed and (_is_value(case) or (isinstance(case, Mapping) and set(case) == {"where"}))
    if not fits:
        raise SitingError(Message("study.set_value", what="", key=column, value=case))


def _is_value(value: object) -> bool:
    """Whether a value is a word, a number, true or false, or a multiple of a column."""
    if not isinstance(value, Mapping):
        return isinstance(value, PLAIN)
    times = value.get("times", 1)
    known = {"column"} <= set(value) <= {"column", "times"} and isinstance(value["column"], str)
    return known and isinstance(times, int | float) and not isinstance(times, bool)


def with_columns(frame: Any, given: Mapping[str, Any], *, name: str, kind: str) -> Any:
    """Return a layer with the columns that a study gives it.

    Parameters
    ----------
    frame
        A layer of the role *kind*, called *name* in the study.
    given
        Column → a value for all rows: a word, a number, true or false, or ``{column = "floor_area", times = 1.2}``,
        a multiple of another column; ``{where = …}``, true where the conditions hold, else false; or a list of
        ``{where = …, value = …}``, of which the first that holds counts, and the last may have no conditions. Rows for
        which none holds keep what they have.

    Examples
    --------
    >>> frame = pd.DataFrame({"type": ["home", "point"], "places": [0, 30]}, index=["a", "b"])
    >>> offers = [{"where": {"type": "home"}, "value": "beds"}, {"value": "lunch"}]
    >>> columns = {"open": {"where": {"places": ">0"}}, "offers": offers, "area": {"column": "places", "times": 3}}
    >>> with_columns(frame, columns, name="homes", kind="facilities")[["open", "offers", "area"]].to_numpy().tolist()
    [[False, 'beds', 0], [True, 'lunch', 90]]
    """
    made = frame.assign(**{column: _column(frame, column, value, name, kind) for column, value in given.items()})
    return check_layer(made, kind, name=name) if kind in list_roles() and "geometry" in made else made


def _column(frame: Any, column: str, value: Any, name: str, kind: str) -> Any:
    if isinstance(value, list):
        made = frame[column].astype(object) if column in frame else pd.Series(None, frame.index, dtype=object)
        for case in reversed(value):
            marks = marks_where(frame, case.get("where", {}), name, kind)
            made = made.mask(marks, _value(frame, case["value"], name))
        return made.infer_objects()
    if isinstance(value, Mapping) and "where" in value:
        return marks_where(frame, value["where"], name, kind)
    return _value(frame, value, name)


def _value(frame: Any, value: Any, name: str) -> Any:
    if not isinstance(value, Mapping):
        return value
    if value["column"] not in frame:
        known = [each for each in frame.columns if each != "geometry"]
        raise SitingError(Message("study.no_column", layer=name, column=value["column"], known=known))
    return frame[value["column"]] * value.get("times", 1)
