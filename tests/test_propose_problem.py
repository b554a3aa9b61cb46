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
from siting.optimize.covering.presolve import reduce
from siting.propose.model.formulation import build
from siting.propose.problem import Part

PEOPLE = pd.Series({"a": 10, "b": 5, "c": 8, "d": 2}, name="people")


@pytest.fixture
def reach(reach_of: Callable[..., st.Reach]) -> st.Reach:
    return reach_of({"x": "ab", "y": "bc", "z": "c"}, "abcd")


@pytest.mark.parametrize("n", [0, -1, 1.5, float("nan"), float("inf"), None, "3", True])
def test_at_most_wants_a_whole_number_of_sites(n: Any) -> None:
    with pytest.raises(st.errors.ProblemError, match=r"AtMost: n is .*whole number, 1 or more"):
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
    with pytest.raises(
        st.errors.ProblemError, match='Cover: by is "district"; give a Series with a group for each of the communities'
    ):
        st.Cover(0.9, by="district")  # type: ignore[arg-type]


@pytest.mark.parametrize("rule", [st.Existing, st.Required, st.Forbidden])
def test_ids_are_a_list(rule: Any) -> None:
    with pytest.raises(st.errors.ProblemError, match=f'{rule.__name__} is "xy"; give a list of ids'):
        rule("xy")
    with pytest.raises(st.errors.ProblemError, match="give a list of ids"):
        rule(5)
    assert rule(pd.Index(["x", "y"])).ids == rule(i for i in "xy").ids == ("x", "y")


def test_rules_are_frozen_and_say_what_they_are() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        st.AtMost(3).n = 4  # type: ignore[misc]
    by = pd.Series({"a": 1}, name="district")
    said = [str(r) for r in (st.AtMost(3), st.Cover(0.9), st.Cover(0.5, by=by), st.Existing(["x"]), st.MaxCoverage())]
    assert said == ["AtMost(3)", "Cover(0.9)", "Cover(0.5, by=district)", "Existing(1 site)", "MaxCoverage()"]
    assert st.Required(["x"]) == st.Required(["x"]) != st.Forbidden(["x"])


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (st.MaxCoverage(decay=len, weights={"old": 2.0}), "MaxCoverage(decay=function, weights={'old': 2.0})"),
        (st.MinSites(), "MinSites()"),
        (st.MinCost(), "MinCost()"),
        (st.MinCost(travel=0.5), "MinCost(travel=0.5)"),
        (st.MinTravel(), "MinTravel()"),
        (st.MinTravel(beyond=900), "MinTravel(beyond=900)"),
        (st.AtLeast(2, service="old"), "AtLeast(2, service=old)"),
        (st.Budget(1e6), "Budget(1e+06)"),
        (st.Cover(0.5, limit=200.0, service="old", year=2030), "Cover(0.5, limit=200, service=old, year=2030)"),
        (st.NobodyBeyond(500, service="old"), "NobodyBeyond(500, service=old)"),
        (st.Backup(3), "Backup(3)"),
        (st.Capacity(), "Capacity()"),
        (st.Capacity(least=4), "Capacity(least=4)"),
        (st.Capacity(least=pd.Series({"x": 4})), "Capacity(least=by site)"),
        (st.Supply(40), "Supply(40)"),
        (
            st.Supply(per_1000=3.5, people=900, by=pd.Series({"x": 1}, name="town"), service="old"),
            "Supply(per_1000=3.5, by=town, service=old)",
        ),
        (st.OnePer(pd.Series({"x": 1}), service="old"), "OnePer(group, service=old)"),
        (st.Required(["x", "y"], service="old"), "Required(2 sites, service=old)"),
        (st.MayClose(), "MayClose()"),
        (st.MayClose(["x"], at_most=1, service="old"), "MayClose(1 site, at_most=1, service=old)"),
        (st.Spacing([("x", "y"), ("y", "x"), ("x", "x"), ("y", "z")]), "Spacing(2 pairs)"),
        (st.Together(saving=2.5, bonus=3.0), "Together(saving=2.5, bonus=3)"),
        (st.Together(saving=pd.Series({"x": 1}), must=True), "Together(saving=by site, must=True)"),
        (st.Phases([2025], at_most=2), "Phases(2025, at_most=(2,))"),
        (
            st.Phases([2025, 2030, 2035], budget=9.0, cover=[None, 0.5, 1.0]),
            "Phases(2025–2035, budget=(9.0, 9.0, 9.0), cover=(None, 0.5, 1.0))",
        ),
    ],
)
def test_objectives_and_rules_as_text(rule: Any, text: str) -> None:
    assert str(rule) == text


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: st.MaxCoverage(decay=3), "decay is 3; give a function"),
        (lambda: st.MaxCoverage(weights=2), "weights is 2; give a mapping"),
        (lambda: st.MaxCoverage(weights={"old": -1}), 'the weight of "old" is -1'),
        (lambda: st.MinTravel(beyond=0), "beyond is 0; give a number above 0"),
        (lambda: st.MinTravel(beyond=float("inf")), "beyond is inf"),
        (lambda: st.MinCost(travel=-1), "travel is -1"),
        (lambda: st.MaxSpacing(3), "between is 3; give a Reach"),
        (lambda: st.Budget(-1), "total is -1"),
        (lambda: st.Cover(0.5, limit=-1), "limit is -1"),
        (lambda: st.NobodyBeyond("far"), 'limit is "far"'),
        (lambda: st.Backup(1), "Backup: n is 1; ask for a whole number, 2 or more"),
        (lambda: st.Capacity(5), "places is 5; give a Series"),
        (lambda: st.Capacity(least=-1), "least is -1"),
        (lambda: st.Supply(), "Supply: give total or per_1000, one of the two"),
        (lambda: st.Supply(5, per_1000=3, people=100), "Supply: give total or per_1000, one of the two"),
        (lambda: st.Supply(per_1000=3), "per_1000 needs people"),
        (lambda: st.Supply(per_1000=-3, people=100), "per_1000 is -3"),
        (lambda: st.Supply(per_1000=3, people=-100), "people is -100"),
        (lambda: st.Supply(PEOPLE), "total is a Series; give by"),
        (lambda: st.Supply(-5), "total is -5"),
        (lambda: st.OnePer(PEOPLE, among="ab"), 'among is "ab"; give a list'),
        (lambda: st.MayClose("xy"), 'MayClose is "xy"; give a list of ids'),
        (lambda: st.MayClose(at_most=-1), "at_most is -1; ask for a whole number, 0 or more"),
        (lambda: st.MayClose(at_most=1.5), "at_most is 1.5"),
        (lambda: st.MayClose(saving=-1), "saving is -1"),
        (lambda: st.Spacing(3), "Spacing: pairs is 3; give those that are too near"),
        (lambda: st.Spacing(pd.DataFrame({"origin": ["x"]})), 'no column "destination"'),
        (lambda: st.Spacing([("x", "y", "z")]), "a list of .id, id."),
        (lambda: st.Spacing(["xy"]), "a list of .id, id."),
        (lambda: st.Together(), "Together has no effect"),
        (lambda: st.Together(("old",), must=True), "name two services"),
        (lambda: st.Together(("old", "old"), must=True), "name two services"),
        (lambda: st.Together(saving=-1), "saving is -1"),
        (lambda: st.Together(bonus=-1), "bonus is -1"),
        (lambda: st.Phases([2030, 2025]), "give whole years in order"),
        (lambda: st.Phases([2025.5]), "give whole years in order"),
        (lambda: st.Phases([]), "give whole years in order"),
        (lambda: st.Phases([2025, 2030], at_most=[1]), "give one for each of the 2 years"),
        (lambda: st.Phases([2025, 2030], at_most=[1, 1.5]), "at_most is 1.5; ask for a whole number, 0 or more"),
        (lambda: st.Phases([2025, 2030], weights=2), "weights is 2; give one for each"),
        (lambda: st.Phases([2025, 2030], weights=[1, None]), "weights has no number for a year"),
        (lambda: st.Phases([2025, 2030], budget=[1, -1]), "budget is -1"),
    ],
)
def test_values_that_make_no_sense_are_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(st.errors.ProblemError, match=message):
        make()


