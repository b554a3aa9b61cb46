"""Capacities: who goes where when places are counted. The pure problem has an engine; the rest is one model."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from siting.errors import ProblemError
from siting.messages import Message
from siting.numbers import Bools, Floats
from siting.optimize import highs
from siting.optimize.capacitated.engine import solve_capacitated
from siting.optimize.capacitated.location import Location, bound_of_location
from siting.optimize.capacitated.problem import CapacitatedProblem, bound_of_prices
from siting.optimize.control import Control
from siting.optimize.max_flow import LARGEST, maximum_flow
from siting.optimize.solution import Solution
from siting.propose.model.allocation import (
    Allocation,
    build_allocation,
    mixed_integer_model,
    people_of,
    vector_of,
)
from siting.propose.model.formulation import Formulation
from siting.propose.model.variables import LARGER, NEW, STAYING
from siting.propose.problem import MaxCoverage, MaxSpacing, MinFarthest
from siting.propose.search.answer import Answer, no_plan, optimal_within
from siting.propose.search.choose_engine import only_counted
from siting.propose.search.first_allocation import first_allocation, simple_bound
from siting.propose.search.placing import interchanged
from siting.propose.search.pruning import without
from siting.propose.search.single_source import SingleSource, single_source_of, solve_single
from siting.propose.search.split_people import SplitPeople, split_people

__all__ = ["CapacitatedAnswer", "search_capacitated"]

#: Seconds, about, to write an arc into the model of the solver and pass it on.
WRITING = 7e-6
#: Seconds, about, for each arc that the solver may take to end.
ENDING = 2.5e-6


@dataclass(frozen=True, eq=False)
class CapacitatedAnswer(Answer):
    """The answer with capacities; *flows* has a row per community, service, phase and open column, and its `arc`."""

    flows: pd.DataFrame | None = None
    allocation: Allocation | None = None
    pure: CapacitatedProblem | None = None
    location: Location | None = None
    single: SingleSource | None = None

    @property
    def proof(self) -> Any:
        """Prices, with a tree where there is one, that prove a bound; None where a solver found the plan."""
        if self.single is not None:
            return getattr(self.found, "tree", None)
        return getattr(self.found, "prices", None) if self.location is None else super().proof

    @property
    def grain(self) -> float:
        """What the objective is a multiple of: whole people, where the engine of capacities found the plan."""
        if self.single is not None:
            return self.single.problem.grain
        return self.location.grain if self.location is not None else 0.0 if self.pure is None else self.pure.grain

    def bound_by(self, proof: Any) -> float:
        """Return the bound that prices give, added up anew."""
        if proof is not None and self.single is not None:
            return self.sense * self.single.bound_by(proof, self.sense * self.value) + 0.0
        if proof is not None and self.location is not None:
            assert self.allocation is not None
            constant = self.allocation.formulation.constant
            return self.sense * (constant - bound_of_location(self.location, proof)) + 0.0
        if proof is None or self.pure is None:
            return math.nan
        try:
            return bound_of_prices(self.pure, proof)
        except ValueError:  # these are no prices
            return math.inf

    def _people(self, x: Bools) -> tuple[Allocation, Floats | None]:
        """People on the arcs: those of the flows; for other columns than those of the answer the best, if any."""
        assert self.allocation is not None
        if self.flows is not None and self.x is not None and np.array_equal(x, self.x):
            return self.allocation, self.allocation.amounts(self.flows)
        return self.allocation, self.allocation.best(x)

    def keeps(self, x: Bools) -> bool:
        """Whether columns and people keep all rules."""
        allocation, people = self._people(x)
        return people is not None and allocation.keeps(x, people)

    def measure(self, x: Bools) -> float:
        """Objective of columns and people."""
        allocation, people = self._people(x)
        return math.nan if people is None else self.sense * allocation.worth(x, people) + 0.0


def search_capacitated(formulation: Formulation, control: Control) -> Answer:
    """Solve a problem with capacities."""
    if isinstance(formulation.objective, (MinFarthest, MaxSpacing)):
        raise ProblemError(Message("problem.not_beside", rule=formulation.objective, other="Capacity"))
    problem = build_allocation(formulation)
    pure = _pure(formulation)
    if pure is not None:
        found: Solution = solve_capacitated(pure, control)
        return _answer(problem, found, None if found.x is None else _allocated(problem, found.x), pure)
    single = single_source_of(problem)
    if single is not None:
        found, people = solve_single(problem, single, control)
        return _answer(problem, found, people, single=single)
    split = split_people(problem) if problem.split and not problem.nearest else None
    if split is not None and (answer := _located(problem, split, control)) is not None:
        return answer
    found, people = _solved(problem, control)
    if found.x is not None and people is not None:  # without new sites and enlargements that nobody needs
        columns, to = formulation.variables, people
        may = np.flatnonzero(found.x & np.isin(columns.kind, (NEW, LARGER)) & (columns.lower == 0))
        x = without(found.x, may, lambda x: problem.keeps(x, to), lambda x: problem.worth(x, to), control)
        found = replace(found, x=x)
    return _answer(problem, found, people)


def _located(problem: Allocation, split: SplitPeople, control: Control) -> Answer | None:
    """Answer by the engine of locations with capacities; None where it finds no plan, which proves nothing."""
    first = None if control.time_limit is None else first_allocation(problem, control)
    if control.seconds_left < WRITING * len(problem.need):
        return None
    found, people = split.solve(control, None if first is None else first[0])
    if people is None:
        return None
    return _answer(problem, replace(found, bound=min(found.bound, simple_bound(problem))), people, None, split.location)


def _answer(
    problem: Allocation, found: Solution, people: Floats | None, pure: CapacitatedProblem | None = None,
    location: Location | None = None, single: SingleSource | None = None,
) -> Answer:  # fmt: skip
    sense = problem.formulation.sense
    if found.x is None or people is None:
        return no_plan(problem.formulation, found.status, found.engine, bound=sense * found.bound + 0.0)
    if not problem.keeps(found.x, people):
        raise RuntimeError(Message("question.solver_broke_rules", engine=found.engine))
    value = problem.worth(found.x, people)
    bound = max(value, found.bound)
    near = abs(bound - value) <= 1e-6 * max(problem.unit, abs(value))
    status = found.status
    if (status == "optimal" and near) or value == bound or optimal_within(value, bound, 0.0):
        status, bound = "optimal", value
    elif status == "optimal":
        status = "feasible"
    on = np.flatnonzero(people > 0)
    flows = problem.of_need[["community", "service", "phase"]].iloc[problem.need[on]].reset_index(drop=True)
    opens = problem.opens.tocoo()
    column = np.full(opens.shape[0], -1)  # which opens each pool
    at = found.x[opens.col]
    column[opens.row[at]] = opens.col[at]
    flows = flows.assign(arc=on, column=column[problem.pool[on]], people=people[on], cost=problem.cost[on])
    value, bound = sense * value + 0.0, sense * bound + 0.0
    return CapacitatedAnswer(
        found.x, value, bound, status, found.engine, found, None, sense, flows, problem, pure, location, single
    )


def _solved(problem: Allocation, control: Control) -> tuple[Solution, Floats | None]:
    """Solve by HiGHS; with a time limit from a plan that needs no solver, and no longer than there is time for."""
    n, constant = len(problem.formulation.variables), problem.formulation.constant
    constrained = not problem.split or problem.nearest  # where a good start saves the solver much
    first = None if control.time_limit is None and not constrained else first_allocation(problem, control)
    if first is not None and constrained:
        first = interchanged(problem, *first, control)
    known = None if first is None else problem.worth(*first)
    top = simple_bound(problem)
    if (ends := control.report("plan", known, top)) or control.seconds_left < WRITING * len(problem.need):
        status = control.status if ends else "time_limit"
        return _known(first, known, top, status), None if first is None else first[1]

    def seconds() -> float | None:
        return None if control.time_limit is None else control.seconds_left - ENDING * len(problem.need)

    outcome = highs.run(
        mixed_integer_model(problem), gap=1e-7,
        start=None if first is None else vector_of(problem, *first),
        time_limit=seconds(),
        stop=lambda value, bound: control.report(
            "HiGHS", constant - value if math.isfinite(value) else known, min(top, constant - bound)
        ),
    )  # fmt: skip
    if outcome.status == "infeasible" and first is None:
        return Solution(None, -math.inf, -math.inf, "infeasible", "HiGHS"), None
    bound = min(top, constant - outcome.bound)
    status = outcome.status if outcome.status == "optimal" else control.status
    if outcome.x is not None:
        x = outcome.x[:n] > 0.5
        late = not problem.split or control.must_stop or control.seconds_left < WRITING * len(problem.need)
        people = None if late else problem.best(x, seconds())
        if people is None:
            people = people_of(problem, x, outcome.x)
        worth = problem.worth(x, people)
        if known is None or (problem.keeps(x, people) and worth >= known):
            return Solution(x, worth, bound, status, "HiGHS", None, outcome.nodes), people
    return _known(first, known, bound, control.status), None if first is None else first[1]


def _known(first: tuple[Bools, Floats] | None, value: float | None, bound: float, status: str) -> Solution:
    """Return the plan known without the solver, or that none is known."""
    if first is None or value is None:
        return Solution(None, -math.inf, bound, status, "HiGHS")
    return Solution(first[0], value, max(value, bound), status, "HiGHS")


def _pure(formulation: Formulation) -> CapacitatedProblem | None:
    """Return the problem for the engine of capacities, where it is no more than that."""
    inputs, columns, rule = formulation.inputs, formulation.variables, formulation.capacity
    assert rule is not None
    objective, model = formulation.objective, formulation.model
    counted = only_counted(model) and not model.rows.toarray()[:, model.lower >= model.upper].any()
    whole = inputs.whole and bool((columns.places == np.rint(columns.places)).all())
    whole = whole and max(inputs.demand.sum(), columns.places.max(initial=0)) <= LARGEST
    simple = (
        isinstance(objective, MaxCoverage) and objective.decay is None and objective.weights is None
        and len(inputs.services) == 1 and len(inputs.years) == 1
        and not formulation.shares and not formulation.closeness
        and bool((columns.kind <= STAYING).all()) and formulation.phase_weight(0) == 1
    )  # fmt: skip
    if not (simple and counted and whole and rule.split and not rule.nearest) or isinstance(rule.least, pd.Series):
        return None
    community, column, _ = formulation.serving(0, 0)
    people = inputs.demand[0, 0]
    inside = people[community] > 0
    at = (community[inside], column[inside])
    cover = csr_array((np.ones(len(at[0])), at), shape=(len(people), len(columns)))
    cover.sort_indices()
    least = None if rule.least is None else np.where(columns.new, np.ceil(float(rule.least)), 0.0)
    return CapacitatedProblem(
        cover=cover, weight=people, capacity=columns.places, value=np.zeros(len(columns)), lower=columns.lower,
        upper=columns.upper, least=least,
        most=None if not len(model.low) else int(model.high[0] - model.lower[columns.new].sum()),
    )  # fmt: skip


def _allocated(problem: Allocation, x: Bools) -> Floats | None:
    """Allocate the people to the open columns: as many as can be; the nearest first where that is as good."""
    if (problem.least @ x.astype(float)).any():
        return problem.best(x)
    open_pool = problem.open_pools(x)
    at = np.flatnonzero(open_pool[problem.pool])
    room = np.rint(problem.room @ x.astype(float)).astype(np.int64)
    pools = np.flatnonzero(open_pool)
    position = np.full(len(room), -1)
    position[pools] = np.arange(len(pools))
    order = at[np.lexsort((problem.cost[at], problem.need[at]))]
    need, pool = problem.need[order].astype(np.int32), position[problem.pool[order]].astype(np.int32)
    people = np.zeros(len(problem.need))
    people[order] = maximum_flow(problem.amount.astype(np.int64), room[pools], need, pool).flow
    return people
