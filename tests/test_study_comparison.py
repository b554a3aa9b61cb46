"""Two results side by side."""

from __future__ import annotations

from typing import Any

import pytest

from siting.labels import Language
from siting.study.comparison import compare_results


def results(**changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "study": {"name": "town", "year": 2025},
        "layers": {"communities": {"rows": 2}, "childcare": {"rows": 1}},
        "names": {"communities": {"a": "", "b": ""}, "childcare": {"k": ""}},
        "coverage": [_covered("all", 0.5), _covered("D01", 0.25)],
        "audit": {"standard": "own", "rules": [_rule("one", 50.0, "short"), _rule("two", None, "n/a")]},
        "plans": [_plan("best", 0.75, ["s", "t"])],
    }
    return found | changes


def _covered(group: str, share: float) -> dict[str, Any]:
    where = {
        "service": "childcare",
        "limit": 300.0,
        "unit": "m",
        "metric": "streets",
        "group": group,
        "weight": "infants",
    }
    return where | {"total": 100.0, "covered": 100 * share, "share": share, "communities": 2, "communities_covered": 1}


def _rule(name: str, value: float | None, status: str) -> dict[str, Any]:
    words = {"area_name": "", "indicator": f"指标{name}", "indicator_en": f"rule {name}"}
    return {"rule": name, "area": "all", **words, "value": value, "target": 90.0, "needed": None, "status": status}


def _plan(goal: str, share: float, sites: list[str]) -> dict[str, Any]:
    figures = {
        "share": share,
        "covered": 100 * share,
        "objective": 100 * share,
        "bound": 100.0,
        "gap": 0.25,
        "cost": None,
    }
    return {"goal": goal, "status": "feasible", **figures, "sites": [{"site": site} for site in sites]}


@pytest.mark.parametrize(("lang", "same"), [("zh", "两次结果相同。"), ("en", "Both results are the same.")])
def test_the_same_results_differ_in_nothing(lang: Language, same: str) -> None:
    found = compare_results(results(), results())
    assert not any(map(len, found.tables.values()))
    assert found.explain(lang) == same


def test_each_change_is_said_once() -> None:
    after = results(
        study={"name": "town", "year": 2035},
        layers={"communities": {"rows": 2}, "childcare": {"rows": 2}},
        names={"communities": {"a": "", "b": ""}, "childcare": {"k": "", "m": ""}},
        coverage=[_covered("all", 0.625), _covered("D01", 0.25)],
        audit={"standard": "own", "rules": [_rule("one", 95.0, "met"), _rule("two", None, "n/a")]},
        plans=[_plan("best", 0.875, ["s", "u"]), _plan("more", 0.9, [])],
    )
    found = compare_results(results(), after)
    assert found.settings.loc["year"].tolist() == [2025, 2035]
    assert found.layers.loc["childcare"].tolist() == [1, 2, ["m"], []]
    row = found.coverage.loc[("childcare", 300.0, "m", "streets", "all", "infants")]
    assert row[["share_before", "share_after", "covered_before", "covered_after"]].tolist() == [0.5, 0.625, 50.0, 62.5]
    assert len(found.coverage) == 1
    assert found.verdict.loc[("own", "one"), ["status_before", "status_after"]].iloc[0].tolist() == ["short", "met"]
    assert len(found.verdict) == 1
    assert found.plans.loc["best", ["opened", "dropped"]].tolist() == [["u"], ["t"]]
    assert found.plans.loc["more", "status_before"] is None
    chosen = "chosen now: u, no longer: t"
    status = "(feasible, not proven optimal)"
    assert found.explain("en").split("\n") == [
        "year: 2025 before, 2035 after",
        "childcare: 1 rows before, 2 after; 1 added, 0 removed",
        "childcare within 300 m: 50.0 % covered before, 62.5 % after",
        "rule one (one): short before, met after; value 50 before, 95 after",
        f"best: 2 sites, 75.0 % covered {status} before, 2 sites, 87.5 % covered {status} after; {chosen}",
        f"more: none before, 0 sites, 90.0 % covered {status} after; chosen now: none, no longer: none",
    ]
    assert "指标one（one）：由“未达标”变为“达标”，数值由 50 变为 95" in found.explain("zh")


def test_rules_that_one_of_them_judges_are_counted() -> None:
    rules = [_rule("one", 50.0, "short"), _rule("two", None, "n/a"), _rule("three", None, "met")]
    after = results(study={"name": "town", "year": [2025, 2035]}, audit={"standard": "own", "rules": rules})
    assert compare_results(results(), after).explain("zh").split("\n") == [
        "year：由 2025 改为 2025、2035", "只在后一次评价的条目 1 条：达标 1",
    ]  # fmt: skip
    changed = compare_results(
        results(), results(audit={"standard": "own", "rules": [rules[0], _rule("two", None, "met")]})
    )
    assert changed.explain("en") == "rule two (two): n/a before, met after"
    assert "judged before only: 1 (met 1)" in compare_results(after, results()).explain("en")


def test_what_one_of_them_lacks_is_a_change() -> None:
    found = compare_results(results(), results(audit=None, plans=[], coverage=[]))
    assert found.verdict["status_after"].tolist() == [None, None]
    assert found.plans.loc["best", "status_after"] is None
    assert len(found.coverage) == 2
