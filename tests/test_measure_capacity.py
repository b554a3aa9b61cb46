"""How full facilities are, and where places stand empty while others lack them: sums by hand, and by networkx."""

from __future__ import annotations

import dataclasses
import doctest
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as draws

import siting as st
from siting.errors import ProblemError
from siting.measure.capacity import idle_nearby, utilisation

Make = Callable[..., st.Reach]
examples = settings(max_examples=30, deadline=None, derandomize=True)


@pytest.fixture
def homes() -> pd.DataFrame:
    """Quzhou's contrast: full in town (80 %), empty in the country (30 %); one home is over-full, one has no beds."""
    return pd.DataFrame(
        {
            "beds": [100, 60, 40, 80, 0],
            "occupied": [70, 66, 24, 12, 0],
            "district": ["town", "town", "country", "country", "none"],
        },
        index=pd.Index(["p", "q", "r", "s", "t"], name="id"),
    )


def test_the_whole(homes: pd.DataFrame) -> None:
    found = utilisation(homes, used="occupied", capacity="beds")
    assert found.index.tolist() == ["all"]
    assert found.loc["all"].to_dict() == {
        "facilities": 5, "capacity": 280, "used": 172, "share": 172 / 280, "idle": 30 + 16 + 68, "over": 1, "excess": 6,
    }  # fmt: skip
    assert found.index.name == "group"


def test_by_district(homes: pd.DataFrame) -> None:
    found = utilisation(homes, used="occupied", capacity="beds", by="district")
    assert found.index.tolist() == ["country", "none", "town"]
    assert found["share"].tolist()[0::2] == [0.3, 0.85]
    assert math.isnan(found.loc["none", "share"])
    assert found["idle"].tolist() == [84, 0, 30]
    assert found["excess"].tolist() == [0, 0, 6]
    assert found["idle"].dtype == np.int64
    same = utilisation(
        homes, used=homes["occupied"], capacity=homes["beds"][::-1], by=homes["district"].astype("category")
    )
    assert same.to_numpy().tolist()[0] == found.to_numpy().tolist()[0]
    assert same["idle"].tolist() == found["idle"].tolist()


def test_printed_shares_of_quzhou() -> None:
    """Places in use 60.57 %, printed as 60.6 in the table: idle is what the formula says, places * (1 - share)."""
    one = pd.DataFrame({"places": [10_000], "enrolled": [6057]}, index=["city"])
    found = utilisation(one, used="enrolled", capacity="places").iloc[0]
    assert found["share"] == 0.6057
    assert round(100 * found["share"], 1) == 60.6
    assert found["idle"] == pytest.approx(found["capacity"] * (1 - found["share"])) == 3943


def test_a_row_for_each_facility(homes: pd.DataFrame) -> None:
    found = utilisation(homes, used="occupied", capacity="beds", by=homes.index.to_series())
    assert found["over"].to_dict() == {"p": 0, "q": 1, "r": 0, "s": 0, "t": 0}
    assert found["share"].tolist()[:4] == [0.7, 1.1, 0.6, 0.15]


def test_no_facilities(homes: pd.DataFrame) -> None:
    assert utilisation(homes.iloc[:0], used="occupied", capacity="beds", by="district").empty


def test_what_is_no_amount_is_refused_with_its_ids(homes: pd.DataFrame) -> None:
    for name, value in (("occupied", np.nan), ("beds", -1.0), ("beds", np.inf)):
        wrong = homes.astype({name: float})
        wrong.loc[["q", "s"], name] = value
        with pytest.raises(ProblemError, match=rf'"{name}" is negative or not a number in 2 rows: "q", "s"'):
            utilisation(wrong, used="occupied", capacity="beds")
    with pytest.raises(ProblemError, match=r'used is "enrolled"; give a column of the facilities \("beds"'):
        utilisation(homes, used="enrolled", capacity="beds")
    with pytest.raises(ProblemError, match='no row for 1 facility: "t"'):
        utilisation(homes, used=homes["occupied"].drop("t"), capacity="beds")
    with pytest.raises(ProblemError, match='no value for 1 facility: "r"'):
        utilisation(homes, used="occupied", capacity="beds", by=homes["district"].drop("r"))
    with pytest.raises(ProblemError, match='occur twice: "p"'):
        utilisation(pd.concat([homes, homes.iloc[:1]]), used="occupied", capacity="beds")


