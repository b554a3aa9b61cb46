"""The variables of small problems, counted by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

import siting as st
from siting.propose.model.read import read
from siting.propose.model.variables import CLOSING, JOINT, LARGER, NEW, STAYING, Variables, build_variables

PEOPLE = pd.Series({"a": 10, "b": 5, "c": 8})


@pytest.fixture
def made(reach_of: Callable[..., st.Reach]) -> Callable[..., Variables]:
    reach = reach_of({"x": "ab", "y": "bc", "z": "c"}, "abc")

    def make(
        rules: Sequence[st.propose.problem.Rule], options: Any = None, cost: Any = None, services: int = 1
    ) -> Variables:
        reaches = reach if services == 1 else {"old": reach, "kids": reach}
        demand = PEOPLE if services == 1 else {"old": PEOPLE, "kids": PEOPLE}
        return build_variables(read(reaches, demand, rules, options), cost)

    return make


def test_each_site_may_open_once(made: Callable[..., Variables]) -> None:
    v = made([])
    assert (v.site.tolist(), v.kind.tolist(), v.option.tolist()) == ([0, 1, 2], [NEW] * 3, [-1] * 3)
    assert (v.begin.tolist(), v.end.tolist(), v.lower.tolist(), v.upper.tolist()) == (
        [0] * 3,
        [1] * 3,
        [0] * 3,
        [1] * 3,
    )
    assert np.isnan(v.cost).all()
    assert v.new.all()
    assert v.serves.all()


def test_existing_sites_stay_required_ones_open_and_forbidden_ones_have_no_variable(
    made: Callable[..., Variables],
) -> None:
    v = made([st.Existing(["x"]), st.Forbidden(["y"]), st.Required(["z"])])
    assert list(zip(v.site.tolist(), v.kind.tolist(), v.lower.tolist(), strict=True)) == [(0, STAYING, 1), (2, NEW, 1)]
    assert v.cost[0] == 0


def test_a_site_that_may_close_stays_or_closes_before_a_year(made: Callable[..., Variables]) -> None:
    saving = pd.Series({"x": 7.0})
    v = made([st.Existing(["x"]), st.MayClose(saving=saving), st.Phases((2025, 2030))])
    of_x = [(k, e, c) for s, k, e, c in zip(v.site, v.kind, v.end, v.cost, strict=True) if s == 0]
    # open for both years, closed from the start, closed after 2025
    assert of_x == [(STAYING, 2, 0), (CLOSING, 0, -7), (CLOSING, 1, -7)]
    assert v.lower[v.site == 0].tolist() == [0, 0, 0]
    assert v.serves[v.site == 0].tolist() == [True, False, True]
    assert v.open_in(0, 0)[v.site == 0].tolist() == [True, False, True]
    assert v.open_in(0, 1)[v.site == 0].tolist() == [True, False, False]
    assert v.begin[v.new].tolist() == [0, 1, 0, 1]  # y and z, each in either year


def test_options_give_a_variable_each_and_enlarge_what_exists(made: Callable[..., Variables]) -> None:
    options = pd.DataFrame(
        {"site": ["x", "y", "y"], "cost": [1.0, 2.0, 3.0], "places": [4, 5, np.nan]}, index=list("pqr")
    )
    options["places"] = [4, 5, 6]
    v = made([st.Existing(["x"])], options=options)
    rows = zip(v.site.tolist(), v.kind.tolist(), v.option.tolist(), v.cost.tolist(), v.places.tolist(), strict=True)
    assert [row for row in rows if row[1] != STAYING] == [
        (0, LARGER, 0, 1, 4), (1, NEW, 1, 2, 5), (1, NEW, 2, 3, 6),
    ]  # fmt: skip


def test_a_required_site_with_two_options_is_no_fixed_variable(made: Callable[..., Variables]) -> None:
    options = pd.DataFrame({"site": ["x", "x", "y"]}, index=list("pqr"))
    v = made([st.Required(["x", "y"])], options=options)
    assert v.lower.tolist() == [0, 0, 1]
    with pytest.raises(st.errors.ProblemError, match='no option opens the sites "z"'):
        made([st.Required(["z"])], options=options)


def test_costs_of_rules_and_objective_must_agree(made: Callable[..., Variables]) -> None:
    cost = pd.Series({"x": 3.0, "y": 4.0, "z": 5.0})
    assert made([st.Budget(9, cost=cost)], cost=cost).cost.tolist() == [3, 4, 5]
    with pytest.raises(st.errors.ProblemError, match="name different costs"):
        made([st.Budget(9, cost=cost)], cost=cost + 1)


def test_two_services_in_one_building_have_a_joint_variable(made: Callable[..., Variables]) -> None:
    cost = pd.Series({"x": 3.0, "y": 4.0, "z": 5.0})
    rules = [st.Together(saving=2.0), st.Budget(20, cost=cost), st.Forbidden(["y"], service="kids")]
    v = made(rules, services=2)
    joint = v.kind == JOINT
    assert (v.site[joint].tolist(), v.cost[joint].tolist()) == ([0, 2], [-2, -2])  # y opens for one service only
    assert not v.serves[joint].any()
    with pytest.raises(st.errors.ProblemError, match='more than both services cost at the sites "x"'):
        made([st.Together(saving=6.5), st.Budget(20, cost=cost)], services=2)


def test_places_services_and_years_of_variables(made: Callable[..., Variables]) -> None:
    v = made([st.Phases((2025, 2030))], services=2)
    # site × service: two years of each place
    assert sorted(v.place.tolist()) == [p for p in range(6) for _ in range(2)]
    assert v.open_in(1, 0).sum() == 3
    assert v.open_in(1, 1).sum() == 6
    inputs = read(
        {"old": REACH, "kids": REACH}, {"old": PEOPLE, "kids": PEOPLE}, [st.Required(["a1"], service="kids")], None
    )
    both = build_variables(inputs)
    assert both.of(inputs.resolved[0]).tolist() == [
        k == 1 and s == 0 for s, k in zip(both.site, both.service, strict=True)
    ]


REACH = st.Reach.from_pairs(
    pd.DataFrame({"origin": ["a", "b", "c"], "destination": ["a1", "b1", "b1"], "cost": 100.0}),
    origins=list("abc"), destinations=["a1", "b1"], limit=300,
)  # fmt: skip
