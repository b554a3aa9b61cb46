"""The wall before the solver: it takes nonsense in silence, so nothing unchecked may pass either way."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array

from siting.propose.mip import Model, run

# min -5x - 4y with 6x + 4y <= 9, both whole, at most 1: the best is y alone... or x alone, so x: -5.
KNAPSACK = Model(
    cost=np.array([-5.0, -4.0]),
    lower=np.zeros(2),
    upper=np.ones(2),
    matrix=csr_array(np.array([[6.0, 4.0]])),
    row_lower=np.array([-np.inf]),
    row_upper=np.array([9.0]),
    whole=2,
)


def test_a_small_model() -> None:
    outcome = run(KNAPSACK)
    assert outcome.status == "optimal"
    assert outcome.x is not None
    assert outcome.x.round(6).tolist() == [1, 0]
    assert outcome.bound == pytest.approx(-5)


def test_what_is_not_whole_may_be_a_fraction() -> None:
    outcome = run(replace(KNAPSACK, whole=1))
    assert outcome.x is not None
    assert outcome.x == pytest.approx([1, 0.75])
    assert outcome.bound == pytest.approx(-8)


def test_an_impossible_model() -> None:
    outcome = run(replace(KNAPSACK, row_lower=np.array([11.0]), row_upper=np.array([np.inf])))
    assert (outcome.status, outcome.x, outcome.bound) == ("infeasible", None, math.inf)


def test_a_model_without_rows() -> None:
    outcome = run(replace(KNAPSACK, matrix=csr_array((0, 2)), row_lower=np.zeros(0), row_upper=np.zeros(0)))
    assert outcome.x is not None
    assert outcome.x.tolist() == [1, 1]


def test_a_start_is_only_a_start() -> None:
    assert run(KNAPSACK, start=np.array([0.0, 1.0])).bound == pytest.approx(-5)


@pytest.mark.parametrize("name", ["cost", "lower", "upper", "row_lower", "row_upper"])
def test_arrays_of_a_wrong_length_are_refused(name: str) -> None:
    """Finding 4: the solver would read past the end."""
    for wrong in (getattr(KNAPSACK, name)[:-1], np.append(getattr(KNAPSACK, name), 0.0)):
        with pytest.raises(ValueError, match=f"{name} has {len(wrong)} entries, not"):
            run(replace(KNAPSACK, **{name: wrong}))


@pytest.mark.parametrize("name", ["cost", "lower", "upper", "row_lower", "row_upper"])
def test_what_is_no_number_is_refused(name: str) -> None:
    """Finding 4: the solver would call it optimal."""
    wrong = getattr(KNAPSACK, name).copy()
    wrong[-1] = np.nan
    with pytest.raises(ValueError, match=f"{name} holds what is no number"):
        run(replace(KNAPSACK, **{name: wrong}))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_coefficients_are_finite(value: float) -> None:
    with pytest.raises(ValueError, match="matrix is not finite"):
        run(replace(KNAPSACK, matrix=csr_array(np.array([[6.0, value]]))))
    with pytest.raises(ValueError, match="cost"):
        run(replace(KNAPSACK, cost=np.array([-5.0, value])))


def test_a_start_is_checked_too() -> None:
    with pytest.raises(ValueError, match="start has 1 entries, not 2"):
        run(KNAPSACK, start=np.zeros(1))
    with pytest.raises(ValueError, match="start"):
        run(KNAPSACK, start=np.array([0.0, np.nan]))


@pytest.mark.parametrize("whole", [-1, 3])
def test_no_more_whole_variables_than_there_are(whole: int) -> None:
    with pytest.raises(ValueError, match="whole is"):
        run(replace(KNAPSACK, whole=whole))


def test_a_state_that_says_nothing_is_an_error() -> None:
    """Finding 4: every status is looked at."""
    free = replace(KNAPSACK, upper=np.full(2, np.inf), row_upper=np.array([np.inf]))
    with pytest.raises(RuntimeError, match="the solver ended with"):
        run(free)


def test_a_row_of_millions_forgives_nobody() -> None:
    # 10 sites of a million each and a need of one person more: the usual tolerance would call that met.
    n = 10
    rows = np.zeros((n + 1, 2 * n))
    rows[:n, :n], rows[:n, n:] = np.eye(n), -np.eye(n)
    rows[n, n:] = 1e6
    model = Model(
        cost=np.concatenate([np.ones(n), np.zeros(n)]),
        lower=np.zeros(2 * n),
        upper=np.ones(2 * n),
        matrix=csr_array(rows),
        row_lower=np.append(np.zeros(n), 1e6 * (n - 1) + 0.5),
        row_upper=np.full(n + 1, np.inf),
        whole=n,
    )
    outcome = run(model)
    assert outcome.x is not None
    assert outcome.x[:n].sum() == pytest.approx(n)
