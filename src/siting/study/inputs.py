"""The inputs of a study: its settings, sources of layers, circles and goals, as they stand in its file."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field

from siting.data import read_layer, read_postgis, sample_path
from siting.labels import label, named
from siting.network.store import HEAD
from siting.propose import (
    AtMost,
    Budget,
    Cover,
    MaxCoverage,
    MinSites,
    NobodyBeyond,
    OnePer,
    Phases,
    Supply,
    TargetMarketShare,
)
from siting.propose.plan.rule_text import rule_words
from siting.propose.problem import Objective, Rule
from siting.study.asked import NAMES, Asked, Town
from siting.study.columns import check_set
from siting.study.fields import (
    Datum,
    Flag,
    Metres,
    Minutes,
    PathOfFile,
    Persons,
    Scope,
    Several,
    StandardName,
    Text,
    Title,
    Whole,
    Year,
)  # fmt: skip
from siting.study.names import check_name
from siting.study.rows import check_where

__all__ = [
    "LIMITING",
    "OF_DATABASES",
    "OF_EXTRACTS",
    "OF_FILES",
    "OF_LINES",
    "Circle",
    "Goal",
    "Settings",
    "Source",
    "role_in",
]

#: The keys of a `Source` that are of files only, and of databases only.
OF_FILES = ("layer", "encoding", "skip_rows", "header")
OF_DATABASES = ("table", "query", "schema", "geometry")
#: The keys of streets only: the keywords of `Network.from_streets`, and those of `Network.from_osm`.
OF_LINES = ("length", "walking", "split", "oneway")
OF_EXTRACTS = ("walking", "ferries", "area")
#: Rules that require sites, and those that limit them.
REQUIRING = {NobodyBeyond, OnePer, Supply, TargetMarketShare}
LIMITING = {AtMost, Budget, Phases}
#: A key that is not known is an error.
CLOSED = ConfigDict(extra="forbid", arbitrary_types_allowed=True)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The table [study]: what holds for all of a study. `Study` says what each means.

    Attributes
    ----------
    name, title, lang
        Name for files, title for readers by language, "zh" or "en".
    standard, year, by, household_size, scope, beside
        What is judged: the standard or several, the year, the districts apart, persons per household, the part of the
        area, and the walk in metres within which a facility counts as one's own.
    max_snap, crs, datum, strict
        How places are brought to the streets: metres, the CRS that all is measured in, the datum of layers that name
        none, and whether doubts about locations are errors.
    """

    __pydantic_config__ = CLOSED

    name: Text
    title: Title
    lang: Literal["zh", "en"] = "zh"
    headings: Literal["words", "names"] = "words"
    standard: StandardName | tuple[StandardName, ...] | None = None
    year: Year | None = None
    beside: Metres = 300.0
    by: Literal["district", "county"] | None = None
    household_size: Persons | None = None
    scope: Scope | None = None
    max_snap: Metres = 250.0
    crs: Text | None = None
    strict: Flag = False
    datum: Datum | None = None
    sample: Flag = False


