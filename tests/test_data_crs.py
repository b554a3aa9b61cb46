"""The CRS to measure in, and points inside shapes."""

from __future__ import annotations

import logging

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import CRS

from siting.data import metric_crs, points, to_crs, to_metric
from siting.errors import LayerError


def at(lon: float, lat: float, crs: str = "EPSG:4326") -> gpd.GeoSeries:
    return gpd.GeoSeries.from_xy([lon], [lat], crs=crs)


@pytest.mark.parametrize(
    ("lon", "lat", "code"),
    [
        (119.65, 29.08, 4549),  # Jinhua, meridian 120
        (114.3, 30.6, 4547),  # Wuhan, meridian 114
        (121.5, 31.2, 4550),  # on the border of two zones: the eastern
        (121.49, 31.2, 4549),
        (73.5, 39.5, 4534),  # the westernmost zone, meridian 75
        (134.9, 48.4, 4554),  # the easternmost, meridian 135
        (110.3, 20.0, 4546),  # Haikou, meridian 111
        (13.4, 52.5, 32633),  # Berlin
        (-70.6, -33.4, 32719),  # Santiago
        (-180.0, 10.0, 32601),
        (179.9, 10.0, 32660),
    ],
)
def test_the_zone_of_the_centre(lon: float, lat: float, code: int) -> None:
    assert metric_crs(at(lon, lat)).to_epsg() == code


@given(st.floats(73, 136), st.floats(3, 54))
def test_every_zone_in_china_has_the_nearest_meridian(lon: float, lat: float) -> None:
    crs = metric_crs(at(lon, lat))
    meridian = next(p.value for p in crs.coordinate_operation.params if p.name == "Longitude of natural origin")
    assert crs.name.startswith("CGCS2000 / 3-degree Gauss-Kruger CM")
    assert abs(lon - meridian) <= (1.5 if lon >= 73.5 else 2) + 1e-9


def test_several_layers_share_one_centre() -> None:
    """Row 2: two layers in different CRS get one system to be measured in."""
    nothing = gpd.GeoSeries([], crs="EPSG:4326")
    assert metric_crs(at(118.4, 29.0), to_crs(at(116.4, 29.0), "EPSG:4490"), nothing).to_epsg() == 4548
    # What is in metres already stays in them, where they hold: 117° is the meridian of UTM zone 50 too.
    assert metric_crs(to_crs(at(118.4, 29.0), "EPSG:32650"), at(116.4, 29.0), nothing).to_epsg() == 32650


def test_axis_order_does_not_matter() -> None:
    """Row 5: EPSG:4490 and 4549 declare north first; x is east all the same."""
    moved = to_crs(at(120.0, 30.0, "EPSG:4490"), "EPSG:4549")
    assert moved.x.iloc[0] == pytest.approx(500000, abs=1e-6)
    # Meridian distance on GRS 80 at 30°N.
    assert moved.y.iloc[0] == pytest.approx(3320113.398, abs=1e-3)


def test_reprojecting_is_told_and_leaves_the_input(caplog: pytest.LogCaptureFixture) -> None:
    """Row 2: said in the log."""
    frame = gpd.GeoDataFrame({"n": [1]}, geometry=at(120.0, 29.0))
    frame.attrs["source"] = "a.gpkg"
    with caplog.at_level(logging.INFO, "siting"):
        moved = to_metric(frame)
    assert frame.crs.to_epsg() == 4326
    assert moved.crs.to_epsg() == 4549
    assert moved.attrs == frame.attrs
    assert "a.gpkg: reprojected from EPSG:4326 (WGS 84) to EPSG:4549" in caplog.text


def test_no_crs_is_refused() -> None:
    """Row 1: a layer without a CRS."""
    bare = gpd.GeoSeries.from_xy([120.0], [29.0])
    for call in (metric_crs, to_metric, lambda s: to_crs(s, "EPSG:4549")):
        with pytest.raises(LayerError, match=r'has no CRS; .*crs="EPSG:4549"'):
            call(bare)


@pytest.mark.parametrize("crs", ["EPSG:4490", "EPSG:2263"])
def test_degrees_and_feet_are_no_metres(crs: str) -> None:
    """Row 3: degrees are not metres."""
    with pytest.raises(LayerError, match="is not in metres"):
        to_metric(at(120.0, 29.0), crs)


def test_web_mercator_is_not_measured_in() -> None:
    with pytest.raises(LayerError, match="stretches every length"):
        to_metric(at(120.0, 29.0), "EPSG:3857")


def test_an_unknown_crs_is_told() -> None:
    with pytest.raises(LayerError, match="crs='jinhua' is not known"):
        to_crs(at(120.0, 29.0), "jinhua")


def test_what_a_crs_does_not_reach_is_told() -> None:
    """Row 4: a swapped point does not become inf in silence."""
    with pytest.raises(LayerError, match="does not reach"):
        to_crs(at(29.0, 120.0), "EPSG:4549")


def test_no_place_at_all() -> None:
    with pytest.raises(LayerError, match="no layer has coordinates"):
        metric_crs(gpd.GeoSeries([], crs="EPSG:4326"))


def test_points_lie_inside() -> None:
    """Row 21: a representative point inside, where the centroid is outside."""
    horseshoe = shapely.Polygon([(0, 0), (3, 0), (3, 3), (2, 3), (2, 1), (1, 1), (1, 3), (0, 3)])
    frame = gpd.GeoDataFrame(
        {"n": [1, 2, 3]},
        index=["a", "b", "c"],
        geometry=[horseshoe, shapely.Point(7, 8), shapely.MultiPolygon([horseshoe])],
        crs=CRS.from_epsg(4549),
    )
    found = points(frame)
    assert list(found.index) == ["a", "b", "c"]
    assert found.crs == frame.crs
    assert found["b"] == shapely.Point(7, 8)
    assert found["a"].within(horseshoe)
    assert found["c"].within(horseshoe)
    assert not horseshoe.centroid.within(horseshoe)
    assert np.array_equal(frame.geometry.geom_type, ["Polygon", "Point", "MultiPolygon"])
