"""The CRS to measure in, and points inside shapes."""

from __future__ import annotations

import logging
from itertools import pairwise

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import CRS, Geod

import siting
from siting.data import metric_crs, points, to_crs, to_metric
from siting.data.distortion import length_error
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_an_unknown_crs_is_told() -> None:
    with pytest.raises(LayerError, match='crs="jinhua" is not known'):
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


# ---- how exact a CRS is


def line(
    lon: tuple[float, float], lat: tuple[float, float], number: int = 21, crs: object = "EPSG:4326"
) -> gpd.GeoSeries:
    return gpd.GeoSeries.from_xy(np.linspace(*lon, number), np.linspace(*lat, number), crs=crs)


@pytest.mark.parametrize("east", [0.5, 1.0, 2.0, 3.0])
def test_the_error_of_a_zone_is_that_of_the_formula(east: float) -> None:
    """Snyder (1987), p. 61: k = k0 (1 + (1 + C) A² / 2 + ...) with A = Δλ cos φ, C = e'² cos² φ."""
    lat = np.radians(29.0)
    a, c = np.radians(east) * np.cos(lat), 0.006739497 * np.cos(lat) ** 2
    expected = (1 + c) * a**2 / 2 + (5 - 4 * np.tan(lat) ** 2) * a**4 / 24
    found = length_error(CRS(4549), np.array([120 + east]), np.array([29.0]))
    assert found.high == pytest.approx(expected, rel=1e-4)
    assert found.worst == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("crs", "lon", "stays"),
    [
        ("EPSG:3414", (103.7, 103.9), True),  # Singapore has a grid of its own
        ("EPSG:4548", (118.6, 118.9), True),  # the neighbour of the nearest 3° zone
        ("EPSG:32650", (117.0, 119.0), True),
        ("EPSG:4548", (123.0, 123.2), False),  # 6° off its meridian
        ("EPSG:3857", (120.0, 120.2), False),
        ("EPSG:2263", (-74.0, -73.9), False),  # in feet
        ("EPSG:4326", (120.0, 120.2), False),
    ],
)
def test_a_layer_in_metres_that_hold_stays_in_them(crs: str, lon: tuple[float, float], stays: bool) -> None:
    lat = {"EPSG:3414": 1.3, "EPSG:2263": 40.7}.get(crs, 29.0)
    town = line(lon, (lat, lat)).to_crs(crs)
    moved = to_metric(town)
    assert (moved is town) == stays
    assert stays or moved.crs.to_epsg() in (4550, 4549, 32618)


def test_lengths_stay_to_the_millimetre_in_the_users_own_grid() -> None:
    """100 m of the Singapore grid are 100 m; the UTM zone would make 99.98 of them."""
    street = gpd.GeoDataFrame(
        geometry=[shapely.LineString([(30_000, 30_000), (30_100, 30_000)])], index=["a"], crs=3414
    )
    net = siting.Network.from_streets(street)
    assert net.crs.to_epsg() == 3414
    assert net.metres.tolist() == [100.0]
    ends = gpd.GeoDataFrame(geometry=gpd.points_from_xy([30_000, 30_100], [30_000] * 2), index=["p", "q"], crs=3414)
    assert sorted(siting.straight_line(ends, ends, metres=200).pairs()["cost"]) == [0, 0, 100, 100]


def test_a_named_crs_comes_before_that_of_the_layer() -> None:
    town = line((118.6, 118.9), (29.0, 29.0)).to_crs(4548)
    assert to_metric(town, "EPSG:4549").crs.to_epsg() == 4549


@pytest.mark.slow
def test_a_province_gets_a_projection_that_holds(caplog: pytest.LogCaptureFixture) -> None:
    """Zhejiang reaches from 118° to 123°: the zone of its centre is 0.06 % too long at the rim."""
    province = line((118.0, 123.0), (27.2, 31.2))
    assert length_error(CRS(4549), np.array([118.0, 123.0]), np.array([27.2, 31.2])).worst > 0.0006
    with caplog.at_level(logging.INFO, "siting"):
        moved = to_metric(province)
    assert moved.crs.to_epsg() is None
    assert "measured in" in caplog.text
    assert "lengths come out up to 0.0" in caplog.text
    assert moved.crs.geodetic_crs.to_epsg() == 4490
    assert CRS.from_wkt(moved.crs.to_wkt()) == moved.crs
    lon, lat = province.x.to_numpy(), province.y.to_numpy()
    assert length_error(moved.crs, lon, lat).worst <= 0.0004
    # Lengths on the ellipsoid, by Karney's geodesics.
    ground = [Geod(ellps="GRS80").inv(a.x, a.y, b.x, b.y)[2] for a, b in pairwise(province)]
    drawn = [a.distance(b) for a, b in pairwise(moved)]
    assert drawn == pytest.approx(ground, rel=0.0004)


