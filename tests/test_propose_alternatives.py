"""The second-best site for each site, against solving anew with the others held."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

import siting as st

HOMES, SITES = [f"h{i:02}" for i in range(20)], [f"s{j}" for j in range(7)]


@pytest.fixture(scope="module")
def town() -> tuple[st.Reach, pd.Series, st.Reach]:
    """Return 20 homes and 7 sites in whole metres, and the sites among themselves."""
    random = np.random.default_rng(8)
    homes, sites = random.random((20, 2)) * 1000, random.random((7, 2)) * 1000

    def between(a: np.ndarray, b: np.ndarray, ids: list[str], names: list[str]) -> st.Reach:
        far = np.rint(np.abs(a[:, None] - b[None]).sum(axis=2))
        table = pd.DataFrame(
            {"origin": np.repeat(ids, len(names)), "destination": np.tile(names, len(ids)), "cost": far.ravel()}
        )
        return st.Reach.from_pairs(table, origins=ids, destinations=names, limit=5000)

    people = pd.Series(random.integers(1, 60, 20), index=HOMES)
    return between(homes, sites, HOMES, SITES), people, between(sites, sites, SITES, SITES)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["most", "decay", "travel", "farthest", "spacing", "cost"])
def test_second_best_is_what_solving_anew_finds(kind: str, town: tuple[st.Reach, pd.Series, st.Reach]) -> None:
    anywhere, people, between = town
    cost = pd.Series(np.arange(3.0, 10.0), index=SITES)
    objective, rules, reach = {
        "most": (st.MaxCoverage(), [st.AtMost(3)], anywhere.within(350)),
        "decay": (st.MaxCoverage(decay=st.decay.steps({200: 1, 400: 0.5})), [st.AtMost(3)], anywhere.within(400)),
        "travel": (st.MinTravel(), [st.AtMost(3)], anywhere),
        "farthest": (st.MinFarthest(), [st.AtMost(3)], anywhere),
        "spacing": (st.MaxSpacing(between), [st.AtLeast(3)], anywhere),
        "cost": (st.MinCost(cost), [st.Cover(0.5)], anywhere.within(350)),
    }[kind]  # fmt: skip
    plan = st.solve(objective, reach, demand=people, rules=rules)
    told = plan.second_best()
    assert told.index.tolist() == list(plan.sites)
    for site, instead, loss in told.itertuples():
        kept = [s for s in plan.sites if s != site]
        losses = {}
        for other in sorted(set(SITES) - set(plan.sites)):
            barred = [s for s in SITES if s not in kept and s != other]
            held = [*rules, st.Required([*kept, other]), st.Forbidden(barred)]
            anew = st.solve(objective, reach, demand=people, rules=held)
            if anew.status == "optimal":
                losses[other] = abs(anew.objective - plan.objective)
        if losses:
            assert loss == pytest.approx(min(losses.values()))
            assert losses[instead] == pytest.approx(loss)
        else:
            assert pd.isna(instead)
            assert math.isnan(loss)


def test_required_sites_and_the_last_candidate_have_no_second(reach_of: Callable[..., st.Reach]) -> None:
    reach = reach_of({"x": "ab", "y": "bc"}, "abc")
    people = pd.Series({"a": 10, "b": 5, "c": 8})
    held = st.solve(st.MaxCoverage(), reach, demand=people, rules=[st.AtMost(1), st.Required(["y"])])
    assert held.second_best()["instead"].isna().all()
    both = st.solve(st.MaxCoverage(), reach, demand=people, rules=[st.AtMost(2)])
    assert both.second_best()["instead"].isna().all()
    one = st.solve(st.MaxCoverage(), reach, demand=people, rules=[st.AtMost(1)])
    assert one.second_best().to_dict("index") == {"x": {"instead": "y", "loss": 2.0}}
    assert "y could take its place, at a loss of 2 people." in one.explain("en")
    assert "可由 y 替代（少 2 人）" in one.explain("zh")


def test_fewest_sites_lose_people(reach_of: Callable[..., st.Reach]) -> None:
    """Two sites are needed for 0.9 of 24: a and b go with x, c with y or, without d, with z."""
    reach = reach_of({"x": "ab", "y": "cd", "z": "c"}, "abcd")
    people = pd.Series({"a": 10, "b": 5, "c": 8, "d": 1})
    plan = st.solve(st.MinSites(), reach, demand=people, rules=[st.Cover(0.9)])
    assert plan.second_best()["instead"].fillna("").to_dict() == {"x": "", "y": "z"}
    assert plan.second_best().loc["y", "loss"] == 1


def test_places_bound_what_another_site_may_take(reach_of: Callable[..., st.Reach]) -> None:
    """x has 12 places for 15 people; y has as many people near it, and 9 places: 3 fewer find one."""
    reach = reach_of({"x": "ab", "y": "ab", "z": "c"}, "abc")
    places = pd.Series({"x": 12.0, "y": 9.0, "z": 2.0})
    rules = [st.AtMost(1), st.Capacity(places)]
    plan = st.solve(st.MaxCoverage(), reach, demand=pd.Series({"a": 10, "b": 5, "c": 8}), rules=rules)
    assert plan.second_best().to_dict("index") == {"x": {"instead": "y", "loss": 3.0}}


def test_a_site_takes_the_place_of_one_of_its_own_service_only(reach_of: Callable[..., st.Reach]) -> None:
    """For care x and y can stand in for each other; for meals there is w alone."""
    people = pd.Series({"a": 10, "b": 5})
    reach = {"care": reach_of({"x": "ab", "y": "a"}, "ab"), "meals": reach_of({"w": "ab"}, "ab")}
    rules = [st.AtMost(2)]
    plan = st.solve(st.MaxCoverage(), reach, demand={"care": people, "meals": people}, rules=rules)
    assert plan.second_best()["instead"].fillna("").to_dict() == {"x": "y", "w": ""}
    assert plan.second_best().loc["x", "loss"] == 5


def test_a_rule_is_kept_by_what_comes_instead(reach_of: Callable[..., st.Reach]) -> None:
    """z covers more than y, and costs too much."""
    reach = reach_of({"x": "abc", "y": "a", "z": "ab"}, "abc")
    cost = pd.Series({"x": 3.0, "y": 2.0, "z": 9.0})
    plan = st.solve(
        st.MaxCoverage(), reach, demand=pd.Series({"a": 4, "b": 2, "c": 1}), rules=[st.AtMost(1), st.Budget(3, cost)]
    )
    assert plan.second_best().to_dict("index") == {"x": {"instead": "y", "loss": 3.0}}


def test_what_the_site_itself_covers_counts_for_the_other(reach_of: Callable[..., st.Reach]) -> None:
    """Without x its a is free for y: 10 people against the 8 of z, who are covered by nobody today."""
    reach = reach_of({"x": "ab", "y": "a", "z": "c"}, "abc")
    plan = st.solve(st.MaxCoverage(), reach, demand=pd.Series({"a": 10, "b": 5, "c": 8}), rules=[st.AtMost(1)])
    assert plan.second_best().to_dict("index") == {"x": {"instead": "y", "loss": 5.0}}


def on_a_line(homes: dict[str, float], sites: dict[str, float]) -> st.Reach:
    """Metres along a straight road."""
    rows = [(a, b, abs(x - y)) for a, x in homes.items() for b, y in sites.items()]
    pairs = pd.DataFrame(rows, columns=["origin", "destination", "cost"])
    return st.Reach.from_pairs(pairs, origins=list(homes), destinations=list(sites), limit=5000)


def test_sites_along_a_road_that_are_to_be_far_apart() -> None:
    """The ends are 1000 m apart. Instead of the first y would be 900 m from the last; of the last z 300 m."""
    sites = {"x": 0.0, "y": 100.0, "z": 300.0, "w": 1000.0}
    between = on_a_line(sites, sites)
    people = pd.Series(1, index=list(sites))
    plan = st.solve(st.MaxSpacing(between), between, demand=people, rules=[st.AtLeast(2), st.AtMost(2)])
    assert plan.second_best().to_dict("index") == {
        "x": {"instead": "y", "loss": 100.0},
        "w": {"instead": "z", "loss": 700.0},
    }


def test_sites_along_a_road_that_are_to_be_near_everybody() -> None:
    """q is 120 m from c and s at d. At t a is 150 m away, at the ends somebody 200 m; without s d is 800 m from r."""
    homes = {"a": 0.0, "b": 80.0, "c": 200.0, "d": 1000.0}
    sites = {"p": 0.0, "q": 80.0, "t": 150.0, "r": 200.0, "s": 1000.0}
    people = pd.Series(1, index=list(homes))
    plan = st.solve(st.MinFarthest(), on_a_line(homes, sites), demand=people, rules=[st.AtMost(2)])
    assert plan.second_best().loc[["q", "s"]].to_dict("index") == {
        "q": {"instead": "t", "loss": 30.0},
        "s": {"instead": "r", "loss": 680.0},
    }


def test_a_site_opens_instead_in_the_same_year(reach_of: Callable[..., st.Reach]) -> None:
    """In 2025 z and in 2030 x: what stands in for x opens in 2030, when y serves 3 and z is open already."""
    reach = reach_of({"x": "b", "y": "c", "z": "a"}, "abc")
    rules = [st.Phases((2025, 2030), at_most=1)]
    plan = st.solve(st.MaxCoverage(), reach, demand=pd.Series({"a": 10, "b": 5, "c": 3}), rules=rules)
    assert plan.sites == ("z", "x")
    # y for z in both years loses 7 and 7; y for x in the last 2
    assert plan.second_best().to_dict("index") == {
        "z": {"instead": "y", "loss": 14.0},
        "x": {"instead": "y", "loss": 2.0},
    }


def test_without_a_plan_nothing_stands_in(reach_of: Callable[..., st.Reach]) -> None:
    plan = st.solve(st.MinSites(), reach_of({"x": "a"}, "ab"), demand=pd.Series({"a": 1, "b": 1}), rules=[st.Cover(1)])
    table = plan.second_best()
    assert (len(table), table.columns.tolist(), table.index.name) == (0, ["instead", "loss"], "site")


def test_whoever_shares_a_building_with_the_site_that_closes_shares_no_more(reach_of: Callable[..., st.Reach]) -> None:
    """Both services open at x, which is worth 4; care at y instead of x loses that and the 5 of b."""
    reach = reach_of({"x": "ab", "y": "a"}, "ab")
    people = pd.Series({"a": 10, "b": 5})
    plan = st.solve(
        st.MaxCoverage(), {"care": reach, "meals": reach}, demand={"care": people, "meals": people},
        rules=[st.AtMost(2), st.Together(bonus=4.0)],
    )  # fmt: skip
    assert plan.objective == 34
    assert plan.second_best()["instead"].tolist() == ["y", "y"]
    assert plan.second_best()["loss"].tolist() == [9, 9]
