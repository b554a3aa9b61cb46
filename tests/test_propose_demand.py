"""What counts as demand: take-up, communities that count once, and tables of one's own."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

import siting as st
from siting.errors import ProblemError

#: a and b reach x, b and c reach y, c reaches z.
TABLE = pd.DataFrame({"origin": list("abbcc"), "destination": list("xxyyz"), "cost": [100.0, 200, 100, 50, 150]})
REACH = st.Reach.from_pairs(TABLE, origins=list("abcd"), destinations=list("xyz"), limit=300)
INFANTS = pd.Series({"a": 10, "b": 5, "c": 8, "d": 2}, name="infants")


def best(demand: Any = INFANTS, *rules: Any, reach: Any = REACH, **named: Any) -> st.Plan:
    return st.solve(st.MaxCoverage(), reach, demand=demand, rules=[st.AtMost(1), *rules], **named)


# Take-up


def test_demand_is_people_times_the_take_up_and_all_that_is_said_repeats_it() -> None:
    plan = best(take_up=0.33)
    assert (plan.sites, plan.objective, plan.total) == (("x",), pytest.approx(4.95), pytest.approx(8.25))
    assert plan.share == pytest.approx(15 / 25)
    assert plan.verify().optimal
    for text in (plan.explain("zh"), plan.summary("zh")):
        assert "需求按入托率 33 % 计。" in text
    assert "a take-up of 33 %" in plan.summary("en")
    none = st.solve(st.MinSites(), REACH, demand=INFANTS, take_up="33 %", rules=[st.Cover(1.0)])
    assert (none.status, "入托率 33 %" in none.explain("zh")) == ("infeasible", True)


def test_a_take_up_of_its_own_for_each_community_moves_the_plan() -> None:
    rates = pd.Series({"a": 0.2, "b": 0.2, "c": 1.0, "d": 0.5, "elsewhere": 7.0})
    plan = best(take_up=rates)
    assert (plan.sites, plan.objective) == (("y",), pytest.approx(9.0))  # b 1, c 8; x: a 2, b 1
    assert "入托率 20 % 至 100 %" in plan.explain("zh")
    assert plan.communities["demand"].tolist() == pytest.approx([2, 1, 8, 1])


def test_services_have_each_their_own_take_up() -> None:
    both = {"childcare": REACH, "eldercare": REACH}
    people = {"childcare": INFANTS, "eldercare": INFANTS.rename("elderly")}
    plan = best(people, reach=both, take_up={"childcare": 0.5})
    assert plan.total == 12.5 + 25
    assert "托育：需求按入托率 50 % 计。" in plan.explain("zh")
    assert "养老：" not in plan.summary("zh").split("\n")[1]
    all_ = best(people, reach=both, take_up=0.5)
    assert all_.total == 25
    assert "使用率 50 %" in all_.explain("zh")  # of elder care it is no 入托率
    with pytest.raises(ProblemError, match='no such services: "culture"'):
        best(people, reach=both, take_up={"culture": 0.5})


@pytest.mark.parametrize("wrong", [0, -0.1, 1.2, 33, "0.5 %", math.nan, True])
def test_what_is_no_share_is_refused(wrong: Any) -> None:
    with pytest.raises(ProblemError, match="take_up is"):
        best(take_up=wrong)
    if not isinstance(wrong, (str, bool)):
        with pytest.raises(ProblemError, match=r'take_up is.* for "c"'):
            best(take_up=pd.Series({"a": 0.5, "b": 0.5, "c": wrong, "d": 1}))


def test_a_take_up_that_lacks_a_community_or_people_is_refused() -> None:
    with pytest.raises(ProblemError, match='no value for 1 origin: "d"'):
        best(take_up=pd.Series({"a": 0.5, "b": 0.5, "c": 0.5}))
    with pytest.raises(ProblemError, match="give their number, demand"):
        best(None, take_up=0.5)
    with pytest.raises(ProblemError, match="no services were named"):
        best(take_up={"childcare": 0.5})
    with pytest.raises(ProblemError, match="ids occur twice"):
        best(take_up=pd.Series([0.5, 0.5], index=["a", "a"]))


def test_curves_and_assignments_take_it_too() -> None:
    curve = st.frontier(REACH, demand=INFANTS, take_up=0.5, up_to=3)
    assert curve["covered"].tolist() == [0, 7.5, 11.5]
    given = st.assign(REACH, INFANTS, pd.Series({"x": 3, "y": 9, "z": 0}), take_up=0.4)
    assert (given.total, given.served) == (10.0, 8.2)  # a 3 of 4 at x, b 2, c 3.2
    assert "需求按入托率 40 % 计。" in given.explain("zh")
    whole = st.assign(REACH, INFANTS, pd.Series({"x": 3, "y": 9, "z": 0}))
    assert "入托率" not in whole.explain("zh")


# Without demand


def test_without_demand_each_community_counts_once() -> None:
    plan = best(None, st.Forbidden(["x"]))
    assert (plan.sites, plan.objective, plan.total) == (("y",), 2, 4)
    assert "每个小区按 1 计" in plan.explain("zh")
    assert "each community counts once" in plan.summary("en")
    assert "小区按 1 计" not in best().explain("zh")
    ways = st.Reach.from_matrix(pd.DataFrame([[0, 5, 9], [5, 0, 6], [9, 6, 0]], list("xyz"), list("xyz")))
    apart = st.solve(st.MaxSpacing(ways), ways, rules=[st.AtLeast(2)])
    assert (set(apart.sites), apart.objective) == ({"x", "z"}, 9)


# Tables of one's own


def test_without_a_limit_all_pairs_count() -> None:
    reach = st.Reach.from_pairs(TABLE, origins=list("abcd"), destinations=list("xyz"))
    assert (len(reach), reach.limit, reach.longest) == (5, math.inf, 200)
    assert repr(reach) == "<Reach: 4 origins × 3 destinations, 5 pairs>"
    assert len(reach.within(100)) == 3
    assert best(reach=reach).objective == best().objective
    assert st.solve(st.MinTravel(beyond=200), reach, demand=INFANTS, rules=[st.AtMost(1)]).sites == ("y",)
    with pytest.raises(ProblemError, match="beyond is less than the 200 m"):
        st.solve(st.MinTravel(beyond=199), reach, demand=INFANTS, rules=[st.AtMost(1)])
    with pytest.raises(ProblemError, match="half a kilometre is 500"):
        reach.within(0.5)
    lost = st.solve(st.MinSites(), reach, demand=INFANTS, rules=[st.Cover(1.0)])
    assert "communities that no site reaches at all: 1 (2 people): d\n" in lost.explain("en")
    measured = st.accessibility(
        reach, INFANTS, pd.Series(5.0, list("xyz")), method="e2sfca", decay=st.decay.gaussian(900)
    )
    assert (measured["access"] > 0).tolist() == [True, True, True, False]


def test_a_matrix_is_a_reach() -> None:
    frame = TABLE.pivot_table(index="origin", columns="destination", values="cost").reindex(list("abcd"))
    reach = st.Reach.from_matrix(frame)
    same = st.Reach.from_pairs(TABLE, origins=list("abcd"), destinations=list("xyz"))
    for name in ("origin", "destination", "cost"):
        assert getattr(reach, name).tolist() == getattr(same, name).tolist()
    plain = frame.to_numpy(copy=True)
    plain[np.isnan(plain)] = np.inf
    array = st.Reach.from_matrix(plain, origins=list("abcd"), destinations=list("xyz"), limit=120)
    assert (len(array), array.limit) == (3, 120)
    assert len(st.Reach.from_matrix(pd.DataFrame(index=["a"]))) == 0


@pytest.mark.parametrize(
    ("table", "named", "message"),
    [
        (pd.DataFrame({"x": [1.0, -2.0]}, index=["a", "b"]), {}, 'cost is negative in 1 pair: "b to x"'),
        (pd.DataFrame({"x": ["far", "2"]}, index=["a", "b"]), {}, 'cost to "x" is no number for the origins "a"'),
        (pd.DataFrame({"x": [1.0, 2.0]}, index=["a", "a"]), {}, 'origins: ids occur twice: "a"'),
        (pd.DataFrame({"x": [1.0]}, index=["a"]), {"origins": ["a"]}, "leave origins and destinations out"),
        (np.ones((2, 2)), {}, "give origins and destinations"),
        (np.ones((2, 2)), {"origins": ["a"], "destinations": ["x", "y"]}, r"is \(2, 2\), for 1 origin and 2 d"),
        (np.ones(2), {"origins": ["a"], "destinations": ["x"]}, "with 1 axis"),
        (pd.DataFrame({"x": [1.0]}, index=["a"]), {"unit": "km"}, 'or "cost" for a unit of your own'),
    ],
)
def test_a_matrix_that_does_not_fit_is_refused(table: Any, named: dict[str, Any], message: str) -> None:
    with pytest.raises(ProblemError, match=message):
        st.Reach.from_matrix(table, **named)


def test_costs_in_a_unit_of_ones_own() -> None:
    fare = pd.DataFrame({"x": [0.2, 0.4], "y": [1.0, 0.1]}, index=["a", "b"])
    reach = st.Reach.from_matrix(fare, unit="cost")
    assert len(reach.within(0.3)) == 2  # neither kilometres nor hours
    plan = st.solve(st.MinTravel(), reach, demand=pd.Series({"a": 10, "b": 20}), rules=[st.AtMost(1)])
    assert (plan.sites, plan.objective) == (("x",), pytest.approx(10))
    assert "人·费用单位" in plan.explain("zh")
    cheap = pd.Series({"x": 3.0, "y": 3.0})
    both = st.solve(st.MinCost(cheap, travel=2.0), reach, demand=pd.Series({"a": 10, "b": 20}))
    assert both.objective == pytest.approx(6 + 2 * (10 * 0.2 + 20 * 0.1))
