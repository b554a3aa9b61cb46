"""Reading KML, KMZ and GPX."""

from __future__ import annotations

import html
import posixpath
import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

import pandas as pd

from siting.data import tables
from siting.data.read_gdal import feature_count, layer_names, read_through, without_empty
from siting.data.source import Source
from siting.data.zip_archive import open_archive
from siting.errors import LayerError
from siting.messages import Message

_DECLARED = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([\w.:-]+)["']""")
_DOCTYPE = re.compile(rb"<!(?:DOCTYPE|ENTITY)")
_ROOT = re.compile(rb"<[A-Za-z_]")
_LINK = re.compile(rb"<(?:[\w.-]+:)?NetworkLink[\s>/]")
_HREF = re.compile(rb"<(?:[\w.-]+:)?href>([^<]*)<")
#: The names of elements that hold digits with a zero in front.
_CODED = re.compile(rb"<([\w.-]+:[\w.-]+)>\s*0\d+\s*<")
#: Fields of GDAL for the looks of a place, and the values that they have where the file says nothing.
_LOOKS = ("altitudeMode", "tessellate", "extrude", "visibility", "drawOrder", "icon", "snippet")
#: More folders than these are not opened one by one to see which hold places.
_MOST_OPENED = 50
#: The layers of a GPX file, and the geometry of each; the points of routes and tracks are read when asked for.
_GPX = {"waypoints": "Point", "routes": "LineString", "tracks": "LineString"}
_GPX_POINTS = ("route_points", "track_points")


def read_kml(source: Source) -> tuple[Any, str | None]:
    """Read the places of a folder of a KML file."""
    return _read_kml(source, [_without_links(_xml(source.content(), source), source)])


def read_kmz(source: Source) -> tuple[Any, str | None]:
    """Read the places of a folder of a KMZ file: of its ``doc.kml``, or the only KML, and of those in it linked to."""
    with open_archive(source.file, source.name) as archive:
        inside = [name for name in archive.members if PurePosixPath(name).suffix.lower() == ".kml"]
        if "doc.kml" in inside:
            inside = ["doc.kml"]
        if len(inside) != 1:
            said = Message("reading.kmz_several", n=len(inside), files=inside)
            raise LayerError(source.name, said if inside else Message("reading.kmz_none"))
        data = _xml(archive.read(inside[0]), source)
        linked = [path if path in archive.members else _spelled(path) for path in _linked(data, inside[0])]
        if not set(linked) <= set(archive.members):
            _without_links(data, source)
        parts = [_without_links(_xml(archive.read(name), source), source) for name in dict.fromkeys(linked)]
    return _read_kml(source, [data, *parts])


def _spelled(path: str) -> str:
    """Spell a path as GDAL names a member of a KMZ: other letters than Latin ones by their bytes."""
    return "".join(c if c.isascii() else "".join(f"0x{byte:02X}" for byte in c.encode()) for c in path)


def _without_links(data: bytes, source: Source) -> bytes:
    """Refuse a KML that links to other files: what they hold would be missing."""
    if _LINK.search(data):
        raise LayerError(source.name, Message("reading.kml_links"))
    return data


def _linked(data: bytes, name: str) -> list[str]:
    """Return the members of an archive that a KML in it links to; "" for a link that names none."""
    found = []
    for start in _LINK.finditer(data):
        href = _HREF.search(data, start.end())
        path = html.unescape(href[1].decode().strip()) if href else ""
        # An address stays one: no member is called so.
        found.append(path if "://" in path else posixpath.normpath(posixpath.join(posixpath.dirname(name), path)))
    return found


def _read_kml(source: Source, parts: Sequence[bytes]) -> tuple[Any, str | None]:
    import pyogrio

    # GDAL replaces all but Latin letters in names of columns otherwise, so that two of them become one.
    pyogrio.set_gdal_config_options({"LIBKML_LAUNDER_FIELD_NAMES": "NO"})
    layers: dict[str, tuple[bytes, int]] = {}
    for data in parts:
        for at, name in enumerate(layer_names(source, "LIBKML", data)):
            # A document without a name is called by GDAL as the file, here as its place in memory.
            called = source.file.stem if name.startswith("pyogrio_") else name
            layers[f"{called} ({len(layers) + 1})" if called in layers else called] = (data, at)
    names = list(layers)
    if source.layer is None and 1 < len(names) <= _MOST_OPENED:
        full = [name for name, (data, at) in layers.items() if feature_count(source, "LIBKML", at, data)]
        names = full or names[:1]
    layer = tables.choose(names, source.layer, source.role, source.name, "folder")
    data, at = layers[layer]
    frame = read_through(source, "LIBKML", at, None, data).rename(columns={"Name": "name"})
    frame = without_empty(frame.drop(columns=[look for look in _LOOKS if look in frame.columns]))
    if "id" in frame.columns and (frame["id"].isna().any() or _numbers_places(frame["id"])):
        frame = frame.rename(columns={"id": "placemark_id"})
    return frame, layer


def _numbers_places(marks: Sequence[Any]) -> bool:
    """Whether ids only count the placemarks, as those of GDAL ("layer.1") and ArcGIS ("ID_00001") do."""
    found = [re.fullmatch(r"(.+\.|ID_)(\d+)", mark) for mark in marks if isinstance(mark, str)]
    counted = {(match[1], int(match[2]) - at) for at, match in enumerate(found) if match}
    return None not in found and len(counted) == 1


def read_gpx(source: Source) -> tuple[Any, str | None]:
    """Read waypoints, routes or tracks of a GPX file."""
    data = _xml(source.content(), source)
    names = layer_names(source, "GPX", data)
    if source.layer is None:
        full = [name for name in names if name in _GPX and feature_count(source, "GPX", name, data)]
        names = [name for name in full if _GPX[name] in source.geometry] or full
    layer = tables.choose(names, source.layer, source.role, source.name)
    frame = without_empty(read_through(source, "GPX", layer, None, data))
    # GDAL takes codes of digits for numbers.
    coded = {tag.decode().replace(":", "_") for tag in _CODED.findall(data)}
    if lost := [name for name in frame.columns if name in coded and pd.api.types.is_numeric_dtype(frame[name])]:
        raise LayerError(source.name, Message("reading.gpx_zeros", columns=lost))
    return frame, layer


def _xml(data: bytes, source: Source) -> bytes:
    """Return the content of an XML file in UTF-8, without definitions that could name other files."""
    root = _ROOT.search(data)
    if _DOCTYPE.search(data[: root.start() if root else len(data)]):
        raise LayerError(source.name, Message("reading.doctype"))
    declared = _DECLARED.match(data)
    word = declared[1].decode("ascii") if declared else ""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        word = "utf-16"
    page = source.encoding or word or "utf-8"
    try:
        text = data.decode("gb18030" if page.lower() in ("gb2312", "gbk") else page)
    except LookupError as fault:
        raise LayerError(source.name, Message("reading.own_encoding", page=page)) from fault
    except UnicodeDecodeError as fault:
        raise LayerError(source.name, Message("reading.not_in_pages", pages=[page])) from fault
    text = re.sub(r"^\ufeff?\s*<\?xml.*?\?>", "", text, count=1, flags=re.DOTALL)
    return f'<?xml version="1.0" encoding="UTF-8"?>{text.lstrip(chr(0xFEFF))}'.encode()
