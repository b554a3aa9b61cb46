"""HiGHS behind arrays: models are checked before, answers after."""

from __future__ import annotations

import logging
import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

from siting.optimize import highs
from siting.optimize.highs import Programme, Simplex, run
from siting.optimize.solver_answers import SolverAnswer, proven_by

# min -5x - 4y with 6x + 4y <= 9, both whole, at most 1: the best is y alone... or x alone, so x: -5.
KNAPSACK = Programme(
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
    model = Programme(
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


# What an answer must show. The relaxation is y = 1, x = 5/6: -49/6; a unit of the row is worth 5/6.
RELAXED = replace(KNAPSACK, whole=0)
TRUTH = SolverAnswer("optimal", np.array([1.0, 0.0]), -5.0, -5.0, np.zeros(0), 1)
TRUTH_RELAXED = SolverAnswer("optimal", np.array([5 / 6, 1.0]), -49 / 6, -49 / 6, np.array([-5 / 6]))
LIES: dict[str, tuple[Programme, SolverAnswer]] = {
    "costs": (KNAPSACK, replace(TRUTH, value=-9.0, bound=-9.0)),
    "costs -4, not -5": (KNAPSACK, replace(TRUTH, x=np.array([0.0, 1.0]))),
    "breaks a row": (KNAPSACK, replace(TRUTH, x=np.array([1.0, 1.0]), value=-9.0, bound=-9.0)),
    "leaves the bounds": (KNAPSACK, replace(TRUTH, x=np.array([-1.0, 3.0]), value=-7.0, bound=-7.0)),
    "is not whole": (KNAPSACK, replace(TRUTH, x=np.array([1.0, 0.75]), value=-8.0, bound=-8.0)),
    "entries": (KNAPSACK, replace(TRUTH, x=np.array([1.0]))),
    "gives no vector": (KNAPSACK, replace(TRUTH, x=np.zeros(0))),
    "no number": (KNAPSACK, replace(TRUTH, x=np.array([1.0, np.nan]))),
    "as reported": (KNAPSACK, replace(TRUTH, value=math.nan)),
    "bound is nan": (KNAPSACK, replace(TRUTH, bound=math.nan)),
    "bound is inf": (KNAPSACK, replace(TRUTH, bound=math.inf)),
    "above its value": (KNAPSACK, replace(TRUTH, bound=-4.0)),
    "differ": (KNAPSACK, replace(TRUTH, bound=-7.0)),
    "other options find one": (KNAPSACK, SolverAnswer("infeasible", np.zeros(0), math.inf, math.inf, np.zeros(0))),
    "ended with": (KNAPSACK, SolverAnswer("ended with Unknown", np.zeros(0), math.nan, math.nan, np.zeros(0))),
    "above what is known": (KNAPSACK, SolverAnswer("time_limit", np.zeros(0), math.inf, -3.0, np.zeros(0))),
    "prices are missing": (RELAXED, replace(TRUTH_RELAXED, prices=np.zeros(0))),
    "or no numbers": (RELAXED, replace(TRUTH_RELAXED, prices=np.array([np.nan]))),
    "its prices prove": (RELAXED, replace(TRUTH_RELAXED, prices=np.array([-0.5]))),
    "prices prove": (RELAXED, replace(TRUTH_RELAXED, prices=np.array([1.0]))),
}
Lie = Callable[..., SolverAnswer]


def lying(monkeypatch: pytest.MonkeyPatch, lie: SolverAnswer, times: int = 10**9) -> list[dict[str, Any]]:
    """Have the solver say *lie* so many times, and tell in which ways it was asked."""
    real, asked = highs._attempt, []

    def attempt(
        model: Programme, options: dict[str, Any], ends: float, start: Any = None, stop: Any = None
    ) -> SolverAnswer:
        way = {name: value for name, value in options.items() if name != "mip_abs_gap"}
        if "mip_max_nodes" in way or (model.whole == 0 and len(lie.prices) == 0 and lie.status != "optimal"):
            return real(model, options, ends, start, stop)
        asked.append({**way, "start": start})
        return lie if len(asked) <= times else real(model, options, ends, start, stop)

    monkeypatch.setattr(highs, "_attempt", attempt)
    return asked


@pytest.mark.parametrize("fault", LIES)
def test_a_lie_is_asked_again_in_another_way(
    fault: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    model, lie = LIES[fault]
    asked = lying(monkeypatch, lie, times=1)
    start = np.array([1.0, 0.0]) if fault == "above what is known" else None
    with caplog.at_level(logging.INFO, logger="siting"):
        outcome = run(model, start=start)
    assert fault in caplog.text
    assert outcome.x == pytest.approx([1, 0] if model.whole else [5 / 6, 1])
    assert outcome.status == "optimal"
    assert outcome.bound == pytest.approx(-5 if model.whole else -49 / 6)
    assert asked[0] == {"start": start}
    assert asked[1] == {"random_seed": 1, "start": None}


def test_what_is_true_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = lying(monkeypatch, TRUTH)
    assert run(KNAPSACK).bound == -5
    assert len(asked) == 1


def test_a_liar_who_never_stops_is_not_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = lying(monkeypatch, LIES["breaks a row"][1])
    with pytest.raises(RuntimeError, match=r"no valid answer.*breaks a row"):
        run(KNAPSACK)
    assert len(asked) == len(highs.TRIES)
    assert asked[-1]["presolve"] == "off"


def test_a_vector_that_keeps_the_rules_is_unproven_without_a_bound_that_agrees(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It costs -4, whatever the solver says; the bound is what no vector can cost less than, by hand -9 = -5 - 4."""
    lying(monkeypatch, replace(TRUTH, x=np.array([0.0, 1.0]), value=-9.0, bound=-9.0))
    outcome = run(KNAPSACK)
    assert outcome.status == "feasible"
    assert outcome.x is not None
    assert outcome.x.tolist() == [0, 1]
    assert outcome.bound == -9
    assert "unproven" in caplog.text


def test_of_a_liar_and_a_start_the_better_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    lying(monkeypatch, replace(TRUTH, x=np.array([0.0, 1.0]), value=-4.0, bound=-4.0))
    outcome = run(KNAPSACK, start=np.array([1.0, 0.0]))
    assert outcome.status == "feasible"
    assert outcome.x is not None
    assert outcome.x.tolist() == [1, 0]
    assert outcome.bound <= -5


def test_no_answer_where_a_start_shows_one(monkeypatch: pytest.MonkeyPatch) -> None:
    lying(monkeypatch, LIES["other options find one"][1], times=1)
    assert run(KNAPSACK, start=np.array([0.0, 1.0])).status == "optimal"


def test_without_time_for_another_way_the_start_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    lying(monkeypatch, replace(TRUTH, bound=math.nan))
    outcome = run(KNAPSACK, start=np.array([0.0, 1.0]), time_limit=1e-9)
    assert outcome.status == "time_limit"
    assert outcome.x is not None
    assert outcome.x.tolist() == [1, 0]  # the vector itself holds
    assert outcome.bound <= -5


@pytest.mark.parametrize("price", [-2.0, -1.0, -5 / 6, -0.5, 0.0, 0.5, 3.0])
def test_any_price_gives_a_bound_that_holds(price: float) -> None:
    """The row costs *price* for each unit up to 9; a price above 0 points to a side that the row has not."""
    y = min(price, 0.0)
    by_hand = 9 * y + min(0.0, -5 - 6 * y) + min(0.0, -4 - 4 * y)
    assert proven_by(RELAXED, np.array([price])) == pytest.approx(by_hand)
    assert by_hand <= -49 / 6


def test_a_programme_that_stays_in_the_solver() -> None:
    kept = Simplex(RELAXED, offset=1.0)
    first = kept.solve()
    assert (first.status, first.value) == ("optimal", pytest.approx(-43 / 6))
    assert first.prices == pytest.approx([-5 / 6])
    kept.bound(np.array([1]), np.array([0.0]), np.array([0.5]))
    assert kept.solve().x == pytest.approx([1, 0.5])
    kept.price(np.array([0]), np.array([5.0]))
    assert kept.solve().x == pytest.approx([0, 0.5])
    assert kept.ray() is None
    with pytest.raises(ValueError, match="cost is not finite"):
        kept.price(np.array([0]), np.array([np.nan]))


def test_a_programme_without_end_has_a_ray() -> None:
    kept = Simplex(replace(RELAXED, upper=np.full(2, np.inf), row_upper=np.array([np.inf])))
    assert kept.solve().status == "unbounded"
    kept.forget()
    ray = kept.ray()
    assert ray is None or RELAXED.cost @ ray < 0


@pytest.mark.parametrize("wrong", ["x", "prices", "value"])
def test_numbers_that_are_none_do_not_leave_the_programme(wrong: str) -> None:
    kept = Simplex(RELAXED)
    kept.solve()
    real = kept._highs

    class Lying:
        def getSolution(self) -> Any:  # noqa: N802 - the solver's name
            solution = real.getSolution()
            if wrong == "x":
                solution.col_value = [math.nan, 0.0]
            if wrong == "prices":
                solution.row_dual = [math.nan]
            return solution

        def getInfo(self) -> Any:  # noqa: N802 - the solver's name
            info = real.getInfo()
            if wrong == "value":
                info.objective_function_value = math.nan
            return info

    kept._highs = Lying()
    reply = kept._answer("optimal")
    assert reply.status == "stopped"
    assert not len(reply.prices)
    assert np.isfinite(reply.x).all()


LOUD = """
import os, sys
os.environ["PYTHONUNBUFFERED"] = "1"
{before}
import numpy as np
from scipy.sparse import csr_array
from siting.optimize.highs import Programme, run
one = np.ones(1)
run(Programme(one, 0 * one, one, csr_array(np.ones((1, 1))), one, one, 1))
{after}
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("print('before', end=' ')", "print('after')", "before after\n"),
        ("import io; sys.stdout = io.StringIO()", "", ""),
        ("sys.stdout = None", "", ""),
        ("os.close(1)", "", ""),
    ],
)
def test_the_solver_writes_nothing(before: str, after: str, said: str) -> None:
    """Not even a banner; and what others write arrives, in its order."""
    code = LOUD.format(before=before, after=after)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, said, "")
