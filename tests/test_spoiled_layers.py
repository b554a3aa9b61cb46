"""Layers with a few spoiled rows: refused, told with the rows, or measured as the clean ones; none is silently wrong.

A slip is one that people make: 0 for no coordinate, a decimal point that moved, a sign, a digit, axes swapped, degrees
among metres and metres among degrees, kilometres, feet, a zone number before the easting, a row of the next zone, a
layer in an old datum, lengths in other units. Each moves a row by 90 km or more, or changes a length by a factor; what
moves a home by less cannot be told from a village, and streets tell it where they do not reach it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from pyproj import CRS, Transformer

import siting

#: Where towns lie: longitude, latitude, a CRS in metres, and that of the next zone.
TOWNS = [
    (119.65, 29.08, 4549, 4548),
    (121.45, 31.2, 4549, 4550),  # at the border of two zones
    (104.07, 30.67, 4544, 4543),
    (87.6, 43.8, 4538, 4539),
    (110.3, 20.0, 4546, 4545),
    (13.4, 52.5, 32633, 32632),
    (-70.6, -33.4, 32719, 32718),
    (103.8, 1.35, 32648, 32647),
    (36.8, -1.3, 32737, 32736),
]
#: What a layer may be in besides: degrees of WGS 84, degrees of CGCS2000.
DEGREES = (4326, 4490)

Move = Callable[[float, float, "Town"], tuple[float, float]]
Rows = dict[str, list[tuple[float, float]]]


@cache
def way(source: int, target: int) -> Transformer:
    return Transformer.from_crs(source, target, always_xy=True)


@dataclass(frozen=True)
class Town:
    """A place, and the CRS that its layers are in."""

    lon: float
    lat: float
    metric: int
    next: int
    crs: int

    @property
    def in_degrees(self) -> bool:
        return self.crs in DEGREES

    def into(self, crs: int, x: float, y: float) -> tuple[float, float]:
        at: tuple[float, float] = way(self.crs, crs).transform(x, y)
        return at


ANYWHERE: dict[str, Move] = {
    "zero": lambda x, y, town: (0.0, 0.0),
    "x a tenth": lambda x, y, town: (x / 10, y),
    "y a tenth": lambda x, y, town: (x, y / 10),
    "x tenfold": lambda x, y, town: (10 * x, y),
    "y tenfold": lambda x, y, town: (x, 10 * y),
    "both a hundredth": lambda x, y, town: (x / 100, y / 100),
    "swapped": lambda x, y, town: (y, x),
    "sign of x": lambda x, y, town: (-x, y),
    "sign of y": lambda x, y, town: (x, -y),
}
IN_DEGREES: dict[str, Move] = {
    "metres": lambda x, y, town: town.into(town.metric, x, y),
    "two degrees east": lambda x, y, town: (x + 2, y),
    "a degree north": lambda x, y, town: (x, y + 1),
    "nine degrees south": lambda x, y, town: (x, y - 9),
    "minutes": lambda x, y, town: (60 * x, 60 * y),
}
IN_METRES: dict[str, Move] = {
    "degrees": lambda x, y, town: town.into(4326, x, y),
    "kilometres": lambda x, y, town: (x / 1000, y / 1000),
    "millimetres": lambda x, y, town: (x * 1000, y * 1000),
    "feet": lambda x, y, town: (x / 0.3048, y / 0.3048),
    "zone number": lambda x, y, town: (x + 40e6, y),
    "the next zone": lambda x, y, town: town.into(town.next, x, y),
    "a digit of x": lambda x, y, town: (x + 300_000, y),
    "a digit of y": lambda x, y, town: (x, y - 1_000_000),
}
LENGTHS: dict[str, Callable[[float], float]] = {
    "feet": lambda metres: metres / 0.3048,
    "kilometres": lambda metres: metres / 1000,
    "millimetres": lambda metres: metres * 1000,
    "zero": lambda metres: 0.0,
    "tenfold": lambda metres: metres * 10,
}


def grid(town: Town, blocks: int, seed: int) -> dict[str, Rows]:
    """Streets of a crooked lattice, homes and nurseries along them, in the CRS of the town."""
    rng = np.random.default_rng(seed)
    away = way(town.metric, town.crs)
    x0, y0 = way(4326, town.metric).transform(town.lon, town.lat)
    node = {
        (i, j): np.array([x0 + 150 * i, y0 + 150 * j]) + rng.uniform(-30, 30, 2)
        for i in range(blocks + 1)
        for j in range(blocks + 1)
    }
    ends = [((i, j), (i + a, j + b)) for i, j in node for a, b in ((1, 0), (0, 1)) if (i + a, j + b) in node]

    def beside(name: str, number: int) -> Rows:
        found: Rows = {}
        for k in range(number):
            a, b = ends[int(rng.integers(len(ends)))]
            found[f"{name}{k}"] = [node[a] + rng.uniform(0.2, 0.8) * (node[b] - node[a]) + rng.uniform(-15, 15, 2)]
        return found

    layers = {
        "streets": {f"s{k}": [node[a], node[b]] for k, (a, b) in enumerate(ends)},
        "communities": beside("h", 10),
        "childcare": beside("n", 8),
    }
    return {
        role: {row: [tuple(map(float, away.transform(*xy))) for xy in places] for row, places in rows.items()}
        for role, rows in layers.items()
    }


def frames(layers: Mapping[str, Rows], town: Town, length: Mapping[str, float]) -> dict[str, gpd.GeoDataFrame]:
    made = {}
    for role, rows in layers.items():
        kind = shapely.LineString if role == "streets" else lambda places: shapely.Point(places[0])
        needed = {"communities": {"population": 100}, "childcare": {"places": 20}}.get(role, {})
        frame = gpd.GeoDataFrame(
            {name: [value] * len(rows) for name, value in needed.items()},
            geometry=[kind(places) for places in rows.values()],
            index=pd.Index(list(rows), name="id"),
            crs=town.crs,
        )
        if role == "streets" and length:
            frame["length"] = pd.Series(length)
        made[role] = frame
    return made


class Told(logging.Handler):
    """What the library warns of."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text += record.getMessage() + "\n"