@pytest.fixture
def reach(reach_of: Make) -> st.Reach:
    """`a` and `b` share x; `b` also has y; `c` has nothing; `d` only z, which is over-full."""
    return reach_of({"x": "ab", "y": "b", "z": "d"}, "abcd")


PEOPLE = pd.Series({"a": 3000, "b": 1000, "c": 500, "d": 1000}, name="infants")
USED = pd.Series({"x": 20, "y": 2, "z": 9})
PLACES = pd.Series({"x": 24, "y": 12, "z": 5})
AREA = pd.Series({"a": "north", "b": "north", "c": "south", "d": "south"})


def test_communities_by_hand(reach: st.Reach) -> None:
    found = idle_nearby(reach, PEOPLE, used=USED, capacity=PLACES, per_1000=10)
    assert found.index.tolist() == list("abcd")
    # x is used by a and b as 3 : 1, so by 15 of a and 5 of b; b has 2 at y; of the 9 at z 5 have a place
    assert found["needed"].tolist() == [30, 10, 5, 10]
    assert found["shortage"].tolist() == [15, 3, 5, 5]
    assert found["idle"].tolist() == [4, 4 + 10, 0, 0]
    assert found["takes_idle"].tolist() == [4, 3, 0, 0]
    assert found["shortage_left"].tolist() == [11, 0, 5, 5]
    assert found["facilities"].tolist() == [1, 2, 0, 1]
    assert found["capacity"].tolist() == [24, 36, 0, 5]
    assert found["used"].tolist() == [20, 22, 0, 9]


def test_areas_by_hand(reach: st.Reach) -> None:
    found = idle_nearby(reach, PEOPLE, used=USED, capacity=PLACES, per_1000=10, by=AREA)
    assert found.index.tolist() == ["north", "south"]
    assert found.index.name == "group"
    # In the north a takes the 4 of x and b 3 of the 10 at y: 7, although 14 places are idle and 18 are short.
    assert found.loc["north"].to_dict() == {
        "demand": 4000, "needed": 40, "facilities": 2, "capacity": 36, "used": 22, "idle": 14, "shortage": 18,
        "takes_idle": 7, "shortage_left": 11,
    }  # fmt: skip
    assert found.loc["south", ["capacity", "idle", "shortage", "takes_idle", "shortage_left"]].tolist() == [
        5,
        0,
        10,
        0,
        10,
    ]


def test_an_idle_place_counts_once_in_an_area(reach_of: Make) -> None:
    reach = reach_of({"x": "abc"}, "abc")
    people, one = pd.Series({"a": 100, "b": 100, "c": 100}), pd.Series({"x": 5})
    apart = idle_nearby(reach, people, used=one * 0, capacity=one, per_1000=40)
    assert apart["takes_idle"].tolist() == [4, 4, 4]
    area = pd.Series({"a": "n", "b": "n", "c": "s"})
    found = idle_nearby(reach, people, used=one * 0, capacity=one, per_1000=40, by=area)
    assert found["idle"].tolist() == [5, 5]
    assert found["takes_idle"].tolist() == [5, 4]
    assert found["shortage_left"].tolist() == [3, 0]


def test_everybody_has_a_place(reach: st.Reach) -> None:
    for by in (None, AREA):
        found = idle_nearby(reach, PEOPLE, used=USED, capacity=PLACES, per_1000=1e-9, by=by)
        assert found["shortage"].to_dict() == pytest.approx(
            dict.fromkeys(found.index, 0.0) | ({"c": 5e-10} if by is None else {"south": 5e-10}), abs=1e-15
        )


def test_areas_where_everybody_has_a_place(reach: st.Reach) -> None:
    plenty = {"used": pd.Series({"x": 40, "y": 40, "z": 40}), "capacity": pd.Series({"x": 50, "y": 50, "z": 50})}
    people = PEOPLE.drop("c").reindex(PEOPLE.index, fill_value=0)
    found = idle_nearby(reach, people, **plenty, per_1000=1, by=AREA)
    assert found["shortage"].tolist() == [0, 0]
    assert found["takes_idle"].tolist() == [0, 0]


def test_users_without_communities_around_are_nobodys(reach_of: Make) -> None:
    found = idle_nearby(
        reach_of({"x": "a", "y": {}}, "a"), pd.Series({"a": 0}), used=pd.Series({"x": 5, "y": 5}),
        capacity=pd.Series({"x": 9, "y": 9}), per_1000=10,
    )  # fmt: skip
    assert found.loc["a", ["needed", "shortage", "idle"]].tolist() == [0, 0, 4]


