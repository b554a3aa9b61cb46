"""What is written is read back as it was, and a failure leaves the old file whole."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import signal
import sqlite3
import subprocess
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pyogrio
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from siting.data import atomic_path, check_layer, read_layer, write_layer, write_table
from siting.errors import LayerError, SitingError

ALL = ["gpkg", "geojson", "json", "parquet", "geoparquet", "csv", "xlsx", "shp"]
NOTICE = {"zh": "合成数据", "en": "Synthetic data"}


def layer(crs: str = "EPSG:4326", **columns: Any) -> Any:
    """Two communities in canonical form; every column has a name that a Shapefile holds."""
    columns = {
        "id": ["001", "110101199001011234"],
        "name": ["=甲", ""],
        "population": [1200, 0],
        "elderly": [300, 0],
        "low_demand": [True, False],
        **columns,
    }
    places = gpd.GeoSeries.from_xy([120.0, 120.123456789], [29.0, 29.1], crs="EPSG:4326").to_crs(crs)
    return check_layer(gpd.GeoDataFrame(columns, geometry=places, crs=crs), "communities")


def candidates() -> Any:
    frame = gpd.GeoDataFrame(
        {"id": ["a", "b"], "cost": [0.1 + 0.2, 41.6], "floor_area": [1e6 / 3, 0.0], "services": ["childcare", ""]},
        geometry=gpd.GeoSeries.from_xy([120.0, 120.1], [29.0, 29.1]),
        crs="EPSG:4326",
    )
    return check_layer(frame, "candidates")


def districts() -> Any:
    hole = shapely.box(120, 29, 120.1, 29.1).difference(shapely.box(120.04, 29.04, 120.06, 29.06))
    two = shapely.union(shapely.box(121, 29, 121.1, 29.1), shapely.box(122, 29, 122.1, 29.1))
    frame = gpd.GeoDataFrame({"id": ["d1", "d2"], "name": ["甲", "乙"]}, geometry=[hole, two], crs="EPSG:4326")
    return check_layer(frame, "districts")


def same(one: Any, other: Any, *, tolerance: float = 0.0, relative: float = 0.0) -> None:
    pd.testing.assert_frame_equal(
        pd.DataFrame(one.drop(columns="geometry")),
        pd.DataFrame(other.drop(columns="geometry")),
        rtol=relative,
        atol=0.0,
    )
    assert one.crs == other.crs
    distances = shapely.hausdorff_distance(
        shapely.normalize(one.geometry.array), shapely.normalize(other.geometry.array)
    )
    assert (distances <= tolerance).all()


# --- round trips


@pytest.mark.parametrize("suffix", ALL)
def test_communities_come_back_as_they_were(tmp_path: Path, suffix: str) -> None:
    """Rows 13 and 32: ids keep zeros and digits, a name like a formula stays a name."""
    frame = layer()
    write_layer(frame, tmp_path / f"a.{suffix}")
    same(read_layer(tmp_path / f"a.{suffix}", "communities"), frame)


@pytest.mark.parametrize("suffix", [s for s in ALL if s != "shp"])
def test_numbers_come_back_to_the_last_digit(tmp_path: Path, suffix: str) -> None:
    frame = candidates()
    write_layer(frame, tmp_path / f"a.{suffix}")
    digits = 1e-15 if suffix in ("geojson", "json", "xlsx") else 0.0  # these keep 15 digits
    same(read_layer(tmp_path / f"a.{suffix}", "candidates"), frame, relative=digits)


@pytest.mark.parametrize("suffix", ALL)
def test_outlines_come_back(tmp_path: Path, suffix: str) -> None:
    frame = districts()
    write_layer(frame, tmp_path / f"a.{suffix}")
    same(read_layer(tmp_path / f"a.{suffix}", "districts"), frame, tolerance=1e-9)


@pytest.mark.parametrize("suffix", ["gpkg", "parquet", "shp"])
def test_the_crs_comes_back(tmp_path: Path, suffix: str) -> None:
    frame = layer("EPSG:4549")
    write_layer(frame, tmp_path / f"a.{suffix}")
    same(read_layer(tmp_path / f"a.{suffix}", "communities"), frame)


@pytest.mark.parametrize("suffix", ["geojson", "csv", "xlsx"])
def test_the_others_hold_degrees(tmp_path: Path, suffix: str) -> None:
    frame = layer("EPSG:4549")
    write_layer(frame, tmp_path / f"a.{suffix}")
    out = read_layer(tmp_path / f"a.{suffix}", "communities")
    assert out.crs.to_epsg() == 4326
    assert out.to_crs(frame.crs).distance(frame).max() < 1e-4


def test_a_missing_length_stays_missing(tmp_path: Path) -> None:
    lines = [shapely.LineString([(120, 29), (120.001, 29)])] * 2
    frame = gpd.GeoDataFrame({"id": ["a", "b"], "length": [97.5, np.nan]}, geometry=lines, crs="EPSG:4326")
    for suffix in ALL:
        write_layer(frame, tmp_path / f"a.{suffix}")
        assert read_layer(tmp_path / f"a.{suffix}", "streets")["length"].isna().tolist() == [False, True], suffix


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["csv", "gpkg"])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30))
def test_any_name_comes_back(tmp_path: Path, suffix: str, name: str) -> None:
    """Rows 32 and 34: quotes, line breaks, formulas, control characters."""
    frame = layer(name=[name, "x"])
    (tmp_path / f"a.{suffix}").unlink(missing_ok=True)
    write_layer(frame, tmp_path / f"a.{suffix}")
    assert read_layer(tmp_path / f"a.{suffix}", "communities")["name"].tolist() == frame["name"].tolist()


def test_the_input_is_not_changed(tmp_path: Path) -> None:
    frame = layer()
    frame.attrs["notice"] = NOTICE
    before = frame.copy()
    for suffix in ALL:
        write_layer(frame, tmp_path / f"a.{suffix}")
    pd.testing.assert_frame_equal(pd.DataFrame(frame), pd.DataFrame(before))
    assert frame.attrs == before.attrs


# --- what is written


@pytest.mark.parametrize("suffix", ["gpkg", "parquet"])
def test_notice_and_attribution_are_kept(tmp_path: Path, suffix: str) -> None:
    frame = layer()
    frame.attrs = {"notice": NOTICE, "attribution": "© OSM", "source": "x", "odd": {1, 2}}
    write_layer(frame, tmp_path / f"a.{suffix}")
    attrs = read_layer(tmp_path / f"a.{suffix}", "communities").attrs
    assert attrs["notice"] == NOTICE
    assert attrs["attribution"] == "© OSM"
    assert "odd" not in attrs


def test_a_lost_notice_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    frame = layer()
    frame.attrs["notice"] = NOTICE
    with caplog.at_level(logging.INFO, "siting"):
        write_layer(frame, tmp_path / "a.csv")
    assert ".csv does not keep the notice" in caplog.text


@pytest.mark.slow
def test_the_same_layers_give_the_same_bytes(tmp_path: Path) -> None:
    sums = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        file = tmp_path / name / "a.gpkg"
        write_layer(layer(), file, layer="a")
        write_layer(districts(), file, layer="b")
        sums.append(hashlib.sha256(file.read_bytes()).hexdigest())
        time.sleep(1.1)
    assert sums[0] == sums[1]


@pytest.mark.slow
def test_threads_write_at_once(tmp_path: Path) -> None:
    """Eight threads: the bytes of one, all layers of one file, and no setting of GDAL or Python left changed."""
    before, frame = warnings.filters[:], layer()
    write_layer(frame, tmp_path / "a.gpkg")

    def write(n: int) -> None:
        (tmp_path / str(n)).mkdir()
        write_layer(frame, tmp_path / str(n) / "a.gpkg")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(40)))
        list(pool.map(lambda n: write_layer(frame, tmp_path / "many.gpkg", layer=f"layer{n}"), range(16)))
    one = (tmp_path / "a.gpkg").read_bytes()
    assert all((tmp_path / str(n) / "a.gpkg").read_bytes() == one for n in range(40))
    assert {name for name, _ in pyogrio.list_layers(tmp_path / "many.gpkg")} == {f"layer{n}" for n in range(16)}
    assert warnings.filters == before
    assert pyogrio.get_gdal_config_option("OGR_CURRENT_DATE") is None
    assert sorted(p.name for p in tmp_path.iterdir() if not p.is_dir()) == ["a.gpkg", "many.gpkg"]


def test_a_new_layer_leaves_the_dates_of_the_others(tmp_path: Path) -> None:
    write_layer(layer(), tmp_path / "a.gpkg", layer="old")
    with contextlib.closing(sqlite3.connect(tmp_path / "a.gpkg")) as book, book:
        book.execute("UPDATE gpkg_contents SET last_change = '2020-02-20T20:20:20.000Z'")
    write_layer(districts(), tmp_path / "a.gpkg", layer="new")
    with contextlib.closing(sqlite3.connect(tmp_path / "a.gpkg")) as book:
        dates = dict(book.execute("SELECT table_name, last_change FROM gpkg_contents"))
    assert dates == {"old": "2020-02-20T20:20:20.000Z", "new": "2000-01-01T00:00:00.000Z"}


def test_csv_for_a_spreadsheet(tmp_path: Path) -> None:
    """Row 32: no cell begins a formula; Excel sees that it is UTF-8."""
    write_layer(layer(), tmp_path / "a.csv")
    data = (tmp_path / "a.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    assert data.decode("utf-8-sig").split("\r\n") == [
        "id,name,population,elderly,low_demand,lon,lat",
        "001,'=甲,1200,300,True,120.0,29.0",
        "110101199001011234,,0,0,False,120.123456789,29.1",
        "",
    ]


def test_excel_holds_text_not_formulas(tmp_path: Path) -> None:
    """Row 32: written as text."""
    write_layer(layer(name=["=cmd|' /C calc'!A0", "a\x07b"]), tmp_path / "a.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx").active
    assert sheet is not None
    assert [(sheet[c].data_type, sheet[c].value) for c in ("A2", "B2", "B3")] == [
        ("s", "001"),
        ("s", "=cmd|' /C calc'!A0"),
        ("s", "ab"),
    ]


def test_an_index_of_another_name(tmp_path: Path) -> None:
    write_layer(layer().rename_axis("site"), tmp_path / "a.gpkg")
    assert pyogrio.read_dataframe(tmp_path / "a.gpkg")["site"].tolist() == list(layer().index)
    write_layer(layer().rename_axis(None), tmp_path / "b.gpkg")
    assert pyogrio.read_dataframe(tmp_path / "b.gpkg")["id"].tolist() == list(layer().index)
    write_layer(layer().reset_index(drop=True), tmp_path / "c.gpkg")
    assert "id" not in pyogrio.read_dataframe(tmp_path / "c.gpkg").columns


def test_names_that_a_geopackage_uses_itself(tmp_path: Path) -> None:
    frame = layer(fid=[5, 5], geom=["x", "y"])
    write_layer(frame, tmp_path / "a.gpkg")
    same(read_layer(tmp_path / "a.gpkg", "communities"), frame)


# --- layers of a GeoPackage


def test_a_layer_is_added_and_replaced(tmp_path: Path) -> None:
    file = tmp_path / "a.gpkg"
    frame = layer()
    frame.attrs["notice"] = NOTICE
    write_layer(frame, file, layer="communities")
    write_layer(districts(), file, layer="districts")
    write_layer(frame.iloc[:1], file, layer="communities")
    assert sorted(name for name, _ in pyogrio.list_layers(file)) == ["communities", "districts"]
    same(read_layer(file, "communities"), frame.iloc[:1])
    same(read_layer(file, "districts"), districts())
    assert read_layer(file, "communities").attrs["notice"] == NOTICE
    assert [p.name for p in tmp_path.iterdir()] == ["a.gpkg"]


def test_layers_are_not_lost_unasked(tmp_path: Path) -> None:
    file = tmp_path / "a.gpkg"
    write_layer(layer(), file, layer="communities")
    with pytest.raises(LayerError, match='holds "communities", which would be lost; give layer='):
        write_layer(districts(), file)
    assert len(read_layer(file, "communities")) == 2


def test_a_geopackage_in_use_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "a.gpkg"
    write_layer(layer(), file, layer="communities")
    user = sqlite3.connect(file)
    user.execute("PRAGMA journal_mode=wal")
    user.execute("CREATE TABLE mine (a TEXT)")
    user.commit()
    with pytest.raises(LayerError, match="is open in another program"):
        write_layer(districts(), file, layer="districts")
    user.close()


def test_a_damaged_geopackage_gets_no_layer(tmp_path: Path) -> None:
    file = tmp_path / "a.gpkg"
    file.write_bytes(b"not a database")
    with pytest.raises(LayerError, match="cannot be opened to add a layer"):
        write_layer(layer(), file, layer="communities")
    assert file.read_bytes() == b"not a database"
    write_layer(layer(), file)
    assert len(read_layer(file, "communities")) == 2


# --- what a format cannot hold


def test_a_shapefile_does_not_cut(tmp_path: Path) -> None:
    """Row 11: names over 10 bytes, text over 254 bytes."""
    frame = layer(build_status=["new", "existing"], 建筑名称=["a", "b"], note=["文" * 85, "x"])
    with pytest.raises(LayerError) as caught:
        write_layer(frame, tmp_path / "a.shp")
    names, text = map(str, caught.value.faults)
    assert 'over 10 bytes, which a Shapefile cuts: "build_status", "建筑名称"; write a GeoPackage' in names
    assert '"note" has 1 text over 254 bytes' in text
    assert not list(tmp_path.iterdir())


def test_a_shapefile_holds_what_fits(tmp_path: Path) -> None:
    """Row 11: Chinese names of ten bytes, text of 254."""
    frame = layer(街道名=["a", "b"], note=["文" * 84 + "ab", "x"])
    write_layer(frame, tmp_path / "a.shp")
    same(read_layer(tmp_path / "a.shp", "communities"), frame)


def test_a_shapefile_is_not_replaced(tmp_path: Path) -> None:
    """Its files cannot be exchanged at once; nor may an index of other rows, or somebody's table, stand beside it."""
    write_layer(layer(), tmp_path / "a.shp")
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    with pytest.raises(
        LayerError, match=r'"a.shp", "a.shx".* are there, .* new attributes with old points; remove them'
    ):
        write_layer(layer().iloc[:1], tmp_path / "a.shp")
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before
    for name in ("b.qix", "c.dbf"):
        (tmp_path / name).write_bytes(b"old")
        with pytest.raises(LayerError, match=f'"{name}" are there'):
            write_layer(layer(), (tmp_path / name).with_suffix(".shp"))
        assert (tmp_path / name).read_bytes() == b"old"


