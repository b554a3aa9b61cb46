"""Partners, pairs and joint sites: a row of places counted by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as some

import siting as st
from siting.measure.neighbours import (
    close_pairs,
    could_take_in,
    joint_sites,
    medical_partners,
    neighbours,
    uncovered_around,
)

Make = Callable[..., st.Reach]


@pytest.fixture
def homes(reach_of: Make) -> st.Reach:
    """Home `a` beside a clinic, `b` 650 m from the next one, `c` with none within 1000 m."""
    return reach_of({"x": {"a": 80.0}, "y": {"a": 400.0, "b": 650.0}}, "abc", limit=1000)


def test_homes_beside_a_health_centre(homes: st.Reach) -> None:
    found = neighbours(homes, limit=500)
    assert found["partner"].fillna("-").to_dict() == {"a": "x", "b": "y", "c": "-"}  # also beyond the limit
    assert found["cost"].fillna(-1).to_dict() == {"a": 80, "b": 650, "c": -1}
    assert found["partners"].to_dict() == {"a": 2, "b": 0, "c": 0}
    assert found["beside"].to_dict() == {"a": True, "b": False, "c": False}
    assert set(found["unit"]) == {"m"}


@pytest.mark.parametrize(("limit", "beside"), [(80, "a"), (79.9, ""), (650, "ab"), (None, "ab")])
def test_the_limit_is_inclusive(homes: st.Reach, limit: float | None, beside: str) -> None:
    found = neighbours(homes, limit=limit)
    assert found.index[found["beside"]].tolist() == list(beside)


def test_what_cannot_be_counted_is_refused(
    homes: st.Reach, town_network: st.Network, layer: Callable[..., Any]
) -> None:
    with pytest.raises(st.errors.ProblemError, match="above the 1000 m that was searched"):
        neighbours(homes, limit=1001)
    places = layer({"a": (0, 0), "b": (100, 0)})
    with pytest.raises(st.errors.ProblemError, match="nearest does not hold all neighbours"):
        neighbours(st.travel(town_network, places, places, nearest=1))


def test_small_institutions_without_a_medical_partner(homes: st.Reach) -> None:
    """Fewer than 100 beds: 99 is asked, 100 is not."""
    found = medical_partners(homes, pd.Series({"a": 30, "b": 99, "c": 100}), below=100, limit=500)
    assert found["asked"].to_dict() == {"a": True, "b": True, "c": False}
    assert found["lacks"].to_dict() == {"a": False, "b": True, "c": False}
    assert found.columns[0] == "capacity"
    with pytest.raises(st.errors.ProblemError, match='capacity has no row for 1 origin: "c"'):
        medical_partners(homes, pd.Series({"a": 30, "b": 99}), below=100)


def test_ways_run_along_the_streets(town_network: st.Network, layer: Callable[..., Any]) -> None:
    """(0, 0) and (100, 100) are 141 m apart as the crow flies and 200 m along the blocks."""
    homes, clinics = layer({"a": (0, 0), "b": (500, 500)}), layer({"x": (100, 100)})
    found = neighbours(st.travel(town_network, homes, clinics, metres=1000), limit=150)
    assert found["cost"].tolist() == [200, 800]
    assert not found["beside"].any()


def test_pairs_that_could_share_a_building(reach_of: Make) -> None:
    reach = reach_of({"c1": {"e1": 120.0, "e2": 90.0}, "c2": {"e1": 200.0, "e3": 250.0}}, ["e1", "e2", "e3"])
    found = close_pairs(reach, limit=200)
    assert found.to_dict("list") == {
        "origin": ["e2", "e1", "e1"],
        "destination": ["c1", "c1", "c2"],
        "cost": [90, 120, 200],
        "mutual": [True, False, False],  # c2 is nearest to nobody: e1 is nearer to c1, which is nearer to e2
    }
    assert found.index.tolist() == [0, 1, 2]
    assert found.attrs == {"limit": 200.0, "unit": "m", "how": "table"}
    assert close_pairs(reach, limit=199.9)["destination"].tolist() == ["c1", "c1"]
    assert close_pairs(reach, limit=10).empty


@pytest.mark.slow
@given(some.lists(some.integers(0, 4), min_size=9, max_size=9))
def test_no_facility_stands_in_two_mutual_pairs(costs: list[int]) -> None:
    pairs = [(f"e{k // 3}", f"c{k % 3}", 100.0 * cost) for k, cost in enumerate(costs)]
    table = pd.DataFrame(pairs, columns=["origin", "destination", "cost"])
    reach = st.Reach.from_pairs(table, origins=["e0", "e1", "e2"], destinations=["c0", "c1", "c2"], limit=400)
    found = close_pairs(reach, limit=400)
    mutual = found[found["mutual"]]
    assert len(mutual) >= 1
    assert mutual["origin"].is_unique
    assert mutual["destination"].is_unique
    for pair in mutual.itertuples():
        assert pair.cost == table.loc[table["origin"] == pair.origin, "cost"].min()
        assert pair.cost == table.loc[table["destination"] == pair.destination, "cost"].min()


INFANTS = pd.Series({"p": 10, "q": 20, "r": 5, "s": 7}, name="infants")


@pytest.fixture
def sites(reach_of: Make) -> st.Reach:
    return reach_of({"u": {"p": 100.0, "q": 300.0}, "v": {"q": 100.0, "r": 250.0}, "w": {"s": 50.0}}, "pqrs")


def test_uncovered_people_around_a_site(sites: st.Reach, reach_of: Make) -> None:
    """p is covered by x, s too; q is 320 m from x, which is outside 300 m; r is near nothing."""
    existing = reach_of({"x": {"p": 150.0, "q": 320.0, "s": 300.0}}, "pqrs", limit=500)
    assert uncovered_around(sites, existing, INFANTS, limit=300).to_dict() == {"u": 20, "v": 25, "w": 0}
    assert uncovered_around(sites, existing, INFANTS, limit=200).to_dict() == {"u": 0, "v": 20, "w": 7}
    own = pd.Series({"p": 100, "q": 200, "r": 300, "s": 300})  # p is now outside its own 100 m of x
    assert uncovered_around(sites, existing, INFANTS, limit=own).to_dict() == {"u": 10, "v": 25, "w": 0}
    assert uncovered_around(sites, existing, INFANTS, limit=300).name == "infants"


def test_two_radii_are_not_mixed_in_silence(sites: st.Reach, reach_of: Make) -> None:
    with pytest.raises(st.errors.ProblemError, match="sites were searched to 300 m and facilities to 500"):
        uncovered_around(sites, reach_of({"x": "p"}, "pqrs", limit=500), INFANTS)
    with pytest.raises(st.errors.ProblemError, match='from other communities: "s"'):
        uncovered_around(sites, reach_of({"x": "p"}, "pqr"), INFANTS)
    minutes = st.Reach.from_pairs(
        pd.DataFrame({"origin": ["p"], "destination": ["x"], "cost": [3.0]}),
        origins="pqrs", destinations=["x"], limit=15, unit="min",
    )  # fmt: skip
    with pytest.raises(st.errors.ProblemError, match="sites are reached in m and facilities in min"):
        uncovered_around(sites, minutes, INFANTS)
    assert uncovered_around(sites, reach_of({"x": "p"}, "srqp"), INFANTS).to_dict() == {"u": 20, "v": 25, "w": 7}


@pytest.mark.slow
@given(some.lists(some.integers(0, 5), min_size=24, max_size=24), some.integers(1, 4))
def test_uncovered_people_equal_two_loops(costs: list[int], limit: int) -> None:
    """100 m steps; 5 is no path."""
    there = np.array(costs[:12]).reshape(4, 3) * 100.0, np.array(costs[12:]).reshape(4, 3) * 100.0

    def reach(matrix: np.ndarray) -> st.Reach:
        rows = [("pqrs"[i], f"f{j}", matrix[i, j]) for i in range(4) for j in range(3) if matrix[i, j] < 500]
        table = pd.DataFrame(rows, columns=["origin", "destination", "cost"])
        return st.Reach.from_pairs(table, origins="pqrs", destinations=["f0", "f1", "f2"], limit=400)

    found = uncovered_around(reach(there[0]), reach(there[1]), INFANTS, limit=100.0 * limit)
    for j in range(3):
        lacking = (INFANTS.iloc[i] for i in range(4) if there[0][i, j] <= 100 * limit < there[1][i].min())
        assert found[f"f{j}"] == sum(lacking)


def test_sites_for_a_joint_building() -> None:
    elder = pd.Series({"s": 90, "t": 400, "u": 60, "v": 0})
    child = pd.Series({"v": 3, "u": 50, "t": 0, "s": 12})
    found = joint_sites({"eldercare": elder, "childcare": child})
    assert found.index.tolist() == ["u", "s", "t", "v"]  # 110 and 102 people; then those where one service is there
    assert found["joint"].tolist() == [True, True, False, False]
    assert found.loc["s"].tolist() == [90, 12, 102, True]
    few = joint_sites({"eldercare": elder, "childcare": child}, at_least=50)
    assert few.index[few["joint"]].tolist() == ["u"]


def test_joint_sites_that_cannot_be_told() -> None:
    one = pd.Series({"s": 1.0})
    with pytest.raises(st.errors.ProblemError, match="two services or more, not 1"):
        joint_sites({"childcare": one})
    with pytest.raises(st.errors.ProblemError, match='childcare has other sites: "s", "t"'):
        joint_sites({"eldercare": one, "childcare": pd.Series({"t": 1.0})})
    with pytest.raises(st.errors.ProblemError, match="people above 0"):
        joint_sites({"eldercare": one, "childcare": one}, at_least=0)
    for name in ("joint", "people"):
        with pytest.raises(st.errors.ProblemError, match=f'a service is called "{name}"'):
            joint_sites({name: one, "childcare": one})


def test_centres_that_could_take_in_the_other_service() -> None:
    lacking, room = pd.Series({"a": 0, "b": 25, "c": 80}), pd.Series({"a": 300, "b": 250, "c": 90})
    found = could_take_in(lacking, room=room, needed=200)
    assert found["could"].to_dict() == {"b": True, "c": False, "a": False}
    assert found.index.tolist() == ["b", "c", "a"]
    assert could_take_in(lacking, room=room, needed=250)["could"].to_dict() == {"b": True, "c": False, "a": False}
    free = could_take_in(lacking)
    assert free.index[free["could"]].tolist() == ["c", "b"]
    assert all(math.isnan(room) for room in free["room"])
    with pytest.raises(st.errors.ProblemError, match="give room and needed, or none"):
        could_take_in(lacking, room=room)


def test_on_the_sample(sample: dict[str, Any], sample_network: st.Network) -> None:
    """What is lacking around a candidate is what opening it would add: `WhatIf.gain` sums it another way."""
    people = sample["communities"]["infants"]
    both = pd.concat([sample["candidates"][["geometry"]], sample["childcare"][["geometry"]]])
    to_sites = st.travel(sample_network, sample["communities"], sample["candidates"], metres=500)
    to_existing = st.travel(sample_network, sample["communities"], sample["childcare"], metres=500)
    found = uncovered_around(to_sites, to_existing, people)
    what = st.WhatIf(st.travel(sample_network, sample["communities"], both, metres=500), people,
                     open=sample["childcare"].index)  # fmt: skip
    assert found.max() > 0
    assert {site: what.gain(site) for site in found.index} == found.to_dict()


def test_the_bounds_stay_with_the_answer(homes: st.Reach) -> None:
    assert neighbours(homes, limit=500).attrs == {"limit": 500, "unit": "m", "how": homes.how}
    assert neighbours(homes).attrs["limit"] == 1000
    assert medical_partners(homes, pd.Series({"a": 1, "b": 2, "c": 3}), below=2, limit=80).attrs["below"] == 2
    assert close_pairs(homes, limit=200).attrs["limit"] == 200


def test_limits_of_sums_reach_the_joint_sites(reach_of: Make) -> None:
    sites, existing = reach_of({"s": {"p": 100.0}}, "pq"), reach_of({"x": {"q": 50.0}}, "pq")
    people = pd.Series({"p": 3, "q": 4})
    one = uncovered_around(sites, existing, people, limit=200)
    each = uncovered_around(sites, existing, people, limit=pd.Series({"p": 100, "q": 250}))
    assert (one.attrs["limit"], each.attrs["limit"]) == (200, (100, 250))
    assert (one.attrs["unit"], one.attrs["how"]) == ("m", sites.how)
    joint = joint_sites({"eldercare": one, "childcare": each}, at_least=2)
    assert joint.attrs == {"at_least": 2, "limits": {"eldercare": 200, "childcare": (100, 250)}}
    assert could_take_in(one, at_least=2).attrs == {"at_least": 2, "needed": None, "limit": 200}


@pytest.mark.parametrize("wrong", [math.nan, -3, 0, "x"])
def test_bounds_that_are_none(homes: st.Reach, wrong: Any) -> None:
    one = pd.Series({"a": 4.0, "b": 0.0, "c": 1.0})
    with pytest.raises(st.errors.ProblemError, match=r"below is .*above 0"):
        medical_partners(homes, one, below=wrong)
    with pytest.raises(st.errors.ProblemError, match=r"needed is .*above 0"):
        could_take_in(one, room=one, needed=wrong)
    with pytest.raises(st.errors.ProblemError, match=r"at_least is .*above 0"):
        could_take_in(one, at_least=wrong)


def test_lists_are_refused() -> None:
    with pytest.raises(st.errors.ProblemError, match='"a", "b": give a Series of people by site'):
        joint_sites({"a": [1], "b": [1]})  # type: ignore[dict-item]
    with pytest.raises(st.errors.ProblemError, match=r"lacking is \[.*\]; give a Series"):
        could_take_in([1, 2])  # type: ignore[arg-type]
