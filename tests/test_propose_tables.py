"""The tables of a plan, against numbers that are added up by hand for plans that are made by hand."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd
import pytest

import siting as st
from siting.propose.model.formulation import Formulation
from siting.propose.model.variables import STAYING
from siting.propose.plan.tables import by_group
from siting.propose.search.answer import Answer

Make = Callable[..., st.Reach]
PEOPLE = pd.Series({"a": 10, "b": 5, "c": 8, "d": 2, "e": 4, "f": 0})
#: Metres from each site; nobody reaches d, and only `far` reaches e.
WAYS = {"x": {"a": 200, "b": 100}, "y": {"b": 50, "c": 60}, "z": {"c": 10, "f": 5}, "far": {"e": 10}}


@pytest.fixture
def reach(reach_of: Make) -> st.Reach:
    return reach_of(WAYS, "abcdef")


def opened(problem: Formulation, sites: Iterable[str]) -> st.Plan:
    """Open these sites, and those that stay, whatever the objective wants."""
    columns = problem.variables
    x = np.isin(problem.inputs.sites[columns.site], list(sites)) & columns.new | (columns.kind == STAYING)
    return st.Plan(problem, Answer(x, 0.0, 0.0, "feasible", "by hand", model=problem.model, sense=problem.sense))


def test_sites_stand_in_the_order_of_what_they_add(reach: st.Reach) -> None:
    """x adds a and b, then y adds c, which z too would serve; z adds nothing more."""
    problem = st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=[st.AtMost(4)]).problem
    table = opened(problem, "zyx").table
    assert table.index.tolist() == ["x", "y", "z"]
    assert table["order"].tolist() == [1, 2, 3]
    assert table["adds"].tolist() == [15, 8, 0]
    assert table["share_after"].tolist() == [15 / 29, 23 / 29, 23 / 29]
    assert table["within"].tolist() == [15, 13, 8]
    assert table["lost_without"].tolist() == [10, 0, 0]  # b has y besides, c has z
    assert table["people"].tolist() == [10, 5, 8]  # b is nearer to y, c to z
    assert table["mean"].tolist() == table["farthest"].tolist() == [200, 50, 10]
    assert opened(problem, "yx").table["lost_without"].tolist() == [10, 8]


def test_of_sites_that_add_the_same_the_first_in_the_reach_comes_first(reach_of: Make) -> None:
    reach = reach_of({"p": "ab", "q": "bc", "r": "a"}, "abc")
    problem = st.solve(
        st.MaxCoverage(), reach, demand=pd.Series({"a": 4, "b": 1, "c": 4}), rules=[st.AtMost(3)]
    ).problem
    table = opened(problem, "rqp").table
    assert table["adds"].to_dict() == {"p": 5, "q": 4, "r": 0}
    assert table.index.tolist() == ["p", "q", "r"]


def test_an_existing_site_leaves_less_to_add(reach: st.Reach) -> None:
    rules = [st.AtMost(2), st.Existing(["y"])]
    plan = opened(st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=rules).problem, "xz")
    assert (plan.before, plan.covered, plan.total) == (13, 23, 29)
    assert plan.table["adds"].to_dict() == {"x": 10, "z": 0}
    assert plan.assignment["new"].dropna().to_dict() == {"a": True, "b": False, "c": True, "f": True}


def test_with_backup_the_second_site_serves(reach: st.Reach) -> None:
    """Two sites each must reach: b has x and y, c has y and z, a has x alone."""
    rules = [st.AtMost(3), st.Backup(2)]
    plan = opened(st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=rules).problem, "xyz")
    assert plan.table["adds"].to_dict() == {"x": 0, "y": 5, "z": 8}
    assert plan.table["lost_without"].to_dict() == {"x": 5, "y": 13, "z": 8}
    assert plan.communities["reason"].to_dict() == {
        "a": "few", "b": "", "c": "", "d": "beyond", "e": "closed", "f": "no demand",
    }  # fmt: skip
    assert plan.covered == 13
    assert plan.assignment["site"].fillna("").to_dict() == {"a": "", "b": "y", "c": "z", "d": "", "e": "", "f": ""}


def test_why_somebody_is_not_served(reach: st.Reach) -> None:
    rules = [st.AtMost(1), st.Forbidden(["far"])]
    plan = opened(st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=rules).problem, "x")
    assert plan.communities["reason"].to_dict() == {
        "a": "", "b": "", "c": "closed", "d": "beyond", "e": "barred", "f": "no demand",
    }  # fmt: skip
    assert (plan.unreachable, plan.barred) == (("d",), ("e",))
    assert plan.reachable == 23


def test_places_are_counted_in_the_order_of_their_people(reach: st.Reach) -> None:
    """x has 12 places for 15 people, y 9 for 13; y takes c and one of b. Then y adds 9, for x is fuller."""
    places = pd.Series({"x": 12.0, "y": 9.0, "z": 9.0, "far": 9.0})
    rules = [st.AtMost(2), st.Capacity(places), st.Forbidden(["z", "far"])]
    plan = st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=rules)
    assert plan.sites == ("x", "y")
    assert plan.table["adds"].tolist() == [12, 9]
    assert plan.table["share_after"].tolist() == [12 / 29, 21 / 29]
    assert plan.table["lost_without"].tolist() == [12, 9]
    assert plan.table["people"].sum() == plan.covered == 21
    assert "full" in set(plan.communities["reason"])


def test_what_is_opened_first_comes_first(reach: st.Reach) -> None:
    """z alone opens in 2027; that x adds more does not matter, for it opens a year later."""
    rules = [st.Phases([2027, 2028], at_most=[1, 1]), st.Forbidden(["y"])]
    people = pd.DataFrame({2027: PEOPLE.where(PEOPLE.index == "c", 0), 2028: PEOPLE})
    plan = st.solve(st.MaxCoverage(), reach, demand=people, rules=rules)
    assert plan.table["year"].to_dict() == {"z": 2027, "x": 2028}
    assert plan.table.index.tolist() == ["z", "x"]
    assert plan.communities.loc["c", "served"].to_dict() == {2027: 8, 2028: 8}


def test_what_closes_is_a_change_with_its_saving(reach: st.Reach) -> None:
    cost = pd.Series({"x": 5.0, "y": 3.0, "z": 1.0, "far": 9.0})
    rules = [st.Existing(["z"]), st.MayClose(saving=2.0), st.Cover(0.4)]
    plan = st.solve(st.MinCost(cost), reach, demand=PEOPLE, rules=rules)
    assert plan.sites == ("y",)  # 13 of 29 people, with z closed
    assert plan.changes[["change", "cost"]].to_dict("index") == {"z": {"change": "closes", "cost": -2.0}}
    assert (plan.closed, plan.cost) == (("z",), 1.0)
    assert math.isnan(opened(st.solve(st.MinSites(), reach, demand=PEOPLE, rules=[st.Cover(0.4)]).problem, "x").cost)


def test_without_a_plan_the_tables_are_empty_and_the_figures_those_of_today(reach: st.Reach) -> None:
    plan = st.solve(st.MinSites(), reach, demand=PEOPLE, rules=[st.Cover(1.0), st.Existing(["z"])])
    assert (plan.status, plan.sites, len(plan.table), len(plan.changes)) == ("infeasible", (), 0, 0)
    assert (plan.covered, plan.before, plan.closed) == (8, 8, ())
    assert math.isnan(plan.cost)


def test_a_table_is_made_when_it_is_first_asked_for_and_then_kept(reach: st.Reach) -> None:
    plan = st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=[st.AtMost(1)])
    assert "table" not in vars(plan)
    assert plan.table is plan.table


def test_groups_are_added_up() -> None:
    index = pd.MultiIndex.from_product([["a", "b", "c"], [2027, 2028]], names=["community", "year"])
    table = pd.DataFrame({"demand": [4, 6, 2, 2, 0, 0], "served": [4, 3, 0, 1, 0, 0]}, index=index)
    north = pd.Series({"a": "north", "b": "north", "c": "south"}, name="side")
    sums = by_group(table, north)
    assert sums.loc[("north", 2027)].to_dict() == {"demand": 6, "served": 4, "share": 4 / 6}
    assert sums.loc[("north", 2028)].to_dict() == {"demand": 8, "served": 4, "share": 0.5}
    assert sums["share"].isna().tolist() == [False, False, True, True]
    with pytest.raises(st.errors.ProblemError, match='groups: no group for 1 community: "c"'):
        by_group(table, north.drop("c"))


def test_groups_are_sorted_and_have_the_name_of_their_column() -> None:
    table = pd.DataFrame({"demand": [4, 6], "served": [4, 3]}, index=["a", "b"])
    side = pd.Series({"b": "north", "a": "south"}, name="side")
    sums = by_group(table, side)
    assert (sums.index.tolist(), sums.index.name) == (["north", "south"], "side")
    assert sums["share"].tolist() == [0.5, 1]
    assert by_group(table, side.rename(None)).index.name == "group"
    twice = pd.Series(["x", "y", "x"], index=["a", "b", "a"])
    with pytest.raises(st.errors.ProblemError, match='groups: ids occur twice: "a"'):
        by_group(table, twice)
    with pytest.raises(st.errors.ProblemError, match='groups is "side"; give a Series'):
        by_group(table, "side")  # type: ignore[arg-type]


def test_each_way_of_a_shared_community_has_a_row(reach_of: Make) -> None:
    """Of the ten of b three find a place at x, 100 m away; seven go on to y, 300 m away."""
    ways = reach_of({"x": {"a": 50, "b": 100}, "y": {"b": 300}}, "abc")
    places = pd.Series({"x": 7.0, "y": 9.0})
    people = pd.Series({"a": 4, "b": 10, "c": 1})
    rules = [st.AtMost(2), st.Capacity(places), st.Cover(14 / 15)]
    plan = st.solve(st.MinTravel(beyond=1000), ways, demand=people, rules=rules)
    assert plan.flows.to_dict("records") == [
        {"community": "a", "site": "x", "people": 4.0, "cost": 50.0},
        {"community": "b", "site": "x", "people": 3.0, "cost": 100.0},
        {"community": "b", "site": "y", "people": 7.0, "cost": 300.0},
    ]
    assert plan.communities.loc["b", ["served", "site", "cost", "sites", "farthest"]].tolist() == [10, "y", 300, 2, 300]
    assert plan.communities["sites"].to_dict() == {"a": 1, "b": 2, "c": 0}
    assert np.isnan(plan.communities.loc["c", "farthest"])
    assert "居民分到多处设施的小区 1 个：b" in plan.explain("zh")
    assert "Communities whose people go to several sites: 1: b" in plan.explain("en")
    assert plan.verify().ok


def test_without_places_everybody_goes_to_the_nearest(reach: st.Reach) -> None:
    problem = st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=[st.AtMost(4)]).problem
    assert opened(problem, "xyz").flows.to_dict("records") == [
        {"community": "a", "site": "x", "people": 10.0, "cost": 200.0},
        {"community": "b", "site": "y", "people": 5.0, "cost": 50.0},
        {"community": "c", "site": "z", "people": 8.0, "cost": 10.0},
    ]
    backed = st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=[st.AtMost(3), st.Backup(2)]).problem
    assert opened(backed, "xyz").flows["community"].tolist() == ["b", "c"]  # only x reaches a


def test_flows_name_year_and_option(reach: st.Reach) -> None:
    options = pd.DataFrame({"site": ["x", "y"], "places": [15.0, 6.0], "year": [2027, 2028]}, index=["x15", "y6"])
    rules = [st.Phases([2027, 2028], at_most=[1, 1]), st.Capacity()]
    plan = st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=rules, options=options)
    assert plan.flows[["community", "site", "year", "option", "people"]].to_numpy().tolist() == [
        ["a", "x", 2027, "x15", 10.0], ["a", "x", 2028, "x15", 10.0], ["b", "x", 2027, "x15", 5.0],
        ["b", "x", 2028, "x15", 5.0], ["c", "y", 2028, "y6", 6.0],
    ]  # fmt: skip


def placed(reach_of: Make, people: list[float], places: list[float], **named: float) -> st.Plan:
    """Two of two sites, x of a and b and y of b and c, beside w of a, which exists."""
    ways = reach_of({"w": "a", "x": "ab", "y": "bc"}, "abc")
    room = st.Capacity(pd.Series(places, index=list("wxy")))
    rules = [st.AtMost(2), st.Existing(["w"]), room]
    return st.solve(st.MaxCoverage(), ways, demand=pd.Series(people, index=list("abc")), rules=rules, **named)


def test_figures_of_half_people_with_places(reach_of: Make) -> None:
    """Of 5 of a, 2.5 of b and 4 of c w has one; x takes 4 of a and 2 of b, y the others.

    Without x are 1 at w and 5 at y, without y 1 and 6.
    """
    half = placed(reach_of, [10, 5, 8], [1, 6, 5], take_up=0.5)
    assert (half.before, half.covered, half.total) == (1, 11.5, 11.5)
    assert half.table["adds"].to_dict() == {"x": 6, "y": 4.5}
    assert half.table["share_after"].tolist() == pytest.approx([7 / 11.5, 1])
    assert half.table["lost_without"].to_dict() == {"x": 5.5, "y": 4.5}
    twice = placed(reach_of, [10, 5, 8], [2, 12, 10])  # all people, and twice the places
    assert twice.before == 2 * half.before
    for name in ("adds", "lost_without"):
        assert (twice.table[name] == 2 * half.table[name]).all()
    assert twice.table["share_after"].tolist() == pytest.approx(half.table["share_after"].tolist())


def test_figures_of_parts_of_so_many_people_that_millionths_do_not_fit(reach_of: Make) -> None:
    """As there, a thousand times as many, and a half more of each: x and y have 0.5 people beside whole numbers."""
    plan = placed(reach_of, [10_001, 5_001, 8_001], [1_000, 6_000, 5_000], take_up=0.5)
    assert (plan.before, plan.covered) == (1000, 11_501.5)
    assert plan.table["adds"].to_dict() == {"x": 6000, "y": 4501.5}
    assert plan.table["share_after"].tolist() == pytest.approx([7000 / 11_501.5, 1])
    assert plan.table["lost_without"].to_dict() == {"x": 5501.5, "y": 4501.5}


def test_figures_of_parts_of_millions_of_people(reach_of: Make) -> None:
    """As there, a million times as many: 5,000,000.5 of a, 2,500,000.5 of b and 4,000,000.5 of c."""
    plan = placed(reach_of, [10_000_001, 5_000_001, 8_000_001], [1_000_000, 6_000_000, 5_000_000], take_up=0.5)
    assert (plan.before, plan.covered) == (1_000_000, 11_500_001.5)
    assert plan.table["adds"].to_dict() == {"x": 6_000_000, "y": 4_500_001.5}
    assert plan.table["lost_without"].to_dict() == {"x": 5_500_001.5, "y": 4_500_001.5}


def test_figures_of_millionths_of_people(reach_of: Make) -> None:
    """A third of 10, 5 and 8: x and w have room for all of a and b, y for two of c."""
    plan = placed(reach_of, [10, 5, 8], [1, 6, 2], take_up=0.333333)
    assert plan.before == 1
    assert plan.table["adds"].to_dict() == pytest.approx({"x": 3.999995, "y": 2})  # of 4.999995 w has one
    assert plan.table["lost_without"].to_dict() == pytest.approx({"x": 3.999995, "y": 2})


def test_figures_of_sites_where_communities_stay_together(reach: st.Reach) -> None:
    """x has 12 places: a's ten, for b's five are too many then; y 9: c's eight. b could go nowhere else."""
    places = pd.Series({"x": 12.0, "y": 9.0, "z": 9.0, "far": 9.0})
    rules = [st.AtMost(2), st.Capacity(places, split=False), st.Forbidden(["z", "far"])]
    plan = st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=rules)
    assert plan.flows[["community", "site", "people"]].to_numpy().tolist() == [["a", "x", 10.0], ["c", "y", 8.0]]
    assert plan.table["adds"].to_dict() == {"x": 10, "y": 8}
    assert plan.table["share_after"].tolist() == [10 / 29, 18 / 29]
    assert plan.table["lost_without"].to_dict() == {"x": 10, "y": 8}
    assert plan.communities.loc["b", ["served", "reason"]].tolist() == [0, "full"]
    assert plan.verify().optimal


