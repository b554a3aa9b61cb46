"""`MinFarthest` and `MaxSpacing` between points: the same as with a table of all pairs, with rules and proofs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import siting as st
from siting.errors import ProblemError


def points(seed: int, n: int, name: str = "") -> pd.DataFrame:
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        random.integers(0, 30, (n, 2)) * 100.0, columns=["x", "y"], index=[f"{name}{i}" for i in range(n)]
    )


def table(reach: st.PointReach) -> st.Reach:
    return reach.to(reach.destinations)


@pytest.mark.parametrize("seed", range(4))
def test_farthest_as_with_a_table(seed: int) -> None:
    """Ties, weights of 0, existing, required and forbidden sites."""
    homes, sites = points(seed, 40, "h"), points(seed + 9, 12, "s")
    reach = st.PointReach.from_points(homes, sites, rounded=np.floor)
    people = pd.Series(np.arange(40) % 3, homes.index)
    rules = [st.AtMost(3), st.Existing(["s1"]), st.Required(["s2"]), st.Forbidden(["s3", "s4"])][: 1 + seed]
    plan = st.solve(st.MinFarthest(), reach, demand=people, rules=rules)
    same = st.solve(st.MinFarthest(), table(reach), demand=people, rules=rules)
    assert (plan.status, plan.objective, plan.bound) == ("optimal", same.objective, same.objective)
    told = plan.verify()
    assert told.ok
    assert told.optimal
    assert plan.communities["cost"][people > 0].max() == plan.objective


def test_the_plan_is_counted_from_the_points() -> None:
    """Homes at 0, 400 and 1000: one site at 400 leaves 600; with 0 existing and 400 forbidden, 1000 leaves 400."""
    line = pd.DataFrame({"x": [0.0, 400, 1000], "y": 0.0}, index=["a", "b", "c"])
    reach, one = st.PointReach.from_points(line, line), pd.Series(1, line.index)
    plan = st.solve(st.MinFarthest(), reach, demand=one, rules=[st.AtMost(1)])
    assert (plan.sites, plan.objective, plan.bound) == (("b",), 600, 600)
    assert plan.verify().optimal
    moved = replace(plan.answer, value=500.0)
    assert not replace(plan, answer=moved).verify().ok
    assert not replace(plan, answer=replace(plan.answer, bound=601.0)).verify().ok
    rules = [st.AtMost(1), st.Existing(["a"]), st.Forbidden(["b"])]
    other = st.solve(st.MinFarthest(), reach, demand=one, rules=rules)
    assert (other.sites, other.objective) == (("c",), 400)
    nothing = st.solve(st.MinFarthest(), reach, demand=one, rules=[st.AtMost(1), st.Forbidden(list("abc"))])
    assert (nothing.status, nothing.sites) == ("infeasible", ())
    assert not nothing.verify().ok


def test_stopped_plans_have_a_bound() -> None:
    places = points(5, 400)
    reach, one = st.PointReach.from_points(places, places), pd.Series(1, places.index)
    plan = st.solve(st.MinFarthest(), reach, demand=one, rules=[st.AtMost(8)], time_limit=1e-6)
    best = st.solve(st.MinFarthest(), reach, demand=one, rules=[st.AtMost(8)])
    assert plan.status == "time_limit"
    assert 0 <= plan.bound <= best.objective <= plan.objective <= 2 * best.objective
    assert plan.verify().ok


def test_what_needs_a_table_is_refused() -> None:
    places = points(1, 5)
    reach, one = st.PointReach.from_points(places, places), pd.Series(1, places.index)
    with pytest.raises(ProblemError, match="AtMost"):
        st.solve(st.MinFarthest(), reach, demand=one)
    with pytest.raises(ProblemError, match="needs a table"):
        st.solve(st.MaxCoverage(), reach, demand=one, rules=[st.AtMost(1)])


def test_spacing_between_points() -> None:
    """0, 100, 400, 900 and 1000 in a row: three are 400 apart."""
    line = pd.DataFrame({"x": [0.0, 100, 400, 900, 1000], "y": 0.0}, index=list("abcde"))
    reach = st.PointReach.from_points(line, line)
    plan = st.solve(st.MaxSpacing(reach), table(reach), demand=pd.Series(1, line.index), rules=[st.AtLeast(3)])
    assert (plan.status, plan.objective, plan.bound) == ("optimal", 400, 400)
    told = plan.verify()
    assert told.optimal
    assert told.bound == 400
    assert not replace(plan, answer=replace(plan.answer, groups=None)).verify().proven
