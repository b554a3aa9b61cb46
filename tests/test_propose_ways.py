"""How people go to places: whole communities, the nearest open site only, and the rows that say so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import siting as st
from siting.optimize.control import Control
from siting.optimize.solver_answers import broken_by
from siting.propose.model.allocation import Allocation, build_allocation, mixed_integer_model, vector_of
from siting.propose.model.formulation import build
from siting.propose.model.ways import is_whole_at_one, nearest_arcs
from siting.propose.search.placing import interchanged, placed

HOW = [{"split": False}, {"nearest": True}, {"split": False, "nearest": True}]
WAYS = {
    "x": {"a": 100, "b": 200, "c": 250}, "y": {"b": 100, "c": 100, "d": 200}, "z": {"a": 250, "c": 100, "d": 50},
}  # fmt: skip
PEOPLE = pd.Series({"a": 6, "b": 5, "c": 4, "d": 3})
PLACES = pd.Series({"x": 9, "y": 8, "z": 6})


def laid(reach_of: Callable[..., st.Reach], how: dict[str, Any], *rules: Any) -> Allocation:
    given = [st.AtMost(3), st.Capacity(PLACES, **how), *rules]
    return build_allocation(build(st.MaxCoverage(), reach_of(WAYS, "abcd"), PEOPLE, given))


def test_the_nearest_open_site_and_of_equally_near_ones_the_first(reach_of: Callable[..., st.Reach]) -> None:
    problem = laid(reach_of, {"nearest": True})
    sites = problem.formulation.variables.site
    assert sites.tolist() == [0, 1, 2]

    def goes(*opened: int) -> dict[str, str]:
        x = np.isin(np.arange(3), opened)
        at = np.flatnonzero(problem.usable(x))
        communities = problem.of_need["community"].to_numpy()[problem.need[at]]
        return {"abcd"[i]: "xyz"[j] for i, j in zip(communities, problem.of_pool["site"].to_numpy()[problem.pool[at]],
                                                    strict=True)}  # fmt: skip

    assert goes(0, 1, 2) == {"a": "x", "b": "y", "c": "y", "d": "z"}  # y and z are as near to c
    assert goes(0, 2) == {"a": "x", "b": "x", "c": "z", "d": "z"}
    assert goes(1) == {"b": "y", "c": "y", "d": "y"}
    none = nearest_arcs(*(np.zeros(0, np.int64),) * 3, np.zeros(0), np.zeros(3, bool))
    assert not len(none)


def test_whole_at_one() -> None:
    need, amount, slack = np.array([0, 0, 1]), np.array([3.0, 4.0]), np.zeros(2)
    assert is_whole_at_one(need, np.array([0.0, 3, 4]), amount, slack)
    assert is_whole_at_one(need, np.array([0.0, 3, 0]), amount, slack)
    assert not is_whole_at_one(need, np.array([1.0, 2, 4]), amount, slack)  # at two sites
    assert not is_whole_at_one(need, np.array([0.0, 2, 4]), amount, slack)  # not all of them


@pytest.mark.parametrize("how", HOW)
def test_people_put_into_places_keep_the_rows_of_the_solver(
    reach_of: Callable[..., st.Reach], how: dict[str, Any]
) -> None:
    """Each set of open sites, as the vector that the solver starts from."""
    problem = laid(reach_of, how)
    programme = mixed_integer_model(problem)
    for number in range(1, 8):
        x = np.array([bool(number & 1), bool(number & 2), bool(number & 4)])
        people = placed(problem, x)
        assert people is not None
        assert broken_by(programme, vector_of(problem, x, people)) is None
        best = problem.best(x)
        assert best is not None
        assert people.sum() == best.sum()  # as good as the solver's, with so few


def test_rows_of_the_solver_refuse_to_pass_an_open_site(reach_of: Callable[..., st.Reach]) -> None:
    problem = laid(reach_of, {"nearest": True})
    x, people = np.ones(3, bool), np.zeros(len(problem.need))
    site = problem.of_pool["site"].to_numpy()[problem.pool]
    people[(problem.need == 1) & (site == 0)] = 5  # b at x, though y is nearer
    assert not problem.keeps(x, people)
    assert broken_by(mixed_integer_model(problem), vector_of(problem, x, people)) is not None
    assert problem.keeps(np.array([True, False, True]), people)


def test_sites_are_exchanged_for_better_ones(reach_of: Callable[..., st.Reach]) -> None:
    """Alone x takes a, or b and c: nine people; y b, or c and d: eight; z six."""
    problem = laid(reach_of, {"nearest": True}, st.AtMost(1, service=None))
    x = np.array([False, False, True])
    people = placed(problem, x)
    assert people is not None
    x, people = interchanged(problem, x, people, Control())
    assert (x.tolist(), people.sum()) == ([True, False, False], 9)


def test_nearest_sites_can_serve_fewer_with_a_site_more(reach_of: Callable[..., st.Reach]) -> None:
    """A small site draws everybody of b away from the large one."""
    reach = reach_of({"x": {"a": 100, "b": 200}, "y": {"b": 100}}, "ab")
    people, places = pd.Series({"a": 6, "b": 5}), pd.Series({"x": 11, "y": 1})
    rules = [st.AtMost(2), st.Capacity(places, nearest=True)]
    plan = st.solve(st.MaxCoverage(), reach, demand=people, rules=rules)
    assert (plan.sites, plan.covered) == (("x",), 11)
    both = st.solve(st.MaxCoverage(), reach, demand=people, rules=[*rules, st.AtLeast(2)])
    assert (both.covered, both.table["adds"].to_dict()) == (7, {"x": 11, "y": -4})
    walks = st.solve(st.MinTravel(), reach, demand=people, rules=[*rules, st.Required(["y"])])
    assert walks.status == "infeasible"  # y is too full for b


@pytest.mark.parametrize("how", HOW)
def test_a_short_time_limit_still_gives_a_plan(reach_of: Callable[..., st.Reach], how: dict[str, Any]) -> None:
    rng = np.random.default_rng(1)
    homes, sites = [f"h{i}" for i in range(60)], [f"s{j}" for j in range(12)]
    ways = {j: {i: float(rng.integers(1, 12) * 25) for i in homes if rng.random() < 0.6} for j in sites}
    people = pd.Series(rng.integers(1, 30, 60).astype(float), index=homes)
    rules = [st.Budget(30.0, pd.Series(rng.integers(2, 9, 12).astype(float), index=sites)),
             st.Capacity(pd.Series(150.0, index=sites), **how)]  # fmt: skip
    plan = st.solve(st.MaxCoverage(), reach_of(ways, homes), demand=people, rules=rules, time_limit=0.01)
    assert plan.sites
    assert plan.bound >= plan.objective > 0
    assert plan.verify().keeps_rules
