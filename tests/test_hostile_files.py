"""Files made to hold up, fill or end the program: each is refused soon, in little memory.

What could end Python is read in a process of its own.
"""

from __future__ import annotations

import os
import sqlite3
import struct
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from pyproj import CRS

import siting as st
from siting.data import geopackage_views, nested_shapes, read_workbook
from siting.data.extent import middle_place

#: Seconds, of a busy machine.
LONGEST = 60.0
DEEP = 200_000
CONTENT = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


@pytest.fixture(autouse=True)
def _in_time() -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < LONGEST


def refused(path: Path, role: str = "communities", **options: object) -> str:
    with pytest.raises(st.SitingError) as caught:
        st.read_layer(path, role, **options)  # type: ignore[arg-type]
    assert len(str(caught.value)) < 2000
    return str(caught.value)


@pytest.fixture
def homes() -> gpd.GeoDataFrame:
    points = gpd.points_from_xy([120.0, 120.01], [29.0, 29.01])
    return gpd.GeoDataFrame({"population": [3, 4]}, geometry=points, index=pd.Index(["a", "b"], name="id"), crs=4326)


# --- GeoPackages, whose views are programs


def with_view(file: Path, homes: gpd.GeoDataFrame, view: str, *more: str) -> Path:
    st.write_layer(homes, file, layer="communities")
    with sqlite3.connect(file) as database:
        # Triggers of the file call functions that only GDAL has; the tables are left as they are but for the view.
        database.execute(f"CREATE VIEW homes AS {view}")
        columns = "table_name, data_type, identifier, srs_id"
        database.execute(f"INSERT INTO gpkg_contents ({columns}) VALUES ('homes', 'features', 'homes', 4326)")
        database.execute("INSERT INTO gpkg_geometry_columns VALUES ('homes', 'geom', 'POINT', 4326, 0, 0)")
        for statement in more:
            database.execute(statement)
    database.close()
    return file


def test_a_view_of_a_geopackage_is_read(tmp_path: Path, homes: gpd.GeoDataFrame) -> None:
    file = with_view(tmp_path / "v.gpkg", homes, "SELECT fid, id, population * 2 AS population, geom FROM communities")
    assert st.read_layer(file, "communities", layer="homes")["population"].tolist() == [6, 8]


@pytest.mark.parametrize("end", ["", " WHERE n < 0"])
def test_a_view_without_end_is_refused(
    tmp_path: Path, homes: gpd.GeoDataFrame, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    monkeypatch.setattr(geopackage_views, "MOST_SECONDS", 0.3)
    endless = f"WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n AS fid, n AS id FROM c{end}"
    said = refused(with_view(tmp_path / "v.gpkg", homes, endless))
    assert 'view "homes" that cannot be read safely (takes longer than 0.3 s); make a table of its rows' in said


def test_a_view_of_too_many_rows_is_refused(
    tmp_path: Path, homes: gpd.GeoDataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(geopackage_views, "MOST_ROWS", 1000)
    many = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 1001) SELECT n AS fid FROM c"
    assert "more than 1,000 rows" in refused(with_view(tmp_path / "v.gpkg", homes, many))


@pytest.mark.parametrize(
    ("view", "words"),
    [
        ("SELECT 1 AS fid, zeroblob(900000000) AS id", "string or blob too big"),
        ("SELECT 1 AS fid, load_extension('x') AS id", "cannot be read safely"),
        ("SELECT 1 AS fid, ogr_geocode('Jinhua') AS id", "no such function: ogr_geocode"),
        ("SELECT 1 AS fid, * FROM nowhere", "no such table"),
    ],
)
def test_a_view_that_needs_too_much_is_refused(tmp_path: Path, homes: gpd.GeoDataFrame, view: str, words: str) -> None:
    assert words in refused(with_view(tmp_path / "v.gpkg", homes, view))


def test_triggers_do_not_run_when_a_geopackage_is_read(tmp_path: Path, homes: gpd.GeoDataFrame) -> None:
    file = tmp_path / "t.gpkg"
    st.write_layer(homes, file, layer="communities")
    with sqlite3.connect(file) as database:
        for table in ("gpkg_contents", "communities"):
            for when in ("INSERT", "UPDATE", "DELETE"):
                database.execute(
                    f"CREATE TRIGGER {table}{when} AFTER {when} ON {table} BEGIN SELECT load_extension('x'); END"
                )
    database.close()
    before = file.read_bytes()
    assert len(st.read_layer(file, "communities")) == 2
    assert file.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["t.gpkg"]


# --- pipes, devices, links


@pytest.mark.parametrize(
    "suffix", [".csv", ".xlsx", ".gpkg", ".geojson", ".parquet", ".shp", ".kml", ".zip", ".duckdb"]
)
def test_a_pipe_is_refused(tmp_path: Path, suffix: str) -> None:
    os.mkfifo(tmp_path / f"x{suffix}")
    told = refused(tmp_path / f"x{suffix}")
    assert told == f'communities: "x{suffix}" is a pipe or a device, not a file; copy its content into a file'


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".geojson"])
def test_a_link_to_a_device_is_refused(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"x{suffix}").symlink_to("/dev/zero")
    assert "is a pipe or a device, not a file" in refused(tmp_path / f"x{suffix}")