@pytest.mark.parametrize(
    ("name", "change", "options", "message"),
    [
        ("a.kml", lambda f: f, {}, "is of no kind that is written here"),
        ("a.csv", lambda f: f, {"layer": "x"}, ".csv holds one layer"),
        ("a.gpkg", lambda f: f.set_crs(None, allow_override=True), {}, "has no CRS"),
        ("a.gpkg", lambda f: pd.DataFrame(f), {}, "is no GeoDataFrame"),
        ("a.gpkg", lambda f: f.assign(Name="x"), {}, 'differ in case only: "name", "Name"'),
        ("a.gpkg", lambda f: f.assign(id="x"), {}, 'index and columns share the names "id"'),
        ("a.gpkg", lambda f: f.assign(n=1).rename(columns={"n": 5}), {}, "must be text"),
        ("a.gpkg", lambda f: f.assign(other=f.geometry), {}, "more than one geometry column"),
        ("a.gpkg", lambda f: f.assign(odd=[1j, 2j]), {}, 'cannot be written to "a.gpkg"'),
        ("a.csv", lambda f: f.assign(lon=5.0), {}, 'columns "lon" are wanted for the coordinates'),
        ("a.xlsx", lambda f: f.assign(name="x" * 40000), {}, "more than a cell of Excel holds"),
    ],
)
def test_what_cannot_be_written(tmp_path: Path, name: str, change: Any, options: Any, message: str) -> None:
    with pytest.raises(LayerError) as caught:
        write_layer(change(layer()), tmp_path / name, **options)
    assert message in str(caught.value)
    assert not list(tmp_path.iterdir())


