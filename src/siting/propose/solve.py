"""`solve` and `frontier`: from a problem to a plan with a proof of how good it is."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import block_array, csr_array, eye_array

from siting.errors import ProblemError
from siting.measure import Reach
from siting.propose import mip
from siting.propose.instance import Bools, Floats, Instance, Ints, Reduced, Share, build, reduce
from siting.propose.plan import Plan, make_plan
from siting.propose.problem import AtMost, Cover, MaxCoverage, MinSites, Objective, Rule

__all__ = ["frontier", "solve"]


def solve(
    objective: Objective,
    reach: Reach,
    *,
    demand: pd.Series | pd.DataFrame,
    rules: Sequence[Rule] = (),
    time_limit: float | None = None,
) -> Plan:
    """Choose the sites to open.

    Parameters
    ----------
    objective
        `MaxCoverage` (with `AtMost`) or `MinSites` (with `Cover`). Of the plans with the fewest sites one that covers
        the most is chosen.
    reach
        From communities to sites, candidates and existing ones, within the distance that counts as covered.
    demand
        Weight of each community: a Series, or a DataFrame with one column.
    rules
        `AtMost`, `Cover`, `Existing`, `Required`, `Forbidden`.
    time_limit
        Seconds after which the best plan so far is returned with its bound; None waits for the proof.

    Returns
    -------
    Plan
        Its `status` is "optimal" only when the bound proves it. A goal that cannot be met is "infeasible", and
        `Plan.explain` says why.

    Raises
    ------
    ProblemError
        When the problem is badly put: an objective without the rule it needs, unknown ids, rules that contradict.

    Notes
    -----
    With x_j = 1 for an open site, y_i for a covered community, N(i) the sites that reach i, and w the demand:
    ``y_i <= sum of x_j over N(i)``; `MaxCoverage` maximises ``sum of w_i y_i`` with ``sum of x_j <= n`` [1]_;
    `MinSites` minimises ``sum of x_j`` with ``sum of w_i y_i >= share * sum of w_i`` [2]_.

    References
    ----------
    .. [1] R. Church and C. ReVelle, 1974; see `MaxCoverage`.
    .. [2] M. S. Daskin and S. H. Owen, "Two new location covering problems: the partial p-center problem and the
       partial set covering problem", Geographical Analysis 31 (3), 1999, pp. 217-235.

    Examples
    --------
    >>> import pandas as pd, siting as st
    >>> table = pd.DataFrame({"origin": list("aabc"), "destination": list("xyyz"), "cost": [100.0] * 4})
    >>> reach = st.Reach.from_pairs(table, origins=list("abcd"), destinations=list("xyz"), limit=300)
    >>> people = pd.Series({"a": 10, "b": 5, "c": 8, "d": 2}, name="people")
    >>> st.solve(st.MaxCoverage(), reach, demand=people, rules=[st.AtMost(1)])
    <Plan: optimal, 1 site, 15 of 25 (60.0 %), bound 15, gap 0.00 %>
    >>> st.solve(st.MinSites(), reach, demand=people, rules=[st.Cover(0.9)]).sites
    ('y', 'z')
    """
    began = time.perf_counter()
    _plain(rules, time_limit)
    _fits(objective, rules)
    instance = build(reach, demand, rules)
    plan = _plan(objective, instance, rules, time_limit, began)
    return replace(plan, seconds=time.perf_counter() - began)


def frontier(
    reach: Reach,
    *,
    demand: pd.Series | pd.DataFrame,
    up_to: int = 20,
    rules: Sequence[Rule] = (),
    time_limit: float | None = None,
) -> pd.DataFrame:
    """Find the best coverage for each number of new sites.

    Parameters
    ----------
    reach, demand, rules
        As for `solve` (without `AtMost`).
    up_to
        The largest number of sites; the curve ends earlier where all that can be reached is covered.
    time_limit
        Seconds for each number of sites.

    Returns
    -------
    DataFrame
        A row per number of sites from 0: `sites`, `covered`, `share`, `bound`, `bound_share`, `gap`, `status`,
        `seconds`, `chosen` (ids).

    Raises
    ------
    ProblemError
        As `solve`.

    Examples
    --------
    >>> import pandas as pd, siting as st
    >>> table = pd.DataFrame({"origin": list("aabc"), "destination": list("xyyz"), "cost": [100.0] * 4})
    >>> reach = st.Reach.from_pairs(table, origins=list("abcd"), destinations=list("xyz"), limit=300)
    >>> people = pd.Series({"a": 10, "b": 5, "c": 8, "d": 2})
    >>> st.frontier(reach, demand=people)[["sites", "covered"]].values.tolist()
    [[0.0, 0.0], [1.0, 15.0], [2.0, 23.0]]
    """
    _plain(rules, time_limit)
    if any(isinstance(rule, AtMost) for rule in rules):
        raise ProblemError("frontier sets AtMost itself; give up_to instead")
    if not isinstance(up_to, Integral) or up_to < 1:
        raise ProblemError(f"up_to is {up_to!r}; ask for a whole number of sites, 1 or more")
    instance = build(reach, demand, rules)
    base = float(instance.weight[instance.covered].sum())
    most = float(instance.weight[instance.reachable].sum())
    least = int(instance.required.sum())
    if up_to < least:
        raise ProblemError(f"up_to is {up_to}, but Required names {least} sites")
    rows = []
    if not least:
        kept = instance.keeps(instance.covered)
        value, status = (base, "optimal") if kept else (math.nan, "infeasible")
        rows.append(_point(0, value, value, instance.total, status, 0.0, ()))
    for n in range(max(1, least), min(up_to, int(instance.allowed.sum())) + 1):
        if rows and rows[-1]["covered"] >= most * (1 - 1e-12):
            break
        began = time.perf_counter()
        at = replace(instance, most=n)
        plan = _plan(MaxCoverage(), at, [*rules, AtMost(n)], time_limit, began)
        seconds = time.perf_counter() - began
        rows.append(_point(n, plan.objective, plan.bound, instance.total, plan.status, seconds, plan.sites))
    return pd.DataFrame(rows)


def _point(
    n: int, covered: float, bound: float, total: float, status: str, seconds: float, sites: tuple[object, ...]
) -> dict[str, object]:  # fmt: skip
    return {
        "sites": n,
        "covered": covered,
        "share": covered / total,
        "bound": bound,
        "bound_share": bound / total,
        "gap": relative_gap(covered, bound),
        "status": status,
        "seconds": seconds,
        "chosen": sites,
    }


def relative_gap(objective: float, bound: float) -> float:
    """Distance from objective to bound, as a share of the larger; 0 when they agree, NaN when there is no objective."""
    if objective == bound:
        return 0.0
    return abs(bound - objective) / max(abs(objective), abs(bound))


def _plain(rules: Sequence[Rule], time_limit: float | None) -> None:
    if isinstance(rules, Rule):
        raise ProblemError(f"rules is {rules}; give a list of rules")
    if time_limit is not None and not (isinstance(time_limit, Real) and time_limit > 0):
        raise ProblemError(f"time_limit is {time_limit!r}; give seconds above 0")


def _fits(objective: Objective, rules: Sequence[Rule]) -> None:
    kinds = {type(rule) for rule in rules}
    if isinstance(objective, MaxCoverage):
        if AtMost not in kinds:
            raise ProblemError("MaxCoverage without AtMost(n) would open every site; say how many")
    elif isinstance(objective, MinSites):
        if Cover not in kinds:
            raise ProblemError("MinSites without Cover(share) would open no site; say how much to cover")
    else:
        raise ProblemError(f"no objective that solve knows: {objective!r}; MaxCoverage() or MinSites()")


def _plan(
    objective: Objective,
    instance: Instance,
    rules: Sequence[Rule],
    time_limit: float | None,
    began: float,
) -> Plan:
    told = (str(objective), *(str(rule) for rule in rules))
    lost = instance.short_of(instance.reachable)
    if lost:
        why = tuple(
            (
                "plan.out_of_reach" if s.rule.by is None else "plan.out_of_reach_in",
                {"share": s.rule.share, "best": _best_share(instance, s), "group": s.group},
            )
            for s in lost
        )
        return make_plan(instance, None, objective, "infeasible", math.nan, told, why)
    reduced = reduce(instance)
    minimise = isinstance(objective, MinSites)
    start = greedy(instance, reduced, minimise=minimise)
    outcome = _search(instance, reduced, start, minimise, _left(time_limit, began))
    if outcome.status == "infeasible":
        return make_plan(instance, None, objective, "infeasible", math.nan, told, (("plan.conflict", {}),))
    sites = _sites(instance, reduced, outcome, start)
    if sites is None:
        return make_plan(instance, None, objective, outcome.status, math.nan, told, (("plan.none_found", {}),))
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
    agree = abs(bound - value) <= (0.0 if minimise or instance.grain else 1e-9 * instance.total)
    if agree:
        status, bound = "optimal", value
    elif status == "optimal":
        status = "feasible"
    return make_plan(instance, sites, objective, status, bound, told, ())


def _best_share(instance: Instance, share: Share) -> float:
    """Share of the demand it is about that can be reached at all."""
    weight = instance.weight
    return float(weight[share.members & instance.reachable].sum() / weight[share.members].sum())


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
