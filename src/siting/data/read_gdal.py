"""Reading files of GDAL, each through the one driver of its suffix."""

from __future__ import annotations

from typing import Any

import geopandas as gpd

from siting.data import shapefile_encoding, tables
from siting.data.source import Source, warnings_logged
from siting.errors import LayerError, SitingError


def read_gdal(source: Source, driver: str) -> tuple[Any, str | None]:
    """Read the only layer of a file."""
    return read_through(source, driver, None, source.encoding), None


def read_layers(source: Source, driver: str) -> tuple[Any, str | None]:
    """Read one of the layers of a file; return its name, too."""
    import pyogrio
    from pyogrio.errors import DataSourceError

    try:
        with warnings_logged(source.name):
            layers = pyogrio.list_layers(source.file)
    except (DataSourceError, RuntimeError) as fault:
        raise LayerError(source.name, f"cannot be opened: {fault}") from fault
    names = [str(layer) for layer, shape in layers if shape is not None]
    layer = tables.choose(names, source.layer, source.role, source.name)
    return read_through(source, driver, layer, source.encoding), layer


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


def read_through(source: Source, driver: str, layer: str | None, encoding: str | None) -> Any:
    """Read a layer if *driver* is the one that opens the file, with the notice and the attribution in its attrs."""
    import pyogrio

    name = source.name
    try:
        with warnings_logged(name):
            info = pyogrio.read_info(source.file, layer=layer, encoding=encoding)
            if info["driver"] != driver:
                raise LayerError(name, f"is read as {info['driver']}, not as {driver}; save it as a GeoPackage")
            frame = pyogrio.read_dataframe(source.file, layer=layer, encoding=encoding, on_invalid="ignore")
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
