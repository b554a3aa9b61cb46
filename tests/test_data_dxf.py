"""Drawings: what a layer holds for the role, closed lines as areas, and the text of any version."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import pyogrio
import pytest
import shapely

from siting.data import read_layer
from siting.errors import LayerError

SQUARE = [(500000, 3200000), (500100, 3200000), (500100, 3200100), (500000, 3200100)]


def refused(path: str | Path, role: str = "communities", **options: Any) -> str:
    with pytest.raises(LayerError) as caught:
        read_layer(path, role, **{"crs": "EPSG:4549", **options})
    return str(caught.value)


def groups(*pairs: Any) -> str:
    """Write groups of a DXF file: code, value, code, value …."""
    return "".join(f"{code:>3}\n{value}\n" for code, value in zip(pairs[::2], pairs[1::2], strict=True))


def line(handle: str, layer: str, places: Sequence[tuple[float, float]], closed: int = 0) -> str:
    head = groups(0, "LWPOLYLINE", 5, handle, 100, "AcDbEntity", 8, layer, 100, "AcDbPolyline", 90, len(places))
    return head + groups(70, closed) + "".join(groups(10, x, 20, y) for x, y in places)


def point(handle: str, layer: str, x: float, y: float) -> str:
    return groups(0, "POINT", 5, handle, 8, layer, 10, x, 20, y)


def text(handle: str, layer: str, x: float, y: float, word: str) -> str:
    return groups(0, "TEXT", 5, handle, 8, layer, 10, x, 20, y, 40, 2.5, 1, word)


def insert(handle: str, layer: str, block: str, x: float, y: float, **attributes: str) -> str:
    made = groups(0, "INSERT", 5, handle, 8, layer, *((66, 1) if attributes else ()), 2, block, 10, x, 20, y)
    for n, (tag, value) in enumerate(attributes.items()):
        made += groups(0, "ATTRIB", 5, f"{handle}{n}", 8, layer, 10, x, 20, y, 40, 1, 1, value, 2, tag, 70, 0)
    return made + (groups(0, "SEQEND") if attributes else "")


BLOCK = groups(0, "BLOCK", 8, "0", 2, "MARK", 70, 0, 10, 0, 20, 0) + line("F", "0", [(0, 0), (1, 0), (1, 1)], 1)
BLOCK += groups(0, "ENDBLK")


def drawing(entities: str, blocks: str = BLOCK, version: str = "AC1015", page: str = "ANSI_936") -> str:
    head = groups(0, "SECTION", 2, "HEADER", 9, "$ACADVER", 1, version, 9, "$DWGCODEPAGE", 3, page, 0, "ENDSEC")
    head += groups(0, "SECTION", 2, "BLOCKS") + blocks + groups(0, "ENDSEC", 0, "SECTION", 2, "ENTITIES")
    return head + entities + groups(0, "ENDSEC", 0, "EOF")


def written(path: Path, content: str, encoding: str = "gb18030") -> Path:
    path.write_bytes(content.encode(encoding))
    return path


def test_closed_lines_are_areas(tmp_path: Path) -> None:
    """By their mark, or because they end where they begin; an open line is none."""
    entities = line("A1", "小区", SQUARE, 1) + line("A2", "小区", [*SQUARE, SQUARE[0]]) + line("A3", "小区", SQUARE)
    file = written(tmp_path / "a.dxf", drawing(entities))
    assert "has no CRS; give the one of its coordinates" in refused(file, "districts", crs=None)
    out = read_layer(file, "districts", crs="EPSG:4549")
    assert list(out.index) == ["A1", "A2"]
    assert out.geometry.iloc[0].equals(shapely.Polygon(SQUARE))
    assert out.area.tolist() == [10000, 10000]
    assert out.attrs["source"] == "a.dxf:小区"


def test_lines_stay_lines_for_streets(tmp_path: Path) -> None:
    entities = line("A1", "路", SQUARE) + line("A2", "路", [*SQUARE, SQUARE[0]])
    out = read_layer(written(tmp_path / "a.dxf", drawing(entities)), "streets", crs="EPSG:4549")
    assert out.length.tolist() == [300, 400]


def test_marks_and_labels(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A block is a point with its attributes; labels beside points are left out; alone, they are the points."""
    entities = insert("B1", "设施", "MARK", 500050, 3200050, NAME="阳光 托育", PLACES="30")
    entities += insert("B2", "设施", "MARK", 500060, 3200060, NAME="乙", PLACES="40")
    entities += text("B3", "设施", 500050, 3200052, "阳光") + text("C1", "注记", 500010, 3200010, "幼儿园")
    file = written(tmp_path / "a.dxf", drawing(entities))
    assert 'has 2 layers, "注记", "设施"; choose one with layer=' in refused(file, "childcare")
    out = read_layer(file, "childcare", layer="设施", crs="EPSG:4549")
    assert out[["name", "places"]].to_dict("index") == {
        "B1": {"name": "阳光 托育", "places": 30},
        "B2": {"name": "乙", "places": 40},
    }
    assert out.geometry.iloc[0] == shapely.Point(500050, 3200050)
    assert "1 of 3 entities of layer 设施, of other kinds or labels, were left out" in caplog.text
    labels = read_layer(file, "candidates", layer="注记", crs="EPSG:4549")
    assert labels["text"].to_dict() == {"C1": "幼儿园"}


