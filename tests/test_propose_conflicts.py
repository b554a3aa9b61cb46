"""Why there is no plan: what is named is in conflict, none of it can be spared, and what is said to mend it does."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

import siting as st
from siting.labels import label
from siting.optimize.control import Control
from siting.propose.infeasible import conflicts
from siting.propose.infeasible.conflicts import reasons
from siting.propose.model.formulation import build
from siting.propose.problem import Part
from siting.propose.search.answer import Reason
from siting.propose.search.choose_search import search

PEOPLE = pd.Series({"a": 10, "b": 5, "c": 8}, name="people")
BY = pd.Series({"a": "north", "b": "south", "c": "south"}, name="district")


@pytest.fixture(autouse=True, scope="module")
def _time_enough() -> Iterator[None]:
    """A busy machine changes no test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(conflicts, "SECONDS", 100.0)
        yield


def as_text(value: Any) -> Any:
    """Write the parts of rules that a reason names; other values stay."""
    if isinstance(value, tuple):
        return tuple(map(as_text, value))
    return str(value) if isinstance(value, Part) else value


def why(reach: Any, rules: list[Any], objective: Any = None, demand: Any = None, **named: Any) -> dict[str, list[Any]]:
    """Give the values of all reasons, by key."""
    instance = build(objective or st.MinSites(), reach, PEOPLE if demand is None else demand, rules, **named)
    control = Control()
    assert search(instance, control).status == "infeasible"
    told: dict[str, list[Any]] = {}
    for key, values in reasons(instance, control):
        assert all(label(key, lang, **values) for lang in ("zh", "en"))
        told.setdefault(key.removeprefix("plan."), []).append({name: as_text(value) for name, value in values.items()})
    assert "reasons_late" not in told
    return told


@pytest.fixture
def apart(reach_of: Callable[..., st.Reach]) -> st.Reach:
    return reach_of({"x": "a", "y": "b", "z": "c"}, "abc")


def ways(rows: list[tuple[str, str, float]], homes: str = "abc", sites: str = "xyz", limit: float = 300) -> st.Reach:
    table = pd.DataFrame(rows, columns=["origin", "destination", "cost"])
    return st.Reach.from_pairs(table, origins=list(homes), destinations=list(sites), limit=limit)


def test_who_is_too_far_is_named_with_the_way_to_the_nearest() -> None:
    reach = ways([("a", "x", 250), ("a", "y", 280), ("b", "y", 100)])
    told = why(reach, [st.Cover(0.9, limit=200)])
    # a (10 people) is 250 m from x; c (8) is beyond the 300 m that were searched; 5 of 23 are reached
    assert told["out_of_reach"] == [{"share": 0.9, "best": 5 / 23, "group": ""}]
    assert told["too_far"] == [
        {
            "rules": ("Cover(0.9, limit=200)",), "limit": "200 m", "count": 2, "people": "18",
            "names": ("a (250 m)", "c (> 300 m)"),
        }
    ]  # fmt: skip
    assert told["mend_share"] == [{"rule": "Cover(0.9, limit=200)", "to": "21.7 %"}]
    assert "mend_radius" not in told  # within 300 m 15 of 23 are too few
    assert why(reach, [st.Cover(0.6, limit=200)])["mend_radius"] == [{"rule": "Cover(0.6, limit=200)", "to": "250 m"}]


def test_nobody_beyond_and_its_radius() -> None:
    reach = ways([("a", "x", 250.5), ("b", "y", 100), ("c", "z", 120), ("c", "y", 260)])
    told = why(reach, [st.NobodyBeyond(200), st.AtMost(3)])
    assert told["too_far"][0]["names"] == ("a (250.5 m)",)
    assert told["mend_radius"] == [{"rule": "NobodyBeyond(200)", "to": "251 m"}]
    told = why(reach, [st.NobodyBeyond(255), st.AtMost(2)])
    assert told["conflict_sites"] == [{"rules": ("AtMost(2)", "NobodyBeyond(255)"), "needed": 3, "allowed": 2}]
    assert told["mend_radius"] == [{"rule": "NobodyBeyond(255)", "to": "260 m"}]
    assert told["mend_sites"] == [{"rule": "AtMost(2)", "to": 3}]


