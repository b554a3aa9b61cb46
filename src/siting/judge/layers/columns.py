"""Values of layers as rules take them: numbers, flags and conditions, none of which may be blank."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from siting.data import list_roles, of_type, role
from siting.data.values import parse_choices
from siting.errors import LayerError, StandardError, some
from siting.judge.standards.conditions import ANY, COMPARISON
from siting.judge.wording.sentences import Message

__all__ = ["Missing", "counted", "filled", "flags", "graded", "matches", "of_choices", "of_types"]


#: A grade in words: 三级, 国家二级, 五星级, 3星, 4A, or one A for each step; and one that was not given.
GRADE = re.compile(r"(?:国家|全国)?(?:(?P<step>[一二三四五\d])(?:级|星级?|A级?)?|(?P<letters>A{1,5})级?)(?:养老机构)?")
NO_GRADE = ("未评级", "未评定", "未定级", "无等级", "无")

#: Between several values of one cell.
SEVERAL = re.compile(r"\s*[;；]\s*")


#: Reasons that lie in the document, not in the layers.
NO_NUMBER = ("audit.no_value", "audit.no_share", "audit.by_reference")


class Missing(Exception):  # noqa: N818 - not an error: the rule is not judged and names what is absent
    """A layer, column or parameter that a rule needs is not there."""

    def __init__(self, key: str, **values: object) -> None:
        self.message: Message = (key, values)
        self.status = "no_number" if key in NO_NUMBER else "no_data"
        super().__init__(key)


def matches(frame: pd.DataFrame, layer: str, wanted: Mapping[str, object]) -> pd.Series:
    """Mark the rows whose columns say what is wanted: a flag, a text, one of several, or a comparison such as ">=100".

    Under `any` stand several of these, of which one is enough.

    Raises
    ------
    Missing
        When a column is not there.
    LayerError
        When a number or flag is blank in some rows.
    """
    marks = pd.Series(True, frame.index)
    for name, want in wanted.items():
        if name == ANY:
            marks &= np.logical_or.reduce([matches(frame, layer, each) for each in want])  # type: ignore[attr-defined]
            continue
        if name not in frame:
            raise Missing("audit.no_column", layer=layer, absent=name)
        if isinstance(want, str) and (compared := COMPARISON.match(want)):
            values, limit = counted(graded(frame[name], layer), layer), float(compared[2])
            marks &= getattr(values, {">=": "ge", "<=": "le", ">": "gt", "<": "lt"}[compared[1]])(limit)
        elif isinstance(want, bool):
            marks &= flags(frame[name], layer) == want
        else:
            if pd.api.types.is_bool_dtype(frame[name]) or pd.api.types.is_numeric_dtype(frame[name]):
                sort = "true or false" if pd.api.types.is_bool_dtype(frame[name]) else 'a comparison such as ">=100"'
                raise StandardError(f'a rule wants "{want}" of {layer}: "{name}", which holds no text; write {sort}')
            texts = (want,) if isinstance(want, str) else tuple(want)  # type: ignore[arg-type]
            codes, words = pd.factorize(frame[name])  # few words stand in many rows
            held = np.array([*(_holds(own, texts) for own in _read(layer, name, words)), False], bool)
            marks &= held[codes]
    return marks


def of_types(frame: pd.DataFrame, layer: str, types: Sequence[str], excluded: Sequence[str] = ()) -> pd.Series:
    """Mark the rows whose column `facility_type` says one of some types; without *types* all but the excluded.

    Raises
    ------
    Missing
        When the column is not there.
    StandardError
        When it holds no text.
    """
    if "facility_type" not in frame:
        raise Missing("audit.no_column", layer=layer, absent="facility_type")
    values = frame["facility_type"]
    if pd.api.types.is_numeric_dtype(values):
        raise StandardError(
            f'a rule names types, and "facility_type" of {layer} holds no text; write the types in words'
        )
    if types:
        return of_type(values, types, excluded=excluded)
    return ~of_type(values, excluded)


def _read(layer: str, name: str, words: Iterable[object]) -> Iterable[object]:
    """Bring cells of several words to the values that the role of a layer knows, for layers made without it."""
    columns = role(layer).columns if layer in list_roles() else ()
    column = next((one for one in columns if one.name == name and one.many and one.choices), None)
    return words if column is None else parse_choices(column, [str(word) for word in words])[0]


def _holds(own: object, wanted: tuple[str, ...]) -> bool:
    """Tell whether a cell of several values, joined by semicolons, holds all of one of the wanted ones."""
    have = set(SEVERAL.split(str(own).strip()))
    return any(set(SEVERAL.split(want)) <= have for want in wanted)


def counted(values: pd.Series, layer: str) -> pd.Series:
    """Return numbers of people, places and so on, none of which is blank, negative or without end.

    Raises
    ------
    LayerError
        When one is, or the column holds text: which rows.
    """
    filled(values, layer)
    if not len(values):
        return values.astype(float)
    if not pd.api.types.is_numeric_dtype(values):
        raise LayerError(layer, f'"{values.name}" holds text, not numbers; read the layer with read_layer')
    wrong = ~(np.isfinite(values.to_numpy(float)) & (values.to_numpy(float) >= 0))
    if wrong.any():
        rows = some(values.index[wrong])
        raise LayerError(layer, f'"{values.name}" is negative or infinite in {int(wrong.sum())} rows: {rows}; mend it')
    return values


def graded(values: pd.Series, layer: str) -> pd.Series:
    """Return grades in words as numbers, 0 where none was given; a column without grades in words stays as it is.

    Raises
    ------
    LayerError
        When a word among grades is none: which rows.

    Examples
    --------
    >>> graded(pd.Series(["三级", "五星级", "AA", "未评级"]), "eldercare").tolist()
    [3.0, 5.0, 2.0, 0.0]
    """
    if pd.api.types.is_numeric_dtype(values):
        return values
    numbers = values.map(_grade, na_action="ignore").astype(float)
    if numbers.isna().all():
        return values
    wrong = numbers.isna() & values.notna()
    if wrong.any():
        words = "、".join(dict.fromkeys(values[wrong].astype(str)))
        raise LayerError(layer, f'"{values.name}" is no grade in {int(wrong.sum())} rows: {some(values.index[wrong])} '
                                f"({words}); write a number or a word such as 三级")  # fmt: skip
    return numbers


def _grade(word: object) -> float:
    text = unicodedata.normalize("NFKC", str(word)).strip()
    if text in NO_GRADE:
        return 0.0
    if not (found := GRADE.fullmatch(text)):
        return math.nan
    return float(len(found["letters"]) if found["letters"] else ("一二三四五".find(found["step"]) + 1 or found["step"]))


def flags(values: pd.Series, layer: str) -> pd.Series:
    """Return flags, none of which is blank or a text.

    Raises
    ------
    LayerError
        When one is: which rows.
    """
    marks = filled(values, layer)
    wrong = ~marks.isin([True, False])
    if wrong.any():
        rows = some(values.index[wrong])
        raise LayerError(layer, f'"{values.name}" is neither yes nor no in {int(wrong.sum())} rows: {rows}; '
                                "write true or false")  # fmt: skip
    return marks.astype(bool)


def of_choices(values: pd.Series, layer: str) -> pd.Series:
    """Return words, none of which is blank, or none of those that the column of the layer can hold.

    Raises
    ------
    LayerError
        When one is: which rows. It would be ruled by nothing, in silence.
    """
    filled(values, layer)
    columns = role(layer).columns if layer in list_roles() else ()
    choices = next(([value for value, _ in one.choices] for one in columns if one.name == values.name), [])
    wrong = ~values.isin(choices)
    if choices and wrong.any():
        rows, listed = some(values.index[wrong]), some(choices)
        what = f'"{values.name}" is none of {listed} in {int(wrong.sum())} rows: {rows}'
        raise LayerError(layer, f"{what}; write one of these, or let check_layer translate it")
    return values


def filled(values: pd.Series, layer: str) -> pd.Series:
    """Return *values*, none of which may be blank.

    Raises
    ------
    LayerError
        When one is: which rows.
    """
    blank = values.isna()
    if blank.any():
        rows = some(values.index[blank])
        raise LayerError(layer, f'"{values.name}" is blank in {int(blank.sum())} rows: {rows}; fill it in')
    return values
