"""Subproblems with some of the rules, solved to test whether these can be kept together."""

from __future__ import annotations

import logging
import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

import siting.propose.problem as problem
from siting.errors import ProblemError
from siting.numbers import Bools, Floats
from siting.optimize.control import Control
from siting.optimize.model import Model
from siting.optimize.solution import Solution
from siting.propose.model.constraints import Constraint, build_constraints
from siting.propose.model.formulation import Block, Formulation
from siting.propose.model.market import competitors_of
from siting.propose.model.shares import Share
from siting.propose.model.variables import STAYING, build_variables
from siting.propose.search.capacitated import search_capacitated
from siting.propose.search.choose_engine import solve_model

__all__ = ["Subproblem", "Subproblems", "lightest", "limits_all", "load_engines", "parts_of"]

log = logging.getLogger(__name__)
#: Rules that are left out by laying out the variables anew.
LAID = (problem.Required, problem.Forbidden, problem.Backup, problem.Capacity)
#: Number of stored plans: one that also keeps other rules saves a search.
PLANS = 30
#: The rounding tolerance of a sum, as a share of its limit.
SAME = 1e-9


@dataclass(frozen=True, eq=False)
class Subproblem(Formulation):
    """A problem with some of its rules, to maximise *weigh* of what opens and the people served of *target*, if any."""

    weigh: Floats
    target: Share | None = None
    all_served: bool = False

    @property
    def sense(self) -> int:
        """The objective is to be large."""
        return 1

    @property
    def everybody(self) -> bool:
        """Whether everybody must be served."""
        return self.all_served

    @cached_property
    def value(self) -> Floats:
        """What opening each variable counts."""
        return self.weigh

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """Needs of the kept rules; only those of the target have a weight."""
        blocks = [replace(block, worth=np.zeros(len(block.worth))) for block in super().blocks]
        share = self.target
        if share is None:
            return tuple(blocks)
        worth = np.where(share.members, self.inputs.demand[share.service, share.phase], 0.0)
        goal = replace(share, limit=None) if self.capacity is not None else share
        new = Block(share.service, share.phase, share.limit, worth, np.zeros(len(worth), bool), self.times)
        at = next((n for n, block in enumerate(blocks) if self.is_of(goal, block)), None)
        if at is None:
            return (*blocks, new)
        blocks[at] = replace(blocks[at], worth=worth)
        return tuple(blocks)

    def unit_benefit(self, block: Block, cost: Floats) -> Floats:
        """Return the weight of a person: 1 for those of the target within its limit."""
        if self.target is None or not block.worth.any():
            return np.zeros(len(cost))
        limit = self.target.limit
        return np.ones(len(cost)) if limit is None else (cost <= limit * (1 + SAME)).astype(float)


class Subproblems:
    """Solve a problem with some of the parts of its rules, within *seconds* for all subproblems together."""

    def __init__(self, formulation: Formulation, control: Control, seconds: float) -> None:
        self.formulation, self.control = formulation, control
        self.began, self.seconds = control.seconds, seconds
        self.until = self.began + seconds
        self.late = False
        self.parts = parts_of(formulation)
        self._hopeless: list[frozenset[problem.Part]] = [frozenset(self.parts)]
        self._plans: list[Bools] = []
        self._least: dict[tuple[frozenset[problem.Part], problem.Part], Solution] = {}

    def upto(self, part: float) -> Subproblems:
        """End the next subproblems when this part of the time is used."""
        self.until = self.began + part * self.seconds
        return self

    def keeping(self, kept: Collection[problem.Part], *, existing: bool = True) -> Subproblem:
        """Return the problem with the parts *kept* and no objective; *existing* False closes existing sites."""
        old = self.formulation
        out: list[problem.Rule] = [] if existing else [*old.inputs.all(problem.Existing)]
        out += [rule for rule in old.inputs.all(*LAID) if problem.Part(rule) not in kept]
        rules = tuple(rule for rule in old.inputs.rules if rule not in out)
        inputs, variables, constraints = old.inputs, old.variables, old.constraints
        if len(rules) < len(inputs.rules):
            inputs = replace(inputs, rules=rules)
            cost = old.objective.cost if isinstance(old.objective, problem.MinCost) else None
            variables = build_variables(inputs, cost, competitors_of(old.objective, old.inputs))
            constraints = build_constraints(inputs, variables)
        return Subproblem(
            problem.MinSites(), inputs, variables,
            constraints=tuple(each for each in constraints if each.part is None or each.part in kept),
            shares=tuple(share for share in old.shares if share.part in kept),
            closeness=tuple(near for near in old.closeness if near.part in kept),
            weigh=np.zeros(len(variables)), all_served=old.everybody and problem.Part(old.objective) in kept,
        )  # fmt: skip

    def solve(self, sub: Subproblem, enough: float = math.inf) -> Solution:
        """Maximise a subproblem, until it reaches *enough* or is proven not to."""
        clock = _Clock(self.control, self.until, enough)
        if clock.must_stop:
            self.late = True
            return Solution(None, -math.inf, math.inf, clock.status, "")
        if sub.capacity is None:
            outcome = solve_model(sub.model, clock)
        else:
            answer = search_capacitated(sub, clock)
            value = -math.inf if answer.x is None else answer.value
            bound = math.inf if math.isnan(answer.bound) else answer.bound
            outcome = Solution(answer.x, value, bound, answer.status, answer.engine)
        if outcome.x is not None and len(outcome.x) == len(self.formulation.variables):
            self._plans = [outcome.x, *self._plans[:PLANS]]
        decided = outcome.value >= enough - _slack(enough) or outcome.bound < enough - _slack(enough)
        self.late |= not (decided and math.isfinite(enough)) and outcome.status == "time_limit"
        return outcome

    def feasible(self, kept: Collection[problem.Part], *, existing: bool = True) -> bool | None:
        """Whether the parts *kept* can be kept together; None when not known in time."""
        if existing and any(known <= set(kept) for known in self._hopeless):
            return False
        try:
            sub = self.keeping(kept, existing=existing)
        except ProblemError as error:  # such as no cost for a site that was forbidden: it stays so
            log.debug("not tried: %s", error)
            return None
        known = self.possible(sub)
        if existing and known is False:
            self._hopeless.append(frozenset(kept))
        return known

    def least(self, kept: Collection[problem.Part], part: problem.Part) -> Solution:
        """Minimise the sum of the constraint of a part, with the parts *kept* and without its own limit."""
        key = frozenset(kept), part
        if key not in self._least:
            sub = self.keeping(kept)
            self._least[key] = self.solve(lightest(sub, next(each for each in sub.constraints if each.part == part)))
        return self._least[key]

    def possible(self, sub: Subproblem) -> bool | None:
        """Whether there is a plan; None when not known in time."""
        if any(each.low > 0 for each in sub.constraints if not len(each.columns)):
            return False
        mine, its = self.formulation.variables, sub.variables
        same = np.array_equal(its.site, mine.site) and np.array_equal(its.kind, mine.kind)
        easy = [_everything(sub), its.lower > 0, *(self._plans if same else [])]
        if sub.capacity is None and any(sub.model.is_feasible(x) for x in easy):
            return True
        # A limit (sites, money) that is minimised instead of kept shows sooner whether it can be kept.
        limits = [each for each in sub.constraints if limits_all(each.rule) and len(each.columns)]
        limits.sort(key=lambda each: isinstance(each.rule, problem.Budget))
        limit = next(iter(limits), None) if sub.capacity is None else None
        if limit is None:  # any first plan is enough
            outcome = self.solve(replace(sub, weigh=-sub.variables.new.astype(float)), -math.inf)
            known = True if outcome.x is not None else False if outcome.status == "infeasible" else None
        else:
            outcome, most = self.solve(lightest(sub, limit), -limit.high), -limit.high - _slack(limit.high)
            fits = outcome.x is not None and outcome.value >= most
            known = True if fits else False if outcome.status == "infeasible" or outcome.bound < most else None
        self.late |= known is None
        return known


