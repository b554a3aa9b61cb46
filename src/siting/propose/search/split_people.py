"""Capacities where people of a community may be split over sites, as a problem of location for its engine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from siting.numbers import Bools, Floats, Ints
from siting.optimize.capacitated.locate import locate
from siting.optimize.capacitated.location import Location
from siting.optimize.capacitated.transport import Transport
from siting.optimize.control import Control
from siting.optimize.solution import Solution
from siting.propose.model.allocation import Allocation
from siting.propose.model.formulation import grain_of
from siting.propose.model.variables import LARGER, NEW

__all__ = ["SplitPeople", "split_people"]

#: Needs × columns up to which the engine is used, which keeps a table of open columns and needs.
MOST = 40_000_000
#: Part of a person that the longest way counts where people are told apart by nothing else.
TIE = 1e-4


@dataclass(frozen=True, eq=False)
class SplitPeople:
    """The problem of location of an allocation, and the arc of each of its pairs."""

    problem: Allocation
    location: Location
    arc: Ints

    def solve(self, control: Control, start: Bools | None) -> tuple[Solution, Floats | None]:
        """Solve; return the answer in the sense of the model, and people on arcs."""
        found = locate(self.location, control, start)
        constant = self.problem.formulation.constant
        value, bound = constant + found.value, constant + found.bound
        people = None if found.x is None else self.people(found.x)
        x = found.x
        if x is not None and people is not None:
            x = self._without_idle(x, people)
            value = self.problem.worth(x, people)
            if found.status == "optimal":
                bound = value
        return Solution(x, value, bound, found.status, found.engine, found.proof, found.nodes), people

    def people(self, x: Bools) -> Floats | None:
        """People on the arcs to open columns, with the best value; of equal ones most people, then the least travel."""
        problem, location = self.problem, self.location
        flat = bool(np.ptp(location.cost.data) == 0) if location.cost.nnz else True
        if flat:
            far = max(1e-12, float(problem.cost.max(initial=0.0)))
            data = TIE * problem.cost[self.arc] / far - 1.0
            cost = csr_array((data, location.cost.indices, location.cost.indptr), shape=location.cost.shape)
            location = Location(**{**vars_of(location), "cost": cost})
        transport = Transport(location, int(x.sum()) + 1)
        for j in np.flatnonzero(x):
            transport.open(int(j))
        need, column, amount = transport.flow()
        size = location.cost.shape[1]
        row = np.repeat(np.arange(location.cost.shape[0]), np.diff(location.cost.indptr))
        key = row * size + location.cost.indices
        people = np.zeros(len(problem.need))
        np.add.at(people, self.arc[np.searchsorted(key, need * size + column)], amount)
        if problem.whole:
            people = np.rint(people)
        return people if problem.keeps(x, people) else problem.best(x)

    def _without_idle(self, x: Bools, people: Floats) -> Bools:
        """Leave out new columns that nobody uses, where rules allow it and it costs nothing."""
        problem, variables = self.problem, self.problem.formulation.variables
        used = np.bincount(problem.pool, people, minlength=problem.room.shape[0]) > 0
        of = problem.opens.tocoo()
        busy = np.zeros(len(x), bool)
        busy[of.col[used[of.row]]] = True
        value = problem.worth(x, people)
        for j in np.flatnonzero(x & ~busy & (variables.kind == NEW) & (self.location.lower == 0)):
            fewer = x.copy()
            fewer[j] = False
            if problem.keeps(fewer, people) and problem.worth(fewer, people) >= value:
                x = fewer
        return x


def vars_of(location: Location) -> dict[str, object]:
    """Return the fields of a problem of location."""
    return {name: getattr(location, name) for name in location.__dataclass_fields__}


def split_people(problem: Allocation) -> SplitPeople | None:
    """Return an allocation as a problem of location, where it is one; None for other problems.

    It is one with one service and one year, no fewest people of a site, and shares that no community counts twice in.
    """
    formulation = problem.formulation
    model, columns = formulation.model, formulation.variables
    amount = problem.amount
    if problem.of_need[["service", "phase"]].drop_duplicates().shape[0] != 1 or (columns.kind == LARGER).any():
        return None
    if problem.least.nnz and problem.least.data.any() or len(amount) * len(columns) > MOST:
        return None
    must, allowed = np.zeros(len(amount), bool), np.ones(len(problem.need), bool)
    for arcs, needs in problem.must:
        must[needs] = True
        allowed &= arcs | ~np.isin(problem.need, needs)
    grouped = _groups(problem, must, allowed)
    if grouped is None:
        return None
    must, group, spare = grouped
    arc = np.flatnonzero(allowed)
    opens = problem.opens.tocsr()
    count = np.diff(opens.indptr)[problem.pool[arc]]
    pair = np.repeat(arc, count)
    offset = np.arange(len(pair)) - np.repeat(np.cumsum(count) - count, count)
    column = opens.indices[opens.indptr[problem.pool[pair]] + offset]
    order = np.lexsort((column, problem.need[pair]))
    pair, column = pair[order], column[order].astype(np.int32)
    start = np.append(0, np.cumsum(np.bincount(problem.need[pair], minlength=len(amount)))).astype(np.int32)
    cost = csr_array((-problem.gain[pair], column, start), shape=(len(amount), len(columns)))
    worth = np.concatenate([problem.gain, formulation.value, [formulation.constant]])
    capacity = np.asarray(problem.room.sum(axis=0), float).ravel()
    if problem.whole:
        capacity = np.floor(capacity + 1e-9)
    location = Location(
        cost, amount.astype(float), must, group, spare, capacity, -np.asarray(formulation.value, float), model.lower,
        model.upper, model.rows, model.low, model.high, grain_of(worth) if problem.whole else 0.0,
    )  # fmt: skip
    return SplitPeople(problem, location, pair)


def _groups(problem: Allocation, must: Bools, allowed: Bools) -> tuple[Bools, Ints, Floats] | None:
    """Needs that must be served, the share that each other need counts in, and who may go without a place in each.

    None where a need counts in two shares, or only on some of its arcs.
    """
    group, spare = np.full(len(problem.amount), -1), []
    for number, wanted in enumerate(problem.formulation.model.wanted.tolist()):
        arcs = np.zeros(len(problem.need), bool)
        arcs[problem.shares.indices[slice(*problem.shares.indptr[number : number + 2])]] = True
        mine = np.zeros(len(problem.amount), bool)
        mine[problem.need[arcs]] = True
        if (mine[problem.need] & ~arcs & allowed).any() or (group[mine] >= 0).any():
            return None
        group[mine] = number
        spare.append(float(problem.amount[mine].sum()) - wanted)
    for number, left in enumerate(spare):
        if left <= 1e-9 * max(1.0, float(problem.amount.sum())):
            if left < -1e-9 * max(1.0, float(problem.amount.sum())):
                return None
            must = must | (group == number)
    group = np.where(must, -1, group)
    kept = [number for number in range(len(spare)) if (group == number).any()]
    return must, np.array([kept.index(each) if each in kept else -1 for each in group.tolist()]), np.array(
        [spare[number] for number in kept]
    )
