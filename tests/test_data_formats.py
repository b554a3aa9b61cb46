"""Layers in the files that bureaus have: geodatabases, KML, GPX, MapInfo, FlatGeobuf, and what to do with others."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely

from siting.data import read_layer
from siting.data.formats import FORMATS
from siting.data.toml_files import package_toml
from siting.errors import LayerError


def refused(path: str | Path, role: str = "communities", **options: Any) -> str:
    with pytest.raises(LayerError) as caught:
        read_layer(path, role, **options)
    return str(caught.value)


def town(**columns: Any) -> gpd.GeoDataFrame:
    columns = {"id": ["001", "002"], "population": np.array([10, 20], dtype=np.int32), **columns}
    return gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries.from_xy([120.0, 120.1], [29.0, 29.1]), crs="EPSG:4326")


# --- File Geodatabase


def test_a_geodatabase(tmp_path: Path) -> None:
    file = tmp_path / "市.gdb"
    pyogrio.write_dataframe(town(名称=["甲", "乙"]), file, driver="OpenFileGDB", layer="小区")
    out = read_layer(file, "communities")
    assert out["population"].to_dict() == {"001": 10, "002": 20}
    assert out["name"].tolist() == ["甲", "乙"]
    assert out.geometry.iloc[1].distance(shapely.Point(120.1, 29.1)) < 1e-8
    assert out.attrs["source"] == "市.gdb:小区"
    pyogrio.write_dataframe(town(), file, driver="OpenFileGDB", layer="old")
    assert 'has 2 layers, "小区", "old"; choose one with layer=' in refused(file)
    assert len(read_layer(file, "communities", layer="old")) == 2


def test_folders_that_are_no_geodatabase(tmp_path: Path) -> None:
    folder = tmp_path / "a.gdb"
    folder.mkdir()
    assert "is a folder, but no File Geodatabase (a00000001.gdbtable is missing)" in refused(folder)
    (folder / "a00000001.gdbtable").write_bytes(b"\x00" * 100)
    assert "cannot be opened as a geodatabase" in refused(folder)
    (tmp_path / "b.gdb").write_bytes(b"x")
    assert '"b.gdb" is no folder, as a geodatabase is' in refused(tmp_path / "b.gdb")
    (tmp_path / "c.gpkg").mkdir()
    assert '"c.gpkg" is a folder, not a file' in refused(tmp_path / "c.gpkg")


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_geodatabase_with_a_link_out_of_it(tmp_path: Path) -> None:
    file = tmp_path / "a.gdb"
    pyogrio.write_dataframe(town(), file, driver="OpenFileGDB", layer="小区")
    inside = file / "a00000009.gdbtable"
    shutil.move(inside, tmp_path / "elsewhere")
    inside.symlink_to(tmp_path / "elsewhere")
    assert 'has links, pipes or devices among its files: "a00000009.gdbtable"' in refused(file)


# --- KML

KML = """<?xml version="1.0" encoding="{encoding}"?>
<kml xmlns="http://www.opengis.net/kml/2.2"><Document><name>城</name>
<Style id="s"><IconStyle><Icon><href>http://example.org/x.png</href></Icon></IconStyle></Style>
<Folder><name>小区</name>
 <Placemark id="p1"><name>甲</name><styleUrl>#s</styleUrl><ExtendedData><Data name="人口"><value>300</value></Data>
 <Data name="户数"><value>90</value></Data></ExtendedData><Point><coordinates>120,29,0</coordinates></Point></Placemark>
 <Folder><name>内</name><Placemark><name>乙</name><ExtendedData><Data name="人口"><value>5</value></Data></ExtendedData>
 <Polygon><outerBoundaryIs><LinearRing><coordinates>120,29 120.001,29 120.001,29.001 120,29</coordinates></LinearRing>
 </outerBoundaryIs></Polygon></Placemark></Folder>
