"""From SRIDs of PostGIS to coordinate reference systems, and back."""

from __future__ import annotations

import warnings

import numpy as np
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError, ProjError

from siting.data.datums import WGS84, crs_name, same_crs
from siting.data.postgis_connection import Database
from siting.errors import LayerError
from siting.messages import Message

#: Two definitions of one system differ by less, in metres or degrees.
_METRES, _DEGREES = 1e-3, 1e-8
#: The characters that spatial_ref_sys holds of a definition, and its largest SRID.
_MOST, _LARGEST = 2048, 998_999


def crs_of(database: Database, srid: int) -> CRS | None:
    """Return the CRS of an SRID as the database defines it; None for one that it does not know, and for 0."""
    row = _defined(database, srid)
    if row is None:
        return None
    authority, code, text = row
    try:
        if authority and code:
            return CRS.from_authority(authority, code)
    except CRSError:
        pass  # the number of an office, not of a published list
    try:
        return CRS.from_wkt(text)
    except CRSError:
        return None


def srid_of(database: Database, crs: CRS, wanted: int | None, middle: tuple[float, float], name: str) -> int:
    """Return the SRID to keep *crs* under: that of its exact EPSG code, or *wanted*, defined where it is missing."""
    code = 4326 if same_crs(crs, WGS84) else crs.to_epsg()  # also as OGC:CRS84, whose axes are the other way round
    exact = code if code is not None and same_crs(CRS.from_epsg(code), crs) else None
    if wanted is None and exact is None:
        raise LayerError(name, Message("postgis.no_srid", crs=crs_name(crs)))
    srid = exact if wanted is None else wanted
    if isinstance(srid, bool) or not isinstance(srid, int) or not 0 < srid <= _LARGEST:
        raise LayerError(name, Message("postgis.bad_srid", value=srid, most=_LARGEST))
    if _defined(database, srid) is None:
        _define(database, srid, crs, "EPSG" if srid == exact else "siting")
        return srid
    stored = crs_of(database, srid)
    if stored is None or not (same_crs(stored, crs) or _agree(stored, crs, middle)):
        called = Message("postgis.unreadable") if stored is None else crs_name(stored)
        raise LayerError(name, Message("postgis.other_srid", srid=srid, stored=called, crs=crs_name(crs)))
    return srid


def _defined(database: Database, srid: int) -> tuple[str | None, int | None, str] | None:
    from psycopg import sql

    asked = sql.SQL("SELECT auth_name, auth_srid, srtext FROM {} WHERE srid = %s")
    found = database.cursor.execute(asked.format(sql.Identifier(database.home, "spatial_ref_sys")), [srid]).fetchone()
    return None if found is None else (found[0], found[1], found[2] or "")


def _define(database: Database, srid: int, crs: CRS, authority: str) -> None:
    from psycopg import sql

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the short form may lose something; it is wanted all the same
        short = crs.to_proj4() or ""
    asked = sql.SQL("INSERT INTO {} (srid, auth_name, auth_srid, srtext, proj4text) VALUES (%s, %s, %s, %s, %s)")
    table = sql.Identifier(database.home, "spatial_ref_sys")
    database.cursor.execute(asked.format(table), [srid, authority, srid, _text(crs), short[:_MOST]])


def _text(crs: CRS) -> str:
    """Return a definition of *crs* that reads back as the same."""
    for version in ("WKT1_GDAL", "WKT2_2019"):
        try:
            text = crs.to_wkt(version=version)
        except CRSError:
            continue
        if text and len(text) <= _MOST and same_crs(CRS.from_wkt(text), crs):
            return str(text)
    raise LayerError(crs_name(crs), Message("postgis.long_crs"))


def _agree(one: CRS, other: CRS, middle: tuple[float, float]) -> bool:
    """Whether two definitions give the same coordinates in the middle of the layer."""
    if one.is_geographic != other.is_geographic or not np.isfinite(middle).all():
        return False
    try:
        moved = Transformer.from_crs(other, one, always_xy=True).transform(*middle)
    except ProjError:
        return False
    limit = _DEGREES if one.is_geographic else _METRES
    return bool(np.abs(np.subtract(moved, middle)).max() < limit)
