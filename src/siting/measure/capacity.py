"""`utilisation`: how full facilities are; `idle_nearby`: idle places within reach of people who lack one."""

from __future__ import annotations

import math
from numbers import Real

import numpy as np
import pandas as pd

from siting.errors import ProblemError
from siting.measure.alignment import amounts, groups, unique_ids
from siting.measure.reach import Reach
from siting.messages import Message
from siting.numbers import Floats
from siting.optimize.max_flow import maximum_flow
from siting.renamed import renamed_keywords

__all__ = ["idle_nearby", "utilisation"]

#: The flow is counted in whole units, so many for all that is short.
UNITS = 2.0**30
#: Sums of whole numbers below this are exact as floats.
EXACT = 2.0**53
#: Rounding tolerance of a shortage, as a share of what is needed.
NOTHING = 1e-12


def utilisation(
    facilities: pd.DataFrame, *, used: str | pd.Series, capacity: str | pd.Series, by: str | pd.Series | None = None
) -> pd.DataFrame:
    """Measure how full facilities are, and how many places are idle.

    With ``u`` people in a facility of ``c`` places, ``share = sum of u / sum of c``, ``idle = sum of max(0, c - u)``
    and ``excess = sum of max(0, u - c)``: idle places of one facility do not offset the excess of another.

    Parameters
    ----------
    facilities
        A row per facility, its id as the index.
    used, capacity
        People in each (`enrolled`, `occupied`), its places (`places`, `beds`): a column, or a Series by facility id.
    by
        A group for each facility, such as its district: a column, or a Series by facility id; "all" without it.

    Returns
    -------
    DataFrame
        Index `group`. Columns: `facilities`, `capacity`, `used`, `share` (NaN without places), `idle`, `over` (number
        of over-full facilities) and `excess` (people above the places there).

    Raises
    ------
    ProblemError
        When a column is absent, an amount missing, negative or not a number, or a facility has no group.

    Examples
    --------
    >>> homes = pd.DataFrame({"beds": [40, 60, 20], "occupied": [44, 18, 10]}, index=["x", "y", "z"])
    >>> homes["town"] = ["n", "s", "s"]
    >>> utilisation(homes, used="occupied", capacity="beds", by="town")[["share", "idle", "over", "excess"]]
           share  idle  over  excess
    group
    n       1.10     0     1       4
    s       0.35    52     0       0
    """
    ids = unique_ids(facilities.index, "facilities")
    people, places = _amounts(facilities, used, "used"), _amounts(facilities, capacity, "capacity")
    labels = groups(None if by is None else _column(facilities, by, "by"), ids, "facilities")
    idle, excess, over = (places - people).clip(lower=0), (people - places).clip(lower=0), (people > places).astype(int)
    columns = {"facilities": 1, "capacity": places, "used": people, "idle": idle, "over": over, "excess": excess}
    sums = pd.DataFrame(columns, index=ids).groupby(labels, sort=True, observed=True).sum()
    sums.insert(3, "share", sums["used"] / sums["capacity"].where(sums["capacity"] > 0))
    return sums.rename_axis("group")


