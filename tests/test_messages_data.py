"""Faults of layers and files in Chinese: whole Chinese sentences, with the ids and rows that the English has."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import siting as st
from siting.data.combine import combine_layers
from siting.data.convert_datum import convert_datum
from siting.data.crs import to_crs
from siting.data.kind_words import format_word
from siting.errors import LayerError, SitingError

HEADER = "编号,常住人口,经度,纬度\n"
#: Two Latin words of four letters or more, with a blank between: a piece of an English sentence.
ENGLISH = re.compile(r"\b[a-z]{3,} [a-z]{3,} [a-z]{2,}\b")
CHINESE = re.compile("[一-鿿]")


def homes(**columns: Any) -> gpd.GeoDataFrame:
    """Three communities of Jinhua; columns take the place of theirs."""
    geometry = columns.pop("geometry", gpd.points_from_xy([119.60, 119.61, 119.62], [29.0, 29.01, 29.02]))
    crs = columns.pop("crs", 4490)
    table = {"id": ["甲1", "乙2", "丙3"], "population": [10, 20, 30]} | columns
    return gpd.GeoDataFrame({k: v for k, v in table.items() if v is not None}, geometry=geometry, crs=crs)


def checked(frame: Any, role: str = "communities", **options: Any) -> Callable[[Path], Any]:
    return lambda _: st.check_layer(frame, role, **options)


def read(name: str, content: str | bytes, role: str = "communities", **options: Any) -> Callable[[Path], Any]:
    """Return the reading of a file with a content."""

    def run(folder: Path) -> Any:
        file = folder / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return st.read_layer(file, role, **options)

    return run


def written(name: str, frame: Any, **options: Any) -> Callable[[Path], Any]:
    return lambda folder: st.write_layer(frame, folder / name, **options)


def with_mapping(text: str) -> Callable[[Path], Any]:
    """Return the reading of a table by a mapping."""

    def run(folder: Path) -> Any:
        (folder / "a.toml").write_text(text, encoding="utf-8")
        return read("a.csv", HEADER + "甲1,10,119.6,29\n乙2,x,119.7,29\n", mapping=folder / "a.toml")(folder)

    return run


def zipped(folder: Path) -> Any:
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        archive.writestr("../上.txt", "x")
    return st.read_layer(folder / "a.zip", "communities")


def point(x: float, y: float) -> shapely.Point:
    return shapely.Point(x, y)


BOWTIE = shapely.Polygon([(119.6, 29), (119.6, 29), (119.6, 29), (119.6, 29)])
FLIPPED = gpd.points_from_xy([29.0, 29.01, 29.02], [119.60, 119.61, 119.62])
ZONE = gpd.points_from_xy([40500000.0, 40500100.0, 40500200.0], [3210000.0, 3210100.0, 3210200.0])
FAR = [point(119.60, 29), point(119.61, 29), point(0, 0)]
# What goes wrong, and what both sentences name.
CASES: dict[str, tuple[Callable[[Path], Any], tuple[str, ...]]] = {
    "a list": (checked([1, 2]), ("list",)),
    "a table": (checked(pd.DataFrame({"a": [1]})), ("GeoDataFrame",)),
    "no rows": (checked(homes().iloc[:0]), ()),
    "no crs": (checked(homes(crs=None)), ("EPSG:4549",)),
    "twice an id": (checked(homes(id=["甲1", "甲1", "丙3"])), ("甲1",)),
    "an empty id": (checked(homes(id=["", "乙2", "丙3"])), ("1",)),
    "ids as dates": (checked(homes(id=["3月1日", "乙2", "丙3"])), ("3月1日", "1")),
    "ids with powers": (checked(homes(id=["3.3E+17", "乙2", "丙3"])), ("3.3E+17",)),
    "ids with a fraction": (checked(homes(id=[1.5, 2.0, 3.0])), ("1.5",)),
    "words": (checked(homes(population=["12个", "x", "30"])), ("甲1", "乙2", "12个", "strip_units=True")),
    "negative": (checked(homes(population=[-1, 20, 30])), ("甲1", "-1", "population")),
    "not whole": (checked(homes(population=[1.5, 20, 30])), ("甲1", "1.5")),
    "missing": (checked(homes(population=[np.nan, 20, 30])), ("甲1", "population", 'missing="zero"')),
    "too large": (checked(homes(population=[1e17, 20, 30])), ("甲1", "2^53")),
    "no column": (checked(homes(population=None, 户数=[1, 2, 3])), ("population", "户数", "columns=")),
    "two columns": (checked(homes(population=None, 人口=[1, 2, 3], 常住人口=[1, 2, 3])), ("人口", "常住人口")),
    "a part above": (checked(homes(elderly=[99, 1, 1])), ("甲1", "99 > 10", "elderly", "population")),
    "no flag": (
        checked(homes(population=None, public=["是", "否", "也许"]), "childcare"),
        ("丙3", "也许", "[flags]"),
    ),
    "chosen badly": (checked(homes(), columns={"popul": "population"}), ("popul", "communities")),
    "chosen what is not there": (checked(homes(), columns={"population": "总人口"}), ("总人口", "population")),
    "no shape": (checked(homes(geometry=[None, point(119.6, 29), point(119.7, 29)])), ("甲1",)),
    "endless": (checked(homes(geometry=[point(np.inf, 29), point(119.6, 29), point(119.7, 29)])), ("甲1",)),
    "lines": (checked(homes(geometry=[shapely.LineString([(119.6, 29), (119.7, 29)])] * 3)), ("communities", "甲1")),
    "no area": (checked(homes(geometry=[BOWTIE] * 3), "districts"), ("甲1",)),
    "swapped": (checked(homes(geometry=FLIPPED)), ("29 ", "119.6", "lon", "lat")),
    "metres": (checked(homes(geometry=ZONE)), ("甲1", "40500000", "EPSG:4528")),
    "far": (checked(homes(geometry=FAR)), ("丙3", "0, 0")),
    "another datum": (lambda _: convert_datum(homes(), "bd09mc"), ("bd09mc", "geoconv")),
    "an unknown datum": (lambda _: convert_datum(homes(), "百度地"), ("百度地", "BD-09")),
    "an unknown crs": (lambda _: to_crs(homes(), "jinhua"), ("jinhua", "EPSG:4549")),
    "ids of two layers": (lambda _: combine_layers(homes(), homes()), ("0", "id_prefixes")),
    "no file": (lambda folder: st.read_layer(folder / "无.gpkg", "communities"), ("无.gpkg",)),
    "a drawing": (read("图.dwg", b"AC1032"), ("图.dwg", ".dxf", ".gdb")),
    "another kind": (read("图.xyz", b"1"), ("图.xyz", ".gpkg")),
    "a web page": (read("表.xls", "<html><table>"), ("表.xls", ".xlsx")),
    "a table with a title": (read("a.csv", "小区一览表,,,\n" + HEADER + "甲1,10,119.6,29\n"), ("skip_rows=1", "4")),
    "an empty table": (read("a.csv", ""), ()),
    "no coordinates": (read("a.csv", "编号,常住人口\n甲1,10\n"), ("lon", "lat", "常住人口")),
    "bad coordinates": (read("a.csv", HEADER + "甲1,10,东经,29\n"), ("东经", "1")),
    "a header without names": (read("a.csv", "编号,常住人口,经度,纬度\n甲1,10,119.6,29,多\n"), ("2", "1")),
    "twice a column": (read("a.csv", "编号,编号,经度,纬度\n甲1,10,119.6,29\n"), ("编号",)),
    "an encoding": (read("a.csv", HEADER, encoding="klingon"), ("klingon", "gb18030")),
    "a layer of a table": (read("a.csv", HEADER, layer="x"), ('layer="x"', ".csv")),
    "bad wkt": (read("a.csv", "编号,常住人口,wkt\n甲1,10,POINT(1\n", crs="EPSG:4490"), ("POINT(1", "WKT")),
    "a zip": (zipped, ("../上.txt",)),
    "no role": (lambda _: st.check_layer(homes(), "hospitals"), ("hospitals", "communities")),
    "a mapping of another role": (with_mapping('role = "childcare"\n'), ("a.toml", "childcare", "communities")),
    "a mapping with unknown keys": (with_mapping("keeps = 1\n"), ("a.toml", "keeps", "columns")),
    "a mapping of other headings": (with_mapping('[columns]\npopulation = "总人口"\n'), ("a.toml", "总人口")),
    "a mapping that keeps none": (with_mapping('[keep]\n"编号" = "丁4"\n'), ("甲1", "[keep]")),
    "a mapping that is no TOML": (with_mapping("columns = [\n"), ("a.toml", "UTF-8")),
    "a kind that is not written": (written("a.docx", homes()), ("a.docx", ".gpkg")),
    "a folder that is not there": (written("无/a.gpkg", homes()), ("无",)),
    "a layer in a CSV": (written("a.csv", homes(), layer="x"), ('layer="x"', ".csv")),
    "long names in a Shapefile": (written("a.shp", homes(residents_over_60=[1, 2, 3])), ("residents_over_60", "10")),
    "names that differ in case": (written("a.gpkg", homes(note=[1, 2, 3], Note=[1, 2, 3])), ("note", "Note")),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_fault_in_chinese(tmp_path: Path, case: str) -> None:
    fault, named = CASES[case]
    with pytest.raises(SitingError) as caught:
        fault(tmp_path)
    faults = caught.value.faults if isinstance(caught.value, LayerError) else [caught.value.message]
    for each in faults:
        assert not isinstance(each, str), f"only English: {each}"
        chinese = each.text("zh")
        assert CHINESE.search(chinese)
        assert not ENGLISH.search(chinese), chinese
    english, chinese = caught.value.text("en"), caught.value.text("zh")
    for word in named:
        assert word.strip() in english
        assert word.strip() in chinese
    assert set(re.findall("[甲乙丙]\\d", english)) == set(re.findall("[甲乙丙]\\d", chinese))


def test_a_warning_in_chinese(caplog: pytest.LogCaptureFixture) -> None:
    st.set_language("zh")
    try:
        st.check_layer(homes(population=[np.nan, 20, 30]), "communities", missing="zero")
        assert "communities：“population”列有 1 行缺数，按 0 计" in [one.getMessage() for one in caplog.records]
    finally:
        st.set_language("en")


def test_the_place_of_an_empty_id_is_chinese() -> None:
    with pytest.raises(LayerError) as caught:
        st.check_layer(homes(id=["", "乙2", "丙3"], population=[-1, 20, 30]), "communities")
    assert "“population”列有 1 行是负数（共 3 行）：“第 1 行：-1”；请更正" in caught.value.text("zh")
    assert '"population" is negative in 1 of 3 rows: "row 1: -1"; correct them' in caught.value.text("en")


@pytest.mark.parametrize(
    ("driver", "zh", "en"),
    [
        ("OpenFileGDB", "文件地理数据库（.gdb）", "a geodatabase"), ("ESRI Shapefile", "Shapefile", "a Shapefile"),
        ("GPKG", "GeoPackage", "a GeoPackage"), ("FlatGeobuf", "FlatGeobuf", "FlatGeobuf"),
    ],
)  # fmt: skip
def test_a_format_is_called_as_its_users_call_it(driver: str, zh: str, en: str) -> None:
    assert (format_word(driver).text("zh"), format_word(driver).text("en")) == (zh, en)


def test_a_damaged_file_is_named_by_its_format_in_chinese(tmp_path: Path) -> None:
    (tmp_path / "a.gpkg").write_bytes(b"SQLite format 3\x00" + b"\x00" * 4000)
    with pytest.raises(LayerError) as caught:
        st.read_layer(tmp_path / "a.gpkg", "communities")
    said = caught.value.text("zh")
    assert "GeoPackage" in said
    assert "GPKG" not in said
    assert "原因：" in said