@dataclass(frozen=True)
class Measured:
    """What came of a measurement: the cost of each pair, what was told, and why it was refused."""

    costs: pd.Series
    told: str
    refused: str = ""


def along_streets(layers: Mapping[str, gpd.GeoDataFrame]) -> siting.Reach:
    network = siting.Network.from_streets(layers["streets"])
    return siting.travel(network, layers["communities"], layers["childcare"], metres=5_000)


def straight(layers: Mapping[str, gpd.GeoDataFrame]) -> siting.Reach:
    return siting.straight_line(layers["communities"], layers["childcare"], metres=5_000)


WAYS = {"streets": along_streets, "straight": straight}


def measured(layers: Mapping[str, gpd.GeoDataFrame], how: str, *, checked: bool) -> Measured:
    """Measure one way, from bare frames or from checked ones; each way must tell for itself."""
    told = Told()
    logger = logging.getLogger("siting")
    logger.addHandler(told)
    roles = ["communities", "childcare", *(["streets"] if how == "streets" else [])]
    try:
        used = {role: siting.check_layer(layers[role], role) if checked else layers[role] for role in roles}
        costs = WAYS[how](used).pairs().set_index(["origin", "destination"])["cost"]
    except siting.SitingError as fault:
        return Measured(pd.Series(dtype=float), told.text, str(fault))
    finally:
        logger.removeHandler(told)
    return Measured(costs, told.text)


@st.composite
def spoiled(draw: st.DrawFn) -> tuple[Town, int, int, list[tuple[str, int, str]], bool, bool]:
    """A town, and one to three slips in it: the role, the row's rank, and what went wrong."""
    place = draw(st.sampled_from(TOWNS))
    town = Town(*place, draw(st.sampled_from([*DEGREES, place[2]])))
    moves = sorted({**ANYWHERE, **(IN_DEGREES if town.in_degrees else IN_METRES)})
    slip = st.one_of(
        st.tuples(st.sampled_from(["streets", "communities", "childcare"]), st.integers(0, 7), st.sampled_from(moves)),
        st.tuples(st.just("length"), st.integers(0, 7), st.sampled_from(sorted(LENGTHS))),
        st.tuples(st.just("whole length"), st.just(0), st.sampled_from(["feet", "kilometres", "millimetres", "zero"])),
    )
    slips = draw(st.lists(slip, min_size=1, max_size=3, unique_by=lambda each: each[:2]))
    if draw(st.integers(0, 7)) == 0 and town.crs in (4326, 4490):
        slips = [("datum", draw(st.integers(0, 2)), draw(st.sampled_from(["4214", "4610", "4555"])))]
    return town, draw(st.integers(2, 4)), draw(st.integers(0, 999)), slips, draw(st.booleans()), draw(st.booleans())


