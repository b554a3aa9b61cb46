"""Capacities with whole communities, for the engine of single-source problems where they are no more than that."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from siting.numbers import Floats, Ints
from siting.optimize.capacitated.single_source import SingleSourceProblem, Tree, bound_of_tree, target_of
from siting.optimize.capacitated.single_source_engine import solve_single_source
from siting.optimize.control import Control
from siting.optimize.solution import Solution, floored
from siting.optimize.sparse_rows import with_data
from siting.propose.model.allocation import Allocation
from siting.propose.model.variables import STAYING
from siting.propose.search.choose_engine import only_counted

__all__ = ["SingleSource", "single_source_of", "solve_single"]

#: Decimals of sums that are looked for.
DECIMALS = 4


@dataclass(frozen=True, eq=False)
class SingleSource:
    """The problem for the engine, and the arc of each of its pairs."""

    problem: SingleSourceProblem
    arc: Ints

    def bound_by(self, tree: Tree, value: float) -> float:
        """Return the bound that a tree proves, at least what shows that no plan is better than one of *value*."""
        grain = self.problem.grain
        return floored(bound_of_tree(self.problem, tree, target_of(value, grain)), grain)


def single_source_of(problem: Allocation) -> SingleSource | None:
    """Return the problem for the engine of single-source problems; None where it has other rules."""
    formulation = problem.formulation
    columns, model, inputs = formulation.variables, formulation.model, formulation.inputs
    pure = (
        not problem.split and not problem.nearest and only_counted(model) and not formulation.shares
        and len(inputs.services) == 1 and len(inputs.years) == 1 and bool((columns.kind <= STAYING).all())
        and not problem.least.data.any() and bool((np.diff(problem.opens.indptr) == 1).all())
    )  # fmt: skip
    if not pure:
        return None
    column = problem.opens.indices[problem.pool]
    must, kept = np.zeros(len(problem.amount), bool), np.ones(len(problem.need), bool)
    for arcs, needs in problem.must:
        must[needs] = True
        kept &= arcs | ~np.isin(problem.need, needs)
    at = np.flatnonzero(kept)
    shape = (len(problem.amount), len(columns))
    table = csr_array((np.arange(1, len(at) + 1), (problem.need[at], column[at])), shape=shape)
    table.sort_indices()
    arc = at[table.data - 1]
    value, most = np.asarray(formulation.value, float), None
    if len(model.low):
        most = int(np.floor(model.high[0] - (model.rows @ model.lower)[0] + 1e-9))
    worth, grain = _rounded(problem.gain[arc] * problem.amount[problem.need[arc]], value, formulation.constant)
    room = np.zeros(shape[1])
    np.add.at(room, problem.room.indices, problem.room.data)
    made = SingleSourceProblem(
        benefit=with_data(table, worth), weight=problem.amount, capacity=room,
        value=value, lower=model.lower, upper=model.upper, must=must, most=most, grain=grain,
        constant=formulation.constant,
    )  # fmt: skip
    return SingleSource(made, arc)


def _rounded(worth: Floats, value: Floats, constant: float) -> tuple[Floats, float]:
    """Return products without their rounding error, and what all sums are multiples of; 0 where there is none."""
    values = np.append(value, constant)
    for decimals in range(DECIMALS):
        scale = 10.0**decimals
        near = np.rint(worth * scale) / scale
        whole = np.abs(values * scale - np.rint(values * scale)) <= 1e-12 * np.abs(values * scale)
        if whole.all() and (np.abs(worth - near) <= 1e-12 * np.abs(worth)).all():
            return near, 1.0 / scale
    return worth, 0.0


def solve_single(problem: Allocation, single: SingleSource, control: Control) -> tuple[Solution, Floats | None]:
    """Solve by the engine of single-source problems; return the people on arcs, too."""
    found = solve_single_source(single.problem, control)
    if found.x is None or found.pairs is None:
        return found, None
    people = np.zeros(len(problem.need))
    on = found.pairs >= 0
    people[single.arc[found.pairs[on]]] = problem.amount[on]
    return found, people
