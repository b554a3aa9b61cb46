"""Trials: the same problem with some of its rules, solved to see whether these can be kept together."""

from __future__ import annotations

import logging
import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

from siting.errors import ProblemError
from siting.numbers import Bools, Floats
from siting.optimize.control import Control
from siting.optimize.model import Model
from siting.propose.model import constraints as rows_
from siting.propose.model import variables as columns_
from siting.propose.model.constraints import Closeness, Row, Share
from siting.propose.model.formulation import Block, Instance
from siting.propose.model.variables import STAYING
from siting.propose.problem.arrangements import Capacity, Phases, Spacing, Together
from siting.propose.problem.objectives import MinCost, MinSites
from siting.propose.problem.rules import AtMost, Backup, Budget, Existing, Forbidden, Required, Rule
from siting.propose.search.dispatch import solve_model

__all__ = ["Trial", "Trials", "counts_sites", "group_of", "lightest", "load_engines", "name_of", "rule_names"]

log = logging.getLogger(__name__)
#: Rules that are told as a whole, whatever they write down.
ENTIRE = (Spacing, Together, Required)
#: Rules that are left out by laying the columns anew.
LAID = (Required, Forbidden, Backup, Capacity)
#: Plans that are remembered: one that keeps other rules, too, saves a search.
PLANS = 30
#: How far a sum may miss what is asked, as a share: the last bits.
SAME = 1e-9


