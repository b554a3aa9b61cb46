"""Districts in the service areas of institutions: by name, or by polygons."""

from __future__ import annotations

import logging
import re
from dataclasses import replace

import geopandas as gpd
import pandas as pd

from siting.data import to_crs
from siting.judge.layers.context import Context
from siting.judge.layers.districts import by_id_or_name
from siting.judge.layers.membership import named_unit
from siting.judge.layers.rule_columns import Missing
from siting.judge.standards.rule import Rule
from siting.judge.wording.sentences import Sentence
from siting.messages import Message

__all__ = ["AREAS", "served_districts", "townships_served"]

logger = logging.getLogger(__name__)

#: The layer of service areas, and the column of facilities that names districts.
AREAS, COLUMN = "service_areas", "serves"
SEVERAL = re.compile(r"\s*[;；,，、/／|\n]\s*")
#: An area serves a district if it covers this share; less comes from inexact drawing.
MOST = 0.5


def served_districts(rule: Rule, layer: str, context: Context) -> tuple[pd.Series, tuple[Sentence, ...]]:
    """Mark the districts served by a counted facility, by name or by half their area; remarks list what is unclear."""
    context = context.whole or context
    units, facilities = context.districts(rule.applies_to), context.stock(rule, layer)
    served = pd.Series(False, units.index)
    remarks: list[Sentence] = []
    if COLUMN in facilities:
        named, strange = _named(facilities, layer, context)
        if rule.applies_to != "county":
            parents = _parents(context)
            named |= set(parents.index[parents.isin(named)])
        served |= units.index.isin(named)
        if strange:
            logger.warning(Message("verdict.serves_strange", layer=layer, column=COLUMN, ids=strange))
            remarks.append(("audit.serves_strange", {"words": tuple(strange)}))
    areas = context.layers.get(AREAS)
    if areas is not None:
        if "facility" not in areas:
            raise Missing("audit.no_column", layer=AREAS, absent="facility")
        served |= _covered(units, areas[by_id_or_name(areas["facility"], facilities).notna().to_numpy()])
        lost = by_id_or_name(areas["facility"], context.layer(layer)).isna()
        if lost.all():
            remarks.append(("audit.areas_strange", {"layer": AREAS, "of": layer}))
        elif lost.any():
            ids = areas["facility"][lost].unique()
            logger.warning(Message("verdict.areas_lost", layer=AREAS, n=int(lost.sum()), of=layer, ids=ids))
    elif COLUMN not in facilities:
        remarks.append(("audit.serves_unknown", {"absent": COLUMN, "layer": AREAS, "key": AREAS}))
    return served, tuple(remarks)


def townships_served(rule: Rule, context: Context) -> tuple[Sentence, ...]:
    """Write how many townships the counted facilities serve, if column or layer is there."""
    layer = rule.layers[0]
    known = COLUMN in context.layer(layer) or AREAS in context.layers
    if not known or not len(context.layers.get("districts", ())):
        return ()
    served, remarks = served_districts(replace(rule, applies_to="township"), layer, context)
    here = served[context.districts("township").index]
    return (("audit.serve", {"part": int(here.sum()), "total": len(here)}), *remarks)


def _named(facilities: pd.DataFrame, layer: str, context: Context) -> tuple[set[object], list[str]]:
    """Return ids of districts that facilities name, and words that name none."""
    districts, parents = context.layer("districts"), _parents(context)
    cells = facilities[COLUMN].dropna().astype(str).map(lambda cell: _words(cell, districts)).explode().dropna()
    words = cells.astype(object).reset_index(drop=True)
    found = by_id_or_name(words, districts)
    if not parents.empty:  # of several with one name, that in the county of the facility
        names = districts["name"] if "name" in districts else pd.Series("", districts.index)
        known = pd.DataFrame({"name": names, "town": parents.reindex(districts.index).fillna("")})
        county = context.township(layer).map(parents).reindex(cells.index).fillna("")
        found = found.where(found.notna(), named_unit(words, county.reset_index(drop=True), known))
        found = found.where(found.notna(), by_id_or_name(words, context.counties))
    return set(found.dropna()), list(dict.fromkeys(words[found.isna()]))


def _parents(context: Context) -> pd.Series:
    try:
        return context.parents
    except Missing:
        return pd.Series(dtype=object)


def _words(cell: str, districts: pd.DataFrame) -> list[str]:
    whole = cell.strip()
    if whole in districts.index or ("name" in districts and (districts["name"] == whole).any()):
        return [whole]  # a name may hold a separator
    return [word for word in SEVERAL.split(whole) if word]


def _covered(units: gpd.GeoDataFrame, areas: gpd.GeoDataFrame) -> pd.Series:
    """Mark the districts that lie by more than half in an area."""
    if not len(areas):
        return pd.Series(False, units.index)
    drawn = to_crs(areas, units.crs).dissolve("facility")
    district, area = drawn.sindex.query(units.geometry, predicate="intersects")
    shapes = units.geometry.iloc[district].reset_index(drop=True)
    shared = shapes.intersection(drawn.geometry.iloc[area].reset_index(drop=True)).area
    enough = (shared > MOST * shapes.area).to_numpy(bool)
    return pd.Series(units.index.isin(units.index[district[enough]]), units.index)