def test_groups_without_a_site(apart: st.Reach) -> None:
    towns = pd.Series({"x": "u", "y": "u", "z": "v"}, name="town")
    told = why(apart, [st.OnePer(towns, among=["u", "v", "w"])])
    assert told["no_site"] == [{"rule": "OnePer(town)", "group": "w"}]
    told = why(apart, [st.AtLeast(2, by=towns)])
    assert told["all_short"] == [{"rule": "AtLeast(2, by=town) (v)", "asked": "2", "best": "1"}]


def test_fewer_sites_than_the_shares_of_the_groups_need(apart: st.Reach) -> None:
    told = why(apart, [st.AtMost(1), st.Cover(0.5, by=BY), st.Cover(0.1)])
    # one site serves north or south; either share by itself is kept with one
    assert told["conflict_sites"] == [
        {"rules": ("AtMost(1)", "Cover(0.5, by=district) (north)", "Cover(0.5, by=district) (south)"),
         "needed": 2, "allowed": 1}
    ]  # fmt: skip
    assert [one["best"] for one in told["best_in"]] == [0, 0]
    assert told["best_overall"] == [{"best": 10 / 23}]
    assert told["mend_sites"] == [{"rule": "AtMost(1)", "to": 2}]
    assert "mend_share" not in told
    # two sites: all of the south and nothing of the north, or all of the north and 8 of 13 of the south
    told = why(apart, [st.AtMost(2), st.Cover(0.9, by=BY)])
    assert told["conflict_sites"][0]["needed"] == 3
    assert told["mend_share"] == [{"rule": "Cover(0.9, by=district)", "to": f"{math.floor(8000 / 13) / 10} %"}]


def test_money(apart: st.Reach) -> None:
    cost = pd.Series({"x": 3.5, "y": 4.0, "z": 5.0})
    told = why(apart, [st.Budget(8, cost=cost), st.Cover(0.75)], st.MaxCoverage())
    # 18 of 23 are 78 %: x and z cost 8.5; for 8 only x and y, 15 of 23
    assert told["conflict_budget"] == [{"rules": ("Budget(8)", "Cover(0.75)"), "needed": "8.5", "allowed": "8"}]
    assert told["mend_budget"] == [{"rule": "Budget(8)", "to": "8.5"}]
    assert told["mend_share"] == [{"rule": "Cover(0.75)", "to": "65.2 %"}]


def test_sites_that_exist_are_named_where_the_conflict_is_with_them(apart: st.Reach) -> None:
    told = why(apart, [st.Existing(["x"]), st.Required(["y"]), st.Spacing([("x", "y")]), st.Cover(0.2)])
    assert told["conflict_rules"] == [{"rules": ("Spacing(1 pair)", "Required(1 site)", "Existing(1 site)")}]
    assert {one["rule"] for one in told["mend_without"]} == {"Spacing(1 pair)", "Required(1 site)"}


def test_backup_and_forbidden_sites_may_be_behind_it(apart: st.Reach) -> None:
    assert why(apart, [st.Cover(0.2), st.Backup(2)])["mend_without"] == [{"rule": "Backup(2)"}]
    told = why(apart, [st.Cover(0.9), st.Forbidden(["x"])])
    assert told["mend_without"] == [{"rule": "Forbidden(1 site)"}]


def test_two_rules_of_one_text_are_two_rules(apart: st.Reach) -> None:
    both = [st.Forbidden(["x"]), st.Forbidden(["z"])]
    told = why(apart, [*both, st.Cover(1)])
    assert "mend_without" not in told  # either alone leaves a community without a site
    assert told["mend_share"] == [{"rule": "Cover(1)", "to": "21.7 %"}]
    # x and y serve 15 of 23, y and z only 13: of the two rules only the first is in the way of 65 %
    found = reasons(build(st.MinSites(), apart, PEOPLE, [*both, st.Cover(0.65)]), Control())
    assert [values["rule"] for key, values in found if key == "plan.mend_without"] == [Part(both[0])]


def test_a_rule_that_is_given_twice_is_one_rule(apart: st.Reach) -> None:
    told = why(apart, [st.Forbidden(["x"]), st.Forbidden(["x"]), st.Cover(1)])
    assert told["mend_without"] == [{"rule": "Forbidden(1 site)"}]


