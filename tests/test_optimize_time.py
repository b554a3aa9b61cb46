"""Every engine looks at the clock, begins with a plan and a finite bound, and searches for nothing after the proof."""

from __future__ import annotations

import importlib.util
import itertools
import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as some
from scipy.sparse import csr_array

import siting as st
from siting.optimize import proof
from siting.optimize.center.center import solve_center
from siting.optimize.center.dispersion import farthest_first, smallest_distance, solve_dispersion, widest_possible
from siting.optimize.control import Control, gap_between
from siting.optimize.covering.relaxation import Lagrangian, Multipliers, best_multipliers
from siting.optimize.distances import distinct, place_of
from siting.optimize.first_plan import first_plan
from siting.optimize.model import Model
from siting.propose.search import bottleneck

_SPEC = importlib.util.spec_from_file_location(
    "random_problems", Path(__file__).parent / "reliability/random_problems.py"
)
assert _SPEC is not None
assert _SPEC.loader is not None
problems: Any = importlib.util.module_from_spec(_SPEC)
sys.modules["random_problems"] = problems
_SPEC.loader.exec_module(problems)


class Ticks:
    """A clock that moves a second each time that it is looked at."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        self.seconds += 1.0
        return self.seconds


@pytest.mark.parametrize("kind", list(problems.KINDS))
def test_every_engine_looks_at_the_clock_and_ends(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a few looks at the clock there is a plan all the same, a finite bound, and a first and a last report."""
    ticks, reports = Ticks(), list[Any]()
    monkeypatch.setattr(Control, "clock", ticks)
    plan = problems.make_call(kind, "small", 3).solve(time_limit=12.0, progress=reports.append)
    assert plan.status in ("time_limit", "optimal")
    assert plan.answer.x is not None
    assert math.isfinite(plan.bound)
    assert plan.gap >= 0
    assert plan.verify().ok
    assert 2 <= ticks.seconds <= 400  # the search itself ends at 12: then a plan is finished, and reported
    assert (reports[0].step, reports[-1].step) == ("model", plan.status)


@pytest.mark.parametrize("kind", list(problems.KINDS))
def test_a_search_without_a_limit_reports_its_end(kind: str) -> None:
    reports: list[Any] = []
    plan = problems.make_call(kind, "tiny", 2).solve(progress=reports.append)
    assert (plan.status, plan.objective) == ("optimal", plan.bound)
    assert (reports[0].step, reports[-1].step, reports[-1].value) == ("model", "optimal", plan.objective)


def test_distances_that_differ_by_rounding_count_once() -> None:
    three = 0.1 + 0.2  # 4e-17 more than 0.3
    assert distinct([three, 0.3, 5.0, 1.0, 0.3]).tolist() == [three, 1.0, 5.0]
    assert distinct([three, 0.3, 5.0], shortest=True).tolist() == [0.3, 5.0]
    assert distinct([]).tolist() == []
    assert (place_of(np.array([three, 1.0]), 0.3), place_of(np.array([0.3, 1.0]), three)) == (0, 0)
    assert place_of(np.array([0.3, 1.0]), 0.4) == 1
    assert distinct([0.0, 1e-300, 1.0]).tolist() == [0.0, 1e-300, 1.0]


def test_a_center_that_is_proven_but_for_rounding_is_optimal() -> None:
    costs = csr_array(np.array([[0.3, 9.0], [9.0, 0.1 + 0.2], [0.3, 9.0]]))
    found = solve_center(costs, np.zeros(2), np.ones(2), 2, Control())
    assert (found.status, found.value) == ("optimal", found.bound)
    pairs = csr_array(np.array([[0.0, 0.3, 0.3], [0.3, 0.0, 0.1 + 0.2], [0.3, 0.1 + 0.2, 0.0]]))
    apart = solve_dispersion(pairs, np.zeros(3), np.ones(3), 2, 2, Control())
    assert (apart.status, apart.value) == ("optimal", apart.bound)
    assert apart.value == pytest.approx(0.3)


