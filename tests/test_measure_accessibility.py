"""Supply per head: by hand, by a double loop, by what must hold, and by the package `access` on its own examples."""

from __future__ import annotations

import doctest
import importlib
import logging
import math
import pickle
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

import siting as st
from siting.errors import ProblemError
from siting.measure.accessibility import accessibility, supply_ratios
from siting.measure.decay import Decay, exponential, gaussian, power, steps
from siting.measure.reach import Reach

Make = Callable[..., Any]
PAGE = Path(__file__).resolve().parents[1] / "docs" / "methods" / "accessibility.md"
METHODS = ["2sfca", "e2sfca", "gravity", "m2sfca", "3sfca"]
HALF = steps({300: 1, 500: 0.5})


def reach_of(pairs: list[tuple[Any, Any, float]], origins: Any, destinations: Any, limit: float = 500) -> Reach:
    table = pd.DataFrame(pairs, columns=["origin", "destination", "cost"])
    return Reach.from_pairs(table, origins=origins, destinations=destinations, limit=limit)


@pytest.fixture
def reach() -> Reach:
    """`a` and `b` reach `x`, only `b` reaches `y`, nobody reaches `z`, and `c` reaches nothing."""
    return reach_of([("a", "x", 100), ("b", "x", 400), ("b", "y", 200)], list("abc"), list("xyz"))


@pytest.fixture
def infants() -> pd.Series:
    return pd.Series({"a": 100, "b": 300, "c": 50}, name="infants")


@pytest.fixture
def places() -> pd.Series:
    return pd.Series({"x": 40, "y": 30, "z": 99}, name="places")


# By hand


def test_two_steps(reach: Reach, infants: pd.Series, places: pd.Series) -> None:
    """`x`: 40 places for 400 infants; `y`: 30 for 300."""
    found = accessibility(reach, infants, places)
    assert found.to_dict("list") == {
        "access": [0.1, 0.2, 0.0],
        "per_1000": [100.0, 200.0, 0.0],
        "reached": [40.0, 70.0, 0.0],
        "facilities": [1, 2, 0],
    }
    assert found.index.tolist() == ["a", "b", "c"]
    ratios = supply_ratios(reach, infants, places)
    assert ratios.drop(index="z").to_dict("list") == {
        "supply": [40.0, 30.0],
        "demand": [400.0, 300.0],
        "ratio": [0.1, 0.1],
        "per_1000": [100.0, 100.0],
        "communities": [2, 1],
    }
    assert ratios.loc[["z"], ["supply", "demand", "communities"]].to_numpy().tolist() == [[99, 0, 0]]
    assert ratios.loc[["z"], ["ratio", "per_1000"]].isna().to_numpy().all()


@pytest.mark.parametrize(
    ("method", "demand", "access"),
    [
        # x is asked by 100 + 300 / 2, y by 300
        ("e2sfca", [250, 300], [40 / 250, 40 / 250 / 2 + 30 / 300]),
        ("gravity", [250, 300], [40 / 250, 40 / 250 / 2 + 30 / 300]),
        ("m2sfca", [250, 300], [40 / 250, 40 / 250 / 4 + 30 / 300]),
        # b chooses x with (1/2) / (3/2) = 1/3 and y with 2/3; a has no choice
        ("3sfca", [100 + 300 / 6, 200], [40 / 150, 40 / 150 / 6 + 30 / 200 * 2 / 3]),
    ],
)
def test_with_a_decay(
    reach: Reach, infants: pd.Series, places: pd.Series, method: Any, demand: list[float], access: list[float]
) -> None:
    found = accessibility(reach, infants, places, method=method, decay=HALF)
    np.testing.assert_allclose(found["access"], [*access, 0], rtol=1e-15)
    np.testing.assert_allclose(found["per_1000"], 1000 * found["access"])
    ratios = supply_ratios(reach, infants, places, method=method, decay=HALF)
    np.testing.assert_allclose(ratios["demand"], [*demand, 0], rtol=1e-15)
    np.testing.assert_allclose(ratios["ratio"], [40 / demand[0], 30 / demand[1], np.nan], rtol=1e-15)


