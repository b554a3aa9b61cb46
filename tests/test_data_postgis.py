"""Layers in a PostGIS database, against a real server that the tests start and stop."""

from __future__ import annotations

import datetime as dt
import logging
import math
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from geopandas.testing import assert_geodataframe_equal
from pyproj import CRS

import siting as st
from siting.data import read_postgis, write_postgis
from siting.data.postgis_connection import has_password
from siting.errors import LayerError, SitingError

psycopg = pytest.importorskip("psycopg", reason="NOT CHECKED against PostGIS: psycopg is not there")

SECRET = "p@ss:w/ord?"
HOMES = {"h1": (0.0, 0.0), "h2": (100.0, 0.0), "h3": (0.0, 250.0)}


def address(parts: dict[str, str], dbname: str, **others: str) -> str:
    parts = {**parts, **others}
    secret = quote(parts["password"], safe="")
    return f"postgresql://{parts['user']}:{secret}@{parts['host']}:{parts['port']}/{dbname}"


@pytest.fixture
def run_sql(database: str) -> Iterator[Callable[..., Any]]:
    with psycopg.connect(database, autocommit=True) as connection:
        yield lambda text, *values: connection.execute(text, values or None)


@pytest.fixture
def schema(run_sql: Callable[..., Any], request: pytest.FixtureRequest) -> Iterator[str]:
    """A schema of the test's own."""
    name = "s" + str(abs(hash(request.node.nodeid)))
    run_sql(f"CREATE SCHEMA {name}")
    yield name
    run_sql(f"DROP SCHEMA IF EXISTS {name} CASCADE")


