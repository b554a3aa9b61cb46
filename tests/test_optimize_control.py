"""Time, gap, progress and Ctrl-C: a search that is stopped gives the best plan so far with an honest bound."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pandas as pd
import pytest

import siting as st
from siting.compiled import compile_seconds, compiled
from siting.optimize.control import Control, gap_between


@pytest.fixture(scope="module")
def hard() -> tuple[st.Reach, pd.Series]:
    """A town too large to be solved in a moment: 3000 homes, 400 candidates."""
    random = np.random.default_rng(1)
    homes, sites = random.random((3000, 2)) * 5000, random.random((400, 2)) * 5000
    far = np.hypot(*(homes[:, None] - sites[None]).transpose(2, 0, 1))
    origin, site = np.nonzero(far <= 450)
    table = pd.DataFrame({"origin": origin, "destination": site, "cost": far[origin, site]})
    reach = st.Reach.from_pairs(table, origins=range(3000), destinations=range(400), limit=450)
    return reach, pd.Series(random.integers(1, 500, 3000))


def test_progress_is_told_and_never_crosses(hard: tuple[st.Reach, pd.Series]) -> None:
    reach, people = hard
    told: list[st.propose.Progress] = []
    plan = st.solve(st.MaxCoverage(), reach, demand=people, rules=[st.AtMost(12)], progress=told.append, gap=0.002)
    assert told
    assert [p.seconds for p in told] == sorted(p.seconds for p in told)
    both = [p for p in told if p.value is not None and p.bound is not None]
    assert both
    assert all(p.value <= p.bound + 1e-6 for p in both)  # type: ignore[operator]
    assert all(p.bound >= plan.objective - 1e-6 for p in both)  # type: ignore[operator]
    assert all(p.step for p in told)
    assert plan.gap <= 0.002


def test_progress_of_what_is_to_be_small_is_told_as_the_user_counts(hard: tuple[st.Reach, pd.Series]) -> None:
    reach, people = hard
    told: list[st.propose.Progress] = []
    plan = st.solve(st.MinSites(), reach, demand=people, rules=[st.Cover(0.6)], progress=told.append, gap=0.05)
    values = [p.value for p in told if p.value is not None]
    bounds = [p.bound for p in told if p.bound is not None]
    assert min(values, default=plan.objective) >= plan.objective
    assert max(bounds, default=0) <= plan.objective + 1e-6
    assert all(value > 0 for value in values)


def test_a_gap_is_enough_when_it_is_asked_for(hard: tuple[st.Reach, pd.Series]) -> None:
    reach, people = hard
    plan = st.solve(st.MaxCoverage(), reach, demand=people, rules=[st.AtMost(12)], gap=0.2)
    assert plan.gap <= 0.2
    assert plan.status in ("feasible", "optimal")
    assert plan.verify().ok


@pytest.mark.parametrize("gap", [-0.1, 1.0, float("nan"), "small", True])
def test_a_gap_is_a_share(hard: tuple[st.Reach, pd.Series], gap: object) -> None:
    with pytest.raises(st.errors.ProblemError, match="give a share of 0 or more and below 1"):
        st.solve(st.MaxCoverage(), hard[0], demand=hard[1], rules=[st.AtMost(3)], gap=gap)  # type: ignore[arg-type]


def test_progress_is_a_function_or_a_bar(hard: tuple[st.Reach, pd.Series], capsys: pytest.CaptureFixture[str]) -> None:
    reach, people = hard
    with pytest.raises(st.errors.ProblemError, match="give a function, or True for a bar"):
        st.solve(st.MaxCoverage(), reach, demand=people, rules=[st.AtMost(3)], progress="bar")  # type: ignore[arg-type]
    st.solve(st.MaxCoverage(), reach, demand=people, rules=[st.AtMost(3)], progress=True, gap=0.1)
    assert capsys.readouterr().out == ""  # the bar is on standard error, so that tables can be piped


CTRL_C = """
import os, signal, numpy as np, pandas as pd, siting as st
random = np.random.default_rng(2)
homes, sites = random.random((4000, 2)) * 4000, random.random((500, 2)) * 4000
far = np.hypot(*(homes[:, None] - sites[None]).transpose(2, 0, 1))
origin, site = np.nonzero(far <= 420)
table = pd.DataFrame({"origin": origin, "destination": site, "cost": far[origin, site]})
reach = st.Reach.from_pairs(table, origins=range(4000), destinations=range(500), limit=420)
people = pd.Series(random.integers(1, 500, 4000))
pressed = []
def press(now):
    if now.value is not None and not pressed:
        pressed.append(now)
        os.kill(os.getpid(), signal.SIGINT)
before = signal.getsignal(signal.SIGINT)
plan = st.solve(st.MaxCoverage(), reach, demand=people, rules=[st.AtMost(15)], progress=press)
again = signal.getsignal(signal.SIGINT) is before
print(len(pressed), plan.status, plan.objective < plan.bound, plan.verify().ok, again)
"""


@pytest.mark.slow
def test_ctrl_c_gives_the_best_plan_so_far() -> None:
    """A real signal, in a process of its own; after it Ctrl-C is Python's again."""
    done = subprocess.run([sys.executable, "-c", CTRL_C], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["1", "feasible", "True", "True", "True"]


def test_ctrl_c_pressed_again_is_a_keyboard_interrupt() -> None:
    with Control() as control:
        os.kill(os.getpid(), signal.SIGINT)
        assert control.interrupted
        assert control.must_stop
        assert control.for_subproblem().must_stop
        assert control.status == "feasible"
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_a_program_that_answers_ctrl_c_itself_is_left_to_it() -> None:
    pressed: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: pressed.append(number))
    try:
        with Control() as control:
            os.kill(os.getpid(), signal.SIGINT)
            assert (pressed, control.interrupted) == ([signal.SIGINT], False)
    finally:
        signal.signal(signal.SIGINT, before)


def test_in_another_thread_signals_are_left_alone(hard: tuple[st.Reach, pd.Series]) -> None:
    before, plans = signal.getsignal(signal.SIGINT), []
    reach, people = hard

    def work() -> None:
        plans.append(st.solve(st.MaxCoverage(), reach, demand=people, rules=[st.AtMost(3)], gap=0.05))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert signal.getsignal(signal.SIGINT) is before
    assert plans[0].sites == plans[1].sites  # and threads do not disturb each other


def test_gaps() -> None:
    assert gap_between(8, 10) == pytest.approx(0.2)
    assert gap_between(10, 8) == pytest.approx(0.2)
    assert gap_between(-10, -8) == pytest.approx(0.2)
    assert gap_between(0, 0) == 0
    assert np.isnan(gap_between(float("nan"), 3))


@compiled
def one_more(x):  # type: ignore[no-untyped-def]
    return x + 1


def test_seconds_of_compiling_are_not_counted() -> None:
    import numba

    assert one_more(1.0) == 2.0  # from here on compiling is noticed
    before, control, began = compile_seconds(), Control(time_limit=100.0), time.perf_counter()
    assert numba.njit(lambda x: x * 3)(2.0) == 6.0  # not cached: compiled each time
    compiling, elapsed = compile_seconds() - before, time.perf_counter() - began
    assert 0 < compiling <= elapsed
    assert control.seconds < elapsed - 0.9 * compiling + 0.01
    assert control.seconds_left > 100 - (elapsed - 0.9 * compiling) - 0.01
