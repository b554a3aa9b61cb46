"""The community (社区) or administrative village (行政村) of an estate or a facility."""

from __future__ import annotations

import logging

import geopandas as gpd
import numpy as np
import pandas as pd

from siting.data import points, to_crs
from siting.data.district_names import names_apart
from siting.judge.layers.context import Context
from siting.messages import Message

__all__ = ["AREAS", "COLUMNS", "belonging", "has_word", "kind_of", "named_unit", "placed"]

logger = logging.getLogger(__name__)

#: The layer of communities (社区) and administrative villages (行政村).
AREAS = "community_areas"
#: The columns that name the unit of a row, in order, by who is judged.
COLUMNS = {
    "community": ("community_area", "village"),
    "village": ("village", "community_area"),
    "village_or_community": ("community_area", "village"),
}


def belonging(context: Context, how: str) -> tuple[pd.Series, pd.DataFrame]:
    """Return the unit of each row, missing for parks, and the units: `name`, `town`, `shown` (distinct name)."""
    homes, areas = context.layers["communities"], _areas(context)
    names, towns = _given(homes, how), _towns(context, "communities")
    own = named_unit(names, towns, areas)
    strange = names.notna() & own.isna()
    if len(areas) and strange.any():
        named = names[strange].unique()
        logger.warning(Message("verdict.own_units", n=int(strange.sum()), layer=AREAS, ids=named))
    apart = _apart(names[strange], towns[strange], names_apart(context.layers.get("districts", pd.DataFrame())))
    own = own.where(~strange, apart["unit"].reindex(own.index))
    own = own.where(own.notna(), _lies_in(homes, context.layers.get(AREAS)))
    parks = homes["kind"] == "park" if "kind" in homes else pd.Series(False, homes.index)
    own = own.where(~parks, None)
    itself = own.isna() & ~parks
    taken = set(own.dropna())
    ids = pd.Series([f"{i} (*)" if i in taken else i for i in homes.index], homes.index, dtype=object)
    own = own.where(~itself, ids)
    rows = pd.DataFrame({"name": _names(homes), "town": towns, "shown": _names(homes)})[itself]
    units = [areas, apart.drop_duplicates("unit").set_index("unit"), rows.set_axis(pd.Index(ids[itself]))]
    return own, pd.concat(units)


def _names(frame: pd.DataFrame) -> pd.Series:
    return frame["name"] if "name" in frame else pd.Series(frame.index.astype(str), frame.index)


def _areas(context: Context) -> pd.DataFrame:
    areas = context.layers.get(AREAS)
    if areas is None:
        return pd.DataFrame({"name": [], "town": [], "shown": []}, dtype=object)
    names = pd.Series(_names(areas), dtype=object)
    return pd.DataFrame({"name": names, "town": _towns(context, AREAS), "shown": names}, areas.index)


def _apart(names: pd.Series, towns: pd.Series, called: pd.Series) -> pd.DataFrame:
    """Make units of names: a name in several townships is several units."""
    known = towns != ""
    twice = names.map(towns[known].groupby(names[known]).nunique()).fillna(0) > 1
    unit, shown = (
        names.where(~twice, names.astype(str) + "（" + own.astype(str) + "）")
        for own in (towns, towns.map(lambda town: called.get(town, town)))
    )
    return pd.DataFrame({"unit": unit, "name": names, "town": towns, "shown": shown}, names.index)


def named_unit(given: pd.Series, towns: pd.Series, units: pd.DataFrame) -> pd.Series:
    """Find *units* (`name`, `town`) by id, or by a name that is unique, within the same township if both are known."""
    by_name: dict[object, list[tuple[object, str]]] = {}
    for unit, name, town in zip(units.index, units["name"], units["town"], strict=True):
        by_name.setdefault(name, []).append((unit, town))
    ids = set(units.index)
    found: dict[tuple[object, object], object] = {}
    pairs = list(zip(given, towns, strict=True))
    for word, town in dict.fromkeys(pair for pair in pairs if not pd.isna(pair[0])):
        alike = [unit for unit, other in by_name.get(word, []) if not town or not other or town == other]
        found[word, town] = word if word in ids else (alike[0] if len(alike) == 1 else None)
    return pd.Series([found.get(pair) for pair in pairs], given.index, dtype=object)


def placed(context: Context, layer: str, how: str, own: pd.Series, units: pd.DataFrame) -> pd.Series:
    """Return the unit of each facility: the one it names, else that of its estate, else the area that contains it."""
    frame, towns = context.layer(layer), _towns(context, layer)
    names = _given(frame, how)
    found = named_unit(names, towns, units)
    strange = names.notna() & found.isna()
    if strange.any():
        named = names[strange].unique()
        logger.warning(Message("verdict.where_they_lie", layer=layer, n=int(strange.sum()), ids=named))
    if "community" in frame:
        homes = context.layers["communities"]
        rows = pd.DataFrame({"name": homes.get("name", ""), "town": _towns(context, "communities")}, homes.index)
        estate = named_unit(_words(frame["community"]), towns, rows)
        found = found.where(found.notna(), estate.map(own, na_action="ignore"))
    found = found.where(found.notna(), _lies_in(frame, context.layers.get(AREAS)))
    return found.where(found.notna(), None)


def has_word(given: pd.Series) -> pd.Series:
    """Mark the cells that hold a word."""
    return given.notna() & (given.astype(str).str.strip() != "")


def _words(given: pd.Series) -> pd.Series:
    return given.astype(object).where(has_word(given), None)


def kind_of(areas: pd.DataFrame) -> pd.Series:
    """Return the kinds of areas: communities where the layer has none."""
    return areas["kind"] if "kind" in areas else pd.Series("community", areas.index)


def _given(frame: pd.DataFrame, how: str) -> pd.Series:
    """Return the unit that each row names; where both are judged, villages come first."""
    columns = [_words(frame[name]) for name in COLUMNS[how] if name in frame]
    if not columns:
        return pd.Series(None, frame.index, dtype=object)
    first, last = columns[0], columns[-1]
    found = first.where(first.notna(), last)
    if how == "village_or_community" and "kind" in frame:
        found = found.where(frame["kind"] != "village", last.where(last.notna(), first))
    return found


def _towns(context: Context, layer: str) -> pd.Series:
    """Return the township of each row of a layer; blank where unknown."""
    frame = context.layers[layer]
    found = pd.Series("", frame.index, dtype=object)
    if len(context.layers.get("districts", ())) and ("district" in frame or isinstance(frame, gpd.GeoDataFrame)):
        found = context.township(layer)
    elif "district" in frame:
        found = frame["district"].astype(object)
    return found.where(has_word(found), "")


def _lies_in(frame: pd.DataFrame, areas: pd.DataFrame | None) -> pd.Series:
    """Return the area that contains each row, where areas are drawn."""
    found = pd.Series(None, frame.index, dtype=object)
    if isinstance(areas, gpd.GeoDataFrame) and isinstance(frame, gpd.GeoDataFrame) and len(frame):
        drawn = areas[areas.geom_type.isin(["Polygon", "MultiPolygon"])]
        area, row = points(to_crs(frame, areas.crs)).sindex.query(drawn.geometry, predicate="intersects")
        found.iloc[row[::-1]] = np.asarray(drawn.index, object)[area[::-1]]
    return found
