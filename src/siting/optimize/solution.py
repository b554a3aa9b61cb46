"""What an engine answers: a plan, its value and a bound with its proof; and when a bound proves a value."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

from siting.numbers import Bools
from siting.optimize.control import gap_between
from siting.optimize.proof import Proof

__all__ = ["GRAIN_TOLERANCE", "SAME", "Solution", "floored", "is_proven"]

#: Two values that differ by less than this share of the larger are one.
SAME = 1e-9
#: By how much of a grain a bound may miss a multiple of it: the rounding error of a sum of thousands of terms.
GRAIN_TOLERANCE = 1e-6


@dataclass(frozen=True, eq=False)
class Solution:
    """What an engine found: the columns *x* to open (None without a plan), and how good they are.

    *value* is the objective of *x* (minus infinity without), *bound* what none can beat (minus infinity when there is
    no plan at all), *status* "optimal", "feasible" (stopped by gap or Ctrl-C), "time_limit" or "infeasible". *proof* is
    for the model as it was given; None where the bound rests on a solver. With *too_few* it shows that this number of
    columns does not reach the share: see `siting.optimize.covering.partial_covering.bound_of_partial`.
    """

    x: Bools | None
    value: float
    bound: float
    status: str
    engine: str
    proof: Proof | None = None
    nodes: int = 0
    too_few: int | None = None

    @classmethod
    def infeasible(cls, engine: str, proof: Proof | None = None, nodes: int = 0) -> Self:
        """Return the answer that there is no plan."""
        return cls(None, -math.inf, -math.inf, "infeasible", engine, proof, nodes)

    @classmethod
    def without_plan(cls, bound: float, status: str, engine: str, proof: Proof | None = None, nodes: int = 0) -> Self:
        """Return the answer of a search that ended before it had a plan."""
        return cls(None, -math.inf, bound, status, engine, proof, nodes)


def floored(bound: float, grain: float) -> float:
    """Round a bound down to a multiple of *grain*, which all objectives are; 0 for none."""
    return math.floor(bound / grain + GRAIN_TOLERANCE) * grain if grain > 0 and math.isfinite(bound) else bound


def is_proven(value: float, bound: float, grain: float) -> bool:
    """Whether no plan can beat *value*: the bound, down to what a plan can be worth, does not."""
    return floored(bound, grain) <= value or gap_between(value, bound) <= SAME
