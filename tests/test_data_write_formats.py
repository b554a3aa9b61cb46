"""Layers written to geodatabases, FlatGeobuf and GeoParquet are read back as they were, or not written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from siting.data import read_layer, write_layer
from siting.errors import LayerError, SitingError

SUFFIXES = [".gdb", ".fgb", ".parquet"]


def layer(**columns: Any) -> gpd.GeoDataFrame:
    index = pd.Index(["007", "008"], name="id")
    columns = {"population": [10, 20], "name": ["甲", "乙"], "cost": [1.5, np.nan], **columns}
    return gpd.GeoDataFrame(
        columns, index=index, geometry=shapely.points([120.0, 120.1], [29.0, 29.1]), crs="EPSG:4490"
    )


def unwritten(frame: Any, path: Path, **options: Any) -> str:
    with pytest.raises(SitingError) as caught:
        write_layer(frame, path, **options)
    return str(caught.value)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_there_and_back(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"市{suffix}"
    write_layer(layer(flag=[True, False], big=[2**40, -(2**40)]), file)
    out = read_layer(file, "communities")
    assert list(out.index) == ["007", "008"]
    assert out["population"].tolist() == [10, 20]
    assert out["name"].tolist() == ["甲", "乙"]
    assert out["cost"].tolist()[0] == 1.5
    assert np.isnan(out["cost"].tolist()[1])
    assert out["big"].tolist() == [2**40, -(2**40)]
    assert out["flag"].tolist() == [1, 0]
    assert shapely.get_coordinates(out.geometry.array) == pytest.approx(
        np.array([[120.0, 29.0], [120.1, 29.1]]), abs=1e-9
    )
    assert out.crs.to_epsg() == 4490
    assert [file.name for file in tmp_path.iterdir()] == [f"市{suffix}"]


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(places=st.lists(st.tuples(st.floats(120, 120.02), st.floats(29, 29.02)), min_size=1, max_size=30))
def test_rows_keep_their_order(tmp_path: Path, suffix: str, places: list[tuple[float, float]]) -> None:
    index = pd.Index([f"r{n}" for n in range(len(places))], name="id")
    frame = gpd.GeoDataFrame(
        {"cost": np.arange(len(places)) / 2}, index=index, geometry=shapely.points(places), crs=4326
    )
    file = tmp_path / f"a{suffix}"
    write_layer(frame, file)
    out = read_layer(file, "candidates")
    assert list(out.index) == list(index)
    assert out["cost"].tolist() == frame["cost"].tolist()
    assert shapely.get_coordinates(out.geometry.array) == pytest.approx(np.array(places), abs=1e-8)


def test_geoparquet_is_of_version_1_1(tmp_path: Path) -> None:
    write_layer(layer(), tmp_path / "a.parquet")
    facts = json.loads(pq.read_schema(tmp_path / "a.parquet").metadata[b"geo"])
    assert facts["version"] == "1.1.0"
    assert facts["columns"]["geometry"]["encoding"] == "WKB"


# --- File Geodatabase


def test_layers_are_added_and_replaced(tmp_path: Path) -> None:
    file = tmp_path / "市.gdb"
    write_layer(layer(), file, layer="小区")
    write_layer(layer(name=["丙", "丁"]), file, layer="村")
    write_layer(layer(name=["戊", "己"]), file, layer="小区")
    assert sorted(name for name, _ in pyogrio.list_layers(file)) == ["小区", "村"]
    assert read_layer(file, "communities", layer="小区")["name"].tolist() == ["戊", "己"]
    assert read_layer(file, "communities", layer="村")["name"].tolist() == ["丙", "丁"]
    assert '"市.gdb" holds "小区", "村", which would be lost; give layer= to add or replace one' in unwritten(
        layer(), file
    )
    assert read_layer(file, "communities", layer="村")["name"].tolist() == ["丙", "丁"]


def test_parts_are_mixed(tmp_path: Path) -> None:
    box, two = shapely.box(120, 29, 120.01, 29.01), shapely.box(120.02, 29, 120.03, 29.01)
    frame = layer().set_geometry([box, shapely.MultiPolygon([two])], crs="EPSG:4490")
    write_layer(frame, tmp_path / "a.gdb")
    out = read_layer(tmp_path / "a.gdb", "communities").geometry.iloc[0]
    assert out.normalize().equals_exact(shapely.MultiPolygon([box]).normalize(), 1e-8)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (layer(**{"60岁": [1, 2]}), 'names of columns that a geodatabase changes: "60岁"; begin them with a letter'),
        (layer(**{"a b": [1, 2], "select": [1, 2]}), '"a b", "select"'),
        (layer(big=[2**53 + 1, 0]), '"big" has whole numbers above 2^53, which a geodatabase rounds'),
    ],
)
def test_what_a_geodatabase_cannot_hold(tmp_path: Path, frame: gpd.GeoDataFrame, message: str) -> None:
    assert message in unwritten(frame, tmp_path / "a.gdb")
    assert not list(tmp_path.iterdir())


def test_names_that_a_geodatabase_takes_itself_are_kept(tmp_path: Path) -> None:
    write_layer(layer(OBJECTID=[5, 6], Shape=["x", "y"]), tmp_path / "a.gdb")
    out = read_layer(tmp_path / "a.gdb", "communities")
    assert out["OBJECTID"].tolist() == [5, 6]
    assert out["Shape"].tolist() == ["x", "y"]


def test_layers_have_plain_names(tmp_path: Path) -> None:
    assert 'a geodatabase has no layer called "小区 1"; give another with layer=' in unwritten(
        layer(), tmp_path / "a.gdb", layer="小区 1"
    )


def test_other_folders_are_never_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "a.gdb"
    folder.mkdir()
    (folder / "mine.txt").write_text("x")
    assert '"a.gdb" is a folder that is no geodatabase: it holds "mine.txt"' in unwritten(layer(), folder)
    assert (folder / "mine.txt").read_text() == "x"
    (tmp_path / "b.gdb").write_text("x")
    assert '"b.gdb" is a file, but a geodatabase is a folder' in unwritten(layer(), tmp_path / "b.gdb")
    write_layer(layer(), tmp_path / "c.gdb")
    (tmp_path / "c.gdb" / "小区.PC.1.sr.lock").write_text("")
    assert "it is open in ArcGIS; close it there first" in unwritten(layer(), tmp_path / "c.gdb")


def test_a_layer_is_of_one_file_only(tmp_path: Path) -> None:
    for name in ("a.fgb", "a.parquet"):
        with pytest.raises(LayerError, match="is for files that hold several"):
            write_layer(layer(), tmp_path / name, layer="x")


# --- full disks

FULL = """
import resource, signal, sys
import geopandas as gpd, numpy as np, shapely
from siting.data import write_layer
from siting.errors import SitingError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
points = shapely.points(np.linspace(120, 121, 50000), np.linspace(29, 30, 50000))
frame = gpd.GeoDataFrame({"text": ["x" * 40] * 50000}, geometry=points, crs=4326)
try:
    write_layer(frame, sys.argv[1])
except SitingError as fault:
    print("refused", fault)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no such limit on Windows")
@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("limit", [500_000])
def test_a_full_disk_leaves_the_old_file(tmp_path: Path, suffix: str, limit: int) -> None:
    """A limit on the size of a file stands for the disk."""
    file = tmp_path / f"a{suffix}"
    write_layer(layer(), file)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", FULL, file, str(limit)], capture_output=True, text=True, env=env)
    assert done.stdout.startswith("refused"), done.stdout + done.stderr
    assert done.returncode == 0
    assert read_layer(file, "communities")["name"].tolist() == ["甲", "乙"]
    assert [entry.name for entry in tmp_path.iterdir()] == [f"a{suffix}"]
