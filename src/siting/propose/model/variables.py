"""The variables of a problem: sites that may open, by service and year."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

import siting.propose.problem as problem
from siting.errors import ProblemError
from siting.messages import Message
from siting.numbers import Bools, Floats, Ints
from siting.propose.model.inputs import Inputs, Resolved, SiteNumbers
from siting.propose.problem.rule_values import argument_of

__all__ = ["CLOSING", "JOINT", "LARGER", "NEW", "STAYING", "Variables", "build_variables", "shared_services"]

log = logging.getLogger(__name__)

#: Kinds of variables: a new site; an existing one that stays; one that closes at the start of phase `end`; an existing
#: one that grows; two services that open at one site in one year.
NEW, STAYING, CLOSING, LARGER, JOINT = range(5)


@dataclass(frozen=True, eq=False)
class Variables:
    """The variables; each attribute has an entry for each variable, which is a column of the model.

    A variable of a `kind` is open in the phases begin, ..., end - 1; the service of a joint one is the first of two.
    `option` is -1 without one, and `cost` and `places` are NaN where they are not known.
    """

    site: Ints
    service: Ints
    begin: Ints
    end: Ints
    kind: Ints
    option: Ints
    cost: Floats
    places: Floats
    lower: Floats
    upper: Floats

    def __len__(self) -> int:
        return len(self.site)

    @cached_property
    def new(self) -> Bools:
        """Variables that open a new site."""
        return np.asarray(self.kind == NEW)

    @cached_property
    def serves(self) -> Bools:
        """Variables of sites that serve somebody while they are open."""
        return np.asarray((self.kind <= CLOSING) & (self.end > self.begin))

    @cached_property
    def place(self) -> Ints:
        """A number for each site and service."""
        return np.asarray(self.site * (self.service.max(initial=0) + 1) + self.service)

    def open_in(self, service: int, phase: int) -> Bools:
        """Variables of a service that are open in a phase."""
        return np.asarray((self.service == service) & (self.begin <= phase) & (phase < self.end))

    def of(self, rule: Resolved[problem.Rule]) -> Bools:
        """Variables of the services and sites that a rule names."""
        mine = np.isin(self.service, rule.services)
        return mine if rule.sites is None else mine & np.isin(self.site, rule.sites)


def build_variables(inputs: Inputs, cost: SiteNumbers = None, taken: Bools | None = None) -> Variables:
    """Make a variable for each opening and closing; *cost* is that of the objective; *taken* sites stay shut."""
    existing, forbidden, wanted = map(inputs.named, (problem.Existing, problem.Forbidden, problem.Required))
    required = wanted & ~existing
    for name, both in (("Required", required & forbidden), ("Existing", existing & forbidden)):
        if both.any():
            sites = inputs.sites[np.asarray(both.any(axis=0))]
            raise ProblemError(Message("problem.same_sites", one=name, other="Forbidden", ids=sites))
    closable = _closable(inputs, existing) & ~wanted
    options, last = _options(inputs), len(inputs.years)
    rows: list[tuple[int, int, int, int, int, int]] = []
    for k, site in np.argwhere(inputs.known).tolist():
        there = options.get((k, site), [])
        if existing[k, site]:
            rows.append((site, k, 0, last, STAYING, -1))
            rows += [(site, k, 0, end, CLOSING, -1) for end in range(last) if closable[k, site]]
            rows += [(site, k, t, last, LARGER, o) for o, first in there if o >= 0 for t in range(first, last)]
        elif not forbidden[k, site] and (taken is None or not taken[k, site]):
            rows += [(site, k, t, last, NEW, o) for o, first in there for t in range(first, last)]
    _tell_idle(inputs, existing | forbidden, options)
    rows += _joint(inputs, rows)
    table: Ints = np.array(rows, np.int64).reshape(len(rows), 6).T.copy()
    place, service, begin, end, kind, option = table
    if not np.isin(kind, (NEW, CLOSING, LARGER)).any():
        raise ProblemError(Message("problem.all_settled"))
    unknown, zero = np.full(len(rows), np.nan), np.zeros(len(rows))
    made = Variables(place, service, begin, end, kind, option, unknown, unknown, zero, zero + 1)
    opened = np.zeros(inputs.known.shape, bool)
    opened[service[made.new], place[made.new]] = True
    if (required & ~opened).any():
        lost = inputs.sites[np.nonzero(required & ~opened)[1]]
        raise ProblemError(Message("problem.no_option", ids=lost))
    alone = np.bincount(made.place[made.new], minlength=int(made.place.max()) + 1)[made.place] == 1
    stays = (kind == STAYING) & ~closable[service, place]
    lower = stays | (required[service, place] & made.new & alone)
    return _priced(inputs, replace(made, lower=lower.astype(float)), cost)


def _tell_idle(inputs: Inputs, settled: Bools, options: dict[tuple[int, int], list[tuple[int, int]]]) -> None:
    """Warn of destinations that neither are open nor may open, where no rule names facilities that exist.

    Where one does, candidates without an option are left out on purpose.
    """
    if inputs.each(problem.Existing):
        return
    idle = [k_site for k_site in np.argwhere(inputs.known & ~settled).tolist() if tuple(k_site) not in options]
    if idle:
        lost = inputs.sites[sorted({site for _, site in idle})]
        log.warning(Message("problem.idle", ids=lost))


def _closable(inputs: Inputs, existing: Bools) -> Bools:
    mask = np.zeros(existing.shape, bool)
    for each in inputs.each(problem.MayClose):
        sites = np.arange(len(inputs.sites)) if each.sites is None else each.sites
        at = np.ix_(np.array(each.services), sites)
        wrong = (inputs.known[at] & ~existing[at]).any(axis=0)
        if each.sites is not None and wrong.any():
            raise ProblemError(Message("ids.unknown", of="existing", ids=inputs.sites[sites[wrong]]).within("MayClose"))
        mask[at] = True
    return mask & existing


def _options(inputs: Inputs) -> dict[tuple[int, int], list[tuple[int, int]]]:
    if inputs.options is None:
        return {(k, site): [(-1, 0)] for k, site in np.argwhere(inputs.known).tolist()}
    table = inputs.options
    sites = inputs.sites.get_indexer(pd.Index(table["site"])).tolist()
    result: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for o, (site, service, phase) in enumerate(zip(sites, table["service"], table["phase"], strict=True)):
        for k, name in enumerate(inputs.services):
            if (pd.isna(service) or service == name) and inputs.known[k, site]:
                result.setdefault((k, site), []).append((o, int(phase)))
    return result


def shared_services(inputs: Inputs) -> tuple[int, int]:
    """Return positions of the two services that are to share."""
    rule = inputs.one(problem.Together)
    if rule is None or rule.services is None:
        if len(inputs.services) != 2:
            raise ProblemError(Message("problem.together_which", n=len(inputs.services)))
        return 0, 1
    first, second = (inputs.service_positions(name, rule)[0] for name in rule.services)
    return first, second


def _joint(inputs: Inputs, rows: Iterable[tuple[int, ...]]) -> list[tuple[int, int, int, int, int, int]]:
    """Return a variable for each site and phase where both services may open, if sharing has a saving or bonus."""
    rule = inputs.one(problem.Together)
    if rule is None:
        return []
    first, second = shared_services(inputs)
    if rule.saving is None and rule.bonus is None:
        return []
    opened = {(service, site, begin) for site, service, begin, _, kind, _ in rows if kind == NEW}
    both = sorted(each[1:] for each in opened if each[0] == first and (second, *each[1:]) in opened)
    return [(site, first, begin, len(inputs.years), JOINT, -1) for site, begin in both]


def _priced(inputs: Inputs, variables: Variables, price: SiteNumbers) -> Variables:
    kind, at = variables.kind, (variables.service, variables.site)
    capacity = inputs.one(problem.Capacity)
    held = inputs.site_numbers(None if capacity is None else capacity.places, "places")
    # what enlarging adds stands in the option only
    places = np.where(kind <= CLOSING, held[at], np.nan)
    cost = np.where(variables.new, _one_cost(inputs, price)[at], np.nan)
    if inputs.options is not None:
        chosen = np.flatnonzero(variables.option >= 0)
        for name, into in (("cost", cost), ("places", places)):
            own = inputs.options[name].to_numpy(float)[variables.option[chosen]]
            into[chosen] = np.where(np.isnan(own), into[chosen], own)
    cost[np.isin(kind, (STAYING, CLOSING))] = 0.0
    for each in inputs.each(problem.MayClose):
        if each.rule.saving is not None:
            mine = variables.of(each) & (kind == CLOSING)
            cost[mine] = -inputs.one_number_each(each.rule.saving, argument_of("MayClose", "saving"))[
                variables.site[mine]
            ]
    share, joint = inputs.one(problem.Together), kind == JOINT
    priced = replace(variables, cost=cost, places=places)
    if share is not None and joint.any():
        cost[joint] = 0.0 if share.saving is None else -_shared(inputs, priced, share.saving)
    return priced


def _shared(inputs: Inputs, variables: Variables, saving: pd.Series | float) -> Floats:
    """Return the saving of each joint variable, at most the cost of both."""
    site = variables.site[variables.kind == JOINT]
    saved = inputs.one_number_each(saving, argument_of("Together", "saving"))[site]
    cheapest, new = np.full(inputs.known.shape, np.inf), variables.new
    at = (variables.service[new], variables.site[new])
    np.minimum.at(cheapest, at, np.nan_to_num(variables.cost[new], nan=np.inf))
    over = saved > sum(cheapest[k][site] for k in shared_services(inputs)) * (1 + 1e-9)
    if over.any():
        lost = inputs.sites[np.unique(site[over])]
        raise ProblemError(Message("problem.saving_large", ids=lost))
    return np.asarray(saved)


def _one_cost(inputs: Inputs, price: SiteNumbers) -> Floats:
    """Return the cost that budget, phases and objective agree on, services × sites."""
    rules = [rule.cost for rule in inputs.rules if isinstance(rule, (problem.Budget, problem.Phases))]
    named: list[SiteNumbers] = [cost for cost in (price, *rules) if cost is not None] or [None]
    first, *others = (inputs.site_numbers(cost, "cost") for cost in named)
    if any(not np.array_equal(first, other, equal_nan=True) for other in others):
        raise ProblemError(Message("problem.costs_differ"))
    return first