@pytest.fixture
def homes(layer: Callable[..., gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    return layer(HOMES, population=[10, 20, 30], name=["东苑", "o'Neill; DROP TABLE homes", '"西"'])


def test_a_layer_comes_back_as_it_was(database: str, schema: str, homes: gpd.GeoDataFrame) -> None:
    before = homes.copy()
    write_postgis(homes, database, "homes", schema=schema)
    back = read_postgis(database, "communities", table="homes", schema=schema)
    assert_geodataframe_equal(back, st.check_layer(homes, "communities"))
    assert back.crs == homes.crs
    assert back.attrs["source"] == f"city:{schema}.homes"
    assert_geodataframe_equal(homes, before)


def test_a_hundred_thousand_points_come_back_equal(database: str, schema: str) -> None:
    n, random = 100_000, np.random.default_rng(7)
    places = gpd.points_from_xy(random.uniform(480_000, 520_000, n), random.uniform(3_210_000, 3_230_000, n))
    frame = gpd.GeoDataFrame(
        {
            "population": random.integers(0, 9_000, n), "share": random.random(n),
            "name": [f"小区{i}" for i in range(n)],
            "open": random.random(n) < 0.5, "day": pd.Timestamp("2025-03-01") + pd.to_timedelta(np.arange(n), "s"),
        },
        index=pd.Index([f"{i:06d}" for i in range(n)], name="id"), geometry=places, crs=4549,
    )  # fmt: skip
    frame["day"] = frame["day"].astype("datetime64[us]")
    write_postgis(frame, database, "many", schema=schema)
    back = read_postgis(database, None, table="many", schema=schema).set_index("id")
    assert_geodataframe_equal(back, frame)


def test_every_type_of_cell_comes_back(database: str, schema: str, homes: gpd.GeoDataFrame) -> None:
    frame = homes.assign(
        big=pd.Series([2**62, None, -5], homes.index, dtype="Int64"), real=[0.1, np.nan, np.inf],
        flag=pd.Series([True, None, False], homes.index, dtype="boolean"),
        sort=pd.Categorical(["a", "b", "a"]), date=[dt.date(2025, 1, 2), None, dt.date(1999, 9, 9)],
        zoned=pd.to_datetime(["2025-01-01 08:00+08:00", None, "2025-06-01 00:00+08:00"]),
        empty=[None, None, None], raw=[b"\x00\xff", None, b""],
    )  # fmt: skip
    write_postgis(frame, database, "types", schema=schema)
    back = read_postgis(database, None, table="types", schema=schema).set_index("id")
    assert back["big"].tolist() == [2**62, None, -5]  # as a float the first would be another number
    assert back["real"].tolist()[::2] == [0.1, np.inf]
    assert back["flag"].tolist() == [True, None, False]
    assert back["sort"].tolist() == ["a", "b", "a"]
    assert back["date"].tolist() == [dt.date(2025, 1, 2), None, dt.date(1999, 9, 9)]
    assert back["zoned"].iloc[0] == pd.Timestamp("2025-01-01 00:00+00:00")
    assert back["zoned"].isna().tolist() == [False, True, False]
    assert back["empty"].isna().all()
    assert back["raw"].tolist() == [b"\x00\xff", None, b""]


def test_types_of_a_database_are_read(database: str, schema: str, run_sql: Callable[..., Any]) -> None:
    run_sql(f"CREATE TYPE {schema}.state AS ENUM ('open', 'closed')")
    run_sql(
        f"CREATE TABLE {schema}.t AS SELECT 123456789012345678::numeric AS id, 1.50::numeric AS area, 5::smallint AS n,"
        f" 'open'::{schema}.state AS state, '{{\"a\": 1}}'::jsonb AS notes, ARRAY[1, 2] AS list, "
        "NULL::integer AS gap, ST_SetSRID(ST_MakePoint(120, 29), 4490) AS geom"
    )
    row = read_postgis(database, None, table="t", schema=schema).iloc[0]
    assert row["id"] == 123456789012345678
    assert (row["area"], row["n"], row["state"], row["notes"], row["list"]) == (1.5, 5, "open", '{"a": 1}', "{1,2}")
    assert np.isnan(row["gap"])
    checked = read_postgis(database, "candidates", table="t", schema=schema)
    assert list(checked.index) == ["123456789012345678"]


@pytest.mark.parametrize("table", ['a"b', "a;b", "a'; DROP TABLE x; --", "小区 2025", "%s", "a.b", "SELECT", "\n"])
def test_hostile_names_are_only_names(database: str, schema: str, homes: gpd.GeoDataFrame, table: str) -> None:
    frame = homes.assign(**{table: [1, 2, 3], "%(x)s": ["a", "b", "c"]})
    for how in ("fail", "replace", "append"):
        write_postgis(frame if how != "append" else frame.set_index(frame.index + "x"), database, table, schema=schema,
                      if_exists=how)  # fmt: skip
    back = read_postgis(database, None, table=table, schema=schema).set_index("id")
    assert list(back.index) == ["h1", "h2", "h3", "h1x", "h2x", "h3x"]
    assert_geodataframe_equal(back.iloc[:3], frame, check_like=True)


def test_names_that_postgresql_would_cut_or_lose_are_refused(database: str, homes: gpd.GeoDataFrame) -> None:
    long = "人" * 22
    with pytest.raises(LayerError, match=r"63 bytes.*人"):
        write_postgis(homes, database, long)
    with pytest.raises(LayerError, match="63 bytes"):
        write_postgis(homes.assign(**{long: 1}), database, "homes")
    for bad in ("", "a\x00b"):
        with pytest.raises(LayerError, match="empty or hold a character"):
            write_postgis(homes.assign(**{bad: 1}), database, "homes")
    with pytest.raises(LayerError, match=r'"name" holds a character .* 1 of 3 rows: "h2"'):
        write_postgis(homes.assign(name=["a", "b\x00", "c"]), database, "homes")
    with pytest.raises(LayerError, match="system column"):
        write_postgis(homes.assign(ctid=1), database, "homes")


def test_an_empty_result_keeps_its_crs(database: str, schema: str, homes: gpd.GeoDataFrame) -> None:
    write_postgis(homes[:0], database, "empty", schema=schema)
    for asked in ({"table": "empty", "schema": schema}, {"query": f"SELECT id, geom FROM {schema}.empty"}):
        assert read_postgis(database, None, **asked).crs.to_epsg() == 4547
        assert len(read_postgis(database, None, **asked)) == 0
    with pytest.raises(LayerError, match="has no rows") as told:
        read_postgis(database, "communities", table="empty", schema=schema)
    assert told.value.partial.crs.to_epsg() == 4547


def test_several_geometry_columns_must_be_chosen_from(
    database: str, schema: str, homes: gpd.GeoDataFrame, run_sql: Callable[..., Any]
) -> None:
    write_postgis(homes, database, "t", schema=schema)
    run_sql(f"ALTER TABLE {schema}.t ADD COLUMN site geography(Point, 4326) DEFAULT ST_MakePoint(114, 30.5)::geography")
    with pytest.raises(LayerError, match='2 geometry columns, "geom", "site"; choose one with geometry='):
        read_postgis(database, "communities", table="t", schema=schema)
    read = read_postgis(database, "communities", table="t", schema=schema, geometry="site")
    assert (read.crs.to_epsg(), read.geometry.iloc[0].wkt) == (4326, "POINT (114 30.5)")
    assert "geom" not in read.columns
    with pytest.raises(LayerError, match='no geometry column "shape"; it has "geom", "site"'):
        read_postgis(database, "communities", table="t", schema=schema, geometry="shape")
    with pytest.raises(LayerError, match=r'no column of the type geometry; found are "id"'):
        read_postgis(database, "communities", query=f"SELECT id FROM {schema}.t")


def test_views_and_queries_are_read(
    database: str, schema: str, homes: gpd.GeoDataFrame, run_sql: Callable[..., Any]
) -> None:
    write_postgis(homes, database, "t", schema=schema)
    run_sql(f"CREATE VIEW {schema}.v AS SELECT * FROM {schema}.t WHERE population > 10")
    assert list(read_postgis(database, "communities", table="v", schema=schema).index) == ["h2", "h3"]
    asked = f"SELECT * FROM {schema}.t WHERE population < %s; "
    assert list(read_postgis(database, "communities", query=asked, params=[25]).index) == ["h1", "h2"]
    asked = f"SELECT * FROM {schema}.t WHERE name LIKE '%%苑' AND id = %(id)s -- the end"
    assert list(read_postgis(database, "communities", query=asked, params={"id": "h1"}).index) == ["h1"]
    asked = f"SELECT * FROM {schema}.t WHERE name LIKE '%苑'"
    assert list(read_postgis(database, "communities", query=asked).index) == ["h1"]
    with pytest.raises(LayerError, match='occur twice: "geom", "id"'):
        read_postgis(database, None, query=f"SELECT a.id, a.geom, b.id, b.geom FROM {schema}.t a, {schema}.t b")
    with pytest.raises(LayerError, match="is a view or a foreign table"):
        write_postgis(homes, database, "v", schema=schema, if_exists="append")


@pytest.mark.parametrize(
    "attack",
    ["SELECT 1) AS a; DROP TABLE {t}; SELECT (1", "SELECT * FROM {t}) AS x; COMMIT; DROP TABLE {t}; --",
     "DELETE FROM {t} RETURNING *", "SELECT {s}.wipe(), * FROM {t}",
     "WITH x AS (DELETE FROM {t} RETURNING *) SELECT 1"],
)  # fmt: skip
def test_a_query_changes_nothing(
    database: str, schema: str, homes: gpd.GeoDataFrame, run_sql: Callable[..., Any], attack: str
) -> None:
    write_postgis(homes, database, "t", schema=schema)
    run_sql(f"CREATE FUNCTION {schema}.wipe() RETURNS int LANGUAGE sql AS 'DELETE FROM {schema}.t; SELECT 1'")
    with pytest.raises(LayerError):
        read_postgis(database, None, query=attack.format(t=f"{schema}.t", s=schema))
    assert run_sql(f"SELECT count(*) FROM {schema}.t").fetchone() == (3,)


def test_rows_without_geometry_and_with_heights(
    database: str, schema: str, homes: gpd.GeoDataFrame, caplog: pytest.LogCaptureFixture
) -> None:
    holes = homes.copy()
    holes.loc["h2", "geometry"] = None
    write_postgis(holes, database, "holes", schema=schema)
    assert read_postgis(database, None, table="holes", schema=schema).geometry.isna().tolist() == [False, True, False]
    with pytest.raises(LayerError, match=r'geometry.*"h2"'):
        read_postgis(database, "communities", table="holes", schema=schema)
    high = homes.set_geometry(shapely.force_3d(homes.geometry.array, [5.0, 6.0, 7.0]))
    write_postgis(high, database, "high", schema=schema)
    assert not read_postgis(database, "communities", table="high", schema=schema).has_z.any()
    assert read_postgis(database, None, table="high", schema=schema).geometry.iloc[1].z == 6
    high.loc["h1", "geometry"] = shapely.force_2d(high.geometry["h1"])
    write_postgis(high, database, "some", schema=schema)
    assert "only 2 of 3 rows have heights" in caplog.text
    broken = homes.set_geometry(gpd.points_from_xy([1, np.nan, 3], [1, 2, 3], crs=homes.crs))
    with pytest.raises(LayerError, match='1 of 3 rows have coordinates that are NaN or infinite: "h2"'):
        write_postgis(broken, database, "broken", schema=schema)


# --- SRIDs ---


LOCAL = CRS.from_proj4("+proj=tmerc +lat_0=31.2333 +lon_0=121.4667 +x_0=0 +y_0=0 +ellps=krass +units=m")


def test_a_crs_without_an_exact_code_is_not_guessed(
    database: str, schema: str, homes: gpd.GeoDataFrame, run_sql: Callable[..., Any]
) -> None:
    """Findings 6: geopandas stored a local system of Shanghai as EPSG:8015."""
    local = homes.set_crs(LOCAL, allow_override=True)
    with pytest.raises(LayerError, match=r"none of EPSG's exactly.*to_crs.*srid=990001"):
        write_postgis(local, database, "local", schema=schema)
    with pytest.raises(LayerError, match=r"SRID 4326 is EPSG:4326 .* in the database, the layer is in"):
        write_postgis(local, database, "local", schema=schema, srid=4326)
    for bad in (0, -1, True, "4326", 999_999):
        with pytest.raises(LayerError, match="is no SRID"):
            write_postgis(local, database, "local", schema=schema, srid=bad)
    for how in ("fail", "replace"):
        write_postgis(local, database, "local", schema=schema, srid=990_001, if_exists=how)
    back = read_postgis(database, None, table="local", schema=schema)
    assert back.crs == LOCAL
    run_sql("DELETE FROM spatial_ref_sys WHERE srid = 990001")
    with pytest.raises(LayerError, match=r"SRID 990001, which the database does not define .* crs="):
        read_postgis(database, None, table="local", schema=schema)
    assert read_postgis(database, None, table="local", schema=schema, crs=LOCAL).crs == LOCAL


def test_a_crs_may_be_named_in_many_ways(database: str, schema: str, homes: gpd.GeoDataFrame) -> None:
    degrees = homes.to_crs("OGC:CRS84")
    esri = homes.set_crs(CRS.from_wkt(homes.crs.to_wkt("WKT1_ESRI")), allow_override=True)
    for name, frame, code in (("a", degrees, 4326), ("b", esri, 4547)):
        write_postgis(frame, database, name, schema=schema)
        assert read_postgis(database, None, table=name, schema=schema).crs.to_epsg() == code


def test_a_code_that_the_database_lacks_is_defined(
    database: str, schema: str, homes: gpd.GeoDataFrame, run_sql: Callable[..., Any]
) -> None:
    run_sql("DELETE FROM spatial_ref_sys WHERE srid = 4547")
    write_postgis(homes, database, "t", schema=schema)
    assert read_postgis(database, None, table="t", schema=schema).crs.to_epsg() == 4547
    assert run_sql("SELECT ST_AsText(ST_Transform(geom, 4490), 0) FROM " + schema + ".t").fetchone() is not None


def test_mixed_and_missing_srids_are_named(database: str, schema: str, run_sql: Callable[..., Any]) -> None:
    run_sql(f"CREATE TABLE {schema}.t (id text, geom geometry)")
    point = "ST_SetSRID(ST_MakePoint(120, 29), %s)"
    for name, srid in (("a", 4326), ("b", 4490), ("c", 4326), ("d", 0)):
        run_sql(f"INSERT INTO {schema}.t VALUES (%s, {point})", name, srid)
    with pytest.raises(LayerError, match=r'2 of 4 rows: "row 2 \(id b\): 4490", "row 4 \(id d\): 0".*ST_Transform'):
        read_postgis(database, "communities", table="t", schema=schema)
    run_sql(f"DELETE FROM {schema}.t WHERE id <> 'd'")
    with pytest.raises(LayerError, match="has no CRS"):
        read_postgis(database, "candidates", table="t", schema=schema)
    assert read_postgis(database, "candidates", table="t", schema=schema, crs=4490).crs.to_epsg() == 4490
    run_sql(f"UPDATE {schema}.t SET geom = ST_SetSRID(geom, 4326)")
    with pytest.raises(LayerError, match=r"has SRID 4326, EPSG:4326 .* but crs= says EPSG:4549"):
        read_postgis(database, "candidates", table="t", schema=schema, crs=4549)


def test_appending_does_not_mix_systems(
    database: str, schema: str, homes: gpd.GeoDataFrame, run_sql: Callable[..., Any]
) -> None:
    write_postgis(homes, database, "t", schema=schema)
    run_sql(f"CREATE TABLE {schema}.loose AS SELECT id, population, name, geom::geometry AS geom FROM {schema}.t")
    more = homes.set_index(homes.index + "b")
    for table in ("t", "loose"):
        write_postgis(more, database, table, schema=schema, if_exists="append")
        with pytest.raises(LayerError, match='the table is in SRID "4547", the layer in SRID 4490'):
            write_postgis(more.to_crs(4490), database, table, schema=schema, if_exists="append")
        assert len(read_postgis(database, None, table=table, schema=schema)) == 6


# --- the table that is there ---


def test_a_table_is_replaced_only_when_asked(
    database: str, schema: str, homes: gpd.GeoDataFrame, run_sql: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    write_postgis(homes, database, "t", schema=schema)
    with pytest.raises(LayerError, match='is there already; give if_exists="replace" or "append"'):
        write_postgis(homes, database, "t", schema=schema)
    with pytest.raises(SitingError, match='choose "fail", "replace" or "append"'):
        write_postgis(homes, database, "t", schema=schema, if_exists="drop")
    run_sql(f"CREATE VIEW {schema}.v AS SELECT * FROM {schema}.t")
    write_postgis(homes[:1], database, "t", schema=schema, if_exists="replace")
    assert run_sql(f"SELECT count(*) FROM {schema}.v").fetchone() == (1,)  # the view goes on
    with pytest.raises(LayerError, match=r"view .*v depends on table.*drop what depends"):
        write_postgis(homes.drop(columns="name"), database, "t", schema=schema, if_exists="replace")
    assert run_sql(f"SELECT count(*) FROM {schema}.v").fetchone() == (1,)
    run_sql(f"DROP VIEW {schema}.v")
    write_postgis(homes.drop(columns="name").to_crs(4490), database, "t", schema=schema, if_exists="replace")
    assert "made anew" in caplog.text
    back = read_postgis(database, None, table="t", schema=schema)
    assert (back.crs.to_epsg(), list(back.columns)) == (4490, ["id", "population", "geometry"])
    with pytest.raises(LayerError, match=r'no column "beds"; it has "id", "population", "geom"'):
        write_postgis(homes.drop(columns="name").assign(beds=1), database, "t", schema=schema, if_exists="append")
    with pytest.raises(LayerError, match=r"Key \(id\)=\(h1\) already exists"):
        write_postgis(homes.drop(columns="name").to_crs(4490), database, "t", schema=schema, if_exists="append")
    assert len(read_postgis(database, None, table="t", schema=schema)) == 3


def test_a_table_has_a_key_and_an_index(
    database: str, schema: str, homes: gpd.GeoDataFrame, run_sql: Callable[..., Any]
) -> None:
    asked = "SELECT indexdef FROM pg_indexes WHERE schemaname = %s ORDER BY 1"
    write_postgis(homes, database, "t", schema=schema)
    made = [text for (text,) in run_sql(asked, schema)]
    assert ["gist (geom" in made[0], "UNIQUE" in made[1] and "(id)" in made[1]] == [True, True]
    twice = pd.concat([homes, homes])
    write_postgis(twice, database, "twice", schema=schema)  # without a key
    assert len(read_postgis(database, None, table="twice", schema=schema)) == 6


def test_what_cannot_be_written_is_refused_before(database: str, schema: str, homes: gpd.GeoDataFrame) -> None:
    for frame, words in (
        (homes.set_crs(None, allow_override=True), "has no CRS"),
        (pd.DataFrame(homes.drop(columns="geometry")), "is no GeoDataFrame"),
        (homes.assign(x=[[1], [2], [3]]), r'"x" holds "list".*turn it into text'),
        (homes.assign(x=[1, "a", 2.5]), r'"x" holds "float", "int", "str"'),
        (homes.assign(id=1), 'share the names "id"'),
        (homes.rename(columns={"name": 7}), "must be text"),
        (homes.assign(other=homes.geometry), 'more than one geometry column: "other"'),
        (homes.assign(x=pd.Series([2**70, 1, 1], homes.index, dtype=object)), "out of range"),
    ):
        with pytest.raises(LayerError, match=words):
            write_postgis(frame, database, "t", schema=schema)
    with pytest.raises(LayerError, match='has no table "t"'):
        read_postgis(database, None, table="t", schema=schema)


def test_geopandas_reads_and_writes_the_same(database: str, schema: str, homes: gpd.GeoDataFrame) -> None:
    sqlalchemy = pytest.importorskip("sqlalchemy")
    pytest.importorskip("geoalchemy2")
    engine = sqlalchemy.create_engine(database.replace("postgresql://", "postgresql+psycopg://"))
    write_postgis(homes, database, "ours", schema=schema)
    homes.to_postgis("theirs", engine, schema=schema, index=True)
    theirs = gpd.read_postgis(f"SELECT * FROM {schema}.ours", engine, geom_col="geom", index_col="id")
    assert_geodataframe_equal(theirs.rename_geometry("geometry"), homes, check_crs=False)
    assert theirs.crs.to_epsg() == 4547
    ours = read_postgis(database, None, table="theirs", schema=schema).set_index("id")
    assert_geodataframe_equal(ours, homes)
    engine.dispose()


# --- connections ---


def test_connections_and_engines_are_taken(database: str, schema: str, homes: gpd.GeoDataFrame) -> None:
    sqlalchemy = pytest.importorskip("sqlalchemy")
    engine = sqlalchemy.create_engine(database.replace("postgresql://", "postgresql+psycopg://"))
    write_postgis(homes, engine, "a", schema=schema)
    with engine.connect() as connection:
        assert len(read_postgis(connection, "communities", table="a", schema=schema)) == 3
    with engine.begin() as connection:
        write_postgis(homes, connection, "b", schema=schema)
        assert len(read_postgis(connection, "communities", table="b", schema=schema)) == 3
        connection.rollback()
    with engine.begin() as connection:
        write_postgis(homes, connection, "c", schema=schema)
    with psycopg.connect(database, row_factory=psycopg.rows.dict_row) as connection:
        write_postgis(homes, connection, "d", schema=schema)
        connection.execute("CREATE TABLE after_reading (x int)")
        assert len(read_postgis(connection, "communities", table="d", schema=schema)) == 3
        connection.execute("DROP TABLE after_reading")  # the transaction may still write
        assert connection.execute("SHOW statement_timeout").fetchone() == {"statement_timeout": "0"}
        assert connection.execute("SHOW synchronize_seqscans").fetchone() == {"synchronize_seqscans": "on"}
    engine.dispose()
    for table, there in (("a", True), ("b", False), ("c", True), ("d", True)):
        if there:
            assert len(read_postgis(database, None, table=table, schema=schema)) == 3
        else:
            with pytest.raises(LayerError, match=f'has no table "{table}"'):
                read_postgis(database, None, table=table, schema=schema)
    assert len(read_postgis(database, None, table="a", schema=schema, time_limit=math.inf)) == 3
    with pytest.raises(LayerError, match="the connection is a object"):
        read_postgis(object(), None, table="a")


def test_an_address_may_stand_in_the_environment(
    database: str, schema: str, homes: gpd.GeoDataFrame, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    postgis: dict[str, str],
) -> None:  # fmt: skip
    write_postgis(homes, database, "t", schema=schema)
    monkeypatch.setenv("CITY_DB", database)
    monkeypatch.setenv("CITY_SECRET", quote(SECRET, safe=""))
    part = address(postgis, "city").replace(quote(SECRET, safe=""), "${CITY_SECRET}")
    service = tmp_path / "services.conf"
    lines = [f"{key}={value}" for key, value in {**postgis, "dbname": "city"}.items()]
    service.write_text("\n".join(["[bureau]", *lines]), encoding="utf-8")
    monkeypatch.setenv("PGSERVICEFILE", str(service))
    for given in ("${CITY_DB}", part, "service=bureau", database.replace("postgresql://", "postgresql+psycopg2://")):
        assert len(read_postgis(given, None, table="t", schema=schema)) == 3
    with pytest.raises(LayerError, match='environment variable "CITY_NONE" is not set'):
        read_postgis("${CITY_NONE}", None, table="t")
    with pytest.raises(LayerError, match='service "nope" stands in no service file'):
        read_postgis("service=nope", None, table="t")


def test_passwords_in_an_address_are_noticed() -> None:
    assert has_password("postgresql://u:secret@h/d")
    assert has_password("host=h password=secret")
    assert has_password("postgresql://h/d?password=secret")
    for hidden in ("postgresql://u@h/d", "postgresql://u:${SECRET}@h/d", "service=city", "password=${SECRET}", "${DB}"):
        assert not has_password(hidden), hidden


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda url: url.replace("siting:", "siting:x"), 'does not accept the password of user "siting"'),
        (lambda url: url.replace(quote(SECRET, safe=""), SECRET), "not understood as an address"),
        (lambda url: url.replace("%40", "@").replace("%2F", "%2"), "not understood as an address"),
        (lambda url: url.replace(quote(SECRET, safe=""), "p%zz"), "not understood as an address"),
        (lambda url: url.replace("/city", "/cty"), 'database "cty" does not exist; correct the address'),
        (lambda url: url.replace("//siting:", "//nobody:"), "password of user|does not exist"),
        (lambda url: url.replace("postgresql", "mysql"), "not understood as an address"),
        (lambda url: "host=127.0.0.1 port=1 password=" + SECRET, "no server answers at 127.0.0.1:1"),
        (lambda url: "password='" + SECRET, "not understood as an address"),
        (lambda url: f"postgresql://u:{quote(SECRET, safe='')}@no.such.host.invalid/x", "no server answers at no"),
    ],
)  # fmt: skip
def test_what_keeps_a_connection_from_opening_is_told_without_the_password(
    database: str, change: Callable[[str], str], words: str
) -> None:
    with pytest.raises(LayerError, match=words) as told:
        read_postgis(change(database), "communities", table="t")
    shown = "".join(f"{fault}{fault!r}" for fault in (told.value, told.value.__cause__))
    for part in (SECRET, quote(SECRET, safe=""), "w/ord", "w%2Ford", "p%zz"):
        assert part not in shown


