"""Kinds of values in a study file: what is read as which value, and refused in which words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, TypeAlias, TypeVar

from pydantic import AfterValidator, BeforeValidator, Strict, ValidationInfo

from siting.data.china_datums import read_datum
from siting.errors import SitingError
from siting.limits import metres_of, minutes_of
from siting.messages import Message
from siting.read_share import share_from
from siting.study.names import check_name
from siting.study.outside import file_of_study

__all__ = [
    "Count", "Datum", "Files", "Flag", "Metres", "Minutes", "Name", "Number", "PathOfFile", "Persons",
    "Scope", "Seconds", "Several", "Share", "StandardName", "Text", "Title", "Whole", "Year",
]  # fmt: skip

Value = TypeVar("Value")


class Files(NamedTuple):
    """Where the files of a study may lie."""

    folder: Path
    outside: bool


def _read_by(read: Callable[[Any, str], Any], written: Any) -> BeforeValidator:
    """Read a value, which is *written* in a file as one of some types, by a function that takes its place.

    The words for the place are filled in by `faults`.
    """
    return BeforeValidator(lambda value: read(value, ""), json_schema_input_type=written)


def _file(value: object, info: ValidationInfo) -> Path:
    files: Files = info.context  # type: ignore[assignment]  # given to every validation of a file
    return file_of_study(value, files.folder, "", outside=files.outside)


def _datum(value: object) -> str:
    try:
        return read_datum(value)
    except SitingError as error:
        if error.code == "datum.unknown_near":
            raise SitingError(Message("study.datum_near", **{**error.values, "what": ""})) from None
        if error.code == "datum.unknown":
            raise SitingError(Message("study.datum", **{**error.values, "what": ""})) from None
        raise


def _standard(value: object, info: ValidationInfo) -> object:
    return str(_file(value, info)) if str(value).endswith(".toml") else value


def _title(value: object) -> object:
    if not isinstance(value, str | Mapping):
        raise SitingError(Message("study.kind", what="", value=value, kind=Message("study.text")))
    return {"zh": value, "en": value} if isinstance(value, str) else value


def _filled(value: str) -> str:
    if not value:
        raise SitingError(Message("study.empty"))
    return value


def _scope(value: object) -> object:
    try:
        return value if value in ("whole", "part") else share_from(value, "")
    except SitingError:
        raise SitingError(Message("study.scope", what="", value=value)) from None


def _above_zero(value: float) -> float:
    if not value > 0:
        raise SitingError(Message("study.not_above_zero", what="", value=value))
    return value


def _between(least: float, most: float) -> AfterValidator:
    """Refuse a number that is not in a range."""

    def check(value: float) -> float:
        if not least <= value <= most:
            raise SitingError(Message("study.not_between", what="", value=value, least=least, most=most))
        return value

    return AfterValidator(check)


def _several(value: object) -> object:
    return value if isinstance(value, list | tuple) else [value]


Text = Annotated[str, Strict(), AfterValidator(_filled)]
Whole = Annotated[int, Strict()]
Number = Annotated[float, Strict()]
Year = Annotated[int, Strict(), _between(1901, 2199)]
#: Persons in a household.
Persons = Annotated[float, Strict(), _between(0.1, 99)]
Count = Annotated[int, Strict(), _between(0, 1_000_000)]
Flag = Annotated[bool, Strict()]
Name = Annotated[str, _read_by(check_name, str)]
Share = Annotated[float, _read_by(share_from, float | str)]
Metres = Annotated[float, _read_by(lambda value, what: metres_of(value, what, error=SitingError), float)]
Minutes = Annotated[float, _read_by(lambda value, what: minutes_of(value, what, error=SitingError), float)]
Seconds = Annotated[float, Strict(), AfterValidator(_above_zero)]
Datum = Annotated[str, BeforeValidator(_datum, json_schema_input_type=str)]
Scope = Annotated[str | float, BeforeValidator(_scope, json_schema_input_type=str | float)]
PathOfFile = Annotated[Path, BeforeValidator(_file, json_schema_input_type=str)]
StandardName = Annotated[str, Strict(), BeforeValidator(_standard, json_schema_input_type=str)]
Title = Annotated[Mapping[str, str], BeforeValidator(_title, json_schema_input_type=str | Mapping[str, str])]
if TYPE_CHECKING:
    Several: TypeAlias = tuple[Value, ...]
else:

    class Several:
        """One value, or a list of them: ``Several[Metres]``."""

        def __class_getitem__(cls, kind: Any) -> Any:
            return Annotated[
                tuple[kind, ...], BeforeValidator(_several, json_schema_input_type=kind | tuple[kind, ...])
            ]
