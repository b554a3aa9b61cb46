"""A process that has imported everything, and forks a writer for each order, to be killed at a given moment.

Orders are lines of JSON on standard input: the writer, its folder, the version to write, and the seconds after which
it is killed (nothing for never). The answer is a line with how the writer ended.
"""

from __future__ import annotations

import io
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import geopandas as gpd
import matplotlib as mpl
import numpy as np
import openpyxl
import pandas as pd
import shapely
from rich.console import Console

import siting as st
from siting.errors import SitingError
from siting.judge.audit_workbook import write_workbook
from siting.judge.standards.template import write_template
from siting.terminal_study import run_in_terminal

CRS = "EPSG:4547"
ROWS = {"A": 1500, "B": 1700}
RECIPE = """
[study]
name = "town"
title = { zh = "小镇VERSION", en = "Town VERSION" }

[layers]
communities = { path = "VERSION.gpkg", layer = "communities" }
childcare = { path = "VERSION.gpkg", layer = "childcare" }
candidates = { path = "VERSION.gpkg", layer = "candidates" }
streets = { path = "VERSION.gpkg", layer = "streets" }

[[circle]]
service = "childcare"
metres = [100, 300]

[[goal]]
name = "most-VERSION"
service = "childcare"
metres = 100
at_most = 1
"""


def layer(version: str) -> Any:
    n = ROWS[version]
    random = np.random.default_rng(1)
    places = shapely.points(530_000 + 900 * random.random(n), 3_380_000 + 900 * random.random(n))
    columns = {"name": [f"{version}{i}" for i in range(n)], "people": random.integers(1, 999, n)}
    return gpd.GeoDataFrame(columns, geometry=places, crs=CRS, index=pd.Index([f"k{i}" for i in range(n)], name="id"))


def streets() -> Any:
    walks = [((x, y), (x + 100, y)) for x in range(0, 500, 100) for y in range(0, 501, 100)]
    walks += [((x, y), (x, y + 100)) for x in range(0, 501, 100) for y in range(0, 500, 100)]
    lines = [shapely.LineString([(530_000 + x, 3_380_000 + y) for x, y in ends]) for ends in walks]
    index = pd.Index([f"s{i}" for i in range(len(lines))], name="id")
    return gpd.GeoDataFrame({"name": ["路"] * len(lines)}, geometry=lines, crs=CRS, index=index)


def write_inputs(folder: Path) -> None:
    """Write the layers and the study of both versions."""
    for version in ROWS:
        file = folder / f"{version}.gpkg"
        homes = layer(version).iloc[:40].rename(columns={"people": "population"})
        homes["infants"], homes["geometry"] = homes["population"] // 20, homes.translate(-200, -200)
        sites = layer(version).iloc[40:50].assign(services="childcare")
        open_now = layer(version).iloc[50:53].assign(places=20)
        for name, frame in (("communities", homes), ("candidates", sites), ("childcare", open_now)):
            inside = frame.set_geometry(shapely.transform(frame.geometry.array, inside_town))
            st.write_layer(inside, file, layer=name)
        st.write_layer(streets(), file, layer="streets")
        (folder / f"{version}.toml").write_text(RECIPE.replace("VERSION", version), encoding="utf-8")


def inside_town(places: Any) -> Any:
    corner = np.array([530_000, 3_380_000])
    return corner + np.clip(places - corner, 0, 500)


def run_study(target: Path, version: str) -> None:
    study = st.Study.from_toml(Path(sys.argv[1], f"{version}.toml"))
    run_in_terminal(Console(file=io.StringIO()), study, target)


def write_map(target: Path, version: str) -> None:
    homes = layer(version).rename(columns={"people": "population"})
    st.draw_map({"communities": homes}, lang="en", title=version).save(str(target))


def write_picture(target: Path, version: str) -> None:
    curve = pd.DataFrame({"sites": [0, 1], "share": [0.5, 0.9]})
    with mpl.rc_context({"svg.hashsalt": "same"}):
        st.draw_chart(curve, lang="en", title=version).savefig(target, metadata={"Date": None})