def test_areas_come_before_points(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    entities = line("A1", "小区", SQUARE, 1) + point("A2", "小区", 500001, 3200001) + point("A3", "点", 500001, 3200001)
    file = written(tmp_path / "a.dxf", drawing(entities))
    out = read_layer(file, "community_areas", layer="小区", crs="EPSG:4549")
    assert list(out.index) == ["A1"]
    assert "1 of 2 entities" in caplog.text
    assert list(read_layer(file, "candidates", layer="点", crs="EPSG:4549").index) == ["A3"]


@pytest.mark.parametrize(
    ("version", "page", "encoding"),
    [
        ("AC1015", "ANSI_936", "gb18030"),
        ("AC1015", "ANSI_1252", "gb18030"),  # as many programs write it
        ("AC1021", "ANSI_936", "utf-8"),  # from 2007 on, whatever the code page
        ("AC1032", "ANSI_1252", "utf-8"),
        ("AC1015", "ANSI_950", "big5"),
    ],
)
def test_the_text_of_a_drawing(
    tmp_path: Path, version: str, page: str, encoding: str, caplog: pytest.LogCaptureFixture
) -> None:
    content = drawing(text("C1", "注記", 500010, 3200010, "公園"), version=version, page=page)
    file = written(tmp_path / "a.dxf", content, encoding)
    with caplog.at_level(logging.INFO, "siting"):
        out = read_layer(file, "candidates", crs="EPSG:4549")
    assert out[["drawing_layer", "text"]].values.tolist() == [["注記", "公園"]]
    assert f"its text was read as {encoding if encoding != 'big5' else 'cp950'}" in caplog.text


def test_the_encoding_can_be_given(tmp_path: Path) -> None:
    content = drawing(text("C1", "注記", 500010, 3200010, "公園"), page="ANSI_936")
    file = written(tmp_path / "a.dxf", content, "big5")
    out = read_layer(file, "candidates", crs="EPSG:4549", encoding="big5")
    assert out["text"].tolist() == ["公園"]
    assert "its text is not ascii; say which it is with encoding=" in refused(file, encoding="ascii")
    assert 'encoding="klingon" is not known' in refused(file, encoding="klingon")


@pytest.mark.parametrize("flag", [4, 8, 36])
def test_drawings_that_need_others_are_refused(tmp_path: Path, flag: int) -> None:
    """A reference or an overlay of another drawing; what it holds would be missing."""
    other = groups(
        0, "BLOCK", 8, "0", 2, "BASE", 70, flag, 10, 0, 20, 0, 3, "BASE", 1, "..\\底图\\地形.dwg", 0, "ENDBLK"
    )
    file = written(tmp_path / "a.dxf", drawing(line("A1", "小区", SQUARE, 1), BLOCK + other))
    assert 'draws on other files (external references): "..\\底图\\地形.dwg"; bind them' in refused(file)


def test_drawings_that_cannot_be_read(tmp_path: Path) -> None:
    file = tmp_path / "a.dxf"
    file.write_bytes(b"AutoCAD Binary DXF\r\n\x1a\x00" + b"\x00" * 100)
    assert "is a binary DXF; save the drawing as DXF in text (ASCII)" in refused(file)
    written(file, drawing(line("A1", "路", SQUARE)))
    assert 'has nothing drawn as Polygon; its layers are "路"' in refused(file, "districts")
    assert 'has no layer "村"' in refused(file, "districts", layer="村")
    file.write_text("  0\nSECTION\n  2\nHEADER\n 10\nx")
    assert refused(file).startswith("communities (a.dxf): ")
    written(file, drawing(groups(0, "POINT", 8, "点", 10, "nan", 20, "x")))
    assert refused(file, "candidates").startswith("candidates (a.dxf): ")


def test_remarks_at_the_beginning(tmp_path: Path) -> None:
    remarks = groups(999, "made by a program", 999, "for a bureau")
    file = written(tmp_path / "a.dxf", remarks + drawing(point("A1", "点", 500001, 3200001)))
    assert len(read_layer(file, "candidates", crs="EPSG:4549")) == 1


def test_a_drawing_of_gdal(tmp_path: Path) -> None:
    places = gpd.points_from_xy([120.0, 120.1], [29.0, 29.1], crs="EPSG:4490")
    frame = gpd.GeoDataFrame({"Layer": ["a", "a"]}, geometry=places)
    pyogrio.write_dataframe(frame, tmp_path / "a.dxf", driver="DXF")
    out = read_layer(tmp_path / "a.dxf", "candidates", crs="EPSG:4490")
    assert out.geometry.tolist() == frame.geometry.tolist()
