"""HiGHS behind arrays: the only module that knows the solver, and trusts it with nothing unchecked."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

__all__ = ["Model", "Outcome", "run"]

Floats = npt.NDArray[np.float64]
#: How far a row or variable may lie outside its bounds.
TOLERANCE = 1e-9


@dataclass(frozen=True, eq=False)
class Model:
    """``min c x`` subject to ``low <= A x <= high``, ``0 <= x <= upper``; the first `whole` variables are integer."""

    cost: Floats
    lower: Floats
    upper: Floats
    matrix: csr_array
    row_lower: Floats
    row_upper: Floats
    whole: int


@dataclass(frozen=True, eq=False)
class Outcome:
    """What the solver found: `status` optimal, infeasible, time_limit or feasible; `x` None without an incumbent.

    `duals` are the prices of the rows and the reduced costs of the variables, for a model without whole variables that
    was solved to its optimum; `nodes` is how many nodes of its tree the solver looked at.
    """

    status: str
    x: Floats | None
    bound: float
    duals: tuple[Floats, Floats] | None = None
    nodes: int = 0


def run(
    model: Model,
    *,
    start: Floats | None = None,
    gap: float = 1e-6,
    time_limit: float | None = None,
    stop: Callable[[float, float], bool] | None = None,
) -> Outcome:
    """Minimise *model* until the bound is within *gap* of the incumbent, or *time_limit* seconds have passed.

    *stop* is asked now and then, with the value of the incumbent (infinite without) and the bound, whether to end the
    search.

    Raises
    ------
    ValueError
        When an array has the wrong length or holds what is no number: the solver would take it in silence.
    RuntimeError
        When the solver fails or ends in a state that says nothing.
    """
    import highspy

    _check(model, start)
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("threads", 1)
    highs.setOptionValue("random_seed", 0)
    highs.setOptionValue("mip_rel_gap", 0.0)
    highs.setOptionValue("mip_abs_gap", gap)
    # A row of shares sums millions of people: the usual 1e-6 of each would forgive whole persons.
    highs.setOptionValue("mip_feasibility_tolerance", TOLERANCE)
    highs.setOptionValue("primal_feasibility_tolerance", TOLERANCE)
    if time_limit is not None:
        highs.setOptionValue("time_limit", float(time_limit))
    _done(highspy, highs.passModel(_lp(highspy, model)), "passModel")
    if start is not None:
        solution = highspy.HighsSolution()
        solution.col_value = start.tolist()
        solution.value_valid = True
        _done(highspy, highs.setSolution(solution), "setSolution")
    raised = [] if stop is None else _listen(highs, stop, whole=bool(model.whole))
    _done(highspy, highs.run(), "run")
    for error in raised:
        raise error
    status = highs.getModelStatus()
    known = {
        highspy.HighsModelStatus.kOptimal: "optimal",
        highspy.HighsModelStatus.kInfeasible: "infeasible",
        highspy.HighsModelStatus.kTimeLimit: "time_limit",
        highspy.HighsModelStatus.kInterrupt: "feasible",
    }
    if status not in known:
        raise RuntimeError(f"the solver ended with {highs.modelStatusToString(status)}")
    if known[status] == "infeasible":
        return Outcome("infeasible", None, math.inf)
    info, solution = highs.getInfo(), highs.getSolution()
    values = np.asarray(solution.col_value, float)
    if not model.whole:
        return _of_lp(known[status], values, info, solution)
    bound, nodes = float(info.mip_dual_bound), max(0, int(info.mip_node_count))
    if not len(values) or not math.isfinite(info.objective_function_value):
        return Outcome(known[status], None, bound, nodes=nodes)
    return Outcome(known[status], values, bound, nodes=nodes)


def _of_lp(status: str, values: Floats, info: Any, solution: Any) -> Outcome:
    if status != "optimal":  # a simplex that was stopped proves nothing, and its point may break rows
        return Outcome(status, None, -math.inf)
    duals = np.asarray(solution.row_dual, float), np.asarray(solution.col_dual, float)
    return Outcome(status, values, float(info.objective_function_value), duals if solution.dual_valid else None)


def _listen(highs: Any, stop: Callable[[float, float], bool], *, whole: bool) -> list[BaseException]:
    """Have *stop* asked; what it raises cannot pass through the solver, so it is kept to be raised behind it."""
    raised: list[BaseException] = []

    def ask(event: Any) -> None:
        out = event.data_out
        try:
            if stop(*((float(out.mip_primal_bound), float(out.mip_dual_bound)) if whole else (math.inf, -math.inf))):
                event.interrupt()
        except BaseException as error:
            raised.append(error)
            event.interrupt()

    if whole:
        highs.cbMipInterrupt += ask
    else:
        highs.cbSimplexInterrupt += ask
    return raised


def _check(model: Model, start: Floats | None) -> None:
    rows, columns = model.matrix.shape
    lengths = {
        "cost": (model.cost, columns),
        "lower": (model.lower, columns),
        "upper": (model.upper, columns),
        "row_lower": (model.row_lower, rows),
        "row_upper": (model.row_upper, rows),
    }
    if start is not None:
        lengths["start"] = (start, columns)
    if not 0 <= model.whole <= columns:
        raise ValueError(f"whole is {model.whole}; the model has {columns} variables")
    for name, (array, length) in lengths.items():
        if len(array) != length:
            raise ValueError(f"{name} has {len(array)} entries, not {length}")
        if np.isnan(array).any():
            raise ValueError(f"{name} holds what is no number")
    finite = {"cost": model.cost, "matrix": model.matrix.data} | ({} if start is None else {"start": start})
    for name, array in finite.items():
        if not np.isfinite(array).all():
            raise ValueError(f"{name} is not finite")


def _lp(highspy: Any, model: Model) -> Any:
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = model.matrix.shape[1], model.matrix.shape[0]
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = model.cost, model.lower, model.upper
    lp.row_lower_, lp.row_upper_ = model.row_lower, model.row_upper
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = model.matrix.indptr.astype(np.int32)
    lp.a_matrix_.index_ = model.matrix.indices.astype(np.int32)
    lp.a_matrix_.value_ = model.matrix.data
    kinds = [highspy.HighsVarType.kInteger] * model.whole
    lp.integrality_ = kinds + [highspy.HighsVarType.kContinuous] * (lp.num_col_ - model.whole)
    return lp


def _done(highspy: Any, status: Any, what: str) -> None:
    if status == highspy.HighsStatus.kError:
        raise RuntimeError(f"the solver refused {what}")
