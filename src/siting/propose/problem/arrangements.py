"""Rules on how facilities are arranged: places, spacing, shared buildings, closings, and years."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from siting.errors import ProblemError
from siting.propose.problem.objectives import at_least_zero, is_number, site_to_site
from siting.propose.problem.rules import Rule, arguments, groups_of_sites
from siting.share import share_from

if TYPE_CHECKING:
    from siting.measure import Reach

__all__ = ["Capacity", "MayClose", "Phases", "Spacing", "Supply", "Together"]


@dataclass(frozen=True)
class Capacity(Rule):
    """Serve at most so many people at each open site, and at least so many.

    People may be spread over sites; who finds no place within the limit is not served, and a `Cover` counts who has a
    place. `NobodyBeyond` then asks for a place for everybody within its limit.

    Parameters
    ----------
    places
        Places or beds by site id, existing sites included; a mapping with a Series for each service. An option with
        places of its own (column `places` of the options) has those.
    least
        The fewest people a new site must serve in every year in which it is open, by site id or one number. People are
        sent so that it is met, also where a nearer site has places left.

    Raises
    ------
    ProblemError
        When *places* or *least* is no such thing.
    """

    places: pd.Series | Mapping[str, pd.Series] | None = field(default=None, compare=False)
    least: pd.Series | float | None = field(default=None, compare=False, kw_only=True)

    def __post_init__(self) -> None:
        if self.least is not None and not isinstance(self.least, pd.Series):
            at_least_zero(self.least, "Capacity: least")
        if self.places is not None and not isinstance(self.places, (pd.Series, Mapping)):
            raise ProblemError(f"Capacity: places is {self.places!r}; give a Series with a number for each site id")

    def __str__(self) -> str:
        least = self.least if self.least is None or not isinstance(self.least, pd.Series) else "by site"
        return f"Capacity({arguments(None, least=least)})"


@dataclass(frozen=True)
class Supply(Rule):
    """Have at least so many places in open sites, existing ones included: in all, or for each 1000 residents.

    Parameters
    ----------
    total
        Places in all; with *by* a Series with a number for each group.
    per_1000
        Places for each 1000 of *people*.
    people
        Residents: a number, or with *by* a Series with a number for each group.
    places
        Places of each site, by id; a mapping with a Series for each service. Without it what `Capacity` says. An option
        with places of its own (column `places` of the options) has those.
    by
        A group for each site id, such as its district. A group that *total* or *people* names and no site is in has no
        places, and makes the rule impossible.
    service
        Count only this service; without it the places of all services are added up.

    Raises
    ------
    ProblemError
        When it is not clear how many are asked for.
    """

    total: float | pd.Series | None = field(default=None, compare=False)
    per_1000: float | None = field(default=None, kw_only=True)
    people: float | pd.Series | None = field(default=None, compare=False, kw_only=True)
    places: pd.Series | Mapping[str, pd.Series] | None = field(default=None, compare=False, kw_only=True)
    by: pd.Series | None = field(default=None, compare=False, kw_only=True)
    service: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if (self.total is None) == (self.per_1000 is None):
            raise ProblemError("Supply: give either total, or per_1000 with people")
        if self.per_1000 is not None:
            at_least_zero(self.per_1000, "Supply: per_1000")
            if self.people is None:
                raise ProblemError("Supply: per_1000 wants people, the residents that are counted")
        for name, value in (("total", self.total), ("people", self.people)):
            if value is None or isinstance(value, pd.Series):
                if isinstance(value, pd.Series) and self.by is None:
                    raise ProblemError(f"Supply: {name} is a Series; by must say which group each site is in")
            else:
                at_least_zero(value, f"Supply: {name}")
        if self.by is not None:
            groups_of_sites(self.by, "Supply: by", "a group for each site id")

    def __str__(self) -> str:
        total = None if self.total is None or isinstance(self.total, pd.Series) else float(self.total)
        return f"Supply({arguments(total, per_1000=self.per_1000, by=self.by, service=self.service)})"


@dataclass(frozen=True)
class MayClose(Rule):
    """Existing sites that may close, so that others may open elsewhere: closing one and opening one is moving it.

    Parameters
    ----------
    ids
        Ids of existing sites; without them all.
    at_most
        How many may close.
    saving
        What closing each frees for the budget (or takes off the cost), by id, or one number.
    service
        The service that is meant; without it each.

    Raises
    ------
    ProblemError
        When a value is none of these.
    """

    ids: tuple[object, ...] | None = None
    at_most: int | None = field(default=None, kw_only=True)
    saving: pd.Series | float | None = field(default=None, compare=False, kw_only=True)
    service: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if self.ids is not None:
            if isinstance(self.ids, str) or not isinstance(self.ids, Iterable):
                raise ProblemError(f'MayClose("{self.ids}"): give a list of ids')
            object.__setattr__(self, "ids", tuple(self.ids))
        if self.at_most is not None and (not is_number(self.at_most) or self.at_most < 0 or self.at_most % 1):
            raise ProblemError(f"MayClose: at_most is {self.at_most!r}; give a whole number of 0 or more")
        if self.saving is not None and not isinstance(self.saving, pd.Series):
            at_least_zero(self.saving, "MayClose: saving")

    def __str__(self) -> str:
        sites = None if self.ids is None else f"{len(self.ids)} sites"
        return f"MayClose({arguments(sites, at_most=self.at_most, service=self.service)})"


@dataclass(frozen=True)
class Spacing(Rule):
    """Keep open sites of one service apart: two of these pairs do not open together; nor beside an existing site.

    Existing sites that are too near each other may stay. With `Phases` the rule holds in the last year.

    Parameters
    ----------
    pairs
        A `Reach` from the sites to the sites, whose pairs are all too near each other; a DataFrame with the columns
        `origin` and `destination`; or a list of pairs of ids.

    Raises
    ------
    ProblemError
        When *pairs* is none of these.
    """

    pairs: Reach | pd.DataFrame | Iterable[tuple[object, object]] = field(compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.pairs, (pd.DataFrame, Iterable)) and not hasattr(self.pairs, "destinations"):
            raise ProblemError(
                f"Spacing({self.pairs!r}): give the pairs that are too near, such as "
                "straight_line(sites, sites, metres=200)"
            )
        if isinstance(self.pairs, pd.DataFrame):
            absent = {"origin", "destination"} - set(self.pairs.columns)
            if absent:
                raise ProblemError(f"Spacing: the table of pairs has no column {sorted(absent)}")
        elif hasattr(self.pairs, "destinations"):
            site_to_site(self.pairs, "Spacing: pairs")
        else:
            pairs = tuple(self.pairs)
            if any(isinstance(p, str) or not isinstance(p, Sequence) or len(p) != 2 for p in pairs):
                raise ProblemError("Spacing: give a Reach between the sites, a table of pairs, or a list of (id, id)")
            object.__setattr__(self, "pairs", pairs)

    @cached_property
    def table(self) -> pd.DataFrame:
        """The pairs as `origin` and `destination`, without a site and itself."""
        pairs: Any = self.pairs
        if isinstance(pairs, pd.DataFrame):
            table = pairs[["origin", "destination"]]
        elif isinstance(pairs, tuple):
            table = pd.DataFrame(list(pairs), columns=["origin", "destination"], dtype=object)
        else:
            table = pairs.pairs()[["origin", "destination"]]
        return table[table["origin"] != table["destination"]].reset_index(drop=True)

    @cached_property
    def count(self) -> int:
        """How many pairs there are, each counted once."""
        return len({frozenset(pair) for pair in self.table.itertuples(index=False, name=None)})

    def __str__(self) -> str:
        return f"Spacing({self.count} pairs)"


@dataclass(frozen=True)
class Together(Rule):
    """Two services in one building: what sharing saves or is worth, or that they must share.

    With `Phases` a site opens for both when it opens for both in the same year.

    Parameters
    ----------
    services
        Names of the two services; without them the only two there are.
    saving
        What a site that opens for both saves of the two costs, by site id or one number: for `Budget` and `MinCost`.
    bonus
        What a site that opens for both counts beside the people covered, in people: for `MaxCoverage`.
    must
        True: a new site opens for both or for none. A site that is only in the reach of one service, or that exists for
        one, is free.

    Raises
    ------
    ProblemError
        When a value is none of these, or nothing is asked for.
    """

    services: tuple[str, str] | None = None
    saving: pd.Series | float | None = field(default=None, compare=False, kw_only=True)
    bonus: float | None = field(default=None, kw_only=True)
    must: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        if self.services is not None:
            if isinstance(self.services, str) or len(set(self.services)) != 2 or len(self.services) != 2:
                raise ProblemError(f"Together: services is {self.services!r}; name two services")
            object.__setattr__(self, "services", tuple(self.services))
        if self.saving is not None and not isinstance(self.saving, pd.Series):
            at_least_zero(self.saving, "Together: saving")
        if self.bonus is not None:
            at_least_zero(self.bonus, "Together: bonus")
        if self.saving is None and self.bonus is None and not self.must:
            raise ProblemError("Together asks for nothing; give saving, bonus or must=True")

    def __str__(self) -> str:
        saving = "by site" if isinstance(self.saving, pd.Series) else self.saving
        return f"Together({arguments(None, saving=saving, bonus=self.bonus, must=self.must or None)})"


@dataclass(frozen=True)
class Phases(Rule):
    """Open in steps: what opens in a year stays open.

    The demand is then a DataFrame with a column for each year, or one Series for all years. `MaxCoverage` adds up the
    years, `MinTravel` too; `AtMost`, `Budget` hold for all years together, `Cover` in its `year`, other rules in the
    last year. What opens early serves longer, so without *at_most*, *budget* or options with a later `year` all opens
    in the first year; the log and `Plan.explain` say so.

    Parameters
    ----------
    years
        In order, such as (2025, 2030, 2035).
    at_most
        How many new sites open in each year: one number for all, or one for each.
    budget
        What is spent in each year: one number for all, or one for each; what is left of one year is not carried on.
    cover
        The share that is covered in each year: one for each, None where there is no goal.
    weights
        What each year counts in the objective; 1 without it.
    cost
        As in `Budget`.

    Raises
    ------
    ProblemError
        When years are not in order, or lists have another length.
    """

    years: tuple[int, ...]
    at_most: int | Sequence[int | None] | None = field(default=None, kw_only=True)
    budget: float | Sequence[float | None] | None = field(default=None, kw_only=True)
    cover: Sequence[float | None] | None = field(default=None, kw_only=True)
    weights: Sequence[float] | None = field(default=None, kw_only=True)
    cost: pd.Series | Mapping[str, pd.Series] | None = field(default=None, compare=False, kw_only=True)

    def __post_init__(self) -> None:
        years = tuple(self.years) if isinstance(self.years, Iterable) else ()
        if not years or any(not is_number(y) or y % 1 for y in years) or list(years) != sorted(set(years)):
            raise ProblemError(f"Phases: years is {self.years!r}; give whole years in order, each once")
        object.__setattr__(self, "years", tuple(int(y) for y in years))
        for name in ("at_most", "budget", "cover", "weights"):
            value = getattr(self, name)
            if value is None:
                continue
            if is_number(value) and name in ("at_most", "budget"):
                value = (value,) * len(years)
            if isinstance(value, str) or not isinstance(value, Sequence) or len(value) != len(years):
                raise ProblemError(f"Phases: {name} is {value!r}; give one for each of the {len(years)} years")
            value = tuple(value)
            if name == "cover":
                value = tuple(one if one is None else share_from(one, "Phases: cover", ProblemError) for one in value)
            for one in value:
                if one is not None:
                    at_least_zero(one, f"Phases: {name}")
                    if name == "at_most" and one % 1:
                        raise ProblemError(f"Phases: at_most is {one!r}; give whole numbers of sites")
                elif name == "weights":
                    raise ProblemError("Phases: weights has a None; give a number for each year")
            object.__setattr__(self, name, value)

    def __str__(self) -> str:
        said = arguments(
            "–".join(str(y) for y in (self.years[0], self.years[-1])) if len(self.years) > 1 else self.years[0],
            at_most=self.at_most, budget=self.budget, cover=self.cover,
        )  # fmt: skip
        return f"Phases({said})"
