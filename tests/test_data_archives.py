"""Layers in zip archives: Shapefiles, geodatabases and KMZ, and archives that mean harm."""

from __future__ import annotations

import stat
import struct
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely

from siting.data import read_layer, zip_archive
from siting.errors import LayerError


def refused(path: str | Path, role: str = "communities", **options: Any) -> str:
    with pytest.raises(LayerError) as caught:
        read_layer(path, role, **options)
    return str(caught.value)


def town(**columns: Any) -> gpd.GeoDataFrame:
    columns = {"id": ["001", "002"], "population": np.array([10, 20], dtype=np.int32), **columns}
    return gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries.from_xy([120.0, 120.1], [29.0, 29.1]), crs="EPSG:4326")


def shapefile(folder: Path, **columns: Any) -> list[Path]:
    """Write a Shapefile and return its files."""
    pyogrio.write_dataframe(town(**columns), folder / "a.shp", encoding="GB18030")
    return sorted(folder.glob("a.*"))


def packed(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


@pytest.fixture
def parts(tmp_path: Path) -> dict[str, bytes]:
    """The files of a Shapefile, suffix → content."""
    folder = tmp_path / "parts"
    folder.mkdir()
    return {file.suffix: file.read_bytes() for file in shapefile(folder, 名称=["幼儿园", "公园"])}


def test_a_zipped_shapefile(tmp_path: Path, parts: dict[str, bytes]) -> None:
    file = packed(tmp_path / "市.zip", {f"数据/小区{suffix}": data for suffix, data in parts.items()})
    out = read_layer(file, "communities")
    assert out["name"].to_dict() == {"001": "幼儿园", "002": "公园"}
    assert out.geometry.iloc[1] == shapely.Point(120.1, 29.1)
    assert out.attrs["source"] == "市.zip:小区"


def test_names_in_the_code_page_of_the_computer(tmp_path: Path, parts: dict[str, bytes]) -> None:
    """Windows packs names in GBK without saying so."""
    for page in ("gb18030", "utf-8"):
        name = "小区".encode(page)
        file = packed(tmp_path / "a.zip", {f"{'N' * len(name)}{suffix}": data for suffix, data in parts.items()})
        file.write_bytes(file.read_bytes().replace(b"N" * len(name), name))  # the names of the headers
        assert read_layer(file, "communities").attrs["source"] == "a.zip:小区"


def test_several_shapefiles(tmp_path: Path, parts: dict[str, bytes]) -> None:
    members = {f"{name}{suffix}": data for name in ("旧/小区", "新/小区", "新/村") for suffix, data in parts.items()}
    file = packed(tmp_path / "a.zip", {**members, "__MACOSX/新/._村.shp": b"x", "说明.txt": b"x"})
    assert 'has 3 Shapefiles, "旧/小区", "新/小区", "村"; choose one with layer=' in refused(file)
    assert len(read_layer(file, "communities", layer="新/小区")) == 2
    assert len(read_layer(file, "communities", layer="村")) == 2


def test_a_zipped_shapefile_with_parts_missing(tmp_path: Path, parts: dict[str, bytes]) -> None:
    file = packed(tmp_path / "a.zip", {"小区.shp": parts[".shp"], "小区.dbf": parts[".dbf"]})
    text = refused(file)
    assert ".shx of the Shapefile is missing beside it, copy it too" in text
    assert tempfile.gettempdir() not in text


def test_a_zipped_geodatabase(tmp_path: Path) -> None:
    folder = tmp_path / "市.gdb"
    pyogrio.write_dataframe(town(), folder, driver="OpenFileGDB", layer="小区")
    pyogrio.write_dataframe(town(), folder, driver="OpenFileGDB", layer="村")
    inside = {f"市.gdb/{file.name}": file.read_bytes() for file in folder.iterdir()}
    file = packed(tmp_path / "市.gdb.zip", inside)
    assert read_layer(file, "communities", layer="村").attrs["source"] == "市.gdb.zip:村"
    assert 'has 2 layers, "小区", "村"' in refused(file)
    twice = {**inside, **{f"other/{name}": data for name, data in inside.items()}}
    assert "holds several geodatabases" in refused(packed(tmp_path / "b.zip", twice))


def test_an_archive_of_something_else(tmp_path: Path) -> None:
    file = packed(tmp_path / "a.zip", {"a.gpkg": b"x"})
    assert 'holds no Shapefile and no .gdb, but "a.gpkg"; unpack it, and read the file in it' in refused(file)
    with zipfile.ZipFile(tmp_path / "b.zip", "w"):
        pass
    assert "does not hold what its suffix .zip says" in refused(tmp_path / "b.zip")


# --- KMZ

KML = (
    '<kml xmlns="http://www.opengis.net/kml/2.2"><Document><name>甲</name><Placemark><name>乙</name>'
    "<Point><coordinates>120,29,0</coordinates></Point></Placemark>{}</Document></kml>"
)


def test_kmz(tmp_path: Path) -> None:
    kml = KML.format("").encode()
    file = packed(tmp_path / "a.kmz", {"doc.kml": kml, "files/x.png": b"x", "other.kml": b"<kml/>"})
    assert read_layer(file, "candidates")["name"].tolist() == ["乙"]
    assert read_layer(packed(tmp_path / "b.kmz", {"市.kml": kml}), "candidates").attrs["source"] == "b.kmz:甲"
    assert "holds no KML file" in refused(packed(tmp_path / "c.kmz", {"x.png": b"x"}), "candidates")
    two = packed(tmp_path / "d.kmz", {"a.kml": kml, "b.kml": kml})
    assert 'holds 2 KML files, "a.kml", "b.kml", and no doc.kml; unpack it, and read one' in refused(two, "candidates")


def test_links_within_a_kmz_are_its_layers(tmp_path: Path) -> None:
    """As QGIS writes them; what they link to may not link further."""
    pyogrio.write_dataframe(town(常住户数=[5, 6]), tmp_path / "a.kmz", driver="LIBKML", layer="小区")
    assert read_layer(tmp_path / "a.kmz", "communities")["households"].tolist() == [5, 6]
    link = "<NetworkLink><Link><href>layers/../b &amp; c.kml</href></Link></NetworkLink>"
    inside = {"doc.kml": KML.format(link).encode(), "b & c.kml": KML.format("").replace("甲", "丙").encode()}
    file = packed(tmp_path / "b.kmz", inside)
    assert 'has 2 folders, "甲", "丙"; choose one with layer=' in refused(file, "candidates")
    assert len(read_layer(file, "candidates", layer="丙")) == 1
    file = packed(tmp_path / "c.kmz", {**inside, "b & c.kml": KML.format(link).encode()})
    assert "holds links to other files" in refused(file, "candidates")


@pytest.mark.parametrize(
    "href", ["http://localhost:1/other.kml", "none.kml", "../../etc/passwd", "file:///etc/passwd", "/other.kml", ""]
)
def test_network_links_are_not_followed(tmp_path: Path, href: str) -> None:
    link = f"<NetworkLink><Link><href>{href}</href></Link></NetworkLink>"
    file = packed(tmp_path / "a.kmz", {"doc.kml": KML.format(link).encode(), "other.kml": KML.format("").encode()})
    assert "holds links to other files (NetworkLink), which are not followed" in refused(file, "candidates")


# --- archives that mean harm


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("../小区.shp", "a path out of the archive"),
        ("a/../../小区.shp", "a path out of the archive"),
        ("..\\小区.shp", "a path out of the archive"),
        ("/etc/小区.shp", "an absolute path"),
        ("C:\\小区.shp", "an absolute path"),
        ("\\\\server\\小区.shp", "an absolute path"),
    ],
)
@pytest.mark.parametrize("suffix", [".zip", ".kmz"])
def test_members_out_of_the_archive_are_refused(
    tmp_path: Path, parts: dict[str, bytes], name: str, why: str, suffix: str
) -> None:
    good = {"doc.kml": KML.format("").encode(), **{f"小区{end}": data for end, data in parts.items()}}
    text = refused(packed(tmp_path / f"a{suffix}", {**good, name: b"x"}), "candidates")
    assert "has members that are not safe to unpack" in text
    assert why in text
    assert not list(tmp_path.parent.glob("小区*"))


