"""`service_areas`: polygons of what can be walked to, which follow the streets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from siting.errors import ProblemError
from siting.measure.reach import Unit
from siting.measure.travel import _limit, _located
from siting.network import Network, Places, Walk, search

__all__ = ["service_areas"]

Floats = npt.NDArray[np.float64]


def service_areas(
    network: Network,
    facilities: gpd.GeoDataFrame | Places,
    *,
    metres: float | Sequence[float] | None = None,
    minutes: float | Sequence[float] | None = None,
    walk: Walk | None = None,
    width: float = 40.0,
    fill: float = 20_000.0,
    dissolve: bool = False,
    max_snap: float = 250.0,
) -> gpd.GeoDataFrame:
    """Draw the areas within a walk of facilities.

    The streets that are reached, with the part of the last street that is, are widened by *width*; no hull is drawn
    around them, so that a river without a bridge stays outside.

    Parameters
    ----------
    network
        The streets.
    facilities
        Points or polygons, or places on the network.
    metres, minutes
        One limit or several; each makes its own areas, which hold the smaller ones.
    walk
        Who walks the minutes; `Walk.adult` when not given.
    width
        How far beside a reached street the area extends, metres.
    fill
        Holes smaller than this are filled, m².
    dissolve
        One area for each limit, of all facilities together; else one for each facility and limit.
    max_snap
        As for `travel`.

    Returns
    -------
    GeoDataFrame
        Columns `facility` (unless dissolved), `limit`, `unit` ("m" or "min") and geometry, in the network's CRS;
        largest limit first, so that smaller ones are drawn over it. A facility on no street has no area.

    Raises
    ------
    ProblemError
        When no limit, or both kinds, are given, or one is implausible, or *width* or *fill* is not.
    LayerError, NetworkError
        As for `travel`.

    Examples
    --------
    >>> import siting as st
    >>> town = st.load_sample()
    >>> net = st.Network.from_streets(town["streets"])
    >>> st.service_areas(net, town["childcare"], metres=[300, 500], dissolve=True)["limit"].tolist()
    [500.0, 300.0]
    """
    budgets, unit = _budgets(metres, minutes, walk)
    if not 0 < width < math.inf:
        raise ProblemError(f"width is {width!r}; give metres above 0")
    if not fill >= 0:
        raise ProblemError(f"fill is {fill!r}; give m² of 0 or more")
    places = _located(network, facilities, max_snap)
    group, node, cost = search.within_nodes(network, places, max(budgets.values()), together=dissolve)
    rows = []
    for limit, budget in budgets.items():
        spans = _spans(network, places, group, node, cost, budget, together=dissolve)
        if spans.empty:
            continue
        lines = _cut(network.lines, spans)
        for owner, at in spans.groupby("group").indices.items():
            area = _fill(shapely.union_all(shapely.buffer(lines[at], width, quad_segs=4)), fill)
            row = {"limit": float(limit), "unit": unit, "geometry": area}
            rows.append(row if dissolve else {"facility": places.ids[cast("int", owner)], **row})
    columns = ["limit", "unit", "geometry"] if dissolve else ["facility", "limit", "unit", "geometry"]
    return gpd.GeoDataFrame(pd.DataFrame(rows, columns=columns), geometry="geometry", crs=network.crs)


def _budgets(
    metres: float | Sequence[float] | None,
    minutes: float | Sequence[float] | None,
    walk: Walk | None,
) -> tuple[dict[float, int], Unit]:
    """Turn the limits into millimetres, the largest first."""
    if (metres is None) == (minutes is None):
        raise ProblemError("give metres or minutes, one of the two")
    given = metres if metres is not None else minutes
    limits = sorted({float(x) for x in np.atleast_1d(np.asarray(given, float))}, reverse=True)
    if not limits:
        raise ProblemError("give at least one limit")
    if metres is not None:
        return {limit: _limit(limit, None, walk, None)[0] for limit in limits}, "m"
    return {limit: _limit(None, limit, walk, None)[0] for limit in limits}, "min"


def _spans(
    network: Network,
    places: Places,
    group: npt.NDArray[np.int32],
    node: npt.NDArray[np.int32],
    cost: npt.NDArray[np.int32],
    budget: int,
    *,
    together: bool,
) -> pd.DataFrame:
    """List which part of which edge is reached: `group`, `edge`, `low`, `high` (share of the edge from u)."""
    within = cost <= budget
    group, node, left = group[within], node[within], budget - cost[within].astype(np.int64)
    ptr, edge_of = _edges_of_nodes(network)
    many = ptr[node + 1] - ptr[node]
    row = np.repeat(np.arange(len(node)), many)
    edge = edge_of[np.repeat(ptr[node], many) + _running(many)]
    long = network.cost[edge].astype(np.int64)
    share = np.where(long > 0, np.minimum(1.0, left[row] / np.maximum(long, 1)), 1.0)
    from_u = network.u[edge] == node[row]
    from_v = network.v[edge] == node[row]
    ends = pd.DataFrame({"group": group[row], "edge": edge})
    ends["low_to"] = np.where(from_u, share, 0.0)
    ends["high_from"] = np.where(from_v, 1.0 - share, 1.0)
    # Every edge once: what is reached from u, and from v.
    both = ends.groupby(["group", "edge"], as_index=False).agg({"low_to": "max", "high_from": "min"})
    own = _own_spans(network, places, budget, together=together)
    meet = both["low_to"] >= both["high_from"]
    parts = [
        both[meet][["group", "edge"]].assign(low=0.0, high=1.0),
        both[~meet & (both["low_to"] > 0)].assign(low=0.0).rename(columns={"low_to": "high"}),
        both[~meet & (both["high_from"] < 1)].assign(high=1.0).rename(columns={"high_from": "low"}),
        own,
    ]
    return pd.concat([part[["group", "edge", "low", "high"]] for part in parts], ignore_index=True)


def _own_spans(network: Network, places: Places, budget: int, *, together: bool) -> pd.DataFrame:
    """List what each place reaches along its own edge, either way."""
    on = np.flatnonzero((places.edge >= 0) & (places.door < budget))
    edge = places.edge[on]
    long = np.maximum(network.cost[edge].astype(np.int64), 1)
    left = budget - places.door[on].astype(np.int64)
    at = places.to_u[on].astype(np.int64)
    return pd.DataFrame(
        {
            "group": 0 if together else on,
            "edge": edge,
            "low": np.maximum(0, at - left) / long,
            "high": np.minimum(long, at + left) / long,
        }
    )


def _edges_of_nodes(network: Network) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Edges that end at each node, as pointers and edge positions; a loop stands twice."""
    ends = np.concatenate([network.u, network.v])
    edge = np.tile(np.arange(len(network.u)), 2)
    order = np.argsort(ends, kind="stable")
    ptr = np.zeros(len(network.x) + 1, np.int64)
    np.cumsum(np.bincount(ends, minlength=len(network.x)), out=ptr[1:])
    return ptr, edge[order]


