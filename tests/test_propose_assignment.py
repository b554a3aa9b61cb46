"""Who has a place: by hand, by brute force, and against the flows of networkx."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from itertools import product
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as draws

import siting as st
from siting.errors import ProblemError
from siting.optimize import highs
from siting.optimize.max_flow import LARGEST, maximum_flow
from siting.propose.questions.assignment import Assignment, assign

Make = Callable[..., st.Reach]
examples = settings(max_examples=30, deadline=None, derandomize=True)


@pytest.fixture
def reach(reach_of: Make) -> st.Reach:
    """`a` has x at 100 and y at 250; `b` only x at 200; `c` nothing; `d` only z, which has no places; `e` only y."""
    return reach_of({"x": {"a": 100, "b": 200}, "y": {"a": 250, "e": 50}, "z": {"d": 10}, "far": {}}, "abcde")


PEOPLE = pd.Series({"a": 10, "b": 8, "c": 3, "d": 2, "e": 1}, name="infants")
PLACES = pd.Series({"x": 12, "y": 9, "z": 0, "far": 40}, name="places")


@pytest.fixture
def found(reach: st.Reach) -> Assignment:
    return assign(reach, PEOPLE, PLACES)


def test_by_hand(found: Assignment) -> None:
    # b has only x, so all 8 of b go there; a takes the 4 that are left at x, 6 walk to y; c and d have none.
    assert found.flows.to_numpy().tolist() == [
        ["a", "x", 4, 100.0], ["a", "y", 6, 250.0], ["b", "x", 8, 200.0], ["e", "y", 1, 50.0],
    ]  # fmt: skip
    assert found.flows.columns.tolist() == ["origin", "destination", "people", "cost"]
    assert (found.total, found.served, found.travel, found.status) == (24, 19, 3550, "optimal")
    assert found.share == 19 / 24
    assert found.mean == 3550 / 19
    assert found.bound == pytest.approx(3550)
    # at the nearest only: 18 come to x, which takes 12, and e finds y
    assert found.nearest == 13


def test_who_is_left_and_why(found: Assignment) -> None:
    assert found.left.to_dict() == {"a": 0, "b": 0, "c": 3, "d": 2, "e": 0}
    assert found.communities["reason"].dropna().to_dict() == {"c": "beyond", "d": "full"}
    assert found.communities["served"].tolist() == [10, 8, 0, 0, 1]
    assert found.communities["cost"].tolist()[:2] == [190, 200]
    assert found.communities["cost"].isna().tolist() == [False, False, True, True, False]


def test_what_is_used_and_what_stays_free(found: Assignment) -> None:
    assert found.used.to_dict() == {"x": 12, "y": 7, "z": 0, "far": 0}
    assert found.free.to_dict() == {"x": 0, "y": 2, "z": 0, "far": 40}
    # x is full, but nobody more would have a place if it were larger; at z d would.
    assert found.facilities["scarce"].to_dict() == {"x": False, "y": False, "z": True, "far": False}
    assert found.facilities["cost"].tolist()[:2] == [(400 + 1600) / 12, (1500 + 50) / 7]


def test_serving_more_goes_before_walking_less(reach_of: Make) -> None:
    reach = reach_of({"x": {"a": 0, "b": 1}, "y": {"a": 300}}, "ab")
    found = assign(reach, pd.Series({"a": 1, "b": 1}), pd.Series({"x": 1, "y": 1}))
    assert found.flows[["origin", "destination"]].to_numpy().tolist() == [["a", "y"], ["b", "x"]]
    assert found.travel == 301


def test_of_those_who_cannot_all_go_the_nearest_do(reach_of: Make) -> None:
    found = assign(reach_of({"x": {"a": 90, "b": 80}}, "ab"), pd.Series({"a": 5, "b": 5}), pd.Series({"x": 7}))
    assert found.flows["people"].tolist() == [2, 5]
    assert found.left.tolist() == [3, 0]


def test_whole_people_stay_whole(found: Assignment) -> None:
    assert found.flows["people"].dtype == np.int64
    assert found.left.dtype == found.used.dtype == found.free.dtype == np.int64


def test_fractions_are_counted_in_thousandths(reach_of: Make) -> None:
    reach = reach_of({"x": {"a": 10}, "y": {"a": 20}}, "a")
    found = assign(reach, pd.Series({"a": 10 / 3}), pd.Series({"x": 1.5, "y": 7}))
    assert found.flows["people"].tolist() == [1.5, 1.833]
    assert found.left.tolist() == [0]
    assert (found.total, found.served) == (3.333, 3.333)
    assert found.travel == pytest.approx(15 + 36.66)
    assert (found.status, found.bound) == ("optimal", pytest.approx(found.travel))


def test_a_limit_of_all_or_of_each(reach: st.Reach) -> None:
    assert assign(reach, PEOPLE, PLACES, limit=100).served == 11
    own = pd.Series({"a": 100, "b": 200, "c": 0, "d": 0, "e": 49})
    found = assign(reach, PEOPLE, PLACES, limit=own)  # a and b meet at x, which a is nearer to
    assert found.communities["served"].tolist() == [10, 2, 0, 0, 0]
    assert found.communities["reason"].dropna().to_dict() == {"b": "full", "c": "beyond", "d": "beyond", "e": "beyond"}
    with pytest.raises(ProblemError, match="above the 300 m that was searched"):
        assign(reach, PEOPLE, PLACES, limit=301)


@pytest.mark.parametrize(
    ("people", "places"),
    [(PEOPLE * 0, PLACES), (PEOPLE, PLACES * 0), (PEOPLE * 0, PLACES * 0)],
    ids=["nobody", "no places", "neither"],
)
def test_nothing_to_give(reach: st.Reach, people: pd.Series, places: pd.Series) -> None:
    found = assign(reach, people, places)
    assert (found.served, found.travel, found.bound, found.status, len(found.flows)) == (0, 0, 0, "optimal", 0)
    assert math.isnan(found.mean)
    assert math.isnan(found.share) == (people.sum() == 0)
    assert "nan" not in found.explain("en") + found.explain() + repr(found)
    assert found.left.sum() == people.sum()


def test_no_pairs_no_communities_no_facilities(reach_of: Make) -> None:
    found = assign(reach_of({"x": {}}, "ab"), pd.Series({"a": 1, "b": 2}), pd.Series({"x": 3}))
    assert found.communities["reason"].tolist() == ["beyond", "beyond"]
    assert found.free.tolist() == [3]
    nobody = assign(reach_of({"x": {}}, ""), pd.Series([], dtype=int), pd.Series({"x": 3}))
    assert (nobody.total, nobody.served, nobody.status) == (0, 0, "optimal")


def test_amounts_beyond_the_ids_are_left_aside_and_order_does_not_matter(reach: st.Reach, found: Assignment) -> None:
    more = pd.concat([PEOPLE, pd.Series({"zz": 100})])[::-1]
    again = assign(reach, more, PLACES[::-1])
    pd.testing.assert_frame_equal(again.flows, found.flows)
    assert more.tolist()[0] == 100


@pytest.mark.parametrize(
    ("people", "places", "said"),
    [
        (PEOPLE.drop("b"), PLACES, 'demand has no row for 1 origin: "b"'),
        (PEOPLE, PLACES.drop("y"), 'capacity has no row for 1 destination: "y"'),
        (PEOPLE.replace(8, -8), PLACES, 'demand "infants" is negative or not a number in 1 row: "b"'),
        (PEOPLE, PLACES.replace(12, np.nan), 'capacity "places" is negative or not a number in 1 row: "x"'),
        (PEOPLE, PLACES.replace(12, np.inf), 'capacity "places" is negative or not a number in 1 row: "x"'),
        (PEOPLE.to_frame().assign(more=1), PLACES, "demand is a DataFrame; give a Series with a value for each id"),
        (PEOPLE, {"x": 1}, "capacity is a dict"),
        (PEOPLE, PLACES.replace(12, 2**31), "counts up to 2,147,483,646"),
        (PEOPLE + 0.5, PLACES.replace(12, 3_000_000), "up to 2,147,483, because some amounts have a fraction"),
    ],
)
def test_what_is_no_amount_is_refused(reach: st.Reach, people: Any, places: Any, said: str) -> None:
    with pytest.raises(ProblemError, match=said):
        assign(reach, people, places)


def test_a_reach_of_the_nearest_is_refused(reach: st.Reach) -> None:
    with pytest.raises(ProblemError, match="all pairs within a limit"):
        assign(dataclasses.replace(reach, nearest_only=1), PEOPLE, PLACES)


@pytest.mark.parametrize("seconds", [0, -1, "5"])
def test_a_time_limit_is_a_time(reach: st.Reach, seconds: Any) -> None:
    with pytest.raises(ProblemError, match="time_limit"):
        assign(reach, PEOPLE, PLACES, time_limit=seconds)


def test_out_of_time_as_many_are_served_and_the_bound_still_holds(
    reach: st.Reach, found: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(*arguments: Any, time_limit: float, **more: Any) -> highs.Outcome:
        assert time_limit == 3
        return highs.Outcome("time_limit", None, -math.inf)

    monkeypatch.setattr(highs, "run", slow)
    late = assign(reach, PEOPLE, PLACES, time_limit=3)
    assert (late.status, late.served) == ("time_limit", found.served)
    assert late.bound <= found.travel <= late.travel
    # with places for nothing: a, b and e, who can all be served, at their nearest
    assert late.bound == 10 * 100 + 8 * 200 + 1 * 50
    assert "time limit" in late.explain("en")


def test_without_prices_those_who_may_be_left_out_prove_nothing(
    reach_of: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(highs, "run", lambda *a, **k: highs.Outcome("time_limit", None, -math.inf))
    found = assign(reach_of({"x": {"a": 90, "b": 80}}, "ab"), pd.Series({"a": 5, "b": 5}), pd.Series({"x": 7}))
    assert (found.served, found.bound) == (7, 0)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (highs.Outcome("infeasible", None, math.inf), "infeasible"),
        (highs.Outcome("optimal", np.full(4, 9.0), 0.0, (np.zeros(9), np.zeros(4))), "does not add up"),
    ],
)
def test_a_solver_that_fails_is_not_believed(
    reach: st.Reach, monkeypatch: pytest.MonkeyPatch, answer: highs.Outcome, said: str
) -> None:
    monkeypatch.setattr(highs, "run", lambda *a, **k: answer)
    with pytest.raises(RuntimeError, match=said):
        assign(reach, PEOPLE, PLACES)


@pytest.mark.parametrize("price", [0, 50])
def test_a_flow_without_its_proof_is_only_feasible(
    reach: st.Reach, monkeypatch: pytest.MonkeyPatch, price: float
) -> None:
    """Nobody is paid for taking a place that may stay free, whatever the solver says."""
    real = highs.run

    def with_wrong_prices(*arguments: Any, **more: Any) -> highs.Outcome:
        result = real(*arguments, **more)
        assert result.duals is not None
        return dataclasses.replace(result, duals=(np.full(len(result.duals[0]), price), result.duals[1]))

    monkeypatch.setattr(highs, "run", with_wrong_prices)
    found = assign(reach, PEOPLE, PLACES)
    assert (found.status, found.travel, found.bound) == ("feasible", 3550, 2650)
    assert "not proven" in found.explain("en")


def test_how_it_shows(found: Assignment) -> None:
    assert repr(found) == "<Assignment: optimal, 19 of 24 have a place (79.2 %), 186.8 m on average>"
    assert found.explain("en").splitlines() == [
        "Proven: as many as possible have a place, with the least travel.",
        "19 of 24 people have a place (79.2 %), 186.8 m away on average.",
        "People without a place: 5. For 3 of them nothing is within 300 m, for 2 everything in reach is full.",
        "Places: 61, of which 42 stay free.",
        "If everybody went to the nearest facility only, 13 would have a place.",
        "Communities with people left (2): c (3), d (2)",
        "Facilities where one more place would serve one more person (1): z",
    ]
    chinese = found.explain().splitlines()
    assert chinese[2] == "5 人没有位置：3 人在 300 米内没有设施，2 人可达的设施均已满。"
    assert len(chinese) == 7
    with pytest.raises(ValueError, match="choose one of zh, en"):
        found.explain("fr")


def test_explain_names_no_more_than_twenty_and_the_worst_first(reach_of: Make) -> None:
    ids = [f"o{k:02}" for k in range(30)]
    found = assign(reach_of({"x": {}}, ids), pd.Series(range(30), index=ids), pd.Series({"x": 1}))
    line = found.explain("en").splitlines()[-1]
    assert line.startswith("Communities with people left (29): o29 (29), o28 (28)")
    assert line.endswith("o10 (10) …")


def test_an_assignment_is_frozen_and_inputs_stay(reach: st.Reach, found: Assignment) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.served = 1.0  # type: ignore[misc]
    assert PEOPLE.tolist() == [10, 8, 3, 2, 1]
    assert reach.cost.tolist() == [100, 250, 200, 10, 50]


@draws.composite
def problems(draw: Any, most: int = 7, people: int = 12) -> tuple[st.Reach, pd.Series, pd.Series]:
    n, m = draw(draws.integers(1, most)), draw(draws.integers(1, most))
    cells = draw(draws.lists(draws.tuples(draws.integers(0, n - 1), draws.integers(0, m - 1)), unique=True))
    rows = [(f"o{i}", f"s{j}", float(draw(draws.integers(0, 9)) * 10)) for i, j in cells]
    demand = draw(draws.lists(draws.integers(0, people), min_size=n, max_size=n))
    capacity = draw(draws.lists(draws.integers(0, people), min_size=m, max_size=m))
    origins, sites = [f"o{i}" for i in range(n)], [f"s{j}" for j in range(m)]
    table = pd.DataFrame(rows, columns=["origin", "destination", "cost"])
    reach = st.Reach.from_pairs(table, origins=origins, destinations=sites, limit=90)
    return reach, pd.Series(demand, index=origins), pd.Series(capacity, index=sites)


def _graph(reach: st.Reach, demand: pd.Series, capacity: pd.Series) -> Any:
    graph = nx.DiGraph()
    graph.add_nodes_from(["source", "sink"])
    for i, people in demand.items():
        graph.add_edge("source", i, capacity=int(people), weight=0)
    for j, places in capacity.items():
        graph.add_edge(j, "sink", capacity=int(places), weight=0)
    for row in reach.pairs().itertuples():
        graph.add_edge(row.origin, row.destination, capacity=int(demand[row.origin]), weight=int(row.cost))
    return graph


def _keeps_its_word(found: Assignment, reach: st.Reach, demand: pd.Series, capacity: pd.Series) -> None:
    """What holds for every assignment, from the flows alone."""
    flows = found.flows
    sent = flows.groupby("origin")["people"].sum().reindex(demand.index, fill_value=0)
    got = flows.groupby("destination")["people"].sum().reindex(capacity.index, fill_value=0)
    assert (flows["people"] > 0).all()
    assert (sent <= demand).all()
    assert (got <= capacity).all()
    priced = flows.merge(reach.pairs(), on=["origin", "destination", "cost"])
    assert len(priced) == len(flows)
    assert found.left.tolist() == (demand - sent).tolist()
    assert found.used.tolist() == got.tolist()
    assert found.free.tolist() == (capacity - got).tolist()
    assert found.served == flows["people"].sum()
    assert found.travel == pytest.approx((flows["people"] * flows["cost"]).sum())
    assert found.bound == pytest.approx(found.travel)
    assert found.bound <= found.travel
    assert found.status == "optimal"
    assert found.nearest <= found.served
    near = set(reach.pairs()["origin"])
    for i, row in found.communities.iterrows():
        expected = None if not row["left"] else "full" if i in near else "beyond"
        assert row["reason"] == expected


@pytest.mark.slow
@given(problems())
@examples
def test_as_many_and_as_near_as_the_flow_of_networkx(problem: tuple[st.Reach, pd.Series, pd.Series]) -> None:
    found = assign(*problem)
    _keeps_its_word(found, *problem)
    graph = _graph(*problem)
    assert found.served == nx.maximum_flow_value(graph, "source", "sink")
    flow = nx.max_flow_min_cost(graph, "source", "sink")
    assert found.travel == nx.cost_of_flow(graph, flow)


@pytest.mark.slow
@given(problems())
@examples
def test_min_cost_flow_of_networkx_with_the_number_served_given(problem: tuple[st.Reach, pd.Series, pd.Series]) -> None:
    found = assign(*problem)
    graph = _graph(*problem)
    graph.nodes["source"]["demand"], graph.nodes["sink"]["demand"] = -int(found.served), int(found.served)
    assert found.travel == nx.min_cost_flow_cost(graph)


@pytest.mark.slow
@given(problems())
@examples
def test_scarce_is_where_one_more_place_serves_one_more(problem: tuple[st.Reach, pd.Series, pd.Series]) -> None:
    reach, demand, capacity = problem
    found = assign(*problem)
    for j in capacity.index:
        one_more = capacity + (capacity.index == j)
        gain = nx.maximum_flow_value(_graph(reach, demand, one_more), "source", "sink") - found.served
        assert found.facilities.loc[j, "scarce"] == (gain == 1)


@pytest.mark.slow
@given(problems(most=2, people=3))
@examples
def test_brute_force(problem: tuple[st.Reach, pd.Series, pd.Series]) -> None:
    reach, demand, capacity = problem
    w, c = demand.to_numpy(), capacity.to_numpy()
    best = (0, 0.0)
    for flow in product(range(4), repeat=len(reach)):
        sent, got = np.bincount(reach.origin, flow, len(w)), np.bincount(reach.destination, flow, len(c))
        if (sent <= w).all() and (got <= c).all():
            best = max(best, (sum(flow), -float(np.dot(flow, reach.cost))))
    found = assign(reach, demand, capacity)
    assert (found.served, -found.travel) == best


@pytest.mark.slow
@given(problems(), draws.sampled_from([0.001, 0.25, 0.9]))
@examples
def test_fractions_scale_the_answer(problem: tuple[st.Reach, pd.Series, pd.Series], part: float) -> None:
    reach, demand, capacity = problem
    whole, parted = assign(*problem), assign(reach, demand * part, capacity * part)
    assert parted.served == pytest.approx(whole.served * part)
    assert parted.travel == pytest.approx(whole.travel * part)
    assert parted.bound == pytest.approx(parted.travel)


@pytest.mark.slow
def test_a_town_against_networkx() -> None:
    rng = np.random.default_rng(7)
    n, m = 300, 40
    here, there = rng.uniform(0, 3000, (n, 2)), rng.uniform(0, 3000, (m, 2))
    metres = np.rint(np.hypot(*(here[:, None] - there[None]).transpose(2, 0, 1)))
    i, j = np.nonzero(metres <= 800)
    table = pd.DataFrame({"origin": i, "destination": j, "cost": metres[i, j]})
    reach = st.Reach.from_pairs(table, origins=range(n), destinations=range(m), limit=800)
    demand = pd.Series(rng.integers(0, 60, n))
    for fill_rate in (0.5, 1.0, 1.5):
        capacity = pd.Series(rng.integers(0, int(2 * fill_rate * demand.sum() / m), m))
        found = assign(reach, demand, capacity)
        _keeps_its_word(found, reach, demand, capacity)
        named = st.Reach.from_pairs(
            table.assign(origin="o" + table["origin"].astype(str), destination="s" + table["destination"].astype(str)),
            origins=[f"o{k}" for k in range(n)], destinations=[f"s{k}" for k in range(m)], limit=800,
        )  # fmt: skip
        graph = _graph(named, demand.rename("o{}".format), capacity.rename("s{}".format))
        assert found.travel == nx.cost_of_flow(graph, nx.max_flow_min_cost(graph, "source", "sink"))


def test_the_largest_amounts_that_are_counted() -> None:
    big = np.array([LARGEST, LARGEST])
    pairs = np.array([0, 1, 1], np.int32), np.array([0, 0, 1], np.int32)
    assert maximum_flow(big, big, *pairs).flow.tolist() == [LARGEST, 0, LARGEST]
    with pytest.raises(ValueError, match="above"):
        maximum_flow(big + 1, big, *pairs)


def test_limits_of_their_own_are_told_as_such(reach: st.Reach) -> None:
    own = pd.Series({"a": 100, "b": 200, "c": 0, "d": 0, "e": 49})
    found = assign(reach, PEOPLE, PLACES, limit=own[::-1])
    assert isinstance(found.limit, pd.Series)
    assert found.limit.to_dict() == own.to_dict()
    assert "nothing is within the limit of their own (0 – 200 m)" in found.explain("en")
    assert "在各自限值（0—200 米）内没有设施" in found.explain()
    assert assign(reach, PEOPLE, PLACES, limit=own * 0 + 100).limit == 100


def test_all_the_nearest_are_all_pairs(reach: st.Reach, found: Assignment) -> None:
    every = dataclasses.replace(reach, nearest_only=4, limit=math.inf)
    again = assign(every, PEOPLE, PLACES)
    pd.testing.assert_frame_equal(again.flows, found.flows)
    assert "nothing is within any distance" in again.explain("en")


def test_a_large_limit_has_all_its_digits(reach: st.Reach) -> None:
    assert "within 1,234,567 m" in assign(dataclasses.replace(reach, limit=1_234_567), PEOPLE, PLACES).explain("en")
