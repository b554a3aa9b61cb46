"""Who is inside: sums by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

import siting as st
from siting.errors import LayerError, ProblemError
from siting.measure import Reach, bands, coverage
from siting.measure.services import offering, open_to_all

Make = Callable[..., Any]
IDS = ["a", "b", "c", "d"]


@pytest.fixture
def reach() -> Reach:
    """`a` at a facility, `b` 250 m, `c` 300 m, `d` 600 m away; `x` comes before `y`."""
    table = pd.DataFrame(
        [("a", "x", 0.0), ("a", "y", 0.0), ("b", "y", 250.0), ("b", "x", 280.0), ("c", "x", 300.0), ("d", "y", 600.0)],
        columns=["origin", "destination", "cost"],
    )
    return Reach.from_pairs(table, origins=IDS, destinations=["x", "y"], limit=800)


@pytest.fixture
def people() -> pd.Series:
    return pd.Series([10, 20, 30, 40], index=IDS, name="people")


def test_everything_is_a_group(reach: Reach, people: pd.Series) -> None:
    found = coverage(reach, people, limit=300)
    assert found.index.names == ["group", "weight"]
    assert found.loc["all", "people"].to_dict() == {
        "total": 100,
        "covered": 60,
        "share": 0.6,
        "communities": 4,
        "communities_covered": 3,
        "communities_share": 0.75,
    }


@pytest.mark.parametrize(("limit", "share"), [(None, 1.0), (800, 1.0), (599.9, 0.6), (299.999, 0.3), (0, 0.1)])
def test_limits_are_inclusive(reach: Reach, people: pd.Series, limit: float | None, share: float) -> None:
    assert coverage(reach, people, limit=limit)["share"].tolist() == [share]


def test_by_district(reach: Reach, people: pd.Series) -> None:
    by = pd.Series({"d": "south", "c": "south", "b": "north", "a": "north"})
    found = coverage(reach, people, by, limit=280)
    assert found["share"].to_dict() == {("north", "people"): 1.0, ("south", "people"): 0.0}
    assert found["communities_covered"].tolist() == [2, 0]
    assert found["total"].tolist() == [30, 70]
    assert coverage(reach, people, by.astype("category"), limit=280)["share"].tolist() == [1.0, 0.0]
    turned = by.map({"south": "north", "north": "south"})
    assert coverage(reach, people, turned, limit=280).index.get_level_values("group").tolist() == ["north", "south"]


@pytest.mark.parametrize("ordered", [False, True])
def test_categories_that_nobody_belongs_to_are_no_groups(reach: Reach, people: pd.Series, ordered: bool) -> None:
    kinds = pd.CategoricalDtype(["west", "south", "east", "north"], ordered=ordered)
    by = pd.Series({"d": "south", "c": "south", "b": "north", "a": "north"}).astype(kinds)
    found = coverage(reach, people, by, limit=280)
    assert found["share"].to_dict() == {("south", "people"): 0.0, ("north", "people"): 1.0}
    assert found["communities"].tolist() == [2, 2]


def test_several_weights(reach: Reach) -> None:
    demand = pd.DataFrame({"people": [10, 20, 30, 40], "infants": [1, 0, 0, 1]}, index=IDS)
    found = coverage(reach, demand, pd.Series(["s", "s", "t", "t"], index=IDS), limit=300)
    assert found["share"].to_dict() == {
        ("s", "people"): 1.0,
        ("s", "infants"): 1.0,
        ("t", "people"): pytest.approx(3 / 7),
        ("t", "infants"): 0.0,
    }
    assert list(found.index) == [("s", "people"), ("s", "infants"), ("t", "people"), ("t", "infants")]
    assert found["communities_share"].tolist() == [1.0, 1.0, 0.5, 0.5]


def test_a_total_of_zero_has_no_share(reach: Reach) -> None:
    found = coverage(reach, pd.Series(0, index=IDS))
    assert found.index.tolist() == [("all", "demand")]
    assert math.isnan(found["share"].iloc[0])
    assert found["communities_share"].iloc[0] == 1.0


def test_a_limit_for_each_community(reach: Reach, people: pd.Series) -> None:
    limit = pd.Series({"d": 600, "c": 299, "b": 250, "a": 0})
    assert coverage(reach, people, limit=limit)["covered"].tolist() == [70]
    with pytest.raises(ProblemError, match='no value for 1 origin: "d"'):
        coverage(reach, people, limit=limit.drop("d"))
    with pytest.raises(ProblemError, match="above the 800 m"):
        coverage(reach, people, limit=limit * 2)


def test_a_limit_beyond_what_was_searched(reach: Reach, people: pd.Series) -> None:
    with pytest.raises(ProblemError, match="call travel with the larger limit"):
        coverage(reach, people, limit=1000)


@pytest.mark.parametrize("weight", [-1, math.nan, math.inf, None, "many"])
def test_weights_that_are_none(reach: Reach, people: pd.Series, weight: Any) -> None:
    demand = people.astype(object)
    demand["c"] = weight
    with pytest.raises(ProblemError, match='demand "people" is negative or not a number in 1 row: "c"'):
        coverage(reach, demand)


def test_weights_that_are_missing(reach: Reach, people: pd.Series) -> None:
    with pytest.raises(ProblemError, match='no row for 2 origins: "b", "d"'):
        coverage(reach, people.drop(["b", "d"]))
    with pytest.raises(ProblemError, match='ids occur twice: "a"'):
        coverage(reach, pd.concat([people, people[:1]]))
    with pytest.raises(ProblemError, match="no row for 4 origins"):
        coverage(reach, people.set_axis([0, 1, 2, 3]))  # numbers are not text


def test_communities_without_a_group(reach: Reach, people: pd.Series) -> None:
    by = pd.Series(["n", None, "s", "s"], index=IDS)
    with pytest.raises(ProblemError, match='no group for 1 origin: "b"'):
        coverage(reach, people, by)
    with pytest.raises(ProblemError, match='no value for 1 origin: "d"'):
        coverage(reach, people, by.drop("d"))


def test_weights_of_others_do_not_count(reach: Reach, people: pd.Series) -> None:
    more = pd.concat([people[::-1], pd.Series({"elsewhere": 1000})]).rename("people")
    pd.testing.assert_frame_equal(coverage(reach, more), coverage(reach, people))


def test_inputs_are_not_changed(reach: Reach) -> None:
    demand = pd.DataFrame({"people": [10, 20, 30, 40]}, index=IDS)
    before = demand.copy()
    coverage(reach, demand, limit=100)
    pd.testing.assert_frame_equal(demand, before)


def test_nobody_anywhere(town_network: st.Network, layer: Make) -> None:
    """No facility: nothing is covered. No community: no row."""
    nothing, homes = layer({}), layer({"a": (0, 0)})
    bare = coverage(st.travel(town_network, homes, nothing, metres=500), pd.Series({"a": 5.0}))
    assert bare["share"].tolist() == [0.0]
    void = coverage(st.travel(town_network, nothing, homes, metres=500), pd.Series(dtype=float))
    assert void.empty
    assert list(void.columns) == list(bare.columns)
    assert void.index.names == ["group", "weight"]


def test_along_the_streets(town_network: st.Network, layer: Make) -> None:
    """Corner, mid-block, off the street and off all streets: 0, 250, 310 and no metres."""
    homes = layer({"a": (0, 0), "b": (250, 0), "c": (300, 10), "d": (2000, 0)})
    reach = st.travel(town_network, homes, layer({"x": (0, 0)}), metres=500)
    people = pd.Series([1, 2, 4, 8], index=IDS)
    assert [coverage(reach, people, limit=m)["covered"].iloc[0] for m in (100, 250, 309, 310, 500)] == [1, 3, 3, 7, 7]
    assert bands(reach, [250, 500])["band"].tolist()[:3] == [250, 250, 500]


# Bands


def test_bands(reach: Reach) -> None:
    found = bands(reach, [800, 300, 500])
    assert found.to_dict("index") == {
        "a": {"facility": "x", "cost": 0.0, "band": 300.0, "unit": "m"},
        "b": {"facility": "y", "cost": 250.0, "band": 300.0, "unit": "m"},
        "c": {"facility": "x", "cost": 300.0, "band": 300.0, "unit": "m"},
        "d": {"facility": "y", "cost": 600.0, "band": 800.0, "unit": "m"},
    }


def test_bands_with_nothing_within_reach(reach: Reach) -> None:
    found = bands(reach.within(280), [200, 250])
    assert found["facility"].isna().tolist() == [False, False, True, True]
    np.testing.assert_array_equal(found["cost"], [0, 250, np.nan, np.nan])
    np.testing.assert_array_equal(found["band"], [200, 250, np.nan, np.nan])
    assert found.index.tolist() == IDS


def test_a_community_between_the_largest_limit_and_the_search(reach: Reach) -> None:
    """It has a nearest facility and a cost, but no band."""
    found = bands(reach, [300])
    assert found.loc["d", "facility"] == "y"
    assert math.isnan(found.loc["d", "band"])


def test_bands_need_limits(reach: Reach) -> None:
    with pytest.raises(ProblemError, match="at least one limit"):
        bands(reach, [])
    with pytest.raises(ProblemError, match="above the 800 m"):
        bands(reach, [300, 1000])
    with pytest.raises(ProblemError, match="limit is nan"):
        bands(reach, [300, math.nan])


def test_bands_of_the_nearest(town_network: st.Network, layer: Make) -> None:
    """Without a limit any band may be asked for."""
    homes, shops = layer({"a": (0, 0), "b": (500, 500)}), layer({"x": (100, 0), "y": (0, 100)})
    reach = st.travel(town_network, homes, shops, nearest=1)
    assert bands(reach, [100, 1000])["band"].tolist() == [100.0, 1000.0]
    assert bands(reach, [100, 1000])["facility"].tolist() == ["x", "x"]


def test_bands_in_minutes(town_network: st.Network, layer: Make) -> None:
    homes, shops = layer({"a": (330, 0), "b": (0, 275)}), layer({"x": (0, 0)})
    found = bands(st.travel(town_network, homes, shops, minutes=15, walk=st.Walk.elder()), [5, 6, 15])
    assert found["band"].tolist() == [6.0, 5.0]
    assert found["unit"].tolist() == ["min", "min"]


# Which facilities count


def test_a_workplace_may_keep_its_facility_to_itself(layer: Make) -> None:
    homes = layer({"a": (0, 0), "b": (9, 9)}, open_to_neighbours=[False, True])
    assert open_to_all(homes).index.tolist() == ["b"]
    assert open_to_all(homes.drop(columns="open_to_neighbours")).index.tolist() == ["a", "b"]


def test_sites_for_a_service(layer: Make) -> None:
    """However the services are separated."""
    services = [
        "childcare;eldercare",
        "eldercare, childcare",
        "childcare；eldercare",
        "childcare、fitness",
        "eldercare",
    ]
    sites = layer(dict.fromkeys("abcde", (0, 0)), services=services)
    assert offering(sites, "childcare").index.tolist() == ["a", "b", "c", "d"]
    assert offering(sites, "eldercare").index.tolist() == ["a", "b", "c", "e"]
    assert offering(sites, "care").empty
    assert offering(sites, "fitness").index.tolist() == ["d"]


@pytest.mark.parametrize(
    "said",
    [
        "养老托育",
        "一老一小",
        "养老/托育",
        "托育+养老",
        "养老和托育",
        "养老服务、托育服务",
        "养老 托育",
        "托育机构及养老机构",
    ],
)
def test_both_services_however_they_are_written(layer: Make, said: str) -> None:
    sites = layer({"a": (0, 0), "b": (9, 9)}, services=[said, "托育"])
    assert offering(sites, "eldercare").index.tolist() == ["a"]
    assert offering(sites, "childcare").index.tolist() == ["a", "b"]


def test_sites_that_do_not_say_what_they_are_for_are_refused(layer: Make) -> None:
    sites = layer({"a": (0, 0), "b": (9, 9)})
    with pytest.raises(LayerError, match=r'no column "services".*candidates.assign\(services="childcare"\)'):
        offering(sites, "childcare")
    with pytest.raises(LayerError, match=r'"可以办的服务" looks like it: columns=\{"services": "可以办的服务"\}'):
        offering(sites.assign(可以办的服务="养老"), "childcare")


def test_words_of_services_that_are_not_understood_are_named(layer: Make, caplog: pytest.LogCaptureFixture) -> None:
    sites = layer({"a": (0, 0), "b": (9, 9)}, services=["均可", "养老"])
    assert offering(sites, "childcare").empty
    assert "no site offers childcare" in caplog.text
    assert '"a: 均可"' in caplog.text


# What holds for any table

Metres = some.integers(0, 10**6).map(lambda mm: mm / 1000)
Limits = some.integers(10**4, 10**6).map(lambda mm: mm / 1000) | some.just(0.0)
Costs = some.lists(Metres, min_size=4, max_size=4)
Weights = some.lists(some.integers(0, 50), min_size=4, max_size=4)


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(Costs, Weights, Limits, Limits)
def test_coverage_grows_with_the_limit(costs: list[float], people: list[int], one: float, other: float) -> None:
    table = pd.DataFrame({"origin": IDS, "destination": "x", "cost": costs})
    reach = Reach.from_pairs(table, origins=IDS, destinations=["x"], limit=1000)
    demand = pd.Series(people, index=IDS)
    small, large = (coverage(reach, demand, limit=m)["covered"].iloc[0] for m in sorted([one, other]))
    assert 0 <= small <= large <= sum(people)
    by_hand = sum(w for w, c in zip(people, costs, strict=True) if c <= one)
    assert coverage(reach, demand, limit=one)["covered"].iloc[0] == by_hand
    assert coverage(reach, demand, limit=pd.Series(one, index=IDS))["covered"].iloc[0] == by_hand


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(Costs, Weights, some.lists(some.sampled_from("nsw"), min_size=4, max_size=4), Limits)
def test_groups_add_up(costs: list[float], people: list[int], groups: list[str], limit: float) -> None:
    table = pd.DataFrame({"origin": IDS, "destination": "x", "cost": costs})
    reach = Reach.from_pairs(table, origins=IDS, destinations=["x"], limit=1000)
    demand = pd.Series(people, index=IDS)
    columns = ["total", "covered", "communities", "communities_covered"]
    parts = coverage(reach, demand, pd.Series(groups, index=IDS), limit=limit)[columns].sum()
    pd.testing.assert_series_equal(parts, coverage(reach, demand, limit=limit)[columns].iloc[0], check_names=False)
