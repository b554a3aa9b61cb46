"""From an objective, rules and tables to the numbers that the engines solve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from siting.errors import ProblemError, some
from siting.numbers import Bools, Floats, Ints
from siting.optimize.model import Model
from siting.propose.model import constraints as rows_
from siting.propose.model import variables as columns_
from siting.propose.model.constraints import Closeness, Row, Share
from siting.propose.model.inputs import Demand, Inputs, Reaches, read
from siting.propose.model.variables import JOINT, Columns
from siting.propose.problem.arrangements import Capacity, Together
from siting.propose.problem.objectives import (
    MaxCoverage,
    MaxSpacing,
    MinCost,
    MinFarthest,
    MinSites,
    MinTravel,
    Objective,
)
from siting.propose.problem.rules import (
    AtLeast,
    AtMost,
    Backup,
    Budget,
    Cover,
    Existing,
    Forbidden,
    NobodyBeyond,
    Required,
    Rule,
)

__all__ = ["Block", "Instance", "build"]


@dataclass(frozen=True, eq=False)
class Block:
    """Needs of one service and phase within one distance (None: the limit of the reach).

    Attributes
    ----------
    worth
        What serving a community counts in the objective, before the distance is looked at.
    must
        Communities that must be served.
    times
        How many open sites serve.
    """

    service: int
    phase: int
    limit: float | None
    worth: Floats
    must: Bools
    times: int = 1


@dataclass(frozen=True, eq=False)
class Instance:
    """One siting problem: its inputs, its columns, and its rules in numbers.

    Attributes
    ----------
    sense
        1 when the objective is to be large, -1 when it is to be small; the `Model` is always to be large.
    """

    objective: Objective
    inputs: Inputs
    columns: Columns
    rows: tuple[Row, ...]
    shares: tuple[Share, ...]
    closeness: tuple[Closeness, ...]

    @property
    def sense(self) -> int:
        """1 when the objective is to be large, -1 when it is to be small."""
        return 1 if isinstance(self.objective, (MaxCoverage, MaxSpacing)) else -1

    @property
    def times(self) -> int:
        """How many open sites make a community covered."""
        rule = self.inputs.one(Backup)
        return 1 if rule is None else rule.n

    @property
    def capacity(self) -> Capacity | None:
        """The rule on capacities, where there is one."""
        return self.inputs.one(Capacity)

    @property
    def everybody(self) -> bool:
        """Whether the objective wants everybody served."""
        what = self.objective
        return (
            isinstance(what, MinFarthest)
            or (isinstance(what, MinTravel) and what.beyond is None)
            or (isinstance(what, MinCost) and what.travel > 0)
        )

    def phase_weight(self, phase: int) -> float:
        """Return what a phase counts in the objective."""
        rule = self.inputs.phases
        return 1.0 if rule is None or rule.weights is None else float(rule.weights[phase])

    def service_weight(self, service: int) -> float:
        """Return what a person of a service counts in the objective."""
        weights = self.objective.weights if isinstance(self.objective, MaxCoverage) else None
        return 1.0 if weights is None else float(weights.get(self.inputs.services[service], 1.0))

    @cached_property
    def value(self) -> Floats:
        """What opening each column is worth, in the sense of the model."""
        columns = self.columns
        if isinstance(self.objective, MinSites):
            return -columns.new.astype(float)
        if isinstance(self.objective, MinCost):
            return -np.nan_to_num(columns.cost)
        value = np.zeros(len(columns))
        share = self.inputs.one(Together)
        if isinstance(self.objective, MaxCoverage) and share is not None and share.bonus is not None:
            value[columns.kind == JOINT] = share.bonus
        return value

    def unit_benefit(self, _block: Block, cost: Floats) -> Floats:
        """Return what one unit of `worth` counts at each cost."""
        what = self.objective
        if isinstance(what, MaxCoverage):
            return np.ones(len(cost)) if what.decay is None else _decayed(what, cost)
        if isinstance(what, MinTravel):
            return -cost if what.beyond is None else what.beyond - cost
        if isinstance(what, MinCost) and what.travel:
            return -what.travel * cost
        return np.zeros(len(cost))

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """All blocks of needs that the objective or a rule speaks of."""
        inputs, found = self.inputs, []
        nobody = np.zeros(len(inputs.homes), bool)
        wanted = {(s.service, s.phase, _own(inputs, s.service, s.limit)) for s in self.shares}
        wanted |= {(c.service, c.phase, _own(inputs, c.service, c.limit)) for c in self.closeness}
        for k in range(len(inputs.services)):
            for t in range(len(inputs.years)):
                worth = inputs.demand[k, t] * self.service_weight(k) * self.phase_weight(t)
                must = (inputs.demand[k, t] > 0) if self.everybody else nobody
                found.append(Block(k, t, None, worth, must, self.times))
                limits = sorted({at[2] for at in wanted if at[:2] == (k, t) and at[2] is not None})
                found += [Block(k, t, limit, np.zeros(len(worth)), nobody, self.times) for limit in limits]
        for near in self.closeness:
            limit = _own(inputs, near.service, near.limit)
            at = next(
                i for i, b in enumerate(found) if (b.service, b.phase, b.limit) == (near.service, near.phase, limit)
            )
            must = inputs.demand[near.service, near.phase] > 0
            if self.times > 1:  # backup is about the share; nobody beyond is about one site
                found.append(Block(near.service, near.phase, limit, np.zeros(len(must)), must))
            else:
                found[at] = replace(found[at], must=found[at].must | must)
        return tuple(found)

    @cached_property
    def constant(self) -> float:
        """What the model's objective lacks to be that of the problem, in the model's sense."""
        if isinstance(self.objective, MinTravel) and self.objective.beyond is not None:
            return -self.objective.beyond * float(sum(block.worth.sum() for block in self.blocks))
        return 0.0

    @cached_property
    def model(self) -> Model:
        """The problem in the form that every engine takes; a rule on capacities is not in it."""
        return self._numbers[0]

    @cached_property
    def costs(self) -> csr_array:
        """Cost of each pair of the model, where everybody must be served at any cost; 0 in other rows."""
        return self._numbers[1]

    @cached_property
    def _numbers(self) -> tuple[Model, csr_array]:
        parts, homes = [], []
        for number, block in enumerate(self.blocks):
            home, column, cost = self.serving(block)
            worth = block.worth[home] * self.unit_benefit(block, cost)
            far = cost if block.limit is None else np.zeros(len(cost))
            parts.append((np.full(len(home), number), home, column, worth, far))
            homes.append(self._needed(number, block))
        size = len(self.inputs.homes)
        kept = np.concatenate(homes)
        position = np.full(len(self.blocks) * size, -1, np.int64)
        position[kept] = np.arange(len(kept))
        of, home, column, worth, far = (np.concatenate(each) for each in zip(*parts, strict=True))
        need = position[of * size + home]
        inside = need >= 0
        shape = (len(kept), len(self.columns))
        at = (need[inside], column[inside])
        benefit, costs = (csr_array((data[inside], at), shape=shape) for data in (worth, far))
        benefit.sort_indices()
        costs.sort_indices()
        rows = self._rows()
        model = Model(
            benefit=benefit,
            value=self.value,
            rows=rows,
            low=np.array([row.low for row in self.rows], float),
            high=np.array([row.high for row in self.rows], float),
            lower=self.columns.lower,
            upper=self.columns.upper,
            shares=self._shares(position, size, len(kept)),
            wanted=np.array([self._wanted(s) for s in self.shares], float),
            must=np.concatenate([b.must for b in self.blocks])[kept],
            grain=_grain(np.concatenate([worth, self.value, [self.constant]])),
            constant=self.constant,
            times=np.repeat([b.times for b in self.blocks], size)[kept] if self.times > 1 else None,
        )
        return model, costs

    def serving(self, block: Block) -> tuple[Ints, Ints, Floats]:
        """Return communities, the columns that serve them, and at what cost."""
        pairs, columns = self.inputs.pairs[block.service], self.columns
        near = pairs.within(block.limit)
        open_then = columns.serves & (columns.service == block.service)
        open_then &= (columns.begin <= block.phase) & (block.phase < columns.end)
        at = np.flatnonzero(open_then)
        order = at[np.argsort(columns.site[at], kind="stable")]
        first = np.searchsorted(columns.site[order], np.arange(len(self.inputs.sites) + 1))
        home, site, cost = pairs.home[near], pairs.site[near], pairs.cost[near]
        count = first[site + 1] - first[site]
        pair = np.repeat(np.arange(len(site)), count)
        offset = np.arange(len(pair)) - np.repeat(np.cumsum(count) - count, count)
        return home[pair], order[first[site[pair]] + offset], cost[pair]

    def _needed(self, number: int, block: Block) -> Ints:
        """Needs of a block that count in the objective, in a share, or must be served."""
        counts = (block.worth > 0) | block.must
        for share in self.shares:
            if self._is_of(share, block):
                counts |= share.members & (self.inputs.demand[share.service, share.phase] > 0)
        return number * len(counts) + np.flatnonzero(counts)

    def _is_of(self, share: Share, block: Block) -> bool:
        limit = _own(self.inputs, share.service, share.limit)
        return (share.service, share.phase, limit, self.times) == (block.service, block.phase, block.limit, block.times)

    def _shares(self, position: Ints, size: int, needs: int) -> csr_array:
        parts = []
        for s, share in enumerate(self.shares):
            number = next(i for i, block in enumerate(self.blocks) if self._is_of(share, block))
            weight = self.inputs.demand[share.service, share.phase]
            home = np.flatnonzero(share.members & (weight > 0))
            parts.append((np.full(len(home), s), position[number * size + home], weight[home]))
        if not parts:
            return csr_array((0, needs))
        row, need, weight = (np.concatenate(each) for each in zip(*parts, strict=True))
        return csr_array((weight, (row, need)), shape=(len(self.shares), needs))

    def _wanted(self, share: Share) -> float:
        """Return what must be served: sums of fractions may miss a need by their last bits, 1e-9 of all demand."""
        total = float(self.inputs.demand[share.service, share.phase].sum())
        return share.need if self.inputs.whole else share.need - 1e-9 * total

    def _rows(self) -> csr_array:
        lengths = [len(row.columns) for row in self.rows]
        at = (np.repeat(np.arange(len(self.rows)), lengths), _joined([row.columns for row in self.rows], np.int64))
        weight = _joined([row.weight for row in self.rows], np.float64)
        return csr_array((weight, at), shape=(len(self.rows), len(self.columns)))


def _joined(arrays: Sequence[Floats] | Sequence[Ints], dtype: type) -> Floats:
    return np.concatenate(arrays) if arrays else np.array([], dtype)


def _own(inputs: Inputs, service: int, limit: float | None) -> float | None:
    """Return the limit, or None where it is that of the reach."""
    return None if limit is None or limit >= inputs.pairs[service].limit else float(limit)


def _decayed(what: MaxCoverage, cost: Floats) -> Floats:
    assert what.decay is not None
    weight = np.asarray(what.decay(cost), float)
    if weight.shape != cost.shape or not np.isfinite(weight).all() or (weight < 0).any():
        raise ProblemError("MaxCoverage: decay gave what are no weights of 0 or more, one for each cost")
    order = np.argsort(cost, kind="stable")
    if (np.diff(weight[order]) > 1e-12).any():
        raise ProblemError("MaxCoverage: decay rises with the distance; the nearest site would not be the best")
    return weight


def _grain(values: Floats) -> float:
    """Find the largest power of ten, 1e-6 to 1, that all values are multiples of; 0 where there is none."""
    for decimals in range(7):
        scaled = np.abs(values) * 10.0**decimals
        if (
            scaled.max(initial=0.0) < 2**50
            and (np.abs(scaled - np.rint(scaled)) <= 1e-12 * scaled * (decimals > 0)).all()
        ):
            return float(10.0**-decimals)
    return 0.0


def build(
    objective: Objective,
    reach: Reaches,
    demand: Demand,
    rules: Sequence[Rule],
    options: pd.DataFrame | None = None,
    *,
    bounded: bool = False,
) -> Instance:
    """Check a problem and put it in numbers; *bounded* says that the caller limits what opens.

    Raises
    ------
    ProblemError
        When ids are unknown, rules contradict each other, or there is nothing to choose from.
    """
    _known(objective, rules)
    inputs = read(reach, demand, rules, options)
    cost = objective.cost if isinstance(objective, MinCost) else None
    laid = columns_.lay_out(inputs, cost)
    if isinstance(objective, MinCost):
        rows_._priced(inputs, laid, str(objective))
    if inputs.one(Capacity) is not None and not (laid.places == np.rint(laid.places))[laid.serves].all():
        inputs = replace(inputs, whole=False)  # people may be split, and places are no whole numbers
    _plain_contradictions(inputs, laid)
    _fits(objective, inputs, bounded=bounded)
    _agree(objective, inputs, laid)
    return Instance(
        objective=objective,
        inputs=inputs,
        columns=laid,
        rows=tuple(rows_.rows(inputs, laid)),
        shares=tuple(rows_.shares(inputs)),
        closeness=tuple(rows_.closeness(inputs)),
    )


def _known(objective: Objective, rules: Sequence[Rule]) -> None:
    kinds = (MaxCoverage, MinSites, MinCost, MinTravel, MinFarthest, MaxSpacing)
    if not isinstance(objective, kinds):
        raise ProblemError(
            f"no objective that solve knows: {objective!r}; choose from {some((k.__name__ for k in kinds), 6)}"
        )
    known = [*Rule.__subclasses__(), AtMost, AtLeast, Existing, Forbidden, Required]
    strange = [rule for rule in rules if not isinstance(rule, Rule) or type(rule) is Rule]
    if strange:
        names = sorted(kind.__name__ for kind in known if not kind.__name__.startswith("_"))
        raise ProblemError(f"no rule that solve knows: {some(strange)}; choose from {', '.join(names)}")


def _plain_contradictions(inputs: Inputs, columns: Columns) -> None:
    """Refuse what no reading of the rules could mean."""
    new = len(np.unique((columns.site * len(inputs.services) + columns.service)[columns.new]))
    required = int(columns.lower[columns.new].sum())
    for rule in inputs.all(AtMost):
        if rule.by is None and rule.service is None:
            if rule.n > new:
                raise ProblemError(f"{rule}: there are only {new} candidates")
            if required > rule.n:
                raise ProblemError(f"{rule} contradicts Required: it names {required} sites")
    for least in inputs.all(AtLeast):
        if least.by is None and least.service is None:
            if least.n > new:
                raise ProblemError(f"{least}: there are only {new} candidates")
            for most in inputs.all(AtMost):
                if most.by is None and most.service is None and most.n < least.n:
                    raise ProblemError(f"{least} contradicts {most}")


def _agree(objective: Objective, inputs: Inputs, columns: Columns) -> None:
    """Refuse distances that cannot be compared, and names of services that are none."""
    if isinstance(objective, MaxSpacing):
        rows_.measured(inputs, columns, objective.between, "MaxSpacing: between")
    if isinstance(objective, MaxCoverage) and objective.weights is not None:
        strange = set(objective.weights) - set(inputs.services)
        if strange:
            raise ProblemError(f"{objective}: no such services: {some(sorted(map(str, strange)))}")
    far = isinstance(objective, (MinTravel, MinFarthest)) or (isinstance(objective, MinCost) and objective.travel > 0)
    loose = [rule for rule in inputs.rules if isinstance(rule, (NobodyBeyond, Cover)) and rule.service is None
             and rule.limit is not None]  # fmt: skip
    if len({pairs.unit for pairs in inputs.pairs}) > 1 and (far or loose):
        units = ", ".join(f"{name} in {pairs.unit}" for name, pairs in zip(inputs.services, inputs.pairs, strict=True))
        what = objective if far else loose[0]
        raise ProblemError(f"{what}: services are measured in different units ({units}); use one unit, or name service")


def _fits(objective: Objective, inputs: Inputs, *, bounded: bool) -> None:
    """Refuse an objective without the rule that it needs, and rules that do not go with it."""
    kinds = {type(rule) for rule in inputs.rules}
    phases = inputs.phases
    counted = [rule.service for rule in inputs.all(AtMost)]
    bounded |= (
        Budget in kinds
        or (phases is not None and (phases.at_most is not None or phases.budget is not None))
        or all(None in counted or name in counted for name in inputs.services)
    )
    if isinstance(objective, (MaxCoverage, MinTravel, MinFarthest)) and not bounded:
        name = type(objective).__name__
        raise ProblemError(f"{name} without AtMost(n) would open every site; say how many, or give a Budget")
    asks = kinds & {Cover, NobodyBeyond, AtLeast} or any(
        kind.__name__ in ("OnePer", "Supply", "Required") for kind in kinds
    ) or (phases is not None and phases.cover is not None)  # fmt: skip
    if isinstance(objective, MinSites) and not asks:
        raise ProblemError("MinSites without Cover(share) would open no site; say how much to cover")
    if isinstance(objective, MinCost) and not asks and not objective.travel:
        raise ProblemError("MinCost without Cover(share) or travel would open no site; say how much to cover")
    if isinstance(objective, MaxSpacing) and AtLeast not in kinds:
        raise ProblemError("MaxSpacing without AtLeast(n) would open one site; say how many")
    if isinstance(objective, MinTravel) and objective.beyond is not None:
        short = [p for p in inputs.pairs if objective.beyond < p.limit]
        if short:
            raise ProblemError(
                f"{objective}: beyond is less than the {short[0].limit:g} {short[0].unit} that were searched"
            )
    if Backup in kinds:
        far = isinstance(objective, (MinTravel, MinFarthest)) or (
            isinstance(objective, MinCost) and objective.travel > 0
        )
        if far or (isinstance(objective, MaxCoverage) and objective.decay is not None) or Capacity in kinds:
            raise ProblemError(
                f"Backup does not go with {'Capacity' if Capacity in kinds else objective}; leave one out"
            )
    if Together in kinds and len(inputs.services) < 2:
        raise ProblemError("Together: there is one service; give reach and demand as a mapping with two")
