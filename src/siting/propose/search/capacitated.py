"""Capacities: who goes where when places are counted. The pure problem has an engine; the rest is one programme."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from siting.errors import ProblemError
from siting.numbers import Bools, Floats, Ints
from siting.optimize import highs
from siting.optimize.control import Control
from siting.optimize.max_flow import LARGEST
from siting.optimize.solution import Solution
from siting.propose.model.allocation import Loads, clean, lay_lanes, programme
from siting.propose.model.formulation import Instance
from siting.propose.model.variables import LARGER, NEW
from siting.propose.problem.objectives import MaxCoverage, MaxSpacing, MinFarthest
from siting.propose.search.dispatch import Answer, optimal_within

if TYPE_CHECKING:
    from siting.optimize.capacitated.problem import CapacitatedProblem

__all__ = ["Loaded", "search_loads"]


@dataclass(frozen=True, eq=False)
class Loaded(Answer):
    """The answer to a problem with capacities.

    Attributes
    ----------
    flows
        A row per community, service, phase and open site: `home`, `column` (positions), `service`, `phase`, `people`,
        `cost`.
    loads
        The problem in numbers.
    """

    flows: pd.DataFrame | None = None
    loads: Loads | None = None
    pure: CapacitatedProblem | None = None

    @property
    def proof(self) -> Any:
        """Prices that prove a bound, where the engine of capacities found the plan."""
        return getattr(self.found, "prices", None)

    @property
    def grain(self) -> float:
        """What the objective is a multiple of: whole people, where the engine of capacities found the plan."""
        return 0.0 if self.pure is None else self.pure.grain

    def bound_by(self, proof: Any) -> float:
        """Return the bound that prices give, added up anew."""
        from siting.optimize.capacitated.problem import bound_of_prices

        return math.nan if proof is None or self.pure is None else bound_of_prices(self.pure, proof)

    def keeps(self, x: Bools) -> bool:
        """Whether columns and flows keep all rules; other columns than those of the answer are asked of the solver."""
        assert self.loads is not None
        if self.x is not None and np.array_equal(x, self.x) and self.flows is not None:
            return self.loads.keeps(x, self.loads.amounts(self.flows))
        return self.loads.best(x) is not None

    def measure(self, x: Bools) -> float:
        """Objective of columns with the best flows."""
        assert self.loads is not None
        if self.x is not None and np.array_equal(x, self.x) and self.flows is not None:
            return self.sense * self.loads.worth(x, self.loads.amounts(self.flows)) + 0.0
        best = self.loads.best(x)
        return math.nan if best is None else self.sense * self.loads.worth(x, best) + 0.0


def search_loads(instance: Instance, control: Control) -> Answer:
    """Solve a problem with capacities.

    Raises
    ------
    ProblemError
        When a site has no places.
    """
    if isinstance(instance.objective, (MinFarthest, MaxSpacing)):
        raise ProblemError(f"{instance.objective} does not go with Capacity; leave one out")
    loads = lay_lanes(instance)
    pure = _pure(instance)
    if pure is not None:
        from siting.optimize.capacitated.engine import solve_capacitated

        found: Solution = solve_capacitated(pure, control)
        x = None if found.x is None else found.x[: len(instance.columns)]
        return _answer(loads, found, None if x is None else _shared_out(loads, x), pure)
    found, people = _solved(loads, control)
    if found.x is not None and people is not None:
        found = replace(found, x=_used(loads, found.x, people))
    return _answer(loads, found, people)


def _used(loads: Loads, x: Bools, people: Floats) -> Bools:
    """Leave out new sites and enlargements that nobody needs."""
    columns = loads.instance.columns
    value = loads.worth(x, people)
    for j in np.flatnonzero(x & np.isin(columns.kind, (NEW, LARGER)) & (columns.lower == 0)):
        fewer = x.copy()
        fewer[j] = False
        if loads.keeps(fewer, people) and loads.worth(fewer, people) >= value:
            x = fewer
    return x


def _answer(loads: Loads, found: Solution, people: Floats | None, pure: CapacitatedProblem | None = None) -> Answer:
    instance = loads.instance
    sense = instance.sense
    if found.x is None or people is None:
        return Answer(None, math.nan, math.nan, found.status, found.engine, None, None, sense)
    if not loads.keeps(found.x, people):
        raise RuntimeError(f"the plan of the engine {found.engine} does not keep the rules; please report this")
    value = loads.worth(found.x, people)
    bound = max(value, found.bound)
    near = abs(bound - value) <= 1e-6 * max(loads.unit, abs(value))
    status = found.status
    if (status == "optimal" and near) or optimal_within(value, bound, 0.0):
        status, bound = "optimal", value
    elif status == "optimal":
        status = "feasible"
    on = np.flatnonzero(people > 0)
    flows = pd.DataFrame(
        {
            "lane": on, "home": loads.of_need["home"].to_numpy()[loads.need[on]],
            "column": _column_of(loads, found.x)[loads.pool[on]],
            "service": loads.of_need["service"].to_numpy()[loads.need[on]],
            "phase": loads.of_need["phase"].to_numpy()[loads.need[on]],
            "people": people[on], "cost": loads.cost[on],
        }
    )  # fmt: skip
    return Loaded(
        found.x, sense * value + 0.0, sense * bound + 0.0, status, found.engine, found, None, sense, flows, loads, pure
    )


def _column_of(loads: Loads, x: Bools) -> Ints:
    """Column that opens each pool; -1 for none."""
    column = np.full(loads.room.shape[0], -1)
    opens = loads.opens
    pool = np.repeat(np.arange(opens.shape[0]), np.diff(opens.indptr))
    at = x[opens.indices]
    column[pool[at]] = opens.indices[at]
    return column


def _solved(loads: Loads, control: Control) -> tuple[Solution, Floats | None]:
    n = len(loads.instance.columns)
    left = None if control.time_limit is None else max(0.01, control.seconds_left)
    constant = loads.instance.constant
    outcome = highs.run(
        programme(loads), gap=1e-7, time_limit=left,
        stop=lambda value, bound: control.report(
            "HiGHS", constant - value if math.isfinite(value) else None, constant - bound
        ),
    )  # fmt: skip
    if outcome.status == "infeasible":
        return Solution(None, -math.inf, -math.inf, "infeasible", "HiGHS"), None
    bound = loads.instance.constant - outcome.bound
    if outcome.x is None:
        return Solution(None, -math.inf, bound, control.status, "HiGHS"), None
    x = outcome.x[:n] > 0.5
    people = loads.best(x)
    if people is None:
        people = clean(loads, x, outcome.x[n:] / loads.scale)
    status = outcome.status if outcome.status == "optimal" else control.status
    return Solution(x, loads.worth(x, people), bound, status, "HiGHS", None, outcome.nodes), people


def _pure(instance: Instance) -> CapacitatedProblem | None:
    """Return the problem for the engine of capacities, where it is no more than that."""
    from siting.optimize.capacitated.problem import CapacitatedProblem

    inputs, columns, rule = instance.inputs, instance.columns, instance.capacity
    assert rule is not None
    objective = instance.objective
    model = instance.model
    row = model.rows.toarray() if model.rows.shape[0] == 1 else None
    free = model.lower < model.upper
    counted = model.rows.shape[0] == 0 or (
        row is not None
        and bool((row[0][free] == 1).all())
        and not np.isfinite(model.low[0])
        and not row[0][~free].any()
    )
    whole = inputs.whole and bool((columns.places == np.rint(columns.places)).all())
    whole = whole and max(inputs.demand.sum(), columns.places.max(initial=0)) <= LARGEST
    simple = (
        isinstance(objective, MaxCoverage) and objective.decay is None and objective.weights is None
        and len(inputs.services) == 1 and len(inputs.years) == 1 and not instance.shares and not instance.closeness
        and bool((columns.kind <= 1).all()) and instance.phase_weight(0) == 1
    )  # fmt: skip
    if not (simple and counted and whole) or isinstance(rule.least, pd.Series):
        return None
    home, column, _ = instance.serving(instance.blocks[0])
    people = inputs.demand[0, 0]
    inside = people[home] > 0
    cover = csr_array((np.ones(int(inside.sum())), (home[inside], column[inside])), shape=(len(people), len(columns)))
    cover.sort_indices()
    least = None if rule.least is None else np.where(columns.new, np.ceil(float(rule.least)), 0.0)
    return CapacitatedProblem(
        cover=cover, weight=people, capacity=columns.places, value=np.zeros(len(columns)), lower=columns.lower,
        upper=columns.upper, least=least,
        most=None if row is None else int(model.high[0] - model.lower[columns.new].sum()),
    )  # fmt: skip


def _shared_out(loads: Loads, x: Bools) -> Floats | None:
    """Share the people out over the open columns: as many as can be; the nearest first where that is as good."""
    floor = loads.least @ x.astype(float)
    open_pool = (loads.opens @ x.astype(float)) > 0
    at = np.flatnonzero(open_pool[loads.pool])
    if floor.any():
        return loads.best(x)
    from siting.optimize.max_flow import maximum_flow

    room = np.rint(loads.room @ x.astype(float)).astype(np.int64)
    pools = np.flatnonzero(open_pool)
    position = np.full(len(room), -1)
    position[pools] = np.arange(len(pools))
    order = at[np.lexsort((loads.cost[at], loads.need[at]))]
    filled = maximum_flow(
        loads.amount.astype(np.int64),
        room[pools],
        loads.need[order].astype(np.int32),
        position[loads.pool[order]].astype(np.int32),
    )
    people = np.zeros(len(loads.need))
    people[order] = filled.flow
    return people
