"""Files of every kind are read as they are meant, or refused with a word on what to do."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import geopandas as gpd
import openpyxl
import pandas as pd
import pyogrio
import pytest
import shapely

from siting.data import load_sample, read_layer, sample_path
from siting.data.shapefile_encoding import sidecar
from siting.data.tables import guarded, unguarded
from siting.errors import LayerError, SitingError

ROWS = '编号,名称,常住人口,经度,纬度\n007,甲,"1,200",120.01,29.02\n008,乙,300,120.02,29.03\n'


def refused(path: str | Path, role: str = "communities", **options: Any) -> str:
    with pytest.raises(LayerError) as caught:
        read_layer(path, role, **options)
    return str(caught.value)


def town(**columns: Any) -> gpd.GeoDataFrame:
    columns = {"id": ["001", "002"], "population": [10, 20], **columns}
    return gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries.from_xy([120.0, 120.1], [29.0, 29.1]), crs="EPSG:4326")


def book(path: Path, rows: list[list[Any]], title: str = "Sheet1") -> openpyxl.Workbook:
    made = openpyxl.Workbook()
    sheet = made.active
    assert sheet is not None
    sheet.title = title
    for row in rows:
        sheet.append(row)
    made.save(path)
    return made


# --- paths


@pytest.mark.parametrize(
    "path",
    [
        "https://example.org/a.gpkg",
        "/vsicurl/https://example.org/a.gpkg",
        "/vsizip/a.zip/a.shp",
        "\\vsimem\\a.gpkg",
        "zip://a.zip!a.shp",
        "s3://bucket/a.parquet",
        "PG:dbname=a.gpkg",
        "GPKG:a.gpkg",
    ],
)
def test_remote_paths_are_refused(path: str) -> None:
    """Row 31: no URL, no /vsi… path, no connection."""
    assert "is not a local file; download it first" in refused(path)


@pytest.mark.parametrize("name", ["a.bak", "a.pkl", "a"])
def test_unknown_kinds_are_refused(tmp_path: Path, name: str) -> None:
    """Row 31: only the kinds named, and they are named."""
    (tmp_path / name).write_bytes(b"x")
    text = refused(tmp_path / name)
    assert "is of no kind that is read here; save it as a GeoPackage (.gpkg) or a table (.csv)" in text
    assert '".gpkg", ".gdb", ".geojson", ".json", ".shp", ".zip"' in text


VRT = "<OGRVRTDataSource><OGRVRTLayer name='a'><SrcDataSource>/vsicurl/http://x</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>"


@pytest.mark.parametrize("suffix", [".shp", ".gpkg", ".geojson", ".json", ".parquet", ".xlsx"])
def test_a_vrt_under_another_name_is_refused(tmp_path: Path, suffix: str) -> None:
    """Row 31: a .vrt named .shp."""
    file = tmp_path / f"a{suffix}"
    file.write_text(VRT)
    assert f"does not hold what its suffix {suffix} says" in refused(file)


def test_json_of_another_kind_is_refused(tmp_path: Path) -> None:
    """Row 31: only the driver of the suffix may open it."""
    file = tmp_path / "a.json"
    file.write_text('{"type":"Topology","objects":{"a":{"type":"GeometryCollection","geometries":[]}},"arcs":[]}')
    assert "is no GeoJSON, or damaged; save it as GeoJSON (a FeatureCollection)" in refused(file)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    assert 'none.gpkg" cannot be read: No such file' in refused(tmp_path / "none.gpkg")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.gpkg", b"SQLite format 3\x00" + b"\x00" * 200),
        ("a.geojson", b'{"type": "FeatureCollection", "features": ['),
        ("a.shp", b"\x00\x00\x27\x0a" + b"\x00" * 20),
        ("a.parquet", b"PAR1" + b"\x00" * 20),
        ("a.xlsx", b"PK\x03\x04" + b"\x00" * 20),
        ("a.csv", b""),
    ],
)
def test_damaged_files_are_told(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    assert refused(tmp_path / name).startswith(f"communities ({name}): ")


# --- GeoPackage


def test_a_geopackage_with_several_layers(tmp_path: Path) -> None:
    """Row 22: layer= is required and the names are listed, unless one is called as the role."""
    file = tmp_path / "a.gpkg"
    for name in ("old", "new"):
        pyogrio.write_dataframe(town(name=[name] * 2), file, layer=name)
    assert 'has 2 layers, "old", "new"; choose one with layer=' in refused(file)
    assert 'has no layer "newer"; it has "old", "new"' in refused(file, layer="newer")
    out = read_layer(file, "communities", layer="new")
    assert out["name"].tolist() == ["new", "new"]
    assert out.attrs["source"] == "a.gpkg:new"
    pyogrio.write_dataframe(town(name=["mine"] * 2), file, layer="communities")
    assert read_layer(file, "communities")["name"].tolist() == ["mine", "mine"]


def test_tables_without_geometry_are_not_layers(tmp_path: Path) -> None:
    file = tmp_path / "a.gpkg"
    pyogrio.write_dataframe(pd.DataFrame({"a": [1]}), file, layer="styles")
    assert "has no layer" in refused(file)
    pyogrio.write_dataframe(town(), file, layer="estates")
    assert list(read_layer(file, "communities").index) == ["001", "002"]


def test_notice_and_attribution_are_restored(tmp_path: Path) -> None:
    words = {"notice_zh": "合成数据", "notice_en": "Synthetic data", "attribution": "© OpenStreetMap contributors"}
    pyogrio.write_dataframe(town(), tmp_path / "a.gpkg", layer="a", layer_metadata={**words, "other": "x"})
    assert read_layer(tmp_path / "a.gpkg", "communities").attrs == {
        "notice": {"zh": "合成数据", "en": "Synthetic data"},
        "attribution": "© OpenStreetMap contributors",
        "source": "a.gpkg:a",
    }


def test_layer_is_for_files_that_have_layers(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(ROWS, encoding="utf-8")
    assert ".csv holds one layer" in refused(tmp_path / "a.csv", layer="a")


# --- CRS


def test_crs_is_set_where_the_file_has_none(tmp_path: Path) -> None:
    """Rows 1 and 10: a Shapefile without .prj."""
    pyogrio.write_dataframe(town()[["id", "geometry"]].assign(cost=1.0), tmp_path / "a.shp")
    (tmp_path / "a.prj").unlink()
    assert 'has no CRS; give the one of its coordinates, such as crs="EPSG:4549", where the layer is read' in refused(
        tmp_path / "a.shp", "candidates"
    )
    assert read_layer(tmp_path / "a.shp", "candidates", crs="EPSG:4490").crs.to_epsg() == 4490


def test_crs_may_not_contradict_the_file(tmp_path: Path) -> None:
    pyogrio.write_dataframe(town(), tmp_path / "a.gpkg")
    text = refused(tmp_path / "a.gpkg", crs="EPSG:4549")
    assert "is in EPSG:4326 (WGS 84), but crs= says EPSG:4549" in text
    assert "reproject" in text
    assert read_layer(tmp_path / "a.gpkg", "communities", crs="OGC:CRS84").crs.to_epsg() == 4326
    assert "is not known" in refused(tmp_path / "a.gpkg", crs="EPSG:1")


def geojson(path: Path, x: float, y: float, **head: Any) -> Path:
    feature = {
        "type": "Feature",
        "properties": {"id": "001", "population": 5},
        "geometry": {"type": "Point", "coordinates": [x, y]},
    }
    path.write_text(json.dumps({"type": "FeatureCollection", **head, "features": [feature]}), encoding="utf-8")
    return path


def test_metres_in_geojson_without_crs(tmp_path: Path) -> None:
    """Row 8: labelled 4326 by the format, caught by the bounds; crs= is the remedy."""
    file = geojson(tmp_path / "a.geojson", 509629, 3200000)
    assert "these look like metres" in refused(file)
    assert read_layer(file, "communities", crs="EPSG:4549").crs.to_epsg() == 4549


def test_geojson_that_says_its_crs_is_not_overruled(tmp_path: Path) -> None:
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4549"}}
    file = geojson(tmp_path / "a.json", 509629, 3200000, crs=crs)
    assert read_layer(file, "communities").crs.to_epsg() == 4549
    assert "but crs= says" in refused(file, crs="EPSG:4547")


# --- Shapefile


def test_a_shapefile_without_shx(tmp_path: Path) -> None:
    """Row 10: a missing .shx is named."""
    pyogrio.write_dataframe(town(), tmp_path / "a.shp")
    (tmp_path / "a.shx").unlink()
    assert ".shx of the Shapefile is missing beside it, copy it too" in refused(tmp_path / "a.shp")


@pytest.mark.parametrize("encoding", ["GB18030", "UTF-8"])
def test_a_dbf_without_cpg(tmp_path: Path, encoding: str, caplog: pytest.LogCaptureFixture) -> None:
    """Row 12: GBK .dbf without .cpg."""
    file = tmp_path / "a.shp"
    pyogrio.write_dataframe(town(名称=["幼儿园", "公园"]), file, encoding=encoding)
    (tmp_path / "a.cpg").unlink(missing_ok=True)
    with caplog.at_level(logging.INFO, "siting"):
        assert read_layer(file, "communities")["name"].tolist() == ["幼儿园", "公园"]
    assert f"has no .cpg; its text was read as {encoding}" in caplog.text


# --- CSV


@pytest.mark.parametrize(
    ("encoding", "told"), [("utf-8-sig", "utf-8"), ("utf-8", "utf-8"), ("gbk", "gb18030"), ("utf-16", None)]
)
def test_csv_encodings(tmp_path: Path, encoding: str, told: str | None, caplog: pytest.LogCaptureFixture) -> None:
    """Rows 12, 13 and 14: BOM, GBK, ids as text, thousands marks."""
    file = tmp_path / "小区.csv"
    file.write_text(ROWS, encoding=encoding)
    with caplog.at_level(logging.INFO, "siting"):
        out = read_layer(file, "communities")
    assert list(out.index) == ["007", "008"]
    assert out["name"].tolist() == ["甲", "乙"]
    assert out["population"].tolist() == [1200, 300]
    assert out.crs.to_epsg() == 4326
    assert out.geometry.iloc[0] == shapely.Point(120.01, 29.02)
    assert out.attrs["source"] == "小区.csv"
    understood = {"编号": "id", "名称": "name", "常住人口": "population", "经度": "lon", "纬度": "lat"}
    assert out.attrs["understood"] == understood
    assert "columns 经度 and 纬度 are taken as EPSG:4326" in caplog.text
    if told:
        assert f"read as {told}" in caplog.text


def test_an_encoding_can_be_asked_for(tmp_path: Path) -> None:
    """Row 12: encoding= overrides."""
    file = tmp_path / "a.csv"
    file.write_text(ROWS.replace("甲", "台灣"), encoding="utf-8")
    assert "is not text in ascii, at least in line 1; say which with encoding=" in refused(file, encoding="ascii")
    assert "is not known" in refused(file, encoding="gbk18030")
    file.write_bytes("id,name,population,lon,lat\n1,臺灣,3,120,29\n".encode("big5"))
    assert read_layer(file, "communities", encoding="big5")["name"].tolist() == ["臺灣"]


@pytest.mark.parametrize("mark", [";", "\t"])
def test_other_separators(tmp_path: Path, mark: str) -> None:
    file = tmp_path / "a.csv"
    file.write_text(f"id{mark}population{mark}lon{mark}lat\n1{mark}5{mark}120{mark}29\n")
    assert read_layer(file, "communities")["population"].tolist() == [5]


def test_a_title_above_the_header(tmp_path: Path) -> None:
    """Row 15: the row is shown."""
    file = tmp_path / "a.csv"
    file.write_text("金华市小区人口表,,,,\n" + ROWS, encoding="utf-8")
    text = refused(file)
    assert 'row 1 holds "金华市小区人口表" and not the names of the 5 columns' in text
    file.write_text("\n金华市小区人口表\n2025年,某某科\n" + ROWS, encoding="utf-8")
    assert 'row 2 holds "金华市小区人口表"' in refused(file)


def test_blank_rows_and_columns_are_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("\nid,population,lon,lat,,\n,,,,,\n1,5,120,29,,\n\n")
    assert list(read_layer(file, "communities").columns) == ["population", "geometry"]


def test_cells_beyond_the_header(tmp_path: Path) -> None:
    """Row 14: an unquoted 1,200 must not shift the columns."""
    file = tmp_path / "a.csv"
    file.write_text("id,lon,lat,population\n1,120,29,300\n2,120,29,1,200\n")
    assert 'rows "3" have cells in a column without a name' in refused(file)


@pytest.mark.parametrize("first", [0, 1])
def test_row_numbers_without_a_name_are_left_out(tmp_path: Path, first: int) -> None:
    file = tmp_path / "a.csv"
    file.write_text(f",id,population,lon,lat\n{first},a,5,120,29\n{first + 1},b,6,120.01,29\n")
    assert list(read_layer(file, "communities").columns) == ["population", "geometry"]
    file.write_text(f",id,population,lon,lat\n{first},a,5,120,29\n{first + 2},b,6,120.01,29\n")
    assert 'rows "2", "3" have cells in a column without a name' in refused(file)


def test_a_header_that_stands_again_is_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "a.csv"
    head = "id,population,lon,lat,note"
    file.write_text(f"{head}\n1,5,120,29,\n{head}\n2,6,120.01,29,id\n", encoding="utf-8")
    assert read_layer(file, "communities")["population"].to_dict() == {"1": 5, "2": 6}
    assert 'rows "3" repeat the names of the columns and were left out' in caplog.text
    file.write_text(f"{head}\n1,5,120,29,\n{head}\n2,6,x,29,id\n", encoding="utf-8")
    assert '"row 3: x" (rows below the header)' in refused(file)  # counted with the row that was left out


def test_header_names_stand_once(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("id,population,population,lon,lat\n1,5,6,120,29\n")
    assert 'columns occur twice: "population"' in refused(file)


def test_text_that_looks_missing_is_text(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("id,name,population,lon,lat\nNA,null,5,120,29\nnan,None,6,120,29\n")
    out = read_layer(file, "communities")
    assert list(out.index) == ["NA", "nan"]
    assert out["name"].tolist() == ["null", "None"]


@pytest.mark.parametrize(
    ("header", "row", "options", "message"),
    [
        ("id,population", "1,5", {}, "has no coordinates: a table needs columns lon and lat"),
        ("id,population,lon", "1,5,120", {}, "has no coordinates"),
        ("id,population,x,y", "1,5,500000,3200000", {}, "do not say in which CRS they are; give it, for example crs="),
        ("id,population,wkt", "1,5,POINT (120 29)", {}, "do not say in which CRS"),
        ("id,population,wkt", "1,5,POINT 120 29", {"crs": "EPSG:4326"}, 'is not WKT in 1 of 1 rows: "row 1: POINT'),
        ("id,population,lon,lat", "1,5,120°30',29", {}, '"lon" is not a number in 1 of 1 rows: "row 1: 120°30\'"'),
        ("id,population,lon,lat", "1,5,,29", {}, '1 of 1 rows have no geometry, or one that cannot be read: "1"'),
        ("id,population,lon,lat,wkt", "1,5,120,29,POINT (120 29)", {}, "give the place twice"),
        ("id,population,lon,lng,lat", "1,5,120,121,29", {}, 'could each be "lon"'),
        ("id,population,a,lat", "1,5,120,29", {"columns": {"lon": "b", "lat": "lat"}}, 'has no column "b"'),
        ("id,population,lon,lat", "1,5,29,120", {}, "longitude and latitude look swapped"),
    ],
)
def test_places_that_cannot_be_read(
    tmp_path: Path, header: str, row: str, options: dict[str, Any], message: str
) -> None:
    """Rows 4, 14 and 19, in tables."""
    file = tmp_path / "a.csv"
    file.write_text(f"{header}\n{row}\n", encoding="utf-8")
    assert message in refused(file, **options)


@pytest.mark.parametrize(
    ("header", "row", "options"),
    [
        ("id,population,x,y", "1,5,500000,3208999.2", {"crs": "EPSG:4549"}),
        ("id,population,X坐标,Y坐标", "1,5,500000,3208999.2", {"crs": "EPSG:4549"}),
        ("id,population,wkt", "1,5,SRID=4549;POINT (500000 3208999.2)", {}),
        ("id,population,geometry", "1,5,POINT (500000 3208999.2)", {"crs": "EPSG:4549"}),
        ("id,population,东,北", "1,5,500000,3208999.2", {"crs": "EPSG:4549", "columns": {"x": "东", "y": "北"}}),
        ("id,population,lon,lat", "1,5,120,29", {"crs": "EPSG:4490"}),
        ("id,population,lon,lat,x,y", "1,5,120,29,7,8", {}),
    ],
)
def test_places_in_tables(tmp_path: Path, header: str, row: str, options: dict[str, Any]) -> None:
    file = tmp_path / "a.csv"
    file.write_text(f"{header}\n{row}\n", encoding="utf-8")
    out = read_layer(file, "communities", **options)
    place = out.to_crs("EPSG:4326").geometry.iloc[0]
    assert place.x == pytest.approx(120, abs=1e-4)
    assert place.y == pytest.approx(29, abs=1e-2)


def test_long_outlines_fit_into_a_cell(tmp_path: Path) -> None:
    ring = shapely.Point(500000, 3200000).buffer(500, quad_segs=2500)
    file = tmp_path / "a.csv"
    file.write_text(f'id,wkt\n1,"{ring.wkt}"\n')
    assert file.stat().st_size > 131072
    assert read_layer(file, "districts", crs="EPSG:4549").geometry.iloc[0].equals(ring)


@pytest.mark.parametrize("text", ["=1+1", "'=1+1", "''-x", "'quoted'", "plain", "-5", "@a", "\tb", "＝1", ""])
def test_the_guard_is_taken_off_again(text: str) -> None:
    """Row 32: formulas are written as text, and read back as they were."""
    assert unguarded(guarded(text)) == text
    assert not guarded(text).startswith(("=", "+", "-", "@", "\t", "＝"))


# --- Excel


def test_excel(tmp_path: Path) -> None:
    """Rows 13 and 14: ids as text, codes shown with zeros, numbers as they are."""
    file = tmp_path / "a.xlsx"
    head = ["编号", "名称", "人口（人）", "经度", "纬度", "楼层"]
    made = book(file, [head, [7, 101, "1,200", 120.01, 29.02, 6], ["x08", None, 300, 120.02, 29.03, 7]])
    assert made.active is not None
    made.active["A2"].number_format = "000"
    made.save(file)
    out = read_layer(file, "communities")
    assert list(out.index) == ["007", "x08"]
    assert out["name"].tolist() == ["101", ""]
    assert out["population"].tolist() == [1200, 300]
    assert out["楼层"].tolist() == [6, 7]


def test_ids_that_excel_has_cut_are_refused(tmp_path: Path) -> None:
    """Row 13: an 18-digit number in Excel has 15 digits left."""
    file = tmp_path / "a.xlsx"
    book(file, [["id", "population", "lon", "lat"], [110101199001011200, 5, 120, 29]])
    assert "have lost digits" in refused(file)


def test_sheets(tmp_path: Path) -> None:
    """Row 22, for workbooks."""
    file = tmp_path / "a.xlsx"
    rows = [["id", "population", "lon", "lat"], ["a", 5, 120, 29]]
    made = book(file, rows, "2024")
    second = made.create_sheet("2025")
    for row in [rows[0], ["b", 6, 120, 29]]:
        second.append(row)
    made.save(file)
    assert 'has 2 sheets, "2024", "2025"; choose one with layer=' in refused(file)
    assert list(read_layer(file, "communities", layer="2025").index) == ["b"]
    assert 'has no sheet "2026"' in refused(file, layer="2026")


def test_a_title_above_the_header_in_excel(tmp_path: Path) -> None:
    """Row 15: also in Excel."""
    file = tmp_path / "a.xlsx"
    book(file, [["金华市小区人口表"], ["id", "population", "lon", "lat"], ["a", 5, 120, 29]])
    assert 'row 1 holds "金华市小区人口表"' in refused(file)


def test_a_workbook_that_unpacks_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row 31: a zip bomb."""
    file = tmp_path / "a.xlsx"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", bytes(5_000_000))
    monkeypatch.setattr("siting.data.read_workbook.MOST_UNPACKED", 1_000_000)
    assert file.stat().st_size < 10_000
    assert "too much for a table" in refused(file)


