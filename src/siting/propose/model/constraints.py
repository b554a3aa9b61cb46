"""Rules on sites as constraints: sums over variables with a lower and an upper limit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf, nan
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

import siting.propose.problem as problem
from siting.errors import ProblemError
from siting.measure.reach import Reach
from siting.messages import Message
from siting.numbers import Bools, Floats, Ints
from siting.propose.model.inputs import Inputs, Resolved
from siting.propose.model.variables import CLOSING, JOINT, LARGER, NEW, STAYING, Variables, shared_services
from siting.propose.problem.rule_values import argument_of

__all__ = ["Constraint", "all_may_open_first", "build_constraints", "known_costs", "refuse_unmeasured"]

NOTHING = np.array([], np.int64)


@dataclass(frozen=True, eq=False)
class Constraint:
    """``low <= sum of weight x <= high`` over some variables; without a part it is implied (a site opens once)."""

    part: problem.Part | None
    columns: Ints
    weight: Floats
    low: float
    high: float

    @property
    def rule(self) -> Any:
        """The rule that it comes from, or None."""
        return None if self.part is None else self.part.rule


def build_constraints(inputs: Inputs, variables: Variables) -> tuple[Constraint, ...]:
    """Write the rules on sites only."""
    writers: dict[type[problem.Rule], Any] = {
        problem.AtMost: _counts,
        problem.AtLeast: _counts,
        problem.Budget: _budget,
        problem.OnePer: _one_per,
        problem.MayClose: _closings,
        problem.Spacing: _spacing,
        problem.Supply: _supply,
        problem.Together: _together,
        problem.Phases: _phases,
    }
    made = [*_opens_once(variables), *_required(inputs, variables), *_joined(inputs, variables)]
    for each in inputs.resolved:
        if type(each.rule) in writers:
            made += writers[type(each.rule)](inputs, variables, each)
    return tuple(made)


def _constraint(
    part: problem.Part | None, at: npt.ArrayLike, weight: npt.ArrayLike = 1.0, *, low: float = -inf, high: float = inf
) -> Constraint:
    at = np.asarray(at)
    at = np.flatnonzero(at) if at.dtype == bool else at.astype(np.int64)
    return Constraint(part, at, np.broadcast_to(np.asarray(weight, float), at.shape).copy(), low, high)


def _grouped(keys: Ints, among: Bools) -> Iterator[Ints]:
    at = np.flatnonzero(among)
    order = at[np.argsort(keys[at], kind="stable")]
    yield from np.split(order, np.flatnonzero(np.diff(keys[order])) + 1) if len(order) else ()


def _opens_once(variables: Variables) -> Iterator[Constraint]:
    key = variables.place
    for kinds, low in (((NEW,), -inf), ((STAYING, CLOSING), 1.0), ((LARGER,), -inf)):
        mine = np.isin(variables.kind, kinds)
        several = np.bincount(key[mine], minlength=int(key.max()) + 1)[key] > 1
        for at in _grouped(key, mine & several):
            yield _constraint(None, at, low=low, high=1.0)
    for grown in np.flatnonzero(variables.kind == LARGER):  # a site that closes does not grow
        stays = (key == key[grown]) & (variables.kind == STAYING)
        if variables.lower[stays].min() < 1:
            at = np.concatenate([[grown], np.flatnonzero(stays)])
            yield _constraint(None, at, [1.0, -1.0], high=0.0)


def _required(inputs: Inputs, variables: Variables) -> Iterator[Constraint]:
    for each in inputs.each(problem.Required):
        for at in _grouped(variables.place, variables.of(each) & variables.new):
            if len(at) > 1:
                yield _constraint(problem.Part(each.rule), at, low=1.0)


def _joined(inputs: Inputs, variables: Variables) -> Iterator[Constraint]:
    """Write that a joint variable is open only where both services open at its site in its year."""
    joint = np.flatnonzero(variables.kind == JOINT)
    if not len(joint):
        return
    new = variables.new
    keys = [each[new] for each in (variables.site, variables.begin, variables.service)]
    members = {key: group.to_numpy() for key, group in pd.Series(np.flatnonzero(new)).groupby(keys)}
    for column in joint:
        for service in shared_services(inputs):
            with_it = members[(variables.site[column], variables.begin[column], service)]
            yield _constraint(None, [column, *with_it], [1.0] + [-1.0] * len(with_it), high=0.0)


def _counts(
    _inputs: Inputs, variables: Variables, each: Resolved[problem.AtMost | problem.AtLeast]
) -> Iterator[Constraint]:
    rule = each.rule
    low, high = (float(rule.n), inf) if isinstance(rule, problem.AtLeast) else (-inf, float(rule.n))
    for of, at in _by_group(variables, variables.new & variables.of(each), each):
        yield _constraint(problem.Part(rule, of), at, low=low, high=high)


def _by_group(variables: Variables, among: Bools, each: Resolved[Any]) -> Iterator[tuple[tuple[object, ...], Ints]]:
    """Yield the groups of a rule, each with the variables of its sites; () for all of them without groups."""
    if each.groups is None:
        yield (), np.flatnonzero(among)
        return
    codes, names = pd.factorize(each.groups, sort=False)
    for code in np.argsort([str(name) for name in names], kind="stable"):
        yield (names[code],), np.flatnonzero(among & (codes[variables.site] == code))


def known_costs(inputs: Inputs, variables: Variables, what: object) -> Floats:
    """Return the costs, all known where something opens."""
    lacking = np.isnan(variables.cost) & (variables.new | (variables.kind == LARGER))
    inputs.refuse_lacking(variables.site[lacking], what, "cost")
    return variables.cost


def _budget(inputs: Inputs, variables: Variables, each: Resolved[problem.Budget]) -> Iterator[Constraint]:
    cost = known_costs(inputs, variables, each.rule)
    at = np.flatnonzero(cost != 0)
    yield _constraint(problem.Part(each.rule), at, cost[at], high=each.rule.total)


def _one_per(inputs: Inputs, variables: Variables, each: Resolved[problem.OnePer]) -> Iterator[Constraint]:
    rule, last = each.rule, variables.end == len(inputs.years)
    assert each.groups is not None
    wanted = list(dict.fromkeys([*each.groups.unique(), *(rule.among or ())]))
    for service in each.services:
        found = dict(_by_group(variables, variables.serves & last & (variables.service == service), each))
        for group in sorted(wanted, key=str):
            yield _constraint(problem.Part(rule, (group,)), found.get((group,), NOTHING), low=1.0)


def _closings(_inputs: Inputs, variables: Variables, each: Resolved[problem.MayClose]) -> Iterator[Constraint]:
    if each.rule.at_most is not None:
        closing = (variables.kind == CLOSING) & variables.of(each)
        yield _constraint(problem.Part(each.rule), closing, high=float(each.rule.at_most))


def _spacing(inputs: Inputs, variables: Variables, each: Resolved[problem.Spacing]) -> Iterator[Constraint]:
    first, second = _too_near(inputs, variables, each.rule)
    last = variables.serves & (variables.end == len(inputs.years))
    for k in range(len(inputs.services)):
        there = {int(variables.site[at[0]]): at for at in _grouped(variables.site, last & (variables.service == k))}
        for a, b in zip(first.tolist(), second.tolist(), strict=True):
            if a in there and b in there:
                both = np.concatenate([there[a], there[b]])
                if variables.new[both].any():
                    yield _constraint(problem.Part(each.rule), both, high=1.0)


def _too_near(inputs: Inputs, variables: Variables, rule: problem.Spacing) -> tuple[Ints, Ints]:
    """Positions of the pairs that are too near each other, each once; sites of no reach are left out."""
    table = rule.table
    a, b = (inputs.sites.get_indexer(pd.Index(table[name], dtype=object)) for name in ("origin", "destination"))
    if isinstance(rule.pairs, Reach):
        refuse_unmeasured(inputs, variables, rule.pairs, argument_of("Spacing", "pairs"))
    elif (a < 0).any() or (b < 0).any():
        strange = dict.fromkeys([*table["origin"][a < 0], *table["destination"][b < 0]])
        raise ProblemError(Message("ids.unknown", of="sites", ids=strange).within(argument_of("Spacing", "pairs")))
    known = (a >= 0) & (b >= 0)
    pairs = np.unique(np.sort(np.column_stack([a[known], b[known]]), axis=1), axis=0).astype(np.int64)
    return pairs[:, 0], pairs[:, 1]


def refuse_unmeasured(inputs: Inputs, variables: Variables, between: Any, what: str | Message) -> None:
    """Refuse distances without some of the candidates, which would count as far from all."""
    able = inputs.sites[np.unique(variables.site[variables.new])]
    lost = able[~able.isin(between.destinations)]
    if len(lost):
        raise ProblemError(Message("problem.unmeasured", what=what, ids=lost))


def _supply(inputs: Inputs, variables: Variables, each: Resolved[problem.Supply]) -> Iterator[Constraint]:
    rule, places, larger = each.rule, variables.places, variables.kind == LARGER
    among = (larger | (variables.serves & (variables.end == len(inputs.years)))) & variables.of(each)
    if rule.places is not None:
        own = inputs.site_numbers(rule.places, argument_of("Supply", "places"))[variables.service, variables.site]
        known = np.where(larger, places, own)  # what enlarging adds stands in the option only
        places = np.where(variables.option < 0, own, np.where(np.isnan(places), known, places))
    inputs.refuse_lacking(variables.site[among & np.isnan(places)], rule, "places")
    groups = dict(_by_group(variables, among, each))
    named = next((value for value in (rule.total, rule.people) if isinstance(value, pd.Series)), pd.Series(dtype=float))
    groups |= {(group,): NOTHING for group in named.index if (group,) not in groups}  # no sites, no places
    for of, at in groups.items():
        yield _constraint(problem.Part(rule, of), at, places[at], low=_supply_wanted(rule, *of))


def _supply_wanted(rule: problem.Supply, group: object = None) -> float:
    name, value = ("total", rule.total) if rule.per_1000 is None else ("people", rule.people)
    if isinstance(value, pd.Series):
        value = float(pd.to_numeric(pd.Series([value.get(group, nan)]), errors="coerce").iloc[0])
        if not 0 <= value < inf:
            raise ProblemError(Message("problem.no_amount", rule=rule, name=name, group=group))
    assert value is not None
    return float(value) if rule.per_1000 is None else rule.per_1000 * float(value) / 1000.0


def _together(inputs: Inputs, variables: Variables, each: Resolved[problem.Together]) -> Iterator[Constraint]:
    if not each.rule.must:
        return
    pair = shared_services(inputs)
    two = np.isin(variables.service, pair)
    free = set(variables.site[np.isin(variables.kind, (STAYING, CLOSING)) & two].tolist())
    mine = variables.new & np.asarray(inputs.known[list(pair)].all(axis=0))[variables.site] & two
    for at in _grouped(variables.site * len(inputs.years) + variables.begin, mine):
        if int(variables.site[at[0]]) not in free:
            sign = np.where(variables.service[at] == pair[0], 1.0, -1.0)
            yield _constraint(problem.Part(each.rule), at, sign, low=0.0, high=0.0)


def _phases(inputs: Inputs, variables: Variables, each: Resolved[problem.Phases]) -> Iterator[Constraint]:
    rule = each.rule
    for t, year in enumerate(rule.years):
        most, budget = rule.at_most_in(t), rule.budget_in(t)
        if most is not None:
            part = problem.Part(rule, (year,), ("at_most", most))
            yield _constraint(part, variables.new & (variables.begin == t), high=float(most))
        if budget is not None:
            cost = known_costs(inputs, variables, rule)
            spent = np.where(variables.kind == CLOSING, variables.end, variables.begin) == t
            at = np.flatnonzero(spent & (cost != 0))
            yield _constraint(problem.Part(rule, (year,), ("budget", budget)), at, cost[at], high=float(budget))


def all_may_open_first(inputs: Inputs, variables: Variables) -> bool:
    """Whether no rule delays new sites beyond the first year: none, or only limits that all sites keep."""
    phases, new = inputs.phases, variables.new
    if phases is None or len(phases.years) < 2 or not new.any():
        return False
    early = new & (variables.begin == 0)
    count = len(np.unique(variables.site[early]))
    if count < len(np.unique(variables.site[new])):
        return False  # an option that may open in a later year only
    most = [float(count * len(inputs.services))]
    most += [rule.n for rule in inputs.all(problem.AtMost) if rule.by is None and rule.service is None]
    spent = [float(np.nansum(np.maximum(variables.cost[early], 0.0)))]
    spent += [rule.total for rule in inputs.all(problem.Budget)]
    years = range(len(phases.years) - 1)
    limits = [(phases.at_most_in(t), min(most)) for t in years] + [(phases.budget_in(t), min(spent)) for t in years]
    return all(limit is None or limit >= enough for limit, enough in limits)