@given(some.integers(0, 10**6), some.integers(2, 4), some.integers(0, 1))
def test_sites_farthest_first_are_half_as_far_apart_as_can_be(seed: int, more: int, fixed: int) -> None:
    points = np.random.default_rng(seed).integers(0, 50, (7, 2)).astype(float)
    far = np.hypot(*(points[:, None] - points).transpose(2, 0, 1))
    rows, columns = np.nonzero(~np.eye(7, dtype=bool))
    pairs = csr_array((far[rows, columns], (rows, columns)), shape=(7, 7))
    lower = np.r_[np.full(fixed, 1.0), np.zeros(7 - fixed)]
    x, best = lower > 0, -1.0
    x[farthest_first(pairs, lower, np.ones(7))[:more]] = True
    for chosen in itertools.combinations(range(fixed, 7), more):
        open_ = lower > 0
        open_[list(chosen)] = True
        best = max(best, smallest_distance(pairs, open_))
    assert smallest_distance(pairs, x) >= best / 2 - 1e-9
    assert widest_possible(pairs, lower, np.ones(7), more) >= best
    late = solve_dispersion(pairs, lower, np.ones(7), more + fixed, None, Control(time_limit=0))
    assert late.value <= best <= late.bound < math.inf


def test_distances_that_are_not_known_bound_nothing() -> None:
    pairs = csr_array(np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 2.0], [0.0, 2.0, 0.0]]))
    assert math.isinf(widest_possible(pairs, np.zeros(3), np.ones(3), 2))
    assert gap_between(1.0, math.inf) == 1.0


def model_of(rows: Any, low: Any, high: Any, serves: Any, *, must: Any = None, value: Any = None) -> Model:
    serves = np.asarray(serves, float)
    n, m = serves.shape
    at = np.nonzero(serves)
    return Model(
        csr_array((serves[at], at), shape=serves.shape), np.zeros(m) if value is None else np.asarray(value, float),
        csr_array(np.asarray(rows, float).reshape(-1, m)), np.asarray(low, float), np.asarray(high, float), np.zeros(m),
        np.ones(m), csr_array((0, n)), np.zeros(0), np.zeros(n, bool) if must is None else np.asarray(must, bool),
    )  # fmt: skip


def test_a_first_plan_by_hand() -> None:
    serves = [[5, 5, 0], [3, 0, 0], [0, 0, 7]]
    one = first_plan(model_of([1, 1, 1], [-np.inf], [1], serves), Control())
    assert one is not None
    assert one.tolist() == [True, False, False]  # 8 of 15
    low = first_plan(model_of([[1, 1, 1], [0, 1, 0]], [-np.inf, 1], [2, 1], serves), Control())
    assert low is not None
    assert low.tolist() == [False, True, True]  # the second must open; then 7 is more than 3
    before = first_plan(model_of([[1, -1, 0], [1, 1, 1]], [-np.inf, -np.inf], [0, 2], serves), Control())
    assert before is not None
    assert before.sum() == 2  # the first opens only with the second
    everybody = model_of([1, 1, 1], [-np.inf], [2], serves, must=[True] * 3, value=[-1.0] * 3)
    served = first_plan(everybody, Control(time_limit=0))
    assert served is not None
    assert served.tolist() == [True, False, True]
    assert first_plan(model_of([1, 1, 1], [-np.inf], [1], serves, must=[True] * 3), Control()) is None


def two_shares() -> Model:
    """Four sites that serve 10, 8, 3 and 2 people; 10 of the first two are wanted, and 5 of the others."""
    model = model_of([[0] * 4], [-np.inf], [np.inf], np.eye(4), value=[-1.0] * 4)
    shares = csr_array(np.array([[10.0, 8.0, 0.0, 0.0], [0.0, 0.0, 3.0, 2.0]]))
    benefit = csr_array((np.zeros(4), model.benefit.indices, model.benefit.indptr), shape=(4, 4))
    return replace(model, benefit=benefit, shares=shares, wanted=np.array([10.0, 5.0]))


def test_people_of_a_share_that_is_met_count_no_more() -> None:
    plan = first_plan(two_shares(), Control(time_limit=9))
    assert plan is not None
    assert plan.tolist() == [True, False, True, True]


