"""The inputs of a study: sources of layers, circles and goals."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from siting.data import read_layer, read_postgis
from siting.errors import SitingError
from siting.labels import label, named

__all__ = ["OF_DATABASES", "OF_FILES", "Circle", "Goal", "Source"]

#: The keys of a `Source` that are of files only, and of databases only.
OF_FILES = ("layer", "encoding", "skip_rows", "header")
OF_DATABASES = ("table", "query", "schema", "geometry")


@dataclass(frozen=True)
class Source:
    """The source of a layer: a file with the keywords of `read_layer`, or a table with those of `read_postgis`.

    `postgis` is the address of a database, with `table` or `query`. `role` is for a service without its own role:
    ``role = "facilities"``.
    """

    path: Path | None = None
    role: str | None = None
    layer: str | None = None
    columns: Mapping[str, str] | None = None
    encoding: str | None = None
    crs: str | None = None
    datum: str | None = None
    missing: Literal["raise", "zero"] = "raise"
    mapping: Path | None = None
    skip_rows: int | None = None
    header: int | None = None
    strip_units: bool | None = None
    id_prefix: str = ""
    postgis: str | None = field(default=None, repr=False)  # an address may hold a password
    table: str | None = None
    query: str | None = None
    schema: str | None = None
    geometry: str | None = None

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

    service: str
    metres: tuple[float, ...] = ()
    minutes: tuple[float, ...] = ()

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

    name: str
    service: str
    metres: float | None = None
    minutes: float | None = None
    cover: float | None = None
    at_most: int | None = None
    curve: int = 0
    on_map: bool = False
    time_limit: float | None = None

    def __post_init__(self) -> None:
        """Refuse a name that cannot be part of the name of a file."""
        if not (isinstance(self.name, str) and re.fullmatch(r"[\w-]{1,60}", self.name)):
            named_so = f"[[goal]] {str(self.name)[:60]!r}"
            raise SitingError(f"{named_so}: the name is used for files; write letters, digits, - and _ only")

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