def test_what_a_decay_leaves_out_is_not_reached(reach: Reach, infants: pd.Series, places: pd.Series) -> None:
    found = accessibility(reach, infants, places, method="e2sfca", decay=steps({200: 1}))
    assert found["reached"].tolist() == [40, 30, 0]
    assert found["facilities"].tolist() == [1, 1, 0]
    assert found["access"].tolist() == [0.4, 0.1, 0]
    ratios = supply_ratios(reach, infants, places, method="3sfca", decay=steps({200: 1}))
    assert ratios["communities"].tolist() == [1, 1, 0]


def test_a_limit_makes_the_catchment(reach: Reach, infants: pd.Series, places: pd.Series) -> None:
    assert accessibility(reach.within(200), infants, places)["access"].tolist() == [0.4, 0.1, 0]
    assert accessibility(reach.within(199), infants, places)["access"].tolist() == [0.4, 0, 0]


def test_results_say_what_they_measure(reach: Reach, infants: pd.Series, places: pd.Series) -> None:
    plain = {"demand": "infants", "supply": "places", "limit": 500.0, "unit": "m", "how": "table"}
    measures: list[Callable[..., pd.DataFrame]] = [accessibility, supply_ratios]
    for measure in measures:
        assert measure(reach, infants, places).attrs == plain | {"method": "2sfca", "decay": None}
        weighed = measure(reach, infants, places, method="3sfca", decay=HALF)
        assert weighed.attrs == plain | {"method": "3sfca", "decay": "steps({300: 1, 500: 0.5})"}
        assert measure(reach, infants, places, method="gravity", decay=np.ones_like).attrs["decay"] == "ones_like"


def test_supply_that_nobody_asks_for(
    reach: Reach, infants: pd.Series, places: pd.Series, caplog: pytest.LogCaptureFixture
) -> None:
    """With nobody at `b`, `y` has a community in its catchment and no demand: no inf, and it is said."""
    infants["b"] = 0
    with caplog.at_level(logging.INFO, "siting.measure.accessibility"):
        found = accessibility(reach, infants, places)
    assert found["access"].tolist() == [0.4, 0.4, 0]
    assert found["reached"].tolist() == [40, 70, 0]
    assert 'no demand reaches 2 facilities, whose supply nobody gets: "y", "z"' in caplog.text
    ratios = supply_ratios(reach, infants, places)
    assert ratios["communities"].tolist() == [2, 1, 0]
    assert ratios["ratio"].isna().tolist() == [False, True, True]


def test_ids_may_stand_in_any_order_and_inputs_stay(reach: Reach, infants: pd.Series, places: pd.Series) -> None:
    more = pd.concat([infants[::-1], pd.Series({"elsewhere": 1e6})]).rename("infants")
    before = more.copy(), places.copy()
    found = accessibility(reach, more, places[::-1].astype(object), method="m2sfca", decay=HALF)
    pd.testing.assert_frame_equal(found, accessibility(reach, infants, places, method="m2sfca", decay=HALF))
    pd.testing.assert_series_equal(more, before[0])
    pd.testing.assert_series_equal(places, before[1])


def test_nobody_and_nothing() -> None:
    empty = pd.Series(dtype=float)
    homes, sites = pd.Series({"a": 5}), pd.Series({"x": 5})
    for method in METHODS:
        decay: Any = None if method == "2sfca" else HALF
        asked: dict[str, Any] = {"method": method, "decay": decay}
        bare = accessibility(reach_of([], ["a"], []), homes, empty, **asked)
        assert bare.to_dict("list") == {"access": [0], "per_1000": [0], "reached": [0], "facilities": [0]}
        assert accessibility(reach_of([], [], ["x"]), empty, sites, **asked).empty
        idle = supply_ratios(reach_of([], [], ["x"]), empty, sites, **asked)
        assert math.isnan(idle["ratio"].iloc[0])
        assert accessibility(reach_of([], [], []), empty, empty, **asked).empty


