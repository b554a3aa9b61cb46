"""What one small step changes: edges of refusals, exact counts, ties, labels. Each value can be worked out by hand."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import siting as st
from siting.judge.indicators.estate_duties import area_owed
from siting.judge.standards.from_toml import rule_from
from siting.propose.questions import robustness as robustness_module

# Problems and plans


@pytest.mark.parametrize(
    ("decay", "word"),
    [
        (lambda cost: np.asarray(cost) / 300, "rises"),
        (lambda cost: 1 + 1e-9 * np.asarray(cost), "rises"),
        (lambda cost: -np.ones(len(cost)), "0 or more"),
        (lambda cost: np.full(len(cost), np.nan), "0 or more"),
        (lambda cost: np.ones(len(cost) + 1), "for each cost"),
    ],
)
def test_a_decay_that_is_none_is_refused(decay: Callable[[Any], Any], word: str, reach_of: Any) -> None:
    reach = reach_of({"x": {"a": 100.0, "b": 200.0}, "y": {"b": 50.0}}, "ab")
    with pytest.raises(st.errors.ProblemError, match=word):
        st.solve(st.MaxCoverage(decay), reach, demand=pd.Series({"a": 1, "b": 1}), rules=[st.AtMost(1)])


def test_a_level_decay_is_a_decay(reach_of: Any) -> None:
    reach = reach_of({"x": {"a": 100.0, "b": 200.0}}, "ab")
    level = st.MaxCoverage(lambda cost: np.full(len(cost), 0.5))
    assert st.solve(level, reach, demand=pd.Series({"a": 4, "b": 2}), rules=[st.AtMost(1)]).objective == 3


def test_regret_is_counted_against_the_bound(reach_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A best plan that is not proven may be bettered: what is lost is told against what no plan can pass."""
    reach, people = reach_of({"x": "a", "y": "bc"}, "abc"), pd.Series({"a": 5, "b": 2, "c": 2})
    plan = st.solve(st.MaxCoverage(), reach, demand=people, rules=[st.AtMost(1)])
    assert plan.sites == ("x",)
    proven = robustness_module.search

    def unproven(*args: Any, **options: Any) -> Any:
        return replace(proven(*args, **options), bound=9.5, status="time_limit")

    monkeypatch.setattr(robustness_module, "search", unproven)
    row = st.scenarios.robustness(plan, {"now": people}).loc["now"]
    assert (row["best"], row["best_bound"], row["regret"]) == (5, 9.5, 4.5)
    assert row["relative_regret"] == pytest.approx(4.5 / 9.5)


@pytest.mark.parametrize(
    ("unit", "limit", "cost", "to"),
    [
        ("min", 15.0, 7.32, "7.4 min"),
        ("min", 15.0, 7.3, "7.3 min"),
        ("m", 300.0, 120.4, "121 m"),
        ("m", 99.0, 60.01, "60.1 m"),
    ],
)
def test_a_longer_way_is_told_in_whole_metres_or_tenths(unit: Any, limit: float, cost: float, to: str) -> None:
    """Below 100 in tenths, else in whole units; the step that is told is enough."""
    pairs = pd.DataFrame({"origin": ["a"], "destination": ["x"], "cost": [cost]})
    reach = st.Reach.from_pairs(pairs, origins=["a"], destinations=["x"], limit=limit, unit=unit)
    plan = st.solve(st.MinSites(), reach, demand=pd.Series({"a": 3}), rules=[st.NobodyBeyond(limit / 15), st.AtMost(1)])
    assert plan.status == "infeasible"
    assert to in plan.explain("en")


@pytest.mark.parametrize(("most", "status"), [(1, "infeasible"), (2, "optimal"), (3, "optimal")])
def test_at_most_counts_to_the_very_site(most: int, status: str, reach_of: Any) -> None:
    reach, people = reach_of({"x": "a", "y": "b", "z": "ab"[:1]}, "ab"), pd.Series({"a": 1, "b": 1})
    plan = st.solve(st.MinSites(), reach, demand=people, rules=[st.Cover(1.0), st.AtMost(most)])
    assert plan.status == status


@pytest.mark.parametrize(("share", "sites"), [(0.6, 1), (0.6000001, 2), (0.7, 2), (1.0, 3)])
def test_a_share_is_kept_to_the_very_person(share: float, sites: int, reach_of: Any) -> None:
    """Of ten people six are 60 %; a hair above asks for the seventh."""
    reach = reach_of({"x": "a", "y": "b", "z": "c"}, "abc")
    plan = st.solve(st.MinSites(), reach, demand=pd.Series({"a": 6, "b": 3, "c": 1}), rules=[st.Cover(share)])
    assert len(plan.sites) == sites