def test_links_in_an_archive_are_refused(tmp_path: Path, parts: dict[str, bytes]) -> None:
    file = packed(tmp_path / "a.zip", {f"小区{end}": data for end, data in parts.items() if end != ".dbf"})
    with zipfile.ZipFile(file, "a") as archive:
        link = zipfile.ZipInfo("小区.dbf")
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    assert "小区.dbf (a link or device)" in refused(file)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_members_that_occur_twice_are_refused(tmp_path: Path, parts: dict[str, bytes]) -> None:
    file = packed(tmp_path / "a.zip", {f"小区{end}": data for end, data in parts.items()})
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("小区.dbf", b"other")
    assert "小区.dbf (occurs twice)" in refused(file)


def test_bombs_are_not_unpacked(tmp_path: Path, parts: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """Row 31: the limit is on what comes out, whatever sizes the archive states."""
    monkeypatch.setattr(zip_archive, "MOST_UNPACKED", 1 << 20)
    bomb = {**{f"小区{end}": data for end, data in parts.items()}, "小区.dbf": b"\x00" * (8 << 20)}
    file = packed(tmp_path / "a.zip", bomb)
    assert file.stat().st_size < 20_000
    assert "unpacks to more than 0 GB; unpack it yourself, and read the file in it" in refused(file)
    assert "unpacks to more than" in refused(packed(tmp_path / "b.kmz", {"doc.kml": b" " * (8 << 20)}))
    data = bytearray(file.read_bytes())
    at = data.find(b"PK\x01\x02", data.find("小区.dbf".encode()))
    assert at > 0
    stated = data.rfind(b"PK\x01\x02", 0, data.rfind("小区.dbf".encode()))
    data[stated + 24 : stated + 28] = struct.pack("<I", 10)  # the unpacked size that the archive states
    file.write_bytes(data)
    assert refused(file).startswith("communities (a.zip): ")


def test_too_many_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zip_archive, "MOST_MEMBERS", 3)
    file = packed(tmp_path / "a.zip", {f"{n}.txt": b"" for n in range(4)})
    assert "has 4 members, too many for a layer" in refused(file)