# --- GeoParquet and the sample


def test_parquet_without_geometry(tmp_path: Path) -> None:
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "a.parquet")
    assert "has no coordinates" in refused(tmp_path / "a.parquet")


def test_attrs_from_a_file_are_not_trusted(tmp_path: Path) -> None:
    frame = town()
    frame.attrs = {"notice": {"zh": "合成", "en": 5}, "attribution": ["x"], "other": 1}
    frame.to_parquet(tmp_path / "a.parquet")
    assert read_layer(tmp_path / "a.parquet", "communities").attrs == {
        "notice": {"zh": "合成"},
        "source": "a.parquet",
    }


@pytest.mark.slow
def test_the_sample_is_sound() -> None:
    layers = load_sample()
    assert list(layers) == ["communities", "eldercare", "childcare", "candidates", "districts", "streets"]
    known = set(layers["districts"].index)
    for name, frame in layers.items():
        assert frame.index.name == "id"
        assert frame.crs.is_projected
        assert frame.attrs["notice"]["zh"]
        assert frame.attrs["attribution"] == "© OpenStreetMap contributors, ODbL 1.0"
        assert frame.attrs["source"] == f"sample.gpkg:{name}"
        if "district" in frame:
            assert set(frame["district"]) <= known


@pytest.mark.parametrize("name", ["none.gpkg", "../README.md", "/etc/hostname"])
def test_the_sample_has_no_such_file(name: str) -> None:
    with pytest.raises(SitingError, match="the sample has no file"):
        sample_path(name)


def test_a_text_like_a_formula_is_guarded_and_comes_back() -> None:
    assert (guarded("=1+1"), unguarded(guarded("=1+1")), guarded("plain")) == ("'=1+1", "=1+1", "plain")


@pytest.mark.slow
def test_importing_the_room_loads_neither_gdal_nor_openpyxl() -> None:
    code = "import sys, siting.data; print({'pyogrio', 'openpyxl', 'scipy.spatial', 'rich'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "set()\n"


@pytest.mark.parametrize("suffix", [".dbf", ".DBF"])
def test_a_file_beside_a_shapefile_may_have_capitals(tmp_path: Path, suffix: str) -> None:
    assert sidecar(tmp_path / "a.shp", ".dbf") is None
    (tmp_path / f"a{suffix}").touch()
    found = sidecar(tmp_path / "a.shp", ".dbf")
    assert found is not None
    assert found.is_file()