def _running(many: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Count 0, 1, … within each run: [2, 3] gives 0 1 0 1 2."""
    return np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)


def _cut(lines: npt.NDArray[np.object_], spans: pd.DataFrame) -> npt.NDArray[np.object_]:
    """Cut the part from `low` to `high` (shares of the length) out of each span's line."""
    edge = spans["edge"].to_numpy()
    line = lines[edge]
    xy, of = shapely.get_coordinates(line, return_index=True)
    step = np.hypot(*np.diff(xy, axis=0).T)
    inside = of[1:] == of[:-1]
    start, stop, owner, step = xy[:-1][inside], xy[1:][inside], of[1:][inside], step[inside]
    total = np.bincount(owner, step, minlength=len(line))
    before = np.cumsum(step) - step
    first = np.searchsorted(owner, np.arange(len(line)))
    at = before - before[first[owner]]  # way along the line to the segment's start
    low = (spans["low"].to_numpy() * total)[owner]
    high = (spans["high"].to_numpy() * total)[owner]
    safe = np.where(step > 0, step, 1.0)
    a = np.clip((low - at) / safe, 0, 1)
    b = np.clip((high - at) / safe, 0, 1)
    # A point of no length is kept where it is reached: it may be all that there is of a street.
    keep = np.where(step > 0, b > a, (low <= at) & (at <= high))
    a, b, start, stop, owner = a[keep], b[keep], start[keep], stop[keep], owner[keep]
    delta = stop - start
    ends = np.stack([start + a[:, None] * delta, start + b[:, None] * delta], axis=1)
    pieces = shapely.linestrings(ends)
    parts: npt.NDArray[np.object_] = np.full(len(line), None, object)
    shapely.multilinestrings(pieces, indices=owner, out=parts)
    return parts


def _fill(area: shapely.Geometry, least: float) -> shapely.Geometry:
    """Fill the holes smaller than *least* m²."""
    rebuilt = []
    for part in shapely.get_parts(area):
        rings = shapely.get_rings(part)
        holes = [r for r in rings[1:] if shapely.area(shapely.polygons(r)) >= least]
        rebuilt.append(shapely.polygons(rings[0], holes=holes) if holes else shapely.polygons(rings[0]))
    # A part may have lain in the hole of another.
    return shapely.multipolygons(shapely.get_parts(shapely.union_all(rebuilt)))
