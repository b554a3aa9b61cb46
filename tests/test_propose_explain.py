"""What a plan says of itself follows from its objective and rules, whatever their text is."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

import siting as st

Make = Callable[..., st.Reach]
PEOPLE = pd.Series({"a": 10, "b": 5, "c": 8})
ANYWHERE = {
    "x": {"a": 100, "b": 100, "c": 250},
    "y": {"a": 300, "b": 200, "c": 100},
    "z": {"a": 300, "b": 300, "c": 200},
}


@pytest.fixture
def anywhere(reach_of: Make) -> st.Reach:
    return reach_of(ANYWHERE, "abc")


@pytest.mark.parametrize(
    ("objective", "counted", "instead"),
    [
        (st.MinTravel(), "Objective 3,500 (person-m)", "grows by 1,300 person-m."),
        (
            st.MinFarthest(),
            "Objective 250 (m, the farthest)",
            "grows by 50 m.",
        ),
    ],
)
def test_ways_are_named_by_their_unit(anywhere: st.Reach, objective: Any, counted: str, instead: str) -> None:
    """x: 10·100 + 5·100 + 8·250 = 3500; y: 3000 + 1000 + 800 = 4800."""
    plan = st.solve(objective, anywhere, demand=PEOPLE, rules=[st.AtMost(1)])
    lines = plan.explain("en").splitlines()
    assert lines[2].startswith(counted)
    assert (
        lines[3]
        == "1. x: nearest for 23 people, 152.2 m on average, 250 m at most. y could take its place, and the objective "
        + instead
    )


def test_a_weighted_objective_is_named_and_falls(reach_of: Make) -> None:
    """At 100 m people count whole, at 300 m half: x is worth 15 + 4, y 10/2 + 5 + 8."""
    decay = st.decay.steps({150: 1, 300: 0.5})
    plan = st.solve(st.MaxCoverage(decay=decay), reach_of(ANYWHERE, "abc"), demand=PEOPLE, rules=[st.AtMost(1)])
    lines = plan.explain("en").splitlines()
    assert lines[2].startswith("Objective 19 (people covered, by weight and year)")
    assert lines[3].endswith(" y could take its place, and the objective falls by 3.5.")


def test_people_covered_need_no_name(anywhere: st.Reach) -> None:
    plan = st.solve(st.MaxCoverage(), anywhere.within(100), demand=PEOPLE, rules=[st.AtMost(1)])
    lines = plan.explain("en").splitlines()
    assert lines[2] == "Objective 15, bound 15, gap 0.0 %."
    assert lines[3].endswith(" y could take its place, at a loss of 7 people.")


def test_who_is_left_is_named_by_the_reason_and_the_most_first(reach_of: Make) -> None:
    reach = reach_of({"x": "a", "y": "b", "z": "c"}, "abc")
    plan = st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=[st.AtMost(1)])
    line = plan.explain("en").splitlines()[-1]
    assert line == (
        "Communities that a candidate reaches, but no open site: 2 (13 people; in brackets the nearest candidate): "
        "c (z, 100 m), b (y, 100 m)"
    )


def test_communities_that_are_too_far_are_named_once(reach_of: Make) -> None:
    reach = reach_of({"x": "ab"}, "abc")
    plan = st.solve(st.MinSites(), reach, demand=PEOPLE, rules=[st.NobodyBeyond(300)])
    text = plan.explain("en")
    assert plan.unreachable == ("c",)
    assert "Communities beyond every candidate" not in text
    assert "Communities beyond every candidate" in replace(plan, reasons=()).explain("en")


def test_no_bargain_is_sought_for_too_many_sites(reach_of: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    from siting.propose.plan import explain

    reach = reach_of({"x": "ab", "y": "bc"}, "abc")
    plan = st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=[st.AtMost(1)])
    assert "could take its place" in plan.explain("en")
    monkeypatch.setattr(explain, "BARGAINED", 0)
    assert "could take its place" not in plan.explain("en")


def test_a_site_with_service_year_and_nobody(reach_of: Make) -> None:
    reach = reach_of({"x": "ab", "y": "c"}, "abc")
    people = {"care": pd.DataFrame({2027: PEOPLE, 2028: PEOPLE})}
    plan = st.solve(st.MaxCoverage(), {"care": reach}, demand=people, rules=[st.Phases([2027, 2028], at_most=[1, 1])])
    lines = plan.explain("en").splitlines()
    assert any(line.startswith("1. x (care, 2027): ") for line in lines)
    assert "65.2 %" in lines[2]  # 15 of 23 in 2027
    assert not math.isnan(plan.objective)


@pytest.mark.parametrize(("travel", "by_way"), [(0.0, False), (0.01, True)])
def test_sites_are_described_by_ways_only_where_ways_cost(anywhere: st.Reach, travel: float, by_way: bool) -> None:
    cost = pd.Series({"x": 3.0, "y": 4.0, "z": 5.0})
    plan = st.solve(st.MinCost(cost, travel=travel), anywhere, demand=PEOPLE, rules=[st.Cover(1.0)])
    line = plan.explain("en").splitlines()[3]
    assert line.startswith("1. x: ")
    assert ("nearest for " in line) is by_way