def test_along_the_streets_in_minutes(town_network: st.Network, layer: Make) -> None:
    """55 m in a minute: `a` is 2, `b` 8 minutes away; both within 10, one within 5."""
    homes, nurseries = layer({"a": (110, 0), "b": (440, 0)}), layer({"x": (0, 0)})
    reach = st.travel(town_network, homes, nurseries, minutes=10, walk=st.Walk.elder())
    people, beds = pd.Series({"a": 30, "b": 40}), pd.Series({"x": 10})
    found = accessibility(reach, people, beds, method="e2sfca", decay=steps({5: 1, 10: 0.5}))
    assert found["access"].tolist() == [0.2, 0.1]
    assert found.attrs["unit"] == "min"


def test_decays_serve_catchments_too(town_network: st.Network, layer: Make) -> None:
    """Hansen's potential: nobody competes."""
    homes, nurseries = layer({"a": (0, 0), "b": (250, 0)}), layer({"x": (0, 0), "y": (500, 0)})
    beds = pd.Series({"x": 10.0, "y": 20.0}, name="beds")
    found = st.measure.catchment(town_network, homes, nurseries, beds, metres=500, decay=HALF)
    assert found["beds"].tolist() == [20.0, 30.0]


# What is refused


@pytest.mark.parametrize("amount", [-1, math.nan, math.inf, None, "many"])
def test_amounts_that_are_none(reach: Reach, infants: pd.Series, places: pd.Series, amount: Any) -> None:
    for measure in (accessibility, supply_ratios):
        wrong = infants.astype(object)
        wrong["b"] = amount
        with pytest.raises(ProblemError, match='demand "infants" is negative or not a number in 1 row: "b"'):
            measure(reach, wrong, places)
        wrong = pd.Series([40, 30, amount], index=list("xyz"), name="places")
        with pytest.raises(ProblemError, match='supply "places" is negative or not a number in 1 row: "z"'):
            measure(reach, infants, wrong)


def test_amounts_that_are_missing(reach: Reach, infants: pd.Series, places: pd.Series) -> None:
    with pytest.raises(ProblemError, match='demand has no row for 1 origin: "c"'):
        accessibility(reach, infants.drop("c"), places)
    with pytest.raises(ProblemError, match='supply has no row for 2 destinations: "x", "y"'):
        accessibility(reach, infants, places.drop(["x", "y"]))
    with pytest.raises(ProblemError, match='supply: ids occur twice: "x"'):
        accessibility(reach, infants, pd.concat([places, places[:1]]))
    with pytest.raises(ProblemError, match="demand is a DataFrame; give a Series with a value for each id"):
        accessibility(reach, infants.to_frame(), places)  # type: ignore[arg-type]
    missing = pd.Series([100, None, 50], index=list("abc"), name="infants", dtype="Int64")
    with pytest.raises(ProblemError, match='not a number in 1 row: "b"'):
        accessibility(reach, missing, places)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"method": "4sfca"}, 'method is "4sfca"; choose one of 2sfca, e2sfca, m2sfca, 3sfca, gravity'),
        ({"decay": HALF}, 'for a decay choose method="e2sfca"'),
        ({"method": "e2sfca"}, r"e2sfca needs a decay, and decay is None; give steps\(\{300: 1"),
        ({"method": "m2sfca", "decay": {300: 1}}, r"decay is \{300: 1\}; give steps\(\{300: 1\}\)"),
        ({"method": "gravity", "decay": "gaussian"}, 'decay is "gaussian"; give steps'),
        (
            {"method": "e2sfca", "decay": gaussian(501)},
            r"gaussian\(501\) counts .* only 500 m were searched; call travel",
        ),
        ({"method": "3sfca", "decay": steps({300: 1, 800: 0.2})}, "counts what is within 800 m, and only 500 m"),
        ({"method": "e2sfca", "decay": lambda d: d[:1]}, r"shape \(1,\) for costs of shape \(3,\)"),
        (
            {"method": "e2sfca", "decay": lambda d: 300.0 - d},
            'decay gives -100 at a cost of 400 m, from "b to x", and the like in 1 pair: give weights of 0 or more',
        ),
        ({"method": "m2sfca", "decay": lambda d: 0 * d + 1.5}, "m2sfca would hand out more than there is"),
        ({"method": "gravity", "decay": exponential(7.2)}, 'all who reach "y" are as good as 0.*give a wider decay'),
    ],
)
def test_what_cannot_be_asked(
    reach: Reach, infants: pd.Series, places: pd.Series, asked: dict[str, Any], said: str
) -> None:
    infants["b"] = 1
    reach = reach_of([("a", "x", 10), ("b", "x", 400), ("b", "y", 100)], list("abc"), list("xyz"))
    for measure in (accessibility, supply_ratios):
        with pytest.raises(ProblemError, match=said):
            measure(reach, infants, places * 1e6, **asked)


