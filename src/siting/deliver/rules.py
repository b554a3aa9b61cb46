"""The rules of a package: what is handed in, how it is called, and the fields of each layer."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, Strict

from siting.errors import SitingError
from siting.messages import Message
from siting.show.picture_sheet import PAPERS
from siting.study.fields import Flag, Number, Text, Whole

__all__ = [
    "ANY_NAME", "PLAIN_NAME", "SIGN", "Atlas", "Chapter", "CodeTable", "Coordinates", "FieldRule", "FileNames",
    "Folders", "LayerNames", "LayerRule", "Package", "Rules", "SheetRule", "TableRule", "TextRule", "fill",
]  # fmt: skip

CLOSED = ConfigDict(extra="forbid")
#: What patterns may hold, by where they stand.
PACKAGE = {"code", "place", "title"}
OF_FILES = PACKAGE | {"number", "name"}
OF_LAYERS = PACKAGE | {"S", "service", "unit", "number"}
OF_SHEETS = PACKAGE | {"service", "goal", "plan"}
OF_TEXT = PACKAGE | {"study", "year", "n"}
SIGN = re.compile(r"\{(\w+)(?::[^{}]*)?\}|[{}]")
#: Signs that stand in no name of a file on Windows.
UNFIT = re.compile(r'[<>:"/\\|?*\x00-\x1f]|[. ]$')
#: Names of layers and fields of a geodatabase; the second may be Chinese.
PLAIN_NAME, ANY_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}"), re.compile(r"[^\W\d]\w{0,63}")


def _pattern(known: set[str], *, of_file: bool = False) -> Any:
    def check(text: str) -> str:
        for found in SIGN.finditer(text):
            if found[1] not in known:
                raise SitingError(Message("deliver.sign", what="", sign=found[0], known=sorted(known)))
        if of_file and UNFIT.search(SIGN.sub("", text)):
            raise SitingError(Message("deliver.file_name", what="", name=text))
        return text

    return Annotated[Text, AfterValidator(check)]


def _code(text: str) -> str:
    if not re.fullmatch("[0-9]{6}", text):
        raise SitingError(Message("deliver.code", what="", value=text))
    return text


def _letters(text: str) -> str:
    if not PLAIN_NAME.fullmatch(text):
        raise SitingError(Message("deliver.name", what="", name=text))
    return text


def _one_of(choices: Collection[Any]) -> AfterValidator:
    def check(value: Any) -> Any:
        if value not in choices:
            raise SitingError(Message("study.choose", what="", value=value, choices=list(choices)))
        return value

    return AfterValidator(check)


def _between(low: float, high: float) -> AfterValidator:
    def check(value: float) -> float:
        if not low <= value <= high:
            raise SitingError(Message("deliver.between", what="", value=value, low=low, high=high))
        return value

    return AfterValidator(check)


Empty = Annotated[str, Strict()]


@dataclass(frozen=True)
class Package:
    """The table [package]."""

    __pydantic_config__ = CLOSED

    code: Annotated[Text, AfterValidator(_code)]
    place: _pattern(set(), of_file=True)  # type: ignore[valid-type]  # a kind of text
    title: _pattern(set(), of_file=True)  # type: ignore[valid-type]
    maker: Empty = ""
    date: Empty = ""


@dataclass(frozen=True)
class Coordinates:
    """The table [crs]."""

    __pydantic_config__ = CLOSED

    projection: Literal["geographic", "meridian", "zone"] = "meridian"
    meridian: Annotated[Whole, _one_of(range(75, 136, 3))] | None = None


@dataclass(frozen=True)
class Folders:
    """The table [folders]."""

    __pydantic_config__ = CLOSED

    vectors: _pattern(PACKAGE, of_file=True)  # type: ignore[valid-type]
    text: _pattern(PACKAGE, of_file=True)  # type: ignore[valid-type]
    atlas: _pattern(PACKAGE, of_file=True)  # type: ignore[valid-type]
    tables: _pattern(PACKAGE, of_file=True)  # type: ignore[valid-type]


@dataclass(frozen=True)
class FileNames:
    """The table [files]: patterns of names, without endings."""

    __pydantic_config__ = CLOSED

    vectors: _pattern(PACKAGE, of_file=True)  # type: ignore[valid-type]
    text: _pattern(PACKAGE, of_file=True)  # type: ignore[valid-type]
    sheet: _pattern(OF_FILES, of_file=True)  # type: ignore[valid-type]
    atlas: _pattern(PACKAGE, of_file=True)  # type: ignore[valid-type]
    tables: _pattern(PACKAGE, of_file=True)  # type: ignore[valid-type]


@dataclass(frozen=True)
class ServiceName:
    """A service: the letters of its layers and fields, and its name."""

    __pydantic_config__ = CLOSED

    code: Annotated[Text, AfterValidator(_letters)]
    name: Text


@dataclass(frozen=True)
class CodeTable:
    """Codes with their meanings, and the code of each value of the results."""

    __pydantic_config__ = CLOSED

    alias: Text
    meanings: Annotated[Mapping[str, Text], Field(alias="values")]
    of: Mapping[str, Text] = field(default_factory=dict)


@dataclass(frozen=True)
class FieldRule:
    """A field of a layer."""

    __pydantic_config__ = CLOSED

    name: _pattern(OF_LAYERS)  # type: ignore[valid-type]
    alias: _pattern(OF_LAYERS)  # type: ignore[valid-type]
    type: Literal["text", "whole", "number"]
    length: Annotated[Whole, _between(1, 65536)] | None = None
    decimals: Annotated[Whole, _between(0, 15)] | None = None
    source: Annotated[_pattern(OF_LAYERS) | None, Field(alias="from")] = None  # type: ignore[valid-type]
    value: _pattern(OF_LAYERS) | None = None  # type: ignore[valid-type]
    codes: Text | None = None
    required: Flag = False
    unique: Flag = False


@dataclass(frozen=True)
class LayerRule:
    """A layer of the geodatabase."""

    __pydantic_config__ = CLOSED

    name: _pattern(OF_LAYERS)  # type: ignore[valid-type]
    alias: _pattern(OF_LAYERS)  # type: ignore[valid-type]
    source: Annotated[_pattern(OF_LAYERS), Field(alias="from")]  # type: ignore[valid-type]
    geometry: Literal["point", "line", "polygon"]
    fields: tuple[FieldRule, ...]
    required: Flag = True


@dataclass(frozen=True)
class LayerNames:
    """The table [names]: whether names of layers and fields may be Chinese."""

    __pydantic_config__ = CLOSED

    chinese: Flag = False


@dataclass(frozen=True)
class Atlas:
    """The table [atlas]."""

    __pydantic_config__ = CLOSED

    paper: Annotated[Text, _one_of(PAPERS)] = "A3"
    dpi: Annotated[Whole, _between(72, 1200)] = 300
    quality: Annotated[Whole, _between(1, 95)] = 90


@dataclass(frozen=True)
class SheetRule:
    """Sheets of the atlas of one kind."""

    __pydantic_config__ = CLOSED

    each: Literal["service", "verdict", "goal"]
    name: _pattern(OF_SHEETS, of_file=True)  # type: ignore[valid-type]


@dataclass(frozen=True)
class TextRule:
    """The table [text]; margins are above, right, below and left, in millimetres."""

    __pydantic_config__ = CLOSED

    title: _pattern(OF_TEXT) = "{place}{title}"  # type: ignore[valid-type]
    subtitle: Empty = ""
    body_font: Text = "仿宋"
    heading_font: Text = "黑体"
    size: Annotated[Number, _between(6, 36)] = 12.0
    numbering: _pattern(OF_TEXT) = "第{n}章"  # type: ignore[valid-type]
    margins: tuple[Number, Number, Number, Number] = (37.0, 26.0, 35.0, 28.0)


@dataclass(frozen=True)
class Chapter:
    """A chapter of the text: paragraphs of one's own, or the sections of the report."""

    __pydantic_config__ = CLOSED

    title: Text | None = None
    paragraphs: tuple[_pattern(OF_TEXT), ...] = ()  # type: ignore[valid-type]
    sections: Flag = False


