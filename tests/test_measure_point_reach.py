"""Distances between points, computed on demand."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as some
from shapely.geometry import box

import siting as st
from siting.errors import LayerError, ProblemError

Spots = some.lists(some.tuples(some.integers(0, 6), some.integers(0, 6)), min_size=1, max_size=40)
ROUNDED: list[Any] = [None, np.floor, lambda metres: metres, lambda metres: np.floor(metres / 3) * 3]


def table(spots: list[tuple[float, float]], prefix: str = "p") -> pd.DataFrame:
    return pd.DataFrame(spots, columns=["x", "y"], index=[f"{prefix}{k:02d}" for k in range(len(spots))], dtype=float)


@pytest.fixture
def three() -> st.PointReach:
    """From `a`: x is on the spot, y and z are 5 m away; from `b`: 10 m, 5 m, 5 m."""
    origins = pd.DataFrame({"x": [0.0, 6.0], "y": [0.0, 8.0]}, index=["a", "b"])
    destinations = pd.DataFrame({"x": [3.0, 0.0, 3.0], "y": [4.0, 0.0, 4.0]}, index=["y", "x", "z"])
    return st.PointReach.from_points(origins, destinations)


def test_by_hand(three: st.PointReach) -> None:
    assert three.costs([0, 1], [0, 1, 2]).tolist() == [[5, 0, 5], [5, 10, 5]]
    assert three.pair_costs([1, 0], [1, 2]).tolist() == [10, 5]
    near = three.lists([0, 1], 3)
    assert near.columns.tolist() == [[1, 0, 2], [0, 2, 1]]
    assert near.costs.tolist() == [[0, 5, 5], [5, 5, 10]]
    assert np.isinf(near.radius).all()
    assert three.lists([0], 1).radius.tolist() == [0]
    assert [values.tolist() for values in three.nearest([0, 1], [2, 0])] == [[0, 0], [5, 5]]
    assert [values.tolist() for values in three.nearest([1, 0], [1])] == [[1, 1], [10, 0]]
    assert three.to(["z", "x"]).pairs().to_numpy().tolist() == [
        ["a", "x", 0.0], ["a", "z", 5.0], ["b", "z", 5.0], ["b", "x", 10.0],
    ]  # fmt: skip
    assert repr(three) == "<PointReach: 2 origins × 3 destinations, computed on demand, m>"
    assert len(three) == 6


@given(Spots, Spots, some.sampled_from(ROUNDED), some.integers(1, 45), some.data())
def test_lists_and_nearest_are_those_of_all_pairs(
    start: list[tuple[float, float]], stop: list[tuple[float, float]], rounded: Any, k: int, data: Any
) -> None:
    """On a small grid, where many distances are equal."""
    reach = st.PointReach.from_points(table(start), table(stop, "q"), rounded=rounded)
    apart = np.array(start, float)[:, None] - np.array(stop, float)
    plain = np.sqrt((apart**2).sum(axis=2))
    cost = np.rint(plain * 1000) / 1000 if rounded is None else rounded(plain)
    rows = np.arange(len(start))
    assert (reach.costs(rows, np.arange(len(stop))) == cost).all()
    near = reach.lists(rows, k)
    for i in rows.tolist():
        listed = near.columns[i].tolist()
        assert len(set(listed)) == len(listed) == min(k, len(stop))
        assert list(zip(near.costs[i].tolist(), listed, strict=True)) == sorted((cost[i, j], j) for j in listed)
        absent = np.setdiff1d(np.arange(len(stop)), listed)
        assert (cost[i, absent] >= near.radius[i]).all()
        last = np.sort(plain[i])[: len(listed)][-1:] * (1 - 1e-9)
        least = np.rint(last * 1000) / 1000 if rounded is None else rounded(last)
        assert near.radius[i] >= (least[0] if len(absent) else np.inf)
    opened = data.draw(some.lists(some.integers(0, len(stop) - 1), min_size=1, max_size=40))
    at, least = reach.nearest(rows, opened)
    among = np.unique(opened)
    assert (at == among[cost[:, among].argmin(axis=1)]).all()
    assert (least == cost[:, among].min(axis=1)).all()
    limits = data.draw(some.lists(some.integers(-1, 9), min_size=len(start), max_size=len(start)))
    for given_columns, asked in ((None, np.arange(len(stop))), (among, among)):
        ptr, columns, within = reach.within(rows, limits, given_columns)
        for i in rows.tolist():
            part = slice(ptr[i], ptr[i + 1])
            assert sorted(columns[part].tolist()) == asked[cost[i, asked] <= limits[i]].tolist()
            assert (within[part] == cost[i, columns[part]]).all()
    pairs = reach.to(reach.destinations[among])
    assert (pairs.cost.reshape(len(start), -1) == np.sort(cost[:, among], axis=1)).all()
    assert (pairs.cost == cost[pairs.origin, among[pairs.destination]]).all()
    assert pairs.nearest()["destination"].tolist() == reach.destinations[at].tolist()


def test_squares_are_not_rounded_down_a_step_too_far() -> None:
    """Roots of square numbers are whole: floor keeps them."""
    legs = [(3.0 * k, 4.0 * k) for k in range(1, 2000)]
    reach = st.PointReach.from_points(table([(0, 0)]), table(legs), rounded=np.floor)
    assert reach.costs([0], np.arange(1999))[0].tolist() == [5.0 * k for k in range(1, 2000)]


def test_points_of_layers_are_as_straight_lines() -> None:
    town = st.load_sample()
    homes, nurseries = town["communities"], town["childcare"]
    homes = homes.set_geometry(homes.geometry.representative_point())
    reach, all_pairs = st.PointReach.from_points(homes, nurseries), st.straight_line(homes, nurseries, metres=100_000)
    found = reach.to(nurseries.index)
    assert (found.origin == all_pairs.origin).all()
    assert (found.destination == all_pairs.destination).all()
    assert (found.cost == all_pairs.cost).all()
    degrees = st.PointReach.from_points(homes.to_crs(4490), nurseries.to_crs(4490))
    assert degrees.to(nurseries.index).cost == pytest.approx(all_pairs.cost, rel=1e-3)


def test_it_survives_pickling_and_keeps_its_arrays(three: st.PointReach) -> None:
    three.lists([0], 1)
    again = pickle.loads(pickle.dumps(three))
    assert again.lists([0, 1], 2).columns.tolist() == three.lists([0, 1], 2).columns.tolist()
    with pytest.raises(ValueError, match="read-only"):
        again.start[0] = 1.0


def test_what_is_refused() -> None:
    spots = table([(0, 0), (1, 1)])
    layer = gpd.GeoDataFrame(index=["a"], geometry=gpd.points_from_xy([500000], [3380000]), crs=4547)
    for arguments, more, said in (
        ((spots, layer), {}, "one of origins and destinations is a layer"),
        ((spots, spots[["x"]]), {}, "destinations: give a layer of points, or a DataFrame with columns x and y"),
        ((spots.replace(1.0, np.nan), spots), {}, 'origins have no x or y at "p01"'),
        ((pd.concat([spots, spots]), spots), {}, 'origins: ids occur twice: "p00", "p01"'),
        ((spots, spots), {"rounded": 5}, "rounded is 5"),
        ((spots, spots), {"rounded": lambda metres: -metres}, "rounded must give a number of 0 or more"),
        ((spots, spots), {"rounded": lambda metres: 1 / (1 + metres)}, "rounded falls"),
        ((spots, spots), {"rounded": lambda metres: 3.0}, "rounded must give a number"),
        ((layer, layer.set_geometry([box(500000, 3380000, 500010, 3380010)])), {}, 'destinations are no points at "a"'),
    ):
        with pytest.raises(ProblemError, match=said):
            st.PointReach.from_points(*arguments, **more)
    with pytest.raises(LayerError, match="CRS"):
        st.PointReach.from_points(layer, layer.set_crs(None, allow_override=True))
    reach = st.PointReach.from_points(spots, spots)
    for wrong, said in (
        (lambda: reach.lists([0], 0), "k is 0"),
        (lambda: reach.nearest([0], []), "columns is empty"),
        (lambda: reach.to(["p00", "p9"]), 'not among the destinations: "p9"'),
    ):
        with pytest.raises(ProblemError, match=said):
            wrong()


def test_where_a_reach_is_needed_that_is_said(three: st.PointReach) -> None:
    people = pd.Series(1.0, three.origins)
    places = pd.Series(5.0, three.destinations)
    decay = st.decay.power(2, least=10)
    calls: list[Callable[[Any], object]] = [
        lambda reach: st.coverage(reach, people, limit=20),
        lambda reach: st.accessibility(reach, people, places),
        lambda reach: st.assign(reach, people, places),
        lambda reach: st.measure.bands(reach, [20]),
        lambda reach: st.measure.huff(reach, people, decay=decay),
        lambda reach: st.measure.huff_probabilities(reach, people, decay=decay),
        lambda reach: st.measure.supply_ratios(reach, people, places),
        lambda reach: st.measure.neighbours(reach),
        lambda reach: st.measure.close_pairs(reach, limit=20),
        lambda reach: st.measure.spatial_mismatch(reach, people, places, residents=people),
        lambda reach: st.propose.choose_hubs(reach, people),
    ]
    for number, call in enumerate(calls):
        with pytest.raises(ProblemError) as error:
            call(three)
        assert "is a PointReach; give a Reach" in str(error.value), number
        assert "MinTravel" in str(error.value), number
    for name in ("limit", "cost", "pairs"):
        with pytest.raises(ProblemError, match=r"its to\(destinations\) gives a Reach"):
            getattr(three, name)
        assert not hasattr(three, name)  # as Python asks
    with pytest.raises(AttributeError, match="PointReach has no attribute 'colour'"):
        three.colour  # noqa: B018 asking for it is the test
    other = pd.DataFrame(index=three.origins).assign(origins=0)
    with pytest.raises(ProblemError, match="reach is a DataFrame; give a Reach"):
        st.coverage(other, people, limit=20)  # type: ignore[arg-type]  # what is refused


@pytest.mark.parametrize(
    ("points", "given"),
    [([(1.0, 2.0)], "a list"), (np.zeros((2, 2)), "an array"), (pd.DataFrame({"x": [1.0]}), 'the columns "x"')],
)
def test_points_are_a_layer_or_a_table(points: Any, given: str) -> None:
    table = pd.DataFrame({"x": [0.0], "y": [1.0]})
    for ends in ((points, table), (table, points)):
        with pytest.raises(
            ProblemError, match=f"give a layer of points, or a DataFrame with columns x and y .*, not .*{given}$"
        ):
            st.PointReach.from_points(*ends)