def test_a_door_beside_its_facility(infants: pd.Series, places: pd.Series) -> None:
    """A power is infinite there: said, with what to do; `power` has an answer."""
    reach = reach_of([("a", "x", 0), ("b", "x", 100)], list("abc"), list("xyz"))
    with pytest.raises(ProblemError, match=r'gives inf at a cost of 0 m, from "a to x".*also at cost 0'):
        accessibility(reach, infants, places, method="gravity", decay=lambda d: d**-2.0)
    found = accessibility(reach, infants, places, method="gravity", decay=power(2, least=50))
    share = 40 / (100 + 300 / 4)
    assert found["access"].tolist() == [share, share / 4, 0]


def test_the_nearest_alone_do_not_say_who_competes(town_network: st.Network, layer: Make) -> None:
    homes, shops = layer({"a": (0, 0), "b": (500, 500)}), layer({"x": (100, 0), "y": (0, 100)})
    people, goods = pd.Series({"a": 1, "b": 1}), pd.Series({"x": 1, "y": 1})
    with pytest.raises(ProblemError, match=r"holds the 1 nearest facilities .* only.*call travel with metres"):
        accessibility(st.travel(town_network, homes, shops, nearest=1), people, goods)
    everything = st.travel(town_network, homes, shops, nearest=2)  # no limit, and nothing left out
    assert accessibility(everything, people, goods)["access"].tolist() == [1.0, 1.0]


# Decays


@pytest.mark.parametrize(
    ("decay", "costs", "expected"),
    [
        (steps({500: 0.68, 300: 1, 800: 0.22}), [0, 300, 300.001, 500, 800, 800.001], [1, 1, 0.68, 0.68, 0.22, 0]),
        (steps({300: 1}), [299 + 1 + 1e-8, 301], [1, 0]),  # the last bits of a division do not count
        (steps({0: 1, 100: 0}), [0, 1], [1, 0]),
        (exponential(math.log(2) / 400), [0, 400, 1200], [1, 0.5, 0.125]),
        (power(1.5, least=100), [0, 99, 100, 400], [1, 1, 1, 0.125]),
        # exp(-1/8) = 0.8824969, exp(-1/2) = 0.6065307
        (gaussian(800), [0, 400, 800, 4000], [1, (0.8824969 - 0.6065307) / 0.3934693, 0, 0]),
    ],
)
def test_decays(decay: Decay, costs: list[float], expected: list[float]) -> None:
    np.testing.assert_allclose(decay(costs), expected, rtol=1e-6, atol=1e-15)
    assert decay(np.array([costs, costs])).shape == (2, len(costs))


