"""HiGHS behind arrays: the only module that knows the solver, and believes nothing that it says unchecked.

An answer counts when its vector keeps rows, bounds and wholeness, costs what the solver says it costs, and has its
bound on the right side; "optimal" counts when value and bound agree, which for a linear programme is worked out from
the prices by weak duality. An answer that fails is asked for again in another way.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from siting.numbers import Floats
from siting.optimize.silence import silent_output
from siting.optimize.solver_answers import Answer, Programme, broken_by, fault_of, proven_by, refuse_nonsense

__all__ = ["Outcome", "Programme", "Reply", "Simplex", "run"]

log = logging.getLogger(__name__)

Ints = npt.NDArray[Any]
#: How far the solver may leave a row or variable outside its bounds.
TOLERANCE = 1e-9
#: In which ways a model is tried, one after the other, until an answer holds. The start is given in the first only.
WAYS: tuple[dict[str, Any], ...] = (
    {},
    {"random_seed": 1},
    {"random_seed": 2, "presolve": "off"},
    {"random_seed": 3, "presolve": "off", "simplex_strategy": 4},
)
#: How many nodes a second look spends on a model that is said to have no answer.
SECOND_LOOK = 50

_shown: list[bool] = []


@dataclass(frozen=True, eq=False)
class Outcome:
    """What was found, and holds: `status` optimal, infeasible, time_limit or feasible; `x` None without an incumbent.

    `duals` are the prices of the rows and the reduced costs of the variables, for a model without whole variables that
    was solved to its optimum; `nodes` is how many nodes of its tree the solver looked at.
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
    stop: Callable[[float, float], bool] | None = None,
    presolve: bool = True,
) -> Outcome:
    """Minimise *model* until the bound is within *gap* of the incumbent, or *time_limit* seconds have passed.

    *stop* is asked now and then, with the value of the incumbent (infinite without) and the bound, whether to end the
    search. When no way of solving gives an optimum that holds, the best vector that keeps the rules comes back as
    "feasible" with a bound worked out from prices, and the log says so.

    Raises
    ------
    ValueError
        When an array has the wrong length or holds what is no number: the solver would take it in silence.
    RuntimeError
        When the solver fails, ends in a state that says nothing, or gives nothing that holds.
    """
    refuse_nonsense(model, start)
    ends = math.inf if time_limit is None else time.perf_counter() + time_limit
    best = start if start is not None and broken_by(model, start) is None else None
    faults: list[str] = []
    for number, way in enumerate(WAYS):
        if number and time.perf_counter() >= ends:
            break
        way = way if presolve else {**way, "presolve": "off"}
        left = None if time_limit is None else max(0.01, ends - time.perf_counter()) if number else time_limit
        said = _attempt(model, way, start=None if number else start, gap=gap, time_limit=left, stop=stop)
        known = math.inf if best is None else float(model.cost @ best)
        fault = fault_of(model, said, gap, known)
        if fault is None and said.status == "infeasible" and number == 0:
            fault = _second_look(model, ends)
        if fault is None:
            return _outcome(model, said, best)
        faults.append(fault)
        log.info("HiGHS: %s; trying another way (%d of %d)", fault, number + 1, len(WAYS))
        if len(said.x) == len(model.cost) and broken_by(model, said.x) is None and float(model.cost @ said.x) < known:
            best = said.x
    timed_out = time.perf_counter() >= ends
    if all(fault.startswith("ended with") for fault in faults):
        raise RuntimeError(f"the solver {faults[0]}")
    if best is None and not timed_out:
        raise RuntimeError(f"the solver gives no answer that holds ({faults[-1]}); please report the problem")
    log.warning("HiGHS: no answer holds (%s); the best vector that keeps the rules is taken, unproven", faults[0])
    return Outcome("time_limit" if timed_out else "feasible", best, _relaxed_bound(model, ends))


def _outcome(model: Programme, said: Answer, best: Floats | None) -> Outcome:
    """Return an answer that was found to hold; a start that is better than what the search ended with stays."""
    if said.status == "infeasible":
        return Outcome("infeasible", None, math.inf)
    x = said.x if len(said.x) else best
    if x is not None and best is not None and model.cost @ best < model.cost @ x:
        x = best
    if not model.whole:
        duals = None
        if said.status == "optimal":
            duals = said.prices, model.cost - model.matrix.T @ said.prices
        return Outcome(said.status, x if said.status == "optimal" else None, said.bound, duals)
    return Outcome(said.status, x, said.bound, nodes=said.nodes)


