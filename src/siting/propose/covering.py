"""The covering engine: from an instance to a choice of sites with its bound."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.sparse import block_array, csr_array, eye_array

from siting.propose import mip
from siting.propose.instance import Bools, Floats, Instance, Ints, Reduced, Share, reduce

__all__ = ["Choice", "Reason", "choose", "relative_gap"]

#: Why there is no plan: a key of the table of labels and its values.
Reason = tuple[str, dict[str, object]]


@dataclass(frozen=True, eq=False)
class Choice:
    """Sites to open, as positions; None where there are none to be had, and why."""

    sites: Ints | None
    value: float
    bound: float
    status: str
    reasons: tuple[Reason, ...] = ()

    @property
    def gap(self) -> float:
        """Distance from the value to the bound, as a share."""
        return relative_gap(self.value, self.bound)


def relative_gap(objective: float, bound: float) -> float:
    """Distance from objective to bound, as a share of the larger; 0 when they agree, NaN when there is no objective."""
    if objective == bound:
        return 0.0
    return abs(bound - objective) / max(abs(objective), abs(bound))


def _none(status: str, *reasons: Reason) -> Choice:
    return Choice(None, math.nan, math.nan, status, reasons)


def choose(instance: Instance, *, minimise: bool, time_limit: float | None = None) -> Choice:
    """Choose sites: the fewest that meet the shares, or those that cover the most.

    Parameters
    ----------
    instance
        From `siting.propose.instance.build`.
    minimise
        Open as few sites as possible and, of such plans, one that covers the most; else cover as much as possible.
    time_limit
        Seconds.

    Raises
    ------
    RuntimeError
        When the solver's answer does not keep the rules.
    """
    began = time.perf_counter()
    lost = instance.short_of(instance.reachable)
    if lost:
        return _none("infeasible", *(_out_of_reach(instance, share) for share in lost))
    reduced = reduce(instance)
    start = greedy(instance, reduced, minimise=minimise)
    outcome = _search(instance, reduced, start, minimise, time_limit)
    if outcome.status == "infeasible":
        return _none("infeasible", _conflict(instance, time_limit))
    sites = _sites(instance, reduced, outcome, start)
    if sites is None:
        return _none(outcome.status, ("plan.none_found", {}))
    counted = counted_bound(instance, reduced, minimise=minimise)
    if minimise:
        bound = float(math.ceil(max(outcome.bound - 1e-6, counted)))
        sites = _fullest(instance, sites, _left(time_limit, began)) if len(sites) else sites
        value = float(len(sites))
    else:
        best = min(reduced.base - outcome.bound, counted)
        best = math.floor(best + 1e-6) if instance.grain else best / reduced.scale
        value = float(instance.weight[instance.covered_by(sites)].sum())
        bound = max(float(best), value)
    if not instance.keeps(instance.covered_by(sites)):
        raise RuntimeError("the solver's plan does not keep the rules; please report the problem")
    status = outcome.status
    if abs(bound - value) <= (0.0 if minimise or instance.grain else 1e-9 * instance.total):
        status, bound = "optimal", value
    elif status == "optimal":
        status = "feasible"
    return Choice(sites, value, bound, status)


def _conflict(instance: Instance, time_limit: float | None) -> Reason:
    """Name the fewest rules that cannot be kept together: the number of sites and a share, or all shares.

    Every share can be reached and no rule but the number of sites limits that, so it is part of every conflict.
    """
    free = replace(instance, most=None)
    blamed, fewest = instance.shares, choose(free, minimise=True, time_limit=time_limit)
    for share in instance.shares:
        alone = choose(replace(free, shares=(share,)), minimise=True, time_limit=time_limit)
        if instance.most is not None and alone.bound > instance.most:
            blamed, fewest = (share,), alone
            break
    best = choose(replace(instance, shares=()), minimise=False, time_limit=time_limit)
    rules = dict.fromkeys([f"AtMost({instance.most})", *(_named(share) for share in blamed)])
    if instance.required.any():
        open_choice = replace(free, shares=blamed, required=np.zeros_like(instance.required))
        if choose(open_choice, minimise=True, time_limit=time_limit).bound <= (instance.most or 0):
            rules[f"Required({int(instance.required.sum())} sites)"] = None
    return "plan.conflict", {
        "rules": tuple(rules),
        "needed": int(fewest.bound),
        "allowed": instance.most,
        "best": best.bound / instance.total,
    }


def _named(share: Share) -> str:
    return str(share.rule) if share.rule.by is None else f"{share.rule} ({share.group})"


def _out_of_reach(instance: Instance, share: Share) -> Reason:
    """Say what share of the demand can be reached at all."""
    weight = instance.weight
    best = float(weight[share.members & instance.reachable].sum() / weight[share.members].sum())
    key = "plan.out_of_reach" if share.rule.by is None else "plan.out_of_reach_in"
    return key, {"share": share.rule.share, "best": best, "group": share.group}


def _left(time_limit: float | None, began: float) -> float | None:
    return None if time_limit is None else max(0.01, time_limit - (time.perf_counter() - began))


def _search(
    instance: Instance, reduced: Reduced, start: Ints, minimise: bool, time_limit: float | None
) -> mip.Outcome:  # fmt: skip
    return mip.run(
        _model(instance, reduced, minimise=minimise),
        start=_start(instance, reduced, start),
        gap=0.5 if minimise or instance.grain else 1e-4,
        time_limit=time_limit,
    )


def _sites(instance: Instance, reduced: Reduced, outcome: mip.Outcome, start: Ints) -> Ints | None:
    """Positions that the outcome opens, or the start where the solver had no time to look; None without either.

    Sites that add nobody are left out unless they are required: opening them costs the solver nothing, but the city.
    """
    if outcome.x is not None:
        opened = np.flatnonzero(outcome.x[: len(reduced.sites)] > 0.5)
    elif instance.keeps(instance.covered_by(start)):
        opened = np.flatnonzero(np.isin(reduced.sites, start))
    else:
        return None
    by_site = csr_array(reduced.cover.T)
    gain = by_site @ reduced.weight
    times = reduced.cover[:, opened].sum(axis=1)
    kept = []
    for site in opened[np.argsort(gain[opened], kind="stable")]:
        rows = by_site.indices[by_site.indptr[site] : by_site.indptr[site + 1]]
        if instance.required[reduced.sites[site]] or (times[rows] < 2).any():
            kept.append(site)
        else:
            times[rows] -= 1
    return reduced.sites[np.sort(np.array(kept, np.intp))]


def _fullest(instance: Instance, sites: Ints, time_limit: float | None) -> Ints:
    """Of the plans with as few sites, one that covers the most; the given one when time runs out."""
    at = replace(instance, most=len(sites))
    reduced = reduce(at)
    better = _sites(at, reduced, _search(at, reduced, sites, False, time_limit), sites)
    if better is None or not at.keeps(at.covered_by(better)):
        return sites
    more = at.weight[at.covered_by(better)].sum() > at.weight[at.covered_by(sites)].sum()
    return better if more and len(better) <= len(sites) else sites


def counted_bound(instance: Instance, reduced: Reduced, *, minimise: bool) -> float:
    """Bound that needs no solver: sites cover no more together than each counted by itself.

    For `MaxCoverage` the most that can be covered, in the units of *reduced*; for `MinSites` the fewest sites.
    """
    must = instance.required[reduced.sites]

    def most(members: Bools) -> Floats:
        """At most so much is covered by the required sites and 0, 1, 2, … others."""
        gain = reduced.cover.T @ (reduced.weight * members)
        first = np.concatenate([[gain[must].sum()], np.sort(gain[~must])[::-1]])
        counted: Floats = np.minimum(np.cumsum(first), (reduced.weight * members).sum())
        return counted

    if not minimise:
        rest = (len(reduced.sites) if instance.most is None else instance.most) - int(must.sum())
        return reduced.base + float(most(np.ones(len(reduced.weight), bool))[min(rest, int((~must).sum()))])
    others = [
        int(np.argmax(reach >= need - 1e-2))
        for members, need in zip(reduced.members, reduced.needs, strict=True)
        if (reach := most(members))[-1] >= need - 1e-2
    ]
    return float(must.sum() + max(others, default=0))


def _model(instance: Instance, reduced: Reduced, *, minimise: bool) -> mip.Model:
    """Write the covering model over sites and merged demands."""
    n, m = len(reduced.weight), len(reduced.sites)
    blocks: list[list[Any]] = [[reduced.cover, -eye_array(n, format="csr")]]
    low, high = [np.zeros(n)], [np.full(n, np.inf)]
    # Sums that meet a need exactly must not fail by the last bits; no sum that falls short may pass (`Instance.keeps`).
    margin = 0.25 if instance.grain else 3e-3
    for members, need in zip(reduced.members, reduced.needs, strict=True):
        blocks.append([csr_array((1, m)), csr_array((reduced.weight * members)[None, :])])
        low.append(np.array([need - margin]))
        high.append(np.array([np.inf]))
    if instance.most is not None:
        blocks.append([csr_array(np.ones((1, m))), csr_array((1, n))])
        low.append(np.array([-np.inf]))
        high.append(np.array([float(instance.most)]))
    matrix = csr_array(block_array(blocks, format="csr"))
    matrix.eliminate_zeros()
    must = instance.required[reduced.sites].astype(float)
    opening = np.ones(m) if minimise else np.zeros(m)
    serving = np.zeros(n) if minimise else -reduced.weight
    return mip.Model(
        cost=np.concatenate([opening, serving]),
        lower=np.concatenate([must, np.zeros(n)]),
        upper=np.ones(m + n),
        matrix=matrix,
        row_lower=np.concatenate(low),
        row_upper=np.concatenate(high),
        whole=m,
    )


def greedy(instance: Instance, reduced: Reduced, *, minimise: bool) -> Ints:
    """Open the required sites, then again and again the one that adds most; ties go to the first.

    With *minimise* what counts is demand towards shares that are not met yet, and it ends when all are.
    """
    left = reduced.weight.copy()
    needs = np.array(reduced.needs, float)
    chosen: list[int] = []
    by_site = csr_array(reduced.cover.T)

    def take(site: int) -> None:
        chosen.append(site)
        rows = by_site.indices[by_site.indptr[site] : by_site.indptr[site + 1]]
        for k, members in enumerate(reduced.members):
            needs[k] -= left[rows][members[rows]].sum()
        left[rows] = 0.0

    for site in np.flatnonzero(instance.required[reduced.sites]):
        take(int(site))
    limit = len(reduced.sites) if instance.most is None else instance.most
    while len(chosen) < limit:
        wanted = left
        if minimise:
            short = [m for m, need in zip(reduced.members, needs, strict=True) if need > 1e-3]
            if not short:
                break
            wanted = left * np.any(short, axis=0)
        gain = by_site @ wanted
        best = int(np.argmax(gain))
        if not gain[best] > 0:
            break
        take(best)
    return reduced.sites[np.array(sorted(chosen), np.intp)]


def _start(instance: Instance, reduced: Reduced, sites: Ints) -> Floats | None:
    """Write sites as a start for the solver, or None where they do not keep the rules."""
    if not instance.keeps(instance.covered_by(sites)):
        return None
    opened = np.isin(reduced.sites, sites).astype(float)
    return np.concatenate([opened, np.minimum(1.0, reduced.cover @ opened)])
