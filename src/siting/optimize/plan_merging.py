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
from siting.optimize.annealing import Annealing
from siting.optimize.control import Control
from siting.optimize.presolve import Reduced, reduce
from siting.optimize.relaxation import Lagrangian
from siting.optimize.solution import Solution

__all__ = ["Exact", "anneal_and_merge", "merged"]

#: Rounds between two mergings, and seconds of a merging.
ROUNDS, SECONDS = 4, 4.0
#: Plans of rounds that are merged at most.
MOST = 12
#: Mergings without a better plan until the search begins anew, and the temperature at which it does.
STALE, HOT = 2, 4.0

#: Solves a reduced model until the control stops it, from a plan, for so many columns.
Exact: TypeAlias = Callable[[Reduced, Control, Bools | None, int], Solution]


def anneal_and_merge(annealing: Annealing, exact: Exact, control: Control, end: float) -> None:
    """Anneal and merge until the clock of *control* shows *end*; the best plan is the annealing's `x`.

    When mergings give no better plan the search begins anew elsewhere; where it ended is merged with what comes later.
    """
    model, current, stale = annealing.model, annealing.x, 0
    ended: list[Bools] = []
    pool: list[tuple[float, Bools]] = []
    while annealing.can_exchange and not control.must_stop and control.seconds < end:
        before = model.objective(current)
        for _ in range(ROUNDS):
            found = annealing.run_round(control, end, current)
            if found is not None:
                pool.append((model.objective(found), found))
        pool = sorted(pool, key=lambda each: -each[0])[:MOST]
        current = max([current, *(plan for _, plan in pool[:1])], key=model.objective)
        current = _best(annealing, [current, *(plan for _, plan in pool)], exact, control, end)
        stale = 0 if model.objective(current) > before else stale + 1
        if stale >= STALE:
            ended.append(current)
            _best(annealing, [annealing.x, *ended, *(plan for _, plan in pool)], exact, control, end)
            anew = annealing.run_round(control, end, current, HOT)
            current, stale, pool = current if anew is None else anew, 0, []


def _best(annealing: Annealing, plans: list[Bools], exact: Exact, control: Control, end: float) -> Bools:
    """Return the best merging of *plans*, or the first, and offer it to the annealing."""
    left = end - control.seconds
    best = merged(annealing.terms, plans, exact, control.for_part(min(SECONDS, left))) if left > 0 else None
    objective = annealing.model.objective
    if best is None or objective(best) <= objective(plans[0]):
        return plans[0]
    annealing.offer(best)
    return best


def merged(terms: Lagrangian, plans: list[Bools], exact: Exact, control: Control) -> Bools | None:
    """Return a plan among the columns of *plans*, the best if the time is enough; the first is where it begins."""
    model = terms.model
    together = np.array(plans)
    lower = np.where(together.all(axis=0), 1.0, model.lower)
    upper = np.where(together.any(axis=0), model.upper, 0.0)
    reduced = reduce(replace(model, lower=lower, upper=upper))
    return exact(reduced, control, plans[0][reduced.columns], len(lower)).x
