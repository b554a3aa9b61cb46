"""Writing layers and tables, each file completely or not at all."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import logging
import os
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from siting.data.atomic_write import atomic_path
from siting.data.combine import other_geometries, with_plain_geometry
from siting.data.crs import to_crs
from siting.data.datums import NO_CRS, WGS84
from siting.data.finite_coordinates import refuse_endless
from siting.data.folder_exchange import atomic_folder
from siting.data.geopackage_views import read_only
from siting.data.heading_spelling import NAME_BYTES
from siting.data.source import kept_attrs, warnings_logged
from siting.data.tables import guarded
from siting.data.write_geodatabase import refuse_other_folders, write_geodatabase
from siting.data.written import check_written, disk_full_told, rows_in
from siting.errors import LayerError, SitingError
from siting.messages import Message

__all__ = ["write_layer", "write_table"]

logger = logging.getLogger(__name__)

# A fixed date in place of the clock's, so that the same layers give the same bytes.
STAMP = "2000-01-01T00:00:00.000Z"
# Limits of a text in a Shapefile, in bytes, and in a cell of Excel, in characters.
TEXT_BYTES, CELL_CHARACTERS = 254, 32767
# Longest name of a GeoPackage: with "-journal" after it the system must take it.
LONGEST = 247
# Decimals of a degree in GeoJSON: 0.1 mm.
DECIMALS = 9
# Files that belong to a Shapefile: those of its rows, and indexes, which do not fit other rows.
_PARTS = (
    ".shp", ".shx", ".dbf", ".prj", ".cpg", ".qix", ".sbn", ".sbx", ".idm", ".ind", ".fbn", ".fbx", ".ain", ".aih",
    ".qpj",
)  # fmt: skip


def write_layer(frame: Any, path: str | Path, *, layer: str | None = None) -> None:
    """Write a layer to a file, completely or not at all.

    Parameters
    ----------
    frame
        A GeoDataFrame with a CRS. Its index is written as a column (``id``, or the index's own name).
    path
        ``.gpkg`` (the best choice), ``.gdb`` (a File Geodatabase, a folder), ``.parquet`` (GeoParquet 1.1), ``.fgb``
        (FlatGeobuf), ``.geojson``, ``.shp``, ``.csv`` or ``.xlsx``. GeoJSON, CSV and Excel hold longitude and latitude
        (EPSG:4326); the tables as columns ``lon`` and ``lat``, or ``wkt`` when not all are points.
    layer
        Layer of a GeoPackage or geodatabase to add or replace (the others stay), or sheet of a workbook.

    Raises
    ------
    LayerError
        When the layer has no CRS, or the format cannot hold it. A Shapefile that is there is never replaced: its files
        cannot be exchanged at once.
    SitingError
        When the file cannot be written, as on a full disk. The old file is unchanged.

    Notes
    -----
    Threads and processes may write at once; of those that write the same file one waits for the other.

    A GeoPackage keeps ``attrs["notice"]`` and ``attrs["attribution"]`` as metadata of the layer, a GeoParquet file too.
    The same layers give a GeoPackage of the same bytes. In CSV, a text that a spreadsheet would read as a formula gets
    an apostrophe in front, which `read_layer` removes. GeoJSON and Excel keep 15 digits of a number, the others
    all. A File Geodatabase holds whole numbers up to 2^53.

    Examples
    --------
    >>> import tempfile
    >>> from siting.data import read_layer
    >>> frame = gpd.GeoDataFrame({"places": [30]}, index=pd.Index(["k1"], name="id"),
    ...                          geometry=gpd.GeoSeries.from_xy([120.0], [29.0]).array, crs="EPSG:4490")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_layer(frame, Path(folder, "childcare.gpkg"))
    ...     read_layer(Path(folder, "childcare.gpkg"), "childcare")["places"].to_dict()
    {'k1': 30}
    """
    target = Path(path)
    suffix, name = target.suffix.lower(), layer or target.name
    writer = _WRITERS.get(suffix)
    if writer is None:
        raise LayerError(name, Message("writing.other_kind", name=target.name, kinds=list(_WRITERS)))
    if layer is not None and suffix not in (".gpkg", ".gdb", ".xlsx"):
        raise LayerError(name, Message("reading.one_layer", layer=layer, suffix=target.suffix))
    if not isinstance(frame, gpd.GeoDataFrame) or frame.active_geometry_name is None:
        raise LayerError(name, Message("writing.no_layer"))
    if frame.crs is None:
        raise LayerError(name, NO_CRS)
    for column in frame.columns[frame.dtypes == "geometry"]:
        refuse_endless(frame[column], name)
    if kept_attrs(frame.attrs) and suffix not in (".gpkg", ".parquet", ".geoparquet"):
        logger.info("%s: %s does not keep the notice and the attribution; a GeoPackage does", name, target.suffix)
    try:
        if suffix == ".gdb":
            refuse_other_folders(target, name)
        place = atomic_folder(target, ours=lambda _: True) if suffix == ".gdb" else atomic_path(target)
        with place as draft, warnings_logged(name):  # pandas changes the filters of warnings, too
            writer(_Job(_with_index(frame, name), draft, target, layer, name))
    except SitingError:
        raise
    except (RuntimeError, OSError, ValueError, TypeError, ArithmeticError, sqlite3.Error) as fault:
        raise LayerError(name, Message("writing.failed_to", name=target.name, why=str(fault))) from fault
    logger.info("%s: %d rows written to %s", name, len(frame), target.name)


def write_table(frame: pd.DataFrame, path: str | Path) -> None:
    """Write a plain table as CSV for Excel (UTF-8 with a byte order mark), completely or not at all.

    Parameters
    ----------
    frame
        A DataFrame. An index with names is written as columns.
    path
        A ``.csv`` file.

    Raises
    ------
    SitingError
        When *path* does not end in ``.csv`` or cannot be written. The old file is unchanged.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_table(pd.DataFrame({"名称": ["=1+1"]}), Path(folder, "t.csv"))
    ...     Path(folder, "t.csv").read_text(encoding="utf-8-sig").split()
    ['名称', "'=1+1"]
    """
    target = Path(path)
    if target.suffix.lower() != ".csv":
        raise SitingError(Message("writing.table_kind", name=target.name))
    named = any(name is not None for name in frame.index.names)
    try:
        with atomic_path(target) as draft:
            _to_csv(frame.reset_index() if named else frame, draft)
    except SitingError:
        raise
    except (OSError, ValueError) as fault:
        raise SitingError(Message("writing.table_failed", name=target.name, why=str(fault))) from fault


def _with_index(frame: Any, name: str) -> Any:
    """Return a copy with the index as columns and the geometry, called ``geometry``, last."""
    index = frame.index
    if isinstance(index, pd.RangeIndex) and index.name is None:
        out = frame.reset_index(drop=True)
    else:
        names = [key or ("id" if index.nlevels == 1 else f"level_{n}") for n, key in enumerate(index.names)]
        if clash := [key for key in names if key in frame.columns]:
            raise LayerError(name, Message("writing.shared_names", names=clash))
        out = frame.reset_index(names=names)
        for key in names:
            if cut := [repr(each) for each in out[key] if isinstance(each, str) and "\0" in each]:
                raise LayerError(name, Message("writing.nul", column=key, texts=cut))
    out = with_plain_geometry(out)
    out.attrs = kept_attrs(frame.attrs)
    if strange := [c for c in out.columns if not isinstance(c, str)]:
        raise LayerError(name, Message("writing.text_names", names=strange))
    if more := other_geometries(out):
        raise LayerError(name, Message("writing.more_geometry", columns=more))
    return out[[c for c in out.columns if c != "geometry"] + ["geometry"]]


@dataclass(frozen=True)
class _Job:
    """A job of a writer: the frame, the path to write, the final path, the layer, and the name for messages."""

    frame: Any
    draft: Path
    target: Path
    layer: str | None
    name: str


def _write_gdal(job: _Job, driver: str, frame: Any = None, **options: Any) -> None:
    """Write a frame by GDAL, and look whether it is all there: a full disk does not always raise."""
    import pyogrio

    layer, shapes = options.get("layer"), job.frame.geometry.array
    with disk_full_told(job.draft.parent):
        pyogrio.write_dataframe(job.frame if frame is None else frame, job.draft, driver=driver, **options)
        if rows_in(job.draft, layer) != len(job.frame):
            raise LayerError(layer or job.draft.name, Message("writing.rows_lost", n=len(job.frame)))
        if driver == "GPKG":
            _fix_date(job.draft, str(layer))
    whole = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    check_written(job.draft, str(layer), len(shapes), int(whole.sum()))


def _write_gpkg(job: _Job) -> None:
    _refuse_case_twins(job)
    if len(os.fsencode(job.target.name)) > LONGEST:
        raise LayerError(job.name, Message("writing.long_geopackage", most=LONGEST))
    if job.target.exists():
        _copy_old_layers(job)
    attrs = job.frame.attrs
    metadata = {f"notice_{lang}": attrs.get("notice", {}).get(lang) for lang in ("zh", "en")}
    metadata |= {"attribution": attrs.get("attribution")}
    kept = {key: text for key, text in metadata.items() if text} or None
    names = {name.casefold() for name in job.frame.columns}
    geometry, fid = "geometry" if "geom" in names else "geom", "row_id" if "fid" in names else "fid"
    options = {"GEOMETRY_NAME": geometry, "FID": fid}
    _write_gdal(job, "GPKG", layer=job.layer or job.target.stem, layer_options=options, layer_metadata=kept)


def _copy_old_layers(job: _Job) -> None:
    """Copy the GeoPackage that gets a layer, with its write-ahead log."""
    import pyogrio

    target, name = job.target, job.target.name
    # Checked first, because opening the file may merge the log into it.
    for end in ("-wal", "-journal"):
        log = target.with_name(name + end)
        if log.exists() and log.stat().st_size:
            raise LayerError(job.name, Message("writing.open_elsewhere", name=name))
    try:
        layers = {str(layer) for layer, _ in pyogrio.list_layers(target)}
    except RuntimeError as fault:
        if job.layer is None:
            return  # nothing to keep in a file that cannot be read
        raise LayerError(job.name, Message("writing.not_opened", name=name, why=str(fault))) from fault
    if job.layer is None:
        if layers - {target.stem}:
            raise LayerError(job.name, Message("writing.layers_lost", name=name, layers=sorted(layers)))
        return
    with (
        contextlib.closing(sqlite3.connect(read_only(target), uri=True)) as old,
        contextlib.closing(sqlite3.connect(job.draft)) as new,
    ):
        old.backup(new)


def _fix_date(file: Path, layer: str) -> None:
    """Set the dates of a layer to a fixed one. GDAL's own option for it holds for all threads."""
    with contextlib.closing(sqlite3.connect(file)) as book, book:
        book.execute("UPDATE gpkg_contents SET last_change = ? WHERE table_name = ?", (STAMP, layer))
        if book.execute("SELECT 1 FROM sqlite_master WHERE name = 'gpkg_metadata_reference'").fetchone():
            book.execute("UPDATE gpkg_metadata_reference SET timestamp = ? WHERE table_name = ?", (STAMP, layer))
    # SQLite counts transactions in two places of its head, and GDAL makes one more or less by its clock.
    with file.open("r+b") as head:
        for place in (24, 92):
            head.seek(place)
            head.write((1).to_bytes(4, "big"))


def _refuse_case_twins(job: _Job) -> None:
    names = [name.casefold() for name in job.frame.columns]
    if twins := [c for c in job.frame.columns if names.count(c.casefold()) > 1]:
        raise LayerError(job.name, Message("writing.case_twins", columns=twins))


def _write_geojson(job: _Job) -> None:
    options = {"RFC7946": "YES", "COORDINATE_PRECISION": str(DECIMALS)}
    _write_gdal(job, "GeoJSON", to_crs(job.frame, WGS84), layer_options=options)


def _write_shapefile(job: _Job) -> None:
    _refuse_case_twins(job)
    columns = [c for c in job.frame.columns if c != "geometry"]
    faults = []
    if long := [c for c in columns if len(c.encode()) > NAME_BYTES]:
        faults.append(Message("writing.shapefile_names", most=NAME_BYTES, columns=long))
    for column in columns:
        if job.frame[column].dtype.kind in "iufb":
            continue
        if over := [text for text in job.frame[column].dropna().astype(str) if len(text.encode()) > TEXT_BYTES]:
            facts = {"column": column, "n": len(over), "most": TEXT_BYTES, "text": over[0][:20]}
            faults.append(Message("writing.shapefile_texts", **facts))
    if faults:
        raise LayerError(job.name, faults)
    if there := [file.name for end in _PARTS if (file := job.target.with_suffix(end)).exists()]:
        raise LayerError(job.name, Message("writing.shapefile_there", files=there))
    _write_gdal(job, "ESRI Shapefile", encoding="UTF-8")


def _write_parquet(job: _Job) -> None:
    job.frame.to_parquet(job.draft, index=False, schema_version="1.1.0")


def _to_csv(table: pd.DataFrame, draft: Path) -> None:
    safe = table.map(lambda cell: guarded(cell) if isinstance(cell, str) else cell)
    safe.columns = pd.Index([guarded(str(name)) for name in table.columns])
    # With this line end a lone carriage return inside a text is quoted too.
    safe.to_csv(draft, index=False, encoding="utf-8-sig", lineterminator="\r\n")


def _as_table(job: _Job) -> pd.DataFrame:
    """Return a table with the places in degrees: ``lon`` and ``lat`` of points, else ``wkt`` with its SRID."""
    moved = to_crs(job.frame, WGS84)
    shapes = moved.geometry.array
    table = pd.DataFrame(moved.drop(columns="geometry"))
    whole = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    points = bool((shapely.get_type_id(shapes)[whole] == 0).all())
    if clash := [c for c in table.columns if c in (("lon", "lat") if points else ("wkt",))]:
        raise LayerError(job.name, Message("writing.coordinate_names", columns=clash))
    if points:
        return table.assign(lon=shapely.get_x(shapes), lat=shapely.get_y(shapes))
    texts = shapely.to_wkt(shapes, rounding_precision=-1)
    table["wkt"] = [None if text is None else f"SRID=4326;{text}" for text in texts]
    return table


def _write_excel(job: _Job) -> None:
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    if job.layer is not None and job.target.exists():
        raise LayerError(job.name, Message("writing.no_sheet_added", name=job.target.name))
    table = _as_table(job)
    # All cells first: a workbook that is left half written keeps a temporary file open.
    cells = [list(table.columns), *table.itertuples(index=False, name=None)]
    rows = [[_excel_value(value, job.name) for value in row] for row in cells]
    book = Workbook(write_only=True)
    sheet = book.create_sheet(job.layer or "Sheet1")

    def cell(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        made = WriteOnlyCell(sheet, value=value)
        made.data_type = "s"  # text, even when it looks like a formula
        return made

    made = io.BytesIO()
    try:
        for row in rows:
            sheet.append([cell(value) for value in row])
        book.save(made)
    except OSError:
        with contextlib.suppress(Exception):  # its temporary file cannot be ended properly on a full disk
            sheet.close()
        raise
    job.draft.write_bytes(made.getvalue())


def _excel_value(value: Any, name: str) -> Any:
    """Return what a cell of Excel can hold: a number, a date, a text of its characters, or nothing."""
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    if isinstance(value, np.generic):
        value = value.item()
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return None
    if isinstance(value, (bool, int, float, dt.date)):
        return value
    text = str(ILLEGAL_CHARACTERS_RE.sub("", str(value)))
    if text != str(value):
        logger.warning(Message("writing.controls").within(name))
    if len(text) > CELL_CHARACTERS:
        raise LayerError(name, Message("writing.long_text", n=len(text), most=CELL_CHARACTERS))
    return text


_WRITERS: dict[str, Callable[[_Job], None]] = {
    ".gpkg": _write_gpkg,
    ".geojson": _write_geojson,
    ".json": _write_geojson,
    ".shp": _write_shapefile,
    ".gdb": lambda job: write_geodatabase(job.frame, job.draft, job.target, job.layer, job.name),
    # With the index of places, GDAL would put the rows in another order.
    ".fgb": lambda job: _write_gdal(job, "FlatGeobuf", layer_options={"SPATIAL_INDEX": "NO"}),
    ".parquet": _write_parquet,
    ".geoparquet": _write_parquet,
    ".csv": lambda job: _to_csv(_as_table(job), job.draft),
    ".xlsx": _write_excel,
}
