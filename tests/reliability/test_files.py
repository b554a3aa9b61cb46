"""Files of every kind that is read, damaged at random, and read in a process of limited memory and time."""

from __future__ import annotations

import contextlib
import json
import queue
import shutil
import subprocess
import sys
import threading
import zipfile
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
import shapely

import siting as st
from siting.data import sample_path

MUTANTS = Path(__file__).with_name("mutants.py")
#: Seconds that reading a mutant of a small file may take on a busy machine.
LONGEST = 60.0
BAD = ("foreign", "crash", "hang", "warned")
KINDS = (
    "csv", "xlsx", "xls", "gpkg", "gdb", "geojson", "shp", "parquet", "fgb", "kml", "kmz", "gpx", "dxf", "tab", "mif",
    "zip", "duckdb",
    "osm", "pbf", "graphml", "network", "study", "standard", "role", "mapping",
)  # fmt: skip


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a small file of each kind, with the writer that people use for it."""
    root = tmp_path_factory.mktemp("seeds")
    homes = st.load_sample()["communities"].iloc[:12][["name", "population", "elderly", "infants", "geometry"]]
    for kind in KINDS:
        (root / kind).mkdir()
    for kind in ("csv", "xlsx", "gpkg", "geojson", "shp", "parquet"):
        st.write_layer(homes, root / kind / f"seed.{kind}")
    plain = homes.reset_index().to_crs(4326).astype(dict.fromkeys(["population", "elderly", "infants"], "int32"))
    drivers = {"gdb": "OpenFileGDB", "fgb": "FlatGeobuf", "kml": "LIBKML", "tab": "MapInfo File", "mif": "MapInfo File"}
    for kind, driver in drivers.items():
        pyogrio.write_dataframe(plain, root / kind / f"seed.{kind}", driver=driver, layer="communities")
    waypoints = plain[["name", "geometry"]]
    pyogrio.write_dataframe(waypoints, root / "gpx" / "seed.gpx", driver="GPX", layer="waypoints")
    pyogrio.write_dataframe(homes[["geometry"]], root / "dxf" / "seed.dxf", driver="DXF")
    with zipfile.ZipFile(root / "kmz" / "seed.kmz", "w") as archive:
        archive.write(root / "kml" / "seed.kml", "doc.kml")
    with zipfile.ZipFile(root / "zip" / "seed.zip", "w") as archive:
        for part in (root / "shp").iterdir():
            archive.write(part, part.name)
    _xls(plain, root / "xls" / "seed.xls")
    _duckdb(plain, root / "duckdb" / "seed.duckdb")
    _osm(root / "osm" / "seed.osm", root / "pbf" / "seed.osm.pbf")
    lines = [shapely.LineString([(530_000 + x, 3_380_000), (530_100 + x, 3_380_000 + x)]) for x in (0, 100, 200)]
    network = st.Network.from_streets(
        gpd.GeoDataFrame({"highway": ["residential"] * 3}, geometry=lines, crs="EPSG:4547")
    )
    network.save(root / "network" / "seed")
    _graphml(root / "graphml" / "seed.graphml")
    shutil.copy(sample_path("study.toml"), root / "study" / "seed.toml")
    (root / "standard" / "seed.toml").write_text(_standard(), encoding="utf-8")
    (root / "role" / "seed.toml").write_text(ROLE, encoding="utf-8")
    (root / "mapping" / "seed.toml").write_text(MAPPING, encoding="utf-8")
    return root


ROLE = """name = "clinics"
zh = "诊所"
en = "Clinics"
geometry = ["Point"]

[columns.doctors]
type = "count"
unit = "persons"
required = true
zh = "医生数"
meaning_zh = "执业医师数"
meaning_en = "licensed doctors"
aliases = ["执业医师", "医师数"]
"""
MAPPING = """[columns]
population = "population"

[values.population]
"1" = "2"