def test_the_answers_of_the_server_come_with_a_remedy(
    database: str, schema: str, homes: gpd.GeoDataFrame, postgis: dict[str, str], run_sql: Callable[..., Any]
) -> None:
    write_postgis(homes, database, "homes", schema=schema)
    for asked, words in (
        ({"table": "hoems", "schema": schema}, 'no table "hoems" in the schema .*; near are "homes"'),
        ({"table": "homes"}, f'there is one in the schema "{schema}": give schema='),
        ({"table": f"{schema}.homes"}, f'give schema="{schema}", table="homes", or in a shell {schema}.homes'),
        ({"query": "SELEC 1"}, "the query cannot be run: syntax error"),
        (
            {"query": "SELECT pg_sleep(5), ST_Point(1, 2) AS geom", "time_limit": 0.3},
            r"longer than time_limit=0.3 seconds",
        ),
        ({"query": f"SELECT *, 1 / (population - 20) FROM {schema}.homes"}, "division by zero"),
    ):
        with pytest.raises(LayerError, match=words):
            read_postgis(database, "communities", **asked)
    with pytest.raises(LayerError, match=r"no PostGIS; its administrator adds it with CREATE EXTENSION postgis"):
        read_postgis(address(postgis, "postgres"), "communities", table="homes")
    with pytest.raises(LayerError, match='schema "nope" does not exist; make the schema first'):
        write_postgis(homes, database, "homes", schema="nope")
    run_sql("DROP ROLE IF EXISTS guest")
    run_sql("CREATE ROLE guest LOGIN PASSWORD 'guest'")
    run_sql(f"GRANT USAGE ON SCHEMA {schema} TO guest")
    guest = address(postgis, "city", user="guest", password="guest")
    with pytest.raises(LayerError, match=r'permission denied.*user "guest" lacks the right'):
        read_postgis(guest, "communities", table="homes", schema=schema)
    run_sql(f"GRANT SELECT ON {schema}.homes TO guest")
    assert len(read_postgis(guest, "communities", table="homes", schema=schema)) == 3
    with pytest.raises(LayerError, match=r'permission denied.*user "guest" lacks the right'):
        write_postgis(homes, guest, "homes", schema=schema, if_exists="replace")
    with pytest.raises(LayerError, match=r"read-only.*write to another"):
        write_postgis(homes, database + "?options=-c%20default_transaction_read_only%3Don", "x", schema=schema)
    run_sql(f"REVOKE ALL ON {schema}.homes FROM guest")
    run_sql(f"REVOKE ALL ON SCHEMA {schema} FROM guest")
    run_sql("DROP ROLE guest")


