"""Formulations and allocations of a small town, number by number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import siting as st
from siting.propose.model.allocation import build_allocation, mixed_integer_model, rounded
from siting.propose.model.formulation import Formulation, build

PEOPLE = pd.Series({"a": 10, "b": 5, "c": 8})


@pytest.fixture
def formulated(reach_of: Callable[..., st.Reach]) -> Callable[..., Formulation]:
    reach = reach_of({"x": {"a": 100.0, "b": 250.0}, "y": {"b": 100.0, "c": 200.0}, "z": {"c": 50.0}}, "abc")

    def make(objective: Any, rules: Any, demand: Any = PEOPLE, options: Any = None) -> Formulation:
        return build(objective, reach, demand, rules, options)

    return make


def test_coverage_counts_people(formulated: Callable[..., Formulation]) -> None:
    made = formulated(st.MaxCoverage(), [st.AtMost(2), st.Cover(0.5)])
    model = made.model
    assert model.benefit.toarray().tolist() == [[10, 0, 0], [5, 5, 0], [0, 8, 8]]
    assert (model.rows.toarray().tolist(), model.high.tolist()) == ([[1, 1, 1]], [2])
    assert (model.shares.toarray().tolist(), model.wanted.tolist()) == ([[10, 5, 8]], [12])
    assert (made.sense, model.grain, model.constant, model.must.any()) == (1, 1, 0, False)


def test_decay_weighs_the_way(formulated: Callable[..., Formulation]) -> None:
    made = formulated(st.MaxCoverage(decay=lambda cost: 1 - cost / 400), [st.AtMost(1)])
    assert made.model.benefit.toarray().tolist() == [[7.5, 0, 0], [1.875, 3.75, 0], [0, 4, 7]]
    assert made.model.grain == 1e-3
    with pytest.raises(st.errors.ProblemError, match="decay rises"):
        formulated(st.MaxCoverage(decay=lambda cost: cost), [st.AtMost(1)]).model  # noqa: B018


def test_travel_is_negative_and_everybody_must_be_served(formulated: Callable[..., Formulation]) -> None:
    made = formulated(st.MinTravel(), [st.AtMost(2)])
    assert made.model.benefit.toarray().tolist() == [[-1000, 0, 0], [-1250, -500, 0], [0, -1600, -400]]
    assert made.model.must.all()
    assert (made.everybody, made.sense) == (True, -1)
    # who is beyond counts 400 m: serving saves 400 less the way, and all 23 beyond are 9200
    made = formulated(st.MinTravel(beyond=400), [st.AtMost(2)])
    assert made.model.benefit.toarray().tolist() == [[3000, 0, 0], [750, 1500, 0], [0, 1600, 2800]]
    assert made.model.constant == -9200
    assert not made.model.must.any()


def test_costs_and_sites_are_values(formulated: Callable[..., Formulation]) -> None:
    cost = pd.Series({"x": 3.0, "y": 4.5, "z": 5.0})
    made = formulated(st.MinCost(cost, travel=0.01), [])
    assert made.model.value.tolist() == [-3, -4.5, -5]
    assert made.model.benefit.toarray().round(9).tolist() == [[-10, 0, 0], [-12.5, -5, 0], [0, -16, -4]]
    made = formulated(st.MinSites(), [st.Cover(0.9), st.Existing(["z"])])
    assert made.model.value.tolist() == [-1, -1, 0]
    assert made.model.benefit.nnz == 5  # whom a site serves without being worth anything


def test_a_shorter_limit_has_needs_of_its_own(formulated: Callable[..., Formulation]) -> None:
    made = formulated(st.MaxCoverage(), [st.AtMost(3), st.Cover(0.5, limit=200), st.NobodyBeyond(250)])
    assert [(b.limit, b.must.any()) for b in made.blocks] == [(None, False), (200.0, False), (250.0, True)]
    assert made.needs.tolist() == list(range(9))
    pattern = [[1, 0, 0], [0, 1, 0], [0, 1, 1]]  # within 200 m
    benefit = made.model.benefit
    stored = np.zeros(benefit.shape, int)
    stored[np.repeat(np.arange(9), np.diff(benefit.indptr)), benefit.indices] = 1
    assert stored[3:6].tolist() == pattern
    assert stored[6:].tolist() == [[1, 0, 0], [1, 1, 0], [0, 1, 1]]
    assert benefit.data[benefit.indptr[3] :].tolist() == [0] * 9


def test_backup_counts_sites_and_nobody_beyond_one(formulated: Callable[..., Formulation]) -> None:
    made = formulated(st.MaxCoverage(), [st.AtMost(3), st.Backup(2), st.NobodyBeyond(300)])
    assert made.model.times is not None
    assert made.model.times.tolist() == [2, 2, 2, 1, 1, 1]
    assert made.model.must.tolist() == [False] * 3 + [True] * 3


def test_years_and_their_weights(formulated: Callable[..., Formulation]) -> None:
    demand = pd.DataFrame({"1": PEOPLE, "2": 2 * PEOPLE})
    made = formulated(st.MaxCoverage(), [st.Phases((1, 2), at_most=1, weights=(3, 1))], demand)
    # x opens in year 1 or 2 (columns 0 and 1): 10 people three times, then 20 once
    assert made.model.benefit.toarray()[[0, 3]].tolist() == [[30, 0, 0, 0, 0, 0], [20, 20, 0, 0, 0, 0]]


@pytest.fixture
def shared(formulated: Callable[..., Formulation]) -> Any:
    places = pd.Series({"x": 12, "y": 6, "z": 9})
    return build_allocation(formulated(st.MaxCoverage(), [st.AtMost(2), st.Capacity(places, least=4)]))


ARCS = [(0, 0), (1, 0), (1, 1), (2, 1), (2, 2)]  # a to x, b to x, b to y, c to y, c to z


def test_arcs_places_and_people(shared: Any) -> None:
    assert list(zip(shared.need.tolist(), shared.pool.tolist(), strict=True)) == ARCS
    assert (shared.cost.tolist(), shared.gain.tolist()) == ([100, 250, 100, 200, 50], [1] * 5)
    assert (shared.amount.tolist(), shared.room.diagonal().tolist()) == ([10, 5, 8], [12, 6, 9])
    assert shared.least.diagonal().tolist() == [4, 4, 4]
    assert (shared.whole, shared.unit, shared.scale) == (True, 1, 1)


@pytest.mark.parametrize(
    ("open_", "people", "keeps"),
    [
        ([1, 1, 0], [10, 2, 3, 3, 0], True),
        ([1, 1, 0], [10, 3, 2, 3, 0], False),  # 13 at x, which has 12
        ([1, 1, 0], [10, 2, 4, 3, 0], False),  # 6 of the 5 of b
        ([1, 1, 0], [10, 2, 3, 0, 0], False),  # 3 at y, which asks for 4
        ([1, 1, 0], [10, 2, 3, 1, 0], True),
        ([1, 0, 0], [10, 0, 0, 0, 8], False),  # z is not open
        ([1, 1, 1], [10, 0, 5, 0, 8], False),  # three sites
    ],
)
def test_what_keeps_the_rules(shared: Any, open_: list[int], people: list[int], keeps: bool) -> None:
    assert shared.keeps(np.array(open_, bool), np.array(people, float)) is keeps


def test_the_most_and_the_best_people(shared: Any) -> None:
    two = np.array([True, False, True])
    assert shared.most(two, 0) == 20  # 12 at x, 8 at z
    best = shared.best(two)
    assert best.tolist() == [10, 2, 0, 0, 8]
    assert shared.worth(two, best) == 20
    # a and b want 15 places at x; the way of b to y is shorter
    assert shared.best(np.array([True, True, False])).tolist() in ([10, 2, 3, 3, 0], [10, 0, 5, 1, 0], [10, 2, 0, 6, 0])
    assert shared.best(np.array([True, True, True])) is None


def test_people_are_rounded_and_nobody_goes_to_a_closed_site(shared: Any) -> None:
    people = np.array([9.999999, 2.4, -1e-9, 3.0, 8.0])
    assert rounded(shared, np.array([True, True, False]), people).tolist() == [10, 2.4, 0, 3, 0]


def test_columns_and_arcs_are_one_model(shared: Any) -> None:
    model = mixed_integer_model(shared)
    assert (model.whole, model.upper[3:].tolist()) == (3, [10, 5, 5, 8, 8])
    dense = model.matrix.toarray()
    assert dense[0].tolist() == [-12, 0, 0, 1, 1, 0, 0, 0]  # people at x are at most its places
    assert dense[3 + 1].tolist() == [0, 0, 0, 0, 1, 1, 0, 0]  # people of b
    fixed = mixed_integer_model(shared, fixed=np.array([True, False, True]))
    assert (fixed.whole, fixed.lower[:3].tolist(), fixed.upper[:3].tolist()) == (0, [1, 0, 1], [1, 0, 1])


def test_arcs_count_in_a_share_and_in_what_must_be_served_up_to_its_limit(formulated: Any) -> None:
    places = st.Capacity(pd.Series({"x": 12, "y": 6, "z": 9}))
    zones = pd.Series({"a": 1, "b": 1, "c": 2})
    rules = [st.AtMost(2), places, st.Cover(0.5, limit=200), st.Cover(0.1, by=zones), st.NobodyBeyond(200)]
    made = build_allocation(formulated(st.MaxCoverage(), rules))
    near = [True, False, True, True, True]  # b is 250 m from x; c is 200 m from y
    assert made.shares.toarray().tolist() == [near, [1, 1, 1, 0, 0], [0, 0, 0, 1, 1]]
    ((arcs, needs),) = made.must
    assert (arcs.tolist(), needs.tolist()) == (near, [0, 1, 2])
    everybody = build_allocation(formulated(st.MinTravel(), [st.AtMost(3), places]))
    ((arcs, needs),) = everybody.must
    assert (arcs.tolist(), needs.tolist()) == ([True] * 5, [0, 1, 2])


def test_nobody_beyond_of_one_service_is_about_its_arcs(reach_of: Callable[..., st.Reach]) -> None:
    reach = reach_of({"x": {"a": 100.0}, "y": {"b": 200.0}}, "ab")
    rules = [st.AtMost(4), st.Capacity(pd.Series({"x": 9, "y": 9})), st.NobodyBeyond(150, service="kids"),
             st.Cover(0.5, service="kids")]  # fmt: skip
    demand = pd.Series({"a": 1, "b": 2})
    made = build_allocation(
        build(st.MaxCoverage(), {"old": reach, "kids": reach}, {"old": demand, "kids": demand}, rules)
    )
    assert made.of_need["service"].tolist() == [0, 0, 1, 1]
    assert made.of_need.index.tolist() == made.of_pool.index.tolist() == [0, 1, 2, 3]
    assert made.room.toarray().tolist() == (9 * np.eye(4)).tolist()  # each site of each service has a pool of its own
    ((arcs, needs),) = made.must
    assert (arcs.tolist(), needs.tolist()) == ([True, False, True, False], [2, 3])
    assert made.shares.toarray().tolist() == [[0, 0, 1, 1]]


def test_a_site_that_reaches_nobody_has_a_pool_without_arcs(formulated: Any) -> None:
    places = pd.Series({"x": 12, "y": 6, "z": 9})
    made = build_allocation(
        formulated(st.MaxCoverage(), [st.AtMost(2), st.Capacity(places)], PEOPLE.where(PEOPLE != 8, 0))
    )
    open_ = np.array([True, False, True])
    assert made.pool.tolist() == [0, 0, 1]
    assert made.keeps(open_, np.array([10.0, 2.0, 0.0]))
    assert (made.most(open_, 0), made.most(~open_, 0), made.most(open_ & ~open_, 0)) == (12, 5, 0)


def test_the_tolerance_grows_with_the_places(formulated: Any) -> None:
    places = pd.Series({"x": 1e6, "y": 6.0, "z": 9.0})
    made = build_allocation(formulated(st.MaxCoverage(), [st.AtMost(2), st.Capacity(places)], PEOPLE * 1e6))
    open_ = np.array([True, False, False])
    assert made.keeps(open_, np.array([1e6 + 0.5, 0, 0, 0, 0]))
    assert not made.keeps(open_, np.array([1e6 + 2, 0, 0, 0, 0]))


def test_fractions_of_people_are_counted_in_parts(formulated: Any) -> None:
    places = pd.Series({"x": 12, "y": 6, "z": 9})
    made = build_allocation(formulated(st.MaxCoverage(), [st.AtMost(2), st.Capacity(places)], PEOPLE + 0.5))
    assert not made.whole
    assert made.most(np.array([True, False, True]), 0) == 20.5  # 12 at x, and all 8.5 of c at z
    people = np.array([9.999999, 2.0, 0.0, 0.0, 8.0])
    assert rounded(made, np.array([True, False, True]), people).tolist() == people.tolist()
    many = build_allocation(formulated(st.MaxCoverage(), [st.AtMost(2), st.Capacity(places)], PEOPLE * 1e6 + 0.5))
    assert many.most(np.array([True, False, True]), 0) == 21.0  # all places of x and z


def test_only_open_columns_tie_arcs_in_the_mixed_integer_model(shared: Any) -> None:
    whole, fixed = (mixed_integer_model(shared, x) for x in (None, np.array([True, False, True])))
    # pools, needs, one limit, least of pools; and a row for each arc while sites are undecided
    assert (whole.matrix.shape[0], fixed.matrix.shape[0]) == (3 + 3 + 1 + 3 + 5, 3 + 3 + 1 + 3)
    tied = whole.matrix.toarray()[-5:]
    assert tied[:, :3].tolist() == [[-10, 0, 0], [-5, 0, 0], [0, -5, 0], [0, -8, 0], [0, 0, -8]]
    assert tied[:, 3:].tolist() == np.eye(5).tolist()


def test_decay_of_nothing_is_taken_and_what_rises_is_not(formulated: Any) -> None:
    made = formulated(st.MaxCoverage(decay=lambda cost: 1.0 * (cost <= 100)), [st.AtMost(1)])
    assert made.model.benefit.toarray().tolist() == [[10, 0, 0], [0, 5, 0], [0, 0, 8]]
    for decay, message in (
        (lambda cost: cost, "rises"),
        (lambda cost: -cost, "0 or more"),
        (lambda _: 1.0, "for each cost"),
    ):
        with pytest.raises(st.errors.ProblemError, match=message):
            formulated(st.MaxCoverage(decay=decay), [st.AtMost(1)]).model  # noqa: B018


def test_a_limit_of_its_own_is_below_that_of_the_reach(formulated: Any) -> None:
    (pairs,) = formulated(st.MaxCoverage(), [st.AtMost(1)]).inputs.pairs
    assert (pairs.own(None), pairs.own(300), pairs.own(299)) == (None, None, 299)
    assert pairs.within(None).all()
    assert pairs.within(100).tolist() == [True, False, True, False, True]


def test_an_existing_site_that_closes_at_once_has_no_places(formulated: Any) -> None:
    places = pd.Series({"x": 12, "y": 6, "z": 9})
    rules = [st.AtMost(2), st.Capacity(places), st.Existing(["z"]), st.MayClose()]
    made = build_allocation(formulated(st.MaxCoverage(), rules))
    # columns: x, y, z that stays, z that closes
    assert made.room.toarray().tolist() == [[12, 0, 0, 0], [0, 6, 0, 0], [0, 0, 9, 0]]
    assert made.open_pools(np.array([True, False, False, True])).tolist() == [True, False, False]


def test_a_limit_of_one_service_makes_needs_for_that_service_only(reach_of: Callable[..., st.Reach]) -> None:
    reach, demand = reach_of({"x": "ab"}, "ab"), pd.Series({"a": 1, "b": 2})
    both, people = {"old": reach, "kids": reach}, {"old": demand, "kids": demand}
    made = build(st.MaxCoverage(), both, people, [st.AtMost(2), st.NobodyBeyond(200, service="kids")])
    assert [(b.service, b.limit, b.must.any()) for b in made.blocks] == [
        (0, None, False), (1, None, False), (1, 200, True),
    ]  # fmt: skip


def test_figures_of_a_plan_with_years_are_those_of_the_last(reach_of: Callable[..., st.Reach]) -> None:
    demand = pd.DataFrame({"2025": [1, 2], "2030": [10, 20]}, index=["a", "b"])
    rules = [st.Phases((2025, 2030)), st.AtMost(1)]
    plan = st.solve(st.MaxCoverage(), reach_of({"x": "a", "y": "b"}, "ab"), demand=demand, rules=rules)
    assert (plan.total, plan.covered, plan.share) == (30, 20, 20 / 30)


def test_what_closes_at_once_serves_nobody(formulated: Any) -> None:
    made = formulated(st.MaxCoverage(), [st.AtMost(2), st.Existing(["z"]), st.MayClose()])
    assert made.variables.serves.tolist() == [True, True, True, False]
