"""Reading a layer from a file."""

from __future__ import annotations

import contextlib
import logging
import mmap
import re
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from siting.data import read_workbook, roles, shapefile_encoding, tables
from siting.data.check import Missing, check_layer
from siting.data.datums import crs_name, read_crs, same_crs
from siting.data.mapping import LayerMapping
from siting.data.roles import Role
from siting.errors import LayerError, SitingError, some

__all__ = ["read_layer"]

logger = logging.getLogger(__name__)

# Suffix → the one GDAL driver that may open it. Others (such as VRT) could open other files.
DRIVERS = {".gpkg": "GPKG", ".geojson": "GeoJSON", ".json": "GeoJSON", ".shp": "ESRI Shapefile"}
TABLES, PARQUET = (".csv", ".xlsx"), (".parquet", ".geoparquet")
SUFFIXES = (*DRIVERS, *PARQUET, *TABLES)
# First bytes of each kind of file, so that a name cannot select another driver.
_BEGINNINGS = {
    ".gpkg": b"SQLite format 3\x00", ".shp": b"\x00\x00\x27\x0a", ".geojson": b"{", ".json": b"{",
    ".parquet": b"PAR1", ".geoparquet": b"PAR1", ".xlsx": b"PK\x03\x04",
}  # fmt: skip
_REMOTE = re.compile(r"://|^[\\/]+vsi|^\\\\\?|^[A-Za-z0-9_]{2,}:", re.IGNORECASE)


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
        Encoding of a CSV or Shapefile. Default: UTF-8, then GB18030, as logged.
    crs
        The CRS of the coordinates if the file has none; it may not contradict the file.
    missing
        For missing numbers: ``"raise"``, or ``"zero"`` to count them as 0.
    strict
        Turn warnings on the location of the layer into errors; see `check_layer`.
    mapping
        A TOML file on how the export of a registration system becomes the layer: headings, words, units,
        constants, and the rows that count. Other keywords take precedence.

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
    file = _local_file(path, kind)
    suffix = file.suffix.lower()
    plan = None if mapping is None else LayerMapping.from_toml(mapping, kind)
    options = {} if plan is None else plan.options
    layer = options.get("layer") if layer is None else layer
    encoding = options.get("encoding") if encoding is None else encoding
    crs = options.get("crs") if crs is None else crs
    name = f"{kind.name} ({file.name})"
    if layer is not None and suffix not in (".gpkg", ".xlsx"):
        raise LayerError(name, f"layer={layer!r} is for GeoPackages and workbooks; {suffix} holds one layer")
    given = None if crs is None else read_crs(crs, name)
    if suffix == ".csv":
        frame = tables.read_csv(file, encoding, name)
    elif suffix == ".xlsx":
        frame = read_workbook.read_excel(file, layer, kind.name, name)
    elif suffix in PARQUET:
        frame = _read_parquet(file, name)
    else:
        layer = _choose_layer(file, layer, kind.name, name)
        frame = _read_gdal(file, layer, encoding, name)
    attrs = dict(frame.attrs) if suffix in TABLES else kept_attrs(frame.attrs)
    chosen, renumber = dict(columns or {}), suffix in TABLES
    if plan is not None:
        renumber |= isinstance(frame.index, pd.RangeIndex)
        frame, planned, dropped = plan.apply(frame, kind, name)
        chosen = {**planned, **chosen}
        attrs |= {"dropped": dropped} if dropped else {}
    if suffix in TABLES:
        places = {key: chosen.pop(key) for key in roles.COORDINATES if key in chosen}
        frame, attrs["understood"] = tables.with_geometry(frame, places, given, name)
    frame = _set_crs(frame.reset_index(drop=True) if renumber else frame, given, file, name)
    frame.attrs = {**attrs, "source": f"{file.name}:{layer}" if layer else file.name}
    return check_layer(frame, kind, columns=chosen, missing=missing, name=name, strict=strict)


