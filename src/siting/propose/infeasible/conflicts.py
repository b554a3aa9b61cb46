"""Why there is no plan: the rules in conflict, and the best under the others."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

import siting.propose.problem as problem
from siting.errors import ProblemError
from siting.numbers import amount
from siting.optimize.control import Control
from siting.propose.infeasible.changes import changes_of
from siting.propose.infeasible.subproblems import Subproblems, limits_all, load_engines
from siting.propose.infeasible.unreachable import out_of_reach
from siting.propose.model.formulation import Formulation
from siting.propose.model.shares import Share
from siting.propose.search.answer import Reason
from siting.propose.search.market import most_possible

__all__ = ["reasons"]

#: Seconds that may be spent unless the search itself took longer; and those that may be spent beyond its time limit.
SECONDS, GRACE = 5.0, 1.0
#: A rule with more groups is named as a whole when all are in conflict; the best shares of so many groups are given.
MANY = 4
#: Rules that limit what may be opened or spent.
LIMITS = (problem.AtMost, problem.Budget, problem.Phases)


def reasons(formulation: Formulation, control: Control) -> tuple[Reason, ...]:
    """Find out why no plan keeps all rules.

    First each rule that all sites together miss. Where there is none, a set of rules in conflict: a limit (on sites or
    money) and one other rule, otherwise whatever a deletion filter [1]_ leaves. Then the best shares that the other
    rules allow, and each single change that mends everything, in five seconds or what the search of *control* took.

    References
    ----------
    .. [1] J. W. Chinneck and E. W. Dravnieks, "Locating minimal infeasible constraint sets in linear programs", ORSA
       Journal on Computing 3 (2), 1991, pp. 157-168.
    """
    seconds = min(max(SECONDS, control.seconds), max(GRACE, control.seconds_left))
    target = formulation.inputs.one(problem.TargetMarketShare)
    if target is not None:
        most = most_possible(formulation, Control(time_limit=seconds))
        if most is not None:
            best = most / float(formulation.inputs.demand.sum())
            return (("plan.market_short", {"rule": problem.Part(target), "best": best}),)
    load_engines()  # which is not counted
    problems = Subproblems(formulation, control, seconds)
    alone, found = out_of_reach(formulation)
    if alone:
        rules = list(dict.fromkeys(part.rule for part in alone))
        rules = rules if len(rules) == 1 else []  # one change does not mend two rules
        rules += formulation.inputs.all(problem.Backup, problem.Forbidden)  # but these may be behind
        if any(key == "plan.too_large" for key, _ in found):
            rules += formulation.inputs.all(problem.Capacity)
        mends = [mend for rule in dict.fromkeys(rules) for mend in changes_of(problems, rule, alone)]
    else:
        conflict = _coarse(problems.upto(0.4))
        rules = list(dict.fromkeys(part.rule for part in conflict))
        mends = [mend for rule in rules for mend in changes_of(problems.upto(0.7), rule, conflict)]
        conflict = _refined(problems.upto(0.85), conflict)
        found += [*_conflict(problems.upto(1.0), conflict), *_bests(problems, conflict)]
    found += mends
    if problems.late:
        found.append(("plan.reasons_late", {}))
    return tuple(found)


def _goals(problems: Subproblems) -> set[problem.Part]:
    return {share.part for share in problems.formulation.shares}


def _rank(part: problem.Part) -> int:
    """Return the rank of a rule: limits on all before limits on groups, shares of all before those of groups."""
    kind = problem.RULES.index(type(part.rule) if isinstance(part.rule, problem.Rule) else problem.NobodyBeyond)
    return 2 * kind + (getattr(part.rule, "by", None) is not None)


def _by_rule(problems: Subproblems, parts: Sequence[problem.Part]) -> list[list[problem.Part]]:
    """Group the parts by rule, in the order of the rules; limits and goals of phases are separate."""
    goals, found = _goals(problems), dict[tuple[object, bool], list[problem.Part]]()
    for part in sorted(parts, key=_rank):
        found.setdefault((part.rule, part in goals), []).append(part)
    return list(found.values())


def _is_limit(problems: Subproblems, parts: Sequence[problem.Part]) -> bool:
    return isinstance(parts[0].rule, LIMITS) and parts[0] not in _goals(problems)


def _spared(problems: Subproblems, groups: list[list[problem.Part]]) -> list[list[problem.Part]]:
    """Leave out groups of parts, from the last, as long as the rest is in conflict."""
    for group in reversed(groups):
        fewer = [other for other in groups if other is not group]
        if len(groups) > 1 and problems.feasible([part for other in fewer for part in other]) is False:
            groups = fewer
    return groups


def _coarse(problems: Subproblems) -> tuple[problem.Part, ...]:
    """Find rules, with all their groups, in conflict: a limit and another one, or an irreducible set."""
    rules = _by_rule(problems, problems.parts)
    for limit in (rule for rule in rules if _is_limit(problems, rule)):
        for other in (rule for rule in rules if rule is not limit):
            if problems.feasible([*limit, *other]) is False:
                return *limit, *other
    return tuple(part for rule in _spared(problems, rules) for part in rule)


def _refined(problems: Subproblems, parts: Sequence[problem.Part]) -> tuple[problem.Part, ...]:
    """Remove groups from a conflict: down to a limit and one group if they conflict, else until irreducible."""
    rules = _by_rule(problems, parts)
    if len(rules) == 2 and _is_limit(problems, rules[0]) and len(parts) > 2:
        for limit in rules[0]:
            if len(rules[0]) == 1 or problems.feasible([limit, *rules[1]]) is False:
                part = next((part for part in rules[1] if problems.feasible([limit, part]) is False), None)
                if part is not None:
                    return limit, part
    return tuple(part for (part,) in _spared(problems, [[part] for rule in rules for part in rule]))


def _conflict(problems: Subproblems, conflict: tuple[problem.Part, ...]) -> Iterator[Reason]:
    """Name the rules in conflict, and how much would be needed where that is a number of sites or money."""
    formulation = problems.formulation
    # Existing sites are no wish and never left out; they are named where the conflict is with them.
    standing = formulation.inputs.all(problem.Existing)
    standing = standing if standing and problems.feasible(conflict, existing=False) else []
    values: dict[str, object] = {"rules": (*_named(problems, conflict), *map(problem.Part, standing))}
    limits = (each for each in problems.keeping(conflict).constraints if each.part is not None)
    limit = next((each for each in limits if limits_all(each.rule)), None)
    needed = -math.inf if limit is None else -problems.least(conflict, limit.part).bound  # type: ignore[arg-type]
    if limit is None or not math.isfinite(needed) or needed <= limit.high:
        yield "plan.conflict_rules", values
    elif isinstance(limit.rule, problem.Budget):
        yield "plan.conflict_budget", values | {"needed": amount(needed), "allowed": amount(limit.high)}
    else:
        values |= {"needed": math.ceil(needed - 1e-6), "allowed": int(limit.high)}
        shares = {share.part: share for share in formulation.shares if share.part in conflict}
        overall = next((share for part, share in shares.items() if not part.group), None)
        kept = [part for part in problems.parts if part not in shares]
        best = None if overall is None else _best(problems, overall, kept)
        yield ("plan.conflict_sites", values) if best is None else ("plan.conflict", values | {"best": best})


def _named(problems: Subproblems, conflict: Sequence[problem.Part]) -> Iterator[problem.Part]:
    """Name rules group by group; one with many groups that are all in conflict by itself."""
    for parts in _by_rule(problems, conflict):
        rule = parts[0].rule
        every = sum(part.rule == rule for part in problems.parts)
        yield from [problem.Part(rule)] if len(parts) == every > MANY else parts


def _best(problems: Subproblems, share: Share, kept: Sequence[problem.Part]) -> float | None:
    """Return the largest known share of some people under the parts *kept*; None without a plan."""
    try:
        sub = replace(problems.keeping(kept), target=share)
    except ProblemError:
        return None
    outcome = problems.solve(sub)
    return None if outcome.status == "infeasible" else min(1.0, outcome.bound / share.total)


def _bests(problems: Subproblems, conflict: tuple[problem.Part, ...]) -> Iterator[Reason]:
    """Give the best share of each group in conflict, and of all, under the other rules."""
    formulation, goals = problems.formulation, _goals(problems)
    shares = [share for share in formulation.shares if share.part in conflict and share.part.group]
    others = [part for part in problems.parts if part not in goals]
    for share in shares[:MANY]:
        kept = [part for part in problems.parts if part != share.part]
        tries = (_best(problems, share, each) for each in (kept, others))  # other shares may contradict, too
        best = next((each for each in tries if each is not None), None)
        if best is not None and best < share.share:
            yield "plan.best_in", {"group": share.part.group, "share": share.share, "best": best}
    if shares and isinstance(shares[0].rule, problem.Cover) and len(formulation.inputs.services) == 1:
        everyone = np.ones(len(shares[0].members), bool)
        total = float(formulation.inputs.demand[shares[0].service, shares[0].phase].sum())
        best = _best(problems, replace(shares[0], members=everyone, total=total), others)
        if best is not None and best < 1:
            yield "plan.best_overall", {"best": best}
