"""Single changes of a rule that would make a problem feasible."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

import siting.propose.problem as problem
from siting.numbers import Floats, amount
from siting.propose.infeasible.subproblems import SAME, Subproblem, Subproblems
from siting.propose.model.constraints import Constraint
from siting.propose.model.shares import Share, needed_of
from siting.propose.search.answer import Reason, Way

__all__ = ["changes_of"]

#: Rules without a number, which can only be left out.
WITHOUT = (
    problem.AtLeast, problem.Backup, problem.Forbidden, problem.OnePer, problem.Required, problem.Spacing,
    problem.Supply, problem.Together,
)  # fmt: skip
#: By how many percent all places are tried to grow.
MORE_PLACES = (*range(5, 100, 5), *range(100, 200, 10), *range(200, 500, 50), *range(500, 1001, 100))


def changes_of(problems: Subproblems, rule: Any, conflict: Sequence[problem.Part]) -> Iterator[Reason]:
    """Name each change of one rule after which all rules can be kept."""
    mine = [each for each in problems.formulation.constraints if each.rule == rule]
    if isinstance(rule, (problem.AtMost, problem.Budget, problem.MayClose)):
        yield from _wider(problems, mine)
    if isinstance(rule, WITHOUT) and problems.feasible([part for part in problems.parts if part.rule != rule]):
        yield "plan.mend_without", {"rule": problem.Part(rule)}
    if isinstance(rule, problem.Phases):
        for each in (one for one in mine if one.part in conflict):
            yield from _wider(problems, [each])
    if isinstance(rule, (problem.Cover, problem.Phases)):
        shares = [share for share in problems.formulation.shares if share.rule == rule]
        for phase in dict.fromkeys(share.phase for share in shares if share.part in conflict):
            yield from _lower(problems, [share for share in shares if share.phase == phase])
    if isinstance(rule, (problem.Cover, problem.NobodyBeyond)):
        yield from _farther(problems, rule)
    if isinstance(rule, problem.MinTravel) and problems.feasible(
        [part for part in problems.parts if part.rule != rule]
    ):
        yield "plan.mend_beyond", {"rule": problem.Part(rule)}
    if isinstance(rule, problem.Capacity):
        yield from _roomier(problems, rule)


def _wider(problems: Subproblems, limits: Sequence[Constraint]) -> Iterator[Reason]:
    """Give the least increase of sites, money or closings that is enough."""
    whole, parts = problems.keeping(problems.parts), {each.part for each in limits}
    chosen = [each for each in whole.constraints if each.part in parts]
    part, rule = chosen[0].part, chosen[0].rule
    assert part is not None
    if len(chosen) == 1:
        outcome = problems.least(problems.parts, part)
        enough = -outcome.value if outcome.x is not None else None
    else:

        def with_limit(n: float) -> Subproblem:
            raised = tuple(replace(each, high=n) if each.part in parts else each for each in whole.constraints)
            return replace(whole, constraints=raised)

        most = int(max(each.weight.sum() for each in chosen))
        enough = _first(range(int(chosen[0].high) + 1, most + 1), lambda n: problems.possible(with_limit(float(n))))
    if enough is None or enough <= chosen[0].high:
        return
    money = isinstance(rule, problem.Budget) or (part.asks is not None and part.asks[0] == "budget")
    what = "budget" if money else "closings" if isinstance(rule, problem.MayClose) else "sites"
    named = part if len(chosen) == 1 else problem.Part(rule)
    yield f"plan.mend_{what}", {"rule": named, "to": amount(enough) if money else round(enough)}


def _first(values: Sequence[float] | Floats, possible: Callable[[float], bool | None]) -> float | None:
    """Return the first of rising values that makes a plan possible, a later one where time is short; None without."""
    low, high = 0, len(values) - 1
    if high < 0 or not possible(values[high]):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if possible(values[middle]) else (middle + 1, high)
    return float(values[high])


def _lower(problems: Subproblems, shares: Sequence[Share]) -> Iterator[Reason]:
    """Give the largest feasible share, in tenths of a percent."""
    inputs, parts, rule = problems.formulation.inputs, {share.part for share in shares}, shares[0].rule
    whole = problems.keeping([part for part in problems.parts if part not in parts])
    if len(shares) == 1:
        outcome = problems.solve(replace(whole, target=shares[0]))
        best = math.floor(1000 * outcome.value / shares[0].total + 1e-9) if outcome.x is not None else 0
    else:

        def with_share(at: float) -> Subproblem:
            asked = (replace(s, share=at, need=needed_of(inputs, at, s.total)) for s in shares)
            return replace(whole, shares=(*whole.shares, *asked))

        top = math.ceil(1000 * shares[0].share) - 1
        found = _first(range(-top, 0), lambda n: problems.possible(with_share(-n / 1000)))
        best = 0 if found is None else round(-found)
    if best > 0:
        named = shares[0].part if isinstance(rule, problem.Phases) else problem.Part(rule)
        yield "plan.mend_share", {"rule": named, "to": f"{best / 10:.1f} %"}


def _roomier(problems: Subproblems, rule: problem.Capacity) -> Iterator[Reason]:
    """Say whether it is enough to split communities, and by how much all places must grow."""
    whole, named = problems.keeping(problems.parts), problem.Part(rule)
    found: list[Reason] = []
    if not rule.split:
        # The rule of the conflict is a Capacity, which has the field that other rules lack.
        rules = tuple(replace(each, split=True) if each == rule else each for each in whole.inputs.rules)  # type: ignore[call-arg]
        if problems.possible(replace(whole, inputs=replace(whole.inputs, rules=rules))):
            found.append(("plan.mend_split", {"rule": named}))
    places = whole.variables.places
    entire = bool((places == np.rint(places))[np.isfinite(places)].all())

    def with_places(percent: float) -> Subproblem:
        more = places * (1 + percent / 100)
        more = np.floor(more + SAME) if entire else more
        return replace(whole, variables=replace(whole.variables, places=more))

    enough = _first(MORE_PLACES, lambda percent: problems.possible(with_places(percent)))
    if enough is not None:
        found.append(("plan.mend_places", {"rule": named, "to": f"{enough:g} %"}))
    elif not found and not rule.split:
        found.append(("plan.may_mend_split", {"rule": named}))
    yield from found


def _farther(problems: Subproblems, rule: problem.Cover | problem.NobodyBeyond) -> Iterator[Reason]:
    """Give the shortest feasible distance within the search, in whole units (below 100 in tenths)."""
    inputs = problems.formulation.inputs
    pairs = [inputs.pairs[k] for k in inputs.service_positions(rule.service, rule)]
    reach = min(each.limit for each in pairs)
    if rule.limit is None or rule.limit >= reach:
        return
    step = 1.0 if reach >= 100 else 0.1
    cost = np.concatenate([each.cost for each in pairs])
    steps = np.unique(np.ceil(cost[(cost > rule.limit) & (cost <= reach)] / step - 1e-9))
    limits = np.minimum([float(f"{n * step:.1f}") for n in steps], reach)
    whole = problems.keeping(problems.parts)

    def with_limit(limit: float) -> Subproblem:
        shares = tuple(replace(share, limit=limit) if share.rule == rule else share for share in whole.shares)
        near = tuple(replace(each, limit=limit) if each.part.rule == rule else each for each in whole.closeness)
        return replace(whole, shares=shares, closeness=near)

    enough = _first(limits, lambda limit: problems.possible(with_limit(limit)))
    if enough is not None:
        yield "plan.mend_radius", {"rule": problem.Part(rule), "to": Way(amount(enough), pairs[0].unit)}