def test_a_link_to_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.csv").symlink_to(tmp_path / "x.csv")
    assert "cannot be read" in refused(tmp_path / "x.csv")


READERS: dict[str, Callable[[Path], object]] = {
    "study": st.Study.from_toml,
    "standard": st.load_standard,
    "role": st.data.Role.from_toml,
    "mapping": lambda path: st.data.mapping.LayerMapping.from_toml(path, st.data.roles.role("communities")),
}
read_toml = pytest.mark.parametrize("read", READERS.values(), ids=list(READERS))


@read_toml
@pytest.mark.parametrize("what", ["pipe", "device"])
def test_a_pipe_or_a_device_is_no_toml(tmp_path: Path, read: Callable[[Path], object], what: str) -> None:
    file = tmp_path / "x.toml"
    os.mkfifo(file) if what == "pipe" else file.symlink_to("/dev/zero")
    with pytest.raises(st.SitingError, match="is a pipe or a device, not a file"):
        read(file)


@pytest.mark.parametrize("name", ["x.osm", "x.osm.pbf"])
def test_a_pipe_or_a_device_is_no_extract(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(st.SitingError, match="no file"):
        st.Network.from_osm(tmp_path / name)


# --- TOML


@read_toml
@pytest.mark.parametrize(
    ("text", "words"),
    [
        (".".join("a" * 20_000) + " = 1", "a key of more than 100 parts"),
        ("[" + ".".join("a" * 20_000) + "]", "a key of more than 100 parts"),
        ("a = " + "[" * 20_000 + "]" * 20_000, "too deep in one another"),
        ("a = " + "{a = " * 20_000 + "1" + "}" * 20_000, "too deep in one another"),
    ],
    ids=["dots", "table", "lists", "tables"],
)
def test_deep_toml_is_refused(tmp_path: Path, read: Callable[[Path], object], text: str, words: str) -> None:
    (tmp_path / "x.toml").write_text(text)
    with pytest.raises(st.SitingError, match=words) as caught:
        read(tmp_path / "x.toml")
    assert len(str(caught.value)) < 500


@read_toml
def test_toml_of_many_megabytes_is_refused(tmp_path: Path, read: Callable[[Path], object]) -> None:
    (tmp_path / "x.toml").write_text("# " + "x" * (5 << 20))
    with pytest.raises(st.SitingError, match="has 5 MB, and 4 MB are read"):
        read(tmp_path / "x.toml")


# --- workbooks


def workbook(file: Path, rows: str, *, more: str = "", shared: str = "") -> Path:
    """Write a workbook of one sheet from the XML of its rows."""
    kinds = "application/vnd.openxmlformats-officedocument.spreadsheetml."
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kinds}sheet.main+xml"/>'
        f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kinds}sharedStrings+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kinds}worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="rId1" Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{CONTENT}" xmlns:r="{office}"><sheets>'
        '<sheet name="communities" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="rId1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/sharedStrings.xml": shared or f'<sst xmlns="{CONTENT}"/>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{CONTENT}"><sheetData>{rows}</sheetData>{more}</worksheet>',
    }
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return file


def cells(row: int, *values: object) -> str:
    inside = "".join(
        f'<c r="{"ABCDEFGH"[n]}{row}" t="inlineStr"><is><t>{value}</t></is></c>' for n, value in enumerate(values)
    )
    return f'<row r="{row}">{inside}</row>'


TABLE = cells(1, "id", "population", "lon", "lat") + cells(2, "a", 3, 120, 29)


def test_a_workbook_is_read(tmp_path: Path) -> None:
    assert st.read_layer(workbook(tmp_path / "x.xlsx", TABLE), "communities")["population"].tolist() == [3]