@pytest.mark.slow
def test_islands_on_both_sides_of_the_date_line_get_one_projection() -> None:
    """Vanua Levu, Taveuni and the Lau Islands: 177.2°E to 178.2°W."""
    fiji = gpd.GeoSeries.from_xy([177.2, 179.9, -178.2], [-18.0, -16.6, -18.2], crs="EPSG:4326")
    crs = metric_crs(fiji)
    assert crs.to_epsg() is None
    assert length_error(crs, fiji.x.to_numpy(), fiji.y.to_numpy()).worst < 0.0002
    assert fiji.to_crs(crs).distance(fiji.to_crs(crs).iloc[0]).max() < 500_000


def test_what_no_projection_holds_is_refused() -> None:
    with pytest.raises(LayerError, match=r"reach over some [4-6],\d\d\d km by .* no projection keeps .* work in parts"):
        to_metric(line((75.0, 130.0), (20.0, 50.0)))


def test_a_named_crs_that_does_not_hold_is_refused_and_a_doubtful_one_told(caplog: pytest.LogCaptureFixture) -> None:
    far = line((123.0, 123.2), (29.0, 29.0))  # 3.2° from 120°: 312 km, 0.12 %
    with pytest.raises(
        LayerError, match=r'reaches 31\d km from its meridian 120°.*0.1[12]\d % too long.*crs="EPSG:4550"'
    ):
        to_metric(far, "EPSG:4549")
    with caplog.at_level(logging.WARNING, "siting"):
        to_metric(line((122.2, 122.3), (29.0, 29.0)), "EPSG:4549")  # 2.3°: 0.06 %
    assert '% too long; crs="EPSG:4550" keeps them within 0.00' in caplog.text
    caplog.clear()
    with caplog.at_level(logging.WARNING, "siting"):
        to_metric(line((121.0, 121.5), (29.0, 29.0)))
        to_metric(line((117.0, 117.1), (50.0, 50.0)), "EPSG:32650")  # at its meridian UTM is 0.04 % short by design
    assert not caplog.records


# ---- datums


@pytest.mark.slow
@pytest.mark.parametrize(("code", "datum"), [(4214, "Beijing 1954"), (2437, "Beijing 1954"), (4610, "Xian 1980"),
                                             (4555, "New Beijing"), (4284, "Pulkovo 1942")])  # fmt: skip
def test_an_old_datum_is_told(code: int, datum: str, caplog: pytest.LogCaptureFixture) -> None:
    homes = gpd.GeoDataFrame({"population": [500, 300]}, geometry=at(120.0, 29.0).to_list() * 2, crs=4326)
    # The same numbers under another name, as a file would have them.
    homes = homes.to_crs(CRS(code)) if CRS(code).is_projected else homes.set_crs(code, allow_override=True)
    with caplog.at_level(logging.WARNING, "siting"):
        checked = siting.check_layer(homes, "communities")
    assert f"is in the datum {datum}" in caplog.text
    assert "tens of metres off" in caplog.text
    caplog.clear()
    with caplog.at_level(logging.WARNING, "siting"):
        to_crs(checked, "EPSG:4549")
    assert f"from the datum {datum} to China Geodetic Coordinate System 2000 without a shift" in caplog.text
    with pytest.raises(LayerError, match=f"is in the datum {datum}"):
        siting.check_layer(homes, "communities", strict=True)


@pytest.mark.parametrize("code", [4326, 4490, 4549, 32650, 4258, 3857])
def test_modern_datums_are_silent(code: int, caplog: pytest.LogCaptureFixture) -> None:
    homes = gpd.GeoDataFrame({"population": [500]}, geometry=at(120.0, 29.0).to_crs(code).array)
    with caplog.at_level(logging.WARNING, "siting"):
        checked = siting.check_layer(homes, "communities", strict=True)
        for other in (4490, 4326, 4549):
            to_crs(checked, other)
    assert not caplog.records


def test_a_stated_accuracy_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """EPSG:1188 states 4 m for NAD83 to WGS 84."""
    with caplog.at_level(logging.WARNING, "siting"):
        to_crs(at(-100.0, 35.0, "EPSG:4269"), "EPSG:4326")
    assert "from the datum NAD83 to WGS 84, exact to about 4 m only" in caplog.text
    homes = gpd.GeoDataFrame({"population": [500]}, geometry=at(-100.0, 35.0, "EPSG:4269").array)
    siting.check_layer(homes, "communities")
    with pytest.raises(LayerError, match="exact to about 4 m only"):
        siting.check_layer(homes, "communities", strict=True)


def test_the_way_leads_over_wgs84_where_proj_knows_none_at_once(caplog: pytest.LogCaptureFixture) -> None:
    """From Hong Kong 1980 straight to CGCS2000 PROJ takes the degrees as they are, 306 m off."""
    hong_kong = gpd.GeoSeries.from_xy([836_694.0], [819_069.0], crs="EPSG:2326")
    with caplog.at_level(logging.WARNING, "siting"):
        moved = to_crs(hong_kong, "EPSG:4490")
    assert not caplog.records
    right = hong_kong.to_crs(4326)
    assert (moved.x.iloc[0], moved.y.iloc[0]) == pytest.approx((right.x.iloc[0], right.y.iloc[0]), abs=1e-9)
    wrong = hong_kong.to_crs(4490)
    assert Geod(ellps="GRS80").inv(moved.x[0], moved.y[0], wrong.x[0], wrong.y[0])[2] > 300


