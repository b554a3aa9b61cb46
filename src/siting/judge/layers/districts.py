"""The district of a row: the one it names, else the one that contains it."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd

from siting.data import points, to_crs
from siting.data.district_names import full_names
from siting.judge.layers.rule_columns import Missing

__all__ = ["by_id_or_name", "counties_of", "township_of"]


def by_id_or_name(given: pd.Series, units: pd.DataFrame, every: pd.DataFrame | None = None) -> pd.Series:
    """Return ids of units given by id or unique name; with *every* district also by 甲区城东街道."""
    words = given.astype(object)
    return words.where(words.isin(units.index), words.map(full_names(units, every)))


def township_of(
    frame: gpd.GeoDataFrame, towns: gpd.GeoDataFrame, districts: gpd.GeoDataFrame | None = None
) -> pd.Series:
    """Return the township of each row: by its column `district` (see `by_id_or_name`), else by location."""
    own = pd.Series(None, frame.index, dtype=object)
    if "district" in frame:
        own = by_id_or_name(frame["district"], towns, districts)
    lost = own.isna()
    if lost.any() and isinstance(frame, gpd.GeoDataFrame):
        where = points(to_crs(frame[lost.to_numpy()], towns.crs))
        found = where.sindex.query(towns.geometry, predicate="intersects")
        place = pd.Series(None, where.index, dtype=object)
        place.iloc[found[1][::-1]] = towns.index[found[0][::-1]]
        own = own.where(~lost, place.reindex(own.index))
    return own


def counties_of(districts: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the counties: the districts of that level, else the townships joined by their `parent`."""
    if "level" in districts and (districts["level"] == "county").any():
        return districts[districts["level"] == "county"]
    if "parent" not in districts:
        raise Missing("audit.no_column", layer="districts", absent="parent")
    return districts[["parent", districts.geometry.name]].dissolve("parent").assign(name=lambda joined: joined.index)
