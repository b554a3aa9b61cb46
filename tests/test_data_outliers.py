"""Rows that lie far from all others, layers that lie far from each other, and layers that must pass."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import CRS

import siting as st
from siting.data import check_extent, check_together, metric_crs
from siting.data.extent import median, middle_place
from siting.data.outliers import find_outliers
from siting.errors import LayerError

PLACES = [(120 + k / 100, 29 + k / 200) for k in range(10)]


def rows(points: Sequence[tuple[float, float]], crs: object = 4326, **columns: list[object]) -> gpd.GeoDataFrame:
    ids = pd.Index([f"r{k}" for k in range(len(points))], name="id")
    return gpd.GeoDataFrame(columns, geometry=[shapely.Point(xy) for xy in points], index=ids, crs=crs)


def shape(role: str, lon: float, lat: float) -> shapely.Geometry:
    if role == "streets":
        return shapely.LineString([(lon, lat), (lon + 0.0005, lat)])
    if role == "districts":
        return shapely.box(lon - 0.0005, lat - 0.0005, lon + 0.0005, lat + 0.0005)
    return shapely.Point(lon, lat)


#: What each role must have besides.
NEEDED: dict[str, dict[str, object]] = {
    "communities": {"population": 100},
    "districts": {"name": "a"},
    "eldercare": {"beds": 10},
    "childcare": {"places": 10},
    "candidates": {"services": "childcare"},
    "streets": {},
}


@pytest.mark.parametrize("role", list(NEEDED))
@pytest.mark.parametrize(
    ("lon", "lat", "guess"),
    [
        (0.0, 0.0, "which stands for no place"),
        (12.0, 29.0, "a slipped decimal point"),
        (120.0, 2.9, "a slipped decimal point"),
        (-120.0, 29.0, "a wrong sign"),
        (120.0, -29.0, "a wrong sign"),
        (123.5, 29.0, "km off"),
    ],
)
def test_a_stray_row_is_refused_in_every_role(role: str, lon: float, lat: float, guess: str) -> None:
    where = [*PLACES, (lon, lat)]
    ids = pd.Index([*(f"r{k}" for k in range(10)), "stray"], name="id")
    columns = {name: [value] * 11 for name, value in NEEDED[role].items()}
    frame = gpd.GeoDataFrame(columns, geometry=[shape(role, *at) for at in where], index=ids, crs=4326)
    st.check_layer(frame.iloc[:10], role)
    with pytest.raises(LayerError, match=f'1 of 11 rows lie far from all others: "stray".*{guess}'):
        st.check_layer(frame, role)


@pytest.mark.parametrize(
    ("lon", "lat", "said"),
    [
        (29.0, 120.0, "swapped there"),
        (1200.1, 29.0, "a slipped digit"),
        (500_000.0, 3_200_000.0, "metres among degrees"),
    ],
)
def test_a_row_outside_the_earth_is_named_alone(lon: float, lat: float, said: str) -> None:
    frame = rows([*PLACES, (lon, lat)], population=[100] * 11)
    with pytest.raises(LayerError, match=f'1 of 11 rows have .*: "r10"; .*{said}'):
        st.check_layer(frame, "communities")


@pytest.mark.parametrize(
    ("x", "y", "said"),
    [
        (120.01, 29.02, "degrees among metres"),
        (40_500_000.0, 3_210_000.0, "carries a zone number there"),
        (5_000_000.0, 3_210_000.0, "correct these rows"),
        (207_000.0, 3_210_000.0, "far from all others"),  # of the next 3° zone
        (500.0, 3_210.0, "correct these rows"),  # kilometres
        (1_640_420.0, 10_531_500.0, "correct these rows"),  # feet
    ],
)
def test_a_row_in_another_unit_or_zone_is_named(x: float, y: float, said: str) -> None:
    where = [(500_000.0 + 100 * k, 3_210_000.0) for k in range(10)]
    with pytest.raises(LayerError, match=f'"r10".*{said}|{said}.*"r10"'):
        st.check_layer(rows([*where, (x, y)], 4549, population=[100] * 11), "communities")


def test_one_vertex_far_off_is_seen() -> None:
    lines = [shapely.LineString([at, (at[0] + 0.005, at[1])]) for at in PLACES]
    lines[3] = shapely.LineString([PLACES[3], (PLACES[3][0], 2.9), PLACES[4]])
    streets = gpd.GeoDataFrame(geometry=lines, index=pd.Index(list("abcdefghij"), name="id"), crs=4326)
    for build in (lambda: st.check_layer(streets, "streets"), lambda: st.Network.from_streets(streets)):
        with pytest.raises(LayerError, match='1 of 10 rows lie far from all others: "d"'):
            build()


def test_a_row_that_may_be_wrong_is_told_and_refused_when_strict(caplog: pytest.LogCaptureFixture) -> None:
    frame = rows([*PLACES, (121.05, 29.0)], population=[100] * 11)  # a degree too far: 94 km from the next
    with caplog.at_level(logging.WARNING, "siting"):
        st.check_layer(frame, "communities")
    assert '1 of 11 rows lie far from all others: "r10" (at 121.05, 29, 9' in caplog.text
    assert "check their location" in caplog.text
    with pytest.raises(LayerError, match="far from all others"):
        st.check_layer(frame, "communities", strict=True)


def town(number: int, lon: float, lat: float, seed: int) -> list[tuple[float, float]]:
    rng = np.random.default_rng(seed)
    return [tuple(at) for at in rng.normal((lon, lat), 0.05, (number, 2)).tolist()]


@pytest.mark.parametrize(
    "where",
    [
        pytest.param(town(50, 120, 29, 1) + town(50, 120.8, 29, 2), id="two towns 80 km apart"),
        pytest.param(town(95, 120, 29, 1) + town(6, 121.4, 29, 2), id="a city and an exclave 140 km off"),
        pytest.param([(120.0, 29.0), (120.5, 29.2)], id="two facilities"),
        pytest.param([(120.0, 29.0), (120.5, 29.2), (121.0, 28.7)], id="three facilities"),
        pytest.param([(118.2, 28.0), (120.5, 29.5), (122.6, 30.8)], id="three cities of a province"),
        pytest.param([(118 + k / 2, 29.0) for k in range(13)], id="villages along 580 km"),
        pytest.param([(100 + k % 20, 25 + k // 20) for k in range(300)], id="a row for each county of a country"),
        pytest.param([*PLACES, (120.45, 29.2)], id="a village apart"),
        pytest.param([(179.9, -17.0), (-179.9, -17.1), (179.8, -17.2)], id="both sides of the date line"),
        pytest.param([(0.0, 0.0), (0.001, 0.0), (0.002, 0.001)], id="a toy about 0, 0"),
        pytest.param(
            [(110 + k / 10, 20 + k / 20) for k in range(100)] + [(112.3, 16.8)], id="islands off a long coast"
        ),
        pytest.param([(120.0, 29.0)], id="one row"),
    ],
)
def test_layers_that_lie_apart_for_good_reason_pass(
    where: list[tuple[float, float]], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "siting"):
        check_extent(rows(where), "layer")
        st.check_layer(rows(where, population=[100] * len(where)), "communities")
    assert not caplog.records


def test_half_of_the_rows_are_not_refused_for_the_other_half(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "siting"):
        check_extent(rows([(120.0, 29.0), (12.0, 29.0)]), "homes")
    assert '2 of 2 rows lie far from all others: "r' in caplog.text


def test_many_strays_are_counted() -> None:
    frame = rows([*town(900, 120, 29, 1), *[(12.0 + k / 1000, 29.0) for k in range(9)]])
    with pytest.raises(LayerError, match=r"9 of 909 rows lie far from all others: .* and 4 more; correct"):
        check_extent(frame, "homes")


@pytest.mark.parametrize("crs", ["EPSG:2263", "EPSG:3857"])
def test_gaps_are_metres_on_the_ground(crs: str) -> None:
    """A foot is 0.3048 m, and a metre of the web Mercator at 60° half a metre."""
    lon, lat = (-73.9, 40.7) if crs == "EPSG:2263" else (25.0, 60.2)
    where = [(lon + k / 1000, lat) for k in range(10)]
    for off, certain in ((170, False), (240, True)):
        far = (lon, lat + off / 111.195)
        frame = rows([*where, far]).to_crs(crs)
        found = find_outliers(frame.bounds.to_numpy(), CRS(crs))
        assert found.distance[10] / 1000 == pytest.approx(off, rel=0.04)
        assert (found.certain[10], found.doubtful[10]) == (certain, not certain)
        assert not found.any[:10].any()


def test_endless_coordinates_break_nothing() -> None:
    corners = np.array([[5e5 + k, 3.2e6, 5e5 + k, 3.2e6] for k in range(10)] + [[1e30, -1e300, 1e30, -1e300]])
    assert find_outliers(corners, CRS(4549)).certain.tolist() == [False] * 10 + [True]


def test_the_weighted_median() -> None:
    assert median(np.array([5.0, 1.0, 9.0])) == 5
    assert median(np.array([1.0, 2.0, 3.0, 4.0])) == 2.5
    assert median(np.array([1.0, 9.0]), np.array([1.0, 3.0])) == 9


@pytest.mark.parametrize("stray", [(0.0, 0.0), (12.0, 29.0), (120.0, -29.0)])
def test_no_single_row_moves_the_zone(stray: tuple[float, float]) -> None:
    assert metric_crs(rows([*PLACES, stray])).to_epsg() == 4549
    # Not even in a layer of three, nor beside another of one.
    assert metric_crs(rows([*PLACES[:2], stray]), rows(PLACES[:1])).to_epsg() == 4549


def test_the_zone_is_that_of_most_rows() -> None:
    """A third of the rows in the next zone draws the mean over the border (121.5°), not the median."""
    most, others = [(121.3, 40.0)] * 10, [(121.95, 40.0)] * 5
    assert metric_crs(rows(most + others)).to_epsg() == 4549
    assert metric_crs(rows(most), rows(others)).to_epsg() == 4549
    assert metric_crs(rows(others * 3), rows(most)).to_epsg() == 4550


def test_a_stray_home_is_told_where_streets_give_the_crs(
    town_network: st.Network, caplog: pytest.LogCaptureFixture
) -> None:
    homes = gpd.GeoSeries.from_xy([530_100.0, 530_300.0, 830_000.0], [3_380_000.0] * 3, crs=4547).to_frame("geometry")
    homes.index = pd.Index(["a", "b", "stray"], name="id")
    with caplog.at_level(logging.WARNING, "siting"):
        reach = st.travel(town_network, homes, homes, metres=500)
    assert 'origins: 1 of 3 rows lie far from all others: "stray"' in caplog.text
    assert reach.pairs().set_index(["origin", "destination"])["cost"]["a", "b"] == 200
    with pytest.raises(LayerError, match='origins: 1 of 3 rows lie far from all others: "stray"'):
        st.straight_line(homes, homes.iloc[:2], metres=500)
    with caplog.at_level(logging.WARNING, "siting"):
        caplog.clear()
        st.service_areas(town_network, homes, metres=100)
    assert '"stray"' in caplog.text


def test_a_stray_node_of_a_graph_is_named() -> None:
    import networkx as nx

    graph = nx.Graph(crs="EPSG:4326")
    for k, (lon, lat) in enumerate([*PLACES, (12.0, 29.0)]):
        graph.add_node(k, x=lon, y=lat)
    graph.add_edges_from((k, k + 1) for k in range(10))
    with pytest.raises(LayerError, match="1 of 10 rows lie far from all others"):
        st.Network.from_graph(graph)


def test_layers_of_two_cities_are_refused() -> None:
    streets, homes = rows(PLACES), rows([(lon + 3, lat) for lon, lat in PLACES])
    with pytest.raises(LayerError, match=r'communities: all 10 rows lie 28\d km or more from the layer "streets"'):
        check_together({"streets": streets, "communities": homes}, "streets")
    check_together({"streets": streets, "communities": rows(PLACES[:1]), "none": rows([]), "table": None}, "streets")
    # A province around the city is no other city.
    province = gpd.GeoDataFrame(geometry=[shapely.box(117, 26, 123, 32)], crs=4326)
    check_together({"streets": streets, "districts": province, "projected": streets.to_crs(4549)}, "streets")


def test_a_layer_far_from_all_streets_is_asked_about(
    town_network: st.Network, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "siting"):
        town_network.locate(rows([(114.31, 31.5), (114.32, 31.5)]), name="homes")
    assert "no street leads to them" in caplog.text
    assert "is the CRS of both right" in caplog.text


def test_a_study_and_the_shell_name_a_stray_row(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from siting.cli import app

    (tmp_path / "homes.csv").write_text(
        "编号,常住人口,经度,纬度\nh1,1200,120.001,29.001\nh2,900,120.004,29.002\nh3,700,0,0\n", encoding="utf-8"
    )
    with pytest.raises(LayerError, match='"h3"'):
        CliRunner().invoke(app, ["check", str(tmp_path / "homes.csv"), "--role", "communities"], catch_exceptions=False)
    rows([(120.001 + k / 1000, 29.001) for k in range(3)]).to_file(tmp_path / "nothing.gpkg")
    (tmp_path / "study.toml").write_text(
        '[study]\nstrict = true\n[layers.communities]\npath = "homes.csv"\n[layers.streets]\npath = "nothing.gpkg"\n',
        encoding="utf-8",
    )
    study = st.Study.from_toml(tmp_path / "study.toml")
    assert study.strict
    with pytest.raises(st.SitingError, match='"h3"'):
        st.run(study)


def test_strict_is_true_or_false(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(
        '[study]\nstrict = "no"\n[layers.communities]\npath = "a"\n[layers.streets]\npath = "b"\n', encoding="utf-8"
    )
    with pytest.raises(st.SitingError, match='strict is "no", not true or false'):
        st.Study.from_toml(tmp_path / "study.toml")


def test_the_median_takes_weights() -> None:
    assert median(np.array([0.0, 119.0, 120.0])) == 119
    assert median(np.array([1.0, 2.0]), np.array([1.0, 1.0])) == 1.5


@pytest.mark.parametrize(("near", "far", "doubtful"), [(5, 3, 0), (6, 2, 2)])
def test_a_medium_distance_counts_beside_two_thirds_of_the_rows(near: int, far: int, doubtful: int) -> None:
    x, y = np.array([500_000.0] * near + [600_000.0] * far), np.full(near + far, 3.2e6)
    assert find_outliers(np.column_stack([x, y, x, y]), CRS(4549)).doubtful.sum() == doubtful


def test_the_middle_of_places_off_the_earth_is_nowhere() -> None:
    assert middle_place(CRS(4326), np.array([[120.0, 29.0, 120.2, 29.0]])) == (120.1, 29.0)
    assert middle_place(CRS(4326), np.array([[120.0, 200.0, 120.0, 200.0]])) == (0.0, 0.0)