def test_figures_of_sites_where_everybody_goes_to_the_nearest(reach: st.Reach) -> None:
    """b goes to y, 50 m away, not to x; y's four places leave nine of b and c without one. Alone x has twelve."""
    places = pd.Series({"x": 12.0, "y": 4.0, "z": 9.0, "far": 9.0})
    rules = [st.AtMost(2), st.Required(["x", "y"]), st.Capacity(places, nearest=True)]
    plan = st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=rules)
    assert plan.covered == 14
    assert plan.table["adds"].to_dict() == {"x": 12, "y": 2}  # y takes b away from x
    assert plan.table["lost_without"].to_dict() == {"x": 10, "y": 2}
    assert set(zip(plan.flows["community"], plan.flows["site"], strict=True)) <= {("a", "x"), ("b", "y"), ("c", "y")}


def test_what_stands_before_where_communities_stay_together(reach: st.Reach) -> None:
    places = pd.Series({"x": 12.0, "y": 9.0, "z": 9.0, "far": 9.0})
    rules = [st.AtMost(1), st.Existing(["x"]), st.Capacity(places, split=False)]
    plan = st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=rules)
    assert (plan.before, plan.covered) == (10, 18)
    near = [st.AtMost(1), st.Existing(["x", "y"]), st.Capacity(places, nearest=True)]
    assert st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=near).before == 19  # y: nine of thirteen


def test_where_people_choose_each_site_has_its_part(reach_of: Make) -> None:
    """At 100 and 200 m of sites as attractive, and a decay of 1 / distance squared, four of five go to the nearer."""
    ways = reach_of({"x": {"a": 100}, "y": {"a": 200}}, "a")
    objective = st.MaxMarketShare(decay=st.decay.power(2, least=100))
    plan = st.solve(objective, ways, demand=pd.Series({"a": 10}), rules=[st.AtMost(2), st.Required(["x", "y"])])
    assert plan.flows["people"].tolist() == pytest.approx([8, 2])
    assert plan.flows[["community", "site", "cost"]].to_numpy().tolist() == [["a", "x", 100.0], ["a", "y", 200.0]]
    assert plan.communities.loc["a", ["site", "cost", "sites", "farthest"]].tolist() == ["x", 100, 2, 200]
