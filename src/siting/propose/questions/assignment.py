"""`assign`: who goes where when places are counted, and who is left without one."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from siting.errors import ProblemError
from siting.labels import label
from siting.measure import Reach
from siting.measure.coverage import amounts
from siting.numbers import Bools, Floats, Ints, Ints32
from siting.optimize import highs
from siting.optimize.max_flow import LARGEST, MaximumFlow, maximum_flow
from siting.propose.solve import check

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["Assignment", "assign"]

#: Parts of a person or place that are told apart when amounts are not whole.
PARTS = 1000
#: The travel that a proof may leave open for each person served, in the unit of the reach.
SLACK = 1e-6
#: How many ids `Assignment.explain` names.
NAMED = 20


@dataclass(frozen=True, eq=False, repr=False)
class Assignment:
    """Who goes where, and who is left without a place. Made by `assign`.

    Attributes
    ----------
    flows
        A row per community and facility that it sends people to: `origin`, `destination`, `people`, `cost` (of one).
    communities
        A row per community: `demand`, `served`, `left`, `reason` ("beyond": nothing is in reach; "full": everything in
        reach is full; missing where nobody is left) and `cost` (mean of those served; missing where nobody is).
    facilities
        A row per facility: `capacity`, `used`, `free`, `cost` (mean of its people) and `scarce` (True where one more
        place would serve one more person).
    total, served, share
        All demand; those who have a place, as many as can; and their share (NaN without demand).
    nearest
        How many would have a place if everybody went to the nearest facility and turned back where it is full.
    travel
        Sum of the cost of all served, in person-metres or person-minutes.
    bound
        What the travel of no assignment that serves as many can be below.
    status
        "optimal"; "time_limit" or "feasible" when as many as possible are served, but the travel is not proven least.
    seconds
        How long it took.
    limit, unit, how
        Within which cost people go (a Series by community where each has its own), and how it was measured.
    """

    flows: pd.DataFrame
    communities: pd.DataFrame
    facilities: pd.DataFrame
    total: float
    served: float
    nearest: float
    travel: float
    bound: float
    status: str
    limit: float | pd.Series
    unit: str
    how: str = ""
    seconds: float = 0.0

    @property
    def share(self) -> float:
        """Share of the demand that has a place; NaN without demand."""
        return self.served / self.total if self.total else math.nan

    @property
    def mean(self) -> float:
        """Mean cost of those who have a place, in `unit`; NaN when nobody has."""
        return self.travel / self.served if self.served else math.nan

    @property
    def left(self) -> pd.Series:
        """People without a place in each community, 0 included; `communities` has the reason."""
        return self.communities["left"]

    @property
    def used(self) -> pd.Series:
        """Places taken in each facility."""
        return self.facilities["used"]

    @property
    def free(self) -> pd.Series:
        """Places that stay empty in each facility."""
        return self.facilities["free"]

    def __repr__(self) -> str:
        mean = "" if math.isnan(self.mean) else f", {self.mean:,.1f} {self.unit} on average"
        share = "" if math.isnan(self.share) else f" ({100 * self.share:.1f} %)"
        return f"<Assignment: {self.status}, {_amount(self.served)} of {_amount(self.total)} have a place{share}{mean}>"

    def explain(self, lang: str = "zh") -> str:
        """Say in words who has a place, who has none and why, and where places are short or stay free.

        Parameters
        ----------
        lang
            "zh" or "en".
        """
        here, there = self.communities, self.facilities
        left = here.groupby("reason")["left"].sum()
        numbers: dict[str, object] = {
            "served": _amount(self.served),
            "total": _amount(self.total),
            "share": _percent(self.share),
            "mean": f"{0 if math.isnan(self.mean) else self.mean:,.1f}",
            "unit": label(f"unit.{self.unit}", lang),
            "within": self._within(lang),
            "left": _amount(self.total - self.served),
            "beyond": _amount(left.get("beyond", 0)),
            "full": _amount(left.get("full", 0)),
            "capacity": _amount(there["capacity"].sum()),
            "free": _amount(there["free"].sum()),
            "nearest": _amount(self.nearest),
        }
        lines = [label(f"assign.status_{self.status}", lang)]
        lines += [label(f"assign.{key}", lang, **numbers) for key in ("served", "left", "places", "nearest")]
        worst = here["left"][here["left"] > 0].sort_values(ascending=False, kind="stable")
        if len(worst):
            names = [label("assign.one", lang, name=i, left=_amount(x)) for i, x in worst.iloc[:NAMED].items()]
            lines.append(label("assign.communities", lang, count=len(worst), names=_listed(names, len(worst), lang)))
        scarce = there.index[there["scarce"]]
        if len(scarce):
            names = [str(i) for i in scarce[:NAMED]]
            lines.append(label("assign.scarce", lang, count=len(scarce), names=_listed(names, len(scarce), lang)))
        return "\n".join(lines)

    def _within(self, lang: str) -> str:
        unit = label(f"unit.{self.unit}", lang)
        if isinstance(self.limit, pd.Series):
            least, most = (_amount(float(limit)) for limit in (self.limit.min(), self.limit.max()))
            return label("assign.within_own", lang, least=least, most=most, unit=unit)
        if math.isinf(self.limit):
            return label("assign.within_any", lang)
        return label("assign.within", lang, limit=_amount(self.limit), unit=unit)


def _amount(number: float) -> str:
    return f"{number:,.10g}"


def _percent(share: float) -> str:
    return "—" if math.isnan(share) else f"{100 * share:.1f} %"


def _listed(names: list[str], count: int, lang: str) -> str:
    return label("list.comma", lang).join(names) + " …" * (count > len(names))


def assign(
    reach: Reach,
    demand: pd.Series,
    capacity: pd.Series,
    *,
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
    capacity
        Places, by facility id. Give the free ones only, when those who have a place already are not among the demand.
    limit
        How far people go, in the unit of *reach*; a Series gives each community its own. Without it the limit of
        *reach*.
    time_limit
        Seconds after which the travel need not be least; None waits for it. As many as possible are served always.

    Returns
    -------
    Assignment
        People of one community may go to several facilities. Of several assignments that are as good, one is given.

    Raises
    ------
    ProblemError
        When an amount is missing, negative or not a number, or *reach* holds only some, the nearest, of the
        destinations.

    Notes
    -----
    With w people, c places, d the cost and x_ij the people of i who go to j: of all x with
    ``sum over j of x_ij <= w_i``, ``sum over i of x_ij <= c_j`` and the largest ``sum of x_ij``, the one with the least
    ``sum of d_ij x_ij``. The largest sum is found as a flow and proven by its cut. The cut says which facilities are
    full and which communities are served whole in every such x; with these as equations the rest is a transportation
    problem [1]_, which HiGHS solves by the dual simplex method. Its corners are whole numbers when w and c are [2]_.
    `Assignment.bound` is worked out from the prices of the places alone and needs no trust in the solver.

    Whole people and places stay whole. Where an amount has a fraction, all are counted in thousandths, to which they
    are rounded.

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
    >>> found = assign(reach, pd.Series({"a": 10, "b": 8, "c": 3}), pd.Series({"x": 12, "y": 5}))
    >>> found
    <Assignment: optimal, 17 of 21 have a place (81.0 %), 185.3 m on average>
    >>> found.flows
      origin destination  people   cost
    0      a           x       5  100.0
    1      a           y       5  250.0
    2      b           x       7  200.0
    >>> found.communities["reason"].dropna().tolist()
    ['full', 'beyond']
    """
    began = time.perf_counter()
    check((), time_limit)
    if reach.nearest_only is not None and reach.nearest_only < len(reach.destinations):
        raise ProblemError("assign needs all pairs within a limit; call travel with metres or minutes")
    if limit is not None:
        reach = reach.rows(limit) if isinstance(limit, pd.Series) else reach.within(float(limit))
    people, places, parts = _counted(
        amounts(demand, reach.origins, what="demand").to_numpy(float),
        amounts(capacity, reach.destinations, what="capacity", of="destinations").to_numpy(float),
    )
    filling = maximum_flow(people, places, reach.origin, reach.destination)
    flow, bound, status = _least(reach, people, places, filling, time_limit)
    found = _told(reach, people, places, filling, flow, parts)
    # The bound comes from sums in another order: it may lie a last bit above the travel that it proves.
    bound = min(bound / parts, found.travel)
    if status == "optimal" and found.travel - bound > SLACK * found.served:
        status = "feasible"
    own = found.limit
    if isinstance(limit, pd.Series) and len(reach.origins):
        own = limit.loc[reach.origins].astype(float)
        own = float(own.iloc[0]) if own.min() == own.max() else own
    return replace(found, limit=own, bound=bound, status=status, seconds=time.perf_counter() - began)


