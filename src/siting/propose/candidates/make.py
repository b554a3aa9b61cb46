"""`make_candidates`: where a facility could open: parcels, a grid, clusters of people, or anywhere on the streets."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from siting.data import check_extent, check_layer, common_crs, points
from siting.errors import LayerError, ProblemError
from siting.limits import metres_of
from siting.measure.alignment import amounts
from siting.measure.walk_limit import sloped, walk_limit
from siting.messages import Message
from siting.network import Network, Walk
from siting.network.snapping import points_in
from siting.numbers import Floats, Positions, Shapes
from siting.propose.candidates import parcels as parcel_filters
from siting.propose.candidates.dominance import dominating_points
from siting.propose.candidates.parcels import Bounds, Distances, bounded, near_pairs
from siting.renamed import renamed_keywords

__all__ = ["Method", "make_candidates"]

log = logging.getLogger(__name__)

Method: TypeAlias = Literal["grid", "cluster", "parcels", "streets"]

#: Required and optional arguments of each method.
OPTIONS: dict[str, tuple[set[str], set[str]]] = {
    "grid": ({"spacing"}, {"metres", "boundary", "far_from", "near", "demand"}),
    "cluster": ({"number"}, {"network", "demand"}),
    "parcels": ({"parcels"}, {"metres", "boundary", "far_from", "near", "demand", "area", "floor_area", "kind"}),
    "streets": ({"network"}, {"metres", "minutes", "walk", "demand"}),
}
#: Most points of a grid before it is clipped.
MOST = 10_000_000
#: Number of starts of the clustering; the best result is used.
STARTS = 10


@renamed_keywords(weights="demand", within="metres")
def make_candidates(
    communities: gpd.GeoDataFrame,
    *,
    method: Method,
    demand: pd.Series | None = None,
    spacing: float | None = None,
    metres: float | None = None,
    minutes: float | None = None,
    walk: Walk | None = None,
    boundary: gpd.GeoDataFrame | None = None,
    number: int | None = None,
    network: Network | None = None,
    parcels: gpd.GeoDataFrame | None = None,
    area: Bounds | None = None,
    floor_area: Bounds | None = None,
    kind: Iterable[str] | None = None,
    far_from: Distances | None = None,
    near: Distances | None = None,
    missing: Literal["raise", "zero"] = "raise",
    max_snap: float = 250.0,
    crs: Any = None,
) -> gpd.GeoDataFrame:
    """Make a layer of candidate sites.

    Parameters
    ----------
    communities
        Points or polygons with a unique index; a polygon counts as a point inside.
    method
        ``"parcels"``: those of *parcels* that pass all filters, a point inside each. ``"grid"``: the points of a
        square grid near the communities, named by their column and row. ``"cluster"``: the centres of *number*
        clusters of people. ``"streets"``: a finite dominating set: for any point of any street, one of these
        points is within the radius of at least the same communities.
    demand
        People by community id, such as those not covered yet; the column `population` when not given. Communities
        without people are ignored if demand is given.
    spacing
        Grid: metres from point to point. Coordinates are multiples of it, so that points stay the same when
        communities are added.
    metres, minutes, walk
        Streets: the radius, as for `siting.travel`. Grid, parcels: keep candidates at most this many *metres*,
        straight, from a community; default for a grid without a boundary: *spacing*.
    boundary
        Grid, parcels: polygons that a point must be in, or on the edge of.
    number
        Cluster: number of clusters.
    network
        Streets: the streets to search. Cluster: centres are moved to the nearest point of a street.
    parcels
        Parcels or idle buildings, polygons or points, with any columns of candidates.
    area, floor_area
        Parcels: least and most m² of the polygon, or of the column `floor_area`; None for no bound. All bounds are
        inclusive.
    kind
        Parcels: kinds to keep, of the column `kind`.
    far_from, near
        Grid, parcels: layers by name, each with metres: keep candidates with no feature of the layer closer than that,
        or with one so near. Straight lines, from the edge of a polygon.
    missing
        Parcels: what to do with missing numbers, as for `siting.check_layer`.
    max_snap
        Streets: the longest distance from a community to a street, metres.
    crs
        A projected CRS in metres to measure in. Default: that of *network*, else that of the communities if it is
        metric and valid there, else the zone of their centre; see `siting.data.metric_crs`.

    Returns
    -------
    GeoDataFrame
        A layer of role candidates in the CRS of measurement: index `id`, the columns of the parcels, `source` (the
        method), points. Besides, by method: `land_area` (m², parcels that are polygons); `people` and `communities`
        (grid and parcels: within *metres*; clusters: in the cluster; streets: within the radius); `moved` (metres from
        the centre of the cluster to the street); `street` and `along` (the edge's id, and metres from its beginning).

    Raises
    ------
    ProblemError
        When an argument of the method is missing, unknown or invalid.
    LayerError
        When a layer has errors or lacks a required column, or no candidate is left; the message has the reason.

    Notes
    -----
    The number removed by each filter is logged, in the order area, floor area, kind, boundary, *metres*, *far_from*,
    *near*.

    Clusters are those of weighted k-means [1]_, the best of ten starts with a fixed seed, whatever the order of rows.

    Points of streets are network intersect points [2]_, where one more community comes within the radius, the
    crossings and the communities' own locations. Of points with equal communities the one with the least total walk
    is kept; points whose communities are a subset of another's are dropped. A model of coverage by one radius
    (`MaxCoverage`, `MinSites`) is thereby solved for all points of the streets; a model of distances, or with limits
    on where sites are, is not.

    References
    ----------
    .. [1] S. P. Lloyd, "Least squares quantization in PCM", IEEE Transactions on Information Theory 28 (2), 1982,
       pp. 129-137.
    .. [2] R. L. Church and M. E. Meadows, "Location modeling utilizing maximum service distance criteria",
       Geographical Analysis 11 (4), 1979, pp. 358-373.

    Examples
    --------
    >>> import siting as st
    >>> town = st.load_sample()
    >>> homes, net = town["communities"], st.Network.from_streets(town["streets"])
    >>> centres = make_candidates(homes, method="cluster", number=3, demand=homes["elderly"], network=net)
    >>> int(centres["people"].sum()) == int(homes["elderly"].sum())
    True
    >>> sites = make_candidates(homes, method="streets", network=net, metres=300)
    >>> reach = st.travel(net, homes, sites, metres=300)
    >>> len(reach) == int(sites["communities"].sum())
    True
    """
    options = {
        "demand": demand, "spacing": spacing, "metres": metres, "minutes": minutes, "walk": walk, "boundary": boundary,
        "number": number, "network": network, "parcels": parcels, "area": area, "floor_area": floor_area, "kind": kind,
        "far_from": far_from, "near": near,
    }  # fmt: skip
    _check_options(method, {name for name, value in options.items() if value is not None})
    if network is not None and crs is not None:
        raise ProblemError(Message("candidates.network_and_crs"))
    people = _Communities(communities, demand, network, crs)
    if method == "streets":
        assert network is not None
        return _finished(_on_streets(people, network, metres, minutes, walk, max_snap), method)
    if method == "cluster":
        return _finished(_clusters(people, number, network), method)
    if method == "grid":
        step = metres_of(spacing, "spacing")
        metres = step if metres is None and boundary is None else metres
        frame, tests = _grid(people, step, metres, boundary), []
    else:
        assert parcels is not None
        frame = parcel_filters.read_parcels(parcels, people.crs, missing)
        tests = parcel_filters.own_filters(frame, area, floor_area, kind)
    tests += parcel_filters.place_filters(frame, people.point, people.crs, metres, boundary, far_from, near)
    frame = parcel_filters.filtered(frame, tests, layer=method)
    if metres is not None:
        frame = people.counted(frame, *near_pairs(points(frame).to_numpy(), people.point, metres))
    return _finished(frame.set_geometry(points(frame)), method)


def _check_options(method: str, given: set[str]) -> None:
    if method not in OPTIONS:
        raise ProblemError(Message("argument.choose", what="method", value=method, choices=list(OPTIONS)))
    needed, known = OPTIONS[method]
    absent, strange = sorted(needed - given), sorted(given - needed - known)
    if absent:
        raise ProblemError(Message("candidates.method_needs", method=method, absent=absent))
    if strange:
        others = [name for name, (a, b) in OPTIONS.items() if strange[0] in a | b]
        names = {"method": method, "strange": strange, "first": strange[0], "others": others}
        raise ProblemError(Message("candidates.method_takes", **names, known=sorted(needed | known)))
    if method == "streets" and ("metres" in given) == ("minutes" in given):
        raise ProblemError(Message("candidates.radius"))


class _Communities:
    """The communities that count: their points in the common CRS, and their people."""

    def __init__(self, layer: gpd.GeoDataFrame, demand: pd.Series | None, network: Network | None, crs: Any) -> None:
        if not isinstance(layer, gpd.GeoDataFrame):
            raise LayerError("communities", Message("candidates.no_frame", value=type(layer)))
        if not len(layer):
            raise LayerError("communities", Message("candidates.no_rows"))
        if not layer.index.is_unique:
            twice = layer.index[layer.index.duplicated()].unique()
            raise LayerError("communities", Message("cell.ids_twice", ids=twice))
        if network is not None and not isinstance(network, Network):
            raise ProblemError(Message("candidates.no_network", value=network))
        people = layer.get("population") if demand is None else demand
        self.people = None if people is None else amounts(people, layer.index, what="demand", of="communities")
        if demand is not None and self.people is not None:
            layer = layer[self.people.to_numpy() > 0]
            self.people = self.people.loc[layer.index]
            if not len(layer):
                raise ProblemError(Message("candidates.nobody"))
        check_extent(layer, "communities")
        self.crs: pyproj.CRS = network.crs if network else common_crs([layer], crs, layer="communities")
        self.layer = layer
        self.point = points_in(layer, self.crs)

    def counted(self, frame: gpd.GeoDataFrame, row: Positions, community: Positions) -> gpd.GeoDataFrame:
        """Add the columns `people`, where these are known, and `communities` for the pairs of row and community."""
        if self.people is not None:
            frame = frame.assign(people=np.bincount(row, self.people.to_numpy(float)[community], minlength=len(frame)))
        return frame.assign(communities=np.bincount(row, minlength=len(frame)).astype(np.int64))


def _named(method: str, columns: Mapping[str, Any], geometry: Shapes, crs: pyproj.CRS) -> gpd.GeoDataFrame:
    ids = pd.Index([f"{method}-{k}" for k in range(1, len(geometry) + 1)], name="id", dtype="str")
    return gpd.GeoDataFrame(dict(columns), geometry=geometry, index=ids, crs=crs)


def _finished(frame: gpd.GeoDataFrame, method: str) -> gpd.GeoDataFrame:
    named = check_layer(frame.assign(source=method), "candidates", missing="zero")
    named.attrs["source"] = f"candidates ({method})"
    return named


def _grid(
    people: _Communities, step: float, metres: float | None, boundary: gpd.GeoDataFrame | None
) -> gpd.GeoDataFrame:
    """Lay a grid over the intersection of both bounds; rows from south to north, in each from west to east."""
    boxes = []
    if metres is not None:
        far = metres_of(metres, "metres")
        boxes.append(shapely.total_bounds(people.point) + np.array([-far, -far, far, far]))
    if boundary is not None:
        boxes.append(shapely.total_bounds(bounded(boundary, people.crs)))
    corners = np.array(boxes)
    low = np.ceil(corners[:, :2].max(axis=0) / step).astype(np.int64)
    high = np.floor(corners[:, 2:].min(axis=0) / step).astype(np.int64)
    across, up = np.maximum(high - low + 1, 0).tolist()
    if across * up > MOST:
        raise ProblemError(Message("candidates.large_grid", step=step, points=across * up, most=MOST))
    y, x = np.meshgrid(np.arange(low[1], high[1] + 1), np.arange(low[0], high[0] + 1), indexing="ij")
    frame = _named("grid", {}, shapely.points(x.ravel() * step, y.ravel() * step), people.crs)
    # Ids are positions on the grid, so that they stay the same when communities are added.
    return frame.set_axis(pd.Index([f"grid-{i}-{j}" for i, j in zip(x.flat, y.flat, strict=True)], name="id"), axis=0)


def _clusters(people: _Communities, number: object, network: Network | None) -> gpd.GeoDataFrame:
    if people.people is None:
        columns = list(people.layer.columns.drop("geometry", errors="ignore"))
        raise LayerError("communities", Message("candidates.no_population", columns=columns))
    weight = people.people.to_numpy(float)
    xy = shapely.get_coordinates(people.point)
    lived = np.flatnonzero(weight > 0)
    places = len(np.unique(xy[lived], axis=0))
    if not isinstance(number, int | np.integer) or isinstance(number, bool) or number < 1:
        raise ProblemError(Message("argument.whole", what="number", value=number, least=1))
    if number > places:
        raise ProblemError(Message("candidates.many_clusters", number=number, places=places))
    cluster, centre = _partition(xy[lived], weight[lived], int(number))
    order = np.lexsort((centre[:, 1], centre[:, 0], -np.bincount(cluster, weight[lived], minlength=int(number))))
    rank = np.argsort(order)
    spot: Shapes = shapely.points(centre[order])
    moved: dict[str, Any] = {}
    if network is not None:
        line, centred = network.lines[network.tree.nearest(spot)], spot
        spot = shapely.line_interpolate_point(line, shapely.line_locate_point(line, centred))
        moved["moved"] = np.round(shapely.distance(centred, spot), 3)
    return people.counted(_named("cluster", moved, spot, people.crs), rank[cluster], lived)


def _partition(xy: Floats, people: Floats, number: int) -> tuple[Positions, Floats]:
    """Cluster places by weighted k-means: the cluster of each, and the clusters' centres."""
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    origin = xy.mean(axis=0)
    # Sorted, because seeding depends on the position of places in the table.
    order = np.lexsort((people, xy[:, 1], xy[:, 0]))
    cluster = np.empty(len(xy), np.intp)
    with threadpool_limits(limits=1):  # with threads, the order of sums would vary
        model = KMeans(n_clusters=number, n_init=STARTS, random_state=0)
        cluster[order] = model.fit_predict(xy[order] - origin, sample_weight=people[order])
    return cluster, np.round(model.cluster_centers_ + origin, 3)


def _on_streets(
    people: _Communities, network: Network, metres: float | None, minutes: float | None, walk: Walk | None, snap: float
) -> gpd.GeoDataFrame:
    limit, unit, who = walk_limit(metres, minutes, walk)
    streets = network.for_walk(walk)
    located = streets.locate(people.layer, max_snap=snap, name="communities")
    found = dominating_points(streets, located, limit, walk=sloped(streets, who))
    if not len(found.point):
        near = metres if unit == "m" else minutes
        raise LayerError("communities", Message("candidates.none_near", n=len(located), near=near, unit=unit))
    columns = {"street": streets.columns.index[found.edge].astype(str), "along": found.along / 1000.0}
    frame = _named("streets", columns, found.point, people.crs)
    log.info(Message("candidates.found", n=len(frame)))
    return people.counted(frame, np.repeat(np.arange(len(frame)), np.diff(found.ptr)), found.item)
