"""Why there is no plan is said in one language, with the names and units of that language."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

import siting as st
from siting.propose.search.answer import Lacking, Way

PEOPLE = pd.Series({"a": 10, "b": 5, "c": 8}, name="people")
NAMES = {"sites": {"x": "东院", "y": "西院"}, "communities": {"a": "甲小区", "c": "丙小区"}}


def ways(rows: list[tuple[str, str, float]], limit: float | None = 300, unit: Any = "m") -> st.Reach:
    table = pd.DataFrame(rows, columns=["origin", "destination", "cost"])
    return st.Reach.from_pairs(table, origins=list("abc"), destinations=list("xyz"), limit=limit, unit=unit)


APART = ways([("a", "x", 100), ("b", "y", 100), ("c", "z", 100)])
NEAR = ways([("a", "x", 100), ("b", "y", 100)], limit=None)  # nothing reaches c
EVERYWHERE = ways([(home, site, 100) for home in "abc" for site in "xyz"])


def said(reach: Any, rules: list[Any], lang: str, objective: Any = None, **named: Any) -> str:
    plan = st.solve(objective or st.MinSites(), reach, demand=named.pop("demand", PEOPLE), rules=rules)
    assert plan.status == "infeasible"
    return plan.explain(lang, **named)


@pytest.mark.parametrize(
    ("unit", "zh", "en"), [("m", "米", "m"), ("min", "分钟", "min"), ("cost", "费用单位", "cost units")]
)
def test_units_and_brackets_are_those_of_the_language(unit: str, zh: str, en: str) -> None:
    reach = ways([("a", "x", 25), ("b", "y", 10)], limit=30, unit=unit)
    text = said(reach, [st.Cover(0.9, limit=20)], "zh", names=NAMES)
    assert f"：20 {zh}内没有点位的小区 2 个，涉及 18 人" in text
    assert f"甲小区（25 {zh}）、丙小区（超过 30 {zh}）" in text
    assert not set("()[],:") & set(text)
    text = said(reach, [st.Cover(0.9, limit=20)], "en")
    assert f"communities without a site within 20 {en}: 2 (18 people" in text
    assert f"a (25 {en}), c (> 30 {en})" in text
    text = said(reach, [st.Cover(0.6, limit=20)], "zh")
    assert f"的路程上限放宽到 25 {zh}。" in text


def test_long_ways_are_written_in_full() -> None:
    reach = ways([("a", "x", 25000.4), ("b", "y", 100)], limit=30000)
    assert "a (25,000 m), c (> 30,000 m)" in said(reach, [st.Cover(0.9, limit=2000)], "en")


def test_a_reach_without_a_limit_names_none() -> None:
    text = said(NEAR, [st.Cover(1)], "zh")
    assert "“覆盖率不低于 100 %”：没有任何点位可达的小区 1 个，涉及 8 人：c" in text
    assert "检查路网是否连通" in text
    assert "米" not in text
    assert text.count("：c") == 1  # and no line says it again
    text = said(NEAR, [st.Cover(1)], "en")
    assert "communities that no site reaches at all: 1 (8 people): c" in text
    assert "within" not in text
    assert "a longer distance" not in text
    # a limit of the rule is one, and c has no path to any site
    assert "a (100 m), c (no path), b (100 m)" in said(NEAR, [st.Cover(1, limit=50)], "en")
    assert "a（100 米）、c（不可达）、b（100 米）" in said(NEAR, [st.Cover(1, limit=50)], "zh")


def test_backup_and_forbidden_sites_of_a_reach_without_a_limit() -> None:
    text = said(NEAR, [st.Cover(1), st.Backup(2)], "zh")
    assert "可达点位数量不足的小区 3 个，涉及 23 人：a、c、b" in text
    text = said(NEAR, [st.Cover(0.9), st.Forbidden(["x"])], "zh", names=NAMES)
    assert "可达点位均被“禁选 1 处（东院）”排除的小区 1 个，涉及 10 人：甲小区" in text
    assert "没有任何点位可达的小区 1 个，涉及 8 人：丙小区" in text


def test_who_must_not_be_left_out_may_be_counted_with_a_distance() -> None:
    text = said(NEAR, [st.AtMost(2)], "en", st.MinTravel())
    assert "One change is enough: let some communities go unserved" in text
    plan = st.solve(st.MinTravel(beyond=500), NEAR, demand=PEOPLE, rules=[st.AtMost(2)])
    assert plan.status == "optimal"


def test_rules_on_sites_name_them() -> None:
    rules = [st.AtMost(2), st.Required(["x", "y"]), st.Cover(0.7)]
    assert "“必选 2 处（东院、西院）”不能同时满足" in said(APART, rules, "zh", names=NAMES)
    text = said(APART, rules, "en")
    assert "Required(2 sites: x, y) cannot be kept together" in text
    assert "without Required(2 sites: x, y)." in text
    assert "at most 2 may open" in text
    rules = [st.Existing(["x"]), st.Required(["y"]), st.Spacing([("x", "y")]), st.Cover(0.2)]
    text = said(APART, rules, "en")
    assert "Spacing(1 pair: x–y), Required(1 site: y), Existing(1 site: x) cannot" in text


def test_of_many_sites_the_first_are_named_and_the_number() -> None:
    sites = [f"s{n}" for n in range(9)]
    table = pd.DataFrame({"origin": "a", "destination": sites, "cost": 100.0})
    reach = st.Reach.from_pairs(table, origins=["a"], destinations=sites, limit=300)
    demand = pd.Series({"a": 1.0})
    rules = [st.Required(sites[:7]), st.Budget(3, cost=pd.Series(1.0, sites))]
    text = said(reach, rules, "en", demand=demand)
    assert "Required(7 sites: s0, s1, s2, s3, s4, …)" in text
    assert "“必选 7 处（s0、s1、s2、s3、s4 等）”" in said(reach, rules, "zh", demand=demand)


def test_services_and_shares_of_years_are_in_the_language() -> None:
    both = {"eldercare": APART, "childcare": APART}
    rules = [st.AtMost(2, service="eldercare"), st.Cover(0.9), st.AtMost(6)]
    text = said(both, rules, "zh", demand={"eldercare": PEOPLE, "childcare": PEOPLE})
    assert "“新增不超过 2 处（养老）”、“覆盖率不低于 90 %（养老）”不能同时满足" in text
    assert "“养老”的覆盖率最高为" in text
    text = said(APART, [st.Phases((2025, 2030), at_most=1, cover=(0.5, 0.6))], "zh", st.MaxCoverage())
    assert "“分年实施：2025（覆盖率 50 %）”" in text


def enough(reach: st.Reach, rules: list[Any], objective: Any = None) -> bool:
    return st.solve(objective or st.MinSites(), reach, demand=PEOPLE, rules=rules).status == "optimal"


def test_communities_that_stay_together_may_be_shared_or_get_more_places() -> None:
    # 10, 5 and 8 people, and 12 places twice: 10 and 5 do not fit into one, nor 5 and 8
    places = pd.Series({"x": 12, "y": 12, "z": 0})
    text = said(EVERYWHERE, [st.Cover(1), st.Capacity(places, split=False)], "en")
    assert "One change is enough: Capacity(split=False) without split=False" in text
    assert "One change is enough: the places of Capacity(split=False) raised by 10 % at every site." in text  # 13.2
    assert enough(EVERYWHERE, [st.Cover(1), st.Capacity(places)])
    assert enough(EVERYWHERE, [st.Cover(1), st.Capacity(places * 1.1 // 1, split=False)])
    assert not enough(EVERYWHERE, [st.Cover(1), st.Capacity(places * 1.05 // 1, split=False)])


def test_a_community_too_large_for_each_site() -> None:
    places = pd.Series({"x": 8, "y": 9, "z": 9})
    rules = [st.NobodyBeyond(300), st.Capacity(places, split=False)]
    text = said(EVERYWHERE, rules, "zh")
    assert "a（10 / 9）" in text
    assert "改为允许同一小区的居民分到多处设施" in text
    assert "各处设施的容量均提高 15 %" in text  # 10.35 for 10 people
    # two sites have 18 places for 23 people: sharing is not enough
    text = said(EVERYWHERE, [st.AtMost(2), st.Capacity(places, split=False)], "zh", st.MinTravel())
    assert "分到多处设施" not in text
    assert "各处设施的容量均提高 45 %" in text  # 13.05 for 5 and 8, 11.6 for 10


def test_places_grow_to_whole_numbers() -> None:
    # 7 people for 3 and 3 places: with 20 % more these are 3.6 each, which is 3; with 35 % 4.05, which is 4
    people = pd.Series({"a": 7, "b": 0, "c": 0})
    rules = [st.Cover(1), st.Capacity(pd.Series({"x": 3, "y": 3, "z": 0}))]
    assert "raised by 35 % at every site" in said(EVERYWHERE, rules, "en", demand=people)


def test_where_neither_is_enough_that_is_said() -> None:
    rules = [st.Existing(["x"]), st.Cover(1), st.Capacity(pd.Series({"x": 1, "y": 0, "z": 0}), split=False)]
    assert "whether one of them is enough is not known" in said(EVERYWHERE, rules, "en")


def test_the_text_of_a_way() -> None:
    assert (Way("300", "m"), Way("300", "m", beyond=True), Way()) == ("300 m", "> 300 m", "—")
    assert Lacking("a", Way("5", "min")) == "a (5 min)"
    assert Lacking("a", Way("5", "min")).called("甲", "zh") == "甲（5 分钟）"
    assert Lacking("a").called("甲", "zh") == "甲"


def test_no_front_without_a_plan_and_why() -> None:
    rules = [st.Required(["x", "y"]), st.Spacing([("x", "y")])]
    with pytest.raises(st.errors.ProblemError, match="no plan keeps the rules") as error:
        st.propose.trade_off(st.MaxCoverage(), st.MinSites(), APART, demand=PEOPLE, rules=rules)
    assert "Spacing(1 pair: x–y), Required(2 sites: x, y) cannot be kept together." in str(error.value)
    assert "One change is enough: without Spacing(1 pair: x–y)." in str(error.value)
    # that everybody must be served is a rule of the objective, first or second
    cost = pd.Series({"x": 3.5, "y": 4.0, "z": 5.0})
    for both in ((st.MinTravel(), st.MinCost(cost)), (st.MinCost(cost), st.MinTravel())):
        with pytest.raises(st.errors.ProblemError, match=r"AtMost\(2\), MinTravel\(\) cannot be kept together"):
            st.propose.trade_off(*both, APART, demand=PEOPLE, rules=[st.AtMost(2)])


def test_no_price_of_equity_without_a_plan_and_why() -> None:
    by = pd.Series({"a": "north", "b": "south", "c": "south"}, name="district")
    with pytest.raises(st.errors.ProblemError, match=r"AtMost\(1\), Cover\(0.9\) cannot be kept together"):
        st.equity.price_of_equity(APART, demand=PEOPLE, by=by, rules=[st.AtMost(1), st.Cover(0.9)])