@pytest.mark.parametrize("rate", [0, -1, math.nan, math.inf, "4.5", True, None])
def test_a_rate_is_places_per_thousand(reach: st.Reach, rate: Any) -> None:
    with pytest.raises(ProblemError, match="places per 1000 people, above 0"):
        idle_nearby(reach, PEOPLE, used=USED, capacity=PLACES, per_1000=rate)


def test_what_does_not_fit_is_refused(reach: st.Reach) -> None:
    def call(**changes: Any) -> None:
        given = {"reach": reach, "demand": PEOPLE, "used": USED, "capacity": PLACES, "per_1000": 10} | changes
        idle_nearby(given.pop("reach"), given.pop("demand"), **given)

    for changes, said in (
        ({"demand": PEOPLE.drop("a")}, 'demand has no row for 1 origin: "a"'),
        ({"used": USED.replace(2, np.nan)}, 'used "used" is negative or not a number in 1 row: "y"'),
        ({"capacity": PLACES.drop("z")}, 'capacity has no row for 1 destination: "z"'),
        ({"demand": PEOPLE.to_frame().assign(more=1)}, "demand is a DataFrame; give a Series with a value for each id"),
        ({"by": AREA.drop("c")}, 'no value for 1 origin: "c"'),
        ({"by": "district"}, "give a Series"),
        ({"by": pd.concat([AREA, AREA[:1]])}, 'occur twice: "a"'),
        ({"reach": dataclasses.replace(reach, nearest_only=1)}, "all pairs within a limit"),
    ):
        with pytest.raises(ProblemError, match=said):
            call(**changes)


@draws.composite
def cities(draw: Any) -> dict[str, Any]:
    n, m = draw(draws.integers(1, 6)), draw(draws.integers(1, 5))
    cells = draw(draws.lists(draws.tuples(draws.integers(0, n - 1), draws.integers(0, m - 1)), unique=True))
    origins, sites = [f"o{i}" for i in range(n)], [f"s{j}" for j in range(m)]
    table = pd.DataFrame([(f"o{i}", f"s{j}", 1.0) for i, j in cells], columns=["origin", "destination", "cost"])
    numbers = draws.integers(0, 30)
    return {
        "reach": st.Reach.from_pairs(table, origins=origins, destinations=sites, limit=1),
        "demand": pd.Series(draw(draws.lists(numbers, min_size=n, max_size=n)), index=origins),
        "used": pd.Series(draw(draws.lists(numbers, min_size=m, max_size=m)), index=sites),
        "capacity": pd.Series(draw(draws.lists(numbers, min_size=m, max_size=m)), index=sites),
        "per_1000": draw(draws.sampled_from([100, 333.3, 1000])),
        "by": pd.Series(draw(draws.lists(draws.sampled_from("xyz"), min_size=n, max_size=n)), index=origins),
    }


@pytest.mark.slow
@given(cities())
@examples
def test_every_column_derived_again(city: dict[str, Any]) -> None:
    reach, by = city["reach"], city["by"]
    pairs = list(zip(reach.pairs()["origin"], reach.pairs()["destination"], strict=True))
    ways = {i: {j for a, j in pairs if a == i} for i in reach.origins}
    idle = (city["capacity"] - city["used"]).clip(lower=0)
    short = {}
    for i in reach.origins:
        have = 0.0
        for j in ways[i]:
            around = sum(city["demand"][k] for k in reach.origins if j in ways[k])
            have += min(city["used"][j], city["capacity"][j]) * city["demand"][i] / around if around else 0.0
        short[i] = max(0.0, city["per_1000"] * city["demand"][i] / 1000 - have)
    areas = idle_nearby(**city)
    alone = idle_nearby(**{**city, "by": None})
    for found, groups in ((areas, by), (alone, pd.Series(by.index, index=by.index))):
        for group, row in found.iterrows():
            members = [i for i in reach.origins if groups[i] == group]
            near = set().union(*(ways[i] for i in members))
            graph = nx.DiGraph()
            graph.add_nodes_from(["source", "sink"])
            graph.add_edges_from(("source", i, {"capacity": short[i]}) for i in members)
            graph.add_edges_from((i, j) for i, j in pairs if i in members)
            graph.add_edges_from((j, "sink", {"capacity": idle[j]}) for j in near)
            taken = nx.maximum_flow_value(graph, "source", "sink")
            assert row.to_dict() == pytest.approx(
                {
                    "demand": city["demand"][members].sum(),
                    "needed": city["per_1000"] * city["demand"][members].sum() / 1000,
                    "facilities": len(near),
                    "capacity": city["capacity"][list(near)].sum(),
                    "used": city["used"][list(near)].sum(),
                    "idle": idle[list(near)].sum(),
                    "shortage": sum(short[i] for i in members),
                    "takes_idle": taken,
                    "shortage_left": sum(short[i] for i in members) - taken,
                },
                abs=1e-6,
            )