def test_two_groupings_of_one_name_are_two_rules(apart: st.Reach) -> None:
    west = pd.Series({"x": 1, "y": 1, "z": 2}, name="zone")
    east = pd.Series({"x": 2, "y": 1, "z": 1}, name="zone")
    told = why(apart, [st.AtMost(1, by=west), st.AtMost(1, by=east), st.Cover(1)])
    # x and y are one zone of the first, y and z one of the second: raising one limit leaves the other
    assert "mend_sites" not in told
    assert len(told["conflict_rules"][0]["rules"]) == 2


def test_who_is_barred_by_a_rule_is_not_called_too_far(apart: st.Reach) -> None:
    barring = [st.Forbidden(["x"]), st.Forbidden(["z"])]
    found = dict(reasons(build(st.MinSites(), apart, PEOPLE, [*barring, st.Cover(1)]), Control()))
    assert "plan.too_far" not in found
    barred = found["plan.barred"]
    assert (barred["by"], barred["names"]) == (tuple(Part(rule) for rule in barring), ("a", "c"))
    assert (barred["count"], barred["people"], barred["limit"]) == (2, "18", "300 m")
    # a is beyond every site, c is barred
    reach = ways([("b", "y", 100), ("c", "z", 120)])
    told = why(reach, [*barring, st.Cover(1)])
    assert told["too_far"][0]["names"] == ("a (> 300 m)",)
    assert (told["barred"][0]["names"], told["barred"][0]["by"]) == (("c",), ("Forbidden(1 site)",))


def test_closings(apart: st.Reach) -> None:
    rules = [st.Existing(["x", "y"]), st.MayClose(at_most=1), st.Spacing([("x", "z"), ("y", "z")]), st.Required(["z"])]
    told = why(apart, rules)
    assert told["mend_closings"] == [{"rule": "MayClose(at_most=1)", "to": 2}]


def test_places_are_too_few(apart: st.Reach) -> None:
    places = pd.Series({"x": 4, "y": 9, "z": 9})
    told = why(apart, [st.Cover(0.9), st.Capacity(places)])
    assert told["conflict_rules"] == [{"rules": ("Cover(0.9)", "Capacity()")}]
    assert told["mend_share"] == [{"rule": "Cover(0.9)", "to": "73.9 %"}]  # 4 + 5 + 8 of 23


def test_years(apart: st.Reach) -> None:
    told = why(apart, [st.Phases((2025, 2030), at_most=1, cover=(0.5, 0.6))], st.MaxCoverage())
    assert told["conflict_rules"] == [{"rules": ("Phases(2025: at_most=1)", "Phases(2025: cover=0.5)")}]
    assert told["mend_sites"] == [{"rule": "Phases(2025: at_most=1)", "to": 2}]
    assert told["mend_share"] == [{"rule": "Phases(2025: cover=0.5)", "to": "43.4 %"}]


def test_two_services(apart: st.Reach) -> None:
    rules = [st.AtMost(2, service="old"), st.Cover(0.9), st.AtMost(6)]
    told = why({"old": apart, "kids": apart}, rules, demand={"old": PEOPLE, "kids": PEOPLE})
    assert told["conflict_sites"][0]["rules"] == ("AtMost(2, service=old)", "Cover(0.9) (old)")
    assert told["mend_sites"] == [{"rule": "AtMost(2, service=old)", "to": 3}]
    assert told["mend_share"] == [{"rule": "Cover(0.9)", "to": "78.2 %"}]


def test_an_objective_that_wants_everybody_is_named(apart: st.Reach) -> None:
    told = why(apart, [st.AtMost(2)], st.MinTravel())
    assert told["conflict_sites"] == [{"rules": ("AtMost(2)", "MinTravel()"), "needed": 3, "allowed": 2}]


def test_without_time_that_is_said(apart: st.Reach, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conflicts, "SECONDS", 0.0)
    monkeypatch.setattr(conflicts, "GRACE", 0.0)
    instance = build(st.MinSites(), apart, PEOPLE, [st.AtMost(2), st.Cover(0.9), st.Required(["x"])])
    told: tuple[Reason, ...] = reasons(instance, Control(time_limit=1e-9))
    assert [key for key, _ in told] == ["plan.conflict_rules", "plan.reasons_late"]


