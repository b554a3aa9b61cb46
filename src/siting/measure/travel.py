"""`travel`: distances along the streets, and `straight_line` to compare."""

from __future__ import annotations

import logging
import math
from numbers import Real

import geopandas as gpd
import numpy as np
import shapely

from siting.data import metric_crs
from siting.errors import NetworkError, ProblemError
from siting.measure.reach import Reach, Unit, _ids
from siting.network import Network, Places, Walk, search
from siting.network.places import spots

__all__ = ["straight_line", "travel"]

log = logging.getLogger(__name__)


def travel(
    network: Network,
    origins: gpd.GeoDataFrame | Places,
    destinations: gpd.GeoDataFrame | Places,
    *,
    metres: float | None = None,
    minutes: float | None = None,
    walk: Walk | None = None,
    nearest: int | None = None,
    max_snap: float = 250.0,
) -> Reach:
    """Walk from origins to destinations along the streets.

    Each place is on the nearest point of the nearest street; the straight way from the door to the street counts. Paths
    are exact to the millimetre.

    Parameters
    ----------
    network
        The streets.
    origins, destinations
        Layers of points or polygons, or places located before by `Network.locate`.
    metres
        The longest path, inclusive. Give this or *minutes*, or *nearest* alone.
    minutes
        The longest walk; costs are then minutes at *walk*'s speed.
    walk
        Who walks; `Walk.adult` when not given and minutes are asked for.
    nearest
        Keep only so many nearest destinations of each origin.
    max_snap
        Longest way from a place to a street, metres; farther places are reached by nothing.

    Returns
    -------
    Reach
        In metres, or in minutes when *minutes* were given.

    Raises
    ------
    ProblemError
        When the limit is absent, given twice, or implausible (below 10 m or half a minute).
    LayerError
        When a layer has no CRS or an empty geometry.
    NetworkError
        When ids are not unique, or places were located on another network.

    Examples
    --------
    >>> import siting as st
    >>> town = st.load_sample()
    >>> net = st.Network.from_streets(town["streets"])
    >>> reach = st.travel(net, town["communities"], town["childcare"], metres=800)
    >>> reach.unit, reach.limit
    ('m', 800.0)
    """
    limit_mm, unit, speed, walker = _limit(metres, minutes, walk, nearest)
    start = _located(network, origins, max_snap)
    stop = _located(network, destinations, max_snap)
    if nearest is None:
        origin, destination, cost = search.within(network, start, stop, limit_mm)
    else:
        origin, destination, cost = search.nearest(network, start, stop, nearest, limit_mm)
    limit = minutes if minutes is not None else metres
    how = f"streets, {walker}, {speed:g} m/min" if unit == "min" else "streets"
    return Reach(
        origins=start.ids,
        destinations=stop.ids,
        origin=origin,
        destination=destination,
        cost=cost / 1000.0 / (speed if unit == "min" else 1.0),
        limit=math.inf if limit is None else float(limit),
        unit=unit,
        nearest_only=nearest,
        how=how,
    )


def _limit(
    metres: float | None, minutes: float | None, walk: Walk | None, nearest: int | None
) -> tuple[int, Unit, float, str]:
    """Turn what was asked into millimetres, a unit, a speed and a walker's name."""
    if metres is not None and minutes is not None:
        raise ProblemError("give metres or minutes, not both")
    for what, value in (("metres", metres), ("minutes", minutes)):
        if value is not None and not isinstance(value, Real):
            raise ProblemError(f"{what} is {value!r}; give one number")
    if walk is not None and not isinstance(walk, Walk):
        raise ProblemError(f"walk is {walk!r}; give a Walk, such as Walk.elder()")
    if nearest is not None and nearest < 1:
        raise ProblemError(f"nearest is {nearest}; ask for 1 or more")
    if minutes is not None:
        if not (math.isfinite(minutes) and 0.5 <= minutes <= 600):
            raise ProblemError(f"minutes is {minutes!r}; give minutes of walking, from 0.5 to 600")
        who = walk or Walk.adult()
        return math.floor(who.metres(minutes) * 1000 + 1e-6), "min", who.speed, who.who
    if metres is None and nearest is None:
        raise ProblemError("no limit: give metres=, minutes= or nearest=")
    if metres is None:
        return search.LONGEST, "m", 1.0, ""
    plausible_metres(metres)
    return math.floor(metres * 1000 + 1e-6), "m", 1.0, ""