def test_damaged_archives(tmp_path: Path, parts: dict[str, bytes]) -> None:
    file = packed(tmp_path / "a.zip", {f"小区{end}": data for end, data in parts.items()})
    good = file.read_bytes()
    file.write_bytes(good[: len(good) // 2])
    assert "cannot be unpacked: File is not a zip file; is the copy complete?" in refused(file)
    at = good.find(b"PK\x03\x04") + 60
    file.write_bytes(good[:at] + bytes(byte ^ 0xFF for byte in good[at : at + 40]) + good[at + 40 :])
    assert "communities (a.zip): cannot be unpacked: " in refused(file)


def test_archives_with_a_password(tmp_path: Path, parts: dict[str, bytes]) -> None:
    file = packed(tmp_path / "a.zip", {f"小区{end}": data for end, data in parts.items()})
    data = bytearray(file.read_bytes())
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # where the two headers of a member say so
        at = data.find(mark)
        while at >= 0:
            data[at + flags] |= 1
            at = data.find(mark, at + 4)
    file.write_bytes(data)
    assert "is protected by a password; unpack it, and read the file in it" in refused(file)


def test_nothing_is_left_of_what_was_unpacked(
    tmp_path: Path, parts: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    room = tmp_path / "room"
    room.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(room))
    read_layer(packed(tmp_path / "a.zip", {f"小区{end}": data for end, data in parts.items()}), "communities")
    refused(packed(tmp_path / "b.zip", {"小区.shp": parts[".shp"], "小区.shx": zlib.compress(b"x")}))
    assert not list(room.iterdir())