# Walks and places


def test_a_walk_without_stairs_says_so(town_network: st.Network, layer: Any) -> None:
    homes = layer({"a": (0, 0), "b": (300, 0)})
    up, level = st.Walk.adult(), st.Walk.adult(stairs=False)
    assert st.travel(town_network, homes, homes, minutes=10, walk=up).how == "streets, adult, 80 m/min"
    assert st.travel(town_network, homes, homes, minutes=10, walk=level).how == "streets, adult, 80 m/min, no stairs"
    assert st.travel(town_network, homes, homes, metres=800, walk=up).how == "streets"
    assert st.travel(town_network, homes, homes, metres=800, walk=level).how == "streets, no stairs"


@pytest.mark.parametrize("speed", [20, 200])
def test_the_slowest_and_the_fastest_walk_are_walks(speed: float) -> None:
    assert st.Walk(speed).speed == speed
    with pytest.raises(st.errors.NetworkError, match="speed"):
        st.Walk(math.nextafter(speed, 0 if speed == 20 else 1000))


@pytest.mark.parametrize("metres", [10, 1_000_000])
def test_the_shortest_and_the_longest_limit_are_limits(metres: float, town_network: st.Network, layer: Any) -> None:
    homes = layer({"a": (0, 0), "b": (5, 0)})
    assert len(st.travel(town_network, homes, homes, metres=metres).pairs()) == 4
    with pytest.raises(st.errors.ProblemError, match="from 10 to 1,000,000"):
        st.travel(town_network, homes, homes, metres=math.nextafter(metres, 0 if metres == 10 else 1e9))


def test_places_of_another_network_are_refused_even_where_the_ends_of_edges_agree(streets: Any, layer: Any) -> None:
    """Same nodes, same edges, another length: the positions on the streets would be wrong."""
    one = streets({"w": ((0, 0), (100, 0)), "e": ((100, 0), (200, 0))})
    longer = streets({"w": ((0, 0), (50, 40), (100, 0)), "e": ((100, 0), (200, 0))})
    first, second = st.Network.from_streets(one), st.Network.from_streets(longer)
    homes = layer({"a": (20, 0), "b": (180, 0)})
    places = first.locate(homes)
    assert len(st.travel(first, places, places, metres=500).pairs()) == 4
    assert len(st.travel(st.Network.from_streets(one), places, places, metres=500).pairs()) == 4
    with pytest.raises(st.errors.NetworkError, match="another network"):
        st.travel(second, places, places, metres=500)


def test_of_streets_equally_near_one_is_taken_in_any_order_of_the_rows(streets: Any, layer: Any) -> None:
    """Two parallel streets, 10 m from the home each."""
    lines = {"n": ((0, 10), (100, 10)), "s": ((0, -10), (100, -10)), "w": ((0, 10), (0, -10))}
    taken = set()
    for order in ("nsw", "snw", "wsn"):
        network = st.Network.from_streets(streets({name: lines[name] for name in order}))
        place = network.locate(layer({"a": (60, 0)}))
        assert place.snap[0] == pytest.approx(10)
        taken.add(network.edges.index[place.edge[0]])
    assert len(taken) == 1


@pytest.mark.parametrize(("length", "back"), [(0.0, 200), (0.001, None)])
def test_a_one_way_street_of_no_length_has_no_direction(length: float, back: float | None) -> None:
    """Two nodes at one spot are one place; a millimetre between them, and the way back is closed."""
    network = st.Network.from_arrays(
        x=[500_000, 500_100, 500_100, 500_200], y=[3_380_000] * 4, u=[0, 1, 2], v=[1, 2, 3],
        length=[100.0, length, 100.0], oneway=[0, 1, 0], crs="EPSG:4547",
    )  # fmt: skip
    ends = network.places_at_nodes(pd.Index([0, 3]))
    pairs = st.travel(network, ends, ends, metres=1000).pairs().set_index(["origin", "destination"])["cost"]
    assert pairs[0, 3] == 200 + length
    assert pairs.get((3, 0)) == back


# Figures and standards