def plausible_metres(metres: float) -> None:
    """Refuse a distance that is no walking distance in metres, such as 0.5 (kilometres)."""
    if not (math.isfinite(metres) and 10 <= metres <= 1_000_000):
        raise ProblemError(f"metres is {metres!r}; give metres from 10 to 1,000,000 (half a kilometre is 500)")


def _located(network: Network, what: gpd.GeoDataFrame | Places, max_snap: float) -> Places:
    if not isinstance(what, Places):
        return network.locate(what, max_snap=max_snap)
    on = what.edge >= 0
    edge = what.edge[on]
    same = (
        edge.max(initial=-1) < len(network.u)
        and np.array_equal(network.u[edge], what.u[on])
        and np.array_equal(network.v[edge], what.v[on])
        and np.array_equal(network.cost[edge], what.to_u[on] + what.to_v[on])
    )
    if not same:
        raise NetworkError("the places were located on another network; locate them on this one")
    return what


def straight_line(
    origins: gpd.GeoDataFrame,
    destinations: gpd.GeoDataFrame,
    *,
    metres: float | None = None,
    minutes: float | None = None,
    walk: Walk | None = None,
) -> Reach:
    """Measure as the crow flies, to compare with `travel`.

    Parameters
    ----------
    origins, destinations
        Layers of points or polygons; degrees are projected first.
    metres, minutes, walk
        As for `travel`.

    Returns
    -------
    Reach
        All pairs within the limit.

    Raises
    ------
    ProblemError
        When the limit is absent, given twice, or implausible, or ids are not unique.
    LayerError
        When a layer has no CRS or an empty geometry.

    Examples
    --------
    >>> import geopandas as gpd
    >>> a = gpd.GeoDataFrame(index=["a"], geometry=gpd.points_from_xy([500000], [3380000]), crs=4547)
    >>> b = gpd.GeoDataFrame(index=["b"], geometry=gpd.points_from_xy([500030], [3380040]), crs=4547)
    >>> straight_line(a, b, metres=50).pairs()
      origin destination  cost
    0      a           b  50.0
    """
    limit_mm, unit, speed, walker = _limit(metres, minutes, walk, None)
    rows, columns = _ids(origins.index, "origins"), _ids(destinations.index, "destinations")
    crs = metric_crs(origins, destinations)
    start, stop = spots(origins, crs), spots(destinations, crs)
    longest = limit_mm / 1000.0
    # The index is asked for a little more than the limit; rounding to mm then decides as on streets.
    origin, destination = shapely.STRtree(stop).query(start, predicate="dwithin", distance=longest + 0.001)
    cost_mm = np.rint(shapely.distance(start[origin], stop[destination]) * 1000).astype(np.int64)
    keep = cost_mm <= limit_mm
    origin, destination, cost_mm = origin[keep], destination[keep], cost_mm[keep]
    order = np.lexsort([destination, cost_mm, origin])
    how = f"straight line, {walker}, {speed:g} m/min" if unit == "min" else "straight line"
    return Reach(
        origins=rows,
        destinations=columns,
        origin=origin[order].astype(np.int32),
        destination=destination[order].astype(np.int32),
        cost=cost_mm[order] / 1000.0 / (speed if unit == "min" else 1.0),
        limit=float(minutes if minutes is not None else metres or 0),
        unit=unit,
        how=how,
    )
