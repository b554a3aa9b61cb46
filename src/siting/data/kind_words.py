"""Words for kinds of geometry and of files, in messages."""

from __future__ import annotations

from siting.messages import Message

_CHINESE = {
    "Point": "点", "LineString": "线", "LinearRing": "环", "Polygon": "面", "MultiPoint": "多点",
    "MultiLineString": "多线", "MultiPolygon": "多面", "GeometryCollection": "几何集合",
}  # fmt: skip


def kind_word(name: str) -> Message:
    """Return the word for a kind of geometry: its name, in Chinese 点, 线, 面."""
    return Message("data.word", zh=_CHINESE[name], en=name)


#: What drivers of GDAL read, where it is not called as they are.
_FORMATS = {
    "GPKG": ("GeoPackage", "a GeoPackage"),
    "OpenFileGDB": ("文件地理数据库（.gdb）", "a geodatabase"),
    "ESRI Shapefile": ("Shapefile", "a Shapefile"),
    "LIBKML": ("KML", "KML"),
    "MapInfo File": ("MapInfo 文件", "a MapInfo file"),
    "GeoJSONSeq": ("逐行 GeoJSON", "GeoJSON in lines"),
}


def format_word(driver: str) -> Message:
    """Return what a driver of GDAL reads, in the words of its users."""
    zh, en = _FORMATS.get(driver, (driver, driver))
    return Message("data.word", zh=zh, en=en)
