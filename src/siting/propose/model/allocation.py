"""Problems with capacities: arcs from communities to pools of places, as one mixed-integer model."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.sparse import block_array, csc_array, csr_array, vstack

from siting.numbers import Bools, Floats, Ints
from siting.optimize import highs
from siting.optimize.capacitated.open_places import OpenPlaces
from siting.propose.model.formulation import Formulation
from siting.propose.model.inputs import within
from siting.propose.model.variables import LARGER
from siting.propose.model.ways import closest_rows, is_whole_at_one, nearest_arcs
from siting.propose.problem.rule_values import argument_of

__all__ = ["Allocation", "build_allocation", "mixed_integer_model", "people_of", "rounded", "vector_of"]

#: Parts of a person in flows of whole numbers, the finest that fit first, and the most parts at one place.
PARTS, MOST_PARTS = (1_000_000, 1_000, 1), 2**62
#: Pairs up to which each gets a row of its own that ties it to its site: a tighter model, but a larger one.
TIED = 60_000
#: Arcs up to which people are allocated with the least travel.
SMOOTHED = 20_000
#: By how much people may exceed places, and a share miss its need: the tolerance of the solver.
SLACK = 1e-6


@dataclass(frozen=True, eq=False)
class Allocation:
    """The model of a problem with capacities; an arc leads from a community to a site in reach, in one phase.

    `gain` is the value of one person on an arc; `room`, `least` and `opens` are pools × columns: the places of an open
    column, the fewest people that it requires, and whether it opens the pool. `must` has for each rule of nobody beyond
    the arcs (a mask) and the needs that must be served on them.
    """

    formulation: Formulation
    need: Ints
    pool: Ints
    gain: Floats
    cost: Floats
    amount: Floats
    room: csr_array
    least: csr_array
    opens: csr_array
    shares: csr_array
    must: tuple[tuple[Bools, Ints], ...]
    of_need: pd.DataFrame
    of_pool: pd.DataFrame

    @property
    def whole(self) -> bool:
        """Whether people and places are whole numbers."""
        return all(bool((each == np.rint(each)).all()) for each in (self.amount, self.room.data, self.least.data))

    @property
    def split(self) -> bool:
        """Whether people of a community may go to several sites."""
        rule = self.formulation.capacity
        return rule is None or rule.split

    @property
    def nearest(self) -> bool:
        """Whether everybody goes to the nearest open site only."""
        rule = self.formulation.capacity
        return rule is not None and rule.nearest

    @property
    def _ways(self) -> tuple[Ints, Ints, Ints, Floats]:
        return self.need, self.pool, self.of_pool["site"].to_numpy(), self.cost

    @property
    def unit(self) -> float:
        """The unit of tolerances: 1, or all demand where that is less."""
        return min(1.0, float(self.amount.sum()))

    @property
    def scale(self) -> float:
        """Factor of amounts for the solver, whose tolerances are absolute; a power of two, to stay exact."""
        total = float(self.amount.sum())
        return 1.0 if 1.0 <= total <= 1e9 or not total else 2.0 ** round(math.log2(1e6 / total))

    def open_pools(self, x: Bools) -> Bools:
        """Pools that columns open."""
        return np.asarray((self.opens @ x.astype(float)) > 0)

    def usable(self, x: Bools) -> Bools:
        """Arcs that people may take when columns are open."""
        open_pools = self.open_pools(x)
        return nearest_arcs(*self._ways, open_pools) if self.nearest else np.asarray(open_pools[self.pool])

    def worth(self, x: Bools, people: Floats) -> float:
        """Objective of columns and people on arcs, in the sense of the model."""
        return self.formulation.constant + float(self.gain @ people + self.formulation.value[x].sum())

    @cached_property
    def parts(self) -> int:
        """Into how many parts a person is cut for flows of whole numbers."""
        most = max(self.amount.max(initial=0.0), float(self.room.sum(axis=1).max()) if self.room.nnz else 0.0)
        return next(parts for parts in (PARTS[-1:] if self.whole else PARTS) if most * parts <= MOST_PARTS)

    def _in_parts(self, people: Floats) -> Ints:
        return np.rint(people * self.parts).astype(np.int64)

    def most(self, x: Bools, phase: int) -> float:
        """Return the most people with a place in a phase, fractions to `parts`."""
        return self._flow(x, x, phase)[1]

    def _flow(self, x: Bools, first: Bools, phase: int) -> tuple[OpenPlaces, float]:
        """Return the flow to the places of the columns *first* along the arcs of x, and the people who have one."""
        here = self.of_pool["phase"].to_numpy() == phase
        mine = np.flatnonzero((self.open_pools(x) & here)[self.pool])
        flow = OpenPlaces(self._in_parts(self.amount), self.room.shape[0], self.need[mine], self.pool[mine])
        room = self._in_parts(self.room @ first.astype(float)).tolist()
        served = sum(flow.add(pool, room[pool]) for pool in np.flatnonzero(self.open_pools(first) & here).tolist())
        return flow, served / self.parts

    def added_and_lost(self, x: Bools, columns: Ints, phase: int) -> tuple[float, list[tuple[float, float]]]:
        """Count the people with a place in a phase: without new *columns* of x, and for each of them.

        For each column: those whom it adds, when it opens after the columns before it, and those whom it alone serves.
        """
        rest = x.copy()
        rest[columns] = False
        flow, start = self._flow(x, rest, phase)
        here = self.of_pool["phase"].to_numpy() == phase
        room = csc_array(self.room[:, columns])
        places = self._in_parts(room.data).tolist()
        pools = [
            [(i, places[at]) for at, i in enumerate(room.indices[there].tolist(), there.start) if here[i]]
            for there in (slice(*room.indptr[k : k + 2].tolist()) for k in range(len(columns)))
        ]
        added = [sum(flow.add(*each) for each in own) / self.parts for own in pools]
        lost = [sum(flow.lost_without(*each) for each in own) / self.parts for own in pools]
        return start, list(zip(added, lost, strict=True))

    def amounts(self, flows: pd.DataFrame) -> Floats:
        """People on each arc of a table of flows."""
        people = np.zeros(len(self.need))
        people[flows["arc"]] = flows["people"]
        return people

    def keeps(self, x: Bools, people: Floats) -> bool:
        """Whether columns and people on arcs keep all rules."""
        model, open_ = self.formulation.model, x.astype(float)
        at_pool = np.bincount(self.pool, people, minlength=self.room.shape[0])
        inside = model.rows @ open_
        room, least, wanted = self.room @ open_, self.least @ open_, model.wanted
        scale = SLACK * np.maximum(1.0, np.abs(inside))

        def slack(limit: Floats) -> Floats:
            return np.asarray(SLACK * np.maximum(self.unit, limit))

        def served(arcs: Bools) -> Floats:
            return np.asarray(np.bincount(self.need[arcs], people[arcs], minlength=len(self.amount)), float)

        return bool(
            (x >= model.lower).all() and (x <= model.upper).all() and (people >= 0).all()
            and (at_pool <= room + slack(room)).all() and (at_pool >= least - slack(least)).all()
            and (served(np.ones(len(people), bool)) <= self.amount + slack(self.amount)).all()
            and (not self.nearest or not people[~self.usable(x)].any())
            and (self.split or is_whole_at_one(self.need, people, self.amount, slack(self.amount)))
            and (inside >= model.low - scale).all() and (inside <= model.high + scale).all()
            and (self.shares @ people >= wanted - slack(wanted)).all()
            and all(
                (served(arcs)[needs] >= self.amount[needs] - slack(self.amount[needs])).all()
                for arcs, needs in self.must
            )
        )  # fmt: skip

    def best(self, x: Bools, seconds: float | None = None) -> Floats | None:
        """Best people on arcs for given columns; None where rules cannot be kept, or *seconds* are too few."""
        linear = mixed_integer_model(self, fixed=x)
        outcome = highs.run(linear, time_limit=seconds)
        if outcome.x is None:
            return None
        people = people_of(self, x, outcome.x)
        if not self.split:
            return people if self.keeps(x, people) else None
        for gain in (np.ones(len(self.gain)), -self.cost):  # ties: most people served, then the least travel
            if len(people) <= SMOOTHED:
                people = self._then(linear, x, people, gain, seconds)
        return people if self.keeps(x, people) else None

    def _then(self, linear: highs.Programme, x: Bools, people: Floats, gain: Floats, seconds: float | None) -> Floats:
        """Of the flows with equal value and service, one with the most of *gain*; the given one if none is found."""
        none = np.zeros(len(x))
        floors = [csr_array(np.concatenate([none, row])[None, :]) for row in (self.gain, np.ones(len(gain)))]
        worth = np.array([self.gain @ people, people.sum() * self.scale])
        second = replace(
            linear,
            cost=-np.concatenate([none, gain]),
            matrix=csr_array(vstack([linear.matrix, *floors], format="csr")),
            row_lower=np.concatenate([linear.row_lower, worth]),
            row_upper=np.concatenate([linear.row_upper, [np.inf, np.inf]]),
        )
        outcome = highs.run(second, time_limit=seconds)
        better = people if outcome.x is None else people_of(self, x, outcome.x)
        return better if self.keeps(x, better) and self.worth(x, better) >= self.worth(x, people) - 1e-6 else people


def build_allocation(formulation: Formulation) -> Allocation:
    """Lay out the arcs of a problem with capacities."""
    inputs, variables = formulation.inputs, formulation.variables
    lacking = (variables.serves | (variables.kind == LARGER)) & np.isnan(variables.places)
    inputs.refuse_lacking(variables.site[lacking], "Capacity", "places")
    needs, pools, arcs, gains, costs = [], [], [], [], []
    size = len(inputs.sites)
    for number, block in enumerate(block for block in formulation.blocks if block.limit is None):
        pairs, people = inputs.pairs[block.service], inputs.demand[block.service, block.phase]
        able = np.zeros(size, bool)
        able[variables.site[variables.open_in(block.service, block.phase) & variables.serves]] = True
        near = able[pairs.site] & (people[pairs.community] > 0)
        community, site, cost = pairs.community[near], pairs.site[near], pairs.cost[near]
        unit = np.where(people > 0, block.worth / np.where(people > 0, people, 1.0), 0.0)
        arcs.append(np.column_stack([number * len(people) + community, number * size + site]))
        gains.append(unit[community] * formulation.unit_benefit(block, cost))
        costs.append(cost)
        at, of = np.flatnonzero(people > 0), {"service": block.service, "phase": block.phase}
        needs.append(pd.DataFrame({"key": number * len(people) + at, "community": at, **of, "people": people[at],
                                   "must": block.must[at]}))  # fmt: skip
        at = np.flatnonzero(able)
        pools.append(pd.DataFrame({"key": number * size + at, "site": at, "block": number, **of}))
    of_need, of_pool = pd.concat(needs, ignore_index=True), pd.concat(pools, ignore_index=True)
    arc, cost = np.concatenate(arcs), np.concatenate(costs)
    need = pd.Index(of_need["key"]).get_indexer(arc[:, 0]).astype(np.int64)
    pool = pd.Index(of_pool["key"]).get_indexer(arc[:, 1]).astype(np.int64)
    return Allocation(
        formulation, need, pool, np.concatenate(gains), cost, of_need["people"].to_numpy(float),
        *_pools(formulation, of_pool), _shares(formulation, of_need, need, cost), _must(formulation, of_need, cost),
        of_need, of_pool,
    )  # fmt: skip


def _pools(formulation: Formulation, of_pool: pd.DataFrame) -> tuple[csr_array, csr_array, csr_array]:
    variables, inputs = formulation.variables, formulation.inputs
    given = None if formulation.capacity is None else formulation.capacity.least
    if isinstance(given, pd.Series):
        inputs.site_positions(given.index, argument_of("Capacity", "least"))  # refuses ids of no site
    least, sites = (
        inputs.one_number_each(0.0 if given is None else given, argument_of("Capacity", "least")),
        len(inputs.sites),
    )
    keys = pd.Index(of_pool["key"])
    parts = []
    for number, service, phase in of_pool[["block", "service", "phase"]].drop_duplicates().to_numpy().tolist():
        counted = variables.serves | (variables.kind == LARGER)
        at = np.flatnonzero(variables.open_in(service, phase) & counted)
        pool = keys.get_indexer(number * sites + variables.site[at])
        at, pool = at[pool >= 0], pool[pool >= 0]
        fewest = np.where(variables.new[at], least[variables.site[at]], 0.0)
        parts.append((pool, at, variables.places[at], fewest, (variables.kind[at] != LARGER).astype(float)))
    row, column, *data = (np.concatenate(each) for each in zip(*parts, strict=True))
    shape = (len(of_pool), len(variables))
    room, floor, opens = (csr_array((each, (row, column)), shape=shape) for each in data)
    opens.eliminate_zeros()
    return room, floor, opens


def _shares(formulation: Formulation, of_need: pd.DataFrame, need: Ints, cost: Floats) -> csr_array:
    community, service, phase = (of_need[name].to_numpy()[need] for name in ("community", "service", "phase"))
    rows = []
    for share in formulation.shares:
        mine = (service == share.service) & (phase == share.phase) & share.members[community]
        rows.append(mine & within(cost, share.limit))
    return csr_array(np.array(rows, float).reshape(len(rows), len(need)))


def _must(formulation: Formulation, of_need: pd.DataFrame, cost: Floats) -> tuple[tuple[Bools, Ints], ...]:
    found = [(within(cost, None), np.flatnonzero(of_need["must"]))] if formulation.everybody else []
    for near in formulation.closeness:
        mine = (of_need["service"] == near.service) & (of_need["phase"] == near.phase)
        found.append((within(cost, near.limit), np.flatnonzero(mine)))
    return tuple(found)


def mixed_integer_model(problem: Allocation, fixed: Bools | None = None) -> highs.Programme:
    """Write columns and people on arcs as one model, to be minimised; with *fixed* columns it is a linear one."""
    formulation = problem.formulation
    model, arcs = formulation.model, len(problem.need)
    needs, pools = len(problem.amount), problem.room.shape[0]
    one, scale, each = np.ones(arcs), problem.scale, np.arange(arcs)
    amount = scale * problem.amount
    to_pool = csr_array((one, (problem.pool, each)), shape=(pools, arcs))
    of_need = csr_array((one, (problem.need, each)), shape=(needs, arcs))
    parts: list[tuple[csr_array | None, csr_array | None, Floats | float, Floats | float]] = [
        (-scale * problem.room, to_pool, -np.inf, 0.0),
        (None, of_need, 0.0, amount),
        (model.rows, None, model.low, model.high),
        (None, problem.shares, scale * model.wanted, np.inf),
    ]
    if problem.least.nnz and problem.least.data.any():
        parts.append((-scale * problem.least, to_pool, 0.0, np.inf))
    parts += [(None, csr_array(of_need[at] * mask[None, :]), amount[at], np.inf) for mask, at in problem.must]
    if fixed is None and arcs <= TIED:
        tied = csr_array(problem.opens[problem.pool] * -amount[problem.need][:, None])
        parts.append((tied, csr_array((one, (each, each)), shape=(arcs, arcs)), -np.inf, 0.0))
    rows = [(part[1] if part[0] is None else part[0]).shape[0] for part in parts]  # type: ignore[union-attr]
    x = fixed if fixed is None else fixed.astype(float)
    most = amount[problem.need] if fixed is None else np.where(problem.usable(fixed), amount[problem.need], 0.0)
    made = highs.Programme(
        cost=-np.concatenate([formulation.value, problem.gain / scale]),
        lower=np.concatenate([model.lower if x is None else x, np.zeros(arcs)]),
        upper=np.concatenate([model.upper if x is None else x, most]),
        matrix=csr_array(block_array([part[:2] for part in parts], format="csr")),
        row_lower=np.concatenate([np.broadcast_to(part[2], n) for part, n in zip(parts, rows, strict=True)]),
        row_upper=np.concatenate([np.broadcast_to(part[3], n) for part, n in zip(parts, rows, strict=True)]),
        whole=len(formulation.variables) if fixed is None else 0,
    )
    if fixed is None and problem.nearest:
        made = _closest(problem, made)
    return made if problem.split else _unsplit(problem, made)


def _closest(problem: Allocation, made: highs.Programme) -> highs.Programme:
    """Add the rows of closest assignment, with a variable for the people on each arc and those after it."""
    arcs, amount = len(problem.need), problem.scale * problem.amount
    columns, people, rests, most = closest_rows(*problem._ways, amount, problem.opens)
    below = np.zeros(arcs), np.full(len(most), -np.inf)
    return highs.Programme(
        cost=np.concatenate([made.cost, np.zeros(arcs)]),
        lower=np.concatenate([made.lower, np.zeros(arcs)]),
        upper=np.concatenate([made.upper, amount[problem.need]]),
        matrix=csr_array(block_array([
            [made.matrix, csr_array((made.matrix.shape[0], arcs))],
            [csr_array(block_array([[columns, people]], format="csr")), rests],
        ], format="csr")),
        row_lower=np.concatenate([made.row_lower, *below]),
        row_upper=np.concatenate([made.row_upper, np.zeros(arcs), most]),
        whole=made.whole,
    )  # fmt: skip


def _unsplit(problem: Allocation, made: highs.Programme) -> highs.Programme:
    """Replace the people on each arc by whether all of their community are there."""
    n, arcs = len(problem.formulation.variables), len(problem.need)
    size = np.ones(len(made.cost))
    size[n : n + arcs] = problem.scale * problem.amount[problem.need]
    return replace(
        made,
        cost=made.cost * size,
        upper=made.upper / size,
        matrix=csr_array(made.matrix * size[None, :]),
        whole=n + arcs,
    )


def people_of(problem: Allocation, x: Bools, found: Floats) -> Floats:
    """Return the people on arcs of a vector of the mixed-integer model, whose columns are *x*."""
    people = found[len(x) : len(x) + len(problem.need)]
    if not problem.split:
        return np.where((people > 0.5) & problem.usable(x), problem.amount[problem.need], 0.0)
    people = rounded(problem, x, people / problem.scale)
    return np.where(problem.usable(x), people, 0.0) if problem.nearest else people


def vector_of(problem: Allocation, x: Bools, people: Floats) -> Floats:
    """Return the vector of the mixed-integer model for columns and people on arcs."""
    parts = [x.astype(float), problem.scale * people if problem.split else (people > 0).astype(float)]
    if problem.nearest:
        need, pool, site, cost = problem._ways
        order = np.lexsort((site[pool], cost, need))[::-1]
        total = np.cumsum(people[order])
        first = np.append(True, need[order][1:] != need[order][:-1])[: len(order)]
        rests = np.empty(len(order))
        rests[order] = total - np.maximum.accumulate(np.where(first, total - people[order], 0.0))
        parts.append(problem.scale * rests)
    return np.concatenate(parts)


def rounded(problem: Allocation, x: Bools, people: Floats) -> Floats:
    """Round people to whole numbers where they are near, and send nobody to a pool that is not open."""
    near = np.rint(people)
    people = np.where(np.abs(people - near) < 1e-5, near, people) if problem.whole else people
    return np.where(problem.open_pools(x)[problem.pool], np.maximum(people, 0.0), 0.0)