def load_engines() -> None:
    """Solve two tiny problems, so that the seconds are not spent on loading and compiling the engines."""
    needs, columns = np.nonzero((np.arange(24)[:, None] * 7 + np.arange(9)[None] * 5) % 11 < 4)
    benefit = csr_array((np.zeros(len(needs)), (needs, columns)), shape=(24, 9))
    open_ = np.ones(9)
    for rows in (0, 2):
        solve_model(
            Model(
                benefit, -open_, csr_array(np.eye(9)[:rows]), np.full(rows, -np.inf), np.ones(rows), 0 * open_, open_,
                csr_array(np.ones((1, 24))), np.array([20.0]), np.zeros(24, bool), 1.0,
            ),
            Control(time_limit=60.0),
        )  # fmt: skip


def _everything(sub: Subproblem) -> Bools:
    """Columns with every site open as early as possible, which keep every rule that only demands more."""
    variables = sub.variables
    order = np.lexsort((variables.begin, ~variables.new, variables.place))
    first = order[np.unique(variables.place[order], return_index=True)[1]]
    x: Bools = (variables.lower > 0) | (variables.kind == STAYING)
    x[first] |= variables.new[first] & (variables.upper[first] > 0)
    return x


def lightest(sub: Subproblem, constraint: Constraint) -> Subproblem:
    """Return the problem without a constraint, whose sum is minimised instead."""
    weigh = np.zeros(len(sub.variables))
    np.add.at(weigh, constraint.columns, -constraint.weight)
    return replace(sub, constraints=tuple(each for each in sub.constraints if each is not constraint), weigh=weigh)


def limits_all(rule: object) -> bool:
    """Whether a rule limits all sites, or money."""
    return isinstance(rule, problem.Budget) or (isinstance(rule, problem.AtMost) and rule.by is None)


def parts_of(formulation: Formulation) -> tuple[problem.Part, ...]:
    """Return the parts of all rules that can be left out, and the objective where that wants everybody served."""
    parts = [each.part for each in formulation.constraints]
    parts += [share.part for share in formulation.shares] + [near.part for near in formulation.closeness]
    parts += [problem.Part(rule) for rule in formulation.inputs.all(*LAID)]
    parts += [problem.Part(formulation.objective)] if formulation.everybody else []
    return tuple(dict.fromkeys(part for part in parts if part is not None))


def _slack(amount: float) -> float:
    return SAME * max(1.0, abs(amount)) if math.isfinite(amount) else 0.0


class _Clock(Control):
    """A control inside another: it stops when time is up, or when a question about a limit is answered."""

    def __init__(self, outer: Control, until: float, enough: float) -> None:
        # half of the rest, so that one hard question does not use up the time
        super().__init__(time_limit=max(0.0, until - outer.seconds) / 2)
        self.outer, self.until, self.enough = outer, until, enough

    @property
    def must_stop(self) -> bool:
        return self.outer.interrupted or self.interrupted or self.seconds_left <= 0

    @property
    def status(self) -> str:
        """Status of a search that ended without a proof: mostly as the question was answered."""
        return "time_limit" if not self.interrupted and self.seconds_left <= 0 else "feasible"

    def report(self, step: str, value: float | None = None, bound: float | None = None) -> bool:
        enough = self.enough - _slack(self.enough)
        known = value is not None and math.isfinite(value) and value >= enough
        return known or (bound is not None and bound < enough < math.inf) or super().report(step, value, bound)
