"""`travel`: distances along the streets, and `straight_line` to compare."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from numbers import Real
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from siting.data import check_extent, common_crs, one_layer
from siting.errors import ProblemError
from siting.measure.alignment import unique_ids
from siting.measure.reach import Reach
from siting.measure.walk_limit import located, sloped, walk_limit
from siting.messages import Message
from siting.network import Network, Places, Walk, search
from siting.network.snapping import polygons_or_points
from siting.numbers import Ints, Shapes
from siting.progress_bar import progress_bar
from siting.renamed import renamed_keywords

__all__ = ["straight_line", "travel", "travel_in_parts"]

#: Pairs that are not refused: 4 GiB of them.
MAX_PAIRS = 2**28
#: Pairs that straight lines are searched for at a time.
PAIRS_AT_ONCE = 2**24

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
    threads: int | None = None,
    max_pairs: float = MAX_PAIRS,
    progress: Callable[[int, int], None] | bool | None = None,
) -> Reach:
    """Walk from origins to destinations along the streets.

    A point is on the nearest point of the nearest street, a polygon is entered from every street that passes or crosses
    it (`Network.locate`); the straight line to the street counts. Between two places the walk is straight if that is no
    longer than both lines to the street together. Private streets are used only by walks that start or end there.
    Lengths are rounded to millimetres once; the shortest paths over them are exact.

    Parameters
    ----------
    network, origins, destinations
        The streets; layers of points or polygons, or places located before by `Network.locate`.
    metres, minutes
        The longest path, or walk (costs are then minutes at *walk*'s speed), inclusive; one of the two, or *nearest*.
    walk
        The walker; `Walk.adult` when minutes are given without it.
    nearest
        Keep only this number of nearest destinations per origin. One thread finds them in one sweep over the network;
        *threads*, *max_pairs* and *progress* have no effect.
    max_snap
        Longest distance from a place to a street, metres; no street reaches farther places.
    threads, max_pairs
        Number of threads, by default all processors; more than *max_pairs* pairs are refused. A pair takes 16 bytes.
    progress
        Called with the numbers of sources done and of all sources; True shows a progress bar on standard error.

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
    farthest = walk_limit(metres, minutes, walk, nearest)
    if not isinstance(max_pairs, Real):
        raise ProblemError(Message("reach.max_pairs", value=max_pairs))
    start = located(network, origins, max_snap, walk, "origins")
    stop = located(network, destinations, max_snap, walk, "destinations")
    network = network.for_walk(walk)
    walks = sloped(network, farthest.walk)
    with progress_bar(progress) as report:
        if nearest is None:
            found = search.within(
                network, start, stop, farthest.millimetres,
                walk=walks, speed=farthest.speed, threads=threads, max_pairs=max_pairs, progress=report,
            )  # fmt: skip
        else:
            found = search.nearest(
                network, start, stop, nearest, farthest.millimetres, walk=walks, speed=farthest.speed
            )
    limit = minutes if minutes is not None else math.inf if metres is None else metres
    how = "streets" if walks is None else f"streets, {walks.terms}"
    if walk is not None and walks is None and not walk.stairs:
        how += ", no stairs"
    pairs = found.origin, found.destination, found.cost
    return Reach(start.ids, stop.ids, *pairs, float(limit), farthest.unit, nearest, how)


@renamed_keywords(pairs="max_pairs")
def travel_in_parts(
    network: Network,
    origins: gpd.GeoDataFrame | Places,
    destinations: gpd.GeoDataFrame | Places,
    *,
    max_pairs: int = 50_000_000,
    metres: float | None = None,
    minutes: float | None = None,
    walk: Walk | None = None,
    max_snap: float = 250.0,
    threads: int | None = None,
) -> Iterator[Reach]:
    """Travel from some of the origins at a time, for pairs that do not fit into memory together.

    Parameters
    ----------
    network, origins, destinations, metres, minutes, walk, max_snap, threads
        As for `travel`.
    max_pairs
        Most pairs in a part, unless one origin has more; a pair takes 16 bytes, and 24 while it is
        made. One more search counts them first.

    Yields
    ------
    Reach
        One for each part: from some of the origins, in their order, to all destinations.

    Raises
    ------
    ProblemError, LayerError, NetworkError
        As for `travel`.

    Examples
    --------
    >>> import siting as st
    >>> town = st.load_sample()
    >>> net = st.Network.from_streets(town["streets"])
    >>> parts = travel_in_parts(net, town["communities"], town["childcare"], metres=800, max_pairs=100)
    >>> sum(len(part) for part in parts) == len(st.travel(net, town["communities"], town["childcare"], metres=800))
    True
    """
    if not isinstance(max_pairs, Real) or not max_pairs >= 1:
        raise ProblemError(Message("reach.max_pairs_part", value=max_pairs))
    farthest = walk_limit(metres, minutes, walk)
    start, stop = (located(network, what, max_snap, walk) for what in (origins, destinations))
    streets = network.for_walk(walk)
    nothing, walks = np.zeros((len(stop), 0)), sloped(streets, farthest.walk)
    _, number = search.sums(streets, start, stop, nothing, farthest.millimetres, walk=walks, threads=threads)
    log.info(Message("reach.pairs", n=int(number.sum())))
    begin = 0
    while begin < len(start) or begin == 0:
        end = begin + max(1, int(np.searchsorted(np.cumsum(number[begin:]), max_pairs, side="right")))
        yield travel(
            streets, start.select(start.ids[begin:end]), stop,
            metres=metres, minutes=minutes, walk=walk, threads=threads, max_pairs=math.inf,
        )  # fmt: skip
        begin = end


def straight_line(
    origins: gpd.GeoDataFrame,
    destinations: gpd.GeoDataFrame,
    *,
    metres: float | None = None,
    minutes: float | None = None,
    walk: Walk | None = None,
    crs: Any = None,
    max_pairs: float = MAX_PAIRS,
) -> Reach:
    """Measure straight lines, to compare with `travel`: no walk along the streets is shorter.

    Parameters
    ----------
    origins, destinations
        Layers of points or polygons; degrees are projected first. A polygon is measured from its nearest point.
    metres, minutes, walk
        As for `travel`.
    crs
        A projected CRS in metres, such as that of the network to compare with (`Network.crs`). When not given, that of
        the layers where it is metric and holds there, else the zone of their centre (`siting.data.metric_crs`).
    max_pairs
        More pairs are refused, as by `travel`.

    Returns
    -------
    Reach
        All pairs within the limit.

    Raises
    ------
    ProblemError
        When the limit is absent, given twice, or implausible, ids are not unique, or there are too many pairs.
    LayerError
        When a layer has no CRS or an empty geometry, rows lie far from all others, or lengths would be over 0.1 % off.

    Examples
    --------
    >>> a = gpd.GeoDataFrame(index=["a"], geometry=gpd.points_from_xy([500000], [3380000]), crs=4547)
    >>> b = gpd.GeoDataFrame(index=["b"], geometry=gpd.points_from_xy([500030], [3380040]), crs=4547)
    >>> straight_line(a, b, metres=50).pairs()
      origin destination  cost
    0      a           b  50.0
    """
    farthest = walk_limit(metres, minutes, walk)
    if not isinstance(max_pairs, Real):
        raise ProblemError(Message("reach.max_pairs", value=max_pairs))
    for what, layer in (("origins", origins), ("destinations", destinations)):
        check_extent(one_layer(layer, what), what)
    rows, columns = unique_ids(origins.index, "origins"), unique_ids(destinations.index, "destinations")
    system = common_crs([origins, destinations], crs, layer="straight line")
    start, stop = polygons_or_points(origins, system), polygons_or_points(destinations, system)
    longest = farthest.millimetres / 1000.0
    # The index finds a little more than the limit; rounding to mm then decides as on streets.
    origin, destination = _pairs_within(start, stop, longest + 0.001, max_pairs)
    cost_mm = np.rint(shapely.distance(start[origin], stop[destination]) * 1000).astype(np.int64)
    keep = cost_mm <= farthest.millimetres
    origin, destination, cost_mm = origin[keep], destination[keep], cost_mm[keep]
    order = np.lexsort([destination, cost_mm, origin])
    how = "straight line"
    if farthest.walk is not None:
        how += f", {replace(farthest.walk, slope=None, stairs=True).terms}"
    origin, destination = origin[order].astype(np.int32), destination[order].astype(np.int32)
    cost, limit = cost_mm[order] / 1000.0 / farthest.speed, float(minutes if minutes is not None else metres or 0)
    return Reach(rows, columns, origin, destination, cost, limit, farthest.unit, how=how)


def _pairs_within(start: Shapes, stop: Shapes, metres: float, most: float) -> tuple[Ints, Ints]:
    """Find the pairs not farther apart than *metres*, some starts at a time: too many never fill the memory."""
    tree, step = shapely.STRtree(stop), max(1, PAIRS_AT_ONCE // max(1, len(stop)))
    found, number = [np.zeros((2, 0), np.int64)], 0
    for begin in range(0, len(start), step):
        pairs = tree.query(start[begin : begin + step], predicate="dwithin", distance=metres)
        number += pairs.shape[1]
        if number > most:
            raise ProblemError(Message("reach.straight_pairs", most=most))
        found.append(pairs + np.array([[begin], [0]]))
    origin, destination = np.concatenate(found, axis=1)
    return origin, destination
