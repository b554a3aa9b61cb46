"""Neighbouring facilities: partners, pairs that could share a building, sites where two services are missing."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real

import numpy as np
import pandas as pd

from siting.errors import ProblemError
from siting.measure.alignment import amounts
from siting.measure.reach import Reach, limited
from siting.messages import Message
from siting.renamed import renamed_keywords

__all__ = ["close_pairs", "could_take_in", "joint_sites", "medical_partners", "neighbours", "uncovered_around"]


def neighbours(reach: Reach, *, limit: float | None = None) -> pd.DataFrame:
    """Find for each place its nearest partner, and count the partners within *limit*.

    Which rural old-age homes are next to a health centre (毗邻)? The plans give no distance, so choose *limit*. In a
    reach from a layer to itself every place is its own partner, at 0: leave these pairs out with `Reach.from_pairs`.

    Parameters
    ----------
    reach
        From places to their possible partners, such as from homes to health centres.
    limit
        The largest distance that is "beside", inclusive, in the unit of *reach*; default: its limit.

    Returns
    -------
    DataFrame
        Index: origins. `partner` (the nearest in *reach*, also beyond *limit*) and `cost`, missing where there is none;
        `partners`, the number within *limit*; `beside`, whether there is one; `unit`. ``attrs``: `limit`, `how`.

    Raises
    ------
    ProblemError
        When *limit* is above that of *reach*, or *reach* holds only the nearest, which cannot be counted.

    Examples
    --------
    >>> table = pd.DataFrame({"origin": ["a", "a", "b"], "destination": ["x", "y", "y"], "cost": [80.0, 400.0, 650.0]})
    >>> reach = Reach.from_pairs(table, origins=["a", "b", "c"], destinations=["x", "y"], limit=1000)
    >>> neighbours(reach, limit=500)[["partner", "cost", "partners", "beside"]].to_dict("list")
    {'partner': ['x', 'y', nan], 'cost': [80.0, 650.0, nan], 'partners': [2, 0, 0], 'beside': [True, False, False]}
    """
    near = limited(_complete(reach), limit)
    first = reach.nearest(1).set_index("origin").reindex(reach.origins)
    count = np.bincount(near.origin, minlength=len(reach.origins))
    columns = {"partner": first["destination"], "cost": first["cost"], "partners": count, "beside": count > 0}
    table = pd.DataFrame({**columns, "unit": reach.unit}, index=reach.origins)
    table.attrs.update(limit=near.limit, unit=reach.unit, how=reach.how)
    return table


@renamed_keywords(beds="capacity")
def medical_partners(reach: Reach, capacity: pd.Series, *, below: float, limit: float | None = None) -> pd.DataFrame:
    """Find the small institutions that lack a medical partner nearby.

    Shijiazhuang requires institutions of fewer than 100 beds to sign an agreement with a medical institution nearby,
    and gives no distance (catalogue row ``shijiazhuang.eldercare.medical_contract_beds``).

    Parameters
    ----------
    reach
        From elder-care institutions to medical institutions.
    capacity, below
        Beds by institution; those with fewer beds than *below* need a partner.
    limit
        The largest distance that is nearby (邻近), inclusive, in the unit of *reach*; default: its limit.

    Returns
    -------
    DataFrame
        `capacity`, the columns and attrs of `neighbours`, `asked` (small) and `lacks` (small, and none `beside`).

    Raises
    ------
    ProblemError
        When an institution has no beds given, *below* is not above 0, or as for `neighbours`.

    Examples
    --------
    >>> table = pd.DataFrame({"origin": ["a"], "destination": ["clinic"], "cost": [300.0]})
    >>> reach = Reach.from_pairs(table, origins=["a", "b", "c"], destinations=["clinic"], limit=1000)
    >>> found = medical_partners(reach, pd.Series({"a": 40, "b": 99, "c": 100}), below=100)
    >>> found.index[found["lacks"]].tolist()
    ['b']
    """
    table = neighbours(reach, limit=limit)
    table.insert(0, "capacity", amounts(capacity, reach.origins, what="capacity"))
    table.attrs["below"] = _positive(below, "below", Message("measure.beds"))
    asked = table["capacity"] < below
    return table.assign(asked=asked, lacks=asked & ~table["beside"])


@renamed_keywords(delta="limit")
def close_pairs(reach: Reach, *, limit: float) -> pd.DataFrame:
    """List the pairs of facilities near enough to share a building, the nearest first.

    Parameters
    ----------
    reach
        From facilities of one service to those of the other, such as from elder care to childcare.
    limit
        The longest distance between two that could merge, inclusive, in the unit of *reach*. No document gives it.

    Returns
    -------
    DataFrame
        A row per pair within *limit*: `origin`, `destination`, `cost`, and `mutual`, whether each is the other's
        nearest; no facility is in two mutual pairs. ``attrs``: `limit`, `unit`, `how`.

    Raises
    ------
    ProblemError
        When *limit* is above that of *reach*, or *reach* holds only the nearest.

    Examples
    --------
    >>> ways = {"origin": ["e1", "e1", "e2"], "destination": ["c1", "c2", "c1"], "cost": [120.0, 300.0, 90.0]}
    >>> reach = Reach.from_pairs(pd.DataFrame(ways), origins=["e1", "e2"], destinations=["c1", "c2"], limit=500)
    >>> close_pairs(reach, limit=200)
      origin destination   cost  mutual
    0     e2          c1   90.0    True
    1     e1          c1  120.0   False
    """
    table = _complete(reach).within(limit).pairs().sort_values("cost", kind="stable", ignore_index=True)
    table = table.assign(mutual=~table.duplicated("origin") & ~table.duplicated("destination"))
    table.attrs.update(limit=float(limit), unit=reach.unit, how=reach.how)
    return table


@renamed_keywords(people="demand")
def uncovered_around(
    to_sites: Reach, to_existing: Reach, demand: pd.Series, *, limit: float | pd.Series | None = None
) -> pd.Series:
    """Add up, around each site, the demand that no existing facility of a service covers.

    For a site ``s``: the sum of ``w(i)`` over the communities ``i`` with ``d(i, s) <= r(i)`` and
    ``min_j d(i, j) > r(i)`` over the existing facilities ``j``.

    Parameters
    ----------
    to_sites, to_existing
        From the same communities to sites, and to the existing facilities of the service.
    demand
        The people whom the service is for, by community.
    limit
        The radius of the service, inclusive; a Series gives each community its own. Without it the limit of both.

    Returns
    -------
    Series
        Demand by site, named like *demand*. ``attrs``: `limit` (least and most of several), `unit`, `how`.

    Raises
    ------
    ProblemError
        When communities, units or limits of the two differ, a weight is missing, or *to_sites* holds only the nearest.

    Examples
    --------
    >>> pair = {"origin": ["a", "b"], "destination": ["s", "s"], "cost": [100.0, 200.0]}
    >>> sites = Reach.from_pairs(pd.DataFrame(pair), origins=["a", "b"], destinations=["s"], limit=300)
    >>> near = pd.DataFrame({"origin": ["a"], "destination": ["x"], "cost": [50.0]})
    >>> existing = Reach.from_pairs(near, origins=["a", "b"], destinations=["x"], limit=300)
    >>> uncovered_around(sites, existing, pd.Series({"a": 30, "b": 20}, name="infants")).to_dict()
    {'s': 20.0}
    """
    _complete(to_sites)
    if len(strange := to_sites.origins.symmetric_difference(to_existing.origins)):
        raise ProblemError(Message("measure.other_communities", ids=strange))
    unit = to_sites.unit
    if unit != to_existing.unit:
        raise ProblemError(Message("measure.units_differ", unit=unit, other=to_existing.unit))
    if limit is None and to_sites.limit != to_existing.limit:
        limits = {"limit": to_sites.limit, "other": to_existing.limit}
        raise ProblemError(Message("measure.limits_differ", **limits, unit=unit))
    near, served = limited(to_sites, limit), limited(to_existing, limit)
    covered = near.origins.isin(served.origins[served.origin])
    lacking = np.where(covered, 0.0, amounts(demand, near.origins, what="demand"))
    sums = np.bincount(near.destination, lacking[near.origin], minlength=len(near.destinations))
    uncovered = pd.Series(sums, index=near.destinations, name=demand.name or "people", dtype=float)
    own = limit.loc[near.origins].astype(float) if isinstance(limit, pd.Series) else None
    radius = near.limit if own is None else (float(own.min()), float(own.max()))
    uncovered.attrs.update(limit=radius, unit=to_sites.unit, how=to_sites.how)
    return uncovered


def joint_sites(lacking: Mapping[str, pd.Series], *, at_least: float = 1.0) -> pd.DataFrame:
    """Rank sites for a joint building (养老和托幼综合体) by the people around who lack its services.

    Parameters
    ----------
    lacking
        For each service: people around each site who lack it, from `uncovered_around`, within its radius.
    at_least
        How many people must lack each service before a site qualifies.

    Returns
    -------
    DataFrame
        Index: sites that qualify first, then by `people`. A column for each service, `people` (their sum) and `joint`,
        whether every service is missing. ``attrs``: `at_least`, `limits` by service.

    Raises
    ------
    ProblemError
        When fewer than two services are given, their sites differ, or *at_least* is not above 0.

    Examples
    --------
    >>> elder, child = pd.Series({"s": 90.0, "t": 400.0, "u": 60.0}), pd.Series({"s": 12.0, "t": 0.0, "u": 50.0})
    >>> joint_sites({"eldercare": elder, "childcare": child})
       eldercare  childcare  people  joint
    u       60.0       50.0   110.0   True
    s       90.0       12.0   102.0   True
    t      400.0        0.0   400.0  False
    """
    if len(lacking) < 2:
        raise ProblemError(Message("measure.two_services", n=len(lacking)))
    if taken := {"people", "joint"} & set(lacking):
        raise ProblemError(Message("measure.service_name", names=sorted(taken)))
    if wrong := [service for service, people in lacking.items() if not isinstance(people, pd.Series)]:
        raise ProblemError(Message("measure.service_series", names=wrong))
    sites = next(iter(lacking.values())).index
    frame = pd.DataFrame(index=sites)
    for service, people in lacking.items():
        if len(strange := people.index.symmetric_difference(sites)):
            raise ProblemError(Message("measure.service_sites", service=service, ids=strange))
        frame[service] = amounts(people, sites, what=service, of="sites")
    joint = (frame >= _positive(at_least, "at_least", Message("measure.people"))).all(axis=1)
    table = _ranked(frame.assign(people=frame.sum(axis=1), joint=joint), "joint")
    limits = {service: people.attrs.get("limit") for service, people in lacking.items()}
    table.attrs = {"at_least": float(at_least), "limits": limits}
    return table


def could_take_in(
    lacking: pd.Series, *, at_least: float = 1.0, room: pd.Series | None = None, needed: float | None = None
) -> pd.DataFrame:
    """Rank the existing centres of one service that could add another one that people around them lack.

    Parameters
    ----------
    lacking
        People around each centre who lack the other service: `uncovered_around` with the centres as sites.
    at_least
        How many people must lack it.
    room, needed
        Idle room of each centre (m², places, …), and how much the other service needs, in the same unit; both or none.

    Returns
    -------
    DataFrame
        Index: centres; `people`, `room` (missing when not given) and `could`. Those that could first, then by `people`,
        then as given. ``attrs``: `at_least`, `needed`, and the `limit` of *lacking*.

    Raises
    ------
    ProblemError
        When one of *room* and *needed* is missing, also for a centre, or *at_least* or *needed* is not above 0.

    Examples
    --------
    >>> lacking, room = pd.Series({"a": 0.0, "b": 25.0, "c": 80.0}), pd.Series({"a": 300, "b": 250, "c": 90})
    >>> found = could_take_in(lacking, room=room, needed=200)
    >>> found.index[found["could"]].tolist()
    ['b']
    """
    if (room is None) != (needed is None):
        raise ProblemError(Message("argument.together", one="room", other="needed").within("could_take_in"))
    if not isinstance(lacking, pd.Series):
        raise ProblemError(Message("argument.series", what="lacking", value=lacking, of="centres"))
    people = amounts(lacking, lacking.index, what="lacking", of="centres")
    could = people >= _positive(at_least, "at_least", Message("measure.people"))
    rooms = pd.Series(np.nan, index=lacking.index)
    if room is not None and needed is not None:
        rooms = amounts(room, lacking.index, what="room", of="centres")
        could &= rooms >= _positive(needed, "needed", Message("measure.unit_of_room"))
    table = _ranked(pd.DataFrame({"people": people, "room": rooms, "could": could}, index=lacking.index), "could")
    table.attrs = {"at_least": float(at_least), "needed": needed, "limit": lacking.attrs.get("limit")}
    return table


def _ranked(table: pd.DataFrame, first: str) -> pd.DataFrame:
    return table.iloc[np.lexsort((-table["people"].to_numpy(float), ~table[first].to_numpy(bool)))]


def _positive(value: float, what: str, of: Message) -> float:
    """Refuse 0, with which every site would qualify, and NaN, with which none would."""
    if not isinstance(value, Real) or not value > 0:
        raise ProblemError(Message("measure.above_zero", what=what, value=value, of=of))
    return float(value)


def _complete(reach: Reach) -> Reach:
    if reach.nearest_only is not None:
        raise ProblemError(Message("reach.nearest_neighbours"))
    return reach
