"""Fixtures that every test may use: a town where all answers are mental arithmetic, and the sample district."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import pytest
import shapely

import siting as st

#: Where the small town lies: a round corner in CGCS2000 / 3-degree zone 114°E.
X0, Y0 = 530_000.0, 3_380_000.0
TOWN_CRS = "EPSG:4547"


def at(x: float, y: float) -> shapely.Point:
    """A point of the small town, in metres from its south-west corner."""
    return shapely.Point(X0 + x, Y0 + y)


def layer(points: dict[str, tuple[float, float]], **columns: list[object]) -> gpd.GeoDataFrame:
    """A layer of the small town from ids and places."""
    geometry = [at(*xy) for xy in points.values()]
    frame = gpd.GeoDataFrame(columns, geometry=geometry, crs=TOWN_CRS)
    frame.index = pd.Index(list(points), name="id")
    return frame


def streets_of_town(blocks: int = 5, side: float = 100.0) -> gpd.GeoDataFrame:
    """The streets of the small town: `blocks` × `blocks` square blocks."""
    lines, ids = [], []
    for i in range(blocks + 1):
        for j in range(blocks + 1):
            for di, dj, name in ((1, 0, "h"), (0, 1, "v")):
                if i + di <= blocks and j + dj <= blocks:
                    lines.append(shapely.LineString([at(i * side, j * side), at((i + di) * side, (j + dj) * side)]))
                    ids.append(f"{name}{i}{j}")
    frame = gpd.GeoDataFrame({"highway": "residential"}, geometry=lines, crs=TOWN_CRS)
    frame.index = pd.Index(ids, name="id")
    return frame


@pytest.fixture
def small_town() -> gpd.GeoDataFrame:
    """Streets of a 5 × 5 lattice of 100 m blocks: 36 crossings, 60 streets, 6 km."""
    return streets_of_town()


@pytest.fixture
def town_network(small_town: gpd.GeoDataFrame) -> st.Network:
    """The small town as a network."""
    return st.Network.from_streets(small_town)


@pytest.fixture(scope="session")
def sample() -> dict[str, gpd.GeoDataFrame]:
    """The layers of the sample district; tests must not change them."""
    return st.load_sample()


@pytest.fixture(scope="session")
def sample_network(sample: dict[str, gpd.GeoDataFrame]) -> st.Network:
    """The streets of the sample district as a network."""
    return st.Network.from_streets(sample["streets"])
