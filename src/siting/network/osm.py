"""Extracts of OpenStreetMap (`.osm.pbf`, `.osm`) into a `Network`, with pyosmium.

The file is read once, in C++; Python sees the ways with a `highway` only, and all that follows is done on whole arrays.
A way is cut where one of its nodes is used again, by another way or by itself: these are OpenStreetMap's crossings, so
bridges are not joined to what they cross. Nodes keep the ids that they have in OpenStreetMap.
"""

from __future__ import annotations

import bz2
import gzip
import logging
import re
from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from siting.data import to_crs, to_metric
from siting.errors import LayerError, NetworkError
from siting.network import build
from siting.network.graph import Network
from siting.network.profile import walkable

if TYPE_CHECKING:
    import osmium

log = logging.getLogger(__name__)

#: Tags that become columns of the edges, where any way has them.
TAGS = ("highway", "name", "bridge", "tunnel", "layer", "foot", "sidewalk", "access", "oneway", "area")
#: Suffix → the format that the reader is told, so that no content leads it elsewhere.
FORMATS = {".pbf": "pbf", ".osm": "osm", ".osm.gz": "osm.gz", ".osm.bz2": "osm.bz2"}
#: OpenStreetMap text shrinks to a tenth or so; what unpacks to more than this many times its size is no map.
MOST_UNPACKED = 200
WGS84 = "EPSG:4326"

_NOWHERE = 2**31 - 1  # pyosmium's coordinate of a node that is not in the file
_DEGREE = 1e7  # pyosmium's coordinates are whole 1e-7 degrees, as those of OpenStreetMap are
_REMOTE = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]+:|^[\\/]+vsi|^[\\/]{2}")

Mask = npt.NDArray[np.bool_]
Longs = npt.NDArray[np.int64]


def network_from_osm(path: str | Path, *, area: Any = None, crs: Any = None, walking: bool = True) -> Network:
    """Build a network from an extract of OpenStreetMap; see `Network.from_osm`."""
    file = _local_file(path)
    clip = None if area is None else _area(area)
    ways = _read(file)
    if not len(ways.tags):
        raise NetworkError(f'"{file.name}" holds no way with a "highway"; take an extract that has streets in it')
    left_out: dict[str, int] = {}
    if walking:
        is_open, left_out = walkable(ways.tags)
        ways = ways.select(is_open.to_numpy())
        if not len(ways.tags):
            raise NetworkError(
                f'"{file.name}": no street is left to walk on ({left_out}); pass walking=False to keep all'
            )
    edges = _cut(ways)
    unknown = len(ways.tags) - len(np.unique(edges.way))
    if unknown:
        left_out["nodes missing"] = unknown
    if not len(edges.way):
        raise NetworkError(f'"{file.name}" holds streets without their nodes; take an extract with complete ways')
    inside = _inside(edges, clip)
    if not inside.any():
        raise NetworkError(
            f'"{file.name}": no street meets the area {_span(shapely.bounds(clip))}; its streets lie in '
            f"{_span(edges.bounds())} (west, south, east, north, degrees)"
        )
    beyond = len(np.unique(edges.way)) - len(np.unique(edges.way[inside]))
    if beyond:
        left_out["outside the area"] = beyond
        log.info("%s: %d ways do not meet the area and are left out", file.name, beyond)
    return _network(file.name, ways.tags, edges, inside, crs, left_out)


@dataclass(frozen=True, eq=False)
class _Ways:
    """Ways as they stand in the file: a row of tags each, and their nodes one after another."""

    tags: pd.DataFrame
    size: Longs  # nodes of each way
    ref: Longs
    x: npt.NDArray[np.int32]
    y: npt.NDArray[np.int32]

    def select(self, keep: Mask) -> _Ways:
        if keep.all():
            return self
        node = np.repeat(keep, self.size)
        return _Ways(self.tags[keep], self.size[keep], self.ref[node], self.x[node], self.y[node])


