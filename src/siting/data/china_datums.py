"""The datums of Chinese map services, GCJ-02 and BD-09, and their offsets from WGS 84.

GCJ-02 is WGS 84 with an offset of up to 700 m that varies from place to place: a polynomial and sines of longitude and
latitude in metres, turned to degrees on Krasovsky's ellipsoid. BD-09 is GCJ-02 with a second offset, about 900 m to the
north-east. Neither is published by its makers; the formulas are those in general circulation [1]_ [2]_. The ways back
have no formula, and are fixed points of the ways there: each round leaves a fiftieth of the error or less, and the
rounds end when no coordinate moves by 1e-11 degrees (1 µm). CGCS2000 is WGS 84 to centimetres and counts as equal.

References
----------
.. [1] googollee, *eviltransform*, github.com/googollee/eviltransform (MIT licence).
.. [2] J. Hu, *gcoord*, github.com/hujiulong/gcoord (MIT licence).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from difflib import get_close_matches
from typing import Literal

import numpy as np

from siting.data.china_region import in_region
from siting.errors import SitingError
from siting.messages import Message
from siting.numbers import Floats

__all__ = ["DATUMS", "Datum", "is_shifted", "read_datum", "shifted"]

Datum = Literal["WGS84", "CGCS2000", "GCJ-02", "BD-09"]
DATUMS: tuple[Datum, ...] = ("WGS84", "CGCS2000", "GCJ-02", "BD-09")
#: How the datums are written, without spaces and hyphens; the map services stand for their datum.
WORDS: dict[Datum, str] = {
    "WGS84": "wgs84 wgs1984 wgs84ll epsg4326 gps gps坐标 地球坐标 地球坐标系",
    "CGCS2000": "cgcs2000 epsg4490 china2000 天地图 tianditu 国家2000 2000国家大地坐标系 国家大地2000 大地2000",
    "GCJ-02": "gcj02 gcj02ll gcj 火星 火星坐标 火星坐标系 mars 国测局坐标 国测局坐标系 "
    "高德 高德地图 高德坐标 amap gaode autonavi 腾讯 腾讯地图 腾讯坐标 tencent",
    "BD-09": "bd09 bd09ll bd 百度 百度地图 百度坐标 百度坐标系 百度经纬度 baidu",
}
#: Metres of Baidu's own projection, which has no exact formula: the two directions of its fit differ by decimetres.
METRES = "bd09mc bd09meter bd09m 百度墨卡托 百度米制坐标"
#: Semi-major axis of Krasovsky's ellipsoid, metres, and the square of its eccentricity.
AXIS, ECCENTRICITY = 6378245.0, 0.00669342162296594323
#: The most rounds of the ways back, and the move, degrees, that ends them.
ROUNDS, STILL = 16, 1e-11
#: Places at a time, so that intermediate results stay in the cache.
CHUNK = 16_384


def read_datum(word: object, what: str = "datum") -> Datum:
    """Return the datum that *word* names; SitingError when it names none.

    Examples
    --------
    >>> [read_datum(word) for word in ("gcj02", "高德", "百度", "bd09ll", "WGS 84")]
    ['GCJ-02', 'GCJ-02', 'BD-09', 'BD-09', 'WGS84']
    """
    plain = unicodedata.normalize("NFKC", str(word)).lower()
    plain = "".join(sign for sign in plain if sign.isalnum())
    known = {spelling: datum for datum, spellings in WORDS.items() for spelling in spellings.split()}
    if isinstance(word, str) and plain in known:
        return known[plain]
    if plain in METRES.split():
        raise SitingError(Message("datum.baidu_metres", what=what, value=word))
    near = get_close_matches(plain, known, n=1)
    if near:
        raise SitingError(Message("datum.unknown_near", what=what, value=word, near=known[near[0]], choices=DATUMS))
    raise SitingError(Message("datum.unknown", what=what, value=word, choices=DATUMS))


def is_shifted(datum: Datum) -> bool:
    """Whether the datum is one of map services, with an offset from WGS 84."""
    return datum in ("GCJ-02", "BD-09")


def shifted(lonlat: Floats, source: Datum, target: Datum) -> Floats:
    """Return longitudes and latitudes (n, 2) of the datum *source* in the datum *target*, degrees.

    Places outside the region of `siting.data.china_region`, and NaN, stay as they are.

    Examples
    --------
    >>> shifted(np.array([[116.404, 39.915], [126.98, 37.57]]), "WGS84", "GCJ-02").round(6).tolist()
    [[116.410244, 39.916404], [126.98, 37.57]]
    """
    ranks = {"WGS84": 0, "CGCS2000": 0, "GCJ-02": 1, "BD-09": 2}
    begin, end = ranks[source], ranks[target]
    ways: tuple[Callable[[Floats, Floats], tuple[Floats, Floats]], ...] = (_gcj_offset, _bd_offset)
    out = np.array(lonlat, dtype=np.float64)
    rows = np.flatnonzero(in_region(out))
    for first in range(0, len(rows), CHUNK):
        at = rows[first : first + CHUNK]
        lon, lat = out[at].T.copy()
        for way in ways[begin:end]:
            by_lon, by_lat = way(lon, lat)
            lon, lat = lon + by_lon, lat + by_lat
        for way in reversed(ways[end:begin]):
            lon, lat = _back(way, lon, lat)
        out[at, 0], out[at, 1] = lon, lat
    return out


def _back(way: Callable[[Floats, Floats], tuple[Floats, Floats]], lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """Find the places that the offsets of *way* bring to *lon* and *lat*."""
    from_lon, from_lat = lon, lat
    for _ in range(ROUNDS):
        by_lon, by_lat = way(from_lon, from_lat)
        new_lon, new_lat = lon - by_lon, lat - by_lat
        move = max(np.abs(new_lon - from_lon).max(initial=0), np.abs(new_lat - from_lat).max(initial=0))
        from_lon, from_lat = new_lon, new_lat
        if move < STILL:
            break
    return from_lon, from_lat


def _gcj_offset(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """Return the offset of GCJ-02 from WGS 84 at places of WGS 84, degrees of longitude and latitude."""
    x, y = lon - 105.0, lat - 35.0
    root, product, turn_x, turn_y = np.sqrt(np.abs(x)), x * y, np.pi * x, np.pi * y
    ripple = 20 * np.sin(6 * turn_x) + 20 * np.sin(2 * turn_x)
    east = 20 * np.sin(turn_x) + 40 * np.sin(turn_x / 3) + 150 * np.sin(turn_x / 12) + 300 * np.sin(turn_x / 30)
    north = 20 * np.sin(turn_y) + 40 * np.sin(turn_y / 3) + 160 * np.sin(turn_y / 12) + 320 * np.sin(turn_y / 30)
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * product + 0.1 * root + (ripple + east) * 2 / 3
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * product + 0.2 * root + (ripple + north) * 2 / 3
    angle = np.radians(lat)
    sine = np.sin(angle)
    rest = 1 - ECCENTRICITY * sine * sine
    across = AXIS / np.sqrt(rest)  # radius of curvature in the prime vertical; along the meridian:
    along = across * (1 - ECCENTRICITY) / rest
    return np.degrees(east / (across * np.cos(angle))), np.degrees(north / along)


def _bd_offset(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """Return the offset of BD-09 from GCJ-02 at places of GCJ-02, degrees of longitude and latitude."""
    turn = np.pi * 3000 / 180
    radius = np.hypot(lon, lat) + 0.00002 * np.sin(lat * turn)
    angle = np.arctan2(lat, lon) + 0.000003 * np.cos(lon * turn)
    return radius * np.cos(angle) + 0.0065 - lon, radius * np.sin(angle) + 0.006 - lat
