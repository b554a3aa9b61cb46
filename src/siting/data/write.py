"""Writing layers and tables, each file whole or not at all."""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from siting.data.atomic import atomic_path
from siting.data.crs import to_crs
from siting.data.datums import NO_CRS, WGS84
from siting.data.headings import NAME_BYTES
from siting.data.read import kept_attrs, warnings_told
from siting.data.tables import guarded
from siting.errors import LayerError, SitingError, some

__all__ = ["write_layer", "write_table"]

logger = logging.getLogger(__name__)

# A fixed date in place of the clock's, so that the same layers give the same bytes.
STAMP = "2000-01-01T00:00:00.000Z"
# Limits of a text in a Shapefile, in bytes, and in a cell of Excel, in characters.
TEXT_BYTES, CELL_CHARACTERS = 254, 32767
# Decimals of a degree in GeoJSON: 0.1 mm.
DECIMALS = 9
# Indexes of an old Shapefile that would lead astray beside a new one.
_STALE = (".qix", ".sbn", ".sbx", ".idm", ".ind", ".fbn", ".fbx", ".ain", ".aih", ".qpj")


def write_layer(frame: Any, path: str | Path, *, layer: str | None = None) -> None:
    """Write a layer to a file, whole or not at all.

    Parameters
    ----------
    frame
        A GeoDataFrame with a CRS. Its index is written as a column (``id``, or the index's own
        name).
    path
        ``.gpkg`` (the best choice), ``.parquet``, ``.geojson``, ``.shp``, ``.csv`` or ``.xlsx``.
        GeoJSON, CSV and Excel hold longitude and latitude (EPSG:4326); the tables as columns
        ``lon`` and ``lat``, or ``wkt`` when not all are points.
    layer
        Layer of a GeoPackage to add or replace (the others stay), or sheet of a workbook.

    Raises
    ------
    LayerError
        When the layer has no CRS, the format cannot hold it, or the file cannot be written. The old
        file is then as it was.

    Notes
    -----
    A GeoPackage keeps ``attrs["notice"]`` and ``attrs["attribution"]`` as metadata of the layer, a
    GeoParquet file too. The same layers give a GeoPackage of the same bytes. In CSV, a text that a
    spreadsheet would take for a formula gets an apostrophe in front, which `read_layer` takes off
    again. GeoJSON and Excel keep 15 digits of a number, the others all.

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
    called = layer or target.name
    writer = _WRITERS.get(target.suffix.lower())
    if writer is None:
        raise LayerError(
            called,
            f'"{target.name}" is of no kind that is written here; choose one of {some(_WRITERS, most=20)}',
        )
    if layer is not None and target.suffix.lower() not in (".gpkg", ".xlsx"):
        raise LayerError(
            called,
            f"layer={layer!r} is for GeoPackages and workbooks; {target.suffix} holds one layer",
        )
    if not isinstance(frame, gpd.GeoDataFrame) or frame.active_geometry_name is None:
        raise LayerError(called, "is no GeoDataFrame with a geometry; write plain tables with write_table")
    if frame.crs is None:
        raise LayerError(called, NO_CRS)
    if kept_attrs(frame.attrs) and target.suffix.lower() not in (
        ".gpkg",
        ".parquet",
        ".geoparquet",
    ):
        logger.info(
            "%s: %s does not keep the notice and the attribution; a GeoPackage does",
            called,
            target.suffix,
        )
    flat = _with_index(frame, called)
    try:
        with warnings_told(called), atomic_path(target) as draft:
            writer(_Job(flat, draft, target, layer, called))
    except SitingError:
        raise
    except (RuntimeError, OSError, ValueError, TypeError, sqlite3.Error) as fault:
        raise LayerError(called, f'cannot be written to "{target.name}": {fault}') from fault
    logger.info("%s: %d rows written to %s", called, len(frame), target.name)


def write_table(frame: pd.DataFrame, path: str | Path) -> None:
    """Write a plain table as CSV that Excel opens well (UTF-8 with a mark), whole or not at all.

    Parameters
    ----------
    frame
        A DataFrame. An index with names is written as columns.
    path
        A ``.csv`` file.

    Raises
    ------
    SitingError
        When *path* is no ``.csv`` or cannot be written. The old file is then as it was.

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
        raise SitingError(f'"{target.name}": tables are written as .csv')
    named = any(name is not None for name in frame.index.names)
    try:
        with atomic_path(target) as draft:
            _to_csv(frame.reset_index() if named else frame, draft)
    except SitingError:
        raise
    except (OSError, ValueError) as fault:
        raise SitingError(f'"{target.name}" cannot be written: {fault}') from fault


