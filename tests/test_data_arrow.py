"""Arrow tables, GeoParquet of both encodings, DuckDB, places of Overture, WKB and cells of H3."""

from __future__ import annotations

import builtins
import sys
from pathlib import Path
from typing import Any

import duckdb
import geopandas as gpd
import h3
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from siting.data import read_arrow, read_layer, read_parquet
from siting.data.arrow_tables import frame_of
from siting.data.overture import flattened
from siting.data.toml_files import package_toml
from siting.data.types_of_facilities import facility_types
from siting.errors import LayerError, SitingError

PLACES = shapely.points([120.0, 120.1], [29.0, 29.1])


def refused(path: Any, role: str = "communities", **options: Any) -> str:
    with pytest.raises(LayerError) as caught:
        (read_layer if isinstance(path, (str, Path)) else read_arrow)(path, role, **options)
    return str(caught.value)


def town(**columns: Any) -> gpd.GeoDataFrame:
    columns = {"id": ["001", "002"], "population": [10, 20], **columns}
    return gpd.GeoDataFrame(columns, geometry=PLACES, crs="EPSG:4326")


# --- GeoParquet


@pytest.mark.parametrize(
    ("version", "encoding", "covering"),
    [("1.0.0", "WKB", False), ("1.1.0", "WKB", True), ("1.1.0", "geoarrow", False), ("1.1.0", "geoarrow", True)],
)
def test_geoparquet(tmp_path: Path, version: str, encoding: str, covering: bool) -> None:
    """Both encodings, with or without a column of bounds, which is not one of the layer."""
    file = tmp_path / "a.parquet"
    town().to_parquet(file, schema_version=version, geometry_encoding=encoding, write_covering_bbox=covering)
    out = read_layer(file, "communities")
    assert out["population"].to_dict() == {"001": 10, "002": 20}
    assert out.geometry.tolist() == list(PLACES)
    assert list(out.columns) == ["population", "geometry"]


