"""Row 19: coordinates that are NaN or infinite are refused by row wherever a layer comes in, and stand in no file."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

import siting
from siting import measure, propose
from siting.data import combine_layers, points, to_metric
from siting.data.finite_coordinates import endless_rows
from siting.errors import LayerError, SitingError

TOWN = siting.load_sample()
CRS = "EPSG:4547"
HOMES = TOWN["communities"].iloc[:20].to_crs(CRS)
SITES = TOWN["childcare"].iloc[:4].to_crs(CRS)
ROW = 3


def ring(*corners: tuple[float, float]) -> Any:
    return shapely.linearrings([*corners, corners[0]])


SHAPES: dict[str, Callable[[float, float, float], Any]] = {
    "x": lambda x, y, bad: shapely.Point(bad, y),
    "y": lambda x, y, bad: shapely.Point(x, bad),
    "line": lambda x, y, bad: shapely.LineString([(x, y), (bad, y), (x + 9, y)]),
    "end of a line": lambda x, y, bad: shapely.LineString([(x, y), (x + 9, y), (x + 9, bad)]),
    "polygon": lambda x, y, bad: shapely.polygons(ring((x, y), (x + 50, y), (x + 50, bad))),
    "hole": lambda x, y, bad: shapely.polygons(
        ring((x, y), (x + 50, y), (x + 50, y + 50)), [ring((x + 9, y + 1), (bad, y + 2), (x + 12, y + 3))]
    ),
    "part": lambda x, y, bad: shapely.MultiPoint([(x, y), (x, bad)]),
}


def spoiled(frame: gpd.GeoDataFrame, shape: str, bad: float) -> gpd.GeoDataFrame:
    shapes = frame.geometry.to_numpy().copy()
    x, y = shapely.get_coordinates(shapes[ROW])[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of shapely, on making it
        shapes[ROW] = SHAPES[shape](x, y, bad)
    return frame.set_geometry(gpd.GeoSeries(shapes, index=frame.index, crs=frame.crs))


@pytest.fixture(scope="module")
def network() -> siting.Network:
    return siting.Network.from_streets(TOWN["streets"], crs=CRS)


Call = Callable[[gpd.GeoDataFrame, siting.Network, Path], Any]
CALLS: dict[str, Call] = {
    "check_layer": lambda f, _n, _p: siting.check_layer(f, "communities"),
    "locate": lambda f, n, _p: n.locate(f),
    "straight_line from": lambda f, _n, _p: siting.straight_line(f, SITES, metres=800),
    "straight_line to": lambda f, _n, _p: siting.straight_line(SITES, f, metres=800),
    "travel": lambda f, n, _p: siting.travel(n, f, SITES, metres=800),
    "service_areas": lambda f, n, _p: siting.service_areas(n, f, metres=300),
    "catchment": lambda f, n, _p: measure.catchment(n, f, SITES, f["population"], metres=300),
    "make_candidates": lambda f, _n, _p: siting.make_candidates(f, method="grid", spacing=200),
    "merge_demand": lambda f, _n, _p: propose.merge_demand(f.geometry, None, SITES.geometry, metres=300),
    "audit": lambda f, _n, _p: siting.audit(
        siting.load_standard("jinhua"), {**TOWN, "communities": f}, year=2025, scope="whole"
    ),
    "to_metric": lambda f, _n, _p: to_metric(f),
    "points": lambda f, _n, _p: points(f),
    "draw_map": lambda f, _n, _p: siting.draw_map({"communities": f}),
    "combine_layers": lambda f, _n, _p: combine_layers(f, SITES),
    **{
        f"write_layer {suffix}": lambda f, _n, p, suffix=suffix: siting.write_layer(
            f[["name", "geometry"]], p / f"a{suffix}"
        )
        for suffix in (".gpkg", ".geojson", ".shp", ".parquet", ".csv")
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("shape", "bad"), [*((shape, math.nan) for shape in SHAPES), ("x", math.inf), ("hole", -math.inf)]
)
@pytest.mark.parametrize("call", CALLS)
def test_endless_coordinates_are_refused_by_row(
    call: str, shape: str, bad: float, network: siting.Network, tmp_path: Path
) -> None:
    if call == "merge_demand" and shape not in ("x", "y"):
        pytest.skip("takes points")
    frame = spoiled(HOMES, shape, bad)
    with pytest.raises(SitingError, match=f'"{HOMES.index[ROW]}"'):
        CALLS[call](frame, network, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("shape", ["line", "end of a line"])
def test_endless_streets_are_refused_by_row(shape: str) -> None:
    streets = TOWN["streets"].to_crs(CRS)
    with pytest.raises(SitingError, match=f'"{streets.index[ROW]}"'):
        siting.Network.from_streets(spoiled(streets, shape, math.nan))


def test_another_column_of_geometry_is_looked_at_too(tmp_path: Path) -> None:
    frame = SITES.assign(door=spoiled(SITES, "x", math.nan).geometry)
    with pytest.raises(LayerError, match=f'NaN or infinite: "{SITES.index[ROW]}"; correct them'):
        siting.write_layer(frame, tmp_path / "a.parquet")


@settings(max_examples=40, deadline=None)
@given(
    xy=st.lists(
        st.tuples(st.floats(119.9, 120.1) | st.sampled_from([math.nan, math.inf]), st.floats(28.9, 29.1)), min_size=1,
        max_size=6,
    )
)  # fmt: skip
@pytest.mark.parametrize("suffix", [".geojson", ".parquet"])
def test_no_file_holds_an_endless_coordinate(
    suffix: str, xy: list[tuple[float, float]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A layer is refused, or its file reads back finite and equal."""
    shapes = [shapely.Point(x, y) for x, y in xy]
    frame = gpd.GeoDataFrame({"a": range(len(xy))}, geometry=shapes, crs=4326)
    frame.index = pd.Index([f"i{n}" for n in range(len(xy))], name="id")
    file = tmp_path_factory.mktemp("out") / f"a{suffix}"
    wrong = endless_rows(frame.geometry)
    assert wrong.tolist() == [not (math.isfinite(x) and math.isfinite(y)) for x, y in xy]
    if wrong.any():
        with pytest.raises(LayerError, match=f'"i{int(np.flatnonzero(wrong)[0])}"'):
            siting.write_layer(frame, file)
        assert not file.exists()
    else:
        siting.write_layer(frame, file)
        back = gpd.read_parquet(file) if suffix == ".parquet" else gpd.read_file(file)
        assert np.allclose(shapely.get_coordinates(back.geometry), np.array(xy), atol=1e-6)
