"""How often the offset of a wrong datum is found beside real streets, and how often one is seen where there is none."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from pyproj import CRS

import siting as st
from siting.data.china_datums import shifted
from siting.data.china_region import in_region
from siting.data.datum_offsets import PAIRS, find_offset
from siting.data.extent import projection
from siting.network.datum_warning import metres_to_streets

NETWORKS = ["sample", "shenzhen_futian.graphml", "hangzhou_centre.gpkg"]
COUNTS = (10, 20, 30, 50, 100, 200, 1000, 5000)


@pytest.fixture(params=NETWORKS, scope="module")
def network(request: pytest.FixtureRequest, sample: dict[str, Any]) -> st.Network:
    if request.param == "sample":
        return st.Network.from_streets(sample["streets"])
    file = request.getfixturevalue("shared_data") / "streets" / request.param
    if file.suffix == ".graphml":
        return st.Network.from_graph(file)
    return st.Network.from_streets(gpd.read_file(file), walking=False)


class Town:
    """A network somewhere in China, by a projection whose middle lies there, and layers around its streets."""

    def __init__(self, network: st.Network, chance: np.random.Generator) -> None:
        self.network, self.chance = network, chance
        lines = network.lines
        self.lines, self.share = lines, shapely.length(lines) / shapely.length(lines).sum()
        west, south, east, north = shapely.total_bounds(lines)
        self.box = np.array([west, south]), np.array([east, north])
        while True:
            lon, lat = chance.uniform(75, 133), chance.uniform(20, 50)
            if in_region(np.array([[lon, lat]]))[0]:
                break
        x, y = (west + east) / 2, (south + north) / 2
        self.crs = CRS.from_proj4(f"+proj=tmerc +lon_0={lon} +lat_0={lat} +x_0={x} +y_0={y} +k=1 +datum=WGS84")

    def doors(self, count: int, low: float = 5, high: float = 60) -> Any:
        """Places *low* to *high* metres beside a street."""
        line = self.lines[self.chance.choice(len(self.lines), count, p=self.share)]
        at = self.chance.uniform(0, shapely.length(line))
        here, there = (shapely.get_coordinates(shapely.line_interpolate_point(line, at + d)) for d in (-0.5, 0.5))
        along = (there - here) / np.maximum(np.hypot(*(there - here).T), 1e-9)[:, None]
        side = np.column_stack([-along[:, 1], along[:, 0]]) * self.chance.choice([-1, 1], (count, 1))
        return (here + there) / 2 + side * self.chance.uniform(low, high, (count, 1))

    def layer(self, kind: str, count: int) -> Any:
        """A layer without a wrong datum."""
        low, high = self.box
        if kind == "anywhere":
            return self.chance.uniform(low, high, (count, 2))
        if kind == "villages":
            return self.doors(count, 100, 400)
        if kind == "clusters":
            middle = self.doors(4)[self.chance.integers(4, size=count)]
            return middle + self.chance.normal(0, 250, (count, 2))
        if kind == "grid":
            wide = int(np.ceil(np.sqrt(count)))
            cells = np.array([(k % wide, k // wide) for k in range(count)]) - wide / 2
            return (low + high) / 2 + cells * self.chance.choice([100, 250, 500])
        if kind == "half":
            return self.doors(count) + np.where(self.chance.random((count, 1)) < 0.5, 0, (high - low) * (1, 0))
        return self.doors(count)

    def moved(self, xy: Any, pair: Any) -> Any:
        lonlat = np.column_stack(projection(self.crs)(xy[:, 0], xy[:, 1], inverse=True))
        return np.column_stack(projection(self.crs)(*shifted(lonlat, *pair).T))

    def found(self, xy: Any) -> Any:
        found = find_offset(xy, self.crs, partial(metres_to_streets, self.network))
        return None if found is None else found.datums


def test_layers_without_a_wrong_datum(
    network: st.Network, tries: Callable[..., int], record: Callable[..., None]
) -> None:
    """No layer in the right datum is taken for one in a wrong datum."""
    number, chance = tries(60, 2000), np.random.default_rng(1)
    kinds = ["doors", "doors", "anywhere", "villages", "clusters", "grid", "half"]
    wrong: dict[str, int] = dict.fromkeys(kinds, 0)
    for k in range(number):
        kind, count = kinds[k % len(kinds)], int(chance.choice(COUNTS))
        town = Town(network, chance)
        wrong[kind] += town.found(town.layer(kind, count)) is not None
    record(number, told=f"{sum(wrong.values())} false", **{f"false_{kind}": n for kind, n in wrong.items()})
    assert wrong["doors"] == 0
    assert sum(wrong.values()) <= 0.01 * number


def test_layers_in_a_wrong_datum(network: st.Network, tries: Callable[..., int], record: Callable[..., None]) -> None:
    """Layers of 200 places and more in a wrong datum are found, and their datum is named."""
    number, chance = tries(24, 1600), np.random.default_rng(2)
    named: dict[int, list[bool]] = {count: [] for count in COUNTS}
    other = 0
    for k in range(number):
        town, count, pair = Town(network, chance), COUNTS[k % len(COUNTS)], PAIRS[chance.integers(len(PAIRS))]
        places = town.doors(count)
        if np.hypot(*(town.moved(places, ("WGS84", "GCJ-02")) - places).T).mean() < 200:  # in parts of the west
            continue
        found = town.found(town.moved(places, pair[::-1]))
        named[count].append(found == pair)
        other += found is not None and found != pair
    rates = {count: np.mean(hits) for count, hits in named.items() if hits}
    record(number, told=", ".join(f"{count}: {rate:.0%}" for count, rate in rates.items()), wrong_datum=other)
    assert other <= 0.01 * number
    assert min(rate for count, rate in rates.items() if count >= 200) >= 0.95
