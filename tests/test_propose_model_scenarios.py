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
        with pytest.raises(ProblemError, match='the scenario "s" is'):
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
    with pytest.raises(ProblemError, match=r"reach is for old and the problem for one without a name"):
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
    with pytest.raises(ProblemError, match='the scenario "none": demand is 0 everywhere'):
        under_each(problem, {"none": PEOPLE * 0})
    for nothing in ({}, [PEOPLE]):
        with pytest.raises(ProblemError, match="give a mapping of names to scenarios"):
            under_each(problem, nothing)  # type: ignore[arg-type]


def test_the_take_up_counts_in_another_demand(reach: st.Reach) -> None:
    rates = pd.Series({"a": 0.5, "b": 0.2, "c": 1.0})
    problem = build(st.MaxCoverage(), reach, PEOPLE, [st.AtMost(1)], take_up=rates)
    assert under(problem, Scenario(demand=PEOPLE * 2)).inputs.demand.tolist() == [[[10, 2, 16]]]
    other = under(problem, Scenario(take_up="10 %"))
    assert other.inputs.demand[0, 0].tolist() == pytest.approx([1, 0.5, 0.8])
    assert [each.most for each in other.inputs.take_up] == [0.1]
    both = under(problem, Scenario(demand=PEOPLE * 2, take_up=0.5))
    assert (both.inputs.demand.tolist(), both.inputs.whole) == ([[[10, 5, 8]]], True)
    assert "take_up" in repr(Scenario(take_up=0.5))
    with pytest.raises(ProblemError, match='the scenario "all": take_up is'):
        under_each(problem, {"all": Scenario(take_up=2)})


def test_a_service_keeps_its_take_up_and_its_name_for_it(reach: st.Reach) -> None:
    both = {"childcare": reach, "eldercare": reach}
    people = {"childcare": PEOPLE, "eldercare": PEOPLE}
    problem = build(st.MaxCoverage(), both, people, [st.AtMost(1)], take_up={"childcare": 0.5})
    other = under(problem, Scenario(demand={"eldercare": PEOPLE * 2, "childcare": PEOPLE * 3}))
    assert other.inputs.demand.tolist() == [[[15, 7.5, 12]], [[20, 10, 16]]]
    infants = build(st.MaxCoverage(), reach, PEOPLE.rename("infants"), [st.AtMost(1)], take_up=0.5)
    (taken,) = under(infants, Scenario(take_up=0.25)).inputs.take_up
    assert (taken.most, taken.childcare) == (0.25, True)


def test_where_communities_count_once_a_scenario_may_count_people(reach: st.Reach) -> None:
    problem = build(st.MaxCoverage(), reach, None, [st.AtMost(1)])
    other = under(problem, Scenario(demand=PEOPLE, take_up=0.5))
    assert (other.inputs.demand.tolist(), other.inputs.unweighted) == ([[[5, 2.5, 4]]], False)
    with pytest.raises(ProblemError, match="give their number, demand"):
        under(problem, Scenario(take_up=0.5))


def test_parts_of_places_stay_parts(reach: st.Reach) -> None:
    rules = [st.AtMost(1), st.Capacity(pd.Series({"x": 2.5, "y": 3.0, "z": 4.0}))]
    problem = build(st.MaxCoverage(), reach, PEOPLE, rules)
    assert not problem.inputs.whole
    assert not under(problem, Scenario(demand=PEOPLE * 2)).inputs.whole


def test_years_are_read_as_those_of_the_problem(reach: st.Reach) -> None:
    years = [st.Phases([2025, 2030], at_most=1)]
    problem = build(st.MaxCoverage(), reach, PEOPLE, years)
    with pytest.raises(ProblemError, match="a column for 2025 only"):
        under(problem, Scenario(demand=PEOPLE.to_frame("2025")))
    twice = pd.DataFrame({2025: PEOPLE, "2025": PEOPLE})
    with pytest.raises(ProblemError, match="columns of one name"):
        under(problem, Scenario(demand=twice))