def _with_index(frame: Any, called: str) -> Any:
    """Return a copy with the index as columns and the geometry, called ``geometry``, last."""
    index = frame.index
    counted = index.nlevels == 1 and index.name is None and isinstance(index, pd.RangeIndex)
    if counted:
        out = frame.reset_index(drop=True)
    else:
        names = [name or ("id" if index.nlevels == 1 else f"level_{n}") for n, name in enumerate(index.names)]
        clash = [name for name in names if name in frame.columns]
        if clash:
            raise LayerError(called, f"index and columns share the names {some(clash)}; rename or drop one")
        out = frame.reset_index(names=names)
    if out.active_geometry_name != "geometry":
        out = out.rename_geometry("geometry")
    out.attrs = kept_attrs(frame.attrs)
    strange = [c for c in out.columns if not isinstance(c, str)]
    if strange:
        raise LayerError(called, f"names of columns must be text, not {some(strange)}")
    more = [c for c in out.columns if c != "geometry" and isinstance(out[c].dtype, gpd.array.GeometryDtype)]
    if more:
        raise LayerError(called, f"has more than one geometry column: {some(more)}; drop or convert them")
    return out[[c for c in out.columns if c != "geometry"] + ["geometry"]]


@dataclass(frozen=True)
class _Job:
    """What a writer needs: the frame, where to write it, where it will stand, and its names."""

    frame: Any
    draft: Path
    target: Path
    layer: str | None
    called: str


def _write_gpkg(job: _Job) -> None:
    import pyogrio

    _same_but_case(job.frame, job.called)
    if job.target.exists():
        _take_over(job.target, job.draft, job.layer, job.called)
    notice = job.frame.attrs.get("notice", {})
    metadata = {f"notice_{lang}": notice[lang] for lang in ("zh", "en") if notice.get(lang)}
    if "attribution" in job.frame.attrs:
        metadata["attribution"] = job.frame.attrs["attribution"]
    names = {name.casefold() for name in job.frame.columns}
    options = {
        "GEOMETRY_NAME": "geometry" if "geom" in names else "geom",
        "FID": "row_id" if "fid" in names else "fid",
    }
    name = job.layer or job.target.stem
    with _clock_stopped():
        pyogrio.write_dataframe(
            job.frame,
            job.draft,
            driver="GPKG",
            layer=name,
            layer_options=options,
            layer_metadata=metadata or None,
        )
    _count(job.draft, name, len(job.frame))


def _take_over(target: Path, draft: Path, layer: str | None, called: str) -> None:
    """Copy the GeoPackage that is to get a layer, with what its log may still hold."""
    import pyogrio

    # Before it is opened here: that could fold the log in.
    for end in ("-wal", "-journal"):
        log = target.with_name(target.name + end)
        if log.exists() and log.stat().st_size:
            raise LayerError(called, f'"{target.name}" is open in another program; close it there first')
    try:
        names = [str(name) for name, _ in pyogrio.list_layers(target)]
    except RuntimeError as fault:
        if layer is None:
            return  # nothing to be saved in a file that cannot be read
        raise LayerError(called, f'"{target.name}" cannot be opened to add a layer: {fault}') from fault
    if layer is None:
        if set(names) - {target.stem}:
            raise LayerError(
                called,
                f'"{target.name}" holds {some(names)}, which would be lost; give layer= to add or '
                "replace one, or remove the file first",
            )
        return
    with (
        contextlib.closing(sqlite3.connect(f"{target.resolve().as_uri()}?mode=ro", uri=True)) as old,
        contextlib.closing(sqlite3.connect(draft)) as new,
    ):
        old.backup(new)


@contextlib.contextmanager
def _clock_stopped() -> Iterator[None]:
    import pyogrio

    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": STAMP})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})


def _count(draft: Path, layer: str | None, expected: int) -> None:
    """Look that every row arrived: a full disk does not always raise."""
    import pyogrio

    found = pyogrio.read_info(draft, layer=layer, force_feature_count=True)["features"]
    if found != expected:
        raise LayerError(layer or draft.name, f"only {found} of {expected} rows were written; is the disk full?")


def _same_but_case(frame: Any, called: str) -> None:
    names = [name.casefold() for name in frame.columns]
    twice = [c for c in frame.columns if names.count(c.casefold()) > 1]
    if twice:
        raise LayerError(
            called,
            f"columns differ in case only: {some(twice)}; rename one, the format holds one of them",
        )


def _write_geojson(job: _Job) -> None:
    import pyogrio

    pyogrio.write_dataframe(
        to_crs(job.frame, WGS84),
        job.draft,
        driver="GeoJSON",
        layer_options={"RFC7946": "YES", "COORDINATE_PRECISION": str(DECIMALS)},
    )
    _count(job.draft, None, len(job.frame))


