"""One question from the layers to the page: network, coverage, area, a proven plan and a map, beside the usual glue."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.spatial import KDTree

import siting as st
from benchmarks.city import CRS, City, make_city
from benchmarks.measure import AbsentError, Peer, Row, UnequalError, compare, nearly_equal
from benchmarks.sizes import Size

if TYPE_CHECKING:
    from benchmarks.peers.by_glue import Answer, Question

__all__ = ["whole"]

METRES, WIDTH = 500.0, 40.0


def whole(size: Size) -> Iterator[Row]:
    """Answer it on the sample district and on a city, with every peer that is installed."""
    try:
        from benchmarks.peers import by_glue
    except ModuleNotFoundError as error:
        raise AbsentError(f"the usual glue needs {error.name}") from error

    for name, asked in (("sample", _sample()), ("city", _city(size))):
        with tempfile.TemporaryDirectory() as folder:
            yield from _compared(name, asked, Path(folder), by_glue, size)


def _compared(name: str, asked: Question, folder: Path, glue: object, size: Size) -> Iterator[Row]:
    mine = _ours(asked, folder / "siting.html")
    peers = []
    for called, function in (("pandana", "by_pandana"), ("networkx", "by_networkx")):
        answer = getattr(glue, function)
        try:
            equal = _equal(mine, answer(asked, folder / f"{called}.html"), called)
        except ModuleNotFoundError as error:
            yield Row(f"from layers to the map, {name}", checked=f"no {error.name}", status="skipped")
            continue
        peers.append(
            Peer(
                f"geopandas, {called}, spopt with HiGHS, folium",
                lambda answer=answer, called=called: answer(asked, folder / f"{called}.html"),  # type: ignore[misc]
                1, 20, checked=equal, rounds=min(size.rounds, 3),
            )
        )  # fmt: skip
    said = (
        f"{len(asked.streets):,} streets, {len(asked.homes):,} homes, {len(asked.existing):,} facilities, "
        f"{asked.sites} of {len(asked.candidates):,} sites"
    )
    yield from compare(
        f"from layers to the map, {name}", said, lambda: _ours(asked, folder / "siting.html"), peers, rounds=size.rounds
    )


def _ours(asked: Question, page: Path) -> Answer:
    """Answer it with the public calls."""
    from benchmarks.peers.by_glue import Answer

    people = asked.homes["population"]
    network = st.Network.from_streets(asked.streets)
    sites = pd.concat([asked.existing, asked.candidates])
    reach = st.travel(network, asked.homes, sites, metres=asked.metres, threads=1)
    now = reach.select(asked.existing.index)
    covered = st.coverage(now, people)["covered"].iloc[0]
    areas = st.service_areas(network, asked.existing, metres=asked.metres, width=asked.width, overlap="dissolve")
    plan = st.solve(
        st.MaxCoverage(), reach, demand=people, rules=[st.AtMost(asked.sites), st.Existing(asked.existing.index)]
    )
    if plan.status != "optimal":
        raise UnequalError(f"siting's plan is {plan.status}")
    layers = {"communities": asked.homes, "culture": asked.existing, "candidates": asked.candidates}
    st.draw_map(layers, areas=areas, coverage=st.measure.bands(now, [asked.metres]), plan=plan, lang="en").save(page)
    return Answer(float(covered), float(plan.objective), areas.geometry.iloc[0])


def _equal(mine: Answer, theirs: Answer, who: str) -> str:
    """Compare people now and planned; of the areas the peer's must lie in ours, which hold streets in part."""
    nearly_equal(
        [mine.covered, mine.planned], [theirs.covered, theirs.planned], who, relative=1e-9, of="numbers of people"
    )
    outside = shapely.area(shapely.difference(theirs.area, mine.area)) / shapely.area(theirs.area)
    more = shapely.area(mine.area) / shapely.area(theirs.area) - 1
    if outside > 0.005 or not 0 <= more < 0.5:
        raise UnequalError(f"{who}: {outside:.1%} of its area lies outside of siting's, which is {more:.1%} larger")
    return (
        f"{mine.covered:,.0f} people covered and {mine.planned:,.0f} by the plan, proven, equal; the area inside of "
        f"siting's, which is {more:.0%} larger (streets in part, holes filled)"
    )


def _asked(
    streets: gpd.GeoDataFrame, homes: gpd.GeoDataFrame, existing: gpd.GeoDataFrame, candidates: gpd.GeoDataFrame,
    sites: int,
) -> Question:  # fmt: skip
    from benchmarks.peers.by_glue import Question

    return Question(streets, homes, existing, candidates, METRES, WIDTH, sites)


def _sample() -> Question:
    """Take the sample district, every place moved to the nearest end of a street: there all know where it is."""
    layers = st.load_sample()
    streets = layers["streets"]
    streets = streets[["geometry"]].to_crs(st.Network.from_streets(streets).crs)
    streets["length"] = streets.length.round(3)
    ends = shapely.get_coordinates(
        np.concatenate([shapely.get_point(streets.geometry.to_numpy(), at) for at in (0, -1)])
    )
    tree = KDTree(ends)

    def moved(layer: gpd.GeoDataFrame, *columns: str) -> gpd.GeoDataFrame:
        at = shapely.get_coordinates(layer.to_crs(streets.crs).geometry.representative_point())
        spots = shapely.points(ends[tree.query(at)[1]])
        return gpd.GeoDataFrame(layer[list(columns)], geometry=spots, crs=streets.crs)

    homes = moved(layers["communities"], "population")
    return _asked(streets, homes, moved(layers["childcare"]), moved(layers["candidates"]), 5)


def _city(size: Size) -> Question:
    """Make a city with homes, facilities and candidates at its crossings."""
    city: City = make_city(size.dense)
    streets = city.streets()
    rng = np.random.default_rng(8)

    def at(count: int, seed: int, letter: str) -> gpd.GeoDataFrame:
        nodes = city.pick(count, seed)
        spots = gpd.points_from_xy(city.x[nodes], city.y[nodes])
        return gpd.GeoDataFrame(geometry=spots, crs=CRS, index=[f"{letter}{i}" for i in range(len(nodes))])

    homes = at(size.sources, 2, "h").assign(population=rng.integers(10, 2_000, min(size.sources, len(city))))
    return _asked(streets, homes, at(size.few, 4, "f"), at(size.slow, 5, "c"), max(3, size.slow // 10))