def _second_look(model: Programme, ends: float) -> str | None:
    """Look for an answer where there is said to be none, without presolve, for some nodes; say so when there is."""
    left = None if math.isinf(ends) else max(0.01, ends - time.perf_counter())
    said = _attempt(model, {"presolve": "off", "random_seed": 1, "mip_max_nodes": SECOND_LOOK}, time_limit=left)
    if len(said.x) and broken_by(model, said.x) is None:
        return "it says that there is no answer, and another way finds one"
    return None


def _relaxed_bound(model: Programme, ends: float) -> float:
    """Return a bound that rests on no word of the solver: by the prices of the relaxation, or by none."""
    alone = proven_by(model, np.zeros(len(model.row_lower)))
    left = None if math.isinf(ends) else max(0.01, ends - time.perf_counter())
    prices = _attempt(replace(model, whole=0), {}, time_limit=left).prices
    if len(prices) != len(model.row_lower) or not np.isfinite(prices).all():
        return alone
    return max(alone, proven_by(model, prices))


def _attempt(
    model: Programme,
    way: dict[str, Any],
    *,
    start: Floats | None = None,
    gap: float = 1e-6,
    time_limit: float | None = None,
    stop: Callable[[float, float], bool] | None = None,
) -> Answer:
    """Ask the solver once; what it says comes back as it is."""
    import highspy

    options = {
        "mip_rel_gap": 0.0,
        "mip_abs_gap": gap,
        # A row of shares sums millions of people: the usual 1e-6 of each would forgive whole persons.
        "mip_feasibility_tolerance": TOLERANCE,
        "primal_feasibility_tolerance": TOLERANCE,
        **({} if time_limit is None else {"time_limit": float(time_limit)}),
        **way,
    }
    highs = _solver(options)
    _done(highs.passModel(_lp(model)), "passModel")
    if start is not None:
        solution = highspy.HighsSolution()
        solution.col_value = start.tolist()
        solution.value_valid = True
        _done(highs.setSolution(solution), "setSolution")
    raised = [] if stop is None else _listen(highs, stop, whole=bool(model.whole))
    failed = highs.run() == highspy.HighsStatus.kError
    for error in raised:
        raise error
    kinds, status = highspy.HighsModelStatus, highs.getModelStatus()
    known = {
        kinds.kOptimal: "optimal",
        kinds.kModelEmpty: "optimal",
        kinds.kInfeasible: "infeasible",
        kinds.kTimeLimit: "time_limit",
        kinds.kSolutionLimit: "feasible",
        kinds.kInterrupt: "feasible",
    }
    nothing = np.zeros(0)
    if failed or status not in known:
        return Answer(f"ended with {highs.modelStatusToString(status)}", nothing, math.nan, math.nan, nothing)
    info, solution = highs.getInfo(), highs.getSolution()
    value = float(info.objective_function_value)
    x = np.asarray(solution.col_value, float)
    if not model.whole:
        prices = np.asarray(solution.row_dual, float) if solution.dual_valid else nothing
        if known[status] != "optimal":  # a simplex that was stopped proves nothing, and its point may break rows
            return Answer(known[status], nothing, math.nan, -math.inf, prices)
        return Answer("optimal", x, value, value, prices)
    x = x if math.isfinite(value) or known[status] == "optimal" else nothing
    nodes = max(0, int(info.mip_node_count))
    return Answer(known[status], x, value, float(info.mip_dual_bound), nothing, nodes)


@dataclass(frozen=True, eq=False)
class Reply:
    """Where a `Simplex` stands: `status` optimal, stopped or unbounded.

    `x` are the variables, zeros where the solver gives none that are numbers; `prices` those of the rows, only at an
    optimum. They are hints: whoever states a bound works it out from them, as `siting.optimize.relaxation` does.
    """

    status: str
    x: Floats
    prices: Floats | None
    value: float


