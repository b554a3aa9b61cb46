"""Rules on service: shares, distances, backup, and places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from siting.errors import ProblemError
from siting.messages import Message
from siting.propose.problem.rule import Rule
from siting.propose.problem.rule_values import argument_of, arguments, at_least_zero, groups_of, is_whole, numbers_of
from siting.read_share import share_from

__all__ = ["Backup", "Capacity", "Cover", "NobodyBeyond", "Supply"]


@dataclass(frozen=True, eq=False)
class Cover(Rule):
    """Cover at least *share* of the demand, overall or in every group.

    Parameters
    ----------
    share
        Above 0 and at most 1.
    by
        A group for each community id, such as its district; the share holds in each group with demand.
    limit
        The distance for this share, at most that of the reach; default that of the reach.
    service
        Only for this service; without it for each.
    year
        With `Phases`, the year by which it holds; default the last.

    Raises
    ------
    ProblemError
        When a value is none of these.
    """

    share: float
    by: pd.Series | None = None
    limit: float | None = field(default=None, kw_only=True)
    service: str | None = field(default=None, kw_only=True)
    year: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "share", share_from(self.share, argument_of("Cover", "share"), ProblemError))
        if self.by is not None:
            groups_of(self.by, argument_of("Cover", "by"), "communities")
        if self.limit is not None:
            at_least_zero(self.limit, argument_of("Cover", "limit"))

    def __str__(self) -> str:
        return f"Cover({arguments(self.share, by=self.by, limit=self.limit, service=self.service, year=self.year)})"


@dataclass(frozen=True, eq=False)
class NobodyBeyond(Rule):
    """Leave nobody farther than *limit* from an open site: mandatory closeness.

    Parameters
    ----------
    limit
        In the unit of the reach, at most its limit.
    service
        Only for this service; without it for each.

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
        at_least_zero(self.limit, argument_of("NobodyBeyond", "limit"))

    def __str__(self) -> str:
        return f"NobodyBeyond({arguments(float(self.limit), service=self.service)})"


@dataclass(frozen=True, eq=False)
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
        if not is_whole(self.n, 2):
            raise ProblemError(Message("argument.whole", what=argument_of("Backup", "n"), value=self.n, least=2))

    def __str__(self) -> str:
        return f"Backup({self.n})"


@dataclass(frozen=True, eq=False)
class Capacity(Rule):
    """Limit the people served at each open site, above and below.

    People of a community may go to several sites; those without a place within the limit are not served. `Cover` counts
    people with a place, and `NobodyBeyond` requires a place for everybody within its limit.

    Parameters
    ----------
    places
        Places or beds by site id, existing sites included; a mapping with a Series for each service. An option with
        places of its own (column `places` of the options) has those.
    least
        The fewest people a new site must serve in every open year, by site id or one number. People are
        allocated to meet it, even if a nearer site has places left.
    split
        False keeps each community together, as single-source models do [1]_: all of its people have a place at one
        site, or none of them has one.
    nearest
        True sends everybody to the nearest open site and nowhere else, full or not: closest assignment [2]_. Of
        equally near sites it is the first by id. Those for whom no place is left there are not served; where everybody
        must be served such a plan is not allowed. With ``split=False`` they are turned away by whole communities.

    Raises
    ------
    ProblemError
        When *places* or *least* is invalid, or *split* or *nearest* is not a bool.

    References
    ----------
    .. [1] A. W. Neebe and M. R. Rao, "An algorithm for the fixed-charge assigning users to sources problem", Journal
       of the Operational Research Society 34 (11), 1983, pp. 1107-1113.
    .. [2] R. A. Gerrard and R. L. Church, "Closest assignment constraints and location models: properties and
       structure", Location Science 4 (4), 1996, pp. 251-270.

    Examples
    --------
    Two communities of 6 and 5 people, and sites with 8 and 4 places:

    >>> import pandas as pd, siting as st
    >>> rows = [("a", "x", 100.0), ("b", "x", 200.0), ("b", "y", 300.0)]
    >>> pairs = pd.DataFrame(rows, columns=["origin", "destination", "cost"])
    >>> reach = st.Reach.from_pairs(pairs, origins=["a", "b"], destinations=["x", "y"], limit=500)
    >>> people, places = pd.Series({"a": 6, "b": 5}), pd.Series({"x": 8, "y": 4})
    >>> def served(**how):
    ...     rules = [st.AtMost(2), st.Required(["x", "y"]), st.Capacity(places, **how)]
    ...     return st.solve(st.MaxCoverage(), reach, demand=people, rules=rules).served.to_dict()
    >>> served()
    {'a': 6.0, 'b': 5.0}
    >>> served(split=False)
    {'a': 6.0, 'b': 0.0}
    >>> sum(served(nearest=True).values())
    8.0
    """

    places: pd.Series | Mapping[str, pd.Series] | None = None
    least: pd.Series | float | None = field(default=None, kw_only=True)
    split: bool = field(default=True, kw_only=True)
    nearest: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        numbers_of(self.least, argument_of("Capacity", "least"))
        for name in ("split", "nearest"):
            if not isinstance(getattr(self, name), bool):
                raise ProblemError(
                    Message("argument.flag", what=argument_of("Capacity", name), value=getattr(self, name))
                )
        if self.places is not None and not isinstance(self.places, (pd.Series, Mapping)):
            raise ProblemError(
                Message("argument.series", what=argument_of("Capacity", "places"), value=self.places, of="sites")
            )

    def __str__(self) -> str:
        least = "by site" if isinstance(self.least, pd.Series) else self.least
        how = {"split": None if self.split else False, "nearest": self.nearest or None}
        return f"Capacity({arguments(None, least=least, **how)})"


@dataclass(frozen=True, eq=False)
class Supply(Rule):
    """Require places in open sites, existing ones included: in all, or for each 1000 residents.

    Parameters
    ----------
    total
        Places in all; with *by* a Series with a number for each group.
    per_1000
        Places for each 1000 of *people*.
    people
        Residents: a number, or with *by* a Series with a number for each group.
    places
        Places of each site, by id; a mapping with a Series for each service. Default: those of `Capacity`. An option
        with places of its own (column `places` of the options) has those.
    by
        A group for each site id, such as its district. A group of *total* or *people* without sites has no
        places, and makes the rule impossible.
    service
        Count only this service; without it the places of all services are added up.

    Raises
    ------
    ProblemError
        When the number of places is not clear.
    """

    total: float | pd.Series | None = None
    per_1000: float | None = field(default=None, kw_only=True)
    people: float | pd.Series | None = field(default=None, kw_only=True)
    places: pd.Series | Mapping[str, pd.Series] | None = field(default=None, kw_only=True)
    by: pd.Series | None = field(default=None, kw_only=True)
    service: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if (self.total is None) == (self.per_1000 is None):
            raise ProblemError(Message("argument.one_of_two", one="total", other="per_1000").within("Supply"))
        if self.per_1000 is not None:
            at_least_zero(self.per_1000, "Supply: per_1000")
            if self.people is None:
                raise ProblemError(Message("problem.needs_people"))
        for name, value in (("total", self.total), ("people", self.people)):
            if isinstance(value, pd.Series) and self.by is None:
                raise ProblemError(Message("problem.needs_by", what=argument_of("Supply", name)))
            numbers_of(value, argument_of("Supply", name))
        if self.by is not None:
            groups_of(self.by, argument_of("Supply", "by"), "sites")

    def __str__(self) -> str:
        total = None if self.total is None or isinstance(self.total, pd.Series) else float(self.total)
        return f"Supply({arguments(total, per_1000=self.per_1000, by=self.by, service=self.service)})"
