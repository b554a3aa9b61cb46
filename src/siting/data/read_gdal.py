"""Reading files of GDAL, each through the one driver of its suffix."""

from __future__ import annotations

import mmap
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd

from siting.data import shapefile_encoding, tables
from siting.data.geopackage_views import refuse_endless_views
from siting.data.kind_words import format_word
from siting.data.source import Source, warnings_logged
from siting.errors import LayerError, SitingError
from siting.messages import Message

#: What makes other drivers open a file of text, and what that names, before the driver of its suffix: GDAL looks for
#: such words anywhere in the beginning.
_OTHER_KINDS = re.compile(
    rb"<OGR\w*DataSource|opengis\.net/(?:gml|wfs|csw|gmlsf)|<(?:\w+:)?(?:FeatureCollection|rss|feed)\b|gdal_streamed_alg",
    re.IGNORECASE,
)
_BEGINNING = 1 << 16
_TEXTS = ("DXF", "GPX", "LIBKML", "MapInfo File")
#: The file that every File Geodatabase has.
GEODATABASE_TABLE = "a00000001.gdbtable"


def read_gdal(source: Source, driver: str) -> tuple[Any, str | None]:
    """Read the only layer of a file."""
    return read_through(source, driver, None, source.encoding), None


def read_geojson(source: Source, driver: str) -> tuple[Any, str | None]:
    """Read GeoJSON; if it names no CRS, the one that is given counts: GDAL calls it EPSG:4326, whatever its numbers."""
    try:
        frame = read_through(source, driver, None, source.encoding)
    except LayerError as fault:
        if "Failed to read GeoJSON data" not in str(fault):
            raise
        raise LayerError(source.name, Message("reading.no_geojson")) from fault
    return frame if source.crs is None or _names_crs(source.file) else frame.set_crs(None, allow_override=True), None


def _names_crs(file: Path) -> bool:
    with file.open("rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as text:
        return re.search(rb'"crs"\s*:\s*\{', text) is not None


def read_layers(source: Source, driver: str) -> tuple[Any, str | None]:
    """Read one of the layers of a file; return its name, too."""
    if driver == "GPKG":
        refuse_endless_views(source.file, source.name)
    names = layer_names(source, driver)
    layer = tables.choose(names, source.layer, source.role, source.name)
    return read_through(source, driver, layer, source.encoding), layer


def layer_names(source: Source, driver: str, data: bytes | None = None) -> list[str]:
    """Return the layers with geometry of a file, or of its content."""
    import pyogrio
    from pyogrio.errors import DataSourceError

    try:
        with warnings_logged(source.name):
            layers = pyogrio.list_layers(_opened(source, driver, data))
    except (DataSourceError, RuntimeError, UnicodeDecodeError) as fault:
        raise LayerError(
            source.name, Message("reading.open_as", format=format_word(driver), why=_reason(fault, source))
        ) from fault
    return [str(layer) for layer, shape in layers if shape is not None]


def feature_count(source: Source, driver: str, layer: str | int, data: bytes) -> int:
    """Return the number of features of a layer of a file's content."""
    import pyogrio

    try:
        opened = _opened(source, driver, data)
        with warnings_logged(source.name):
            return int(pyogrio.read_info(opened, layer=layer, force_feature_count=True)["features"])
    except (RuntimeError, ValueError, UnicodeDecodeError) as fault:
        raise LayerError(
            source.name, Message("reading.as_format", format=format_word(driver), why=_reason(fault, source))
        ) from fault


def read_shapefile(source: Source, driver: str) -> tuple[Any, str | None]:
    """Read a Shapefile, whose text has a code page of its own."""
    refuse_parts_missing(source, (".shx", ".dbf"), "Shapefile")
    frame = read_through(source, driver, None, shapefile_encoding.BYTES)
    return shapefile_encoding.decoded(frame, source.file, source.encoding, source.name), None


def refuse_parts_missing(source: Source, parts: Sequence[str], what: str | Message) -> None:
    """Refuse a file without the other files that belong to it: GDAL reads some of them without their columns."""
    if absent := [end for end in parts if not shapefile_encoding.sidecar(source.file, end)]:
        raise LayerError(source.name, Message("reading.parts_missing", parts=absent, what=what))


def read_through(
    source: Source,
    driver: str,
    layer: str | int | None,
    encoding: str | None,
    data: bytes | None = None,
    **options: Any,
) -> Any:
    """Read a layer of a file, or of its content *data*, if *driver* is the one that opens it.

    The notice and the attribution come in the attrs; *options* are those of the driver.
    """
    import pyogrio

    name, opened = source.name, _opened(source, driver, data)
    try:
        with warnings_logged(name):
            info = pyogrio.read_info(opened, layer=layer, encoding=encoding, **options)
            if info["driver"] != driver:
                raise LayerError(
                    name, Message("reading.other_driver", found=format_word(info["driver"]), format=format_word(driver))
                )
            frame = pyogrio.read_dataframe(opened, layer=layer, encoding=encoding, on_invalid="ignore", **options)
    except SitingError:
        raise
    except UnicodeDecodeError as fault:
        raise LayerError(name, Message("reading.not_in_pages", pages=[encoding or "UTF-8"])) from fault
    except UnboundLocalError as fault:  # of pyogrio, where GDAL cannot write the CRS as text
        raise LayerError(name, Message("reading.crs_broken")) from fault
    except (RuntimeError, OSError, ValueError, LookupError) as fault:
        raise LayerError(name, Message("reading.failed", why=_reason(fault, source))) from fault
    if len(twice := frame.columns[frame.columns.duplicated()].unique()):
        raise LayerError(name, Message("column.twice", columns=list(twice)))
    if not isinstance(frame, gpd.GeoDataFrame):
        raise LayerError(name, Message("reading.no_geometry"))
    metadata = info.get("layer_metadata") or {}
    notice = {lang: metadata[f"notice_{lang}"] for lang in ("zh", "en") if metadata.get(f"notice_{lang}")}
    frame.attrs = {"notice": notice, "attribution": metadata.get("attribution") or None}
    return frame


def _opened(source: Source, driver: str, data: bytes | None) -> Any:
    """Return what GDAL opens, so that no other driver comes first: pyogrio cannot name the allowed ones."""
    if driver in _TEXTS:
        with source.file.open("rb") as handle:
            head = handle.read(_BEGINNING) if data is None else data[:_BEGINNING]
        if other := _OTHER_KINDS.search(head):
            mark = other[0].decode("latin-1")
            raise LayerError(source.name, Message("reading.other_mark", mark=mark, suffix=source.suffix))
    if driver == "GeoJSON" and data is None:
        return f"GeoJSON:{source.file}"
    return source.file if data is None else data


def _reason(fault: BaseException, source: Source) -> str:
    """Return what GDAL says, without its advice to name a driver and the folder of the file."""
    text = str(fault).split("; It might help to specify", 1)[0]
    text = re.sub(r"/vsimem/[\w./]+", source.file.name, text)  # where pyogrio keeps the content of a file
    return text.replace(f"{source.file.parent}{os.sep}", "")


def without_empty(frame: Any) -> Any:
    """Return *frame* without the columns that hold nothing, which formats of fixed columns have in every file."""
    geometry = frame.active_geometry_name
    return frame[[c for c in frame.columns if c == geometry or frame[c].notna().any()]]
