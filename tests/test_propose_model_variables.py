"""The variables of small problems, counted by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

import siting as st
from siting.propose.model.read_problem import read
from siting.propose.model.variables import (
    CLOSING,
    JOINT,
    LARGER,
    NEW,
    STAYING,
    Variables,
    build_variables,
    shared_services,
)

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


def test_the_two_services_that_share_are_those_of_the_rule(reach_of: Callable[..., st.Reach]) -> None:
    reach = reach_of({"x": "ab", "y": "b"}, "ab")
    three, demand = dict.fromkeys(("old", "kids", "ill"), reach), dict.fromkeys(("old", "kids", "ill"), PEOPLE)

    def positions(*rules: Any) -> tuple[int, int]:
        return shared_services(read(three, demand, rules, None))

    assert positions(st.Together(("ill", "kids"), bonus=1)) == (2, 1)
    with pytest.raises(st.errors.ProblemError, match="there are 3 services; name the two"):
        positions(st.Together(bonus=1))
    with pytest.raises(
        st.errors.ProblemError, match=r'Together\(bonus=1\): no such services: "young"; there are old, kids, ill'
    ):
        positions(st.Together(("ill", "young"), bonus=1))


def test_savings_by_site_are_0_where_none_is_named(made: Callable[..., Variables]) -> None:
    cost, some = pd.Series({"x": 3.0, "y": 4.0, "z": 5.0}), pd.Series({"x": 2.0})
    v = made([st.Existing(["x", "y"]), st.MayClose(saving=some), st.Budget(9, cost)])
    assert v.cost[v.kind == CLOSING].tolist() == [-2, 0]
    v = made([st.Together(saving=some), st.Budget(9, cost)], services=2)
    assert v.cost[v.kind == JOINT].tolist() == [-2, 0, 0]
    wrong = pd.Series({"x": -1.0})
    with pytest.raises(st.errors.ProblemError, match=r"^Together: saving is negative"):
        made([st.Together(saving=wrong), st.Budget(9, cost)], services=2)
    with pytest.raises(st.errors.ProblemError, match=r"^MayClose: saving is negative"):
        made([st.Existing(["x"]), st.MayClose(saving=wrong)])
    # saving all that both cost is not too much
    assert made([st.Together(saving=6.0), st.Budget(9, cost)], services=2).cost[-3:].tolist() == [-6, -6, -6]


def test_columns_of_options(reach_of: Callable[..., st.Reach], caplog: pytest.LogCaptureFixture) -> None:
    reach = reach_of({"x": "ab", "y": "bc", "z": "c"}, "abc")
    phases = st.Phases((2025, 2030))

    def options(**columns: Any) -> pd.DataFrame:
        given = pd.DataFrame({"site": ["z", "x"], **columns}, index=["small", "big"])
        found = read(reach, PEOPLE, [phases], given).options
        assert found is not None
        return found

    with caplog.at_level("INFO"):
        table = options(service=None, cost=[1, 2], places=[3, 4], year=[2026, 2020])
        assert caplog.messages == []
        options(colour="red")
        assert caplog.messages == ['options: the columns "colour" are not used']
    assert table.index.tolist() == ["big", "small"]
    assert table[["cost", "places", "phase"]].to_numpy().tolist() == [[2, 4, 0], [1, 3, 1]]
    assert options()[["cost", "places"]].isna().all(axis=None)
    for year in ([2031, 2025], [None, 2025]):
        with pytest.raises(st.errors.ProblemError, match=r'no year up to the last phase, 2030, for "small"$'):
            options(year=year)
    with pytest.raises(st.errors.ProblemError, match="options has years, but there are no Phases"):
        read(reach, PEOPLE, [], pd.DataFrame({"site": ["x"], "year": 2025}))
