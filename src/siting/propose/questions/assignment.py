"""`assign`: who goes where when places are counted, and who is left without one."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from siting.errors import ProblemError
from siting.labels import label
from siting.measure import Reach
from siting.measure.alignment import amounts
from siting.measure.take_up import TakeUp, rates_of
from siting.messages import Message
from siting.numbers import Floats, Ints, Ints32, amount, percent
from siting.propose.forwarded_attributes import forwarded
from siting.propose.plan.explain import listed
from siting.propose.questions.transport import Transport, least_travel
from siting.propose.solve import check

__all__ = ["Assignment", "assign"]


@dataclass(frozen=True, eq=False, repr=False)
class Assignment:
    """Who goes where, and who is left without a place. Made by `assign`.

    Attributes
    ----------
    reach, transport
        The pairs that were looked at, and the flow in whole units; the tables follow from the two.
    limit
        Within which cost people go; a Series by community where each has its own.
    seconds
        How long it took.
    take_up
        The share of people who look for a place, where the demand was multiplied by one.
    """

    reach: Reach
    transport: Transport
    limit: float | pd.Series
    seconds: float = 0.0
    take_up: TakeUp | None = None

    #: "time_limit" or "feasible" when as many as possible are served, but the travel is not proven least.
    status = forwarded("transport.status", str, 'Whether the travel is least: "optimal", "time_limit", "feasible".')
    unit = forwarded("reach.unit", str, "Unit of the cost.")
    how = forwarded("reach.how", str, "How the cost was measured.")
    travel = forwarded("transport.travel", float, "Sum of the cost of all served, in person-metres or person-minutes.")
    bound = forwarded("transport.bound", float, "What the travel of no assignment that serves as many can be below.")
    left = forwarded("communities.left", pd.Series, "People without a place by community; `communities` says why.")
    used = forwarded("facilities.used", pd.Series, "Places taken in each facility.")
    free = forwarded("facilities.free", pd.Series, "Places that stay empty in each facility.")

    @cached_property
    def flows(self) -> pd.DataFrame:
        """A row per pair that people go: community `origin`, facility `destination`, `people`, `cost` (of one)."""
        reach, flow = self.reach, self.transport.flow
        at = np.flatnonzero(flow)
        columns = {
            "origin": reach.origins[reach.origin[at]], "destination": reach.destinations[reach.destination[at]],
            "people": self.transport.in_people(flow[at]), "cost": reach.cost[at],
        }  # fmt: skip
        return pd.DataFrame(columns)

    @cached_property
    def communities(self) -> pd.DataFrame:
        """A row per community: `demand`, `served`, `left`, `reason`, `cost` (mean of those served).

        The reason is "beyond" where nothing is in reach, "full" where everything in reach is full, and missing where
        nobody is left; the cost is missing where nobody is served.
        """
        reach, demand, in_people = self.reach, self.transport.people, self.transport.in_people
        served = _sums(reach.origin, self.transport.flow, len(demand))
        left = demand - served
        near = np.isin(np.arange(len(demand)), reach.origin)
        reason = pd.Series(np.where(near, "full", "beyond"), index=reach.origins, dtype=object)
        columns = {
            "demand": in_people(demand), "served": in_people(served), "left": in_people(left),
            "reason": reason.where(left > 0, None), "cost": self._mean_cost(reach.origin, served),
        }  # fmt: skip
        return pd.DataFrame(columns, index=reach.origins)

    @cached_property
    def facilities(self) -> pd.DataFrame:
        """A row per facility: `capacity`, `used`, `free`, `cost` (mean of its people), `scarce`.

        A facility is scarce where one more place would serve one more person.
        """
        reach, places, in_people = self.reach, self.transport.places, self.transport.in_people
        used = _sums(reach.destination, self.transport.flow, len(places))
        columns = {
            "capacity": in_people(places), "used": in_people(used), "free": in_people(places - used),
            "cost": self._mean_cost(reach.destination, used), "scarce": self.transport.scarce,
        }  # fmt: skip
        return pd.DataFrame(columns, index=reach.destinations)

    @property
    def total(self) -> float:
        """All demand."""
        return float(self.transport.people.sum()) / self.transport.parts

    @property
    def served(self) -> float:
        """People who have a place: as many as can."""
        return float(self.transport.flow.sum()) / self.transport.parts

    @property
    def share(self) -> float:
        """Share of the demand that has a place; NaN without demand."""
        return self.served / self.total if self.total else math.nan

    @property
    def mean(self) -> float:
        """Mean cost of those who have a place, in `unit`; NaN when nobody has."""
        return self.travel / self.served if self.served else math.nan

    @cached_property
    def nearest(self) -> float:
        """How many would have a place if everybody went to the nearest facility and turned back where it is full."""
        people, places = self.transport.people, self.transport.places
        communities, first = np.unique(self.reach.origin, return_index=True)
        arrive = _sums(self.reach.destination[first], people[communities], len(places))
        return int(np.minimum(arrive, places).sum()) / self.transport.parts

    def _mean_cost(self, at: Ints32, count: Ints) -> Floats:
        total = np.bincount(at, self.transport.flow * self.reach.cost, len(count))
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)

    def __repr__(self) -> str:
        mean = "" if math.isnan(self.mean) else f", {self.mean:,.1f} {self.unit} on average"
        share = "" if math.isnan(self.share) else f" ({100 * self.share:.1f} %)"
        return f"<Assignment: {self.status}, {amount(self.served)} of {amount(self.total)} have a place{share}{mean}>"

    def explain(self, lang: str = "zh") -> str:
        """Say in words, *lang* "zh" or "en", who has a place, who has none and why, and where places are short."""
        here, there = self.communities, self.facilities
        left = here.groupby("reason")["left"].sum()
        counts = {
            "served": self.served, "total": self.total, "left": self.total - self.served, "nearest": self.nearest,
            "beyond": left.get("beyond", 0), "full": left.get("full", 0),
            "capacity": there["capacity"].sum(), "free": there["free"].sum(),
        }  # fmt: skip
        numbers = {key: amount(count) for key, count in counts.items()} | {
            "share": percent(self.share), "mean": f"{0 if math.isnan(self.mean) else self.mean:,.1f}",
            "unit": label(f"unit.{self.unit}", lang), "within": self._within(lang),
        }  # fmt: skip
        lines = [label(f"assign.status_{self.status}", lang)]
        lines += [] if self.take_up is None else [self.take_up.words(lang)]
        lines += [label(f"assign.{key}", lang, **numbers) for key in ("served", "left", "places", "nearest")]
        worst = here["left"][here["left"] > 0].sort_values(ascending=False, kind="stable")
        each = [label("assign.one", lang, name=i, left=amount(x)) for i, x in worst.items()]
        for key, names in (("communities", each), ("scarce", list(there.index[there["scarce"]]))):
            if names:
                lines.append(label(f"assign.{key}", lang, count=len(names), names=listed(names, lang)))
        return "\n".join(lines)

    def _within(self, lang: str) -> str:
        unit = label(f"unit.{self.unit}", lang)
        if isinstance(self.limit, pd.Series):
            least, most = amount(self.limit.min()), amount(self.limit.max())
            return label("assign.within_own", lang, least=least, most=most, unit=unit)
        if math.isinf(self.limit):
            return label("assign.within_any", lang)
        return label("assign.within", lang, limit=amount(self.limit), unit=unit)


def assign(
    reach: Reach,
    demand: pd.Series,
    capacity: pd.Series,
    *,
    take_up: float | pd.Series | None = None,
    limit: float | pd.Series | None = None,
    time_limit: float | None = None,
) -> Assignment:
    """Give people the places within their reach: as many people as can be, then with the least travel.

    Parameters
    ----------
    reach
        From communities (origins) to facilities (destinations), all pairs within a limit.
    demand
        People who want a place, by community id.
    take_up
        Share of these people who look for a place, above 0 and at most 1: a number, or a Series by community. The
        demand is people times this rate, in thousandths where it is no whole number.
    capacity
        Places, by facility id. Give the free ones only, when those who have a place already are not among the demand.
    limit
        How far people go, in the unit of *reach*; a Series gives each community its own. Without it that of *reach*.
    time_limit
        Seconds after which the travel need not be least; None waits for it. As many as possible are served always.

    Returns
    -------
    Assignment
        People of one community may go to several facilities. Of several assignments that are as good, one is given.

    Raises
    ------
    ProblemError
        When an amount is missing, negative or not a number, or *reach* holds only the nearest destinations.

    Notes
    -----
    With w people, c places, d the cost and x_ij the people of i who go to j: of all x with
    ``sum over j of x_ij <= w_i``, ``sum over i of x_ij <= c_j`` and the largest ``sum of x_ij``, the one with the least
    ``sum of d_ij x_ij``. The largest sum is found as a flow and proven by its cut. The cut says which facilities are
    full and which communities are served whole in every such x; with these as equations the rest is a transportation
    problem [1]_, which HiGHS solves by the dual simplex method. Its corners are whole numbers when w and c are [2]_.
    `Assignment.bound` is worked out from the prices of the places alone and needs no trust in the solver.

    Whole people and places stay whole. Where an amount has a fraction, all are rounded to thousandths.

    References
    ----------
    .. [1] F. L. Hitchcock, "The distribution of a product from several sources to numerous localities", Journal of
       Mathematics and Physics 20, 1941, pp. 224-230.
    .. [2] A. J. Hoffman and J. B. Kruskal, "Integral boundary points of convex polyhedra", in: Linear Inequalities and
       Related Systems, Annals of Mathematics Studies 38, 1956, pp. 223-246.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"origin": list("aab"), "destination": list("xyx"), "cost": [100.0, 250.0, 200.0]})
    >>> reach = Reach.from_pairs(table, origins=list("abc"), destinations=list("xy"), limit=300)
    >>> given = assign(reach, pd.Series({"a": 10, "b": 8, "c": 3}), pd.Series({"x": 12, "y": 5}))
    >>> given
    <Assignment: optimal, 17 of 21 have a place (81.0 %), 185.3 m on average>
    >>> given.flows
      origin destination  people   cost
    0      a           x       5  100.0
    1      a           y       5  250.0
    2      b           x       7  200.0
    >>> given.communities["reason"].dropna().tolist()
    ['full', 'beyond']
    """
    began = time.perf_counter()
    check((), time_limit)
    if reach.nearest_only is not None and reach.nearest_only < len(reach.destinations):
        raise ProblemError(Message("problem.nearest_only", what="reach"))
    if limit is not None:
        reach = reach.rows(limit) if isinstance(limit, pd.Series) else reach.within(limit)
    people = amounts(demand, reach.origins, what="demand").to_numpy(float)
    taken = None
    if take_up is not None:
        rates = rates_of(take_up, reach.origins)
        people, taken = people * rates, TakeUp.of(rates, "", demand.name)
    places = amounts(capacity, reach.destinations, what="capacity", of="destinations").to_numpy(float)
    transport = least_travel(people, places, reach.origin, reach.destination, reach.cost, time_limit)
    own: float | pd.Series = reach.limit
    if isinstance(limit, pd.Series) and len(reach.origins):
        own = limit.loc[reach.origins].astype(float)
        own = float(own.iloc[0]) if own.min() == own.max() else own
    return Assignment(reach, transport, own, time.perf_counter() - began, taken)


def _sums(at: Ints32, amount: Ints, length: int) -> Ints:
    sums = np.zeros(length, np.int64)
    np.add.at(sums, at, amount)
    return sums
