"""What a plan tells, derived a second time from the pairs alone."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

import siting as st
from siting.labels import known

PEOPLE = pd.Series({"a": 10, "b": 5, "c": 8, "d": 2, "e": 4}, name="people")


@pytest.fixture
def reach(reach_of: Callable[..., st.Reach]) -> st.Reach:
    """Site x: a b; y: b c; z: c; old: a. Nobody reaches d or e but `far`, which is forbidden in the plans below."""
    covers = {"x": {"a": 200, "b": 100}, "y": {"b": 100, "c": 50}, "z": {"c": 0}, "old": {"a": 250}, "far": {"e": 10}}
    return reach_of(covers, "abcde")


@pytest.fixture
def plan(reach: st.Reach) -> st.Plan:
    rules = [st.AtMost(3), st.Existing(["old"]), st.Forbidden(["far"]), st.Required(["z"])]
    return st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=rules)


def test_the_table(plan: st.Plan) -> None:
    # z takes c (8) and y or x takes b (5): the solver needs one of them, x or y, not both
    second = plan.sites[1]
    assert plan.sites in (("z", "x"), ("z", "y"), ("y", "z"))
    assert plan.table.index.name == "site"
    ways = ["people", "mean", "farthest"]
    assert plan.table.columns.tolist() == ["order", "adds", "share_after", "within", "lost_without", *ways]
    assert plan.table["order"].tolist() == [1, 2]
    assert plan.table["adds"].sum() == plan.covered - plan.before == 13
    assert plan.table["share_after"].iloc[-1] == plan.share == 23 / 29
    assert plan.table.loc[second, "within"] in (15, 13, 8)


def test_the_numbers_of_a_plan(plan: st.Plan) -> None:
    assert (plan.total, plan.before, plan.covered, plan.reachable) == (29, 10, 23, 23)
    assert (plan.objective, plan.bound, plan.gap, plan.status) == (23, 23, 0, "optimal")
    assert (plan.unreachable, plan.barred) == (("d",), ("e",))
    assert plan.served.to_dict() == {"a": 10, "b": 5, "c": 8, "d": 0, "e": 0}
    assert plan.served.name == "served"
    assert plan.rules == (
        "MaxCoverage()", "AtMost(3)", "Existing(1 site)", "Forbidden(1 site)", "Required(1 site)",
    )  # fmt: skip
    assert (plan.limit, plan.unit, plan.how) == (300, "m", "table")


def test_the_site_that_adds_most_comes_first_and_ties_go_to_the_first(reach_of: Callable[..., st.Reach]) -> None:
    reach = reach_of({"p": "a", "q": "b", "r": "cd"}, "abcd")
    people = pd.Series({"a": 3, "b": 3, "c": 4, "d": 1})
    plan = st.solve(st.MaxCoverage(), reach, demand=people, rules=[st.AtMost(3)])
    assert plan.sites == ("r", "p", "q")
    assert plan.table["adds"].tolist() == [5, 3, 3]
    assert plan.table["share_after"].tolist() == pytest.approx([5 / 11, 8 / 11, 1])


def test_the_nearest_open_site_is_assigned_and_ties_go_to_the_first(reach_of: Callable[..., st.Reach]) -> None:
    covers = {"x": {"a": 120, "b": 80}, "y": {"a": 120, "b": 90, "c": 40}, "old": {"c": 40, "b": 80}}
    plan = st.solve(
        st.MaxCoverage(),
        reach_of(covers, "abcd"),
        demand=PEOPLE.drop("e"),
        rules=[st.AtMost(2), st.Existing(["old"]), st.Required(["x", "y"])],
    )
    table = plan.assignment
    assert table.index.tolist() == list("abcd")
    assert table["site"].iloc[:3].tolist() == ["x", "old", "old"]  # ids as text decide: old comes before x and y
    assert table["cost"].iloc[:3].tolist() == [120, 80, 40]
    assert table["new"].iloc[:3].tolist() == [True, False, False]
    assert table.loc["d"].isna().all()


@some.composite
def solved(draw: Any) -> tuple[st.Plan, pd.DataFrame, pd.Series, list[str]]:
    n, m = draw(some.integers(1, 10)), draw(some.integers(2, 6))
    cells = draw(some.lists(some.tuples(some.integers(0, n - 1), some.integers(0, m - 1)), unique=True, min_size=1))
    rows = [(f"o{i}", f"s{j}", float(draw(some.integers(0, 6)) * 50)) for i, j in cells]
    table = pd.DataFrame(rows, columns=["origin", "destination", "cost"])
    demand = pd.Series(
        draw(some.lists(some.integers(0, 9), min_size=n, max_size=n).filter(any)), index=[f"o{i}" for i in range(n)]
    )
    sites = [f"s{j}" for j in range(m)]
    existing = sites[: draw(some.integers(0, 1))]
    required = sites[m - draw(some.integers(0, 1)) :]
    rules = [st.AtMost(draw(some.integers(1, m - 1))), st.Existing(existing), st.Required(required)]
    reach = st.Reach.from_pairs(table, origins=demand.index, destinations=sites, limit=300)
    return st.solve(st.MaxCoverage(), reach, demand=demand, rules=rules), table, demand, existing


@pytest.mark.slow
@given(solved())
@settings(max_examples=80, deadline=None, derandomize=True)
def test_every_column_derived_again(found: tuple[st.Plan, pd.DataFrame, pd.Series, list[str]]) -> None:
    plan, pairs, demand, existing = found
    near = {site: set(rows["origin"]) for site, rows in pairs.groupby("destination")}

    def people(sites: Any) -> int:
        return int(demand.loc[sorted(set().union(*(near.get(s, set()) for s in sites)))].sum())

    assert plan.before == people(existing)
    assert plan.covered == people([*existing, *plan.sites])
    opened = list(existing)
    for order, (site, row) in enumerate(plan.table.iterrows(), start=1):
        rest = [s for s in plan.sites if s not in opened]
        gains = {s: people([*opened, s]) - people(opened) for s in rest}
        assert row["order"] == order
        assert row["adds"] == gains[site] == max(gains.values())
        opened.append(site)
        assert row["share_after"] == pytest.approx(people(opened) / demand.sum())
        assert row["within"] == people([site])
        others = [*existing, *(s for s in plan.sites if s != site)]
        assert row["lost_without"] == plan.covered - people(others)
    assert plan.table["adds"].sum() == plan.covered - plan.before
    open_pairs = pairs[pairs["destination"].isin([*existing, *plan.sites])]
    for origin in demand.index:
        mine = open_pairs[open_pairs["origin"] == origin]
        told = plan.assignment.loc[origin]
        if mine.empty:
            assert told.isna().all()
            assert plan.served[origin] == 0
            continue
        first = mine.sort_values(["cost", "destination"]).iloc[0]  # the ids are in the order of the reach
        assert (told["site"], told["cost"], told["new"]) == (
            first["destination"], first["cost"], first["destination"] not in existing,
        )  # fmt: skip
        assert plan.served[origin] == demand[origin]


def test_a_plan_is_frozen(plan: st.Plan) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        plan.share = 1.0  # type: ignore[misc]


def test_how_it_shows(plan: st.Plan, reach: st.Reach) -> None:
    assert repr(plan) == "<Plan: optimal, 2 sites, 23 of 29 (79.3 %), bound 23, gap 0.00 %>"
    one = st.solve(st.MaxCoverage(), reach, demand=PEOPLE * 1000, rules=[st.AtMost(1)])
    assert repr(one) == "<Plan: optimal, 1 site, 15,000 of 29,000 (51.7 %), bound 15,000, gap 0.00 %>"


def test_explain_tells_the_whole_story(plan: st.Plan) -> None:
    english, chinese = plan.explain("en").splitlines(), plan.explain().splitlines()
    assert len(english) == len(chinese) == 7
    assert english[:3] == [
        "Proven optimal.",
        "New sites: 2. Coverage rises from 34.5 % to 79.3 % (23 of 29).",
        "Objective 23, bound 23, gap 0.0 %.",
    ]
    assert chinese[1] == "新开 2 处，覆盖率由 34.5 % 升至 79.3 %（覆盖 23 人，共 29 人）。"
    for lines in (english, chinese):
        for k, site in enumerate(plan.sites):
            assert lines[3 + k].startswith(f"{k + 1}. {site}")
    assert plan.summary("en").splitlines() == english[:3]
    assert english[-2:] == [
        "Communities beyond every candidate: 1 (at best 79.3 % can be reached): d",
        "Communities that only forbidden sites reach: 1 (at best 79.3 % can be reached without them): e",
    ]
    assert (chinese[-2][-2:], chinese[-1][-2:]) == ("：d", "：e")
    with pytest.raises(ValueError, match="choose one of zh, en"):
        plan.explain("fr")


def test_explain_names_no_more_than_twenty(reach_of: Callable[..., st.Reach]) -> None:
    ids = [f"o{k:02}" for k in range(30)]
    plan = st.solve(
        st.MaxCoverage(), reach_of({"x": ["o00"]}, ids), demand=pd.Series(1, index=ids), rules=[st.AtMost(1)]
    )
    said = plan.explain("en")
    assert "candidate: 29 " in said
    assert said.endswith("o19, o20 …")


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("status", ["optimal", "feasible", "time_limit", "infeasible"])
@pytest.mark.parametrize(
    "reason",
    [
        (),
        ("plan.out_of_reach", {"share": 0.9, "best": 0.5, "group": "all"}),
        ("plan.out_of_reach_in", {"share": 0.9, "best": math.nan, "group": "北山街道"}),
        ("plan.conflict", {"rules": ("AtMost(1)", "Cover(0.9)"), "needed": 3, "allowed": 1, "best": 0.4}),
        ("plan.none_found", {}),
    ],
)
def test_explain_has_words_for_every_end(plan: st.Plan, lang: str, status: str, reason: Any) -> None:
    nothing = dataclasses.replace(plan.answer, x=None, value=math.nan, bound=math.nan)
    for answer in (plan.answer, nothing):
        ended = dataclasses.replace(answer, status=status)
        said = dataclasses.replace(plan, answer=ended, reasons=(reason,) if reason else ()).explain(lang)
        assert "{" not in said
        assert "nan" not in said
        assert known(f"plan.status_{status}")


def test_names_with_braces_and_signs_stay_as_they_are(reach_of: Callable[..., st.Reach]) -> None:
    odd = "{0} {{x}} <b>%s"
    plan = st.solve(st.MaxCoverage(), reach_of({odd: "a"}, "ab"), demand=PEOPLE.loc[["a", "b"]], rules=[st.AtMost(1)])
    assert f"1. {odd}: adds 10 people" in plan.explain("en")


def test_ids_may_be_numbers() -> None:
    table = pd.DataFrame({"origin": [1, 2], "destination": [7, 8], "cost": [0.0, 0.0]})
    reach = st.Reach.from_pairs(table, origins=[1, 2, 3], destinations=[7, 8, 9], limit=300)
    plan = st.solve(st.MaxCoverage(), reach, demand=pd.Series({1: 4, 2: 3, 3: 2}), rules=[st.AtMost(2)])
    assert plan.sites == (7, 8)
    assert plan.unreachable == (3,)
    assert "1. 7: adds 4 people" in plan.explain("en")
    assert np.isnan(plan.assignment.loc[3, "cost"])


def test_words_are_chinese_unless_english_is_wanted(plan: st.Plan) -> None:
    assert plan.summary() == plan.summary("zh") != plan.summary("en")
    assert plan.explain() == plan.explain("zh") != plan.explain("en")
    assert plan.rules_in_words() == plan.rules_in_words("zh") != plan.rules_in_words("en")
    assert plan.rules_in_words("en")[:2] == ("cover as many people as possible", "at most 3 new sites")


def test_served_people_by_group(plan: st.Plan) -> None:
    halves = pd.Series({"a": "west", "b": "west", "c": "east", "d": "east", "e": "east"}, name="half")
    assert plan.by(halves)["served"].to_dict() == {"east": 8, "west": 15}


def test_the_card_of_a_plan(plan: st.Plan, reach: st.Reach) -> None:
    shown = plan._repr_html_()
    for text in (
        "求解状态 status",
        "目标值 objective",
        "覆盖人数 covered",
        "gap to the bound",
        "选址方案 Plan",
        "新增点位 new sites",
        "proven bound",
        ">23 / 29 (79.3 %)<",
        ">0.0 %<",
        "序号 no.",
    ):
        assert text in shown
    row = [f">{text}<" for text in ("2", plan.sites[1], "5", "79.3 %")]
    assert all(text in shown for text in row)
    none = st.solve(st.MinSites(), reach, demand=PEOPLE, rules=[st.Cover(1.0)])._repr_html_()
    assert "选址方案 Plan" in none
    assert ">23 / 29" not in none


def test_ways_in_the_words_of_rules_have_the_unit_of_the_reach(reach: st.Reach) -> None:
    rules = [st.AtMost(3), st.Cover(0.1, limit=250)]
    plan = st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=rules)
    assert plan.rules_in_words("en")[2] == "at least 10 % covered (within 250 m)"
