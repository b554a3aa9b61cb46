"""What every plan must keep to: how many sites, at what cost, who is covered, which are open, needed or barred.

Rules are plain values; any sensible combination goes with an objective. Those on places, spacing, shared buildings,
closings and years are in `siting.propose.problem.arrangements`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from siting.errors import ProblemError
from siting.propose.problem.objectives import at_least_zero, is_number
from siting.share import share_from

__all__ = [
    "AtLeast", "AtMost", "Backup", "Budget", "Cover", "Existing", "Forbidden", "NobodyBeyond", "OnePer", "Required",
    "Rule",
]  # fmt: skip


@dataclass(frozen=True)
class Rule:
    """What every plan must keep to."""


def arguments(first: object, **named: object) -> str:
    """Write the arguments of a call, those that were given."""
    said = [] if first is None else [f"{first:g}" if isinstance(first, float) else str(first)]
    for name, value in named.items():
        if value is not None:
            shown = value.name if isinstance(value, pd.Series) else f"{value:g}" if isinstance(value, float) else value
            said.append(f"{name}={shown}")
    return ", ".join(said)


def groups_of_sites(value: object, what: str, of: str) -> None:
    if not isinstance(value, pd.Series):
        raise ProblemError(f"{what} is {value!r}; give a Series with {of}")


@dataclass(frozen=True)
class _Count(Rule):
    n: int
    by: pd.Series | None = field(default=None, compare=False, kw_only=True)
    service: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if not is_number(self.n) or not self.n >= 1 or self.n % 1:
            raise ProblemError(f"{type(self).__name__}({self.n!r}): give a whole number of sites, 1 or more")
        if self.by is not None:
            groups_of_sites(self.by, f"{type(self).__name__}: by", "a group for each site id")

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


@dataclass(frozen=True)
class Budget(Rule):
    """Spend at most *total* on opening.

    Parameters
    ----------
    total
        In the unit of *cost*.
    cost
        Cost of opening each site, by id; a mapping with a Series for each service. Without it the column `cost` of the
        options. Sites that exist cost nothing.

    Raises
    ------
    ProblemError
        When *total* is no number of 0 or more.
    """

    total: float
    cost: pd.Series | Mapping[str, pd.Series] | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        at_least_zero(self.total, "Budget: total")
        object.__setattr__(self, "total", float(self.total))

    def __str__(self) -> str:
        return f"Budget({self.total:g})"


@dataclass(frozen=True)
class Cover(Rule):
    """Cover at least *share* of the demand, overall or in every group.

    Parameters
    ----------
    share
        Above 0 and at most 1; 1 is everybody.
    by
        A group for each community id, such as its district; then the share holds in each group with any demand.
    limit
        The distance that counts here, at most that of the reach; without it that of the reach.
    service
        The service that is meant; without it the share holds for each service.
    year
        With `Phases`, the year by which it holds; without it the last.

    Raises
    ------
    ProblemError
        When a value is none of these.
    """

    share: float
    by: pd.Series | None = field(default=None, compare=False)
    limit: float | None = field(default=None, kw_only=True)
    service: str | None = field(default=None, kw_only=True)
    year: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "share", share_from(self.share, "Cover: share", ProblemError))
        if self.by is not None and not isinstance(self.by, pd.Series):
            raise ProblemError(f"Cover: by is {self.by!r}; give a Series with a group for each origin id")
        if self.limit is not None:
            at_least_zero(self.limit, "Cover: limit")

    def __str__(self) -> str:
        return f"Cover({arguments(self.share, by=self.by, limit=self.limit, service=self.service, year=self.year)})"


@dataclass(frozen=True)
class NobodyBeyond(Rule):
    """Leave nobody farther than *limit* from an open site: mandatory closeness.

    Parameters
    ----------
    limit
        In the unit of the reach, at most its limit.
    service
        The service that is meant; without it the rule holds for each.

    Raises
    ------
    ProblemError
        When *limit* is no number of 0 or more.

    References
    ----------
    R. Church and C. ReVelle, 1974 (see `MaxCoverage`), section on mandatory closeness constraints.
    """

    limit: float
    service: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        at_least_zero(self.limit, "NobodyBeyond: limit")

    def __str__(self) -> str:
        return f"NobodyBeyond({arguments(float(self.limit), service=self.service)})"


@dataclass(frozen=True)
class OnePer(Rule):
    """Have an open site, new or existing, in every group: every township has one.

    Parameters
    ----------
    groups
        A group for each site id, such as its township.
    among
        All groups, also those without any site (which make the rule impossible, and are named).
    service
        The service that is meant; without it each service has one.

    Raises
    ------
    ProblemError
        When *groups* is no Series.
    """

    groups: pd.Series = field(compare=False)
    among: Sequence[object] | None = field(default=None, compare=False, kw_only=True)
    service: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        groups_of_sites(self.groups, "OnePer: groups", "a group for each site id")
        if isinstance(self.among, str):
            raise ProblemError(f"OnePer: among is {self.among!r}; give a list of groups")

    def __str__(self) -> str:
        return f"OnePer({arguments(self.groups.name or 'group', service=self.service)})"


@dataclass(frozen=True)
class _Sites(Rule):
    ids: tuple[object, ...]
    service: str | None = field(default=None, kw_only=True)

    def __init__(self, ids: Iterable[object], *, service: str | None = None) -> None:
        if isinstance(ids, str) or not isinstance(ids, Iterable):
            raise ProblemError(f'{type(self).__name__}("{ids}"): give a list of ids')
        object.__setattr__(self, "ids", tuple(ids))
        object.__setattr__(self, "service", service)

    def __str__(self) -> str:
        service = "" if self.service is None else f", service={self.service}"
        return f"{type(self).__name__}({len(self.ids)} sites{service})"


class Existing(_Sites):
    """Sites that are open already: they cover, cost nothing, and are not proposed.

    Parameters
    ----------
    ids
        Site ids; one that is no destination of the reach of a service is left out for that service.
    service
        The service that they offer; without it each.
    """


class Required(_Sites):
    """Sites that every plan opens.

    Parameters
    ----------
    ids
        Site ids.
    service
        The service that they open for; without it each.
    """


class Forbidden(_Sites):
    """Sites that no plan opens.

    Parameters
    ----------
    ids
        Site ids.
    service
        The service that they do not open for; without it each.
    """


@dataclass(frozen=True)
class Backup(Rule):
    """Count a community as covered only when *n* open sites reach it [1]_.

    Parameters
    ----------
    n
        2 or more.

    Raises
    ------
    ProblemError
        When *n* is not a whole number above 1.

    References
    ----------
    .. [1] K. Hogan and C. ReVelle, "Concepts and applications of backup coverage", Management Science 32 (11), 1986,
       pp. 1434-1444.
    """

    n: int = 2

    def __post_init__(self) -> None:
        if not is_number(self.n) or not self.n >= 2 or self.n % 1:
            raise ProblemError(f"Backup({self.n!r}): give a whole number of sites, 2 or more")

    def __str__(self) -> str:
        return f"Backup({self.n})"
