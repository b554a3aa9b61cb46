"""From an objective, rules and tables to the model that the engines solve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

import siting.propose.problem as problem
from siting.errors import ProblemError
from siting.messages import Message
from siting.numbers import Bools, Floats, Ints
from siting.optimize.model import Model
from siting.optimize.sparse_rows import row_max
from siting.propose.model.checks import refuse_contradictions, refuse_unknown
from siting.propose.model.constraints import Constraint, build_constraints, known_costs
from siting.propose.model.inputs import Demand, Inputs, Rates, Reaches
from siting.propose.model.market import Utilities, choice_of, competitors_of, refuse_beside_choice, utilities
from siting.propose.model.read_problem import read
from siting.propose.model.shares import Closeness, Share, build_closeness, build_shares
from siting.propose.model.variables import JOINT, Variables, build_variables

__all__ = ["Block", "Formulation", "build", "grain_of"]

#: Number of values that are looked at before all are.
SAMPLE = 1_000


@dataclass(frozen=True, eq=False)
class Block:
    """Needs of one service and phase within one distance (None: the limit of the reach), by *times* open sites.

    `worth` is the weight of a community in the objective, before decay; `must` are those that must be served.
    """

    service: int
    phase: int
    limit: float | None
    worth: Floats
    must: Bools
    times: int = 1


@dataclass(frozen=True, eq=False)
class Formulation:
    """One siting problem: inputs, variables and constraints."""

    objective: problem.Objective
    inputs: Inputs
    variables: Variables
    constraints: tuple[Constraint, ...]
    shares: tuple[Share, ...]
    closeness: tuple[Closeness, ...]

    @property
    def sense(self) -> int:
        """1 to maximise the objective, -1 to minimise it; the `Model` is always maximised."""
        large = (problem.MaxCoverage, problem.MaxSpacing, problem.MaxMarketShare)
        return 1 if isinstance(self.objective, large) else -1

    @cached_property
    def times(self) -> int:
        """Number of open sites that cover a community."""
        rule = self.inputs.one(problem.Backup)
        return 1 if rule is None else rule.n

    @cached_property
    def capacity(self) -> problem.Capacity | None:
        """The rule on capacities, where there is one."""
        return self.inputs.one(problem.Capacity)

    @cached_property
    def market(self) -> Utilities | None:
        """What communities find in each variable where they choose among sites; None where the nearest counts."""
        choice = choice_of(self.objective, self.inputs)
        if choice is None:
            return None
        return utilities(choice, self.inputs, *self.serving(0, len(self.inputs.years) - 1), self.variables.site)

    def with_rule(self, rule: problem.Rule) -> Formulation:
        """Return the problem with another rule."""
        inputs = replace(self.inputs, rules=(*self.inputs.rules, rule))
        constraints = build_constraints(inputs, self.variables)
        shares, closeness = build_shares(inputs), build_closeness(inputs)
        return replace(self, inputs=inputs, constraints=constraints, shares=shares, closeness=closeness)

    @property
    def everybody(self) -> bool:
        """Whether the objective wants everybody served."""
        return problem.travels(self.objective) and getattr(self.objective, "beyond", None) is None

    def phase_weight(self, phase: int) -> float:
        """Return the weight of a phase in the objective."""
        rule = self.inputs.phases
        return 1.0 if rule is None or rule.weights is None else float(rule.weights[phase])

    def service_weight(self, service: int) -> float:
        """Return the weight of a person of a service in the objective."""
        weights = self.objective.weights if isinstance(self.objective, problem.MaxCoverage) else None
        return 1.0 if weights is None else float(weights.get(self.inputs.services[service], 1.0))

    @cached_property
    def value(self) -> Floats:
        """Objective of each variable, in the sense of the model."""
        variables = self.variables
        if isinstance(self.objective, problem.MinSites):
            return -variables.new.astype(float)
        if isinstance(self.objective, problem.MinCost):
            return -np.nan_to_num(variables.cost)
        value = np.zeros(len(variables))
        share = self.inputs.one(problem.Together)
        if isinstance(self.objective, problem.MaxCoverage) and share is not None and share.bonus is not None:
            value[variables.kind == JOINT] = share.bonus
        return value

    def unit_benefit(self, _block: Block, cost: Floats) -> Floats:
        """Return the weight of one unit of `worth` at each cost."""
        what = self.objective
        if isinstance(what, problem.MaxCoverage):
            return np.ones(len(cost)) if what.decay is None else _decayed(what, cost)
        if isinstance(what, problem.MinTravel):
            return -cost if what.beyond is None else what.beyond - cost
        if isinstance(what, problem.MinCost) and what.travel:
            return -what.travel * cost
        return np.zeros(len(cost))

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """All blocks of needs of the objective and the rules."""
        inputs, made = self.inputs, []
        nobody = np.zeros(len(inputs.communities), bool)
        rules: list[Share | Closeness] = [*self.shares, *self.closeness]
        wanted = {(each.service, each.phase, inputs.pairs[each.service].own(each.limit)) for each in rules}
        for k, t in np.ndindex(len(inputs.services), len(inputs.years)):
            worth = inputs.demand[k, t] * self.service_weight(k) * self.phase_weight(t)
            must = (inputs.demand[k, t] > 0) if self.everybody else nobody
            made.append(Block(k, t, None, worth, must, self.times))
            limits = sorted({at[2] for at in wanted if at[:2] == (k, t) and at[2] is not None})
            made += [Block(k, t, limit, np.zeros(len(worth)), nobody, self.times) for limit in limits]
        for near in self.closeness:
            key = (near.service, near.phase, inputs.pairs[near.service].own(near.limit))
            must = inputs.demand[near.service, near.phase] > 0
            if self.times > 1:  # backup applies to the share; `NobodyBeyond` needs one site
                made.append(Block(*key, np.zeros(len(must)), must))
            else:
                at = next(i for i, b in enumerate(made) if (b.service, b.phase, b.limit) == key)
                made[at] = replace(made[at], must=made[at].must | must)
        return tuple(made)

    @cached_property
    def constant(self) -> float:
        """Difference of the problem's objective and the model's, in the model's sense."""
        if isinstance(self.objective, problem.MinTravel) and self.objective.beyond is not None:
            return -self.objective.beyond * float(sum(block.worth.sum() for block in self.blocks))
        return 0.0

    @cached_property
    def model(self) -> Model:
        """The model for the engines, without the rule on capacities."""
        return self._numbers[0]

    @cached_property
    def costs(self) -> csr_array:
        """Cost of each pair of a `MinFarthest`; 0 where a rule asks for a block of its own. Without pairs else."""
        return self._numbers[1]

    @cached_property
    def needs(self) -> Ints:
        """Needs that count in the objective, in a share, or must be served: block × communities, as one number."""
        return np.concatenate([n * len(b.worth) + np.flatnonzero(self._counts(b)) for n, b in enumerate(self.blocks)])

    def _counts(self, block: Block) -> Bools:
        counts = (block.worth > 0) | block.must
        for share in self.shares:
            if self.is_of(share, block):
                counts |= share.members & (self.inputs.demand[share.service, share.phase] > 0)
        return counts

    @cached_property
    def _numbers(self) -> tuple[Model, csr_array]:
        size, kept = len(self.inputs.communities), self.needs
        position = np.full(len(self.blocks) * size, -1, np.int64)
        position[kept] = np.arange(len(kept))
        parts, farthest = [], isinstance(self.objective, problem.MinFarthest)
        for number, block in enumerate(self.blocks):
            community, column, cost = self.serving(block.service, block.phase, block.limit)
            need = position[number * size + community]
            if (need < 0).any():
                inside = np.flatnonzero(need >= 0)
                need, community, column, cost = need[inside], community[inside], column[inside], cost[inside]
            worth = block.worth[community] * self.unit_benefit(block, cost)
            far = [cost if block.limit is None else np.zeros(len(cost))] if farthest else []
            parts.append((need, column.astype(np.int32), worth, *far))
        need, column, worth, *data = (
            each[0] if len(each) == 1 else np.concatenate(each) for each in zip(*parts, strict=True)
        )
        # needs are in order, as the pairs of `Inputs` are
        start = np.append(0, np.cumsum(np.bincount(need, minlength=len(kept)))).astype(np.int32)
        shape = (len(kept), len(self.variables))
        costs = csr_array((data[0].copy(), column.copy(), start), shape=shape) if farthest else csr_array(shape)
        benefit = csr_array((worth, column, start), shape=shape)
        for matrix in (benefit, costs):
            matrix.sort_indices()
        once = isinstance(self.objective, problem.MaxCoverage) and self.objective.decay is None
        amounts = row_max(benefit, benefit.data) if once else benefit.data  # which are the same in a row
        model = Model(
            benefit=benefit,
            value=self.value,
            rows=self._rows(),
            low=np.array([each.low for each in self.constraints], float),
            high=np.array([each.high for each in self.constraints], float),
            lower=self.variables.lower,
            upper=self.variables.upper,
            shares=self._shares(position, size, len(kept)),
            wanted=np.array([share.wanted for share in self.shares], float),
            must=np.concatenate([b.must for b in self.blocks])[kept],
            grain=grain_of(np.concatenate([amounts, self.value, [self.constant]])),
            constant=self.constant,
            times=np.repeat([b.times for b in self.blocks], size)[kept] if self.times > 1 else None,
        )
        return model, costs

    def serving(self, service: int, phase: int, limit: float | None = None) -> tuple[Ints, Ints, Floats]:
        """Return communities, the variables that serve them within a limit, and the costs."""
        pairs, variables = self.inputs.pairs[service], self.variables
        near = pairs.within(limit)
        at = np.flatnonzero(variables.serves & variables.open_in(service, phase))
        order = at[np.argsort(variables.site[at], kind="stable")]
        first = np.searchsorted(variables.site[order], np.arange(len(self.inputs.sites) + 1))
        community, site, cost = pairs.community, pairs.site, pairs.cost
        if not near.all():
            community, site, cost = community[near], site[near], cost[near]
        each = np.diff(first)
        if (each == 1).all():
            return community, order[site], cost
        count = each[site]
        pair = np.repeat(np.arange(len(site)), count)
        offset = np.arange(len(pair)) - np.repeat(np.cumsum(count) - count, count)
        return community[pair], order[first[site[pair]] + offset], cost[pair]

    def is_of(self, share: Share, block: Block) -> bool:
        """Whether a share is about the needs of a block."""
        limit = self.inputs.pairs[share.service].own(share.limit)
        return (share.service, share.phase, limit, self.times) == (block.service, block.phase, block.limit, block.times)

    def _shares(self, position: Ints, size: int, needs: int) -> csr_array:
        parts = [(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))]
        for s, share in enumerate(self.shares):
            number = next(i for i, block in enumerate(self.blocks) if self.is_of(share, block))
            weight = self.inputs.demand[share.service, share.phase]
            community = np.flatnonzero(share.members & (weight > 0))
            parts.append((np.full(len(community), s), position[number * size + community], weight[community]))
        row, need, weight = (np.concatenate(each) for each in zip(*parts, strict=True))
        return csr_array((weight, (row, need)), shape=(len(self.shares), needs))

    def _rows(self) -> csr_array:
        row = np.repeat(np.arange(len(self.constraints)), [len(each.columns) for each in self.constraints])
        column = np.concatenate([np.zeros(0, np.int64), *(each.columns for each in self.constraints)])
        weight = np.concatenate([np.zeros(0), *(each.weight for each in self.constraints)])
        return csr_array((weight, (row, column)), shape=(len(self.constraints), len(self.variables)))


