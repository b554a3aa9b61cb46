"""Plans under other scenarios, and the plan that is best over them, against enumeration."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

import siting as st
from siting.errors import ProblemError
from siting.propose.model.scenarios import Scenario
from siting.propose.plan.compare import compare
from siting.propose.questions.robust_plan import solve_robust
from siting.propose.questions.robustness import robustness

NOW = pd.Series({"a": 10, "b": 5, "c": 8, "d": 2})
LATER = pd.Series({"a": 4, "b": 5, "c": 12, "d": 2})


@pytest.fixture
def reach(reach_of: Callable[..., st.Reach]) -> st.Reach:
    return reach_of({"x": "ab", "y": "bc", "z": "c", "w": "d"}, "abcd")


def reach_from(cover: np.ndarray) -> st.Reach:
    i, j = np.nonzero(cover)
    table = pd.DataFrame({"origin": i, "destination": j, "cost": 1.0})
    return st.Reach.from_pairs(table, origins=range(len(cover)), destinations=range(cover.shape[1]), limit=300)


@some.composite
def towns(draw: Any) -> tuple[list[np.ndarray], list[np.ndarray], int, list[int]]:
    """Covers and demands of two or three scenarios, how many sites open, and which exist."""
    n, m, k = draw(some.integers(2, 8)), draw(some.integers(2, 6)), draw(some.integers(2, 3))
    unit = draw(some.sampled_from([1.0, 0.1, 1000.0, math.pi]))
    rows = some.lists(some.integers(0, 2**m - 1), min_size=n, max_size=n)
    masks = [draw(rows)] * k if draw(some.booleans()) else [draw(rows) for _ in range(k)]
    covers = [np.array([[bool(mask >> j & 1) for j in range(m)] for mask in each]) for each in masks]
    people = some.lists(some.integers(0, 9), min_size=n, max_size=n).filter(any)
    existing = [0] if draw(some.booleans()) else []
    return covers, [unit * np.array(draw(people), float) for _ in range(k)], draw(some.integers(1, m - 1)), existing


@pytest.mark.slow
@given(towns(), some.sampled_from(["regret", "worst"]))
@settings(max_examples=12, deadline=None, derandomize=True)
def test_best_over_the_scenarios_against_enumeration(town: Any, measure: Any) -> None:
    covers, demands, p, existing = town
    m = covers[0].shape[1]
    scenarios = {f"s{k}": (reach_from(c), pd.Series(d)) for k, (c, d) in enumerate(zip(covers, demands, strict=True))}
    rules = [st.AtMost(min(p, m - len(existing))), st.Existing(existing)]
    plan = solve_robust(
        st.MaxCoverage(), reach_from(covers[0]), demand=pd.Series(demands[0]), scenarios=scenarios, rules=rules,
        measure=measure,
    )  # fmt: skip

    def values(sites: tuple[int, ...]) -> list[float]:
        return [float(d[c[:, list(sites)].any(axis=1)].sum()) for c, d in zip(covers, demands, strict=True)]

    free = [j for j in range(m) if j not in existing]
    sets = [(*existing, *s) for n in range(rules[0].n + 1) for s in itertools.combinations(free, n)]
    best = np.max([values(s) for s in sets], axis=0)
    total = np.array([d.sum() for d in demands])
    regrets = [max(best - values(s)) for s in sets]
    worst = [min(values(s) / total) for s in sets]
    assert plan.status == "optimal"
    assert plan.table["best"].tolist() == pytest.approx(best.tolist())
    assert plan.value == pytest.approx(min(regrets) if measure == "regret" else max(worst), abs=2e-6 * max(total))
    assert plan.bound == pytest.approx(plan.value, abs=1e-6 * max(total))
    mine = values((*existing, *plan.sites))
    assert plan.table["covered"].tolist() == pytest.approx(mine)
    reached = max(best - mine) if measure == "regret" else min(mine / total)
    assert plan.value == pytest.approx(reached, abs=1e-9)


def test_the_worst_case_decides_and_the_rest_breaks_ties(reach_of: Callable[..., st.Reach]) -> None:
    # x covers all of one future, y of the other, v half of both and w half of both and a third place.
    reach = reach_of({"x": "a", "y": "b", "v": "cd", "w": "cde"}, "abcde")
    one = pd.Series({"a": 10, "b": 0, "c": 6, "d": 0, "e": 0})
    two = pd.Series({"a": 0, "b": 10, "c": 0, "d": 6, "e": 3})
    futures = {"one": one, "two": two}
    plan = solve_robust(st.MaxCoverage(), reach, demand=one, scenarios=futures, rules=[st.AtMost(1)])
    assert plan.sites == ("w",)
    assert (plan.value, plan.bound, plan.gap, plan.status) == (4, 4, 0, "optimal")
    assert plan.table["covered"].tolist() == [6, 9]
    assert plan.table["regret"].tolist() == [4, 1]
    assert plan.table["relative_regret"].tolist() == pytest.approx([0.4, 0.1])
    assert plan.plan("two").covered == 9
    assert plan.plan("two").bound == 10
    assert "4" in plan.explain("en")
    assert "w" in plan.explain("zh")
    assert repr(plan) == "<RobustPlan: optimal, 1 site, 2 scenarios, regret 4, bound 4>"
    worst = solve_robust(st.MaxCoverage(), reach, demand=one, scenarios=futures, rules=[st.AtMost(1)], measure="worst")
    assert worst.value == pytest.approx(6 / 16)
    again = solve_robust(st.MaxCoverage(), reach, demand=one, scenarios=futures, rules=[st.AtMost(1)])
    assert again.sites == plan.sites
    assert again.table.equals(plan.table)


def test_rules_on_shares_hold_in_every_scenario(reach: st.Reach) -> None:
    # Alone x is best now; that d is covered later asks for w.
    later = pd.Series({"a": 0, "b": 0, "c": 0, "d": 2})
    rules = [st.AtMost(1), st.Cover(0.05)]
    plan = solve_robust(st.MaxCoverage(), reach, demand=NOW, scenarios={"now": NOW, "later": later}, rules=rules)
    assert plan.sites == ("w",)
    none = solve_robust(
        st.MaxCoverage(), reach, demand=NOW, scenarios={"now": NOW, "later": later}, rules=[st.AtMost(1), st.Cover(0.5)]
    )
    assert none.status == "infeasible"
    assert none.sites == ()
    assert "sites" in repr(none)
    assert none.explain("en") == "No plan keeps all the rules."


def test_backup_and_phases_go_with_scenarios(reach_of: Callable[..., st.Reach]) -> None:
    reach = reach_of({"x": "ab", "y": "ab", "z": "c", "w": "c"}, "abc")
    now, later = pd.Series({"a": 5, "b": 0, "c": 4}), pd.Series({"a": 3, "b": 0, "c": 9})
    futures = {"now": now, "later": later}
    twice = solve_robust(
        st.MaxCoverage(), reach, demand=now, scenarios=futures, rules=[st.AtMost(2), st.Backup(2)], measure="regret"
    )
    assert set(twice.sites) == {"z", "w"}  # regrets 1 and 0, against 0 and 6
    assert twice.value == 1
    steps = [st.Phases([2025, 2030], at_most=1)]
    phased = solve_robust(st.MaxCoverage(), reach, demand=now, scenarios=futures, rules=steps)
    first = phased.plan("now").table["year"].idxmin()
    assert first in {"z", "w"}  # c first: now 4 + 9 of 14, later 9 + 12 of 21; a first loses 6 later
    assert phased.value == 1


def test_how_a_plan_fares(reach: st.Reach) -> None:
    plan = st.solve(st.MaxCoverage(), reach, demand=NOW, rules=[st.AtMost(1)])
    assert plan.sites == ("x",)
    near = reach.within(50)
    far = st.Reach.from_pairs(
        pd.DataFrame({"origin": list("ac"), "destination": list("xz"), "cost": [1.0, 1.0]}),
        origins=list("dcba"), destinations=list("wxyz"), limit=300,
    )  # fmt: skip
    told = robustness(plan, {"later": LATER, "slow": far, "both": (far, LATER), "lost": ["x"], "as is": Scenario()})
    assert told["covered"].tolist() == [9, 10, 4, 0, 15]
    assert told["best"].tolist() == [17, 10, 12, 13, 15]
    assert told["regret"].tolist() == [8, 0, 8, 13, 0]
    assert told["relative_regret"].tolist() == pytest.approx([8 / 17, 0, 8 / 12, 1, 0])
    assert told["keeps"].all()
    assert (told["status"] == "optimal").all()
    assert robustness(plan).index.tolist() == ["x"]
    assert len(near.pairs()) == 0


def test_the_take_up_of_a_plan_counts_in_every_scenario(reach: st.Reach) -> None:
    plan = st.solve(st.MaxCoverage(), reach, demand=NOW, take_up=0.5, rules=[st.AtMost(1)])
    told = robustness(plan, {"later": LATER, "all look": Scenario(take_up=1.0)})
    assert told["demand"].tolist() == [11.5, 25]
    assert told["covered"].tolist() == [4.5, 15]
    assert told["best"].tolist() == [8.5, 15]
    assert told["regret"].tolist() == [4, 0]


def test_the_take_up_of_robust_plans(reach: st.Reach) -> None:
    futures: dict[str, Any] = {"now": NOW, "later": LATER}
    given: dict[str, Any] = {"demand": NOW, "rules": [st.AtMost(1)]}
    half = solve_robust(st.MaxCoverage(), reach, scenarios=futures, take_up=0.5, **given)
    assert (half.sites, half.value, half.status) == (("y",), 1, "optimal")  # of people 2
    assert half.table["total"].tolist() == [12.5, 11.5]
    assert half.explain("en").count("a take-up of 50 %") == 1
    rates = pd.Series({"a": 1.0, "b": 0.2, "c": 0.1, "d": 1.0})
    few = solve_robust(st.MaxCoverage(), reach, scenarios=futures, take_up=rates, **given)
    assert (few.sites, few.value) == (("x",), 0)  # x serves 11 and 5, y 1.8 and 2.2
    more = futures | {"later": Scenario(demand=LATER, take_up=1.0)}
    mixed = solve_robust(st.MaxCoverage(), reach, scenarios=more, take_up=0.5, **given)
    assert mixed.table["total"].tolist() == [12.5, 23]
    lines = mixed.explain("zh").splitlines()
    assert [("50 %" in line, "100 %" in line) for line in lines if "使用率" in line] == [(True, False), (False, True)]


def test_a_plan_between_points_has_no_ways_for_a_scenario() -> None:
    line = pd.DataFrame({"x": [0.0, 100.0, 900.0], "y": 0.0}, index=list("abc"))
    points = st.PointReach.from_points(line, line)
    plan = st.solve(st.MinTravel(), points, demand=pd.Series(1, line.index), rules=[st.AtMost(1)])
    with pytest.raises(ProblemError, match="robustness: the plan is of a PointReach"):
        robustness(plan, {"c alone": pd.Series({"a": 0, "b": 0, "c": 1})})


def test_a_plan_that_breaks_a_rule_in_a_scenario(reach: st.Reach) -> None:
    plan = st.solve(st.MinSites(), reach, demand=NOW, rules=[st.Cover(0.5)])
    assert plan.sites == ("x",)
    told = robustness(plan, {"later": LATER, "as is": {"": NOW} and NOW})
    assert told["keeps"].tolist() == [False, True]
    assert told["covered"].tolist() == [9, 15]  # 9 of 23 is not a half
    assert told["best"].tolist() == [1, 1]
    assert math.isnan(told["regret"].iloc[0])
    assert told["regret"].iloc[1] == 0
    way = st.solve(st.MinTravel(beyond=400), reach, demand=NOW, rules=[st.AtMost(1)])
    lost = robustness(way, {"lost": list(way.sites)})
    assert lost["objective"].iloc[0] == 400 * 25
    assert lost["regret"].iloc[0] == 300 * 13


def test_capacities_in_a_scenario(reach: st.Reach) -> None:
    places = pd.Series({"x": 12, "y": 12, "z": 12, "w": 12})
    plan = st.solve(st.MaxCoverage(), reach, demand=NOW, rules=[st.AtMost(1), st.Capacity(places)])
    told = robustness(plan, {"later": LATER})
    assert told["covered"].iloc[0] == (9 if plan.sites == ("x",) else 12)
    assert told["best"].iloc[0] == 12


def test_what_is_no_scenario_and_what_does_not_go(reach: st.Reach, reach_of: Callable[..., st.Reach]) -> None:
    plan = st.solve(st.MaxCoverage(), reach, demand=NOW, rules=[st.AtMost(1)])
    for scenarios, said in [
        ({}, "at least one"),
        ({"s": 3}, 'the scenario "s" is 3'),
        ({"s": ["nowhere"]}, 'not among the sites: "nowhere"'),
        ({"s": reach_of({"x": "ab"}, "abcd")}, "destinations are not those of the problem"),
        ({"s": NOW * 0}, "0 everywhere"),
        ({"s": {"a": NOW}}, "the problem for"),
    ]:
        with pytest.raises(ProblemError, match=said):
            robustness(plan, scenarios)
    with pytest.raises(ProblemError, match="give a list of ids"):
        Scenario(closed="x")
    given: dict[str, Any] = {"demand": NOW, "scenarios": {"now": NOW}, "rules": [st.AtMost(1)]}
    for objective, changed, said in [
        (st.MinSites(), {}, "knows MaxCoverage"),
        (st.MaxCoverage(decay=lambda c: 1 - c / 400), {}, "decay does not go with it; leave it out"),
        (st.MaxCoverage(), {"measure": "best"}, 'measure is "best"; choose one of regret, worst'),
        (st.MaxCoverage(), {"gap": 2}, "gap is 2"),
        (st.MaxCoverage(), {"rules": [st.AtMost(1), st.Capacity(pd.Series(9, index=list("xyzw")))]}, "Capacity"),
    ]:
        with pytest.raises(ProblemError, match=said):
            solve_robust(objective, reach, **(given | changed))


def test_plans_of_two_services_are_compared_by_site_and_service(reach: st.Reach) -> None:
    """Both plans open y, one for care and one for meals."""
    both, people = {"care": reach, "meals": reach}, {"care": NOW, "meals": NOW}
    only = [[st.AtMost(1), st.Required(["y"], service=name)] for name in both]
    one, two = (st.solve(st.MaxCoverage(), both, demand=people, rules=rules) for rules in only)
    table = compare(one=one, two=two)
    assert table["shared"].tolist() == [1, 0]
    assert table.loc["two", ["only", "without"]].tolist() == [(("y", "meals"),), (("y", "care"),)]


def test_plans_side_by_side(reach: st.Reach) -> None:
    one = st.solve(st.MaxCoverage(), reach, demand=NOW, rules=[st.AtMost(1)])
    cost = pd.Series({"x": 3.0, "y": 2.0, "z": 1.0, "w": 1.0})
    two = st.solve(st.MaxCoverage(), reach, demand=NOW, rules=[st.Budget(4.0, cost)])
    table = compare(one=one, two=two)
    assert table.index.tolist() == ["one", "two"]
    assert table["sites"].tolist() == [1, 2]
    assert table["shared"].tolist() == [1, 1]
    assert table["only"].tolist() == [(), ("z",)]
    assert table["without"].tolist() == [(), ()]
    assert table["covered"].tolist() == [15, 23]
    assert table["cost"].tolist()[1] == 4
    assert table["goal"].tolist() == ["MaxCoverage()"] * 2
    assert "cost" not in compare(one=one)
    assert compare(one=one, two=SimpleNamespace(plan=two)).equals(table)  # type: ignore[arg-type]
    with pytest.raises(ProblemError, match="at least one plan"):
        compare()
    with pytest.raises(ProblemError, match="a is 3"):
        compare(a=3)  # type: ignore[arg-type]
