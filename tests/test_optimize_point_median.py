"""Medians between points: against enumeration, the table of all pairs, and published optima."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

import siting as st
from siting.errors import ProblemError
from siting.optimize.control import Control
from siting.optimize.median import point_median
from siting.optimize.median.alternate import alternate
from siting.optimize.median.point_median import solve_point_median
from siting.optimize.points import PointProblem, PointProof, best_of, bound_of_points
from siting.propose.problem import NobodyBeyond

Spots = some.lists(some.tuples(some.integers(0, 9), some.integers(0, 9)), min_size=2, max_size=9)


def table(spots: Any, prefix: str = "p") -> pd.DataFrame:
    xy = np.asarray(spots, float)
    return pd.DataFrame({"x": xy[:, 0], "y": xy[:, 1]}, index=[f"{prefix}{k:03d}" for k in range(len(xy))])


def clusters(seed: int, groups: int, each: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return table(np.repeat(rng.uniform(0, 40, (groups, 2)), each, axis=0) + rng.normal(size=(groups * each, 2)))


def best(cost: Any, weight: Any, p: int, always: list[int], never: list[int]) -> float:
    """The least total of all sets of at most p columns, and those that are open anyway."""
    others = [j for j in range(cost.shape[1]) if j not in always and j not in never]
    sets = (s for k in range(p + 1) for s in itertools.combinations(others, k) if s or always)
    return min(float(weight @ cost[:, [*always, *s]].min(axis=1)) for s in sets)


@settings(max_examples=25)
@given(Spots, Spots, some.integers(1, 3), some.sampled_from([None, np.floor, lambda metres: metres]), some.data())
def test_equals_enumeration_and_the_table_of_all_pairs(start: Any, stop: Any, p: int, rounded: Any, data: Any) -> None:
    reach = st.PointReach.from_points(table(start), table(stop, "q"), rounded=rounded)
    weight = pd.Series(data.draw(some.lists(some.integers(0, 9), min_size=len(start), max_size=len(start))),
                       reach.origins)  # fmt: skip
    if not weight.sum():
        return
    ids = reach.destinations
    names = data.draw(some.lists(some.sampled_from(["new", "existing", "forbidden", "required"]), min_size=len(stop),
                                 max_size=len(stop)))  # fmt: skip
    kinds = pd.Series(names, ids)
    if (kinds == "required").sum() > p or not kinds.isin(["new", "required"]).any():
        return
    p = min(p, int(kinds.isin(["new", "required"]).sum()))
    rules = [st.AtMost(p), st.Cover(1.0)]
    for kind, rule in (("existing", st.Existing), ("required", st.Required), ("forbidden", st.Forbidden)):
        if (kinds == kind).any():
            rules.append(rule(list(ids[kinds == kind])))
    plan = st.solve(st.MinTravel(), reach, demand=weight, rules=rules)
    other = st.solve(st.MinTravel(), reach.to(ids), demand=weight, rules=rules)
    assert (plan.status, other.status) == ("optimal", "optimal")
    assert plan.objective == pytest.approx(other.objective, rel=1e-9, abs=1e-9)
    assert plan.bound == pytest.approx(other.bound, rel=1e-9, abs=1e-9)
    cost = reach.costs(np.arange(len(start)), np.arange(len(stop)))
    anyway = np.flatnonzero(kinds.isin(["existing", "required"])).tolist()
    never = np.flatnonzero(kinds == "forbidden").tolist()
    left = p - int((kinds == "required").sum())
    assert plan.objective == pytest.approx(best(cost, weight.to_numpy(float), left, anyway, never), abs=1e-6)
    checked = plan.verify()
    assert checked.ok
    assert checked.optimal


@pytest.mark.parametrize("p", [2, 4, 6, 30])
def test_lists_that_grow_prove_what_the_table_proves(p: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With few active columns at first, so that others must join."""
    monkeypatch.setattr(point_median, "ACTIVE", 3)
    monkeypatch.setattr(point_median, "FEWEST", 5)
    points = clusters(3, 6, 40)
    reach = st.PointReach.from_points(points, points, rounded=lambda metres: metres)
    people = pd.Series(np.random.default_rng(1).integers(1, 9, len(points)), points.index)
    plan = st.solve(st.MinTravel(), reach, demand=people, rules=[st.AtMost(p)])
    other = st.solve(st.MinTravel(), reach.to(points.index), demand=people, rules=[st.AtMost(p)])
    assert plan.objective == pytest.approx(other.objective, rel=1e-9)
    assert plan.verify().optimal


def test_a_proof_that_was_changed_does_not_prove_it() -> None:
    points = clusters(4, 5, 20)
    reach = st.PointReach.from_points(points, points)
    n = len(points)
    problem = PointProblem(reach, np.ones(n), np.zeros(n), np.ones(n), 5, 0.001)
    found = solve_point_median(problem, Control())
    assert bound_of_points(problem, found.proof) > found.value - 0.001
    assert bound_of_points(problem, PointProof(found.proof.price * 0.9, found.proof.columns)) < found.value - 0.001
    # One more open site is bound less.
    assert bound_of_points(PointProblem(reach, np.ones(n), np.zeros(n), np.ones(n), 6), found.proof) < found.value - 1


