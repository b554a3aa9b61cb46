"""Fronts of two objectives against a list of all plans."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

import siting as st

SITES = list("stuvwxy")
HOMES = [f"h{i:02d}" for i in range(14)]


class Town:
    """Fourteen communities and seven sites on a plane of 600 m, with all distances up to a limit."""

    def __init__(self, seed: int, limit: float = 350) -> None:
        rng = np.random.default_rng(seed)
        homes, places = rng.integers(0, 600, (14, 2)), rng.integers(0, 600, (7, 2))
        far = np.rint(np.hypot(*(homes[:, None, :] - places[None, :, :]).transpose(2, 0, 1)))
        near = pd.DataFrame(far, HOMES, SITES)
        self.way = near.where(near <= limit)
        reached = self.way.notna().any(axis=1)
        self.people = pd.Series(rng.integers(1, 20, 14), HOMES, name="people").where(reached, 0).astype(int)
        self.cost = pd.Series(rng.integers(3, 12, 7), SITES)
        self.town = pd.Series(np.array(["north", "south", "west"])[rng.integers(0, 3, 14)], HOMES, name="district")
        pairs = near.rename_axis("origin").reset_index().melt("origin", var_name="destination", value_name="cost")
        self.reach = st.Reach.from_pairs(pairs[pairs["cost"] <= limit], origins=HOMES, destinations=SITES, limit=limit)

    def objective(self, name: str) -> Any:
        return {
            "people": st.MaxCoverage(), "cost": st.MinCost(self.cost), "sites": st.MinSites(),
            "travel": st.MinTravel(beyond=500), "way": st.MinTravel(), "farthest": st.MinFarthest(),
            "worst": st.propose.MaxWorstShare(self.town), "faded": st.MaxCoverage(decay=lambda d: 1 - d / 500),
            "both": st.MinCost(self.cost, travel=0.01),
        }[name]  # fmt: skip

    def value(self, name: str, sites: tuple[str, ...]) -> float | None:
        """The value of a plan; None where somebody must be served and is not."""
        if name in ("cost", "sites"):
            return float(self.cost[list(sites)].sum()) if name == "cost" else float(len(sites))
        near = self.way[list(sites)].min(axis=1) if sites else pd.Series(np.nan, HOMES)
        served, wanted = near.notna(), self.people > 0
        if name == "people":
            return float(self.people[served].sum())
        if name == "faded":
            return float((self.people * (1 - near / 500)).sum())
        if name == "travel":
            return float((self.people * near.fillna(500)).sum())
        if name == "worst":
            total = self.people.groupby(self.town).sum()
            share = self.people.where(served, 0).groupby(self.town).sum() / total
            return float(share[total > 0].min())
        if not served[wanted].all():
            return None
        if name == "farthest":
            return float(near[wanted].max())
        walked = float((self.people[wanted] * near[wanted]).sum())
        return walked if name == "way" else float(self.cost[list(sites)].sum()) + 0.01 * walked

    def plans(self, most: int = 7) -> list[tuple[str, ...]]:
        return [each for n in range(most + 1) for each in itertools.combinations(SITES, n)]


SENSE = {"people": 1, "faded": 1, "worst": 1}


def front_of(town: Town, first: str, second: str, most: int) -> list[tuple[float, float]]:
    """All nondominated values, the best in the first before; both turned so that more is better."""
    values = set()
    for sites in town.plans(most):
        pair = [town.value(name, sites) for name in (first, second)]
        if None not in pair:
            a, b = (SENSE.get(name, -1) * value for name, value in zip((first, second), pair, strict=True))
            values.add((round(a, 9), round(b, 9)))
    best, kept = -math.inf, []
    for a, b in sorted(values, reverse=True):
        if b > best + 1e-9:
            kept.append((a, b))
            best = b
    return kept


def supported(point: tuple[float, float], front: list[tuple[float, float]]) -> bool:
    """Whether no two others have a point between them that is better in one and as good in the other."""
    for left, right in itertools.combinations([p for p in front if p != point], 2):
        if left[1] < point[1] < right[1]:
            part = (point[1] - left[1]) / (right[1] - left[1])
            if left[0] + part * (right[0] - left[0]) > point[0] + 1e-6:
                return False
    return True


def check(town: Town, first: str, second: str, rules: list[Any], most: int = 7) -> int:
    front = front_of(town, first, second, most)
    if not front:
        with pytest.raises(st.errors.ProblemError, match="no plan keeps the rules"):
            st.propose.trade_off(
                town.objective(first), town.objective(second), town.reach, demand=town.people, rules=rules
            )
        return 0
    for n in (None, 4):
        found = st.propose.trade_off(
            town.objective(first), town.objective(second), town.reach, demand=town.people, rules=rules, n=n
        )
        signs = np.array([SENSE.get(first, -1), SENSE.get(second, -1)])
        got = [(round(a, 9), round(b, 9)) for a, b in (found.points[["first", "second"]] * signs).to_numpy().tolist()]
        if n is None:
            assert found.complete
            assert len(got) == len(front), (got, front)
            assert np.array(got) == pytest.approx(np.array(front)), (first, second)
        assert {tuple(np.round(p, 6)) for p in got} <= {tuple(np.round(p, 6)) for p in front}
        assert len(got) == min(len(front), n or 99)
        assert found.points["proven"].all()
        for point, known in zip(got, found.points["supported"], strict=True):
            assert pd.isna(known) or known == supported(point, front), (point, front)
        if n is None:
            assert found.points["supported"].notna().all()
        for plan, values in zip(found.plans, found.points.to_dict("records"), strict=True):
            sites = tuple(sorted(set(plan.sites)))
            assert town.value(first, sites) == pytest.approx(values["first"])
            assert town.value(second, sites) == pytest.approx(values["second"])
            assert plan.objective == pytest.approx(values[found.bounded])
            assert plan.verify().ok
            assert plan.status == "optimal"
    return len(front)


#: Objectives, rules, limit of the reach, towns with more than one point on their front, and its most points.
PAIRS = [
    ("people", "cost", [], 350, (0,)), ("cost", "people", [], 220, (2,)), ("people", "sites", [], 220, (0,)),
    ("people", "travel", [st.AtMost(3)], 220, (14,)), ("travel", "people", [st.AtMost(2)], 220, (9,)),
    ("travel", "cost", [], 220, (0,)), ("way", "sites", [], 350, (0,)), ("sites", "farthest", [], 350, (0, 1)),
    ("farthest", "cost", [], 350, (0,)), ("way", "farthest", [st.AtMost(4)], 350, (21,)),
    ("people", "worst", [st.AtMost(3)], 220, (20,)), ("worst", "cost", [], 350, (0,)),
    ("travel", "worst", [st.AtMost(3)], 220, (20,)), ("cost", "sites", [st.Cover(0.7)], 220, (0,)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("first", "second", "rules", "limit", "seeds"), PAIRS, ids=[f"{p[0]} and {p[1]}" for p in PAIRS]
)
def test_the_front_is_that_of_all_plans(
    first: str, second: str, rules: list[Any], limit: float, seeds: Sequence[int]
) -> None:
    sizes = []
    for seed in seeds:
        town, most = Town(seed, limit), next((rule.n for rule in rules if isinstance(rule, st.AtMost)), 7)
        if any(isinstance(rule, st.Cover) for rule in rules):
            need = math.ceil(0.7 * town.people.sum())
            town.plans = lambda most, town=town, need=need: [  # type: ignore[method-assign]
                sites for sites in Town.plans(town, most) if town.value("people", sites) >= need
            ]
        sizes.append(check(town, first, second, rules, most))
    assert max(sizes) > 1 or second == "sites"


def test_unsupported_points_are_told_apart() -> None:
    """By hand: sites of 1, 2 and 3 cost serve 1, 5 and 10; 5 for 2 lies below the line from 1 for 1 to 10 for 3."""
    found = three()
    assert found.points[["first", "second"]].to_numpy().tolist() == [
        [16, 6], [15, 5], [11, 4], [10, 3], [5, 2], [1, 1], [0, 0],
    ]  # fmt: skip
    # of the lines from (0, 0) to (10, 3) to (15, 5) to (16, 6): all others lie below them
    assert found.points["supported"].tolist() == [True, True, False, True, False, False, True]
    assert found.complete
    assert [plan.verify().optimal for plan in found.plans] == [True] * 7


def three(**named: Any) -> st.propose.TradeOff:
    table = pd.DataFrame({"origin": list("abc"), "destination": list("xyz"), "cost": [100.0] * 3})
    reach = st.Reach.from_pairs(table, origins=list("abc"), destinations=list("xyz"), limit=300)
    people, cost = pd.Series({"a": 1, "b": 5, "c": 10}), pd.Series({"x": 1, "y": 2, "z": 3})
    return st.propose.trade_off(st.MaxCoverage(), st.MinCost(cost), reach, demand=people, **named)


def test_few_points_are_spread_and_known() -> None:
    found = three(n=4)
    assert len(found.plans) == 4
    assert not found.complete
    assert found.points["proven"].all()
    assert "已证明无法使一项更好" in found.explain()
    assert "some of them: 4" in found.explain("en")
    assert "4 points, 4 proven" in repr(found)


def test_a_plan_of_a_point_names_what_it_is_held_to() -> None:
    plan = three().plans[3]
    assert (plan.objective, plan.rules) == (10, ("MaxCoverage()", "Budget(3)"))
    assert "投资不超过 3" in plan.rules_in_words()


def test_other_questions_of_a_plan_keep_what_it_is_held_to() -> None:
    plan = three().plans[3]  # z for 3
    told = st.scenarios.robustness(plan, {"as it is": pd.Series({"a": 1, "b": 5, "c": 10})})
    assert told[["best", "regret"]].to_numpy().tolist() == [[10, 0]]
    others = st.alternatives(plan, n=3, differ=1)
    assert [(each.objective, each.cost) for each in others.plans] == [(10, 3), (6, 3), (5, 2)]


def test_a_short_largest_distance_is_a_point_too() -> None:
    ways = pd.DataFrame({"x": [5.0, 200.0], "y": [200.0, 5.0]}, index=["a", "b"])
    reach = st.Reach.from_matrix(ways)
    people = pd.Series({"a": 1, "b": 2})
    found = st.propose.trade_off(st.MinSites(), st.MinFarthest(), reach, demand=people)
    assert found.points[["first", "second"]].to_numpy().tolist() == [[1, 200], [2, 5]]
    assert [plan.verify().ok for plan in found.plans] == [True, True]
    assert "2 points" in repr(found)


def test_the_take_up_is_said() -> None:
    found = three(take_up=0.5)
    assert found.points["first"].max() == 8
    assert "使用率 50 %" in found.explain()


def test_a_time_limit_leaves_points_open_or_ends_the_search() -> None:
    found = three(time_limit=30)
    assert found.complete
    assert found.seconds < 31


def test_what_does_not_go_together_is_refused(reach_of: Callable[..., st.Reach]) -> None:
    reach, people = reach_of({"x": "ab", "y": "b"}, "ab"), pd.Series({"a": 1, "b": 2})
    by = pd.Series({"a": "n", "b": "s"})
    for first, second, rules, why in (
        (st.MaxCoverage(), st.MinTravel(beyond=500), [], "without AtMost"),
        (st.MinFarthest(), st.propose.MaxWorstShare(by), [st.AtMost(1)], "both the worst of several"),
        (st.MinSites(), st.MinSites(), [], "without Cover"),
        (st.MaxCoverage(), st.AtMost(3), [], "an objective of trade_off is"),
        (st.MaxCoverage(), st.MinSites(), [st.Capacity(pd.Series({"x": 1, "y": 1}))], "Capacity does not go"),
    ):
        with pytest.raises(st.errors.ProblemError, match=why):
            st.propose.trade_off(first, second, reach, demand=people, rules=rules)  # type: ignore[arg-type]
    for n in (1, 0, 2.5, True, "3"):
        with pytest.raises(st.errors.ProblemError, match=r"n is .*2 or more"):
            st.propose.trade_off(st.MaxCoverage(), st.MinSites(), reach, demand=people, n=n)  # type: ignore[arg-type]
