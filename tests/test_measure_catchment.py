"""What lies within a walk of each place, by hand and against sums over the pairs of `travel`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as some

import siting as st
from siting.errors import LayerError, NetworkError, ProblemError
from siting.measure.travel import travel_in_parts
from siting.network import Walk, tobler

Make = Callable[..., Any]
Spots = some.lists(some.tuples(some.integers(-60, 560), some.integers(-60, 560)), min_size=1, max_size=7)


@pytest.fixture
def homes(layer: Make) -> gpd.GeoDataFrame:
    return layer({"a": (0, 0), "b": (500, 500), "c": (0, -260)})


@pytest.fixture
def shops(layer: Make) -> gpd.GeoDataFrame:
    """From a: x at 0 m, y at 100 m, z at 300 m; from b: z at 700 m."""
    return layer({"x": (0, 0), "y": (100, 0), "z": (100, 200)}, beds=[10, 20, 40], rooms=[1.0, 0.5, 0.25])


def test_by_hand(town_network: st.Network, homes: gpd.GeoDataFrame, shops: gpd.GeoDataFrame) -> None:
    near = st.measure.catchment(town_network, homes, shops, shops[["beds", "rooms"]], metres=300)
    want = pd.DataFrame(
        {"beds": [70.0, 0.0, 0.0], "rooms": [1.75, 0.0, 0.0], "count": [3, 0, 0]},
        index=pd.Index(["a", "b", "c"], name="id"),
    )
    pd.testing.assert_frame_equal(near, want, check_index_type=False, check_names=False)
    nearer = st.measure.catchment(town_network, homes, shops, shops["beds"], metres=299.999)
    assert nearer.to_dict("list") == {"beds": [30.0, 0.0, 0.0], "count": [2, 0, 0]}
    assert st.measure.catchment(town_network, homes, shops, metres=700).to_dict("list") == {"count": [3, 1, 0]}


def test_decay_by_hand(town_network: st.Network, homes: gpd.GeoDataFrame, shops: gpd.GeoDataFrame) -> None:
    """Linear to 0 at 400 m: 10 · 1 + 20 · 3/4 + 40 · 1/4 = 35. Gaussian of 100 m: 10 + 20 e^-1/2 + 40 e^-9/2."""
    linear = st.measure.catchment(
        town_network, homes, shops, shops["beds"], metres=400, decay=lambda metres: 1 - metres / 400
    )
    assert linear.loc["a"].to_dict() == {"beds": 35.0, "count": 3}
    gauss = st.measure.catchment(
        town_network, homes, shops, shops["beds"], metres=400, decay=lambda metres: np.exp(-((metres / 100) ** 2) / 2)
    )
    assert gauss.loc["a", "beds"] == pytest.approx(10 + 20 * np.exp(-0.5) + 40 * np.exp(-4.5))
    assert gauss.loc["b"].to_dict() == {"beds": 0.0, "count": 0}


def test_minutes_by_hand(town_network: st.Network, homes: gpd.GeoDataFrame, shops: gpd.GeoDataFrame) -> None:
    """At 50 m/min 300 m take 6 minutes; the decay sees minutes."""
    walk = Walk(50)
    seen: list[float] = []

    def decay(minutes: Any) -> Any:
        seen.extend(minutes.tolist())
        return 1 / (1 + minutes)

    near = st.measure.catchment(town_network, homes[:1], shops, shops["beds"], minutes=6, walk=walk, decay=decay)
    assert sorted(seen) == [0.0, 2.0, 6.0]
    assert near.loc["a", "beds"] == pytest.approx(10 + 20 / 3 + 40 / 7)
    assert st.measure.catchment(town_network, homes, shops, minutes=5.9, walk=walk).loc["a", "count"] == 2
    assert st.measure.catchment(town_network, homes, shops, minutes=3.75).loc["a", "count"] == 3  # an adult: 80 m/min


def test_uphill_counts_in_minutes(layer: Make) -> None:
    """100 m with 10 m of rise take e^0.35 as long uphill, and as long as on the level downhill."""
    x, y = 530_000.0, 3_380_000.0
    hill = st.Network.from_arrays([x, x + 100], [y, y], [0], [1], crs="EPSG:4547", height=[0, 10])
    low, high = layer({"low": (0, 0)}), layer({"high": (100, 0)})
    walk = Walk(50.0, slope=tobler)
    assert st.measure.catchment(hill, low, high, minutes=2, walk=walk)["count"].tolist() == [0]
    assert st.measure.catchment(hill, high, low, minutes=2, walk=walk)["count"].tolist() == [1]
    assert st.measure.catchment(hill, low, high, minutes=2.9, walk=walk)["count"].tolist() == [1]
    assert st.measure.catchment(hill, low, high, metres=100)["count"].tolist() == [1]


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(Spots, Spots, some.integers(10, 900), some.booleans(), some.booleans(), some.randoms(use_true_random=False))
def test_sums_over_the_pairs(
    town_network: st.Network, layer: Make, here: Any, there: Any, metres: int, decays: bool, minutes: bool, dice: Any
) -> None:
    o = layer({f"o{i}": xy for i, xy in enumerate(here)})
    d = layer({f"d{i}": xy for i, xy in enumerate(there)})
    weights = pd.DataFrame({c: [dice.uniform(0, 9) for _ in there] for c in ("p", "q")}, index=d.index)
    weights = weights.sample(frac=1, random_state=dice.randint(0, 99))  # by id, not by row
    limit: dict[str, Any] = {"minutes": max(metres / 40, 0.5), "walk": Walk(40.0)} if minutes else {"metres": metres}
    decay = (lambda cost: np.exp(-cost / 30.0)) if decays else None
    got = st.measure.catchment(town_network, o, d, weights, decay=decay, **limit)
    table = st.travel(town_network, o, d, **limit).pairs()
    factor = np.exp(-table["cost"] / 30.0) if decays else 1.0
    for column in ("p", "q"):
        value = table["destination"].map(weights[column]).astype(float) * factor
        want = value.groupby(table["origin"]).sum().reindex(o.index, fill_value=0.0)
        np.testing.assert_allclose(got[column], want, rtol=1e-12)
    counted = table["origin"].value_counts().reindex(o.index, fill_value=0)
    assert got["count"].tolist() == counted.tolist()
    assert got.index.tolist() == o.index.tolist()


def test_layers_without_rows(town_network: st.Network, homes: gpd.GeoDataFrame, shops: gpd.GeoDataFrame) -> None:
    none = st.measure.catchment(town_network, homes, shops[:0], shops["beds"][:0], metres=300)
    assert none.to_dict("list") == {"beds": [0.0] * 3, "count": [0] * 3}
    nobody = st.measure.catchment(town_network, homes[:0], shops, shops["beds"], metres=300)
    assert nobody.empty
    assert nobody.columns.tolist() == ["beds", "count"]
    assert st.measure.catchment(town_network, homes[:0], shops[:0], metres=300).columns.tolist() == ["count"]


def test_places_stand_for_layers(town_network: st.Network, homes: gpd.GeoDataFrame, shops: gpd.GeoDataFrame) -> None:
    by_layer = st.measure.catchment(town_network, homes, shops, shops["beds"], metres=300)
    o, d = town_network.locate(homes), town_network.locate(shops)
    pd.testing.assert_frame_equal(st.measure.catchment(town_network, o, d, shops["beds"], metres=300), by_layer)


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ({"x": 1.0, "y": np.nan, "z": 1.0}, 'not a number in 1 row: "y"'),
        ({"x": 1.0, "y": -2.0, "z": 1.0}, "negative or not a number"),
        ({"x": 1.0, "y": np.inf, "z": 1.0}, "not a number"),
        ({"x": 1.0, "y": "many", "z": 1.0}, "not a number"),
        ({"x": 1.0, "z": 1.0}, '"y"'),
    ],
)
def test_weights_that_are_none(
    town_network: st.Network, homes: gpd.GeoDataFrame, shops: gpd.GeoDataFrame, weights: dict[str, Any], words: str
) -> None:
    with pytest.raises(ProblemError, match=words):
        st.measure.catchment(town_network, homes, shops, pd.Series(weights, name="beds"), metres=300)


def test_a_message_speaks_of_weights_and_destinations(
    town_network: st.Network, homes: gpd.GeoDataFrame, shops: gpd.GeoDataFrame
) -> None:
    """Who gave beds of destinations is not told of the demand of origins."""
    with pytest.raises(ProblemError) as fault:
        st.measure.catchment(town_network, homes, shops, shops["beds"][:2], metres=300)
    assert "destination" in str(fault.value)
    assert "origin" not in str(fault.value)


def test_a_weight_called_count(town_network: st.Network, homes: gpd.GeoDataFrame, shops: gpd.GeoDataFrame) -> None:
    with pytest.raises(ProblemError, match="rename it"):
        st.measure.catchment(town_network, homes, shops, shops["beds"].rename("count"), metres=300)


def test_weights_must_be_a_table(town_network: st.Network, homes: gpd.GeoDataFrame, shops: gpd.GeoDataFrame) -> None:
    with pytest.raises(ProblemError, match="Series or DataFrame"):
        st.measure.catchment(town_network, homes, shops, [1.0, 2.0, 3.0], metres=300)


@pytest.mark.parametrize(
    ("decay", "words"),
    [
        (lambda cost: 0.5, r"shape \(\) for costs of shape \(3,\)"),
        (lambda cost: np.ones((len(cost), 1)), r"shape \(3, 1\)"),
        (lambda cost: cost[:-1], r"shape \(2,\)"),
        (lambda cost: np.where(cost > 0, 1.0, np.nan), "decay gives nan for a cost of 0"),
        (lambda cost: np.where(cost > 250, np.inf, 1.0), "decay gives inf for a cost of 300"),
    ],
)
def test_a_decay_that_gives_no_factors(
    town_network: st.Network, homes: gpd.GeoDataFrame, shops: gpd.GeoDataFrame, decay: Any, words: str
) -> None:
    with pytest.raises(ProblemError, match=words):
        st.measure.catchment(town_network, homes[:1], shops, shops["beds"], metres=300, decay=decay)


def test_limits_and_walkers_are_checked(
    town_network: st.Network, homes: gpd.GeoDataFrame, shops: gpd.GeoDataFrame
) -> None:
    for options in ({}, {"metres": 0.5}, {"metres": 300, "minutes": 5}, {"minutes": 0.1}):
        with pytest.raises(ProblemError):
            st.measure.catchment(town_network, homes, shops, **options)
    with pytest.raises(LayerError):
        st.measure.catchment(town_network, homes.set_crs(None, allow_override=True), shops, metres=300)


def test_inputs_are_not_changed(town_network: st.Network, homes: gpd.GeoDataFrame, shops: gpd.GeoDataFrame) -> None:
    before = shops.copy(deep=True)

    def greedy(cost: Any) -> Any:
        cost[:] = 1.0  # works in place
        return cost

    near = st.measure.catchment(town_network, homes, shops, shops["beds"], metres=300, decay=greedy)
    assert near.loc["a"].to_dict() == {"beds": 70.0, "count": 3}
    assert st.measure.catchment(town_network, homes, shops, shops["beds"], metres=300).loc["a", "count"] == 3
    pd.testing.assert_frame_equal(shops, before)


# Pairs that would not fit


@pytest.fixture(scope="module")
def crowd() -> tuple[st.Network, Any]:
    """A lattice of 50 × 50 crossings: 2,500 sources, enough for an estimate."""
    side = 50
    node = np.arange(side * side).reshape(side, side)
    u = np.concatenate([node[:, :-1].ravel(), node[:-1].ravel()])
    v = np.concatenate([node[:, 1:].ravel(), node[1:].ravel()])
    x, y = 530_000 + 100.0 * (node.ravel() % side), 3_380_000 + 100.0 * (node.ravel() // side)
    network = st.Network.from_arrays(x, y, u, v, crs="EPSG:4547")
    return network, network.places_at_nodes()


def test_too_many_pairs_are_foreseen(crowd: tuple[st.Network, Any]) -> None:
    """Within 500 m lie at most 61 crossings of a lattice of 100 m: about 140,000 pairs of 2,500 places."""
    network, places = crowd
    pairs = len(st.travel(network, places, places, metres=500))
    assert 100_000 < pairs < 2_500 * 61
    calls: list[int] = []
    with pytest.raises(NetworkError, match=r"about 1\d\d,\d{3} pairs .*max_pairs=50,000; .*travel_in_parts"):
        st.travel(
            network, places, places, metres=500, max_pairs=50_000, progress=lambda done, total: calls.append(done)
        )
    assert not calls, "the search began"
    assert len(st.travel(network, places, places, metres=500, max_pairs=pairs)) == pairs
    with pytest.raises(NetworkError, match="at least"):
        st.travel(network, places, places, metres=500, max_pairs=pairs - 1)


def test_too_many_pairs_are_counted(crowd: tuple[st.Network, Any]) -> None:
    network, places = crowd
    few = places.select(places.ids[:100])
    for o, d in ((few, places), (places, few)):
        pairs = len(st.travel(network, o, d, metres=500))
        with pytest.raises(NetworkError, match=r"at least \d,\d{3} pairs \(0.0 GiB\) .*max_pairs=1,000; .*in parts"):
            st.travel(network, o, d, metres=500, max_pairs=1_000)
        assert len(st.travel(network, o, d, metres=500, max_pairs=pairs)) == pairs


def test_what_fits_is_not_refused() -> None:
    """The estimate looks at some sources; where those see far more than the others, it must not decide alone.

    2,100 islands, each of two doors 10 m apart; at those that an estimate looks at lie 200 doors more.
    """
    islands = 2_100
    x = 530_000 + np.repeat(np.arange(islands) * 50.0, 2) + np.tile([0.0, 10.0], islands)
    node = np.arange(2 * islands)
    network = st.Network.from_arrays(x, np.full(len(x), 3_380_000.0), node[::2], node[1::2], crs="EPSG:4547")
    o = network.places_at_nodes(pd.Index(node[::2]))
    at = np.unique(np.linspace(0, islands - 1, 64).astype(int))  # as an estimate might choose them
    busy = network.places_at_nodes(pd.Index(node[1::2][at]))
    again = np.repeat(np.arange(len(busy)), 40)
    crowd = type(busy)(pd.RangeIndex(len(again)), *(getattr(busy, name)[again] for name in (
        "edge", "u", "v", "to_u", "to_v", "door", "snap", "nearest", "xy")), max_snap=250.0)  # fmt: skip
    pairs = len(st.travel(network, o, crowd, metres=20))
    assert pairs == 64 * 40
    assert len(st.travel(network, o, crowd, metres=20, max_pairs=10_000)) == pairs


@pytest.mark.slow
def test_parts_are_the_whole(crowd: tuple[st.Network, Any]) -> None:
    network, places = crowd
    few = places.select(places.ids[::7])
    for o, d in ((places, few), (few, places)):
        for options in ({"metres": 400}, {"minutes": 5.0, "walk": Walk(80)}):
            whole = st.travel(network, o, d, **options).pairs()
            parts = list(travel_in_parts(network, o, d, max_pairs=1_500, **options))
            assert len(parts) > 5
            assert max(len(part) for part in parts) < 1_500 * 2
            pd.testing.assert_frame_equal(pd.concat([part.pairs() for part in parts], ignore_index=True), whole)
            assert np.concatenate([part.origins for part in parts]).tolist() == o.ids.tolist()
    assert len(list(travel_in_parts(network, few, few, metres=400, max_pairs=1))) <= len(few)
    assert [len(part) for part in travel_in_parts(network, few.select(few.ids[:0]), few, metres=400)] == [0]


@pytest.mark.parametrize("pairs", [0, -5, 0.5, np.nan, "7", None])
def test_parts_without_a_pair(crowd: tuple[st.Network, Any], pairs: Any) -> None:
    network, places = crowd
    with pytest.raises(ProblemError, match="give how many pairs a part may have, 1 or more"):
        list(travel_in_parts(network, places, places, metres=300, max_pairs=pairs))


def test_a_pram_goes_round_the_steps(streets: Make, layer: Make) -> None:
    """100 m down the steps, 300 m round by the lane; a door 10 m from the steps and 60 m from the lane."""
    lines = {"steps": [(0, 0), (100, 0)], "lane": [(0, 0), (0, 100), (100, 100), (100, 0)]}
    network = st.Network.from_streets(streets(lines, highway=["steps", "residential"]))
    home, shop, pram = layer({"a": (0, 0)}), layer({"x": (100, 0)}), Walk(50, stairs=False)
    assert st.measure.catchment(network, home, shop, minutes=2, walk=Walk(50))["count"].tolist() == [1]
    assert st.measure.catchment(network, home, shop, minutes=5.9, walk=pram)["count"].tolist() == [0]
    assert st.measure.catchment(network, home, shop, minutes=6, walk=pram)["count"].tolist() == [1]
    # Without the steps a door beside them is reached from the corner of the lane, straight.
    for walk, way in ((None, 50.0), (pram, 41.231)):
        assert st.travel(network, home, layer({"d": (40, -10)}), metres=500, walk=walk).cost.tolist() == [way]
        assert st.travel(network, layer({"d": (40, -10)}), home, metres=500, walk=walk).cost.tolist() == [way]
    (part,) = travel_in_parts(network, home, shop, minutes=6, walk=pram)
    assert part.cost.tolist() == [6.0]
    near = st.service_areas(network, home, minutes=2, walk=pram, width=10, fill=0).geometry.iloc[0]
    assert near.area == pytest.approx(100 * 20 + 8 * np.sin(np.pi / 8) * 100, abs=0.1)
    reached = st.measure.service_streets(network, home, minutes=2, walk=pram)
    assert reached[["street", "metres"]].to_numpy().tolist() == [["lane", 100.0]]


def test_slopes_cost_minutes(layer: Make) -> None:
    """A careful walker gets less far uphill than on the level in the same time."""
    up = shapely.LineString([(530_000, 3_380_000, 0), (530_400, 3_380_000, 60)])
    road = gpd.GeoDataFrame(geometry=[up], crs="EPSG:4547", index=pd.Index(["a"], name="id"))
    network, foot = st.Network.from_streets(road), layer({"f": (0, 0)})
    elder = Walk.elder()
    top = layer({"t": (400, 0)})
    cost = float(st.travel(network, foot, top, minutes=60, walk=elder).cost[0])
    assert cost > 400 / elder.speed
    level = Walk.elder(slope=None)
    for walk, count in ((elder, 0), (level, 1)):
        assert st.measure.catchment(network, foot, top, minutes=cost - 0.01, walk=walk)["count"].tolist() == [count]
    # A service area is walked to the facility: down to the foot.
    down = float(st.travel(network, top, foot, minutes=60, walk=elder).cost[0])
    (metres,) = st.measure.service_streets(network, foot, minutes=down / 2, walk=elder)["metres"]
    assert metres == pytest.approx(200, abs=0.1)
    for overlap in ("keep", "split", "dissolve"):
        area = st.service_areas(network, foot, minutes=down / 2, walk=elder, width=10, overlap=overlap)  # type: ignore[arg-type]
        assert area.area.tolist() == pytest.approx([200 * 20 + 8 * np.sin(np.pi / 8) * 100], abs=2)


@pytest.mark.parametrize(("off", "reached"), [(249.6, 1), (250.4, 0)])
def test_places_are_at_most_250_m_from_a_street(
    town_network: st.Network, layer: Make, off: float, reached: int
) -> None:
    far, near = layer({"f": (100, -off)}), layer({"x": (100, 0)})
    assert st.measure.catchment(town_network, near, far, metres=500)["count"].tolist() == [reached]
    assert len(st.travel(town_network, near, far, metres=500)) == reached
    assert len(next(travel_in_parts(town_network, near, far, metres=500))) == reached
    assert len(st.measure.service_streets(town_network, far, metres=260)["metres"]) == 3 * reached


def test_progress_is_reported(town_network: st.Network, homes: gpd.GeoDataFrame, shops: gpd.GeoDataFrame) -> None:
    calls: list[tuple[int, int]] = []
    st.measure.catchment(
        town_network, homes, shops, metres=300, progress=lambda done, total: calls.append((done, total))
    )
    assert calls[-1][0] == calls[-1][1] > 0


def test_a_decay_may_reckon_in_place(
    town_network: st.Network, homes: gpd.GeoDataFrame, shops: gpd.GeoDataFrame
) -> None:
    """What it is handed is a copy, so that all are counted once, at half."""

    def half(cost: Any) -> Any:
        cost *= 0
        cost += 0.5
        return cost

    found = st.measure.catchment(town_network, homes, shops, shops["beds"], metres=400, decay=half)
    whole = st.measure.catchment(town_network, homes, shops, shops["beds"], metres=400)
    assert found["beds"].tolist() == (whole["beds"] / 2).tolist()
    assert found["count"].tolist() == whole["count"].tolist()
