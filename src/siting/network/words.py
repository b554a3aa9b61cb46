"""Words for what a network says of itself."""

from __future__ import annotations

import os
from typing import Any

import geopandas as gpd
import pandas as pd
import pyproj

from siting.errors import LayerError


def counted(number: int, what: str) -> str:
    """Say how many there are of something."""
    return f"{number:,} {what}{'s' * (number != 1)}"


def crs_name(crs: pyproj.CRS) -> str:
    """Name a CRS by its code where it has one."""
    code = crs.to_epsg()
    return f"EPSG:{code}" if code else str(crs.name)


def must_be_layer(given: Any, what: str) -> None:
    """Refuse what is no layer of places, and say what to give instead.

    Raises
    ------
    LayerError
        When *given* is not a GeoDataFrame or GeoSeries with geometry.
    """
    if isinstance(given, gpd.GeoSeries) or (isinstance(given, gpd.GeoDataFrame) and given.active_geometry_name):
        return
    kind = type(given).__name__
    if isinstance(given, (str, os.PathLike)):
        raise LayerError(what, f"is a {kind}, not a layer; read the file first, with read_layer")
    if isinstance(given, pd.DataFrame):
        raise LayerError(
            what,
            "has no geometry; give a GeoDataFrame, such as geopandas.GeoDataFrame(table, "
            "geometry=geopandas.points_from_xy(table.lon, table.lat), crs=4326)",
        )
    raise LayerError(what, f"is a {kind}, not a layer; give a GeoDataFrame of points or polygons with ids as its index")
