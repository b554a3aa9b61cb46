"""Groups of communities in numbers, and the problem in which their sorted shares reach given values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array, hstack, vstack

from siting.errors import ProblemError
from siting.messages import Message
from siting.numbers import Bools, Floats
from siting.optimize.model import Model
from siting.propose.model.formulation import Formulation
from siting.propose.problem import Cover
from siting.propose.search.maximin import ROUNDING, Goals, extended, served_amounts

__all__ = ["Groups", "Ranks"]


@dataclass(frozen=True, eq=False)
class Groups:
    """The groups with demand, by name; *weight* of each need in each; *grain* 1 when all demand is whole, else 0."""

    by: pd.Series
    names: tuple[Any, ...]
    model: Model
    weight: csr_array
    total: Floats
    grain: float

    @classmethod
    def of(cls, formulation: Formulation, by: pd.Series) -> Groups:
        """Read the groups."""
        if not isinstance(by, pd.Series):
            raise ProblemError(Message("problem.groups", what="by", value=by, of="communities"))
        guaranteed = formulation.with_rule(Cover(1.0, by=by))
        last, model = guaranteed.inputs.rules[-1], guaranteed.model
        mine = np.array([share.rule is last for share in guaranteed.shares], bool)
        members = [share for share in guaranteed.shares if share.rule is last]
        names, total = tuple(s.part.of[-1] for s in members), np.array([s.total for s in members])
        rest = replace(model, shares=model.shares[~mine], wanted=model.wanted[~mine])
        return cls(by, names, rest, model.shares[mine], total, float(formulation.inputs.whole))

    def held(self, formulation: Formulation, share: float) -> Formulation:
        """Return the problem with a share that every group is guaranteed."""
        return formulation.with_rule(Cover(share, by=self.by)) if share > 0 else formulation

    def amounts(self, x: Bools) -> Floats:
        """Return what columns serve of each group."""
        return served_amounts(self.model, self.weight, x)

    def need(self, share: float) -> Floats:
        """Return what a share of each group is."""
        need = share * self.total
        return np.asarray(np.ceil(need - 1e-6) if self.grain else need - ROUNDING * self.total)

    def table(self, x: Bools | None) -> pd.DataFrame:
        """Demand and served of each group, the worst off first."""
        served = np.full(len(self.total), np.nan) if x is None else self.amounts(x)
        index = pd.Index(list(self.names), name=self.by.name or "group")
        table = pd.DataFrame({"demand": self.total, "served": served, "share": served / self.total}, index)
        return table.sort_values("share", kind="stable")


@dataclass(frozen=True, eq=False)
class Ranks:
    """The problem with sorted shares of at least *shares*; a column by value and group lets a group take that rank."""

    groups: Groups
    shares: tuple[float, ...]
    values: Floats
    model: Model

    @classmethod
    def of(cls, groups: Groups, shares: Sequence[float]) -> Ranks:
        """Hold the sorted shares of the groups."""
        values = np.unique(shares) if len(shares) else np.zeros(0)
        if not len(values):
            return cls(groups, (), values, groups.model)
        model, size, ranks = groups.model, len(groups.total), len(values)
        count = size * ranks  # columns by value, then by group
        there = np.arange(count)
        once = csr_array((np.ones(count), (there % size, there)), shape=(size, count))
        upto = np.array([sum(share <= value for share in shares) for value in values], float)
        limits = vstack([once, csr_array(np.repeat(np.tri(ranks), size, axis=1))])
        limits = hstack([csr_array((size + ranks, len(model.value))), limits])
        needs = [groups.need(value) for value in values]
        guaranteed = [
            hstack([groups.weight, _spared([need - lower for lower in needs[:v]], size, count)])
            for v, need in enumerate(needs)
        ]
        high = np.concatenate([np.ones(size), upto])
        held = extended(model, np.zeros(count), vstack(guaranteed, format="csr"), np.concatenate(needs), limits, high)
        return cls(groups, tuple(shares), values, held)

    def goals(self, cap: float) -> Goals:
        """Return what all groups but those that take a rank are to reach, at a threshold of at most *cap*."""
        total = self.groups.total
        size = len(total)
        spared = _spared([(cap - value) * total for value in self.values], size, size * len(self.values))
        weight = csr_array(hstack([self.groups.weight, spared], format="csr"))
        return Goals(weight, np.zeros(size), total, self.groups.grain)

    def widened(self, x: Bools | None) -> Bools | None:
        """Return a plan with the ranks that its worst-off groups take."""
        if x is None:
            return None
        size = len(self.groups.total)
        order = np.argsort(self.groups.amounts(x) / self.groups.total, kind="stable")
        taken = np.zeros(size * len(self.values), bool)
        taken[(np.searchsorted(self.values, self.shares) * size + order[: len(self.shares)]).astype(np.int64)] = True
        return np.concatenate([x, taken])


def _spared(amounts: Sequence[Floats], size: int, count: int) -> csr_array:
    """Return what each group, a row, is spared by each column of the ranks: *amounts* of the first values."""
    amount = np.concatenate([np.zeros(0), *amounts])
    there = np.arange(len(amount))
    made = csr_array((amount, (there % size, there)), shape=(size, count))
    made.eliminate_zeros()
    return made