class Simplex:
    """A linear programme that stays in the solver from solve to solve, while costs and bounds of variables change.

    Raises
    ------
    ValueError
        When an array has the wrong length or holds what is no number.
    RuntimeError
        When the solver refuses the problem; so do all methods when it refuses or fails.
    """

    def __init__(self, model: Programme, *, offset: float = 0.0) -> None:
        refuse_nonsense(model, None)
        self.columns, self.rows = len(model.cost), len(model.row_lower)
        self._highs = _solver({"presolve": "off"})
        _done(self._highs.passModel(_lp(replace(model, whole=0), offset)), "passModel")
        self._solved = False

    def bound(self, at: Ints, lower: Floats, upper: Floats) -> None:
        """Set the bounds of the variables *at*."""
        _done(self._highs.changeColsBounds(len(at), at.astype(np.int32), lower, upper), "changeColsBounds")

    def price(self, at: Ints, cost: Floats) -> None:
        """Set the costs of the variables *at*, which are finite."""
        if not np.isfinite(cost).all():
            raise ValueError("cost is not finite")
        _done(self._highs.changeColsCost(len(at), at.astype(np.int32), cost), "changeColsCost")

    def solve(self, *, seconds: float = math.inf, steps: int | None = None) -> Reply:
        """Solve from the basis at hand, for *steps* iterations or so many *seconds* at most."""
        import highspy

        highs, kinds = self._highs, highspy.HighsModelStatus
        # The first solve starts where the dual simplex can, each further one where the primal can go on.
        self._set("simplex_strategy", 4 if self._solved else 1)
        self._set("simplex_iteration_limit", 2**31 - 1 if steps is None else int(steps))
        self._set("time_limit", math.inf if math.isinf(seconds) else highs.getRunTime() + seconds)
        known = {
            kinds.kOptimal: "optimal",
            kinds.kModelEmpty: "optimal",
            kinds.kTimeLimit: "stopped",
            kinds.kIterationLimit: "stopped",
            kinds.kInterrupt: "stopped",
            kinds.kUnbounded: "unbounded",
            kinds.kUnboundedOrInfeasible: "unbounded",
        }
        if highs.run() == highspy.HighsStatus.kError or highs.getModelStatus() not in known:
            self.forget()  # a basis that it cannot go on from
            self._set("simplex_strategy", 1)
            _done(highs.run(), "run")
        self._solved = True
        status = highs.getModelStatus()
        if status not in known:
            raise RuntimeError(f"the solver ended with {highs.modelStatusToString(status)}")
        return self._reply(known[status])

    def _reply(self, status: str) -> Reply:
        solution, value = self._highs.getSolution(), float(self._highs.getInfo().objective_function_value)
        x, prices = np.asarray(solution.col_value, float), np.asarray(solution.row_dual, float)
        if len(x) != self.columns or not np.isfinite(x).all():
            x, status = np.zeros(self.columns), "stopped" if status == "optimal" else status
        if status == "optimal" and (len(prices) != self.rows or not np.isfinite(prices).all() or math.isnan(value)):
            status = "stopped"
        return Reply(status, x, prices if status == "optimal" else None, value)

    def ray(self) -> Floats | None:
        """Return a direction in which the value falls without end, after "unbounded"; None where there is none."""
        # The stubs of highspy lack this call.
        _, there, ray = self._highs.getPrimalRay()
        found = np.asarray(ray, float) if there else np.zeros(0)
        return found if there and len(found) == self.columns and np.isfinite(found).all() else None

    def forget(self) -> None:
        """Forget basis and solution."""
        _done(self._highs.clearSolver(), "clearSolver")

    def basis(self) -> Any:
        """Return the basis at hand, to come back to."""
        return self._highs.getBasis()

    def back_to(self, basis: Any) -> None:
        """Go on from this basis."""
        _done(self._highs.setBasis(basis), "setBasis")

    def _set(self, option: str, value: Any) -> None:
        _done(self._highs.setOptionValue(option, value), f"the option {option}")


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


def _solver(options: dict[str, Any]) -> Any:
    """Make a silent solver of one thread; the first of a process may print a banner before it can be told not to."""
    import highspy

    if _shown:
        highs = highspy.Highs()
    else:
        with silent_output():
            highs = highspy.Highs()
        _shown.append(True)
    for name, value in {"output_flag": False, "threads": 1, "random_seed": 0, **options}.items():
        _done(highs.setOptionValue(name, value), f"the option {name}")
    return highs


def _lp(model: Programme, offset: float = 0.0) -> Any:
    import highspy

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
    import highspy

    if status == highspy.HighsStatus.kError:
        raise RuntimeError(f"the solver refused {what}")