def _counted(people: Floats, places: Floats) -> tuple[Ints, Ints, int]:
    """Bring the amounts to whole numbers: of persons, or of `PARTS` of a person where one has a fraction."""
    both = np.concatenate([people, places])
    parts = 1 if (both == np.rint(both)).all() else PARTS
    if both.max(initial=0) * parts > LARGEST:
        raise ProblemError(
            f"the largest amount is {_amount(both.max())}; assign counts up to {LARGEST // parts:,}"
            + ("" if parts == 1 else ", because some amounts have a fraction: round them")
        )
    return np.rint(parts * people).astype(np.int64), np.rint(parts * places).astype(np.int64), parts


def _least(
    reach: Reach, people: Ints, places: Ints, filling: MaximumFlow, time_limit: float | None
) -> tuple[Ints, float, str]:
    """Return the flow with the least travel among the largest ones, a bound of its travel, and the status."""
    short, scarce = filling.short, filling.scarce
    # A largest flow uses no pair between a community that is served whole and a facility that is scarce.
    useful = (short[reach.origin] == scarce[reach.destination]) & (people[reach.origin] > 0)
    at = np.flatnonzero(useful & (places[reach.destination] > 0))
    origin, destination, cost = reach.origin[at], reach.destination[at], reach.cost[at]
    flow, price, status = filling.flow, np.zeros(len(places)), "optimal"
    if len(at):
        whole, full = ~short[np.unique(origin)], scarce[np.unique(destination)]
        solved = _transport(people, places, origin, destination, cost, whole, full, time_limit)
        if solved is None:
            status = "time_limit"
        else:
            flow = np.zeros(len(reach), np.int64)
            flow[at], price = solved
    price[~scarce] = np.minimum(price[~scarce], 0.0)
    # The best that a community can do at these prices; one that may be left out does nothing rather than lose.
    best = np.full(len(people), np.inf)
    np.minimum.at(best, origin, cost - price[destination])
    best[short] = np.minimum(best[short], 0.0)
    bound = float(people[people > 0] @ np.where(np.isinf(best), 0.0, best)[people > 0] + places @ price)
    return flow, bound, status