def _decayed(what: problem.MaxCoverage, cost: Floats) -> Floats:
    assert what.decay is not None
    weight = np.asarray(what.decay(cost), float)
    if weight.shape != cost.shape or not np.isfinite(weight).all() or (weight < 0).any():
        raise ProblemError(Message("problem.decay_weights"))
    order = np.argsort(cost, kind="stable")
    if (np.diff(weight[order]) > 1e-12).any():
        raise ProblemError(Message("problem.decay_rises"))
    return weight


def grain_of(values: Floats) -> float:
    """Find the largest power of ten, 1e-6 to 1, that all values are multiples of; 0 where there is none."""
    some = values[:: max(1, len(values) // SAMPLE)]
    for decimals in range(7):
        few = np.abs(some) * 10.0**decimals
        if (np.abs(few - np.rint(few)) > 1e-12 * few * (decimals > 0)).any():  # which spares most of the work
            continue
        scaled = np.abs(values) * 10.0**decimals
        slack = 1e-12 * scaled * (decimals > 0)
        if scaled.max(initial=0.0) < 2**50 and (np.abs(scaled - np.rint(scaled)) <= slack).all():
            return float(10.0**-decimals)
    return 0.0


def build(
    objective: problem.Objective,
    reach: Reaches,
    demand: Demand | None,
    rules: Sequence[problem.Rule],
    options: pd.DataFrame | None = None,
    *,
    take_up: Rates = None,
    bounded: bool = False,
) -> Formulation:
    """Check a problem and formulate it; with *bounded* the caller limits what opens, or says what for."""
    refuse_unknown(objective, rules)
    inputs = read(reach, demand, rules, options, take_up)
    refuse_beside_choice(objective, inputs)
    cost = objective.cost if isinstance(objective, problem.MinCost) else None
    variables = build_variables(inputs, cost, competitors_of(objective, inputs))
    if isinstance(objective, problem.MinCost):
        known_costs(inputs, variables, objective)
    places = variables.places[variables.serves]
    if inputs.one(problem.Capacity) is not None and not (places == np.rint(places)).all():
        inputs = replace(inputs, fractional_places=True)
    refuse_contradictions(objective, inputs, variables, bounded=bounded)
    return Formulation(
        objective, inputs, variables, build_constraints(inputs, variables), build_shares(inputs),
        build_closeness(inputs),
    )  # fmt: skip