@dataclass(frozen=True, eq=False)
class Trial(Instance):
    """A problem with some of its rules, and another objective: to be large is what *weigh* and *target* say.

    Attributes
    ----------
    weigh
        What opening each column counts.
    target
        Whose people count when they are served; None: nobody's.
    all_served
        Whether everybody must be served.
    """

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
        """What opening each column counts."""
        return self.weigh

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """Needs of the rules that are kept; only those of the target are worth something."""
        blocks = [replace(block, worth=np.zeros(len(block.worth))) for block in super().blocks]
        share = self.target
        if share is None:
            return tuple(blocks)
        worth = np.where(share.members, self.inputs.demand[share.service, share.phase], 0.0)
        goal = replace(share, limit=None) if self.capacity is not None else share
        at = [n for n, block in enumerate(blocks) if self._is_of(goal, block)]
        if at:
            blocks[at[0]] = replace(blocks[at[0]], worth=worth)
        else:
            blocks.append(Block(share.service, share.phase, share.limit, worth, np.zeros(len(worth), bool), self.times))
        return tuple(blocks)

    def unit_benefit(self, block: Block, cost: Floats) -> Floats:
        """Return what a person counts: 1 for those of the target within its limit."""
        if self.target is None or not block.worth.any():
            return np.zeros(len(cost))
        limit = self.target.limit
        return np.ones(len(cost)) if limit is None else (cost <= limit * (1 + SAME)).astype(float)


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a trial gave: columns (None without), their value, what none can beat, and the status as in `Solution`."""

    x: Bools | None
    value: float
    bound: float
    status: str

    @property
    def infeasible(self) -> bool:
        """Whether it is known that there is no plan."""
        return self.status == "infeasible"


class Trials:
    """Solve a problem with some of its rules, each named by what it says, within seconds.

    Parameters
    ----------
    seconds
        For all trials together.
    """

    def __init__(self, instance: Instance, control: Control, seconds: float) -> None:
        self.instance, self.control = instance, control
        self.began, self.seconds = control.seconds, seconds
        self.until = self.began + seconds
        #: Whether some trial ended without an answer.
        self.late = False
        self.rule_of = rule_names(instance)
        self._hopeless: list[frozenset[str]] = [frozenset(self.rule_of)]
        self._plans: list[Bools] = []
        self._least: dict[tuple[frozenset[str], str], Outcome] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """All rules that can be left out, by group."""
        return tuple(self.rule_of)

    def upto(self, part: float) -> Trials:
        """Let the next trials end when this part of the time is used."""
        self.until = self.began + part * self.seconds
        return self

    def made(self, kept: Collection[str], *, existing: bool = True) -> Trial:
        """Return the problem with the rules *kept*, and nothing to be best at; *existing* False: no site is open yet.

        Raises
        ------
        ProblemError
            When what a rule forbade lacks a cost, or places, once it is left out.
        """
        old = self.instance
        rules = tuple(
            r for r in old.inputs.rules
            if (not isinstance(r, LAID) or str(r) in kept) and (existing or not isinstance(r, Existing))
        )  # fmt: skip
        inputs, columns, rows = old.inputs, old.columns, old.rows
        if len(rules) < len(inputs.rules):
            inputs = replace(inputs, rules=rules)
            columns = columns_.lay_out(inputs, old.objective.cost if isinstance(old.objective, MinCost) else None)
            rows = tuple(rows_.rows(inputs, columns))
        return Trial(
            MinSites(), inputs, columns,
            rows=tuple(row for row in rows if row.rule is None or name_of(row) in kept),
            shares=tuple(share for share in old.shares if name_of(share) in kept),
            closeness=tuple(near for near in old.closeness if name_of(near) in kept),
            weigh=np.zeros(len(columns)), all_served=old.everybody and str(old.objective) in kept,
        )  # fmt: skip

    def solve(self, trial: Trial, enough: float = math.inf) -> Outcome:
        """Make the objective of a trial large, until it is *enough* or known not to be."""
        clock = _Clock(self.control, self.until, enough)
        if clock.must_stop:
            self.late = True
            return Outcome(None, -math.inf, math.inf, clock.status)
        if trial.capacity is not None:
            from siting.propose.search.capacitated import search_loads

            answer = search_loads(trial, clock)
            none = answer.x is None
            value, bound = (-math.inf, math.inf) if none else (answer.value, answer.bound)
            outcome = Outcome(answer.x, value, bound, answer.status)
        else:
            found = solve_model(trial.model, clock)
            outcome = Outcome(found.x, found.value, found.bound, found.status)
        if outcome.x is not None and len(outcome.x) == len(self.instance.columns):
            self._plans = [outcome.x, *self._plans[:PLANS]]
        decided = outcome.value >= enough - _slack(enough) or outcome.bound < enough - _slack(enough)
        self.late |= not (decided and math.isfinite(enough)) and outcome.status == "time_limit"
        return outcome

    def feasible(self, kept: Collection[str], *, existing: bool = True) -> bool | None:
        """Tell whether the rules *kept* can be kept together; None when that is not known in time."""
        if existing and any(self._hopeless_in(kept)):
            return False
        try:
            trial = self.made(kept, existing=existing)
        except ProblemError as error:  # such as no cost for a site that was forbidden: it stays so
            log.debug("not tried: %s", error)
            return None
        known = self.possible(trial)
        if existing and known is False:
            self._hopeless.append(frozenset(kept))
        return known

    def _hopeless_in(self, kept: Collection[str]) -> Iterator[bool]:
        return (known <= set(kept) for known in self._hopeless)

    def least(self, kept: Collection[str], name: str) -> Outcome:
        """Make the sum of the one row of this name small, with the rules *kept* and without its own limit."""
        key = frozenset(kept), name
        if key not in self._least:
            trial = self.made(kept)
            row = next(row for row in trial.rows if row.rule is not None and name_of(row) == name)
            self._least[key] = self.solve(lightest(trial, row))
        return self._least[key]

    def _plans_of(self, trial: Trial) -> list[Bools]:
        """Plans that were found before, where the columns are the same."""
        mine = self.instance.columns
        same = trial.columns is mine or (
            len(trial.columns) == len(mine)
            and bool((trial.columns.site == mine.site).all() and (trial.columns.kind == mine.kind).all())
        )
        return self._plans if same else []

    def possible(self, trial: Trial) -> bool | None:
        """Tell whether there is a plan; None when that is not known in time."""
        if any(row.low > 0 for row in trial.rows if not len(row.columns)):
            return False
        easy = [_everything(trial), trial.columns.lower > 0, *self._plans_of(trial)]
        if trial.capacity is None and any(trial.model.is_feasible(x) for x in easy):
            return True
        row = None if trial.capacity is not None else _limit(trial)
        if row is None:  # few sites are easily found; the first plan will do
            outcome = self.solve(replace(trial, weigh=-trial.columns.new.astype(float)), -math.inf)
            known = True if outcome.x is not None else False if outcome.infeasible else None
        else:
            outcome, most = self.solve(lightest(trial, row), -row.high), -row.high - _slack(row.high)
            fits = outcome.x is not None and outcome.value >= most
            known = True if fits else False if outcome.infeasible or outcome.bound < most else None
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


def _everything(trial: Trial) -> Bools:
    """Columns with every site open, as early as it can be: what keeps every rule that only asks for more."""
    columns = trial.columns
    key = columns.site * len(trial.inputs.services) + columns.service
    order = np.lexsort((columns.begin, ~columns.new, key))
    first = order[np.r_[True, np.diff(key[order]) != 0]] if len(order) else order
    x: Bools = (columns.lower > 0) | (columns.kind == STAYING)
    x[first] |= columns.new[first] & (columns.upper[first] > 0)
    return x


def lightest(trial: Trial, row: Row, *, sign: float = -1.0) -> Trial:
    """Return the trial without a row, whose sum is to be small instead (or large, with *sign* 1)."""
    weigh = np.zeros(len(trial.columns))
    np.add.at(weigh, row.columns, sign * row.weight)
    return replace(trial, rows=tuple(r for r in trial.rows if r is not row), weigh=weigh)


def _limit(trial: Trial) -> Row | None:
    """Return the row (sites, money) to be made small instead of kept, which says sooner whether it can be kept."""
    for kind in (AtMost, Budget):
        for row in trial.rows:
            if isinstance(row.rule, kind) and getattr(row.rule, "by", None) is None and len(row.columns):
                return row
    return None


def name_of(part: Row | Share | Closeness) -> str:
    """Say what a part of the rules is called."""
    if isinstance(part, Closeness) or isinstance(part.rule, ENTIRE):
        return str(part.rule)
    if not isinstance(part.rule, Phases):
        return part.said
    if isinstance(part, Share):
        return f"Phases({group_of(part)}: cover={part.share:g})"
    return f"Phases({group_of(part)}: {'at_most' if counts_sites(part.rule, part) else 'budget'}={part.high:g})"


def group_of(part: Row | Share) -> str:
    """Return the group, service or year that a part of a rule is for; "" for everything."""
    return part.said[len(str(part.rule)) + 2 : -1]


def counts_sites(rule: Phases, row: Row) -> bool:
    """Tell whether a row of phases limits the sites of a year, not its budget."""
    year = rule.years.index(int(group_of(row)))
    most = rule.at_most[year] if isinstance(rule.at_most, Sequence) else rule.at_most
    return most is not None and row.high == most and bool((row.weight == 1).all())


def rule_names(instance: Instance) -> dict[str, Rule | None]:
    """Names of all rules, by group, and the rule of each; None for what the objective asks."""
    parts: list[Row | Share | Closeness] = [*instance.rows, *instance.shares, *instance.closeness]
    found = {name_of(part): part.rule for part in parts if part.rule is not None}
    found |= {str(rule): rule for rule in instance.inputs.rules if isinstance(rule, LAID)}
    return {**found, str(instance.objective): None} if instance.everybody else {**found}


def _slack(amount: float) -> float:
    return SAME * max(1.0, abs(amount)) if math.isfinite(amount) else 0.0


class _Clock(Control):
    """A control inside another: it stops when time is up, or when a question about a limit is answered."""

    def __init__(self, outer: Control, until: float, enough: float) -> None:
        # half of what is left, so that one hard question does not take the time of all others
        super().__init__(time_limit=max(0.0, until - outer.seconds) / 2)
        self.outer, self.until, self.enough = outer, until, enough

    @property
    def must_stop(self) -> bool:
        """Whether time is up, or Ctrl-C was pressed."""
        return self.outer.interrupted or self.interrupted or self.seconds_left <= 0

    def report(self, step: str, value: float | None = None, bound: float | None = None) -> bool:
        """Tell whether to stop."""
        enough = self.enough - _slack(self.enough)
        known = value is not None and math.isfinite(value) and value >= enough
        return known or (bound is not None and bound < enough < math.inf) or super().report(step, value, bound)