def _local_file(path: str | Path, role: Role) -> Path:
    text, file = str(path), Path(path)
    if not re.match(r"[A-Za-z]:[\\/]", text) and _REMOTE.search(text):
        raise LayerError(role.name, f'"{text}" is not a local file; download it first')
    suffix = file.suffix.lower()
    if suffix not in SUFFIXES:
        kinds = some(SUFFIXES, most=20)
        raise LayerError(role.name, f'"{file.name}" is of no kind that is read here; save it as one of {kinds}')
    try:
        with file.open("rb") as handle:
            head = handle.read(4096)
    except OSError as fault:
        raise LayerError(role.name, f'"{file}" cannot be read: {fault.strerror}') from fault
    begin = _BEGINNINGS.get(suffix, b"")
    if not head.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n" if begin == b"{" else b"").startswith(begin):
        damaged = "it is damaged, or a file of another kind renamed"
        raise LayerError(role.name, f'"{file.name}" does not hold what its suffix {suffix} says; {damaged}')
    return file


def _choose_layer(file: Path, wanted: str | None, role: str, name: str) -> str | None:
    if file.suffix.lower() != ".gpkg":
        return None
    import pyogrio
    from pyogrio.errors import DataSourceError

    try:
        with warnings_logged(name):
            layers = pyogrio.list_layers(file)
    except (DataSourceError, RuntimeError) as fault:
        raise LayerError(name, f"cannot be opened: {fault}") from fault
    return tables.choose([str(layer) for layer, shape in layers if shape is not None], wanted, role, name)


def _read_gdal(file: Path, layer: str | None, encoding: str | None, name: str) -> Any:
    import pyogrio

    suffix = file.suffix.lower()
    through = shapefile_encoding.BYTES if suffix == ".shp" else encoding
    try:
        with warnings_logged(name):
            info = pyogrio.read_info(file, layer=layer, encoding=through)
            if info["driver"] != DRIVERS[suffix]:
                read_as = f"is read as {info['driver']}, not as {DRIVERS[suffix]}"
                raise LayerError(name, f"{read_as}; save it as a GeoPackage")
            frame = pyogrio.read_dataframe(file, layer=layer, encoding=through, on_invalid="ignore")
    except SitingError:
        raise
    except UnicodeDecodeError as fault:
        raise LayerError(name, f"its text is not {encoding or 'UTF-8'}; say which it is with encoding=") from fault
    except (RuntimeError, OSError, ValueError, LookupError) as fault:
        absent = [end for end in (".shx", ".dbf") if suffix == ".shp" and not shapefile_encoding.sidecar(file, end)]
        hint = f"; {' and '.join(absent)} of the Shapefile is missing beside it, copy it too" if absent else ""
        raise LayerError(name, f"cannot be read: {fault}{hint}") from fault
    if not isinstance(frame, gpd.GeoDataFrame):
        raise LayerError(name, "is a table without geometry; save it as CSV with coordinates, or choose another layer")
    if suffix == ".shp":
        frame = shapefile_encoding.decoded(frame, file, encoding, name)
    metadata = info.get("layer_metadata") or {}
    notice = {lang: metadata[f"notice_{lang}"] for lang in ("zh", "en") if metadata.get(f"notice_{lang}")}
    frame.attrs = {"notice": notice, "attribution": metadata.get("attribution") or None}
    return frame


@contextlib.contextmanager
def warnings_logged(name: str) -> Iterator[None]:
    """Send warnings of GDAL to the log."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for warning in caught:
        logger.warning("%s: %s", name, warning.message)


def _read_parquet(file: Path, name: str) -> Any:
    try:
        return gpd.read_parquet(file)
    except Exception as fault:  # pyarrow raises many kinds
        raise LayerError(name, f"cannot be read as GeoParquet: {fault}") from fault


def _set_crs(frame: Any, given: Any, file: Path, name: str) -> Any:
    if given is None:
        return frame
    # GeoJSON that names no CRS is labelled EPSG:4326 by GDAL, whatever its numbers are.
    if frame.crs is None or (DRIVERS.get(file.suffix.lower()) == "GeoJSON" and not _names_crs(file)):
        return frame.set_crs(given, allow_override=True)
    if not same_crs(frame.crs, given):
        remedy = "leave crs= out and reproject what was read with to_crs(frame, crs), or correct the file"
        raise LayerError(name, f"is in {crs_name(frame.crs)}, but crs= says {crs_name(given)}; {remedy}")
    return frame


def _names_crs(file: Path) -> bool:
    """Whether a GeoJSON file names its CRS."""
    with file.open("rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as text:
        return re.search(rb'"crs"\s*:\s*\{', text) is not None


def kept_attrs(attrs: Mapping[Any, Any]) -> dict[str, Any]:
    """Return the notice and the attribution of *attrs*, if valid."""
    kept: dict[str, Any] = {}
    notice = attrs.get("notice")
    if isinstance(notice, Mapping):
        kept["notice"] = {str(lang): text for lang, text in notice.items() if isinstance(text, str)}
    if isinstance(attrs.get("attribution"), str):
        kept["attribution"] = attrs["attribution"]
    return {key: value for key, value in kept.items() if value != {}}
