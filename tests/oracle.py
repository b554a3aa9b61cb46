"""Siting problems by brute force: every choice is tried. It shares no code with the library's models.

What may be chosen for a site and a service is a list of `State`; the product of the lists is every choice. Rules and
objective are then arrays with a row per choice. Served people under capacities come from the cut conditions of Gale
(max flow = min cut over all sets of communities), the least total way from an assignment
problem of persons to places.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment, linprog

import siting as st
from siting.propose.problem import MaxCoverage, MaxMarketShare, MaxSpacing, MinCost, MinFarthest, MinSites, MinTravel

EPS = 1e-9


def huff_decay(cost: Any) -> Any:
    """A decay for people who choose: 1 up to 50, then by the square of the distance."""
    return (np.maximum(np.asarray(cost, float), 50) / 50) ** -2


def fade(cost: Any) -> Any:
    """A decay: from 1 next door down to a quarter at 300."""
    return 1 - np.asarray(cost, float) / 400


@dataclass(frozen=True)
class State:
    """What may become of a site for a service: opened (or enlarged) with an option in a year, closed, or left alone."""

    option: object = None
    year: int | None = None
    new: bool = False
    enlarged: bool = False
    closed: bool = False


@dataclass(frozen=True)
class Case:
    """The arguments of `st.solve`."""

    objective: Any
    reach: Any
    demand: Any
    rules: tuple[Any, ...] = ()
    options: pd.DataFrame | None = None

    def solve(self, **named: Any) -> Any:
        if self.options is not None:
            named["options"] = self.options
        return st.solve(self.objective, self.reach, demand=self.demand, rules=list(self.rules), **named)

    def __str__(self) -> str:
        """Write the call, to be run elsewhere."""
        rules = ",\n    ".join(code(rule) for rule in self.rules)
        options = "" if self.options is None else f", options={code(self.options)}"
        return (
            "import pandas as pd, siting as st\n"
            f"plan = st.solve({code(self.objective)},\n  {code(self.reach)},\n  demand={code(self.demand)},\n"
            f"  rules=[\n    {rules}]{options})"
        )


def code(value: Any) -> str:
    """Write a value as Python that makes it."""
    if isinstance(value, pd.Series):
        return f"pd.Series({dict(zip(value.index, value.tolist(), strict=True))!r})"
    if isinstance(value, pd.DataFrame):
        columns = {name: value[name].tolist() for name in value}
        return f"pd.DataFrame({columns!r}, index={value.index.tolist()!r})".replace("nan", "float('nan')")
    if isinstance(value, st.Reach):
        rows = [tuple(row) for row in value.pairs().astype({"cost": float}).itertuples(index=False, name=None)]
        return (
            f"st.Reach.from_pairs(pd.DataFrame({rows!r}, columns=['origin', 'destination', 'cost']), "
            f"origins={list(value.origins)!r}, destinations={list(value.destinations)!r}, limit={value.limit!r})"
        )
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{k!r}: {code(v)}" for k, v in value.items()) + "}"
    if value is fade:
        return "lambda cost: 1 - cost / 400"
    if value is huff_decay:
        return "st.decay.power(2, least=50)"
    if dataclasses.is_dataclass(value):
        parts = [
            f"{f.name}={code(getattr(value, f.name))}"
            for f in dataclasses.fields(value)
            if getattr(value, f.name) is not None
        ]
        return f"st.{type(value).__name__}({', '.join(parts)})"
    return repr(value)


class Oracle:
    """A problem with all its choices: `count` of them; what each is worth and whether it keeps all rules is found late.

    `broken` tells how many choices break each rule.
    """

    def __init__(self, case: Case) -> None:
        self.case = case
        reach = case.reach if isinstance(case.reach, Mapping) else {None: case.reach}
        self.services = list(reach)
        phases = self.rules("Phases")
        self.phases = phases[0] if phases else None
        self.years: list[Any] = list(self.phases.years) if self.phases else [None]
        self.demand, self.way, self.sites, self.people = {}, {}, {}, {}
        for s, table in reach.items():
            given = case.demand[s] if isinstance(case.demand, Mapping) else case.demand
            ids, sites = table.origins.tolist(), table.destinations.tolist()
            if isinstance(given, pd.DataFrame):
                columns = [given[y].to_dict() for y in (self.years if self.phases else given.columns)]
            else:
                columns = [given.to_dict()] * len(self.years)
            way = np.full((len(ids), len(sites)), np.inf)
            pairs = table.pairs()
            for i, j, cost in zip(*(pairs[c].tolist() for c in ("origin", "destination", "cost")), strict=True):
                way[ids.index(i), sites.index(j)] = cost
            self.people[s], self.sites[s], self.way[s] = ids, sites, way
            self.demand[s] = np.array([[float(one[i]) for i in ids] for one in columns])
        self.whole = all((d == np.rint(d)).all() for d in self.demand.values())
        self.options = {} if case.options is None else case.options.to_dict("index")
        self._choices()

    @cached_property
    def index(self) -> np.ndarray:
        """Units × choices: which of its states each has."""
        grids = np.meshgrid(*[np.arange(len(states)) for states in self.states], indexing="ij")
        return np.array([g.ravel() for g in grids]).reshape(len(self.states), self.count)

    @cached_property
    def value(self) -> np.ndarray:
        """Objective of each choice, in its own sense; infinite where somebody must be served and is not."""
        return self._objective()

    @property
    def served(self) -> np.ndarray:
        """Choices whose objective has a value: a way that is infinite is none."""
        return np.isfinite(self.value) | (self.sense > 0)

    @cached_property
    def keeps(self) -> np.ndarray:
        """Which choices are plans."""
        keeps = self.served
        self.broken = {"objective": int((~keeps).sum())}
        for rule in self.case.rules:
            good = getattr(self, f"_{type(rule).__name__.lower()}")(rule)
            self.broken[str(rule)] = int((~good).sum())
            keeps &= good
        return keeps

    # -- what may be chosen ------------------------------------------------------------------------------------------

    def rules(self, name: str, service: object = None) -> list[Any]:
        found = [r for r in self.case.rules if type(r).__name__ == name]
        return found if service is None else [r for r in found if getattr(r, "service", None) in (None, service)]

    def named(self, name: str, service: object) -> set[object]:
        return {i for rule in self.rules(name, service) for i in rule.ids}

    def _choices(self) -> None:
        self.units: list[tuple[object, object]] = []
        self.states: list[list[State]] = []
        options = self.case.options
        for s in self.services:
            existing = self.named("Existing", s)
            forbidden, required = self.named("Forbidden", s), self.named("Required", s)
            for j in self.sites[s]:
                sizes: list[tuple[object, float]] = [(None, -math.inf)]
                if options is not None:
                    sizes = [
                        (o, float(row.get("year", -math.inf)))
                        for o, row in self.options.items()
                        if row["site"] == j and row.get("service", s) == s
                    ]
                elif j in existing:
                    sizes = []
                opened = [
                    State(option, year, new=j not in existing, enlarged=j in existing)
                    for option, early in sizes
                    for year in self.years
                    if year is None or year >= early
                ]
                if j in existing:
                    states = [State(), *opened]
                    closing = [r for r in self.rules("MayClose", s) if r.ids is None or j in r.ids]
                    if closing and j not in required:
                        states += [State(year=year, closed=True) for year in self.years]
                elif j in forbidden or (self.choice is not None and j in self.choice.competitors):
                    states = [State()]
                else:
                    states = opened if j in required else [State(), *opened]
                self.units.append((s, j))
                self.states.append(states)
        self.count = math.prod(len(states) for states in self.states)

    @property
    def choice(self) -> Any:
        """How people choose among sites, if they do."""
        own = self.case.objective if isinstance(self.case.objective, MaxMarketShare) else None
        return next(iter(self.rules("TargetMarketShare")), own)

    @cached_property
    def won(self) -> np.ndarray:
        """People who come to own sites in each choice: each community divides itself by utility."""
        (s,), choice = self.services, self.choice
        near = np.isfinite(self.way[s])
        worth = np.where(near, huff_decay(np.where(near, self.way[s], 0.0)), 0.0)
        appeal = np.array([1.0 if choice.attractiveness is None else choice.attractiveness[j] for j in self.sites[s]])
        worth = worth * appeal**choice.alpha
        theirs = np.array([j in choice.competitors for j in self.sites[s]])
        own = self.open(s, 0).astype(float) @ worth.T
        all_ = own + choice.no_choice + worth[:, theirs].sum(axis=1)
        return np.where(own > 0, own / np.where(own > 0, all_, 1.0), 0.0) @ self.demand[s][0]

    def _each(self, of: Any) -> np.ndarray:
        """Units × choices of a number that *of* gives for a unit and its state."""
        rows = [
            np.array([of(s, j, state) for state in states], float)[self.index[u]] if states else np.zeros(0)
            for u, ((s, j), states) in enumerate(zip(self.units, self.states, strict=True))
        ]
        return np.array(rows).reshape(len(rows), self.count)

    def _of(self, service: object) -> np.ndarray:
        return np.array([service is None or s == service for s, _ in self.units])

    @cached_property
    def new(self) -> np.ndarray:
        return self._each(lambda s, j, x: x.new)

    @cached_property
    def closed(self) -> np.ndarray:
        return self._each(lambda s, j, x: x.closed)

    def opening(self, year: object) -> np.ndarray:
        return self._each(lambda s, j, x: x.new and x.year == year)

    def open(self, service: object, y: int) -> np.ndarray:
        """Choices × sites of a service: is it open in the year?"""
        existing, year = self.named("Existing", service), self.years[y]

        def opened(s: object, j: object, x: State) -> bool:
            by_now = year is None or x.year is None or x.year <= year
            return (j in existing and not (x.closed and by_now)) or (x.new and by_now)

        return self._each(opened)[self._of(service)].T > 0 if service is not None else self._each(opened).T > 0

    def _cost_of(self, cost: Any, s: object, j: object, x: State) -> float:
        if not (x.new or x.enlarged):
            return 0.0
        table = cost[s] if isinstance(cost, Mapping) else cost
        if table is not None:
            return float(table[j])
        return float(self.options[x.option]["cost"])

    def spent(self, cost: Any, year: int | None = None) -> np.ndarray:
        """What each choice costs, less what closing and sharing save; in one year or in all."""

        def one(s: object, j: object, x: State) -> float:
            if year is not None and x.year != year:
                return 0.0
            saving = 0.0
            if x.closed:
                for rule in self.rules("MayClose", s):
                    if rule.saving is not None and (rule.ids is None or j in rule.ids):
                        saving = float(rule.saving[j] if isinstance(rule.saving, pd.Series) else rule.saving)
            return self._cost_of(cost, s, j, x) - saving

        total = self._each(one).sum(axis=0)
        for rule in self.rules("Together"):
            if rule.saving is not None:
                for j, both in self._shared(rule, year):
                    total = total - both * (rule.saving[j] if isinstance(rule.saving, pd.Series) else rule.saving)
        return total

    def _pair(self, rule: Any) -> tuple[object, object]:
        return tuple(rule.services) if rule.services else tuple(self.services)  # type: ignore[return-value]

    def _shared(self, rule: Any, year: int | None = None) -> list[tuple[object, np.ndarray]]:
        """Sites of both services, and the choices that open them for both in one year."""
        a, b = self._pair(rule)
        shared = []
        for j in self.sites[a]:
            if j in self.sites[b]:
                one, two = self.units.index((a, j)), self.units.index((b, j))
                both = np.zeros(self.count, bool)
                for y in self.years if year is None else [year]:
                    here = self.opening(y)
                    both |= (here[one] > 0) & (here[two] > 0)
                shared.append((j, both))
        return shared

    def places(self, given: Any, service: object, y: int, *, option_first: bool) -> np.ndarray:
        """Choices × sites: places that are open in the year."""
        table = given[service] if isinstance(given, Mapping) else given
        year = self.years[y]

        def of(s: object, j: object, x: State) -> float:
            size = float(self.options.get(x.option, {}).get("places", math.nan))
            base = math.nan if table is None or j not in table.index else float(table[j])
            if x.new:
                picks = (size, base) if option_first else (base, size)
                return next((p for p in picks if not math.isnan(p)), 0.0)
            has = 0.0 if math.isnan(base) else base
            grown = year is None or (x.year is not None and x.year <= year)
            return has + (size if x.enlarged and grown and not math.isnan(size) else 0.0)

        every = self._each(of)
        mine = every if service is None else every[self._of(service)]
        return mine.T * self.open(service, y)

    # -- who is served -----------------------------------------------------------------------------------------------

    @property
    def capacity(self) -> Any:
        found = self.rules("Capacity")
        return found[0] if found else None

    @property
    def unsplit(self) -> bool:
        """Whether communities stay together."""
        return self.capacity is not None and not self.capacity.split

    @property
    def closest(self) -> bool:
        """Whether everybody goes to the nearest open site only."""
        return self.capacity is not None and self.capacity.nearest

    def within(self, service: object, y: int, limit: float = math.inf) -> np.ndarray:
        """Choices × communities: does enough stand open within the limit?"""
        near = np.isfinite(self.way[service]) & (self.way[service] <= limit)
        times = max((r.n for r in self.rules("Backup")), default=1)
        return self.open(service, y).astype(int) @ near.T.astype(int) >= times

    def lanes(self, service: object, y: int) -> np.ndarray:
        """Ways that people with a place may go: where nobody may be beyond a distance, none of them goes farther."""
        last = y == len(self.years) - 1
        limit = min((r.limit for r in self.rules("NobodyBeyond", service) if last), default=math.inf)
        return np.where(self.way[service] <= limit, self.way[service], np.inf)

    def closest_sites(self, service: object, y: int) -> np.ndarray:
        """Choices × communities: the nearest open site, of equally near ones the first as text; -1 for none allowed."""
        order = sorted(range(len(self.sites[service])), key=lambda j: str(self.sites[service][j]))
        ways = np.where(self.open(service, y)[:, None, :], self.way[service][None], np.inf)[:, :, order]
        site = np.array(order)[ways.argmin(axis=2)]
        allowed = np.isfinite(self.lanes(service, y))[np.arange(site.shape[1])[None], site]
        return np.where(np.isfinite(ways.min(axis=2)) & allowed, site, -1)

    def arrivals(self, service: object, y: int, members: np.ndarray) -> np.ndarray:
        """Choices × sites: people of *members* whose nearest open site it is."""
        site, demand = self.closest_sites(service, y), np.where(members, self.demand[service][y], 0.0)
        return np.stack([((site == j) * demand).sum(axis=1) for j in range(len(self.sites[service]))], axis=1)

    @functools.cache  # noqa: B019  # as long as the oracle
    def together(self, service: object, y: int) -> tuple[np.ndarray, np.ndarray]:
        """With whole communities: most people served and least travel in each choice, by trying all assignments.

        Every assignment keeps places, least, shares of the year and distances, and serves everybody where that is asked
        for. Minus infinity and infinity where there is none. Those who are not served count `beyond`.
        """
        rule, objective, last = self.capacity, self.case.objective, y == len(self.years) - 1
        demand, way = self.demand[service][y], self.lanes(service, y)
        may = [[-1, *np.flatnonzero(np.isfinite(row))] if people > 0 else [-1]
               for row, people in zip(way, demand, strict=True)]  # fmt: skip
        tried = np.array(list(itertools.product(*may)))
        served = tried >= 0
        all_ways = np.where(np.isfinite(way), way, 0.0)[np.arange(len(demand))[None], tried]
        beyond = getattr(objective, "beyond", None)
        travel = (np.where(served, all_ways, beyond or 0.0) * demand).sum(axis=1)
        people = (served * demand).sum(axis=1)
        load = np.stack([((tried == j) * demand).sum(axis=1) for j in range(way.shape[1])], axis=1)
        good = np.ones(len(tried), bool)
        for group, need in self.needs(service, y):
            good &= (served[:, group] * demand[group]).sum(axis=1) >= need - (0 if self.whole else EPS * demand.sum())
        everybody = isinstance(objective, MinTravel) and beyond is None
        everybody |= isinstance(objective, MinCost) and objective.travel > 0
        if everybody or (last and self.rules("NobodyBeyond", service)):
            good &= (served | (demand == 0)).all(axis=1)
        tried, travel, people, load = tried[good], travel[good], people[good], load[good]
        places, least = self.places(rule.places, service, y, option_first=True), self.least(service, y)
        near = self.closest_sites(service, y) if self.closest else np.zeros((self.count, len(demand)), int)
        rows, which = np.unique(np.c_[places, least, near], axis=0, return_inverse=True)
        n, most, ways = places.shape[1], [], []
        for row in rows:
            fits = (load <= row[:n] + EPS).all(axis=1) & (load >= row[n : 2 * n] - EPS).all(axis=1)
            if self.closest:
                fits &= ((tried == row[2 * n :]) | (tried < 0)).all(axis=1)
            most.append(people[fits].max(initial=-math.inf))
            ways.append(travel[fits].min(initial=math.inf))
        return np.array(most)[which.ravel()], np.array(ways)[which.ravel()]

    def _sets(self, service: object, y: int) -> tuple[np.ndarray, np.ndarray]:
        """All sets of communities, and the sites that reach each."""
        near = np.isfinite(self.lanes(service, y))
        sets = np.array(list(itertools.product([False, True], repeat=len(near))))
        return sets, sets.astype(int) @ near.astype(int) > 0

    def rank(self, service: object, y: int, members: np.ndarray, limit: float = math.inf) -> np.ndarray:
        """Most people of *members* who can be served at once in each choice: min cut over their subsets."""
        demand = self.demand[service][y]
        if self.capacity is None:
            return (self.within(service, y, limit) * demand)[:, members].sum(axis=1)
        assert limit == math.inf
        if self.unsplit:
            assert members.all()
            return np.maximum(self.together(service, y)[0], 0.0)
        if self.closest:  # a community has one site, so that each fills by itself
            places = self.places(self.capacity.places, service, y, option_first=True)
            return np.minimum(places, self.arrivals(service, y, members)).sum(axis=1)
        sets, reached = self._sets(service, y)
        inside = sets[~sets[:, ~members].any(axis=1)]
        sites = reached[~sets[:, ~members].any(axis=1)]
        rest = np.where(members & ~inside, demand, 0.0).sum(axis=1)
        places = self.places(self.capacity.places, service, y, option_first=True)
        return (places @ sites.T.astype(float) + rest).min(axis=1)

    def nearest(self, service: object, y: int) -> np.ndarray:
        """Choices × communities: the way to the nearest open site."""
        return np.where(self.open(service, y)[:, None, :], self.way[service][None], np.inf).min(axis=2)

    # -- objectives --------------------------------------------------------------------------------------------------

    @property
    def year_weights(self) -> list[float]:
        return list(self.phases.weights) if self.phases and self.phases.weights else [1.0] * len(self.years)

    @property
    def sense(self) -> int:
        return 1 if type(self.case.objective).__name__ in ("MaxCoverage", "MaxSpacing", "MaxMarketShare") else -1

    def _objective(self) -> np.ndarray:
        objective = self.case.objective
        if self.count == 0:
            return np.zeros(0)
        if isinstance(objective, MaxCoverage):
            value = self._none()
            for s, (y, weight) in itertools.product(self.services, enumerate(self.year_weights)):
                each = (objective.weights or {}).get(s, 1.0)
                if objective.decay is None:
                    got = self.rank(s, y, np.ones(len(self.people[s]), bool))
                else:
                    way = self.nearest(s, y)
                    worth = np.where(np.isfinite(way), objective.decay(np.where(np.isfinite(way), way, 0)), 0)
                    got = (worth * self.within(s, y) * self.demand[s][y]).sum(axis=1)
                value += weight * each * got
            for rule in self.rules("Together"):
                for _, both in self._shared(rule) if rule.bonus is not None else ():
                    value += rule.bonus * both
            return value
        if isinstance(objective, MaxMarketShare):
            return self.won
        if isinstance(objective, MinSites):
            return self.new.sum(axis=0)
        if isinstance(objective, MinCost):
            value = self.spent(objective.cost)
            if objective.travel:
                value = value + objective.travel * self._travel(None)
            return value
        if isinstance(objective, MinTravel):
            return self._travel(objective.beyond)
        if isinstance(objective, MinFarthest):
            value = self._none()
            for s in self.services:
                for y in range(len(self.years)) if self.phases else [0]:
                    asked = self.demand[s][y] > 0
                    value = np.maximum(value, self.nearest(s, y)[:, asked].max(axis=1, initial=0.0))
            return value
        assert isinstance(objective, MaxSpacing)
        return self._spacing_value(objective)

    def _spacing_value(self, objective: Any) -> np.ndarray:
        pairs = objective.between.pairs()
        ends = zip(pairs["origin"].tolist(), pairs["destination"].tolist(), strict=True)
        apart = dict(zip(ends, pairs["cost"].tolist(), strict=True))
        value = np.full(self.count, math.inf)
        for s in self.services:
            opened, existing = self.open(s, len(self.years) - 1), self.named("Existing", s)
            for (a, j), (b, k) in itertools.combinations(enumerate(self.sites[s]), 2):
                if {j, k} <= existing:
                    continue
                way = min(apart.get((j, k), math.inf), apart.get((k, j), math.inf))
                value = np.where(opened[:, a] & opened[:, b], np.minimum(value, way), value)
        return value

    def _travel(self, beyond: float | None) -> np.ndarray:
        value = self._none()
        for s, (y, weight) in itertools.product(self.services, enumerate(self.year_weights)):
            demand = self.demand[s][y]
            if self.capacity is None:
                way = self.nearest(s, y)
                if beyond is not None:
                    way = np.minimum(way, beyond)
                value += weight * (np.where(demand > 0, way, 0.0) * demand).sum(axis=1)
            else:
                value += weight * self._transport(s, y, beyond)
        return value

    def _transport(self, s: object, y: int, beyond: float | None) -> np.ndarray:
        """Least total way of all people to places, in each choice; infinite where some find none."""
        if self.unsplit:
            return self.together(s, y)[1]
        places, demand = self.places(self.capacity.places, s, y, option_first=True), self.demand[s][y]
        ask = np.c_[places, self.least(s, y)]
        needs = self.needs(s, y) if beyond is not None else []
        n = places.shape[1]
        if self.closest:
            ask = np.c_[ask, self.closest_sites(s, y)]
        rows, which = np.unique(ask, axis=0, return_inverse=True)

        def lanes(row: np.ndarray) -> np.ndarray:
            there = np.arange(n)[None] == row[2 * n :, None] if self.closest else True
            return np.where(there, self.lanes(s, y), np.inf)

        each = [transport(lanes(row), demand, row[:n], row[n : 2 * n], needs, beyond) for row in rows]
        return np.array(each)[which.ravel()]

    def least(self, s: object, y: int) -> np.ndarray:
        """Choices × sites: fewest people at each new site that is open in the year."""
        rule, existing = self.capacity, self.named("Existing", s)
        given = rule.least if isinstance(rule.least, pd.Series) else dict.fromkeys(self.sites[s], rule.least or 0)
        fewest = [0.0 if j in existing else float(given[j]) for j in self.sites[s]]
        return self.open(s, y) * np.array(fewest)

    def needs(self, s: object, y: int) -> list[tuple[np.ndarray, float]]:
        """Communities of which so many people must be served."""
        found = []
        for rule in self.rules("Cover", s):
            if (len(self.years) - 1 if rule.year is None else self.years.index(rule.year)) == y:
                found += self._asked(rule.share, rule.by, s, y)
        if self.phases and self.phases.cover and self.phases.cover[y] is not None:
            found += self._asked(self.phases.cover[y], None, s, y)
        return found

    # -- rules: which choices keep them ------------------------------------------------------------------------------

    def _all(self) -> np.ndarray:
        return np.ones(self.count, bool)

    def _none(self) -> np.ndarray:
        return np.zeros(self.count)

    def _existing(self, rule: Any) -> np.ndarray:
        return self._all()  # what the three name is in the states

    _forbidden = _existing

    def _backup(self, rule: Any) -> np.ndarray:
        return self._all()

    def _required(self, rule: Any) -> np.ndarray:
        good = self._all()
        for u, (s, j) in enumerate(self.units):
            if j in rule.ids and rule.service in (None, s) and j in self.named("Forbidden", s):
                good &= self.new[u] > 0
        return good

    def _counts(self, rule: Any) -> list[np.ndarray]:
        groups = [None] if rule.by is None else list(rule.by.unique())
        return [
            sum(
                (self.new[u] for u, (s, j) in enumerate(self.units)
                 if rule.service in (None, s) and (g is None or (j in rule.by.index and rule.by[j] == g))),
                self._none(),
            )
            for g in groups
        ]  # fmt: skip

    def _atmost(self, rule: Any) -> np.ndarray:
        return np.all([count <= rule.n for count in self._counts(rule)], axis=0)

    def _atleast(self, rule: Any) -> np.ndarray:
        return np.all([count >= rule.n for count in self._counts(rule)], axis=0)

    def _budget(self, rule: Any) -> np.ndarray:
        return self.spent(rule.cost) <= rule.total + EPS * max(1, rule.total)

    def _need(self, share: float, amount: float) -> float:
        if self.whole:
            return math.ceil(share * amount - max(EPS, EPS * amount))
        return share * amount - EPS * max(1.0, amount)

    def _shares(self, share: float, by: Any, s: object, y: int, limit: float = math.inf) -> np.ndarray:
        if self.unsplit:  # all rules hold for one assignment: see `_capacity`
            return self._all()
        good, asked = self._all(), self._asked(share, by, s, y)
        # Served people of disjoint groups: each union of groups must be able to have all that its groups ask for.
        for many in range(1, len(asked) + 1 if self.capacity is not None else 2):
            for chosen in itertools.combinations(asked, many):
                members = np.any([group for group, _ in chosen], axis=0)
                good &= self.rank(s, y, members, limit) >= sum(need for _, need in chosen)
        return good

    def _asked(self, share: float, by: Any, s: object, y: int) -> list[tuple[np.ndarray, float]]:
        """The groups of a share, and how many people of each are needed."""
        ids, demand = self.people[s], self.demand[s][y]
        names = ["all" if by is None else by[i] for i in ids]
        groups = [np.array([n == g for n in names]) for g in sorted(set(names), key=str)]
        return [(group, self._need(share, demand[group].sum())) for group in groups]

    def _cover(self, rule: Any) -> np.ndarray:
        good = self._all()
        y = len(self.years) - 1 if rule.year is None else self.years.index(rule.year)
        for s in self.services if rule.service is None else [rule.service]:
            good &= self._shares(rule.share, rule.by, s, y, math.inf if rule.limit is None else rule.limit)
        return good

    def _nobodybeyond(self, rule: Any) -> np.ndarray:
        good, y = self._all(), len(self.years) - 1
        for s in self.services if rule.service is None else [rule.service]:
            if self.unsplit:
                continue
            if self.capacity is None:
                good &= self.nearest(s, y)[:, self.demand[s][y] > 0].max(axis=1, initial=0.0) <= rule.limit
            else:  # everybody has a place within the limit
                most = self.rank(s, y, np.ones(len(self.people[s]), bool))
                good &= most >= self.demand[s][y].sum() * (1 - EPS)
        return good

    def _capacity(self, rule: Any) -> np.ndarray:
        """Keep the least: new sites must be able to be used so much at once (Hall's condition for sets of sites)."""
        good = self._all()
        if self.unsplit:
            for s, y in itertools.product(self.services, range(len(self.years))):
                good &= np.isfinite(self.together(s, y)[0])
            return good
        if rule.least is None:
            return good
        for s, y in itertools.product(self.services, range(len(self.years))):
            least, way = self.least(s, y), self.lanes(s, y)
            good &= (least <= self.places(rule.places, s, y, option_first=True) + EPS).all(axis=1)
            if self.closest:
                everyone = np.ones(len(self.people[s]), bool)
                good &= (least <= self.arrivals(s, y, everyone) + EPS).all(axis=1)
                continue
            for sites in itertools.product([False, True], repeat=len(self.sites[s])):
                reached = np.isfinite(way[:, np.array(sites)]).any(axis=1)
                good &= least[:, np.array(sites)].sum(axis=1) <= self.demand[s][y][reached].sum() + EPS
        return good

    def _supply(self, rule: Any) -> np.ndarray:
        good, y = self._all(), len(self.years) - 1
        source = rule.places if rule.places is not None else (self.capacity.places if self.capacity else None)
        table = rule.total if rule.total is not None else rule.people
        for g in [None] if rule.by is None else rule.by.unique():
            amount = float(table[g] if isinstance(table, pd.Series) else table)
            need = amount if rule.total is not None else rule.per_1000 * amount / 1000
            there = self._none()
            for s in self.services if rule.service is None else [rule.service]:
                here = np.array([g is None or rule.by[j] == g for j in self.sites[s]])
                there = there + self.places(source, s, y, option_first=rule.places is None)[:, here].sum(axis=1)
            good &= there >= need - EPS * max(1.0, need)
        if (
            rule.by is not None
            and isinstance(table, pd.Series)
            and (table.drop(rule.by.unique(), errors="ignore") > 0).any()
        ):
            good &= False  # a group without any site has no places
        return good

    def _oneper(self, rule: Any) -> np.ndarray:
        good, y = self._all(), len(self.years) - 1
        for s in self.services if rule.service is None else [rule.service]:
            for g in set(rule.by.dropna()) | set(rule.among or ()):
                here = np.array([j in rule.by.index and rule.by[j] == g for j in self.sites[s]], bool)
                good &= self.open(s, y)[:, here].any(axis=1)
        return good

    def _mayclose(self, rule: Any) -> np.ndarray:
        if rule.at_most is None:
            return self._all()
        mine = [u for u, (s, j) in enumerate(self.units)
                if rule.service in (None, s) and (rule.ids is None or j in rule.ids)]  # fmt: skip
        return self.closed[mine].sum(axis=0) <= rule.at_most

    def _targetmarketshare(self, rule: Any) -> np.ndarray:
        need = rule.share * sum(self.demand[s][0].sum() for s in self.services)
        return self.won >= need * (1 - EPS)

    def _spacing(self, rule: Any) -> np.ndarray:
        good, pairs = self._all(), set()
        for a, b in rule.table.itertuples(index=False):
            pairs |= {(a, b), (b, a)}
        for s in self.services:
            opened, existing = self.open(s, len(self.years) - 1), self.named("Existing", s)
            for (a, j), (b, k) in itertools.combinations(enumerate(self.sites[s]), 2):
                if (j, k) in pairs and not {j, k} <= existing:
                    good &= ~(opened[:, a] & opened[:, b])
        return good

    def _together(self, rule: Any) -> np.ndarray:
        good = self._all()
        if rule.must:
            a, b = self._pair(rule)
            for year in self.years:
                here = self.opening(year)
                for j in self.sites[a]:
                    if j in self.sites[b] and j not in self.named("Existing", a) | self.named("Existing", b):
                        good &= here[self.units.index((a, j))] == here[self.units.index((b, j))]
        return good

    def _phases(self, rule: Any) -> np.ndarray:
        good = self._all()
        for y, year in enumerate(rule.years):
            if rule.at_most is not None and rule.at_most[y] is not None:
                here = self.opening(year)
                good &= here.sum(axis=0) <= rule.at_most[y]
            if rule.budget is not None and rule.budget[y] is not None:
                good &= self.spent(rule.cost, year) <= rule.budget[y] + EPS * max(1, rule.budget[y])
            if rule.cover is not None and rule.cover[y] is not None:
                for s in self.services:
                    good &= self._shares(rule.cover[y], None, s, y)
        return good

    # -- the answer --------------------------------------------------------------------------------------------------

    @property
    def best(self) -> float | None:
        """The best value of any plan; None when there is no plan."""
        kept = self.value[self.keeps]
        return None if not len(kept) else float(kept.max() if self.sense > 0 else kept.min())

    @cached_property
    def covered(self) -> np.ndarray:
        """Served people of each choice in the last year, all services together."""
        if self.choice is not None:
            return self.won
        last = len(self.years) - 1
        return sum((self.rank(s, last, np.ones(len(self.people[s]), bool)) for s in self.services), self._none())

    def row(self, choice: int) -> dict[tuple[object, object], State]:
        """Write one choice: what becomes of each site that is not left alone."""
        states = (states[self.index[u, choice]] for u, states in enumerate(self.states))
        return {unit: state for unit, state in zip(self.units, states, strict=True) if state != State()}

    def why(self, choice: int) -> list[str]:
        """Rules that one choice breaks."""
        broken = [] if self.served[choice] else ["somebody is not served"]
        keeps = {code(rule): getattr(self, f"_{type(rule).__name__.lower()}")(rule) for rule in self.case.rules}
        return broken + [rule for rule, good in keeps.items() if not good[choice]]


def transport(
    way: np.ndarray,
    demand: np.ndarray,
    places: np.ndarray,
    least: np.ndarray,
    needs: list[tuple[np.ndarray, float]],
    beyond: float | None,
) -> float:
    """Least total way of *demand* to *places*; infinite where it cannot be.

    At least *least* go to each site, and *needs* of groups somewhere; *beyond* is the way of who goes nowhere (None:
    nobody may).
    """
    if beyond is not None:
        way, places = np.c_[way, np.full(len(way), beyond)], np.r_[places, demand.sum()]
        least = np.r_[least, 0.0]
    if demand.sum() > places.sum() + EPS or (least > places + EPS).any():
        return math.inf
    if not needs and all((v == np.rint(v)).all() for v in (demand, places, least)):
        return _by_persons(way, demand.astype(int), places.astype(int), least.astype(int))
    pairs = np.argwhere(np.isfinite(way))
    if not len(pairs):
        return 0.0 if not demand.sum() and not least.sum() else math.inf
    home = (pairs[:, 0][None] == np.arange(len(demand))[:, None]).astype(float)
    site = (pairs[:, 1][None] == np.arange(len(places))[:, None]).astype(float)
    real = pairs[:, 1] < (len(places) if beyond is None else len(places) - 1)
    groups = np.array([home[group].sum(axis=0) * real for group, _ in needs]).reshape(len(needs), len(pairs))
    found = linprog(
        way[pairs[:, 0], pairs[:, 1]], A_ub=np.vstack([site, -site, -groups]),
        b_ub=np.r_[places, -least, [-need for _, need in needs]], A_eq=home, b_eq=demand, method="highs",
    )  # fmt: skip
    return float(found.fun) if found.status == 0 else math.inf


def _by_persons(way: np.ndarray, demand: np.ndarray, places: np.ndarray, least: np.ndarray) -> float:
    """Assign persons to places one by one; places that must be filled are made very attractive."""
    big, places = 1e6, np.minimum(places, demand.sum())
    ask = np.concatenate([np.arange(n) < few for n, few in zip(places, least, strict=True)]).astype(bool)
    if least.sum() > demand.sum():
        return math.inf
    cost = np.repeat(np.repeat(np.where(np.isfinite(way), way, 100 * big), demand, axis=0), places, axis=1)
    persons, at = linear_sum_assignment(cost - big * ask)
    total = float(cost[persons, at].sum())
    return total if total < 100 * big and ask[at].sum() == ask.sum() else math.inf


__all__ = ["Case", "Oracle", "State", "code", "fade", "transport"]