@pytest.mark.slow
@given(
    draws.lists(draws.integers(1, 500), min_size=1, max_size=5),
    draws.lists(draws.tuples(draws.integers(0, 60), draws.integers(0, 60)), min_size=1, max_size=4),
    draws.floats(1, 500),
)
@examples
def test_in_a_closed_area_what_is_left_is_the_shortage_of_the_ratio(
    people: list[int], full: list[tuple[int, int]], rate: float
) -> None:
    """README of the standards: gap = max(0, q * P / 1000 - places), idle places beside it."""
    table = pd.DataFrame(
        [(i, j, 0.0) for i in range(len(people)) for j in range(len(full))], columns=["origin", "destination", "cost"]
    )
    reach = st.Reach.from_pairs(table, origins=range(len(people)), destinations=range(len(full)), limit=1)
    places, used = pd.Series([c for c, _ in full]), pd.Series([u for _, u in full])
    one = pd.Series("all", index=range(len(people)))
    row = idle_nearby(reach, pd.Series(people), used=used, capacity=places, per_1000=rate, by=one).loc["all"]
    needed = rate * sum(people) / 1000
    assert row["shortage_left"] == pytest.approx(max(0.0, needed - places.sum()), abs=1e-6)
    assert row["idle"] == utilisation(
        pd.DataFrame({"u": used, "c": places}), used="u", capacity="c"
    ).loc["all", "idle"]  # fmt: skip


def test_the_page_on_capacity_runs_as_printed() -> None:
    page = Path(__file__).resolve().parents[1] / "docs" / "methods" / "capacity.md"
    found = re.findall(r"^```pycon\n(.*?)^```$", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    test = doctest.DocTestParser().get_doctest("\n".join(found), {}, page.name, str(page), 0)
    assert test.examples
    said: list[str] = []
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    failed, _ = doctest.DocTestRunner(optionflags=flags).run(test, out=said.append)
    assert not failed, "".join(said)


@pytest.mark.parametrize(("communities", "top"), [(400, 20_000), (3000, 5000)])
def test_ample_idle_places_leave_no_shortage(communities: int, top: int) -> None:
    """A community in reach of 10**6 idle places lacks nothing, though the flow is counted in grains."""
    pairs = pd.DataFrame(
        {"origin": range(communities), "destination": [i % 5 for i in range(communities)], "cost": 1.0}
    )
    reach = st.Reach.from_pairs(pairs, origins=range(communities), destinations=range(5), limit=2)
    people = pd.Series(np.random.default_rng(1).integers(1, top, communities))
    found = idle_nearby(
        reach, people, used=pd.Series(0, index=range(5)), capacity=pd.Series(10**6, index=range(5)), per_1000=4.5,
        by=pd.Series([f"g{i % 3}" for i in range(communities)]),
    )  # fmt: skip
    assert found["shortage_left"].tolist() == [0, 0, 0]
    assert found["takes_idle"].tolist() == found["shortage"].tolist()


def test_rate_and_limit_stay_with_the_answer(reach: st.Reach) -> None:
    found = idle_nearby(reach, PEOPLE, used=USED, capacity=PLACES, per_1000=10)
    assert found.attrs == {"per_1000": 10, "limit": reach.limit, "unit": "m", "how": reach.how}


def test_more_places_than_whole_numbers_can_hold() -> None:
    homes = pd.DataFrame({"beds": [1e300, 40], "occupied": [44, 3]})
    with pytest.raises(ProblemError, match=r'capacity "beds" is 9,007,199,254,740,992 or more for "0: 1e\+300"'):
        utilisation(homes, used="occupied", capacity="beds")
