"""Scenarios: other forecasts of demand, other ways of walking, sites that close."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from siting.errors import ProblemError
from siting.measure.reach import Reach
from siting.messages import Message
from siting.propose.model.formulation import Formulation
from siting.propose.model.inputs import UNNAMED, Demand, Inputs, Pairs, Rates, Reaches
from siting.propose.model.read_problem import named, of_service, people_of, with_take_up
from siting.propose.model.shares import build_closeness, build_shares
from siting.propose.problem.rule_values import argument_of

__all__ = ["Scenario", "Scenarios", "scenario_of", "under", "under_each"]


@dataclass(frozen=True, eq=False)
class Scenario:
    """A future in which a plan is evaluated; what it does not name does not change.

    Parameters
    ----------
    demand
        Another demand, such as a higher forecast, in any form that `solve` takes. The take-up of the problem counts in
        it, too: these are people.
    reach
        Another reach, such as at a lower walking speed, for the same communities and sites; a mapping for several
        services.
    closed
        Ids of sites that serve nobody: a candidate that is not available, a facility that closes. Rules on numbers of
        sites still count them.
    take_up
        Another take-up, as for `solve`; of the people of *demand* or, without it, of the problem.

    Raises
    ------
    ProblemError
        When *closed* is not a list.
    """

    demand: Demand | None = None
    reach: Reaches | None = None
    closed: tuple[object, ...] = field(default=())
    take_up: Rates = None

    def __post_init__(self) -> None:
        if isinstance(self.closed, str) or not isinstance(self.closed, Iterable):
            raise ProblemError(Message("problem.ids", what=argument_of("Scenario", "closed"), value=self.closed))
        object.__setattr__(self, "closed", tuple(self.closed))

    def __repr__(self) -> str:
        named = [name for name in ("demand", "reach", "take_up") if getattr(self, name) is not None]
        return f"Scenario({', '.join([*named, *([f'{len(self.closed)} closed'] if self.closed else [])])})"


#: A scenario, or just its demand, its reach, both, or the sites that close.
Scenarios: TypeAlias = "Mapping[str, Scenario | Demand | Reaches | tuple[Reaches, Demand] | list[object]]"


def scenario_of(value: Any, name: object) -> Scenario:
    """Read a scenario: a demand, a reach, (reach, demand), or a list of ids that close."""
    if isinstance(value, Scenario):
        return value
    if _all(value, Reach):
        return Scenario(reach=value)
    if _all(value, pd.Series, pd.DataFrame):
        return Scenario(demand=value)
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], (Reach, Mapping)):
        return Scenario(reach=value[0], demand=value[1])
    if isinstance(value, (list, set, frozenset, tuple, pd.Index)):
        return Scenario(closed=tuple(value))
    raise ProblemError(Message("problem.scenario", name=name, value=value))


def _all(value: object, *kinds: type) -> bool:
    values = tuple(value.values()) if isinstance(value, Mapping) else (value,)
    return bool(values) and all(isinstance(each, kinds) for each in values)


def under_each(formulation: Formulation, scenarios: Scenarios) -> dict[str, Formulation]:
    """Return the problem in each scenario."""
    if not isinstance(scenarios, Mapping) or not scenarios:
        raise ProblemError(Message("problem.scenarios", value=scenarios))
    found = {}
    for name, value in scenarios.items():
        scenario = scenario_of(value, name)
        try:
            found[name] = under(formulation, scenario)
        except ProblemError as error:
            raise ProblemError(error.within(Message("problem.scenario_named", name=name))) from error
    return found


def under(formulation: Formulation, scenario: Scenario) -> Formulation:
    """Return the problem in a scenario, with the same variables and rules on sites."""
    inputs = formulation.inputs
    if scenario.reach is not None:
        inputs = _with_reach(inputs, scenario.reach)
    if scenario.demand is not None:
        inputs = _with_demand(inputs, scenario.demand)
    if scenario.take_up is not None:
        demand = scenario.demand
        inputs = with_take_up(inputs, scenario.take_up, demand if isinstance(demand, Mapping) else {UNNAMED: demand})
    if scenario.closed:
        inputs = _without(inputs, scenario.closed)
    return replace(formulation, inputs=inputs, shares=build_shares(inputs), closeness=build_closeness(inputs))


def _by_service(inputs: Inputs, value: Any, what: str) -> Mapping[str, Any]:
    several: Mapping[str, Any] = value if isinstance(value, Mapping) else {UNNAMED: value}
    if set(several) != set(inputs.services):
        services = {"several": named(several), "services": named(inputs.services)}
        other = Message("problem.the_problem")
        raise ProblemError(Message("problem.services_differ", one=what, other=other, **services))
    return several


def _with_reach(inputs: Inputs, reach: Reaches) -> Inputs:
    reaches, pairs = _by_service(inputs, reach, "reach"), []
    for name, before in zip(inputs.services, inputs.pairs, strict=True):
        one = reaches[name]
        what = of_service("reach", name)
        if not isinstance(one, Reach):
            raise ProblemError(Message("problem.no_reach", what=what, value=one))
        if one.nearest_only is not None:
            raise ProblemError(Message("problem.nearest_only", what=what))
        communities, sites = inputs.communities[before.communities], inputs.sites[before.sites]
        for ours, theirs, kind in ((communities, one.origins, "origins"), (sites, one.destinations, "destinations")):
            wrong = ours.symmetric_difference(pd.Index(theirs, dtype=object))
            if len(wrong):
                raise ProblemError(Message("problem.other_ids", what=what, of=kind, ids=wrong))
        pairs.append(Pairs.of(one, inputs.communities, inputs.sites))
    return replace(inputs, pairs=tuple(pairs))


def _with_demand(inputs: Inputs, demand: Demand) -> Inputs:
    demands, people = _by_service(inputs, demand, "demand"), np.zeros_like(inputs.people)
    for k, name in enumerate(inputs.services):
        mine = inputs.pairs[k].communities
        people[k][:, mine] = people_of(demands[name], inputs.communities[mine], inputs.years, name)
    return replace(inputs, people=people, unweighted=False)


def _without(inputs: Inputs, closed: Iterable[object]) -> Inputs:
    gone = inputs.site_positions(closed, "closed")
    pairs = []
    for each in inputs.pairs:
        kept = ~np.isin(each.site, gone)
        pairs.append(replace(each, community=each.community[kept], site=each.site[kept], cost=each.cost[kept]))
    return replace(inputs, pairs=tuple(pairs))
