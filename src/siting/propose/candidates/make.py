"""`make_candidates`: where a facility could open, from parcels, a grid, clusters of people, or anywhere on the streets.

The only module of this room that touches layers.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeAlias, get_args

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from siting.data import check_extent, check_layer, common_crs, points
from siting.errors import LayerError, ProblemError, some
from siting.measure.coverage import amounts
from siting.measure.travel import _limit, _walks
from siting.network import Network, Walk
from siting.network.snapping import points_in
from siting.numbers import Floats, Positions, Shapes
from siting.propose.candidates.parcels import (
    Bounds,
    Distances,
    bounded,
    filtered,
    metres_of,
    near_pairs,
    own_filters,
    place_filters,
    read_parcels,
)

__all__ = ["Method", "make_candidates"]

log = logging.getLogger(__name__)

Method: TypeAlias = Literal["grid", "cluster", "parcels", "streets"]

#: What each method needs, and what else it understands.
OPTIONS: dict[str, tuple[set[str], set[str]]] = {
    "grid": ({"spacing"}, {"within", "boundary", "far_from", "near", "weights"}),
    "cluster": ({"number"}, {"network", "weights"}),
    "parcels": (
        {"parcels"},
        {"within", "boundary", "far_from", "near", "weights", "area", "floor_area", "kind"},
    ),
    "streets": ({"network"}, {"metres", "minutes", "walk", "weights"}),
}
#: Points of a grid, before it is clipped, that are not refused.
MOST = 10_000_000
#: How often the clusters are begun anew; the best of all is taken.
STARTS = 10


def make_candidates(
    communities: gpd.GeoDataFrame,
    *,
    method: Method,
    weights: pd.Series | None = None,
    spacing: float | None = None,
    within: float | None = None,
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
    metres: float | None = None,
    minutes: float | None = None,
    walk: Walk | None = None,
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
        clusters of people. ``"streets"``: a few points of the streets that stand for all: whoever reaches any point
        of any street within the radius reaches one of them, with all others who reach that point.
    weights
        People by community id, such as those not covered yet; the column `population` when not given. Communities
        without people do not count where weights are given.
    spacing
        Grid: metres from point to point. The grid stands on multiples of it, so that it stays where it is when
        communities are added.
    within
        Grid, parcels: keep what is at most so many metres, straight, from a community. For a grid without a boundary
        it is *spacing* when not given.
    boundary
        Grid, parcels: polygons that a point must be in, or on the edge of.
    number
        Cluster: how many.
    network
        Streets: where to look. Cluster: centres are moved to the nearest point of a street.
    parcels
        Parcels or idle buildings, polygons or points, with what columns of candidates they have.
    area
        Parcels: least and most m² of the polygon, None for no bound. Inclusive, as are all bounds here.
    floor_area
        Parcels: the same for the column `floor_area`.
    kind
        Parcels: kinds to keep, of the column `kind`.
    far_from, near
        Grid, parcels: layers by name, each with metres: no candidate closer than that to any of the layer's features,
        or only candidates that have one so near. Straight lines, from the rim of a polygon.
    missing
        Parcels: what to do with missing numbers, as for `siting.check_layer`.
    metres, minutes, walk
        Streets: the radius, as for `siting.travel`.
    max_snap
        Streets: the longest way from a community to a street, metres.
    crs
        A projected CRS in metres to measure in, such as the network's of the analysis. When not given, that of
        *network*, else that of the communities, where they are in metres and it holds there, else the zone of their
        centre; see `siting.data.metric_crs`.

    Returns
    -------
    GeoDataFrame
        A layer of role candidates in the CRS that was measured in: index `id`, the columns that
        the parcels have, `source` (the method), points. Besides, by method: `land_area` (m², parcels that are
        polygons); `people` and `communities` (grid and parcels: within *within*; clusters: in the cluster; streets:
        within the radius); `moved` (metres from the centre of the cluster to the street); `street` and `along` (the
        edge's id, and metres from its beginning).

    Raises
    ------
    ProblemError
        When an option that the method needs is absent, one is given that it does not know, or a value is not right.
    LayerError
        When a layer has faults or lacks a column that is asked for, or no candidate is left; the message says why.

    Notes
    -----
    How many each filter takes out is told in the log, in the order: area, floor area, kind, boundary, *within*,
    *far_from*, *near*.

    Clusters are those of weighted k-means [1]_, the best of ten starts with a fixed seed; they do not depend on the
    order of the rows.

    Points of streets are those where one more community comes within the radius, network intersect points [2]_, the
    crossings and the communities' own places. Of points that the same communities reach one is kept, with the least
    walk for all of them; a point is dropped when those who reach it are among those who reach another. A model that
    asks only who is within the radius (`MaxCoverage`, `MinSites`) is so solved for all points of the streets at once;
    one that asks how far people walk, or limits sites by place, is not.

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
    >>> centres = make_candidates(homes, method="cluster", number=3, weights=homes["elderly"], network=net)
    >>> int(centres["people"].sum()) == int(homes["elderly"].sum())
    True
    >>> sites = make_candidates(homes, method="streets", network=net, metres=300)
    >>> reach = st.travel(net, homes, sites, metres=300)
    >>> len(reach) == int(sites["communities"].sum())
    True
    """
    given = {
        "weights": weights, "spacing": spacing, "within": within, "boundary": boundary, "number": number,
        "network": network, "parcels": parcels, "area": area, "floor_area": floor_area, "kind": kind,
        "far_from": far_from, "near": near, "metres": metres, "minutes": minutes, "walk": walk,
    }  # fmt: skip
    _check_options(method, {name for name, value in given.items() if value is not None})
    if network is not None and crs is not None:
        raise ProblemError("a network is given, and a crs: it is measured in the network's; leave crs out")
    homes = _Homes(communities, weights, network, crs)
    if method == "streets":
        assert network is not None
        found = _from_streets(homes, network, metres, minutes, walk, max_snap)
    elif method == "cluster":
        found = _from_clusters(homes, number, network)
    else:
        if method == "grid":
            step = metres_of("spacing", spacing)
            if within is None and boundary is None:
                within = step
            found = _grid(homes, step, within, boundary)
            tests = []
        else:
            assert parcels is not None
            found = read_parcels(parcels, homes.crs, missing)
            tests = own_filters(found, area, floor_area, kind)
        tests += place_filters(found, homes.point, homes.crs, within, boundary, far_from, near)
        found = filtered(found, tests, layer=method)
        if within is not None:
            found = homes.count(found, within)
        found = found.set_geometry(points(found))
    return _finished(found, method)


