"""Reading a layer from a file."""

from __future__ import annotations

import mmap
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from siting.data import roles, tables
from siting.data.check import Missing, check_layer
from siting.data.check_ids import with_id_prefix
from siting.data.datums import crs_name, read_crs, same_crs
from siting.data.formats import local_file
from siting.data.header_rows import check_counts
from siting.data.mapping import LayerMapping
from siting.data.mojibake import mend_mojibake, mended_choice
from siting.data.roles import Role
from siting.data.source import Source, kept_attrs
from siting.errors import LayerError

__all__ = ["read_layer"]


def read_layer(
    path: str | Path,
    role: str | Role,
    *,
    layer: str | None = None,
    columns: Mapping[str, str] | None = None,
    encoding: str | None = None,
    crs: Any = None,
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
        A local file: ``.gpkg``, ``.geojson``, ``.json``, ``.shp``, ``.parquet``, ``.geoparquet``, ``.csv`` or
        ``.xlsx``. A table needs columns ``lon`` and ``lat`` (经度, 纬度), ``x`` and ``y`` with *crs*, or ``wkt``.
    role
        Name of a role (see `list_roles`), or a `Role`.
    layer
        Layer of a GeoPackage or sheet of a workbook; required if there are several and none has the role's name.
    columns
        Your choice of columns, canonical name → name in the file (also ``lon``, ``lat``, ``x``, ``y``, ``wkt``).
    encoding
        Encoding of a CSV or Shapefile. Default: what its content is, UTF-8, GB18030 or Big5, as logged.
    crs
        The CRS of the coordinates if the file has none; it may not contradict the file.
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
        heading.

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
    plan = None if mapping is None else LayerMapping.from_toml(mapping, kind)
    options = {} if plan is None else plan.options
    layer = options.get("layer") if layer is None else layer
    encoding = options.get("encoding") if encoding is None else encoding
    crs = options.get("crs") if crs is None else crs
    name = f"{kind.name} ({file.name})"
    rows = options.get("skip_rows", 0) if skip_rows is None else skip_rows
    strip = bool(options.get("strip_units", False)) if strip_units is None else strip_units
    source = Source(file, kind.name, name, layer, encoding, rows, options.get("header") if header is None else header)
    check_counts(source)
    if (rows or source.header is not None) and not form.table:
        raise LayerError(name, f"skip_rows and header are for tables, such as CSV; {source.suffix} is none")
    if layer is not None and not form.layers:
        raise LayerError(name, f"layer={layer!r} is for GeoPackages and workbooks; {source.suffix} holds one layer")
    given = None if crs is None else read_crs(crs, name)
    frame, layer = form.read(source)
    frame = mend_mojibake(frame, name)
    attrs = dict(frame.attrs) if form.table else kept_attrs(frame.attrs)
    chosen, renumber = mended_choice(columns or {}, frame.columns), form.table
    if plan is not None:
        renumber |= isinstance(frame.index, pd.RangeIndex)
        frame, planned, dropped = plan.apply(frame, kind, name, strip_units=strip)
        chosen = {**planned, **chosen}
        attrs |= {"dropped": dropped} if dropped else {}
    if form.table:
        places = {key: chosen.pop(key) for key in roles.COORDINATES if key in chosen}
        frame, attrs["understood"] = tables.with_geometry(frame, places, given, name)
    frame = _set_crs(frame.reset_index(drop=True) if renumber else frame, given, source)
    frame.attrs = {**attrs, "source": f"{file.name}:{layer}" if layer else file.name}
    out = check_layer(frame, kind, columns=chosen, missing=missing, name=name, strict=strict, strip_units=strip)
    return with_id_prefix(out, id_prefix, name) if id_prefix else out


def _set_crs(frame: Any, given: Any, source: Source) -> Any:
    if given is None:
        return frame
    # GeoJSON that names no CRS is labelled EPSG:4326 by GDAL, whatever its numbers are.
    if frame.crs is None or (source.suffix in (".geojson", ".json") and not _names_crs(source.file)):
        return frame.set_crs(given, allow_override=True)
    if not same_crs(frame.crs, given):
        remedy = "leave crs= out and reproject what was read with to_crs(frame, crs), or correct the file"
        raise LayerError(source.name, f"is in {crs_name(frame.crs)}, but crs= says {crs_name(given)}; {remedy}")
    return frame


def _names_crs(file: Path) -> bool:
    """Whether a GeoJSON file names its CRS."""
    with file.open("rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as text:
        return re.search(rb'"crs"\s*:\s*\{', text) is not None
