"""`service_areas` and `service_streets`: the area within a walk, as polygons along the streets and as lines."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

import geopandas as gpd
import numpy as np
import shapely

from siting.errors import ProblemError
from siting.measure.buffers import strips, unite
from siting.measure.line_pieces import cut
from siting.measure.reach import Unit
from siting.measure.street_voronoi import divide
from siting.measure.walk_limit import located, sloped, walk_limit
from siting.messages import Message
from siting.network import Network, Places, Walk
from siting.network.reached_streets import Mode, ReachedPieces, reached_pieces
from siting.numbers import Floats, Ints32, Positions, Shapes

__all__ = ["Overlap", "service_areas", "service_streets"]

Limits: TypeAlias = float | Sequence[float] | None
Overlap: TypeAlias = Literal["keep", "split", "dissolve"]

MODES: dict[Overlap, Mode] = {"keep": "each", "split": "nearest", "dissolve": "together"}
#: Spacing of the seeds of borders between facilities, as a share of the width.
SPACING = 0.2
#: Parts of rings below this share of the width's square are left out: two round ends drawn differently.
SLIVER = 0.001


def service_areas(
    network: Network,
    facilities: gpd.GeoDataFrame | Places,
    *,
    metres: Limits = None,
    minutes: Limits = None,
    walk: Walk | None = None,
    width: float = 40.0,
    fill: float = 20_000.0,
    rings: bool = False,
    overlap: Overlap = "keep",
    max_snap: float = 250.0,
) -> gpd.GeoDataFrame:
    """Draw the areas within a walk of facilities.

    The reached streets and parts of streets are widened by *width*; there is no hull, so that a river without a bridge
    stays outside. A facility off the street adds a circle around its door, whose radius is the distance to the street,
    the limit, or *max_snap*, whichever is least. The ends of streets are exact to the millimetre; circles, round ends
    and bends have 16 sides to the circle and fall short of it by up to 2 % of their radius.

    With ``overlap="split"``, ground between the streets of two facilities is divided along the middle. Ground next to a
    street that only a larger limit reaches may then belong to another facility, up to *width* deep; a ring
    leaves out the smaller limit's areas of all facilities, so that rings never overlap.

    Parameters
    ----------
    network, facilities
        The streets; points or polygons, or places on the network.
    metres, minutes
        One limit or several; the areas of a limit contain those of smaller ones. Walks lead to the facility.
    walk
        The walker for minutes; `Walk.adult` when not given.
    width, fill
        How far the area extends on both sides of a reached street, metres; holes smaller than *fill*, m², are filled.
    rings
        Cut the area of the next smaller limit out of each area.
    overlap
        Ground that several facilities reach. ``"keep"``: an area for each facility and limit; they
        may overlap. ``"split"``: each place belongs to the facility whose reached street is nearest, and a reached
        street to the facility nearest along the streets (the first of equal ones), so that the areas of one limit do
        not overlap and add up to the dissolved one. ``"dissolve"``: one area for each limit.
    max_snap
        As for `travel`.

    Returns
    -------
    GeoDataFrame
        Columns `facility` (unless dissolved), `limit`, `unit` ("m" or "min") and geometry (MultiPolygons), in the
        network's CRS; largest limit first, so that smaller ones are drawn over it. A facility whose places are all
        nearer to others has no row; neither has an empty ring.

    Raises
    ------
    ProblemError
        When no limit or both kinds are given, a limit is implausible, or *width*, *fill* or *overlap* is invalid.
    LayerError, NetworkError
        As for `travel`.

    Examples
    --------
    >>> import siting as st
    >>> town = st.load_sample()
    >>> net = st.Network.from_streets(town["streets"])
    >>> st.service_areas(net, town["childcare"], metres=[300, 500], overlap="dissolve")["limit"].tolist()
    [500.0, 300.0]
    """
    budgets, unit, who = _budgets(network, metres, minutes, walk, overlap)
    if not 0 < width < math.inf:
        raise ProblemError(Message("measure.width", value=width))
    if not fill >= 0:
        raise ProblemError(Message("measure.fill", value=fill))
    places = located(network, facilities, max_snap, walk)
    network = network.for_walk(walk)
    limits = list(budgets.values())
    together = overlap != "keep"
    pieces = reached_pieces(network, places, limits, mode="together" if together else "each", walk=who)
    circles = _circles(places, limits)
    drawn = circles._replace(group=0 * circles.group) if together else circles
    limit, group, area = _widened(network, pieces, drawn, width, fill)
    area = _with_grounds(places, group, area, together=together)
    smaller = dict(zip(zip(limit.tolist(), group.tolist(), strict=True), area, strict=True))
    if overlap == "split":
        pieces = reached_pieces(network, places, limits, mode="nearest", walk=who)
        limit, group, area = _split(network, pieces, circles, limit, area, width, fill)
    if rings:
        within = [smaller.get((k + 1, 0 if together else g)) for k, g in zip(limit, group, strict=True)]
        area = _without(area, np.array(within, object), SLIVER * width**2)
        limit, group, area = (column[~shapely.is_missing(area)] for column in (limit, group, area))
    columns = {"limit": np.array(list(budgets))[limit], "unit": unit, "geometry": area}
    return _layer(network, places, group, columns, overlap)


def service_streets(
    network: Network,
    facilities: gpd.GeoDataFrame | Places,
    *,
    metres: Limits = None,
    minutes: Limits = None,
    walk: Walk | None = None,
    overlap: Overlap = "keep",
    max_snap: float = 250.0,
) -> gpd.GeoDataFrame:
    """List the streets, and parts of streets, within a walk of facilities.

    Parameters
    ----------
    network, facilities, metres, minutes, walk, max_snap
        As for `service_areas`.
    overlap
        Streets that several facilities reach. ``"keep"``: listed for each of them. ``"split"``: each
        point of a street belongs to the facility nearest along the streets, and is cut where two are equally near.
        ``"dissolve"``: listed once, for all facilities together.

    Returns
    -------
    GeoDataFrame
        A row per piece: `facility` (unless dissolved), `limit`, `unit`, `street` (the edge's id in the network),
        `metres` (its length) and geometry (LineStrings from the edge's `u` to its `v`), largest limit first. A street
        that is reached from both ends, but not in the middle, has two rows.

    Raises
    ------
    ProblemError, LayerError, NetworkError
        As for `service_areas`.

    Examples
    --------
    >>> import siting as st
    >>> town = st.load_sample()
    >>> net = st.Network.from_streets(town["streets"])
    >>> reached = service_streets(net, town["childcare"], metres=300, overlap="dissolve")
    >>> bool(reached["metres"].max() <= net.edges["length"].max())
    True
    """
    budgets, unit, who = _budgets(network, metres, minutes, walk, overlap)
    places = located(network, facilities, max_snap, walk)
    network = network.for_walk(walk)
    pieces = reached_pieces(network, places, list(budgets.values()), mode=MODES[overlap], walk=who)
    columns = {
        "limit": np.array(list(budgets))[pieces.limit],
        "unit": unit,
        "street": network.columns.index[pieces.edge],
        "metres": np.rint((pieces.high - pieces.low) * network.cost[pieces.edge] * 2) / 2000,  # half millimetres
        "geometry": cut(network.lines[pieces.edge], pieces.low, pieces.high),
    }
    return _layer(network, places, pieces.group, columns, overlap)


def _layer(
    network: Network, places: Places, group: Positions | Ints32, columns: dict[str, Any], overlap: Overlap
) -> gpd.GeoDataFrame:
    facility = {} if overlap == "dissolve" else {"facility": places.ids[group]}
    return gpd.GeoDataFrame({**facility, **columns}, geometry="geometry", crs=network.crs)


class _Circles(NamedTuple):
    """The area reached off the streets: positions of limit and place, a line of the outline, radius (m)."""

    limit: Positions
    group: Positions
    shape: Shapes
    radius: Floats


def _circles(places: Places, limits: Sequence[int]) -> _Circles:
    """Draw how far one walks from each place: up to the street, the limit or the longest snap."""
    radius = np.minimum(places.free / 1000, np.array(limits, float)[:, None] / 1000)
    limit, group = np.nonzero(radius > 0)
    shape: Shapes = shapely.linestrings(np.stack([places.xy, places.xy], axis=1))
    if places.shape is not None:
        area = ~shapely.is_missing(places.shape)
        shape[area] = shapely.boundary(places.shape[area])
    lines, row = shapely.get_parts(shape[group], return_index=True)
    return _Circles(limit[row], group[row], lines, radius[limit, group][row])


def _with_grounds(places: Places, group: Positions, area: Shapes, *, together: bool) -> Shapes:
    """Add to each area the facilities themselves that are polygons."""
    if places.shape is None:
        return area
    ground = places.shape
    own = np.full(len(area), shapely.union_all(ground), object) if together else ground[group]
    parts, of = shapely.get_parts(shapely.union(area, np.where(shapely.is_missing(own), area, own)), return_index=True)
    return np.asarray(shapely.multipolygons(parts, indices=of))


def _widened(
    network: Network, spans: ReachedPieces, circles: _Circles, width: float, fill: float
) -> tuple[Positions, Positions, Shapes]:
    """Draw one area for each limit and group: their positions and the areas."""
    streets, of = strips(cut(network.lines[spans.edge], spans.low, spans.high), width)
    around, at = strips(circles.shape, circles.radius)
    limit = np.append(spans.limit[of], circles.limit[at]).astype(np.intp)
    group = np.append(spans.group[of], circles.group[at]).astype(np.intp)
    rows = np.concatenate([streets, around])
    order = np.lexsort([group, limit])
    limit, group, rows = limit[order], group[order], rows[order]
    first = np.flatnonzero((np.diff(limit, prepend=-1) != 0) | (np.diff(group, prepend=-1) != 0))
    areas: Shapes = np.empty(len(first), object)
    for i, (begin, end) in enumerate(itertools.pairwise([*first.tolist(), len(rows)])):
        areas[i] = unite(rows[begin:end], fill)
    return limit[first], group[first], areas


def _split(
    network: Network, spans: ReachedPieces, circles: _Circles, limit: Positions, area: Shapes, width: float, fill: float
) -> tuple[Positions, Positions, Shapes]:
    """Divide each limit's area among the owners of the reached streets and of the places."""
    # In a hole that was filled no place is farther from the rim than the radius of a circle as large.
    depth = max(width, circles.radius.max(initial=0)) + math.sqrt(fill / math.pi)
    owners, shares = [np.zeros(0, np.intp)], [np.zeros(0, object)]
    for k, whole in zip(limit, area, strict=True):
        mine, at = spans.limit == k, np.flatnonzero(circles.limit == k)
        begin = shapely.get_coordinates(shapely.get_point(circles.shape[at], 0))
        own = at[np.unique(begin, axis=0, return_index=True)[1]]  # the first of several places at one point
        edge = spans.edge[mine]
        pieces = np.append(cut(network.lines[edge], spans.low[mine], spans.high[mine]), circles.shape[own])
        group = np.append(spans.group[mine], circles.group[own]).astype(np.int64)
        owner, share = divide(whole, pieces, group, spacing=SPACING * width, depth=depth)
        owners.append(owner)
        shares.append(share)
    limits = np.repeat(limit, [len(owner) for owner in owners[1:]])
    parts, of = shapely.get_parts(np.concatenate(shares), return_index=True)
    return limits, np.concatenate(owners), shapely.multipolygons(parts, indices=of)


def _without(area: Shapes, inner: Shapes, least: float) -> Shapes:
    """Take *inner* out of each area; None where only slivers are left."""
    left: Shapes = np.where(shapely.is_missing(inner), area, shapely.difference(area, inner))
    parts, of = shapely.get_parts(left, return_index=True)
    large = shapely.area(parts) >= least
    rings: Shapes = np.full(len(area), None, object)
    shapely.multipolygons(parts[large], indices=of[large], out=rings)
    return rings


def _budgets(
    network: Network, metres: Limits, minutes: Limits, walk: Walk | None, overlap: str
) -> tuple[dict[float, int], Unit, Walk | None]:
    """Read the options: millimetres by limit, the largest first, their unit, and whose slopes count."""
    if overlap not in get_args(Overlap):
        raise ProblemError(Message("argument.choose", what="overlap", value=overlap, choices=get_args(Overlap)))
    if (metres is None) == (minutes is None):
        raise ProblemError(Message("argument.one_of_two", one="metres", other="minutes"))
    what, given = ("metres", metres) if metres is not None else ("minutes", minutes)
    try:
        limits = sorted({float(x) for x in np.atleast_1d(np.asarray(given, float))}, reverse=True)
    except (TypeError, ValueError):
        raise ProblemError(Message("measure.limits", what=what, value=given)) from None
    if not limits:
        raise ProblemError(Message("argument.no_limits", what=what))
    read = {x: walk_limit(x, None, walk) if what == "metres" else walk_limit(None, x, walk) for x in limits}
    first = read[limits[0]]
    return {limit: one.millimetres for limit, one in read.items()}, first.unit, sloped(network, first.walk)