def test_closing_a_column_that_the_prices_do_not_close_proves_nothing() -> None:
    points = table(np.random.default_rng(3).integers(0, 1000, (100, 2)))
    reach = st.PointReach.from_points(points, points, rounded=np.floor)
    problem = PointProblem(reach, np.ones(100), np.zeros(100), np.ones(100), 12, 1.0)
    found = solve_point_median(problem, Control())
    rest, columns = found.proof.rest, found.proof.columns
    assert rest is not None
    assert bound_of_points(problem, found.proof) > found.value - 1
    # Prices of 0 close nothing, whatever the rest says of the columns that it has.
    assert bound_of_points(problem, PointProof(0 * found.proof.price, columns, rest)) == 0
    # A column of the best plan in the place of one that is closed.
    closed = np.setdiff1d(np.arange(100), columns)
    other = columns.copy()
    other[np.searchsorted(columns, np.flatnonzero(found.x)[0])] = closed[0]
    assert bound_of_points(problem, PointProof(found.proof.price, other, rest)) < found.value - 1
    assert bound_of_points(problem, PointProof(found.proof.price, columns)) < found.value - 1


def test_the_best_of_what_columns_collect() -> None:
    r = np.array([3.0, 0.0, 5.0, 1.0])
    assert best_of(r, 2) == (8.0, 3.0)
    assert best_of(r, 4) == (9.0, 0.0)
    assert best_of(r, 0) == (0.0, 5.0)


def test_alternating_finds_clusters() -> None:
    points = table([(0, 0), (0, 1), (0, 2), (90, 0), (90, 1), (90, 2)])
    reach = st.PointReach.from_points(points, points)
    problem = PointProblem(reach, np.ones(6), np.zeros(6), np.ones(6), 2)
    x, total = alternate(problem, Control())
    assert (np.flatnonzero(x).tolist(), total) == ([1, 4], 4.0)


def test_time_limits_leave_a_plan_and_a_valid_bound() -> None:
    points = clusters(7, 30, 60)
    reach = st.PointReach.from_points(points, points)
    plan = st.solve(st.MinTravel(), reach, demand=pd.Series(1, points.index), rules=[st.AtMost(12)], time_limit=0.05)
    assert len(plan.sites) == 12
    assert plan.bound <= plan.objective
    assert plan.verify().ok
    near = st.solve(st.MinTravel(), reach, demand=pd.Series(1, points.index), rules=[st.AtMost(12)], gap=0.05)
    assert near.gap <= 0.05
    assert plan.bound <= near.objective


@pytest.mark.parametrize(("p", "optimum"), [(5, 3_099_073), (10, 2_134_295)])
def test_points_of_a_circuit_board(shared_data: Path, p: int, optimum: int) -> None:
    """rl1304 of TSPLIB, distances rounded down; values of Duran-Mateluna, Alès and Elloumi 2023, table 2."""
    file = shared_data / "optimize" / "tsp_rl1304.csv"
    if not file.is_file():
        pytest.skip("NOT TESTED on rl1304: ../shared/data/optimize is not there")
    points = pd.read_csv(file)
    reach = st.PointReach.from_points(points, points, rounded=np.floor)
    plan = st.solve(st.MinTravel(), reach, demand=pd.Series(1, points.index), rules=[st.AtMost(p)])
    assert (plan.objective, plan.status) == (optimum, "optimal")
    assert plan.verify().optimal


def test_tables_are_those_of_the_open_sites() -> None:
    points = table([(0, 0), (0, 30), (0, 60), (900, 0), (900, 30), (900, 60)])
    reach = st.PointReach.from_points(points, points)
    plan = st.solve(st.MinTravel(), reach, demand=pd.Series(2, points.index), rules=[st.AtMost(2)])
    assert set(plan.sites) == {"p001", "p004"}
    assert plan.objective == 240.0
    assert plan.assignment["site"].tolist() == ["p001"] * 3 + ["p004"] * 3
    assert plan.table["mean"].tolist() == [20.0, 20.0]
    assert (plan.covered, plan.share, plan.unreachable) == (12.0, 1.0, ())
    assert plan.second_best()["instead"].isna().all()
    for lang in ("zh", "en"):
        assert "p001" in plan.explain(lang)


def test_what_needs_all_pairs_is_refused() -> None:
    points = table([(0, 0), (0, 30), (0, 60)])
    reach, people = st.PointReach.from_points(points, points), pd.Series(1, points.index)
    for objective, rules, said in (
        (st.MaxCoverage(), [st.AtMost(1)], "use travel or straight_line with a limit"),
        (st.MinTravel(beyond=900), [st.AtMost(1)], "needs a table of ways"),
        (st.MinTravel(), [st.AtMost(1), NobodyBeyond(500)], "needs a table of ways"),
        (st.MinTravel(), [st.AtMost(1), st.Cover(0.5, limit=30)], "needs a table of ways"),
        (st.MinTravel(), [st.AtMost(1), st.AtMost(1, by=pd.Series("a", points.index))], "needs a table of ways"),
        (st.MinTravel(), [], "say how many"),
        (st.MinTravel(), [st.AtMost(9)], "the problem has only 3 candidates"),
        (st.MinTravel(), [st.AtMost(1), st.Existing(["p9"])], "Existing: not among the sites"),
    ):
        with pytest.raises(ProblemError, match=said):
            st.solve(objective, reach, demand=people, rules=rules)
    with pytest.raises(ProblemError, match="give a Reach, or a mapping"):
        st.solve(st.MinTravel(), {"care": reach}, demand={"care": people}, rules=[st.AtMost(1)])  # type: ignore[dict-item]