def _write_shapefile(job: _Job) -> None:
    import pyogrio

    _same_but_case(job.frame, job.called)
    columns = [c for c in job.frame.columns if c != "geometry"]
    faults = []
    long = [c for c in columns if len(c.encode()) > NAME_BYTES]
    if long:
        faults.append(
            f"names of columns over {NAME_BYTES} bytes, which a Shapefile cuts: {some(long)}; "
            "write a GeoPackage (.gpkg), or rename them"
        )
    for column in columns:
        if job.frame[column].dtype.kind not in "iufb":
            over = [text for text in job.frame[column].dropna().astype(str) if len(text.encode()) > TEXT_BYTES]
            if over:
                faults.append(
                    f'"{column}" has {len(over)} texts over {TEXT_BYTES} bytes, which a Shapefile cuts, '
                    f"such as {some(text[:20] + '…' for text in over[:1])}; write a GeoPackage (.gpkg)"
                )
    if faults:
        raise LayerError(job.called, faults)
    pyogrio.write_dataframe(job.frame, job.draft, driver="ESRI Shapefile", encoding="UTF-8")
    _count(job.draft, None, len(job.frame))
    for end in _STALE:
        job.target.with_suffix(end).unlink(missing_ok=True)


def _write_parquet(job: _Job) -> None:
    job.frame.to_parquet(job.draft, index=False)


def _write_csv(job: _Job) -> None:
    _to_csv(_as_table(job.frame, job.called), job.draft)


def _to_csv(table: pd.DataFrame, draft: Path) -> None:
    safe = table.map(lambda cell: guarded(cell) if isinstance(cell, str) else cell)
    safe.columns = pd.Index([guarded(str(name)) for name in table.columns])
    # With this line end a lone carriage return inside a text is quoted too.
    safe.to_csv(draft, index=False, encoding="utf-8-sig", lineterminator="\r\n")


def _as_table(frame: Any, called: str) -> pd.DataFrame:
    """Return a table with the places in degrees: ``lon`` and ``lat`` of points, else ``wkt`` with its SRID."""
    moved = to_crs(frame, WGS84)
    shapes = moved.geometry.array
    table = pd.DataFrame(moved.drop(columns="geometry"))
    whole = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    points = bool((shapely.get_type_id(shapes)[whole] == 0).all())
    names = ("lon", "lat") if points else ("wkt",)
    clash = [c for c in table.columns if c in names]
    if clash:
        raise LayerError(called, f"columns {some(clash)} are wanted for the coordinates; rename them")
    if points:
        table["lon"], table["lat"] = shapely.get_x(shapes), shapely.get_y(shapes)
    else:
        texts = shapely.to_wkt(shapes, rounding_precision=-1)
        table["wkt"] = [None if text is None else f"SRID=4326;{text}" for text in texts]
    return table


def _write_excel(job: _Job) -> None:
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    if job.layer is not None and job.target.exists():
        raise LayerError(
            job.called,
            f'"{job.target.name}" exists; a sheet cannot be added to a workbook, give another name',
        )
    table = _as_table(job.frame, job.called)
    # All cells first: a workbook that is left half written keeps a temporary file open.
    rows = [[_excel_value(value, job.called) for value in table.columns]]
    rows += [[_excel_value(value, job.called) for value in row] for row in table.itertuples(index=False, name=None)]
    book = Workbook(write_only=True)
    sheet = book.create_sheet(job.layer or "Sheet1")

    def cell(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        made = WriteOnlyCell(sheet, value=value)
        made.data_type = "s"  # text, even when it looks like a formula
        return made

    for row in rows:
        sheet.append([cell(value) for value in row])
    book.save(job.draft)


def _excel_value(value: Any, called: str) -> Any:
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
        logger.warning("%s: control characters, which Excel cannot hold, were taken out of a text", called)
    if len(text) > CELL_CHARACTERS:
        raise LayerError(
            called,
            f"a text has {len(text)} characters, more than a cell of Excel holds ({CELL_CHARACTERS}); "
            "write a GeoPackage (.gpkg) or a CSV",
        )
    return text


_WRITERS: dict[str, Callable[[_Job], None]] = {
    ".gpkg": _write_gpkg,
    ".geojson": _write_geojson,
    ".json": _write_geojson,
    ".shp": _write_shapefile,
    ".parquet": _write_parquet,
    ".geoparquet": _write_parquet,
    ".csv": _write_csv,
    ".xlsx": _write_excel,
}
