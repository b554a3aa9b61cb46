"""`solve` and `frontier`: from a problem to a plan with a proof of how good it is."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.sparse import block_array, csr_array, eye_array

from siting.errors import ProblemError
from siting.measure import Reach
from siting.propose import mip
from siting.propose.instance import Floats, Instance, Ints, Reduced, build, reduce
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
        `MaxCoverage` (with `AtMost`) or `MinSites` (with `Cover`). Of the plans with the fewest sites one that covers the
        most is chosen.
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
    ``y_i <= sum of x_j over N(i)``; `MaxCoverage` maximises ``sum of w_i y_i`` with ``sum of x_j <= n`` [1]_; `MinSites`
    minimises ``sum of x_j`` with ``sum of w_i y_i >= share * sum of w_i`` [2]_.

    References
    ----------
    .. [1] R. Church and C. ReVelle, 1974; see `MaxCoverage`.
    .. [2] M. S. Daskin and S. H. Owen, "Two new location covering problems: the partial p-center problem and the partial
       set covering problem", Geographical Analysis 31 (3), 1999, pp. 217-235.

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
    _fits(objective, rules)
    if time_limit is not None and not time_limit > 0:
        raise ProblemError(f"time_limit is {time_limit!r}; give seconds above 0")
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
    if any(isinstance(rule, AtMost) for rule in rules):
        raise ProblemError("frontier sets AtMost itself; give up_to instead")
    if up_to < 1:
        raise ProblemError(f"up_to is {up_to}; ask for 1 site or more")
    instance = build(reach, demand, rules)
    base = instance.weight[instance.covered].sum()
    most = float(instance.weight[instance.reachable].sum())
    least = max(1, int(instance.required.sum()))
    rows = [_point(0, float(base), float(base), instance.total, "optimal", 0.0, ())]
    if instance.required.any():
        rows = []
    for n in range(least, min(up_to, int(instance.allowed.sum())) + 1):
        if rows and rows[-1]["covered"] >= most:
            break
        began = time.perf_counter()
        at = replace(instance, most=n)
        plan = _plan(MaxCoverage(), at, [*rules, AtMost(n)], time_limit, began)
        seconds = time.perf_counter() - began
        rows.append(
            _point(n, plan.objective, plan.bound, instance.total, plan.status, seconds, plan.sites)
        )
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
    lost = [s for s in instance.shares if instance.weight[s.members & instance.reachable].sum() < s.need - 1e-9]
    if lost:
        best = min(
            float(instance.weight[s.members & instance.reachable].sum() / instance.weight[s.members].sum())
            for s in lost
        )
        why = [
            (
                "plan.out_of_reach" if s.rule.by is None else "plan.out_of_reach_in",
                {"share": s.rule.share, "best": best, "group": s.group},
            )
            for s in lost
        ]
        return make_plan(instance, None, objective, "infeasible", math.nan, told, tuple(why))
    reduced = reduce(instance)
    left = None if time_limit is None else max(0.01, time_limit - (time.perf_counter() - began))
    minimise = isinstance(objective, MinSites)
    chosen = greedy(instance, reduced, minimise=minimise)
    outcome = mip.run(
        _model(instance, reduced, minimise=minimise),
        start=_start(instance, reduced, chosen),
        gap=0.5 if minimise or instance.grain else 1e-6,
        time_limit=left,
    )
    if outcome.status == "infeasible":
        return make_plan(instance, None, objective, "infeasible", math.nan, told, (("plan.conflict", {}),))
    if outcome.x is None:
        return make_plan(instance, None, objective, outcome.status, math.nan, told, (("plan.none_found", {}),))
    sites = reduced.sites[np.flatnonzero(outcome.x[: len(reduced.sites)] > 0.5)]
    if minimise:
        bound = float(math.ceil(outcome.bound - 1e-6))
        if len(sites) > 0:
            sites = _fullest(instance, sites, left)
        value = float(len(sites))
    else:
        bound = reduced.base - outcome.bound
        bound = math.floor(bound + 1e-6) if instance.grain else bound
        value = float(instance.weight[instance.covered_by(sites)].sum())
        bound = max(float(bound), value)
    if not instance.keeps(instance.covered_by(sites)):
        raise RuntimeError("the solver's plan does not keep the rules; please report the problem")
    status = outcome.status
    if status == "optimal" and abs(bound - value) > max(1e-6, 1e-9 * abs(value)):
        status = "feasible"
    if status == "optimal":
        bound = value
    return make_plan(instance, sites, objective, status, bound, told, ())


def _fullest(instance: Instance, sites: Ints, time_limit: float | None) -> Ints:
    """Of the plans with as few sites, one that covers the most; the given one when time runs out."""
    at = replace(instance, most=len(sites))
    reduced = reduce(at)
    outcome = mip.run(
        _model(at, reduced, minimise=False),
        start=_start(at, reduced, sites),
        gap=0.5 if at.grain else 1e-6,
        time_limit=time_limit,
    )
    if outcome.x is None:
        return sites
    better = reduced.sites[np.flatnonzero(outcome.x[: len(reduced.sites)] > 0.5)]
    more = at.weight[at.covered_by(better)].sum() > at.weight[at.covered_by(sites)].sum()
    return better if more and len(better) <= len(sites) and at.keeps(at.covered_by(better)) else sites


def _model(instance: Instance, reduced: Reduced, *, minimise: bool) -> mip.Model:
    """Write the covering model over sites and merged demands."""
    n, m = len(reduced.weight), len(reduced.sites)
    blocks: list[list[object]] = [[reduced.cover, -eye_array(n, format="csr")]]
    low, high = [np.zeros(n)], [np.full(n, np.inf)]
    for members, need in zip(reduced.members, reduced.needs, strict=True):
        blocks.append([csr_array((1, m)), csr_array((reduced.weight * members)[None, :])])
        low.append(np.array([need]))
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
            short = [m for m, need in zip(reduced.members, needs, strict=True) if need > 1e-9]
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