def spoil(
    layers: dict[str, Rows], town: Town, length: dict[str, float], slips: Sequence[tuple[str, int, str]]
) -> tuple[dict[str, gpd.GeoDataFrame], list[str]]:
    """Spoil layers; return them, and for each slip a pattern of what must be told."""
    layers = {role: dict(rows) for role, rows in layers.items()}
    length = dict(length)
    words: list[str] = []
    for role, rank, how in slips:
        if role == "length":
            row = list(length)[rank]
            length[row] = LENGTHS[how](length[row])
            words.append(rf'"{row}\b')
        elif role == "whole length":
            length = {row: LENGTHS[how](metres) for row, metres in length.items()}
            words.append("length")
        elif role == "datum":
            words.append("datum")
        else:
            row = list(layers[role])[rank]
            move = {**ANYWHERE, **IN_DEGREES, **IN_METRES}[how]
            places = layers[role][row]
            # Of a street now one end, now the other, or both.
            which = [0, len(places) - 1] if rank % 3 == 0 else [rank % len(places)]
            layers[role][row] = [move(*xy, town) if k in which else xy for k, xy in enumerate(places)]
            words.append(rf'"{row}\b')
    made = frames(layers, town, length)
    for role, rank, how in slips:
        if role == "datum":
            name = list(made)[rank]
            made[name] = made[name].set_crs(int(how), allow_override=True)
    return made, words


def never_silently_wrong(case: tuple[Town, int, int, list[tuple[str, int, str]], bool, bool]) -> None:
    town, blocks, seed, slips, checked, with_length = case
    rows = grid(town, blocks, seed)
    there = way(town.crs, town.metric)
    ends = {row: np.array([there.transform(*xy) for xy in places]) for row, places in rows["streets"].items()}
    length = (
        {row: float(np.hypot(*(b - a))) for row, (a, b) in ends.items()}
        if with_length or any("length" in slip[0] for slip in slips)
        else {}
    )
    made, words = spoil(rows, town, length, slips)
    for how in WAYS:
        concerned = [
            (slip, word)
            for slip, word in zip(slips, words, strict=True)
            if how == "streets" or (slip[0] in ("communities", "childcare") or slip[:2] in (("datum", 1), ("datum", 2)))
        ]
        clean, found = (measured(each, how, checked=checked) for each in (frames(rows, town, length), made))
        assert not clean.refused
        assert not clean.told
        note(f"{how}: refused: {found.refused} told: {found.told}")
        if found.refused:
            # One fault may hide the next; what is refused names one row at least.
            assert any(re.search(word, found.refused) for _, word in concerned)
            continue
        if all(re.search(word, found.told) for _, word in concerned):
            if any(slip[0] == "datum" or slip[0] not in ("communities", "childcare") for slip, _ in concerned):
                continue  # a street is missing, or a layer lies off, and that was told: other ways are right
            # A home that was told moves no other.
            moved = {list(rows[role])[rank] for (role, rank, _), _ in concerned}
            kept = clean.costs[[key for key in clean.costs.index if not moved & set(key)]]
        else:
            kept = clean.costs
        now = found.costs.reindex(kept.index)
        assert not now.isna().any(), f"{how}: pairs are lost"
        assert (abs(now - kept) <= 0.001 * kept + 0.002).all(), f"{how}: {kept.to_dict()} became {now.to_dict()}"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(spoiled())
def test_no_layer_is_silently_wrong(case: Any) -> None:
    never_silently_wrong(case)


@pytest.mark.slow
@pytest.mark.parametrize("place", TOWNS, ids=str)
def test_clean_layers_are_told_nothing_of(place: tuple[float, float, int, int]) -> None:
    """The towns themselves are measured alike in all their systems, without a word."""
    for how in WAYS:
        first, *others = (
            measured(frames(grid(Town(*place, crs), 4, 1), Town(*place, crs), {}), how, checked=True)
            for crs in (*DEGREES, place[2])
        )
        assert not first.told
        for other in others:
            assert not other.told
            pd.testing.assert_series_equal(first.costs.sort_index(), other.costs.sort_index(), rtol=0.001, atol=0.01)


def test_the_crs_of_the_towns_hold() -> None:
    for lon, lat, metric, beside in TOWNS:
        area = CRS(metric).area_of_use
        assert area is not None
        assert area.west <= lon <= area.east
        assert (area.south <= lat) == (area.north >= lat)
        assert CRS(beside).is_projected
