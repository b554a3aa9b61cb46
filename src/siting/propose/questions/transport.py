"""The transportation problem: as many people as can be get a place, and with the least travel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from siting.errors import ProblemError
from siting.messages import Message
from siting.numbers import Bools, Floats, Ints, Ints32
from siting.optimize import highs
from siting.optimize.max_flow import LARGEST, maximum_flow

__all__ = ["Transport", "least_travel"]

#: Parts of a person or place that are counted when amounts are not whole.
PARTS = 1000
#: The travel that a proof may leave open for each person served, in the unit of the cost.
SLACK = 1e-6


@dataclass(frozen=True, eq=False)
class Transport:
    """The largest flow with the least travel, in units of which a person has `parts`; the travel is in people."""

    people: Ints
    places: Ints
    parts: int
    flow: Ints
    scarce: Bools
    travel: float
    bound: float
    status: str

    def in_people(self, units: Ints) -> Ints | Floats:
        """Turn units into people."""
        return units if self.parts == 1 else units / self.parts


def least_travel(
    people: Floats, places: Floats, origin: Ints32, destination: Ints32, cost: Floats, time_limit: float | None
) -> Transport:
    """Serve as many people as can be, with the least travel; see `siting.assign` for the model and its sources."""
    both = np.concatenate([people, places])
    parts = 1 if (both == np.rint(both)).all() else PARTS
    if both.max(initial=0) * parts > LARGEST:
        given = {"amount": both.max(), "most": LARGEST // parts}
        if parts > 1:
            raise ProblemError(Message("question.large_fraction", **given))
        raise ProblemError(Message("question.large_amount", **given))
    people_, places_ = (np.rint(parts * each).astype(np.int64) for each in (people, places))
    filling = maximum_flow(people_, places_, origin, destination)
    flow, short, scarce = filling.flow, filling.short, filling.scarce
    # A largest flow uses no pair between a community that is served whole and a facility that is scarce.
    useful = (short[origin] == scarce[destination]) & (people_[origin] > 0) & (places_[destination] > 0)
    start, stop, way = origin[useful], destination[useful], cost[useful]
    price, status = np.zeros(len(places_)), "optimal"
    if len(start):
        whole, full = ~short[np.unique(start)], scarce[np.unique(stop)]
        solved = _solved(people_, places_, start, stop, way, whole, full, time_limit)
        if solved is None:
            status = "time_limit"
        else:
            flow = np.zeros(len(useful), np.int64)
            flow[useful], price = solved
    price[~scarce] = np.minimum(price[~scarce], 0.0)
    # The best that a community can do at these prices; one that may be left out does nothing rather than lose.
    best = np.full(len(people_), np.inf)
    np.minimum.at(best, start, way - price[stop])
    best[short] = np.minimum(best[short], 0.0)
    bound = float(people_[people_ > 0] @ np.where(np.isinf(best), 0.0, best)[people_ > 0] + places_ @ price)
    travel = float((flow * cost).sum()) / parts
    # The bound comes from sums in another order: rounding may put it above the travel that it proves.
    bound = min(bound / parts, travel)
    if status == "optimal" and travel - bound > SLACK * (float(flow.sum()) / parts):
        status = "feasible"
    return Transport(people_, places_, parts, flow, scarce, travel, bound, status)


def _solved(
    people: Ints, places: Ints, origin: Ints32, destination: Ints32, cost: Floats, whole: Bools, full: Bools,
    time_limit: float | None,
) -> tuple[Ints, Floats] | None:  # fmt: skip
    """Solve for flows and prices of facilities, all of *whole* and *full* ones used; None out of time."""
    rows, row = np.unique(origin, return_inverse=True)
    columns, column = np.unique(destination, return_inverse=True)
    n, height = len(cost), len(rows) + len(columns)
    at = (np.concatenate([row, column + len(rows)]), np.tile(np.arange(n), 2))
    matrix = csr_array((np.ones(2 * n), at), shape=(height, n))
    given = np.concatenate([people[rows], places[columns]])
    equal = np.concatenate([whole, full])
    least, most = np.where(equal, given, -np.inf), given.astype(float)
    programme = highs.Programme(cost, np.zeros(n), np.full(n, np.inf), matrix, least, most, whole=0)
    result = highs.run(programme, time_limit=time_limit, presolve=False)
    if result.status == "time_limit":
        return None
    if result.status != "optimal" or result.x is None or result.duals is None:
        raise RuntimeError(Message("solver.ended", status=result.status))
    flow = np.rint(result.x).astype(np.int64)
    used = matrix @ flow
    if (flow < 0).any() or (used > given).any() or (used[equal] != given[equal]).any():
        raise RuntimeError(Message("solver.wrong_flow"))
    price = np.zeros(len(places))
    price[columns] = result.duals[0][len(rows) :]
    return flow, price
