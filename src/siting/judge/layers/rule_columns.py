"""Columns of layers for rules: numbers, flags, words and conditions.

A blank or wrong cell raises a `LayerError` that names the rows; it would otherwise be ignored without notice.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from siting.data import list_roles, of_type, role
from siting.data.columns import Column
from siting.data.values import parse_choices
from siting.errors import LayerError, StandardError
from siting.judge.standards.conditions import ANY, COMPARISON
from siting.judge.wording.sentences import Sentence
from siting.messages import Message
from siting.numbers import MOST_COUNT, Bools

__all__ = ["SEVERAL", "Missing", "counted", "filled", "flags", "graded", "matches", "of_choices", "of_types"]

#: A grade in words: 三级, 国家二级, 五星级, 3星, 4A, or one A for each step; and words for no grade.
GRADE = re.compile(r"(?:国家|全国)?(?:(?P<step>[一二三四五\d])(?:级|星级?|A级?)?|(?P<letters>A{1,5})级?)(?:养老机构)?")
NO_GRADE = ("未评级", "未评定", "未定级", "无等级", "无")
SEVERAL = re.compile(r"\s*[;；]\s*")
#: Reasons in the document, not in the layers.
NO_NUMBER = ("audit.no_value", "audit.no_share", "audit.by_reference")


class Missing(Exception):  # noqa: N818 - not an error: the rule is not judged and names what is absent
    """A layer, column or parameter that a rule needs is missing."""

    def __init__(self, key: str, **values: object) -> None:
        self.message: Sentence = (key, values)
        self.status = "no_number" if key in NO_NUMBER else "no_data"
        super().__init__(key)


def matches(frame: pd.DataFrame, layer: str, wanted: Mapping[str, object]) -> pd.Series:
    """Mark the rows that fulfil conditions: a flag, a word, one of several, or a comparison; of `any` one is enough."""
    marks = pd.Series(True, frame.index)
    for name, want in wanted.items():
        if name == ANY:
            marks &= np.logical_or.reduce([matches(frame, layer, each) for each in want])  # type: ignore[attr-defined]
        elif name not in frame:
            raise Missing("audit.no_column", layer=layer, absent=name)
        elif isinstance(want, bool):
            marks &= flags(frame[name], layer) == want
        elif isinstance(want, str) and (compared := COMPARISON.match(want)):
            values, limit = counted(graded(frame[name], layer), layer), float(compared[2])
            marks &= getattr(values, {">=": "ge", "<=": "le", ">": "gt", "<": "lt"}[compared[1]])(limit)
        else:
            words = (want,) if isinstance(want, str) else tuple(want)  # type: ignore[arg-type]
            marks = marks & _holds_words(frame[name], layer, words)
    return marks


def _holds_words(values: pd.Series, layer: str, wanted: tuple[str, ...]) -> Bools:
    """Mark the cells of words joined by semicolons that contain one of the wanted sets."""
    if pd.api.types.is_bool_dtype(values) or pd.api.types.is_numeric_dtype(values):
        flag, plain = Message("study.flag"), Message("verdict.a_comparison")
        sort = flag if pd.api.types.is_bool_dtype(values) else plain
        raise StandardError(Message("verdict.wants_text", given=wanted, layer=layer, column=values.name, sort=sort))
    codes, words = pd.factorize(values)  # many rows, few distinct words
    column, cells = _column(layer, values.name), [*map(str, words)]
    if column is not None and column.many and column.choices:  # for layers made without their role
        cells = [str(cell) for cell in parse_choices(column, cells)[0]]
    several = [set(SEVERAL.split(want)) for want in wanted]
    held = [any(want <= set(SEVERAL.split(cell.strip())) for want in several) for cell in cells]
    return np.array([*held, False], bool)[codes]


def _column(layer: str, name: object) -> Column | None:
    columns = role(layer).columns if layer in list_roles() else ()
    return next((one for one in columns if one.name == name), None)


def of_types(frame: pd.DataFrame, layer: str, types: Sequence[str], excluded: Sequence[str] = ()) -> pd.Series:
    """Mark the rows whose column `facility_type` is one of some types; without *types* all but the excluded."""
    if "facility_type" not in frame:
        raise Missing("audit.no_column", layer=layer, absent="facility_type")
    values = frame["facility_type"]
    if pd.api.types.is_numeric_dtype(values):
        raise StandardError(Message("verdict.types_text", layer=layer))
    return of_type(values, types, excluded=excluded) if types else ~of_type(values, excluded)


def _facts(values: pd.Series, wrong: Iterable[bool]) -> dict[str, Any]:
    """Return the values of a message on the wrong rows of a column: none where there are none."""
    rows = values.index[np.asarray(wrong, bool)]
    return {"what": Message("verdict.column", column=values.name), "ids": rows, "n": len(rows)} if len(rows) else {}


def filled(values: pd.Series, layer: str) -> pd.Series:
    """Return *values*; refuse blank ones."""
    if blank := _facts(values, values.isna()):
        raise LayerError(layer, Message("ids.blank", **blank))
    return values


def counted(values: pd.Series, layer: str) -> pd.Series:
    """Return numbers of people, places and so on; refuse blank, negative and infinite ones."""
    filled(values, layer)
    if not len(values):
        return values.astype(float)
    if not pd.api.types.is_numeric_dtype(values):
        raise LayerError(layer, Message("verdict.text_column", column=values.name))
    numbers = values.to_numpy(float)
    if endless := _facts(values, np.isinf(numbers)):
        raise LayerError(layer, Message("ids.infinite", **endless))
    if wrong := _facts(values, ~(numbers >= 0)):
        raise LayerError(layer, Message("ids.negative", **wrong))
    if large := _facts(values, numbers >= MOST_COUNT):
        raise LayerError(layer, Message("ids.too_large", **large, rows=large["ids"]))
    if numbers.sum() >= MOST_COUNT:
        what = Message("verdict.column", column=values.name)
        raise LayerError(layer, Message("ids.large_sum", what=what, sum=numbers.sum()))
    return values


def graded(values: pd.Series, layer: str) -> pd.Series:
    """Return grades in words as numbers, 0 for no grade; a column without grades in words is unchanged."""
    if pd.api.types.is_numeric_dtype(values):
        return values
    numbers = values.map(_grade, na_action="ignore").astype(float)
    if numbers.isna().all():
        return values
    wrong = numbers.isna() & values.notna()
    if facts := _facts(values, wrong):
        words = list(dict.fromkeys(values[wrong].astype(str)))
        raise LayerError(layer, Message("verdict.no_grade", column=values.name, words=words, example="三级", **facts))
    return numbers


def _grade(word: object) -> float:
    text = unicodedata.normalize("NFKC", str(word)).strip()
    if text in NO_GRADE:
        return 0.0
    if not (found := GRADE.fullmatch(text)):
        return math.nan
    return float(len(found["letters"]) if found["letters"] else ("一二三四五".find(found["step"]) + 1 or found["step"]))


def flags(values: pd.Series, layer: str) -> pd.Series:
    """Return flags; refuse blanks and text."""
    marks = filled(values, layer)
    if wrong := _facts(values, ~marks.isin([True, False])):
        raise LayerError(layer, Message("ids.no_flag", **wrong))
    return marks.astype(bool)


def of_choices(values: pd.Series, layer: str) -> pd.Series:
    """Return words; refuse blanks, and words that the column cannot hold."""
    filled(values, layer)
    column = _column(layer, values.name)
    choices = [value for value, _ in column.choices] if column is not None else []
    if choices and (wrong := _facts(values, ~values.isin(choices))):
        raise LayerError(layer, Message("verdict.not_a_choice", column=values.name, choices=choices, **wrong))
    return values