</Folder>
<Folder><name>空</name></Folder>{more}
</Document></kml>"""


@pytest.mark.parametrize("encoding", ["UTF-8", "GB2312", "UTF-16"])
def test_kml(tmp_path: Path, encoding: str) -> None:
    """Folders are layers, also those within others; extended data are columns by their Chinese names."""
    file = tmp_path / "a.kml"
    file.write_bytes(KML.format(encoding=encoding, more="").encode(encoding))
    assert 'has 2 folders, "小区", "内"; choose one with layer=' in refused(file)
    out = read_layer(file, "communities", layer="小区")
    assert out[["name", "population", "households"]].to_dict("index") == {
        "p1": {"name": "甲", "population": 300, "households": 90}
    }
    assert out.geometry.iloc[0] == shapely.Point(120, 29)
    assert out.crs.to_epsg() == 4326
    assert list(out.columns) == ["name", "population", "households", "geometry"]
    inner = read_layer(file, "communities", layer="内")
    assert list(inner.index) == ["communities-1"]
    assert inner.geometry.iloc[0].geom_type == "Polygon"


def test_kml_that_other_programs_write(tmp_path: Path) -> None:
    file = tmp_path / "a.kml"
    pyogrio.write_dataframe(town(常住户数=[5, 6]), file, driver="LIBKML", layer="小区")
    out = read_layer(file, "communities")
    assert out["households"].to_dict() == {"001": 5, "002": 6}


def test_ids_beside_numbers_that_programs_give_to_placemarks(tmp_path: Path) -> None:
    file = tmp_path / "a.kml"
    pyogrio.write_dataframe(town().rename(columns={"id": "小区编号"}), file, driver="LIBKML", layer="小区")
    text = file.read_text(encoding="utf-8")
    number = re.compile(r'id="[^"]*\.(\d)"')
    assert len(number.findall(text)) == 2
    for ids in (r'id="小区.\1"', r'id="ID_0000\1"'):
        file.write_text(number.sub(ids, text), encoding="utf-8")
        assert list(read_layer(file, "communities").index) == ["001", "002"]
    file.write_text(number.sub(r'id="甲\1"', text), encoding="utf-8")
    assert list(read_layer(file, "communities").index) == ["甲1", "甲2"]


def test_kml_without_names(tmp_path: Path) -> None:
    place = "<Placemark><name>甲</name><Point><coordinates>120,29</coordinates></Point></Placemark>"
    (tmp_path / "市.kml").write_text(f"<kml><Document>{place}</Document></kml>", encoding="utf-8")
    assert read_layer(tmp_path / "市.kml", "candidates").attrs["source"] == "市.kml:市"
    (tmp_path / "市.kml").write_text(f"<kml>{place}</kml>", encoding="utf-8")
    assert read_layer(tmp_path / "市.kml", "candidates", layer="市")["name"].tolist() == ["甲"]


def test_kml_of_other_files_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.kml"
    link = "<NetworkLink><Link><href>http://localhost:1/b.kml</href></Link></NetworkLink>"
    file.write_text(KML.format(encoding="UTF-8", more=link), encoding="utf-8")
    assert "holds links to other files (NetworkLink), which are not followed" in refused(file)
    entity = '<?xml version="1.0"?><!DOCTYPE kml [<!ENTITY x SYSTEM "file:///etc/passwd">]><kml>&x;</kml>'
    file.write_text(entity, encoding="utf-8")
    assert "does not hold what its suffix .kml says" in refused(file)
    file.write_text("<kml><Document><Placemark></Document></kml>", encoding="utf-8")
    assert "cannot be opened as KML" in refused(file)
    file.write_text(KML.format(encoding="klingon", more=""), encoding="utf-8")
    assert 'its encoding "klingon" is not known; give it with encoding=' in refused(file)
    file.write_bytes(KML.format(encoding="UTF-8", more="").encode("gb18030"))
    assert "its text is not UTF-8; say which it is with encoding=" in refused(file)
    assert len(read_layer(file, "communities", layer="小区", encoding="gb18030")) == 1


# --- GPX

GPX = """<?xml version="1.0" encoding="UTF-8"?>
<gpx version="1.1" creator="x" xmlns="http://www.topografix.com/GPX/1/1">
<wpt lat="29" lon="120"><ele>5</ele><name>甲</name></wpt><wpt lat="29.1" lon="120.1"><name>乙</name></wpt>
<trk><name>路</name><trkseg><trkpt lat="29" lon="120"></trkpt><trkpt lat="29.001" lon="120.001"></trkpt></trkseg></trk>
{more}</gpx>"""


def test_gpx_with_extensions(tmp_path: Path) -> None:
    options = {"GPX_USE_EXTENSIONS": "YES"}
    columns = {"id": "ogr_id", "population": "ogr_population"}
    frame = town(id=["k1", "k2"])
    pyogrio.write_dataframe(frame, tmp_path / "a.gpx", driver="GPX", layer="waypoints", dataset_options=options)
    assert read_layer(tmp_path / "a.gpx", "communities", columns=columns)["population"].to_dict() == {
        "k1": 10,
        "k2": 20,
    }
    pyogrio.write_dataframe(town(), tmp_path / "b.gpx", driver="GPX", layer="waypoints", dataset_options=options)
    assert 'columns "ogr_id" have codes with zeros in front' in refused(tmp_path / "b.gpx", columns=columns)


def test_gpx(tmp_path: Path) -> None:
    """The layer is the one with the geometry of the role, and points of tracks only when asked for."""
    file = tmp_path / "a.gpx"
    file.write_text(GPX.format(more=""), encoding="utf-8")
    out = read_layer(file, "candidates")
    assert out["name"].tolist() == ["甲", "乙"]
    assert out.attrs["source"] == "a.gpx:waypoints"
    assert "ele" in out.columns
    assert "sym" not in out.columns  # empty in the whole file
    assert read_layer(file, "streets").attrs["source"] == "a.gpx:tracks"
    assert len(read_layer(file, "candidates", layer="track_points")) == 2
    route = '<rte><rtept lat="29" lon="120"></rtept><rtept lat="29.002" lon="120.001"></rtept></rte>'
    file.write_text(GPX.format(more=route), encoding="utf-8")
    assert 'has 2 layers, "routes", "tracks"; choose one with layer=' in refused(file, "streets")
    assert 'has no layer "paths"' in refused(file, "streets", layer="paths")
    file.write_text("<gpx><wpt></gpx>", encoding="utf-8")
    assert refused(file).startswith("communities (a.gpx): ")


# --- MapInfo


@pytest.mark.parametrize("suffix", [".tab", ".mif"])
@pytest.mark.parametrize(("page", "stated"), [("CP936", True), ("CP936", False), ("UTF-8", True)])
def test_mapinfo(tmp_path: Path, suffix: str, page: str, stated: bool, caplog: pytest.LogCaptureFixture) -> None:
    """The text is read whether the file names its character set or not."""
    file = tmp_path / f"a{suffix}"
    options = {"layer_options": {"ENCODING": page}} if stated else {"encoding": page}
    pyogrio.write_dataframe(town(name=["甲", "幼儿园"]), file, driver="MapInfo File", **options)
    with caplog.at_level(logging.INFO, "siting"):
        out = read_layer(file, "communities")
    assert out["name"].tolist() == ["甲", "幼儿园"]
    assert out["population"].to_dict() == {"001": 10, "002": 20}
    assert out.geometry.iloc[1].distance(shapely.Point(120.1, 29.1)) < 1e-6
    assert ("its text was read as gb18030" in caplog.text) == (not stated)


def test_mapinfo_with_parts_missing(tmp_path: Path) -> None:
    pyogrio.write_dataframe(town(), tmp_path / "a.tab", driver="MapInfo File")
    (tmp_path / "a.dat").unlink()
    assert ".dat of the table is missing beside it, copy it too" in refused(tmp_path / "a.tab")
    pyogrio.write_dataframe(town(), tmp_path / "b.mif", driver="MapInfo File")
    (tmp_path / "b.mid").unlink()
    assert ".mid of the table is missing beside it, copy it too" in refused(tmp_path / "b.mif")


@pytest.mark.parametrize(
    "text",
    [
        '!table\n!version 300\nDefinition Table\n  File "/etc/passwd"\n  Type "RASTER"\n',
        '!table\n!version 100\nOpen Table "/tmp/other" Hide\n\nCreate View a As\nSelect * From other\n',
        '!table\nDefinition Table\n Type NATIVE\nbegin_metadata\n"\\IsSeamless" = "TRUE"\nend_metadata\n',
        "!table\n!version 300\nDefinition Table\n  Type LINKED\n",
    ],
)
def test_a_tab_of_other_files_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.tab").write_text(text)
    assert "it is a picture, a view or a link to other tables" in refused(tmp_path / "a.tab")


def test_mif_without_a_system_needs_one(tmp_path: Path) -> None:
    (tmp_path / "a.mif").write_text(
        'Version 300\nCharset "Neutral"\nDelimiter ","\nColumns 2\n  id Char(5)\n  population Integer\n'
        "Data\n\nPoint 500000 3208999\n"
    )
    (tmp_path / "a.mid").write_text('"x",7\n')
    assert "has no CRS; give the one of its coordinates" in refused(tmp_path / "a.mif")
    assert read_layer(tmp_path / "a.mif", "communities", crs="EPSG:4549")["population"].to_dict() == {"x": 7}


# --- FlatGeobuf


def test_flatgeobuf(tmp_path: Path) -> None:
    file = tmp_path / "a.fgb"
    pyogrio.write_dataframe(town(名称=["甲", "乙"]), file, driver="FlatGeobuf")
    out = read_layer(file, "communities").sort_index()
    assert out["name"].tolist() == ["甲", "乙"]
    file.write_bytes(file.read_bytes()[:-40])
    assert refused(file).startswith("communities (a.fgb): ")


# --- what is not read


@pytest.mark.parametrize("suffix", package_toml("unread_formats.toml"))
def test_a_format_that_is_not_read_says_the_ways_out(tmp_path: Path, suffix: str) -> None:
    record = package_toml("unread_formats.toml")[suffix]
    assert suffix not in FORMATS
    assert len(record["ways"]) == 2
    file = tmp_path / f"a{suffix.upper()}"
    file.write_bytes(b"x")
    text = refused(file)
    assert f"is {record['is']}, which is not read: {record['ways'][0]}, or {record['ways'][1]}" in text
    assert set(re.findall(r"(?<!\w)\.[a-z]+", " ".join(record["ways"]))) <= set(FORMATS)  # what is named is read


def test_another_kind_under_a_wrong_name_is_recognised(tmp_path: Path) -> None:
    page = tmp_path / "a.xls"
    page.write_text("<html><table><tr><td>1</td></tr></table></html>")
    assert "it is a page of the web; open it in a spreadsheet program and save it as .xlsx" in refused(page)
    (tmp_path / "b.xlsx").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600)
    assert "protected by a password" in refused(tmp_path / "b.xlsx")
    (tmp_path / "c.xls").write_bytes(b"PK\x03\x04" + b"\x00" * 600)
    assert "it looks like .zip or .kmz or .xlsx or .xlsm; rename it" in refused(tmp_path / "c.xls")
    (tmp_path / "d.csv").write_bytes(b"PK\x03\x04" + b"\x00" * 600)
    assert "it looks like .zip or .kmz or .xlsx or .xlsm; rename it" in refused(tmp_path / "d.csv")
    (tmp_path / "e.xls").write_bytes("编号\t常住人口\n1\t20\n".encode("gb18030"))
    assert "it looks like a table of text; rename it to .csv" in refused(tmp_path / "e.xls")


def test_a_file_called_as_a_geodatabase(tmp_path: Path) -> None:
    assert "is a folder; name a file or a geodatabase (.gdb) in it" in refused(tmp_path)
    (tmp_path / "a.gdb").write_bytes(b"x")
    assert refused(tmp_path / "a.gdb") == ('communities: "a.gdb" is no folder, as a geodatabase is; is the name right?')


VRT = "<OGRVRTDataSource><OGRVRTLayer name='a'><SrcDataSource>/vsicurl/http://x</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>"


@pytest.mark.parametrize("suffix", [s for s, kind in FORMATS.items() if s != ".csv" and not kind.folder])
def test_a_virtual_layer_under_another_name_is_refused(tmp_path: Path, suffix: str) -> None:
    """Row 31: no suffix opens a file that names others."""
    file = tmp_path / f"a{suffix}"
    file.write_text(VRT)
    assert f"does not hold what its suffix {suffix} says" in refused(file)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.kml", "<kml></kml>{}"),
        ("a.kml", "<!--{}--><kml></kml>"),
        ("a.gpx", "<gpx></gpx>{}"),
        ("a.dxf", "999\n{}\n0\nSECTION\n2\nENTITIES\n0\nENDSEC\n0\nEOF\n"),
        ("a.mif", "version 300\n{}"),
        ("a.tab", "!table\n{}"),
    ],
)
def test_a_virtual_layer_within_another_kind_is_refused(tmp_path: Path, name: str, text: str) -> None:
    """Row 31: GDAL would open what the virtual layer names."""
    for part in (".dat", ".map", ".id", ".mid"):
        (tmp_path / f"a{part}").write_bytes(b"")
    (tmp_path / "secret.csv").write_text("x,y\n120,29\n")
    (tmp_path / name).write_text(text.format(VRT.replace("/vsicurl/http://x", str(tmp_path / "secret.csv"))))
    assert 'has "<OGRVRTDataSource" at its beginning, as files of another kind have' in refused(
        tmp_path / name, "candidates"
    )
    (tmp_path / name).write_text(text.format('<wfs:FeatureCollection xsi:schemaLocation="http://x?REQUEST=Describe">'))
    assert 'has "<wfs:FeatureCollection" at its beginning' in refused(tmp_path / name, "candidates")


def test_json_that_runs_a_pipeline_is_refused(tmp_path: Path) -> None:
    """Row 31: GDAL would run it, and connect to what it names."""
    for read in (tmp_path / "a.csv", "/vsicurl/http://127.0.0.1:9/a.fgb"):
        line = f"gdal vector pipeline ! read {read} ! write --of stream streamed_dataset"
        (tmp_path / "a.json").write_text(json.dumps({"type": "gdal_streamed_alg", "command_line": line}))
        text = refused(tmp_path / "a.json")
        assert "is no GeoJSON, or damaged" in text
        assert "127.0.0.1" not in text


@pytest.mark.parametrize("name", ["a b.geojson", "市：1.geojson", "a'b\".json", "a?b#c.json", "GeoJSON.json"])
def test_names_of_geojson_files(tmp_path: Path, name: str) -> None:
    pyogrio.write_dataframe(town(), tmp_path / "x.geojson")
    (tmp_path / "x.geojson").rename(tmp_path / name)
    assert len(read_layer(tmp_path / name, "communities")) == 2


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
@pytest.mark.parametrize("suffix", [s for s, kind in FORMATS.items() if not kind.folder])
def test_pipes_are_refused(tmp_path: Path, suffix: str) -> None:
    """A pipe would be waited for without end: as the file, through a link, and beside the file."""
    file = tmp_path / f"a{suffix}"
    os.mkfifo(file)
    assert "is a pipe or a device, not a file" in refused(file)
    link = tmp_path / f"b{suffix}"
    link.symlink_to(file)
    assert "is a pipe or a device, not a file" in refused(link)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
@pytest.mark.parametrize(("name", "beside"), [("a.shp", "a.dbf"), ("a.tab", "a.dat"), ("a.gpkg", "a.gpkg-wal")])
def test_pipes_beside_a_file_are_refused(tmp_path: Path, name: str, beside: str) -> None:
    driver = {".shp": "ESRI Shapefile", ".tab": "MapInfo File", ".gpkg": "GPKG"}[Path(name).suffix]
    pyogrio.write_dataframe(town(), tmp_path / name, driver=driver)
    (tmp_path / beside).unlink(missing_ok=True)
    os.mkfifo(tmp_path / beside)
    assert f'has pipes or devices beside it: "{beside}"' in refused(tmp_path / name)


def test_paths_that_name_no_file(tmp_path: Path) -> None:
    assert "cannot be read: embedded null" in refused("a\x00.gpkg").replace("character", "")
    loop = tmp_path / "a.gpkg"
    loop.symlink_to(loop)
    assert "cannot be read: " in refused(loop)
    assert "cannot be read: File name too long" in refused(tmp_path / ("x" * 300 + ".gpkg"))
