"""Fronts of two objectives against a list of all plans."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import siting as st

SITES = list("stuvwx")
HOMES = [f"h{i}" for i in range(9)]


class Town:
    """Nine communities and six sites on a plane of 600 m; all distances up to 350 m in the reach."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        homes, places = rng.integers(0, 600, (9, 2)), rng.integers(0, 600, (6, 2))
        far = np.rint(np.hypot(*(homes[:, None, :] - places[None, :, :]).transpose(2, 0, 1)))
        near = pd.DataFrame(far, HOMES, SITES)
        self.way = near.where(near <= 350)
        reached = self.way.notna().any(axis=1)
        self.people = pd.Series(rng.integers(1, 20, 9), HOMES, name="people").where(reached, 0).astype(int)
        self.cost = pd.Series(rng.integers(3, 12, 6), SITES)
        self.town = pd.Series(np.array(["north", "south", "west"])[rng.integers(0, 3, 9)], HOMES, name="district")
        pairs = near.stack().rename("cost").rename_axis(["origin", "destination"]).reset_index()
        self.reach = st.Reach.from_pairs(pairs[pairs["cost"] <= 350], origins=HOMES, destinations=SITES, limit=350)

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

    def plans(self, most: int = 6) -> list[tuple[str, ...]]:
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


def check(town: Town, first: str, second: str, rules: list[Any], most: int = 6) -> int:
    front = front_of(town, first, second, most)
    if not front:
        with pytest.raises(st.errors.ProblemError, match="no plan keeps the rules"):
            st.trade_off(town.objective(first), town.objective(second), town.reach, demand=town.people, rules=rules)
        return 0
    for n in (None, 20, 4):
        found = st.trade_off(
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


PAIRS = [
    ("people", "cost", []), ("cost", "people", []), ("people", "sites", []),
    ("people", "travel", [st.AtMost(3)]), ("travel", "people", [st.AtMost(3)]), ("travel", "cost", []),
    ("way", "sites", []), ("sites", "farthest", []), ("farthest", "cost", []), ("way", "farthest", [st.AtMost(4)]),
    ("people", "worst", [st.AtMost(3)]), ("worst", "cost", []), ("travel", "worst", [st.AtMost(3)]),
    ("cost", "sites", [st.Cover(0.7)]),
]  # fmt: skip


@pytest.mark.parametrize(("first", "second", "rules"), PAIRS, ids=[f"{a} and {b}" for a, b, _ in PAIRS])
def test_the_front_is_that_of_all_plans(first: str, second: str, rules: list[Any]) -> None:
    sizes = []
    for seed in range(3):
        town, most = Town(seed), next((rule.n for rule in rules if isinstance(rule, st.AtMost)), 6)
        if any(isinstance(rule, st.Cover) for rule in rules):
            need = math.ceil(0.7 * town.people.sum())
            town.plans = lambda most, town=town, need=need: [  # type: ignore[method-assign]
                sites for sites in Town.plans(town, most) if town.value("people", sites) >= need
            ]
        sizes.append(check(town, first, second, rules, most))
    assert max(sizes) > 1 or first == "cost"
