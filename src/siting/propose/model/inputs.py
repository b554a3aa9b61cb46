"""What `solve` was given, checked and in one order: communities, sites, services, years, demand."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import numpy as np
import pandas as pd

from siting.errors import ProblemError, some
from siting.measure import Reach
from siting.measure.alignment import weights
from siting.measure.reach import TOLERANCE
from siting.numbers import Bools, Floats, Ints
from siting.propose.problem.arrangements import Phases
from siting.propose.problem.rules import Rule

log = logging.getLogger(__name__)

__all__ = ["Demand", "Inputs", "Reaches", "read"]

Reaches: TypeAlias = "Reach | Mapping[str, Reach]"
Demand: TypeAlias = "pd.Series | pd.DataFrame | Mapping[str, pd.Series | pd.DataFrame]"
#: Name of the only service, where none was named.
UNNAMED = ""
R = TypeVar("R", bound=Rule)


@dataclass(frozen=True, eq=False)
class Pairs:
    """Who reaches which site of one service, in positions of `Inputs.homes` and `Inputs.sites`, ordered by both.

    `homes` and `sites` are masks of those that the reach names, and `order` the communities in its order.
    """

    home: Ints
    site: Ints
    cost: Floats
    limit: float
    unit: str
    how: str
    homes: Bools
    sites: Bools
    order: Ints

    def within(self, limit: float | None) -> Bools:
        """Which pairs are within *limit* (None: all)."""
        if limit is None:
            return np.ones(len(self.cost), bool)
        near: Bools = self.cost <= limit * (1 + TOLERANCE)
        return near


@dataclass(frozen=True, eq=False)
class Inputs:
    """A siting problem as it was put, in an order that does not depend on the order of its tables.

    Attributes
    ----------
    homes, sites
        Ids of all communities and sites, sorted as text.
    services
        Names; ("",) for the only one where none was named.
    years
        Years of the phases; (None,) without.
    pairs
        For each service.
    demand
        Services × years × communities.
    whole
        Whether all demand is in whole numbers.
    options
        The table of options, or None: one option for each site and service.
    rules
        As given.
    """

    homes: pd.Index
    sites: pd.Index
    services: tuple[str, ...]
    years: tuple[int | None, ...]
    pairs: tuple[Pairs, ...]
    demand: Floats
    whole: bool
    options: pd.DataFrame | None
    rules: tuple[Rule, ...]

    @property
    def phases(self) -> Phases | None:
        """The rule on phases, where there is one."""
        return self.one(Phases)

    def all(self, kind: type[R]) -> list[R]:
        """Return the rules of one kind."""
        return [rule for rule in self.rules if isinstance(rule, kind)]

    def one(self, kind: type[R]) -> R | None:
        """Return the only rule of one kind, or None.

        Raises
        ------
        ProblemError
            When there are several.
        """
        found = self.all(kind)
        if len(found) > 1:
            raise ProblemError(f"{kind.__name__} stands {len(found)} times among the rules; say it once")
        return found[0] if found else None

    def service(self, name: str | None, rule: object) -> Sequence[int]:
        """Return positions of the services that *name* means; all for None.

        Raises
        ------
        ProblemError
            When there is no such service.
        """
        if name is None:
            return range(len(self.services))
        if name not in self.services:
            there = f"there are {some(self.services)}" if self.services != (UNNAMED,) else "no services were named"
            raise ProblemError(f"{rule}: there is no service {name!r}; {there}")
        return [self.services.index(name)]

    def year(self, year: int | None, rule: object) -> int:
        """Return the position of *year*; the last for None.

        Raises
        ------
        ProblemError
            When there is no such phase.
        """
        if year is None:
            return len(self.years) - 1
        if year not in self.years:
            told = "; there are no Phases" if self.years == (None,) else f"; the phases are {some(self.years)}"
            raise ProblemError(f"{rule}: no phase {year!r}{told}")
        return self.years.index(year)

    def site_positions(self, ids: Iterable[object], what: str) -> Ints:
        """Return positions of sites.

        Raises
        ------
        ProblemError
            When one is unknown.
        """
        wanted = pd.Index(list(ids), dtype=object)
        at = self.sites.get_indexer(wanted)
        if (at < 0).any():
            raise ProblemError(f"{what}: no such destinations: {some(wanted[at < 0])}")
        return at.astype(np.int64)

    def site_groups(self, groups: pd.Series, what: str) -> pd.Series:
        """Put a group for each site in the order of the sites; a site without one has NaN.

        Raises
        ------
        ProblemError
            When ids stand twice, or no site has a group.
        """
        if not groups.index.is_unique:
            raise ProblemError(f"{what}: ids stand twice: {some(groups.index[groups.index.duplicated()])}")
        found = groups.reindex(self.sites)
        if found.isna().any():
            raise ProblemError(f"{what}: no group for the sites {some(self.sites[found.isna()])}")
        return found

    def home_groups(self, groups: pd.Series | None, rule: object, service: int) -> pd.Series:
        """Put a group for each community in the order of the communities; "all" without groups.

        Raises
        ------
        ProblemError
            When a community has none, or several.
        """
        if groups is None:
            return pd.Series("all", index=self.homes)
        known = groups.dropna().index
        needed = self.homes[self.pairs[service].homes]
        wrong = needed.difference(known).union(groups.index[groups.index.duplicated()])
        if len(wrong):
            raise ProblemError(f"{rule}: no single group for origins {some(wrong)}")
        return groups.reindex(self.homes)


def read(reach: Reaches, demand: Demand, rules: Sequence[Rule], options: pd.DataFrame | None) -> Inputs:
    """Check what was given and put it in one order.

    Raises
    ------
    ProblemError
        When services do not agree, ids are unknown, or a number is none.
    """
    reaches = dict(reach) if isinstance(reach, Mapping) else {UNNAMED: reach}
    for name, one in reaches.items():
        if not isinstance(one, Reach):
            raise ProblemError(f"reach{_of(name)} is {one!r}; give a Reach, or a mapping of services to Reach")
        if one.nearest_only is not None:
            raise ProblemError("solve needs all pairs within a limit; call travel with metres or minutes")
    if not reaches:
        raise ProblemError("reach names no service")
    demands: Mapping[str, Any] = demand if isinstance(demand, Mapping) else dict.fromkeys(reaches, demand)
    if set(demands) != set(reaches):
        raise ProblemError(f"reach is for {some(reaches)} and demand for {some(demands)}; give both for each service")
    if len(reaches) > 1 and not isinstance(demand, Mapping):
        raise ProblemError(f"reach is for {some(reaches)}; give demand as a mapping, a Series for each service")
    if any(isinstance(ids, pd.MultiIndex) for one in reaches.values() for ids in (one.origins, one.destinations)):
        raise ProblemError("ids are tuples; give communities and sites one text or number each")
    homes = in_order(h for one in reaches.values() for h in one.origins.tolist())
    sites = in_order(s for one in reaches.values() for s in one.destinations.tolist())
    phases = [rule for rule in rules if isinstance(rule, Phases)]
    years: tuple[int | None, ...] = tuple(phases[0].years) if phases else (None,)
    amount = np.zeros((len(reaches), len(years), len(homes)))
    for k, (name, one) in enumerate(reaches.items()):
        given = demands[name]
        if isinstance(given, pd.DataFrame) and given.columns.astype(str).duplicated().any():
            raise ProblemError(f"demand{_of(name)} has columns of one name: {some(given.columns)}")
        frame = weights(given, one.origins)
        if isinstance(given, pd.DataFrame) and len(years) > 1 and frame.shape[1] == 1 and frame.columns[0].isdigit():
            raise ProblemError(
                f"demand{_of(name)} has a column for {frame.columns[0]} only; give one for each year, or a Series"
            )
        amount[k][:, homes.get_indexer(one.origins)] = _by_year(frame, years, name)
        if not amount[k].sum() > 0:
            raise ProblemError(f"demand{_of(name)} is 0 everywhere; there is nothing to cover")
    return Inputs(
        homes=homes,
        sites=sites,
        services=tuple(reaches),
        years=years,
        pairs=tuple(_pairs(one, homes, sites) for one in reaches.values()),
        demand=amount,
        whole=bool((amount == np.rint(amount)).all()),
        options=None if options is None else _options(options, sites, tuple(reaches), years),
        rules=tuple(rules),
    )


def _of(service: str) -> str:
    return f" of {service!r}" if service != UNNAMED else ""


def in_order(ids: Iterable[Hashable]) -> pd.Index:
    """Sort distinct ids as text, so that no result depends on the order of a table."""
    index = pd.Index(list(dict.fromkeys(ids)), dtype=object)
    return index[np.argsort(index.astype(str).to_numpy(), kind="stable")] if len(index) else index


def _by_year(frame: pd.DataFrame, years: tuple[int | None, ...], service: str) -> Floats:
    if years == (None,) or frame.shape[1] == 1:
        if frame.shape[1] != 1:
            raise ProblemError(
                f"demand{_of(service)} has {frame.shape[1]} columns; choose one weight to plan for, or give Phases"
            )
        return np.repeat(frame.to_numpy(float).T, len(years), axis=0)
    absent = [year for year in years if str(year) not in frame.columns]
    if absent:
        raise ProblemError(f"demand{_of(service)} has no column for the years {some(absent)}")
    by_year: Floats = frame[[str(year) for year in years]].to_numpy(float).T
    return by_year


def _pairs(reach: Reach, homes: pd.Index, sites: pd.Index) -> Pairs:
    row, column = homes.get_indexer(reach.origins), sites.get_indexer(reach.destinations)
    home, site = row[reach.origin].astype(np.int64), column[reach.destination].astype(np.int64)
    order = np.argsort(home * max(1, len(sites)) + site, kind="stable")
    mine, there = np.zeros(len(homes), bool), np.zeros(len(sites), bool)
    mine[row], there[column] = True, True
    return Pairs(
        home[order], site[order], reach.cost[order], reach.limit, reach.unit, reach.how, mine, there,
        row.astype(np.int64),
    )  # fmt: skip


def _options(
    options: pd.DataFrame, sites: pd.Index, services: tuple[str, ...], years: tuple[int | None, ...]
) -> pd.DataFrame:
    """Check the table of options and fill in what it leaves out, sorted by id.

    Raises
    ------
    ProblemError
        When a column is absent, an id stands twice, or a value is none.
    """
    if not isinstance(options, pd.DataFrame) or "site" not in options:
        raise ProblemError("options: give a DataFrame with the column `site`, and cost, places, service or year")
    if not options.index.is_unique:
        raise ProblemError(f"options: ids stand twice: {some(options.index[options.index.duplicated()])}")
    if not len(options):
        raise ProblemError("options has no row; there is nothing to choose from")
    unknown = pd.Index(options["site"]).difference(sites)
    if len(unknown):
        raise ProblemError(f"options: no such destinations: {some(unknown)}")
    more = options.columns.difference(["site", "service", "cost", "places", "year"])
    if len(more):
        log.info("options: the columns %s are not looked at", some(more))
    table = pd.DataFrame({"site": options["site"]}, index=options.index)
    table["service"] = options.get("service", None)
    strange = pd.Index(table["service"].dropna()).difference(pd.Index(services))
    if len(strange):
        raise ProblemError(f"options: no such services: {some(strange)}; there are {some(services)}")
    for name in ("cost", "places"):
        table[name] = np.nan
        if name in options:
            table[name] = _numbers(options[name], f"options: {name}")
    table["phase"] = 0
    if "year" in options:
        first = pd.to_numeric(options["year"], errors="coerce")
        if years == (None,):
            raise ProblemError("options has years, but there are no Phases among the rules")
        late = first > max(y for y in years if y is not None)
        if first.isna().any() or late.any():
            wrong = options.index[first.isna() | late]
            raise ProblemError(f"options: the year is no year up to the last phase for {some(wrong)}")
        table["phase"] = np.searchsorted(np.array(years, float), first.to_numpy(float))
    return table.loc[in_order(table.index)]


def _numbers(values: pd.Series, what: str) -> pd.Series:
    numbers = pd.to_numeric(values, errors="coerce")
    wrong = ~np.isfinite(numbers.to_numpy(float)) | (numbers < 0).to_numpy()
    if wrong.any():
        raise ProblemError(f"{what} is negative or not a number for {some(values.index[wrong])}")
    return numbers.astype(float)
