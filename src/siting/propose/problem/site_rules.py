"""Rules on sites: number, cost, existing, required and forbidden sites, closures, spacing and sharing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import pandas as pd

from siting.errors import ProblemError, counted
from siting.measure.reach import Reach
from siting.messages import Message
from siting.propose.problem.rule import Rule
from siting.propose.problem.rule_values import (
    argument_of,
    arguments,
    at_least_zero,
    groups_of,
    ids_of,
    is_whole,
    numbers_of,
    site_to_site,
)
from siting.renamed import RenamedAttribute, renamed_keywords

__all__ = [
    "AtLeast", "AtMost", "Budget", "Existing", "Forbidden", "MayClose", "OnePer", "Required", "Spacing", "Together",
]  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Count(Rule):
    n: int
    by: pd.Series | None = field(default=None, kw_only=True)
    service: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if not is_whole(self.n, 1):
            raise ProblemError(
                Message("argument.whole", what=argument_of(type(self).__name__, "n"), value=self.n, least=1)
            )
        if self.by is not None:
            groups_of(self.by, argument_of(type(self).__name__, "by"), "sites")

    def __str__(self) -> str:
        return f"{type(self).__name__}({arguments(self.n, by=self.by, service=self.service)})"


class AtMost(_Count):
    """Open at most *n* new sites; existing ones do not count, required ones do.

    Parameters
    ----------
    n
        A whole number of sites, 1 or more. With several services a site that opens for two counts twice.
    by
        A group for each site id, such as its district; then *n* holds in each group.
    service
        Count only this service.

    Raises
    ------
    ProblemError
        When *n* is not a whole number above 0.
    """


class AtLeast(_Count):
    """Open at least *n* new sites; existing ones do not count, required ones do.

    Parameters
    ----------
    n
        A whole number of sites, 1 or more.
    by
        A group for each site id, such as its district; then *n* holds in each group.
    service
        Count only this service.

    Raises
    ------
    ProblemError
        When *n* is not a whole number above 0.
    """


@dataclass(frozen=True, eq=False)
class Budget(Rule):
    """Limit the cost of opening.

    Parameters
    ----------
    total
        In the unit of *cost*.
    cost
        Cost of opening each site, by id; a mapping with a Series for each service. Without it the column `cost` of the
        options. Existing sites cost nothing.

    Raises
    ------
    ProblemError
        When *total* is no number of 0 or more.
    """

    total: float
    cost: pd.Series | Mapping[str, pd.Series] | None = None

    def __post_init__(self) -> None:
        at_least_zero(self.total, argument_of("Budget", "total"))
        object.__setattr__(self, "total", float(self.total))

    def __str__(self) -> str:
        return f"Budget({self.total:g})"


@renamed_keywords(groups="by")
@dataclass(frozen=True, eq=False)
class OnePer(Rule):
    """Require an open site, new or existing, in every group, such as every township.

    Parameters
    ----------
    by
        A group for each site id, such as its township.
    among
        All groups. One without a site makes the rule impossible, and is named.
    service
        Only for this service; without it each service has one.

    Raises
    ------
    ProblemError
        When *by* is no Series.
    """

    groups = RenamedAttribute("by")

    by: pd.Series
    among: Sequence[object] | None = field(default=None, kw_only=True)
    service: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        groups_of(self.by, argument_of("OnePer", "by"), "sites")
        if isinstance(self.among, str):
            raise ProblemError(Message("problem.list_of_groups", what=argument_of("OnePer", "among"), value=self.among))
        object.__setattr__(self, "among", None if self.among is None else tuple(self.among))

    def __str__(self) -> str:
        return f"OnePer({arguments(self.by.name or 'group', service=self.service)})"


@dataclass(frozen=True, eq=False)
class _Sites(Rule):
    ids: tuple[object, ...]
    service: str | None = field(default=None, kw_only=True)

    def __init__(self, ids: Iterable[object], *, service: str | None = None) -> None:
        object.__setattr__(self, "ids", ids_of(ids, type(self).__name__))
        object.__setattr__(self, "service", service)

    def __str__(self) -> str:
        service = "" if self.service is None else f", service={self.service}"
        return f"{type(self).__name__}({counted(len(self.ids), 'sites')}{service})"


class Existing(_Sites):
    """Sites that are open already: they cover, cost nothing, and are not proposed.

    Parameters
    ----------
    ids
        Site ids; an id that is not a destination of a service's reach is ignored for that service.
    service
        Their service; default each.
    """


class Required(_Sites):
    """Sites that every plan opens.

    Parameters
    ----------
    ids
        Site ids.
    service
        The service; default each.
    """


class Forbidden(_Sites):
    """Sites that no plan opens.

    Parameters
    ----------
    ids
        Site ids.
    service
        The service; default each.
    """


@dataclass(frozen=True, eq=False)
class MayClose(Rule):
    """Existing sites that may close; closing one and opening another moves it.

    Parameters
    ----------
    ids
        Ids of existing sites; default all.
    at_most
        Most closures.
    saving
        Money that each closure adds to the budget (or subtracts from the cost), by id, or one number.
    service
        Only for this service; without it for each.

    Raises
    ------
    ProblemError
        When a value is none of these.
    """

    ids: tuple[object, ...] | None = None
    at_most: int | None = field(default=None, kw_only=True)
    saving: pd.Series | float | None = field(default=None, kw_only=True)
    service: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if self.ids is not None:
            object.__setattr__(self, "ids", ids_of(self.ids, "MayClose"))
        if self.at_most is not None and not is_whole(self.at_most, 0):
            raise ProblemError(
                Message("argument.whole", what=argument_of("MayClose", "at_most"), value=self.at_most, least=0)
            )
        numbers_of(self.saving, argument_of("MayClose", "saving"))

    def __str__(self) -> str:
        sites = None if self.ids is None else counted(len(self.ids), "sites")
        return f"MayClose({arguments(sites, at_most=self.at_most, service=self.service)})"


@dataclass(frozen=True, eq=False)
class Spacing(Rule):
    """Keep open sites of one service apart: the two sites of a pair are not both open.

    Existing sites that are too near each other may stay. With `Phases` the rule holds in the last year.

    Parameters
    ----------
    pairs
        A `Reach` from the sites to the sites with the pairs that are too near; a DataFrame with the columns
        `origin` and `destination`; or a list of pairs of ids.

    Raises
    ------
    ProblemError
        When *pairs* is none of these.
    """

    pairs: Reach | pd.DataFrame | Iterable[tuple[object, object]]

    def __post_init__(self) -> None:
        if isinstance(self.pairs, pd.DataFrame):
            absent = {"origin", "destination"} - set(self.pairs.columns)
            if absent:
                found = list(self.pairs.columns)
                raise ProblemError(
                    Message(
                        "argument.no_column", what=argument_of("Spacing", "pairs"), columns=sorted(absent), found=found
                    )
                )
        elif isinstance(self.pairs, Reach):
            site_to_site(self.pairs, argument_of("Spacing", "pairs"))
        elif not isinstance(self.pairs, Iterable):
            raise ProblemError(Message("problem.pairs", value=self.pairs))
        else:
            pairs = tuple(self.pairs)
            if any(isinstance(p, str) or not isinstance(p, Sequence) or len(p) != 2 for p in pairs):
                raise ProblemError(Message("problem.pairs", value=pairs))
            object.__setattr__(self, "pairs", pairs)

    @cached_property
    def table(self) -> pd.DataFrame:
        """The pairs as `origin` and `destination`, without pairs of a site with itself."""
        pairs = self.pairs.pairs() if isinstance(self.pairs, Reach) else self.pairs
        if not isinstance(pairs, pd.DataFrame):
            pairs = pd.DataFrame(list(pairs), columns=["origin", "destination"], dtype=object)
        return pairs.loc[pairs["origin"] != pairs["destination"], ["origin", "destination"]].reset_index(drop=True)

    @cached_property
    def count(self) -> int:
        """Number of pairs."""
        return len({frozenset(pair) for pair in self.table.itertuples(index=False, name=None)})

    def __str__(self) -> str:
        return f"Spacing({counted(self.count, 'pairs')})"


@dataclass(frozen=True, eq=False)
class Together(Rule):
    """Two services in one building: a saving or bonus for sharing, or an obligation.

    With `Phases` a site opens for both when it opens for both in the same year.

    Parameters
    ----------
    services
        Names of the two services; default the only two.
    saving
        Saving of a site that opens for both, by site id or one number: for `Budget` and `MinCost`.
    bonus
        Bonus of a site that opens for both, in people: for `MaxCoverage`.
    must
        True: a new site opens for both or for none. Sites in the reach of only one service, or existing for
        one, are exempt.

    Raises
    ------
    ProblemError
        When a value is none of these, or none of the three is given.
    """

    services: tuple[str, str] | None = None
    saving: pd.Series | float | None = field(default=None, kw_only=True)
    bonus: float | None = field(default=None, kw_only=True)
    must: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        if self.services is not None:
            if isinstance(self.services, str) or len(set(self.services)) != 2 or len(self.services) != 2:
                raise ProblemError(
                    Message("problem.two_services", what=argument_of("Together", "services"), value=self.services)
                )
            object.__setattr__(self, "services", tuple(self.services))
        numbers_of(self.saving, argument_of("Together", "saving"))
        if self.bonus is not None:
            at_least_zero(self.bonus, argument_of("Together", "bonus"))
        if self.saving is None and self.bonus is None and not self.must:
            raise ProblemError(Message("problem.no_effect"))

    def __str__(self) -> str:
        saving = "by site" if isinstance(self.saving, pd.Series) else self.saving
        return f"Together({arguments(None, saving=saving, bonus=self.bonus, must=self.must or None)})"
