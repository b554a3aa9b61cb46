"""A constant offset between two layers, of the size and direction of a wrong datum.

Places lie near the streets that they were mapped with. A layer of a map service that is taken for WGS 84 lies
anywhere, and fits the streets only where it is moved by the offset of its datum. `find_offset` compares the distances
to the nearest street, each capped at `CAP`, of the layer as it is, of the layer moved by each pair of datums, and of
controls: the layer moved to rings around that place. A pair of datums is found when its mean distance is

- less than that of the layer as it is, by `PAIRED` standard errors of the differences between the same places,
- less than that of every control, and
- less than the mean of the controls by `APART` of their standard deviations.

The controls are what keeps layers without any relation to the streets, at the edge of a network, or in the middle of
blocks from being suspected: whatever lowers the distances there lowers those of controls, too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import shapely
from pyproj import CRS

from siting.data.china_datums import Datum, is_shifted, shifted
from siting.data.combine import one_layer
from siting.data.crs import points, to_crs
from siting.data.datums import like_wgs84
from siting.data.extent import projection
from siting.data.projection_choice import common_crs
from siting.errors import LayerError
from siting.messages import Message
from siting.numbers import Floats

__all__ = ["DatumOffset", "datum_offset", "describe", "find_offset", "read_as"]

#: Distances above this are equally far, metres.
CAP = 100.0
#: Fewest places that are judged, most that are looked at first, and most that decide.
FEWEST, FIRST, MOST = 10, 150, 1000
#: Places in one cell of this side count once, metres.
CELL = 25.0
#: Offsets below this cannot be found, metres.
SHORTEST = 60.0
#: Directions of the controls, and their distances as shares of the offset, or of the least of these, metres.
RING, RADII, NEAREST = 24, (0.6, 0.8, 1.0, 1.2), 250.0
#: Least differences: standard errors to the layer as it is, at first and in the end; standard deviations to controls.
SUSPECT, PAIRED, APART = 1.5, 3.0, 3.0

Pair = tuple[Datum, Datum]
#: Datums of the layer and of the other one that would explain an offset.
PAIRS: tuple[Pair, ...] = (
    ("GCJ-02", "WGS84"), ("BD-09", "WGS84"), ("WGS84", "GCJ-02"), ("WGS84", "BD-09"), ("BD-09", "GCJ-02"),
    ("GCJ-02", "BD-09"),
)  # fmt: skip


class Offset(NamedTuple):
    """The datums of a layer and of the other, the metres between them, and mean distances as it is and moved."""

    datums: Pair
    metres: float
    as_is: float
    moved: float


@dataclass(frozen=True)
class DatumOffset:
    """The offset between two layers; made by `datum_offset`.

    Attributes
    ----------
    layer, near
        Their names.
    places
        The number of places that were compared.
    datums
        The datums of the numbers of the layer and of the other that would explain the offset; None where there is none.
    metres
        Its length; 0 where there is none.
    read_as
        The datum to read the layer ("layer") or the other one ("near") with; "WGS84" is without datum=.
    text
        The offset and its remedy in words; empty where there is none.
    """

    layer: str
    near: str
    places: int
    datums: Pair | None = None
    metres: float = 0.0
    read_as: Mapping[str, Datum] = field(default_factory=dict)
    text: str | Message = ""

    def __bool__(self) -> bool:
        return self.datums is not None

    def __str__(self) -> str:
        if self.datums is None:
            return f"{self.layer}: no offset of a datum beside {self.near}, by {self.places} places"
        return f"{self.layer}: {self.text}"


def datum_offset(layer: Any, near: Any, *, names: tuple[str, str] | None = None) -> DatumOffset:
    """Find a constant offset between two layers that a wrong datum explains, such as homes beside streets.

    Parameters
    ----------
    layer, near
        GeoDataFrames or GeoSeries with a CRS: places, and what they lie near to, best the streets.
    names
        Their names in messages; default their sources.

    Returns
    -------
    DatumOffset
        True where there is one. Fewer than ten places are not judged; fifty to two hundred are needed where streets
        are dense.

    Raises
    ------
    LayerError
        When a layer has no CRS or no row with a place.

    Examples
    --------
    >>> from siting.data import convert_datum, load_sample
    >>> town = load_sample()
    >>> homes = convert_datum(town["communities"], "WGS84", "GCJ-02")
    >>> found = datum_offset(homes, town["streets"], names=("communities", "streets"))
    >>> bool(found), found.datums, round(found.metres)
    (True, ('GCJ-02', 'WGS84'), 588)
    >>> bool(datum_offset(town["communities"], town["streets"]))
    False
    """
    frames, stand_in = (one_layer(layer, "layer"), one_layer(near, "near")), ("the layer", "the other layer")
    called, other = names or (str(one.attrs.get("source", word)) for one, word in zip(frames, stand_in, strict=True))
    crs = common_crs([near], layer=other)
    shapes = np.asarray(to_crs(near, crs).geometry.array, dtype=object)
    shapes = shapes[np.isfinite(shapely.bounds(shapes)).all(axis=1)]
    place = shapely.get_coordinates(points(to_crs(layer, crs)))
    place = place[np.isfinite(place).all(axis=1)]
    for lacking, what in ((not len(place), called), (not len(shapes), other)):
        if lacking:
            raise LayerError(what, Message("datum.no_place"))
    tree = shapely.STRtree(shapes)

    def metres_to(xy: Floats) -> Floats:
        at = shapely.points(xy)
        away: Floats = shapely.distance(at, shapes[tree.nearest(at)])
        return away

    found = find_offset(place, crs, metres_to)
    if found is None:
        return DatumOffset(called, other, len(place))
    reading = read_as(found.datums, layer.attrs.get("datum"), near.attrs.get("datum"))
    text = describe(found, other, reading)
    return DatumOffset(called, other, len(place), found.datums, found.metres, reading, text)


def find_offset(xy: Floats, crs: CRS, metres_to: Callable[[Floats], Floats]) -> Offset | None:
    """Find the pair of datums that explains the offset of places (n, 2), in the projected *crs*; None without one.

    *metres_to* returns the distance of each of some places to the nearest shape of the other layer.
    """
    place = _spread(xy)
    if len(place) < FEWEST or not like_wgs84(crs):
        return None

    def distances(places: Floats) -> Floats:
        return np.minimum(metres_to(places), CAP)

    few, suspects, found = place[:FIRST], list[Pair](), list[Offset]()
    moves = {pair: moved for pair in PAIRS if (moved := _moved(few, crs, pair)) is not None}
    if moves:
        as_is, *nearer = distances(np.concatenate([few, *moves.values()])).reshape(-1, len(few))
        suspects = [pair for pair, near in zip(moves, nearer, strict=True) if _errors_less(near, as_is) > SUSPECT]
    place = place[:MOST]
    for pair in suspects:
        moved = _moved(place, crs, pair)
        if moved is None:
            continue
        as_is, near = distances(place), distances(moved)
        metres = float(np.hypot(*(moved - place).T).mean())
        if _errors_less(near, as_is) > PAIRED and _stands_out(moved, metres, float(near.mean()), distances):
            found.append(Offset(pair, metres, float(as_is.mean()), float(near.mean())))
    return min(found, key=lambda one: one.moved, default=None)


def _spread(xy: Floats) -> Floats:
    """Return one place of each cell, by chance, but the same ones in the same order every time."""
    xy = xy[np.lexsort(xy.T)]
    _, rows = np.unique(np.floor(xy / CELL), axis=0, return_index=True)
    mixed: Floats = xy[np.random.default_rng(0).permutation(rows)]
    return mixed


def _moved(place: Floats, crs: CRS, pair: Pair) -> Floats | None:
    """Return places moved from the first datum of a pair to the second; None where most move too little."""
    lonlat = np.column_stack(projection(crs)(place[:, 0], place[:, 1], inverse=True))
    moved = shifted(lonlat, *pair)
    moved = np.column_stack(projection(crs)(moved[:, 0], moved[:, 1]))
    return None if np.median(np.hypot(*(moved - place).T)) < SHORTEST else moved


def _errors_less(less: Floats, more: Floats) -> float:
    """Return by how many standard errors of the differences *less* is less than *more*, on average."""
    gain = more - less
    error = float(gain.std(ddof=1)) / math.sqrt(len(gain))
    return float(gain.mean()) / max(error, 1e-9)


def _stands_out(moved: Floats, radius: float, least: float, distances: Callable[[Floats], Floats]) -> bool:
    """Whether the mean distance *least* of moved places is far less than those of controls around them."""
    angle = np.arange(RING) * (2 * np.pi / RING)
    steps = [share * max(radius, NEAREST) * np.column_stack([np.cos(angle), np.sin(angle)]) for share in RADII]
    controls = distances((moved + np.concatenate(steps)[:, None, :]).reshape(-1, 2)).reshape(-1, len(moved))
    means = controls.mean(axis=1)
    spread = max(float(means.std(ddof=1)), float(controls.std()) / len(moved) ** 0.5)
    return bool(least < means.min() and means.mean() - least > APART * spread)


def read_as(pair: Pair, converted: object = None, near_converted: object = None) -> dict[str, Datum]:
    """Return the datums to read the layer ("layer") and the other one ("near") with; WGS84 is without any.

    *converted* and *near_converted* are ``attrs["datum"]`` of the layers.
    """
    mine, others = pair
    if _source(converted) == others:  # it was converted from another datum than it is in
        return {"layer": mine}
    if _source(near_converted) == mine:
        return {"near": others}
    return {name: datum for name, datum in (("layer", mine), ("near", others)) if is_shifted(datum)}


def describe(found: Offset, near: str | Message, reading: Mapping[str, Datum]) -> Message:
    """Describe an offset and its remedy, `read_as`."""
    it = Message("datum.it")
    remedies = [_remedy(it if which == "layer" else near, datum) for which, datum in reading.items()]
    mine, others = found.datums
    facts = {"near": near, "metres": found.metres, "mine": mine, "others": others, "remedies": remedies}
    return Message("datum.offset", before=found.as_is, after=found.moved, **facts)


def _remedy(which: str | Message, datum: Datum) -> Message:
    said = Message("datum.read_plain", which=which)
    return Message("datum.read_as", datum=datum, **said.values) if is_shifted(datum) else said


def _source(converted: object) -> object:
    """Return the datum of map services that a layer was read in; None for others."""
    source = converted.get("from") if isinstance(converted, Mapping) else None
    return source if source in ("GCJ-02", "BD-09") else None
