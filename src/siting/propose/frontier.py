"""`frontier`: the best coverage for each number of new sites."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from numbers import Integral

import pandas as pd

from siting.errors import ProblemError
from siting.measure import Reach
from siting.propose.covering import Choice, choose
from siting.propose.instance import Instance, build
from siting.propose.problem import AtMost, Rule
from siting.propose.solve import check

__all__ = ["frontier"]


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
    check(rules, time_limit)
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
        rows.append(_point(0, Choice(None, value, value, status), instance, 0.0))
    for n in range(max(1, least), min(up_to, int(instance.allowed.sum())) + 1):
        if rows and rows[-1]["covered"] >= most * (1 - 1e-12):
            break
        began = time.perf_counter()
        at = replace(instance, most=n)
        choice = choose(at, minimise=False, time_limit=time_limit)
        rows.append(_point(n, choice, instance, time.perf_counter() - began))
    return pd.DataFrame(rows)


def _point(n: int, choice: Choice, instance: Instance, seconds: float) -> dict[str, object]:
    chosen = () if choice.sites is None else tuple(instance.reach.destinations[choice.sites])
    return {
        "sites": n,
        "covered": choice.value,
        "share": choice.value / instance.total,
        "bound": choice.bound,
        "bound_share": choice.bound / instance.total,
        "gap": choice.gap,
        "status": choice.status,
        "seconds": seconds,
        "chosen": chosen,
    }
