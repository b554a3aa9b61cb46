"""Plans that are fair to the groups, against enumeration."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

import siting as st
from siting.errors import ProblemError
from siting.propose.questions.equity import fairest, price_of_equity


@some.composite
def towns(draw: Any) -> tuple[np.ndarray, pd.Series, pd.Series, int]:
    n, m = draw(some.integers(3, 9)), draw(some.integers(2, 6))
    masks = draw(some.lists(some.integers(0, 2**m - 1), min_size=n, max_size=n))
    cover = np.array([[bool(mask >> j & 1) for j in range(m)] for mask in masks])
    unit = draw(some.sampled_from([1.0, 1.0, 1000.0, math.pi]))
    people = draw(some.lists(some.integers(0, 9), min_size=n, max_size=n).filter(any))
    group = draw(some.lists(some.sampled_from("uvw"), min_size=n, max_size=n))
    return cover, unit * pd.Series(people, dtype=float), pd.Series(group, name="district"), draw(some.integers(1, m))


def shares_of_all(cover: np.ndarray, people: pd.Series, by: pd.Series, p: int) -> list[tuple[float, list[float]]]:
    """People covered and sorted shares of every choice of at most p sites."""
    total = people.groupby(by).sum()
    total = total[total > 0]
    found = []
    for n in range(p + 1):
        for sites in itertools.combinations(range(cover.shape[1]), n):
            served = people.where(cover[:, list(sites)].any(axis=1), 0.0)
            found.append((float(served.sum()), sorted((served.groupby(by).sum()[total.index] / total).tolist())))
    return found


def reach_from(cover: np.ndarray) -> st.Reach:
    i, j = np.nonzero(cover)
    table = pd.DataFrame({"origin": i, "destination": j, "cost": 1.0})
    return st.Reach.from_pairs(table, origins=range(len(cover)), destinations=range(cover.shape[1]), limit=300)


@pytest.mark.slow
@given(towns())
@settings(max_examples=12, deadline=None, derandomize=True)
def test_the_worst_off_group_against_enumeration(town: Any) -> None:
    cover, people, by, p = town
    fair = fairest(reach_from(cover), demand=people, by=by, rules=[st.AtMost(p)])
    choices = shares_of_all(cover, people, by, p)
    worst = max(shares[0] for _, shares in choices)
    assert fair.status == "optimal"
    assert fair.worst == pytest.approx(worst, abs=1e-6)
    assert fair.bound >= worst - 1e-6
    assert fair.table["share"].iloc[0] == fair.worst
    assert fair.plan.objective == pytest.approx(max(c for c, shares in choices if shares[0] >= worst - 1e-9))
    assert fair.plan.status == "optimal"
    assert fair.plan.verify().ok


@pytest.mark.slow
@given(towns())
@settings(max_examples=12, deadline=None, derandomize=True)
def test_all_ranks_against_enumeration(town: Any) -> None:
    cover, people, by, p = town
    fair = fairest(reach_from(cover), demand=people, by=by, rules=[st.AtMost(p)], method="leximin")
    choices = shares_of_all(cover, people, by, p)
    best = max(np.round(shares, 9).tolist() for _, shares in choices)
    assert fair.status == "optimal"
    assert fair.table["share"].tolist() == pytest.approx(best, abs=1e-6)
    assert fair.table["guaranteed"].tolist() == pytest.approx(best, abs=1e-6)
    most = max(c for c, shares in choices if np.allclose(shares, best, atol=1e-9))
    assert fair.plan.objective == pytest.approx(most)


@pytest.fixture
def town(reach_of: Callable[..., st.Reach]) -> tuple[st.Reach, pd.Series, pd.Series]:
    """Three districts; x serves the centre, y and z the others, u a little of all."""
    reach = reach_of({"x": "ab", "y": "c", "z": "d", "u": "bcd"}, "abcde")
    people = pd.Series({"a": 60, "b": 20, "c": 10, "d": 5, "e": 5})
    return reach, people, pd.Series({"a": "C", "b": "C", "c": "E", "d": "W", "e": "W"}, name="district")


def test_what_fairness_costs(town: tuple[st.Reach, pd.Series, pd.Series]) -> None:
    reach, people, by = town
    table = price_of_equity(reach, demand=people, by=by, levels=3, rules=[st.AtMost(1)])
    assert table["guaranteed"].tolist() == [0, 0.125, 0.25]
    assert table["chosen"].tolist() == [("x",), ("u",), ("u",)]
    assert table["covered"].tolist() == [80, 35, 35]
    assert table["lost"].tolist() == [0, 45, 45]
    assert table["price"].tolist() == pytest.approx([0, 45 / 80, 45 / 80])
    assert table["worst"].tolist() == [0, 0.25, 0.25]
    assert (table["bound"] == table["covered"]).all()
    asked = price_of_equity(reach, demand=people, by=by, levels=[0.6, 0.2], rules=[st.AtMost(1)])
    assert asked["lost"].iloc[0] == 45
    assert math.isnan(asked["covered"].iloc[1])
    assert asked["status"].iloc[1] == "infeasible"


def test_in_words(town: tuple[st.Reach, pd.Series, pd.Series]) -> None:
    reach, people, by = town
    fair = fairest(reach, demand=people, by=by, rules=[st.AtMost(2)])
    assert set(fair.sites) == {"x", "u"}  # C in full, E in full, W half: the most that it can have
    assert repr(fair) == "<FairPlan: optimal, 2 sites, worst share 50.0 %, bound 50.0 %, 95 of 100 (95.0 %)>"
    assert fair.table.index.tolist() == ["W", "C", "E"]
    assert fair.table["served"].tolist() == [5, 80, 10]
    assert "50.0 %" in fair.explain("en")
    assert "W" in fair.explain("zh")
    assert fair.plan.rules[-1] == "Cover(0.5, by=district)"
    again = fairest(reach, demand=people, by=by, rules=[st.AtMost(2)])
    assert again.sites == fair.sites


def test_a_plan_is_fair_within_its_rules(town: tuple[st.Reach, pd.Series, pd.Series]) -> None:
    reach, people, by = town
    fair = fairest(reach, demand=people, by=by, rules=[st.AtMost(1), st.Cover(0.5)], method="leximin")
    assert fair.sites == ("x",)
    assert fair.table["share"].tolist() == [0, 0, 1]
    none = fairest(reach, demand=people, by=by, rules=[st.AtMost(1), st.Cover(0.9)])
    assert none.status == "infeasible"
    assert none.sites == ()
    assert none.explain("en") == "No plan keeps all the rules."
    assert repr(none) == "<FairPlan: infeasible, no sites>"
    twice = fairest(reach, demand=people, by=by, rules=[st.AtMost(2), st.Backup(2)])
    assert twice.worst == 0
    assert twice.plan.covered == 20  # only b, c and d have two sites; x and u


def test_shares_are_of_those_who_look_for_a_place(town: tuple[st.Reach, pd.Series, pd.Series]) -> None:
    reach, people, by = town
    rates = pd.Series({"a": 0.1, "b": 1.0, "c": 1.0, "d": 1.0, "e": 1.0})
    fair = fairest(reach, demand=people, take_up=rates, by=by, rules=[st.AtMost(1)])
    assert fair.sites == ("u",)
    assert fair.table["demand"].to_dict() == pytest.approx({"W": 10, "C": 26, "E": 10})
    assert fair.worst == pytest.approx(0.5)  # all people: C 20 of 80
    assert "a take-up of 10 % to 100 %" in fair.explain("en")
    table = price_of_equity(reach, demand=people, take_up=rates, by=by, levels=2, rules=[st.AtMost(1)])
    assert table["guaranteed"].tolist() == pytest.approx([0, 0.5])
    assert table["covered"].tolist() == pytest.approx([35, 35])  # x 26, u 35
    assert table["lost"].tolist() == pytest.approx([0, 0])
    half = price_of_equity(reach, demand=people, take_up=0.5, by=by, levels=2, rules=[st.AtMost(1)])
    assert half["lost"].tolist() == [0, 22.5]
    assert half["price"].tolist() == pytest.approx([0, 45 / 80])


def test_what_does_not_go(town: tuple[st.Reach, pd.Series, pd.Series]) -> None:
    reach, people, by = town
    rules = [st.AtMost(1)]
    places = pd.Series(9, index=list("xyzu"))
    for changed, said in [
        ({"by": ["C"]}, "by is"),
        ({"by": by.drop("a")}, 'by: no group for 1 community: "a"'),
        ({"method": "best"}, 'method is "best"; choose one of worst, leximin'),
        ({"gap": -1}, "gap is -1"),
        ({"rules": [*rules, st.Capacity(places)]}, "Capacity"),
        ({"reach": {"s": reach, "t": reach}, "demand": {"s": people, "t": people}}, "2 services"),
    ]:
        given: dict[str, Any] = {"reach": reach, "demand": people, "by": by, "rules": rules} | changed
        with pytest.raises(ProblemError, match=said):
            fairest(given.pop("reach"), **given)
    for levels, said in [(1, "2 or more"), ([2.0], "give a share, 0 to 1")]:
        with pytest.raises(ProblemError, match=said):
            price_of_equity(reach, demand=people, by=by, rules=rules, levels=levels)
    with pytest.raises(ProblemError, match="no plan keeps the rules"):
        price_of_equity(reach, demand=people, by=by, rules=[*rules, st.Cover(0.9)])