def _transport(
    people: Ints,
    places: Ints,
    origin: Ints32,
    destination: Ints32,
    cost: Floats,
    whole: Bools,
    full: Bools,
    time_limit: float | None,
) -> tuple[Ints, Floats] | None:
    """Solve the transportation problem: a flow for each pair and a price for each facility; None out of time.

    *whole* and *full* tell, for each community and facility in a pair, whether all of it is to be used.
    """
    rows, row = np.unique(origin, return_inverse=True)
    columns, column = np.unique(destination, return_inverse=True)
    matrix = _incidence(row, column + len(rows), len(rows) + len(columns))
    amount = np.concatenate([people[rows], places[columns]])
    equal = np.concatenate([whole, full])
    programme = highs.Programme(
        cost=cost,
        lower=np.zeros(len(cost)),
        upper=np.full(len(cost), np.inf),
        matrix=matrix,
        row_lower=np.where(equal, amount, -np.inf),
        row_upper=amount.astype(float),
        whole=0,
    )
    result = highs.run(programme, time_limit=time_limit, presolve=False)
    if result.status == "time_limit":
        return None
    if result.status != "optimal" or result.x is None or result.duals is None:
        raise RuntimeError(f"the solver ended with: {result.status}")
    flow = np.rint(result.x).astype(np.int64)
    used = matrix @ flow
    if (flow < 0).any() or (used > amount).any() or (used[equal] != amount[equal]).any():
        raise RuntimeError("the solver's flow does not add up in whole numbers")
    price = np.zeros(len(places))
    price[columns] = result.duals[0][len(rows) :]
    return flow, price


def _incidence(first: Ints, second: Ints, rows: int) -> csr_array:
    """Return the matrix with a column per pair, 1 in its two rows."""
    from scipy.sparse import csr_array

    n = len(first)
    return csr_array((np.ones(2 * n), (np.concatenate([first, second]), np.tile(np.arange(n), 2))), shape=(rows, n))


def _told(reach: Reach, people: Ints, places: Ints, filling: MaximumFlow, flow: Ints, parts: int) -> Assignment:
    """Put a flow into tables, in people."""
    n, m = len(people), len(places)
    way = flow * reach.cost
    sent, got = _sums(reach.origin, flow, n), _sums(reach.destination, flow, m)
    left = people - sent
    reached = np.zeros(n, bool)
    reached[reach.origin] = True
    reason = pd.Series(np.where(reached, "full", "beyond"), index=reach.origins, dtype=object)
    communities = pd.DataFrame(
        {
            "demand": _people(people, parts),
            "served": _people(sent, parts),
            "left": _people(left, parts),
            "reason": reason.where(left > 0, None),
            "cost": _mean(np.bincount(reach.origin, way, n), sent),
        },
        index=reach.origins,
    )
    facilities = pd.DataFrame(
        {
            "capacity": _people(places, parts),
            "used": _people(got, parts),
            "free": _people(places - got, parts),
            "cost": _mean(np.bincount(reach.destination, way, m), got),
            "scarce": filling.scarce,
        },
        index=reach.destinations,
    )
    some_go = np.flatnonzero(flow)
    flows = pd.DataFrame(
        {
            "origin": reach.origins[reach.origin[some_go]],
            "destination": reach.destinations[reach.destination[some_go]],
            "people": _people(flow[some_go], parts),
            "cost": reach.cost[some_go],
        }
    )
    return Assignment(
        flows=flows,
        communities=communities,
        facilities=facilities,
        total=float(people.sum()) / parts,
        served=float(flow.sum()) / parts,
        nearest=_nearest(reach, people, places) / parts,
        travel=float(way.sum()) / parts,
        bound=math.nan,
        status="",
        limit=reach.limit,
        unit=reach.unit,
        how=reach.how,
    )


def _sums(at: Ints32, amount: Ints, length: int) -> Ints:
    found = np.zeros(length, np.int64)
    np.add.at(found, at, amount)
    return found


def _people(amount: Ints, parts: int) -> Ints | Floats:
    return amount if parts == 1 else amount / parts


def _mean(total: npt.NDArray[Any], count: Ints) -> Floats:
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _nearest(reach: Reach, people: Ints, places: Ints) -> int:
    """Count who has a place when everybody tries the nearest facility only."""
    rows, first = np.unique(reach.origin, return_index=True)
    arrive = _sums(reach.destination[first], people[rows], len(places))
    return int(np.minimum(arrive, places).sum())
