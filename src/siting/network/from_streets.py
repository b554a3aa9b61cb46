"""The `Parts` of a network from layers of streets and from arrays."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import shapely

from siting.data import check_layer, to_metric
from siting.data.geometry_checks import HIGHEST, LOWEST
from siting.errors import NetworkError
from siting.messages import Message
from siting.network import heights, point_kernels
from siting.network.end_points import by_level, join_points, of_vertices
from siting.network.lengths import believed, report_lengths
from siting.network.parts import Parts, crs_code
from siting.network.places import frozen, millimetres
from siting.network.splitting import split_streets
from siting.network.street_words import directions, is_yes, osm_columns
from siting.network.walkable_streets import has_word, walkable
from siting.numbers import Bools, Floats, Ints, Ints8, Shapes

log = logging.getLogger(__name__)

#: Column of a frame of edges: 1 open from `u` to `v` only, -1 from `v` to `u` only, 0 both ways.
WAY = "_open_way"


def parts_from_streets(
    streets: gpd.GeoDataFrame, *, length: str, crs: Any, walking: bool, split: bool, oneway: str | None
) -> Parts:
    """Build from lines that meet at their ends; see `Network.from_streets`."""
    if hasattr(streets, "add_edge"):
        raise NetworkError(Message("network.layer_not_graph"))
    if isinstance(streets, tuple):
        raise NetworkError(Message("network.layer_not_tuple"))
    columns = streets.columns if isinstance(streets, gpd.GeoDataFrame) else (oneway, length)  # refused below
    if oneway is not None and oneway not in columns:
        raise NetworkError(Message("network.no_oneway", column=oneway))
    if length != "length" and length not in columns:
        raise NetworkError(Message("network.no_length", column=length))
    checked = check_layer(streets, "streets", columns={"length": length} if length != "length" else None)
    frame = to_metric(checked, crs, name="streets", checked=True).drop(columns=WAY, errors="ignore")
    frame, left_out = walkable_part(osm_columns(frame), walking)
    if frame.empty:
        raise NetworkError(Message("network.nothing_to_walk").within("streets"))
    raised = bool(shapely.has_z(frame.geometry.to_numpy()).any())
    if raised:
        frame = heights.sound(frame)
        if "rise" in frame:
            heights.report_rises(frame)
    whole = "length" in frame and (split or raised)
    if whole:  # a length is that of a whole line; its pieces have shares of it
        frame = frame.assign(length=lengths_of(frame, *vertices_of(frame.geometry.to_numpy())))
    if split:
        frame = split_streets(frame)
    if raised:
        frame = heights.cut_at_turns(frame)
    if oneway is not None:
        frame = frame.assign(**{WAY: directions(frame[oneway])})
    vertices, first = vertices_of(frame.geometry.to_numpy())
    corners, where = join_points(np.concatenate([vertices[first[:-1]], vertices[first[1:] - 1]]))
    if raised:
        z = of_vertices(frame.geometry.to_numpy())
        corners, where = by_level(corners, where, np.append(z[first[:-1]], z[first[1:] - 1]), frame.index)
        frame = heights.with_rises(frame, z, first)
    u, v = where[: len(frame)], where[len(frame) :]
    metres = frame["length"].to_numpy(float) if whole else lengths_of(frame, vertices, first)
    return parts_of_frame(frame, corners, pd.RangeIndex(len(corners)), u, v, metres, left_out, drawn=(vertices, first))


def parts_from_arrays(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    u: npt.ArrayLike,
    v: npt.ArrayLike,
    *,
    crs: Any,
    length: npt.ArrayLike | None,
    height: npt.ArrayLike | None,
    oneway: npt.ArrayLike | None,
) -> Parts:
    """Check arrays and build from them; see `Network.from_arrays`."""
    system = _metric(crs)
    number = len(np.atleast_1d(np.asarray(x)))
    xy = np.column_stack([_column(at, what, number) for what, at in (("x", x), ("y", y))])
    start, stop = (_positions(end, what, len(xy)) for what, end in (("u", u), ("v", v)))
    if len(start) != len(stop):
        raise NetworkError(Message("network.sizes_differ", u=len(start), v=len(stop)))
    if not len(start):
        raise NetworkError(Message("network.no_edges"))
    odd = ~np.isfinite(xy).all(axis=1)
    _refuse(odd, Message("network.nodes_no_number", what=["x", "y"], at=np.flatnonzero(odd)))
    straight = np.hypot(xy[start, 0] - xy[stop, 0], xy[start, 1] - xy[stop, 1])
    metres = straight if length is None else _column(length, "length", len(start))
    odd = ~np.isfinite(metres) | (metres < 0)
    _refuse(odd, Message("network.length_negative", at=np.flatnonzero(odd)))
    if length is not None:
        report_lengths(metres, straight)
    rise = signs = None
    if height is not None:
        level = _column(height, "height", len(xy))
        odd = ~np.isfinite(level)
        _refuse(odd, Message("network.nodes_no_number", what=["height"], at=np.flatnonzero(odd)))
        odd = (level < LOWEST) | (level > HIGHEST)
        _refuse(odd, Message("network.height_range", low=LOWEST, high=HIGHEST, at=np.flatnonzero(odd)))
        rise = level[stop] - level[start]
    if oneway is not None:
        signs = _column(oneway, "oneway", len(start))
        odd = ~np.isin(signs, (-1, 0, 1))
        _refuse(odd, Message("network.oneway_sign", at=np.flatnonzero(odd)))
    columns = pd.DataFrame(index=pd.RangeIndex(len(start), name="id"))
    oneways = None if signs is None else signs.astype(np.int8)
    return ordered(system, xy, pd.RangeIndex(len(xy)), start, stop, metres, columns, oneway=oneways, rise=rise)


def _refuse(wrong: Any, said: Message) -> None:
    if wrong.any():
        raise NetworkError(said)


def _metric(crs: Any) -> pyproj.CRS:
    try:
        system = pyproj.CRS.from_user_input(crs)
    except pyproj.exceptions.CRSError as fault:
        raise NetworkError(Message("datum.unknown_crs", value=crs)) from fault
    if not system.is_projected or system.axis_info[0].unit_conversion_factor != 1:
        raise NetworkError(Message("network.not_metres", crs=crs_code(system)))
    return system


def _positions(ends: npt.ArrayLike, what: str, nodes: int) -> Ints:
    array = np.asarray(ends)
    if array.ndim != 1:
        raise NetworkError(Message("network.positions_shape", what=what, shape=array.shape))
    if not np.issubdtype(array.dtype, np.integer) and array.size:
        raise NetworkError(Message("network.positions_type", what=what, type=str(array.dtype)))
    odd = (array < 0) | (array >= nodes)
    _refuse(odd, Message("network.positions_absent", what=what, at=np.flatnonzero(odd)))
    return array.astype(np.int64)


def _column(values: npt.ArrayLike, what: str, number: int) -> Floats:
    try:
        column = np.asarray(values, float)
    except (TypeError, ValueError) as fault:
        raise NetworkError(Message("network.array_no_number", what=what, why=str(fault))) from fault
    if column.shape != (number,):
        raise NetworkError(Message("network.array_shape", what=what, shape=column.shape, n=number))
    return column


def without_steps(network: Parts) -> Parts:
    """Leave the steps out of a network; the rest keeps its ids."""
    if "highway" not in network.columns:
        raise NetworkError(Message("network.no_highway"))
    steps = has_word(network.columns["highway"], "steps")
    if not steps.any():
        return network
    if steps.all():
        raise NetworkError(Message("network.all_steps"))
    return keep_edges(network, ~steps, {"steps": int(steps.sum())})


def keep_edges(network: Parts, keep: Bools, left_out: Mapping[str, int]) -> Parts:
    """Keep some of the edges, with their ids; *left_out* counts the others by reason."""
    xy = np.column_stack([network.x, network.y])
    frame, left_out = whole_edges(network)[keep], {**network.left_out, **left_out}
    return parts_of_frame(frame, xy, network.nodes, network.u[keep], network.v[keep], network.metres[keep], left_out)


def whole_edges(network: Parts) -> gpd.GeoDataFrame:
    """Return the edges with all the columns that `parts_of_frame` reads."""
    more = {WAY: network.oneway, "rise": network.rise}
    return network.edges.assign(**{name: values for name, values in more.items() if values is not None})


def walkable_part(frame: gpd.GeoDataFrame, walking: bool) -> tuple[gpd.GeoDataFrame, Mapping[str, int]]:
    """Leave out streets closed to walkers, counted by reason, and mark private ones."""
    if not walking:
        return mark_private(frame, is_yes(frame["private"])) if "private" in frame else frame, {}
    profile = walkable(frame)
    is_open, private = profile.open.to_numpy(), profile.private.to_numpy()
    if not is_open.all():
        frame, private = frame[is_open], private[is_open]
    return mark_private(frame, private), profile.left_out


def mark_private(frame: Any, private: Bools) -> Any:
    """Give streets the column `private` where any of them is private; else take it away."""
    if not private.any():
        return frame.drop(columns="private", errors="ignore")
    return frame.assign(private=private)


def vertices_of(lines: Shapes) -> tuple[Floats, Ints]:
    """List the vertices of lines, one line after another, and where each line begins."""
    first = np.zeros(len(lines) + 1, np.int64)
    np.cumsum(shapely.get_num_coordinates(lines), out=first[1:])
    return shapely.get_coordinates(lines), first


def lengths_of(frame: gpd.GeoDataFrame, vertices: Floats, first: Ints, names: Sequence[Any] | None = None) -> Floats:
    """Lengths in metres: the given ones where the lines confirm them, else those of the lines."""
    drawn: Floats = shapely.length(frame.geometry.to_numpy())
    if "length" not in frame:
        return drawn
    start, stop = vertices[first[:-1]], vertices[first[1:] - 1]
    straight = np.hypot(*(start - stop).T)
    names = frame.index if names is None else names
    return believed(frame["length"].to_numpy(float), drawn, straight, names, start, frame.crs)


def parts_of_frame(
    frame: gpd.GeoDataFrame, xy: Floats, names: pd.Index, u: npt.NDArray[Any], v: npt.NDArray[Any], metres: Floats,
    left_out: Mapping[str, int], drawn: tuple[Floats, Ints] | None = None,
) -> Parts:  # fmt: skip
    """Take the arrays of lines from *u* to *v* between the nodes *xy*; *drawn* is what `vertices_of` returns."""
    drawn = drawn or vertices_of(frame.geometry.to_numpy())
    columns = pd.DataFrame(frame.drop(columns=[frame.geometry.name, "length"], errors="ignore"))
    oneway = columns.pop(WAY).to_numpy(np.int8) if WAY in columns else None
    rise = columns["rise"].to_numpy(float) if "rise" in columns else None
    return ordered(pyproj.CRS(frame.crs), xy, names, u, v, metres, columns, drawn, oneway, rise, left_out)


def ordered(
    crs: pyproj.CRS, xy: Floats, names: pd.Index, u: npt.NDArray[Any], v: npt.NDArray[Any], metres: Floats,
    columns: pd.DataFrame, drawn: tuple[Floats, Ints] | None = None, oneway: Ints8 | None = None,
    rise: Floats | None = None, left_out: Mapping[str, int] | None = None,
) -> Parts:  # fmt: skip
    """Order nodes along a Hilbert curve and edges by their nodes; nodes without an edge are left out."""
    used = np.zeros(len(xy), bool)
    used[u] = used[v] = True
    kept = np.flatnonzero(used)
    x, y = np.ascontiguousarray(xy[kept, 0], float), np.ascontiguousarray(xy[kept, 1], float)
    # Hilbert code and location in one key: nodes at one location keep the order of the source.
    along = point_kernels.hilbert(x, y, 16) << np.uint64(32) | np.arange(len(kept), dtype=np.uint64)
    along.sort()
    order = (along & np.uint64(0xFFFFFFFF)).astype(np.int64)
    new = np.empty(len(xy), np.int32)
    new[kept[order]] = np.arange(len(order), dtype=np.int32)
    u, v = new[u], new[v]
    whole = millimetres(metres)
    if whole.max(initial=0) > np.iinfo(np.int32).max // 2:
        raise NetworkError(Message("network.very_long", ids=columns.index[whole == whole.max()]))
    ends = np.minimum(u, v).astype(np.int64) << 32 | np.maximum(u, v)
    by_node = np.argsort(ends)
    if (np.diff(ends[by_node]) == 0).any():  # parallel edges stay in the order of the source
        by_node = np.argsort(ends, kind="stable")
    vertices = first = None
    if drawn is not None:
        vertices, first = drawn
        many = np.diff(first)[by_node]
        at = np.repeat(first[:-1][by_node] - np.cumsum(many) + many, many) + np.arange(many.sum())
        vertices, first = frozen(vertices[at]), frozen(np.concatenate([[0], np.cumsum(many)]))
    if oneway is not None:
        oneway = np.where(whole == 0, 0, oneway).astype(np.int8)  # a street of no length has no direction
    if rise is not None and np.isnan(rise).any():
        log.warning(Message("length.rise_unknown", n=int(np.isnan(rise).sum()), total=len(rise)))
    oneway = None if oneway is None or not oneway.any() else frozen(oneway[by_node])
    rise = None if rise is None or not np.isfinite(rise).any() else frozen(rise[by_node])
    x, y = (frozen(column[order]) for column in (x, y))
    cost, metres = whole.astype(np.int32), np.asarray(metres, float)
    u, v, cost, metres = (frozen(column[by_node]) for column in (u, v, cost, metres))
    nodes, columns = names[kept[order]], columns.iloc[by_node]
    return Parts(crs, x, y, nodes, u, v, cost, metres, columns, vertices, first, oneway, rise, left_out or {})