@some.composite
def puzzles(draw: Any) -> tuple[Any, ...]:
    cover = draw(some.lists(some.lists(some.booleans(), min_size=4, max_size=4), min_size=5, max_size=5))
    weight = draw(some.lists(some.integers(1, 9), min_size=5, max_size=5))
    group = draw(some.lists(some.integers(0, 1), min_size=5, max_size=5))
    chosen = draw(some.sets(some.integers(0, 5), min_size=2, max_size=5))
    shares = draw(some.lists(some.sampled_from([0.4, 0.6, 0.8]), min_size=2, max_size=2))
    return np.array(cover), np.array(weight), np.array(group), chosen | {0}, shares, draw(some.integers(1, 3))


@pytest.mark.slow
@given(puzzles())
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_the_named_set_is_in_conflict_and_none_of_it_can_be_spared(puzzle: tuple[Any, ...]) -> None:
    cover, weight, group, chosen, shares, most = puzzle
    homes, sites = [f"h{i}" for i in range(5)], [f"s{j}" for j in range(4)]
    by = pd.Series(group, index=homes, name="g")
    near = [("s0", "s1"), ("s1", "s2")]

    def served(x: tuple[bool, ...], members: Any) -> float:
        return float(weight[(cover & np.array(x)).any(axis=1) & members].sum() / weight[members].sum())

    every = np.ones(5, bool)
    pool: list[tuple[Any, dict[str, Callable[..., bool]]]] = [
        (st.Cover(shares[0]), {f"Cover({shares[0]:g})": lambda x: served(x, every) >= shares[0] - 1e-9}),
        (st.AtMost(most), {f"AtMost({most})": lambda x: sum(x) <= most}),
        (st.Required(["s1"]), {"Required(1 site)": lambda x: x[1]}),
        (st.Forbidden(["s3"]), {"Forbidden(1 site)": lambda x: not x[3]}),
        (st.Spacing(near), {"Spacing(2 pairs)": lambda x: not (x[0] and x[1]) and not (x[1] and x[2])}),
        (
            st.Cover(shares[1], by=by),
            {
                f"Cover({shares[1]:g}, by=g) ({g})": (lambda x, g=g: served(x, group == g) >= shares[1] - 1e-9)
                for g in sorted(set(group))
            },
        ),
    ]
    parts = {name: keeps for n in sorted(chosen) for name, keeps in pool[n][1].items()}
    plans = list(itertools.product((False, True), repeat=4))

    def possible(names: Any) -> bool:
        return any(all(parts[name](x) for name in names) for x in plans)

    if possible(parts):
        return
    i, j = np.nonzero(cover)
    table = pd.DataFrame({"origin": np.array(homes)[i], "destination": np.array(sites)[j], "cost": 1.0})
    reach = st.Reach.from_pairs(table, origins=homes, destinations=sites, limit=300)
    told = why(reach, [pool[n][0] for n in sorted(chosen)], demand=pd.Series(weight, index=homes))
    found = [values["rules"] for key, each in told.items() if key.startswith("conflict") for values in each]
    if not found:
        assert "out_of_reach" in told or "out_of_reach_in" in told
        everything = tuple("Forbidden(1 site)" not in parts or j != 3 for j in range(4))
        assert not all(keeps(everything) for name, keeps in parts.items() if name.startswith("Cover"))
    for names in found:
        assert not possible(names)
        assert all(possible([other for other in names if other != name]) for name in names)
    for mend in told.get("mend_without", []):
        assert possible([name for name in parts if name != mend["rule"]])
    for mend in told.get("mend_sites", []):
        rest = [name for name in parts if not name.startswith("AtMost")]
        assert min(sum(x) for x in plans if all(parts[name](x) for name in rest)) == mend["to"] > most
    for mend in told.get("mend_share", []):
        whole = "by" not in mend["rule"]
        rest = [name for name in parts if not name.startswith(mend["rule"])]
        members = [every] if whole else [group == g for g in set(group)]
        best = max(min(served(x, m) for m in members) for x in plans if all(parts[name](x) for name in rest))
        assert mend["to"] == f"{math.floor(1000 * best + 1e-9) / 10:.1f} %"
