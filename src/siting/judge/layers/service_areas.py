"""Which townships the service areas of institutions cover: by what they say, or by polygons."""

from __future__ import annotations

import logging
import re
from dataclasses import replace

import geopandas as gpd
import pandas as pd

from siting.data import to_crs
from siting.errors import some
from siting.judge.layers.columns import Missing
from siting.judge.layers.context import Context
from siting.judge.layers.districts import by_id_or_name
from siting.judge.layers.membership import named_unit
from siting.judge.standards.rule import Rule
from siting.judge.wording.sentences import Message

__all__ = ["AREAS", "served_districts", "townships_served"]

logger = logging.getLogger(__name__)

#: The layer of service areas, and the column of facilities that names districts.
AREAS, COLUMN = "service_areas", "serves"
#: Between the districts of one cell.
SEVERAL = re.compile(r"\s*[;；,，、/／|\n]\s*")
#: An area serves a district of which it covers so much; less is a matter of how lines were drawn.
MOST = 0.5


def served_districts(rule: Rule, layer: str, context: Context) -> tuple[pd.Series, tuple[Message, ...]]:
    """Mark the districts of the whole that a facility which counts for the rule serves.

    A facility serves the townships that its column `serves` names, all townships of a county that it names, and those
    that lie by more than half in its polygon of the layer `service_areas`. The remarks are words that name no district,
    or several, and that no facility tells what it serves.
    """
    context = context.whole or context
    units, facilities = context.districts(rule.applies_to), context.stock(rule, layer)
    served = pd.Series(False, units.index)
    remarks: list[Message] = []
    if COLUMN in facilities:
        named, strange = _named(facilities, layer, context)
        served |= units.index.isin(_of_level(named, rule, context))
        if strange:
            logger.warning('%s: "%s" names no district, or several of one name: %s', layer, COLUMN, some(strange))
            remarks.append(("audit.serves_strange", {"words": tuple(strange)}))
    areas = context.layers.get(AREAS)
    if areas is not None:
        own = areas[_facility_of(areas, facilities).notna().to_numpy()]
        served |= _covered(units, own)
        lost = _facility_of(areas, context.layer(layer)).isna()
        if lost.all():
            remarks.append(("audit.areas_strange", {"layer": AREAS, "of": layer}))
        elif lost.any():
            logger.warning("%s: %d rows belong to no facility of %s: %s", AREAS, int(lost.sum()), layer,
                           some(areas["facility"][lost].unique()))  # fmt: skip
    if COLUMN not in facilities and areas is None:
        remarks.append(("audit.serves_unknown", {"absent": COLUMN, "layer": AREAS, "key": AREAS}))
    return served, tuple(remarks)


def townships_served(rule: Rule, context: Context) -> tuple[Message, ...]:
    """Say how many townships the facilities that count serve, where they or the layer of service areas tell it."""
    layer = rule.layers[0]
    told = COLUMN in context.layer(layer) or AREAS in context.layers
    if not told or not len(context.layers.get("districts", ())):
        return ()
    served, remarks = served_districts(replace(rule, applies_to="township"), layer, context)
    here = served[context.districts("township").index]
    return (("audit.serve", {"part": int(here.sum()), "total": len(here)}), *remarks)


def _named(facilities: pd.DataFrame, layer: str, context: Context) -> tuple[set[object], list[str]]:
    """Read the districts that facilities name: their ids, and the words that are none."""
    districts, parents = context.layer("districts"), _parents(context)
    cells = facilities[COLUMN].dropna().astype(str).map(lambda cell: _words(cell, districts)).explode().dropna()
    words = cells.astype(object).reset_index(drop=True)
    found = by_id_or_name(words, districts)
    if not parents.empty:  # one of several of a name: the one in the county of the facility
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


def _of_level(named: set[object], rule: Rule, context: Context) -> set[object]:
    """Add the townships of the counties that are named, and leave the townships as they are."""
    if rule.applies_to == "county":
        return named
    parents = _parents(context)
    return named | set(parents.index[parents.isin(named)])


def _facility_of(areas: pd.DataFrame, facilities: pd.DataFrame) -> pd.Series:
    if "facility" not in areas:
        raise Missing("audit.no_column", layer=AREAS, absent="facility")
    return by_id_or_name(areas["facility"], facilities)


def _covered(units: gpd.GeoDataFrame, areas: gpd.GeoDataFrame) -> pd.Series:
    """Mark the districts that lie by more than half in one of the areas."""
    if not len(areas):
        return pd.Series(False, units.index)
    drawn = to_crs(areas, units.crs).dissolve("facility")
    district, area = drawn.sindex.query(units.geometry, predicate="intersects")
    shapes = units.geometry.iloc[district].reset_index(drop=True)
    shared = shapes.intersection(drawn.geometry.iloc[area].reset_index(drop=True)).area
    enough = (shared > MOST * shapes.area).to_numpy(bool)
    return pd.Series(units.index.isin(units.index[district[enough]]), units.index)
