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

from siting.data import roles, shapefile_encoding, tables, workbook
from siting.data.check import Missing, check_layer
from siting.data.datums import crs_name, read_crs, same_crs
from siting.data.mapping import LayerMapping
from siting.data.roles import Role
from siting.errors import LayerError, SitingError, some

__all__ = ["read_layer"]

logger = logging.getLogger(__name__)

# Suffix → the one GDAL driver that may open it. Others (VRT, for one) could lead elsewhere.
DRIVERS = {".gpkg": "GPKG", ".geojson": "GeoJSON", ".json": "GeoJSON", ".shp": "ESRI Shapefile"}
SUFFIXES = (*DRIVERS, ".parquet", ".geoparquet", ".csv", ".xlsx")
# What a file of each kind begins with, so that a name cannot lead another driver to it.
_BEGINNINGS = {
    ".gpkg": b"SQLite format 3\x00",
    ".shp": b"\x00\x00\x27\x0a",
    ".geojson": b"{",
    ".json": b"{",
    ".parquet": b"PAR1",
    ".geoparquet": b"PAR1",
    ".xlsx": b"PK\x03\x04",
}
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
        A local file: ``.gpkg``, ``.geojson``, ``.json``, ``.shp``, ``.parquet``, ``.geoparquet``,
        ``.csv`` or ``.xlsx``. A table needs columns ``lon`` and ``lat`` (经度, 纬度), ``x`` and ``y``
        with *crs*, or ``wkt``.
    role
        Name of a role (see `list_roles`), or a `Role`.
    layer
        Layer of a GeoPackage or sheet of a workbook; needed when there are several and none is
        called as the role.
    columns
        Your own choice of columns, canonical name → name in the file (also ``lon``, ``lat``, ``x``,
        ``y``, ``wkt``).
    encoding
        Encoding of a CSV or Shapefile. By default UTF-8 is tried, then GB18030, and the choice is
        told in the log.
    crs
        The CRS of the coordinates when the file does not say; it may not contradict the file.
    missing
        What to do with missing numbers: ``"raise"``, or ``"zero"`` to count them as 0.
    strict
        Refuse what is otherwise told as a warning of where the layer lies; see `check_layer`.
    mapping
        A TOML file that says how the export of a registration system becomes the layer: headings, words, units,
        constants, and the rows that count. The other keywords go before what it says.

    Returns
    -------
    geopandas.GeoDataFrame
        The layer as `check_layer` returns it. ``attrs["source"]`` names the file and layer;
        ``attrs["notice"]`` and ``attrs["attribution"]`` are restored when the file keeps them. ``attrs["merged"]``
        names the merged cells of a workbook that were filled down, by heading, and ``attrs["dropped"]`` counts the rows
        that *mapping* left out, by the heading that decided.

    Raises
    ------
    LayerError
        When the file is missing, of another kind than its name says, or the layer has faults; all
        faults are told at once.

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
    if plan is not None:
        layer = plan.options.get("layer") if layer is None else layer
        encoding = plan.options.get("encoding") if encoding is None else encoding
        crs = plan.options.get("crs") if crs is None else crs
    chosen = dict(columns or {})
    attrs: dict[Any, Any]
    told: dict[Any, Any] = {}
    called = f"{kind.name} ({file.name})"
    if layer is not None and suffix not in (".gpkg", ".xlsx"):
        raise LayerError(called, f"layer={layer!r} is for GeoPackages and workbooks; {suffix} holds one layer")
    given = None if crs is None else read_crs(crs, called)
    if suffix in (".csv", ".xlsx"):
        if suffix == ".csv":
            table = tables.read_csv(file, encoding, called)
        else:
            table = workbook.read_excel(file, layer, kind.name, called)
        if plan is not None:
            table, chosen = _mapped(table, plan, kind, chosen, called)
        places = {key: chosen.pop(key) for key in tables.COORDINATES if key in chosen}
        frame = tables.place(table, places, given, called)
        attrs, told = {}, dict(frame.attrs)
        frame = frame.reset_index(drop=True)  # without gaps where rows were left out
    elif suffix in (".parquet", ".geoparquet"):
        frame = _read_parquet(file, called)
        attrs = dict(frame.attrs)
    else:
        layer = _choose_layer(file, layer, kind.name, called)
        frame, attrs = _read_gdal(file, layer, encoding, called)
    if plan is not None and suffix not in (".csv", ".xlsx"):
        ids = not isinstance(frame.index, pd.RangeIndex)
        frame, chosen = _mapped(frame, plan, kind, chosen, called)
        told = {key: frame.attrs[key] for key in ("dropped",) if key in frame.attrs}
        frame = frame if ids else frame.reset_index(drop=True)
    frame = _set_crs(frame, given, file, called)
    frame.attrs = {**kept_attrs(attrs), **told, "source": f"{file.name}:{layer}" if layer else file.name}
    return check_layer(frame, kind, columns=chosen, missing=missing, name=called, strict=strict)


def _mapped(
    table: Any, plan: LayerMapping, kind: Role, chosen: Mapping[str, str], called: str
) -> tuple[Any, dict[str, str]]:
    """Apply a mapping; return the rows that count, and the columns chosen: the user's own before the mapping's."""
    out, columns, dropped = plan.apply(table, kind, called)
    out.attrs = {**table.attrs, **({"dropped": dropped} if dropped else {})}
    return out, {**columns, **chosen}