@dataclass(frozen=True)
class TableRule:
    """A table of the workbook."""

    __pydantic_config__ = CLOSED

    source: Annotated[_pattern({"goal"}), Field(alias="from")]  # type: ignore[valid-type]
    name: _pattern(OF_SHEETS)  # type: ignore[valid-type]


@dataclass(frozen=True)
class Rules:
    """The rules of a package."""

    __pydantic_config__ = CLOSED

    package: Package
    folders: Folders
    files: FileNames
    layer: tuple[LayerRule, ...]
    crs: Coordinates = Coordinates()
    services: Mapping[str, ServiceName] = field(default_factory=dict)
    codes: Mapping[str, CodeTable] = field(default_factory=dict)
    names: LayerNames = LayerNames()
    atlas: Atlas = Atlas()
    sheet: tuple[SheetRule, ...] = ()
    text: TextRule = TextRule()
    chapter: tuple[Chapter, ...] = (Chapter(sections=True),)
    table: tuple[TableRule, ...] = ()

    def fill(self, pattern: str, **values: object) -> str:
        """Fill a pattern with the values of the package and others."""
        package = {"code": self.package.code, "place": self.package.place, "title": self.package.title}
        return fill(pattern, **(package | values))


def fill(pattern: str, **values: object) -> str:
    """Fill the signs of a pattern; a value that is not known yet leaves its sign.

    Examples
    --------
    >>> fill("{code}{number:02}{name}", code="330700", number=3)
    '33070003{name}'
    """
    return SIGN.sub(lambda sign: sign[0].format(**values) if sign[1] in values else sign[0], pattern)
