"""`solve`: from a problem to a plan with a proof of how good it is."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from numbers import Real

import pandas as pd

from siting.errors import ProblemError
from siting.measure import Reach
from siting.propose.covering import choose
from siting.propose.instance import build
from siting.propose.plan import Plan, make_plan
from siting.propose.problem import AtMost, Cover, MaxCoverage, MinSites, Objective, Rule

__all__ = ["check", "solve"]


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
    check(rules, time_limit)
    _fits(objective, rules)
    instance = build(reach, demand, rules)
    choice = choose(instance, minimise=isinstance(objective, MinSites), time_limit=time_limit)
    plan = make_plan(instance, choice, (str(objective), *(str(rule) for rule in rules)))
    return replace(plan, seconds=time.perf_counter() - began)


def check(rules: Sequence[Rule], time_limit: float | None) -> None:
    """Refuse rules that are no list, and a time limit that is no time.

    Raises
    ------
    ProblemError
        When they are.
    """
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
