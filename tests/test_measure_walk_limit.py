"""Limits of walks, whose slopes count, and places on a network."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import geopandas as gpd
import pytest

import siting as st
from siting.errors import NetworkError, ProblemError
from siting.measure.walk_limit import located, sloped, walk_limit
from siting.network import search


def test_metres_and_minutes() -> None:
    assert walk_limit(500, None) == (500_000, "m", None)
    assert walk_limit(500, None, st.Walk.elder()) == (500_000, "m", None), "metres are the same for all"
    walk = replace(st.Walk.adult(), speed=75.0)
    found = walk_limit(None, 15, walk)
    assert found == (1_125_000, "min", walk)
    assert (found.speed, walk_limit(500, None).speed) == (75.0, 1.0)
    assert walk_limit(None, 1).walk == st.Walk.adult()
    assert walk_limit(None, None, nearest=2) == (search.LONGEST, "m", None)


@pytest.mark.parametrize(("metres", "minutes"), [(10, None), (1_000_000, None), (None, 0.5), (None, 600)])
def test_limits_at_the_edge_of_what_is_plausible(metres: float | None, minutes: float | None) -> None:
    assert walk_limit(metres, minutes).millimetres > 0
    for factor in (0.999, 1.001):
        beyond = [None if given is None else given * factor for given in (metres, minutes)]
        smallest = (metres, minutes) in ((10, None), (None, 0.5))
        if (factor < 1) == smallest:
            with pytest.raises(ProblemError, match="give m"):
                walk_limit(*beyond)
        else:
            assert walk_limit(*beyond).millimetres > 0


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ((None, None), "no limit"),
        ((500, 15), "not both"),
        (("500", None), "metres is .500.; give metres from 10"),
        ((None, [15]), "minutes is .15.; give minutes from 0.5"),
        ((math.nan, None), "metres is nan"),
        ((None, math.inf), "minutes is inf"),
        ((None, 15, "elder"), 'walk is "elder"; give a Walk'),
        ((500, None, None, 0), "nearest is 0"),
        ((500, None, None, True), "nearest is true"),
        ((500, None, None, 1.0), "nearest is 1.0"),
    ],
)
def test_limits_that_are_refused(given: tuple[Any, ...], words: str) -> None:
    with pytest.raises(ProblemError, match=words):
        walk_limit(*given)


def test_slopes_count_where_heights_are_known(town_network: st.Network) -> None:
    walk = st.Walk.elder()
    flat = sloped(town_network, walk)
    assert flat is not None
    assert (flat.slope, flat.speed) == (None, walk.speed)
    assert sloped(town_network, None) is None


def test_a_walk_without_stairs_is_located_again(
    streets: Callable[..., gpd.GeoDataFrame], layer: Callable[..., gpd.GeoDataFrame]
) -> None:
    """The door is 5 m from the steps and 40 m from the lane; places keep how far they may be from a street."""
    lines = {"lane": [(0, 0), (100, 0)], "steps": [(0, 45), (100, 45)]}
    network = st.Network.from_streets(streets(lines, highway=["residential", "steps"]))
    door = layer({"a": (50, 40)})
    places = located(network, door, 60.0, None, "doors")
    assert places.snap.tolist() == [5.0]
    pram = st.Walk.carer(stairs=False)
    assert located(network, places, 1.0, pram).snap.tolist() == [40.0]
    assert located(network, door, 60.0, pram).snap.tolist() == [40.0]
    near = located(network, door, 30.0, None)
    assert near.snap.tolist() == [5.0]
    assert located(network, near, 250.0, pram).edge.tolist() == [-1]


def test_places_are_located_once(town_network: st.Network, layer: Callable[..., gpd.GeoDataFrame]) -> None:
    homes = layer({"a": (0, 0)})
    places = located(town_network, homes, 250.0, None)
    assert located(town_network, places, 250.0, None) is places
    with pytest.raises(NetworkError, match="the network is a GeoDataFrame; give the Network first"):
        located(homes, homes, 250.0, None)  # type: ignore[arg-type]
