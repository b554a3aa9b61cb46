"""Make the least of several served amounts as large as possible: the worst district, the worst scenario, the regret.

Goal s asks for ``f_s(x) >= offset_s + slope_s t``, f_s being what is served of it, and t is to be large. A threshold is
no part of a `Model`, so it is written in its terms: t = top - sum of step_k c_k with columns c_k that serve a need,
and

    f_s(x) + slope_s sum of step_k c_k >= offset_s + slope_s top        for each goal s

is a share, as a column that opens serves its need. Opening c_k costs its step. The steps are multiples of a unit: a
solved round narrows t down to one, and the next round divides that. Where sums are multiples of a grain the last unit
is the way to the next t that a plan can have, and the answer is exact.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array, hstack, vstack

from siting.errors import ProblemError
from siting.messages import Message
from siting.numbers import Bools, Floats, Ints
from siting.optimize.control import Control
from siting.optimize.model import Model
from siting.propose.model.formulation import Formulation
from siting.propose.search.choose_engine import solve_model

__all__ = [
    "ROUNDING",
    "Goals",
    "Level",
    "extended",
    "maximise_least",
    "reached",
    "refuse_uncounted",
    "served_amounts",
    "with_goals",
    "within",
]

#: Units of a round, as a power of two; and how near t is proven where sums have no grain, as a share of the range.
POWER, NEAR = 11, 1e-7
#: The rounding tolerance of a sum of fractions, as a share of all that is counted.
ROUNDING = 1e-9
NONE = np.zeros(0)


@dataclass(frozen=True, eq=False)
class Goals:
    """What must be served at t: ``weight [served] >= offset + slope t``, slopes above 0, sums multiples of *grain*."""

    weight: csr_array
    offset: Floats
    slope: Floats
    grain: float = 0.0

    def reached(self, amounts: Floats) -> float:
        """Return the largest t at which the served *amounts* are enough."""
        return float(((amounts - self.offset) / self.slope).min())

    def needed(self, t: float) -> Floats:
        """Return how much must be served of each at t; fractions may miss it by the rounding tolerance."""
        need = self.offset + self.slope * t
        return np.asarray(np.ceil(need / self.grain - 1e-6) * self.grain if self.grain else need - self.slack)

    @property
    def slack(self) -> Floats:
        """The rounding tolerance of each sum: less than a grain, where there is one."""
        return np.asarray(ROUNDING * np.maximum(1.0, self.weight.sum(axis=1)))

    def above(self, t: float, range_: float) -> float:
        """Return the least t above the given one that a plan can have; within the rounding tolerance it is the same."""
        if not self.grain:
            return t + NEAR * range_
        same = 4 * float((self.slack / self.slope).max())
        count = np.floor((self.offset + self.slope * (t + same)) / self.grain + 1e-6) + 1
        return float(((count * self.grain - self.offset) / self.slope).min())


@dataclass(frozen=True, eq=False)
class Level:
    """The plan with the largest least: its t and the bound on it; x is None without a plan."""

    x: Bools | None
    t: float
    bound: float
    status: str
    engine: str


def maximise_least(
    model: Model,
    goals: Goals,
    control: Control,
    *,
    start: Bools | None = None,
    top: float = math.inf,
    near: Callable[[float], float] | None = None,
) -> Level:
    """Find the plan of *model* whose largest t with all goals kept is largest; what the model is worth does not count.

    *start* may break rules, no t is above *top*, and the bound may stay *near* a t, whatever the gap of the control.
    """
    top = min(top, reached(model, goals, model.upper > 0))
    floor = goals.reached(np.zeros(len(goals.slope)))
    range_ = max(top - floor, 1e-12)
    top = max(top, floor)
    best = np.asarray(start, bool) if start is not None and model.is_feasible(np.asarray(start, bool)) else None
    t = floor if best is None else reached(model, goals, best)
    engine = "rules"
    while best is None or not _proven(goals, t, top, range_):
        allowed = 0.0 if near is None or best is None else near(t)
        if best is not None and top - t <= allowed:
            break
        units = _units(goals, t, top, range_, allowed, known=best is not None)
        start = None if best is None else np.append(best, np.ones(len(_sizes(units[2])), bool))  # all given up
        found = solve_model(_with_steps(model, goals, *units), control, start=start)
        engine = found.engine
        if found.x is None and best is None:
            return Level(None, math.nan, math.nan, found.status, engine)
        before = (t, top)
        if found.x is not None:
            x = found.x[: len(model.value)]
            there = reached(model, goals, x)
            if best is None or there > t:
                best, t = x, there
        if math.isfinite(found.bound):  # t stays below the first unit beyond what no plan of the steps beats
            bottom, unit, count = units
            beyond = bottom + (count + math.floor(found.bound + 1e-6) + 1) * unit
            top = t if goals.above(t, range_) >= beyond - 1e-12 * range_ else min(top, beyond)
        top = max(t, top)
        if found.status != "optimal" or control.report("least", t, top) or (best is not None and (t, top) == before):
            break
    proven = best is not None and _proven(goals, t, top, range_)
    return Level(best, t, t if proven else top, "optimal" if proven else control.status, engine)


def with_goals(model: Model, goals: Goals, t: float) -> Model:
    """Return the model with the goals at t among what it must serve."""
    shares = csr_array(vstack([model.shares, goals.weight], format="csr"))
    return replace(model, shares=shares, wanted=np.concatenate([model.wanted, goals.needed(t)]))


def served_amounts(model: Model, weight: csr_array, x: Bools) -> Floats:
    """Return what columns serve: *weight* is what each need counts in each amount."""
    return np.asarray(weight @ (~np.isnan(model.served(x))).astype(float))


def reached(model: Model, goals: Goals, x: Bools) -> float:
    """Return the largest t that columns reach."""
    return goals.reached(served_amounts(model, goals.weight, x))


def _proven(goals: Goals, t: float, top: float, range_: float) -> bool:
    """Whether no t that a plan can have lies above and up to the bound."""
    return goals.above(t, range_) > top + 1e-9 * range_


def _units(
    goals: Goals, t: float, top: float, range_: float, allowed: float, *, known: bool
) -> tuple[float, float, int]:
    """Return bottom, unit and number of the steps: a better plan is a unit or more above, but for what is *allowed*."""
    if not known:
        unit = max((top - t) / (2**POWER - 1), 1e-12)
        return t, unit, max(1, math.ceil((top - t) / unit - 1e-9))
    above = goals.above(t, range_)
    unit = max((top - above) / (2**POWER - 1), above - t, allowed)
    bottom = t if allowed >= unit else above - unit
    return bottom, unit, max(1, math.ceil((top - bottom) / unit - 1e-9))


def _sizes(count: int) -> Ints:
    """Return steps that add up to *count* and, some of them, to every number below it."""
    sizes = 2 ** np.arange(count.bit_length() - 1)
    return np.append(sizes, count - sizes.sum())


def _with_steps(model: Model, goals: Goals, bottom: float, unit: float, count: int) -> Model:
    """Return the model that gives up as few units of t as possible from the top of the steps."""
    sizes, (needs, columns) = _sizes(count), model.benefit.shape
    served = (np.zeros(model.benefit.nnz), model.benefit.indices, model.benefit.indptr)
    bare = replace(model, benefit=csr_array(served, shape=(needs, columns)), value=np.zeros(columns))
    given = csr_array(goals.slope[:, None] * (unit * sizes)[None, :])
    wanted = goals.offset + goals.slope * (bottom + count * unit) - goals.slack
    steps = extended(bare, -sizes.astype(float), hstack([goals.weight, given]), wanted)
    return replace(steps, grain=1.0, constant=0.0)


def extended(
    model: Model, value: Floats, shares: csr_array, wanted: Floats, rows: csr_array | None = None, high: Floats = NONE
) -> Model:
    """Return a model with further columns, each with a need of its own, *shares*, and *rows* with an upper limit."""
    k = len(value)
    more, old = [] if rows is None else [rows], model.benefit
    own = np.arange(1, k + 1)
    data, at = np.concatenate([old.data, np.zeros(k)]), np.concatenate([old.indices, old.shape[1] - 1 + own])
    benefit = (data, at, np.concatenate([old.indptr, old.nnz + own]))  # what is stored stays stored, zeros too
    return replace(
        model,
        benefit=csr_array(benefit, shape=(old.shape[0] + k, old.shape[1] + k)),
        value=np.concatenate([model.value, value]),
        rows=csr_array(vstack([_beside(model.rows, k), *more], format="csr")),
        low=np.concatenate([model.low, np.full(len(high), -np.inf)]),
        high=np.concatenate([model.high, high]),
        lower=np.concatenate([model.lower, np.zeros(k)]),
        upper=np.concatenate([model.upper, np.ones(k)]),
        shares=csr_array(vstack([_beside(model.shares, k), shares], format="csr")),
        wanted=np.concatenate([model.wanted, wanted]),
        must=np.concatenate([model.must, np.zeros(k, bool)]),
        times=None if model.times is None else np.concatenate([model.times, np.ones(k, np.int64)]),
    )


def _beside(matrix: csr_array, count: int) -> csr_array:
    shape = (matrix.shape[0], matrix.shape[1] + count)
    return csr_array((matrix.data, matrix.indices, matrix.indptr), shape=shape)


def within(control: Control, gap: float, part: float = 1.0) -> Control:
    """Return a control for a question on the way: with a gap of its own, and a part of the time that is left."""
    own = control.for_subproblem()
    own.gap = gap
    if own.time_limit is not None:
        own.time_limit = control.seconds + part * control.seconds_left
    return own


def refuse_uncounted(formulation: Formulation, what: str) -> None:
    """Refuse rules by which what is covered is no sum over the communities that some site reaches."""
    if formulation.capacity is not None:
        raise ProblemError(Message("problem.not_in", what=what, rule="Capacity"))
    if formulation.value.any():
        raise ProblemError(Message("problem.not_in", what=what, rule=Message("problem.bonus")))