def _local_file(path: str | Path, role: Role) -> Path:
    text = str(path)
    drive = re.match(r"[A-Za-z]:[\\/]", text)
    if not drive and _REMOTE.search(text):
        raise LayerError(role.name, f'"{text}" is not a local file; download it first')
    file = Path(path)
    suffix = file.suffix.lower()
    if suffix not in SUFFIXES:
        raise LayerError(
            role.name,
            f'"{file.name}" is of no kind that is read here; save it as one of {some(SUFFIXES, most=20)}',
        )
    try:
        with file.open("rb") as handle:
            head = handle.read(4096)
    except OSError as fault:
        raise LayerError(role.name, f'"{file}" cannot be read: {fault.strerror}') from fault
    begin = _BEGINNINGS.get(suffix)
    if begin and not head.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n" if begin == b"{" else b"").startswith(begin):
        raise LayerError(
            role.name,
            f'"{file.name}" does not hold what its suffix {suffix} says; '
            "it is damaged, or a file of another kind renamed",
        )
    return file


def _choose_layer(file: Path, asked: str | None, role: str, called: str) -> str | None:
    if file.suffix.lower() != ".gpkg":
        return None
    import pyogrio
    from pyogrio.errors import DataSourceError

    try:
        with warnings_told(called):
            found = pyogrio.list_layers(file)
    except (DataSourceError, RuntimeError) as fault:
        raise LayerError(called, f"cannot be opened: {fault}") from fault
    return tables.choose([str(name) for name, shape in found if shape is not None], asked, role, called)


def _read_gdal(file: Path, layer: str | None, encoding: str | None, called: str) -> tuple[Any, dict[str, Any]]:
    import pyogrio

    suffix = file.suffix.lower()
    through = shapefile_encoding.BYTES if suffix == ".shp" else encoding
    try:
        with warnings_told(called):
            info = pyogrio.read_info(file, layer=layer, encoding=through)
            if info["driver"] != DRIVERS[suffix]:
                raise LayerError(
                    called, f"is read as {info['driver']}, not as {DRIVERS[suffix]}; save it as a GeoPackage"
                )
            frame = pyogrio.read_dataframe(file, layer=layer, encoding=through, on_invalid="ignore")
    except UnicodeDecodeError as fault:
        raise LayerError(called, f"its text is not {encoding or 'UTF-8'}; say which it is with encoding=") from fault
    except (RuntimeError, OSError, ValueError, LookupError) as fault:
        if isinstance(fault, SitingError):
            raise
        hint = ""
        if suffix == ".shp":
            absent = [end for end in (".shx", ".dbf") if not _sidecar(file, end)]
            hint = f"; {' and '.join(absent)} of the Shapefile is missing beside it, copy it too" if absent else ""
        raise LayerError(called, f"cannot be read: {fault}{hint}") from fault
    if not isinstance(frame, gpd.GeoDataFrame):
        raise LayerError(
            called,
            "is a table without geometry; save it as CSV with coordinates, or choose another layer",
        )
    if suffix == ".shp":
        frame = shapefile_encoding.decoded(frame, file, encoding, called)
    return frame, _attrs_of(info.get("layer_metadata") or {})


@contextlib.contextmanager
def warnings_told(called: str) -> Iterator[None]:
    """Send what GDAL warns of to the log."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        yield
    for warning in heard:
        logger.warning("%s: %s", called, warning.message)


def _sidecar(file: Path, suffix: str) -> bool:
    return any(file.with_suffix(end).exists() for end in (suffix, suffix.upper()))


def _read_parquet(file: Path, called: str) -> Any:
    try:
        return gpd.read_parquet(file)
    except Exception as fault:  # pyarrow raises many kinds
        raise LayerError(called, f"cannot be read as GeoParquet: {fault}") from fault


def _set_crs(frame: Any, given: Any, file: Path, called: str) -> Any:
    if given is None:
        return frame
    # GeoJSON without a word on its CRS is labelled EPSG:4326 by GDAL, whatever its numbers are.
    if frame.crs is None or (DRIVERS.get(file.suffix.lower()) == "GeoJSON" and not _says_crs(file)):
        return frame.set_crs(given, allow_override=True)
    if not same_crs(frame.crs, given):
        raise LayerError(
            called,
            f"is in {crs_name(frame.crs)}, but crs= says {crs_name(given)}; leave crs= out and "
            "reproject what was read with to_crs(frame, crs), or correct the file",
        )
    return frame


def _says_crs(file: Path) -> bool:
    with file.open("rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as text:
        return re.search(rb'"crs"\s*:\s*\{', text) is not None


def _attrs_of(metadata: Mapping[str, str]) -> dict[str, Any]:
    notice = {lang: metadata[f"notice_{lang}"] for lang in ("zh", "en") if metadata.get(f"notice_{lang}")}
    attrs: dict[str, Any] = {"notice": notice} if notice else {}
    if metadata.get("attribution"):
        attrs["attribution"] = metadata["attribution"]
    return attrs


def kept_attrs(attrs: Mapping[Any, Any]) -> dict[str, Any]:
    """Return the notice and the attribution of *attrs*, if they are what they should be."""
    kept: dict[str, Any] = {}
    notice = attrs.get("notice")
    if isinstance(notice, Mapping):
        words = {str(lang): text for lang, text in notice.items() if isinstance(text, str)}
        if words:
            kept["notice"] = words
    if isinstance(attrs.get("attribution"), str):
        kept["attribution"] = attrs["attribution"]
    return kept
