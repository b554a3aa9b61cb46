"""The inputs of a problem, checked and sorted: communities, sites, services, years, demand, rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, TypeAlias, TypeVar, cast

import numpy as np
import pandas as pd

from siting.errors import ProblemError
from siting.measure.alignment import refuse_inexact
from siting.measure.reach import TOLERANCE, Reach
from siting.measure.take_up import TakeUp
from siting.messages import Message
from siting.numbers import Bools, Floats, Ints, floats
from siting.propose.problem import Cover, Existing, Phases, Required, Rule
from siting.propose.problem.rule_values import argument_of

__all__ = [
    "UNNAMED", "Demand", "Inputs", "Pairs", "Rates", "Reaches", "Resolved", "SiteNumbers", "at_least_zero_each",
    "group_of_each", "within",
]  # fmt: skip

Reaches: TypeAlias = "Reach | Mapping[str, Reach]"
Demand: TypeAlias = "pd.Series | pd.DataFrame | Mapping[str, pd.Series | pd.DataFrame]"
#: Share of people who look for a place: a number or a Series by community; with several services a mapping.
Rates: TypeAlias = "float | pd.Series | Mapping[str, float | pd.Series] | None"
#: A number for each site id; with several services a mapping.
SiteNumbers: TypeAlias = "pd.Series | Mapping[str, pd.Series] | None"
#: Name of the only service, where none was named.
UNNAMED = ""
R = TypeVar("R", bound=Rule)
R_co = TypeVar("R_co", bound=Rule, covariant=True)


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of one service, as positions in `Inputs.communities` and `Inputs.sites`, ordered by both.

    `communities` and `sites` are masks of those that the reach names, and `order` the communities in its order.
    """

    community: Ints
    site: Ints
    cost: Floats
    limit: float
    unit: str
    how: str
    communities: Bools
    sites: Bools
    order: Ints

    @classmethod
    def of(cls, reach: Reach, communities: pd.Index, sites: pd.Index) -> Pairs:
        """Put the pairs of a reach into the order of the problem."""
        row, column = communities.get_indexer(reach.origins), sites.get_indexer(reach.destinations)
        community, site = row[reach.origin].astype(np.int64), column[reach.destination].astype(np.int64)
        key = community * max(1, len(sites)) + site
        order = slice(None) if (key[1:] >= key[:-1]).all() else np.argsort(key, kind="stable")
        mine, there = np.zeros(len(communities), bool), np.zeros(len(sites), bool)
        mine[row], there[column] = True, True
        return cls(
            community[order], site[order], reach.cost[order], reach.limit, reach.unit, reach.how, mine, there,
            row.astype(np.int64),
        )  # fmt: skip

    @property
    def longest(self) -> float:
        """The limit, or the largest cost where all pairs are there."""
        return float(self.cost.max(initial=0.0)) if np.isinf(self.limit) else self.limit

    def within(self, limit: float | None) -> Bools:
        """Which pairs are within *limit* (None: all)."""
        return within(self.cost, limit)

    def own(self, limit: float | None) -> float | None:
        """Return the limit, or None where it is that of the reach."""
        return None if limit is None or limit >= self.limit else float(limit)


@dataclass(frozen=True, eq=False)
class Resolved(Generic[R_co]):
    """A rule whose ids are positions: all services, the last phase, no sites and no groups where it names none."""

    rule: R_co
    services: list[int]
    phase: int
    sites: Ints | None
    groups: pd.Series | None


