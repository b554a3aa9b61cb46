"""Reading a layer from a file, or from a table in memory."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd

from siting.data import roles
from siting.data.arrow_tables import frame_of, table_of
from siting.data.check import Missing
from siting.data.formats import local_file
from siting.data.header_rows import check_counts
from siting.data.read_options import ReadOptions
from siting.data.roles import Role
from siting.data.source import Source
from siting.data.system_errors import system_words
from siting.errors import LayerError
from siting.messages import Message

__all__ = ["read_arrow", "read_layer"]


def read_layer(
    path: str | Path,
    role: str | Role,
    *,
    layer: str | None = None,
    columns: Mapping[str, str] | None = None,
    encoding: str | None = None,
    crs: Any = None,
    datum: str | None = None,
    missing: Missing = "raise",
    strict: bool = False,
    mapping: str | Path | None = None,
    skip_rows: int | None = None,
    header: int | None = None,
    strip_units: bool | None = None,
    id_prefix: str = "",
) -> Any:
    r"""Read a layer from a file and bring it to the canonical form of its role.

    Parameters
    ----------
    path
        A local file: ``.gpkg``, ``.gdb`` (a folder), ``.geojson``, ``.json``, ``.shp``, ``.zip`` (Shapefiles or a
        ``.gdb``), ``.parquet``, ``.geoparquet`` (also places of Overture Maps), ``.fgb``, ``.kml``, ``.kmz``, ``.gpx``,
        ``.dxf``, ``.tab``, ``.mif``, ``.duckdb``, ``.csv``, ``.xlsx``, ``.xlsm`` or ``.xls``. A table needs columns
        ``lon`` and ``lat`` (经度, 纬度), ``x`` and ``y`` with *crs*, ``wkt``, ``wkb`` or ``h3``. DuckDB, H3 and
        ``.xls`` need the extras ``duckdb``, ``h3`` and ``xls``.
    role
        Name of a role (see `list_roles`), or a `Role`.
    layer
        Layer, sheet of a workbook, folder of a KML file, layer of a drawing or table of a database; required if there
        are several and none has the role's name.
    columns
        Your choice of columns, canonical name → name in the file (also ``lon``, ``lat``, ``x``, ``y``, ``wkt``,
        ``wkb``, ``h3``).
    encoding
        Encoding of a CSV, Shapefile, KML, GPX, DXF or MapInfo file. Default: what its content is, UTF-8, GB18030 or
        Big5, as logged, or what a KML or GPX file says.
    crs
        The CRS of the coordinates if the file has none; it may not contradict the file.
    datum
        The datum of coordinates from a Chinese map service: ``"GCJ-02"`` (高德, 腾讯) or ``"BD-09"`` (百度). They are
        converted to WGS 84; see `convert_datum`.
    missing
        For missing numbers: ``"raise"``, or ``"zero"`` to count them as 0.
    strict
        Turn warnings on the location of the layer into errors; see `check_layer`.
    mapping
        A TOML file on how the export of a registration system becomes the layer: headings, words, units,
        constants, and the rows that count. Other keywords take precedence.
    skip_rows
        Of a table: rows above the header to leave out, such as titles. They are logged.
    header
        Of a table: the number of rows of its header. A name in an upper row stands over the columns to its right, too.
    strip_units
        Read numbers with words around them ("120个", "约50"), as logged; see `check_layer`.
    id_prefix
        Set before each id, so that the ids of two layers differ; the ids of the file are kept as ``id_source``.

    Returns
    -------
    geopandas.GeoDataFrame
        The layer as `check_layer` returns it. ``attrs["source"]`` names the file and layer; ``attrs["notice"]`` and
        ``attrs["attribution"]`` are restored when the file keeps them. ``attrs["merged"]`` names the merged cells of a
        workbook that were filled down, by heading, and ``attrs["dropped"]`` counts the rows that *mapping* left out, by
        heading. ``attrs["datum"]`` says what *datum* converted.

    Raises
    ------
    LayerError
        When the file is missing, is not of the kind of its suffix, or the layer has errors; it lists all of them.

    Examples
    --------
    >>> import tempfile
    >>> text = "编号,常住人口,经度,纬度\n007,300,120.01,29.02\n"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "小区.csv")
    ...     _ = file.write_text(text, encoding="utf-8-sig")
    ...     read_layer(file, "communities").drop(columns="geometry")
         population
    id
    007         300
    """
    kind = roles.role(role)
    file, form = local_file(path, kind.name)
    name = f"{kind.name} ({file.name})"
    options = ReadOptions.of(
        kind, name, mapping, layer=layer, columns=columns, encoding=encoding, crs=crs, datum=datum, missing=missing,
        strict=strict, skip_rows=skip_rows, header=header, strip_units=strip_units, id_prefix=id_prefix,
    )  # fmt: skip
    if (options.skip_rows or options.header is not None) and not form.header:
        raise LayerError(name, Message("reading.no_header", suffix=file.suffix.lower()))
    if options.layer is not None and not form.layers:
        raise LayerError(name, Message("reading.one_layer", layer=options.layer, suffix=file.suffix.lower()))
    source = Source(
        file, kind.name, name, options.layer, options.encoding, options.skip_rows, options.header, options.crs,
        kind.geometry,
    )  # fmt: skip
    check_counts(source)
    try:
        frame, layer = form.read(source)
    except OSError as fault:
        raise LayerError(name, Message("reading.failed", why=system_words(fault))) from fault
    return options.checked(frame, f"{file.name}:{layer}" if layer else file.name)


def read_arrow(
    table: Any,
    role: str | Role,
    *,
    columns: Mapping[str, str] | None = None,
    crs: Any = None,
    datum: str | None = None,
    missing: Missing = "raise",
    strict: bool = False,
    mapping: str | Path | None = None,
    strip_units: bool | None = None,
    id_prefix: str = "",
) -> Any:
    r"""Bring a table in memory, of any library that speaks Arrow, to the canonical form of its role.

    Parameters
    ----------
    table
        An object with ``__arrow_c_stream__``: a table of pyarrow or Polars, a relation of DuckDB, a DataFrame of
        pandas. Its places are a column of GeoArrow (``geoarrow.wkb``, ``geoarrow.point`` and others), or columns as in
        a file: WKB, WKT, ``lon`` and ``lat``, ``x`` and ``y``, ``h3``.
    role, columns, crs, datum, missing, strict, mapping, strip_units, id_prefix
        As for `read_layer`.

    Returns
    -------
    geopandas.GeoDataFrame
        As `check_layer` returns it. Numbers without gaps are not copied between Arrow and pandas.

    Raises
    ------
    LayerError
        When the object is not an Arrow table or the layer has errors; it lists all of them.

    Examples
    --------
    >>> import pyarrow
    >>> table = pyarrow.table({"id": ["a"], "population": [300], "wkt": ["SRID=4326;POINT (120 29)"]})
    >>> read_arrow(table, "communities")["population"].to_dict()
    {'a': 300}
    """
    kind = roles.role(role)
    if isinstance(table, gpd.GeoDataFrame):
        raise LayerError(kind.name, Message("data.is_frame"))
    options = ReadOptions.of(
        kind, kind.name, mapping, columns=columns, crs=crs, datum=datum, missing=missing, strict=strict,
        strip_units=strip_units, id_prefix=id_prefix,
    )  # fmt: skip
    return options.checked(frame_of(table_of(table, kind.name), kind.name))
