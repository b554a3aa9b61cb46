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