@pytest.mark.slow
def test_empty_rows_to_the_end_of_the_sheet_are_nothing(tmp_path: Path) -> None:
    rows = TABLE + '<row r="1048576"><c r="A1048576"/></row>'
    assert len(st.read_layer(workbook(tmp_path / "x.xlsx", rows), "communities")) == 1


@pytest.mark.slow
def test_a_cell_at_the_end_of_the_sheet_is_refused(tmp_path: Path) -> None:
    rows = TABLE + '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    assert "too many for a table; delete what is empty or far off" in refused(workbook(tmp_path / "x.xlsx", rows))


def test_a_row_that_no_sheet_has_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_workbook, "EXCEL_ROWS", 10_000)
    rows = TABLE + '<row r="999999999999"><c r="A999999999999"><v>1</v></c></row>'
    assert "too many for a table" in refused(workbook(tmp_path / "x.xlsx", rows))


def test_rows_that_reach_to_the_last_column_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_workbook, "MOST_CELLS", 1_000_000)
    rows = TABLE + "".join(f'<row r="{n}"><c r="XFD{n}"/></row>' for n in range(3, 3000))
    assert "16,384 columns, too many for a table" in refused(workbook(tmp_path / "x.xlsx", rows))


def test_merged_cells_over_one_another_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_workbook, "MOST_CELLS", 10_000)
    rows = TABLE + "".join(cells(n, f"i{n}", 3, 120, 29) for n in range(3, 100))
    merged = (
        "<mergeCells>"
        + '<mergeCell ref="E1:XFD1048576"/>' * 3
        + '<mergeCell ref="B2:B1048576"/>' * 3000
        + "</mergeCells>"
    )
    assert "3,000 ranges of merged cells over one another" in refused(workbook(tmp_path / "x.xlsx", rows, more=merged))


def test_strings_of_a_thousandth_of_their_size_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_workbook, "MOST_UNPACKED", 8 << 20)
    shared = f'<sst xmlns="{CONTENT}">{"<si><t/></si>" * 200_000}</sst>'
    assert "unpacks to 0.0 GB, too much for a table" in refused(workbook(tmp_path / "x.xlsx", TABLE, shared=shared))


def test_entities_of_a_workbook_are_refused(tmp_path: Path) -> None:
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10 if n else "ha"}">' for n in range(12))
    shared = f'<!DOCTYPE sst [{entities}]><sst xmlns="{CONTENT}"><si><t>&a11;</t></si></sst>'
    rows = TABLE + '<row r="3"><c r="A3" t="s"><v>0</v></c></row>'
    assert "no Excel workbook that can be read" in refused(workbook(tmp_path / "x.xlsx", rows, shared=shared))


# --- XML


