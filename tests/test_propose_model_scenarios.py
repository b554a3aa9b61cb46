"""A problem in other scenarios: what each form stands for, and what stays as it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

import siting as st
from siting.errors import ProblemError
from siting.propose.model.formulation import Formulation, build
from siting.propose.model.scenarios import Scenario, scenario_of, under, under_each

PEOPLE = pd.Series({"a": 10, "b": 5, "c": 8})


@pytest.fixture
def reach(reach_of: Callable[..., st.Reach]) -> st.Reach:
    return reach_of({"x": "ab", "y": "bc", "z": "c"}, "abc")


@pytest.fixture
def problem(reach: st.Reach) -> Formulation:
    return build(st.MaxCoverage(), reach, PEOPLE, [st.AtMost(1), st.Cover(0.5), st.NobodyBeyond(200)])


def test_what_stands_for_a_scenario(reach: st.Reach) -> None:
    def read(value: Any) -> tuple[bool, bool, tuple[object, ...]]:
        scenario = scenario_of(value, "s")
        return scenario.reach is not None, scenario.demand is not None, scenario.closed

    assert read(reach) == read({"old": reach}) == (True, False, ())
    assert read(PEOPLE) == read({"old": PEOPLE}) == read(PEOPLE.to_frame()) == (False, True, ())
    assert read((reach, PEOPLE)) == read(({"old": reach}, {"old": PEOPLE})) == (True, True, ())
    assert read(["x"]) == read({"x"}) == read(("x",)) == read(pd.Index(["x"])) == (False, False, ("x",))
    assert read(("x", "y")) == (False, False, ("x", "y"))
    own = Scenario(demand=PEOPLE)
    assert scenario_of(own, "s") is own
    for value in (3, "x", {}, {"old": 3}, {"old": reach, "kids": PEOPLE}):
        with pytest.raises(ProblemError, match="the scenario 's' is"):
            scenario_of(value, "s")


def test_a_scenario_says_what_it_changes(reach: st.Reach) -> None:
    assert repr(Scenario()) == "Scenario()"
    assert repr(Scenario(reach=reach, demand=PEOPLE, closed=["x", "y"])) == "Scenario(demand, reach, 2 closed)"  # type: ignore[arg-type]
    assert Scenario(closed=iter("xy")).closed == ("x", "y")  # type: ignore[arg-type]


def test_another_demand_has_shares_of_its_own(problem: Formulation) -> None:
    assert (problem.inputs.whole, problem.shares[0].need) == (True, 12)
    other = under(problem, Scenario(demand=PEOPLE[::-1] + 0.5))
    assert other.inputs.demand.tolist() == [[[10.5, 5.5, 8.5]]]
    assert (other.inputs.whole, other.shares[0].total, other.shares[0].need) == (False, 24.5, 12.25)
    assert (other.inputs.pairs, other.variables) == (problem.inputs.pairs, problem.variables)


def test_another_reach_is_put_in_the_order_of_the_problem(
    problem: Formulation, reach_of: Callable[..., st.Reach]
) -> None:
    other = under(problem, Scenario(reach=reach_of({"z": "a", "y": "c", "x": "b"}, "cba", limit=250)))
    (pairs,) = other.inputs.pairs
    assert (pairs.community.tolist(), pairs.site.tolist(), pairs.limit) == ([0, 1, 2], [2, 0, 1], 250)
    assert other.inputs.demand is problem.inputs.demand
    for covers, origins, message in [
        ({"x": "ab", "y": "bc"}, "abc", 'its destinations are not those of the problem: "z"'),
        ({"x": "ab", "y": "bc", "z": "c"}, "abcd", 'its origins are not those of the problem: "d"'),
    ]:
        with pytest.raises(ProblemError, match=message):
            under(problem, Scenario(reach=reach_of(covers, origins)))
    with pytest.raises(ProblemError, match="is above the 150 m that was searched"):
        under(problem, Scenario(reach=reach_of({"x": "ab", "y": "bc", "z": "c"}, "abc", limit=150)))
    with pytest.raises(ProblemError, match=r"reach is for .*, and the problem for"):
        under(problem, Scenario(reach={"old": reach_of({"x": "a"}, "a")}))


def test_a_closed_site_serves_nobody_and_still_counts(problem: Formulation) -> None:
    other = under(problem, Scenario(closed=("y",)))
    (pairs,) = other.inputs.pairs
    assert (pairs.community.tolist(), pairs.site.tolist()) == ([0, 1, 2], [0, 0, 2])
    assert len(pairs.cost) == 3
    assert other.inputs.known.tolist() == [[True, True, True]]


def test_problems_are_named_by_their_scenario(problem: Formulation, reach: st.Reach) -> None:
    both = under_each(problem, {"high": PEOPLE * 2, "walk": (reach, PEOPLE * 3)})
    assert {name: float(each.inputs.demand.sum()) for name, each in both.items()} == {"high": 46, "walk": 69}
    with pytest.raises(ProblemError, match="the scenario 'none': demand is 0 everywhere"):
        under_each(problem, {"none": PEOPLE * 0})
    for nothing in ({}, [PEOPLE]):
        with pytest.raises(ProblemError, match="give a mapping of names to scenarios"):
            under_each(problem, nothing)  # type: ignore[arg-type]
