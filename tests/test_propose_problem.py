"""Rules and objectives are plain values that refuse nonsense; a badly put problem says what is wrong with it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

import siting as st
from siting.optimize.presolve import reduce
from siting.propose.model.formulation import build
from siting.propose.problem import Part

PEOPLE = pd.Series({"a": 10, "b": 5, "c": 8, "d": 2}, name="people")


@pytest.fixture
def reach(reach_of: Callable[..., st.Reach]) -> st.Reach:
    return reach_of({"x": "ab", "y": "bc", "z": "c"}, "abcd")


@pytest.mark.parametrize("n", [0, -1, 1.5, float("nan"), float("inf"), None, "3", True])
def test_at_most_wants_a_whole_number_of_sites(n: Any) -> None:
    with pytest.raises(st.errors.ProblemError, match=r"AtMost\(.*whole number of sites, 1 or more"):
        st.AtMost(n)


@pytest.mark.parametrize("n", [1, 3, np.int64(2), 4.0])
def test_at_most_takes_whole_numbers(n: Any) -> None:
    assert st.AtMost(n).n == n


@pytest.mark.parametrize("share", [0, -0.1, 1.0001, 101, float("nan"), float("inf"), None, "0.9", True])
def test_cover_wants_a_share(share: Any) -> None:
    with pytest.raises(st.errors.ProblemError, match="above 0 and at most 1"):
        st.Cover(share)


@pytest.mark.parametrize(("percent", "share"), [(90, "0.9"), (58.5, "0.585"), (100, "1")])
def test_cover_in_percent_is_told_the_share(percent: float, share: str) -> None:
    with pytest.raises(st.errors.ProblemError, match=f"{percent} % is {share} or "):
        st.Cover(percent)


def test_shares_by_year_are_read_as_cover_is() -> None:
    with pytest.raises(st.errors.ProblemError, match=r"Phases: cover is 70; give a share .*: 70 % is 0.7 or"):
        st.Phases([2025, 2030], at_most=2, cover=[70, None])
    assert st.Phases([2025, 2030], at_most=2, cover=["70 %", None]).cover == (0.7, None)  # type: ignore[list-item]
    assert st.Cover("70 %").share == 0.7  # type: ignore[arg-type]


def test_cover_by_is_a_series() -> None:
    with pytest.raises(st.errors.ProblemError, match="by is 'district'; give a Series"):
        st.Cover(0.9, by="district")  # type: ignore[arg-type]


@pytest.mark.parametrize("rule", [st.Existing, st.Required, st.Forbidden])
def test_ids_are_a_list(rule: Any) -> None:
    with pytest.raises(st.errors.ProblemError, match=rf'{rule.__name__}\("xy"\): give a list of ids'):
        rule("xy")
    with pytest.raises(st.errors.ProblemError, match="give a list of ids"):
        rule(5)
    assert rule(pd.Index(["x", "y"])).ids == rule(i for i in "xy").ids == ("x", "y")


def test_rules_are_frozen_and_say_what_they_are() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        st.AtMost(3).n = 4  # type: ignore[misc]
    by = pd.Series({"a": 1}, name="district")
    said = [str(r) for r in (st.AtMost(3), st.Cover(0.9), st.Cover(0.5, by=by), st.Existing(["x"]), st.MaxCoverage())]
    assert said == ["AtMost(3)", "Cover(0.9)", "Cover(0.5, by=district)", "Existing(1 sites)", "MaxCoverage()"]
    assert st.Required(["x"]) == st.Required(["x"]) != st.Forbidden(["x"])


WEST, EAST = (pd.Series(zone, index=["x", "y"], name="zone") for zone in ([1, 2], [2, 1]))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (st.AtMost(1, by=WEST), st.AtMost(1, by=EAST)),
        (st.AtMost(1, by=WEST), st.AtMost(1, by=WEST.rename("town"))),
        (st.AtMost(1, by=WEST), st.AtMost(1)),
        (st.Cover(0.5, by=WEST), st.Cover(0.5, by=EAST)),
        (st.Budget(5, cost=WEST), st.Budget(5, cost=EAST)),
        (st.Budget(5, cost={"old": WEST}), st.Budget(5, cost={"old": EAST})),
        (st.Budget(5, cost={"old": WEST}), st.Budget(5, cost=WEST)),
        (st.Capacity(WEST), st.Capacity(EAST)),
        (st.Supply(WEST, by=WEST), st.Supply(EAST, by=WEST)),
        (st.OnePer(WEST), st.OnePer(WEST, among=[1, 2, 3])),
        (st.Spacing([("x", "y")]), st.Spacing([("x", "z")])),
        (st.Forbidden(["x"]), st.Forbidden(["y"])),
        (st.MaxCoverage(weights={"old": 2.0}), st.MaxCoverage(weights={"old": 3.0})),
        (st.MinCost(WEST), st.MinCost(EAST)),
    ],
)
def test_rules_are_known_by_what_they_hold(one: Any, other: Any) -> None:
    assert one != other
    assert len({one, other, dataclasses.replace(one) if not isinstance(one, st.Forbidden) else one}) == 2
    part, again = (Part(rule, (1,)) for rule in (one, other))
    assert part != again
    assert part == Part(one, (1,)) != Part(one, (2,)) != Part(one)


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ([st.Existing(["x", "q"])], 'Existing: no such destinations: "q"'),
        ([st.Required(["q", 1])], 'Required: no such destinations: "q", "1"'),
        ([st.Forbidden(["q"])], 'Forbidden: no such destinations: "q"'),
        ([st.Required(["x", "y"]), st.Forbidden(["y"])], 'Required and Forbidden name the same sites: "y"'),
        ([st.Existing(["x"]), st.Forbidden(["x"])], 'Existing and Forbidden name the same sites: "x"'),
        ([st.Existing(["x"]), st.Forbidden(["y", "z"])], "no candidate: every destination is Existing or Forbidden"),
        ([st.AtMost(4)], r"AtMost\(4\): there are only 3 candidates"),
        ([st.AtMost(3), st.Existing(["x"])], r"AtMost\(3\): there are only 2 candidates"),
        ([st.AtMost(1), st.Required(["x", "y"])], r"AtMost\(1\) contradicts Required: it names 2 sites"),
        ([st.Cover(0.5, by=pd.Series({"a": 1, "b": 1, "c": 2}, name="g"))], 'no single group for origins "d"'),
        (
            [st.Cover(0.5, by=pd.Series([1, 1, 2, 2, 3], index=list("abcda"), name="g"))],
            'no single group for origins "a"',
        ),
        (["AtMost(3)"], r"no rule that solve knows: .AtMost\(3\).*choose from"),
        ([st.MinSites()], "no rule that solve knows"),
    ],
)
def test_a_badly_put_problem_says_why(reach: st.Reach, rules: list[Any], message: str) -> None:
    """Row 27: too many sites, none, or none to choose from."""
    limit = [] if any(isinstance(rule, st.AtMost) for rule in rules) else [st.AtMost(1)]
    with pytest.raises(st.errors.ProblemError, match=message):
        st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=[*limit, *rules])


def test_of_two_limits_the_lower_holds(reach: st.Reach) -> None:
    plan = st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=[st.AtMost(3), st.AtMost(1)])
    assert plan.sites == ("x",)


def test_a_required_site_that_is_open_already_is_kept_not_opened(reach: st.Reach) -> None:
    plan = st.solve(
        st.MaxCoverage(), reach, demand=PEOPLE, rules=[st.AtMost(1), st.Existing(["x"]), st.Required(["x"])]
    )
    assert plan.sites == ("y",)
    assert plan.covered == 23


@pytest.mark.parametrize(
    ("demand", "message"),
    [
        (PEOPLE.drop("b"), 'demand has no row for 1 origins: "b"'),
        (PEOPLE.where(PEOPLE != 5), 'negative or not a number in 1 rows: "b"'),
        (PEOPLE - 6, 'negative or not a number in 2 rows: "b", "d"'),
        (PEOPLE.replace(8, np.inf), 'negative or not a number in 1 rows: "c"'),
        (PEOPLE * 0, "demand is 0 everywhere"),
        (PEOPLE.astype(object).replace(8, "many"), 'not a number in 1 rows: "c"'),
        (pd.DataFrame({"p": PEOPLE, "q": PEOPLE}), "demand has 2 columns; choose one"),
    ],
)
def test_demand_is_one_weight_for_each_origin(reach: st.Reach, demand: Any, message: str) -> None:
    with pytest.raises(st.errors.ProblemError, match=message):
        st.solve(st.MaxCoverage(), reach, demand=demand, rules=[st.AtMost(1)])


def test_demand_may_be_a_frame_of_one_column_in_any_order_with_further_rows(reach: st.Reach) -> None:
    frame = pd.concat([PEOPLE, pd.Series({"q": 99})]).iloc[::-1].to_frame("people")
    plan = st.solve(st.MaxCoverage(), reach, demand=frame, rules=[st.AtMost(1)])
    assert (plan.sites, plan.covered, plan.total) == (("x",), 15, 25)


def test_a_reach_of_the_nearest_only_is_refused(
    town_network: st.Network, layer: Callable[..., gpd.GeoDataFrame]
) -> None:
    homes = layer({"a": (0, 0), "b": (500, 500)}, population=[1, 1])
    nearest = st.travel(town_network, homes, layer({"x": (0, 100), "y": (0, 200)}), nearest=1)
    with pytest.raises(st.errors.ProblemError, match="all pairs within a limit"):
        st.solve(st.MaxCoverage(), nearest, demand=homes["population"], rules=[st.AtMost(1)])


def test_objectives_need_their_rule(reach: st.Reach) -> None:
    with pytest.raises(st.errors.ProblemError, match=r"MaxCoverage without AtMost\(n\)"):
        st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=[st.Cover(0.5)])
    with pytest.raises(st.errors.ProblemError, match=r"MinSites without Cover\(share\)"):
        st.solve(st.MinSites(), reach, demand=PEOPLE, rules=[st.AtMost(1)])
    with pytest.raises(st.errors.ProblemError, match="no objective that solve knows"):
        st.solve(st.MinSites, reach, demand=PEOPLE, rules=[st.Cover(0.5)])  # type: ignore[arg-type]
    with pytest.raises(st.errors.ProblemError, match="give a list of rules"):
        st.solve(st.MinSites(), reach, demand=PEOPLE, rules=st.Cover(0.5))  # type: ignore[arg-type]


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), "5"])
def test_a_time_limit_is_above_0(reach: st.Reach, seconds: Any) -> None:
    with pytest.raises(st.errors.ProblemError, match=r"time_limit is .*; give seconds above 0"):
        st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=[st.AtMost(1)], time_limit=seconds)
    with pytest.raises(st.errors.ProblemError, match=r"time_limit is .*; give seconds above 0"):
        st.frontier(reach, demand=PEOPLE, time_limit=seconds)


def test_a_share_of_whole_people_is_rounded_up(reach_of: Callable[..., st.Reach]) -> None:
    ones = reach_of({f"s{k}": [f"o{k}"] for k in range(37)}, [f"o{k}" for k in range(37)])
    plan = st.solve(st.MinSites(), ones, demand=pd.Series(1, index=ones.origins), rules=[st.Cover(0.9)])
    assert plan.objective == 34  # 33.3 of 37


def test_a_share_that_meets_a_whole_number_is_not_rounded_past_it(reach_of: Callable[..., st.Reach]) -> None:
    reach = reach_of({"x": "a", "y": "b"}, "ab")
    # 0.55 * 100,000,000 is 55000000.00000001 in binary; 55 million people are 55 %.
    people = pd.Series({"a": 55_000_000, "b": 45_000_000})
    plan = st.solve(st.MinSites(), reach, demand=people, rules=[st.Cover(0.55)])
    assert plan.sites == ("x",)


def test_reduction_merges_equal_demands_and_drops_what_is_settled(reach_of: Callable[..., st.Reach]) -> None:
    reach = reach_of({"old": "a", "x": "abcde", "y": "cd", "no": "f"}, "abcdefg")
    people = pd.Series({"a": 1, "b": 2, "c": 4, "d": 8, "e": 0, "f": 16, "g": 32})
    rules = [st.Existing(["old"]), st.Forbidden(["no"]), st.AtMost(1)]
    small = reduce(build(st.MaxCoverage(), reach, people, rules).model).model
    # a is covered, e weighs nothing, f and g are out of reach, c and d are one demand of 12; y is no better than x
    assert sorted(np.maximum.reduceat(small.benefit.data, small.benefit.indptr[:-1])) in ([2, 12], [14])
    assert small.constant == 1
    by = pd.Series({"a": 1, "b": 1, "c": 1, "d": 2, "e": 2, "f": 2, "g": 2}, name="g")
    apart = reduce(build(st.MaxCoverage(), reach, people, [*rules, st.Cover(0.1, by=by)]).model).model
    assert apart.benefit.data.sum() >= 14  # c and d count for different groups
    assert len(apart.wanted) <= 2
