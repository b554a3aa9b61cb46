"""Rules as constraints and shares: every number of small problems, worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

import siting as st
from siting.propose.model.constraints import Constraint, all_may_open_first, build_constraints
from siting.propose.model.inputs import Inputs
from siting.propose.model.read_problem import read
from siting.propose.model.shares import build_closeness, build_shares
from siting.propose.model.variables import build_variables
from siting.propose.problem import Part

PEOPLE = pd.Series({"a": 10, "b": 5, "c": 8})
TOWN = pd.Series({"x": "u", "y": "u", "z": "v"}, name="town")
COST = pd.Series({"x": 3.0, "y": 0.0, "z": 5.0})


@pytest.fixture
def inputs(reach_of: Callable[..., st.Reach]) -> Callable[..., Inputs]:
    reach = reach_of({"x": "ab", "y": "bc", "z": "c"}, "abc")

    def make(rules: Sequence[Any], options: Any = None, services: int = 1, demand: Any = PEOPLE) -> Inputs:
        if services == 1:
            return read(reach, demand, rules, options)
        return read({"old": reach, "kids": reach}, {"old": demand, "kids": demand}, rules, options)

    return make


def written(inputs: Inputs) -> list[tuple[str, list[int], list[float], float, float]]:
    """Part, columns, weights, low and high of each constraint."""
    made: Sequence[Constraint] = build_constraints(inputs, build_variables(inputs))
    return [
        ("" if each.part is None else str(each.part), each.columns.tolist(), each.weight.tolist(), each.low, each.high)
        for each in made
    ]


INF = math.inf


@pytest.mark.parametrize(
    ("rules", "constraints"),
    [
        ([st.AtMost(2)], [("AtMost(2)", [0, 1, 2], [1, 1, 1], -INF, 2)]),
        ([st.AtLeast(2), st.Existing(["x"])], [("AtLeast(2)", [1, 2], [1, 1], 2, INF)]),
        (
            [st.AtMost(1, by=TOWN)],
            [
                ("AtMost(1, by=town) (u)", [0, 1], [1, 1], -INF, 1),
                ("AtMost(1, by=town) (v)", [2], [1], -INF, 1),
            ],
        ),
        ([st.Budget(7, cost=COST)], [("Budget(7)", [0, 2], [3, 5], -INF, 7)]),  # what is free stands in no row
        (
            [st.OnePer(TOWN, among=["u", "w"])],
            [
                ("OnePer(town) (u)", [0, 1], [1, 1], 1, INF),
                ("OnePer(town) (v)", [2], [1], 1, INF),
                ("OnePer(town) (w)", [], [], 1, INF),
            ],
        ),
        ([st.Spacing([("x", "y"), ("y", "x")])], [("Spacing(1 pair)", [0, 1], [1, 1], -INF, 1)]),
        ([st.Spacing([("x", "y")]), st.Existing(["x", "y"])], []),  # existing sites that are near each other may stay
        (
            [st.Supply(per_1000=20, people=1500, places=pd.Series({"x": 9, "y": 10, "z": 11}))],
            [("Supply(per_1000=20)", [0, 1, 2], [9, 10, 11], 30, INF)],
        ),
        (
            [st.Existing(["x"]), st.MayClose(at_most=1)],
            [("", [0, 1], [1, 1], 1, 1), ("MayClose(at_most=1)", [1], [1], -INF, 1)],
        ),
    ],
)
def test_each_rule_in_numbers(inputs: Any, rules: list[Any], constraints: list[Any]) -> None:
    assert written(inputs(rules)) == constraints


def test_a_site_opens_once_whatever_its_options_and_years(inputs: Any) -> None:
    options = pd.DataFrame({"site": ["x", "x", "y"], "cost": [1.0, 2.0, 3.0]}, index=list("pqr"))
    assert written(inputs([st.Required(["x"])], options)) == [
        ("", [0, 1], [1, 1], -INF, 1), ("Required(1 site)", [0, 1], [1, 1], 1, INF),
    ]  # fmt: skip
    assert written(inputs([st.Phases((1, 2))])) == [("", [k, k + 1], [1, 1], -INF, 1) for k in (0, 2, 4)]


def test_what_closes_does_not_grow(inputs: Any) -> None:
    options = pd.DataFrame({"site": ["x"], "places": [5]}, index=["p"])
    made = written(inputs([st.Existing(["x"]), st.MayClose()], options))
    # staying or closing; grown only where it stays
    assert made == [("", [0, 1], [1, 1], 1, 1), ("", [2, 0], [1, -1], -INF, 0)]


def test_years_have_limits_of_their_own(inputs: Any) -> None:
    rules = [st.Phases((1, 2), at_most=(1, None), budget=(None, 4), cost=COST)]
    limits = [each for each in written(inputs(rules)) if each[0]]
    # variables: x in 1 and 2, y in 1 and 2, z in 1 and 2; y is free
    assert limits == [
        ("Phases(1: at_most=1)", [0, 2, 4], [1, 1, 1], -INF, 1), ("Phases(2: budget=4)", [1, 5], [3, 5], -INF, 4),
    ]  # fmt: skip


def test_what_closing_saves_counts_in_the_year_of_closing(inputs: Any) -> None:
    closing = st.MayClose(saving=7.0)
    made = written(inputs([st.Existing(["x"]), closing, st.Phases((1, 2), budget=(4, 4), cost=COST)]))
    # x stays, closes before year 1, closes before year 2; y is free; z opens in year 1 or 2
    assert [each[:3] for each in made if each[0]] == [
        ("Phases(1: budget=4)", [1, 5], [-7, 5]), ("Phases(2: budget=4)", [2, 6], [-7, 5]),
    ]  # fmt: skip


def test_two_services_that_must_share_open_together(inputs: Any) -> None:
    made = written(inputs([st.Together(must=True)], services=2))
    # variables of old are 0 to 2, of kids 3 to 5
    assert made == [("Together(must=True)", [k, k + 3], [1, -1], 0, 0) for k in range(3)]


def test_a_joint_variable_opens_only_with_both(inputs: Any) -> None:
    made = written(inputs([st.Together(bonus=4.0), st.Forbidden(["y", "z"], service="kids")], services=2))
    assert made == [("", [4, 0], [1, -1], -INF, 0), ("", [4, 3], [1, -1], -INF, 0)]


def test_shares_of_whole_people_are_rounded_up(inputs: Any) -> None:
    (share,) = build_shares(inputs([st.Cover(0.9)]))
    assert (share.total, share.need, share.wanted, share.members.tolist()) == (23, 21, 21, [True] * 3)  # 20.7
    (share,) = build_shares(inputs([st.Cover(0.9)], demand=PEOPLE / 2))
    assert share.need == pytest.approx(10.35)
    assert share.need - share.wanted == pytest.approx(11.5e-9)


def test_shares_by_group_service_and_year_say_what_they_are_for(inputs: Any) -> None:
    by = pd.Series({"a": 1, "b": 2, "c": 2}, name="zone")
    rule = st.Cover(0.5, by=by)
    made = build_shares(inputs([rule], services=2))
    assert [share.part for share in made] == [Part(rule, (s, g)) for s in ("old", "kids") for g in (1, 2)]
    assert [str(share.part) for share in made][1] == "Cover(0.5, by=zone) (old, 2)"
    assert [share.need for share in made] == [5, 7, 5, 7]
    phases = st.Phases((1, 2), cover=(None, 0.5))
    (share,) = build_shares(inputs([phases]))
    assert (share.phase, share.part) == (1, Part(phases, (2,), ("cover", 0.5)))
    assert str(share.part) == "Phases(2: cover=0.5)"
    # a group without demand asks for nothing
    few = pd.Series({"a": 0, "b": 5, "c": 8})
    assert [share.part.of for share in build_shares(inputs([rule], demand=few))] == [(2,)]


def test_closeness_is_within_what_was_searched(inputs: Any) -> None:
    (near,) = build_closeness(inputs([st.NobodyBeyond(300)]))
    assert (near.service, near.phase, near.limit) == (0, 0, 300)
    with pytest.raises(st.errors.ProblemError, match=r"300\.5 m is above the 300 m that was searched"):
        build_closeness(inputs([st.NobodyBeyond(300.5)]))


@pytest.mark.parametrize(
    ("phases", "more", "free"),
    [
        (st.Phases((1, 2)), [], True),
        (st.Phases((1, 2), at_most=(2, None)), [], False),
        (st.Phases((1, 2), at_most=(3, None)), [], True),  # there are three sites
        (st.Phases((1, 2), at_most=(2, None)), [st.AtMost(2)], True),
        (st.Phases((1, 2), at_most=(None, 1)), [], True),  # only the last year is limited
        (st.Phases((1, 2), budget=(7.9, None), cost=COST), [], False),
        (st.Phases((1, 2), budget=(8, None), cost=COST), [], True),  # all three cost 8
        (st.Phases((1,), at_most=1), [], False),
    ],
)
def test_whether_anything_holds_sites_back_from_the_first_year(inputs: Any, phases: Any, more: Any, free: bool) -> None:
    there = inputs([phases, *more])
    assert all_may_open_first(there, build_variables(there)) is free


def test_a_rule_is_resolved_once(inputs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    resolve = Inputs._resolve
    monkeypatch.setattr(Inputs, "_resolve", lambda self, rule: asked.append(str(rule)) or resolve(self, rule))
    st.solve(
        st.MaxCoverage(), REACH, demand=PEOPLE,
        rules=[st.AtMost(1, by=pd.Series({"x": 1, "y": 2})), st.Existing(["x"]), st.MayClose(["x"]), st.Cover(0.1)],
    )  # fmt: skip
    assert sorted(asked) == sorted(set(asked))


def test_positions_that_a_rule_names(inputs: Any) -> None:
    there = inputs([st.Required(["z", "x"], service="kids"), st.AtMost(1, by=TOWN)], services=2)
    required, most = there.resolved
    assert (required.services, required.sites.tolist(), required.groups) == ([1], [2, 0], None)
    assert (most.services, most.sites, most.groups.tolist()) == ([0, 1], None, ["u", "u", "v"])
    assert there.named(st.Required).tolist() == [[False] * 3, [True, False, True]]
    assert np.array_equal(there.site_numbers({"kids": COST}, "cost"), [[np.nan] * 3, [3, 0, 5]], equal_nan=True)


REACH = st.Reach.from_pairs(
    pd.DataFrame({"origin": ["a", "b", "c"], "destination": ["x", "y", "y"], "cost": 100.0}),
    origins=list("abc"), destinations=["x", "y"], limit=300,
)  # fmt: skip


def test_groups_come_in_the_order_of_their_text(inputs: Any) -> None:
    by = pd.Series({"a": 9, "b": 10, "c": 9})
    assert [share.part.of for share in build_shares(inputs([st.Cover(0.5, by=by)]))] == [(10,), (9,)]
    sites = pd.Series({"x": 9, "y": 10, "z": 9})
    assert [name for name, *_ in written(inputs([st.AtMost(1, by=sites)]))] == [
        "AtMost(1, by=None) (10)", "AtMost(1, by=None) (9)",
    ]  # fmt: skip


def test_one_per_group_counts_each_service_by_itself(inputs: Any) -> None:
    made = written(inputs([st.Existing(["z"]), st.OnePer(TOWN, among=["u", "w"], service="old")], services=2))
    names = [(name, columns) for name, columns, *_ in made]
    assert names == [
        ("OnePer(town, service=old) (u)", [0, 1]), ("OnePer(town, service=old) (v)", [2]),
        ("OnePer(town, service=old) (w)", []),
    ]  # fmt: skip


def test_a_table_with_a_column_of_destinations_is_a_table_of_pairs(inputs: Any) -> None:
    pairs = pd.DataFrame({"origin": ["z", "x"], "destination": ["x", "z"], "destinations": 1})
    assert written(inputs([st.Spacing(pairs)])) == [("Spacing(1 pair)", [0, 2], [1, 1], -INF, 1)]


def test_supply_counts_places_of_options_before_those_of_the_rule(inputs: Any) -> None:
    options = pd.DataFrame({"site": ["x", "y", "z"], "places": [5.0, 7.0, 3.0]}, index=["big", "own", "more"])
    rules = [st.Existing(["z"]), st.Supply(20, places=pd.Series({"x": 1.0, "y": 2.0, "z": 4.0}))]

    def places(table: Any) -> list[float]:
        there = inputs(rules, table)
        variables = build_variables(there)
        (made,) = [each for each in build_constraints(there, variables) if each.part is not None]
        assert (made.low, made.high) == (20, INF)
        return [made.weight[made.columns == c].sum() for c in np.argsort(variables.kind, kind="stable")]

    assert places(None) == [1, 2, 4]
    assert places(options) == [5, 7, 4, 3]  # z stays with its 4 places, and may have 3 more
    assert places(options[["site"]].drop("more")) == [1, 2, 4]
    rules.append(st.Capacity(pd.Series({"x": 8.0, "y": 8.0, "z": 8.0})))
    assert places(None) == [1, 2, 4]


def test_supply_wants_a_number_for_each_group(inputs: Any) -> None:
    for total in (pd.Series({"u": "many", "v": 3}), pd.Series({"u": -1, "v": 3}), pd.Series({"v": 3})):
        with pytest.raises(st.errors.ProblemError, match='total has no number of 0 or more for the group "u"'):
            written(inputs([st.Supply(total, by=TOWN, places=COST)]))