def test_what_is_at_the_edge_is_taken() -> None:
    assert st.MayClose(at_most=0, saving=0).at_most == 0
    assert st.Backup(2).n == 2
    assert (st.Budget(0).total, st.NobodyBeyond(0).limit, st.Together(bonus=0).bonus) == (0, 0, 0)
    phases = st.Phases([2025.0, 2030], at_most=[None, 0], budget=3)
    assert (phases.years, [phases.at_most_in(t) for t in (0, 1)], phases.budget_in(1)) == ((2025, 2030), [None, 0], 3)
    assert st.Phases([2025]).at_most_in(0) is None
    assert isinstance(st.Budget(5).total, float)
    assert st.Together(["old", "kids"], must=True).services == ("old", "kids")  # type: ignore[arg-type]
    assert st.Spacing(pd.DataFrame({"destinations": "y", "origin": ["x"], "destination": ["y"]})).count == 1


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
        ([st.Existing(["x", "q"])], 'Existing: not among the sites: "q"'),
        ([st.Required(["q", 1])], 'Required: not among the sites: "q", "1"'),
        ([st.Forbidden(["q"])], 'Forbidden: not among the sites: "q"'),
        ([st.Required(["x", "y"]), st.Forbidden(["y"])], 'Required and Forbidden name the same sites: "y"'),
        ([st.Existing(["x"]), st.Forbidden(["x"])], 'Existing and Forbidden name the same sites: "x"'),
        ([st.Existing(["x"]), st.Forbidden(["y", "z"])], "no candidate: every destination is Existing or Forbidden"),
        ([st.AtMost(4)], r"AtMost\(4\): the problem has only 3 candidates"),
        ([st.AtMost(3), st.Existing(["x"])], r"AtMost\(3\): the problem has only 2 candidates"),
        ([st.AtMost(1), st.Required(["x", "y"])], r"AtMost\(1\) contradicts Required: it names 2 sites"),
        ([st.Cover(0.5, by=pd.Series({"a": 1, "b": 1, "c": 2}, name="g"))], 'Cover: by: no group for 1 community: "d"'),
        (
            [st.Cover(0.5, by=pd.Series([1, 1, 2, 2, 3], index=list("abcda"), name="g"))],
            'Cover: by: ids occur twice: "a"',
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
        (PEOPLE.drop("b"), 'demand has no row for 1 origin: "b"'),
        (PEOPLE.where(PEOPLE != 5), 'negative or not a number in 1 row: "b"'),
        (PEOPLE - 6, 'negative or not a number in 2 rows: "b", "d"'),
        (PEOPLE.replace(8, np.inf), 'negative or not a number in 1 row: "c"'),
        (PEOPLE * 0, "demand is 0 everywhere"),
        (PEOPLE.astype(object).replace(8, "many"), 'not a number in 1 row: "c"'),
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