def write_report(target: Path, version: str) -> None:
    st.write_report(target, pd.DataFrame(layer(version).drop(columns="geometry")), title=version, lang="en")


def write_template_again(target: Path, version: str) -> None:
    target.unlink(missing_ok=True)
    write_template(target)


def save_network(target: Path, version: str) -> None:
    lines = streets()
    st.Network.from_streets(lines if version == "A" else lines.iloc[: len(lines) // 2]).save(target)


WRITERS: dict[str, Any] = {
    **{
        f"layer.{end}": lambda target, version: st.write_layer(layer(version), target)
        for end in ("gpkg", "geojson", "parquet", "csv", "xlsx", "shp")
    },
    "table.csv": lambda target, version: st.data.write_table(layer(version).drop(columns="geometry"), target),
    "report.html": write_report,
    "map.html": write_map,
    "picture.svg": write_picture,
    "workbook.xlsx": lambda target, version: write_workbook(
        target, {"audit": pd.DataFrame(layer(version).drop(columns="geometry"))}
    ),
    "standard.toml": write_template_again,
    "network": save_network,
    "results": run_study,
}


def state(target: Path) -> str | None:
    """What a reader finds: the text that tells the versions apart; nothing when there is nothing."""
    if not target.exists():
        return None
    if target.suffix == ".xlsx":  # a workbook holds the time of its making
        book = openpyxl.load_workbook(target, read_only=True)
        return repr([list(sheet.iter_rows(values_only=True)) for sheet in book])
    if target.suffix == ".shp":
        return str(gpd.read_file(target).to_csv())
    if target.is_file():
        return target.read_bytes().decode("latin-1")
    if (target / "network.json").exists():
        network = st.Network.load(target)
        return repr([network.x.sum(), network.u.tolist(), network.cost.tolist(), len(network.columns)])
    found = {file.relative_to(target).as_posix(): file for file in target.rglob("*") if file.is_file()}
    found.pop("notes.docx", None)
    versions = {version for version in ROWS for file in found.values() if tells(file, version)}
    return repr((sorted(found), sorted(versions)))


def tells(file: Path, version: str) -> bool:
    """Whether a result says that it is of a version."""
    if file.suffix == ".gpkg":
        return bool(gpd.read_file(file, layer="communities")["name"].iloc[0].startswith(version))
    text = file.read_text(encoding="utf-8")
    return any(sign in text for sign in (f"小镇{version}", f"{version}0,", f"most-{version}"))


def fork(order: dict[str, Any]) -> dict[str, Any]:
    """Write in a process of its own, which is killed in time."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            WRITERS[order["writer"]](Path(order["target"]), order["version"])
            status = 0
        except SitingError as fault:
            sys.stderr.write(f"{fault}\n")
            status = 2
        finally:
            os._exit(status)
    began = time.perf_counter()
    if order["kill_after"] is not None:
        time.sleep(order["kill_after"])
        os.kill(child, signal.SIGKILL)  # one that has ended waits for us to look: nobody else is hit
    _, status = os.waitpid(child, 0)
    return {"status": os.waitstatus_to_exitcode(status), "seconds": time.perf_counter() - began}


def tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    inputs, exchange = Path(sys.argv[1]), sys.argv[2]
    if exchange == "two steps":
        from siting.data import folder_exchange

        folder_exchange._exchanged = lambda one, other: False
    inputs.mkdir()
    write_inputs(inputs)
    warm = inputs.parent / "warm"
    warm.mkdir()
    for name in WRITERS:
        WRITERS[name](warm / name, "A")
    tell("ready")
    for line in sys.stdin:
        order = json.loads(line)
        answer = {"state": state(Path(order["target"]))} if order["writer"] == "state" else fork(order)
        tell(json.dumps(answer))


if __name__ == "__main__":
    main()
