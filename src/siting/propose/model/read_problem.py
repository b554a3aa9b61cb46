"""Reading a problem: inputs are checked and sorted."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from siting.errors import ProblemError, brief, some
from siting.measure.alignment import weights
from siting.measure.reach import Reach
from siting.measure.take_up import TakeUp, rates_of
from siting.numbers import Floats
from siting.propose.model.inputs import UNNAMED, Demand, Inputs, Pairs, Rates, Reaches, at_least_zero_each
from siting.propose.problem import Phases, Rule

log = logging.getLogger(__name__)

__all__ = ["of_service", "people_of", "read", "with_take_up"]


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
            raise ProblemError(
                f"reach{of_service(name)} is {brief(one)}; give a Reach, or a mapping of services to Reach"
            )
        if one.nearest_only is not None:
            raise ProblemError("solve needs all pairs within a limit; call travel with metres or minutes")
    if not reaches:
        raise ProblemError("reach names no service")
    unweighted = demand is None
    if demand is None:
        demand = {name: pd.Series(1.0, one.origins, name="communities") for name, one in reaches.items()}
    demands: Mapping[str, Any] = demand if isinstance(demand, Mapping) else dict.fromkeys(reaches, demand)
    if set(demands) != set(reaches):
        raise ProblemError(f"reach is for {some(reaches)} and demand for {some(demands)}; give both for each service")
    if len(reaches) > 1 and not isinstance(demand, Mapping):
        raise ProblemError(f"reach is for {some(reaches)}; give demand as a mapping, a Series for each service")
    if any(isinstance(ids, pd.MultiIndex) for one in reaches.values() for ids in (one.origins, one.destinations)):
        raise ProblemError("ids are tuples; give communities and sites one text or number each")
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
            rates[k, mine] = rates_of(given[name], inputs.communities[mine], f"take_up{of_service(name)}")
            made = TakeUp.of(rates[k, mine], name, getattr(demands.get(name), "name", None))
            before = taken.get(name)
            taken[name] = made._replace(childcare=made.childcare or (before is not None and before.childcare))
    return replace(inputs, rates=rates, take_up=tuple(taken[name] for name in inputs.services if name in taken))


def _rates(take_up: Rates, services: tuple[str, ...], *, unweighted: bool) -> Mapping[str, Any]:
    """Return the take-up of each service that has one."""
    if take_up is None:
        return {}
    if unweighted:
        raise ProblemError("take_up is a share of people; give their number, demand")
    if not isinstance(take_up, Mapping):
        return dict.fromkeys(services, take_up)
    if services == (UNNAMED,):
        raise ProblemError("take_up is a mapping, and no services were named; give a number or a Series")
    if unknown := set(take_up) - set(services):
        raise ProblemError(f"take_up: no such services: {some(sorted(map(str, unknown)))}; there are {some(services)}")
    return take_up


def in_order(ids: Iterable[Hashable]) -> pd.Index:
    """Sort distinct ids as text, so that no result depends on the order of a table."""
    index = pd.Index(list(dict.fromkeys(ids)), dtype=object)
    return index[np.argsort(index.astype(str).to_numpy(), kind="stable")] if len(index) else index


def people_of(given: pd.Series | pd.DataFrame, ids: pd.Index, years: tuple[int | None, ...], service: str) -> Floats:
    """Return the people of a service as years × *ids*; one column is for all years."""
    if isinstance(given, pd.DataFrame) and given.columns.astype(str).duplicated().any():
        raise ProblemError(f"demand{of_service(service)} has columns of one name: {some(given.columns)}")
    frame = weights(given, ids)
    columns = frame.shape[1]
    if isinstance(given, pd.DataFrame) and len(years) > 1 and columns == 1 and frame.columns[0].isdigit():
        year = frame.columns[0]
        raise ProblemError(
            f"demand{of_service(service)} has a column for {year} only; give one for each year, or a Series"
        )
    if years == (None,) and columns != 1:
        raise ProblemError(
            f"demand{of_service(service)} has {columns} columns; choose one weight to plan for, or give Phases"
        )
    if columns == 1:
        amount: Floats = np.repeat(frame.to_numpy(float).T, len(years), axis=0)
    else:
        absent = [year for year in years if str(year) not in frame.columns]
        if absent:
            raise ProblemError(f"demand{of_service(service)} has no column for the years {some(absent)}")
        amount = frame[[str(year) for year in years]].to_numpy(float).T
    if not amount.sum() > 0:
        raise ProblemError(f"demand{of_service(service)} is 0 everywhere; there is nothing to cover")
    return amount


def _options(
    options: pd.DataFrame, sites: pd.Index, services: tuple[str, ...], years: tuple[int | None, ...]
) -> pd.DataFrame:
    if not isinstance(options, pd.DataFrame) or "site" not in options:
        raise ProblemError("options: give a DataFrame with the column `site`, and cost, places, service or year")
    if not options.index.is_unique:
        raise ProblemError(f"options: ids occur twice: {some(options.index[options.index.duplicated()])}")
    if not len(options):
        raise ProblemError("options has no row; there is nothing to choose from")
    unknown = pd.Index(options["site"]).difference(sites)
    if len(unknown):
        raise ProblemError(f"options: no such destinations: {some(unknown)}")
    more = options.columns.difference(["site", "service", "cost", "places", "year"])
    if len(more):
        log.info("options: the columns %s are not used", some(more))
    table = pd.DataFrame({"site": options["site"], "service": options.get("service")}, index=options.index)
    strange = pd.Index(table["service"].dropna()).difference(pd.Index(services))
    if len(strange):
        raise ProblemError(f"options: no such services: {some(strange)}; there are {some(services)}")
    for name in ("cost", "places"):
        table[name] = np.nan
        if name in options:
            table[name] = at_least_zero_each(options[name], f"options: {name}")
    table["phase"] = 0
    if "year" in options:
        first = pd.to_numeric(options["year"], errors="coerce")
        if years == (None,):
            raise ProblemError("options has years, but there are no Phases among the rules")
        wrong = options.index[first.isna() | (first > max(y for y in years if y is not None))]
        if len(wrong):
            raise ProblemError(f"options: the year is no year up to the last phase for {some(wrong)}")
        table["phase"] = np.searchsorted(np.array(years, float), first.to_numpy(float))
    return table.loc[in_order(table.index)]


def of_service(service: str) -> str:
    """Return " of …" for a message; "" for the only service."""
    return f" of {brief(service)}" if service != UNNAMED else ""