def test_decays_are_values() -> None:
    decays = [steps({300: 1, 500: 0.68}), gaussian(800), power(2, least=50), exponential(0.0025)]
    said = ["steps({300: 1, 500: 0.68})", "gaussian(800)", "power(2, least=50)", "exponential(0.0025)"]
    assert [repr(decay) for decay in decays] == said
    assert [decay.limit for decay in decays] == [500, 800, math.inf, math.inf]
    for decay in decays:
        copy = pickle.loads(pickle.dumps(decay))
        assert copy == decay
        assert hash(copy) == hash(decay)
        assert copy([10, 700]).tolist() == decay([10, 700]).tolist()
    assert gaussian(800.0) == gaussian(800) != gaussian(801)
    assert dir(st.decay) == ["Decay", "exponential", "gaussian", "linear", "power", "steps"]
    for array in decays[0].rule.keywords.values():  # type: ignore[attr-defined]
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 9


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: steps({}), "no mapping from upper bounds to weights"),
        (lambda: steps([300, 500]), "no mapping"),  # type: ignore[arg-type]
        (lambda: steps({1: 300, 0.68: 500, 2: 600}), "a weight rises with the distance"),
        (lambda: steps({-1: 1}), "negative or not a number"),
        (lambda: steps({300: math.nan}), "negative or not a number"),
        (lambda: steps({math.inf: 1}), "negative or not a number"),
        (lambda: gaussian(0), "gaussian: limit is 0; give a number above 0"),
        (lambda: gaussian(math.inf), "limit is inf"),
        (lambda: power(-2, least=1), "power: beta is -2"),
        (lambda: power(2, least=0), "power: least is 0"),
        (lambda: exponential(math.nan), "exponential: beta is nan"),
        (lambda: exponential("fast"), 'beta is "fast"'),  # type: ignore[arg-type]
    ],
)
def test_decays_that_mean_nothing(make: Callable[[], object], said: str) -> None:
    with pytest.raises(ProblemError, match=said):
        make()


# What holds for any table

Cities = some.tuples(
    some.lists(some.integers(0, 500), min_size=1, max_size=6),
    some.lists(some.integers(0, 90), min_size=1, max_size=5),
    some.data(),
)
Decays = some.sampled_from([HALF, gaussian(500), power(2, least=50), exponential(0.01), lambda d: 1 / (1 + d)])


def city_of(drawn: tuple[list[int], list[int], Any]) -> tuple[Reach, pd.Series, pd.Series]:
    people, beds, data = drawn
    costs = some.one_of(some.none(), some.integers(0, 500))
    pairs = [
        (i, j, float(cost))
        for i in range(len(people))
        for j in range(len(beds))
        if (cost := data.draw(costs)) is not None
    ]
    return reach_of(pairs, range(len(people)), range(len(beds))), pd.Series(people), pd.Series(beds)


def by_loops(reach: Reach, people: pd.Series, beds: pd.Series, method: str, decay: Any) -> tuple[list[float], ...]:
    """The formulas of the documentation, one pair after the other."""
    f = {(i, j): 1.0 if method == "2sfca" else float(decay(np.array([c]))[0]) for i, j, c in reach.pairs().to_numpy()}
    a, b = {}, {}
    for (i, j), weight in f.items():
        chosen = sum(other for (k, _), other in f.items() if k == i)
        a[i, j] = weight * weight / chosen if method == "3sfca" and weight else weight
        b[i, j] = weight * weight if method == "m2sfca" else a[i, j]
    heads = [sum(a.get((i, j), 0) * people[i] for i in people.index) for j in beds.index]
    ratio = [beds[j] / heads[j] if heads[j] else 0.0 for j in beds.index]
    return [sum(b.get((i, j), 0) * ratio[j] for j in beds.index) for i in people.index], heads


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=30, deadline=None)
@given(drawn=Cities, decay=Decays)
def test_the_double_loop_agrees(method: Any, drawn: Any, decay: Any) -> None:
    reach, people, beds = city_of(drawn)
    asked: dict[str, Any] = {"method": method, "decay": None if method == "2sfca" else decay}
    access, heads = by_loops(reach, people, beds, method, decay)
    np.testing.assert_allclose(accessibility(reach, people, beds, **asked)["access"], access, rtol=1e-12)
    np.testing.assert_allclose(supply_ratios(reach, people, beds, **asked)["demand"], heads, rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=30, deadline=None)
