"""The inputs of a study: its settings, sources of layers, circles and goals, as they stand in its file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import ConfigDict

from siting.data import read_layer, read_postgis
from siting.errors import SitingError
from siting.labels import label, named
from siting.messages import Message
from siting.study.fields import (
    Datum,
    Flag,
    Limits,
    Metres,
    Minutes,
    Name,
    Number,
    PathOfFile,
    Scope,
    Seconds,
    Share,
    StandardName,
    Text,
    Title,
    Whole,
)  # fmt: skip

__all__ = ["OF_DATABASES", "OF_FILES", "Circle", "Goal", "Settings", "Source"]

#: The keys of a `Source` that are of files only, and of databases only.
OF_FILES = ("layer", "encoding", "skip_rows", "header")
OF_DATABASES = ("table", "query", "schema", "geometry")
#: A key that is not known is an error.
CLOSED = ConfigDict(extra="forbid", arbitrary_types_allowed=True)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The table [study]."""

    __pydantic_config__ = CLOSED

    name: Text
    title: Title
    lang: Literal["zh", "en"] = "zh"
    standard: StandardName | None = None
    year: Whole | None = None
    beside: Metres = 300.0
    by: Literal["district", "county"] | None = None
    household_size: Number | None = None
    scope: Scope | None = None
    max_snap: Metres = 250.0
    crs: Text | None = None
    strict: Flag = False
    datum: Datum | None = None


@dataclass(frozen=True)
class Source:
    """The source of a layer: a file with the keywords of `read_layer`, or a table with those of `read_postgis`.

    `postgis` is the address of a database, with `table` or `query`. `role` is for a service without its own role:
    ``role = "facilities"``.
    """

    __pydantic_config__ = CLOSED

    path: PathOfFile | None = None
    role: Text | None = None
    layer: Text | None = None
    columns: Mapping[str, Text] | None = None
    encoding: Text | None = None
    crs: Text | None = None
    datum: Datum | None = None
    missing: Literal["raise", "zero"] = "raise"
    mapping: PathOfFile | None = None
    skip_rows: Whole | None = None
    header: Whole | None = None
    strip_units: Flag | None = None
    id_prefix: Text = ""
    postgis: Text | None = field(default=None, repr=False)  # an address may hold a password
    table: Text | None = None
    query: Text | None = None
    schema: Text | None = None
    geometry: Text | None = None

    def read(self, name: str, *, strict: bool, datum: str | None = None) -> Any:
        """Read the layer of a role, from its file or database; *datum* is that of the study."""
        others = ("path", "role", "postgis", *(OF_FILES if self.postgis is not None else OF_DATABASES))
        options = {key: value for key, value in vars(self).items() if key not in others}
        options["datum"] = self.datum or datum
        if self.postgis is not None:
            return read_postgis(self.postgis, self.role or name, strict=strict, **options)
        return read_layer(self.path or "", self.role or name, strict=strict, **options)


@dataclass(frozen=True)
class Circle:
    """Distances at which the coverage of a service is measured, in metres or in minutes of its walker."""

    __pydantic_config__ = CLOSED

    service: Text
    metres: Limits[Metres] = ()
    minutes: Limits[Minutes] = ()

    def title(self, lang: str) -> str:
        """Name the service and the limits.

        Examples
        --------
        >>> Circle("childcare", metres=(300, 500)).title("en")
        'childcare: 300 m, 500 m'
        """
        limits = [(limit, "m") for limit in self.metres] + [(limit, "min") for limit in self.minutes]
        words = label("list.comma", lang).join(f"{limit:g} {label(f'unit.{unit}', lang)}" for limit, unit in limits)
        return f"{named('service', self.service, lang)}{label('list.colon', lang)}{words}"


@dataclass(frozen=True)
class Goal:
    """A proposal: the distance, and one of two questions.

    With `cover` the fewest sites that reach the share (0 to 1); with `at_most` the best sites up to this number.
    """

    __pydantic_config__ = CLOSED

    name: Name
    service: Text
    metres: Metres | None = None
    minutes: Minutes | None = None
    cover: Share | None = None
    at_most: Whole | None = None
    curve: Whole = 0
    on_map: Flag = False
    time_limit: Seconds | None = None

    def __post_init__(self) -> None:
        """Refuse a name that cannot be part of the name of a file."""
        if not (isinstance(self.name, str) and re.fullmatch(r"[\w-]{1,60}", self.name)):
            raise SitingError(Message("name.signs", what="[[goal]] name", name=str(self.name)[:60]))

    def title(self, lang: str) -> str:
        """Describe the goal.

        Examples
        --------
        >>> Goal("most", "childcare", metres=500, at_most=5).title("en")
        'childcare: the best 5 new sites within 500 m'
        """
        limit, unit = (self.metres, "m") if self.metres is not None else (self.minutes, "min")
        words = {"service": named("service", self.service, lang), "limit": f"{limit:g} {label(f'unit.{unit}', lang)}"}
        if self.cover is not None:
            return label("study.goal_cover", lang, share=f"{100 * self.cover:g} %", **words)
        return label("study.goal_most", lang, n=self.at_most, **words)