[constants]
district = "J1"
"""


def _standard() -> str:
    from importlib.resources import files

    return files("siting.judge").joinpath("profiles", "jinhua.toml").read_text(encoding="utf-8")


def _xls(frame: Any, file: Path) -> None:
    xlwt = pytest.importorskip("xlwt")
    book = xlwt.Workbook()
    sheet = book.add_sheet("communities")
    columns = ["id", "name", "population", "lon", "lat"]
    table = pd.DataFrame(frame.drop(columns="geometry")).assign(lon=frame.geometry.x, lat=frame.geometry.y)[columns]
    for j, column in enumerate(columns):
        sheet.write(0, j, column)
        for i, value in enumerate(table[column].tolist(), start=1):
            sheet.write(i, j, value)
    book.save(str(file))


def _duckdb(frame: Any, file: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    table = (
        pd.DataFrame(frame.drop(columns="geometry"))
        .assign(wkt=shapely.to_wkt(frame.geometry.to_numpy()))
        .astype({"name": object})
    )
    with duckdb.connect(str(file)) as database:
        database.register("given", table.astype(dict.fromkeys(table.select_dtypes(include=["str"]).columns, object)))
        database.execute("CREATE TABLE communities AS SELECT * FROM given")


def _osm(text: Path, packed: Path) -> None:
    nodes = "".join(
        f'<node id="{n}" version="1" lat="{29.1 + n / 1000}" lon="{119.6 + (n % 3) / 1000}"/>' for n in range(1, 9)
    )
    ways = "".join(_way(w, refs) for w, refs in ((1, (1, 2, 3)), (2, (3, 4, 5)), (3, (5, 6, 7, 8))))
    text.write_text(f'<?xml version="1.0" encoding="UTF-8"?><osm version="0.6">{nodes}{ways}</osm>', encoding="utf-8")
    osmium = pytest.importorskip("osmium")
    with osmium.SimpleWriter(str(packed)) as writer:
        for each in osmium.FileProcessor(str(text)):
            writer.add(each)


def _way(number: int, refs: tuple[int, ...]) -> str:
    inside = "".join(f'<nd ref="{n}"/>' for n in refs)
    return (
        f'<way id="{number}" version="1">{inside}<tag k="highway" v="residential"/><tag k="name" v="路{number}"/></way>'
    )


def _graphml(file: Path) -> None:
    import networkx as nx
    import osmnx as ox

    graph = nx.MultiDiGraph(crs="EPSG:4326")
    for n in range(6):
        graph.add_node(n, x=119.6 + n / 1000, y=29.1)
    for n in range(5):
        for a, b in ((n, n + 1), (n + 1, n)):
            graph.add_edge(a, b, osmid=n, length=97.2, highway="residential", oneway=False)
    ox.save_graphml(graph, file)


class Reader:
    """A process that reads mutants one after another; it is started again when one ends it or holds it up."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.start()

    def start(self) -> None:
        command = [sys.executable, str(MUTANTS), str(self.root)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        self.lines: queue.Queue[str | None] = queue.Queue()
        self.errors: deque[str] = deque(maxlen=20)
        self.threads = [
            threading.Thread(target=self._read, args=(self.process, self.lines), daemon=True),
            threading.Thread(target=self._listen, args=(self.process, self.errors), daemon=True),
        ]
        for thread in self.threads:
            thread.start()

    @staticmethod
    def _read(process: Any, lines: queue.Queue[str | None]) -> None:
        for line in process.stdout:
            lines.put(line)
        lines.put(None)

    @staticmethod
    def _listen(process: Any, errors: deque[str]) -> None:
        for line in process.stderr:
            errors.append(line.rstrip())

    def attempt(self, kind: str, number: int) -> dict[str, Any]:
        """Read one mutant; return what came of it."""
        self.process.stdin.write(f"{kind} {number}\n")  # type: ignore[union-attr]
        self.process.stdin.flush()  # type: ignore[union-attr]
        try:
            line = self.lines.get(timeout=LONGEST)
        except queue.Empty:
            found = {"hang": f"longer than {LONGEST:g} s"}
        else:
            if line is not None:
                return dict(json.loads(line))
            found = {"crash": f"ended with {self.process.wait()}: {' | '.join(list(self.errors)[-6:])}"}
        self.close()
        self.start()
        return found

    def close(self) -> None:
        self.process.kill()
        for thread in self.threads:
            thread.join()
        with contextlib.suppress(BrokenPipeError):
            self.process.__exit__(None, None, None)


@pytest.fixture(scope="module")
def reader(seeds: Path) -> Iterator[Reader]:
    """Start the process that reads, and end it."""
    opened = Reader(seeds)
    yield opened
    opened.close()


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_files_are_read_or_refused(kind: str, reader: Reader, tries: Any, record: Any) -> None:
    """A damaged file of any kind is read or refused: no other error, no crash, no hang."""
    number = tries(3, 500)
    ends: Counter[str] = Counter()
    for k in range(number):
        for what, how in reader.attempt(kind, k).items():
            ends[what] += 1
            ends[f"{what}: {how} (the first: {kind} {k})"] += what in BAD
    told = f"{ends['refused']:,} refused, {ends['read']:,} read"
    record(number, told=told, foreign_exceptions=ends["foreign"], crashes=ends["crash"], hangs=ends["hang"],
           leaked_warnings=ends["warned"])  # fmt: skip
    bad = [f"{n} × {end}" for end, n in ends.most_common() if n and ": " in end]
    assert not bad, f"{kind}:\n" + "\n".join(bad[:30])
    assert ends["refused"] + ends["read"] == number