def test_the_figure_of_a_printed_year_is_the_printed_one(caplog: pytest.LogCaptureFixture) -> None:
    figures = {2020: 0.1 + 0.2, 2025: 7.0}
    with caplog.at_level(logging.WARNING):
        assert st.forecasts.interpolate_figures(figures, 2020) == 0.1 + 0.2
        assert st.forecasts.interpolate_figures(figures, 2025, method="growth") == 7.0
        assert st.forecasts.interpolate_figures({2020: 5.0}, 2020) == 5.0
    assert not caplog.records
    st.forecasts.interpolate_figures(figures, 2026)
    assert "beyond the printed years" in caplog.text


def test_a_least_area_for_each_site_counts_each_site() -> None:
    """20 m² per 100 households, at least 200 m² for each site: two sites owe 400 m², one 200 m², an area 200 m²."""
    assert area_owed(500, 20, 200, sites=2, scope="site") == 400
    assert area_owed(500, 20, 200, sites=0, scope="site") == 200
    assert area_owed(500, 20, 200, sites=2, scope="area") == 200
    assert area_owed(3600, 20, 200, sites=2, scope="site") == 720


def judged(layers: dict[str, gpd.GeoDataFrame], **keys: Any) -> pd.Series:
    """The verdict on one rule, written as a file gives it."""
    rule = {"id": "my.r", "service": "childcare", "indicator_zh": "甲", "indicator_en": "a", **keys}
    standard = st.Standard("my", "我市", "My city", ()).extended([rule_from(rule)], {})
    return st.audit(standard, layers).table.iloc[0]


@pytest.mark.parametrize(
    ("operator", "value", "status", "needed"),
    [
        ("<=", 3, "short", math.nan),
        ("<=", 4, "met", 0),
        ("<", 4, "short", math.nan),
        (">=", 5, "short", 1),
        (">", 4, "short", 1),
    ],
)
def test_what_is_above_a_ceiling_is_short_and_nothing_is_needed(
    operator: str, value: float, status: str, needed: float, layer: Any
) -> None:
    """Four homes, and so many of them allowed or wanted: too many are not mended by more."""
    care = layer({name: (100 * i, 0) for i, name in enumerate("kmno")}, places=[10] * 4)
    row = judged({"childcare": care}, kind="count_target", operator=operator, value=value, unit="facilities")
    assert (row["value"], row["status"]) == (4, status)
    np.testing.assert_equal(row["needed"], needed)


def three_townships() -> gpd.GeoDataFrame:
    squares = [shapely.box(530_000 + 100 * k, 3_380_000, 530_100 + 100 * k, 3_380_100) for k in range(3)]
    names = {"name": ["甲镇", "乙镇", "丙镇"], "level": ["township"] * 3}
    return gpd.GeoDataFrame(names, geometry=squares, crs="EPSG:4547", index=pd.Index(["t0", "t1", "t2"], name="id"))


@pytest.mark.parametrize(
    ("district", "lacks"), [(None, "丙镇"), (["乙镇", "乙镇", "外镇", "外镇"], "甲镇"), (["外镇"] * 4, "丙镇")]
)
def test_facilities_outside_all_districts_cover_none(district: list[str] | None, lacks: str, layer: Any) -> None:
    """What the column says counts, and where it names no township of the layer, the place: two of three are covered."""
    columns = {} if district is None else {"district": district}
    third = (250, 50) if lacks == "甲镇" else (950, 50)
    care = layer({"k": (50, 50), "m": (150, 50), "out": third, "far": (1950, 50)}, places=[1] * 4, **columns)
    row = judged(
        {"districts": three_townships(), "childcare": care},
        kind="coverage_share", operator=">=", value=100, unit="percent", applies_to="township",
    )  # fmt: skip
    assert row["value"] == pytest.approx(200 / 3)
    assert (row["status"], row["needed"]) == ("short", 1)
    assert lacks in row["reason"]


@pytest.mark.parametrize(("scope", "value"), [("site", 100 / 3), ("area", 200 / 3)])
def test_each_site_of_a_county_has_to_be_large_or_one_of_them(scope: str, value: float, layer: Any) -> None:
    """Township 0 has 200 and 199 m², township 1 has 200 m², township 2 none; 200 m² are enough."""
    care = layer({"k": (20, 50), "l": (60, 50), "m": (150, 50)}, floor_area=[200.0, 199.0, 200.0])
    row = judged(
        {"districts": three_townships(), "childcare": care}, kind="min_floor_area", operator=">=", value=200,
        unit="m2_per_site", applies_to="township", scope=scope, column="floor_area",
    )  # fmt: skip
    assert row["value"] == pytest.approx(value)