ENTITIES = "<!DOCTYPE x [" + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10 if n else "ha"}">' for n in range(12)) + "]>"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.kml", f'<?xml version="1.0"?>{ENTITIES}<kml><Placemark><name>&a11;</name></Placemark></kml>'),
        ("x.gpx", f'<?xml version="1.0"?>{ENTITIES}<gpx><wpt lat="29" lon="120"><name>&a11;</name></wpt></gpx>'),
    ],
)
def test_entities_in_xml_are_refused(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    refused(tmp_path / name)


def test_entities_in_an_extract_are_refused(tmp_path: Path) -> None:
    nodes = '<node id="1" lat="29" lon="120"/><node id="2" lat="29" lon="120.001"/>'
    way = '<way id="1"><nd ref="1"/><nd ref="2"/><tag k="highway" v="residential"/><tag k="name" v="&a11;"/></way>'
    (tmp_path / "x.osm").write_text(f'<?xml version="1.0"?>{ENTITIES}<osm version="0.6">{nodes}{way}</osm>')
    with pytest.raises(st.SitingError):
        st.Network.from_osm(tmp_path / "x.osm")


def test_entities_in_graphml_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.graphml").write_text(f'<?xml version="1.0"?>{ENTITIES}<graphml><graph>&a11;</graph></graphml>')
    with pytest.raises(st.SitingError, match="declares a document type or entities"):
        st.Network.from_graph(tmp_path / "x.graphml")


# --- shapes whose parts lie in parts without end


def deep_wkt(depth: int = DEEP) -> str:
    return "GEOMETRYCOLLECTION(" * depth + "POINT(120 29)" + ")" * depth


def deep_wkb(depth: int = DEEP, kind: int = 7) -> bytes:
    return struct.pack("<BII", 1, kind, 1) * depth + struct.pack("<BIdd", 1, 1, 120.0, 29.0)


def test_deep_wkt_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(f'id,population,wkt\na,3,"{deep_wkt()}"\n')
    assert "is not WKT in 1 of 1 rows" in refused(tmp_path / "x.csv")


@pytest.mark.parametrize("kind", [4, 7, 1007])
def test_deep_wkb_is_refused(tmp_path: Path, kind: int) -> None:
    (tmp_path / "x.csv").write_text(f"id,population,wkb\na,3,{deep_wkb(kind=kind).hex()}\n")
    assert "is not WKB in 1 of 1 rows" in refused(tmp_path / "x.csv")


def test_deep_geoparquet_is_refused(tmp_path: Path, homes: gpd.GeoDataFrame) -> None:
    homes.to_parquet(tmp_path / "good.parquet")
    table = pq.read_table(tmp_path / "good.parquet")
    at = table.schema.get_field_index("geometry")
    deep = table.set_column(at, table.schema.field(at), pa.chunked_array([[deep_wkb(), deep_wkb()]], pa.binary()))
    pq.write_table(deep, tmp_path / "deep.parquet")
    assert "parts lie in parts more than 100 times" in refused(tmp_path / "deep.parquet")


def test_deep_shapes_of_an_arrow_table_are_refused() -> None:
    field = pa.field("geometry", pa.binary(), metadata={"ARROW:extension:name": "geoarrow.wkb"})
    schema = pa.schema([pa.field("id", pa.string()), pa.field("population", pa.int64()), field])
    with pytest.raises(st.SitingError, match="parts lie in parts more than 100 times"):
        st.data.read_arrow(pa.table([["a"], [3], [deep_wkb()]], schema=schema), "communities")


def test_deep_shapes_of_a_graph_are_refused() -> None:
    graph = nx.MultiDiGraph(crs="EPSG:4326")
    graph.add_node(1, x=120.0, y=29.0)
    graph.add_node(2, x=120.001, y=29.0)
    graph.add_edge(1, 2, geometry=deep_wkt())
    with pytest.raises(st.SitingError, match="is no WKT"):
        st.Network.from_graph(graph)


@pytest.mark.parametrize(
    "shape",
    [
        shapely.MultiPolygon(
            [shapely.Point(n, 0).buffer(0.3).difference(shapely.Point(n, 0).buffer(0.1)) for n in range(200)]
        ),
        shapely.force_3d(shapely.MultiLineString([[(n, 0), (n, 1)] for n in range(200)])),
        shapely.MultiPoint([(n, 0) for n in range(5000)]),
        shapely.GeometryCollection([shapely.Point(n, 0) for n in range(5000)]),
    ],
    ids=["polygons", "3-D lines", "points", "collection"],
)
@pytest.mark.parametrize("flavor", ["iso", "extended"])
@pytest.mark.parametrize("order", [0, 1])
def test_large_shapes_are_not_deep(shape: shapely.Geometry, flavor: str, order: int) -> None:
    data = shapely.to_wkb(
        shapely.set_srid(shape, 4326), flavor=flavor, byte_order=order, include_srid=flavor == "extended"
    )
    assert not nested_shapes.deep_wkb(data)
    assert not nested_shapes.deep_wkt(shapely.to_wkt(shape))
    assert shapely.equals(nested_shapes.from_wkb([data])[0], shape)


def test_depth_is_counted_by_parts_in_parts() -> None:
    assert not nested_shapes.deep_wkb(deep_wkb(99))
    assert nested_shapes.deep_wkb(deep_wkb(101))
    behind = struct.pack("<BII", 1, 7, 2) + struct.pack("<BIdd", 1, 1, 0, 0) + deep_wkb(101)
    assert nested_shapes.deep_wkb(behind)
    assert nested_shapes.deep_wkt(deep_wkt(101))
    assert not nested_shapes.deep_wkt(deep_wkt(99))  # and the brackets of the point


@pytest.mark.slow
@pytest.mark.parametrize("name", ["geojson", "kml", "gpkg", "fgb"])
def test_deep_shapes_of_gdal_end_nothing(tmp_path: Path, homes: gpd.GeoDataFrame, name: str) -> None:
    file = tmp_path / f"x.{name}"
    if name == "geojson":
        shape = (
            '{"type":"GeometryCollection","geometries":[' * DEEP
            + '{"type":"Point","coordinates":[120,29]}'
            + "]}" * DEEP
        )
        file.write_text('{"type":"Feature","properties":{"population":1},"geometry":' + shape + "}")
    elif name == "kml":
        shape = (
            "<MultiGeometry>" * DEEP + "<Point><coordinates>120,29</coordinates></Point>" + "</MultiGeometry>" * DEEP
        )
        file.write_text(
            f'<kml xmlns="http://www.opengis.net/kml/2.2"><Document><Placemark>{shape}</Placemark></Document></kml>'
        )
    elif name == "gpkg":
        st.write_layer(homes, file, layer="communities")
        with sqlite3.connect(file) as database:
            database.execute("PRAGMA writable_schema = ON")
            database.execute("DELETE FROM sqlite_master WHERE type = 'trigger'")
            head = b"GP\x00\x01" + struct.pack("<i", 4326)
            database.execute("PRAGMA writable_schema = OFF")
        database.close()
        with sqlite3.connect(file) as database:
            database.execute("UPDATE communities SET geom = ?", (head + deep_wkb(),))
        database.close()
    else:
        homes.to_file(file, driver="FlatGeobuf")
        data = bytearray(file.read_bytes())
        data[200:] = b"\xff" * (len(data) - 200)
        file.write_bytes(data)
    code = (
        "import sys, resource; resource.setrlimit(resource.RLIMIT_AS, (6 << 30,) * 2)\n"
        "import siting as st\n"
        "try:\n    st.read_layer(sys.argv[1], 'communities')\n"
        "except st.SitingError as fault:\n    print('refused', str(fault)[:200])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(file)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr[-500:]
    assert done.stdout.startswith("refused")


# --- pairs


def test_straight_lines_have_the_limit_of_pairs_that_travel_has() -> None:
    many = gpd.GeoDataFrame(
        geometry=gpd.points_from_xy(530_000 + np.arange(1100.0) / 100, [3_380_000.0] * 1100), crs=4547
    )
    with pytest.raises(st.errors.ProblemError, match="more than max_pairs=1,000,000 pairs; lower the limit"):
        st.straight_line(many, many, metres=100, max_pairs=1_000_000)
    few = many.iloc[:100]
    assert len(st.straight_line(few, few, metres=100, max_pairs=10_000)) == 10_000


# --- coordinates


@pytest.mark.parametrize("x", [1e300, -1e300, 1e19])
def test_coordinates_beyond_all_numbers_are_refused(x: float) -> None:
    frame = gpd.GeoDataFrame(
        {"population": [1, 2]}, geometry=gpd.points_from_xy([x, 530_000], [x, 3_380_000]), crs=4547
    )
    with pytest.raises(st.SitingError, match="outside"):
        st.check_layer(frame, "communities")


# --- damaged parts of a Shapefile


@pytest.fixture
def shapefile(tmp_path: Path) -> Path:
    homes = st.load_sample()["communities"].iloc[:3][["population", "elderly", "geometry"]]
    st.write_layer(homes, tmp_path / "homes.shp")
    return tmp_path / "homes.shp"


def test_columns_that_lost_their_names_are_refused(shapefile: Path) -> None:
    table = shapefile.with_suffix(".dbf")
    data = bytearray(table.read_bytes())
    for start in (32, 64):
        data[start : start + 11] = bytes(11)
    table.write_bytes(data)
    with pytest.raises(st.errors.LayerError, match="columns occur twice"):
        st.read_layer(shapefile, "communities")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (b"Gauss_Kruger", b"Gaus_Kruger", "cannot be brought to degrees, or is damaged"),
        (b"D_China_2000", b"D_Chin\xff\xff2000", "its CRS cannot be understood"),
    ],
)
def test_a_damaged_prj_is_refused(shapefile: Path, old: bytes, new: bytes, told: str) -> None:
    prj = shapefile.with_suffix(".prj")
    data = prj.read_bytes()
    assert old in data
    prj.write_bytes(data.replace(old, new))
    with pytest.raises(st.errors.LayerError, match=told):
        st.read_layer(shapefile, "communities")


def test_an_id_with_a_nul_is_refused(tmp_path: Path) -> None:
    homes = st.load_sample()["communities"].iloc[:2].set_axis(["a\0b", "c"])
    with pytest.raises(st.errors.LayerError, match=r"ids hold a NUL, where files cut them off: \"'a\\x00b'\""):
        st.check_layer(homes.rename_axis("id"), "communities")
    with pytest.raises(st.errors.LayerError, match="holds a NUL"):
        st.write_layer(homes, tmp_path / "homes.gpkg")


def test_a_system_without_a_projection_is_refused() -> None:
    with pytest.raises(st.errors.SitingError, match="neither geographic nor projected"):
        middle_place(CRS("EPSG:5773"), np.array([[0.0, 0.0, 1.0, 1.0]]))
