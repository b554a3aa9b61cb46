"""What cannot be meant is refused, and what could be misread is told as it is."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

import siting as st

PEOPLE = pd.Series({"a": 10, "b": 5, "c": 8, "d": 2}, name="people")
COST = pd.Series({"x": 1.0, "y": 9.0, "z": 2.0})
PLACES = pd.Series({"x": 5, "y": 3, "z": 4})


@pytest.fixture
def reach(reach_of: Callable[..., st.Reach]) -> st.Reach:
    covers = {"x": {"a": 100.0, "d": 300.0}, "y": {"a": 200.0, "b": 100.0}, "z": {"c": 100.0, "d": 250.0}}
    return reach_of(covers, "abcd")


@pytest.fixture
def two(reach: st.Reach, reach_of: Callable[..., st.Reach]) -> tuple[dict[str, st.Reach], dict[str, pd.Series]]:
    return {"e": reach, "c": reach_of({"x": "ab", "y": "bc"}, "abcd")}, {"e": PEOPLE, "c": PEOPLE}


def test_rules_may_be_any_collection_but_no_rule(reach: st.Reach) -> None:
    asked = [st.AtMost(1)]
    plans = [
        st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=each) for each in (asked, tuple(asked), iter(asked))
    ]
    assert {plan.sites for plan in plans} == {("y",)}
    for wrong in (None, 5, "AtMost(1)", st.AtMost(1)):
        with pytest.raises(st.errors.ProblemError, match="give a list of rules"):
            st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("objective", "rules", "message"),
    [
        (st.MaxCoverage(), [st.AtMost(3), st.Required(["z"], service="c")], 'no destinations of that service: "z"'),
        (st.MaxCoverage(), [st.AtMost(1, service="e")], "MaxCoverage without AtMost"),
        (st.MaxCoverage(), [st.AtMost(3), st.AtMost(1, service="old")], 'no such services: "old"; there are'),
        (st.MaxCoverage(weights={"eldery": 5}), [st.AtMost(1)], 'no such services: "eldery"'),
        (st.MaxCoverage(), [st.Budget(0, COST), st.Together(saving=50)], "saving is more than both services cost"),
        (st.MaxCoverage(), [st.AtMost(1), st.Spacing([("x", "zz")])], 'Spacing: pairs: not among the sites: "zz"'),
        (st.MaxCoverage(), [st.AtMost(1), st.Cover(0.1, year=2030)], "no phase 2030; there are no Phases"),
    ],
)
def test_what_services_cannot_mean(two: Any, objective: Any, rules: list[Any], message: str) -> None:
    with pytest.raises(st.errors.ProblemError, match=message):
        st.solve(objective, two[0], demand=two[1], rules=rules)


def test_metres_and_minutes_are_not_added(two: Any) -> None:
    minutes = replace(two[0]["c"], unit="min", limit=10.0, cost=two[0]["c"].cost / 80)
    with pytest.raises(st.errors.ProblemError, match="measured in different units"):
        st.solve(st.MinTravel(beyond=400), {**two[0], "c": minutes}, demand=two[1], rules=[st.AtMost(2)])
    assert st.solve(st.MaxCoverage(), {**two[0], "c": minutes}, demand=two[1], rules=[st.AtMost(2)]).status == "optimal"


@pytest.mark.parametrize("least", [{"x": math.nan}, {"x": -1}, {"q": 3}, {"x": "three"}])
def test_the_least_load_is_a_number_of_a_site(reach: st.Reach, least: dict[str, Any]) -> None:
    rules = [st.AtMost(1), st.Capacity(PLACES, least=pd.Series(least))]
    with pytest.raises(st.errors.ProblemError, match="Capacity: least"):
        st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=rules)


def test_weights() -> None:
    with pytest.raises(st.errors.ProblemError, match="give a mapping from services"):
        st.MaxCoverage(weights=2)  # type: ignore[arg-type]


def test_years_of_demand(reach: st.Reach) -> None:
    twice = pd.DataFrame({2025: PEOPLE, "2025": PEOPLE * 2})
    phases = [st.Phases((2025, 2031), at_most=1)]
    with pytest.raises(st.errors.ProblemError, match="columns of one name"):
        st.solve(st.MaxCoverage(), reach, demand=twice, rules=phases)
    with pytest.raises(st.errors.ProblemError, match="has a column for 2030 only"):
        st.solve(st.MaxCoverage(), reach, demand=PEOPLE.to_frame("2030"), rules=phases)
    none_left = pd.DataFrame({2025: PEOPLE, 2031: PEOPLE * 0})
    plan = st.solve(st.MaxCoverage(), reach, demand=none_left, rules=phases)
    assert math.isnan(plan.share)
    assert plan.status == "optimal"
    assert "from — to — (0 of 0)" in plan.explain("en")


def test_a_group_twice_is_told(reach: st.Reach) -> None:
    by = pd.Series([1, 1, 2, 2, math.nan], index=["a", "b", "c", "d", "a"])
    with pytest.raises(st.errors.ProblemError, match='Cover: by: ids occur twice: "a"'):
        st.solve(st.MinSites(), reach, demand=PEOPLE, rules=[st.Cover(0.5, by=by)])


def test_a_group_without_sites_has_no_places(reach: st.Reach) -> None:
    north = pd.Series("n", index=list("xyz"))
    wants = st.Supply(pd.Series({"n": 1, "south": 50}), by=north, places=PLACES)
    plan = st.solve(st.MinSites(), reach, demand=PEOPLE, rules=[wants])
    assert plan.status == "infeasible"
    assert "south" in plan.explain("en")


def test_what_is_added_by_enlarging_only_the_option_can_say(reach: st.Reach) -> None:
    options = pd.DataFrame({"site": ["x", "y"]}, index=["more", "new"])
    rules = [st.Existing(["x"]), st.Supply(10, places=PLACES)]
    with pytest.raises(st.errors.ProblemError, match='no places for the sites "x"'):
        st.solve(st.MinSites(), reach, demand=PEOPLE, rules=rules, options=options)


def test_sites_that_were_not_measured_are_not_far_from_all(reach: st.Reach) -> None:
    pairs = pd.DataFrame({"origin": ["x", "y"], "destination": ["y", "x"], "cost": [50.0, 50.0]})
    between = st.Reach.from_pairs(pairs, origins=list("xy"), destinations=list("xy"), limit=300)
    with pytest.raises(st.errors.ProblemError, match='no distances to the sites "z"'):
        st.solve(st.MaxSpacing(between), reach, demand=PEOPLE, rules=[st.AtLeast(2)])
    with pytest.raises(st.errors.ProblemError, match='no distances to the sites "z"'):
        st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=[st.AtMost(2), st.Spacing(between)])


def test_the_frontier_is_of_coverage(reach: st.Reach, two: Any) -> None:
    with pytest.raises(st.errors.ProblemError, match="its objective is a MaxCoverage"):
        st.frontier(reach, demand=PEOPLE, objective=st.MinTravel(beyond=400))  # type: ignore[arg-type]
    with pytest.raises(st.errors.ProblemError, match="frontier: a bonus of Together does not go with it; leave it out"):
        st.frontier(two[0], demand=two[1], rules=[st.Together(bonus=20)])
    with pytest.raises(st.errors.ProblemError, match="cost without budgets"):
        st.frontier(reach, demand=PEOPLE, cost=COST)
    with pytest.raises(st.errors.ProblemError, match="give amounts of 0 or more"):
        st.frontier(reach, demand=PEOPLE, budgets=5, cost=COST)  # type: ignore[arg-type]


def test_the_frontier_of_budgets_by_hand(reach: st.Reach) -> None:
    curve = st.frontier(reach, demand=PEOPLE, budgets=[0, 3, 12], cost=COST)
    assert curve[["budget", "sites", "covered"]].to_numpy().tolist() == [[0, 0, 0], [3, 2, 20], [12, 2, 25]]


@pytest.mark.parametrize("unit", [1e-9, 1e-3, 1.0])
def test_capacity_in_small_units(reach: st.Reach, unit: float) -> None:
    plan = st.solve(st.MaxCoverage(), reach, demand=PEOPLE * unit, rules=[st.AtMost(3), st.Capacity(PLACES * unit)])
    assert plan.status == "optimal"
    assert plan.covered == pytest.approx(12 * unit)


def test_people_may_be_split_over_fractions_of_places(reach_of: Callable[..., st.Reach]) -> None:
    reach = reach_of({"x": "a", "y": "a"}, "a")
    places = pd.Series({"x": 4.25, "y": 4.25})
    plan = st.solve(st.MinSites(), reach, demand=pd.Series({"a": 10}), rules=[st.Cover(0.85), st.Capacity(places)])
    assert (plan.status, plan.covered) == ("optimal", pytest.approx(8.5))


def test_capacity_is_counted_in_all_that_is_told(reach: st.Reach) -> None:
    """Of 10 + 5 + 8 + 2 people: x has 5 places, y 3, z 4; y exists."""
    plan = st.solve(
        st.MaxCoverage(), reach, demand=PEOPLE, rules=[st.AtMost(2), st.Existing(["y"]), st.Capacity(PLACES)]
    )
    assert (plan.before, plan.covered) == (3, 12)
    assert plan.table["adds"].tolist() == [5, 4]
    assert plan.table["lost_without"].tolist() == [5, 4]
    assert plan.table["share_after"].tolist() == [8 / 25, 12 / 25]
    assert plan.verify().ok
    assert set(plan.communities["reason"]) <= {"", "full"}


def test_what_closes_or_grows_is_told(reach: st.Reach) -> None:
    options = pd.DataFrame({"site": ["y", "x"], "places": [6, 5], "cost": [2.0, 3.0]}, index=["wing", "house"])
    rules = [st.Existing(["y", "z"]), st.Capacity(PLACES), st.Budget(2)]
    plan = st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=rules, options=options)
    assert plan.sites == ()
    assert plan.changes.to_dict("index") == {"y": {"change": "grows", "option": "wing", "cost": 2.0, "places": 6.0}}
    assert (plan.covered, plan.cost) == (13, 2)
    assert "Existing sites that grow: 1: y (wing)" in plan.explain("en")
    moved = st.solve(
        st.MaxCoverage(), reach, demand=PEOPLE,
        rules=[st.Existing(["x"]), st.MayClose(saving=9.0), st.Budget(0, COST)],
    )  # fmt: skip
    assert (moved.closed, moved.sites, moved.covered) == (("x",), ("y",), 15)
    assert moved.cost == 0


def test_nothing_closes_or_opens_for_nothing(reach: st.Reach) -> None:
    rules = [st.Existing(["x", "z"]), st.MayClose(), st.AtMost(1)]
    assert st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=rules).closed == ()
    held = st.solve(
        st.MinCost(COST), reach, demand=PEOPLE,
        rules=[st.Existing(["x"]), st.Required(["x"]), st.MayClose(saving=4.0), st.Cover(0.4)],
    )  # fmt: skip
    assert held.closed == ()


def test_only_barred_sites_is_a_reason_of_its_own(reach: st.Reach) -> None:
    plan = st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=[st.AtMost(1), st.Forbidden(["z"])])
    assert plan.communities["reason"].to_dict() == {"a": "", "b": "", "c": "barred", "d": "closed"}


@pytest.mark.parametrize("name", ["covered", "before", "total", "sites", "closed", "cost"])
def test_every_figure_of_a_plan_is_checked(reach: st.Reach, name: str) -> None:
    plan = st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=[st.Budget(3, COST)])
    assert plan.verify().ok
    false = ("q",) if name in ("sites", "closed") else getattr(plan, name) + 1
    forged = pickle.loads(pickle.dumps(plan))
    vars(forged)[name] = false
    told = forged.verify()
    assert not told.ok
    assert name in " ".join(told.findings)


def test_a_plan_can_be_kept(reach: st.Reach) -> None:
    plan = st.solve(st.MinTravel(beyond=400), reach, demand=PEOPLE, rules=[st.AtMost(2)])
    again = pickle.loads(pickle.dumps(plan))
    assert again.verify() == plan.verify()
    assert again.table.equals(plan.table)


def test_a_community_too_large_for_every_site_is_named(reach_of: Callable[..., st.Reach]) -> None:
    reach = reach_of({"x": "ab", "y": "bc"}, "abc")
    places, people = pd.Series({"x": 8.0, "y": 12.0}), pd.Series({"a": 9.0, "b": 9.0, "c": 2.0})
    rules = [st.AtMost(2), st.Capacity(places, split=False)]
    plan = st.solve(st.MinTravel(), reach, demand=people, rules=rules)
    assert plan.status == "infeasible"
    assert "communities too large for every site in reach: 1 (9 people;" in plan.explain("en")
    assert "a (9 / 8)" in plan.explain("en")
    assert "容纳不下整个小区的有 1 个" in plan.explain("zh")
    served = st.solve(st.MaxCoverage(), reach, demand=people, rules=rules)
    assert served.served.to_dict() == {"a": 0, "b": 9, "c": 2}


@pytest.mark.parametrize("how", [{"split": "no"}, {"nearest": 1}])
def test_how_people_go_is_true_or_false(how: dict[str, Any]) -> None:
    with pytest.raises(st.errors.ProblemError, match="give True or False"):
        st.Capacity(**how)


MANY = pd.DataFrame({"x": range(100), "y": range(100)})


@pytest.mark.parametrize("wrong", [MANY, MANY["x"], MANY.to_numpy(), MANY["x"].to_dict(), list(range(100)), "x" * 500])
def test_of_a_wrong_object_only_its_type_is_named(reach: st.Reach, wrong: Any) -> None:
    """No message holds a table that was given."""
    plan = st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=[st.AtMost(1)])
    decay = st.decay.power(2, least=100)
    options = {"demand": PEOPLE, "rules": [st.AtMost(1)]}
    calls: list[Callable[[], object]] = [
        lambda: st.solve(wrong, reach, **options),
        lambda: st.solve(st.MaxCoverage(), wrong, **options),
        lambda: st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=[st.AtMost(1), wrong]),
        lambda: st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=[st.Budget(3, wrong)]),
        lambda: st.solve(st.MaxCoverage(), reach, **options, time_limit=wrong),
        lambda: st.solve(st.MaxCoverage(), reach, **options, gap=wrong),
        lambda: st.propose.trade_off(wrong, st.MinSites(), reach, demand=PEOPLE),
        lambda: st.propose.trade_off(st.MaxCoverage(), wrong, reach, demand=PEOPLE),
        lambda: st.alternatives(wrong),
        lambda: st.alternatives(plan, n=wrong),
        lambda: st.propose.compare(one=plan, other=wrong),
        lambda: plan.explain(names=[wrong]),
        lambda: plan.by(wrong.to_frame() if isinstance(wrong, pd.Series) else wrong),
        lambda: st.frontier(reach, demand=PEOPLE, objective=wrong),
        lambda: st.frontier(reach, demand=PEOPLE, up_to=wrong),
        lambda: st.MaxMarketShare(attractiveness=[wrong], decay=decay),
        lambda: st.MaxMarketShare(decay=wrong),
        lambda: st.MaxCoverage(weights=[wrong]),
        lambda: st.AtMost(wrong),
        lambda: st.Backup(wrong),
        lambda: st.Cover(wrong),
        lambda: st.Cover(0.5, by=[wrong]),
        lambda: st.MaxSpacing(wrong),
        lambda: st.Capacity(PLACES, split=wrong),
        lambda: st.measure.huff(reach, PEOPLE, [wrong], decay=decay),
        lambda: st.measure.huff(reach, PEOPLE, decay=wrong),
        lambda: st.measure.huff(reach, PEOPLE, decay=decay, alpha=wrong),
        lambda: st.accessibility(reach, PEOPLE, PLACES, decay=wrong),
        lambda: st.coverage(wrong, PEOPLE, limit=100),
        lambda: st.audit(wrong, {}),
    ]
    for number, call in enumerate(calls):
        with pytest.raises((st.errors.SitingError, TypeError, AttributeError)) as error:
            call()
        told = str(error.value)
        assert "\n" not in told, number
        assert len(told) < 400, (number, told)
        assert not any(each in told for each in ("97", "x" * 100)), (number, told)


def test_the_type_is_told_with_what_to_give(reach: st.Reach) -> None:
    with pytest.raises(st.errors.ProblemError, match=r'^plan is "plan"; give a plan that solve found$'):
        st.alternatives("plan")  # type: ignore[arg-type]
    with pytest.raises(
        st.errors.ProblemError, match=r"^an objective of trade_off is a DataFrame; choose one of MaxCoverage"
    ):
        st.propose.trade_off(MANY, st.MinSites(), reach, demand=PEOPLE)  # type: ignore[arg-type]
    with pytest.raises(st.errors.ProblemError, match="attractiveness is a dict; give a Series"):
        st.MaxMarketShare(attractiveness={"x": 1}, decay=st.decay.power(2, least=100))  # type: ignore[arg-type]
    with pytest.raises(st.errors.ProblemError, match='no rule that solve knows: "AtMost"; choose'):
        st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=[st.AtMost(1), "AtMost"])  # type: ignore[list-item]


def test_one_is_counted_in_the_singular(reach: st.Reach) -> None:
    assert str(st.Required(["x"])) == "Required(1 site)"
    assert str(st.Required(["x", "y"], service="old")) == "Required(2 sites, service=old)"
    assert str(st.Spacing([("x", "y")])) == "Spacing(1 pair)"
    only = reach.select(["x"])
    with pytest.raises(st.errors.ProblemError, match=r"the problem has only 1 candidate$"):
        st.solve(st.MaxCoverage(), only, demand=PEOPLE, rules=[st.AtMost(2)])
    with pytest.raises(st.errors.ProblemError, match="demand has no row for 1 origin:"):
        st.solve(st.MaxCoverage(), only, demand=PEOPLE.drop("d"), rules=[st.AtMost(1)])
    with pytest.raises(st.errors.ProblemError, match=r"AtMost\(1\) contradicts Required: it names 2 sites$"):
        st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=[st.AtMost(1), st.Required(["x", "y"])])
