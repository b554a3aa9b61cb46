"""What an engine answers: a plan, its value, and a bound with its proof."""

from __future__ import annotations

from dataclasses import dataclass

from siting.numbers import Bools
from siting.optimize.proof import Proof

__all__ = ["Solution"]


@dataclass(frozen=True, eq=False)
class Solution:
    """What an engine found.

    Attributes
    ----------
    x
        Columns to open; None without a plan.
    value, bound
        Objective of *x* (minus infinity without) and what none can beat (minus infinity when there is no plan at all).
    status
        "optimal", "feasible" (stopped by gap or Ctrl-C), "time_limit", "infeasible".
    engine
        What solved it, in a word or two.
    proof
        For the model as it was given; None where the bound rests on a solver.
    nodes
        Nodes of the tree that were looked at.
    too_few
        Where the proof shows that this number of columns does not reach the share: see
        `siting.optimize.partial_covering.bound_of_partial`. None where it bounds the model.
    """

    x: Bools | None
    value: float
    bound: float
    status: str
    engine: str
    proof: Proof | None = None
    nodes: int = 0
    too_few: int | None = None
