"""Rules on service: shares of the demand, and largest distances."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from siting.errors import ProblemError
from siting.limits import usual_limit
from siting.messages import Message
from siting.numbers import Bools
from siting.propose.model.inputs import Inputs
from siting.propose.problem import Cover, NobodyBeyond, Part, Phases, Rule
from siting.propose.problem.rule_values import argument_of

__all__ = ["Closeness", "Share", "build_closeness", "build_shares", "needed_of"]


@dataclass(frozen=True, eq=False)
class Share:
    """Demand of one service and phase that must be served, within *limit* (None: the limit of the reach).

    `total` is the demand of the `members`, a mask of communities, and `need` the amount that must be served. `slack` is
    the rounding tolerance of a sum of fractions: 1e-9 of all demand; 0 where people are whole.
    """

    part: Part
    service: int
    phase: int
    members: Bools
    total: float
    share: float
    need: float
    slack: float
    limit: float | None

    @property
    def rule(self) -> Any:
        """The rule that it comes from."""
        return self.part.rule

    @property
    def wanted(self) -> float:
        """How much must be served, less the rounding tolerance."""
        return self.need - self.slack


@dataclass(frozen=True, eq=False)
class Closeness:
    """Every community with demand for a service must be served within *limit* (None: the limit of the reach)."""

    part: Part
    service: int
    phase: int
    limit: float | None


def build_shares(inputs: Inputs) -> tuple[Share, ...]:
    """Write the shares that must be served; groups without demand need none."""
    made: list[Share] = []
    for each in inputs.each(Cover, Phases):
        rule: Any = each.rule
        goals = [(each.phase, rule.share)] if isinstance(rule, Cover) else enumerate(rule.cover or ())
        for phase, goal in goals:
            for service in each.services if goal is not None else ():
                made += _shares_of(inputs, rule, service, phase, float(goal))
    return tuple(made)


def _shares_of(inputs: Inputs, rule: Cover | Phases, service: int, phase: int, share: float) -> Iterator[Share]:
    limit, by = (rule.limit, rule.by) if isinstance(rule, Cover) else (None, None)
    _refuse_beyond(inputs, rule, service, limit)
    groups = inputs.community_groups(by, rule, service)
    weight = inputs.demand[service, phase]
    of: tuple[object, ...] = (inputs.services[service],) if len(inputs.services) > 1 else ()
    of += (inputs.years[phase],) if isinstance(rule, Phases) else ()
    asks = ("cover", share) if isinstance(rule, Phases) else None
    for group, at in sorted(groups.groupby(groups, observed=True).indices.items(), key=lambda item: str(item[0])):
        members = np.zeros(len(weight), bool)
        members[at] = True
        total = float(weight[members].sum())
        need = needed_of(inputs, share, total)
        if need > 0:
            slack = 0.0 if inputs.whole else 1e-9 * float(weight.sum())
            part = Part(rule, of if by is None else (*of, group), asks)
            yield Share(part, service, phase, members, total, share, need, slack, limit)


def needed_of(inputs: Inputs, share: float, total: float) -> float:
    """Return a share of some demand; people are whole: 0.9 of 37 is 34."""
    need = share * total
    return float(np.ceil(need - max(1e-9, 1e-15 * need))) if inputs.whole else need


def build_closeness(inputs: Inputs) -> tuple[Closeness, ...]:
    """Write the largest distances, in the last phase."""
    made = []
    for each in inputs.each(NobodyBeyond):
        for service in each.services:
            _refuse_beyond(inputs, each.rule, service, each.rule.limit)
            made.append(Closeness(Part(each.rule), service, each.phase, each.rule.limit))
    return tuple(made)


def _refuse_beyond(inputs: Inputs, rule: Rule, service: int, limit: float | None) -> None:
    pairs = inputs.pairs[service]
    if limit is not None:
        usual_limit(limit, pairs.unit, pairs.longest, argument_of(rule, "limit"))
    if limit is not None and limit > pairs.limit * (1 + 1e-9):
        searched = {"limit": limit, "searched": pairs.limit, "unit": pairs.unit}
        raise ProblemError(Message("problem.limit_long", rule=rule, **searched))
