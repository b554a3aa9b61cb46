"""Hub villages: a valley counted by hand, and all choices of hubs tried on small ones."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

import siting as st
from siting.propose.questions.hubs import Hubs, choose_hubs

#: A road of villages, kilometres from its start; the last lies over the pass.
PLACES = {"a": 0, "b": 1, "c": 3, "d": 4, "e": 5, "f": 20}
ELDERLY = pd.Series({"a": 120, "b": 40, "c": 30, "d": 90, "e": 20, "f": 15})


def road(places: dict[str, float], limit: float) -> st.Reach:
    """Every pair of villages within *limit* metres of road; a door costs 7 m, also to oneself."""
    rows = [
        (i, j, 1000.0 * abs(places[i] - places[j]) + (7.0 if i == j else 0.0))
        for i, j in itertools.product(places, repeat=2)
        if 1000.0 * abs(places[i] - places[j]) <= limit
    ]
    table = pd.DataFrame(rows, columns=["origin", "destination", "cost"])
    return st.Reach.from_pairs(table, origins=list(places), destinations=list(places), limit=limit)


@pytest.fixture
def valley() -> st.Reach:
    return road(PLACES, 3000)


def test_every_large_village_carries_a_site(valley: st.Reach) -> None:
    found = choose_hubs(valley, ELDERLY, at_least=90)
    assert found.table["role"].to_dict() == {
        "a": "hub", "b": "served", "c": "served", "d": "hub", "e": "served", "f": "van",
    }  # fmt: skip
    assert found.table["hub"].fillna("-").to_dict() == {"a": "a", "b": "a", "c": "d", "d": "d", "e": "d", "f": "-"}
    assert found.table["cost"].fillna(-1).to_dict() == {"a": 0, "b": 1000, "c": 1000, "d": 0, "e": 1000, "f": -1}
    assert found.plan is None
    assert found.hubs.to_dict("index") == {
        "a": {"villages": 1, "demand": 120, "delivered": 40, "mean": 1000, "farthest": 1000},
        "d": {"villages": 2, "demand": 90, "delivered": 50, "mean": 1000, "farthest": 1000},
    }
    assert found.totals.to_dict("index") == {
        "hub": {"villages": 2, "demand": 210},
        "served": {"villages": 3, "demand": 90},
        "van": {"villages": 1, "demand": 15},
    }


def test_the_size_itself_is_large(valley: st.Reach) -> None:
    assert choose_hubs(valley, ELDERLY, at_least=120).hubs.index.tolist() == ["a"]
    with pytest.raises(
        st.errors.ProblemError, match=r"no village has 121 elderly people or more; the largest .* has 120"
    ):
        choose_hubs(valley, ELDERLY, at_least=121)


def test_the_mean_is_weighted_by_the_elderly(valley: st.Reach) -> None:
    """From a: b 1 km × 40 and c 3 km × 30 make 130 of 70 people."""
    found = choose_hubs(valley, ELDERLY, at_least=120)
    assert found.mean == pytest.approx(130_000 / 70)
    assert found.hubs.loc["a", ["villages", "delivered", "farthest"]].tolist() == [2, 70, 3000]
    assert math.isnan(choose_hubs(valley, ELDERLY, at_least=120, limit=900).mean)


def test_a_shorter_delivery_leaves_more_to_vans(valley: st.Reach) -> None:
    found = choose_hubs(valley, ELDERLY, at_least=120, limit=2999)
    assert found.table["role"].tolist() == ["hub", "served", "van", "van", "van", "van"]
    assert found.limit == 2999


def test_the_fewest_hubs(valley: st.Reach) -> None:
    """c alone reaches a to e within 3 km; f is a hub of its own unless only large villages may be hubs."""
    found = choose_hubs(valley, ELDERLY, hubs="fewest")
    assert found.hubs.index.tolist() == ["c", "f"]
    assert found.plan is not None
    assert found.plan.status == "optimal"
    assert "van" not in set(found.table["role"])
    large = choose_hubs(valley, ELDERLY, at_least=90, hubs="fewest")
    assert large.hubs.index.tolist() == ["a", "d"]
    assert large.table["role"].to_dict()["f"] == "van"  # nobody large is near, which is no reason to find no plan


def test_so_many_hubs(valley: st.Reach) -> None:
    found = choose_hubs(valley, ELDERLY, hubs=1)
    assert found.hubs.index.tolist() == ["c"]
    assert found.totals.loc["van", "demand"] == 15
    near = choose_hubs(valley, ELDERLY, hubs=1, limit=1000)
    assert near.hubs.index.tolist() == ["a"]  # a and b 160; c, d, e 140


def test_more_hubs_than_large_villages_are_at_most_these(valley: st.Reach) -> None:
    many = choose_hubs(valley, ELDERLY, at_least=90, hubs=9)
    assert set(many.hubs.index) <= {"a", "d"}
    assert many.totals.loc["van", "demand"] == 15
    assert choose_hubs(valley, ELDERLY, hubs=1.0).hubs.index.tolist() == ["c"]  # type: ignore[arg-type]


@pytest.mark.parametrize("hubs", [0, 1.5, True, math.nan, math.inf])
def test_hubs_that_are_no_number(valley: st.Reach, hubs: float) -> None:
    with pytest.raises(st.errors.ProblemError, match='choose "all", "fewest" or a whole number, 1 or more'):
        choose_hubs(valley, ELDERLY, hubs=hubs)  # type: ignore[arg-type]


@pytest.mark.parametrize("hubs", ["fewest", 2])
def test_nobody_needs_a_hub(valley: st.Reach, hubs: Any) -> None:
    with pytest.raises(st.errors.ProblemError, match="demand is 0 wherever"):
        choose_hubs(valley, ELDERLY * 0, hubs=hubs)


def test_minutes_have_a_decimal_and_limits_all_digits() -> None:
    table = pd.DataFrame({"origin": ["b"], "destination": ["a"], "cost": [0.4]})
    minutes = st.Reach.from_pairs(table, origins=["a", "b"], destinations=["a", "b"], limit=15, unit="min")
    elderly = pd.Series({"a": 9, "b": 2})
    assert "go 0.4 min on average by elderly people, 0.4 min at most" in choose_hubs(
        minutes, elderly, at_least=5
    ).explain("en")
    metres = st.Reach.from_pairs(table, origins=["a", "b"], destinations=["a", "b"], limit=1_234_567)
    assert "(limit 1234567 m)" in choose_hubs(metres, elderly, at_least=5).explain("en")


def test_villages_without_elderly_do_not_count(valley: st.Reach) -> None:
    found = choose_hubs(valley, ELDERLY.where(ELDERLY.index != "f", 0), hubs="fewest")
    assert found.hubs.index.tolist() == ["c"]
    assert found.table.loc["f", "role"] == "van"


def test_two_hubs_on_one_spot_serve_themselves() -> None:
    found = choose_hubs(road({"a": 0, "b": 0, "c": 1}, 2000), pd.Series({"a": 9, "b": 9, "c": 1}), at_least=9)
    assert found.table["hub"].to_dict() == {"a": "a", "b": "b", "c": "a"}


def test_only_some_villages_may_carry_a_site(valley: st.Reach) -> None:
    found = choose_hubs(valley.select(["b", "e"]), ELDERLY, hubs="fewest")
    assert found.hubs.index.tolist() == ["b", "e"]
    assert found.table["hub"].fillna("-").tolist() == ["b", "b", "b", "e", "e", "-"]  # c: 2 km to both, b is first


def test_what_is_badly_put(valley: st.Reach, town_network: st.Network, layer: Callable[..., Any]) -> None:
    with pytest.raises(st.errors.ProblemError, match='hubs="all" needs at_least'):
        choose_hubs(valley, ELDERLY)
    with pytest.raises(st.errors.ProblemError, match='choose "all", "fewest" or a whole number'):
        choose_hubs(valley, ELDERLY, hubs="few")  # type: ignore[arg-type]
    with pytest.raises(st.errors.ProblemError, match="at_least is 0; give a number"):
        choose_hubs(valley, ELDERLY, at_least=0)
    with pytest.raises(st.errors.ProblemError, match='demand has no row for 1 village: "f"'):
        choose_hubs(valley, ELDERLY.drop("f"), at_least=90)
    with pytest.raises(st.errors.ProblemError, match="above the 3000 m"):
        choose_hubs(valley, ELDERLY, at_least=90, limit=4000)
    table = pd.DataFrame({"origin": ["a"], "destination": ["town"], "cost": [10.0]})
    strange = st.Reach.from_pairs(table, origins=["a"], destinations=["town"], limit=100)
    with pytest.raises(st.errors.ProblemError, match='no origins: "town"'):
        choose_hubs(strange, ELDERLY, at_least=90)
    places = layer({"a": (0, 0), "b": (100, 0)})
    with pytest.raises(st.errors.ProblemError, match="reach holds the nearest only, not all pairs"):
        choose_hubs(st.travel(town_network, places, places, nearest=1), ELDERLY, at_least=90)


def test_the_input_is_not_changed(valley: st.Reach) -> None:
    before, people = valley.pairs(), ELDERLY.copy()
    choose_hubs(valley, ELDERLY, hubs="fewest")
    pd.testing.assert_frame_equal(valley.pairs(), before)
    pd.testing.assert_series_equal(ELDERLY, people)


def test_in_words(valley: st.Reach) -> None:
    found = choose_hubs(valley, ELDERLY, at_least=90)
    assert repr(found) == "<Hubs: 2 hubs (every large village), 3 villages served, 1 left to vans>"
    assert found.explain("en").split("\n") == [
        "Every village with 90 elderly people or more carries a site.",
        "Villages with a site: 2 (210 elderly); delivered to: 3 (90); left to vans: 1 (15).",
        "Deliveries go 1,000 m on average by elderly people, 1,000 m at most (limit 3000 m).",
        "a: 120 elderly of its own, delivers to 1 villages with 40.",
        "d: 90 elderly of its own, delivers to 2 villages with 50.",
        "Out of delivery reach, left to vans: f.",
    ]
    assert "流动服务车" in found.explain()
    assert "2 hubs (optimal)" in repr(choose_hubs(valley, ELDERLY, hubs="fewest"))


def served(found: Hubs) -> float:
    return float(found.table.loc[found.table["role"] != "van", "demand"].sum())


VILLAGES = some.lists(some.tuples(some.integers(0, 12), some.integers(0, 50)), min_size=2, max_size=6)


@pytest.mark.slow
@settings(deadline=None, max_examples=30)
@given(VILLAGES, some.integers(1, 4), some.integers(1, 2), some.sampled_from([None, 10, 25]))
def test_against_all_choices(
    villages: list[tuple[int, int]], limit: int, most: int, size: int | None
) -> None:  # fmt: skip
    """The fewest hubs that serve whoever can be served, and the most people that so many hubs can serve."""
    places = {str(k): float(at) for k, (at, _) in enumerate(villages)}
    people = pd.Series({str(k): number for k, (_, number) in enumerate(villages)})
    large = [i for i in places if people[i] >= (size or 0)]
    if not large or people.sum() == 0 or most > len(large):
        return

    def reached(chosen: tuple[str, ...]) -> int:
        return int(sum(people[i] for i in places if any(abs(places[i] - places[j]) <= limit for j in chosen)))

    if reached(tuple(large)) == 0:
        return
    choices = [c for n in range(1, len(large) + 1) for c in itertools.combinations(large, n)]
    fewest = min(len(c) for c in choices if reached(c) == reached(tuple(large)))
    reach = road(places, 1000.0 * limit)
    found = choose_hubs(reach, people, at_least=size, hubs="fewest")
    assert (len(found.hubs), served(found)) == (fewest, reached(tuple(large)))
    found = choose_hubs(reach, people, at_least=size, hubs=most)
    assert len(found.hubs) <= most
    assert served(found) == max(reached(c) for c in choices if len(c) <= most)
    for village, row in found.table.iterrows():
        ways = [1000.0 * abs(places[str(village)] - places[hub]) for hub in found.hubs.index]
        assert (row["role"] == "van") == (min(ways) > 1000 * limit)
        assert row["role"] == "van" or row["cost"] == min(ways)


def test_on_the_sample(sample: dict[str, Any], sample_network: st.Network) -> None:
    communities = sample["communities"]
    reach = st.travel(sample_network, communities, communities, metres=1000)
    found = choose_hubs(reach, communities["elderly"], at_least=200)
    assert found.totals["demand"].sum() == communities["elderly"].sum()
    fewer = choose_hubs(reach, communities["elderly"], at_least=200, hubs="fewest")
    assert len(fewer.hubs) <= len(found.hubs)
    assert fewer.totals.loc["van"].tolist() == found.totals.loc["van"].tolist()


def test_old_names_of_keywords_warn(valley: st.Reach) -> None:
    with pytest.warns(DeprecationWarning, match="is called limit= now"):
        hubs = choose_hubs(valley, ELDERLY, at_least=120, within=2999)
    assert hubs.table.equals(choose_hubs(valley, ELDERLY, at_least=120, limit=2999).table)
