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

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import shapely
from pyproj import CRS

from siting.data.china_datums import Datum, is_shifted, shifted
from siting.data.china_region import in_region
from siting.data.combine import one_layer
from siting.data.crs import points, to_crs
from siting.data.datums import like_wgs84
from siting.data.extent import projection
from siting.data.projection_choice import common_crs
from siting.errors import LayerError
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
#: Directions of the controls, and their distances as shares of the offset.
RING, RADII = 24, (0.6, 1.0)
#: Least differences: standard errors to the layer as it is, at first and in the end; standard deviations to controls.
SUSPECT, PAIRED, APART = 1.5, 2.5, 3.5

Pair = tuple[Datum, Datum]
#: Datums of the layer and of the other one that would explain an offset.
PAIRS: tuple[Pair, ...] = tuple(
    pair for pair in product(("WGS84", "GCJ-02", "BD-09"), repeat=2) if pair[0] != pair[1]
)  # type: ignore[assignment]


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
    layer, beside
        Their names.
    places
        The number of places that were compared.
    datums
        The datums of the numbers of the layer and of the other that would explain the offset; None where there is none.
    metres
        Its length; 0 where there is none.
    read_as
        The datum to read the layer ("layer") or the other one ("beside") with; "WGS84" is without datum=.
    text
        The offset and its remedy in words; empty where there is none.
    """

    layer: str
    beside: str
    places: int
    datums: Pair | None = None
    metres: float = 0.0
    read_as: Mapping[str, Datum] = field(default_factory=dict)
    text: str = ""

    def __bool__(self) -> bool:
        return self.datums is not None

    def __str__(self) -> str:
        if self.datums is None:
            return f"{self.layer}: no offset of a datum beside {self.beside}, by {self.places} places"
        return f"{self.layer}: {self.text}"


def datum_offset(layer: Any, beside: Any, *, name: str | None = None, beside_name: str | None = None) -> DatumOffset:
    """Find a constant offset between two layers that a wrong datum explains, such as homes beside streets.

    Parameters
    ----------
    layer, beside
        GeoDataFrames or GeoSeries with a CRS: places, and what they lie near to, best the streets.
    name, beside_name
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
    >>> found = datum_offset(homes, town["streets"], name="communities", beside_name="streets")
    >>> bool(found), found.datums, round(found.metres)
    (True, ('GCJ-02', 'WGS84'), 470)
    >>> bool(datum_offset(town["communities"], town["streets"]))
    False
    """
    called = name or str(one_layer(layer, name or "layer").attrs.get("source", "the layer"))
    other = beside_name or str(one_layer(beside, beside_name or "beside").attrs.get("source", "the other layer"))
    crs = common_crs([beside], layer=other)
    shapes = np.asarray(to_crs(beside, crs).geometry.array, dtype=object)
    shapes = shapes[np.isfinite(shapely.bounds(shapes)).all(axis=1)]
    place = shapely.get_coordinates(points(to_crs(layer, crs)))
    place = place[np.isfinite(place).all(axis=1)]
    for lacking, what in ((not len(place), called), (not len(shapes), other)):
        if lacking:
            raise LayerError(what, "has no row with a place")
    tree = shapely.STRtree(shapes)

    def metres_to(xy: Floats) -> Floats:
        at = shapely.points(xy)
        found: Floats = shapely.distance(at, shapes[tree.nearest(at)])
        return found

    found = find_offset(place, crs, metres_to)
    if found is None:
        return DatumOffset(called, other, len(place))
    reading = read_as(found.datums, layer.attrs.get("datum"), beside.attrs.get("datum"))
    text = describe(found, other, reading)
    return DatumOffset(called, other, len(place), found.datums, found.metres, reading, text)


def find_offset(xy: Floats, crs: CRS, metres_to: Callable[[Floats], Floats]) -> Offset | None:
    """Find the pair of datums that explains the offset of places (n, 2), in the projected *crs*; None without one.

    *metres_to* returns the distance of each of some places to the nearest shape of the other layer.
    """
    place = _spread(xy)
    if len(place) < FEWEST or not like_wgs84(crs):
        return None
    first = _Moves(place[:FIRST], crs, metres_to)
    if not first.in_region:
        return None
    suspects = [pair for pair in PAIRS if first.better(pair) > SUSPECT]
    if not suspects:
        return None
    moves = first if len(place) <= FIRST else _Moves(place[:MOST], crs, metres_to)
    found = [(moves.moved(pair).mean(), pair) for pair in suspects if moves.stands_out(pair)]
    if not found:
        return None
    least, pair = min(found)
    return Offset(pair, moves.length(pair), float(moves.as_is.mean()), float(least))


def read_as(pair: Pair, converted: object = None, beside_converted: object = None) -> dict[str, Datum]:
    """Return the datums to read the layer ("layer") and the other one ("beside") with; WGS84 is without any.

    *converted* and *beside_converted* are ``attrs["datum"]`` of the layers.
    """
    mine, others = pair
    if _source(converted) == others:  # it was converted from another datum than it is in
        return {"layer": mine}
    if _source(beside_converted) == mine:
        return {"beside": others}
    return {name: datum for name, datum in (("layer", mine), ("beside", others)) if is_shifted(datum)}


def describe(found: Offset, beside: str, reading: Mapping[str, Datum]) -> str:
    """Describe an offset and its remedy, `read_as`."""
    names = {"layer": "it", "beside": beside}
    parts = [
        f'read {names[which]} with datum="{datum}"' if is_shifted(datum) else f"read {names[which]} without datum="
        for which, datum in reading.items()
    ]
    mine, others = found.datums
    return (
        f"lies {found.metres:,.0f} m from where it fits {beside}, as {mine} beside {others} does (mean distance "
        f"{found.as_is:.0f} m, moved by that {found.moved:.0f} m); {' and '.join(parts)}"
    )


def _source(converted: object) -> object:
    """Return the datum of map services that a layer was read in; None for others."""
    source = converted.get("from") if isinstance(converted, Mapping) else None
    return source if source in ("GCJ-02", "BD-09") else None


def _spread(xy: Floats) -> Floats:
    """Return one place of each cell, in an order by chance that is the same every time."""
    _, rows = np.unique(np.floor(xy / CELL), axis=0, return_index=True)
    return xy[np.random.default_rng(0).permutation(np.sort(rows))]


class _Moves:
    """Places, and their capped distances as they are and moved; computed once each."""

    def __init__(self, xy: Floats, crs: CRS, metres_to: Callable[[Floats], Floats]) -> None:
        self.xy, self.crs, self.metres_to = xy, crs, metres_to
        self.lonlat = np.column_stack(projection(crs)(*xy.T, inverse=True))
        self.in_region = bool(2 * in_region(self.lonlat).sum() > len(xy))
        self.as_is = self.capped(xy) if self.in_region else np.zeros(len(xy))

    def capped(self, xy: Floats) -> Floats:
        """Return the distances, at most `CAP`."""
        return np.minimum(self.metres_to(np.ascontiguousarray(xy)), CAP)

    def places(self, pair: Pair) -> Floats:
        """Return the places moved from the first datum of a pair to the second."""
        return np.column_stack(projection(self.crs)(*shifted(self.lonlat, *pair).T))

    def length(self, pair: Pair) -> float:
        """Return the mean length of the move, metres."""
        return float(np.hypot(*(self.places(pair) - self.xy).T).mean())

    def moved(self, pair: Pair) -> Floats:
        """Return the capped distances of the moved places."""
        return self.capped(self.places(pair))

    def better(self, pair: Pair) -> float:
        """Return by how many standard errors the moved places are nearer, on average; 0 for a short move."""
        if self.length(pair) < SHORTEST:
            return 0.0
        gain = self.as_is - self.moved(pair)
        error = float(gain.std(ddof=1)) / len(gain) ** 0.5
        return float(gain.mean()) / max(error, 1e-9)

    def stands_out(self, pair: Pair) -> bool:
        """Whether the moved places are nearer than as they are, and than all controls, by the least differences."""
        if self.better(pair) < PAIRED:
            return False
        place, radius = self.places(pair), self.length(pair)
        angle = np.arange(RING) * (2 * np.pi / RING)
        steps = [share * radius * np.column_stack([np.cos(angle), np.sin(angle)]) for share in RADII]
        controls = self.capped((place + np.concatenate(steps)[:, None, :]).reshape(-1, 2)).reshape(-1, len(place))
        means, least = controls.mean(axis=1), float(self.moved(pair).mean())
        spread = max(float(means.std(ddof=1)), float(controls.std()) / len(place) ** 0.5)
        return bool(least < means.min() and means.mean() - least > APART * spread)