class _Edges(NamedTuple):
    """Ways cut at their crossings: nodes one after another, an edge's last node repeated as the next one's first."""

    way: Longs  # position of the way, for each edge
    number: Longs  # running number of the edge along its way, from 1
    first: Longs  # position of the edge's first node
    last: Longs
    edge: Longs  # edge of each node
    ref: Longs
    lonlat: npt.NDArray[np.float64]

    def bounds(self) -> npt.NDArray[np.float64]:
        return np.concatenate([self.lonlat.min(axis=0), self.lonlat.max(axis=0)])


# Reading


def _local_file(path: str | Path) -> Path:
    text = str(path)
    if _REMOTE.search(text) and not re.match(r"[A-Za-z]:[\\/]", text):
        raise NetworkError(f'"{text}" is not a local file; download it first')
    file = Path(path)
    if _format(file) is None:
        raise NetworkError(f'"{file.name}" is no extract of OpenStreetMap; give .osm.pbf, .osm, .osm.gz or .osm.bz2')
    if not file.is_file():
        raise NetworkError(f'"{text}" is not there, or is no file; look at the path')
    return file


def _format(file: Path) -> str | None:
    fits = [kind for suffix, kind in FORMATS.items() if file.name.lower().endswith(suffix)]
    return fits[0] if fits else None


def _read(file: Path) -> _Ways:
    """Read the ways that have a `highway`, with the places of their nodes."""
    try:
        import osmium
    except ImportError as fault:
        raise NetworkError(f'"{file.name}" needs pyosmium: pip install siting[osm]') from fault
    try:
        _refuse_bomb(file)
        ways = _ways(osmium.io.File(str(file), _format(file) or ""))
    except NetworkError:
        raise
    except (RuntimeError, ValueError, OSError, EOFError, osmium.InvalidLocationError) as fault:
        raise NetworkError(
            f'"{file.name}" cannot be read as data of OpenStreetMap: {fault}; it is cut short, damaged or of another '
            "kind; download or export it again"
        ) from fault
    return _once(ways)


def _refuse_bomb(file: Path) -> None:
    """Refuse a small file that unpacks to a huge one."""
    kind = _format(file) or ""
    if not kind.endswith((".gz", ".bz2")):
        return  # a block of a .pbf may not unpack to more than 32 MB, says its format, and the reader keeps to it
    most, size = max(MOST_UNPACKED * file.stat().st_size, 2**24), 0
    with gzip.open(file) if kind.endswith(".gz") else bz2.open(file) as handle:
        while block := handle.read(2**20):
            size += len(block)
            if size > most:
                raise NetworkError(
                    f'"{file.name}" unpacks to more than {MOST_UNPACKED} times its size; no map does, so it is refused'
                )


def _ways(source: osmium.io.File) -> _Ways:
    import osmium

    refs, xs, ys, size, ids = array("q"), array("i"), array("i"), array("q"), array("q")
    tags: dict[str, list[str | None]] = {tag: [] for tag in TAGS}
    columns = [(tag, found.append) for tag, found in tags.items()]
    reader = osmium.FileProcessor(source, osmium.osm.NODE | osmium.osm.WAY)
    header = reader.header
    if not any(header.get(f"pbf_optional_feature_{i}") == "LocationsOnWays" for i in range(8)):
        reader = reader.with_locations()
    # The filters run in C++: what they hold back costs nothing here.
    only_ways = osmium.filter.EntityFilter(osmium.osm.WAY)
    for way in reader.with_filter(only_ways).with_filter(osmium.filter.KeyFilter("highway")):
        if way.deleted or not way.visible:  # type: ignore[union-attr]
            continue
        nodes = list(way.nodes)  # type: ignore[union-attr]
        ids.append(way.id)
        size.append(len(nodes))
        refs.extend([node.ref for node in nodes])
        places = [node.location for node in nodes]
        xs.extend([place.x for place in places])
        ys.extend([place.y for place in places])
        value = way.tags.get
        for tag, add in columns:
            add(value(tag))
    ref = np.array(refs, np.int64)
    x, y = np.array(xs, np.int32), np.array(ys, np.int32)
    if header.get("sorting") != "Type_then_ID":
        _find_late(source, reader.node_location_storage, ref, x, y)
    said = {tag: found for tag, found in tags.items() if any(value is not None for value in found)}
    frame = pd.DataFrame({"osm_id": np.array(ids, np.int64), **said})
    return _Ways(frame, np.array(size, np.int64), ref, x, y)