def test_a_graph_of_hong_kong_lies_where_its_lines_lie() -> None:
    """Nodes and lines go the same way: over WGS 84."""
    import networkx as nx

    graph = nx.Graph(crs="EPSG:2326")
    graph.add_node("a", x=836_000.0, y=819_000.0)
    graph.add_node("b", x=836_100.0, y=819_000.0)
    graph.add_edge("a", "b")
    net = siting.Network.from_graph(graph, crs="EPSG:4547")
    ends = shapely.get_coordinates(net.lines[0])
    nodes = np.column_stack([net.x, net.y])
    assert np.hypot(*(ends[:, None] - nodes[None]).transpose(2, 0, 1)).min(axis=0).max() < 0.01
    right = gpd.GeoSeries.from_xy([836_000.0, 836_100.0], [819_000.0] * 2, crs=2326).to_crs(4326).to_crs(4547)
    assert right.distance(shapely.MultiPoint(nodes)).max() < 0.01


# ---- one CRS for one analysis


def far_zone_town() -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """A street of 1,000 m in the zone of 117°, 160 km east of its meridian, with a home and a nursery at its ends."""
    x, y = 660_000.0, 3_210_000.0
    street = gpd.GeoDataFrame(geometry=[shapely.LineString([(x, y), (x + 1000, y)])], index=["s"], crs=4548)
    ends = gpd.GeoDataFrame({"population": [100, 100]}, geometry=gpd.points_from_xy([x, x + 1000], [y, y]), crs=4548)
    return street, ends.set_axis(["a", "b"]).rename_axis("id").to_crs(4326)


def test_straight_lines_are_measured_in_the_crs_of_the_network() -> None:
    """The degrees alone would go to the zone of 120°, where the kilometre is some 10 cm shorter."""
    street, homes = far_zone_town()
    net = siting.Network.from_streets(street)
    assert net.crs.to_epsg() == 4548
    ends = homes.iloc[:1], homes.iloc[1:]
    walked = siting.travel(net, *ends, metres=1500).pairs()["cost"].iloc[0]
    flat = siting.straight_line(*ends, metres=1500, crs=net.crs).pairs()["cost"].iloc[0]
    assert walked == pytest.approx(1000.0, abs=0.002)
    assert flat == pytest.approx(1000.0, abs=0.002)
    assert siting.straight_line(*ends, metres=1500).pairs()["cost"].iloc[0] == pytest.approx(999.9, abs=0.03)
    with pytest.raises(LayerError, match="is not in metres"):
        siting.straight_line(*ends, metres=1500, crs=4326)


def test_candidates_are_measured_in_the_crs_that_is_named() -> None:
    street, homes = far_zone_town()
    net = siting.Network.from_streets(street)
    assert siting.make_candidates(homes, method="grid", spacing=100, crs=net.crs).crs.to_epsg() == 4548
    assert siting.make_candidates(homes, method="grid", spacing=100).crs.to_epsg() == 4549
    assert siting.make_candidates(homes.to_crs(4548), method="grid", spacing=100).crs.to_epsg() == 4548
    assert siting.make_candidates(homes, method="cluster", number=1, network=net).crs.to_epsg() == 4548
    with pytest.raises(siting.SitingError, match="the network's CRS is used: leave crs out"):
        siting.make_candidates(homes, method="cluster", number=1, network=net, crs="EPSG:4549")


def test_an_audit_measures_in_one_crs() -> None:
    from siting.judge.layers.context import Context

    street, homes = far_zone_town()
    net = siting.Network.from_streets(street)
    layers = {"communities": homes, "childcare": homes, "table": homes.drop(columns="geometry")}
    assert Context(layers, net, None, {}, 300.0, 250.0).crs == net.crs
    assert Context(layers, None, None, {}, 300.0, 250.0).crs.to_epsg() == 4549
    assert Context({**layers, "districts": homes.to_crs(4548)}, None, None, {}, 300.0, 250.0).crs.to_epsg() == 4548


def test_a_projection_is_made_where_layers_span_zones_and_the_zone_is_worse() -> None:
    """2.2° at 29° are 214 km, where a zone is 0.056 % off; 2.9° at the equator are 322 km, 0.088 % in UTM's zone."""
    wide = gpd.GeoSeries.from_xy([117.8, 120.0, 122.2], [29.0] * 3, crs=4326)
    assert metric_crs(wide).name == "Lambert conformal conic at 120, 29, scale 1"
    one_zone = gpd.GeoSeries.from_xy([0.1, 3.0, 5.9], [0.5] * 3, crs=4326)
    assert metric_crs(one_zone).to_epsg() == 32631