@dataclass(frozen=True)
class Source:
    """The source of a layer: a file with the keywords of `read_layer`, or a table with those of `read_postgis`.

    `postgis` is the address of a database, with `table` or `query`; `from_`, in a file ``from``, the name of another
    layer of the study. `role` is for a service without its own role: ``role = "facilities"``. `where` takes some rows,
    `set` gives them columns; `sample` takes the layer of this name from the sample district.
    Streets may be an extract of OpenStreetMap, or the folder of `Network.save`; they have the keywords of
    `Network.from_streets` or `Network.from_osm` too, where `area` names a layer of the study.

    Attributes
    ----------
    path, layer, columns, encoding, crs, datum, missing, mapping, skip_rows, header, strip_units, id_prefix
        As for `read_layer`.
    postgis, table, query, schema, geometry
        As for `read_postgis`.
    role
        The role of the layer; without it that of the layer it is made `from_`, else its name.
    from_, where, set
        Another layer, conditions on its rows (see `siting.study.rows.rows_where`), and columns that it gets.
    length, walking, split, oneway, ferries, area
        Of streets: as for `Network.from_streets` and `Network.from_osm`.

    Examples
    --------
    >>> Source(from_="eldercare", where={"facility_type": "养老机构"}).given(["from_", "role", "path"])
    {'from_': 'eldercare'}
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
    from_: Annotated[Text | None, Field(alias="from")] = None
    where: Annotated[
        Mapping[str, Any] | None, BeforeValidator(check_where, json_schema_input_type=Mapping[str, Any])
    ] = None
    set: Annotated[Mapping[str, Any] | None, BeforeValidator(check_set, json_schema_input_type=Mapping[str, Any])] = (
        None
    )
    sample: Flag = False
    length: Text | None = None
    walking: Flag | None = None
    split: Flag | None = None
    oneway: Text | None = None
    ferries: Flag | None = None
    area: Text | None = None

    @property
    def is_extract(self) -> bool:
        """Whether it is an extract of OpenStreetMap, which holds streets."""
        return self.path is not None and self.path.suffix.lower() in (".osm", ".pbf")

    @property
    def is_network(self) -> bool:
        """Whether it is the folder of a saved network."""
        return self.path is not None and (self.path / HEAD).is_file()

    def given(self, keys: Iterable[str]) -> dict[str, Any]:
        """Return those of some keys that have a value."""
        return {key: value for key in keys if (value := getattr(self, key)) is not None}

    def read(self, name: str, *, strict: bool, datum: str | None = None) -> Any:
        """Read the layer of a role, from its file or database; *datum* is that of the study."""
        others = (
            "path",
            "role",
            "postgis",
            "from_",
            "where",
            "set",
            "sample",
            *OF_LINES,
            *OF_EXTRACTS,
            *(OF_FILES if self.postgis is not None else OF_DATABASES),
        )
        options = {key: value for key, value in vars(self).items() if key not in others}
        options["datum"] = self.datum or datum
        if self.postgis is not None:
            return read_postgis(self.postgis, self.role or name, strict=strict, **options)
        if self.sample:
            return read_layer(sample_path(), self.role or name, layer=name, strict=strict)
        return read_layer(self.path or "", self.role or name, strict=strict, **options)


def role_in(layers: Mapping[str, Source], layer: str) -> str:
    """Return the role of a layer: its own, that of the layer that it is made from, else its name.

    Examples
    --------
    >>> role_in({"centres": Source(from_="care"), "care": Source(role="eldercare")}, "centres")
    'eldercare'
    """
    source = layers.get(layer)
    if source is None or (source.role is None and source.from_ is None):
        return layer
    return source.role or role_in(layers, source.from_ or layer)


@dataclass(frozen=True)
class Circle:
    """Distances at which the coverage of a service is measured, in metres or in minutes of its walker.

    Attributes
    ----------
    service
        A layer of facilities.
    metres, minutes
        One distance or several, along the streets; of minutes by the walker of the service.
    """

    __pydantic_config__ = CLOSED

    service: Text
    metres: Several[Metres] = ()
    minutes: Several[Minutes] = ()

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
    """A proposal: the service, the distance that counts as covered, an objective and rules, as for `solve`.

    Attributes
    ----------
    name
        Short name, for files.
    service
        A layer of facilities, or several that are sited together.
    metres, minutes
        The distance, one of the two: a number, or one for each service.
    people
        The column of the communities whose people are served, or one for each service; default that of the service.
    objective
        Without one, the fewest sites where a rule asks for a share, or requires sites without a limit on them; else the
        most people.
    rules
        Rules of `solve`, beside the one that existing facilities are open.
    curve
        Coverage for each number of sites up to this one.
    on_map
        Whether the map shows this proposal, of those for its service.
    time_limit, gap
        As for `solve`.

    Examples
    --------
    >>> Goal("most", "childcare", metres=500, rules=(AtMost(5),)).title("en")
    'childcare: the best 5 new sites within 500 m'
    """

    name: str
    service: str | tuple[str, ...]
    metres: float | Mapping[str, float] | None = None
    minutes: float | Mapping[str, float] | None = None
    people: str | Mapping[str, str] | None = None
    objective: Asked | Objective | None = None
    rules: tuple[Asked | Rule, ...] = ()
    curve: int = 0
    on_map: bool = False
    time_limit: float | None = None
    gap: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a name that cannot be part of the name of a file."""
        check_name(self.name, "[[goal]] name")

    @property
    def services(self) -> tuple[str, ...]:
        """The services that are sited."""
        return (self.service,) if isinstance(self.service, str) else tuple(self.service)

    @property
    def unit(self) -> str:
        """The unit of the distances: "m" or "min"."""
        return "m" if self.metres is not None else "min"

    def limit(self, service: str) -> float:
        """Return the distance that counts as covered for a service."""
        limits = self.metres if self.metres is not None else self.minutes
        return float(limits[service] if isinstance(limits, Mapping) else limits or math.inf)

    @property
    def share(self) -> float | None:
        """The share that the rules ask for, of all communities together."""
        shares = [rule.share for rule in self.asked(NAMES) if isinstance(rule, Cover) and rule.by is None]
        return max(shares, default=None)

    def asked(self, town: Town) -> list[Rule]:
        """Return the rules with their columns looked up in a town."""
        return [rule.made(town) if isinstance(rule, Asked) else rule for rule in self.rules]

    def aim(self, town: Town) -> Objective:
        """Return the objective with its columns looked up in a town."""
        if isinstance(self.objective, Asked):
            made: Objective = self.objective.made(town)
            return made
        if self.objective is not None:
            return self.objective
        kinds = {rule.make if isinstance(rule, Asked) else type(rule) for rule in self.rules}
        fewest = self.share is not None or (kinds & (REQUIRING | {Cover}) and not kinds & LIMITING)
        return MinSites() if fewest else MaxCoverage()

    def title(self, lang: str) -> str:
        """Describe the goal: services, objective, distance and rules."""
        between, unit = label("list.comma", lang), self.unit
        services = between.join(named("service", service, lang) for service in self.services)
        limits = dict.fromkeys(f"{self.limit(service):g} {label(f'unit.{unit}', lang)}" for service in self.services)
        words, rules, aim = {"service": services, "limit": between.join(limits)}, self.asked(NAMES), self.aim(NAMES)
        if rules == [Cover(self.share or 1)] and aim == MinSites():
            return label("study.goal_cover", lang, share=f"{100 * (self.share or 1):g} %", **words)
        if len(rules) == 1 and rules == [AtMost(getattr(rules[0], "n", 1))] and aim == MaxCoverage():
            return label("study.goal_most", lang, n=getattr(rules[0], "n", 1), **words)
        listed = [rule_words(rule, lang, unit) for rule in rules]
        first = label("study.goal_other", lang, aim=rule_words(aim, lang, unit), **words)
        return label("list.semicolon", lang).join([first, *listed])
