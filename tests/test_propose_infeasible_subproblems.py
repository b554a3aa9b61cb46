"""Subproblems: some of the rules of a small problem without a plan, and what they leave possible."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import siting as st
from siting.optimize.control import Control
from siting.propose.infeasible.changes import _first
from siting.propose.infeasible.subproblems import Subproblems, lightest, parts_of
from siting.propose.infeasible.unreachable import out_of_reach
from siting.propose.model.formulation import Formulation, build
from siting.propose.problem import Part

PEOPLE = pd.Series({"a": 10, "b": 5, "c": 8})


@pytest.fixture
def made(reach_of: Callable[..., st.Reach]) -> Callable[..., Formulation]:
    reach = reach_of({"x": "a", "y": "b", "z": "c"}, "abc")
    return lambda rules, objective=None: build(objective or st.MinSites(), reach, PEOPLE, rules)


def test_parts_are_rules_by_group(made: Callable[..., Formulation]) -> None:
    by = pd.Series({"a": "n", "b": "s", "c": "s"})
    most, cover, barred, near = st.AtMost(1), st.Cover(0.5, by=by), st.Forbidden(["x"]), st.NobodyBeyond(200)
    parts = parts_of(made([most, cover, barred, near, st.Existing(["y"])]))
    assert parts == (Part(most), Part(cover, ("n",)), Part(cover, ("s",)), Part(near), Part(barred))
    travel = st.MinTravel()
    assert parts_of(made([most], travel)) == (Part(most), Part(travel))


def test_what_is_left_out_is_left_out(made: Callable[..., Formulation]) -> None:
    most, cover, barred = st.AtMost(1), st.Cover(0.9), st.Forbidden(["x"])
    problems = Subproblems(made([most, cover, barred]), Control(), 60.0)
    assert len(problems.formulation.variables) == 2
    without = problems.keeping([Part(most), Part(cover)])
    assert (len(without.variables), len(without.constraints), len(without.shares)) == (3, 1, 1)
    bare = problems.keeping([Part(barred)])
    assert (len(bare.variables), len(bare.constraints), len(bare.shares)) == (2, 0, 0)
    assert problems.keeping([], existing=False).value.tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("kept", "possible"),
    [("", True), ("m", True), ("c", False), ("b", True), ("mb", True), ("mc", False), ("cb", False)],
)
def test_which_rules_can_be_kept_together(made: Callable[..., Formulation], kept: str, possible: bool) -> None:
    # 18 of 23 are 78 %: with x barred only 13 can be served, without two sites 10
    most, cover, barred = st.AtMost(1), st.Cover(0.75), st.Forbidden(["x"])
    parts = {"m": Part(most), "c": Part(cover), "b": Part(barred)}
    problems = Subproblems(made([most, cover, barred]), Control(), 60.0)
    expected = True if kept == "c" else possible
    assert problems.feasible([parts[name] for name in kept]) is expected
    assert not problems.late


def test_the_least_that_rules_allow(made: Callable[..., Formulation]) -> None:
    most, cover = st.AtMost(1), st.Cover(0.75)
    problems = Subproblems(made([most, cover]), Control(), 60.0)
    outcome = problems.least(problems.parts, Part(most))
    assert (outcome.value, outcome.bound) == (-2, -2)
    assert problems.least(problems.parts, Part(most)) is outcome
    sub = problems.keeping(problems.parts)
    light = lightest(sub, sub.constraints[0])
    assert (light.value.tolist(), light.constraints) == ([-1, -1, -1], ())


def test_a_target_counts_its_people_within_its_limit(made: Callable[..., Formulation]) -> None:
    formulation = made([st.AtMost(1), st.Cover(0.75)])
    problems = Subproblems(formulation, Control(), 60.0)
    sub = replace(problems.keeping([Part(st.AtMost(1))]), target=formulation.shares[0])
    assert problems.solve(sub).value == 10  # with one site a has most people
    assert sub.model.benefit.toarray().tolist() == [[10, 0, 0], [0, 5, 0], [0, 0, 8]]


def test_no_time_is_no_answer(made: Callable[..., Formulation]) -> None:
    problems = Subproblems(made([st.AtMost(1), st.Cover(0.75)]), Control(), 0.0)
    assert problems.feasible([Part(st.Cover(0.75))]) in (True, None)
    outcome = problems.solve(problems.keeping([]))
    assert (outcome.x, problems.late) == (None, True)


def test_what_all_sites_together_miss(made: Callable[..., Formulation]) -> None:
    towns = pd.Series({"x": "u", "y": "u", "z": "v"}, name="town")
    rule = st.AtLeast(3, by=towns)
    parts, found = out_of_reach(made([rule, st.Cover(0.1)]))
    assert parts == (Part(rule, ("u",)), Part(rule, ("v",)))
    assert [(values["asked"], values["best"]) for _, values in found] == [("3", "2"), ("3", "1")]


@pytest.mark.parametrize(("least", "found"), [(0, 1.0), (3, 3.0), (5, 5.0), (6, None)])
def test_the_first_that_is_enough(least: int, found: float | None) -> None:
    asked: list[float] = []

    def possible(value: float) -> bool:
        asked.append(value)
        return value >= least

    values: Any = np.arange(1.0, 6.0)
    assert _first(values, possible) == found
    assert len(asked) <= 4
