"""Random calls of every objective with a time limit: back in time, with a plan, a finite bound and a true status."""

from __future__ import annotations

import importlib.util
import logging
import math
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from siting.compiled import compile_seconds
from siting.optimize.control import Control

log = logging.getLogger(__name__)
#: Limits of one round of all kinds after the other: 200 calls take 12 minutes at most.
LIMITS = [0.5, 2.0, 10.0, 0.5, 2.0, 10.0, 0.5]
#: Seconds that a call may take beyond its limit, or a share of it; and of `verify`, or a share of the call.
LATE, LATE_SHARE, CHECK, CHECK_SHARE = 1.0, 0.05, 0.5, 0.1


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


problems: Any = _load("random_problems")


def _process() -> float:
    """Seconds of this process, without those of compiling loops: no limit counts them."""
    return time.process_time() - compile_seconds()


def _wall() -> float:
    """Seconds on the wall, without those of compiling loops."""
    return time.perf_counter() - compile_seconds()


def test_a_time_limit_is_kept_and_there_is_a_plan_and_a_bound(
    tries: Callable[[int, int], int], record: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A time limit is kept for the whole call, which ends with a plan, a finite bound and a true status.

    On a machine with nothing else to do the clock is that on the wall, else that of the process: other work on the
    machine does not count.
    """
    number, kinds = tries(12, 200), list(problems.KINDS)
    few = number < 100
    quiet = not few and hasattr(os, "getloadavg") and os.getloadavg()[0] < (os.cpu_count() or 1)
    monkeypatch.setattr(Control, "clock", staticmethod(time.perf_counter if quiet else _process))
    sizes, limits = (["tiny", "small"], [0.5]) if few else (list(problems.SIZES), LIMITS)
    wrong: dict[str, list[str]] = defaultdict(list)
    worst = defaultdict[str, list[float]](lambda: [-math.inf, 0.0])
    for turn in range(number):
        # a step that has no common divisor with the number of kinds, so that few tries see different ones
        kind, size = kinds[turn * 5 % len(kinds)], sizes[turn % len(sizes)]
        limit = limits[turn // len(kinds) % len(limits)]
        if kind not in worst:  # the engines are loaded once, which is not counted
            problems.make_call(kind, "small", 1).solve(time_limit=0.5).verify()
        for fault in _faults(kind, size, limit, turn, worst[kind]):
            wrong[fault].append(f"{kind}, {size}, limit {limit:g}, seed {turn}")
    late, check = max(each[0] for each in worst.values()), max(each[1] for each in worst.values())
    names = ("late", "no_plan", "no_bound", "untrue", "silent", "slow_check", "wrong")
    by = "on the wall" if quiet else "of the process"
    told = (
        f"at most {late:.2f} s ({by}) beyond the limit; the check at most {100 * check:.0f} % of the call or {CHECK} s"
    )
    record(number, told=told, **{name: len(wrong[name]) for name in names})
    for kind, (over, share) in sorted(worst.items()):
        log.info("%-28s %6.2f s beyond the limit, check %4.1f %% of the call", kind, over, 100 * share)
    assert not any(wrong.values()), {name: found for name, found in wrong.items() if found}


def _faults(kind: str, size: str, limit: float, seed: int, worst: list[float]) -> list[str]:
    """Solve one problem and name what is wrong with the answer; *worst* keeps the largest excess and share."""
    call, reports = problems.make_call(kind, size, seed), list[Any]()
    began, wall = _process(), _wall()
    plan = call.solve(time_limit=limit, progress=reports.append)
    took = min(_process() - began, _wall() - wall)  # the wall does not count what others take
    began = _process()
    checked = plan.verify()
    check = _process() - began
    over = took - limit
    worst[0] = max(worst[0], over)
    worst[1] = max(worst[1], check / took if check > CHECK else 0.0)
    met = abs(plan.objective - plan.bound) <= 1e-9 * abs(plan.bound) or plan.gap < 1e-6
    beyond = (plan.objective - plan.bound) * plan.answer.sense > 1e-6 * abs(plan.bound)
    return [
        name
        for name, fault in {
            "late": over > max(LATE, LATE_SHARE * limit),
            "no_plan": plan.answer.x is None,
            # where `between` does not hold all pairs sites may be as far apart as can be
            "no_bound": not math.isfinite(plan.bound) and not (kind.startswith("spacing") and size == "huge"),
            "untrue": plan.status not in ("optimal", "time_limit") or (plan.status == "optimal" and not met),
            "wrong": not checked.ok or beyond,
            "silent": len(reports) < 2 or reports[0].step != "model" or reports[-1].step != plan.status,
            "slow_check": check > max(CHECK, CHECK_SHARE * took),
        }.items()
        if fault
    ]
