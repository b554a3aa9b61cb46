"""Two objectives in one problem: what each is worth, how it is held to an amount, and its next better value.

The worth of an aim is large when it is good: what is minimised is turned round. A sum (people, sites, cost, travel) has
benefits and values of its own for the columns of one model; the largest distance and the smallest share of a group are
held by leaving pairs out and by shares.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeAlias

import numpy as np
from scipy.sparse import csr_array, vstack

from siting.numbers import Bools, Floats
from siting.optimize.control import Control
from siting.optimize.distances import SAME, distinct
from siting.optimize.model import Model
from siting.optimize.sparse_rows import keep_entries, row_max, with_data
from siting.propose.model.constraints import Constraint
from siting.propose.model.formulation import Formulation
from siting.propose.search.bottleneck import search_min_farthest
from siting.propose.search.leximin import Groups
from siting.propose.search.maximin import Goals, maximise_least

__all__ = ["Aim", "BottleneckAim", "FarthestAim", "SumAim", "WorstShareAim", "weighed"]

#: What the sums of two aims, in grains, may be at most for grains to be told apart.
EXACT = 5e9
#: Two values of an aim without a grain that differ by less than this share of the larger are one.
STEP = 4 * SAME


@dataclass(frozen=True, eq=False)
class _AnyAim(ABC):
    """One of two objectives; `sense` is that of the user (1: large), `grain` what its worth is a multiple of."""

    sense: int

    @property
    def grain(self) -> float:
        """What the worth is a multiple of; 0 where that is not known."""
        return 0.0

    @property
    def can_be_held(self) -> bool:
        """Whether a model can ask for an amount of it."""
        return True

    @abstractmethod
    def worth(self, x: Bools) -> float:
        """Return what columns are worth, more being better."""

    @abstractmethod
    def held(self, model: Model, least: float) -> Model:
        """Return the model whose plans are worth *least* or more."""

    def above(self, worth: float) -> float:
        """Return the next better worth that a plan can have."""
        return worth + self.grain if self.grain else worth + STEP * max(1.0, abs(worth))


@dataclass(frozen=True, eq=False)
class SumAim(_AnyAim):
    """People, sites, cost or travel: a sum over communities and sites."""

    formulation: Formulation

    @cached_property
    def model(self) -> Model:
        """The model of this aim alone."""
        return self.formulation.model

    @property
    def grain(self) -> float:
        """What the worth is a multiple of; 0 where that is not known."""
        return self.model.grain

    @cached_property
    def of_sites(self) -> bool:
        """Whether it is a sum over sites alone."""
        return not self.model.benefit.data.any()

    @cached_property
    def of_people(self) -> bool:
        """Whether it is a sum over those who are served alone."""
        return not self.model.value.any() and not self.model.has_levels and not (self.model.benefit.data < 0).any()

    @property
    def can_be_held(self) -> bool:
        """Whether it is a row, or a share."""
        return self.of_sites or self.of_people

    def worth(self, x: Bools) -> float:
        """Return what columns are worth, more being better."""
        return self.model.objective(x)

    def held(self, model: Model, least: float) -> Model:
        """Return the model with a row of sites, or a share of people."""
        wanted = least - self.model.constant
        if self.of_sites:
            return replace(
                model,
                rows=csr_array(vstack([model.rows, csr_array(self.model.value[None, :])], format="csr")),
                low=np.append(model.low, wanted),
                high=np.append(model.high, math.inf),
            )
        if wanted <= 0:
            return model
        benefit = self.model.benefit
        share = csr_array(row_max(benefit, benefit.data)[None, :])
        return replace(
            model,
            shares=csr_array(vstack([model.shares, share], format="csr")),
            wanted=np.append(model.wanted, wanted),
        )


@dataclass(frozen=True, eq=False)
class BottleneckAim(_AnyAim):
    """The worst of several values, which a search of its own makes as good as can be."""

    @abstractmethod
    def lifted(
        self, model: Model, other: SumAim, least: float, x: Bools, control: Control
    ) -> tuple[Bools, bool] | None:
        """Return the plan that is best here of those worth *least* to the other aim, and whether that is proven.

        *x* is such a plan. None where no engine finds it in one search.
        """

    @abstractmethod
    def best(self, model: Model, x: Bools, control: Control) -> tuple[Bools, bool]:
        """Return the plan that is worth most, and whether that is proven; *x* is a plan."""


@dataclass(frozen=True, eq=False)
class FarthestAim(BottleneckAim):
    """The largest distance from a community to its nearest open site."""

    formulation: Formulation

    @cached_property
    def distances(self) -> Floats:
        """The distances that it may be, the shortest first."""
        return distinct(self.formulation.costs.data)

    def worth(self, x: Bools) -> float:
        """Return minus the largest distance."""
        costs = self.formulation.costs
        filled = np.flatnonzero(np.diff(costs.indptr))
        ways = np.where(x[costs.indices], costs.data, math.inf)
        return -float(np.minimum.reduceat(ways, costs.indptr[filled]).max()) if len(filled) else 0.0

    def held(self, model: Model, least: float) -> Model:
        """Return the model without the pairs that are farther; all who must be served are served within it."""
        near = self.formulation.costs.data <= -least * (1 + SAME)
        return replace(model, benefit=keep_entries(model.benefit, near))

    def above(self, worth: float) -> float:
        """Return the next shorter distance."""
        shorter = self.distances[self.distances < -worth * (1 - SAME)]
        return -float(shorter[-1]) if len(shorter) else math.inf

    def lifted(
        self,
        model: Model,  # noqa: ARG002 the formulation has the rules
        other: SumAim,
        least: float,
        x: Bools,
        control: Control,
    ) -> tuple[Bools, bool] | None:
        """Search for the least largest distance with so many sites, or so much money."""
        if not other.of_sites:
            return None
        at = np.flatnonzero(other.model.value)
        row = Constraint(None, at, other.model.value[at], least - other.model.constant, math.inf)
        if (other.model.value[at] == -1).all():  # a limit on the number, as engines know it
            row = Constraint(None, at, np.ones(len(at)), -math.inf, other.model.constant - least)
        return self._nearest((row,), x, control)

    def best(
        self,
        model: Model,  # noqa: ARG002 the formulation has the rules
        x: Bools,
        control: Control,
    ) -> tuple[Bools, bool]:
        """Search for the least largest distance."""
        return self._nearest((), x, control)

    def _nearest(self, rows: tuple[Constraint, ...], x: Bools, control: Control) -> tuple[Bools, bool]:
        problem = replace(self.formulation, constraints=(*self.formulation.constraints, *rows))
        answer = search_min_farthest(problem, control)
        better = answer.x is not None and self.worth(answer.x) > self.worth(x)
        return (answer.x if answer.x is not None and better else x), answer.status == "optimal"


@dataclass(frozen=True, eq=False)
class WorstShareAim(BottleneckAim):
    """The share that is served in the worst-off group."""

    groups: Groups

    @cached_property
    def goals(self) -> Goals:
        """The shares, as sums to be reached."""
        groups = self.groups
        return Goals(groups.weight, np.zeros(len(groups.total)), groups.total, groups.grain)

    def worth(self, x: Bools) -> float:
        """Return the smallest share."""
        return float((self.groups.amounts(x) / self.groups.total).min())

    def held(self, model: Model, least: float) -> Model:
        """Return the model with a share for each group."""
        if least <= 0:
            return model
        shares = csr_array(vstack([model.shares, self.groups.weight], format="csr"))
        return replace(model, shares=shares, wanted=np.concatenate([model.wanted, self.groups.need(least)]))

    def above(self, worth: float) -> float:
        """Return the next larger share that some group can have."""
        return self.goals.above(worth, 1.0)

    def lifted(
        self, model: Model, other: SumAim, least: float, x: Bools, control: Control
    ) -> tuple[Bools, bool] | None:
        """Search for the largest smallest share of those plans."""
        if not other.can_be_held:
            return None
        return self.best(other.held(model, least), x, control)

    def best(self, model: Model, x: Bools, control: Control) -> tuple[Bools, bool]:
        """Search for the largest smallest share."""
        level = maximise_least(model, self.goals, control, start=x)
        better = level.x is not None and self.worth(level.x) > self.worth(x)
        return (level.x if level.x is not None and better else x), level.status == "optimal"


Aim: TypeAlias = SumAim | BottleneckAim


def weighed(ground: Model, parts: list[tuple[float, SumAim]]) -> Model:
    """Return the model of a weighted sum; with a grain where all values are whole grains that can be told apart."""
    data, value, constant = np.zeros(ground.benefit.nnz), np.zeros(len(ground.value)), 0.0
    for weight, aim in parts:
        data = data + weight * aim.model.benefit.data
        value = value + weight * aim.model.value
        constant += weight * aim.model.constant
    steps = [weight * aim.grain for weight, aim in parts if weight]
    whole = all(step > 0 and abs(step - round(step)) <= 1e-9 * step for step in steps)
    grain = float(math.gcd(*map(round, steps))) if whole else 0.0
    if len(steps) == 1:
        grain = steps[0]
    size = float(np.abs(row_max(ground.benefit, np.abs(data))).sum() + np.abs(value).sum() + abs(constant))
    if grain and size > EXACT * grain and len(steps) > 1:
        grain = 0.0
    return replace(ground, benefit=with_data(ground.benefit, data), value=value, constant=constant, grain=grain)