@dataclass(frozen=True, eq=False)
class Inputs:
    """A siting problem as given, in an order that does not depend on the order of its tables.

    Ids are sorted as text. Services are ("",) and years (None,) where none were named. `people` is services × years ×
    communities, 1 where it is `unweighted`; `rates`, services × communities, are the shares of them that look for a
    place, and `take_up` tells about them. With `fractional_places` people may be split into parts.
    """

    communities: pd.Index
    sites: pd.Index
    services: tuple[str, ...]
    years: tuple[int | None, ...]
    pairs: tuple[Pairs, ...]
    people: Floats
    rates: Floats
    options: pd.DataFrame | None
    rules: tuple[Rule, ...]
    take_up: tuple[TakeUp, ...] = ()
    unweighted: bool = False
    fractional_places: bool = False

    @cached_property
    def demand(self) -> Floats:
        """Who looks for a place: services × years × communities."""
        return self.people * self.rates[:, None, :] if self.take_up else self.people

    @cached_property
    def whole(self) -> bool:
        """Whether people are served in whole numbers."""
        return not self.fractional_places and bool((self.demand == np.rint(self.demand)).all())

    @property
    def phases(self) -> Phases | None:
        """The rule on phases, where there is one."""
        return self.one(Phases)

    @property
    def first(self) -> Pairs:
        """The pairs of the first service."""
        return self.pairs[0]

    @cached_property
    def known(self) -> Bools:
        """Services × sites: the sites in the reach of each service."""
        return np.array([pairs.sites for pairs in self.pairs])

    @cached_property
    def resolved(self) -> tuple[Resolved[Rule], ...]:
        """The rules, each with its ids as positions."""
        return tuple(self._resolve(rule) for rule in self.rules)

    def each(self, *kinds: type[R]) -> list[Resolved[R]]:
        """Return the resolved rules of some kinds."""
        return [cast("Resolved[R]", each) for each in self.resolved if isinstance(each.rule, kinds)]

    def all(self, *kinds: type[R]) -> list[R]:
        """Return the rules of some kinds."""
        return [rule for rule in self.rules if isinstance(rule, kinds)]

    def one(self, kind: type[R]) -> R | None:
        """Return the only rule of one kind, or None."""
        found = self.all(kind)
        if len(found) > 1:
            raise ProblemError(Message("problem.once", what=kind.__name__, n=len(found)))
        return found[0] if found else None

    def named(self, kind: type[Rule]) -> Bools:
        """Services × sites: the sites that rules of one kind name and the reach contains."""
        mask = np.zeros(self.known.shape, bool)
        for each in self.each(kind):
            assert each.sites is not None
            away = each.sites[~np.asarray(self.known[each.services].any(axis=0))[each.sites]]
            if len(away) and isinstance(each.rule, Required):
                what = type(each.rule).__name__
                raise ProblemError(Message("problem.not_of_service", what=what, ids=self.sites[away]))
            mask[np.ix_(np.array(each.services), each.sites)] = True
        return np.asarray(mask & self.known)

    def _resolve(self, rule: Rule) -> Resolved[Rule]:
        ids, by = getattr(rule, "ids", None), getattr(rule, "by", None)
        return Resolved(
            rule,
            services=self.service_positions(getattr(rule, "service", None), rule),
            phase=self._phase(getattr(rule, "year", None), rule),
            sites=None if ids is None else self.site_positions(ids, type(rule).__name__),
            groups=None
            if by is None or isinstance(rule, Cover)
            else group_of_each(by, self.sites, argument_of(type(rule).__name__, "by"), "sites"),
        )

    def service_positions(self, name: str | None, rule: object) -> list[int]:
        """Return positions of the services that *name* means; all for None."""
        if name is None:
            return list(range(len(self.services)))
        self._refuse_unknown([name], rule)
        return [self.services.index(name)]

    def _refuse_unknown(self, services: Iterable[object], what: object) -> None:
        if strange := sorted(str(name) for name in services if name not in self.services):
            if self.services == (UNNAMED,):
                raise ProblemError(Message("problem.unnamed_services", what=what, ids=strange))
            raise ProblemError(Message("problem.no_service", what=what, ids=strange, known=self.services))

    def _phase(self, year: int | None, rule: Rule) -> int:
        if year is None:
            return len(self.years) - 1
        if self.years == (None,):
            raise ProblemError(Message("problem.no_phases", rule=rule, year=year))
        if year not in self.years:
            raise ProblemError(Message("problem.no_phase", rule=rule, year=year, known=self.years))
        return self.years.index(year)

    def site_positions(self, ids: Iterable[object], what: str | Message) -> Ints:
        """Return positions of sites."""
        wanted = pd.Index(list(ids), dtype=object)
        at = self.sites.get_indexer(wanted)
        if (at < 0).any():
            raise ProblemError(Message("ids.unknown", of="sites", ids=wanted[at < 0]).within(what))
        return at.astype(np.int64)

    def community_groups(self, groups: pd.Series | None, rule: Rule, service: int) -> pd.Series:
        """Put a group for each community in the order of the communities; "all" without groups."""
        if groups is None:
            return pd.Series("all", index=self.communities)
        needed = self.communities[self.pairs[service].communities]
        group_of_each(groups, needed, argument_of(type(rule).__name__, "by"), "communities")
        return groups.reindex(self.communities)

    def site_numbers(self, values: SiteNumbers, what: str | Message) -> Floats:
        """Put numbers of sites in order, services × sites; NaN where there is none."""
        if not isinstance(values, Mapping):
            return np.tile(self._numbers(values, what), (len(self.services), 1))
        self._refuse_unknown(values, what)
        return np.array([self._numbers(values.get(name), what) for name in self.services])

    def one_number_each(self, values: pd.Series | float, what: str | Message) -> Floats:
        """Put numbers by site id, or one number for all, in the order of the sites; 0 where there is none."""
        if isinstance(values, pd.Series):
            return np.nan_to_num(self._numbers(values, what))
        return np.full(len(self.sites), float(values))

    def refuse_lacking(self, sites: Ints, what: object, name: str) -> None:
        """Refuse sites without a number that a rule or the objective needs."""
        if len(sites):
            given = {"what": what, "name": name, "ids": self.sites[np.unique(sites)]}
            if name == "cost" and not self.all(Existing):
                raise ProblemError(Message("problem.lacking_open", **given))
            raise ProblemError(Message("problem.lacking", **given))

    def _numbers(self, values: pd.Series | None, what: str | Message) -> Floats:
        if values is None:
            return np.full(len(self.sites), np.nan)
        if not isinstance(values, pd.Series):
            raise ProblemError(Message("argument.series", what=what, value=values, of="sites"))
        if not values.index.is_unique:
            raise ProblemError(Message("ids.twice", what=what, ids=values.index[values.index.duplicated()]))
        return np.asarray(at_least_zero_each(values, what).reindex(self.sites), float)


def within(cost: Floats, limit: float | None) -> Bools:
    """Which costs are within *limit* (None: all), give or take the rounding tolerance."""
    return np.asarray(cost <= (np.inf if limit is None else limit * (1 + TOLERANCE)))


def group_of_each(groups: pd.Series, ids: pd.Index, what: str | Message, of: str) -> pd.Series:
    """Return the group of each id; *of* is what the ids are of, for the message."""
    if not groups.index.is_unique:
        raise ProblemError(Message("ids.twice", what=what, ids=groups.index[groups.index.duplicated()]))
    found = groups.reindex(ids)
    if found.isna().any():
        lost = ids[found.isna()]
        raise ProblemError(Message("ids.no_group", what=what, of=of, ids=lost, n=len(lost)))
    return found


def at_least_zero_each(values: pd.Series, what: str | Message) -> pd.Series:
    """Return the values as numbers of 0 or more."""
    numbers = floats(values)
    wrong = ~np.isfinite(numbers) | (numbers < 0)
    if wrong.any():
        raise ProblemError(Message("ids.negative", what=what, ids=values.index[wrong], n=int(wrong.sum())))
    refuse_inexact(numbers, values.index, what)
    return pd.Series(numbers, values.index, name=values.name)