def _check_options(method: str, given: set[str]) -> None:
    if method not in get_args(Method):
        raise ProblemError(f"method is {method!r}; choose {', '.join(map(repr, get_args(Method)))}")
    needed, known = OPTIONS[method]
    absent, strange = sorted(needed - given), sorted(given - needed - known)
    if absent:
        raise ProblemError(f'method "{method}" needs {" and ".join(absent)}; give {absent[0]}=')
    if strange:
        others = [name for name, (a, b) in OPTIONS.items() if strange[0] in a | b]
        raise ProblemError(
            f'method "{method}" takes no {" and no ".join(strange)} ({strange[0]} goes with {", ".join(others)}); it '
            f"understands {', '.join(sorted(needed | known))}"
        )
    if method == "streets" and ("metres" in given) == ("minutes" in given):
        raise ProblemError('method "streets" needs the radius: give metres= or minutes=, one of the two')


class _Homes:
    """The communities that count: their ids, points in the common CRS, and people."""

    def __init__(self, layer: gpd.GeoDataFrame, weights: pd.Series | None, network: Network | None, crs: Any) -> None:
        if not isinstance(layer, gpd.GeoDataFrame):
            raise LayerError("communities", f"is a {type(layer).__name__}; give a GeoDataFrame (siting.read_layer)")
        if not len(layer):
            raise LayerError("communities", "has no rows; candidates are looked for around communities")
        if not layer.index.is_unique:
            twice = layer.index[layer.index.duplicated()].unique()
            raise LayerError("communities", f"ids stand twice: {some(twice)}; give each its own")
        if network is not None and not isinstance(network, Network):
            raise ProblemError(f"network is a {type(network).__name__}; give a Network (Network.from_streets)")
        people = layer.get("population") if weights is None else weights
        self.people = None if people is None else amounts(people, layer.index, what="weights", of="communities")
        if weights is not None and self.people is not None:
            layer = layer[self.people.to_numpy() > 0]
            self.people = self.people.loc[layer.index]
            if not len(layer):
                raise ProblemError("weights are 0 in every community; give people for one at least")
        check_extent(layer, "communities")
        self.crs: pyproj.CRS = network.crs if network else common_crs([layer], crs, layer="communities")
        self.layer = layer
        self.point = points_in(layer, self.crs)

    def needed(self) -> Floats:
        """Return the people, which must be known here."""
        if self.people is None:
            columns = some(self.layer.columns.drop("geometry", errors="ignore"), most=20)
            raise LayerError(
                "communities", f'has no column "population" (there are {columns}); give weights=, a Series of people'
            )
        return self.people.to_numpy(float)

    def count(self, frame: gpd.GeoDataFrame, metres: float) -> gpd.GeoDataFrame:
        """Add up the people and communities at most so far from each point."""
        return self.counted(frame, *near_pairs(points(frame).to_numpy(), self.point, metres))

    def counted(self, frame: gpd.GeoDataFrame, row: Positions, home: Positions) -> gpd.GeoDataFrame:
        """Add the columns `people`, where these are known, and `communities` for the pairs of row and community."""
        n = len(frame)
        found = {}
        if self.people is not None:
            found["people"] = np.bincount(row, self.people.to_numpy(float)[home], minlength=n)
        return frame.assign(**found, communities=np.bincount(row, minlength=n).astype(np.int64))


def _named(method: str, columns: Mapping[str, Any], geometry: Shapes, crs: pyproj.CRS) -> gpd.GeoDataFrame:
    """Make a layer of points, numbered in their order."""
    ids = pd.Index([f"{method}-{k}" for k in range(1, len(geometry) + 1)], name="id", dtype="str")
    return gpd.GeoDataFrame(dict(columns), geometry=geometry, index=ids, crs=crs)