def test_a_first_bound_prices_all_shares_together() -> None:
    terms = Lagrangian(two_shares())
    stopped = Multipliers(terms.w, np.zeros(1), np.zeros(2))
    best = best_multipliers(terms, stopped)
    assert best.m.tolist() == pytest.approx([0.1, 0.5])
    assert terms.bound(best, np.zeros(4), np.ones(4))[0] == pytest.approx(-3)  # the first share alone takes 1


@pytest.fixture
def street() -> tuple[st.Reach, pd.Series]:
    """Six homes and six sites, 100 m apart along a street."""
    at = [(i, j, 100.0 * abs(i - j)) for i in range(6) for j in range(6)]
    table = pd.DataFrame(at, columns=["origin", "destination", "cost"])
    reach = st.Reach.from_pairs(table, origins=range(6), destinations=range(6), limit=1_000)
    return reach, pd.Series(10, index=range(6))


def test_nothing_is_searched_for_after_the_proof(
    street: tuple[st.Reach, pd.Series], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the engines of p-centers and p-dispersion prove is not asked again; the center keeps its own proof."""
    reach, people = street

    def asked(*_: Any, **__: Any) -> None:
        raise AssertionError("the problem was solved again")

    monkeypatch.setattr(bottleneck, "solve_model", asked)
    plan = st.solve(st.MinFarthest(), reach, demand=people, rules=[st.AtMost(2)])
    assert (plan.status, plan.objective, plan.bound) == ("optimal", 100.0, 100.0)
    checked = plan.verify()
    assert (checked.ok, checked.proven, checked.optimal) == (True, True, True)
    apart = st.solve(st.MaxSpacing(reach), reach, demand=people, rules=[st.AtLeast(3)])
    assert (apart.status, apart.objective, apart.bound) == ("optimal", 200.0, 200.0)
    assert apart.verify().ok


def test_a_proof_is_added_up_once(street: tuple[st.Reach, pd.Series], monkeypatch: pytest.MonkeyPatch) -> None:
    reach, people = street
    plan = st.solve(st.MinTravel(), reach, demand=people, rules=[st.AtMost(2)])
    priced: list[Any] = []
    real = proof.lagrangian
    monkeypatch.setattr(proof, "lagrangian", lambda *args: priced.append(args[1]) or real(*args))
    assert plan.verify().optimal
    assert len(priced) == len({id(each) for each in priced}) <= len(plan.answer.proof.v)
    assert "table" not in vars(plan)  # what was not made is not made to be compared


def test_pairs_below_every_price_do_not_change_a_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proof of many prices looks only at pairs that are above one of them: the bound is the same."""
    rng = np.random.default_rng(4)
    costs = rng.integers(1, 100, (60, 30)).astype(float)
    origin, site = np.nonzero(costs)
    table = pd.DataFrame({"origin": origin, "destination": site, "cost": costs[origin, site]})
    reach = st.Reach.from_pairs(table, origins=range(60), destinations=range(30), limit=100)
    plan = st.solve(st.MinTravel(), reach, demand=pd.Series(1, index=range(60)), rules=[st.AtMost(7)])
    model, made = plan.answer.model, plan.answer.proof
    assert model is not None
    looked: list[int] = []
    real = proof.lagrangian
    monkeypatch.setattr(proof, "lagrangian", lambda *args: looked.append(args[0].benefit.nnz) or real(*args))
    monkeypatch.setattr(proof, "MANY", 1)
    few = proof.bound_of(model, made)
    assert max(looked) < 0.5 * model.benefit.nnz
    monkeypatch.setattr(proof, "MANY", 10**9)
    assert proof.bound_of(model, made) == few
    shares = replace(model, shares=csr_array(np.ones((1, 60))), wanted=np.array([10.0]))
    with_share = replace(made, m=np.full((len(made.m), 1), 40.0))
    all_pairs = proof.bound_of(shares, with_share)
    monkeypatch.setattr(proof, "MANY", 1)
    assert proof.bound_of(shares, with_share) == pytest.approx(all_pairs, rel=1e-12)
