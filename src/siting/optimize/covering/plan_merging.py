"""Plans for maximal covering with many columns to open: rounds of annealing, whose plans are merged.

Plans that rounds end in have most columns in common. Columns that are open in all stay open, those that are in none
stay shut, and branch and bound decides the few others: the best plan that can be put together from theirs, as tours are
merged (Cook, W. and Seymour, P., 2003, Tour merging via branch-decomposition, INFORMS Journal on Computing 15, pp.
233-248).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from siting.numbers import Bools
from siting.optimize.control import Control
from siting.optimize.covering.annealing import Annealing
from siting.optimize.covering.presolve import Reduced, reduce
from siting.optimize.covering.relaxation import Lagrangian
from siting.optimize.solution import Solution

__all__ = ["Exact", "anneal_and_merge", "merged"]

#: Rounds from the first plan, and from the best, between two mergings; seconds of a merging.
FRESH, NEAR, SECONDS = 3, 2, 5.0
#: Plans of either kind that are merged at most.
MOST_FRESH, MOST_NEAR = 10, 5

#: Solves a reduced model until the control stops it, from a plan, for so many columns.
Exact: TypeAlias = Callable[[Reduced, Control, Bools | None, int], Solution]


def anneal_and_merge(
    annealing: Annealing, first: Bools, exact: Exact, control: Control, end: float, bound: float = np.inf
) -> None:
    """Anneal and merge until the clock of *control* shows *end*, or a plan reaches the *bound*; the best is in `x`.

    Rounds from the plan *first* end far from each other, those from the best plan near it.
    """
    fresh: list[Bools] = []
    near: list[Bools] = []
    while annealing.can_exchange and not control.must_stop and control.seconds < end and annealing.value < bound:
        for turn in range(FRESH + NEAR):
            into, begin = (fresh, first) if turn < FRESH else (near, annealing.x)
            found = annealing.run_round(control, end, begin)
            if found is not None:
                into.append(found)
        for kept, most in ((fresh, MOST_FRESH), (near, MOST_NEAR)):
            kept.sort(key=annealing.model.objective, reverse=True)
            del kept[most:]
        left = end - control.seconds
        if left > 0:
            plans = [annealing.x, *fresh, *near]
            best = merged(annealing.terms, plans, exact, control.for_part(min(SECONDS, left)))
            if best is not None:
                annealing.offer(best)


def merged(terms: Lagrangian, plans: list[Bools], exact: Exact, control: Control) -> Bools | None:
    """Return a plan among the columns of *plans*, the best if the time is enough; the first is where it begins."""
    model = terms.model
    together = np.array(plans)
    lower = np.where(together.all(axis=0), 1.0, model.lower)
    upper = np.where(together.any(axis=0), model.upper, 0.0)
    reduced = reduce(replace(model, lower=lower, upper=upper))
    return exact(reduced, control, plans[0][reduced.columns], len(lower)).x
