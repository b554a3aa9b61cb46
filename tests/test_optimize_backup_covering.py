"""Maximal covering where several open columns serve a need, against enumeration."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.sparse import csr_array

from siting.optimize.control import Control
from siting.optimize.covering.backup_covering import is_backup, solve_backup
from siting.optimize.covering.backup_kernels import deepest_cut, least_credit
from siting.optimize.covering.backup_proof import BackupProof, bound_of_backup
from siting.optimize.milp import solve_milp
from siting.optimize.model import Model
from siting.optimize.solution import Solution
from siting.optimize.sparse_rows import row_max
from siting.propose.search import choose_engine
from siting.propose.search.choose_engine import proven_bound, solve_model


def model_of(reached: np.ndarray, weight: np.ndarray, most: float, times: np.ndarray, **more: object) -> Model:
    needs, columns = reached.shape
    pairs = csr_array(reached.astype(float))
    benefit = csr_array(
        (np.repeat(weight.astype(float), np.diff(pairs.indptr)), pairs.indices, pairs.indptr), pairs.shape
    )
    model = Model(
        benefit, np.zeros(columns), csr_array(np.ones((1, columns))), np.array([-np.inf]), np.array([float(most)]),
        np.zeros(columns), np.ones(columns), csr_array((0, needs)), np.zeros(0), np.zeros(needs, bool), 1.0,
        times=times,
    )  # fmt: skip
    return replace(model, **more)


@st.composite
def models(draw: st.DrawFn) -> Model:
    needs, columns = draw(st.integers(1, 12)), draw(st.integers(1, 8))
    random = np.random.default_rng(draw(st.integers(0, 10_000)))
    state = random.choice(3, columns, p=[0.8, 0.1, 0.1])  # free, open, shut
    return model_of(
        random.random((needs, columns)) < draw(st.sampled_from([0.3, 0.6, 0.9])),
        random.integers(0, 20, needs),
        draw(st.integers(0, columns)) + (state == 1).sum(),
        random.integers(1, 4, needs) if draw(st.booleans()) else np.full(needs, draw(st.integers(2, 3))),
        lower=(state == 1).astype(float),
        upper=(state != 2).astype(float),
        constant=float(draw(st.integers(0, 5))),
    )


def best_of(model: Model) -> float:
    columns, best = len(model.value), -np.inf
    for size in range(columns + 1):
        for chosen in combinations(range(columns), size):
            x = np.isin(np.arange(columns), chosen)
            if model.is_feasible(x):
                best = max(best, model.objective(x))
    return best


def city(seed: int = 1, needs: int = 200, columns: int = 40, most: int = 8, times: int = 2) -> Model:
    random = np.random.default_rng(seed)
    homes, sites = random.random((needs, 2)), random.random((columns, 2))
    reached = np.hypot(*(homes[:, None] - sites[None]).transpose(2, 0, 1)) < 0.22
    return model_of(reached, random.integers(1, 100, needs), most, np.full(needs, times))


@settings(max_examples=60, deadline=None)
@given(models())
def test_the_best_of_all_plans_is_found(model: Model) -> None:
    best = best_of(model)
    found = solve_backup(model, Control())
    assert is_backup(model)
    assert (found.status, found.value, found.bound) == ("optimal", best, best)
    assert model.is_feasible(found.x)
    assert isinstance(found.proof, BackupProof)
    assert bound_of_backup(model, found.proof) >= best - 1e-9


@settings(max_examples=60, deadline=None)
@given(models(), st.integers(0, 10_000))
def test_any_credits_bound_all_plans(model: Model, seed: int) -> None:
    random = np.random.default_rng(seed)
    credit = random.integers(0, 12, model.benefit.nnz) * (random.random(model.benefit.nnz) < 0.7)
    proof = BackupProof.of(np.zeros(model.benefit.shape[0]), random.integers(0, 20, 1).astype(float), credit / 2)
    assert bound_of_backup(model, proof) >= best_of(model) - 1e-9


def left_open(_model: Model, _control: Control, *, start: np.ndarray) -> Solution:
    return Solution(start, -np.inf, np.inf, "feasible", "HiGHS")


@pytest.mark.parametrize("times", [2, 3])
def test_the_bound_is_that_of_the_relaxation_with_all_cuts(times: int, monkeypatch: pytest.MonkeyPatch) -> None:
    model = city(needs=60, columns=25, times=times, most=7)
    best = solve_milp(model, Control()).value
    monkeypatch.setattr("siting.optimize.covering.backup_covering.solve_milp", left_open)
    found = solve_backup(model, Control())
    assert isinstance(found.proof, BackupProof)
    proven = proven_bound(model, found.proof)
    assert proven == pytest.approx(relaxed(model, range(times)), rel=1e-6)
    assert proven < relaxed(model, range(1)) - 1  # without cuts
    assert found.value == best
    assert found.bound == np.floor(proven + 1e-6)


def relaxed(model: Model, sizes: range) -> float:
    """Return the bound of the linear programme with all cuts that leave out so many columns."""
    needs, columns = model.benefit.shape
    rows, times = [], model.times
    for i in range(needs):
        of = model.benefit.indices[model.benefit.indptr[i] : model.benefit.indptr[i + 1]]
        for left_out in (out for size in sizes for out in combinations(of, min(size, len(of)))):
            row = np.zeros(columns + needs)
            row[np.setdiff1d(of, left_out)] = -1
            row[columns + i] = max(times[i] - len(left_out), 0) if len(of) >= times[i] else 1e3
            rows.append(row)
    rows.append(np.repeat([1.0, 0.0], [columns, needs]))
    weight = row_max(model.benefit, model.benefit.data)
    high = np.append(np.zeros(len(rows) - 1), model.high)
    return float(-linprog(np.append(np.zeros(columns), -weight), np.array(rows), high, bounds=(0, 1)).fun)


def test_cuts_lower_the_bound() -> None:
    """Three columns serve a need of 2: with 1, 1/2 and 0 open the one that leaves out the first says 1/2."""
    left_out, size = np.zeros(3, bool), np.zeros(1, np.int64)
    x, times = np.array([1.0, 0.5, 0.0]), np.array([2])
    broken = deepest_cut(np.array([0, 3]), np.arange(3), x, np.array([0.75]), times, left_out, size)
    assert (broken[0], size[0], left_out.tolist()) == (0.25, 1, [True, False, False])


def test_a_need_pays_its_smallest_credits() -> None:
    """The shut column does not count; with three columns wanted there are too few."""
    credit, upper = np.array([5.0, 1.0, 3.0]), np.array([1.0, 0.0, 1.0])
    for times, least in ((1, 3.0), (2, 8.0), (3, np.inf)):
        found = least_credit(np.array([0, 3]), np.arange(3), credit, np.array([times]), upper)
        assert found.tolist() == [least]


def test_a_proof_that_is_spoiled_proves_nothing_or_less() -> None:
    model = city(needs=60, columns=25, most=7)
    proof = solve_backup(model, Control()).proof
    bound = bound_of_backup(model, proof)
    assert np.isfinite(bound)
    spoiled = [
        replace(proof, credit=proof.credit - 1),
        replace(proof, credit=proof.credit[1:]),
        replace(proof, credit=np.full_like(proof.credit, np.nan)),
        replace(proof, v=proof.v - 1),
        replace(proof, y=-proof.y - 1),
        replace(proof, parent=np.array([-1, 0])),
    ]
    assert [bound_of_backup(model, each) for each in spoiled] == [np.inf] * len(spoiled)
    assert bound_of_backup(model, replace(proof, credit=0 * proof.credit)) > bound
    assert bound_of_backup(model, replace(proof, v=proof.v + 1)) > bound
    assert bound_of_backup(replace(model, times=None), proof) == np.inf


def test_large_problems_are_entered_and_small_ones_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    model = city(needs=60, columns=25, most=7)
    assert solve_model(model, Control()).engine == "HiGHS"
    monkeypatch.setattr(choose_engine, "MANY_PAIRS", 100)
    found = solve_model(model, Control())
    assert (found.engine, found.status) == ("backup covering", "optimal")
    shut = replace(model, high=np.array([np.inf]), low=np.array([2.0]))
    assert solve_model(shut, Control()).engine == "HiGHS"


def test_the_engine_ends_in_time() -> None:
    ticks = iter(np.arange(0, 1e6, 0.5))
    control = Control(time_limit=3.0)
    control.clock = lambda: float(next(ticks))  # type: ignore[method-assign]
    control.began = 0.0
    found = solve_backup(city(), control)
    assert found.x is not None
    assert found.value <= found.bound
