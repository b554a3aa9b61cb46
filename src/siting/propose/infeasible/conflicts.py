"""Why there is no plan: what is out of reach, which rules are in conflict, and which single change would mend it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from siting.errors import ProblemError
from siting.numbers import Bools, Floats, amount
from siting.optimize.control import Control
from siting.propose.infeasible.subproblems import SAME, Trial, Trials, counts_sites, group_of, load_engines, name_of
from siting.propose.model.constraints import Row, Share
from siting.propose.model.formulation import Block, Instance
from siting.propose.plan.solved_problem import Reason
from siting.propose.problem.arrangements import Capacity, MayClose, Phases, Spacing, Supply, Together
from siting.propose.problem.rules import (  # fmt: skip
    AtLeast,
    AtMost,
    Backup,
    Budget,
    Cover,
    Existing,
    Forbidden,
    NobodyBeyond,
    OnePer,
    Required,
    Rule,
)

__all__ = ["reasons"]

#: Seconds that may be spent unless the search itself took longer; and those that may be spent beyond its time limit.
SECONDS, GRACE = 5.0, 1.0
#: In this order rules are named; of two that could be left out of a conflict the later one is.
ORDER = (AtMost, Budget, Phases, Cover, NobodyBeyond, AtLeast, OnePer, Supply, MayClose, Capacity, Backup, Spacing,
         Together, Required, Forbidden)  # fmt: skip
#: A rule with more groups is named as a whole when all are in conflict; the best shares of so many groups are told.
MANY = 4
#: Rules that limit what may be opened or spent.
LIMITS = (AtMost, Budget, Phases)
#: Rules without a number to change, that are mended by leaving them out.
WITHOUT = (AtLeast, Backup, Forbidden, OnePer, Required, Spacing, Supply, Together)


def reasons(instance: Instance, control: Control) -> tuple[Reason, ...]:
    """Say why no plan keeps all rules.

    First each rule that all sites together miss, with the best that can be had and the communities that are too far.
    Where there is none, a set of rules in conflict: a limit (on sites or money) and one other rule where two such are,
    and of these one group where that is enough; otherwise whatever a deletion filter [1]_ leaves. Nothing of the set
    can be spared, but there may be a smaller one. Then the best shares that the other rules allow, and each single
    change that mends everything by itself. All is found by solving; where time ended first that is said.

    Parameters
    ----------
    control
        That of the search. Five seconds more may be spent, or as many as the search took, but no more than one second
        beyond its time limit.

    References
    ----------
    .. [1] J. W. Chinneck and E. W. Dravnieks, "Locating minimal infeasible constraint sets in linear programs", ORSA
       Journal on Computing 3 (2), 1991, pp. 157-168.
    """
    seconds = min(max(SECONDS, control.seconds), max(GRACE, control.seconds_left))
    load_engines()  # which is not counted
    trials = Trials(instance, control, seconds)
    alone, told = _out_of_reach(instance)
    if alone:
        rules = [trials.rule_of[name] for name in alone]
        rules = rules[:1] if all(rule is rules[0] for rule in rules) else []  # one change does not mend two rules
        rules += [rule for kind in (Backup, Forbidden) for rule in instance.inputs.all(kind)]  # but these may be behind
        mends = [mend for rule in rules if rule is not None for mend in _mends(trials, rule, alone)]
    else:
        conflict = _coarse(trials.upto(0.4))
        rules = list({id(trials.rule_of[name]): trials.rule_of[name] for name in conflict}.values())
        mends = [mend for rule in rules if rule is not None for mend in _mends(trials.upto(0.7), rule, conflict)]
        conflict = _refined(trials.upto(0.85), conflict)
        told += [*_told(trials.upto(1.0), conflict), *_bests(trials, conflict)]
    told += mends
    if trials.late:
        told.append(("plan.reasons_late", {}))
    return tuple(told)


# What all sites together miss


def _out_of_reach(instance: Instance) -> tuple[tuple[str, ...], list[Reason]]:
    """Name the rules that all sites together miss, each by itself, and say by how much."""
    names: list[str] = []
    told: list[Reason] = []
    missed: dict[tuple[int, float], list[tuple[str, Bools]]] = {}
    for share in instance.shares:
        served = _served_by_all(instance, share.service, share.phase, share.limit)
        weight = np.where(share.members, instance.inputs.demand[share.service, share.phase], 0.0)
        wanted = instance._wanted(share)
        if weight[served].sum() < wanted - SAME * max(1.0, wanted):
            names.append(name_of(share))
            group = group_of(share)
            told.append(
                (
                    "plan.out_of_reach_in" if group else "plan.out_of_reach",
                    {"share": share.share, "best": float(weight[served].sum() / weight.sum()), "group": group},
                )
            )
            missed.setdefault(_within(instance, share.service, share.limit), []).append(
                (str(share.rule), (weight > 0) & ~served)
            )
    for name, service, phase, limit in _for_all(instance):
        lost = (instance.inputs.demand[service, phase] > 0) & ~_served_by_all(instance, service, phase, limit, times=1)
        if lost.any():
            names.append(name)
            missed.setdefault(_within(instance, service, limit), []).append((name, lost))
    told += [_too_far(instance, *where, found) for where, found in missed.items()]
    for row in instance.rows:
        if row.rule is not None and _reached(instance, row) < row.low - SAME * max(1.0, abs(row.low)):
            names.append(name_of(row))
            told.append(_short(instance, row))
    return tuple(dict.fromkeys(names)), told


def _for_all(instance: Instance) -> Iterator[tuple[str, int, int, float | None]]:
    """Yield what wants everybody served: name, service, phase, limit."""
    for near in instance.closeness:
        yield str(near.rule), near.service, near.phase, near.limit
    if instance.everybody:
        for service in range(len(instance.inputs.services)):
            for phase in range(len(instance.inputs.years)):
                yield str(instance.objective), service, phase, None


def _served_by_all(
    instance: Instance, service: int, phase: int, limit: float | None, *, times: int | None = None
) -> Bools:
    """Communities that are served when every site is open."""
    size = len(instance.inputs.homes)
    nothing = np.zeros(size)
    home, column, _ = instance.serving(Block(service, phase, limit, nothing, nothing > 0))
    site = instance.columns.site[column]
    open_ = instance.columns.upper[column] > 0
    pairs = np.unique(home[open_] * len(instance.inputs.sites) + site[open_])
    count = np.bincount(pairs // max(1, len(instance.inputs.sites)), minlength=size)
    found: Bools = count >= (instance.times if times is None else times)
    return found


def _within(instance: Instance, service: int, limit: float | None) -> tuple[int, float]:
    reach = instance.inputs.pairs[service].limit
    return service, reach if limit is None else min(limit, reach)


def _too_far(instance: Instance, service: int, limit: float, found: Sequence[tuple[str, Bools]]) -> Reason:
    """Name the communities without a site near enough, those with most people first, and their way to the nearest."""
    inputs = instance.inputs
    pairs = inputs.pairs[service]
    home, column, cost = instance.serving(Block(service, len(inputs.years) - 1, None, *_nothing(instance)))
    nearest = np.full(len(inputs.homes), np.inf)
    order = np.lexsort((cost, home))
    _, first = np.unique(home[order] * len(inputs.sites) + instance.columns.site[column[order]], return_index=True)
    once = order[np.sort(first)]  # each site once, in the order of the way
    start = np.searchsorted(home[once], home[once])
    at = np.arange(len(once)) - start == instance.times - 1
    nearest[home[once][at]] = cost[once][at]
    people = inputs.demand[service].max(axis=0)
    lost = np.flatnonzero(np.any([mask for _, mask in found], axis=0))
    lost = lost[np.argsort(-people[lost], kind="stable")]
    return "plan.too_far" if instance.times == 1 else "plan.too_few", {
        "rules": tuple(dict.fromkeys(name for name, _ in found)),
        "limit": f"{limit:g} {pairs.unit}",
        "count": len(lost),
        "people": amount(float(people[lost].sum())),
        "names": tuple(f"{inputs.homes[int(i)]} ({_way(nearest[i], pairs.limit, pairs.unit)})" for i in lost),
    }


def _nothing(instance: Instance) -> tuple[Floats, Bools]:
    return np.zeros(len(instance.inputs.homes)), np.zeros(len(instance.inputs.homes), bool)


def _way(cost: float, limit: float, unit: str) -> str:
    return f"{cost:.4g} {unit}" if math.isfinite(cost) else f"> {limit:g} {unit}"


def _reached(instance: Instance, row: Row) -> float:
    """Return the largest sum of a row, however many sites open; each site and service opens once."""
    columns = instance.columns
    weight = np.where(columns.upper[row.columns] > 0, np.maximum(row.weight, 0.0), 0.0)
    if not len(weight):
        return 0.0
    key = (columns.site * len(instance.inputs.services) + columns.service) * 5 + columns.kind
    most = np.zeros(int(key.max()) + 1)
    np.maximum.at(most, key[row.columns], weight)
    return float(most.sum())


def _short(instance: Instance, row: Row) -> Reason:
    if isinstance(row.rule, OnePer):
        return "plan.no_site", {"rule": str(row.rule), "group": group_of(row)}
    return "plan.all_short", {"rule": row.said, "asked": amount(row.low), "best": amount(_reached(instance, row))}


# Which rules are in conflict


def _rank(trials: Trials, name: str) -> int:
    """Return the place of a rule: limits on all before limits on groups, shares of all before those of groups."""
    rule = trials.rule_of[name]
    kind = next((n for n, kind in enumerate(ORDER) if isinstance(rule, kind)), ORDER.index(NobodyBeyond))
    grouped = getattr(rule, "by", None) is not None
    return 2 * kind + grouped


def _parts(trials: Trials, names: Sequence[str]) -> list[list[str]]:
    """Put names together that are one rule, in their order; what phases limit and what they aim at are two."""
    goals = {name_of(share) for share in trials.instance.shares}
    found: dict[tuple[int, bool], list[str]] = {}
    for name in sorted(names, key=lambda name: _rank(trials, name)):
        found.setdefault((id(trials.rule_of[name]), name in goals), []).append(name)
    return list(found.values())


def _is_limit(trials: Trials, part: Sequence[str]) -> bool:
    goals = {name_of(share) for share in trials.instance.shares}
    return isinstance(trials.rule_of[part[0]], LIMITS) and part[0] not in goals


def _coarse(trials: Trials) -> tuple[str, ...]:
    """Find rules, with all their groups, in conflict: a limit and another one, or such that none can be spared."""
    parts = _parts(trials, trials.names)
    for limit in (part for part in parts if _is_limit(trials, part)):
        for other in (part for part in parts if part is not limit):
            if trials.feasible([*limit, *other]) is False:
                return *limit, *other
    for part in reversed(list(parts)):
        fewer = [other for other in parts if other is not part]
        if len(parts) > 1 and trials.feasible([name for other in fewer for name in other]) is False:
            parts = fewer
    return tuple(name for part in parts for name in part)


def _refined(trials: Trials, names: Sequence[str]) -> tuple[str, ...]:
    """Leave groups out of a conflict: a limit and one group if they conflict, or as long as one can be spared."""
    parts = _parts(trials, names)
    if len(parts) == 2 and _is_limit(trials, parts[0]) and len(names) > 2:
        for limit in parts[0]:
            if len(parts[0]) == 1 or trials.feasible([limit, *parts[1]]) is False:
                for name in parts[1]:
                    if trials.feasible([limit, name]) is False:
                        return limit, name
    left = [name for part in parts for name in part]
    for name in reversed(list(left)):
        fewer = [other for other in left if other != name]
        if len(left) > 1 and trials.feasible(fewer) is False:
            left = fewer
    return tuple(left)


def _told(trials: Trials, conflict: tuple[str, ...]) -> Iterator[Reason]:
    """Say which rules are in conflict, and how much would be needed where that is a number of sites or money."""
    instance = trials.instance
    values: dict[str, object] = {"rules": (*_named(trials, conflict), *_standing(trials, conflict))}
    trial = trials.made(conflict)
    row = next((row for row in trial.rows if row.rule is not None and _of_all(row.rule)), None)
    needed = -math.inf if row is None else -trials.least(conflict, name_of(row)).bound
    if row is None or not math.isfinite(needed) or needed <= row.high:
        yield "plan.conflict_rules", values
    elif isinstance(row.rule, Budget):
        yield "plan.conflict_budget", {**values, "needed": amount(needed), "allowed": amount(row.high)}
    else:
        values |= {"needed": math.ceil(needed - 1e-6), "allowed": int(row.high)}
        shares = {name_of(share): share for share in instance.shares if name_of(share) in conflict}
        overall = [share for share in shares.values() if not group_of(share)]
        best = _best(trials, overall[0], [name for name in trials.names if name not in shares]) if overall else None
        yield ("plan.conflict_sites", values) if best is None else ("plan.conflict", {**values, "best": best})


def _of_all(rule: Rule) -> bool:
    """Whether a rule limits the number of all sites, or all money."""
    return isinstance(rule, Budget) or (isinstance(rule, AtMost) and rule.by is None)


def _named(trials: Trials, conflict: Sequence[str]) -> Iterator[str]:
    """Name rules group by group; one with many groups that are all in conflict by itself."""
    for part in _parts(trials, conflict):
        rule = trials.rule_of[part[0]]
        every = sum(trials.rule_of[name] is rule for name in trials.names)
        yield from [str(rule)] if len(part) == every > MANY else part


def _standing(trials: Trials, conflict: tuple[str, ...]) -> list[str]:
    """Existing sites are no wish and never left out; they are named where the conflict is with them."""
    existing = trials.instance.inputs.all(Existing)
    return [str(rule) for rule in existing] if existing and trials.feasible(conflict, existing=False) else []


def _best(trials: Trials, share: Share, kept: Sequence[str]) -> float | None:
    """Return the largest share of some people that the rules *kept* allow, as far as is known; None without a plan."""
    try:
        trial = replace(trials.made(kept), target=share)
    except ProblemError:
        return None
    outcome = trials.solve(trial)
    if outcome.infeasible:
        return None
    total = float(trials.instance.inputs.demand[share.service, share.phase][share.members].sum())
    return min(1.0, outcome.bound / total)


def _bests(trials: Trials, conflict: tuple[str, ...]) -> Iterator[Reason]:
    """Say the best share of each group in conflict, and of everybody, that the other rules allow."""
    instance = trials.instance
    shares = [share for share in instance.shares if name_of(share) in conflict and group_of(share)]
    every = {name_of(share) for share in instance.shares}
    for share in shares[:MANY]:
        best = _best(trials, share, [name for name in trials.names if name != name_of(share)])
        if best is None:  # other shares contradict, too
            best = _best(trials, share, [name for name in trials.names if name not in every])
        if best is not None and best < share.share:
            yield "plan.best_in", {"group": group_of(share), "share": share.share, "best": best}
    if shares and isinstance(shares[0].rule, Cover) and len(instance.inputs.services) == 1:
        everybody = replace(shares[0], members=np.ones(len(shares[0].members), bool))
        best = _best(trials, everybody, [name for name in trials.names if name not in every])
        if best is not None and best < 1:
            yield "plan.best_overall", {"best": best}


# Which single change would mend it


def _mends(trials: Trials, rule: Rule, conflict: Sequence[str]) -> Iterator[Reason]:
    """Say each change of one rule after which all rules can be kept."""
    mine = [row for row in trials.instance.rows if row.rule is rule]
    if isinstance(rule, (AtMost, Budget, MayClose)):
        yield from _wider(trials, rule, mine)
    others = [name for name in trials.names if trials.rule_of[name] is not rule]
    if isinstance(rule, WITHOUT) and trials.feasible(others):
        yield "plan.mend_without", {"rule": str(rule)}
    if isinstance(rule, Phases):
        for row in (row for row in mine if name_of(row) in conflict):
            yield from _wider(trials, rule, [row])
    if isinstance(rule, (Cover, Phases)):
        for phase in dict.fromkeys(
            s.phase for s in trials.instance.shares if s.rule is rule and name_of(s) in conflict
        ):
            yield from _lower(trials, rule, phase)
    if isinstance(rule, (Cover, NobodyBeyond)):
        yield from _farther(trials, rule)


def _wider(trials: Trials, rule: Rule, rows: Sequence[Row]) -> Iterator[Reason]:
    """Tell how many more sites, or how much more money or closings, are enough: the least."""
    whole = trials.made(trials.names)
    chosen = [row for row in whole.rows if row.rule is rule and name_of(row) in set(map(name_of, rows))]
    if len(chosen) == 1:
        outcome = trials.least(trials.names, name_of(chosen[0]))
        enough = -outcome.value if outcome.x is not None else None
    else:
        most = int(max(row.weight.sum() for row in chosen))
        enough = _first(
            range(int(chosen[0].high) + 1, most + 1),
            lambda n: trials.possible(
                replace(whole, rows=tuple(replace(r, high=float(n)) if r in chosen else r for r in whole.rows))
            ),
        )
    if enough is None or enough <= chosen[0].high:
        return
    said = name_of(chosen[0]) if len(chosen) == 1 else str(rule)
    money = isinstance(rule, Budget) or (isinstance(rule, Phases) and not counts_sites(rule, chosen[0]))
    key = "plan.mend_budget" if money else "plan.mend_closings" if isinstance(rule, MayClose) else "plan.mend_sites"
    yield key, {"rule": said, "to": amount(enough) if money else round(enough)}


def _first(values: Sequence[float] | Floats, possible: Callable[[float], bool | None]) -> float | None:
    """Return the first of rising values that makes a plan possible; where time is short one that does, perhaps later.

    None where the last does not.
    """
    low, high = 0, len(values) - 1
    if high < 0 or not possible(values[high]):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if possible(values[middle]) else (middle + 1, high)
    return float(values[high])


def _lower(trials: Trials, rule: Rule, phase: int) -> Iterator[Reason]:
    """Tell a smaller share that is enough: the largest that can be had, in tenths of a percent."""
    instance = trials.instance
    shares = [share for share in instance.shares if share.rule is rule and share.phase == phase]
    names = {name_of(share) for share in shares}
    kept = [name for name in trials.names if name not in names]
    whole = trials.made(kept)
    if len(shares) == 1:
        outcome = trials.solve(replace(whole, target=shares[0]))
        total = float(instance.inputs.demand[shares[0].service, phase][shares[0].members].sum())
        best = math.floor(1000 * outcome.value / total + 1e-9) if outcome.x is not None else 0
    else:
        top = math.ceil(1000 * shares[0].share) - 1
        found = _first(
            range(-top, 0),
            lambda n: trials.possible(
                replace(whole, shares=(*whole.shares, *(_asking(instance, s, -n / 1000) for s in shares)))
            ),
        ) if top > 0 else None  # fmt: skip
        best = 0 if found is None else round(-found)
    if best > 0:
        said = name_of(shares[0]) if isinstance(rule, Phases) else str(rule)
        yield "plan.mend_share", {"rule": said, "to": f"{best / 10:.1f} %"}


def _asking(instance: Instance, share: Share, at: float) -> Share:
    """Return a share that asks for another part of the same people."""
    need = at * float(instance.inputs.demand[share.service, share.phase][share.members].sum())
    if instance.inputs.whole:
        need = float(np.ceil(need - max(1e-9, 1e-15 * need)))
    return replace(share, share=at, need=need)


def _farther(trials: Trials, rule: Cover | NobodyBeyond) -> Iterator[Reason]:
    """Tell a longer way that is enough, as far as was searched: the shortest, in whole units (below 100 in tenths)."""
    instance = trials.instance
    services = instance.inputs.service(rule.service, rule)
    reach = min(instance.inputs.pairs[k].limit for k in services)
    if rule.limit is None or rule.limit >= reach:
        return
    step = 1.0 if reach >= 100 else 0.1
    cost = np.concatenate([instance.inputs.pairs[k].cost for k in services])
    steps = np.unique(np.ceil(cost[(cost > rule.limit) & (cost <= reach)] / step - 1e-9))
    limits = np.minimum([float(f"{n * step:.1f}") for n in steps], reach)
    whole = trials.made(trials.names)

    def within(limit: float) -> Trial:
        shares = tuple(replace(s, limit=limit) if s.rule is rule else s for s in whole.shares)
        near = tuple(replace(c, limit=limit) if c.rule is rule else c for c in whole.closeness)
        return replace(whole, shares=shares, closeness=near)

    enough = _first(limits, lambda limit: trials.possible(within(limit)))
    if enough is not None:
        unit = instance.inputs.pairs[services[0]].unit
        yield "plan.mend_radius", {"rule": str(rule), "to": f"{enough:g} {unit}"}
