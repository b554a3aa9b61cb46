"""Reading a layer of a zip archive: Shapefiles, or a File Geodatabase."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path, PurePosixPath
from typing import Any

from siting.data import tables
from siting.data.read_gdal import GEODATABASE_TABLE, read_layers, read_shapefile
from siting.data.source import Source
from siting.data.zip_archive import Archive, open_archive
from siting.errors import LayerError
from siting.messages import Message

#: The files of a Shapefile that are read.
_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")


def read_zip(source: Source) -> tuple[Any, str | None]:
    """Read a Shapefile or a layer of a geodatabase out of a zip archive; return the name of the layer, too."""
    with (
        open_archive(source.file, source.name) as archive,
        tempfile.TemporaryDirectory(prefix="siting-", ignore_cleanup_errors=True) as folder,
    ):
        shapes, databases = _shapefiles(archive), _geodatabases(archive)
        if shapes and not databases:
            name = tables.choose(list(shapes), source.layer, source.role, source.name, "Shapefile")
            file = Path(folder, "layer.shp")
            for suffix, member in shapes[name].items():
                archive.unpack(member, file.with_suffix(suffix))
            frame, _ = read_shapefile(dataclasses.replace(source, file=file, layer=None), "ESRI Shapefile")
            return frame, name
        if len(databases) == 1 and not shapes:
            file = Path(folder, "layer.gdb")
            file.mkdir()
            for member in databases[0]:
                archive.unpack(member, file / PurePosixPath(member).name)
            return read_layers(dataclasses.replace(source, file=file), "OpenFileGDB")
        held = [*shapes, *(PurePosixPath(files[0]).parent for files in databases)] or list(archive.members)
        said = Message("reading.zip_mixed", held=held) if databases else Message("reading.zip_none", held=held)
        raise LayerError(source.name, said)


def _shapefiles(archive: Archive) -> dict[str, dict[str, str]]:
    """Return the Shapefiles: name → suffix → member; names that occur in several folders are given with these."""
    found: dict[PurePosixPath, dict[str, str]] = {}
    for member in archive.members:
        path = PurePosixPath(member)
        # Finder adds files of its own, with such names.
        if path.suffix.lower() in _PARTS and "__MACOSX" not in path.parts and not path.name.startswith("._"):
            found.setdefault(path.with_suffix(""), {})[path.suffix.lower()] = member
    shapes = {path: parts for path, parts in found.items() if ".shp" in parts}
    stems = [path.name for path in shapes]
    return {str(path) if stems.count(path.name) > 1 else path.name: parts for path, parts in shapes.items()}


def _geodatabases(archive: Archive) -> list[list[str]]:
    """Return the members of each geodatabase."""
    folders: dict[PurePosixPath, list[str]] = {}
    for member in archive.members:
        folders.setdefault(PurePosixPath(member).parent, []).append(member)
    return [
        files for files in folders.values() if any(PurePosixPath(member).name == GEODATABASE_TABLE for member in files)
    ]
