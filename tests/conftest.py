"""Fixtures that every test may use: a town where all answers are mental arithmetic, and the sample district."""

from __future__ import annotations

import importlib
import importlib.util
import os
import pkgutil
import shutil
import subprocess
import sys
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, settings

import siting as st

# A busy machine is no fault of the code.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("patient"), derandomize=True, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "patient"))
if settings.default.derandomize:
    # Examples hold constants of the modules that are loaded: load all, whatever ran before in this process.
    for module in pkgutil.walk_packages(st.__path__, "siting."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)

#: Where the small town lies: a round corner in CGCS2000 / 3-degree zone 114°E.
X0, Y0 = 530_000.0, 3_380_000.0
TOWN_CRS = "EPSG:4547"


def at(x: float, y: float) -> shapely.Point:
    """A point of the small town, in metres from its south-west corner."""
    return shapely.Point(X0 + x, Y0 + y)


def layer(points: dict[str, tuple[float, float]], **columns: list[object]) -> gpd.GeoDataFrame:
    """A layer of the small town from ids and places."""
    geometry = [at(*xy) for xy in points.values()]
    frame = gpd.GeoDataFrame(columns, geometry=geometry, crs=TOWN_CRS)
    frame.index = pd.Index(list(points), name="id")
    return frame


def streets(lines: dict[str, Sequence[tuple[float, float]]], **columns: list[Any]) -> gpd.GeoDataFrame:
    """Streets of the small town's neighbourhood from ids and vertices, in metres from its south-west corner."""
    geometry = [shapely.LineString([(X0 + x, Y0 + y) for x, y in line]) for line in lines.values()]
    frame = gpd.GeoDataFrame(columns, geometry=geometry, crs=TOWN_CRS)
    frame.index = pd.Index(list(lines), name="id")
    return frame


def streets_of_town(blocks: int = 5, side: float = 100.0) -> gpd.GeoDataFrame:
    """The streets of the small town: `blocks` × `blocks` square blocks."""
    lines, ids = [], []
    for i in range(blocks + 1):
        for j in range(blocks + 1):
            for di, dj, name in ((1, 0, "h"), (0, 1, "v")):
                if i + di <= blocks and j + dj <= blocks:
                    lines.append(shapely.LineString([at(i * side, j * side), at((i + di) * side, (j + dj) * side)]))
                    ids.append(f"{name}{i}{j}")
    frame = gpd.GeoDataFrame({"highway": ["residential"] * len(lines)}, geometry=lines, crs=TOWN_CRS)
    frame.index = pd.Index(ids, name="id")
    return frame