def _finished(frame: gpd.GeoDataFrame, method: str) -> gpd.GeoDataFrame:
    """Bring the layer to the canonical form, with its origin."""
    named = check_layer(frame.assign(source=method), "candidates", missing="zero")
    named.attrs["source"] = f"candidates ({method})"
    return named


# ---- grid and clusters


def _grid(homes: _Homes, step: float, within: float | None, boundary: gpd.GeoDataFrame | None) -> gpd.GeoDataFrame:
    """Lay a grid over what can be within both bounds; rows from south to north, in each from west to east."""
    boxes = []
    if within is not None:
        west, south, east, north = shapely.total_bounds(homes.point)
        far = metres_of("within", within)
        boxes.append((west - far, south - far, east + far, north + far))
    if boundary is not None:
        boxes.append(tuple(shapely.total_bounds(bounded(boundary, homes.crs))))
    corners = np.array(boxes)
    low = np.ceil(corners[:, :2].max(axis=0) / step).astype(np.int64)
    high = np.floor(corners[:, 2:].min(axis=0) / step).astype(np.int64)
    across, up = np.maximum(high - low + 1, 0).tolist()
    if across * up > MOST:
        raise ProblemError(
            f"a grid of {step:g} m has {across * up:,} points here, more than {MOST:,}; give a larger spacing, or make "
            "the candidates of each part of the area by itself"
        )
    y, x = np.meshgrid(np.arange(low[1], high[1] + 1), np.arange(low[0], high[0] + 1), indexing="ij")
    frame = _named("grid", {}, shapely.points(x.ravel() * step, y.ravel() * step), homes.crs)
    # Ids tell the place on the grid, so that they stay when communities are added.
    return frame.set_axis(pd.Index([f"grid-{i}-{j}" for i, j in zip(x.flat, y.flat, strict=True)], name="id"), axis=0)


def _from_clusters(homes: _Homes, number: object, network: Network | None) -> gpd.GeoDataFrame:
    people = homes.needed()
    xy = shapely.get_coordinates(homes.point)
    places = len(np.unique(xy[people > 0], axis=0))
    if not isinstance(number, int | np.integer) or isinstance(number, bool) or number < 1:
        raise ProblemError(f"number is {number!r}; ask for 1 cluster or more")
    if number > places:
        raise ProblemError(f"number is {number}, but people live at {places} places only; ask for {places} at most")
    cluster, centre = _clusters(xy, people, int(number))
    total = np.bincount(cluster, people[people > 0], minlength=int(number))
    order = np.lexsort((centre[:, 1], centre[:, 0], -total))
    rank = np.argsort(order)
    spot: Shapes = shapely.points(centre[order])
    columns: dict[str, Any] = {}
    if network is not None:
        edge = network.tree.nearest(spot)
        line = network.lines[edge]
        on = shapely.line_interpolate_point(line, shapely.line_locate_point(line, spot))
        columns["moved"] = np.round(shapely.distance(spot, on), 3)
        spot = on
    frame = _named("cluster", columns, spot, homes.crs)
    return homes.counted(frame, rank[cluster], np.flatnonzero(people > 0))


def _clusters(xy: Floats, people: Floats, number: int) -> tuple[Positions, Floats]:
    """Part the places where people live: the cluster of each, and the clusters' centres."""
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    lived = np.flatnonzero(people > 0)
    origin = xy[lived].mean(axis=0)
    # The seeding draws places by their position in the table: sorted, so that the order of rows does not matter.
    order = lived[np.lexsort((people[lived], xy[lived, 1], xy[lived, 0]))]
    with threadpool_limits(limits=1):  # threads would add up in the order in which they end
        model = KMeans(n_clusters=number, n_init=STARTS, random_state=0)
        label = model.fit_predict(xy[order] - origin, sample_weight=people[order])
    cluster = np.empty(len(people), np.intp)
    cluster[order] = label
    return cluster[lived], np.round(model.cluster_centers_ + origin, 3)


# ---- streets


def _from_streets(
    homes: _Homes, network: Network, metres: float | None, minutes: float | None, walk: Walk | None, max_snap: float
) -> gpd.GeoDataFrame:
    from siting.propose.candidates.dominance import dominating_points

    limit, unit, who = _limit(metres, minutes, walk, None)
    streets = network.for_walk(walk)
    located = streets.locate(homes.layer, max_snap=max_snap, name="communities")
    found = dominating_points(streets, located, limit, walk=_walks(streets, who))
    if not len(found.point):
        raise LayerError(
            "communities",
            f"none of {len(located)} comes within {metres if unit == 'm' else minutes:g} {unit} of any street; look at "
            "whether the network lies in the same place, or raise the radius",
        )
    columns = {"street": streets.columns.index[found.edge].astype(str), "along": found.along / 1000.0}
    frame = _named("streets", columns, found.point, homes.crs)
    log.info("candidates: %d points of the streets stand for all of them", len(frame))
    return homes.counted(frame, np.repeat(np.arange(len(frame)), np.diff(found.ptr)), found.item)
