"""Communities by walking distance: a colour for each, and the entries of the key."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd

from siting.errors import SitingError
from siting.labels import label
from siting.messages import Message
from siting.show.colours import NEUTRAL, NO_PATH, OUTSIDE, band_colours
from siting.show.picture_key import Entry

__all__ = ["CommunityColours", "colour_communities"]


@dataclass(frozen=True)
class CommunityColours:
    """A colour for each community, and the entries of the key with their heading."""

    colours: pd.Series
    entries: tuple[Entry, ...]
    heading: str


def colour_communities(communities: gpd.GeoDataFrame | None, bands: pd.DataFrame | None, lang: str) -> CommunityColours:
    """Give each community the colour of its band."""
    if communities is None:
        return CommunityColours(pd.Series(dtype=object), (), "")
    colours = pd.Series(NEUTRAL, index=communities.index, dtype=object)
    if bands is None:
        heading = label("picture.communities", lang)
        return CommunityColours(colours, (Entry("dot", NEUTRAL, heading, count=len(colours)),), heading)
    if "band" not in bands.columns:
        raise SitingError(Message("show.no_band"))
    rows = bands.loc[communities.index.intersection(bands.index)]
    band, limits = rows["band"], np.sort(rows["band"].dropna().unique())
    units = rows["unit"].dropna().unique() if "unit" in rows else []
    unit = str(units[0]) if len(units) else "m"
    unit_words = label(f"unit.{unit}", lang)
    outside = band.isna()
    # Only a search beyond the largest limit distinguishes "too far" from "no path".
    lost = outside & rows["cost"].isna() if "cost" in rows else outside & False
    if lost.sum() == outside.sum():
        lost &= False
    far = label("picture.outside_all", lang)
    if len(limits):
        far = label("picture.outside", lang, limit=f"{limits[-1]:g} {unit_words}")
    starts = ["≤ ", *(f"{limit:g}–" for limit in limits[:-1])]
    lines = [
        (band == limit, colour, f"{start}{limit:g} {unit_words}")
        for limit, colour, start in zip(limits, band_colours(len(limits)), starts, strict=False)
    ]
    lines += [(outside & ~lost, OUTSIDE, far), (lost, NO_PATH, label("picture.no_path", lang))]
    entries = []
    for members, colour, words in lines:
        if members.any():
            colours[rows.index[members]] = colour
            strong = colour in (OUTSIDE, NO_PATH)
            entries.append(Entry("dot", colour, words, count=int(members.sum()), strong=strong))
    if left := len(communities) - len(rows):
        entries.append(Entry("dot", NEUTRAL, label("picture.not_judged", lang), count=left))
    return CommunityColours(colours, tuple(entries), label(f"picture.by_{unit}", lang))
