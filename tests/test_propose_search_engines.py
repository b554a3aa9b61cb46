"""Engines, pruning and the searches for a distance or a largest least, on problems solved by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

import siting as st
from siting.optimize.control import Control
from siting.optimize.model import Model
from siting.optimize.solution import Solution
from siting.propose.model.formulation import build
from siting.propose.search.answer import optimal_within
from siting.propose.search.bottleneck_answers import FarthestAnswer, SpacingAnswer
from siting.propose.search.choose_engine import only_counted, proven_bound, solve_model, tightened
from siting.propose.search.choose_search import search
from siting.propose.search.leximin import Groups, Ranks
from siting.propose.search.maximin import Goals, extended, maximise_least, with_goals, within
from siting.propose.search.pruning import coverage_model, prune, prune_by, two_best

PEOPLE = pd.Series({"a": 10, "b": 5, "c": 8})


@pytest.fixture
def reach(reach_of: Callable[..., st.Reach]) -> st.Reach:
    return reach_of({"x": {"a": 100.0, "b": 250.0}, "y": {"b": 100.0, "c": 200.0}, "z": {"c": 50.0}}, "abc")


def model_of(benefit: list[list[float]], **more: Any) -> Model:
    needs, columns = np.array(benefit).shape
    made = Model(
        benefit=csr_array(np.array(benefit, float)), value=np.zeros(columns), rows=csr_array((0, columns)),
        low=np.zeros(0), high=np.zeros(0), lower=np.zeros(columns), upper=np.ones(columns),
        shares=csr_array((0, needs)), wanted=np.zeros(0), must=np.zeros(needs, bool), grain=1.0,
    )  # fmt: skip
    return replace(made, **more)


def counted(most: float, columns: int = 3) -> dict[str, Any]:
    return {"rows": csr_array(np.ones((1, columns))), "low": np.array([-np.inf]), "high": np.array([most])}


TOWN = [[10.0, 0, 0], [5, 5, 0], [0, 8, 8]]


def test_rows_that_only_count() -> None:
    assert only_counted(model_of(TOWN))
    assert only_counted(model_of(TOWN, **counted(2)))
    assert not only_counted(model_of(TOWN, **counted(2) | {"low": np.array([1.0])}))
    assert not only_counted(model_of(TOWN, **counted(2) | {"rows": csr_array([[1.0, 1, 2]])}))
    fixed = {"rows": csr_array([[1.0, 1, 2]]), "lower": np.array([0.0, 0, 1])}
    assert only_counted(model_of(TOWN, **counted(2) | fixed))  # the third column is open anyway


def test_whom_a_share_cannot_do_without_must_be_served() -> None:
    share = {"shares": csr_array([[10.0, 5, 8]])}
    # 14 of 23 may miss 9: a weighs 10, so a must be served
    tight = tightened(model_of(TOWN, **share, wanted=np.array([14.0])))
    assert tight.must.tolist() == [True, False, False]
    assert (tight.shares.toarray().tolist(), tight.wanted.tolist()) == ([[10, 5, 8]], [14])
    everybody = tightened(model_of(TOWN, **share, wanted=np.array([23.0])))
    assert (everybody.must.all(), everybody.shares.shape) == (True, (0, 3))
    loose = model_of(TOWN, **share, wanted=np.array([13.0]))
    assert tightened(loose) is loose
    too_much = model_of(TOWN, **share, wanted=np.array([24.0]))
    assert tightened(too_much) is too_much


@pytest.mark.parametrize(
    ("model", "engine", "x", "value"),
    [
        (model_of(TOWN, **counted(1)), "covering", [1, 0, 0], 15),
        (model_of([[10.0, 4, 0], [0, 5, 8]], **counted(1)), "median", [1, 0, 0], 10),
        (model_of(TOWN, **counted(1) | {"rows": csr_array([[2.0, 1, 1]])}), "covering with rules", [0, 1, 0], 13),
        (model_of(TOWN, **counted(3), times=np.array([2, 2, 2])), "HiGHS", [1, 1, 1], 13),
    ],
)
def test_each_kind_of_model_has_its_engine(model: Model, engine: str, x: list[int], value: float) -> None:
    found = solve_model(model, Control())
    assert found.x is not None
    assert (found.value, found.bound, found.status) == (value, value, "optimal")
    assert model.objective(np.array(x, bool)) == value
    assert engine in found.engine
    if found.proof is not None:
        assert proven_bound(model, found.proof) >= value - 1e-9


@pytest.mark.parametrize(
    ("bound", "grain", "optimal"), [(15, 1, True), (15.99, 1, True), (16, 1, False), (15.1, 0, False), (15, 0, True)]
)
def test_nothing_better_fits_below_a_grain(bound: float, grain: float, optimal: bool) -> None:
    assert optimal_within(15, bound, grain) is optimal


def test_best_and_second_best_of_each_need() -> None:
    model = model_of([[10.0, 4, 0], [0, 5, 8], [0, 0, 3]], must=np.array([False, False, True]))
    best, second, by = two_best(model, np.array([True, True, False]))
    assert (best.tolist(), second.tolist(), by.tolist()) == ([10, 5, -100], [4, 0, -100], [0, 1, -1])


def test_sites_that_add_nothing_are_closed(reach: st.Reach) -> None:
    made = build(st.MaxCoverage(), reach, PEOPLE, [st.AtMost(3)])
    everything = np.ones(3, bool)
    left = prune_by(made, everything, made.model.is_feasible, made.model.objective, Control())
    assert left.tolist() == [True, False, True]
    kept = build(st.MaxCoverage(), reach, PEOPLE, [st.AtMost(3), st.Required(["y"])])
    left = prune_by(kept, everything, kept.model.is_feasible, kept.model.objective, Control())
    assert left.tolist() == [True, True, False]
    late = Control(time_limit=0)  # what was not looked at in time stays open
    assert prune_by(kept, everything, kept.model.is_feasible, kept.model.objective, late).all()


def test_of_two_sites_that_serve_the_same_one_is_closed(reach: st.Reach) -> None:
    made = build(st.MaxCoverage(), reach, PEOPLE, [st.AtMost(3)])
    found = Solution(np.ones(3, bool), 23, 23, "optimal", "by hand")
    assert prune(made, made.model, found, Control()).tolist() == [True, True, False]


def test_what_closing_a_site_saves_counts(reach: st.Reach, monkeypatch: pytest.MonkeyPatch) -> None:
    from siting.propose.search import choose_search as dispatch

    cost = pd.Series({"x": 1.0, "y": 7.0, "z": 4.0})
    made = build(st.MinCost(cost), reach, PEOPLE, [st.Cover(1)])
    everything = Solution(np.ones(3, bool), -12.0, -5.0, "feasible", "by hand")
    monkeypatch.setattr(dispatch, "solve_model", lambda *_, **__: everything)
    answer = search(made, Control())
    # x and z serve everybody for 5: y is closed, and its 7 are saved
    assert answer.x is not None
    assert answer.value == cost[answer.x].sum() < 12


def test_the_model_of_people_covered(reach: st.Reach) -> None:
    made = build(st.MinSites(), reach, PEOPLE, [st.Cover(0.9)])
    people = coverage_model(made, made.model)
    assert (people.benefit.toarray().tolist(), people.value.tolist()) == (TOWN, [0, 0, 0])


def test_of_plans_with_as_few_sites_one_that_covers_most(reach: st.Reach) -> None:
    answer = search(build(st.MinSites(), reach, PEOPLE, [st.Cover(0.5)]), Control())
    assert answer.x is not None
    assert (answer.x.tolist(), answer.value, answer.bound) == ([True, False, False], 1, 1)  # x: 15, y: 13 of 23


def test_the_farthest_is_as_near_as_can_be(reach: st.Reach) -> None:
    made = build(st.MinFarthest(), reach, PEOPLE, [st.AtMost(2)])
    answer = search(made, Control())
    # with x and y: a 100, b 100, c 200; with x and z: b 250
    assert isinstance(answer, FarthestAnswer)
    assert answer.x is not None
    assert (answer.x.tolist(), answer.value, answer.bound, answer.status) == ([True, True, False], 200, 200, "optimal")
    assert answer.measure(np.array([True, False, True])) == 250
    assert answer.bound_by(answer.proof) == 200
    assert search(build(st.MinFarthest(), reach, PEOPLE, [st.AtMost(1)]), Control()).status == "infeasible"
    cost = pd.Series({"x": 1.0, "y": 2.0, "z": 1.0})
    dear = search(build(st.MinFarthest(), reach, PEOPLE, [st.Budget(2, cost=cost)]), Control())
    assert (dear.value, dear.status, dear.engine) == (250, "optimal", "thresholds")  # x and y cost 3


def test_sites_are_as_far_apart_as_can_be(reach: st.Reach, reach_of: Callable[..., st.Reach]) -> None:
    between = reach_of({"x": {"y": 90.0, "z": 200.0}, "y": {"x": 80.0, "z": 120.0}, "z": {"x": 210.0}}, "xyz")
    made = build(st.MaxSpacing(between), reach, PEOPLE, [st.AtLeast(2)])
    answer = search(made, Control())
    assert isinstance(answer, SpacingAnswer)
    assert answer.x is not None
    # of the two ways the shorter counts: x–y 80, y–z 120, x–z 200
    assert (answer.x.tolist(), answer.value, answer.bound, answer.status) == ([True, False, True], 200, 200, "optimal")
    assert answer.measure(np.ones(3, bool)) == 80
    with_share = build(st.MaxSpacing(between), reach, PEOPLE, [st.AtLeast(2), st.NobodyBeyond(200)])
    answer = search(with_share, Control())
    assert answer.x is not None
    assert answer.x[:2].all()  # x and z leave b 250 m away
    assert (answer.value, answer.bound, answer.engine) == (80, 80, "thresholds")
    assert answer.bound_by(answer.proof) == 80


#: Three goals: t at most what is served of each need.
EACH = Goals(csr_array(np.diag([10.0, 5, 8])), np.zeros(3), np.array([10.0, 5, 8]), 1.0)


def test_goals_in_numbers() -> None:
    assert EACH.reached(np.array([10.0, 4, 8])) == 0.8
    assert EACH.needed(0.5).tolist() == [5, 3, 4]  # people are whole
    # above 0.5 the next that some sum allows: 6/10, 3/5, 5/8
    assert EACH.above(0.5, 1.0) == 0.6
    fractions = replace(EACH, grain=0.0)
    assert fractions.needed(0.5) == pytest.approx([5, 2.5, 4])
    assert 0 < fractions.above(0.5, 1.0) - 0.5 < 1e-6


def test_the_least_is_raised_as_far_as_rules_allow() -> None:
    two = model_of(TOWN, **counted(2))
    level = maximise_least(two, EACH, Control())
    assert level.x is not None
    assert (level.t, level.bound, level.status) == (1, 1, "optimal")
    assert level.x[0]
    one = maximise_least(model_of(TOWN, **counted(1)), EACH, Control())
    assert (one.t, one.status) == (0, "optimal")  # no site serves all three
    pairs = Goals(csr_array([[10.0, 5, 0], [0, 5, 8]]), np.zeros(2), np.array([15.0, 13]), 1.0)
    one = maximise_least(model_of(TOWN, **counted(1)), pairs, Control())
    assert one.t == pytest.approx(5 / 13)  # x: 15 of 15 and 5 of 13; y: 5 of 15 and 13 of 13
    near = maximise_least(model_of(TOWN, **counted(1)), pairs, Control(), near=lambda _t: 1.0)
    assert near.bound - near.t <= 1.0


def test_goals_become_shares_and_models_get_columns() -> None:
    model = with_goals(model_of(TOWN), EACH, 0.5)
    assert (model.shares.toarray().tolist(), model.wanted.tolist()) == (np.diag([10, 5, 8]).tolist(), [5, 3, 4])
    wider = extended(
        model, np.array([-1.0]), csr_array([[1.0, 0, 0, 2]]), np.array([3.0]), csr_array([[1.0, 0, 0, 1]]), np.ones(1)
    )
    assert wider.benefit.shape == (4, 4)
    assert wider.benefit.nnz == model.benefit.nnz + 1
    assert (wider.rows.toarray().tolist(), wider.high.tolist(), wider.value.tolist()) == (
        [[1, 0, 0, 1]],
        [1],
        [0, 0, 0, -1],
    )
    assert wider.shares.toarray()[-1].tolist() == [1, 0, 0, 2]
    assert wider.wanted.tolist() == [5, 3, 4, 3]


def test_a_watch_for_a_question_on_the_way() -> None:
    own = within(Control(time_limit=100.0, gap=0.5), 0.1, part=0.25)
    assert own.gap == 0.1
    assert 20 < own.seconds_left <= 25


def test_groups_and_ranks(reach: st.Reach) -> None:
    by = pd.Series({"a": "n", "b": "s", "c": "s"}, name="side")
    made = build(st.MaxCoverage(), reach, PEOPLE, [st.AtMost(2)])
    groups = Groups.of(made, by)
    assert (groups.names, groups.total.tolist(), groups.weight.toarray().tolist()) == (
        ("n", "s"), [10, 13], [[10, 0, 0], [0, 5, 8]],
    )  # fmt: skip
    x = np.array([True, False, False])
    assert (groups.amounts(x).tolist(), groups.need(0.5).tolist()) == ([10, 5], [5, 7])
    assert groups.table(x)["share"].to_dict() == {"s": 5 / 13, "n": 1}
    ranks = Ranks.of(groups, [0.25])
    assert len(ranks.model.value) == 3 + 2  # a column more for each group
    assert ranks.widened(x).tolist() == [True, False, False, False, True]  # type: ignore[union-attr]
    assert ranks.model.is_feasible(ranks.widened(x))  # type: ignore[arg-type]