def _find_late(
    source: osmium.io.File,
    known: osmium.index.LocationTable | None,
    ref: Longs,
    x: npt.NDArray[np.int32],
    y: npt.NDArray[np.int32],
) -> None:
    """Fill in nodes that stand behind the ways in the file, or that an editor has numbered below 0."""
    import osmium

    lost = np.flatnonzero(~_known(x, y))
    if not len(lost) or known is None:
        return
    found: dict[int, tuple[int, int]] = {}
    if (ref[lost] < 0).any():
        wanted = set(ref[lost].tolist())
        for node in osmium.FileProcessor(source, osmium.osm.NODE):
            if node.id in wanted:
                found[node.id] = (node.location.x, node.location.y)  # type: ignore[union-attr]
    for one in np.unique(ref[lost][ref[lost] > 0]).tolist():
        try:
            place = known.get(one)
        except KeyError:
            continue
        found[one] = (place.x, place.y)
    for at in lost.tolist():
        x[at], y[at] = found.get(int(ref[at]), (_NOWHERE, _NOWHERE))


def _known(x: npt.NDArray[np.int32], y: npt.NDArray[np.int32]) -> Mask:
    """Tell which nodes have a place on earth."""
    west_east = np.abs(x.astype(np.int64)) <= 180 * _DEGREE
    known: Mask = west_east & (np.abs(y.astype(np.int64)) <= 90 * _DEGREE)
    return known


def _once(ways: _Ways) -> _Ways:
    """Keep the last of ways that stand in the file twice, as files put together from parts have them."""
    again = ways.tags["osm_id"].duplicated(keep="last").to_numpy()
    if again.any():
        log.info("%d ways stand in the file more than once and are taken once", int(again.sum()))
    return ways.select(~again)


# Cutting


def _cut(ways: _Ways) -> _Edges:
    """Cut ways at nodes that are used again, and where a node is missing."""
    way = np.repeat(np.arange(len(ways.size)), ways.size)
    here = _known(ways.x, ways.y)
    lost = len(np.unique(ways.ref[~here]))
    if lost:
        torn = len(np.unique(way[~here]))
        log.info("%d nodes of %d ways are not in the file; the ways are kept as far as they are known", lost, torn)
    # A stretch is what is known of a way without a gap; a node that repeats the one before says nothing.
    stretch = np.cumsum(_differs(way) | ~here | ~np.concatenate([[False], here[:-1]]))
    again = np.zeros(len(way), np.bool_)
    again[1:] = (stretch[1:] == stretch[:-1]) & (ways.ref[1:] == ways.ref[:-1])
    keep = here & ~again
    way, stretch, ref = way[keep], stretch[keep], ways.ref[keep]
    _, name, uses = np.unique(ref, return_inverse=True, return_counts=True)
    start = _differs(stretch)
    stop = np.concatenate([start[1:], [True]])[: len(start)]
    crossing = (uses[name] > 1) & ~start & ~stop
    alone = start & stop
    # A crossing stands twice: as the end of one edge and as the start of the next.
    source = np.repeat(np.arange(len(way)), np.where(alone, 0, 1 + crossing))
    second = np.concatenate([[False], source[1:] == source[:-1]])[: len(source)]
    begins = start[source] | second
    edge = np.cumsum(begins) - 1
    first = np.flatnonzero(begins)
    last = np.append(first[1:], len(source))[: len(first)] - 1
    of_way = way[source[first]]
    number = np.arange(len(first)) - np.flatnonzero(_differs(of_way))[np.cumsum(_differs(of_way)) - 1] + 1
    lonlat = np.column_stack([ways.x[keep][source], ways.y[keep][source]]) / _DEGREE
    return _Edges(of_way, number, first, last, edge, ref[source], lonlat)