def pytest_sessionstart(session: pytest.Session) -> None:
    """Compile the searches once in a fresh checkout, before workers start that would all do it at the same time."""
    if hasattr(session.config, "workerinput") or not getattr(session.config.option, "numprocesses", None):
        return
    network, places = st.Network.from_streets(streets_of_town(2)), layer({"a": (0, 0), "b": (150, 0), "c": (90, 100)})
    people = pd.Series([3, 2, 1], places.index)
    st.service_areas(network, places, metres=[100])
    network.locate(places.set_geometry(places.buffer(20)))
    for start, end in ((places, places), (places, places[:1]), (places[:1], places)):
        st.measure.catchment(network, start, end, people.loc[end.index], metres=300)
        st.travel(network, start, end, metres=300)
    repr(network)  # counts the components
    reach = st.travel(network, places, places, metres=300)
    for nearest in (1, 2):
        st.travel(network, places, places, nearest=nearest)
    st.WhatIf(reach, people, open=["a"]).gain("b")
    st.propose.merge_demand(places, people, places, metres=100)
    one = st.AtMost(1)
    for objective, rules in (
        (st.MaxCoverage(), [one]), (st.MaxCoverage(), [st.AtMost(2), st.Budget(2, people)]), (st.MinTravel(), [one]),
        (st.MaxCoverage(), [one, st.Capacity(people)]), (st.MinSites(), [st.Cover(0.7)]),
    ):  # fmt: skip
        st.solve(objective, reach, demand=people, rules=rules)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what opens a browser or starts a database as slow."""
    for item in items:
        if {"browser", "office", "postgis"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)


# The helpers as fixtures: test modules cannot import this one.
@pytest.fixture(scope="session", name="at")
def _at() -> Callable[..., shapely.Point]:
    return at


@pytest.fixture(scope="session", name="layer")
def _layer() -> Callable[..., gpd.GeoDataFrame]:
    return layer


@pytest.fixture(scope="session", name="streets")
def _streets() -> Callable[..., gpd.GeoDataFrame]:
    return streets


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real street networks that lie beside a checkout; the library does not carry them."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("NOT TESTED on real streets: ../shared/data is not there")
    return folder


@pytest.fixture
def small_town() -> gpd.GeoDataFrame:
    """Streets of a 5 × 5 lattice of 100 m blocks: 36 crossings, 60 streets, 6 km."""
    return streets_of_town()


@pytest.fixture(scope="session")
def town_network() -> st.Network:
    """The small town as a network."""
    return st.Network.from_streets(streets_of_town())


@pytest.fixture(scope="session")
def sample() -> dict[str, gpd.GeoDataFrame]:
    """The layers of the sample district; tests must not change them."""
    return st.load_sample()


@pytest.fixture(scope="session")
def sample_network(sample: dict[str, gpd.GeoDataFrame]) -> st.Network:
    """The streets of the sample district as a network."""
    return st.Network.from_streets(sample["streets"])


@pytest.fixture(scope="session")
def reach_of() -> Callable[..., st.Reach]:
    """A reach from what each site covers, as `{"x": "ab"}` at 100 m or `{"x": {"a": 120.0}}`; origins as "abc"."""

    def make(covers: dict[str, Any], origins: Sequence[str], limit: float = 300.0) -> st.Reach:
        rows = [
            (origin, site, covers[site][origin] if isinstance(covers[site], dict) else 100.0)
            for site in covers
            for origin in covers[site]
        ]
        table = pd.DataFrame(rows, columns=["origin", "destination", "cost"])
        return st.Reach.from_pairs(table, origins=list(origins), destinations=list(covers), limit=limit)

    return make


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless Chromium that asks for nothing on its own; tests that need one skip, and say so, without it."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("NOT CHECKED in a browser: no Chromium found; make browser installs one")
    playwright = pytest.importorskip("playwright.sync_api", reason="NOT CHECKED in a browser: playwright is not there")
    switches = ("no-sandbox", "disable-gpu", "disable-background-networking", "disable-component-update",
                "disable-sync", "no-first-run")  # fmt: skip
    with playwright.sync_playwright() as play:
        opened = play.chromium.launch(executable_path=found, args=[f"--{switch}" for switch in switches])
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def office() -> str:
    """The path of LibreOffice; tests that need it skip, and say so, without it."""
    found = shutil.which("soffice")
    if found is None:
        pytest.skip("NOT CHECKED in LibreOffice: it is not here; make office installs it")
    return found


@pytest.fixture(scope="session")
def postgis() -> Iterator[Any]:
    """A PostGIS server of this session, as the parts of an address; it ends with this process, however that ends."""
    pytest.importorskip("psycopg", reason="NOT CHECKED against PostGIS: psycopg is not there")
    file = Path(__file__).with_name("postgis_server.py")
    spec = importlib.util.spec_from_file_location("postgis_server", file)
    assert spec is not None
    assert spec.loader is not None
    server = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(server)
    if server.programs() is None:
        pytest.skip("NOT CHECKED against PostGIS: no server found; make postgis installs one")
    with subprocess.Popen([sys.executable, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdin is not None
        assert run.stdout is not None
        port = run.stdout.readline().strip()
        assert port, "the PostGIS server did not start"
        yield {"host": "127.0.0.1", "port": port, "user": server.USER, "password": server.PASSWORD}
        run.stdin.close()


@pytest.fixture(scope="session")
def database(postgis: dict[str, str]) -> str:
    """The address of a database with PostGIS, called city."""
    import psycopg

    with psycopg.connect(**postgis, dbname="postgres", autocommit=True) as connection:
        connection.execute("CREATE DATABASE city")
    with psycopg.connect(**postgis, dbname="city", autocommit=True) as connection:
        connection.execute("CREATE EXTENSION postgis")
    secret = urllib.parse.quote(postgis["password"], safe="")
    return f"postgresql://{postgis['user']}:{secret}@127.0.0.1:{postgis['port']}/city"


@pytest.fixture(scope="session")
def screenshots() -> Path:
    """The folder where pictures of pages are kept to be looked at."""
    folder = Path(os.environ.get("SITING_SCREENSHOTS") or Path(__file__).parent / "screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
