"""Reading files of GDAL, each through the one driver of its suffix."""

from __future__ import annotations

import mmap
import re
from pathlib import Path
from typing import Any

import geopandas as gpd

from siting.data import shapefile_encoding, tables
from siting.data.source import Source, warnings_logged
from siting.errors import LayerError, SitingError

#: The file that every File Geodatabase has.
GEODATABASE_TABLE = "a00000001.gdbtable"


def read_gdal(source: Source, driver: str) -> tuple[Any, str | None]:
    """Read the only layer of a file."""
    return read_through(source, driver, None, source.encoding), None


def read_geojson(source: Source, driver: str) -> tuple[Any, str | None]:
    """Read GeoJSON; if it names no CRS, the one that is given counts: GDAL calls it EPSG:4326, whatever its numbers."""
    frame = read_through(source, driver, None, source.encoding)
    return frame if source.crs is None or _names_crs(source.file) else frame.set_crs(None, allow_override=True), None


def _names_crs(file: Path) -> bool:
    with file.open("rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as text:
        return re.search(rb'"crs"\s*:\s*\{', text) is not None


def read_layers(source: Source, driver: str) -> tuple[Any, str | None]:
    """Read one of the layers of a file; return its name, too."""
    names = layer_names(source, driver)
    layer = tables.choose(names, source.layer, source.role, source.name)
    return read_through(source, driver, layer, source.encoding), layer


def layer_names(source: Source, driver: str, data: bytes | None = None) -> list[str]:
    """Return the layers with geometry of a file, or of its content."""
    import pyogrio
    from pyogrio.errors import DataSourceError

    try:
        with warnings_logged(source.name):
            layers = pyogrio.list_layers(source.file if data is None else data)
    except (DataSourceError, RuntimeError, UnicodeDecodeError) as fault:
        raise LayerError(source.name, f"cannot be opened as {driver}: {fault}") from fault
    return [str(layer) for layer, shape in layers if shape is not None]


def feature_count(source: Source, driver: str, layer: str, data: bytes) -> int:
    """Return the number of features of a layer of a file's content."""
    import pyogrio

    try:
        return int(pyogrio.read_info(data, layer=layer, force_feature_count=True)["features"])
    except (RuntimeError, ValueError, UnicodeDecodeError) as fault:
        raise LayerError(source.name, f"cannot be read as {driver}: {fault}") from fault


def read_shapefile(source: Source, driver: str) -> tuple[Any, str | None]:
    """Read a Shapefile, whose text has a code page of its own."""
    try:
        frame = read_through(source, driver, None, shapefile_encoding.BYTES)
    except LayerError as fault:
        if not (absent := [end for end in (".shx", ".dbf") if not shapefile_encoding.sidecar(source.file, end)]):
            raise
        hint = f"{' and '.join(absent)} of the Shapefile is missing beside it, copy it too"
        raise LayerError(source.name, f"{fault.faults[0]}; {hint}") from fault
    return shapefile_encoding.decoded(frame, source.file, source.encoding, source.name), None


def read_through(
    source: Source, driver: str, layer: str | None, encoding: str | None, data: bytes | None = None, **options: Any
) -> Any:
    """Read a layer of a file, or of its content *data*, if *driver* is the one that opens it.

    The notice and the attribution come in the attrs; *options* are those of the driver.
    """
    import pyogrio

    name, opened = source.name, source.file if data is None else data
    try:
        with warnings_logged(name):
            info = pyogrio.read_info(opened, layer=layer, encoding=encoding, **options)
            if info["driver"] != driver:
                raise LayerError(name, f"is read as {info['driver']}, not as {driver}; save it as a GeoPackage")
            frame = pyogrio.read_dataframe(opened, layer=layer, encoding=encoding, on_invalid="ignore", **options)
    except SitingError:
        raise
    except UnicodeDecodeError as fault:
        raise LayerError(name, f"its text is not {encoding or 'UTF-8'}; say which it is with encoding=") from fault
    except (RuntimeError, OSError, ValueError, LookupError) as fault:
        raise LayerError(name, f"cannot be read: {fault}") from fault
    if not isinstance(frame, gpd.GeoDataFrame):
        raise LayerError(name, "is a table without geometry; save it as CSV with coordinates, or choose another layer")
    metadata = info.get("layer_metadata") or {}
    notice = {lang: metadata[f"notice_{lang}"] for lang in ("zh", "en") if metadata.get(f"notice_{lang}")}
    frame.attrs = {"notice": notice, "attribution": metadata.get("attribution") or None}
    return frame


def without_empty(frame: Any) -> Any:
    """Return *frame* without the columns that hold nothing, which formats of fixed columns have in every file."""
    geometry = frame.active_geometry_name
    return frame[[c for c in frame.columns if c == geometry or frame[c].notna().any()]]