def test_arguments_that_contradict_are_refused(database: str) -> None:
    for given, words in (
        ({}, "takes table= or query="), ({"table": "a", "query": "b"}, "one of the two"),
        ({"table": "a", "params": [1]}, "params= are for query="), ({"query": "a", "schema": "b"}, "schema= is for"),
        ({"table": "a", "role": None, "id_prefix": "x"}, "need a role"),
        ({"table": "a", "time_limit": 0}, "time_limit=0"),
        ({"table": "a", "time_limit": float("nan")}, "time_limit=nan"),
    ):  # fmt: skip
        with pytest.raises(SitingError, match=words):
            read_postgis(database, **{"role": "communities", **given})


# --- several at once, and connections that end ---


def test_a_locked_table_is_waited_for_and_then_named(
    database: str, schema: str, homes: gpd.GeoDataFrame, run_sql: Callable[..., Any]
) -> None:
    write_postgis(homes, database, "t", schema=schema)
    with psycopg.connect(database) as other:
        other.execute(f"LOCK TABLE {schema}.t IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(LayerError, match="is locked by another session"):
            read_postgis(database, "communities", table="t", schema=schema, time_limit=0.6)
        with pytest.raises(LayerError, match="is locked by another session"):
            write_postgis(homes, database, "t", schema=schema, if_exists="replace", time_limit=0.6)
    assert len(read_postgis(database, "communities", table="t", schema=schema)) == 3


def test_who_reads_meanwhile_finds_the_old_rows(database: str, schema: str, homes: gpd.GeoDataFrame) -> None:
    write_postgis(homes, database, "t", schema=schema)
    with psycopg.connect(database) as writer:
        writer.execute("SELECT 1")  # in a transaction
        write_postgis(homes[:1], writer, "t", schema=schema, if_exists="replace")
        assert len(read_postgis(database, None, table="t", schema=schema, time_limit=5)) == 3
    assert len(read_postgis(database, None, table="t", schema=schema)) == 1


def test_two_writers_of_one_table_wait_for_each_other(database: str, schema: str, homes: gpd.GeoDataFrame) -> None:
    """New tables, replaced rows, other columns: the last one stands, whole, and nobody fails."""
    faults: list[BaseException] = []

    def write(number: int) -> None:
        frame = homes.assign(writer=number)
        try:
            for _ in range(4):
                more = frame if number % 2 else frame.assign(extra=1.5)
                write_postgis(more, database, "t", schema=schema, if_exists="replace")
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    back = read_postgis(database, None, table="t", schema=schema)
    assert (len(back), back["writer"].nunique()) == (3, 1)


def test_a_connection_that_is_cut_leaves_the_old_table(
    database: str, schema: str, homes: gpd.GeoDataFrame, run_sql: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_postgis(homes, database, "old", schema=schema)
    asked = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'siting'"
    real = psycopg.Copy.write_row

    def cut(copy: Any, row: Any) -> None:
        real(copy, row)
        run_sql(asked)

    for table in ("old", "new"):
        with monkeypatch.context() as patch:
            patch.setattr(psycopg.Copy, "write_row", cut)
            with pytest.raises(LayerError, match="connection to the server was lost"):
                write_postgis(homes.assign(population=0), database, table, schema=schema, if_exists="replace")
    back = read_postgis(database, None, table="old", schema=schema)
    assert back["population"].tolist() == [10, 20, 30]
    with pytest.raises(LayerError, match='has no table "new"'):
        read_postgis(database, None, table="new", schema=schema)


def test_the_server_ends_with_the_process_that_started_it() -> None:
    server = Path(__file__).with_name("postgis_server.py")
    starter = (
        "import subprocess, sys, os, signal\n"
        f"run = subprocess.Popen([sys.executable, {str(server)!r}], stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
        "print(run.stdout.readline().decode().strip(), flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    port = int(subprocess.run([sys.executable, "-c", starter], stdout=subprocess.PIPE, check=False).stdout)
    for _ in range(200):
        try:
            psycopg.connect(host="127.0.0.1", port=port, user="x", password="x", connect_timeout=2).close()
        except psycopg.OperationalError as fault:
            if "refused" in str(fault):
                return
        time.sleep(0.05)
    pytest.fail("the server still answers")


def test_the_log_and_the_source_hold_no_password(
    database: str, schema: str, homes: gpd.GeoDataFrame, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    write_postgis(homes, database, "t", schema=schema)
    back = read_postgis(database, "communities", table="t", schema=schema)
    for part in (SECRET, quote(SECRET, safe="")):
        assert part not in caplog.text
        assert part not in repr(back.attrs)


# --- in a study and in the shell ---


def test_a_study_reads_from_a_database(
    database: str, schema: str, homes: gpd.GeoDataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_postgis(homes, database, "小区", schema=schema)
    monkeypatch.setenv("CITY_DB", database)
    recipe = tmp_path / "study.toml"
    text = '[layers]\nstreets = {{ path = "streets.gpkg" }}\ncommunities = {{ postgis = "${{CITY_DB}}", {} }}\n'
    for keys in (
        f'table = "小区", schema = "{schema}", geometry = "geom", id_prefix = "a-"',
        f'query = "SELECT * FROM {schema}.小区", columns = {{ population = "population" }}, id_prefix = "a-"',
    ):
        recipe.write_text(text.format(keys), encoding="utf-8")
        layers = st.Study.from_toml(recipe).layers
        read = layers["communities"].read("communities", strict=False)
        assert read["population"].to_dict() == {"a-h1": 10, "a-h2": 20, "a-h3": 30}


def test_a_datum_is_converted(database: str, schema: str, homes: gpd.GeoDataFrame) -> None:
    moved = st.data.convert_datum(homes.to_crs(4490), "WGS84", "GCJ-02")
    write_postgis(moved, database, "t", schema=schema)
    for role in ("communities", None):
        back = read_postgis(database, role, table="t", schema=schema, datum="GCJ-02").to_crs(homes.crs)
        assert np.max(shapely.distance(back.geometry.array, homes.geometry.array)) < 1e-3
    assert moved.to_crs(homes.crs).distance(homes).min() > 100
    asked = f"SELECT id, population, ST_SetSRID(geom, 0) AS geom FROM {schema}.t"  # services give degrees
    back = read_postgis(database, "communities", query=asked, datum="GCJ-02").to_crs(homes.crs)
    assert np.max(shapely.distance(back.geometry.array, homes.geometry.array)) < 1e-3


def test_a_study_refuses_a_source_of_two_kinds(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    recipe = tmp_path / "study.toml"
    text = '[layers]\nstreets = {{ path = "streets.gpkg" }}\ncommunities = {{ {} }}\n'
    for keys, words in (
        (
            'table = "a"',
            r"\[layers.communities\]: needs path, postgis \(with table or query\), from .* or sample: one of the four",
        ),
        ('path = "a.gpkg", postgis = "service=city", table = "a"', "one of the four"),
        ('path = "a.gpkg", table = "a"', r'"table" is for a database \(postgis\)'),
        ('postgis = "service=city", table = "a", encoding = "gbk"', r'"encoding" is for files \(path\)'),
        ('postgis = "service=city"', "needs table or query"),
        ('postgis = "service=city", table = "a", query = "b"', "needs table or query"),
        ('postgis = 7, table = "a"', "postgis is 7, not a text"),
    ):
        recipe.write_text(text.format(keys), encoding="utf-8")
        with pytest.raises(SitingError, match=words):
            st.Study.from_toml(recipe)
    recipe.write_text(text.format('postgis = "postgresql://u:secret@h/d", table = "a"'), encoding="utf-8")
    study = st.Study.from_toml(recipe)
    assert "the study holds a password" in caplog.text
    for shown in (caplog.text, repr(study), repr(study.layers), str(study.layers["communities"])):
        assert "secret" not in shown


def test_a_table_is_checked_and_imported_in_the_shell(
    database: str, schema: str, homes: gpd.GeoDataFrame, tmp_path: Path
) -> None:
    write_postgis(homes, database, "homes", schema=schema)
    to = tmp_path / "homes.gpkg"
    given = ["--postgis", database, "--role", "communities", "--lang", "en"]
    checked = subprocess.run(
        [sys.executable, "-m", "siting", "check", f"{schema}.homes", *given], capture_output=True, text=True, check=True
    )
    assert "homes: 3 communities, EPSG:4547" in checked.stdout
    subprocess.run([sys.executable, "-m", "siting", "import", f"{schema}.homes", str(to), *given], check=True)
    assert list(st.read_layer(to, "communities").index) == ["h1", "h2", "h3"]
    refused = subprocess.run(
        [sys.executable, "-m", "siting", "check", "homes", *given, "--encoding", "gbk"], capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert refused.returncode == 2
    assert "--encoding is for files, not for --postgis" in refused.stderr
    assert SECRET not in checked.stdout + checked.stderr + refused.stderr