# --- failure leaves the old file whole


@pytest.mark.parametrize("suffix", ALL)
def test_a_failure_leaves_the_old_file(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row 30: the disk fills while the new file is brought to disk."""
    file = tmp_path / f"a.{suffix}"
    if suffix != "shp":
        write_layer(layer(), file)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SitingError, match=f'"a.{suffix}" cannot be written: the disk is full; make room'):
        write_layer(layer(name=["new", "new"]), file)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_rows_that_did_not_arrive_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row 30: a writer that stops early without an error."""
    file = tmp_path / "a.gpkg"
    write_layer(layer(), file)
    before = file.read_bytes()
    honest = pyogrio.write_dataframe
    monkeypatch.setattr(pyogrio, "write_dataframe", lambda frame, *args, **more: honest(frame.iloc[:1], *args, **more))
    with pytest.raises(LayerError, match="not all of its 2 rows arrived"):
        write_layer(layer(), file)
    assert [p.name for p in tmp_path.iterdir()] == ["a.gpkg"]
    assert file.read_bytes() == before


@pytest.mark.parametrize("at", [1, 3, 5])
def test_a_shapefile_appears_whole_or_not_at_all(tmp_path: Path, at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row 30: one of its files cannot be put in place."""
    calls, moves = 0, {name: getattr(Path, name) for name in ("rename", "replace")}

    def locked(name: str) -> Any:
        def move(self: Path, target: Path) -> Path:
            nonlocal calls
            calls += 1
            if calls == at:
                raise PermissionError(13, "Permission denied")
            return moves[name](self, target)

        return move

    for name in moves:
        monkeypatch.setattr(Path, name, locked(name))
    with pytest.raises(SitingError, match="permission denied; close it in other programs"):
        write_layer(layer(), tmp_path / "a.shp")
    assert not list(tmp_path.iterdir())
    write_layer(layer(), tmp_path / "a.shp")
    same(read_layer(tmp_path / "a.shp", "communities"), layer())


KILLED = """
import sys, time
from pathlib import Path
from siting.data import atomic_path
import pyogrio, geopandas as gpd
frame = gpd.GeoDataFrame({"n": range(1000)}, geometry=gpd.points_from_xy([120.0] * 1000, [29.0] * 1000), crs=4326)
with atomic_path(Path(sys.argv[1])) as draft:
    pyogrio.write_dataframe(frame, draft, driver="GPKG", layer="a")
    with draft.open("r+b") as handle:
        handle.truncate(5000)
    print("midway", flush=True)
    time.sleep(60)
"""


@pytest.mark.slow
def test_a_kill_leaves_the_old_file(tmp_path: Path) -> None:
    """Finding 5 and row 30: killed in the middle of writing."""
    file = tmp_path / "a.gpkg"
    write_layer(layer(), file)
    before = file.read_bytes()
    with subprocess.Popen([sys.executable, "-c", KILLED, str(file)], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "midway\n"
        child.send_signal(signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL
    assert file.read_bytes() == before
    same(read_layer(file, "communities"), layer())
    write_layer(layer().iloc[:1], file)
    assert len(read_layer(file, "communities")) == 1


# --- atomic_path and write_table


def test_atomic_path_replaces_at_the_end(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("old")
    file.chmod(0o640)
    with atomic_path(file) as draft:
        draft.write_text("new")
        assert draft.name == "a.txt"
        assert file.read_text() == "old"
    assert file.read_text() == "new"
    assert file.stat().st_mode & 0o777 == 0o640
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_atomic_path_after_an_exception(tmp_path: Path) -> None:
    """Row 30: an exception inside the writer."""
    file = tmp_path / "a.txt"
    file.write_text("old")

    def fail() -> None:
        with atomic_path(file) as draft:
            draft.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert file.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to(tmp_path / "real.txt")
    with atomic_path(tmp_path / "link.txt") as draft:
        draft.write_text("new")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real.txt").read_text() == "new"


@pytest.mark.parametrize(
    ("name", "message"), [("none/a.txt", "does not exist; make it first"), ("folder", "is a folder")]
)
def test_places_that_cannot_be_written_to(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(SitingError, match=message), atomic_path(tmp_path / name) as draft:
        draft.write_text("x")


def test_a_read_only_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row 30: a folder where nothing may be made."""

    def denied(*_: Any, **__: Any) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkdtemp", denied)
    with pytest.raises(SitingError, match=r"nothing can be written to .*: permission denied; close"):
        write_layer(layer(), tmp_path / "a.gpkg")


def test_nothing_written_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(SitingError, match=r'nothing was written to "a\.txt"'), atomic_path(tmp_path / "a.txt"):
        pass


def test_write_table(tmp_path: Path) -> None:
    """Row 32: formulas are guarded, in names too."""
    frame = pd.DataFrame(
        {"+名称": ["=1+1", "甲,乙"], "n": [-5, 2.5]},
        index=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["g", "w"]),
    )
    write_table(frame, tmp_path / "t.csv")
    data = (tmp_path / "t.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    assert data.decode("utf-8-sig").splitlines() == ["g,w,'+名称,n", "a,1,'=1+1,-5.0", 'b,2,"甲,乙",2.5']
    write_table(frame.reset_index(drop=True), tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text(encoding="utf-8-sig").startswith("'+名称,n")
    with pytest.raises(SitingError, match=r"tables are written as \.csv"):
        write_table(frame, tmp_path / "t.txt")


@pytest.mark.parametrize("suffix", [".parquet", ".gpkg", ".csv"])
def test_half_a_character_or_a_number_beyond_all_is_written_or_refused(tmp_path: Path, suffix: str) -> None:
    points = gpd.points_from_xy([120.0], [29.0])
    ids = gpd.GeoDataFrame(
        {"places": [1]}, geometry=points, index=pd.Index(["\ud800"], name="id", dtype=object), crs=4326
    )
    huge = gpd.GeoDataFrame({"places": [1], "more": pd.Series([2**70], dtype=object)}, geometry=points, crs=4326)
    for frame in (ids, huge):
        with contextlib.suppress(LayerError):  # any other error is one of ours
            write_layer(frame, tmp_path / f"x{suffix}")