def test_bounds_under_another_name_are_left_out(tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    town().to_parquet(file, schema_version="1.1.0", write_covering_bbox=True)
    table = pq.read_table(file)
    facts = {key: text.replace(b'["bbox"', b'["bounds"') for key, text in table.schema.metadata.items()}
    names = ["bounds" if name == "bbox" else name for name in table.column_names]
    pq.write_table(table.rename_columns(names).replace_schema_metadata(facts), file)
    assert list(read_layer(file, "communities").columns) == ["population", "geometry"]


@pytest.mark.parametrize("column", ["wkb", "wkt", "lonlat"])
def test_parquet_without_a_description(tmp_path: Path, column: str) -> None:
    table: dict[str, Any] = {"id": ["001", "002"], "population": [10, 20]}
    table |= {
        "wkb": {"geometry": shapely.to_wkb(PLACES).tolist()},
        "wkt": {"geometry": shapely.to_wkt(PLACES).tolist()},
        "lonlat": {"lon": [120.0, 120.1], "lat": [29.0, 29.1]},
    }[column]
    pd.DataFrame(table).to_parquet(tmp_path / "a.parquet")
    if column != "lonlat":
        assert "do not say in which CRS they are" in refused(tmp_path / "a.parquet")
    out = read_layer(tmp_path / "a.parquet", "communities", crs="EPSG:4326")
    assert out.geometry.tolist() == list(PLACES)
    assert list(out.columns) == ["population", "geometry"]


def test_parquet_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row 31: a small file can state any number of rows."""
    monkeypatch.setattr(read_parquet, "MOST_ROWS", 1000)
    file = tmp_path / "a.parquet"
    pq.write_table(pa.table({"a": np.zeros(1001)}), file)
    assert "holds 1,001 rows, 0.0 GB when unpacked, more than is read as one layer" in refused(file)


def test_damaged_geoparquet(tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    town().to_parquet(file)
    table = pq.read_table(file)
    for wrong in (
        b"{",
        b"[]",
        b'{"columns": 1}',
        b"\xff",
        b'{"primary_column": "x", "columns": {}, "version": "1.1.0"}',
    ):
        pq.write_table(table.replace_schema_metadata({b"geo": wrong}), file)
        assert "communities (a.parquet): cannot be read as GeoParquet: " in refused(file)


# --- Arrow


@pytest.mark.parametrize("encoding", ["WKB", "geoarrow"])
def test_arrow_with_shapes(encoding: str) -> None:
    table = pa.table(town().to_arrow(index=False, geometry_encoding=encoding))
    out = read_arrow(table, "communities")
    assert out["population"].to_dict() == {"001": 10, "002": 20}
    assert out.geometry.tolist() == list(PLACES)
    assert out.crs.to_epsg() == 4326
    assert "is in EPSG:4326 (WGS 84), but crs= says EPSG:4490" in refused(table, crs="EPSG:4490").replace(
        " (China", "("
    )


def test_arrow_with_plain_columns() -> None:
    """Any object of the interface: a table, a stream, a DataFrame of pandas."""
    table = pa.table({"编号": ["a", "b"], "常住人口": [1, 2], "wkb": shapely.to_wkb(PLACES).tolist()})
    for source in (table, table.to_reader(), table.to_pandas(), table.slice(0, 2)):
        out = read_arrow(source, "communities", crs="EPSG:4326")
        assert out["population"].to_dict() == {"a": 1, "b": 2}
        assert out.geometry.tolist() == list(PLACES)


def test_numbers_without_gaps_are_not_copied() -> None:
    numbers = np.arange(5.0)
    frame = frame_of(pa.table({"cost": numbers, "lon": numbers, "lat": numbers}), "x")
    assert np.shares_memory(frame["cost"].to_numpy(), numbers)


def test_whole_numbers_with_gaps_stay_whole() -> None:
    """2^53 + 1 is no float; sums in a database are decimals."""
    from decimal import Decimal

    table = pa.table({"big": [2**53 + 1, None], "sum": [Decimal(7), Decimal(8)], "part": [Decimal("0.5"), None]})
    frame = frame_of(table, "x")
    assert int(frame["big"].iloc[0]) == 2**53 + 1
    assert frame["sum"].dtype == np.int64
    assert frame["part"].tolist()[0] == 0.5


def test_objects_that_are_no_tables() -> None:
    assert "is a list, not an Arrow table; give an object with __arrow_c_stream__" in refused([1, 2])
    assert "is a GeoDataFrame already; give it to check_layer" in refused(town())
    assert 'columns occur twice: "a"' in refused(pa.table([[1], [2]], names=["a", "a"]))

    class Broken:
        def __arrow_c_stream__(self, requested_schema: object = None) -> object:
            raise RuntimeError("no")

    assert "cannot be read as an Arrow table: no" in refused(Broken())
    bad = pa.field("geometry", pa.binary(), metadata={"ARROW:extension:name": "geoarrow.wkb"})
    assert "cannot be read as an Arrow table" in refused(pa.table([[b"\x09"]], schema=pa.schema([bad])))


# --- DuckDB


def database(path: Path, *statements: str) -> Path:
    with duckdb.connect(str(path)) as made:
        for statement in statements:
            made.execute(statement)
    return path


def test_duckdb(tmp_path: Path) -> None:
    """Shapes of DuckDB, as WKB, as WKT, and coordinates."""
    file = database(
        tmp_path / "市.duckdb",
        "CREATE TABLE 小区 AS SELECT 'a' AS 编号, 10 AS 常住人口, 'POINT (120 29)'::GEOMETRY AS 位置",
        "CREATE TABLE blob AS SELECT 编号, 常住人口, ST_AsWKB(位置)::BLOB AS wkb FROM 小区",
        "CREATE TABLE text AS SELECT 编号, sum(常住人口) AS 常住人口, 'POINT (120 29)' AS wkt FROM 小区 GROUP BY 编号",
        'CREATE SCHEMA "x""y"',
        'CREATE TABLE "x""y".t AS SELECT \'a\' AS id, 10 AS population, 120.0 AS lon, 29.0 AS lat',
    )
    assert 'has 4 tables, "blob", "text", "小区", "x"y.t"; choose one with layer=' in refused(file)
    for table in ("小区", "blob", "text", 'x"y.t'):
        out = read_layer(file, "communities", layer=table, crs="EPSG:4326")
        assert out["population"].to_dict() == {"a": 10}
        assert out.geometry.iloc[0] == shapely.Point(120, 29)
        assert out.attrs["source"] == f"市.duckdb:{table}"


def test_relations_of_duckdb() -> None:
    with duckdb.connect() as made:
        relation = made.sql("SELECT 'a' AS id, 10 AS population, 'POINT (120 29)'::GEOMETRY AS place")
        out = read_arrow(relation, "communities", crs="EPSG:4326")
        assert out["population"].to_dict() == {"a": 10}
        assert out.geometry.iloc[0] == shapely.Point(120, 29)


def test_a_database_opens_no_other_file(tmp_path: Path) -> None:
    """Row 31: views are not read, and what a table computes may not read a file."""
    (tmp_path / "secret.csv").write_text("id,population,lon,lat\na,1,120,29\n")
    view = f"CREATE VIEW communities AS SELECT * FROM read_csv('{tmp_path / 'secret.csv'}')"
    file = database(tmp_path / "a.duckdb", view)
    assert "has no table" in refused(file)
    database(tmp_path / "a.duckdb", "CREATE TABLE t AS SELECT 1 AS x")
    assert 'has no table "communities"' in refused(file, layer="communities")


def test_duckdb_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = database(tmp_path / "a.duckdb", "CREATE TABLE t AS SELECT range AS id FROM range(2000)")
    monkeypatch.setattr("siting.data.read_duckdb.MOST_ROWS", 1000)
    assert "holds 2,000 rows, more than is read as one layer; make a smaller table" in refused(file)
    data = file.read_bytes()
    file.write_bytes(data[:16] + b"\xff" * 200 + data[216:])
    assert "cannot be read as a DuckDB database: " in refused(file)


# --- Overture


def overture(file: Path, kind: str = "categories") -> None:
    others = "alternate" if kind == "categories" else "alternates"
    records = [
        {"id": "08f", "names": {"primary": "阳光托育", "common": None}, "confidence": 0.9,
         kind: {"primary": "child_care_and_day_care", others: ["preschool"]},
         "addresses": [{"freeform": "人民路1号", "locality": "金华", "postcode": "321000"}],
         "phones": ["+86579", "110"], "brand": None, "bbox": {"xmin": 1.0},
         "sources": [{"dataset": "x"}], "version": 1},
        {"id": "09f", "names": {"primary": "某茶馆", "common": None}, "confidence": 0.4,
         kind: {"primary": "tea_room", others: None},
         "addresses": None, "phones": None, "brand": {"names": {"primary": "茶"}}, "bbox": {"xmin": 1.0},
         "sources": None, "version": 1},
    ]  # fmt: skip
    columns = {name: [record[name] for record in records] for name in records[0]}
    gpd.GeoDataFrame(columns, geometry=PLACES, crs="EPSG:4326").to_parquet(file)


@pytest.mark.parametrize("kind", ["categories", "taxonomy"])
def test_places_of_overture(tmp_path: Path, kind: str) -> None:
    overture(tmp_path / "a.parquet", kind)
    out = read_layer(tmp_path / "a.parquet", "facilities")
    wanted = {"name": "阳光托育", "facility_type": "托育机构", "category": "child_care_and_day_care", "confidence": 0.9,
              "other_categories": "preschool", "address": "人民路1号", "locality": "金华", "postcode": "321000",
              "phones": "+86579;110", "brand": ""}  # fmt: skip
    assert out.loc["08f", list(wanted)].to_dict() == wanted
    assert out.loc["09f", ["facility_type", "address", "brand"]].tolist() == ["tea_room", "", "茶"]
    assert not {"names", kind, "bbox", "sources", "version"} & set(out.columns)


def test_every_type_of_overture_is_one_of_the_library() -> None:
    known = set(facility_types().index) if hasattr(facility_types(), "index") else set(facility_types())
    assert set(package_toml("overture.toml").values()) <= known


def test_other_tables_with_such_columns_stay_as_they_are() -> None:
    frame = pd.DataFrame({"names": ["a"], "categories": ["b"]})
    assert flattened(frame, "x") is frame


# --- WKB and WKT in tables


@given(
    st.lists(st.tuples(st.floats(120, 120.02), st.floats(29, 29.02)), min_size=1, max_size=5),
    st.sampled_from(["WKT", "hex", "\\x", "EWKB", "bytes", "EWKT"]),
)
def test_shapes_in_a_column_are_read_back(places: list[tuple[float, float]], how: str) -> None:
    shapes = shapely.points(places)
    coded: Any = {
        "WKT": lambda: shapely.to_wkt(shapes, rounding_precision=-1),
        "EWKT": lambda: ["SRID=4326;" + text for text in shapely.to_wkt(shapes, rounding_precision=-1)],
        "hex": lambda: shapely.to_wkb(shapes, hex=True, byte_order=0),
        "\\x": lambda: ["\\x" + text.lower() for text in shapely.to_wkb(shapes, hex=True)],
        "EWKB": lambda: shapely.to_wkb(shapely.set_srid(shapes, 4326), hex=True, include_srid=True),
        "bytes": lambda: shapely.to_wkb(shapes),
    }[how]()
    frame = pd.DataFrame({"id": [str(n) for n in range(len(places))], "cost": 1.0, "geom": list(coded)})
    out = read_arrow(frame, "candidates", crs=None if how.startswith("EW") else "EPSG:4326")
    assert shapely.get_coordinates(out.geometry.array).tolist() == [list(place) for place in places]
    assert out.crs.to_epsg() == 4326


def test_hexadecimal_wkb_in_csv(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    shape = shapely.to_wkb(shapely.set_srid(shapely.Point(120, 29), 4326), hex=True, include_srid=True)
    file.write_text(f"id,population,wkb_geometry\na,5,{shape}\nb,6,{shape[:-4]}zz\n")
    assert '"wkb_geometry" is not WKB in 1 of 2 rows: "row 2: 0101000020' in refused(file)
    file.write_text(f"id,population,wkb_geometry\na,5,{shape}\n")
    assert read_layer(file, "communities").crs.to_epsg() == 4326
    assert "is in EPSG:4326 (WGS 84), but crs= says EPSG:4549" in refused(file, crs="EPSG:4549")
    assert "give the place twice" in refused(pa.table({"id": ["a"], "wkb": [shape], "lon": [1.0], "lat": [2.0]}))


def test_mixed_systems_in_a_column() -> None:
    shapes = [
        shapely.to_wkb(shapely.set_srid(shapely.Point(120, 29), code), include_srid=True) for code in (4326, 4490)
    ]
    table = pa.table({"id": ["a", "b"], "population": [1, 2], "wkb": shapes})
    assert '"wkb" mixes systems: SRID "4326", "4490"; bring them to one' in refused(table)


# --- H3

CELL = h3.latlng_to_cell(29, 120, 9)


@pytest.mark.parametrize("coded", [CELL, CELL.upper(), h3.str_to_int(CELL), str(h3.str_to_int(CELL))])
def test_cells_of_h3(coded: str | int) -> None:
    """In hexadecimal digits or as a whole number; the area is that of the library of H3."""
    table = pa.table({"id": ["a"], "population": [5], "h3_cell": [coded]})
    out = read_arrow(table, "communities")
    cell = out.geometry.iloc[0]
    assert cell.contains(shapely.Point(120, 29))
    corners = [(lon, lat) for lat, lon in h3.cell_to_boundary(CELL)]
    assert cell.equals(shapely.Polygon(corners))
    area = out.to_crs("EPSG:4549").area.iloc[0]
    assert area == pytest.approx(h3.cell_area(CELL, unit="m^2"), rel=0.01)
    assert out["h3_cell"].tolist() == [coded]
    assert out.crs.to_epsg() == 4326


def test_cells_beside_coordinates_are_not_the_place() -> None:
    table = pa.table({"id": ["a"], "population": [5], "h3": [CELL], "lon": [120.0], "lat": [29.0]})
    assert read_arrow(table, "communities").geometry.iloc[0] == shapely.Point(120, 29)
    assert read_arrow(table, "communities", columns={"h3": "h3"}).geometry.iloc[0].geom_type == "Polygon"


@pytest.mark.parametrize("cell", ["x", CELL[:-1], "8" * 200, 5, 6.18146835303759871e17, -1])
def test_cells_that_are_none(cell: Any) -> None:
    table = pa.table({"id": ["a"], "population": [5], "h3": [cell]})
    assert '"h3" is no cell of H3 in 1 of 1 rows' in refused(table)


def test_cells_across_the_date_line() -> None:
    table = pa.table({"id": ["a"], "population": [5], "h3": [h3.latlng_to_cell(0, 180, 3)]})
    assert "has cells across the date line" in refused(table)


# --- extras


@pytest.mark.parametrize(("package", "extra"), [("h3", "h3"), ("duckdb", "duckdb"), ("xlrd", "xls")])
def test_a_missing_extra_is_named(tmp_path: Path, package: str, extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.split(".")[0] == package:
            raise ImportError(name)
        return real(name, *rest)

    file = tmp_path / {"h3": "a.csv", "duckdb": "a.duckdb", "xlrd": "a.xls"}[package]
    start = {"h3": f"id,population,h3\na,5,{CELL}\n".encode(), "duckdb": b"\x00" * 8 + b"DUCK"}
    file.write_bytes(start.get(package, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"))
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(SitingError, match=rf"needs the package {package}: pip install siting\[{extra}\]"):
        read_layer(file, "communities")
