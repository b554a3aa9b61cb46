"""Heights in the coordinates of streets: what is climbed, and what lies above what."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import siting as st

Make = Callable[..., Any]
X, Y = 500_000.0, 3_210_000.0
ELDER = st.Walk.elder()


def raised(*lines: list[tuple[float, ...]], **columns: Any) -> gpd.GeoDataFrame:
    """Streets with heights, metres from a corner; they are called "a", "b", …"""
    shapes = [shapely.LineString([(X + x, Y + y, *z) for x, y, *z in line]) for line in lines]
    names = pd.Index([chr(97 + i) for i in range(len(lines))], name="id")
    return gpd.GeoDataFrame(columns, geometry=shapes, crs="EPSG:4549", index=names)


def minutes(network: st.Network, start: tuple[float, float], stop: tuple[float, float], walk: st.Walk = ELDER) -> float:
    ends = [
        gpd.GeoDataFrame(geometry=[shapely.Point(X + x, Y + y)], index=[name], crs="EPSG:4549")
        for name, (x, y) in (("o", start), ("d", stop))
    ]
    (found,) = st.travel(network, *ends, minutes=600, walk=walk).pairs()["cost"]
    return float(found)


def rises(network: st.Network) -> dict[str, float]:
    assert network.rise is not None
    return dict(zip(network.edges.index, network.rise, strict=True))


def warned(caplog: pytest.LogCaptureFixture) -> str:
    return "\n".join(r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("crs", ["EPSG:4549", "EPSG:4326"])
def test_a_hill(turned: bool, crs: str) -> None:
    """500 m at a grade of 0.2: exp(3.5 · 0.2) = 2.01 times as long up, and by `careful` exp(3.5 · 0.1) = 1.42 down."""
    line = [(0, 0, 10), (500, 0, 110)]
    network = st.Network.from_streets(raised(line[::-1] if turned else line).to_crs(crs))
    assert rises(network) == {"a": pytest.approx(-100 if turned else 100)}
    assert minutes(network, (0, 0), (500, 0)) == pytest.approx(500 / 55 * np.exp(0.7), rel=1e-4)
    assert minutes(network, (500, 0), (0, 0)) == pytest.approx(500 / 55 * np.exp(3.5 * 0.1), rel=1e-4)


def test_heights_of_nought_are_none(caplog: pytest.LogCaptureFixture) -> None:
    network = st.Network.from_streets(raised([(0, 0, 0), (500, 0, 0)], [(500, 0, 0), (600, 0, 0)]))
    assert network.rise is None
    assert warned(caplog) == ""


@pytest.mark.parametrize("height", [np.nan, -9999, 99999])
def test_heights_that_cannot_be_are_told_and_not_used(height: float, caplog: pytest.LogCaptureFixture) -> None:
    network = st.Network.from_streets(
        raised([(0, 0, 30), (500, 0, 50)], [(500, 0, 50), (800, 0, height), (900, 0, 50)])
    )
    assert rises(network) == {"a": 20, "b": pytest.approx(np.nan, nan_ok=True)}
    assert '1 row has heights that are missing, below -500 m or above 9000 m: "b"' in warned(caplog)


def test_noughts_among_heights_are_none(caplog: pytest.LogCaptureFixture) -> None:
    """300 m above sea nothing is at 0: neither a vertex of "b" nor all of "c", which is joined all the same."""
    lines = [
        [(0, 0, 300), (100, 0, 303)],
        [(100, 0, 303), (150, 0, 0), (200, 0, 303)],
        [(100, 0, 0), (100, 90, 0)],
        [(200, 0, 303), (300, 0, 305)],
    ]
    network = st.Network.from_streets(raised(*lines))
    assert len(network.nodes) == 5
    assert rises(network) == pytest.approx({"a": 3, "b": np.nan, "c": np.nan, "d": 2}, nan_ok=True)
    assert 'jump by more than 30 m from one vertex to the next in 1 row: "b"' in warned(caplog)
    assert 'heights are 0 all along 1 row, where all others are above 20 m: "c"' in warned(caplog)


def test_a_street_that_starts_at_sea_level_is_believed(caplog: pytest.LogCaptureFixture) -> None:
    network = st.Network.from_streets(raised([(0, 0, 0), (500, 0, 100)], [(500, 0, 100), (700, 0, 100)]))
    assert rises(network) == {"a": 100, "b": 0}
    assert warned(caplog) == ""


def test_a_given_rise_counts_and_a_contradiction_is_told(caplog: pytest.LogCaptureFixture) -> None:
    lines = [[(0, 0, 10), (500, 0, 20)], [(500, 0, 20), (900, 0, 40)], [(900, 0, 40), (950, 0, 41)]]
    network = st.Network.from_streets(raised(*lines, rise=[10.5, -20.0, np.nan]))
    assert rises(network) == {"a": 10.5, "b": -20.0, "c": 1.0}
    assert 'rise is not that of the heights in the line in 1 row: "b: -20 m for 20 m"' in warned(caplog)


@pytest.mark.parametrize("downhill", [False, True])
def test_up_and_down_are_both_walked(downhill: bool) -> None:
    """20 m up and 20 m down over 200 m each: the net rise of 0 would be walked as on the level."""
    bend = -20 if downhill else 20
    network = st.Network.from_streets(raised([(0, 0, 50), (200, 0, 50 + bend), (400, 0, 50)], length=[400.0]))
    assert rises(network) == {"a-1": bend, "a-2": -bend}
    assert network.metres.tolist() == pytest.approx([200, 200])
    up, down = ELDER.pace(np.array([0.1, -0.1]))
    assert minutes(network, (0, 0), (400, 0)) == pytest.approx(200 / 55 * (up + down), rel=1e-4)


def test_small_bumps_are_no_turns() -> None:
    """Up 4.9 m and down again is one edge; a valley of 5 m after it is cut at its bottom, not at the bump."""
    bump = [(0, 0, 50), (100, 0, 54.9), (200, 0, 50)]
    assert rises(st.Network.from_streets(raised(bump))) == {"a": 0}
    valley = [*bump, (300, 0, 47), (400, 0, 52.1)]
    assert rises(st.Network.from_streets(raised(valley))) == {"a-1": -3, "a-2": pytest.approx(5.1)}


def test_a_line_with_a_given_rise_stays_whole() -> None:
    network = st.Network.from_streets(raised([(0, 0, 50), (200, 0, 80), (400, 0, 50)], rise=[0.0]))
    assert rises(network) == {"a": 0}


def test_ends_above_each_other_are_not_joined(caplog: pytest.LogCaptureFixture) -> None:
    """The end of a deck 12 m above the end of a street: only the lift between, drawn on the spot, joins them."""
    deck, street = [(0, 0, 17), (100, 0, 17)], [(0, 0, 5), (0, 100, 5)]
    apart = st.Network.from_streets(raised(deck, street))
    assert apart.n_components == 2
    assert 'lies more than 3 m above others at the same place, not joined to them: "a"' in warned(caplog)
    joined = st.Network.from_streets(raised(deck, street, [(0, 0, 5), (0, 0, 17)]))
    assert joined.n_components == 1
    assert len(joined.nodes) == 4


def test_three_storeys_and_one_without_a_height() -> None:
    """What has no height is taken for the lowest; 3 m are no storey."""
    lines = [[(0, 0, z), (100, 10 * i, z)] for i, z in enumerate((9, 5, 8, 13))]
    network = st.Network.from_streets(raised(*lines, [(0, 0), (-100, 0)]))
    assert network.n_components == 2
    assert sorted(network.components["edges"]) == [1, 4]


def test_split_streets_keep_apart_what_lies_above() -> None:
    """The way of 12 m above stays whole, that of 1 m above is joined; each piece has its own share of the rise."""
    street = [(0, 50, 5), (300, 50, 11)]
    network = st.Network.from_streets(
        raised(street, [(100, 0, 8), (100, 100, 8)], [(150, 0, 20), (150, 100, 20)]), split=True
    )
    assert network.n_components == 2
    assert rises(network) == pytest.approx({"a-1": 2, "a-2": 4, "b-1": 0, "b-2": 0, "c": 0})


def test_parts_and_degrees_keep_their_heights() -> None:
    frame = raised([(0, 0, 5), (100, 0, 9)])
    parts = shapely.MultiLineString([[(X, Y, 5), (X + 100, Y, 9)], [(X + 100, Y, 9), (X + 100, Y + 100, 10)]])
    frame = frame.set_geometry(gpd.GeoSeries([parts], index=frame.index, crs=frame.crs)).to_crs("EPSG:4490")
    assert rises(st.Network.from_streets(frame)) == pytest.approx({"a-1": 4, "a-2": 1})


def test_layers_of_other_roles_are_flat() -> None:
    square = shapely.Polygon([(X, Y, 5), (X + 9, Y, 5), (X + 9, Y + 9, 5)])
    frame = gpd.GeoDataFrame({"name": ["d"]}, geometry=[square], crs="EPSG:4549")
    assert not st.check_layer(frame, "districts").has_z.any()
    assert st.check_layer(raised([(0, 0, 5), (100, 0, 9)]), "streets").has_z.all()


def test_measures_in_a_street_are_no_heights() -> None:
    """The third number of LINESTRING M is a chainage."""
    frame = raised([(0, 0), (500, 0)])
    frame.geometry = gpd.GeoSeries.from_wkt(
        [f"LINESTRING M ({X} {Y} 0, {X + 500} {Y} 500)"], index=["a"], crs=frame.crs
    )
    network = st.Network.from_streets(frame)
    assert network.rise is None
    assert network.metres.tolist() == [500]


@pytest.mark.parametrize("height", [-9999.0, -32768.0, 12_000.0])
def test_heights_of_arrays_that_cannot_be(height: float) -> None:
    with pytest.raises(st.errors.NetworkError, match='at nodes "1"; give metres above sea'):
        st.Network.from_arrays([X, X + 100], [Y, Y], [0], [1], crs="EPSG:4549", height=[5.0, height])
