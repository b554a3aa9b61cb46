"""Reading a problem: inputs are checked and sorted."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from siting.errors import ProblemError
from siting.measure.alignment import weights
from siting.measure.reach import Reach
from siting.measure.take_up import TakeUp, rates_of
from siting.messages import Message
from siting.numbers import Floats
from siting.propose.model.inputs import UNNAMED, Demand, Inputs, Pairs, Rates, Reaches, at_least_zero_each
from siting.propose.problem import Phases, Rule
from siting.propose.problem.rule_values import argument_of

log = logging.getLogger(__name__)

__all__ = ["named", "of_service", "people_of", "read", "with_take_up"]


def read(
    reach: Reaches,
    demand: Demand | None,
    rules: Sequence[Rule],
    options: pd.DataFrame | None,
    take_up: Rates = None,
) -> Inputs:
    """Check and sort the inputs."""
    reaches = dict(reach) if isinstance(reach, Mapping) else {UNNAMED: reach}
    for name, one in reaches.items():
        if not isinstance(one, Reach):
            raise ProblemError(Message("problem.no_reaches", what=of_service("reach", name), value=one))
        if one.nearest_only is not None:
            raise ProblemError(Message("problem.nearest_only", what=of_service("reach", name)))
    if not reaches:
        raise ProblemError(Message("argument.empty", what="reach"))
    unweighted = demand is None
    if demand is None:
        demand = {name: pd.Series(1.0, one.origins, name="communities") for name, one in reaches.items()}
    demands: Mapping[str, Any] = demand if isinstance(demand, Mapping) else dict.fromkeys(reaches, demand)
    if set(demands) != set(reaches):
        services = {"several": named(reaches), "services": named(demands)}
        raise ProblemError(Message("problem.services_differ", one="reach", other="demand", **services))
    if len(reaches) > 1 and not isinstance(demand, Mapping):
        raise ProblemError(Message("problem.demand_of_each", services=list(reaches)))
    if any(isinstance(ids, pd.MultiIndex) for one in reaches.values() for ids in (one.origins, one.destinations)):
        raise ProblemError(Message("problem.tuples"))
    communities = in_order(c for one in reaches.values() for c in one.origins.tolist())
    sites = in_order(s for one in reaches.values() for s in one.destinations.tolist())
    phases = [rule for rule in rules if isinstance(rule, Phases)]
    years: tuple[int | None, ...] = tuple(phases[0].years) if phases else (None,)
    people = np.zeros((len(reaches), len(years), len(communities)))
    for k, (name, one) in enumerate(reaches.items()):
        people[k][:, communities.get_indexer(one.origins)] = people_of(demands[name], one.origins, years, name)
    inputs = Inputs(
        communities=communities,
        sites=sites,
        services=tuple(reaches),
        years=years,
        pairs=tuple(Pairs.of(one, communities, sites) for one in reaches.values()),
        people=people,
        rates=np.ones((len(reaches), len(communities))),
        options=None if options is None else _options(options, sites, tuple(reaches), years),
        rules=tuple(rules),
        unweighted=unweighted,
    )
    return with_take_up(inputs, take_up, demands)


def with_take_up(inputs: Inputs, take_up: Rates, demands: Mapping[str, Any]) -> Inputs:
    """Let a share of the people of each service look for a place; the name of its demand tells an unnamed service."""
    given = _rates(take_up, inputs.services, unweighted=inputs.unweighted)
    rates, taken = inputs.rates.copy(), {each.service: each for each in inputs.take_up}
    for k, name in enumerate(inputs.services):
        if name in given:
            mine = inputs.pairs[k].order  # messages name origins as they were given
            rates[k, mine] = rates_of(given[name], inputs.communities[mine], str(of_service("take_up", name)))
            made = TakeUp.of(rates[k, mine], name, getattr(demands.get(name), "name", None))
            before = taken.get(name)
            taken[name] = made._replace(childcare=made.childcare or (before is not None and before.childcare))
    return replace(inputs, rates=rates, take_up=tuple(taken[name] for name in inputs.services if name in taken))


def _rates(take_up: Rates, services: tuple[str, ...], *, unweighted: bool) -> Mapping[str, Any]:
    """Return the take-up of each service that has one."""
    if take_up is None:
        return {}
    if unweighted:
        raise ProblemError(Message("problem.take_up_alone"))
    if not isinstance(take_up, Mapping):
        return dict.fromkeys(services, take_up)
    if services == (UNNAMED,):
        raise ProblemError(Message("problem.take_up_mapping"))
    if unknown := set(take_up) - set(services):
        ids = sorted(map(str, unknown))
        raise ProblemError(Message("problem.no_service", what="take_up", ids=ids, known=services))
    return take_up


def in_order(ids: Iterable[Hashable]) -> pd.Index:
    """Sort distinct ids as text, so that no result depends on the order of a table."""
    index = pd.Index(list(dict.fromkeys(ids)), dtype=object)
    return index[np.argsort(index.astype(str).to_numpy(), kind="stable")] if len(index) else index


def people_of(given: pd.Series | pd.DataFrame, ids: pd.Index, years: tuple[int | None, ...], service: str) -> Floats:
    """Return the people of a service as years × *ids*; one column is for all years."""
    what = of_service("demand", service)
    if isinstance(given, pd.DataFrame) and given.columns.astype(str).duplicated().any():
        raise ProblemError(Message("problem.columns_twice", what=what, columns=list(given.columns)))
    frame = weights(given, ids)
    columns = frame.shape[1]
    if isinstance(given, pd.DataFrame) and len(years) > 1 and columns == 1 and frame.columns[0].isdigit():
        year = frame.columns[0]
        raise ProblemError(Message("problem.one_year", what=what, year=year))
    if years == (None,) and columns != 1:
        raise ProblemError(Message("problem.many_columns", what=what, n=columns))
    if columns == 1:
        amount: Floats = np.repeat(frame.to_numpy(float).T, len(years), axis=0)
    else:
        absent = [year for year in years if str(year) not in frame.columns]
        if absent:
            raise ProblemError(Message("problem.no_year_column", what=what, years=absent))
        amount = frame[[str(year) for year in years]].to_numpy(float).T
    if not amount.sum() > 0:
        raise ProblemError(Message("problem.nobody", what=what))
    return amount


def _options(
    options: pd.DataFrame, sites: pd.Index, services: tuple[str, ...], years: tuple[int | None, ...]
) -> pd.DataFrame:
    if not isinstance(options, pd.DataFrame) or "site" not in options:
        raise ProblemError(Message("problem.options_table", value=options))
    if not options.index.is_unique:
        raise ProblemError(Message("ids.twice", what="options", ids=options.index[options.index.duplicated()]))
    if not len(options):
        raise ProblemError(Message("argument.empty", what="options"))
    unknown = pd.Index(options["site"]).difference(sites)
    if len(unknown):
        raise ProblemError(Message("ids.unknown", of="sites", ids=unknown).within(argument_of("options", "site")))
    more = options.columns.difference(["site", "service", "cost", "places", "year"])
    if len(more):
        log.info(Message("problem.options_unused", columns=list(more)))
    table = pd.DataFrame({"site": options["site"], "service": options.get("service")}, index=options.index)
    strange = pd.Index(table["service"].dropna()).difference(pd.Index(services))
    if len(strange):
        raise ProblemError(Message("problem.no_service", what="options", ids=list(strange), known=services))
    for name in ("cost", "places"):
        table[name] = np.nan
        if name in options:
            table[name] = at_least_zero_each(options[name], argument_of("options", name))
    table["phase"] = 0
    if "year" in options:
        first = pd.to_numeric(options["year"], errors="coerce")
        if years == (None,):
            raise ProblemError(Message("problem.options_phases"))
        last = max(year for year in years if year is not None)
        wrong = options.index[first.isna() | (first > last)]
        if len(wrong):
            raise ProblemError(Message("problem.options_late", last=last, ids=wrong))
        table["phase"] = np.searchsorted(np.array(years, float), first.to_numpy(float))
    return table.loc[in_order(table.index)]


def named(services: Iterable[str]) -> list[str | Message]:
    """Name services for a message."""
    return [Message("problem.unnamed") if name == UNNAMED else name for name in services]


def of_service(what: str, service: str) -> str | Message:
    """Return the name of an argument for a message, with that of its service where services are named."""
    return what if service == UNNAMED else Message("problem.of_service", what=what, service=service)
