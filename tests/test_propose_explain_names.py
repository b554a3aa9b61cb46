"""Plans that name sites, communities and districts; what they cost; and facilities that nobody named as existing."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pandas as pd
import pytest

import siting as st
from siting.errors import ProblemError
from siting.study.tables import NamedPlan

Make = Callable[..., st.Reach]
PEOPLE = pd.Series({"a": 10, "b": 5, "c": 8, "d": 2})
NAMES = {
    "sites": pd.Series({"x": "Plot 1", "y": "Old school", "z": "Plot 1"}),
    "communities": {"a": "Hill", "b": "Lake", "c": "", "d": None},
    "groups": {"D01": "North", "D02": "South"},
}


@pytest.fixture
def reach(reach_of: Make) -> st.Reach:
    return reach_of({"x": {"a": 100.0}, "y": {"b": 120.0, "c": 90.0}, "z": {"c": 250.0}}, "abcd")


def test_names_stand_for_ids_and_ids_beside_names_of_several(reach: st.Reach) -> None:
    plan = st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=[st.AtMost(1)])
    lines = plan.explain("en", names=NAMES).splitlines()
    assert any(line.startswith("1. Old school: adds 13") for line in lines)
    assert "Hill (Plot 1 (x), 100 m)" in "\n".join(lines)
    assert lines[-1].endswith(": d")
    chinese = plan.explain(names=NAMES)
    assert "1. Old school：" in chinese
    assert "Hill（Plot 1（x），100 米）" in chinese


def test_one_series_is_for_all(reach: st.Reach) -> None:
    plan = st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=[st.AtMost(1)])
    text = plan.explain("en", names=pd.Series({"y": "Old school", "a": "Hill"}))
    assert "1. Old school: " in text
    assert "Hill (x, 100 m)" in text
    assert plan.explain("en") == plan.explain("en", names={})


def test_reasons_name_communities_and_districts(reach: st.Reach) -> None:
    by = pd.Series({"a": "D01", "b": "D02", "c": "D02", "d": "D01"}, name="district")
    none = st.solve(st.MinSites(), reach, demand=PEOPLE, rules=[st.Cover(1.0, by=by)])
    assert 'In "North" 100.0 % is required' in none.summary("en", names=NAMES)
    assert 'In "D01" 100.0 % is required' in none.summary("en")
    far = st.solve(st.MinSites(), reach, demand=PEOPLE, rules=[st.NobodyBeyond(95)])
    assert "Hill (100 m)" in far.explain("en", names=NAMES)
    assert "Lake (120 m)" in far.explain("en", names=NAMES)
    people = PEOPLE.drop("d").reindex(PEOPLE.index, fill_value=0)
    both = st.solve(st.MinSites(), reach, demand=people, rules=[st.Cover(0.9, by=by), st.AtMost(1)])
    assert "North" in both.explain(names=NAMES)
    assert "(North)" in both.explain("en", names=NAMES)


def test_what_is_no_names_is_refused(reach: st.Reach) -> None:
    plan = st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=[st.AtMost(1)])
    with pytest.raises(ProblemError, match='names is "name"; give a Series'):
        plan.explain(names="name")  # type: ignore[arg-type]
    with pytest.raises(ProblemError, match='a key of names is "towns"; choose one of sites, communities, groups'):
        plan.explain(names={"towns": {"D01": "North"}})


def test_costs_are_said_and_budgets_that_bind(reach: st.Reach) -> None:
    cost = pd.Series({"x": 6.0, "y": 9.0, "z": 4.0})
    plan = st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=[st.Budget(12, cost)])
    assert plan.sites == ("x", "z")
    assert "Cost: 10 (at most 12 spent, 2 left, less than the 9 of the cheapest other site)." in plan.explain("en")
    assert "费用共 10（投资不超过 12，剩余 2，不足以再开最便宜的一处，需 9）。" in plan.explain()
    loose = st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=[st.Budget(100, cost), st.AtMost(1)])
    assert "Cost: 9 (at most 100 spent, 91 left)." in loose.explain("en")
    least = st.solve(st.MinCost(cost), reach, demand=PEOPLE, rules=[st.Cover(0.5)])
    assert "Cost: 9." in least.explain("en")


def test_it_is_said_that_nothing_exists(reach: st.Reach, caplog: pytest.LogCaptureFixture) -> None:
    rules = [st.AtMost(1)]
    assert "all 3 count as candidates" in st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=rules).explain("en")
    known = st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=[*rules, st.Existing(["x"])])
    assert "count as candidates" not in known.explain("en")
    cost = pd.Series({"y": 9.0, "z": 4.0})
    with pytest.raises(
        ProblemError, match=r"no cost for the sites .x.; .* name those that are open already in Existing"
    ):
        st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=[st.Budget(12, cost)])
    options = pd.DataFrame({"site": ["y", "z"], "cost": [9.0, 4.0]}, index=["y1", "z1"])
    with caplog.at_level(logging.WARNING):
        st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=rules, options=options)
    assert "have no row in options and are not Existing: they serve nobody" in caplog.text
    caplog.clear()
    st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=[*rules, st.Existing(["x"])], options=options)
    one = options.loc[["y1"]]  # z is left out on purpose
    st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=[*rules, st.Existing(["x"])], options=one)
    assert not caplog.text


def test_a_study_names_by_itself(reach: st.Reach) -> None:
    plan = st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=[st.AtMost(1)])
    named = NamedPlan(plan.problem, plan.answer, plan.reasons, plan.seconds, {}, {}, NAMES)
    assert named.explain("en") == plan.explain("en", names=NAMES)
    assert named.explain("en", names={}) == plan.explain("en")
    assert named.summary() == plan.summary(names=NAMES)
