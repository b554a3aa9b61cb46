"""Huff's model: by hand, by a double loop, and by what must hold."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

import siting as st
from siting.errors import ProblemError
from siting.measure import huff, huff_probabilities

TABLE = pd.DataFrame(
    {"origin": list("aabb"), "destination": list("xyyx"), "cost": [100.0, 200, 100, 400]}
)  # a: x at 100, y at 200; b: y at 100, x at 400
PEOPLE, AREA = pd.Series({"a": 90, "b": 17, "c": 5}), pd.Series({"x": 100.0, "y": 200.0, "z": 50.0})
SQUARE = st.decay.power(2, least=100)


@pytest.fixture
def reach() -> st.Reach:
    return st.Reach.from_pairs(TABLE, origins=list("abc"), destinations=list("xyz"), limit=500)


def test_shares_by_hand(reach: st.Reach) -> None:
    # a: 100 · 1 to 200 · 1/4, so 2 to 1; b: 200 to 100/16, so 32 to 1; nobody reaches z, and c nothing
    pairs = huff_probabilities(reach, PEOPLE, AREA, decay=SQUARE).set_index(["origin", "destination"])
    assert pairs["probability"].to_dict() == pytest.approx(
        {("a", "x"): 2 / 3, ("a", "y"): 1 / 3, ("b", "y"): 32 / 33, ("b", "x"): 1 / 33}
    )
    table = huff(reach, PEOPLE, AREA, decay=SQUARE)
    assert table["visitors"].tolist() == pytest.approx([60 + 17 / 33, 30 + 17 * 32 / 33, 0])
    assert table["share"].tolist() == pytest.approx([(60 + 17 / 33) / 112, (30 + 17 * 32 / 33) / 112, 0])
    mean = (60 * 100 + 17 / 33 * 400) / (60 + 17 / 33)
    assert table["mean"].iloc[0] == pytest.approx(mean)
    assert math.isnan(table["mean"].iloc[2])
    assert table["communities"].tolist() == [2, 2, 0]
    assert table.attrs == {
        "decay": "power(2, least=100)", "alpha": 1.0, "no_choice": 0.0, "limit": 500.0, "unit": "m", "how": "table",
    }  # fmt: skip


def test_going_nowhere_and_the_exponent_of_the_attractiveness(reach: st.Reach) -> None:
    stay = huff_probabilities(reach, PEOPLE, AREA, decay=SQUARE, no_choice=50.0)
    assert stay["probability"].iloc[0] == pytest.approx(100 / 200)  # a: 100 to x, 50 to y, 50 to none
    squared = huff_probabilities(reach, PEOPLE, AREA, decay=SQUARE, alpha=2.0)
    assert squared["probability"].iloc[0] == pytest.approx(1 / 2)  # 100² to 200² / 4
    alike = huff_probabilities(reach, PEOPLE, decay=SQUARE)
    assert alike["probability"].iloc[0] == pytest.approx(4 / 5)
    assert alike["probability"].equals(huff_probabilities(reach, PEOPLE, AREA, decay=SQUARE, alpha=0.0)["probability"])


@settings(max_examples=40, deadline=None)
@given(seed=some.integers(0, 10**6), alpha=some.sampled_from([0.5, 1.0, 2.0]), stay=some.sampled_from([0.0, 0.7]))
def test_a_double_loop_finds_the_same(seed: int, alpha: float, stay: float) -> None:
    rng = np.random.default_rng(seed)
    homes, sites = [f"h{i}" for i in range(4)], [f"s{j}" for j in range(3)]
    cost = np.where(rng.random((4, 3)) < 0.7, rng.integers(0, 900, (4, 3)), np.nan)
    reach = st.Reach.from_matrix(pd.DataFrame(cost, homes, sites))
    people = pd.Series(rng.integers(0, 50, 4), homes)
    appeal = pd.Series(rng.integers(0, 9, 3), sites)
    decay = st.decay.exponential(0.004)
    table = huff(reach, people, appeal, decay=decay, alpha=alpha, no_choice=stay)
    visitors = dict.fromkeys(sites, 0.0)
    for i, home in enumerate(homes):
        worth = {
            site: appeal[site] ** alpha * math.exp(-0.004 * cost[i, j])
            for j, site in enumerate(sites)
            if not np.isnan(cost[i, j])
        }
        total = stay + sum(worth.values())
        for site, value in worth.items():
            visitors[site] += people[home] * value / total if total else 0.0
    assert table["visitors"].to_dict() == pytest.approx(visitors)
    gone = huff_probabilities(reach, people, appeal, decay=decay, alpha=alpha).groupby("origin")["probability"].sum()
    assert (((gone - 1).abs() < 1e-12) | (gone == 0)).all()


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ({"decay": None}, "decay is None; give power"),
        ({"decay": {300: 1}}, r"give steps\("),
        ({"decay": st.decay.linear(800)}, "only 500 m were searched"),
        ({"decay": lambda d: -d}, "no weight of 0 or more at the costs"),
        ({"decay": lambda d: 1 / (d - 100)}, '"100"'),
        ({"decay": SQUARE, "alpha": -1}, "alpha is -1"),
        ({"decay": SQUARE, "no_choice": math.nan}, "no_choice is nan"),
        ({"decay": SQUARE, "alpha": 1000.0}, "no finite number"),
        ({"decay": SQUARE, "attractiveness": AREA.drop("y")}, '"y"'),
    ],
)
def test_what_is_refused(reach: st.Reach, named: dict[str, Any], message: str) -> None:
    with pytest.raises(ProblemError, match=message):
        huff(reach, PEOPLE, **{"attractiveness": AREA, **named})


def test_the_nearest_alone_are_no_choice(reach: st.Reach) -> None:
    with pytest.raises(ProblemError, match="1 nearest facilities"):
        huff(replace(reach, nearest_only=1), PEOPLE, decay=SQUARE)
