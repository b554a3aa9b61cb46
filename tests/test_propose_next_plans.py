"""The next best plans against a list of all plans."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import siting as st
from siting.propose.search import apart

SITES = list("stuvwxyz")


def problem(seed: int) -> tuple[st.Reach, pd.Series, pd.DataFrame, np.random.Generator]:
    """Ten communities, six sites on a plane of 600 m; all distances, those up to 300 m in the reach."""
    rng = np.random.default_rng(seed)
    homes, places = rng.integers(0, 600, (10, 2)), rng.integers(0, 600, (6, 2))
    far = np.rint(np.hypot(*(homes[:, None, :] - places[None, :, :]).transpose(2, 0, 1)))
    table = pd.DataFrame(far, [f"h{i}" for i in range(10)], SITES[:6])
    near = table.rename_axis("origin").reset_index().melt("origin", var_name="destination", value_name="cost")
    reach = st.Reach.from_pairs(near[near["cost"] <= 300], origins=table.index, destinations=SITES[:6], limit=300)
    return reach, pd.Series(rng.integers(1, 20, 10), table.index, name="people"), table.where(table <= 300), rng


def subsets(most: int = 6) -> list[tuple[str, ...]]:
    return [each for n in range(most + 1) for each in itertools.combinations(SITES[:6], n)]


def apart_from(plan: tuple[str, ...], others: list[tuple[str, ...]], differ: int) -> bool:
    """Whether a plan is without *differ* sites of each of the others."""
    return all(len(set(other) - set(plan)) >= min(differ, len(other)) if other else len(plan) > 0 for other in others)


def worths(
    way: pd.DataFrame, people: pd.Series, value: Callable[[pd.Series, tuple[str, ...]], float | None], most: int = 6
) -> dict[tuple[str, ...], float]:
    """The objective of each plan that keeps the rules, by the distance of each community to its nearest open site."""
    found = {}
    for sites in subsets(most):
        nearest = way[list(sites)].min(axis=1) if sites else pd.Series(np.nan, way.index)
        worth = value(nearest, sites)
        if worth is not None:
            found[sites] = worth
    return found


def check(found: st.propose.Alternatives, all_plans: dict[tuple[str, ...], float], sense: int) -> None:
    """Each plan is the best of those that differ from all before it, and the list ends where none does."""
    before: list[tuple[str, ...]] = []
    for rank, plan in enumerate(found.plans, start=1):
        mine = tuple(sorted(set(plan.sites)))
        possible = {each: worth for each, worth in all_plans.items() if apart_from(each, before, found.differ)}
        best = max(possible.values(), key=lambda worth: sense * worth)
        assert all_plans[mine] == pytest.approx(best), (rank, mine, possible)
        assert plan.objective == pytest.approx(best)
        assert apart_from(mine, before, found.differ)
        assert plan.status == "optimal"
        assert plan.verify().ok
        before.append(mine)
    left = [each for each in all_plans if apart_from(each, before, found.differ)]
    assert found.exhausted == (not left and len(found.plans) < found.n)
    assert found.complete


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("differ", [1, 2])
def test_most_people(seed: int, differ: int) -> None:
    reach, people, way, _ = problem(seed)
    plan = st.solve(st.MaxCoverage(), reach, demand=people, rules=[st.AtMost(3)])
    worth = worths(way, people, lambda near, _: float(people[near.notna()].sum()), most=3)
    check(st.alternatives(plan, n=6, differ=differ), worth, 1)


@pytest.mark.parametrize("seed", range(4))
def test_fewest_sites_and_least_cost(seed: int) -> None:
    reach, people, way, rng = problem(seed)
    cost = pd.Series(rng.integers(3, 9, 6), SITES[:6])
    need = np.ceil(0.7 * people[way.notna().any(axis=1)].sum())
    share = need / people.sum()

    def enough(near: pd.Series, amount: float) -> float | None:
        return amount if people[near.notna()].sum() >= need else None

    plan = st.solve(st.MinSites(), reach, demand=people, rules=[st.Cover(share)])
    check(st.alternatives(plan, n=5, differ=1), worths(way, people, lambda near, s: enough(near, len(s))), -1)
    plan = st.solve(st.MinCost(cost), reach, demand=people, rules=[st.Cover(share)])
    check(
        st.alternatives(plan, n=8),
        worths(way, people, lambda near, s: enough(near, float(cost[list(s)].sum()))),
        -1,
    )


def travelled(way: pd.DataFrame, people: pd.Series, most: int) -> dict[tuple[str, ...], float]:
    return worths(way, people, lambda near, _: float((people * near.fillna(500)).sum()), most)


@pytest.mark.parametrize("small", [4_000, 0])
@pytest.mark.parametrize("seed", range(4))
def test_least_travel(seed: int, small: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "SMALL", small)  # 0: rows are priced, and the engine of medians solves
    reach, people, way, _ = problem(seed)
    plan = st.solve(st.MinTravel(beyond=500), reach, demand=people, rules=[st.AtMost(3)])
    found = st.alternatives(plan, n=5, differ=2)
    worth = travelled(way, people, 3)
    if small:
        check(found, worth, -1)
    for rank, each in enumerate(found.plans):  # priced rows may leave a gap, never a wrong bound
        before = [tuple(sorted(set(other.sites))) for other in found.plans[:rank]]
        best = min(value for sites, value in worth.items() if apart_from(sites, before, 2))
        assert each.bound <= best + 1e-6
        assert each.objective >= best - 1e-6
        assert each.verify().ok
        assert small or each.verify().proven
        assert (each.status == "optimal") <= (each.objective == pytest.approx(best))


@pytest.mark.parametrize("seed", range(3))
def test_least_farthest_and_widest(seed: int) -> None:
    reach, people, way, _ = problem(seed)
    someone = way.notna().any(axis=1)
    people = people.where(someone, 0)
    most = 4

    def farthest(near: pd.Series, _: tuple[str, ...]) -> float | None:
        return float(near[someone].max()) if near[someone].notna().all() else None

    worth = worths(way, people, farthest, most)
    plan = st.solve(st.MinFarthest(), reach, demand=people, rules=[st.AtMost(most)])
    if worth:
        check(st.alternatives(plan, n=4, differ=1), worth, -1)
    apart_ = pd.DataFrame(np.abs(np.subtract.outer(np.arange(6), np.arange(6)) * 70.0 % 300), SITES[:6], SITES[:6])
    apart_ = np.maximum(apart_, apart_.T)
    pairs = apart_.rename_axis("origin").reset_index().melt("origin", var_name="destination", value_name="cost")
    between = st.Reach.from_pairs(pairs, origins=SITES[:6], destinations=SITES[:6], limit=300)
    plan = st.solve(st.MaxSpacing(between), reach, demand=people, rules=[st.AtLeast(2)])
    spread = {
        sites: min(apart_.loc[a, b] for a, b in itertools.combinations(sites, 2))
        for sites in subsets()
        if len(sites) > 1
    }
    check(st.alternatives(plan, n=4, differ=1), spread, 1)


@pytest.mark.parametrize("seed", range(3))
def test_with_places_and_rules(seed: int) -> None:
    reach, people, way, rng = problem(seed)
    places, cost = (pd.Series(rng.integers(*ends, 6), SITES[:6]) for ends in ((5, 30), (3, 9)))
    rules: list[Any] = [st.Budget(16, cost), st.Forbidden(["s"])]
    worth = {
        sites: served
        for sites, served in worths(way, people, lambda _, s: most_served(way, people, places, s)).items()
        if cost[list(sites)].sum() <= 16 and "s" not in sites
    }
    plan = st.solve(st.MaxCoverage(), reach, demand=people, rules=[*rules, st.Capacity(places)])
    check(st.alternatives(plan, n=3, differ=1), worth, 1)


def most_served(way: pd.DataFrame, people: pd.Series, places: pd.Series, sites: tuple[str, ...]) -> float:
    """The most people with a place: the least cut over all sets of sites (max flow = min cut)."""
    if not sites:
        return 0.0
    near = way[list(sites)].notna()
    cuts = []
    for n in range(len(sites) + 1):
        for some in itertools.combinations(sites, n):
            rest = [site for site in sites if site not in some]
            cuts.append(float(places[list(some)].sum() + people[near[rest].any(axis=1)].sum()))
    return min(cuts)


def test_by_hand(reach_of: Callable[..., st.Reach]) -> None:
    reach = reach_of({"w": "a", "x": "b", "y": "c", "z": "d"}, "abcd")
    people = pd.Series({"a": 10, "b": 8, "c": 5, "d": 2})
    plan = st.solve(st.MaxCoverage(), reach, demand=people, rules=[st.AtMost(2), st.Required(["w"])])
    found = st.alternatives(plan, n=10, differ=1)
    assert [set(each.sites) for each in found.plans] == [{"w", "x"}, {"w", "y"}, {"w", "z"}, {"w"}]
    assert found.table["loss"].tolist() == [0, 3, 6, 8]
    assert found.table["opens"].tolist() == [(), ("y",), ("z",), ()]
    assert found.exhausted
    assert found.complete


def test_words_and_refusals(reach_of: Callable[..., st.Reach]) -> None:
    reach = reach_of({"x": "a", "y": "b"}, "ab")
    people = pd.Series({"a": 10, "b": 8})
    plan = st.solve(st.MaxCoverage(), reach, demand=people, rules=[st.AtMost(1)])
    found = st.alternatives(plan, differ=1)
    assert [each.sites for each in found.plans[:2]] == [("x",), ("y",)]
    assert "改开 y，不开 x" in found.explain()
    assert "opens y instead of x" in found.explain("en")
    assert "改开 乙，不开 甲" in found.explain(names={"x": "甲", "y": "乙"})
    assert "proven" in repr(found)
    for wrong in (0, 1.5, True, "2"):
        with pytest.raises(st.errors.ProblemError, match=r"differ is .*whole number"):
            st.alternatives(plan, differ=wrong)  # type: ignore[arg-type]
        with pytest.raises(st.errors.ProblemError, match=r"n is .*whole number"):
            st.alternatives(plan, wrong)  # type: ignore[arg-type]
    none = st.solve(st.MinSites(), reach, demand=people, rules=[st.Cover(1.0), st.AtMost(1)])
    with pytest.raises(st.errors.ProblemError, match="has no sites"):
        st.alternatives(none)


def test_where_people_choose(reach_of: Callable[..., st.Reach]) -> None:
    reach = reach_of({"x": {"a": 100.0, "c": 90.0}, "y": {"a": 150.0, "b": 80.0}, "z": {"b": 200.0, "c": 120.0}}, "abc")
    people = pd.Series({"a": 10, "b": 8, "c": 5})
    objective = st.MaxMarketShare(decay=lambda cost: 1 / cost)
    plan = st.solve(objective, reach, demand=people, rules=[st.AtMost(1)])
    found = st.alternatives(plan, n=3, differ=1)
    assert [(each.sites, each.objective) for each in found.plans] == [(("y",), 18), (("x",), 15), (("z",), 13)]
    assert found.complete


def test_ways_that_are_not_kept_are_refused() -> None:
    points = st.PointReach.from_points(
        pd.DataFrame({"x": [0.0, 100.0], "y": [0.0, 0.0]}, index=["a", "b"]),
        pd.DataFrame({"x": [0.0, 100.0], "y": [10.0, 10.0]}, index=["p", "q"]),
    )
    plan = st.solve(st.MinTravel(), points, demand=pd.Series({"a": 1, "b": 3}), rules=[st.AtMost(1)])
    with pytest.raises(st.errors.ProblemError, match="PointReach"):
        st.alternatives(plan)