@given(drawn=Cities, decay=Decays)
def test_what_is_handed_out_is_what_is_there(method: Any, drawn: Any, decay: Any) -> None:
    """No more and no less, but that a long way wastes some with M2SFCA."""
    reach, people, beds = city_of(drawn)
    asked: dict[str, Any] = {"method": method, "decay": None if method == "2sfca" else decay}
    found = accessibility(reach, people, beds, **asked)
    ratios = supply_ratios(reach, people, beds, **asked)
    there = ratios.loc[ratios["demand"] > 0, "supply"].sum()
    handed_out = (people * found["access"]).sum()
    if method == "m2sfca":
        assert handed_out <= there * (1 + 1e-12)
    else:
        assert handed_out == pytest.approx(there, rel=1e-12)
    assert (found["access"] >= 0).all()
    assert np.isfinite(found["access"]).all()


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(drawn=Cities)
def test_no_decline_is_no_decay(drawn: Any) -> None:
    """With weights of 1, E2SFCA and M2SFCA are 2SFCA; in "gravity" a constant factor cancels."""
    reach, people, beds = city_of(drawn)
    plain = accessibility(reach, people, beds)
    for method in ("e2sfca", "m2sfca"):
        same: Any = accessibility(reach, people, beds, method=method, decay=steps({500: 1}))
        pd.testing.assert_frame_equal(plain, same, check_exact=False, rtol=1e-12)
    third = accessibility(reach, people, beds, method="gravity", decay=lambda d: d * 0 + 1 / 3)
    pd.testing.assert_frame_equal(plain, third, rtol=1e-12)


# The package `access`


@pytest.fixture(scope="module")
def peer() -> SimpleNamespace:
    """The package, and the modules of its own tests, which its wheel carries."""
    with quiet():
        pytest.importorskip("access", reason="NOT COMPARED with access: it is not installed (extra bench)")
        names = {"weights": "weights", "grid": "tests.util", "hospital": "tests.test_hospital_example"}
        found = {short: importlib.import_module(f"access.{name}") for short, name in names.items()}
        return SimpleNamespace(Access=importlib.import_module("access").Access, **found)


