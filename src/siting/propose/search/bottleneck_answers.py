"""Answers that are a distance, and what proves their bounds."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from siting.numbers import Bools, Floats, Ints
from siting.optimize.center.client_growth import Distances, GrownCenter, bound_of_grown
from siting.optimize.center.dispersion import all_distances
from siting.optimize.center.far_groups import FarGroups, bound_by_groups
from siting.optimize.model import Model
from siting.propose.search.answer import Answer
from siting.propose.search.choose_engine import proven_bound

__all__ = [
    "BottleneckAnswer", "FarthestAnswer", "GrownAnswer", "SpacedAnswer", "SpacingAnswer", "farthest", "matrix_of",
    "narrowest",
]  # fmt: skip


@dataclass(frozen=True, eq=False)
class BottleneckAnswer(Answer):
    """A distance, *best* the first not ruled out; *decision* asks for the next better one, None where there is none.

    A plan of the question would be worth *least*: 0, or minus the most sites that may open.
    """

    decision: Model | None = None
    best: float = math.nan
    least: float = 0.0

    def bound_by(self, proof: Any) -> float:
        """Return the distance that is not ruled out: no plan is worth enough in the question is none at all."""
        below = self.least - 1e-9
        proven = self.decision is None or (
            proof is not None and proven_bound(self.decision, proof, None, below) <= below
        )
        return self.best if proven else math.nan

    @property
    def grain(self) -> float:
        """Distances are compared as they are."""
        return 0.0


@dataclass(frozen=True, eq=False)
class FarthestAnswer(BottleneckAnswer):
    """The answer to a `MinFarthest`: how far the farthest community is."""

    costs: csr_array = field(kw_only=True)

    def measure(self, x: Bools) -> float:
        """Return the largest distance from a community to its nearest open site."""
        return farthest(self.costs, x)


@dataclass(frozen=True, eq=False)
class GrownAnswer(FarthestAnswer):
    """The answer to a `MinFarthest` whose bound follows from some of the communities."""

    grown: GrownCenter = field(kw_only=True)
    distances: Distances = field(kw_only=True)
    #: The limits of columns, and the most that open beyond those that must.
    box: tuple[Floats, Floats, int] = field(kw_only=True)

    def bound_by(self, proof: Any) -> float:
        """Return the distance that is not ruled out."""
        return bound_of_grown(self.distances, *self.box, replace(self.grown, proof=proof))


@dataclass(frozen=True, eq=False)
class SpacingAnswer(BottleneckAnswer):
    """The answer to a `MaxSpacing`: how far the two nearest open sites are apart."""

    pairs: tuple[Ints, Ints, Floats] = field(kw_only=True)

    def measure(self, x: Bools) -> float:
        """Return the smallest distance between two open sites."""
        return narrowest(self.pairs, x)


@dataclass(frozen=True, eq=False)
class SpacedAnswer(SpacingAnswer):
    """The answer to a `MaxSpacing` whose bound follows from groups of sites."""

    #: The limits of columns, and how many open.
    box: tuple[Floats, Floats, int] = field(kw_only=True)
    groups: FarGroups | None = field(kw_only=True)

    @property
    def proof(self) -> Any:
        """Groups of sites, and which are ruled out."""
        return self.groups

    def bound_by(self, proof: Any) -> float:
        """Return the distance that is not ruled out."""
        return bound_by_groups(all_distances(matrix_of(self.pairs, len(self.box[0]))), *self.box, proof)


def farthest(costs: csr_array, x: Bools, must: Bools | None = None) -> float:
    """Return the farthest that somebody is with *x* open; infinite where somebody who *must* be served reaches none."""
    filled = np.flatnonzero(np.diff(costs.indptr))
    if must is not None and must.sum() > must[filled].sum():
        return math.inf
    if not len(filled):
        return 0.0
    return float(np.minimum.reduceat(np.where(x[costs.indices], costs.data, np.inf), costs.indptr[filled]).max())


def narrowest(pairs: tuple[Ints, Ints, Floats], x: Bools) -> float:
    """Return the smallest distance of a pair of columns that are both open; infinite without one."""
    first, second, cost = pairs
    return float(cost[x[first] & x[second]].min(initial=math.inf))


def matrix_of(pairs: tuple[Ints, Ints, Floats], size: int) -> csr_array:
    """Return pairs of columns as a symmetric table."""
    first, second, cost = pairs
    ends = (np.concatenate([first, second]), np.concatenate([second, first]))
    return csr_array((np.concatenate([cost, cost]), ends), shape=(size, size))
