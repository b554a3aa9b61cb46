"""Lengths that come with streets are believed as far as the lines bear them out."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as some

import siting as st

Make = Callable[..., Any]


def costs(network: st.Network) -> dict[str, float]:
    return dict(zip(network.edges.index, network.metres, strict=True))


def bent(crs: Any = "EPSG:4549", x: float = 500_000.0, y: float = 3_210_000.0, **columns: Any) -> gpd.GeoDataFrame:
    """Twelve lines in a chain of 100 m each that lead east and north by turns."""
    corners = np.cumsum([(x, y), *[(100, 0) if i % 2 else (0, 100) for i in range(12)]], axis=0)
    lines = [shapely.LineString(corners[i : i + 2]) for i in range(12)]
    frame = gpd.GeoDataFrame(columns, geometry=lines, crs="EPSG:4549", index=[f"s{i}" for i in range(12)])
    return frame.to_crs(crs)


UNITS = [
    (1 / 0.3048, "feet"),
    (0.3048, "metres that were taken for feet"),
    (1 / 0.9144, "yards"),
    (0.9144, "metres that were taken for yards"),
    (0.001, "kilometres"),
    (1 / 1609.344, "miles"),
    (0.002, r"li \(500 m\)"),
    (100.0, "centimetres"),
    (3.0, r"chi \(1/3 m\)"),
]


@pytest.mark.parametrize(("factor", "unit"), UNITS)
def test_another_unit_is_named(factor: float, unit: str) -> None:
    with pytest.raises(st.errors.NetworkError, match=f"look like {unit}; they must be metres"):
        st.Network.from_streets(bent(length=100.0 * factor))


@pytest.mark.parametrize(("factor", "unit"), [each for each in UNITS if not 0.5 < each[0] < 2])
def test_another_unit_is_named_where_some_streets_wind(factor: float, unit: str) -> None:
    """Every fourth is drawn straight though it winds."""
    wound = np.where(np.arange(12) % 4 == 0, 1.3, 1.0)
    with pytest.raises(st.errors.NetworkError, match=f"look like {unit}; they must be metres"):
        st.Network.from_streets(bent(length=100.0 * factor * wound))


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:4490", "EPSG:4549"])
def test_lengths_of_web_mercator(crs: str) -> None:
    """At 29° N a metre on the ground is 1.143 of them."""
    lengths = bent().to_crs("EPSG:3857").length.to_numpy()
    with pytest.raises(st.errors.NetworkError, match="look like web-Mercator metres"):
        st.Network.from_streets(bent(crs, length=lengths))


@pytest.mark.parametrize("digits", [0, 1, 3])
def test_lengths_that_are_right_are_not_told(digits: int, caplog: pytest.LogCaptureFixture) -> None:
    frame = bent()
    network = st.Network.from_streets(frame.assign(length=np.round(frame.length * 1.0008, digits)))
    assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []
    assert network.metres.sum() == pytest.approx(1200, rel=0.001)


def test_one_proportion_that_is_no_unit_is_told(caplog: pytest.LogCaptureFixture) -> None:
    network = st.Network.from_streets(bent(length=120.0))
    assert (network.metres == 120).all()
    assert "1.2 times as long as the lines are drawn, all alike" in caplog.text


def test_zeros_are_measured_and_told(caplog: pytest.LogCaptureFixture) -> None:
    lengths = np.where(np.arange(12) == 3, 0.0, 100.0)
    assert costs(st.Network.from_streets(bent(length=lengths)))["s3"] == pytest.approx(100)
    assert 'length is 0 in 1 row whose lines have a length: "s3"' in caplog.text


def test_lengths_of_degrees() -> None:
    degrees = bent("EPSG:4326").geometry.map(lambda line: line.length).to_numpy()
    with pytest.raises(st.errors.NetworkError, match="look like degrees"):
        st.Network.from_streets(bent("EPSG:4326", length=degrees))


def test_less_than_the_straight_line_is_measured_and_told(caplog: pytest.LogCaptureFixture) -> None:
    lengths = np.where(np.arange(12) == 3, 30.48, 100.0)
    assert costs(st.Network.from_streets(bent(length=lengths)))["s3"] == pytest.approx(100)
    assert '"s3: 30.48 m for 100 m"; these lines are measured' in caplog.text


def test_many_too_short_are_refused() -> None:
    lengths = np.where(np.arange(12) % 2, np.arange(12) * 7.0 + 1, 100.0)
    with pytest.raises(
        st.errors.NetworkError, match=r'6 of 12 lengths are less than the straight line .*"s1: 8 m for 100 m"'
    ):
        st.Network.from_streets(bent(length=lengths))


@pytest.mark.parametrize("length", [104.0, 1000.0])
def test_one_far_off_is_told_and_counts(length: float, caplog: pytest.LogCaptureFixture) -> None:
    lengths = np.where(np.arange(12) == 3, length, 100.0)
    assert costs(st.Network.from_streets(bent(length=lengths)))["s3"] == length
    assert f'is not that of the line in 1 row: "s3: {length:g} m for 100 m"' in caplog.text


def test_winding_streets_drawn_straight_are_believed(caplog: pytest.LogCaptureFixture) -> None:
    """Every street has a bend of its own; none is more than twice as long as it is drawn."""
    lengths = 100.0 + 7.0 * np.arange(12)
    assert st.Network.from_streets(bent(length=lengths)).metres.sum() == pytest.approx(lengths.sum())
    assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []


def test_pieces_share_the_length_that_was_looked_at(streets: Make, caplog: pytest.LogCaptureFixture) -> None:
    """A length of 0 is measured before the line is cut; another is shared out by the drawn length of the pieces."""
    lines = {"a": [(0, 50), (100, 50)], "b": [(25, 0), (25, 100)], "c": [(75, 0), (75, 100)]}
    network = st.Network.from_streets(streets(lines, length=[120.0, 0.0, 100.0]), split=True)
    expected = {"a-1": 30, "a-2": 60, "a-3": 30, "b-1": 50, "b-2": 50, "c-1": 50, "c-2": 50}
    assert costs(network) == pytest.approx(expected)
    assert 'length is 0 in 1 row whose lines have a length: "b"' in caplog.text


def test_parts_in_degrees_share_a_length_as_on_the_ground() -> None:
    """At 60° N a degree to the east is half as long as one to the north (on the sphere)."""
    parts = shapely.MultiLineString([[(24, 60), (24.02, 60)], [(24.02, 60), (24.02, 60.01)]])
    frame = gpd.GeoDataFrame({"length": [2230.0]}, geometry=[parts], index=["a"], crs="EPSG:4326")
    found = costs(st.Network.from_streets(frame))
    assert found["a-1"] == pytest.approx(1115, rel=0.001)
    assert found["a-2"] == pytest.approx(1115, rel=0.001)


def test_lengths_of_a_graph(caplog: pytest.LogCaptureFixture) -> None:
    graph = nx.MultiDiGraph(crs="EPSG:4549")
    for i in range(5):
        graph.add_node(i, x=500_000.0 + 100 * i, y=3_210_000.0)
    for i, length in enumerate((100.0, 0.0, 30.0, 100.0)):
        graph.add_edge(i, i + 1, length=length)
    assert st.Network.from_graph(graph).metres.tolist() == pytest.approx([100.0] * 4)
    assert 'length is 0 in 1 row whose lines have a length: "1-2"' in caplog.text
    assert '"2-3: 30 m for 100 m"' in caplog.text
    nx.set_edge_attributes(graph, 328.084, "length")
    with pytest.raises(st.errors.NetworkError, match="look like feet"):
        st.Network.from_graph(graph)


def test_lengths_of_arrays_are_told_not_refused(caplog: pytest.LogCaptureFixture) -> None:
    x, y, u = 500_000.0 + 100 * np.arange(6), np.full(6, 3_210_000.0), np.arange(5)
    ends = {"x": x, "y": y, "u": u, "v": u + 1, "crs": "EPSG:4549"}
    assert st.Network.from_arrays(**ends, length=[100.0, 99.8, 130.0, 100.0, 100.0]).metres.sum() == 529.8
    assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []
    assert st.Network.from_arrays(**ends, length=[100.0, 0.0, 30.0, 100.0, 100.0]).metres.min() == 0
    assert 'straight line between the nodes at 2 of 5 edges: "1", "2"' in caplog.text
    st.Network.from_arrays(**ends, length=np.full(5, 328.084))
    assert "look like feet" in caplog.text


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    some.lists(some.integers(0, 11), min_size=1, max_size=2, unique=True),
    some.sampled_from([0.0, 0.001, 0.3048, 0.5, 0.9, 1.1, 1.14, 2.0, 3.28, 10.0, 1000.0, None]),
    some.sampled_from(["EPSG:4549", "EPSG:4326"]),
)
def test_no_spoiled_length_is_silently_wrong(rows: list[int], factor: float | None, crs: str) -> None:
    """One or two spoiled rows are told, or all is as with the clean lengths."""
    frame = bent(crs, length=100.0)
    frame.loc[frame.index[rows], "length"] = np.nan if factor is None else 100.0 * factor
    told: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: told.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger("siting.network.lengths").addHandler(handler)
    try:
        metres = pd.Series(costs(st.Network.from_streets(frame)))
    finally:
        logging.getLogger("siting.network.lengths").removeHandler(handler)
    wrong = metres.index[abs(metres - 100) > 0.1]
    assert all(any(f'"{name}: ' in text for text in told) for name in wrong)
    assert set(wrong) <= {f"s{row}" for row in rows}
