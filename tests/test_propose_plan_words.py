"""What plans, alternatives and trade-offs say of their figures: whom they count, in what unit, and how many."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
from shapely import Point

import siting as st
from siting.errors import SitingError

Make = Callable[..., st.Reach]
PEOPLE = pd.Series({"a": 10, "b": 8, "c": 5, "d": 1}, name="infants")
ONE_EACH = {"w": "a", "x": "b", "y": "c", "z": "d"}

# Where people choose: a reaches x and the competitor r, b r and y, c r alone, d z alone, e y alone, f nothing.
MARKET = pd.DataFrame(
    {"origin": list("aabbcde"), "destination": list("xrryrzy"), "cost": [100.0, 100, 200, 100, 100, 100, 50]}
)
CHOOSING = pd.Series({"a": 10, "b": 10, "c": 4, "d": 3, "e": 1, "f": 2})
CHOICE: dict[str, Any] = {"decay": st.decay.power(2, least=100), "competitors": ["r"]}


def market_plan(*rules: Any, **named: Any) -> st.Plan:
    reach = st.Reach.from_pairs(MARKET, origins=list("abcdef"), destinations=list("xyrz"), limit=300)
    return st.solve(
        st.MaxMarketShare(**CHOICE, **named), reach, demand=CHOOSING, rules=[st.AtMost(1), st.Forbidden(["z"]), *rules]
    )


def test_who_goes_to_competitors_is_told_apart_from_who_has_nothing_open() -> None:
    plan = market_plan()  # y wins 10 · 1 / (1 + 1/4) + 1 = 9, x 10 / 2
    reasons = {"a": "competitors", "b": "shared", "c": "competitors", "d": "barred", "e": "", "f": "beyond"}
    assert (plan.sites, plan.communities["reason"].to_dict()) == (("y",), reasons)
    assert (
        "有竞争设施、己方未开设设施的小区 2 个，涉及 14 人（括号内为最近的候选点）：a（x，100 米）、c\n"
        in plan.explain()
    )
    words = "reach, but no open site of one's own: 2 (14 people; in brackets the nearest candidate): a (x, 100 m), c\n"
    assert words in plan.explain("en")
    assert "没有开设设施" not in plan.explain()
    alone = market_plan(st.Required(["x"]))
    assert alone.communities["reason"]["e"] == "closed"
    assert "没有开设设施的小区 1 个，涉及 1 人（括号内为最近的候选点）：e（y，50 米）" in alone.explain()


def test_who_goes_nowhere_is_not_with_competitors() -> None:
    plan = market_plan(st.Required(["x"]), no_choice=0.5)
    assert plan.communities["reason"][["b", "e"]].tolist() == ["competitors", "closed"]


def test_what_all_candidates_would_win_is_a_share_of_the_market() -> None:
    """With x and y 5 + 8 + 1 = 14 of 30 come; nobody of c, which has r alone, and of f, which has nothing."""
    plan = market_plan()
    assert (plan.unreachable, plan.barred, plan.reachable) == (("c", "f"), ("d",), pytest.approx(14))
    assert "任何候选点都吸引不到的小区 2 个（全部开设时市场份额最高为 46.7 %）：c、f" in plan.explain()
    assert "仅有禁选点位可达的小区 1 个（不解除禁选，市场份额最高为 46.7 %）：d" in plan.explain()
    assert "覆盖率" not in plan.explain()


def test_a_site_that_attracts_nobody_is_none_in_reach() -> None:
    """At 300 m a decay of 0 is left: x, which is open, attracts b no more than a site out of reach."""
    table = pd.DataFrame({"origin": list("ab"), "destination": list("xx"), "cost": [100.0, 300]})
    reach = st.Reach.from_pairs(table, origins=list("ab"), destinations=["x", "y"], limit=300)
    objective = st.MaxMarketShare(decay=st.decay.linear(300))
    plan = st.solve(objective, reach, demand=pd.Series({"a": 1, "b": 1}), rules=[st.AtMost(1)])
    assert plan.communities["reason"].tolist() == ["", "beyond"]
    assert plan.unreachable == ("b",)


def test_only_what_may_open_is_counted_as_candidates() -> None:
    assert "未指定任何现有设施，2 处点位都按候选点计" in market_plan().explain()  # not r, nor z
    assert "all 2 count as candidates" in market_plan().explain("en")
    assert "No site is Existing: 1 counts as a candidate." in market_plan(st.Forbidden(["x"])).explain("en")


def test_figures_that_differ_by_rounding_are_one(reach_of: Make) -> None:
    """0.1 · 3 is not 0.3 to the last digit; neither makes the people a weighted number of people."""
    plan = st.solve(st.MaxCoverage(), reach_of(ONE_EACH, "abcd"), demand=PEOPLE, rules=[st.AtMost(2)])
    noisy = replace(plan, answer=replace(plan.answer, value=18 * (1 + 1e-12), bound=18 * (1 + 1e-12)))
    assert "objective" not in repr(noisy)
    assert "加权" not in noisy.summary()
    weighted = replace(plan, answer=replace(plan.answer, value=18 * (1 + 1e-6), bound=18 * (1 + 1e-6)))
    assert "objective 18.000018" in repr(weighted)
    assert "加权" in weighted.summary()


# Places


@pytest.mark.parametrize(
    ("how", "people", "within"),
    [
        ({}, "在此有位置的人数", "建成后 300 米内有位置"),
        ({"split": False}, "在此有位置的人数（小区不拆分）", "建成后 300 米内整个小区有位置"),
        ({"nearest": True}, "就近前往且有位置的人数", "建成后就近（300 米内）有位置"),
        (None, "就近服务人数", "建成后 300 米内覆盖"),
    ],
)
def test_people_with_a_place_are_not_people_within_reach(
    reach_of: Make, tmp_path: Path, how: dict[str, bool] | None, people: str, within: str
) -> None:
    places = pd.Series(6.0, list("wxyz"))
    rules = [st.AtMost(2), *([] if how is None else [st.Capacity(places, **how)])]  # type: ignore[arg-type]
    plan = st.solve(st.MaxCoverage(), reach_of(ONE_EACH, "abcd"), demand=PEOPLE, rules=rules)
    page = st.write_report(tmp_path / "plan.html", plan).read_text(encoding="utf-8")
    assert f">{people}<" in page
    counted = ("有位置的人所占比例", "新增有位置的人数", "累计有位置的比例", "不设则减少有位置的人数")
    covered = ("覆盖率", "新增覆盖人数", "累计覆盖率", "不设则减少覆盖")
    assert all((f">{words}<" in page) is (how is not None) for words in counted)
    assert all((f">{words}<" in page) is (how is None) for words in covered)
    shown = drawn(plan)
    assert f'"within":"{within}"' in shown
    assert ("新增有位置的人数" in shown, "新增覆盖" in shown) == (how is not None, how is None)
    card = plan._repr_html_()
    assert all((words in card) is (how is not None) for words in ("有位置的人数 people", *counted[1:3]))
    assert all((words in card) is (how is None) for words in ("新增覆盖人数", "累计覆盖率"))
    said = plan.summary().splitlines()[1]
    assert ("有位置" in said, "覆盖" in said) == (how is not None, how is None)


def test_a_plan_with_places_says_who_gets_one(reach_of: Make) -> None:
    """w and x take 6 each of 10 and 8."""
    rules = [st.AtMost(2), st.Capacity(pd.Series(6.0, list("wxyz")))]
    plan = st.solve(st.MaxCoverage(), reach_of(ONE_EACH, "abcd"), demand=PEOPLE, rules=rules)
    zh, en = (plan.explain(lang).splitlines() for lang in ("zh", "en"))
    assert zh[1] == "新开 2 处，有位置的人所占比例由 0.0 % 升至 50.0 %（12 人有位置，共 24 人）。"
    assert zh[3].startswith("1. w：新增 6 人有位置，累计 25.0 % 的人有位置；若不开设，则有位置的人减少 6 人。")
    assert en[1] == "New sites: 2. The share of people with a place rises from 0.0 % to 50.0 % (12 of 24)."
    assert en[3].startswith("1. w: a place for 6 more, 25.0 % so far; for 6 fewer without it.")


def drawn(plan: Any, lang: Any = "zh") -> str:
    sites = gpd.GeoDataFrame(
        {"name": list("wxyzr")}, geometry=[Point(500_000 + 100 * n, 3_220_000) for n in range(5)], index=list("wxyzr"),
        crs="EPSG:4549",
    )  # fmt: skip
    homes = gpd.GeoDataFrame({"infants": PEOPLE}, geometry=sites.geometry[:4].to_list(), crs=sites.crs)
    layers = {"communities": homes, "candidates": sites, "childcare": sites.loc[["r"]]}
    return str(st.draw_map(layers, plan={"childcare": plan}, lang=lang).get_root().render())


def test_the_map_of_a_market_plan_says_its_share() -> None:
    page = drawn(market_plan())
    assert '"share":"30.0%","within":"建成后市场份额"' in page
    assert "新增吸引人数" in market_plan()._repr_html_()
    assert '["新增吸引人数","+9 3岁以下婴幼儿"],["累计市场份额","30.0%"]' in page


# Services and take-up


def test_services_are_named_and_not_by_their_keys(reach_of: Make) -> None:
    reach = reach_of(ONE_EACH, "abcd")
    plan = st.solve(
        st.MaxCoverage(), {"childcare": reach, "eldercare": reach},
        demand={"childcare": PEOPLE, "eldercare": PEOPLE}, take_up={"childcare": 0.3}, rules=[st.AtMost(2)],
    )  # fmt: skip
    zh, en = plan.explain("zh"), plan.explain("en")
    assert "1. w（养老）：" in zh
    assert "a（托育）（w，100 米）" in zh
    assert "1. w (elder care): " in en
    assert not any(key in zh for key in ("eldercare", "childcare"))
    assert "eldercare" not in en
    assert zh.splitlines()[1] == "托育：需求按入托率 30 % 计。"
    assert en.splitlines()[1] == "Demand for childcare: people times a take-up of 30 %."


def test_the_take_up_is_said_wherever_figures_are(reach_of: Make, tmp_path: Path) -> None:
    reach, words = reach_of(ONE_EACH, "abcd"), "需求按入托率 50 % 计。"
    plan = st.solve(st.MaxCoverage(), reach, demand=PEOPLE, take_up=0.5, rules=[st.AtMost(2)])
    cost = pd.Series(1.0, list("wxyz"))
    front = st.propose.trade_off(st.MaxCoverage(), st.MinCost(cost), reach, demand=PEOPLE, take_up=0.5)
    for found in (plan, st.alternatives(plan, n=2), front):
        assert words in found.explain().splitlines()
        assert "Demand: people times a take-up of 50 %." in found.explain("en").splitlines()
        assert words in st.write_report(tmp_path / "report.html", found).read_text(encoding="utf-8")
    page = drawn(plan)
    assert f'"demand":["{words}"]' in page
    assert '["入托率","50 %"]' in page
    whole = st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=[st.AtMost(2)])
    assert "入托率" not in drawn(whole)
    assert "入托率" not in st.alternatives(whole, n=2).explain()


# Alternatives


def lines_of(plan: st.Plan, lang: str, **named: Any) -> list[str]:
    return st.alternatives(plan, **named).explain(lang).splitlines()


def test_alternatives_compare_values_in_their_unit(reach_of: Make) -> None:
    reach = reach_of(ONE_EACH, "abcd")
    most = st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=[st.AtMost(2)])
    assert lines_of(most, "zh", n=2, differ=1) == [
        "至少 1 处不同的方案，按优劣列出 2 个，其间已证明没有遗漏。",
        "1. 原方案：覆盖 18 人。",
        "2. 覆盖 15 人，比原方案少 3 人；改开 y，不开 x。",
    ]
    assert lines_of(most, "en", n=2, differ=1) == [
        "The best plans that differ in 1 site or more: 2, none left out, which is proven.",
        "1. The given plan: 18 people covered.",
        "2. 15 people covered, 3 people less than the given plan; opens y instead of x.",
    ]
    fewest = st.solve(st.MinSites(), reach, demand=PEOPLE, rules=[st.Cover(0.4)])
    assert lines_of(fewest, "zh", n=3, differ=1)[1:3] == [
        "1. 原方案：新开 1 处。", "2. 新开 2 处，比原方案多 1 处；改开 x、y，不开 w。",
    ]  # fmt: skip
    assert lines_of(fewest, "en", n=2, differ=1)[1:] == [
        "1. The given plan: 1 new site.", "2. 2 new sites, 1 site more than the given plan; opens x, y instead of w.",
    ]  # fmt: skip
    far = st.Reach.from_matrix(pd.DataFrame([[100.0, 400], [500, 100]], list("ab"), list("xy")))
    short = st.solve(st.MinTravel(), far, demand=PEOPLE[["a", "b"]], rules=[st.AtMost(1)])  # y: 4000 + 800
    assert lines_of(short, "zh", n=2, differ=1)[1:] == [
        "1. 原方案：总路程 4,800 人·米。", "2. 总路程 5,000 人·米，比原方案多 200 人·米；改开 x，不开 y。",
    ]  # fmt: skip
    near = st.solve(st.MinFarthest(), far, demand=PEOPLE[["a", "b"]], rules=[st.AtMost(1)])
    assert lines_of(near, "en", n=2, differ=1)[2].startswith(
        "2. 500 m for the farthest, 100 m more than the given plan;"
    )
    like = st.solve(st.MaxCoverage(), reach, demand=PEOPLE.clip(upper=5), rules=[st.AtMost(1)])
    assert "2. 覆盖 5 人，与原方案相同；" in "\n".join(lines_of(like, "zh", n=2, differ=1))


def test_a_plan_that_opens_nothing_instead_says_so(reach_of: Make) -> None:
    plan = st.solve(st.MaxCoverage(), reach_of({"x": "a", "y": "b"}, "ab"), demand=PEOPLE[:2], rules=[st.AtMost(1)])
    assert lines_of(plan, "zh", differ=1)[-2:] == [
        "3. 覆盖 0 人，比原方案少 10 人；不开 x。", "此外再没有至少 1 处不同的可行方案。",
    ]  # fmt: skip
    assert lines_of(plan, "en", differ=1)[-2:] == [
        "3. 0 people covered, 10 people less than the given plan; does not open x.",
        "There are no other plans that keep the rules and differ in 1 site or more.",
    ]


def test_more_sites_than_a_plan_has_are_all_of_them(reach_of: Make) -> None:
    reach = reach_of(ONE_EACH, "abcd")
    plan = st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=[st.AtMost(2)])
    assert lines_of(plan, "zh", n=2, differ=3)[0].startswith("点位全部不同的方案")
    assert lines_of(plan, "en", n=2, differ=3)[0].startswith("The best plans that have no site in common: 2")
    assert lines_of(plan, "zh", n=2, differ=2)[0].startswith("至少 2 处不同的方案")
    kept = st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=[st.AtMost(2), st.Required(["w"])])
    assert lines_of(kept, "zh", n=2, differ=2)[0].startswith("除必须开设的点位外全部不同的方案")
    cost = pd.Series({"w": 1.0, "x": 2, "y": 2, "z": 2})
    cheap = st.solve(st.MinCost(cost), reach, demand=PEOPLE, rules=[st.Cover(10 / 24)])  # w; else two of the others
    assert lines_of(cheap, "zh", n=2, differ=2)[0].startswith("至少 2 处不同（可变点位不足 2 处的，全部不同）的方案")


def test_one_is_written_as_one(reach_of: Make) -> None:
    one = st.alternatives(
        st.solve(st.MinSites(), reach_of({"x": "ab"}, "ab"), demand=PEOPLE[:2], rules=[st.Cover(1.0)]), differ=1
    )
    assert repr(one) == "<Alternatives: 1 plan, 1 of them proven, no others>"
    front = st.propose.trade_off(
        st.MinTravel(), st.MinFarthest(), reach_of({"x": "ab"}, "ab"), demand=PEOPLE[:2], rules=[st.AtMost(1)]
    )
    assert repr(front).startswith("<TradeOff: 1 point, 1 proven")
    assert front.explain("en").splitlines()[0].startswith("The plan that is best in both ")
    assert "可同时做到最好，有效方案只有 1 个" in front.explain("zh")
    assert ", 1 new site; proven" in front.explain("en")


# Two objectives


def test_points_say_what_their_numbers_are(reach_of: Make) -> None:
    reach, cost = reach_of(ONE_EACH, "abcd"), pd.Series({"w": 3.0, "x": 4.5, "y": 2, "z": 1})
    front = st.propose.trade_off(st.MaxCoverage(), st.MinCost(cost), reach, demand=PEOPLE)
    point = next(n for n, sites in enumerate(front.points["chosen"], start=1) if sites == ("w",))
    assert front.explain().splitlines()[point].startswith(f"{point}. 覆盖 10 人，费用 3，新开 1 处；已证明")
    assert front.explain("en").splitlines()[point].startswith(f"{point}. 10 people covered, a cost of 3, 1 new site; ")
    by = pd.Series({"a": "n", "b": "n", "c": "s", "d": "s"})
    fair = st.propose.trade_off(
        st.MaxCoverage(), st.propose.MaxWorstShare(by), reach, demand=PEOPLE, rules=[st.AtMost(2)]
    )
    assert "覆盖 15 人，覆盖率最低的一组为 55.6 %，新开 2 处；" in fair.explain()  # w and y: 10 of 18, 5 of 6
    sites = st.propose.trade_off(st.MaxCoverage(), st.MinSites(), reach, demand=PEOPLE)
    assert "覆盖 10 人，新开 1 处；" in sites.explain()
    assert sites.explain().count("新开") == len(sites.plans)  # once a point


def test_what_is_open_of_a_point_says_its_bound(reach_of: Make) -> None:
    front = st.propose.trade_off(st.MaxCoverage(), st.MinSites(), reach_of(ONE_EACH, "abcd"), demand=PEOPLE)
    open_ = replace(front, points=front.points.assign(proven=False, bound=24.0))
    assert "尚未证明是否还能改进（另一项不变差时，不会优于：覆盖 24 人）" in open_.explain()
    assert "not proven: without the other being worse, nothing is better than 24 people covered" in open_.explain("en")


# Several plans on pages


def test_several_plans_are_told_on_a_page_and_one_is_drawn(reach_of: Make, tmp_path: Path) -> None:
    plan = st.solve(st.MaxCoverage(), reach_of(ONE_EACH, "abcd"), demand=PEOPLE, rules=[st.AtMost(2)])
    found = st.alternatives(plan, n=2)
    page = st.write_report(tmp_path / "plans.html", found, found.plans[1]).read_text(encoding="utf-8")
    assert all(words in page for words in ("可选方案", "1. 原方案：覆盖 18 人。", "改开 y、z，不开 w、x。", "选址方案"))
    with pytest.raises(SitingError, match=r"plan is Alternatives with 2 plans; give one of them"):
        drawn(found)
    with pytest.raises(SitingError, match=r"give one of them, such as plan=found\.plans\[0\]"):
        st.draw_picture({"candidates": gpd.GeoDataFrame(geometry=[Point(0, 0)], crs="EPSG:4549")}, plan=found)
    with pytest.raises(SitingError, match=r"curve is an Alternatives; give the result of frontier\(\)"):
        st.draw_chart(found)  # type: ignore[arg-type]
    assert '"within":"建成后 300 米内覆盖"' in drawn(found.plans[1])
