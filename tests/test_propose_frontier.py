"""The curve of coverage against number of sites, against enumeration of each number."""

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

COLUMNS = ["sites", "covered", "share", "bound", "bound_share", "gap", "status", "seconds", "chosen"]
PEOPLE = pd.Series({"a": 10, "b": 5, "c": 8, "d": 2}, name="people")


@pytest.fixture
def reach(reach_of: Callable[..., st.Reach]) -> st.Reach:
    return reach_of({"x": "ab", "y": "bc", "z": "c"}, "abcd")


@some.composite
def towns(draw: Any) -> tuple[st.Reach, pd.Series, np.ndarray, list[int], list[int]]:
    n, m = draw(some.integers(1, 10)), draw(some.integers(1, 6))
    masks = draw(some.lists(some.integers(0, 2**m - 1), min_size=n, max_size=n))
    cover = np.array([[bool(mask >> j & 1) for j in range(m)] for mask in masks])
    unit = draw(some.sampled_from([1, 0.1, 1000]))
    weight = unit * np.array(draw(some.lists(some.integers(0, 9), min_size=n, max_size=n).filter(any)), float)
    roles = draw(some.text("ccccer", min_size=m, max_size=m).filter(lambda r: set(r) & set("cr")))
    i, j = np.nonzero(cover)
    table = pd.DataFrame({"origin": i, "destination": j, "cost": 1.0})
    reach = st.Reach.from_pairs(table, origins=range(n), destinations=range(m), limit=300)
    existing, required = ([j for j in range(m) if roles[j] == letter] for letter in "er")
    return reach, pd.Series(weight), cover, existing, required


@pytest.mark.slow
@given(towns())
@settings(max_examples=50, deadline=None, derandomize=True)
def test_each_number_of_sites_against_enumeration(
    town: tuple[st.Reach, pd.Series, np.ndarray, list[int], list[int]],
) -> None:
    reach, people, cover, existing, required = town
    curve = st.frontier(reach, demand=people, rules=[st.Existing(existing), st.Required(required)])
    assert curve.columns.tolist() == COLUMNS
    free = [j for j in range(cover.shape[1]) if j not in existing + required]

    def best(n: int) -> float:
        sets = itertools.combinations(free, max(0, min(n - len(required), len(free))))
        return max(float(people[cover[:, [*existing, *required, *s]].any(axis=1)].sum()) for s in sets)

    first = len(required)
    assert curve["sites"].tolist() == list(range(first, first + len(curve)))
    assert curve["covered"].tolist() == pytest.approx([best(n) for n in curve["sites"]])
    assert curve["covered"].is_monotonic_increasing
    assert (curve["bound"] == curve["covered"]).all()
    assert (curve["gap"] == 0).all()
    assert (curve["status"] == "optimal").all()
    assert curve["share"].tolist() == pytest.approx((curve["covered"] / people.sum()).tolist())
    # it ends where all that can be reached is covered, and not before
    everything = best(len(free) + first)
    assert curve["covered"].iloc[-1] == pytest.approx(everything)
    assert (curve["covered"].iloc[:-1] < everything * (1 - 1e-9)).all()
    for row in curve.itertuples():
        assert len(row.chosen) <= row.sites
        assert set(required) <= set(row.chosen)


def test_from_nothing_to_all_that_can_be_reached(reach: st.Reach) -> None:
    curve = st.frontier(reach, demand=PEOPLE)
    assert curve[["sites", "covered", "share", "chosen"]].to_numpy().tolist() == [
        [0, 0, 0, ()], [1, 15, 0.6, ("x",)], [2, 23, 0.92, curve["chosen"].iloc[-1]],
    ]  # fmt: skip
    assert set(curve["chosen"].iloc[-1]) in ({"x", "y"}, {"x", "z"})


def test_gains_need_not_shrink(reach_of: Callable[..., st.Reach]) -> None:
    """The best of n sites is no concave function of n: the second may add as much as the first."""
    reach = reach_of({"left": "abc", "right": "def", "middle": "bcde"}, "abcdef")
    people = pd.Series([2, 2, 2, 2, 2, 2], index=list("abcdef"))
    assert st.frontier(reach, demand=people)["covered"].tolist() == [0, 8, 12]
    people = pd.Series([4, 2, 2, 2, 2, 4], index=list("abcdef"))
    assert st.frontier(reach, demand=people)["covered"].tolist() == [0, 8, 16]


def test_up_to_ends_it_earlier(reach: st.Reach) -> None:
    assert st.frontier(reach, demand=PEOPLE, up_to=1)["sites"].tolist() == [0, 1]
    assert st.frontier(reach, demand=PEOPLE, up_to=100)["sites"].tolist() == [0, 1, 2]


@pytest.mark.parametrize("up_to", [0, -1, 2.5, None, "3", float("nan")])
def test_up_to_is_a_number_of_sites(reach: st.Reach, up_to: Any) -> None:
    with pytest.raises(st.errors.ProblemError, match=r"up_to is .*; ask for a whole number, 1 or more"):
        st.frontier(reach, demand=PEOPLE, up_to=up_to)


def test_up_to_below_what_is_required(reach: st.Reach) -> None:
    with pytest.raises(st.errors.ProblemError, match="up_to is 1, but Required names 2 sites"):
        st.frontier(reach, demand=PEOPLE, up_to=1, rules=[st.Required(["x", "z"])])


def test_it_sets_the_number_itself(reach: st.Reach) -> None:
    with pytest.raises(st.errors.ProblemError, match="give up_to instead"):
        st.frontier(reach, demand=PEOPLE, rules=[st.AtMost(2)])


def test_with_required_sites_it_starts_at_their_number(reach: st.Reach) -> None:
    curve = st.frontier(reach, demand=PEOPLE, rules=[st.Required(["z"])])
    assert curve[["sites", "covered", "chosen"]].to_numpy().tolist() == [[1, 8, ("z",)], [2, 23, ("x", "z")]]


def test_all_is_covered_already(reach: st.Reach) -> None:
    curve = st.frontier(reach, demand=PEOPLE, rules=[st.Existing(["x", "z"])])
    assert curve[["sites", "covered", "chosen"]].to_numpy().tolist() == [[0, 23, ()]]


def test_numbers_that_cannot_keep_a_share_have_no_plan(reach: st.Reach) -> None:
    curve = st.frontier(reach, demand=PEOPLE, rules=[st.Cover(0.9)])
    assert curve["status"].tolist() == ["infeasible", "infeasible", "optimal"]
    assert math.isnan(curve["covered"].iloc[1])
    assert math.isnan(curve["gap"].iloc[1])
    assert curve["covered"].iloc[2] == 23


def test_no_pairs(reach_of: Callable[..., st.Reach]) -> None:
    curve = st.frontier(reach_of({"x": ""}, "abcd"), demand=PEOPLE)
    assert curve[["sites", "covered", "status"]].to_numpy().tolist() == [[0, 0, "optimal"]]
