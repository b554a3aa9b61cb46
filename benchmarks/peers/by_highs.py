"""HiGHS with the textbook's model: one thread, no gap allowed, everything else as it comes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import highspy
import numpy as np

from benchmarks.peers.solving import Solved, processor_seconds
from benchmarks.peers.textbook import Textbook

__all__ = ["solve", "stopping"]


def solve(model: Textbook, seconds: float) -> Solved:
    """Maximise; the seconds are those of `run` alone."""
    began = processor_seconds()
    highs = highspy.Highs()
    for option, value in (("output_flag", False), ("threads", 1), ("mip_rel_gap", 0.0)):
        highs.setOptionValue(option, value)
    call, kinds = stopping(seconds)
    highs.setCallback(call, None)
    for kind in kinds:
        highs.startCallback(kind)
    if highs.passModel(_lp(model)) == highspy.HighsStatus.kError:
        raise RuntimeError("HiGHS refused the model")
    built = processor_seconds()
    if highs.run() == highspy.HighsStatus.kError:
        raise RuntimeError("HiGHS failed")
    spent = processor_seconds() - built
    status = highs.getModelStatus()
    told, info = highs.modelStatusToString(status), highs.getInfo()
    values = np.asarray(highs.getSolution().col_value, float)
    # Before it has a plan it gives an infinite objective, whatever it holds as values.
    if not len(values) or not math.isfinite(info.objective_function_value):
        return Solved("none", told, bound=-info.mip_dual_bound, build=built - began, seconds=spent)
    proven = "optimal" if status == highspy.HighsModelStatus.kOptimal else "limit"
    sites = tuple(int(j) for j in np.flatnonzero(values[: model.whole] > 0.5))
    return Solved(
        proven, told, sites, -info.objective_function_value, -info.mip_dual_bound, built - began, spent
    )  # fmt: skip


def stopping(seconds: float) -> tuple[Callable[..., None], list[Any]]:
    """Return what stops HiGHS by the processor's clock, and when it is asked: its own limit is by the wall's."""
    kind = highspy.cb.HighsCallbackType
    until = processor_seconds() + seconds

    def call(_kind: Any, _message: str, _out: Any, put: Any, _data: Any) -> None:
        put.user_interrupt = processor_seconds() > until

    return call, [kind.kCallbackMipInterrupt, kind.kCallbackSimplexInterrupt, kind.kCallbackIpmInterrupt]


def _lp(model: Textbook) -> highspy.HighsLp:
    lp = highspy.HighsLp()
    n = len(model.objective)
    lp.num_col_, lp.num_row_ = n, len(model.low)
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = -model.objective, np.zeros(n), model.upper
    lp.row_lower_, lp.row_upper_ = model.low, model.high
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = model.rows.indptr.astype(np.int32)
    lp.a_matrix_.index_ = model.rows.indices.astype(np.int32)
    lp.a_matrix_.value_ = model.rows.data.astype(float)
    kinds = (highspy.HighsVarType.kInteger, highspy.HighsVarType.kContinuous)
    lp.integrality_ = [kinds[0]] * model.whole + [kinds[1]] * (n - model.whole)
    return lp
