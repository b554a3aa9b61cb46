"""Market share: plans by hand, tables, words, refusals, and the sample district; the oracle tries every choice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import siting as st
from siting.errors import ProblemError

#: a and b each have r, a competitor, at 100 and 200; x is at 100 from a and 300 from b, y at 100 from b.
TABLE = pd.DataFrame({"origin": list("aabbb"), "destination": list("xrryx"), "cost": [100.0, 100, 200, 100, 300]})
REACH = st.Reach.from_pairs(TABLE, origins=list("ab"), destinations=list("xyr"), limit=300)
PEOPLE = pd.Series({"a": 10, "b": 10})
CHOICE: dict[str, Any] = {"decay": st.decay.power(2, least=100), "competitors": ["r"]}
# Utilities: a: r 1, x 1; b: r 1/4, y 1, x 1/9.
X_ALONE = 10 / 2 + 10 * (1 / 9) / (1 / 9 + 1 / 4)
Y_ALONE = 10 * 1 / (1 + 1 / 4)
BOTH = 10 / 2 + 10 * (1 + 1 / 9) / (1 + 1 / 9 + 1 / 4)


def share_plan(*rules: Any, **named: Any) -> st.Plan:
    return st.solve(st.MaxMarketShare(**{**CHOICE, **named}), REACH, demand=PEOPLE, rules=list(rules))


def test_the_largest_share_by_hand() -> None:
    plan = share_plan(st.AtMost(1))
    assert (plan.sites, plan.status, plan.engine) == (("x",), "optimal", "capture")
    assert plan.objective == pytest.approx(X_ALONE)
    assert (plan.covered, plan.share, plan.before) == (plan.objective, pytest.approx(X_ALONE / 20), 0.0)
    checked = plan.verify()
    assert (checked.ok, checked.proven, checked.optimal) == (True, True, True)
    two = share_plan(st.AtMost(2))
    assert (set(two.sites), two.objective) == ({"x", "y"}, pytest.approx(BOTH))
    kept = share_plan(st.AtMost(1), st.Existing(["y"]))
    assert (kept.sites, kept.objective, kept.before) == (("x",), pytest.approx(BOTH), pytest.approx(Y_ALONE))
    assert share_plan(st.AtMost(1), st.Forbidden(["x"])).sites == ("y",)
    dear = st.Budget(3.0, pd.Series({"x": 4.0, "y": 2.0, "r": 1.0}))
    assert share_plan(dear).sites == ("y",)


def test_attractiveness_and_going_nowhere_change_the_plan() -> None:
    bright = pd.Series({"x": 1.0, "y": 40.0, "r": 1.0})
    plan = share_plan(st.AtMost(1), attractiveness=bright)
    assert (plan.sites, plan.objective) == (("y",), pytest.approx(10 * 40 / 40.25))
    flat = share_plan(st.AtMost(1), attractiveness=bright, alpha=0.0)
    assert (flat.sites, flat.objective) == (("x",), pytest.approx(X_ALONE))
    stay = share_plan(st.AtMost(1), no_choice=1.0)
    assert (stay.sites, stay.objective) == (("y",), pytest.approx(10 / 2.25))  # x: 10/3 + 10 · (1/9) / (49/36)


def test_the_fewest_sites_for_a_share_by_hand() -> None:
    def least(share: float, *rules: Any) -> st.Plan:
        target = st.TargetMarketShare(share, **CHOICE)
        return st.solve(st.MinSites(), REACH, demand=PEOPLE, rules=[target, *rules])

    one = least(X_ALONE / 20)
    assert (one.sites, one.objective, one.bound, one.status) == (("x",), 1, 1, "optimal")
    assert one.verify().optimal
    two = least(X_ALONE / 20 + 1e-6)
    assert (two.objective, two.bound, two.verify().optimal) == (2, 2, True)
    assert least(Y_ALONE / 20, st.Existing(["y"])).objective == 0
    none = least(0.9)
    assert (none.status, none.sites) == ("infeasible", ())
    assert f"市场份额最高为 {BOTH / 20:.1%}".replace("%", " %") in none.explain("zh")
    few = least(0.6, st.AtMost(1))
    assert few.status == "infeasible"
    assert f"at best {X_ALONE / 20:.1%}".replace("%", " %") in few.explain("en")
    cost = pd.Series({"x": 1.0, "y": 1.0, "r": 0.0})
    assert least(0.1, st.AtLeast(2), st.Budget(1.0, cost)).status == "infeasible"


def test_the_tables_are_of_visitors() -> None:
    plan = share_plan(st.AtMost(2))
    first, second = plan.table.loc["x"], plan.table.loc["y"]
    assert plan.sites == ("x", "y")  # x adds most alone
    assert (first["adds"], second["adds"]) == (pytest.approx(X_ALONE), pytest.approx(BOTH - X_ALONE))
    assert (first["lost_without"], second["lost_without"]) == (
        pytest.approx(BOTH - Y_ALONE), pytest.approx(BOTH - X_ALONE),
    )  # fmt: skip
    in_b = 1 + 1 / 9 + 1 / 4
    assert second["people"] == pytest.approx(10 / in_b)
    assert first["people"] == pytest.approx(5 + 10 / 9 / in_b)
    assert first["mean"] == pytest.approx((5 * 100 + 10 / 9 / in_b * 300) / (5 + 10 / 9 / in_b))
    assert (first["farthest"], first["within"], second["within"]) == (300, 20, 10)
    assert second["share_after"] == pytest.approx(BOTH / 20)
    communities = plan.communities
    assert communities["site"].to_dict() == {"a": "x", "b": "y"}  # most of b go to y
    assert communities["reason"].tolist() == ["shared", "shared"]
    assert communities["served"].sum() == pytest.approx(BOTH)
    swap = share_plan(st.AtMost(1)).second_best()
    assert (swap.loc["x", "instead"], swap.loc["x", "loss"]) == ("y", pytest.approx(X_ALONE - Y_ALONE))


def test_a_plan_says_what_it_wins() -> None:
    plan = share_plan(st.AtMost(1))
    assert "市场份额由 0.0 % 升至 40.4 %（预计吸引 8.1 人，共 20 人）" in plan.summary("zh")
    assert "x: wins 8.1 people" in plan.explain("en")
    assert plan.rules_in_words("zh") == ("市场份额最大（竞争设施 1 处）", "新增不超过 1 处")
    assert plan.rules == ("MaxMarketShare(decay=power(2, least=100), competitors=1)", "AtMost(1)")
    target = st.TargetMarketShare(0.3, **CHOICE, no_choice=0.5)
    words = st.solve(st.MinSites(), REACH, demand=PEOPLE, rules=[target]).rules_in_words("en")
    assert words[1] == "a market share of at least 30 % (competitors: 1, utility 0.5 of going nowhere)"


PLACES = pd.Series({"x": 5.0, "y": 5.0, "r": 5.0})


def test_report_and_card_speak_of_visitors(tmp_path: Path) -> None:
    plan = share_plan(st.AtMost(1))
    page = st.write_report(tmp_path / "report.html", plan).read_text(encoding="utf-8")
    for words in ("市场份额", "新增吸引人数", "累计市场份额", "预计前往人数", "40.4 %"):
        assert words in page
    for words in ("覆盖率", "新增覆盖人数", "就近服务人数"):
        assert words not in page
    assert "expected visitors" in plan._repr_html_()
    assert "8.1 / 20 (40.4 %)" in plan._repr_html_()


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ([], "MaxMarketShare without AtMost"),
        ([st.AtMost(1), st.Cover(0.5)], r"Cover\(0.5\) does not go with MaxMarketShare"),
        ([st.AtMost(1), st.NobodyBeyond(200)], "NobodyBeyond"),
        ([st.AtMost(1), st.Capacity(PLACES)], "Capacity"),
        ([st.AtMost(1), st.Backup(2)], "Backup"),
        ([st.AtMost(1), st.Phases((2025, 2030))], "Phases"),
        ([st.AtMost(1), st.Existing(["r"])], "Existing and the competitors of MaxMarketShare.*name the same"),
        ([st.AtMost(1), st.Required(["r"])], "Required and the competitors"),
        ([st.AtMost(1), st.TargetMarketShare(0.5, **CHOICE)], "goes with MinSites"),
        ([st.AtMost(3)], "the problem has only 2 candidates"),
    ],
)
def test_what_does_not_go_with_a_choice_is_refused(rules: list[Any], message: str) -> None:
    with pytest.raises(ProblemError, match=message):
        share_plan(*rules)


def test_values_that_are_none_are_refused() -> None:
    with pytest.raises(ProblemError, match="competitors"):
        st.MaxMarketShare(decay=CHOICE["decay"], competitors="r")
    with pytest.raises(ProblemError, match="decay is 2"):
        st.MaxMarketShare(decay=2)  # type: ignore[arg-type]
    with pytest.raises(ProblemError, match="alpha is -1"):
        st.MaxMarketShare(decay=CHOICE["decay"], alpha=-1)
    with pytest.raises(ProblemError, match="attractiveness is 3"):
        st.MaxMarketShare(decay=CHOICE["decay"], attractiveness=3)  # type: ignore[arg-type]
    with pytest.raises(ProblemError, match=r'share is 40.*"40 %"'):
        st.TargetMarketShare(40, **CHOICE)
    with pytest.raises(ProblemError, match="not among the sites"):
        share_plan(st.AtMost(1), competitors=["q"])
    with pytest.raises(ProblemError, match='no attractiveness for the sites "y"'):
        share_plan(st.AtMost(1), attractiveness=PLACES.drop("y"))
    with pytest.raises(ProblemError, match="only 300 m were searched"):
        share_plan(st.AtMost(1), decay=st.decay.linear(800))
    two = {"one": REACH, "two": REACH}
    people = {"one": PEOPLE, "two": PEOPLE}
    with pytest.raises(ProblemError, match="MaxMarketShare: there are 2 services"):
        st.solve(st.MaxMarketShare(**CHOICE), two, demand=people, rules=[st.AtMost(1)])
    options = pd.DataFrame({"site": ["x"]}, index=["o"])
    with pytest.raises(ProblemError, match="does not go with options"):
        st.solve(st.MaxMarketShare(**CHOICE), REACH, demand=PEOPLE, rules=[st.AtMost(1)], options=options)
    with pytest.raises(ProblemError, match="frontier draws coverage"):
        st.frontier(REACH, demand=PEOPLE, objective=st.MaxMarketShare(**CHOICE))  # type: ignore[arg-type]


def test_values_are_equal_by_content() -> None:
    assert st.MaxMarketShare(**CHOICE) == st.MaxMarketShare(**{**CHOICE, "competitors": ("r",)})
    assert st.MaxMarketShare(**CHOICE) != st.MaxMarketShare(**{**CHOICE, "no_choice": 1.0})
    assert st.TargetMarketShare(0.5, **CHOICE) != st.TargetMarketShare(0.6, **CHOICE)


def test_a_spoiled_plan_is_found_out() -> None:
    plan = share_plan(st.AtMost(1))
    wrong = replace(plan, answer=replace(plan.answer, value=9.0, bound=9.0))
    assert not wrong.verify().ok
    low = replace(plan, answer=replace(plan.answer, bound=5.0))
    assert "the objective passes the bound 5 as stated" in low.verify().findings
    target = st.TargetMarketShare(0.6, **CHOICE)
    least = st.solve(st.MinSites(), REACH, demand=PEOPLE, rules=[target])
    x = least.answer.x.copy()
    x[:] = False
    assert not replace(least, answer=replace(least.answer, x=x)).verify().keeps_rules


def test_attendance_is_coverage_with_a_decay() -> None:
    """Maximize Attendance: the nearest open site counts, and 1 - d / 300 of those at d."""
    plan = st.solve(st.MaxCoverage(decay=st.decay.linear(300)), REACH, demand=PEOPLE, rules=[st.AtMost(1)])
    assert (plan.objective, set(plan.sites) <= {"x", "y", "r"}) == (pytest.approx(10 * 2 / 3 + 10 / 3), True)  # r


@pytest.mark.slow
def test_the_sample_is_solved_to_the_proof(sample: dict[str, Any], sample_network: st.Network) -> None:
    homes, existing = sample["communities"], st.measure.open_to_all(sample["childcare"])
    sites = st.measure.offering(sample["candidates"], "childcare")
    reach = st.travel(sample_network, homes, st.data.combine_layers(existing, sites), metres=2000)
    ours = existing.index[existing["facility_type"] == "幼儿园托班"]
    choice = {
        "attractiveness": pd.concat([existing["places"], sites["max_places"]]),
        "decay": st.decay.power(2, least=100), "competitors": existing.index.difference(ours),
    }  # fmt: skip
    plan = st.solve(
        st.MaxMarketShare(**choice), reach, demand=homes["infants"], rules=[st.Existing(ours), st.AtMost(5)]
    )
    assert plan.status == "optimal"
    assert plan.verify().optimal
    # The figures of the plan are those of the measure, with the sites that are open.
    chosen = [*ours, *choice["competitors"], *plan.sites]
    table = st.measure.huff(reach.select(chosen), homes["infants"], choice["attractiveness"], decay=choice["decay"])
    assert table.loc[[*ours, *plan.sites], "visitors"].sum() == pytest.approx(plan.objective)
    assert table.loc[list(plan.sites), "visitors"].tolist() == pytest.approx(plan.table["people"].tolist())
    assert table.loc[list(plan.sites), "mean"].tolist() == pytest.approx(plan.table["mean"].tolist())
    shown = {role: sample[role] for role in ("communities", "childcare", "candidates")}
    page = st.draw_map(shown, plan={"childcare": plan}).get_root().render()
    assert ("累计市场份额" in page, "累计覆盖率" in page) == (True, False)
