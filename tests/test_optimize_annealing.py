"""Maximal covering by annealing: plans on a line whose best are known, and the state that the loop keeps."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array

from siting.optimize.control import Control
from siting.optimize.covering import annealing, covering, plan_merging
from siting.optimize.covering import annealing_kernels as kernels
from siting.optimize.covering import coverage_bound as coverage_bound_module
from siting.optimize.covering.annealing import Annealing, is_wide
from siting.optimize.covering.coverage_bound import coverage_bound
from siting.optimize.covering.covering import solve_covering
from siting.optimize.covering.plan_merging import anneal_and_merge, merged
from siting.optimize.covering.presolve import reduce
from siting.optimize.covering.relaxation import Lagrangian, Relaxation
from siting.optimize.model import Model
from siting.optimize.proof import bound_of


def _line(needs: int, width: int, most: int, required: int | None = None) -> Model:
    """Needs on a line, one person each; column j covers need j and the next, *width* in all."""
    rows = [[j for j in range(i - width + 1, i + 1) if j >= 0] for i in range(needs)]
    at = np.concatenate(rows)
    benefit = csr_array(
        (np.ones(len(at)), at, np.cumsum([0, *map(len, rows)])), shape=(needs, needs)
    )  # fmt: skip
    lower = np.zeros(needs)
    if required is not None:
        lower[required] = 1.0
    none = csr_array((0, needs))
    return Model(
        benefit, np.zeros(needs), csr_array(np.ones((1, needs))), np.array([-np.inf]), np.array([float(most)]),
        lower, np.ones(needs), none, np.zeros(0), np.zeros(needs, bool), 1.0,
    )  # fmt: skip


@pytest.mark.parametrize(("required", "best"), [(None, 60), (1, 59)])
def test_annealing_finds_the_exact_tiling_of_a_line(monkeypatch, required, best):
    """Twelve columns of five tile sixty needs; one that must begin at the second need leaves the first out."""
    monkeypatch.setattr(annealing, "ROUND", 40_000)
    model = _line(60, 5, 12, required)
    found = Annealing(Lagrangian(model))
    found.run(Control(time_limit=5.0), 0.3)
    assert model.is_feasible(found.x)
    assert found.value == model.objective(found.x)
    assert found.value == best


def test_wide_models_only_count_columns(monkeypatch):
    monkeypatch.setattr(annealing, "WIDE", 60 * 12)
    assert is_wide(_line(60, 5, 12))
    assert not is_wide(_line(60, 5, 11))


def test_the_state_after_many_exchanges_is_that_of_its_plan():
    found = Annealing(Lagrangian(_line(60, 5, 14)))
    state, missing, covered = found._state(found._positions(found.x))
    best = state.opened.copy()
    random = np.array([7], np.uint64)
    _, covered, missing, made = kernels.anneal(found.cover, state, missing, covered, 2_000, 3.0, 1.0, random, best)
    assert made > 20
    anew, missing_anew, covered_anew = found._state(state.opened)
    assert (missing, covered) == (missing_anew, covered_anew)
    for name in ("place", "count", "places", "only", "loss"):
        assert (getattr(state, name) == getattr(anew, name)).all(), name


@pytest.mark.parametrize(("most", "required"), [(7, None), (7, 1), (12, None), (60, None)])
def test_the_bound_by_subgradients_is_a_bound_near_that_of_the_relaxation(most, required):
    model = _line(60, 5, most, required)
    terms = Lagrangian(model)
    columns = np.flatnonzero(model.lower == 0)
    number = most - int(model.lower.sum())
    target = Annealing(terms).value
    found = coverage_bound(terms, columns, number, target, Control(time_limit=20.0))
    bound, _ = terms.bound(found, model.lower, model.upper)
    least, _ = terms.bound(Relaxation(terms).solve(), model.lower, model.upper)
    assert least - 1e-6 <= bound <= least + 0.2
    assert (found.v >= 0).all()
    assert (found.v <= terms.w).all()


def test_the_bound_is_never_above_the_worth_of_all_needs(monkeypatch):
    """Equal shares of needs at the end of the line, which few columns cover, bound it by more than its sixty."""
    monkeypatch.setattr(coverage_bound_module, "ROUNDS", 1)
    terms = Lagrangian(_line(60, 5, 12))
    found = coverage_bound(terms, np.arange(60), 12, 50.0, Control(time_limit=5.0))
    assert terms.bound(found, terms.model.lower, terms.model.upper)[0] <= 60 + 1e-9


def test_merged_plans_give_the_best_of_their_columns():
    """Of ten columns on a line of twenty, those of two plans of three that cover 15 together."""
    terms = Lagrangian(_line(20, 5, 3))
    plans = [np.isin(np.arange(20), at) for at in ((0, 5, 7), (0, 3, 10))]
    assert [terms.model.objective(plan) for plan in plans] == [12, 13]
    best = merged(terms, plans, covering._by_branch_and_bound, Control(time_limit=5.0))
    assert np.flatnonzero(best).tolist() == [0, 5, 10]


def test_annealing_and_merging_begin_at_the_first_plan_and_the_best(monkeypatch):
    monkeypatch.setattr(annealing, "ROUND", 4_000)
    model = _line(60, 5, 12)
    found = Annealing(Lagrangian(model))
    first, begun, once = np.arange(60) < 12, [], found.run_round
    monkeypatch.setattr(found, "run_round", lambda *given: (begun.append(given[2]), once(*given))[1])
    control = Control(time_limit=5.0)
    anneal_and_merge(found, first, covering._by_branch_and_bound, control, control.seconds + 0.5)
    assert found.value == model.objective(found.x) == 60
    assert [each is first for each in begun[:3]] == [True] * plan_merging.FRESH
    assert any(model.objective(each) == 60 for each in begun[5:])


def test_annealing_ends_with_a_plan_that_reaches_the_bound(monkeypatch):
    monkeypatch.setattr(annealing, "ROUND", 4_000)
    found = Annealing(Lagrangian(_line(60, 5, 12)))
    control = Control(time_limit=30.0)
    anneal_and_merge(found, found.x, covering._by_branch_and_bound, control, 30.0, 60.0)
    assert found.value == 60
    assert control.seconds < 15


def test_a_wide_problem_with_time_ends_with_a_plan_and_a_proof_without_the_relaxation(monkeypatch):
    serves = np.random.default_rng(5).random((60, 60)) < 0.1
    model = replace(_line(60, 5, 7), benefit=csr_array(serves * (1.0 + np.arange(60)[:, None] % 7)))
    small = reduce(model).model
    monkeypatch.setattr(annealing, "WIDE", 7 * len(small.value))
    monkeypatch.setattr(annealing, "ROUND", 4_000)
    monkeypatch.setattr(covering, "LONG", 1.5)
    monkeypatch.setattr(covering, "FEW_ENTRIES", -1)
    relaxed, sizes = covering._relaxed, []

    def noting(terms, control):
        sizes.append(len(terms.model.value))
        return relaxed(terms, control)

    monkeypatch.setattr(covering, "_relaxed", noting)
    solved = solve_covering(model, Control(time_limit=1.6))
    assert model.is_feasible(solved.x)
    assert solved.value == model.objective(solved.x) < solved.bound
    assert np.floor(bound_of(small, solved.proof) + 1e-6) <= solved.bound
    assert solved.status == "time_limit"
    assert max(sizes) < len(small.value)
