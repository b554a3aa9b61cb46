"""What an audit looks up: once for what it depends on, and how far a rule reaches."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import pandas as pd
import pytest
from shapely import Point

import siting as st
from siting.judge.layers.columns import Missing
from siting.judge.layers.context import Context
from siting.judge.layers.walkers import Limit, limit_of, walk_message
from siting.judge.standards.conditions import key_of

RADIUS = st.Rule("x.a", "service_radius", "childcare", "甲", "A", unit="m", value=300.0, operator="<=")


def context(**layers: pd.DataFrame) -> Context:
    return Context(layers, None, None, {}, 300.0, 250.0)


@pytest.fixture
def town() -> Context:
    homes = gpd.GeoDataFrame(
        {"population": [10, 20, 30], "kind": ["estate", "estate", "park"]},
        index=["a", "b", "park"],
        geometry=[Point(500_000, 3_200_000), Point(500_300, 3_200_000), Point(500_301, 3_200_000)],
        crs=4549,
    )
    places = homes.iloc[[0, 0]].set_axis(["public", "private"]).assign(public=[True, False], places=[40, 60])
    return context(communities=homes, childcare=places)


def test_conditions_are_one_key_in_any_order() -> None:
    first = {"public": True, "kind": ["a", "b"], "any": ({"x": ">=1"}, {"y": False})}
    other = {"any": ({"x": ">=1"}, {"y": False}), "kind": ("a", "b"), "public": True}
    assert key_of(first) == key_of(other)
    assert hash(key_of(first)) == hash(key_of(other))
    assert key_of(first) != key_of({**first, "public": False})
    assert key_of({"kind": "a"}) != key_of({"kind": ("a",)}) != key_of({"kind": ("a", "b")})


def test_what_was_looked_up_is_kept(town: Context) -> None:
    made = []
    assert [town.cached(("key",), lambda: made.append(1) or "value") for _ in range(2)] == ["value", "value"]
    assert made == [1]
    assert replace(town, year=2025).cached(("key",), lambda: "another") == "value", "parts of an audit share it"
    assert context().cached(("key",), lambda: "another") == "another", "two audits do not"


def test_rows_that_count_are_told_apart_by_their_conditions(town: Context) -> None:
    rules = [replace(RADIUS, where=where) for where in ({"public": True}, {"public": False}, {})]
    assert [town.stock(rule).index.tolist() for rule in rules] == [["public"], ["private"], ["public", "private"]]
    assert town.stock(rules[0]) is town.stock(replace(RADIUS, where={"public": True}))


def test_a_search_is_made_once_for_a_limit(town: Context) -> None:
    reach = town.reach(RADIUS, Limit(metres=300.0), straight=True)
    assert town.reach(RADIUS, Limit(metres=300.0), straight=True) is reach
    assert town.reach(RADIUS, Limit(metres=299.0), straight=True) is not reach
    assert town.reach(replace(RADIUS, where={"public": True}), Limit(metres=300.0), straight=True) is not reach
    assert town.served(RADIUS, 300.0, straight=True).tolist() == [True, True, False]
    with pytest.raises(Missing, match="no_network"):
        town.served(RADIUS, 300.0)


def test_marks_that_are_handed_out_are_copies(town: Context) -> None:
    marks = town.ruled(RADIUS)
    assert marks.tolist() == [True, True, False]
    marks[:] = False
    assert town.ruled(RADIUS).tolist() == [True, True, False]


def test_limits_of_walks_and_rides() -> None:
    ride = replace(RADIUS, mode="bicycle", speed="15 km/h")
    assert limit_of(RADIUS, 15, minutes=True) == Limit(minutes=15)
    assert limit_of(ride, 15, minutes=True) == Limit(metres=15 * 250.0)
    assert limit_of(ride, 300, minutes=False) == Limit(metres=300)
    assert [Limit(metres=3.0).amount, Limit(minutes=5.0).amount, Limit().amount] == [3.0, 5.0, float("inf")]
    assert context().limit(RADIUS) == Limit(metres=300.0)
    assert context().limit(replace(RADIUS, minutes=5.0)) == Limit(minutes=5.0)
    assert [context().walk_of(replace(RADIUS, **given)) for given in ({}, {"metres": 500.0}, {"minutes": 5.0})] == [
        "300 m", "500 m", "5 min",
    ]  # fmt: skip


def test_messages_of_walks_lines_and_rides() -> None:
    assert walk_message("audit.beside", RADIUS, {"part": 1}) == ("audit.beside", {"part": 1})
    assert walk_message("audit.beside", replace(RADIUS, metric="straight"), {})[0] == "audit.beside_straight"
    key, values = walk_message("audit.beside", replace(RADIUS, mode="bicycle", speed="15 km/h"), {"part": 1})
    assert (key, values) == ("audit.beside_ride", {"part": 1, "mode": "bicycle", "speed": "15 km/h"})