def _differs(keys: npt.NDArray[Any]) -> Mask:
    """Tell where a run of equal keys begins."""
    new = np.ones(len(keys), np.bool_)
    new[1:] = keys[1:] != keys[:-1]
    return new


# Clipping


def _area(area: Any) -> Any:
    """Return the area as one prepared geometry in degrees.

    Raises
    ------
    NetworkError
        When it is no area, or not in degrees.
    """
    if isinstance(area, gpd.GeoDataFrame | gpd.GeoSeries):
        try:
            shape = to_crs(area, WGS84).geometry.union_all()
        except LayerError as fault:
            raise NetworkError(f"area: {fault}") from fault
    elif isinstance(area, shapely.Geometry):
        shape = area
    else:
        try:
            west, south, east, north = (float(number) for number in area)
        except (TypeError, ValueError) as fault:
            raise NetworkError(
                "area must be a geometry, a GeoDataFrame, or (west, south, east, north) in degrees"
            ) from fault
        if not (west < east and south < north):
            raise NetworkError(f"area is {area!r}; give (west, south, east, north), in degrees")
        shape = shapely.box(west, south, east, north)
    bounds = shapely.bounds(shape)
    if not np.isfinite(bounds).all() or (np.abs(bounds) > [180, 90, 180, 90]).any():
        raise NetworkError(
            f"area has the bounds {_span(bounds)}; give longitudes and latitudes (EPSG:4326), or a GeoDataFrame with "
            "its CRS"
        )
    if not shapely.is_valid(shape):
        shape = shapely.make_valid(shape)
    shapely.prepare(shape)
    return shape


def _inside(edges: _Edges, clip: Any) -> Mask:
    """Tell which edges meet the area; lines are drawn only for those whose box does."""
    n = len(edges.way)
    if clip is None:
        return np.ones(n, np.bool_)
    west, south, east, north = shapely.bounds(clip)
    low = np.minimum.reduceat(edges.lonlat, edges.first)
    high = np.maximum.reduceat(edges.lonlat, edges.first)
    near = (low[:, 0] <= east) & (high[:, 0] >= west) & (low[:, 1] <= north) & (high[:, 1] >= south)
    inside: Mask = near.copy()
    inside[near] = shapely.intersects(clip, _lines(edges, near))
    return inside


def _span(bounds: npt.NDArray[np.float64]) -> str:
    return "(" + ", ".join(f"{value:.6g}" for value in bounds) + ")"


# The network


def _lines(edges: _Edges, keep: Mask) -> npt.NDArray[np.object_]:
    node = keep[edges.edge]
    new = np.cumsum(keep) - 1
    found: npt.NDArray[np.object_] = shapely.linestrings(edges.lonlat[node], indices=new[edges.edge[node]])
    return found


def _network(name: str, tags: pd.DataFrame, edges: _Edges, keep: Mask, crs: Any, left_out: dict[str, int]) -> Network:
    way = edges.way[keep]
    of_edge = tags.iloc[way].dropna(axis="columns", how="all")
    number = pd.Series(edges.number[keep], of_edge.index).astype(str)
    of_edge.index = pd.Index(of_edge["osm_id"].astype(str) + "-" + number, name="id")
    drawn = gpd.GeoDataFrame(of_edge, geometry=_lines(edges, keep), crs=WGS84)
    drawn.attrs["source"] = name
    frame = to_metric(drawn, crs)
    lines = frame.geometry.to_numpy()
    ends = np.concatenate([edges.ref[edges.first[keep]], edges.ref[edges.last[keep]]])
    nodes, where, node = np.unique(ends, return_index=True, return_inverse=True)
    corners = np.concatenate([shapely.get_point(lines, 0), shapely.get_point(lines, -1)])[where]
    u, v = node[: len(lines)], node[len(lines) :]
    xy = shapely.get_coordinates(corners)
    return build.assemble(frame, xy, pd.Index(nodes), u, v, shapely.length(lines), left_out)