@contextmanager
def quiet() -> Iterator[None]:
    """What `access` asks of pandas is deprecated, which is not ours to mend."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


class Both:
    """One table, given to both."""

    def __init__(self, peer: SimpleNamespace, people: pd.Series, beds: pd.Series, table: pd.DataFrame, limit: float):
        table = table.set_axis(["origin", "destination", "cost"], axis=1)
        self.people, self.beds, self.limit = people, beds, limit
        self.reach = Reach.from_pairs(
            table[table["origin"].isin(people.index)], origins=people.index, destinations=beds.index, limit=limit
        )
        frames: dict[str, Any] = {
            "demand_df": people.rename_axis("id").rename("people").reset_index(),
            "supply_df": beds.rename_axis("id").rename("beds").reset_index(),
            "cost_df": table[table["origin"].isin(people.index)].copy(),
        }
        with quiet():
            self.theirs = peer.Access(
                **frames, demand_index="id", demand_value="people", supply_index="id", supply_value="beds",
                cost_origin="origin", cost_dest="destination", cost_name="cost",
            )  # fmt: skip

    def ours(self, method: str, decay: Any = None) -> np.ndarray[Any, Any]:
        found = accessibility(self.reach, self.people, self.beds, method=method, decay=decay)  # type: ignore[arg-type]
        return found["access"].to_numpy()

    def peers(self, call: str, weight: Any = None) -> np.ndarray[Any, Any]:
        """What `access` says, where it says something: it leaves NaN where nothing is reached."""
        with quiet():
            getattr(self.theirs, call)(name="n", weight_fn=weight, max_cost=self.limit)
        said: pd.Series = self.theirs.access_df["n_beds"].reindex(self.people.index)
        return said.fillna(0.0).to_numpy()

    def agree(self, function: Any, decay: Any) -> None:
        """All its measures, with a function of its own and the same as a decay."""
        same: dict[str, Any] = {"rtol": 1e-12, "atol": 0}
        np.testing.assert_allclose(self.ours("2sfca"), self.peers("two_stage_fca"), **same)
        for method, call in (
            ("e2sfca", "two_stage_fca"), ("gravity", "two_stage_fca"), ("e2sfca", "enhanced_two_stage_fca"),
            ("3sfca", "three_stage_fca"),
        ):  # fmt: skip
            np.testing.assert_allclose(self.ours(method, decay), self.peers(call, function), **same)
        plain = accessibility(self.reach, self.people, self.beds)
        np.testing.assert_allclose(plain["reached"], self.peers("weighted_catchment"), **same)
        self.agree_on_sums(function, decay)

    def agree_on_sums(self, function: Any, decay: Any) -> None:
        """The sum of supply that it weighs is the demand at the facilities, with the two sides exchanged."""
        turned = self.reach.pairs().rename(columns={"origin": "destination", "destination": "origin"})
        back = Reach.from_pairs(turned, origins=self.beds.index, destinations=self.people.index, limit=self.limit)
        sums = supply_ratios(back, self.beds, self.people, method="gravity", decay=decay)["demand"]
        np.testing.assert_allclose(sums, self.peers("weighted_catchment", function), rtol=1e-12)


@pytest.mark.parametrize("scenario", range(4))
def test_its_three_hospitals(peer: SimpleNamespace, scenario: int) -> None:
    """Its test of 2SFCA and 3SFCA with gravity, in four states of the traffic; the answers are those its test holds."""
    example = peer.hospital.TestHospitalExample()
    with quiet():
        example.setup_method()
    people, doctors = pd.Series({1: 100, 2: 50, 3: 10}), pd.Series({1: 15, 2: 20, 3: 100})
    ways = example.costs[scenario][["origin", "dest", "cost"]]  # its 3SFCA leaves a column behind
    both = Both(peer, people, doctors, ways, limit=61)
    gravity = power(1, least=1)
    answers = pd.Series(example.reference_2sfca[scenario])
    np.testing.assert_allclose(both.ours("gravity", gravity), answers, rtol=1e-12)
    near = ways[ways["cost"] <= 61]
    Both(peer, people, doctors, near, limit=61).agree(peer.weights.gravity(1, -1), gravity)
    # Its choice among facilities counts those beyond the limit too, where the weight does not end there.
    theirs = pd.Series(example.reference_3sfca[scenario])
    assert np.allclose(both.ours("3sfca", gravity), theirs) is (len(near) == len(ways))


@pytest.mark.parametrize("distance", ["euclidean", "manhattan"])
@pytest.mark.parametrize("limit", [0.9, 2.0, 10.0])
@pytest.mark.parametrize("random_values", [False, True])
def test_its_grid(peer: SimpleNamespace, distance: str, limit: float, random_values: bool) -> None:
    """Five of 25 points have demand, all have supply; in its tests access is 1 within 0.9 and 5 within 10."""
    grid = peer.grid.create_nxn_grid(5, random_values=random_values)
    amount = grid.set_index("id")["value"]
    table = peer.grid.create_cost_matrix(grid, distance)
    both = Both(peer, amount.sample(5, random_state=3), amount, table[table["cost"] <= limit], limit)
    bounds = {limit / 3: 1, limit / 2: 0.68, limit: 0.22}
    both.agree(peer.weights.step_fn(bounds), steps(bounds))
    both.agree(peer.weights.gaussian(limit / 2), lambda d: np.exp(-0.5 * (d / (limit / 2)) ** 2))
    if not random_values and limit != 2.0:
        np.testing.assert_allclose(both.ours("2sfca"), 1 if limit == 0.9 else 5, rtol=1e-15)


def test_its_sums_with_gravity(peer: SimpleNamespace) -> None:
    """The five values that its test of `weighted_catchment` holds."""
    grid = peer.grid.create_nxn_grid(5)
    amount = grid.set_index("id")["value"]
    both = Both(peer, amount, amount, peer.grid.create_cost_matrix(grid, "euclidean"), limit=10)
    sums = supply_ratios(both.reach, amount, amount, method="gravity", decay=lambda d: d / 60)["demand"]
    expected = [1.322340210, 1.322340210, 0.780985109, 0.925540119, 1.133733026]
    np.testing.assert_allclose(sums.loc[[1, 5, 13, 19, 24]], expected, rtol=1e-8)
    both.agree_on_sums(peer.weights.gravity(60, 1), lambda d: d / 60)


@pytest.mark.parametrize("seed", range(3))
def test_random_cities(peer: SimpleNamespace, seed: int) -> None:
    """300 communities, 40 facilities, a fifth of the pairs; a community reaches nothing, a facility has no supply."""
    rng = np.random.default_rng(seed)
    where = rng.choice(299 * 40, 2400, replace=False)
    cost = rng.integers(0, 8000, len(where)) / 10
    table = pd.DataFrame({"o": [f"o{k}" for k in where // 40], "d": [f"d{k}" for k in where % 40], "c": cost})
    people = pd.Series(rng.integers(1, 900, 300), index=[f"o{k}" for k in range(300)])
    beds = pd.Series(rng.integers(0, 90, 40), index=[f"d{k}" for k in range(40)])
    beds["d7"] = 0
    both = Both(peer, people, beds, table, limit=800)
    bounds: dict[float, float] = {300: 1, 500: 0.68, 800: 0.22}
    both.agree(peer.weights.step_fn(bounds), steps(bounds))
    both.agree(peer.weights.gravity(50, -1.5, 50), power(1.5, least=50))
    both.agree(lambda d: math.exp(-0.002 * d), exponential(0.002))
    edge = math.exp(-0.5)
    both.agree(lambda d: (math.exp(-0.5 * (d / 800) ** 2) - edge) / (1 - edge), gaussian(800))


def test_it_gives_infinity_where_nobody_asks(peer: SimpleNamespace) -> None:
    """And this library nothing; where somebody asks they agree."""
    table = pd.DataFrame([("a", "x", 1.0), ("b", "y", 1.0)])
    both = Both(peer, pd.Series({"a": 0, "b": 4}), pd.Series({"x": 2, "y": 2}), table, limit=5)
    assert both.peers("two_stage_fca").tolist() == [math.inf, 0.5]
    assert both.ours("2sfca").tolist() == [0.0, 0.5]


# The page


def test_the_page_prints_what_it_says() -> None:
    text = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"^```pycon\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)
    test = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, PAGE.name, str(PAGE), 0)
    assert test.examples
    said: list[str] = []
    failed, _ = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test, out=said.append)
    assert not failed, "".join(said)


def test_a_decay_may_reckon_in_place(infants: pd.Series, places: pd.Series) -> None:
    reach = reach_of([("a", "x", 10), ("b", "x", 400), ("b", "y", 100)], list("abc"), list("xyz"))

    def half(cost: Any) -> Any:
        cost *= 0
        cost += 0.5
        return cost

    found = accessibility(reach, infants, places, method="gravity", decay=half)
    assert reach.cost.tolist() == [10, 100, 400]
    assert found["access"].tolist() == accessibility(reach, infants, places)["access"].tolist()


def test_zones_that_are_no_numbers() -> None:
    for zones in ({"x": 1}, {300: "far"}, {300: 1, None: 0.5}):
        with pytest.raises(ProblemError, match=r"steps: .* must be numbers"):
            steps(zones)  # type: ignore[arg-type]


def test_the_namespace_lists_decays_only() -> None:
    assert dir(st.decay) == ["Decay", "exponential", "gaussian", "linear", "power", "steps"]
