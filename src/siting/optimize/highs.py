"""HiGHS on arrays: the only module that calls a solver. Every answer is checked, and solved again if invalid.

An answer is valid when its vector keeps rows, bounds and integrality, has the reported cost, and its bound is on
the right side. "optimal" requires that value and bound agree; for a linear programme the bound comes from the duals.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import highspy
import numpy as np

from siting.messages import Message
from siting.numbers import Floats, Positions
from siting.optimize.programme import Block, Programme, refuse_nonsense
from siting.optimize.solver_answers import ENDED, SolverAnswer, broken_by, fault_of, proven_by

__all__ = ["Block", "Outcome", "Programme", "Simplex", "SolverAnswer", "run"]

log = logging.getLogger(__name__)

#: Feasibility tolerance of rows and variables.
TOLERANCE = 1e-9
#: Options that are tried in turn until an answer is valid. Only the first gets the start.
TRIES: tuple[dict[str, Any], ...] = (
    {},
    {"random_seed": 1},
    {"random_seed": 2, "presolve": "off"},
    {"random_seed": 3, "presolve": "off", "simplex_strategy": 4},
)
#: Nodes of the second solve of a model that is reported infeasible.
SECOND_LOOK = 50
STATUS, MODEL_STATUS = highspy.HighsStatus, highspy.HighsModelStatus
#: States that a model may end in.
ENDS = {
    **dict.fromkeys([MODEL_STATUS.kOptimal, MODEL_STATUS.kModelEmpty], "optimal"),
    **dict.fromkeys([MODEL_STATUS.kSolutionLimit, MODEL_STATUS.kInterrupt], "feasible"),
    MODEL_STATUS.kInfeasible: "infeasible",
    MODEL_STATUS.kTimeLimit: "time_limit",
}
#: States that a `Simplex` may stand in.
STANDS = {
    **dict.fromkeys([MODEL_STATUS.kOptimal, MODEL_STATUS.kModelEmpty], "optimal"),
    **dict.fromkeys([MODEL_STATUS.kTimeLimit, MODEL_STATUS.kIterationLimit, MODEL_STATUS.kInterrupt], "stopped"),
    **dict.fromkeys([MODEL_STATUS.kUnbounded, MODEL_STATUS.kUnboundedOrInfeasible], "unbounded"),
}
NOTHING = np.zeros(0)
Stop: TypeAlias = Callable[[float, float], bool]


@dataclass(frozen=True, eq=False)
class Outcome:
    """A checked answer: `status` optimal, infeasible, time_limit or feasible; `x` is None without an incumbent.

    `duals` are the prices of the rows and the reduced costs of the variables, at the optimum of a linear programme;
    `nodes` counts the nodes of the solver's tree.
    """

    status: str
    x: Floats | None
    bound: float
    duals: tuple[Floats, Floats] | None = None
    nodes: int = 0


def run(
    model: Programme,
    *,
    start: Floats | None = None,
    gap: float = 1e-6,
    time_limit: float | None = None,
    stop: Stop | None = None,
    presolve: bool = True,
) -> Outcome:
    """Minimise *model* until the bound is within *gap* of the incumbent, or *time_limit* seconds have passed.

    *stop* is called from time to time with the value of the incumbent (infinite without) and the bound; the search ends
    when it returns True. When no options give a valid optimum, the best feasible vector is returned as "feasible", with
    a bound computed from prices, and a warning is logged.

    Raises
    ------
    ValueError
        When an array has the wrong length or holds NaN, which the solver would accept.
    RuntimeError
        When the solver fails, ends in an unknown state, or gives no valid answer.
    """
    refuse_nonsense(model, start)
    ends = math.inf if time_limit is None else time.perf_counter() + time_limit
    best = start if start is not None and broken_by(model, start) is None else None
    faults: list[Message] = []
    for number, options in enumerate(TRIES):
        if number and time.perf_counter() >= ends:
            break
        options = options if presolve else {**options, "presolve": "off"}
        answer = _attempt(model, {"mip_abs_gap": gap, **options}, ends, None if number else start, stop)
        known = math.inf if best is None else float(model.cost @ best)
        fault = fault_of(model, answer, gap, known)
        if fault is None and answer.status == "infeasible" and number == 0:
            fault = _second_look(model, ends)
        if fault is None:
            return _outcome(model, answer, best)
        faults.append(fault)
        log.info(Message("solver.other_options", why=fault, n=number + 1, all=len(TRIES)))
        if _holds(model, answer.x) and float(model.cost @ answer.x) < known:
            best = answer.x
    timed_out = time.perf_counter() >= ends
    if all(fault.code == "solver.ended" for fault in faults):
        raise RuntimeError(faults[0])
    if best is None and not timed_out:
        raise RuntimeError(Message("solver.no_answer", why=faults[-1]))
    log.warning(Message("solver.unproven", why=faults[0]))
    return Outcome("time_limit" if timed_out else "feasible", best, _relaxed_bound(model, ends))


def _holds(model: Programme, x: Floats) -> bool:
    return len(x) == len(model.cost) and broken_by(model, x) is None


def _outcome(model: Programme, answer: SolverAnswer, best: Floats | None) -> Outcome:
    """Return a valid answer; a start that is better than the result is kept."""
    if answer.status == "infeasible":
        return Outcome("infeasible", None, math.inf)
    x = answer.x if len(answer.x) else best
    if x is not None and best is not None and model.cost @ best < model.cost @ x:
        x = best
    if model.whole:
        return Outcome(answer.status, x, answer.bound, nodes=answer.nodes)
    if answer.status != "optimal":
        return Outcome(answer.status, None, answer.bound)
    return Outcome("optimal", x, answer.bound, (answer.prices, model.cost - model.matrix.T @ answer.prices))


def _second_look(model: Programme, ends: float) -> Message | None:
    """Search for a vector of a model reported infeasible, without presolve, for some nodes."""
    x = _attempt(model, {"presolve": "off", "random_seed": 1, "mip_max_nodes": SECOND_LOOK}, ends).x
    return Message("solver.other_answer") if len(x) and _holds(model, x) else None


def _relaxed_bound(model: Programme, ends: float) -> float:
    """Return a bound computed from the prices of the relaxation, or from none."""
    bound = proven_by(model, np.zeros(len(model.row_lower)))
    prices = _attempt(replace(model, whole=0), {}, ends).prices
    usable = len(prices) == len(model.row_lower) and np.isfinite(prices).all()
    return max(bound, proven_by(model, prices)) if usable else bound


def _attempt(
    model: Programme, options: dict[str, Any], ends: float, start: Floats | None = None, stop: Stop | None = None
) -> SolverAnswer:
    """Solve once; the answer is unchecked."""
    # A row of shares sums millions of people: a tolerance of 1e-6 of each would be whole persons.
    tolerances = {"mip_feasibility_tolerance": TOLERANCE, "primal_feasibility_tolerance": TOLERANCE}
    time_limit = {} if math.isinf(ends) else {"time_limit": max(0.01, ends - time.perf_counter())}
    highs = _solver({"mip_rel_gap": 0.0, **tolerances, **time_limit, **options})
    _done(highs.passModel(_lp(model)), "passModel")
    if start is not None:
        solution = highspy.HighsSolution()
        solution.col_value = start.tolist()
        solution.value_valid = True
        _done(highs.setSolution(solution), "setSolution")
    raised = [] if stop is None else _listen(highs, stop, whole=bool(model.whole))
    failed = highs.run() == STATUS.kError
    for error in raised:
        raise error
    end = highs.getModelStatus()
    if failed or end not in ENDS:
        return SolverAnswer(ENDED + highs.modelStatusToString(end), NOTHING, math.nan, math.nan, NOTHING)
    status, info, solution = ENDS[end], highs.getInfo(), highs.getSolution()
    value, x = float(info.objective_function_value), np.asarray(solution.col_value, float)
    if model.whole:
        x = x if math.isfinite(value) or status == "optimal" else NOTHING
        return SolverAnswer(status, x, value, float(info.mip_dual_bound), NOTHING, max(0, int(info.mip_node_count)))
    prices = np.asarray(solution.row_dual, float) if solution.dual_valid else NOTHING
    if status != "optimal":  # a simplex that was stopped proves nothing, and its point may break rows
        return SolverAnswer(status, NOTHING, math.nan, -math.inf, prices)
    return SolverAnswer("optimal", x, value, value, prices)


class Simplex:
    """A linear programme kept in the solver from solve to solve, while costs and bounds of variables change.

    Later solves are by the primal simplex, with *dual* by the dual one, which suits further rows.

    Answers are unchecked ("optimal", "stopped" or "unbounded", `x` of zeros where the solver gives no numbers): a bound
    is computed from their prices, which only an optimum has, as `siting.optimize.covering.relaxation` does.
    Arrays that do not fit raise ValueError, a solver that refuses or fails RuntimeError, here and in all methods.
    """

    def __init__(self, model: Programme, *, offset: float = 0.0, dual: bool = False) -> None:
        refuse_nonsense(model, None)
        self._again = 1 if dual else 4
        self.columns, self.rows = len(model.cost), len(model.row_lower)
        self._highs = _solver({"presolve": "off"})
        _done(self._highs.passModel(_lp(replace(model, whole=0), offset)), "passModel")
        self._solved = False

    def bound(self, at: Positions, lower: Floats, upper: Floats) -> None:
        """Set the bounds of the variables *at*."""
        _done(self._highs.changeColsBounds(len(at), at.astype(np.int32), lower, upper), "changeColsBounds")

    def price(self, at: Positions, cost: Floats) -> None:
        """Set the costs of the variables *at*, which are finite."""
        if not np.isfinite(cost).all():
            raise ValueError(Message("solver.not_finite", what="cost"))
        _done(self._highs.changeColsCost(len(at), at.astype(np.int32), cost), "changeColsCost")

    def row(self, at: Positions, weight: Floats, upper: float) -> None:
        """Add a row with an upper limit."""
        if not (np.isfinite(weight).all() and math.isfinite(upper)):
            raise ValueError(Message("solver.not_finite", what="weight, upper"))
        _done(self._highs.addRow(-math.inf, upper, len(at), at.astype(np.int32), weight), "addRow")
        self.rows += 1

    def solve(self, *, seconds: float = math.inf, steps: int | None = None) -> SolverAnswer:
        """Solve from the present basis, for at most *steps* iterations or *seconds*."""
        highs = self._highs
        # The first solve suits the dual simplex, later ones mostly the primal.
        self._set("simplex_strategy", self._again if self._solved else 1)
        self._set("simplex_iteration_limit", 2**31 - 1 if steps is None else int(steps))
        self._set("time_limit", math.inf if math.isinf(seconds) else highs.getRunTime() + seconds)
        if highs.run() == STATUS.kError or highs.getModelStatus() not in STANDS:
            self.forget()  # a basis that it cannot go on from
            self._set("simplex_strategy", 1)
            _done(highs.run(), "run")
        self._solved = True
        status = highs.getModelStatus()
        if status not in STANDS:
            raise RuntimeError(Message("solver.ended", status=highs.modelStatusToString(status)))
        return self._answer(STANDS[status])

    def _answer(self, status: str) -> SolverAnswer:
        solution, value = self._highs.getSolution(), float(self._highs.getInfo().objective_function_value)
        x, prices = np.asarray(solution.col_value, float), np.asarray(solution.row_dual, float)
        if len(x) != self.columns or not np.isfinite(x).all():
            x, status = np.zeros(self.columns), "stopped" if status == "optimal" else status
        if status == "optimal" and (len(prices) != self.rows or not np.isfinite(prices).all() or math.isnan(value)):
            status = "stopped"
        return SolverAnswer(status, x, value, math.nan, prices if status == "optimal" else NOTHING)

    def ray(self) -> Floats | None:
        """Return a ray of the objective after "unbounded"; None without one."""
        _, there, ray = self._highs.getPrimalRay()
        ray = np.asarray(ray, float) if there else NOTHING
        return ray if there and len(ray) == self.columns and np.isfinite(ray).all() else None

    def forget(self) -> None:
        """Forget basis and solution."""
        _done(self._highs.clearSolver(), "clearSolver")

    def basis(self) -> Any:
        """Return the present basis."""
        return self._highs.getBasis()

    def back_to(self, basis: Any) -> None:
        """Continue from this basis."""
        _done(self._highs.setBasis(basis), "setBasis")

    def _set(self, option: str, value: Any) -> None:
        _done(self._highs.setOptionValue(option, value), f"the option {option}")


def _listen(highs: Any, stop: Stop, *, whole: bool) -> list[BaseException]:
    """Call *stop* from the solver. Exceptions cannot pass through it: they are returned, to be raised later."""
    raised: list[BaseException] = []

    def listener(event: Any) -> None:
        out = event.data_out
        try:
            if stop(*((float(out.mip_primal_bound), float(out.mip_dual_bound)) if whole else (math.inf, -math.inf))):
                event.interrupt()
        except BaseException as error:
            raised.append(error)
            event.interrupt()

    (highs.cbMipInterrupt if whole else highs.cbSimplexInterrupt).subscribe(listener)
    return raised


def _solver(options: dict[str, Any]) -> Any:
    """Make a silent solver of one thread."""
    highs = highspy.Highs()
    for name, value in {"output_flag": False, "threads": 1, "random_seed": 0, **options}.items():
        _done(highs.setOptionValue(name, value), f"the option {name}")
    return highs


def _lp(model: Programme, offset: float = 0.0) -> Any:
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = model.matrix.shape[1], model.matrix.shape[0]
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = model.cost, model.lower, model.upper
    lp.row_lower_, lp.row_upper_ = model.row_lower, model.row_upper
    lp.offset_ = offset
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = model.matrix.indptr.astype(np.int32)
    lp.a_matrix_.index_ = model.matrix.indices.astype(np.int32)
    lp.a_matrix_.value_ = model.matrix.data
    if model.whole:
        kinds = [highspy.HighsVarType.kInteger] * model.whole
        lp.integrality_ = kinds + [highspy.HighsVarType.kContinuous] * (lp.num_col_ - model.whole)
    return lp


def _done(status: Any, what: str) -> None:
    if status == STATUS.kError:
        raise RuntimeError(Message("solver.refused", what=what))
