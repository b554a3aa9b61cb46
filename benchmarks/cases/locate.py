"""Points to places on the network, against the spatial index that geopandas has."""

from __future__ import annotations

from collections.abc import Iterator

import geopandas as gpd
import numpy as np
import shapely

from benchmarks import ours
from benchmarks.city import CRS, make_city
from benchmarks.measure import Peer, Row, best, compare, nearly_equal
from benchmarks.sizes import Size

__all__ = ["locate"]


def locate(size: Size) -> Iterator[Row]:
    """Locate points anywhere in a city, with the indices of streets made before."""
    city = make_city(size.dense)
    rng = np.random.default_rng(6)
    x, y = (rng.uniform(side.min(), side.max(), size.dense_sources) for side in (city.x, city.y))
    points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(x, y), crs=CRS)
    net = ours.network(city)
    streets = city.streets()
    lines, index = streets.geometry.to_numpy(), streets.sindex

    def theirs() -> tuple[object, object]:
        at, found = index.nearest(points.geometry, return_all=False, return_distance=True)
        return found, shapely.line_locate_point(lines[at[1]], points.geometry.to_numpy()[at[0]])

    call = ours.public("Network.locate")
    places = call(net, points, max_snap=1e6)
    equal = nearly_equal(places.snap, theirs()[0], "geopandas", absolute=1e-6, of="ways to the street")  # type: ignore[arg-type]
    said = f"{len(city):,} nodes, {len(points):,} points"
    target = 2e-6 if size.name == "full" else None
    yield best(
        "locate", said, lambda: call(net, points, max_snap=1e6), target=target, unit="a point", units=len(points),
        rounds=size.rounds, checked=equal,
    )  # fmt: skip
    peer = Peer("geopandas: sindex.nearest, line_locate_point", theirs, len(points), checked=equal)
    yield from compare(
        "locate", said, lambda: call(net, points, max_snap=1e6), [peer], units=len(points), unit="a point",
        rounds=size.rounds,
    )  # fmt: skip