@renamed_keywords(rate="per_1000")
def idle_nearby(
    reach: Reach,
    demand: pd.Series,
    *,
    used: pd.Series,
    capacity: pd.Series,
    per_1000: float,
    by: pd.Series | None = None,
) -> pd.DataFrame:
    """Find where people lack places at a given rate, and how many idle places they reach.

    Layers do not record who uses which facility. The u_j users of facility j, at most its places c_j, are shared among
    the communities i that reach it in proportion to their demand w_i, as in floating catchments [1]_: ``h_i = sum over
    j of min(u_j, c_j) * w_i / (sum of w over all that reach j)``. Then ``needed_i = per_1000 * w_i / 1000``,
    ``shortage_i = max(0, needed_i - h_i)`` and ``idle_j = max(0, c_j - u_j)``. `takes_idle` is the maximum flow from
    the shortages of an area alone to the idle places in *reach*. Users above the places of a facility, and users of
    facilities outside *reach*, count as lacking a place: leave them out of *demand* where they are known.

    Parameters
    ----------
    reach
        From communities to the facilities that are open to them (see `open_to_all`).
    demand
        People by community id, of the base of the rate: residents, elderly, children under 3.
    used, capacity
        People in each facility, and its places, by facility id.
    per_1000
        Places needed per 1000 of *demand*, such as 4.5.
    by
        An area for each community, such as its district. Without it every community is its own.

    Returns
    -------
    DataFrame
        A row per community or area. Index: the origins, or `group`. Columns:

        - `demand`, and `needed` = per_1000 / 1000 * demand, not rounded;
        - `facilities`, `capacity`, `used`, `idle`: of the facilities reached from there. Neighbouring rows share
          facilities: do not add these columns up;
        - `shortage`: places missing there, in addition to those in use;
        - `takes_idle`: how many of these idle places in reach could fill, each place once;
        - `shortage_left` = shortage - takes_idle: the new places needed even if every idle one is used.

        ``attrs``: `per_1000`, `limit`, `unit`, `how`.

    Raises
    ------
    ProblemError
        When an amount is missing or negative, the rate not above 0, an area missing, or *reach* holds only the nearest.

    References
    ----------
    .. [1] W. Luo and F. Wang, "Measures of spatial accessibility to health care in a GIS environment", Environment and
       Planning B 30 (6), 2003, pp. 865-884.

    Examples
    --------
    >>> table = pd.DataFrame({"origin": ["a", "b"], "destination": ["x", "y"], "cost": [100.0, 200.0]})
    >>> reach = Reach.from_pairs(table, origins=list("abc"), destinations=list("xy"), limit=300)
    >>> people = pd.Series({"a": 10_000, "b": 4_000, "c": 1_000})
    >>> used, places = pd.Series({"x": 30, "y": 8}), pd.Series({"x": 40, "y": 30})
    >>> found = idle_nearby(reach, people, used=used, capacity=places, per_1000=4.5)
    >>> found[["needed", "idle", "shortage", "takes_idle", "shortage_left"]]
       needed  idle  shortage  takes_idle  shortage_left
    a    45.0  10.0      15.0        10.0            5.0
    b    18.0  22.0      10.0        10.0            0.0
    c     4.5   0.0       4.5         0.0            4.5
    """
    if reach.nearest_only is not None:
        raise ProblemError(Message("reach.nearest_idle"))
    if not isinstance(per_1000, Real) or isinstance(per_1000, bool) or not 0 < per_1000 < math.inf:
        raise ProblemError(Message("measure.per_1000", value=per_1000))
    people = amounts(demand, reach.origins, what="demand").to_numpy(float)
    users = amounts(used, reach.destinations, what="used", of="destinations").to_numpy(float)
    places = amounts(capacity, reach.destinations, what="capacity", of="destinations").to_numpy(float)
    needed = people * float(per_1000) / 1000
    around = np.bincount(reach.destination, people[reach.origin], len(users))
    share = np.divide(np.minimum(users, places), around, out=np.zeros(len(users)), where=around > 0)
    served = people * np.bincount(reach.origin, share[reach.destination], len(people))
    short = np.maximum(0.0, needed - served)
    short[short <= NOTHING * needed] = 0.0
    idle = np.maximum(0.0, places - users)
    area, names = np.arange(len(people)), reach.origins
    if by is not None:
        area, names = pd.factorize(groups(by, reach.origins).astype(object), sort=True)
    n = len(names)
    # A copy of each facility for each area that reaches it, so that a place counts once in an area.
    near = pd.DataFrame({"area": area[reach.origin], "facility": reach.destination})
    copies = near.drop_duplicates(ignore_index=True)
    of, facility = copies["area"].to_numpy(), copies["facility"].to_numpy()
    shortage, total_idle = np.bincount(area, short, n), np.bincount(of, idle[facility], n)
    most = taken = np.minimum(shortage, total_idle)
    if by is not None:
        each, unit = _taken(reach, short, idle, near, copies)
        # Each amount of the flow is up to half a unit off, and so is each that is brought back to its shortage.
        tolerance = unit * (np.bincount(area, minlength=n) + np.bincount(of, minlength=n))
        taken = np.bincount(area, each, n)
        taken = np.where(most - taken <= tolerance, most, taken)
    columns = {
        "demand": np.bincount(area, people, n),
        "needed": np.bincount(area, needed, n),
        "facilities": np.bincount(of, minlength=n),
        "capacity": np.bincount(of, places[facility], n),
        "used": np.bincount(of, users[facility], n),
        "idle": total_idle,
        "shortage": shortage,
        "takes_idle": taken,
        "shortage_left": np.maximum(0.0, shortage - taken),
    }
    result = pd.DataFrame(columns, index=names if by is None else pd.Index(names, name="group"))
    result.attrs.update(per_1000=float(per_1000), limit=reach.limit, unit=reach.unit, how=reach.how)
    return result


def _taken(reach: Reach, short: Floats, idle: Floats, near: pd.DataFrame, copies: pd.DataFrame) -> tuple[Floats, float]:
    """Return how much of each community's shortage idle places in its reach and area can take, and the flow's unit."""
    total = short.sum()
    if not total > 0:
        return np.zeros(len(short)), 0.0
    scale = 2.0 ** math.floor(math.log2(UNITS / total))
    copy = near.merge(copies.reset_index(names="copy"), how="left")["copy"].to_numpy(np.int32)
    room = np.minimum(idle, total)[copies["facility"].to_numpy()]
    amount, space = (np.rint(scale * x).astype(np.int64) for x in (short, room))
    flow = maximum_flow(amount, space, reach.origin, copy).flow
    return np.minimum(short, np.bincount(reach.origin, flow, len(short)) / scale), 1 / scale


def _column(frame: pd.DataFrame, name: str | pd.Series, what: str) -> pd.Series:
    if isinstance(name, pd.Series):
        return name
    if not isinstance(name, str) or name not in frame:
        raise ProblemError(Message("measure.facility_column", what=what, value=name, columns=frame.columns))
    return frame[name]


def _amounts(frame: pd.DataFrame, name: str | pd.Series, what: str) -> pd.Series:
    numbers = amounts(_column(frame, name, what), frame.index, what=what, of="facilities")
    return numbers.astype(np.int64) if (numbers == numbers.round()).all() and numbers.sum() < EXACT else numbers
